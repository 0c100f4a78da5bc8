//! An event that has happened, with its values; and the line of the log that it makes, in the same words for ever.

use super::{Event, Key, Phase, Severity, Text, Value};
use std::fmt;

/// Who did it, where that is known beside the account that it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The real user id of a process.
    RealUid(u32),
    /// The user id that the person logged in with: the kernel keeps it through sudo and su.
    LoginUid(u32),
    /// The user id that sudo was called by: what the environment says, which whoever is root can have say anything.
    EnvSudoUid(u32),
}

/// What happened, how grave it is, and everything that is said about it. Displayed, it is one line of the log:
/// `event key="value" ...`, without what syslog puts before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    event: Event,
    severity: Severity,
    /// In the order of the line.
    values: Vec<Value>,
}

impl Entry {
    /// Begins an entry. Both belong together as [`Event::severities`] says.
    #[must_use]
    pub fn new(event: Event, severity: Severity) -> Self {
        debug_assert!(
            event.severities().contains(&severity),
            "{event:?} is never {severity:?}"
        );
        Self {
            event,
            severity,
            values: Vec::new(),
        }
    }

    /// Adds a value, with a key that the event has.
    pub fn add(&mut self, value: Value) {
        let key = value.key();
        debug_assert!(
            Key::OF_EVERY_LINE.contains(&key) || self.event.keys().contains(&key),
            "{:?} has no key {key:?}",
            self.event
        );
        self.values.push(value);
    }

    /// The entry with one value more.
    #[must_use]
    pub fn with(mut self, value: Value) -> Self {
        self.add(value);
        self
    }

    /// The entry as it is where nobody was told anything.
    #[must_use]
    pub fn not_shown(mut self) -> Self {
        for value in &mut self.values {
            if let Value::Message(id) = *value {
                *value = Value::NotShown(id);
            }
        }
        self
    }

    /// What happened.
    #[must_use]
    pub const fn event(&self) -> Event {
        self.event
    }

    /// How grave it is.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.severity
    }

    /// What is said about it, in the order of the line.
    #[must_use]
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The part of PAM that it happened in, or that comes nearest.
    #[must_use]
    pub fn phase(&self) -> Phase {
        let phase = self.values.iter().find_map(|value| match value {
            Value::Phase(phase) => Some(*phase),
            _ => None,
        });
        phase.unwrap_or(Phase::Authentication)
    }

    /// What was asked for, or has changed.
    #[must_use]
    pub fn verb(&self) -> Option<&'static str> {
        self.values.iter().find_map(|value| match value {
            Value::Verb(word) => Some(*word),
            _ => None,
        })
    }

    /// Keys and values, in the order of the line; those that say nothing are left out.
    pub fn pairs(&self) -> impl Iterator<Item = (Key, Text)> {
        let pairs = self.values.iter().map(|value| (value.key(), value.text()));
        pairs.filter(|(_, text)| !text.as_str().is_empty())
    }

    /// The name that the program gave for the account.
    #[must_use]
    pub fn user(&self) -> Option<&Text> {
        self.said(|value| match value {
            Value::User(text) => Some(text),
            _ => None,
        })
    }

    /// The account that it is about: by its canonical name, where that was found to be another than what was given.
    #[must_use]
    pub fn account(&self) -> Option<&Text> {
        let account = self.said(|value| match value {
            Value::Account(text) => Some(text),
            _ => None,
        });
        account.or_else(|| self.user())
    }

    /// The PAM service.
    #[must_use]
    pub fn service(&self) -> Option<&Text> {
        self.said(|value| match value {
            Value::Service(text) => Some(text),
            _ => None,
        })
    }

    /// Where the login comes from, as the program says.
    #[must_use]
    pub fn remote_address(&self) -> Option<&Text> {
        self.said(|value| match value {
            Value::Rhost(text) => Some(text),
            _ => None,
        })
    }

    /// The terminal, as the program says.
    #[must_use]
    pub fn terminal(&self) -> Option<&Text> {
        self.said(|value| match value {
            Value::Tty(text) => Some(text),
            _ => None,
        })
    }

    /// Who did it, as far as that is known, in the order of the line.
    pub fn actors(&self) -> impl Iterator<Item = Actor> {
        self.values.iter().filter_map(|value| match value {
            Value::CallerUid(uid) => Some(Actor::RealUid(*uid)),
            Value::LoginUid(uid) => Some(Actor::LoginUid(*uid)),
            Value::EnvSudoUid(uid) => Some(Actor::EnvSudoUid(*uid)),
            _ => None,
        })
    }

    fn said<'a>(&'a self, which: impl Fn(&'a Value) -> Option<&'a Text>) -> Option<&'a Text> {
        let text = self.values.iter().find_map(which);
        text.filter(|text| !text.as_str().is_empty())
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.event.name())?;
        for (key, text) in self.pairs() {
            write!(f, " {}=\"{}\"", key.word(), text.as_str())?;
        }
        Ok(())
    }
}
