//! `otp-fleet`: asks the verifiers of a fleet what a login needs to know. `pam_otp.so` and `otp-helper` start it.
//!
//! On a machine of a fleet, `otp-admin` becomes `otp-fleet admin`: an administrator's session with a verifier.

use std::ffi::OsString;
use std::process::ExitCode;

/// The first argument if `otp-admin` has started this.
const ADMIN: &str = "admin";

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    match arguments.next() {
        Some(first) if first == ADMIN => {
            let arguments: Vec<OsString> = arguments.collect();
            otp_fleet::remote::command::command(&arguments)
        }
        _ => otp_fleet::client::run(),
    }
}
