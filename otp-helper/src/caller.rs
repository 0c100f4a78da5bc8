//! Who asks, and what they may ask.

use nix::unistd::Uid;
use otp_core::Policy;
use otp_helper::protocol::Verb;
use otp_store::{Account, Error, directory};
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
mod tests {
    use super::*;
    use otp_store::UserName;

    fn relation(uid: u32, of: Option<u32>, trusted: &[&str]) -> Relation {
        let mut policy = Policy::default();
        policy.helper.trusted_callers = trusted.iter().map(|&name| name.to_owned()).collect();
        let caller = Caller {
            uid,
            conf: PathBuf::new(),
            state_dir: PathBuf::new(),
        };
        let account = of.map(|uid| Account {
            name: UserName::new("alice").unwrap(),
            uid,
        });
        caller.relation(account.as_ref(), &policy).unwrap()
    }

    #[test]
    fn the_real_user_id_says_who_asks() {
        assert_eq!(relation(0, Some(1001), &[]), Relation::Root);
        assert_eq!(relation(1001, Some(1001), &[]), Relation::Owner);
        assert_eq!(relation(1002, Some(1001), &[]), Relation::Stranger);
        assert_eq!(relation(1002, None, &[]), Relation::Stranger);
        // The user `daemon` has number 1 on every system.
        assert_eq!(
            relation(1, Some(1001), &["no-such-service", "daemon"]),
            Relation::Trusted
        );
        assert_eq!(relation(2, Some(1001), &["daemon"]), Relation::Stranger);
    }

    #[test]
    fn a_stranger_may_ask_nothing_and_a_trusted_caller_only_about_codes() {
        let checks = [Verb::Check, Verb::IsEnrolled, Verb::Standing];
        let changes = [Verb::Replace, Verb::Add, Verb::Remove, Verb::RecoveryCodes];
        for verb in checks
            .into_iter()
            .chain(changes)
            .chain([Verb::Status, Verb::Enrol])
        {
            let check = checks.contains(&verb);
            assert_eq!(allowed(verb, Relation::Stranger), May::No);
            assert_eq!(allowed(verb, Relation::Trusted) == May::Yes, check);
            assert_eq!(allowed(verb, Relation::Root), May::Yes);
            let owner = if changes.contains(&verb) {
                May::Authenticated
            } else {
                May::Yes
            };
            assert_eq!(allowed(verb, Relation::Owner), owner, "{verb:?}");
        }
    }
}
