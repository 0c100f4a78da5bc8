//! The log entries of the login part: denied requests, and failures. The modules log the results of logins.

use super::Trouble;
use crate::wire::{Kind, NotIn};
use otp_core::event::{Entry, Event, Severity, Text, Value};
use otp_log::Program;

const PROGRAM: Program<'static> = Program::of_ours("otp-portal-login");

/// Logs a request that its caller may not make.
pub(super) fn denied(kind: Option<Kind>, caller: Option<u32>, reason: &str) {
    let mut entry = Entry::new(Event::Denied, Severity::Warning);
    if let Some(uid) = caller {
        entry.add(Value::CallerUid(uid));
    }
    if let Some(kind) = kind {
        entry.add(Value::Verb(kind.word()));
    }
    entry.add(Value::Reason(Text::escaped(reason)));
    otp_log::tell(&entry, &PROGRAM);
}

/// Logs that an administrator has ended all logins of a user.
pub(super) fn logged_out(user: &str) {
    let mut entry = Entry::new(Event::Change, Severity::Notice)
        .with(Value::Verb("log-out"))
        .with(Value::User(Text::escaped(user)));
    // The administrator, as sudo names them in the environment.
    let caller = std::env::var("SUDO_UID").ok();
    if let Some(uid) = caller.and_then(|uid| uid.parse().ok()) {
        entry.add(Value::EnvSudoUid(uid));
    }
    otp_log::tell(&entry, &PROGRAM);
}

/// Logs a fault that an administrator should correct, and what still works.
pub(super) fn amiss(reason: &str) {
    let entry = Entry::new(Event::Policy, Severity::Warning);
    otp_log::tell(&entry.with(Value::Reason(Text::escaped(reason))), &PROGRAM);
}

/// Logs that something could not be done.
pub(super) fn unavailable(user: Option<&str>, trouble: &Trouble) {
    let mut entry = Entry::new(Event::Unavailable, Severity::Error);
    if let Some(user) = user {
        entry.add(Value::User(Text::escaped(user)));
    }
    entry.add(Value::Reason(Text::escaped(&trouble.to_string())));
    otp_log::tell(&entry, &PROGRAM);
}

/// Logs why no one is let in. Returns what the portal may know about it.
pub(super) fn not_in(user: &str, trouble: &Trouble) -> NotIn {
    unavailable(Some(user), trouble);
    NotIn::Unavailable
}
