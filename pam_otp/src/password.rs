//! A line of this module among the `password` lines of a service, where it has no business.

use crate::call::{Call, Phase};
use crate::host::Host;

/// Says in the log why nobody's password can be changed there.
///
/// The answer to PAM is a refusal: a line that is not meant must not look as if it did something, and a success could
/// be the one that ends the stack (`sufficient`) before the password is changed.
pub(crate) fn refuse_change(host: &mut impl Host) {
    let mut call = Call::new(host, Phase::Password, true);
    call.user = call.host.user().unwrap_or_default();
    call.warn(
        "a password line of pam_otp.so refuses every change of a password; it has only auth and account lines: take it out",
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::Script;

    #[test]
    fn the_log_says_why_no_password_can_be_changed() {
        let mut host = Script::new("alice");
        host.delayed = true;
        refuse_change(&mut host);
        assert_eq!(host.log.len(), 1);
        let begin = "otp.policy user=\"alice\" service=\"sshd\" rhost=\"192.0.2.1\" phase=\"password\" reason=\"a password line";
        assert!(host.log[0].starts_with(begin), "{:?}", host.log);
        assert!(host.told.is_empty());
    }
}
