//! An account as it was at one revision, and its changes.

use super::commit::{Outcome, Sign, Unwritten, Write, put};
use super::guard::{Accepted, Fleet, Guard, Nonce, Unreadable};
use super::layout::{self, Kind, Slot};
use super::turn::Turn;
use super::value::{self, NoPart};
use super::{EtcdKeeper, written};
use crate::etcd::{DeleteRangeRequest, KeyValue, RequestOp, request_op};
use otp_core::messages::reason::{Deed, Reason, Unfit, Wording};
use otp_core::{Account, UnixTime, UserName};
use otp_store::account::floor;
use otp_store::keeper::{Bytes, Held, Lasts, Look, Part, Put, owner_in};
use otp_store::{Error, Location, Seal, Undisturbed};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use zeroize::Zeroizing;

/// An account as it was at one revision. While it is held, it can be changed as long as no one else has changed it.
pub struct Copy {
    pub(super) keeper: EtcdKeeper,
    pub(super) name: UserName,
    /// The fleet, and the revision of its key.
    pub(super) fleet: (Fleet, i64),
    /// The guard's revision; 0: there is no guard.
    pub(super) revision: i64,
    /// The guard; `None`: there is none, or it cannot be read.
    pub(super) guard: Option<Guard>,
    /// The values as they are stored in etcd.
    pub(super) values: BTreeMap<Slot, Bytes>,
    /// Keys that this release does not know.
    pub(super) unknown: Vec<Vec<u8>>,
    /// The slots that the floor of the epoch has changed in `values`; the next write writes them too.
    raised: Vec<Slot>,
    /// Why the account cannot be trusted.
    fault: Option<Fault>,
    /// The result of the attempt whose state is put next; `None`: no result that identifies the person.
    told: Option<Told>,
    /// The turn of the account; dropped as soon as another writer was faster, since it then has no use.
    pub(super) turn: Option<Turn>,
}

/// Why the stored data cannot be trusted.
#[derive(Clone)]
enum Fault {
    Newer,
    Content(Reason),
}

/// The result of an attempt, as far as it identifies the person.
#[derive(Clone, Copy)]
enum Told {
    /// The attempt was accepted at that moment.
    Accepted(UnixTime),
    /// The code was wrong.
    Wrong,
}

/// The changes of a write.
#[derive(Default)]
pub(super) struct Change {
    puts: BTreeMap<Slot, Bytes>,
    deletes: Vec<Slot>,
}

impl Change {
    fn put(mut self, slot: Slot, value: Bytes) -> Self {
        self.puts.insert(slot, value);
        self
    }

    pub(super) fn delete(mut self, slot: Slot) -> Self {
        self.deletes.push(slot);
        self
    }
}

impl Copy {
    /// Takes the keys that were found under a name; `None`: there are none.
    pub(super) fn found(
        keeper: EtcdKeeper,
        name: UserName,
        fleet: (Fleet, i64),
        found: Vec<KeyValue>,
    ) -> Option<Self> {
        if found.is_empty() {
            return None;
        }
        let mut copy = Self {
            keeper,
            name,
            fleet,
            revision: 0,
            guard: None,
            values: BTreeMap::new(),
            unknown: Vec::new(),
            raised: Vec::new(),
            fault: None,
            told: None,
            turn: None,
        };
        for KeyValue {
            key,
            value,
            mod_revision,
            ..
        } in found
        {
            let value = Zeroizing::new(value);
            match layout::kind(&copy.name, &key) {
                Some(Kind::Guard) => {
                    copy.revision = mod_revision;
                    match Guard::read(&value) {
                        Ok(guard) => copy.guard = Some(guard),
                        Err(Unreadable::Newer) => copy.fault = Some(Fault::Newer),
                        Err(Unreadable::Damaged) => copy.doubt(Unfit::GuardDamaged),
                    }
                }
                Some(Kind::Part(slot)) => {
                    copy.values.insert(slot, value);
                }
                Some(Kind::Unknown) | None => copy.unknown.push(key),
            }
        }
        if copy.revision == 0 {
            copy.doubt(Unfit::NoGuard);
        }
        copy.raise();
        Some(copy)
    }

