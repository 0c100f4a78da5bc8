//! Codes, their steps, and the facts that a code at enrolment reveals about an authenticator.

use super::*;
use crate::record::{Digits, Id, Name, Period, Secret};
use proptest::prelude::*;

fn authenticator(key: &[u8], algorithm: Algorithm, digits: u64) -> Authenticator {
    Authenticator {
        id: Id::from_random([0; 8]),
        name: Name::new("phone").unwrap(),
        kind: Kind::Totp(Period::THIRTY),
        algorithm,
        digits: Digits::new(digits).unwrap(),
        secret: Secret::new(Zeroizing::new(key.to_vec())).unwrap(),
        window: None,
        created: UnixTime::from_seconds(0),
    }
}

#[test]
fn vectors_of_rfc_4226_appendix_d() {
    let generator = Generator::new(&authenticator(b"12345678901234567890", Algorithm::Sha1, 6));
    let expected = [
        "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871",
        "520489",
    ];
    for (counter, code) in (0..).zip(expected) {
        assert_eq!(*generator.reveal(Step(counter)), code, "counter {counter}");
    }
}

#[test]
fn vectors_of_rfc_6238_appendix_b() {
    let key = |length: usize| {
        b"1234567890"
            .iter()
            .copied()
            .cycle()
            .take(length)
            .collect::<Vec<u8>>()
    };
    let rows = [
        (59, ["94287082", "46119246", "90693936"]),
        (1_111_111_109, ["07081804", "68084774", "25091201"]),
        (1_111_111_111, ["14050471", "67062674", "99943326"]),
        (1_234_567_890, ["89005924", "91819424", "93441116"]),
        (2_000_000_000, ["69279037", "90698825", "38618901"]),
        (20_000_000_000, ["65353130", "77737706", "47863826"]),
    ];
    let algorithms = Algorithm::ALL.map(|one| match one {
        Algorithm::Sha1 => (one, 20),
        Algorithm::Sha256 => (one, 32),
        Algorithm::Sha512 => (one, 64),
    });
    for (time, codes) in rows {
        for ((algorithm, length), code) in algorithms.into_iter().zip(codes) {
            let generator = Generator::new(&authenticator(&key(length), algorithm, 8));
            let step = UnixTime::from_seconds(time).step(Period::THIRTY);
            assert_eq!(*generator.reveal(step), code, "{algorithm:?} at {time}");
        }
    }
}

proptest! {
    /// Another implementation gives the same codes, for keys of every permitted length and for every step.
    #[test]
    fn codes_agree_with_totp_rs(
        key in prop::collection::vec(any::<u8>(), 10..=128),
        algorithm in prop::sample::select(Algorithm::ALL.to_vec()),
        digits in 6_u64..=8,
        step: u64,
    ) {
        let other = totp_rs::Builder::new()
            .with_algorithm(match algorithm {
                Algorithm::Sha1 => totp_rs::Algorithm::SHA1,
                Algorithm::Sha256 => totp_rs::Algorithm::SHA256,
                Algorithm::Sha512 => totp_rs::Algorithm::SHA512,
            })
            .with_digits(u8::try_from(digits).unwrap())
            .with_step_duration(1)
            .with_secret(key.clone())
            .build_noncompliant();
        let ours = Generator::new(&authenticator(&key, algorithm, digits)).reveal(Step(step));
        prop_assert_eq!(ours.as_str(), other.generate(step).to_string());
    }
}

#[test]
fn the_newest_matching_step_of_a_range_is_found_and_none_outside_it() {
    let generator = Generator::new(&authenticator(b"12345678901234567890", Algorithm::Sha1, 6));
    let typed = TypedCode::parse(b"969 429").unwrap();
    assert_eq!(
        generator.newest_match(&typed, Step(2)..=Step(4)),
        Some(Step(3))
    );
    assert_eq!(
        generator.newest_match(&typed, Step(3)..=Step(3)),
        Some(Step(3))
    );
    assert_eq!(generator.newest_match(&typed, Step(4)..=Step(6)), None);
    assert_eq!(generator.newest_match(&typed, Step(0)..=Step(2)), None);
}

proptest! {
    /// Ranges inside one another, side by side, and apart; a match in one range is not a match in another.
    #[test]
    fn a_search_of_several_ranges_finds_what_each_range_alone_would(
        shown in 0..60_u64,
        ranges in proptest::array::uniform3((0..60_u64, 0..60_u64)),
    ) {
        let generator = Generator::new(&authenticator(b"12345678901234567890", Algorithm::Sha1, 6));
        let typed = TypedCode::parse(generator.reveal(Step(shown)).as_bytes()).unwrap();
        let ranges = ranges.map(|(one, other)| Step(one.min(other))..=Step(one.max(other)));
        let expected = ranges.clone().map(|steps| steps.contains(&Step(shown)).then_some(Step(shown)));
        prop_assert_eq!(generator.newest_matches(&typed, &ranges), expected);
    }
}

#[test]
fn a_code_of_another_length_never_matches() {
    let generator = Generator::new(&authenticator(b"12345678901234567890", Algorithm::Sha1, 6));
    for typed in ["00755224", "7552240"] {
        assert_eq!(
            generator.newest_match(
                &TypedCode::parse(typed.as_bytes()).unwrap(),
                Step(0)..=Step(0)
            ),
            None
        );
    }
}

#[test]
fn only_six_to_eight_digits_are_a_code() {
    for typed in ["12345", "123456789", "12a456", "", "+123456", "123456\0"] {
        assert!(TypedCode::parse(typed.as_bytes()).is_none(), "{typed:?}");
    }
    for typed in ["123456", "12-34 56", "1234567", "12345678", " 123456 "] {
        assert!(TypedCode::parse(typed.as_bytes()).is_some(), "{typed:?}");
    }
}

