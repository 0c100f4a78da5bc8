//! What is wrong with a file before its content is looked at.

use std::io;

/// Why a file or directory is not read.
#[derive(Debug)]
pub enum Unread {
    /// It is not one that can be trusted as it stands.
    Unsafe(Fault),
    /// The operating system refused.
    Io {
        /// What was tried.
        action: &'static str,
        /// What it said.
        source: io::Error,
    },
}

impl Unread {
    pub(crate) fn io(action: &'static str, source: impl Into<io::Error>) -> Self {
        Self::Io {
            action,
            source: source.into(),
        }
    }
}

impl From<Fault> for Unread {
    fn from(fault: Fault) -> Self {
        Self::Unsafe(fault)
    }
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
