//! A machine's requests, one after the other, and the checks that they must pass.

use super::base::Base;
use super::change::ByTheFleet;
use super::line::TlsLine;
use super::measure::{self, What};
use super::places;
use super::zones::{Reach, reach};
use super::{Shared, administrator, log};
use crate::name::PeerName;
use crate::registry::{Entry, Role};
use otp_core::messages::hindrance::Hindrance;
use otp_core::messages::reason::Wording;
use otp_core::record::Language;
use otp_core::{Account, Policy, UserName, Verdict};
use otp_helper::fleet::{ADMINISTRATOR, Envelope, elsewhere};
use otp_helper::frame::BadFrame;
use otp_helper::permission::{May, Relation, allowed};
use otp_helper::protocol::{Answer, Request};
use otp_helper::serving::{Attempt, Cause, Dialogue, Line, Scribe, Stop, look_up};
use otp_site::{groups, policy, users};
use otp_store::Error;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// The largest number of requests in one connection: those of one login, and some spare; the helper answers as many.
const MOST_REQUESTS: u32 = 8;

/// The time that a request may take: a little less than a machine waits.
const TO_ANSWER: Duration = Duration::from_secs(9);

/// How long to wait for another request after the last answer, to log it.
const AFTER_THE_LAST: Duration = Duration::from_secs(2);

/// Serves one connection of a peer with a valid certificate, until there is nothing more to say.
pub(super) fn serve<B: Base>(shared: &Shared<B>, line: &mut TlsLine, name: &PeerName) {
    let scribe = log::scribe(name);
    for _ in 0..MOST_REQUESTS {
        let fields = match Line::read(line) {
            Ok(fields) => fields,
            // A peer that only connects and leaves has asked nothing.
            Err(BadFrame::Silence) => return,
            Err(bad) => return shared.log.denied(&scribe, name, "", "", bad.words()),
        };
        if fields.as_slices().first() == Some(&ADMINISTRATOR) {
            return administrator::serve(shared, line, name, &fields);
        }
        let Some(envelope) = Envelope::from_fields(&fields) else {
            let reason = "not a request of a machine, or not its fields";
            return shared.log.denied(&scribe, name, "", "", reason);
        };
        drop(fields);
        let verb = envelope.request.verb();
        let user = envelope.request.user().to_owned();
        let said = answer(shared, line, &scribe, name, envelope);
        let goes_on = match said {
            Said::Answer(answer) => {
                let is_heard = line.say(&answer.to_fields()).is_some();
                is_heard && answer != Answer::Denied && verb.may_be_followed()
            }
            Said::Elsewhere(reason) => {
                line.say(&elsewhere(&reason));
                return;
            }
            // Any further request would be denied, and the connection takes the place of another.
            Said::Stranger => {
                line.say(&Answer::Denied.to_fields());
                return;
            }
            Said::Nothing => return,
        };
        if !goes_on {
            // An attempt is the last request: no connection ever judges two.
            if line.waits_for_more(AFTER_THE_LAST) {
                let reason = "a second request after an answer";
                shared.log.denied(&scribe, name, verb.word(), &user, reason);
            }
            return;
        }
    }
    if line.waits_for_more(AFTER_THE_LAST) {
        shared
            .log
            .denied(&scribe, name, "", "", "more requests than a login has");
    }
}

/// The result of a request.
enum Said {
    /// An answer.
    Answer(Answer),
    /// The verifier has not looked at the request.
    Elsewhere(String),
    /// The peer is not a machine, and is told that it may not ask.
    Stranger,
    /// The peer is gone, or has sent nonsense.
    Nothing,
}

