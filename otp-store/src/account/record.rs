//! A credential and the state beside it, read and written together.

use crate::error::At;
use crate::keeper::{Held, Lasts, Look, Part};
use crate::sealed::Pen;
use crate::text::state::{self, Newest};
use crate::text::{credential, mail, trust};
use crate::{Error, Location};
use otp_core::mailed::Mailbox;
use otp_core::record::{Identities, Outline};
use otp_core::{Account, Credential, State};
use zeroize::Zeroizing;

/// What is kept about one user, as read while it is held.
pub(crate) struct Record<C = Credential> {
    /// Who can prove what: with the keys, or an [`Outline`] of it.
    pub credential: C,
    /// What happened so far.
    pub state: State,
    newest: Newest,
    /// Whether what was read is known to be on the disk.
    is_settled: bool,
}

const DOES_NOT_FIT: &str = "the next state does not fit a record";

/// What transactions do with an account that they hold.
pub(crate) trait HeldRecord: Held {
    /// Reads the record of `account`, keys and all; `None`: there is no credential, so the account is not enrolled.
    ///
    /// # Errors
    /// Anything else than a complete, fitting pair that is the account's own.
    fn read(&mut self, account: &Account) -> Result<Option<Record>, Error> {
        let seal = self.seal().clone();
        let parse =
            |bytes: &[u8], place: &dyn Fn() -> Location| credential::parse(bytes, &seal).at(place);
        read_with(self, account, parse, |credential| {
            (credential.user(), credential.uid())
        })
    }

    /// As [`HeldRecord::read`], but no key is made of what is kept.
    ///
    /// # Errors
    /// As for [`HeldRecord::read`].
    fn outline(&mut self, account: &Account) -> Result<Option<Record<Outline>>, Error> {
        outline(self, account)
    }

    /// Makes `next` the state for everybody, as long as the power lasts.
    ///
    /// # Errors
    /// As for [`HeldRecord::commit`].
    fn note<C>(&mut self, record: &mut Record<C>, next: &State) -> Result<(), Error> {
        write_state(self, record, next, Lasts::UntilThePowerFails)
    }

    /// Makes `next` the state, for good, over what was noted. A record is good for one commit: the next must be read again.
    ///
    /// # Errors
    /// It could not be written. What was there before then still counts, or what was to be written does; never
    /// anything else.
    fn commit<C>(&mut self, mut record: Record<C>, next: &State) -> Result<(), Error> {
        write_state(self, &mut record, next, Lasts::ForGood)
    }

    /// Puts `credential` in the place of whatever was there, with a state that covers it.
    ///
    /// The state goes first and still covers the credential that it replaces, so a crash in between leaves the old
    /// record working. `account` may have had no record, or a damaged one.
    ///
    /// # Errors
    /// Something could not be written; then the old record still counts. But for [`Error::NotDurable`]: the new one
    /// counts, unless the power fails now.
    fn replace(
        &mut self,
        account: &Account,
        credential: &Credential,
        state: &State,
    ) -> Result<(), Error> {
        let combined = match self.outline(account) {
            Ok(Some(old)) => state.joined_with(&old.state.reduced_to(&old.credential)),
            // What cannot be read for a reason that may pass, or by this version, is not to be thrown away.
            Err(error) if error.may_pass() => return Err(error),
            Ok(None) | Err(_) => state.clone(),
        };
        let bytes = state::whole(&combined)
            .ok_or_else(|| Error::content(self.place(Part::State), DOES_NOT_FIT))?;
        // Before anything goes: where it cannot be sealed, nothing is replaced.
        let text = revealed(self, credential)?;
        // Trust was earned by what goes now.
        self.forget_trust()?;
        self.forget_mailed_code(account)?;
        let put = self.put(Part::State, &bytes)?;
        put.or_begin_anew(|| self.place(Part::State))?;
        put_text(self, &text)
    }

    /// Puts a credential beside the state that covers it.
    ///
    /// # Errors
    /// As for [`HeldRecord::replace`].
    fn put_credential(&mut self, credential: &Credential) -> Result<(), Error> {
        let text = revealed(self, credential)?;
        put_text(self, &text)
    }

    /// As [`HeldRecord::put_credential`], with that pen.
    ///
    /// # Errors
    /// As for [`HeldRecord::replace`].
    fn put_credential_with(&mut self, credential: &Credential, pen: &Pen) -> Result<(), Error> {
        let text = credential::reveal(credential, pen)?;
        put_text(self, &text)
    }

    /// Trusts the account nowhere any longer.
    ///
    /// # Errors
    /// What is there cannot be removed.
    fn forget_trust(&mut self) -> Result<(), Error> {
        let put = self.remove(Part::Trust)?;
        put.or_begin_anew(|| self.place(Part::Trust))
    }

