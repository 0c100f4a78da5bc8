//! The dialogue that follows a request for a change: a few turns, led by the helper.
//!
//! ```text
//! helper                                       client
//!   begun: what stops working, and whether to prove it
//!   ask, tell ...  (re-authentication)           reply
//!   offer: the new device                        code
//!   checked: what the code says, tries left      code ...
//!   codes: the new recovery codes                kept
//!   end: one of protocol::Answer
//! ```
//! Turns that a change does not need are left out. `end` can come at any point.

use crate::frame::Fields;
use crate::protocol::Answer;
use otp_core::Authenticator;
use otp_core::code::Ignored;
use otp_core::record::{Algorithm, Digits, Id, Kind, Name, Period, Secret};
use otp_core::recovery::RecoveryCode;
use otp_core::time::UnixTime;
use otp_store::change::Proof;
use std::str::FromStr;
use std::time::Duration;
use zeroize::Zeroizing;

/// A message of the helper. It holds secrets and has no `Debug`.
pub enum Turn {
    /// The change is allowed so far.
    Begun {
        /// The authenticators that the change removes.
        goes: Vec<Name>,
        /// Whether the user must prove who they are first.
        authenticates: bool,
        /// Whether recovery codes of another program stop working.
        imported_codes_go: bool,
    },
    /// A question of the PAM stack.
    Ask {
        /// The question.
        prompt: String,
        /// Whether the typed text may be visible.
        echo: bool,
    },
    /// A message of the PAM stack. A module that enrols at login shows a key and recovery codes by it.
    Tell {
        /// The message.
        text: Zeroizing<String>,
    },
    /// The new device, to be shown to its user.
    Offer(Authenticator),
    /// The result for a code of the new device.
    Checked {
        /// The result.
        proof: Proof,
        /// Further tries.
        left: u32,
    },
    /// The new recovery codes, to be shown to their user; there may be none.
    Codes(Vec<RecoveryCode>),
    /// The last turn.
    End(Answer),
}

/// A message of the client.
pub enum Reply {
    /// The answer to a question of the PAM stack.
    Text(Zeroizing<Vec<u8>>),
    /// A code of the new device.
    Code(Zeroizing<Vec<u8>>),
    /// The user says that the recovery codes are kept, or there is nothing to keep: store the change.
    Keep,
}

impl Reply {
    /// Encodes the reply for the wire.
    #[must_use]
    pub fn to_fields(&self) -> Fields {
        match self {
            Self::Text(text) => Fields::default().with(b"reply").with(text),
            Self::Code(code) => Fields::default().with(b"code").with(code),
            Self::Keep => Fields::default().with(b"keep"),
        }
    }

    /// Decodes a reply; `None`: the fields are not a reply.
    #[must_use]
    pub fn from_fields(fields: &Fields) -> Option<Self> {
        let held = |bytes: &[u8]| Zeroizing::new(bytes.to_vec());
        match fields.as_slices().as_slice() {
            [b"reply", text] => Some(Self::Text(held(text))),
            [b"code", code] => Some(Self::Code(held(code))),
            [b"keep"] => Some(Self::Keep),
            _ => None,
        }
    }
}

impl Turn {
    /// Encodes the turn for the wire.
    #[must_use]
    pub fn to_fields(&self) -> Fields {
        let word = |word: &str| Fields::default().with(word.as_bytes());
        match self {
            Self::Begun {
                goes,
                authenticates,
                imported_codes_go,
            } => {
                let first = word("begun").with(match (authenticates, imported_codes_go) {
                    (false, false) => b"",
                    (true, false) => b"prove",
                    (false, true) => b"codes-go",
                    (true, true) => b"prove-codes-go",
                });
                goes.iter()
                    .fold(first, |all, name| all.with(name.as_str().as_bytes()))
            }
            Self::Ask { prompt, echo } => {
                word(if *echo { "ask" } else { "ask-hidden" }).with(shortened(prompt).as_bytes())
            }
            Self::Tell { text } => word("tell").with(shortened(text).as_bytes()),
            Self::Offer(device) => offer(device),
            Self::Checked { proof, left } => {
                // The number says what is off: seconds, or the settings that an app ignores. An older client ignores
                // the number of "no-match", so it continues and reports just that.
                let (text, off) = match proof {
                    Proof::Right => ("right", 0),
                    Proof::Behind(by) => ("behind", by.as_secs()),
                    Proof::Ahead(by) => ("ahead", by.as_secs()),
                    Proof::Ignores(settings) => ("no-match", settings.number().into()),
                    Proof::NoMatch => ("no-match", 0),
                    Proof::NotACode => ("no-code", 0),
                };
                word("checked")
                    .with(text.as_bytes())
                    .with_number(left)
                    .with_number(&off)
            }
            Self::Codes(list) => codes(list),
            Self::End(answer) => answer.to_fields(),
        }
    }

