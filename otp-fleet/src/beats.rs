//! The beat that each verifier writes every few seconds, in etcd under `/pam_otp/v/NAME`: it shows that the verifier
//! is running, the time of its clock, and whether it serves. The beat has a lease, and disappears soon after the
//! verifier.
//!
//! Next to it, under `/pam_otp/p/NAME`, is the last digest of each machine's policy, for `otp-admin doctor`.

use crate::name::PeerName;
use otp_core::UnixTime;
use otp_core::event::{Text, unescaped};
use otp_file::{Source, Unparsed, number, text, texts};
use otp_helper::fleet::PolicyDigest;
use std::fmt::Write;

/// The prefix of the beats in etcd.
pub const PREFIX: &str = "/pam_otp/v/";

/// The prefix of the digests of the machines' policies.
pub const POLICIES: &str = "/pam_otp/p/";

/// The version of beats that this release writes.
const VERSION: u64 = 1;

/// One beat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beat {
    /// The first name in the verifier's certificate.
    pub name: PeerName,
    /// The verifier's release.
    pub release: String,
    /// The time of the verifier's clock.
    pub time: UnixTime,
    /// The number of beats since the verifier started. Two beats with the same number are the same beat.
    pub number: u64,
    /// The seconds by which its clock is ahead of the others' (below zero: behind), as it has found; `None`: it knows
    /// no other clock.
    pub ahead: Option<i64>,
    /// Why it refuses requests; `None`: it serves.
    pub refuses: Option<String>,
    /// The digest of the verifier's policy.
    pub policy: PolicyDigest,
    /// The machines that have recently asked for more than one machine may.
    pub held_back: Vec<PeerName>,
}

impl Beat {
    /// Returns the key in etcd.
    #[must_use]
    pub fn key(name: &PeerName) -> String {
        format!("{PREFIX}{name}")
    }

    /// Writes the beat as it is stored.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("version = {VERSION}\n");
        let quoted = |text: &str| {
            let text = Text::escaped(text).as_str().replace('\\', "\\\\");
            format!("\"{}\"", text.replace('"', "\\\""))
        };
        let mut line = |key: &str, value: &str| {
            writeln!(text, "{key} = {value}").expect("a String takes every write");
        };
        line("name", &format!("\"{}\"", self.name));
        line("release", &quoted(&self.release));
        line("time", &self.time.seconds().to_string());
        line("number", &self.number.to_string());
        if let Some(ahead) = self.ahead {
            line("ahead", &format!("\"{ahead}\""));
        }
        if let Some(reason) = &self.refuses {
            line("refuses", &quoted(reason));
        }
        line("policy", &format!("\"{}\"", self.policy));
        // Verifiers of an earlier release do not know this line.
        if !self.held_back.is_empty() {
            let names = self.held_back.iter().map(|name| format!("\"{name}\""));
            line(
                "held_back",
                &format!("[{}]", names.collect::<Vec<_>>().join(", ")),
            );
        }
        text
    }

    /// Reads the beat that is stored under a name.
    ///
    /// # Errors
    /// The value is not a beat, or is one of a newer release.
    pub fn from_text(name: &PeerName, bytes: &[u8]) -> Result<Self, Unparsed> {
        let mut root = Source::of_record(bytes)?.root()?;
        root.version(VERSION)?;
        let plain =
            |value: &toml::de::DeValue<'_>| unescaped(text(value)?).ok_or("must be escaped text");
        let itself = root.require("name", |value| {
            PeerName::new(text(value)?).ok_or("must be a DNS name")
        })?;
        if itself != *name {
            return Err(Unparsed::whole("is the beat of another name"));
        }
        let beat = Self {
            name: itself,
            release: root.require("release", plain)?,
            time: root.require("time", |value| number(value).map(UnixTime::from_seconds))?,
            number: root.require("number", number)?,
            ahead: root.take("ahead", |value| {
                text(value)?
                    .parse()
                    .map_err(|_| "must be a number of seconds")
            })?,
            refuses: root.take("refuses", plain)?,
            policy: root.require("policy", |value| {
                PolicyDigest::from_text(text(value)?).ok_or("must be 16 hexadecimal digits")
            })?,
            held_back: root
                .take("held_back", |value| {
                    let names = texts(value)?;
                    let names: Option<Vec<_>> =
                        names.iter().map(|one| PeerName::new(one)).collect();
                    names.ok_or("must be DNS names")
                })?
                .unwrap_or_default(),
        };
        root.end()?;
        Ok(beat)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use otp_core::Policy;
    use proptest::prelude::*;

    fn name() -> PeerName {
        PeerName::new("v1.example.org").unwrap()
    }

    fn beat() -> Beat {
        Beat {
            name: name(),
            release: "0.1.0".to_owned(),
            time: UnixTime::from_seconds(1_763_640_000),
            number: 7,
            ahead: Some(-31),
            refuses: Some("the \"clock\" \\ is off".to_owned()),
            policy: PolicyDigest::of(&Policy::default()),
            held_back: vec![PeerName::new("web1").unwrap(), name()],
        }
    }

    #[test]
    fn text_that_is_no_beat_is_an_error() {
        let good = beat().to_text();
        assert_eq!(Beat::from_text(&name(), good.as_bytes()), Ok(beat()));
        for (from, to) in [
            ("version = 1", "version = 2"),
            ("v1.example.org", "v2.example.org"),
            ("time = ", "time = -"),
            ("number = 7\n", ""),
            ("\"-31\"", "\"x\""),
            ("policy = \"", "policy = \"0"),
            ("ahead", "behind"),
            ("[\"web1\"", "[\"a b\""),
        ] {
            let bad = good.replace(from, to);
            assert!(
                bad != good && Beat::from_text(&name(), bad.as_bytes()).is_err(),
                "{bad}"
            );
        }
    }

    proptest! {
        #[test]
        fn every_beat_reads_back(
            reason in prop::option::of("(?s).{0,60}"),
            ahead in prop::option::of(any::<i64>()),
            number in 0..u64::from(u32::MAX),
            is_one_held_back in any::<bool>(),
        ) {
            let held_back = if is_one_held_back { beat().held_back } else { Vec::new() };
            let beat = Beat { refuses: reason, ahead, number, held_back, ..beat() };
            prop_assert_eq!(Beat::from_text(&name(), beat.to_text().as_bytes()), Ok(beat));
        }
    }
}
