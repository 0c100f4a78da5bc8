//! The helper's records of what it has done.

use nix::unistd::getuid;
use otp_core::event::{Entry, Event, Severity, Text, Value};
use otp_core::record::Name;
use otp_log::Program;

const HELPER: Program<'static> = Program::of_ours("otp-helper");

/// Says that somebody asked what is not theirs to ask.
pub(crate) fn denied(verb: &'static str, user: &str, reason: &str) {
    let entry = begin(Event::Denied, Severity::Warning)
        .with(Value::Verb(verb))
        .with(Value::User(Text::escaped(user)));
    otp_log::tell(&entry.with(Value::Reason(Text::escaped(reason))), &HELPER);
}

/// Logs that an attempt for an account begins.
pub(crate) fn attempted(user: &str) {
    let entry = begin(Event::Attempt, Severity::Info);
    otp_log::tell(&entry.with(Value::User(Text::escaped(user))), &HELPER);
}

/// Logs that a good code is not remembered at its place, and why.
pub(crate) fn not_kept(user: &str, reason: &str) {
    let entry = Entry::new(Event::Policy, Severity::Warning)
        .with(Value::User(Text::escaped(user)))
        .with(Value::Reason(Text::escaped(reason)));
    otp_log::tell(&entry, &HELPER);
}

/// Says that an account is about to be opened by something else than before.
pub(crate) fn changing(verb: &'static str, user: &str, authenticator: Option<&Name>) {
    change(Event::Changing, verb, user, authenticator);
}

/// Says that it is.
pub(crate) fn changed(verb: &'static str, user: &str, authenticator: Option<&Name>) {
    change(Event::Change, verb, user, authenticator);
}

fn change(event: Event, verb: &'static str, user: &str, authenticator: Option<&Name>) {
    let mut entry = begin(event, Severity::Notice)
        .with(Value::Verb(verb))
        .with(Value::User(Text::escaped(user)));
    if let Some(name) = authenticator {
        entry.add(Value::Authenticator(name.clone()));
    }
    otp_log::tell(&entry, &HELPER);
}

fn begin(event: Event, severity: Severity) -> Entry {
    Entry::new(event, severity).with(Value::CallerUid(getuid().as_raw()))
}
