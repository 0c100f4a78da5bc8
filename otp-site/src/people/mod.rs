//! All users whom the name service lists, read once, for code that looks up many.
//!
//! Each lookup by name reads `/etc/passwd` from the beginning, so a million lookups in a million lines take days. The
//! users read here are looked up in the same way ([`users::named`]) and with the same results. Only services that list
//! all their users are trusted, and only those that the name service asks first. If it asks other services too, they
//! are asked about users whom the first ones do not know.

mod groups;
mod listing;
mod switch;

pub use groups::{Memberships, OfUser};

use crate::Error;
use crate::users::{self, Entry, NameService, Named, Users};
use listing::every_line;
use otp_core::Names;
use otp_core::names::{ByKeys, Gathering};
use std::fs;
use switch::{Services, lists_everybody};

/// All users who were listed.
pub struct People {
    /// Names that were known before.
    known: ByKeys,
    /// Known names that were not listed.
    unlisted_names: Names,
    /// The other names, each with an end mark.
    text: String,
    listed: Vec<Person>,
    by_name: Vec<u32>,
    by_number: Vec<u32>,
    /// Whether no other users exist.
    are_all: bool,
    /// Names of users that the other services list.
    others: Names,
    unlisted: Vec<Unlisted>,
}

/// A listed user, in 12 bytes.
struct Person {
    name: Place,
    uid: u32,
    gid: u32,
}

/// The position of a name, and two bits: whether the name was not known before, and whether there is a shell.
#[derive(Clone, Copy)]
struct Place(u32);

impl Place {
    const IS_NEW: u32 = 1 << 31;
    const HAS_SHELL: u32 = 1 << 30;

    /// Packs the parts; `None`: the position is too large.
    fn of(begins: usize, is_new: bool, may_have_shell: bool) -> Option<Self> {
        let begins = u32::try_from(begins).ok()?;
        let bit = |is_set: bool, bit: u32| if is_set { bit } else { 0 };
        let bits = bit(is_new, Self::IS_NEW) | bit(may_have_shell, Self::HAS_SHELL);
        (begins < Self::HAS_SHELL).then_some(Self(begins | bits))
    }

    const fn begins(self) -> u32 {
        self.0 & !(Self::IS_NEW | Self::HAS_SHELL)
    }

    const fn is_new(self) -> bool {
        self.0 & Self::IS_NEW != 0
    }

    const fn has_shell(self) -> bool {
        self.0 & Self::HAS_SHELL != 0
    }
}

/// Users while they are being listed.
struct Listing {
    /// Names that are known already; beside them, which of these were listed.
    known: Names,
    is_listed: Vec<bool>,
    text: String,
    listed: Vec<Person>,
    are_all: bool,
}

/// A service of the name service that may know users whom it does not list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unlisted {
    /// Its name in `/etc/nsswitch.conf`.
    pub service: String,
    /// Whether it has listed any users.
    pub lists_some: bool,
}

/// One line of a list of users.
struct Line<'a> {
    name: &'a str,
    uid: u32,
    gid: u32,
    shell: &'a str,
}

impl<'a> Line<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let mut fields = text.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        let shell = fields.nth(2).unwrap_or("");
        Some(Self {
            name,
            uid,
            gid,
            shell,
        })
    }

    /// Whether the shell is not one of the programs that only refuse.
    fn may_have_shell(&self) -> bool {
        !self.shell.ends_with("/nologin") && !self.shell.ends_with("/false")
    }
}

const END: char = '\n';

fn text_at(text: &str, begins: u32) -> &str {
    let rest = &text[begins as usize..];
    rest.split(END).next().unwrap_or(rest)
}

impl Listing {
    fn of(known: Names) -> Self {
        Self {
            is_listed: vec![false; known.len()],
            known,
            text: String::new(),
            listed: Vec::new(),
            are_all: true,
        }
    }

