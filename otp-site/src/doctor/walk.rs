//! Every way through the steps of a phase, as libpam walks it.
//!
//! `advance` does what libpam does with one answer of one module. [`play`] plays a whole login with given answers, and
//! [`explore`] finds every end that answers can lead to. `tests/fuzz/tests/doctor.rs` compares them with libpam on
//! random stacks.

use super::answer::Answer;
use super::chain::{Call, Chain, Step};
use super::control::Action;
use std::collections::HashMap;

/// More states than any meaningful stack has.
const MOST: usize = 200_000;

/// What libpam has concluded from the answers so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
enum Impression {
    /// Nothing.
    #[default]
    None,
    /// The first answer was a yes.
    Yes,
    /// Something was refused.
    No,
}

/// An impression, and whether the answer stored with it is a success.
type Standing = (Impression, bool);

/// A moment on the way.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Moment {
    /// The next step.
    at: usize,
    standing: Standing,
    /// The level of the last step that was run.
    level: u8,
    /// The standing at the beginning of each substack around this step.
    begun: Vec<Standing>,
}

/// The effect of one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advance {
    /// The next moment.
    pub next: Moment,
    /// The steps that are skipped, by a jump or because the stack or substack ends here.
    pub skipped: std::ops::Range<usize>,
}

impl Moment {
    /// Returns the step whose answer comes next, and enters substacks that begin here. `None`: the end.
    fn settle(&mut self, chain: &Chain) -> Option<usize> {
        while let Some(step) = chain.steps.get(self.at) {
            self.enter(step.level);
            if step.call != Call::Substack {
                return Some(self.at);
            }
            self.level = step.level;
            self.at += 1;
        }
        None
    }

    fn enter(&mut self, level: u8) {
        if self.level < level {
            let level = usize::from(level);
            // A jump may skip the beginning of the substacks around a step.
            if self.begun.len() <= level {
                self.begun.resize(level + 1, Standing::default());
            }
            self.begun[level] = self.standing;
        }
    }

    /// Whether the login is let in if this is the end.
    const fn lets_in(&self) -> bool {
        matches!(self.standing, (Impression::Yes, true))
    }
}

/// Does what libpam does with an answer of the step that a moment has reached.
fn advance(chain: &Chain, moment: &Moment, answer: Answer) -> Advance {
    let at = moment.at;
    let step = &chain.steps[at];
    let mut next = moment.clone();
    next.level = step.level;
    next.at = at + 1;
    // Where the steps of this level end, and those of inner levels.
    let level_ends = || {
        let after = chain.steps[at + 1..].iter();
        at + 1 + after.take_while(|one| one.level >= step.level).count()
    };
    match step.control.action(answer) {
        Action::Ignore => {}
        Action::Ok | Action::Done => {
            let is_done = step.control.action(answer) == Action::Done;
            if matches!(
                next.standing,
                (Impression::None, _) | (Impression::Yes, true)
            ) {
                next.standing = (Impression::Yes, answer == Answer::SUCCESS);
            }
            if is_done && next.standing.0 == Impression::Yes {
                next.at = level_ends();
            }
        }
        Action::Bad => next.standing = (Impression::No, false),
        Action::Die => {
            next.standing = (Impression::No, false);
            next.at = level_ends();
        }
        Action::Reset => {
            let level = usize::from(step.level);
            next.standing = moment.begun.get(level).copied().unwrap_or_default();
        }
        Action::Jump(modules) => match jump(chain, at, modules) {
            Ok(to) => next.at = to,
            // libpam treats a jump over the end as a refusal, and continues after the skipped steps.
            Err(end) => {
                next.standing = (Impression::No, false);
                next.at = end;
            }
        },
    }
    Advance {
        skipped: at + 1..next.at,
        next,
    }
}

