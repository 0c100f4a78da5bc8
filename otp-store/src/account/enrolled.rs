//! Whether somebody is enrolled, and that nobody is under a name any more.

use super::until_not_overtaken;
use crate::Error;
use crate::keeper::{Goes, Keeper, Look, Part};
use otp_core::{Account, UserName};
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
