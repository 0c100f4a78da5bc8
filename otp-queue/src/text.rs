//! Writes an event as JSON, one line of ASCII. This is hand-written: the module links no JSON library.

use crate::LARGEST;
use otp_core::UnixTime;
use otp_core::event::{Actor, Entry, Text};
use std::fmt::Write;

/// Writes the event for a hook, without the facts that only the runner knows. The text never exceeds [`LARGEST`]: if
/// values chosen at a login make it longer, each value is cut.
#[must_use]
pub fn json(entry: &Entry, id: u128, now: UnixTime) -> String {
    let whole = cut_json(entry, id, now, usize::MAX);
    if whole.len() as u64 <= LARGEST {
        return whole;
    }
    cut_json(entry, id, now, SHORTEST)
}

/// The number of characters to which each value is then cut; with it, any event fits.
const SHORTEST: usize = 10;

fn cut_json(entry: &Entry, id: u128, now: UnixTime, longest: usize) -> String {
    let plain = |text: &Text| cut(text.plain(), longest);
    let mut out = String::with_capacity(512);
    out.push_str("{\"version\":1");
    text(&mut out, "id", &format!("{id:032x}"));
    text(&mut out, "event", entry.event().name());
    text(&mut out, "event_id", entry.event().id());
    text(&mut out, "severity", entry.severity().word());
    text(
        &mut out,
        "time",
        &(now.date_time_utc().replace(' ', "T") + "Z"),
    );
    let known = [
        ("account", entry.account()),
        ("service", entry.service()),
        ("remote_address", entry.remote_address()),
    ];
    for (key, value) in known {
        if let Some(value) = value {
            text(&mut out, key, &plain(value));
        }
    }
    out.push_str(",\"actor\":{");
    let mut said = Vec::new();
    for actor in entry.actors() {
        let (key, uid) = match actor {
            Actor::RealUid(uid) => ("caller_uid", uid),
            Actor::LoginUid(uid) => ("login_uid", uid),
            Actor::EnvSudoUid(uid) => ("env_sudo_uid", uid),
        };
        if !said.contains(&key) {
            let comma = if said.is_empty() { "" } else { "," };
            write!(out, "{comma}\"{key}\":{uid}").ok();
            said.push(key);
        }
    }
    out.push_str("},\"keys\":{");
    let mut said = Vec::new();
    for (key, value) in entry.pairs() {
        if !said.contains(&key) {
            if !said.is_empty() {
                out.push(',');
            }
            pair(&mut out, key.word(), &plain(&value));
            said.push(key);
        }
    }
    out.push_str("}}\n");
    out
}

fn cut(mut text: String, longest: usize) -> String {
    if let Some((at, _)) = text.char_indices().nth(longest) {
        text.truncate(at);
        text.push_str("...");
    }
    text
}

fn text(out: &mut String, key: &str, value: &str) {
    out.push(',');
    pair(out, key, value);
}

fn pair(out: &mut String, key: &str, value: &str) {
    string(out, key);
    out.push(':');
    string(out, value);
}

/// Writes a JSON string (RFC 8259 section 7) in ASCII, so that it cannot affect a terminal.
fn string(out: &mut String, value: &str) {
    out.push('"');
    for c in value.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            ' '..='~' => out.push(c),
            other => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}").ok();
                }
            }
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use otp_core::event::{Event, Key, Phase, Severity, Value};
    use otp_core::record::Name;
    use proptest::prelude::*;

    fn read(text: &str) -> serde_json::Value {
        serde_json::from_str(text).expect("the text is JSON")
    }

    #[test]
    fn an_event_names_its_account_and_all_its_keys() {
        let entry = Entry::new(Event::Recovery, Severity::Warning)
            .with(Value::User(Text::escaped("alice")))
            .with(Value::Service(Text::escaped("sshd")))
            .with(Value::Rhost(Text::escaped("2001:db8::7")))
            .with(Value::LoginUid(1000))
            .with(Value::RecoveryCodesLeft(9));
        let text = json(&entry, 0xfeed, UnixTime::from_seconds(1_800_000_010));
        assert_eq!(
            read(&text),
            serde_json::json!({
                "version": 1,
                "id": "0000000000000000000000000000feed",
                "event": "otp.recovery",
                "event_id": "c8fdec3d5dc849abb94f1cd2daea2792",
                "severity": "warning",
                "time": "2027-01-15T08:00:10Z",
                "account": "alice",
                "service": "sshd",
                "remote_address": "2001:db8::7",
                "actor": { "login_uid": 1000 },
                "keys": {
                    "user": "alice",
                    "service": "sshd",
                    "rhost": "2001:db8::7",
                    "login_uid": "1000",
                    "recovery_codes_left": "9",
                },
            })
        );
        assert_eq!(text.lines().count(), 1);
    }

    #[test]
    fn an_event_without_an_account_is_still_an_event() {
        let entry = Entry::new(Event::Policy, Severity::Warning);
        let read = read(&json(&entry, 1, UnixTime::from_seconds(0)));
        assert_eq!(read["keys"], serde_json::json!({}));
        assert_eq!(read["actor"], serde_json::json!({}));
        assert!(read.get("account").is_none());
    }

    /// Otherwise a name that is long enough would keep an event from the hook.
    #[test]
    fn an_event_with_the_longest_values_fits() {
        let long = || Text::escaped(&"\u{1f511}".repeat(300));
        let name = |of: &str| Name::new(of).unwrap();
        for event in Event::ALL {
            let mut entry = Entry::new(event, event.severities()[0]);
            for value in [
                Value::User(long()),
                Value::Service(long()),
                Value::Rhost(long()),
                Value::Tty(long()),
                Value::Phase(Phase::Credentials),
                Value::Account(long()),
                Value::CallerUid(u32::MAX),
                Value::LoginUid(u32::MAX),
                Value::EnvSudoUid(u32::MAX),
                Value::ClaimedService(long()),
                Value::ClaimedRhost(long()),
                Value::ClaimedTty(long()),
                Value::Id(u128::MAX),
                Value::Source(long()),
                Value::Count(u64::MAX),
                Value::Reason(long()),
                Value::Authenticator(name(&"\u{1f511}".repeat(16))),
            ] {
                let key = value.key();
                if Key::OF_EVERY_LINE.contains(&key) || event.keys().contains(&key) {
                    entry.add(value);
                }
            }
            let text = json(&entry, u128::MAX, UnixTime::from_seconds(1 << 34));
            assert!(text.len() as u64 <= LARGEST, "{event:?}: {}", text.len());
            let account = read(&text)["account"].as_str().map(str::to_owned);
            assert_eq!(account, Some("\u{1f511}".repeat(SHORTEST) + "..."));
        }
    }

    proptest! {
        #[test]
        fn any_name_reads_back_unchanged(name in "\\PC{0,80}|[\\x00-\\x7f\"\\\\u{}]{0,80}") {
            let entry = Entry::new(Event::Lock, Severity::Warning).with(Value::User(Text::escaped(&name)));
            let text = json(&entry, 1, UnixTime::from_seconds(0));
            let is_one_line = text.is_ascii() && text.ends_with('\n') && text.lines().count() == 1;
            prop_assert!(is_one_line);
            let read = read(&text);
            if !name.is_empty() {
                prop_assert_eq!(read["account"].as_str(), Some(name.as_str()));
                prop_assert_eq!(read["keys"]["user"].as_str(), Some(name.as_str()));
            }
        }
    }
}
