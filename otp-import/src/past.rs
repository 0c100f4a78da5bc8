//! What another program remembers about used codes, and from when a code counts that cannot have been used there.

use otp_core::code::{Generator, TypedCode};
use otp_core::record::{Authenticator, Drift, Kind};
use otp_core::{Step, UnixTime};

/// How far from the expected code an accepted code could be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Steps before the expected one.
    pub before: u64,
    /// Steps after the expected one; for an event-based key, the number of counters that are tried.
    pub after: u64,
}

/// The codes of a key that were used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Past {
    /// No code was used.
    Never,
    /// No code of a later step or a higher counter was used.
    UpTo(Step),
    /// No code later than this step was used (or none at all), except one that was accepted to learn how far the
    /// clock is off. The program stores neither that code nor its time.
    ButToLearn(Option<Step>),
    /// No code was used after this moment; the other program does not remember which ones were.
    NotAfter(UnixTime),
    /// Any code may have been used that the program could have accepted until now.
    Unknown,
}

/// How far ahead of the learned drift the code can be that completed the learning. The drift is the mean of three
/// codes, each at most one step from the one before.
pub(crate) const LEARNED_AHEAD: u64 = 1;

impl Past {
    /// Derives the past from the counter of the next code: all codes before it may have been used.
    pub(crate) fn before(next: u64) -> Self {
        next.checked_sub(1)
            .map_or(Self::Never, |last| Self::UpTo(Step(last)))
    }

    /// Returns the newest step, or the highest counter, whose code may have been used. No code of it or before it may
    /// count again.
    ///
    /// If the other program stores no steps, all codes that it can have accepted count as used: it looks up to
    /// `after` steps ahead of the device's clock. Accepting a used code would be a replay; refusing an unused code
    /// costs the user a wait of some steps, once.
    #[must_use]
    pub fn newest_used(self, kind: Kind, drift: Drift, after: u64, now: UnixTime) -> Option<Step> {
        let by = |moment: UnixTime, after: u64| match kind {
            Kind::Totp(period) => {
                let ahead = i128::from(moment.step(period).0)
                    + i128::from(drift.steps())
                    + i128::from(after);
                Some(Step(u64::try_from(ahead.max(0)).unwrap_or(u64::MAX)))
            }
            // Every file with an event-based key has its counter.
            Kind::Hotp => None,
        };
        match self {
            Self::Never => None,
            Self::UpTo(step) => Some(step),
            Self::ButToLearn(step) => step.max(by(now, LEARNED_AHEAD)),
            Self::NotAfter(moment) => by(moment.min(now), after),
            Self::Unknown => by(now, after),
        }
    }
}

/// The smallest distance from now, in steps, within which the last accepted code is searched.
const LAST_CODE_REACH: u64 = 40;

/// Finds the newest step whose code may have been used, from the last accepted code; `None`: the code cannot be one of
/// this key.
///
/// A program that remembers this code accepts none of an earlier step while the code is within its window (liboath
/// looks for it there at each attempt). So if its step is near, it is the newest used step. If it is no longer near,
/// no other used step is near either. With a chance of one in twelve thousand another code looks the same, which
/// costs the user a wait.
#[must_use]
pub fn used_by_last_code(
    code: &TypedCode,
    authenticator: &Authenticator,
    ahead: u64,
    now: UnixTime,
) -> Option<Step> {
    let period = match authenticator.kind {
        Kind::Totp(period) => period,
        Kind::Hotp => return None,
    };
    if code.length() != usize::from(authenticator.digits.count()) {
        return None;
    }
    let here = now.step(period).0;
    let reach = ahead.clamp(LAST_CODE_REACH, 1000);
    let near = Step(here.saturating_sub(reach))..=Step(here.saturating_add(reach));
    let found = Generator::new(authenticator).newest_match(code, near);
    Some(found.unwrap_or(Step(here.saturating_sub(reach + 1))))
}

