//! `otp-helper`: does for people and programs that are not root what the records are needed for.
//!
//! Started by the client half for one request, or for those of one login. Becomes harmless before it reads anything, looks
//! up in one table whether the caller may ask that, does it, and answers only when the consequences are on disk.

mod caller;
mod dialogue;
mod forwarding;
mod group;
mod harmless;
mod log;
#[allow(unsafe_code, reason = "calls of libc and PAM that have no safe form")]
mod system;
mod trying;
mod wire;

use caller::Caller;
use forwarding::{Asked, Fleet};
use harmless::Life;
use otp_helper::frame::BadFrame;
use otp_helper::permission::May;
use otp_helper::protocol::{Answer, Request, Verb};
use otp_helper::serving::{Attempt, Dialogue, Line, Scribe, Stop, look_up};
use otp_site::{policy, users};
use otp_store::{Seal, Store};
use std::process::ExitCode;
use wire::Wire;

/// Requests of one login, with room for what comes to be asked.
const MOST_REQUESTS: u32 = 8;

fn main() -> ExitCode {
    let (caller, mut time) = match harmless::become_harmless() {
        Ok(both) => both,
        Err(reason) => return refuse("", "", &reason),
    };
    let fleet = Fleet::of(&caller);
    let mut line = Wire::to_the_caller();
    let mut answered = 0;
    loop {
        let request = match line.read() {
            Ok(fields) => match Request::from_fields(&fields) {
                Some(request) => request,
                None => return refuse("", "", "unknown verb, or not its fields"),
            },
            Err(BadFrame::Silence) if answered > 0 => return ExitCode::SUCCESS,
            // Whoever only starts the helper and goes away has asked nothing.
            Err(BadFrame::Silence) => return ExitCode::FAILURE,
            Err(bad) => return refuse("", "", bad.words()),
        };
        let (verb, user) = (request.verb(), request.user().to_owned());
        let goes_on = match serve(&caller, &fleet, request, &mut line, &mut time) {
            Ok(answer) => answer != Answer::Denied && verb.may_be_followed(),
            Err(code) => return code,
        };
        answered += 1;
        // A few requests of one login are all there is: whoever asks more is not our client.
        if !goes_on || answered == MOST_REQUESTS {
            if line.has_more() {
                return refuse(verb.word(), &user, "a second request after an answer");
            }
            return ExitCode::SUCCESS;
        }
        // A person may be typing a code now; no lock is held meanwhile. Should it fail, the shorter limit holds.
        time.extend_for_a_dialogue().ok();
    }
}

/// Answers one request; the exit code where there is nobody to be answered, or nothing sensible to answer to.
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
            let reason = group::missing(&error, &caller.state_dir);
            Answer::Unavailable(reason.unwrap_or_else(|| error.to_string()))
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
        attempt.could_not_be_made(reason);
    }
    match line.say(&answer.to_fields()) {
        Some(()) => Ok(answer),
        None => Err(ExitCode::FAILURE),
    }
}

/// Looks up whether the caller may ask, and does it.
fn answer(
    (caller, fleet): (&Caller, &Fleet),
    request: Request,
    (scribe, attempt): (&Scribe, Option<&Attempt<'_>>),
    line: &mut Wire,
    time: &mut Life,
) -> Result<Answer, Stop> {
    // Whatever service a caller might name: nothing that is answered depends on one.
    let policy = policy::load(&caller.conf)?.for_account();
    let account = users::account(request.user())?;
    let in_fleet = account
        .as_ref()
        .filter(|account| policy.fleet.keeps(account) && request.verb() != Verb::Try);
    if in_fleet.is_none() {
        // Of users of a fleet the verifier hands on, once for all machines.
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
                let reason = "a limit of the caller keeps the time from being counted";
                return Ok(Answer::Unavailable(reason.to_owned()));
            }
            let answer = look_up(&store, &policy, request, attempt, scribe, account)?;
            // Should it fail, the longer limit holds.
            time.shorten_for_the_caller().ok();
            Ok(answer)
        }
    }
}

/// One line in the log for whoever asks what is not theirs to ask.
fn refuse(verb: &'static str, user: &str, reason: &str) -> ExitCode {
    log::scribe().denied(verb, user, reason);
    ExitCode::FAILURE
}
