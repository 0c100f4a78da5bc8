//! The kinds of replies that a person can type; each reply is parsed once, at the edge.

use crate::code::TypedCode;
use crate::every;
use crate::mailed::{self, LoginKey, MailedReply};
use crate::record::Digits;
use crate::recovery::{LETTERS_IN_CODE, RecoveryCode};
use crate::typed::{may_stand_between, plain_form};
use subtle::ConstantTimeEq;

/// One reply. Has no `Debug`: it holds a code.
pub enum Input {
    /// Nothing at all. White space is a reply: for a user it refuses, sshd replaces what was typed by as many other
    /// characters. So skipping white space would tell such users from others.
    Empty,
    /// Six to eight digits.
    Code(TypedCode),
    /// A reply in the form of a recovery code.
    Recovery(RecoveryCode),
    /// Eight digits in a login that has asked for a code by mail: the mailed code, or a code of an authenticator.
    Mailed(MailedReply),
    /// Not a code, and not typed as one: no guess.
    NoGuess(NoGuess),
    /// Anything else; it matches nothing and counts as a failure.
    Other,
}

/// Why a reply is no guess at a code: a program sent it, and its user typed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoGuess {
    /// The password of an earlier prompt once more: the program asks its user once and answers every prompt with it.
    PasswordAgain,
    /// The text that sshd sends instead of the reply, for an account that its own configuration refuses.
    SshdSubstitute,
}

impl NoGuess {
    /// All variants.
    pub const ALL: [Self; 2] = every!(NoGuess: PasswordAgain, SshdSubstitute);

    /// The word in the log and between module and helper.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::PasswordAgain => "password-again",
            Self::SshdSubstitute => "sshd-substitute",
        }
    }

    /// Returns the reason with that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }
}

impl Input {
    /// Reads a reply to a prompt that asks only for a code.
    #[must_use]
    pub fn parse(reply: &[u8]) -> Self {
        if reply.is_empty() {
            Self::Empty
        } else if let Some(code) = TypedCode::parse(reply) {
            Self::Code(code)
        } else if let Some(code) = RecoveryCode::parse(reply) {
            Self::Recovery(code)
        } else if is_sshd_substitute(reply) {
            Self::NoGuess(NoGuess::SshdSubstitute)
        } else {
            Self::Other
        }
    }

    /// Treats eight digits as a possible mailed code, in a login that has asked for one. All other codes still count.
    #[must_use]
    pub fn or_mailed(self, key: &LoginKey) -> Self {
        match self {
            Self::Code(typed) if typed.length() == mailed::DIGITS => {
                Self::Mailed(MailedReply::new(typed, key))
            }
            input => input,
        }
    }

    /// Reads a reply to a prompt for a code, after an earlier module has asked for `password`.
    ///
    /// A password in the form of a code is a guess like any other. Otherwise the code of such a user could be guessed
    /// for free.
    #[must_use]
    pub fn parse_after_password(reply: &[u8], password: Option<&[u8]>) -> Self {
        match Self::parse(reply) {
            Self::Other if password.is_some_and(|password| password.ct_eq(reply).into()) => {
                Self::NoGuess(NoGuess::PasswordAgain)
            }
            input => input,
        }
    }
}

/// Whether sshd wrote this reply (`fake_password` of its auth-pam.c): a fixed text, repeated to the length of what was
/// typed. sshd sends it for accounts that `PermitRootLogin`, `AllowUsers` and similar options refuse.
fn is_sshd_substitute(reply: &[u8]) -> bool {
    let text = b"\x08\n\r\x7fINCORRECT".iter().cycle();
    !reply.is_empty() && reply.iter().zip(text).all(|(one, other)| one == other)
}

/// The word that asks for a code by mail.
const WORD_FOR_MAIL: &[u8] = b"email";

/// Whether a reply asks for a code by mail, in any case.
///
/// White space around the word is not allowed: see [`may_ask_for_mail`].
#[must_use]
pub fn asks_for_mail(reply: &[u8]) -> bool {
    reply.eq_ignore_ascii_case(WORD_FOR_MAIL)
}

