//! `otp-admin events`: reads back what was recorded, as it comes, from the journal or the files of syslog.

mod begun;
mod files;
mod journal;
pub(crate) mod moment;

use crate::admin::sent;
use crate::cli::Since;
use crate::engine::Engine;
use crate::failure::Failure;
use crate::output;
use crate::site::Site;
use begun::Begun;
use otp_core::UnixTime;
use otp_core::event::{Read, Text};
use otp_core::messages::events::{about, left_out, of_a_file};
use otp_core::messages::fleet::Unable;
use otp_core::messages::trouble::Trouble;
use otp_core::record::Language;
use otp_site::{clock, users};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, BufRead, Read as _, Write as _};
use std::path::Path;

/// The longest line that is read, in bytes. A longer one is none of ours.
const LONGEST_LINE: u64 = 64 * 1024;

/// The account that the verifiers of a fleet run as.
const VERIFIERS: &str = "_pam-otp-verifier";

/// The writer of a record, as far as that can be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    /// A process that acted as root.
    Root,
    /// The helper: a process with its group.
    Helper,
    /// A verifier of a fleet: a process of its account.
    Verifier,
    /// It stands in a file, and nobody can tell.
    Unknown,
}

impl Writer {
    const fn word(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Helper => "helper",
            Self::Verifier => "verifier",
            Self::Unknown => "unknown",
        }
    }
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub when: UnixTime,
    /// As syslog has it.
    pub program: String,
    pub pid: Option<u32>,
    pub machine: String,
    pub writer: Writer,
    pub read: Read,
}

impl Record {
    /// Whether it is about a login on that machine: by its name in the fleet, where a verifier has written it, and else by
    /// that of the host.
    fn is_on(&self, machine: &str) -> bool {
        self.read.value("machine").unwrap_or(&self.machine) == machine
    }
}

/// What is asked for.
pub struct Asked<'a> {
    pub user: Option<&'a str>,
    pub machine: Option<&'a str>,
    pub since: Option<Since>,
    pub json: bool,
    pub file: Option<&'a Path>,
}

/// The form that programs read; its keys are a promise.
#[derive(Serialize)]
struct Json<'a> {
    time: u64,
    event: &'static str,
    id: &'static str,
    written_by: &'static str,
    program: &'a str,
    pid: Option<u32>,
    machine: &'a str,
    values: BTreeMap<&'a str, &'a str>,
}

/// Tells the records of a user, or of everybody, the oldest first.
pub fn events(site: &Site<impl Engine>, asked: &Asked<'_>) -> Result<(), Failure> {
    if asked.file.is_some() && sent::is_in_force() {
        // It would be read here, and not where the administrator is.
        return Err(Unable::OfOneMachine.into());
    }
    let now = clock::now()?;
    let since = asked.since.map(|since| since.before(now));
    let mut telling = Telling {
        language: site.language,
        asked,
        since,
        begun: Begun::default(),
    };
    if asked.file.is_none() && journal::is_kept() {
        let writers = journal::Writers {
            helpers: site.records_group(),
            verifiers: users::account(VERIFIERS)?.map(|account| account.uid),
        };
        let others = journal::read(writers, since, |record| telling.take(record))?;
        telling.end()?;
        if others > 0 {
            note(&left_out(others, site.language));
        }
        return Ok(());
    }
    let paths = match asked.file {
        Some(path) => vec![path.to_owned()],
        None => files::usual(),
    };
    if paths.is_empty() {
        return Err(Trouble::NoLog.into());
    }
    for path in paths {
        files::read(&path, now, |record| telling.take(record))?;
    }
    telling.end()?;
    note(of_a_file(site.language));
    Ok(())
}

/// Says on standard error what the records are worth.
fn note(text: &str) {
    writeln!(io::stderr(), "otp-admin: {text}").ok();
}

struct Telling<'a> {
    language: Language,
    asked: &'a Asked<'a>,
    since: Option<UnixTime>,
    begun: Begun,
}

impl Telling<'_> {
    fn take(&mut self, record: Record) -> Result<(), Failure> {
        let is_recent = self.since.is_none_or(|since| record.when >= since);
        let is_theirs = self
            .asked
            .user
            .is_none_or(|user| record.read.is_about(user));
        let is_there = self
            .asked
            .machine
            .is_none_or(|machine| record.is_on(machine));
        if !is_recent || !is_theirs || !is_there {
            return Ok(());
        }
        for record in self.begun.then(record) {
            self.tell(&record)?;
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), Failure> {
        for record in self.begun.end() {
            self.tell(&record)?;
        }
        Ok(())
    }

    fn tell(&self, record: &Record) -> Result<(), Failure> {
        output::print(&if self.asked.json {
            json(record)
        } else {
            text(record, self.language)
        })
    }
}

fn json(record: &Record) -> String {
    let values = record.read.values.iter();
    let json = Json {
        time: record.when.seconds(),
        event: record.read.event.name(),
        id: record.read.event.id(),
        written_by: record.writer.word(),
        program: &record.program,
        pid: record.pid,
        machine: &record.machine,
        values: values
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect(),
    };
    serde_json::to_string(&json).expect("texts and numbers are always JSON") + "\n"
}

/// One line: when, who, what, and every value; escaped as in the log, since some are an attacker's choice.
fn text(record: &Record, language: Language) -> String {
    let escaped = |text: &str| Text::escaped(text).as_str().to_owned();
    let read = &record.read;
    let user = escaped(read.value("user").unwrap_or("-"));
    let mut line = format!(
        "{} UTC  {user}  {}: {}",
        record.when.date_time_utc(),
        read.event.name(),
        about(read.event, language)
    );
    for (key, value) in read.values.iter().filter(|(key, _)| key != "user") {
        write!(line, "  {key}=\"{}\"", escaped(value)).ok();
    }
    let (program, writer) = (escaped(&record.program), record.writer.word());
    let pid = record.pid.map(|pid| format!("[{pid}]")).unwrap_or_default();
    line + &format!("  {program}{pid}  ({writer})\n")
}

/// Gives one line after the other to `each`; what is no text or too long is left out.
fn lines(
    mut source: impl BufRead,
    mut each: impl FnMut(&str) -> Result<(), Failure>,
) -> Result<io::Result<()>, Failure> {
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut source)
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut line);
        match read {
            Err(error) => return Ok(Err(error)),
            Ok(0) => return Ok(Ok(())),
            Ok(_) => {}
        }
        if line.last() != Some(&b'\n') && line.len() as u64 == LONGEST_LINE {
            if let Err(error) = source.skip_until(b'\n') {
                return Ok(Err(error));
            }
            continue;
        }
        if let Ok(text) = std::str::from_utf8(&line) {
            each(text.trim_end_matches('\n'))?;
        }
    }
}

#[cfg(test)]
mod tests;
