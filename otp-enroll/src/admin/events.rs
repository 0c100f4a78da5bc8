//! `otp-admin events`: reads log entries, in order, from the journal or the files of syslog.

mod begun;
mod files;
mod journal;
pub(crate) mod moment;
mod newest;

use crate::admin::sent;
use crate::cli::Since;
use crate::engine::Engine;
use crate::failure::Failure;
use crate::output;
use crate::site::Site;
use begun::Begun;
use newest::Newest;
use otp_core::event::{Read, Text};
use otp_core::messages::events::{about_verb, left_out, of_a_file};
use otp_core::messages::fleet::Unable;
use otp_core::messages::trouble::Trouble;
use otp_core::record::Language;
use otp_core::{UnixTime, Zone};
use otp_site::{clock, users, zone};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, BufRead, Read as _, Write as _};
use std::path::Path;

/// The longest line that is read, in bytes. A longer line is not ours.
const LONGEST_LINE: u64 = 64 * 1024;

/// The account that the verifiers of a fleet run as.
const VERIFIERS: &str = "_pam-otp-verifier";

/// The account that the network-facing part of the portal runs as.
const PORTALS: &str = "_pam-otp-portal";

/// The writer of a log entry, as far as it can be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    /// A process that acted as root.
    Root,
    /// The helper: a process with its group.
    Helper,
    /// A verifier of a fleet: a process of its account.
    Verifier,
    /// The part of the portal that faces the network: a process of its account.
    Portal,
    /// The entry is in a file, which does not show its writer.
    Unknown,
}

impl Writer {
    const fn word(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Helper => "helper",
            Self::Verifier => "verifier",
            Self::Portal => "portal",
            Self::Unknown => "unknown",
        }
    }
}

/// One log entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub when: UnixTime,
    /// The program's name in syslog.
    pub program: String,
    pub pid: Option<u32>,
    pub machine: String,
    pub writer: Writer,
    pub read: Read,
}

impl Record {
    /// Whether the entry is about a login on that machine: by the machine's name in the fleet if a verifier wrote the
    /// entry, and else by the name of the host.
    fn is_on(&self, machine: &str) -> bool {
        self.read.value("machine").unwrap_or(&self.machine) == machine
    }
}

/// The arguments of the command.
pub struct Asked<'a> {
    pub user: Option<&'a str>,
    pub machine: Option<&'a str>,
    pub since: Option<Since>,
    pub newest: Option<u16>,
    pub json: bool,
    pub file: Option<&'a Path>,
}

/// The form for programs; its keys never change.
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

/// Prints the entries about one user, or about all users, the oldest first.
pub fn events(site: &Site<impl Engine>, asked: &Asked<'_>) -> Result<(), Failure> {
    if asked.file.is_some() && sent::is_in_force() {
        // The file would be read here, and not on the administrator's machine.
        return Err(Unable::OfOneMachine.into());
    }
    let now = clock::now()?;
    let since = asked.since.map(|since| since.before(now));
    let mut telling = Telling {
        language: site.language,
        zone: zone::of_this_machine(),
        asked,
        since,
        begun: Begun::default(),
    };
    let mut newest = asked.newest.map(Newest::new);
    if asked.file.is_none() && journal::is_kept() {
        let writers = journal::Writers {
            helpers: site.records_group(),
            verifiers: users::account(VERIFIERS)?.map(|account| account.uid),
            portals: users::account(PORTALS)?.map(|account| account.uid),
        };
        if let Some(newest) = &mut newest {
            journal::read_backwards(writers, since, asked.user, |record| {
                let is_asked = telling.is_asked_for(&record);
                Ok(is_asked && newest.before(record))
            })?;
            return telling.tell_newest(newest);
        }
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
    if let Some(newest) = &mut newest {
        // The last file comes first: the entries in the files before it are older.
        for path in paths.iter().rev() {
            let mut found = newest.of_a_file();
            files::read(path, now, |record| {
                if telling.is_asked_for(&record) {
                    found.after(record);
                }
                Ok(())
            })?;
            if newest.are_after(found) {
                break;
            }
        }
        telling.tell_newest(newest)?;
    } else {
        for path in paths {
            files::read(&path, now, |record| telling.take(record))?;
        }
        telling.end()?;
    }
    note(of_a_file(site.language));
    Ok(())
}

/// Says on standard error how far the entries can be trusted.
fn note(text: &str) {
    writeln!(io::stderr(), "otp-admin: {text}").ok();
}

struct Telling<'a> {
    language: Language,
    zone: Zone,
    asked: &'a Asked<'a>,
    since: Option<UnixTime>,
    begun: Begun,
}

impl Telling<'_> {
    fn is_asked_for(&self, record: &Record) -> bool {
        let is_recent = self.since.is_none_or(|since| record.when >= since);
        let is_theirs = self
            .asked
            .user
            .is_none_or(|user| record.read.is_about(user));
        let is_there = self
            .asked
            .machine
            .is_none_or(|machine| record.is_on(machine));
        is_recent && is_theirs && is_there
    }

    fn take(&mut self, record: Record) -> Result<(), Failure> {
        if !self.is_asked_for(&record) {
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

    fn tell_newest(&self, newest: &mut Newest) -> Result<(), Failure> {
        newest
            .take()
            .iter()
            .try_for_each(|record| self.tell(record))
    }

    fn tell(&self, record: &Record) -> Result<(), Failure> {
        output::print(&if self.asked.json {
            json(record)
        } else {
            text(record, &self.zone, self.language)
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

/// Writes one line: time, user, event and every value; escaped as in the log, since an attacker may have chosen some.
fn text(record: &Record, zone: &Zone, language: Language) -> String {
    let escaped = |text: &str| Text::escaped(text).as_str().to_owned();
    let read = &record.read;
    let user = escaped(read.value("user").unwrap_or("-"));
    let mut line = format!(
        "{}  {user}  {}: {}",
        zone.at(record.when).second_in_column(language),
        read.event.name(),
        about_verb(read.event, read.value("verb"), language)
    );
    for (key, value) in read.values.iter().filter(|(key, _)| key != "user") {
        write!(line, "  {key}=\"{}\"", escaped(value)).ok();
    }
    let (program, writer) = (escaped(&record.program), record.writer.word());
    let pid = record.pid.map(|pid| format!("[{pid}]")).unwrap_or_default();
    line + &format!("  {program}{pid}  ({writer})\n")
}

/// Passes each line to `each`, until `each` says that there are enough. Lines that are too long or not text are left
/// out.
fn lines(
    mut source: impl BufRead,
    mut each: impl FnMut(&str) -> Result<bool, Failure>,
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
        if let Ok(text) = std::str::from_utf8(&line)
            && each(text.trim_end_matches('\n'))?
        {
            return Ok(Ok(()));
        }
    }
}

#[cfg(test)]
mod tests;
