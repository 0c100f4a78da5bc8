//! systemd's journal, by its native protocol: <https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>.

use crate::{AUTHPRIV, LONGEST_WAIT, Program};
use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{
    ControlMessage, MsgFlags, UnixAddr, UnixCredentials, sendmsg, setsockopt, sockopt,
};
use nix::unistd::{getegid, geteuid};
use otp_core::event::Entry;
use std::io::IoSlice;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

const SOCKET: &str = "/run/systemd/journal/socket";

/// Sends an entry; false: there is no journal, and the caller must log elsewhere.
///
/// If the journal takes nothing within the time limit, the result is true: syslog's socket is then most often the
/// journal's own.
pub(crate) fn send(entry: &Entry, program: &Program<'_>, line: &str) -> bool {
    send_to(Path::new(SOCKET), entry, program, line)
}

fn send_to(place: &Path, entry: &Entry, program: &Program<'_>, line: &str) -> bool {
    let Ok(socket) = UnixDatagram::unbound() else {
        return false;
    };
    // On most machines without a journal this fails, before any text is built.
    if socket.connect(place).is_err()
        || setsockopt(&socket, sockopt::SendTimeout, &LONGEST_WAIT).is_err()
    {
        return false;
    }
    let datagram = datagram(entry, program, line, std::process::id());
    // The ids by which this process acts; the kernel lets no other process send them. So the journal can tell a line
    // of a program that runs as root for a user (su, sudo), and a line of the helper by its group.
    let credentials = UnixCredentials::from(libc::ucred {
        pid: nix::unistd::getpid().as_raw(),
        uid: geteuid().as_raw(),
        gid: getegid().as_raw(),
    });
    let parts = [IoSlice::new(&datagram)];
    let ids = [ControlMessage::ScmCredentials(&credentials)];
    let flags = MsgFlags::MSG_NOSIGNAL;
    match sendmsg::<UnixAddr>(socket.as_raw_fd(), &parts, &ids, flags, None) {
        Ok(_) | Err(Errno::EAGAIN) => true,
        Err(_) => false,
    }
}

/// Encodes the fields of an entry as one datagram.
fn datagram(entry: &Entry, program: &Program<'_>, line: &str, pid: u32) -> Vec<u8> {
    let event = entry.event();
    let mut fields = Vec::with_capacity(2048);
    put(
        &mut fields,
        "MESSAGE",
        format!("{}{line}", program.prefix).as_bytes(),
    );
    put(
        &mut fields,
        "PRIORITY",
        entry.severity().number().to_string().as_bytes(),
    );
    put(
        &mut fields,
        "SYSLOG_FACILITY",
        AUTHPRIV.to_string().as_bytes(),
    );
    put(&mut fields, "SYSLOG_IDENTIFIER", program.identifier);
    put(&mut fields, "SYSLOG_PID", pid.to_string().as_bytes());
    put(&mut fields, "MESSAGE_ID", event.id().as_bytes());
    put(&mut fields, "OTP_EVENT", event.name().as_bytes());
    for (key, text) in entry.pairs() {
        let name = format!("OTP_{}", key.word().to_ascii_uppercase());
        put(&mut fields, &name, text.plain().as_bytes());
    }
    fields
}

/// Writes a field: on one line, or with its length first if the value holds a line end.
fn put(fields: &mut Vec<u8>, name: &str, value: &[u8]) {
    fields.extend_from_slice(name.as_bytes());
    if value.contains(&b'\n') {
        fields.push(b'\n');
        fields.extend_from_slice(&(value.len() as u64).to_le_bytes());
    } else {
        fields.push(b'=');
    }
    fields.extend_from_slice(value);
    fields.push(b'\n');
}

#[cfg(test)]
mod tests;
