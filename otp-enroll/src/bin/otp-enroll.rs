//! `otp-enroll`: sets up an authenticator at the terminal.

use otp_enroll::{cli, enroll};
use std::process::ExitCode;

fn main() -> ExitCode {
    enroll::run(&cli::parsed())
}
