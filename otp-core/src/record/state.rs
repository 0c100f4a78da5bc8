//! What one attempt leaves for the next. Changes at every attempt; holds no secret.

use super::{Credential, Id, Identities, OutOfRange};
use crate::every;
use crate::messages::reason::Unfit;
use crate::time::{Step, UnixTime};
use std::time::Duration;

/// How many steps an authenticator's clock is ahead of ours (or, if negative, behind), within [`Drift::LIMIT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Drift(i8);

impl Drift {
    /// The most that a clock may be off: 10 minutes.
    pub const LIMIT: Duration = Duration::from_secs(600);
    /// Ten minutes in the shortest steps (15 s).
    const LIMIT_STEPS: i64 = 40;

    /// Takes a distance in steps.
    ///
    /// # Errors
    /// More than ten minutes in the shortest steps.
    pub fn from_steps(steps: i64) -> Result<Self, OutOfRange> {
        match i8::try_from(steps) {
            Ok(small) if steps.abs() <= Self::LIMIT_STEPS => Ok(Self(small)),
            _ => Err(OutOfRange(Unfit::DriftTooLarge)),
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

/// The state of one authenticator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthenticatorState {
    /// The id of the authenticator.
    pub id: Id,
    /// The newest step whose code was accepted; it and all earlier steps never match again (RFC 6238 section 5.2).
    pub last_step: Option<Step>,
    /// How far its clock is off.
    pub drift: Drift,
    /// Set by a code from outside the window; cleared by any other attempt, but not by an empty reply or one that is no
    /// guess.
    pub resync: Option<Resync>,
    /// When one of its codes was last accepted.
    pub last_used: Option<UnixTime>,
}

impl AuthenticatorState {
    /// The state before anything has happened.
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

/// The state of one set of recovery codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecoveryState {
    /// The id of the set.
    pub id: Id,
    /// One bit for each used code, by its position in the set.
    pub used: u32,
}

impl RecoveryState {
    /// The state before any code is used.
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
    /// Not before `lasts` has passed since `since`.
    Locked {
        /// When the lock began, or when it was first looked at after the clock had run back.
        since: UnixTime,
        /// How long the lock lasts, in whole seconds.
        lasts: Duration,
    },
    /// Not before an administrator unlocks the account, or a recovery code opens it.
    Held,
    /// Not before an administrator unlocks the account; nothing else opens it.
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
    /// It matched nothing.
    WrongCode,
    /// It was right, but used before.
    Replayed,
    /// The account was locked or disabled.
    Locked,
    /// It was right for a clock that is further off than the window.
    ClockOff,
}

impl Refusal {
    /// All variants.
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

    /// Returns the refusal with that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }
}

/// Everything that must be remembered between attempts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Whether the account may try.
    pub standing: Standing,
    /// Failures since the last success or lock.
    pub failures: u32,
    /// Failures since the last success, over all locks.
    pub failures_in_a_row: u32,
    /// Locks since the last success.
    pub locks_in_a_row: u32,
    /// The last attempt that was refused.
    pub last_refusal: Option<(UnixTime, Refusal)>,
    /// One entry for each authenticator.
    pub authenticators: Vec<AuthenticatorState>,
    /// One entry for each set of recovery codes; more than one only while a new set replaces an old one.
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

    /// Whether this state has an entry for each authenticator and for the recovery codes of `credential`.
    ///
    /// A state without one of them is damaged, not new: to assume "never used" would accept used codes.
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

    /// Returns this state with those entries of `other` that it lacks.
    ///
    /// The joined state of an old and a new credential covers both. So it can be stored before the new credential
    /// replaces the old one. A crash in between leaves a state that fits either credential.
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

    /// Returns this state without the entries that `credential` no longer has.
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

    /// Returns this state without lock, disablement and failures. Used codes stay used.
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
