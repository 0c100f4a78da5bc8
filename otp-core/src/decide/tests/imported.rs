//! Recovery codes of 8 digits that another program has issued.

use super::*;
use crate::code::Generator;
use crate::imported::{ImportedCode, is_looked_up};
use proptest::prelude::*;
use std::collections::HashMap;
use std::sync::LazyLock;

pub(super) const DIGITS: [&str; 3] = ["10000000", "55555555", "99999999"];
const SALT: Salt = Salt([9; 16]);

static HASHES: LazyLock<Vec<crate::recovery::CodeHash>> = LazyLock::new(|| {
    let code = |digits: &str| ImportedCode::new(digits.as_bytes()).unwrap();
    let hash = |digits| code(digits).hash(&SALT).unwrap();
    DIGITS.map(hash).to_vec()
});

fn set(hashes: Vec<crate::recovery::CodeHash>) -> RecoverySet {
    RecoverySet {
        id: Id::from_random([98; 8]),
        origin: Origin::Imported,
        salt: SALT,
        hashes,
        created: NOON,
    }
}

fn with(devices: Vec<Authenticator>, set: RecoverySet) -> Account {
    let credential = Credential::new("alice".to_owned(), 1001, devices, Some(set)).unwrap();
    Account {
        state: State::fresh(&credential),
        credential,
        policy: Policy::default(),
        now: NOON,
    }
}

pub(super) fn alice() -> Account {
    let phone = authenticator(1, Kind::Totp(Period::THIRTY));
    with(vec![phone], set(HASHES.clone()))
}

/// A device that shows 8 digits.
fn long(number: u8) -> Authenticator {
    Authenticator {
        digits: Digits::new(8).unwrap(),
        ..authenticator(number, Kind::Totp(Period::THIRTY))
    }
}

/// Returns an account whose imported code equals the code that its authenticator shows `steps` from noon.
fn twin(steps: i64) -> (Account, String) {
    let step = NOON.step(Period::THIRTY).0.checked_add_signed(steps);
    let digits = Generator::new(&long(1))
        .reveal(Step(step.unwrap()))
        .to_string();
    let hash = ImportedCode::new(digits.as_bytes()).unwrap().hash(&SALT);
    (with(vec![long(1)], set(vec![hash.unwrap()])), digits)
}

#[test]
fn each_imported_code_works_once_and_resets_the_count() {
    let mut alice = alice();
    alice.wrong_times(4);
    for (digits, left) in DIGITS.into_iter().zip([2, 1, 0]) {
        assert_eq!(alice.reply(digits), Verdict::Recovered { left });
        assert_eq!(alice.state.failures_in_a_row, 0);
        assert_eq!(alice.reply(digits), Verdict::Replayed);
    }
    assert!(accepted(&alice.code(0)));
}

#[test]
fn wrong_eight_digits_are_counted_and_lock() {
    let mut alice = alice();
    for left in [4, 3, 2, 1] {
        assert_eq!(alice.reply("10000001"), Verdict::Rejected { left });
    }
    assert!(matches!(
        alice.reply("10000001"),
        Verdict::RejectedAndLocked { .. }
    ));
}

#[test]
fn imported_codes_never_open_a_lock_whatever_policy_says() {
    for opens_lock in [true, false] {
        for unlock in [Unlock::After(MINUTE), Unlock::Never] {
            let mut alice = alice();
            alice.policy.recovery.opens_lock = opens_lock;
            alice.policy.lockout = LockoutPolicy::new(5, unlock, MINUTE, None).unwrap();
            alice.wrong_times(5);
            for digits in DIGITS {
                assert!(
                    matches!(alice.reply(digits), Verdict::Locked { .. }),
                    "{opens_lock}"
                );
            }
            assert_eq!(alice.state.recovery_codes_left(&alice.credential), 3);
        }
    }
}

#[test]
fn a_recovery_code_of_letters_does_not_match_an_imported_set() {
    let mut alice = alice();
    assert_eq!(alice.recover(0), Verdict::Rejected { left: 4 });
}

#[test]
fn digits_that_match_as_both_kinds_of_code_work_once_in_all() {
    let (mut alice, digits) = twin(0);
    assert!(accepted(&alice.reply(&digits)));
    assert_eq!(alice.state.recovery_codes_left(&alice.credential), 0);
    assert_eq!(alice.reply(&digits), Verdict::Replayed);
    alice.wait(MINUTE * 60);
    assert_eq!(
        alice.reply(&digits),
        Verdict::Replayed,
        "neither as an imported code nor as a code of the authenticator"
    );
}

