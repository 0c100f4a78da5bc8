//! The final report of an import, for people and for programs.

use super::plan::{Coming, Left, Plan};
use crate::failure::{Failure, in_full};
use crate::output;
use otp_core::messages::enrol::settings;
use otp_core::messages::import::{Outcome, Remark};
use otp_core::record::{Authenticator, Kind, Language};
use otp_core::{UnixTime, Zone};
use otp_site::zone;
use otp_store::account::Foretold;
use serde::Serialize;
use std::fmt::Write;

/// The fate of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing was to be stored.
    WouldCome,
    /// Nothing was stored, since a part is bad.
    Refused,
    /// The plan was stored.
    Came,
}

/// The report of one import. Its keys never change.
#[derive(Serialize)]
pub struct Report {
    #[serde(skip)]
    language: Language,
    #[serde(skip)]
    zone: Zone,
    #[serde(skip)]
    state: State,
    dry_run: bool,
    imported: bool,
    /// Empty if the form does not show them: a hundred thousand users take much memory.
    users: Vec<Row>,
    left: Vec<NotComing>,
    #[serde(skip)]
    sums: Vec<Sum>,
    #[serde(skip)]
    files: Vec<String>,
}

/// The facts about a user that are summed up.
#[derive(Clone, Copy)]
struct Sum {
    file: usize,
    there: bool,
    has_recovery_codes: bool,
    first_code: Option<UnixTime>,
}

/// A user whose keys are imported.
#[derive(Serialize)]
struct Row {
    user: String,
    file: String,
    line: usize,
    /// Whether the same keys were already here.
    there: bool,
    authenticators: Vec<Device>,
    recovery_codes: usize,
    /// The time from which a code counts, if that is later than now.
    first_code: Option<u64>,
    remarks: Vec<Said>,
}

#[derive(Serialize)]
struct Device {
    name: String,
    kind: &'static str,
    algorithm: &'static str,
    digits: u8,
    period: Option<u64>,
    #[serde(skip)]
    settings: String,
}

#[derive(Serialize)]
struct NotComing {
    user: String,
    file: String,
    line: usize,
    id: &'static str,
    text: String,
}

#[derive(Serialize)]
struct Said {
    id: &'static str,
    text: String,
}

impl Report {
    /// Makes the report of a plan, before it is carried out.
    pub fn of(
        language: Language,
        files: Vec<String>,
        plan: &Plan,
        state: State,
        json: bool,
    ) -> Self {
        // Programs are told UTC.
        let zone = if json {
            Zone::UTC
        } else {
            zone::of_this_machine()
        };
        let file = |number: usize| files.get(number).cloned().unwrap_or_default();
        let not_coming = |left: &Left| not_coming(language, file(left.place.file), left);
        let row = |coming: &Coming| Row::of(language, &zone, file(coming.place.file), coming);
        // If nothing was imported, keys that could have been are not reported.
        let coming = if state == State::Refused {
            &[]
        } else {
            &plan.coming[..]
        };
        let has_rows = json || state == State::WouldCome;
        Self {
            language,
            state,
            dry_run: state == State::WouldCome,
            imported: state == State::Came,
            users: coming.iter().filter(|_| has_rows).map(row).collect(),
            left: plan.left.iter().map(not_coming).collect(),
            sums: coming.iter().map(Sum::of).collect(),
            files,
            zone,
        }
    }

    /// Reports one account that was to be imported but was not.
    pub fn did_not_come(&mut self, number: usize, left: &Left) {
        let file = self
            .sums
            .get(number)
            .and_then(|sum| self.files.get(sum.file));
        let file = file.cloned().unwrap_or_default();
        self.left.push(not_coming(self.language, file, left));
    }

    /// Keeps in the report only the accounts that were imported.
    pub fn only(&mut self, came: &[bool]) {
        let mut of_row = came.iter();
        self.users
            .retain(|_| of_row.next().copied().unwrap_or_default());
        let mut of_sum = came.iter();
        self.sums
            .retain(|_| of_sum.next().copied().unwrap_or_default());
    }

