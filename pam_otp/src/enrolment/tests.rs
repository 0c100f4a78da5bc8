//! The dialogue inside a login, played by a script that reads the screen as a person does.

use crate::host::{Disposition, Passed};
use crate::player::{CODE, Machine, NOON, Player, account_of, bytes};
use otp_core::code::Generator;
use otp_core::record::{Algorithm, Digits, Id, Kind, Name, Period, Secret};
use otp_core::{Authenticator, Step, base32};
use otp_site::groups;
use otp_store::change::{Change, Draft};
use std::time::Duration;

const REQUIRE: &str = "[enroll]\nat_login = \"require\"\n";
/// NOON is 2025-11-20 12:00 UTC.
const OFFER_UNTIL_TOMORROW: &str =
    "[enroll]\nat_login = \"offer\"\n[enforce]\nfrom = \"2025-11-21\"\n";

const BEGIN: &str = "Press Enter to set it up: ";
const BEGIN_OR_LATER: &str = "Press Enter to set it up, or type \"later\": ";
const NEW_CODE: &str = "6-digit code that the device shows now: ";
const KEEP: &str = "Type \"kept\" when the recovery codes are kept: ";

fn bob() -> Player {
    let mut host = Player::new("bob");
    host.passed = Some(Passed::Left {
        user: "bob".to_owned(),
        nullok: false,
        may_enrol: true,
    });
    host
}

/// Returns the code that an authenticator with the key on the screen shows `steps` from now.
fn code_from(screen: &str, steps: i64) -> String {
    let key = screen
        .split(if screen.contains("Key to copy: ") {
            "Key to copy: "
        } else {
            "복사할 키: "
        })
        .nth(1)
        .unwrap()
        .lines()
        .next()
        .unwrap();
    let device = Authenticator {
        id: Id::from_random([0; 8]),
        name: Name::new("phone").unwrap(),
        kind: Kind::Totp(Period::THIRTY),
        algorithm: Algorithm::Sha1,
        digits: Digits::SIX,
        secret: Secret::new(base32::parse(key).unwrap()).unwrap(),
        window: None,
        created: NOON,
    };
    let step = NOON
        .step(Period::THIRTY)
        .0
        .checked_add_signed(steps)
        .unwrap();
    Generator::new(&device).reveal(Step(step)).to_string()
}

/// Answers the question for a code with the code that the authenticator shows `steps` from now.
fn with_code(host: Player, steps: i64) -> Player {
    host.asked_with(
        NEW_CODE,
        Box::new(move |screen| Some(bytes(&code_from(screen, steps)))),
    )
}

fn is_enrolled(machine: &Machine) -> bool {
    otp_store::account::is_enrolled(&machine.store(), &account_of("bob").unwrap()).unwrap()
}

/// Whether only alice's record is in the directory of records.
fn left_no_trace(machine: &Machine) -> bool {
    let entries = std::fs::read_dir(machine.directory.path().join("state")).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    // Alice was there before, and so was the mark that users have enrolled.
    names == [".enrolled", "alice"]
}

#[test]
fn a_user_who_scans_types_and_keeps_the_codes_is_enrolled_and_let_in() {
    let machine = Machine::new();
    machine.policy(REQUIRE);
    let mut host = with_code(bob().asked(BEGIN, ""), 0).asked(KEEP, "kept");
    assert_eq!(machine.manage(&mut host, ""), Disposition::Success);
    assert!(is_enrolled(&machine));
    let screen = host.told.join("\n");
    for words in [
        "Logging in to web1 takes a second factor",
        "otpauth://totp/web1:bob?secret=",
        "time-based, 6 digits, 30 s, SHA-1",
        "Recovery codes of bob at web1.example.org",
        "bob: authenticator \"phone\" is enrolled",
    ] {
        assert!(screen.contains(words), "{words}");
    }
    assert!(screen.lines().all(|line| line.chars().count() <= 100));
    assert!(
        !screen.contains('\x1b'),
        "an ssh client shows escape sequences as they are"
    );
    let line = "user=\"bob\" service=\"sshd\" rhost=\"192.0.2.1\" phase=\"account\" verb=\"enrol\" authenticator=\"phone\"";
    let logged = ["otp.changing", "otp.change"].map(|event| format!("{event} {line}"));
    assert_eq!(host.log, logged);
    // The code that proved the device is used up.
    let used = code_from(&screen, 0);
    let mut host = Player::new("bob").asked(CODE, &used);
    assert_eq!(machine.play(&mut host, ""), Disposition::Refused);
    assert_eq!(host.event(), "otp.replay");
}