fn answer<B: Base>(
    shared: &Shared<B>,
    line: &mut TlsLine,
    scribe: &Scribe,
    name: &PeerName,
    envelope: Envelope,
) -> Said {
    let (verb, user) = (
        envelope.request.verb().word(),
        envelope.request.user().to_owned(),
    );
    let denied = |reason: &str| {
        shared.log.denied(scribe, name, verb, &user, reason);
        Said::Answer(Answer::Denied)
    };
    if let Some(reason) = shared.refuses() {
        return Said::Elsewhere(reason);
    }
    let account = account(&user, envelope.uid);
    let whom = account.as_ref().ok().and_then(Option::as_ref);
    let (entry, begun) = match shared.begin(name, whom.map(|account| &account.name)) {
        Ok(begun) => begun,
        Err(NoMachine::Unknown(reason)) => return Said::Elsewhere(reason),
        Err(NoMachine::Is(reason)) => {
            denied(reason);
            return Said::Stranger;
        }
    };
    if allowed(envelope.request.verb(), Relation::Machine) == May::No {
        return denied("not allowed");
    }
    let account = match account {
        Ok(account) => account,
        Err(reason) => return denied(reason),
    };
    // A login with a name without an account takes as long as any other. No answer to it lets anyone in: "has no
    // authenticator" could then be applied to a user whom the machine's name service has lost.
    let of_nobody = of_nobody(&user, &envelope.request);
    if account.is_none()
        && !matches!(envelope.request, Request::Check { .. })
        && of_nobody.is_none()
    {
        return denied("the machine knows nobody of that name");
    }
    if let Some(account) = &account {
        match reach(&shared.conf.zones, &entry, &account.name, groups::belongs) {
            Reach::Yes => {}
            Reach::No => return denied("the user is in no zone of the machine"),
            Reach::Unknown(group) => {
                let reason = Hindrance::ZoneGroup { group };
                return Said::Answer(unavailable(scribe, &envelope.request, reason.into()));
            }
        }
    }
    let policy = match policy::load(&shared.conf.policy) {
        Ok(policy) => policy.for_account(),
        Err(error) => {
            let reason = Wording::of(|language| error.text(language));
            return Said::Answer(unavailable(scribe, &envelope.request, reason));
        }
    };
    otp_log::hand_on_from_now_on(&shared.conf.state, &policy.hooks);
    shared.base.has_policy(name, envelope.policy);
    if let (None, Some(answer)) = (&account, of_nobody) {
        return Said::Answer(answer);
    }
    let keeper = shared.base.for_request(begun, &policy);
    match shared.exceeds(
        name,
        &envelope.request,
        account.as_ref(),
        keeper.as_ref().ok(),
    ) {
        Ok(None) => {}
        Ok(Some(what)) => {
            return Said::Answer(unavailable(
                scribe,
                &envelope.request,
                what.hindrance().into(),
            ));
        }
        Err(reason) => return denied(reason),
    }
    let asked = Asked {
        shared,
        scribe,
        name,
        policy: &policy,
        keeper,
    };
    match (envelope.request, account) {
        (Request::Change { change, .. }, Some(account)) => asked.change(line, &account, change),
        (request, account) => Said::Answer(asked.look_up(request, account)),
    }
}

/// Answers a login's questions before the attempt for a name without an account: a code must be asked for. Only the
/// machine itself asks so, without a name.
fn of_nobody(user: &str, request: &Request) -> Option<Answer> {
    match request {
        Request::IsEnrolled { .. } if user.is_empty() => Some(Answer::Enrolled),
        Request::TrustedSince { .. } if user.is_empty() => Some(Answer::TrustedSince(None)),
        _ => None,
    }
}

/// Returns the answer to a request that cannot be fulfilled, and logs it if it was for an attempt.
fn unavailable(scribe: &Scribe, request: &Request, reason: Wording) -> Answer {
    if let Request::Check { user, claim, .. } = request {
        Attempt::new(scribe, user, claim.as_ref())
            .could_not_be_made(reason.text(Language::English));
    }
    Answer::Unavailable(reason)
}

/// Returns the account of a request, by the name and the user id in the machine's own name service. `None`: the
/// machine has no such account.
fn account(user: &str, uid: Option<u32>) -> Result<Option<Account>, &'static str> {
    let Some(uid) = uid else {
        return Ok(None);
    };
    let Ok(name) = UserName::new(user) else {
        return Err("a name that nobody can have");
    };
    if uid == 0 || name.as_str() == "root" {
        return Err("root is in no fleet");
    }
    Ok(Some(Account { name, uid }))
}

/// Why a peer is not served in a role.
pub(super) enum NoMachine {
    /// It is not registered in that role, or is revoked.
    Is(&'static str),
    /// This cannot be determined.
    Unknown(String),
}

impl<B: Base> Shared<B> {
    /// Returns why no requests may be served now.
    pub(super) fn refuses(&self) -> Option<String> {
        if self.ends.load(Ordering::Relaxed) {
            return Some("this verifier is about to end".to_owned());
        }
        self.base.refuses()
    }

    /// Returns the current entry of the machine with that name, and the state with which its request begins.
    fn begin(
        &self,
        name: &PeerName,
        user: Option<&UserName>,
    ) -> Result<(Entry, B::Begun), NoMachine> {
        let begun = self.base.begin(name, user, TO_ANSWER);
        let (entry, begun) = begun.map_err(NoMachine::Unknown)?;
        Ok((is_of_role(entry, Role::Machine)?, begun))
    }

    /// Returns the limit that a machine has used up, so that its request is not served; `None`: the request may be
    /// served.
    ///
    /// # Errors
    /// The request is wrong.
    fn exceeds(
        &self,
        name: &PeerName,
        request: &Request,
        account: Option<&Account>,
        keeper: Option<&B::Keeper>,
    ) -> Result<Option<What>, &'static str> {
        let now = Instant::now();
        let what = match (request, account) {
            (Request::Check { .. }, _) => What::Refusals,
            (request, Some(account)) if measure::may_be_new(request) => {
                let kept = measure::kept(keeper, account);
                if !measure::is_written(request, kept) {
                    return Ok(None);
                }
                // If the name service does not answer, it has no such account.
                let found = users::account(account.name.as_str()).ok().flatten();
                match (measure::by_name_service(account, found.as_ref())?, kept) {
                    (What::NewNames, measure::Kept::Nothing) => What::NewNames,
                    _ => What::KnownNames,
                }
            }
            _ => return Ok(None),
        };
        if self.measure.has_left(name, what, now) {
            if what != What::Refusals {
                self.measure.use_up(name, what, now);
            }
            return Ok(None);
        }
        self.base.holds_back(name);
        self.log.held_back(name, &what.hindrance().to_string());
        Ok(Some(what))
    }