#[test]
fn digits_used_as_either_kind_of_code_are_used_as_both() {
    // Used as an imported code, an hour before the device shows the same digits.
    let (mut alice, digits) = twin(120);
    assert_eq!(alice.reply(&digits), Verdict::Recovered { left: 0 });
    alice.wait(MINUTE * 60);
    assert_eq!(alice.reply(&digits), Verdict::Replayed);
    // Used as a code of the device.
    let (mut alice, digits) = twin(0);
    alice.state.authenticators[0].last_step = Some(NOON.step(Period::THIRTY));
    assert_eq!(alice.reply(&digits), Verdict::Replayed);
    assert_eq!(alice.state.recovery_codes_left(&alice.credential), 1);
}

#[test]
fn a_code_of_an_8_digit_authenticator_works_beside_an_imported_set() {
    let mut alice = with(vec![long(1)], set(HASHES.clone()));
    assert!(accepted(&alice.code(0)));
    assert_eq!(alice.reply(DIGITS[0]), Verdict::Recovered { left: 2 });
    assert!(accepted(&alice.code(1)));
}

#[test]
fn one_hash_is_computed_for_eight_digits_and_none_for_any_other_reply() {
    let looked_up = |alice: &Account, reply: &str| {
        is_looked_up(&alice.credential, &Input::parse(reply.as_bytes()))
    };
    let imported = alice();
    for (reply, expected) in [
        ("12345678", true),
        ("1234 5678", true),
        ("123456", false),
        ("1234567", false),
        ("", false),
        ("wrong", false),
        ("0123-4567-89ab-cdef", false),
    ] {
        assert_eq!(looked_up(&imported, reply), expected, "{reply}");
        assert!(!looked_up(&Account::new(), reply), "{reply}");
    }
}

/// One thing that happens to the account.
#[derive(Clone, Debug)]
enum Event {
    Clock(u64),
    Code(i64),
    Counter(u64),
    Imported(usize),
    Again(usize),
    Wrong,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        3 => (0..2000_u64).prop_map(Event::Clock),
        3 => (-3..3_i64).prop_map(Event::Code),
        3 => prop_oneof![0..40_u64, 0..1200_u64].prop_map(Event::Counter),
        3 => (0..DIGITS.len()).prop_map(Event::Imported),
        2 => (0..50_usize).prop_map(Event::Again),
        2 => Just(Event::Wrong),
    ];
    prop::collection::vec(event, 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_code_works_twice_and_no_lock_is_opened(events in events()) {
        let mut token = authenticator(2, Kind::Hotp);
        token.digits = Digits::new(8).unwrap();
        let mut alice = with(vec![long(1), token], set(HASHES.clone()));
        let mut good: HashMap<String, u32> = HashMap::new();
        let mut earlier: Vec<String> = Vec::new();
        for event in events {
            let reply = match event {
                Event::Clock(seconds) => {
                    alice.wait(Duration::from_secs(seconds));
                    continue;
                }
                Event::Code(steps) => alice.code_of(0, steps),
                Event::Counter(counter) => alice.code_of(1, i64::try_from(counter).unwrap()),
                Event::Imported(which) => DIGITS[which].to_owned(),
                Event::Again(which) => match earlier.get(which) {
                    Some(reply) => reply.clone(),
                    None => continue,
                },
                Event::Wrong => "wrong".to_owned(),
            };
            let was_open = standing_at(alice.state.standing, alice.now) == Standing::Open;
            let before = alice.state.clone();
            let verdict = alice.reply(&reply);
            earlier.push(reply.clone());
            if accepted(&verdict) || matches!(verdict, Verdict::Recovered { .. }) {
                prop_assert!(was_open);
                let times = good.entry(reply).or_default();
                *times += 1;
                // None of these keys shows the same 8 digits twice within these times.
                prop_assert_eq!(*times, 1);
            }
            for (old, new) in before.authenticators.iter().zip(&alice.state.authenticators) {
                prop_assert!(new.last_step >= old.last_step);
            }
            prop_assert_eq!(before.recovery[0].used & !alice.state.recovery[0].used, 0);
        }
    }
}
