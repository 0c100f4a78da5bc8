//! The account line and the credentials that follow the authentication, up to the answer.

mod demand;

use crate::host::{Disposition, Passed};
use crate::player::{CODE, Machine, NOON, Player, account_of};
use otp_core::login::AccountLine;
use otp_core::{UnixTime, Zone};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);
/// NOON is 2025-11-20 12:00 UTC.
const TOMORROW: &str = "[enforce]\nfrom = \"2025-11-21T12:00:00Z\"\n";
const YESTERDAY: &str = "[enforce]\nfrom = \"2025-11-19\"\n";

fn first_login(machine: &Machine) -> Option<UnixTime> {
    let bob = account_of("bob").unwrap();
    otp_store::account::grace::first_login(&machine.store(), &bob).unwrap()
}

/// The host after bob's auth line has left the login to others.
fn left_to_others(user: &str) -> Player {
    let mut host = Player::new(user);
    host.passed = Some(Passed::Left {
        user: user.to_owned(),
        nullok: false,
        may_enrol: true,
    });
    host
}

#[test]
fn an_enrolled_user_is_let_in_without_a_message() {
    let machine = Machine::new();
    for policy in ["", "[enroll]\nat_login = \"require\"\n", TOMORROW] {
        machine.policy(policy);
        let mut host = Player::new("alice");
        assert_eq!(machine.manage(&mut host, ""), Disposition::Success);
        assert!(host.told.is_empty() && host.log.is_empty());
    }
}

#[test]
fn a_lock_also_refuses_in_the_account_phase() {
    let machine = Machine::new();
    for _ in 0..5 {
        machine.play(&mut Player::new("alice").asked(CODE, "wrong"), "");
    }
    let mut host = Player::new("alice");
    assert_eq!(machine.manage(&mut host, ""), Disposition::Locked);
    assert_eq!(
        host.log,
        [
            "otp.locked user=\"alice\" service=\"sshd\" rhost=\"192.0.2.1\" message=\"locked-until\" \
          until=\"2025-11-20 12:15:00 UTC\" phase=\"account\""
        ]
    );
    assert!(host.told[0].contains("locked until 12:15 UTC"));
}

#[test]
fn an_unknown_name_is_refused() {
    let machine = Machine::new();
    machine.policy("[enforce]\ngroups = []\n");
    let mut host = Player::new("mallory");
    assert_eq!(machine.manage(&mut host, "nullok"), Disposition::Refused);
    assert!(host.told.is_empty());
}

#[test]
fn a_user_who_must_have_an_authenticator_is_refused_without_one() {
    let machine = Machine::new();
    for (policy, groups, rule) in [
        ("", vec![], "everybody must"),
        (YESTERDAY, vec![], "everybody must"),
        (
            "[enforce]\ngroups = [\"staff\"]\n",
            vec!["staff"],
            "group staff must",
        ),
        (
            "[enforce]\ngroups = [\"gone\"]\n",
            vec![],
            "group gone must, and is not known",
        ),
        (
            "[enforce]\nexempt_groups = [\"gone\"]\n",
            vec![],
            "everybody must",
        ),
    ] {
        machine.policy(policy);
        let mut host = left_to_others("bob");
        host.groups = groups;
        assert_eq!(
            machine.manage(&mut host, ""),
            Disposition::Refused,
            "{policy}"
        );
        let line = host.log.last().unwrap();
        let end = format!("message=\"not-enrolled\" result=\"refused\" rule=\"{rule}\"");
        assert!(
            line.starts_with("otp.notenrolled ") && line.ends_with(&end),
            "{line}"
        );
        assert!(host.told.join(" ").contains("no authenticator"));
        let unknown = host.log.iter().any(|line| line.starts_with("otp.policy "));
        assert_eq!(
            unknown,
            policy.contains("gone"),
            "an unknown group is logged"
        );
    }
}

#[test]
fn a_user_who_needs_no_authenticator_is_let_in_without_a_message() {
    let machine = Machine::new();
    for (policy, groups, arguments) in [
        ("[enforce]\ngroups = []\n", vec![], ""),
        ("[enforce]\ngroups = [\"staff\"]\n", vec!["users"], ""),
        ("[enforce]\nexempt_users = [\"bob\"]\n", vec![], ""),
        (
            "[enforce]\nexempt_groups = [\"leave\"]\n",
            vec!["leave"],
            "",
        ),
        ("[trust]\nnetworks = [\"192.0.2.0/24\"]\n", vec![], ""),
    ] {
        machine.policy(policy);
        let mut host = left_to_others("bob");
        host.groups = groups;
        assert_eq!(
            machine.manage(&mut host, arguments),
            Disposition::Success,
            "{policy}"
        );
        assert!(host.told.is_empty() && host.log.is_empty(), "{policy}");
    }
}

