//! Logs an [`Entry`]: to the journal or else to syslog, and to the kernel's audit system. No other crate writes
//! there.
//!
//! Logging never decides a login: an entry that cannot be written is lost, and the answer stands. Each way is tried
//! once. A reader that is stopped delays a login by one second at most. The delay is not zero, because any user can
//! fill the queue of such a socket, and could then hide the lines about a guess.

#![forbid(unsafe_code)]

mod actor;
mod audit;
mod hooks;
mod id;
mod journal;
mod syslog;

pub use hooks::{Hooks, hand_on_for_this_process, hand_on_from_now_on, leave_handing_on_to_others};

use nix::sys::time::TimeVal;
use otp_core::event::{Entry, Value};

pub use id::new_id;

/// How long the journal or our own syslog socket may delay a process.
const LONGEST_WAIT: TimeVal = TimeVal::new(1, 0);

/// The facility authpriv (RFC 5424 section 6.2.1).
const AUTHPRIV: u8 = 10;

/// The program in whose name an entry is written.
#[derive(Clone, Copy, Debug)]
pub struct Program<'a> {
    /// The name that syslog puts before the process id: `sshd`, `otp-helper`.
    pub identifier: &'a [u8],
    /// The text before the event, such as `pam_otp(sshd:auth): `. Empty for a program of ours.
    pub prefix: &'a str,
}

impl Program<'static> {
    /// Makes the identity of one of our programs from its name.
    #[must_use]
    pub const fn of_ours(name: &'static str) -> Self {
        Self {
            identifier: name.as_bytes(),
            prefix: "",
        }
    }
}

/// Logs an event once: to the journal, or to syslog if there is no journal; and to the audit system if this process
/// may.
///
/// The login user id of this process is added to the entry. If the policy wants the event handed on, it is in the
/// queue of the hook when this returns: see [`hand_on_for_this_process`].
pub fn tell(entry: &Entry, program: &Program<'_>) {
    let told = |entry: &Entry, line: &str| syslog::send(entry.severity(), program, line);
    tell_by(entry, program, told);
    if let Some(dropped) = hooks::hand_on_for_us(entry) {
        tell_by(&dropped, program, told);
    }
}

/// Logs an event for a module, whose `syslog` is that of the program around it.
///
/// `syslog` is called if there is no journal. It gets the entry as logged, and its line without the prefix.
pub fn tell_by(entry: &Entry, program: &Program<'_>, syslog: impl FnOnce(&Entry, &str)) {
    let entry = complete(entry);
    let line = entry.to_string();
    if !journal::send(&entry, program, &line) {
        syslog(&entry, &line);
    }
    audit::send(&entry);
}

/// Adds to the entry the facts that only this process knows.
fn complete(entry: &Entry) -> Entry {
    let mut entry = entry.clone();
    if let Some(uid) = actor::login_uid() {
        entry.add(Value::LoginUid(uid));
    }
    entry
}
