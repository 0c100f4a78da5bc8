//! The directories of the queue, opened step by step and never through a link.

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::stat::{Mode, fchmod, mkdirat};
use nix::unistd::{Gid, fchown, geteuid};
use otp_file::{Rules, Unread, metadata, open_directory};
use std::fmt;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The directory of the queue, below the directory of the records. It begins with a dot, which no user's name does.
pub const QUEUE: &str = ".queue";
/// The directory of the events that wait to be taken.
pub const INCOMING: &str = "incoming";
/// The directory of the files that are being written.
pub const MAKING: &str = "making";
/// The directory of the events that the runner has taken; only the runner has rights there.
pub const TAKEN: &str = "taken";
/// The file with one byte for each event that was dropped.
pub const DROPPED: &str = "dropped";

/// The largest size of an event, in bytes: a login that can write its record can write this too.
pub const LARGEST: u64 = 4096;

const OF_THE_QUEUE: u32 = 0o2750;
const OF_WRITERS: u32 = 0o2770;
const OF_THE_RUNNER: u32 = 0o2700;
const OF_THE_COUNT: u32 = 0o660;

/// A directory of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// [`INCOMING`].
    Incoming,
    /// [`MAKING`].
    Making,
    /// [`TAKEN`].
    Taken,
}

impl Place {
    const fn name(self) -> &'static str {
        match self {
            Self::Incoming => INCOMING,
            Self::Making => MAKING,
            Self::Taken => TAKEN,
        }
    }

    const fn mode(self) -> u32 {
        match self {
            Self::Incoming | Self::Making => OF_WRITERS,
            Self::Taken => OF_THE_RUNNER,
        }
    }
}

/// Why the queue cannot be used.
#[derive(Debug)]
pub struct Broken {
    what: &'static str,
    why: String,
}

impl Broken {
    /// Makes an error; `what` is the part of the queue that is broken.
    pub(crate) fn new(what: &'static str, why: impl fmt::Display) -> Self {
        let why = why.to_string();
        Self { what, why }
    }

    fn unread(what: &'static str, why: Unread) -> Self {
        match why {
            Unread::Unsafe(fault) => Self::new(what, fault),
            Unread::Io { action, source } => {
                Self::new(what, format!("could not {action} it: {source}"))
            }
        }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the queue for hooks ({}): {}", self.what, self.why)
    }
}

impl std::error::Error for Broken {}

/// An open queue.
pub struct Queue {
    directory: File,
    /// The group that owns the records.
    group: u32,
}

impl Queue {
    /// Opens the queue below a directory of records. Root creates any missing part.
    ///
    /// # Errors
    /// The queue is missing and this process may not create it, or it is not as root created it.
    pub fn open(records: &Path) -> Result<Self, Broken> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let above = open(records, flags, Mode::empty())
            .map(File::from)
            .map_err(|errno| Broken::new("the records above it", errno))?;
        let group = metadata(&above)
            .map_err(|why| Broken::unread("the records above it", why))?
            .gid();
        let directory = there_or_made(&above, QUEUE, OF_THE_QUEUE, group)?;
        Ok(Self { directory, group })
    }

    /// Returns the directory of the whole queue.
    #[must_use]
    pub const fn directory(&self) -> &File {
        &self.directory
    }

    /// Opens a part of the queue. Root creates it if it is missing.
    ///
    /// # Errors
    /// As for [`Queue::open`].
    pub fn part(&self, place: Place) -> Result<File, Broken> {
        there_or_made(&self.directory, place.name(), place.mode(), self.group)
    }

    /// Counts one dropped event, durably. On a full disk this needs a new block only once in some thousand events.
    ///
    /// # Errors
    /// The count could not be written: then only the log knows of the event.
    pub fn count_dropped(&self) -> Result<(), Broken> {
        let mut file = self.count(OFlag::O_WRONLY | OFlag::O_APPEND)?;
        let failed = |error: std::io::Error| Broken::new(DROPPED, error);
        let counted = file.metadata().map_err(failed)?.len();
        if counted < MOST_COUNTED {
            may_grow_to(counted + 1).map_err(failed)?;
            file.write_all(b".").map_err(failed)?;
            file.sync_data().map_err(failed)?;
        }
        Ok(())
    }

    /// Returns how many events were dropped since the queue was made; counting stops at about a million.
    ///
    /// # Errors
    /// The count cannot be read.
    pub fn dropped(&self) -> Result<u64, Broken> {
        let file = self.count(OFlag::O_RDONLY)?;
        let found = metadata(&file).map_err(|why| Broken::unread(DROPPED, why))?;
        if !found.is_file() {
            return Err(Broken::new(DROPPED, "is not a regular file"));
        }
        Ok(found.len().saturating_sub(BEGUN.len() as u64))
    }

    /// Opens the file of the count; root creates it.
    fn count(&self, access: OFlag) -> Result<File, Broken> {
        let flags = access | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let failed = |errno: Errno| Broken::new(DROPPED, errno);
        match openat(&self.directory, DROPPED, flags, Mode::empty()) {
            Ok(file) => return Ok(File::from(file)),
            Err(Errno::ENOENT) if makes() => {}
            Err(errno) => return Err(failed(errno)),
        }
        let made =
            OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let private = Mode::from_bits_truncate(0o600);
        match openat(&self.directory, DROPPED, made, private) {
            Ok(file) => begin_count(File::from(file), self.group).map_err(failed)?,
            Err(Errno::EEXIST) => {}
            Err(errno) => return Err(failed(errno)),
        }
        let opened = openat(&self.directory, DROPPED, flags, Mode::empty());
        opened.map(File::from).map_err(failed)
    }
}

