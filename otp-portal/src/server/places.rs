//! Limits: how many of something there may be at a time, in all and for one address or user.
//!
//! An IPv6 address counts by its first 64 bits, because its owner can use all addresses with these bits.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// Returns the address under which all neighbours of an address are counted.
#[must_use]
pub fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
    }
}

/// Places that are taken and returned.
pub struct Places<K> {
    taken: Arc<Mutex<Taken<K>>>,
    in_all: usize,
    of_the_counted: usize,
    from_one: usize,
}

struct Taken<K> {
    all: usize,
    of: HashMap<K, usize>,
}

/// A place. It is returned on drop.
pub struct Place<K: Copy + Eq + Hash> {
    taken: Arc<Mutex<Taken<K>>>,
    of: Option<K>,
}

impl<K: Copy + Eq + Hash> Places<K> {
    /// Allows this many in all, and for one address or user.
    #[must_use]
    pub fn new(in_all: usize, from_one: usize) -> Self {
        Self::with_reserve(in_all, from_one, 0)
    }

    /// Allows the same, and reserves the last places for takers that are not counted by address or user.
    #[must_use]
    pub fn with_reserve(in_all: usize, from_one: usize, reserve: usize) -> Self {
        Self {
            taken: Arc::new(Mutex::new(Taken {
                all: 0,
                of: HashMap::new(),
            })),
            in_all,
            of_the_counted: in_all.saturating_sub(reserve),
            from_one,
        }
    }

    /// Takes a place for an address or user. `of`: if `None`, only the places in all count. Returns `None` if no place
    /// is left.
    #[must_use]
    pub fn take(&self, of: Option<K>) -> Option<Place<K>> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.all >= self.in_all {
            return None;
        }
        if let Some(of) = of {
            if taken.all >= self.of_the_counted {
                return None;
            }
            let count = taken.of.entry(of).or_default();
            if *count >= self.from_one {
                return None;
            }
            *count += 1;
        }
        taken.all += 1;
        drop(taken);
        Some(Place {
            taken: Arc::clone(&self.taken),
            of,
        })
    }

    /// Returns how many places are taken.
    #[must_use]
    pub fn taken(&self) -> usize {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all
    }
}

impl<K: Copy + Eq + Hash> Drop for Place<K> {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all -= 1;
        if let Some(of) = self.of
            && let Some(count) = taken.of.get_mut(&of)
        {
            *count -= 1;
            if *count == 0 {
                taken.of.remove(&of);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(places: &Places<IpAddr>, address: &str) -> Option<Place<IpAddr>> {
        places.take(Some(neighbourhood(address.parse().unwrap())))
    }

    #[test]
    fn places_are_limited_by_address_and_in_all_and_can_be_returned() {
        let places = Places::new(4, 2);
        let one = take(&places, "192.0.2.1").unwrap();
        let _two = take(&places, "::ffff:192.0.2.1").unwrap();
        assert!(take(&places, "192.0.2.1").is_none());
        let _three = take(&places, "192.0.2.2").unwrap();
        let _proxy = places.take(None).unwrap();
        assert!(take(&places, "192.0.2.3").is_none());
        assert!(places.take(None).is_none());
        drop(one);
        assert_eq!(places.taken(), 3);
        assert!(take(&places, "192.0.2.1").is_some());
    }

    #[test]
    fn the_last_places_are_reserved_for_uncounted_takers() {
        let places = Places::with_reserve(4, 4, 2);
        let _one = take(&places, "192.0.2.1").unwrap();
        let _two = take(&places, "192.0.2.2").unwrap();
        assert!(take(&places, "192.0.2.3").is_none());
        let _proxy = places.take(None).unwrap();
        let _another = places.take(None).unwrap();
        assert!(places.take(None).is_none());
    }

    #[test]
    fn ipv6_counts_by_its_first_64_bits() {
        let places = Places::new(9, 1);
        let _one = take(&places, "2001:db8::1").unwrap();
        assert!(take(&places, "2001:db8::ffff:1:2:3").is_none());
        assert!(take(&places, "2001:db8:0:1::1").is_some());
    }

    #[test]
    fn returned_places_leave_no_entry() {
        let places = Places::new(1000, 1);
        for one in 0..1000_u32 {
            drop(places.take(Some(IpAddr::from(one.to_be_bytes()))));
        }
        assert!(places.taken.lock().unwrap().of.is_empty());
    }
}