#[test]
fn the_account_line_heeds_only_its_own_nullok() {
    let machine = Machine::new();
    let mut host = Player::new("bob");
    assert_eq!(machine.play(&mut host, "nullok"), Disposition::Ignore);
    // The authentication may have failed: another module may have refused what this one left to it.
    assert_eq!(machine.manage(&mut host, ""), Disposition::Refused);
    assert_eq!(host.event(), "otp.policy");
    assert!(
        host.log.last().unwrap().contains("nullok"),
        "{:?}",
        host.log
    );
    assert_eq!(machine.manage(&mut host, "nullok"), Disposition::Success);
    // A login with a key reaches no auth line.
    let mut host = Player::new("bob");
    assert_eq!(machine.manage(&mut host, "nullok"), Disposition::Success);
    assert_eq!(machine.manage(&mut host, ""), Disposition::Refused);
    assert_eq!(host.event(), "otp.notenrolled");
}

#[test]
fn the_account_line_excuses_by_nullok_no_login_whose_auth_line_demanded_an_authenticator() {
    let machine = Machine::new();
    let mut host = left_to_others("bob");
    assert_eq!(machine.manage(&mut host, "nullok"), Disposition::Refused);
    assert!(
        host.log.last().unwrap().contains("nullok"),
        "{:?}",
        host.log
    );
}

#[test]
fn a_user_who_has_enrolled_since_the_authentication_must_log_in_again() {
    let machine = Machine::new();
    for policy in ["", TOMORROW, "[enforce]\ngroups = []\n"] {
        machine.policy(policy);
        let mut host = left_to_others("alice");
        assert_eq!(
            machine.manage(&mut host, ""),
            Disposition::Refused,
            "{policy}"
        );
        assert!(
            host.log[0].contains("message=\"set-up-meanwhile\""),
            "{:?}",
            host.log
        );
    }
    // Notes of an earlier attempt on the same handle do not count.
    let mut host = left_to_others("alice").asked(CODE, &machine.code());
    assert_eq!(machine.play(&mut host, ""), Disposition::Success);
    assert_eq!(machine.manage(&mut host, ""), Disposition::Success);
}

#[test]
fn the_grace_belongs_to_the_user_who_was_asked_and_not_to_the_target_user() {
    let machine = Machine::new();
    machine.policy("[enforce]\ngrace = \"7d\"\n");
    let mut sudo = Player::new("bob");
    assert_eq!(machine.play(&mut sudo, ""), Disposition::Ignore);
    // By then sudo has become another user, and does not say that the credentials are new.
    sudo.user = "alice".to_owned();
    machine.set_credentials_again(&mut sudo, "");
    assert_eq!(first_login(&machine), Some(NOON));
    let machine = Machine::new();
    machine.policy("[enforce]\ngrace = \"7d\"\n");
    machine.set_credentials_again(&mut Player::new("bob"), "");
    assert_eq!(first_login(&machine), None);
}

#[test]
fn deadline_and_lock_are_told_in_the_zone_of_the_machine_too() {
    let machine = Machine::new();
    machine.policy(TOMORROW);
    let manage = |user| {
        let mut host = Player::new(user);
        host.zone = Zone::of_rule("KST-9").unwrap();
        machine.manage(&mut host, "");
        host.told.join(" ").replace('\n', " ")
    };
    let told = manage("bob");
    let deadline = "From 2025-11-21 21:00 KST (12:00 UTC) on (1 day left)";
    assert!(told.contains(deadline), "{told}");
    for _ in 0..5 {
        machine.play(&mut Player::new("alice").asked(CODE, "wrong"), "");
    }
    let told = manage("alice");
    let until = "locked until 21:15 KST (12:15 UTC), in 15 minutes.";
    assert!(told.contains(until), "{told}");
}

