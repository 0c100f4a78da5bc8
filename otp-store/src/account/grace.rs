//! When an account was first let in without a second factor: the beginning of its grace.
//!
//! Kept beside the record, root's, and gone with it. Another owner of the same name has a grace of their own.

use super::until_not_overtaken;
use crate::Error;
use crate::error::At;
use crate::keeper::{Bytes, Held, Keeper, LOCK_DEADLINE, Look, Part};
use crate::text::first_login::{parse, to_text};
use otp_core::{Account, UnixTime};
use std::time::Duration;

/// When the account was first let in without a second factor; `None`: not yet.
///
/// # Errors
/// What is kept cannot be trusted, read, or does not say it.
pub fn first_login(keeper: &impl Keeper, account: &Account) -> Result<Option<UnixTime>, Error> {
    match keeper.look(account)? {
        Some(mut kept) => first_login_of(&mut kept, account),
        None => Ok(None),
    }
}

/// Writes all that [`begin_grace`] would, durably, but begins nothing.
///
/// For a login that may get in without a second factor: by the time that it is certain to, nobody can be refused any
/// more, and a grace that cannot be written down would have no end. A user who runs `su` can bring that about, by
/// limits on files, descriptors or pending signals.
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

/// Keeps `now` as the first login, unless an earlier one is kept. One in the future is none: the clock has run back.
///
/// Where others can hold the account at the same time, its user id is what one of many machines says: what is kept there for
/// another one stays, and is an error. Two machines that disagree, or one that lies, would else begin the grace anew for ever.
///
/// Nothing is kept of who has an authenticator by now. Where it can no longer be written, what was rehearsed counts.
/// Says whether it was kept.
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

/// An account whose grace may begin, held; `None`: it has begun, or there is an authenticator.
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
    // While it is held, who came first counts.
    let begun =
        has_begun(first_login_of(&mut held, account)?, now) || held.has(Part::Credential)?;
    Ok((!begun).then_some(held))
}

/// Fails where a first login is kept for another owner of the name.
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
        // A number that nobody can have is of nobody who asks.
        recorded: u32::try_from(uid).unwrap_or(u32::MAX),
        actual: account.uid,
    })
}

/// Makes what was rehearsed the first login, with as little as that can take; says whether it is now.
///
/// Without holding the account, which the user may have made impossible since the rehearsal. The moments of two logins that
/// begin at once are alike, and beside a credential nobody reads it. At worst it is the text that another login of the
/// same user has only begun to write, and that user is refused until it is written.
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

/// Whether that moment is one from which a grace counts.
fn has_begun(first_login: Option<UnixTime>, now: UnixTime) -> bool {
    first_login.is_some_and(|first| first <= now)
}

/// Keeps it, whatever was kept.
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

/// The moment that is kept, if it is this account's.
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
