use super::*;
use otp_core::UnixTime;
use otp_core::event::{Entry, Severity, Text, Value};
use otp_queue::Name;
use proptest::prelude::*;

fn item() -> Item {
    Item {
        name: Name {
            number: 3,
            account: 4,
            event: Event::Recovery,
            writer: 1000,
            id: 0xfeed,
        },
        tries: 1,
        next: 0,
    }
}

fn written(user: &str) -> String {
    let entry = Entry::new(Event::Recovery, Severity::Warning)
        .with(Value::User(Text::escaped(user)))
        .with(Value::Service(Text::escaped("sshd")))
        .with(Value::Rhost(Text::escaped("192.0.2.7")))
        .with(Value::CallerUid(1000))
        .with(Value::RecoveryCodesLeft(9));
    otp_queue::json(&entry, 0xfeed, UnixTime::from_seconds(1_800_000_010))
}

fn handed(text: &str) -> Result<serde_json::Value, String> {
    let read = Read {
        bytes: text.as_bytes().to_vec(),
        owner: 1000,
    };
    let text = for_hook(&item(), &read, "server1")?;
    Ok(serde_json::from_slice(&text).unwrap())
}

#[test]
fn the_hook_is_given_the_whole_event_and_its_writer() {
    assert_eq!(
        handed(&written("alice")).unwrap(),
        serde_json::json!({
            "version": 1,
            "id": "0000000000000000000000000000feed",
            "event": "otp.recovery",
            "event_id": "c8fdec3d5dc849abb94f1cd2daea2792",
            "severity": "warning",
            "time": "2027-01-15T08:00:10Z",
            "account": "alice",
            "service": "sshd",
            "remote_address": "192.0.2.7",
            "actor": { "caller_uid": 1000 },
            "keys": {
                "user": "alice",
                "service": "sshd",
                "rhost": "192.0.2.7",
                "caller_uid": "1000",
                "recovery_codes_left": "9",
            },
            "written_by_uid": 1000,
            "host": "server1",
            "attempt": 2,
        })
    );
}

#[test]
fn the_manual_lists_every_member_of_the_json_form() {
    let manual = include_str!("../../../packaging/man/otp-notify.8").replace('\\', "");
    let handed = handed(&written("alice")).unwrap();
    for member in handed.as_object().unwrap().keys() {
        assert!(manual.contains(&format!(".TP\nfB{member}fR\n")), "{member}");
    }
    for member in ACTORS {
        assert!(manual.contains(member), "{member}");
    }
}

#[test]
fn a_malformed_event_is_not_handed_on() {
    let good = written("alice");
    for (from, to) in [
        ("\"version\":1", "\"version\":2"),
        ("feed\"", "feee\""),
        ("otp.recovery", "otp.lock"),
        ("c8fdec3d", "00000000"),
        ("\"warning\"", "\"info\""),
        ("2027-01-15T08:00:10Z", "yesterday"),
        ("2027-01-15T08:00:10Z", "2027-01-15T08:00:10Z\\u0000"),
        ("\"caller_uid\":1000", "\"root_uid\":0"),
        ("\"caller_uid\":1000", "\"caller_uid\":-1"),
        ("\"rhost\"", "\"written_by_uid\""),
        ("\"account\":", "\"host\":\"x\",\"account\":"),
        ("\"account\":\"alice\"", "\"account\":[\"alice\"]"),
        ("}}", "}"),
        ("}}", "}}{}"),
        ("{\"version\"", "[{\"version\""),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good, "{from}");
        assert!(handed(&bad).is_err(), "{to}");
    }
    assert!(handed("").is_err());
    assert!(handed(&"[".repeat(4000)).is_err());
}

proptest! {
    /// A name, whatever it holds, stays inside its string and changes nothing else.
    #[test]
    fn a_name_changes_no_other_member(user in "\\PC{1,60}|[\\x00-\\x7f]{1,60}") {
        let mut handed = handed(&written(&user)).unwrap();
        prop_assert_eq!(handed["account"].as_str(), Some(user.as_str()));
        handed["account"] = "alice".into();
        handed["keys"]["user"] = "alice".into();
        prop_assert_eq!(handed, super::tests::handed(&written("alice")).unwrap());
    }

    #[test]
    fn any_bytes_are_read_or_refused_without_a_panic(bytes: Vec<u8>) {
        let read = Read { bytes, owner: 0 };
        for_hook(&item(), &read, "server1").ok();
    }
}
