//! Events taken out of the queue: kept in a directory of this program's own, in its own order, each with the count of
//! its tries.

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat, renameat};
use nix::sys::stat::{FileStat, Mode, SFlag, fchmod, fstatat};
use nix::unistd::{UnlinkatFlags, unlinkat};
use otp_core::UnixTime;
use otp_core::event::{Entry, Event, Text};
use otp_file::{Access, Rules, open_file, read_whole};
use otp_queue::{LARGEST, Name, Place, Queue, fits, names_in};
use otp_site::clock;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

/// A file that is unfinished for longer than this has no writer any more.
const ABANDONED: Duration = Duration::from_secs(3600);

/// The longest time between two tries, in seconds.
const LONGEST_PAUSE: u64 = 3600;

/// The number of tries after which an event is given up: about a week.
pub(crate) const MOST_TRIES: u32 = 170;

/// One event taken out of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    /// The name that the event had in the queue, except the number, which is ours and orders all events.
    pub name: Name,
    /// How often the hook has failed to take the event.
    pub tries: u32,
    /// The time of the next try, in seconds since 1970.
    pub next: u64,
}

impl Item {
    fn parse(text: &str) -> Option<Self> {
        let (rest, next) = text.rsplit_once('-')?;
        let (name, tries) = rest.rsplit_once('-')?;
        let item = Self {
            name: Name::parse(name)?,
            tries: tries.parse().ok()?,
            next: next.parse().ok()?,
        };
        (item.to_string() == text).then_some(item)
    }

    /// Whether the event may be tried now. A clock that has run back does not make it wait.
    fn is_due(&self, now: u64) -> bool {
        self.next <= now || self.next > now.saturating_add(LONGEST_PAUSE)
    }

    /// The same event after one more try.
    fn tried(&self, now: u64) -> Self {
        let tries = self.tries.saturating_add(1);
        let pause = 60_u64.saturating_mul(1 << self.tries.min(10));
        let next = now.saturating_add(pause.min(LONGEST_PAUSE));
        Self {
            tries,
            next,
            ..*self
        }
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.name, self.tries, self.next)
    }
}

/// An event as its file holds it.
pub(crate) struct Read {
    pub bytes: Vec<u8>,
    /// The owner of the file, by which the kernel says who wrote it.
    pub owner: u32,
}

/// All events that were taken.
pub(crate) struct Taken {
    directory: File,
    items: Vec<Item>,
}

impl Taken {
    pub(crate) fn open(queue: &Queue) -> Result<Self, String> {
        let directory = queue.part(Place::Taken).map_err(|why| why.to_string())?;
        let names = names_in(&directory).map_err(|errno| failed("list", errno))?;
        let mut items = Vec::new();
        for name in names {
            match std::str::from_utf8(&name).ok().and_then(Item::parse) {
                Some(item) => items.push(item),
                // Only root can write here, so this is a file that was being written when this program was killed.
                None => remove(&directory, &name)?,
            }
        }
        let mut taken = Self { directory, items };
        taken.sort();
        Ok(taken)
    }

    fn sort(&mut self) {
        self.items
            .sort_by_key(|item| (item.name.number, item.name.id));
    }

    pub(crate) fn len(&self) -> u64 {
        self.items.len() as u64
    }

    fn next_number(&self) -> u64 {
        let last = self.items.last().map(|item| item.name.number);
        last.map_or(0, |last| last.saturating_add(1))
    }

    /// Takes the waiting events out of the queue, in the order of each account. Returns how many other files it
    /// removed.
    pub(crate) fn take(&mut self, queue: &Queue) -> Result<u64, String> {
        let incoming = queue.part(Place::Incoming).map_err(|why| why.to_string())?;
        let list = || names_in(&incoming).map_err(|errno| failed("list", errno));
        // A directory that grows while it is read may show a later event without the one before it. The earlier event
        // was there when the later one was written, so a second reading shows it. An event later than all of the
        // first reading waits.
        let (first, second) = (list()?, list()?);
        let mut seen = BTreeMap::new();
        for name in first.iter().filter_map(|name| parse(name)) {
            let newest = seen.entry(name.account).or_insert(name.number);
            *newest = name.number.max(*newest);
        }
        let mut strange = 0;
        let mut names = Vec::new();
        for found in second {
            match parse(&found) {
                Some(name) if is_file(&incoming, &found) => {
                    let seen = seen.get(&name.account);
                    if seen.is_some_and(|newest| name.number <= *newest) {
                        names.push(name);
                    }
                }
                _ => {
                    remove(&incoming, &found)?;
                    strange += 1;
                }
            }
        }
        names.sort_by_key(|name| (name.number, name.id));
        let mut waiting: Vec<Name> = self.items.iter().map(|item| item.name).collect();
        for name in names {
            self.take_one(queue, &incoming, &mut waiting, name)?;
        }
        Ok(strange)
    }

