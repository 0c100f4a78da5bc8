//! One attempt, from lock to disk: the only way to a verdict that counts.

use super::record::HeldRecord;
use super::trust::{Place, may_be_trusted, put_place, since_when, trust};
use super::until_not_overtaken;
use crate::Error;
use crate::keeper::{Held, Keeper, LOCK_DEADLINE, Put};
use crate::undisturbed::Undisturbed;

use otp_core::decide::failed_beforehand;
use otp_core::imported::{NoMemory, is_looked_up, try_memory};
use otp_core::{Account, Before1970, Input, Policy, UnixTime, Verdict, absent, decide};
use std::time::Duration;

/// A verdict whose consequences are on disk.
///
/// Only this module can make one. So the holder of one knows that the attempt was counted, the code was used up and the
/// lock was set before anybody learned the answer.
///
/// ```compile_fail
/// otp_store::Committed { what: otp_core::Verdict::Replayed, undisturbed: None };
/// ```
/// While it lives, the process that made the attempt is protected from signals as it was while the record was locked.
/// So nobody can prevent a log line about the attempt: write that first.
#[derive(Debug)]
pub struct Committed<T> {
    what: T,
    undisturbed: Option<Undisturbed>,
}

impl<T> Committed<T> {
    /// Returns what was committed.
    pub const fn what(&self) -> &T {
        &self.what
    }

    /// Returns what was committed, and lets signals through again.
    pub fn into_inner(self) -> T {
        self.what
    }
}

/// Where an attempt is made, and how long a good code is remembered there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// The place.
    pub place: Place,
    /// How long a code is remembered.
    pub remember: Duration,
}

/// The result of an attempt.
#[derive(Debug)]
pub struct Judged {
    /// The verdict about the reply.
    pub verdict: Verdict,
    /// The result for the place.
    pub trusted: Trusted,
}

/// What an attempt found or did about the place where it was made.
#[derive(Debug)]
pub enum Trusted {
    /// Nothing beyond the verdict: no place was named, the place has no trust, or its trust was stored.
    AsTheVerdictSays,
    /// The reply is a used code. But meanwhile it has earned trust at this very place, which still counts: another
    /// attempt from there was judged while this one was made.
    Since(UnixTime),
    /// The code was good, but the trust could not be stored.
    NotKept(Error),
}

impl From<Verdict> for Judged {
    fn from(verdict: Verdict) -> Self {
        Self {
            verdict,
            trusted: Trusted::AsTheVerdictSays,
        }
    }
}

/// Makes one attempt for `account`, without a place that could be trusted. See [`attempt_at`].
///
/// # Errors
/// As for [`attempt_at`].
pub fn attempt<K: Keeper>(
    keeper: &K,
    account: &Account,
    policy: &Policy,
    input: &Input,
    excused: bool,
    clock: impl FnMut() -> Result<UnixTime, Before1970>,
) -> Result<Committed<Verdict>, Error> {
    let committed = attempt_at(keeper, account, policy, input, excused, None, clock)?;
    Ok(Committed {
        what: committed.what.verdict,
        undisturbed: committed.undisturbed,
    })
}

