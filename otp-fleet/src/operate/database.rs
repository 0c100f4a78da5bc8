//! The database of a fleet, as an administrator's commands ask it.

use crate::etcd::{
    self, Client, Failure, KeyValue, Limits, RangeRequest, Rpc, TxnRequest, TxnResponse,
    after_prefix,
};
use crate::keeper::{FLEET, Fleet};
use otp_core::messages::fleet::Unable;
use std::time::{Duration, Instant};

/// How long one question may take, with all the members that are tried.
pub(super) const PATIENCE: Duration = Duration::from_secs(9);

/// How long one that takes its time may take beside that, and an answer of it: a password takes etcd a tenth of a second of a
/// processor, and a host may have much else to do.
const LONGER: Duration = Duration::from_secs(60);
const LONG_CALL: Duration = Duration::from_secs(30);

/// How many keys are read at once.
const PAGE: i64 = 256;

/// The database.
pub struct Database {
    client: Client,
    /// How long is asked again for what etcd has been sent and has not answered.
    longer: Duration,
}

/// How one page of keys is read.
#[derive(Clone, Copy)]
pub struct Pages {
    /// The moment, by the revision of the store; 0: that of the first page, for all.
    pub revision: i64,
    /// Without values.
    pub keys_only: bool,
}

impl Database {
    /// The one that is said there.
    ///
    /// # Errors
    /// No member is named, or the system gives no threads.
    pub fn of(config: &etcd::Config) -> Result<Self, Unable> {
        Self::within(config, Limits::default(), Duration::ZERO)
    }

    /// The same, for the command that has etcd make passwords and look at them: it gives up a slow etcd later.
    ///
    /// # Errors
    /// As for [`Database::of`].
    pub fn patient(config: &etcd::Config) -> Result<Self, Unable> {
        let limits = Limits {
            call: LONG_CALL,
            ..Limits::default()
        };
        Self::within(config, limits, LONGER)
    }

    fn within(config: &etcd::Config, limits: Limits, longer: Duration) -> Result<Self, Unable> {
        let client = Client::new(config, limits);
        let client = client.map_err(|error| Unable::NoDatabase {
            reason: error.to_string(),
        })?;
        Ok(Self { client, longer })
    }

    /// The client below.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Asks what may be asked twice.
    ///
    /// # Errors
    /// It is refused, or there is no answer.
    pub fn ask<R: Rpc>(&self, request: &R) -> Result<R::Answer, Unable> {
        self.try_asking(request).map_err(|failure| no(&failure))
    }

    /// The same, for a caller that tells refusals apart.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn try_asking<R: Rpc>(&self, request: &R) -> Result<R::Answer, Failure> {
        let answered = self.client.again(request, Instant::now() + PATIENCE);
        match answered {
            Err(Failure::Unanswered(_)) if !self.longer.is_zero() => {
                self.client.again(request, Instant::now() + self.longer)
            }
            done => done,
        }
    }

    /// Sends a transaction once.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn once(&self, request: TxnRequest) -> Result<TxnResponse, Failure> {
        self.client.once(request, Instant::now() + PATIENCE)
    }

    /// Gives every key below a prefix to `each`, a page at a time, all as of one moment; says which revision that was.
    ///
    /// # Errors
    /// A page cannot be read, or `each` fails.
    pub fn every(
        &self,
        prefix: &str,
        pages: Pages,
        mut each: impl FnMut(&KeyValue) -> Result<(), Unable>,
    ) -> Result<i64, Unable> {
        let mut revision = pages.revision;
        let mut from = prefix.as_bytes().to_vec();
        let mut limit = PAGE;
        loop {
            let request = RangeRequest {
                key: from.clone(),
                range_end: after_prefix(prefix.as_bytes()),
                limit,
                revision,
                keys_only: pages.keys_only,
                ..RangeRequest::default()
            };
            let answer = match self.try_asking(&request) {
                Ok(answer) => answer,
                // Perhaps it is larger than an answer may be.
                Err(_) if limit > 1 => {
                    limit /= 4;
                    continue;
                }
                Err(failure) => return Err(no(&failure)),
            };
            if revision == 0 {
                revision = answer.header.map_or(0, |header| header.revision);
            }
            answer.kvs.iter().try_for_each(&mut each)?;
            match answer.kvs.last() {
                Some(last) if answer.more => {
                    from.clone_from(&last.key);
                    from.push(0);
                }
                _ => return Ok(revision),
            }
        }
    }

    /// One key; `None`: it is not there.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn one(&self, key: &str) -> Result<Option<KeyValue>, Unable> {
        let request = RangeRequest {
            key: key.into(),
            ..RangeRequest::default()
        };
        Ok(self.ask(&request)?.kvs.pop())
    }

    /// How many keys there are below a prefix.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn count(&self, prefix: &str) -> Result<u64, Unable> {
        let request = RangeRequest {
            key: prefix.into(),
            range_end: after_prefix(prefix.as_bytes()),
            count_only: true,
            ..RangeRequest::default()
        };
        Ok(u64::try_from(self.ask(&request)?.count).unwrap_or(0))
    }

    /// Which fleet it is, and the revision of that; `None`: there is none.
    ///
    /// # Errors
    /// It cannot be read, or is damaged.
    pub fn fleet(&self) -> Result<Option<(Fleet, i64)>, Unable> {
        let Some(found) = self.one(FLEET)? else {
            return Ok(None);
        };
        let fleet = Fleet::read(&found.value).map_err(|_| Unable::NoDatabase {
            reason: format!("{FLEET} does not say which fleet it is, or is of a newer release"),
        })?;
        Ok(Some((fleet, found.mod_revision)))
    }
}

/// Why the database did not do it.
#[must_use]
pub fn no(failure: &Failure) -> Unable {
    Unable::NoDatabase {
        reason: failure.to_string(),
    }
}
