use super::*;
use crate::fixture::{
    Bench, NOW, Place, alice, code, credential, enrol, over_every_keeper, place_of_parent,
    run_again_after, state_of,
};
use crate::keeper::Keeper;
use crate::memory::Memory;
use crate::{Fault, Store};
use otp_core::UserName;
use otp_core::record::{Refusal, Standing};
use std::fs;
use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

over_every_keeper! {
    of_many_logins_with_one_code_exactly_one_gets_in,
    of_many_wrong_codes_at_once_no_more_are_looked_at_than_may_fail,
    what_follows_from_a_verdict_is_on_disk_when_it_is_told,
    without_a_clock_there_is_no_verdict_and_nothing_is_written,
    a_name_without_a_record_is_refused_unless_excused,
    who_is_excused_and_has_an_authenticator_must_use_it,
}

/// As many as a test machine lets in at once without thinking.
const AT_ONCE: u32 = 64;

/// How often they do.
const ROUNDS: u32 = 20;

fn try_input(store: &impl Keeper, input: &Input) -> Result<Verdict, Error> {
    attempt(store, &alice(), &Policy::default(), input, false, || {
        Ok(NOW)
    })
    .map(Committed::into_inner)
}

/// On a busy machine the others may take longer than one waits for them. Nothing was read or written then, so it is tried
/// again.
fn until_judged(store: &impl Keeper, input: &Input) -> Verdict {
    loop {
        match try_input(store, input) {
            Err(Error::Busy { .. } | Error::Overtaken { .. }) => {}
            judged => return judged.unwrap(),
        }
    }
}

