//! The portal's own log entries. The modules of the stack log logins, and the helper logs changes.

use otp_core::event::{Entry, Event, Severity, Text, Value};
use otp_log::Program;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const PORTAL: Program<'static> = Program::of_ours("otp-portal");

/// How often the portal logs each kind of thing that anyone can cause.
const OFTEN: Duration = Duration::from_secs(10);

/// Kinds of things that anyone can cause, and that are therefore not logged each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Often {
    /// A connection was refused.
    Connection,
    /// A request was refused.
    Request,
    /// A form came from another site.
    Form,
    /// Too many logins.
    Login,
    /// The login part does not answer.
    Part,
    /// A proxy does not say something that it should.
    Proxy,
}

/// The log.
#[derive(Default)]
pub struct Log([Mutex<Told>; 6]);

#[derive(Default)]
struct Told {
    last: Option<Instant>,
    more: u64,
}

impl Told {
    /// Counts one more. Returns how many were left out since the last log entry, if this one is to be logged.
    fn one_more(&mut self, now: Instant) -> Option<u64> {
        if self
            .last
            .is_some_and(|last| now.saturating_duration_since(last) < OFTEN)
        {
            self.more += 1;
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.more))
    }
}

impl Log {
    /// Logs that a request was refused.
    pub fn refused(&self, what: Often, address: Option<IpAddr>, reason: &str) {
        let Some(reason) = self.reason(what, reason) else {
            return;
        };
        let mut entry = Entry::new(Event::Denied, Severity::Warning);
        if let Some(address) = address {
            entry.add(Value::Rhost(Text::escaped(&address.to_string())));
        }
        otp_log::tell(&entry.with(Value::Reason(Text::escaped(&reason))), &PORTAL);
    }

    /// Logs something that an administrator should correct, and that may happen again and again.
    pub fn trouble(&self, what: Often, reason: &str) {
        if let Some(reason) = self.reason(what, reason) {
            tell(&reason);
        }
    }

    fn reason(&self, what: Often, reason: &str) -> Option<String> {
        let mut told = self.0[what as usize]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        Some(match told.one_more(Instant::now())? {
            0 => reason.to_owned(),
            more => format!("{reason}; {more} more before it were not written down"),
        })
    }
}

/// Logs something that an administrator should correct.
pub fn tell(reason: &str) {
    let entry =
        Entry::new(Event::Policy, Severity::Warning).with(Value::Reason(Text::escaped(reason)));
    otp_log::tell(&entry, &PORTAL);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_events_one_is_logged_and_the_others_are_counted() {
        let mut told = Told::default();
        let begun = Instant::now();
        assert_eq!(told.one_more(begun), Some(0));
        for _ in 0..100 {
            assert_eq!(told.one_more(begun + OFTEN / 2), None);
        }
        assert_eq!(told.one_more(begun + OFTEN), Some(100));
    }
}
