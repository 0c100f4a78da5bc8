//! What can be asked of the helper and what it answers.

mod answer;

use crate::frame::Fields;
use otp_core::record::Name;
use otp_core::{NoGuess, every};
use otp_store::change::Change;
use zeroize::Zeroizing;

pub use answer::Answer;

/// A question.
pub enum Request {
    /// Make one attempt for a user.
    Check {
        /// For whom.
        user: String,
        /// Whether an account without an authenticator is let in.
        excused: bool,
        /// What was typed.
        reply: Zeroizing<Vec<u8>>,
        /// Why that is no guess, where only the asking program can know; the reply itself is then left out.
        no_guess: Option<NoGuess>,
    },
    /// Does the user have an authenticator?
    IsEnrolled {
        /// Which user.
        user: String,
    },
    /// May the user try a code?
    Standing {
        /// Which user.
        user: String,
    },
    /// How does the user's account stand?
    Status {
        /// Which user.
        user: String,
    },
    /// Change who can prove what; what follows is in [`crate::session`].
    Change {
        /// For whom.
        user: String,
        /// What.
        change: Change,
    },
}

/// What a request wants: the rows of the table of who may ask what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// [`Request::Check`].
    Check,
    /// [`Request::IsEnrolled`].
    IsEnrolled,
    /// [`Request::Standing`].
    Standing,
    /// [`Request::Status`].
    Status,
    /// [`Change::Enrol`] of somebody who has no authenticator.
    Enrol,
    /// [`Change::Enrol`] of somebody who has one.
    Replace,
    /// [`Change::Add`].
    Add,
    /// [`Change::Remove`].
    Remove,
    /// [`Change::RecoveryCodes`].
    RecoveryCodes,
}

impl Verb {
    /// All of them.
    pub const ALL: [Self; 9] = every!(
        Verb: Check,
        IsEnrolled,
        Standing,
        Status,
        Enrol,
        Replace,
        Add,
        Remove,
        RecoveryCodes,
    );

    /// The verb of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }

    /// The word on the wire and in the log.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::IsEnrolled => "is-enrolled",
            Self::Standing => "standing",
            Self::Status => "status",
            Self::Enrol => "enrol",
            Self::Replace => "replace",
            Self::Add => "add",
            Self::Remove => "remove",
            Self::RecoveryCodes => "recovery-codes",
        }
    }
}

impl Request {
    /// What it wants.
    #[must_use]
    pub const fn verb(&self) -> Verb {
        match self {
            Self::Check { .. } => Verb::Check,
            Self::IsEnrolled { .. } => Verb::IsEnrolled,
            Self::Standing { .. } => Verb::Standing,
            Self::Status { .. } => Verb::Status,
            Self::Change { change, .. } => match change {
                Change::Enrol(_) => Verb::Enrol,
                Change::Add(_) => Verb::Add,
                Change::Remove(_) => Verb::Remove,
                Change::RecoveryCodes => Verb::RecoveryCodes,
            },
        }
    }

    /// Whom it is about.
    #[must_use]
    pub fn user(&self) -> &str {
        match self {
            Self::Check { user, .. }
            | Self::IsEnrolled { user }
            | Self::Standing { user }
            | Self::Status { user }
            | Self::Change { user, .. } => user,
        }
    }

    /// The request for the wire.
    #[must_use]
    pub fn to_fields(&self) -> Fields {
        let fields = Fields::default()
            .with(self.verb().word().as_bytes())
            .with(self.user().as_bytes());
        match self {
            Self::Check {
                excused,
                reply,
                no_guess,
                ..
            } => {
                let fields = fields.with(if *excused { b"excused" } else { b"" });
                match no_guess {
                    None => fields.with(reply),
                    Some(why) => fields.with(b"").with(why.word().as_bytes()),
                }
            }
            Self::IsEnrolled { .. } | Self::Standing { .. } | Self::Status { .. } => fields,
            Self::Change { change, .. } => match change {
                Change::Enrol(name) | Change::Add(name) => fields.with(name.as_str().as_bytes()),
                Change::Remove(name) => {
                    fields.with(name.as_ref().map_or("", Name::as_str).as_bytes())
                }
                Change::RecoveryCodes => fields,
            },
        }
    }

    /// The request from the wire; `None`: an unknown verb, or not the fields that it takes.
    #[must_use]
    pub fn from_fields(fields: &Fields) -> Option<Self> {
        let text = |field: &[u8]| std::str::from_utf8(field).ok().map(str::to_owned);
        let name = |field: &[u8]| Name::new(std::str::from_utf8(field).ok()?).ok();
        let fields = fields.as_slices();
        let [verb, user, rest @ ..] = fields.as_slice() else {
            return None;
        };
        let user = text(user)?;
        // A match by verb, so that one that can be asked and is not read does not compile.
        let change = match (Verb::from_word(std::str::from_utf8(verb).ok()?)?, rest) {
            (Verb::Check, _) => return Self::check_from_fields(user, rest),
            (Verb::IsEnrolled, []) => return Some(Self::IsEnrolled { user }),
            (Verb::Standing, []) => return Some(Self::Standing { user }),
            (Verb::Status, []) => return Some(Self::Status { user }),
            (Verb::Enrol, [named]) => Change::Enrol(name(named)?),
            (Verb::Add, [named]) => Change::Add(name(named)?),
            (Verb::Remove, [b""]) => Change::Remove(None),
            (Verb::Remove, [named]) => Change::Remove(Some(name(named)?)),
            (Verb::RecoveryCodes, []) => Change::RecoveryCodes,
            // A replacement is asked for as `enrol`: which of the two it is, the record says.
            (Verb::Replace, _)
            | (Verb::IsEnrolled | Verb::Standing | Verb::Status | Verb::RecoveryCodes, [_, ..])
            | (Verb::Enrol | Verb::Add | Verb::Remove, [] | [_, _, ..]) => return None,
        };
        Some(Self::Change { user, change })
    }

    fn check_from_fields(user: String, fields: &[&[u8]]) -> Option<Self> {
        let (excused, reply, no_guess) = match *fields {
            [excused @ (b"" | b"excused"), reply] => (excused, reply, None),
            [excused @ (b"" | b"excused"), b"", why] => {
                let why = NoGuess::from_word(std::str::from_utf8(why).ok()?)?;
                (excused, &b""[..], Some(why))
            }
            _ => return None,
        };
        Some(Self::Check {
            user,
            excused: !excused.is_empty(),
            reply: Zeroizing::new(reply.to_vec()),
            no_guess,
        })
    }
}

#[cfg(test)]
mod tests;
