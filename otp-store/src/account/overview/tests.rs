use super::*;
use crate::fixture::{Bench, NOW, Place, alice, over_every_keeper, state_of};
use std::fs;
use std::time::Duration;

over_every_keeper! {
    waiting_as_told_ends_a_lock_that_was_set_by_a_clock_in_the_future,
}

const LASTS: Duration = Duration::from_secs(900);

/// Alice is locked since a moment that is a year ahead.
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

/// The two ways to look.
fn looks(place: &impl Bench, now: UnixTime) -> [Option<Standing>; 2] {
    let store = place.store();
    let overview = Overview::read(&store, &alice(), &Policy::default(), || Ok(now));
    [
        overview.unwrap().map(|overview| overview.standing),
        standing(&store, &alice(), || Ok(now)).unwrap(),
    ]
}

fn waiting_as_told_ends_a_lock_that_was_set_by_a_clock_in_the_future<B: Bench>() {
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
fn looking_at_anything_else_writes_nothing() {
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
