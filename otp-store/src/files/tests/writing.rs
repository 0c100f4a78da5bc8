//! Writes: their places and rights, and the state after an interrupted write.

use super::*;
use otp_core::messages::reason::Deed;

#[test]
fn a_login_writes_half_of_the_state_in_place_and_nothing_else() {
    let place = Place::with_alice();
    let credential_before = fs::metadata(place.file(CREDENTIAL)).unwrap();
    let mut before = fs::read(place.file(STATE)).unwrap();
    let inode = fs::metadata(place.file(STATE)).unwrap().ino();
    let mut halves = Vec::new();
    for _ in 0..4 {
        try_code(&place.store(), 1000, false).unwrap();
        let after = fs::read(place.file(STATE)).unwrap();
        assert_eq!(after.len(), before.len());
        let changed = |half: usize| after[half * 2048..][..2048] != before[half * 2048..][..2048];
        assert!(changed(0) != changed(1), "one half and not the other");
        halves.push(usize::from(changed(1)));
        before = after;
    }
    assert_eq!(halves, [0, 1, 0, 1]);
    assert_eq!(fs::metadata(place.file(STATE)).unwrap().ino(), inode);
    let credential_after = fs::metadata(place.file(CREDENTIAL)).unwrap();
    assert_eq!(
        (credential_after.ino(), credential_after.mtime_nsec()),
        (credential_before.ino(), credential_before.mtime_nsec())
    );
    assert_eq!(files_of_alice(&place), [CREDENTIAL, STATE]);
}

fn files_of_alice(place: &Place) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(place.alice())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_state_that_cannot_be_written_is_an_error_and_stays_as_it_was() {
    let place = Place::with_alice();
    let before = fs::read(place.file(STATE)).unwrap();
    let mut locked = place.store().hold(&alice(), SOON).unwrap().unwrap();
    let record = locked.read(&alice()).unwrap().unwrap();
    locked.state = Some(File::open(place.file(STATE)).unwrap());
    let next = State {
        failures: 1,
        ..record.state.clone()
    };
    let error = locked.commit(record, &next).unwrap_err();
    assert!(
        matches!(
            error,
            Error::Io {
                action: Deed::Write,
                ..
            }
        ),
        "{error}"
    );
    assert!(fs::read(place.file(STATE)).unwrap() == before);
}

#[test]
fn a_state_read_before_a_replacement_does_not_overwrite_the_new_one() {
    let place = Place::with_alice();
    let mut locked = place.store().hold(&alice(), SOON).unwrap().unwrap();
    let record = locked.read(&alice()).unwrap().unwrap();
    let new = another_credential(1);
    locked.replace(&alice(), &new, &State::fresh(&new)).unwrap();
    let before = fs::read(place.file(STATE)).unwrap();
    let next = record.state.clone();
    assert!(locked.commit(record, &next).is_err());
    assert!(fs::read(place.file(STATE)).unwrap() == before);
}

#[test]
fn a_sequence_number_at_its_maximum_is_refused() {
    let place = Place::with_alice();
    let mut locked = place.store().hold(&alice(), SOON).unwrap().unwrap();
    let path = place.file(STATE).display().to_string();
    let last = crate::text::state::tests::at_the_end_of_the_sequence(&State::fresh(&credential()));
    fs::write(&path, &last).unwrap();
    let record = locked.read(&alice()).unwrap().unwrap();
    let state = record.state.clone();
    let error = locked.commit(record, &state).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{path}: the next state does not fit a record")
    );
    assert!(fs::read(&path).unwrap() == last);
}

#[test]
fn a_new_record_counts_at_once_and_the_old_one_no_longer() {
    let place = Place::with_alice();
    assert!(accepted(try_code(&place.store(), 0, false)));
    let new = another_credential(1);
    enrol(&place.store(), &new);
    assert!(matches!(
        try_code(&place.store(), 1, false).unwrap(),
        Verdict::Rejected { .. }
    ));
    let verdict = attempt(
        &place.store(),
        &alice(),
        &Policy::default(),
        &code(&new, 0),
        false,
        || Ok(NOW),
    );
    assert!(accepted(verdict.map(attempt::Committed::into_inner)));
    let state = state_of(&place.store());
    assert_eq!(state.authenticators.len(), 1, "the old device is forgotten");
    assert!(state.covers(&new));
    assert_eq!(files_of_alice(&place), [CREDENTIAL, STATE]);
}

