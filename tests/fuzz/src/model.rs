//! Judges a login once more: from `pam_otp(8)`, `pam_otp.conf(5)` and AN ATTEMPT of `pam_otp-format(5)`, not from the code. It is
//! as plain as possible, and its numbers are as wide as they may become.

use crate::targets::plain_reply;
use otp_core::record::{Authenticator, Drift, Kind, Refusal, Resync, Standing, State};
use otp_core::recovery::RecoveryCode;
use otp_core::{Credential, Step, UnixTime};
use std::time::Duration;

/// The keys of the policy that are tried here.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub window: u64,
    pub failures: u32,
    pub unlock_after: Option<u64>,
    pub unlock_after_max: u64,
    pub disable_after: u32,
    pub opens_lock: bool,
    /// Groups whose members must have an authenticator; "*" is everybody, "gone" cannot be looked up.
    pub groups: Vec<&'static str>,
    pub exempt_groups: Vec<&'static str>,
    pub exempt_users: Vec<&'static str>,
    pub from: Option<u64>,
    pub grace: u64,
    pub remember: u64,
}

/// The outcome of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Accepted,
    Recovered,
    Refused,
    Locked,
}

/// The state of an account that has an authenticator, and how attempts change it.
pub(crate) struct Model<'a> {
    pub rules: &'a Rules,
    pub credential: &'a Credential,
    pub codes: &'a [RecoveryCode],
    /// The 8-digit codes of another program, which replace the others if there are any.
    pub digits: &'a [String],
    /// Its devices, as another implementation computes their codes.
    pub devices: &'a [totp_rs::Totp],
    pub state: State,
}

