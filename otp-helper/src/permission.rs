//! Who may ask for what.

use crate::protocol::Verb;

/// What a caller is to the account that is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Root.
    Root,
    /// The user whose account it is.
    Owner,
    /// A service account that the policy names.
    Trusted,
    /// Anybody else.
    Stranger,
}

/// Whether somebody may ask something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum May {
    /// They may not.
    No,
    /// They may.
    Yes,
    /// Once the PAM service `otp-enroll` has let them in.
    Authenticated,
}

/// Says whether a caller may ask for a verb. Each verb has a row, each relation a column.
#[allow(clippy::match_same_arms, reason = "a table: each verb has a row of its own")]
#[must_use]
#[rustfmt::skip]
pub const fn allowed(verb: Verb, relation: Relation) -> May {
    use May::{Authenticated, No, Yes};
    let (root, owner, trusted, stranger) = match verb {
        //                      root  owner          trusted  anyone else
        Verb::Check         => (Yes,  Yes,           Yes,     No),
        Verb::CheckAt       => (Yes,  No,            No,      No),
        Verb::IsEnrolled    => (Yes,  Yes,           Yes,     No),
        Verb::Standing      => (Yes,  Yes,           Yes,     No),
        Verb::TrustedSince  => (Yes,  No,            No,      No),
        Verb::RehearseGrace => (Yes,  No,            No,      No),
        Verb::BeginGrace    => (Yes,  No,            No,      No),
        Verb::Status        => (Yes,  Yes,           No,      No),
        Verb::Try           => (Yes,  No,            No,      No),
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
