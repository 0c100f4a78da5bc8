//! Every page with sample values, for tests and for looking at.
#![expect(
    clippy::unwrap_used,
    reason = "a test stops where something is missing"
)]

use Shows::{NoSecret, RecoveryCodes, TheKey};
use event::Event as What;
use otp_core::code::Ignored;
use otp_core::layout::wrap;
use otp_core::messages::Message as Spoken;
use otp_core::messages::enrol::Dialogue;
use otp_core::record::{
    Algorithm, Digits, Id, Kind, Language, Name, Period, Refusal, Secret, Standing,
};
use otp_core::recovery::RecoveryCode;
use otp_core::{Authenticator, Local, UnixTime, Verdict, Zone, base32, event, recovery_sheet};
use otp_helper::enrolment::{Block, KeyLine};
use otp_portal::pages::{
    Add, Codes, Ended, Enrol, Event, Events, Home, Login, LoginRefused, Message, NewCodes, Notice,
    Page, Purpose, Question, Remove, Replace, Said, Session, Sessions, SetUp, Told, Tried, Try,
    Unaccepted,
};
use otp_portal::wire::Wanted;
use otp_store::Overview;
use otp_store::change::{Change, Proof, Refused};
use std::time::Duration;
use zeroize::Zeroizing;

/// 2026-11-29 02:35 UTC.
pub const NOW: UnixTime = UnixTime::from_seconds(1_795_919_700);

/// Values that come from outside.
pub struct World {
    pub user: String,
    pub host: String,
    pub issuer: String,
    pub name: Name,
    pub text: String,
    pub prompt: String,
    pub conversation: String,
}

impl World {
    pub fn usual(language: Language) -> Self {
        let text = |english: &str, korean: &str| match language {
            Language::English => english.to_owned(),
            Language::Korean => korean.to_owned(),
        };
        Self {
            user: "alice".to_owned(),
            host: "wiki.example.org".to_owned(),
            issuer: "web1.example.org".to_owned(),
            name: Name::new(&text("work phone", "회사 휴대폰")).unwrap(),
            text: text(
                "The code is wrong. Wait for the next one and try again; if it is refused too, check that your device sets \
                 its clock automatically.",
                "인증 코드가 맞지 않습니다. 다음 코드가 나오면 다시 입력해 주세요. 계속 맞지 않으면 기기의 시간이 자동으로 \
                 설정되어 있는지 확인해 주세요.",
            ),
            prompt: "Name of your first pet: ".to_owned(),
            conversation: "c0ffee".to_owned(),
        }
    }

    /// Returns values that could break out of a text, an attribute or an element.
    pub fn hostile() -> Self {
        let evil = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>&lt;{{7*7}}\u{202e}";
        Self {
            user: evil.to_owned(),
            host: evil.to_owned(),
            issuer: evil.to_owned(),
            name: Name::new("'><script>x</script>&amp;").unwrap(),
            text: evil.to_owned(),
            prompt: evil.to_owned(),
            conversation: evil.to_owned(),
        }
    }
}

/// The kind of secret on a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    NoSecret,
    TheKey,
    RecoveryCodes,
}

/// Returns the device on all pages that show one.
pub fn device(name: &Name) -> Authenticator {
    Authenticator {
        id: Id::from_random([7; 8]),
        name: name.clone(),
        kind: Kind::Totp(Period::THIRTY),
        algorithm: Algorithm::Sha1,
        digits: Digits::new(6).unwrap(),
        secret: Secret::new(Zeroizing::new(
            (0..20).map(|at| at * 11 + 5).collect::<Vec<u8>>(),
        ))
        .unwrap(),
        window: None,
        created: NOW,
    }
}

/// Returns the recovery codes on all pages that show some.
pub fn codes() -> Vec<RecoveryCode> {
    (0..10_u8)
        .map(|at| {
            let bytes = std::array::from_fn(|place| {
                at.wrapping_mul(37)
                    .wrapping_add(u8::try_from(place).unwrap().wrapping_mul(53))
            });
            RecoveryCode::from_random(bytes)
        })
        .collect()
}