#[test]
fn users_without_an_authenticator_get_in_before_the_deadline_and_are_told() {
    let machine = Machine::new();
    machine.policy(TOMORROW);
    for mut host in [Player::new("bob"), left_to_others("bob")] {
        assert_eq!(machine.manage(&mut host, ""), Disposition::Success);
        let told = host.told.join(" ").replace('\n', " ");
        assert!(
            told.contains("From 2025-11-21 12:00 UTC on (1 day left)"),
            "{told}"
        );
        assert_eq!(
            host.log,
            [
                "otp.notenrolled user=\"bob\" service=\"sshd\" rhost=\"192.0.2.1\" phase=\"account\" \
              message=\"enrol-until\" result=\"excused\" rule=\"everybody must\" \
              until=\"2025-11-21 12:00:00 UTC\" days_left=\"1\""
            ]
        );
        assert_eq!(first_login(&machine), None, "there is no grace to begin");
    }
}

#[test]
fn a_grace_begins_when_its_user_is_let_in_and_ends_to_the_second() {
    let mut machine = Machine::new();
    machine.policy("[enforce]\ngrace = \"7d\"\n");
    assert_eq!(
        machine.play(&mut Player::new("bob"), ""),
        Disposition::Ignore
    );
    assert_eq!(first_login(&machine), None, "a question begins nothing");
    assert_eq!(
        machine.manage(&mut Player::new("bob"), ""),
        Disposition::Success
    );
    assert_eq!(first_login(&machine), Some(NOON));
    machine.now = NOON.after(Duration::from_secs(7 * 86_400 - 1));
    assert_eq!(
        machine.manage(&mut Player::new("bob"), ""),
        Disposition::Success
    );
    assert_eq!(first_login(&machine), Some(NOON));
    machine.now = NOON.after(7 * DAY);
    assert_eq!(
        machine.manage(&mut Player::new("bob"), ""),
        Disposition::Refused
    );
    let mut host = Player::new("bob").asked(CODE, "123456");
    assert_eq!(machine.play(&mut host, ""), Disposition::Refused);
}

#[test]
fn a_grace_begins_with_the_credentials_where_there_is_no_account_line() {
    let machine = Machine::new();
    machine.policy("[enforce]\ngrace = \"7d\"\n");
    machine.set_credentials(&mut Player::new("alice"), "");
    machine.set_credentials(&mut Player::new("mallory"), "");
    let mut trusted = Player::new("bob");
    trusted.rhost = "10.0.0.1";
    machine.policy("[enforce]\ngrace = \"7d\"\n[trust]\nnetworks = [\"10.0.0.0/8\"]\n");
    machine.set_credentials(&mut trusted, "");
    machine.set_credentials(&mut Player::new("bob"), "nullok");
    assert_eq!(first_login(&machine), None);
    let mut host = Player::new("bob");
    machine.set_credentials(&mut host, "");
    assert_eq!(first_login(&machine), Some(NOON));
    assert!(host.told.is_empty() && host.log.len() == 1);
    machine.set_credentials(&mut host, "");
    assert_eq!(host.log.len(), 1, "only the first is worth a line");
}

#[test]
fn a_job_without_a_login_runs_and_begins_no_grace() {
    let machine = Machine::new();
    machine.policy("[enforce]\ngrace = \"7d\"\n");
    let job = || {
        let mut host = Player::new("bob");
        host.rhost = "";
        host
    };
    assert_eq!(machine.manage(&mut job(), ""), Disposition::Success);
    machine.set_credentials(&mut job(), "");
    assert_eq!(first_login(&machine), None);
    // If one of our lines asked, or for a login from elsewhere, the grace begins.
    let mut console = job();
    assert_eq!(machine.play(&mut console, ""), Disposition::Ignore);
    machine.set_credentials(&mut console, "");
    assert_eq!(first_login(&machine), Some(NOON));
    let mut machine = Machine::new();
    machine.policy("[enforce]\ngrace = \"7d\"\n");
    let mut from_elsewhere = Player::new("bob");
    assert_eq!(
        machine.manage(&mut from_elsewhere, ""),
        Disposition::Success
    );
    assert_eq!(first_login(&machine), Some(NOON));
    // If the grace is over, a job is refused like everybody else.
    machine.now = NOON.after(std::time::Duration::from_secs(8 * 86_400));
    assert_eq!(machine.manage(&mut job(), ""), Disposition::Refused);
}

#[test]
fn no_grace_begins_if_policy_has_none() {
    let machine = Machine::new();
    for policy in ["", TOMORROW, "[enforce]\ngroups = []\ngrace = \"7d\"\n"] {
        machine.policy(policy);
        machine.set_credentials(&mut Player::new("bob"), "");
        assert_eq!(first_login(&machine), None, "{policy}");
    }
}

