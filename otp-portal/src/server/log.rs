//! What the portal writes down. Logins themselves are recorded by the modules of the stack, and changes by the helper.

use otp_core::event::{Entry, Event, Severity, Text, Value};
use otp_log::Program;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const PORTAL: Program<'static> = Program::of_ours("otp-portal");

/// How often each kind of thing is told that anybody can bring about.
const OFTEN: Duration = Duration::from_secs(10);

/// What anybody can bring about, so that it is not told each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Often {
    /// A connection that is not taken.
    Connection,
    /// A request that is not taken.
    Request,
    /// A form from elsewhere.
    Form,
    /// Too many logins.
    Login,
    /// The login part does not answer.
    Part,
    /// A proxy leaves something out.
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
    /// Whether one more is told of, and how many were not since the last.
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
    /// Tells that somebody was refused something.
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

    /// Tells something that an administrator should put right, and that goes on.
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

/// Tells something that an administrator should put right.
pub fn tell(reason: &str) {
    let entry =
        Entry::new(Event::Policy, Severity::Warning).with(Value::Reason(Text::escaped(reason)));
    otp_log::tell(&entry, &PORTAL);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_one_is_told_and_the_others_are_counted() {
        let mut told = Told::default();
        let begun = Instant::now();
        assert_eq!(told.one_more(begun), Some(0));
        for _ in 0..100 {
            assert_eq!(told.one_more(begun + OFTEN / 2), None);
        }
        assert_eq!(told.one_more(begun + OFTEN), Some(100));
    }
}
