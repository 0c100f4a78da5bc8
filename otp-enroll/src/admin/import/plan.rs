//! Decides which of another program's keys are imported, for each account, before anything is stored.

use super::people::{People, Realms};
use otp_core::code::HOTP_LOOK_AHEAD;
use otp_core::imported::ImportedCode;
use otp_core::messages::import::{Flaw, Obstacle, Remark};
use otp_core::messages::reason::Wording;
use otp_core::record::{
    Authenticator, AuthenticatorState, DEFAULT_NAME, Kind, MAX_AUTHENTICATORS, Name, Window,
};
use otp_core::{Account, Credential, Policy, UnixTime};
use otp_import::{Device, Owner, Reach, first_code_at, used_by_last_code};
use otp_store::account::{self, Foretold};
use otp_store::{Error, Keeper, mint};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The place of a key: the file, by its number, and the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub file: usize,
    pub line: usize,
}

/// The user that a key belongs to.
pub enum Whose {
    /// The owner of the file.
    Account(Account),
    /// The user that the file names.
    Named(Owner),
    /// The file names no user.
    Unknown,
}

/// A key as it was found.
pub struct Found {
    pub place: Place,
    pub whose: Whose,
    pub label: Option<String>,
    pub device: Result<Device, Obstacle>,
}

/// A key that is not imported.
pub struct Left {
    pub place: Place,
    /// The user's name in the file or in the system.
    pub user: String,
    pub why: Obstacle,
}

/// An account, and the keys and codes that are imported for it.
pub struct Coming {
    pub account: Account,
    pub place: Place,
    pub devices: Vec<ComingDevice>,
    pub scratch_codes: Vec<ImportedCode>,
    pub remarks: Vec<Remark>,
    /// The keys that the store already holds for the account.
    pub foretold: Foretold,
}

/// One authenticator, and which of its codes were used.
pub struct ComingDevice {
    pub authenticator: Authenticator,
    pub state: AuthenticatorState,
}

/// The whole plan of an import.
#[derive(Default)]
pub struct Plan {
    pub coming: Vec<Coming>,
    pub left: Vec<Left>,
}

/// The total time that the import waits for accounts that other processes hold: users can hold their own accounts,
/// and there may be many.
const PATIENCE: Duration = Duration::from_secs(10);

/// Decides which keys are imported.
///
/// # Errors
/// The store cannot be read at all, or the system provides no random bytes.
pub fn plan(
    found: Vec<Found>,
    people: &People,
    policy: &Policy,
    keeper: Option<&impl Keeper>,
    now: UnixTime,
) -> Result<Plan, Error> {
    let mut realms = Realms::default();
    for one in &found {
        if let Whose::Named(owner) = &one.whose {
            realms.note(owner);
        }
    }
    let mut plan = Plan::default();
    let mut patience = PATIENCE;
    let mut by_account: BTreeMap<String, (Account, Vec<Found>)> = BTreeMap::new();
    for one in found {
        let (written, account) = match &one.whose {
            Whose::Account(account) => (account.name.as_str().to_owned(), Ok(account.clone())),
            Whose::Named(owner) => (owner.written.clone(), people.owner(owner, &realms)),
            Whose::Unknown => (String::new(), Err(Obstacle::Unreadable(Flaw::NoUser))),
        };
        match (account, &one.device) {
            // That the user is also unknown would only hide the fault of the line.
            (_, Err(why)) => plan.left.push(Left {
                place: one.place,
                user: written,
                why: why.clone(),
            }),
            (Err(why), Ok(_)) => plan.left.push(Left {
                place: one.place,
                user: written,
                why,
            }),
            (Ok(account), Ok(_)) => {
                let name = account.name.as_str().to_owned();
                by_account
                    .entry(name)
                    .or_insert_with(|| (account, Vec::new()))
                    .1
                    .push(one);
            }
        }
    }
    for (account, found) in by_account.into_values() {
        plan.take(account, found, policy, keeper, now, &mut patience)?;
    }
    Ok(plan)
}