#[test]
fn every_error_refuses() {
    type Damage = fn(&Machine, &mut Player);
    let rows: [(&str, Damage); 4] = [
        ("bad policy", |machine, _| machine.policy("nonsense")),
        ("name service", |_, host| host.name_service_is_down = true),
        ("damaged record", |machine, _| {
            let file = machine.directory.path().join("state/alice/state");
            std::fs::write(file, "x").unwrap();
        }),
        ("no directory of records", |machine, _| {
            let state = machine.directory.path().join("state");
            std::fs::rename(&state, machine.directory.path().join("moved")).unwrap();
        }),
    ];
    for (what, damage) in rows {
        let machine = Machine::new();
        let mut host = Player::new("alice");
        damage(&machine, &mut host);
        assert_eq!(
            machine.manage(&mut host, ""),
            Disposition::Unavailable,
            "{what}"
        );
        assert_eq!(host.event(), "otp.unavailable", "{what}");
    }
    let mut host = Player::new("alice");
    assert_eq!(
        Machine::new().manage(&mut host, "nulok"),
        Disposition::Unavailable
    );
}

// The treatment of unenrolled users by an auth line.

#[test]
fn a_login_after_the_deadline_is_deferred_only_to_a_sure_account_line() {
    let machine = Machine::new();
    for at_login in ["offer", "require"] {
        machine.policy(&format!("[enroll]\nat_login = \"{at_login}\"\n"));
        let mut host = Player::new("bob");
        assert_eq!(machine.play(&mut host, ""), Disposition::Ignore);
        assert!(
            host.log[0].contains("result=\"deferred\""),
            "{:?}",
            host.log
        );
        assert!(host.passed.is_some());
        for line in [AccountLine::Missing, AccountLine::LedAround] {
            let mut host = Player::new("bob").asked(CODE, "123456");
            host.account_line = line;
            assert_eq!(machine.play(&mut host, ""), Disposition::Refused);
            assert!(host.log[0].starts_with("otp.policy "), "{:?}", host.log);
            assert_eq!(
                (host.event(), host.passed.clone()),
                ("otp.notenrolled", None)
            );
        }
    }
}

#[test]
fn a_silent_program_defers_nothing() {
    let machine = Machine::new();
    machine.policy("[enroll]\nat_login = \"require\"\n");
    let mut host = Player::new("bob").asked(CODE, "123456");
    let answer = machine.with_line("", |all| crate::login::authenticate(&mut host, all, true));
    assert_eq!((answer, host.passed.clone()), (Disposition::Refused, None));
    let mut host = left_to_others("bob");
    host.delayed = true;
    let answer = machine.with_line("", |all| super::manage(&mut host, all, true));
    assert_eq!(answer, Disposition::Refused);
    assert!(host.told.is_empty());
}

#[test]
fn a_trusted_network_waives_the_code_and_leaves_the_rest_to_others() {
    let machine = Machine::new();
    machine.policy("[trust]\nnetworks = [\"192.0.2.0/24\"]\n");
    for user in ["alice", "bob"] {
        let mut host = Player::new(user);
        assert_eq!(machine.play(&mut host, ""), Disposition::Ignore);
        let line = host.log.last().unwrap();
        assert!(line.starts_with("otp.trusted ") && line.ends_with("network=\"192.0.2.0/24\""));
        assert!(host.told.is_empty());
    }
    for rhost in ["192.0.3.1", "localhost", ""] {
        let mut host = Player::new("alice").asked(CODE, "");
        host.rhost = rhost;
        assert_eq!(machine.play(&mut host, ""), Disposition::Refused, "{rhost}");
    }
    // If nobody else could let users in, trust would lock them out.
    let mut host = Player::new("alice").asked(CODE, &machine.code());
    host.proves_identity = false;
    assert_eq!(machine.play(&mut host, ""), Disposition::Success);
    // A name that no user has is not trusted, and is not asked either.
    let mut host = Player::new("mallory");
    assert_eq!(machine.play(&mut host, ""), Disposition::Refused);
    assert!(
        host.log[0].ends_with("account=\"unknown\""),
        "{:?}",
        host.log
    );
}

