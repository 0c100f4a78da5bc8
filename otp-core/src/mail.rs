//! Mail addresses, the ways by which mail is sent, and what strangers are shown of an address.

use crate::host::{host_and_port, is_domain};
use crate::messages::reason::Unfit;
use crate::record::OutOfRange;
use std::path::PathBuf;

/// An address that does no harm in a header, on a command line, or in a mail server.
///
/// Stricter than RFC 5321: mail servers and their filters have executed what stands in a local part (CVE-2019-10149).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(String);

impl Address {
    /// Checks an address.
    ///
    /// # Errors
    /// It is not `local@domain` in plain characters, or it is longer than an address may be (RFC 5321 section 4.5.3.1).
    pub fn parse(text: &str) -> Result<Self, OutOfRange> {
        let wrong = OutOfRange(Unfit::NoAddress);
        let (local, domain) = text.rsplit_once('@').ok_or(wrong)?;
        if text.len() <= 254 && is_local_part(local) && is_domain(domain) {
            Ok(Self(text.to_owned()))
        } else {
            Err(wrong)
        }
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the @.
    #[must_use]
    pub fn local(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(local, _)| local)
    }

    /// The part after the @.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// The address for people who may not be its owner: `a***@example.org`.
    #[must_use]
    pub fn masked(&self) -> String {
        let first = self.0.chars().next().unwrap_or('*');
        format!("{first}***@{}", self.domain())
    }
}

fn is_local_part(local: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._+=~-".contains(&byte);
    let first = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (1..=64).contains(&local.len())
        && local.bytes().all(plain)
        && local.bytes().next().is_some_and(first)
        && !local.ends_with('.')
        && !local.contains("..")
}

/// An address with `{user}` in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    before: String,
    after: String,
}

impl Pattern {
    const PLACE: &str = "{user}";

    /// Reads a pattern. A pattern without `{user}` would send everybody's codes to the same person.
    ///
    /// # Errors
    /// `{user}` is not in it exactly once, before the @, or the result is not an address.
    pub fn parse(text: &str) -> Result<Self, OutOfRange> {
        let wrong = OutOfRange(Unfit::NoPattern);
        let (before, after) = text.split_once(Self::PLACE).ok_or(wrong)?;
        let pattern = Self {
            before: before.to_owned(),
            after: after.to_owned(),
        };
        let is_one = after.contains('@') && pattern.of("user").is_some();
        if is_one { Ok(pattern) } else { Err(wrong) }
    }

    /// Returns the address of a user; `None` if the name has a character that our addresses do not allow.
    #[must_use]
    pub fn of(&self, user: &str) -> Option<Address> {
        Address::parse(&format!("{}{user}{}", self.before, self.after)).ok()
    }
}

/// Where a user's address comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AddressSource {
    /// Nowhere: no mail is sent.
    #[default]
    Nowhere,
    /// The user's name.
    Pattern(Pattern),
    /// A program that is run with the user's name as its argument, and writes one line.
    Command(PathBuf),
}

/// How mail is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// By a program with the interface of sendmail.
    Sendmail(PathBuf),
    /// To a mail server.
    Smtp(Server),
}

/// A mail server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its name or numeric address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub protection: Protection,
}

/// How a connection to a mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// By TLS from the first byte on.
    Tls,
    /// By TLS that begins with STARTTLS. A server without STARTTLS is sent nothing.
    StartTls,
    /// Not at all: the server is on this machine.
    ThisMachine,
}

