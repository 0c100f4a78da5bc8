//! What can be asked of the helper and what it answers.

use crate::frame::Fields;
use otp_core::record::{Drift, Name, Refusal, Standing};
use otp_core::time::UnixTime;
use otp_core::{NoGuess, Verdict};
use otp_store::change::{Change, Refused};
use otp_store::{Device, Overview};
use std::str::FromStr;
use std::time::Duration;
use zeroize::Zeroizing;

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
        let change = |user: &[u8], change: Change| {
            Some(Self::Change {
                user: text(user)?,
                change,
            })
        };
        match fields.as_slices().as_slice() {
            [b"check", user, excused @ (b"" | b"excused"), reply] => Some(Self::Check {
                user: text(user)?,
                excused: !excused.is_empty(),
                reply: Zeroizing::new(reply.to_vec()),
                no_guess: None,
            }),
            [b"check", user, excused @ (b"" | b"excused"), b"", why] => Some(Self::Check {
                user: text(user)?,
                excused: !excused.is_empty(),
                reply: Zeroizing::default(),
                no_guess: Some(NoGuess::from_word(std::str::from_utf8(why).ok()?)?),
            }),
            [b"is-enrolled", user] => Some(Self::IsEnrolled { user: text(user)? }),
            [b"standing", user] => Some(Self::Standing { user: text(user)? }),
            [b"status", user] => Some(Self::Status { user: text(user)? }),
            [b"enrol", user, named] => change(user, Change::Enrol(name(named)?)),
            [b"add", user, named] => change(user, Change::Add(name(named)?)),
            [b"remove", user, b""] => change(user, Change::Remove(None)),
            [b"remove", user, named] => change(user, Change::Remove(Some(name(named)?))),
            [b"recovery-codes", user] => change(user, Change::RecoveryCodes),
            _ => None,
        }
    }
}

/// An answer. Holds no secret.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// What became of an attempt; its consequences are on disk.
    Verdict(Verdict),
    /// The user has an authenticator.
    Enrolled,
    /// The user has none.
    NotEnrolled {
        /// When they were first let in without one; `None`: not yet.
        first_login: Option<UnixTime>,
    },
    /// Whether the account may try; `None`: it is not enrolled.
    Standing(Option<Standing>),
    /// How the account stands; `None`: it is not enrolled.
    Status(Option<Overview>),
    /// The change is on disk.
    Kept {
        /// Whether the account has an authenticator now.
        enrolled: bool,
    },
    /// The change is refused; nothing was changed.
    Refused(Refused),
    /// The user did not prove who they are; nothing was changed.
    NotAuthenticated,
    /// The caller may not ask that.
    Denied,
    /// It could not be done, for this reason.
    Unavailable(String),
}

impl Answer {
    /// The answer for the wire.
    #[must_use]
    pub fn to_fields(&self) -> Fields {
        let word = |word: &str| Fields::default().with(word.as_bytes());
        match self {
            Self::Verdict(verdict) => verdict_to_fields(verdict),
            Self::Enrolled => word("enrolled"),
            Self::NotEnrolled { first_login: None } => word("without-record"),
            Self::NotEnrolled {
                first_login: Some(when),
            } => word("without-record").with_number(&when.seconds()),
            Self::Standing(None) => word("no-standing"),
            Self::Standing(Some(standing)) => with_standing(word("standing"), *standing),
            Self::Status(None) => word("no-status"),
            Self::Status(Some(overview)) => overview_to_fields(overview),
            Self::Kept { enrolled: true } => word("kept"),
            Self::Kept { enrolled: false } => word("kept-none"),
            Self::Refused(refused) => refused_to_fields(refused),
            Self::NotAuthenticated => word("not-authenticated"),
            Self::Denied => word("denied"),
            Self::Unavailable(reason) => {
                let short: String = reason.chars().take(500).collect();
                word("unavailable").with(short.as_bytes())
            }
        }
    }