#[test]
fn a_good_code_is_remembered_for_its_place_and_its_time() {
    let mut machine = Machine::new();
    machine.policy("[trust]\nremember = \"1h\"\n");
    let mut host = Player::new("alice").asked(CODE, &machine.code());
    assert_eq!(machine.play(&mut host, ""), Disposition::Success);
    let mut host = Player::new("alice");
    assert_eq!(machine.play(&mut host, ""), Disposition::Ignore);
    assert!(
        host.log[0].ends_with("since=\"2025-11-20 12:00:00 UTC\""),
        "{:?}",
        host.log
    );
    let mut elsewhere = Player::new("alice").asked(CODE, "");
    elsewhere.rhost = "192.0.2.2";
    assert_eq!(machine.play(&mut elsewhere, ""), Disposition::Refused);
    machine.now = NOON.after(Duration::from_secs(3599));
    assert_eq!(
        machine.play(&mut Player::new("alice"), ""),
        Disposition::Ignore
    );
    // The line overrules the policy, both ways.
    let mut host = Player::new("alice").asked(CODE, "");
    assert_eq!(
        machine.play(&mut host, "grace_period=60"),
        Disposition::Refused
    );
    machine.now = NOON.after(Duration::from_secs(3600));
    let mut host = Player::new("alice").asked(CODE, "");
    assert_eq!(machine.play(&mut host, ""), Disposition::Refused);
    assert_eq!(
        machine.play(&mut Player::new("alice"), "grace_period=7200"),
        Disposition::Ignore
    );
}

#[test]
fn a_recovery_code_and_a_wrong_one_are_not_remembered() {
    let machine = Machine::new();
    machine.policy("[trust]\nremember = \"1h\"\n");
    for (reply, answer) in [
        (machine.recovery_code(0), Disposition::Success),
        ("000000".to_owned(), Disposition::Refused),
    ] {
        let mut host = Player::new("alice").asked(CODE, &reply);
        assert_eq!(machine.play(&mut host, ""), answer);
        let mut host = Player::new("alice").asked(CODE, "");
        assert_eq!(machine.play(&mut host, ""), Disposition::Refused);
    }
}

#[test]
fn a_service_that_may_store_its_output_enrols_nobody() {
    let machine = Machine::new();
    for service in ["cockpit", "sudo", "remote", "sshd2", "SSHD", ""] {
        machine.policy("[enroll]\nat_login = \"require\"\n");
        let mut host = Player::new("bob").asked(CODE, "123456");
        host.service = service;
        assert_eq!(
            machine.play(&mut host, ""),
            Disposition::Refused,
            "{service}"
        );
        let warning = &host.log[0];
        assert!(
            warning.starts_with("otp.policy ") && warning.contains("over ssh"),
            "{warning}"
        );
        assert_eq!(
            (host.passed.clone(), host.event()),
            (None, "otp.notenrolled")
        );
        // Before the deadline the service lets the user in without a message about it.
        machine.policy("[enroll]\nat_login = \"require\"\n[enforce]\nfrom = \"2025-11-21\"\n");
        let mut host = Player::new("bob");
        host.service = service;
        assert_eq!(
            machine.play(&mut host, ""),
            Disposition::Ignore,
            "{service}"
        );
        assert!(host.log[0].starts_with("otp.policy "), "{:?}", host.log);
        assert_eq!(
            machine.manage(&mut host, ""),
            Disposition::Success,
            "{service}"
        );
        // Even if the program names this service only after the auth line.
        let mut host = left_to_others("bob");
        host.service = service;
        assert_eq!(
            machine.manage(&mut host, ""),
            Disposition::Success,
            "{service}"
        );
        assert!(host.told.iter().all(|text| !text.contains("otpauth")));
        // Users who are enrolled or exempt cause no such warning.
        let mut host = Player::new("alice").asked(CODE, "");
        host.service = service;
        machine.play(&mut host, "");
        let mut exempt = Player::new("bob");
        exempt.service = service;
        machine.play(&mut exempt, "nullok");
        for log in [&host.log, &exempt.log] {
            assert!(!log[0].starts_with("otp.policy "), "{log:?}");
        }
    }
}

#[test]
fn a_grace_that_could_not_be_stored_excuses_nobody() {
    let machine = Machine::new();
    let directory = machine.directory.path().join("state/bob");
    std::fs::create_dir_all(directory.join(".first-login.new")).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o770);
    std::fs::set_permissions(&directory, mode).unwrap();
    for (policy, answer) in [
        ("[enforce]\ngrace = \"7d\"\n", Disposition::Unavailable),
        (TOMORROW, Disposition::Ignore),
        (
            "[enforce]\ngroups = []\ngrace = \"7d\"\n",
            Disposition::Ignore,
        ),
    ] {
        machine.policy(policy);
        let mut host = Player::new("bob");
        assert_eq!(machine.play(&mut host, ""), answer, "{policy}");
        assert_eq!(
            host.event() == "otp.unavailable",
            answer == Disposition::Unavailable
        );
    }
    assert_eq!(first_login(&machine), None);
}
