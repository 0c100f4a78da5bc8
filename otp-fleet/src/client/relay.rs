//! Requests to a verifier, its answers, and the turns of a change.

use super::caller::Caller;
use super::harmless::Life;
use super::line::{Line, Silence};
use super::reach::reach;
use crate::tls::{self, Files};
use nix::unistd::geteuid;
use otp_core::messages::hindrance::{Hindrance, VerifierFault};
use otp_core::messages::reason::Wording;
use otp_core::record::{FleetPolicy, Verifier};
use otp_core::{Account, Policy};
use otp_helper::fleet::{ANSWER_LIMIT, PolicyDigest, is_elsewhere, wrap};
use otp_helper::frame::Fields;
use otp_helper::protocol::{Answer, Request};
use otp_helper::session::{Reply, Turn};
use otp_site::{policy, users};
use otp_store::change::Proof;
use otp_store::files::DEFAULT_DIRECTORY;
use rustls::ClientConfig;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The time for which unreachable verifiers are not tried again: one login asks several questions, and waits for one.
const STAYS_AWAY: Duration = Duration::from_secs(15);

/// The least time for a question, however long earlier ones have taken. In total, a login waits no longer than for a
/// fleet that does not answer.
const AT_LEAST: Duration = Duration::from_secs(2);

/// The parent has gone: no one waits for an answer.
pub(super) struct Gone;

/// The verifiers of the policy, and the connection to one of them.
pub(super) struct Verifiers {
    known: Result<Known, Wording>,
    line: Option<Line>,
    /// The time since when none could be reached, and the reason.
    away: Option<(Instant, Wording)>,
    /// The time that this login has waited for answers; it shortens the next wait.
    waited: Duration,
}

struct Known {
    policy: Policy,
    config: Arc<ClientConfig>,
    /// The verifiers, in the order in which they are tried.
    order: Vec<Verifier>,
    /// The verifiers that serve no requests for now, with their reasons.
    elsewhere: Vec<(String, VerifierFault)>,
}

impl Verifiers {
    /// Reads the verifiers from a policy file. If that cannot be used, every request is answered with the reason.
    pub(super) fn of(conf: &Path) -> Self {
        Self {
            known: Known::read(conf),
            line: None,
            away: None,
            waited: Duration::ZERO,
        }
    }

    /// Connects to a verifier by the deadline if possible; a question tries again.
    pub(super) fn connect(&mut self, deadline: Instant) {
        self.connected(deadline).ok();
    }

    /// Asks a verifier.
    ///
    /// # Errors
    /// The parent has gone.
    pub(super) fn ask(&mut self, request: &Request, deadline: Instant) -> Result<Answer, Gone> {
        let begun = Instant::now();
        let deadline = what_is_left(deadline, self.waited, begun);
        let said = self.first_said(request, deadline).and_then(|(line, said)| {
            Answer::from_fields(&said).ok_or_else(|| broken_off(line, VerifierFault::Senseless))
        });
        self.waited += begun.elapsed();
        self.answer(said, request)
    }

    /// Lets a verifier lead a change.
    ///
    /// # Errors
    /// The parent has gone.
    pub(super) fn lead(
        &mut self,
        request: &Request,
        deadline: Instant,
        caller: &mut Caller,
        time: &mut Life,
    ) -> Result<Answer, Gone> {
        let deadline = what_is_left(deadline, self.waited, Instant::now());
        let said = self
            .first_said(request, deadline)
            .and_then(|(line, said)| turns(line, said, deadline, caller, time));
        self.answer(said, request)
    }

    /// Returns the answer. After a failure the connection is dropped: a late message on it would pass for the next
    /// answer. Its verifier is then the last one that this login asks.
    fn answer(&mut self, said: Result<Answer, Stop>, request: &Request) -> Result<Answer, Gone> {
        match said {
            Ok(Answer::Denied) => Ok(Answer::Unavailable(self.denied(request).into())),
            Ok(answer) => Ok(answer),
            Err(Stop::Gone) => Err(Gone),
            Err(Stop::Unavailable(reason)) => {
                if let (Some(line), Ok(known)) = (self.line.take(), &mut self.known) {
                    known.try_last(&line.verifier);
                }
                Ok(Answer::Unavailable(reason))
            }
        }
    }

    fn denied(&self, request: &Request) -> Hindrance {
        let verifier = self.line.as_ref().map(|line| line.verifier.to_string());
        let verifier = verifier.unwrap_or_default();
        match request {
            Request::Change { .. } => Hindrance::ChangeNotTaken { verifier },
            _ => Hindrance::UserNotServed { verifier },
        }
    }

