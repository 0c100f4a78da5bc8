//! A line of this module among the `password` lines of a service, where it does not belong.

use crate::call::Call;
use crate::host::Host;
use otp_core::event::Phase;

/// Logs that such a line does nothing.
///
/// The answer to PAM is "ignore". There is no password of ours to change, and a refusal would keep all users from
/// changing theirs, and users with an expired password from logging in. The answer is not success, which could end the
/// stack (`sufficient`) before the password is changed. A line that is alone changes nothing.
pub(crate) fn warn_of_line(host: &mut impl Host) {
    let mut call = Call::new(host, Phase::Password, true);
    call.user = call.host.user().unwrap_or_default();
    call.warn(
        "a password line of pam_otp.so does nothing; it has only auth and account lines: take it out",
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::player::Player;

    #[test]
    fn the_log_says_that_the_line_does_nothing() {
        let mut host = Player::new("alice");
        host.delayed = true;
        warn_of_line(&mut host);
        assert_eq!(host.log.len(), 1);
        let begin = "otp.policy user=\"alice\" service=\"sshd\" rhost=\"192.0.2.1\" phase=\"password\" reason=\"a password line";
        assert!(host.log[0].starts_with(begin), "{:?}", host.log);
        assert!(host.told.is_empty());
    }
}
