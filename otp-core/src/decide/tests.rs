//! The verdict table and the rules, row by row; the properties are in `properties`.

mod counters;
mod imported;
mod properties;

use super::*;
use crate::record::{
    Algorithm, CodePolicy, Digits, Id, LockoutPolicy, Origin, Period, RecoveryPolicy, RecoverySet,
    Secret,
};
use crate::recovery::Salt;
use std::time::Duration;
use zeroize::Zeroizing;

const NOON: UnixTime = UnixTime::from_seconds(1_763_640_000);
const MINUTE: Duration = Duration::from_secs(60);

/// An authenticator whose key repeats its number.
pub(super) fn authenticator(number: u8, kind: Kind) -> Authenticator {
    Authenticator {
        id: Id::from_random([number; 8]),
        name: Name::new(&format!("device {number}")).unwrap(),
        kind,
        algorithm: Algorithm::Sha1,
        digits: Digits::SIX,
        secret: Secret::new(Zeroizing::new(vec![number; 20])).unwrap(),
        window: None,
        created: NOON,
    }
}

pub(super) fn recovery_code(number: u8) -> RecoveryCode {
    RecoveryCode::from_random([number; RecoveryCode::BYTES])
}

pub(super) fn credential(authenticators: Vec<Authenticator>) -> Credential {
    let salt = Salt([7; 16]);
    let hashes = (0..10)
        .map(|number| recovery_code(number).hash(&salt))
        .collect();
    let set = RecoverySet {
        id: Id::from_random([99; 8]),
        origin: Origin::Issued,
        salt,
        hashes,
        created: NOON,
    };
    Credential::new("alice".to_owned(), 1001, authenticators, Some(set)).unwrap()
}

/// An account, its memory, and a clock that the test moves.
struct Account {
    credential: Credential,
    state: State,
    policy: Policy,
    now: UnixTime,
}

impl Account {
    fn with(authenticators: Vec<Authenticator>) -> Self {
        let credential = credential(authenticators);
        let state = State::fresh(&credential);
        Self {
            credential,
            state,
            policy: Policy::default(),
            now: NOON,
        }
    }

    fn new() -> Self {
        Self::with(vec![authenticator(1, Kind::Totp(Period::THIRTY))])
    }

    fn try_input(&mut self, input: &Input) -> Verdict {
        let (verdict, next) = decide(&self.credential, &self.state, &self.policy, input, self.now);
        self.state = next;
        verdict
    }

    fn reply(&mut self, reply: &str) -> Verdict {
        self.try_input(&Input::parse(reply.as_bytes()))
    }

    fn code_of(&self, device: usize, steps: i64) -> String {
        let device = &self.credential.authenticators()[device];
        let here = match device.kind {
            Kind::Totp(period) => self.now.step(period).0,
            Kind::Hotp => 0,
        };
        Generator::new(device)
            .reveal(Step(here.checked_add_signed(steps).unwrap()))
            .to_string()
    }

    /// Types the code of the first device that is `steps` from now.
    fn code(&mut self, steps: i64) -> Verdict {
        let code = self.code_of(0, steps);
        self.reply(&code)
    }

    fn recover(&mut self, number: u8) -> Verdict {
        self.try_input(&Input::Recovery(recovery_code(number)))
    }

    fn wrong(&mut self) -> Verdict {
        self.reply("wrong")
    }

    fn wrong_times(&mut self, times: u32) {
        for _ in 0..times {
            self.wrong();
        }
    }

    fn wait(&mut self, time: Duration) {
        self.now = self.now.after(time);
    }

    fn lock_length(&self) -> Duration {
        match self.state.standing {
            Standing::Locked { lasts, .. } => lasts,
            other => panic!("not a timed lock: {other:?}"),
        }
    }
}

fn accepted(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Accepted { .. })
}

// The rows of the verdict table.

