//! Accounts and the names that users can have.

/// Says why a name cannot be a user's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnusableName(pub &'static str);

impl std::fmt::Display for UnusableName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "unusable user name: {}", self.0)
    }
}

impl std::error::Error for UnusableName {}

/// A user's name that can safely name a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserName(String);

impl UserName {
    /// Checks a name.
    ///
    /// # Errors
    /// The name is empty, over 255 bytes long, begins with a dot, or has a slash or a control character in it.
    pub fn new(name: &str) -> Result<Self, UnusableName> {
        Self::check(name).map(|()| Self(name.to_owned()))
    }

    /// Checks that a name can be a user's.
    pub(crate) fn check(name: &str) -> Result<(), UnusableName> {
        let fault = if name.is_empty() {
            "it is empty"
        } else if name.len() > 255 {
            "it is longer than 255 bytes"
        } else if name.starts_with('.') {
            "it begins with a dot"
        } else if name.contains('/') {
            "it contains a slash"
        } else if name.contains(char::is_control) {
            "it contains a control character"
        } else {
            return Ok(());
        };
        Err(UnusableName(fault))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A person whom the name service knows: one user id, however many names it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The canonical name, which the name service gives for the user id. Everything is stored under this name.
    pub name: UserName,
    /// The numeric user id.
    pub uid: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_leave_the_directory_are_refused() {
        let long = "x".repeat(256);
        for name in [
            "",
            ".",
            "..",
            ".alice",
            "../alice",
            "a/b",
            "a\0b",
            "a\nb",
            "\u{7f}",
            long.as_str(),
        ] {
            assert!(UserName::new(name).is_err(), "{name:?}");
        }
        let fault = UserName::new("a/b").unwrap_err().to_string();
        assert_eq!(fault, "unusable user name: it contains a slash");
        for name in [
            "alice",
            "alice@corp",
            "CORP\\alice",
            "kim.chulsoo",
            "김철수",
            "a b",
            "x".repeat(255).as_str(),
        ] {
            assert_eq!(UserName::new(name).unwrap().as_str(), name);
        }
    }
}
