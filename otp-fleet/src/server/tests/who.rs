//! The peers and users that get answers.

use super::*;

#[allow(clippy::needless_pass_by_value, reason = "an answer is examined once")]
fn denied(answer: Option<Answer>) -> bool {
    answer == Some(Answer::Denied)
}

#[test]
fn a_machine_missing_from_the_registry_is_denied_whatever_its_certificate() {
    let fleet = Fleet::new();
    let phone = fleet.enrolled("alice", ALICE);
    let right = check("alice", &code(&phone, 1));
    assert!(denied(fleet.machine("web3").answer(&right)));
    fleet.register("boss", Role::Administrator, &[], false);
    assert!(denied(fleet.machine("boss").answer(&right)));
    fs::write(fleet.path("machines").join("web3"), "").unwrap();
    let mut web3 = fleet.machine("web3");
    web3.ask(Some(ALICE), &right).unwrap();
    // The name cannot be looked up here: another verifier may know it.
    assert!(is_elsewhere(&web3.hear().unwrap()).is_some());
    // This has not used up the code.
    assert!(is_accepted(fleet.machine("web1").answer(&right).as_ref()));
}

#[test]
fn a_machine_that_is_revoked_gets_no_further_answer_on_its_connection() {
    let fleet = Fleet::new();
    let phone = fleet.enrolled("alice", ALICE);
    let mut web1 = fleet.machine("web1");
    assert_eq!(web1.answer(&is_enrolled("alice")), Some(Answer::Enrolled));
    fleet.register("web1", Role::Machine, &[], true);
    let right = check("alice", &code(&phone, 1));
    assert!(denied(web1.answer(&right)));
    assert!(web1.answer(&right).is_none());
    assert!(is_accepted(fleet.machine("web2").answer(&right).as_ref()));
}

/// This holds even while nothing is asked: a place that is held for ten minutes is missing for another machine.
#[test]
fn a_machine_that_may_no_longer_ask_is_disconnected() {
    let fleet = Fleet::new();
    let is_closed = |mut machine: Machine| match machine.0.read(&mut [0; 1]) {
        Ok(count) => count == 0,
        // Only a failing test waits this long.
        Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
    };
    let connected = |name: &str| {
        let mut machine = fleet.machine(name);
        while machine.0.conn.is_handshaking() {
            machine.0.conn.complete_io(&mut machine.0.sock).unwrap();
        }
        machine
    };
    let (strange, removed) = (connected("web3"), connected("web2"));
    let mut revoked = fleet.machine("web1");
    assert!(revoked.answer(&is_enrolled("alice")).is_some());
    fleet.register("web1", Role::Machine, &[], true);
    fs::remove_file(fleet.path("machines").join("web2")).unwrap();
    for machine in [strange, revoked, removed] {
        assert!(is_closed(machine));
    }
    fleet.register("web4", Role::Machine, &[], false);
    let mut web4 = fleet.machine("web4");
    assert!(web4.answer(&is_enrolled("alice")).is_some());
    // An entry that cannot be read closes nothing.
    fs::write(fleet.path("machines").join("web4"), "").unwrap();
    let later = connected("web5");
    assert!(is_closed(later));
    fleet.register("web4", Role::Machine, &[], false);
    assert!(web4.answer(&is_enrolled("alice")).is_some());
}

#[test]
fn a_machine_gets_answers_only_about_users_of_its_zones() {
    let zones = "[zones]\nweb = [\"alice\"]\ndb = [\"bob\"]\n";
    let fleet = Fleet::with("", zones, otp_site::clock::now);
    let phone = fleet.enrolled("alice", ALICE);
    let right = check("alice", &code(&phone, 1));
    fleet.register("web2", Role::Machine, &["db"], false);
    assert!(denied(fleet.machine("web2").answer(&right)));
    assert!(denied(fleet.machine("web2").answer(&is_enrolled("alice"))));
    fleet.register("web2", Role::Machine, &["gone"], false);
    assert!(denied(fleet.machine("web2").answer(&right)));
    fleet.register("web2", Role::Machine, &["db", "web"], false);
    assert!(is_accepted(fleet.machine("web2").answer(&right).as_ref()));
}

/// A new person with an old name, on a machine with another name service.
#[test]
fn a_request_with_another_user_id_than_the_record_is_not_answered() {
    let fleet = Fleet::new();
    let phone = fleet.enrolled("alice", ALICE);
    let right = check("alice", &code(&phone, 1));
    for uid in [ALICE + 1, 1, u32::MAX] {
        let mut web1 = fleet.machine("web1");
        web1.ask(Some(uid), &right).unwrap();
        let answer = Answer::from_fields(&web1.hear().unwrap());
        assert!(matches!(answer, Some(Answer::Unavailable(_))), "{answer:?}");
    }
    assert!(is_accepted(fleet.machine("web1").answer(&right).as_ref()));
}

#[test]
fn root_is_in_no_fleet() {
    let fleet = Fleet::new();
    for (user, uid) in [("root", 0), ("toor", 0), ("root", 1001)] {
        for request in [check(user, "123456"), is_enrolled(user), enrol(user)] {
            let mut web1 = fleet.machine("web1");
            web1.ask(Some(uid), &request).unwrap();
            assert!(denied(Answer::from_fields(&web1.hear().unwrap())));
        }
    }
    for user in ["../x", ".x", "a/b"] {
        assert!(denied(fleet.machine("web1").answer(&check(user, "123456"))));
    }
}

