//! Anything that is not as it must be lets nobody in, and never counts as "not enrolled".

use super::*;

#[test]
fn a_file_that_is_no_plain_file_of_root_is_refused() {
    for name in [CREDENTIAL, STATE] {
        for (fault, make, reason) in FAULTS_OF_ANY_FILE {
            if needs_root(fault) && !is_root() {
                continue;
            }
            let place = Place::with_alice();
            let secrets = fs::read(place.file(CREDENTIAL)).unwrap();
            make(&place.file(name));
            assert_refused(fault, &place, &place.file(name), &secrets, reason);
        }
    }
}

#[test]
fn every_permission_beyond_the_promised_ones_is_refused() {
    for (name, allowed) in [(CREDENTIAL, 0o640), (STATE, 0o660)] {
        for bit in (0..12).map(|bit| 1 << bit).filter(|bit| allowed & bit == 0) {
            let place = Place::with_alice();
            let secrets = fs::read(place.file(CREDENTIAL)).unwrap();
            let mode = allowed | bit;
            set_mode(&place.file(name), mode);
            let reason = format!("has mode {mode:04o}, at most {allowed:04o} is allowed");
            assert_refused(&reason, &place, &place.file(name), &secrets, &reason);
        }
    }
}

#[test]
fn fewer_permissions_and_the_group_root_are_fine() {
    let place = Place::with_alice();
    for name in [CREDENTIAL, STATE] {
        set_mode(&place.file(name), 0o600);
    }
    set_mode(&place.alice(), 0o700);
    if is_root() {
        chown(place.path(), None, Some(STRANGER)).unwrap();
        set_mode(place.path(), 0o2770);
        for file in [place.alice(), place.file(CREDENTIAL), place.file(STATE)] {
            chown(file, None, Some(0)).unwrap();
        }
        set_mode(&place.file(STATE), 0o660);
    }
    assert!(accepted(try_code(&place.store(), 0, false)));
}

#[test]
fn a_file_without_rights_for_its_group_may_have_any_group() {
    if !is_root() {
        return;
    }
    let place = Place::with_alice();
    for name in [CREDENTIAL, STATE] {
        chown(place.file(name), None, Some(STRANGER)).unwrap();
        set_mode(&place.file(name), 0o600);
    }
    assert!(accepted(try_code(&place.store(), 0, false)));
}

#[test]
fn damaged_content_is_refused() {
    /// A file, a change of its content, and the reason why the result is refused.
    type Damage = (&'static str, fn(Vec<u8>) -> Vec<u8>, &'static str);
    let cases: [Damage; 8] = [
        (CREDENTIAL, |_| Vec::new(), ": is empty"),
        (
            CREDENTIAL,
            |bytes| [bytes, vec![b'#'; 16 * 1024]].concat(),
            ": is larger than 16384 bytes",
        ),
        (
            CREDENTIAL,
            |bytes| [bytes, b"\xFF".to_vec()].concat(),
            ", line 26: not UTF-8",
        ),
        (
            CREDENTIAL,
            |bytes| bytes[..bytes.len() / 2].to_vec(),
            ", line 17: not valid TOML, or a key given twice",
        ),
        (STATE, |_| Vec::new(), ": has 0 bytes instead of 4096"),
        (
            STATE,
            |bytes| [bytes, KEY.into()].concat(),
            ": is larger than 4096 bytes",
        ),
        (
            STATE,
            |bytes| bytes[..bytes.len() / 2].to_vec(),
            ": has 2048 bytes instead of 4096",
        ),
        (
            STATE,
            |bytes| KEY.bytes().cycle().take(bytes.len()).collect(),
            ": both records are damaged",
        ),
    ];
    for (name, damage, reason) in cases {
        let place = Place::with_alice();
        let intact = fs::read(place.file(name)).unwrap();
        let secrets = [fs::read(place.file(CREDENTIAL)).unwrap(), KEY.into()].concat();
        fs::write(place.file(name), damage(intact)).unwrap();
        let error = try_code(&place.store(), 0, true).expect_err(reason);
        let expected = format!("{}{reason}", place.file(name).display());
        assert_eq!(error.to_string(), expected);
        assert_tells_no_secret_of(&secrets, &error);
    }
}

#[test]
fn a_directory_that_is_not_roots_own_is_refused() {
    let faults: [Fault; 5] = [
        (
            "a link to a directory",
            |alice| {
                let elsewhere = alice.with_extension("elsewhere");
                fs::rename(alice, &elsewhere).unwrap();
                symlink(elsewhere, alice).unwrap();
            },
            "is not a directory",
        ),
        (
            "a file",
            |alice| {
                fs::remove_dir_all(alice).unwrap();
                fs::write(alice, KEY).unwrap();
            },
            "is not a directory",
        ),
        (
            "a fifo",
            |alice| {
                fs::remove_dir_all(alice).unwrap();
                mkfifo(alice, Mode::S_IRWXU).unwrap();
            },
            "is not a directory",
        ),
        (
            "somebody else's directory",
            |alice| chown(alice, Some(STRANGER), None).unwrap(),
            "is owned by user id 54321, not by root",
        ),
        (
            "a directory of another group",
            |alice| chown(alice, None, Some(STRANGER)).unwrap(),
            "belongs to group id 54321, not to the group of the store",
        ),
    ];
    for (fault, make, reason) in faults {
        if needs_root(fault) && !is_root() {
            continue;
        }
        let place = Place::with_alice();
        let secrets = fs::read(place.file(CREDENTIAL)).unwrap();
        make(&place.alice());
        assert_refused(fault, &place, &place.alice(), &secrets, reason);
    }
    for mode in [0o2771, 0o2772, 0o2774, 0o3770, 0o6770] {
        let place = Place::with_alice();
        set_mode(&place.alice(), mode);
        let reason = format!("has mode {mode:04o}, at most 2770 is allowed");
        assert_refused(&reason, &place, &place.alice(), b"", &reason);
    }
}

