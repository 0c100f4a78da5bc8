//! What can be told about one account without telling a secret.

use crate::files::LOCK_DEADLINE;
use crate::{Error, Locked, Record, Store};

use otp_core::decide::standing_at;
use otp_core::record::{Name, Refusal, Standing};
use otp_core::{Account, Before1970, Policy, State, UnixTime};

/// How an enrolled account stands at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// The authenticators, oldest first.
    pub authenticators: Vec<Device>,
    /// Unused recovery codes.
    pub recovery_codes_left: u32,
    /// Recovery codes that were issued together; `None`: none were.
    pub recovery_codes_issued: Option<u32>,
    /// Failures in a row since the last success, over all locks.
    pub failures: u32,
    /// Failures that are still allowed before the next lock.
    pub failures_left: u32,
    /// Whether the account may try.
    pub standing: Standing,
    /// The last attempt that was refused.
    pub last_refusal: Option<(UnixTime, Refusal)>,
}

/// One authenticator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// What its owner calls it.
    pub name: Name,
    /// When it was enrolled.
    pub created: UnixTime,
    /// When a code of it was last accepted.
    pub last_used: Option<UnixTime>,
}

impl Store {
    /// Whether the account may try a code; `None`: it is not enrolled.
    ///
    /// `clock` is read under the lock. A lock that lies in the future begins now, and that is stored.
    ///
    /// # Errors
    /// The record cannot be trusted, read, or written where it has to be.
    pub fn standing(
        &self,
        account: &Account,
        clock: impl FnOnce() -> Result<UnixTime, Before1970>,
    ) -> Result<Option<Standing>, Error> {
        let Some(locked) = self.lock(account, LOCK_DEADLINE)? else {
            return Ok(None);
        };
        let record = locked.read_settled(account, clock)?;
        Ok(record.map(|record| record.state.standing))
    }
}

impl Locked {
    /// Reads the record with the standing as it is now.
    ///
    /// A lock that was set by a clock gone wrong begins anew when it is looked at ([`standing_at`]). That has to last:
    /// begun anew at each look, it would never end for users who wait as they were told.
    fn read_settled(
        &self,
        account: &Account,
        clock: impl FnOnce() -> Result<UnixTime, Before1970>,
    ) -> Result<Option<Record>, Error> {
        let Some(mut record) = self.read(account)? else {
            return Ok(None);
        };
        let standing = standing_at(record.state.standing, clock()?);
        if standing != record.state.standing && standing != Standing::Open {
            let next = State {
                standing,
                ..record.state.clone()
            };
            self.commit(record, &next)?;
            return self.read(account);
        }
        record.state.standing = standing;
        Ok(Some(record))
    }
}

impl Overview {
    /// Reads it under the lock, so that it is of one moment; `None`: the account is not enrolled.
    ///
    /// `clock` is read under the lock. A lock that lies in the future begins now, and that is stored.
    ///
    /// # Errors
    /// The record cannot be trusted, read, or written where it has to be.
    pub fn read(
        store: &Store,
        account: &Account,
        policy: &Policy,
        clock: impl FnOnce() -> Result<UnixTime, Before1970>,
    ) -> Result<Option<Self>, Error> {
        let Some(locked) = store.lock(account, LOCK_DEADLINE)? else {
            return Ok(None);
        };
        let Some(record) = locked.read_settled(account, clock)? else {
            return Ok(None);
        };
        let (credential, state) = (&record.credential, &record.state);
        let devices = credential.authenticators().iter().map(|one| Device {
            name: one.name.clone(),
            created: one.created,
            last_used: state.of(one.id).and_then(|entry| entry.last_used),
        });
        Ok(Some(Self {
            authenticators: devices.collect(),
            recovery_codes_left: state.recovery_codes_left(credential),
            recovery_codes_issued: credential
                .recovery()
                .map(|set| u32::try_from(set.hashes.len()).unwrap_or(u32::MAX)),
            failures: state.failures_in_a_row,
            failures_left: policy.lockout.failures().saturating_sub(state.failures),
            standing: state.standing,
            last_refusal: state.last_refusal,
        }))
    }
}

#[cfg(test)]
mod tests;
