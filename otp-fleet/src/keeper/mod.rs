//! The keeper of a fleet: accounts in etcd, committed by compare and swap.
//!
//! One transaction, which asks the leader, reads an account. Every write is one transaction that compares the
//! account's guard and the fleet's epoch. So an attempt takes two requests, and any other write in between is
//! noticed. Other facts of the same moment are read together with the account: `ahead.rs`. A write that etcd does not
//! answer is fenced: `commit.rs`.

mod ahead;
mod commit;
mod copy;
mod epoch;
mod guard;
mod layout;
mod mark;
mod turn;
mod value;
mod witness;

pub use crate::etcd::Config;
use ahead::Ahead;
pub use copy::Copy;
pub use epoch::Raised;
pub use guard::{Accepted, Fleet, Machine, Nonce, told_by_guard};
pub use layout::{ACCOUNTS, FLEET, RESTORING, ROOT, owner};
pub use mark::{Behind, Mark, Seen};
use otp_core::messages::reason::{Deed, Unfit, Wording};
pub use witness::{WITNESSES, Witness};

use crate::etcd::{
    Client, Failure, KeyValue, Limits, RangeRequest, RequestOp, ResponseOp, TxnRequest,
    TxnResponse, after_prefix, response_op,
};
use crate::name::PeerName;
use commit::{Outcome, Sign, put, read, revision, unchanged};
use copy::{Change, delete, delete_range};
use guard::{Guard, Unreadable};
use layout::Slot;
use nix::unistd::getegid;
use otp_core::names::Gathering;
use otp_core::{Account, Names, UserName};
use otp_site::groups;
use otp_store::keeper::{Goes, Keeper, Look, Part, Put};
use otp_store::{Error, Location, Seal};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};
use turn::{Turn, Turns};

/// The time that one question to the keeper may take, until its result is certain. A login asks two.
pub const PATIENCE: Duration = Duration::from_secs(9);

/// The number of keys of an account that are read at most; eleven can exist.
const MOST_KEYS: i64 = 64;
/// The number of keys on a page of the list of users.
const PAGE: i64 = 4000;
/// The time that a request waits for another one of the same account in this process.
const A_TURN: Duration = Duration::from_secs(2);

/// Half of the longest pause of a request that was overtaken once.
const SHORTEST_ASIDE: Duration = Duration::from_millis(4);
/// The largest number of times that this doubles: once for each time in a row that a request was overtaken.
const MOST_DOUBLINGS: u32 = 6;

/// All accounts of a fleet. Cheap to clone; any number of threads may use it at the same time.
#[derive(Clone)]
pub struct EtcdKeeper {
    shared: Arc<Shared>,
    by: Option<Machine>,
    until: Option<Instant>,
    seal: Seal,
    /// How often in a row another writer was faster.
    overtaken: Arc<AtomicU32>,
    /// An account that was read ahead.
    ahead: Ahead,
}

struct Shared {
    client: Client,
    seen: Mutex<Option<Seen>>,
    /// The key of this verifier's witness; not set: no witness is written or looked for.
    witness: OnceLock<String>,
    turns: Turns,
}

/// The result of one read.
struct Read {
    fleet: (Fleet, i64),
    seen: Seen,
    witness_revision: i64,
    /// The result of each further range.
    found: Vec<Found>,
}

/// The keys of one range, and whether there are more.
type Found = (Vec<KeyValue>, bool);

/// The state of the database at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// The progress of the database.
    pub seen: Seen,
    /// The revision of the fleet's key.
    fleet: i64,
    /// The revision of this verifier's last witness; 0: there is none.
    witness: i64,
}

/// Returns the key of the witness of a verifier.
#[must_use]
pub fn witness_of(name: &PeerName) -> String {
    format!("{WITNESSES}{name}")
}

/// Sets the groups that may read the key file: that of this process, and the group of the records, which a verifier
/// has too.
#[must_use]
pub fn as_verifiers_read(seal: Seal) -> Seal {
    let seal = seal.for_group(getegid().as_raw());
    match groups::of_records() {
        Some(group) => seal.or_for_group(group),
        None => seal,
    }
}