#[test]
fn a_right_code_is_accepted_and_resets_the_count() {
    let mut alice = Account::new();
    alice.wrong_times(4);
    assert_eq!(
        alice.code(0),
        Verdict::Accepted {
            authenticator: Name::new("device 1").unwrap(),
            resynchronised: None
        }
    );
    assert_eq!(
        (
            alice.state.failures,
            alice.state.failures_in_a_row,
            alice.state.locks_in_a_row
        ),
        (0, 0, 0)
    );
    assert_eq!(alice.state.authenticators[0].last_used, Some(NOON));
}

#[test]
fn a_reply_that_matches_nothing_is_refused_and_counted() {
    let mut alice = Account::new();
    let far = alice.code_of(0, 100);
    for (reply, left) in [
        ("000000", 4),
        ("x", 3),
        ("ZZZZ-ZZZZ-ZZZZ-ZZZZ", 2),
        (far.as_str(), 1),
    ] {
        assert_eq!(alice.reply(reply), Verdict::Rejected { left }, "{reply}");
    }
    assert_eq!(alice.state.failures, 4);
}

#[test]
fn a_used_code_is_refused_and_not_counted() {
    let mut alice = Account::new();
    assert!(accepted(&alice.code(0)));
    for _ in 0..20 {
        assert_eq!(alice.code(0), Verdict::Replayed);
    }
    assert_eq!(alice.state.failures, 0);
    assert_eq!(alice.state.last_refusal, Some((NOON, Refusal::Replayed)));
}

#[test]
fn the_last_accepted_code_is_reported_as_used_however_old_it_is() {
    let mut alice = Account::new();
    let (first, second) = (alice.code_of(0, 0), alice.code_of(0, 1));
    assert!(accepted(&alice.code(0)));
    alice.wait(MINUTE / 2);
    assert!(accepted(&alice.reply(&second)));
    for hours in [1, 24, 24 * 365] {
        alice.wait(MINUTE * 60 * hours);
        for _ in 0..20 {
            assert_eq!(alice.reply(&second), Verdict::Replayed, "{hours} hours");
        }
    }
    assert_eq!(alice.state.failures_in_a_row, 0);
    // Only the last code: any older one is a guess.
    assert_eq!(alice.reply(&first), Verdict::Rejected { left: 4 });
    assert!(accepted(&alice.code(0)));
}

#[test]
fn the_last_accepted_code_opens_no_lock() {
    let mut alice = Account::new();
    let code = alice.code_of(0, 0);
    assert!(accepted(&alice.code(0)));
    alice.wait(MINUTE * 60);
    alice.wrong_times(5);
    assert!(matches!(alice.reply(&code), Verdict::Locked { .. }));
}

#[test]
fn an_unused_key_has_no_last_accepted_code() {
    let mut alice = Account::new();
    let code_of_step_zero = Generator::new(&alice.credential.authenticators()[0])
        .reveal(Step(0))
        .to_string();
    assert_eq!(
        alice.reply(&code_of_step_zero),
        Verdict::Rejected { left: 4 }
    );
}

#[test]
fn a_reply_sent_by_a_program_is_refused_and_changes_nothing() {
    for why in NoGuess::ALL {
        let mut alice = Account::new();
        alice.wrong_times(2);
        let before = alice.state.clone();
        for _ in 0..20 {
            let verdict = alice.try_input(&Input::NoGuess(why));
            assert_eq!(verdict, Verdict::NoGuess { why });
        }
        assert_eq!(alice.state, before);
        alice.wrong_times(3);
        let verdict = alice.try_input(&Input::NoGuess(why));
        assert!(matches!(verdict, Verdict::Locked { .. }), "{verdict:?}");
    }
}

#[test]
fn a_reply_sent_by_a_program_does_not_disturb_a_resynchronisation() {
    for why in NoGuess::ALL {
        let mut alice = Account::new();
        assert!(!accepted(&alice.code(10)));
        alice.try_input(&Input::NoGuess(why));
        assert!(accepted(&alice.code(11)));
    }
}

