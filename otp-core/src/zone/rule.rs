//! The rule that a time zone follows from the last recorded change on: `TZ` of POSIX, with RFC 9636's wider hours.

use super::OFFSETS;
use super::local::Name;
use crate::UnixTime;

/// Standard time, and summer time where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    standard: Named,
    summer: Option<Summer>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Named {
    name: Name,
    /// Seconds east of UTC.
    offset: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Summer {
    named: Named,
    begins: Change,
    ends: Change,
}

/// A day of every year, and the seconds after its midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Change {
    day: Day,
    seconds: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Day {
    /// Of the year from 1 on; the 29th of February is not counted.
    WithoutLeap(i64),
    /// Of the year from 0 on.
    OfYear(i64),
    /// The nth weekday (0 is Sunday) of a month; 5 is the last.
    OfMonth { month: u8, week: i64, weekday: i64 },
}

const DAY: i64 = 86_400;

impl Rule {
    /// Reads `CET-1CEST,M3.5.0,M10.5.0/3`; `None`: it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = text;
        let name = name(&mut rest)?;
        let offset = offset(&mut rest)?;
        let standard = Named { name, offset };
        if rest.is_empty() {
            let summer = None;
            return Some(Self { standard, summer });
        }
        let name = self::name(&mut rest)?;
        let offset = if rest.starts_with(',') {
            standard.offset + 3600
        } else {
            self::offset(&mut rest)?
        };
        let changes = rest.strip_prefix(',')?;
        let (begins, ends) = changes.split_once(',')?;
        let summer = Some(Summer {
            named: Named { name, offset },
            begins: Change::parse(begins)?,
            ends: Change::parse(ends)?,
        });
        Some(Self { standard, summer })
    }

    /// Seconds east of UTC at a moment, and what the zone is called then.
    pub fn at(&self, moment: UnixTime) -> (i64, Name) {
        let named = match &self.summer {
            Some(summer) if self.is_summer(summer, moment).unwrap_or(false) => &summer.named,
            _ => &self.standard,
        };
        (named.offset, named.name)
    }

    fn is_summer(&self, summer: &Summer, moment: UnixTime) -> Option<bool> {
        let moment = i64::try_from(moment.seconds()).ok()?;
        let local = u64::try_from(moment.checked_add(self.standard.offset)?).ok()?;
        let date = UnixTime::from_seconds(local).date_utc();
        let year: u16 = date.split('-').next()?.parse().ok()?;
        // Each in the time that held before it.
        let begins = summer.begins.in_year(year)? - self.standard.offset;
        let ends = summer.ends.in_year(year)? - summer.named.offset;
        Some(if begins < ends {
            (begins..ends).contains(&moment)
        } else {
            !(ends..begins).contains(&moment)
        })
    }
}

impl Change {
    fn parse(text: &str) -> Option<Self> {
        let (day, at) = text.split_once('/').unwrap_or((text, "2"));
        let mut at = at;
        let seconds = time(&mut at).filter(|_| at.is_empty())?;
        let within = |text: &str, range: std::ops::RangeInclusive<i64>| {
            text.parse().ok().filter(|number| range.contains(number))
        };
        let day = if let Some(day) = day.strip_prefix('J') {
            Day::WithoutLeap(within(day, 1..=365)?)
        } else if let Some(day) = day.strip_prefix('M') {
            let mut parts = day.split('.');
            let mut part = |range| within(parts.next()?, range);
            Day::OfMonth {
                month: u8::try_from(part(1..=12)?).ok()?,
                week: part(1..=5)?,
                weekday: part(0..=6)?,
            }
        } else {
            Day::OfYear(within(day, 0..=365)?)
        };
        Some(Self { day, seconds })
    }

    /// When it is in a year, as seconds since 1970 of the local time before it.
    fn in_year(self, year: u16) -> Option<i64> {
        let days = match self.day {
            Day::OfYear(day) => first(year, 1)? + day,
            Day::WithoutLeap(day) => {
                let has_leap_day = first(year, 3)? - first(year, 2)? == 29;
                first(year, 1)? + day - 1 + i64::from(has_leap_day && day > 59)
            }
            Day::OfMonth {
                month,
                week,
                weekday,
            } => {
                let begins = first(year, month)?;
                let next = if month == 12 {
                    first(year.checked_add(1)?, 1)?
                } else {
                    first(year, month + 1)?
                };
                // 1970 began on a Thursday.
                let until = (weekday - (begins + 4)).rem_euclid(7);
                let day = begins + until + 7 * (week - 1);
                if day < next { day } else { day - 7 }
            }
        };
        Some(days * DAY + self.seconds)
    }
}

/// Days from 1970 to the first of a month.
fn first(year: u16, month: u8) -> Option<i64> {
    let begins = UnixTime::from_civil_utc(year, month, 1, 0, 0, 0)?;
    Some(i64::try_from(begins.seconds()).ok()? / DAY)
}

/// Takes a name: letters, or anything plain in angle brackets.
fn name(rest: &mut &str) -> Option<Name> {
    let (name, behind) = if let Some(quoted) = rest.strip_prefix('<') {
        quoted.split_once('>')?
    } else {
        let end = rest
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(rest.len());
        rest.split_at(end)
    };
    let name = Name::parse(name.as_bytes()).filter(|_| name.len() >= 3)?;
    *rest = behind;
    Some(name)
}

/// Takes the distance of a zone, which is west of UTC, and returns the seconds east of it.
fn offset(rest: &mut &str) -> Option<i64> {
    time(rest)
        .map(|west| -west)
        .filter(|east| OFFSETS.contains(east))
}

/// Takes `[+-]hours[:minutes[:seconds]]`, in seconds.
fn time(rest: &mut &str) -> Option<i64> {
    let is_part = |c: char| c.is_ascii_digit() || c == ':';
    let sign = if rest.starts_with('-') { -1 } else { 1 };
    let digits = rest.strip_prefix(['-', '+']).unwrap_or(rest);
    let end = digits.find(|c| !is_part(c)).unwrap_or(digits.len());
    let (text, behind) = digits.split_at(end);
    let mut parts = text.split(':').map(|part| part.parse::<i64>().ok());
    let hours = parts.next()??;
    let minutes = parts.next().unwrap_or(Some(0))?;
    let seconds = parts.next().unwrap_or(Some(0))?;
    if hours > 167 || minutes > 59 || seconds > 59 || parts.next().is_some() {
        return None;
    }
    *rest = behind;
    Some(sign * (hours * 3600 + minutes * 60 + seconds))
}
