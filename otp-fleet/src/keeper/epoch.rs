//! The epoch of a fleet: raised when the data was put back, so that no code that may have been used counts again.
//!
//! Raising it is one write of one key. From then on every write that began before is overtaken. Every account from an
//! earlier epoch is read as its floor leaves it: steps are used up to the floor, counters have moved, recovery codes
//! are void, no place is trusted, no mailed code is valid. The next write of the account stores that. Until then
//! every reader computes the same, so it does not matter if [`EtcdKeeper::raise_all`] was interrupted.

use super::EtcdKeeper;
use super::commit::{put, unchanged};
use super::copy::Change;
use super::guard::{Fleet, Nonce};
use super::layout::{ACCOUNTS, FLEET, RESTORING};
use crate::etcd::{Compare, TxnRequest, after_prefix};
use otp_core::UserName;
use otp_core::messages::reason::{Deed, Wording};
use otp_store::account::floor::Floor;
use otp_store::keeper::{Keeper, Put};
use otp_store::{Error, Location};
use std::time::{Duration, Instant};

/// The result for the accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Raised {
    /// Accounts from an earlier epoch that are now in this one.
    pub raised: usize,
    /// Accounts that were in this epoch, or are gone.
    pub unchanged: usize,
    /// Accounts that cannot be raised, because their data is damaged: no one gets in by them.
    pub damaged: Vec<String>,
}

impl EtcdKeeper {
    /// Begins a fleet in this database, if there is no fleet, no account and no unfinished restore; returns the fleet
    /// that exists now.
    ///
    /// # Errors
    /// The database cannot be written or read.
    pub fn found(&self) -> Result<Fleet, Error> {
        let fleet = Fleet {
            id: Nonce::fresh()?,
            epoch: 1,
            floor: None,
        };
        // Earlier accounts would have no floor.
        let no_account = Compare {
            range_end: after_prefix(ACCOUNTS.as_bytes()),
            ..unchanged(ACCOUNTS.into(), 0)
        };
        let no_restore = unchanged(RESTORING.into(), 0);
        let mut tries = 3;
        loop {
            let is_begun =
                self.set_fleet(fleet, 0, vec![no_account.clone(), no_restore.clone()])?;
            tries -= 1;
            match self.fleet() {
                // The write was not answered, and may not be done.
                Err(Error::Missing { .. }) if !is_begun && tries > 0 => {}
                // Another program may have been first.
                found => return found,
            }
        }
    }

    /// Begins a new epoch with that floor; returns the fleet as it is now.
    ///
    /// If etcd does not report whether this was done, it is done again: one more epoch does no harm.
    ///
    /// # Errors
    /// The database cannot be written or read.
    pub fn raise_epoch(&self, floor: Floor) -> Result<Fleet, Error> {
        let until = Instant::now() + super::PATIENCE;
        loop {
            let (fleet, revision) = self.fleet_until(until)?;
            // An earlier floor may be above this one, if a clock has run back.
            let before = fleet.floor.map_or(floor, |before| Floor {
                when: before.when.max(floor.when),
                ..floor
            });
            let next = Fleet {
                epoch: fleet.epoch.saturating_add(1),
                floor: Some(before),
                ..fleet
            };
            if self.set_fleet(next, revision, Vec::new())? {
                return self.fleet();
            }
        }
    }

    /// Writes the floor of the epoch into every account, and calls `each` after each one.
    ///
    /// # Errors
    /// The accounts cannot be listed, or one cannot be read or written for a reason that may pass. Raised accounts
    /// stay raised.
    pub fn raise_all(&self, mut each: impl FnMut(&str)) -> Result<Raised, Error> {
        let mut done = Raised::default();
        for name in self.users()?.iter() {
            match self.raise(&UserName::new(name)?) {
                Ok(true) => done.raised += 1,
                Ok(false) => done.unchanged += 1,
                Err(error) if error.may_pass() => return Err(error),
                Err(_) => done.damaged.push(name.to_owned()),
            }
            each(name);
        }
        Ok(done)
    }

    /// Writes the floor of the epoch into one account; returns whether there was something to write.
    fn raise(&self, name: &UserName) -> Result<bool, Error> {
        const PATIENCE: Duration = Duration::from_secs(60);
        let until = Instant::now() + PATIENCE;
        loop {
            let Some(mut held) = self.hold_name(name, PATIENCE)? else {
                return Ok(false);
            };
            held.check()?;
            if held.is_raised() {
                return Ok(false);
            }
            match held.swap(Change::default())? {
                Put::Done => return Ok(true),
                Put::Overtaken if Instant::now() < until => {}
                Put::Overtaken => {
                    return Err(Error::Overtaken {
                        place: Location::of(name.as_str()),
                    });
                }
            }
        }
    }

    /// Writes the fleet's key, if it is unchanged and the other conditions hold; returns whether it was written.
    fn set_fleet(&self, fleet: Fleet, revision: i64, also: Vec<Compare>) -> Result<bool, Error> {
        let mut compare = also;
        compare.push(unchanged(FLEET.into(), revision));
        let request = TxnRequest {
            compare,
            success: vec![put(FLEET.into(), fleet.text().into_bytes())],
            failure: Vec::new(),
        };
        match self.client().once(request, self.until()) {
            Ok(answer) => Ok(answer.succeeded),
            Err(failure) if failure.may_pass() => Ok(false),
            Err(failure) => Err(Error::Database {
                place: Location::of(format!("etcd:{FLEET}")),
                action: Deed::Write,
                reason: Wording::of(|language| failure.text(language)),
            }),
        }
    }
}
