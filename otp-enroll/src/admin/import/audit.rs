//! Logs an import: one entry for each account, by the thread that stored it. No other code logs imports.

use super::plan::Coming;
use crate::log;
use otp_core::event::{Entry, Event, Severity, Text, Value};
use otp_core::record::Name;
use otp_store::Error;
use otp_store::account::Imported;

/// The facts about an account for its log entry, taken before its keys are moved.
pub struct Told {
    user: String,
    source: &'static str,
    authenticators: Vec<Name>,
}

impl Told {
    /// Takes the facts about an account, imported from the named program.
    pub fn of(coming: &Coming, source: &'static str) -> Self {
        let names = coming
            .devices
            .iter()
            .map(|one| one.authenticator.name.clone());
        Self {
            user: coming.account.name.as_str().to_owned(),
            source,
            authenticators: names.collect(),
        }
    }

    /// Logs the result; an import that changed nothing is not logged.
    pub fn record(self, outcome: &Result<Imported, Error>) {
        let (severity, reason) = match outcome {
            Ok(Imported::Done | Imported::MovedOn) => (Severity::Notice, None),
            Ok(Imported::Unchanged) => return,
            Ok(Imported::AlreadyEnrolled) => (
                Severity::Warning,
                Some("the user has other keys here".to_owned()),
            ),
            Err(error) => (Severity::Warning, Some(error.to_string())),
        };
        let mut entry = Entry::new(Event::Import, severity)
            .with(Value::User(Text::escaped(&self.user)))
            .with(Value::Source(Text::escaped(self.source)));
        entry.add(Value::Count(self.authenticators.len() as u64));
        if let [name] = &self.authenticators[..] {
            entry.add(Value::Authenticator(name.clone()));
        }
        if let Some(reason) = reason {
            entry.add(Value::Reason(Text::escaped(&reason)));
        }
        log::tell(entry);
    }
}
