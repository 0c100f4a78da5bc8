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
/// Only this module can make one, so whoever holds one knows that the attempt was counted, the code used up and the
/// lock set before anybody learned the answer.
///
/// ```compile_fail
/// otp_store::Committed { what: otp_core::Verdict::Replayed, undisturbed: None };
/// ```
/// While it lives, the process that made the attempt is as little disturbed as while the record was locked, so that a
/// log line about it cannot be prevented: write that first.
#[derive(Debug)]
pub struct Committed<T> {
    what: T,
    undisturbed: Option<Undisturbed>,
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

/// Where an attempt is made, and how long a good code counts there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// Where.
    pub place: Place,
    /// How long.
    pub remember: Duration,
}

/// What became of an attempt.
#[derive(Debug)]
pub struct Judged {
    /// What became of the reply.
    pub verdict: Verdict,
    /// What became of the place.
    pub trusted: Trusted,
}

/// What an attempt found or did about the place where it was made.
#[derive(Debug)]
pub enum Trusted {
    /// No more than the verdict says: no place was named, or nothing speaks for it that was not known; or it is kept.
    AsTheVerdictSays,
    /// The reply is a code that was used. But since then it has earned trust at this very place, which still counts: the
    /// attempt was made while another one from there was judged.
    Since(UnixTime),
    /// The code was good, but that it was could not be kept.
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

/// Makes one attempt for `account`, at no place that could be trusted. See [`attempt_at`].
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
/// It is written down as failed before the reply is looked at, so whatever ends this process from then on cannot take
/// the guess back. What became of it is written in the same place: the record before this attempt, which is on disk,
/// stays whole until the new one is on disk as well.
///
/// The lock is held until then. Let go before the write is durable, it would have the next attempt write over the one
/// record that is durable; a power cut in the middle of that could leave the record before it as the newest, and with it
/// a code that was used.
///
/// A code that was mailed is used up, durably, before the verdict is committed.
///
/// A place that a good code is to be remembered at is written down while the lock is still held, after the verdict: an
/// attempt with the same code that waited meanwhile finds both, and one that comes earlier finds neither. The code is used
/// up before trust exists, so a crash in between costs the trust and lets nobody in twice.
///
/// Where others can hold the account at the same time, nothing is written beforehand, and an attempt that was overtaken is
/// made anew from what is kept by then: nobody learns of the one that was not written. There another attempt may come
/// between the verdict and the trust, and finds a code that was used.
///
/// `excused` says whether policy lets an account in that has no authenticator. `clock` is read while the account is held, so
/// that attempts are judged in the order in which they are stored.
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
    // The mailed code that this attempt has used up, and nobody else can any longer, where it was overtaken afterwards.
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
            // Before anything is counted: that the program has no memory is not its user's guess.
            try_memory().map_err(|NoMemory| Error::Memory)?;
        }
        let now = clock()?;
        // Where it cannot be read, what was typed may still be a code of a device.
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
                // Trust that cannot be read is none.
                since_when(&mut held, place, *remember, now).ok().flatten()
            }
            _ => None,
        };
        if since.is_some() {
            // What is let pass is no refusal, and must not take the place of one that the help desk looks for.
            next.last_refusal = record.state.last_refusal;
        }
        if let (Verdict::Mailed, Some(mailbox), None) = (&verdict, &mailbox, taken) {
            // Used up before anybody can be let in by it: a crash in between costs the code.
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
            // Whoever cannot remove it is still not trusted before the next success, which comes by here again.
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

/// Writes down that a good code came from that place. Whatever becomes of it, the code is used up and the verdict stands: it
/// is never judged again.
fn keep_trust<K: Keeper>(
    keeper: &K,
    held: &mut K::Held,
    account: &Account,
    place: &Place,
    now: UnixTime,
) -> Trusted {
    let kept = match put_place(held, place, now) {
        Ok(Put::Done) => Ok(()),
        // Only where others hold the account as well, so it is not kept from anybody by this.
        Ok(Put::Overtaken) => trust(keeper, account, place, now),
        Err(error) => Err(error),
    };
    kept.map_or_else(Trusted::NotKept, |()| Trusted::AsTheVerdictSays)
}

/// The verdict about an account that has no record, or a name that is nobody's: nothing has to be remembered.
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
