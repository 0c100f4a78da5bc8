//! The account phase: decides whether an account may log in, and what happens to one without an authenticator.
//!
//! PAM comes here whatever has let the user in, even a public key that sshd checked itself. Enrolled users are not
//! prompted here. But a lock also counts here, and so does the demand for a second factor.

use crate::call::{Call, Case, Stop};
use crate::enrolment::{self, Outcome};
use crate::event;
use crate::host::{Disposition, Host, Passed, Tone};
use otp_core::enforce::{Demand, days_left};
use otp_core::event::{Event, Phase, Severity, Text, Treatment, Value};
use otp_core::login::{AtAccountLine, at_account_line};
use otp_core::messages::{Message, MessageId};
use otp_core::record::Standing;
use otp_core::{Account, UnixTime, Verdict};
use otp_helper::records::Enrolled;
use otp_site::stack::may_enrol_in;
use std::time::Duration;

/// Runs one `pam_sm_acct_mgmt`. Any error refuses.
pub(crate) fn manage(host: &mut impl Host, arguments: &[&[u8]], silent: bool) -> Disposition {
    let mut call = Call::new(host, Phase::Account, silent);
    match run(&mut call, arguments) {
        Ok(answer) => answer,
        Err(stop) => call.stop(&stop),
    }
}

/// Begins the grace of a user who is let in, during `pam_sm_setcred`, even if a service has no account line.
///
/// Only now is it certain that the user is let in. If the first question began the grace, anybody could use it up. The
/// grace is that of the user who was asked. If nobody was asked, it is that of the user whom the program names, if it
/// `establishes` a login that comes from elsewhere ([`comes_from_elsewhere`]).
pub(crate) fn begin_grace(host: &mut impl Host, arguments: &[&[u8]], establishes: bool) {
    let mut call = Call::new(host, Phase::Credentials, true);
    let Ok(options) = call.options(arguments) else {
        return;
    };
    let begun = call.host.passed().map_err(Stop::from).and_then(|passed| {
        let case = match passed {
            Some(Passed::Left { user, .. }) => call.case_of(&options, user)?,
            None if establishes && comes_from_elsewhere(&call) => call.case(&options)?,
            // A user who has proven a code has an authenticator.
            Some(Passed::Proven { .. }) | None => return Ok(()),
        };
        begin_grace_of(&mut call, &case)
    });
    if let Err(stop) = begun {
        call.stop(&stop);
    }
}

/// Whether a login that reached none of our auth lines is still a person's: it names where it comes from.
///
/// sshd checks keys itself, and sets credentials in processes that do not know what the auth lines noted. Programs that
/// run jobs (cron, at, the user's systemd, runuser, root's `su`) come here in the same way, but name no place. Their
/// jobs are let in as policy says and begin no grace. Otherwise it could be over before its owner has seen a login.
fn comes_from_elsewhere<H>(call: &Call<'_, H>) -> bool {
    !call.origin.host.is_empty()
}

fn begin_grace_of<H: Host>(call: &mut Call<'_, H>, case: &Case) -> Result<(), Stop> {
    let Some(account) = &case.account else {
        return Ok(());
    };
    if !case.records.may_begin_grace()
        || case.policy.enforce.grace.is_zero()
        || call.trusted_network(case).is_some()
    {
        return Ok(());
    }
    let now = call.host.now()?;
    match case.records.enrolled(account)? {
        Enrolled::No { first_login } if first_login.is_none_or(|first| first > now) => {
            let wanted = call.demand(case, account, first_login, now);
            let_in(call, case, account, &wanted, now, true)
        }
        Enrolled::Yes | Enrolled::No { .. } => Ok(()),
    }
}

