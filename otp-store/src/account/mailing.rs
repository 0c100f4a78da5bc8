//! Codes that are sent by mail: how many, and to whom.
//!
//! A code is counted, durably, before it is sent. A process that is killed in between has sent one code less than
//! allowed.

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

/// The result of asking for a code by mail in a login. Has no `Debug`: it holds a code.
pub struct Asked {
    /// The key that belongs to the code. Nothing else holds it.
    pub key: LoginKey,
    /// A code; it can be used only if `sending` is [`Sending::Due`].
    pub code: MailedCode,
    /// Whether the code is to be sent.
    pub sending: Sending,
    /// While this lives, signals wait, so that what was written can be logged.
    pub undisturbed: Option<Undisturbed>,
}

impl Asked {
    /// Returns the result for a name that no user has.
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
    /// Yes, and this was stored.
    Due {
        /// How many codes were sent within a day, including this one.
        count: usize,
        /// The address that the user has confirmed, if policy wants a confirmed one: then mail may go only there.
        only_to: Option<Address>,
    },
    /// No: the account has no authenticator.
    NotEnrolled,
    /// No: the account is locked or disabled.
    Locked,
    /// No: the limit for a day is reached.
    TooMany {
        /// When the next code may be sent.
        until: UnixTime,
    },
    /// No: policy wants a confirmed address, and there is none.
    NotConfirmed,
}

/// Stores that a code is sent, if one may be. Always makes a code and a key, so that it takes as long.
///
/// # Errors
/// The record cannot be trusted, read or written; then nothing is sent.
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

/// Stores that a code is sent to confirm an address, if one may be. The account needs no authenticator. The caller
/// makes the code and compares it.
///
/// # Errors
/// The record cannot be trusted, read or written; then nothing is sent.
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

/// Stores an address that its owner has confirmed.
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

/// Says until when no more codes are sent. If the clock has run back, the stored times are corrected, so that nobody
/// waits longer than a day.
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
