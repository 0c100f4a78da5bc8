//! The requests to the helper, and its answers.

mod answer;

use crate::frame::Fields;
use otp_core::record::Name;
use otp_core::{NoGuess, every};
use otp_store::change::Change;
use otp_store::{Place, Remembered};
use std::time::Duration;
use zeroize::Zeroizing;

pub use answer::Answer;

/// A request.
pub enum Request {
    /// Make one attempt for a user.
    Check {
        /// The user.
        user: String,
        /// Whether an account without an authenticator is let in.
        excused: bool,
        /// The typed reply.
        reply: Zeroizing<Vec<u8>>,
        /// Why the reply is not a guess, if only the asking program can know; the reply is then not sent.
        no_guess: Option<NoGuess>,
        /// The place to remember, if a good code is to be remembered there.
        remembered: Option<Remembered>,
        /// The claims of the asking program; `None`: it is of an earlier version.
        claim: Option<Claim>,
    },
    /// Does the user have an authenticator?
    IsEnrolled {
        /// The user.
        user: String,
    },
    /// May the user try a code?
    Standing {
        /// The user.
        user: String,
    },
    /// Since when is the user trusted at a place?
    TrustedSince {
        /// The user.
        user: String,
        /// The place.
        place: Place,
        /// How long trust lasts.
        remember: Duration,
    },
    /// Make sure that the user's grace can begin.
    RehearseGrace {
        /// The user.
        user: String,
    },
    /// Begin the user's grace, unless it has begun.
    BeginGrace {
        /// The user.
        user: String,
    },
    /// Asks for the state of the user's account.
    Status {
        /// The user.
        user: String,
    },
    /// Try a login, to learn whether it is let in; PAM's questions follow, as in [`crate::session`].
    Try {
        /// The user who logs in.
        user: String,
        /// The PAM service.
        service: String,
        /// The account that the program runs as.
        runs_as: RunsAs,
    },
    /// Change a user's authenticators or recovery codes; the dialogue that follows is in [`crate::session`].
    Change {
        /// The user.
        user: String,
        /// The change.
        change: Change,
    },
}

/// The claims of a program that requests an attempt. Nothing can prove them; the log entry of the attempt marks them
/// as claims.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// The PAM service.
    pub service: String,
    /// The host that the login comes from.
    pub host: String,
    /// The terminal.
    pub terminal: String,
    /// Whether the user is told nothing about the result.
    pub silent: bool,
    /// The id that the program's own log lines about this attempt share with those of the helper.
    pub id: Option<u128>,
}

impl Claim {
    /// The most bytes of each text that go over the wire.
    const LONGEST: usize = 256;

    fn add_to(&self, fields: Fields) -> Fields {
        fields
            .with(Self::cut(&self.service).as_bytes())
            .with(Self::cut(&self.host).as_bytes())
            .with(Self::cut(&self.terminal).as_bytes())
            .with(if self.silent { b"silent" } else { b"" })
            .with(self.id.map_or_else(String::new, to_hexadecimal).as_bytes())
    }

    fn cut(text: &str) -> &str {
        let mut ends = (0..=Self::LONGEST.min(text.len())).rev();
        let end = ends.find(|end| text.is_char_boundary(*end));
        &text[..end.unwrap_or_default()]
    }

    fn from_fields([service, host, terminal, silent, id]: [&[u8]; 5]) -> Option<Self> {
        let text = |field: &[u8]| std::str::from_utf8(field).ok().map(str::to_owned);
        Some(Self {
            service: text(service)?,
            host: text(host)?,
            terminal: text(terminal)?,
            silent: match silent {
                b"" => false,
                b"silent" => true,
                _ => return None,
            },
            id: match id {
                b"" => None,
                id => Some(u128::from_str_radix(std::str::from_utf8(id).ok()?, 16).ok()?),
            },
        })
    }
}

/// The account that a program runs as while it logs a user in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunsAs {
    /// Root, as for a server or a console.
    Root,
    /// Root by a set-user-ID bit, started by the user.
    SetUid,
    /// This account, without privileges.
    Account(String),
}

impl RunsAs {
    fn to_text(&self) -> String {
        match self {
            Self::Root => "root".to_owned(),
            Self::SetUid => "setuid".to_owned(),
            Self::Account(name) => format!("account {name}"),
        }
    }

    fn from_text(text: &str) -> Option<Self> {
        match text {
            "root" => Some(Self::Root),
            "setuid" => Some(Self::SetUid),
            other => Some(Self::Account(other.strip_prefix("account ")?.to_owned())),
        }
    }
}