fn run<H: Host>(call: &mut Call<'_, H>, arguments: &[&[u8]]) -> Result<Disposition, Stop> {
    let options = match call.options(arguments) {
        Ok(options) => options,
        Err(answer) => return Ok(answer),
    };
    let mut case = call.case(&options)?;
    let Some(account) = case.account.clone() else {
        let entry = call
            .entry(Event::NotEnrolled, Severity::Notice)
            .with(Value::Result(Treatment::Refused))
            .with(Value::Account(Text::escaped("unknown")));
        call.log(entry);
        return Ok(Disposition::Refused);
    };
    if call.trusted_network(&case).is_some() {
        return Ok(Disposition::Success);
    }
    let passed = call.host.passed()?;
    let left = match passed {
        Some(Passed::Proven { user, when }) if user == call.user => {
            // Otherwise a helper would have to be started, or a verifier asked, only to say the same again.
            if !case.records.are_here() && is_fresh(when, call.host.now()?) {
                return Ok(Disposition::Success);
            }
            None
        }
        Some(Passed::Left {
            user,
            nullok,
            may_enrol,
        }) if user == call.user => Some((nullok, may_enrol)),
        Some(_) | None => None,
    };
    let standing = case.records.standing(&account, || call.host.now())?;
    let now = call.host.now()?;
    match standing {
        // A user who had no authenticator when the code was due was not asked for one.
        Some(Standing::Open) if left.is_some() => return Ok(refuse_to_start_over(call)),
        Some(Standing::Open) => return Ok(Disposition::Success),
        Some(standing) => return Ok(refuse_locked(call, &case, standing, now)),
        None => {}
    }
    // A login that reached none of our lines may have reached nobody's: root's su, a public key, cron.
    let may_enrol = left.is_some_and(|(_, may_enrol)| may_enrol)
        && may_enrol_in(&call.origin.service, case.policy.enroll)
        && !call.silent;
    let begins = left.is_some() || comes_from_elsewhere(call);
    let of_this_line = case.nullok;
    // An auth line that has demanded an authenticator has left the login to this line to set one up, and not to be excused here.
    case.nullok &= left.is_none_or(|(nullok, _)| nullok);
    let answer = without_authenticator(call, &case, &account, may_enrol, begins)?;
    if answer != Disposition::Success {
        match (of_this_line, left) {
            (false, Some((true, _))) => call.warn(
                "nullok is an argument of the auth line and not of the account line, which refuses by its own",
            ),
            (true, Some((false, _))) => call.warn(
                "nullok is an argument of the account line and not of the auth line, which has left this login to it",
            ),
            (true, Some((true, _)) | None) | (false, Some((false, _)) | None) => {}
        }
    }
    Ok(answer)
}

/// How long an accepted code proves that the account is open, on the same handle.
const FRESH: Duration = Duration::from_secs(60);

fn is_fresh(proven: UnixTime, now: UnixTime) -> bool {
    proven <= now && now < proven.after(FRESH)
}

/// Decides about an account without an authenticator. `begins`: whether a grace may begin with this login.
fn without_authenticator<H: Host>(
    call: &mut Call<'_, H>,
    case: &Case,
    account: &Account,
    may_enrol: bool,
    begins: bool,
) -> Result<Disposition, Stop> {
    let Some((wanted, _)) = wanted_now(call, case, account)? else {
        return Ok(refuse_to_start_over(call));
    };
    let at_login = case.policy.enroll.at_login;
    let course = at_account_line(&wanted, at_login, may_enrol);
    if course == AtAccountLine::LetsIn {
        return Ok(Disposition::Success);
    }
    if let Demand::From(deadline, _) = wanted {
        let now = call.host.now()?;
        let deadline = call.host.zone().at(deadline);
        call.tell(Message::EnrolUntil { deadline, now }, Tone::Information);
    }
    let (outcome, can_wait) = match course {
        AtAccountLine::SetsUp { can_wait } if case.records.may_enrol_at_login() => {
            (enrolment::set_up(call, case, account, can_wait)?, can_wait)
        }
        _ => (Outcome::NotAsked, false),
    };
    match outcome {
        Outcome::Enrolled => {
            // If the program comes here again, there is nothing left to set up.
            call.host.pass(None)?;
            return Ok(Disposition::Success);
        }
        Outcome::SetUpMeanwhile => return Ok(refuse_to_start_over(call)),
        Outcome::Later | Outcome::NotProven if !can_wait => {
            return Ok(refuse(call, &wanted, Message::NotSetUp));
        }
        Outcome::Later | Outcome::NotProven | Outcome::NotAsked => {}
    }
    // Minutes may have passed: the deadline may be over, or the user may have enrolled.
    let Some((wanted, now)) = wanted_now(call, case, account)? else {
        return Ok(refuse_to_start_over(call));
    };
    // The dialogue is over, or is not possible.
    match at_account_line(&wanted, at_login, false) {
        AtAccountLine::LetsIn | AtAccountLine::LetsInUntil(_) => {
            let_in(call, case, account, &wanted, now, begins)?;
            Ok(Disposition::Success)
        }
        AtAccountLine::SetsUp { .. } | AtAccountLine::Refuses => {
            Ok(refuse(call, &wanted, Message::NotEnrolled))
        }
    }
}

