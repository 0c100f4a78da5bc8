//! How much one machine may ask that is written down: so that a stolen one cannot fill the database.
//!
//! A grace that begins, and an enrolment, are written under whatever name a machine gives. Names that the name service of this
//! host has are as many as there are users. Of others there is no end, so a machine has a measure of them; and each write takes
//! space until the database is compacted, so there is one of all that is written. What writes nothing uses up nothing: else a user
//! in their grace who logs in again and again, or anybody who types codes under a name without an authenticator, would have a
//! machine held back that has done no harm.

use crate::name::PeerName;
use otp_core::{Account, Verdict};
use otp_helper::protocol::{Answer, Request, Verb};
use otp_store::Keeper;
use otp_store::keeper::{Look, Part};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many names that nobody may have a machine has at once; fewer in tests, which use them up.
pub(super) const NEW_NAMES: u32 = if cfg!(test) { 50 } else { 1000 };

/// How many codes that are refused a machine has at once.
pub(super) const REFUSALS: u32 = if cfg!(test) { 50 } else { 5000 };

/// What a machine has a measure of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum What {
    /// Graces and enrolments under names that the name service of this host does not have.
    NewNames,
    /// Graces and enrolments under names that it has.
    KnownNames,
    /// Codes that were refused.
    Refusals,
}

impl What {
    /// How many there may be at once, and after how long there may be one more.
    const fn measure(self) -> (u32, Duration) {
        match self {
            Self::NewNames => (NEW_NAMES, Duration::from_secs(10)),
            Self::KnownNames => (5000, Duration::from_secs(1)),
            Self::Refusals if cfg!(test) => (REFUSALS, Duration::from_secs(3600)),
            Self::Refusals => (REFUSALS, Duration::from_millis(20)),
        }
    }

    /// Why nothing more is done.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::NewNames => {
                "this machine has begun graces and enrolments under too many names that the verifier's name service does not have"
            }
            Self::KnownNames => "this machine has begun too many graces and enrolments",
            Self::Refusals => "this machine has had too many codes refused",
        }
    }
}

/// What has been used up.
#[derive(Default)]
pub(super) struct Measure(Mutex<HashMap<(PeerName, What), Used>>);

/// So many, as of that moment.
struct Used {
    count: u32,
    since: Instant,
}

impl Used {
    /// Takes in what has come back by now.
    fn catch_up(&mut self, (_, one): (u32, Duration), now: Instant) {
        let passed = now.saturating_duration_since(self.since);
        let back = u32::try_from(passed.as_nanos() / one.as_nanos()).unwrap_or(u32::MAX);
        self.count = self.count.saturating_sub(back);
        self.since = if self.count == 0 {
            now
        } else {
            self.since + one * back
        };
    }
}

impl Measure {
    /// Whether there is something left.
    pub(super) fn has_left(&self, machine: &PeerName, what: What, now: Instant) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(used) = all.get_mut(&(machine.clone(), what)) else {
            return true;
        };
        used.catch_up(what.measure(), now);
        used.count < what.measure().0
    }

    /// Uses one up.
    pub(super) fn use_up(&self, machine: &PeerName, what: What, now: Instant) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = Used {
            count: 0,
            since: now,
        };
        let used = all.entry((machine.clone(), what)).or_insert(fresh);
        used.catch_up(what.measure(), now);
        used.count = used.count.saturating_add(1);
    }
}

/// Whether a request writes something under a name that nothing need be kept of yet.
pub(super) fn may_be_new(request: &Request) -> bool {
    match request.verb() {
        // A change that is asked of an account without an authenticator is an enrolment.
        Verb::RehearseGrace | Verb::BeginGrace | Verb::Enrol | Verb::Replace | Verb::Add => true,
        Verb::Check
        | Verb::CheckAt
        | Verb::IsEnrolled
        | Verb::Standing
        | Verb::TrustedSince
        | Verb::Status
        | Verb::Try
        | Verb::Remove
        | Verb::RecoveryCodes => false,
    }
}

