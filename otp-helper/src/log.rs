//! The helper's lines in the system log, sent to syslog's own socket.

use nix::unistd::getuid;
use std::fmt::Write;
use std::os::unix::net::UnixDatagram;

const SOCKET: &str = "/dev/log";
/// Facility authpriv, with the severities warning, notice and informational.
const WARNING: u32 = 10 * 8 + 4;
const NOTICE: u32 = 10 * 8 + 5;
const INFO: u32 = 10 * 8 + 6;

/// Says that somebody asked what is not theirs to ask.
pub(crate) fn denied(verb: &str, user: &str, reason: &str) {
    let values = [("verb", verb), ("user", user), ("reason", reason)];
    send(WARNING, "otp.denied", &values);
}

/// Logs that an attempt for an account begins.
pub(crate) fn attempted(user: &str) {
    send(INFO, "otp.attempt", &[("user", user)]);
}

/// Says that an account is about to be opened by something else than before.
pub(crate) fn changing(verb: &str, user: &str, authenticator: &str) {
    change("otp.changing", verb, user, authenticator);
}

/// Says that it is.
pub(crate) fn changed(verb: &str, user: &str, authenticator: &str) {
    change("otp.change", verb, user, authenticator);
}

fn change(event: &str, verb: &str, user: &str, authenticator: &str) {
    let values = [
        ("verb", verb),
        ("user", user),
        ("authenticator", authenticator),
    ];
    send(NOTICE, event, &values);
}

/// Values are quoted and escaped, and cut at 256 characters.
fn send(priority: u32, event: &str, values: &[(&str, &str)]) {
    let mut line = format!("<{priority}>otp-helper[{}]: {event}", std::process::id());
    let uid = getuid().to_string();
    for (key, value) in [("caller_uid", uid.as_str())].iter().chain(values) {
        if !value.is_empty() {
            let short: String = value.chars().take(256).collect();
            write!(line, " {key}=\"{}\"", short.escape_default())
                .expect("a String takes every write");
        }
    }
    // Without a syslog there is nobody to tell, and what was decided stands all the same.
    if let Ok(socket) = UnixDatagram::unbound() {
        socket.send_to(line.as_bytes(), SOCKET).ok();
    }
}
