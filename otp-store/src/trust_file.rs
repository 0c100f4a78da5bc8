//! Where a user was let in by a good code, so that none is asked for again for a while.
//!
//! ```toml
//! version = 1
//! [[place]]
//! service = "sshd"
//! address = "192.0.2.1"
//! since = 1800000000
//! ```
//! In the user's directory, root's alone. It says when trust began, so that how long it lasts is what policy says now.
//! Whatever is wrong with it means that a code is asked for.

use crate::error::At;
use crate::files::LOCK_DEADLINE;
use crate::{Error, Locked, Store};
use nix::errno::Errno;
use nix::unistd::{UnlinkatFlags, unlinkat};
use otp_core::decide::standing_at;
use otp_core::record::Standing;
use otp_core::{Account, UnixTime, network};
use otp_file::{Access, Section, Source, Unparsed, number, open_file, read_whole, text};
use std::fmt::Write;
use std::net::IpAddr;
use std::time::Duration;

pub(crate) const NAME: &str = "trust";

const VERSION: u64 = 1;
const MODE: u32 = 0o600;
/// Places that are kept for one user; the oldest goes first.
const MOST: usize = 16;
/// More than so many places take.
const LIMIT: u64 = 4096;
/// The longest name of a service that is kept.
const LONGEST_SERVICE: usize = 64;

/// From where a user comes in, and by what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    service: String,
    address: IpAddr,
}

impl Place {
    /// The place of a login; `None`: it has none that could be told from another. The address has to be a number.
    #[must_use]
    pub fn of(service: &str, rhost: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-+@".contains(&byte);
        if service.is_empty() || service.len() > LONGEST_SERVICE || !service.bytes().all(plain) {
            return None;
        }
        Some(Self {
            service: service.to_owned(),
            address: network::address(rhost)?,
        })
    }
}

impl Store {
    /// Since when the account is trusted at that place; `None`: it is not.
    ///
    /// An account that is locked, or was since its last success, is trusted nowhere.
    ///
    /// # Errors
    /// The record or the file cannot be trusted or read.
    pub fn trusted_since(
        &self,
        account: &Account,
        place: &Place,
        remember: Duration,
        now: UnixTime,
    ) -> Result<Option<UnixTime>, Error> {
        let Some(locked) = self.lock(account, LOCK_DEADLINE)? else {
            return Ok(None);
        };
        let Some(record) = locked.read(account)? else {
            return Ok(None);
        };
        let open = standing_at(record.state.standing, now) == Standing::Open;
        if !open || record.state.locks_in_a_row > 0 {
            return Ok(None);
        }
        let mut places = locked.places()?.into_iter();
        let found = places.find(|(known, _)| known == place);
        let lasts = |since: &UnixTime| *since <= now && now < since.after(remember);
        Ok(found.map(|(_, since)| since).filter(lasts))
    }

    /// Trusts the account at that place from `now` on.
    ///
    /// # Errors
    /// It could not be written; then a code is asked for again.
    pub fn trust(&self, account: &Account, place: Place, now: UnixTime) -> Result<(), Error> {
        let Some(locked) = self.lock(account, LOCK_DEADLINE)? else {
            return Ok(());
        };
        // What cannot be read is worth nothing; the new one is.
        let mut places = locked.places().unwrap_or_default();
        places.retain(|(known, since)| *known != place && *since <= now);
        places.push((place, now));
        let surplus = places.len().saturating_sub(MOST);
        locked.put(NAME, MODE, to_text(&places[surplus..]).as_bytes())
    }
}

impl Locked {
    /// Trusts the account nowhere any longer.
    ///
    /// # Errors
    /// What is there cannot be removed.
    pub fn forget_trust(&self) -> Result<(), Error> {
        match unlinkat(self.directory(), NAME, UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(errno) => Err(Error::io(&self.path_of(NAME), "remove", errno)),
        }
    }

    /// Oldest first.
    fn places(&self) -> Result<Vec<(Place, UnixTime)>, Error> {
        let path = self.path_of(NAME);
        let (directory, rules) = (self.directory(), self.rules_for_roots_own(MODE));
        let Some(file) = open_file(directory, NAME, Access::Read, rules, LIMIT).at(&path)? else {
            return Ok(Vec::new());
        };
        parse(&read_whole(&file, LIMIT).at(&path)?).at(&path)
    }
}

fn parse(bytes: &[u8]) -> Result<Vec<(Place, UnixTime)>, Unparsed> {
    let mut root = Source::new(bytes)?.root()?;
    root.version(VERSION)?;
    let mut places = Vec::new();
    for mut section in root.sections("place")? {
        places.push(place(&mut section)?);
        section.end()?;
    }
    root.end()?;
    places.sort_by_key(|(_, since)| *since);
    Ok(places)
}

fn place(section: &mut Section<'_>) -> Result<(Place, UnixTime), Unparsed> {
    let service = section.require("service", |value| text(value).map(str::to_owned))?;
    let address = section.require("address", |value| text(value).map(str::to_owned))?;
    let since = section.require("since", number)?;
    let place = Place::of(&service, &address)
        .ok_or_else(|| section.fault("is not a service and a numeric address"))?;
    Ok((place, UnixTime::from_seconds(since)))
}

fn to_text(places: &[(Place, UnixTime)]) -> String {
    let mut text = format!("version = {VERSION}\n");
    for (Place { service, address }, since) in places {
        let since = since.seconds();
        write!(
            text,
            "\n[[place]]\nservice = \"{service}\"\naddress = \"{address}\"\nsince = {since}\n"
        )
        .expect("a String takes every write");
    }
    text
}

#[cfg(test)]
mod tests;
