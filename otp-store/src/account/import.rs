//! Taking over what another program has kept of an account: its keys, and what was used of them.

use super::record::{HeldRecord, Record};
use super::until_not_overtaken;
use crate::Error;
use crate::error::At;
use crate::keeper::{Keeper, Look, Part, ROOTS_LOCK_DEADLINE};
use otp_core::record::{AuthenticatorState, RecoverySet};
use otp_core::recovery::Salt;
use otp_core::{Account, Authenticator, Credential, State};
use otp_file::Unparsed;
use std::time::Duration;

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Imported {
    /// The credential is the account's, with that state.
    Done,
    /// The account has these keys already, and more was used of them meanwhile: that is remembered now.
    MovedOn,
    /// The account has these keys already, and nothing more was used of them.
    Unchanged,
    /// The account has other keys, which were left alone.
    AlreadyEnrolled,
}

/// Keeps `credential` as the account's first, with a state in which everything that was used before is used.
///
/// An account that is enrolled is never replaced. Where it has all the keys of `credential`, which it has from an earlier
/// import that may have been cut short, what was used of them since then is remembered as well, and nothing is taken back:
/// the newest step of each authenticator, and the imported recovery codes that `credential` has no more. Those can only be
/// told where both sets have one salt ([`imported_salt`]); a set with another leaves the account alone. Where `tells_codes` is
/// `false`, the other program knows nothing of them, so they stay as they are.
///
/// The order is that of every new record, so a crash leaves an account that is not enrolled, or one that is imported whole.
///
/// # Errors
/// `state` is not one of `credential`; what is there cannot be trusted or read; or something could not be written.
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
            let reason = Unparsed::whole("does not belong to what is imported with it");
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

/// What an import would meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foretold {
    /// An account that is not enrolled.
    New,
    /// An account that has all these keys.
    Same,
    /// An account that has other keys.
    Others,
}

/// Says what an import of these keys would meet, and changes nothing. An account that others hold is waited for so long.
///
/// # Errors
/// What is there cannot be trusted or read, or others hold it.
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

/// The salt of the recovery codes that were imported for an account; `None`: it has none.
///
/// # Errors
/// What is there cannot be trusted or read.
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

/// The state of a record in which is used what was used in either; `None`: the keys or the codes are others.
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
            // None is left.
            None => u32::MAX,
        };
        let entry = next.recovery.iter_mut().find(|entry| entry.id == ours.id)?;
        entry.used |= gone & known_bits(ours);
    }
    Some(next)
}

/// Remembers of an authenticator what was used of it elsewhere, where that is newer; and how far its clock is off by what was
/// learned there, as long as none of its codes was used here.
fn move_on(ours: &mut AuthenticatorState, theirs: &AuthenticatorState) {
    if ours.last_used.is_none() {
        ours.drift = theirs.drift;
    }
    ours.last_step = ours.last_step.max(theirs.last_step);
    ours.last_used = ours.last_used.max(theirs.last_used);
}

/// The codes of `ours`, bit by bit, that are not among the unused ones of `theirs`.
fn gone(ours: &RecoverySet, theirs: &RecoverySet, used: u32) -> u32 {
    let unused = |hash| {
        let mut theirs = theirs.hashes.iter().enumerate();
        theirs.any(|(at, one)| one == hash && used & (1 << at) == 0)
    };
    let ours = ours.hashes.iter().enumerate();
    ours.filter(|(_, hash)| !unused(*hash))
        .fold(0, |gone, (at, _)| gone | 1 << at)
}

/// The bits that stand for a code of the set.
fn known_bits(set: &RecoverySet) -> u32 {
    (0..set.hashes.len()).fold(0, |bits, at| bits | 1 << at)
}

#[cfg(any(test, feature = "trial"))]
pub(crate) mod tests;
