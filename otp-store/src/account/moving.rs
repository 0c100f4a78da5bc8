//! Moves a record whose owner has another name, or another user id, than when it was made. Administrators do this.
//!
//! A process that is killed on the way leaves the record under the old name or under the new one. In between it lies
//! under the new name and names the old user. Then neither user gets in with it, and the same move again completes it.

use super::grace::{first_login_of, put_first_login};
use super::record::HeldRecord;
use super::{Overtakable, until_not_overtaken};
use crate::Error;
use crate::keeper::{Held, Keeper, Look, Part, ROOTS_LOCK_DEADLINE};
use otp_core::{Account, UserName};

use otp_core::{Credential, UnixTime};

/// The result of a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// The record now belongs to the new user.
    Done,
    /// The record belonged to the user already.
    AlreadyTheirs,
}

/// Why nothing was moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotMoved {
    /// There is no record under the old name.
    NoRecord,
    /// The new user has a record.
    Taken,
    /// The record was made for another user id than the new user's.
    AnotherUid {
        /// The user id in the record.
        recorded: u32,
    },
}

/// Why a move failed.
#[derive(Debug)]
pub enum Failed {
    /// It is not allowed.
    Refused(NotMoved),
    /// It could not be carried out. The same move again completes what was begun.
    Store(Error),
}

impl From<NotMoved> for Failed {
    fn from(refused: NotMoved) -> Self {
        Self::Refused(refused)
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl Overtakable for Failed {
    fn is_overtaken(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_overtaken())
    }
}

/// Gives the record stored under the name `from` to `to`: credential, state and the beginning of the grace. Trust is
/// forgotten. Nothing is ever overwritten.
///
/// With `another_uid`, a record is moved even if it was made for another user id. If both names are the same, the
/// record is bound to the present user id.
///
/// # Errors
/// The move is refused, or something could not be read or written.
pub fn move_record(
    keeper: &impl Keeper,
    from: &UserName,
    to: &Account,
    another_uid: bool,
) -> Result<Moved, Failed> {
    until_not_overtaken(ROOTS_LOCK_DEADLINE, || {
        if *from == to.name {
            rebind(keeper, to, another_uid)
        } else {
            rename(keeper, from, to, another_uid)
        }
    })
}

fn rename<K: Keeper>(
    keeper: &K,
    from: &UserName,
    to: &Account,
    another_uid: bool,
) -> Result<Moved, Failed> {
    // Held in the order of the names, so that two moves never wait for each other. Dropped in the opposite order.
    let old_is_first = *from < to.name;
    let (first, second) = if old_is_first {
        (from, &to.name)
    } else {
        (&to.name, from)
    };
    let mut first = keeper.hold_name(first, ROOTS_LOCK_DEADLINE)?;
    let mut second = keeper.hold_name(second, ROOTS_LOCK_DEADLINE)?;
    let (old, mut new) = if old_is_first {
        (first.as_mut(), second.as_mut())
    } else {
        (second.as_mut(), first.as_mut())
    };
    let theirs = match &mut new {
        Some(new) => new.recorded_owner()?,
        None => None,
    };
    let (old, recorded) = match old {
        Some(old) => {
            let recorded = old.recorded_owner()?;
            (Some(old), recorded)
        }
        None => (None, None),
    };
    let (Some(old), Some(recorded)) = (old, recorded) else {
        return match (new, theirs) {
            // An interrupted move.
            (Some(new), Some(theirs)) if theirs.name == *from => {
                permit(theirs.uid, to, another_uid)?;
                bind(new, &theirs, to, None)?;
                Ok(Moved::Done)
            }
            _ => Err(NotMoved::NoRecord.into()),
        };
    };
    if theirs.is_some() {
        return Err(NotMoved::Taken.into());
    }
    let owner = Account {
        name: from.clone(),
        uid: recorded.uid,
    };
    permit(owner.uid, to, another_uid)?;
    old.claim(owner.uid)?;
    // A record that is not whole is not moved.
    old.outline(&owner)?;
    let begun = match &mut new {
        Some(new) => first_login_of(*new, to)?,
        None => None,
    };
    keep_first_login(old, &owner, to, begun)?;
    old.forget_trust()?;
    let put = keeper.rename(old, new, [from, &to.name])?;
    put.or_begin_anew(|| old.place(Part::Credential))?;
    bind(old, &owner, to, begun)?;
    Ok(Moved::Done)
}

/// Returns the user for whom the record under a name was made; `None`: there is no record.
///
/// # Errors
/// It cannot be held, trusted or read.
pub fn owner_of(keeper: &impl Keeper, name: &UserName) -> Result<Option<Account>, Error> {
    match keeper.hold_name(name, ROOTS_LOCK_DEADLINE)? {
        Some(mut held) => held.recorded_owner(),
        None => Ok(None),
    }
}

/// Binds a record to the present user id of its owner.
fn rebind(keeper: &impl Keeper, to: &Account, another_uid: bool) -> Result<Moved, Failed> {
    let Some(mut held) = keeper.hold_name(&to.name, ROOTS_LOCK_DEADLINE)? else {
        return Err(NotMoved::NoRecord.into());
    };
    let Some(recorded) = held.recorded_owner()? else {
        return Err(NotMoved::NoRecord.into());
    };
    let owner = Account {
        name: to.name.clone(),
        uid: recorded.uid,
    };
    if owner == *to && recorded.name == to.name {
        return Ok(Moved::AlreadyTheirs);
    }
    permit(owner.uid, to, another_uid)?;
    bind(&mut held, &owner, to, None)?;
    Ok(Moved::Done)
}

/// Refuses another user id, which is another person, unless an administrator permits it.
fn permit(recorded: u32, to: &Account, another_uid: bool) -> Result<(), NotMoved> {
    if recorded == to.uid || another_uid {
        Ok(())
    } else {
        Err(NotMoved::AnotherUid { recorded })
    }
}

/// Binds the record of `owner` to `to`. The credential is written last, since it names the owner.
fn bind(
    held: &mut impl Held,
    owner: &Account,
    to: &Account,
    begun: Option<UnixTime>,
) -> Result<(), Error> {
    held.claim(owner.uid)?;
    let Some(record) = held.read(owner)? else {
        return Ok(());
    };
    held.forget_trust()?;
    keep_first_login(held, owner, to, begun)?;
    let (devices, recovery) = record.credential.into_parts();
    let name = to.name.as_str().to_owned();
    let credential = Credential::new(name, to.uid, devices, recovery)
        .expect("the parts of one credential make another");
    held.put_credential(&credential)
}

/// Stores the earliest of all first logins as that of `to`: no grace begins again.
fn keep_first_login(
    held: &mut impl Held,
    owner: &Account,
    to: &Account,
    begun: Option<UnixTime>,
) -> Result<(), Error> {
    let theirs = first_login_of(held, to)?;
    let ours = [first_login_of(held, owner)?, theirs, begun];
    match ours.into_iter().flatten().min() {
        Some(earliest) if theirs != Some(earliest) => put_first_login(held, to, earliest),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
