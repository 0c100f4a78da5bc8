//! Logins up to the answer of the authentication.

use super::*;
use crate::player::{BOTH, CODE, Machine, Player, account_of, bytes};
use otp_core::record::{Language, Name, Refusal};
use otp_core::{NoGuess, Zone, every};
use otp_store::account::erase;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

mod mailing;
mod services;

#[test]
fn notes_of_an_earlier_attempt_no_longer_count_whatever_the_outcome_of_this_one() {
    let machine = Machine::new();
    for (policy, arguments) in [("issuer = ", ""), ("", "no_such_argument")] {
        machine.policy(policy);
        let mut host = Player::new("alice");
        host.passed = Some(Passed::Proven {
            user: "alice".to_owned(),
            when: machine.now,
        });
        let answer = machine.play(&mut host, arguments);
        assert_eq!(answer, Disposition::Unavailable);
        assert_eq!(host.passed, None, "{policy}{arguments}");
    }
}

// The verdict table, as PAM sees it.

#[test]
fn the_right_code_lets_the_user_in_without_a_message() {
    let machine = Machine::new();
    let mut host = Player::new("alice").asked(CODE, &machine.code());
    assert_eq!(machine.play(&mut host, ""), Disposition::Success);
    assert!(host.told.is_empty());
    assert_eq!(
        host.log,
        ["otp.accept user=\"alice\" service=\"sshd\" rhost=\"192.0.2.1\" authenticator=\"phone\""]
    );
}

/// If the rest of the login is refused, the end of the program logs that the code was right.
#[test]
fn only_a_right_code_has_the_end_of_the_login_watched() {
    let machine = Machine::new();
    let replies = [machine.recovery_code(0), machine.code(), machine.code()];
    let watched = replies.map(|reply| {
        let mut host = Player::new("alice").asked(CODE, &reply);
        machine.play(&mut host, "");
        host.watched.clone()
    });
    let login = "otp.onefactor user=\"alice\" service=\"sshd\" rhost=\"192.0.2.1\"";
    assert_eq!(watched[0], [login]);
    assert_eq!(watched[1], [format!("{login} authenticator=\"phone\"")]);
    // The same code again.
    assert!(watched[2].is_empty());
    let mut host = Player::new("alice").asked(CODE, "000000");
    machine.play(&mut host, "");
    assert!(host.watched.is_empty());
}

#[test]
fn each_refusal_has_its_pam_code_its_event_and_its_message() {
    let machine = Machine::new();
    let used = machine.code();
    let rows: [(&str, &str, Disposition, &str, &str); 4] = [
        ("alice", &used, Disposition::Success, "otp.accept", ""),
        (
            "alice",
            &used,
            Disposition::Refused,
            "otp.replay",
            "already used",
        ),
        (
            "alice",
            "",
            Disposition::Refused,
            "otp.reject",
            "No code was entered",
        ),
        (
            "alice",
            "000000",
            Disposition::Refused,
            "otp.reject",
            "is wrong",
        ),
    ];
    for (user, reply, answer, event, message) in rows {
        let mut host = Player::new(user).asked(CODE, reply);
        assert_eq!(
            (machine.play(&mut host, ""), host.event()),
            (answer, event),
            "{event}"
        );
        assert!(host.told.join("").contains(message), "{:?}", host.told);
        assert_eq!(host.log.len(), 1, "one line an attempt");
    }
}

#[test]
fn a_lock_is_told_in_the_zone_of_the_machine_too_and_only_then_is_the_zone_read() {
    let machine = Machine::new();
    let play = |reply: &str, reads| {
        let question = match reads {
            Language::English => CODE,
            Language::Korean => "인증 코드: ",
        };
        let mut host = Player::new("alice").asked(question, reply);
        host.zone = Zone::of_rule("KST-9").unwrap();
        host.reads = Some(reads);
        let answer = machine.play(&mut host, "");
        let told = host.told.join(" ").replace('\n', " ");
        (answer, host.zones_read.get(), told)
    };
    let (answer, zones_read, _) = play(&machine.code(), Language::English);
    assert_eq!((answer, zones_read), (Disposition::Success, 0));
    for _ in 1..5 {
        let (answer, zones_read, _) = play("wrong", Language::English);
        assert_eq!((answer, zones_read), (Disposition::Refused, 0));
    }
    for (reads, until) in [
        (
            Language::English,
            "locked until 21:15 KST (12:15 UTC), in 15 minutes.",
        ),
        (
            Language::Korean,
            "21:15 KST(12:15 UTC)까지 15분 동안 잠겼습니다.",
        ),
    ] {
        let (_, zones_read, told) = play("wrong", reads);
        assert!(zones_read == 1 && told.contains(until), "{told}");
    }
}

