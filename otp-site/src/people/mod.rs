//! Everybody whom the name service lists, read once, where many are looked up.
//!
//! Each lookup by name reads `/etc/passwd` from the beginning, so a million lookups in a million lines take days. What is
//! read here is asked in the same way ([`users::named`](crate::users::named)) and answers the same. Only services that list
//! everybody they know are believed, and only those that the name service asks first; where it asks others as well, they are
//! asked about whomever the first ones do not know.

mod groups;
mod listing;
mod switch;

pub use groups::{Memberships, OfUser};

use crate::Error;
use crate::users::{self, Entry, NameService, Named, Users};
use listing::every_line;
use otp_core::Names;
use otp_core::names::Gathering;
use std::fs;
use switch::{Services, lists_everybody};

/// Everybody who was listed.
pub struct People {
    /// Names, each with an end, in the order of the name service.
    text: String,
    listed: Vec<Person>,
    by_name: Vec<u32>,
    by_number: Vec<u32>,
    /// Whether nobody else exists.
    are_all: bool,
    /// Names of users that the other services list.
    others: Names,
    unlisted: Vec<Unlisted>,
}

/// One who was listed.
struct Person {
    begins: u32,
    uid: u32,
    gid: u32,
    may_have_shell: bool,
}

/// A service of the name service that knows users, and need not list all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unlisted {
    /// Its name in `/etc/nsswitch.conf`.
    pub service: String,
    /// Whether it has listed any.
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

    /// Whether it is not one of the programs that only say no.
    fn may_have_shell(&self) -> bool {
        !self.shell.ends_with("/nologin") && !self.shell.ends_with("/false")
    }
}

const END: char = '\n';

fn text_at(text: &str, begins: u32) -> &str {
    let rest = &text[begins as usize..];
    rest.split(END).next().unwrap_or(rest)
}

impl People {
    /// Reads who is listed on this machine.
    #[must_use]
    pub fn of_machine() -> Self {
        Self::of_services(&Services::for_users())
    }

    /// Nobody: everybody is looked up one by one.
    #[must_use]
    pub fn unread() -> Self {
        Self::of_services(&Services::default()).not_all()
    }

    fn not_all(mut self) -> Self {
        self.are_all = false;
        self
    }

    fn of_services(services: &Services) -> Self {
        let mut found = Self {
            text: String::new(),
            listed: Vec::new(),
            by_name: Vec::new(),
            by_number: Vec::new(),
            are_all: services.others.is_empty(),
            others: Names::default(),
            unlisted: Vec::new(),
        };
        for service in &services.listing {
            if every_line(service, "passwd", |line| found.take(line)).is_err() {
                // From here on there may be more than was listed.
                found.are_all = false;
                let (service, lists_some) = (service.clone(), true);
                found.unlisted.push(Unlisted {
                    service,
                    lists_some,
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
                    // One that cannot be a user's name is nobody whom the module lets in.
                    others.add(line.name).ok();
                }
                true
            });
            let service = service.clone();
            if listed.is_err() || !lists_everybody(&service) {
                found.unlisted.push(Unlisted {
                    service,
                    lists_some,
                });
            }
        }
        found.others = others.sorted();
        found.sort();
        found
    }

    /// Takes a line; says whether there is room for more.
    fn take(&mut self, line: &str) -> bool {
        let Some(line) = Line::of(line) else {
            return true;
        };
        let Ok(begins) = u32::try_from(self.text.len()) else {
            self.are_all = false;
            return false;
        };
        self.text.push_str(line.name);
        self.text.push(END);
        self.listed.push(Person {
            begins,
            uid: line.uid,
            gid: line.gid,
            may_have_shell: line.may_have_shell(),
        });
        true
    }

    /// Of several with one name or number, the first is found.
    fn sort(&mut self) {
        let Self { text, listed, .. } = self;
        let count = u32::try_from(listed.len()).expect("each takes a byte of a text of 4 GiB");
        let name = |at: u32| text_at(text, listed[at as usize].begins);
        let mut by_name: Vec<u32> = (0..count).collect();
        by_name.sort_unstable_by(|&one, &other| name(one).cmp(name(other)).then(one.cmp(&other)));
        by_name.dedup_by(|later, first| name(*later) == name(*first));
        let number = |at: u32| listed[at as usize].uid;
        let mut by_number: Vec<u32> = (0..count).collect();
        by_number.sort_unstable_by_key(|&at| (number(at), at));
        by_number.dedup_by(|later, first| number(*later) == number(*first));
        self.by_name = by_name;
        self.by_number = by_number;
    }

    /// How many names were listed by services that list everybody.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Whether there was none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    fn at(&self, position: usize) -> &Person {
        &self.listed[self.by_name[position] as usize]
    }

    fn name_of(&self, person: &Person) -> &str {
        text_at(&self.text, person.begins)
    }

    /// The name that so many come before.
    ///
    /// # Panics
    /// There are not so many.
    #[must_use]
    pub fn name(&self, position: usize) -> &str {
        self.name_of(self.at(position))
    }

    /// The number of that one.
    ///
    /// # Panics
    /// There are not so many.
    #[must_use]
    pub fn uid(&self, position: usize) -> u32 {
        self.at(position).uid
    }

    /// Whether that one has a shell that does more than to say no.
    ///
    /// # Panics
    /// There are not so many.
    #[must_use]
    pub fn may_have_shell(&self, position: usize) -> bool {
        self.at(position).may_have_shell
    }

    /// How many names come before this one, where it was listed.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        let compared = |&at: &u32| self.name_of(&self.listed[at as usize]).cmp(name);
        self.by_name.binary_search_by(compared).ok()
    }

    /// Names that other services list. Whether each is a user's, only looking it up can tell.
    #[must_use]
    pub const fn others(&self) -> &Names {
        &self.others
    }

    /// Services that may know users whom they have not listed.
    #[must_use]
    pub fn unlisted(&self) -> &[Unlisted] {
        &self.unlisted
    }

    /// Whether nobody exists who was not listed.
    #[must_use]
    pub const fn are_all(&self) -> bool {
        self.are_all
    }

    /// Looks up the person whom a name leads to, as [`users::named`] does.
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

/// The first number of accounts that are people's: `UID_MIN` of `/etc/login.defs`, else 1000.
#[must_use]
pub fn first_number() -> u32 {
    const USUAL: u32 = 1000;
    let text = fs::read_to_string("/etc/login.defs").unwrap_or_default();
    first_number_in(&text).unwrap_or(USUAL)
}

/// The last line counts, as for shadow's programs.
fn first_number_in(text: &str) -> Option<u32> {
    let value = |line: &str| {
        let mut words = line.split_whitespace();
        (words.next()? == "UID_MIN").then(|| words.next()?.parse().ok())?
    };
    text.lines().filter_map(value).next_back()
}

/// Whether a number is that of a program or of nobody, by the ranges that Debian and systemd reserve for them.
#[must_use]
pub const fn is_of_system(uid: u32, first_number: u32) -> bool {
    uid != 0 && (uid < first_number || matches!(uid, 61_184..=65_519 | 65_534 | 65_535))
}

#[cfg(test)]
mod tests;