#[test]
fn a_directory_that_a_crash_has_left_half_made_is_finished_when_root_looks() {
    if !is_root() {
        return;
    }
    for owner in [alice().uid, 0] {
        let place = Place::empty();
        chown(place.path(), None, Some(STRANGER)).unwrap();
        set_mode(place.path(), 0o2770);
        fs::create_dir(place.alice()).unwrap();
        chown(place.alice(), Some(owner), None).unwrap();
        set_mode(&place.alice(), 0o700);
        assert!(!is_enrolled(&place.store(), &alice()).unwrap());
        let found = fs::metadata(place.alice()).unwrap();
        assert_eq!(
            (found.uid(), found.gid(), found.mode() & 0o7777),
            (0, STRANGER, 0o2770)
        );
    }
}

#[test]
fn a_mode_that_an_administrator_has_narrowed_stays() {
    let place = Place::with_alice();
    set_mode(&place.alice(), 0o700);
    assert!(accepted(try_code(&place.store(), 0, false)));
    let found = fs::metadata(place.alice()).unwrap();
    assert_eq!(found.mode() & 0o7777, 0o700);
}

#[test]
fn a_replacement_that_stops_half_way_leaves_the_old_record_working() {
    let place = Place::with_alice();
    assert!(accepted(try_code(&place.store(), 0, false)));
    // The state is already in place when the credential cannot be written.
    fs::create_dir(place.file(".credential.toml.new")).unwrap();
    for enrolment in 1..4 {
        let new = another_credential(enrolment);
        let mut locked = place.store().hold(&alice(), SOON).unwrap().unwrap();
        let stopped = locked.replace(&alice(), &new, &State::fresh(&new));
        assert!(matches!(stopped, Err(Error::Io { .. })));
    }
    let store = place.store();
    assert!(
        state_of(&store).covers(&another_credential(3)),
        "the first half was done"
    );
    assert_eq!(
        try_code(&store, 0, false).unwrap(),
        Verdict::Replayed,
        "the used code stays used"
    );
    assert!(accepted(try_code(&store, 1, false)));
    fs::remove_dir(place.file(".credential.toml.new")).unwrap();
    enrol(&store, &another_credential(1));
    assert!(state_of(&store).covers(&another_credential(1)));
}

#[test]
fn a_damaged_record_can_be_replaced() {
    for name in [CREDENTIAL, STATE] {
        for (fault, make, _) in FAULTS_OF_ANY_FILE {
            if fault == "a directory" || needs_root(fault) && !is_root() {
                continue;
            }
            let place = Place::with_alice();
            make(&place.file(name));
            enrol(&place.store(), &credential());
            assert!(accepted(try_code(&place.store(), 0, false)), "{fault}");
        }
    }
}

#[test]
fn leftovers_of_a_crash_do_no_harm() {
    let leftovers: [fn(&Path); 4] = [
        |file| fs::write(file, KEY).unwrap(),
        |file| fs::write(file, "").unwrap(),
        |file| mkfifo(file, Mode::S_IRWXU).unwrap(),
        |file| {
            let victim = file.parent().unwrap().parent().unwrap().join("victim");
            fs::write(&victim, "as it was").unwrap();
            symlink(victim, file).unwrap();
        },
    ];
    for make in leftovers {
        let place = Place::with_alice();
        for name in [".credential.toml.new", ".state.new"] {
            make(&place.file(name));
        }
        assert!(accepted(try_code(&place.store(), 0, false)));
        enrol(&place.store(), &credential());
        assert_eq!(files_of_alice(&place), [CREDENTIAL, STATE]);
        if let Ok(victim) = fs::read_to_string(place.path().join("victim")) {
            assert_eq!(victim, "as it was");
        }
        assert!(accepted(try_code(&place.store(), 0, false)));
    }
}

