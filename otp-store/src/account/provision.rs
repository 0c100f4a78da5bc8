//! Enrolment without a dialogue: stores what an administrator's tool has made.

use super::record::HeldRecord;
use super::until_not_overtaken;
use crate::Error;
use crate::keeper::{Keeper, ROOTS_LOCK_DEADLINE};
use otp_core::{Account, Credential, State};

/// The result of an enrolment without a dialogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provisioned {
    /// The account now has the credential.
    Done,
    /// The account already had a credential, which was left alone.
    AlreadyEnrolled,
}

/// Stores `credential` as the account's first one, of which nothing was used. See [`provision_from`].
///
/// # Errors
/// As for [`provision_from`].
pub fn provision(
    keeper: &impl Keeper,
    account: &Account,
    credential: &Credential,
    force: bool,
) -> Result<Provisioned, Error> {
    provision_from(
        keeper,
        account,
        credential,
        &State::fresh(credential),
        force,
    )
}

/// Stores `credential` as the account's first one, together with `state`, which must belong to it. With `force`, it
/// replaces everything, even a damaged record and a lock.
///
/// # Errors
/// The stored data cannot be trusted or read, or something could not be written.
pub fn provision_from(
    keeper: &impl Keeper,
    account: &Account,
    credential: &Credential,
    state: &State,
    force: bool,
) -> Result<Provisioned, Error> {
    until_not_overtaken(ROOTS_LOCK_DEADLINE, || {
        let mut held = keeper.hold_or_create(account, ROOTS_LOCK_DEADLINE)?;
        if !force && held.outline(account)?.is_some() {
            return Ok(Provisioned::AlreadyEnrolled);
        }
        keeper.mark_enrolled()?;
        held.replace(account, credential, state)?;
        Ok(Provisioned::Done)
    })
}
