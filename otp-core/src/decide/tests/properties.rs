//! Properties that hold after any sequence of attempts, by anyone, at any time, on any clock.

use super::{authenticator, credential, recovery_code};
use crate::code::Generator;
use crate::decide::{Verdict, decide, failed_beforehand, standing_at};
use crate::input::{Input, NoGuess};
use crate::mailed::{LoginKey, MailedCode, Outstanding};
use crate::record::{Credential, Kind, LockoutPolicy, Period, Policy, Standing, State, Unlock};
use crate::time::{Step, UnixTime};
use proptest::prelude::*;
use std::collections::HashMap;
use std::time::Duration;

/// One thing that happens to an account.
#[derive(Clone, Debug)]
enum Event {
    /// The clock moves, either way.
    Clock(i64),
    /// The user types the code of an authenticator, at this distance in steps from now.
    Code(usize, i64),
    /// An earlier reply is typed again.
    Again(usize),
    Recovery(u8),
    Wrong,
    Empty,
    /// A program sends a reply that its user did not type.
    NoGuess(usize),
    /// Eight digits in a login that has asked for a code by mail: whether they are the digits that were mailed, and how
    /// many seconds ago.
    Mailed(bool, u64),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let clock = prop_oneof![
        6 => 0..90_i64,
        2 => -90..0_i64,
        2 => 600..200_000_i64,
        1 => -200_000..-600_i64,
        1 => -2_000_000_000..2_000_000_000_i64,
    ];
    let event = prop_oneof![
        4 => clock.prop_map(Event::Clock),
        5 => (0..2_usize, prop_oneof![4 => -2..3_i64, 1 => -25..26_i64]).prop_map(|(device, steps)| Event::Code(device, steps)),
        3 => (0..100_usize).prop_map(Event::Again),
        1 => (0..12_u8).prop_map(Event::Recovery),
        4 => Just(Event::Wrong),
        1 => Just(Event::Empty),
        1 => (0..NoGuess::ALL.len()).prop_map(Event::NoGuess),
        1 => (any::<bool>(), 0..1200_u64).prop_map(|(right, ago)| Event::Mailed(right, ago)),
    ];
    prop::collection::vec(event, 1..120)
}

fn policies() -> impl Strategy<Value = Policy> {
    (
        1..8_u32,
        prop::option::of(1..100_000_u64),
        0..3_u8,
        any::<[bool; 2]>(),
        prop::option::of(8..=100_u32),
    )
        .prop_map(
            |(failures, unlock, window, [opens_lock, email], disable_after)| {
                let mut policy = Policy::default();
                let unlock = unlock.map_or(Unlock::Never, |seconds| {
                    Unlock::After(Duration::from_secs(seconds))
                });
                policy.lockout = LockoutPolicy::new(
                    failures,
                    unlock,
                    Duration::from_secs(200_000),
                    disable_after,
                )
                .unwrap();
                policy.code.window = window;
                policy.recovery.opens_lock = opens_lock;
                policy.recovery.email = email;
                policy
            },
        )
}

/// A typed reply, kept to be typed again.
#[derive(Clone)]
enum Typed {
    Text(String),
    Recovery(u8),
    NoGuess(NoGuess),
    Mailed { right: bool, since: UnixTime },
}

/// The mailed code, and the key of the login that asked for it.
fn mailed() -> (MailedCode, LoginKey) {
    let key = LoginKey::from_random([7; LoginKey::BYTES]);
    (MailedCode::from_random([3; 16]), key)
}

impl Typed {
    fn input(&self) -> Input {
        match self {
            Self::Text(text) => Input::parse(text.as_bytes()),
            Self::Recovery(number) => Input::Recovery(recovery_code(*number)),
            Self::NoGuess(why) => Input::NoGuess(*why),
            Self::Mailed { right, since } => {
                let (code, key) = mailed();
                let hash = code.hash(&key, "alice", 1001);
                let digits = if *right {
                    code.reveal().to_string()
                } else {
                    "00000000".to_owned()
                };
                let Input::Mailed(reply) = Input::parse(digits.as_bytes()).or_mailed(&key) else {
                    unreachable!("eight digits")
                };
                Input::Mailed(reply.beside(Some(Outstanding {
                    hash,
                    since: *since,
                })))
            }
        }
    }
}

fn typed(
    event: &Event,
    credential: &Credential,
    now: UnixTime,
    earlier: &[Typed],
) -> Option<Typed> {
    Some(match event {
        Event::Clock(_) => return None,
        Event::Code(device, steps) => {
            let step = now.step(Period::THIRTY).0.saturating_add_signed(*steps);
            Typed::Text(
                Generator::new(&credential.authenticators()[*device])
                    .reveal(Step(step))
                    .to_string(),
            )
        }
        Event::Again(which) => earlier.get(which % earlier.len().max(1))?.clone(),
        Event::Recovery(number) => Typed::Recovery(*number),
        Event::Wrong => Typed::Text("wrong".to_owned()),
        Event::Empty => Typed::Text(String::new()),
        Event::NoGuess(which) => Typed::NoGuess(NoGuess::ALL[*which]),
        Event::Mailed(right, ago) => Typed::Mailed {
            right: *right,
            since: UnixTime::from_seconds(now.seconds().saturating_sub(*ago)),
        },
    })
}

