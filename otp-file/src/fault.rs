//! The faults of a file that show before its content is read.

use std::io;

/// Why a file or directory is not read.
#[derive(Debug)]
pub enum Unread {
    /// The file or directory cannot be trusted as it stands.
    Unsafe(Fault),
    /// The operating system refused.
    Io {
        /// The action that failed.
        action: &'static str,
        /// The error of the operating system.
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
    /// It is a symbolic link.
    SymbolicLink,
    /// It is a fifo, socket, device or directory, but must be a file.
    NotAFile,
    /// It is not a directory, but must be one.
    NotADirectory,
    /// The file has more than one hard link.
    HardLink,
    /// A user who may not own it owns it.
    Owner {
        /// The user id of the owner.
        uid: u32,
    },
    /// It belongs to a group other than the store's, and the mode gives that group rights.
    Group {
        /// The id of that group.
        gid: u32,
    },
    /// The mode gives more rights than are allowed.
    Mode {
        /// The permission bits that it has.
        mode: u32,
        /// The permission bits that are allowed.
        allowed: u32,
    },
    /// An access control list gives a user rights that the mode does not show.
    ListedUser {
        /// The user id in the list.
        uid: u32,
    },
    /// An access control list gives a group rights that the mode does not show.
    ListedGroup {
        /// The group id in the list.
        gid: u32,
    },
    /// The access control list cannot be read.
    StrangeList,
    /// The file is larger than its limit.
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
