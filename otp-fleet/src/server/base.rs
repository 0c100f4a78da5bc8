//! What a verifier stands on: the records of the fleet, its registry, and what verifiers know of each other.

mod etcd;
mod folder;

pub use etcd::Etcd;
pub use folder::Folder;

use crate::keeper::Accepted;
use crate::name::PeerName;
use crate::registry::Entry;
use otp_core::{Account, Policy, UnixTime};
use otp_helper::fleet::PolicyDigest;
use otp_store::{Error, Keeper};
use std::time::Duration;

/// The database of a fleet, or a folder in its place.
pub trait Base: Send + Sync + 'static {
    /// What keeps the records.
    type Keeper: Keeper;

    /// What the registry has of a name, by now; `None`: it is not there.
    ///
    /// # Errors
    /// It cannot be found out, for this reason.
    fn entry(&self, name: &PeerName) -> Result<Option<Entry>, String>;

    /// The records, for a request of that machine. Whatever is done with them has ended after `limit`.
    ///
    /// # Errors
    /// They cannot be opened.
    fn for_request(
        &self,
        machine: &PeerName,
        policy: &Policy,
        limit: Duration,
    ) -> Result<Self::Keeper, Error>;

    /// The records, for a dialogue in which a person is asked: each time that something is done with them ends by itself.
    ///
    /// # Errors
    /// They cannot be opened.
    fn for_dialogue(&self, machine: &PeerName, policy: &Policy) -> Result<Self::Keeper, Error>;

    /// Hears of an attempt that was made on that machine. A database that writes it down along with the attempt need not.
    fn hears_of(&self, machine: &PeerName, account: &Account, is_accepted: bool, now: UnixTime);

    /// The last attempt of an account that was accepted, where none was refused since; `None`: there is none.
    ///
    /// # Errors
    /// It cannot be read.
    fn last_accepted(&self, account: &Account) -> Result<Option<Accepted>, Error>;

    /// Takes down which policy a machine has, where that is another than before. Nobody waits for it.
    fn has_policy(&self, machine: &PeerName, policy: PolicyDigest);

    /// Why nobody may be served now; `None`: there is no reason.
    fn refuses(&self) -> Option<String>;

    /// All requests are done, and none follows: what must be remembered is written down.
    fn ends(&self) {}
}
