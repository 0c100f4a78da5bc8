//! When an account was first let in without a second factor: the beginning of its grace.
//!
//! Stored beside the record, in a file of root, and removed with it. Another owner of the same name has their own
//! grace.

use super::until_not_overtaken;
use crate::Error;
use crate::error::At;
use crate::keeper::{Bytes, Held, Keeper, LOCK_DEADLINE, Look, Part};
use crate::text::first_login::{parse, to_text};
use otp_core::{Account, UnixTime};
use std::time::Duration;

/// Returns when the account was first let in without a second factor; `None`: not yet.
///
/// # Errors
/// The stored data cannot be trusted or read, or does not say it.
pub fn first_login(keeper: &impl Keeper, account: &Account) -> Result<Option<UnixTime>, Error> {
    match keeper.look(account)? {
        Some(mut kept) => first_login_of(&mut kept, account),
        None => Ok(None),
    }
}

/// Writes everything that [`begin_grace`] would write, durably, but begins nothing.
///
/// For a login that may be let in without a second factor. When it is certain that it will be, it can no longer be
/// refused, and a grace that cannot be stored would never end. A user who runs `su` can cause this with limits on
/// files, descriptors or pending signals.
///
/// # Errors
/// It cannot be read or written: the caller refuses the login.
pub fn rehearse_grace(keeper: &impl Keeper, account: &Account, now: UnixTime) -> Result<(), Error> {
    until_not_overtaken(LOCK_DEADLINE, || {
        let Some(mut held) = hold_to_begin(keeper, account, now, LOCK_DEADLINE)? else {
            return Ok(());
        };
        let put = held.rehearse(Part::FirstLogin, to_text(account, now).as_bytes())?;
        put.or_begin_anew(|| held.place(Part::FirstLogin))
    })
}

/// Stores `now` as the first login, unless an earlier one is stored. A stored time in the future does not count: the
/// clock has run back.
///
/// If others can hold the account at the same time, the user id is what one of many machines says. Then a first login
/// of another user id stays, and is an error. Otherwise two machines that disagree, or one that lies, would begin the
/// grace again for ever.
///
/// Nothing is stored for users who have an authenticator by now. If nothing can be written any more, the rehearsed time
/// counts. Returns whether a first login was stored.
///
/// # Errors
/// It cannot be read or written.
pub fn begin_grace(keeper: &impl Keeper, account: &Account, now: UnixTime) -> Result<bool, Error> {
    begin_grace_within(keeper, account, now, LOCK_DEADLINE)
}

fn begin_grace_within(
    keeper: &impl Keeper,
    account: &Account,
    now: UnixTime,
    deadline: Duration,
) -> Result<bool, Error> {
    let written = until_not_overtaken(deadline, || {
        match hold_to_begin(keeper, account, now, deadline)? {
            Some(mut held) => put_first_login(&mut held, account, now).map(|()| true),
            None => Ok(false),
        }
    });
    match written {
        Err(_) if matches!(keep_rehearsed(keeper, account, now), Ok(true)) => Ok(true),
        other => other,
    }
}

/// Holds an account whose grace may begin; `None`: it has begun, or there is an authenticator.
fn hold_to_begin<K: Keeper>(
    keeper: &K,
    account: &Account,
    now: UnixTime,
    deadline: Duration,
) -> Result<Option<K::Held>, Error> {
    if has_begun(first_login(keeper, account)?, now) {
        return Ok(None);
    }
    let mut held = keeper.hold_or_create(account, deadline)?;
    if !K::Held::ALONE {
        is_nobody_elses(&mut held, account)?;
    }
    // Under the lock, the first one to come counts.
    let begun =
        has_begun(first_login_of(&mut held, account)?, now) || held.has(Part::Credential)?;
    Ok((!begun).then_some(held))
}

/// Fails if a first login is stored for another owner of the name.
fn is_nobody_elses(held: &mut impl Held, account: &Account) -> Result<(), Error> {
    let Some(bytes) = held.get(Part::FirstLogin)? else {
        return Ok(());
    };
    let (uid, _) = parse(&bytes).at(|| held.place(Part::FirstLogin))?;
    if uid == u64::from(account.uid) {
        return Ok(());
    }
    Err(Error::NotTheirs {
        place: held.place(Part::FirstLogin),
        user: account.name.as_str().to_owned(),
        // A number that no user id can have belongs to nobody who asks.
        recorded: u32::try_from(uid).unwrap_or(u32::MAX),
        actual: account.uid,
    })
}

/// Makes the rehearsed time the first login, with as few operations as possible; returns whether it is now.
///
/// It does not hold the account, since the user may have made that impossible since the rehearsal. The times of two
/// logins that begin at once are alike, and beside a credential nothing reads them. At worst the text is incomplete,
/// because another login of the same user has only begun to write it. Then that user is refused until it is written.
fn keep_rehearsed(keeper: &impl Keeper, account: &Account, now: UnixTime) -> Result<bool, Error> {
    let Some(mut kept) = keeper.look(account)? else {
        return Ok(false);
    };
    let bytes = kept.rehearsed(Part::FirstLogin)?;
    let rehearsed = moment_in(bytes, &kept, account)?;
    if has_begun(first_login_of(&mut kept, account)?, now) || !has_begun(rehearsed, now) {
        return Ok(false);
    }
    kept.fulfil(Part::FirstLogin)?;
    Ok(true)
}

/// Whether a grace counts from that time.
fn has_begun(first_login: Option<UnixTime>, now: UnixTime) -> bool {
    first_login.is_some_and(|first| first <= now)
}

/// Stores the first login, whatever was stored before.
pub(crate) fn put_first_login(
    held: &mut impl Held,
    account: &Account,
    when: UnixTime,
) -> Result<(), Error> {
    let put = held.put(Part::FirstLogin, to_text(account, when).as_bytes())?;
    put.or_begin_anew(|| held.place(Part::FirstLogin))
}

pub(crate) fn first_login_of(
    kept: &mut impl Look,
    account: &Account,
) -> Result<Option<UnixTime>, Error> {
    let bytes = kept.get(Part::FirstLogin)?;
    moment_in(bytes, kept, account)
}

/// Returns the stored time, if it belongs to this account.
fn moment_in(
    bytes: Option<Bytes>,
    kept: &impl Look,
    account: &Account,
) -> Result<Option<UnixTime>, Error> {
    let Some(bytes) = bytes else {
        return Ok(None);
    };
    let (uid, when) = parse(&bytes).at(|| kept.place(Part::FirstLogin))?;
    Ok((uid == u64::from(account.uid)).then_some(when))
}

#[cfg(any(test, feature = "trial"))]
pub(crate) mod tests;