    /// The answer from the wire; `None`: not one.
    #[must_use]
    pub fn from_fields(fields: &Fields) -> Option<Self> {
        let fields: Option<Vec<&str>> = fields
            .as_slices()
            .into_iter()
            .map(|field| std::str::from_utf8(field).ok())
            .collect();
        match fields?.as_slice() {
            ["enrolled"] => Some(Self::Enrolled),
            ["without-record"] => Some(Self::NotEnrolled { first_login: None }),
            ["without-record", when] => Some(Self::NotEnrolled {
                first_login: Some(UnixTime::from_seconds(number(when)?)),
            }),
            ["no-standing"] => Some(Self::Standing(None)),
            ["standing", words @ ..] => Some(Self::Standing(Some(standing_of(words)?))),
            ["no-status"] => Some(Self::Status(None)),
            ["status", words @ ..] => Some(Self::Status(Some(overview_from_words(words)?))),
            ["kept"] => Some(Self::Kept { enrolled: true }),
            ["kept-none"] => Some(Self::Kept { enrolled: false }),
            ["refused", words @ ..] => Some(Self::Refused(refused_from_words(words)?)),
            ["not-authenticated"] => Some(Self::NotAuthenticated),
            ["denied"] => Some(Self::Denied),
            ["unavailable", reason] => Some(Self::Unavailable((*reason).to_owned())),
            words => verdict_from_words(words).map(Self::Verdict),
        }
    }
}

fn verdict_to_fields(verdict: &Verdict) -> Fields {
    let word = |word: &str| Fields::default().with(word.as_bytes());
    match verdict {
        Verdict::Accepted {
            authenticator,
            resynchronised,
        } => {
            let drift = resynchronised.map_or_else(String::new, |drift| drift.steps().to_string());
            word("accepted")
                .with(authenticator.as_str().as_bytes())
                .with(drift.as_bytes())
        }
        Verdict::Recovered { left } => word("recovered").with_number(left),
        Verdict::Rejected { left } => word("rejected").with_number(left),
        Verdict::RejectedAndLocked { standing } => {
            with_standing(word("rejected-and-locked"), *standing)
        }
        Verdict::Replayed => word("replayed"),
        Verdict::Empty => word("empty"),
        Verdict::NoGuess { why } => word("no-guess").with(why.word().as_bytes()),
        Verdict::Locked { standing } => with_standing(word("locked"), *standing),
        Verdict::NotEnrolled => word("not-enrolled"),
        Verdict::Excused => word("excused"),
    }
}

fn verdict_from_words(words: &[&str]) -> Option<Verdict> {
    Some(match words {
        ["accepted", name, drift] => Verdict::Accepted {
            authenticator: Name::new(name).ok()?,
            resynchronised: match *drift {
                "" => None,
                steps => Some(Drift::from_steps(number(steps)?).ok()?),
            },
        },
        ["recovered", left] => Verdict::Recovered {
            left: number(left)?,
        },
        ["rejected", left] => Verdict::Rejected {
            left: number(left)?,
        },
        ["rejected-and-locked", standing @ ..] => Verdict::RejectedAndLocked {
            standing: standing_of(standing)?,
        },
        ["replayed"] => Verdict::Replayed,
        ["empty"] => Verdict::Empty,
        ["no-guess", why] => Verdict::NoGuess {
            why: NoGuess::from_word(why)?,
        },
        ["locked", standing @ ..] => Verdict::Locked {
            standing: standing_of(standing)?,
        },
        ["not-enrolled"] => Verdict::NotEnrolled,
        ["excused"] => Verdict::Excused,
        _ => return None,
    })
}

fn overview_to_fields(overview: &Overview) -> Fields {
    let optional = |number: Option<u64>| number.map_or_else(String::new, |it| it.to_string());
    let refusal = overview.last_refusal;
    let fields = Fields::default()
        .with(b"status")
        .with_number(&overview.recovery_codes_left)
        .with(optional(overview.recovery_codes_issued.map(u64::from)).as_bytes())
        .with_number(&overview.failures)
        .with_number(&overview.failures_left)
        .with(optional(refusal.map(|(when, _)| when.seconds())).as_bytes())
        .with(refusal.map_or("", |(_, why)| why.word()).as_bytes())
        .with_number(&overview.authenticators.len());
    let fields = overview.authenticators.iter().fold(fields, |all, device| {
        all.with(device.name.as_str().as_bytes())
            .with_number(&device.created.seconds())
            .with(optional(device.last_used.map(UnixTime::seconds)).as_bytes())
    });
    with_standing(fields, overview.standing)
}