fn overview(name: &Name, standing: Standing) -> Overview {
    let ago = |days: u64| UnixTime::from_seconds(NOW.seconds() - days * 86_400 - 4000);
    let device = |name: Name, created, last_used, next_counter| otp_store::Device {
        name,
        created,
        last_used,
        next_counter,
    };
    Overview {
        authenticators: vec![
            device(name.clone(), ago(200), Some(ago(0)), None),
            device(Name::new("token").unwrap(), ago(3), None, Some(17)),
        ],
        recovery_codes_left: 7,
        recovery_codes_issued: Some(10),
        recovery_codes_imported: false,
        failures: 2,
        failures_left: 3,
        standing,
        last_refusal: Some((ago(1), Refusal::WrongCode)),
    }
}

/// Passes every page to `visit`: its name, whether its user is logged in, what it shows, and the page.
#[expect(clippy::too_many_lines, reason = "a list of pages")]
pub fn each(
    world: &World,
    language: Language,
    visit: &mut dyn FnMut(&str, bool, Shows, &dyn Page),
) {
    let World {
        user,
        host,
        issuer,
        name,
        text,
        prompt,
        conversation,
    } = world;
    let (user, host, issuer, conversation) = (
        user.as_str(),
        host.as_str(),
        issuer.as_str(),
        conversation.as_str(),
    );
    let said = [text.clone()].map(Zeroizing::new);
    let device = device(name);
    let codes = codes();
    let names = [name.clone(), Name::new("token").unwrap()];
    let uri = otp_core::otpauth::reveal_uri(&device, "web1", "alice");

    // The login.
    let login = |refused| Login {
        user: "",
        onwards: None,
        refused,
    };
    visit("login", false, NoSecret, &login(None));
    let onwards = Login {
        user,
        onwards: Some((host, "/path?\"><b>")),
        refused: Some(LoginRefused::Refused(&said)),
    };
    visit("login-refused", false, NoSecret, &onwards);
    for (name, refused) in [
        ("login-refused-plainly", LoginRefused::Refused(&[])),
        ("login-no-name", LoginRefused::NotAName),
        ("login-too-long", LoginRefused::TimeIsOver),
        ("login-left", LoginRefused::Left),
    ] {
        visit(name, false, NoSecret, &login(Some(refused)));
    }
    let question = |texts, prompt, echo| Question {
        conversation,
        purpose: Purpose::Login { user },
        texts,
        prompt,
        echo,
    };
    let password = match language {
        Language::English => "Password: ",
        Language::Korean => "\u{be44}\u{bc00}\u{bc88}\u{d638}: ",
    };
    let code = otp_core::messages::Message::CodePrompt.text(language);
    visit(
        "question-password",
        false,
        NoSecret,
        &question(&[], password, false),
    );
    visit(
        "question-code",
        false,
        NoSecret,
        &question(&said, &code, false),
    );
    visit(
        "question-other",
        false,
        NoSecret,
        &question(&said, prompt, true),
    );
    let lines = [format!("{text}\n  two lines: {text}")].map(Zeroizing::new);
    visit(
        "question-lines",
        false,
        NoSecret,
        &question(&lines, prompt, false),
    );
    let digits = Dialogue::CodeQuestion { digits: 6 }.text(language);
    let told = told_key(&device, &uri, language);
    visit(
        "question-told-key",
        false,
        TheKey,
        &question(&told, &digits, true),
    );
    let key = [
        text.clone(),
        format!("Key to copy:\n\n  (see below)\n\nURI:\n\n  {}\n", *uri),
    ]
    .map(Zeroizing::new);
    visit(
        "question-key",
        false,
        TheKey,
        &question(&key, &digits, true),
    );
    let asked = [
        ("question-begin", Dialogue::BeginQuestion),
        ("question-later", Dialogue::BeginOrLaterQuestion),
        ("question-kept", Dialogue::KeptQuestion),
    ]
    .map(|(page, asked)| (page, asked.text(language)));
    for (page, asked) in &asked {
        visit(page, false, NoSecret, &question(&said, asked, true));
    }
    let sheet = |language| {
        let owner = (user, "web1");
        recovery_sheet::reveal(owner, language, &codes, Local::utc(NOW)).to_string()
    };
    let with_sheet = [sheet(language), text.clone()].map(Zeroizing::new);
    visit(
        "question-sheet",
        false,
        RecoveryCodes,
        &question(&with_sheet, prompt, true),
    );
    for (page, change) in [
        ("change-enrol", Change::Enrol(name.clone())),
        ("change-add", Change::Add(name.clone())),
        ("change-remove", Change::Remove(Some(name.clone()))),
        ("change-codes", Change::RecoveryCodes),
    ] {
        let asked = Question {
            conversation,
            purpose: Purpose::Change {
                change: &change,
                goes: &names,
                imported_codes_go: true,
            },
            texts: &[],
            prompt: password,
            echo: false,
        };
        visit(page, true, NoSecret, &asked);
    }
    let recovered = Spoken::RecoveryUsed { left: 9 }.text_in_a_browser(language);
    let recovered = [Zeroizing::new(wrap(&recovered, 80))];
    let demanded = Spoken::EnrolUntil {
        deadline: Zone::UTC.at(NOW.after(Duration::from_secs(25 * 86_400))),
        now: NOW,
    };
    let demanded = [Zeroizing::new(demanded.text_in_a_browser(language))];
    for (page, texts, enrolled) in [
        ("said", &said, true),
        ("said-recovered", &recovered, true),
        ("said-demanded", &demanded, false),
    ] {
        let onwards = "/";
        let said = Said {
            texts,
            onwards,
            enrolled,
        };
        visit(page, true, NoSecret, &said);
    }

    // Changes.
    let deadline = NOW.after(Duration::from_secs(25 * 86_400));
    let set_up = |wanted, wrong| SetUp {
        name: name.as_str(),
        issuer,
        wanted,
        wrong,
    };
    let by_then = Wanted::From(deadline);
    visit("set-up", true, NoSecret, &set_up(by_then, None));
    visit("set-up-now", true, NoSecret, &set_up(Wanted::Now, None));
    for (page, wrong) in [
        ("set-up-empty", Unaccepted::Empty),
        ("set-up-no-name", Unaccepted::NotAName),
        ("set-up-taken", Unaccepted::Taken),
    ] {
        visit(page, true, NoSecret, &set_up(Wanted::Nothing, Some(wrong)));
    }
    let add = Add {
        name: "",
        wrong: None,
    };
    visit("add", true, NoSecret, &add);
    let replace = Replace {
        name: name.as_str(),
        goes: &names,
        wrong: None,
    };
    visit("replace", true, NoSecret, &replace);
    for (page, is_last) in [("remove", false), ("remove-last", true)] {
        visit(page, true, NoSecret, &Remove { name, is_last });
    }
    visit("new-codes", true, NoSecret, &NewCodes { left: 7 });
    let replacing = Change::Enrol(name.clone());
    let enrol = |checked| Enrol {
        conversation,
        user,
        issuer,
        change: &replacing,
        goes: &[],
        device: &device,
        checked,
    };
    visit("enrol", true, TheKey, &enrol(None));
    let replace = Enrol {
        goes: &names,
        ..enrol(None)
    };
    visit("enrol-replace", true, TheKey, &replace);
    let ignored = Ignored::from_number(5).unwrap();
    for (page, proof) in [
        ("enrol-behind", Proof::Behind(Duration::from_secs(90))),
        ("enrol-ahead", Proof::Ahead(Duration::from_secs(3690))),
        ("enrol-no-match", Proof::NoMatch),
        ("enrol-ignores", Proof::Ignores(ignored)),
        ("enrol-no-code", Proof::NotACode),
    ] {
        visit(page, true, TheKey, &enrol(Some((proof, 2))));
    }
    for (page, unticked) in [("codes", false), ("codes-unticked", true)] {
        let codes = Codes {
            conversation,
            user,
            machine: "web1.example.org",
            codes: &codes,
            issued: NOW,
            unticked,
            with_device: true,
        };
        visit(page, true, RecoveryCodes, &codes);
    }

    // The account.
    let sites = [format!("https://{host}")];
    let home = |devices: Option<_>, notice| Home {
        devices: devices.ok_or(Wanted::Nothing),
        sites: &sites,
        notice,
    };
    let enrolled = Notice::Enrolled {
        name: name.as_str(),
        codes: 10,
    };
    let open = overview(name, Standing::Open);
    visit("home", true, NoSecret, &home(Some(&open), Some(enrolled)));
    let mut few = overview(
        name,
        Standing::Locked {
            since: NOW,
            lasts: Duration::from_secs(900),
        },
    );
    few.recovery_codes_left = 1;
    let removed = |last| Notice::Removed {
        name: name.as_str(),
        last,
    };
    visit(
        "home-locked",
        true,
        NoSecret,
        &home(Some(&few), Some(removed(false))),
    );
    let mut imported = overview(name, Standing::Disabled);
    imported.recovery_codes_imported = true;
    imported.last_refusal = Some((NOW, Refusal::ClockOff));
    visit(
        "home-imported",
        true,
        NoSecret,
        &home(Some(&imported), Some(Notice::NewCodes { codes: 10 })),
    );
    let without = |wanted, notice| Home {
        devices: Err(wanted),
        sites: &[],
        notice,
    };
    let later = without(by_then, Some(Notice::Later));
    visit("home-none", true, NoSecret, &later);
    let now = without(Wanted::Now, None);
    visit("home-none-now", true, NoSecret, &now);
    visit("home-left", true, NoSecret, &home(None, Some(Notice::Left)));

    // Tries of codes.
    visit("try", true, NoSecret, &Try { tried: None });
    let accepted = Verdict::Accepted {
        authenticator: name.clone(),
        resynchronised: None,
    };
    let locked = Verdict::RejectedAndLocked {
        standing: Standing::Locked {
            since: NOW,
            lasts: Duration::from_secs(900),
        },
    };
    for (page, verdict) in [
        ("try-right", accepted),
        ("try-recovery", Verdict::Recovered { left: 6 }),
        ("try-wrong", Verdict::Rejected { left: 3 }),
        ("try-replayed", Verdict::Replayed),
        ("try-empty", Verdict::Empty),
        ("try-locked", locked),
    ] {
        let tried = Some(Tried {
            verdict: &verdict,
            opens: true,
        });
        visit(page, true, NoSecret, &Try { tried });
    }

    // Events and sessions.
    let ago = |seconds: u64| UnixTime::from_seconds(NOW.seconds() - seconds);
    let event = |seconds, event, service: &str, host: &str, authenticator: &str| Event {
        when: ago(seconds),
        event,
        verb: match event {
            What::Change => "replace".to_owned(),
            _ => String::new(),
        },
        service: service.to_owned(),
        host: host.to_owned(),
        authenticator: authenticator.to_owned(),
    };
    let events = [
        event(60, What::Accept, "otp-portal", "192.0.2.17", name.as_str()),
        event(4000, What::Reject, "sshd", "2001:db8::7", ""),
        event(9000, What::Lock, "sshd", host, ""),
        event(90_000, What::Recovery, "login", "", ""),
        event(700_000, What::Change, "", "", name.as_str()),
    ];
    let all = Events {
        events: &events,
        is_cut: true,
    };
    visit("events", true, NoSecret, &all);
    let none = Events {
        events: &[],
        is_cut: false,
    };
    visit("events-none", true, NoSecret, &none);
    let session = |address: &str, seconds, is_this| Session {
        since: ago(seconds),
        used: ago(seconds / 9),
        ends: ago(seconds).after(Duration::from_secs(43_200)),
        address: address.to_owned(),
        is_this,
    };
    let sessions = [
        session("192.0.2.17", 600, true),
        session(host, 30_000, false),
    ];
    let sessions = Sessions {
        sessions: &sessions,
    };
    visit("sessions", true, NoSecret, &sessions);

    // Messages.
    for (page, is_in, told) in messages(world, &said) {
        visit(page, is_in, NoSecret, &Message { told });
    }
    for (page, refused) in refusals(name) {
        let told = Told::Refused(&refused);
        visit(page, true, NoSecret, &Message { told });
    }
}

