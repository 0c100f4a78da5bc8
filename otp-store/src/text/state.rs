//! `state`: two text records of a fixed size, written in turn. Format version 1.
//!
//! A write touches only the older record, so after a torn write the newer one counts. The file never grows: a login
//! needs no free disk block.

use otp_core::messages::reason::{Reason, Unfit};
use otp_core::record::{AuthenticatorState, Drift, Id, RecoveryState, Refusal, Resync, Standing};
use otp_core::{State, Step, UnixTime};
use otp_file::Unparsed;
use sha2::{Digest, Sha256};
use std::cmp::Reverse;
use std::fmt::Write;
use std::str::FromStr;
use std::time::Duration;

/// Bytes in one record: four sectors, enough for twice the most authenticators.
pub(crate) const RECORD: usize = 2048;
/// Bytes that a disk writes whole or not at all, whatever the power does.
const SECTOR: usize = 512;
/// Bytes in the file.
pub(crate) const SIZE: usize = 2 * RECORD;
/// A replacement has the entries of the old devices and of the new ones, until the credential is in place.
const MAX_ENTRIES: usize = 2 * otp_core::record::MAX_AUTHENTICATORS;
/// Likewise: the old set of recovery codes and the new one.
const MAX_SETS: usize = 2;
const HEADER: &str = "pam_otp-state ";
const VERSION: &str = "1";

/// The newest valid record of a file, and where its successor goes.
pub(crate) struct Newest {
    pub state: State,
    sequence: u64,
    slot: usize,
    /// Whether each of the two records lies in one sector.
    in_one_sector: bool,
}

/// A record to be written, and its place in the file.
pub(crate) struct Successor {
    /// Whether a power cut can leave a mixture of this record and the one that it overwrites.
    pub may_tear: bool,
    pub bytes: [u8; RECORD],
    pub offset: u64,
}

impl Newest {
    /// Finds the newest valid record.
    ///
    /// # Errors
    /// The size is wrong, no record is valid, or a record has a newer version: to fall back from that to an older
    /// record would make used codes valid again.
    pub(crate) fn of(bytes: &[u8]) -> Result<Self, Unparsed> {
        if bytes.len() != SIZE {
            let reason = Reason::Length {
                found: bytes.len(),
                needed: SIZE,
            };
            return Err(Unparsed::whole(reason));
        }
        let mut framed = Vec::with_capacity(2);
        for (slot, record) in bytes.chunks_exact(RECORD).enumerate() {
            match Framed::of(record) {
                Ok(record) => framed.push((slot, record)),
                Err(Invalid::Newer) => return Err(Unparsed::Newer),
                Err(Invalid::Damaged) => {}
            }
        }
        // The newest whole record counts, so an older one is not examined any further.
        framed.sort_by_key(|(_, record)| Reverse(record.sequence));
        framed
            .iter()
            .find_map(|(slot, record)| {
                Some(Self {
                    state: record.state()?,
                    sequence: record.sequence,
                    slot: *slot,
                    in_one_sector: bytes.chunks_exact(RECORD).all(lies_in_one_sector),
                })
            })
            .ok_or_else(|| Unparsed::whole(Unfit::BothDamaged))
    }

    /// Returns the record that follows this one.
    pub(crate) fn successor(&self, state: &State) -> Option<Successor> {
        let slot = 1 - self.slot;
        let bytes = encode(state, self.sequence.checked_add(1)?)?;
        Some(Successor {
            may_tear: !(self.in_one_sector && lies_in_one_sector(&bytes)),
            bytes,
            offset: (slot * RECORD) as u64,
        })
    }
}

/// Whether everything but padding is in the first sector of a record.
fn lies_in_one_sector(record: &[u8]) -> bool {
    record.iter().skip(SECTOR).all(|byte| *byte == b'\n')
}

/// Returns a whole new file, which says `state` twice.
pub(crate) fn whole(state: &State) -> Option<Vec<u8>> {
    Some([encode(state, 1)?, encode(state, 2)?].concat())
}

enum Invalid {
    Damaged,
    Newer,
}

