//! Enrolling without a dialogue: what an administrator's tool has made is kept.

use super::record::HeldRecord;
use super::until_not_overtaken;
use crate::Error;
use crate::keeper::{Keeper, ROOTS_LOCK_DEADLINE};
use otp_core::{Account, Credential, State};

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provisioned {
    /// The credential is the account's.
    Done,
    /// The account has one already, which was left alone.
    AlreadyEnrolled,
}

/// Keeps `credential` as the account's first, of which nothing was used. See [`provision_from`].
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

/// Keeps `credential` as the account's first, and `state` beside it, which must be one of it. Forced, whatever is there is replaced, a damaged record and a lock included.
///
/// # Errors
/// What is there cannot be trusted or read, or something could not be written.
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
