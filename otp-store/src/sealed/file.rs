//! The file of the sealing key. Only root and the group of the records may read it.

use super::Keys;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat, renameat};
use nix::sys::stat::{Mode, fchmod};
use nix::unistd::{Gid, UnlinkatFlags, fchown, unlinkat};
use otp_core::messages::reason::Deed;
use otp_core::messages::reason::Unfit;
use otp_core::record::Language;
use otp_file::{Access, Fault, Rules, Unread, open_file, read_whole, told};
use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::path::Path;

/// Far more than eight keys and a few lines of comments need.
const LIMIT: u64 = 4096;

/// Root and the group of the records may read it, and only root may write.
const MODE: u32 = 0o640;

/// A file with sealing keys.
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
    /// The file does not exist.
    #[error("{path} is missing")]
    Missing {
        /// Which one.
        path: String,
    },
    /// The file cannot be trusted as it is.
    #[error("{path}: {fault}")]
    Unsafe {
        /// Which one.
        path: String,
        /// The fault in it.
        fault: Fault,
    },
    /// The file does not hold keys.
    #[error("{path}, line {line}: {what}")]
    Content {
        /// Which one.
        path: String,
        /// The number of the line; 0: no single line is wrong.
        line: usize,
        /// What is wrong there.
        what: Unfit,
    },
    /// The operating system refused.
    #[error("{path}: cannot {action}: {source}")]
    Io {
        /// Which one.
        path: String,
        /// What was tried.
        action: Deed,
        /// What the operating system said.
        source: io::Error,
    },
}

impl NoKeyFile {
    /// Says what is wrong in a language, without a full stop.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        if language == Language::English {
            return self.to_string();
        }
        match self {
            Self::Missing { path } => format!("{path} 파일이 없습니다"),
            Self::Unsafe { path, fault } => format!("{path}: {}", fault.text(language)),
            Self::Content { path, line, what } => {
                format!("{path}, {line}번째 줄: {}", what.text(language))
            }
            Self::Io {
                path,
                action,
                source,
            } => format!(
                "{path}: {}: {}",
                action.failed(language),
                told(source, language)
            ),
        }
    }
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

    /// Returns the path of the file.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Reads the keys.
    ///
    /// # Errors
    /// The file is missing, is open to others, or holds something else.
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

    /// Writes the keys for good, so that after a crash the file holds either these or the earlier ones.
    ///
    /// # Errors
    /// It cannot be written; the earlier keys still count.
    pub fn write(&self, keys: &Keys) -> Result<(), NoKeyFile> {
        let (directory, name) = self.directory()?;
        let beside = format!(".{name}.new");
        let failed = |action| move |errno: Errno| self.io(action, errno);
        match unlinkat(&directory, beside.as_str(), UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => {}
            Err(errno) => return Err(self.io(Deed::WriteBeside, errno)),
        }
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
        let mode = Mode::from_bits_truncate(0o600);
        let new = openat(&directory, beside.as_str(), flags, mode);
        let mut new = File::from(new.map_err(failed(Deed::WriteBeside))?);
        let written = new
            .write_all(keys.reveal().as_bytes())
            .map_err(|error| self.io(Deed::Write, error))
            .and_then(|()| {
                fchown(&new, None, Some(Gid::from_raw(self.group)))
                    .and_then(|()| fchmod(&new, Mode::from_bits_truncate(MODE)))
                    .map_err(failed(Deed::SetGroup))
            })
            .and_then(|()| new.sync_all().map_err(|error| self.io(Deed::Sync, error)))
            .and_then(|()| {
                renameat(&directory, beside.as_str(), &directory, name)
                    .map_err(failed(Deed::PutInPlace))
            });
        if written.is_err() {
            // If this cannot be removed, it does no harm: the next write removes it first.
            unlinkat(&directory, beside.as_str(), UnlinkatFlags::NoRemoveDir).ok();
        }
        written?;
        directory
            .sync_all()
            .map_err(|error| self.io(Deed::Sync, error))
    }

    /// Makes the directory of the file, if only that is missing: a directory below /run must be made at each boot.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn make_directory(&self) -> Result<(), NoKeyFile> {
        let parent = Path::new(&self.path).parent();
        let parent = parent.ok_or_else(|| self.io(Deed::Open, Errno::EINVAL))?;
        match nix::unistd::mkdir(parent, Mode::from_bits_truncate(0o755)) {
            Ok(()) | Err(Errno::EEXIST) => Ok(()),
            Err(errno) => Err(self.io(Deed::MakeDirectory, errno)),
        }
    }

    /// Keeps others that take this lock from changing the file, until the returned value is dropped; `None`: another
    /// process does so now.
    ///
    /// # Errors
    /// Its directory cannot be opened.
    pub fn lock(&self) -> Result<Option<impl Sized>, NoKeyFile> {
        let (directory, _) = self.directory()?;
        match directory.try_lock() {
            Ok(()) => Ok(Some(directory)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(self.io(Deed::LockDirectory, error)),
        }
    }

    /// Whether the file is gone after a restart: then it is a copy of a key that is stored elsewhere.
    ///
    /// # Errors
    /// Its directory cannot be opened.
    pub fn is_in_memory(&self) -> Result<bool, NoKeyFile> {
        let (directory, _) = self.directory()?;
        let found =
            rustix::fs::fstatfs(&directory).map_err(|errno| self.io(Deed::LookAt, errno))?;
        // linux/magic.h: TMPFS_MAGIC and RAMFS_MAGIC. The type of the field differs between architectures.
        let kind = i128::from(found.f_type);
        Ok([0x0102_1994, 0x8584_58f6].contains(&kind))
    }

    fn directory(&self) -> Result<(File, &str), NoKeyFile> {
        let path = Path::new(&self.path);
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(self.io(Deed::Open, Errno::EINVAL));
        };
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let directory =
            open(parent, flags, Mode::empty()).map_err(|errno| self.io(Deed::Open, errno))?;
        let name = name
            .to_str()
            .ok_or_else(|| self.io(Deed::Open, Errno::EINVAL))?;
        Ok((File::from(directory), name))
    }

    fn io(&self, action: Deed, source: impl Into<io::Error>) -> NoKeyFile {
        NoKeyFile::Io {
            path: self.path.clone(),
            action,
            source: source.into(),
        }
    }
}
