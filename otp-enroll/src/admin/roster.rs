//! The accounts to examine, in order, in little memory.

use crate::failure::Failure;
use otp_core::Names;
use otp_core::names::Gathering;
use otp_site::people::{self, People};
use otp_store::Keeper;

/// Which accounts to examine.
pub enum Which<'a> {
    /// All users with a record.
    Recorded,
    /// All users that the name service lists, the users in `besides`, and all users with a record.
    Everybody {
        /// Whether to include accounts of programs without a record.
        system: bool,
        /// Names of users who need not be listed.
        besides: Names,
    },
    /// These names only.
    Named(&'a Names),
}

/// The accounts to examine. Accounts that are made later are missing; accounts that are removed in the meantime count
/// as unknown.
pub struct Roster {
    /// The listed users; a known name is one with a record.
    people: People,
    /// The names to examine that were not listed.
    others: Names,
    are_asked: bool,
    /// Positions of people, and of others with [`OTHER`].
    order: Vec<u32>,
}

const OTHER: u32 = 1 << 31;

/// One account to examine.
pub struct Whom<'a> {
    /// The name.
    pub name: &'a str,
    /// Its position among the listed people.
    pub position: Option<usize>,
    /// Whether there was a record under that name.
    pub is_recorded: bool,
    /// Whether the command asks about this name.
    pub is_asked: bool,
}

#[derive(Default)]
struct Bits(Vec<u64>);

impl Bits {
    fn of(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    fn set(&mut self, at: usize) {
        self.0[at / 64] |= 1 << (at % 64);
    }

    fn get(&self, at: usize) -> bool {
        self.0[at / 64] & (1 << (at % 64)) != 0
    }
}

/// The facts that are known before the accounts are chosen.
pub struct Known(People);

impl Known {
    /// Reads first the names of the records and then the users. So a user who existed when the record did does not
    /// seem gone because of the moment in between.
    pub fn read(store: &impl Keeper) -> Result<Self, Failure> {
        Ok(Self(People::of_machine(store.users()?)))
    }

    /// Returns the listed users.
    pub const fn people(&self) -> &People {
        &self.0
    }

    /// Chooses the accounts to examine.
    pub fn roster(self, which: &Which<'_>) -> Roster {
        let Self(people) = self;
        let unlisted = people.unlisted_names();
        let mut others = Gathering::default();
        let mut chosen = Bits::default();
        match which {
            Which::Recorded => unlisted.iter().for_each(|name| add(&mut others, name)),
            Which::Everybody { besides, .. } => {
                let besides = besides.iter().chain(people.others().iter());
                let besides = besides.filter(|name| people.position(name).is_none());
                let all = unlisted.iter().chain(besides);
                all.for_each(|name| add(&mut others, name));
            }
            Which::Named(names) => {
                chosen = Bits::of(people.len());
                for name in names.iter() {
                    match people.position(name) {
                        Some(position) => chosen.set(position),
                        None => add(&mut others, name),
                    }
                }
            }
        }
        let others = others.sorted();
        let first = people::first_number();
        let is_meant = |at: usize| match which {
            Which::Recorded => people.is_known(at),
            Which::Everybody { system, .. } => {
                *system || people.is_known(at) || !people::is_of_system(people.uid(at), first)
            }
            Which::Named(_) => chosen.get(at),
        };
        let order = merged(&people, is_meant, &others);
        Roster {
            are_asked: matches!(which, Which::Named(_)),
            people,
            others,
            order,
        }
    }
}

/// Adds a name that was a name already.
fn add(names: &mut Gathering, name: &str) {
    let added = names.add(name);
    added.expect("the name was in a list of names already, and together they need no more room");
}

fn merged(people: &People, is_meant: impl Fn(usize) -> bool, others: &Names) -> Vec<u32> {
    let position = |at: usize| u32::try_from(at).expect("names of 4 GiB are fewer than 2^31");
    let mut order = Vec::new();
    let mut other = 0;
    let mut others_before = |name: Option<&str>, order: &mut Vec<u32>| {
        while other < others.len() && name.is_none_or(|name| others.name(other) < name) {
            order.push(position(other) | OTHER);
            other += 1;
        }
    };
    for at in (0..people.len()).filter(|at| is_meant(*at)) {
        others_before(Some(people.name(at)), &mut order);
        order.push(position(at));
    }
    others_before(None, &mut order);
    order
}

impl Roster {
    /// Returns the number of accounts to examine.
    pub const fn len(&self) -> usize {
        self.order.len()
    }

    /// Returns the listed users.
    pub const fn people(&self) -> &People {
        &self.people
    }

    /// Returns the account at a position.
    pub fn at(&self, position: usize) -> Whom<'_> {
        let at = self.order[position];
        let is_asked = self.are_asked;
        if at & OTHER == 0 {
            let at = at as usize;
            return Whom {
                name: self.people.name(at),
                position: Some(at),
                is_recorded: self.people.is_known(at),
                is_asked,
            };
        }
        let name = self.others.name((at & !OTHER) as usize);
        Whom {
            name,
            position: None,
            is_recorded: self.people.unlisted_names().position(name).is_some(),
            is_asked,
        }
    }
}
