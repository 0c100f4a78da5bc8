//! The address of a user.

use crate::{apart, program};
use nix::unistd::{geteuid, getuid};
use otp_core::mail::{Address, AddressSource};
use std::os::unix::process::CommandExt;
use std::time::Duration;

/// How long a command may take to say an address.
pub(crate) const LONGEST: Duration = Duration::from_secs(10);

/// The address of `user`, as the policy says.
///
/// # Errors
/// There is none, or none that mail is sent to; says why.
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
    // What somebody else than root has started could be made to say any address by its owner.
    if !getuid().is_root() || !geteuid().is_root() {
        return Err("a command for addresses is run for root alone: use a pattern".to_owned());
    }
    let told = |reason: String| format!("the command of [mail] address: {reason}");
    let mut asked = program::of_root(command).map_err(told)?;
    let (uid, gid) = apart::nobody();
    // The groups of root go with the user id.
    asked.arg(user).uid(uid.as_raw()).gid(gid.as_raw());
    let said = program::run(asked, b"", 1024, LONGEST).map_err(told)?;
    one_line(&said).ok_or_else(|| told("must write one line with one plain address".to_owned()))
}

/// The address that stands there alone.
fn one_line(said: &[u8]) -> Option<Address> {
    let text = std::str::from_utf8(said).ok()?;
    let line = text.strip_suffix('\n').unwrap_or(text);
    Address::parse(line).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_says_one_address_and_nothing_else() {
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
