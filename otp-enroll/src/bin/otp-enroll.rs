//! `otp-enroll`: sets up an authenticator at the terminal.

use clap::Parser;
use otp_enroll::{cli, enroll};
use std::process::ExitCode;

fn main() -> ExitCode {
    enroll::run(&cli::Enroll::parse())
}
