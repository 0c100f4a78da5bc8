use super::*;
use crate::enforce::{Demand, Exemption, Rule};
use crate::messages::MessageId;
use crate::network::Network;
use crate::record::{Drift, Name, Standing};
use crate::{NoGuess, UnixTime};
use std::time::Duration;

mod said;

/// Names and ids that other programs rely on. New lines are added here; no line is ever changed.
const PROMISED: [(&str, &str); Event::ALL.len()] = [
    ("otp.accept", "665bd9b7aadd4762980a798e4d18f3d0"),
    ("otp.recovery", "c8fdec3d5dc849abb94f1cd2daea2792"),
    ("otp.trusted", "6ed537c427a5473899a66dfdac271858"),
    ("otp.reject", "b4b18545712243cabc5d026cffd0979c"),
    ("otp.replay", "ef3dc4b7e3494c268fe8e3ef13b43486"),
    ("otp.lock", "36a4fd2e109247cd8e3ccda7d429b36d"),
    ("otp.locked", "edca72e6026744ae976811a0d6f79c35"),
    ("otp.attempt", "eaa2b15540bd490db257474a60104d4c"),
    ("otp.notenrolled", "4dee12be1a9749158514728ab11e9fd0"),
    ("otp.unavailable", "8558f526f3b54d0793cdc5b40c3fec50"),
    ("otp.changing", "8debcf4294474717895ca18c19fa4ba0"),
    ("otp.change", "861952f67ec341f5bff1da6931f8807f"),
    ("otp.denied", "a84bf4ee70d84526959892f8fea3d9fc"),
    ("otp.reset", "890c01825fc74499a766fd40bf7f3939"),
    ("otp.policy", "f8e6211b4a19429e83b742833938effb"),
    ("otp.protect", "3d0c9b6e5f7a4c1f9a62d84be17050c3"),
    ("otp.unlock", "5e157598d2e44f61b3b5618f2dee9520"),
    ("otp.import", "0f419997823f4837ad4617a65ac266d1"),
    ("otp.mail", "713f9a93e411481e898296a45b4ff2d2"),
    ("otp.mailed", "8d110e60134b440cbbb84da234433a55"),
    ("otp.onefactor", "4d2d3f1ca2fb40fb956143948142b892"),
    ("otp.policychanged", "aabc3046715e4e0aa9271a37241f3ab8"),
    ("otp.hook", "08785949cd4d440c9020f8461d8bb2e8"),
    ("otp.seal", "06af2182be8e468e98cfba971042d68e"),
    ("otp.fleet", "b0d4b47bd77c4df4a59c6ad2b9e6a1f5"),
    ("otp.debug", "fa3b86fd3b1d47eeb5bbd2d52cf64b94"),
];

const NOON: UnixTime = UnixTime::from_seconds(1_763_640_000);

fn assert_all_differ(mut words: Vec<&str>) {
    let count = words.len();
    words.sort_unstable();
    words.dedup();
    assert_eq!(words.len(), count, "{words:?}");
}

#[test]
fn names_and_ids_of_events_never_change() {
    assert_eq!(Event::ALL.map(|event| (event.name(), event.id())), PROMISED);
    assert_all_differ(Event::ALL.map(Event::name).to_vec());
    assert_all_differ(Event::ALL.map(Event::id).to_vec());
    assert_all_differ(Key::ALL.map(Key::word).to_vec());
    assert_all_differ(Severity::ALL.map(Severity::word).to_vec());
    for (name, id) in PROMISED {
        let word = name.strip_prefix("otp.").expect("a name of ours");
        assert!(
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase()),
            "{name}"
        );
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        assert!(id.len() == 32 && id.bytes().all(digit), "{name}: {id}");
    }
}

#[test]
fn an_event_lists_no_severity_and_no_key_twice() {
    for event in Event::ALL {
        let severities = event.severities().iter().map(|one| one.word());
        assert_all_differ(severities.collect());
        let keys = event.keys().iter().chain(&Key::OF_EVERY_LINE);
        assert_all_differ(keys.map(|one| one.word()).collect());
    }
}

