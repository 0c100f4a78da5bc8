//! The effects of an import, of a repeated one, and of an interrupted one, over every keeper.

use super::*;
use crate::attempt::{Committed, attempt};
use crate::fixture::{
    Bench, NOW, alice, another_credential, code, credential, over_every_keeper, state_of,
};
use crate::memory::Memory;
use crate::mint;
use cut::{Cut, each_cut};
use otp_core::imported::ImportedCode;
use otp_core::record::{Drift, Kind, Name, Period, Window};
use otp_core::{Input, Policy, Step, Verdict};
use std::time::Duration;

mod cut;

over_every_keeper! {
    an_import_brings_along_which_codes_were_used,
    an_imported_recovery_code_works_once_and_never_opens_a_lock,
    an_import_never_replaces_an_enrolled_account,
    the_outcome_of_an_import_is_foretold_without_writing,
    a_repeated_import_moves_on_and_takes_nothing_back,
    a_drift_learned_meanwhile_counts_until_a_code_is_used_here,
    recovery_codes_missing_from_a_repeated_import_count_as_used,
    a_set_with_another_salt_leaves_the_account_alone,
    recovery_codes_issued_here_stay_when_the_keys_are_imported_again,
    a_state_of_other_keys_is_not_imported,
    an_import_that_was_cut_short_is_completed_by_repeating_it,
    a_repeated_import_that_is_cut_short_takes_nothing_back,
}

const DIGITS: [&str; 3] = ["10000000", "20000000", "30000000"];

fn codes(digits: &[&str]) -> Vec<ImportedCode> {
    let code = |digits: &&str| ImportedCode::new(digits.as_bytes()).unwrap();
    digits.iter().map(code).collect()
}

/// The phone of [`credential`] with its own window, and these codes, as another program would have them.
fn theirs(digits: &[&str], salt: Option<Salt>) -> Credential {
    let (mut devices, _) = credential().into_parts();
    devices[0].id = mint::new_id().unwrap();
    devices[0].window = Some(Window::of_steps(3, 2).unwrap());
    let set = mint::imported_codes(&codes(digits), salt, NOW).unwrap();
    Credential::new("alice".to_owned(), 1001, devices, Some(set)).unwrap()
}

fn step(steps_from_now: i64) -> Step {
    let step = NOW
        .step(Period::THIRTY)
        .0
        .checked_add_signed(steps_from_now);
    Step(step.unwrap())
}

/// The state of these keys, whose newest step was used.
fn used_until(credential: &Credential, step: Step) -> State {
    let mut state = State::fresh(credential);
    state.authenticators[0].last_step = Some(step);
    state
}

fn verdict(keeper: &impl Keeper, input: &Input) -> Verdict {
    attempt(keeper, &alice(), &Policy::default(), input, false, || {
        Ok(NOW)
    })
    .map(Committed::into_inner)
    .unwrap()
}

fn typed(digits: &str) -> Input {
    Input::parse(digits.as_bytes())
}

fn bring(keeper: &impl Keeper, credential: &Credential, state: &State) -> Imported {
    import(keeper, &alice(), credential, state, true).unwrap()
}

fn an_import_brings_along_which_codes_were_used<B: Bench>() {
    let bench = B::empty();
    let keeper = bench.store();
    let theirs = theirs(&DIGITS, None);
    let imported = bring(&keeper, &theirs, &used_until(&theirs, step(-1)));
    assert_eq!(imported, Imported::Done);
    assert_eq!(verdict(&keeper, &code(&theirs, -1)), Verdict::Replayed);
    // The policy allows one step.
    assert!(matches!(
        verdict(&keeper, &code(&theirs, 2)),
        Verdict::Accepted { .. }
    ));
    assert_eq!(verdict(&keeper, &code(&theirs, 2)), Verdict::Replayed);
}

