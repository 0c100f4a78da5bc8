//! A change that a user makes to their own account, turn by turn. The messages are in `crate::session`.

use super::{Cause, Change as Record, Line, Scribe, Stop};
use crate::permission::May;
use crate::protocol::{Answer, Verb};
use crate::session::{self, Reply, Turn};
use otp_core::mail::Address;
use otp_core::messages::hindrance::Hindrance;
use otp_core::messages::reason::Wording;
use otp_core::record::Name;
use otp_core::{Account, Authenticator, Policy};
use otp_site::{clock, groups};
use otp_store::account::mailing::keep_confirmed;
use otp_store::change::{Change, Draft, Failed, Proof, Refused};
use otp_store::{Keeper, Undisturbed};

/// The differences between the answering sides: who may make a change, and how the person at the other end is
/// authenticated.
pub trait Ground<L: Line> {
    /// Reads the policy again, for a change that shows a new key.
    ///
    /// # Errors
    /// The policy cannot be read, or has settings that apps would not take.
    fn may_show_a_key(&mut self) -> Result<(), End>;

    /// Whether the caller may make that change to the account.
    ///
    /// # Errors
    /// This cannot be decided; or the caller may not, with an answer of its own.
    fn may(&mut self, verb: Verb, account: &Account) -> Result<May, End>;

    /// Extends the time limit for a person. No lock is held from here on.
    ///
    /// # Errors
    /// The limit cannot be extended.
    fn wait_for_a_person(&mut self) -> Result<(), End>;

    /// Authenticates the person, if [`Ground::may`] requires it.
    ///
    /// # Errors
    /// The person is not authenticated.
    fn authenticate(&mut self, line: &mut L, account: &Account, verb: Verb) -> Result<(), End>;

    /// Asks the user to confirm the address before a new device is shown, if the policy requires that; `None`: it
    /// does not.
    ///
    /// # Errors
    /// The address was not confirmed.
    fn confirm_address(
        &mut self,
        line: &mut L,
        account: &Account,
        draft: &Draft,
    ) -> Result<Option<Address>, End>;

    /// Returns the current policy: minutes have passed since the change began.
    ///
    /// # Errors
    /// The policy cannot be read, or no longer allows the change.
    fn policy_by_now(&mut self, account: &Account) -> Result<Policy, End>;
}

/// The parts that a change needs.
pub struct Dialogue<'a, K, L, G> {
    /// The keeper of the records.
    pub keeper: &'a K,
    /// The policy under which the change begins.
    pub policy: &'a Policy,
    /// The name in which the change is logged.
    pub scribe: &'a Scribe,
    /// The line to the person.
    pub line: &'a mut L,
    /// The parts that differ between the answering sides.
    pub ground: &'a mut G,
}

/// The end of a change that was refused, or that has no answer.
pub enum End {
    /// Nothing was changed, and this is the last answer.
    Refused(Answer),
    /// The caller is gone, or the change could not be made.
    Stop(Stop),
}

impl From<Stop> for End {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

impl<E: Into<Cause>> From<E> for End {
    fn from(error: E) -> Self {
        Self::Stop(Stop::Unavailable(error.into()))
    }
}

impl From<Refused> for End {
    fn from(refused: Refused) -> Self {
        Self::Refused(Answer::Refused(refused))
    }
}

impl From<Failed> for End {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Refused(refused) => refused.into(),
            Failed::Store(error) => error.into(),
        }
    }
}

