//! A database restored from a backup: no code used before counts, and no process overlooks the restore.

use crate::Test;
use crate::parts::account::{
    NOW, account, code, enrol, enrol_with, lets_in, recovery_code, step, try_at, wrong,
};
use crate::parts::cluster::{Cluster, SOON, remove};
use otp_core::record::Kind;
use otp_core::{Input, Step, UnixTime, Verdict};
use otp_fleet::etcd::{Client, KeyValue, PutRequest, RangeRequest, after_prefix};
use otp_fleet::keeper::{Behind, EtcdKeeper, Machine, ROOT, Raised};
use otp_store::account::floor::Floor;
use otp_store::account::trust::trusted_since;
use otp_store::keeper::{Goes, Held, Keeper, Look, Part, Put};
use otp_store::{Error, Place, Remembered, attempt_at};
use std::time::{Duration, Instant};

pub fn all() -> Vec<Test> {
    crate::tests![
        no_code_from_before_a_restore_counts_after_it,
        a_counter_skips_all_codes_that_may_have_been_used,
        a_restore_without_a_new_epoch_is_noticed_by_a_process_that_has_seen_more,
        a_write_while_the_epoch_is_raised_is_overtaken,
        every_account_is_moved_to_the_new_epoch_once_and_a_damaged_one_is_named,
        the_floor_never_goes_back,
        the_last_accepted_login_and_its_machine_are_known_until_a_new_epoch,
        a_wrong_code_erases_the_last_accepted_login,
        a_change_of_the_record_from_elsewhere_erases_the_last_accepted_login,
        a_record_renamed_over_another_inherits_no_trust_of_an_earlier_epoch,
    ]
}

/// Returns everything stored, as a backup has it.
fn backup(root: &Client) -> Vec<KeyValue> {
    let all = RangeRequest {
        key: ROOT.into(),
        range_end: after_prefix(ROOT.as_bytes()),
        ..RangeRequest::default()
    };
    root.again(&all, Instant::now() + SOON).unwrap().kvs
}

fn put_back(root: &Client, backup: &[KeyValue]) {
    remove(root, ROOT);
    for KeyValue { key, value, .. } in backup {
        let put = PutRequest {
            key: key.clone(),
            value: value.clone(),
            ..PutRequest::default()
        };
        root.again(&put, Instant::now() + SOON).unwrap();
    }
}

fn home() -> Place {
    Place::of("sshd", "192.0.2.1").unwrap()
}

fn no_code_from_before_a_restore_counts_after_it(cluster: &mut Cluster) {
    let (keeper, root) = (cluster.keeper(), cluster.client("root"));
    let phone = enrol(&keeper, "alice");
    let backup = backup(&root);
    let at = |steps: u64| NOW.after(Duration::from_secs(30 * steps));
    // Used after the backup: a code of a clock that is ten minutes ahead, after a resynchronisation; a recovery code; trust.
    assert!(!lets_in(&try_at(
        &keeper,
        "alice",
        &code(&phone, step(at(19))),
        NOW
    )));
    assert!(lets_in(&try_at(
        &keeper,
        "alice",
        &code(&phone, step(at(20))),
        NOW
    )));
    let remembered = Remembered {
        place: home(),
        remember: Duration::from_secs(3600),
    };
    let input = code(&phone, step(at(21)));
    attempt_at(
        &keeper,
        &account("alice"),
        &otp_core::Policy::default(),
        &input,
        false,
        Some(&remembered),
        || Ok(at(1)),
    )
    .unwrap();
    let used: Vec<_> = (0..=21)
        .map(|steps| code(&phone, step(at(steps))))
        .collect();
    let recovery = recovery_code(0).reveal();
    let recovery = Input::parse(recovery.as_bytes());
    assert!(lets_in(&try_at(&keeper, "alice", &recovery, at(1))));

    put_back(&root, &backup);
    // Without a floor these codes would count again, each at its time.
    let again = cluster.keeper();
    assert!(lets_in(&try_at(&again, "alice", &used[0], NOW)));
    assert!(lets_in(&try_at(&again, "alice", &used[20], at(20))));
    put_back(&root, &backup);
    let after = cluster.keeper();
    let raised = after.raise_epoch(Floor::at(at(1))).unwrap();
    assert_eq!(raised.epoch, 2);
    // A verifier that saw everything goes on: an administrator has raised the epoch.
    for keeper in [&keeper, &after] {
        for minute in 0..10 {
            for used in &used {
                let now = at(2 * minute);
                let verdict = try_at(keeper, "alice", used, now);
                assert!(!lets_in(&verdict), "{verdict:?} at {minute} min");
                crate::parts::account::unlock(keeper, "alice");
            }
        }
        for at_position in 0..3 {
            let code = recovery_code(at_position).reveal();
            let verdict = try_at(keeper, "alice", &Input::parse(code.as_bytes()), at(20));
            assert!(!lets_in(&verdict));
            crate::parts::account::unlock(keeper, "alice");
        }
        let since = trusted_since(
            keeper,
            &account("alice"),
            &home(),
            Duration::from_secs(3600),
            at(1),
        );
        assert_eq!(since.unwrap(), None);
    }
    // The floor ends at its stated time.
    let later = at(1).after(Floor::lasts(30));
    let verdict = try_at(&after, "alice", &code(&phone, step(later)), later);
    assert!(lets_in(&verdict), "{verdict:?}");
}

