//! Changes, and the proof of who is asking.

use super::*;

/// The seconds by which the clock of proofs is ahead, in the test that uses it.
static AHEAD: AtomicU64 = AtomicU64::new(0);

fn clock_ahead() -> Result<UnixTime, Before1970> {
    let now = otp_site::clock::now()?;
    Ok(now.after(Duration::from_secs(AHEAD.load(Ordering::Relaxed))))
}

fn change(change: Change) -> Request {
    Request::Change {
        user: "alice".to_owned(),
        change,
    }
}

fn every_change() -> [Request; 4] {
    let name = |text: &str| Name::new(text).unwrap();
    [
        enrol("alice"),
        change(Change::Add(name("tablet"))),
        change(Change::Remove(None)),
        change(Change::RecoveryCodes),
    ]
}

/// Begins a change, and returns the first turn.
fn begun(machine: &mut Machine, request: &Request) -> Option<Turn> {
    machine.ask(Some(ALICE), request)?;
    machine.turn()
}

#[allow(clippy::needless_pass_by_value, reason = "an answer is examined once")]
fn is_not_proven(turn: Option<Turn>) -> bool {
    matches!(turn, Some(Turn::End(Answer::NotAuthenticated)))
}

#[test]
fn a_change_needs_a_code_accepted_from_the_same_machine() {
    let fleet = Fleet::new();
    // Otherwise the last device could not be removed at all.
    let policy = "[enforce]\nexempt_users = [\"alice\"]\n";
    fs::write(fleet.path("pam_otp.conf"), policy).unwrap();
    let phone = fleet.enrolled("alice", ALICE);
    for request in every_change() {
        assert!(is_not_proven(begun(&mut fleet.machine("web1"), &request)));
    }
    let right = check("alice", &code(&phone, 1));
    assert!(is_accepted(fleet.machine("web2").answer(&right).as_ref()));
    // On another machine the code proves nothing.
    for request in every_change() {
        assert!(is_not_proven(begun(&mut fleet.machine("web1"), &request)));
    }
    let mut web2 = fleet.machine("web2");
    let turn = begun(&mut web2, &change(Change::RecoveryCodes));
    assert!(matches!(
        turn,
        Some(Turn::Begun {
            authenticates: false,
            ..
        })
    ));
    let Some(Turn::Codes(codes)) = web2.turn() else {
        panic!("no codes")
    };
    web2.send(&Reply::Keep.to_fields()).unwrap();
    let end = web2.turn();
    assert!(matches!(
        end,
        Some(Turn::End(Answer::Kept { enrolled: true }))
    ));
    // The new codes are good, also on the other machine, where one opens a login; the old ones need not be given.
    let recovery = check("alice", &codes[0].reveal());
    let answer = fleet.machine("web1").answer(&recovery);
    assert_eq!(
        answer,
        Some(Answer::Verdict(Verdict::Recovered { left: 9 }))
    );
}

#[test]
fn a_wrong_code_cancels_the_proof_of_identity() {
    let fleet = Fleet::new();
    let phone = fleet.enrolled("alice", ALICE);
    let right = check("alice", &code(&phone, 1));
    assert!(is_accepted(fleet.machine("web1").answer(&right).as_ref()));
    fleet.machine("web2").answer(&check("alice", "00000000"));
    let request = change(Change::RecoveryCodes);
    assert!(is_not_proven(begun(&mut fleet.machine("web1"), &request)));
}

