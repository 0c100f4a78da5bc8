//! Times in the forms of syslog.

use otp_core::{UnixTime, Zone};
use otp_site::zone;
use std::time::Duration;

pub const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// The facts that replace the zone and the year that a line does not state.
pub struct Clocks {
    /// The zone of the clocks that wrote the lines.
    pub zone: Zone,
    /// The current time: no line is more than a day later.
    pub now: UnixTime,
}

impl Clocks {
    /// Returns what holds on this machine.
    pub fn of_this_machine(now: UnixTime) -> Self {
        let zone = zone::of_this_machine();
        Self { zone, now }
    }

    /// Returns the moment at which the clocks show what clocks in UTC show at `wall`. Of an hour that they show twice,
    /// as summer time ends, it is the second one.
    fn moment(&self, wall: UnixTime) -> Option<UnixTime> {
        // What holds hours later and hours earlier; a change of the clocks is between them at most once.
        let [later, earlier] = [-1, 1].map(|sign| {
            let near = shifted(wall, sign * 93_600).unwrap_or(wall);
            shifted(wall, self.zone.at(near).ahead())
        });
        let shows = |when: &UnixTime| shifted(*when, -self.zone.at(*when).ahead()) == Some(wall);
        // Of an hour that the clocks leave out, they have shown nothing.
        later.filter(shows).or(earlier)
    }
}

/// Takes the time from the start of a line; also returns the rest of the line.
pub fn take<'a>(line: &'a str, clocks: &Clocks) -> Option<(UnixTime, &'a str)> {
    if line.starts_with(|c: char| c.is_ascii_digit()) {
        let (stamp, rest) = line.split_once(' ')?;
        return Some((rfc3339(stamp)?, rest));
    }
    let (stamp, rest) = (line.get(..15)?, line.get(15..)?.strip_prefix(' ')?);
    let month = stamp.get(..3)?;
    let month = MONTHS.iter().position(|name| *name == month)?;
    let month = u8::try_from(month + 1).ok()?;
    let day = stamp.get(4..6)?.trim_start().parse().ok()?;
    let (hour, minute, second) = clock(stamp.get(7..)?)?;
    let latest = clocks.now.after(Duration::from_secs(86_400));
    let year = year_of(latest)?;
    // A day that the year does not have (29 February) belongs to an earlier year.
    let mut years = (1970..=year).rev().take(5);
    let when = years.find_map(|year| {
        let when = UnixTime::from_civil_utc(year, month, day, hour, minute, second)?;
        clocks.moment(when).filter(|when| *when <= latest)
    })?;
    Some((when, rest))
}

/// Reads `2027-01-15T08:00:10.123456+09:00`.
fn rfc3339(stamp: &str) -> Option<UnixTime> {
    let (date, time) = stamp.split_once('T')?;
    let end = time.get(..8)?;
    let behind = time[8..].trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    let ahead = if behind == "Z" { 0 } else { offset(behind)? };
    let (hour, minute, second) = clock(end)?;
    let (year, month, day) = date_of(date)?;
    let when = UnixTime::from_civil_utc(year, month, day, hour, minute, second)?;
    shifted(when, ahead)
}

/// Reads `2027-01-15`.
pub fn date_of(text: &str) -> Option<(u16, u8, u8)> {
    let (year, rest) = text.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    let both = (year.len(), month.len(), day.len()) == (4, 2, 2);
    both.then_some((number(year)?, number(month)?, number(day)?))
}

/// Reads `08:00:10`.
pub fn clock(text: &str) -> Option<(u8, u8, u8)> {
    let mut parts = text.split(':');
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next()?);
    let all = parts.next().is_none() && [hour, minute, second].iter().all(|part| part.len() == 2);
    all.then_some((number(hour)?, number(minute)?, number(second)?))
}

/// Reads digits only.
fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    let are_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| are_digits)
}

/// Reads `+0900` or `+09:00`, in seconds.
fn offset(text: &str) -> Option<i64> {
    let (sign, rest) = text.split_at_checked(1)?;
    let sign = match sign {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let digits: String = rest.chars().filter(|c| *c != ':').collect();
    let (hours, minutes) = digits.split_at_checked(2)?;
    if minutes.len() != 2 {
        return None;
    }
    let (hours, minutes): (i64, i64) = (number(hours)?, number(minutes)?);
    Some(sign * (hours * 3600 + minutes * 60))
}

fn shifted(when: UnixTime, ahead: i64) -> Option<UnixTime> {
    let seconds = i64::try_from(when.seconds()).ok()?.checked_sub(ahead)?;
    u64::try_from(seconds).ok().map(UnixTime::from_seconds)
}

fn year_of(when: UnixTime) -> Option<u16> {
    when.date_utc().get(..4)?.parse().ok()
}
