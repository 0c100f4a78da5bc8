//! etcd: the records, the registry and the beats of a fleet, for any number of verifiers.
//!
//! A thread of its own reads the state of the fleet every second, and writes every few seconds that this verifier is
//! running. Its findings can stop all service: while the database is not trusted, and while the clock of this host is
//! off. Nothing is written into a database that is not trusted. With each beat it writes a value that a database of
//! the past cannot have, and the state that was seen goes to the disk of this host.

use super::Base;
use crate::beats::{self, Beat};
use crate::etcd::{
    KeyValue, LeaseGrantRequest, LeaseKeepAliveRequest, PutRequest, RangeRequest, RequestOp,
    after_prefix, request_op,
};
use crate::keeper::{Accepted, Config, EtcdKeeper, Machine, Mark, PATIENCE, Standing};
use crate::name::PeerName;
use crate::registry::Entry;
use crate::server::clocks::{self, Found, Other};
use crate::server::log::Log;
use crate::server::sealing;
use otp_core::event::Severity;
use otp_core::messages::reason::Unfit;
use otp_core::{Account, Policy, UnixTime, UserName};
use otp_file::Unparsed;
use otp_helper::fleet::PolicyDigest;
use otp_site::{clock, policy};
use otp_store::{Error, Location, Seal};
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// The time that looking up a name in the registry may take.
const TO_LOOK_UP: Duration = Duration::from_secs(3);

/// The time between two rounds. A beat is noticed at most this late, which limits how precisely clocks are compared.
const ROUND: Duration = Duration::from_secs(1);

/// The number of rounds for each beat of this verifier.
const ROUNDS_A_BEAT: u64 = 5;

/// How long a beat lasts, in seconds, if no other follows.
const LEASE: i64 = 15;

/// The time that one question of a round may take.
const TO_ASK: Duration = Duration::from_secs(3);

/// The time limit of a dialogue. The keeper limits each of its questions; the dialogue itself ends long before this.
const DIALOGUE: Duration = Duration::from_secs(3600);

/// How long the result of a round is valid: longer than the longest round.
const STALE: Duration = Duration::from_secs(60);

/// How long an excess of a machine is reported.
const TOLD_FOR: Duration = Duration::from_secs(3600);

/// The number of machines that are reported.
const MOST_TOLD: usize = 16;

/// The name of the file with the high-water mark.
const SEEN: &str = "seen";

/// The reason for refusing before the first round.
const NOT_YET: &str = "the database has not answered yet";

/// The database of a fleet.
pub struct Etcd(Arc<Shared>, Mutex<Option<JoinHandle<Rounds>>>);

struct Shared {
    keeper: EtcdKeeper,
    /// The name of this verifier.
    name: PeerName,
    policy: PathBuf,
    log: Log,
    stands: Mutex<Stands>,
    policies: Mutex<Policies>,
    /// The machines that have asked for more than one machine may, and when they last did.
    held_back: Mutex<HashMap<PeerName, Instant>>,
    /// Whether the rounds must end.
    ends: AtomicBool,
}

/// The state of the fleet, as far as this verifier knows.
struct Stands {
    refuses: Option<String>,
    /// The time of that finding.
    found: Instant,
}

impl Stands {
    /// Returns why no requests are served. An old finding does not count: the thread of the rounds may have ended.
    fn refuses(&self, now: Instant) -> Option<String> {
        if now.duration_since(self.found) > STALE {
            return Some("it is not known how the fleet stands".to_owned());
        }
        self.refuses.clone()
    }
}

/// The digests of the machines' policies.
#[derive(Default)]
struct Policies {
    last: HashMap<PeerName, PolicyDigest>,
    /// The digests to write, one for each machine: a machine that reports another policy with every request must not
    /// keep the thread from reading the state of the fleet.
    news: HashMap<PeerName, PolicyDigest>,
}

impl Policies {
    /// Takes the digest that a machine has just reported.
    fn hear(&mut self, machine: &PeerName, policy: PolicyDigest) {
        if self.last.get(machine) != Some(&policy) {
            self.last.insert(machine.clone(), policy);
            self.news.insert(machine.clone(), policy);
        }
    }