fn messages<'a>(
    world: &'a World,
    said: &'a [Zeroizing<String>],
) -> Vec<(&'static str, bool, Told<'a>)> {
    let host = world.host.as_str();
    let ends = NOW.after(Duration::from_secs(900));
    let ended = Told::SessionEnded;
    vec![
        (
            "message-locked-until",
            false,
            Told::LockedUntil { ends, opens: true },
        ),
        ("message-held", false, Told::Held { opens: false }),
        ("message-disabled", false, Told::Disabled),
        ("message-not-enrolled", false, Told::NotEnrolled),
        ("message-unavailable", false, Told::Unavailable),
        ("message-idle", false, ended(Ended::Idle)),
        ("message-absolute", false, ended(Ended::Absolute)),
        ("message-login-too-old", false, ended(Ended::LoginTooOld)),
        ("message-account", false, ended(Ended::Account)),
        ("message-locked", false, ended(Ended::Locked)),
        (
            "message-authenticators",
            false,
            ended(Ended::Authenticators),
        ),
        ("message-everywhere", false, ended(Ended::Everywhere)),
        ("message-unproven", false, ended(Ended::Unproven)),
        ("message-ended", false, ended(Ended::Other)),
        (
            "message-too-many",
            false,
            Told::TooManyAttempts {
                wait: Duration::from_secs(61),
            },
        ),
        ("message-not-found", true, Told::NotFound),
        ("message-wrong-site", false, Told::WrongSite { host }),
        ("message-not-for-you", true, Told::NotForYou { host }),
        ("message-too-old", false, Told::FormTooOld),
        ("message-bad-request", false, Told::BadRequest),
        (
            "message-not-authenticated",
            true,
            Told::NotAuthenticated(said),
        ),
        ("message-time-is-over", true, Told::TimeIsOver),
        ("message-unknown", true, Told::Unknown),
        ("message-uncertain", false, Told::Uncertain),
        ("message-logged-out", false, Told::LoggedOut),
        (
            "message-logged-out-everywhere",
            false,
            Told::LoggedOutEverywhere,
        ),
    ]
}

