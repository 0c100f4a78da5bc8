//! What the policy says of a fleet: which verifiers keep the records, and whose records stay on the machine.

use super::OutOfRange;
use crate::account::Account;
use crate::host::host_and_port;
use crate::messages::reason::Unfit;
use std::fmt;
use std::path::PathBuf;

/// The most verifiers that a policy may name: each may delay a login by a second before the next is tried.
pub const MOST_VERIFIERS: usize = 8;

/// The port of a verifier, if the policy names none.
const USUAL_PORT: u16 = 6238;

/// A verifier, by its port and the name that its certificate must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verifier {
    host: String,
    port: u16,
}

impl Verifier {
    /// Reads `HOST` or `HOST:PORT`; an IPv6 address stands in brackets.
    ///
    /// # Errors
    /// It is neither.
    pub fn parse(text: &str) -> Result<Self, OutOfRange> {
        match host_and_port(text, USUAL_PORT) {
            Some((host, port)) => Ok(Self {
                host: host.to_owned(),
                port,
            }),
            None => Err(OutOfRange(Unfit::NoVerifier)),
        }
    }

    /// The name or address, which is looked up and which the certificate must have.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') {
            write!(f, "[{host}]:{port}")
        } else {
            write!(f, "{host}:{port}")
        }
    }
}

/// Where the records of a fleet's users are, and which users are not in the fleet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetPolicy {
    /// The verifiers, in the order in which they are tried; empty: this machine keeps all records itself.
    pub verifiers: Vec<Verifier>,
    /// The file with the certificates (PEM) that verifiers are checked against.
    pub ca: Option<PathBuf>,
    /// The file with this machine's certificate (PEM).
    pub certificate: Option<PathBuf>,
    /// The file with the key of that certificate.
    pub key: Option<PathBuf>,
    /// Users whose records stay on this machine, by name. Root's records always stay.
    pub local_users: Vec<String>,
}

impl Default for FleetPolicy {
    fn default() -> Self {
        Self {
            verifiers: Vec::new(),
            ca: None,
            certificate: None,
            key: None,
            local_users: vec!["root".to_owned()],
        }
    }
}

impl FleetPolicy {
    /// Whether this machine asks verifiers at all.
    #[must_use]
    pub const fn is_used(&self) -> bool {
        !self.verifiers.is_empty()
    }

    /// Whether the verifiers keep the records of that account. They never keep those of user id 0: the machine must let
    /// its administrator in when no verifier answers.
    #[must_use]
    pub fn keeps(&self, account: &Account) -> bool {
        let is_local = |name: &String| account.name.as_str() == name;
        self.is_used() && account.uid != 0 && !self.local_users.iter().any(is_local)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UserName;

    #[test]
    fn a_verifier_is_a_name_or_an_address_with_a_port_or_the_default_port() {
        for (text, host, port, shown) in [
            (
                "v1.example.org",
                "v1.example.org",
                6238,
                "v1.example.org:6238",
            ),
            ("v1:1", "v1", 1, "v1:1"),
            ("192.0.2.1:65535", "192.0.2.1", 65_535, "192.0.2.1:65535"),
            ("[2001:db8::1]", "2001:db8::1", 6238, "[2001:db8::1]:6238"),
            ("[::1]:17", "::1", 17, "[::1]:17"),
        ] {
            let verifier = Verifier::parse(text).unwrap();
            assert_eq!((verifier.host(), verifier.port()), (host, port));
            assert_eq!(verifier.to_string(), shown);
            assert_eq!(Verifier::parse(shown), Ok(verifier));
        }
        for bad in [
            "",
            " v1",
            "v1:",
            "v1:0",
            "v1:65536",
            "v1:+1",
            "v1:1:2",
            "::1",
            "[::1",
            "[::1]1",
            "[v1]",
            "https://v1",
            "v1/x",
            "-v1",
            "v1.",
            "v\u{e4}1",
            "v1\n",
        ] {
            assert!(Verifier::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_fleet_keeps_the_records_of_everybody_but_root_and_local_users() {
        let account = |name: &str, uid| Account {
            name: UserName::new(name).unwrap(),
            uid,
        };
        let fleet = FleetPolicy {
            verifiers: vec![Verifier::parse("v1").unwrap()],
            local_users: vec!["console".to_owned()],
            ..FleetPolicy::default()
        };
        assert!(fleet.keeps(&account("alice", 1001)));
        assert!(fleet.keeps(&account("consoles", 1002)));
        assert!(!fleet.keeps(&account("console", 1003)));
        // Root stays local under any name, even one missing from the list.
        assert!(!fleet.keeps(&account("root", 0)));
        assert!(!fleet.keeps(&account("toor", 0)));
        assert!(!FleetPolicy::default().keeps(&account("alice", 1001)));
    }
}