#[test]
fn a_code_for_an_unknown_user_is_refused_and_nothing_is_stored() {
    let fleet = Fleet::new();
    let mut web1 = fleet.machine("web1");
    web1.ask(None, &check("nobody-here", "123456")).unwrap();
    let answer = Answer::from_fields(&web1.hear().unwrap());
    assert_eq!(answer, Some(Answer::Verdict(Verdict::NotEnrolled)));
    assert_eq!(fs::read_dir(fleet.path("records")).unwrap().count(), 0);
}

/// If a name service loses a user for a moment, the user must not count as one without an authenticator.
#[test]
fn a_request_without_a_user_id_learns_nothing_about_enrolment() {
    let fleet = Fleet::new();
    fleet.enrolled("alice", ALICE);
    let user = || "alice".to_owned();
    for request in [
        is_enrolled("alice"),
        Request::Standing { user: user() },
        Request::Status { user: user() },
        Request::BeginGrace { user: user() },
        enrol("alice"),
    ] {
        let mut web1 = fleet.machine("web1");
        web1.ask(None, &request).unwrap();
        assert!(denied(Answer::from_fields(&web1.hear().unwrap())));
    }
}

/// A login also asks its questions before the prompt about a name without an account, so that both take as long.
#[test]
fn a_login_under_an_unknown_name_gets_answers_that_let_nobody_in() {
    let fleet = Fleet::new();
    let place = Place::of("sshd", "192.0.2.1").unwrap();
    let remember = Duration::from_hours(1);
    let trusted = |user: &str| Request::TrustedSince {
        user: user.to_owned(),
        place: place.clone(),
        remember,
    };
    let mut web1 = fleet.machine("web1");
    for (request, expected) in [
        (trusted(""), Answer::TrustedSince(None)),
        (is_enrolled(""), Answer::Enrolled),
        (check("", "123456"), Answer::Verdict(Verdict::NotEnrolled)),
    ] {
        web1.ask(None, &request).unwrap();
        assert_eq!(Answer::from_fields(&web1.hear().unwrap()), Some(expected));
    }
    // A request with a user id must have a name, and one without a user id none.
    for request in [trusted(""), is_enrolled("")] {
        assert!(denied(fleet.machine("web1").answer(&request)));
    }
    let mut web1 = fleet.machine("web1");
    web1.ask(None, &trusted("alice")).unwrap();
    assert!(denied(Answer::from_fields(&web1.hear().unwrap())));
}

#[test]
fn a_machine_is_denied_a_request_that_the_table_does_not_grant() {
    let fleet = Fleet::new();
    let request = Request::Try {
        user: "alice".to_owned(),
        service: "sshd".to_owned(),
        runs_as: otp_helper::protocol::RunsAs::Root,
    };
    assert!(denied(fleet.machine("web1").answer(&request)));
}

#[test]
fn a_connection_with_a_foreign_expired_or_missing_certificate_is_closed_and_counts_nothing() {
    let fleet = Fleet::new();
    let phone = fleet.enrolled("alice", ALICE);
    let right = check("alice", &code(&phone, 1));
    let other = Authority::new(fleet.directory.path(), "other");
    let ca = fleet.path("fleet.ca");
    let strange = tls::Files {
        ca: ca.clone(),
        ..other.sign(&["web1"])
    };
    let both = crate::fixture::BOTH;
    let expired = fleet.authority.sign_for(&["web1"], Good::Once, &both);
    let of_a_server = [rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    for files in [
        strange,
        expired,
        fleet.authority.sign_for(&["web1"], Good::Later, &both),
        fleet.authority.sign_for(&["web1"], Good::Now, &of_a_server),
        fleet.authority.sign(&["192.0.2.1"]),
    ] {
        let mut machine = fleet.by(tls::client(&files).unwrap());
        assert!(machine.answer(&right).is_none());
    }
    assert!(is_accepted(fleet.machine("web1").answer(&right).as_ref()));
}

#[test]
fn a_connection_by_another_protocol_over_the_same_certificates_is_closed() {
    let fleet = Fleet::new();
    for protocols in [vec![], vec![b"http/1.1".to_vec()]] {
        let mut config = (*fleet.tls("web1")).clone();
        config.alpn_protocols = protocols;
        let mut machine = fleet.by(Arc::new(config));
        assert!(machine.answer(&is_enrolled("alice")).is_none());
    }
    assert!(
        fleet
            .machine("web1")
            .answer(&is_enrolled("alice"))
            .is_some()
    );
}

#[test]
fn a_name_in_another_case_is_the_same_machine() {
    let fleet = Fleet::new();
    assert!(
        fleet
            .machine("WEB1")
            .answer(&is_enrolled("alice"))
            .is_some()
    );
    fleet.register("web1", Role::Machine, &[], true);
    assert!(denied(fleet.machine("WEB1").answer(&is_enrolled("alice"))));
}

/// A stolen machine with one good code must not make its user trusted at the others.
#[test]
fn trust_that_was_earned_on_one_machine_counts_on_no_other() {
    let fleet = Fleet::new();
    let phone = fleet.enrolled("alice", ALICE);
    let place = Place::of("sshd", "192.0.2.1").unwrap();
    let remember = Duration::from_hours(1);
    let right = Request::Check {
        user: "alice".to_owned(),
        excused: false,
        reply: Zeroizing::new(code(&phone, 1).into_bytes()),
        no_guess: None,
        remembered: Some(Remembered {
            place: place.clone(),
            remember,
        }),
        claim: None,
    };
    assert!(is_accepted(fleet.machine("web1").answer(&right).as_ref()));
    let trusted = Request::TrustedSince {
        user: "alice".to_owned(),
        place,
        remember,
    };
    let since = |machine: &str| fleet.machine(machine).answer(&trusted);
    assert!(matches!(since("web1"), Some(Answer::TrustedSince(Some(_)))));
    assert_eq!(since("web2"), Some(Answer::TrustedSince(None)));
}
