//! `otp.policychanged`: the policy has changed since the last look.
//!
//! A systemd unit starts a look whenever the file is written, and so does each run of the timer. The log cannot name
//! who changed the policy: editors leave no name in a file.

use crate::counted::{identity, small};
use crate::log;
use crate::taken::{Taken, failed, write_whole};
use otp_core::event::{Entry, Event, Severity, Text, Value};
use otp_queue::Queue;
use otp_site::policy;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The file that holds the number of changes and the last fingerprint of the policy.
const SEEN: &str = "policy";

/// The number of bytes that are read; no policy is longer.
const LONGEST: u64 = 128 * 1024;

/// Looks at the policy; if it has changed, logs that and adds an event.
pub(crate) fn look(queue: &Queue, taken: &mut Taken, path: &Path) -> Result<(), String> {
    let now = fingerprint(path);
    let seen = small(queue.directory(), SEEN)
        .map_err(|errno| failed("read what the policy was", errno))?;
    let seen = seen.as_deref().and_then(|text| text.trim().split_once(' '));
    let (number, before) = match seen {
        Some((number, before)) => (number.parse().unwrap_or(0_u64), Some(before)),
        None => (0, None),
    };
    if before == Some(now.as_str()) {
        return Ok(());
    }
    // The very first look only remembers the state.
    if let Some(before) = before {
        let entry = entry(path);
        let parts = [number.to_string(), before.to_owned(), now.clone()];
        let id = identity(&[
            b"policy",
            parts[0].as_bytes(),
            parts[1].as_bytes(),
            parts[2].as_bytes(),
        ]);
        log::tell(&entry);
        taken.put(&entry, id)?;
    }
    let text = format!("{} {now}\n", number.saturating_add(1));
    write_whole(queue.directory(), SEEN, text.as_bytes())
        .map_err(|error| failed("write what the policy is", error))
}

fn entry(path: &Path) -> Entry {
    let (severity, reason) = match policy::load(path) {
        Ok(_) => (Severity::Notice, None),
        Err(error) => (Severity::Warning, Some(error.to_string())),
    };
    let mut entry = Entry::new(Event::PolicyChanged, severity)
        .with(Value::Source(Text::escaped(&path.display().to_string())));
    if let Some(reason) = reason {
        entry.add(Value::Reason(Text::escaped(&format!(
            "logins that ask for a code are refused: {reason}"
        ))));
    }
    entry
}

/// Identifies the content of the file: its hash, or `absent` or `unreadable`.
fn fingerprint(path: &Path) -> String {
    let read = || {
        let file = File::options()
            .read(true)
            .custom_flags(nix::libc::O_NONBLOCK)
            .open(path)?;
        let mut bytes = Vec::new();
        file.take(LONGEST).read_to_end(&mut bytes).map(|_| bytes)
    };
    match read() {
        Ok(bytes) => Sha256::digest(&bytes)
            .iter()
            .fold(String::new(), |mut text, byte| {
                write!(text, "{byte:02x}").ok();
                text
            }),
        Err(error) if error.kind() == ErrorKind::NotFound => "absent".to_owned(),
        Err(_) => "unreadable".to_owned(),
    }
}
