//! Base32 of RFC 4648 section 6 without padding: the form in which a phone takes a key.

use data_encoding::BASE32_NOPAD;
use zeroize::Zeroizing;

/// Returns the text of a key, in upper case, without padding. It is a secret: show it to its owner only.
#[must_use]
pub fn reveal(bytes: &[u8]) -> Zeroizing<String> {
    // Sized beforehand: a string that grows leaves copies of the key behind.
    let mut text = Zeroizing::new(String::with_capacity(BASE32_NOPAD.encode_len(bytes.len())));
    BASE32_NOPAD.encode_append(bytes, &mut text);
    text
}

/// Groups in a line: as many as a 160-bit key has.
const GROUPS: usize = 8;

/// Returns the text of a key in groups of four letters, eight groups a line, for people to read. Not every app accepts
/// the spaces.
#[must_use]
pub fn reveal_in_groups(bytes: &[u8]) -> Vec<Zeroizing<String>> {
    let text = reveal(bytes);
    let lines = text.as_bytes().chunks(4 * GROUPS).map(|letters| {
        let mut line = Zeroizing::new(String::with_capacity(5 * GROUPS));
        for (at, &letter) in letters.iter().enumerate() {
            if at > 0 && at % 4 == 0 {
                line.push(' ');
            }
            line.push(letter.into());
        }
        line
    });
    lines.collect()
}

/// Reads a key in either case; skips spaces and dashes between the letters, and padding at the end.
///
/// Returns `None` if there is any other character, or if this number of letters cannot come from whole bytes.
#[must_use]
pub fn parse(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut letters = Zeroizing::new(Vec::with_capacity(text.len()));
    letters.extend(
        text.trim_end_matches('=')
            .bytes()
            .filter(|byte| !matches!(byte, b' ' | b'-'))
            .map(|byte| byte.to_ascii_uppercase()),
    );
    let mut bytes = Zeroizing::new(vec![0; BASE32_NOPAD.decode_len(letters.len()).ok()?]);
    BASE32_NOPAD.decode_mut(&letters, &mut bytes).ok()?;
    Some(bytes)
}

/// Returns how many bytes the key has that [`parse`] would read, without reading it.
///
/// Returns `None` where [`parse`] would.
#[must_use]
pub fn bytes_in(text: &str) -> Option<usize> {
    let mut letters = 0;
    let mut last = 0;
    for byte in text.trim_end_matches('=').bytes() {
        last = match byte {
            b' ' | b'-' => continue,
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a',
            b'2'..=b'7' => byte - b'2' + 26,
            _ => return None,
        };
        letters += 1;
    }
    // The bits of the last letter that belong to no byte must be zero.
    let left_over = match letters % 8 {
        0 => 0,
        2 => 2,
        4 => 4,
        5 => 1,
        7 => 3,
        _ => return None,
    };
    (last & ((1 << left_over) - 1) == 0).then_some(letters * 5 / 8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_length_of_a_key_is_known_before_it_is_decoded(text in "[A-Za-z2-7 =-]{0,40}|[A-Z2-7]{0,20}|.{0,12}") {
            prop_assert_eq!(bytes_in(&text), parse(&text).map(|key| key.len()));
        }
    }

    #[test]
    fn vectors_of_rfc_4648_section_10() {
        for (plain, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(*reveal(plain.as_bytes()), text);
            assert_eq!(parse(text).unwrap().as_slice(), plain.as_bytes());
        }
    }

    #[test]
    fn groups_case_and_padding_do_not_matter() {
        let key = b"12345678901234567890";
        let groups = |key: &[u8]| -> Vec<String> {
            let lines = reveal_in_groups(key);
            lines.iter().map(|line| line.to_string()).collect()
        };
        let line = "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ";
        assert_eq!(groups(key), [line]);
        assert_eq!(
            groups(b"12345678901234567890123456789012"),
            [line, "GEZD GNBV GY3T QOJQ GEZA"]
        );
        assert_eq!(groups(b"1"), ["GE"]);
        assert_eq!(
            parse("gezd gnbv-gy3t qojq GEZDGNBVGY3TQOJQ====")
                .unwrap()
                .as_slice(),
            key
        );
    }

    #[test]
    fn text_that_is_not_base32_is_refused() {
        for text in ["1", "A", "AB0D", "MZXW6YT!", "M", "ÄÄÄÄ"] {
            assert!(parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn the_measured_length_of_a_key_is_its_decoded_length_for_every_last_letter() {
        let letters = ('A'..='Z').chain('a'..='z').chain('2'..='7');
        for (length, last) in (1..=17).flat_map(|length| letters.clone().map(move |c| (length, c)))
        {
            let begun = "AZ27az 2-".repeat(2);
            for begun in [&"Q".repeat(length - 1), &begun[..length - 1]] {
                let text = format!("{begun}{last}");
                let read = parse(&text).map(|key| key.len());
                assert_eq!(bytes_in(&text), read, "{text:?}");
            }
        }
        for (text, bytes) in [
            ("", Some(0)),
            ("gezd gnbv-gy3t qojq GEZDGNBVGY3TQOJQ====", Some(20)),
            (" -", Some(0)),
            ("MZXW6===", Some(3)),
            ("MZXW7", None),
            ("MZ=W6", None),
            ("1", None),
        ] {
            assert_eq!(bytes_in(text), bytes, "{text:?}");
            assert_eq!(parse(text).map(|key| key.len()), bytes, "{text:?}");
        }
    }
}
