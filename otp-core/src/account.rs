//! Accounts and the names that users can have.

use crate::messages::reason::Unfit;
use crate::record::Language;

/// Says why a name cannot be a user's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnusableName(pub Unfit);

impl UnusableName {
    /// Returns the fault in words of that language, without a full stop.
    #[must_use]
    pub fn text(self, language: Language) -> String {
        let fault = self.0.text(language);
        match language {
            Language::English => format!("unusable user name: {fault}"),
            Language::Korean => format!("사용할 수 없는 사용자 이름입니다: {fault}"),
        }
    }
}

impl std::fmt::Display for UnusableName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text(Language::English))
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
            Unfit::EmptyName
        } else if name.len() > 255 {
            Unfit::LongName
        } else if name.starts_with('.') {
            Unfit::DottedName
        } else if name.contains('/') {
            Unfit::SlashedName
        } else if name.contains(char::is_control) {
            Unfit::ControlledName
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
