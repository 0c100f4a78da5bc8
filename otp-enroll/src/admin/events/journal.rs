//! systemd's journal, read by `journalctl`. It knows which process has written an entry.

use super::{Record, Writer, lines};
use crate::failure::{Failure, ended, system};
use otp_core::UnixTime;
use otp_core::event::{Event, Read};
use otp_core::messages::reason::Wording;
use otp_core::messages::trouble::Trouble;
use serde_json::{Map, Value};
use std::io::BufReader;
use std::path::Path;
use std::process::{Child, Command, Stdio};

const PROGRAM: &str = "/usr/bin/journalctl";
/// The directories in which journald stores it.
const PLACES: [&str; 2] = ["/var/log/journal", "/run/log/journal"];

/// The facility of every entry, also if it came by syslog or from an earlier version.
const AUTHPRIV: &str = "SYSLOG_FACILITY=10";

/// Whether this machine has a journal.
pub fn is_kept() -> bool {
    Path::new(PROGRAM).exists() && PLACES.iter().any(|place| Path::new(place).is_dir())
}

/// The writers of entries besides root.
#[derive(Clone, Copy, Default)]
pub struct Writers {
    /// The group that only the helper has.
    pub helpers: Option<u32>,
    /// The user that the verifiers of a fleet run as, and the programs of its administrators too.
    pub verifiers: Option<u32>,
    /// The user that the network-facing part of the portal runs as.
    pub portals: Option<u32>,
}

/// The programs that a verifier's account runs.
const OF_VERIFIERS: [&str; 2] = ["otp-verifier", "otp-admin"];

/// The only events of the portal that count. It faces the network: an intruder in it must not be able to write about
/// logins.
const OF_PORTALS: [Event; 2] = [Event::Denied, Event::Policy];

/// Passes each entry to `each`, the oldest first; returns how many lines by other writers were left out.
pub fn read(
    writers: Writers,
    since: Option<UnixTime>,
    mut each: impl FnMut(Record) -> Result<(), Failure>,
) -> Result<u64, Failure> {
    let mut left_out = 0;
    let arguments = vec![AUTHPRIV.to_owned()];
    ask(PROGRAM, since, arguments, |line| {
        match entry(line, writers) {
            Some(Ok(record)) => each(record)?,
            Some(Err(NotOurs)) => left_out += 1,
            None => {}
        }
        Ok(false)
    })?;
    Ok(left_out)
}

/// Passes each entry to `each`, the newest first, until `each` says that there are enough.
///
/// The journal finds the entries by their fields, even one user's among all others. Lines that strangers write into
/// it, under other names or from other accounts, are not read.
pub fn read_backwards(
    writers: Writers,
    since: Option<UnixTime>,
    user: Option<&str>,
    mut each: impl FnMut(Record) -> Result<bool, Failure>,
) -> Result<(), Failure> {
    let mut arguments = vec!["--reverse".to_owned()];
    arguments.extend(matches(writers, user));
    ask(PROGRAM, since, arguments, |line| {
        match entry(line, writers) {
            Some(Ok(record)) => each(record),
            Some(Err(NotOurs)) | None => Ok(false),
        }
    })
}

/// Returns the search terms of `journalctl`: each key that names a user, with each user or group that may write.
pub fn matches(writers: Writers, user: Option<&str>) -> Vec<String> {
    let may = [
        Some("_UID=0".to_owned()),
        writers.helpers.map(|gid| format!("_GID={gid}")),
        writers.verifiers.map(|uid| format!("_UID={uid}")),
        writers.portals.map(|uid| format!("_UID={uid}")),
    ];
    let about: Vec<_> = match user {
        Some(user) => ["OTP_USER", "OTP_ACCOUNT", "OTP_SOURCE"]
            .map(|key| Some(format!("{key}={user}")))
            .to_vec(),
        None => vec![None],
    };
    let mut all = Vec::new();
    for writer in may.iter().flatten() {
        for about in &about {
            if !all.is_empty() {
                all.push("+".to_owned());
            }
            all.extend([AUTHPRIV.to_owned(), writer.clone()]);
            all.extend(about.clone());
        }
    }
    all
}

