//! Event-based authenticators: how far ahead codes are searched, and how two codes in a row bring a token back.

use super::*;
use crate::code::HOTP_REACH;
use std::collections::HashMap;

fn token(look_ahead: Option<u64>) -> Account {
    let mut token = authenticator(1, Kind::Hotp);
    token.window = look_ahead.map(|counters| Window::of_counters(counters).unwrap());
    Account::with(vec![token])
}

fn resynchronised(verdict: &Verdict) -> bool {
    matches!(
        verdict,
        Verdict::Accepted {
            resynchronised: Some(_),
            ..
        }
    )
}

#[test]
fn an_authenticators_own_look_ahead_ends_at_its_limit() {
    for counters in [1, 3, 10, 100] {
        let look_ahead = i64::try_from(counters).unwrap();
        assert!(accepted(&token(Some(counters)).code(look_ahead - 1)));
        let mut alice = token(Some(counters));
        assert_eq!(alice.code(look_ahead), Verdict::Rejected { left: 4 });
        // Counted from the counter after the last one.
        assert!(accepted(&alice.code(0)));
        assert!(accepted(&alice.code(look_ahead)));
    }
}

#[test]
fn two_codes_in_a_row_from_further_ahead_resynchronise_a_counter() {
    let reach = i64::try_from(HOTP_REACH).unwrap();
    for first in [10, 11, 500, reach - 2, reach - 1] {
        let mut alice = token(None);
        assert_eq!(alice.code(first), Verdict::Rejected { left: 4 });
        assert_eq!(alice.state.last_refusal, Some((NOON, Refusal::ClockOff)));
        assert!(resynchronised(&alice.code(first + 1)), "{first}");
        let entry = alice.state.authenticators[0];
        assert_eq!(
            entry.last_step,
            Some(Step(u64::try_from(first + 1).unwrap()))
        );
        assert_eq!((entry.drift, entry.resync), (Drift::default(), None));
        assert_eq!(alice.code(first + 1), Verdict::Replayed);
        assert!(!accepted(&alice.code(first)));
        assert!(accepted(&alice.code(first + 2)));
    }
    let mut alice = token(None);
    for counter in [reach, reach + 1, reach + 2] {
        assert!(!accepted(&alice.code(counter)), "{counter}");
    }
    assert_eq!(alice.state.authenticators[0].resync, None);
}

#[test]
fn codes_that_are_not_consecutive_resynchronise_no_counter() {
    for (first, second) in [(50, 50), (50, 52), (50, 49), (50, 51 + 200)] {
        let mut alice = token(None);
        alice.code(first);
        assert_eq!(
            alice.code(second),
            Verdict::Rejected { left: 3 },
            "{first} {second}"
        );
        assert_eq!(alice.state.authenticators[0].last_step, None);
    }
    // "In a row" means that nothing comes between.
    for between in ["wrong", "0000-0000-0000-0000", "000000"] {
        let mut alice = token(None);
        alice.code(50);
        alice.reply(between);
        assert!(!accepted(&alice.code(51)), "{between}");
        assert!(resynchronised(&alice.code(52)));
    }
}

#[test]
fn a_used_code_does_not_begin_a_resynchronisation() {
    let mut alice = token(None);
    assert!(accepted(&alice.code(5)));
    for old in [0, 3, 4] {
        assert!(!accepted(&alice.code(old)));
        assert_eq!(alice.state.authenticators[0].resync, None, "{old}");
    }
    assert_eq!(alice.code(5), Verdict::Replayed);
    assert!(accepted(&alice.code(6)));
}

/// Two of a thousand codes may well have the same six digits. Whichever matches first, three codes in a row succeed.
#[test]
fn a_counter_is_resynchronised_even_if_another_code_ahead_has_the_same_digits() {
    let (key, first, twin) = (1..=u8::MAX)
        .find_map(|key| {
            let alice = Account::with(vec![authenticator(key, Kind::Hotp)]);
            let mut seen = HashMap::new();
            let twins =
                (12..1000).find_map(|at| Some((seen.insert(alice.code_of(0, at), at)?, at)));
            twins.map(|(first, twin)| (key, first, twin))
        })
        .expect("half of all keys have two equal codes among a thousand");
    assert!(twin > first + 2);
    let token = || Account::with(vec![authenticator(key, Kind::Hotp)]);
    let mut alice = token();
    alice.code(first);
    let found = alice.state.authenticators[0].resync.unwrap().step.0;
    assert_eq!(found, u64::try_from(twin).unwrap(), "the newest is taken");
    alice.code(first + 1);
    assert!(resynchronised(&alice.code(first + 2)));
    // The second code may have a twin, too.
    let mut alice = token();
    alice.code(first - 1);
    assert!(resynchronised(&alice.code(first)));
    assert_eq!(
        alice.state.authenticators[0].last_step,
        Some(Step(u64::try_from(first).unwrap()))
    );
}

/// Meanwhile an import of codes that were used elsewhere has moved the counter on.
#[test]
fn a_first_code_that_the_counter_has_passed_completes_no_resynchronisation() {
    for behind in [0, 49, 50, 51, 60] {
        let mut alice = token(None);
        alice.code(50);
        alice.state.authenticators[0].last_step = Some(Step(behind + 1));
        let verdict = alice.code(51);
        let last = alice.state.authenticators[0].last_step;
        assert!(last >= Some(Step(behind + 1)), "{behind}");
        assert_eq!(accepted(&verdict), behind < 50, "{behind}");
    }
}

#[test]
fn the_highest_counters_cause_no_panic() {
    for below in [0, 1, 9, 10, 11, HOTP_REACH] {
        let mut alice = token(None);
        let last = u64::MAX - below;
        alice.state.authenticators[0].last_step = Some(Step(last));
        alice.state.authenticators[0].resync = Some(Resync {
            step: Step(u64::MAX),
            distance: Drift::default(),
        });
        alice.reply("123456");
        assert_eq!(alice.state.authenticators[0].last_step, Some(Step(last)));
    }
}

#[test]
fn time_based_and_event_based_authenticators_each_follow_their_own_rule() {
    let mut alice = Account::with(vec![
        authenticator(1, Kind::Totp(Period::THIRTY)),
        authenticator(2, Kind::Hotp),
    ]);
    let token = |alice: &Account, counter| alice.code_of(1, counter);
    let code = token(&alice, 40);
    alice.reply(&code);
    // A code of the other device comes between, too.
    assert!(accepted(&alice.code(0)));
    let code = token(&alice, 41);
    assert!(!accepted(&alice.reply(&code)));
    let code = token(&alice, 42);
    assert!(resynchronised(&alice.reply(&code)));
}
