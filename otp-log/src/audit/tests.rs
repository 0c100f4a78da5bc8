use super::*;
use otp_core::event::Text;

fn said(event: Event, severity: Severity) -> Entry {
    Entry::new(event, severity)
        .with(Value::User(Text::escaped("alice")))
        .with(Value::Service(Text::escaped("sshd")))
        .with(Value::Rhost(Text::escaped("192.0.2.1")))
        .with(Value::Tty(Text::escaped("ssh")))
}

fn told(entry: &Entry) -> String {
    let (_, succeeded) = kind(entry).expect("a record");
    text(entry, b"/usr/sbin/sshd", succeeded)
}

#[test]
fn an_attempt_names_account_program_place_and_result_as_libaudit_does() {
    assert_eq!(
        told(&said(Event::Accept, Severity::Info)),
        "op=otp.accept acct=\"alice\" exe=\"/usr/sbin/sshd\" hostname=192.0.2.1 addr=192.0.2.1 terminal=ssh res=success"
    );
    assert!(told(&said(Event::Lock, Severity::Warning)).ends_with(" res=failed"));
}

#[test]
fn every_attempt_and_every_change_has_the_type_that_reports_look_for() {
    use Severity::{Info, Notice, Warning};
    let verb = |word| said(Event::Change, Notice).with(Value::Verb(word));
    let treated = |treatment| said(Event::NotEnrolled, Info).with(Value::Result(treatment));
    let in_account = |entry: Entry| entry.with(Value::Phase(Phase::Account));
    for (entry, expected) in [
        (said(Event::Recovery, Warning), (USER_AUTH, true)),
        (said(Event::Trusted, Info), (USER_AUTH, true)),
        (said(Event::Reject, Notice), (USER_AUTH, false)),
        (
            said(Event::Unavailable, Severity::Error),
            (USER_AUTH, false),
        ),
        (in_account(said(Event::Locked, Notice)), (USER_ACCT, false)),
        (treated(Treatment::Refused), (USER_AUTH, false)),
        (treated(Treatment::Excused), (USER_AUTH, true)),
        (verb("enrol"), (USER_CHAUTHTOK, true)),
        (verb("recovery-codes"), (USER_CHAUTHTOK, true)),
        (verb("provision"), (USER_MGMT, true)),
        (verb("reset"), (USER_MGMT, true)),
        (verb("log-out"), (USER_MGMT, true)),
        (said(Event::Unlock, Notice), (USER_MGMT, true)),
        (said(Event::Import, Warning), (USER_MGMT, false)),
        (said(Event::Protect, Warning), (USYS_CONFIG, false)),
    ] {
        assert_eq!(kind(&entry), Some(expected), "{entry}");
    }
    for event in [Event::Attempt, Event::Changing, Event::Debug] {
        assert_eq!(kind(&said(event, event.severities()[0])), None);
    }
}

#[test]
fn a_value_that_would_end_an_audit_record_is_written_in_hexadecimal() {
    for (name, expected) in [
        ("alice", "\"alice\""),
        ("a b", "612062"),
        ("a\"b", "612262"),
        ("a\nb", "610A62"),
        ("이", "EC9DB4"),
        ("", "\"?\""),
    ] {
        assert_eq!(value(name.as_bytes()), expected, "{name}");
    }
    for (host, expected) in [
        ("gate.example.org", "gate.example.org"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("a b", "?"),
        ("a res=success", "?"),
        ("a'b", "?"),
        ("", "?"),
    ] {
        assert_eq!(word(host), expected, "{host}");
    }
}

#[test]
fn an_unknown_name_is_logged_as_the_account_and_an_alias_is_not() {
    let account =
        |name| said(Event::Reject, Severity::Notice).with(Value::Account(Text::escaped(name)));
    assert!(told(&account("unknown")).contains(" acct=\"alice\" "));
    assert!(told(&account("alison")).contains(" acct=\"alison\" "));
}

#[test]
fn a_change_names_its_verb() {
    let entry = said(Event::Change, Severity::Notice).with(Value::Verb("enrol"));
    assert!(told(&entry).starts_with("op=otp.change:enrol acct=\"alice\" "));
}

#[test]
fn a_request_has_its_length_its_type_and_a_nul_at_its_end() {
    let bytes = message(USER_AUTH, "op=x");
    assert_eq!(bytes.len(), 21);
    assert_eq!(bytes[..4], 21_u32.to_ne_bytes());
    assert_eq!(bytes[4..6], 1100_u16.to_ne_bytes());
    assert_eq!(bytes[6..8], 1_u16.to_ne_bytes());
    assert_eq!(bytes[16..], *b"op=x\0");
    let long = message(USER_AUTH, &"x".repeat(100_000));
    assert_eq!(long.len(), HEADER + LONGEST + 1);
}