/// A policy of an earlier version, which commands now refuse, refuses nobody who logs in.
#[test]
fn a_colon_in_the_issuer_is_left_out_and_logged_and_refuses_no_login() {
    let machine = Machine::new();
    machine.policy(&format!("issuer = \"Dept: Ops\"\n{REQUIRE}"));
    let mut host = with_code(bob().asked(BEGIN, ""), 0).asked(KEEP, "kept");
    assert_eq!(machine.manage(&mut host, ""), Disposition::Success);
    assert!(is_enrolled(&machine));
    let screen = host.told.join("\n");
    let uri = screen.split("URI: ").nth(1).unwrap();
    assert!(uri.starts_with("otpauth://totp/Dept%20Ops:bob?secret="));
    assert!(uri.lines().next().unwrap().ends_with("&issuer=Dept%20Ops"));
    let warned = host
        .log
        .iter()
        .filter(|line| line.starts_with("otp.policy"));
    assert_eq!(warned.count(), 1, "{:?}", host.log);
    let used = code_from(&screen, 0);
    let mut host = Player::new("bob").asked(CODE, &used);
    assert_eq!(machine.play(&mut host, ""), Disposition::Refused);
    assert_eq!(host.event(), "otp.replay", "the code is looked at");
}

#[test]
fn the_drawing_begins_on_its_own_line_and_fits_80_by_24_with_the_question() {
    let machine = Machine::new();
    machine.policy(REQUIRE);
    let mut host = with_code(bob().asked(BEGIN, ""), 0).asked(KEEP, "kept");
    machine.manage(&mut host, "");
    let drawing = host.told.iter().find(|text| text.contains('█')).unwrap();
    let lines: Vec<_> = drawing
        .strip_prefix('\n')
        .expect("the message begins on a new line")
        .lines()
        .collect();
    // Besides the question, there must be room for advice if the app sees nothing.
    assert!(lines.len() <= 22 && lines.iter().all(|line| line.chars().count() <= 80));
    assert!(
        lines
            .iter()
            .all(|line| line.chars().all(|c| " █▀▄".contains(c)))
    );
}

#[test]
fn an_ascii_drawing_is_taller_and_says_so_and_style_none_draws_nothing() {
    for (qr, signs, scroll) in [("ascii", true, true), ("none", false, false)] {
        let machine = Machine::new();
        machine.policy(&format!("{REQUIRE}qr = \"{qr}\"\n"));
        let mut host = with_code(bob().asked(BEGIN, ""), 0).asked(KEEP, "kept");
        assert_eq!(machine.manage(&mut host, ""), Disposition::Success);
        let screen = host.told.join("\n");
        assert_eq!(screen.contains("@@"), signs);
        assert_eq!(screen.contains("scroll back"), scroll);
        assert!(!screen.contains('█'));
    }
}

#[test]
fn the_style_of_the_drawing_is_that_of_the_service_and_the_line_overrules_it() {
    for (policy, arguments, sign) in [
        ("[service.sshd]\nqr = \"ascii\"\n", "", "@@"),
        ("[service.sshd]\nqr = \"none\"\n", "", ""),
        ("[service.su]\nqr = \"none\"\n", "", "█"),
        ("", "qr=ascii", "@@"),
        ("[service.sshd]\nqr = \"none\"\n", "qr=unicode", "█"),
        ("[service.sshd]\nqr = \"ascii\"\n", "qr=none", ""),
    ] {
        let machine = Machine::new();
        machine.policy(&format!("{REQUIRE}{policy}"));
        let mut host = with_code(bob().asked(BEGIN, ""), 0).asked(KEEP, "kept");
        assert_eq!(machine.manage(&mut host, arguments), Disposition::Success);
        let screen = host.told.join("\n");
        for each in ["@@", "█"] {
            assert_eq!(screen.contains(each), each == sign, "{policy}{arguments}");
        }
    }
}

