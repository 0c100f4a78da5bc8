//! The keys that the policies of all machines and verifiers of a fleet must share, as a digest of sixteen digits.

use otp_core::Policy;
use otp_core::record::{CodePolicy, RecoveryPolicy, Unlock};
use sha2::{Digest, Sha256};
use std::fmt::{self, Write};

/// The first line of the text that is digested; a later version that covers other keys has another line.
const HEAD: &str = "pam_otp policy 1\n";

/// A digest of the policy keys that must be the same everywhere in a fleet: the first 8 bytes of a SHA-256.
///
/// It is not secret and proves nothing: it helps administrators find a machine whose policy file was not updated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PolicyDigest([u8; 8]);

impl PolicyDigest {
    /// Computes the digest of a policy.
    #[must_use]
    pub fn of(policy: &Policy) -> Self {
        let whole: [u8; 32] = Sha256::digest(alike_everywhere(policy).as_bytes()).into();
        let (digest, _) = whole.split_first_chunk().expect("32 is more than 8");
        Self(*digest)
    }

    /// Makes a digest from its bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    /// Reads a digest of 16 lowercase hexadecimal digits; `None`: the text is not one.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 16 || !text.bytes().all(is_digit) {
            return None;
        }
        let number = u64::from_str_radix(text, 16).ok()?;
        Some(Self(number.to_be_bytes()))
    }
}

impl fmt::Display for PolicyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

/// Lists the keys that must be the same everywhere, one on each line: those that decide how a code is judged, and
/// what a phone gets.
///
/// The list omits what each machine decides for itself (enforce, trust, `at_login`, language) and what only verifiers
/// do (hooks).
fn alike_everywhere(policy: &Policy) -> String {
    let CodePolicy {
        algorithm,
        digits,
        period,
        window,
    } = &policy.code;
    let lockout = &policy.lockout;
    let RecoveryPolicy {
        codes,
        opens_lock,
        email: _,
    } = &policy.recovery;
    let unlock_after = match lockout.unlock() {
        Unlock::Never => "never".to_owned(),
        Unlock::After(wait) => wait.as_secs().to_string(),
    };
    let mut text = HEAD.to_owned();
    let mut line = |key: &str, value: &dyn fmt::Display| {
        writeln!(text, "{key}={value}").expect("a String takes every write");
    };
    line("issuer", &policy.issuer.escape_default());
    line("code.algorithm", &algorithm.name());
    line("code.digits", &digits.count());
    line("code.period", &period.seconds());
    line("code.window", window);
    line("lockout.failures", &lockout.failures());
    line("lockout.unlock_after", &unlock_after);
    line(
        "lockout.unlock_after_max",
        &lockout.unlock_after_max().as_secs(),
    );
    line(
        "lockout.disable_after",
        &lockout.disable_after().unwrap_or(0),
    );
    line("recovery.codes", codes);
    line("recovery.opens_lock", opens_lock);
    line(
        "enroll.max_authenticators",
        &policy.enroll.max_authenticators,
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use otp_core::record::{Algorithm, Digits, HooksPolicy, Language, LockoutPolicy, Period};
    use std::collections::HashSet;
    use std::time::Duration;

    #[test]
    fn the_text_is_the_same_in_every_version() {
        let text = "pam_otp policy 1\nissuer=\ncode.algorithm=SHA1\ncode.digits=6\ncode.period=30\ncode.window=1\n\
                    lockout.failures=5\nlockout.unlock_after=900\nlockout.unlock_after_max=86400\n\
                    lockout.disable_after=100\nrecovery.codes=10\nrecovery.opens_lock=true\n\
                    enroll.max_authenticators=1\n";
        assert_eq!(alike_everywhere(&Policy::default()), text);
        // Computed with sha256sum.
        let digest = PolicyDigest::of(&Policy::default());
        assert_eq!(digest.to_string(), "74941312a812dcaf");
    }

    fn changed(change: impl FnOnce(&mut Policy)) -> PolicyDigest {
        let mut policy = Policy::default();
        change(&mut policy);
        PolicyDigest::of(&policy)
    }

    fn lockout(failures: u32, unlock: Unlock, most: u64, disable: Option<u32>) -> PolicyDigest {
        let most = Duration::from_secs(most);
        changed(|policy| {
            policy.lockout = LockoutPolicy::new(failures, unlock, most, disable).unwrap();
        })
    }

    #[test]
    fn every_key_that_must_agree_changes_the_digest() {
        let wait = Unlock::After(Duration::from_secs(900));
        let all = [
            PolicyDigest::of(&Policy::default()),
            changed(|policy| policy.issuer = "Example".to_owned()),
            changed(|policy| policy.code.algorithm = Algorithm::Sha256),
            changed(|policy| policy.code.digits = Digits::new(8).unwrap()),
            changed(|policy| policy.code.period = Period::new(60).unwrap()),
            changed(|policy| policy.code.window = 2),
            lockout(6, wait, 86_400, Some(100)),
            lockout(5, Unlock::Never, 86_400, Some(100)),
            lockout(
                5,
                Unlock::After(Duration::from_secs(901)),
                86_400,
                Some(100),
            ),
            lockout(5, wait, 86_401, Some(100)),
            lockout(5, wait, 86_400, None),
            lockout(5, wait, 86_400, Some(99)),
            changed(|policy| policy.recovery.codes = 0),
            changed(|policy| policy.recovery.opens_lock = false),
            changed(|policy| policy.enroll.max_authenticators = 2),
        ];
        assert_eq!(HashSet::from(all).len(), all.len());
    }

    #[test]
    fn keys_that_a_machine_or_a_verifier_decides_for_itself_leave_the_digest_alone() {
        let same = PolicyDigest::of(&Policy::default());
        for other in [
            changed(|policy| policy.language = Language::Korean),
            changed(|policy| policy.enforce.exempt_users = vec!["root".to_owned()]),
            changed(|policy| policy.trust.remember = Duration::from_secs(60)),
            changed(|policy| policy.helper.trusted_callers = vec!["postgres".to_owned()]),
            changed(|policy| {
                policy.hooks = HooksPolicy {
                    run: "/bin/true".to_owned(),
                    events: Vec::new(),
                };
            }),
        ] {
            assert_eq!(other, same);
        }
    }

    #[test]
    fn a_line_break_in_an_issuer_cannot_pass_for_another_key() {
        let sly = changed(|policy| policy.issuer = "x\ncode.algorithm=SHA256".to_owned());
        assert_ne!(sly, changed(|policy| policy.issuer = "x".to_owned()));
        let policy = Policy {
            issuer: "x\ny=z".to_owned(),
            ..Policy::default()
        };
        assert_eq!(alike_everywhere(&policy).lines().count(), 13);
    }
}
