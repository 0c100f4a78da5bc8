use super::*;
use crate::Store;
use crate::account::{erase, is_enrolled};
use crate::fixture::{Bench, NOW, Place, alice, over_every_keeper};
use std::time::Duration;

over_every_keeper! {
    the_first_login_stays_the_first,
    a_first_login_in_the_future_does_not_count,
    another_owner_of_the_name_has_not_logged_in_yet,
    no_grace_begins_for_an_enrolled_user,
    the_first_login_is_erased_with_the_record,
}

const HOUR: Duration = Duration::from_secs(3600);

fn the_first_login_stays_the_first<B: Bench>() {
    let place = B::empty();
    let store = place.store();
    assert_eq!(first_login(&store, &alice()).unwrap(), None);
    assert!(begin_grace(&store, &alice(), NOW).unwrap());
    assert!(!begin_grace(&store, &alice(), NOW.after(HOUR)).unwrap());
    assert_eq!(first_login(&store, &alice()).unwrap(), Some(NOW));
    assert!(!is_enrolled(&store, &alice()).unwrap());
}

fn a_first_login_in_the_future_does_not_count<B: Bench>() {
    let place = B::empty();
    let store = place.store();
    assert!(begin_grace(&store, &alice(), NOW.after(HOUR)).unwrap());
    assert!(begin_grace(&store, &alice(), NOW).unwrap());
    assert_eq!(first_login(&store, &alice()).unwrap(), Some(NOW));
}

fn another_owner_of_the_name_has_not_logged_in_yet<B: Bench>() {
    let place = B::empty();
    let store = place.store();
    let mut another = alice();
    another.uid += 1;
    // Rehearsed before anything is stored: it must not come to count later.
    rehearse_grace(&store, &another, NOW).unwrap();
    begin_grace(&store, &alice(), NOW).unwrap();
    assert_eq!(first_login(&store, &another).unwrap(), None);
    if !<B::Keeper as Keeper>::Held::ALONE {
        // A machine of a fleet names the user id: one that names another must not make Alice's grace begin again.
        for _ in 0..2 {
            let rehearsed = rehearse_grace(&store, &another, NOW.after(HOUR));
            assert!(matches!(rehearsed, Err(Error::NotTheirs { .. })));
            let begun = begin_grace(&store, &another, NOW.after(HOUR));
            assert!(matches!(begun, Err(Error::NotTheirs { .. })));
        }
        assert_eq!(first_login(&store, &alice()).unwrap(), Some(NOW));
        return;
    }
    assert!(begin_grace(&store, &another, NOW.after(HOUR)).unwrap());
    assert_eq!(
        first_login(&store, &another).unwrap(),
        Some(NOW.after(HOUR))
    );
}

fn no_grace_begins_for_an_enrolled_user<B: Bench>() {
    let place = B::with_alice();
    assert!(!begin_grace(&place.store(), &alice(), NOW).unwrap());
    assert_eq!(first_login(&place.store(), &alice()).unwrap(), None);
}

fn the_first_login_is_erased_with_the_record<B: Bench>() {
    let place = B::empty();
    let store = place.store();
    begin_grace(&store, &alice(), NOW).unwrap();
    assert!(erase(&store, &alice().name, HOUR).unwrap());
    assert_eq!(first_login(&store, &alice()).unwrap(), None);
}

#[test]
fn a_first_login_without_a_time_is_an_error_and_not_a_new_grace() {
    for text in [
        "",
        "version = 1\n",
        "version = 1\nuid = 1001\nfirst_login = \"yesterday\"\n",
        "version = 1\nuid = 1001\nfirst_login = 5\nlast_login = 6\n",
        "version = 2\nuid = 1001\nfirst_login = 5\n",
        "garbage",
    ] {
        assert!(parse(text.as_bytes()).is_err(), "{text}");
    }
}

const AT_ONCE: Duration = Duration::from_millis(5);

#[test]
fn a_rehearsal_begins_no_grace_and_the_login_after_it_counts() {
    let place = Place::empty();
    let store = place.store();
    rehearse_grace(&store, &alice(), NOW).unwrap();
    assert_eq!(first_login(&store, &alice()).unwrap(), None);
    assert!(place.file(".first-login.new").exists());
    // Rehearsed by a login that was not let in.
    rehearse_grace(&store, &alice(), NOW.after(HOUR)).unwrap();
    assert!(begin_grace(&store, &alice(), NOW.after(HOUR * 2)).unwrap());
    let begun = Some(NOW.after(HOUR * 2));
    assert_eq!(first_login(&store, &alice()).unwrap(), begun);
    assert!(!place.file(".first-login.new").exists());
    rehearse_grace(&store, &alice(), NOW.after(HOUR * 3)).unwrap();
    assert!(!place.file(".first-login.new").exists(), "it has begun");
}

#[test]
fn a_rehearsed_grace_is_stored_even_if_nothing_can_be_written_any_more() {
    let place = Place::empty();
    let store = place.store();
    let later = NOW.after(Duration::from_secs(20));
    let unwritable = |store: &Store| {
        let held = store.hold_or_create(&alice(), HOUR).unwrap();
        let kept = begin_grace_within(store, &alice(), later, AT_ONCE);
        drop(held);
        kept
    };
    assert!(matches!(unwritable(&store), Err(Error::Busy { .. })));
    assert_eq!(first_login(&store, &alice()).unwrap(), None);
    rehearse_grace(&store, &alice(), NOW).unwrap();
    assert!(unwritable(&store).unwrap());
    assert_eq!(first_login(&store, &alice()).unwrap(), Some(NOW));
    assert!(!unwritable(&store).unwrap(), "the first stays the first");
}

#[test]
fn a_grace_rehearsed_for_another_owner_or_by_a_clock_in_the_future_is_not_stored() {
    let mut another = alice();
    another.uid += 1;
    for (who, when) in [(another, NOW), (alice(), NOW.after(HOUR))] {
        let place = Place::empty();
        let store = place.store();
        rehearse_grace(&store, &who, when).unwrap();
        let _held = store.hold(&alice(), HOUR).unwrap();
        assert!(begin_grace_within(&store, &alice(), NOW, AT_ONCE).is_err());
        assert_eq!(first_login(&store, &alice()).unwrap(), None);
    }
}

#[test]
fn a_rehearsed_grace_is_erased_with_the_record() {
    let place = Place::empty();
    let store = place.store();
    rehearse_grace(&store, &alice(), NOW).unwrap();
    assert!(erase(&store, &alice().name, HOUR).unwrap());
    assert!(!place.alice().exists());
}

#[test]
fn no_grace_is_rehearsed_for_an_enrolled_user() {
    let place = Place::with_alice();
    rehearse_grace(&place.store(), &alice(), NOW).unwrap();
    assert!(!place.file(".first-login.new").exists());
}
