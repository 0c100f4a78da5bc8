//! What can be asked of the helper and what it answers.

mod answer;

use crate::frame::Fields;
use otp_core::record::Name;
use otp_core::{NoGuess, every};
use otp_store::change::Change;
use otp_store::{Place, Remembered};
use std::time::Duration;
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
        /// Where it is made, if a good code is to be remembered there.
        remembered: Option<Remembered>,
        /// What the asking program says of itself; `None`: one of an earlier version.
        claim: Option<Claim>,
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
    /// Since when is the user trusted at a place?
    TrustedSince {
        /// Which user.
        user: String,
        /// Where.
        place: Place,
        /// How long trust lasts.
        remember: Duration,
    },
    /// Make sure that a grace of the user's can begin.
    RehearseGrace {
        /// Which user.
        user: String,
    },
    /// Begin a grace of the user's, unless one has begun.
    BeginGrace {
        /// Which user.
        user: String,
    },
    /// How does the user's account stand?
    Status {
        /// Which user.
        user: String,
    },
    /// Try a login, to see whether it is let in; what PAM asks follows, as in [`crate::session`].
    Try {
        /// Whose login.
        user: String,
        /// Through which PAM service.
        service: String,
        /// As whom the program runs.
        runs_as: RunsAs,
    },
    /// Change who can prove what; what follows is in [`crate::session`].
    Change {
        /// For whom.
        user: String,
        /// What.
        change: Change,
    },
}

/// What a program that has an attempt made says of itself. Nobody can tell whether it is true; it is written into the record
/// of the attempt as what it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// The PAM service.
    pub service: String,
    /// Where the login comes from.
    pub host: String,
    /// The terminal.
    pub terminal: String,
    /// Nobody is told what became of it.
    pub silent: bool,
    /// What its own lines about this attempt have in common with those of the helper.
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

/// As whom a program runs that logs somebody in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunsAs {
    /// Root, as a server or a console does.
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

/// What a request wants: the rows of the table of who may ask what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// [`Request::Check`] at no place that could be trusted.
    Check,
    /// [`Request::Check`] at a place that is trusted when the code is good.
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

    /// What a change to somebody's record is.
    #[must_use]
    pub const fn of(change: &Change) -> Self {
        match change {
            Change::Enrol(_) => Self::Replace,
            Change::Add(_) => Self::Add,
            Change::Remove(_) => Self::Remove,
            Change::RecoveryCodes => Self::RecoveryCodes,
        }
    }

    /// The verb of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }

    /// Whether another request may follow it in the same connection: a login asks a few things before a code is typed. An
    /// attempt is the last, so no helper ever judges two.
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

    /// The word on the wire and in the log.
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
    /// What it wants.
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

    /// Whom it is about.
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
            // A replacement is asked for as `enrol`: which of the two it is, the record says.
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
