use super::*;
use crate::fixture::{
    Bench, NOW, Place, alice, code, credential, enrol, over_every_keeper, place_of_parent,
    run_again_after, state_of,
};
use crate::keeper::{Keeper, Put};
use crate::memory::Memory;
use crate::{Fault, Store};
use otp_core::messages::reason::Deed;
use otp_core::record::{Refusal, Standing};
use otp_core::{Names, UserName};
use std::fs;
use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

over_every_keeper! {
    exactly_one_of_many_logins_with_one_code_gets_in,
    no_more_simultaneous_wrong_codes_are_examined_than_may_fail,
    the_state_after_a_verdict_is_on_disk_before_the_verdict_is_given,
    an_attempt_without_a_clock_gives_no_verdict_and_writes_nothing,
    a_name_without_a_record_is_refused_unless_excused,
    an_excused_user_with_an_authenticator_must_use_it,
    a_used_code_is_let_through_only_where_it_has_earned_trust_that_lasts,
    a_place_is_remembered_only_for_a_code_of_an_authenticator,
    a_used_code_that_is_let_through_is_not_stored_as_the_last_refusal,
}

/// As many logins at once as a test machine handles easily.
const AT_ONCE: u32 = 64;

/// How often they run.
const ROUNDS: u32 = 20;

fn try_input(store: &impl Keeper, input: &Input) -> Result<Verdict, Error> {
    attempt(store, &alice(), &Policy::default(), input, false, || {
        Ok(NOW)
    })
    .map(Committed::into_inner)
}

/// On a busy machine the others may take longer than a process waits for them. Nothing was read or written then, so the
/// attempt is repeated.
fn until_judged(store: &impl Keeper, input: &Input) -> Verdict {
    loop {
        match try_input(store, input) {
            Err(Error::Busy { .. } | Error::Overtaken { .. }) => {}
            judged => return judged.unwrap(),
        }
    }
}

/// Makes all attempts at the same moment, each with its own store, as each process has one.
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

