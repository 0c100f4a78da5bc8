//! `otp-admin list`: everybody who has a record, and what is wrong with a record that cannot be read.

use crate::failure::{self, Failure};
use crate::layout::table;
use crate::output;
use crate::site::Site;
use crate::status::Status;
use otp_core::messages::admin::{Report, minute_utc};
use otp_core::messages::trouble::{Asker, Trouble};
use otp_core::record::Standing;
use otp_core::{UnixTime, UserName};
use otp_site::{Error, clock, users};
use otp_store::{Keeper, Store};

/// How the list is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Columns for people.
    Text,
    /// An array of objects.
    Json,
    /// Comma-separated values, RFC 4180 but for the line ends.
    Csv,
}

impl Format {
    /// The format that the flags ask for; at most one of them is set.
    pub const fn of(json: bool, csv: bool) -> Self {
        match (json, csv) {
            (true, _) => Self::Json,
            (_, true) => Self::Csv,
            _ => Self::Text,
        }
    }
}

/// One line of the list.
enum Entry {
    Readable(Status),
    Damaged { user: String, problem: String },
}

/// Lists everybody who is enrolled.
pub fn list(site: &Site, format: Format) -> Result<(), Failure> {
    let store = site.store()?;
    let mut entries = Vec::new();
    for name in store.users()?.iter() {
        match entry(site, &store, &UserName::new(name)?)? {
            Entry::Readable(status) if !status.enrolled => {}
            listed => entries.push(listed),
        }
    }
    output::print(&match format {
        Format::Text => text(site, &entries),
        Format::Json => json(&entries),
        Format::Csv => csv(&entries),
    })
}

/// Fails only where every other entry would fail as well.
fn entry(site: &Site, store: &Store, user: &UserName) -> Result<Entry, Failure> {
    let damaged = |problem| Entry::Damaged {
        user: user.as_str().to_owned(),
        problem,
    };
    let nobodys = |trouble: &Trouble| {
        let (what, hint) = (
            trouble.text(site.language),
            trouble.hint(site.language, Asker::Root),
        );
        Ok(damaged(format!("{what}; {hint}")))
    };
    let account = match users::account(user.as_str()) {
        Ok(Some(account)) if account.name == *user => account,
        Ok(Some(account)) => {
            let (user, name) = (user.as_str().to_owned(), account.name.as_str().to_owned());
            return nobodys(&Trouble::UnderAnotherName { user, name });
        }
        Ok(None) => {
            let user = user.as_str().to_owned();
            return nobodys(&Trouble::GoneUser { user });
        }
        // Of this one alone; whoever else there is can be listed.
        Err(error @ (Error::Disagrees { .. } | Error::UserName(_))) => {
            return Ok(damaged(format!("{error}; {}", error.hint())));
        }
        Err(error) => return Err(error.into()),
    };
    Ok(
        match otp_store::Overview::read(store, &account, &site.policy, clock::now) {
            Ok(found) => Entry::Readable(Status::of(user.as_str(), found)),
            Err(error) => {
                let hint = failure::hint(&error, Some(user.as_str()));
                damaged(format!("{error}; {hint}"))
            }
        },
    )
}

fn text(site: &Site, entries: &[Entry]) -> String {
    let say = |report: Report<'_>| report.text(site.language);
    if entries.is_empty() {
        return say(Report::Nobody) + "\n";
    }
    let heads = [
        Report::User,
        Report::Authenticator,
        Report::Enrolled,
        Report::LastUsed,
        Report::RecoveryCodes,
        Report::Failures,
        Report::Standing,
    ];
    let mut rows = vec![heads.map(say).to_vec()];
    let mut problems = Vec::new();
    for entry in entries {
        match entry {
            Entry::Readable(one) => {
                let when = |time: Option<u64>| {
                    time.map_or_else(
                        || say(Report::Never),
                        |seconds| minute_utc(UnixTime::from_seconds(seconds)),
                    )
                };
                for device in &one.authenticators {
                    rows.push(vec![
                        one.user.clone(),
                        device.name.clone(),
                        when(Some(device.created)),
                        when(device.last_used),
                        one.recovery_codes_left.to_string(),
                        one.failures.to_string(),
                        standing_word(one),
                    ]);
                }
            }
            Entry::Damaged { user, problem } => {
                problems.push(format!("{user}: {}: {problem}\n", say(Report::Problem)));
            }
        }
    }
    let listed = if rows.len() > 1 {
        table(&rows)
    } else {
        String::new()
    };
    listed + &problems.concat()
}