#[test]
fn the_fifth_failure_locks_and_the_right_code_is_then_refused() {
    let machine = Machine::new();
    for failure in 1..=5 {
        let mut host = Player::new("alice").asked(CODE, "wrong");
        assert_eq!(machine.play(&mut host, ""), Disposition::Refused);
        assert_eq!(
            host.event(),
            if failure == 5 {
                "otp.lock"
            } else {
                "otp.reject"
            }
        );
    }
    let mut host = Player::new("alice").asked(CODE, &machine.code());
    assert_eq!(
        (machine.play(&mut host, ""), host.event()),
        (Disposition::Locked, "otp.locked")
    );
    assert!(
        host.told[0].contains("locked until 12:15 UTC"),
        "{:?}",
        host.told
    );
    let mut host = Player::new("alice").asked(CODE, &machine.recovery_code(0));
    assert_eq!(
        (machine.play(&mut host, ""), host.event()),
        (Disposition::Success, "otp.recovery")
    );
    assert!(host.told[0].contains("9 left"), "{:?}", host.told);
}

#[test]
fn unknown_and_unenrolled_users_see_the_same_as_for_a_wrong_code() {
    let machine = Machine::new();
    let mut seen = Vec::new();
    for user in ["alice", "bob", "nobody-at-all", "../alice", ""] {
        let mut host = Player::new(user).asked(CODE, "123123");
        assert_eq!(machine.play(&mut host, ""), Disposition::Refused, "{user}");
        seen.push(host.told.clone());
        assert_eq!(
            host.event(),
            if user == "alice" {
                "otp.reject"
            } else {
                "otp.notenrolled"
            }
        );
    }
    assert!(seen.iter().all(|told| *told == seen[0]), "{seen:?}");
}

#[test]
fn nullok_excuses_only_unenrolled_users_and_asks_nothing() {
    let machine = Machine::new();
    let mut host = Player::new("bob");
    assert_eq!(
        (machine.play(&mut host, "nullok"), host.event()),
        (Disposition::Ignore, "otp.notenrolled")
    );
    let mut host = Player::new("alice").asked(CODE, "000000");
    assert_eq!(machine.play(&mut host, "nullok"), Disposition::Refused);
}

#[test]
fn nullok_does_not_excuse_an_unknown_name() {
    // A user list that cannot be read looks just like that.
    let machine = Machine::new();
    for arguments in ["nullok", "nullok split", "nullok use_first_pass"] {
        let mut host = Player::new("nobody-at-all").with_password("x123456");
        if arguments.contains("split") {
            host = host.asked(BOTH, "x123456");
        }
        assert_eq!(
            (machine.play(&mut host, arguments), host.event()),
            (Disposition::Refused, "otp.notenrolled"),
            "{arguments}"
        );
        assert!(host.told.is_empty(), "no more than an excused user is told");
    }
}

#[test]
fn a_policy_without_demands_acts_like_nullok_on_every_line() {
    let machine = Machine::new();
    machine.policy("[enforce]\ngroups = []\n");
    let mut host = Player::new("bob");
    assert_eq!(
        (machine.play(&mut host, ""), host.event()),
        (Disposition::Ignore, "otp.notenrolled")
    );
    let mut host = Player::new("alice").asked(CODE, "000000");
    assert_eq!(machine.play(&mut host, ""), Disposition::Refused);
    let mut host = Player::new("nobody-at-all");
    assert_eq!(
        (machine.play(&mut host, ""), host.event()),
        (Disposition::Refused, "otp.notenrolled")
    );
}

#[test]
fn another_spelling_of_the_name_finds_the_same_record() {
    let machine = Machine::new();
    let mut host = Player::new("ALICE").asked(CODE, &machine.code());
    assert_eq!(machine.play(&mut host, ""), Disposition::Success);
}

#[test]
fn another_name_of_the_same_person_finds_the_same_record_and_the_log_has_both() {
    let machine = Machine::new();
    machine.policy("[enforce]\ngroups = []\n[enroll]\nat_login = \"require\"\n");
    let code = machine.code();
    let mut host = Player::new("ally").asked(CODE, &code);
    assert_eq!(machine.play(&mut host, "nullok"), Disposition::Success);
    let line = host.log.last().unwrap();
    assert!(
        line.starts_with("otp.accept user=\"ally\" ") && line.ends_with(" account=\"alice\""),
        "{line}"
    );
    // A code used under one name is used under the other.
    let mut host = Player::new("alice").asked(CODE, &code);
    assert_eq!(machine.play(&mut host, ""), Disposition::Refused);
    let line = host.log.last().unwrap();
    assert!(
        line.starts_with("otp.replay user=\"alice\"") && !line.contains("account="),
        "{line}"
    );
}