    /// Keeps unwritten digests for the next round, except for machines that have reported newer ones.
    fn put_back(&mut self, unwritten: impl IntoIterator<Item = (PeerName, PolicyDigest)>) {
        for (machine, policy) in unwritten {
            self.news.entry(machine).or_insert(policy);
        }
    }
}

impl Etcd {
    /// Begins work on the database. `state`: the directory with the high-water mark; `policy`: this verifier's
    /// policy.
    ///
    /// The database need not be running yet: until it is, no requests are served.
    ///
    /// # Errors
    /// No thread can be started, or the state that was seen before cannot be read.
    pub fn begin(
        config: &Config,
        state: &Path,
        policy: &Path,
        name: PeerName,
    ) -> Result<Self, String> {
        let keeper = EtcdKeeper::to(config).map_err(|error| error.to_string())?;
        let path = state.join(SEEN);
        let shown = path.display().to_string();
        let mut mark = Mark::open(&path).map_err(|error| format!("{shown}: {error}"))?;
        mark.known_as(&name);
        keeper
            .must_follow_mark(&mark)
            .map_err(|behind| behind.to_string())?;
        let shared = Arc::new(Shared {
            keeper,
            name,
            policy: policy.to_owned(),
            log: Log::default(),
            stands: Mutex::new(Stands {
                refuses: Some(NOT_YET.to_owned()),
                found: Instant::now(),
            }),
            policies: Mutex::default(),
            held_back: Mutex::default(),
            ends: AtomicBool::new(false),
        });
        let mut rounds = Rounds {
            shared: Arc::clone(&shared),
            mark,
            shown,
            lease: None,
            count: 0,
            told: None,
            is_mark_told: false,
            is_believed: false,
            others: HashMap::new(),
            is_told: HashMap::new(),
        };
        let first = Instant::now();
        rounds.round();
        let rest = ROUND.saturating_sub(first.elapsed());
        let go_on = move || {
            let mut next = Instant::now() + rest;
            while rounds.rests_until(next) {
                next = Instant::now() + ROUND;
                rounds.round();
            }
            rounds
        };
        let thread = thread::Builder::new()
            .name("rounds".to_owned())
            .spawn(go_on)
            .map_err(|error| format!("no thread could be started: {error}"))?;
        Ok(Self(shared, Mutex::new(Some(thread))))
    }

    /// Ends the rounds, for tests that count other requests. The last finding stays valid for a while.
    #[cfg(test)]
    pub(crate) fn without_rounds(&self) -> EtcdKeeper {
        self.0.ends.store(true, Ordering::Relaxed);
        let thread = self.1.lock().unwrap().take().unwrap();
        thread.thread().unpark();
        thread.join().unwrap();
        self.0.keeper.clone()
    }

    fn for_machine(&self, machine: &PeerName, limit: Duration) -> Result<EtcdKeeper, Error> {
        let machine = Machine::new(machine.as_str()).ok_or_else(|| Error::Missing {
            place: Location::of(machine.as_str()),
            what: Unfit::NoMachineName,
        })?;
        Ok(self.0.keeper.for_request(machine, limit))
    }
}

fn sealed(keeper: EtcdKeeper, policy: &Policy) -> EtcdKeeper {
    keeper.sealed_by(Seal::by_key_in(&policy.seal.key))
}

impl Base for Etcd {
    type Keeper = EtcdKeeper;
    type Begun = EtcdKeeper;

    fn entry(&self, name: &PeerName) -> Result<Option<Entry>, String> {
        let entries = self.entries(std::slice::from_ref(name))?;
        let entry = entries.into_iter().next();
        entry.ok_or_else(|| "etcd's answer is no answer".to_owned())?
    }

    fn entries(&self, names: &[PeerName]) -> Result<Vec<Result<Option<Entry>, String>>, String> {
        let keys = names.iter().map(|name| Entry::key(name).into());
        let until = Instant::now() + TO_LOOK_UP;
        let values = self.0.keeper.values(keys, until);
        let values = values.map_err(|error| error.to_string())?;
        let all = names.iter().zip(values);
        Ok(all
            .map(|(name, value)| entry_in(name, value.as_deref()))
            .collect())
    }