#[test]
fn an_attempt_counts_as_failed_before_its_reply_is_examined() {
    let mut alice = Account::new();
    alice.wrong_times(4);
    let right = alice.code_of(0, 0);
    let beforehand = |alice: &Account, input: &Input| {
        failed_beforehand(
            &alice.credential,
            &alice.state,
            &alice.policy,
            input,
            alice.now,
        )
    };
    for input in [
        Input::parse(right.as_bytes()),
        Input::Recovery(recovery_code(0)),
        Input::Other,
    ] {
        let presumed = beforehand(&alice, &input);
        assert_eq!((presumed.failures, presumed.failures_in_a_row), (0, 5));
        assert!(matches!(presumed.standing, Standing::Locked { .. }));
        assert_eq!(presumed.recovery_codes_left(&alice.credential), 10);
        assert_eq!(presumed.authenticators[0].last_step, None);
    }
    for input in [Input::Empty, Input::NoGuess(NoGuess::PasswordAgain)] {
        assert_eq!(beforehand(&alice, &input).failures, 4);
    }
    // A right code resets what was counted before it was compared.
    assert!(accepted(&alice.code(0)));
    assert_eq!(alice.state.failures_in_a_row, 0);
}

#[test]
fn an_empty_reply_is_refused_and_changes_nothing() {
    let mut alice = Account::new();
    alice.wrong_times(2);
    let before = alice.state.clone();
    assert_eq!(alice.reply(""), Verdict::Empty);
    assert_eq!(alice.state, before);
    assert_eq!(
        alice.reply(" "),
        Verdict::Rejected { left: 2 },
        "white space is a reply"
    );
}

#[test]
fn a_locked_account_says_until_when_and_its_code_is_not_examined() {
    let mut alice = Account::new();
    alice.wrong_times(5);
    alice.wait(MINUTE);
    let standing = Standing::Locked {
        since: NOON,
        lasts: MINUTE * 15,
    };
    assert_eq!(alice.code(0), Verdict::Locked { standing });
    assert_eq!(alice.reply(""), Verdict::Locked { standing });
    assert_eq!(
        alice.state.authenticators[0].last_step, None,
        "the right code was not used up"
    );
    alice.wait(MINUTE * 14);
    assert!(accepted(&alice.code(0)));
}

#[test]
fn policy_alone_decides_for_an_account_without_a_credential() {
    for (reply, unexcused) in [
        ("123456", Verdict::NotEnrolled),
        ("", Verdict::Empty),
        ("x", Verdict::NotEnrolled),
    ] {
        let input = Input::parse(reply.as_bytes());
        assert_eq!(absent(false, &input), unexcused);
        assert_eq!(absent(true, &input), Verdict::Excused);
    }
}

// Codes.

#[test]
fn one_step_either_side_is_accepted_and_two_are_not() {
    for (steps, expected) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
        assert_eq!(
            accepted(&Account::new().code(steps)),
            expected,
            "{steps} steps off"
        );
    }
}

#[test]
fn the_window_is_as_wide_as_policy_says() {
    for window in 0..=3_i64 {
        for steps in -4..=4_i64 {
            let mut alice = Account::new();
            alice.policy.code = CodePolicy {
                window: window.try_into().unwrap(),
                ..alice.policy.code
            };
            assert_eq!(
                accepted(&alice.code(steps)),
                steps.abs() <= window,
                "window {window}, {steps} steps off"
            );
        }
    }
}

#[test]
fn a_step_before_the_last_accepted_one_never_matches_again() {
    let mut alice = Account::new();
    assert!(accepted(&alice.code(1)));
    assert_eq!(alice.code(0), Verdict::Replayed);
    assert_eq!(alice.code(-1), Verdict::Replayed);
    alice.wait(MINUTE);
    assert!(accepted(&alice.code(0)));
}

#[test]
fn a_clock_that_runs_back_allows_no_replay() {
    let mut alice = Account::new();
    let used = alice.code_of(0, 0);
    assert!(accepted(&alice.reply(&used)));
    for back in [30, 60, 3600, 1_000_000_000] {
        alice.now = UnixTime::from_seconds(NOON.seconds() - back);
        assert!(!accepted(&alice.reply(&used)));
        assert!(
            !accepted(&alice.code(0)),
            "a step before the last accepted one"
        );
    }
    alice.now = NOON.after(MINUTE);
    alice.state = alice.state.unlocked();
    assert!(accepted(&alice.code(0)), "the user only has to wait");
}