/// Returns the present demand of policy, and the time; `None`: there is an authenticator by now.
fn wanted_now<H: Host>(
    call: &mut Call<'_, H>,
    case: &Case,
    account: &Account,
) -> Result<Option<(Demand, UnixTime)>, Stop> {
    let Enrolled::No { first_login } = case.records.enrolled(account)? else {
        return Ok(None);
    };
    let now = call.host.now()?;
    Ok(Some((call.demand(case, account, first_login, now), now)))
}

/// Refuses a login in which no code was asked for, although one would be asked for now.
fn refuse_to_start_over<H: Host>(call: &mut Call<'_, H>) -> Disposition {
    let message = Message::SetUpMeanwhile;
    let entry = call
        .entry(Event::Reject, Severity::Notice)
        .with(Value::Message(message.id()))
        .with(Value::Counted(false));
    call.log(entry);
    call.tell(message, Tone::Refusal);
    Disposition::Refused
}

/// Lets a user in without a second factor. If a grace `begins` with this login, stores when it began.
fn let_in<H: Host>(
    call: &mut Call<'_, H>,
    case: &Case,
    account: &Account,
    wanted: &Demand,
    now: UnixTime,
    begins: bool,
) -> Result<(), Stop> {
    let Demand::From(deadline, _) = wanted else {
        return Ok(());
    };
    if begins && !case.policy.enforce.grace.is_zero() {
        case.records.begin_grace(account, now)?;
    }
    let entry = call
        .entry(Event::NotEnrolled, Severity::Info)
        .with(Value::Message(MessageId::EnrolUntil))
        .with(Value::Result(Treatment::Excused))
        .with(Value::Rule(wanted.clone()))
        .with(Value::Deadline(*deadline))
        .with(Value::DaysLeft(days_left(now, *deadline)));
    call.log(entry);
    Ok(())
}

fn refuse<H: Host>(call: &mut Call<'_, H>, wanted: &Demand, message: Message) -> Disposition {
    let entry = call
        .entry(Event::NotEnrolled, Severity::Notice)
        .with(Value::Message(message.id()))
        .with(Value::Result(Treatment::Refused))
        .with(Value::Rule(wanted.clone()));
    call.log(entry);
    call.tell(message, Tone::Refusal);
    Disposition::Refused
}

fn refuse_locked<H: Host>(
    call: &mut Call<'_, H>,
    case: &Case,
    standing: Standing,
    now: UnixTime,
) -> Disposition {
    let verdict = Verdict::Locked { standing };
    let local = |moment| call.host.zone().at(moment);
    let message = Message::about(&verdict, &case.policy, now, local);
    let entry = event::about(&verdict, message, &call.user, &call.origin);
    call.log(entry.with(Value::Phase(Phase::Account)));
    if let Some(message) = message {
        call.tell(message, Tone::Refusal);
    }
    Disposition::Locked
}

#[cfg(test)]
mod tests;