impl Model<'_> {
    /// Judges an attempt; `again`: the reply is the password that was asked for before.
    pub(crate) fn attempt(&mut self, reply: &[u8], again: bool, now: u64) -> Outcome {
        let ids: Vec<_> = self
            .credential
            .authenticators()
            .iter()
            .map(|one| one.id)
            .collect();
        self.state
            .authenticators
            .retain(|one| ids.contains(&one.id));
        let set = self.credential.recovery().map(|set| set.id);
        self.state.recovery.retain(|one| Some(one.id) == set);
        self.state.standing = standing(self.state.standing, now);
        let open = self.state.standing == Standing::Open;
        let (kind, plain) = plain_reply(reply);
        let no_guess = kind == "no guess" || (kind == "other" && again);
        if open && (kind == "empty" || no_guess) {
            return Outcome::Refused;
        }
        let before: Vec<_> = self
            .state
            .authenticators
            .iter()
            .map(|one| (one.id, one.resync))
            .collect();
        self.state
            .authenticators
            .iter_mut()
            .for_each(|one| one.resync = None);
        if !open {
            let opens = matches!(
                self.state.standing,
                Standing::Locked { .. } | Standing::Held
            );
            if kind == "recovery"
                && opens
                && self.rules.opens_lock
                && self.recovery(&plain) == Some(true)
            {
                return self.success(Outcome::Recovered);
            }
            self.state.last_refusal = Some((UnixTime::from_seconds(now), Refusal::Locked));
            return Outcome::Locked;
        }
        match kind {
            "code" => self.code(&plain, &before, now),
            "recovery" => match self.recovery(&plain) {
                Some(true) => self.success(Outcome::Recovered),
                Some(false) => self.refuse(Refusal::Replayed, now),
                None => self.fail(Refusal::WrongCode, now),
            },
            _ => self.fail(Refusal::WrongCode, now),
        }
    }

    fn code(
        &mut self,
        typed: &str,
        before: &[(otp_core::record::Id, Option<Resync>)],
        now: u64,
    ) -> Outcome {
        let found: Vec<_> = self
            .credential
            .authenticators()
            .iter()
            .zip(self.devices)
            .map(|(one, shown)| {
                let first = before.iter().find(|(id, _)| *id == one.id);
                self.compare(
                    one,
                    shown,
                    typed,
                    now,
                    first.and_then(|(_, resync)| *resync),
                )
            })
            .collect();
        let brought_along = self.digits.iter().position(|digits| digits == typed);
        let set = self.credential.recovery().map(|set| set.id);
        let used = self
            .state
            .recovery
            .iter_mut()
            .find(|one| Some(one.id) == set);
        let mut right = false;
        match (brought_along, used) {
            (Some(at), Some(entry)) if entry.used >> at & 1 == 1 => {
                return self.refuse(Refusal::Replayed, now);
            }
            (Some(at), Some(entry)) if !found.contains(&Found::Used) => {
                entry.used |= 1 << at;
                right = true;
            }
            _ => {}
        }
        if found.contains(&Found::Used) {
            return self.refuse(Refusal::Replayed, now);
        }
        let mut accepted = false;
        let mut far_off = false;
        for (one, found) in self.credential.authenticators().iter().zip(&found) {
            let first = before
                .iter()
                .find(|(id, _)| *id == one.id)
                .and_then(|(_, resync)| *resync);
            let entry = self
                .state
                .authenticators
                .iter_mut()
                .find(|entry| entry.id == one.id)
                .unwrap();
            let step = match *found {
                Found::Right(step) => step,
                Found::FarOff(step, distance)
                    if first.is_some_and(|first| match one.kind {
                        Kind::Totp(_) => {
                            step > first.step.0 && (first.distance.steps() - distance).abs() <= 1
                        }
                        Kind::Hotp => i128::from(step) == i128::from(first.step.0) + 1,
                    }) =>
                {
                    entry.drift = Drift::from_steps(distance).unwrap();
                    step
                }
                Found::FarOff(..) | Found::Used | Found::Nothing => continue,
            };
            entry.last_step = Some(Step(step));
            entry.last_used = Some(UnixTime::from_seconds(now));
            right = true;
            accepted = true;
        }
        if right {
            return self.success(if accepted {
                Outcome::Accepted
            } else {
                Outcome::Recovered
            });
        }
        for (one, found) in self.credential.authenticators().iter().zip(&found) {
            if let Found::FarOff(step, distance) = *found {
                let entry = self
                    .state
                    .authenticators
                    .iter_mut()
                    .find(|entry| entry.id == one.id)
                    .unwrap();
                entry.resync = Some(Resync {
                    step: Step(step),
                    distance: Drift::from_steps(distance).unwrap(),
                });
                far_off = true;
            }
        }
        self.fail(
            if far_off {
                Refusal::ClockOff
            } else {
                Refusal::WrongCode
            },
            now,
        )
    }

    fn compare(
        &self,
        one: &Authenticator,
        shown: &totp_rs::Totp,
        typed: &str,
        now: u64,
        first: Option<Resync>,
    ) -> Found {
        let entry = self.state.of(one.id).unwrap();
        let last = entry.last_step.map_or(-1, |step| i128::from(step.0));
        let is_code_of = |step: i128| {
            u64::try_from(step).is_ok_and(|step| shown.generate(step).to_string() == typed)
        };
        let newest = |from: i128, to: i128| (from.max(0)..=to).rev().find(|&step| is_code_of(step));
        let used = last >= 0 && is_code_of(last);
        let step = |step: i128| u64::try_from(step).unwrap();
        let Kind::Totp(period) = one.kind else {
            let ahead = one.window.map_or(10, |window| i128::from(window.after()));
            let next = last + 1;
            let most = i128::from(u64::MAX);
            let second = first.map(|first| i128::from(first.step.0) + 1);
            let second = second.filter(|second| (next..=next + 1000).contains(second));
            return match newest(next, (next + ahead - 1).min(most)) {
                Some(counter) => Found::Right(step(counter)),
                None if used => Found::Used,
                None if second.is_some_and(is_code_of) => Found::FarOff(step(second.unwrap()), 0),
                None => match newest(next + ahead, (next + 999).min(most)) {
                    Some(counter) => Found::FarOff(step(counter), 0),
                    None => Found::Nothing,
                },
            };
        };
        let here = i128::from(now / period.seconds());
        let middle = here + i128::from(entry.drift.steps());
        let (before, after) = match one.window {
            Some(window) => (i128::from(window.before()), i128::from(window.after())),
            None => (i128::from(self.rules.window), i128::from(self.rules.window)),
        };
        let reach = i128::from(600 / period.seconds());
        match newest(middle - before, middle + after) {
            Some(near) if near > last => Found::Right(step(near)),
            Some(_) => Found::Used,
            None if used => Found::Used,
            None => match newest(here - reach, here + reach) {
                Some(far) if far > last => {
                    Found::FarOff(step(far), i64::try_from(far - here).unwrap())
                }
                _ => Found::Nothing,
            },
        }
    }

    /// Returns whether it is an unused code, which it uses up; `None`: it is no code of this set.
    fn recovery(&mut self, plain: &str) -> Option<bool> {
        let letters = plain
            .to_ascii_uppercase()
            .replace('O', "0")
            .replace(['I', 'L'], "1");
        let at = self
            .codes
            .iter()
            .position(|code| code.reveal().replace('-', "") == letters)?;
        let set = self.credential.recovery()?.id;
        let entry = self
            .state
            .recovery
            .iter_mut()
            .find(|entry| entry.id == set)
            .unwrap();
        let unused = entry.used >> at & 1 == 0;
        entry.used |= 1 << at;
        Some(unused)
    }

    fn success(&mut self, how: Outcome) -> Outcome {
        self.state.standing = Standing::Open;
        (
            self.state.failures,
            self.state.failures_in_a_row,
            self.state.locks_in_a_row,
        ) = (0, 0, 0);
        how
    }

    fn refuse(&mut self, why: Refusal, now: u64) -> Outcome {
        self.state.last_refusal = Some((UnixTime::from_seconds(now), why));
        Outcome::Refused
    }

    fn fail(&mut self, why: Refusal, now: u64) -> Outcome {
        let (rules, state) = (self.rules, &mut self.state);
        state.failures = state.failures.saturating_add(1);
        state.failures_in_a_row = state.failures_in_a_row.saturating_add(1);
        if rules.disable_after != 0 && state.failures_in_a_row >= rules.disable_after {
            state.standing = Standing::Disabled;
            state.failures = 0;
        } else if state.failures >= rules.failures {
            state.locks_in_a_row = state.locks_in_a_row.saturating_add(1);
            state.failures = 0;
            state.standing = match rules.unlock_after {
                None => Standing::Held,
                Some(first) => {
                    let doubled = (state.locks_in_a_row - 1).min(64);
                    let lasts = (u128::from(first) << doubled).min(rules.unlock_after_max.into());
                    let lasts = Duration::from_secs(u64::try_from(lasts).unwrap());
                    Standing::Locked {
                        since: UnixTime::from_seconds(now),
                        lasts,
                    }
                }
            };
        }
        self.refuse(why, now)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    Right(u64),
    Used,
    /// The step, and its distance from the present one.
    FarOff(u64, i64),
    Nothing,
}

