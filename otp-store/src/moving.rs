//! A record whose owner is called otherwise, or has another user id, than when it was made: moved by an administrator.
//!
//! A process that is killed on the way leaves the record where it was, or where it is to go. In between it is the new
//! user's and names the old one: then neither gets in by it, and the same move again completes it.

use crate::files::ROOTS_LOCK_DEADLINE;
use crate::{Error, Locked, Store};
use otp_core::{Account, UserName};

use otp_core::{Credential, UnixTime};

/// What a move has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// The record is the new user's.
    Done,
    /// It was so before.
    AlreadyTheirs,
}

/// Why nothing was moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotMoved {
    /// Nothing is kept under the old name that could be moved.
    NoRecord,
    /// The new user has a record.
    Taken,
    /// The record was made for another user id than the new user's.
    AnotherUid {
        /// The user id in the record.
        recorded: u32,
    },
}

/// Why a move came to nothing.
#[derive(Debug)]
pub enum Failed {
    /// It is not allowed.
    Refused(NotMoved),
    /// It could not be done. The same again completes what was begun.
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

impl Store {
    /// Gives the record that is kept under the name `from` to `to`: credential, state and the beginning of the grace.
    /// Trust is forgotten. Nothing is ever overwritten.
    ///
    /// `another_uid` moves a record also where it was made for another user id. Where both names are the same, the record is
    /// bound to the user id of now.
    ///
    /// # Errors
    /// It is refused, or something could not be read or written.
    pub fn move_record(
        &self,
        from: &UserName,
        to: &Account,
        another_uid: bool,
    ) -> Result<Moved, Failed> {
        if *from == to.name {
            return self.rebind(to, another_uid);
        }
        // In the order of the names, whoever else moves whatever else. Dropped the other way round.
        let old_is_first = *from < to.name;
        let (first, second) = if old_is_first {
            (from, &to.name)
        } else {
            (&to.name, from)
        };
        let mut first = self.lock_by_name(first, ROOTS_LOCK_DEADLINE)?;
        let mut second = self.lock_by_name(second, ROOTS_LOCK_DEADLINE)?;
        let (old, new) = if old_is_first {
            (first.as_mut(), second.as_mut())
        } else {
            (second.as_mut(), first.as_mut())
        };
        let mut new = new;
        let theirs = match &mut new {
            Some(new) => new.owner_on_record()?,
            None => None,
        };
        let recorded = match &old {
            Some(old) => old.owner_on_record()?,
            None => None,
        };
        let (Some(old), Some(recorded)) = (old, recorded) else {
            return match (new, theirs) {
                // A move that was cut short.
                (Some(new), Some(theirs)) if theirs.name == *from => {
                    permit(theirs.uid, to, another_uid)?;
                    new.bind(&theirs, to, None)?;
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
        old.belongs_to(owner.uid)?;
        // What is not whole is not moved.
        old.read(&owner)?;
        let begun = match &new {
            Some(new) => new.first_login(to)?,
            None => None,
        };
        old.keep_first_login(&owner, to, begun)?;
        old.forget_trust()?;
        if let Some(new) = new {
            new.remove_all()?;
        }
        self.rename(old, from, &to.name)?;
        old.bind(&owner, to, begun)?;
        Ok(Moved::Done)
    }

    /// The user whom the record under a name was made for; `None`: there is none.
    ///
    /// # Errors
    /// It cannot be locked, trusted or read.
    pub fn owner_of(&self, name: &UserName) -> Result<Option<Account>, Error> {
        match self.lock_by_name(name, ROOTS_LOCK_DEADLINE)? {
            Some(locked) => locked.owner_on_record(),
            None => Ok(None),
        }
    }

    /// Binds a record to the user id that its owner has now.
    fn rebind(&self, to: &Account, another_uid: bool) -> Result<Moved, Failed> {
        let Some(mut locked) = self.lock_by_name(&to.name, ROOTS_LOCK_DEADLINE)? else {
            return Err(NotMoved::NoRecord.into());
        };
        let Some(recorded) = locked.owner_on_record()? else {
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
        locked.bind(&owner, to, None)?;
        Ok(Moved::Done)
    }
}

/// Another user id is another person, unless an administrator says otherwise.
fn permit(recorded: u32, to: &Account, another_uid: bool) -> Result<(), NotMoved> {
    if recorded == to.uid || another_uid {
        Ok(())
    } else {
        Err(NotMoved::AnotherUid { recorded })
    }
}

impl Locked {
    /// Makes the record of `owner` that of `to`, with the credential last: it says whose it is.
    fn bind(
        &mut self,
        owner: &Account,
        to: &Account,
        begun: Option<UnixTime>,
    ) -> Result<(), Error> {
        self.belongs_to(owner.uid)?;
        let Some(record) = self.read(owner)? else {
            return Ok(());
        };
        self.forget_trust()?;
        self.keep_first_login(owner, to, begun)?;
        let (devices, recovery) = record.credential.into_parts();
        let name = to.name.as_str().to_owned();
        let credential = Credential::new(name, to.uid, devices, recovery)
            .expect("the parts of one credential make another");
        self.put_credential(&credential)
    }

    /// Keeps the earliest first login of all that there are as that of `to`: no grace begins anew.
    fn keep_first_login(
        &self,
        owner: &Account,
        to: &Account,
        begun: Option<UnixTime>,
    ) -> Result<(), Error> {
        let ours = [self.first_login(owner)?, self.first_login(to)?, begun];
        match ours.into_iter().flatten().min() {
            Some(earliest) if self.first_login(to)? != Some(earliest) => {
                self.put_first_login(to, earliest)
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
