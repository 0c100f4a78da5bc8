use super::*;
use crate::record::{
    AtLogin, CodePolicy, Digits, EnforcePolicy, Id, LockoutPolicy, Name, Secret, ServiceName,
    ServicePolicy,
};
use crate::{mail, network::Network};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

const NOW: UnixTime = UnixTime::from_seconds(1_800_000_010);
const DAY: Duration = Duration::from_secs(86_400);

fn device(code: CodePolicy) -> Authenticator {
    Authenticator {
        id: Id::from_random([0; 8]),
        name: Name::new(DEFAULT_NAME).unwrap(),
        kind: Kind::Totp(code.period),
        algorithm: code.algorithm,
        digits: code.digits,
        secret: Secret::new(Zeroizing::new(vec![0; 20])).unwrap(),
        window: None,
        created: NOW,
    }
}

/// What a guide is made for in a test.
#[derive(Default)]
struct Case {
    policy: Policy,
    service: Option<ServicePolicy>,
    enrols_in: Option<Enrolling>,
    excuses: Excuses,
    portal: Option<(String, bool)>,
}

impl Case {
    fn of(change: impl FnOnce(&mut Policy)) -> Self {
        let mut case = Self::default();
        change(&mut case.policy);
        case
    }

    fn guide(&self, language: Language) -> Guide {
        let sshd = || ServiceName::new("sshd").unwrap();
        let services: BTreeMap<_, _> = self
            .service
            .iter()
            .map(|one| (sshd(), one.clone()))
            .collect();
        let policies = Policies::new(self.policy.clone(), services);
        let portal = self.portal.as_ref();
        let facts = Facts {
            site: "Example",
            issuer: "example.org",
            machine: "web1",
            version: "1.2.3",
            now: NOW,
            zone: &Zone::UTC,
            policies: &policies,
            device: &device(self.policy.code),
            enrols_in: self.enrols_in.as_ref(),
            excuses: self.excuses,
            portal: portal.map(|(url, enrols)| Portal {
                url,
                enrols: *enrols,
            }),
        };
        facts.guide(language)
    }

    /// Everything that the guide says, without marks.
    fn said(&self, language: Language) -> String {
        let guide = self.guide(language);
        let mut said = vec![guide.title];
        for section in guide.sections {
            said.push(section.heading);
            for part in section.parts {
                match part {
                    Part::Paragraph(text) | Part::Picture(_, text) => said.push(text),
                    Part::Steps(steps) => said.extend(steps),
                }
            }
        }
        said.push(guide.footer);
        let marks = [TYPED, ADDRESS].concat();
        said.join("\n").replace(marks.as_slice(), "")
    }
}

