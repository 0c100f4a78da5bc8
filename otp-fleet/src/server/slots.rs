//! Counts connections, in all and for each peer, so that none takes all places.

use crate::name::PeerName;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The largest number of connections of one address that may be in their handshake.
const SHAKING_OF_ONE: u32 = 64;

/// All connections.
#[derive(Clone)]
pub(super) struct Slots(Arc<Shared>);

struct Shared {
    most: u32,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: u32,
    /// Connections of addresses that are not known yet.
    shaking: HashMap<IpAddr, u32>,
    all_shaking: u32,
    known: HashMap<PeerName, u32>,
}

/// A connection of a peer that is not known yet.
pub(super) struct Stranger {
    slots: Slots,
    address: IpAddr,
}

/// A connection of a known peer.
pub(super) struct Known {
    slots: Slots,
    name: PeerName,
}

impl Slots {
    /// Makes room for a number of connections.
    pub(super) fn new(most: u32) -> Self {
        Self(Arc::new(Shared {
            most,
            taken: Mutex::default(),
        }))
    }

    /// Takes a place for a connection; `None`: there are too many. A quarter of all places is for peers that are not
    /// known yet.
    pub(super) fn take(&self, address: IpAddr) -> Option<Stranger> {
        let mut taken = self.taken();
        let address = network(address);
        let of_this = taken.shaking.get(&address).copied().unwrap_or_default();
        let is_full = taken.all >= self.0.most
            || taken.all_shaking >= self.0.most / 4
            || of_this >= SHAKING_OF_ONE;
        if is_full {
            return None;
        }
        taken.all += 1;
        taken.all_shaking += 1;
        taken.shaking.insert(address, of_this + 1);
        drop(taken);
        Some(Stranger {
            slots: self.clone(),
            address,
        })
    }

    /// Returns the number of connections.
    pub(super) fn count(&self) -> u32 {
        self.taken().all
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stranger {
    /// Makes the connection known; `None`: that peer already has too many. One peer may have half of all places.
    pub(super) fn become_known(self, name: &PeerName) -> Option<Known> {
        let mut taken = self.slots.taken();
        let of_this = taken.known.get(name).copied().unwrap_or_default();
        if of_this >= self.slots.0.most / 2 {
            return None;
        }
        taken.known.insert(name.clone(), of_this + 1);
        // The place of this value is given back when it is dropped.
        taken.all += 1;
        drop(taken);
        Some(Known {
            slots: self.slots.clone(),
            name: name.clone(),
        })
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let mut taken = self.slots.taken();
        taken.all -= 1;
        taken.all_shaking -= 1;
        give_back(&mut taken.shaking, &self.address);
    }
}

impl Drop for Known {
    fn drop(&mut self) {
        let mut taken = self.slots.taken();
        taken.all -= 1;
        give_back(&mut taken.known, &self.name);
    }
}

fn give_back<T: Eq + Hash>(counts: &mut HashMap<T, u32>, of: &T) {
    if let Some(count) = counts.get_mut(of) {
        *count -= 1;
        if *count == 0 {
            counts.remove(of);
        }
    }
}

/// Returns the network that counts as one address: in IPv6 it has 64 bits, since its user has any number of
/// addresses.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => {
            let bits = address.to_bits() & !u128::from(u64::MAX);
            let network = || Ipv6Addr::from_bits(bits).into();
            address.to_ipv4_mapped().map_or_else(network, IpAddr::V4)
        }
        IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn name(text: &str) -> PeerName {
        PeerName::new(text).unwrap()
    }

    #[test]
    fn strangers_take_at_most_a_quarter_of_the_slots_and_one_stranger_less() {
        let slots = Slots::new(512);
        let mut held = Vec::new();
        for _ in 0..SHAKING_OF_ONE {
            held.push(slots.take(address("192.0.2.1")).unwrap());
        }
        assert!(slots.take(address("192.0.2.1")).is_none());
        assert!(slots.take(address("::ffff:192.0.2.1")).is_none());
        held.extend((0..SHAKING_OF_ONE).map_while(|_| slots.take(address("2001:db8::1"))));
        assert_eq!((held.len(), slots.count()), (128, 128));
        assert!(slots.take(address("192.0.2.2")).is_none());
        held.clear();
        assert_eq!(slots.count(), 0);
        for at in 0..SHAKING_OF_ONE {
            held.push(slots.take(address(&format!("2001:db8::{at:x}"))).unwrap());
        }
        assert!(slots.take(address("2001:db8::ffff")).is_none());
        assert!(slots.take(address("2001:db8:0:1::1")).is_some());
    }

    #[test]
    fn a_known_machine_takes_at_most_half_of_the_slots() {
        let slots = Slots::new(256);
        let known = |machine: &str| {
            let stranger = slots.take(address("192.0.2.1"))?;
            stranger.become_known(&name(machine))
        };
        let mut held: Vec<_> = (0..200).map_while(|_| known("web1")).collect();
        assert_eq!((held.len(), slots.count()), (128, 128));
        held.extend((0..200).map_while(|_| known("web2")));
        assert_eq!((held.len(), slots.count()), (256, 256));
        held.clear();
        assert_eq!(slots.count(), 0);
        assert!(known("web1").is_some());
    }
}
