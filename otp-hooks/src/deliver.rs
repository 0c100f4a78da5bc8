//! Hands on the events that are due: those of one account in order, those of other accounts at the same time.

use crate::handed;
use crate::hook::Hook;
use crate::log;
use crate::taken::{Item, MOST_TRIES, Taken};
use otp_core::event::Severity;
use otp_site::host;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Mutex;

/// The number of hooks that run at a time: a hook that hangs delays no other account.
const AT_ONCE: usize = 4;

/// After this many failures in a row, the hook is not run again until the next run of this program.
const ENOUGH: u32 = 16;

/// The results of a run.
#[derive(Default)]
pub(crate) struct Deliveries {
    failed: u64,
    /// The reason of the last failure.
    reason: String,
    program: String,
    given_up: u64,
    unusable: u64,
    in_a_row: u32,
}

/// The state that the workers share.
struct Shared<'a> {
    accounts: VecDeque<Vec<Item>>,
    gone: BTreeSet<u128>,
    later: Vec<Item>,
    broken: Option<String>,
    deliveries: &'a mut Deliveries,
}

/// The outcome for one event.
enum Outcome {
    Done,
    Unusable,
    Failed(String),
}

impl Deliveries {
    /// Hands on the events that are due.
    pub(crate) fn hand_on(&mut self, taken: &mut Taken, hook: &Hook) -> Result<(), String> {
        self.program = hook.program.display().to_string();
        let shared = Mutex::new(Shared {
            accounts: taken.due()?.into(),
            gone: BTreeSet::new(),
            later: Vec::new(),
            broken: None,
            deliveries: self,
        });
        let machine = host::name();
        std::thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(|| work(&shared, taken, hook, &machine));
            }
        });
        let shared = shared
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let (gone, later, broken) = (shared.gone, shared.later, shared.broken);
        taken.settle(&gone, &later);
        broken.map_or(Ok(()), Err)
    }

    /// Logs the events that were not handed on: one line for each kind of failure in the run.
    pub(crate) fn tell(&self) {
        let program = Some(self.program.as_str());
        if self.failed > 0 {
            log::tell(&log::failure(
                Severity::Warning,
                Some(self.failed),
                program,
                &self.reason,
            ));
        }
        if self.given_up > 0 {
            log::failed(
                Some(self.given_up),
                program,
                "given up after a week of tries",
            );
        }
        if self.unusable > 0 {
            let why = "what is no event was removed from the queue";
            log::failed(Some(self.unusable), None, why);
        }
    }
}

/// Hands on the events of one account after the other, until none is left or the hook has failed too often.
fn work(shared: &Mutex<Shared<'_>>, taken: &Taken, hook: &Hook, machine: &str) {
    let with = |change: &mut dyn FnMut(&mut Shared<'_>)| {
        let mut shared = shared
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        change(&mut shared);
    };
    loop {
        let mut account = None;
        with(&mut |shared| {
            let is_enough = shared.deliveries.in_a_row >= ENOUGH;
            if !is_enough && shared.broken.is_none() {
                account = shared.accounts.pop_front();
            }
        });
        let Some(items) = account else {
            return;
        };
        for item in items {
            let outcome = hand_on_one(taken, hook, &item, machine);
            let mut goes_on = true;
            with(&mut |shared| {
                if let Err(broken) = shared.note(taken, &item, &outcome) {
                    shared.broken = Some(broken);
                }
                goes_on = !matches!(outcome, Outcome::Failed(_)) && shared.broken.is_none();
            });
            if !goes_on {
                break;
            }
        }
    }
}

impl Shared<'_> {
    fn note(&mut self, taken: &Taken, item: &Item, outcome: &Outcome) -> Result<(), String> {
        let deliveries = &mut *self.deliveries;
        match outcome {
            Outcome::Done => deliveries.in_a_row = 0,
            Outcome::Unusable => deliveries.unusable += 1,
            Outcome::Failed(reason) => {
                deliveries.failed += 1;
                deliveries.in_a_row += 1;
                deliveries.reason.clone_from(reason);
                if item.tries + 1 < MOST_TRIES {
                    self.later.push(taken.postpone(item)?);
                    return Ok(());
                }
                deliveries.given_up += 1;
            }
        }
        taken.done(item)?;
        self.gone.insert(item.name.id);
        Ok(())
    }
}

fn hand_on_one(taken: &Taken, hook: &Hook, item: &Item, machine: &str) -> Outcome {
    let text = taken
        .read(item)
        .and_then(|read| handed::for_hook(item, &read, machine));
    match text.map(|text| hook.run(&text)) {
        Ok(Ok(())) => Outcome::Done,
        Ok(Err(reason)) => Outcome::Failed(reason),
        Err(_) => Outcome::Unusable,
    }
}
