//! Points in time, and the steps that codes are counted in.

use crate::record::Language;
use crate::record::Period;
use std::time::Duration;

/// Seconds since 1970-01-01 00:00:00 UTC, leap seconds not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(u64);

/// A whole period since 1970 (RFC 6238 section 4.2), or the counter of an event-based code (RFC 4226 section 5.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Step(pub u64);

/// The system clock is set before 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Before1970;

impl Before1970 {
    /// Returns this error in words of that language, without a full stop.
    #[must_use]
    pub const fn text(self, language: Language) -> &'static str {
        match language {
            Language::English => "the system clock is set before 1970",
            Language::Korean => "시스템 시계가 1970년 이전입니다",
        }
    }
}

impl std::fmt::Display for Before1970 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.text(Language::English))
    }
}

impl std::error::Error for Before1970 {}

impl UnixTime {
    /// The moment `seconds` after the epoch.
    #[must_use]
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds)
    }

    /// The moment of a date and time of day in UTC; `None` if there is no such day or time, or it lies before 1970.
    #[must_use]
    pub fn from_civil_utc(
        year: u16,
        month: u8,
        day: u8,
        hour: u8,
        minute: u8,
        second: u8,
    ) -> Option<Self> {
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let days = days_from_civil(year.into(), month.into(), day.into())?;
        let of_day = u64::from(hour) * 3600 + u64::from(minute) * 60 + u64::from(second);
        Some(Self(days * 86_400 + of_day))
    }

    /// Seconds since the epoch.
    #[must_use]
    pub const fn seconds(self) -> u64 {
        self.0
    }

    /// The moment `wait` later; stops at the largest time instead of wrapping.
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

    /// The next whole minute, for times that are shown to the minute and must not be too early.
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

/// Returns the Gregorian date of a day counted from 1970-01-01, in whole 400-year cycles that begin on 1 March.
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

/// Does the inverse of [`civil_from_days`]; `None` if there is no such day.
fn days_from_civil(year: u64, month: u64, day: u64) -> Option<u64> {
    if year < 1970 || !(1..=12).contains(&month) {
        return None;
    }
    let from_march = year - u64::from(month <= 2);
    let (era, year_of_era) = (from_march / 400, from_march % 400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day.checked_sub(1)?;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = (era * 146_097 + day_of_era).checked_sub(719_468)?;
    // This also checks that the month has that day.
    (civil_from_days(days) == (year, month, day)).then_some(days)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_until_2200_is_found_by_its_date() {
        let mut day = 0;
        for year in 1970..=2200_u16 {
            for month in 1..=12_u8 {
                for of_month in 1..=31_u8 {
                    let Some(moment) = UnixTime::from_civil_utc(year, month, of_month, 23, 59, 58)
                    else {
                        continue;
                    };
                    assert_eq!(moment.seconds(), day * 86_400 + 86_398);
                    assert_eq!(
                        moment.date_utc(),
                        format!("{year:04}-{month:02}-{of_month:02}")
                    );
                    day += 1;
                }
            }
        }
        assert_eq!(
            UnixTime::from_seconds(day * 86_400).date_utc(),
            "2201-01-01"
        );
    }

    #[test]
    fn a_date_or_time_that_does_not_exist_is_refused() {
        for (year, month, day, hour, minute, second) in [
            (0, 1, 1, 0, 0, 0),
            (1969, 12, 31, 23, 59, 59),
            (2026, 2, 29, 0, 0, 0),
            (2026, 2, 30, 0, 0, 0),
            (2028, 2, 30, 0, 0, 0),
            (2100, 2, 29, 0, 0, 0),
            (2026, 4, 31, 0, 0, 0),
            (2026, 0, 1, 0, 0, 0),
            (2026, 13, 1, 0, 0, 0),
            (2026, 1, 0, 0, 0, 0),
            (2026, 1, 32, 0, 0, 0),
            (2026, 255, 255, 0, 0, 0),
            (2026, 1, 1, 24, 0, 0),
            (2026, 1, 1, 0, 60, 0),
            (2026, 1, 1, 0, 0, 60),
        ] {
            let found = UnixTime::from_civil_utc(year, month, day, hour, minute, second);
            assert_eq!(found, None, "{year}-{month}-{day} {hour}:{minute}:{second}");
        }
    }

    #[test]
    fn a_moment_reads_back_from_its_shown_form() {
        for (date, seconds) in [
            ((1970, 1, 1, 0, 0, 0), 0),
            ((1970, 1, 1, 23, 59, 59), 86_399),
            ((2000, 2, 29, 0, 0, 0), 951_782_400),
            ((2005, 3, 18, 1, 58, 29), 1_111_111_109),
            ((2100, 3, 1, 0, 0, 0), 4_107_542_400),
            ((2603, 10, 11, 11, 33, 20), 20_000_000_000),
        ] {
            let (year, month, day, hour, minute, second) = date;
            let found = UnixTime::from_civil_utc(year, month, day, hour, minute, second).unwrap();
            assert_eq!(found.seconds(), seconds);
            let shown = format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}");
            assert_eq!(found.date_time_utc(), shown);
        }
        assert!(UnixTime::from_civil_utc(u16::MAX, 12, 31, 23, 59, 59).is_some());
    }

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
    fn the_next_full_minute_is_never_earlier() {
        for (seconds, minute) in [(0, 0), (1, 60), (59, 60), (60, 60), (61, 120)] {
            assert_eq!(
                UnixTime::from_seconds(seconds).to_next_minute().seconds(),
                minute
            );
        }
    }

    #[test]
    fn the_latest_time_does_not_wrap_around() {
        assert_eq!(
            UnixTime::from_seconds(u64::MAX)
                .after(Duration::from_secs(5))
                .seconds(),
            u64::MAX
        );
    }

    #[test]
    fn the_error_for_an_early_clock_names_the_year_1970() {
        let told = Before1970.to_string();
        assert_eq!(told, "the system clock is set before 1970");
    }
}
