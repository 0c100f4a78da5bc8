//! What can go wrong while reading or writing. An error names the file and the reason, never a file's content.

use crate::{credential_file, state_file};
use otp_core::{Before1970, UnusableName};
use otp_file::{Fault, Unparsed, Unread};
use std::io;

/// Whose fault it is that something could not be read, written or found.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is not one that can be trusted as it stands.
    #[error("{path}: {fault}")]
    Unsafe {
        /// Which file or directory.
        path: String,
        /// What is wrong with it.
        fault: Fault,
    },
    /// The file can be trusted, but does not say what it must.
    #[error("{path}{}: {reason}", line.map(|line| format!(", line {line}")).unwrap_or_default())]
    Content {
        /// Which file.
        path: String,
        /// Which line of it, from 1, where that is known.
        line: Option<usize>,
        /// What is wrong there, without quoting it.
        reason: String,
    },
    /// A newer release wrote the file in a format that this one does not know.
    #[error("{path}: written by a newer version of pam_otp, which this one cannot read")]
    Newer {
        /// Which file.
        path: String,
    },
    /// Something that must be there is not.
    #[error("{path}: {what}")]
    Missing {
        /// Which file or directory.
        path: String,
        /// Why it must be there.
        what: &'static str,
    },
    /// The directory of all records is empty, and people have enrolled on this machine.
    #[error(
        "{path}: nobody's record is there, although people have enrolled on this machine: is its file system mounted? \
         If the records are really gone, remove {mark}"
    )]
    Lost {
        /// Which directory.
        path: String,
        /// The file that says so.
        mark: String,
    },
    /// Another login of the same user held the lock for the whole time.
    #[error("{path}: still locked by another login after {seconds} s")]
    Busy {
        /// Which directory.
        path: String,
        /// How long was waited.
        seconds: u64,
    },
    /// The operating system refused.
    #[error("{path}: cannot {action}: {source}")]
    Io {
        /// Which file or directory.
        path: String,
        /// What was tried.
        action: &'static str,
        /// What it said.
        source: io::Error,
    },
    /// What was written is in force, but may not outlast a power cut.
    #[error("{path}: written, but it may not outlast a power cut: {source}")]
    NotDurable {
        /// Which file or directory.
        path: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The record names another user than the one whose it would be.
    #[error("{path}: is the record of another user, {recorded}")]
    AnotherUsers {
        /// Which file.
        path: String,
        /// The user that it names.
        recorded: String,
    },
    /// The record was made for another owner of the same name.
    #[error("{path}: made for user id {recorded}, but {user} has user id {actual} now")]
    NotTheirs {
        /// Which file.
        path: String,
        /// The account's name.
        user: String,
        /// The user id in the record.
        recorded: u32,
        /// The user id now.
        actual: u32,
    },
    /// A name that cannot be a user's.
    #[error(transparent)]
    UserName(#[from] UnusableName),
    /// The system clock shows a time before 1970.
    #[error(transparent)]
    Clock(#[from] Before1970),
    /// The system gave no random bytes.
    #[error("no random numbers from the system")]
    Random,
}

impl Error {
    pub(crate) fn io(path: &str, action: &'static str, source: impl Into<io::Error>) -> Self {
        Self::Io {
            path: path.to_owned(),
            action,
            source: source.into(),
        }
    }

    pub(crate) fn content(path: &str, line: Option<usize>, reason: impl Into<String>) -> Self {
        Self::Content {
            path: path.to_owned(),
            line,
            reason: reason.into(),
        }
    }

    /// What an administrator can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unsafe {
                fault: Fault::Owner { .. },
                ..
            } => {
                "find out who changed it, and give it back to root; a record whose user has got a new number is removed by 'otp-admin reset USER'"
            }
            Self::Unsafe {
                fault: Fault::ListedUser { .. } | Fault::ListedGroup { .. } | Fault::StrangeList,
                ..
            } => {
                "find out who added it ('getfacl' shows it); then remove it with 'setfacl --remove-all', and have people enrol again if somebody may have read the records"
            }
            Self::Unsafe { path, .. } if is_record(path) => {
                "find out who changed it; then put owner and mode right, or run 'otp-admin reset USER' and enrol again"
            }
            Self::Unsafe { .. } => {
                "give it back to root, as README.md names owner and mode, after finding out who changed it"
            }
            Self::Content { path, .. } | Self::Missing { path, .. } if is_record(path) => {
                "restore it from a backup, or run 'otp-admin reset USER' and enrol again"
            }
            Self::Content { .. } => {
                "correct that line; the file that was shipped has every key with its default"
            }
            Self::Missing { .. } => {
                "check the path; if it is right, mount or restore what belongs there"
            }
            Self::Lost { .. } => {
                "mount what belongs there; without the records everybody has to enrol again"
            }
            Self::Newer { .. } => "upgrade pam_otp",
            Self::Busy { .. } => "try again",
            Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "check owner and mode, which README.md names; who is not root gets to records through otp-helper"
            }
            Self::Io { .. } => "check the file system: is it mounted, writable, healthy?",
            Self::NotDurable { .. } => {
                "look at what counts now with 'otp-enroll status', and check the file system"
            }
            Self::AnotherUsers { .. } => {
                "run 'otp-admin move' with that name and USER if it is the same person; otherwise run 'otp-admin reset USER' and enrol again"
            }
            Self::NotTheirs { .. } => {
                "run 'otp-admin reset USER', and the new owner of the name then enrols; or, if it is the same person, 'otp-admin move USER USER --force'"
            }
            Self::UserName(_) => "check the spelling",
            Self::Clock(_) => "set the clock",
            Self::Random => "check that /dev/urandom and getrandom work",
        }
    }
}

/// Whether the path is that of a user's file, which only enrolling anew replaces.
fn is_record(path: &str) -> bool {
    [credential_file::NAME, state_file::NAME]
        .iter()
        .any(|name| path.ends_with(&format!("/{name}")))
}

/// Says where something went wrong that only knows what.
pub(crate) trait At<T> {
    /// The same, or the error at this place.
    fn at(self, path: &str) -> Result<T, Error>;
}

impl<T> At<T> for Result<T, Fault> {
    fn at(self, path: &str) -> Result<T, Error> {
        self.map_err(|fault| Error::Unsafe {
            path: path.to_owned(),
            fault,
        })
    }
}

impl<T> At<T> for Result<T, Unread> {
    fn at(self, path: &str) -> Result<T, Error> {
        self.or_else(|why| match why {
            Unread::Unsafe(fault) => Err(fault).at(path),
            Unread::Io { action, source } => Err(Error::io(path, action, source)),
        })
    }
}

impl<T> At<T> for Result<T, Unparsed> {
    fn at(self, path: &str) -> Result<T, Error> {
        self.map_err(|why| match why {
            Unparsed::Content { line, reason } => Error::content(path, line, reason),
            Unparsed::Newer => Error::Newer {
                path: path.to_owned(),
            },
        })
    }
}
