//! The users that exist, according to the name service.

use crate::Error;
use crate::error::Instead;
use nix::unistd::{Uid, User};
use otp_core::{Account, UserName};
use std::io;

/// The person to whom a login name belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The person.
    pub account: Account,
    /// The name that the name service has for this login, if it is not the canonical one: it may have its own groups.
    pub alias: Option<UserName>,
}

/// Looks up the person to whom a name belongs, by the user id; `None`: there is no such user.
///
/// # Errors
/// The name service did not answer, returned an unusable name, or contradicts itself: it has no name for a user id, or
/// that name has another user id. This is never "no such user".
pub fn account(name: &str) -> Result<Option<Account>, Error> {
    Ok(named(name)?.map(|named| named.account))
}

/// Looks a person up as [`account`] does, and says whether the name is a second one of that person.
///
/// # Errors
/// As for [`account`].
pub fn named(name: &str) -> Result<Option<Named>, Error> {
    named_by(&NameService, name)
}

/// Looks a person up by number; `None`: there is no such user.
///
/// # Errors
/// As for [`account`].
pub fn account_of(uid: u32) -> Result<Option<Account>, Error> {
    account_of_by(&NameService, uid)
}

/// One answer of the name service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) uid: u32,
}

/// A source in which users are looked up.
pub(crate) trait Users {
    fn by_name(&self, name: &str) -> Result<Option<Entry>, Error>;
    fn by_uid(&self, uid: u32) -> Result<Option<Entry>, Error>;
}

/// The name service of this machine.
pub(crate) struct NameService;

impl Users for NameService {
    fn by_name(&self, name: &str) -> Result<Option<Entry>, Error> {
        entry(User::from_name(name))
    }

    fn by_uid(&self, uid: u32) -> Result<Option<Entry>, Error> {
        entry(User::from_uid(Uid::from_raw(uid)))
    }
}

fn entry(found: nix::Result<Option<User>>) -> Result<Option<Entry>, Error> {
    let found = found.map_err(|errno| Error::NameService(io::Error::from(errno)))?;
    Ok(found.map(|user| Entry {
        name: user.name,
        uid: user.uid.as_raw(),
    }))
}

fn account_of_by(users: &impl Users, uid: u32) -> Result<Option<Account>, Error> {
    let Some(of_uid) = users.by_uid(uid)? else {
        return Ok(None);
    };
    confirmed(users, &of_uid, &of_uid.name, uid, None).map(Some)
}

pub(crate) fn named_by(users: &impl Users, name: &str) -> Result<Option<Named>, Error> {
    // A name that cannot be passed to the name service cannot be a user's.
    if name.is_empty() || name.contains('\0') {
        return Ok(None);
    }
    let Some(found) = users.by_name(name)? else {
        return Ok(None);
    };
    let account = canonical(users, &found.name, found.uid, name)?;
    let alias = if found.name == account.name.as_str() {
        None
    } else {
        Some(UserName::new(&found.name)?)
    };
    Ok(Some(Named { account, alias }))
}

/// Returns the person with that user id. The name service returned it with `name` when it was asked for `asked`.
fn canonical(users: &impl Users, name: &str, uid: u32, asked: &str) -> Result<Account, Error> {
    let Some(of_uid) = users.by_uid(uid)? else {
        return Err(Error::Disagrees {
            user: name.to_owned(),
            uid,
            what: Instead::NoUser,
        });
    };
    confirmed(users, &of_uid, name, uid, Some(asked))
}