fn a_counter_skips_all_codes_that_may_have_been_used(cluster: &mut Cluster) {
    let (keeper, root) = (cluster.keeper(), cluster.client("root"));
    let token = enrol_with(&keeper, "alice", Kind::Hotp);
    assert!(lets_in(&try_at(
        &keeper,
        "alice",
        &code(&token, Step(4)),
        NOW
    )));
    let backup = backup(&root);
    for counter in 5..15 {
        assert!(lets_in(&try_at(
            &keeper,
            "alice",
            &code(&token, Step(counter)),
            NOW
        )));
    }
    put_back(&root, &backup);
    let floor = Floor {
        when: NOW,
        counters: 10,
    };
    keeper.raise_epoch(floor).unwrap();
    for counter in 0..15 {
        assert!(!lets_in(&try_at(
            &keeper,
            "alice",
            &code(&token, Step(counter)),
            NOW
        )));
        crate::parts::account::unlock(&keeper, "alice");
    }
    assert!(lets_in(&try_at(
        &keeper,
        "alice",
        &code(&token, Step(15)),
        NOW
    )));
}

fn a_restore_without_a_new_epoch_is_noticed_by_a_process_that_has_seen_more(cluster: &mut Cluster) {
    let keeper = cluster.keeper();
    enrol(&keeper, "alice");
    let mut seen = keeper.seen().unwrap();
    // After a snapshot, etcd gives revisions out again. Here the verifier has seen more instead, which has the same
    // effect.
    seen.revision += 1_000_000;
    let another = cluster.keeper();
    assert!(matches!(
        another.must_follow(seen),
        Err(Behind::Older { .. })
    ));
    let verifier = EtcdKeeper::to(&cluster.config("verifier")).unwrap();
    verifier.must_follow(seen).unwrap();
    let refused = verifier.hold(&account("alice"), SOON);
    let reason = refused.err().unwrap().to_string();
    assert!(
        reason.contains("the database is older than it was"),
        "{reason}"
    );
    keeper.raise_epoch(Floor::at(NOW)).unwrap();
    assert!(verifier.hold(&account("alice"), SOON).unwrap().is_some());
    // Another fleet's database is refused for ever.
    cluster.begin_anew();
    let refused = keeper.hold(&account("alice"), SOON);
    let reason = refused.err().unwrap().to_string();
    assert!(reason.contains("another fleet"), "{reason}");
}

fn a_write_while_the_epoch_is_raised_is_overtaken(cluster: &mut Cluster) {
    let keeper = cluster.keeper();
    let phone = enrol(&keeper, "alice");
    let mut held = keeper.hold(&account("alice"), SOON).unwrap().unwrap();
    let state = held.get(Part::State).unwrap().unwrap();
    keeper.raise_epoch(Floor::at(NOW)).unwrap();
    assert_eq!(
        held.put(Part::State, &state).unwrap(),
        otp_store::keeper::Put::Overtaken
    );
    drop(held);
    assert!(!lets_in(&try_at(
        &keeper,
        "alice",
        &code(&phone, step(NOW)),
        NOW
    )));
}