    fn doubt(&mut self, why: impl Into<Reason>) {
        self.fault.get_or_insert_with(|| Fault::Content(why.into()));
    }

    /// Applies the floor of the fleet's epoch to data from an earlier one.
    fn raise(&mut self) {
        let (fleet, _) = self.fleet;
        let Some(guard) = &mut self.guard else {
            return;
        };
        if guard.epoch == fleet.epoch {
            return;
        }
        let Some(floor) = fleet.floor.filter(|_| guard.epoch < fleet.epoch) else {
            return self.doubt(Unfit::OfALaterEpoch);
        };
        guard.accepted = None;
        match floor::changes(self, &floor) {
            Ok(changes) => {
                for (part, bytes) in changes {
                    let slot = Slot::of(part);
                    match bytes.map(|bytes| value::of(&bytes)) {
                        Some(Ok(value)) => {
                            self.values.insert(slot, value);
                        }
                        Some(Err(_)) => return self.doubt(Unfit::NoFitAfterFloor),
                        None => {
                            self.values.remove(&slot);
                        }
                    }
                    self.raised.push(slot);
                }
            }
            Err(error) => self.doubt(Wording::of(|language| error.text(language))),
        }
    }

    /// Whether the stored account belongs to the fleet's epoch.
    pub(super) fn is_raised(&self) -> bool {
        let (fleet, _) = self.fleet;
        self.guard
            .as_ref()
            .is_some_and(|guard| guard.epoch == fleet.epoch)
    }

    /// Checks that the stored data can be trusted.
    ///
    /// # Errors
    /// The reason why it cannot.
    pub(super) fn check(&self) -> Result<(), Error> {
        match &self.fault {
            None => Ok(()),
            Some(Fault::Newer) => Err(Error::Newer {
                place: self.place(Part::Credential),
            }),
            Some(Fault::Content(reason)) => Err(Error::Content {
                place: self.place(Part::Credential),
                line: None,
                reason: reason.clone(),
            }),
        }
    }

    fn read(&self, slot: Slot, part: Part) -> Result<Option<Bytes>, Error> {
        self.check()?;
        let Some(kept) = self.values.get(&slot) else {
            return Ok(None);
        };
        value::read(kept)
            .map(Some)
            .map_err(|why| unreadable(self.place(part), why))
    }

    fn written(&self, part: Part, bytes: &[u8]) -> Result<Bytes, Error> {
        value::of(bytes).map_err(|why| unreadable(self.place(part), why))
    }

    /// Makes the guard of the next write.
    pub(super) fn next_guard(&self, change: &Change) -> Result<Guard, Error> {
        let by = self.keeper.by.clone();
        let is_judged = change.puts.contains_key(&Slot::of(Part::State));
        let accepted = match self.told.filter(|_| is_judged) {
            // The guard cannot name this client: then no one has just proven anything.
            Some(Told::Accepted(when)) => by.clone().map(|machine| Accepted { machine, when }),
            // The person there does not have the device.
            Some(Told::Wrong) => None,
            None => self.guard.as_ref().and_then(|guard| guard.accepted.clone()),
        };
        // A proof on one machine says nothing about a record that another machine, or an administrator, has made
        // since.
        let credential = Slot::of(Part::Credential);
        let is_made_anew =
            change.puts.contains_key(&credential) || change.deletes.contains(&credential);
        let accepted = accepted.filter(|last| !is_made_anew || by.as_ref() == Some(&last.machine));
        Ok(Guard {
            nonce: Nonce::fresh()?,
            epoch: self.fleet.0.epoch,
            by,
            accepted,
        })
    }

