//! The answers of the helper.

use crate::frame::Fields;
use otp_core::messages::reason::Wording;
use otp_core::record::{Drift, Language, Name, Refusal, Standing};
use otp_core::time::UnixTime;
use otp_core::{NoGuess, Verdict};
use otp_store::change::Refused;
use otp_store::{Device, Overview};
use std::str::FromStr;
use std::time::Duration;

/// An answer. It holds no secret.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// The verdict on an attempt; its consequences are on disk.
    Verdict(Verdict),
    /// The user has an authenticator.
    Enrolled,
    /// The user has no authenticator.
    NotEnrolled {
        /// The time when the user was first let in without one; `None`: not yet.
        first_login: Option<UnixTime>,
    },
    /// Whether the account may try a code; `None`: the account is not enrolled.
    Standing(Option<Standing>),
    /// The time since when the user is trusted at the place; `None`: the user is not.
    TrustedSince(Option<UnixTime>),
    /// The request is fulfilled, and the change is on disk.
    Done,
    /// The state of the account; `None`: the account is not enrolled.
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
    /// The caller may not make this request.
    Denied,
    /// The request could not be fulfilled, for this reason.
    Unavailable(Wording),
}

impl Answer {
    /// Encodes the answer for the wire.
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
            Self::TrustedSince(None) => word("not-trusted"),
            Self::TrustedSince(Some(since)) => word("trusted").with_number(&since.seconds()),
            Self::Done => word("done"),
            Self::Status(None) => word("no-status"),
            Self::Status(Some(overview)) => overview_to_fields(overview),
            Self::Kept { enrolled: true } => word("kept"),
            Self::Kept { enrolled: false } => word("kept-none"),
            Self::Refused(refused) => refused_to_fields(refused),
            Self::NotAuthenticated => word("not-authenticated"),
            Self::Denied => word("denied"),
            Self::Unavailable(reason) => {
                Language::ALL
                    .into_iter()
                    .fold(word("unavailable"), |all, language| {
                        let short: String = reason.text(language).chars().take(500).collect();
                        all.with(short.as_bytes())
                    })
            }
        }
    }

    /// Decodes an answer; `None`: the fields are not an answer.
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
            ["not-trusted"] => Some(Self::TrustedSince(None)),
            ["trusted", since] => Some(Self::TrustedSince(Some(UnixTime::from_seconds(number(
                since,
            )?)))),
            ["done"] => Some(Self::Done),
            ["no-status"] => Some(Self::Status(None)),
            ["status", words @ ..] => Some(Self::Status(Some(overview_from_words(words)?))),
            ["kept"] => Some(Self::Kept { enrolled: true }),
            ["kept-none"] => Some(Self::Kept { enrolled: false }),
            ["refused", words @ ..] => Some(Self::Refused(refused_from_words(words)?)),
            ["not-authenticated"] => Some(Self::NotAuthenticated),
            ["denied"] => Some(Self::Denied),
            // The texts may be shown on a terminal, and may come from a verifier of a fleet.
            ["unavailable", english, korean] => Some(Self::Unavailable(Wording::of(|language| {
                let said = match language {
                    Language::English => english,
                    Language::Korean => korean,
                };
                said.replace(char::is_control, "?")
            }))),
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
        // A helper is never asked for this verdict; it has a word so that every verdict has one.
        Verdict::Mailed => word("mailed"),
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
        ["mailed"] => Verdict::Mailed,
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

/// The mark of recovery codes of another program.
const IMPORTED: &str = "imported";

fn overview_to_fields(overview: &Overview) -> Fields {
    let optional = |number: Option<u64>| number.map_or_else(String::new, |it| it.to_string());
    let refusal = overview.last_refusal;
    let fields = Fields::default()
        .with(b"status")
        .with_number(&overview.recovery_codes_left)
        .with(optional(overview.recovery_codes_issued.map(u64::from)).as_bytes())
        .with(if overview.recovery_codes_imported {
            IMPORTED.as_bytes()
        } else {
            b""
        })
        .with_number(&overview.failures)
        .with_number(&overview.failures_left)
        .with(optional(refusal.map(|(when, _)| when.seconds())).as_bytes())
        .with(refusal.map_or("", |(_, why)| why.word()).as_bytes())
        .with_number(&overview.authenticators.len());
    let fields = overview.authenticators.iter().fold(fields, |all, device| {
        all.with(device.name.as_str().as_bytes())
            .with_number(&device.created.seconds())
            .with(optional(device.last_used.map(UnixTime::seconds)).as_bytes())
            .with(optional(device.next_counter).as_bytes())
    });
    with_standing(fields, overview.standing)
}

fn overview_from_words(words: &[&str]) -> Option<Overview> {
    let [
        left,
        issued,
        imported @ ("" | IMPORTED),
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
    let (devices, standing) = rest.split_at_checked(number::<usize>(count)?.checked_mul(4)?)?;
    let devices = devices.chunks_exact(4).map(|device| {
        Some(Device {
            name: Name::new(device[0]).ok()?,
            created: UnixTime::from_seconds(number(device[1])?),
            last_used: optional(device[2]).ok()?.map(UnixTime::from_seconds),
            next_counter: optional(device[3]).ok()?,
        })
    });
    Some(Overview {
        authenticators: devices.collect::<Option<_>>()?,
        recovery_codes_left: number(left)?,
        recovery_codes_issued: optional(issued).ok()?,
        recovery_codes_imported: !imported.is_empty(),
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

/// Reads the number in a word; an empty word has none.
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