/// Whether a reply must be answered as a request for a code by mail, if users may ask for one.
///
/// Every reply of that length must. For accounts that it refuses, sshd replaces what is typed by as many other
/// characters. So an answer to the word alone would tell those accounts from others. No reply of this length can be a
/// code, so it is no guess either.
#[must_use]
pub fn may_ask_for_mail(reply: &[u8]) -> bool {
    reply.len() == WORD_FOR_MAIL.len()
}

/// Splits a reply into the password and the code that follows it.
///
/// A recovery code counts only with its dashes (`XXXX-XXXX-XXXX-XXXX`): sixteen letters without them could be the end
/// of a password. A time-based code is the last `digits` digits. Invisible characters from a clipboard may follow the
/// code. If there is neither code, the whole reply is the password, and the code is empty.
#[must_use]
pub fn cut(reply: &[u8], digits: Digits) -> (&[u8], &[u8]) {
    // A password may have any bytes; a code is text.
    let tail = match reply.utf8_chunks().last() {
        Some(chunk) if chunk.invalid().is_empty() => chunk.valid(),
        Some(_) | None => "",
    };
    let code = tail.trim_end_matches(|c| c != '-' && may_stand_between(c));
    let password = recovery_code_at_the_end(code).or_else(|| digits_at_the_end(code, digits));
    let length = password.map_or(0, |at| tail.len() - at);
    reply.split_at(reply.len() - length)
}

/// Finds where a recovery code with its dashes begins, if it ends `text`.
fn recovery_code_at_the_end(text: &str) -> Option<usize> {
    const DASHED: usize = LETTERS_IN_CODE + 3;
    let (start, _) = text.char_indices().nth_back(DASHED - 1)?;
    let dashed = text[start..].chars().enumerate().all(|(at, c)| {
        let c = plain_form(c);
        (c == '-') == (at % 5 == 4) && !c.is_whitespace()
    });
    (dashed && RecoveryCode::parse(&text.as_bytes()[start..]).is_some()).then_some(start)
}

