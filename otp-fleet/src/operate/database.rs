//! The database of a fleet, for an administrator's commands.

use super::told::why_of;
use crate::etcd::{
    self, Client, Failure, KeyValue, Limits, RangeRequest, Rpc, TxnRequest, TxnResponse,
    after_prefix,
};
use crate::keeper::{FLEET, Fleet};
use otp_core::messages::fleet::{Unable, Why};
use otp_core::messages::reason::Wording;
use std::time::{Duration, Instant};

/// The time that one request may take, including all members that are tried.
pub(super) const PATIENCE: Duration = Duration::from_secs(9);

/// The further time for a slow request, and for one answer to it: for a password etcd needs a tenth of a second of
/// processor time, and the host may be busy.
const LONGER: Duration = Duration::from_secs(60);
const LONG_CALL: Duration = Duration::from_secs(30);

/// The number of keys that are read at once.
const PAGE: i64 = 256;

/// The database.
pub struct Database {
    client: Client,
    /// How long an unanswered request is repeated.
    longer: Duration,
}

/// How pages of keys are read.
#[derive(Clone, Copy)]
pub struct Pages {
    /// The moment, as a revision of the store; 0: the moment of the first page, for all pages.
    pub revision: i64,
    /// Whether to leave out the values.
    pub keys_only: bool,
}

impl Database {
    /// Connects to the database of a configuration.
    ///
    /// # Errors
    /// No member is named, or the system provides no threads.
    pub fn of(config: &etcd::Config) -> Result<Self, Unable> {
        Self::within(config, Limits::default(), Duration::ZERO)
    }

    /// Connects as [`Database::of`] does, and gives up a slow etcd later: for the command that makes etcd create and
    /// check passwords.
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
            reason: why_of(&error),
        })?;
        Ok(Self { client, longer })
    }

    /// Returns the client.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Sends a request that may be sent twice.
    ///
    /// # Errors
    /// The request is refused, or there is no answer.
    pub fn ask<R: Rpc>(&self, request: &R) -> Result<R::Answer, Unable> {
        self.try_asking(request).map_err(|failure| no(&failure))
    }

    /// Sends a request as [`Database::ask`] does, for a caller that distinguishes refusals.
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

    /// Passes every key below a prefix to `each`, page by page, all as of one moment; returns the revision of that
    /// moment.
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
                // The page may be larger than an answer may be.
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

    /// Reads one key; `None`: it does not exist.
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

    /// Counts the keys below a prefix.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn count(&self, prefix: &str) -> Result<u64, Unable> {
        let request = RangeRequest {
            key: prefix.into(),
            range_end: after_prefix(prefix.as_bytes()),
            count_only: true,
            ..RangeRequest::default()
        };
        Ok(u64::try_from(self.ask(&request)?.count).unwrap_or(0))
    }

    /// Reads the fleet and the revision of its key; `None`: there is no fleet.
    ///
    /// # Errors
    /// It cannot be read, or is damaged.
    pub fn fleet(&self) -> Result<Option<(Fleet, i64)>, Unable> {
        let Some(found) = self.one(FLEET)? else {
            return Ok(None);
        };
        let fleet = Fleet::read(&found.value).map_err(|_| Unable::NoDatabase {
            reason: Why::UnknownFleet { key: FLEET }.into(),
        })?;
        Ok(Some((fleet, found.mod_revision)))
    }
}

/// Converts a failure of the database.
#[must_use]
pub fn no(failure: &Failure) -> Unable {
    Unable::NoDatabase {
        reason: Wording::of(|language| failure.text(language)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::assert_korean;
    use otp_core::record::Language;

    #[test]
    fn a_database_that_cannot_be_asked_is_reported_in_the_language_of_the_command() {
        let mut config = etcd::Config {
            endpoints: Vec::new(),
            ca: "/nowhere/ca".into(),
            certificate: "/nowhere/certificate".into(),
            key: "/nowhere/key".into(),
        };
        let unable = Database::of(&config).err().unwrap();
        assert_eq!(
            unable.text(Language::English),
            "the database of the fleet: no address of etcd is given"
        );
        assert_korean(&unable.text(Language::Korean), &["etcd"]);
        config.endpoints.push("127.0.0.1:1".to_owned());
        let client = Client::new(&config, Limits::default()).unwrap();
        let asked = client.once(RangeRequest::default(), Instant::now());
        let unable = no(&asked.err().unwrap());
        assert_eq!(
            unable.text(Language::English),
            "the database of the fleet: no member of etcd can be reached: \
             /nowhere/key: cannot be read: No such file or directory (os error 2)"
        );
        assert_korean(&unable.text(Language::Korean), &["/nowhere/key", "etcd"]);
    }
}
