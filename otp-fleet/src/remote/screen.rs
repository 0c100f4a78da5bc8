//! A filter for a verifier's output on an administrator's terminal: it passes text, and nothing that the terminal
//! would act on.
//!
//! Otherwise an intruder in a verifier could forge what the administrator sees, or make the terminal type.
//! otp-admin's own output for people has no control sequences: its output there is a pipe, so it has neither colours
//! nor progress. If the session's output is not a terminal, it is passed on byte by byte.

use std::io::{self, Write};

/// Replaces a character that is left out.
const LEFT_OUT: char = '\u{fffd}';

/// A terminal that gets only text.
pub struct Screen<W> {
    to: W,
    /// The beginning of a character whose rest is still to come.
    begun: Vec<u8>,
}

impl<W: Write> Screen<W> {
    /// Filters everything that is written to `to`.
    pub const fn of(to: W) -> Self {
        let begun = Vec::new();
        Self { to, begun }
    }
}

impl<W: Write> Write for Screen<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = zeroize::Zeroizing::new(std::mem::take(&mut self.begun));
        rest.extend_from_slice(bytes);
        let mut text = zeroize::Zeroizing::new(String::with_capacity(2 * rest.len()));
        for chunk in rest.utf8_chunks() {
            text.extend(chunk.valid().chars().map(harmless));
            let invalid = chunk.invalid();
            if invalid.is_empty() {
                continue;
            }
            let is_at_the_end =
                std::ptr::eq(chunk.invalid().as_ptr_range().end, rest.as_ptr_range().end);
            let is_begun =
                std::str::from_utf8(invalid).is_err_and(|error| error.error_len().is_none());
            if is_at_the_end && is_begun {
                self.begun = invalid.to_vec();
            } else {
                text.push(LEFT_OUT);
            }
        }
        self.to.write_all(text.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Replaces harmful characters; line ends and tabs stay. Some of the others move the cursor or begin a control
/// sequence, and some reverse the direction of text.
fn harmless(one: char) -> char {
    let turns_around =
        matches!(one, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if (one.is_control() && !matches!(one, '\n' | '\t')) || turns_around {
        LEFT_OUT
    } else {
        one
    }
}

/// Replaces harmful characters in a text of one line, and line ends and tabs by spaces.
#[must_use]
pub fn plain(text: &str) -> String {
    let one = |one| {
        if one == '\n' || one == '\t' {
            ' '
        } else {
            harmless(one)
        }
    };
    text.chars().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(pieces: &[&[u8]]) -> String {
        let mut screen = Screen::of(Vec::new());
        for piece in pieces {
            screen.write_all(piece).unwrap();
        }
        String::from_utf8(screen.to).unwrap()
    }

    #[test]
    fn no_escape_sequence_reaches_a_terminal_however_it_is_split() {
        let orders: [&[u8]; 6] = [
            b"\x1b]0;title\x07",
            b"\x1b[2J\x1b[31m",
            b"a\rb\x08\x7f",
            b"\xc2\x9b2J",
            b"\x9b2J",
            "\u{202e}txt".as_bytes(),
        ];
        for order in orders {
            for cut in 0..=order.len() {
                let text = shown(&[&order[..cut], &order[cut..]]);
                let is_harmful = |one: char| one.is_control() || one == '\u{202e}';
                assert!(!text.contains(is_harmful), "{order:?} {cut}: {text:?}");
                assert!(text.contains(LEFT_OUT), "{order:?} {cut}: {text:?}");
            }
        }
    }

    #[test]
    fn text_stays_unchanged_however_it_is_split() {
        let text = "name\t가나다 ü €\nnext\n";
        for cut in 0..=text.len() {
            let (first, second) = text.as_bytes().split_at(cut);
            assert_eq!(shown(&[first, second]), text, "{cut}");
        }
        let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        assert_eq!(shown(&bytes), text);
    }

    #[test]
    fn a_reason_is_one_line() {
        assert_eq!(plain("a\nb\x1b[2J"), "a b\u{fffd}[2J");
    }
}
