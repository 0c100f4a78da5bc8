//! A file that is encrypted and authenticated as a whole, written and read in little memory.
//!
//! ```text
//! "pam_otp-backup 1\n"
//! how the key is made: 1 byte, "k" (a file of 32 bytes) or "p" (a passphrase)
//! passphrase only: MiB of memory, rounds (1 byte each), salt (16 bytes)
//! the beginning of every nonce: 19 bytes
//! block: 65,536 bytes, encrypted, followed by a tag of 16 bytes
//! ...
//! the last block: shorter, or as long
//! ```
//! The blocks are those of STREAM (Hoang, Reyhanitabar, Rogaway and Vizár, 2015) over XChaCha20-Poly1305: the nonce
//! of a block consists of that beginning, the number of the block, and whether it is the last. So a block that was
//! changed, left out, repeated or moved cannot be opened, and a file that was cut anywhere is not complete. The bytes
//! before the blocks are bound to each block.

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use otp_core::messages::fleet::Why;
use std::io::{self, Read, Write};
use zeroize::Zeroizing;

const MAGIC: &[u8] = b"pam_otp-backup 1\n";
/// The first bytes of every version.
const OURS: &[u8] = b"pam_otp-backup ";
const BLOCK: usize = 64 * 1024;
const TAG: usize = 16;
const SALT: usize = 16;
const PREFIX: usize = 19;
const KEY: usize = 32;

/// The cost of each guess of a passphrase, and of one use: argon2id, a quarter of a second.
const MEMORY_MIB: u8 = 64;
const ROUNDS: u8 = 3;
/// The largest number of rounds that a file may ask for; the field for memory cannot exceed 255 MiB.
const MOST_ROUNDS: u8 = 64;

/// A key, or what it is made from. It is wiped on drop.
pub enum Secret {
    /// The key itself.
    Key(Zeroizing<[u8; KEY]>),
    /// A passphrase.
    Passphrase(Zeroizing<String>),
}

/// Why a file cannot be opened.
#[derive(Debug)]
pub enum Closed {
    /// The file cannot be read.
    Io(io::Error),
    /// The file is not ours.
    NotOurs,
    /// A newer version has written the file.
    Newer,
    /// This key does not open the first block, or the head was changed.
    WrongKey,
    /// A later block was changed, or blocks are missing.
    Damaged,
}

impl From<io::Error> for Closed {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Damaged,
            _ => Self::Io(error),
        }
    }
}

struct Cipher {
    with: XChaCha20Poly1305,
    head: Vec<u8>,
    prefix: [u8; PREFIX],
    number: u32,
}

impl Cipher {
    fn new(key: &[u8; KEY], head: Vec<u8>, prefix: [u8; PREFIX]) -> Self {
        Self {
            with: XChaCha20Poly1305::new(&Key::from(*key)),
            head,
            prefix,
            number: 0,
        }
    }

    /// Returns the nonce of the next block; `None`: 2^32 blocks is the limit.
    fn nonce(&mut self, is_last: bool) -> Option<XNonce> {
        let mut nonce = [0; PREFIX + 5];
        nonce[..PREFIX].copy_from_slice(&self.prefix);
        nonce[PREFIX..PREFIX + 4].copy_from_slice(&self.number.to_be_bytes());
        nonce[PREFIX + 4] = u8::from(is_last);
        self.number = self.number.checked_add(1)?;
        Some(XNonce::from(nonce))
    }

    fn seal(&mut self, block: &[u8], is_last: bool) -> io::Result<Vec<u8>> {
        let too_large = || io::Error::other(Why::TooLargeForAFile);
        let nonce = self.nonce(is_last).ok_or_else(too_large)?;
        let (msg, aad) = (block, self.head.as_slice());
        let sealed = self.with.encrypt(&nonce, Payload { msg, aad });
        sealed.map_err(|_| too_large())
    }

    fn open(&mut self, sealed: &[u8], is_last: bool) -> Option<Zeroizing<Vec<u8>>> {
        let nonce = self.nonce(is_last)?;
        let (msg, aad) = (sealed, self.head.as_slice());
        let opened = self.with.decrypt(&nonce, Payload { msg, aad }).ok()?;
        Some(Zeroizing::new(opened))
    }
}

fn derived(passphrase: &str, salt: &[u8], memory: u8, rounds: u8) -> Option<Zeroizing<[u8; KEY]>> {
    let params = Params::new(u32::from(memory) * 1024, rounds.into(), 1, Some(KEY)).ok()?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut key = Zeroizing::new([0; KEY]);
    argon2
        .hash_password_into(passphrase.as_bytes(), salt, &mut *key)
        .ok()?;
    Some(key)
}

/// A file that is being written.
pub struct Sealing<W> {
    to: W,
    cipher: Cipher,
    block: Zeroizing<Vec<u8>>,
}

impl<W: Write> Sealing<W> {
    /// Begins a file, and writes the bytes before the blocks.
    ///
    /// # Errors
    /// They cannot be written, or the system provides no random bytes.
    pub fn begin(mut to: W, secret: &Secret) -> io::Result<Self> {
        let mut head = MAGIC.to_vec();
        let key = match secret {
            Secret::Key(key) => {
                head.push(b'k');
                key.clone()
            }
            Secret::Passphrase(passphrase) => {
                let salt = random::<SALT>()?;
                head.extend([b'p', MEMORY_MIB, ROUNDS]);
                head.extend(salt);
                derived(passphrase, &salt, MEMORY_MIB, ROUNDS)
                    .ok_or_else(|| io::Error::other(Why::NoKeyOfPassphrase))?
            }
        };
        let prefix = random::<PREFIX>()?;
        head.extend(prefix);
        to.write_all(&head)?;
        Ok(Self {
            to,
            cipher: Cipher::new(&key, head, prefix),
            block: Zeroizing::new(Vec::with_capacity(BLOCK)),
        })
    }

