//! The log entry of an attempt.

use crate::host::Origin;
use otp_core::Verdict;
use otp_core::event::{self, Entry, Event, Severity, Text, Value};
use otp_core::messages::Message;

/// Begins an entry about `user`.
pub(crate) fn begin(event: Event, severity: Severity, user: &str, origin: &Origin) -> Entry {
    whose(user, origin)
        .into_iter()
        .fold(Entry::new(event, severity), Entry::with)
}

/// Returns the entry about a verdict.
pub(crate) fn about(
    verdict: &Verdict,
    message: Option<Message>,
    user: &str,
    origin: &Origin,
) -> Entry {
    event::about(verdict, message, whose(user, origin))
}

fn whose(user: &str, origin: &Origin) -> [Value; 4] {
    [
        Value::User(Text::escaped(user)),
        Value::Service(Text::escaped(&origin.service)),
        Value::Rhost(Text::escaped(&origin.host)),
        Value::Tty(Text::escaped(&origin.terminal)),
    ]
}
