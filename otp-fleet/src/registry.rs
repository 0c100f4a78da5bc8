//! The members of the fleet: machines and administrators, each by the name in its certificate.
//!
//! A certificate that the CA has signed is not enough: its name must be registered, and it is looked up for every
//! request. So a revoked machine gets no further answer, whatever certificate it has.
//!
//! In etcd an entry is the value of `/pam_otp/m/NAME`; for a verifier over a folder it is the file NAME in a
//! directory.

use crate::name::PeerName;
use otp_core::UnixTime;
use otp_file::{Source, Unparsed, number, text, texts, truth};
use std::fmt::Write;

/// The prefix of the entries in etcd.
pub const PREFIX: &str = "/pam_otp/m/";

/// The version of entries that this release writes.
const VERSION: u64 = 1;

/// The role of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A machine that users log in to.
    Machine,
    /// A person who administers the fleet.
    Administrator,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 2] = otp_core::every!(Role: Machine, Administrator);

    /// Returns the word in an entry.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Machine => "machine",
            Self::Administrator => "administrator",
        }
    }
}

/// The name of a zone: zones determine which of the fleet's users a machine may ask about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Zone(String);

impl Zone {
    /// Reads a name: letters, digits, `-` and `_`; at most 64 of them.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let is_of_one = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        ((1..=64).contains(&name.len()) && name.bytes().all(is_of_one))
            .then(|| Self(name.to_owned()))
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The entry of one name in the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name of the member.
    pub name: PeerName,
    /// The role of the member.
    pub role: Role,
    /// The zones of a machine; none: it may ask about all users.
    pub zones: Vec<Zone>,
    /// Since when the member gets no answers.
    pub revoked: Option<UnixTime>,
    /// When the member was registered.
    pub added: UnixTime,
}

impl Entry {
    /// Returns the key of an entry in etcd.
    #[must_use]
    pub fn key(name: &PeerName) -> String {
        format!("{PREFIX}{name}")
    }

    /// Writes the entry as it is stored.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("version = {VERSION}\n");
        let zones: Vec<String> = self
            .zones
            .iter()
            .map(|zone| format!("\"{}\"", zone.as_str()))
            .collect();
        let written = write!(
            text,
            "name = \"{}\"\nrole = \"{}\"\nzones = [{}]\nadded = {}\nrevoked = {}\n",
            self.name,
            self.role.word(),
            zones.join(", "),
            self.added.seconds(),
            self.revoked.is_some(),
        );
        written.expect("a String takes every write");
        if let Some(when) = self.revoked {
            writeln!(text, "revoked_at = {}", when.seconds()).expect("a String takes every write");
        }
        text
    }

    /// Reads the entry that is stored under a name. An entry that has another name is refused: it may have been
    /// copied.
    ///
    /// # Errors
    /// The value is not an entry, or is one of a newer release.
    pub fn from_text(name: &PeerName, bytes: &[u8]) -> Result<Self, Unparsed> {
        let mut root = Source::of_record(bytes)?.root()?;
        root.version(VERSION)?;
        let itself = root.require("name", |value| {
            PeerName::new(text(value)?).ok_or("must be a DNS name")
        })?;
        if itself != *name {
            return Err(Unparsed::whole("is the entry of another name"));
        }
        let role = root.require("role", |value| {
            let word = text(value)?;
            let role = Role::ALL.into_iter().find(|role| role.word() == word);
            role.ok_or("must be \"machine\" or \"administrator\"")
        })?;
        let zones = root.take("zones", |value| {
            let names = texts(value)?;
            let zones: Option<Vec<Zone>> = names.iter().map(|name| Zone::new(name)).collect();
            zones.ok_or("must be names of zones: letters, digits, '-' and '_'")
        })?;
        let moment = |value: &toml::de::DeValue<'_>| number(value).map(UnixTime::from_seconds);
        let added = root.require("added", moment)?;
        let is_revoked = root.require("revoked", truth)?;
        let revoked_at = root.take("revoked_at", moment)?;
        let revoked = match (is_revoked, revoked_at) {
            (true, Some(when)) => Some(when),
            // The entry was written by hand.
            (true, None) => Some(added),
            (false, None) => None,
            (false, Some(_)) => return Err(root.fault("'revoked_at' and not revoked")),
        };
        root.end()?;
        Ok(Self {
            name: itself,
            role,
            zones: zones.unwrap_or_default(),
            revoked,
            added,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name() -> PeerName {
        PeerName::new("web1.example.org").unwrap()
    }

    fn entry() -> Entry {
        Entry {
            name: name(),
            role: Role::Machine,
            zones: vec![Zone::new("web").unwrap(), Zone::new("db_2").unwrap()],
            revoked: None,
            added: UnixTime::from_seconds(1_763_640_000),
        }
    }

    #[test]
    fn an_entry_is_stored_as_readable_text() {
        assert_eq!(
            entry().to_text(),
            "version = 1\nname = \"web1.example.org\"\nrole = \"machine\"\nzones = [\"web\", \"db_2\"]\n\
             added = 1763640000\nrevoked = false\n"
        );
        assert_eq!(Entry::key(&name()), "/pam_otp/m/web1.example.org");
    }

    #[test]
    fn a_damaged_entry_is_an_error_and_never_a_machine_without_zones() {
        let good = entry().to_text();
        assert_eq!(Entry::from_text(&name(), good.as_bytes()), Ok(entry()));
        for (from, to) in [
            ("version = 1\n", ""),
            ("version = 1", "version = 2"),
            ("web1.example.org", "web2.example.org"),
            ("\"machine\"", "\"root\""),
            ("zones = [\"web\", \"db_2\"]", "zones = \"web\""),
            ("\"db_2\"", "\"@staff\""),
            ("\"db_2\"", "\"\""),
            ("revoked = false\n", ""),
            ("revoked = false", "revoked = \"no\""),
            ("revoked = false", "revoked = false\nrevoked_at = 1"),
            ("revoked = false", "revoked = false\nzone = []"),
            ("added = 1763640000\n", ""),
            ("added", "\u{0}added"),
        ] {
            let bad = good.replace(from, to);
            assert!(bad != good, "{from}");
            assert!(Entry::from_text(&name(), bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(Entry::from_text(&name(), b"").is_err());
        assert!(Entry::from_text(&name(), b"\xff").is_err());
        let by_hand = good.replace("revoked = false", "revoked = true");
        let read = Entry::from_text(&name(), by_hand.as_bytes()).unwrap();
        assert_eq!(read.revoked, Some(entry().added));
    }

    proptest! {
        #[test]
        fn every_entry_reads_back(
            zones in prop::collection::vec("[A-Za-z0-9_-]{1,64}", 0..4),
            is_machine in any::<bool>(),
            revoked in prop::option::of(0..u64::from(u32::MAX)),
            added in 0..u64::from(u32::MAX),
        ) {
            let entry = Entry {
                role: if is_machine { Role::Machine } else { Role::Administrator },
                zones: zones.iter().map(|zone| Zone::new(zone).unwrap()).collect(),
                revoked: revoked.map(UnixTime::from_seconds),
                added: UnixTime::from_seconds(added),
                ..entry()
            };
            prop_assert_eq!(Entry::from_text(&name(), entry.to_text().as_bytes()), Ok(entry));
        }

        #[test]
        fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            Entry::from_text(&name(), &bytes).ok();
        }
    }
}
