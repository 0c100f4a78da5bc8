//! What a person typed, told apart once at the edge.

use crate::code::TypedCode;
use crate::record::Digits;
use crate::recovery::{LETTERS_IN_CODE, RecoveryCode};

/// One reply. Has no `Debug`: it holds a code.
pub enum Input {
    /// Nothing at all. White space is a reply: sshd replaces what a user it refuses has typed by other characters
    /// of the same number, so anything looser would tell such a user from others.
    Empty,
    /// Six to eight digits.
    Code(TypedCode),
    /// A recovery code by its form.
    Recovery(RecoveryCode),
    /// Anything else; matches nothing and counts as a failure.
    Other,
}

impl Input {
    /// Reads a reply to a prompt for a code alone.
    #[must_use]
    pub fn parse(reply: &[u8]) -> Self {
        if reply.is_empty() {
            Self::Empty
        } else if let Some(code) = TypedCode::parse(reply) {
            Self::Code(code)
        } else if let Some(code) = RecoveryCode::parse(reply) {
            Self::Recovery(code)
        } else {
            Self::Other
        }
    }
}

/// Cuts a reply that holds a password and then a code: the password, and what was typed of the code.
///
/// A recovery code counts only with its dashes (`XXXX-XXXX-XXXX-XXXX`): sixteen letters without them could be the
/// end of a password. A time-based code is the last `digits` digits. Where neither is there, all of the reply is
/// the password and the code is empty.
#[must_use]
pub fn cut(reply: &[u8], digits: Digits) -> (&[u8], &[u8]) {
    const DASHED: usize = LETTERS_IN_CODE + 3;
    if let Some(start) = reply.len().checked_sub(DASHED) {
        let tail = &reply[start..];
        let dashed = tail
            .iter()
            .enumerate()
            .all(|(at, &byte)| (byte == b'-') == (at % 5 == 4) && byte != b' ');
        if dashed && RecoveryCode::parse(tail).is_some() {
            return reply.split_at(start);
        }
    }
    if let Some(start) = reply.len().checked_sub(digits.count().into())
        && reply[start..].iter().all(u8::is_ascii_digit)
    {
        return reply.split_at(start);
    }
    (reply, b"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(input: &Input) -> &'static str {
        match input {
            Input::Empty => "empty",
            Input::Code(_) => "code",
            Input::Recovery(_) => "recovery",
            Input::Other => "other",
        }
    }

    #[test]
    fn a_reply_is_told_apart_by_its_form() {
        for (reply, expected) in [
            ("", "empty"),
            (" ", "other"),
            (" \t\r\n", "other"),
            ("123456", "code"),
            ("123 456", "code"),
            ("12345678", "code"),
            ("123456789", "other"),
            ("0123-4567-89ab-cdef", "recovery"),
            ("0000000000000000", "recovery"),
            ("password", "other"),
            ("\u{8}\n\r\u{7f}INCORRECT", "other"),
            ("-", "other"),
        ] {
            assert_eq!(kind(&Input::parse(reply.as_bytes())), expected, "{reply:?}");
        }
        assert_eq!(kind(&Input::parse(b"\xff\xfe")), "other");
    }

    #[test]
    fn password_and_code_are_cut_from_the_end() {
        for (reply, password, expected) in [
            ("hunter2123456", "hunter2", "code"),
            ("123456", "", "code"),
            ("p\u{e4}ss 123456", "p\u{e4}ss ", "code"),
            ("hunter20123-4567-89AB-CDEF", "hunter2", "recovery"),
            ("0123-4567-89ab-cdef", "", "recovery"),
            ("abcd-efgh-0123-4567-89ab-cdef", "abcd-efgh-", "recovery"),
            ("hunter2", "hunter2", "empty"),
            ("0123456789ABCDEF", "0123456789ABCDEF", "empty"),
            ("", "", "empty"),
            ("12345", "12345", "empty"),
        ] {
            let (cut_password, code) = cut(reply.as_bytes(), Digits::SIX);
            let input = Input::parse(code);
            assert_eq!(
                (cut_password, kind(&input)),
                (password.as_bytes(), expected),
                "{reply:?}"
            );
        }
    }

    #[test]
    fn the_policy_says_how_many_digits_are_the_code() {
        let (password, code) = cut(b"pass12345678", Digits::new(8).unwrap());
        assert_eq!((password, code), (&b"pass"[..], &b"12345678"[..]));
    }
}
