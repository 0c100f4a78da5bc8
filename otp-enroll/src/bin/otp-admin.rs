//! `otp-admin`: looks after everybody's authenticators.

use clap::Parser;
use otp_enroll::{admin, cli};
use std::process::ExitCode;

fn main() -> ExitCode {
    // A second process of this program, which puts back what nobody confirms.
    if admin::guard::is_asked_for() {
        return admin::guard::run();
    }
    admin::run(cli::Admin::parse())
}
