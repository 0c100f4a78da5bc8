//! Points in time, and the steps that codes are counted in.

use crate::record::Period;
use std::time::Duration;

/// Seconds since 1970-01-01 00:00:00 UTC, leap seconds not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(u64);

/// A whole period since 1970 (RFC 6238 section 4.2), or the counter of an event-based code (RFC 4226 section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Step(pub u64);

impl UnixTime {
    /// The moment `seconds` after the epoch.
    #[must_use]
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds)
    }

    /// Seconds since the epoch.
    #[must_use]
    pub const fn seconds(self) -> u64 {
        self.0
    }

    /// The moment `wait` later; stays at the end of time instead of wrapping.
    #[must_use]
    pub const fn after(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(wait.as_secs()))
    }

    /// How long until `later`; zero when that is in the past.
    #[must_use]
    pub const fn until(self, later: Self) -> Duration {
        Duration::from_secs(later.0.saturating_sub(self.0))
    }

    /// The step that this moment lies in (T0 = 0, RFC 6238 section 4.1).
    #[must_use]
    pub const fn step(self, period: Period) -> Step {
        Step(self.0 / period.seconds())
    }

    /// The next whole minute: for a time that is told to the minute and must not be told too early.
    #[must_use]
    pub const fn to_next_minute(self) -> Self {
        Self(self.0.div_ceil(60).saturating_mul(60))
    }

    /// Time of day in UTC, `14:35`.
    #[must_use]
    pub fn clock_utc(self) -> String {
        let of_day = self.0 % 86_400;
        format!("{:02}:{:02}", of_day / 3600, of_day % 3600 / 60)
    }

    /// Date and time in UTC, `2026-11-20 14:35:07`.
    #[must_use]
    pub fn date_time_utc(self) -> String {
        let (year, month, day) = civil_from_days(self.0 / 86_400);
        format!(
            "{year:04}-{month:02}-{day:02} {}:{:02}",
            self.clock_utc(),
            self.0 % 60
        )
    }

    /// Date in UTC, `2026-11-20`.
    #[must_use]
    pub fn date_utc(self) -> String {
        let (year, month, day) = civil_from_days(self.0 / 86_400);
        format!("{year:04}-{month:02}-{day:02}")
    }
}

/// The Gregorian date of a day counted from 1970-01-01, in whole 400-year cycles that begin on 1 March.
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_gregorian_calendar() {
        for (seconds, date) in [
            (0, "1970-01-01 00:00:00"),
            (951_782_400, "2000-02-29 00:00:00"),
            (1_111_111_109, "2005-03-18 01:58:29"),
            (1_763_654_399, "2025-11-20 15:59:59"),
            (4_107_542_400, "2100-03-01 00:00:00"),
            (20_000_000_000, "2603-10-11 11:33:20"),
        ] {
            assert_eq!(UnixTime::from_seconds(seconds).date_time_utc(), date);
        }
    }

    #[test]
    fn the_next_minute_is_never_before() {
        for (seconds, minute) in [(0, 0), (1, 60), (59, 60), (60, 60), (61, 120)] {
            assert_eq!(
                UnixTime::from_seconds(seconds).to_next_minute().seconds(),
                minute
            );
        }
    }

    #[test]
    fn the_end_of_time_does_not_wrap() {
        assert_eq!(
            UnixTime::from_seconds(u64::MAX)
                .after(Duration::from_secs(5))
                .seconds(),
            u64::MAX
        );
    }
}
