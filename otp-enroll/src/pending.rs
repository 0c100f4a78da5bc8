//! A change on its way, at the terminal. Nothing lasts before [`Pending::keep`].

use crate::failure::Failure;
use crate::log;
use crate::lost::broken;
use crate::site::Site;
use crate::terminal::{Echo, Left, Terminal};
use otp_core::record::Name;
use otp_core::recovery::RecoveryCode;
use otp_core::{Account, Authenticator};
use otp_helper::protocol::Verb;
use otp_helper::records::{Attendant, Changing, Records};
use otp_site::clock;
use otp_store::change::{Change, Kept, Proof};
use std::os::fd::{BorrowedFd, OwnedFd};
use zeroize::Zeroizing;

/// A change that was begun.
pub struct Pending<'a> {
    site: &'a Site,
    account: &'a Account,
    records: Records,
    changing: Changing,
    /// What is changed, where there is a record already.
    verb: Verb,
}

impl<'a> Pending<'a> {
    /// Begins it.
    pub fn begin(
        site: &'a Site,
        account: &'a Account,
        change: Change,
        terminal: &Terminal,
    ) -> Result<Self, Failure> {
        let verb = Verb::of(&change);
        let (records, now) = (site.records_for_enrolling()?, clock::now()?);
        let changing = records
            .begin_change(account, change, &site.policy, now, terminal)
            .map_err(|why| broken(why, account))?;
        Ok(Self {
            site,
            account,
            records,
            changing,
            verb,
        })
    }

    /// The authenticators that will have stopped working.
    pub fn goes(&self) -> &[Name] {
        self.changing.goes()
    }

    /// Whether recovery codes of another program will have stopped working.
    pub fn imported_codes_go(&self) -> bool {
        self.changing.imported_codes_go()
    }

    /// Whether the person has to prove who they are.
    pub fn authenticates(&self) -> bool {
        self.changing.authenticates()
    }

    /// Has them prove it. What is asked is the administrator's choice.
    pub fn authenticate(&mut self, terminal: &Terminal) -> Result<(), Failure> {
        let done = self.changing.authenticate(terminal);
        done.map_err(|why| broken(why, self.account))
    }

    /// The new device, where there is one.
    pub fn device(&self) -> Option<&Authenticator> {
        self.changing.device()
    }

    /// What a typed code of the new device says, and how many more may be typed.
    pub fn prove(
        &mut self,
        typed: Zeroizing<Vec<u8>>,
        terminal: &Terminal,
    ) -> Result<(Proof, u32), Failure> {
        let (policy, now) = (&self.site.policy, clock::now()?);
        let said = self.changing.prove(typed, policy, now, terminal);
        said.map_err(|why| broken(why, self.account))
    }

    /// The new recovery codes, to be shown once.
    pub fn codes(&self) -> &[RecoveryCode] {
        self.changing.codes()
    }

    /// Makes the change last. From here on there is no leaving before it is known what became of it.
    pub fn keep(self) -> Result<Kept, Failure> {
        let (policy, now) = (&self.site.policy, clock::now()?);
        let is_here = self.records.are_here();
        let device = self.changing.device();
        let name = device.map(|device| &device.name);
        let name = name.or(self.changing.goes().first()).cloned();
        let verb = if self.changing.changes_a_record() {
            self.verb
        } else {
            Verb::Enrol
        };
        let _undisturbed = self.site.undisturbed()?;
        let kept = self.changing.keep(&self.records, policy, now);
        let kept = kept.map_err(|why| broken(why, self.account))?;
        // Else the helper has made the change, and written the record.
        if is_here {
            log::enrolled(verb.word(), self.account, name.as_ref());
        }
        Ok(kept)
    }
}

impl Attendant for Terminal {
    type Left = Left;

    fn attend(&self, other_side: OwnedFd) {
        self.ask_on_behalf_of(other_side);
    }

    fn wait_for(&self, said: BorrowedFd<'_>) -> Result<(), Left> {
        self.wait_for(said)
    }

    fn still_here(&self) -> Result<(), Left> {
        self.still_here()
    }

    fn ask(&self, question: &str, echo: bool) -> Result<Zeroizing<Vec<u8>>, Left> {
        self.ask(question, if echo { Echo::On } else { Echo::Off })
    }

    fn tell(&self, text: &str) -> Result<(), Left> {
        self.show(&format!("{text}\n"))
    }
}