#[test]
fn the_stricter_demand_on_either_name_counts_under_a_second_name() {
    let machine = Machine::new();
    let alice = account_of("alice").unwrap();
    erase(&machine.store(), &alice.name, Duration::from_secs(1)).unwrap();
    for (policy, name, expected) in [
        ("groups = [\"of-ally\"]", "alice", Disposition::Ignore),
        ("groups = [\"of-ally\"]", "ally", Disposition::Refused),
        (
            "exempt_groups = [\"of-ally\"]",
            "ally",
            Disposition::Refused,
        ),
        ("exempt_users = [\"ally\"]", "ally", Disposition::Refused),
        ("exempt_users = [\"alice\"]", "alice", Disposition::Ignore),
        ("exempt_users = [\"alice\"]", "ally", Disposition::Refused),
        (
            "exempt_users = [\"alice\", \"ally\"]",
            "ally",
            Disposition::Ignore,
        ),
    ] {
        machine.policy(&format!("[enforce]\n{policy}\n"));
        let mut host = Player::new(name);
        if expected == Disposition::Refused {
            host = host.asked(CODE, "123456");
        }
        assert_eq!(
            machine.play(&mut host, ""),
            expected,
            "{name} under {policy}"
        );
    }
}

// Errors refuse.

#[test]
fn an_error_is_neither_ignored_nor_a_success() {
    type Damage = fn(&Machine);
    let rows: [(&str, Damage); 8] = [
        ("damaged credential", |m| {
            fs::write(m.directory.path().join("state/alice/credential.toml"), "x").unwrap();
        }),
        ("empty credential", |m| {
            fs::write(m.directory.path().join("state/alice/credential.toml"), "").unwrap();
        }),
        ("damaged state", |m| {
            fs::write(m.directory.path().join("state/alice/state"), "x").unwrap();
        }),
        ("missing state", |m| {
            fs::remove_file(m.directory.path().join("state/alice/state")).unwrap();
        }),
        ("missing store", |m| {
            fs::rename(
                m.directory.path().join("state"),
                m.directory.path().join("elsewhere"),
            )
            .unwrap();
        }),
        ("damaged policy", |m| m.policy("failures = 5")),
        ("missing policy", |m| {
            fs::remove_file(m.directory.path().join("conf")).unwrap();
        }),
        ("open policy", |m| {
            let open = fs::Permissions::from_mode(0o666);
            fs::set_permissions(m.directory.path().join("conf"), open).unwrap();
        }),
    ];
    for (what, damage) in rows {
        for arguments in ["", "nullok"] {
            let machine = Machine::new();
            let code = machine.code();
            damage(&machine);
            let mut host = Player::new("alice");
            if !what.contains("policy") && what != "missing store" {
                host = host.asked(CODE, &code);
            }
            assert_eq!(
                machine.play(&mut host, arguments),
                Disposition::Unavailable,
                "{what} {arguments}"
            );
            assert_eq!(host.event(), "otp.unavailable");
            assert!(
                host.told[0].contains("could not be checked"),
                "{:?}",
                host.told
            );
        }
    }
}

#[test]
fn an_unknown_argument_refuses_and_the_log_says_which() {
    let machine = Machine::new();
    let mut host = Player::new("alice");
    assert_eq!(machine.play(&mut host, "nulok"), Disposition::Unavailable);
    assert!(
        host.log[0].contains("reason=\"module argument 3 (nulok): unknown argument\""),
        "{:?}",
        host.log
    );
}

#[test]
fn only_nodelay_removes_the_delay_of_a_refusal() {
    let machine = Machine::new();
    for (arguments, reply, delayed) in [
        ("", "000000", true),
        ("nodelay", "000000", false),
        ("nodelay nullok", "", false),
        ("split", "hunter2", true),
        ("nodelay split", "hunter2", false),
        // The argument is not read, so it has no effect.
        ("nodelay nulok", "", true),
        ("nodelay=yes", "", true),
    ] {
        let mut host = Player::new("alice");
        if !arguments.contains('=') && !arguments.contains("nulok") {
            let question = if arguments.contains("split") {
                BOTH
            } else {
                CODE
            };
            host = host.asked(question, reply);
        }
        machine.play(&mut host, arguments);
        assert_eq!(host.delayed, delayed, "{arguments}");
        host.delayed = true;
    }
}

