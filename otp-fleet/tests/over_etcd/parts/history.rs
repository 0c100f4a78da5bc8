//! Checks that every answer to a caller is true, against etcd's own history from its first revision on.
//!
//! An account is one register, and each attempt is one operation on it. etcd's history gives their order. It must hold
//! that
//!
//! - each operation with an outcome is in the history once, and none whose caller was told that it did not happen;
//! - played in that order, a model of an account gives each operation the outcome that its caller was told;
//! - an operation that ended before another began comes before it.
//!
//! Then the order is a linearization, and no search is needed. This file reads the values with a reader of its own.

use super::cluster::SOON;
use otp_core::record::Standing;
use otp_core::{State, Step, Verdict};
use otp_fleet::etcd::event::EventType;
use otp_fleet::etcd::{Client, RangeRequest, WatchCreateRequest, after_prefix};
use otp_fleet::keeper::ACCOUNTS;
use otp_store::{Error, trial};
use std::collections::HashMap;
use std::time::Instant;

/// What a user typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typed {
    /// The code of a step.
    Code(Step),
    /// A reply that is no code.
    Wrong,
}

/// An attempt as its caller saw it. Each has its own machine name, which identifies it in the history.
#[derive(Debug)]
pub struct Call {
    pub machine: String,
    pub typed: Typed,
    pub began: Instant,
    pub ended: Instant,
    pub told: Result<Verdict, Error>,
}

/// A change of the account's state.
struct Change {
    revision: i64,
    machine: String,
    state: State,
}

/// The outcome of an attempt in the model.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Accepted,
    Replayed,
    Rejected,
    RejectedAndLocked,
    Locked,
}

/// An account at its simplest: no time passes.
#[derive(Default)]
struct Model {
    last: Option<Step>,
    failures: u32,
    is_locked: bool,
}

impl Model {
    fn attempt(&mut self, typed: Typed) -> Outcome {
        if self.is_locked {
            return Outcome::Locked;
        }
        match typed {
            Typed::Code(step) if self.last.is_none_or(|last| step > last) => {
                self.last = Some(step);
                self.failures = 0;
                Outcome::Accepted
            }
            Typed::Code(_) => Outcome::Replayed,
            Typed::Wrong => {
                self.failures += 1;
                if self.failures < 5 {
                    return Outcome::Rejected;
                }
                self.failures = 0;
                self.is_locked = true;
                Outcome::RejectedAndLocked
            }
        }
    }

    /// Whether a stored state equals this one.
    fn is(&self, state: &State) -> bool {
        state.authenticators[0].last_step == self.last
            && state.failures == self.failures
            && (state.standing != Standing::Open) == self.is_locked
    }
}

/// Counts of what happened in the history of one account.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub accepted: usize,
    pub judged_wrong: usize,
    pub others: usize,
    /// Attempts whose callers were not told the outcome.
    pub unknown: usize,
}

