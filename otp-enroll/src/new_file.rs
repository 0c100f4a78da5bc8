//! A new file that removes itself unless it is kept.

use crate::failure::system;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, open, openat};
use nix::sys::stat::{Mode, fstatat};
use nix::unistd::{UnlinkatFlags, unlinkat};
use otp_core::messages::trouble::Trouble;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A file that did not exist before, for its owner alone (0600). If it is dropped without [`keep`](Self::keep), it is
/// removed.
pub struct NewFile {
    path: PathBuf,
    directory: File,
    name: OsString,
    file: File,
    kept: bool,
}

impl NewFile {
    /// Makes an empty file. It never overwrites a file, and never follows a link at the end of the path.
    pub fn create(path: &Path) -> Result<Self, Trouble> {
        let failed = |error: io::Error| Trouble::FileNotWritten {
            path: path.display().to_string(),
            reason: system(&error),
        };
        let name = path
            .file_name()
            .ok_or_else(|| failed(Errno::EISDIR.into()))?;
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let directory = open(parent, flags, Mode::empty()).map_err(|errno| failed(errno.into()))?;
        let flags =
            OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        match openat(&directory, name, flags, Mode::from_bits_truncate(0o600)) {
            Ok(file) => Ok(Self {
                path: path.to_owned(),
                directory: directory.into(),
                name: name.to_owned(),
                file: file.into(),
                kept: false,
            }),
            Err(Errno::EEXIST) => Err(Trouble::FileExists {
                path: path.display().to_string(),
            }),
            Err(errno) => Err(failed(errno.into())),
        }
    }

    /// Writes the whole content, durably.
    pub fn fill(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        self.file
            .write_all(bytes)
            .and_then(|()| self.file.sync_all())
            .and_then(|()| self.directory.sync_all())
            .map_err(|error| Trouble::FileNotWritten {
                path: self.shown(),
                reason: system(&error),
            })
    }

    /// Keeps the file.
    pub fn keep(mut self) {
        self.kept = true;
    }

    /// Returns the path as text.
    pub fn shown(&self) -> String {
        self.path.display().to_string()
    }

    /// Whether the name still refers to the file that was made here.
    fn is_still_ours(&self) -> bool {
        let (Ok(ours), Ok(named)) = (
            self.file.metadata(),
            fstatat(
                &self.directory,
                self.name.as_os_str(),
                AtFlags::AT_SYMLINK_NOFOLLOW,
            ),
        ) else {
            return false;
        };
        (ours.dev(), ours.ino()) == (named.st_dev, named.st_ino)
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.kept && self.is_still_ours() {
            unlinkat(
                &self.directory,
                self.name.as_os_str(),
                UnlinkatFlags::NoRemoveDir,
            )
            .ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_new_file_is_private_to_its_owner_and_removed_unless_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("codes");
        let mut file = NewFile::create(&path).unwrap();
        file.fill(b"text").unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        drop(file);
        assert!(!path.exists());
        let mut file = NewFile::create(&path).unwrap();
        file.fill(b"text").unwrap();
        file.keep();
        assert_eq!(fs::read(&path).unwrap(), b"text");
    }

    #[test]
    fn nothing_is_overwritten_and_no_link_is_followed() {
        let directory = tempfile::tempdir().unwrap();
        let (path, link) = (directory.path().join("old"), directory.path().join("link"));
        fs::write(&path, "old").unwrap();
        symlink(directory.path().join("elsewhere"), &link).unwrap();
        for taken in [&path, &link] {
            assert!(matches!(
                NewFile::create(taken),
                Err(Trouble::FileExists { .. })
            ));
        }
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert!(!directory.path().join("elsewhere").exists());
    }

    #[test]
    fn a_file_that_somebody_else_put_there_instead_stays() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("codes");
        let file = NewFile::create(&path).unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(&path, "theirs").unwrap();
        drop(file);
        assert_eq!(fs::read(&path).unwrap(), b"theirs");
    }
}
