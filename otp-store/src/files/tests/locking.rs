//! Locks: one process at a time, and none for ever.

use super::*;

#[test]
fn a_lock_keeps_everybody_else_out_until_it_is_dropped() {
    let place = Place::with_alice();
    let held = place.store().hold(&alice(), SOON).unwrap().unwrap();
    for deadline in [Duration::ZERO, Duration::from_millis(30)] {
        let start = Instant::now();
        let error = place
            .store()
            .hold(&alice(), deadline)
            .err()
            .expect("a refusal");
        assert!(matches!(error, Error::Busy { .. }), "{error}");
        assert!(start.elapsed() >= deadline);
        let error = place.store().hold_or_create(&alice(), deadline).err();
        assert!(matches!(error, Some(Error::Busy { .. })));
        let error = erase(&place.store(), &alice().name, deadline).err();
        assert!(matches!(error, Some(Error::Busy { .. })));
    }
    let other = Account {
        name: UserName::new("bob").unwrap(),
        uid: 1002,
    };
    assert!(place.store().hold_or_create(&other, Duration::ZERO).is_ok());
    drop(held);
    assert!(
        place
            .store()
            .hold(&alice(), Duration::ZERO)
            .unwrap()
            .is_some()
    );
}

#[test]
fn a_waiter_gets_the_lock_as_soon_as_it_is_free() {
    let place = Place::with_alice();
    let held = place.store().hold(&alice(), SOON).unwrap().unwrap();
    let waiter = waiter_for_alice(&place, |locked| locked.is_some());
    drop(held);
    assert!(waiter.join().unwrap());
}

#[test]
fn a_copy_of_the_descriptor_in_a_forked_child_does_not_hold_the_lock() {
    let place = Place::with_alice();
    let held = place.store().hold(&alice(), SOON).unwrap().unwrap();
    let copy = held.directory().try_clone().unwrap();
    drop(held);
    let again = place.store().hold(&alice(), Duration::ZERO);
    assert!(again.unwrap().is_some());
    drop(copy);
}

/// Starts a thread that wants the lock, and returns when it has opened the directory, which is held.
fn waiter_for_alice<T: Send + 'static>(
    place: &Place,
    then: impl FnOnce(Option<Locked>) -> T + Send + 'static,
) -> thread::JoinHandle<T> {
    let before = open_descriptors_of(&place.alice());
    let store = place.store();
    let waiter = thread::spawn(move || then(store.hold(&alice(), SOON).unwrap()));
    while open_descriptors_of(&place.alice()) == before {
        thread::yield_now();
    }
    waiter
}

fn open_descriptors_of(path: &Path) -> usize {
    fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter(|entry| fs::read_link(entry.as_ref().unwrap().path()).is_ok_and(|to| to == path))
        .count()
}

#[test]
fn a_waiter_for_a_removed_directory_finds_nobody_enrolled() {
    let place = Place::with_alice();
    let held = place.store().hold(&alice(), SOON).unwrap().unwrap();
    let waiter = waiter_for_alice(&place, |locked| locked.is_none());
    fs::remove_dir_all(place.alice()).unwrap();
    drop(held);
    assert!(waiter.join().unwrap());
}

#[test]
fn a_waiter_for_a_removed_directory_gets_its_successor() {
    let place = Place::with_alice();
    let held = place.store().hold(&alice(), SOON).unwrap().unwrap();
    let store = place.store();
    let waiter = waiter_for_alice(&place, move |locked| {
        let mut locked = locked.unwrap();
        let again = store.hold(&alice(), Duration::ZERO);
        assert!(
            matches!(again, Err(Error::Busy { .. })),
            "it is the successor that is held"
        );
        let record = locked.read(&alice()).unwrap().unwrap();
        record.credential.authenticators()[0].id
    });
    fs::remove_dir_all(place.alice()).unwrap();
    enrol(&place.store(), &another_credential(1));
    drop(held);
    let successor = another_credential(1).authenticators()[0].id;
    assert_eq!(waiter.join().unwrap(), successor);
}

#[test]
fn a_waiter_for_a_renamed_directory_does_not_get_another_users_record() {
    let place = Place::with_alice();
    let held = place.store().hold(&alice(), SOON).unwrap().unwrap();
    let before = open_descriptors_of(&place.alice());
    let store = place.store();
    let eraser = thread::spawn(move || erase(&store, &alice().name, SOON));
    while open_descriptors_of(&place.alice()) == before {
        thread::yield_now();
    }
    // As a move does, under the lock.
    fs::rename(place.alice(), place.path().join("carol")).unwrap();
    drop(held);
    assert!(
        !eraser.join().unwrap().unwrap(),
        "no record is named alice now"
    );
    for file in ["credential.toml", "state"] {
        assert!(place.path().join("carol").join(file).exists(), "{file}");
    }
}