    /// Writes more content.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            // A full block is written only when more follows: it might be the last.
            if self.block.len() == BLOCK {
                let sealed = self.cipher.seal(&self.block, false)?;
                self.to.write_all(&sealed)?;
                self.block.clear();
            }
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK - self.block.len()));
            self.block.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    /// Ends the file, and returns the writer.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn end(mut self) -> io::Result<W> {
        let sealed = self.cipher.seal(&self.block, true)?;
        self.to.write_all(&sealed)?;
        self.to.flush()?;
        Ok(self.to)
    }
}

/// A file that is being read. No content of a block is returned before the block is authenticated; only at the end is
/// it known that the file is complete.
pub struct Opening<R> {
    from: R,
    cipher: Cipher,
    /// The first byte of the next block, which shows that there is one.
    ahead: Option<u8>,
    block: Zeroizing<Vec<u8>>,
    at: usize,
    is_at_end: bool,
}

/// The secret that opens a file, according to its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// A file with the key.
    Key,
    /// A passphrase.
    Passphrase,
}

/// Reads from the head which secret opens a file.
///
/// # Errors
/// The file is not ours, or cannot be read.
pub fn asks(from: &mut impl Read) -> Result<Asks, Closed> {
    let mut magic = [0; MAGIC.len()];
    let mut kind = [0];
    let read = from
        .read_exact(&mut magic)
        .and_then(|()| from.read_exact(&mut kind));
    match read {
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(error.into()),
        Err(_) => return Err(Closed::NotOurs),
        Ok(()) => {}
    }
    match (magic.as_slice() == MAGIC, kind) {
        (true, [b'k']) => Ok(Asks::Key),
        (true, [b'p']) => Ok(Asks::Passphrase),
        (false, _) if magic.starts_with(OURS) => Err(Closed::Newer),
        _ => Err(Closed::NotOurs),
    }
}

impl<R: Read> Opening<R> {
    /// Begins reading, and opens the first block.
    ///
    /// # Errors
    /// See [`Closed`].
    pub fn begin(mut from: R, secret: &Secret) -> Result<Self, Closed> {
        let asked = asks(&mut from)?;
        let mut head = MAGIC.to_vec();
        let key = match (asked, secret) {
            (Asks::Key, Secret::Key(key)) => {
                head.push(b'k');
                key.clone()
            }
            (Asks::Passphrase, Secret::Passphrase(passphrase)) => {
                let mut params = [0; 2 + SALT];
                from.read_exact(&mut params)?;
                head.push(b'p');
                head.extend(params);
                let [memory, rounds, ref salt @ ..] = params;
                if rounds > MOST_ROUNDS {
                    return Err(Closed::WrongKey);
                }
                derived(passphrase, salt, memory, rounds).ok_or(Closed::WrongKey)?
            }
            _ => return Err(Closed::WrongKey),
        };
        let mut prefix = [0; PREFIX];
        from.read_exact(&mut prefix)?;
        head.extend(prefix);
        let mut opening = Self {
            cipher: Cipher::new(&key, head, prefix),
            ahead: None,
            block: Zeroizing::default(),
            at: 0,
            is_at_end: false,
            from,
        };
        opening.ahead = opening.one()?;
        opening.next().map_err(|closed| match closed {
            Closed::Damaged => Closed::WrongKey,
            other => other,
        })?;
        Ok(opening)
    }

    fn one(&mut self) -> Result<Option<u8>, Closed> {
        let mut byte = [0];
        loop {
            match self.from.read(&mut byte) {
                Ok(0) => return Ok(None),
                Ok(_) => return Ok(Some(byte[0])),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Closed::Io(error)),
            }
        }
    }

    /// Opens the next block.
    fn next(&mut self) -> Result<(), Closed> {
        let first = self.ahead.take().ok_or(Closed::Damaged)?;
        let mut sealed = Vec::with_capacity(BLOCK + TAG);
        sealed.push(first);
        let rest = u64::try_from(BLOCK + TAG - 1).expect("65,551 fits in a u64");
        (&mut self.from).take(rest).read_to_end(&mut sealed)?;
        self.ahead = self.one()?;
        let is_last = self.ahead.is_none();
        let opened = self.cipher.open(&sealed, is_last);
        self.block = opened.ok_or(Closed::Damaged)?;
        self.at = 0;
        self.is_at_end = is_last;
        Ok(())
    }

    /// Fills `bytes` with content.
    ///
    /// # Errors
    /// See [`Closed`]; [`Closed::Damaged`] also if the file has fewer bytes.
    pub fn read(&mut self, bytes: &mut [u8]) -> Result<(), Closed> {
        let mut done = 0;
        while done < bytes.len() {
            if self.at == self.block.len() {
                if self.is_at_end {
                    return Err(Closed::Damaged);
                }
                self.next()?;
            }
            let count = (bytes.len() - done).min(self.block.len() - self.at);
            bytes[done..done + count].copy_from_slice(&self.block[self.at..self.at + count]);
            done += count;
            self.at += count;
        }
        Ok(())
    }

    /// Whether everything was read and nothing is missing.
    ///
    /// # Errors
    /// See [`Closed`].
    pub fn is_over(&mut self) -> Result<bool, Closed> {
        while self.at == self.block.len() && !self.is_at_end {
            self.next()?;
        }
        Ok(self.at == self.block.len())
    }
}

fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| io::Error::other(Why::NoRandomBytes))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
