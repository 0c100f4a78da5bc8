//! Codes that are sent by mail: how many, and to whom.
//!
//! A code is counted as sent before it is, durably: whoever is killed in between has sent one less than they may.

use super::record::HeldRecord;
use super::until_not_overtaken;
use crate::keeper::{Held, Keeper, LOCK_DEADLINE};
use crate::undisturbed::Undisturbed;
use crate::{Error, mint};
use otp_core::decide::standing_at;
use otp_core::mail::Address;
use otp_core::mailed::{LoginKey, MOST_A_DAY, MailedCode};
use otp_core::record::Standing;
use otp_core::{Account, Before1970, Policy, UnixTime};

/// What became of a login that asked for a code by mail. Has no `Debug`: it holds a code.
pub struct Asked {
    /// The key that belongs to the code. Nobody else has it.
    pub key: LoginKey,
    /// A code; it is worth something where it is [`Sending::Due`] alone.
    pub code: MailedCode,
    /// Whether it is to be sent.
    pub sending: Sending,
    /// While it lives, signals wait, so that what was written can be logged.
    pub undisturbed: Option<Undisturbed>,
}

impl Asked {
    /// What becomes of it for a name that is nobody's.
    ///
    /// # Errors
    /// The system gave no random bytes.
    pub fn nobody() -> Result<Self, Error> {
        let (code, key) = mint::mailed_code()?;
        Ok(Self {
            key,
            code,
            sending: Sending::NotEnrolled,
            undisturbed: None,
        })
    }
}

/// Whether a code is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sending {
    /// It is, and was written down.
    Due {
        /// How many were sent within a day, with this one.
        count: usize,
        /// The address that the user has confirmed, where policy wants one to be: no other may be written to.
        only_to: Option<Address>,
    },
    /// It is not, since the account has no authenticator.
    NotEnrolled,
    /// It is not: no code is looked at.
    Locked,
    /// It is not: so many were sent that another would be one too many.
    TooMany {
        /// When the next may be sent.
        until: UnixTime,
    },
    /// It is not: policy wants an address to be confirmed, and none is.
    NotConfirmed,
}

/// Writes down that a code is sent, where one may be. Makes a code and a key in any case, so that it takes as long.
///
/// # Errors
/// The record cannot be trusted, read or written; nothing is sent then.
pub fn ask_for_code(
    keeper: &impl Keeper,
    account: &Account,
    policy: &Policy,
    mut clock: impl FnMut() -> Result<UnixTime, Before1970>,
) -> Result<Asked, Error> {
    until_not_overtaken(LOCK_DEADLINE, || {
        let (code, key) = mint::mailed_code()?;
        let asked = |sending, undisturbed, code, key| {
            Ok(Asked {
                key,
                code,
                sending,
                undisturbed,
            })
        };
        let Some(mut held) = keeper.hold(account, LOCK_DEADLINE)? else {
            return asked(Sending::NotEnrolled, None, code, key);
        };
        let Some(record) = held.outline(account)? else {
            return asked(Sending::NotEnrolled, None, code, key);
        };
        let now = clock()?;
        if standing_at(record.state.standing, now) != Standing::Open {
            return asked(Sending::Locked, None, code, key);
        }
        let mailbox = held.mailbox(account)?;
        let only_to = match (policy.enroll.verify_email, mailbox.confirmed()) {
            (false, _) => None,
            (true, Some(confirmed)) => Some(confirmed.address.clone()),
            (true, None) => return asked(Sending::NotConfirmed, None, code, key),
        };
        let hash = code.hash(&key, account.name.as_str(), account.uid);
        let sending = match mailbox.with_another(Some(hash), now) {
            Some(next) => {
                held.put_mailbox(account, &next)?;
                let count = next.sent().len();
                Sending::Due { count, only_to }
            }
            None => too_many(&mut held, account, &mailbox, now)?,
        };
        let undisturbed = held.let_go();
        asked(sending, undisturbed, code, key)
    })
}

/// Writes down that a code is sent to confirm an address, where one may be. It needs no authenticator; the code is the caller's
/// to make and to compare.
///
/// # Errors
/// The record cannot be trusted, read or written; nothing is sent then.
pub fn count_confirmation(
    keeper: &impl Keeper,
    account: &Account,
    mut clock: impl FnMut() -> Result<UnixTime, Before1970>,
) -> Result<Sending, Error> {
    until_not_overtaken(LOCK_DEADLINE, || {
        let mut held = keeper.hold_or_create(account, LOCK_DEADLINE)?;
        let now = clock()?;
        let mailbox = held.mailbox(account)?;
        match mailbox.with_another(None, now) {
            Some(next) => {
                held.put_mailbox(account, &next)?;
                let count = next.sent().len();
                Ok(Sending::Due {
                    count,
                    only_to: None,
                })
            }
            None => too_many(&mut held, account, &mailbox, now),
        }
    })
}

/// Keeps an address as one that its owner has confirmed.
///
/// # Errors
/// It could not be written.
pub fn keep_confirmed(
    keeper: &impl Keeper,
    account: &Account,
    address: &Address,
    now: UnixTime,
) -> Result<(), Error> {
    until_not_overtaken(LOCK_DEADLINE, || {
        let mut held = keeper.hold_or_create(account, LOCK_DEADLINE)?;
        let mailbox = held.mailbox(account)?;
        held.put_mailbox(account, &mailbox.confirming(address.clone(), now))
    })
}

/// Says until when no more are sent; a clock that has run back is corrected in what is kept, so that nobody waits for longer.
fn too_many(
    held: &mut impl HeldRecord,
    account: &Account,
    mailbox: &otp_core::mailed::Mailbox,
    now: UnixTime,
) -> Result<Sending, Error> {
    let current = mailbox.as_of(now);
    if mailbox.sent().iter().any(|&when| when > now) {
        held.put_mailbox(account, &current)?;
    }
    debug_assert_eq!(current.sent().len(), MOST_A_DAY);
    let oldest = current.sent().first().copied().unwrap_or(now);
    let until = oldest.after(otp_core::mailed::A_DAY);
    Ok(Sending::TooMany { until })
}

#[cfg(any(test, feature = "trial"))]
pub(crate) mod tests;
