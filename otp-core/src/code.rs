//! Code values, and the step that a code belongs to.

use crate::record::{Algorithm, Authenticator, Digits, Kind, Period};
use crate::time::{Step, UnixTime};
use crate::typed::characters_of_a_code;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use std::fmt::Write;
use std::ops::RangeInclusive;
use std::time::Duration;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The digits that a person typed: 6 to 8 of them. Wiped on drop; has no `Debug`.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct TypedCode(Zeroizing<String>);

impl TypedCode {
    /// Reads a code as typed or pasted: skips spaces, dashes and invisible characters between the digits, and takes
    /// full-width digits as digits.
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

    /// How many digits were typed.
    #[must_use]
    pub fn length(&self) -> usize {
        self.0.len()
    }

    /// Copies the code.
    pub(crate) fn again(&self) -> Self {
        Self(self.0.clone())
    }

    /// The digits.
    pub(crate) fn digits(&self) -> &str {
        &self.0
    }

    /// The digits as a number.
    fn number(&self) -> u32 {
        let digit = |byte: u8| u32::from(byte - b'0');
        self.0
            .bytes()
            .fold(0, |number, byte| 10 * number + digit(byte))
    }

    /// Returns six zeros, to compare when nobody typed a code, so that the work takes as long.
    pub(crate) fn blank() -> Self {
        Self(Zeroizing::new("000000".to_owned()))
    }
}

/// Computes the codes of one authenticator. Wiped on drop; has no `Debug`.
pub struct Generator {
    keyed: Keyed,
    digits: Digits,
}

/// HMAC (RFC 2104) after it has taken the key, so that each step costs two blocks of the hash and not four.
enum Keyed {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
    Sha512(Box<Hmac<Sha512>>),
}

impl Generator {
    /// Prepares the computation for `authenticator`.
    #[must_use]
    pub fn new(authenticator: &Authenticator) -> Self {
        Self::with_settings(authenticator, authenticator.algorithm, authenticator.digits)
    }

    /// Prepares the computation with the key of `authenticator` and the settings given here.
    fn with_settings(authenticator: &Authenticator, algorithm: Algorithm, digits: Digits) -> Self {
        let key = authenticator.secret.reveal_bytes();
        let keyed = match algorithm {
            Algorithm::Sha1 => Keyed::Sha1(keyed(key)),
            Algorithm::Sha256 => Keyed::Sha256(keyed(key)),
            Algorithm::Sha512 => Keyed::Sha512(Box::new(keyed(key))),
        };
        Self { keyed, digits }
    }

    /// Returns the code of `step`, with its leading zeros (RFC 4226 section 5.3).
    #[must_use]
    pub fn reveal(&self, step: Step) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(8));
        let (number, width) = (self.number(step), self.digits.count().into());
        write!(text, "{number:0width$}").expect("writing to a String never fails");
        text
    }

    /// The code of `step` as a number.
    fn number(&self, step: Step) -> u32 {
        let truncated = match &self.keyed {
            Keyed::Sha1(keyed) => truncated(keyed, step),
            Keyed::Sha256(keyed) => truncated(keyed, step),
            Keyed::Sha512(keyed) => truncated(&**keyed, step),
        };
        truncated % 10_u32.pow(self.digits.count().into())
    }

    /// Finds the newest of `steps` whose code was typed. Compares every step, in constant time for the length of the
    /// code.
    #[must_use]
    pub fn newest_match(&self, typed: &TypedCode, steps: RangeInclusive<Step>) -> Option<Step> {
        let [newest] = self.newest_matches(typed, &[steps]);
        newest
    }

    /// Does the work of [`Generator::newest_match`] for several overlapping ranges at once. Computes no code twice.
    #[must_use]
    pub fn newest_matches<const N: usize>(
        &self,
        typed: &TypedCode,
        ranges: &[RangeInclusive<Step>; N],
    ) -> [Option<Step>; N] {
        let is_as_long = typed.length() == usize::from(self.digits.count());
        let wanted = typed.number();
        let first = ranges.iter().map(|steps| steps.start().0).min();
        let last = ranges.iter().map(|steps| steps.end().0).max();
        let mut newest = [(Choice::from(0), 0_u64); N];
        for step in first.unwrap_or(1)..=last.unwrap_or(0) {
            let same = self.number(Step(step)).ct_eq(&wanted) & Choice::from(u8::from(is_as_long));
            for (steps, (found, newest)) in ranges.iter().zip(&mut newest) {
                // Which steps are in a range is no secret.
                if steps.contains(&Step(step)) {
                    newest.conditional_assign(&step, same);
                    *found |= same;
                }
            }
        }
        newest.map(|(found, step)| bool::from(found).then_some(Step(step)))
    }
}