fn every_account_is_moved_to_the_new_epoch_once_and_a_damaged_one_is_named(cluster: &mut Cluster) {
    let (keeper, root) = (cluster.keeper(), cluster.client("root"));
    for name in ["alice", "alice-b", "bob", "carol"] {
        enrol(&keeper, name);
    }
    let damaged = PutRequest {
        key: b"/pam_otp/a/bob/state".to_vec(),
        value: b"pam_otp-part 1\n".to_vec(),
        ..PutRequest::default()
    };
    root.again(&damaged, Instant::now() + SOON).unwrap();
    keeper.raise_epoch(Floor::at(NOW)).unwrap();
    let expected = Raised {
        raised: 3,
        unchanged: 0,
        damaged: vec!["bob".to_owned()],
    };
    assert_eq!(keeper.raise_all(|_| ()).unwrap(), expected);
    let expected = Raised {
        raised: 0,
        unchanged: 3,
        damaged: vec!["bob".to_owned()],
    };
    assert_eq!(keeper.raise_all(|_| ()).unwrap(), expected);
    let verdict = try_at(&keeper, "bob", &Input::Empty, NOW);
    assert!(matches!(verdict, Err(Error::Content { .. })), "{verdict:?}");
    assert_eq!(
        keeper.users().unwrap().iter().collect::<Vec<_>>(),
        ["alice", "alice-b", "bob", "carol"]
    );
}

fn the_floor_never_goes_back(cluster: &mut Cluster) {
    let keeper = cluster.keeper();
    keeper.raise_epoch(Floor::at(NOW)).unwrap();
    let earlier = UnixTime::from_seconds(NOW.seconds() - 5000);
    let fleet = keeper.raise_epoch(Floor::at(earlier)).unwrap();
    assert_eq!((fleet.epoch, fleet.floor.unwrap().when), (3, NOW));
}

fn the_last_accepted_login_and_its_machine_are_known_until_a_new_epoch(cluster: &mut Cluster) {
    let keeper = cluster.keeper();
    let phone = enrol(&keeper, "alice");
    let last = || {
        let last = keeper.last_accepted(&account("alice").name).unwrap();
        last.map(|last| (last.machine.as_str().to_owned(), last.when))
    };
    let on = |machine: &str| keeper.for_request(Machine::new(machine).unwrap(), SOON);
    let later = NOW.after(Duration::from_secs(60));
    let right = |when| code(&phone, step(when));
    assert_eq!(last(), None);
    let verdict = try_at(&on("web-1"), "alice", &right(NOW), NOW);
    assert!(lets_in(&verdict));
    let by_the_first = Some(("web-1".to_owned(), NOW));
    assert_eq!(last(), by_the_first);
    // A code that was used before proves nothing, and takes nothing away.
    assert!(matches!(
        try_at(&on("web-2"), "alice", &right(NOW), NOW),
        Ok(Verdict::Replayed)
    ));
    assert_eq!(last(), by_the_first);
    assert!(lets_in(&try_at(
        &on("web-2"),
        "alice",
        &right(later),
        later
    )));
    assert_eq!(last(), Some(("web-2".to_owned(), later)));
    // A recovery code is an accepted attempt; one without a machine proves no identity.
    let recovery = recovery_code(0).reveal();
    assert!(lets_in(&try_at(
        &on("web-3"),
        "alice",
        &Input::parse(recovery.as_bytes()),
        later
    )));
    assert_eq!(last(), Some(("web-3".to_owned(), later)));
    let recovery = recovery_code(1).reveal();
    assert!(lets_in(&try_at(
        &keeper,
        "alice",
        &Input::parse(recovery.as_bytes()),
        later
    )));
    assert_eq!(last(), None);
    let recovery = recovery_code(2).reveal();
    assert!(lets_in(&try_at(
        &on("web-3"),
        "alice",
        &Input::parse(recovery.as_bytes()),
        later
    )));
    keeper.raise_epoch(Floor::at(NOW)).unwrap();
    assert_eq!(last(), None);
}

