//! `otp-admin list`: lists all users who have a record, and the problems of records that cannot be read.
//!
//! The list is written while it is read, for any number of users. After a failure in the middle, the output still
//! ends properly, and the exit status says that it is incomplete.

use super::cells::{Format, LastRefusal, json, no_formula, refusal, row, seconds, standing_word};
use super::in_order::in_order;
use super::progress::Progress;
use super::roster::{Known, Which};
use super::sight::{Found, Sight};
use crate::engine::Engine;
use crate::failure::Failure;
use crate::layout::Columns;
use crate::output::Stream;
use crate::site::Site;
use crate::status::Status;
use otp_core::messages::admin::Report;
use otp_core::record::Language;
use otp_core::{UnixTime, Zone};
use otp_site::zone;
use serde::Serialize;

/// One line of the list.
struct Entry {
    user: String,
    /// `None`: the record cannot be read.
    status: Option<Status>,
    problem: Option<String>,
}

impl Entry {
    /// Makes the entry of a user; `None`: the user is not enrolled.
    fn of(found: Found) -> Option<Self> {
        let Found {
            user,
            glance,
            problem,
            ..
        } = found;
        let status = match glance {
            Some(glance) => Some(Status::of(&user, Some(glance.overview?))),
            None => None,
        };
        Some(Self {
            user,
            status,
            problem,
        })
    }
}

/// Lists all enrolled users.
pub fn list(site: &Site<impl Engine>, format: Format) -> Result<(), Failure> {
    let store = site.keeper()?;
    let roster = Known::read(&store)?.roster(&Which::Recorded);
    let sight = Sight::of(site, &store, &roster);
    let mut progress = Progress::of(roster.len(), site.language);
    let mut listing = Listing::of(format, site.language, zone::of_this_machine());
    let mut output = Stream::begin()?;
    output.write(listing.begin())?;
    let done = in_order(
        roster.len(),
        |at| Ok(sight.look(&roster.at(at))?.and_then(Entry::of)),
        |entry| {
            progress.step();
            entry.map_or(Ok(()), |entry| output.write(&listing.entry(&entry)))
        },
    );
    drop(progress);
    output.write(&listing.end())?;
    output.end()?;
    done
}

/// The list while it is written.
struct Listing {
    format: Format,
    language: Language,
    zone: Zone,
    is_empty: bool,
    has_rows: bool,
    columns: Columns,
}

/// An account, as JSON.
#[derive(Serialize)]
struct Account<'a> {
    #[serde(flatten)]
    status: &'a Status,
    last_refusal: Option<LastRefusal>,
    problem: Option<&'a str>,
}

/// An account whose record cannot be read, as JSON.
#[derive(Serialize)]
struct Damaged<'a> {
    user: &'a str,
    enrolled: Option<bool>,
    problem: Option<&'a str>,
}

impl Listing {
    fn of(format: Format, language: Language, zone: Zone) -> Self {
        Self {
            format,
            language,
            zone,
            is_empty: true,
            has_rows: false,
            columns: Columns::default(),
        }
    }

    fn say(&self, report: &Report<'_>) -> String {
        report.text(self.language)
    }

    const fn begin(&self) -> &'static str {
        match self.format {
            Format::Text => "",
            Format::Json => "[",
            Format::Csv => {
                "user,authenticators,created,last_used,recovery_codes_left,failures,locked,locked_until,disabled,problem,\
                 last_refusal,last_refusal_time\n"
            }
        }
    }

    fn entry(&mut self, entry: &Entry) -> String {
        let is_first = std::mem::replace(&mut self.is_empty, false);
        match self.format {
            Format::Text => self.lines(entry),
            Format::Json => {
                let object = object(entry);
                if is_first {
                    object
                } else {
                    format!(",{object}")
                }
            }
            Format::Csv => cells(entry),
        }
    }

    fn end(&mut self) -> String {
        match self.format {
            Format::Text if self.is_empty => self.say(&Report::Nobody) + "\n",
            Format::Text => self.columns.lay_out(),
            Format::Json => "]\n".to_owned(),
            Format::Csv => String::new(),
        }
    }

    fn lines(&mut self, entry: &Entry) -> String {
        let mut text = String::new();
        if let Some(one) = &entry.status {
            if !self.has_rows {
                self.has_rows = true;
                let heads = [
                    Report::User,
                    Report::Authenticator,
                    Report::Enrolled,
                    Report::LastUsed,
                    Report::RecoveryCodes,
                    Report::Failures,
                    Report::Standing,
                    Report::LastRefusal,
                ];
                let heads = heads.iter().map(|head| self.say(head)).collect();
                text += &self.columns.row(heads);
            }
            for device in &one.authenticators {
                let when = |time: Option<u64>| {
                    let never = || self.say(&Report::Never);
                    let minute = |seconds| self.zone.at(UnixTime::from_seconds(seconds)).cell();
                    time.map_or_else(never, minute)
                };
                let cells = vec![
                    one.user.clone(),
                    device.name.clone(),
                    when(Some(device.created)),
                    when(device.last_used),
                    one.recovery_codes_left.to_string(),
                    one.failures.to_string(),
                    standing_word(one, self.language, &self.zone),
                    refusal(one.last_refusal, &self.zone),
                ];
                text += &self.columns.row(cells);
            }
        }
        if let Some(problem) = &entry.problem {
            let line = format!(
                "{}: {}: {problem}\n",
                entry.user,
                self.say(&Report::Problem)
            );
            text += &self.columns.line(line);
        }
        text
    }
}

fn object(entry: &Entry) -> String {
    let problem = entry.problem.as_deref();
    match &entry.status {
        Some(status) => json(&Account {
            status,
            last_refusal: status.last_refusal.map(LastRefusal::of),
            problem,
        }),
        None => json(&Damaged {
            user: &entry.user,
            enrolled: None,
            problem,
        }),
    }
}

fn cells(entry: &Entry) -> String {
    let mut cells = vec![String::new(); 12];
    cells[0] = no_formula(entry.user.clone());
    cells[9] = entry.problem.clone().unwrap_or_default();
    if let Some(one) = &entry.status {
        let devices = &one.authenticators;
        let names: Vec<_> = devices.iter().map(|device| device.name.as_str()).collect();
        cells[1] = no_formula(names.join("; "));
        cells[2] = seconds(devices.iter().map(|device| device.created).min());
        cells[3] = seconds(devices.iter().filter_map(|device| device.last_used).max());
        cells[4] = one.recovery_codes_left.to_string();
        cells[5] = one.failures.to_string();
        cells[6] = one.locked.to_string();
        cells[7] = seconds(one.locked_until);
        cells[8] = one.disabled.to_string();
        if let Some((when, why)) = one.last_refusal {
            why.word().clone_into(&mut cells[10]);
            cells[11] = seconds(Some(when.seconds()));
        }
    }
    row(&cells)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_cannot_be_read_is_listed_with_its_problem() {
        let entry = Entry {
            user: "alice".to_owned(),
            status: None,
            problem: Some("is empty, so".to_owned()),
        };
        assert_eq!(
            object(&entry),
            "{\"user\":\"alice\",\"enrolled\":null,\"problem\":\"is empty, so\"}"
        );
        assert_eq!(cells(&entry), "alice,,,,,,,,,\"is empty, so\",,\n");
    }
}
