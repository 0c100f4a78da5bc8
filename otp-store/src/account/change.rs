//! A change to what can prove an identity: begun, proven with a code of the new device, and only then stored.
//!
//! A person takes minutes between the first and the last of these steps. Meanwhile no lock is held and nothing is
//! written. So a person who goes away has changed nothing, and changes that others make meanwhile are not undone.

use super::record::{HeldRecord, Record};
use super::{Overtakable, until_not_overtaken};
use crate::keeper::{Goes, Keeper, LOCK_DEADLINE, Look, Part};
use crate::{Error, mint};
use otp_core::code::{ClockCheck, Ignored, TypedCode, check_clock};
use otp_core::decide::standing_at;
use otp_core::enforce::{Belongs, Unenrolled, demand};
use otp_core::record::{
    AuthenticatorState, Id, Identities, Name, Outline, RecoverySet, RecoveryState, Standing,
};
use otp_core::recovery::RecoveryCode;
use otp_core::{Account, Authenticator, Credential, Policy, State, Step, UnixTime, UserName};
use std::time::Duration;

/// How many codes of a new device may be tried before the change is given up.
pub const TRIES: u32 = 3;

/// What a user wants to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A first authenticator of that name, or a new one that replaces all others.
    Enrol(Name),
    /// One more authenticator of that name.
    Add(Name),
    /// Removes the authenticator of that name; without a name, the only one.
    Remove(Option<Name>),
    /// New recovery codes that replace the old ones.
    RecoveryCodes,
}

/// Why a change is refused. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The account is locked.
    Locked {
        /// Whether a recovery code opens the lock.
        opens: bool,
    },
    /// The account is disabled.
    Disabled,
    /// The account has no authenticator.
    NotEnrolled,
    /// An authenticator of that name exists already.
    NameTaken(Name),
    /// The account already has the largest allowed number of authenticators.
    Full(u8),
    /// No authenticator has that name.
    NoSuchName(Name),
    /// The account has several authenticators, and none was named.
    WhichOne(Vec<Name>),
    /// It is the last authenticator, and policy demands a second factor.
    Demanded,
    /// Policy issues no recovery codes.
    NoCodes,
    /// No code of the new device was right.
    NotProven,
    /// The record was changed meanwhile.
    ChangedMeanwhile,
}

/// Why a change failed.
#[derive(Debug)]
pub enum Failed {
    /// It is not allowed.
    Refused(Refused),
    /// It could not be carried out.
    Store(Error),
}

impl From<Refused> for Failed {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl Overtakable for Failed {
    fn is_overtaken(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_overtaken())
    }
}

/// What a typed code of the new device shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The code is right.
    Right,
    /// The code was right this long ago: the device's clock is behind.
    Behind(Duration),
    /// The code will be right after this time: the device's clock is ahead.
    Ahead(Duration),
    /// The code comes from an app that ignores settings, so its codes will never be right.
    Ignores(Ignored),
    /// The code belongs to no time near now.
    NoMatch,
    /// The reply is not a code, or does not have as many digits as the device's codes.
    NotACode,
}

/// The result of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Whether the account has an authenticator now.
    pub enrolled: bool,
}

/// A change that only this process knows of yet. Holds secrets; has no `Debug`.
pub struct Draft {
    account: Account,
    plan: Plan,
    goes: Vec<Name>,
    before: Option<Identity>,
    imported_codes_go: bool,
    codes: Vec<RecoveryCode>,
    tries: u32,
}

/// What will be written.
enum Plan {
    Enrol(New, Option<RecoverySet>),
    Add(New, Option<RecoverySet>),
    Remove(Name),
    RecoveryCodes(Option<RecoverySet>),
}

/// A new device, and the code that proved it.
struct New {
    /// Present until it is stored.
    device: Option<Authenticator>,
    proof: Option<(Step, UnixTime)>,
}

/// Identifies the record on which a change was begun. Attempts in between do not alter it.
#[derive(PartialEq, Eq)]
struct Identity {
    authenticators: Vec<Id>,
    recovery: Option<Id>,
}

impl Identity {
    fn of(credential: &impl Identities) -> Self {
        Self {
            authenticators: credential.ids().collect(),
            recovery: credential.issued().map(|set| set.id),
        }
    }
}

