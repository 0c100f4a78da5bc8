use super::*;
use crate::account::grace::{begin_grace, first_login};
use crate::account::trust::trust;
use crate::attempt::Committed;
use crate::fixture::{NOW, Place as Folder, SOON, alice, another_credential, code, credential};
use crate::{Place, attempt as try_code};
use otp_core::record::Language;
use otp_core::{Policy, State, UnixTime, Verdict};
use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

mod order;

fn named(name: &str, uid: u32) -> Account {
    let name = UserName::new(name).unwrap();
    Account { name, uid }
}

/// Alice under her married name.
fn carol() -> Account {
    named("carol", alice().uid)
}

/// All files below the directory, with their content.
fn files(folder: &Folder) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for user in fs::read_dir(folder.path()).unwrap() {
        let user = user.unwrap();
        for file in fs::read_dir(user.path()).unwrap() {
            let file = file.unwrap();
            let name = format!(
                "{}/{}",
                user.file_name().display(),
                file.file_name().display()
            );
            all.insert(name, fs::read(file.path()).unwrap());
        }
    }
    all
}

fn verdict(folder: &Folder, who: &Account, steps_from_now: i64) -> Result<Verdict, Error> {
    let input = code(&credential(), steps_from_now);
    let (store, policy) = (folder.store(), Policy::default());
    try_code(&store, who, &policy, &input, false, || Ok(NOW)).map(Committed::into_inner)
}

fn accepts(folder: &Folder, who: &Account, steps_from_now: i64) -> bool {
    matches!(
        verdict(folder, who, steps_from_now),
        Ok(Verdict::Accepted { .. })
    )
}

fn refusal(result: Result<Moved, Failed>) -> NotMoved {
    match result {
        Err(Failed::Refused(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_moved_record_belongs_to_the_new_name_and_no_longer_to_the_old_one() {
    let folder = Folder::with_alice();
    assert!(accepts(&folder, &alice(), -1));
    let trusted = Place::of("sshd", "192.0.2.1").unwrap();
    trust(&folder.store(), &alice(), &trusted, NOW).unwrap();
    assert!(folder.file("trust").exists());
    let store = folder.store();
    let moved = move_record(&store, &alice().name, &carol(), false).unwrap();
    assert_eq!(moved, Moved::Done);
    assert_eq!(
        files(&folder).into_keys().collect::<Vec<_>>(),
        ["carol/credential.toml", "carol/state"],
        "trust is not moved"
    );
    assert!(
        !accepts(&folder, &carol(), -1),
        "a code that is used up stays so"
    );
    assert!(accepts(&folder, &carol(), 0));
    assert!(matches!(
        verdict(&folder, &alice(), 1),
        Ok(Verdict::NotEnrolled)
    ));
}

#[test]
fn a_record_is_bound_to_another_user_id_only_on_request() {
    let folder = Folder::with_alice();
    let (store, renumbered) = (folder.store(), named("alice", 2001));
    let before = files(&folder);
    let recorded = alice().uid;
    let refused = refusal(move_record(&store, &alice().name, &renumbered, false));
    assert_eq!(refused, NotMoved::AnotherUid { recorded });
    assert!(files(&folder) == before);
    let same = move_record(&store, &alice().name, &alice(), false).unwrap();
    assert_eq!(same, Moved::AlreadyTheirs);
    assert!(files(&folder) == before);
    let moved = move_record(&store, &alice().name, &renumbered, true).unwrap();
    assert_eq!(moved, Moved::Done);
    assert!(accepts(&folder, &renumbered, 0));
    let error = verdict(&folder, &alice(), 1).unwrap_err();
    assert!(matches!(error, Error::NotTheirs { .. }), "{error}");
}

#[test]
fn no_record_is_moved_over_another_or_to_another_person() {
    let folder = Folder::with_alice();
    let store = folder.store();
    let bob = named("bob", 1002);
    let theirs = another_credential(1);
    let (devices, recovery) = theirs.into_parts();
    let theirs = Credential::new("bob".to_owned(), 1002, devices, recovery).unwrap();
    let mut locked = store.hold_or_create(&bob, SOON).unwrap();
    locked
        .replace(&bob, &theirs, &State::fresh(&theirs))
        .unwrap();
    drop(locked);
    let begun = named("dora", 1004);
    assert!(begin_grace(&store, &begun, NOW).unwrap());
    let recorded = alice().uid;
    let before = files(&folder);
    for (from, to, forced, why) in [
        ("nobody", &carol(), false, NotMoved::NoRecord),
        ("nobody", &carol(), true, NotMoved::NoRecord),
        ("dora", &carol(), true, NotMoved::NoRecord),
        ("alice", &bob, false, NotMoved::Taken),
        ("alice", &bob, true, NotMoved::Taken),
        ("bob", &alice(), true, NotMoved::Taken),
        (
            "alice",
            &named("carol", 7),
            false,
            NotMoved::AnotherUid { recorded },
        ),
        ("carol", &carol(), true, NotMoved::NoRecord),
    ] {
        let from = UserName::new(from).unwrap();
        assert_eq!(
            refusal(move_record(&store, &from, to, forced)),
            why,
            "{from:?}"
        );
        assert!(files(&folder) == before, "{from:?}: nothing was changed");
    }
}

#[test]
fn no_grace_begins_again_through_a_move() {
    let day = Duration::from_secs(86_400);
    let earlier = UnixTime::from_seconds(NOW.seconds() - day.as_secs());
    for (old, new) in [
        (Some(earlier), None),
        (None, Some(earlier)),
        (Some(earlier), Some(NOW)),
        (Some(NOW), Some(earlier)),
    ] {
        let folder = Folder::empty();
        let store = folder.store();
        if let Some(old) = old {
            assert!(begin_grace(&store, &alice(), old).unwrap());
        }
        let to = named("carol", 3003);
        if let Some(new) = new {
            assert!(begin_grace(&store, &to, new).unwrap());
        }
        crate::fixture::enrol(&store, &credential());
        move_record(&store, &alice().name, &to, true).unwrap();
        assert_eq!(first_login(&store, &to).unwrap(), Some(earlier));
    }
}

#[test]
fn a_move_that_was_cut_short_opens_nothing_and_is_completed_by_repeating_it() {
    let folder = Folder::with_alice();
    let store = folder.store();
    // The directory has its new name, and the credential still names the old user.
    fs::rename(folder.alice(), folder.path().join("carol")).unwrap();
    let error = verdict(&folder, &carol(), 0).unwrap_err();
    assert!(
        matches!(error, Error::AnotherUsers { .. })
            && error.hint(Language::English).contains("otp-admin move"),
        "{error}"
    );
    assert!(matches!(
        verdict(&folder, &alice(), 0),
        Ok(Verdict::NotEnrolled)
    ));
    let bob = UserName::new("bob").unwrap();
    let refused = refusal(move_record(&store, &bob, &carol(), true));
    assert_eq!(
        refused,
        NotMoved::NoRecord,
        "another move is not completed by it"
    );
    let moved = move_record(&store, &alice().name, &carol(), false).unwrap();
    assert_eq!(moved, Moved::Done);
    assert!(accepts(&folder, &carol(), 0));
}

#[test]
fn a_damaged_record_is_not_moved() {
    let folder = Folder::with_alice();
    fs::write(folder.file("state"), "x").unwrap();
    let before = files(&folder);
    let failed = move_record(&folder.store(), &alice().name, &carol(), true).unwrap_err();
    assert!(
        matches!(failed, Failed::Store(Error::Content { .. })),
        "{failed:?}"
    );
    assert!(files(&folder) == before);
}