#[test]
fn a_name_service_that_is_down_is_not_an_unknown_user() {
    let machine = Machine::new();
    let mut host = Player::new("alice");
    host.name_service_is_down = true;
    assert_eq!(
        (machine.play(&mut host, "nullok"), host.event()),
        (Disposition::Unavailable, "otp.unavailable")
    );
}

#[test]
fn a_cut_connection_is_refused_and_not_counted() {
    let machine = Machine::new();
    let mut host = Player::new("alice");
    host.fails_to_ask = true;
    assert_eq!(
        (machine.play(&mut host, ""), host.event()),
        (Disposition::Refused, "otp.reject")
    );
    let mut host = Player::new("alice");
    host = host.asked_with(CODE, Box::new(|_| None));
    assert_eq!(
        (machine.play(&mut host, ""), host.event()),
        (Disposition::Refused, "otp.reject")
    );
    assert_eq!(machine.failures(), 0);
}

#[test]
fn a_name_that_changes_during_the_conversation_is_refused() {
    let machine = Machine::new();
    let mut host = Player::new("alice").asked(CODE, &machine.code());
    host.user_after_question = Some("bob".to_owned());
    assert_eq!(
        (machine.play(&mut host, ""), host.event()),
        (Disposition::Unavailable, "otp.unavailable")
    );
}

// Password and code in one reply.

#[test]
fn forward_pass_leaves_the_password_to_the_next_module_only_after_the_right_code() {
    let machine = Machine::new();
    let mut host = Player::new("alice").asked(BOTH, &format!("hunter2{}", machine.code()));
    assert_eq!(
        machine.play(&mut host, "forward_pass"),
        Disposition::Success
    );
    assert_eq!(host.password, Some(bytes("hunter2")));
    let mut host = Player::new("alice").asked(BOTH, "hunter2000000");
    assert_eq!(
        machine.play(&mut host, "forward_pass"),
        Disposition::Refused
    );
    assert_eq!(host.password, None);
    let mut host =
        Player::new("alice").asked(BOTH, &format!("hunter2{}", machine.recovery_code(1)));
    assert_eq!(
        machine.play(&mut host, "forward_pass"),
        Disposition::Success
    );
    assert_eq!(host.password, Some(bytes("hunter2")));
}

#[test]
fn use_first_pass_never_asks() {
    let machine = Machine::new();
    let mut host = Player::new("alice").with_password(&format!("hunter2{}", machine.code()));
    assert_eq!(
        machine.play(&mut host, "use_first_pass"),
        Disposition::Success
    );
    for password in [Some("hunter2"), None] {
        let mut host = Player::new("alice");
        host.password = password.map(bytes);
        assert_eq!(
            machine.play(&mut host, "use_first_pass"),
            Disposition::Refused
        );
    }
    assert_eq!(
        machine.failures(),
        0,
        "a password without a code is no guess"
    );
}

#[test]
fn try_first_pass_asks_when_the_password_holds_no_right_code() {
    let machine = Machine::new();
    let mut host = Player::new("alice")
        .with_password("hunter2")
        .asked(CODE, &machine.code());
    assert_eq!(
        machine.play(&mut host, "try_first_pass"),
        Disposition::Success
    );
    let mut host = Player::new("alice")
        .with_password("summer000000")
        .asked(CODE, &machine.code_after(1));
    assert_eq!(
        machine.play(&mut host, "try_first_pass"),
        Disposition::Success
    );
    let mut host =
        Player::new("alice").with_password(&format!("hunter2{}", machine.recovery_code(0)));
    assert_eq!(
        machine.play(&mut host, "try_first_pass"),
        Disposition::Success
    );
}

#[test]
fn every_guess_through_try_first_pass_is_counted() {
    let machine = Machine::new();
    let mut host = Player::new("alice")
        .with_password("x000000")
        .asked(CODE, "111111");
    assert_eq!(
        machine.play(&mut host, "try_first_pass"),
        Disposition::Refused
    );
    assert_eq!(machine.failures(), 2);
}

#[test]
fn split_separates_password_and_code_and_a_second_line_checks_the_code() {
    let machine = Machine::new();
    let mut host = Player::new("alice").asked(BOTH, &format!("hunter2{}", machine.code()));
    assert_eq!(machine.play(&mut host, "split"), Disposition::Ignore);
    assert_eq!(host.password, Some(bytes("hunter2")));
    assert!(host.log.is_empty(), "no attempt yet, so no line");
    assert_eq!(machine.play(&mut host, ""), Disposition::Success);
    assert!(host.kept.is_none(), "the kept code is good for one check");
}