impl Draft {
    /// Begins a change. `keeper` is `None` if there are no records at all yet.
    ///
    /// If only one authenticator is allowed, adding one replaces the old one. `belongs` looks up groups, to find what
    /// policy demands.
    ///
    /// # Errors
    /// The change is refused, the record cannot be read, or the system gave no random bytes.
    pub fn begin(
        keeper: Option<&impl Keeper>,
        account: Account,
        change: Change,
        policy: &Policy,
        belongs: impl Fn(&UserName, &str) -> Belongs,
        now: UnixTime,
    ) -> Result<Self, Failed> {
        let held = match keeper {
            Some(keeper) => keeper.hold(&account, LOCK_DEADLINE)?,
            None => None,
        };
        let record = match held {
            Some(mut held) => held.outline(&account)?,
            None => None,
        };
        refuse_while_locked(record.as_ref(), policy, now)?;
        let names = record.as_ref().map(names).unwrap_or_default();
        let (mut goes, mut codes) = (Vec::new(), Vec::new());
        let mut issue = || -> Result<Option<RecoverySet>, Error> {
            let (set, issued) = mint::recovery_codes(policy.recovery.codes, now)?;
            codes = issued;
            Ok((!codes.is_empty()).then_some(set))
        };
        let new = |name| -> Result<New, Error> {
            let device = mint::authenticator(name, &policy.code, now)?;
            Ok(New {
                device: Some(device),
                proof: None,
            })
        };
        let most = policy.enroll.max_authenticators;
        // Any change removes them: a stolen copy of the record reveals them.
        let imported_codes_go = record
            .as_ref()
            .is_some_and(|record| has_imported(&record.credential));
        let plan = match (change, &record) {
            (Change::Enrol(name) | Change::Add(name), None) => Plan::Enrol(new(name)?, issue()?),
            (Change::Enrol(name), Some(_)) => {
                goes = names;
                Plan::Enrol(new(name)?, issue()?)
            }
            (Change::Add(name), Some(_)) if most == 1 => {
                goes = names;
                Plan::Enrol(new(name)?, issue()?)
            }
            (Change::Add(name), Some(record)) => {
                if names.contains(&name) {
                    return Err(Refused::NameTaken(name).into());
                }
                if names.len() >= most.into() {
                    return Err(Refused::Full(most).into());
                }
                let set = match record.credential.issued() {
                    Some(_) if !imported_codes_go => None,
                    Some(_) | None => issue()?,
                };
                Plan::Add(new(name)?, set)
            }
            (Change::Remove(_) | Change::RecoveryCodes, None) => {
                return Err(Refused::NotEnrolled.into());
            }
            (Change::Remove(wanted), Some(_)) => {
                let name = which(wanted, &names)?;
                if names.len() == 1 && is_demanded(&account, policy, &belongs, now) {
                    return Err(Refused::Demanded.into());
                }
                goes = vec![name.clone()];
                Plan::Remove(name)
            }
            (Change::RecoveryCodes, Some(_)) => {
                Plan::RecoveryCodes(Some(issue()?.ok_or(Refused::NoCodes)?))
            }
        };
        Ok(Self {
            account,
            plan,
            goes,
            before: record.map(|record| Identity::of(&record.credential)),
            imported_codes_go,
            codes,
            tries: TRIES,
        })
    }

    /// Whether the account has an authenticator that this change concerns: then its owner must prove who they are.
    #[must_use]
    pub const fn changes_a_record(&self) -> bool {
        self.before.is_some()
    }

    /// The authenticators that this change removes.
    #[must_use]
    pub fn goes(&self) -> &[Name] {
        &self.goes
    }

    /// Whether this change removes recovery codes of another program. New codes, if there are any, replace them.
    #[must_use]
    pub const fn imported_codes_go(&self) -> bool {
        self.imported_codes_go
    }

    /// The new device, if there is one; a code of it must be proven.
    #[must_use]
    pub const fn device(&self) -> Option<&Authenticator> {
        match &self.plan {
            Plan::Enrol(new, _) | Plan::Add(new, _) => new.device.as_ref(),
            Plan::Remove(_) | Plan::RecoveryCodes(_) => None,
        }
    }

