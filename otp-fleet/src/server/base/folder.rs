//! A folder of this host instead of a database: for a single verifier, to try a fleet without etcd.

use super::Base;
use crate::keeper::{Accepted, Machine};
use crate::name::PeerName;
use crate::registry::Entry;
use otp_core::{Account, Policy, UnixTime, UserName};
use otp_file::{Access, Rules, Unparsed, Unread, open_file, read_whole};
use otp_helper::fleet::PolicyDigest;
use otp_store::{Error, Seal, Store};
use std::collections::HashMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The largest entry, in bytes.
const LARGEST: u64 = 16 * 1024;

/// The records and the registry in folders.
pub struct Folder {
    directory: PathBuf,
    machines: PathBuf,
    /// The accounts whose last attempt was accepted. They are forgotten when this process ends: then a code is needed
    /// again.
    accepted: Mutex<HashMap<UserName, Accepted>>,
}

impl Folder {
    /// Uses the records in `directory`, and a file for each machine in `machines`.
    #[must_use]
    pub fn new(directory: PathBuf, machines: PathBuf) -> Self {
        Self {
            directory,
            machines,
            accepted: Mutex::default(),
        }
    }
}

impl Folder {
    fn sealed(&self, policy: &Policy) -> Result<Store, Error> {
        let store = Store::open(&self.directory)?;
        Ok(store.sealed_by(Seal::by_key_in(&policy.seal.key)))
    }
}

impl Base for Folder {
    type Keeper = Store;
    type Begun = ();

    fn entry(&self, name: &PeerName) -> Result<Option<Entry>, String> {
        let place = self.machines.join(name.as_str());
        let fault = |why: String| format!("{}: {why}", place.display());
        let directory = File::open(&self.machines).map_err(|error| fault(error.to_string()))?;
        let rules = Rules {
            allowed: 0o644,
            account: None,
            group: None,
            one_name: true,
        };
        let words = |why: Unread| match why {
            Unread::Unsafe(why) => fault(why.to_string()),
            Unread::Io { action, source } => fault(format!("cannot {action} it: {source}")),
        };
        let opened = open_file(&directory, name.as_str(), Access::Read, rules, LARGEST);
        let Some(opened) = opened.map_err(words)? else {
            return Ok(None);
        };
        let bytes = read_whole(&opened, LARGEST).map_err(words)?;
        let entry = Entry::from_text(name, &bytes).map_err(|why| match why {
            Unparsed::Content { reason, .. } => fault(reason.to_string()),
            Unparsed::Newer => fault("written by a newer version of pam_otp".to_owned()),
        })?;
        Ok(Some(entry))
    }

    fn begin(
        &self,
        machine: &PeerName,
        _: Option<&UserName>,
        _: Duration,
    ) -> Result<(Option<Entry>, ()), String> {
        Ok((self.entry(machine)?, ()))
    }

    fn for_request(&self, (): (), policy: &Policy) -> Result<Store, Error> {
        self.sealed(policy)
    }

    fn for_dialogue(&self, _: &PeerName, policy: &Policy) -> Result<Store, Error> {
        self.sealed(policy)
    }

    fn hears_of(&self, machine: &PeerName, account: &Account, is_accepted: bool, now: UnixTime) {
        let mut accepted = self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        match Machine::new(machine.as_str()).filter(|_| is_accepted) {
            Some(machine) => {
                accepted.insert(account.name.clone(), Accepted { machine, when: now });
            }
            None => {
                accepted.remove(&account.name);
            }
        }
    }

    fn last_accepted(&self, account: &Account) -> Result<Option<Accepted>, Error> {
        let accepted = self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(accepted.get(&account.name).cloned())
    }

    fn has_policy(&self, _: &PeerName, _: PolicyDigest) {}

    fn refuses(&self) -> Option<String> {
        None
    }
}
