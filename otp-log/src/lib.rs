//! The one place that tells an [`Entry`] to the outside: to the journal or else to syslog, and to the kernel's audit system.
//!
//! Nothing here has a say in a login: what cannot be told is not told, and the answer stands. Each way is tried once. A
//! reader that is stopped keeps a login waiting for a second and no longer; not for none, since any user can fill the queue
//! of such a socket, and would make the lines about a guess disappear.

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

/// How long the journal or syslog of ours may keep us waiting.
const LONGEST_WAIT: TimeVal = TimeVal::new(1, 0);

/// The facility authpriv (RFC 5424 section 6.2.1).
const AUTHPRIV: u8 = 10;

/// In whose name a record is written.
#[derive(Clone, Copy, Debug)]
pub struct Program<'a> {
    /// What syslog has before the number of the process: `sshd`, `otp-helper`.
    pub identifier: &'a [u8],
    /// What stands before the event, as `pam_otp(sshd:auth): ` does. Empty for a program of ours.
    pub prefix: &'a str,
}

impl Program<'static> {
    /// A program of ours, by its name.
    #[must_use]
    pub const fn of_ours(name: &'static str) -> Self {
        Self {
            identifier: name.as_bytes(),
            prefix: "",
        }
    }
}

/// Tells an event, once: to the journal where there is one, or to syslog; and to the audit system where this process may.
///
/// The login user id of this process is added to what is told. Where the policy wants the event handed on, it waits for
/// the hook when this returns: see [`hand_on_for_this_process`].
pub fn tell(entry: &Entry, program: &Program<'_>) {
    let told = |entry: &Entry, line: &str| syslog::send(entry.severity(), program, line);
    tell_by(entry, program, told);
    if let Some(dropped) = hooks::hand_on_for_us(entry) {
        tell_by(&dropped, program, told);
    }
}

/// The same for a module, whose `syslog` is that of the program around it: it is given the entry as it is told, and its
/// line without the prefix. It is called where there is no journal.
pub fn tell_by(entry: &Entry, program: &Program<'_>, syslog: impl FnOnce(&Entry, &str)) {
    let entry = complete(entry);
    let line = entry.to_string();
    if !journal::send(&entry, program, &line) {
        syslog(&entry, &line);
    }
    audit::send(&entry);
}

/// The entry with what only this process knows.
fn complete(entry: &Entry) -> Entry {
    let mut entry = entry.clone();
    if let Some(uid) = actor::login_uid() {
        entry.add(Value::LoginUid(uid));
    }
    entry
}
