//! The report while it is written: rows, and a summary after them.

use super::row::{COLUMNS, Row};
use super::summary::{Count, Summary};
use crate::admin::cells::{Format, json};
use crate::layout::{Columns, table};
use otp_core::messages::admin::Report;
use otp_core::messages::report::Roll;
use otp_core::record::Language;
use otp_core::{UnixTime, Zone};
use otp_site::people::Memberships;
use otp_site::zone;

/// Whether a report is complete.
#[derive(Clone, Copy)]
pub struct Whole {
    /// No failure ended the rows early.
    pub is_read: bool,
    /// The name service lists all users, or users were named.
    pub are_all: bool,
}

/// A report that is being written.
pub struct Sheet<'a> {
    format: Format,
    language: Language,
    zone: Zone,
    groups: Vec<&'a str>,
    is_empty: bool,
    has_rows: bool,
    columns: Columns,
}

impl<'a> Sheet<'a> {
    /// Starts a report in this format.
    pub fn of(format: Format, language: Language, memberships: &'a Memberships) -> Self {
        Self {
            format,
            language,
            zone: zone::of_this_machine(),
            groups: memberships.names().collect(),
            is_empty: true,
            has_rows: false,
            columns: Columns::default(),
        }
    }

    fn say(&self, line: &Roll<'_>) -> String {
        line.text(self.language)
    }

    /// Returns the text before the rows.
    pub fn begin(&self, now: UnixTime) -> String {
        match self.format {
            Format::Text => String::new(),
            Format::Json => format!("{{\"time\":{},\"users\":[", now.seconds()),
            Format::Csv => COLUMNS.to_owned(),
        }
    }

    /// Takes a row; returns the text that can be written now.
    pub fn row(&mut self, row: &Row) -> String {
        let is_first = std::mem::replace(&mut self.is_empty, false);
        match self.format {
            Format::Text => self.lines(row),
            Format::Json => {
                let comma = if is_first { "" } else { "," };
                comma.to_owned() + &row.json(&self.groups)
            }
            Format::Csv => row.csv(&self.groups),
        }
    }

    fn lines(&mut self, row: &Row) -> String {
        let mut text = String::new();
        if let Some(cells) = row.cells(&self.zone, self.language) {
            if !self.has_rows {
                self.has_rows = true;
                let report = |report: Report<'_>| report.text(self.language);
                let heads = vec![
                    report(Report::User),
                    self.say(&Roll::Must),
                    self.say(&Roll::Rule),
                    self.say(&Roll::Authenticators),
                    report(Report::Enrolled),
                    report(Report::LastUsed),
                    report(Report::RecoveryCodes),
                    self.say(&Roll::Login),
                    report(Report::LastRefusal),
                ];
                text += &self.columns.row(heads);
            }
            text += &self.columns.row(cells);
        }
        if let Some(problem) = &row.problem {
            let label = Report::Problem.text(self.language);
            let line = format!("{}: {label}: {problem}\n", row.user);
            text += &self.columns.line(line);
        }
        text
    }

    /// Returns the text after the rows.
    pub fn end(&mut self, summary: &Summary, notes: &[String], whole: Whole) -> String {
        match self.format {
            Format::Text => {
                let rows = if self.is_empty {
                    self.say(&Roll::NobodyMeant) + "\n"
                } else {
                    self.columns.lay_out()
                };
                // An incomplete sum would mislead.
                if whole.is_read {
                    rows + "\n" + &self.summary(summary, notes)
                } else {
                    rows
                }
            }
            Format::Json => {
                let complete = whole.is_read && whole.are_all;
                let notes = json(&notes);
                let summary = if whole.is_read {
                    json(summary)
                } else {
                    "null".to_owned()
                };
                format!("],\"summary\":{summary},\"notes\":{notes},\"complete\":{complete}}}\n")
            }
            Format::Csv => String::new(),
        }
    }

    fn summary(&self, summary: &Summary, notes: &[String]) -> String {
        let &Summary {
            users,
            enrolled,
            missing,
            missing_without_shell,
            missing_later,
            locked,
            disabled,
            problems,
            ..
        } = summary;
        let lines = [
            Roll::Totals { users, enrolled },
            Roll::MissingNow {
                count: missing,
                without_shell: missing_without_shell,
            },
            Roll::MissingLater {
                count: missing_later,
            },
            Roll::LockedAre { locked, disabled },
            Roll::ProblemsAre { count: problems },
        ];
        let mut text: String = lines.iter().map(|line| self.say(line) + "\n").collect();
        let by_rule = summary.by_rule.iter().map(|((rule, group), count)| {
            let name = group.as_ref().map(|group| format!("{rule} {group}"));
            (name.unwrap_or_else(|| (*rule).to_owned()), *count)
        });
        text += &self.counts(&Roll::Rule, by_rule);
        text += &self.counts(&Roll::Group, summary.by_group.iter().cloned());
        let notes: Vec<_> = notes.iter().flat_map(|note| ["\n", note, "\n"]).collect();
        text + &notes.concat()
    }

    /// Makes a table of counts; empty if there are none.
    fn counts(&self, head: &Roll<'_>, counts: impl Iterator<Item = (String, Count)>) -> String {
        let heads = [
            head,
            &Roll::Users,
            &Roll::With,
            &Roll::Without,
            &Roll::Missing,
        ];
        let mut rows = vec![heads.map(|head| self.say(head)).to_vec()];
        rows.extend(counts.map(|(name, count)| {
            let numbers = [count.users, count.enrolled, count.without(), count.missing];
            let numbers = numbers.iter().map(u64::to_string);
            std::iter::once(name).chain(numbers).collect()
        }));
        if rows.len() == 1 {
            return String::new();
        }
        "\n".to_owned() + &table(&rows)
    }
}
