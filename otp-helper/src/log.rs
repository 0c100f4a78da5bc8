//! In whose name the helper writes its records: its own, for the real user id of its caller.

use nix::unistd::getuid;
use otp_core::event::Value;
use otp_helper::serving::Scribe;
use otp_log::Program;

/// The helper's records name the user id that its caller cannot make up.
pub(crate) fn scribe() -> Scribe {
    Scribe {
        program: Program::of_ours("otp-helper"),
        by: Value::CallerUid(getuid().as_raw()),
        tells_beforehand: true,
    }
}