#[test]
fn periods_digits_and_algorithms_of_the_authenticator_count_not_those_of_the_policy() {
    let mut device = authenticator(3, Kind::Totp(Period::new(60).unwrap()));
    device.digits = Digits::new(8).unwrap();
    device.algorithm = Algorithm::Sha512;
    let mut alice = Account::with(vec![device]);
    let code = alice.code_of(0, 0);
    assert_eq!(code.len(), 8);
    assert_eq!(alice.reply(&code[2..]), Verdict::Rejected { left: 4 });
    assert!(accepted(&alice.reply(&code)));
}

#[test]
fn event_based_codes_are_accepted_in_order_and_once() {
    let mut alice = Account::with(vec![authenticator(1, Kind::Hotp)]);
    for (counter, expected) in [
        (0, true),
        (0, false),
        (1, true),
        (11, true),
        (10, false),
        (12, true),
        (40, false),
    ] {
        assert_eq!(
            accepted(&alice.code(counter)),
            expected,
            "counter {counter}"
        );
    }
    assert_eq!(alice.code(12), Verdict::Replayed);
}

#[test]
fn event_based_codes_are_searched_ten_counters_ahead_and_a_wrong_one_is_counted() {
    let mut alice = Account::with(vec![authenticator(1, Kind::Hotp)]);
    assert_eq!(alice.code(10), Verdict::Rejected { left: 4 });
    assert!(accepted(&alice.code(9)));
    assert_eq!(alice.code(20), Verdict::Rejected { left: 4 });
    assert_eq!(alice.reply("000000"), Verdict::Rejected { left: 3 });
    assert!(accepted(&alice.code(19)));
}

#[test]
fn an_authenticator_with_its_own_window_is_judged_by_it_and_not_by_the_policy() {
    for (before, after, policy) in [(3, 1, 1), (0, 0, 10), (10, 10, 0), (0, 4, 2)] {
        let window = Window::of_steps(before, after).unwrap();
        let (before, after) = (i64::from(window.before()), i64::from(window.after()));
        for steps in -15..=15_i64 {
            let mut device = authenticator(1, Kind::Totp(Period::THIRTY));
            device.window = Some(window);
            let mut alice = Account::with(vec![device]);
            alice.policy.code.window = policy;
            let expected = (-before..=after).contains(&steps);
            assert_eq!(
                accepted(&alice.code(steps)),
                expected,
                "{steps} of {before}, {after}"
            );
        }
    }
}

#[test]
fn the_highest_counter_is_accepted_once() {
    let mut alice = Account::with(vec![authenticator(1, Kind::Hotp)]);
    let last = Step(u64::MAX);
    let code = Generator::new(&alice.credential.authenticators()[0]).reveal(last);
    alice.state.authenticators[0].last_step = Some(Step(last.0 - 1));
    assert!(accepted(&alice.reply(&code)));
    assert_eq!(alice.state.authenticators[0].last_step, Some(last));
    assert_eq!(alice.reply(&code), Verdict::Replayed);
}

#[test]
fn a_lock_of_zero_length_ends_at_once() {
    let (since, lasts) = (NOON, Duration::ZERO);
    assert_eq!(
        standing_at(Standing::Locked { since, lasts }, NOON),
        Standing::Open
    );
}

// Several authenticators.

#[test]
fn a_code_of_any_authenticator_is_accepted_and_replay_is_tracked_for_each() {
    let kind = Kind::Totp(Period::THIRTY);
    let mut alice = Account::with(vec![authenticator(1, kind), authenticator(2, kind)]);
    let (phone, browser) = (alice.code_of(0, 0), alice.code_of(1, 0));
    let name = |number: u8| Name::new(&format!("device {number}")).unwrap();
    for (code, number) in [(&browser, 2), (&phone, 1)] {
        assert_eq!(
            alice.reply(code),
            Verdict::Accepted {
                authenticator: name(number),
                resynchronised: None
            }
        );
        assert_eq!(alice.reply(code), Verdict::Replayed);
    }
}