    /// The new recovery codes, to be shown once.
    #[must_use]
    pub fn codes(&self) -> &[RecoveryCode] {
        &self.codes
    }

    /// How many codes may still be tried.
    #[must_use]
    pub const fn tries(&self) -> u32 {
        self.tries
    }

    /// Checks a code of the new device.
    ///
    /// # Errors
    /// No try was left, or there is no new device.
    pub fn prove(
        &mut self,
        typed: &[u8],
        policy: &Policy,
        now: UnixTime,
    ) -> Result<Proof, Refused> {
        let (Plan::Enrol(new, _) | Plan::Add(new, _)) = &mut self.plan else {
            return Err(Refused::NotProven);
        };
        let device = new.device.as_ref().ok_or(Refused::NotProven)?;
        self.tries = self.tries.checked_sub(1).ok_or(Refused::NotProven)?;
        let Some(code) = TypedCode::parse(typed) else {
            return Ok(Proof::NotACode);
        };
        Ok(match check_clock(device, &code, policy.code.window, now) {
            ClockCheck::Right(step) => {
                new.proof = Some((step, now));
                Proof::Right
            }
            ClockCheck::Behind(by) => Proof::Behind(by),
            ClockCheck::Ahead(by) => Proof::Ahead(by),
            ClockCheck::Ignores(settings) => Proof::Ignores(settings),
            ClockCheck::NoMatch if code.length() != usize::from(device.digits.count()) => {
                Proof::NotACode
            }
            ClockCheck::NoMatch => Proof::NoMatch,
        })
    }

    /// Stores the change for good. The proven code is used up: it opens no login.
    ///
    /// `policy` is the present policy; the one under which the change was begun may be outdated.
    ///
    /// # Errors
    /// A new device was not proven; the account was locked or changed meanwhile, or the policy was; or the change could
    /// not be written.
    pub fn keep(
        mut self,
        keeper: &impl Keeper,
        policy: &Policy,
        belongs: impl Fn(&UserName, &str) -> Belongs,
        now: UnixTime,
    ) -> Result<Kept, Failed> {
        until_not_overtaken(LOCK_DEADLINE, || {
            self.try_to_keep(keeper, policy, &belongs, now)
        })
    }

    /// Makes one attempt of [`Draft::keep`]. If it was overtaken, the draft is as before.
    fn try_to_keep(
        &mut self,
        keeper: &impl Keeper,
        policy: &Policy,
        belongs: impl Fn(&UserName, &str) -> Belongs,
        now: UnixTime,
    ) -> Result<Kept, Failed> {
        let account = &self.account;
        let mut held = match &self.before {
            None => keeper.hold_or_create(account, LOCK_DEADLINE)?,
            Some(_) => keeper
                .hold(account, LOCK_DEADLINE)?
                .ok_or(Refused::ChangedMeanwhile)?,
        };
        let record = held.read(account)?;
        refuse_while_locked(record.as_ref(), policy, now)?;
        let identity = record
            .as_ref()
            .map(|record| Identity::of(&record.credential));
        if identity != self.before {
            return Err(Refused::ChangedMeanwhile.into());
        }
        let (mut devices, mut set, state) = match record {
            Some(record) => {
                // Without entries that earlier changes have left behind.
                let state = record.state.reduced_to(&record.credential);
                let (devices, set) = record.credential.into_parts();
                (devices, set, Some(state))
            }
            None => (Vec::new(), None, None),
        };
        let mut fresh = Vec::new();
        match &mut self.plan {
            Plan::Enrol(new, codes) => {
                fresh.push(new.entry()?);
                set = codes.take();
                devices = new.device.take().into_iter().collect();
            }
            Plan::Add(new, codes) => {
                let most = policy.enroll.max_authenticators;
                if devices.len() >= most.into() {
                    return Err(Refused::Full(most).into());
                }
                fresh.push(new.entry()?);
                set = codes.take().or(issued_here(set));
                devices.extend(new.device.take());
            }
            Plan::Remove(name) => {
                devices.retain(|one| one.name != *name);
                if devices.is_empty() && is_demanded(account, policy, belongs, now) {
                    return Err(Refused::Demanded.into());
                }
                if devices.is_empty() {
                    let put = keeper.erase(&mut held, &account.name, Goes::Record)?;
                    put.or_begin_anew(|| held.place(Part::Credential))?;
                    return Ok(Kept { enrolled: false });
                }
                set = issued_here(set);
            }
            Plan::RecoveryCodes(codes) => set = codes.take(),
        }
        let codes = set.as_ref().map(|set| RecoveryState::fresh(set.id));
        let user = account.name.as_str().to_owned();
        let credential = Credential::new(user, account.uid, devices, set)
            .map_err(|_| Refused::ChangedMeanwhile)?;
        // Existing entries stay as they are.
        let mut added = State::fresh(&credential);
        added.authenticators = fresh;
        added.recovery = codes.into_iter().collect();
        let state = state.map_or_else(|| added.clone(), |state| state.joined_with(&added));
        keeper.mark_enrolled()?;
        match held.replace(account, &credential, &state) {
            Err(error) if error.is_overtaken() => {
                self.take_back(credential);
                Err(error.into())
            }
            kept => {
                kept?;
                Ok(Kept { enrolled: true })
            }
        }
    }

