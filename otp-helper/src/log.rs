//! The name in which the helper writes its log entries: its own, with the real user id of its caller.

use nix::unistd::getuid;
use otp_core::event::Value;
use otp_helper::serving::Scribe;
use otp_log::Program;

/// Makes the helper's log entries name the real user id, which its caller cannot forge.
pub(crate) fn scribe() -> Scribe {
    Scribe {
        program: Program::of_ours("otp-helper"),
        by: Value::CallerUid(getuid().as_raw()),
        tells_beforehand: true,
    }
}