/// Makes one attempt for `account`.
///
/// The attempt is stored as failed before the reply is looked at. So nothing that ends this process later can take the
/// guess back. The result is written to the same place. The record from before this attempt, which is on disk, stays
/// whole until the new one is on disk too.
///
/// The lock is held until then. If it were released before the write is durable, the next attempt would write over the
/// only durable record. A power cut in the middle of that could leave the record before it as the newest, and with it a
/// code that was used.
///
/// A mailed code is used up, durably, before the verdict is committed.
///
/// If a good code is to be remembered for a place, this is stored after the verdict, while the lock is still held. An
/// attempt with the same code that waited meanwhile finds both, and an earlier one finds neither. The code is used up
/// before trust exists, so a crash in between costs the trust and lets nobody in twice.
///
/// If others can hold the account at the same time, nothing is stored beforehand. An attempt that was overtaken is made
/// again from what is stored by then, and nobody learns of the result that was not written. There another attempt may
/// come between the verdict and the trust, and finds a used code.
///
/// `excused` says whether policy lets an account without an authenticator in. `clock` is read while the account is
/// held, so that attempts are judged in the order in which they are stored.
///
/// # Errors
/// Anything that keeps the attempt from being judged and stored; the caller refuses the login.
pub fn attempt_at<K: Keeper>(
    keeper: &K,
    account: &Account,
    policy: &Policy,
    input: &Input,
    excused: bool,
    remembered: Option<&Remembered>,
    mut clock: impl FnMut() -> Result<UnixTime, Before1970>,
) -> Result<Committed<Judged>, Error> {
    // The mailed code that this attempt has used up. If the attempt was overtaken afterwards, nobody else can use it
    // any more.
    let mut taken = None;
    until_not_overtaken(LOCK_DEADLINE, || {
        let Some(mut held) = keeper.hold(account, LOCK_DEADLINE)? else {
            keeper.judges_nobody()?;
            return Ok(nobody(excused, input));
        };
        let Some(mut record) = held.read(account)? else {
            keeper.judges_nobody()?;
            return Ok(nobody(excused, input));
        };
        if is_looked_up(&record.credential, input) {
            // Before anything is counted: a program without memory is not a guess of its user.
            try_memory().map_err(|NoMemory| Error::Memory)?;
        }
        let now = clock()?;
        // If it cannot be read, the reply may still be a code of a device.
        let (mailed, mailbox) = match input {
            Input::Mailed(reply) => {
                let mailbox = held.mailbox(account);
                let kept = taken.or_else(|| mailbox.as_ref().ok()?.outstanding());
                (Some(Input::Mailed(reply.beside(kept))), mailbox.ok())
            }
            _ => (None, None),
        };
        let input = mailed.as_ref().unwrap_or(input);
        if K::Held::ALONE {
            let failed = failed_beforehand(&record.credential, &record.state, policy, input, now);
            held.note(&mut record, &failed)?;
        }
        let (verdict, mut next) = decide(&record.credential, &record.state, policy, input, now);
        let was_locked = record.state.locks_in_a_row > 0;
        let since = match (remembered, &verdict) {
            (Some(Remembered { place, remember }), Verdict::Replayed)
                if may_be_trusted(&record.state, now) =>
            {
                // Trust that cannot be read is no trust.
                since_when(&mut held, place, *remember, now).ok().flatten()
            }
            _ => None,
        };
        if since.is_some() {
            // An attempt that is let through is no refusal, and must not overwrite one that the help desk looks for.
            next.last_refusal = record.state.last_refusal;
        }
        if let (Verdict::Mailed, Some(mailbox), None) = (&verdict, &mailbox, taken) {
            // Used up before it lets anybody in: a crash in between costs the code.
            held.put_mailbox(account, &mailbox.used_up())?;
            taken = mailbox.outstanding();
        }
        if let Verdict::Accepted { .. } | Verdict::Recovered { .. } | Verdict::Mailed = verdict {
            held.accepted(now);
        }
        if let Verdict::Rejected { .. } | Verdict::RejectedAndLocked { .. } = verdict {
            held.refused();
        }
        held.commit(record, &next)?;
        if was_locked || matches!(verdict, Verdict::RejectedAndLocked { .. }) {
            // If trust cannot be removed, the account is still not trusted before its next success, which removes it
            // again.
            held.forget_trust().ok();
        }
        let trusted = match (remembered, &verdict, since) {
            (_, _, Some(since)) => Trusted::Since(since),
            (Some(Remembered { place, .. }), Verdict::Accepted { .. }, None) => {
                keep_trust(keeper, &mut held, account, place, now)
            }
            (_, _, None) => Trusted::AsTheVerdictSays,
        };
        Ok(Committed {
            what: Judged { verdict, trusted },
            undisturbed: held.let_go(),
        })
    })
}

/// Stores that a good code came from that place. If this fails, the code is still used up and the verdict stands: it is
/// never judged again.
fn keep_trust<K: Keeper>(
    keeper: &K,
    held: &mut K::Held,
    account: &Account,
    place: &Place,
    now: UnixTime,
) -> Trusted {
    let kept = match put_place(held, place, now) {
        Ok(Put::Done) => Ok(()),
        // This happens only where others hold the account too, so waiting here keeps nobody from it.
        Ok(Put::Overtaken) => trust(keeper, account, place, now),
        Err(error) => Err(error),
    };
    kept.map_or_else(Trusted::NotKept, |()| Trusted::AsTheVerdictSays)
}

/// Returns the verdict about an account without a record, or about a name that no user has: nothing must be remembered.
#[must_use]
pub fn nobody(excused: bool, input: &Input) -> Committed<Judged> {
    Committed {
        what: absent(excused, input).into(),
        undisturbed: None,
    }
}

#[cfg(test)]
mod explored;
#[cfg(any(test, feature = "trial"))]
pub(crate) mod tests;