/// Returns a record of the state; `None`: it has more entries than a record holds.
fn encode(state: &State, sequence: u64) -> Option<[u8; RECORD]> {
    if state.authenticators.len() > MAX_ENTRIES || state.recovery.len() > MAX_SETS {
        return None;
    }
    let mut text = String::with_capacity(RECORD);
    write_lines(&mut text, state, sequence).expect("writing to a String never fails");
    let checksum = checksum(text.as_bytes());
    writeln!(text, "checksum {checksum}").expect("writing to a String never fails");
    let mut record = [b'\n'; RECORD];
    record
        .get_mut(..text.len())?
        .copy_from_slice(text.as_bytes());
    Some(record)
}

fn write_lines(out: &mut String, state: &State, sequence: u64) -> std::fmt::Result {
    writeln!(out, "{HEADER}{VERSION}")?;
    writeln!(out, "sequence {sequence}")?;
    match state.standing {
        Standing::Open => writeln!(out, "standing open")?,
        Standing::Locked { since, lasts } => {
            writeln!(
                out,
                "standing locked {} {}",
                since.seconds(),
                lasts.as_secs()
            )?;
        }
        Standing::Held => writeln!(out, "standing held")?,
        Standing::Disabled => writeln!(out, "standing disabled")?,
    }
    writeln!(
        out,
        "failures {} {} {}",
        state.failures, state.failures_in_a_row, state.locks_in_a_row
    )?;
    match state.last_refusal {
        Some((at, refusal)) => writeln!(out, "refused {} {}", at.seconds(), refusal.word())?,
        None => writeln!(out, "refused -")?,
    }
    for entry in &state.recovery {
        writeln!(out, "recovery {} {:08x}", entry.id.text(), entry.used)?;
    }
    for entry in &state.authenticators {
        write!(out, "authenticator {} ", entry.id.text())?;
        write_optional(out, entry.last_step.map(|step| step.0))?;
        write!(out, "{} ", entry.drift.steps())?;
        write_optional(out, entry.resync.map(|resync| resync.step.0))?;
        match entry.resync {
            Some(resync) => write!(out, "{} ", resync.distance.steps())?,
            None => write!(out, "- ")?,
        }
        match entry.last_used {
            Some(at) => writeln!(out, "{}", at.seconds())?,
            None => writeln!(out, "-")?,
        }
    }
    Ok(())
}

fn write_optional(out: &mut String, value: Option<u64>) -> std::fmt::Result {
    match value {
        Some(value) => write!(out, "{value} "),
        None => write!(out, "- "),
    }
}

/// Returns the first half of SHA-256. It detects damage, not forgery: a process that can write the file can write this
/// too.
fn checksum(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(bytes)[..16])
}

/// A record of this version, of which only the frame has been checked.
struct Framed<'a> {
    sequence: u64,
    /// What the checksum covers.
    body: &'a str,
    /// The lines below the sequence.
    lines: &'a str,
    checksum: &'a str,
    padding: &'a str,
}

impl<'a> Framed<'a> {
    fn of(record: &'a [u8]) -> Result<Self, Invalid> {
        // Checked before anything else in the record: the rest of a newer version is not ours to judge.
        let version = record
            .strip_prefix(HEADER.as_bytes())
            .and_then(|rest| rest.split(|&byte| byte == b'\n').next())
            .and_then(|version| std::str::from_utf8(version).ok())
            .ok_or(Invalid::Damaged)?;
        if version != VERSION {
            // Only a whole number above ours is a version; anything else is damage.
            return Err(if number::<u32>(version).is_some_and(|number| number > 1) {
                Invalid::Newer
            } else {
                Invalid::Damaged
            });
        }
        let text = std::str::from_utf8(record).map_err(|_| Invalid::Damaged)?;
        Self::in_text(text).ok_or(Invalid::Damaged)
    }

    fn in_text(text: &'a str) -> Option<Self> {
        // The line end before the checksum belongs to the body.
        let (body, rest) = text.split_at(text.find("\nchecksum ")? + 1);
        let (checksum, padding) = rest.strip_prefix("checksum ")?.split_once('\n')?;
        let (_, lines) = body.split_once('\n')?;
        let (sequence, lines) = lines.strip_prefix("sequence ")?.split_once('\n')?;
        Some(Self {
            sequence: number(sequence)?,
            body,
            lines,
            checksum,
            padding,
        })
    }