    /// Decodes a turn; `None`: the fields are not a turn.
    #[must_use]
    pub fn from_fields(fields: &Fields) -> Option<Self> {
        let text = |field| std::str::from_utf8(field).ok();
        let name = |field: &&[u8]| Name::new(std::str::from_utf8(field).ok()?).ok();
        match fields.as_slices().as_slice() {
            [
                b"begun",
                what @ (b"" | b"prove" | b"codes-go" | b"prove-codes-go"),
                goes @ ..,
            ] => Some(Self::Begun {
                goes: goes.iter().map(name).collect::<Option<_>>()?,
                authenticates: what.starts_with(b"prove"),
                imported_codes_go: what.ends_with(b"codes-go"),
            }),
            [kind @ (b"ask" | b"ask-hidden"), prompt] => Some(Self::Ask {
                prompt: harmless(text(prompt)?).to_string(),
                echo: *kind == b"ask",
            }),
            [b"tell", said] => Some(Self::Tell {
                text: harmless(text(said)?),
            }),
            [b"offer", device @ ..] => offer_from_slices(device).map(Self::Offer),
            [b"checked", proof, left, off] => {
                let off: u64 = number(off)?;
                let proof = match *proof {
                    b"right" => Proof::Right,
                    b"behind" => Proof::Behind(Duration::from_secs(off)),
                    b"ahead" => Proof::Ahead(Duration::from_secs(off)),
                    // A number of a later version that is unknown here is still no match.
                    b"no-match" => Ignored::from_number(off).map_or(Proof::NoMatch, Proof::Ignores),
                    b"no-code" => Proof::NotACode,
                    _ => return None,
                };
                let left = number(left)?;
                Some(Self::Checked { proof, left })
            }
            [b"codes", codes @ ..] => {
                let codes = codes.iter().map(|code| RecoveryCode::parse(code));
                Some(Self::Codes(codes.collect::<Option<_>>()?))
            }
            _ => Answer::from_fields(fields).map(Self::End),
        }
    }
}

/// Replaces control characters: the text is shown on a terminal, and may come from a verifier of a fleet.
fn harmless(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.replace(
        |one: char| one.is_control() && !matches!(one, '\n' | '\t'),
        "?",
    ))
}

