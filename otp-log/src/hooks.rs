//! Events for the hook of the policy: this module puts them into the queue of `otp-queue`, and `otp-notify` takes
//! them out.

use otp_core::UnixTime;
use otp_core::event::{Entry, Event, Severity, Text, Value};
use otp_core::record::HooksPolicy;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, SystemTime};

/// The events that wait for a hook, and where they wait.
#[derive(Clone, Debug)]
pub struct Hooks {
    /// The directory of the records, in which the queue is.
    records: PathBuf,
    policy: HooksPolicy,
}

impl Hooks {
    /// Takes the events that a policy wants handed on; the queue is below `records`.
    #[must_use]
    pub fn new(records: &Path, policy: &HooksPolicy) -> Self {
        Self {
            records: records.to_owned(),
            policy: policy.clone(),
        }
    }

    /// Puts an event into the queue, durably, if the policy wants it handed on. It waits for the disk and for nothing
    /// else.
    ///
    /// If the event was dropped, it returns an entry that the caller must log; the caller goes on in either case.
    #[must_use]
    pub fn hand_on(&self, entry: &Entry) -> Option<Entry> {
        if !self.policy.wants(entry.event()) {
            return None;
        }
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = UnixTime::from_seconds(since.unwrap_or(Duration::ZERO).as_secs());
        let dropped = otp_queue::put(&self.records, &crate::complete(entry), now).err()?;
        Some(told(entry, &dropped.to_string()))
    }
}

/// Makes the entry about an event that was dropped.
fn told(entry: &Entry, reason: &str) -> Entry {
    let mut told = Entry::new(Event::Hook, Severity::Error);
    if let Some(account) = entry.account() {
        told.add(Value::User(account.clone()));
    }
    told.with(Value::Count(1))
        .with(Value::Source(Text::escaped(entry.event().name())))
        .with(Value::Reason(Text::escaped(reason)))
}

/// The hooks of this process.
static OURS: RwLock<Option<Hooks>> = RwLock::new(None);

/// Makes [`crate::tell`] hand on events as this policy wants, from now on. It is for our programs, which read one
/// policy; a module runs in another program's process and may read several.
pub fn hand_on_for_this_process(records: &Path, policy: &HooksPolicy) {
    let mut ours = OURS.write().unwrap_or_else(PoisonError::into_inner);
    ours.get_or_insert_with(|| Hooks::new(records, policy));
}

/// Makes [`crate::tell`] hand on events as this policy wants, also if it has changed since the last call: for a program
/// that runs as long as the machine.
pub fn hand_on_from_now_on(records: &Path, policy: &HooksPolicy) {
    let is_as_it_was = |ours: &Hooks| ours.records == records && ours.policy == *policy;
    let ours = OURS.read().unwrap_or_else(PoisonError::into_inner);
    if ours.as_ref().is_some_and(is_as_it_was) {
        return;
    }
    drop(ours);
    let mut ours = OURS.write().unwrap_or_else(PoisonError::into_inner);
    *ours = Some(Hooks::new(records, policy));
}

/// Whether another program hands on the events that this process logs.
static OTHERS: AtomicBool = AtomicBool::new(false);

/// Makes [`crate::tell`] hand on nothing, from now on. Events about users of a fleet are handed on by a verifier,
/// once for all machines.
pub fn leave_handing_on_to_others() {
    OTHERS.store(true, Ordering::Relaxed);
}

pub(crate) fn hand_on_for_us(entry: &Entry) -> Option<Entry> {
    if OTHERS.load(Ordering::Relaxed) {
        return None;
    }
    let ours = OURS
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .clone()?;
    ours.hand_on(entry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn lock() -> Entry {
        let user = Value::User(Text::escaped("al\"ice"));
        Entry::new(Event::Lock, Severity::Warning).with(user)
    }

    fn hooks(records: &Path, run: &str, events: &[Event]) -> Hooks {
        let policy = HooksPolicy {
            run: run.to_owned(),
            events: events.to_vec(),
        };
        Hooks::new(records, &policy)
    }

    #[test]
    fn only_events_that_the_policy_lists_are_queued() {
        let records = tempfile::tempdir().unwrap();
        for (run, events) in [
            ("", &[][..]),
            ("", &[Event::Lock]),
            ("/bin/true", &[]),
            ("/bin/true", &[Event::Change, Event::Hook]),
        ] {
            let hooks = hooks(records.path(), run, events);
            assert_eq!(hooks.hand_on(&lock()), None);
            assert_eq!(fs::read_dir(records.path()).unwrap().count(), 0);
        }
        let hooks = hooks(records.path(), "/bin/true", &[Event::Lock]);
        assert_eq!(hooks.hand_on(&lock()), None);
        let incoming = records
            .path()
            .join(otp_queue::QUEUE)
            .join(otp_queue::INCOMING);
        assert_eq!(fs::read_dir(incoming).unwrap().count(), 1);
    }

    #[test]
    fn a_dropped_event_is_reported() {
        let records = tempfile::tempdir().unwrap();
        let gone = records.path().join("gone");
        let told = hooks(&gone, "/bin/true", &[Event::Lock]).hand_on(&lock());
        let told = told.unwrap().to_string();
        let begins =
            r#"otp.hook user="al\"ice" count="1" source="otp.lock" reason="the queue for hooks"#;
        assert!(told.starts_with(begins), "{told}");
    }
}
