//! A change in progress at the terminal. Nothing is stored before [`Pending::keep`].

use crate::failure::Failure;
use crate::log;
use crate::lost::broken;
use crate::site::{Site, host};
use crate::terminal::{Echo, Left, Terminal};
use otp_core::layout::wrap;
use otp_core::mail::Address;
use otp_core::messages::trouble::Trouble;
use otp_core::record::Name;
use otp_core::recovery::RecoveryCode;
use otp_core::{Account, Authenticator, UnixTime};
use otp_helper::client::DEFAULT_HELPER;
use otp_helper::confirming::Asker;
use otp_helper::mail::{self, NotTaken, Outgoing, Purpose};
use otp_helper::protocol::Verb;
use otp_helper::records::{Attendant, Broken, Changing, Records};
use otp_site::clock;
use otp_store::change::{Change, Kept, Proof};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;
use zeroize::Zeroizing;

/// A change that has begun.
pub struct Pending<'a> {
    site: &'a Site,
    account: &'a Account,
    records: Records,
    changing: Changing,
    /// The kind of change, if there is already a record.
    verb: Verb,
    is_new: bool,
    confirmed: Option<Address>,
}

impl<'a> Pending<'a> {
    /// Begins the change.
    pub fn begin(
        site: &'a Site,
        account: &'a Account,
        change: Change,
        terminal: &Terminal,
    ) -> Result<Self, Failure> {
        let verb = Verb::of(&change);
        let (records, now) = (site.records_for_enrolling(account)?, clock::now()?);
        let is_new = matches!(change, Change::Enrol(_) | Change::Add(_));
        let changing = records
            .begin_change(account, change, &site.policy, now, terminal)
            .map_err(|why| broken(why, account))?;
        Ok(Self {
            site,
            account,
            records,
            changing,
            verb,
            is_new,
            confirmed: None,
        })
    }

    /// Returns the authenticators that the change removes.
    pub fn goes(&self) -> &[Name] {
        self.changing.goes()
    }

    /// Whether recovery codes of another program stop working.
    pub fn imported_codes_go(&self) -> bool {
        self.changing.imported_codes_go()
    }

    /// Whether the person must prove who they are.
    pub fn authenticates(&self) -> bool {
        self.changing.authenticates()
    }

    /// Lets the person prove who they are; the administrator decides what is asked. A helper also asks to confirm the
    /// address.
    pub fn authenticate(&mut self, terminal: &Terminal) -> Result<(), Failure> {
        let done = self.changing.authenticate(terminal);
        done.map_err(|why| broken(why, self.account))?;
        if self.is_new && self.site.policy.enroll.verify_email {
            self.confirm_address(terminal)?;
        }
        Ok(())
    }

    /// Asks the user to confirm the address, if this process makes the change.
    fn confirm_address(&mut self, terminal: &Terminal) -> Result<(), Failure> {
        let outgoing = Outgoing {
            purpose: Purpose::Address,
            conf: self.site.conf.clone(),
            language: self.site.language,
            user: self.account.name.as_str().to_owned(),
            code: Zeroizing::default(),
            only_to: None,
            service: "otp-enroll".to_owned(),
            rhost: String::new(),
            machine: host(),
            idle: false,
        };
        let mut person = Person(terminal);
        let asked = self
            .records
            .confirm_address(self.account, outgoing, &mut person);
        match asked? {
            Some(Ok(address)) => self.confirmed = Some(address),
            Some(Err(reason)) => {
                let reason = reason.into();
                return Err(Trouble::NotConfirmed { reason }.into());
            }
            None => {}
        }
        Ok(())
    }

    /// Returns the new device, if there is one.
    pub fn device(&self) -> Option<&Authenticator> {
        self.changing.device()
    }

    /// Checks a typed code of the new device; also returns how many more codes may be typed.
    pub fn prove(
        &mut self,
        typed: Zeroizing<Vec<u8>>,
        terminal: &Terminal,
    ) -> Result<(Proof, u32), Failure> {
        let (policy, now) = (&self.site.policy, clock::now()?);
        let said = self.changing.prove(typed, policy, now, terminal);
        said.map_err(|why| broken(why, self.account))
    }

    /// Returns the new recovery codes, to be shown once.
    pub fn codes(&self) -> &[RecoveryCode] {
        self.changing.codes()
    }

    /// Stores the change. From here on the person cannot leave before the result is known.
    pub fn keep(self) -> Result<Kept, Failure> {
        let (policy, now) = (&self.site.policy, clock::now()?);
        if let Some(address) = &self.confirmed {
            let kept = self.records.keep_confirmed(self.account, address, now);
            kept.map_err(|lost| broken(Broken::Lost(lost), self.account))?;
        }
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
        // Otherwise the helper has made the change, and has logged it.
        if is_here {
            log::enrolled(verb.word(), self.account, name.as_ref());
        }
        Ok(kept)
    }
}

/// The person at the terminal, who is asked for a code from a mail.
struct Person<'a>(&'a Terminal);

impl Asker for Person<'_> {
    type Stop = Failure;

    fn tell(&mut self, text: &str) -> Result<(), Failure> {
        let (columns, _) = self.0.size();
        Ok(self.0.show(&format!("{}\n", wrap(text, columns)))?)
    }

    fn ask(&mut self, question: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
        Ok(self.0.ask(question, Echo::On)?)
    }

    fn now(&mut self) -> Result<UnixTime, Failure> {
        Ok(clock::now()?)
    }

    fn hand_over(&mut self, outgoing: &Outgoing) -> Result<Address, NotTaken> {
        mail::hand_over_and_hear(
            &Path::new(DEFAULT_HELPER).with_file_name(mail::PROGRAM),
            outgoing,
        )
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
