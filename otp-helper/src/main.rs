//! `otp-helper`: does for people and programs that are not root what the records are needed for.
//!
//! Started by the client half for one request, or for those of one login. Becomes harmless before it reads anything, looks
//! up in one table whether the caller may ask that, does it, and answers only when the consequences are on disk.

mod caller;
mod dialogue;
mod group;
mod harmless;
mod log;
#[allow(unsafe_code, reason = "calls of libc and PAM that have no safe form")]
mod system;
mod trying;
mod wire;

use caller::Caller;
use harmless::Life;
use otp_core::{Account, Before1970, Input, Policy};
use otp_helper::frame::BadFrame;
use otp_helper::permission::May;
use otp_helper::protocol::{Answer, Request};
use otp_site::{clock, policy, users};
use otp_store::account::grace::{begin_grace, first_login, rehearse_grace};
use otp_store::account::is_enrolled;
use otp_store::account::overview::standing;
use otp_store::account::trust::trusted_since;
use otp_store::{Error, Judged, Overview, Store, Trusted, attempt, attempt_at};
use std::process::ExitCode;
use wire::Wire;

/// Requests of one login, with room for what comes to be asked.
const MOST_REQUESTS: u32 = 8;

fn main() -> ExitCode {
    let (caller, mut time) = match harmless::become_harmless() {
        Ok(both) => both,
        Err(reason) => return refuse("", "", &reason),
    };
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
        let goes_on = match serve(&caller, request, &mut line, &mut time) {
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
    request: Request,
    line: &mut Wire,
    time: &mut Life,
) -> Result<Answer, ExitCode> {
    let (verb, user) = (request.verb().word(), request.user().to_owned());
    let attempt = match &request {
        Request::Check { claim, .. } => Some(log::Attempt::new(&user, claim.as_ref())),
        _ => None,
    };
    let answer = match answer(caller, request, attempt.as_ref(), line, time) {
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

/// Why there is no answer.
enum Stop {
    /// It could not be done.
    Unavailable(Cause),
    /// The caller is no longer there.
    Gone,
    /// The caller said something that has no place in the dialogue.
    Senseless,
}

/// What it is that could not be done.
enum Cause {
    /// To read or write the records.
    Store(Error),
    /// To learn something of this machine.
    Site(otp_site::Error),
}

impl From<Error> for Cause {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl From<otp_site::Error> for Cause {
    fn from(error: otp_site::Error) -> Self {
        Self::Site(error)
    }
}

impl From<Before1970> for Cause {
    fn from(error: Before1970) -> Self {
        Self::Site(error.into())
    }
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Site(error) => error.fmt(f),
        }
    }
}

impl<E: Into<Cause>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Unavailable(error.into())
    }
}

/// Looks up whether the caller may ask, and does it.
fn answer(
    caller: &Caller,
    request: Request,
    attempt: Option<&log::Attempt>,
    line: &mut Wire,
    time: &mut Life,
) -> Result<Answer, Stop> {
    // Whatever service a caller might name: nothing that is answered depends on one.
    let policy = policy::load(&caller.conf)?.for_account();
    otp_log::hand_on_for_this_process(&caller.state_dir, &policy.hooks);
    let account = users::account(request.user())?;
    if caller.may(request.verb(), account.as_ref(), &policy)? == May::No {
        return Ok(Answer::Denied);
    }
    let store = Store::open(&caller.state_dir)?;
    match (request, account) {
        (Request::Change { change, .. }, Some(account)) => dialogue::Dialogue {
            caller,
            policy: &policy,
            store: &store,
            line,
            time,
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
            let answer = look_up(&store, &policy, request, attempt, account)?;
            // Should it fail, the longer limit holds.
            time.shorten_for_the_caller().ok();
            Ok(answer)
        }
    }
}

/// Answers a request that takes no dialogue.
fn look_up(
    store: &Store,
    policy: &Policy,
    request: Request,
    attempt: Option<&log::Attempt>,
    account: Option<Account>,
) -> Result<Answer, Error> {
    match (request, account) {
        (
            Request::Check {
                user,
                excused,
                reply,
                no_guess,
                remembered,
                claim: _,
            },
            account,
        ) => {
            let input = no_guess.map_or_else(|| Input::parse(&reply), Input::NoGuess);
            let committed = match &account {
                Some(account) => {
                    if let Some(attempt) = attempt {
                        attempt.begins();
                    }
                    let at = remembered.as_ref();
                    attempt_at(store, account, policy, &input, excused, at, clock::now)?
                }
                None => attempt::nobody(false, &input),
            };
            if let Some(attempt) = attempt {
                let Judged { verdict, trusted } = committed.what();
                // Before signals come through again.
                match trusted {
                    Trusted::Since(since) => attempt.is_trusted_since(*since),
                    _ => attempt.came_to(verdict, policy, clock::now().ok(), account.is_some()),
                }
            }
            let Judged { verdict, trusted } = committed.into_inner();
            Ok(match trusted {
                Trusted::AsTheVerdictSays => Answer::Verdict(verdict),
                // Only a code that was used comes to that.
                Trusted::Since(since) => Answer::TrustedSince(Some(since)),
                Trusted::NotKept(error) => {
                    log::not_kept(&user, &error.to_string());
                    Answer::Verdict(verdict)
                }
            })
        }
        (Request::IsEnrolled { .. }, Some(account)) => Ok(if is_enrolled(store, &account)? {
            Answer::Enrolled
        } else {
            let first_login = first_login(store, &account)?;
            Answer::NotEnrolled { first_login }
        }),
        (Request::IsEnrolled { .. }, None) => Ok(Answer::NotEnrolled { first_login: None }),
        (Request::Standing { .. }, Some(account)) => {
            let standing = standing(store, &account, clock::now)?;
            Ok(Answer::Standing(standing))
        }
        (Request::Standing { .. }, None) => Ok(Answer::Standing(None)),
        (
            Request::TrustedSince {
                place, remember, ..
            },
            Some(account),
        ) => {
            let since = trusted_since(store, &account, &place, remember, clock::now()?)?;
            Ok(Answer::TrustedSince(since))
        }
        (Request::RehearseGrace { .. }, Some(account)) => {
            rehearse_grace(store, &account, clock::now()?)?;
            Ok(Answer::Done)
        }
        (Request::BeginGrace { .. }, Some(account)) => {
            begin_grace(store, &account, clock::now()?)?;
            Ok(Answer::Done)
        }
        // Root may ask about anybody, also about nobody.
        // A change of somebody's, and a login that is tried, are led by `answer`.
        (
            Request::Status { .. }
            | Request::TrustedSince { .. }
            | Request::RehearseGrace { .. }
            | Request::BeginGrace { .. },
            None,
        )
        | (Request::Change { .. } | Request::Try { .. }, _) => Ok(Answer::Denied),
        (Request::Status { .. }, Some(account)) => {
            let overview = Overview::read(store, &account, policy, clock::now)?;
            Ok(Answer::Status(overview))
        }
    }
}

/// One line in the log for whoever asks what is not theirs to ask.
fn refuse(verb: &'static str, user: &str, reason: &str) -> ExitCode {
    log::denied(verb, user, reason);
    ExitCode::FAILURE
}
