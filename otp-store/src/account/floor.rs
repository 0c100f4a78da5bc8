//! A time before which nothing counts any more: for records that were restored from a backup.
//!
//! A backup does not know what was used after it was made. Everything that may have been used by then must not count
//! again.

use crate::Error;
use crate::error::At;
use crate::keeper::{Bytes, Look, Part};
use crate::text::state::{self, Newest};
use crate::text::{credential, mail};
use otp_core::code::HOTP_REACH;
use otp_core::messages::reason::Unfit;
use otp_core::record::{Drift, Identities, Kind, Outline, Window};
use otp_core::{State, Step, UnixTime};
use std::time::Duration;
use zeroize::Zeroizing;

/// The time, and how far counters move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Floor {
    /// No code counts that could be used by then.
    pub when: UnixTime,
    /// How many codes of each event-based authenticator are skipped. These codes have no time, so only this number
    /// bounds what may have been used since the backup: no user may have logged in with such codes more often.
    pub counters: u64,
}

impl Floor {
    /// Returns a floor at that time for everything. Counters move as far as a resynchronisation searches.
    ///
    /// Two codes in a row, as for a resynchronisation, would prove nothing here: both may have been used, one after the
    /// other.
    #[must_use]
    pub const fn at(when: UnixTime) -> Self {
        Self {
            when,
            counters: HOTP_REACH,
        }
    }

    /// Returns the newest step that may have been used by then: that of a device whose clock was as far ahead as a
    /// resynchronisation allows, at the end of the widest window.
    fn step(&self, kind: Kind, last: Option<Step>) -> Option<Step> {
        match kind {
            Kind::Totp(period) => {
                let ahead =
                    Drift::LIMIT.as_secs() / period.seconds() + u64::from(Window::MOST_STEPS);
                let newest = Step(self.when.step(period).0.saturating_add(ahead));
                Some(last.map_or(newest, |last| last.max(newest)))
            }
            Kind::Hotp => match (last, self.counters.checked_sub(1)) {
                (last, None) => last,
                (None, Some(last)) => Some(Step(last)),
                (Some(last), Some(_)) => Some(Step(last.0.saturating_add(self.counters))),
            },
        }
    }

    /// The longest time after the floor in which no code of a device with this step length counts.
    #[must_use]
    pub fn lasts(period_seconds: u64) -> Duration {
        let steps = u64::from(Window::MOST_STEPS) + 1;
        Drift::LIMIT + Duration::from_secs(steps.saturating_mul(period_seconds))
    }

    /// Returns the state after the floor: steps at or below it are used, counters have moved, and no recovery code is
    /// left. Locks and failures stay.
    fn state(&self, outline: &Outline, state: &State) -> State {
        let mut next = state.reduced_to(outline);
        for entry in &mut next.authenticators {
            let known = outline.authenticators().iter();
            if let Some(known) = known.into_iter().find(|known| known.id == entry.id) {
                entry.last_step = self.step(known.kind, entry.last_step);
            }
            entry.resync = None;
        }
        if let Some(set) = outline.issued() {
            let all = (0..set.count).fold(0, |bits, at| bits | 1 << at);
            for entry in &mut next.recovery {
                entry.used |= all;
            }
        }
        next
    }
}

/// Returns the parts of an account that the floor changes. `None`: the part is removed.
///
/// # Errors
/// The account's record is damaged, so nobody can say what was used.
pub fn changes(
    account: &mut impl Look,
    floor: &Floor,
) -> Result<Vec<(Part, Option<Bytes>)>, Error> {
    let mut changes = Vec::new();
    if let (Some(credential), Some(kept)) =
        (account.get(Part::Credential)?, account.get(Part::State)?)
    {
        let outline = credential::outline(&credential).at(|| account.place(Part::Credential))?;
        let newest = Newest::of(&kept).at(|| account.place(Part::State))?;
        let bytes = state::whole(&floor.state(&outline, &newest.state))
            .ok_or_else(|| Error::content(account.place(Part::State), Unfit::DoesNotFit))?;
        changes.push((Part::State, Some(Zeroizing::new(bytes))));
    }
    if account.has(Part::Trust)? {
        changes.push((Part::Trust, None));
    }
    if let Some(kept) = account.get(Part::Mail)? {
        let (uid, mailbox) = mail::parse(&kept).at(|| account.place(Part::Mail))?;
        if mailbox.outstanding().is_some() {
            let text = mail::to_text(uid, &mailbox.used_up());
            changes.push((Part::Mail, Some(Zeroizing::new(text.into_bytes()))));
        }
    }
    Ok(changes)
}
