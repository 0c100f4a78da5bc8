//! The names of events as the policy has them, without "otp.".

use super::Event;

impl Event {
    /// Returns the name without "otp.".
    #[must_use]
    pub fn word(self) -> &'static str {
        let name = self.name();
        name.strip_prefix("otp.").unwrap_or(name)
    }

    /// Whether a hook can be given the event. Events that a script writes are excluded, and the steps of a login.
    #[must_use]
    pub const fn can_be_handed_on(self) -> bool {
        !matches!(self, Self::Reset | Self::Debug)
    }

    /// Returns the event of a word in `[hooks] events`; `None` if no event that a hook can be given has this word.
    #[must_use]
    pub fn for_hooks(word: &str) -> Option<Self> {
        let of_word = |event: &Self| event.can_be_handed_on() && event.word() == word;
        Self::ALL.into_iter().find(of_word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_has_a_word_of_letters() {
        for event in Event::ALL {
            let word = event.word();
            assert!(word.bytes().all(|byte| byte.is_ascii_lowercase()), "{word}");
            assert_eq!(
                Event::for_hooks(word),
                event.can_be_handed_on().then_some(event)
            );
        }
        for none in ["", "otp.lock", "Lock", "lock ", "debug", "reset"] {
            assert_eq!(Event::for_hooks(none), None, "{none}");
        }
    }
}
