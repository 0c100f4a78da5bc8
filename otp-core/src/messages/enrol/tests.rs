use super::*;
use crate::UnixTime;
use crate::messages::both::assert_same_in_both_languages;
use crate::record::{Digits, Id, Name, Period, Secret};
use zeroize::Zeroizing;

fn all() -> Vec<Dialogue<'static>> {
    let (user, name, path) = ("alice", "phone", "/root/codes.txt");
    vec![
        Dialogue::Opening {
            user,
            issuer: "web1",
        },
        Dialogue::LoginOpening {
            user,
            issuer: "web1",
        },
        Dialogue::BeginQuestion,
        Dialogue::BeginOrLaterQuestion,
        Dialogue::Replaces { names: name },
        Dialogue::Removes { user, name },
        Dialogue::NewCodes { user },
        Dialogue::ProveYourself,
        Dialogue::Scan,
        Dialogue::Key,
        Dialogue::Uri,
        Dialogue::QrFile { path },
        Dialogue::TooNarrow {
            needed: 90,
            columns: 80,
        },
        Dialogue::TooHigh {
            needed: 43,
            lines: 24,
        },
        Dialogue::NoRoom { columns: 80 },
        Dialogue::Scroll { lines: 39 },
        Dialogue::CodeQuestion { digits: 6 },
        Dialogue::NotACode { digits: 6 },
        Dialogue::ClockBehind(Duration::from_secs(180)),
        Dialogue::ClockAhead(Duration::from_secs(3690)),
        Dialogue::NoMatch,
        Dialogue::TriesLeft(2),
        Dialogue::Proven,
        Dialogue::CodesTitle {
            user,
            host: "web1",
            issued: "2026-11-20 14:35 UTC",
        },
        Dialogue::CodesUse,
        Dialogue::CodesOnce,
        Dialogue::Copied,
        Dialogue::SaveQuestion,
        Dialogue::Saved { path },
        Dialogue::KeptQuestion,
        Dialogue::NotKept,
        Dialogue::Done {
            user,
            name,
            codes: 10,
        },
        Dialogue::Done {
            user,
            name,
            codes: 0,
        },
        Dialogue::Removed {
            user,
            name,
            last: false,
        },
        Dialogue::Removed {
            user,
            name,
            last: true,
        },
        Dialogue::CodesDone { user, codes: 10 },
        Dialogue::DeleteQrFile { path },
        Dialogue::TestAccepted { name },
        Dialogue::TestResynchronised,
        Dialogue::TestRefused,
        Dialogue::TestRecovered,
        Dialogue::TestLeft(3),
    ]
}

#[test]
fn every_sentence_is_there_in_both_languages_with_the_same_figures() {
    for sentence in all() {
        assert_same_in_both_languages(|language| sentence.text(language));
    }
}

#[test]
fn a_word_is_taken_in_any_case_and_either_language() {
    for reply in ["kept", " Kept\r\n", "KEPT", "보관", " 보관 "] {
        assert!(is_word(reply.as_bytes(), &KEPT), "{reply:?}");
    }
    for reply in ["", "\n", "kep", "kept it", "later"] {
        assert!(!is_word(reply.as_bytes(), &KEPT), "{reply:?}");
    }
    assert!(!is_word(b"\xff", &KEPT) && is_word(b"later", &LATER));
}

#[test]
fn a_clock_that_is_off_is_told_in_the_units_of_a_clock() {
    for (seconds, english, korean) in [
        (30, "30 seconds", "30초"),
        (60, "1 minute", "1분"),
        (90, "1 minute 30 seconds", "1분 30초"),
        (180, "3 minutes", "3분"),
        (3600, "1 hour", "1시간"),
        (5430, "1 hour 30 minutes 30 seconds", "1시간 30분 30초"),
        (86_400, "1 day", "1일"),
        (0, "0 seconds", "0초"),
    ] {
        let by = Duration::from_secs(seconds);
        assert_eq!(length(Language::English, by), english);
        assert_eq!(length(Language::Korean, by), korean);
    }
}

#[test]
fn the_settings_are_spelled_out() {
    let device = |kind| Authenticator {
        id: Id::from_random([0; 8]),
        name: Name::new("phone").unwrap(),
        kind,
        algorithm: Algorithm::Sha256,
        digits: Digits::new(8).unwrap(),
        secret: Secret::new(Zeroizing::new(vec![0; 20])).unwrap(),
        created: UnixTime::from_seconds(0),
    };
    let timed = device(Kind::Totp(Period::new(60).unwrap()));
    let counted = device(Kind::Hotp);
    for (device, english, korean) in [
        (
            timed,
            "Settings: time-based, 8 digits, 60 s, SHA-256",
            "설정: 시간 기준, 8자리, 60초, SHA-256",
        ),
        (
            counted,
            "Settings: counter-based, 8 digits, SHA-256",
            "설정: 횟수 기준, 8자리, SHA-256",
        ),
    ] {
        let settings = Dialogue::Settings(&device);
        assert_eq!(settings.text(Language::English), english);
        assert_eq!(settings.text(Language::Korean), korean);
    }
}
