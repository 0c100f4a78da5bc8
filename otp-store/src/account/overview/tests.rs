use super::*;
use crate::account::grace::begin_grace;
use crate::fixture::{Bench, NOW, Place, alice, over_every_keeper, state_of};
use otp_core::UserName;
use otp_core::record::Period;
use std::fs;
use std::time::Duration;

over_every_keeper! {
    a_lock_set_by_a_clock_in_the_future_ends_after_the_stated_wait,
    a_glance_says_what_an_overview_says,
    a_glance_at_an_account_without_an_authenticator_says_when_its_grace_began,
}

const LASTS: Duration = Duration::from_secs(900);

/// Alice is locked since a moment one year ahead.
fn locked_in_the_future<B: Bench>() -> B {
    let place = B::with_alice();
    let mut locked = place.store().hold(&alice(), LASTS).unwrap().unwrap();
    let record = locked.read(&alice()).unwrap().unwrap();
    let next = State {
        standing: Standing::Locked {
            since: NOW.after(Duration::from_secs(365 * 86_400)),
            lasts: LASTS,
        },
        ..record.state.clone()
    };
    locked.commit(record, &next).unwrap();
    drop(locked);
    place
}

/// The two ways to look at an account.
fn looks(place: &impl Bench, now: UnixTime) -> [Option<Standing>; 2] {
    let store = place.store();
    let overview = Overview::read(&store, &alice(), &Policy::default(), || Ok(now));
    [
        overview.unwrap().map(|overview| overview.standing),
        standing(&store, &alice(), || Ok(now)).unwrap(),
    ]
}

fn a_lock_set_by_a_clock_in_the_future_ends_after_the_stated_wait<B: Bench>() {
    let (place, other) = (locked_in_the_future::<B>(), locked_in_the_future::<B>());
    let standing = Standing::Locked {
        since: NOW,
        lasts: LASTS,
    };
    let begun = Some(standing);
    assert_eq!(looks(&place, NOW), [begun; 2]);
    assert_eq!(state_of(&place.store()).standing, standing);
    assert_eq!(
        super::standing(&other.store(), &alice(), || Ok(NOW)).unwrap(),
        begun
    );
    for place in [place, other] {
        assert_eq!(looks(&place, NOW.after(LASTS / 2)), [begun; 2]);
        assert_eq!(looks(&place, NOW.after(LASTS)), [Some(Standing::Open); 2]);
    }
}

#[test]
fn looking_writes_nothing_unless_a_lock_was_set_in_the_future() {
    let place = Place::with_alice();
    let before = fs::read(place.file("state")).unwrap();
    for now in [NOW, UnixTime::from_seconds(0)] {
        assert_eq!(looks(&place, now), [Some(Standing::Open); 2]);
    }
    assert_eq!(fs::read(place.file("state")).unwrap(), before);
    let place: Place = locked_in_the_future();
    looks(&place, NOW);
    let before = fs::read(place.file("state")).unwrap();
    for seconds in [0, 1, 899, 900, 100_000] {
        looks(&place, NOW.after(Duration::from_secs(seconds)));
    }
    assert_eq!(fs::read(place.file("state")).unwrap(), before);
}

fn glance(keeper: &impl Keeper, now: UnixTime) -> Result<Glance, Error> {
    let policy = Policy::default();
    Glance::read(keeper, &alice(), &policy, Duration::ZERO, || Ok(now))
}

/// Alice has been refused at [`NOW`].
fn refused<B: Bench>() -> B {
    let place = B::with_alice();
    let mut held = place.store().hold(&alice(), LASTS).unwrap().unwrap();
    let record = held.read(&alice()).unwrap().unwrap();
    let next = State {
        failures: 1,
        failures_in_a_row: 1,
        last_refusal: Some((NOW, Refusal::WrongCode)),
        ..record.state.clone()
    };
    held.commit(record, &next).unwrap();
    drop(held);
    place
}

fn a_glance_says_what_an_overview_says<B: Bench>() {
    for place in [B::with_alice(), refused(), locked_in_the_future()] {
        for seconds in [0, 1, 100, 901] {
            let now = NOW.after(Duration::from_secs(seconds));
            let seen = glance(&place.store(), now).unwrap();
            let overview =
                Overview::read(&place.store(), &alice(), &Policy::default(), || Ok(now)).unwrap();
            assert!(overview.is_some());
            assert_eq!(seen.overview, overview, "{seconds}");
            assert_eq!(seen.kinds, [Kind::Totp(Period::THIRTY)]);
            assert!(!seen.is_held && seen.first_login.is_none());
        }
    }
}

fn a_glance_at_an_account_without_an_authenticator_says_when_its_grace_began<B: Bench>() {
    let place = B::with_alice();
    let bobby = Account {
        name: UserName::new("bobby").unwrap(),
        uid: 4321,
    };
    let seen = || {
        let policy = Policy::default();
        Glance::read(&place.store(), &bobby, &policy, Duration::ZERO, || Ok(NOW)).unwrap()
    };
    assert_eq!(seen(), Glance::of_nothing());
    begin_grace(&place.store(), &bobby, NOW).unwrap();
    let expected = Glance {
        first_login: Some(NOW),
        ..Glance::of_nothing()
    };
    assert_eq!(seen(), expected);
}

#[test]
fn a_glance_needs_no_lock_unless_an_attempt_may_still_be_made() {
    let place: Place = refused();
    let store = place.store();
    let held = store.hold(&alice(), LASTS).unwrap().unwrap();
    let long_after = NOW.after(ATTEMPT_IS_OVER + Duration::from_secs(1));
    let seen = glance(&store, long_after).unwrap();
    assert!(!seen.is_held && seen.overview.unwrap().failures == 1);
    // A clock before the refusal has run back: nobody knows how long ago the refusal was.
    for now in [NOW, NOW.after(ATTEMPT_IS_OVER), UnixTime::from_seconds(0)] {
        let seen = glance(&store, now).unwrap();
        assert!(seen.is_held && seen.overview.unwrap().failures == 1);
    }
    drop(held);
    assert!(!glance(&store, NOW).unwrap().is_held);
}

#[test]
fn a_record_that_does_not_fit_together_is_read_again_while_held() {
    let place = Place::with_alice();
    let store = place.store();
    let held = store.hold(&alice(), LASTS).unwrap().unwrap();
    fs::rename(place.file("state"), place.file("aside")).unwrap();
    assert!(matches!(glance(&store, NOW), Err(Error::Busy { .. })));
    drop(held);
    assert!(matches!(glance(&store, NOW), Err(Error::Missing { .. })));
    fs::rename(place.file("aside"), place.file("state")).unwrap();
    assert!(glance(&store, NOW).unwrap().overview.is_some());
}
