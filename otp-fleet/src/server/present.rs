//! The connected peers, so that their connections can be closed as soon as the registry no longer has them, even
//! while they ask nothing.

use crate::name::PeerName;
use std::collections::HashMap;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// All connections of known peers.
#[derive(Default)]
pub(super) struct Present {
    all: Mutex<HashMap<PeerName, HashMap<u64, Arc<TcpStream>>>>,
    next: AtomicU64,
}

/// A connection that is listed until this is dropped.
pub(super) struct There<'a> {
    present: &'a Present,
    name: PeerName,
    id: u64,
}

impl Present {
    /// Adds a connection.
    pub(super) fn enter(&self, name: &PeerName, tcp: &Arc<TcpStream>) -> There<'_> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let mut all = self.all();
        all.entry(name.clone())
            .or_default()
            .insert(id, Arc::clone(tcp));
        There {
            present: self,
            name: name.clone(),
            id,
        }
    }

    /// Returns the names of the connected peers.
    pub(super) fn names(&self) -> Vec<PeerName> {
        self.all().keys().cloned().collect()
    }

    /// Closes all connections of that name. Work that they have begun is finished, but its result is not sent.
    pub(super) fn close(&self, name: &PeerName) {
        for tcp in self.all().get(name).into_iter().flat_map(HashMap::values) {
            // A connection that is already gone may be closed too.
            tcp.shutdown(Shutdown::Both).ok();
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<PeerName, HashMap<u64, Arc<TcpStream>>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for There<'_> {
    fn drop(&mut self) {
        let mut all = self.present.all();
        if let Some(of_this) = all.get_mut(&self.name) {
            of_this.remove(&self.id);
            if of_this.is_empty() {
                all.remove(&self.name);
            }
        }
    }
}
