//! The table of the requests that each caller may make.

use crate::protocol::Verb;

/// The relation of a caller to the account of its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Root.
    Root,
    /// The user of the account.
    Owner,
    /// A service account that the policy names.
    Trusted,
    /// Anybody else.
    Stranger,
    /// A machine of a fleet, which asks a verifier about the users who log in there.
    Machine,
}

/// Whether a caller may make a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum May {
    /// The caller may not.
    No,
    /// The caller may.
    Yes,
    /// The caller may, once the PAM service `otp-enroll` has let the user in; a machine may, for a short while after
    /// a code of the account was accepted from it.
    Authenticated,
}

/// Decides whether a caller may ask for a verb. Each verb has a row, each relation a column.
#[allow(clippy::match_same_arms, reason = "a table: each verb has a row of its own")]
#[must_use]
#[rustfmt::skip]
pub const fn allowed(verb: Verb, relation: Relation) -> May {
    use May::{Authenticated, No, Yes};
    let (root, owner, trusted, stranger, machine) = match verb {
        //                      root  owner          trusted  anyone else  machine
        Verb::Check         => (Yes,  Yes,           Yes,     No,          Yes),
        Verb::CheckAt       => (Yes,  No,            No,      No,          Yes),
        Verb::IsEnrolled    => (Yes,  Yes,           Yes,     No,          Yes),
        Verb::Standing      => (Yes,  Yes,           Yes,     No,          Yes),
        Verb::TrustedSince  => (Yes,  No,            No,      No,          Yes),
        Verb::RehearseGrace => (Yes,  No,            No,      No,          Yes),
        Verb::BeginGrace    => (Yes,  No,            No,      No,          Yes),
        Verb::Status        => (Yes,  Yes,           No,      No,          Yes),
        Verb::Try           => (Yes,  No,            No,      No,          No),
        Verb::Enrol         => (Yes,  Yes,           No,      No,          Yes),
        Verb::Replace       => (Yes,  Authenticated, No,      No,          Authenticated),
        Verb::Add           => (Yes,  Authenticated, No,      No,          Authenticated),
        Verb::Remove        => (Yes,  Authenticated, No,      No,          Authenticated),
        Verb::RecoveryCodes => (Yes,  Authenticated, No,      No,          Authenticated),
    };
    match relation {
        Relation::Root => root,
        Relation::Owner => owner,
        Relation::Trusted => trusted,
        Relation::Stranger => stranger,
        Relation::Machine => machine,
    }
}
