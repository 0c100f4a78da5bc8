//! One attempt, from lock to disk: the only way to a verdict that counts.

use crate::files::LOCK_DEADLINE;
use crate::{Account, Error, Store};
use otp_core::{Input, Policy, UnixTime, Verdict, absent, decide};

/// A verdict whose consequences are on disk.
///
/// Only this module can make one, so whoever holds one knows that the attempt was counted, the code used up and the
/// lock set before anybody learned the answer.
///
/// ```compile_fail
/// otp_store::Committed(otp_core::Verdict::Replayed);
/// ```
#[derive(Debug)]
pub struct Committed<T>(T);

impl<T> Committed<T> {
    /// What was committed.
    pub fn into_inner(self) -> T {
        self.0
    }
}

/// Makes one attempt for `account`.
///
/// `excused` says whether policy lets an account in that has no authenticator. `clock` is read under the lock, so
/// that attempts are judged in the order in which they are stored.
///
/// # Errors
/// Anything that keeps the attempt from being judged and stored; the caller refuses the login.
pub fn attempt(
    store: &Store,
    account: &Account,
    policy: &Policy,
    input: &Input,
    excused: bool,
    clock: impl FnOnce() -> Result<UnixTime, Error>,
) -> Result<Committed<Verdict>, Error> {
    let Some(locked) = store.lock(account, LOCK_DEADLINE)? else {
        return Ok(nobody(excused, input));
    };
    let Some(record) = locked.read(account)? else {
        return Ok(nobody(excused, input));
    };
    let (verdict, next) = decide(&record.credential, &record.state, policy, input, clock()?);
    let was_locked = record.state.locks_in_a_row > 0;
    locked.commit(record, &next)?;
    if was_locked || matches!(verdict, Verdict::RejectedAndLocked { .. }) {
        // Whoever cannot remove it is still not trusted before the next success, which comes by here again.
        locked.forget_trust().ok();
    }
    Ok(Committed(verdict))
}

/// The verdict about an account that has no record, or a name that is nobody's: nothing has to be remembered.
#[must_use]
pub const fn nobody(excused: bool, input: &Input) -> Committed<Verdict> {
    Committed(absent(excused, input))
}

#[cfg(test)]
mod tests;
