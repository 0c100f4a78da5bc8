//! Remembers questions whose last answer was slow. Such questions wait for each other, and no others wait for them.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// After this time a slow one counts as not slow again.
const FORGOTTEN: Duration = Duration::from_secs(600);

/// The most that are remembered.
const MOST: usize = 32_768;

/// The slow ones, and since when.
pub struct Slow<K>(Mutex<HashMap<K, Instant>>);

impl<K> Default for Slow<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash> Slow<K> {
    /// Whether the last answer about this one was slow.
    pub fn is(&self, one: &K, now: Instant) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .get(one)
            .is_some_and(|since| now.saturating_duration_since(*since) < FORGOTTEN)
    }

    /// Records whether the answer was slow.
    pub fn was(&self, one: K, slow: bool, now: Instant) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !slow {
            known.remove(&one);
            return;
        }
        if known.len() >= MOST {
            known.retain(|_, since| now.saturating_duration_since(*since) < FORGOTTEN);
        }
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(one, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_slow_until_it_is_quick_again_or_forgotten() {
        let slow = Slow::default();
        let now = Instant::now();
        assert!(!slow.is(&1, now));
        slow.was(1, true, now);
        slow.was(2, true, now);
        assert!(slow.is(&1, now) && slow.is(&2, now) && !slow.is(&3, now));
        slow.was(1, false, now);
        assert!(!slow.is(&1, now));
        assert!(!slow.is(&2, now + FORGOTTEN));
    }

    #[test]
    fn the_number_of_slow_ones_is_limited() {
        let slow = Slow::default();
        let now = Instant::now();
        for one in 0..2 * MOST {
            slow.was(one, true, now);
        }
        assert!(slow.0.lock().unwrap().len() <= MOST);
        assert!(slow.is(&(2 * MOST - 1), now));
    }
}
