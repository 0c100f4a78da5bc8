//! The decision about one attempt: the only place where a verdict is born.

use crate::code::{Generator, HOTP_LOOK_AHEAD, HOTP_REACH, TypedCode, around};
use crate::imported::{self, ImportedCode};
use crate::input::{Input, NoGuess};
use crate::mailed::MailedReply;
use crate::record::{
    Authenticator, AuthenticatorState, Credential, Drift, Id, Kind, Name, Policy, Refusal, Resync,
    Standing, State, Unlock, Window,
};
use crate::recovery::{self, RecoveryCode};
use crate::time::{Step, UnixTime};
use std::hint::black_box;
use std::ops::RangeInclusive;

/// What became of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A code of this authenticator was right.
    Accepted {
        /// Whose code it was.
        authenticator: Name,
        /// Set when this was the second code in a row from a clock that is off: the new drift, in steps.
        resynchronised: Option<Drift>,
    },
    /// A recovery code was right; so many are left.
    Recovered {
        /// Unused recovery codes after this one.
        left: u32,
    },
    /// The code that was mailed for this login was right.
    Mailed,
    /// Matched nothing; counted. So many failures are left before the lock.
    Rejected {
        /// Further failures that are allowed before the account locks.
        left: u32,
    },
    /// Matched nothing; counted, and it was one too many.
    RejectedAndLocked {
        /// The lock that begins.
        standing: Standing,
    },
    /// Right, but used before; not counted.
    Replayed,
    /// Nothing was typed; not counted.
    Empty,
    /// No guess at a code, refused as a wrong one; not counted.
    NoGuess {
        /// What it was.
        why: NoGuess,
    },
    /// The account is locked or disabled; what was typed was not looked at.
    Locked {
        /// Until when.
        standing: Standing,
    },
    /// The account has no authenticator and must have one.
    NotEnrolled,
    /// The account has no authenticator and policy excuses it.
    Excused,
}

/// Decides about an account without a credential.
///
/// A missing reply is told as that, as it is to somebody who is enrolled.
#[must_use]
pub const fn absent(excused: bool, input: &Input) -> Verdict {
    match (excused, input) {
        (true, _) => Verdict::Excused,
        (false, Input::Empty) => Verdict::Empty,
        (
            false,
            Input::Code(_)
            | Input::Recovery(_)
            | Input::Mailed(_)
            | Input::NoGuess(_)
            | Input::Other,
        ) => Verdict::NotEnrolled,
    }
}

/// Decides one attempt and says what must be remembered about it.
///
/// Pure: the caller brings `now` and stores the returned [`State`], also after a refusal. A step at or before
/// the last accepted one never matches again (RFC 6238 section 5.2), so a clock that runs back costs the user a
/// wait and never the system a replay. While locked, only a recovery code that was issued here is looked at, where policy
/// allows: one of 8 digits, from another program, can be guessed.
///
/// What is no code costs the same work as a code, so that time tells nothing.
#[must_use]
pub fn decide(
    credential: &Credential,
    state: &State,
    policy: &Policy,
    input: &Input,
    now: UnixTime,
) -> (Verdict, State) {
    let (verdict, next) = verdict(credential, state, policy, input, now);
    if matches!(input, Input::Empty | Input::NoGuess(_) | Input::Other) {
        look_at_a_blank_code(credential, policy, now, &next);
    }
    (verdict, next)
}

/// The state to store before a reply is looked at: that of an attempt that has failed.
///
/// A program that is killed while it looks cannot take the guess back. What is no guess is not counted here either.
#[must_use]
pub fn failed_beforehand(
    credential: &Credential,
    state: &State,
    policy: &Policy,
    input: &Input,
    now: UnixTime,
) -> State {
    let presumed = match input {
        Input::Empty | Input::NoGuess(_) => input,
        Input::Code(_) | Input::Recovery(_) | Input::Mailed(_) | Input::Other => &Input::Other,
    };
    verdict(credential, state, policy, presumed, now).1
}