#[test]
fn entries_of_removed_authenticators_are_dropped_and_missing_ones_never_match() {
    let kind = Kind::Totp(Period::THIRTY);
    let mut alice = Account::with(vec![authenticator(1, kind), authenticator(2, kind)]);
    alice.credential = credential(vec![authenticator(2, kind)]);
    assert!(accepted(&alice.code(0)));
    assert_eq!(alice.state.authenticators.len(), 1);
    alice.credential = credential(vec![authenticator(3, kind)]);
    assert!(!alice.state.covers(&alice.credential));
    assert_eq!(alice.code(0), Verdict::Rejected { left: 4 });
}

// Clock drift.

/// A device whose clock is `steps` ahead; two attempts in a row, a minute apart.
fn two_tries(first: i64, second: i64) -> (Account, Verdict, Verdict) {
    let mut alice = Account::new();
    let one = alice.code(first);
    alice.wait(MINUTE);
    let two = alice.code(second);
    (alice, one, two)
}

#[test]
fn two_codes_in_a_row_equally_far_off_move_the_drift() {
    for (first, second) in [
        (5, 5),
        (-5, -5),
        (20, 20),
        (-20, -20),
        (2, 2),
        (5, 6),
        (5, 4),
    ] {
        let (mut alice, one, two) = two_tries(first, second);
        assert_eq!(
            one,
            Verdict::Rejected { left: 4 },
            "a single code does not let the user in"
        );
        assert!(accepted(&two), "{first} then {second}");
        assert_eq!(alice.state.authenticators[0].drift.steps(), second);
        alice.wait(MINUTE);
        assert!(accepted(&alice.code(second)), "the drift is remembered");
        alice.wait(MINUTE);
        assert!(
            !accepted(&alice.code(second + 2)),
            "and the window is no wider"
        );
    }
}

#[test]
fn codes_that_are_unequally_far_or_too_far_off_leave_the_drift_alone() {
    for (first, second) in [(5, 7), (5, -5), (21, 21), (-21, -21), (100, 100)] {
        let (alice, _, two) = two_tries(first, second);
        assert!(!accepted(&two), "{first} then {second}");
        assert_eq!(alice.state.authenticators[0].drift.steps(), 0);
    }
}

#[test]
fn the_same_far_off_code_twice_proves_nothing() {
    let mut alice = Account::new();
    let code = alice.code_of(0, 5);
    for left in [4, 3, 2, 1] {
        assert_eq!(alice.reply(&code), Verdict::Rejected { left });
    }
}

#[test]
fn an_attempt_between_two_far_off_codes_stops_the_resynchronisation() {
    let between: [fn(&mut Account); 3] = [
        |alice| drop(alice.wrong()),
        |alice| drop(alice.code(0)),
        |alice| drop(alice.recover(0)),
    ];
    for attempt in between {
        let mut alice = Account::new();
        alice.code(5);
        attempt(&mut alice);
        alice.wait(MINUTE);
        assert!(!accepted(&alice.code(5)));
    }
    let mut alice = Account::new();
    alice.code(5);
    alice.reply("");
    alice.wait(MINUTE);
    assert!(
        accepted(&alice.code(5)),
        "pressing Enter by mistake is no attempt"
    );
}

#[test]
fn a_far_off_code_that_is_the_fifth_failure_locks() {
    let mut alice = Account::new();
    alice.wrong_times(4);
    assert!(matches!(alice.code(5), Verdict::RejectedAndLocked { .. }));
    alice.wait(MINUTE);
    assert!(matches!(alice.code(5), Verdict::Locked { .. }));
}

