//! What was taken out of the queue: in a directory of our own, in an order of our own, each with what is known of its tries.

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

/// A file that a writer has not finished after this long has no writer.
const ABANDONED: Duration = Duration::from_secs(3600);

/// The longest time between two tries.
const LONGEST_PAUSE: u64 = 3600;

/// After so many tries an event is given up: about a week.
pub(crate) const MOST_TRIES: u32 = 170;

/// One event that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    /// As it was in the queue, but for the number: that is ours, and orders all of them.
    pub name: Name,
    /// How often the hook has not taken it.
    pub tries: u32,
    /// When it is tried again, in seconds since 1970.
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

    /// Whether it may be tried now. A clock that has run back keeps nothing waiting.
    fn is_due(&self, now: u64) -> bool {
        self.next <= now || self.next > now.saturating_add(LONGEST_PAUSE)
    }

    /// The same after one try more.
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

/// An event as it was in its file.
pub(crate) struct Read {
    pub bytes: Vec<u8>,
    /// Whose file it is: the kernel's word for who wrote it.
    pub owner: u32,
}

/// All that was taken.
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
                // Only root can put anything here: what was being written when this program was killed.
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

    /// Takes what waits in the queue, in the order of each account. How many files were none of ours, and were removed.
    pub(crate) fn take(&mut self, queue: &Queue) -> Result<u64, String> {
        let incoming = queue.part(Place::Incoming).map_err(|why| why.to_string())?;
        let list = || names_in(&incoming).map_err(|errno| failed("list", errno));
        // A directory that grows while it is read may show a later event and not the one before it. That one was there
        // when the later one was written, so a second reading shows it; what is later than all of the first has to wait.
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

    /// Whether more has come since it was looked at last.
    pub(crate) fn more_has_come(queue: &Queue) -> Result<bool, String> {
        let incoming = queue.part(Place::Incoming).map_err(|why| why.to_string())?;
        let names = names_in(&incoming).map_err(|errno| failed("list", errno))?;
        Ok(!names.is_empty())
    }

    /// Removes what writers that were killed have left.
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

    /// Puts in an event of this program's own. One of that identity that is there already stays.
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

    /// Forgets those of some events. How many.
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

    /// Those that may be handed on now, by account; each account with all that waits for it, in order. The account whose
    /// first has waited longest comes first.
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

    /// Reads one. Inner `Err`: it is not to be read.
    pub(crate) fn read(&self, item: &Item) -> Result<Read, String> {
        // Its writer owns it, and has no way to it any more. Another name for it would be one.
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

    /// Removes one that was handed on, or is not to be.
    pub(crate) fn done(&self, item: &Item) -> Result<(), String> {
        remove(&self.directory, item.to_string().as_bytes())
    }

    /// Keeps one for later.
    pub(crate) fn postpone(&self, item: &Item) -> Result<Item, String> {
        let later = item.tried(now()?.seconds());
        let (from, to) = (item.to_string(), later.to_string());
        renameat(&self.directory, from.as_str(), &self.directory, to.as_str())
            .map_err(|errno| failed("rename", errno))?;
        Ok(later)
    }

    /// Goes on from what became of some: those that are gone, and those that wait for another try.
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
