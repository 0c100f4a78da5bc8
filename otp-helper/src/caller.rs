//! The caller of the helper, and what it may ask.

use nix::unistd::Uid;
use otp_core::record::Language;
use otp_core::{Account, Policy};
use otp_helper::permission::{May, Relation, allowed};
use otp_helper::protocol::Verb;
use otp_site::{Error, users};
use std::path::PathBuf;

/// The user who started the helper: the real user, which no program can forge.
pub(crate) struct Caller {
    /// The real user id.
    pub uid: u32,
    /// The policy file.
    pub conf: PathBuf,
    /// The directory of all records.
    pub state_dir: PathBuf,
    /// The language of the user, as the caller states it. It decides only the words of a PAM service.
    pub language: Option<Language>,
}

impl Caller {
    /// Whether this caller may send that request about that account; `None`: there is no such account.
    ///
    /// # Errors
    /// The name service did not answer for a service account that the policy names.
    pub(crate) fn may(
        &self,
        verb: Verb,
        account: Option<&Account>,
        policy: &Policy,
    ) -> Result<May, Error> {
        Ok(allowed(verb, self.relation(account, policy)?))
    }

    fn relation(&self, account: Option<&Account>, policy: &Policy) -> Result<Relation, Error> {
        if Uid::from_raw(self.uid).is_root() {
            return Ok(Relation::Root);
        }
        if account.is_some_and(|account| account.uid == self.uid) {
            return Ok(Relation::Owner);
        }
        for name in &policy.helper.trusted_callers {
            if users::account(name)?.is_some_and(|service| service.uid == self.uid) {
                return Ok(Relation::Trusted);
            }
        }
        Ok(Relation::Stranger)
    }
}

#[cfg(test)]
mod tests;
