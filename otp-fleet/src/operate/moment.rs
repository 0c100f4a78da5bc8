//! The moment before which no code counts, after a restore or a confirmation: no earlier than any clock of the fleet has shown.
//!
//! It is this host's time. Where that is behind, what was used meanwhile would count again; so it is held against what the
//! fleet knows: the verifiers' clocks, of which the one in the middle counts, and when codes were last accepted.

use super::database::{Database, Pages};
use super::now;
use crate::beats::{self, Beat};
use crate::keeper::{ACCOUNTS, told_by_guard};
use crate::name::PeerName;
use otp_core::UnixTime;
use otp_core::messages::fleet::Unable;
use std::time::Duration;

/// As far as the clocks of verifiers that serve may be apart.
const APART: Duration = Duration::from_secs(30);

/// The moment; `known`: what is known from elsewhere, such as when a backup was made.
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

/// What the verifiers' clocks have shown last: the one in the middle.
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
    // Of two, the later one.
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