#[test]
fn the_service_decides_whether_a_login_enrols() {
    for (policy, course) in [
        ("[service.sshd]\nat_login = \"require\"\n", Some(BEGIN)),
        (
            "[enroll]\nat_login = \"require\"\n[service.sshd]\nat_login = \"off\"\n",
            None,
        ),
        ("[service.su]\nat_login = \"require\"\n", None),
        (
            "[enforce]\nfrom = \"2025-11-21\"\n[enroll]\nat_login = \"require\"\n[service.sshd]\nat_login = \"offer\"\n",
            Some(BEGIN_OR_LATER),
        ),
    ] {
        let machine = Machine::new();
        machine.policy(policy);
        let mut host = bob();
        if let Some(question) = course {
            host = host.asked_with(question, Box::new(|_| None));
        }
        machine.manage(&mut host, "");
    }
}

/// If a terminal shows nothing of the drawing, such as one that drops all that is not ASCII, the key can be typed.
#[test]
fn key_and_uri_are_shown_in_ascii_above_the_drawing() {
    let machine = Machine::new();
    machine.policy(REQUIRE);
    let mut host = with_code(bob().asked(BEGIN, ""), 0).asked(KEEP, "kept");
    assert_eq!(machine.manage(&mut host, ""), Disposition::Success);
    let screen = host.told.join("\n");
    let above = screen.split('█').next().unwrap();
    for label in ["Key to copy: ", "URI: otpauth://totp/"] {
        let line = above.lines().find(|line| line.starts_with(label));
        assert!(line.expect("above the drawing").is_ascii());
    }
}

#[test]
fn three_wrong_codes_end_the_enrolment_and_each_gets_its_own_message() {
    let machine = Machine::new();
    machine.policy(REQUIRE);
    let host = bob().asked(BEGIN, "").asked(NEW_CODE, "nonsense");
    let mut host = with_code(with_code(host, -10), 10);
    assert_eq!(machine.manage(&mut host, ""), Disposition::Refused);
    let screen = host.told.join(" ").replace('\n', " ");
    for words in [
        "That is not a code",
        "2 tries are left",
        "was right 5 minutes ago",
        "One try is left",
        "will be right in 5 minutes",
        "No authenticator was set up",
    ] {
        assert!(screen.contains(words), "{words}");
    }
    assert!(left_no_trace(&machine));
    assert!(
        host.log
            .last()
            .unwrap()
            .contains("message=\"not-set-up\" result=\"refused\"")
    );
}

#[test]
fn a_conversation_that_ends_at_any_point_leaves_no_trace() {
    for policy in [
        REQUIRE,
        OFFER_UNTIL_TOMORROW,
        "[enroll]\nat_login = \"offer\"\n",
    ] {
        let first = if policy == OFFER_UNTIL_TOMORROW {
            BEGIN_OR_LATER
        } else {
            BEGIN
        };
        let begun = || bob().asked(first, "");
        let cut = |host: Player, question| host.asked_with(question, Box::new(|_| None));
        for mut host in [
            cut(begun(), NEW_CODE),
            cut(begun().asked(NEW_CODE, "000"), NEW_CODE),
            cut(
                begun().asked(NEW_CODE, "000").asked(NEW_CODE, "000"),
                NEW_CODE,
            ),
            cut(with_code(begun(), 0), KEEP),
            cut(with_code(begun(), 0).asked(KEEP, "yes"), KEEP),
        ] {
            let machine = Machine::new();
            machine.policy(policy);
            assert_eq!(machine.manage(&mut host, ""), Disposition::Refused);
            assert_eq!(host.event(), "otp.reject");
            assert!(left_no_trace(&machine));
        }
    }
}

#[test]
fn a_user_who_cannot_be_asked_sees_no_key_and_gets_in_only_before_the_deadline() {
    for (policy, question, answer) in [
        (REQUIRE, BEGIN, Disposition::Refused),
        (OFFER_UNTIL_TOMORROW, BEGIN_OR_LATER, Disposition::Success),
        (
            "[enroll]\nat_login = \"require\"\n[enforce]\nfrom = \"2025-11-21\"\n",
            BEGIN,
            Disposition::Success,
        ),
    ] {
        let machine = Machine::new();
        machine.policy(policy);
        let mut host = bob().asked_with(question, Box::new(|_| None));
        assert_eq!(machine.manage(&mut host, ""), answer, "{policy}");
        assert!(!host.told.join("").contains("otpauth:"));
        assert!(left_no_trace(&machine));
    }
}

