//! A keeper whose process is killed before a call that changes something: before the first such call, then before the
//! second, and so on, until a run is not killed.

use crate::Error;
use crate::Location;
use crate::fixture::Bench;
use crate::keeper::{Bytes, Goes, Held, Keeper, Lasts, Look, Part, Put};
use crate::undisturbed::Undisturbed;
use otp_core::{Account, Names, UserName};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::time::Duration;

/// Unwinds a process that is killed.
struct Killed;

/// Runs `test` on a fresh bench for each call at which its process can be killed, until `test` says that it was not
/// killed. Returns how often it was killed.
pub(super) fn each_cut<B: Bench>(mut test: impl FnMut(Cut<B::Keeper>, &B) -> bool) -> usize {
    for calls in 0.. {
        let bench = B::empty();
        let cut = Cut {
            keeper: bench.store(),
            left: Rc::new(Cell::new(calls)),
        };
        if test(cut, &bench) {
            return calls;
        }
    }
    unreachable!("a transaction does not make endlessly many calls")
}

/// A keeper of a process that is killed after a number of calls.
pub(super) struct Cut<K> {
    keeper: K,
    left: Rc<Cell<usize>>,
}

impl<K: Keeper> Cut<K> {
    /// Whether `work` came to its end.
    pub(super) fn survives<T>(self, work: impl FnOnce(&Self) -> T) -> bool {
        match catch_unwind(AssertUnwindSafe(|| work(&self))) {
            Ok(_) => true,
            Err(killed) if killed.is::<Killed>() => false,
            Err(failed) => resume_unwind(failed),
        }
    }

    fn held(&self, held: K::Held) -> Holding<K::Held> {
        Holding {
            held,
            left: Rc::clone(&self.left),
        }
    }
}

fn count(left: &Cell<usize>) {
    match left.get().checked_sub(1) {
        Some(fewer) => left.set(fewer),
        None => resume_unwind(Box::new(Killed)),
    }
}

pub(super) struct Holding<H> {
    held: H,
    left: Rc<Cell<usize>>,
}

impl<H: Look> Look for Holding<H> {
    fn place(&self, part: Part) -> Location {
        self.held.place(part)
    }

    fn seal(&self) -> &crate::Seal {
        self.held.seal()
    }

    fn has(&self, part: Part) -> Result<bool, Error> {
        self.held.has(part)
    }

    fn get(&mut self, part: Part) -> Result<Option<Bytes>, Error> {
        self.held.get(part)
    }

    fn rehearsed(&mut self, part: Part) -> Result<Option<Bytes>, Error> {
        self.held.rehearsed(part)
    }

    fn fulfil(&mut self, part: Part) -> Result<(), Error> {
        count(&self.left);
        self.held.fulfil(part)
    }
}

impl<H: Held> Held for Holding<H> {
    const ALONE: bool = H::ALONE;

    fn put(&mut self, part: Part, bytes: &[u8]) -> Result<Put, Error> {
        count(&self.left);
        self.held.put(part, bytes)
    }

    fn overwrite(
        &mut self,
        part: Part,
        offset: u64,
        bytes: &[u8],
        lasts: Lasts,
    ) -> Result<Put, Error> {
        count(&self.left);
        self.held.overwrite(part, offset, bytes, lasts)
    }

    fn settle(&mut self, part: Part) -> Result<(), Error> {
        count(&self.left);
        self.held.settle(part)
    }

    fn rehearse(&mut self, part: Part, bytes: &[u8]) -> Result<Put, Error> {
        count(&self.left);
        self.held.rehearse(part, bytes)
    }

    fn remove(&mut self, part: Part) -> Result<Put, Error> {
        count(&self.left);
        self.held.remove(part)
    }

    fn recorded_owner(&mut self) -> Result<Option<Account>, Error> {
        self.held.recorded_owner()
    }

    fn claim(&mut self, uid: u32) -> Result<(), Error> {
        self.held.claim(uid)
    }

    fn let_go(self) -> Option<Undisturbed> {
        self.held.let_go()
    }
}

impl<K: Keeper> Keeper for Cut<K> {
    type Look = K::Look;
    type Held = Holding<K::Held>;

    fn look(&self, account: &Account) -> Result<Option<Self::Look>, Error> {
        self.keeper.look(account)
    }

    fn hold(&self, account: &Account, deadline: Duration) -> Result<Option<Self::Held>, Error> {
        let held = self.keeper.hold(account, deadline)?;
        Ok(held.map(|held| self.held(held)))
    }

    fn hold_or_create(&self, account: &Account, deadline: Duration) -> Result<Self::Held, Error> {
        count(&self.left);
        let held = self.keeper.hold_or_create(account, deadline)?;
        Ok(self.held(held))
    }

    fn hold_name(&self, name: &UserName, deadline: Duration) -> Result<Option<Self::Held>, Error> {
        let held = self.keeper.hold_name(name, deadline)?;
        Ok(held.map(|held| self.held(held)))
    }

    fn users(&self) -> Result<Names, Error> {
        self.keeper.users()
    }

    fn mark_enrolled(&self) -> Result<(), Error> {
        count(&self.left);
        self.keeper.mark_enrolled()
    }

    fn erase(&self, held: &mut Self::Held, name: &UserName, goes: Goes) -> Result<Put, Error> {
        count(&self.left);
        self.keeper.erase(&mut held.held, name, goes)
    }

    fn rename(
        &self,
        held: &mut Self::Held,
        over: Option<&mut Self::Held>,
        names: [&UserName; 2],
    ) -> Result<Put, Error> {
        count(&self.left);
        let over = over.map(|over| &mut over.held);
        self.keeper.rename(&mut held.held, over, names)
    }
}
