//! One line of the file of sessions: one event of one session.
//!
//! ```text
//! checksum b id user uid began ends used enrolled address token cookie     a session has begun
//! checksum u id used                                                       it was used
//! checksum c id cookie                                                     it has another cookie
//! checksum t id enrolled token                                             it has another token
//! checksum s id host cookie                                                it has a cookie at a site
//! checksum e id                                                            it has ended
//! ```
//! Texts are in base64url. The checksum is the first 8 bytes of the SHA-256 of the rest of the line.

use super::{Hash, Id};
use crate::config::Host;
use crate::wire::Token;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use otp_core::UnixTime;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::str::FromStr;
use std::sync::Arc;

/// An event.
pub(super) enum Record {
    Begun(Begun),
    Used {
        id: Id,
        used: UnixTime,
    },
    Cookie {
        id: Id,
        cookie: Hash,
    },
    Token {
        id: Id,
        enrolled: bool,
        token: Arc<Token>,
    },
    Site {
        id: Id,
        host: Host,
        cookie: Hash,
    },
    Ended {
        id: Id,
    },
}

/// The beginning of a session.
pub(super) struct Begun {
    pub id: Id,
    pub user: Arc<str>,
    pub uid: u32,
    pub began: UnixTime,
    pub ends: UnixTime,
    pub used: UnixTime,
    pub enrolled: bool,
    pub address: Box<str>,
    pub token: Arc<Token>,
    pub cookie: Hash,
}

/// The length of a checksum, in characters.
const CHECKSUM: usize = 16;

impl Record {
    /// Appends the line to a text.
    pub(super) fn write_to(&self, text: &mut Vec<u8>) {
        let said = self.said();
        text.extend_from_slice(checksum(said.as_bytes()).as_bytes());
        text.push(b' ');
        text.extend_from_slice(said.as_bytes());
        text.push(b'\n');
    }

    fn said(&self) -> String {
        let mut said = String::new();
        let written = match self {
            Self::Begun(begun) => write!(
                said,
                "b {:016x} {} {} {} {} {} {} {} {} {}",
                begun.id.0,
                encoded(begun.user.as_bytes()),
                begun.uid,
                begun.began.seconds(),
                begun.ends.seconds(),
                begun.used.seconds(),
                u8::from(begun.enrolled),
                encoded(begun.address.as_bytes()),
                encoded(begun.token.as_bytes()),
                begun.cookie.text(),
            ),
            Self::Used { id, used } => write!(said, "u {:016x} {}", id.0, used.seconds()),
            Self::Cookie { id, cookie } => write!(said, "c {:016x} {}", id.0, cookie.text()),
            Self::Token {
                id,
                enrolled,
                token,
            } => {
                write!(
                    said,
                    "t {:016x} {} {}",
                    id.0,
                    u8::from(*enrolled),
                    encoded(token.as_bytes())
                )
            }
            Self::Site { id, host, cookie } => {
                write!(
                    said,
                    "s {:016x} {} {}",
                    id.0,
                    encoded(host.as_str().as_bytes()),
                    cookie.text()
                )
            }
            Self::Ended { id } => write!(said, "e {:016x}", id.0),
        };
        written.expect("a String takes every write");
        said
    }

    /// Parses a line without its end; `None`: the line is damaged.
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        let (sum, said) = line.split_at_checked(CHECKSUM)?;
        let said = said.strip_prefix(b" ")?;
        if sum != checksum(said).as_bytes() {
            return None;
        }
        let words: Vec<&str> = std::str::from_utf8(said).ok()?.split(' ').collect();
        let id = |word: &str| u64::from_str_radix(word, 16).ok().map(Id);
        let time = |word: &str| number(word).map(UnixTime::from_seconds);
        let token = |word: &str| Some(Arc::new(Token::from_bytes(&decoded(word)?)?));
        Some(match words.as_slice() {
            [
                "b",
                its,
                user,
                uid,
                began,
                ends,
                last_used,
                enrolled,
                address,
                its_token,
                cookie,
            ] => Self::Begun(Begun {
                id: id(its)?,
                user: text(user)?.into(),
                uid: number(uid)?,
                began: time(began)?,
                ends: time(ends)?,
                used: time(last_used)?,
                enrolled: truth(enrolled)?,
                address: text(address)?.into(),
                token: token(its_token)?,
                cookie: Hash::parse(cookie)?,
            }),
            ["u", its, used] => Self::Used {
                id: id(its)?,
                used: time(used)?,
            },
            ["c", its, cookie] => Self::Cookie {
                id: id(its)?,
                cookie: Hash::parse(cookie)?,
            },
            ["t", its, enrolled, its_token] => Self::Token {
                id: id(its)?,
                enrolled: truth(enrolled)?,
                token: token(its_token)?,
            },
            ["s", its, host, cookie] => Self::Site {
                id: id(its)?,
                host: Host::parse(&text(host)?)?,
                cookie: Hash::parse(cookie)?,
            },
            ["e", its] => Self::Ended { id: id(its)? },
            _ => return None,
        })
    }
}

fn checksum(said: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(said)[..CHECKSUM / 2])
}

fn encoded(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

fn decoded(word: &str) -> Option<Vec<u8>> {
    BASE64URL_NOPAD.decode(word.as_bytes()).ok()
}

fn text(word: &str) -> Option<String> {
    String::from_utf8(decoded(word)?).ok()
}

fn number<T: FromStr>(word: &str) -> Option<T> {
    word.parse().ok()
}

fn truth(word: &str) -> Option<bool> {
    match word {
        "0" => Some(false),
        "1" => Some(true),
        _ => None,
    }
}

/// Parses the records of a file; `None`: the file is damaged.
///
/// An incomplete last line was being written when the portal was killed. No request had been answered yet, so the event
/// never happened. Any other damage means that more may be missing, such as the end of a session.
pub(super) fn parse_all(bytes: &[u8]) -> Option<Vec<Record>> {
    let mut records = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let Some(end) = rest.iter().position(|&byte| byte == b'\n') else {
            return Some(records);
        };
        records.push(Record::parse(&rest[..end])?);
        rest = &rest[end + 1..];
    }
    Some(records)
}