/// Policies and machines of which a guide says different things.
fn cases() -> Vec<Case> {
    let network = || vec![Network::parse("10.0.0.0/8").unwrap()];
    let lockout = |unlock, longest: Duration, disable| {
        LockoutPolicy::new(5, unlock, longest, disable).unwrap()
    };
    let in_services = |services: &[&str], at_login| Case {
        enrols_in: Some(Enrolling {
            services: services.iter().map(|&one| one.to_owned()).collect(),
            offer: at_login == AtLogin::Offer,
            qr: Style::Unicode,
        }),
        ..Case::of(|policy| policy.enroll.at_login = at_login)
    };
    let portal = |enrols| Case {
        portal: Some(("https://login.example.org".to_owned(), enrols)),
        ..Case::default()
    };
    let service = |change: &dyn Fn(&mut ServicePolicy)| {
        let mut service = ServicePolicy::default();
        change(&mut service);
        Case {
            service: Some(service),
            ..Case::default()
        }
    };
    let enforced =
        |change: &dyn Fn(&mut EnforcePolicy)| Case::of(|policy| change(&mut policy.enforce));
    let first = Duration::from_secs(900);
    vec![
        Case::default(),
        Case::of(|policy| policy.code.digits = Digits::new(8).unwrap()),
        Case::of(|policy| policy.code.period = Period::SIXTY),
        Case::of(|policy| policy.code.period = Period::new(90).unwrap()),
        Case::of(|policy| policy.code.algorithm = Algorithm::Sha256),
        Case::of(|policy| policy.recovery.codes = 0),
        Case::of(|policy| policy.recovery.codes = 1),
        Case::of(|policy| policy.recovery.opens_lock = false),
        Case::of(|policy| policy.lockout = lockout(Unlock::Never, DAY, None)),
        Case::of(|policy| policy.lockout = lockout(Unlock::After(first), first, Some(100))),
        Case::of(|policy| policy.lockout = lockout(Unlock::After(first), DAY, Some(50))),
        Case::of(|policy| policy.lockout = lockout(Unlock::After(first), DAY, Some(5))),
        Case::of(|policy| policy.enroll.max_authenticators = 3),
        Case::of(|policy| policy.trust.networks = network()),
        Case::of(|policy| policy.trust.remember = Duration::from_secs(8 * 3600)),
        service(&|service| service.remember = Some(Duration::from_secs(3600))),
        Case::of(|policy| policy.language = Language::Korean),
        Case::of(|policy| {
            policy.recovery.email = true;
            policy.mail.address = mail::AddressSource::Command("/bin/address".into());
        }),
        Case::of(|policy| {
            policy.enroll.verify_email = true;
            policy.mail.address = mail::AddressSource::Command("/bin/address".into());
        }),
        Case::of(|policy| {
            policy.fleet.verifiers = vec![crate::record::Verifier::parse("v1").unwrap()];
        }),
        enforced(&|enforce| enforce.groups = Groups::Named(Vec::new())),
        enforced(&|enforce| enforce.groups = Groups::Named(vec!["staff".to_owned()])),
        enforced(&|enforce| enforce.from = Some(NOW.after(DAY))),
        enforced(&|enforce| enforce.grace = 7 * DAY),
        enforced(&|enforce| {
            enforce.from = Some(NOW.after(DAY));
            enforce.grace = 7 * DAY;
        }),
        in_services(&[], AtLogin::Require),
        in_services(&["ssh"], AtLogin::Require),
        in_services(&["login", "ssh"], AtLogin::Require),
        {
            let mut case = in_services(&["ssh"], AtLogin::Offer);
            case.policy.enforce.grace = DAY;
            case
        },
        portal(false),
        portal(true),
        Case {
            excuses: Excuses::Somewhere,
            ..Case::default()
        },
        Case::of(|policy| {
            policy.recovery.codes = 0;
            policy.recovery.email = true;
            policy.mail.address = mail::AddressSource::Command("/bin/address".into());
        }),
    ]
}

fn figures(text: &str) -> Vec<&str> {
    let mut figures: Vec<&str> = text
        .split(|c: char| !c.is_ascii_digit())
        .filter(|word| !word.is_empty())
        .collect();
    figures.sort_unstable();
    figures
}

#[test]
fn both_languages_have_the_same_parts_and_the_same_figures_in_each() {
    for (at, case) in cases().into_iter().enumerate() {
        let [english, korean] = Language::ALL.map(|language| case.guide(language));
        assert_eq!(english.sections.len(), korean.sections.len());
        for (one, other) in english.sections.iter().zip(&korean.sections) {
            assert_eq!(one.parts.len(), other.parts.len());
            for parts in one.parts.iter().zip(&other.parts) {
                let (one, other) = match parts {
                    (Part::Paragraph(one), Part::Paragraph(other)) => (one.clone(), other.clone()),
                    (Part::Steps(one), Part::Steps(other)) => {
                        assert_eq!(one.len(), other.len());
                        (one.join(" "), other.join(" "))
                    }
                    (Part::Picture(one, caption), Part::Picture(other, its)) => {
                        assert_eq!(one, other);
                        (caption.clone(), its.clone())
                    }
                    _ => panic!("another kind of part"),
                };
                // "2단계 인증" is what Korean services call a second factor.
                let other = other.replace("2단계", "");
                assert_eq!(figures(&one), figures(&other), "{at}: {one} {other}");
                // A login asks in the language of the policy.
                let prompt = Message::CodePrompt.text(case.policy.language);
                let one = one.replace(prompt.trim(), "");
                assert!(one.is_ascii() && other.contains(|c| ('가'..='힣').contains(&c)));
            }
        }
    }
}

