//! The name of a file in the queue, which holds all facts that order and bounds depend on.

use otp_core::event::Event;
use sha2::{Digest, Sha256};
use std::fmt;

/// The facts that the name of an event's file holds. They are trusted for order and bounds only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name {
    /// Defines the order: one more than the highest number that waits when the event is added.
    pub number: u64,
    /// Identifies the account of the event: events of one account are handed on in order.
    pub account: u64,
    /// The event.
    pub event: Event,
    /// The real user id of the process that wrote the event.
    pub writer: u32,
    /// The identity of the event, which is the same each time it is handed on.
    pub id: u128,
}

impl Name {
    /// Returns the number that identifies an account in a name; events about no account use the empty account name.
    #[must_use]
    pub fn of_account(account: &str) -> u64 {
        let hash = Sha256::digest(account.as_bytes());
        hash.iter()
            .take(8)
            .fold(0, |number, &byte| number << 8 | u64::from(byte))
    }

    /// Reads a name as it is displayed; `None`: the text is not a name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let name = Self {
            number: decimal(parts.next()?)?,
            account: u64::from_str_radix(parts.next()?, 16).ok()?,
            event: event(parts.next()?)?,
            writer: decimal(parts.next()?)?.try_into().ok()?,
            id: u128::from_str_radix(parts.next()?, 16).ok()?,
        };
        // A name can be written in one way only: no sign, no blank, no capital.
        (parts.next().is_none() && name.to_string() == text).then_some(name)
    }
}

fn decimal(text: &str) -> Option<u64> {
    text.parse().ok()
}

/// Finds an event by its name without "otp.".
fn event(word: &str) -> Option<Event> {
    Event::ALL.into_iter().find(|one| one.word() == word)
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            number,
            account,
            event,
            writer,
            id,
        } = self;
        let event = event.word();
        write!(f, "{number:020}-{account:016x}-{event}-{writer}-{id:032x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_name_reads_back(number: u64, account: u64, event in 0..Event::ALL.len(), writer: u32, id: u128) {
            let name = Name { number, account, event: Event::ALL[event], writer, id };
            let text = name.to_string();
            prop_assert_eq!(Name::parse(&text), Some(name));
            prop_assert!(text.len() < 200 && !text.starts_with('.'));
        }

        #[test]
        fn text_that_reads_as_a_name_is_written_back_the_same(text in "\\PC{0,120}") {
            if let Some(name) = Name::parse(&text) {
                prop_assert_eq!(name.to_string(), text);
            }
        }
    }

    #[test]
    fn a_name_has_only_one_spelling() {
        let name = Name {
            number: 7,
            account: Name::of_account("alice"),
            event: Event::Lock,
            writer: 1000,
            id: 0xabc,
        };
        let text = name.to_string();
        assert_eq!(
            text,
            "00000000000000000007-2bd806c97f0e00af-lock-1000-00000000000000000000000000000abc"
        );
        for other in [
            text.replace("abc", "ABC"),
            text.replace("-1000-", "-+1000-"),
            text.replace("-1000-", "-01000-"),
            text.replace("lock", "otp.lock"),
            format!("{text}-"),
            format!(".{text}"),
            text[1..].to_owned(),
        ] {
            assert_eq!(Name::parse(&other), None, "{other}");
        }
    }

    #[test]
    fn names_sort_by_their_number() {
        let at = |number| {
            let name = Name {
                number,
                account: 1,
                event: Event::Lock,
                writer: 0,
                id: 2,
            };
            name.to_string()
        };
        assert!(at(9) < at(10) && at(10) < at(u64::MAX));
    }
}
