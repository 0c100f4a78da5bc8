//! Seals, reseals and unseals existing records: one account at a time, each whole or not at all.

use super::record::HeldRecord;
use super::until_not_overtaken;
use crate::Error;
use crate::error::At;
use crate::keeper::{Held, Keeper, Part, ROOTS_LOCK_DEADLINE};
use crate::sealed::{KeyId, Keys, Pen};
use crate::text::credential;
use otp_core::UserName;
use otp_core::messages::reason::Unfit;
use std::sync::Arc;

/// How the record of an account is to be stored.
#[derive(Clone)]
pub enum Wanted {
    /// Sealed with the first of these keys.
    Sealed(Arc<Keys>),
    /// Unsealed.
    Plain,
}

/// The action on a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resealed {
    /// It is now stored as wanted.
    Done,
    /// It was already stored as wanted, and nothing was written.
    AsItWas,
    /// There is no record.
    NoRecord,
}

/// What the record of an account is sealed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealedBy {
    /// With nothing: a key in it can be read.
    Nothing,
    /// With that key, in all its parts.
    Key(KeyId),
}

/// Says what the record under a name is sealed with, and opens nothing; `None`: there is no record.
///
/// # Errors
/// It cannot be trusted or read, or is sealed with several keys, which our programs never write.
pub fn sealed_by(keeper: &impl Keeper, name: &UserName) -> Result<Option<SealedBy>, Error> {
    until_not_overtaken(ROOTS_LOCK_DEADLINE, || {
        match keeper.hold_name(name, ROOTS_LOCK_DEADLINE)? {
            Some(mut held) => seal_of(&mut held),
            None => Ok(None),
        }
    })
}

fn seal_of(held: &mut impl Held) -> Result<Option<SealedBy>, Error> {
    let Some(owner) = held.recorded_owner()? else {
        return Ok(None);
    };
    held.claim(owner.uid)?;
    let Some(bytes) = held.get(Part::Credential)? else {
        return Ok(None);
    };
    let place = || held.place(Part::Credential);
    let mut parts = credential::seals(&bytes).at(place)?.into_iter();
    let first = parts.next().flatten();
    if !parts.all(|part| part == first) {
        return Err(Error::content(place(), Unfit::SeveralKeys));
    }
    Ok(Some(first.map_or(SealedBy::Nothing, SealedBy::Key)))
}

/// Stores the record under a name as wanted, for any user who has that name now.
///
/// This is one write, so a process that is killed leaves the record as it was or as it is wanted. Either can be opened
/// as long as the file of the key has both keys.
///
/// # Errors
/// The record cannot be trusted, read, opened or written; it is unchanged.
pub fn reseal(keeper: &impl Keeper, name: &UserName, wanted: &Wanted) -> Result<Resealed, Error> {
    let (goal, pen) = match wanted {
        Wanted::Sealed(keys) => (SealedBy::Key(keys.seals()), Pen::Sealing(Arc::clone(keys))),
        Wanted::Plain => (SealedBy::Nothing, Pen::Plain),
    };
    until_not_overtaken(ROOTS_LOCK_DEADLINE, || {
        let Some(mut held) = keeper.hold_name(name, ROOTS_LOCK_DEADLINE)? else {
            return Ok(Resealed::NoRecord);
        };
        match seal_of(&mut held)? {
            None => return Ok(Resealed::NoRecord),
            Some(now) if now == goal => return Ok(Resealed::AsItWas),
            Some(_) => {}
        }
        let Some(owner) = held.recorded_owner()? else {
            return Ok(Resealed::NoRecord);
        };
        let Some(record) = held.read(&owner)? else {
            return Ok(Resealed::NoRecord);
        };
        held.put_credential_with(&record.credential, &pen)?;
        Ok(Resealed::Done)
    })
}

#[cfg(any(test, feature = "trial"))]
pub(crate) mod tests;
