//! Values that are encrypted with a pre-shared key, and the MAC over them (RFC 6030 section 6).

use super::{PskcOptions, attribute, child, children, end_of_uri, text_of};
use crate::key::{self, Bytes};
use crate::numbers::decimal;
use aes::cipher::{Block, BlockModeDecrypt, KeyIvInit};
use aes::{Aes128, Aes192, Aes256};
use cbc::Decryptor;
use hmac::{Hmac, KeyInit, Mac};
use otp_core::messages::import::{Field, Flaw, Obstacle};
use roxmltree::Node;
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use zeroize::Zeroizing;

/// The key that encrypts a container: 128, 192 or 256 bits. It is wiped on drop.
pub struct TransportKey(Bytes);

impl TransportKey {
    /// Reads the key from a file: raw bytes, or hexadecimal digits that a line end may follow. `None`: the length is
    /// wrong.
    #[must_use]
    pub fn from_file(content: &[u8]) -> Option<Self> {
        let fits = |bytes: &Bytes| matches!(bytes.len(), 16 | 24 | 32);
        let text = std::str::from_utf8(content).ok().map(str::trim);
        let hexadecimal = text.and_then(key::hex).filter(fits);
        let raw = || Some(Zeroizing::new(content.to_vec())).filter(fits);
        hexadecimal.or_else(raw).map(Self)
    }
}

/// The keys that open the encrypted values of one container.
pub(super) struct Seals<'a> {
    key: Result<&'a TransportKey, Obstacle>,
    mac: Result<MacKey, Obstacle>,
    without_mac: bool,
}

/// The key of the MAC, and the check for its hash.
struct MacKey {
    key: Bytes,
    verify: fn(&[u8], &[u8], &[u8]) -> bool,
}

const BLOCK: usize = 16;

impl<'a> Seals<'a> {
    pub(super) fn of(container: Node<'_, '_>, options: &PskcOptions<'a>) -> Self {
        let key = transport_key(container, options);
        let mac = key.clone().and_then(|key| mac_key(container, key));
        Self {
            key,
            mac,
            without_mac: options.without_mac,
        }
    }

    /// Returns the bytes of an element that holds a plain or an encrypted value.
    pub(super) fn value(&self, element: Node<'_, '_>) -> Result<Bytes, Obstacle> {
        if let Some(plain) = child(element, "PlainValue") {
            return key::base64(text_of(plain)).ok_or(Obstacle::Unreadable(Flaw::Key));
        }
        let sealed = child(element, "EncryptedValue").ok_or(Obstacle::Unreadable(Flaw::NoKey))?;
        let transport = self.key.clone()?;
        let bytes = cipher_value(sealed)?;
        self.check(&bytes, mac_of(element))?;
        decrypt(sealed, transport, &bytes)
    }

    /// Returns the number in such an element. A plain number is written in digits; an encrypted one is bytes, the
    /// highest first.
    pub(super) fn number(
        &self,
        element: Option<Node<'_, '_>>,
        field: Field,
    ) -> Result<Option<u64>, Obstacle> {
        let Some(element) = element else {
            return Ok(None);
        };
        let flaw = Obstacle::Unreadable(Flaw::Number(field));
        if let Some(plain) = child(element, "PlainValue") {
            return decimal(text_of(plain)).map(Some).ok_or(flaw);
        }
        let bytes = self.value(element).map_err(|obstacle| match obstacle {
            Obstacle::Unreadable(_) => flaw.clone(),
            other => other,
        })?;
        if bytes.len() > 8 {
            return Err(flaw);
        }
        Ok(Some(
            bytes
                .iter()
                .fold(0, |number, &byte| number << 8 | u64::from(byte)),
        ))
    }

    /// Checks the encrypted bytes against their MAC before anything is decrypted: with CBC alone, keys could be
    /// changed unnoticed.
    fn check(&self, bytes: &[u8], mac: Option<&str>) -> Result<(), Obstacle> {
        // Old releases of privacyIDEA write this instead of a MAC.
        let Some(mac) = mac.filter(|mac| *mac != "TODOmissing") else {
            return if self.without_mac {
                Ok(())
            } else {
                Err(Obstacle::NoMac)
            };
        };
        let mac_key = match &self.mac {
            Ok(mac_key) => mac_key,
            Err(Obstacle::NoMac) if self.without_mac => return Ok(()),
            Err(obstacle) => return Err(obstacle.clone()),
        };
        let mac = key::base64(mac).ok_or(Obstacle::WrongMac)?;
        if (mac_key.verify)(&mac_key.key, bytes, &mac) {
            Ok(())
        } else {
            Err(Obstacle::WrongMac)
        }
    }
}