impl EtcdKeeper {
    /// Connects to a member, and reads the fleet.
    ///
    /// # Errors
    /// No member answered within `deadline`, or there is no fleet.
    pub fn connect(config: &Config, deadline: Duration) -> Result<Self, Error> {
        let keeper = Self::to(config)?;
        keeper.fleet_until(Instant::now() + deadline)?;
        Ok(keeper)
    }

    /// Makes a keeper that has not asked anything yet, for [`EtcdKeeper::found`].
    ///
    /// # Errors
    /// No address is given, or the system provides no threads.
    pub fn to(config: &Config) -> Result<Self, Error> {
        Self::within(config, Limits::default())
    }

    /// Makes a keeper as [`EtcdKeeper::to`] does, with other limits.
    ///
    /// # Errors
    /// As for [`EtcdKeeper::to`].
    pub fn within(config: &Config, limits: Limits) -> Result<Self, Error> {
        let client = Client::new(config, limits).map_err(|source| Error::Io {
            place: Location::of(config.endpoints.join(" ")),
            action: Deed::BeginToAsk,
            source,
        })?;
        Ok(Self {
            shared: Arc::new(Shared {
                client,
                seen: Mutex::default(),
                witness: OnceLock::new(),
                turns: Turns::default(),
            }),
            by: None,
            until: None,
            seal: Seal::default(),
            overtaken: Arc::default(),
            ahead: Ahead::default(),
        })
    }