/// All at the same moment, each with a store of its own as each process has one.
fn all_at_once(place: &impl Bench, input: impl Fn() -> Input + Sync) -> Vec<Verdict> {
    let start = Barrier::new(AT_ONCE as usize);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..AT_ONCE)
            .map(|_| {
                scope.spawn(|| {
                    let (store, input) = (place.store(), input());
                    start.wait();
                    until_judged(&store, &input)
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    })
}

fn count(verdicts: &[Verdict], is: fn(&Verdict) -> bool) -> usize {
    verdicts.iter().filter(|verdict| is(verdict)).count()
}

fn of_many_logins_with_one_code_exactly_one_gets_in<B: Bench>() {
    let place = B::with_alice();
    for round in 0..ROUNDS {
        enrol(&place.store(), &credential());
        let verdicts = all_at_once(&place, || code(&credential(), 0));
        assert_eq!(
            count(&verdicts, |one| matches!(one, Verdict::Accepted { .. })),
            1,
            "round {round}"
        );
        assert_eq!(
            count(&verdicts, |one| *one == Verdict::Replayed),
            AT_ONCE as usize - 1
        );
    }
}

fn of_many_wrong_codes_at_once_no_more_are_looked_at_than_may_fail<B: Bench>() {
    let place = B::with_alice();
    let verdicts = all_at_once(&place, || code(&credential(), 1000));
    assert_eq!(
        count(&verdicts, |one| matches!(one, Verdict::Rejected { .. })),
        4
    );
    assert_eq!(
        count(&verdicts, |one| matches!(
            one,
            Verdict::RejectedAndLocked { .. }
        )),
        1
    );
    assert_eq!(
        count(&verdicts, |one| matches!(one, Verdict::Locked { .. })),
        AT_ONCE as usize - 5
    );
    let verdict = try_input(&place.store(), &code(&credential(), 0));
    assert!(matches!(verdict.unwrap(), Verdict::Locked { .. }));
}

fn what_follows_from_a_verdict_is_on_disk_when_it_is_told<B: Bench>() {
    let place = B::with_alice();
    for steps_from_now in [1000, 0, 0, 1, 1000, 1000, 1000, 1000, 1000, 1000, 1] {
        let before = state_of(&place.store());
        let input = code(&credential(), steps_from_now);
        let (expected, next) = decide(&credential(), &before, &Policy::default(), &input, NOW);
        assert_eq!(try_input(&place.store(), &input).unwrap(), expected);
        assert_eq!(state_of(&place.store()), next, "after {expected:?}");
    }
    let last = state_of(&place.store());
    assert!(matches!(last.standing, Standing::Locked { .. }));
    assert_eq!(last.last_refusal, Some((NOW, Refusal::Locked)));
}

#[test]
fn the_clock_is_read_under_the_lock() {
    let place = Place::with_alice();
    let look = || {
        let again = place.store().hold(&alice(), Duration::ZERO);
        assert!(matches!(again, Err(Error::Busy { .. })));
        Ok(NOW)
    };
    let (input, policy) = (code(&credential(), 0), Policy::default());
    assert!(attempt(&place.store(), &alice(), &policy, &input, false, look).is_ok());
}

fn without_a_clock_there_is_no_verdict_and_nothing_is_written<B: Bench>() {
    let place = B::with_alice();
    let before = state_of(&place.store());
    for (steps_from_now, excused) in [(0, false), (0, true), (1000, true)] {
        let input = code(&credential(), steps_from_now);
        let broken = || Err(Before1970);
        let error = attempt(
            &place.store(),
            &alice(),
            &Policy::default(),
            &input,
            excused,
            broken,
        );
        assert!(matches!(error, Err(Error::Clock(_))));
    }
    assert_eq!(state_of(&place.store()), before);
}

fn who_is_excused_and_has_an_authenticator_must_use_it<B: Bench>() {
    let place = B::with_alice();
    let (input, policy) = (Input::parse(b""), Policy::default());
    let verdict = attempt(&place.store(), &alice(), &policy, &input, true, || Ok(NOW)).unwrap();
    assert_eq!(verdict.into_inner(), Verdict::Empty);
}

fn a_name_without_a_record_is_refused_unless_excused<B: Bench>() {
    let place = B::with_alice();
    let bob = Account {
        name: UserName::new("bob").unwrap(),
        uid: 1001,
    };
    let (input, policy) = (code(&credential(), 0), Policy::default());
    for (excused, expected) in [(false, Verdict::NotEnrolled), (true, Verdict::Excused)] {
        let verdict = attempt(&place.store(), &bob, &policy, &input, excused, || Ok(NOW)).unwrap();
        assert_eq!(verdict.into_inner(), expected);
        assert_eq!(nobody(excused, &input).into_inner(), expected);
    }
    assert_eq!(
        place.store().users().unwrap(),
        [alice().name],
        "and leaves no trace"
    );
}

#[test]
fn a_state_that_cannot_be_opened_for_writing_gives_no_verdict() {
    let place = Place::with_alice();
    fs::remove_file(place.file("state")).unwrap();
    fs::create_dir(place.file("state")).unwrap();
    for steps_from_now in [0, 1000] {
        let error = try_input(&place.store(), &code(&credential(), steps_from_now)).unwrap_err();
        assert!(matches!(
            error,
            Error::Unsafe {
                fault: Fault::NotAFile,
                ..
            }
        ));
    }
}

/// A user may set limits and then start su, which keeps them.
#[test]
fn a_write_that_the_system_refuses_gives_no_verdict_and_no_free_code() {
    const NAME: &str = "account::attempt::tests::a_write_that_the_system_refuses_gives_no_verdict_and_no_free_code";
    if let Some(path) = place_of_parent() {
        return under_a_file_size_limit(&path);
    }
    // Blocks of 512 bytes: nothing of a record may be written, or a part of it, wherever it goes.
    for blocks in 0..4 {
        let place = Place::with_alice();
        let before = state_of(&place.store());
        run_again_after(&format!("trap '' XFSZ; ulimit -f {blocks}"), NAME, &place);
        let after = state_of(&place.store());
        assert!(after == before || after.failures == 1, "{after:?}");
        assert!(blocks > 0 || after == before);
        let verdict = try_input(&place.store(), &code(&credential(), 0)).unwrap();
        assert!(matches!(verdict, Verdict::Accepted { .. }));
    }
}

fn under_a_file_size_limit(path: &Path) {
    let store = Store::open(path).unwrap();
    for steps_from_now in [1000, 1001] {
        let error = try_input(&store, &code(&credential(), steps_from_now)).unwrap_err();
        assert!(
            matches!(
                error,
                Error::Io {
                    action: "write",
                    ..
                }
            ),
            "{error}"
        );
    }
}

#[test]
fn a_lock_outlives_no_attempt() {
    let place = Place::with_alice();
    let free = || place.store().hold(&alice(), Duration::ZERO).unwrap();
    for steps_from_now in [0, 0, 1000] {
        try_input(&place.store(), &code(&credential(), steps_from_now)).unwrap();
        assert!(free().is_some());
    }
    fs::write(place.file("state"), "").unwrap();
    assert!(try_input(&place.store(), &code(&credential(), 1)).is_err());
    assert!(free().is_some(), "also after an error");
}

/// Otherwise the tests above would not have shown that transactions begin anew.
#[test]
fn where_nobody_waits_attempts_are_overtaken_and_made_anew() {
    let place = Memory::with_alice();
    let mut rounds = 0;
    while place.overtaken() == 0 {
        enrol(&place, &credential());
        all_at_once(&place, || code(&credential(), 0));
        rounds += 1;
        assert!(rounds < 1000, "nobody ever came too late");
    }
}

/// Puts something between the look and the put of an attempt, as often as it is told.
#[test]
fn an_attempt_that_was_overtaken_is_judged_by_what_is_kept_then_and_by_the_time_of_then() {
    let place = Memory::with_alice();
    let policy = Policy::default();
    let (mut looks, used) = (0, code(&credential(), 0));
    let verdict = attempt(&place, &alice(), &policy, &used, false, || {
        looks += 1;
        if looks == 1 {
            // Another login, with the same code.
            let other = try_input(&place, &code(&credential(), 0)).unwrap();
            assert!(matches!(other, Verdict::Accepted { .. }));
        }
        Ok(NOW)
    });
    assert_eq!(verdict.unwrap().into_inner(), Verdict::Replayed);
    assert_eq!(looks, 2, "the clock is read anew");
    let mut failures = 0;
    let verdict = attempt(&place, &alice(), &policy, &Input::Other, false, || {
        if failures < 2 {
            failures += 1;
            try_input(&place, &Input::Other).unwrap();
        }
        Ok(NOW)
    });
    assert_eq!(verdict.unwrap().into_inner(), Verdict::Rejected { left: 2 });
    assert_eq!(state_of(&place).failures, 3, "each is counted once");
}
