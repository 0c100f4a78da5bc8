//! Which way leads to the records of an account: decided here, and nowhere else.

use super::Records;
use crate::client::{DEFAULT_HELPER, FLEET_PROGRAM};
use otp_core::{Account, Policy};
use otp_site::policy::DEFAULT_FILE;
use otp_store::files::DEFAULT_DIRECTORY;
use otp_store::{Error, Seal};
use std::path::{Path, PathBuf};

/// Where an installation has what records are reached by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// The policy file.
    pub conf: PathBuf,
    /// The directory of all records of this machine.
    pub state_dir: PathBuf,
    /// The helper; what asks the verifiers of a fleet stands beside it.
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
    /// The program that asks the verifiers of a fleet.
    #[must_use]
    pub fn fleet(&self) -> PathBuf {
        self.helper.with_file_name(FLEET_PROGRAM)
    }

    /// The policy file, for a program that would look for it at the usual place.
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
    /// The records of an account, as this process comes to them. `is_root`: its effective user is root, so that it may read what
    /// root's is. `account`: `None` where nobody has the name that was given.
    ///
    /// Programs that are not root ask the helper in any case: it keeps the table of who may ask what, and asks the verifiers
    /// itself.
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
            // Whether somebody has that name must not be told by how long the answer takes, or by there being none.
            None => policy.fleet.is_used(),
        };
        if in_fleet {
            return Ok(Self::by_fleet(at.fleet(), at.moved_conf()));
        }
        Self::here(&at.state_dir, Seal::by_key_in(&policy.seal.key))
    }
}