fn keyed<M: KeyInit>(key: &[u8]) -> M {
    M::new_from_slice(key).expect("HMAC takes a key of any length")
}

/// Takes 31 bits from the HMAC of a counter (RFC 4226 section 5.3): four bytes, at the offset that the last byte gives.
fn truncated<M: Mac + Clone>(keyed: &M, step: Step) -> u32 {
    let mut mac = keyed.clone();
    mac.update(&step.0.to_be_bytes());
    let mut output = mac.finalize().into_bytes();
    let last = output.last().copied().unwrap_or_default();
    let bits = output
        .iter()
        .skip(usize::from(last & 0x0f))
        .take(4)
        .fold(0, |bits, &byte| bits << 8 | u32::from(byte));
    output.zeroize();
    bits & 0x7fff_ffff
}

/// Returns the steps from `before` steps before `middle` to `after` steps after it.
#[must_use]
pub fn around(middle: Step, before: u64, after: u64) -> RangeInclusive<Step> {
    Step(middle.0.saturating_sub(before))..=Step(middle.0.saturating_add(after))
}

/// How a device's clock compares with ours, as one code shows at enrolment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockCheck {
    /// The code is inside the window, at this step.
    Right(Step),
    /// The code belongs to a time this far in our past: the device is behind.
    Behind(Duration),
    /// The code belongs to a time this far in our future: the device is ahead.
    Ahead(Duration),
    /// The app has the key but ignores settings, so its codes will never be right.
    Ignores(Ignored),
    /// No code of this key matches: within 13 hours on either side, or in the look-ahead of an event-based
    /// authenticator.
    NoMatch,
}

/// The settings that an app ignores, as one of its codes shows; at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ignored {
    algorithm: bool,
    digits: bool,
    period: bool,
}

impl Ignored {
    const ALGORITHM: u8 = 1;
    const DIGITS: u8 = 2;
    const PERIOD: u8 = 4;

    /// All combinations; those with fewer ignored settings come first.
    pub const ALL: [Self; 7] = [
        Self::of(Self::ALGORITHM),
        Self::of(Self::DIGITS),
        Self::of(Self::PERIOD),
        Self::of(Self::ALGORITHM | Self::DIGITS),
        Self::of(Self::ALGORITHM | Self::PERIOD),
        Self::of(Self::DIGITS | Self::PERIOD),
        Self::of(Self::ALGORITHM | Self::DIGITS | Self::PERIOD),
    ];

    const fn of(bits: u8) -> Self {
        Self {
            algorithm: bits & Self::ALGORITHM != 0,
            digits: bits & Self::DIGITS != 0,
            period: bits & Self::PERIOD != 0,
        }
    }

    /// The number on the wire, 1 to 7.
    #[must_use]
    pub fn number(self) -> u8 {
        u8::from(self.algorithm) * Self::ALGORITHM
            + u8::from(self.digits) * Self::DIGITS
            + u8::from(self.period) * Self::PERIOD
    }

