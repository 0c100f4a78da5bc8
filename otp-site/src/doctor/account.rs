//! What the account lines of a service do.

use super::answer::Answer;
use super::chain::{Chain, Step};
use super::modules::Role;
use super::walk::{Known, explore};

/// The knowledge on the way through the account lines: whether one of our lines has said yes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Facts {
    said_yes: bool,
}

/// Returns the answers that a line can give; ours never leaves the decision to others.
#[must_use]
pub fn possible(step: &Step) -> Vec<Answer> {
    match super::modules::role(step, "", super::chain::Phase::Account) {
        Role::Judge | Role::Splitter => vec![
            Answer::SUCCESS,
            Answer::PERM_DENIED,
            Answer::AUTHINFO_UNAVAIL,
        ],
        // Here, a module that proves an identity may also leave the decision to others.
        Role::Prover => Answer::all().collect(),
        role => super::modules::answers(role, step),
    }
}

impl Known for Facts {
    fn answers(&self, _at: usize, step: &Step) -> Vec<Answer> {
        let mut distinct = Vec::new();
        let mut kept = Vec::new();
        for answer in possible(step) {
            let kind = (step.control.action(answer), answer == Answer::SUCCESS);
            if !distinct.contains(&kind) {
                distinct.push(kind);
                kept.push(answer);
            }
        }
        kept
    }

    fn after(&self, _at: usize, step: &Step, answer: Answer, _skipped: &[Step]) -> Self {
        Self {
            said_yes: self.said_yes || (step.is_ours() && answer.is_yes()),
        }
    }
}

/// Finds one of the shortest ways in that bypass our account line; inner `None`: there is none. Outer `None`: there are
/// too many ways.
#[must_use]
pub fn way_around(chain: &Chain) -> Option<Option<Vec<(usize, Answer)>>> {
    let mut ends = explore(chain, Facts::default())?;
    ends.retain(|end| end.lets_in && !end.known.said_yes);
    Some(ends.into_iter().map(|end| end.way).min_by_key(Vec::len))
}