    fn take_one(
        &mut self,
        queue: &Queue,
        incoming: &File,
        waiting: &mut Vec<Name>,
        name: Name,
    ) -> Result<(), String> {
        let from = name.to_string();
        if fits(&name, waiting).is_err() {
            queue.count_dropped().map_err(|why| why.to_string())?;
            return remove(incoming, from.as_bytes());
        }
        let item = Item {
            name: Name {
                number: self.next_number(),
                ..name
            },
            tries: 0,
            next: 0,
        };
        let to = item.to_string();
        match renameat(incoming, from.as_str(), &self.directory, to.as_str()) {
            Ok(()) => {
                self.items.push(item);
                waiting.push(item.name);
            }
            Err(errno) => return Err(failed("take", errno)),
        }
        Ok(())
    }

    /// Whether events wait in the queue that were not taken yet.
    pub(crate) fn more_has_come(queue: &Queue) -> Result<bool, String> {
        let incoming = queue.part(Place::Incoming).map_err(|why| why.to_string())?;
        let names = names_in(&incoming).map_err(|errno| failed("list", errno))?;
        Ok(!names.is_empty())
    }

    /// Removes unfinished files of writers that were killed.
    pub(crate) fn clear_making(queue: &Queue) -> Result<(), String> {
        let making = queue.part(Place::Making).map_err(|why| why.to_string())?;
        let now = now()?.seconds();
        for name in names_in(&making).map_err(|errno| failed("list", errno))? {
            let Some(found) = status(&making, &name) else {
                continue;
            };
            let written = u64::try_from(found.st_mtime).unwrap_or(0);
            if now.abs_diff(written) > ABANDONED.as_secs() {
                remove(&making, &name)?;
            }
        }
        Ok(())
    }

    /// Adds an event of this program's own. An event that is already there with that identity stays.
    pub(crate) fn put(&mut self, entry: &Entry, id: u128) -> Result<(), String> {
        if self.items.iter().any(|item| item.name.id == id) {
            return Ok(());
        }
        let item = Item {
            name: Name {
                number: self.next_number(),
                account: Name::of_account(entry.account().map_or("", Text::as_str)),
                event: entry.event(),
                writer: nix::unistd::getuid().as_raw(),
                id,
            },
            tries: 0,
            next: 0,
        };
        let text = otp_queue::json(entry, id, now()?);
        self.write(&item.to_string(), text.as_bytes())
            .map_err(|error| failed("write", error))?;
        self.items.push(item);
        Ok(())
    }

    fn write(&self, name: &str, text: &[u8]) -> std::io::Result<()> {
        write_whole(&self.directory, name, text)
    }

    /// Forgets the events of some kinds. Returns how many it forgot.
    pub(crate) fn forget(&mut self, which: impl Fn(Event) -> bool) -> Result<u64, String> {
        let (gone, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.items)
            .into_iter()
            .partition(|item| which(item.name.event));
        self.items = kept;
        for item in &gone {
            remove(&self.directory, item.to_string().as_bytes())?;
        }
        Ok(gone.len() as u64)
    }

    /// Returns the events that may be handed on now, by account; each account with all its waiting events, in order.
    /// The account whose first event has waited longest comes first.
    pub(crate) fn due(&self) -> Result<Vec<Vec<Item>>, String> {
        let now = now()?.seconds();
        let mut order = Vec::new();
        let mut of_account: BTreeMap<u64, Vec<Item>> = BTreeMap::new();
        for item in &self.items {
            let items = of_account.entry(item.name.account).or_default();
            if items.is_empty() {
                order.push(item.name.account);
            }
            items.push(*item);
        }
        let due = order
            .iter()
            .filter_map(|account| of_account.remove(account));
        Ok(due.filter(|items| items[0].is_due(now)).collect())
    }

