//! Limits how much one machine may cause to be written, so that a stolen one cannot fill the database.
//!
//! A grace that begins, and an enrolment, are written under any name that a machine gives. The name service of this
//! host limits the number of its own names. Other names are unlimited, so each machine has a limit for them. Each
//! write takes space until the database is compacted, so there is a limit for all writes too. A request that writes
//! nothing uses up nothing. Otherwise a user in their grace who logs in repeatedly, or anybody who types codes under
//! a name without an authenticator, would cause a harmless machine to be held back.

use crate::name::PeerName;
use otp_core::messages::hindrance::Hindrance;
use otp_core::{Account, Verdict};
use otp_helper::protocol::{Answer, Request, Verb};
use otp_store::Keeper;
use otp_store::keeper::{Look, Part};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The number of unknown names that a machine may use at once; fewer in tests, which use them up.
pub(super) const NEW_NAMES: u32 = if cfg!(test) { 50 } else { 1000 };

/// The number of refused codes that a machine may have at once.
pub(super) const REFUSALS: u32 = if cfg!(test) { 50 } else { 5000 };

/// The limits of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum What {
    /// Graces and enrolments under names that the name service of this host does not have.
    NewNames,
    /// Graces and enrolments under names that the name service of this host has.
    KnownNames,
    /// Codes that were refused.
    Refusals,
}

impl What {
    /// Returns how many there may be at once, and the time after which there may be one more.
    const fn measure(self) -> (u32, Duration) {
        match self {
            Self::NewNames => (NEW_NAMES, Duration::from_secs(10)),
            Self::KnownNames => (5000, Duration::from_secs(1)),
            Self::Refusals if cfg!(test) => (REFUSALS, Duration::from_secs(3600)),
            Self::Refusals => (REFUSALS, Duration::from_millis(20)),
        }
    }

    /// Returns the reason for holding back the machine.
    pub(super) const fn hindrance(self) -> Hindrance {
        match self {
            Self::NewNames => Hindrance::TooManyNewNames,
            Self::KnownNames => Hindrance::TooManyChanges,
            Self::Refusals => Hindrance::TooManyRefusals,
        }
    }
}

/// The use that machines have made of their limits.
#[derive(Default)]
pub(super) struct Measure(Mutex<HashMap<(PeerName, What), Used>>);

/// A use count at one moment.
struct Used {
    count: u32,
    since: Instant,
}

impl Used {
    /// Reduces the count by what has become free again.
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
    /// Whether the machine may use more.
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

/// Whether a request may write under a name that has no data yet.
pub(super) fn may_be_new(request: &Request) -> bool {
    match request.verb() {
        // A change of an account without an authenticator is an enrolment.
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

/// The data that is stored under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// Nothing at all.
    Nothing,
    /// There is data, but no grace has begun, and there is no authenticator.
    Something,
    /// A grace has begun, or there is an authenticator.
    Begun,
}

/// Reads what is stored about an account. If that fails, nothing will be written under a new name.
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

/// Whether a request that [may be new](may_be_new) writes something: a grace begins only once.
pub(super) fn is_written(request: &Request, kept: Kept) -> bool {
    let is_of_grace = matches!(request.verb(), Verb::RehearseGrace | Verb::BeginGrace);
    !(is_of_grace && kept == Kept::Begun)
}

/// Whether an answer refuses an attempt and the refusal is written: it is not if there is no authenticator.
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

/// Returns the limit that applies to a write under a name, by the account that this host's name service has for it.
///
/// # Errors
/// The name service has another user id for that name. Otherwise a machine that lies about the user id could make a
/// user's grace begin for no account, and so never.
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
    fn each_machine_has_its_own_allowance_which_refills_with_time() {
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
        // In parts of the time, nothing is lost.
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
    fn a_user_is_known_if_the_name_service_has_the_name_and_the_user_id() {
        let account = |name: &str, uid| Account {
            name: UserName::new(name).unwrap(),
            uid,
        };
        let alice = account("alice", 1001);
        let of = |found: Option<&Account>| by_name_service(&alice, found);
        assert_eq!(of(Some(&alice)), Ok(What::KnownNames));
        assert_eq!(of(None), Ok(What::NewNames));
        assert!(of(Some(&account("alice", 1002))).is_err());
        // To a fleet, a second name of a user is a name of its own.
        assert_eq!(of(Some(&account("al", 1001))), Ok(What::NewNames));
    }
}