/// Runs `journalctl`, whose path is `program`, and passes each of its entries to `each`, until `each` says that there
/// are enough.
fn ask(
    program: &str,
    since: Option<UnixTime>,
    arguments: Vec<String>,
    mut each: impl FnMut(&str) -> Result<bool, Failure>,
) -> Result<(), Failure> {
    let trouble = |reason: Wording| Trouble::LogNotRead {
        path: program.to_owned(),
        reason,
    };
    let mut command = Command::new(program);
    command.args(["--quiet", "--no-pager", "--all", "--output=json"]);
    if let Some(since) = since {
        command.arg(format!("--since=@{}", since.seconds()));
    }
    let running = command
        .args(arguments)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut running = Ended(running.map_err(|error| trouble(system(&error)))?);
    let mut is_enough = false;
    if let Some(output) = running.0.stdout.take() {
        let read = lines(BufReader::new(output), |line| {
            is_enough = each(line)?;
            Ok(is_enough)
        })?;
        read.map_err(|error| trouble(system(&error)))?;
    }
    if is_enough {
        return Ok(());
    }
    let status = running.0.wait().map_err(|error| trouble(system(&error)))?;
    // Status 1 also means that there is no such entry.
    match status.code() {
        Some(0 | 1) => Ok(()),
        _ => Err(trouble(ended(status)).into()),
    }
}

/// A line that looks like ours but was not written by a program that may.
#[derive(Debug, PartialEq, Eq)]
pub struct NotOurs;

/// Reads one entry as `journalctl` writes it; `None`: it is not one of our log entries.
pub fn entry(line: &str, writers: Writers) -> Option<Result<Record, NotOurs>> {
    let fields: Map<String, Value> = serde_json::from_str(line).ok()?;
    let text = |name: &str| fields.get(name)?.as_str();
    let number = |name: &str| text(name)?.parse::<u64>().ok();
    let program = text("SYSLOG_IDENTIFIER").unwrap_or_default();
    let read = Read::from_line(program, text("MESSAGE")?)?;
    let (uid, gid) = (number("_UID"), number("_GID"));
    // Text that a unit prints is not an entry that its processes log.
    let is_recorded = matches!(text("_TRANSPORT"), Some("journal" | "syslog"));
    let helpers = writers.helpers.map(u64::from);
    let is_helper = program == "otp-helper" && helpers.is_some() && gid == helpers;
    let verifiers = writers.verifiers.map(u64::from);
    let is_verifier = OF_VERIFIERS.contains(&program) && verifiers.is_some() && uid == verifiers;
    let portals = writers.portals.map(u64::from);
    let is_portal = program == "otp-portal" && portals.is_some() && uid == portals;
    let is_portal = is_portal && OF_PORTALS.contains(&read.event);
    let writer = match uid {
        Some(0) if is_recorded => Writer::Root,
        Some(_) if is_recorded && is_helper => Writer::Helper,
        Some(_) if is_recorded && is_verifier => Writer::Verifier,
        Some(_) if is_recorded && is_portal => Writer::Portal,
        _ => return Some(Err(NotOurs)),
    };
    Some(Ok(Record {
        when: UnixTime::from_seconds(number("__REALTIME_TIMESTAMP")? / 1_000_000),
        program: program.to_owned(),
        pid: number("_PID").and_then(|pid| u32::try_from(pid).ok()),
        machine: text("_HOSTNAME").unwrap_or_default().to_owned(),
        writer,
        read,
    }))
}

/// A program that ends when this is dropped.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // The program may have ended already.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::tests::assert_has_no_english_reason;
    use otp_core::record::Language;

    #[test]
    fn a_journal_that_is_not_read_is_told_in_every_language() {
        for (program, english) in [
            ("/nonexistent/x", "No such file or directory (os error 2)"),
            // It knows no such option.
            ("/bin/sh", "exit status: 2"),
        ] {
            let asked = ask(program, None, Vec::new(), |_| Ok(false));
            let Err(Failure::Trouble(trouble)) = asked else {
                panic!("it is read");
            };
            let text = trouble.text(Language::English);
            assert!(text.ends_with(&format!(": {english}")), "{text}");
            assert_has_no_english_reason(&trouble.text(Language::Korean));
        }
    }
}
