//! Runs the requests of one process for one account one after the other: a courtesy, not a lock.
//!
//! Correctness does not depend on this: every write compares. But if 64 logins all try at once, all but one are
//! overtaken, and then all but one of the rest.

use otp_core::UserName;
use std::collections::HashSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// The users whose accounts a request of this process works on now.
#[derive(Clone, Default)]
pub(super) struct Turns(Arc<(Mutex<HashSet<UserName>>, Condvar)>);

/// An account's turn; when this is dropped, the next request has it.
pub(super) struct Turn {
    turns: Turns,
    name: UserName,
    /// Whether it was free when it was asked for.
    was_free: bool,
}

impl Turns {
    /// Waits for the turn of an account; `None`: it took too long, and the caller goes ahead without it.
    pub(super) fn take(&self, name: &UserName, until: Instant) -> Option<Turn> {
        let (_, changed) = &*self.0;
        let mut taken = self.taken();
        let was_free = !taken.contains(name);
        while taken.contains(name) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            let waited = changed.wait_timeout(taken, left);
            taken = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        taken.insert(name.clone());
        Some(Turn {
            turns: self.clone(),
            name: name.clone(),
            was_free,
        })
    }

    fn taken(&self) -> MutexGuard<'_, HashSet<UserName>> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// Whether the turn was free when it was asked for.
    pub(super) const fn was_free(&self) -> bool {
        self.was_free
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.taken().remove(&self.name);
        self.turns.0.1.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn an_account_has_one_turn_at_a_time_and_nobody_waits_for_ever() {
        let turns = Turns::default();
        let [alice, bob] = ["alice", "bob"].map(|name| UserName::new(name).unwrap());
        let later = || Instant::now() + Duration::from_secs(60);
        let first = turns.take(&alice, later());
        assert!(first.as_ref().is_some_and(Turn::was_free));
        assert!(turns.take(&alice, Instant::now()).is_none());
        assert!(turns.take(&bob, Instant::now()).is_some());
        std::thread::scope(|scope| {
            let next = scope.spawn(|| turns.take(&alice, later()).is_some());
            drop(first);
            assert!(next.join().unwrap());
        });
        assert!(turns.take(&alice, Instant::now()).is_some());
    }
}
