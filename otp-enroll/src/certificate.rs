//! The facts of a certificate that an administrator of a fleet needs: its user in etcd, and its end.
//!
//! It is read, not verified: the programs that it is presented to verify it.

use data_encoding::BASE64;
use otp_core::UnixTime;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The number of bytes that are read: more than any file of certificates has.
const LIMIT: u64 = 256 * 1024;

/// The object identifier of a common name, 2.5.4.3.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const TIME: u8 = 0x18;
const VERSION: u8 = 0xa0;

/// A certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The last common name of its subject: the user in etcd.
    pub common_name: Option<String>,
    /// When it ends.
    pub ends: UnixTime,
}

impl Certificate {
    /// Reads the first certificate of a file (PEM); `None`: there is none that can be read.
    #[must_use]
    pub fn in_file(path: &Path) -> Option<Self> {
        let mut text = String::new();
        let read = File::open(path).and_then(|file| file.take(LIMIT).read_to_string(&mut text));
        read.ok()?;
        Self::in_pem(&text)
    }

    fn in_pem(text: &str) -> Option<Self> {
        let (_, rest) = text.split_once("-----BEGIN CERTIFICATE-----")?;
        let (lines, _) = rest.split_once("-----END CERTIFICATE-----")?;
        let digits: String = lines
            .chars()
            .filter(|one| !one.is_ascii_whitespace())
            .collect();
        Self::from_der(&BASE64.decode(digits.as_bytes()).ok()?)
    }

    /// Reads a certificate (DER); `None`: it cannot be read.
    #[must_use]
    pub fn from_der(bytes: &[u8]) -> Option<Self> {
        let mut whole = Der(bytes);
        let mut outer = whole.take(SEQUENCE)?;
        let mut inner = outer.take(SEQUENCE)?;
        if inner.0.first() == Some(&VERSION) {
            inner.any()?;
        }
        // Serial number, algorithm, issuer.
        for _ in 0..3 {
            inner.any()?;
        }
        let mut validity = inner.take(SEQUENCE)?;
        validity.any()?;
        let ends = moment(validity.any()?)?;
        let mut subject = inner.take(SEQUENCE)?;
        let mut common_name = None;
        while !subject.0.is_empty() {
            let mut pair = subject.take(SET)?.take(SEQUENCE)?;
            if pair.take(OBJECT)?.0 == COMMON_NAME {
                let (_, text) = pair.any()?;
                common_name = Some(std::str::from_utf8(text).ok()?.to_owned());
            }
        }
        Some(Self { common_name, ends })
    }
}

/// Reads a time in the forms of certificates (RFC 5280 section 4.1.2.5).
fn moment((tag, text): (u8, &[u8])) -> Option<UnixTime> {
    let text = std::str::from_utf8(text).ok()?;
    let digits = text.strip_suffix('Z')?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = match (tag, digits.len()) {
        (UTC_TIME, 12) => {
            let year: u64 = digits[..2].parse().ok()?;
            (
                if year < 50 { 2000 + year } else { 1900 + year },
                &digits[2..],
            )
        }
        (TIME, 14) => (digits[..4].parse().ok()?, &digits[4..]),
        _ => return None,
    };
    let part = |at: usize| rest[2 * at..2 * at + 2].parse::<u64>().ok();
    let (month, day) = (part(0)?, part(1)?);
    let seconds = part(2)? * 3600 + part(3)? * 60 + part(4)?;
    Some(UnixTime::from_seconds(
        days(year, month, day)? * 86_400 + seconds,
    ))
}

/// Counts the days since 1970 (Howard Hinnant's algorithm).
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let of_days = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    (era * 146_097 + of_days).checked_sub(719_468)
}

/// The rest of a sequence.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    fn take(&mut self, tag: u8) -> Option<Self> {
        let (found, content) = self.any()?;
        (found == tag).then_some(Self(content))
    }

    /// Takes the next element: its tag and its content.
    fn any(&mut self) -> Option<(u8, &'a [u8])> {
        let (&[tag, length], rest) = self.0.split_first_chunk::<2>()?;
        let (length, rest) = match length {
            short @ 0..=0x7f => (usize::from(short), rest),
            0x81..=0x83 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
                let length = bytes
                    .iter()
                    .fold(0, |all, byte| all << 8 | usize::from(*byte));
                (length, rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }
}
