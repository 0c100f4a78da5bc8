//! An account that was read ahead, together with other facts that are needed first: in one request, as of one moment.
//!
//! It answers the first question about the account, on a keeper that was made for one request. Every later question
//! goes to the database. Correctness does not depend on this: every write compares.

use super::commit::{put, unchanged};
use super::guard::Fleet;
use super::layout::{self, FLEET, ROOT};
use super::{EtcdKeeper, Found, MOST_KEYS, Read, unread};
use crate::etcd::{RangeRequest, TxnRequest, after_prefix};
use otp_core::UserName;
use otp_store::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use zeroize::Zeroize;

/// The account that was read, until it is used.
#[derive(Clone, Default)]
pub(super) struct Ahead(Arc<Mutex<Option<Account>>>);

struct Account {
    name: UserName,
    fleet: (Fleet, i64),
    found: Found,
}

impl Drop for Account {
    fn drop(&mut self) {
        for kept in &mut self.found.0 {
            kept.value.zeroize();
        }
    }
}

impl Ahead {
    /// Returns the data that was read about that account, once.
    pub(super) fn take(&self, name: &UserName) -> Option<((Fleet, i64), Found)> {
        let mut read = self.lock().take().filter(|read| read.name == *name)?;
        Some((read.fleet, std::mem::take(&mut read.found)))
    }

    /// Drops the data, so that the account is read again.
    pub(super) fn forget(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<Account>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the range that has an account and nothing else.
pub(super) fn range_of(name: &UserName) -> RangeRequest {
    RangeRequest {
        key: layout::guard(name),
        range_end: layout::after(name),
        limit: MOST_KEYS,
        ..RangeRequest::default()
    }
}

/// Returns an empty range, for a name without an account.
fn range_of_nobody() -> RangeRequest {
    let key = format!("{}/", layout::ACCOUNTS).into_bytes();
    RangeRequest {
        range_end: after_prefix(&key),
        key,
        limit: MOST_KEYS,
        ..RangeRequest::default()
    }
}

/// Returns the result for the only range of a request.
pub(super) fn first(read: Read) -> ((Fleet, i64), Found) {
    let found = read.found.into_iter().next().unwrap_or_default();
    (read.fleet, found)
}

impl EtcdKeeper {
    /// Reads a key and, as of the same moment, the account that this request is about; returns the key's value.
    /// `None` as name: the request is about no account, and makes the same kind of read.
    ///
    /// # Errors
    /// The key cannot be read, or the database is not trusted.
    pub fn read_ahead(
        &self,
        key: Vec<u8>,
        name: Option<&UserName>,
        until: Instant,
    ) -> Result<Option<Vec<u8>>, Error> {
        let beside = RangeRequest {
            key,
            ..RangeRequest::default()
        };
        let account = name.map_or_else(range_of_nobody, range_of);
        let read = self.read(vec![beside, account], until)?;
        let mut found = read.found.into_iter();
        let (beside, _) = found.next().unwrap_or_default();
        let account = found.next().unwrap_or_default();
        if let Some(name) = name {
            *self.ahead.lock() = Some(Account {
                name: name.clone(),
                fleet: read.fleet,
                found: account,
            });
        }
        Ok(beside.into_iter().next().map(|kept| kept.value))
    }

    /// Reads keys as of one moment, and returns their values in order. Like every read, it is not trusted if there is
    /// no fleet (as during a restore) or if the database is older than seen before.
    ///
    /// # Errors
    /// The keys cannot be read, or the database is not trusted.
    pub fn values(
        &self,
        keys: impl Iterator<Item = Vec<u8>>,
        until: Instant,
    ) -> Result<Vec<Option<Vec<u8>>>, Error> {
        let one = |key| RangeRequest {
            key,
            ..RangeRequest::default()
        };
        let read = self.read(keys.map(one).collect(), until)?;
        let values = read.found.into_iter().map(|(found, _)| found);
        Ok(values
            .map(|found| found.into_iter().next().map(|kept| kept.value))
            .collect())
    }

    /// Takes as long as a write, but writes nothing. So an attempt for a name without an authenticator or without an
    /// account takes as long as a wrong code.
    ///
    /// The members agree on it as on any write, and each finds that its condition does not hold.
    ///
    /// # Errors
    /// As for a write.
    pub fn write_nothing(&self, until: Instant) -> Result<(), Error> {
        let request = TxnRequest {
            compare: vec![unchanged(FLEET.into(), -1)],
            success: vec![put(format!("{ROOT}nothing").into_bytes(), Vec::new())],
            failure: Vec::new(),
        };
        let answer = self.client().again(&request, until);
        answer.map(drop).map_err(|failure| unread(FLEET, &failure))
    }
}
