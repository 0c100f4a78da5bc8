//! One attempt, from lock to disk: the only way to a verdict that counts.

use super::record::HeldRecord;
use super::until_not_overtaken;
use crate::Error;
use crate::keeper::{Held, Keeper, LOCK_DEADLINE};
use crate::undisturbed::Undisturbed;

use otp_core::decide::failed_beforehand;
use otp_core::{Account, Before1970, Input, Policy, UnixTime, Verdict, absent, decide};

/// A verdict whose consequences are on disk.
///
/// Only this module can make one, so whoever holds one knows that the attempt was counted, the code used up and the
/// lock set before anybody learned the answer.
///
/// ```compile_fail
/// otp_store::Committed { what: otp_core::Verdict::Replayed, _undisturbed: None };
/// ```
/// While it lives, the process that made the attempt is as little disturbed as while the record was locked, so that a
/// log line about it cannot be prevented: write that first.
#[derive(Debug)]
pub struct Committed<T> {
    what: T,
    _undisturbed: Option<Undisturbed>,
}

impl<T> Committed<T> {
    /// What was committed.
    pub const fn what(&self) -> &T {
        &self.what
    }

    /// What was committed; signals come through again.
    pub fn into_inner(self) -> T {
        self.what
    }
}

/// Makes one attempt for `account`.
///
/// It is written down as failed before the reply is looked at, so whatever ends this process from then on cannot take
/// the guess back. What became of it is written in the same place: the record before this attempt, which is on disk,
/// stays whole until the new one is on disk as well.
///
/// The lock is held until then. Let go before the write is durable, it would have the next attempt write over the one
/// record that is durable; a power cut in the middle of that could leave the record before it as the newest, and with it
/// a code that was used.
///
/// Where others can hold the account at the same time, nothing is written beforehand, and an attempt that was overtaken is
/// made anew from what is kept by then: nobody learns of the one that was not written.
///
/// `excused` says whether policy lets an account in that has no authenticator. `clock` is read while the account is held, so
/// that attempts are judged in the order in which they are stored.
///
/// # Errors
/// Anything that keeps the attempt from being judged and stored; the caller refuses the login.
pub fn attempt<K: Keeper>(
    keeper: &K,
    account: &Account,
    policy: &Policy,
    input: &Input,
    excused: bool,
    mut clock: impl FnMut() -> Result<UnixTime, Before1970>,
) -> Result<Committed<Verdict>, Error> {
    until_not_overtaken(LOCK_DEADLINE, || {
        let Some(mut held) = keeper.hold(account, LOCK_DEADLINE)? else {
            return Ok(nobody(excused, input));
        };
        let Some(mut record) = held.read(account)? else {
            return Ok(nobody(excused, input));
        };
        let now = clock()?;
        if K::Held::ALONE {
            let failed = failed_beforehand(&record.credential, &record.state, policy, input, now);
            held.note(&mut record, &failed)?;
        }
        let (verdict, next) = decide(&record.credential, &record.state, policy, input, now);
        let was_locked = record.state.locks_in_a_row > 0;
        held.commit(record, &next)?;
        if was_locked || matches!(verdict, Verdict::RejectedAndLocked { .. }) {
            // Whoever cannot remove it is still not trusted before the next success, which comes by here again.
            held.forget_trust().ok();
        }
        Ok(Committed {
            what: verdict,
            _undisturbed: held.let_go(),
        })
    })
}

/// The verdict about an account that has no record, or a name that is nobody's: nothing has to be remembered.
#[must_use]
pub const fn nobody(excused: bool, input: &Input) -> Committed<Verdict> {
    Committed {
        what: absent(excused, input),
        _undisturbed: None,
    }
}

#[cfg(test)]
mod explored;
#[cfg(test)]
mod tests;
