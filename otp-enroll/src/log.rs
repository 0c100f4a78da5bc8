//! The records of the command lines.

use nix::unistd::geteuid;
use otp_core::event::{Entry, Event, Severity, Text, Value};
use otp_log::Program;

/// Says that somebody has had a service ask for codes, or no longer, or that it was undone.
pub fn protect(verb: &'static str, severity: Severity, user: &str, service: &str, reason: &str) {
    let entry = Entry::new(Event::Protect, severity)
        .with(Value::Verb(verb))
        .with(Value::User(Text::escaped(user)))
        .with(Value::Service(Text::escaped(service)))
        .with(Value::Reason(Text::escaped(reason)));
    send(&entry);
}

/// Tells one event, once.
pub fn send(entry: &Entry) {
    // In the tests of this crate nobody is to be told.
    if !geteuid().is_root() {
        return;
    }
    otp_log::tell(entry, &Program::of_ours("otp-admin"));
}
