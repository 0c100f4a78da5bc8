//! What becomes of the auth lines of a service: who gets in, by what, and what is asked on the way.

use super::answer::Answer;
use super::chain::{Chain, Phase, Place, Step};
use super::modules::{Role, answers, asks_for_password, role};
use super::walk::{End, Known, explore};
use std::rc::Rc;

/// What is known on the way through the auth lines.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact that is known or not"
)]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Facts {
    service: Rc<str>,
    /// A line of ours said that the code is right.
    pub code: bool,
    /// A line of ours left it to others, since policy wants no code.
    pub excused: bool,
    /// A line of ours refused.
    pub refused: bool,
    /// Another module found out who it is.
    pub proven: bool,
    /// A module that nobody knows said yes.
    pub maybe_proven: bool,
    /// Root asks.
    pub root: bool,
    /// A reply is kept for a line of ours.
    split: bool,
    /// A line of ours asked for a code.
    asked: bool,
    /// A line of ours that judges was come to, and nothing was kept for it.
    pub unsplit: bool,
    /// Two lines of ours asked.
    pub asked_twice: bool,
    /// A line of ours judged a code although nobody had proven who they are.
    pub before_proof: bool,
    /// A refused code was counted as a wrong password.
    pub tallied: bool,
    /// The password was asked for again after the reply was taken apart.
    pub asked_again: bool,
    /// The step that first led past a line of ours.
    pub leads_past: Option<usize>,
}

impl Facts {
    /// At the beginning of a login through a service.
    #[must_use]
    pub fn of(service: &str) -> Self {
        Self {
            service: Rc::from(service),
            code: false,
            excused: false,
            refused: false,
            proven: false,
            maybe_proven: false,
            root: false,
            split: false,
            asked: false,
            unsplit: false,
            asked_twice: false,
            before_proof: false,
            tallied: false,
            asked_again: false,
            leads_past: None,
        }
    }

    /// Whether a login that is let in with this was let in without a code, and not by policy.
    #[must_use]
    pub const fn is_without_code(&self) -> bool {
        !self.root && !self.code && !self.excused
    }

    /// Whether anybody has found out who it is.
    #[must_use]
    pub const fn is_proven(&self) -> bool {
        self.proven || self.maybe_proven || self.root
    }
}

impl Known for Facts {
    fn answers(&self, _at: usize, step: &Step) -> Vec<Answer> {
        // Answers with which libpam does the same, and which mean the same, need only one of them.
        let role = role(step, &self.service, Phase::Auth);
        let mut distinct = Vec::new();
        let mut kept = Vec::new();
        for answer in answers(role, step) {
            let kind = (
                step.control.action(answer),
                answer == Answer::SUCCESS,
                answer.is_yes(),
                answer == Answer::IGNORE,
            );
            if !distinct.contains(&kind) {
                distinct.push(kind);
                kept.push(answer);
            }
        }
        kept
    }

    fn after(&self, at: usize, step: &Step, answer: Answer, skipped: &[Step]) -> Self {
        let mut facts = self.clone();
        let (yes, ignored) = (answer.is_yes(), answer == Answer::IGNORE);
        match role(step, &self.service, Phase::Auth) {
            Role::Splitter => {
                facts.split = ignored;
            }
            Role::Judge => {
                facts.unsplit |= !self.split;
                facts.before_proof |= !self.is_proven();
                if !self.split && !ignored {
                    facts.asked_twice |= self.asked;
                    facts.asked = true;
                }
                // What was kept is for one line.
                facts.split = false;
                facts.code |= yes;
                facts.excused |= ignored;
                facts.refused |= !yes && !ignored;
            }
            Role::Prover => {
                facts.proven |= yes;
                facts.asked_again |= self.split && asks_for_password(step);
            }
            Role::Unknown => facts.maybe_proven |= yes,
            Role::RootOnly => facts.root |= yes,
            Role::Tally => facts.tallied |= self.refused && self.is_proven(),
            Role::Constant(_) | Role::Condition | Role::Missing => {}
        }
        if facts.leads_past.is_none() && skipped.iter().any(|one| one.is_ours() && !one.splits()) {
            facts.leads_past = Some(at);
        }
        facts
    }
}

/// What is found out about the auth lines of a service.
#[derive(Debug)]
pub struct Examined {
    /// The lines.
    pub chain: Chain,
    ends: Vec<End<Facts>>,
    service: String,
}

/// Why a login is let in without a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gap {
    /// This step ends the stack, or jumps, before ours.
    LeadsPast(usize),
    /// Our step refuses, and the refusal does not count.
    Undone(usize),
    /// No line of ours looks at the code that the first one kept.
    NeverChecked(usize),
}

impl Examined {
    /// Walks all ways; `None`: there are too many.
    #[must_use]
    pub fn new(chain: Chain, service: &str) -> Option<Self> {
        let ends = explore(&chain, Facts::of(service))?;
        Some(Self {
            chain,
            ends,
            service: service.to_owned(),
        })
    }

    /// The ends at which somebody is let in.
    pub fn let_in(&self) -> impl Iterator<Item = &End<Facts>> {
        self.ends.iter().filter(|end| end.lets_in)
    }

    /// All ends.
    pub fn ends(&self) -> impl Iterator<Item = &End<Facts>> {
        self.ends.iter()
    }

    /// Whether a code is asked for at all.
    #[must_use]
    pub fn asks(&self) -> bool {
        self.chain.has_ours()
    }

    /// The ways in without a code, one for each step that is to blame.
    #[must_use]
    pub fn gaps(&self) -> Vec<(Gap, &End<Facts>)> {
        let mut found: Vec<(Gap, &End<Facts>)> = Vec::new();
        if !self.asks() {
            return found;
        }
        let mut ends: Vec<_> = self
            .let_in()
            .filter(|end| end.known.is_without_code())
            .collect();
        ends.sort_by_key(|end| end.way.len());
        for end in ends {
            let gap = self.gap(end);
            if !found.iter().any(|(known, _)| *known == gap) {
                found.push((gap, end));
            }
        }
        found
    }

    fn gap(&self, end: &End<Facts>) -> Gap {
        let of_ours = |at: usize| {
            let step = &self.chain.steps[at];
            step.is_ours() && !step.splits()
        };
        let says_no = |answer: Answer| !answer.is_yes() && answer != Answer::IGNORE;
        let refused = end
            .way
            .iter()
            .find(|(at, answer)| of_ours(*at) && says_no(*answer));
        if let Some((at, _)) = refused {
            return Gap::Undone(*at);
        }
        if let Some(at) = end.known.leads_past {
            return Gap::LeadsPast(at);
        }
        let first = self.chain.steps.iter().position(Step::is_ours);
        Gap::NeverChecked(first.unwrap_or_default())
    }

    /// Whether nobody is let in with a code, or by policy, whatever they prove.
    #[must_use]
    pub fn refuses_everybody(&self) -> bool {
        !self
            .let_in()
            .any(|end| end.known.code || end.known.excused || !self.asks())
    }

    /// The roles of the steps.
    pub fn roles(&self) -> impl Iterator<Item = (usize, Role)> {
        let steps = self.chain.steps.iter().enumerate();
        steps.map(|(at, step)| (at, role(step, &self.service, Phase::Auth)))
    }

    /// Whether some module is known to find out who it is.
    #[must_use]
    pub fn has_prover(&self) -> bool {
        self.roles().any(|(_, role)| role == Role::Prover)
    }

    /// Where a step stands.
    #[must_use]
    pub fn place(&self, at: usize) -> &Place {
        &self.chain.steps[at].place
    }
}
