//! Counts of events that the queue has dropped: the writers that drop them count, and each count is reported once.

use crate::log;
use crate::taken::{Taken, failed, write_whole};
use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;
use otp_core::event::Severity;
use otp_queue::Queue;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Read;

/// The file that holds how many of the dropped events were reported.
const TOLD: &str = "told";

/// Reports the events that were dropped since the last report: in the log, and as an event for the hook.
pub(crate) fn tell(queue: &Queue, taken: &mut Taken) -> Result<(), String> {
    let dropped = match queue.dropped() {
        Ok(dropped) => dropped,
        Err(why) => {
            log::failed(None, None, &why.to_string());
            return Ok(());
        }
    };
    // If the number cannot be read, all dropped events are reported again rather than none.
    let told: u64 = small(queue.directory(), TOLD)
        .map_err(|errno| failed("read what was told", errno))?
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(0);
    if dropped == told {
        return Ok(());
    }
    // Someone has replaced the count with a lower one.
    let count = dropped.checked_sub(told).unwrap_or(dropped);
    if count > 0 {
        let why = "the queue was full, or could not be written: these events are lost to the hook";
        let entry = log::failure(Severity::Error, Some(count), None, why);
        log::tell(&entry);
        // The identity stays the same if this program is killed before it has written the new number.
        taken.put(
            &entry,
            identity(&[b"dropped", &told.to_be_bytes(), &dropped.to_be_bytes()]),
        )?;
    }
    write_whole(queue.directory(), TOLD, format!("{dropped}\n").as_bytes())
        .map_err(|error| failed("write what was told", error))
}

/// Makes an identity that is the same for the same parts.
pub(crate) fn identity(parts: &[&[u8]]) -> u128 {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let bytes = hash.finalize();
    bytes
        .iter()
        .take(16)
        .fold(0, |number, &byte| number << 8 | u128::from(byte))
}

/// Reads a small file of root's; `None` if it is absent.
pub(crate) fn small(directory: &File, name: &str) -> Result<Option<String>, Errno> {
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let file = match openat(directory, name, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::ENOENT) => return Ok(None),
        Err(errno) => return Err(errno),
    };
    let mut text = Vec::new();
    match file.take(256).read_to_end(&mut text) {
        Ok(_) => Ok(Some(String::from_utf8_lossy(&text).into_owned())),
        Err(error) => Err(Errno::from_raw(error.raw_os_error().unwrap_or(0))),
    }
}
