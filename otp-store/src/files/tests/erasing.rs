//! How an administrator removes a record.

use super::*;

#[test]
fn erasing_enrolling_and_logging_in_at_once_never_fails() {
    const ROUNDS: usize = 100;
    let place = Place::with_alice();
    let start = Barrier::new(6);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let store = place.store();
                start.wait();
                for _ in 0..ROUNDS {
                    erase(&store, &alice().name, SOON).unwrap();
                }
            });
            scope.spawn(|| {
                let store = place.store();
                start.wait();
                for _ in 0..ROUNDS {
                    enrol(&store, &credential());
                }
            });
            scope.spawn(|| {
                let store = place.store();
                start.wait();
                for _ in 0..ROUNDS {
                    let verdict = try_code(&store, 0, false).unwrap();
                    assert!(
                        matches!(
                            verdict,
                            Verdict::Accepted { .. } | Verdict::Replayed | Verdict::NotEnrolled
                        ),
                        "{verdict:?}"
                    );
                }
            });
        }
    });
}

#[test]
fn erasing_removes_everything_and_says_whether_there_was_anything() {
    let place = Place::with_alice();
    for leftover in [".credential.toml.new", ".state.new"] {
        fs::write(place.file(leftover), KEY).unwrap();
    }
    assert!(erase(&place.store(), &alice().name, SOON).unwrap());
    assert!(!place.alice().exists());
    assert!(!erase(&place.store(), &alice().name, SOON).unwrap());
    enrol(&place.store(), &credential());
    assert!(accepted(try_code(&place.store(), 0, false)));
}

#[test]
fn erasing_removes_a_record_too_damaged_for_logins() {
    for name in [CREDENTIAL, STATE] {
        for (fault, make, _) in FAULTS_OF_ANY_FILE {
            // Other people's files may be in there; a person must look.
            if fault == "a directory" || needs_root(fault) && !is_root() {
                continue;
            }
            let place = Place::with_alice();
            make(&place.file(name));
            for other in ["elsewhere", "other"] {
                let extra = place.file(name).with_extension(other);
                if extra.exists() {
                    fs::rename(extra, place.path().join(other)).unwrap();
                }
            }
            assert!(
                erase(&place.store(), &alice().name, SOON).unwrap(),
                "{fault}"
            );
            assert!(!place.alice().exists(), "{fault}");
        }
    }
    for (file, mode) in [(CREDENTIAL, 0o666), (STATE, 0), ("", 0o7777)] {
        let place = Place::with_alice();
        set_mode(&place.file(file), mode);
        assert!(erase(&place.store(), &alice().name, SOON).unwrap());
    }
    if is_root() {
        let place = Place::with_alice();
        chown(place.alice(), Some(STRANGER), Some(STRANGER)).unwrap();
        assert!(erase(&place.store(), &alice().name, SOON).unwrap());
        assert!(!place.alice().exists());
    }
}

#[test]
fn erasing_follows_no_link_and_removes_nothing_of_others() {
    let place = Place::with_alice();
    let elsewhere = place.path().join("elsewhere");
    fs::rename(place.alice(), &elsewhere).unwrap();
    symlink(&elsewhere, place.alice()).unwrap();
    assert!(erase(&place.store(), &alice().name, SOON).is_err());
    assert!(elsewhere.join(CREDENTIAL).exists() && elsewhere.join(STATE).exists());

    let place = Place::with_alice();
    fs::write(place.file("notes"), "").unwrap();
    assert!(erase(&place.store(), &alice().name, SOON).is_err());
    assert!(place.file("notes").exists());
    let verdict = try_code(&place.store(), 0, false);
    assert_eq!(
        verdict.unwrap(),
        Verdict::NotEnrolled,
        "half erased is not damaged"
    );
}
