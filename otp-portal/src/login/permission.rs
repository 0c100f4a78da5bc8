//! The complete table of what the portal may ask.

use crate::wire::Kind;
use otp_helper::protocol::Verb;
use otp_store::change::Change;

/// The other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// The portal's account, with a valid token of the user in question.
    ForTheUser,
    /// The portal's account, without such a token.
    Portal,
    /// Anyone else, including root.
    Stranger,
}

impl Asker {
    /// All of them.
    pub const ALL: [Self; 3] = otp_core::every!(Asker: ForTheUser, Portal, Stranger);
}

/// Returns whether an asker may ask for this. Each kind of matter has a row, each asker a column.
#[allow(clippy::match_same_arms, reason = "a table: each kind of matter has a row of its own")]
#[must_use]
#[rustfmt::skip]
pub const fn allowed(kind: Kind, asker: Asker) -> bool {
    let (for_the_user, portal, stranger) = match kind {
        //                        with a token  without  anyone else
        Kind::Begin           => (true,         true,    false),
        Kind::Standing        => (true,         true,    false),
        Kind::Status          => (true,         false,   false),
        Kind::Try             => (true,         false,   false),
        Kind::Events          => (true,         false,   false),
        Kind::Change          => (true,         false,   false),
        Kind::LeaveEverywhere => (true,         false,   false),
    };
    match asker {
        Asker::ForTheUser => for_the_user,
        Asker::Portal => portal,
        Asker::Stranger => stranger,
    }
}

/// Returns the helper's verbs that a kind of matter can lead to, asked as the user.
#[must_use]
pub fn verbs(kind: Kind) -> &'static [Verb] {
    match kind {
        Kind::Begin | Kind::Standing | Kind::Events | Kind::LeaveEverywhere => &[],
        Kind::Status => &[Verb::Status],
        Kind::Try => &[Verb::Check],
        Kind::Change => &[
            Verb::Enrol,
            Verb::Replace,
            Verb::Add,
            Verb::Remove,
            Verb::RecoveryCodes,
        ],
    }
}

/// Returns the verb for a change.
#[must_use]
pub const fn verb(change: &Change) -> Verb {
    match change {
        Change::Enrol(_) => Verb::Enrol,
        Change::Add(_) => Verb::Add,
        Change::Remove(_) => Verb::Remove,
        Change::RecoveryCodes => Verb::RecoveryCodes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use otp_helper::permission::{May, Relation};

    const fn shown(asker: Asker) -> &'static str {
        match asker {
            Asker::ForTheUser => "with a token of the user",
            Asker::Portal => "without",
            Asker::Stranger => "anyone else",
        }
    }

    /// The table of SECURITY.md has these rows and no others.
    #[test]
    fn security_md_has_this_table() {
        let text = include_str!("../../../SECURITY.md");
        let columns: Vec<_> = Asker::ALL.map(shown).to_vec();
        let head = format!("| the portal asks | {} |", columns.join(" | "));
        let (_, table) = text.split_once(&head).expect("the table is there");
        let table = table.split("\n\n").next().unwrap_or_default();
        let rows: Vec<&str> = table.lines().skip(2).collect();
        assert_eq!(rows.len(), Kind::ALL.len());
        for (row, kind) in rows.iter().zip(Kind::ALL) {
            let may = |asker| if allowed(kind, asker) { "yes" } else { "no" };
            let cells = Asker::ALL.map(may).join(" | ");
            assert_eq!(*row, format!("| `{}` | {cells} |", kind.word()));
        }
    }

    #[test]
    fn no_verb_outside_the_owners_column_is_asked_for() {
        for verb in Kind::ALL.into_iter().flat_map(verbs) {
            let may = otp_helper::permission::allowed(*verb, Relation::Owner);
            assert_ne!(may, May::No, "{}", verb.word());
        }
    }

    #[test]
    fn strangers_may_ask_nothing_and_matters_of_a_user_take_a_token() {
        for kind in Kind::ALL {
            assert!(!allowed(kind, Asker::Stranger));
            let asks_the_helper = !verbs(kind).is_empty();
            assert!(!asks_the_helper || !allowed(kind, Asker::Portal));
        }
    }
}
