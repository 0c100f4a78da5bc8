//! Recovery codes that another program has issued: 8 digits each, good once, stored as slow hashes.
//!
//! No hash protects eight digits: a thief of the record tries them all within an hour, and the slow hash buys only that
//! hour. So these codes open no lock, and are dropped together with the key that they came with.

use crate::code::TypedCode;
use crate::input::Input;
use crate::record::{Credential, RecoverySet};
use crate::recovery::{CodeHash, Salt, position_of};
use argon2::{Algorithm, Argon2, Params, Version};
use std::hint::black_box;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// One code of 8 digits. Wiped on drop; has no `Debug`, `Display` or `Clone`.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct ImportedCode([u8; Self::DIGITS]);

/// There is no memory for the hash of an imported code, so nothing is known of the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoMemory;

impl ImportedCode {
    /// The number of digits in a code.
    pub const DIGITS: usize = 8;
    /// The memory that one hash takes while it is computed, in KiB.
    pub const MEMORY_KIB: u32 = 7 * 1024;
    /// How often the hash passes over that memory. For the same time at login, several passes over less memory cost a
    /// thief more than one pass over much.
    pub const PASSES: u32 = 5;

    /// Takes exactly 8 ASCII digits.
    #[must_use]
    pub fn new(digits: &[u8]) -> Option<Self> {
        let digits: [u8; Self::DIGITS] = digits.try_into().ok()?;
        let code = Self(digits);
        code.0.iter().all(u8::is_ascii_digit).then_some(code)
    }

    /// Returns the typed code, if it has 8 digits.
    pub(crate) fn typed(typed: &TypedCode) -> Option<Self> {
        Self::new(typed.digits().as_bytes())
    }

    /// Returns the hash that is stored: argon2id (RFC 9106), version 0x13, of the 8 digits as text. Takes about 20 ms.
    ///
    /// # Errors
    /// There is no memory for it. This ends no program: PAM modules run inside programs of others.
    pub fn hash(&self, salt: &Salt) -> Result<CodeHash, NoMemory> {
        let params = Params::new(Self::MEMORY_KIB, Self::PASSES, 1, None)
            .expect("7 MiB, 5 passes and 1 lane are within the limits of argon2");
        let mut hash = CodeHash([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(&self.0, &salt.0, &mut hash.0)
            .map(|()| hash)
            .map_err(|_| NoMemory)
    }
}

/// Whether this reply is looked up among imported codes of this account, which takes memory.
#[must_use]
pub fn is_looked_up(credential: &Credential, input: &Input) -> bool {
    credential
        .recovery()
        .is_some_and(|set| set.origin.is_imported())
        && match input {
            Input::Code(typed) => typed.length() == ImportedCode::DIGITS,
            // A reply of 8 digits is also compared with all other codes.
            Input::Mailed(_) => true,
            Input::Empty | Input::Recovery(_) | Input::NoGuess(_) | Input::Other => false,
        }
}

/// Checks that there is memory for one hash, as far as this can be known beforehand.
///
/// # Errors
/// There is not.
pub fn try_memory() -> Result<(), NoMemory> {
    let mut memory = Vec::<u8>::new();
    let bytes = 1024 * usize::try_from(ImportedCode::MEMORY_KIB).map_err(|_| NoMemory)?;
    memory.try_reserve_exact(bytes).map_err(|_| NoMemory)?;
    // Keeps the compiler from removing the allocation.
    black_box(&mut memory);
    Ok(())
}

/// Finds the position of a code in its set. Computes one hash for the whole set, and compares every hash of the set.
///
/// # Errors
/// There is no memory for the hash.
pub fn position(set: &RecoverySet, code: &ImportedCode) -> Result<Option<usize>, NoMemory> {
    let hash = code.hash(&set.salt)?;
    Ok(position_of(&set.hashes, &hash))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Id, Origin};
    use crate::time::UnixTime;

    const SALT: Salt = Salt([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);

    fn code(digits: &str) -> ImportedCode {
        ImportedCode::new(digits.as_bytes()).unwrap()
    }

    #[test]
    fn a_code_is_8_digits_and_nothing_else() {
        for digits in ["12345678", "00000000", "99999999"] {
            assert!(ImportedCode::new(digits.as_bytes()).is_some(), "{digits}");
        }
        for other in [
            "",
            "1234567",
            "123456789",
            "1234567a",
            "1234 567",
            "-1234567",
            "\u{ff11}23456",
        ] {
            assert!(ImportedCode::new(other.as_bytes()).is_none(), "{other}");
        }
    }

    #[test]
    fn the_hash_is_argon2id_over_7_mib_in_5_passes_and_depends_on_the_salt() {
        // printf 12345678 | argon2 "$(printf '\\x00..\\x0f')" -id -t 5 -k 7168 -p 1 -l 32 -r, with a salt without NUL;
        // this hash comes from libargon2's argon2id_hash_raw(5, 7168, 1, "12345678", 8, salt, 16, out, 32).
        assert_eq!(
            data_encoding::HEXLOWER.encode(&code("12345678").hash(&SALT).unwrap().0),
            "1ce43d2008ca7722b1609cc31040d92ee63cee9e7267eba350a7e76d332ffff8"
        );
        let other = code("12345678").hash(&Salt([0; 16])).unwrap();
        assert!(other != code("12345678").hash(&SALT).unwrap());
    }

    #[test]
    fn a_set_finds_each_of_its_codes_by_position_and_no_other() {
        let digits = ["10000000", "55555555", "99999999"];
        let set = RecoverySet {
            id: Id::from_random([1; 8]),
            origin: Origin::Imported,
            salt: SALT,
            hashes: digits
                .map(|digits| code(digits).hash(&SALT).unwrap())
                .to_vec(),
            created: UnixTime::from_seconds(0),
        };
        for (at, digits) in digits.into_iter().enumerate() {
            assert_eq!(position(&set, &code(digits)), Ok(Some(at)));
        }
        assert_eq!(position(&set, &code("10000001")), Ok(None));
    }
}