fn an_imported_recovery_code_works_once_and_never_opens_a_lock<B: Bench>() {
    let bench = B::empty();
    let keeper = bench.store();
    let theirs = theirs(&DIGITS, None);
    bring(&keeper, &theirs, &State::fresh(&theirs));
    assert_eq!(
        verdict(&keeper, &typed("2000 0000")),
        Verdict::Recovered { left: 2 }
    );
    assert_eq!(verdict(&keeper, &typed("20000000")), Verdict::Replayed);
    for _ in 0..5 {
        verdict(&keeper, &typed("20000001"));
    }
    assert!(matches!(
        verdict(&keeper, &typed("10000000")),
        Verdict::Locked { .. }
    ));
    assert_eq!(state_of(&keeper).recovery_codes_left(&theirs), 2);
}

fn the_outcome_of_an_import_is_foretold_without_writing<B: Bench>() {
    let bench = B::empty();
    let keeper = bench.store();
    let theirs = theirs(&DIGITS, None);
    let met = |credential: &Credential| {
        let keys: Vec<_> = credential.authenticators().iter().collect();
        foretell(&keeper, &alice(), &keys, Duration::ZERO).unwrap()
    };
    assert_eq!(met(&theirs), Foretold::New);
    assert!(keeper.look(&alice()).unwrap().is_none());
    bring(&keeper, &theirs, &State::fresh(&theirs));
    assert_eq!(met(&theirs), Foretold::Same);
    assert_eq!(met(&another_credential(7)), Foretold::Others);
}

fn an_import_never_replaces_an_enrolled_account<B: Bench>() {
    let bench = B::with_alice();
    let keeper = bench.store();
    let before = state_of(&keeper);
    let other = another_credential(1);
    assert_eq!(
        bring(&keeper, &other, &used_until(&other, step(5))),
        Imported::AlreadyEnrolled
    );
    // One of two keys is not the same keys.
    let both = credential().into_parts().0.into_iter();
    let mut both: Vec<_> = both.chain(other.into_parts().0).collect();
    both[1].name = Name::new("other").unwrap();
    let both = Credential::new("alice".to_owned(), 1001, both, None).unwrap();
    assert_eq!(
        bring(&keeper, &both, &used_until(&both, step(5))),
        Imported::AlreadyEnrolled
    );
    // The same key, used in another way.
    let (mut devices, _) = credential().into_parts();
    devices[0].kind = Kind::Hotp;
    let counted = Credential::new("alice".to_owned(), 1001, devices, None).unwrap();
    assert_eq!(
        bring(&keeper, &counted, &used_until(&counted, step(5))),
        Imported::AlreadyEnrolled
    );
    assert_eq!(state_of(&keeper), before);
    assert!(matches!(
        verdict(&keeper, &code(&credential(), 0)),
        Verdict::Accepted { .. }
    ));
}

fn a_repeated_import_moves_on_and_takes_nothing_back<B: Bench>() {
    let bench = B::empty();
    let keeper = bench.store();
    let first = theirs(&DIGITS, None);
    bring(&keeper, &first, &used_until(&first, step(-2)));
    verdict(&keeper, &typed("10000000"));
    verdict(&keeper, &Input::Other);
    let again = theirs(&DIGITS, imported_salt(&keeper, &alice()).unwrap());
    let before = state_of(&keeper);
    for older in [-3, -2] {
        let state = used_until(&again, step(older));
        assert_eq!(bring(&keeper, &again, &state), Imported::Unchanged);
        assert_eq!(state_of(&keeper), before);
    }
    let state = used_until(&again, step(0));
    assert_eq!(bring(&keeper, &again, &state), Imported::MovedOn);
    assert_eq!(bring(&keeper, &again, &state), Imported::Unchanged);
    let mut expected = before;
    expected.authenticators[0].last_step = Some(step(0));
    assert_eq!(state_of(&keeper), expected);
    assert_eq!(verdict(&keeper, &code(&first, 0)), Verdict::Replayed);
    assert_eq!(verdict(&keeper, &typed("10000000")), Verdict::Replayed);
}