impl Server {
    /// Reads `smtp://HOST[:PORT]` or `smtps://HOST[:PORT]`.
    ///
    /// Without TLS, codes are sent only to a server on this machine: otherwise anybody on the way could read a code and
    /// use it first.
    ///
    /// # Errors
    /// It is none of these.
    pub fn parse(url: &str) -> Result<Self, OutOfRange> {
        let wrong = OutOfRange(Unfit::NoMailServer);
        let (is_tls, rest) = match (url.strip_prefix("smtps://"), url.strip_prefix("smtp://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => return Err(wrong),
        };
        let usual = if is_tls { 465 } else { 25 };
        let (host, port) = host_and_port(rest, usual).ok_or(wrong)?;
        let protection = match (is_tls, is_this_machine(host)) {
            (true, _) => Protection::Tls,
            (false, true) => Protection::ThisMachine,
            (false, false) => Protection::StartTls,
        };
        Ok(Self {
            host: host.to_owned(),
            port,
            protection,
        })
    }
}

/// Whether the host is this machine, judged by the text alone and never by a name service.
fn is_this_machine(host: &str) -> bool {
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_plain_characters_only() {
        for good in [
            "alice@example.org",
            "a.b+c_d=e~f-g@mail.example.org",
            "root@localhost",
            "a@1.example",
        ] {
            assert_eq!(Address::parse(good).unwrap().as_str(), good);
        }
        let long = format!("{}@example.org", "a".repeat(65));
        let longer = format!("a@{}", "a.".repeat(130));
        for bad in [
            "",
            "alice",
            "@example.org",
            "alice@",
            "alice@exam ple.org",
            "alice@example.org ",
            " alice@example.org",
            "alice@example.org\n",
            "alice@example.org\r\nBcc: eve@example.org",
            "al ice@example.org",
            "-oQ/tmp/x@example.org",
            ".alice@example.org",
            "alice.@example.org",
            "al..ice@example.org",
            "alice@-example.org",
            "alice@example-.org",
            "alice@.org",
            "alice@example.",
            "alice@[192.0.2.1]",
            "\"alice\"@example.org",
            "Alice <alice@example.org>",
            "alice@example.org,eve@example.org",
            "${run{x}}@example.org",
            "|/bin/sh@example.org",
            "a/b@example.org",
            "al\u{ef}ce@example.org",
            "alice@ex\u{e4}mple.org",
            "alice@eve@example.org",
            "alice%eve@example.org",
            "alice\0@example.org",
            &long,
            &longer,
        ] {
            assert!(Address::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn strangers_see_only_the_first_letter_and_the_domain_of_an_address() {
        let masked = |text: &str| Address::parse(text).unwrap().masked();
        assert_eq!(masked("alice@example.org"), "a***@example.org");
        assert_eq!(masked("a@example.org"), "a***@example.org");
    }

    #[test]
    fn a_pattern_turns_a_name_into_an_address_or_none() {
        let pattern = Pattern::parse("{user}@example.org").unwrap();
        assert_eq!(pattern.of("alice").unwrap().as_str(), "alice@example.org");
        for name in [
            "DOMAIN\\alice",
            "al ice",
            "alice@evil.example",
            "alice\nBcc: x",
            "",
            "-f",
            "alice@",
        ] {
            assert_eq!(pattern.of(name), None, "{name:?}");
        }
        let pattern = Pattern::parse("otp+{user}@example.org").unwrap();
        assert_eq!(
            pattern.of("alice").unwrap().as_str(),
            "otp+alice@example.org"
        );
        for bad in [
            "alice@example.org",
            "{user}",
            "alice@{user}",
            "{user}@{user}",
            "{user}@",
            "{user}@a b",
            "",
            "{USER}@a",
        ] {
            assert!(Pattern::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_code_is_sent_without_tls_only_to_this_machine() {
        use Protection::{StartTls, ThisMachine, Tls};
        for (url, host, port, protection) in [
            ("smtp://mail.example.org", "mail.example.org", 25, StartTls),
            (
                "smtp://mail.example.org:587",
                "mail.example.org",
                587,
                StartTls,
            ),
            ("smtps://mail.example.org", "mail.example.org", 465, Tls),
            ("smtps://localhost:4650", "localhost", 4650, Tls),
            ("smtp://localhost", "localhost", 25, ThisMachine),
            ("smtp://127.0.0.1:2525", "127.0.0.1", 2525, ThisMachine),
            ("smtp://[::1]:2525", "::1", 2525, ThisMachine),
            ("smtp://[2001:db8::1]", "2001:db8::1", 25, StartTls),
            ("smtp://192.0.2.1", "192.0.2.1", 25, StartTls),
            (
                "smtp://localhost.example.org",
                "localhost.example.org",
                25,
                StartTls,
            ),
        ] {
            let expected = Server {
                host: host.to_owned(),
                port,
                protection,
            };
            assert_eq!(Server::parse(url), Ok(expected), "{url}");
        }
        for bad in [
            "",
            "mail.example.org",
            "http://mail",
            "smtp://",
            "smtp://:25",
            "smtp://mail:",
            "smtp://mail:0",
            "smtp://mail:65536",
            "smtp://mail:+25",
            "smtp://user:word@mail",
            "smtp://mail/",
            "smtp://[::1",
            "smtp://[mail]",
            "smtp://[::1]x",
            "SMTP://mail",
            "smtp://ma il",
        ] {
            assert!(Server::parse(bad).is_err(), "{bad}");
        }
    }
}