    /// Compares and swaps in one transaction. If it is done, the copy is updated.
    pub(super) fn swap(&mut self, mut change: Change) -> Result<Put, Error> {
        self.check()?;
        for slot in &self.raised {
            if change.puts.contains_key(slot) || change.deletes.contains(slot) {
                continue;
            }
            change = match self.values.get(slot) {
                Some(value) => change.put(*slot, value.clone()),
                None => change.delete(*slot),
            };
        }
        let guard = self.next_guard(&change)?;
        let key = layout::guard(&self.name);
        let mut steps = vec![put(key.clone(), guard.text().into_bytes())];
        let keys = |slot: &Slot| layout::key(&self.name, *slot);
        steps.extend(
            change
                .puts
                .iter()
                .map(|(slot, value)| put(keys(slot), value.to_vec())),
        );
        steps.extend(change.deletes.iter().map(|slot| delete(keys(slot))));
        let put = self.write(Sign::Nonce(key, guard.nonce), steps)?;
        if let Outcome::Done(revision) = put {
            self.revision = revision;
            self.guard = Some(guard);
            self.raised.clear();
            for slot in &change.deletes {
                self.values.remove(slot);
            }
            self.values.extend(change.puts);
        }
        Ok(written(&put))
    }

    /// Returns the slots that exist in etcd, including those that the floor has removed here but that are still
    /// stored.
    pub(super) fn kept(&self) -> impl Iterator<Item = Slot> {
        let raised = self.raised.iter();
        let raised = raised.filter(|slot| !self.values.contains_key(slot));
        self.values.keys().chain(raised).copied()
    }

    /// Notes that the changes of the floor were written with the rest.
    pub(super) fn all_is_written(&mut self) {
        self.raised.clear();
    }

    /// Writes if neither this account nor the fleet has changed.
    pub(super) fn write(&mut self, sign: Sign, steps: Vec<RequestOp>) -> Result<Outcome, Error> {
        self.write_where(sign, Vec::new(), steps)
    }

    /// Writes as [`Copy::write`] does, under further conditions.
    pub(super) fn write_where(
        &mut self,
        sign: Sign,
        also: Vec<crate::etcd::Compare>,
        steps: Vec<RequestOp>,
    ) -> Result<Outcome, Error> {
        let write = Write {
            guard: layout::guard(&self.name),
            revision: self.revision,
            fleet: self.fleet.1,
            also,
            steps,
            sign,
            before: self.guard.clone(),
        };
        let outcome = write.commit(self.keeper.client(), self.keeper.until());
        // In every case, an attempt is recorded once.
        self.told = None;
        if !matches!(outcome, Ok(Outcome::Done(_))) {
            self.turn = None;
        }
        let overtaken = &self.keeper.overtaken;
        match outcome {
            Ok(Outcome::Done(revision)) => {
                overtaken.store(0, Ordering::Relaxed);
                self.keeper.note_write(self.fleet.0, revision);
            }
            Ok(Outcome::Overtaken) => {
                overtaken.fetch_add(1, Ordering::Relaxed);
            }
            Err(_) => {}
        }
        outcome.map_err(|why| {
            let place = self.place(Part::State);
            match why {
                Unwritten::Failed(failure) => Error::Database {
                    place,
                    action: Deed::Write,
                    reason: Wording::of(|language| failure.text(language)),
                },
                Unwritten::InDoubt(failure) => Error::InDoubt {
                    place,
                    reason: Wording::of(|language| failure.text(language)),
                },
            }
        })
    }
}

/// Returns the step that removes a key.
pub(super) fn delete(key: Vec<u8>) -> RequestOp {
    delete_range(key, Vec::new())
}

/// Returns the step that removes all keys from one up to another.
pub(super) fn delete_range(key: Vec<u8>, range_end: Vec<u8>) -> RequestOp {
    RequestOp {
        request: Some(request_op::Request::RequestDeleteRange(
            DeleteRangeRequest {
                key,
                range_end,
                prev_kv: false,
            },
        )),
    }
}