#[test]
fn an_accepted_code_proves_identity_for_five_minutes() {
    let fleet = Fleet::with("", "", clock_ahead);
    let phone = fleet.enrolled("alice", ALICE);
    let right = check("alice", &code(&phone, 1));
    assert!(is_accepted(fleet.machine("web1").answer(&right).as_ref()));
    let request = change(Change::RecoveryCodes);
    let proven_after = |seconds| {
        AHEAD.store(seconds, Ordering::Relaxed);
        let turn = begun(&mut fleet.machine("web1"), &request);
        matches!(turn, Some(Turn::Begun { .. }))
    };
    assert!(proven_after(0) && proven_after(290));
    assert!(!proven_after(301) && !proven_after(360));
    assert!(proven_after(0));
    // The proof must hold at the end too: otherwise a change left open would be a key to the account for longer.
    for (seconds, is_kept) in [(301, false), (290, true)] {
        AHEAD.store(0, Ordering::Relaxed);
        let mut web1 = fleet.machine("web1");
        assert!(matches!(
            begun(&mut web1, &request),
            Some(Turn::Begun { .. })
        ));
        assert!(matches!(web1.turn(), Some(Turn::Codes(_))));
        AHEAD.store(seconds, Ordering::Relaxed);
        web1.send(&Reply::Keep.to_fields()).unwrap();
        let end = web1.turn();
        assert_eq!(matches!(end, Some(Turn::End(Answer::Kept { .. }))), is_kept);
        assert_eq!(is_not_proven(end), !is_kept, "{seconds}");
    }
    AHEAD.store(0, Ordering::Relaxed);
}

/// A used code is not a wrong one: the user's next login on another machine may well send it.
#[test]
fn a_used_code_does_not_cancel_the_proof_of_identity() {
    let fleet = Fleet::new();
    let phone = fleet.enrolled("alice", ALICE);
    let right = check("alice", &code(&phone, 1));
    assert!(is_accepted(fleet.machine("web1").answer(&right).as_ref()));
    let replayed = fleet.machine("web2").answer(&right);
    assert_eq!(replayed, Some(Answer::Verdict(Verdict::Replayed)));
    let turn = begun(&mut fleet.machine("web1"), &change(Change::RecoveryCodes));
    assert!(matches!(turn, Some(Turn::Begun { .. })));
}

#[test]
fn a_machine_that_is_revoked_while_a_person_types_changes_nothing() {
    let fleet = Fleet::new();
    let mut web1 = fleet.machine("web1");
    web1.ask(Some(ALICE), &enrol("alice")).unwrap();
    let Some(Turn::Begun { .. }) = web1.turn() else {
        panic!("not begun")
    };
    let Some(Turn::Offer(device)) = web1.turn() else {
        panic!("no offer")
    };
    let typed = Reply::Code(Zeroizing::new(code(&device, 0).into_bytes()));
    web1.send(&typed.to_fields()).unwrap();
    assert!(matches!(web1.turn(), Some(Turn::Checked { .. })));
    assert!(matches!(web1.turn(), Some(Turn::Codes(_))));
    fleet.register("web1", Role::Machine, &[], true);
    web1.send(&Reply::Keep.to_fields()).unwrap();
    assert!(matches!(web1.turn(), Some(Turn::End(Answer::Denied))));
    let not = fleet.machine("web2").answer(&is_enrolled("alice"));
    assert_eq!(not, Some(Answer::NotEnrolled { first_login: None }));
}

#[test]
fn a_user_who_leaves_has_changed_nothing() {
    let fleet = Fleet::new();
    let mut web1 = fleet.machine("web1");
    web1.ask(Some(ALICE), &enrol("alice")).unwrap();
    assert!(matches!(web1.turn(), Some(Turn::Begun { .. })));
    drop(web1);
    let not = fleet.machine("web2").answer(&is_enrolled("alice"));
    assert_eq!(not, Some(Answer::NotEnrolled { first_login: None }));
}

#[test]
fn an_enrolled_user_cannot_be_enrolled_again_by_another_machine() {
    let fleet = Fleet::new();
    let phone = fleet.enrolled("alice", ALICE);
    assert!(is_not_proven(begun(
        &mut fleet.machine("web2"),
        &enrol("alice")
    )));
    let right = check("alice", &code(&phone, 1));
    assert!(is_accepted(fleet.machine("web2").answer(&right).as_ref()));
}

#[test]
fn addresses_are_not_confirmed_in_a_fleet() {
    let fleet = Fleet::new();
    let policy = "[mail]\naddress = \"{user}@example.org\"\n[enroll]\nverify_email = true\n";
    fs::write(fleet.path("pam_otp.conf"), policy).unwrap();
    let mut web1 = fleet.machine("web1");
    web1.ask(Some(ALICE), &enrol("alice")).unwrap();
    assert!(matches!(web1.turn(), Some(Turn::Begun { .. })));
    let end = web1.turn();
    assert!(matches!(end, Some(Turn::End(Answer::Unavailable(_)))));
}
