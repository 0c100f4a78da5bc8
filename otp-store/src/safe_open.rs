//! Opening files that decide about logins: step by step, never through a link, and checked once they are open.

use crate::{Error, Fault};
use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;
use nix::unistd::geteuid;
use std::fs::{File, Metadata};
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use zeroize::Zeroizing;

/// Who may own what this process trusts: root, the user that it runs as (tests without root), or whose it is.
fn trusted_owner(uid: u32, account: Option<u32>) -> bool {
    uid == 0 || uid == geteuid().as_raw() || account == Some(uid)
}

/// What must hold for an opened file or directory.
#[derive(Clone, Copy)]
pub(crate) struct Rules {
    /// The permission bits that it may have; any other is a fault.
    pub allowed: u32,
    /// The user that may own it besides root: what the helper makes for somebody belongs to them, in a directory that
    /// they cannot enter.
    pub account: Option<u32>,
    /// The group that may have rights on it, besides root's.
    pub group: Option<u32>,
    /// Whether a file may have only one name: where another could be given one by somebody else.
    pub one_name: bool,
}

impl Rules {
    pub(crate) fn check(self, path: &str, found: &Metadata) -> Result<(), Error> {
        let mode = found.mode() & 0o7777;
        let fault = if !trusted_owner(found.uid(), self.account) {
            Fault::Owner { uid: found.uid() }
        } else if mode & !self.allowed != 0 {
            Fault::Mode {
                mode,
                allowed: self.allowed,
            }
        } else if mode & 0o070 != 0
            && self
                .group
                .is_some_and(|group| found.gid() != 0 && found.gid() != group)
        {
            Fault::Group { gid: found.gid() }
        } else {
            return Ok(());
        };
        Err(Error::Unsafe {
            path: path.to_owned(),
            fault,
        })
    }
}

/// Opens a directory below `parent`, not following a link; `None`: there is none.
pub(crate) fn open_directory(
    parent: impl AsFd,
    name: &str,
    path: &str,
    rules: Rules,
) -> Result<Option<File>, Error> {
    let Some(directory) = open_directory_of_anyone(parent, name, path)? else {
        return Ok(None);
    };
    rules.check(path, &metadata(&directory, path)?)?;
    Ok(Some(directory))
}

/// As [`open_directory`], whoever owns it and may write there: good for removing it, never for believing it.
pub(crate) fn open_directory_of_anyone(
    parent: impl AsFd,
    name: &str,
    path: &str,
) -> Result<Option<File>, Error> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    match openat(parent, name, flags, Mode::empty()) {
        Ok(descriptor) => Ok(Some(File::from(descriptor))),
        Err(Errno::ENOENT) => Ok(None),
        // With O_DIRECTORY the kernel says ENOTDIR of a link as well.
        Err(Errno::ENOTDIR | Errno::ELOOP) => Err(Error::Unsafe {
            path: path.to_owned(),
            fault: Fault::NotADirectory,
        }),
        Err(errno) => Err(Error::io(path, "open", errno)),
    }
}

/// What a file is opened for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    ReadAndWrite,
}

/// Opens a regular file below `parent`; `None`: there is none.
///
/// The checks are made on the opened file, so nothing can change between look and use. `O_NONBLOCK` keeps a fifo
/// from holding the login up.
pub(crate) fn open_file(
    parent: impl AsFd,
    name: &str,
    path: &str,
    access: Access,
    rules: Rules,
    limit: u64,
) -> Result<Option<File>, Error> {
    let unsafe_file = |fault| Error::Unsafe {
        path: path.to_owned(),
        fault,
    };
    let access = match access {
        Access::Read => OFlag::O_RDONLY,
        Access::ReadAndWrite => OFlag::O_RDWR,
    };
    let flags = access | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let file = match openat(parent, name, flags, Mode::empty()) {
        Ok(descriptor) => File::from(descriptor),
        Err(Errno::ENOENT) => return Ok(None),
        Err(Errno::ELOOP) => return Err(unsafe_file(Fault::SymbolicLink)),
        // A directory opened for writing, a socket, a device without a driver.
        Err(Errno::EISDIR | Errno::ENXIO | Errno::ENODEV) => {
            return Err(unsafe_file(Fault::NotAFile));
        }
        Err(errno) => return Err(Error::io(path, "open", errno)),
    };
    let found = metadata(&file, path)?;
    if !found.is_file() {
        return Err(unsafe_file(Fault::NotAFile));
    }
    if rules.one_name && found.nlink() != 1 {
        return Err(unsafe_file(Fault::HardLink));
    }
    rules.check(path, &found)?;
    if found.len() > limit {
        return Err(unsafe_file(Fault::TooLarge { limit }));
    }
    Ok(Some(file))
}

/// Reads a file of bounded size whole, into memory that is wiped.
pub(crate) fn read_whole(file: &File, path: &str, limit: u64) -> Result<Zeroizing<Vec<u8>>, Error> {
    let limit_bytes = usize::try_from(limit).unwrap_or(usize::MAX);
    // Sized beforehand: a vector that grows leaves copies of the secret behind. One byte more tells a growing file.
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit_bytes.saturating_add(1)));
    file.take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| Error::io(path, "read", error))?;
    if bytes.len() > limit_bytes {
        return Err(Error::Unsafe {
            path: path.to_owned(),
            fault: Fault::TooLarge { limit },
        });
    }
    Ok(bytes)
}

/// The metadata of an opened file.
pub(crate) fn metadata(file: &File, path: &str) -> Result<Metadata, Error> {
    file.metadata()
        .map_err(|error| Error::io(path, "examine", error))
}
