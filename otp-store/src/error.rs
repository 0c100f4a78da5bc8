//! What can go wrong while reading or writing. An error names the file and the reason, never a file's content.

use crate::{credential_file, state_file};
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
    /// A name that cannot name a directory.
    #[error("unusable user name: {0}")]
    UserName(&'static str),
    /// The name service could not answer; that is not the same as "no such user".
    #[error("the name service did not answer: {0}")]
    NameService(io::Error),
    /// The name service contradicts itself about a user, so it cannot be said whose records are meant.
    #[error("the name service knows {user} with user id {uid}, but {what}")]
    Disagrees {
        /// The name that it gave.
        user: String,
        /// The user id that it gave with it.
        uid: u32,
        /// What it says when it is asked the other way round.
        what: String,
    },
    /// The system clock shows a time before 1970.
    #[error("the system clock is set before 1970")]
    Clock,
    /// The system gave no random bytes.
    #[error("no random numbers from the system")]
    Random,
}

/// Why a file or directory is not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A symbolic link.
    SymbolicLink,
    /// A fifo, socket, device or directory where a file belongs.
    NotAFile,
    /// Something else where a directory belongs.
    NotADirectory,
    /// More than one name.
    HardLink,
    /// Somebody else's.
    Owner {
        /// The user id it has.
        uid: u32,
    },
    /// A group that is not the store's, with rights for that group.
    Group {
        /// The group id it has.
        gid: u32,
    },
    /// Open to more people than it may be.
    Mode {
        /// The permission bits it has.
        mode: u32,
        /// The bits it may have.
        allowed: u32,
    },
    /// An access control list gives a user rights, whom the mode does not show.
    ListedUser {
        /// The user id in the list.
        uid: u32,
    },
    /// An access control list gives a group rights, which the mode does not show.
    ListedGroup {
        /// The group id in the list.
        gid: u32,
    },
    /// An access control list that cannot be read.
    StrangeList,
    /// Larger than it can be.
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::SymbolicLink => f.write_str("is a symbolic link"),
            Self::NotAFile => f.write_str("is not a regular file"),
            Self::NotADirectory => f.write_str("is not a directory"),
            Self::HardLink => f.write_str("has more than one hard link"),
            Self::Owner { uid } => write!(f, "is owned by user id {uid}, not by root"),
            Self::Group { gid } => write!(
                f,
                "belongs to group id {gid}, not to the group of the store"
            ),
            Self::Mode { mode, allowed } => {
                write!(f, "has mode {mode:04o}, at most {allowed:04o} is allowed")
            }
            Self::ListedUser { uid } => write!(
                f,
                "has an access control list that gives rights to user id {uid}"
            ),
            Self::ListedGroup { gid } => write!(
                f,
                "has an access control list that gives rights to group id {gid}"
            ),
            Self::StrangeList => f.write_str("has an access control list of an unknown form"),
            Self::TooLarge { limit } => write!(f, "is larger than {limit} bytes"),
        }
    }
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
            Self::NameService(_) => "check 'getent passwd' and the services in /etc/nsswitch.conf",
            Self::Disagrees { .. } => {
                "compare what 'getent passwd' says of that name and of that number; then correct /etc/passwd, the directory or /etc/nsswitch.conf"
            }
            Self::Clock => "set the clock",
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
