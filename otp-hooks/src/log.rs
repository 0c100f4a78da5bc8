//! The log entries that this program writes about itself.

use nix::unistd::geteuid;
use otp_core::event::{Entry, Event, Severity, Text, Value};
use otp_log::Program;

/// Logs that events were not handed on: how many, to which hook, and why.
pub(crate) fn failed(count: Option<u64>, hook: Option<&str>, why: &str) {
    tell(&failure(Severity::Error, count, hook, why));
}

/// Makes the entry about events that were not handed on.
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
    // The tests of this crate, which run without root, log nothing.
    if !geteuid().is_root() {
        return;
    }
    otp_log::tell(entry, &Program::of_ours("otp-notify"));
}