/// A machine without a battery for its clock starts in 1970.
#[test]
fn a_window_that_lies_before_1970_has_no_steps() {
    for (drift, in_window) in [(0, true), (-2, true), (-3, false), (-19, false)] {
        let mut alice = Account::new();
        alice.now = UnixTime::from_seconds(40);
        alice.state.authenticators[0].drift = Drift::from_steps(drift).unwrap();
        // The clock is at step 1, and this is the code of step 0.
        let verdict = alice.code(-1);
        assert_eq!(accepted(&verdict), in_window, "{drift}: {verdict:?}");
    }
}

#[test]
fn used_steps_do_not_come_back_through_the_drift() {
    let mut alice = Account::new();
    assert!(accepted(&alice.code(0)));
    alice.wait(MINUTE * 3);
    assert_eq!(
        alice.code(-6),
        Verdict::Replayed,
        "the used code, now outside the window"
    );
    assert_eq!(
        alice.code(-7),
        Verdict::Rejected { left: 4 },
        "the one before it, which is as used up"
    );
    assert_eq!(alice.state.authenticators[0].resync, None);
}

// Lockout.

#[test]
fn the_fifth_failure_locks_for_fifteen_minutes() {
    let mut alice = Account::new();
    alice.wrong_times(4);
    let standing = Standing::Locked {
        since: NOON,
        lasts: MINUTE * 15,
    };
    assert_eq!(alice.wrong(), Verdict::RejectedAndLocked { standing });
}

#[test]
fn each_lock_in_a_row_doubles_and_the_hundredth_failure_disables() {
    let mut alice = Account::new();
    let mut lengths = Vec::new();
    for _ in 0..19 {
        alice.wrong_times(5);
        lengths.push(alice.lock_length().as_secs() / 60);
        alice.wait(alice.lock_length());
    }
    assert_eq!(lengths[..8], [15, 30, 60, 120, 240, 480, 960, 1440]);
    assert!(lengths[8..].iter().all(|&minutes| minutes == 1440));
    alice.wrong_times(4);
    assert_eq!(
        alice.wrong(),
        Verdict::RejectedAndLocked {
            standing: Standing::Disabled
        }
    );
    alice.wait(MINUTE * 1_000_000);
    assert_eq!(
        alice.code(0),
        Verdict::Locked {
            standing: Standing::Disabled
        }
    );
    assert_eq!(
        alice.recover(1),
        Verdict::Locked {
            standing: Standing::Disabled
        }
    );
    assert_eq!(
        alice.state.recovery_codes_left(&alice.credential),
        10,
        "the recovery code was not used up"
    );
    alice.state = alice.state.unlocked();
    assert!(accepted(&alice.code(0)), "an administrator opens it");
}

#[test]
fn the_first_lock_after_a_success_lasts_fifteen_minutes_again() {
    let mut alice = Account::new();
    alice.wrong_times(5);
    alice.wait(MINUTE * 15);
    alice.wrong_times(5);
    assert_eq!(alice.lock_length(), MINUTE * 30);
    alice.wait(MINUTE * 30);
    assert!(accepted(&alice.code(0)));
    alice.wrong_times(5);
    assert_eq!(alice.lock_length(), MINUTE * 15);
}

#[test]
fn a_lock_without_an_end_lasts_until_an_administrator_unlocks() {
    let mut alice = Account::new();
    alice.policy.lockout = LockoutPolicy::new(3, Unlock::Never, MINUTE, Some(100)).unwrap();
    alice.wrong_times(3);
    alice.wait(MINUTE * 1_000_000);
    assert_eq!(
        alice.code(0),
        Verdict::Locked {
            standing: Standing::Held
        }
    );
    assert_eq!(
        alice.recover(0),
        Verdict::Recovered { left: 9 },
        "or a recovery code is used"
    );
    assert!(accepted(&alice.code(0)));
}

#[test]
fn a_lock_set_by_a_wrong_clock_ends_after_its_length() {
    let mut alice = Account::new();
    alice.now = UnixTime::from_seconds(4_000_000_000);
    alice.wrong_times(5);
    alice.now = NOON;
    let standing = Standing::Locked {
        since: NOON,
        lasts: MINUTE * 15,
    };
    assert_eq!(
        alice.code(0),
        Verdict::Locked { standing },
        "the lock begins again when it is first examined"
    );
    alice.wait(MINUTE * 15);
    assert!(accepted(&alice.code(0)));
}

