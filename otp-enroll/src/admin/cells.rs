//! Output forms that `list` and `report` share, and their cells.

use crate::status::Status;
use otp_core::messages::admin::Report;
use otp_core::record::{Language, Refusal};
use otp_core::{UnixTime, Zone};
use serde::Serialize;

/// The output form of a list.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Columns for people.
    Text,
    /// JSON on one line.
    Json,
    /// Comma-separated values, RFC 4180 but for the line ends.
    Csv,
}

impl Format {
    /// Returns the format that the flags select; at most one of them is set.
    pub const fn of(json: bool, csv: bool) -> Self {
        match (json, csv) {
            (true, _) => Self::Json,
            (_, true) => Self::Csv,
            _ => Self::Text,
        }
    }
}

/// The last refused attempt, with the word of its reason.
#[derive(Serialize)]
pub struct LastRefusal {
    time: u64,
    id: &'static str,
}

impl LastRefusal {
    /// Takes it from the record.
    pub fn of((when, why): (UnixTime, Refusal)) -> Self {
        Self {
            time: when.seconds(),
            id: why.word(),
        }
    }
}

/// Describes the last refusal for people: the time on the machine's clocks, and the word of its reason.
pub fn refusal(last: Option<(UnixTime, Refusal)>, zone: &Zone) -> String {
    last.map_or_else(String::new, |(when, why)| {
        format!("{} {}", zone.at(when).cell(), why.word())
    })
}

/// Returns the standing in one word and, for a timed lock, its end. Scripts search in `--csv` or `--json` instead.
pub fn standing_word(one: &Status, language: Language, zone: &Zone) -> String {
    let standing = one.standing;
    Report::StandingInShort { standing, zone }.text(language)
}

/// Writes a value of texts and numbers as JSON.
pub fn json(value: &impl Serialize) -> String {
    let text = serde_json::to_string(value);
    text.expect("texts and numbers are always JSON")
}

/// Writes a time as a cell; empty if there is none.
pub fn seconds(time: Option<u64>) -> String {
    time.map_or_else(String::new, |seconds| {
        UnixTime::from_seconds(seconds).date_time_utc()
    })
}

/// Makes a cell that no spreadsheet computes as a formula; users choose names.
pub fn no_formula(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@']) {
        format!("'{cell}")
    } else {
        cell
    }
}

/// Writes a row as in RFC 4180, except for the line end.
pub fn row(cells: &[String]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
    cells.join(",") + "\n"
}

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
        let cells = ["alice", "a,b", "a\"b", ""].map(str::to_owned);
        assert_eq!(row(&cells), "alice,\"a,b\",\"a\"\"b\",\n");
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
}
