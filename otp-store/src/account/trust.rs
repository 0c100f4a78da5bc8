//! The places where a good code let a user in, so that no code is asked for there for a while.
//!
//! Stored beside the record, for root only. It says when trust began; policy says at each login how long trust lasts.
//! If anything is wrong with it, a code is asked for.

use super::record::HeldRecord;
use super::until_not_overtaken;
use crate::Error;
use crate::keeper::{Held, Keeper, LOCK_DEADLINE, Look, Part, Put};
use crate::text::trust::to_text;
use otp_core::decide::standing_at;
use otp_core::record::Standing;
use otp_core::{Account, State, UnixTime};
use std::time::Duration;

pub use crate::text::trust::Place;

/// The most places that are stored for one user; the oldest is dropped first.
const MOST: usize = 16;

/// Returns since when the account is trusted at that place; `None`: it is not.
///
/// An account that is locked, or was locked since its last success, is trusted nowhere. The record is read only if
/// there is trust in the place: most logins end here and ask for a code, and the attempt reads the record anyway.
///
/// # Errors
/// The record or the trust cannot be trusted or read.
pub fn trusted_since(
    keeper: &impl Keeper,
    account: &Account,
    place: &Place,
    remember: Duration,
    now: UnixTime,
) -> Result<Option<UnixTime>, Error> {
    let Some(mut held) = keeper.hold(account, LOCK_DEADLINE)? else {
        return Ok(None);
    };
    let found = since_when(&mut held, place, remember, now);
    if let Ok(None) = found {
        return Ok(None);
    }
    let Some(record) = held.outline(account)? else {
        return Ok(None);
    };
    if may_be_trusted(&record.state, now) {
        found
    } else {
        Ok(None)
    }
}

/// Returns since when the place is trusted, whatever the account's standing; `None`: it is not.
pub(super) fn since_when(
    held: &mut impl Held,
    place: &Place,
    remember: Duration,
    now: UnixTime,
) -> Result<Option<UnixTime>, Error> {
    let lasts = |since: &UnixTime| *since <= now && now < since.after(remember);
    let mut places = held.places()?.into_iter();
    let found = places.find(|(known, _)| known == place);
    Ok(found.map(|(_, since)| since).filter(lasts))
}

/// Whether trust counts in any place: not while the account is locked, nor if it was locked since its last success.
pub(super) fn may_be_trusted(state: &State, now: UnixTime) -> bool {
    standing_at(state.standing, now) == Standing::Open && state.locks_in_a_row == 0
}

/// Trusts the account at that place from `now` on.
///
/// # Errors
/// It could not be written; then a code is asked for again.
pub(crate) fn trust(
    keeper: &impl Keeper,
    account: &Account,
    place: &Place,
    now: UnixTime,
) -> Result<(), Error> {
    until_not_overtaken(LOCK_DEADLINE, || {
        let Some(mut held) = keeper.hold(account, LOCK_DEADLINE)? else {
            return Ok(());
        };
        let put = put_place(&mut held, place, now)?;
        put.or_begin_anew(|| held.place(Part::Trust))
    })
}

/// Adds the place to the trusted ones, with `now` as the beginning.
pub(super) fn put_place(held: &mut impl Held, place: &Place, now: UnixTime) -> Result<Put, Error> {
    // Places that cannot be read are dropped; the new one counts.
    let mut places = held.places().unwrap_or_default();
    places.retain(|(known, since)| known != place && *since <= now);
    places.push((place.clone(), now));
    let surplus = places.len().saturating_sub(MOST);
    held.put(Part::Trust, to_text(&places[surplus..]).as_bytes())
}

#[cfg(any(test, feature = "trial"))]
pub(crate) mod tests;
