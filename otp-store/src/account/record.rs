//! A credential and its state, read and written together.

use crate::error::At;
use crate::keeper::{Held, Lasts, Look, Part};
use crate::sealed::Pen;
use crate::text::state::{self, Newest};
use crate::text::{credential, mail, trust};
use crate::{Error, Location};
use otp_core::mailed::Mailbox;
use otp_core::messages::reason::Unfit;
use otp_core::record::{Identities, Outline};
use otp_core::{Account, Credential, State};
use zeroize::Zeroizing;

/// The record of one user, as it was read while held.
pub(crate) struct Record<C = Credential> {
    /// The user's credential: with the keys, or as an [`Outline`].
    pub credential: C,
    /// The state.
    pub state: State,
    newest: Newest,
    /// Whether the data that was read is known to be on the disk.
    is_settled: bool,
}

const DOES_NOT_FIT: Unfit = Unfit::NextDoesNotFit;

/// What transactions do with an account that they hold.
pub(crate) trait HeldRecord: Held {
    /// Reads the record of `account` with its keys; `None`: there is no credential, so the account is not enrolled.
    ///
    /// # Errors
    /// Anything but a complete, fitting pair that belongs to the account.
    fn read(&mut self, account: &Account) -> Result<Option<Record>, Error> {
        let seal = self.seal().clone();
        let parse =
            |bytes: &[u8], place: &dyn Fn() -> Location| credential::parse(bytes, &seal).at(place);
        read_with(self, account, parse, |credential| {
            (credential.user(), credential.uid())
        })
    }

    /// Reads the record as [`HeldRecord::read`] does, but without the keys.
    ///
    /// # Errors
    /// As for [`HeldRecord::read`].
    fn outline(&mut self, account: &Account) -> Result<Option<Record<Outline>>, Error> {
        outline(self, account)
    }

    /// Makes `next` the state for every process, as long as the power lasts.
    ///
    /// # Errors
    /// As for [`HeldRecord::commit`].
    fn note<C>(&mut self, record: &mut Record<C>, next: &State) -> Result<(), Error> {
        write_state(self, record, next, Lasts::UntilThePowerFails)
    }

    /// Makes `next` the state for good, over what was noted. A record can be committed once: it must be read again
    /// before the next commit.
    ///
    /// # Errors
    /// It could not be written. The state from before or the new state counts; never anything else.
    fn commit<C>(&mut self, mut record: Record<C>, next: &State) -> Result<(), Error> {
        write_state(self, &mut record, next, Lasts::ForGood)
    }

    /// Replaces whatever was there by `credential`, with a state that covers it.
    ///
    /// The state is written first and still covers the old credential, so a crash in between leaves the old record
    /// working. `account` may have had no record, or a damaged one.
    ///
    /// # Errors
    /// Something could not be written; then the old record still counts. Only with [`Error::NotDurable`] does the new
    /// one count, unless the power fails now.
    fn replace(
        &mut self,
        account: &Account,
        credential: &Credential,
        state: &State,
    ) -> Result<(), Error> {
        let combined = match self.outline(account) {
            Ok(Some(old)) => state.joined_with(&old.state.reduced_to(&old.credential)),
            // A record that cannot be read for a reason that may pass, or by this version, must not be thrown away.
            Err(error) if error.may_pass() => return Err(error),
            Ok(None) | Err(_) => state.clone(),
        };
        let bytes = state::whole(&combined)
            .ok_or_else(|| Error::content(self.place(Part::State), DOES_NOT_FIT))?;
        // Before anything is removed: if the credential cannot be sealed, nothing is replaced.
        let text = revealed(self, credential)?;
        // The trust was earned with the credential that is now replaced.
        self.forget_trust()?;
        self.forget_mailed_code(account)?;
        let put = self.put(Part::State, &bytes)?;
        put.or_begin_anew(|| self.place(Part::State))?;
        put_text(self, &text)
    }

    /// Writes a credential beside the state that covers it.
    ///
    /// # Errors
    /// As for [`HeldRecord::replace`].
    fn put_credential(&mut self, credential: &Credential) -> Result<(), Error> {
        let text = revealed(self, credential)?;
        put_text(self, &text)
    }

    /// Writes a credential as [`HeldRecord::put_credential`] does, with that pen.
    ///
    /// # Errors
    /// As for [`HeldRecord::replace`].
    fn put_credential_with(&mut self, credential: &Credential, pen: &Pen) -> Result<(), Error> {
        let text = credential::reveal(credential, pen)?;
        put_text(self, &text)
    }

    /// Removes all trust of the account.
    ///
    /// # Errors
    /// It cannot be removed.
    fn forget_trust(&mut self) -> Result<(), Error> {
        let put = self.remove(Part::Trust)?;
        put.or_begin_anew(|| self.place(Part::Trust))
    }

    /// Returns what is stored about the account's mail; nothing if it belongs to another user id, since a new owner
    /// inherits nothing.
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

    /// Stores what is known about the account's mail.
    ///
    /// # Errors
    /// It could not be written.
    fn put_mailbox(&mut self, account: &Account, mailbox: &Mailbox) -> Result<(), Error> {
        let text = mail::to_text(account.uid, mailbox);
        let put = self.put(Part::Mail, text.as_bytes())?;
        put.or_begin_anew(|| self.place(Part::Mail))
    }

    /// Voids every mailed code. The count of sent codes stays.
    ///
    /// # Errors
    /// A mailed code may still count.
    fn forget_mailed_code(&mut self, account: &Account) -> Result<(), Error> {
        match self.mailbox(account) {
            Ok(mailbox) if mailbox.outstanding().is_none() => Ok(()),
            Ok(mailbox) => self.put_mailbox(account, &mailbox.used_up()),
            Err(error) if error.may_pass() => Err(error),
            // A code that cannot be read can never be right.
            Err(_) => Ok(()),
        }
    }

    /// Returns the places where the account is trusted, oldest first.
    ///
    /// # Errors
    /// They cannot be read.
    fn places(&mut self) -> Result<trust::Places, Error> {
        match self.get(Part::Trust)? {
            Some(bytes) => trust::parse(&bytes).at(|| self.place(Part::Trust)),
            None => Ok(Vec::new()),
        }
    }
}

impl<H: Held> HeldRecord for H {}

/// Returns the text of a credential, sealed as the account's keys are.
fn revealed(held: &impl Look, credential: &Credential) -> Result<Zeroizing<String>, Error> {
    let pen = held.seal().pen().at(|| held.place(Part::Credential))?;
    Ok(credential::reveal(credential, &pen)?)
}

fn put_text(held: &mut impl Held, text: &str) -> Result<(), Error> {
    let put = held.put(Part::Credential, text.as_bytes())?;
    put.or_begin_anew(|| held.place(Part::Credential))
}

/// Reads an outline as [`HeldRecord::outline`] does, but also without holding the account. Then both parts may be from
/// two moments, and parts that do not fit are perhaps only being changed.
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
            what: Unfit::StateMissing,
        });
    };
    let place = || held.place(Part::State);
    let newest = Newest::of(&bytes).at(place)?;
    if !newest.state.covers(&credential) {
        return Err(Error::content(place(), Unfit::OfAnotherCredential));
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
/// The record that counts must be on the disk before this write can be torn. A killed process may have left it where a
/// power cut removes it. With both lost, nobody could tell which codes were used.
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
