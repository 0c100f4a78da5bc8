//! Finds the users of keys: one by one or, for many, from one listing of the name service.

use crate::failure::system;
use nix::unistd::{Uid, User};
use otp_core::messages::import::Obstacle;
use otp_core::messages::reason::{Unfit, Wording};
use otp_core::{Account, UserName};
use otp_import::Owner;
use otp_site::users;
use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A person whose files can be read with that person's rights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The account under which records are stored.
    pub account: Account,
    /// The primary group.
    pub gid: u32,
    /// The home directory.
    pub home: PathBuf,
}

/// From this many look-ups on, all users are read at once: for each look-up, a file of users is read from its start.
const MANY: usize = 64;

/// The users of this machine.
pub struct People {
    /// The listed users, by name, and the first name of each user id; empty: none was listed.
    by_name: HashMap<String, u32>,
    by_uid: HashMap<u32, Person>,
}

impl People {
    /// Prepares to look up each user when asked for.
    pub fn one_by_one() -> Self {
        Self {
            by_name: HashMap::new(),
            by_uid: HashMap::new(),
        }
    }

    /// Chooses the cheaper way for a number of look-ups.
    ///
    /// # Errors
    /// The name service cannot be listed.
    pub fn for_look_ups(count: usize) -> io::Result<Self> {
        if count < MANY {
            Ok(Self::one_by_one())
        } else {
            Self::listed()
        }
    }

    /// Reads the name service's list. Directories often list no one, so the list may be incomplete.
    ///
    /// # Errors
    /// The list cannot be read.
    pub fn listed() -> io::Result<Self> {
        // getent is glibc's own program: reading the list in this process takes calls that Rust cannot make safely.
        let done = Command::new("/usr/bin/getent")
            .arg("passwd")
            .env_clear()
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()?;
        if !done.status.success() {
            return Err(io::Error::other(Unfit::NotListed));
        }
        Ok(Self::of_lines(&String::from_utf8_lossy(&done.stdout)))
    }

    /// Reads lines of passwd(5). The first line of a user id has its canonical name, as a look-up by number returns
    /// it.
    fn of_lines(text: &str) -> Self {
        let mut people = Self::one_by_one();
        for line in text.lines() {
            let fields: Vec<&str> = line.split(':').collect();
            let [name, _, uid, gid, _, home, ..] = fields[..] else {
                continue;
            };
            let (Ok(uid), Ok(gid), Ok(usable)) = (uid.parse(), gid.parse(), UserName::new(name))
            else {
                continue;
            };
            people.by_name.entry(name.to_owned()).or_insert(uid);
            people.by_uid.entry(uid).or_insert_with(|| Person {
                account: Account { name: usable, uid },
                gid,
                home: home.into(),
            });
        }
        people
    }

    /// Returns all listed persons, each once, by user id.
    pub fn everybody(&self) -> Vec<&Person> {
        let mut everybody: Vec<_> = self.by_uid.values().collect();
        everybody.sort_by_key(|person| person.account.uid);
        everybody
    }

    /// Finds the account of a name. A user who is not listed is looked up.
    ///
    /// # Errors
    /// There is no such user, or the look-up failed.
    pub fn account(&self, name: &str) -> Result<Account, Obstacle> {
        if let Some(listed) = self.by_name.get(name).and_then(|uid| self.by_uid.get(uid)) {
            return Ok(listed.account.clone());
        }
        match users::account(name) {
            Ok(Some(account)) => Ok(account),
            Ok(None) | Err(otp_site::Error::UserName(_)) => Err(Obstacle::UnknownUser),
            Err(error) => Err(not_looked_up(&error)),
        }
    }

    /// Finds the account that an entry names, given the realms of all entries.
    ///
    /// # Errors
    /// As for [`People::account`]; or only the name without its realm is known, and there are several realms.
    pub fn owner(&self, owner: &Owner, realms: &Realms) -> Result<Account, Obstacle> {
        let whole = self.account(&owner.written);
        let Some((name, _)) = owner
            .written
            .rsplit_once('@')
            .filter(|_| owner.may_have_realm)
        else {
            return whole;
        };
        match whole {
            Err(Obstacle::UnknownUser) if realms.are_one() => self.account(name),
            // The name alone could be another person's, of another realm.
            Err(Obstacle::UnknownUser) if self.account(name).is_ok() => Err(Obstacle::Realms),
            whole => whole,
        }
    }
}