/// Returns where a jump over this many modules of the same level leads; each substack counts as one.
fn jump(chain: &Chain, from: usize, modules: u32) -> Result<usize, usize> {
    let level = chain.steps[from].level;
    let level_at = |at: usize| chain.steps.get(at).map(|step| step.level);
    let mut at = from;
    for _ in 0..modules {
        if level_at(at + 1).is_none_or(|next| next < level) {
            return Err(at + 1);
        }
        at += 1;
        while level_at(at + 1).is_some_and(|next| next > level) {
            at += 1;
        }
    }
    Ok(at + 1)
}

/// Whether libpam lets a login in if modules answer as `answer` says, and which steps it reaches.
pub fn play(chain: &Chain, mut answer: impl FnMut(usize) -> Answer) -> (bool, Vec<usize>) {
    let mut moment = Moment::default();
    let mut called = Vec::new();
    if chain.aborts {
        return (false, called);
    }
    while let Some(at) = moment.settle(chain) {
        called.push(at);
        let given = match chain.steps[at].call {
            Call::Module { .. } => answer(at),
            Call::Substack | Call::Nothing => Answer::PERM_DENIED,
        };
        moment = advance(chain, &moment, given).next;
    }
    (moment.lets_in(), called)
}

/// The knowledge on a way; equal knowledge at the same place is followed only once.
pub trait Known: Clone + Eq + std::hash::Hash {
    /// Returns the answers that the module of a step can give here.
    fn answers(&self, at: usize, step: &Step) -> Vec<Answer>;
    /// Returns what is known after the answer; `skipped`: the steps that libpam then skips.
    #[must_use]
    fn after(&self, at: usize, step: &Step, answer: Answer, skipped: &[Step]) -> Self;
}

/// An end of the ways.
#[derive(Clone, Debug)]
pub struct End<K> {
    /// Whether the login is let in.
    pub lets_in: bool,
    /// What is known there.
    pub known: K,
    /// One of the shortest ways there: each step with its answer.
    pub way: Vec<(usize, Answer)>,
}

/// Finds every end that answers can lead to; `None`: there are too many ways.
#[must_use]
pub fn explore<K: Known>(chain: &Chain, beginning: K) -> Option<Vec<End<K>>> {
    /// The moment before, and the answer given there.
    type Before = Option<(usize, (usize, Answer))>;
    let mut moments: Vec<(Moment, K, Before)> = Vec::new();
    let mut seen: HashMap<(Moment, K), usize> = HashMap::new();
    let mut ends = Vec::new();
    let mut first = Moment::default();
    if chain.aborts {
        first.at = chain.steps.len();
    }
    first.settle(chain);
    seen.insert((first.clone(), beginning.clone()), 0);
    moments.push((first, beginning, None));
    let mut next = 0;
    while let Some((moment, known, _)) = moments.get(next).cloned() {
        if moments.len() > MOST {
            return None;
        }
        let here = next;
        next += 1;
        let Some(step) = chain.steps.get(moment.at) else {
            ends.push((here, moment.lets_in(), known));
            continue;
        };
        let answers = match step.call {
            Call::Module { .. } => known.answers(moment.at, step),
            Call::Substack | Call::Nothing => vec![Answer::PERM_DENIED],
        };
        for answer in answers {
            let gone = advance(chain, &moment, answer);
            let skipped = &chain.steps[gone.skipped];
            let learnt = known.after(moment.at, step, answer, skipped);
            let mut there = gone.next;
            there.settle(chain);
            let key = (there, learnt);
            if !seen.contains_key(&key) {
                seen.insert(key.clone(), moments.len());
                moments.push((key.0, key.1, Some((here, (moment.at, answer)))));
            }
        }
    }
    let way = |end: usize| {
        let mut way = Vec::new();
        let mut at = end;
        while let Some((before, what)) = moments[at].2 {
            way.push(what);
            at = before;
        }
        way.reverse();
        way
    };
    let end = |(at, lets_in, known)| End {
        lets_in,
        known,
        way: way(at),
    };
    Some(ends.into_iter().map(end).collect())
}
