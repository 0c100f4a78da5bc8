use super::*;
use crate::UnixTime;
use crate::code::Ignored;
use crate::every;
use crate::messages::in_all::assert_same_in_every_language;
use crate::record::{Digits, Id, Name, Period, Secret};
use zeroize::Zeroizing;

fn device(kind: Kind) -> Authenticator {
    Authenticator {
        id: Id::from_random([0; 8]),
        name: Name::new("phone").unwrap(),
        kind,
        algorithm: Algorithm::Sha256,
        digits: Digits::new(8).unwrap(),
        secret: Secret::new(Zeroizing::new(vec![0; 20])).unwrap(),
        window: None,
        created: UnixTime::from_seconds(0),
    }
}

fn devices() -> Vec<Authenticator> {
    every!(Kind {
        Totp => [Kind::Totp(Period::new(60).unwrap())],
        Hotp => [Kind::Hotp],
    })
    .into_iter()
    .map(device)
    .collect()
}

fn all(devices: &[Authenticator]) -> Vec<Dialogue<'_>> {
    let (user, name, path) = ("alice", "phone", "/root/codes.txt");
    every!(Dialogue {
        Opening => [Dialogue::Opening {
            user,
            issuer: "web1",
        }],
        LoginOpening => [Dialogue::LoginOpening {
            user,
            issuer: "web1",
        }],
        BeginQuestion => [Dialogue::BeginQuestion],
        BeginOrLaterQuestion => [Dialogue::BeginOrLaterQuestion],
        Replaces => [Dialogue::Replaces { names: name }],
        Removes => [Dialogue::Removes { user, name }],
        NewCodes => [Dialogue::NewCodes { user }],
        ProveYourself => [Dialogue::ProveYourself],
        Scan => [Dialogue::Scan],
        GiveKey => [Dialogue::GiveKey],
        Key => [Dialogue::Key],
        PlainKey => [Dialogue::PlainKey],
        Uri => [Dialogue::Uri],
        Settings => devices.iter().map(Dialogue::Settings).collect::<Vec<_>>(),
        QrFile => [Dialogue::QrFile { path }],
        TooNarrow => [Dialogue::TooNarrow {
            needed: 90,
            columns: 80,
        }],
        TooHigh => [Dialogue::TooHigh {
            needed: 43,
            lines: 24,
        }],
        NoRoom => [Dialogue::NoRoom { columns: 80 }],
        Scroll => [Dialogue::Scroll { lines: 39 }],
        NotSeen => [Dialogue::NotSeen],
        NotSeenFromNear => [Dialogue::NotSeenFromNear],
        CodeQuestion => [Dialogue::CodeQuestion { digits: 6 }],
        NotACode => [Dialogue::NotACode { digits: 6 }],
        ClockBehind => [Dialogue::ClockBehind(Duration::from_secs(180))],
        ClockAhead => [Dialogue::ClockAhead(Duration::from_secs(3690))],
        NoMatch => [Dialogue::NoMatch],
        Ignores => devices
            .iter()
            .flat_map(|device| Ignored::ALL.map(|one| Dialogue::Ignores(one, device)))
            .collect::<Vec<_>>(),
        TriesLeft => [Dialogue::TriesLeft(2)],
        Proven => [Dialogue::Proven],
        CodesTitle => [Dialogue::CodesTitle {
            user,
            host: "web1",
            issued: "2026-11-20 14:35 UTC",
        }],
        CodesUse => [Dialogue::CodesUse],
        CodesOnce => [Dialogue::CodesOnce],
        Copied => [Dialogue::Copied],
        SaveQuestion => [Dialogue::SaveQuestion],
        Saved => [Dialogue::Saved { path }],
        KeptQuestion => [Dialogue::KeptQuestion],
        NotKept => [Dialogue::NotKept],
        Done => [Dialogue::Done {
            user,
            name,
            codes: 10,
        }, Dialogue::Done {
            user,
            name,
            codes: 0,
        }],
        Removed => [Dialogue::Removed {
            user,
            name,
            last: false,
        }, Dialogue::Removed {
            user,
            name,
            last: true,
        }],
        CodesDone => [Dialogue::CodesDone { user, codes: 10 }],
        DeleteQrFile => [Dialogue::DeleteQrFile { path }],
        TestAccepted => [Dialogue::TestAccepted { name }],
        ImportedCodesReplaced => [Dialogue::ImportedCodesReplaced],
        ImportedCodesGo => [Dialogue::ImportedCodesGo],
        TestResynchronised => [Dialogue::TestResynchronised],
        TestRefused => [Dialogue::TestRefused],
        TestRecovered => [Dialogue::TestRecovered],
        TestLeft => [Dialogue::TestLeft(3)],
    })
}

