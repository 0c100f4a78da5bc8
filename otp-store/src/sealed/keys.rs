//! The sealing keys: one, or, during a change, the new one and those before it.

use data_encoding::HEXLOWER;
use otp_core::messages::reason::Unfit;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use zeroize::{Zeroize, Zeroizing};

/// A sealing key: 256 random bits. Wiped on drop; has no `Debug`, `Display` or `Clone`.
pub(super) struct Key(chacha20poly1305::Key);

impl Drop for Key {
    fn drop(&mut self) {
        self.0.as_mut_slice().zeroize();
    }
}

impl Key {
    pub fn reveal(&self) -> &chacha20poly1305::Key {
        &self.0
    }

    fn id(&self) -> KeyId {
        let mut hash = Sha256::new();
        hash.update(OF_IDS);
        hash.update(self.0.as_slice());
        let hash = hash.finalize();
        let mut id = [0; 8];
        id.copy_from_slice(&hash[..8]);
        KeyId(id)
    }
}

/// Hashed before a key for its id, and used for nothing else.
const OF_IDS: &[u8] = b"pam_otp id of a sealing key\0";

/// The id of the key that sealed something: the beginning of a hash of the key, which reveals nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyId([u8; 8]);

impl KeyId {
    pub(super) const fn of_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }
}

impl std::fmt::Display for KeyId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

/// The system gave no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRandom;

/// The keys of a file: the first seals, and all can open. Has no `Debug`.
pub struct Keys(Vec<(KeyId, Key)>);

/// The first line of a file that is written here.
const HEAD: &str =
    "# pam_otp: the key that seals records, 32 random bytes. Whoever has it can open them.";

impl Keys {
    /// The most keys in a file: the newest, and those of interrupted changes.
    pub const MOST: usize = 8;

    /// Reads the text of a file: one key a line, 64 lower-case hexadecimal digits. Lines that begin with `#` are
    /// comments.
    ///
    /// # Errors
    /// Says what is wrong, and in which line, but never quotes the line.
    pub fn parse(text: &[u8]) -> Result<Self, (usize, Unfit)> {
        let mut keys = Vec::with_capacity(Self::MOST);
        for (line, text) in text.split(|&byte| byte == b'\n').enumerate() {
            let text = text.trim_ascii();
            if text.is_empty() || text.starts_with(b"#") {
                continue;
            }
            let fault = |what| (line + 1, what);
            let mut key = Key(chacha20poly1305::Key::default());
            if text.len() != 64 || HEXLOWER.decode_mut(text, key.0.as_mut_slice()).is_err() {
                return Err(fault(Unfit::NoKeyLine));
            }
            if key.0.iter().all(|&byte| byte == key.0[0]) {
                return Err(fault(Unfit::NoRandomKey));
            }
            let id = key.id();
            if keys.iter().any(|&(known, _)| known == id) {
                return Err(fault(Unfit::KeyTwice));
            }
            if keys.len() == Self::MOST {
                return Err(fault(Unfit::OneKeyTooMany));
            }
            keys.push((id, key));
        }
        if keys.is_empty() {
            return Err((0, Unfit::NoKey));
        }
        Ok(Self(keys))
    }

    /// Makes one random key.
    ///
    /// # Errors
    /// The system gave no random bytes.
    pub fn fresh() -> Result<Self, NoRandom> {
        let mut key = Key(chacha20poly1305::Key::default());
        getrandom::fill(key.0.as_mut_slice()).map_err(|_| NoRandom)?;
        Ok(Self(vec![(key.id(), key)]))
    }

    /// Returns these keys after the first of `others`, which seals from then on.
    #[must_use]
    pub fn behind(mut self, others: Self) -> Self {
        let mut all = others.0;
        all.truncate(1);
        all.append(&mut self.0);
        Self(all)
    }

    /// Returns the first key alone.
    #[must_use]
    pub fn first_alone(mut self) -> Self {
        self.0.truncate(1);
        self
    }

    /// Returns the text of a file with these keys. It is wiped on drop.
    #[must_use]
    pub fn reveal(&self) -> Zeroizing<String> {
        let room = HEAD.len() + 1 + self.0.len() * 65;
        let mut text = Zeroizing::new(String::with_capacity(room));
        text.push_str(HEAD);
        text.push('\n');
        let mut digits = Zeroizing::new([0; 64]);
        for (_, key) in &self.0 {
            HEXLOWER.encode_mut(key.0.as_slice(), &mut *digits);
            let digits = std::str::from_utf8(&*digits).expect("hexadecimal digits are ASCII");
            writeln!(text, "{digits}").expect("writing to a String never fails");
        }
        text
    }

    /// Returns the ids of the keys, the one that seals first.
    pub fn ids(&self) -> impl Iterator<Item = KeyId> {
        self.0.iter().map(|&(id, _)| id)
    }

    /// Returns the id of the key that seals.
    ///
    /// # Panics
    /// Never: there is at least one key.
    #[must_use]
    pub fn seals(&self) -> KeyId {
        self.first().0
    }

    pub(super) fn first(&self) -> (KeyId, &Key) {
        let (id, key) = self.0.first().expect("there is at least one key");
        (*id, key)
    }

    pub(super) fn has(&self, id: KeyId) -> bool {
        self.of(id).is_some()
    }

    pub(super) fn of(&self, id: KeyId) -> Option<&Key> {
        let found = self.0.iter().find(|(known, _)| *known == id);
        found.map(|(_, key)| key)
    }
}