fn exactly_one_of_many_logins_with_one_code_gets_in<B: Bench>() {
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

fn no_more_simultaneous_wrong_codes_are_examined_than_may_fail<B: Bench>() {
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

fn the_state_after_a_verdict_is_on_disk_before_the_verdict_is_given<B: Bench>() {
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

fn an_attempt_without_a_clock_gives_no_verdict_and_writes_nothing<B: Bench>() {
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

fn an_excused_user_with_an_authenticator_must_use_it<B: Bench>() {
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
        assert_eq!(nobody(excused, &input).into_inner().verdict, expected);
    }
    assert_eq!(
        place.store().users().unwrap(),
        Names::from_iter([&alice().name]),
        "and leaves no trace"
    );
}

const HOUR: Duration = Duration::from_secs(3600);

fn at(address: &str) -> Remembered {
    Remembered {
        place: crate::Place::of("imap", address).unwrap(),
        remember: HOUR,
    }
}

fn try_at(store: &impl Keeper, input: &Input, place: Option<&Remembered>, now: UnixTime) -> Judged {
    let policy = Policy::default();
    let made = attempt_at(store, &alice(), &policy, input, false, place, || Ok(now));
    made.unwrap().into_inner()
}

/// Returns the beginning of the trust with which a used code is let through.
fn passes(store: &impl Keeper, place: Option<&Remembered>, now: UnixTime) -> Option<UnixTime> {
    let judged = try_at(store, &code(&credential(), 0), place, now);
    assert_eq!(judged.verdict, Verdict::Replayed);
    match judged.trusted {
        Trusted::AsTheVerdictSays => None,
        Trusted::Since(since) => Some(since),
        Trusted::NotKept(error) => panic!("{error}"),
    }
}

fn a_used_code_is_let_through_only_where_it_has_earned_trust_that_lasts<B: Bench>() {
    let bench = B::with_alice();
    let store = bench.store();
    let here = at("192.0.2.1");
    let judged = try_at(&store, &code(&credential(), 0), Some(&here), NOW);
    assert!(matches!(judged.verdict, Verdict::Accepted { .. }));
    assert!(matches!(judged.trusted, Trusted::AsTheVerdictSays));
    assert_eq!(passes(&store, Some(&here), NOW), Some(NOW));
    assert_eq!(passes(&store, None, NOW), None);
    assert_eq!(passes(&store, Some(&at("192.0.2.2")), NOW), None);
    let another_service = Remembered {
        place: crate::Place::of("sshd", "192.0.2.1").unwrap(),
        remember: HOUR,
    };
    assert_eq!(passes(&store, Some(&another_service), NOW), None);
    let last = NOW.after(Duration::from_secs(3599));
    assert_eq!(passes(&store, Some(&here), last), Some(NOW));
    assert_eq!(passes(&store, Some(&here), NOW.after(HOUR)), None);
    let before = UnixTime::from_seconds(NOW.seconds() - 1);
    assert_eq!(passes(&store, Some(&here), before), None);
    // Any other reply is judged as everywhere.
    for input in [Input::Other, code(&credential(), 1000)] {
        let judged = try_at(&store, &input, Some(&here), NOW);
        assert!(matches!(judged.verdict, Verdict::Rejected { .. }));
        assert!(matches!(judged.trusted, Trusted::AsTheVerdictSays));
    }
    let judged = try_at(&store, &Input::Empty, Some(&here), NOW);
    assert_eq!(judged.verdict, Verdict::Empty);
    assert!(matches!(judged.trusted, Trusted::AsTheVerdictSays));
    // A lock ends it, even after the lock is over.
    for _ in 0..3 {
        try_at(&store, &Input::Other, Some(&here), NOW);
    }
    let judged = try_at(&store, &code(&credential(), 0), Some(&here), NOW);
    assert!(matches!(judged.verdict, Verdict::Locked { .. }));
    assert!(matches!(judged.trusted, Trusted::AsTheVerdictSays));
    let over = NOW.after(Duration::from_secs(901));
    assert_eq!(passes(&store, Some(&here), over), None);
    // Trust that could not be removed when the lock began does not count either.
    let mut held = store.hold(&alice(), LOCK_DEADLINE).unwrap().unwrap();
    let put = super::put_place(&mut held, &here.place, NOW).unwrap();
    assert!(matches!(put, Put::Done));
    drop(held);
    assert_eq!(passes(&store, Some(&here), over), None);
}

fn a_used_code_that_is_let_through_is_not_stored_as_the_last_refusal<B: Bench>() {
    let bench = B::with_alice();
    let store = bench.store();
    let here = at("192.0.2.1");
    let last_refusal = || {
        let mut held = store.hold(&alice(), LOCK_DEADLINE).unwrap().unwrap();
        let record = held.outline(&alice()).unwrap().unwrap();
        record.state.last_refusal
    };
    try_at(&store, &code(&credential(), 0), Some(&here), NOW);
    assert_eq!(passes(&store, Some(&here), NOW), Some(NOW));
    assert_eq!(last_refusal(), None);
    try_at(&store, &Input::Other, Some(&here), NOW);
    let later = NOW.after(Duration::from_secs(1));
    assert_eq!(passes(&store, Some(&here), later), Some(NOW));
    assert_eq!(last_refusal(), Some((NOW, Refusal::WrongCode)));
    assert_eq!(passes(&store, Some(&at("192.0.2.2")), later), None);
    assert_eq!(last_refusal(), Some((later, Refusal::Replayed)));
}

fn a_place_is_remembered_only_for_a_code_of_an_authenticator<B: Bench>() {
    let bench = B::with_alice();
    let store = bench.store();
    let here = at("192.0.2.1");
    let recovery = Input::Recovery(crate::fixture::recovery_code(0, 0));
    let judged = try_at(&store, &recovery, Some(&here), NOW);
    assert!(matches!(judged.verdict, Verdict::Recovered { .. }));
    try_input(&store, &code(&credential(), 0)).unwrap();
    assert_eq!(passes(&store, Some(&here), NOW), None);
    for input in [Input::Other, Input::Empty] {
        try_at(&store, &input, Some(&here), NOW);
        assert_eq!(passes(&store, Some(&here), NOW), None);
    }
}

/// Mail programs open their connections like this. Each of them is sure to get in only if nobody else can hold the
/// account: otherwise one may come between the verdict and the trust.
#[test]
fn each_of_many_logins_with_one_code_from_one_place_finds_the_code_unused_or_trust() {
    let place = Place::with_alice();
    let start = Barrier::new(AT_ONCE as usize);
    let judge = |address: &str| loop {
        let (policy, input) = (Policy::default(), code(&credential(), 0));
        let (store, at) = (place.store(), at(address));
        match attempt_at(&store, &alice(), &policy, &input, false, Some(&at), || {
            Ok(NOW)
        }) {
            Err(Error::Busy { .. }) => {}
            made => return made.unwrap().into_inner(),
        }
    };
    for _ in 0..ROUNDS {
        enrol(&place.store(), &credential());
        let judged: Vec<_> = thread::scope(|scope| {
            let one = || {
                start.wait();
                judge("192.0.2.1")
            };
            let threads: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(one)).collect();
            let ended = threads.into_iter().map(|thread| thread.join().unwrap());
            ended.collect()
        });
        let accepted = |one: &&Judged| matches!(one.verdict, Verdict::Accepted { .. });
        let passes = |one: &&Judged| matches!(one.trusted, Trusted::Since(NOW));
        assert_eq!(judged.iter().filter(accepted).count(), 1);
        assert_eq!(judged.iter().filter(passes).count(), AT_ONCE as usize - 1);
        assert!(matches!(
            judge("192.0.2.2").trusted,
            Trusted::AsTheVerdictSays
        ));
    }
}

/// If others write at the same time, a code is not judged against itself because its trust came too late.
#[test]
fn trust_that_was_overtaken_is_still_stored() {
    let place = Memory::with_alice();
    let mut puts = 0;
    place.before_each_put(move |place| {
        puts += 1;
        if puts == 2 {
            // Between the verdict and the trust.
            try_input(place, &Input::Other).unwrap();
        }
    });
    let here = at("192.0.2.1");
    let judged = try_at(&place, &code(&credential(), 0), Some(&here), NOW);
    assert!(matches!(judged.verdict, Verdict::Accepted { .. }));
    assert!(matches!(judged.trusted, Trusted::AsTheVerdictSays));
    assert!(place.overtaken() > 0);
    assert_eq!(passes(&place, Some(&here), NOW), Some(NOW));
}

#[test]
fn trust_that_cannot_be_written_leaves_the_code_good_and_used() {
    let place = Place::with_alice();
    fs::create_dir(place.file("trust")).unwrap();
    let here = at("192.0.2.1");
    let judged = try_at(&place.store(), &code(&credential(), 0), Some(&here), NOW);
    assert!(matches!(judged.verdict, Verdict::Accepted { .. }));
    assert!(matches!(judged.trusted, Trusted::NotKept(_)));
    assert_eq!(passes(&place.store(), Some(&here), NOW), None);
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
    // Blocks of 512 bytes: nothing of a record can be written, or a part of it, wherever it is written.
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
                    action: Deed::Write,
                    ..
                }
            ),
            "{error}"
        );
    }
}

#[test]
fn no_hold_on_a_record_outlives_its_attempt() {
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

/// Otherwise the tests above would not show that transactions begin again.
#[test]
fn attempts_that_do_not_wait_are_overtaken_and_repeated() {
    let place = Memory::with_alice();
    let mut rounds = 0;
    while place.overtaken() == 0 {
        enrol(&place, &credential());
        all_at_once(&place, || code(&credential(), 0));
        rounds += 1;
        assert!(rounds < 1000, "no attempt was ever overtaken");
    }
}

/// Puts something between the look and the put of an attempt, as often as it is told to.
#[test]
fn an_overtaken_attempt_is_judged_again_by_the_new_state_and_the_new_time() {
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
