use super::*;
use nix::sys::socket::{ControlMessageOwned, recvmsg};
use otp_core::event::{Event, Severity, Text, Value};
use proptest::prelude::*;
use std::io::IoSliceMut;
use tempfile::TempDir;

fn entry(user: &str) -> Entry {
    Entry::new(Event::Reject, Severity::Notice)
        .with(Value::User(Text::escaped(user)))
        .with(Value::Counted(true))
}

/// Reads a datagram as journald does: a name that ends at `=`, or a name on its own line and then a length.
fn read(mut bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let end = bytes.iter().position(|byte| matches!(byte, b'=' | b'\n'));
        let end = end.expect("a name");
        let name = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let counted = bytes[end] == b'\n';
        bytes = &bytes[end + 1..];
        let length = if counted {
            let (length, rest) = bytes.split_at(8);
            bytes = rest;
            usize::try_from(u64::from_le_bytes(length.try_into().unwrap())).unwrap()
        } else {
            bytes
                .iter()
                .position(|byte| *byte == b'\n')
                .expect("an end")
        };
        fields.push((name, bytes[..length].to_vec()));
        assert_eq!(bytes[length], b'\n');
        bytes = &bytes[length + 1..];
    }
    fields
}

const SSHD: Program<'_> = Program {
    identifier: b"sshd",
    prefix: "pam_otp(sshd:auth): ",
};

#[test]
fn an_entry_has_the_line_of_syslog_and_a_field_for_each_key() {
    let entry = entry("alice");
    let sent = read(&datagram(&entry, &SSHD, &entry.to_string(), 7));
    let sent: Vec<(&str, &str)> = sent
        .iter()
        .map(|(name, value)| (name.as_str(), std::str::from_utf8(value).unwrap()))
        .collect();
    assert_eq!(
        sent,
        [
            (
                "MESSAGE",
                r#"pam_otp(sshd:auth): otp.reject user="alice" counted="yes""#
            ),
            ("PRIORITY", "5"),
            ("SYSLOG_FACILITY", "10"),
            ("SYSLOG_IDENTIFIER", "sshd"),
            ("SYSLOG_PID", "7"),
            ("MESSAGE_ID", Event::Reject.id()),
            ("OTP_EVENT", "otp.reject"),
            ("OTP_USER", "alice"),
            ("OTP_COUNTED", "yes"),
        ]
    );
}

proptest! {
    #[test]
    fn no_value_can_forge_a_field(user in "\\PC{0,40}|(?s).{0,40}", program: Vec<u8>) {
        let entry = entry(&user);
        let program = Program { identifier: &program, prefix: "" };
        let sent = read(&datagram(&entry, &program, &entry.to_string(), 7));
        let names = sent.iter().map(|(name, _)| name.as_str());
        let users = names.filter(|name| *name == "OTP_USER").count();
        prop_assert_eq!(users, usize::from(!user.is_empty()));
        prop_assert_eq!(sent.len(), 8 + users);
        prop_assert_eq!(&sent[3].1, &program.identifier);
        if !user.is_empty() {
            prop_assert_eq!(&sent[7].1, user.as_bytes());
        }
    }
}

#[test]
fn an_entry_is_not_taken_if_there_is_no_journal() {
    let place = TempDir::new().unwrap();
    let socket = place.path().join("socket");
    assert!(!send_to(&socket, &entry("alice"), &SSHD, "line"));
    // A journal that is gone has left its socket.
    drop(UnixDatagram::bind(&socket).unwrap());
    assert!(!send_to(&socket, &entry("alice"), &SSHD, "line"));
}

#[test]
fn the_journal_gets_each_entry_once_and_with_its_sender() {
    let place = TempDir::new().unwrap();
    let socket = place.path().join("socket");
    let journald = UnixDatagram::bind(&socket).unwrap();
    setsockopt(&journald, sockopt::PassCred, &true).unwrap();
    assert!(send_to(&socket, &entry("alice"), &SSHD, "line"));
    let (mut bytes, mut space) = ([0; 4096], nix::cmsg_space!(UnixCredentials));
    let mut parts = [IoSliceMut::new(&mut bytes)];
    let flags = MsgFlags::empty();
    let got = recvmsg::<UnixAddr>(journald.as_raw_fd(), &mut parts, Some(&mut space), flags);
    let got = got.unwrap();
    let who: Vec<_> = got
        .cmsgs()
        .unwrap()
        .filter_map(|one| match one {
            ControlMessageOwned::ScmCredentials(who) => Some((who.uid(), who.gid())),
            _ => None,
        })
        .collect();
    assert_eq!(who, [(geteuid().as_raw(), getegid().as_raw())]);
    let length = got.bytes;
    assert_eq!(read(&bytes[..length])[0].1, b"pam_otp(sshd:auth): line");
    journald.set_nonblocking(true).unwrap();
    assert!(journald.recv(&mut bytes).is_err());
}

#[test]
fn a_journal_that_reads_nothing_is_waited_for_once_and_not_for_ever() {
    let place = TempDir::new().unwrap();
    let socket = place.path().join("socket");
    let _journald = UnixDatagram::bind(&socket).unwrap();
    let other = UnixDatagram::unbound().unwrap();
    other.set_nonblocking(true).unwrap();
    while other.send_to(b"x", &socket).is_ok() {}
    // The call returns, and syslog is not used instead.
    assert!(send_to(&socket, &entry("alice"), &SSHD, "line"));
}
