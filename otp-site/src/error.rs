//! The errors of examining this machine. An error names the file and the reason, never a file's content.

use otp_core::{Before1970, UnusableName};
use otp_file::{Fault, Unparsed, Unread};
use std::io;

/// Why something could not be found out, and whose fault that is.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be trusted as it is.
    #[error("{path}: {fault}")]
    Unsafe {
        /// Which file.
        path: String,
        /// What is wrong with it.
        fault: Fault,
    },
    /// The file can be trusted, but does not say what it must.
    #[error("{path}{}: {reason}", line.map(|line| format!(", line {line}")).unwrap_or_default())]
    Content {
        /// Which file.
        path: String,
        /// The number of the line, from 1, if it is known.
        line: Option<usize>,
        /// What is wrong there, without quoting it.
        reason: String,
    },
    /// The named policy file does not exist.
    #[error("{path}: the policy file is missing")]
    NoPolicy {
        /// Which file.
        path: String,
    },
    /// The operating system refused.
    #[error("{path}: cannot {action}: {source}")]
    Io {
        /// Which file or directory.
        path: String,
        /// What was tried.
        action: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
    /// The name cannot be a user's.
    #[error(transparent)]
    UserName(#[from] UnusableName),
    /// The name service could not answer; that is not the same as "no such user".
    #[error("the name service did not answer: {0}")]
    NameService(io::Error),
    /// The name service contradicts itself about a user, so it is not certain whose records are meant.
    #[error("the name service knows {user} with user id {uid}, but {what}")]
    Disagrees {
        /// The name that it gave.
        user: String,
        /// The user id that it gave with it.
        uid: u32,
        /// What it says for the user id, or for that id's name.
        what: String,
    },
    /// The system clock shows a time before 1970.
    #[error(transparent)]
    Clock(#[from] Before1970),
}

impl Error {
    pub(crate) fn io(path: &str, action: &'static str, source: impl Into<io::Error>) -> Self {
        Self::Io {
            path: path.to_owned(),
            action,
            source: source.into(),
        }
    }

    pub(crate) fn unread(path: &str, why: Unread) -> Self {
        match why {
            Unread::Unsafe(fault) => Self::Unsafe {
                path: path.to_owned(),
                fault,
            },
            Unread::Io { action, source } => Self::io(path, action, source),
        }
    }

    pub(crate) fn unparsed(path: &str, why: Unparsed) -> Self {
        let (line, reason) = match why {
            Unparsed::Content { line, reason } => (line, reason),
            // Files of a machine carry no version.
            Unparsed::Newer => (None, "written for a newer version of pam_otp".to_owned()),
        };
        Self::Content {
            path: path.to_owned(),
            line,
            reason,
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
            Self::Unsafe { .. } => {
                "find out who changed it; then give it back to root, with the owner and mode that pam_otp.conf(5) names"
            }
            Self::Content { .. } => {
                "correct that line; the file that was shipped has every key with its default"
            }
            Self::NoPolicy { .. } => {
                "check the path; if it is right, mount or restore what belongs there"
            }
            Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "check owner and mode, which pam_otp.conf(5) names; programs that are not root reach records only through otp-helper"
            }
            Self::Io { .. } => "check the file system: is it mounted, writable, healthy?",
            Self::UserName(_) => "check the spelling",
            Self::NameService(_) => "check 'getent passwd' and the services in /etc/nsswitch.conf",
            Self::Disagrees { .. } => {
                "compare what 'getent passwd' says of that name and of that number; then correct /etc/passwd, the directory or /etc/nsswitch.conf"
            }
            Self::Clock(_) => "set the clock",
        }
    }
}
