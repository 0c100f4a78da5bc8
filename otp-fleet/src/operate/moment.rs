//! The moment before which no code counts, after a restore or a confirmation. It is not earlier than the fleet's
//! clocks have shown.
//!
//! It is this host's time. If this clock were behind, codes used in the meantime would count again. So it is compared
//! with what the fleet knows: the middle one of the verifiers' clocks, and the times of the last accepted codes.

use super::database::{Database, Pages};
use super::now;
use crate::beats::{self, Beat};
use crate::keeper::{ACCOUNTS, told_by_guard};
use crate::name::PeerName;
use otp_core::UnixTime;
use otp_core::messages::fleet::Unable;
use std::time::Duration;

/// The largest difference between the clocks of serving verifiers.
const APART: Duration = Duration::from_secs(30);

/// Returns the moment; `known`: a time known from elsewhere, such as that of a backup.
///
/// # Errors
/// The clock of this host is behind, or the database cannot be read.
pub fn of_floor(database: &Database, known: UnixTime) -> Result<UnixTime, Unable> {
    let here = now()?;
    let latest = known
        .max(of_verifiers(database)?)
        .max(of_accounts(database)?);
    if latest > here.after(APART) {
        let seconds = latest.seconds() - here.seconds();
        return Err(Unable::ClockBehind { seconds });
    }
    Ok(here.max(latest))
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

fn of_accounts(database: &Database) -> Result<UnixTime, Unable> {
    let mut latest = UnixTime::from_seconds(0);
    database.every(ACCOUNTS, WHOLE, |found| {
        if let Some((_, Some(when))) = told_by_guard(&found.value) {
            latest = latest.max(when);
        }
        Ok(())
    })?;
    Ok(latest)
}

const WHOLE: Pages = Pages {
    revision: 0,
    keys_only: false,
};
