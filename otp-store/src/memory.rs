//! A keeper in memory that commits by compare and swap. It is for the tests, which prove that the transactions need no
//! lock.
//!
//! Each holder of an account has a copy of it as it was. The first put counts; all others are overtaken.

use crate::keeper::{Bytes, Goes, Held, Keeper, Lasts, Look, Part, Put, owner_in};
use crate::sealed::Seal;
use crate::undisturbed::Undisturbed;
use crate::{Error, Location};
use otp_core::{Account, Names, UserName};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use zeroize::Zeroizing;

/// All accounts.
#[derive(Clone, Default)]
pub(crate) struct Memory(Arc<Mutex<World>>, Seal);

/// A function that runs before each put.
type Hook = Box<dyn FnMut(&Memory) + Send>;

#[derive(Default)]
struct World {
    /// Rises with every put, so no revision ever occurs twice.
    revision: u64,
    accounts: BTreeMap<UserName, Kept>,
    /// How many puts came too late.
    overtaken: u64,
    before_each_put: Option<Hook>,
}

#[derive(Clone, Default)]
struct Kept {
    revision: u64,
    parts: HashMap<Part, Vec<u8>>,
    rehearsed: HashMap<Part, Vec<u8>>,
}

/// An account as it was when it was held.
pub(crate) struct Copy {
    world: Memory,
    name: UserName,
    kept: Kept,
}

impl Memory {
    /// Returns how many puts have come too late so far.
    pub(crate) fn overtaken(&self) -> u64 {
        self.0.lock().unwrap().overtaken
    }

    /// Returns the same accounts, with later writes sealed with that seal.
    pub(crate) fn sealed_by(self, seal: Seal) -> Self {
        Self(self.0, seal)
    }

    /// Calls `hook` before each put from now on, except before puts that the hook makes itself.
    pub(crate) fn before_each_put(&self, hook: impl FnMut(&Self) + Send + 'static) {
        self.0.lock().unwrap().before_each_put = Some(Box::new(hook));
    }

    fn interrupt(&self) {
        let hook = self.0.lock().unwrap().before_each_put.take();
        if let Some(mut hook) = hook {
            hook(self);
            self.0.lock().unwrap().before_each_put = Some(hook);
        }
    }

    fn copy(&self, name: &UserName) -> Option<Copy> {
        let kept = self.0.lock().unwrap().accounts.get(name).cloned()?;
        Some(Copy {
            world: self.clone(),
            name: name.clone(),
            kept,
        })
    }
}

impl Copy {
    /// Compares and swaps: makes `change` to what is stored, and to the copy.
    fn swap(&mut self, change: impl FnOnce(&mut Kept)) -> Put {
        self.world.interrupt();
        let mut guard = self.world.0.lock().unwrap();
        let world = &mut *guard;
        match world.accounts.get_mut(&self.name) {
            Some(kept) if kept.revision == self.kept.revision => {
                world.revision += 1;
                change(kept);
                kept.revision = world.revision;
                self.kept = kept.clone();
                Put::Done
            }
            _ => {
                world.overtaken += 1;
                Put::Overtaken
            }
        }
    }
}

impl Look for Copy {
    fn place(&self, part: Part) -> Location {
        Location::of_part(part, format!("memory:{}/{part:?}", self.name.as_str()))
    }

    fn seal(&self) -> &Seal {
        &self.world.1
    }

    fn has(&self, part: Part) -> Result<bool, Error> {
        Ok(self.kept.parts.contains_key(&part))
    }

    fn get(&mut self, part: Part) -> Result<Option<Bytes>, Error> {
        Ok(self.kept.parts.get(&part).cloned().map(Zeroizing::new))
    }

    fn rehearsed(&mut self, part: Part) -> Result<Option<Bytes>, Error> {
        Ok(self.kept.rehearsed.get(&part).cloned().map(Zeroizing::new))
    }

    fn fulfil(&mut self, part: Part) -> Result<(), Error> {
        let put = self.swap(|kept| {
            if let Some(bytes) = kept.rehearsed.remove(&part) {
                kept.parts.insert(part, bytes);
            }
        });
        put.or_begin_anew(|| self.place(part))
    }
}

impl Held for Copy {
    const ALONE: bool = false;

