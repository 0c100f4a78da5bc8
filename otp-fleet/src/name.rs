//! The names of machines, administrators and verifiers, in the form of certificates and of the registry.

use std::fmt;

/// A name in the certificate of a machine, an administrator or a verifier: a DNS name without wildcards, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerName(String);

impl PeerName {
    /// Reads a name; upper case counts as lower case. `None`: the text cannot be a name.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let is_name = text.len() <= 253 && text.split('.').all(is_label);
        is_name.then(|| Self(text.to_ascii_lowercase()))
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PeerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_valid_name_is_stored_in_lower_case() {
        for (text, name) in [
            ("web1.example.org", "web1.example.org"),
            ("WEB1", "web1"),
            ("a_b-c.1", "a_b-c.1"),
        ] {
            assert_eq!(PeerName::new(text).unwrap().as_str(), name);
        }
        let long = "a.".repeat(127);
        for text in [
            "",
            ".",
            "a.",
            ".a",
            "a..b",
            "*.example.org",
            "-a",
            "a-",
            "a b",
            "a/b",
            "a\0",
            "é",
            "../x",
            "a\n",
            &"x".repeat(64),
            &long,
        ] {
            assert_eq!(PeerName::new(text), None, "{text:?}");
        }
    }
}