    fn begin(
        &self,
        machine: &PeerName,
        user: Option<&UserName>,
        limit: Duration,
    ) -> Result<(Option<Entry>, EtcdKeeper), String> {
        let keeper = self.for_machine(machine, limit);
        let keeper = keeper.map_err(|error| error.to_string())?;
        let until = Instant::now() + TO_LOOK_UP.min(limit);
        let entry = keeper
            .read_ahead(Entry::key(machine).into(), user, until)
            .map_err(|error| error.to_string())?;
        Ok((entry_in(machine, entry.as_deref())?, keeper))
    }

    fn for_request(&self, begun: EtcdKeeper, policy: &Policy) -> Result<EtcdKeeper, Error> {
        Ok(sealed(begun, policy))
    }

    fn for_dialogue(&self, machine: &PeerName, policy: &Policy) -> Result<EtcdKeeper, Error> {
        let keeper = self.for_machine(machine, DIALOGUE)?;
        Ok(sealed(keeper, policy))
    }

    /// The keeper stores this with the attempt.
    fn hears_of(&self, _: &PeerName, _: &Account, _: bool, _: UnixTime) {}

    fn last_accepted(&self, account: &Account) -> Result<Option<Accepted>, Error> {
        self.0.keeper.last_accepted(&account.name)
    }

    fn has_policy(&self, machine: &PeerName, policy: PolicyDigest) {
        let mut policies = self
            .0
            .policies
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        policies.hear(machine, policy);
    }

    fn holds_back(&self, machine: &PeerName) {
        let held_back = self.0.held_back.lock();
        let mut held_back = held_back.unwrap_or_else(PoisonError::into_inner);
        held_back.insert(machine.clone(), Instant::now());
    }

    fn refuses(&self) -> Option<String> {
        self.0.stands().refuses(Instant::now())
    }

    /// The last requests may have come after the last beat.
    fn ends(&self) {
        self.0.ends.store(true, Ordering::Relaxed);
        let thread = self.1.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            thread.thread().unpark();
            // A thread that has panicked has reported it, and has nothing to store.
            if let Ok(rounds) = thread.join() {
                rounds.last();
            }
        }
    }
}

/// Reads the entry from a value, if there is one.
fn entry_in(name: &PeerName, value: Option<&[u8]>) -> Result<Option<Entry>, String> {
    let entry = value.map(|value| Entry::from_text(name, value));
    entry.transpose().map_err(|why| unparsed(name, why))
}

fn unparsed(name: &PeerName, why: Unparsed) -> String {
    match why {
        Unparsed::Content { reason, .. } => format!("the entry of {name}: {reason}"),
        Unparsed::Newer => format!("the entry of {name}: written by a newer version of pam_otp"),
    }
}

impl Shared {
    fn stands(&self) -> MutexGuard<'_, Stands> {
        self.stands.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The state of the thread that does the rounds.
struct Rounds {
    shared: Arc<Shared>,
    mark: Mark,
    /// The path of the mark, for errors.
    shown: String,
    lease: Option<i64>,
    count: u64,
    /// When the log was told that no requests are served.
    told: Option<Instant>,
    /// Whether the log was told that the mark cannot be written.
    is_mark_told: bool,
    /// Whether the last round found a trusted database.
    is_believed: bool,
    /// The last beat of each other verifier, and how far its clock was ahead when the beat was read.
    others: HashMap<PeerName, Heard>,
    /// The verifiers whose clocks were reported in the log.
    is_told: HashMap<PeerName, bool>,
}

struct Heard {
    number: u64,
    other: Other,
}

impl Rounds {
    /// Waits until the next round; `false`: there is none.
    fn rests_until(&self, next: Instant) -> bool {
        while !self.shared.ends.load(Ordering::Relaxed) {
            let left = next.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            thread::park_timeout(left);
        }
        false
    }

    /// Reads the state of the fleet, and beats when it is time. It writes nothing into a database that is not
    /// trusted.
    fn round(&mut self) {
        let looked = self.look();
        self.is_believed = looked.is_ok();
        let refuses = match &looked {
            Ok((_, found)) => why_off(*found).or_else(|| self.without_key()),
            Err(reason) => Some(reason.clone()),
        };
        self.told_of(refuses.as_deref());
        *self.shared.stands() = Stands {
            refuses: refuses.clone(),
            found: Instant::now(),
        };
        if let Ok((standing, found)) = looked {
            self.write_policies(&standing);
            if self.count.is_multiple_of(ROUNDS_A_BEAT) {
                self.shared.keeper.client().prefer_the_leader();
                if let Err(reason) = self.beat(&standing, refuses, found) {
                    // The beat is for the other verifiers, and no login waits for it: a round reports what is wrong
                    // with the database.
                    self.lease = None;
                    drop(reason);
                }
                self.keep_what_was_seen();
            }
        }
        self.count += 1;
    }