/// What is kept under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// Nothing at all.
    Nothing,
    /// Something, but no grace has begun, and there is no authenticator.
    Something,
    /// A grace has begun, or there is an authenticator.
    Begun,
}

/// What is kept of an account. Where that cannot be found out, nothing will be written under a new name.
pub(super) fn kept<K: Keeper>(keeper: Option<&K>, account: &Account) -> Kept {
    let Some(Ok(looked)) = keeper.map(|keeper| keeper.look(account)) else {
        return Kept::Something;
    };
    let Some(kept) = looked else {
        return Kept::Nothing;
    };
    let has = |part| kept.has(part).is_ok_and(|has| has);
    if has(Part::Credential) || has(Part::FirstLogin) {
        Kept::Begun
    } else {
        Kept::Something
    }
}

/// Whether a request that [may be new](may_be_new) writes something: a grace begins once.
pub(super) fn is_written(request: &Request, kept: Kept) -> bool {
    let is_of_grace = matches!(request.verb(), Verb::RehearseGrace | Verb::BeginGrace);
    !(is_of_grace && kept == Kept::Begun)
}

/// Whether an answer to an attempt refuses it, and something is written about that: not where there is no authenticator.
pub(super) const fn is_refusal_written(answer: &Answer) -> bool {
    !matches!(
        answer,
        Answer::TrustedSince(_)
            | Answer::Verdict(
                Verdict::Accepted { .. }
                    | Verdict::Recovered { .. }
                    | Verdict::Mailed
                    | Verdict::NotEnrolled
                    | Verdict::Excused
            )
    )
}

/// What of its measure a machine uses up that has something written under a name, by whom the name service of this host has.
///
/// # Errors
/// It has somebody else of that name: a machine that lies about the number could else have the grace of a user begin for
/// nobody, and so never.
pub(super) fn by_name_service(
    account: &Account,
    found: Option<&Account>,
) -> Result<What, &'static str> {
    match found {
        Some(found) if found.name != account.name => Ok(What::NewNames),
        Some(found) if found.uid == account.uid => Ok(What::KnownNames),
        Some(_) => Err("the user has another number on the host of the verifier"),
        None => Ok(What::NewNames),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use otp_core::UserName;

    #[test]
    fn a_measure_is_one_machines_and_comes_back_with_time() {
        let [web1, web2] = ["web1", "web2"].map(|name| PeerName::new(name).unwrap());
        let measure = Measure::default();
        let begun = Instant::now();
        let what = What::NewNames;
        let (most, one) = what.measure();
        for _ in 0..most {
            assert!(measure.has_left(&web1, what, begun));
            measure.use_up(&web1, what, begun);
        }
        assert!(!measure.has_left(&web1, what, begun));
        assert!(measure.has_left(&web2, what, begun));
        assert!(measure.has_left(&web1, What::KnownNames, begun));
        // In parts of the time nothing is lost.
        let mut now = begun;
        for _ in 0..4 {
            now += one / 4;
            assert_eq!(measure.has_left(&web1, what, now), now == begun + one);
        }
        measure.use_up(&web1, what, now);
        assert!(!measure.has_left(&web1, what, now));
        let much_later = now + one * (2 * most);
        for _ in 0..most {
            assert!(measure.has_left(&web1, what, much_later));
            measure.use_up(&web1, what, much_later);
        }
        assert!(!measure.has_left(&web1, what, much_later));
    }

    #[test]
    fn whom_the_name_service_has_is_known_by_name_and_number() {
        let account = |name: &str, uid| Account {
            name: UserName::new(name).unwrap(),
            uid,
        };
        let alice = account("alice", 1001);
        let of = |found: Option<&Account>| by_name_service(&alice, found);
        assert_eq!(of(Some(&alice)), Ok(What::KnownNames));
        assert_eq!(of(None), Ok(What::NewNames));
        assert!(of(Some(&account("alice", 1002))).is_err());
        // A second name of somebody is a name of its own to a fleet.
        assert_eq!(of(Some(&account("al", 1001))), Ok(What::NewNames));
    }
}
