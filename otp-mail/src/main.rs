//! `otp-mail`: sends a code by mail, for a login that does not wait for it.
//!
//! It runs twice, and a third time for a mail server. The first takes the message from the module, says so, and starts the
//! second in a session of its own, which finds out the address, sends, and writes the record. So the login has neither a child
//! nor a mail server to wait for. The third has the conversation with a mail server, as nobody: whatever a server says is read
//! by a process that has no rights, and what became of the mail is told by one whose records are believed.

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

/// The argument of the third.
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