fn refusals(name: &Name) -> Vec<(&'static str, Refused)> {
    vec![
        ("refused-locked", Refused::Locked { opens: true }),
        ("refused-disabled", Refused::Disabled),
        ("refused-not-enrolled", Refused::NotEnrolled),
        ("refused-name-taken", Refused::NameTaken(name.clone())),
        ("refused-full", Refused::Full(5)),
        ("refused-no-such-name", Refused::NoSuchName(name.clone())),
        ("refused-which-one", Refused::WhichOne(vec![name.clone()])),
        ("refused-demanded", Refused::Demanded),
        ("refused-no-codes", Refused::NoCodes),
        ("refused-not-proven", Refused::NotProven),
        ("refused-changed", Refused::ChangedMeanwhile),
    ]
}

/// Returns what an enrolment at login tells about a key.
fn told_key(device: &Authenticator, uri: &str, language: Language) -> [Zeroizing<String>; 1] {
    let key = device.secret.reveal_bytes();
    let (lines, plain) = (base32::reveal_in_groups(key), base32::reveal(key));
    let lines: Vec<&str> = lines.iter().map(|line| line.as_str()).collect();
    let block = [
        KeyLine::Sentence(Dialogue::GiveKey),
        KeyLine::Secret(Dialogue::Key, &lines),
        KeyLine::Secret(Dialogue::PlainKey, &[&plain]),
        KeyLine::Secret(Dialogue::Uri, &[uri]),
        KeyLine::Sentence(Dialogue::Settings(device)),
    ];
    [Block::Key(&block).reveal(language, 79)]
}