/// oathtool made every code here, from the ASCII key `1234567890...` at 2025-11-20 16:00:00 UTC: `oathtool --totp=SHA1
/// -d 8 -s 60s -b --now='2025-11-20 16:00:00 UTC' BASE32`.
#[test]
fn a_code_reveals_which_settings_its_app_ignores() {
    let (now, key) = (UnixTime::from_seconds(1_763_654_400), |length: usize| {
        let digits = b"1234567890".iter().copied().cycle();
        digits.take(length).collect::<Vec<u8>>()
    });
    let check = |algorithm, length, digits, seconds, typed: &str| {
        let mut device = authenticator(&key(length), algorithm, digits);
        device.kind = Kind::Totp(Period::new(seconds).unwrap());
        check_clock(
            &device,
            &TypedCode::parse(typed.as_bytes()).unwrap(),
            1,
            now,
        )
    };
    let minute = |typed| check(Algorithm::Sha256, 32, 8, 60, typed);
    let two_minutes = |typed| check(Algorithm::Sha512, 64, 7, 120, typed);
    let (algorithm, digits, period) = (1_u64, 2, 4);
    for (ignored, said) in [
        (algorithm, minute("19892902")),
        (digits, minute("012052")),
        (period, minute("87952946")),
        (algorithm | digits, minute("892902")),
        (algorithm | period, minute("05726410")),
        (digits | period, minute("952946")),
        (algorithm | digits | period, minute("726410")),
        (digits, two_minutes("307246")),
        // Steps of a minute and of half a minute.
        (period, two_minutes("5329046")),
        (period, two_minutes("0464510")),
        (algorithm | digits | period, two_minutes("895321")),
        (algorithm | period, two_minutes("4901851")),
    ] {
        let expected = Ignored::from_number(ignored).unwrap();
        assert_eq!(said, ClockCheck::Ignores(expected), "{ignored}");
    }
    for right in [minute("36012052"), two_minutes("2307246")] {
        assert!(matches!(right, ClockCheck::Right(_)), "{right:?}");
    }
    // With the defaults there is nothing to ignore, and no app replaces a default by a stronger value.
    for typed in ["19892902", "012052", "87952946", "36012052", "952946"] {
        let said = check(Algorithm::Sha1, 32, 6, 30, typed);
        assert_eq!(said, ClockCheck::NoMatch, "{typed}");
    }
    assert_eq!(minute("36012053"), ClockCheck::NoMatch);
}

#[test]
fn an_app_that_ignores_settings_is_recognised_while_its_code_is_fresh() {
    let mut device = authenticator(&[7; 32], Algorithm::Sha256, 6);
    device.kind = Kind::Totp(Period::new(120).unwrap());
    let app = Generator::with_settings(&device, Algorithm::Sha1, Digits::SIX);
    let now = UnixTime::from_seconds(1_763_654_400);
    let shown = |seconds: i64| {
        let then = now.seconds().checked_add_signed(seconds).unwrap();
        let step = UnixTime::from_seconds(then).step(Period::THIRTY);
        let typed = TypedCode::parse(app.reveal(step).as_bytes()).unwrap();
        check_clock(&device, &typed, 1, now)
    };
    let both = ClockCheck::Ignores(Ignored::from_number(5).unwrap());
    for seconds in [-120, -30, 0, 30, 120] {
        assert_eq!(shown(seconds), both, "{seconds}");
    }
    for seconds in [-150, 150] {
        assert_eq!(shown(seconds), ClockCheck::NoMatch, "{seconds}");
    }
}

#[test]
fn each_combination_of_ignored_settings_has_its_own_number() {
    for number in 1..=7 {
        let found = Ignored::from_number(number).unwrap();
        assert_eq!(u64::from(found.number()), number);
        assert!(Ignored::ALL.contains(&found));
    }
    assert!(Ignored::from_number(0).is_none() && Ignored::from_number(8).is_none());
}

#[test]
fn a_slow_or_fast_clock_is_reported_with_the_difference() {
    let phone = authenticator(b"12345678901234567890", Algorithm::Sha1, 6);
    let generator = Generator::new(&phone);
    let now = UnixTime::from_seconds(1_763_654_400);
    let within = |window: u8, offset: i64| {
        let step = now
            .step(Period::THIRTY)
            .0
            .checked_add_signed(offset)
            .unwrap();
        check_clock(
            &phone,
            &TypedCode::parse(generator.reveal(Step(step)).as_bytes()).unwrap(),
            window,
            now,
        )
    };
    let at = |offset: i64| within(1, offset);
    assert_eq!(at(0), ClockCheck::Right(now.step(Period::THIRTY)));
    assert!(matches!(at(-1), ClockCheck::Right(_)) && matches!(at(1), ClockCheck::Right(_)));
    assert_eq!(at(-2), ClockCheck::Behind(Duration::from_secs(60)));
    assert_eq!(at(6), ClockCheck::Ahead(Duration::from_secs(180)));
    assert_eq!(at(120), ClockCheck::Ahead(Duration::from_secs(3600)));
    assert_eq!(at(20_000), ClockCheck::NoMatch);
    let half_a_day = Duration::from_secs(13 * 3600);
    assert_eq!(at(1560), ClockCheck::Ahead(half_a_day));
    assert_eq!(at(-1560), ClockCheck::Behind(half_a_day));
    assert_eq!(at(1561), ClockCheck::NoMatch);
    // If no other step length fits, the code of the next step means a clock that is off, not an ignored setting.
    assert_eq!(within(0, 1), ClockCheck::Ahead(Duration::from_secs(30)));
    assert_eq!(within(0, -1), ClockCheck::Behind(Duration::from_secs(30)));
}