impl Plan {
    fn take(
        &mut self,
        account: Account,
        found: Vec<Found>,
        policy: &Policy,
        keeper: Option<&impl Keeper>,
        now: UnixTime,
        patience: &mut Duration,
    ) -> Result<(), Error> {
        let place = found[0].place;
        let user = account.name.as_str().to_owned();
        let mut coming = Coming {
            account,
            place,
            devices: Vec::new(),
            scratch_codes: Vec::new(),
            remarks: Vec::new(),
            foretold: Foretold::New,
        };
        let mut passed_over = 0;
        for one in found {
            let Ok(device) = one.device else { continue };
            // Too many keys: none of this user's is imported. The rest is only counted, since comparing any number of
            // keys with each other would take too long.
            if coming.devices.len() > MAX_AUTHENTICATORS {
                passed_over += 1;
                continue;
            }
            if !coming.add(device, one.label.as_deref(), policy, now)? {
                self.left.push(Left {
                    place: one.place,
                    user: user.clone(),
                    why: Obstacle::Duplicate,
                });
            }
        }
        let allowed = usize::from(policy.enroll.max_authenticators).min(MAX_AUTHENTICATORS);
        if coming.devices.len() > allowed {
            let found = coming.devices.len() + passed_over;
            let why = Obstacle::TooMany { found, allowed };
            self.left.push(Left { place, user, why });
            return Ok(());
        }
        coming.limit_scratch_codes(policy);
        if let Some(keeper) = keeper {
            let keys: Vec<&Authenticator> = coming
                .devices
                .iter()
                .map(|one| &one.authenticator)
                .collect();
            let began = Instant::now();
            let foretold = account::foretell(keeper, &coming.account, &keys, *patience);
            if matches!(foretold, Err(Error::Busy { .. })) {
                *patience = patience.saturating_sub(began.elapsed());
            }
            coming.foretold = match foretold {
                Ok(foretold) => foretold,
                Err(error @ (Error::NoRecords { .. } | Error::Random)) => return Err(error),
                Err(error) => {
                    let why = not_kept(&error);
                    self.left.push(Left { place, user, why });
                    return Ok(());
                }
            };
        }
        match coming.foretold {
            Foretold::Others => self.left.push(Left {
                place,
                user,
                why: Obstacle::Enrolled,
            }),
            Foretold::Same => {
                coming.remarks.push(Remark::There);
                self.coming.push(coming);
            }
            Foretold::New => self.coming.push(coming),
        }
        Ok(())
    }
}

impl Coming {
    /// Adds a key; `false`: it is already there, and the used codes of both count as used.
    fn add(
        &mut self,
        device: Device,
        label: Option<&str>,
        policy: &Policy,
        now: UnixTime,
    ) -> Result<bool, Error> {
        self.remarks.extend(device.remarks);
        let window = window(device.kind, device.reach, policy, &mut self.remarks);
        self.scratch_codes.extend(device.scratch_codes);
        let id = mint::new_id()?;
        let authenticator = Authenticator {
            id,
            name: self.free_name(label),
            kind: device.kind,
            algorithm: device.algorithm,
            digits: device.digits,
            secret: device.secret,
            window,
            created: now,
        };
        let by_last_code = device
            .last_code
            .and_then(|code| used_by_last_code(&code, &authenticator, device.ahead, now));
        let used = by_last_code.or_else(|| {
            device
                .past
                .newest_used(device.kind, device.drift, device.ahead, now)
        });
        if let Some(at) = first_code_at(used, device.kind, device.drift, now)
            && is_a_wait(at, device.kind, now)
        {
            self.remarks.push(Remark::FirstCode { at });
        }
        let shows_the_same =
            |one: &&mut ComingDevice| one.authenticator.shows_the_codes_of(&authenticator);
        if let Some(same) = self.devices.iter_mut().find(shows_the_same) {
            same.state.last_step = same.state.last_step.max(used);
            return Ok(false);
        }
        let state = AuthenticatorState {
            last_step: used,
            drift: device.drift,
            ..AuthenticatorState::fresh(id)
        };
        self.devices.push(ComingDevice {
            authenticator,
            state,
        });
        Ok(true)
    }

