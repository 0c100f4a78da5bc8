//! The demands of policy on bob, who has no authenticator, in each of the two phases: at the auth line, where a user
//! must type a password, and at the account line alone, which is all that a login with a public key reaches.

use super::{DAY, first_login};
use crate::host::Disposition;
use crate::player::{CODE, Machine, NOON, Player};
use otp_core::UnixTime;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

/// bob's own group, by name and number, and one more of each kind. They are not looked up: otp-site's tests do that.
const BOBS: [&str; 4] = ["bob", "1002", "staff", "70000"];

/// Whether bob is let in without a code, by the auth line and by the account line, which must agree.
fn gets_in(machine: &Machine, groups: &[&'static str], arguments: &str, why: &str) -> bool {
    let ask = |wanted: bool| {
        let mut host = Player::new("bob");
        if wanted {
            host = host.asked(CODE, "123456");
        }
        host.groups = groups.to_vec();
        host
    };
    let mut account = ask(false);
    let lets_in = match machine.manage(&mut account, arguments) {
        Disposition::Success => true,
        Disposition::Refused => false,
        other => panic!("{why}: {other:?}"),
    };
    let mut auth = ask(!lets_in);
    let wanted = if lets_in {
        Disposition::Ignore
    } else {
        Disposition::Refused
    };
    assert_eq!(machine.play(&mut auth, arguments), wanted, "{why}");
    assert_eq!(auth.event(), "otp.notenrolled", "{why}");
    lets_in
}

fn enforce(keys: &str) -> String {
    format!("[enforce]\n{keys}\n")
}

fn list(names: &[&str]) -> String {
    format!("{names:?}")
}

#[test]
fn only_a_group_of_the_user_demands_or_exempts() {
    let machine = Machine::new();
    let rows: [(&str, &[&str], bool); 9] = [
        ("primary group by name", &["bob"], true),
        ("primary group by number", &["1002"], true),
        ("supplementary group by name", &["staff"], true),
        ("supplementary group by number", &["70000"], true),
        ("the last of several", &["others", "70001", "staff"], true),
        ("no group at all", &[], false),
        ("other group by name", &["others"], false),
        ("other group by number", &["70001"], false),
        ("several others", &["others", "root", "0"], false),
    ];
    for (why, names, holds) in rows {
        let names = list(names);
        for (keys, lets_in) in [
            (format!("groups = {names}"), !holds),
            (format!("exempt_groups = {names}"), holds),
            (format!("groups = [\"*\"]\nexempt_groups = {names}"), holds),
            // An exemption wins, and nothing is demanded of users in none of them.
            (format!("groups = {names}\nexempt_groups = {names}"), true),
        ] {
            machine.policy(&enforce(&keys));
            assert_eq!(gets_in(&machine, &BOBS, "", why), lets_in, "{why}: {keys}");
        }
    }
}

#[test]
fn an_exemption_holds_only_for_the_exact_name() {
    let machine = Machine::new();
    for (name, lets_in) in [
        ("bob", true),
        ("bobx", false),
        ("xbob", false),
        ("root", false),
        ("@bob", false),
        ("0", false),
        ("#bob", false),
        ("BOB", false),
    ] {
        for groups in ["", "\ngroups = [\"staff\"]"] {
            machine.policy(&enforce(&format!(
                "exempt_users = [\"daemon\", \"{name}\"]{groups}"
            )));
            assert_eq!(gets_in(&machine, &BOBS, "", name), lets_in, "{name}");
        }
    }
    machine.policy(&enforce(
        "exempt_users = [\"BOB\"]\nexempt_groups = [\"STAFF\"]",
    ));
    assert!(!gets_in(&machine, &BOBS, "", "another case"));
}

#[test]
fn a_demand_on_everybody_or_on_a_group_holds_unless_the_line_has_nullok() {
    let machine = Machine::new();
    for policy in [
        String::new(),
        enforce("groups = [\"*\"]"),
        enforce("groups = [\"staff\"]"),
    ] {
        machine.policy(&policy);
        assert!(!gets_in(&machine, &BOBS, "", &policy));
        assert!(gets_in(&machine, &BOBS, "nullok", &policy));
    }
}

#[test]
fn enrolled_users_are_asked_for_the_code_even_if_exempt() {
    for (why, policy, arguments) in [
        ("exempt user", enforce("exempt_users = [\"alice\"]"), ""),
        ("exempt group", enforce("exempt_groups = [\"staff\"]"), ""),
        ("nobody must", enforce("groups = []"), ""),
        ("before the day", enforce("from = \"2025-12-01\""), ""),
        ("in their grace", enforce("grace = \"7d\""), ""),
        ("nullok", String::new(), "nullok"),
    ] {
        let machine = Machine::new();
        machine.policy(&policy);
        for (reply, answer) in [
            ("000000".to_owned(), Disposition::Refused),
            (machine.code(), Disposition::Success),
        ] {
            let mut host = Player::new("alice").asked(CODE, &reply);
            host.groups = vec!["staff"];
            assert_eq!(machine.play(&mut host, arguments), answer, "{why}");
        }
        let mut host = Player::new("alice");
        host.groups = vec!["staff"];
        assert_eq!(
            machine.manage(&mut host, arguments),
            Disposition::Success,
            "{why}"
        );
    }
}

#[test]
fn nullok_counts_only_for_its_own_line() {
    let machine = Machine::new();
    for (auth, account, lets_in) in [
        ("nullok", "nullok", true),
        ("nullok", "", false),
        ("", "nullok", false),
        ("", "", false),
    ] {
        let mut host = Player::new("bob");
        if auth.is_empty() {
            host = host.asked(CODE, "123456");
        }
        let passes = machine.play(&mut host, auth) == Disposition::Ignore;
        let stays = machine.manage(&mut host, account) == Disposition::Success;
        assert_eq!((passes, stays), (auth == "nullok", account == "nullok"));
        assert_eq!(passes && stays, lets_in, "{auth:?} {account:?}");
    }
}

#[test]
fn a_member_who_leaves_and_a_new_group_count_at_once() {
    let machine = Machine::new();
    machine.policy(&enforce("groups = [\"staff\"]"));
    assert!(!gets_in(&machine, &BOBS, "", "member"));
    assert!(gets_in(
        &machine,
        &["bob", "1002"],
        "",
        "no longer a member"
    ));
    machine.policy(&enforce("groups = [\"gone\"]"));
    assert!(!gets_in(&machine, &[], "", "no such group"));
    machine.policy(&enforce("groups = [\"latecomers\"]"));
    assert!(gets_in(&machine, &[], "", "it exists by now"));
}

#[test]
fn a_group_that_cannot_be_looked_up_holds_everybody_and_exempts_nobody() {
    let machine = Machine::new();
    for (keys, lets_in) in [
        ("groups = [\"gone\"]", false),
        ("exempt_groups = [\"gone\"]", false),
        ("groups = [\"*\"]\nexempt_groups = [\"gone\"]", false),
        // Certain answers count beside an uncertain one.
        (
            "groups = [\"gone\"]\nexempt_groups = [\"gone\", \"staff\"]",
            true,
        ),
        (
            "groups = [\"gone\"]\nexempt_groups = [\"gone\"]\nexempt_users = [\"bob\"]",
            true,
        ),
    ] {
        machine.policy(&enforce(keys));
        assert_eq!(gets_in(&machine, &BOBS, "", keys), lets_in, "{keys}");
        let mut host = Player::new("bob");
        host.groups = BOBS.to_vec();
        machine.manage(&mut host, "");
        let warning = |line: &String| {
            line.starts_with("otp.policy ") && line.contains("the group gone cannot be looked up")
        };
        let warned = host.log.iter().any(warning);
        // Users whom policy exempts by name are not looked up in any group.
        let looked_up = !keys.contains("exempt_users");
        assert_eq!(warned, looked_up, "{keys}: {:?}", host.log);
    }
}

#[test]
fn an_enrolled_user_is_looked_up_in_no_group() {
    let machine = Machine::new();
    machine.policy(&enforce("groups = [\"gone\"]\nexempt_groups = [\"gone\"]"));
    for (reply, answer) in [
        ("000000".to_owned(), Disposition::Refused),
        (machine.code(), Disposition::Success),
    ] {
        let mut host = Player::new("alice").asked(CODE, &reply);
        assert_eq!(machine.play(&mut host, ""), answer);
        assert!(!host.log.iter().any(|line| line.starts_with("otp.policy ")));
    }
    assert_eq!(
        machine.manage(&mut Player::new("alice"), ""),
        Disposition::Success
    );
}

#[test]
fn a_deadline_passes_to_the_second_in_each_of_its_forms() {
    let mut machine = Machine::new();
    // 2027-02-01 00:00:00 UTC.
    let midnight = 1_801_440_000;
    let nine = midnight + 9 * 3600;
    for (text, deadline) in [
        ("\"2027-02-01\"", midnight),
        ("\"2027-02-01T09:00:00Z\"", nine),
        ("\"2027-02-01T09:00:00+09:00\"", midnight),
        (
            "\"2027-02-01T08:59:59-01:30\"",
            midnight + 10 * 3600 + 29 * 60 + 59,
        ),
        ("\"2028-02-29\"", midnight + (365 + 28) * 86_400),
        ("\"2027-02-01T09:00:00\"", nine),
        ("\"2027-02-01 09:00:00z\"", nine),
        ("2027-02-01", midnight),
        ("2027-02-01T00:00:00Z", midnight),
        ("2027-02-01T09:00:00+09:00", midnight),
    ] {
        machine.policy(&enforce(&format!("from = {text}")));
        machine.now = UnixTime::from_seconds(deadline - 1);
        assert!(gets_in(&machine, &[], "", text), "{text}");
        machine.now = UnixTime::from_seconds(deadline);
        assert!(!gets_in(&machine, &[], "", text), "{text}");
    }
}

#[test]
fn a_deadline_that_has_passed_excuses_nobody() {
    let machine = Machine::new();
    for text in ["", "2025-11-20", "1999-12-31", "2025-11-20T12:00:00Z"] {
        machine.policy(&enforce(&format!("from = \"{text}\"")));
        assert!(!gets_in(&machine, &[], "", text), "{text}");
    }
}

#[test]
fn a_clock_set_back_before_the_deadline_lets_users_in_again() {
    let mut machine = Machine::new();
    machine.policy(&enforce("from = \"2025-12-01\""));
    // `from` is a moment of the calendar, and nothing is stored about it.
    for (now, lets_in) in [(NOON, true), (NOON.after(30 * DAY), false), (NOON, true)] {
        machine.now = now;
        assert_eq!(gets_in(&machine, &[], "", "runs back"), lets_in);
    }
}

#[test]
fn the_days_left_are_told_and_part_of_a_day_counts_as_a_whole_one() {
    let mut machine = Machine::new();
    // 2027-02-01 00:00:00 UTC.
    let deadline = 1_801_440_000;
    machine.policy(&enforce("from = \"2027-02-01\""));
    for (left, days) in [
        (1, "1 day left"),
        (86_400, "1 day left"),
        (86_401, "2 days left"),
        (17 * 86_400, "17 days left"),
    ] {
        machine.now = UnixTime::from_seconds(deadline - left);
        let mut host = Player::new("bob");
        assert_eq!(
            machine.manage(&mut host, ""),
            Disposition::Success,
            "{left}"
        );
        let told = host.told.join(" ");
        assert!(told.contains(days) && told.contains("2027-02-01"), "{told}");
    }
}

#[test]
fn the_deadline_and_the_refusal_are_in_the_language_of_the_line_or_of_policy() {
    let mut machine = Machine::new();
    for (policy, arguments) in [("language = \"ko\"\n", ""), ("", "lang=ko")] {
        machine.policy(&format!("{policy}{}", enforce("from = \"2025-12-07\"")));
        machine.now = NOON;
        let mut host = Player::new("bob");
        assert_eq!(machine.manage(&mut host, arguments), Disposition::Success);
        let told = host.told.join(" ");
        for words in ["2025-12-07", "17일", "otp-enroll", "인증"] {
            assert!(told.contains(words), "{told}");
        }
        assert!(!told.contains("left"), "{told}");
        machine.now = NOON.after(30 * DAY);
        let mut host = Player::new("bob");
        assert_eq!(machine.manage(&mut host, arguments), Disposition::Refused);
        let told = host.told.join(" ");
        assert!(
            told.contains("인증") && told.contains("otp-enroll"),
            "{told}"
        );
        assert!(!told.contains("authenticator"), "{told}");
    }
}

#[test]
fn an_enrolled_user_is_told_nothing_of_the_deadline() {
    let mut machine = Machine::new();
    machine.policy(&enforce("from = \"2025-12-01\""));
    for now in [NOON, NOON.after(30 * DAY)] {
        machine.now = now;
        let mut wrong = Player::new("alice").asked(CODE, "000000");
        assert_eq!(machine.play(&mut wrong, ""), Disposition::Refused);
        let mut host = Player::new("alice").asked(CODE, &machine.code());
        assert_eq!(machine.play(&mut host, ""), Disposition::Success);
        let lines = host.log.len();
        assert_eq!(machine.manage(&mut host, ""), Disposition::Success);
        assert_eq!(host.log.len(), lines, "{:?}", host.log);
        let told = wrong.told.iter().chain(&host.told);
        assert!(told.clone().all(|text| !text.contains("2025-12-01")));
        assert!(told.clone().all(|text| !text.contains("left")));
    }
}

#[test]
fn a_clock_that_runs_back_begins_the_grace_again() {
    let mut machine = Machine::new();
    machine.policy(&enforce("grace = \"7d\""));
    // Otherwise a clock that was once a year ahead would give a year of grace.
    machine.now = NOON.after(365 * DAY);
    assert_eq!(
        machine.manage(&mut Player::new("bob"), ""),
        Disposition::Success
    );
    machine.now = NOON;
    let mut host = Player::new("bob");
    assert_eq!(machine.manage(&mut host, ""), Disposition::Success);
    let line = host.log.last().unwrap();
    assert!(line.contains("until=\"2025-11-27 12:00:00 UTC\""), "{line}");
    assert_eq!(first_login(&machine), Some(NOON));
    // A clock that runs ahead for an hour ends the grace only for that hour.
    machine.now = NOON.after(365 * DAY);
    assert!(!gets_in(&machine, &[], "", "a year ahead"));
    assert_eq!(first_login(&machine), Some(NOON));
    machine.now = NOON.after((7 * DAY).saturating_sub(Duration::from_secs(1)));
    assert!(gets_in(&machine, &[], "", "the last second"));
    machine.now = NOON.after(7 * DAY);
    assert!(!gets_in(&machine, &[], "", "over"));
}

/// Replaces the file by this content, as root would.
fn put(path: &Path, content: &[u8]) {
    fs::remove_file(path).unwrap();
    fs::write(path, content).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o640)).unwrap();
}