fn verdict(
    credential: &Credential,
    state: &State,
    policy: &Policy,
    input: &Input,
    now: UnixTime,
) -> (Verdict, State) {
    let mut next = state.reduced_to(credential);
    next.standing = standing_at(next.standing, now);
    let verdict = match (next.standing, input) {
        (Standing::Open, Input::Empty) => Verdict::Empty,
        (Standing::Open, Input::Code(typed)) => try_code(credential, policy, typed, now, &mut next),
        (Standing::Open, Input::Recovery(code)) => {
            match use_recovery_code(credential, code, &mut next) {
                CodeUse::Unused => recovered(credential, &mut next),
                CodeUse::UsedBefore => {
                    refused(Verdict::Replayed, Refusal::Replayed, now, &mut next)
                }
                CodeUse::Unknown => reject(policy, Refusal::WrongCode, now, &mut next),
            }
        }
        (Standing::Open, Input::Mailed(reply)) => {
            try_mailed(credential, policy, reply, now, &mut next)
        }
        (Standing::Open, Input::Other) => reject(policy, Refusal::WrongCode, now, &mut next),
        // Not even remembered: what a caller claims would take the place of what the help desk looks for.
        (Standing::Open, &Input::NoGuess(why)) => Verdict::NoGuess { why },
        (Standing::Locked { .. } | Standing::Held, Input::Recovery(code))
            if policy.recovery.opens_lock =>
        {
            match use_recovery_code(credential, code, &mut next) {
                CodeUse::Unused => recovered(credential, &mut next),
                CodeUse::UsedBefore | CodeUse::Unknown => locked(now, &mut next),
            }
        }
        (Standing::Locked { .. } | Standing::Held | Standing::Disabled, _) => {
            locked(now, &mut next)
        }
    };
    if !matches!(verdict, Verdict::Empty | Verdict::NoGuess { .. }) {
        forget_half_resyncs(&mut next, now, &verdict);
    }
    (verdict, next)
}

/// The work that a typed code costs, for nothing.
fn look_at_a_blank_code(credential: &Credential, policy: &Policy, now: UnixTime, state: &State) {
    let blank = TypedCode::blank();
    for one in credential.authenticators() {
        black_box(match_code(one, state.of(one.id), policy, &blank, now));
    }
}

/// The standing as it is at `now`: a timed lock that has run out is open.
///
/// A lock begins anew when it lies in the future: the clock has run back, and a lock that was set by a clock gone
/// wrong would otherwise last until that false date.
#[must_use]
pub fn standing_at(standing: Standing, now: UnixTime) -> Standing {
    match standing {
        Standing::Locked { since, lasts } if now < since => Standing::Locked { since: now, lasts },
        Standing::Locked { since, lasts } if now >= since.after(lasts) => Standing::Open,
        unchanged => unchanged,
    }
}

/// How a typed code fares with one authenticator.
enum Match {
    Fresh(Step),
    Replay,
    FarOff(Resync),
    Nothing,
}