fn values() -> Vec<Value> {
    let text = || Text::escaped("x");
    let standings = every!(Standing {
        Open => [Standing::Open],
        Locked => [Standing::Locked { since: NOON, lasts: Duration::from_secs(900) }],
        Held => [Standing::Held],
        Disabled => [Standing::Disabled],
    });
    let demands = every!(Demand {
        Nothing => [
            Demand::Nothing(Exemption::Nullok),
            Demand::Nothing(Exemption::User),
            Demand::Nothing(Exemption::Group("kiosk".to_owned())),
            Demand::Nothing(Exemption::NotDemanded),
        ],
        From => [Demand::From(NOON, Rule::Everybody)],
        Now => [Demand::Now(Rule::Group("staff".to_owned())), Demand::Now(Rule::UnknownGroup("20".to_owned()))],
    });
    every!(Value {
        User => [Value::User(text())],
        Service => [Value::Service(text())],
        Rhost => [Value::Rhost(text())],
        Tty => [Value::Tty(text())],
        Phase => every!(Phase: Authentication, Account, Credentials, Password).map(Value::Phase),
        Account => [Value::Account(text())],
        CallerUid => [Value::CallerUid(1001)],
        Message => MessageId::ALL.map(Value::Message),
        NotShown => MessageId::ALL.map(Value::NotShown),
        Authenticator => [Value::Authenticator(Name::new("회사 전화").unwrap())],
        DriftSteps => [Value::DriftSteps(Drift::from_steps(-20).unwrap())],
        RecoveryCodesLeft => [Value::RecoveryCodesLeft(9)],
        Counted => [true, false].map(Value::Counted),
        TriesLeft => [Value::TriesLeft(4)],
        Reason => [Value::Reason(text())],
        NoGuess => NoGuess::ALL.map(Value::NoGuess),
        Hint => NoGuess::ALL.map(Value::Hint),
        Until => standings.into_iter().map(Value::Until).collect::<Vec<_>>(),
        Deadline => [Value::Deadline(NOON)],
        Result => every!(Treatment: Refused, Excused, Deferred).map(Value::Result),
        Rule => demands.into_iter().map(Value::Rule).collect::<Vec<_>>(),
        DaysLeft => [Value::DaysLeft(7)],
        Network => [Value::Network(Network::parse("192.0.2.0/24").unwrap())],
        Since => [Value::Since(NOON)],
        Verb => [Value::Verb("enrol")],
        Step => [Value::Step("account known")],
        By => [Value::By(text())],
        Said => [Value::Said(text())],
        LoginUid => [Value::LoginUid(1001)],
        EnvSudoUid => [Value::EnvSudoUid(1001)],
        ClaimedService => [Value::ClaimedService(text())],
        ClaimedRhost => [Value::ClaimedRhost(text())],
        ClaimedTty => [Value::ClaimedTty(text())],
        Id => [Value::Id(7)],
        Source => [Value::Source(text())],
        Count => [Value::Count(100_000)],
        Machine => [Value::Machine(text())],
        Administrator => [Value::Administrator(text())],
    })
}

#[test]
fn every_key_has_a_value_and_an_event() {
    let values = values();
    for key in Key::ALL {
        assert!(values.iter().any(|value| value.key() == key), "{key:?}");
        let is_used = Key::OF_EVERY_LINE.contains(&key)
            || Event::ALL.iter().any(|event| event.keys().contains(&key));
        assert!(is_used, "{key:?} belongs to no event");
    }
}

#[test]
fn the_log_text_of_a_value_never_changes() {
    for (value, said) in [
        (Value::Message(MessageId::WrongCode), "wrong-code"),
        (
            Value::NotShown(MessageId::WrongCode),
            "wrong-code (not shown)",
        ),
        (Value::Counted(true), "yes"),
        (Value::Counted(false), "no"),
        (Value::Phase(Phase::Authentication), ""),
        (Value::Phase(Phase::Account), "account"),
        (Value::Until(Standing::Open), ""),
        (
            Value::Until(Standing::Locked {
                since: NOON,
                lasts: Duration::from_secs(900),
            }),
            "2025-11-20 12:15:00 UTC",
        ),
        (Value::Until(Standing::Held), "unlocked by an administrator"),
        (
            Value::Until(Standing::Disabled),
            "unlocked by an administrator",
        ),
        (Value::Deadline(NOON), "2025-11-20 12:00:00 UTC"),
        (Value::Since(NOON), "2025-11-20 12:00:00 UTC"),
        (
            Value::Rule(Demand::Now(Rule::UnknownGroup("20".to_owned()))),
            "group 20 must, and is not known",
        ),
        (
            Value::Rule(Demand::Nothing(Exemption::NotDemanded)),
            "in no group that must",
        ),
        (Value::Authenticator(Name::new("회").unwrap()), "\\u{d68c}"),
        (Value::Result(Treatment::Deferred), "deferred"),
        (Value::LoginUid(0), "0"),
        (Value::Id(0x00c0_ffee), "00000000000000000000000000c0ffee"),
        (Value::Count(100_000), "100000"),
    ] {
        assert_eq!(value.text().as_str(), said, "{value:?}");
    }
}

