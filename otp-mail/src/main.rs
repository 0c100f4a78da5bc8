//! `otp-mail`: sends a code by mail, for a login that does not wait for it.
//!
//! It runs as two processes, or as three if there is a mail server:
//!
//! 1. The first takes the message from the module, starts the second, and confirms that the message is taken.
//! 2. The second runs in a session of its own. It finds the address, sends the mail, and writes the log entry. So the
//!    login has no child and no mail server to wait for.
//! 3. The third talks to a mail server, as nobody. So a process without rights reads the server's answers, and a
//!    process whose log entries are trusted reports the result.

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

/// The argument of the second process.
const SEND: &str = "send";

/// The argument of the third process.
const CONVERSE: &str = "converse";

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
        [word] if word == CONVERSE => {
            let outcome = sending::converse(&outgoing);
            match io::stdout().lock().write_all(&outcome) {
                Ok(()) => ExitCode::SUCCESS,
                Err(_) => ExitCode::FAILURE,
            }
        }
        _ => ExitCode::FAILURE,
    }
}

/// Reads the message from standard input.
fn read() -> Option<Outgoing> {
    let fields = Fields::read_from(&mut io::stdin().lock()).ok()?;
    Outgoing::from_fields(&fields)
}

/// Confirms that the message is taken, once another process has it. If the address is to be confirmed, the answer
/// includes it.
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
