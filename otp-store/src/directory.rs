//! Who exists: the system's list of users, through the name service.

use crate::Error;
use nix::unistd::{Uid, User};
use std::io;

/// A user's name that is safe as the name of a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserName(String);

impl UserName {
    /// Checks a name.
    ///
    /// # Errors
    /// Empty, over 255 bytes, beginning with a dot, or with a slash or a control character in it.
    pub fn new(name: &str) -> Result<Self, Error> {
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
            return Ok(Self(name.to_owned()));
        };
        Err(Error::UserName(fault))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A user that the name service knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The name that the name service gives back, which need not be the one that was asked for.
    pub name: UserName,
    /// The numeric user id.
    pub uid: u32,
}

/// Looks a user up; `None`: there is no such user.
///
/// # Errors
/// The name service did not answer, or gave back a name that is not usable.
pub fn account(name: &str) -> Result<Option<Account>, Error> {
    // A name that cannot be passed to the name service cannot be anybody's.
    if name.is_empty() || name.contains('\0') {
        return Ok(None);
    }
    known(User::from_name(name))
}

/// Looks a user up by number; `None`: there is no such user.
///
/// # Errors
/// As for [`account`].
pub fn account_of(uid: u32) -> Result<Option<Account>, Error> {
    known(User::from_uid(Uid::from_raw(uid)))
}

fn known(found: nix::Result<Option<User>>) -> Result<Option<Account>, Error> {
    let Some(user) = found.map_err(|errno| Error::NameService(io::Error::from(errno)))? else {
        return Ok(None);
    };
    Ok(Some(Account {
        name: UserName::new(&user.name)?,
        uid: user.uid.as_raw(),
    }))
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
        for name in [
            "alice",
            "alice@corp",
            "CORP\\alice",
            "kim.chulsoo",
            "김철수",
            "a b",
            "x".repeat(255).as_str(),
        ] {
            assert!(UserName::new(name).is_ok(), "{name:?}");
        }
    }

    #[test]
    fn root_is_known_and_nobody_of_a_made_up_name() {
        assert_eq!(account("root").unwrap().unwrap().uid, 0);
        assert_eq!(account_of(0).unwrap().unwrap().name.as_str(), "root");
        for name in ["no-such-user-here", "", "a\0b", "../root"] {
            assert_eq!(account(name).unwrap(), None, "{name:?}");
        }
    }
}
