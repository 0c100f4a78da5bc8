//! What this program tells of itself.

use nix::unistd::geteuid;
use otp_core::event::{Entry, Event, Severity, Text, Value};
use otp_log::Program;

/// Says that something was not handed on: how much, to which hook, and why.
pub(crate) fn failed(count: Option<u64>, hook: Option<&str>, why: &str) {
    tell(&failure(Severity::Error, count, hook, why));
}

/// The entry about what was not handed on.
pub(crate) fn failure(
    severity: Severity,
    count: Option<u64>,
    hook: Option<&str>,
    why: &str,
) -> Entry {
    let mut entry = Entry::new(Event::Hook, severity);
    if let Some(count) = count {
        entry.add(Value::Count(count));
    }
    if let Some(hook) = hook {
        entry.add(Value::Source(Text::escaped(hook)));
    }
    entry.with(Value::Reason(Text::escaped(why)))
}

/// Writes an entry.
pub(crate) fn tell(entry: &Entry) {
    // In the tests of this crate nobody is to be told.
    if !geteuid().is_root() {
        return;
    }
    otp_log::tell(entry, &Program::of_ours("otp-notify"));
}