/// The kind of a request: a row in the table of permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// [`Request::Check`] without a place to remember.
    Check,
    /// [`Request::Check`] with a place that is remembered if the code is good.
    CheckAt,
    /// [`Request::IsEnrolled`].
    IsEnrolled,
    /// [`Request::Standing`].
    Standing,
    /// [`Request::TrustedSince`].
    TrustedSince,
    /// [`Request::RehearseGrace`].
    RehearseGrace,
    /// [`Request::BeginGrace`].
    BeginGrace,
    /// [`Request::Status`].
    Status,
    /// [`Request::Try`].
    Try,
    /// [`Change::Enrol`] of a user who has no authenticator.
    Enrol,
    /// [`Change::Enrol`] of a user who has one.
    Replace,
    /// [`Change::Add`].
    Add,
    /// [`Change::Remove`].
    Remove,
    /// [`Change::RecoveryCodes`].
    RecoveryCodes,
}

impl Verb {
    /// All verbs.
    pub const ALL: [Self; 14] = every!(
        Verb: Check,
        CheckAt,
        IsEnrolled,
        Standing,
        TrustedSince,
        RehearseGrace,
        BeginGrace,
        Status,
        Try,
        Enrol,
        Replace,
        Add,
        Remove,
        RecoveryCodes,
    );

    /// Returns the verb of a change to an existing record.
    #[must_use]
    pub const fn of(change: &Change) -> Self {
        match change {
            Change::Enrol(_) => Self::Replace,
            Change::Add(_) => Self::Add,
            Change::Remove(_) => Self::Remove,
            Change::RecoveryCodes => Self::RecoveryCodes,
        }
    }

    /// Finds a verb by its word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }

    /// Whether another request may follow in the same connection: a login makes a few before a code is typed. An
    /// attempt is the last request, so no helper ever judges two attempts.
    #[must_use]
    pub const fn may_be_followed(self) -> bool {
        match self {
            Self::IsEnrolled
            | Self::Standing
            | Self::TrustedSince
            | Self::RehearseGrace
            | Self::BeginGrace => true,
            Self::Check
            | Self::CheckAt
            | Self::Status
            | Self::Try
            | Self::Enrol
            | Self::Replace
            | Self::Add
            | Self::Remove
            | Self::RecoveryCodes => false,
        }
    }

    /// Returns the word on the wire and in the log.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::CheckAt => "check-at",
            Self::IsEnrolled => "is-enrolled",
            Self::Standing => "standing",
            Self::TrustedSince => "trusted-since",
            Self::RehearseGrace => "rehearse-grace",
            Self::BeginGrace => "begin-grace",
            Self::Status => "status",
            Self::Try => "try",
            Self::Enrol => "enrol",
            Self::Replace => "replace",
            Self::Add => "add",
            Self::Remove => "remove",
            Self::RecoveryCodes => "recovery-codes",
        }
    }
}

impl Request {
    /// Returns the verb of the request.
    #[must_use]
    pub const fn verb(&self) -> Verb {
        match self {
            Self::Check {
                remembered: None, ..
            } => Verb::Check,
            Self::Check {
                remembered: Some(_),
                ..
            } => Verb::CheckAt,
            Self::IsEnrolled { .. } => Verb::IsEnrolled,
            Self::Standing { .. } => Verb::Standing,
            Self::TrustedSince { .. } => Verb::TrustedSince,
            Self::RehearseGrace { .. } => Verb::RehearseGrace,
            Self::BeginGrace { .. } => Verb::BeginGrace,
            Self::Status { .. } => Verb::Status,
            Self::Try { .. } => Verb::Try,
            Self::Change { change, .. } => match change {
                Change::Enrol(_) => Verb::Enrol,
                Change::Add(_) => Verb::Add,
                Change::Remove(_) => Verb::Remove,
                Change::RecoveryCodes => Verb::RecoveryCodes,
            },
        }
    }

    /// Returns the user of the request.
    #[must_use]
    pub fn user(&self) -> &str {
        match self {
            Self::Check { user, .. }
            | Self::IsEnrolled { user }
            | Self::Standing { user }
            | Self::TrustedSince { user, .. }
            | Self::RehearseGrace { user }
            | Self::BeginGrace { user }
            | Self::Status { user }
            | Self::Try { user, .. }
            | Self::Change { user, .. } => user,
        }
    }

