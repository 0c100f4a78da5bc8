//! Whether a user is enrolled, and how everything about a name is removed.

use super::grace::first_login_of;
use super::until_not_overtaken;
use crate::Error;
use crate::keeper::{Goes, Keeper, Look, Part};
use otp_core::{Account, UnixTime, UserName};
use std::time::Duration;

/// Whether the user has a credential, without holding or reading it.
///
/// For decisions before the user is asked; the attempt itself looks again.
///
/// # Errors
/// The account's data cannot be trusted or opened.
pub fn is_enrolled(keeper: &impl Keeper, account: &Account) -> Result<bool, Error> {
    match keeper.look(account)? {
        Some(kept) => kept.has(Part::Credential),
        None => Ok(false),
    }
}

/// Says whether the user has a credential and, if not, since when they are let in without one. One look answers both
/// for the same moment, and takes as long for users without a credential.
///
/// # Errors
/// The account's data cannot be trusted or opened, or does not say it.
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
    /// The account has a credential.
    Enrolled,
    /// The account has none. The time when it was first let in without one; `None`: not yet.
    Since(Option<UnixTime>),
}

/// Removes everything stored about a user, whatever its condition; `false`: there was nothing.
///
/// Checks neither owner nor mode nor content: administrators remove damaged records in this way.
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