#[test]
fn split_without_a_code_is_refused_by_the_second_line_and_not_counted() {
    let machine = Machine::new();
    let mut host = Player::new("alice").asked(BOTH, "hunter2");
    assert_eq!(machine.play(&mut host, "split"), Disposition::Ignore);
    assert_eq!(host.password, Some(bytes("hunter2")));
    assert_eq!(machine.play(&mut host, ""), Disposition::Refused);
    assert_eq!(machine.failures(), 0);
}

/// Each way in which an enrolled user can be trusted here.
fn trusting(way: &str) -> Machine {
    let machine = Machine::new();
    machine.policy(match way {
        "network" => "[trust]\nnetworks = [\"192.0.2.0/24\"]\n",
        _ => "[trust]\nremember = \"8h\"\n",
    });
    if way == "place" {
        let mut host = Player::new("alice").asked(CODE, &machine.code());
        assert_eq!(machine.play(&mut host, ""), Disposition::Success);
    }
    machine
}

#[test]
fn a_used_code_is_refused_at_a_remembered_place_if_no_other_module_proves_the_identity() {
    let machine = trusting("place");
    let mut host = Player::new("alice").asked(CODE, &machine.code());
    host.proves_identity = false;
    assert_eq!(machine.play(&mut host, ""), Disposition::Refused);
    assert_eq!(host.event(), "otp.replay");
    assert_eq!(
        machine.last_refusal(),
        Some((machine.now, Refusal::Replayed))
    );
}

#[test]
fn split_cuts_the_code_off_even_if_none_is_needed_and_does_not_check_it() {
    for way in ["network", "place"] {
        let machine = trusting(way);
        let used = machine.code();
        for (reply, password) in [
            (format!("hunter2{used}"), "hunter2"),
            (format!("hunter2{}", machine.code_after(1)), "hunter2"),
            ("hunter2000000".to_owned(), "hunter2"),
            (format!("hunter2{}", machine.recovery_code(0)), "hunter2"),
            ("hunter2".to_owned(), "hunter2"),
            // A password that ends like a code is whole with any code after it.
            ("born900101000000".to_owned(), "born900101"),
            ("born900101".to_owned(), "born"),
        ] {
            let mut host = Player::new("alice").asked(BOTH, &reply);
            assert_eq!(machine.play(&mut host, "split"), Disposition::Ignore);
            assert_eq!(host.password, Some(bytes(password)), "{way}: {reply}");
            assert!(host.log.is_empty(), "the second line logs the outcome");
            assert_eq!(machine.play(&mut host, ""), Disposition::Ignore, "{way}");
            assert_eq!(host.log.len(), 1, "one line an attempt");
            assert_eq!(host.event(), "otp.trusted");
            assert!(host.kept.is_none(), "nor is it left for a later attempt");
        }
        assert_eq!(machine.failures(), 0);
        // No code was used up.
        machine.policy("");
        for unused in [machine.code_after(1), machine.recovery_code(0)] {
            let mut host = Player::new("alice").asked(CODE, &unused);
            assert_eq!(machine.play(&mut host, ""), Disposition::Success, "{way}");
        }
    }
}

#[test]
fn forward_pass_cuts_the_code_off_even_if_none_is_needed_and_does_not_check_it() {
    for way in ["network", "place"] {
        let machine = trusting(way);
        for (reply, password) in [
            (format!("hunter2{}", machine.code()), "hunter2"),
            (format!("hunter2{}", machine.code_after(1)), "hunter2"),
            ("hunter2000000".to_owned(), "hunter2"),
            (format!("hunter2{}", machine.recovery_code(0)), "hunter2"),
            ("hunter2".to_owned(), "hunter2"),
            ("born900101000000".to_owned(), "born900101"),
        ] {
            let asked = || Player::new("alice").asked(BOTH, &reply);
            let given = || Player::new("alice").with_password(&reply);
            for (mut host, arguments) in [
                (asked(), "forward_pass"),
                (asked(), "forward_pass try_first_pass"),
                (given(), "forward_pass try_first_pass"),
                (given(), "forward_pass use_first_pass"),
            ] {
                assert_eq!(machine.play(&mut host, arguments), Disposition::Ignore);
                let handed_on = host.password.take();
                assert_eq!(handed_on, Some(bytes(password)), "{way}: {arguments}");
                assert_eq!((host.event(), host.log.len()), ("otp.trusted", 1));
            }
        }
        // Without that argument the password must not be changed.
        for arguments in ["", "try_first_pass", "use_first_pass"] {
            let mut host = Player::new("alice").with_password("hunter2000000");
            assert_eq!(machine.play(&mut host, arguments), Disposition::Ignore);
            assert_eq!(host.password, Some(bytes("hunter2000000")), "{arguments}");
        }
        let mut host = Player::new("alice");
        let answer = machine.play(&mut host, "forward_pass use_first_pass");
        assert_eq!((answer, host.password.take()), (Disposition::Ignore, None));
        assert_eq!(machine.failures(), 0);
        machine.policy("");
        for unused in [machine.code_after(1), machine.recovery_code(0)] {
            let mut host = Player::new("alice").asked(CODE, &unused);
            assert_eq!(machine.play(&mut host, ""), Disposition::Success, "{way}");
        }
    }
}

