//! The log entries about root's use of the command lines. For other users the helper makes the change and writes the
//! entry.

use nix::unistd::geteuid;
use otp_core::event::{self, Entry, Event, Severity, Text, Value};
use otp_core::messages::Message;
use otp_core::record::{Name, Standing};
use otp_core::{Account, Verdict};
use otp_helper::records::Lost;
use otp_log::Program;
use std::sync::OnceLock;

/// The name that stands for a PAM service in the log entry of an attempt by `otp-enroll test`.
pub const TEST: &str = "otp-enroll";

const ADMIN: Program<'static> = Program::of_ours("otp-admin");
const ENROLL: Program<'static> = Program::of_ours("otp-enroll");

/// The fleet administrator in whose name this process acts, whatever account it runs as.
static ADMINISTRATOR: OnceLock<Text> = OnceLock::new();

/// From now on, the log names this administrator for what this process does.
pub fn act_for(administrator: &str) {
    ADMINISTRATOR.get_or_init(|| Text::escaped(administrator));
}

/// Whether this process acts in the name of a fleet's administrator.
pub fn acts_for_administrator() -> bool {
    ADMINISTRATOR.get().is_some()
}

/// Logs that a service was made to ask for codes, or to stop that, or that such a change was undone.
pub fn protect(verb: &'static str, severity: Severity, user: &str, service: &str, reason: &str) {
    let entry = Entry::new(Event::Protect, severity)
        .with(Value::Verb(verb))
        .with(Value::User(Text::escaped(user)))
        .with(Value::Service(Text::escaped(service)))
        .with(Value::Reason(Text::escaped(reason)));
    send(entry, &ADMIN);
}

/// Logs that the fleet was changed: `what` is the machine, the administrator or the file that changed.
pub fn fleet(verb: &'static str, severity: Severity, what: &str) {
    let entry = Entry::new(Event::Fleet, severity)
        .with(Value::Verb(verb))
        .with(Value::Source(Text::escaped(what)));
    send(entry, &ADMIN);
}

/// Logs an event of `otp-admin`.
pub fn tell(entry: Entry) {
    send(entry, &ADMIN);
}

/// Logs an attempt that was made in this process.
pub fn attempted(account: &Account, verdict: &Verdict, message: Option<Message>) {
    send(event::about(verdict, message, whose(account)), &ENROLL);
}

/// Logs an attempt that could not be made, unless another program has logged it.
pub fn not_attempted(account: &Account, reason: &Lost) {
    if matches!(reason, Lost::Recorded(_)) {
        return;
    }
    let begun = Entry::new(Event::Unavailable, Severity::Error);
    let entry = whose(account).into_iter().fold(begun, Entry::with);
    let reason = Text::escaped(&reason.to_string());
    send(entry.with(Value::Reason(reason)), &ENROLL);
}

fn whose(account: &Account) -> [Value; 2] {
    [
        Value::User(Text::escaped(account.name.as_str())),
        Value::Service(Text::escaped(TEST)),
    ]
}

/// Logs a change that `otp-enroll` has made in this process.
pub fn enrolled(verb: &'static str, account: &Account, authenticator: Option<&Name>) {
    let entry = change(verb, account.name.as_str(), authenticator);
    send(entry, &ENROLL);
}

/// Logs a change that `otp-admin` has made.
pub fn changed(verb: &'static str, user: &str, authenticator: Option<&Name>) {
    send(change(verb, user, authenticator), &ADMIN);
}

/// Logs that a record was given to its user's new name or user id.
pub fn moved(old: &str, new: &str) {
    let entry = change("move", new, None);
    send(entry.with(Value::Source(Text::escaped(old))), &ADMIN);
}

/// Logs that a lock was ended.
pub fn unlocked(user: &str, standing: Standing) {
    let entry = Entry::new(Event::Unlock, Severity::Notice)
        .with(Value::User(Text::escaped(user)))
        .with(Value::Until(standing));
    send(entry, &ADMIN);
}

/// Logs that the record of a name without an account was removed, or why it stays. `by`: the command that runs the
/// hook.
pub fn gone(user: &str, by: Option<&str>, said: &str) {
    let mut entry =
        Entry::new(Event::Reset, Severity::Notice).with(Value::User(Text::escaped(user)));
    if let Some(by) = by {
        entry.add(Value::By(Text::escaped(by)));
    }
    send(entry.with(Value::Said(Text::escaped(said))), &ADMIN);
}

/// Logs a change to the seals of all records, with the key in that file.
pub fn sealed(verb: &'static str, file: &str, written: usize, reason: Option<&str>) {
    let severity = match reason {
        None => Severity::Notice,
        Some(_) => Severity::Warning,
    };
    let mut entry = Entry::new(Event::Seal, severity)
        .with(Value::Verb(verb))
        .with(Value::Source(Text::escaped(file)))
        .with(Value::Count(u64::try_from(written).unwrap_or(u64::MAX)));
    if let Some(reason) = reason {
        entry.add(Value::Reason(Text::escaped(reason)));
    }
    send(entry, &ADMIN);
}

fn change(verb: &'static str, user: &str, authenticator: Option<&Name>) -> Entry {
    let entry = Entry::new(Event::Change, Severity::Notice)
        .with(Value::Verb(verb))
        .with(Value::User(Text::escaped(user)));
    match authenticator {
        Some(name) => entry.with(Value::Authenticator(name.clone())),
        None => entry,
    }
}

fn send(mut entry: Entry, program: &Program<'_>) {
    // The tests of this crate, which run without root, log nothing.
    if !geteuid().is_root() && !acts_for_administrator() {
        return;
    }
    if let Some(administrator) = ADMINISTRATOR.get() {
        entry.add(Value::Administrator(administrator.clone()));
    } else if let Some(uid) = sudo_uid() {
        entry.add(Value::EnvSudoUid(uid));
    }
    otp_log::tell(&entry, program);
}

/// Returns the user who called sudo, from sudo's environment variable.
fn sudo_uid() -> Option<u32> {
    std::env::var("SUDO_UID").ok()?.parse().ok()
}
