//! `otp-mail`: sends a code by mail, for a login that does not wait for it.
//!
//! It runs twice. The first takes the message from the module, says so, and starts the second in a session of its own, which
//! finds out the address and sends. So the login has neither a child nor a mail server to wait for, and whatever a mail
//! server says is read by a process that has nothing of the login.

#![forbid(unsafe_code)]

mod address;
mod apart;
mod letter;
mod log;
mod program;
mod sending;
mod smtp;

use otp_helper::frame::Fields;
use otp_helper::mail::{Outgoing, Purpose, TAKEN};
use std::env;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

/// The argument of the second of the two.
const SEND: &str = "send";

fn main() -> ExitCode {
    if apart::become_harmless().is_err() {
        return ExitCode::FAILURE;
    }
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    if io::stdin().is_terminal() {
        return ExitCode::FAILURE;
    }
    let Some(outgoing) = read() else {
        return ExitCode::FAILURE;
    };
    match arguments.as_slice() {
        [] => take(outgoing),
        [word] if word == SEND => {
            sending::send(&outgoing);
            ExitCode::SUCCESS
        }
        _ => ExitCode::FAILURE,
    }
}

/// The message on the standard input.
fn read() -> Option<Outgoing> {
    let fields = Fields::read_from(&mut io::stdin().lock()).ok()?;
    Outgoing::from_fields(&fields)
}

/// Says that the message is taken, once another process has it. And where to it goes, where that is to be confirmed.
fn take(mut outgoing: Outgoing) -> ExitCode {
    let mut answer = vec![TAKEN];
    if outgoing.purpose == Purpose::Address {
        let Some(address) = sending::address_of(&outgoing) else {
            return ExitCode::FAILURE;
        };
        answer.extend_from_slice(address.as_str().as_bytes());
        outgoing.only_to = Some(address);
    }
    if apart::start_again(SEND, &outgoing).is_err() {
        return ExitCode::FAILURE;
    }
    let mut output = io::stdout().lock();
    match output.write_all(&answer).and_then(|()| output.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
