//! The accounts that are looked at, in order, in little memory.

use crate::failure::Failure;
use otp_core::Names;
use otp_core::names::Gathering;
use otp_site::people::{self, People};
use otp_store::Keeper;

/// Whom to look at.
pub enum Which<'a> {
    /// Everybody about whom something is kept.
    Recorded,
    /// Everybody whom the name service lists, these, and everybody about whom something is kept.
    Everybody {
        /// Also accounts of programs without a record.
        system: bool,
        /// Names of users who need not be listed.
        besides: Names,
    },
    /// These.
    Named(&'a Names),
}

/// Those who are looked at. Accounts that come later are not among them, and those that go meanwhile are as good as unknown.
pub struct Roster {
    /// Those who were listed; a name that was known is one under which something is kept.
    people: People,
    /// Those to look at who were not listed.
    others: Names,
    are_asked: bool,
    /// Positions of people, and of others with [`OTHER`].
    order: Vec<u32>,
}

const OTHER: u32 = 1 << 31;

/// One of them.
pub struct Whom<'a> {
    /// The name.
    pub name: &'a str,
    /// Where it is among the people who were listed.
    pub position: Option<usize>,
    /// Whether something was kept under that name.
    pub is_recorded: bool,
    /// Whether somebody asked about this name.
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

/// What is known before it is decided whom to look at.
pub struct Known(People);

impl Known {
    /// Reads under which names something is kept, and then who exists: so a user who was there when a record was has not
    /// gone because of a moment between both.
    pub fn read(store: &impl Keeper) -> Result<Self, Failure> {
        Ok(Self(People::of_machine(store.users()?)))
    }

    /// Those who were listed.
    pub const fn people(&self) -> &People {
        &self.0
    }

    /// Chooses whom to look at.
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

/// Each of them was a name already.
fn add(names: &mut Gathering, name: &str) {
    let added = names.add(name);
    added.expect("it comes from names, which take no more room together");
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
    /// How many there are to look at.
    pub const fn len(&self) -> usize {
        self.order.len()
    }

    /// Those who were listed.
    pub const fn people(&self) -> &People {
        &self.people
    }

    /// The one that so many come before.
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
