//! Keys, in the forms in which programs write them.

use data_encoding::{BASE64, BASE64_NOPAD, HEXLOWER_PERMISSIVE};
use otp_core::base32;
use otp_core::messages::import::{Field, Flaw, Obstacle};
use otp_core::record::{Algorithm, Digits, Kind, Period, Secret};
use zeroize::Zeroizing;

pub(crate) type Bytes = Zeroizing<Vec<u8>>;

/// Makes a key from bytes.
pub(crate) fn secret(bytes: Bytes) -> Result<Secret, Obstacle> {
    let length = bytes.len();
    Secret::new(bytes).map_err(|_| match length {
        0 => Obstacle::Unreadable(Flaw::NoKey),
        1..10 => Obstacle::ShortKey { bits: 8 * length },
        _ => Obstacle::LongKey,
    })
}

pub(crate) fn hex(text: &str) -> Option<Bytes> {
    let mut bytes = Zeroizing::new(vec![0; HEXLOWER_PERMISSIVE.decode_len(text.len()).ok()?]);
    HEXLOWER_PERMISSIVE
        .decode_mut(text.as_bytes(), &mut bytes)
        .ok()?;
    Some(bytes)
}

/// Reads base64, with or without line breaks and padding.
pub(crate) fn base64(text: &str) -> Option<Bytes> {
    let mut letters = Zeroizing::new(Vec::with_capacity(text.len()));
    letters.extend(text.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    let encoding = if letters.contains(&b'=') {
        BASE64
    } else {
        BASE64_NOPAD
    };
    let mut bytes = Zeroizing::new(vec![0; encoding.decode_len(letters.len()).ok()?]);
    let length = encoding.decode_mut(&letters, &mut bytes).ok()?;
    bytes.truncate(length);
    Some(bytes)
}

/// Reads hexadecimal digits, or else base32.
///
/// A text can be both if every letter is one of A to F and 2 to 7. For a random key of 80 bits this holds once in six
/// million for base32, and once in three hundred for hexadecimal digits. So such a text is read as hexadecimal.
pub(crate) fn hex_or_base32(text: &str) -> Option<Bytes> {
    hex(text)
        .filter(|bytes| !bytes.is_empty())
        .or_else(|| base32::parse(text))
}

/// Finds a hash by the names that different programs give it.
pub(crate) fn algorithm(name: &str) -> Result<Algorithm, Obstacle> {
    let mut plain = name.trim().to_ascii_uppercase();
    plain.retain(|c| !matches!(c, '-' | '_' | ' '));
    let plain = plain.strip_prefix("HMAC").unwrap_or(&plain);
    Algorithm::from_name(plain).ok_or(Obstacle::Algorithm)
}

pub(crate) fn digits(number: u64) -> Result<Digits, Obstacle> {
    Digits::new(number).map_err(|_| Obstacle::Digits)
}

pub(crate) fn totp(seconds: u64) -> Result<Kind, Obstacle> {
    // A number that cannot be a step is not quoted: it may be a key in the wrong column.
    if !(1..=86_400).contains(&seconds) {
        return Err(Obstacle::Unreadable(Flaw::Number(Field::Step)));
    }
    let period = Period::new(seconds).map_err(|_| Obstacle::StepSize { seconds })?;
    Ok(Kind::Totp(period))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_in_each_form() {
        let key = b"12345678901234567890";
        let text = "3132333435363738393031323334353637383930";
        assert!(hex(text).unwrap().as_slice() == key);
        assert!(hex_or_base32(text).unwrap().as_slice() == key);
        assert!(
            hex_or_base32("gezdgnbvgy3tqojqgezdgnbvgy3tqojq")
                .unwrap()
                .as_slice()
                == key
        );
        for text in [
            "MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=",
            "MTIzNDU2Nzg5MDEy\n  MzQ1Njc4OTA",
            "MTIzNDU2Nzg5MDEyMzQ1Njc4OTA",
        ] {
            assert!(base64(text).unwrap().as_slice() == key);
        }
        assert!(hex("abc").is_none() && base64("a").is_none() && hex_or_base32("!").is_none());
        assert!(hex("AbCdEf0123").unwrap().len() == 5);
    }

    #[test]
    fn a_key_that_could_be_either_is_read_as_hexadecimal() {
        assert!(hex_or_base32("ABCDEF234567ABCDEF23").unwrap().len() == 10);
    }

    #[test]
    fn a_key_of_the_wrong_length_is_reported_with_its_length() {
        let of = |length| secret(Zeroizing::new(vec![7; length])).err();
        assert_eq!(of(0), Some(Obstacle::Unreadable(Flaw::NoKey)));
        assert_eq!(of(9), Some(Obstacle::ShortKey { bits: 72 }));
        assert_eq!((of(10), of(128)), (None, None));
        assert_eq!(of(129), Some(Obstacle::LongKey));
    }

    #[test]
    fn a_hash_has_many_names() {
        for name in [
            "SHA256",
            "sha256",
            "HMAC-SHA256",
            "HmacSHA256",
            "hmac-sha-256",
            " SHA-256 ",
        ] {
            assert_eq!(algorithm(name), Ok(Algorithm::Sha256), "{name}");
        }
        for name in ["", "MD5", "SHA2", "sha224"] {
            assert_eq!(algorithm(name), Err(Obstacle::Algorithm), "{name}");
        }
    }
}
