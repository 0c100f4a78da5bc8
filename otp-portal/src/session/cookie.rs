//! Cookies of sessions, of which only a hash is kept.

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// 256 random bits that a browser keeps. Wiped on drop; has no `Debug`.
pub struct Cookie(Zeroizing<[u8; 32]>);

/// What is kept of a cookie: nobody can make the cookie of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Hash([u8; 32]);

impl Cookie {
    /// A new one; `None`: the system gives no random bytes.
    #[must_use]
    pub fn new() -> Option<Self> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut_slice()).ok()?;
        Some(Self(bytes))
    }

    /// The one that a browser sends; `None`: it is none.
    #[must_use]
    pub fn of_text(text: &str) -> Option<Self> {
        // Its length is compared first: the decoder takes room for all of it.
        if text.len() != 43 {
            return None;
        }
        let decoded = Zeroizing::new(BASE64URL_NOPAD.decode(text.as_bytes()).ok()?);
        let mut bytes = Zeroizing::new([0; 32]);
        bytes.copy_from_slice(decoded.get(..32)?);
        Some(Self(bytes))
    }

    /// The text for the browser: a secret.
    #[must_use]
    pub fn reveal(&self) -> Zeroizing<String> {
        Zeroizing::new(BASE64URL_NOPAD.encode(self.0.as_slice()))
    }

    /// What is kept of it.
    #[must_use]
    pub fn hash(&self) -> Hash {
        Hash(Sha256::digest(self.0.as_slice()).into())
    }

    /// What every form carries that this cookie's browser was given. Whoever has not the cookie cannot make it, and it does not
    /// tell the cookie.
    #[must_use]
    pub fn form_token(&self) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_slice())
            .expect("HMAC takes a key of any length");
        mac.update(b"pam_otp-portal form");
        BASE64URL_NOPAD.encode(&mac.finalize().into_bytes())
    }
}

impl Hash {
    /// That of a cookie as a browser sends it; `None`: it is none.
    #[must_use]
    pub fn of_text(text: &str) -> Option<Self> {
        Some(Cookie::of_text(text)?.hash())
    }

    /// The hash for a file or an address.
    #[must_use]
    pub fn text(&self) -> String {
        BASE64URL_NOPAD.encode(&self.0)
    }

    /// The hash as it was written; `None`: it is none.
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
    fn what_is_no_cookie_is_none() {
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
            // Bits behind the last byte: another text of the same cookie.
            format!("{}B", "A".repeat(42)),
        ] {
            assert!(Cookie::of_text(&text).is_none());
            assert!(Hash::of_text(&text).is_none());
        }
    }
}
