//! One login, from the question to the answer, in any program.

use crate::call::{Call, Case, Stop};
use crate::event;
use crate::host::{Disposition, Host, Passed, SplitCode, Tone, Typed};
use crate::mailing;
use crate::options::{FirstPass, Options};
use otp_core::enforce::{Belongs, Demand, Unenrolled, demand};
use otp_core::event::{Event, Phase, Severity, Text, Treatment, Value};
use otp_core::login::{AccountLine, Around, CodeLine, NobodyEnrols, at_code_line};
use otp_core::mailed::LoginKey;
use otp_core::messages::Message;
use otp_core::record::AtLogin;
use otp_core::{Account, UnixTime, Verdict, input};
use otp_helper::protocol::Claim;
use otp_helper::records::{Attempt, Attempted, Enrolled};
use otp_site::stack::may_enrol_in;
use otp_store::{Place, Remembered, Trusted};
use std::time::Duration;

/// Runs one `pam_sm_authenticate`.
///
/// Any error refuses: the only ways to [`Disposition::Success`] and [`Disposition::Ignore`] are a verdict that says so,
/// trust that policy names, an account that policy excuses or leaves to the account line, and the first half of a
/// `split`.
pub(crate) fn authenticate(host: &mut impl Host, arguments: &[&[u8]], silent: bool) -> Disposition {
    // Before anything else, so that every refusal takes equally long, whatever the reason. A line that cannot be read
    // cannot say otherwise.
    if !Options::parse(arguments).is_ok_and(|options| options.nodelay) {
        host.delay_failure();
    }
    let mut call = Call::new(host, Phase::Authentication, silent);
    // Notes of an earlier attempt on the same handle no longer count, whatever happens to this one.
    let forgotten = call.host.pass(None);
    let options = match call.options(arguments) {
        Ok(options) => options,
        Err(answer) => return answer,
    };
    let mut login = Login {
        call,
        asks_though_trusted: false,
    };
    match forgotten
        .map_err(Stop::from)
        .and_then(|()| login.run(&options))
    {
        Ok(answer) => answer,
        Err(stop) => login.call.stop(&stop),
    }
}

/// A login in progress.
pub(crate) struct Login<'h, H> {
    pub(crate) call: Call<'h, H>,
    /// The place is trusted, but a reply that may end in a code is still asked for, so that the password is passed on
    /// without it.
    asks_though_trusted: bool,
}