fn overview_from_words(words: &[&str]) -> Option<Overview> {
    let [
        left,
        issued,
        failures,
        failures_left,
        when,
        why,
        count,
        rest @ ..,
    ] = words
    else {
        return None;
    };
    let (devices, standing) = rest.split_at_checked(number::<usize>(count)?.checked_mul(3)?)?;
    let devices = devices.chunks_exact(3).map(|device| {
        Some(Device {
            name: Name::new(device[0]).ok()?,
            created: UnixTime::from_seconds(number(device[1])?),
            last_used: optional(device[2]).ok()?.map(UnixTime::from_seconds),
        })
    });
    Some(Overview {
        authenticators: devices.collect::<Option<_>>()?,
        recovery_codes_left: number(left)?,
        recovery_codes_issued: optional(issued).ok()?,
        failures: number(failures)?,
        failures_left: number(failures_left)?,
        standing: standing_of(standing)?,
        last_refusal: match (optional(when).ok()?, *why) {
            (None, "") => None,
            (Some(when), why) => Some((UnixTime::from_seconds(when), Refusal::from_word(why)?)),
            (None, _) => return None,
        },
    })
}

/// The number in a word, or nothing in an empty one.
fn optional<T: FromStr>(word: &str) -> Result<Option<T>, T::Err> {
    if word.is_empty() {
        Ok(None)
    } else {
        word.parse().map(Some)
    }
}

fn refused_to_fields(refused: &Refused) -> Fields {
    let word = |word: &str| Fields::default().with(b"refused").with(word.as_bytes());
    match refused {
        Refused::Locked { opens } => word("locked").with(if *opens { b"opens" } else { b"" }),
        Refused::Disabled => word("disabled"),
        Refused::NotEnrolled => word("not-enrolled"),
        Refused::NameTaken(name) => word("name-taken").with(name.as_str().as_bytes()),
        Refused::Full(most) => word("full").with_number(most),
        Refused::NoSuchName(name) => word("no-such-name").with(name.as_str().as_bytes()),
        Refused::WhichOne(names) => names.iter().fold(word("which-one"), |all, name| {
            all.with(name.as_str().as_bytes())
        }),
        Refused::Demanded => word("demanded"),
        Refused::NoCodes => word("no-codes"),
        Refused::NotProven => word("not-proven"),
        Refused::ChangedMeanwhile => word("changed-meanwhile"),
    }
}

fn refused_from_words(words: &[&str]) -> Option<Refused> {
    let name = |text: &str| Name::new(text).ok();
    Some(match words {
        ["locked", opens @ ("" | "opens")] => Refused::Locked {
            opens: !opens.is_empty(),
        },
        ["disabled"] => Refused::Disabled,
        ["not-enrolled"] => Refused::NotEnrolled,
        ["name-taken", taken] => Refused::NameTaken(name(taken)?),
        ["full", most] => Refused::Full(number(most)?),
        ["no-such-name", unknown] => Refused::NoSuchName(name(unknown)?),
        ["which-one", names @ ..] => {
            Refused::WhichOne(names.iter().map(|one| name(one)).collect::<Option<_>>()?)
        }
        ["demanded"] => Refused::Demanded,
        ["no-codes"] => Refused::NoCodes,
        ["not-proven"] => Refused::NotProven,
        ["changed-meanwhile"] => Refused::ChangedMeanwhile,
        _ => return None,
    })
}

fn with_standing(fields: Fields, standing: Standing) -> Fields {
    match standing {
        Standing::Open => fields.with(b"open"),
        Standing::Locked { since, lasts } => fields
            .with(b"timed")
            .with_number(&since.seconds())
            .with_number(&lasts.as_secs()),
        Standing::Held => fields.with(b"held"),
        Standing::Disabled => fields.with(b"disabled"),
    }
}

