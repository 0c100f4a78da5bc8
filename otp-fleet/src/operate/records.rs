//! The content of a backup: a head, every key with its value, and an end that counts the keys.
//!
//! ```text
//! length (4 bytes), key, length (4 bytes), value
//! ```
//! The head and the end have no key. Lengths are big-endian. The file around it is encrypted and authenticated:
//! [`super::sealed_file`].

use super::sealed_file::{Closed, Opening, Sealing};
use crate::keeper::Fleet;
use otp_core::UnixTime;
use otp_core::messages::fleet::Why;
use std::io::{self, Read, Write};
use zeroize::Zeroizing;

/// A length greater than that of any key or value.
const LONGEST: usize = 2 * 1024 * 1024;

const HEAD: &str = "pam_otp-fleet-backup 1\n";

/// The facts that a backup states about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The fleet at the time of the backup.
    pub fleet: Fleet,
    /// When the backup was written.
    pub when: UnixTime,
    /// The revision of the store that it shows.
    pub revision: i64,
}

impl Head {
    fn text(&self) -> String {
        let (when, revision) = (self.when.seconds(), self.revision);
        format!(
            "{HEAD}when {when}\nrevision {revision}\n{}",
            self.fleet.text()
        )
    }

    fn read(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?.strip_prefix(HEAD)?;
        let (when, text) = text.strip_prefix("when ")?.split_once('\n')?;
        let (revision, fleet) = text.strip_prefix("revision ")?.split_once('\n')?;
        Some(Self {
            fleet: Fleet::read(fleet.as_bytes()).ok()?,
            when: UnixTime::from_seconds(when.parse().ok()?),
            revision: revision.parse().ok()?,
        })
    }
}

/// A backup that is being written.
pub struct Writing<W: Write> {
    to: Sealing<W>,
    count: u64,
}

impl<W: Write> Writing<W> {
    /// Begins a backup.
    pub fn begin(to: Sealing<W>, head: &Head) -> io::Result<Self> {
        let mut writing = Self { to, count: 0 };
        writing.put(b"", head.text().as_bytes())?;
        Ok(writing)
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> io::Result<()> {
        for bytes in [key, value] {
            let too_long = || io::Error::other(Why::TooLongForABackup);
            let length = u32::try_from(bytes.len())
                .ok()
                .filter(|_| bytes.len() <= LONGEST);
            self.to.write(&length.ok_or_else(too_long)?.to_be_bytes())?;
            self.to.write(bytes)?;
        }
        Ok(())
    }

    /// Adds one key.
    pub fn add(&mut self, key: &[u8], value: &[u8]) -> io::Result<()> {
        self.count += 1;
        self.put(key, value)
    }

    /// Ends the backup; returns the number of its keys, and the writer.
    pub fn end(mut self) -> io::Result<(u64, W)> {
        self.put(b"", &self.count.to_be_bytes())?;
        Ok((self.count, self.to.end()?))
    }
}

/// Reads a backup from its beginning to its end, and passes each key to `each`; returns the number of keys.
///
/// # Errors
/// See [`Closed`]; or `begin` or `each` fails.
pub fn read<R: Read, E: From<Closed>>(
    mut from: Opening<R>,
    mut begin: impl FnMut(&Head) -> Result<(), E>,
    mut each: impl FnMut(&[u8], Zeroizing<Vec<u8>>) -> Result<(), E>,
) -> Result<u64, E> {
    let (key, head) = one(&mut from)?;
    let head = Head::read(&head).filter(|_| key.is_empty());
    begin(&head.ok_or(Closed::Newer)?)?;
    let mut count: u64 = 0;
    loop {
        let (key, value) = one(&mut from)?;
        if !key.is_empty() {
            count += 1;
            each(&key, value)?;
            continue;
        }
        let is_whole = *value == count.to_be_bytes() && from.is_over()?;
        return if is_whole {
            Ok(count)
        } else {
            Err(Closed::Damaged.into())
        };
    }
}

fn one<R: Read>(from: &mut Opening<R>) -> Result<(Vec<u8>, Zeroizing<Vec<u8>>), Closed> {
    let key = piece(from)?.to_vec();
    Ok((key, piece(from)?))
}

fn piece<R: Read>(from: &mut Opening<R>) -> Result<Zeroizing<Vec<u8>>, Closed> {
    let mut length = [0; 4];
    from.read(&mut length)?;
    let length = u32::from_be_bytes(length) as usize;
    if length > LONGEST {
        return Err(Closed::Damaged);
    }
    let mut bytes = Zeroizing::new(vec![0; length]);
    from.read(&mut bytes)?;
    Ok(bytes)
}
