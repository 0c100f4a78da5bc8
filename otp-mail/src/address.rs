//! The mail address of a user.

use crate::{apart, program};
use nix::unistd::{geteuid, getuid};
use otp_core::mail::{Address, AddressSource};
use std::os::unix::process::CommandExt;
use std::time::Duration;

/// The time that a command may take to print an address.
pub(crate) const LONGEST: Duration = Duration::from_secs(10);

/// Finds the address of `user`, as the policy says.
///
/// # Errors
/// There is no address, or none that mail can be sent to; the text says why.
pub(crate) fn of(user: &str, source: &AddressSource) -> Result<Address, String> {
    let command = match source {
        AddressSource::Nowhere => return Err("[mail] address is not set".to_owned()),
        AddressSource::Pattern(pattern) => {
            return pattern.of(user).ok_or_else(|| {
                "the user's name has a character that no address may have".to_owned()
            });
        }
        AddressSource::Command(path) => path,
    };
    // If a user started this process, that user could make the command print any address.
    if !getuid().is_root() || !geteuid().is_root() {
        return Err("a command for addresses is run for root alone: use a pattern".to_owned());
    }
    let told = |reason: String| format!("the command of [mail] address: {reason}");
    let mut asked = program::of_root(command).map_err(told)?;
    let (uid, gid) = apart::nobody();
    // With the user id, std drops the groups of root too.
    asked.arg(user).uid(uid.as_raw()).gid(gid.as_raw());
    let said = program::run(asked, b"", 1024, LONGEST).map_err(told)?;
    one_line(&said).ok_or_else(|| told("must write one line with one plain address".to_owned()))
}

/// Reads an address that stands alone on one line.
fn one_line(said: &[u8]) -> Option<Address> {
    let text = std::str::from_utf8(said).ok()?;
    let line = text.strip_suffix('\n').unwrap_or(text);
    Address::parse(line).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_must_print_exactly_one_address() {
        let read = |said: &str| one_line(said.as_bytes()).map(|one| one.as_str().to_owned());
        assert_eq!(
            read("alice@example.org\n").as_deref(),
            Some("alice@example.org")
        );
        assert_eq!(
            read("alice@example.org").as_deref(),
            Some("alice@example.org")
        );
        for said in [
            "",
            "\n",
            "alice@example.org\n\n",
            "alice@example.org\neve@example.org\n",
            "alice@example.org eve@example.org",
            "alice@example.org\r\n",
            "mail: alice@example.org",
            "alice",
        ] {
            assert_eq!(read(said), None, "{said:?}");
        }
        assert_eq!(one_line(b"\xff@example.org"), None);
    }

    #[test]
    fn a_pattern_needs_no_program() {
        let pattern = otp_core::mail::Pattern::parse("{user}@example.org").unwrap();
        let source = AddressSource::Pattern(pattern);
        assert_eq!(of("alice", &source).unwrap().as_str(), "alice@example.org");
        assert!(of("al ice", &source).is_err());
        assert!(of("alice", &AddressSource::Nowhere).is_err());
    }
}
