//! `trust`: where a good code let a user in. Format version 1.
//!
//! ```toml
//! version = 1
//! [[place]]
//! service = "sshd"
//! address = "192.0.2.1"
//! since = 1800000000
//! ```

use otp_core::messages::reason::Unfit;
use otp_core::{UnixTime, network};
use otp_file::{Section, Source, Unparsed, number, text};
use std::fmt::Write;
use std::net::IpAddr;

const VERSION: u64 = 1;
/// More than all stored places take.
pub(crate) const LIMIT: u64 = 4096;
/// The longest name of a service that is stored.
pub(crate) const LONGEST_SERVICE: usize = 64;

/// Places, and since when each is trusted.
pub(crate) type Places = Vec<(Place, UnixTime)>;

/// Where a user comes from, and the service used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    service: String,
    address: IpAddr,
}

impl Place {
    /// Returns the place of a login; `None`: it has none that could be told from others. The address must be a number.
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

    /// The service.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// The address that the user comes from.
    #[must_use]
    pub const fn address(&self) -> IpAddr {
        self.address
    }
}

/// Reads places, oldest first.
pub(crate) fn parse(bytes: &[u8]) -> Result<Places, Unparsed> {
    let mut root = Source::of_record(bytes)?.root()?;
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
    let place = Place::of(&service, &address).ok_or_else(|| section.fault(Unfit::NoPlace))?;
    Ok((place, UnixTime::from_seconds(since)))
}

/// Writes places.
pub(crate) fn to_text(places: &[(Place, UnixTime)]) -> String {
    let mut text = format!("version = {VERSION}\n");
    for (Place { service, address }, since) in places {
        let since = since.seconds();
        write!(
            text,
            "\n[[place]]\nservice = \"{service}\"\naddress = \"{address}\"\nsince = {since}\n"
        )
        .expect("writing to a String never fails");
    }
    text
}

#[cfg(test)]
mod tests;