    /// Sends a request in its envelope, and waits for the first message. Another verifier is asked only if this one
    /// says that it has not looked at the request.
    fn first_said(
        &mut self,
        request: &Request,
        deadline: Instant,
    ) -> Result<(&mut Line, Fields), Stop> {
        let envelope = self.known()?.envelope(request)?;
        loop {
            let line = self.connected(deadline)?;
            line.say(&envelope, deadline)
                .map_err(|silence| of(silence, line))?;
            let said = line.hear(deadline).map_err(|silence| of(silence, line))?;
            let Some(reason) = is_elsewhere(&said) else {
                // The borrow from inside the loop cannot be returned.
                let line = self.line.as_mut().ok_or(Stop::Gone)?;
                return Ok((line, said));
            };
            let verifier = line.verifier.clone();
            self.line = None;
            let known = self.known()?;
            known.order.retain(|one| *one != verifier);
            known
                .elsewhere
                .push((verifier.to_string(), VerifierFault::ServesNobody { reason }));
        }
    }

    fn known(&mut self) -> Result<&mut Known, Stop> {
        let known = self.known.as_mut();
        known.map_err(|reason| Stop::Unavailable(reason.clone()))
    }

    /// Returns the connection. A new one is made only if no request on the last one is unanswered.
    fn connected(&mut self, deadline: Instant) -> Result<&mut Line, Stop> {
        let broken = match &mut self.line {
            Some(line) => line.still_there().err(),
            None => None,
        };
        if broken.is_some()
            && let Some(line) = self.line.take()
        {
            self.known()?.try_last(&line.verifier);
        }
        if self.line.is_none() {
            if let Some((since, reason)) = &self.away
                && since.elapsed() < STAYS_AWAY
            {
                return Err(Stop::Unavailable(reason.clone()));
            }
            let known = self.known()?;
            let order: Vec<_> = known.order.iter().collect();
            match reach(&known.config, &order, deadline) {
                Ok(line) => self.line = Some(line),
                Err(faults) => {
                    let each = [known.elsewhere.as_slice(), &faults].concat();
                    let reason = Wording::from(Hindrance::NoVerifier { each });
                    self.away = Some((Instant::now(), reason.clone()));
                    return Err(Stop::Unavailable(reason));
                }
            }
        }
        let line = self.line.as_mut();
        line.ok_or_else(|| Hindrance::NoVerifier { each: Vec::new() }.into())
    }
}

impl Known {
    fn read(conf: &Path) -> Result<Self, Wording> {
        let policy =
            policy::load(conf).map_err(|error| Wording::of(|language| error.text(language)))?;
        let policy = policy.for_account();
        if !policy.fleet.is_used() {
            let path = conf.display().to_string();
            return Err(Hindrance::NoFleet { path }.into());
        }
        Ok(Self {
            config: config(&policy.fleet)?,
            order: policy.fleet.verifiers.clone(),
            elsewhere: Vec::new(),
            policy,
        })
    }

    /// Puts a verifier that has broken off after the others.
    fn try_last(&mut self, verifier: &Verifier) {
        let (others, last) = self.order.drain(..).partition(|one| one != verifier);
        self.order = others;
        self.order.extend::<Vec<_>>(last);
    }

    /// Makes the envelope. A verifier is asked only about users of the fleet, whatever the parent is.
    fn envelope(&self, request: &Request) -> Result<Fields, Stop> {
        let account = users::account(request.user());
        let account = account
            .map_err(|error| Stop::Unavailable(Wording::of(|language| error.text(language))))?;
        let uid = whom(request.user(), account.as_ref(), &self.policy.fleet).map_err(Stop::from)?;
        let digest = PolicyDigest::of(&self.policy);
        Ok(wrap(uid, digest, &request.to_fields()))
    }
}

/// Returns the deadline of a question that may wait until `deadline`, after earlier ones of the same login.
fn what_is_left(deadline: Instant, waited: Duration, now: Instant) -> Instant {
    let at_least = deadline.min(now + AT_LEAST);
    let shorter = deadline.checked_sub(waited);
    shorter.map_or(at_least, |shorter| shorter.max(at_least))
}

/// Returns the user id for a request; `None`: the request is about no account, and the parent has left out the name.
///
/// The parent has just found an account for any name that it sends. If the name service no longer knows the name, the
/// verifier must not be asked about no account: its answer that there is no authenticator could let the login in.
fn whom(
    user: &str,
    account: Option<&Account>,
    fleet: &FleetPolicy,
) -> Result<Option<u32>, Hindrance> {
    match account {
        Some(account) if fleet.keeps(account) => Ok(Some(account.uid)),
        Some(_) => Err(Hindrance::LocalUser),
        None if user.is_empty() => Ok(None),
        None => Err(Hindrance::GoneUser),
    }
}

