//! Which users are in a few groups, for many users at once.

use super::listing::every_line;
use super::switch::Services;
use super::{People, Person};
use crate::groups::{Looked, find_out_by, groups_of};
use nix::unistd::Gid;
use otp_core::enforce::Belongs;
use otp_core::names::Gathering;
use otp_core::{Names, UserName};
use std::cell::OnceCell;
use std::collections::HashMap;

/// The groups that a policy names, each looked up once, and which of the listed users are in them.
///
/// If every service for groups lists everything it knows, one list says who is in which group. Otherwise each user's
/// groups are looked up, as a login does ([`groups::belongs`](crate::groups::belongs)): a directory may say which
/// groups contain a user, and not whom a group contains.
pub struct Memberships {
    groups: Vec<Group>,
    /// The position of each group, by its name.
    positions: HashMap<String, usize>,
    /// How many words of bits each user has.
    words: usize,
    /// One bit for each group, for each user by position.
    held: Vec<u64>,
    /// Whether this is everything that can be known of those users.
    is_all: bool,
}

struct Group {
    looked: Looked,
    /// Members that the group itself names and that were not listed.
    members: Names,
}

impl Memberships {
    /// Looks these groups up, by name or number.
    #[must_use]
    pub fn of(people: &People, names: &[&str]) -> Self {
        let services = Services::for_groups();
        let words = names.len().div_ceil(u64::BITS as usize);
        let mut found = Self {
            groups: Vec::new(),
            positions: HashMap::new(),
            words,
            held: vec![0; words * people.len()],
            is_all: services.others.is_empty(),
        };
        for (at, name) in names.iter().enumerate() {
            let (looked, members) = Looked::up(name);
            let mut gathering = Gathering::default();
            for member in &members {
                if let Some(position) = people.position(member) {
                    found.mark(position, at);
                } else {
                    // A text that cannot be a user's name names no user.
                    gathering.add(member).ok();
                }
            }
            found.positions.insert((*name).to_owned(), at);
            found.groups.push(Group {
                looked,
                members: gathering.sorted(),
            });
        }
        if found.is_all && !names.is_empty() {
            let listed = services.listing.iter().try_for_each(|service| {
                every_line(service, "group", |line| {
                    found.take(people, line);
                    true
                })
            });
            found.is_all = listed.is_ok();
        }
        found
    }

    /// Notes every listed user whom a line of the list names as a member.
    fn take(&mut self, people: &People, line: &str) {
        let mut fields = line.split(':');
        let number = fields.nth(2).and_then(|number| number.parse().ok());
        let (Some(number), Some(members)) = (number, fields.next()) else {
            return;
        };
        for at in 0..self.groups.len() {
            if self.groups[at].looked.is_number(number) {
                let members = members.split(',').filter_map(|one| people.position(one));
                for position in members {
                    self.mark(position, at);
                }
            }
        }
    }

    fn mark(&mut self, position: usize, group: usize) {
        let bits = u64::BITS as usize;
        self.held[position * self.words + group / bits] |= 1 << (group % bits);
    }

    fn is_marked(&self, position: usize, group: usize) -> bool {
        let bits = u64::BITS as usize;
        self.held[position * self.words + group / bits] & (1 << (group % bits)) != 0
    }

    /// Returns the groups as they are named, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.groups.iter().map(|group| group.looked.name())
    }

    /// Whether a group is one of these and could be looked up.
    #[must_use]
    pub fn is_known(&self, group: &str) -> bool {
        let found = self.positions.get(group);
        found.is_some_and(|&at| self.groups[at].looked.is_there())
    }

    /// Returns names of users in these groups whom no service has listed.
    pub fn unlisted(&self) -> impl Iterator<Item = &str> {
        self.groups.iter().flat_map(|group| group.members.iter())
    }

    /// Returns what is known of one user.
    #[must_use]
    pub fn of_user<'a>(&'a self, people: &'a People, user: &'a UserName) -> OfUser<'a> {
        let position = people.position(user.as_str());
        OfUser {
            memberships: self,
            user,
            known: position.map(|position| (position, people.at(position))),
            held_by: OnceCell::new(),
        }
    }
}

/// The groups of one user.
pub struct OfUser<'a> {
    memberships: &'a Memberships,
    user: &'a UserName,
    known: Option<(usize, &'a Person)>,
    held_by: OnceCell<Option<Vec<Gid>>>,
}

impl OfUser<'_> {
    /// Whether a group contains the user, as in [`groups::belongs`](crate::groups::belongs). A group that was not
    /// looked up is unknown.
    #[must_use]
    pub fn belongs(&self, group: &str) -> Belongs {
        let Self {
            memberships,
            user,
            known,
            ..
        } = self;
        let Some(&at) = memberships.positions.get(group) else {
            return Belongs::Unknown;
        };
        let one = &memberships.groups[at];
        let is_marked = known.is_some_and(|(position, _)| memberships.is_marked(position, at));
        let is_member = || is_marked || one.members.contains(user);
        let belongs = match known {
            Some((_, person)) if memberships.is_all => find_out_by(
                &one.looked,
                |gid| person.gid == gid.as_raw() || is_marked,
                is_member,
            ),
            _ => {
                let primary = known.map(|(_, person)| Gid::from_raw(person.gid));
                let held_by = self.held_by.get_or_init(|| groups_of(user, primary));
                match held_by {
                    Some(held_by) => {
                        find_out_by(&one.looked, |gid| held_by.contains(&gid), is_member)
                    }
                    None => None,
                }
            }
        };
        belongs.unwrap_or(Belongs::Unknown)
    }
}
