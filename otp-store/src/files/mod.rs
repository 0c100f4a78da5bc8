//! The keeper over files: one directory for each user, locked by the kernel while it is held.

mod access_list;
mod held;
mod marks;
mod user_directory;

pub use held::Locked;
pub use marks::OUTER;
pub use user_directory::UserDirectory;

use crate::error::At;
use crate::keeper::{Goes, Keeper, Look, Part, Put};
use crate::sealed::Seal;
use crate::{Error, Location};
use held::lock_what_opens;
use marks::Outside;
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open, renameat};
use nix::sys::stat::{Mode, fchmod, mkdirat};
use nix::unistd::{Gid, UnlinkatFlags, fchown, geteuid, mkdir, unlinkat};
use otp_core::messages::reason::Deed;
use otp_core::messages::reason::Unfit;
use otp_core::names::Gathering;
use otp_core::{Account, Names, UserName};
use otp_file::{Fault, Rules, metadata, open_directory, open_directory_of_anyone};
use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;
use user_directory::{ALL, RECORD, USER_DIRECTORY_MODE, adopt};

/// The directory of records, unless the command line or a module argument names another.
pub const DEFAULT_DIRECTORY: &str = "/var/lib/pam_otp";

/// All users' records.
pub struct Store {
    directory: File,
    path: String,
    group: u32,
    seal: Seal,
}

impl Store {
    /// Opens the directory of all records.
    ///
    /// # Errors
    /// It is missing, is owned by another user, or is open to others than root and its group. Or it is empty on a
    /// machine where users have enrolled, which must not look like "nobody is enrolled".
    pub fn open(path: &Path) -> Result<Self, Error> {
        let place = || Location::of(path.display().to_string());
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let directory = match open(path, flags, Mode::empty()) {
            Ok(descriptor) => File::from(descriptor),
            Err(Errno::ENOENT) => return Err(Error::NoRecords { place: place() }),
            Err(Errno::ENOTDIR) => return Err(Fault::NotADirectory).at(place),
            Err(errno) => return Err(Error::io(place(), Deed::Open, errno)),
        };
        let found = metadata(&directory).at(place)?;
        // What the helper makes for a user belongs to that user, so only root and the group may enter this directory.
        Rules {
            allowed: USER_DIRECTORY_MODE,
            account: None,
            group: None,
            one_name: true,
        }
        .check(&found)
        .at(place)?;
        access_list::check(&directory, place, found.gid())?;
        let store = Self {
            directory,
            path: path.display().to_string(),
            group: found.gid(),
            seal: Seal::none(),
        };
        if let Some(outside) = Outside::of(path) {
            outside.settle(&store, geteuid().is_root())?;
        }
        Ok(store)
    }

    /// Opens the directory of all records, and makes it first if it does not exist.
    ///
    /// Only for enrolment, and only for [`DEFAULT_DIRECTORY`]: readers must be told that it is missing. The directory
    /// is for root only, until the package that has a group for it changes that. Makes one level, and follows no link.
    ///
    /// # Errors
    /// As for [`Store::open`], or it cannot be made.
    pub fn open_or_create(path: &Path) -> Result<Self, Error> {
        let place = || Location::of(path.display().to_string());
        match mkdir(path, Mode::from_bits_truncate(0o700)) {
            Ok(()) => {
                let parent = path.parent().unwrap_or(Path::new("/"));
                File::open(parent)
                    .and_then(|parent| parent.sync_all())
                    .map_err(|error| Error::io(place(), Deed::Create, error))?;
            }
            Err(Errno::EEXIST) => {}
            Err(errno) => return Err(Error::io(place(), Deed::Create, errno)),
        }
        Self::open(path)
    }

    /// Returns the same records, whose keys are sealed with that seal. The records' group may read the file of the
    /// sealing key.
    #[must_use]
    pub fn sealed_by(mut self, seal: Seal) -> Self {
        self.seal = seal.for_group(self.group);
        self
    }

    fn place(&self) -> Location {
        Location::of(self.path.clone())
    }

    fn sync(&self) -> Result<(), Error> {
        self.directory
            .sync_all()
            .map_err(|error| Error::io(self.place(), Deed::Sync, error))
    }

    /// Sets the group of the store, and the set-group-id bit that passes it on to new files.
    fn give_to_group(&self, of_user: &UserDirectory) -> Result<(), Error> {
        let directory = of_user.directory();
        let found = metadata(directory).at(|| of_user.whole())?;
        // The helper cannot change what root has made, and need not.
        if found.gid() == self.group && found.mode() & 0o7777 == USER_DIRECTORY_MODE {
            return Ok(());
        }
        fchown(directory, None, Some(Gid::from_raw(self.group)))
            .and_then(|()| fchmod(directory, Mode::from_bits_truncate(USER_DIRECTORY_MODE)))
            .map_err(|errno| Error::io(of_user.whole(), Deed::SetGroup, errno))
    }