    /// What is kept about the account's mail. Nothing where it is another user's, of whom this one inherits nothing.
    ///
    /// # Errors
    /// It cannot be read.
    fn mailbox(&mut self, account: &Account) -> Result<Mailbox, Error> {
        let Some(bytes) = self.get(Part::Mail)? else {
            return Ok(Mailbox::default());
        };
        let (uid, mailbox) = mail::parse(&bytes).at(|| self.place(Part::Mail))?;
        Ok(if uid == account.uid {
            mailbox
        } else {
            Mailbox::default()
        })
    }

    /// Makes that what is kept about the account's mail.
    ///
    /// # Errors
    /// It could not be written.
    fn put_mailbox(&mut self, account: &Account, mailbox: &Mailbox) -> Result<(), Error> {
        let text = mail::to_text(account.uid, mailbox);
        let put = self.put(Part::Mail, text.as_bytes())?;
        put.or_begin_anew(|| self.place(Part::Mail))
    }

    /// No code that was mailed counts any longer. How many were sent stays.
    ///
    /// # Errors
    /// One may still count.
    fn forget_mailed_code(&mut self, account: &Account) -> Result<(), Error> {
        match self.mailbox(account) {
            Ok(mailbox) if mailbox.outstanding().is_none() => Ok(()),
            Ok(mailbox) => self.put_mailbox(account, &mailbox.used_up()),
            Err(error) if error.may_pass() => Err(error),
            // No code can be right that cannot be read.
            Err(_) => Ok(()),
        }
    }

    /// Where the account is trusted, oldest first.
    ///
    /// # Errors
    /// It cannot be read.
    fn places(&mut self) -> Result<trust::Places, Error> {
        match self.get(Part::Trust)? {
            Some(bytes) => trust::parse(&bytes).at(|| self.place(Part::Trust)),
            None => Ok(Vec::new()),
        }
    }
}

impl<H: Held> HeldRecord for H {}

/// The text of a credential, sealed as the account's keys are.
fn revealed(held: &impl Look, credential: &Credential) -> Result<Zeroizing<String>, Error> {
    let pen = held.seal().pen().at(|| held.place(Part::Credential))?;
    Ok(credential::reveal(credential, &pen)?)
}

fn put_text(held: &mut impl Held, text: &str) -> Result<(), Error> {
    let put = held.put(Part::Credential, text.as_bytes())?;
    put.or_begin_anew(|| held.place(Part::Credential))
}

/// As [`HeldRecord::outline`], also where nobody holds the account: both parts may then be of two moments, and what does not
/// fit is perhaps only being changed.
pub(super) fn outline(
    kept: &mut impl Look,
    account: &Account,
) -> Result<Option<Record<Outline>>, Error> {
    let parse = |bytes: &[u8], place: &dyn Fn() -> Location| credential::outline(bytes).at(place);
    read_with(kept, account, parse, |outline| {
        (outline.user(), outline.uid())
    })
}

fn read_with<C: Identities>(
    held: &mut impl Look,
    account: &Account,
    parse: impl FnOnce(&[u8], &dyn Fn() -> Location) -> Result<C, Error>,
    owner: fn(&C) -> (&str, u32),
) -> Result<Option<Record<C>>, Error> {
    let Some(bytes) = held.get(Part::Credential)? else {
        return Ok(None);
    };
    let place = || held.place(Part::Credential);
    let credential = parse(&bytes, &place)?;
    let (user, recorded) = owner(&credential);
    if user != account.name.as_str() {
        let recorded = user.escape_debug().to_string();
        return Err(Error::AnotherUsers {
            place: place(),
            recorded,
        });
    }
    if recorded != account.uid {
        return Err(Error::NotTheirs {
            place: place(),
            user: account.name.as_str().to_owned(),
            recorded,
            actual: account.uid,
        });
    }
    let Some(bytes) = held.get(Part::State)? else {
        return Err(Error::Missing {
            place: held.place(Part::State),
            what: "the state is missing beside a credential",
        });
    };
    let place = || held.place(Part::State);
    let newest = Newest::of(&bytes).at(place)?;
    if !newest.state.covers(&credential) {
        return Err(Error::content(
            place(),
            "does not belong to the credential beside it",
        ));
    }
    Ok(Some(Record {
        credential,
        state: newest.state.clone(),
        is_settled: false,
        newest,
    }))
}

/// Writes over the record that does not count.
///
/// The one that counts has to be on the disk before what is written can be torn: a process that was killed may have left it
/// where a power cut takes it away, and with both gone nobody could tell any more which codes were used.
fn write_state<C>(
    held: &mut impl Held,
    record: &mut Record<C>,
    next: &State,
    lasts: Lasts,
) -> Result<(), Error> {
    let written = record
        .newest
        .successor(next)
        .ok_or_else(|| Error::content(held.place(Part::State), DOES_NOT_FIT))?;
    if written.may_tear && !record.is_settled {
        held.settle(Part::State)?;
        record.is_settled = true;
    }
    let put = held.overwrite(Part::State, written.offset, &written.bytes, lasts)?;
    put.or_begin_anew(|| held.place(Part::State))
}