    /// Returns the state in this record; `None`: it is damaged.
    fn state(&self) -> Option<State> {
        let is_whole = self.checksum == checksum(self.body.as_bytes())
            && self.padding.bytes().all(|byte| byte == b'\n');
        is_whole.then(|| parse(self.lines)).flatten()
    }
}

/// Reads the lines below the sequence, in their fixed order.
fn parse(lines: &str) -> Option<State> {
    // Not `lines`, which accepts a carriage return as part of a line end.
    let mut lines = lines
        .strip_suffix('\n')?
        .split('\n')
        .map(|line| line.split(' ').collect::<Vec<_>>());
    let standing = match lines.next()?.as_slice() {
        ["standing", "open"] => Standing::Open,
        ["standing", "held"] => Standing::Held,
        ["standing", "disabled"] => Standing::Disabled,
        ["standing", "locked", since, lasts] => Standing::Locked {
            since: UnixTime::from_seconds(number(since)?),
            lasts: Duration::from_secs(number(lasts)?),
        },
        _ => return None,
    };
    let (failures, failures_in_a_row, locks_in_a_row) = match lines.next()?.as_slice() {
        ["failures", failures, in_a_row, locks] => {
            (number(failures)?, number(in_a_row)?, number(locks)?)
        }
        _ => return None,
    };
    let last_refusal = match lines.next()?.as_slice() {
        ["refused", "-"] => None,
        ["refused", at, word] => Some((
            UnixTime::from_seconds(number(at)?),
            Refusal::from_word(word)?,
        )),
        _ => return None,
    };
    let (mut recovery, mut authenticators) = (Vec::new(), Vec::new());
    for line in lines {
        match line.as_slice() {
            ["recovery", id, used] if authenticators.is_empty() => {
                recovery.push(RecoveryState {
                    id: Id::parse(id)?,
                    used: bitmap(used)?,
                });
            }
            line => authenticators.push(entry(line)?),
        }
    }
    if authenticators.len() > MAX_ENTRIES || recovery.len() > MAX_SETS {
        return None;
    }
    Some(State {
        standing,
        failures,
        failures_in_a_row,
        locks_in_a_row,
        last_refusal,
        authenticators,
        recovery,
    })
}

fn entry(line: &[&str]) -> Option<AuthenticatorState> {
    let &[
        "authenticator",
        id,
        last_step,
        drift,
        resync_step,
        resync_distance,
        last_used,
    ] = line
    else {
        return None;
    };
    let resync = match (
        optional(resync_step, number)?,
        optional(resync_distance, signed)?,
    ) {
        (Some(step), Some(distance)) => Some(Resync {
            step: Step(step),
            distance: Drift::from_steps(distance).ok()?,
        }),
        (None, None) => None,
        _ => return None,
    };
    Some(AuthenticatorState {
        id: Id::parse(id)?,
        last_step: optional(last_step, number)?.map(Step),
        drift: Drift::from_steps(signed(drift)?).ok()?,
        resync,
        last_used: optional(last_used, number)?.map(UnixTime::from_seconds),
    })
}

/// Reads a word that may be `-`, which means nothing; the outer `None` means damage.
#[expect(
    clippy::option_option,
    reason = "damage and absence are different things"
)]
fn optional<T>(word: &str, read: fn(&str) -> Option<T>) -> Option<Option<T>> {
    if word == "-" {
        Some(None)
    } else {
        read(word).map(Some)
    }
}

/// Reads a number that has only digits and no leading zeros: Rust itself would accept a plus sign and leading zeros.
fn number<T: FromStr>(word: &str) -> Option<T> {
    let is_plain = word.bytes().all(|byte| byte.is_ascii_digit());
    let is_shortest = word == "0" || !word.starts_with('0');
    (is_plain && is_shortest)
        .then(|| word.parse().ok())
        .flatten()
}

/// Reads a number that may be negative.
fn signed(word: &str) -> Option<i64> {
    number::<u64>(word.strip_prefix('-').unwrap_or(word))?;
    word.parse().ok().filter(|_| word != "-0")
}

/// Reads eight hexadecimal digits in lower case.
fn bitmap(word: &str) -> Option<u32> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let is_plain = word.len() == 8 && word.bytes().all(is_digit);
    is_plain
        .then(|| u32::from_str_radix(word, 16).ok())
        .flatten()
}

#[cfg(test)]
pub(crate) mod tests;
