//! What a verifier writes down in its own name.

use crate::name::PeerName;
use crate::tls::Unusable;
use otp_core::event::{Entry, Event, Severity, Text, Value};
use otp_helper::serving::Scribe;
use otp_log::Program;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Its name.
pub(super) const VERIFIER: Program<'static> = Program::of_ours("otp-verifier");

/// How often strangers are told of: anybody who reaches the port can be one.
const OFTEN: Duration = Duration::from_secs(10);

/// The records of what is done for a machine name it.
pub(super) fn scribe(machine: &PeerName) -> Scribe {
    Scribe {
        program: VERIFIER,
        by: Value::Machine(Text::escaped(machine.as_str())),
        // Nobody but root and this account can end this process.
        tells_beforehand: false,
    }
}

/// What is told of the verifier itself, and of whoever connects and is nobody.
#[derive(Default)]
pub(crate) struct Log {
    strangers: Mutex<Strangers>,
}

#[derive(Default)]
struct Strangers {
    told: Option<Instant>,
    /// Since then.
    more: u64,
}

impl Strangers {
    /// Whether one more is told of, and how many were not since the last.
    fn one_more(&mut self, now: Instant) -> Option<u64> {
        let is_too_soon = self
            .told
            .is_some_and(|told| now.duration_since(told) < OFTEN);
        if is_too_soon {
            self.more += 1;
            return None;
        }
        self.told = Some(now);
        Some(std::mem::take(&mut self.more))
    }
}

impl Log {
    /// Tells that a connection was closed whose other side is nobody, and why; not of each, where there are many.
    pub(super) fn stranger(&self, address: IpAddr, reason: &str) {
        let mut strangers = self
            .strangers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let Some(more) = strangers.one_more(Instant::now()) else {
            return;
        };
        drop(strangers);
        let also = match more {
            0 => String::new(),
            more => format!("; {more} connections before it were closed likewise"),
        };
        let entry = Entry::new(Event::Denied, Severity::Warning)
            .with(Value::Rhost(Text::escaped(&address.to_string())))
            .with(Value::Reason(Text::escaped(&format!("{reason}{also}"))));
        otp_log::tell(&entry, &VERIFIER);
    }

    /// Tells that files that have changed cannot be used, so that those of before still count.
    pub(super) fn certificates(&self, error: &Unusable) {
        self.fleet(
            Severity::Error,
            &format!("{error}: the certificate of before still counts"),
        );
    }

    /// Tells something about the verifier or its fleet.
    #[allow(clippy::unused_self, reason = "all that is told is told by it")]
    pub(crate) fn fleet(&self, severity: Severity, reason: &str) {
        let entry = Entry::new(Event::Fleet, severity).with(Value::Reason(Text::escaped(reason)));
        otp_log::tell(&entry, &VERIFIER);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_strangers_one_is_told_of_and_the_others_are_counted() {
        let mut strangers = Strangers::default();
        let begun = Instant::now();
        assert_eq!(strangers.one_more(begun), Some(0));
        for _ in 0..1000 {
            assert_eq!(strangers.one_more(begun + OFTEN / 2), None);
        }
        assert_eq!(strangers.one_more(begun + OFTEN), Some(1000));
        assert_eq!(strangers.one_more(begun + OFTEN), None);
    }
}