#[test]
fn forward_pass_does_not_ask_users_who_are_let_in_without_an_authenticator() {
    for (policy, arguments) in [
        ("[trust]\nnetworks = [\"192.0.2.0/24\"]\n", ""),
        ("", "nullok"),
        ("[enforce]\ngroups = []\n", ""),
    ] {
        let machine = Machine::new();
        machine.policy(policy);
        let line = format!("forward_pass try_first_pass {arguments}");
        for password in [None, Some("born900101")] {
            let mut host = Player::new("bob");
            host.password = password.map(bytes);
            assert_eq!(machine.play(&mut host, &line), Disposition::Ignore);
            assert_eq!(host.password, password.map(bytes), "{policy}{line}");
        }
    }
}

#[test]
fn a_name_that_changes_during_the_question_at_a_trusted_place_is_refused() {
    let machine = trusting("network");
    let mut host = Player::new("alice").asked(BOTH, "hunter2000000");
    host.user_after_question = Some("bob".to_owned());
    let answer = machine.play(&mut host, "forward_pass");
    assert_eq!(answer, Disposition::Unavailable);
    assert_eq!(host.password, None);
}

#[test]
fn split_hands_on_the_whole_reply_of_users_who_are_let_in_without_an_authenticator() {
    // Their passwords may end like a code.
    for (policy, arguments) in [
        ("[trust]\nnetworks = [\"192.0.2.0/24\"]\n", ""),
        ("", "nullok"),
        ("[enforce]\ngroups = []\n", ""),
        ("[enforce]\nfrom = \"2030-01-01\"\n", ""),
    ] {
        let machine = Machine::new();
        machine.policy(policy);
        for reply in ["hunter2", "born900101", ""] {
            let mut host = Player::new("bob").asked(BOTH, reply);
            for line in [format!("split {arguments}"), arguments.to_owned()] {
                let answer = machine.play(&mut host, &line);
                assert_eq!(answer, Disposition::Ignore, "{policy}{line}");
                assert_eq!(host.password, Some(bytes(reply)), "{policy}{line}");
            }
            assert!(host.kept.is_none());
        }
    }
}

#[test]
fn split_in_a_trusted_place_decides_nothing_if_the_records_cannot_be_read() {
    let machine = trusting("network");
    let record = machine.directory.path().join("state/alice");
    fs::remove_dir_all(&record).unwrap();
    fs::write(record, "").unwrap();
    let mut host = Player::new("alice").asked(BOTH, "hunter2123456");
    assert_eq!(machine.play(&mut host, "split"), Disposition::Ignore);
    assert_eq!((host.event(), host.log.len()), ("otp.policy", 1));
    assert_eq!(host.password, Some(bytes("hunter2")));
    assert_eq!(machine.play(&mut host, ""), Disposition::Ignore);
    assert_eq!(host.event(), "otp.trusted");
}

#[test]
fn trust_that_ends_between_the_two_lines_of_split_has_the_code_checked() {
    for (way, ends) in [("network", ""), ("place", "[trust]\nremember = \"0\"\n")] {
        let machine = trusting(way);
        let used = machine.code();
        let fresh = machine.code_after(1);
        for (code, answer) in [
            ("", Disposition::Refused),
            ("000000", Disposition::Refused),
            (&fresh, Disposition::Success),
        ] {
            machine.policy("[trust]\nnetworks = [\"192.0.2.0/24\"]\nremember = \"8h\"\n");
            let mut host = Player::new("alice").asked(BOTH, &format!("hunter2{code}"));
            assert_eq!(machine.play(&mut host, "split"), Disposition::Ignore);
            machine.policy(ends);
            assert_eq!(machine.play(&mut host, ""), answer, "{way}");
        }
        let mut host = Player::new("alice").asked(CODE, &used);
        assert_eq!(machine.play(&mut host, ""), Disposition::Refused);
    }
}

