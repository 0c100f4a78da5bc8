//! Recovery codes: 80 random bits each, good once, stored as salted hashes. Codes of other programs are in
//! [`imported`](crate::imported).

use crate::record::{Origin, RecoverySet};
use crate::typed::characters_of_a_code;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The letters of Crockford's base32, without I, L, O and U.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Letters in a code.
pub const LETTERS_IN_CODE: usize = 16;

/// One recovery code. Wiped on drop; has no `Debug`, `Display` or `Clone`.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct RecoveryCode([u8; Self::BYTES]);

/// The key of a set's hashes: 128 random bits, not secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Salt(pub [u8; 16]);

/// HMAC-SHA-256 of a code under its set's salt (NIST SP 800-63B-4 section 3.1.2.2).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CodeHash(pub [u8; 32]);

impl RecoveryCode {
    /// 80 bits (NIST SP 800-63B-4 section 4.2.1.1 asks for at least 64).
    pub const BYTES: usize = 10;

    /// The code made of these random bytes.
    #[must_use]
    pub const fn from_random(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// Reads what a person typed or pasted: any case, dashes and spaces anywhere, O as 0, I and L as 1.
    #[must_use]
    pub fn parse(typed: &[u8]) -> Option<Self> {
        let letters = characters_of_a_code(typed)?;
        if letters.len() != LETTERS_IN_CODE {
            return None;
        }
        let mut bits = Zeroizing::new(0_u128);
        for &letter in letters.iter() {
            *bits = *bits << 5 | u128::from(letter_value(letter)?);
        }
        let bytes = Zeroizing::new(bits.to_be_bytes());
        let mut code = Self([0; Self::BYTES]);
        code.0.copy_from_slice(&bytes[16 - Self::BYTES..]);
        Some(code)
    }

    /// The code as its owner reads it, `XXXX-XXXX-XXXX-XXXX`.
    #[must_use]
    pub fn reveal(&self) -> Zeroizing<String> {
        let mut wide = Zeroizing::new([0; 16]);
        wide[16 - Self::BYTES..].copy_from_slice(&self.0);
        let bits = u128::from_be_bytes(*wide);
        let mut text = Zeroizing::new(String::with_capacity(LETTERS_IN_CODE + 3));
        for at in 0..LETTERS_IN_CODE {
            if at > 0 && at % 4 == 0 {
                text.push('-');
            }
            let value = (bits >> (5 * (LETTERS_IN_CODE - 1 - at))) & 31;
            text.push(char::from(LETTERS[value as usize]));
        }
        text
    }

    /// Returns the hash of the code that is stored.
    #[must_use]
    pub fn hash(&self, salt: &Salt) -> CodeHash {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&salt.0).expect("HMAC takes a key of any length");
        mac.update(&self.0);
        CodeHash(mac.finalize().into_bytes().into())
    }
}

/// Finds the position of this code in its set. Compares every hash, so the time taken tells nothing. Never finds a code
/// of an imported set.
#[must_use]
pub fn position(set: &RecoverySet, code: &RecoveryCode) -> Option<usize> {
    match set.origin {
        Origin::Issued => position_of(&set.hashes, &code.hash(&set.salt)),
        Origin::Imported => None,
    }
}

/// Finds the position of a hash in a list. Compares all hashes of the list.
pub(crate) fn position_of(hashes: &[CodeHash], hash: &CodeHash) -> Option<usize> {
    let mut found = Choice::from(0);
    let mut at = 0_u32;
    for (position, kept) in (0_u32..).zip(hashes) {
        let same = kept.0.ct_eq(&hash.0);
        at.conditional_assign(&position, same);
        found |= same;
    }
    bool::from(found).then_some(at as usize)
}

/// Returns the value of one typed letter.
fn letter_value(typed: u8) -> Option<u8> {
    let letter = match typed.to_ascii_uppercase() {
        b'O' => b'0',
        b'I' | b'L' => b'1',
        other => other,
    };
    LETTERS
        .iter()
        .position(|&known| known == letter)
        .and_then(|at| u8::try_from(at).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_code_reads_back_however_it_is_typed() {
        let code =
            RecoveryCode::from_random([0x00, 0x44, 0x32, 0x14, 0xC7, 0x42, 0x54, 0xB6, 0x35, 0xCF]);
        assert_eq!(*code.reveal(), "0123-4567-89AB-CDEF");
        for typed in [
            "0123456789ABCDEF",
            "0123-4567-89ab-cdef",
            "oI23 4567 89ab cdef",
            " O-l-2-3-45678-9abcdef",
        ] {
            assert!(
                RecoveryCode::parse(typed.as_bytes()).unwrap().0 == code.0,
                "{typed}"
            );
        }
    }

    #[test]
    fn i_and_l_and_1_are_one_letter() {
        let one = RecoveryCode::parse(b"1111-1111-1111-1111").unwrap();
        assert!(RecoveryCode::parse(b"IiLl-iIlL-1il1-LLII").unwrap().0 == one.0);
    }

    #[test]
    fn text_that_is_no_recovery_code_is_refused() {
        for typed in [
            "",
            "0123-4567-89AB-CDE",
            "0123-4567-89AB-CDEFG",
            "0123-4567-89AB-CDEU",
            "123456",
            "0123_4567_89AB_CDEF",
        ] {
            assert!(RecoveryCode::parse(typed.as_bytes()).is_none(), "{typed}");
        }
        assert!(RecoveryCode::parse(b"0123-4567-89AB-CD\xffF").is_none());
        assert!(RecoveryCode::parse(&vec![b'0'; 100_000]).is_none());
    }

    #[test]
    fn the_hash_is_hmac_sha_256_and_depends_on_the_salt() {
        // printf '\x00..\x09' | openssl mac -digest SHA256 -macopt hexkey:000102..0f HMAC
        let code = RecoveryCode::from_random([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        let salt = Salt([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
        assert_eq!(
            data_encoding::HEXLOWER.encode(&code.hash(&salt).0),
            "df3efbc38ce4360547899faa863e973a1a593e9fa854b4a8bd25605693bc6a9e"
        );
        assert!(code.hash(&salt).0 != code.hash(&Salt([0; 16])).0);
    }

    proptest! {
        #[test]
        fn every_code_reads_back(bytes: [u8; 10]) {
            let code = RecoveryCode::from_random(bytes);
            prop_assert!(RecoveryCode::parse(code.reveal().as_bytes()).unwrap().0 == bytes);
        }
    }
}