/// The standing in one word and, for a timed lock, its end; the same in every language, to be searched for.
fn standing_word(one: &Status) -> String {
    match one.standing {
        Standing::Open => "open".to_owned(),
        Standing::Locked { .. } => one.standing.ends().map_or_else(
            || "locked".to_owned(),
            |ends| format!("locked until {}", minute_utc(ends.to_next_minute())),
        ),
        Standing::Held => "locked".to_owned(),
        Standing::Disabled => "disabled".to_owned(),
    }
}

fn json(entries: &[Entry]) -> String {
    let sound = "texts and numbers are always JSON";
    let values: Vec<serde_json::Value> = entries
        .iter()
        .map(|entry| match entry {
            Entry::Readable(one) => {
                let mut value = serde_json::to_value(one).expect(sound);
                value["problem"] = serde_json::Value::Null;
                value
            }
            Entry::Damaged { user, problem } => {
                serde_json::json!({ "user": user, "enrolled": null, "problem": problem })
            }
        })
        .collect();
    serde_json::to_string(&values).expect(sound) + "\n"
}

/// A spreadsheet takes a cell that begins like this for something to compute; users choose these names.
fn no_formula(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@']) {
        format!("'{cell}")
    } else {
        cell
    }
}

fn csv(entries: &[Entry]) -> String {
    let mut text = "user,authenticators,created,last_used,recovery_codes_left,failures,locked,locked_until,disabled,\
                    problem\n"
        .to_owned();
    let seconds = |time: Option<u64>| {
        time.map_or_else(String::new, |seconds| {
            UnixTime::from_seconds(seconds).date_time_utc()
        })
    };
    for entry in entries {
        let cells = match entry {
            Entry::Readable(one) => {
                let names: Vec<_> = one
                    .authenticators
                    .iter()
                    .map(|device| device.name.as_str())
                    .collect();
                vec![
                    one.user.clone(),
                    no_formula(names.join("; ")),
                    seconds(one.authenticators.iter().map(|device| device.created).min()),
                    seconds(
                        one.authenticators
                            .iter()
                            .filter_map(|device| device.last_used)
                            .max(),
                    ),
                    one.recovery_codes_left.to_string(),
                    one.failures.to_string(),
                    one.locked.to_string(),
                    seconds(one.locked_until),
                    one.disabled.to_string(),
                    String::new(),
                ]
            }
            Entry::Damaged { user, problem } => {
                let mut cells = vec![String::new(); 10];
                cells[0].clone_from(user);
                cells[9].clone_from(problem);
                cells
            }
        };
        let quoted: Vec<_> = cells.iter().map(|cell| quoted(cell)).collect();
        text.push_str(&quoted.join(","));
        text.push('\n');
    }
    text
}

/// A cell as RFC 4180 has it.
fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_with_a_comma_or_a_quote_is_quoted() {
        assert_eq!(quoted("alice"), "alice");
        assert_eq!(quoted("a,b"), "\"a,b\"");
        assert_eq!(quoted("a\"b"), "\"a\"\"b\"");
    }

    #[test]
    fn a_name_that_a_spreadsheet_would_compute_is_quoted() {
        for formula in ["=1+1", "+1", "-1", "@sum"] {
            assert_eq!(no_formula(formula.to_owned()), format!("'{formula}"));
        }
        for name in ["phone", "1+1=2", "key-2"] {
            assert_eq!(no_formula(name.to_owned()), name);
        }
    }

    #[test]
    fn a_record_that_cannot_be_read_is_listed_with_its_problem() {
        let entries = [Entry::Damaged {
            user: "alice".to_owned(),
            problem: "is empty, so".to_owned(),
        }];
        assert_eq!(
            json(&entries),
            "[{\"enrolled\":null,\"problem\":\"is empty, so\",\"user\":\"alice\"}]\n"
        );
        assert!(csv(&entries).ends_with("alice,,,,,,,,,\"is empty, so\"\n"));
    }
}
