//! Sends lines to syslog's own socket, for our programs.

use crate::{AUTHPRIV, LONGEST_WAIT, Program};
use nix::sys::socket::{setsockopt, sockopt};
use otp_core::event::Severity;
use std::os::unix::net::UnixDatagram;

const SOCKET: &str = "/dev/log";

/// Sends a line. Without a syslog, the line is lost.
pub(crate) fn send(severity: Severity, program: &Program<'_>, line: &str) {
    let Ok(socket) = UnixDatagram::unbound() else {
        return;
    };
    let datagram = datagram(severity, program, line, std::process::id());
    // If this fails, the send may block; the line is worth the wait.
    setsockopt(&socket, sockopt::SendTimeout, &LONGEST_WAIT).ok();
    socket.send_to(&datagram, SOCKET).ok();
}

fn datagram(severity: Severity, program: &Program<'_>, line: &str, pid: u32) -> Vec<u8> {
    let priority = AUTHPRIV * 8 + severity.number();
    let mut bytes = format!("<{priority}>").into_bytes();
    bytes.extend_from_slice(program.identifier);
    bytes.extend_from_slice(format!("[{pid}]: {}{line}", program.prefix).as_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_facility_severity_program_and_process() {
        let ours = Program::of_ours("otp-admin");
        assert_eq!(
            datagram(Severity::Warning, &ours, "otp.lock", 7),
            b"<84>otp-admin[7]: otp.lock"
        );
    }
}