/// Checks the calls about one account against its history; an error describes the fault.
pub fn check(root: &Client, name: &str, calls: &[Call]) -> Result<Tally, String> {
    let changes = changes(root, name);
    let by_machine: HashMap<&str, &Call> = calls
        .iter()
        .map(|call| (call.machine.as_str(), call))
        .collect();
    let mut tally = Tally::default();
    let mut model = Model::default();
    let mut found: Vec<&Call> = Vec::new();
    for Change {
        revision,
        machine,
        state,
    } in &changes
    {
        let call = by_machine.get(machine.as_str()).ok_or_else(|| {
            format!("revision {revision} was written by nobody who called: {machine}")
        })?;
        if found.iter().any(|before| before.machine == *machine) {
            return Err(format!("revision {revision}: {machine} was judged twice"));
        }
        let outcome = model.attempt(call.typed);
        if !model.is(state) {
            return Err(format!(
                "revision {revision}: not what {outcome:?} leaves: {state:?}"
            ));
        }
        let is_told = match &call.told {
            Ok(Verdict::Accepted { .. }) => outcome == Outcome::Accepted,
            Ok(Verdict::Replayed) => outcome == Outcome::Replayed,
            Ok(Verdict::Rejected { left }) => {
                outcome == Outcome::Rejected && *left == 5 - model.failures
            }
            Ok(Verdict::RejectedAndLocked { .. }) => outcome == Outcome::RejectedAndLocked,
            Ok(Verdict::Locked { .. }) => outcome == Outcome::Locked,
            Ok(other) => return Err(format!("{machine} was told {other:?}")),
            Err(Error::InDoubt { .. }) => true,
            // The attempt wrote nothing.
            Err(_) => false,
        };
        if !is_told {
            let told = &call.told;
            return Err(format!(
                "revision {revision}: {machine} was told {told:?}, and it was {outcome:?}"
            ));
        }
        match outcome {
            Outcome::Accepted => tally.accepted += 1,
            Outcome::Rejected | Outcome::RejectedAndLocked => tally.judged_wrong += 1,
            Outcome::Replayed | Outcome::Locked => tally.others += 1,
        }
        // Every attempt that began after this one ended comes later.
        if let Some(before) = found.iter().find(|before| before.began > call.ended) {
            return Err(format!(
                "{} began after {machine} had ended, and stands before it",
                before.machine
            ));
        }
        found.push(call);
    }
    for call in calls {
        let is_found = found.iter().any(|found| found.machine == call.machine);
        match &call.told {
            Ok(verdict) if !is_found => {
                return Err(format!(
                    "{} was told {verdict:?}, and is not in the history",
                    call.machine
                ));
            }
            Ok(_) => {}
            Err(_) => tally.unknown += 1,
        }
    }
    Ok(tally)
}

/// Returns all changes of an account's state by machines, from the first revision on.
fn changes(root: &Client, name: &str) -> Vec<Change> {
    let guard = format!("{ACCOUNTS}{name}/").into_bytes();
    let until = Instant::now() + SOON;
    let all = RangeRequest {
        key: guard.clone(),
        range_end: after_prefix(&guard),
        ..RangeRequest::default()
    };
    let now = root.again(&all, until).unwrap();
    let newest = now.kvs.iter().map(|kept| kept.mod_revision).max().unwrap();
    let mut changes: Vec<Change> = Vec::new();
    let mut from = 1;
    while from <= newest {
        let watch = WatchCreateRequest {
            key: guard.clone(),
            range_end: after_prefix(&guard),
            start_revision: from,
            ..WatchCreateRequest::default()
        };
        let answer = root.again(&watch, until).unwrap();
        assert!(
            !answer.canceled,
            "the history is whole: {}",
            answer.cancel_reason
        );
        // By default etcd puts all events of one revision into one answer.
        let mut writers = HashMap::new();
        for event in &answer.events {
            assert!(event.r#type() == EventType::Put, "nobody is removed");
            let kept = event.kv.as_ref().unwrap();
            from = from.max(kept.mod_revision + 1);
            if kept.key == guard {
                let text = std::str::from_utf8(&kept.value).unwrap();
                let by = text
                    .lines()
                    .find_map(|line| line.strip_prefix("by "))
                    .unwrap();
                writers.insert(kept.mod_revision, by.to_owned());
            }
        }
        for event in &answer.events {
            let kept = event.kv.as_ref().unwrap();
            if kept.key.ends_with(b"/state") {
                let machine = writers
                    .get(&kept.mod_revision)
                    .expect("each write changes the guard");
                // The enrolment by an administrator, before the first call.
                if machine == "-" {
                    continue;
                }
                changes.push(Change {
                    revision: kept.mod_revision,
                    machine: machine.clone(),
                    state: trial::state(&unfolded(&kept.value)).unwrap(),
                });
            }
        }
    }
    changes
}

/// Returns the part that a value holds.
fn unfolded(value: &[u8]) -> Vec<u8> {
    let mut rest = value.strip_prefix(b"pam_otp-part 1\n").unwrap();
    let mut part = Vec::new();
    let number = |rest: &mut &[u8]| {
        let (number, after) = rest.split_first_chunk::<4>().unwrap();
        *rest = after;
        usize::try_from(u32::from_be_bytes(*number)).unwrap()
    };
    while !rest.is_empty() {
        let length = number(&mut rest);
        part.extend_from_slice(&rest[..length]);
        rest = &rest[length..];
        let fill = number(&mut rest);
        part.extend(std::iter::repeat_n(b'\n', fill));
    }
    part
}