    fn put(&mut self, part: Part, bytes: &[u8]) -> Result<Put, Error> {
        Ok(self.swap(|kept| {
            kept.rehearsed.remove(&part);
            kept.parts.insert(part, bytes.to_vec());
        }))
    }

    fn overwrite(
        &mut self,
        part: Part,
        offset: u64,
        bytes: &[u8],
        _lasts: Lasts,
    ) -> Result<Put, Error> {
        let from = usize::try_from(offset).unwrap();
        Ok(self.swap(|kept| {
            let whole = kept.parts.get_mut(&part).unwrap();
            whole[from..from + bytes.len()].copy_from_slice(bytes);
        }))
    }

    fn settle(&mut self, _part: Part) -> Result<(), Error> {
        Ok(())
    }

    fn rehearse(&mut self, part: Part, bytes: &[u8]) -> Result<Put, Error> {
        Ok(self.swap(|kept| {
            kept.rehearsed.insert(part, bytes.to_vec());
        }))
    }

    fn remove(&mut self, part: Part) -> Result<Put, Error> {
        if !self.kept.parts.contains_key(&part) {
            return Ok(Put::Done);
        }
        Ok(self.swap(|kept| {
            kept.parts.remove(&part);
        }))
    }

    fn recorded_owner(&mut self) -> Result<Option<Account>, Error> {
        let Some(bytes) = self.get(Part::Credential)? else {
            return Ok(None);
        };
        owner_in(&bytes, || self.place(Part::Credential)).map(Some)
    }

    fn claim(&mut self, _uid: u32) -> Result<(), Error> {
        Ok(())
    }

    fn let_go(self) -> Option<Undisturbed> {
        None
    }
}

impl Keeper for Memory {
    type Look = Copy;
    type Held = Copy;

    fn look(&self, account: &Account) -> Result<Option<Copy>, Error> {
        Ok(self.copy(&account.name))
    }

    fn hold(&self, account: &Account, _deadline: Duration) -> Result<Option<Copy>, Error> {
        self.look(account)
    }

    fn hold_or_create(&self, account: &Account, deadline: Duration) -> Result<Copy, Error> {
        loop {
            if let Some(copy) = self.hold(account, deadline)? {
                return Ok(copy);
            }
            let mut world = self.0.lock().unwrap();
            world.revision += 1;
            let revision = world.revision;
            let fresh = Kept {
                revision,
                ..Kept::default()
            };
            world.accounts.entry(account.name.clone()).or_insert(fresh);
        }
    }

    fn hold_name(&self, name: &UserName, _deadline: Duration) -> Result<Option<Copy>, Error> {
        Ok(self.copy(name))
    }

    fn users(&self) -> Result<Names, Error> {
        Ok(self.0.lock().unwrap().accounts.keys().collect())
    }

    fn mark_enrolled(&self) -> Result<(), Error> {
        Ok(())
    }

    fn erase(&self, held: &mut Copy, name: &UserName, goes: Goes) -> Result<Put, Error> {
        let put = held.swap(|kept| {
            kept.parts.retain(|part, _| {
                goes == Goes::Record && matches!(part, Part::FirstLogin | Part::Mail)
            });
            kept.rehearsed.clear();
        });
        let mut world = self.0.lock().unwrap();
        let is_empty = |kept: &Kept| kept.revision == held.kept.revision && kept.parts.is_empty();
        if put == Put::Done && world.accounts.get(name).is_some_and(is_empty) {
            world.accounts.remove(name);
        }
        Ok(put)
    }

    fn rename(
        &self,
        held: &mut Copy,
        over: Option<&mut Copy>,
        [from, to]: [&UserName; 2],
    ) -> Result<Put, Error> {
        self.interrupt();
        let mut guard = self.0.lock().unwrap();
        let world = &mut *guard;
        let revision = |name: &UserName| world.accounts.get(name).map(|kept| kept.revision);
        if revision(from) != Some(held.kept.revision)
            || revision(to) != over.map(|over| over.kept.revision)
        {
            world.overtaken += 1;
            return Ok(Put::Overtaken);
        }
        world.revision += 1;
        held.kept.revision = world.revision;
        held.name = to.clone();
        world.accounts.remove(from);
        world.accounts.insert(to.clone(), held.kept.clone());
        Ok(Put::Done)
    }
}