/// Looks at every authenticator and every step, whatever the first ones say.
fn try_code(
    credential: &Credential,
    policy: &Policy,
    typed: &TypedCode,
    now: UnixTime,
    next: &mut State,
) -> Verdict {
    let matches: Vec<Match> = credential
        .authenticators()
        .iter()
        .map(|one| match_code(one, next.of(one.id), policy, typed, now))
        .collect();
    // Looked for whatever the authenticators say, so that the time does not tell what the digits are.
    let imported = find_imported(credential, typed, next);
    // One code must never be accepted twice, also not by two authenticators that happen to show the same digits, or as a
    // code of an authenticator and as an imported one.
    if matches.iter().any(|one| matches!(one, Match::Replay))
        || matches!(imported, Imported::UsedBefore)
    {
        return refused(Verdict::Replayed, Refusal::Replayed, now, next);
    }
    let mut accepted = None;
    for (authenticator, found) in credential.authenticators().iter().zip(&matches) {
        let Some(entry) = next
            .authenticators
            .iter_mut()
            .find(|entry| entry.id == authenticator.id)
        else {
            continue;
        };
        let (step, resynchronised) = match found {
            Match::Fresh(step) => (*step, None),
            Match::FarOff(far) if completes(authenticator.kind, entry.resync, *far) => {
                (far.step, Some(far.distance))
            }
            Match::FarOff(_) | Match::Replay | Match::Nothing => continue,
        };
        entry.last_step = Some(step);
        entry.last_used = Some(now);
        entry.drift = resynchronised.unwrap_or(entry.drift);
        accepted.get_or_insert((authenticator.name.clone(), resynchronised));
    }
    let recovers = match imported {
        Imported::Unused { id, bit } => {
            // Also where an authenticator shows the same digits: they would be good for another login.
            for entry in next.recovery.iter_mut().filter(|entry| entry.id == id) {
                entry.used |= bit;
            }
            true
        }
        Imported::UsedBefore | Imported::Unknown => false,
    };
    if let Some((authenticator, resynchronised)) = accepted {
        succeed(next);
        return Verdict::Accepted {
            authenticator,
            resynchronised,
        };
    }
    if recovers {
        return recovered(credential, next);
    }
    let mut refusal = Refusal::WrongCode;
    for (authenticator, found) in credential.authenticators().iter().zip(&matches) {
        let far = match found {
            Match::FarOff(far) => Some(*far),
            Match::Fresh(_) | Match::Replay | Match::Nothing => None,
        };
        if far.is_some() {
            refusal = Refusal::ClockOff;
        }
        // Also where there is none: a code of another device comes in between.
        if let Some(entry) = next
            .authenticators
            .iter_mut()
            .find(|entry| entry.id == authenticator.id)
        {
            entry.resync = far;
        }
    }
    reject(policy, refusal, now, next)
}

/// Looks at a reply as at the code that was mailed, and as at any other, whatever the first look says.
///
/// Where the digits happen to be both, they are used up as both: they would be good for another login.
///
/// While locked it is looked at neither way: a mailed code opens no lock.
fn try_mailed(
    credential: &Credential,
    policy: &Policy,
    reply: &MailedReply,
    now: UnixTime,
    next: &mut State,
) -> Verdict {
    let is_right =
        policy.recovery.email && reply.is_right(credential.user(), credential.uid(), now);
    let mut by_device = next.clone();
    let otherwise = try_code(credential, policy, reply.typed(), now, &mut by_device);
    match otherwise {
        Verdict::Accepted { .. } | Verdict::Recovered { .. } => *next = by_device,
        _ if is_right => succeed(next),
        _ => *next = by_device,
    }
    if is_right { Verdict::Mailed } else { otherwise }
}

/// Finds the step of a typed code: in the window, or for a resynchronisation up to ten minutes away.
fn match_code(
    authenticator: &Authenticator,
    entry: Option<&AuthenticatorState>,
    policy: &Policy,
    typed: &TypedCode,
    now: UnixTime,
) -> Match {
    // The store refuses a state that lacks an entry; without one nothing can match here either.
    let Some(entry) = entry else {
        return Match::Nothing;
    };
    let generator = Generator::new(authenticator);
    let fresh = |step: Step| entry.last_step.is_none_or(|last| step > last);
    let period = match authenticator.kind {
        Kind::Totp(period) => period,
        Kind::Hotp => return match_counter(&generator, entry, look_ahead_of(authenticator), typed),
    };
    let here = now.step(period);
    // The far steps are searched also where a near one matches: the work must not tell a right code from a wrong one to
    // somebody who watches, and could kill the program before the failure is stored.
    let reach = Drift::LIMIT.as_secs() / period.seconds();
    let window = window_around(here, entry.drift, steps_of(authenticator, policy));
    let [near, far] = generator.newest_matches(typed, &[window, around(here, reach, reach)]);
    // However old: programs send the credentials of a login again hours later.
    let last = entry.last_step.unwrap_or_default();
    let is_the_last = generator.newest_match(typed, last..=last).is_some();
    match (near, far) {
        (Some(step), _) if fresh(step) => Match::Fresh(step),
        (Some(_), _) => Match::Replay,
        (None, _) if is_the_last && entry.last_step.is_some() => Match::Replay,
        (None, Some(step)) if fresh(step) => match Drift::from_steps(distance(here, step)) {
            Ok(distance) => Match::FarOff(Resync { step, distance }),
            Err(_) => Match::Nothing,
        },
        (None, _) => Match::Nothing,
    }
}