impl<K: Keeper, L: Line, G: Ground<L>> Dialogue<'_, K, L, G> {
    /// Makes the change, or returns why not.
    ///
    /// # Errors
    /// See [`Stop`].
    pub fn change(self, account: &Account, change: Change) -> Result<Answer, Stop> {
        match self.run(account, change) {
            Ok(answer) | Err(End::Refused(answer)) => Ok(answer),
            Err(End::Stop(stop)) => Err(stop),
        }
    }

    fn run(mut self, account: &Account, change: Change) -> Result<Answer, End> {
        let verb = Verb::of(&change);
        if matches!(change, Change::Enrol(_) | Change::Add(_)) {
            self.ground.may_show_a_key()?;
        }
        let draft = self.begin(account, change.clone())?;
        let verb = if draft.changes_a_record() {
            verb
        } else {
            Verb::Enrol
        };
        let may = self.ground.may(verb, account)?;
        if may == May::No {
            return Err(End::Refused(Answer::Denied));
        }
        // From here on a person is asked; no lock is held.
        self.ground.wait_for_a_person()?;
        let authenticates = may == May::Authenticated;
        let begun = Turn::Begun {
            goes: draft.goes().to_vec(),
            authenticates,
            imported_codes_go: draft.imported_codes_go(),
        };
        self.line.say(&begun.to_fields()).ok_or(Stop::Gone)?;
        let draft = if authenticates {
            // Keys are made only after the person is authenticated.
            drop(draft);
            self.ground.authenticate(self.line, account, verb)?;
            self.begin(account, change)?
        } else {
            draft
        };
        let confirmed = self.ground.confirm_address(self.line, account, &draft)?;
        let draft = self.prove(draft)?;
        let what = what_changes(&draft);
        match self.line.exchange(&session::codes(draft.codes()))? {
            Reply::Keep => {}
            Reply::Text(_) | Reply::Code(_) => return Err(Stop::Senseless.into()),
        }
        // Minutes have passed: the administrator's decisions in that time count.
        let policy = self.ground.policy_by_now(account)?;
        // One line before the change and one after it: if the helper is killed in between, the first line remains.
        let record = Record {
            scribe: self.scribe,
            verb: verb.word(),
            user: account.name.as_str(),
            authenticator: what.as_ref(),
            id: otp_log::new_id(),
        };
        record.begins();
        if let Some(address) = &confirmed {
            keep_confirmed(self.keeper, account, address, clock::now()?)?;
        }
        // No signal comes between the change and its log entry.
        let _undisturbed =
            Undisturbed::begin().map_err(|_| End::unavailable(Hindrance::NoTimer))?;
        let kept = draft.keep(self.keeper, &policy, groups::belongs, clock::now()?)?;
        record.is_made();
        Ok(Answer::Kept {
            enrolled: kept.enrolled,
        })
    }

    fn begin(&self, account: &Account, change: Change) -> Result<Draft, End> {
        let (account, now) = (account.clone(), clock::now()?);
        let draft = Draft::begin(
            Some(self.keeper),
            account,
            change,
            self.policy,
            groups::belongs,
            now,
        )?;
        Ok(draft)
    }

    /// Shows the new device, if there is one, and checks typed codes of it until one is right.
    fn prove(&mut self, mut draft: Draft) -> Result<Draft, End> {
        let Some(device) = draft.device() else {
            return Ok(draft);
        };
        let mut message = session::offer(device);
        loop {
            let typed = match self.line.exchange(&message)? {
                Reply::Code(typed) => typed,
                Reply::Text(_) | Reply::Keep => return Err(Stop::Senseless.into()),
            };
            let proof = draft.prove(&typed, self.policy, clock::now()?)?;
            let left = draft.tries();
            message = Turn::Checked { proof, left }.to_fields();
            if proof == Proof::Right {
                self.line.say(&message).ok_or(Stop::Gone)?;
                return Ok(draft);
            }
            if left == 0 {
                self.line.say(&message).ok_or(Stop::Gone)?;
                return Err(Refused::NotProven.into());
            }
        }
    }
}

impl End {
    /// Makes the end of a change that could not be made, for a reason of ours.
    #[must_use]
    pub fn unavailable(reason: impl Into<Wording>) -> Self {
        Self::Refused(Answer::Unavailable(reason.into()))
    }
}

/// Returns the name for the log: that of the new device, or of the removed one.
fn what_changes(draft: &Draft) -> Option<Name> {
    let name = draft.device().map(|device: &Authenticator| &device.name);
    name.or(draft.goes().first()).cloned()
}