fn a_drift_learned_meanwhile_counts_until_a_code_is_used_here<B: Bench>() {
    let bench = B::empty();
    let keeper = bench.store();
    let first = theirs(&DIGITS, None);
    bring(&keeper, &first, &used_until(&first, step(-2)));
    let again = theirs(&DIGITS, imported_salt(&keeper, &alice()).unwrap());
    let learned = |steps| {
        let mut state = used_until(&again, step(-2));
        state.authenticators[0].drift = Drift::from_steps(steps).unwrap();
        state
    };
    assert_eq!(bring(&keeper, &again, &learned(21)), Imported::MovedOn);
    assert_eq!(bring(&keeper, &again, &learned(21)), Imported::Unchanged);
    let steps = || state_of(&keeper).authenticators[0].drift.steps();
    assert_eq!(steps(), 21);
    assert!(matches!(
        verdict(&keeper, &code(&first, 21)),
        Verdict::Accepted { .. }
    ));
    assert_eq!(bring(&keeper, &again, &learned(-7)), Imported::Unchanged);
    assert_eq!(steps(), 21);
}

fn recovery_codes_missing_from_a_repeated_import_count_as_used<B: Bench>() {
    let bench = B::empty();
    let keeper = bench.store();
    let first = theirs(&DIGITS, None);
    bring(&keeper, &first, &State::fresh(&first));
    let salt = imported_salt(&keeper, &alice()).unwrap();
    assert!(salt == Some(first.recovery().unwrap().salt));
    // The first was used there, the second is marked as used, and one has another position.
    let again = theirs(&["30000000", "20000000"], salt);
    let mut state = State::fresh(&again);
    state.recovery[0].used = 0b10;
    assert_eq!(bring(&keeper, &again, &state), Imported::MovedOn);
    assert_eq!(verdict(&keeper, &typed("10000000")), Verdict::Replayed);
    assert_eq!(verdict(&keeper, &typed("20000000")), Verdict::Replayed);
    assert_eq!(
        verdict(&keeper, &typed("30000000")),
        Verdict::Recovered { left: 0 }
    );
    // No code is left there at all.
    let bench = B::empty();
    let keeper = bench.store();
    bring(&keeper, &first, &State::fresh(&first));
    let (devices, _) = theirs(&[], salt).into_parts();
    let none = Credential::new("alice".to_owned(), 1001, devices, None).unwrap();
    assert_eq!(
        bring(&keeper, &none, &State::fresh(&none)),
        Imported::MovedOn
    );
    assert_eq!(state_of(&keeper).recovery[0].used, 0b111);
    assert_eq!(
        bring(&keeper, &none, &State::fresh(&none)),
        Imported::Unchanged
    );
}

fn a_set_with_another_salt_leaves_the_account_alone<B: Bench>() {
    let bench = B::empty();
    let keeper = bench.store();
    let first = theirs(&DIGITS, None);
    bring(&keeper, &first, &State::fresh(&first));
    let before = state_of(&keeper);
    let again = theirs(&DIGITS, None);
    let imported = bring(&keeper, &again, &used_until(&again, step(0)));
    assert_eq!(imported, Imported::AlreadyEnrolled);
    assert_eq!(state_of(&keeper), before);
}

fn recovery_codes_issued_here_stay_when_the_keys_are_imported_again<B: Bench>() {
    let bench = B::with_alice();
    let keeper = bench.store();
    assert!(imported_salt(&keeper, &alice()).unwrap().is_none());
    let again = theirs(&DIGITS, None);
    let imported = bring(&keeper, &again, &used_until(&again, step(0)));
    assert_eq!(imported, Imported::MovedOn);
    assert_eq!(state_of(&keeper).recovery_codes_left(&credential()), 3);
    assert!(matches!(
        verdict(&keeper, &typed("10000000")),
        Verdict::Rejected { .. }
    ));
}

fn a_state_of_other_keys_is_not_imported<B: Bench>() {
    let bench = B::empty();
    let keeper = bench.store();
    let (one, other) = (theirs(&[], None), theirs(&[], None));
    let error = import(&keeper, &alice(), &one, &State::fresh(&other), true).unwrap_err();
    assert!(matches!(error, Error::Content { .. }), "{error}");
    assert!(!crate::account::is_enrolled(&keeper, &alice()).unwrap());
}

