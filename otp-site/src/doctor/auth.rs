//! What the auth lines of a service do: who is let in, with what, and what is asked on the way.

use super::answer::Answer;
use super::chain::{Chain, Phase, Place, Step};
use super::modules::{Role, answers, asks_for_password, role};
use super::walk::{End, Known, explore};
use std::rc::Rc;

/// The knowledge on the way through the auth lines.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact that is known or not"
)]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Facts {
    service: Rc<str>,
    /// One of our lines has said that the code is right.
    pub code: bool,
    /// One of our lines has left the decision to others, since policy demands no code.
    pub excused: bool,
    /// One of our lines has refused.
    pub refused: bool,
    /// Another module has found out who the user is.
    pub proven: bool,
    /// An unknown module has said yes.
    pub maybe_proven: bool,
    /// Root asks.
    pub root: bool,
    /// A reply is kept for one of our lines.
    split: bool,
    /// One of our lines has asked for a code.
    asked: bool,
    /// One of our lines that judges was reached, and no reply was kept for it.
    pub unsplit: bool,
    /// Two of our lines have asked.
    pub asked_twice: bool,
    /// One of our lines has judged a code before the user had proven anything.
    pub before_proof: bool,
    /// A refused code was counted as a wrong password.
    pub tallied: bool,
    /// The password was asked for again after the reply was split.
    pub asked_again: bool,
    /// The step that first bypassed one of our lines.
    pub leads_past: Option<usize>,
}

impl Facts {
    /// The facts at the beginning of a login to a service.
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

    /// Whether a login that is let in now had no code, and was not excused by policy either.
    #[must_use]
    pub const fn is_without_code(&self) -> bool {
        !self.root && !self.code && !self.excused
    }

    /// Whether any module has found out who the user is.
    #[must_use]
    pub const fn is_proven(&self) -> bool {
        self.proven || self.maybe_proven || self.root
    }
}

impl Known for Facts {
    fn answers(&self, _at: usize, step: &Step) -> Vec<Answer> {
        // Of answers that mean the same, and with which libpam does the same, only one is needed.
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
                // The kept reply is for one line only.
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

/// The findings about the auth lines of a service.
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
    /// This step ends the stack, or jumps, before our line.
    LeadsPast(usize),
    /// Our step refuses, and the refusal does not count.
    Undone(usize),
    /// None of our lines checks the code that the first one kept.
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

    /// Returns the ends at which the user is let in.
    pub fn let_in(&self) -> impl Iterator<Item = &End<Facts>> {
        self.ends.iter().filter(|end| end.lets_in)
    }

    /// Returns all ends.
    pub fn ends(&self) -> impl Iterator<Item = &End<Facts>> {
        self.ends.iter()
    }

    /// Whether a code is asked for at all.
    #[must_use]
    pub fn asks(&self) -> bool {
        self.chain.has_ours()
    }

    /// Returns the ways in without a code, one for each step that causes them.
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

    /// Whether no user is let in with a code or by policy, whatever they prove.
    #[must_use]
    pub fn refuses_everybody(&self) -> bool {
        !self
            .let_in()
            .any(|end| end.known.code || end.known.excused || !self.asks())
    }

    /// Returns the roles of the steps.
    pub fn roles(&self) -> impl Iterator<Item = (usize, Role)> {
        let steps = self.chain.steps.iter().enumerate();
        steps.map(|(at, step)| (at, role(step, &self.service, Phase::Auth)))
    }

    /// Whether a module is known to find out who the user is.
    #[must_use]
    pub fn has_prover(&self) -> bool {
        self.roles().any(|(_, role)| role == Role::Prover)
    }

    /// Returns the place of a step.
    #[must_use]
    pub fn place(&self, at: usize) -> &Place {
        &self.chain.steps[at].place
    }
}
