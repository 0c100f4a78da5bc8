//! A moment before which nothing counts any longer: for records that were put back from a backup.
//!
//! A backup knows nothing of what was used after it was made. Whatever may have been used by then must not count again.

use crate::Error;
use crate::error::At;
use crate::keeper::{Bytes, Look, Part};
use crate::text::state::{self, Newest};
use crate::text::{credential, mail};
use otp_core::code::HOTP_REACH;
use otp_core::record::{Drift, Identities, Kind, Outline, Window};
use otp_core::{State, Step, UnixTime};
use std::time::Duration;
use zeroize::Zeroizing;

/// The moment, and how far counters move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Floor {
    /// No code that could be used by then counts.
    pub when: UnixTime,
    /// How many codes of each event-based authenticator are passed over. They have no moment, so only this bounds what may
    /// have been used since the backup: nobody may have logged in by one more often.
    pub counters: u64,
}

impl Floor {
    /// A floor at that moment for everything, with counters moved as far as a resynchronisation looks.
    ///
    /// Two codes in a row, as for a resynchronisation, would prove nothing here: they may have been used in a row.
    #[must_use]
    pub const fn at(when: UnixTime) -> Self {
        Self {
            when,
            counters: HOTP_REACH,
        }
    }

    /// The newest step of a clock that may have been used by then: that of a device which was as far ahead as a
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

    /// For how long after the floor no code of a device with steps of that length counts, at most.
    #[must_use]
    pub fn lasts(period_seconds: u64) -> Duration {
        let steps = u64::from(Window::MOST_STEPS) + 1;
        Drift::LIMIT + Duration::from_secs(steps.saturating_mul(period_seconds))
    }

    /// The state after the floor: steps at or below it are used, counters have moved, no recovery code is left. Locks and
    /// failures stay.
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

/// What the floor makes of an account: the parts that change. `None`: the part goes.
///
/// # Errors
/// The account's record is damaged, so that nobody can say what of it was used.
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
            .ok_or_else(|| Error::content(account.place(Part::State), "does not fit a record"))?;
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
