//! The lines of `otp-admin` in the system log, sent to syslog's own socket.

use nix::unistd::geteuid;
use otp_core::event::{Entry, Event, Severity, Text, Value};
use std::os::unix::net::UnixDatagram;

const SOCKET: &str = "/dev/log";
/// The facility authpriv (RFC 5424 section 6.2.1).
const AUTHPRIV: u8 = 10;

/// Says that somebody has had a service ask for codes, or no longer, or that it was undone.
pub fn protect(verb: &'static str, severity: Severity, user: &str, service: &str, reason: &str) {
    let entry = Entry::new(Event::Protect, severity)
        .with(Value::Verb(verb))
        .with(Value::User(Text::escaped(user)))
        .with(Value::Service(Text::escaped(service)))
        .with(Value::Reason(Text::escaped(reason)));
    send(&entry);
}

fn send(entry: &Entry) {
    // In the tests of this crate nobody is to be told.
    if !geteuid().is_root() {
        return;
    }
    let priority = AUTHPRIV * 8 + entry.severity().number();
    let line = format!("<{priority}>otp-admin[{}]: {entry}", std::process::id());
    // Without a syslog there is nobody to tell, and what was done stands all the same.
    if let Ok(socket) = UnixDatagram::unbound() {
        socket.send_to(line.as_bytes(), SOCKET).ok();
    }
}
