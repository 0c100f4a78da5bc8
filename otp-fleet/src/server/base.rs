//! The base of a verifier: the records of the fleet, its registry, and what verifiers know about each other.

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

/// The database of a fleet, or a folder instead.
pub trait Base: Send + Sync + 'static {
    /// The keeper of the records.
    type Keeper: Keeper;

    /// The state with which a request begins.
    type Begun;

    /// Reads the current entry of a name in the registry; `None`: there is none.
    ///
    /// # Errors
    /// It cannot be read, for this reason.
    fn entry(&self, name: &PeerName) -> Result<Option<Entry>, String>;

    /// Reads the entries of many names, in their order; an inner error says why one cannot be read.
    ///
    /// # Errors
    /// None of them can be read, for this reason.
    fn entries(&self, names: &[PeerName]) -> Result<Vec<Result<Option<Entry>, String>>, String> {
        Ok(names.iter().map(|name| self.entry(name)).collect())
    }

    /// Begins a machine's request about a user, or about no account: it reads the machine's current entry and, in the
    /// same question, the other data that the request needs. All work for the request ends within `limit`.
    ///
    /// # Errors
    /// The data cannot be read, for this reason.
    fn begin(
        &self,
        machine: &PeerName,
        user: Option<&UserName>,
        limit: Duration,
    ) -> Result<(Option<Entry>, Self::Begun), String>;

    /// Opens the records for a request that has begun.
    ///
    /// # Errors
    /// They cannot be opened.
    fn for_request(&self, begun: Self::Begun, policy: &Policy) -> Result<Self::Keeper, Error>;

    /// Opens the records for a dialogue with a person: each use of them has a time limit of its own.
    ///
    /// # Errors
    /// They cannot be opened.
    fn for_dialogue(&self, machine: &PeerName, policy: &Policy) -> Result<Self::Keeper, Error>;

    /// Notes an attempt on that machine that was accepted or was a wrong code. A database that stores this with the
    /// attempt need not do anything.
    fn hears_of(&self, machine: &PeerName, account: &Account, is_accepted: bool, now: UnixTime);

    /// Returns the last accepted attempt of an account, if no wrong code came since; `None`: there is none.
    ///
    /// # Errors
    /// It cannot be read.
    fn last_accepted(&self, account: &Account) -> Result<Option<Accepted>, Error>;

    /// Notes the policy of a machine, if it differs from the last one. No request waits for this.
    fn has_policy(&self, machine: &PeerName, policy: PolicyDigest);

    /// Notes that a machine has asked for more than one machine may. No request waits for this.
    fn holds_back(&self, _machine: &PeerName) {}

    /// Returns why no requests may be served now; `None`: they may.
    fn refuses(&self) -> Option<String>;

    /// Ends the base after the last request: it writes down what must be remembered.
    fn ends(&self) {}
}
