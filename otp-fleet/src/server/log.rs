//! The log entries that a verifier writes in its own name.

use crate::name::PeerName;
use crate::tls::Unusable;
use otp_core::event::{Entry, Event, Severity, Text, Value};
use otp_helper::serving::Scribe;
use otp_log::Program;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The verifier's name in the log.
pub(super) const VERIFIER: Program<'static> = Program::of_ours("otp-verifier");

/// The time between two entries about strangers: anybody who reaches the port can be one.
const OFTEN: Duration = Duration::from_secs(10);

/// The time without a refusal of a name after which refusals are logged singly again.
const QUIET: Duration = Duration::from_secs(600);

/// The number of refusals of one name that are logged singly; later ones are logged like strangers.
const AT_FIRST: u32 = 20;

/// The number of names whose entries are remembered.
const MOST_NAMES: usize = 4096;

/// Makes log entries that name the machine for which the work is done.
pub(super) fn scribe(machine: &PeerName) -> Scribe {
    Scribe {
        program: VERIFIER,
        by: Value::Machine(Text::escaped(machine.as_str())),
        // Only root and this account can end this process.
        tells_beforehand: false,
    }
}

/// The log of the verifier itself, and of unknown peers that connect.
#[derive(Default)]
pub(crate) struct Log {
    strangers: Mutex<Strangers>,
    denied: Mutex<HashMap<PeerName, Denied>>,
    held_back: Mutex<HashMap<PeerName, Instant>>,
}

/// The entries about refusals of one name.
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
    /// The number that was not logged since then.
    more: u64,
}

impl Strangers {
    /// Returns whether to log one more, and how many were not logged since the last.
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
    /// Logs that a connection of an unknown peer was closed, and why; not for each one, if there are many.
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

    /// Logs that a known caller asked for something that it may not have. Of many such requests only some are logged:
    /// otherwise the thief of a machine could fill the log and push out the entries that matter.
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

    /// Logs that a peer who claims to be an administrator was denied; not each time, as in [`Self::denied`].
    pub(super) fn no_administrator(&self, name: &PeerName, reason: &str) {
        let Some(also) = self.may_tell(name) else {
            return;
        };
        let entry = Entry::new(Event::Denied, Severity::Warning)
            .with(Value::Administrator(Text::escaped(name.as_str())))
            .with(Value::Reason(Text::escaped(&format!("{reason}{also}"))));
        otp_log::tell(&entry, &VERIFIER);
    }

    /// Returns whether to log one more refusal of that name, with a text about those that were not logged.
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

    /// Logs now and then that a machine has asked for more than one machine may.
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

    /// Logs that changed files cannot be used, so that the earlier ones still count.
    pub(super) fn certificates(&self, error: &Unusable) {
        self.fleet(
            Severity::Error,
            &format!("{error}: the certificate of before still counts"),
        );
    }

    /// Logs something about the verifier or its fleet.
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
    fn the_first_denials_of_one_name_are_logged_and_then_one_per_interval() {
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
    fn one_of_many_strangers_is_logged_and_the_others_are_counted() {
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