    /// Returns why this verifier can open and write no records although others can. A policy that cannot be read is
    /// reported with every request.
    fn without_key(&self) -> Option<String> {
        let policy = policy::load(&self.shared.policy).ok()?;
        sealing::without_key_of_fleet(&policy.for_account())
    }

    /// Writes the last witness and the mark, after the last round.
    fn last(mut self) {
        let keeper = &self.shared.keeper;
        let until = Instant::now() + TO_ASK;
        if self.is_believed
            && let Ok(standing) = keeper.standing(until)
        {
            // If this cannot be written, the mark is still stored.
            keeper.bear_witness(&standing, Vec::new(), until).ok();
        }
        self.keep_what_was_seen();
    }

    /// Logs when this verifier begins or ends to serve; a reason that changes by a second now and then is logged
    /// again only after a while.
    fn told_of(&mut self, refuses: Option<&str>) {
        const ONCE_IN: Duration = Duration::from_secs(300);
        let log = &self.shared.log;
        match (self.told, refuses) {
            (Some(told), Some(_)) if told.elapsed() < ONCE_IN => {}
            (_, Some(reason)) => {
                log.fleet(Severity::Error, &format!("serves nobody: {reason}"));
                self.told = Some(Instant::now());
            }
            (Some(_), None) => {
                log.fleet(Severity::Notice, "serves again");
                self.told = None;
            }
            (None, None) => {}
        }
    }

    /// Reads the state of the fleet, and compares the clocks.
    ///
    /// # Errors
    /// The database does not answer, or is not trusted.
    fn look(&mut self) -> Result<(Standing, Option<Found>), String> {
        let shared = Arc::clone(&self.shared);
        let standing = match shared.keeper.standing(Instant::now() + PATIENCE) {
            Ok(standing) => standing,
            Err(error) => {
                self.keep_that_it_is_older();
                return Err(error.to_string());
            }
        };
        // The mark must be durable before any answer uses this state. So the first answer of all, and the first in a
        // new epoch, wait for it.
        let kept = self.mark.seen();
        if kept.is_none_or(|kept| kept.epoch != standing.seen.epoch) {
            let kept = self.keep_what_was_seen();
            if self.mark.seen().is_none() {
                return Err(kept.unwrap_or_else(|| NOT_YET.to_owned()));
            }
        }
        let request = RangeRequest {
            key: beats::PREFIX.into(),
            range_end: after_prefix(beats::PREFIX.as_bytes()),
            ..RangeRequest::default()
        };
        let beats = shared
            .keeper
            .client()
            .again(&request, Instant::now() + TO_ASK)
            .map_err(|failure| failure.to_string())?;
        let now = clock::now().map_err(|error| error.to_string())?;
        let began = self.hear(&beats.kvs, now);
        let others: Vec<Other> = self.others.values().map(|heard| heard.other).collect();
        self.tell_of_clocks();
        Ok((
            standing,
            clocks::compare(began.unwrap_or(i64::MAX), &others),
        ))
    }

    /// Stores the progress of the database on the disk; returns why that failed. A full disk refuses no one: the
    /// earlier state is still known.
    fn keep_what_was_seen(&mut self) -> Option<String> {
        let seen = self.shared.keeper.seen()?;
        if seen.is_refused {
            return self.keep_that_it_is_older();
        }
        let kept = self.mark.keep(seen);
        self.told_of_mark(kept)
    }

    /// Stores on the disk that the database was found to be older than before, if it was.
    fn keep_that_it_is_older(&mut self) -> Option<String> {
        let seen = self.shared.keeper.seen()?;
        if !seen.is_refused {
            return None;
        }
        let kept = self.mark.refuse(seen);
        self.told_of_mark(kept)
    }

