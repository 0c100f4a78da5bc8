//! What can be told about one account without telling a secret.

use crate::files::LOCK_DEADLINE;
use crate::{Account, Error, Store};
use otp_core::decide::standing_at;
use otp_core::record::{Name, Refusal, Standing};
use otp_core::{Policy, UnixTime};

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
    /// # Errors
    /// The record cannot be trusted or read.
    pub fn standing(&self, account: &Account, now: UnixTime) -> Result<Option<Standing>, Error> {
        let Some(locked) = self.lock(account, LOCK_DEADLINE)? else {
            return Ok(None);
        };
        let record = locked.read(account)?;
        Ok(record.map(|record| standing_at(record.state.standing, now)))
    }
}

impl Overview {
    /// Reads it under the lock, so that it is of one moment; `None`: the account is not enrolled.
    ///
    /// # Errors
    /// The record cannot be trusted or read.
    pub fn read(
        store: &Store,
        account: &Account,
        policy: &Policy,
        now: UnixTime,
    ) -> Result<Option<Self>, Error> {
        let Some(locked) = store.lock(account, LOCK_DEADLINE)? else {
            return Ok(None);
        };
        let Some(record) = locked.read(account)? else {
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
            standing: standing_at(state.standing, now),
            last_refusal: state.last_refusal,
        }))
    }
}
