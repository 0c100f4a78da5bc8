//! The order in which a move holds both names. Otherwise two moves in opposite directions would wait for each other.

use super::*;
use crate::fixture::Bench;
use crate::keeper::{Goes, Put};
use crate::memory::Memory;
use otp_core::Names;
use std::cell::RefCell;

/// Records that note which names are held, and in which order.
struct Noting {
    memory: Memory,
    held: RefCell<Vec<UserName>>,
}

impl Keeper for Noting {
    type Look = <Memory as Keeper>::Look;
    type Held = <Memory as Keeper>::Held;

    fn look(&self, account: &Account) -> Result<Option<Self::Look>, Error> {
        self.memory.look(account)
    }

    fn hold(&self, account: &Account, deadline: Duration) -> Result<Option<Self::Held>, Error> {
        self.memory.hold(account, deadline)
    }

    fn hold_or_create(&self, account: &Account, deadline: Duration) -> Result<Self::Held, Error> {
        self.memory.hold_or_create(account, deadline)
    }

    fn hold_name(&self, name: &UserName, deadline: Duration) -> Result<Option<Self::Held>, Error> {
        self.held.borrow_mut().push(name.clone());
        self.memory.hold_name(name, deadline)
    }

    fn users(&self) -> Result<Names, Error> {
        self.memory.users()
    }

    fn mark_enrolled(&self) -> Result<(), Error> {
        self.memory.mark_enrolled()
    }

    fn erase(&self, held: &mut Self::Held, name: &UserName, goes: Goes) -> Result<Put, Error> {
        self.memory.erase(held, name, goes)
    }

    fn rename(
        &self,
        held: &mut Self::Held,
        over: Option<&mut Self::Held>,
        names: [&UserName; 2],
    ) -> Result<Put, Error> {
        self.memory.rename(held, over, names)
    }
}

#[test]
fn both_names_are_held_in_alphabetical_order_whichever_is_the_old_one() {
    let keeper = Noting {
        memory: Memory::with_alice(),
        held: RefCell::default(),
    };
    for (from, to) in [(alice(), carol()), (carol(), alice())] {
        let moved = move_record(&keeper, &from.name, &to, false).unwrap();
        assert_eq!(moved, Moved::Done);
        assert_eq!(keeper.held.take(), [alice().name, carol().name]);
    }
}
