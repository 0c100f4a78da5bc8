//! The side of a machine: `otp-fleet` takes the requests of one login from its parent and asks a verifier.
//!
//! ```text
//! pam_otp.so (root) or otp-helper --frames on standard input and output--> otp-fleet --TLS 1.3, mutual--> a verifier
//! ```
//! It connects as soon as it is started, while a person types, so that the request itself takes one round trip. Only
//! connecting is tried at the next verifier: a request that was sent is never sent again, since the attempt may have
//! been counted. Every failure is an answer, [`Answer::Unavailable`] with the reason, which refuses.

mod caller;
mod harmless;
mod line;
mod reach;
mod relay;

use caller::Caller;
use harmless::Begun;
use nix::unistd::getuid;
use otp_core::event::Value;
use otp_core::messages::hindrance::Hindrance;
use otp_file::wording;
use otp_helper::fleet::ANSWER_LIMIT;
use otp_helper::frame::BadFrame;
use otp_helper::protocol::{Answer, Request};
use otp_helper::serving::Scribe;
use otp_log::Program;
use relay::{Gone, Verifiers};
use std::process::ExitCode;
use std::time::Instant;

/// The largest number of requests in one connection: those of one login, and some spare.
const MOST_REQUESTS: u32 = 12;

/// Runs `otp-fleet`.
#[must_use]
pub fn run() -> ExitCode {
    let started = Instant::now();
    let Begun { conf, mut life } = match harmless::become_harmless() {
        Ok(begun) => begun,
        Err(reason) => return refuse("", &reason),
    };
    let mut caller = Caller::of_this_process();
    let mut verifiers = Verifiers::of(&conf);
    verifiers.connect(started + ANSWER_LIMIT);
    // A request that has already arrived has waited since the start.
    let mut asked_at = caller.has_said_something().then_some(started);
    for _ in 0..MOST_REQUESTS {
        // A person may be typing now. If this fails, the shorter limit holds.
        life.extend_for_a_person().ok();
        let request = match caller.read() {
            Ok(fields) => Request::from_fields(&fields),
            Err(BadFrame::Silence) => return ExitCode::SUCCESS,
            Err(bad) => return refuse("", bad.words()),
        };
        let Some(request) = request else {
            return refuse("", "unknown verb, or not its fields");
        };
        let deadline = asked_at.take().unwrap_or_else(Instant::now) + ANSWER_LIMIT;
        let verb = request.verb();
        if let Err(error) = life.shorten_for_an_answer() {
            let error = wording(&error.into());
            let reason = Hindrance::TimerFailed { error };
            caller.say(&Answer::Unavailable(reason.into()).to_fields());
            return ExitCode::FAILURE;
        }
        let answer = match request {
            Request::Change { .. } => verifiers.lead(&request, deadline, &mut caller, &mut life),
            // This runs the machine's own PAM; a verifier has no part in it.
            Request::Try { .. } => return refuse(verb.word(), "not asked of a verifier"),
            _ => verifiers.ask(&request, deadline),
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(Gone) => return ExitCode::FAILURE,
        };
        if caller.say(&answer.to_fields()).is_none() || !verb.may_be_followed() {
            return ExitCode::SUCCESS;
        }
    }
    ExitCode::SUCCESS
}

/// Logs one line if this program was started, or asked, in a way that it is not made for.
fn refuse(verb: &'static str, reason: &str) -> ExitCode {
    let scribe = Scribe {
        program: Program::of_ours("otp-fleet"),
        by: Value::CallerUid(getuid().as_raw()),
        tells_beforehand: false,
    };
    scribe.denied(verb, "", reason);
    ExitCode::FAILURE
}
