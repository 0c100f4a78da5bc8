//! The kernel's audit system (netlink, `NETLINK_AUDIT`): one record for each attempt and each change, in the words
//! that libaudit uses, so that `ausearch` and `aureport` find account and result.
//!
//! The kernel adds process, user id and login user id, which a program cannot change. It takes a record in the same
//! call. If auditd hangs and the kernel's queue is full, every audited process must wait, for libpam's own records
//! too. The administrator sets for how long (`auditctl --backlog_wait_time`).

use nix::libc;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, sendto, socket,
};
use otp_core::event::{Entry, Event, Phase, Severity, Text, Treatment, Value};
use rustix::thread::{CapabilitySet, capabilities};
use std::fmt::Write;
use std::fs;
use std::net::IpAddr;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;

/// The types of records, by their numbers in `linux/audit.h` and libaudit's `audit-records.h`.
const USER_AUTH: u16 = 1100;
const USER_ACCT: u16 = 1101;
const USER_MGMT: u16 = 1102;
const USER_CHAUTHTOK: u16 = 1108;
const USYS_CONFIG: u16 = 1111;

/// The length of `struct nlmsghdr`.
const HEADER: usize = 16;
/// The kernel cuts the text of a record after this many bytes (`AUDIT_MESSAGE_TEXT_MAX`).
const LONGEST: usize = 8560;
/// The longest path of a program that is written, in bytes.
const LONGEST_PROGRAM: usize = 1024;

/// Sends the record of an event, if it has one and this process may.
pub(crate) fn send(entry: &Entry) {
    let Some((kind, succeeded)) = kind(entry) else {
        return;
    };
    let may =
        capabilities(None).is_ok_and(|may| may.effective.contains(CapabilitySet::AUDIT_WRITE));
    if !may {
        return;
    }
    let program = fs::read_link("/proc/self/exe").unwrap_or_default();
    let text = text(entry, program.as_os_str().as_bytes(), succeeded);
    // A kernel without audit does not know this protocol.
    let Ok(socket) = socket(
        AddressFamily::Netlink,
        SockType::Raw,
        SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
        SockProtocol::NetlinkAudit,
    ) else {
        return;
    };
    let kernel = NetlinkAddr::new(0, 0);
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
    sendto(socket.as_raw_fd(), &message(kind, &text), &kernel, flags).ok();
}

/// Returns the type of an event's record and whether it is a success; `None`: the event is neither an attempt nor a
/// change.
fn kind(entry: &Entry) -> Option<(u16, bool)> {
    let ends_a_phase = match entry.phase() {
        Phase::Authentication => USER_AUTH,
        Phase::Account | Phase::Credentials | Phase::Password => USER_ACCT,
    };
    let is_let_in = !entry
        .values()
        .iter()
        .any(|value| matches!(value, Value::Result(Treatment::Refused)));
    match entry.event() {
        Event::Accept | Event::Recovery | Event::Mailed | Event::Trusted => {
            Some((ends_a_phase, true))
        }
        Event::Reject | Event::Replay | Event::Lock | Event::Locked | Event::Unavailable => {
            Some((ends_a_phase, false))
        }
        Event::NotEnrolled => Some((ends_a_phase, is_let_in)),
        Event::Change => Some((change(entry), true)),
        // ACCT_UNLOCK is not used: `aureport -m` leaves it out.
        Event::Unlock => Some((USER_MGMT, true)),
        Event::Import => Some((USER_MGMT, entry.severity() == Severity::Notice)),
        Event::Protect | Event::Seal | Event::PolicyChanged | Event::Fleet => {
            Some((USYS_CONFIG, entry.severity() == Severity::Notice))
        }
        // The helper writes the event and may send no record; another record covers it; or no one acted.
        Event::Attempt
        | Event::Changing
        | Event::Denied
        | Event::Reset
        | Event::OneFactor
        | Event::Mail
        | Event::Hook
        | Event::Policy
        | Event::Debug => None,
    }
}

/// Returns the record type of a change. Changes that only an administrator makes are account management; changes that
/// the user can make too are changes of what the user logs in with.
fn change(entry: &Entry) -> u16 {
    match entry.verb() {
        Some("provision" | "move" | "reset" | "log-out") => USER_MGMT,
        _ => USER_CHAUTHTOK,
    }
}

/// Makes the text as libaudit's `audit_log_acct_message` does.
fn text(entry: &Entry, program: &[u8], succeeded: bool) -> String {
    let mut text = format!("op={}", entry.event().name());
    if let Some(verb) = entry.verb() {
        write!(text, ":{verb}").ok();
    }
    // For a name that is no account's, the entry has account "unknown", and the name as the user.
    let account = match (entry.account(), entry.user()) {
        (Some(account), Some(user)) if account.as_str() == "unknown" => Some(user),
        (account, _) => account,
    };
    let account = account.map(Text::plain).unwrap_or_default();
    write!(text, " acct={}", value(account.as_bytes())).ok();
    let program = &program[..program.len().min(LONGEST_PROGRAM)];
    write!(text, " exe={}", value(program)).ok();
    let host = entry.remote_address().map(Text::plain);
    let host = host.as_deref().unwrap_or_default();
    // No name is resolved to an address here.
    let address = host.parse::<IpAddr>().map_or("?", |_| host);
    write!(text, " hostname={} addr={address}", word(host)).ok();
    let terminal = entry.terminal().map(Text::plain).unwrap_or_default();
    write!(text, " terminal={}", word(&terminal)).ok();
    write!(
        text,
        " res={}",
        if succeeded { "success" } else { "failed" }
    )
    .ok();
    text
}

/// Writes a value that anybody may have chosen: in quotation marks, or in hexadecimal if it holds a character that
/// would end them.
fn value(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "\"?\"".to_owned();
    }
    let is_plain = |byte: &u8| (0x21..=0x7e).contains(byte) && *byte != b'"';
    match std::str::from_utf8(bytes) {
        Ok(text) if bytes.iter().all(is_plain) => format!("\"{text}\""),
        _ => bytes.iter().fold(String::new(), |mut hexadecimal, byte| {
            write!(hexadecimal, "{byte:02X}").ok();
            hexadecimal
        }),
    }
}

/// Writes a value that has no hexadecimal form: as it is, or `?`.
fn word(text: &str) -> &str {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".:_-/%[]".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        text
    } else {
        "?"
    }
}

/// Makes a netlink request: `struct nlmsghdr`, then the text with a final NUL (the kernel overwrites its last byte
/// with one).
fn message(kind: u16, text: &str) -> Vec<u8> {
    let text = &text.as_bytes()[..text.len().min(LONGEST)];
    let length = u32::try_from(HEADER + text.len() + 1).unwrap_or(u32::MAX);
    let flags = u16::try_from(libc::NLM_F_REQUEST).unwrap_or_default();
    let mut bytes = Vec::with_capacity(HEADER + LONGEST);
    bytes.extend_from_slice(&length.to_ne_bytes());
    bytes.extend_from_slice(&kind.to_ne_bytes());
    bytes.extend_from_slice(&flags.to_ne_bytes());
    // Sequence number and port, which nothing asks for.
    bytes.extend_from_slice(&[0; 8]);
    bytes.extend_from_slice(text);
    bytes.push(0);
    bytes
}

#[cfg(test)]
mod tests;
