//! Handing on what is due: the events of one account in order, those of others beside them.

use crate::handed;
use crate::hook::Hook;
use crate::log;
use crate::taken::{Item, MOST_TRIES, Taken};
use otp_core::event::Severity;
use otp_site::host;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Mutex;

/// So many hooks run at a time: one that hangs keeps no other account waiting.
const AT_ONCE: usize = 4;

/// After so many failures without a success the hook is left alone until the next run.
const ENOUGH: u32 = 16;

/// What came of a run.
#[derive(Default)]
pub(crate) struct Deliveries {
    failed: u64,
    /// Why, of the last one.
    reason: String,
    program: String,
    given_up: u64,
    unusable: u64,
    in_a_row: u32,
}

/// What the workers share.
struct Shared<'a> {
    accounts: VecDeque<Vec<Item>>,
    gone: BTreeSet<u128>,
    later: Vec<Item>,
    broken: Option<String>,
    deliveries: &'a mut Deliveries,
}

/// What became of one event.
enum Outcome {
    Done,
    Unusable,
    Failed(String),
}

impl Deliveries {
    /// Hands on what is due.
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

    /// Says what was not handed on: one line for the whole run, or one for each kind.
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

/// Takes one account after the other, until there is none left or the hook takes nothing.
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