/// Converts the reason why a user could not be looked up.
pub fn not_looked_up(error: &otp_site::Error) -> Obstacle {
    let reason = Wording::of(|language| error.text(language));
    Obstacle::Lookup { reason }
}

/// The realms of the names in a file; no realm counts as one too.
#[derive(Default)]
pub struct Realms(BTreeSet<String>);

impl Realms {
    /// Adds the realm of a name.
    pub fn note(&mut self, owner: &Owner) {
        if owner.may_have_realm {
            let realm = owner
                .written
                .rsplit_once('@')
                .map_or("", |(_, realm)| realm);
            self.0.insert(realm.to_lowercase());
        }
    }

    fn are_one(&self) -> bool {
        self.0.len() == 1
    }
}

/// Finds the group and home of a person.
///
/// # Errors
/// As for [`People::account`].
pub fn person(account: Account) -> Result<Person, Obstacle> {
    match User::from_uid(Uid::from_raw(account.uid)) {
        Ok(Some(user)) => Ok(Person {
            account,
            gid: user.gid.as_raw(),
            home: user.dir,
        }),
        Ok(None) => Err(Obstacle::UnknownUser),
        Err(errno) => Err(Obstacle::Lookup {
            reason: system(&errno.into()),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::tests::assert_has_no_english_reason;
    use otp_core::record::Language;

    fn people() -> People {
        People::of_lines(
            "alice:x:50001:100::/home/alice:/bin/sh\nally:x:50001:100::/home/ally:/bin/sh\n.bad:x:50002:1::/:\nshort:x\n\
             bobby:x:50003:100::/home/bobby:/bin/sh\n",
        )
    }

    fn found(name: &str, realms: &[&str]) -> Result<String, Obstacle> {
        let owner = Owner::perhaps_of_realm(name.to_owned());
        let mut all = Realms::default();
        all.note(&owner);
        for realm in realms {
            all.note(&Owner::perhaps_of_realm(format!("x@{realm}")));
        }
        let account = people().owner(&owner, &all)?;
        Ok(account.name.as_str().to_owned())
    }

    #[test]
    fn a_name_service_that_fails_is_told_in_every_language() {
        for (error, english) in [
            (
                io::Error::other(Unfit::NotListed),
                "getent passwd has failed",
            ),
            (
                io::Error::from_raw_os_error(13),
                "Permission denied (os error 13)",
            ),
        ] {
            let obstacle = not_looked_up(&otp_site::Error::NameService(error));
            let text = obstacle.text(Language::English);
            assert!(text.ends_with(english), "{text}");
            assert_has_no_english_reason(&obstacle.text(Language::Korean));
        }
    }

    #[test]
    fn a_second_name_leads_to_the_first_name_of_its_user_id() {
        assert_eq!(people().account("ally").unwrap().name.as_str(), "alice");
        let everybody = people();
        let names: Vec<_> = everybody
            .everybody()
            .iter()
            .map(|one| one.account.name.as_str())
            .collect();
        assert_eq!(names, ["alice", "bobby"]);
    }

    #[test]
    fn an_unlisted_user_is_looked_up() {
        assert_eq!(people().account("root").unwrap().uid, 0);
        assert_eq!(
            people().account("nobody-of-that-name"),
            Err(Obstacle::UnknownUser)
        );
        assert_eq!(people().account("a/b"), Err(Obstacle::UnknownUser));
    }

    #[test]
    fn only_a_given_realm_is_left_out_of_a_name() {
        assert_eq!(found("alice", &[]), Ok("alice".to_owned()));
        assert_eq!(found("alice@corp", &["CORP"]), Ok("alice".to_owned()));
        assert_eq!(found("alice@corp", &["other"]), Err(Obstacle::Realms));
        assert_eq!(
            found("nobody-here@corp", &["other"]),
            Err(Obstacle::UnknownUser)
        );
        let plain = Owner::exactly("alice@corp".to_owned());
        assert_eq!(
            people().owner(&plain, &Realms::default()),
            Err(Obstacle::UnknownUser)
        );
    }
}
