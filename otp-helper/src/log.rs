//! The helper's records of what it has done, for whoever asked: a module that is not root's, or anybody else.

use nix::unistd::getuid;
use otp_core::event::{self, Entry, Event, Severity, Text, Value};
use otp_core::messages::Message;
use otp_core::record::Name;
use otp_core::{Policy, UnixTime, Verdict};
use otp_helper::protocol::Claim;
use otp_log::Program;

const HELPER: Program<'static> = Program::of_ours("otp-helper");

/// Says that somebody asked what is not theirs to ask.
pub(crate) fn denied(verb: &'static str, user: &str, reason: &str) {
    let entry = begin(Event::Denied, Severity::Warning)
        .with(Value::Verb(verb))
        .with(Value::User(Text::escaped(user)));
    send(&entry.with(Value::Reason(Text::escaped(reason))));
}

/// Logs that a good code is not remembered at its place, and why.
pub(crate) fn not_kept(user: &str, reason: &str) {
    let entry = Entry::new(Event::Policy, Severity::Warning)
        .with(Value::User(Text::escaped(user)))
        .with(Value::Reason(Text::escaped(reason)));
    send(&entry);
}

/// An attempt that somebody has the helper make, and of which there is one record.
pub(crate) struct Attempt {
    user: String,
    claim: Option<Claim>,
    id: Option<u128>,
}

impl Attempt {
    /// Of a request for one.
    pub(crate) fn new(user: &str, claim: Option<&Claim>) -> Self {
        Self {
            user: user.to_owned(),
            claim: claim.cloned(),
            id: claim.and_then(|claim| claim.id).or_else(otp_log::new_id),
        }
    }

    /// Logs that it begins. The caller may kill this process at any moment from then on, and that is no way to have an
    /// attempt counted of which nothing is written.
    pub(crate) fn begins(&self) {
        self.tell(Entry::new(Event::Attempt, Severity::Info), None);
    }

    /// Writes the record of what it came to. `is_known`: somebody has that name.
    pub(crate) fn came_to(
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
    pub(crate) fn is_trusted_since(&self, since: UnixTime) {
        let entry = Entry::new(Event::Trusted, Severity::Info);
        self.tell(entry, Some(Value::Since(since)));
    }

    /// Writes the record that it could not be made.
    pub(crate) fn could_not_be_made(&self, reason: &str) {
        let entry = Entry::new(Event::Unavailable, Severity::Error);
        self.tell(entry, Some(Value::Reason(Text::escaped(reason))));
    }

    fn whose(&self) -> Vec<Value> {
        let mut values = vec![
            Value::CallerUid(getuid().as_raw()),
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
        send(&entry);
    }
}

/// A change that somebody makes, of which there are two lines with one id.
pub(crate) struct Change<'a> {
    pub verb: &'static str,
    pub user: &'a str,
    /// What changes, where it is a device.
    pub authenticator: Option<&'a Name>,
    pub id: Option<u128>,
}

impl Change<'_> {
    /// Says that an account is about to be opened by something else than before.
    pub(crate) fn begins(&self) {
        self.tell(Event::Changing);
    }

    /// Says that it is.
    pub(crate) fn is_made(&self) {
        self.tell(Event::Change);
    }

    fn tell(&self, event: Event) {
        let mut entry = begin(event, Severity::Notice)
            .with(Value::Verb(self.verb))
            .with(Value::User(Text::escaped(self.user)));
        if let Some(name) = self.authenticator {
            entry.add(Value::Authenticator(name.clone()));
        }
        if let Some(id) = self.id {
            entry.add(Value::Id(id));
        }
        send(&entry);
    }
}

fn begin(event: Event, severity: Severity) -> Entry {
    Entry::new(event, severity).with(Value::CallerUid(getuid().as_raw()))
}

fn send(entry: &Entry) {
    otp_log::tell(entry, &HELPER);
}
