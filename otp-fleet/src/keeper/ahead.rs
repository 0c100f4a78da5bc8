//! What is read of an account before anything is asked about it, along with what else has to be known first: in one question,
//! as of one moment.
//!
//! It answers the first question about the account on a keeper that was made for one request, and no other: whatever is asked
//! after that is asked of the database. Nothing is right because of it: every write compares.

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

/// The account that was read, until it is asked for.
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
    /// What was read of that account, once.
    pub(super) fn take(&self, name: &UserName) -> Option<((Fleet, i64), Found)> {
        let mut read = self.lock().take().filter(|read| read.name == *name)?;
        Some((read.fleet, std::mem::take(&mut read.found)))
    }

    /// Has the account be read anew.
    pub(super) fn forget(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<Account>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The range of an account, and of nothing else.
pub(super) fn range_of(name: &UserName) -> RangeRequest {
    RangeRequest {
        key: layout::guard(name),
        range_end: layout::after(name),
        limit: MOST_KEYS,
        ..RangeRequest::default()
    }
}

/// The range of an account of nobody: there are no keys in it.
fn range_of_nobody() -> RangeRequest {
    let key = format!("{}/", layout::ACCOUNTS).into_bytes();
    RangeRequest {
        range_end: after_prefix(&key),
        key,
        limit: MOST_KEYS,
        ..RangeRequest::default()
    }
}

/// What the only range of a question has.
pub(super) fn first(read: Read) -> ((Fleet, i64), Found) {
    let found = read.found.into_iter().next().unwrap_or_default();
    (read.fleet, found)
}

impl EtcdKeeper {
    /// Reads a key, and as of the same moment the account that this request is about; what the key has. `None`: it is about
    /// nobody, which takes the same question.
    ///
    /// # Errors
    /// It cannot be read, or not be believed.
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

    /// Reads keys as of one moment, in their order; of each what it has. As all that is read, they are not believed where there is
    /// no fleet, as while one is restored, or where the database is older than it was seen before.
    ///
    /// # Errors
    /// They cannot be read, or not be believed.
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

    /// Takes as long as a write, and writes nothing: so that an attempt under a name that has no authenticator, or that nobody
    /// has, takes as long as a wrong code.
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