fn standing_of(words: &[&str]) -> Option<Standing> {
    match words {
        ["open"] => Some(Standing::Open),
        ["timed", since, lasts] => Some(Standing::Locked {
            since: UnixTime::from_seconds(number(since)?),
            lasts: Duration::from_secs(number(lasts)?),
        }),
        ["held"] => Some(Standing::Held),
        ["disabled"] => Some(Standing::Disabled),
        _ => None,
    }
}

fn number<T: FromStr>(word: &str) -> Option<T> {
    word.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn over_the_wire(fields: &Fields) -> Fields {
        Fields::read_from(&mut fields.to_bytes().unwrap().as_slice())
            .ok()
            .unwrap()
    }

    #[test]
    fn every_request_reads_back() {
        let no_guesses = NoGuess::ALL.map(Some).into_iter().chain([None]);
        for (excused, no_guess) in no_guesses.flat_map(|why| [(false, why), (true, why)]) {
            let reply = Zeroizing::new(b"123\xff 456".to_vec());
            let request = Request::Check {
                user: "김철수".to_owned(),
                excused,
                reply,
                no_guess,
            };
            let back = Request::from_fields(&over_the_wire(&request.to_fields())).unwrap();
            let Request::Check {
                user,
                excused: back_excused,
                reply,
                no_guess: back_no_guess,
            } = back
            else {
                panic!("another request")
            };
            assert_eq!(
                (user.as_str(), back_excused, back_no_guess),
                ("김철수", excused, no_guess)
            );
            // What is no guess may be a password, and does not leave the program.
            let expected = if no_guess.is_none() {
                &b"123\xff 456"[..]
            } else {
                b""
            };
            assert_eq!(reply.as_slice(), expected);
        }
        let user = || "alice".to_owned();
        let name = || Name::new("회사 전화").unwrap();
        let change = |change| Request::Change {
            user: user(),
            change,
        };
        for (request, verb) in [
            (Request::IsEnrolled { user: user() }, Verb::IsEnrolled),
            (Request::Standing { user: user() }, Verb::Standing),
            (Request::Status { user: user() }, Verb::Status),
            (change(Change::Enrol(name())), Verb::Enrol),
            (change(Change::Add(name())), Verb::Add),
            (change(Change::Remove(Some(name()))), Verb::Remove),
            (change(Change::Remove(None)), Verb::Remove),
            (change(Change::RecoveryCodes), Verb::RecoveryCodes),
        ] {
            let back = Request::from_fields(&over_the_wire(&request.to_fields())).unwrap();
            assert_eq!((back.verb(), back.user()), (verb, "alice"));
            let changes = [&request, &back].map(|one| match one {
                Request::Change { change, .. } => Some(change.clone()),
                _ => None,
            });
            assert_eq!(changes[0], changes[1]);
        }
    }

    #[test]
    fn what_is_no_request_is_refused() {
        for words in [
            &["unlock", "alice"][..],
            &["check"],
            &["check", "alice"],
            &["check", "alice", "yes", "123456"],
            &["check", "alice", "", "123456", ""],
            &["is-enrolled", "alice", ""],
            &["CHECK", "alice", "", "123456"],
            &["enrol", "alice"],
            &["enrol", "alice", ""],
            &["replace", "alice", "phone"],
            &["check", "alice", "", "123456", "password-again"],
            &["check", "alice", "", "", "wrong-code"],
            &["add", "alice", "a\nb"],
            &["add", "alice", "phone", "tablet"],
            &["remove", "alice"],
            &["recovery-codes", "alice", "10"],
            &["status"],
            &["standing"],
            &["standing", "alice", "bobby"],
            &[],
        ] {
            let fields = words
                .iter()
                .fold(Fields::default(), |all, word| all.with(word.as_bytes()));
            assert!(Request::from_fields(&fields).is_none(), "{words:?}");
        }
    }

    #[test]
    fn every_answer_reads_back() {
        let timed = Standing::Locked {
            since: UnixTime::from_seconds(u64::MAX),
            lasts: Duration::from_secs(u64::MAX),
        };
        let name = Name::new("회사 전화").unwrap();
        let verdicts = [
            Verdict::Accepted {
                authenticator: name.clone(),
                resynchronised: None,
            },
            Verdict::Accepted {
                authenticator: name,
                resynchronised: Some(Drift::from_steps(-20).unwrap()),
            },
            Verdict::Recovered { left: 9 },
            Verdict::Rejected { left: 4 },
            Verdict::RejectedAndLocked { standing: timed },
            Verdict::RejectedAndLocked {
                standing: Standing::Disabled,
            },
            Verdict::Replayed,
            Verdict::Empty,
            Verdict::NoGuess {
                why: NoGuess::PasswordAgain,
            },
            Verdict::NoGuess {
                why: NoGuess::SshdSubstitute,
            },
            Verdict::Locked { standing: timed },
            Verdict::Locked {
                standing: Standing::Held,
            },
            Verdict::NotEnrolled,
            Verdict::Excused,
        ];
        let device = |last_used| Device {
            name: Name::new("status").unwrap(),
            created: UnixTime::from_seconds(1),
            last_used,
        };
        let overview = |issued, refusal, standing| {
            Answer::Status(Some(Overview {
                authenticators: vec![device(None), device(Some(UnixTime::from_seconds(9)))],
                recovery_codes_left: 2,
                recovery_codes_issued: issued,
                failures: 3,
                failures_left: 4,
                standing,
                last_refusal: refusal,
            }))
        };
        let refusal = Some((UnixTime::from_seconds(7), Refusal::ClockOff));
        let named = || Name::new("회사 전화").unwrap();
        let refused = [
            Refused::Locked { opens: true },
            Refused::Locked { opens: false },
            Refused::Disabled,
            Refused::NotEnrolled,
            Refused::NameTaken(named()),
            Refused::Full(4),
            Refused::NoSuchName(named()),
            Refused::WhichOne(vec![named(), named()]),
            Refused::WhichOne(Vec::new()),
            Refused::Demanded,
            Refused::NoCodes,
            Refused::NotProven,
            Refused::ChangedMeanwhile,
        ];
        let others = [
            overview(Some(10), refusal, timed),
            overview(None, None, Standing::Open),
            Answer::Status(None),
            Answer::Kept { enrolled: true },
            Answer::Kept { enrolled: false },
            Answer::NotAuthenticated,
            Answer::Enrolled,
            Answer::NotEnrolled { first_login: None },
            Answer::NotEnrolled {
                first_login: Some(UnixTime::from_seconds(u64::MAX)),
            },
            Answer::Standing(None),
            Answer::Standing(Some(Standing::Open)),
            Answer::Standing(Some(timed)),
            Answer::Standing(Some(Standing::Held)),
            Answer::Standing(Some(Standing::Disabled)),
            Answer::Denied,
            Answer::Unavailable("the disk is gone".to_owned()),
        ];
        let verdicts = verdicts.into_iter().map(Answer::Verdict);
        let refused = refused.into_iter().map(Answer::Refused);
        for answer in verdicts.chain(others).chain(refused) {
            assert_eq!(
                Answer::from_fields(&over_the_wire(&answer.to_fields())),
                Some(answer)
            );
        }
    }

    #[test]
    fn an_answer_that_is_not_one_is_not_taken_for_acceptance() {
        for words in [
            &["accepted"][..],
            &["accepted", "", ""],
            &["accepted", "phone", "x"],
            &["success"],
            &["without-record", "soon"],
            &["standing"],
            &["standing", "timed", "1"],
            &["status", "1", "", "0", "5", "", "", "9", "open"],
            &[
                "status",
                "1",
                "",
                "0",
                "5",
                "",
                "",
                "99999999999999999999",
                "open",
            ],
            &["status", "1", "", "0", "5", "", "wrong-code", "0", "open"],
            &["refused"],
            &[""],
            &[],
        ] {
            let fields = words
                .iter()
                .fold(Fields::default(), |all, word| all.with(word.as_bytes()));
            assert_eq!(Answer::from_fields(&fields), None, "{words:?}");
        }
    }
}