    /// Returns the current entry of the machine with that name.
    pub(super) fn machine(&self, name: &PeerName) -> Result<Entry, NoMachine> {
        self.of_role(name, Role::Machine)
    }

    /// Returns the current entry of that name, if it has that role.
    pub(super) fn of_role(&self, name: &PeerName, role: Role) -> Result<Entry, NoMachine> {
        is_of_role(self.base.entry(name).map_err(NoMachine::Unknown)?, role)
    }
}

/// Returns why a peer with that entry may have no role any longer; `None`: it may.
pub(super) fn is_no_longer_one(entry: Option<&Entry>) -> Option<&'static str> {
    match entry {
        None => Some("not in the registry"),
        Some(entry) if entry.revoked.is_some() => Some("revoked"),
        Some(_) => None,
    }
}

fn is_of_role(entry: Option<Entry>, role: Role) -> Result<Entry, NoMachine> {
    if let Some(reason) = is_no_longer_one(entry.as_ref()) {
        return Err(NoMachine::Is(reason));
    }
    let entry = entry.ok_or(NoMachine::Is("not in the registry"))?;
    match (entry.role, role) {
        (Role::Machine, Role::Machine) | (Role::Administrator, Role::Administrator) => Ok(entry),
        (Role::Administrator, Role::Machine) => {
            Err(NoMachine::Is("the certificate of an administrator"))
        }
        (Role::Machine, Role::Administrator) => Err(NoMachine::Is("the certificate of a machine")),
    }
}

/// A request that a machine may make.
struct Asked<'a, B: Base> {
    shared: &'a Shared<B>,
    scribe: &'a Scribe,
    name: &'a PeerName,
    policy: &'a Policy,
    keeper: Result<B::Keeper, Error>,
}

impl<B: Base> Asked<'_, B> {
    fn look_up(self, request: Request, account: Option<Account>) -> Answer {
        let request = places::on_the_machine(request, self.name);
        let attempt = match &request {
            Request::Check { user, claim, .. } => {
                Some(Attempt::new(self.scribe, user, claim.as_ref()))
            }
            _ => None,
        };
        let base = &self.shared.base;
        let answered = self.keeper.and_then(|keeper| {
            let (policy, account) = (self.policy, account.clone());
            look_up(
                &keeper,
                policy,
                request,
                attempt.as_ref(),
                self.scribe,
                account,
            )
        });
        match (answered, attempt, account) {
            (Ok(answer), None, _) => answer,
            (Ok(answer), Some(_), account) => {
                let says = match answer {
                    Answer::Verdict(Verdict::Accepted { .. } | Verdict::Recovered { .. }) => {
                        Some(true)
                    }
                    Answer::Verdict(
                        Verdict::Rejected { .. } | Verdict::RejectedAndLocked { .. },
                    ) => Some(false),
                    _ => None,
                };
                if account.is_some() && measure::is_refusal_written(&answer) {
                    let measure = &self.shared.measure;
                    measure.use_up(self.name, What::Refusals, Instant::now());
                }
                // Without a clock nothing was judged.
                if let (Some(is_accepted), Some(account), Ok(now)) =
                    (says, account, (self.shared.clock)())
                {
                    base.hears_of(self.name, &account, is_accepted, now);
                }
                answer
            }
            (Err(error), attempt, _) => {
                if let Some(attempt) = attempt {
                    attempt.could_not_be_made(&error.to_string());
                }
                Answer::Unavailable(Cause::Store(error).wording())
            }
        }
    }

    fn change(
        &self,
        line: &mut TlsLine,
        account: &Account,
        change: otp_store::change::Change,
    ) -> Said {
        let verb = otp_helper::protocol::Verb::of(&change).word();
        let keeper = match self.shared.base.for_dialogue(self.name, self.policy) {
            Ok(keeper) => keeper,
            Err(error) => {
                return Said::Answer(Answer::Unavailable(Cause::Store(error).wording()));
            }
        };
        let changed = Dialogue {
            keeper: &keeper,
            policy: self.policy,
            scribe: self.scribe,
            line,
            ground: &mut ByTheFleet {
                shared: self.shared,
                scribe: self.scribe,
                name: self.name,
                policy: self.policy,
                by_a_code: None,
            },
        }
        .change(account, change);
        let user = account.name.as_str();
        match changed {
            Ok(answer) => {
                if answer == Answer::Denied {
                    let log = &self.shared.log;
                    log.denied(self.scribe, self.name, verb, user, "not allowed");
                }
                Said::Answer(answer)
            }
            Err(Stop::Unavailable(cause)) => Said::Answer(Answer::Unavailable(cause.wording())),
            Err(Stop::Gone) => Said::Nothing,
            Err(Stop::Senseless) => {
                let reason = "not what belongs at this point";
                let log = &self.shared.log;
                log.denied(self.scribe, self.name, verb, user, reason);
                Said::Nothing
            }
        }
    }
}