#[test]
fn the_answer_later_is_possible_before_the_deadline_and_not_after() {
    for word in ["later", " LATER ", "나중에"] {
        let machine = Machine::new();
        machine.policy(OFFER_UNTIL_TOMORROW);
        let mut host = bob().asked(BEGIN_OR_LATER, word);
        assert_eq!(machine.manage(&mut host, ""), Disposition::Success);
        assert!(left_no_trace(&machine) && host.log[0].contains("days_left=\"1\""));
    }
    // Any other reply is asked again, and five of them count as "later".
    for answers in [&["no", "later"][..], &["no", "q", "x", "latter", "banana"]] {
        let machine = Machine::new();
        machine.policy(OFFER_UNTIL_TOMORROW);
        let asked = |host: Player, reply: &&str| host.asked(BEGIN_OR_LATER, reply);
        let mut host = answers.iter().fold(bob(), asked);
        assert_eq!(machine.manage(&mut host, ""), Disposition::Success);
        assert!(left_no_trace(&machine));
    }
    let mut machine = Machine::new();
    machine.policy(OFFER_UNTIL_TOMORROW);
    machine.now = NOON.after(Duration::from_secs(86_400));
    let mut host = bob()
        .asked(BEGIN, "later")
        .asked_with(NEW_CODE, Box::new(|_| None));
    assert_eq!(machine.manage(&mut host, ""), Disposition::Refused);
}

/// Before the deadline, if policy only offers enrolment, this counts as "later".
#[test]
fn a_user_who_does_not_confirm_keeping_the_codes_leaves_no_trace_and_is_refused_if_enrolment_cannot_wait()
 {
    for (policy, question, answer) in [
        (REQUIRE, BEGIN, Disposition::Refused),
        (OFFER_UNTIL_TOMORROW, BEGIN_OR_LATER, Disposition::Success),
    ] {
        let machine = Machine::new();
        machine.policy(policy);
        let begun = with_code(bob().asked(question, ""), 0);
        let mut host = (0..5).fold(begun, |host, _| host.asked(KEEP, "yes"));
        assert_eq!(machine.manage(&mut host, ""), answer);
        assert!(left_no_trace(&machine));
        let changed = host.log.iter().any(|line| line.starts_with("otp.change "));
        assert!(!changed, "{:?}", host.log);
    }
}

#[test]
fn a_user_whom_no_auth_line_of_ours_has_seen_cannot_enrol() {
    let machine = Machine::new();
    machine.policy(REQUIRE);
    let left = |user: &str, may_enrol| {
        let mut host = bob();
        host.passed = Some(Passed::Left {
            user: user.to_owned(),
            nullok: false,
            may_enrol,
        });
        host
    };
    let (somebody_else, unproven) = (left("alice", true), left("bob", false));
    for mut host in [Player::new("bob"), somebody_else, unproven] {
        assert_eq!(machine.manage(&mut host, ""), Disposition::Refused);
        assert!(left_no_trace(&machine));
    }
}

/// Enrols bob, as another login or `otp-enroll` does.
fn enrol_elsewhere(store: &otp_store::Store) {
    let name = Name::new("other").unwrap();
    let (policy, account) = (otp_core::Policy::default(), account_of("bob").unwrap());
    let begun = Draft::begin(
        Some(store),
        account,
        Change::Enrol(name),
        &policy,
        groups::belongs,
        NOON,
    );
    let mut draft = begun.ok().unwrap();
    let code = Generator::new(draft.device().unwrap()).reveal(NOON.step(Period::THIRTY));
    draft
        .prove(code.to_string().as_bytes(), &policy, NOON)
        .ok()
        .unwrap();
    draft
        .keep(store, &policy, groups::belongs, NOON)
        .ok()
        .unwrap();
}

#[test]
fn the_first_of_two_enrolments_to_finish_counts() {
    let machine = Machine::new();
    machine.policy(REQUIRE);
    let store = machine.store();
    let meanwhile = move |screen: &str| {
        enrol_elsewhere(&store);
        Some(bytes(&code_from(screen, 0)))
    };
    let mut host = bob()
        .asked(BEGIN, "")
        .asked_with(NEW_CODE, Box::new(meanwhile));
    host = host.asked(KEEP, "kept");
    assert_eq!(machine.manage(&mut host, ""), Disposition::Refused);
    assert!(
        host.log
            .last()
            .unwrap()
            .contains("message=\"set-up-meanwhile\"")
    );
    assert_eq!(device_of_bob(&machine), "other");
}

