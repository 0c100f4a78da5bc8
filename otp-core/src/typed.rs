//! One form for what people type and paste: the digits and letters of a code.

use zeroize::Zeroizing;

/// The distance between the full-width forms of ASCII characters (U+FF01 to U+FF5E) and these characters.
const FULL_WIDTH: u32 = 0xFEE0;

/// Returns the characters of a typed code, without what may stand between them: white space, dashes, and invisible
/// characters from a clipboard. Full-width digits and letters, as input methods for Korean, Japanese and Chinese write
/// them, count as the plain ones.
///
/// Returns `None` if it contains anything else, so it is not a code.
pub(crate) fn characters_of_a_code(typed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    // Sized beforehand: a vector that grows leaves copies of what was typed behind.
    let mut plain = Zeroizing::new(Vec::with_capacity(typed.len()));
    for c in std::str::from_utf8(typed).ok()?.chars() {
        match plain_form(c) {
            c if may_stand_between(c) => {}
            c => plain.push(u8::try_from(c).ok().filter(u8::is_ascii_alphanumeric)?),
        }
    }
    Some(plain)
}

/// Returns the ASCII character of a full-width one; any other character as it is.
pub(crate) fn plain_form(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - FULL_WIDTH).unwrap_or(c),
        other => other,
    }
}

/// Whether a character may stand between those of a code.
pub(crate) fn may_stand_between(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            // Dashes, and the minus sign.
            '-' | '\u{2010}'..='\u{2015}' | '\u{2212}'
            // Zero-width spaces and joiners, marks of the writing direction, the byte order mark.
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}'
            | '\u{2066}'..='\u{2069}' | '\u{feff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(typed: &str) -> Option<String> {
        let plain = characters_of_a_code(typed.as_bytes())?;
        Some(String::from_utf8(plain.to_vec()).unwrap())
    }

    #[test]
    fn a_code_altered_by_a_clipboard_or_an_input_method_is_the_same_code() {
        for typed in [
            "123456",
            "123 456",
            "123-456",
            "\t123456\r",
            "123456\r\n",
            "123\u{a0}456",
            "\u{200b}123\u{202f}456\u{feff}",
            "\u{2066}123456\u{2069}",
            "123\u{2013}456",
            "123\u{2212}456",
            "\u{3000}123456",
            "\u{ff11}\u{ff12}\u{ff13}\u{ff14}\u{ff15}\u{ff16}",
            "\u{ff11}23\u{ff0d}45\u{ff16}",
        ] {
            assert_eq!(plain(typed).as_deref(), Some("123456"), "{typed:?}");
        }
        assert_eq!(plain("\u{ff21}b\u{ff43}0").as_deref(), Some("Abc0"));
    }

    #[test]
    fn text_with_any_other_character_is_no_code() {
        for typed in [
            "123_456",
            "12345\u{e9}",
            "\u{8}",
            "123456\u{7f}",
            "\u{ff0e}1",
            "1\0",
        ] {
            assert_eq!(plain(typed), None, "{typed:?}");
        }
        assert!(characters_of_a_code(b"123\xff").is_none());
    }
}
