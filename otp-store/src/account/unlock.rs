//! Unlocks an account, for an administrator.

use super::record::HeldRecord;
use super::until_not_overtaken;
use crate::Error;
use crate::keeper::{Keeper, ROOTS_LOCK_DEADLINE};
use otp_core::decide::standing_at;
use otp_core::record::Standing;
use otp_core::{Account, Before1970, UnixTime};

/// The condition of an account before it was unlocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unlocked {
    /// Its standing: whether it was locked or disabled.
    pub standing: Standing,
    /// Failures in a row that were forgotten.
    pub failures: u32,
}

/// Lifts a lock or a disablement and forgets the failures; `None`: the account is not enrolled. Used codes stay used.
///
/// # Errors
/// The record cannot be trusted, read or written.
pub fn unlock(
    keeper: &impl Keeper,
    account: &Account,
    mut clock: impl FnMut() -> Result<UnixTime, Before1970>,
) -> Result<Option<Unlocked>, Error> {
    until_not_overtaken(ROOTS_LOCK_DEADLINE, || {
        let Some(mut held) = keeper.hold(account, ROOTS_LOCK_DEADLINE)? else {
            return Ok(None);
        };
        let Some(record) = held.outline(account)? else {
            return Ok(None);
        };
        let unlocked = Unlocked {
            standing: standing_at(record.state.standing, clock()?),
            failures: record.state.failures_in_a_row,
        };
        let next = record.state.unlocked();
        if next != record.state {
            held.commit(record, &next)?;
        }
        // An administrator who unlocks suspects something: a code is asked for everywhere again.
        held.forget_trust()?;
        Ok(Some(unlocked))
    })
}
