use super::*;
use crate::fixture::{NOW, Place, alice};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn the_first_login_stays_the_first() {
    let place = Place::empty();
    let store = place.store();
    assert_eq!(store.first_login(&alice()).unwrap(), None);
    assert!(store.begin_grace(&alice(), NOW).unwrap());
    assert!(!store.begin_grace(&alice(), NOW.after(HOUR)).unwrap());
    assert_eq!(store.first_login(&alice()).unwrap(), Some(NOW));
    assert!(!store.is_enrolled(&alice()).unwrap());
}

#[test]
fn one_in_the_future_is_none() {
    let place = Place::empty();
    let store = place.store();
    assert!(store.begin_grace(&alice(), NOW.after(HOUR)).unwrap());
    assert!(store.begin_grace(&alice(), NOW).unwrap());
    assert_eq!(store.first_login(&alice()).unwrap(), Some(NOW));
}

#[test]
fn another_owner_of_the_name_has_not_logged_in_yet() {
    let place = Place::empty();
    let store = place.store();
    store.begin_grace(&alice(), NOW).unwrap();
    let mut another = alice();
    another.uid += 1;
    assert_eq!(store.first_login(&another).unwrap(), None);
    assert!(store.begin_grace(&another, NOW.after(HOUR)).unwrap());
    assert_eq!(store.first_login(&another).unwrap(), Some(NOW.after(HOUR)));
}

#[test]
fn nothing_is_begun_for_who_has_an_authenticator() {
    let place = Place::with_alice();
    assert!(!place.store().begin_grace(&alice(), NOW).unwrap());
    assert_eq!(place.store().first_login(&alice()).unwrap(), None);
}

#[test]
fn it_goes_with_everything_else() {
    let place = Place::empty();
    let store = place.store();
    store.begin_grace(&alice(), NOW).unwrap();
    assert!(store.erase(&alice().name, HOUR).unwrap());
    assert_eq!(store.first_login(&alice()).unwrap(), None);
}

#[test]
fn what_does_not_say_when_is_an_error_and_not_a_new_grace() {
    for text in [
        "",
        "version = 1\n",
        "version = 1\nuid = 1001\nfirst_login = \"yesterday\"\n",
        "version = 1\nuid = 1001\nfirst_login = 5\nlast_login = 6\n",
        "version = 2\nuid = 1001\nfirst_login = 5\n",
        "garbage",
    ] {
        assert!(parse("first-login", text.as_bytes()).is_err(), "{text}");
    }
}
