//! The records of what was done for somebody who asked: by the helper, or by a verifier.

use crate::protocol::Claim;
use otp_core::event::{self, Entry, Event, Severity, Text, Value};
use otp_core::messages::Message;
use otp_core::record::Name;
use otp_core::{Policy, UnixTime, Verdict};
use otp_log::Program;

/// In whose name records are written, and who asked.
#[derive(Clone, Debug)]
pub struct Scribe {
    /// The program that answers.
    pub program: Program<'static>,
    /// What is known of the side that asks; it stands first in every record.
    pub by: Value,
    /// Whether an attempt is told of before it is made as well: where the user could kill this process in between.
    pub tells_beforehand: bool,
}

impl Scribe {
    /// Says that somebody asked what is not theirs to ask.
    pub fn denied(&self, verb: &'static str, user: &str, reason: &str) {
        let entry = self
            .begin(Event::Denied, Severity::Warning)
            .with(Value::Verb(verb))
            .with(Value::User(Text::escaped(user)));
        self.send(&entry.with(Value::Reason(Text::escaped(reason))));
    }

    /// Logs that a good code is not remembered at its place, and why.
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

/// An attempt that somebody has us make, and of which there is one record.
pub struct Attempt<'a> {
    scribe: &'a Scribe,
    user: String,
    claim: Option<Claim>,
    id: Option<u128>,
}

impl<'a> Attempt<'a> {
    /// Of a request for one.
    #[must_use]
    pub fn new(scribe: &'a Scribe, user: &str, claim: Option<&Claim>) -> Self {
        Self {
            scribe,
            user: user.to_owned(),
            claim: claim.cloned(),
            id: claim.and_then(|claim| claim.id).or_else(otp_log::new_id),
        }
    }

    /// Logs that it begins, where that is told. The caller may kill the helper at any moment from then on, and that is no way
    /// to have an attempt counted of which nothing is written.
    pub fn begins(&self) {
        if self.scribe.tells_beforehand {
            self.tell(Entry::new(Event::Attempt, Severity::Info), None);
        }
    }

    /// Writes the record of what it came to. `is_known`: somebody has that name.
    pub fn came_to(
        &self,
        verdict: &Verdict,
        policy: &Policy,
        now: Option<UnixTime>,
        is_known: bool,
    ) {
        let message = now.and_then(|now| Message::about(verdict, policy, now));
        let mut entry = event::about(verdict, message, self.whose());
        if !is_known {
            entry.add(Value::Account(Text::escaped("unknown")));
        }
        self.finish(entry);
    }

    /// Writes the record that it was let pass, since its code has earned trust at this place.
    pub fn is_trusted_since(&self, since: UnixTime) {
        let entry = Entry::new(Event::Trusted, Severity::Info);
        self.tell(entry, Some(Value::Since(since)));
    }

    /// Writes the record that it could not be made.
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

    /// What is said of whose attempt it was stands first.
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

/// A change that somebody makes, of which there are two lines with one id.
pub struct Change<'a> {
    /// In whose name.
    pub scribe: &'a Scribe,
    /// What is asked.
    pub verb: &'static str,
    /// Whose account.
    pub user: &'a str,
    /// What changes, where it is a device.
    pub authenticator: Option<&'a Name>,
    /// What the two lines have in common.
    pub id: Option<u128>,
}

impl Change<'_> {
    /// Says that an account is about to be opened by something else than before.
    pub fn begins(&self) {
        self.tell(Event::Changing);
    }

    /// Says that it is.
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
