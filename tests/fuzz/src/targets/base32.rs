//! Keys as text, against a decoder that knows only the alphabet.

use otp_core::base32;
use std::fmt::Write;

const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

pub(super) fn run(bytes: &[u8]) {
    let text = base32::reveal(bytes);
    assert_eq!(base32::parse(&text).unwrap().as_slice(), bytes);
    let in_groups = base32::reveal_in_groups(bytes);
    let lines: Vec<&str> = in_groups.iter().map(|line| line.as_str()).collect();
    assert_eq!(base32::parse(&lines.join(" ")).unwrap().as_slice(), bytes);

    look_at(&String::from_utf8_lossy(bytes));
    // The same bytes as letters of the alphabet and its neighbours.
    let letters: Vec<char> = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567abz =-".chars().collect();
    let text: String = bytes
        .iter()
        .map(|byte| letters[usize::from(*byte) % letters.len()])
        .collect();
    look_at(&text);
    // And each length of that text.
    for length in 0..text.len().min(20) {
        look_at(&text[..length]);
    }
}

fn look_at(text: &str) {
    let expected = naive(text);
    assert_eq!(base32::parse(text).map(|key| key.to_vec()), expected);
    assert_eq!(base32::bytes_in(text), expected.map(|key| key.len()));
}

/// Decodes bit by bit: whole bytes in as few letters as possible, and only zeros in the bits that are left over.
fn naive(text: &str) -> Option<Vec<u8>> {
    let mut bits = String::new();
    for c in text
        .trim_end_matches('=')
        .chars()
        .filter(|c| !matches!(c, ' ' | '-'))
    {
        let value = LETTERS.find(c.to_ascii_uppercase())?;
        write!(bits, "{value:05b}").unwrap();
    }
    let whole = bits.len() / 8 * 8;
    let (bytes, left_over) = bits.split_at(whole);
    if left_over.len() >= 5 || left_over.contains('1') {
        return None;
    }
    let bytes = bytes
        .as_bytes()
        .chunks(8)
        .map(|byte| std::str::from_utf8(byte).unwrap());
    Some(
        bytes
            .map(|byte| u8::from_str_radix(byte, 2).unwrap())
            .collect(),
    )
}