#[test]
fn each_of_these_policies_and_machines_changes_what_is_said_in_each_language() {
    for language in Language::ALL {
        let mut said: Vec<String> = cases().iter().map(|case| case.said(language)).collect();
        let all = said.len();
        said.sort_unstable();
        said.dedup();
        assert_eq!(said.len(), all);
    }
}

#[test]
fn every_sentence_is_said_to_somebody() {
    let everything: String = cases()
        .iter()
        .map(|case| case.said(Language::English))
        .collect();
    for word in [
        "You cannot log in without a code.",
        "You need not use it.",
        "until 2027-01-16 08:00 UTC. Set",
        "for 7 days from your first login on. Set",
        "or for 7 days from your first login on if that ends later",
        "Some accounts do not need one",
        "on all machines of Example",
        "Any authenticator app works",
        "KeePassXC can.",
        "KeePassXC 2.7.10 can.",
        "through login or ssh.",
        "or type later to put it off",
        "Open https://login.example.org and log in",
        "Log in as before, and run otp-enroll in a terminal.",
        "run otp-enroll --lang en",
        "The code is",
        "mailed to your address",
        "type kept",
        "Then confirm it.",
        "for 8 hours, if you",
        "some programs do not ask you for another for up to 1 hour",
        "From some networks",
        "Is it used",
        "Use https://login.example.org or otp-enroll recovery-codes",
        "up to 3 devices",
        "Or type email",
        "Type email",
        "Some programs let you in without one",
        "Ask your administrator to remove",
        "does not end by itself",
        "The lock ends after 15 minutes. A recovery code",
        "up to 1 day. A recovery code",
        "Your administrator can open it",
        "After 50 wrong codes",
    ] {
        assert!(everything.contains(word), "nobody is told {word:?}");
    }
}

#[test]
fn an_account_that_is_disabled_at_once_is_not_said_to_be_locked() {
    let case = Case::of(|policy| {
        let first = Unlock::After(DAY);
        policy.lockout = LockoutPolicy::new(5, first, DAY, Some(5)).unwrap();
    });
    let said = case.said(Language::English);
    assert!(said.contains("After 5 wrong codes in a row the account is disabled"));
    assert!(!said.contains("lock the account"));
}

#[test]
fn where_nobody_must_no_login_is_said_to_show_a_qr_code() {
    let mut case = Case {
        enrols_in: Some(Enrolling {
            services: vec!["ssh".to_owned()],
            offer: false,
            qr: Style::Unicode,
        }),
        portal: Some(("https://login.example.org".to_owned(), true)),
        ..Case::default()
    };
    case.policy.enforce.groups = Groups::Named(Vec::new());
    let said = case.said(Language::English);
    assert!(said.contains("Log in as before, and run otp-enroll"));
    assert!(!said.contains("Press Enter") && !said.contains("Open https"));
}

#[test]
fn users_whom_nullok_excuses_are_not_told_that_they_need_a_code() {
    let said = |excuses| {
        let case = Case {
            excuses,
            ..Case::default()
        };
        Language::ALL.map(|language| case.said(language))
    };
    let [english, korean] = said(Excuses::Everywhere);
    assert!(english.contains("You need not use it.") && korean.contains("선택할 수 있습니다"));
    assert!(english.contains("Log in as before, and run otp-enroll"));
    assert!(!english.contains("You cannot log in without a code"));
    let [english, _] = said(Excuses::Somewhere);
    assert!(english.contains("You cannot log in without a code. Some programs let you in"));
}

