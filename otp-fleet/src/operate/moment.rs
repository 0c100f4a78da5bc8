//! The moment before which no code counts, after a restore or a confirmation. It is not earlier than the fleet's
//! clocks have shown.
//!
//! It is this host's time. If this clock were behind, codes used in the meantime would count again. So it is compared
//! with what the fleet knows: the middle one of the verifiers' clocks, and the times of the last accepted codes. One
//! account that was accepted by a clock far ahead would keep everybody out for that long, so an administrator who has
//! checked this host's clock can have it taken as it is.

use super::database::{Database, Pages};
use super::now;
use crate::beats::{self, Beat};
use crate::keeper::{ACCOUNTS, owner, told_by_guard};
use crate::name::PeerName;
use otp_core::UnixTime;
use otp_core::messages::fleet::{Recorded, Unable};
use std::time::Duration;

/// The largest difference between the clocks of serving verifiers.
const APART: Duration = Duration::from_secs(30);

/// Whether the clock of this host is compared with what the fleet knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    Compared,
    /// The administrator has checked it: `--trust-clock`.
    Trusted,
}

impl Clock {
    pub fn of(is_trusted: bool) -> Self {
        if is_trusted {
            Self::Trusted
        } else {
            Self::Compared
        }
    }
}

/// A time that the fleet has recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Time {
    pub when: UnixTime,
    pub recorded: Recorded,
}

impl Time {
    /// Returns the later one of the two.
    pub fn or_later(self, other: Self) -> Self {
        if other.when > self.when { other } else { self }
    }

    /// Returns the time at which a guard, with its key, says that a code was accepted last.
    pub fn of_guard(key: &[u8], value: &[u8]) -> Option<Self> {
        let (_, accepted) = told_by_guard(value)?;
        let name = owner(key).unwrap_or_default();
        accepted.map(|when| Self {
            when,
            recorded: Recorded::Account(name.escape_debug().to_string()),
        })
    }
}

/// Returns the moment; `known`: times known from elsewhere, such as that of a backup.
///
/// Verifiers' clocks may be ahead of this one by [`APART`], so of the times within that difference the latest counts,
/// also if this clock is trusted.
///
/// # Errors
/// The clock of this host is behind, or the database cannot be read.
pub fn of_floor(
    database: &Database,
    known: impl IntoIterator<Item = Time>,
    clock: Clock,
) -> Result<UnixTime, Unable> {
    let here = now()?;
    let most = here.after(APART);
    let (mut moment, mut latest) = (here, None::<Time>);
    let mut add = |time: Time| {
        if time.when <= most {
            moment = moment.max(time.when);
        }
        latest = Some(match latest.take() {
            Some(before) => before.or_later(time),
            None => time,
        });
    };
    add(Time {
        when: of_verifiers(database)?,
        recorded: Recorded::Verifiers,
    });
    known.into_iter().for_each(&mut add);
    database.every(ACCOUNTS, WHOLE, |found| {
        Time::of_guard(&found.key, &found.value)
            .into_iter()
            .for_each(&mut add);
        Ok(())
    })?;
    match (clock, latest) {
        (Clock::Compared, Some(Time { when, recorded })) if when > most => {
            let seconds = when.seconds() - here.seconds();
            Err(Unable::ClockBehind { seconds, recorded })
        }
        (Clock::Compared | Clock::Trusted, _) => Ok(moment),
    }
}

/// Returns the middle one of the times that the verifiers' clocks have shown last.
fn of_verifiers(database: &Database) -> Result<UnixTime, Unable> {
    let mut times = Vec::new();
    database.every(beats::PREFIX, WHOLE, |found| {
        let name = found.key.strip_prefix(beats::PREFIX.as_bytes());
        let name = name.and_then(|name| std::str::from_utf8(name).ok());
        let beat = name
            .and_then(PeerName::new)
            .and_then(|name| Beat::from_text(&name, &found.value).ok());
        times.extend(beat.map(|beat| beat.time));
        Ok(())
    })?;
    times.sort_unstable();
    // Of two, this is the later one.
    let middle = times.get(times.len() / 2).copied();
    Ok(middle.unwrap_or(UnixTime::from_seconds(0)))
}

const WHOLE: Pages = Pages {
    revision: 0,
    keys_only: false,
};
