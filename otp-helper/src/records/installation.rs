//! Chooses the way to the records of an account; no other place does.

use super::Records;
use crate::client::{DEFAULT_HELPER, FLEET_PROGRAM};
use otp_core::{Account, Policy};
use otp_site::policy::DEFAULT_FILE;
use otp_store::files::DEFAULT_DIRECTORY;
use otp_store::{Error, Seal};
use std::path::{Path, PathBuf};

/// The paths of an installation through which records are reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// The policy file.
    pub conf: PathBuf,
    /// The directory of all records of this machine.
    pub state_dir: PathBuf,
    /// The helper; the program that asks the verifiers of a fleet is beside it.
    pub helper: PathBuf,
}

impl Default for Installation {
    fn default() -> Self {
        Self {
            conf: DEFAULT_FILE.into(),
            state_dir: DEFAULT_DIRECTORY.into(),
            helper: DEFAULT_HELPER.into(),
        }
    }
}

impl Installation {
    /// Returns the path of the program that asks the verifiers of a fleet.
    #[must_use]
    pub fn fleet(&self) -> PathBuf {
        self.helper.with_file_name(FLEET_PROGRAM)
    }

    /// Returns the policy file as an argument, for a program that would otherwise use the usual one.
    #[must_use]
    pub fn moved_conf(&self) -> Vec<PathBuf> {
        let is_moved = self.conf != Path::new(DEFAULT_FILE);
        is_moved.then(|| self.conf.clone()).into_iter().collect()
    }

    fn is_moved(&self) -> bool {
        self.conf != Path::new(DEFAULT_FILE) || self.state_dir != Path::new(DEFAULT_DIRECTORY)
    }
}

impl Records {
    /// Opens the records of an account in the way that this process may use. `is_root`: its effective user is root,
    /// so it may read root's files. `account`: `None` if the given name is no account's.
    ///
    /// Programs that do not run as root always ask the helper: it holds the table of permissions, and asks the
    /// verifiers itself.
    ///
    /// # Errors
    /// The records of this machine cannot be trusted or opened.
    pub fn of_account(
        account: Option<&Account>,
        policy: &Policy,
        is_root: bool,
        at: &Installation,
    ) -> Result<Self, Error> {
        if !is_root {
            // A privileged helper refuses paths.
            let paths = at
                .is_moved()
                .then(|| vec![at.conf.clone(), at.state_dir.clone()]);
            return Ok(Self::by_helper(
                at.helper.clone(),
                paths.unwrap_or_default(),
            ));
        }
        let in_fleet = match account {
            Some(account) => policy.fleet.keeps(account),
            // Neither the time nor the lack of an answer may reveal whether there is such an account.
            None => policy.fleet.is_used(),
        };
        if in_fleet {
            return Ok(Self::by_fleet(at.fleet(), at.moved_conf()));
        }
        Self::here(&at.state_dir, Seal::by_key_in(&policy.seal.key))
    }
}
