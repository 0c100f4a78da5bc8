//! `otp-admin`: looks after everybody's authenticators.

use clap::Parser;
use otp_enroll::{admin, cli};
use std::process::ExitCode;

fn main() -> ExitCode {
    admin::run(cli::Admin::parse())
}
