//! systemd's journal, by `journalctl`. It knows which process has written a record.

use super::{Record, Writer, lines};
use crate::failure::Failure;
use otp_core::UnixTime;
use otp_core::event::Read;
use otp_core::messages::trouble::Trouble;
use serde_json::{Map, Value};
use std::io::BufReader;
use std::path::Path;
use std::process::{Child, Command, Stdio};

const PROGRAM: &str = "/usr/bin/journalctl";
/// Where journald keeps it.
const PLACES: [&str; 2] = ["/var/log/journal", "/run/log/journal"];

/// Whether there is one.
pub fn is_kept() -> bool {
    Path::new(PROGRAM).exists() && PLACES.iter().any(|place| Path::new(place).is_dir())
}

/// Who writes records beside root.
#[derive(Clone, Copy, Default)]
pub struct Writers {
    /// The group that the helper has, and nobody else.
    pub helpers: Option<u32>,
    /// The user that the verifiers of a fleet run as, and the programs of its administrators.
    pub verifiers: Option<u32>,
}

/// The programs that a verifier's account runs.
const OF_VERIFIERS: [&str; 2] = ["otp-verifier", "otp-admin"];

/// Gives each record to `each`; how many lines were left out that others have written.
pub fn read(
    writers: Writers,
    since: Option<UnixTime>,
    mut each: impl FnMut(Record) -> Result<(), Failure>,
) -> Result<u64, Failure> {
    let trouble = |reason: String| Trouble::LogNotRead {
        path: PROGRAM.to_owned(),
        reason,
    };
    let mut command = Command::new(PROGRAM);
    command.args(["--quiet", "--no-pager", "--all", "--output=json"]);
    if let Some(since) = since {
        command.arg(format!("--since=@{}", since.seconds()));
    }
    // The facility authpriv: what came by syslog as well, as that of earlier versions did.
    let program = command
        .arg("SYSLOG_FACILITY=10")
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut program = Ended(program.map_err(|error| trouble(error.to_string()))?);
    let mut left_out = 0;
    if let Some(output) = program.0.stdout.take() {
        let read = lines(BufReader::new(output), |line| match entry(line, writers) {
            Some(Ok(record)) => each(record),
            Some(Err(NotOurs)) => {
                left_out += 1;
                Ok(())
            }
            None => Ok(()),
        })?;
        read.map_err(|error| trouble(error.to_string()))?;
    }
    let status = program
        .0
        .wait()
        .map_err(|error| trouble(error.to_string()))?;
    // It says so as well where there is no such entry.
    match status.code() {
        Some(0 | 1) => Ok(left_out),
        _ => Err(trouble(status.to_string()).into()),
    }
}

/// A line that looks like ours, which neither root nor the helper nor a verifier has written.
#[derive(Debug, PartialEq, Eq)]
pub struct NotOurs;

/// Reads one entry as `journalctl` writes it; `None`: it is no record.
pub fn entry(line: &str, writers: Writers) -> Option<Result<Record, NotOurs>> {
    let fields: Map<String, Value> = serde_json::from_str(line).ok()?;
    let text = |name: &str| fields.get(name)?.as_str();
    let number = |name: &str| text(name)?.parse::<u64>().ok();
    let program = text("SYSLOG_IDENTIFIER").unwrap_or_default();
    let read = Read::from_line(program, text("MESSAGE")?)?;
    let (uid, gid) = (number("_UID"), number("_GID"));
    // What a unit prints is not what one of its processes records.
    let is_recorded = matches!(text("_TRANSPORT"), Some("journal" | "syslog"));
    let helpers = writers.helpers.map(u64::from);
    let is_helper = program == "otp-helper" && helpers.is_some() && gid == helpers;
    let verifiers = writers.verifiers.map(u64::from);
    let is_verifier = OF_VERIFIERS.contains(&program) && verifiers.is_some() && uid == verifiers;
    let writer = match uid {
        Some(0) if is_recorded => Writer::Root,
        Some(_) if is_recorded && is_helper => Writer::Helper,
        Some(_) if is_recorded && is_verifier => Writer::Verifier,
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

/// A program that ends with this.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}