/// Returns the person whom the name service has for a user id, after checking that the person's name leads back to the
/// id.
///
/// `asked`: a name that has just led there, and need not be looked up again.
fn confirmed(
    users: &impl Users,
    of_uid: &Entry,
    name: &str,
    uid: u32,
    asked: Option<&str>,
) -> Result<Account, Error> {
    let disagrees = |what| Error::Disagrees {
        user: name.to_owned(),
        uid,
        what,
    };
    if of_uid.uid != uid {
        return Err(disagrees(Instead::AnotherId { uid: of_uid.uid }));
    }
    if asked != Some(of_uid.name.as_str()) {
        match users.by_name(&of_uid.name)? {
            Some(back) if back.uid == uid => {}
            Some(back) => {
                return Err(disagrees(Instead::AnotherUser {
                    name: of_uid.name.clone(),
                    uid: back.uid,
                }));
            }
            None => {
                return Err(disagrees(Instead::Nobody {
                    name: of_uid.name.clone(),
                }));
            }
        }
    }
    Ok(Account {
        name: UserName::new(&of_uid.name)?,
        uid,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use otp_core::record::Language;
    use std::cell::Cell;

    /// A name service that gives prepared answers.
    struct Says {
        names: Vec<(&'static str, &'static str, u32)>,
        uids: Vec<(u32, &'static str, u32)>,
    }

    impl Users for Says {
        fn by_name(&self, name: &str) -> Result<Option<Entry>, Error> {
            if name == "down" {
                return Err(Error::NameService(io::Error::other("down")));
            }
            let found = self.names.iter().find(|(asked, ..)| *asked == name);
            Ok(found.map(|&(_, name, uid)| Entry {
                name: name.to_owned(),
                uid,
            }))
        }

        fn by_uid(&self, uid: u32) -> Result<Option<Entry>, Error> {
            if uid == 99 {
                return Err(Error::NameService(io::Error::other("down")));
            }
            let found = self.uids.iter().find(|(asked, ..)| *asked == uid);
            Ok(found.map(|&(_, name, uid)| Entry {
                name: name.to_owned(),
                uid,
            }))
        }
    }

    #[test]
    fn every_name_of_a_user_id_leads_to_one_account() {
        let users = Says {
            names: vec![
                ("alice", "alice", 1001),
                ("ally", "ally", 1001),
                // Some directories ignore case.
                ("ALICE", "alice", 1001),
                ("ALLY", "ally", 1001),
                ("root", "root", 0),
                ("toor", "toor", 0),
                ("corp/bob", "bob", 1002),
                ("bob", "bob", 1002),
            ],
            uids: vec![(1001, "alice", 1001), (0, "root", 0), (1002, "bob", 1002)],
        };
        for (name, account, uid, alias) in [
            ("alice", "alice", 1001, None),
            ("ALICE", "alice", 1001, None),
            ("ally", "alice", 1001, Some("ally")),
            ("ALLY", "alice", 1001, Some("ally")),
            ("toor", "root", 0, Some("toor")),
            ("root", "root", 0, None),
            ("corp/bob", "bob", 1002, None),
        ] {
            let found = named_by(&users, name).unwrap().unwrap();
            assert_eq!(
                (found.account.name.as_str(), found.account.uid),
                (account, uid)
            );
            assert_eq!(found.alias.as_ref().map(UserName::as_str), alias, "{name}");
        }
        assert_eq!(named_by(&users, "nobody-here").unwrap(), None);
    }

    #[test]
    fn an_answer_that_contradicts_itself_is_an_error_and_not_a_missing_user() {
        let users = Says {
            names: vec![
                ("lost", "lost", 1),
                ("odd", "odd", 2),
                ("two", "two", 3),
                ("other", "other", 30),
                ("gone", "gone", 4),
                ("bad", "bad", 5),
                (".bad", ".bad", 5),
                ("silent", "silent", 99),
                ("back", "back", 6),
                ("a/b", "a/b", 7),
                ("fine", "fine", 7),
            ],
            uids: vec![
                (2, "odd", 20),
                (3, "other", 3),
                (4, "nobody-here", 4),
                (5, ".bad", 5),
                (6, "down", 6),
                (7, "fine", 7),
            ],
        };
        for (name, said) in [
            ("lost", "lost with user id 1, but no user for that number"),
            ("odd", "user id 20 when asked for that number"),
            ("two", "other for that number, whose user id is 30"),
            ("gone", "nobody-here for that number, which is no user"),
            ("bad", "unusable user name"),
            ("a/b", "unusable user name"),
            ("silent", "did not answer"),
            ("back", "did not answer"),
        ] {
            let error = named_by(&users, name).unwrap_err();
            assert!(error.to_string().contains(said), "{name}: {error}");
            assert!(!error.hint(Language::English).is_empty());
        }
    }

    /// Each lookup may have to wait for a directory server.
    #[test]
    fn no_lookup_is_made_twice() {
        struct Counts(Says, Cell<u32>);
        impl Users for Counts {
            fn by_name(&self, name: &str) -> Result<Option<Entry>, Error> {
                self.1.set(self.1.get() + 1);
                self.0.by_name(name)
            }
            fn by_uid(&self, uid: u32) -> Result<Option<Entry>, Error> {
                self.1.set(self.1.get() + 1);
                self.0.by_uid(uid)
            }
        }
        let says = Says {
            names: vec![
                ("alice", "alice", 1001),
                ("ally", "ally", 1001),
                ("ALICE", "alice", 1001),
            ],
            uids: vec![(1001, "alice", 1001)],
        };
        let users = Counts(says, Cell::new(0));
        for (name, questions) in [("alice", 2), ("ally", 3), ("ALICE", 3), ("nobody", 1)] {
            users.1.set(0);
            named_by(&users, name).unwrap();
            assert_eq!(users.1.get(), questions, "{name}");
        }
        users.1.set(0);
        assert_eq!(account_of_by(&users, 1001).unwrap().unwrap().uid, 1001);
        assert_eq!(users.1.get(), 2);
    }

    #[test]
    fn root_is_known_and_an_invented_name_is_not() {
        assert_eq!(account("root").unwrap().unwrap().uid, 0);
        assert_eq!(account_of(0).unwrap().unwrap().name.as_str(), "root");
        for name in ["no-such-user-here", "", "a\0b", "../root"] {
            assert_eq!(account(name).unwrap(), None, "{name:?}");
        }
    }
}