/// Returns the standing at this moment.
pub(crate) fn standing(stored: Standing, now: u64) -> Standing {
    match stored {
        Standing::Locked { since, lasts } if since.seconds() > now => Standing::Locked {
            since: UnixTime::from_seconds(now),
            lasts,
        },
        Standing::Locked { since, lasts } => {
            let ends =
                (u128::from(since.seconds()) + u128::from(lasts.as_secs())).min(u64::MAX.into());
            if u128::from(now) >= ends {
                Standing::Open
            } else {
                stored
            }
        }
        Standing::Open | Standing::Held | Standing::Disabled => stored,
    }
}

impl Rules {
    /// Returns until when a user without an authenticator gets in: never, for ever, or for a while.
    pub(crate) fn excuses(
        &self,
        name: &str,
        member_of: &[&str],
        nullok: bool,
        first: Option<u64>,
        now: u64,
    ) -> Excused {
        let is_exempt = self.exempt_users.contains(&name)
            || self.exempt_groups.iter().any(|one| member_of.contains(one));
        let must = self
            .groups
            .iter()
            .any(|one| *one == "*" || *one == "gone" || member_of.contains(one));
        if nullok || is_exempt || !must {
            return Excused::Always;
        }
        let grace = first
            .map_or(now, |first| first.min(now))
            .saturating_add(self.grace);
        let ends = self.from.map_or(grace, |from| from.max(grace));
        if now < ends {
            Excused::Until(ends)
        } else {
            Excused::No
        }
    }
}

/// Until when a user without an authenticator gets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub(crate) enum Excused {
    No,
    Until(u64),
    Always,
}
