//! Imports what another program has stored about an account: its keys, and what was used of them.

use super::record::{HeldRecord, Record};
use super::until_not_overtaken;
use crate::Error;
use crate::error::At;
use crate::keeper::{Keeper, Look, Part, ROOTS_LOCK_DEADLINE};
use otp_core::messages::reason::Unfit;
use otp_core::record::{AuthenticatorState, RecoverySet};
use otp_core::recovery::Salt;
use otp_core::{Account, Authenticator, Credential, State};
use otp_file::Unparsed;
use std::time::Duration;

/// The result of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Imported {
    /// The account now has the credential, with that state.
    Done,
    /// The account already had these keys, and more was used of them meanwhile: this is now remembered.
    MovedOn,
    /// The account already had these keys, and nothing more was used of them.
    Unchanged,
    /// The account has other keys, which were left alone.
    AlreadyEnrolled,
}

/// Stores `credential` as the account's first one, with a state in which everything that was used before is used.
///
/// The credential of an enrolled account is never replaced. If it already has all keys of `credential`, they come from
/// an earlier import, which may have been interrupted. Then what was used since is remembered too, and nothing is taken
/// back: the newest step of each authenticator, and the imported recovery codes that `credential` no longer has. Such
/// codes can be compared only if both sets have the same salt ([`imported_salt`]); a set with another salt leaves the
/// account alone. If `tells_codes` is `false`, the other program knows nothing of the codes, so they stay as they are.
///
/// The order of writes is that of every new record. So a crash leaves an account that is not enrolled, or one that is
/// completely imported.
///
/// # Errors
/// `state` does not belong to `credential`; the stored data cannot be trusted or read; or something could not be
/// written.
pub fn import(
    keeper: &impl Keeper,
    account: &Account,
    credential: &Credential,
    state: &State,
    tells_codes: bool,
) -> Result<Imported, Error> {
    until_not_overtaken(ROOTS_LOCK_DEADLINE, || {
        let mut held = keeper.hold_or_create(account, ROOTS_LOCK_DEADLINE)?;
        if !state.covers(credential) {
            let reason = Unparsed::whole(Unfit::OfAnotherImport);
            return Err(reason).at(|| held.place(Part::State));
        }
        let Some(record) = held.read(account)? else {
            keeper.mark_enrolled()?;
            held.replace(account, credential, state)?;
            return Ok(Imported::Done);
        };
        let Some(next) = moved_on(&record, credential, state, tells_codes) else {
            return Ok(Imported::AlreadyEnrolled);
        };
        if next == record.state {
            return Ok(Imported::Unchanged);
        }
        held.commit(record, &next)?;
        Ok(Imported::MovedOn)
    })
}

/// What an import would find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foretold {
    /// An account that is not enrolled.
    New,
    /// An account that has all these keys.
    Same,
    /// An account that has other keys.
    Others,
}

/// Says what an import of these keys would find, and changes nothing. `patience` is how long to wait for others who
/// hold the account.
///
/// # Errors
/// The stored data cannot be trusted or read, or others hold the account.
pub fn foretell(
    keeper: &impl Keeper,
    account: &Account,
    keys: &[&Authenticator],
    patience: Duration,
) -> Result<Foretold, Error> {
    let Some(mut held) = keeper.hold(account, patience)? else {
        return Ok(Foretold::New);
    };
    let Some(record) = held.read(account)? else {
        return Ok(Foretold::New);
    };
    let known = record.credential.authenticators();
    let is_known = |key: &&Authenticator| known.iter().any(|known| known.shows_the_codes_of(key));
    Ok(if keys.iter().all(is_known) {
        Foretold::Same
    } else {
        Foretold::Others
    })
}

/// Returns the salt of the recovery codes that were imported for an account; `None`: it has none.
///
/// # Errors
/// The stored data cannot be trusted or read.
pub fn imported_salt(keeper: &impl Keeper, account: &Account) -> Result<Option<Salt>, Error> {
    let Some(mut held) = keeper.hold(account, ROOTS_LOCK_DEADLINE)? else {
        return Ok(None);
    };
    let record = held.read(account)?;
    Ok(record
        .as_ref()
        .and_then(|record| imported_set(&record.credential))
        .map(|set| set.salt))
}

fn imported_set(credential: &Credential) -> Option<&RecoverySet> {
    credential.recovery().filter(|set| set.origin.is_imported())
}

/// Returns the state of a record in which everything is used that was used in either program; `None`: the keys or the
/// codes differ.
fn moved_on(
    record: &Record,
    credential: &Credential,
    state: &State,
    tells_codes: bool,
) -> Option<State> {
    let mut next = record.state.clone();
    for one in credential.authenticators() {
        let mut known = record.credential.authenticators().iter();
        let known = known.find(|known| known.shows_the_codes_of(one))?;
        let entry = next.authenticators.iter_mut();
        move_on(
            entry.into_iter().find(|entry| entry.id == known.id)?,
            state.of(one.id)?,
        );
    }
    if tells_codes && let Some(ours) = imported_set(&record.credential) {
        let gone = match imported_set(credential) {
            Some(theirs) if theirs.salt != ours.salt => return None,
            Some(theirs) => gone(ours, theirs, state.of_codes(theirs.id)?.used),
            // No code is left there.
            None => u32::MAX,
        };
        let entry = next.recovery.iter_mut().find(|entry| entry.id == ours.id)?;
        entry.used |= gone & known_bits(ours);
    }
    Some(next)
}

/// Remembers what was used of an authenticator elsewhere, if it is newer. Also takes over how far its clock is off, as
/// long as none of its codes was used here.
fn move_on(ours: &mut AuthenticatorState, theirs: &AuthenticatorState) {
    if ours.last_used.is_none() {
        ours.drift = theirs.drift;
    }
    ours.last_step = ours.last_step.max(theirs.last_step);
    ours.last_used = ours.last_used.max(theirs.last_used);
}

/// Returns the codes of `ours`, one bit each, that are not among the unused ones of `theirs`.
fn gone(ours: &RecoverySet, theirs: &RecoverySet, used: u32) -> u32 {
    let unused = |hash| {
        let mut theirs = theirs.hashes.iter().enumerate();
        theirs.any(|(at, one)| one == hash && used & (1 << at) == 0)
    };
    let ours = ours.hashes.iter().enumerate();
    ours.filter(|(_, hash)| !unused(*hash))
        .fold(0, |gone, (at, _)| gone | 1 << at)
}

/// Returns the bits that stand for codes of the set.
fn known_bits(set: &RecoverySet) -> u32 {
    (0..set.hashes.len()).fold(0, |bits, at| bits | 1 << at)
}

#[cfg(any(test, feature = "trial"))]
pub(crate) mod tests;