/// Returns when a device with this drift shows the code after that of `used`.
///
/// `None`: it already does, or it has no clock.
#[must_use]
pub fn first_code_at(
    used: Option<Step>,
    kind: Kind,
    drift: Drift,
    now: UnixTime,
) -> Option<UnixTime> {
    let Kind::Totp(period) = kind else {
        return None;
    };
    let shown = i128::from(used?.0) + 1 - i128::from(drift.steps());
    let step = u64::try_from(shown.max(0)).unwrap_or(u64::MAX);
    let at = UnixTime::from_seconds(step.saturating_mul(period.seconds()));
    (at > now).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use otp_core::record::{Algorithm, Digits, Id, Name, Period, Secret};
    use zeroize::Zeroizing;

    const NOW: UnixTime = UnixTime::from_seconds(30_000_000);
    const TOTP: Kind = Kind::Totp(Period::THIRTY);

    fn drift(steps: i64) -> Drift {
        Drift::from_steps(steps).unwrap()
    }

    fn used(past: Past, by: i64, after: u64) -> Option<u64> {
        past.newest_used(TOTP, drift(by), after, NOW)
            .map(|step| step.0)
    }

    #[test]
    fn a_known_past_is_taken_unchanged() {
        assert_eq!(used(Past::Never, 3, 5), None);
        assert_eq!(used(Past::UpTo(Step(7)), 3, 5), Some(7));
        // A wrong clock changes nothing: that code was used, and will be shown again.
        assert_eq!(used(Past::UpTo(Step(u64::MAX)), 0, 1), Some(u64::MAX));
    }

    #[test]
    fn an_unknown_past_counts_every_code_that_could_have_been_accepted() {
        assert_eq!(used(Past::Unknown, 0, 1), Some(1_000_001));
        assert_eq!(used(Past::Unknown, -2, 5), Some(1_000_003));
        let learned = |step| used(Past::ButToLearn(step), -7, 5);
        assert_eq!(learned(None), Some(999_994));
        assert_eq!(learned(Some(Step(999_990))), Some(999_994));
        assert_eq!(learned(Some(Step(999_999))), Some(999_999));
        let earlier = Past::NotAfter(UnixTime::from_seconds(30_000_000 - 3000));
        assert_eq!(used(earlier, 1, 5), Some(1_000_000 - 100 + 6));
        let later = Past::NotAfter(UnixTime::from_seconds(u64::MAX));
        assert_eq!(used(later, 0, 0), Some(1_000_000));
    }

    #[test]
    fn the_step_of_the_last_accepted_code_is_found() {
        let key = Authenticator {
            id: Id::from_random([1; 8]),
            name: Name::new("phone").unwrap(),
            kind: TOTP,
            algorithm: Algorithm::Sha1,
            digits: Digits::SIX,
            secret: Secret::new(Zeroizing::new(b"12345678901234567890".to_vec())).unwrap(),
            window: None,
            created: NOW,
        };
        let used = |steps: i64, ahead| {
            let step = Step(1_000_000_u64.checked_add_signed(steps).unwrap());
            let code = TypedCode::parse(Generator::new(&key).reveal(step).as_bytes()).unwrap();
            used_by_last_code(&code, &key, ahead, NOW)
                .map(|step| i64::try_from(step.0).unwrap() - 1_000_000)
        };
        for steps in [-40, -3, 0, 1, 3, 40] {
            assert_eq!(used(steps, 5), Some(steps));
        }
        assert_eq!((used(-41, 5), used(-9000, 5)), (Some(-41), Some(-41)));
        assert_eq!((used(60, 5), used(60, 60)), (Some(-41), Some(60)));
        let longer = TypedCode::parse(b"12345678").unwrap();
        assert!(used_by_last_code(&longer, &key, 5, NOW).is_none());
    }

    #[test]
    fn the_first_usable_code_comes_when_the_authenticator_shows_it() {
        let at = |used: u64, by| {
            first_code_at(Some(Step(used)), TOTP, drift(by), NOW).map(UnixTime::seconds)
        };
        assert_eq!(at(999_999, 0), None);
        assert_eq!(at(1_000_000, 0), Some(30_000_030));
        assert_eq!(at(1_000_000, 1), None);
        assert_eq!(at(1_000_000, -2), Some(30_000_090));
        assert_eq!(first_code_at(None, TOTP, drift(0), NOW), None);
        assert_eq!(
            first_code_at(Some(Step(9)), Kind::Hotp, drift(0), NOW),
            None
        );
        assert!(at(u64::MAX, 0).is_some());
    }
}
