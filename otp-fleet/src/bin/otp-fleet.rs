//! `otp-fleet`: asks the verifiers of a fleet what a login needs to know. Started by `pam_otp.so` and by `otp-helper`.
//!
//! As `otp-fleet admin` it is what `otp-admin` becomes on a machine of a fleet: an administrator's session with a verifier.

use std::ffi::OsString;
use std::process::ExitCode;

/// The first argument where `otp-admin` has started it.
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
