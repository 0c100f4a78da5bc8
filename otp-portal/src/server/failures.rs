//! Failed logins, counted by address: after too many, the address must wait. The lock of an account is separate.

use super::places::neighbourhood;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The most addresses that are remembered.
const MOST: usize = 65_536;

/// Failures by address. They are forgotten evenly over the time in which they count.
pub struct Failures {
    counted: Mutex<HashMap<IpAddr, Counted>>,
    most: f64,
    within: Duration,
}

#[derive(Clone, Copy)]
struct Counted {
    failures: f64,
    at: Instant,
}

impl Failures {
    /// Allows this many failures within that time.
    #[must_use]
    pub fn new(most: u32, within: Duration) -> Self {
        Self {
            counted: Mutex::default(),
            most: most.into(),
            within,
        }
    }

    /// Counts a login that begins as a failure; [`take_back`](Self::take_back) undoes this.
    ///
    /// # Errors
    /// How long the address has to wait.
    pub fn count(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.len() >= MOST {
            counted.retain(|_, one| self.left(*one, now) > 0.0);
        }
        if counted.len() >= MOST {
            // Forget half of them. An attacker cannot choose which, and the lock of the account still holds.
            let mut nth = 0_usize;
            counted.retain(|_, _| {
                nth += 1;
                nth.is_multiple_of(2)
            });
        }
        let one = counted.entry(neighbourhood(address)).or_insert(Counted {
            failures: 0.0,
            at: now,
        });
        let failures = self.left(*one, now);
        if failures + 1.0 > self.most {
            let too_many = failures + 1.0 - self.most;
            return Err(self.within.mul_f64(too_many / self.most));
        }
        *one = Counted {
            failures: failures + 1.0,
            at: now,
        };
        Ok(())
    }

    /// Undoes the count of a login that did not fail.
    pub fn take_back(&self, address: IpAddr, now: Instant) {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(one) = counted.get_mut(&neighbourhood(address)) {
            *one = Counted {
                failures: (self.left(*one, now) - 1.0).max(0.0),
                at: now,
            };
        }
    }

    /// Returns how many failures are not forgotten yet.
    fn left(&self, one: Counted, now: Instant) -> f64 {
        let since = now.saturating_duration_since(one.at);
        let forgotten = self.most * since.as_secs_f64() / self.within.as_secs_f64();
        (one.failures - forgotten).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_waits_after_too_many_failures_and_others_do_not() {
        let failures = Failures::new(5, Duration::from_secs(50));
        let [one, other]: [IpAddr; 2] = ["192.0.2.1", "192.0.2.2"].map(|it| it.parse().unwrap());
        let now = Instant::now();
        for _ in 0..5 {
            assert_eq!(failures.count(one, now), Ok(()));
        }
        assert_eq!(failures.count(one, now), Err(Duration::from_secs(10)));
        assert_eq!(failures.count(other, now), Ok(()));
        let later = now + Duration::from_secs(10);
        assert_eq!(failures.count(one, later), Ok(()));
        assert!(failures.count(one, later).is_err());
        assert_eq!(failures.count(one, now + Duration::from_secs(61)), Ok(()));
    }

    #[test]
    fn a_success_is_no_failure() {
        let failures = Failures::new(2, Duration::from_secs(60));
        let one = "2001:db8::1".parse().unwrap();
        let now = Instant::now();
        for _ in 0..100 {
            assert_eq!(failures.count(one, now), Ok(()));
            failures.take_back(one, now);
        }
        failures.count(one, now).unwrap();
        failures.count(one, now).unwrap();
        // Neighbours share one count.
        assert!(failures.count("2001:db8::2".parse().unwrap(), now).is_err());
    }

    #[test]
    fn the_number_of_remembered_addresses_is_limited() {
        let failures = Failures::new(1, Duration::from_secs(60));
        let now = Instant::now();
        for one in 0..100_000_u32 {
            assert_eq!(failures.count(IpAddr::from(one.to_be_bytes()), now), Ok(()));
        }
        assert!(failures.counted.lock().unwrap().len() <= MOST);
    }
}
