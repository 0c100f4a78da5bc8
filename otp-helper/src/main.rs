//! `otp-helper`: does for users and programs that are not root what needs the records.
//!
//! The asking side starts it for one request, or for the requests of one login. It becomes harmless before it reads
//! anything, looks up in one table whether the caller may ask, does the work, and answers only when the consequences
//! are on disk.

mod caller;
mod dialogue;
mod forwarding;
mod group;
mod harmless;
mod log;
mod trying;
mod wire;

use caller::Caller;
use forwarding::{Asked, Fleet};
use harmless::Life;
use otp_core::messages::hindrance::Hindrance;
use otp_core::messages::reason::Wording;
use otp_core::record::Language;
use otp_helper::frame::BadFrame;
use otp_helper::permission::May;
use otp_helper::protocol::{Answer, Request, Verb};
use otp_helper::serving::{Attempt, Dialogue, Line, Scribe, Stop, look_up};
use otp_site::{policy, users};
use otp_store::{Seal, Store};
use std::process::ExitCode;
use wire::Wire;

/// The largest number of requests in one connection: those of one login, and some spare.
const MOST_REQUESTS: u32 = 8;

fn main() -> ExitCode {
    let (caller, mut time) = match harmless::become_harmless() {
        Ok(both) => both,
        Err(reason) => return refuse("", "", &reason),
    };
    let fleet = Fleet::of(&caller);
    let mut line = Wire::to_the_caller(caller.language);
    let mut answered = 0;
    loop {
        let request = match line.read() {
            Ok(fields) => match Request::from_fields(&fields) {
                Some(request) => request,
                None => return refuse("", "", "unknown verb, or not its fields"),
            },
            Err(BadFrame::Silence) if answered > 0 => return ExitCode::SUCCESS,
            // A caller that only starts the helper and leaves has asked nothing.
            Err(BadFrame::Silence) => return ExitCode::FAILURE,
            Err(bad) => return refuse("", "", bad.words()),
        };
        let (verb, user) = (request.verb(), request.user().to_owned());
        let goes_on = match serve(&caller, &fleet, request, &mut line, &mut time) {
            Ok(answer) => answer != Answer::Denied && verb.may_be_followed(),
            Err(code) => return code,
        };
        answered += 1;
        // A login makes only a few requests; a caller that asks more is not our client.
        if !goes_on || answered == MOST_REQUESTS {
            if line.has_more() {
                return refuse(verb.word(), &user, "a second request after an answer");
            }
            return ExitCode::SUCCESS;
        }
        // A person may be typing a code now; no lock is held in that time. If this fails, the shorter limit holds.
        time.extend_for_a_dialogue().ok();
    }
}

/// Answers one request. An error is the exit code if the caller is gone or has sent nonsense.
fn serve(
    caller: &Caller,
    fleet: &Fleet,
    request: Request,
    line: &mut Wire,
    time: &mut Life,
) -> Result<Answer, ExitCode> {
    let (verb, user) = (request.verb().word(), request.user().to_owned());
    let scribe = log::scribe();
    let attempt = match &request {
        Request::Check { claim, .. } => Some(Attempt::new(&scribe, &user, claim.as_ref())),
        _ => None,
    };
    let answer = match answer(
        (caller, fleet),
        request,
        (&scribe, attempt.as_ref()),
        line,
        time,
    ) {
        Ok(answer) => answer,
        Err(Stop::Unavailable(error)) => {
            let reason = group::missing(&error, &caller.state_dir).map(Wording::from);
            Answer::Unavailable(reason.unwrap_or_else(|| error.wording()))
        }
        Err(Stop::Gone) => return Err(ExitCode::FAILURE),
        Err(Stop::Senseless) => {
            return Err(refuse(verb, &user, "not what belongs at this point"));
        }
    };
    if answer == Answer::Denied {
        refuse(verb, &user, "not allowed");
    }
    if let (Answer::Unavailable(reason), Some(attempt)) = (&answer, &attempt) {
        attempt.could_not_be_made(reason.text(Language::English));
    }
    match line.say(&answer.to_fields()) {
        Some(()) => Ok(answer),
        None => Err(ExitCode::FAILURE),
    }
}

/// Checks that the caller may ask, and answers.
fn answer(
    (caller, fleet): (&Caller, &Fleet),
    request: Request,
    (scribe, attempt): (&Scribe, Option<&Attempt<'_>>),
    line: &mut Wire,
    time: &mut Life,
) -> Result<Answer, Stop> {
    // The service does not matter: no answer depends on one.
    let policy = policy::load(&caller.conf)?.for_account();
    let account = users::account(request.user())?;
    let in_fleet = account
        .as_ref()
        .filter(|account| policy.fleet.keeps(account) && request.verb() != Verb::Try);
    if in_fleet.is_none() {
        // Events about users of a fleet are handed on by a verifier, once for all machines.
        otp_log::hand_on_for_this_process(&caller.state_dir, &policy.hooks);
    }
    if caller.may(request.verb(), account.as_ref(), &policy)? == May::No {
        return Ok(Answer::Denied);
    }
    if let Some(account) = in_fleet {
        let mut asked = Asked {
            caller,
            policy: &policy,
            scribe,
            attempt,
            line,
            time,
        };
        return fleet.answer(request, account, &mut asked);
    }
    let seal = Seal::by_key_in(&policy.seal.key);
    let store = Store::open(&caller.state_dir)?.sealed_by(seal);
    match (request, account) {
        (Request::Change { change, .. }, Some(account)) => Dialogue {
            keeper: &store,
            policy: &policy,
            scribe,
            line,
            ground: &mut dialogue::ByTheCaller {
                caller,
                policy: &policy,
                store: &store,
                scribe,
                time,
            },
        }
        .change(&account, change),
        (
            Request::Try {
                service, runs_as, ..
            },
            Some(account),
        ) => trying::try_login(&account, &service, &runs_as, line, time),
        (request, account) => {
            if time.extend_for_the_records().is_err() {
                return Ok(Answer::Unavailable(Hindrance::NoTimer.into()));
            }
            let answer = look_up(&store, &policy, request, attempt, scribe, account)?;
            // If this fails, the longer limit holds.
            time.shorten_for_the_caller().ok();
            Ok(answer)
        }
    }
}

/// Logs one line about a caller that asks what it may not ask.
fn refuse(verb: &'static str, user: &str, reason: &str) -> ExitCode {
    log::scribe().denied(verb, user, reason);
    ExitCode::FAILURE
}