#[test]
fn a_lost_phone_without_recovery_codes_is_for_the_administrator_also_if_a_code_is_mailed() {
    let case = Case::of(|policy| {
        policy.recovery.codes = 0;
        policy.recovery.email = true;
        policy.mail.address = mail::AddressSource::Command("/bin/address".into());
    });
    let said = case.said(Language::English);
    assert!(said.contains("\nType email where you are asked for the code"));
    assert!(said.contains("for this login. Ask your administrator to remove the lost phone."));
}

#[test]
fn a_login_is_described_by_what_its_service_does_and_not_by_the_general_keys() {
    let mut case = Case::of(|policy| {
        policy.enroll.at_login = AtLogin::Offer;
        policy.enforce.grace = DAY;
    });
    case.enrols_in = Some(Enrolling {
        services: vec!["ssh".to_owned()],
        offer: false,
        qr: Style::None,
    });
    let said = case.said(Language::English);
    assert!(said.contains("Press Enter to set it up.") && said.contains("and type the key"));
    assert!(!said.contains("later") && !said.contains("scan the QR code. The entry"));
}

/// Phones are named only for the settings that every app has by default; no app there was tried.
#[test]
fn only_apps_that_are_right_for_the_policy_are_named() {
    let known = include_str!("../../../../conf/apps.toml");
    let (not_tried, tried) = known.split_once("[[app]]").unwrap();
    let value = |app: &str, key: &str| {
        let line = app
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{key} = ")));
        line.unwrap().trim_matches('"').to_owned()
    };
    for (name, first) in ALWAYS_RIGHT {
        let versions: Vec<&str> = tried
            .split("[[app]]")
            .filter(|app| value(app, "name") == name)
            .collect();
        assert!(versions.len() > 1);
        for app in versions {
            assert_eq!(
                [value(app, "algorithm"), value(app, "digits")],
                ["yes", "yes"]
            );
            let is_named = value(app, "version") == first;
            let period = if is_named { "yes" } else { "up to 60" };
            assert_eq!(value(app, "period"), period, "{name}");
            assert_eq!(value(app, "codes") == "36", is_named);
        }
    }
    for name in FOR_A_PHONE.iter().chain(&FOR_A_COMPUTER[1..]) {
        assert!(not_tried.contains(name), "{name}");
    }
    let usual = Case::default().said(Language::English);
    for name in FOR_A_PHONE.iter().chain(&FOR_A_COMPUTER) {
        assert!(usual.contains(name));
    }
    for change in [
        |code: &mut CodePolicy| code.algorithm = Algorithm::Sha512,
        |code: &mut CodePolicy| code.digits = Digits::new(7).unwrap(),
        |code: &mut CodePolicy| code.period = Period::new(15).unwrap(),
    ] {
        let said = Case::of(|policy| change(&mut policy.code)).said(Language::English);
        for name in FOR_A_PHONE.iter().chain(&FOR_A_COMPUTER[1..]) {
            assert!(!said.contains(name), "{name}");
        }
        assert!(said.contains("KeePassXC can."));
    }
}

#[test]
fn a_sentence_comes_apart_at_its_marks_and_loses_nothing() {
    let sentence = format!("Run {} or see {}.", typed("a b"), address("https://x"));
    assert_eq!(
        runs(&sentence),
        [
            Run::Words("Run "),
            Run::Typed("a b"),
            Run::Words(" or see "),
            Run::Address("https://x"),
            Run::Words(".")
        ]
    );
    assert_eq!(runs(&typed("a")), [Run::Typed("a")]);
    assert_eq!(runs("a"), [Run::Words("a")]);
    assert_eq!(runs(""), []);
}