#[test]
fn a_stricter_policy_applies_to_failures_already_counted() {
    let mut alice = Account::new();
    alice.wrong_times(4);
    alice.policy.lockout = LockoutPolicy::new(2, Unlock::After(MINUTE), MINUTE, None).unwrap();
    assert!(matches!(alice.wrong(), Verdict::RejectedAndLocked { .. }));
}

// Recovery codes.

#[test]
fn a_recovery_code_works_once_and_says_how_many_are_left() {
    let mut alice = Account::new();
    for number in 0..10 {
        assert_eq!(
            alice.recover(number),
            Verdict::Recovered {
                left: 9 - u32::from(number)
            }
        );
        assert_eq!(alice.recover(number), Verdict::Replayed);
    }
    assert_eq!(alice.recover(10), Verdict::Rejected { left: 4 });
}

#[test]
fn a_recovery_code_opens_a_lock_where_policy_allows() {
    for opens_lock in [true, false] {
        let mut alice = Account::new();
        alice.policy.recovery = RecoveryPolicy {
            opens_lock,
            ..alice.policy.recovery
        };
        alice.wrong_times(5);
        assert_eq!(
            matches!(alice.recover(3), Verdict::Recovered { left: 9 }),
            opens_lock
        );
        assert_eq!(accepted(&alice.code(0)), opens_lock);
    }
}

#[test]
fn a_wrong_or_used_recovery_code_during_a_lock_says_only_that_the_account_is_locked() {
    let mut alice = Account::new();
    alice.recover(0);
    alice.wrong_times(5);
    let before = alice.state.clone();
    assert!(matches!(alice.recover(0), Verdict::Locked { .. }));
    assert!(matches!(alice.recover(77), Verdict::Locked { .. }));
    assert_eq!(
        (alice.state.failures_in_a_row, alice.state.standing),
        (before.failures_in_a_row, before.standing)
    );
}

#[test]
fn an_account_without_recovery_codes_refuses_any_recovery_code() {
    let mut alice = Account::new();
    alice.credential = Credential::new(
        "alice".into(),
        1001,
        vec![authenticator(1, Kind::Totp(Period::THIRTY))],
        None,
    )
    .unwrap();
    alice.state = State::fresh(&alice.credential);
    assert_eq!(alice.recover(0), Verdict::Rejected { left: 4 });
}

/// A mailed code, and a wrong one, as replies.
struct MailedCodes {
    right: Input,
    wrong: Input,
}

impl Account {
    /// Mails a code now, for a login of `user`.
    fn mailed_for(&self, user: &str) -> MailedCodes {
        self.mailed(user, u128::from_le_bytes([9; 16]))
    }

    /// Mails these digits now, as a code for alice.
    fn mailed_as(&self, digits: &str) -> MailedCodes {
        self.mailed("alice", digits.parse().unwrap())
    }

    fn mailed(&self, user: &str, random: u128) -> MailedCodes {
        use crate::mailed::{LoginKey, MailedCode, Outstanding};
        let key = || LoginKey::from_random([5; LoginKey::BYTES]);
        let code = MailedCode::from_random(random.to_le_bytes());
        let kept = Outstanding {
            hash: code.hash(&key(), user, 1001),
            since: self.now,
        };
        let input = |digits: &str| match Input::parse(digits.as_bytes()).or_mailed(&key()) {
            Input::Mailed(reply) => Input::Mailed(reply.beside(Some(kept))),
            _ => unreachable!("eight digits"),
        };
        MailedCodes {
            right: input(&code.reveal()),
            wrong: input("00000000"),
        }
    }

    fn with_mail() -> Self {
        let mut account = Self::new();
        account.policy.recovery.email = true;
        account
    }
}

#[test]
fn a_mailed_code_is_accepted_and_resets_the_failures() {
    let mut account = Account::with_mail();
    account.wrong_times(4);
    let codes = account.mailed_for("alice");
    assert_eq!(account.try_input(&codes.right), Verdict::Mailed);
    assert_eq!(account.state.failures, 0);
}

