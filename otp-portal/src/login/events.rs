//! The recent events of one user, read back by otp-admin.

use super::{Site, Trouble};
use crate::wire::MOST_EVENTS;
use otp_helper::frame::LIMIT;
use otp_helper::system;
use serde_json::{Map, Value, json};
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

/// How far back events are read.
const SINCE: &str = "30d";

/// The longest line that is passed on whole.
const LONGEST: usize = LIMIT - 64;

/// The values that a longer line keeps, shortened to this many characters each. Others influence how long these values
/// are.
const SHORTENED: [&str; 5] = [
    "service",
    "claimed_service",
    "rhost",
    "claimed_rhost",
    "authenticator",
];
const OF_EACH: usize = 64;

/// The most that is read, in bytes. It is far more than the longest events need.
const MOST_BYTES: u64 = 8 * 1024 * 1024;

/// Returns the newest events of a user, the oldest of them first.
///
/// Runs at low priority, because users may ask for events as often as they like.
pub(super) fn of(site: &Site, user: &str) -> Result<Vec<String>, Trouble> {
    let trouble = |why: &dyn std::fmt::Display| Trouble::new("otp-admin events", &why);
    system::give_way();
    let mut child = Command::new(&site.admin)
        .args(["events", "--json", "--since", SINCE])
        .arg(format!("--newest={MOST_EVENTS}"))
        .arg(format!("--user={user}"))
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| trouble(&error))?;
    let output = child.stdout.take().ok_or_else(|| trouble(&"no output"))?;
    let told = told(BufReader::new(output.take(MOST_BYTES)));
    let ended = child.wait().map_err(|error| trouble(&error))?;
    if !ended.success() {
        return Err(trouble(&ended));
    }
    told.map_err(|error| trouble(&error))
}

fn told(lines: impl BufRead) -> std::io::Result<Vec<String>> {
    let mut told = Vec::new();
    for line in lines.lines() {
        let line = line?;
        told.extend(if line.len() <= LONGEST {
            Some(line)
        } else {
            shortened(&line)
        });
    }
    Ok(told)
}

/// Returns time, name and the first characters of the values that the page shows; `None`: the line is not an event.
fn shortened(line: &str) -> Option<String> {
    let event: Value = serde_json::from_str(line).ok()?;
    let mut values = Map::new();
    for key in SHORTENED {
        if let Some(value) = event["values"][key].as_str() {
            let value: String = value.chars().take(OF_EACH).collect();
            values.insert(key.to_owned(), value.into());
        }
    }
    let short = json!({"time": event["time"].as_u64()?, "event": event["event"].as_str()?, "values": values});
    Some(short.to_string()).filter(|short| short.len() <= LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_passed_on_whole_and_a_long_one_shortened() {
        let long = "\u{1b}".repeat(256);
        let line = json!({"time": 7, "event": "otp.reject", "program": "postgres",
            "values": {"user": "alice", "service": long, "rhost": long, "claimed_tty": long, "ruser": long}})
        .to_string();
        assert!(line.len() > LONGEST);
        let whole = "{\"time\":6}";
        let told = told(format!("{whole}\n{line}\n").as_bytes()).unwrap();
        assert_eq!((told.len(), told[0].as_str()), (2, whole));
        let short: Value = serde_json::from_str(&told[1]).unwrap();
        assert_eq!(short["time"], 7);
        assert_eq!(short["event"], "otp.reject");
        assert_eq!(short["values"]["service"], "\u{1b}".repeat(OF_EACH));
        assert!(short["values"]["ruser"].is_null());
    }
}
