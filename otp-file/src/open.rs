//! Opens files that decide about logins: step by step, never through a link, and checked once they are open.

use crate::{Fault, Unread};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::Mode;
use nix::unistd::{Uid, fchownat, geteuid};
use otp_core::messages::reason::Deed;
use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use zeroize::Zeroizing;

/// Whether a trusted user owns the file: root, the user that this process runs as (in tests without root), or
/// `account`.
fn trusted_owner(uid: u32, account: Option<u32>) -> bool {
    uid == 0 || uid == geteuid().as_raw() || account == Some(uid)
}

/// The rules that an opened file or directory must keep.
#[derive(Clone, Copy)]
pub struct Rules {
    /// The permission bits that it may have; any other bit is a fault.
    pub allowed: u32,
    /// The user that may own it besides root. What the helper makes for a user belongs to that user, in a directory
    /// that the user cannot enter.
    pub account: Option<u32>,
    /// The group that may have rights on it, besides root's group.
    pub group: Option<u32>,
    /// Whether a file may have only one name. Set it where another user could add a name.
    pub one_name: bool,
}

impl Rules {
    /// Checks an opened file or directory against the rules.
    ///
    /// # Errors
    /// Its owner is not trusted, or its mode or its group gives rights that are not allowed.
    pub fn check(self, found: &Metadata) -> Result<(), Fault> {
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
        Err(fault)
    }
}

/// A file or directory that passed the check of its rules when it was opened.
pub struct Opened {
    /// The open file or directory.
    pub file: File,
    /// Its metadata at the time of the check.
    pub found: Metadata,
}

/// Opens a directory below `parent` without following a link; `None` if there is none.
///
/// # Errors
/// The directory cannot be opened, or breaks the rules.
/// It cannot be opened, or breaks the rules.
pub fn open_directory(
    parent: impl AsFd,
    name: &str,
    rules: Rules,
) -> Result<Option<Opened>, Unread> {
    let opened = match open_directory_of_anyone(&parent, name) {
        Err(error) if is_denied(&error) && take_over(&parent, name, rules) => {
            open_directory_of_anyone(&parent, name)
        }
        opened => opened,
    };
    let Some(file) = opened? else {
        return Ok(None);
    };
    let found = metadata(&file)?;
    rules.check(&found)?;
    Ok(Some(Opened { file, found }))
}

/// Opens a directory as [`open_directory`] does, whatever its owner and mode. Use it to remove the directory, never
/// to trust it.
///
/// # Errors
/// It is not a directory, or cannot be opened.
pub fn open_directory_of_anyone(parent: impl AsFd, name: &str) -> Result<Option<File>, Unread> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    match openat(parent, name, flags, Mode::empty()) {
        Ok(descriptor) => Ok(Some(File::from(descriptor))),
        Err(Errno::ENOENT) => Ok(None),
        // With O_DIRECTORY the kernel reports ENOTDIR for a link too.
        Err(Errno::ENOTDIR | Errno::ELOOP) => Err(Fault::NotADirectory.into()),
        Err(errno) => Err(Unread::io(Deed::Open, errno)),
    }
}

fn is_denied(error: &Unread) -> bool {
    matches!(error, Unread::Io { source, .. } if source.kind() == ErrorKind::PermissionDenied)
}

/// Gives root a file or directory that the helper made for an account, if root may not open it; returns whether root
/// owns it now.
///
/// Root without `CAP_DAC_OVERRIDE`, as in some services, has no more rights to another user's file than other users.
/// The name is opened once: the check and the change of owner act on the same file. A file that breaks the rules
/// keeps its owner.
fn take_over(parent: impl AsFd, name: &str, rules: Rules) -> bool {
    if !geteuid().is_root() || rules.account.is_none() {
        return false;
    }
    let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let Ok(file) = openat(parent, name, flags, Mode::empty()).map(File::from) else {
        return false;
    };
    let Ok(found) = metadata(&file) else {
        return false;
    };
    let is_plain = found.is_dir() || found.is_file() && !(rules.one_name && found.nlink() != 1);
    is_plain
        && Some(found.uid()) == rules.account
        && rules.check(&found).is_ok()
        && fchownat(
            &file,
            "",
            Some(Uid::from_raw(0)),
            None,
            AtFlags::AT_EMPTY_PATH,
        )
        .is_ok()
}

