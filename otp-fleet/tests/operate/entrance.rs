//! An etcd that does not take certificates for users: asked for users, it would let in nobody, and for good.

use crate::gate::{Gate, Then};
use crate::place::Place;
use otp_fleet::etcd::{AuthUserListRequest, DeleteRangeRequest, Failure, RangeRequest};
use std::process::Stdio;
use std::thread;

const INIT: [&str; 8] = [
    "fleet",
    "init",
    "--verifier",
    "verifier",
    "--certificate",
    "root.pem",
    "--key",
    "root.key",
];

/// Somebody who is no user of etcd reads and changes what they like.
fn is_open_to_everybody(place: &Place) -> bool {
    let all = RangeRequest {
        key: vec![0],
        range_end: vec![0],
        ..Default::default()
    };
    match place.database("other").try_asking(&all) {
        Ok(_) => true,
        Err(Failure::Refused(..)) => false,
        Err(failure) => panic!("{failure}"),
    }
}

/// So often is tried what depends on who is faster.
const ROUNDS: usize = 8;

fn users(place: &Place, user: &str) -> Vec<String> {
    let users = place.database(user).ask(&AuthUserListRequest {});
    users.unwrap().users
}

#[test]
fn an_etcd_that_does_not_know_users_by_their_certificates_is_left_as_it_was() {
    let Some(mut place) = Place::new() else {
        return;
    };
    // With a list of authorities it asks for a certificate, and still takes it for nobody's.
    let looks: [&'static [&'static str]; 2] = [&["--trusted-ca-file=ca.pem"], &[]];
    for look in looks {
        place.look_at_clients(Some(look));
        let refused = place.fails(1, &INIT);
        assert!(refused.contains("by their certificates"), "{refused}");
        assert!(refused.contains("--client-cert-auth"), "{refused}");
        assert!(is_open_to_everybody(&place));
        assert_eq!(users(&place, "other"), Vec::<String>::new());
    }
    place.look_at_clients(None);
    assert!(place.ok(&INIT).contains("has begun"));
    assert!(!is_open_to_everybody(&place));
    assert_eq!(users(&place, "root"), ["root", "verifier"]);
    // The same where one was started anew by another look later: a fleet is not opened because of that.
    place.look_at_clients(Some(&["--trusted-ca-file=ca.pem"]));
    let refused = place.fails(1, &INIT);
    assert!(refused.contains("by their certificates"), "{refused}");
    assert!(!is_open_to_everybody(&place));
}

/// The next init need not wait for it.
fn end_its_lease(place: &Place) {
    let key = DeleteRangeRequest {
        key: b"/pam_otp/init".to_vec(),
        ..Default::default()
    };
    // Root's certificate is nobody's where an etcd asks for users and takes no certificate for one: then nobody can remove it.
    place.database("root").try_asking(&key).ok();
}

/// Runs init, and kills it where so many pieces have gone to etcd; whether it came to its end before.
fn is_done_within(place: &Place, pieces: usize) -> Option<i32> {
    let gate = Gate::before(place.port(), pieces);
    place.configure("gate.conf", gate.port());
    let mut command = place.command_by("gate.conf", &INIT);
    let command = command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status.code().unwrap());
        }
        if gate.is_shut() {
            child.kill().unwrap();
            child.wait().unwrap();
            return None;
        }
        thread::yield_now();
    }
}

/// Whatever is asked again may have been done by then: the answer to each piece of what init asks for is lost once.
#[test]
fn an_answer_that_is_lost_anywhere_changes_nothing_of_what_init_comes_to() {
    let Some(mut place) = Place::new() else {
        return;
    };
    let ends = |place: &Place, pieces: usize| {
        let gate = Gate::that_will(Then::Break, place.port(), pieces);
        place.configure("gate.conf", gate.port());
        let output = place.command_by("gate.conf", &INIT).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), said, gate.is_shut())
    };
    place.look_at_clients(Some(&["--trusted-ca-file=ca.pem"]));
    for pieces in 1.. {
        let (status, said, was_lost) = ends(&place, pieces);
        assert_eq!(status, Some(1), "{pieces}: {said}");
        assert!(said.contains("by their certificates"), "{pieces}: {said}");
        assert_eq!(users(&place, "other"), Vec::<String>::new(), "{pieces}");
        if !was_lost {
            break;
        }
    }
    place.look_at_clients(None);
    // Each takes an etcd of its own, so only some.
    for pieces in (1..).step_by(7) {
        let (status, said, was_lost) = ends(&place, pieces);
        assert_eq!(status, Some(0), "{pieces}: {said}");
        assert_eq!(users(&place, "root"), ["root", "verifier"], "{pieces}");
        if !was_lost {
            break;
        }
        place.lose_everything();
    }
}

/// Each has a trial of its own, by which all is undone where it fails: that would open an etcd which the other has told that it
/// asks everybody for a user.
#[test]
fn two_who_begin_a_fleet_at_once_begin_one_and_leave_etcd_asking_for_users() {
    let Some(mut place) = Place::new() else {
        return;
    };
    for round in 0..ROUNDS {
        let both = [(); 2].map(|()| {
            let mut command = place.command(&INIT);
            let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().unwrap()
        });
        let both = both.map(|one| {
            let output = one.wait_with_output().unwrap();
            let said = [output.stdout, output.stderr].concat();
            (output.status.code(), String::from_utf8(said).unwrap())
        });
        assert!(both.iter().any(|one| one.0 == Some(0)), "{round}: {both:?}");
        assert!(!is_open_to_everybody(&place), "{round}: {both:?}");
        // Whoever comes next has nothing to complete but what is there.
        assert!(place.ok(&INIT).contains("was there already"));
        assert_eq!(users(&place, "root"), ["root", "verifier"], "{both:?}");
        place.lose_everything();
    }
    // One that was killed keeps nobody out for longer than its lease lasts.
    let all = RangeRequest {
        key: b"/pam_otp/init".to_vec(),
        ..Default::default()
    };
    let is_under_way = || !place.database("root").ask(&all).unwrap().kvs.is_empty();
    let mut pieces = 10;
    while !is_under_way() {
        pieces += 1;
        assert_eq!(is_done_within(&place, pieces), None);
    }
    assert!(place.ok(&INIT).contains("has begun"));
    assert!(!is_under_way());
}

#[test]
fn a_trial_that_is_killed_anywhere_locks_nobody_out() {
    let Some(mut place) = Place::new() else {
        return;
    };
    place.look_at_clients(Some(&["--trusted-ca-file=ca.pem"]));
    let mut was_shut = 0;
    for pieces in 1.. {
        if let Some(status) = is_done_within(&place, pieces) {
            assert_eq!(status, 1);
            break;
        }
        was_shut += u32::from(!is_open_to_everybody(&place));
        end_its_lease(&place);
        place.fails(1, &INIT);
        end_its_lease(&place);
        assert!(is_open_to_everybody(&place), "{pieces}");
    }
    assert!(was_shut > 0, "no run was killed within the trial");
    place.look_at_clients(None);
    for pieces in 1.. {
        if let Some(status) = is_done_within(&place, pieces) {
            assert_eq!(status, 0);
            break;
        }
        end_its_lease(&place);
    }
    assert!(!is_open_to_everybody(&place));
    assert_eq!(users(&place, "root"), ["root", "verifier"]);
}
