//! The place of the records for a command of `otp-admin`; the program that runs the command chooses it.

use crate::failure::Failure;
use crate::site::Site;
use otp_core::Policy;
use otp_store::{Error, Keeper, Store};

/// Opens the records for the commands of an administrator.
pub trait Engine: Sized + Sync {
    /// The keeper of the records.
    type Keeper: Keeper + Sync;

    /// Whether one machine's own key seals the records, and not one that several machines share.
    const HAS_ITS_OWN_KEY: bool;

    /// Opens the records, which must be there.
    fn keeper(site: &Site<Self>) -> Result<Self::Keeper, Failure>;

    /// Opens the records; `None`: there are none yet, and the first enrolment creates them.
    fn keeper_if_there(site: &Site<Self>) -> Result<Option<Self::Keeper>, Failure> {
        Self::keeper(site).map(Some)
    }

    /// Opens the records for a command that may create them.
    fn keeper_for_enrolling(site: &Site<Self>) -> Result<Self::Keeper, Failure> {
        Self::keeper(site)
    }
}

/// The folder of this machine, which root owns.
pub struct Folder;

impl Engine for Folder {
    type Keeper = Store;
    const HAS_ITS_OWN_KEY: bool = true;

    fn keeper(site: &Site<Self>) -> Result<Store, Failure> {
        site.store()
    }

    fn keeper_if_there(site: &Site<Self>) -> Result<Option<Store>, Failure> {
        site.store_if_there()
    }

    fn keeper_for_enrolling(site: &Site<Self>) -> Result<Store, Failure> {
        site.store_for_enrolling()
    }
}

/// Opens records outside the folder of this machine, for the program that knows how.
pub trait Opens: Sync {
    /// The keeper of the records.
    type Keeper: Keeper + Sync;

    /// Opens the records, which must exist. The policy says how they are sealed.
    ///
    /// # Errors
    /// They cannot be trusted or reached.
    fn open(&self, policy: &Policy) -> Result<Self::Keeper, Error>;
}

/// Records that another program opens.
pub struct Elsewhere<O>(pub O);

impl<O: Opens> Engine for Elsewhere<O> {
    type Keeper = O::Keeper;
    const HAS_ITS_OWN_KEY: bool = false;

    fn keeper(site: &Site<Self>) -> Result<O::Keeper, Failure> {
        Ok(site.engine.0.open(&site.policy)?)
    }
}