fn unreadable(place: Location, why: NoPart) -> Error {
    match why {
        NoPart::Newer => Error::Newer { place },
        NoPart::Damaged(reason) => Error::Content {
            place,
            line: None,
            reason: reason.into(),
        },
    }
}

impl Look for Copy {
    fn place(&self, part: Part) -> Location {
        let key = layout::key(&self.name, Slot::of(part));
        Location::of_part(part, format!("etcd:{}", String::from_utf8_lossy(&key)))
    }

    fn seal(&self) -> &Seal {
        &self.keeper.seal
    }

    fn has(&self, part: Part) -> Result<bool, Error> {
        self.check()?;
        Ok(self.values.contains_key(&Slot::of(part)))
    }

    fn get(&mut self, part: Part) -> Result<Option<Bytes>, Error> {
        self.read(Slot::of(part), part)
    }

    fn rehearsed(&mut self, part: Part) -> Result<Option<Bytes>, Error> {
        self.read(Slot::rehearsed(part), part)
    }

    fn fulfil(&mut self, part: Part) -> Result<(), Error> {
        let Some(value) = self.values.get(&Slot::rehearsed(part)).cloned() else {
            return Ok(());
        };
        let change = Change::default()
            .put(Slot::of(part), value)
            .delete(Slot::rehearsed(part));
        match self.swap(change)? {
            Put::Done => Ok(()),
            Put::Overtaken => Err(Error::Overtaken {
                place: self.place(part),
            }),
        }
    }
}

impl Held for Copy {
    const ALONE: bool = false;

    fn put(&mut self, part: Part, bytes: &[u8]) -> Result<Put, Error> {
        let mut change = Change::default().put(Slot::of(part), self.written(part, bytes)?);
        if self.values.contains_key(&Slot::rehearsed(part)) {
            change = change.delete(Slot::rehearsed(part));
        }
        self.swap(change)
    }

    fn overwrite(
        &mut self,
        part: Part,
        offset: u64,
        bytes: &[u8],
        _lasts: Lasts,
    ) -> Result<Put, Error> {
        let outside = |held: &Self| Error::Content {
            place: held.place(part),
            line: None,
            reason: Unfit::Shorter.into(),
        };
        let mut whole = self.get(part)?.ok_or_else(|| outside(self))?;
        let piece = usize::try_from(offset)
            .ok()
            .and_then(|from| whole.get_mut(from..)?.get_mut(..bytes.len()));
        piece.ok_or_else(|| outside(self))?.copy_from_slice(bytes);
        let change = Change::default().put(Slot::of(part), self.written(part, &whole)?);
        self.swap(change)
    }

    fn settle(&mut self, _part: Part) -> Result<(), Error> {
        Ok(())
    }

    fn rehearse(&mut self, part: Part, bytes: &[u8]) -> Result<Put, Error> {
        let value = self.written(part, bytes)?;
        self.swap(Change::default().put(Slot::rehearsed(part), value))
    }

    fn remove(&mut self, part: Part) -> Result<Put, Error> {
        self.check()?;
        // A slot that the floor has removed here is still stored.
        if !self.values.contains_key(&Slot::of(part)) && !self.raised.contains(&Slot::of(part)) {
            return Ok(Put::Done);
        }
        self.swap(Change::default().delete(Slot::of(part)))
    }

    fn accepted(&mut self, when: UnixTime) {
        self.told = Some(Told::Accepted(when));
    }

    fn refused(&mut self) {
        self.told = Some(Told::Wrong);
    }

    fn recorded_owner(&mut self) -> Result<Option<Account>, Error> {
        let Some(bytes) = self.get(Part::Credential)? else {
            return Ok(None);
        };
        owner_in(&bytes, || self.place(Part::Credential)).map(Some)
    }

    fn claim(&mut self, _uid: u32) -> Result<(), Error> {
        self.check()
    }

    fn let_go(self) -> Option<Undisturbed> {
        None
    }
}