    /// Makes a keeper for one request: its writes are for that machine, and all of it must end within `deadline`.
    #[must_use]
    pub fn for_request(&self, machine: Machine, deadline: Duration) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            by: Some(machine),
            until: Some(Instant::now() + deadline),
            seal: self.seal.clone(),
            overtaken: Arc::default(),
            ahead: Ahead::default(),
        }
    }

    /// Sets the seal of the accounts' keys, readable as verifiers read it.
    #[must_use]
    pub fn sealed_by(self, seal: Seal) -> Self {
        let seal = as_verifiers_read(seal);
        Self { seal, ..self }
    }

    /// Returns the client, for keys that are not accounts.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.shared.client
    }

    /// Reads the fleet.
    ///
    /// # Errors
    /// It cannot be read, or there is none.
    pub fn fleet(&self) -> Result<Fleet, Error> {
        self.fleet_until(self.until()).map(|(fleet, _)| fleet)
    }

    /// Returns the last accepted attempt of the account in this epoch; `None`: there is none, its machine is unknown,
    /// or a wrong code came since.
    ///
    /// # Errors
    /// The account cannot be read.
    pub fn last_accepted(&self, name: &UserName) -> Result<Option<Accepted>, Error> {
        let Some(copy) = self.copy(name, self.until())? else {
            return Ok(None);
        };
        copy.check()?;
        Ok(copy.guard.and_then(|guard| guard.accepted))
    }

    /// Returns the progress of the database in all answers so far; `None`: there was no answer.
    #[must_use]
    pub fn seen(&self) -> Option<Seen> {
        *self.locked()
    }

    /// Requires that the database follows the state in a mark, which another process may have written. From now on
    /// the witness of the mark's verifier is looked for in each answer. Call this before the first question.
    ///
    /// # Errors
    /// The state that was already seen does not follow.
    pub fn must_follow_mark(&self, mark: &Mark) -> Result<(), Behind> {
        if let Some(name) = mark.name() {
            let key = self.shared.witness.get_or_init(|| witness_of(name));
            debug_assert_eq!(*key, witness_of(name), "one mark is for one verifier");
        }
        mark.seen().map_or(Ok(()), |seen| self.must_follow(seen))
    }

    /// Requires that the database has at least this progress, which was seen before this process began.
    ///
    /// # Errors
    /// It has not.
    pub fn must_follow(&self, seen: Seen) -> Result<(), Behind> {
        let mut locked = self.locked();
        if let Some(now) = *locked {
            now.follows(&seen)?;
        }
        *locked = Some(locked.map_or(seen, |now| now.or_later(seen)));
        Ok(())
    }

    fn locked(&self) -> MutexGuard<'_, Option<Seen>> {
        self.shared
            .seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers the progress of the database.
    fn note(&self, now: Seen) {
        let mut locked = self.locked();
        *locked = Some(locked.map_or(now, |seen| seen.or_later(now)));
    }

    /// Remembers the progress that a write has made.
    fn note_write(&self, fleet: Fleet, revision: i64) {
        let mut locked = self.locked();
        if let Some(seen) = &mut *locked
            && seen.fleet.is(fleet.id)
            && seen.epoch == fleet.epoch
            && !seen.is_refused
        {
            seen.revision = seen.revision.max(revision);
        }
    }

    /// Remembers that the database was found to be older than before.
    fn note_older(&self, before: Seen) {
        let mut locked = self.locked();
        if let Some(seen) = &mut *locked
            && seen.fleet.is(before.fleet)
            && seen.epoch == before.epoch
        {
            seen.is_refused = true;
        }
    }

    /// Returns the state of the database, for writing the next witness.
    ///
    /// # Errors
    /// It cannot be read, or the database is not trusted.
    pub fn standing(&self, until: Instant) -> Result<Standing, Error> {
        let read = self.read(Vec::new(), until)?;
        Ok(Standing {
            seen: read.seen,
            fleet: read.fleet.1,
            witness: read.witness_revision,
        })
    }

    /// Writes the next witness, with other steps, if the state of the database is unchanged; returns whether it was
    /// done.
    ///
    /// # Errors
    /// There was no answer, or the system provides no random bytes.
    pub fn bear_witness(
        &self,
        standing: &Standing,
        steps: Vec<RequestOp>,
        until: Instant,
    ) -> Result<bool, Error> {
        let next = Witness::after(standing.seen.witness)?;
        let mut all = vec![put(self.witness()?.into(), next.text().into_bytes())];
        all.extend(steps);
        let answer = self.where_it_stands(standing, all, until)?;
        if answer.succeeded {
            self.note(Seen {
                revision: revision(&answer),
                witness: Some(next),
                ..standing.seen
            });
        }
        Ok(answer.succeeded)
    }

    /// Does steps of a verifier that concern no account, if the state of the database is unchanged; returns whether
    /// they were done.
    ///
    /// # Errors
    /// There was no answer.
    pub fn write_beside(
        &self,
        standing: &Standing,
        steps: Vec<RequestOp>,
        until: Instant,
    ) -> Result<bool, Error> {
        self.where_it_stands(standing, steps, until)
            .map(|answer| answer.succeeded)
    }

    fn where_it_stands(
        &self,
        standing: &Standing,
        success: Vec<RequestOp>,
        until: Instant,
    ) -> Result<TxnResponse, Error> {
        let request = TxnRequest {
            compare: vec![
                unchanged(FLEET.into(), standing.fleet),
                unchanged(self.witness()?.into(), standing.witness),
            ],
            success,
            failure: Vec::new(),
        };
        let answer = self.client().once(request, until);
        answer.map_err(|failure| Error::Database {
            place: Location::of(format!("etcd:{ROOT}")),
            action: Deed::Write,
            reason: Wording::of(|language| failure.text(language)),
        })
    }

    /// Returns the key of this verifier's witness.
    fn witness(&self) -> Result<&str, Error> {
        let key = self.shared.witness.get().map(String::as_str);
        key.ok_or_else(|| content(WITNESSES, Unfit::NobodyWrites))
    }

    fn until(&self) -> Instant {
        let at_most = Instant::now() + PATIENCE;
        self.until.map_or(at_most, |until| until.min(at_most))
    }

    /// Reads the fleet, this verifier's last witness, and further keys, as of the same moment.
    ///
    /// An answer from a database that is older than was seen before the question is refused, and so is every later
    /// one.
    fn read(&self, keys: Vec<RangeRequest>, until: Instant) -> Result<Read, Error> {
        let before = self.seen();
        let one = |key: &str| RangeRequest {
            key: key.into(),
            ..RangeRequest::default()
        };
        let witness = self.shared.witness.get();
        let is_looked_for = witness.is_some();
        let count = keys.len();
        let ranges = [Some(one(FLEET)), witness.map(|key| one(key))];
        let ranges = ranges.into_iter().flatten().chain(keys);
        let request = TxnRequest {
            success: ranges.map(read).collect(),
            ..TxnRequest::default()
        };
        let answer = self.client().again(&request, until);
        let mut answer = answer.map_err(|failure| unread(FLEET, &failure))?;
        let expected = 1 + usize::from(is_looked_for) + count;
        if answer.responses.len() != expected {
            return Err(content(FLEET, Unfit::NoAnswerOfEtcd));
        }
        let no_answer = |place: &'static str| content(place, Unfit::NoAnswerOfEtcd);
        let found = answer.responses.split_off(expected - count);
        let found: Option<Vec<Found>> = found.into_iter().map(|step| kvs(Some(step))).collect();
        let found = found.ok_or_else(|| no_answer(ACCOUNTS))?;
        let mut last = |is_there: bool| {
            if is_there {
                kvs(answer.responses.pop())
            } else {
                Some((Vec::new(), false))
            }
        };
        let (mut written, _) = last(is_looked_for).ok_or_else(|| no_answer(WITNESSES))?;
        let (mut fleet, _) = last(true).ok_or_else(|| no_answer(FLEET))?;
        let Some(fleet) = fleet.pop() else {
            return Err(Error::Missing {
                place: Location::of(FLEET),
                what: Unfit::NoFleet,
            });
        };
        let read = Fleet::read(&fleet.value).map_err(|why| match why {
            Unreadable::Newer => Error::Newer {
                place: Location::of(FLEET),
            },
            Unreadable::Damaged => content(FLEET, Unfit::NoIdOfFleet),
        })?;
        let written = written.pop();
        let witness = written.as_ref().map(|kept| Witness::read(&kept.value));
        let now = Seen {
            fleet: read.id,
            epoch: read.epoch,
            revision: revision(&answer),
            witness: witness
                .map(|read| read.ok_or_else(|| content(WITNESSES, Unfit::NoWitness)))
                .transpose()?,
            is_refused: false,
        };
        if let Some(before) = before {
            now.follows(&before).map_err(|behind| {
                if matches!(behind, Behind::Older { .. }) {
                    self.note_older(before);
                }
                Error::Database {
                    place: Location::of(FLEET),
                    action: Deed::Trust,
                    reason: Wording::of(|language| behind.text(language)),
                }
            })?;
        }
        self.note(now);
        Ok(Read {
            fleet: (read, fleet.mod_revision),
            seen: now,
            witness_revision: written.map_or(0, |kept| kept.mod_revision),
            found,
        })
    }

    fn fleet_until(&self, until: Instant) -> Result<(Fleet, i64), Error> {
        self.read(Vec::new(), until).map(|read| read.fleet)
    }

    /// Reads an account; `None`: nothing is stored.
    fn copy(&self, name: &UserName, until: Instant) -> Result<Option<Copy>, Error> {
        self.read_account(name, until).map(|(_, copy)| copy)
    }

    fn read_account(
        &self,
        name: &UserName,
        until: Instant,
    ) -> Result<((Fleet, i64), Option<Copy>), Error> {
        let (fleet, found) = match self.ahead.take(name) {
            Some(read) => read,
            None => ahead::first(self.read(vec![ahead::range_of(name)], until)?),
        };
        let (found, more) = found;
        if more {
            return Err(content(ACCOUNTS, Unfit::TooManyKeys));
        }
        Ok((fleet, Copy::found(self.clone(), name.clone(), fleet, found)))
    }

    /// Waits a moment after other writers were faster: if many tried again at once, all but one would fail again.
    fn step_aside(&self, until: Instant) {
        let times = self.overtaken.load(Ordering::Relaxed);
        if times == 0 {
            return;
        }
        let most = SHORTEST_ASIDE * 2_u32.pow(times.min(MOST_DOUBLINGS));
        // Without a random number, the middle is used.
        let [chance] = otp_store::mint::random().unwrap_or([128]);
        let aside = most * u32::from(chance) / 256;
        sleep(aside.min(until.saturating_duration_since(Instant::now())));
    }

    /// Reads an account, in turn. `patience` limits the wait for other requests, not for etcd.
    fn copy_in_turn(
        &self,
        name: &UserName,
        patience: Duration,
        until: Instant,
    ) -> Result<((Fleet, i64), Option<Copy>), Error> {
        self.step_aside(until);
        let patience = patience.min(A_TURN);
        let turn = self
            .shared
            .turns
            .take(name, until.min(Instant::now() + patience));
        if !turn.as_ref().is_some_and(Turn::was_free) {
            // The request that had the account has changed it.
            self.ahead.forget();
        }
        let (fleet, mut copy) = self.read_account(name, until)?;
        if let Some(copy) = &mut copy {
            copy.turn = turn;
        }
        Ok((fleet, copy))
    }

    /// Begins to store data under a name, which has a guard from then on.
    ///
    /// The guard comes first and alone, so that every later write compares a revision that never comes again. A write
    /// that compares "nothing is there" could be done long after, once the account was removed.
    fn begin(
        &self,
        name: &UserName,
        (fleet, fleet_revision): (Fleet, i64),
        until: Instant,
    ) -> Result<(), Error> {
        let guard = Guard {
            nonce: Nonce::fresh()?,
            epoch: fleet.epoch,
            by: self.by.clone(),
            accepted: None,
        };
        let key = layout::guard(name);
        let request = TxnRequest {
            compare: vec![
                unchanged(key.clone(), 0),
                unchanged(FLEET.into(), fleet_revision),
            ],
            success: vec![put(key, guard.text().into_bytes())],
            failure: Vec::new(),
        };
        match self.client().once(request, until) {
            // The guard exists, from this write or another one: the account is read again.
            Ok(_) => Ok(()),
            Err(failure) if failure.may_pass() && Instant::now() < until => Ok(()),
            Err(failure) => Err(Error::Database {
                place: Location::of(format!("etcd:{ACCOUNTS}{}/", name.as_str())),
                action: Deed::Write,
                reason: Wording::of(|language| failure.text(language)),
            }),
        }
    }
}

