//! An event that has happened, with its values; and its line in the log, whose words never change.

use super::{Event, Key, Phase, Severity, Text, Value};
use std::fmt;

/// Who acted, if that is known in addition to the account that the event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The real user id of a process.
    RealUid(u32),
    /// The user id that the person logged in with: the kernel keeps it through sudo and su.
    LoginUid(u32),
    /// The user id that called sudo, according to the environment. A process of root can put any number there.
    EnvSudoUid(u32),
}

/// What happened, how grave it is, and everything that is said about it. Its `Display` is one line of the log: `event
/// key="value" ...`, without the prefix that syslog adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    event: Event,
    severity: Severity,
    /// In the order of the line.
    values: Vec<Value>,
}

impl Entry {
    /// Begins an entry. The event and the severity must fit, as [`Event::severities`] says.
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

    /// Adds a value, whose key the event must have.
    pub fn add(&mut self, value: Value) {
        let key = value.key();
        debug_assert!(
            Key::OF_EVERY_LINE.contains(&key) || self.event.keys().contains(&key),
            "{:?} has no key {key:?}",
            self.event
        );
        self.values.push(value);
    }

    /// Returns the entry with one more value.
    #[must_use]
    pub fn with(mut self, value: Value) -> Self {
        self.add(value);
        self
    }

    /// Returns the entry for the case that the user was shown nothing.
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

    /// The values, in the order of the line.
    #[must_use]
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The part of PAM in which it happened; authentication if no value says so.
    #[must_use]
    pub fn phase(&self) -> Phase {
        let phase = self.values.iter().find_map(|value| match value {
            Value::Phase(phase) => Some(*phase),
            _ => None,
        });
        phase.unwrap_or(Phase::Authentication)
    }

    /// The request, or the change.
    #[must_use]
    pub fn verb(&self) -> Option<&'static str> {
        self.values.iter().find_map(|value| match value {
            Value::Verb(word) => Some(*word),
            _ => None,
        })
    }

    /// Keys and values, in the order of the line; empty values are left out.
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

    /// The account that the event is about: its canonical name, if that differs from the given one.
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

    /// Who acted, as far as that is known, in the order of the line.
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