    /// Prints the report.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn print(&self, json: bool) -> Result<(), Failure> {
        output::print(&if json { self.json() } else { self.text() })
    }

    fn json(&self) -> String {
        serde_json::to_string(self).expect("texts and numbers are always JSON") + "\n"
    }

    fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |line: std::fmt::Arguments<'_>| {
            writeln!(text, "{line}").expect("a String takes every write");
        };
        if self.state == State::WouldCome {
            for one in &self.users {
                let devices = one
                    .authenticators
                    .iter()
                    .map(|device| format!("{} ({})", device.name, device.settings));
                let remarks = one.remarks.iter().map(|said| said.text.clone());
                let said: Vec<_> = devices.chain(remarks).collect();
                line(format_args!("{}: {}", one.user, said.join("; ")));
            }
        }
        for one in &self.left {
            let user = if one.user.is_empty() { "?" } else { &one.user };
            line(format_args!(
                "{}:{}: {user}: {}",
                one.file, one.line, one.text
            ));
        }
        for outcome in self.outcomes() {
            line(format_args!("{}", outcome.text(self.language)));
        }
        text
    }

    /// Returns the sums.
    fn outcomes(&self) -> Vec<Outcome> {
        let there = self.sums.iter().filter(|one| one.there).count();
        let users = self.sums.len() - there;
        let mut outcomes = Vec::new();
        match self.state {
            State::Came => outcomes.push(Outcome::Imported { users }),
            State::WouldCome => outcomes.push(Outcome::WouldImport { users }),
            State::Refused => {}
        }
        if self.sums.is_empty() && self.left.is_empty() {
            return vec![Outcome::Nothing];
        }
        if there > 0 {
            outcomes.push(Outcome::There { users: there });
        }
        if !self.left.is_empty() {
            let entries = self.left.len();
            outcomes.push(Outcome::Left { entries });
        }
        let until = self.sums.iter().filter_map(|one| one.first_code).max();
        if let Some(until) = until {
            let until = self.zone.at(until);
            outcomes.push(Outcome::Wait { until });
        }
        let users = self
            .sums
            .iter()
            .filter(|one| one.has_recovery_codes)
            .count();
        if users > 0 {
            outcomes.push(Outcome::ScratchCodes { users });
        }
        outcomes
    }
}

fn not_coming(language: Language, file: String, left: &Left) -> NotComing {
    NotComing {
        // The name is escaped, since any file content goes to a terminal.
        user: left.user.escape_debug().to_string(),
        file,
        line: left.place.line,
        id: left.why.word(),
        text: in_full(language, left.why.text(language)),
    }
}

impl Sum {
    fn of(coming: &Coming) -> Self {
        Self {
            file: coming.place.file,
            there: coming.foretold == Foretold::Same,
            has_recovery_codes: !coming.scratch_codes.is_empty(),
            first_code: first_code(coming),
        }
    }
}

/// Returns the time from which a user's codes count, if that is later than now.
fn first_code(coming: &Coming) -> Option<UnixTime> {
    let times = coming.remarks.iter().filter_map(|remark| {
        if let Remark::FirstCode { at } = remark {
            Some(*at)
        } else {
            None
        }
    });
    times.max()
}

impl Row {
    fn of(language: Language, zone: &Zone, file: String, coming: &Coming) -> Self {
        let said = |remark: &Remark| Said {
            id: remark.word(),
            text: remark.text(zone, language),
        };
        Self {
            user: coming.account.name.as_str().to_owned(),
            file,
            line: coming.place.line,
            there: coming.foretold == Foretold::Same,
            authenticators: coming
                .devices
                .iter()
                .map(|one| Device::of(language, &one.authenticator))
                .collect(),
            recovery_codes: coming.scratch_codes.len(),
            first_code: first_code(coming).map(UnixTime::seconds),
            remarks: coming.remarks.iter().map(said).collect(),
        }
    }
}

impl Device {
    fn of(language: Language, one: &Authenticator) -> Self {
        let (kind, period) = match one.kind {
            Kind::Totp(period) => ("totp", Some(period.seconds())),
            Kind::Hotp => ("hotp", None),
        };
        Self {
            name: one.name.as_str().to_owned(),
            kind,
            algorithm: one.algorithm.name(),
            digits: one.digits.count(),
            period,
            settings: settings(language, one),
        }
    }
}
