//! What can be told about one account without telling a secret.

use super::record::{HeldRecord, Record};
use super::until_not_overtaken;
use crate::Error;
use crate::keeper::{Held, Keeper, LOCK_DEADLINE};

use otp_core::decide::standing_at;
use otp_core::record::{Identities, Name, Outline, Refusal, Standing};
use otp_core::{Account, Before1970, Policy, State, UnixTime};

/// How an enrolled account stands at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// The authenticators, oldest first.
    pub authenticators: Vec<Device>,
    /// Unused recovery codes.
    pub recovery_codes_left: u32,
    /// Recovery codes that were issued together; `None`: none were.
    pub recovery_codes_issued: Option<u32>,
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
    /// What its owner calls it.
    pub name: Name,
    /// When it was enrolled.
    pub created: UnixTime,
    /// When a code of it was last accepted.
    pub last_used: Option<UnixTime>,
}

/// Whether the account may try a code; `None`: it is not enrolled.
///
/// `clock` is read while the account is held. A lock that lies in the future begins now, and that is stored.
///
/// # Errors
/// The record cannot be trusted, read, or written where it has to be.
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

/// Reads the record with the standing as it is now.
///
/// A lock that was set by a clock gone wrong begins anew when it is looked at ([`standing_at`]). That has to last:
/// begun anew at each look, it would never end for users who wait as they were told.
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
    /// Reads it while the account is held, so that it is of one moment; `None`: the account is not enrolled.
    ///
    /// `clock` is read then. A lock that lies in the future begins now, and that is stored.
    ///
    /// # Errors
    /// The record cannot be trusted, read, or written where it has to be.
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

    /// Of an outline alone: nothing that is told here has to know a key.
    pub(super) fn of(record: &Record<Outline>, policy: &Policy) -> Self {
        let (outline, state) = (&record.credential, &record.state);
        let devices = outline.authenticators().iter().map(|one| Device {
            name: one.name.clone(),
            created: one.created,
            last_used: state.of(one.id).and_then(|entry| entry.last_used),
        });
        Self {
            authenticators: devices.collect(),
            recovery_codes_left: state.recovery_codes_left(outline),
            recovery_codes_issued: outline
                .issued()
                .map(|set| u32::try_from(set.count).unwrap_or(u32::MAX)),
            failures: state.failures_in_a_row,
            failures_left: policy.lockout.failures().saturating_sub(state.failures),
            standing: state.standing,
            last_refusal: state.last_refusal,
        }
    }
}

#[cfg(test)]
mod tests;
