//! The configuration of a verifier's host: where the database is, and where the verifier stores what it must not
//! forget.

use crate::etcd;
use crate::server::conf::{Conf, Records};
use otp_core::messages::fleet::Unable;
use std::path::{Path, PathBuf};

/// The part of a verifier's configuration that an administrator's commands need.
#[derive(Clone, Debug)]
pub struct Host {
    /// How the verifier reaches etcd.
    pub etcd: etcd::Config,
    /// The directory in which it stores the progress of the database.
    pub state: PathBuf,
    /// The policy by which it judges.
    pub policy: PathBuf,
    /// The file with its own certificate for machines.
    pub certificate: PathBuf,
}

impl Host {
    /// Reads the configuration.
    ///
    /// # Errors
    /// It cannot be used, or the records are not in etcd.
    pub fn read(path: &Path) -> Result<Self, Unable> {
        let unusable = |reason: String| Unable::NoConfiguration {
            path: path.display().to_string(),
            reason,
        };
        let conf = Conf::load(path).map_err(|error| unusable(error.to_string()))?;
        let Records::Etcd(etcd) = conf.records else {
            return Err(unusable(
                "its records are in a folder of this host".to_owned(),
            ));
        };
        Ok(Self {
            etcd,
            state: conf.state,
            policy: conf.policy,
            certificate: conf.files.certificate,
        })
    }

    /// Returns the path of the file with the progress of the database.
    #[must_use]
    pub fn mark(&self) -> PathBuf {
        self.state.join("seen")
    }
}
