//! Who asks, and what they may ask.

use nix::unistd::Uid;
use otp_core::{Account, Policy};
use otp_helper::protocol::Verb;
use otp_site::{Error, directory};
use std::path::PathBuf;

/// Who started the helper: the real user, which no program can make up.
pub(crate) struct Caller {
    /// The real user id.
    pub uid: u32,
    /// The policy file.
    pub conf: PathBuf,
    /// The directory of all records.
    pub state_dir: PathBuf,
}

/// What a caller is to the account that is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    Root,
    Owner,
    Trusted,
    Stranger,
}

/// Whether somebody may ask something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum May {
    No,
    Yes,
    /// Once the PAM service `otp-enroll` has let them in.
    Authenticated,
}

/// Who may ask what. A row a verb, a column a relation.
#[allow(clippy::match_same_arms, reason = "a table: each verb has a row of its own")]
#[rustfmt::skip]
const fn allowed(verb: Verb, relation: Relation) -> May {
    use May::{Authenticated, No, Yes};
    let (root, owner, trusted, stranger) = match verb {
        //                      root  owner          trusted  anyone else
        Verb::Check         => (Yes,  Yes,           Yes,     No),
        Verb::IsEnrolled    => (Yes,  Yes,           Yes,     No),
        Verb::Standing      => (Yes,  Yes,           Yes,     No),
        Verb::Status        => (Yes,  Yes,           No,      No),
        Verb::Enrol         => (Yes,  Yes,           No,      No),
        Verb::Replace       => (Yes,  Authenticated, No,      No),
        Verb::Add           => (Yes,  Authenticated, No,      No),
        Verb::Remove        => (Yes,  Authenticated, No,      No),
        Verb::RecoveryCodes => (Yes,  Authenticated, No,      No),
    };
    match relation {
        Relation::Root => root,
        Relation::Owner => owner,
        Relation::Trusted => trusted,
        Relation::Stranger => stranger,
    }
}

impl Caller {
    /// Whether this caller may ask that about that account; `None`: nobody has that name.
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
            if directory::account(name)?.is_some_and(|service| service.uid == self.uid) {
                return Ok(Relation::Trusted);
            }
        }
        Ok(Relation::Stranger)
    }
}

#[cfg(test)]
mod tests;
