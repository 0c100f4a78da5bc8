//! The helper's lines in the system log, sent to syslog's own socket.

use nix::unistd::getuid;
use otp_core::event::{Entry, Event, Severity, Text, Value};
use otp_core::record::Name;
use std::os::unix::net::UnixDatagram;

const SOCKET: &str = "/dev/log";
/// The facility authpriv (RFC 5424 section 6.2.1).
const AUTHPRIV: u8 = 10;

/// Says that somebody asked what is not theirs to ask.
pub(crate) fn denied(verb: &'static str, user: &str, reason: &str) {
    let entry = begin(Event::Denied, Severity::Warning)
        .with(Value::Verb(verb))
        .with(Value::User(Text::escaped(user)));
    send(&entry.with(Value::Reason(Text::escaped(reason))));
}

/// Logs that an attempt for an account begins.
pub(crate) fn attempted(user: &str) {
    let entry = begin(Event::Attempt, Severity::Info);
    send(&entry.with(Value::User(Text::escaped(user))));
}

/// Logs that a good code is not remembered at its place, and why.
pub(crate) fn not_kept(user: &str, reason: &str) {
    let entry = Entry::new(Event::Policy, Severity::Warning)
        .with(Value::User(Text::escaped(user)))
        .with(Value::Reason(Text::escaped(reason)));
    send(&entry);
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
    send(&entry);
}

fn begin(event: Event, severity: Severity) -> Entry {
    Entry::new(event, severity).with(Value::CallerUid(getuid().as_raw()))
}

fn send(entry: &Entry) {
    let priority = AUTHPRIV * 8 + entry.severity().number();
    let line = format!("<{priority}>otp-helper[{}]: {entry}", std::process::id());
    // Without a syslog there is nobody to tell, and what was decided stands all the same.
    if let Ok(socket) = UnixDatagram::unbound() {
        socket.send_to(line.as_bytes(), SOCKET).ok();
    }
}