    /// Takes over a user's directory for root, after root has opened it, in the form in which the helper would have
    /// left it.
    ///
    /// A crash may have come before the directory got its group and mode. If root owned it by then, or from the start,
    /// nobody else could finish it, and every program that asks the helper about its user would be refused. A directory
    /// that holds a record is finished. If root owns that, its mode is what an administrator wants.
    fn adopt(&self, of_user: &UserDirectory, found: &Metadata) {
        let is_roots = found.uid() == 0;
        let has_its_mode = found.mode() & 0o7777 == USER_DIRECTORY_MODE;
        if (is_roots && has_its_mode) || !geteuid().is_root() {
            return;
        }
        let is_finished = is_roots && !matches!(of_user.has(Part::Credential), Ok(false));
        // In this order: what root owns is not checked again. On a file system that is read-only at the moment,
        // everything stays as it is.
        if !is_finished && self.give_to_group(of_user).is_ok() {
            adopt(of_user.directory(), found);
        }
    }

    fn path_of(&self, name: &UserName) -> String {
        format!("{}/{}", self.path, name.as_str())
    }

    fn place_of(&self, name: &UserName) -> Location {
        Location::of(self.path_of(name))
    }

    fn of_user(&self, directory: File, name: &UserName, owner: Option<u32>) -> UserDirectory {
        let seal = self.seal.clone();
        UserDirectory::new(directory, self.path_of(name), self.group, owner, seal)
    }
}

impl Keeper for Store {
    type Look = UserDirectory;
    type Held = Locked;

    fn look(&self, account: &Account) -> Result<Option<UserDirectory>, Error> {
        let rules = Rules {
            allowed: USER_DIRECTORY_MODE,
            account: Some(account.uid),
            group: Some(self.group),
            one_name: true,
        };
        let name = &account.name;
        let opened = open_directory(&self.directory, name.as_str(), rules);
        let opened = opened.at(|| self.place_of(name))?;
        Ok(opened.map(|directory| {
            let of_user = self.of_user(directory.file, name, Some(account.uid));
            self.adopt(&of_user, &directory.found);
            of_user
        }))
    }

    fn hold(&self, account: &Account, deadline: Duration) -> Result<Option<Locked>, Error> {
        let open = || self.look(account);
        lock_what_opens(&self.directory, &account.name, deadline, open)
    }

    fn hold_or_create(&self, account: &Account, deadline: Duration) -> Result<Locked, Error> {
        loop {
            if let Some(locked) = self.hold(account, deadline)? {
                // Also if it is not new: a crash may have left it unfinished.
                self.give_to_group(&locked)?;
                return Ok(locked);
            }
            match mkdirat(
                &self.directory,
                account.name.as_str(),
                Mode::from_bits_truncate(0o700),
            ) {
                Ok(()) => self.sync()?,
                Err(Errno::EEXIST) => {}
                Err(errno) => {
                    return Err(Error::io(self.place_of(&account.name), Deed::Create, errno));
                }
            }
        }
    }

    fn hold_name(&self, name: &UserName, deadline: Duration) -> Result<Option<Locked>, Error> {
        let open = || {
            let opened = open_directory_of_anyone(&self.directory, name.as_str());
            let opened = opened.at(|| self.place_of(name))?;
            Ok(opened.map(|directory| self.of_user(directory, name, None)))
        };
        lock_what_opens(&self.directory, name, deadline, open)
    }

    fn users(&self) -> Result<Names, Error> {
        let failed = |errno: Errno| Error::io(self.place(), Deed::List, errno);
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let mut directory =
            Dir::openat(&self.directory, ".", flags, Mode::empty()).map_err(failed)?;
        let mut names = Gathering::default();
        for entry in directory.iter() {
            let entry = entry.map_err(failed)?;
            let bytes = entry.file_name().to_bytes();
            if bytes.starts_with(b".") || bytes == b"lost+found" {
                continue;
            }
            let reason = Unfit::EntryNotUtf8;
            let name =
                std::str::from_utf8(bytes).map_err(|_| Error::content(self.place(), reason))?;
            names.add(name)?;
        }
        Ok(names.sorted())
    }

    fn mark_enrolled(&self) -> Result<(), Error> {
        self.make_inner_mark()
    }

    fn erase(&self, held: &mut Locked, name: &UserName, goes: Goes) -> Result<Put, Error> {
        held.remove_files(match goes {
            Goes::Record => &RECORD,
            Goes::Everything => &ALL,
        })?;
        match unlinkat(&self.directory, name.as_str(), UnlinkatFlags::RemoveDir) {
            Ok(()) => {}
            // The directory stays because it has other files, so the removal itself must reach the disk.
            Err(Errno::ENOTEMPTY | Errno::EEXIST) if goes == Goes::Record => held.sync()?,
            Err(errno) => return Err(Error::io(held.whole(), Deed::Remove, errno)),
        }
        self.sync()?;
        Ok(Put::Done)
    }

    fn rename(
        &self,
        held: &mut Locked,
        over: Option<&mut Locked>,
        [from, to]: [&UserName; 2],
    ) -> Result<Put, Error> {
        if let Some(over) = over {
            over.remove_files(&ALL)?;
        }
        renameat(&self.directory, from.as_str(), &self.directory, to.as_str())
            .map_err(|errno| Error::io(self.place_of(to), Deed::Rename, errno))?;
        held.is_called(self.path_of(to));
        self.sync()?;
        Ok(Put::Done)
    }
}

#[cfg(test)]
mod tests;