impl<H: Host> Login<'_, H> {
    fn run(&mut self, options: &Options) -> Result<Disposition, Stop> {
        let case = self.call.case(options)?;
        // The kept code is also taken if none is wanted, or if this line asks again: it was for this attempt alone.
        let kept = self.call.host.take_kept()?;
        if let Some(answer) = self.without_a_code(options, &case)? {
            if options.split {
                self.ask_for_the_password(options)?;
            }
            return Ok(answer);
        }
        if options.split {
            return self.split(options, &case);
        }
        if let Some(kept) = kept {
            self.call.debug(options, "code from: split");
            if kept.user != self.call.user {
                return Err(Stop::UserChanged);
            }
            return self.judge(options, &case, &kept.code, None, None);
        }
        if options.first_pass != FirstPass::Ignore {
            let typed = self.call.host.password()?;
            let reply = typed.as_deref().map_or(&[][..], Vec::as_slice);
            let (password, code) = input::cut(reply, case.policy.code.digits);
            let suffices = self.asks_though_trusted && typed.is_some();
            if options.first_pass == FirstPass::Use || !code.is_empty() || suffices {
                self.call.debug(options, "code from: first pass");
                let answer = self.trust_or_judge(options, &case, code)?;
                if typed.is_some() {
                    self.forward(options, answer, password)?;
                }
                if options.first_pass == FirstPass::Use || answer != Disposition::Refused {
                    return Ok(answer);
                }
            }
        }
        self.call.debug(options, "code from: prompt");
        case.records.prepare();
        if options.forward_pass {
            let reply = self.ask(options, Message::PasswordAndCodePrompt)?;
            let (password, code) = input::cut(&reply, case.policy.code.digits);
            let answer = self.trust_or_judge(options, &case, code)?;
            self.forward(options, answer, password)?;
            return Ok(answer);
        }
        let reply = self.ask(options, Message::CodePrompt)?;
        let password = self.call.host.password()?;
        let password = password.as_deref().map(Vec::as_slice);
        if mailing::may_want_mail(&case, &reply) {
            return self.by_mail(options, &case, &reply, password);
        }
        self.judge(options, &case, &reply, password, None)
    }

    /// Leaves the password without its code to later modules, if this module lets the login go on.
    fn forward(
        &mut self,
        options: &Options,
        answer: Disposition,
        password: &[u8],
    ) -> Result<(), Stop> {
        if options.forward_pass && matches!(answer, Disposition::Success | Disposition::Ignore) {
            self.call.host.hand_on_password(password)?;
        }
        Ok(())
    }

    /// Returns the answer if policy wants no code; `None`: ask for a code, or for a reply that may contain one.
    fn without_a_code(
        &mut self,
        options: &Options,
        case: &Case,
    ) -> Result<Option<Disposition>, Stop> {
        let Some(account) = &case.account else {
            self.ask_about_nobody(options, case)?;
            let unasked = self.call.trusted_network(case).is_some() && self.proves_identity();
            let refused = self.refuses_stranger(case, unasked)?;
            return Ok(refused.then_some(Disposition::Refused));
        };
        if let Some(why) = self.trust(options, case, account)? {
            let cuts_off = options.split || options.forward_pass;
            if cuts_off && self.may_type_a_code(case, account) {
                self.asks_though_trusted = true;
                return Ok(None);
            }
            return Ok(Some(self.leave_to_trust(why)));
        }
        let now = self.call.host.now()?;
        let wants_to_enrol = self.wants_to_enrol(case);
        let at_login =
            wants_to_enrol && may_enrol_in(&self.call.origin.service, case.policy.enroll);
        if !self.must_know(case, now) {
            return Ok(None);
        }
        let Enrolled::No { first_login } = case.records.enrolled(account)? else {
            return Ok(None);
        };
        let wanted = self.call.demand(case, account, first_login, now);
        if wants_to_enrol && !at_login && !matches!(wanted, Demand::Nothing(_)) {
            self.call.warn(
                "this service may keep what it shows, so nobody can enrol in its logins: enrol over ssh, or with otp-enroll",
            );
        }
        let (result, may_enrol) = match at_code_line(&wanted, at_login, self) {
            CodeLine::Asks { because } => {
                self.warn_that_nobody_enrols(because);
                return Ok(None);
            }
            CodeLine::Excuses { may_enrol } => (Treatment::Excused, may_enrol),
            CodeLine::Defers => (Treatment::Deferred, true),
        };
        rehearse_grace(case, account, &wanted, now)?;
        self.leave_to_others(case, &wanted, result, may_enrol)?;
        Ok(Some(Disposition::Ignore))
    }

    /// Whether policy wants logins to set up an authenticator, in this process.
    fn wants_to_enrol(&self, case: &Case) -> bool {
        case.policy.enroll.at_login != AtLogin::Off
            && case.records.may_enrol_at_login()
            && !self.call.silent
    }

    /// Whether it must be known before the prompt if the user has an authenticator; not if nobody is let in without
    /// one.
    fn must_know(&self, case: &Case, now: UnixTime) -> bool {
        self.wants_to_enrol(case) || case.nullok || !case.policy.enforce.keeps_everybody_out(now)
    }

    /// For a name that no user has, asks what is asked about a user before the prompt, if the records are far away.
    /// Otherwise the time taken would tell which names exist. The answer lets nobody in.
    fn ask_about_nobody(&mut self, options: &Options, case: &Case) -> Result<(), Stop> {
        if self.call.trusted_network(case).is_some() && self.proves_identity() {
            return Ok(());
        }
        if self.call.trusted_network(case).is_none()
            && let Some(Remembered { place, remember }) = self.remembered(options, case)
            && let Err(error) = case.records.nobody_is_trusted(&place, remember)
        {
            self.call.warn(&error.to_string());
        }
        let now = self.call.host.now()?;
        if self.must_know(case, now) {
            case.records.nobody_is_enrolled()?;
        }
        Ok(())
    }

    /// Returns why the place of the login is trusted, as a value for the log.
    fn trust(
        &mut self,
        options: &Options,
        case: &Case,
        account: &Account,
    ) -> Result<Option<Value>, Stop> {
        let found = if let Some(network) = self.call.trusted_network(case) {
            Some(Value::Network(network))
        } else {
            let since = self.remembered_since(options, case, account)?;
            since.map(Value::Since)
        };
        // If no other module finds out who the user is, trust would lock users out or let everybody in: a code is asked
        // for as usual.
        if found.is_some() && !self.proves_identity() {
            self.call
                .debug(options, "trusted, but no other module proves who it is");
            return Ok(None);
        }
        Ok(found)
    }

    fn leave_to_trust(&mut self, why: Value) -> Disposition {
        let entry = self.call.entry(Event::Trusted, Severity::Info);
        self.call.log(entry.with(why));
        Disposition::Ignore
    }

    /// Judges the code that follows a password, unless the place was trusted when it was asked for and still is.
    fn trust_or_judge(
        &mut self,
        options: &Options,
        case: &Case,
        code: &[u8],
    ) -> Result<Disposition, Stop> {
        if let (true, Some(account)) = (self.asks_though_trusted, &case.account) {
            self.call.still_the_same_user()?;
            if let Some(why) = self.trust(options, case, account)? {
                return Ok(self.leave_to_trust(why));
            }
        }
        self.judge(options, case, code, None, None)
    }

    /// Whether a reply from a trusted place can end in a code: its user has codes, and a program that asks once sends
    /// the last good reply again. `forward_pass` and the second line of `split` use the trust after the code is cut
    /// off.
    ///
    /// If this cannot be found out, everything that looks like a code is treated as one.
    fn may_type_a_code(&mut self, case: &Case, account: &Account) -> bool {
        match case.records.enrolled(account) {
            Ok(Enrolled::Yes) => true,
            Ok(Enrolled::No { .. }) => false,
            Err(error) => {
                self.call.warn(&error.to_string());
                true
            }
        }
    }

    /// Returns since when a good code is remembered here.
    fn remembered_since(
        &mut self,
        options: &Options,
        case: &Case,
        account: &Account,
    ) -> Result<Option<UnixTime>, Stop> {
        let Some(Remembered { place, remember }) = self.remembered(options, case) else {
            return Ok(None);
        };
        let now = self.call.host.now()?;
        match case.records.trusted_since(account, &place, remember, now) {
            Ok(since) => Ok(since),
            // The code that is asked for instead shows whether more than this file is wrong.
            Err(error) => {
                self.call.warn(&error.to_string());
                Ok(None)
            }
        }
    }

    fn place(&self) -> Option<Place> {
        Place::of(&self.call.origin.service, &self.call.origin.host)
    }

    /// Returns the place where a good code will be remembered, if policy wants that.
    fn remembered(&self, options: &Options, case: &Case) -> Option<Remembered> {
        let remember = options.remember.unwrap_or(case.policy.trust.remember);
        let place = self.place().filter(|_| !remember.is_zero())?;
        Some(Remembered { place, remember })
    }

    /// Logs why a login asks for a code that nobody can have, although policy wants an enrolment.
    fn warn_that_nobody_enrols(&mut self, because: Option<NobodyEnrols>) {
        let reason = match because {
            // Policy does not want it, or it was logged why this cannot be found out.
            None | Some(NobodyEnrols::Line(AccountLine::Sure)) => return,
            Some(NobodyEnrols::NobodyProvesIdentity) => {
                "has no module but pam_otp.so that finds out who the user is"
            }
            Some(NobodyEnrols::Line(AccountLine::Missing)) => {
                "has no line \"account required pam_otp.so\""
            }
            Some(NobodyEnrols::Line(AccountLine::LedAround)) => {
                "has an account line of pam_otp.so that can be led around"
            }
        };
        self.warn_about_service(reason);
    }

    fn warn_about_service(&mut self, reason: &str) {
        let service = &self.call.origin.service;
        let reason = format!("the service {service} {reason}: nobody can enrol in its logins");
        self.call.warn(&reason);
    }

    /// Takes no part in a login: another module must let the user in, and the account line does what else policy
    /// demands.
    fn leave_to_others(
        &mut self,
        case: &Case,
        wanted: &Demand,
        treatment: Treatment,
        may_enrol: bool,
    ) -> Result<(), Stop> {
        let entry = self
            .call
            .entry(Event::NotEnrolled, Severity::Info)
            .with(Value::Result(treatment))
            .with(Value::Rule(wanted.clone()));
        self.call.log(entry);
        Ok(self.call.host.pass(Some(Passed::Left {
            user: self.call.user.clone(),
            nullok: case.nullok,
            may_enrol,
        }))?)
    }

    /// Refuses a name that the name service does not know, where an unenrolled user could be let in without a question.
    ///
    /// Such a name is not excused: a user list that cannot be read looks the same (glibc goes on to the next service
    /// and reports "not found"), and would let everybody in. But like an excused user, the person is asked nothing and
    /// told nothing.
    ///
    /// `unasked`: logins from this place are not asked for a code.
    fn refuses_stranger(&mut self, case: &Case, unasked: bool) -> Result<bool, Stop> {
        let who = Unenrolled {
            user: &self.call.user,
            nullok: case.nullok,
            first_login: None,
        };
        let belongs = |_: &str| Belongs::No;
        let now = self.call.host.now()?;
        if !unasked && !demand(&case.policy.enforce, &who, belongs, now).lets_in() {
            return Ok(false);
        }
        let (user, origin) = (&self.call.user, &self.call.origin);
        let entry = event::about(&Verdict::NotEnrolled, None, user, origin);
        let unknown = Value::Account(Text::escaped("unknown"));
        self.call.log(entry.with(unknown));
        Ok(true)
    }

    /// Does the first half of a login with one prompt: nothing is checked, so nothing is said about the code.
    ///
    /// The answer is "ignore": later modules decide, and the second line of this module decides last.
    ///
    /// Text that looks like a code is cut off whenever its user can have one, even in a trusted place. It is not
    /// checked: where no code is needed, a check would tell right codes from wrong ones without counting either.
    fn split(&mut self, options: &Options, case: &Case) -> Result<Disposition, Stop> {
        let reply = self.ask(options, Message::PasswordAndCodePrompt)?;
        let (password, code) = input::cut(&reply, case.policy.code.digits);
        self.call.host.keep(SplitCode {
            user: self.call.user.clone(),
            code: Typed::new(code.to_vec()),
        })?;
        self.call.host.hand_on_password(password)?;
        self.call.debug(options, "password and code taken apart");
        Ok(Disposition::Ignore)
    }

    /// Does the first half of a login with one prompt for users who have no code to type. They are asked the same
    /// question as others. Their whole reply is the password, since it may end like a code.
    ///
    /// So the module below need not ask (`use_first_pass`), and the question does not tell who is enrolled.
    fn ask_for_the_password(&mut self, options: &Options) -> Result<(), Stop> {
        let reply = self.ask(options, Message::PasswordAndCodePrompt)?;
        self.call.host.hand_on_password(&reply)?;
        self.call.debug(options, "the whole reply is the password");
        Ok(())
    }

    fn ask(&mut self, options: &Options, message: Message) -> Result<Typed, Stop> {
        let prompt = options
            .prompt
            .clone()
            .unwrap_or_else(|| message.text(self.call.language));
        // A reply that contains a password is never shown, whatever the line says. Nothing is shown either if the
        // program wants silence: such programs (saslauthd) may not be able to answer any other question.
        let echo = options.echo && message == Message::CodePrompt && !self.call.silent;
        Ok(self.call.host.ask(&prompt, echo)?.unwrap_or_default())
    }

    /// Makes the attempt and reports its result: a log entry, a message, and the answer for PAM, in this order. It
    /// never does so before the consequences of the verdict are on disk.
    ///
    /// `password`: what another module asked for before `typed`, if that was a separate question. `mailed`: the key of
    /// this login, if it has asked for a code by mail.
    pub(crate) fn judge(
        &mut self,
        options: &Options,
        case: &Case,
        typed: &[u8],
        password: Option<&[u8]>,
        mailed: Option<&LoginKey>,
    ) -> Result<Disposition, Stop> {
        self.call.still_the_same_user()?;
        let remembered = self.remembered(options, case).map(|at| {
            // If no other module finds out who the user is, trust is still earned, but lets nobody in.
            let remember = if self.proves_identity() {
                at.remember
            } else {
                Duration::ZERO
            };
            Remembered { remember, ..at }
        });
        let claim = if case.records.are_here() {
            Claim::default()
        } else {
            self.call.claim()
        };
        let clock = || self.call.host.now();
        let account = case.account.as_ref();
        let attempt = Attempt {
            policy: &case.policy,
            typed,
            password,
            excused: case.nullok && account.is_some(),
            mailed,
            remembered: remembered.as_ref(),
            claim: &claim,
        };
        let attempted = case.records.attempt(account, &attempt, clock)?;
        let now = self.call.host.now()?;
        let judged = attempted.judged();
        let is_recorded = !attempted.is_to_be_recorded();
        let is_elsewhere = !matches!(attempted, Attempted::Here(_));
        // While this login was asking, another login from the same place has earned the trust that this one finds now,
        // with this code.
        if let Trusted::Since(since) = judged.trusted {
            return Ok(if is_recorded {
                Disposition::Ignore
            } else {
                self.leave_to_trust(Value::Since(since))
            });
        }
        let local = |moment| self.call.host.zone().at(moment);
        let message = Message::about(&judged.verdict, &case.policy, now, local);
        // The process that commits an attempt logs it.
        if !is_recorded {
            let (user, origin) = (&self.call.user, &self.call.origin);
            let mut entry = event::about(&judged.verdict, message, user, origin);
            if case.account.is_none() {
                entry.add(Value::Account(Text::escaped("unknown")));
            }
            // Before signals come through again: no user can have an attempt that is counted but not logged.
            self.call.log(entry);
            // The code was still good.
            if let Trusted::NotKept(error) = &judged.trusted {
                self.call.warn(&error.to_string());
            }
        }
        let verdict = attempted.into_verdict();
        let answer = answer_to(&verdict);
        if is_elsewhere && answer == Disposition::Success {
            let user = self.call.user.clone();
            let proven = Passed::Proven { user, when: now };
            // If it cannot be noted, another helper or a verifier says so again.
            self.call.host.pass(Some(proven)).ok();
        }
        if !is_recorded && answer == Disposition::Success {
            let mut entry = self.call.entry(Event::OneFactor, Severity::Warning);
            if let Verdict::Accepted { authenticator, .. } = &verdict {
                entry.add(Value::Authenticator(authenticator.clone()));
            }
            self.call.watch_the_end(entry);
        }
        if let Some(message) = message {
            let tone = if answer == Disposition::Success {
                Tone::Information
            } else {
                Tone::Refusal
            };
            self.call.tell(message, tone);
        }
        Ok(answer)
    }
}