/// The verifier's documents say: a wrong code ends what a good one has proven, wherever it is typed.
fn a_wrong_code_erases_the_last_accepted_login(cluster: &mut Cluster) {
    let keeper = cluster.keeper();
    let phone = enrol(&keeper, "alice");
    let is_accepted = || {
        keeper
            .last_accepted(&account("alice").name)
            .unwrap()
            .is_some()
    };
    let on = |machine: &str| keeper.for_request(Machine::new(machine).unwrap(), SOON);
    for (at, machine) in ["web-1", "web-2"].iter().enumerate() {
        let now = NOW.after(Duration::from_secs(60 * at as u64));
        let right = code(&phone, step(now));
        assert!(lets_in(&try_at(&on("web-1"), "alice", &right, now)));
        assert!(is_accepted());
        let verdict = try_at(&on(machine), "alice", &wrong(&phone, 1), now);
        assert!(
            matches!(verdict, Ok(Verdict::Rejected { .. })),
            "{verdict:?}"
        );
        assert!(!is_accepted(), "{machine}");
    }
}

/// A stolen machine on which a code was good a minute ago may not change what an administrator has stored since.
fn a_change_of_the_record_from_elsewhere_erases_the_last_accepted_login(cluster: &mut Cluster) {
    let keeper = cluster.keeper();
    let on = |machine: &str| keeper.for_request(Machine::new(machine).unwrap(), SOON);
    let name = account("alice").name;
    let is_accepted = |keeper: &EtcdKeeper| keeper.last_accepted(&name).unwrap().is_some();
    let logs_in = |later: u64| {
        let phone = enrol(&on("web-1"), "alice");
        let now = NOW.after(Duration::from_secs(later));
        assert!(lets_in(&try_at(
            &on("web-1"),
            "alice",
            &code(&phone, step(now)),
            now
        )));
        assert!(is_accepted(&keeper));
    };
    let changes = |keeper: &EtcdKeeper| {
        let mut held = keeper.hold_name(&name, SOON).unwrap().unwrap();
        let credential = held.get(Part::Credential).unwrap().unwrap();
        let put = held.put(Part::Credential, &credential).unwrap();
        assert_eq!(put, Put::Done);
    };
    // On that machine itself the record may be changed again and again.
    logs_in(0);
    changes(&on("web-1"));
    assert!(is_accepted(&keeper));
    changes(&on("root"));
    assert!(!is_accepted(&keeper));
    // The same if the record is removed and the rest of the account stays.
    logs_in(60);
    let root = on("root");
    let mut held = root.hold_name(&name, SOON).unwrap().unwrap();
    assert_eq!(held.put(Part::FirstLogin, b"x").unwrap(), Put::Done);
    let erased = root.erase(&mut held, &name, Goes::Record).unwrap();
    assert_eq!(erased, Put::Done);
    assert!(!is_accepted(&keeper));
    enrol(&on("web-2"), "alice");
    assert!(!is_accepted(&keeper));
}

fn a_record_renamed_over_another_inherits_no_trust_of_an_earlier_epoch(cluster: &mut Cluster) {
    let keeper = cluster.keeper();
    let [alice, carol] = ["alice", "carol"].map(|name| account(name).name);
    enrol(&keeper, "alice");
    let mut over = keeper.hold_or_create(&account("carol"), SOON).unwrap();
    assert_eq!(over.put(Part::Trust, b"x").unwrap(), Put::Done);
    keeper.raise_epoch(Floor::at(NOW)).unwrap();
    let mut held = keeper.hold_name(&alice, SOON).unwrap().unwrap();
    let mut over = keeper.hold_name(&carol, SOON).unwrap().unwrap();
    let renamed = keeper.rename(&mut held, Some(&mut over), [&alice, &carol]);
    assert_eq!(renamed.unwrap(), Put::Done);
    let look = keeper.look(&account("carol")).unwrap().unwrap();
    assert!(look.has(Part::State).unwrap());
    assert!(!look.has(Part::Trust).unwrap());
}
