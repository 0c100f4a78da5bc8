//! Two marks that tell an empty directory of records from a directory whose file system is not mounted.
//!
//! The inner mark lies beside the records and comes and goes with their file system. It is made with the first
//! enrolment and stays when users are reset. The outer mark lies on the root file system and names the machine on which
//! root has seen records. If the outer mark names this machine, and there is neither an inner mark nor a record, no
//! user counts as "not enrolled": the records are somewhere else.
//!
//! A machine that is new, was copied, has no `/etc/machine-id`, or cannot write to `/etc` has no outer mark of its own.
//! Then everything works as it would without marks.

use super::user_directory::CREDENTIAL;
use super::{DEFAULT_DIRECTORY, Store};
use crate::keeper::Keeper;
use crate::{Error, Location};
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{Mode, fchmod, fstatat};
use nix::unistd::{Gid, fchown};
use otp_core::messages::reason::Deed;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Beside the records. Begins with a dot, so it cannot be a user's name.
pub(super) const INNER: &str = ".enrolled";
const INNER_MODE: u32 = 0o640;

/// On the root file system.
pub const OUTER: &str = "/etc/security/pam_otp.enrolled";
const OUTER_MODE: u32 = 0o644;

const MACHINE: &str = "/etc/machine-id";

/// More than 32 digits and the end of the line.
const LIMIT: u64 = 64;

/// The paths of the outer mark and of the machine's id.
pub(super) struct Outside {
    mark: PathBuf,
    machine: PathBuf,
}

impl Outside {
    /// Returns the paths for these records; `None`: they have no outer mark, since only the usual directory has one.
    pub(super) fn of(records: &Path) -> Option<Self> {
        (records == Path::new(DEFAULT_DIRECTORY)).then(|| Self {
            mark: OUTER.into(),
            machine: MACHINE.into(),
        })
    }

    /// Checks that the records of this machine are not somewhere else; as root, also makes missing marks.
    ///
    /// # Errors
    /// Users have enrolled on this machine, and no record is there; or this could not be found out.
    pub(super) fn settle(&self, store: &Store, is_root: bool) -> Result<(), Error> {
        let Some(machine) = line_of(&self.machine)?.filter(|id| is_machine_id(id)) else {
            return Ok(());
        };
        let seen = line_of(&self.mark)?.is_some_and(|of| of == machine);
        let inner = store.has_inner_mark()?;
        if seen && inner {
            return Ok(());
        }
        if !inner && !store.holds_a_record()? {
            if seen {
                return Err(Error::Lost {
                    place: store.place(),
                    mark: self.mark.display().to_string(),
                });
            }
            return Ok(());
        }
        // Never the outer mark alone. A mark that cannot be made now is made by the next process.
        if is_root && (inner || store.mark_enrolled().is_ok()) && !seen {
            self.make(&machine).ok();
        }
        Ok(())
    }

    /// Writes the outer mark, whole or not at all.
    fn make(&self, machine: &str) -> std::io::Result<()> {
        let mut name = std::ffi::OsString::from(".");
        name.push(self.mark.file_name().unwrap_or_default());
        name.push(".new");
        let temporary = self.mark.with_file_name(name);
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temporary)?;
        let written = file
            .write_all(format!("{machine}\n").as_bytes())
            .and_then(|()| file.set_permissions(fs::Permissions::from_mode(OUTER_MODE)))
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::rename(&temporary, &self.mark));
        if written.is_err() {
            fs::remove_file(&temporary).ok();
        }
        written
    }
}

impl Store {
    /// Makes the inner mark, durably, if it is missing.
    pub(super) fn make_inner_mark(&self) -> Result<(), Error> {
        let failed = |errno: Errno| Error::io(self.inner_mark(), Deed::Create, errno);
        let flags =
            OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let mark = match openat(
            &self.directory,
            INNER,
            flags,
            Mode::from_bits_truncate(0o600),
        ) {
            Ok(descriptor) => File::from(descriptor),
            Err(Errno::EEXIST) => return Ok(()),
            Err(errno) => return Err(failed(errno)),
        };
        fchown(&mark, None, Some(Gid::from_raw(self.group)))
            .and_then(|()| fchmod(&mark, Mode::from_bits_truncate(INNER_MODE)))
            .map_err(failed)?;
        self.directory
            .sync_all()
            .map_err(|error| Error::io(self.inner_mark(), Deed::Sync, error))
    }

    fn inner_mark(&self) -> Location {
        Location::of(format!("{}/{INNER}", self.path))
    }

    /// Whether the inner mark is there. Its type, owner and mode do not matter: only root and the group of the store
    /// can put anything here, and it says only that it exists. A mark that a backup has restored with another mode must
    /// not cause refusals.
    fn has_inner_mark(&self) -> Result<bool, Error> {
        match fstatat(&self.directory, INNER, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(_) => Ok(true),
            Err(Errno::ENOENT) => Ok(false),
            Err(errno) => Err(Error::io(self.inner_mark(), Deed::LookFor, errno)),
        }
    }

    /// Whether any user has a credential here.
    fn holds_a_record(&self) -> Result<bool, Error> {
        let failed = |errno: Errno| Error::io(self.place(), Deed::List, errno);
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let mut directory =
            Dir::openat(&self.directory, ".", flags, Mode::empty()).map_err(failed)?;
        for entry in directory.iter() {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_bytes();
            if name.starts_with(b".") {
                continue;
            }
            let record = [name, b"/", CREDENTIAL.as_bytes()].concat();
            if fstatat(
                &self.directory,
                record.as_slice(),
                AtFlags::AT_SYMLINK_NOFOLLOW,
            )
            .is_ok()
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Returns the first line of a small file; `None`: it does not exist, or this process may not read it.
fn line_of(path: &Path) -> Result<Option<String>, Error> {
    let mut text = Vec::new();
    let mut read = || {
        // A container gets a directory for a file that its host does not have: a directory says nothing.
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(OFlag::O_NONBLOCK.bits())
            .open(path)?;
        if file.metadata()?.is_file() {
            file.take(LIMIT).read_to_end(&mut text)
        } else {
            Ok(0)
        }
    };
    match read() {
        Ok(_) => {
            let text = String::from_utf8_lossy(&text);
            Ok(text.lines().next().map(|line| line.trim_end().to_owned()))
        }
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::NotFound | ErrorKind::PermissionDenied
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(Error::io(
            Location::of(path.display().to_string()),
            Deed::Read,
            error,
        )),
    }
}

/// Whether this is an id as in machine-id(5). An image that has never been started has "uninitialized", or nothing.
fn is_machine_id(text: &str) -> bool {
    text.len() == 32
        && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        && text.bytes().any(|byte| byte != b'0')
}

#[cfg(test)]
mod tests;