/// The first byte of the count: with it, the file gets its disk block before the disk is full.
const BEGUN: &[u8] = b":";

fn begin_count(mut file: File, group: u32) -> Result<(), Errno> {
    let begun = may_grow_to(BEGUN.len() as u64)
        .and_then(|()| file.write_all(BEGUN))
        .and_then(|()| file.sync_all());
    begun.map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(0)))?;
    give(&file, OF_THE_COUNT, group)
}

/// Checks that this process may write a file of that length. A write beyond a limit that its caller set would end it
/// by a signal before it has answered.
pub(crate) fn may_grow_to(length: u64) -> std::io::Result<()> {
    if getrlimit(Resource::RLIMIT_FSIZE)?.0 < length {
        let why = "a limit on the size of files is too low";
        return Err(std::io::Error::other(why));
    }
    Ok(())
}

/// The highest count; events beyond it are not counted.
const MOST_COUNTED: u64 = 1 << 20;

/// Whether this process creates missing parts: as root, or as the user of a test with its own records.
fn makes() -> bool {
    geteuid().is_root() || nix::unistd::getegid() == nix::unistd::getgid()
}

fn there_or_made(parent: &File, name: &'static str, mode: u32, group: u32) -> Result<File, Broken> {
    let rules = Rules {
        allowed: mode,
        account: None,
        group: Some(group),
        one_name: true,
    };
    let look = || open_directory(parent, name, rules).map_err(|why| Broken::unread(name, why));
    let failed = |errno: Errno| Broken::new(name, format!("could not be made: {errno}"));
    let opened = match look()? {
        Some(opened) => opened,
        None if !makes() => {
            return Err(Broken::new(name, "is not there; a login of root makes it"));
        }
        None => {
            match mkdirat(parent, name, Mode::from_bits_truncate(0o700)) {
                Ok(()) | Err(Errno::EEXIST) => {}
                Err(errno) => return Err(failed(errno)),
            }
            let synced = parent.sync_all();
            synced.map_err(|error| Broken::new(name, format!("could not be synced: {error}")))?;
            look()?.ok_or_else(|| Broken::new(name, "is not there"))?
        }
    };
    // Check an old directory too: a crash may have left it half made.
    let is_made = opened.found.mode() & 0o7777 == mode && opened.found.gid() == group;
    if !is_made && makes() {
        give(&opened.file, mode, group).map_err(failed)?;
    }
    Ok(opened.file)
}

/// Sets group and mode. If the records belong to root alone, without a group for a helper, so does the queue.
fn give(file: impl std::os::fd::AsFd, mode: u32, group: u32) -> Result<(), Errno> {
    // The order matters: a change of the group clears the set-group-id bit.
    fchown(&file, None, Some(Gid::from_raw(group)))?;
    fchmod(&file, Mode::from_bits_truncate(mode))
}

/// Returns the names in a directory.
///
/// # Errors
/// The directory cannot be read.
pub fn names_in(directory: &File) -> Result<Vec<Vec<u8>>, Errno> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let mut listing = Dir::openat(directory, ".", flags, Mode::empty())?;
    let mut names = Vec::new();
    for entry in listing.iter() {
        let name = entry?.file_name().to_bytes().to_vec();
        if name != b"." && name != b".." {
            names.push(name);
        }
    }
    Ok(names)
}
