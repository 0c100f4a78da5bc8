//! What a verifier stands on: the records of the fleet, its registry, and what verifiers know of each other.

mod etcd;
mod folder;

pub use etcd::Etcd;
pub use folder::Folder;

use crate::keeper::Accepted;
use crate::name::PeerName;
use crate::registry::Entry;
use otp_core::{Account, Policy, UnixTime, UserName};
use otp_helper::fleet::PolicyDigest;
use otp_store::{Error, Keeper};
use std::time::Duration;

/// The database of a fleet, or a folder in its place.
pub trait Base: Send + Sync + 'static {
    /// What keeps the records.
    type Keeper: Keeper;

    /// What a request has begun with.
    type Begun;

    /// What the registry has of a name, by now; `None`: it is not there.
    ///
    /// # Errors
    /// It cannot be found out, for this reason.
    fn entry(&self, name: &PeerName) -> Result<Option<Entry>, String>;

    /// The same of many names, in their order: of one that cannot be read, why.
    ///
    /// # Errors
    /// Of none it can be found out, for this reason.
    fn entries(&self, names: &[PeerName]) -> Result<Vec<Result<Option<Entry>, String>>, String> {
        Ok(names.iter().map(|name| self.entry(name)).collect())
    }

    /// Begins a request of that machine about a user, or about nobody: what the registry has of the machine by now, and in the
    /// same question whatever else the request needs. Whatever is done for it has ended after `limit`.
    ///
    /// # Errors
    /// It cannot be found out, for this reason.
    fn begin(
        &self,
        machine: &PeerName,
        user: Option<&UserName>,
        limit: Duration,
    ) -> Result<(Option<Entry>, Self::Begun), String>;

    /// The records, for a request that was begun.
    ///
    /// # Errors
    /// They cannot be opened.
    fn for_request(&self, begun: Self::Begun, policy: &Policy) -> Result<Self::Keeper, Error>;

    /// The records, for a dialogue in which a person is asked: each time that something is done with them ends by itself.
    ///
    /// # Errors
    /// They cannot be opened.
    fn for_dialogue(&self, machine: &PeerName, policy: &Policy) -> Result<Self::Keeper, Error>;

    /// Hears of an attempt that was made on that machine, and was accepted or was a wrong code. A database that writes it down
    /// along with the attempt need not.
    fn hears_of(&self, machine: &PeerName, account: &Account, is_accepted: bool, now: UnixTime);

    /// The last attempt of an account that was accepted, where no wrong code came since; `None`: there is none.
    ///
    /// # Errors
    /// It cannot be read.
    fn last_accepted(&self, account: &Account) -> Result<Option<Accepted>, Error>;

    /// Takes down which policy a machine has, where that is another than before. Nobody waits for it.
    fn has_policy(&self, machine: &PeerName, policy: PolicyDigest);

    /// Takes down that a machine has asked for more than is given to one. Nobody waits for it.
    fn holds_back(&self, _machine: &PeerName) {}

    /// Why nobody may be served now; `None`: there is no reason.
    fn refuses(&self) -> Option<String>;

    /// All requests are done, and none follows: what must be remembered is written down.
    fn ends(&self) {}
}