#[test]
fn every_sentence_exists_in_every_language_with_the_same_figures() {
    for sentence in all(&devices()) {
        assert_same_in_every_language(|language| sentence.text(language));
    }
}

#[test]
fn a_word_is_recognised_in_any_case_and_either_language() {
    for reply in ["kept", " Kept\r\n", "KEPT", "보관", " 보관 "] {
        assert!(is_word(reply.as_bytes(), &KEPT), "{reply:?}");
    }
    for reply in ["", "\n", "kep", "kept it", "later"] {
        assert!(!is_word(reply.as_bytes(), &KEPT), "{reply:?}");
    }
    assert!(!is_word(b"\xff", &KEPT) && is_word(b"later", &LATER));
}

/// The hint appears between the drawing and the question, on a screen without spare lines.
#[test]
fn the_hint_for_an_app_that_sees_no_code_is_one_line_and_names_the_words() {
    for hint in [Dialogue::NotSeen, Dialogue::NotSeenFromNear] {
        for language in [Language::English, Language::Korean] {
            let text = hint.text(language);
            assert_eq!(crate::layout::wrap(&text, 79), text);
            assert!(text.contains(INVERTED[0]));
        }
        assert!(hint.text(Language::Korean).contains(INVERTED[1]));
    }
}

#[test]
fn the_error_of_a_clock_is_given_in_the_units_of_a_clock() {
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
fn ignored_settings_are_named_as_they_were_spelled_out_before() {
    let device = device(Kind::Totp(Period::new(60).unwrap()));
    let said = |number: u64, language| {
        let settings = Ignored::from_number(number).unwrap();
        Dialogue::Ignores(settings, &device).text(language)
    };
    for (number, english, korean) in [
        (
            1,
            "ignores the hash SHA-256, and",
            "이 앱은 해시 SHA-256 설정을 무시하므로",
        ),
        (
            2,
            "ignores the 8 digits, and",
            "이 앱은 자릿수 8자리 설정을",
        ),
        (
            4,
            "ignores the period of 60 s, and",
            "이 앱은 주기 60초 설정을",
        ),
        (
            5,
            "ignores the hash SHA-256 and the period of 60 s, and",
            "이 앱은 해시 SHA-256, 주기 60초 설정을",
        ),
        (
            7,
            "ignores the hash SHA-256, the 8 digits and the period of 60 s, and",
            "이 앱은 해시 SHA-256, 자릿수 8자리, 주기 60초 설정을",
        ),
    ] {
        assert!(
            said(number, Language::English).contains(english),
            "{number}"
        );
        assert!(said(number, Language::Korean).contains(korean), "{number}");
    }
    for number in 1..=7 {
        assert_same_in_every_language(|language| said(number, language));
    }
}

#[test]
fn the_settings_are_spelled_out() {
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
            "설정: 카운터 기준, 8자리, SHA-256",
        ),
    ] {
        let settings = Dialogue::Settings(&device);
        assert_eq!(settings.text(Language::English), english);
        assert_eq!(settings.text(Language::Korean), korean);
    }
}