#[test]
fn a_code_left_by_an_earlier_attempt_is_not_used_for_this_one() {
    let machine = Machine::new();
    machine.policy("[enforce]\nexempt_users = [\"bob\"]\n");
    let mut host = Player::new("alice").asked(BOTH, &format!("hunter2{}", machine.code()));
    assert_eq!(machine.play(&mut host, "split"), Disposition::Ignore);
    // The password was wrong, so the second line was not reached.
    host.user = "bob".to_owned();
    let mut host = host.asked(BOTH, "hunter2");
    assert_eq!(machine.play(&mut host, "split"), Disposition::Ignore);
    assert!(host.kept.is_none());
}

#[test]
fn a_code_kept_for_one_user_is_not_checked_for_another() {
    let machine = Machine::new();
    let mut host = Player::new("bob").asked(BOTH, &format!("hunter2{}", machine.code()));
    assert_eq!(machine.play(&mut host, "split"), Disposition::Ignore);
    host.user = "alice".to_owned();
    assert_eq!(machine.play(&mut host, ""), Disposition::Unavailable);
}

#[test]
fn forward_pass_leaves_the_password_even_if_an_earlier_module_asked_for_it() {
    let machine = Machine::new();
    for (arguments, code) in [
        ("use_first_pass forward_pass", machine.code()),
        ("try_first_pass forward_pass", machine.code_after(1)),
    ] {
        let mut host = Player::new("alice").with_password(&format!("hunter2{code}"));
        assert_eq!(machine.play(&mut host, arguments), Disposition::Success);
        assert_eq!(host.password, Some(bytes("hunter2")), "{arguments}");
    }
}

#[test]
fn a_code_is_echoed_on_request_and_a_password_never() {
    let machine = Machine::new();
    for (arguments, question, echoed) in [
        ("", CODE, false),
        ("echo_verification_code", CODE, true),
        ("echo_verification_code forward_pass", BOTH, false),
        ("echo_verification_code split", BOTH, false),
    ] {
        let mut host = Player::new("alice").asked(question, "x");
        machine.play(&mut host, arguments);
        assert_eq!(host.echoed, echoed, "{arguments}");
    }
}

#[test]
fn a_silent_program_is_asked_only_hidden_questions_whatever_the_line_says() {
    let machine = Machine::new();
    for arguments in ["echo_verification_code", "echo_verification_code lang=en"] {
        let mut host = Player::new("alice").asked(CODE, "x");
        machine.play_silently(&mut host, arguments);
        assert!(!host.echoed, "{arguments}");
    }
}

