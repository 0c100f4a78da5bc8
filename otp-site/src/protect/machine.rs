//! The files that decide about logins, as they are read for a plan.

use super::{OWN, Stop, VENDORS, lines};
use crate::Error;
use crate::stack::read_text;
use nix::unistd::geteuid;
use otp_core::messages::protect::Refusal;
use otp_core::messages::reason::Deed;
use otp_file::Fault;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The files of this machine, or below another root directory.
pub struct Machine {
    root: PathBuf,
}

impl Default for Machine {
    fn default() -> Self {
        Self::below(Path::new("/"))
    }
}

/// A service's file.
pub(super) struct Service {
    /// The path of its own file, which may not exist.
    pub(super) path: String,
    /// The text of its own file.
    pub(super) own: Option<String>,
    /// The text of its package's file, if there is no own file.
    pub(super) vendors: Option<String>,
}

impl Machine {
    /// Returns the machine with that root directory.
    #[must_use]
    pub fn below(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    /// Returns a path of the machine as this process opens it.
    #[must_use]
    pub fn place(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// Reads a file that decides about logins; `None`: it does not exist.
    pub(super) fn read(&self, path: &str) -> Result<Option<String>, Stop> {
        let place = self.place(path);
        let found = match std::fs::symlink_metadata(&place) {
            Ok(found) => found,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io(path, Deed::Read, error).into()),
        };
        let path = || path.to_owned();
        if found.is_symlink() {
            return Err(Refusal::Link { path: path() }.into());
        }
        let mode = found.mode() & 0o7777;
        let fault = if found.uid() != 0 && found.uid() != geteuid().as_raw() {
            Some(Fault::Owner { uid: found.uid() })
        } else if mode & 0o022 != 0 {
            let allowed = 0o755;
            Some(Fault::Mode { mode, allowed })
        } else {
            None
        };
        if let Some(fault) = fault {
            return Err(Error::Unsafe {
                path: path(),
                fault,
            }
            .into());
        }
        Self::text_at(&place, &path())
    }

    fn text_at(place: &Path, shown: &str) -> Result<Option<String>, Stop> {
        match read_text(place) {
            // A file that is not text could not be restored exactly.
            Ok(text) if text.contains(char::REPLACEMENT_CHARACTER) => {
                let path = shown.to_owned();
                let (line, lines) = (1, lines::CODE);
                Err(Refusal::Unreadable { path, line, lines }.into())
            }
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io(shown, Deed::Read, error).into()),
        }
    }

    pub(super) fn service(&self, name: &str) -> Result<Service, Stop> {
        let path = format!("{OWN}/{name}");
        let own = self.read(&path)?;
        let vendors = match own {
            Some(_) => None,
            None => self.included(name)?.map(|(_, text)| text),
        };
        Ok(Service { path, own, vendors })
    }

    /// Returns the path and text of an included file. Such files may be links, as authselect makes them.
    pub(super) fn included(&self, name: &str) -> Result<Option<(String, String)>, Stop> {
        let paths = if name.starts_with('/') {
            vec![name.to_owned()]
        } else {
            vec![format!("{OWN}/{name}"), format!("{VENDORS}/{name}")]
        };
        for path in paths {
            if let Some(text) = Self::text_at(&self.place(&path), &path)? {
                return Ok(Some((path, text)));
            }
        }
        Ok(None)
    }
}