/// Finds the counter of a typed code: the next ones in the look-ahead, or for a resynchronisation those that follow, up to
/// [`HOTP_REACH`] (RFC 4226 section 7.4).
fn match_counter(
    generator: &Generator,
    entry: &AuthenticatorState,
    look_ahead: u64,
    typed: &TypedCode,
) -> Match {
    let next = entry
        .last_step
        .map_or(Some(0), |last| last.0.checked_add(1));
    // However old: programs send the credentials of a login again hours later.
    let last = entry.last_step.unwrap_or_default();
    let is_the_last = generator.newest_match(typed, last..=last).is_some();
    let is_the_last = is_the_last && entry.last_step.is_some();
    // There is a counter after the last one for as long as anybody lives; without one nothing matches.
    let Some(next) = next else {
        return if is_the_last {
            Match::Replay
        } else {
            Match::Nothing
        };
    };
    let near = around(Step(next), 0, look_ahead - 1);
    let far = around(
        Step(next.saturating_add(look_ahead)),
        0,
        HOTP_REACH - look_ahead - 1,
    );
    // The second half of a resynchronisation is the very next code. Among so many others one of the same digits may come
    // later, so that this one is looked at by itself; where there is no first half, for the time that it takes. A first half
    // that lies behind, since more was used meanwhile, has no second.
    let first = entry.resync.map(|first| first.step.0.saturating_add(1));
    let within = next..=next.saturating_add(HOTP_REACH);
    let second = first.filter(|second| within.contains(second));
    let looked_at = Step(second.unwrap_or(next));
    let is_the_second = generator
        .newest_match(typed, looked_at..=looked_at)
        .is_some();
    let is_the_second = is_the_second && second.is_some();
    let far_off = |step| {
        let distance = Drift::default();
        Match::FarOff(Resync { step, distance })
    };
    match generator.newest_matches(typed, &[near, far]) {
        [Some(step), _] => Match::Fresh(step),
        [None, _] if is_the_last => Match::Replay,
        [None, _] if is_the_second => far_off(looked_at),
        [None, Some(step)] => far_off(step),
        [None, None] => Match::Nothing,
    }
}

/// How many counters of an event-based authenticator are looked at: as it says itself, or as many as of any other.
fn look_ahead_of(authenticator: &Authenticator) -> u64 {
    authenticator
        .window
        .map_or(HOTP_LOOK_AHEAD, |window| window.after().into())
}

/// The window of a time-based authenticator: its own, or that of the policy.
fn steps_of(authenticator: &Authenticator, policy: &Policy) -> Window {
    authenticator
        .window
        .unwrap_or_else(|| Window::around(policy.code.window))
}

/// The steps of the window: none where all of it would lie before 1970.
fn window_around(here: Step, drift: Drift, window: Window) -> RangeInclusive<Step> {
    let middle = i128::from(here.0) + i128::from(drift.steps());
    let first = u64::try_from(middle - i128::from(window.before())).unwrap_or_default();
    match u64::try_from(middle + i128::from(window.after())) {
        Ok(last) => Step(first)..=Step(last),
        Err(_) => Step(1)..=Step(0),
    }
}

/// Signed distance in steps, saturating.
fn distance(from: Step, to: Step) -> i64 {
    i64::try_from(i128::from(to.0) - i128::from(from.0)).unwrap_or(i64::MAX)
}

/// Whether a code from outside the window follows one that was as far off (RFC 6238 section 6).
///
/// A later code, since the same one twice proves nothing. The distance may differ by one step: two clocks that are a
/// constant 100 s apart are three steps apart at one moment and four at another. Of counters it is the very next one
/// (RFC 4226 section 7.4), so that a guess has to be right in all of its digits.
fn completes(kind: Kind, first: Option<Resync>, second: Resync) -> bool {
    first.is_some_and(|first| match kind {
        Kind::Totp(_) => {
            second.step > first.step
                && first.distance.steps().abs_diff(second.distance.steps()) <= 1
        }
        Kind::Hotp => first.step.0.checked_add(1) == Some(second.step.0),
    })
}

