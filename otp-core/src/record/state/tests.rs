use super::*;
use crate::record::{
    Algorithm, Authenticator, Digits, Kind, Name, Origin, Period, RecoverySet, Secret,
};
use crate::recovery::{RecoveryCode, Salt};
use zeroize::Zeroizing;

const NOW: UnixTime = UnixTime::from_seconds(1_763_640_000);

const fn id(number: u8) -> Id {
    Id::from_random([number; 8])
}

/// Authenticators with these numbers, and three recovery codes.
fn credential(authenticators: &[u8], recovery: Option<u8>) -> Credential {
    let devices = authenticators.iter().map(|&number| Authenticator {
        id: id(number),
        name: Name::new(&format!("device {number}")).unwrap(),
        kind: Kind::Totp(Period::THIRTY),
        algorithm: Algorithm::Sha1,
        digits: Digits::SIX,
        secret: Secret::new(Zeroizing::new(vec![number; 20])).unwrap(),
        window: None,
        created: NOW,
    });
    let salt = Salt([7; 16]);
    let set = recovery.map(|number| RecoverySet {
        id: id(number),
        origin: Origin::Issued,
        salt,
        hashes: (0..3)
            .map(|code| RecoveryCode::from_random([code; RecoveryCode::BYTES]).hash(&salt))
            .collect(),
        created: NOW,
    });
    Credential::new("alice".to_owned(), 1001, devices.collect(), set).unwrap()
}

#[test]
fn a_drift_is_at_most_ten_minutes_of_the_shortest_steps() {
    for steps in [-40, -1, 0, 1, 40] {
        assert_eq!(Drift::from_steps(steps).unwrap().steps(), steps);
    }
    for steps in [-41, 41, 127, 128, i64::MIN, i64::MAX] {
        assert!(Drift::from_steps(steps).is_err(), "{steps}");
    }
}

#[test]
fn only_a_timed_lock_ends_by_itself() {
    let locked = Standing::Locked {
        since: NOW,
        lasts: Duration::from_secs(60),
    };
    assert_eq!(locked.ends(), Some(NOW.after(Duration::from_secs(60))));
    for standing in [Standing::Open, Standing::Held, Standing::Disabled] {
        assert_eq!(standing.ends(), None);
    }
}

#[test]
fn each_refusal_reads_back_from_its_word() {
    for refusal in Refusal::ALL {
        assert_eq!(Refusal::from_word(refusal.word()), Some(refusal));
    }
    assert_eq!(Refusal::from_word(""), None);
}

#[test]
fn a_state_covers_a_credential_when_it_has_every_entry_of_it() {
    let state = State::fresh(&credential(&[1, 2], Some(9)));
    for (authenticators, recovery, covered) in [
        (&[1, 2][..], Some(9), true),
        (&[2], Some(9), true),
        (&[1], None, true),
        (&[1, 3], Some(9), false),
        (&[1, 2], Some(8), false),
    ] {
        let credential = credential(authenticators, recovery);
        assert_eq!(state.covers(&credential), covered, "{authenticators:?}");
    }
}

/// Used codes stay used, whichever of the two states records it.
#[test]
fn joined_states_cover_both_credentials_and_keep_the_entries_of_the_first() {
    let (old, new) = (credential(&[1, 2], Some(8)), credential(&[2, 3], Some(9)));
    let mut first = State::fresh(&new);
    first.authenticators[0].last_step = Some(Step(5));
    first.recovery[0].used = 1;
    let mut second = State::fresh(&old);
    second.authenticators[0].last_step = Some(Step(6));
    second.recovery[0].used = 2;
    let joined = first.joined_with(&second);
    assert!(joined.covers(&old) && joined.covers(&new));
    let ids: Vec<_> = joined.authenticators.iter().map(|one| one.id).collect();
    assert_eq!(ids, [id(2), id(3), id(1)]);
    assert_eq!(joined.of(id(2)).unwrap().last_step, Some(Step(5)));
    assert_eq!(joined.of(id(1)).unwrap().last_step, Some(Step(6)));
    assert_eq!(joined.recovery.len(), 2);
    assert_eq!(joined.of_codes(id(8)).unwrap().used, 2);
    assert_eq!(joined.of_codes(id(9)).unwrap().used, 1);
    assert_eq!(first.joined_with(&first), first);

    assert_eq!(joined.reduced_to(&new), first);
    let without_codes = joined.reduced_to(&credential(&[1], None));
    assert_eq!(without_codes.authenticators, [*joined.of(id(1)).unwrap()]);
    assert_eq!(without_codes.recovery, []);
}

#[test]
fn the_recovery_codes_left_are_the_unused_ones_of_the_credential() {
    let alice = credential(&[1], Some(9));
    let mut state = State::fresh(&alice);
    for (used, left) in [(0, 3), (0b001, 2), (0b101, 1), (0b111, 0), (0b1000, 3)] {
        state.recovery[0].used = used;
        assert_eq!(state.recovery_codes_left(&alice), left, "{used:b}");
    }
    assert_eq!(state.recovery_codes_left(&credential(&[1], Some(8))), 0);
    assert_eq!(state.recovery_codes_left(&credential(&[1], None)), 0);
}

#[test]
fn unlocking_resets_failures_but_keeps_used_codes() {
    let mut state = State::fresh(&credential(&[1], Some(9)));
    state.authenticators[0].last_step = Some(Step(5));
    state.recovery[0].used = 3;
    state.last_refusal = Some((NOW, Refusal::WrongCode));
    let locked = State {
        standing: Standing::Disabled,
        failures: 4,
        failures_in_a_row: 99,
        locks_in_a_row: 19,
        ..state.clone()
    };
    assert_eq!(locked.unlocked(), state);
}
