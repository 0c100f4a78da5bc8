//! What one attempt leaves for the next. Changes at every attempt; holds no secret.

use super::{Credential, Id, Identities, OutOfRange};
use crate::every;
use crate::time::{Step, UnixTime};
use std::time::Duration;

/// How many steps an authenticator's clock is ahead (or, negative, behind) of ours, within [`Drift::LIMIT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Drift(i8);

impl Drift {
    /// The furthest that a clock may be off: 10 minutes.
    pub const LIMIT: Duration = Duration::from_secs(600);
    /// Ten minutes in the shortest steps there are (15 s).
    const LIMIT_STEPS: i64 = 40;

    /// A distance in steps.
    ///
    /// # Errors
    /// More than ten minutes of the shortest steps.
    pub fn from_steps(steps: i64) -> Result<Self, OutOfRange> {
        match i8::try_from(steps) {
            Ok(small) if steps.abs() <= Self::LIMIT_STEPS => Ok(Self(small)),
            _ => Err(OutOfRange("drift is at most 40 steps")),
        }
    }

    /// The distance in steps.
    #[must_use]
    pub const fn steps(self) -> i64 {
        self.0 as i64
    }
}

/// A code that was right for a clock further off than the window: the first half of a resynchronisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resync {
    /// The step that the code was for.
    pub step: Step,
    /// How far that was from the step of our clock.
    pub distance: Drift,
}

/// What is remembered about one authenticator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthenticatorState {
    /// Whose.
    pub id: Id,
    /// The newest step whose code was accepted; it and all before it never match again (RFC 6238 section 5.2).
    pub last_step: Option<Step>,
    /// How far its clock is off.
    pub drift: Drift,
    /// Set by a code from outside the window, cleared by any other attempt.
    pub resync: Option<Resync>,
    /// When a code of it was last accepted.
    pub last_used: Option<UnixTime>,
}

impl AuthenticatorState {
    /// Nothing has happened yet.
    #[must_use]
    pub const fn fresh(id: Id) -> Self {
        Self {
            id,
            last_step: None,
            drift: Drift(0),
            resync: None,
            last_used: None,
        }
    }
}

/// What is remembered about one set of recovery codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecoveryState {
    /// Whose.
    pub id: Id,
    /// A bit for each used code, by its position in the set.
    pub used: u32,
}

impl RecoveryState {
    /// Nothing has been used yet.
    #[must_use]
    pub const fn fresh(id: Id) -> Self {
        Self { id, used: 0 }
    }
}

/// Whether the account may try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It may.
    Open,
    /// Not before `lasts` has gone by since `since`.
    Locked {
        /// When the lock began, or when it was first looked at after the clock ran back.
        since: UnixTime,
        /// Whole seconds.
        lasts: Duration,
    },
    /// Not before an administrator unlocks; a recovery code opens it.
    Held,
    /// Not before an administrator unlocks; nothing else opens it.
    Disabled,
}

impl Standing {
    /// The first moment after a timed lock.
    #[must_use]
    pub const fn ends(self) -> Option<UnixTime> {
        match self {
            Self::Locked { since, lasts } => Some(since.after(lasts)),
            Self::Open | Self::Held | Self::Disabled => None,
        }
    }
}

/// Why the last refused attempt was refused, for the help desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Matched nothing.
    WrongCode,
    /// Right, but used before.
    Replayed,
    /// The account was locked or disabled.
    Locked,
    /// Right for a clock that is further off than the window.
    ClockOff,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Self; 4] = every!(Refusal: WrongCode, Replayed, Locked, ClockOff);

    /// The word in the state file and in `otp-admin show`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::WrongCode => "wrong-code",
            Self::Replayed => "already-used",
            Self::Locked => "locked",
            Self::ClockOff => "clock-off",
        }
    }

    /// The refusal of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }
}

/// Everything that must be remembered between attempts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// May the account try?
    pub standing: Standing,
    /// Failures since the last success or lock.
    pub failures: u32,
    /// Failures since the last success, over all locks.
    pub failures_in_a_row: u32,
    /// Locks since the last success.
    pub locks_in_a_row: u32,
    /// The last attempt that was refused.
    pub last_refusal: Option<(UnixTime, Refusal)>,
    /// One entry an authenticator.
    pub authenticators: Vec<AuthenticatorState>,
    /// One entry a set of recovery codes; more than one only while a new set replaces an old one.
    pub recovery: Vec<RecoveryState>,
}

impl State {
    /// The state of a credential that nobody has used yet.
    #[must_use]
    pub fn fresh(credential: &Credential) -> Self {
        Self {
            standing: Standing::Open,
            failures: 0,
            failures_in_a_row: 0,
            locks_in_a_row: 0,
            last_refusal: None,
            authenticators: credential
                .authenticators()
                .iter()
                .map(|one| AuthenticatorState::fresh(one.id))
                .collect(),
            recovery: credential
                .recovery()
                .map(|set| RecoveryState::fresh(set.id))
                .into_iter()
                .collect(),
        }
    }

    /// Whether each authenticator and the recovery codes of `credential` have their entry here.
    ///
    /// A state that lacks one is damaged, not new: to guess "never used" would open the door to used codes.
    #[must_use]
    pub fn covers(&self, credential: &impl Identities) -> bool {
        credential.ids().all(|id| self.of(id).is_some())
            && credential
                .issued()
                .is_none_or(|set| self.of_codes(set.id).is_some())
    }

    /// The entry of one authenticator.
    #[must_use]
    pub fn of(&self, id: Id) -> Option<&AuthenticatorState> {
        self.authenticators.iter().find(|entry| entry.id == id)
    }

    /// The entry of one set of recovery codes.
    #[must_use]
    pub fn of_codes(&self, id: Id) -> Option<&RecoveryState> {
        self.recovery.iter().find(|entry| entry.id == id)
    }

    /// This state with the entries of `other` that it lacks.
    ///
    /// Joined, the states of an old credential and a new one cover both, so the result can be stored before the new
    /// one replaces the old: a crash in between leaves a pair that fits, whichever credential it is.
    #[must_use]
    pub fn joined_with(&self, other: &Self) -> Self {
        let mut joined = self.clone();
        joined.authenticators.extend(
            other
                .authenticators
                .iter()
                .filter(|entry| self.of(entry.id).is_none()),
        );
        joined.recovery.extend(
            other
                .recovery
                .iter()
                .filter(|entry| self.of_codes(entry.id).is_none()),
        );
        joined
    }

    /// This state without entries that `credential` no longer has.
    #[must_use]
    pub fn reduced_to(&self, credential: &impl Identities) -> Self {
        let mut reduced = self.clone();
        reduced
            .authenticators
            .retain(|entry| credential.ids().any(|id| id == entry.id));
        reduced
            .recovery
            .retain(|entry| credential.issued().is_some_and(|set| set.id == entry.id));
        reduced
    }

    /// How many recovery codes of `credential` are unused.
    #[must_use]
    pub fn recovery_codes_left(&self, credential: &impl Identities) -> u32 {
        match credential
            .issued()
            .and_then(|set| Some((set, self.of_codes(set.id)?)))
        {
            Some((set, entry)) => (0..set.count)
                .filter(|at| entry.used & (1 << at) == 0)
                .count()
                .try_into()
                .unwrap_or(0),
            None => 0,
        }
    }

    /// Lifts a lock and a disablement and forgets the failures. What was used stays used.
    #[must_use]
    pub fn unlocked(&self) -> Self {
        Self {
            standing: Standing::Open,
            failures: 0,
            failures_in_a_row: 0,
            locks_in_a_row: 0,
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests;
