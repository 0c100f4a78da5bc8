//! Cookies of sessions. The portal keeps only their hashes.

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// 256 random bits that a browser keeps. They are wiped on drop and have no `Debug`.
pub struct Cookie(Zeroizing<[u8; 32]>);

/// The hash of a cookie, which does not reveal the cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Hash([u8; 32]);

impl Cookie {
    /// Makes a cookie; `None`: the system gives no random bytes.
    #[must_use]
    pub fn new() -> Option<Self> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut_slice()).ok()?;
        Some(Self(bytes))
    }

    /// Parses the cookie that a browser sends; `None`: the text is not a cookie.
    #[must_use]
    pub fn of_text(text: &str) -> Option<Self> {
        // Check the length first: the decoder allocates for all of the text.
        if text.len() != 43 {
            return None;
        }
        let decoded = Zeroizing::new(BASE64URL_NOPAD.decode(text.as_bytes()).ok()?);
        let mut bytes = Zeroizing::new([0; 32]);
        bytes.copy_from_slice(decoded.get(..32)?);
        Some(Self(bytes))
    }

    /// Returns the text for the browser: a secret.
    #[must_use]
    pub fn reveal(&self) -> Zeroizing<String> {
        Zeroizing::new(BASE64URL_NOPAD.encode(self.0.as_slice()))
    }

    /// Returns the hash that is kept.
    #[must_use]
    pub fn hash(&self) -> Hash {
        Hash(Sha256::digest(self.0.as_slice()).into())
    }

    /// Returns the token for every form of this cookie's browser. It cannot be made without the cookie, and does not
    /// reveal the cookie.
    #[must_use]
    pub fn form_token(&self) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_slice())
            .expect("HMAC takes a key of any length");
        mac.update(b"pam_otp-portal form");
        BASE64URL_NOPAD.encode(&mac.finalize().into_bytes())
    }
}

impl Hash {
    /// Returns the hash of a cookie that a browser sends; `None`: the text is not a cookie.
    #[must_use]
    pub fn of_text(text: &str) -> Option<Self> {
        Some(Cookie::of_text(text)?.hash())
    }

    /// Returns the text of the hash, for a file or an address.
    #[must_use]
    pub fn text(&self) -> String {
        BASE64URL_NOPAD.encode(&self.0)
    }

    /// Parses that text; `None`: it is not a hash.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 43 {
            return None;
        }
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        Some(Self(bytes.try_into().ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_reads_back_and_its_hash_is_another() {
        let cookie = Cookie::new().unwrap();
        let text = cookie.reveal();
        let back = Cookie::of_text(&text).unwrap();
        assert_eq!(back.hash(), cookie.hash());
        assert_eq!(Hash::of_text(&text), Some(cookie.hash()));
        assert_eq!(Hash::parse(&cookie.hash().text()), Some(cookie.hash()));
        assert_ne!(cookie.hash().text(), *text);
        assert_ne!(cookie.form_token(), *text);
        assert_ne!(cookie.form_token(), cookie.hash().text());
        assert_ne!(cookie.hash(), Cookie::new().unwrap().hash());
    }

    #[test]
    fn other_texts_are_no_cookie() {
        let right = "A".repeat(43);
        assert!(Cookie::of_text(&right).is_some());
        for text in [
            String::new(),
            "A".repeat(42),
            "A".repeat(44),
            "A".repeat(1_000_000),
            format!("{}=", "A".repeat(42)),
            format!("{} ", "A".repeat(42)),
            format!("{}+", "A".repeat(42)),
            // The last character has spare bits: another text would decode to the same cookie.
            format!("{}B", "A".repeat(42)),
        ] {
            assert!(Cookie::of_text(&text).is_none());
            assert!(Hash::of_text(&text).is_none());
        }
    }
}