/// The purpose for which a file is opened.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Reading.
    Read,
    /// Reading, and writing in place.
    ReadAndWrite,
}

/// Opens a regular file below `parent`; `None` if there is none.
///
/// The checks are made on the opened file, so nothing can change between check and use. `O_NONBLOCK` keeps a fifo
/// from delaying the login.
///
/// # Errors
/// The file cannot be opened, is not a regular file, breaks the rules, or is larger than `limit` bytes.
pub fn open_file(
    parent: impl AsFd,
    name: &str,
    access: Access,
    rules: Rules,
    limit: u64,
) -> Result<Option<Opened>, Unread> {
    match open_file_as_it_is(&parent, name, access, rules, limit) {
        Err(error) if is_denied(&error) && take_over(&parent, name, rules) => {
            open_file_as_it_is(&parent, name, access, rules, limit)
        }
        opened => opened,
    }
}

/// Opens a file as [`open_file`] does, but never changes its owner, even if root may not open it.
///
/// Use it for a file whose owner must still be compared with the owner that it names.
///
/// # Errors
/// As for [`open_file`].
pub fn open_file_as_it_is(
    parent: impl AsFd,
    name: &str,
    access: Access,
    rules: Rules,
    limit: u64,
) -> Result<Option<Opened>, Unread> {
    let access = match access {
        Access::Read => OFlag::O_RDONLY,
        Access::ReadAndWrite => OFlag::O_RDWR,
    };
    let flags = access | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let file = match openat(parent, name, flags, Mode::empty()) {
        Ok(descriptor) => File::from(descriptor),
        Err(Errno::ENOENT) => return Ok(None),
        Err(Errno::ELOOP) => return Err(Fault::SymbolicLink.into()),
        // A directory opened for writing, a socket, or a device without a driver.
        Err(Errno::EISDIR | Errno::ENXIO | Errno::ENODEV) => {
            return Err(Fault::NotAFile.into());
        }
        Err(errno) => return Err(Unread::io(Deed::Open, errno)),
    };
    let found = metadata(&file)?;
    if !found.is_file() {
        return Err(Fault::NotAFile.into());
    }
    if rules.one_name && found.nlink() != 1 {
        return Err(Fault::HardLink.into());
    }
    rules.check(&found)?;
    if found.len() > limit {
        return Err(Fault::TooLarge { limit }.into());
    }
    Ok(Some(Opened { file, found }))
}

/// Reads a whole file of limited size into memory that is wiped.
///
/// # Errors
/// The file cannot be read, or has grown beyond `limit` bytes.
pub fn read_whole(opened: &Opened, limit: u64) -> Result<Zeroizing<Vec<u8>>, Unread> {
    // Reading one byte more than the file had when it was opened shows whether it is growing.
    let bytes = read_on(&opened.file, &[], opened.found.len() + 1)?;
    if bytes.len() as u64 <= opened.found.len() {
        return Ok(bytes);
    }
    let bytes = read_on(&opened.file, &bytes, limit.saturating_add(1))?;
    if bytes.len() as u64 > limit {
        return Err(Fault::TooLarge { limit }.into());
    }
    Ok(bytes)
}

/// Reads on until there are `most` bytes, into memory of that size. A vector that grows leaves copies of a secret
/// behind, and a larger one takes longer to wipe.
fn read_on(mut file: &File, begun: &[u8], most: u64) -> Result<Zeroizing<Vec<u8>>, Unread> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(
        usize::try_from(most).unwrap_or(usize::MAX),
    ));
    bytes.extend_from_slice(begun);
    file.by_ref()
        .take(most.saturating_sub(begun.len() as u64))
        .read_to_end(&mut bytes)
        .map_err(|error| Unread::io(Deed::Read, error))?;
    Ok(bytes)
}

/// Returns the metadata of an opened file.
///
/// # Errors
/// The operating system does not provide it.
pub fn metadata(file: &File) -> Result<Metadata, Unread> {
    file.metadata()
        .map_err(|error| Unread::io(Deed::Examine, error))
}

#[cfg(test)]
mod tests;
