//! The names of events as policy has them, without "otp.".

use super::Event;

impl Event {
    /// The name without "otp.".
    #[must_use]
    pub fn word(self) -> &'static str {
        let name = self.name();
        name.strip_prefix("otp.").unwrap_or(name)
    }

    /// Whether a hook can be given it. Not what a script writes, and not the steps of a login.
    #[must_use]
    pub const fn can_be_handed_on(self) -> bool {
        !matches!(self, Self::Reset | Self::Debug)
    }

    /// The event of a word in `[hooks] events`; `None`: there is none that a hook can be given.
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
