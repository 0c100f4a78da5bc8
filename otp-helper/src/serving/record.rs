//! The log entries about work for a caller: by the helper, or by a verifier.

use crate::protocol::Claim;
use otp_core::event::{self, Entry, Event, Severity, Text, Value};
use otp_core::messages::Message;
use otp_core::record::Name;
use otp_core::{Local, Policy, UnixTime, Verdict};
use otp_log::Program;

/// The name in which log entries are written, and the caller that they name.
#[derive(Clone, Debug)]
pub struct Scribe {
    /// The program that answers.
    pub program: Program<'static>,
    /// The known facts about the asking side; they come first in every entry.
    pub by: Value,
    /// Whether an attempt is also logged before it is made: needed if the user could kill this process in between.
    pub tells_beforehand: bool,
}

impl Scribe {
    /// Logs that a caller asked for something that it may not ask for.
    pub fn denied(&self, verb: &'static str, user: &str, reason: &str) {
        let entry = self
            .begin(Event::Denied, Severity::Warning)
            .with(Value::Verb(verb))
            .with(Value::User(Text::escaped(user)));
        self.send(&entry.with(Value::Reason(Text::escaped(reason))));
    }

    /// Logs that a good code is not remembered for its place, and why.
    pub fn not_kept(&self, user: &str, reason: &str) {
        let entry = Entry::new(Event::Policy, Severity::Warning)
            .with(Value::User(Text::escaped(user)))
            .with(Value::Reason(Text::escaped(reason)));
        self.send(&entry);
    }

    fn begin(&self, event: Event, severity: Severity) -> Entry {
        Entry::new(event, severity).with(self.by.clone())
    }

    fn send(&self, entry: &Entry) {
        otp_log::tell(entry, &self.program);
    }
}

/// An attempt that a caller has requested, with its one log entry.
pub struct Attempt<'a> {
    scribe: &'a Scribe,
    user: String,
    claim: Option<Claim>,
    id: Option<u128>,
}

impl<'a> Attempt<'a> {
    /// Makes the entry for the attempt of a request.
    #[must_use]
    pub fn new(scribe: &'a Scribe, user: &str, claim: Option<&Claim>) -> Self {
        Self {
            scribe,
            user: user.to_owned(),
            claim: claim.cloned(),
            id: claim.and_then(|claim| claim.id).or_else(otp_log::new_id),
        }
    }

    /// Logs that the attempt begins, if that is logged. The caller may kill the helper at any moment from then on;
    /// even so, every counted attempt leaves a line.
    pub fn begins(&self) {
        if self.scribe.tells_beforehand {
            self.tell(Entry::new(Event::Attempt, Severity::Info), None);
        }
    }

    /// Logs the verdict on the attempt. `is_known`: the name is an account's.
    pub fn came_to(
        &self,
        verdict: &Verdict,
        policy: &Policy,
        now: Option<UnixTime>,
        is_known: bool,
    ) {
        let message = now.and_then(|now| Message::about(verdict, policy, now, Local::utc));
        let mut entry = event::about(verdict, message, self.whose());
        if !is_known {
            entry.add(Value::Account(Text::escaped("unknown")));
        }
        self.finish(entry);
    }

    /// Logs that the login may pass because its code has earned trust at this place.
    pub fn is_trusted_since(&self, since: UnixTime) {
        let entry = Entry::new(Event::Trusted, Severity::Info);
        self.tell(entry, Some(Value::Since(since)));
    }

    /// Logs that the attempt could not be made.
    pub fn could_not_be_made(&self, reason: &str) {
        let entry = Entry::new(Event::Unavailable, Severity::Error);
        self.tell(entry, Some(Value::Reason(Text::escaped(reason))));
    }

    fn whose(&self) -> Vec<Value> {
        let mut values = vec![
            self.scribe.by.clone(),
            Value::User(Text::escaped(&self.user)),
        ];
        if let Some(claim) = &self.claim {
            values.extend([
                Value::ClaimedService(Text::escaped(&claim.service)),
                Value::ClaimedRhost(Text::escaped(&claim.host)),
                Value::ClaimedTty(Text::escaped(&claim.terminal)),
            ]);
        }
        values
    }

    /// Logs an entry; the facts about the user and the caller come first.
    fn tell(&self, begun: Entry, more: Option<Value>) {
        let said = self.whose().into_iter().chain(more);
        self.finish(said.fold(begun, Entry::with));
    }

    fn finish(&self, mut entry: Entry) {
        if let Some(id) = self.id {
            entry.add(Value::Id(id));
        }
        if self.claim.as_ref().is_some_and(|claim| claim.silent) {
            entry = entry.not_shown();
        }
        self.scribe.send(&entry);
    }
}

/// A change by a user, with two log lines that share one id.
pub struct Change<'a> {
    /// The name in which it is logged.
    pub scribe: &'a Scribe,
    /// The request.
    pub verb: &'static str,
    /// The user.
    pub user: &'a str,
    /// The authenticator that changes, if the change is about one.
    pub authenticator: Option<&'a Name>,
    /// The id that the two lines share.
    pub id: Option<u128>,
}

impl Change<'_> {
    /// Logs that the authenticators or recovery codes of an account are about to change.
    pub fn begins(&self) {
        self.tell(Event::Changing);
    }

    /// Logs that they have changed.
    pub fn is_made(&self) {
        self.tell(Event::Change);
    }

    fn tell(&self, event: Event) {
        let mut entry = self
            .scribe
            .begin(event, Severity::Notice)
            .with(Value::Verb(self.verb))
            .with(Value::User(Text::escaped(self.user)));
        if let Some(name) = self.authenticator {
            entry.add(Value::Authenticator(name.clone()));
        }
        if let Some(id) = self.id {
            entry.add(Value::Id(id));
        }
        self.scribe.send(&entry);
    }
}