fn device_of_bob(machine: &Machine) -> String {
    let overview = otp_store::Overview::read(
        &machine.store(),
        &account_of("bob").unwrap(),
        &otp_core::Policy::default(),
        || Ok(NOON),
    );
    let overview = overview.unwrap().unwrap();
    overview.authenticators[0].name.as_str().to_owned()
}

/// A record that exists by now is not replaced: its owner has not proven a code of it.
#[test]
fn a_user_who_enrols_elsewhere_before_beginning_sees_no_key_and_keeps_that_record() {
    let machine = Machine::new();
    machine.policy(REQUIRE);
    let store = machine.store();
    let meanwhile = move |_: &str| {
        enrol_elsewhere(&store);
        Some(bytes(""))
    };
    let mut host = bob().asked_with(BEGIN, Box::new(meanwhile));
    assert_eq!(machine.manage(&mut host, ""), Disposition::Refused);
    let last = host.log.last().unwrap();
    assert!(last.contains("message=\"set-up-meanwhile\""), "{last}");
    assert!(!host.told.join("").contains("otpauth:"));
    assert_eq!(device_of_bob(&machine), "other");
}

#[test]
fn a_name_that_the_program_changes_meanwhile_is_not_enrolled() {
    let machine = Machine::new();
    machine.policy(REQUIRE);
    let mut host = with_code(bob().asked(BEGIN, ""), 0).asked(KEEP, "kept");
    host.user_after_question = Some("alice".to_owned());
    assert_eq!(machine.manage(&mut host, ""), Disposition::Unavailable);
    assert!(left_no_trace(&machine));
}

#[test]
fn a_policy_that_becomes_invalid_meanwhile_stores_nothing() {
    let machine = Machine::new();
    machine.policy(REQUIRE);
    let conf = machine.directory.path().join("conf");
    let break_it = move |_: &str| {
        std::fs::write(&conf, "nonsense").unwrap();
        Some(bytes("kept"))
    };
    let mut host = with_code(bob().asked(BEGIN, ""), 0).asked_with(KEEP, Box::new(break_it));
    assert_eq!(machine.manage(&mut host, ""), Disposition::Unavailable);
    assert!(left_no_trace(&machine));
}

#[test]
fn no_question_about_recovery_codes_is_asked_if_none_are_issued() {
    let machine = Machine::new();
    machine.policy(&format!("{REQUIRE}[recovery]\ncodes = 0\n"));
    let mut host = with_code(bob().asked(BEGIN, ""), 0);
    assert_eq!(machine.manage(&mut host, ""), Disposition::Success);
    assert!(is_enrolled(&machine));
}

#[test]
fn the_whole_dialogue_exists_in_korean() {
    let machine = Machine::new();
    machine.policy(REQUIRE);
    let code = |screen: &str| Some(bytes(&code_from(screen, 0)));
    let mut host = bob()
        .asked("등록을 시작하려면 Enter를 눌러 주세요: ", "")
        .asked_with("인증 앱에 표시된 6자리 인증 코드: ", Box::new(code))
        .asked(
            "복구 코드를 보관했으면 \"kept\" 또는 \"보관\"을 입력해 주세요: ",
            "보관",
        );
    assert_eq!(machine.manage(&mut host, "lang=ko"), Disposition::Success);
    let latin = |text: &&String| !text.contains(|c| ('가'..='힣').contains(&c));
    let others: Vec<_> = host.told.iter().filter(latin).collect();
    assert_eq!(others.len(), 1, "only the drawing has no Korean in it");
}

#[test]
fn a_question_that_is_left_open_past_the_deadline_lets_nobody_in() {
    let machine = Machine::new();
    machine.policy(OFFER_UNTIL_TOMORROW);
    let mut host = bob().asked(BEGIN_OR_LATER, "later");
    host.question_takes = Duration::from_secs(86_400);
    assert_eq!(machine.manage(&mut host, ""), Disposition::Refused);
    assert!(
        host.log
            .last()
            .unwrap()
            .contains("message=\"not-enrolled\"")
    );
}

