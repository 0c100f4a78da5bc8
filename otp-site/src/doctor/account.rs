//! What becomes of the account lines of a service.

use super::answer::Answer;
use super::chain::{Chain, Step};
use super::modules::Role;
use super::walk::{Known, explore};

/// What is known on the way through the account lines: whether a line of ours said yes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Facts {
    said_yes: bool,
}

/// What a line can answer; that of ours never leaves it to others.
#[must_use]
pub fn possible(step: &Step) -> Vec<Answer> {
    match super::modules::role(step, "", super::chain::Phase::Account) {
        Role::Judge | Role::Splitter => vec![
            Answer::SUCCESS,
            Answer::PERM_DENIED,
            Answer::AUTHINFO_UNAVAIL,
        ],
        // What proves something about a user may also leave it to others here.
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

/// One of the shortest ways in past the account line of ours; `None` within: there is none. `None`: there are too many ways.
#[must_use]
pub fn way_around(chain: &Chain) -> Option<Option<Vec<(usize, Answer)>>> {
    let mut ends = explore(chain, Facts::default())?;
    ends.retain(|end| end.lets_in && !end.known.said_yes);
    Some(ends.into_iter().map(|end| end.way).min_by_key(Vec::len))
}
