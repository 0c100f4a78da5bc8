//! A user's directory, locked: one process at a time, fair to root, and never for ever.

use super::user_directory::UserDirectory;
use crate::error::At;
use crate::keeper::{Bytes, Held, Lasts, Look, Part, Put};
use crate::sealed::Seal;
use crate::text::credential;
use crate::undisturbed::{Undisturbed, can_be_reached_by_a_user};
use crate::{Error, Location};
use otp_core::messages::reason::Deed;
use otp_core::messages::reason::Unfit;
use otp_core::{Account, UserName};
use otp_file::{metadata, open_directory_of_anyone};
use std::fs::{File, TryLockError};
use std::ops::{Deref, DerefMut};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a process that a user can stop waits between two tries for a lock, at first; the longer it has waited, the
/// shorter.
const PAUSE: Duration = Duration::from_millis(8);

/// The same for a process that only root can stop: it comes before all of those, however many there are.
const SHORT_PAUSE: Duration = Duration::from_micros(250);

/// A user's directory, held against every other process until this is dropped.
pub struct Locked {
    of_user: UserDirectory,
    undisturbed: Option<Undisturbed>,
}

impl Deref for Locked {
    type Target = UserDirectory;

    fn deref(&self) -> &UserDirectory {
        &self.of_user
    }
}

impl DerefMut for Locked {
    fn deref_mut(&mut self) -> &mut UserDirectory {
        &mut self.of_user
    }
}

impl Drop for Locked {
    /// Unlocks before signals come through again. Closing the descriptor would not be enough: a child that the program
    /// forks meanwhile has a copy of it, and would keep the lock.
    fn drop(&mut self) {
        self.directory().unlock().ok();
    }
}

/// Locks the directory that `open` opens; `None`: there is none.
pub(super) fn lock_what_opens(
    parent: &File,
    name: &UserName,
    deadline: Duration,
    open: impl Fn() -> Result<Option<UserDirectory>, Error>,
) -> Result<Option<Locked>, Error> {
    let start = Instant::now();
    loop {
        let Some(of_user) = open()? else {
            return Ok(None);
        };
        let mut locked = Locked {
            of_user,
            undisturbed: None,
        };
        locked.wait_for_lock(start, deadline)?;
        // Another process may have removed or renamed the directory before it released the lock. Then its successor
        // must be locked.
        if locked.is_what_is_called(parent, name)? {
            return Ok(Some(locked));
        }
    }
}

impl Locked {
    /// Polls: a blocking lock has no deadline without a signal or a thread, and a module may use neither.
    fn wait_for_lock(&mut self, start: Instant, deadline: Duration) -> Result<(), Error> {
        loop {
            let undisturbed = Undisturbed::begin()
                .map_err(|error| Error::io(self.whole(), Deed::LimitLock, error))?;
            let waited = start.elapsed();
            match self.directory().try_lock() {
                Ok(()) => {
                    self.undisturbed = Some(undisturbed);
                    return Ok(());
                }
                Err(TryLockError::WouldBlock) if waited < deadline => {
                    drop(undisturbed);
                    sleep(pause(waited));
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(Error::Busy {
                        place: self.whole(),
                        seconds: deadline.as_secs(),
                    });
                }
                Err(TryLockError::Error(error)) => {
                    return Err(Error::io(self.whole(), Deed::Lock, error));
                }
            }
        }
    }

    /// Returns the file of a part that was read since this is held, and that is written in place.
    fn open_for_writing(&self, part: Part) -> Result<&File, Error> {
        match (part, &self.state) {
            (Part::State, Some(file)) => Ok(file),
            _ => Err(Error::content(self.place(part), Unfit::NotOpenForWriting)),
        }
    }

    /// Whether this is still the directory with that name.
    fn is_what_is_called(&self, parent: &File, name: &UserName) -> Result<bool, Error> {
        let place = || self.whole();
        let identity = |directory: &File| {
            let found = metadata(directory).at(place)?;
            Ok::<_, Error>((found.dev(), found.ino()))
        };
        let Some(called) = open_directory_of_anyone(parent, name.as_str()).at(place)? else {
            return Ok(false);
        };
        Ok(identity(&called)? == identity(self.directory())?)
    }
}

/// Returns how long to wait before the next try for the lock, after having waited this long.
fn pause(waited: Duration) -> Duration {
    if can_be_reached_by_a_user() {
        PAUSE.mul_f64(1.0 / (1.0 + waited.as_secs_f64() * 4.0))
    } else {
        SHORT_PAUSE
    }
}

impl Look for Locked {
    fn place(&self, part: Part) -> Location {
        self.of_user.place(part)
    }

    fn seal(&self) -> &Seal {
        self.of_user.seal()
    }

    fn has(&self, part: Part) -> Result<bool, Error> {
        self.of_user.has(part)
    }

    fn get(&mut self, part: Part) -> Result<Option<Bytes>, Error> {
        self.of_user.get(part)
    }

    fn rehearsed(&mut self, part: Part) -> Result<Option<Bytes>, Error> {
        self.of_user.rehearsed(part)
    }

    fn fulfil(&mut self, part: Part) -> Result<(), Error> {
        self.of_user.fulfil(part)
    }
}

impl Held for Locked {
    const ALONE: bool = true;

    fn put(&mut self, part: Part, bytes: &[u8]) -> Result<Put, Error> {
        if part == Part::State {
            // The state that was read is no longer the one that is there.
            self.state = None;
        }
        self.write(part, bytes)?;
        Ok(Put::Done)
    }

    /// Makes one write in place, and one fdatasync if the data must last.
    fn overwrite(
        &mut self,
        part: Part,
        offset: u64,
        bytes: &[u8],
        lasts: Lasts,
    ) -> Result<Put, Error> {
        self.open_for_writing(part)?
            .write_all_at(bytes, offset)
            .map_err(|error| Error::io(self.place(part), Deed::Write, error))?;
        if lasts == Lasts::ForGood {
            self.settle(part)?;
        }
        Ok(Put::Done)
    }

    fn settle(&mut self, part: Part) -> Result<(), Error> {
        self.open_for_writing(part)?
            .sync_data()
            .map_err(|error| Error::io(self.place(part), Deed::Sync, error))
    }

    fn rehearse(&mut self, part: Part, bytes: &[u8]) -> Result<Put, Error> {
        self.write_beside(part, bytes)?;
        self.sync()?;
        Ok(Put::Done)
    }

    fn remove(&mut self, part: Part) -> Result<Put, Error> {
        self.remove_file(part)?;
        Ok(Put::Done)
    }

    fn recorded_owner(&mut self) -> Result<Option<Account>, Error> {
        let Some((file, bytes)) = self.read_credential_of_anyone()? else {
            return Ok(None);
        };
        let outline = credential::outline(&bytes).at(|| self.place(Part::Credential))?;
        self.check_owner(&file, outline.uid())?;
        Ok(Some(Account {
            name: UserName::new(outline.user())?,
            uid: outline.uid(),
        }))
    }

    fn claim(&mut self, uid: u32) -> Result<(), Error> {
        self.belongs_to(uid)
    }

    fn let_go(mut self) -> Option<Undisturbed> {
        let undisturbed = self.undisturbed.take();
        drop(self);
        undisturbed.map(Undisturbed::unlimited)
    }
}