#[test]
fn a_user_who_enrols_elsewhere_while_asked_does_not_get_in_by_later() {
    let machine = Machine::new();
    machine.policy(OFFER_UNTIL_TOMORROW);
    let store = machine.store();
    let meanwhile = move |_: &str| {
        enrol_elsewhere(&store);
        Some(bytes("later"))
    };
    let mut host = bob().asked_with(BEGIN_OR_LATER, Box::new(meanwhile));
    assert_eq!(machine.manage(&mut host, ""), Disposition::Refused);
    assert!(
        host.log
            .last()
            .unwrap()
            .contains("message=\"set-up-meanwhile\"")
    );
}

// The address is confirmed first.

const BY_MAIL: &str = "Code from the email: ";
const VERIFY: &str = "[enroll]\nat_login = \"require\"\nverify_email = true\n[mail]\naddress = \"{user}@example.org\"\n";

/// Types what the last mail says, or what `otherwise` makes of it.
fn with_mailed(host: Player, otherwise: fn(&str) -> String) -> Player {
    let mailbox = host.mailbox.clone();
    host.asked_with(
        BY_MAIL,
        Box::new(move |screen| {
            assert!(!screen.contains("otpauth"), "no key is shown before");
            let mails = mailbox.borrow();
            Some(bytes(&otherwise(&mails.last().expect("a mail").code)))
        }),
    )
}

fn other(code: &str) -> String {
    let first = if code.starts_with('0') { '1' } else { '0' };
    format!("{first}{}", &code[1..])
}

#[test]
fn the_address_is_confirmed_before_the_key_is_shown_and_stored_with_the_authenticator() {
    let machine = Machine::new();
    machine.policy(VERIFY);
    let host = with_mailed(bob().asked(BEGIN, ""), other);
    let host = with_mailed(host, str::to_owned);
    let mut host = with_code(host, 0).asked(KEEP, "kept");
    assert_eq!(machine.manage(&mut host, ""), Disposition::Success);
    assert!(is_enrolled(&machine));
    let kept = machine.directory.path().join("state/bob/mail");
    let kept = std::fs::read_to_string(kept).unwrap();
    assert!(kept.contains("address = \"bob@example.org\""), "{kept}");
    let mails = host.mailbox.borrow();
    assert_eq!(mails.len(), 1, "one mail, whatever is typed");
    assert!(host.log[0].contains("otp.mail ") && host.log[0].contains("to confirm an address"));
}

#[test]
fn three_wrong_mailed_codes_enrol_nobody() {
    let machine = Machine::new();
    machine.policy(VERIFY);
    let host = with_mailed(bob().asked(BEGIN, ""), other);
    let mut host = with_mailed(with_mailed(host, other), other);
    assert_eq!(machine.manage(&mut host, ""), Disposition::Refused);
    assert!(!is_enrolled(&machine));
    assert!(!host.told.join("\n").contains("otpauth"));
}

#[test]
fn a_login_without_a_mail_enrols_nobody_and_goes_on_before_the_deadline() {
    let machine = Machine::new();
    let offer = VERIFY.replace("require", "offer");
    for (policy, begin, answer) in [
        (VERIFY.to_owned(), BEGIN, Disposition::Refused),
        (
            format!("{offer}[enforce]\nfrom = \"2025-11-21\"\n"),
            BEGIN_OR_LATER,
            Disposition::Success,
        ),
    ] {
        machine.policy(&policy);
        let mut host = bob().asked(begin, "");
        host.mail_is_down = true;
        assert_eq!(machine.manage(&mut host, ""), answer);
        assert!(!is_enrolled(&machine));
        assert!(
            host.told
                .iter()
                .any(|said| said.starts_with("No email could be sent"))
        );
    }
}

#[test]
fn leaving_at_the_question_for_the_mailed_code_stores_only_the_count() {
    let machine = Machine::new();
    machine.policy(VERIFY);
    let mut host = bob()
        .asked(BEGIN, "")
        .asked_with(BY_MAIL, Box::new(|_| None));
    assert_ne!(machine.manage(&mut host, ""), Disposition::Success);
    assert!(!is_enrolled(&machine));
    let kept = std::fs::read_dir(machine.directory.path().join("state/bob")).unwrap();
    let names: Vec<_> = kept.map(|one| one.unwrap().file_name()).collect();
    assert_eq!(names, ["mail"]);
}
