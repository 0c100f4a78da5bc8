//! The sealing key on the host of a verifier: made when a fleet begins, or carried from another verifier.

use super::{USUAL_CREDENTIAL, credential::Kept};
use crate::failure::Failure;
use nix::unistd::getegid;
use otp_core::messages::reason::Wording;
use otp_core::messages::seal::Unsealed;
use otp_site::groups;
use otp_store::Seal;
use otp_store::sealed::{KeyFile, Keys, NoKeyFile};
use std::path::Path;
use zeroize::Zeroizing;

/// The key file that the policy names, with the credential from which it is made at boot.
pub struct HostKey(KeyFile);

impl HostKey {
    /// Takes the file that the policy names; `None`: it names none.
    #[must_use]
    pub fn at(path: &str) -> Option<Self> {
        let group = groups::of_records().unwrap_or(getegid().as_raw());
        let seal = Seal::by_key_in(path).for_group(group);
        seal.file().cloned().map(Self)
    }

    /// Returns the path of the file.
    #[must_use]
    pub fn file(&self) -> &str {
        self.0.path()
    }

    /// Reads the keys: the id of the key that seals, and all keys as the file has them; `None`: the file is missing.
    ///
    /// # Errors
    /// The file cannot be read or trusted; or it is missing, and the credential for it exists.
    pub fn read(&self) -> Result<Option<(String, Zeroizing<String>)>, Unsealed> {
        match self.0.read() {
            Ok(keys) => Ok(Some((keys.seals().to_string(), keys.reveal()))),
            Err(NoKeyFile::Missing { .. }) if self.has_credential()? => Err(Unsealed::KeyThere {
                file: USUAL_CREDENTIAL.to_owned(),
            }),
            Err(NoKeyFile::Missing { .. }) => Ok(None),
            Err(error) => Err(no_file(&error)),
        }
    }

    /// Makes a key if there is none, and returns its id.
    ///
    /// # Errors
    /// There is a key, or it cannot be written.
    pub fn make(&self) -> Result<String, Unsealed> {
        let keys = Keys::fresh().map_err(|_| Unsealed::File {
            reason: Wording::of(|language| otp_store::Error::Random.text(language)),
        })?;
        self.put(&keys)
    }

    /// Stores keys if there are none, and returns the id of the key that seals.
    ///
    /// # Errors
    /// The text does not hold keys, there are keys already, or they cannot be written.
    pub fn take(&self, text: &[u8]) -> Result<String, Unsealed> {
        let keys = Keys::parse(text).map_err(|(_, what)| Unsealed::File {
            reason: Wording::of(|language| what.text(language).to_owned()),
        })?;
        self.put(&keys)
    }

    fn put(&self, keys: &Keys) -> Result<String, Unsealed> {
        self.0.make_directory().map_err(|error| no_file(&error))?;
        let alone = self.0.lock().map_err(|error| no_file(&error))?;
        let _alone = alone.ok_or_else(|| super::busy_with(&self.0))?;
        if self.read()?.is_some() {
            let file = self.file().to_owned();
            return Err(Unsealed::KeyThere { file });
        }
        let kept = Kept::of(&self.0, Path::new(USUAL_CREDENTIAL)).keep(keys);
        kept.map_err(|failure| match failure {
            Failure::Seal(unsealed) => unsealed,
            _ => Unsealed::NoCredential {
                reason: USUAL_CREDENTIAL.to_owned().into(),
            },
        })?;
        self.0.write(keys).map_err(|error| no_file(&error))?;
        Ok(keys.seals().to_string())
    }

    fn has_credential(&self) -> Result<bool, Unsealed> {
        match self.0.is_in_memory() {
            Ok(is_in_memory) => Ok(is_in_memory && Path::new(USUAL_CREDENTIAL).exists()),
            // The directory does not exist either.
            Err(NoKeyFile::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                Ok(false)
            }
            Err(error) => Err(no_file(&error)),
        }
    }
}

fn no_file(error: &NoKeyFile) -> Unsealed {
    let reason = Wording::of(|language| error.text(language));
    Unsealed::File { reason }
}
