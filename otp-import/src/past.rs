//! What another program remembers about used codes, and from when on a code counts that nobody can have used there.

use otp_core::code::{Generator, TypedCode};
use otp_core::record::{Authenticator, Drift, Kind};
use otp_core::{Step, UnixTime};

/// How far from the expected one a code could be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Steps before it.
    pub before: u64,
    /// Steps after it; of an event-based key how many counters are looked at.
    pub after: u64,
}

/// Which codes of a key were used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Past {
    /// None.
    Never,
    /// None of a later step, or of a higher counter.
    UpTo(Step),
    /// None of a later step than this one, if there is one, but for one that was taken to learn how far the clock is off:
    /// that it keeps nowhere, nor when it was.
    ButToLearn(Option<Step>),
    /// None later than at this moment; which ones, the other program does not remember.
    NotAfter(UnixTime),
    /// Any that it could have taken until now.
    Unknown,
}

/// How far ahead of the distance that was learned the code can be that it was learned by: that is the mean of three, each at
/// most one step from the one before.
pub(crate) const LEARNED_AHEAD: u64 = 1;

impl Past {
    /// What the counter of the next code says: all before it may have been used.
    pub(crate) fn before(next: u64) -> Self {
        next.checked_sub(1)
            .map_or(Self::Never, |last| Self::UpTo(Step(last)))
    }

    /// The newest step, or the highest counter, whose code may have been used; none of it or before it may count again.
    ///
    /// Where the other program keeps no steps, whatever it can have taken until then is used: it looks up to `after` steps
    /// ahead of the device's clock. To take one that was used would be a replay; to refuse one that was not costs its owner
    /// a wait of some steps, once.
    #[must_use]
    pub fn newest_used(self, kind: Kind, drift: Drift, after: u64, now: UnixTime) -> Option<Step> {
        let by = |moment: UnixTime, after: u64| match kind {
            Kind::Totp(period) => {
                let ahead = i128::from(moment.step(period).0)
                    + i128::from(drift.steps())
                    + i128::from(after);
                Some(Step(u64::try_from(ahead.max(0)).unwrap_or(u64::MAX)))
            }
            // No file of an event-based key comes without its counter.
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

/// How far from now a code that was accepted last is looked for at least, in steps.
const LAST_CODE_REACH: u64 = 40;

/// The newest step whose code may have been used, by the code that was accepted last; `None`: that is not one of this key.
///
/// A program that remembers that code takes none of an earlier step while it is within its window (liboath looks for it
/// there at each attempt). So its step, if it is near, is the newest; and where it is near no more, neither is any other
/// that was used. One chance in twelve thousand that another code looks the same costs its owner a wait.
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

/// When a device whose clock is so far off shows the code after that of `used`.
///
/// `None`: it does already, or it has no clock.
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
    fn what_is_known_is_taken_as_it_is() {
        assert_eq!(used(Past::Never, 3, 5), None);
        assert_eq!(used(Past::UpTo(Step(7)), 3, 5), Some(7));
        // Also where a clock was wrong: that code was used, and will be shown again.
        assert_eq!(used(Past::UpTo(Step(u64::MAX)), 0, 1), Some(u64::MAX));
    }

    #[test]
    fn what_is_not_known_is_whatever_could_have_been_taken() {
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
    fn a_code_that_was_accepted_last_is_found_by_its_step() {
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
    fn the_first_code_comes_when_the_device_shows_it() {
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
