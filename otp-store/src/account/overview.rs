//! The facts about one account that can be told without a secret.

use super::grace::first_login_of;
use super::record::{HeldRecord, Record, outline};
use super::until_not_overtaken;
use crate::Error;
use crate::keeper::{Held, Keeper, LOCK_DEADLINE};

use otp_core::decide::standing_at;
use otp_core::record::{Identities, Kind, Name, Outline, Refusal, Standing};
use otp_core::{Account, Before1970, Policy, State, UnixTime};
use std::time::Duration;

/// The condition of an enrolled account at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// The authenticators, oldest first.
    pub authenticators: Vec<Device>,
    /// Unused recovery codes.
    pub recovery_codes_left: u32,
    /// Recovery codes that were issued together; `None`: none were.
    pub recovery_codes_issued: Option<u32>,
    /// Whether these codes come from another program, have 8 digits, and should be replaced.
    pub recovery_codes_imported: bool,
    /// Failures in a row since the last success, over all locks.
    pub failures: u32,
    /// Failures that are still allowed before the next lock.
    pub failures_left: u32,
    /// Whether the account may try.
    pub standing: Standing,
    /// The last attempt that was refused.
    pub last_refusal: Option<(UnixTime, Refusal)>,
}

/// One authenticator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// The name that its owner gave it.
    pub name: Name,
    /// When it was enrolled.
    pub created: UnixTime,
    /// When one of its codes was last accepted.
    pub last_used: Option<UnixTime>,
    /// The counter of the next code, if the authenticator is event-based.
    pub next_counter: Option<u64>,
}

/// Returns whether the account may try a code; `None`: it is not enrolled.
///
/// `clock` is read while the account is held. A lock that begins in the future begins now, and that is stored.
///
/// # Errors
/// The record cannot be trusted or read, or cannot be written if it must be.
pub fn standing(
    keeper: &impl Keeper,
    account: &Account,
    mut clock: impl FnMut() -> Result<UnixTime, Before1970>,
) -> Result<Option<Standing>, Error> {
    until_not_overtaken(LOCK_DEADLINE, || {
        let Some(mut held) = keeper.hold(account, LOCK_DEADLINE)? else {
            return Ok(None);
        };
        let record = read_settled(&mut held, account, clock()?)?;
        Ok(record.map(|record| record.state.standing))
    })
}

/// Reads the record with its present standing.
///
/// A lock that was set by a wrong clock begins again when it is looked at ([`standing_at`]). This must be stored: if
/// the lock began again at each look, it would never end for users who wait as they were told.
fn read_settled(
    held: &mut impl Held,
    account: &Account,
    now: UnixTime,
) -> Result<Option<Record<Outline>>, Error> {
    let Some(mut record) = held.outline(account)? else {
        return Ok(None);
    };
    let standing = standing_at(record.state.standing, now);
    if standing != record.state.standing && standing != Standing::Open {
        let next = State {
            standing,
            ..record.state.clone()
        };
        held.commit(record, &next)?;
        return held.outline(account);
    }
    record.state.standing = standing;
    Ok(Some(record))
}

impl Overview {
    /// Reads the account while it is held, so that everything is from one moment; `None`: the account is not enrolled.
    ///
    /// `clock` is read then. A lock that begins in the future begins now, and that is stored.
    ///
    /// # Errors
    /// The record cannot be trusted or read, or cannot be written if it must be.
    pub fn read(
        keeper: &impl Keeper,
        account: &Account,
        policy: &Policy,
        mut clock: impl FnMut() -> Result<UnixTime, Before1970>,
    ) -> Result<Option<Self>, Error> {
        until_not_overtaken(LOCK_DEADLINE, || {
            let Some(mut held) = keeper.hold(account, LOCK_DEADLINE)? else {
                return Ok(None);
            };
            let record = read_settled(&mut held, account, clock()?)?;
            Ok(record.map(|record| Self::of(&record, policy)))
        })
    }

    /// Takes only an outline: nothing that is told here needs a key.
    pub(super) fn of(record: &Record<Outline>, policy: &Policy) -> Self {
        let (outline, state) = (&record.credential, &record.state);
        let devices = outline.authenticators().iter().map(|one| {
            let entry = state.of(one.id);
            let last = entry.and_then(|entry| entry.last_step);
            Device {
                name: one.name.clone(),
                created: one.created,
                last_used: entry.and_then(|entry| entry.last_used),
                next_counter: match one.kind {
                    Kind::Totp(_) => None,
                    Kind::Hotp => Some(last.map_or(0, |last| last.0.saturating_add(1))),
                },
            }
        });
        Self {
            authenticators: devices.collect(),
            recovery_codes_left: state.recovery_codes_left(outline),
            recovery_codes_issued: outline
                .issued()
                .map(|set| u32::try_from(set.count).unwrap_or(u32::MAX)),
            recovery_codes_imported: outline.issued().is_some_and(|set| set.origin.is_imported()),
            failures: state.failures_in_a_row,
            failures_left: policy.lockout.failures().saturating_sub(state.failures),
            standing: state.standing,
            last_refusal: state.last_refusal,
        }
    }
}