#[test]
fn a_directory_left_half_made_by_a_crash_is_completed() {
    let place = Place::empty();
    fs::create_dir(place.alice()).unwrap();
    set_mode(&place.alice(), 0o700);
    if is_root() {
        chown(place.path(), None, Some(STRANGER)).unwrap();
        set_mode(place.path(), 0o2770);
    }
    let verdict = try_code(&place.store(), 0, false);
    assert_eq!(verdict.unwrap(), Verdict::NotEnrolled);
    enrol(&place.store(), &credential());
    assert_modes_and_group(place.path());
}

/// Asserts the modes and the group that the design promises for a user's directory.
fn assert_modes_and_group(store: &Path) {
    let group = fs::metadata(store).unwrap().gid();
    for (name, mode) in [
        ("alice", 0o2770),
        ("alice/credential.toml", 0o640),
        ("alice/state", 0o660),
    ] {
        let found = fs::metadata(store.join(name)).unwrap();
        assert_eq!(found.mode() & 0o7777, mode, "{name}");
        assert_eq!(found.gid(), group, "{name}");
        assert_eq!(found.uid(), nix::unistd::geteuid().as_raw(), "{name}");
    }
}

#[test]
fn modes_and_group_are_exact_whatever_the_umask() {
    if let Some(store) = place_of_parent() {
        enrol(&Store::open(&store).unwrap(), &credential());
        assert_modes_and_group(&store);
        // A second time, replacing the first.
        enrol(&Store::open(&store).unwrap(), &credential());
        assert_modes_and_group(&store);
        return;
    }
    // With 0777 only root could open the directory just made.
    let umasks: &[_] = if is_root() {
        &["0000", "0022", "0777"]
    } else {
        &["0000", "0022", "0077"]
    };
    for umask in umasks {
        let place = Place::empty();
        if is_root() {
            chown(place.path(), None, Some(STRANGER)).unwrap();
            set_mode(place.path(), 0o2770);
        }
        run_again_after(
            &format!("umask {umask}"),
            "files::tests::writing::modes_and_group_are_exact_whatever_the_umask",
            &place,
        );
    }
}

#[test]
fn users_are_listed_sorted_and_nothing_else_is() {
    let place = Place::empty();
    assert!(place.store().users().unwrap().is_empty());
    for name in ["김철수", "bob", "alice@corp", "Zoe", "CORP\\eve", "alice"] {
        let account = Account {
            name: UserName::new(name).unwrap(),
            ..alice()
        };
        place.store().hold_or_create(&account, SOON).unwrap();
    }
    for other in [".hidden", "lost+found"] {
        fs::create_dir(place.path().join(other)).unwrap();
    }
    let names: Vec<_> = place
        .store()
        .users()
        .unwrap()
        .iter()
        .map(str::to_owned)
        .collect();
    assert_eq!(
        names,
        ["CORP\\eve", "Zoe", "alice", "alice@corp", "bob", "김철수"]
    );
}

#[test]
fn an_impossible_user_name_is_an_error_of_the_list_alone() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    for name in [&b"ali\xFFce"[..], b"ali\nce"] {
        let place = Place::with_alice();
        fs::create_dir(place.path().join(OsStr::from_bytes(name))).unwrap();
        assert!(place.store().users().is_err());
        assert!(
            accepted(try_code(&place.store(), 0, false)),
            "a login is not affected"
        );
    }
}

/// A write that can be torn comes after a sync of what was there.
#[test]
fn a_state_longer_than_a_sector_is_written_like_any_other() {
    let place = Place::with_alice();
    let mut locked = place.store().hold(&alice(), SOON).unwrap().unwrap();
    let mut long = locked.read(&alice()).unwrap().unwrap().state;
    let entry = long.authenticators[0];
    long.authenticators.resize(8, entry);
    let record = locked.read(&alice()).unwrap().unwrap();
    locked.commit(record, &long).unwrap();
    let mut record = locked.read(&alice()).unwrap().unwrap();
    assert_eq!(record.state, long);
    let next = State {
        failures: 1,
        ..long
    };
    locked.note(&mut record, &next).unwrap();
    locked.commit(record, &next).unwrap();
    assert_eq!(locked.read(&alice()).unwrap().unwrap().state, next);
}
