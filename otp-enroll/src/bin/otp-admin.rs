//! `otp-admin`: looks after everybody's authenticators.

use clap::Parser;
use otp_enroll::{admin, cli};
use std::process::ExitCode;

fn main() -> ExitCode {
    // A second process of this program, which puts back what nobody confirms.
    if admin::is_asked_to_undo() {
        return admin::undo_unless_confirmed();
    }
    admin::run(cli::Admin::parse())
}
