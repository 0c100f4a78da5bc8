//! `otp-verifier`: checks one-time passwords for the machines of a fleet. See otp-verifier(8).
#![forbid(unsafe_code)]

use otp_fleet::server::program;
use std::process::ExitCode;

fn main() -> ExitCode {
    program::main(std::env::args_os().skip(1))
}
