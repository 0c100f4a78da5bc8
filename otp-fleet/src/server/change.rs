//! The verifier's side of a change that a user makes on a machine; `otp_helper::serving` leads it.
//!
//! The PAM service that authenticates the user runs on the machine. A stolen machine must not be able to give every
//! user a new device. So a change to a record needs more: by the verifiers' own knowledge, a code of the account was
//! accepted from that very machine a short while ago.

use super::Shared;
use super::base::Base;
use super::line::TlsLine;
use super::machine::NoMachine;
use crate::name::PeerName;
use otp_core::mail::Address;
use otp_core::messages::hindrance::Hindrance;
use otp_core::{Account, Policy};
use otp_helper::permission::{May, Relation, allowed};
use otp_helper::protocol::{Answer, Verb};
use otp_helper::serving::{End, Ground, Scribe};
use otp_site::policy;
use otp_store::change::Draft;
use std::time::Duration;

/// How long an accepted code proves who is asking.
const PROVES_FOR: Duration = Duration::from_secs(5 * 60);

/// How far the clock of the verifier that accepted it may be ahead: the clocks of two serving verifiers differ by no
/// more.
const AHEAD: Duration = Duration::from_secs(60);

/// The verifier's side of a change.
pub(super) struct ByTheFleet<'a, B> {
    pub shared: &'a Shared<B>,
    pub scribe: &'a Scribe,
    pub name: &'a PeerName,
    pub policy: &'a Policy,
    /// The change for which a code was required, once it has begun.
    pub by_a_code: Option<Verb>,
}

impl<B: Base> ByTheFleet<'_, B> {
    /// Returns why the change lacks a code; `None`: a code was accepted from this machine.
    fn lacks_a_code(&self, account: &Account) -> Result<Option<&'static str>, End> {
        let now = (self.shared.clock)()?;
        let Some(accepted) = self.shared.base.last_accepted(account)? else {
            return Ok(Some(
                "no code of the account was accepted, or a wrong one came since",
            ));
        };
        if accepted.machine.as_str() != self.name.as_str() {
            return Ok(Some("the last code was accepted from another machine"));
        }
        let is_of_now = accepted.when < now.after(AHEAD) && now <= accepted.when.after(PROVES_FOR);
        Ok((!is_of_now).then_some("the last code was accepted too long ago"))
    }

    /// Refuses the change if it lacks a code.
    fn wants_a_code(&self, verb: Verb, account: &Account) -> Result<(), End> {
        let Some(reason) = self.lacks_a_code(account)? else {
            return Ok(());
        };
        let log = &self.shared.log;
        let user = account.name.as_str();
        log.denied(self.scribe, self.name, verb.word(), user, reason);
        Err(End::Refused(Answer::NotAuthenticated))
    }
}

impl<B: Base> Ground<TlsLine> for ByTheFleet<'_, B> {
    fn may_show_a_key(&mut self) -> Result<(), End> {
        policy::load_to_enrol(&self.shared.conf.policy)?;
        Ok(())
    }

    fn may(&mut self, verb: Verb, account: &Account) -> Result<May, End> {
        match allowed(verb, Relation::Machine) {
            May::Authenticated => {
                self.wants_a_code(verb, account)?;
                self.by_a_code = Some(verb);
                Ok(May::Yes)
            }
            may => Ok(may),
        }
    }

    /// The line itself has a time limit.
    fn wait_for_a_person(&mut self) -> Result<(), End> {
        Ok(())
    }

    /// Never called: [`Ground::may`] leaves nothing to ask.
    fn authenticate(&mut self, _: &mut TlsLine, _: &Account, _: Verb) -> Result<(), End> {
        Err(End::Refused(Answer::Denied))
    }

    fn confirm_address(
        &mut self,
        _: &mut TlsLine,
        _: &Account,
        draft: &Draft,
    ) -> Result<Option<Address>, End> {
        if self.policy.enroll.verify_email && draft.device().is_some() {
            return Err(End::unavailable(Hindrance::NoAddressesInAFleet));
        }
        Ok(None)
    }

    /// Also checks that the machine is still registered: it may have been revoked while the person typed. And that
    /// the code still proves who is asking: otherwise a change that began in time could be stored as late as a
    /// dialogue may last.
    fn policy_by_now(&mut self, account: &Account) -> Result<Policy, End> {
        if let Some(reason) = self.shared.refuses() {
            return Err(End::unavailable(reason));
        }
        match self.shared.machine(self.name) {
            Ok(_) => {}
            Err(NoMachine::Unknown(reason)) => return Err(End::unavailable(reason)),
            Err(NoMachine::Is(reason)) => {
                let user = account.name.as_str();
                let log = &self.shared.log;
                log.denied(self.scribe, self.name, "keep", user, reason);
                return Err(End::Refused(Answer::Denied));
            }
        }
        if let Some(verb) = self.by_a_code {
            self.wants_a_code(verb, account)?;
        }
        Ok(policy::load(&self.shared.conf.policy)?.for_account())
    }
}
