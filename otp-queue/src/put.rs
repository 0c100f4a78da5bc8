//! Adds an event to the queue: it is on disk when the call returns, and never stops a login.

use crate::Name;
use crate::directories::{Broken, Place, Queue, may_grow_to, names_in};
use nix::fcntl::{OFlag, openat, renameat};
use nix::sys::stat::{Mode, fchmod};
use nix::unistd::{UnlinkatFlags, getuid, unlinkat};
use otp_core::UnixTime;
use otp_core::event::{Entry, Event, Text};
use std::fmt;
use std::fs::File;
use std::io::Write;
use std::path::Path;

/// The largest number of waiting events.
pub const MOST: usize = 8192;

/// The limit for events that people can cause at will, for instance by typing wrong codes. The rest of the room is
/// kept for other events.
pub const MOST_AT_WILL: usize = 4096;

/// The limit for events of one kind about one account: a flood of one kind hides neither another kind nor another
/// account.
pub const MOST_ALIKE: usize = 32;

/// The limit for events that the helper writes for one caller other than root.
pub const MOST_OF_A_USER: usize = 128;

/// The limit for events that such a caller can cause at will. An intruder in a session must not hide a change to the
/// account behind a flood of denied requests.
pub const MOST_OF_A_USER_AT_WILL: usize = 64;

/// The event was not added.
#[derive(Debug)]
pub struct Dropped {
    why: String,
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl std::error::Error for Dropped {}

impl From<Broken> for Dropped {
    fn from(broken: Broken) -> Self {
        let why = broken.to_string();
        Self { why }
    }
}

/// Adds an event to the queue below a directory of records. When this returns, the event is on disk under its final
/// name.
///
/// # Errors
/// The event was dropped, and counted if that was possible; the text says why. The caller goes on.
pub fn put(records: &Path, entry: &Entry, now: UnixTime) -> Result<(), Dropped> {
    let queue = Queue::open(records)?;
    put_into(&queue, entry, now).inspect_err(|_| {
        // If it cannot even be counted, only the caller's log line is left.
        queue.count_dropped().ok();
    })
}

fn put_into(queue: &Queue, entry: &Entry, now: UnixTime) -> Result<(), Dropped> {
    let failed = |what: &str, why: &dyn fmt::Display| Dropped {
        why: format!("the queue for hooks: could not {what} a file: {why}"),
    };
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|error| failed("name", &error))?;
    let id = u128::from_be_bytes(id);
    let text = crate::json(entry, id, now);
    may_grow_to(text.len() as u64).map_err(|error| failed("write", &error))?;
    let (incoming, making) = (queue.part(Place::Incoming)?, queue.part(Place::Making)?);
    let mut name = Name {
        number: 0,
        account: Name::of_account(entry.account().map_or("", Text::as_str)),
        event: entry.event(),
        writer: getuid().as_raw(),
        id,
    };
    let list = |directory: &File| -> Result<Vec<Name>, Dropped> {
        let names = names_in(directory).map_err(|errno| failed("count", &errno))?;
        Ok(names.iter().filter_map(|name| parse(name)).collect())
    };
    let waiting = list(&incoming)?;
    fits(&name, &waiting)
        .and_then(|()| fits(&name, &list(&making).unwrap_or_default()))
        .map_err(|full| Dropped {
            why: full.to_owned(),
        })?;
    let same = waiting.iter().filter(|one| one.account == name.account);
    let newest = same.map(|one| one.number).max();
    name.number = newest.map_or(0, |number| number.saturating_add(1));
    let name = name.to_string();
    let written = write(&making, &name, text.as_bytes()).and_then(|()| {
        renameat(&making, name.as_str(), &incoming, name.as_str())?;
        Ok(())
    });
    if let Err(error) = written {
        // The runner removes a file that a killed process leaves here.
        unlinkat(&making, name.as_str(), UnlinkatFlags::NoRemoveDir).ok();
        return Err(failed("write", &error));
    }
    incoming.sync_all().map_err(|error| failed("sync", &error))
}

fn parse(name: &[u8]) -> Option<Name> {
    Name::parse(std::str::from_utf8(name).ok()?)
}

fn write(directory: &File, name: &str, text: &[u8]) -> std::io::Result<()> {
    let flags =
        OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let file = openat(directory, name, flags, Mode::from_bits_truncate(0o600))?;
    // The runner reads the file by the group, which the file has from its directory.
    fchmod(&file, Mode::from_bits_truncate(0o640))?;
    let mut file = File::from(file);
    file.write_all(text)?;
    file.sync_all()
}

/// Checks that one more event has room among those that wait.
///
/// # Errors
/// There is no room; the text says why.
pub fn fits(new: &Name, waiting: &[Name]) -> Result<(), &'static str> {
    let alike = |one: &&Name| {
        one.account == new.account && one.event == new.event && one.writer == new.writer
    };
    let (most, most_of_a_user) = if is_at_will(new.event) {
        (MOST_AT_WILL, MOST_OF_A_USER_AT_WILL)
    } else {
        (MOST, MOST_OF_A_USER)
    };
    if waiting.len() >= most {
        Err("the queue for hooks is full")
    } else if waiting.iter().filter(alike).count() >= MOST_ALIKE {
        Err("the queue for hooks is full of events of this kind about this account")
    } else if new.writer != 0
        && waiting
            .iter()
            .filter(|one| one.writer == new.writer)
            .count()
            >= most_of_a_user
    {
        Err("the queue for hooks is full of events that this user has caused")
    } else {
        Ok(())
    }
}

/// Whether people who are not let in anywhere can cause as many of these events as they like.
const fn is_at_will(event: Event) -> bool {
    match event {
        Event::Reject
        | Event::Replay
        | Event::Locked
        | Event::Attempt
        | Event::NotEnrolled
        | Event::Unavailable
        | Event::Denied
        | Event::Trusted
        | Event::Changing
        | Event::Policy
        | Event::Mail
        | Event::Debug => true,
        Event::Accept
        | Event::Recovery
        | Event::Lock
        | Event::Change
        | Event::Reset
        | Event::Protect
        | Event::Unlock
        | Event::Import
        | Event::Mailed
        | Event::OneFactor
        | Event::PolicyChanged
        | Event::Fleet
        | Event::Seal
        | Event::Hook => false,
    }
}

#[cfg(test)]
mod tests;
