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
    /// A machine of a fleet, which asks a verifier about whoever logs in there.
    Machine,
}

/// Whether somebody may ask something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum May {
    /// They may not.
    No,
    /// They may.
    Yes,
    /// Once the PAM service `otp-enroll` has let them in; a machine: once a code of the account was accepted from it, a short
    /// while ago.
    Authenticated,
}

/// Says whether a caller may ask for a verb. Each verb has a row, each relation a column.
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