    /// Returns a free name for an authenticator: the old program's name if it is usable.
    fn free_name(&self, label: Option<&str>) -> Name {
        let base: String = label
            .unwrap_or(DEFAULT_NAME)
            .trim()
            .chars()
            .take(28)
            .collect();
        let base = Name::new(base.trim_end())
            .map_or(DEFAULT_NAME, |_| base.trim_end())
            .to_owned();
        let is_free = |name: &Name| {
            self.devices
                .iter()
                .all(|one| one.authenticator.name != *name)
        };
        let names =
            std::iter::once(base.clone()).chain((2..).map(|number| format!("{base}-{number}")));
        names
            .filter_map(|name| Name::new(&name).ok())
            .find(is_free)
            .expect("there are more names than authenticators")
    }

    fn limit_scratch_codes(&mut self, policy: &Policy) {
        let allowed = if policy.recovery.codes == 0 {
            0
        } else {
            Credential::MAX_RECOVERY_CODES
        };
        let left = self.scratch_codes.len().saturating_sub(allowed);
        self.scratch_codes.truncate(allowed);
        if !self.scratch_codes.is_empty() {
            let count = self.scratch_codes.len();
            self.remarks.push(Remark::ScratchCodes { count });
        }
        if left > 0 {
            self.remarks.push(Remark::ScratchCodesLeft { count: left });
        }
    }
}

/// Converts the reason why an account cannot be stored.
pub fn not_kept(error: &Error) -> Obstacle {
    let reason = Wording::of(|language| error.text(language));
    Obstacle::NotKept { reason }
}

/// Whether this is longer than the wait for the next code, which every user has after using one.
fn is_a_wait(at: UnixTime, kind: Kind, now: UnixTime) -> bool {
    match kind {
        Kind::Totp(period) => at.seconds() - now.seconds() > period.seconds(),
        Kind::Hotp => false,
    }
}

/// Returns the window of a key, cut to our limits; `None`: the policy decides.
fn window(
    kind: Kind,
    reach: Option<Reach>,
    policy: &Policy,
    remarks: &mut Vec<Remark>,
) -> Option<Window> {
    let reach = reach?;
    let (most, usual) = match kind {
        Kind::Totp(_) => {
            let policy = u64::from(policy.code.window);
            (
                u64::from(Window::MOST_STEPS),
                Reach {
                    before: policy,
                    after: policy,
                },
            )
        }
        Kind::Hotp => (
            u64::from(Window::MOST_COUNTERS),
            Reach {
                before: 0,
                after: HOTP_LOOK_AHEAD,
            },
        ),
    };
    let cut = Reach {
        before: reach.before.min(most),
        after: reach.after.min(most),
    };
    if cut != reach {
        remarks.push(Remark::WindowCut {
            from: reach.before.max(reach.after),
            to: most,
        });
    }
    if cut == usual {
        return None;
    }
    match kind {
        Kind::Totp(_) => Window::of_steps(cut.before, cut.after).ok(),
        Kind::Hotp => Window::of_counters(cut.after.max(1)).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::tests::assert_has_no_english_reason;
    use otp_core::record::Language;

    #[test]
    fn an_account_that_cannot_be_stored_is_told_in_every_language() {
        let why = not_kept(&Error::Random);
        let english = why.text(Language::English);
        assert_eq!(english, format!("could not be kept: {}", Error::Random));
        assert_has_no_english_reason(&why.text(Language::Korean));
    }
}
