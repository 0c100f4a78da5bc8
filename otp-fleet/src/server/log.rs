//! What a verifier writes down in its own name.

use crate::name::PeerName;
use crate::tls::Unusable;
use otp_core::event::{Entry, Event, Severity, Text, Value};
use otp_helper::serving::Scribe;
use otp_log::Program;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Its name.
pub(super) const VERIFIER: Program<'static> = Program::of_ours("otp-verifier");

/// How often strangers are told of: anybody who reaches the port can be one.
const OFTEN: Duration = Duration::from_secs(10);

/// After how long without a refusal of a name the next ones are told of one by one again.
const QUIET: Duration = Duration::from_secs(600);

/// How many refusals of one name are told of before they are told of as strangers are.
const AT_FIRST: u32 = 20;

/// Of how many names is remembered what was told of them.
const MOST_NAMES: usize = 4096;

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
    denied: Mutex<HashMap<PeerName, Denied>>,
    held_back: Mutex<HashMap<PeerName, Instant>>,
}

/// What was told of the refusals of one name.
#[derive(Default)]
struct Denied {
    at_first: u32,
    then: Strangers,
}

impl Denied {
    fn one_more(&mut self, now: Instant) -> Option<u64> {
        let is_quiet = self
            .then
            .told
            .is_none_or(|told| now.duration_since(told) >= QUIET);
        if is_quiet {
            self.at_first = 0;
        }
        if self.at_first < AT_FIRST {
            self.at_first += 1;
            self.then.told = Some(now);
            return Some(std::mem::take(&mut self.then.more));
        }
        self.then.one_more(now)
    }
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

    /// Tells that a known caller asked for what it may not have. Of many such requests only some are told: the thief of a machine
    /// could otherwise fill the log, and drive out of it what is being looked for.
    pub(super) fn denied(
        &self,
        scribe: &Scribe,
        name: &PeerName,
        verb: &'static str,
        user: &str,
        reason: &str,
    ) {
        if let Some(also) = self.may_tell(name) {
            scribe.denied(verb, user, &format!("{reason}{also}"));
        }
    }

    /// The same of somebody who would be an administrator.
    pub(super) fn no_administrator(&self, name: &PeerName, reason: &str) {
        let Some(also) = self.may_tell(name) else {
            return;
        };
        let entry = Entry::new(Event::Denied, Severity::Warning)
            .with(Value::Administrator(Text::escaped(name.as_str())))
            .with(Value::Reason(Text::escaped(&format!("{reason}{also}"))));
        otp_log::tell(&entry, &VERIFIER);
    }

    /// Whether one more refusal of that name is told of; then with what is to be said of those that were not.
    fn may_tell(&self, name: &PeerName) -> Option<String> {
        let mut denied = self.denied.lock().unwrap_or_else(PoisonError::into_inner);
        if denied.len() >= MOST_NAMES && !denied.contains_key(name) {
            denied.clear();
        }
        let told = denied.entry(name.clone()).or_default();
        Some(match told.one_more(Instant::now())? {
            0 => String::new(),
            more => format!("; {more} requests before it were refused likewise"),
        })
    }

    /// Tells that a machine has asked for more than is given to one, every now and then.
    pub(super) fn held_back(&self, name: &PeerName, words: &str) {
        let mut held_back = self
            .held_back
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let told = held_back.get(name);
        if told.is_some_and(|told| told.elapsed() < QUIET) {
            return;
        }
        held_back.insert(name.clone(), Instant::now());
        drop(held_back);
        self.fleet(Severity::Warning, &format!("{name} is held back: {words}"));
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
    fn of_many_refusals_of_one_name_the_first_are_told_of_and_then_one_at_a_time() {
        let mut denied = Denied::default();
        let begun = Instant::now();
        for _ in 0..AT_FIRST {
            assert_eq!(denied.one_more(begun), Some(0));
        }
        for _ in 0..1000 {
            assert_eq!(denied.one_more(begun + OFTEN / 2), None);
        }
        assert_eq!(denied.one_more(begun + OFTEN), Some(1000));
        assert_eq!(denied.one_more(begun + OFTEN), None);
        assert_eq!(denied.one_more(begun + OFTEN + QUIET), Some(1));
        assert_eq!(denied.one_more(begun + OFTEN + QUIET), Some(0));
    }

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