#[test]
fn a_damaged_first_login_gives_nobody_more_time() {
    type Damage = fn(&Path);
    let rows: [(&str, Damage); 10] = [
        ("empty", |path| put(path, b"")),
        ("zeros", |path| put(path, &[0; 512])),
        ("text", |path| put(path, b"yesterday\n")),
        ("cut", |path| put(path, &fs::read(path).unwrap()[..20])),
        ("doubled", |path| {
            put(path, &fs::read(path).unwrap().repeat(2));
        }),
        ("huge", |path| put(path, &vec![b'9'; 1 << 20])),
        ("other version", |path| {
            let text = fs::read_to_string(path).unwrap();
            put(path, text.replace("version = 1", "version = 2").as_bytes());
        }),
        ("others may write", |path| {
            fs::set_permissions(path, Permissions::from_mode(0o666)).unwrap();
        }),
        ("directory", |path| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
        }),
        ("link", |path| {
            let elsewhere = path.parent().unwrap().join("elsewhere");
            fs::rename(path, &elsewhere).unwrap();
            symlink(&elsewhere, path).unwrap();
        }),
    ];
    for (what, damage) in rows {
        let mut machine = Machine::new();
        machine.policy(&enforce("grace = \"7d\""));
        assert_eq!(
            machine.manage(&mut Player::new("bob"), ""),
            Disposition::Success
        );
        assert_eq!(first_login(&machine), Some(NOON));
        damage(&machine.directory.path().join("state/bob/first-login"));
        for after in [DAY, 7 * DAY, 7 * DAY + Duration::from_secs(3600)] {
            machine.now = NOON.after(after);
            let mut account = Player::new("bob");
            assert_eq!(
                (machine.manage(&mut account, ""), account.event()),
                (Disposition::Unavailable, "otp.unavailable"),
                "{what}"
            );
            let mut auth = Player::new("bob");
            assert_eq!(
                (machine.play(&mut auth, ""), auth.event()),
                (Disposition::Unavailable, "otp.unavailable"),
                "{what}"
            );
        }
    }
}