fn mac_of<'a>(element: Node<'a, '_>) -> Option<&'a str> {
    // The MAC is beside the value; privacyIDEA writes it beside the element.
    let inside = child(element, "ValueMAC");
    let beside = || element.parent().and_then(|data| child(data, "ValueMAC"));
    inside.or_else(beside).map(text_of)
}

/// Returns the pre-shared key. Keys derived from a password and keys of a certificate are not supported.
fn transport_key<'a>(
    container: Node<'_, '_>,
    options: &PskcOptions<'a>,
) -> Result<&'a TransportKey, Obstacle> {
    if let Some(described) = child(container, "EncryptionKey") {
        let is_agreed =
            child(described, "DerivedKey").is_none() && child(described, "X509Data").is_none();
        if !is_agreed {
            return Err(Obstacle::Method);
        }
    }
    options.transport_key.ok_or(Obstacle::Sealed)
}

fn mac_key(container: Node<'_, '_>, transport: &TransportKey) -> Result<MacKey, Obstacle> {
    let method = child(container, "MACMethod").ok_or(Obstacle::NoMac)?;
    let uri = attribute(method, "Algorithm").unwrap_or_default();
    let verify = match end_of_uri(uri).to_ascii_lowercase().as_str() {
        "hmac-sha1" => verify_sha1,
        "hmac-sha256" => verify_sha256,
        "hmac-sha512" => verify_sha512,
        _ => return Err(Obstacle::Method),
    };
    let key = match child(method, "MACKey") {
        Some(sealed) => decrypt(sealed, transport, &cipher_value(sealed)?)?,
        // Without a key of its own, the MAC uses the key of the values.
        None => transport.0.clone(),
    };
    Ok(MacKey { key, verify })
}

macro_rules! verifier {
    ($name:ident, $hash:ty) => {
        fn $name(key: &[u8], bytes: &[u8], expected: &[u8]) -> bool {
            let mac = Hmac::<$hash>::new_from_slice(key);
            mac.is_ok_and(|mac| mac.chain_update(bytes).verify_slice(expected).is_ok())
        }
    };
}
verifier!(verify_sha1, Sha1);
verifier!(verify_sha256, Sha256);
verifier!(verify_sha512, Sha512);

/// Returns the encrypted bytes: the initialisation vector and the data after it.
fn cipher_value(sealed: Node<'_, '_>) -> Result<Bytes, Obstacle> {
    let data = child(sealed, "CipherData");
    let value = data.and_then(|data| children(data, "CipherValue").next());
    value
        .and_then(|value| key::base64(text_of(value)))
        .ok_or(Obstacle::Unreadable(Flaw::Key))
}

/// Decrypts AES in CBC mode, as XML Encryption defines it: the last byte says how many bytes at the end are padding.
fn decrypt(
    sealed: Node<'_, '_>,
    transport: &TransportKey,
    bytes: &[u8],
) -> Result<Bytes, Obstacle> {
    let method = child(sealed, "EncryptionMethod");
    let uri = method
        .and_then(|method| attribute(method, "Algorithm"))
        .unwrap_or_default();
    let (length, open): (usize, Open) = match end_of_uri(uri).to_ascii_lowercase().as_str() {
        "aes128-cbc" => (16, open_with::<Aes128>),
        "aes192-cbc" => (24, open_with::<Aes192>),
        "aes256-cbc" => (32, open_with::<Aes256>),
        _ => return Err(Obstacle::Method),
    };
    if transport.0.len() != length {
        return Err(Obstacle::WrongKey);
    }
    let (vector, sealed) = bytes.split_at_checked(BLOCK).ok_or(Obstacle::WrongKey)?;
    if sealed.is_empty() || !sealed.len().is_multiple_of(BLOCK) {
        return Err(Obstacle::WrongKey);
    }
    let mut plain = Zeroizing::new(sealed.to_vec());
    if !open(&transport.0, vector, &mut plain) {
        return Err(Obstacle::WrongKey);
    }
    let padding = plain.last().copied().map_or(0, usize::from);
    if !(1..=BLOCK).contains(&padding) {
        return Err(Obstacle::WrongKey);
    }
    plain.truncate(sealed.len() - padding);
    Ok(plain)
}

/// Decrypts bytes in place, with a key and an initialisation vector.
type Open = fn(&[u8], &[u8], &mut [u8]) -> bool;

/// Decrypts in place; `false` if a length is wrong, which the caller has excluded.
fn open_with<C>(key: &[u8], vector: &[u8], bytes: &mut [u8]) -> bool
where
    C: aes::cipher::BlockCipherDecrypt + aes::cipher::KeyInit,
{
    let Ok(mut cipher) = Decryptor::<C>::new_from_slices(key, vector) else {
        return false;
    };
    let (blocks, rest) = Block::<C>::slice_as_chunks_mut(bytes);
    cipher.decrypt_blocks(blocks);
    rest.is_empty()
}