    /// Logs once that the mark cannot be written.
    fn told_of_mark(&mut self, kept: io::Result<()>) -> Option<String> {
        let Err(error) = kept else {
            self.is_mark_told = false;
            return None;
        };
        let reason = format!("{}: {error}", self.shown);
        if !self.is_mark_told {
            self.shared.log.fleet(Severity::Error, &reason);
            self.is_mark_told = true;
        }
        Some(reason)
    }

    /// Reads the beats; returns when this verifier began, if it has beaten.
    fn hear(&mut self, kvs: &[KeyValue], now: UnixTime) -> Option<i64> {
        let mut began = None;
        let mut here = Vec::new();
        for kept in kvs {
            let name = kept.key.strip_prefix(beats::PREFIX.as_bytes());
            let name = name.and_then(|name| PeerName::new(std::str::from_utf8(name).ok()?));
            let Some(name) = name else {
                continue;
            };
            if name == self.shared.name {
                began = Some(kept.create_revision);
                continue;
            }
            // This release cannot read a beat of a newer one.
            let Ok(beat) = Beat::from_text(&name, &kept.value) else {
                continue;
            };
            let is_known = |heard: &Heard| heard.number == beat.number;
            if !self.others.get(&name).is_some_and(is_known) {
                // The beat may be one round old.
                let ahead = seconds(beat.time) - seconds(now);
                let other = Other {
                    ahead,
                    began: kept.create_revision,
                };
                let number = beat.number;
                self.others.insert(name.clone(), Heard { number, other });
            }
            here.push(name);
        }
        self.others.retain(|name, _| here.contains(name));
        self.is_told.retain(|name, _| here.contains(name));
        began
    }

    /// Logs each clock that differs, once.
    fn tell_of_clocks(&mut self) {
        for (name, heard) in &self.others {
            let ahead = heard.other.ahead;
            let differs = ahead.unsigned_abs() >= clocks::MOST;
            let before = self.is_told.insert(name.clone(), differs);
            match (before.unwrap_or(false), differs) {
                (false, true) => self.shared.log.fleet(
                    Severity::Warning,
                    &format!("the clock of {name} is {}", off_by(ahead, "this one")),
                ),
                (true, false) => self.shared.log.fleet(
                    Severity::Notice,
                    &format!("the clock of {name} agrees with this one again"),
                ),
                _ => {}
            }
        }
    }

    /// Writes that this verifier is running, and a value that no database of the past can have.
    fn beat(
        &mut self,
        standing: &Standing,
        refuses: Option<String>,
        found: Option<Found>,
    ) -> Result<(), String> {
        let until = Instant::now() + TO_ASK;
        let client = self.shared.keeper.client();
        let words = |failure: crate::etcd::Failure| failure.to_string();
        let lease = match self.lease {
            Some(id) => {
                let kept = client.once(LeaseKeepAliveRequest { id }, until);
                kept.map_err(words)?.ttl > 0
            }
            None => false,
        };
        if !lease {
            let request = LeaseGrantRequest { ttl: LEASE, id: 0 };
            self.lease = Some(client.once(request, until).map_err(words)?.id);
        }
        let policy = policy::load(&self.shared.policy).map_err(|error| error.to_string())?;
        let beat = Beat {
            name: self.shared.name.clone(),
            release: env!("CARGO_PKG_VERSION").to_owned(),
            time: clock::now().map_err(|error| error.to_string())?,
            number: self.count,
            ahead: found.map(|found| found.ahead),
            refuses,
            policy: PolicyDigest::of(&policy.for_account()),
            held_back: self.held_back(),
        };
        let put = PutRequest {
            key: Beat::key(&self.shared.name).into(),
            value: beat.to_text().into_bytes(),
            lease: self.lease.unwrap_or_default(),
            ..PutRequest::default()
        };
        let keeper = &self.shared.keeper;
        // If another process has written under this name, or an epoch has begun, the next beat is still in time.
        let written = keeper.bear_witness(standing, vec![step(put)], until);
        written.map(drop).map_err(|error| error.to_string())
    }

