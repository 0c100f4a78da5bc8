//! Code values and the step that one belongs to.

use crate::record::{Algorithm, Authenticator, Kind};
use crate::time::{Step, UnixTime};
use crate::typed::characters_of_a_code;
use std::fmt::Write;
use std::ops::RangeInclusive;
use std::time::Duration;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use totp_rs::{Builder, Totp};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The digits that a person typed: 6 to 8 of them. Wiped on drop; has no `Debug`.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct TypedCode(Zeroizing<String>);

impl TypedCode {
    /// Reads a code, however it was pasted: spaces, dashes and unseen characters between the digits are passed over,
    /// and full-width digits are digits.
    #[must_use]
    pub fn parse(typed: &[u8]) -> Option<Self> {
        let plain = characters_of_a_code(typed)?;
        if !(6..=8).contains(&plain.len()) || !plain.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let mut digits = Zeroizing::new(String::with_capacity(8));
        digits.extend(plain.iter().copied().map(char::from));
        Some(Self(digits))
    }

    /// Six zeros, to be compared where nobody has typed a code, for the time that it takes.
    pub(crate) fn blank() -> Self {
        Self(Zeroizing::new("000000".to_owned()))
    }
}

/// Computes the codes of one authenticator.
pub struct Generator(Totp);

impl Generator {
    /// Prepares the computation for `authenticator`.
    #[must_use]
    pub fn new(authenticator: &Authenticator) -> Self {
        let algorithm = match authenticator.algorithm {
            Algorithm::Sha1 => totp_rs::Algorithm::SHA1,
            Algorithm::Sha256 => totp_rs::Algorithm::SHA256,
            Algorithm::Sha512 => totp_rs::Algorithm::SHA512,
        };
        // A step length of one second makes the library's "time" the step itself, so that one computation serves
        // RFC 4226 and RFC 6238. "Noncompliant" only skips its length checks, which `Secret` and `Digits` have made.
        Self(
            Builder::new()
                .with_algorithm(algorithm)
                .with_digits(authenticator.digits.count())
                .with_step_duration(1)
                .with_secret(authenticator.secret.reveal_bytes().to_vec())
                .build_noncompliant(),
        )
    }

    /// The code of `step` (RFC 4226 section 5.3).
    #[must_use]
    pub fn reveal(&self, step: Step) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(8));
        write!(text, "{}", self.0.generate(step.0)).expect("a String takes every write");
        text
    }

    /// The newest of `steps` whose code was typed. Every step is compared, in constant time for its length.
    #[must_use]
    pub fn newest_match(&self, typed: &TypedCode, steps: RangeInclusive<Step>) -> Option<Step> {
        let mut newest = 0_u64;
        let mut found = Choice::from(0);
        for step in steps.start().0..=steps.end().0 {
            let same = self.reveal(Step(step)).as_bytes().ct_eq(typed.0.as_bytes());
            newest.conditional_assign(&step, same);
            found |= same;
        }
        bool::from(found).then_some(Step(newest))
    }
}

/// The steps up to `before` before `middle` and up to `after` after it.
#[must_use]
pub fn around(middle: Step, before: u64, after: u64) -> RangeInclusive<Step> {
    Step(middle.0.saturating_sub(before))..=Step(middle.0.saturating_add(after))
}

/// How a device's clock compares with ours, told by one code at enrolment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockCheck {
    /// Inside the window; this is the step.
    Right(Step),
    /// The code belongs to a time this far in our past: the device is behind.
    Behind(Duration),
    /// The code belongs to a time this far in our future: the device is ahead.
    Ahead(Duration),
    /// No code of this key within half a day on either side.
    NoMatch,
}

/// How far from now [`check_clock`] looks: enough for a time zone taken for the time.
const CLOCK_SEARCH: Duration = Duration::from_secs(13 * 3600);

/// Compares a new device's clock with ours.
///
/// The distance is told in whole steps, nearest first, so a phone that is three minutes slow hears "3 minutes".
#[must_use]
pub fn check_clock(
    authenticator: &Authenticator,
    typed: &TypedCode,
    window: u8,
    now: UnixTime,
) -> ClockCheck {
    let generator = Generator::new(authenticator);
    let Kind::Totp(period) = authenticator.kind else {
        let first = around(Step(0), 0, HOTP_LOOK_AHEAD);
        return generator
            .newest_match(typed, first)
            .map_or(ClockCheck::NoMatch, ClockCheck::Right);
    };
    let here = now.step(period);
    if let Some(step) = generator.newest_match(typed, around(here, window.into(), window.into())) {
        return ClockCheck::Right(step);
    }
    let distance = |steps: u64| Duration::from_secs(steps * period.seconds());
    for steps in 1..=CLOCK_SEARCH.as_secs() / period.seconds() {
        if here.0 >= steps
            && generator
                .newest_match(typed, around(Step(here.0 - steps), 0, 0))
                .is_some()
        {
            return ClockCheck::Behind(distance(steps));
        }
        if generator
            .newest_match(typed, around(Step(here.0.saturating_add(steps)), 0, 0))
            .is_some()
        {
            return ClockCheck::Ahead(distance(steps));
        }
    }
    ClockCheck::NoMatch
}

/// How many unused counters of an event-based authenticator are tried (RFC 4226 section 7.4).
pub const HOTP_LOOK_AHEAD: u64 = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Digits, Id, Name, Period, Secret};

    fn authenticator(key: &[u8], algorithm: Algorithm, digits: u64) -> Authenticator {
        Authenticator {
            id: Id::from_random([0; 8]),
            name: Name::new("phone").unwrap(),
            kind: Kind::Totp(Period::THIRTY),
            algorithm,
            digits: Digits::new(digits).unwrap(),
            secret: Secret::new(Zeroizing::new(key.to_vec())).unwrap(),
            created: UnixTime::from_seconds(0),
        }
    }

    #[test]
    fn vectors_of_rfc_4226_appendix_d() {
        let generator = Generator::new(&authenticator(b"12345678901234567890", Algorithm::Sha1, 6));
        let expected = [
            "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583",
            "399871", "520489",
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

    #[test]
    fn the_newest_of_the_steps_is_found_and_no_step_outside() {
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

    #[test]
    fn a_slow_or_fast_clock_is_told_by_how_much() {
        let phone = authenticator(b"12345678901234567890", Algorithm::Sha1, 6);
        let generator = Generator::new(&phone);
        let now = UnixTime::from_seconds(1_763_654_400);
        let at = |offset: i64| {
            let step = now
                .step(Period::THIRTY)
                .0
                .checked_add_signed(offset)
                .unwrap();
            check_clock(
                &phone,
                &TypedCode::parse(generator.reveal(Step(step)).as_bytes()).unwrap(),
                1,
                now,
            )
        };
        assert_eq!(at(0), ClockCheck::Right(now.step(Period::THIRTY)));
        assert!(matches!(at(-1), ClockCheck::Right(_)) && matches!(at(1), ClockCheck::Right(_)));
        assert_eq!(at(-2), ClockCheck::Behind(Duration::from_secs(60)));
        assert_eq!(at(6), ClockCheck::Ahead(Duration::from_secs(180)));
        assert_eq!(at(120), ClockCheck::Ahead(Duration::from_secs(3600)));
        assert_eq!(at(20_000), ClockCheck::NoMatch);
    }
}