    /// Reads one event. An error is the reason why its file cannot be read.
    pub(crate) fn read(&self, item: &Item) -> Result<Read, String> {
        // The writer owns the file, but can no longer reach it. A second name would be a way to reach it.
        let rules = Rules {
            allowed: 0o7777,
            account: Some(item.name.writer),
            group: None,
            one_name: true,
        };
        let name = item.to_string();
        let read = || {
            let opened = open_file(&self.directory, &name, Access::Read, rules, LARGEST)?;
            let Some(opened) = opened else {
                return Ok(None);
            };
            let bytes = read_whole(&opened, LARGEST)?.to_vec();
            let owner = opened.found.uid();
            Ok(Some(Read { bytes, owner }))
        };
        match read() {
            Ok(Some(read)) => Ok(read),
            Ok(None) => Err("is not there".to_owned()),
            Err(otp_file::Unread::Unsafe(fault)) => Err(fault.to_string()),
            Err(otp_file::Unread::Io { source, .. }) => Err(source.to_string()),
        }
    }

    /// Removes an event that was handed on, or never will be.
    pub(crate) fn done(&self, item: &Item) -> Result<(), String> {
        remove(&self.directory, item.to_string().as_bytes())
    }

    /// Keeps an event for a later try.
    pub(crate) fn postpone(&self, item: &Item) -> Result<Item, String> {
        let later = item.tried(now()?.seconds());
        let (from, to) = (item.to_string(), later.to_string());
        renameat(&self.directory, from.as_str(), &self.directory, to.as_str())
            .map_err(|errno| failed("rename", errno))?;
        Ok(later)
    }

    /// Updates the list: `gone` were removed, and `later` wait for another try.
    pub(crate) fn settle(&mut self, gone: &BTreeSet<u128>, later: &[Item]) {
        self.items.retain(|item| !gone.contains(&item.name.id));
        for item in &mut self.items {
            if let Some(changed) = later.iter().find(|one| one.name == item.name) {
                *item = *changed;
            }
        }
    }
}

pub(crate) fn now() -> Result<UnixTime, String> {
    clock::now().map_err(|error| error.to_string())
}

pub(crate) fn failed(what: &str, why: impl fmt::Display) -> String {
    format!("the queue for hooks: cannot {what}: {why}")
}

/// Writes a small file of root's, whole or not at all.
pub(crate) fn write_whole(directory: &File, name: &str, text: &[u8]) -> std::io::Result<()> {
    let temporary = format!(".{name}.new");
    match unlinkat(directory, temporary.as_str(), UnlinkatFlags::NoRemoveDir) {
        Ok(()) | Err(Errno::ENOENT) => {}
        Err(errno) => return Err(errno.into()),
    }
    let flags =
        OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let mode = Mode::from_bits_truncate(0o600);
    let mut file = File::from(openat(directory, temporary.as_str(), flags, mode)?);
    fchmod(&file, mode)?;
    file.write_all(text)?;
    file.sync_all()?;
    renameat(directory, temporary.as_str(), directory, name)?;
    directory.sync_all()
}

fn parse(name: &[u8]) -> Option<Name> {
    Name::parse(std::str::from_utf8(name).ok()?)
}

fn status(directory: &File, name: &[u8]) -> Option<FileStat> {
    fstatat(directory, name, AtFlags::AT_SYMLINK_NOFOLLOW).ok()
}

fn is_file(directory: &File, name: &[u8]) -> bool {
    status(directory, name).is_some_and(|found| {
        SFlag::from_bits_truncate(found.st_mode & SFlag::S_IFMT.bits()) == SFlag::S_IFREG
    })
}

/// Removes a file, or an empty directory.
fn remove(directory: &File, name: &[u8]) -> Result<(), String> {
    match unlinkat(directory, name, UnlinkatFlags::NoRemoveDir) {
        Ok(()) | Err(Errno::ENOENT) => Ok(()),
        Err(Errno::EISDIR | Errno::EPERM) => unlinkat(directory, name, UnlinkatFlags::RemoveDir)
            .map_err(|errno| failed("remove a directory that is none of ours", errno)),
        Err(errno) => Err(failed("remove", errno)),
    }
}

#[cfg(test)]
mod tests;