/// An import that is killed before any of its steps leaves nobody enrolled, or the whole import. The same import again
/// ends where one that was not killed ends.
fn an_import_that_was_cut_short_is_completed_by_repeating_it<B: Bench>() {
    let theirs = theirs(&DIGITS[..1], None);
    let state = used_until(&theirs, step(0));
    let mut seen = [false; 2];
    let cuts = each_cut(|cut: Cut<B::Keeper>, bench: &B| {
        let whole = cut.survives(|keeper| bring(keeper, &theirs, &state));
        let keeper = bench.store();
        let enrolled = crate::account::is_enrolled(&keeper, &alice()).unwrap();
        seen[usize::from(enrolled)] = true;
        if enrolled {
            assert_eq!(verdict(&keeper, &code(&theirs, 0)), Verdict::Replayed);
        }
        let expected = if enrolled {
            Imported::Unchanged
        } else {
            Imported::Done
        };
        // The same file, with new ids.
        let again = theirs_again(&keeper, &DIGITS[..1]);
        let imported = bring(&keeper, &again, &used_until(&again, step(0)));
        assert_eq!(imported, expected);
        assert_eq!(verdict(&keeper, &code(&theirs, 0)), Verdict::Replayed);
        assert_eq!(
            verdict(&keeper, &typed(DIGITS[0])),
            Verdict::Recovered { left: 0 }
        );
        whole
    });
    assert!(cuts > 3, "{cuts}");
    assert_eq!(seen, [true, true]);
}

fn theirs_again(keeper: &impl Keeper, digits: &[&str]) -> Credential {
    theirs(digits, imported_salt(keeper, &alice()).unwrap())
}

/// The second import is killed: no code that was used in either program is good again, and no unused code is lost.
fn a_repeated_import_that_is_cut_short_takes_nothing_back<B: Bench>() {
    let first = theirs(&DIGITS[..2], None);
    each_cut(|cut: Cut<B::Keeper>, bench: &B| {
        let keeper = bench.store();
        bring(&keeper, &first, &used_until(&first, step(-1)));
        verdict(&keeper, &typed(DIGITS[0]));
        let again = theirs_again(&keeper, &DIGITS[..2]);
        let state = used_until(&again, step(0));
        let whole = cut.survives(|keeper| bring(keeper, &again, &state));
        assert_eq!(verdict(&keeper, &typed(DIGITS[0])), Verdict::Replayed);
        let last = state_of(&keeper).authenticators[0].last_step;
        assert!(last == Some(step(-1)) || last == Some(step(0)));
        bring(&keeper, &again, &state);
        assert_eq!(verdict(&keeper, &code(&first, 0)), Verdict::Replayed);
        assert_eq!(
            verdict(&keeper, &typed(DIGITS[1])),
            Verdict::Recovered { left: 0 }
        );
        whole
    });
}

/// A login with the old keys comes between the reading and the writing of the second import.
#[test]
fn a_second_import_overtaken_by_a_login_takes_nothing_back() {
    let keeper = Memory::empty();
    let first = theirs(&[], None);
    bring(&keeper, &first, &used_until(&first, step(-3)));
    let again = theirs_again(&keeper, &[]);
    let mut times = 1;
    keeper.before_each_put(move |keeper| {
        if times > 0 {
            times -= 1;
            let login = code(&first, 1);
            assert!(matches!(verdict(keeper, &login), Verdict::Accepted { .. }));
        }
    });
    assert_eq!(
        bring(&keeper, &again, &used_until(&again, step(-1))),
        Imported::Unchanged
    );
    assert!(keeper.overtaken() > 0);
    assert_eq!(state_of(&keeper).authenticators[0].last_step, Some(step(1)));
}

/// A user enrols between the reading and the writing of the import.
#[test]
fn an_import_overtaken_by_an_enrolment_leaves_the_enrolment_alone() {
    let keeper = Memory::empty();
    let mut times = 1;
    keeper.before_each_put(move |keeper| {
        if times > 0 {
            times -= 1;
            crate::fixture::enrol(keeper, &another_credential(1));
        }
    });
    let theirs = theirs(&[], None);
    let imported = bring(&keeper, &theirs, &used_until(&theirs, step(0)));
    assert_eq!(imported, Imported::AlreadyEnrolled);
    assert!(matches!(
        verdict(&keeper, &code(&another_credential(1), 0)),
        Verdict::Accepted { .. }
    ));
}