#[test]
fn a_mailed_code_is_a_wrong_code_if_policy_forbids_mailed_codes() {
    let mut account = Account::new();
    let codes = account.mailed_for("alice");
    assert_eq!(
        account.try_input(&codes.right),
        Verdict::Rejected { left: 4 }
    );
}

#[test]
fn a_wrong_mailed_code_is_counted_and_locks_like_any_other() {
    let mut account = Account::with_mail();
    let codes = account.mailed_for("alice");
    for left in (1..5).rev() {
        assert_eq!(account.try_input(&codes.wrong), Verdict::Rejected { left });
    }
    let fifth = account.try_input(&codes.wrong);
    assert!(matches!(fifth, Verdict::RejectedAndLocked { .. }));
    assert!(matches!(
        account.try_input(&codes.right),
        Verdict::Locked { .. }
    ));
}

#[test]
fn a_mailed_code_opens_no_lock_of_any_kind() {
    for standing in [
        Standing::Locked {
            since: NOON,
            lasts: MINUTE,
        },
        Standing::Held,
        Standing::Disabled,
    ] {
        let mut account = Account::with_mail();
        account.state.standing = standing;
        let codes = account.mailed_for("alice");
        assert_eq!(
            account.try_input(&codes.right),
            Verdict::Locked { standing }
        );
        assert_eq!(account.state.standing, standing);
    }
}

#[test]
fn a_code_mailed_to_another_user_is_wrong() {
    let mut account = Account::with_mail();
    let codes = account.mailed_for("bob");
    assert_eq!(
        account.try_input(&codes.right),
        Verdict::Rejected { left: 4 }
    );
}

#[test]
fn a_mailed_code_that_is_too_old_is_wrong() {
    let mut account = Account::with_mail();
    let codes = account.mailed_for("alice");
    account.now = account.now.after(crate::mailed::LASTS);
    assert_eq!(
        account.try_input(&codes.right),
        Verdict::Rejected { left: 4 }
    );
}

#[test]
fn an_8_digit_code_of_an_authenticator_is_accepted_after_a_mail_was_requested() {
    let mut account = Account::with_mail();
    let mut device = authenticator(1, Kind::Totp(Period::THIRTY));
    device.digits = Digits::new(8).unwrap();
    account.credential = credential(vec![device]);
    account.state = State::fresh(&account.credential);
    let digits = account.code_of(0, 0);
    let key = crate::mailed::LoginKey::from_random([5; 16]);
    let input = Input::parse(digits.as_bytes()).or_mailed(&key);
    assert!(matches!(
        account.try_input(&input),
        Verdict::Accepted { .. }
    ));
    assert_eq!(account.try_input(&input), Verdict::Replayed);
}

/// A reply is good for one login, whatever else its digits happen to be.
#[test]
fn digits_accepted_as_a_mailed_code_are_used_up_as_every_code_that_they_match() {
    let long = |number, kind| Authenticator {
        digits: Digits::new(8).unwrap(),
        ..authenticator(number, kind)
    };
    let devices = || vec![long(1, Kind::Totp(Period::THIRTY)), long(2, Kind::Hotp)];
    let mut old = imported::alice();
    let [mut totp, mut hotp] = [devices, devices].map(|devices| Account::with(devices()));
    let [shown, counted] = [totp.code_of(0, 0), hotp.code_of(1, 0)];
    for (alice, digits) in [
        (&mut totp, shown.as_str()),
        (&mut hotp, counted.as_str()),
        (&mut old, imported::DIGITS[1]),
    ] {
        alice.policy.recovery.email = true;
        alice.wrong_times(2);
        let right = alice.mailed_as(digits).right;
        assert_eq!(alice.try_input(&right), Verdict::Mailed);
        assert_eq!(
            (alice.state.failures, alice.state.failures_in_a_row),
            (0, 0)
        );
        assert_eq!(alice.reply(digits), Verdict::Replayed);
    }
}