/// Shortens a PAM module's text, which may have any length, to fit a message.
fn shortened(text: &str) -> &str {
    let mut end = text.len().min(2000);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Encodes [`Turn::Codes`] from borrowed codes.
#[must_use]
pub fn codes(codes: &[RecoveryCode]) -> Fields {
    let first = Fields::default().with(b"codes");
    codes
        .iter()
        .fold(first, |all, code| all.with(code.reveal().as_bytes()))
}

/// Encodes [`Turn::Offer`] from a borrowed device.
#[must_use]
pub fn offer(device: &Authenticator) -> Fields {
    let period = match device.kind {
        Kind::Totp(period) => period.seconds(),
        Kind::Hotp => 0,
    };
    Fields::default()
        .with(b"offer")
        .with(device.id.text().as_bytes())
        .with(device.name.as_str().as_bytes())
        .with_number(&period)
        .with(device.algorithm.name().as_bytes())
        .with_number(&device.digits.count())
        .with(device.secret.reveal_bytes())
        .with_number(&device.created.seconds())
}

fn offer_from_slices(fields: &[&[u8]]) -> Option<Authenticator> {
    let text = |field| std::str::from_utf8(field).ok();
    let [id, name, period, algorithm, digits, secret, created] = fields else {
        return None;
    };
    Some(Authenticator {
        id: Id::parse(text(id)?)?,
        name: Name::new(text(name)?).ok()?,
        kind: match number(period)? {
            0 => Kind::Hotp,
            seconds => Kind::Totp(Period::new(seconds).ok()?),
        },
        algorithm: Algorithm::from_name(text(algorithm)?)?,
        digits: Digits::new(number(digits)?).ok()?,
        secret: Secret::new(Zeroizing::new(secret.to_vec())).ok()?,
        window: None,
        created: UnixTime::from_seconds(number(created)?),
    })
}

fn number<T: FromStr>(field: &[u8]) -> Option<T> {
    std::str::from_utf8(field).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use otp_core::every;
    use otp_store::change::Refused;
    use std::mem::discriminant;

    fn over_the_wire(fields: &Fields) -> Fields {
        let bytes = fields.to_bytes().unwrap();
        Fields::read_from(&mut bytes.as_slice()).ok().unwrap()
    }

    fn device(kind: Kind) -> Authenticator {
        Authenticator {
            id: Id::from_random([7; 8]),
            name: Name::new("회사 전화").unwrap(),
            kind,
            algorithm: Algorithm::Sha256,
            digits: Digits::new(8).unwrap(),
            secret: Secret::new(Zeroizing::new((0..128).collect())).unwrap(),
            window: None,
            created: UnixTime::from_seconds(1_763_640_000),
        }
    }

    /// The possible results for a code of the new device.
    fn proofs() -> Vec<Proof> {
        let seconds = Duration::from_secs;
        every!(Proof {
            Right => [Proof::Right],
            Behind => [Proof::Behind(seconds(90))],
            Ahead => [Proof::Ahead(seconds(600))],
            NoMatch => [Proof::NoMatch],
            Ignores => Ignored::ALL.map(Proof::Ignores),
            NotACode => [Proof::NotACode],
        })
    }

    fn turns() -> Vec<Turn> {
        let name = || Name::new("phone").unwrap();
        let begun = [
            (vec![name(), name()], true, false),
            (vec![], false, false),
            (vec![name()], true, true),
            (vec![], false, true),
        ];
        let ask = [("Password: ", false), ("이름: ", true)];
        let kinds = every!(Kind {
            Totp => [Kind::Totp(Period::THIRTY)],
            Hotp => [Kind::Hotp],
        });
        let checked = |proof| Turn::Checked { proof, left: 2 };
        let codes = |count| {
            let code = |at| RecoveryCode::from_random([at; RecoveryCode::BYTES]);
            Turn::Codes((0..count).map(code).collect())
        };
        every!(Turn {
            Begun => begun.map(|(goes, authenticates, imported_codes_go)| Turn::Begun {
                goes,
                authenticates,
                imported_codes_go,
            }),
            Ask => ask.map(|(prompt, echo)| Turn::Ask { prompt: prompt.to_owned(), echo }),
            Tell => [Turn::Tell { text: "two\nlines".to_owned().into() }],
            Offer => kinds.into_iter().map(device).map(Turn::Offer).collect::<Vec<_>>(),
            Checked => proofs().into_iter().map(checked).collect::<Vec<_>>(),
            Codes => [0, 32].map(codes),
            // The tests of `protocol` check that every answer reads back.
            End => [
                Turn::End(Answer::Kept { enrolled: true }),
                Turn::End(Answer::Refused(Refused::Disabled)),
            ],
        })
    }

    #[test]
    fn every_turn_reads_back() {
        for turn in turns() {
            let fields = turn.to_fields();
            let back = Turn::from_fields(&over_the_wire(&fields)).expect("a turn");
            assert_eq!(discriminant(&back), discriminant(&turn));
            assert!(back.to_fields().as_slices() == fields.as_slices());
            if let (
                Turn::Checked { proof, left },
                Turn::Checked {
                    proof: was,
                    left: were,
                },
            ) = (back, turn)
            {
                assert_eq!((proof, left), (was, were));
            }
        }
    }

    #[test]
    fn no_two_turns_are_the_same_on_the_wire() {
        let turns = turns();
        for (at, one) in turns.iter().enumerate() {
            let fields = one.to_fields();
            let as_this = |other: &&Turn| other.to_fields().as_slices() == fields.as_slices();
            assert_eq!(turns.iter().filter(as_this).count(), 1, "turn {at}");
        }
    }

    /// A client of version 0.1 takes these four fields, and of "no-match" only the word.
    #[test]
    fn ignored_settings_are_no_match_for_an_older_client_and_never_right() {
        for settings in Ignored::ALL {
            let proof = Proof::Ignores(settings);
            let fields = Turn::Checked { proof, left: 2 }.to_fields();
            let number = settings.number().to_string();
            let expected: [&[u8]; 4] = [b"checked", b"no-match", b"2", number.as_bytes()];
            assert!(fields.as_slices() == expected);
            let Some(Turn::Checked { proof: back, .. }) = Turn::from_fields(&fields) else {
                panic!("another turn")
            };
            assert_eq!(back, proof);
        }
        for number in [b"0".as_slice(), b"8"] {
            let fields = [b"checked".as_slice(), b"no-match", b"2", number];
            let fields = fields
                .iter()
                .fold(Fields::default(), |all, one| all.with(one));
            let turn = Turn::from_fields(&fields);
            let Some(Turn::Checked { proof, .. }) = turn else {
                panic!("another turn")
            };
            assert_eq!(proof, Proof::NoMatch);
        }
    }

    #[test]
    fn every_reply_reads_back() {
        let bytes = || Zeroizing::new(b"\xff 123".to_vec());
        let replies = every!(Reply {
            Text => [Reply::Text(bytes())],
            Code => [Reply::Code(bytes())],
            Keep => [Reply::Keep],
        });
        for reply in replies {
            let fields = reply.to_fields();
            let back = Reply::from_fields(&over_the_wire(&fields)).expect("a reply");
            assert_eq!(discriminant(&back), discriminant(&reply));
            assert!(back.to_fields().as_slices() == fields.as_slices());
        }
        for words in [&["keep", "it"][..], &["code"], &["reply"], &["yes"], &[]] {
            let fields = words
                .iter()
                .fold(Fields::default(), |all, word| all.with(word.as_bytes()));
            assert!(Reply::from_fields(&fields).is_none(), "{words:?}");
        }
    }

    #[test]
    fn a_long_text_of_a_module_is_cut_between_characters() {
        let long = "가".repeat(3000);
        let turn = Turn::Tell { text: long.into() };
        let Some(Turn::Tell { text }) = Turn::from_fields(&over_the_wire(&turn.to_fields())) else {
            panic!("another turn")
        };
        assert_eq!(*text, "가".repeat(666));
    }
}