    /// Takes the new parts back out of a credential that was not stored.
    fn take_back(&mut self, credential: Credential) {
        let (mut devices, set) = credential.into_parts();
        match &mut self.plan {
            Plan::Enrol(new, codes) => {
                new.device = devices.pop();
                *codes = set;
            }
            Plan::Add(new, codes) => {
                new.device = devices.pop();
                *codes = set.filter(|_| !self.codes.is_empty());
            }
            Plan::Remove(_) => {}
            Plan::RecoveryCodes(codes) => *codes = set,
        }
    }
}

impl New {
    /// Returns what is remembered about the device from the start.
    fn entry(&self) -> Result<AuthenticatorState, Refused> {
        let (step, when) = self.proof.ok_or(Refused::NotProven)?;
        let device = self.device.as_ref().ok_or(Refused::NotProven)?;
        Ok(AuthenticatorState {
            last_step: Some(step),
            last_used: Some(when),
            ..AuthenticatorState::fresh(device.id)
        })
    }
}

/// Whether policy demands a second factor now. Removing an authenticator begins no new grace.
fn is_demanded(
    account: &Account,
    policy: &Policy,
    belongs: impl Fn(&UserName, &str) -> Belongs,
    now: UnixTime,
) -> bool {
    let who = Unenrolled {
        user: account.name.as_str(),
        nullok: false,
        first_login: Some(UnixTime::from_seconds(0)),
    };
    let belongs = |group: &str| belongs(&account.name, group);
    !demand(&policy.enforce, &who, belongs, now).lets_in()
}

fn has_imported(credential: &impl Identities) -> bool {
    credential
        .issued()
        .is_some_and(|set| set.origin.is_imported())
}

/// Returns the set, unless another program has issued it.
fn issued_here(set: Option<RecoverySet>) -> Option<RecoverySet> {
    set.filter(|set| !set.origin.is_imported())
}

/// Refuses to change a locked account: an attacker who guesses must not get a new start by a change.
fn refuse_while_locked<C: Identities>(
    record: Option<&Record<C>>,
    policy: &Policy,
    now: UnixTime,
) -> Result<(), Refused> {
    let Some(record) = record else {
        return Ok(());
    };
    match standing_at(record.state.standing, now) {
        Standing::Open => Ok(()),
        Standing::Locked { .. } | Standing::Held => Err(Refused::Locked {
            opens: policy.recovery.opens_lock && !has_imported(&record.credential),
        }),
        Standing::Disabled => Err(Refused::Disabled),
    }
}

fn names(record: &Record<Outline>) -> Vec<Name> {
    let devices = record.credential.authenticators();
    devices.iter().map(|one| one.name.clone()).collect()
}

/// Returns the name of the authenticator to remove.
fn which(wanted: Option<Name>, all: &[Name]) -> Result<Name, Refused> {
    match (wanted, all) {
        (Some(wanted), all) if all.contains(&wanted) => Ok(wanted),
        (Some(wanted), _) => Err(Refused::NoSuchName(wanted)),
        (None, [only]) => Ok(only.clone()),
        (None, all) => Err(Refused::WhichOne(all.to_vec())),
    }
}

#[cfg(any(test, feature = "trial"))]
pub(crate) mod tests;
