//! An etcd that does not know users by their certificates: once it authenticates users, it would let nobody in ever
//! again.

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

/// Whether anybody, without being a user of etcd, can read and change everything.
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

/// How often a race is repeated.
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
    // With a list of authorities etcd asks for a certificate, and still derives no user from it.
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
    // The same if etcd was restarted later with other options: this must not open a fleet to everybody.
    place.look_at_clients(Some(&["--trusted-ca-file=ca.pem"]));
    let refused = place.fails(1, &INIT);
    assert!(refused.contains("by their certificates"), "{refused}");
    assert!(!is_open_to_everybody(&place));
}

/// Ends the lease of a killed init, so that the next one need not wait for it.
fn end_its_lease(place: &Place) {
    let key = DeleteRangeRequest {
        key: b"/pam_otp/init".to_vec(),
        ..Default::default()
    };
    // If etcd authenticates users but derives none from certificates, root's certificate is nobody's and cannot remove
    // it.
    place.database("root").try_asking(&key).ok();
}

/// Runs init and kills it once `pieces` pieces have gone to etcd. Returns its status if it ended before.
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

/// A repeated request may already have been carried out. Here the answer to each piece that init sends is lost once.
#[test]
fn an_answer_lost_at_any_point_does_not_change_the_outcome_of_init() {
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
    // Each case needs an etcd of its own, so only some are tried.
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

/// Each init makes a trial of its own, which undoes everything if it fails. That must not open an etcd to everybody
/// after the other init has reported that it authenticates users.
#[test]
fn two_simultaneous_inits_begin_one_fleet_and_leave_etcd_asking_for_users() {
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
        // The next init finds everything complete.
        assert!(place.ok(&INIT).contains("was there already"));
        assert_eq!(users(&place, "root"), ["root", "verifier"], "{both:?}");
        place.lose_everything();
    }
    // A killed init keeps others out no longer than its lease lasts.
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
fn a_trial_killed_at_any_point_locks_nobody_out() {
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