fn written(outcome: &Outcome) -> Put {
    match outcome {
        Outcome::Done(_) => Put::Done,
        Outcome::Overtaken => Put::Overtaken,
    }
}

/// Returns the result of a read step, and whether there is more.
fn kvs(step: Option<ResponseOp>) -> Option<Found> {
    match step?.response? {
        response_op::Response::ResponseRange(range) => Some((range.kvs, range.more)),
        _ => None,
    }
}

fn unread(place: &str, failure: &Failure) -> Error {
    Error::Database {
        place: Location::of(format!("etcd:{place}")),
        action: Deed::Read,
        reason: Wording::of(|language| failure.text(language)),
    }
}

fn content(place: &str, reason: Unfit) -> Error {
    Error::Content {
        place: Location::of(format!("etcd:{place}")),
        line: None,
        reason: reason.into(),
    }
}

impl Keeper for EtcdKeeper {
    type Look = Copy;
    type Held = Copy;

    fn look(&self, account: &Account) -> Result<Option<Copy>, Error> {
        let copy = self.copy(&account.name, self.until())?;
        copy.map(|copy| copy.check().map(|()| copy)).transpose()
    }

    fn hold(&self, account: &Account, deadline: Duration) -> Result<Option<Copy>, Error> {
        let (_, copy) = self.copy_in_turn(&account.name, deadline, self.until())?;
        copy.map(|copy| copy.check().map(|()| copy)).transpose()
    }