    /// Returns the machines that have recently asked for too much.
    fn held_back(&self) -> Vec<PeerName> {
        let held_back = self.shared.held_back.lock();
        let mut held_back = held_back.unwrap_or_else(PoisonError::into_inner);
        held_back.retain(|_, when| when.elapsed() < TOLD_FOR);
        let mut names: Vec<PeerName> = held_back.keys().cloned().collect();
        names.sort();
        names.truncate(MOST_TOLD);
        names
    }

    /// Writes the policies of machines, for as long as a round may be late. The next round writes what is left, or
    /// what cannot be written.
    fn write_policies(&self, standing: &Standing) {
        let lock = || {
            let policies = self.shared.policies.lock();
            policies.unwrap_or_else(PoisonError::into_inner)
        };
        let begun = Instant::now();
        let news = std::mem::take(&mut lock().news);
        let mut news = news.into_iter();
        while let Some((machine, policy)) = news.next() {
            let put = PutRequest {
                key: format!("{}{machine}", beats::POLICIES).into(),
                value: policy.to_string().into_bytes(),
                ..PutRequest::default()
            };
            let keeper = &self.shared.keeper;
            let written = keeper.write_beside(standing, vec![step(put)], Instant::now() + TO_ASK);
            let is_written = matches!(written, Ok(true));
            if !is_written || begun.elapsed() >= ROUND {
                // After a failure, each of the others would take as long.
                let unwritten = (!is_written).then_some((machine, policy));
                lock().put_back(unwritten.into_iter().chain(news));
                return;
            }
        }
    }
}

fn step(put: PutRequest) -> RequestOp {
    RequestOp {
        request: Some(request_op::Request::RequestPut(put)),
    }
}

/// Returns why no requests are served by this clock; `None`: it agrees with the others.
fn why_off(found: Option<Found>) -> Option<String> {
    let found = found.filter(|found| found.is_off)?;
    Some(format!(
        "the clock of this verifier is {}",
        off_by(found.ahead, "those of the others")
    ))
}

fn off_by(ahead: i64, others: &str) -> String {
    let seconds = ahead.unsigned_abs();
    if ahead > 0 {
        format!("{seconds} s ahead of {others}")
    } else {
        format!("{seconds} s behind {others}")
    }
}

fn seconds(time: UnixTime) -> i64 {
    i64::try_from(time.seconds()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_with_an_outdated_finding_serves_nobody() {
        let found = Instant::now();
        let mut stands = Stands {
            refuses: None,
            found,
        };
        assert_eq!(stands.refuses(found + STALE), None);
        let later = found + STALE + Duration::from_secs(1);
        assert!(stands.refuses(later).is_some());
        stands.refuses = Some("why".to_owned());
        assert_eq!(stands.refuses(found).as_deref(), Some("why"));
    }

    /// Each write takes a moment of the thread on which all service of this verifier depends.
    #[test]
    fn a_machine_that_reports_a_new_policy_each_time_is_written_down_once_a_round() {
        let [web1, web2] = ["web1", "web2"].map(|name| PeerName::new(name).unwrap());
        let digest = |byte| PolicyDigest::from_bytes([byte; 8]);
        let mut policies = Policies::default();
        policies.hear(&web2, digest(1));
        for _ in 0..1000 {
            policies.hear(&web1, digest(1));
            policies.hear(&web1, digest(2));
        }
        assert_eq!(policies.news.len(), 2);
        let unwritten = std::mem::take(&mut policies.news);
        policies.hear(&web1, digest(3));
        policies.put_back(unwritten);
        let left: Vec<_> = [&web1, &web2].map(|name| policies.news[name]).into();
        assert_eq!(left, [digest(3), digest(1)]);
        policies.news.clear();
        // A digest that was written is not written again.
        policies.hear(&web1, digest(3));
        assert!(policies.news.is_empty());
    }

    #[test]
    fn a_wrong_clock_is_reported_as_behind_or_ahead() {
        let found = |ahead, is_off| Some(Found { ahead, is_off });
        assert_eq!(why_off(None), None);
        assert_eq!(why_off(found(29, false)), None);
        let words = "the clock of this verifier is 31 s behind those of the others";
        assert_eq!(why_off(found(-31, true)).as_deref(), Some(words));
        let words = "the clock of this verifier is 40 s ahead of those of the others";
        assert_eq!(why_off(found(40, true)).as_deref(), Some(words));
    }
}