    /// Encodes the request for the wire.
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
                remembered,
                claim,
                ..
            } => {
                let fields = match remembered {
                    Some(at) => with_place(fields, &at.place, at.remember),
                    None => fields,
                };
                let fields = fields.with(if *excused { b"excused" } else { b"" });
                let fields = match no_guess {
                    None => fields.with(reply),
                    Some(why) => fields.with(b"").with(why.word().as_bytes()),
                };
                match claim {
                    None => fields,
                    Some(claim) => claim.add_to(fields),
                }
            }
            Self::TrustedSince {
                place, remember, ..
            } => with_place(fields, place, *remember),
            Self::Try {
                service, runs_as, ..
            } => fields
                .with(service.as_bytes())
                .with(runs_as.to_text().as_bytes()),
            Self::IsEnrolled { .. }
            | Self::Standing { .. }
            | Self::RehearseGrace { .. }
            | Self::BeginGrace { .. }
            | Self::Status { .. } => fields,
            Self::Change { change, .. } => match change {
                Change::Enrol(name) | Change::Add(name) => fields.with(name.as_str().as_bytes()),
                Change::Remove(name) => {
                    fields.with(name.as_ref().map_or("", Name::as_str).as_bytes())
                }
                Change::RecoveryCodes => fields,
            },
        }
    }

    /// Decodes a request; `None`: the verb is unknown, or the fields are not those that it takes.
    #[must_use]
    pub fn from_fields(fields: &Fields) -> Option<Self> {
        let text = |field: &[u8]| std::str::from_utf8(field).ok().map(str::to_owned);
        let name = |field: &[u8]| Name::new(std::str::from_utf8(field).ok()?).ok();
        let fields = fields.as_slices();
        let [verb, user, rest @ ..] = fields.as_slice() else {
            return None;
        };
        let user = text(user)?;
        // The match is by verb, so that a verb that can be asked but not read does not compile.
        let change = match (Verb::from_word(std::str::from_utf8(verb).ok()?)?, rest) {
            (Verb::Check, _) => return Self::check_from_fields(user, None, rest),
            (Verb::CheckAt, [service, address, remember, rest @ ..]) => {
                let remembered = place(service, address, remember)?;
                return Self::check_from_fields(user, Some(remembered), rest);
            }
            (Verb::IsEnrolled, []) => return Some(Self::IsEnrolled { user }),
            (Verb::Standing, []) => return Some(Self::Standing { user }),
            (Verb::TrustedSince, [service, address, remember]) => {
                let Remembered { place, remember } = place(service, address, remember)?;
                return Some(Self::TrustedSince {
                    user,
                    place,
                    remember,
                });
            }
            (Verb::RehearseGrace, []) => return Some(Self::RehearseGrace { user }),
            (Verb::BeginGrace, []) => return Some(Self::BeginGrace { user }),
            (Verb::Status, []) => return Some(Self::Status { user }),
            (Verb::Try, [service, runs_as]) => {
                return Some(Self::Try {
                    user,
                    service: text(service)?,
                    runs_as: RunsAs::from_text(std::str::from_utf8(runs_as).ok()?)?,
                });
            }
            (Verb::Enrol, [named]) => Change::Enrol(name(named)?),
            (Verb::Add, [named]) => Change::Add(name(named)?),
            (Verb::Remove, [b""]) => Change::Remove(None),
            (Verb::Remove, [named]) => Change::Remove(Some(name(named)?)),
            (Verb::RecoveryCodes, []) => Change::RecoveryCodes,
            // A replacement is requested as `enrol`: the record decides which of the two it is.
            (Verb::Replace | Verb::CheckAt | Verb::TrustedSince | Verb::Try, _)
            | (
                Verb::IsEnrolled
                | Verb::Standing
                | Verb::RehearseGrace
                | Verb::BeginGrace
                | Verb::Status
                | Verb::RecoveryCodes,
                [_, ..],
            )
            | (Verb::Enrol | Verb::Add | Verb::Remove, [] | [_, _, ..]) => return None,
        };
        Some(Self::Change { user, change })
    }

    fn check_from_fields(
        user: String,
        remembered: Option<Remembered>,
        fields: &[&[u8]],
    ) -> Option<Self> {
        let (fields, claim) = match *fields {
            [.., service, host, terminal, silent, id] => {
                let claim = Claim::from_fields([service, host, terminal, silent, id])?;
                (&fields[..fields.len() - 5], Some(claim))
            }
            _ => (fields, None),
        };
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
            remembered,
            claim,
        })
    }
}

fn to_hexadecimal(id: u128) -> String {
    format!("{id:032x}")
}

fn with_place(fields: Fields, place: &Place, remember: Duration) -> Fields {
    fields
        .with(place.service().as_bytes())
        .with(place.address().to_string().as_bytes())
        .with_number(&remember.as_secs())
}

fn place(service: &[u8], address: &[u8], remember: &[u8]) -> Option<Remembered> {
    let text = |field| std::str::from_utf8(field).ok();
    Some(Remembered {
        place: Place::of(text(service)?, text(address)?)?,
        remember: Duration::from_secs(text(remember)?.parse().ok()?),
    })
}

#[cfg(test)]
mod tests;
