//! Replies that people type, against pam_otp-format(5), AN ATTEMPT, 2, word by word.

use otp_core::Input;
use otp_core::code::TypedCode;
use otp_core::input::{NoGuess, cut, may_ask_for_mail};
use otp_core::record::Digits;

pub(super) fn run(bytes: &[u8]) {
    look_at(bytes);
    // The same bytes as characters with a meaning.
    let characters: Vec<char> =
        "0123456789abAOoIiLlUVz  --\u{a0}\u{2013}\u{200b}\u{ff11}\u{ff21}\u{ff0d}_"
            .chars()
            .collect();
    let text: String = bytes
        .iter()
        .map(|byte| characters[usize::from(*byte) % characters.len()])
        .collect();
    look_at(text.as_bytes());
    for (length, _) in text.char_indices().take(24) {
        look_at(&text.as_bytes()[..length]);
    }
}

fn look_at(bytes: &[u8]) {
    let input = Input::parse(bytes);
    let plain = std::str::from_utf8(bytes).ok().map(plain);
    let kind = kind_of(bytes, plain.as_deref());
    assert_eq!(kind_as_read(&input), kind);
    match &input {
        Input::Code(code) => {
            assert_eq!(code.length(), plain.as_deref().unwrap().len());
        }
        Input::Recovery(code) => {
            let shown = code.reveal();
            assert_eq!(shown.replace('-', ""), in_the_alphabet(&plain.unwrap()));
            assert_eq!(kind_as_read(&Input::parse(shown.as_bytes())), "recovery");
        }
        Input::Empty | Input::NoGuess(_) | Input::Other => {}
        Input::Mailed(_) => unreachable!("no mail was asked for"),
    }
    if may_ask_for_mail(bytes) {
        assert!(
            matches!(kind, "other" | "no guess"),
            "a guess at a code never counts as the word that asks for mail"
        );
    }
    assert_eq!(TypedCode::parse(bytes).is_some(), kind == "code");

    for (password, expected) in [
        (Some(bytes), true),
        (Some(&b"another"[..]), bytes == b"another"),
        (None, false),
    ] {
        let input = Input::parse_after_password(bytes, password);
        let again = matches!(input, Input::NoGuess(NoGuess::PasswordAgain));
        assert_eq!(
            again,
            expected && kind == "other",
            "a reply that looks like a code is a guess"
        );
        if !again {
            assert_eq!(kind_as_read(&input), kind);
        }
    }

    for digits in 6..=8 {
        let (password, code) = cut(bytes, Digits::new(digits).unwrap());
        assert_eq!([password, code].concat(), bytes);
        let kind = kind_as_read(&Input::parse(code));
        assert!(
            matches!(kind, "empty" | "code" | "recovery"),
            "the part that is cut off is a code"
        );
        if let Input::Code(code) = Input::parse(code) {
            assert_eq!(code.length() as u64, digits);
        }
    }
}

fn kind_as_read(input: &Input) -> &'static str {
    match input {
        Input::Empty => "empty",
        Input::Code(_) => "code",
        Input::Recovery(_) => "recovery",
        Input::Mailed(_) => "mailed",
        Input::NoGuess(_) => "no guess",
        Input::Other => "other",
    }
}

fn kind_of(bytes: &[u8], plain: Option<&str>) -> &'static str {
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    match plain {
        _ if bytes.is_empty() => "empty",
        Some(text) if (6..=8).contains(&text.len()) && digits(text) => "code",
        Some(text) if is_recovery_code(text) => "recovery",
        _ if b"\x08\n\r\x7fINCORRECT"
            .repeat(bytes.len() / 13 + 1)
            .starts_with(bytes) =>
        {
            "no guess"
        }
        _ => "other",
    }
}

fn is_recovery_code(text: &str) -> bool {
    text.is_ascii()
        && text.len() == 16
        && in_the_alphabet(text)
            .chars()
            .all(|c| "0123456789ABCDEFGHJKMNPQRSTVWXYZ".contains(c))
}

fn in_the_alphabet(text: &str) -> String {
    text.to_ascii_uppercase()
        .replace('O', "0")
        .replace(['I', 'L'], "1")
}

/// Turns full-width characters into plain ones, and removes those that may separate.
fn plain(text: &str) -> String {
    const BETWEEN: [(u32, u32); 10] = [
        (0x2D, 0x2D),
        (0x2010, 0x2015),
        (0x2212, 0x2212),
        (0x200B, 0x200F),
        (0x202A, 0x202E),
        (0x2060, 0x2064),
        (0x2066, 0x2069),
        (0xFEFF, 0xFEFF),
        (0x2000, 0x200A),
        (0x9, 0xD),
    ];
    const SPACES: &str = " \u{85}\u{a0}\u{1680}\u{2028}\u{2029}\u{202f}\u{205f}\u{3000}";
    text.chars()
        .map(|c| match u32::from(c) {
            wide @ 0xFF01..=0xFF5E => char::from_u32(wide - 0xFEE0).unwrap(),
            _ => c,
        })
        .filter(|&c| {
            !BETWEEN
                .iter()
                .any(|&(from, to)| (from..=to).contains(&u32::from(c)))
        })
        .filter(|&c| !SPACES.contains(c))
        .collect()
}

/// Returns the kind of a reply, and the reply without separators, for the model of logins.
pub(crate) fn kind_and_plain(bytes: &[u8]) -> (&'static str, String) {
    let plain = std::str::from_utf8(bytes).ok().map(plain);
    (kind_of(bytes, plain.as_deref()), plain.unwrap_or_default())
}
