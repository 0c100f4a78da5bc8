//! The file that the sealing key is read from: root's, and of nobody else but the group of the records.

use super::Keys;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat, renameat};
use nix::sys::stat::{Mode, fchmod};
use nix::unistd::{Gid, UnlinkatFlags, fchown, unlinkat};
use otp_file::{Access, Fault, Rules, Unread, open_file, read_whole};
use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::path::Path;

/// Far more than eight keys and a few lines about them need.
const LIMIT: u64 = 4096;

/// Nobody but root and the group of the records reads it, and nobody but root writes.
const MODE: u32 = 0o640;

/// A file with keys.
#[derive(Clone, Debug)]
pub struct KeyFile {
    path: String,
    group: u32,
    /// Another group that may read it.
    also: Option<u32>,
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum NoKeyFile {
    /// There is no such file.
    #[error("{path} is missing")]
    Missing {
        /// Which one.
        path: String,
    },
    /// It is not one that can be trusted as it stands.
    #[error("{path}: {fault}")]
    Unsafe {
        /// Which one.
        path: String,
        /// What is wrong with it.
        fault: Fault,
    },
    /// It does not hold keys.
    #[error("{path}, line {line}: {what}")]
    Content {
        /// Which one.
        path: String,
        /// Where; 0: nowhere.
        line: usize,
        /// What is wrong there.
        what: &'static str,
    },
    /// The operating system refused.
    #[error("{path}: cannot {action}: {source}")]
    Io {
        /// Which one.
        path: String,
        /// What was tried.
        action: &'static str,
        /// What it said.
        source: io::Error,
    },
}

impl KeyFile {
    pub(super) fn at(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            group: 0,
            also: None,
        }
    }

    pub(super) fn readable_by(self, group: u32) -> Self {
        Self { group, ..self }
    }

    pub(super) fn also_readable_by(self, group: u32) -> Self {
        Self {
            also: Some(group),
            ..self
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Reads the keys.
    ///
    /// # Errors
    /// It is missing, open to others, or holds something else.
    pub fn read(&self) -> Result<Keys, NoKeyFile> {
        let missing = || NoKeyFile::Missing {
            path: self.path.clone(),
        };
        let (directory, name) = match self.directory() {
            Err(NoKeyFile::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Err(missing());
            }
            opened => opened?,
        };
        let read = |group| {
            let rules = Rules {
                allowed: MODE,
                account: None,
                group: Some(group),
                one_name: true,
            };
            match open_file(&directory, name, Access::Read, rules, LIMIT)? {
                Some(opened) => read_whole(&opened, LIMIT).map(Some),
                None => Ok(None),
            }
        };
        let bytes = match (read(self.group), self.also) {
            (Err(Unread::Unsafe(Fault::Group { .. })), Some(also)) => read(also),
            (read, _) => read,
        };
        let bytes = match bytes {
            Ok(bytes) => bytes.ok_or_else(missing)?,
            Err(Unread::Unsafe(fault)) => {
                return Err(NoKeyFile::Unsafe {
                    path: self.path.clone(),
                    fault,
                });
            }
            Err(Unread::Io { action, source }) => return Err(self.io(action, source)),
        };
        Keys::parse(&bytes).map_err(|(line, what)| NoKeyFile::Content {
            path: self.path.clone(),
            line,
            what,
        })
    }

    /// Writes the keys, so that after a crash the file holds these or those before, and for good.
    ///
    /// # Errors
    /// It cannot be written; what was there still counts.
    pub fn write(&self, keys: &Keys) -> Result<(), NoKeyFile> {
        let (directory, name) = self.directory()?;
        let beside = format!(".{name}.new");
        let failed = |action| move |errno: Errno| self.io(action, errno);
        match unlinkat(&directory, beside.as_str(), UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => {}
            Err(errno) => return Err(self.io("write beside", errno)),
        }
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
        let mode = Mode::from_bits_truncate(0o600);
        let new = openat(&directory, beside.as_str(), flags, mode);
        let mut new = File::from(new.map_err(failed("write beside"))?);
        let written = new
            .write_all(keys.reveal().as_bytes())
            .map_err(|error| self.io("write", error))
            .and_then(|()| {
                fchown(&new, None, Some(Gid::from_raw(self.group)))
                    .and_then(|()| fchmod(&new, Mode::from_bits_truncate(MODE)))
                    .map_err(failed("set the group of"))
            })
            .and_then(|()| new.sync_all().map_err(|error| self.io("sync", error)))
            .and_then(|()| {
                renameat(&directory, beside.as_str(), &directory, name)
                    .map_err(failed("put in its place"))
            });
        if written.is_err() {
            // What cannot be removed is in nobody's way: the next write removes it first.
            unlinkat(&directory, beside.as_str(), UnlinkatFlags::NoRemoveDir).ok();
        }
        written?;
        directory.sync_all().map_err(|error| self.io("sync", error))
    }

    /// Makes the directory of the file, where only that is missing: one below /run is made at each boot.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn make_directory(&self) -> Result<(), NoKeyFile> {
        let parent = Path::new(&self.path).parent();
        let parent = parent.ok_or_else(|| self.io("open", Errno::EINVAL))?;
        match nix::unistd::mkdir(parent, Mode::from_bits_truncate(0o755)) {
            Ok(()) | Err(Errno::EEXIST) => Ok(()),
            Err(errno) => Err(self.io("make the directory of", errno)),
        }
    }

    /// Keeps others from changing the file in the same way, until what is returned is dropped; `None`: another does.
    ///
    /// # Errors
    /// Its directory cannot be opened.
    pub fn lock(&self) -> Result<Option<impl Sized>, NoKeyFile> {
        let (directory, _) = self.directory()?;
        match directory.try_lock() {
            Ok(()) => Ok(Some(directory)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(self.io("lock the directory of", error)),
        }
    }

    /// Whether it is gone when the machine is started again: then it is a copy of a key that is kept elsewhere.
    ///
    /// # Errors
    /// Its directory cannot be opened.
    pub fn is_in_memory(&self) -> Result<bool, NoKeyFile> {
        let (directory, _) = self.directory()?;
        let found = rustix::fs::fstatfs(&directory).map_err(|errno| self.io("look at", errno))?;
        // linux/magic.h: TMPFS_MAGIC and RAMFS_MAGIC. The type of the field differs by machine.
        let kind = i128::from(found.f_type);
        Ok([0x0102_1994, 0x8584_58f6].contains(&kind))
    }

    fn directory(&self) -> Result<(File, &str), NoKeyFile> {
        let path = Path::new(&self.path);
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(self.io("open", Errno::EINVAL));
        };
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let directory =
            open(parent, flags, Mode::empty()).map_err(|errno| self.io("open", errno))?;
        let name = name
            .to_str()
            .ok_or_else(|| self.io("open", Errno::EINVAL))?;
        Ok((File::from(directory), name))
    }

    fn io(&self, action: &'static str, source: impl Into<io::Error>) -> NoKeyFile {
        NoKeyFile::Io {
            path: self.path.clone(),
            action,
            source: source.into(),
        }
    }
}