/// "In a row" means nothing in between: any attempt but the one just made forgets the first half.
fn forget_half_resyncs(next: &mut State, now: UnixTime, verdict: &Verdict) {
    let just_made = matches!(
        verdict,
        Verdict::Rejected { .. } | Verdict::RejectedAndLocked { .. }
    ) && next.last_refusal == Some((now, Refusal::ClockOff));
    if !just_made {
        for entry in &mut next.authenticators {
            entry.resync = None;
        }
    }
}

/// What 8 digits are to this account beside a code of an authenticator.
enum Imported {
    Unused { id: Id, bit: u32 },
    UsedBefore,
    Unknown,
}

/// Looks a reply of 8 digits up in the imported set, where there is one: also where all of its codes are used, so that the
/// time tells no more than that codes were imported. Other replies, and accounts without such a set, cost nothing here.
fn find_imported(credential: &Credential, typed: &TypedCode, state: &State) -> Imported {
    let Some(set) = credential.recovery().filter(|set| set.origin.is_imported()) else {
        return Imported::Unknown;
    };
    let (Some(code), Some(entry)) = (ImportedCode::typed(typed), state.of_codes(set.id)) else {
        return Imported::Unknown;
    };
    match imported::position(set, &code) {
        Ok(Some(at)) if entry.used & (1 << at) == 0 => Imported::Unused {
            id: set.id,
            bit: 1 << at,
        },
        Ok(Some(_)) => Imported::UsedBefore,
        // Without memory nothing matches; whoever can tell refuses the attempt before.
        Ok(None) | Err(imported::NoMemory) => Imported::Unknown,
    }
}

/// What a recovery code is to this account.
enum CodeUse {
    Unused,
    UsedBefore,
    Unknown,
}

/// Marks a recovery code as used, if it is one.
fn use_recovery_code(credential: &Credential, code: &RecoveryCode, next: &mut State) -> CodeUse {
    let Some(set) = credential.recovery() else {
        return CodeUse::Unknown;
    };
    let Some(entry) = next.recovery.iter_mut().find(|entry| entry.id == set.id) else {
        return CodeUse::Unknown;
    };
    match recovery::position(set, code) {
        Some(at) if entry.used & (1 << at) == 0 => {
            entry.used |= 1 << at;
            CodeUse::Unused
        }
        Some(_) => CodeUse::UsedBefore,
        None => CodeUse::Unknown,
    }
}

fn recovered(credential: &Credential, next: &mut State) -> Verdict {
    succeed(next);
    Verdict::Recovered {
        left: next.recovery_codes_left(credential),
    }
}

/// A success opens the account and forgets the failures.
fn succeed(next: &mut State) {
    *next = next.unlocked();
}

/// Counts a failure; the one too many locks, and the hundredth in a row disables (NIST SP 800-63B-4 section 3.2.2).
fn reject(policy: &Policy, refusal: Refusal, now: UnixTime, next: &mut State) -> Verdict {
    next.last_refusal = Some((now, refusal));
    next.failures = next.failures.saturating_add(1);
    next.failures_in_a_row = next.failures_in_a_row.saturating_add(1);
    if policy
        .lockout
        .disable_after()
        .is_some_and(|limit| next.failures_in_a_row >= limit)
    {
        next.standing = Standing::Disabled;
    } else if next.failures >= policy.lockout.failures() {
        next.locks_in_a_row = next.locks_in_a_row.saturating_add(1);
        next.standing = match policy.lockout.lock_length(next.locks_in_a_row) {
            Unlock::After(lasts) => Standing::Locked { since: now, lasts },
            Unlock::Never => Standing::Held,
        };
    } else {
        return Verdict::Rejected {
            left: policy.lockout.failures() - next.failures,
        };
    }
    next.failures = 0;
    Verdict::RejectedAndLocked {
        standing: next.standing,
    }
}

fn locked(now: UnixTime, next: &mut State) -> Verdict {
    let standing = next.standing;
    refused(Verdict::Locked { standing }, Refusal::Locked, now, next)
}

fn refused(verdict: Verdict, refusal: Refusal, now: UnixTime, next: &mut State) -> Verdict {
    next.last_refusal = Some((now, refusal));
    verdict
}

#[cfg(test)]
mod tests;