    /// Adds a line; returns whether there is room for more.
    fn take(&mut self, line: &str) -> bool {
        let Some(line) = Line::of(line) else {
            return true;
        };
        let shell = line.may_have_shell();
        let position = self.known.position(line.name);
        let place = match position {
            Some(position) => Place::of(self.known.key(position) as usize, false, shell),
            None => Place::of(self.text.len(), true, shell),
        };
        let Some(name) = place else {
            self.are_all = false;
            return false;
        };
        if let Some(position) = position {
            self.is_listed[position] = true;
        } else {
            self.text.push_str(line.name);
            self.text.push(END);
        }
        let Line { uid, gid, .. } = line;
        self.listed.push(Person { name, uid, gid });
        true
    }

    fn people(self, others: Names, unlisted: Vec<Unlisted>) -> People {
        let Self {
            known,
            is_listed,
            text,
            listed,
            are_all,
        } = self;
        let mut unlisted_names = Gathering::default();
        for (name, is_listed) in known.iter().zip(is_listed) {
            if !is_listed {
                let added = unlisted_names.add(name);
                added.expect("it was a name before, and all of them had room");
            }
        }
        let mut people = People {
            known: known.by_keys(),
            unlisted_names: unlisted_names.sorted(),
            text,
            listed,
            by_name: Vec::new(),
            by_number: Vec::new(),
            are_all,
            others,
            unlisted,
        };
        people.by_name = people.sorted_by_name();
        people.by_number = people.sorted_by_number();
        people
    }
}

impl People {
    /// Reads the users who are listed on this machine.
    ///
    /// `known`: names that are already in memory; these are not copied again.
    #[must_use]
    pub fn of_machine(known: Names) -> Self {
        Self::of_services(known, &Services::for_users())
    }

    /// Lists no users: each is looked up separately.
    #[must_use]
    pub fn unread() -> Self {
        Self {
            are_all: false,
            ..Self::of_services(Names::default(), &Services::default())
        }
    }

    fn of_services(known: Names, services: &Services) -> Self {
        let mut found = Listing::of(known);
        found.are_all = services.others.is_empty();
        let mut unlisted = Vec::new();
        for service in &services.listing {
            if every_line(service, "passwd", |line| found.take(line)).is_err() {
                // From here on there may be more users than were listed.
                found.are_all = false;
                unlisted.push(Unlisted {
                    service: service.clone(),
                    lists_some: true,
                });
                break;
            }
        }
        let mut others = Gathering::default();
        for service in &services.others {
            let mut lists_some = false;
            let listed = every_line(service, "passwd", |line| {
                if let Some(line) = Line::of(line) {
                    lists_some = true;
                    // A name that cannot be a user's belongs to nobody whom the module lets in.
                    others.add(line.name).ok();
                }
                true
            });
            if listed.is_err() || !lists_everybody(service) {
                unlisted.push(Unlisted {
                    service: service.clone(),
                    lists_some,
                });
            }
        }
        found.people(others.sorted(), unlisted)
    }

    /// Sorts by name; of several users with one name, the first counts.
    fn sorted_by_name(&self) -> Vec<u32> {
        let name = |at: u32| self.name_of(&self.listed[at as usize]);
        let mut sorted = self.positions();
        sorted.sort_unstable_by(|&one, &other| name(one).cmp(name(other)).then(one.cmp(&other)));
        sorted.dedup_by(|later, first| name(*later) == name(*first));
        sorted
    }

    /// Sorts by number; of several users with one number, the first counts.
    fn sorted_by_number(&self) -> Vec<u32> {
        let number = |at: u32| self.listed[at as usize].uid;
        let mut sorted = self.positions();
        sorted.sort_unstable_by_key(|&at| (number(at), at));
        sorted.dedup_by(|later, first| number(*later) == number(*first));
        sorted
    }

    fn positions(&self) -> Vec<u32> {
        let count = u32::try_from(self.listed.len());
        (0..count.expect("each user takes at least a byte of a text of at most 1 GiB")).collect()
    }