/// Reads the settings of TLS. Only root and the helper's group, which also owns the records, may read the key. Root's
/// own process lacks that group, and takes it from the records.
fn config(fleet: &FleetPolicy) -> Result<Arc<ClientConfig>, Wording> {
    let file =
        |key: &'static str, path: &Option<PathBuf>| path.clone().ok_or(Hindrance::NotSet { key });
    let records = fs::metadata(DEFAULT_DIRECTORY).map(|found| found.gid());
    let files = Files {
        ca: file("ca", &fleet.ca)?,
        certificate: file("certificate", &fleet.certificate)?,
        key: file("key", &fleet.key)?,
        key_group: records.ok().filter(|_| geteuid().is_root()),
    };
    tls::client(&files).map_err(|error| Wording::of(|language| error.text(language)))
}

/// Why a verifier gave no answer.
enum Stop {
    Gone,
    Unavailable(Wording),
}

fn of(silence: Silence, line: &Line) -> Stop {
    match silence {
        Silence::Gone => Stop::Gone,
        Silence::Verifier(how) => broken_off(line, how),
    }
}

impl From<Hindrance> for Stop {
    fn from(hindrance: Hindrance) -> Self {
        Self::Unavailable(hindrance.into())
    }
}

fn broken_off(line: &Line, how: VerifierFault) -> Stop {
    let verifier = line.verifier.to_string();
    Hindrance::BrokenOff { verifier, how }.into()
}

/// Passes on the turns of a change, in both directions, until its end.
fn turns(
    line: &mut Line,
    mut fields: Fields,
    mut deadline: Instant,
    caller: &mut Caller,
    time: &mut Life,
) -> Result<Answer, Stop> {
    loop {
        let takes_a_reply = match Turn::from_fields(&fields) {
            None => return Err(broken_off(line, VerifierFault::Senseless)),
            Some(Turn::End(answer)) => return Ok(answer),
            Some(Turn::Begun { .. } | Turn::Tell { .. }) => false,
            Some(Turn::Checked { proof, left }) => proof != Proof::Right && left > 0,
            Some(Turn::Ask { .. } | Turn::Offer(_) | Turn::Codes(_)) => true,
        };
        caller.say(&fields).ok_or(Stop::Gone)?;
        if takes_a_reply {
            time.extend_for_a_person().ok();
            let reply = caller.read().map_err(|_| Stop::Gone)?;
            let reply = Reply::from_fields(&reply).ok_or(Stop::Gone)?;
            time.shorten_for_an_answer().map_err(|_| Stop::Gone)?;
            deadline = Instant::now() + ANSWER_LIMIT;
            line.say(&reply.to_fields(), deadline)
                .map_err(|silence| of(silence, line))?;
        }
        fields = line.hear(deadline).map_err(|silence| of(silence, line))?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use otp_core::UserName;

    /// A verifier that is slow with every question delays a login no longer than one that does not answer.
    #[test]
    fn all_questions_of_a_login_together_wait_at_most_twelve_seconds() {
        let begun = Instant::now();
        for took in [1, 4, 9, 10] {
            let (mut now, mut waited) = (begun, Duration::ZERO);
            for _ in 0..3 {
                let until = what_is_left(now + ANSWER_LIMIT, waited, now);
                assert!(until >= now + AT_LEAST);
                let answered = until.min(now + Duration::from_secs(took));
                waited += answered - now;
                now = answered;
                // A question without an answer in time is the last one, except for the question about trust.
                if until == now && waited > ANSWER_LIMIT {
                    break;
                }
            }
            assert!(now <= begun + ANSWER_LIMIT + AT_LEAST, "{took}");
        }
        let late = what_is_left(begun, Duration::from_secs(1), begun);
        assert_eq!(late, begun);
    }

    #[test]
    fn a_name_that_no_longer_exists_is_not_asked_about() {
        let fleet = FleetPolicy {
            verifiers: vec![Verifier::parse("v1").unwrap()],
            local_users: vec!["console".to_owned()],
            ..FleetPolicy::default()
        };
        let account = |name: &str, uid| Account {
            name: UserName::new(name).unwrap(),
            uid,
        };
        let whom = |user: &str, account: Option<&Account>| whom(user, account, &fleet);
        assert_eq!(whom("alice", Some(&account("alice", 1001))), Ok(Some(1001)));
        // The account's own name may differ from the name that was asked for.
        assert!(whom("ally", Some(&account("console", 1002))).is_err());
        assert!(whom("toor", Some(&account("toor", 0))).is_err());
        assert!(whom("alice", None).is_err());
        assert_eq!(whom("", None), Ok(None));
    }
}