#[test]
fn a_store_that_cannot_be_trusted_is_not_opened() {
    let refusal = |path: &Path| {
        let error = Store::open(path).err().expect("a refusal").to_string();
        let rest = error.strip_prefix(&path.display().to_string());
        rest.expect("the directory is named first").to_owned()
    };
    for mode in [0o2771, 0o2772, 0o2774, 0o2777, 0o3770, 0o6770] {
        let place = Place::with_alice();
        set_mode(place.path(), mode);
        let reason = format!(": has mode {mode:04o}, at most 2770 is allowed");
        assert_eq!(refusal(place.path()), reason);
    }
    let place = Place::with_alice();
    assert_eq!(refusal(&place.file(STATE)), ": is not a directory");
    if is_root() {
        chown(place.path(), Some(STRANGER), None).unwrap();
        assert_eq!(
            refusal(place.path()),
            ": is owned by user id 54321, not by root"
        );
    }
}

#[test]
fn a_missing_store_is_not_a_store_without_users() {
    let place = Place::empty();
    let missing = place.path().join("elsewhere");
    let error = Store::open(&missing).err().expect("a refusal");
    assert!(matches!(error, Error::NoRecords { .. }));
    let expected = "the directory of all records is missing; is its file system mounted, is pam_otp installed?";
    assert_eq!(
        error.to_string(),
        format!("{}: {expected}", missing.display())
    );
}

#[test]
fn a_missing_state_beside_a_credential_is_refused() {
    let place = Place::with_alice();
    fs::remove_file(place.file(STATE)).unwrap();
    let reason = "the state is missing beside a credential";
    assert_refused(reason, &place, &place.file(STATE), b"", reason);
    assert!(!place.file(STATE).exists(), "and is not made again");
}

#[test]
fn a_state_of_another_credential_is_refused() {
    let place = Place::with_alice();
    let other = Place::empty();
    enrol(&other.store(), &another_credential(1));
    fs::copy(other.file(STATE), place.file(STATE)).unwrap();
    let reason = "does not belong to the credential beside it";
    assert_refused(reason, &place, &place.file(STATE), b"", reason);
}

#[test]
fn a_user_without_a_credential_is_not_enrolled() {
    let nothing = Place::empty();
    let only_a_directory = Place::empty();
    drop(
        only_a_directory
            .store()
            .hold_or_create(&alice(), SOON)
            .unwrap(),
    );
    let only_a_state = Place::with_alice();
    fs::remove_file(only_a_state.file(CREDENTIAL)).unwrap();
    for place in [nothing, only_a_directory, only_a_state] {
        let store = place.store();
        assert!(!is_enrolled(&store, &alice()).unwrap());
        assert_eq!(try_code(&store, 0, false).unwrap(), Verdict::NotEnrolled);
        assert_eq!(try_code(&store, 0, true).unwrap(), Verdict::Excused);
    }
    assert!(is_enrolled(&Place::with_alice().store(), &alice()).unwrap());
}

#[test]
fn a_recreated_account_does_not_inherit_the_record() {
    let place = Place::with_alice();
    let account = Account {
        uid: 1002,
        ..alice()
    };
    let mut locked = place.store().hold(&account, SOON).unwrap().unwrap();
    let error = locked.read(&account).err().expect("a refusal");
    assert!(matches!(
        error,
        Error::NotTheirs {
            recorded: 1001,
            actual: 1002,
            ..
        }
    ));
    assert_eq!(
        error.to_string(),
        format!(
            "{}: made for user id 1001, but alice has user id 1002 now",
            place.file(CREDENTIAL).display()
        )
    );
}

#[test]
fn the_record_of_another_user_is_refused() {
    let place = Place::with_alice();
    fs::rename(place.alice(), place.path().join("bob")).unwrap();
    // Also with the same user id, which two names may share.
    let bob = Account {
        name: UserName::new("bob").unwrap(),
        uid: 1001,
    };
    let mut locked = place.store().hold(&bob, SOON).unwrap().unwrap();
    let error = locked.read(&bob).err().expect("a refusal");
    let file = place.path().join("bob").join(CREDENTIAL);
    assert_eq!(
        error.to_string(),
        format!("{}: is the record of another user, alice", file.display())
    );
}