#[test]
fn a_message_that_was_not_shown_is_not_logged_as_shown() {
    type Reply = fn(&Machine) -> String;
    let rows: [(&str, Reply, &str); 9] = [
        (
            "alice",
            |_| "000000".to_owned(),
            r#"message="wrong-code (not shown)""#,
        ),
        (
            "alice",
            |_| String::new(),
            r#"message="nothing-typed (not shown)""#,
        ),
        ("alice", Machine::code, "otp.accept"),
        (
            "alice",
            Machine::code,
            r#"message="already-used (not shown)""#,
        ),
        (
            "alice",
            |machine| machine.recovery_code(0),
            r#"message="recovery-used (not shown)""#,
        ),
        (
            "bob",
            |_| "000000".to_owned(),
            r#"message="wrong-code (not shown)""#,
        ),
        ("alice", |_| "1".to_owned(), "counted"),
        ("alice", |_| "2".to_owned(), "counted"),
        ("alice", |_| "3".to_owned(), "counted"),
    ];
    let locked = r#"message="locked-until (not shown)""#;
    let machine = Machine::new();
    let silently = |user, reply: &str| {
        let mut host = Player::new(user).asked(CODE, reply);
        machine.play_silently(&mut host, "");
        assert!(host.told.is_empty());
        host.log.last().unwrap().clone()
    };
    for (user, reply, says) in rows {
        let line = silently(user, &reply(&machine));
        assert!(line.contains(says), "{line}");
        assert_eq!(
            line.contains("(not shown)"),
            line.contains("message="),
            "{line}"
        );
    }
    silently("alice", "4");
    for _ in 0..2 {
        assert!(silently("alice", "5").contains(locked));
    }
    // The next program shows everything, and the log says so.
    let mut host = Player::new("alice").asked(CODE, "6");
    machine.play(&mut host, "");
    assert!(
        host.log[0].contains(r#"message="locked-until""#),
        "{:?}",
        host.log
    );
}

// The language and the width of messages.

#[test]
fn messages_fit_a_terminal_of_80_columns_in_either_language() {
    let columns = |line: &str| -> usize {
        let wide = |one: char| usize::from(one >= '\u{1100}') + 1;
        line.chars().map(wide).sum()
    };
    for language in ["en", "ko"] {
        let machine = Machine::new();
        let used = machine.code();
        let replies = [&used, &used, "", "1", "2", "3", "4", "5", "6"].map(str::to_owned);
        let mut told = Vec::new();
        for reply in replies {
            let mut host = Player::new("alice").asked_with(
                if language == "en" {
                    CODE
                } else {
                    "인증 코드: "
                },
                Box::new(move |_| Some(bytes(&reply))),
            );
            machine.play(&mut host, &format!("lang={language}"));
            told.append(&mut host.told);
        }
        assert_eq!(told.len(), 8, "all but the first are refused");
        for text in &told {
            assert!(text.lines().all(|line| columns(line) <= 80), "{text}");
        }
        let several = told.iter().filter(|text| text.contains('\n')).count();
        assert!(several > 3, "{told:?}");
    }
}

#[test]
fn the_language_comes_from_the_argument_or_the_policy() {
    let machine = Machine::new();
    machine.policy("language = \"ko\"");
    let mut host = Player::new("alice").asked("인증 코드: ", "000000");
    machine.play(&mut host, "");
    assert!(host.told[0].contains("맞지 않습니다"));
    let mut host = Player::new("alice").asked(CODE, "000000");
    machine.play(&mut host, "lang=en");
    assert!(host.told[0].contains("is wrong"));
}

/// A portal knows the language of its pages, and gives it in `PAM_OTP_LANG`.
#[test]
fn the_language_that_the_program_gives_comes_before_the_argument_and_the_policy() {
    let machine = Machine::new();
    for (policy, arguments, reads, question, word) in [
        (
            "language = \"en\"",
            "lang=en",
            Language::Korean,
            "인증 코드: ",
            "맞지 않습니다",
        ),
        (
            "language = \"ko\"",
            "lang=ko",
            Language::English,
            CODE,
            "is wrong",
        ),
    ] {
        machine.policy(policy);
        let mut host = Player::new("alice").asked(question, "000000");
        host.reads = Some(reads);
        machine.play(&mut host, arguments);
        assert!(host.told[0].contains(word), "{:?}", host.told);
    }
}

#[test]
fn a_prompt_of_the_administrators_own_is_used() {
    let machine = Machine::new();
    let mut host = Player::new("alice").asked("Token:", &machine.code());
    assert_eq!(
        machine.play(&mut host, "authtok_prompt=Token:"),
        Disposition::Success
    );
}

#[test]
fn no_reply_password_or_code_reaches_the_log_or_the_screen() {
    let machine = Machine::new();
    let (code, recovery) = (machine.code(), machine.recovery_code(0));
    for reply in [
        "hunter2-secret",
        "987654",
        &code,
        &code,
        &recovery,
        "secret987654",
    ] {
        for arguments in ["debug", "debug forward_pass", "debug try_first_pass"] {
            let question = if arguments.contains("forward") {
                BOTH
            } else {
                CODE
            };
            let mut host = Player::new("alice")
                .with_password("secret-password")
                .asked(question, reply);
            machine.play(&mut host, arguments);
            let shown = format!("{:?}{:?}", host.log, host.told);
            for secret in ["hunter2", "987654", "secret", &code, &recovery] {
                assert!(!shown.contains(secret), "{shown}");
            }
        }
    }
}

#[test]
fn every_verdict_has_its_pam_answer() {
    use otp_core::record::Standing::{Disabled, Held};
    let accepted = || Verdict::Accepted {
        authenticator: Name::new("phone").unwrap(),
        resynchronised: None,
    };
    let verdicts = every!(Verdict {
        Accepted => [accepted()],
        Recovered => [Verdict::Recovered { left: 0 }],
        Mailed => [Verdict::Mailed],
        Rejected => [Verdict::Rejected { left: 4 }],
        RejectedAndLocked => [Verdict::RejectedAndLocked { standing: Held }],
        Replayed => [Verdict::Replayed],
        Empty => [Verdict::Empty],
        NoGuess => NoGuess::ALL.map(|why| Verdict::NoGuess { why }),
        Locked => [Held, Disabled].map(|standing| Verdict::Locked { standing }),
        NotEnrolled => [Verdict::NotEnrolled],
        Excused => [Verdict::Excused],
    });
    // By name, so that no verdict lets anybody in by accident.
    let lets_in = [accepted(), Verdict::Recovered { left: 0 }, Verdict::Mailed];
    for verdict in verdicts {
        let expected = match &verdict {
            one if lets_in.contains(one) => Disposition::Success,
            Verdict::Locked { .. } => Disposition::Locked,
            Verdict::Excused => Disposition::Ignore,
            _ => Disposition::Refused,
        };
        assert_eq!(answer_to(&verdict), expected, "{verdict:?}");
    }
}