    /// Returns how many names were listed by services that list all their users.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Whether no name was listed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    fn at(&self, position: usize) -> &Person {
        &self.listed[self.by_name[position] as usize]
    }

    fn name_of(&self, person: &Person) -> &str {
        let begins = person.name.begins();
        if person.name.is_new() {
            text_at(&self.text, begins)
        } else {
            self.known.name(begins)
        }
    }

    /// Returns the name at this position.
    ///
    /// # Panics
    /// There are fewer names.
    #[must_use]
    pub fn name(&self, position: usize) -> &str {
        self.name_of(self.at(position))
    }

    /// Returns the user id at this position.
    ///
    /// # Panics
    /// There are fewer names.
    #[must_use]
    pub fn uid(&self, position: usize) -> u32 {
        self.at(position).uid
    }

    /// Whether the user at this position may have a shell that does more than refuse.
    ///
    /// # Panics
    /// There are fewer names.
    #[must_use]
    pub fn may_have_shell(&self, position: usize) -> bool {
        self.at(position).name.has_shell()
    }

    /// Whether the name at this position was known before.
    ///
    /// # Panics
    /// There are fewer names.
    #[must_use]
    pub fn is_known(&self, position: usize) -> bool {
        !self.at(position).name.is_new()
    }

    /// Returns names that were known before and were not listed.
    #[must_use]
    pub const fn unlisted_names(&self) -> &Names {
        &self.unlisted_names
    }

    /// Returns how many names come before this one, if it was listed.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        let compared = |&at: &u32| self.name_of(&self.listed[at as usize]).cmp(name);
        self.by_name.binary_search_by(compared).ok()
    }

    /// Returns names that other services list. Only a lookup can tell whether each is a user's.
    #[must_use]
    pub const fn others(&self) -> &Names {
        &self.others
    }

    /// Returns services that may know users whom they did not list.
    #[must_use]
    pub fn unlisted(&self) -> &[Unlisted] {
        &self.unlisted
    }

    /// Whether no user exists who was not listed.
    #[must_use]
    pub const fn are_all(&self) -> bool {
        self.are_all
    }

    /// Looks up the person to whom a name belongs, as [`users::named`] does.
    ///
    /// # Errors
    /// As for [`users::named`].
    pub fn named(&self, name: &str) -> Result<Option<Named>, Error> {
        users::named_by(self, name)
    }
}

impl Users for People {
    fn by_name(&self, name: &str) -> Result<Option<Entry>, Error> {
        match self.position(name) {
            Some(position) => Ok(Some(self.entry(self.at(position)))),
            None if self.are_all => Ok(None),
            None => NameService.by_name(name),
        }
    }

    fn by_uid(&self, uid: u32) -> Result<Option<Entry>, Error> {
        let found = self
            .by_number
            .binary_search_by_key(&uid, |&at| self.listed[at as usize].uid);
        match found {
            Ok(at) => Ok(Some(self.entry(&self.listed[self.by_number[at] as usize]))),
            Err(_) if self.are_all => Ok(None),
            Err(_) => NameService.by_uid(uid),
        }
    }
}

impl People {
    fn entry(&self, person: &Person) -> Entry {
        Entry {
            name: self.name_of(person).to_owned(),
            uid: person.uid,
        }
    }
}

/// Returns the first user id of people: `UID_MIN` of `/etc/login.defs`, or 1000.
#[must_use]
pub fn first_number() -> u32 {
    const USUAL: u32 = 1000;
    let text = fs::read_to_string("/etc/login.defs").unwrap_or_default();
    first_number_in(&text).unwrap_or(USUAL)
}

/// Reads `UID_MIN`; the last line counts, as for shadow's programs.
fn first_number_in(text: &str) -> Option<u32> {
    let value = |line: &str| {
        let mut words = line.split_whitespace();
        (words.next()? == "UID_MIN").then(|| words.next()?.parse().ok())?
    };
    text.lines().filter_map(value).next_back()
}

/// Whether a user id belongs to a program or to nobody, by the ranges that Debian and systemd reserve for them.
#[must_use]
pub const fn is_of_system(uid: u32, first_number: u32) -> bool {
    uid != 0 && (uid < first_number || matches!(uid, 61_184..=65_519 | 65_534 | 65_535))
}

#[cfg(test)]
mod tests;