#[test]
fn an_entry_gives_its_event_severity_and_identifying_values() {
    let text = Text::escaped;
    let entry = Entry::new(Event::Denied, Severity::Warning)
        .with(Value::CallerUid(1001))
        .with(Value::User(text("ally")))
        .with(Value::Service(text("sshd")))
        .with(Value::Rhost(text("192.0.2.1")))
        .with(Value::Account(text("alice")));
    let shown = |text: Option<&Text>| text.map(|text| text.as_str().to_owned());
    assert_eq!(entry.event(), Event::Denied);
    assert_eq!(entry.severity(), Severity::Warning);
    assert_eq!(entry.actors().collect::<Vec<_>>(), [Actor::RealUid(1001)]);
    assert_eq!(shown(entry.user()).as_deref(), Some("ally"));
    assert_eq!(shown(entry.account()).as_deref(), Some("alice"));
    assert_eq!(shown(entry.service()).as_deref(), Some("sshd"));
    assert_eq!(shown(entry.remote_address()).as_deref(), Some("192.0.2.1"));
    let unknown = Entry::new(Event::Denied, Severity::Warning).with(Value::User(text("")));
    assert_eq!(unknown.actors().count(), 0);
    assert_eq!(shown(unknown.user()), None);
    let by_sudo = Entry::new(Event::Unlock, Severity::Notice)
        .with(Value::LoginUid(1001))
        .with(Value::EnvSudoUid(1002));
    assert_eq!(
        by_sudo.actors().collect::<Vec<_>>(),
        [Actor::LoginUid(1001), Actor::EnvSudoUid(1002)]
    );
    let user = Entry::new(Event::Attempt, Severity::Info).with(Value::User(text("bobby")));
    assert_eq!(shown(user.account()).as_deref(), Some("bobby"));
}

#[test]
fn a_value_cannot_look_like_another_key_or_line() {
    let text = Text::escaped;
    let entry = Entry::new(Event::Reject, Severity::Notice)
        .with(Value::User(text("a\nb\\\u{1b}[2J회")))
        .with(Value::Service(text("")))
        .with(Value::Rhost(text("h\" user=\"root")));
    assert_eq!(
        entry.to_string(),
        "otp.reject user=\"a\\u{a}b\\\\\\u{1b}[2J\\u{d68c}\" rhost=\"h\\\" user=\\\"root\""
    );
}

proptest::proptest! {
    #[test]
    fn an_escaped_text_unescapes_to_the_original(text in "(?s).{0,256}") {
        proptest::prop_assert_eq!(Text::escaped(&text).plain(), text);
    }

    #[test]
    fn unescaping_any_text_never_panics_and_never_makes_it_longer(text in "(?s).{0,40}|[u{}0-9a-f\"\\\\]{0,20}") {
        if let Some(plain) = unescaped(&text) {
            proptest::prop_assert!(plain.len() <= text.len());
        }
    }
}

#[test]
fn a_text_that_is_cut_off_is_not_unescaped() {
    for broken in ["\\", "\\u", "\\u{", "\\u{d800}", "\\u{}", "\\n"] {
        assert_eq!(unescaped(broken), None, "{broken}");
    }
}

#[test]
fn a_long_value_is_cut() {
    let entry = Entry::new(Event::Reject, Severity::Notice)
        .with(Value::User(Text::escaped(&"x".repeat(100_000))));
    let cut = format!("otp.reject user=\"{}...\"", "x".repeat(256));
    assert_eq!(entry.to_string(), cut);
}

#[test]
#[should_panic(expected = "Replay has no key Until")]
fn a_key_that_an_event_does_not_have_is_a_bug() {
    let _ = Entry::new(Event::Replay, Severity::Notice).with(Value::Deadline(NOON));
}

#[test]
#[should_panic(expected = "Replay is never Error")]
fn a_severity_that_an_event_does_not_have_is_a_bug() {
    let _ = Entry::new(Event::Replay, Severity::Error);
}