    /// Returns the settings with that number.
    #[must_use]
    pub fn from_number(number: u64) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|one| u64::from(one.number()) == number)
    }

    /// Whether the app uses SHA-1 instead of the hash it was told.
    #[must_use]
    pub const fn algorithm(self) -> bool {
        self.algorithm
    }

    /// Whether the app shows 6 digits, whatever number it was told.
    #[must_use]
    pub const fn digits(self) -> bool {
        self.digits
    }

    /// Whether the app uses another step length than it was told: 30 s, or perhaps 60 s if it was told a longer one.
    #[must_use]
    pub const fn period(self) -> bool {
        self.period
    }
}

/// Finds the settings that an app with this key must ignore to show the typed code, now or within about `window` steps.
/// Tries the fewest first. Never finds the settings of the authenticator itself.
fn ignored(
    authenticator: &Authenticator,
    typed: &TypedCode,
    window: u8,
    now: UnixTime,
) -> Option<Ignored> {
    let period = match authenticator.kind {
        Kind::Totp(period) => period,
        Kind::Hotp => return None,
    };
    // The longest step that some apps know is one minute.
    let sixty = (period.seconds() > 60).then_some(Period::SIXTY);
    let other_periods = [Some(Period::THIRTY), sixty];
    let shown_with = |algorithm, digits, other: Period| {
        // Looks as far as the window of the authenticator reaches, and at least one step: a person takes time to type.
        let reach = (u64::from(window) * period.seconds()).div_ceil(other.seconds());
        let steps = around(now.step(other), reach.max(1), reach.max(1));
        Generator::with_settings(authenticator, algorithm, digits)
            .newest_match(typed, steps)
            .is_some()
    };
    Ignored::ALL.into_iter().find(|which| {
        let algorithm = if which.algorithm {
            Algorithm::Sha1
        } else {
            authenticator.algorithm
        };
        let digits = if which.digits {
            Digits::SIX
        } else {
            authenticator.digits
        };
        let is_another = (!which.algorithm || algorithm != authenticator.algorithm)
            && (!which.digits || digits != authenticator.digits);
        is_another
            && if which.period {
                let mut others = other_periods.into_iter().flatten();
                others.any(|other| other != period && shown_with(algorithm, digits, other))
            } else {
                shown_with(algorithm, digits, period)
            }
    })
}

/// How far from now [`check_clock`] looks: far enough to find a clock that is wrong by a time zone.
const CLOCK_SEARCH: Duration = Duration::from_secs(13 * 3600);

/// Compares a new device's clock with ours.
///
/// Tries whole steps, nearest first, so the user of a phone that is three minutes slow is told "3 minutes".
#[must_use]
pub fn check_clock(
    authenticator: &Authenticator,
    typed: &TypedCode,
    window: u8,
    now: UnixTime,
) -> ClockCheck {
    let generator = Generator::new(authenticator);
    let period = match authenticator.kind {
        Kind::Totp(period) => period,
        Kind::Hotp => {
            let first = around(Step(0), 0, HOTP_LOOK_AHEAD);
            return generator
                .newest_match(typed, first)
                .map_or(ClockCheck::NoMatch, ClockCheck::Right);
        }
    };
    let here = now.step(period);
    if let Some(step) = generator.newest_match(typed, around(here, window.into(), window.into())) {
        return ClockCheck::Right(step);
    }
    // Settings come before other times: the more codes are compared, the more easily one matches by chance.
    if let Some(settings) = ignored(authenticator, typed, window, now) {
        return ClockCheck::Ignores(settings);
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

/// How many counters, from the next one on, are searched for two codes in a row. Two such codes bring back a token
/// whose button was pressed in a pocket.
///
/// This is the default of `privacyIDEA` and `LinOTP` (`FreeIPA`: 100). An attacker must guess right twice: the chance
/// is 1 in 1,000 million for a pair of six-digit codes, against 1 in 100,000 for one code within the look-ahead. Each
/// guess counts as a failure. The search is made for every reply, and takes about a millisecond.
pub const HOTP_REACH: u64 = 1000;

#[cfg(test)]
mod tests;
