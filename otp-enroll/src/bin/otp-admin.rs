//! `otp-admin`: manages all users' authenticators.

use otp_enroll::{admin, cli};
use std::process::ExitCode;

fn main() -> ExitCode {
    // A second process of this program, which undoes a change that is not confirmed.
    if admin::is_asked_to_undo() {
        return admin::undo_unless_confirmed();
    }
    admin::run(cli::parsed())
}
