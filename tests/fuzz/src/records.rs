//! The readers of records, as the comparison with a second implementation needs them: they return the content in the one form
//! that pam_otp-format(5) allows.

use crate::sealed::{Pen, Seal};
use crate::text::{credential, first_login, mail, state, trust};
use otp_core::{Account, Credential, State, UserName};
use otp_file::Unparsed;
use sha2::{Digest, Sha256};

/// The user whose records these are.
pub const USER: &str = "alice";
/// The number of that user.
pub const UID: u32 = 1001;
/// Bytes of one record of a state.
pub const RECORD: usize = state::RECORD;

/// The result of reading bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// The reader refuses them.
    Refused,
    /// The reader refuses them because a newer version has written them.
    Newer,
    /// The reader accepts them; this is the content, written by the rules.
    Taken(String),
}

impl Read {
    fn of(read: Result<String, Unparsed>) -> Self {
        match read {
            Ok(text) => Self::Taken(text),
            Err(Unparsed::Newer) => Self::Newer,
            Err(Unparsed::Content { .. }) => Self::Refused,
        }
    }
}

/// Parses without a sealing key, because the other reader has none either: a sealed record is refused.
pub(crate) fn parsed(bytes: &[u8]) -> Result<Credential, Unparsed> {
    match credential::parse(bytes, &Seal::none()) {
        Ok(read) => Ok(read),
        Err(credential::Unread::Unparsed(why)) => Err(why),
        Err(credential::Unread::Sealed(_)) => Err(Unparsed::whole("is sealed")),
    }
}

/// Reads `credential.toml`. The first line, a comment of the writer's choice, is left out.
#[must_use]
pub fn credential(bytes: &[u8]) -> Read {
    if bytes.len() > usize::try_from(credential::LIMIT).unwrap() {
        return Read::Refused;
    }
    Read::of(parsed(bytes).and_then(|read| {
        if (read.user(), read.uid()) != (USER, UID) {
            return Err(Unparsed::whole("somebody else's"));
        }
        let text = credential::reveal(&read, &Pen::Plain).unwrap();
        Ok(text.split_once('\n').unwrap().1.to_owned())
    }))
}

/// Reads `state` beside that credential: the state, and the offset and the sequence of the record that follows.
#[must_use]
pub fn state(bytes: &[u8], beside: &[u8]) -> Read {
    let beside = parsed(beside).unwrap();
    Read::of(state::Newest::of(bytes).and_then(|newest| {
        if !newest.state.covers(&beside) {
            return Err(Unparsed::whole("does not belong to the credential"));
        }
        let state = first_of_each(&newest.state);
        let (offset, record) = match newest.successor(&state) {
            Some(next) => (next.offset.to_string(), next.bytes.to_vec()),
            None => (
                "no successor".to_owned(),
                state::whole(&state).unwrap()[..RECORD].to_vec(),
            ),
        };
        let text = String::from_utf8(record).unwrap();
        Ok(format!("{offset}\n{}", text.trim_end_matches('\n')))
    }))
}

/// Reads `trust`.
#[must_use]
pub fn trust(bytes: &[u8]) -> Read {
    if bytes.is_empty() || bytes.len() > usize::try_from(trust::LIMIT).unwrap() {
        return Read::Refused;
    }
    Read::of(trust::parse(bytes).map(|places| trust::to_text(&places)))
}

/// Reads `mail`.
#[must_use]
pub fn mail(bytes: &[u8]) -> Read {
    if bytes.is_empty() || bytes.len() > usize::try_from(mail::LIMIT).unwrap() {
        return Read::Refused;
    }
    Read::of(mail::parse(bytes).map(|(uid, mailbox)| mail::to_text(uid, &mailbox)))
}

/// Reads `first-login`.
#[must_use]
pub fn first_login(bytes: &[u8]) -> Read {
    if bytes.is_empty() || bytes.len() > usize::try_from(first_login::LIMIT).unwrap() {
        return Read::Refused;
    }
    Read::of(first_login::parse(bytes).and_then(|(uid, when)| {
        let name = UserName::new(USER).map_err(|_| Unparsed::whole("unreachable"))?;
        let uid = u32::try_from(uid).map_err(|_| Unparsed::whole("nobody's"))?;
        Ok(first_login::to_text(&Account { name, uid }, when))
    }))
}

/// Keeps the first entry of each id that is there twice, because only that one counts.
fn first_of_each(state: &State) -> State {
    let mut state = state.clone();
    let mut seen = Vec::new();
    state.authenticators.retain(|one| {
        let new = !seen.contains(&one.id);
        seen.push(one.id);
        new
    });
    seen.clear();
    state.recovery.retain(|one| {
        let new = !seen.contains(&one.id);
        seen.push(one.id);
        new
    });
    state
}

/// Adds the right checksum to the body of a record, and fills the record up.
#[must_use]
pub fn with_checksum(body: &[u8]) -> Vec<u8> {
    let sum = data_encoding::HEXLOWER.encode(&Sha256::digest(body)[..16]);
    let mut record = body.to_vec();
    record.extend_from_slice(format!("checksum {sum}\n").as_bytes());
    record.resize(RECORD, b'\n');
    record
}

/// Returns the `credential.toml` of a credential.
#[must_use]
pub fn credential_text(credential: &Credential) -> String {
    let text = credential::reveal(credential, &Pen::Plain);
    text.unwrap().to_string()
}

/// Returns the two records of a new state.
#[must_use]
pub fn state_text(state: &State) -> Vec<u8> {
    state::whole(state).unwrap()
}