/// The condition of an account, for readers who look at many: no login waits for them, and they wait for none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glance {
    /// `None`: the account is not enrolled.
    pub overview: Option<Overview>,
    /// The kind of each authenticator, in their order.
    pub kinds: Vec<Kind>,
    /// When the account was first let in without a second factor, if it is not enrolled.
    pub first_login: Option<UnixTime>,
    /// Whether another process held the account, so this may show an attempt that is still being made.
    pub is_held: bool,
}

/// How long an attempt can take at most. A running attempt is stored as failed beforehand. After this time it is over:
/// a process that a user can stop is killed long before.
const ATTEMPT_IS_OVER: Duration = Duration::from_secs(60);

impl Glance {
    /// Looks at an account without holding it.
    ///
    /// If the result is not certain, the account is held for a moment. This happens if what was read does not fit
    /// together, if the last refusal is so recent that its attempt may still be running, or if a lock must begin again.
    /// `patience` is how long to wait for others then. Users who hold their own records can make each look last that
    /// long.
    ///
    /// # Errors
    /// As for [`Overview::read`]; [`Error::Busy`] only if nothing that fits together could be read either.
    pub fn read(
        keeper: &impl Keeper,
        account: &Account,
        policy: &Policy,
        patience: Duration,
        mut clock: impl FnMut() -> Result<UnixTime, Before1970>,
    ) -> Result<Self, Error> {
        let Some(mut kept) = keeper.look(account)? else {
            return Ok(Self::of_nothing());
        };
        let now = clock()?;
        let mut seen = match outline(&mut kept, account) {
            Ok(Some(record)) => record,
            Ok(None) => {
                let first_login = first_login_of(&mut kept, account)?;
                return Ok(Self {
                    first_login,
                    ..Self::of_nothing()
                });
            }
            // Perhaps it was only being changed.
            Err(_) => return Self::held(keeper, account, policy, patience, clock),
        };
        let is_certain = is_certain(&seen.state, now);
        seen.state.standing = standing_at(seen.state.standing, now);
        if is_certain {
            return Ok(Self::of(&seen, policy));
        }
        match Self::held(keeper, account, policy, patience, clock) {
            Err(Error::Busy { .. } | Error::Overtaken { .. }) => Ok(Self {
                is_held: true,
                ..Self::of(&seen, policy)
            }),
            read => read,
        }
    }

    /// Looks at an account while holding it.
    fn held(
        keeper: &impl Keeper,
        account: &Account,
        policy: &Policy,
        patience: Duration,
        mut clock: impl FnMut() -> Result<UnixTime, Before1970>,
    ) -> Result<Self, Error> {
        until_not_overtaken(patience, || {
            let Some(mut held) = keeper.hold(account, patience)? else {
                return Ok(Self::of_nothing());
            };
            if let Some(record) = read_settled(&mut held, account, clock()?)? {
                return Ok(Self::of(&record, policy));
            }
            let first_login = first_login_of(&mut held, account)?;
            Ok(Self {
                first_login,
                ..Self::of_nothing()
            })
        })
    }

    /// A look at an account about which nothing is stored.
    #[must_use]
    pub const fn of_nothing() -> Self {
        Self {
            overview: None,
            kinds: Vec::new(),
            first_login: None,
            is_held: false,
        }
    }

    fn of(record: &Record<Outline>, policy: &Policy) -> Self {
        let kinds = record.credential.authenticators().iter();
        Self {
            overview: Some(Overview::of(record, policy)),
            kinds: kinds.map(|one| one.kind).collect(),
            ..Self::of_nothing()
        }
    }
}

/// Whether a state that was read without holding the account is certain.
fn is_certain(state: &State, now: UnixTime) -> bool {
    let is_over = |(when, _): (UnixTime, Refusal)| when.after(ATTEMPT_IS_OVER) < now;
    let standing = standing_at(state.standing, now);
    let is_settled = standing == state.standing || standing == Standing::Open;
    is_settled && state.last_refusal.is_none_or(is_over)
}

#[cfg(any(test, feature = "trial"))]
pub(crate) mod tests;
