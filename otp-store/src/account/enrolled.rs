//! Whether somebody is enrolled, and that nobody is under a name any more.

use super::grace::first_login_of;
use super::until_not_overtaken;
use crate::Error;
use crate::keeper::{Goes, Keeper, Look, Part};
use otp_core::{Account, UnixTime, UserName};
use std::time::Duration;

/// Whether the user has a credential, without holding or reading it.
///
/// For what must be known before anybody is asked; the attempt itself looks again.
///
/// # Errors
/// What is kept cannot be trusted or opened.
pub fn is_enrolled(keeper: &impl Keeper, account: &Account) -> Result<bool, Error> {
    match keeper.look(account)? {
        Some(kept) => kept.has(Part::Credential),
        None => Ok(false),
    }
}

/// Whether the user has a credential; since when they get in without one, where they have none. One look, so that one question
/// tells both as of one moment: it takes as long for those who have none.
///
/// # Errors
/// What is kept cannot be trusted, opened, or does not say it.
pub fn enrolled_or_since(
    keeper: &impl Keeper,
    account: &Account,
) -> Result<EnrolledOrSince, Error> {
    match keeper.look(account)? {
        Some(kept) if kept.has(Part::Credential)? => Ok(EnrolledOrSince::Enrolled),
        Some(mut kept) => first_login_of(&mut kept, account).map(EnrolledOrSince::Since),
        None => Ok(EnrolledOrSince::Since(None)),
    }
}

/// What [`enrolled_or_since`] finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnrolledOrSince {
    /// There is a credential.
    Enrolled,
    /// There is none. When the account was first let in all the same; `None`: not yet.
    Since(Option<UnixTime>),
}

/// Removes everything that is kept about a user, whatever state it is in; `false`: there was nothing.
///
/// Asks nothing of its owner, rights or content: this is how an administrator gets rid of what is damaged.
///
/// # Errors
/// Something else is there, or it cannot be removed.
pub fn erase(keeper: &impl Keeper, name: &UserName, deadline: Duration) -> Result<bool, Error> {
    until_not_overtaken(deadline, || {
        let Some(mut held) = keeper.hold_name(name, deadline)? else {
            return Ok(false);
        };
        let place = held.place(Part::Credential);
        let put = keeper.erase(&mut held, name, Goes::Everything)?;
        put.or_begin_anew(|| place)?;
        Ok(true)
    })
}