/// Whether nothing has gone back that must only go forward.
fn moved_forward(before: &State, after: &State) -> bool {
    let steps = before.authenticators.iter().all(|old| {
        after
            .of(old.id)
            .is_some_and(|new| new.last_step >= old.last_step)
    });
    let codes = before.recovery.iter().all(|old| {
        after
            .of_codes(old.id)
            .is_some_and(|new| old.used & !new.used == 0)
    });
    steps && codes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rules_hold_over_any_sequence(events in events(), policy in policies()) {
        let kind = Kind::Totp(Period::THIRTY);
        let credential = credential(vec![authenticator(1, kind), authenticator(2, kind)]);
        let mut state = State::fresh(&credential);
        let mut now = UnixTime::from_seconds(1_763_640_000);
        let mut earlier: Vec<Typed> = Vec::new();
        let mut accepted_steps: HashMap<(String, Step), u32> = HashMap::new();
        let mut recovered = 0;
        let mut guesses = 0;
        let mut guesses_in_a_row = 0;
        for event in &events {
            if let Event::Clock(seconds) = event {
                now = UnixTime::from_seconds(now.seconds().saturating_add_signed(*seconds));
                continue;
            }
            let Some(reply) = typed(event, &credential, now, &earlier) else { continue };
            let was_open = standing_at(state.standing, now) == Standing::Open;
            let input = reply.input();
            let (verdict, next) = decide(&credential, &state, &policy, &input, now);
            let killed = failed_beforehand(&credential, &state, &policy, &input, now);
            let is_guess = matches!(input, Input::Code(_) | Input::Recovery(_) | Input::Mailed(_) | Input::Other);
            let counts = u32::from(was_open && is_guess);
            let mailed_lately = match &reply {
                Typed::Mailed { right: true, since } => *since <= now && now < since.after(crate::mailed::LASTS),
                _ => false,
            };
            prop_assert_eq!(killed.failures_in_a_row, state.failures_in_a_row + counts, "a kill takes no guess back");
            prop_assert!(moved_forward(&state, &killed) && killed.covers(&credential));
            earlier.push(reply);

            prop_assert!(moved_forward(&state, &next), "{state:?} {next:?}");
            prop_assert!(next.covers(&credential));
            match &verdict {
                Verdict::Accepted { authenticator, .. } => {
                    prop_assert!(was_open, "a code opens no lock");
                    let device = credential.authenticators().iter().find(|one| one.name == *authenticator).unwrap();
                    let step = next.of(device.id).unwrap().last_step.unwrap();
                    *accepted_steps.entry((authenticator.as_str().to_owned(), step)).or_default() += 1;
                    prop_assert_eq!(accepted_steps.values().max(), Some(&1), "one code, one acceptance");
                    (guesses, guesses_in_a_row) = (0, 0);
                }
                Verdict::Recovered { left } => {
                    recovered += 1;
                    prop_assert_eq!(*left, 10 - recovered, "each recovery code works once");
                    prop_assert!(state.standing != Standing::Disabled);
                    prop_assert!(was_open || policy.recovery.opens_lock);
                    (guesses, guesses_in_a_row) = (0, 0);
                }
                Verdict::Mailed => {
                    prop_assert!(was_open, "a mailed code opens no lock");
                    prop_assert!(mailed_lately && policy.recovery.email);
                    prop_assert_eq!((next.standing, next.failures_in_a_row), (Standing::Open, 0));
                    (guesses, guesses_in_a_row) = (0, 0);
                }
                Verdict::Rejected { .. } | Verdict::RejectedAndLocked { .. } => {
                    prop_assert!(was_open);
                    prop_assert!(!(mailed_lately && policy.recovery.email), "the code that was sent is taken");
                    guesses += 1;
                    guesses_in_a_row += 1;
                    prop_assert!(guesses <= policy.lockout.failures(), "no more guesses between locks than allowed");
                    if let Some(limit) = policy.lockout.disable_after() {
                        prop_assert!(guesses_in_a_row <= limit);
                    }
                    if matches!(verdict, Verdict::RejectedAndLocked { .. }) {
                        guesses = 0;
                        prop_assert!(next.standing != Standing::Open);
                    } else {
                        prop_assert!(guesses < policy.lockout.failures());
                    }
                }
                Verdict::Locked { standing } => {
                    prop_assert!(!was_open);
                    prop_assert_eq!(*standing, next.standing);
                    prop_assert_eq!(next.failures_in_a_row, state.failures_in_a_row);
                }
                Verdict::Replayed | Verdict::Empty | Verdict::NoGuess { .. } => {
                    prop_assert!(was_open);
                    prop_assert_eq!(next.failures_in_a_row, state.failures_in_a_row);
                }
                Verdict::NotEnrolled | Verdict::Excused => prop_assert!(false, "there is a credential"),
            }
            // Every lock ends, or only an administrator can end it and the verdict says so.
            if let Standing::Locked { since, lasts } = next.standing {
                prop_assert!(since <= now && lasts <= policy.lockout.unlock_after_max());
                prop_assert_eq!(standing_at(next.standing, now.after(lasts)), Standing::Open);
            }
            state = next;
        }
    }
}

proptest! {
    // Each reply is compared with a thousand codes of the token.
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn deciding_is_a_function_of_its_arguments(events in events()) {
        let credential = credential(vec![authenticator(1, Kind::Totp(Period::THIRTY)), authenticator(2, Kind::Hotp)]);
        let state = State::fresh(&credential);
        let now = UnixTime::from_seconds(1_763_640_000);
        for event in &events {
            let Some(reply) = typed(event, &credential, now, &[]) else { continue };
            let run = || decide(&credential, &state, &Policy::default(), &reply.input(), now);
            prop_assert_eq!(run(), run());
        }
    }
}