    fn judges_nobody(&self) -> Result<(), Error> {
        self.write_nothing(self.until())
    }

    fn hold_or_create(&self, account: &Account, deadline: Duration) -> Result<Copy, Error> {
        let until = self.until();
        loop {
            let (fleet, copy) = self.copy_in_turn(&account.name, deadline, until)?;
            if let Some(copy) = copy {
                copy.check()?;
                return Ok(copy);
            }
            self.begin(&account.name, fleet, until)?;
        }
    }

    fn hold_name(&self, name: &UserName, deadline: Duration) -> Result<Option<Copy>, Error> {
        let (_, copy) = self.copy_in_turn(name, deadline, self.until())?;
        Ok(copy)
    }

    fn users(&self) -> Result<Names, Error> {
        let mut names = Gathering::default();
        let mut last = String::new();
        let mut from = ACCOUNTS.as_bytes().to_vec();
        loop {
            let page = RangeRequest {
                key: from,
                range_end: after_prefix(ACCOUNTS.as_bytes()),
                limit: PAGE,
                keys_only: true,
                ..RangeRequest::default()
            };
            // Each page has its own time limit: a million names take many pages.
            let page = self.client().again(&page, Instant::now() + PATIENCE);
            let page = page.map_err(|failure| unread(ACCOUNTS, &failure))?;
            for kept in &page.kvs {
                let name = layout::owner(&kept.key);
                let name = name.ok_or_else(|| content(ACCOUNTS, Unfit::NoKeyOfAnAccount))?;
                if name != last {
                    names.add(name)?;
                    name.clone_into(&mut last);
                }
            }
            match page.kvs.last() {
                Some(kept) if page.more => from = [kept.key.as_slice(), b"\0"].concat(),
                _ => return Ok(names.sorted()),
            }
        }
    }