impl<H: Host> Around for Login<'_, H> {
    /// As far as the files of the service can be read.
    fn proves_identity(&mut self) -> bool {
        let service = self.call.origin.service.clone();
        let found = self.call.host.proves_identity(&service);
        found.unwrap_or_else(|error| {
            self.call.warn(&error.to_string());
            false
        })
    }

    fn account_line(&mut self) -> Option<AccountLine> {
        let service = self.call.origin.service.clone();
        let found = self.call.host.account_line(&service);
        found
            .inspect_err(|error| self.warn_about_service(&format!("cannot be looked at ({error})")))
            .ok()
    }
}

/// Makes sure that a grace can be stored which begins when this login is let in: by then it can no longer be refused.
fn rehearse_grace(
    case: &Case,
    account: &Account,
    wanted: &Demand,
    now: UnixTime,
) -> Result<(), Stop> {
    if let (Demand::From(..), false) = (wanted, case.policy.enforce.grace.is_zero()) {
        case.records.rehearse_grace(account, now)?;
    }
    Ok(())
}

/// Returns the answer to each verdict.
const fn answer_to(verdict: &Verdict) -> Disposition {
    match verdict {
        Verdict::Accepted { .. } | Verdict::Recovered { .. } | Verdict::Mailed => {
            Disposition::Success
        }
        Verdict::Rejected { .. }
        | Verdict::RejectedAndLocked { .. }
        | Verdict::Replayed
        | Verdict::Empty
        | Verdict::NoGuess { .. }
        | Verdict::NotEnrolled => Disposition::Refused,
        Verdict::Locked { .. } => Disposition::Locked,
        Verdict::Excused => Disposition::Ignore,
    }
}

#[cfg(test)]
mod tests;
