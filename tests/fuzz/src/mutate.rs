//! Changes bytes that were made for a parser: their lines, words and numbers, and any byte.

use crate::dice::Random;

/// Texts that parsers have disagreed about, and parts of formats.
const ODD: &[&str] = &[
    "\u{feff}",
    "\u{a0}",
    "\u{85}",
    "\u{2028}",
    "\u{2003}",
    "\u{3000}",
    "\u{b}",
    "\u{c}",
    "\r",
    "\r\n",
    "\n",
    "\t",
    " ",
    "  ",
    "\0",
    "+",
    "-",
    "_",
    "\"",
    "'",
    "\"\"\"",
    "'''",
    "\\",
    "#",
    "=",
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    ",",
    ".",
    "é",
    "한",
    "\u{ff11}",
    "\u{200b}",
    "\u{202e}",
    "# end",
    "@include ",
    "include ",
    "substack ",
    "\\\n",
    " \\\n",
    "true",
    "nan",
    "inf",
    "1979-05-27",
    "checksum ",
    "\nchecksum ",
    "pam_otp-state ",
];

const NUMBERS: &[&str] = &[
    "0",
    "1",
    "-0",
    "+0",
    "-1",
    "+1",
    "00",
    "01",
    "2",
    "7",
    "40",
    "41",
    "-40",
    "-41",
    "+40",
    "120",
    "121",
    "255",
    "256",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "340282366920938463463374607431768211456",
    "0x1E",
    "0o36",
    "0b11110",
    "0X1E",
    "1_000",
    "1__0",
    "_1",
    "1_",
    "0x_1",
    "1e3",
    "1.0",
    "3_0",
    "0x7fffffffffffffff",
    "0xffffffffffffffff",
    "-0x1",
    "٣",
    "-",
];

/// Changes `bytes` once or a few times.
#[must_use]
pub fn changed(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=random.below(3) {
        change(&mut bytes, random);
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, random: &mut Random) {
    match random.below(14) {
        0 => {
            let at = random.below(bytes.len());
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
        1 => {
            let at = random.below(bytes.len());
            if let Some(byte) = bytes.get_mut(at) {
                *byte = random.number().to_le_bytes()[0];
            }
        }
        2 | 3 => {
            let odd = random.pick(ODD);
            insert(bytes, random.below(bytes.len() + 1), odd.as_bytes());
        }
        4 => {
            let from = random.below(bytes.len());
            let most = if random.one_in(4) { 64 } else { 3 };
            let to = (from + 1 + random.below(most)).min(bytes.len());
            bytes.drain(from.min(to)..to);
        }
        5 => {
            let length = random.below(bytes.len() + 1);
            if random.one_in(6) {
                bytes.truncate(length);
            }
        }
        6..=9 => change_lines(bytes, random),
        10 | 11 => replace_number(bytes, random),
        12 => swap_words(bytes, random),
        _ => {
            let at = random.below(bytes.len());
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= if byte.is_ascii_alphabetic() { 0x20 } else { 0 };
            }
        }
    }
}

fn insert(bytes: &mut Vec<u8>, at: usize, what: &[u8]) {
    bytes.splice(at..at, what.iter().copied());
}

/// Doubles, removes, moves or joins lines, or adds something at the end or the beginning of one.
fn change_lines(bytes: &mut Vec<u8>, random: &mut Random) {
    let mut lines: Vec<Vec<u8>> = bytes
        .split(|&byte| byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    let at = random.below(lines.len());
    let other = random.below(lines.len());
    match random.below(7) {
        0 => lines.insert(other, lines[at].clone()),
        1 => drop(lines.remove(at)),
        2 => lines.swap(at, other),
        3 => lines[at].extend_from_slice(random.pick(ODD).as_bytes()),
        4 => insert(&mut lines[at], 0, random.pick(ODD).as_bytes()),
        5 => lines.insert(at, Vec::new()),
        _ => {
            let line = lines.remove(at);
            if let Some(next) = lines.get_mut(at) {
                insert(next, 0, &line);
            } else {
                lines.push(line);
            }
        }
    }
    *bytes = lines.join(&b'\n');
}

/// Returns the places of all runs of bytes of one kind.
fn runs(bytes: &[u8], is_of: impl Fn(u8) -> bool) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut begun = None;
    for (at, &byte) in bytes.iter().chain([&b'\n']).enumerate() {
        match (begun, is_of(byte) && at < bytes.len()) {
            (None, true) => begun = Some(at),
            (Some(from), false) => {
                found.push((from, at));
                begun = None;
            }
            _ => {}
        }
    }
    found
}

fn replace_number(bytes: &mut Vec<u8>, random: &mut Random) {
    let numbers = runs(bytes, |byte| byte.is_ascii_digit() || byte == b'-');
    if numbers.is_empty() {
        return;
    }
    let (from, to) = numbers[random.below(numbers.len())];
    let number = if random.one_in(3) {
        // The same number in another notation.
        let written = String::from_utf8_lossy(&bytes[from..to]).into_owned();
        match written.parse::<u64>() {
            Ok(value) => match random.below(7) {
                0 => format!("+{value}"),
                1 => format!("0x{value:x}"),
                2 => format!("0o{value:o}"),
                3 => format!("0b{value:b}"),
                4 => format!("0{value}"),
                5 => format!("{}", value.wrapping_add(1)),
                _ => format!("-{value}"),
            },
            Err(_) => written,
        }
    } else {
        random.pick(NUMBERS).to_owned()
    };
    bytes.splice(from..to, number.into_bytes());
}

fn swap_words(bytes: &mut Vec<u8>, random: &mut Random) {
    let words = runs(bytes, |byte| !byte.is_ascii_whitespace());
    if words.is_empty() {
        return;
    }
    let (from, to) = words[random.below(words.len())];
    let (other_from, other_to) = words[random.below(words.len())];
    let other = bytes[other_from..other_to].to_vec();
    bytes.splice(from..to, other);
}