    fn mark_enrolled(&self) -> Result<(), Error> {
        // A database that is empty by mistake has no fleet either.
        Ok(())
    }

    fn erase(&self, held: &mut Copy, name: &UserName, goes: Goes) -> Result<Put, Error> {
        let stays = |slot: &Slot| {
            goes == Goes::Record && matches!(slot.counts(), Some(Part::FirstLogin | Part::Mail))
        };
        if held.values.keys().any(stays) {
            let gone = held.values.keys().filter(|slot| !stays(slot));
            let change = gone.fold(Change::default(), |change, slot| change.delete(*slot));
            return held.swap(change);
        }
        if goes == Goes::Record {
            held.check()?;
        }
        let all = delete_range(layout::guard(name), layout::after(name));
        let outcome = held.write(Sign::Gone, vec![all])?;
        Ok(written(&outcome))
    }

    fn rename(
        &self,
        held: &mut Copy,
        over: Option<&mut Copy>,
        [from, to]: [&UserName; 2],
    ) -> Result<Put, Error> {
        held.check()?;
        if !held.unknown.is_empty() {
            return Err(Error::Newer {
                place: held.place(Part::Credential),
            });
        }
        let guard = held.next_guard(&Change::default())?;
        let key = layout::guard(to);
        let replaced = match &over {
            Some(over) => over.revision,
            None => 0,
        };
        // Remove everything of the new name that does not come from the old one. etcd accepts no key twice in a
        // transaction.
        let gone = over.iter().flat_map(|over| {
            let known = over.kept().filter(|slot| !held.values.contains_key(slot));
            let known = known.map(|slot| layout::key(to, slot));
            known.chain(over.unknown.iter().cloned())
        });
        let mut steps: Vec<_> = gone.map(delete).collect();
        steps.push(delete_range(layout::guard(from), layout::after(from)));
        steps.push(put(key.clone(), guard.text().into_bytes()));
        let values = held.values.iter();
        steps.extend(values.map(|(slot, value)| put(layout::key(to, *slot), value.to_vec())));
        let sign = Sign::Nonce(key.clone(), guard.nonce);
        let outcome = held.write_where(sign, vec![unchanged(key, replaced)], steps)?;
        if let Outcome::Done(revision) = outcome {
            held.name = to.clone();
            held.revision = revision;
            held.guard = Some(guard);
            held.all_is_written();
        }
        Ok(written(&outcome))
    }
}
