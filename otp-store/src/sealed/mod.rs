//! Seals the keys of authenticators at rest, over any keeper: a copy of a disk or a backup opens no account.
//!
//! Each key is sealed separately, with XChaCha20-Poly1305 and a new random nonce for every write. The seal also covers
//! the user, the user id, the authenticator and the version of the format, so that a sealed key opens only in its own
//! place. Sealed keys are opened only where a code is judged or a credential is written: an outline needs none.

mod file;
mod keys;

pub use file::{KeyFile, NoKeyFile};
pub use keys::{KeyId, Keys, NoRandom};

use chacha20poly1305::{AeadInOut, KeyInit, Tag, XChaCha20Poly1305, XNonce};
use data_encoding::HEXLOWER;
use otp_core::record::Language;
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::Zeroizing;

const NONCE: usize = 24;
const TAG: usize = 16;

/// Where the key that seals an account's keys is found; or that nothing is sealed.
///
/// The key is not read before it is needed. No `Debug`: once the key is read, this holds it.
#[derive(Clone, Default)]
pub struct Seal(Option<Place>);

#[derive(Clone)]
struct Place {
    file: KeyFile,
    /// What the file held when it was last read.
    known: Arc<Mutex<Option<Arc<Keys>>>>,
}

/// Why sealed data cannot be opened, or nothing can be sealed. The caller refuses: this says nothing about a user.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The policy names no key.
    #[error("is sealed, but the policy names no key to open it ([seal] key)")]
    NoKey,
    /// The file of the key cannot be read, or cannot be trusted.
    #[error("the key that seals it cannot be read: {0}")]
    File(#[from] NoKeyFile),
    /// The data is sealed with a key that is not in the file.
    #[error("is sealed by the key {key}, which is not in {file}")]
    AnotherKey {
        /// The id of that key.
        key: KeyId,
        /// The file.
        file: String,
    },
    /// The key is the right one, but the data does not open.
    #[error("is sealed, and does not open: it was changed, or is not in its own place")]
    Changed,
}

impl Fault {
    /// Says what is wrong in a language, without a full stop.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        if language == Language::English {
            return self.to_string();
        }
        match self {
            Self::NoKey => {
                "봉인되어 있지만 정책에 봉인을 해제할 키가 없습니다([seal] key)".to_owned()
            }
            Self::File(reason) => {
                format!("봉인 키를 읽을 수 없습니다: {}", reason.text(language))
            }
            Self::AnotherKey { key, file } => {
                format!("{file} 파일에 없는 키로 봉인되어 있습니다({key})")
            }
            Self::Changed => {
                "봉인이 해제되지 않습니다. 변경되었거나 원래 위치에 있지 않습니다".to_owned()
            }
        }
    }

    /// What an administrator can do about it.
    pub(crate) const fn hint(&self, language: Language) -> &'static str {
        match (self, language) {
            (Self::NoKey, Language::English) => {
                "name the key file in pam_otp.conf ([seal] key); 'otp-admin seal --undo --key FILE' unseals"
            }
            (Self::NoKey, Language::Korean) => {
                "키 파일을 pam_otp.conf에 적으세요([seal] key). 'otp-admin seal --undo --key FILE' 명령으로 봉인을 해제할 수 있습니다."
            }
            (Self::File(_), Language::English) => {
                "start pam_otp-seal.service, or restore the key file; pam_otp-seal(7) says how"
            }
            (Self::File(_), Language::Korean) => {
                "pam_otp-seal.service를 시작하거나 키 파일을 원래대로 되돌리세요. 방법은 pam_otp-seal(7) 매뉴얼에 있습니다."
            }
            (Self::AnotherKey { .. }, Language::English) => {
                "restore the file of that key; without it, run 'otp-admin reset USER' for each user whose record it sealed, and they enrol again"
            }
            (Self::AnotherKey { .. }, Language::Korean) => {
                "그 키의 파일을 되돌려 놓으세요. 그 키가 없으면 봉인된 사용자는 모두 'otp-admin reset USER' 명령을 실행한 뒤 다시 등록해야 합니다."
            }
            (Self::Changed, Language::English) => {
                "find out who changed it; restore it from a backup, or run 'otp-admin reset USER' and enrol again"
            }
            (Self::Changed, Language::Korean) => {
                "누가 바꾸었는지 확인하세요. 백업에서 복구하거나, 'otp-admin reset USER' 명령을 실행하고 다시 등록하세요."
            }
        }
    }
}

impl Seal {
    /// Nothing is sealed, and sealed data is refused.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    /// Seals with the key in that file, as the policy names it; an empty path: [`Seal::none`].
    #[must_use]
    pub fn by_key_in(path: &str) -> Self {
        if path.is_empty() {
            return Self::none();
        }
        Self(Some(Place {
            file: KeyFile::at(path),
            known: Arc::default(),
        }))
    }

    /// Returns the same seal for records of that group, which may also read the file of the key.
    #[must_use]
    pub fn for_group(self, group: u32) -> Self {
        Self(self.0.map(|place| Place {
            file: place.file.readable_by(group),
            ..place
        }))
    }