/// Finds where a time-based code begins, if it ends `text`.
fn digits_at_the_end(text: &str, digits: Digits) -> Option<usize> {
    let count = usize::from(digits.count());
    let (start, _) = text.char_indices().nth_back(count.checked_sub(1)?)?;
    let all = text[start..]
        .chars()
        .all(|c| plain_form(c).is_ascii_digit());
    all.then_some(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(input: &Input) -> &'static str {
        match input {
            Input::Empty => "empty",
            Input::Code(_) => "code",
            Input::Recovery(_) => "recovery",
            Input::Mailed(_) => "mailed",
            Input::NoGuess(why) => why.word(),
            Input::Other => "other",
        }
    }

    #[test]
    fn a_reply_is_classified_by_its_form() {
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
            ("-", "other"),
            ("\u{ff11}\u{ff12}\u{ff13}456", "code"),
            ("123456\r", "code"),
        ] {
            assert_eq!(kind(&Input::parse(reply.as_bytes())), expected, "{reply:?}");
        }
        assert_eq!(kind(&Input::parse(b"\xff\xfe")), "other");
    }

    #[test]
    fn eight_digits_may_be_a_mailed_code_if_one_was_requested() {
        let kind = |reply: &str| {
            let key = LoginKey::from_random([7; LoginKey::BYTES]);
            kind(&Input::parse(reply.as_bytes()).or_mailed(&key))
        };
        for (reply, expected) in [
            ("12345678", "mailed"),
            ("1234 5678", "mailed"),
            ("123456", "code"),
            ("1234567", "code"),
            ("0123-4567-89ab-cdef", "recovery"),
            ("", "empty"),
            ("email", "other"),
        ] {
            assert_eq!(kind(reply), expected, "{reply:?}");
        }
    }

    #[test]
    fn only_the_word_email_in_any_case_requests_a_mailed_code() {
        for word in ["email", "EMAIL", "Email"] {
            assert!(asks_for_mail(word.as_bytes()), "{word:?}");
        }
        for other in [
            "", "     ", "e-mail", "mail", "emai1", "emails", "email ", "email\r",
        ] {
            assert!(!asks_for_mail(other.as_bytes()), "{other:?}");
        }
    }

    /// No reply that could be a code goes uncounted.
    #[test]
    fn a_reply_that_must_be_answered_like_the_word_email_is_no_code() {
        let sshd = "\u{8}\n\r\u{7f}INCORRECT";
        for reply in ["email", "12345", "hello", "1 2 3", &sshd[..5]] {
            assert!(may_ask_for_mail(reply.as_bytes()));
            let input = Input::parse(reply.as_bytes());
            assert!(
                matches!(input, Input::Other | Input::NoGuess(_)),
                "{reply:?}"
            );
        }
        for reply in ["", "1234", "123456", "email ", &sshd[..6]] {
            assert!(!may_ask_for_mail(reply.as_bytes()), "{reply:?}");
        }
    }

    #[test]
    fn the_substitute_that_sshd_sends_for_refused_accounts_is_no_guess() {
        let text = "\u{8}\n\r\u{7f}INCORRECT".repeat(4);
        for length in 1..text.len() {
            let reply = &text.as_bytes()[..length];
            assert_eq!(kind(&Input::parse(reply)), "sshd-substitute", "{length}");
        }
        for reply in [
            "\n",
            "INCORRECT",
            "\u{8}\n\r\u{7f}INCORRECT!",
            "\u{8}\n\r\u{7f}INCORRECTI",
        ] {
            assert_eq!(kind(&Input::parse(reply.as_bytes())), "other", "{reply:?}");
        }
    }

    #[test]
    fn a_repeated_password_is_no_guess_unless_it_looks_like_a_code() {
        let kind_after =
            |reply: &str, password| kind(&Input::parse_after_password(reply.as_bytes(), password));
        for (reply, password, expected) in [
            ("hunter2", Some("hunter2"), "password-again"),
            ("hunter2", Some("hunter3"), "other"),
            ("hunter2", Some("hunter22"), "other"),
            ("hunter2", Some(""), "other"),
            ("hunter2", None, "other"),
            ("123456", Some("123456"), "code"),
            ("123 456", Some("123 456"), "code"),
            (
                "0123-4567-89ab-cdef",
                Some("0123-4567-89ab-cdef"),
                "recovery",
            ),
            ("", Some(""), "empty"),
        ] {
            let kind = kind_after(reply, password.map(str::as_bytes));
            assert_eq!(kind, expected, "{reply:?} after {password:?}");
        }
    }

    #[test]
    fn each_reason_reads_back_from_its_word() {
        for why in NoGuess::ALL {
            assert_eq!(NoGuess::from_word(why.word()), Some(why));
        }
        assert_eq!(NoGuess::from_word("other"), None);
    }

    #[test]
    fn the_code_is_cut_off_at_the_end_of_the_reply() {
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
            ("hunter2123456\r\n", "hunter2", "code"),
            ("hunter2\u{ff11}2345\u{ff16}\u{200b}", "hunter2", "code"),
            ("\u{be44}\u{bc00}123456", "\u{be44}\u{bc00}", "code"),
            ("hunter2\u{ff10}123-4567-89AB-CDEF", "hunter2", "recovery"),
            ("hunter2 ", "hunter2 ", "empty"),
            ("hunter2123456-", "hunter2123456-", "empty"),
            // A dash in a wrong position, and a letter that no recovery code has.
            ("0123-456-789AB-CDEF", "0123-456-789AB-CDEF", "empty"),
            ("abcd-efgu-0123-4567", "abcd-efgu-0123-4567", "empty"),
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
    fn a_password_of_any_bytes_is_kept_whole_when_the_code_is_cut_off() {
        let (password, code) = cut(b"p\xe4ss\xff123456", Digits::SIX);
        assert_eq!((password, code), (&b"p\xe4ss\xff"[..], &b"123456"[..]));
        let (password, code) = cut(b"123456\xff", Digits::SIX);
        assert_eq!((password, code), (&b"123456\xff"[..], &b""[..]));
    }

    #[test]
    fn the_policy_decides_how_many_digits_are_the_code() {
        let (password, code) = cut(b"pass12345678", Digits::new(8).unwrap());
        assert_eq!((password, code), (&b"pass"[..], &b"12345678"[..]));
    }
}