    /// Returns the same seal, with another group that may also read the file of the key.
    #[must_use]
    pub fn or_for_group(self, group: u32) -> Self {
        Self(self.0.map(|place| Place {
            file: place.file.also_readable_by(group),
            ..place
        }))
    }

    /// Whether written data is sealed.
    #[must_use]
    pub const fn is_set(&self) -> bool {
        self.0.is_some()
    }

    /// Opens data that was sealed for that place.
    ///
    /// The file is read again if it was read before and does not have the key: it may have another key since.
    ///
    /// # Errors
    /// See [`Fault`].
    pub(crate) fn open(&self, sealed: &Sealed, place: &str) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let at = self.0.as_ref().ok_or(Fault::NoKey)?;
        let known = at.known().clone();
        let keys = match known.filter(|keys| keys.has(sealed.key)) {
            Some(keys) => keys,
            None => at.read()?,
        };
        let Some(key) = keys.of(sealed.key) else {
            return Err(Fault::AnotherKey {
                key: sealed.key,
                file: at.file.path().to_owned(),
            });
        };
        sealed.open(key, place)
    }

    /// Returns how to write a credential. The file is read for every write: a key that was removed meanwhile must seal
    /// nothing more.
    ///
    /// # Errors
    /// There should be a key, and it cannot be read.
    pub(crate) fn pen(&self) -> Result<Pen, Fault> {
        match &self.0 {
            Some(at) => Ok(Pen::Sealing(at.read()?)),
            None => Ok(Pen::Plain),
        }
    }

    /// Returns the keys that the file holds now; `None`: the policy names no file.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn keys(&self) -> Result<Option<Arc<Keys>>, NoKeyFile> {
        self.0.as_ref().map(Place::read).transpose()
    }

    /// Returns the file of the key; `None`: the policy names none.
    #[must_use]
    pub fn file(&self) -> Option<&KeyFile> {
        self.0.as_ref().map(|place| &place.file)
    }
}

impl Place {
    fn known(&self) -> std::sync::MutexGuard<'_, Option<Arc<Keys>>> {
        // No code panics while this is locked, and the value is whole at any time.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> Result<Arc<Keys>, NoKeyFile> {
        let keys = Arc::new(self.file.read()?);
        *self.known() = Some(Arc::clone(&keys));
        Ok(keys)
    }
}

/// How a credential is written.
pub(crate) enum Pen {
    /// With unsealed keys.
    Plain,
    /// With each key sealed with the first of these.
    Sealing(Arc<Keys>),
}

/// Sealed data, as it is stored.
pub(crate) struct Sealed {
    pub key: KeyId,
    nonce: [u8; NONCE],
    /// Ends with the tag.
    bytes: Vec<u8>,
}

impl Sealed {
    /// Seals `bytes` for that place with the first of the keys.
    ///
    /// # Errors
    /// The system gave no random bytes.
    pub fn seal(bytes: &[u8], keys: &Keys, place: &str) -> Result<Self, NoRandom> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| NoRandom)?;
        Ok(Self::seal_with(bytes, keys, place, nonce))
    }

    fn seal_with(bytes: &[u8], keys: &Keys, place: &str, nonce: [u8; NONCE]) -> Self {
        let (id, key) = keys.first();
        // With room for the tag: a vector that grows leaves copies behind.
        let mut sealed = Vec::with_capacity(bytes.len() + TAG);
        sealed.extend_from_slice(bytes);
        let tag = XChaCha20Poly1305::new(key.reveal())
            .encrypt_inout_detached(
                &XNonce::from(nonce),
                place.as_bytes(),
                sealed.as_mut_slice().into(),
            )
            .expect("a key of an authenticator is shorter than 256 GB");
        sealed.extend_from_slice(&tag);
        Self {
            key: id,
            nonce,
            bytes: sealed,
        }
    }

    fn open(&self, key: &keys::Key, place: &str) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let (bytes, tag) = self.bytes.split_last_chunk::<TAG>().ok_or(Fault::Changed)?;
        let mut opened = Zeroizing::new(bytes.to_vec());
        XChaCha20Poly1305::new(key.reveal())
            .decrypt_inout_detached(
                &XNonce::from(self.nonce),
                place.as_bytes(),
                opened.as_mut_slice().into(),
                &Tag::from(*tag),
            )
            .map_err(|_| Fault::Changed)?;
        Ok(opened)
    }

    /// Returns how many bytes are sealed.
    pub const fn length(&self) -> usize {
        self.bytes.len() - TAG
    }

    /// Returns the text for a record: the id of the key, the nonce, and the sealed bytes with their tag.
    pub fn text(&self) -> String {
        format!(
            "{}.{}.{}",
            self.key,
            HEXLOWER.encode(&self.nonce),
            HEXLOWER.encode(&self.bytes)
        )
    }

    /// Reads that text. Opens nothing.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let mut part = || HEXLOWER.decode(parts.next()?.as_bytes()).ok();
        let (key, nonce, bytes) = (part()?, part()?, part()?);
        if parts.next().is_some() || bytes.len() < TAG {
            return None;
        }
        Some(Self {
            key: KeyId::of_bytes(key.try_into().ok()?),
            nonce: nonce.try_into().ok()?,
            bytes,
        })
    }
}

#[cfg(any(test, feature = "trial"))]
pub(crate) mod tests;
