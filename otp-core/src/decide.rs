//! The decision about one attempt: only this module makes verdicts.

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

/// The result of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A code of this authenticator was right.
    Accepted {
        /// The name of the authenticator that shows this code.
        authenticator: Name,
        /// The new drift in steps, if this was the second code in a row from a clock that is off.
        resynchronised: Option<Drift>,
    },
    /// A recovery code was right.
    Recovered {
        /// Unused recovery codes after this one.
        left: u32,
    },
    /// The code that was mailed for this login was right.
    Mailed,
    /// The reply matched nothing, and was counted.
    Rejected {
        /// Further failures that are allowed before the account locks.
        left: u32,
    },
    /// The reply matched nothing, was counted, and reached the limit.
    RejectedAndLocked {
        /// The lock that begins.
        standing: Standing,
    },
    /// The code was right, but was used before; not counted.
    Replayed,
    /// Nothing was typed; not counted.
    Empty,
    /// The reply is no guess at a code. It is refused like a wrong code, but not counted.
    NoGuess {
        /// What the reply was.
        why: NoGuess,
    },
    /// The account is locked or disabled; nothing else is told about the reply.
    Locked {
        /// The lock, with its end if it has one.
        standing: Standing,
    },
    /// The account has no authenticator and must have one.
    NotEnrolled,
    /// The account has no authenticator, and policy excuses it.
    Excused,
}

/// Decides about an account without a credential.
///
/// An empty reply gets the same verdict here as from an enrolled account, unless the account is excused.
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

/// Decides one attempt, and says what must be remembered about it.
///
/// Pure: the caller brings `now` and stores the returned [`State`], also after a refusal. A step at or before the last
/// accepted one never matches again (RFC 6238 section 5.2). So a clock that runs back makes the user wait, but never
/// allows a replay. While the account is locked, only a recovery code that was issued here can open it, and only if
/// policy allows that. Recovery codes from another program have 8 digits, which can be guessed, so they open no lock.
///
/// A reply that is not a code costs as much work as a code, so that the time tells nothing.
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

/// Returns the state to store before a reply is looked at: the state after a failed attempt.
///
/// A program that is killed while it looks cannot take the guess back. A reply that is no guess is not counted here
/// either.
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
        // Not remembered either: a caller's claim would overwrite the refusal that the help desk looks for.
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

/// Does the work that a typed code costs, and ignores the result.
fn look_at_a_blank_code(credential: &Credential, policy: &Policy, now: UnixTime, state: &State) {
    let blank = TypedCode::blank();
    for one in credential.authenticators() {
        black_box(match_code(one, state.of(one.id), policy, &blank, now));
    }
}

/// Returns the standing at `now`: a timed lock that has run out is open.
///
/// A lock that begins in the future begins again now. The clock has run back, and a lock that was set by a wrong clock
/// would otherwise last until that wrong date.
#[must_use]
pub fn standing_at(standing: Standing, now: UnixTime) -> Standing {
    match standing {
        Standing::Locked { since, lasts } if now < since => Standing::Locked { since: now, lasts },
        Standing::Locked { since, lasts } if now >= since.after(lasts) => Standing::Open,
        unchanged => unchanged,
    }
}

/// How a typed code compares with one authenticator.
enum Match {
    Fresh(Step),
    Replay,
    FarOff(Resync),
    Nothing,
}

/// Compares the code with every authenticator and every step, even after a match.
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
    // Searched whatever the authenticators say, so that the time does not tell what the digits are.
    let imported = find_imported(credential, typed, next);
    // One code must never be accepted twice. This also holds if two authenticators show the same digits, or if an
    // authenticator and an imported code do.
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
            // Marked also if an authenticator shows the same digits: they would be good for another login.
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
        // Written also if there is none: a code of another device in between breaks the row.
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

/// Compares a reply with the mailed code and with all other codes, even after a match.
///
/// Digits that happen to be both are used up as both: otherwise they would be good for another login.
///
/// While the account is locked, neither comparison is made: a mailed code opens no lock.
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

/// Finds the step of a typed code: in the window, or, for a resynchronisation, up to ten minutes away.
fn match_code(
    authenticator: &Authenticator,
    entry: Option<&AuthenticatorState>,
    policy: &Policy,
    typed: &TypedCode,
    now: UnixTime,
) -> Match {
    // The store refuses a state that lacks an entry; without an entry nothing can match here either.
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
    // The far steps are searched even if a near one matches. Otherwise the work would tell a right code from a wrong
    // one to an attacker who watches, and who could kill the program before the failure is stored.
    let reach = Drift::LIMIT.as_secs() / period.seconds();
    let window = window_around(here, entry.drift, steps_of(authenticator, policy));
    let [near, far] = generator.newest_matches(typed, &[window, around(here, reach, reach)]);
    // Compared however old it is: programs send the credentials of a login again hours later.
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

/// Finds the counter of a typed code: in the look-ahead, or, for a resynchronisation, in the counters that follow, up
/// to [`HOTP_REACH`] (RFC 4226 section 7.4).
fn match_counter(
    generator: &Generator,
    entry: &AuthenticatorState,
    look_ahead: u64,
    typed: &TypedCode,
) -> Match {
    let next = entry
        .last_step
        .map_or(Some(0), |last| last.0.checked_add(1));
    // Compared however old it is: programs send the credentials of a login again hours later.
    let last = entry.last_step.unwrap_or_default();
    let is_the_last = generator.newest_match(typed, last..=last).is_some();
    let is_the_last = is_the_last && entry.last_step.is_some();
    // A counter of 64 bits outlasts every user. After the last counter nothing new matches.
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
    // The second half of a resynchronisation is the very next code. Among that many counters a later one may show the
    // same digits, so the next one is compared separately. If there is no first half, this is done only for the time it
    // takes. A first half that lies behind, because later counters were used meanwhile, has no second half.
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

/// Returns how many counters of an event-based authenticator are tried: its own number, or the usual one.
fn look_ahead_of(authenticator: &Authenticator) -> u64 {
    authenticator
        .window
        .map_or(HOTP_LOOK_AHEAD, |window| window.after().into())
}

/// Returns the window of a time-based authenticator: its own, or that of the policy.
fn steps_of(authenticator: &Authenticator, policy: &Policy) -> Window {
    authenticator
        .window
        .unwrap_or_else(|| Window::around(policy.code.window))
}

/// Returns the steps of the window; none if all of it would lie before 1970.
fn window_around(here: Step, drift: Drift, window: Window) -> RangeInclusive<Step> {
    let middle = i128::from(here.0) + i128::from(drift.steps());
    let first = u64::try_from(middle - i128::from(window.before())).unwrap_or_default();
    match u64::try_from(middle + i128::from(window.after())) {
        Ok(last) => Step(first)..=Step(last),
        Err(_) => Step(1)..=Step(0),
    }
}

/// Returns the signed distance in steps, saturating.
fn distance(from: Step, to: Step) -> i64 {
    i64::try_from(i128::from(to.0) - i128::from(from.0)).unwrap_or(i64::MAX)
}

/// Whether a code from outside the window follows one that was as far off (RFC 6238 section 6).
///
/// It must be a later code, since the same code twice proves nothing. The distances may differ by one step: two clocks
/// that are a constant 100 s apart are three steps apart at one moment and four at another. For counters it must be the
/// very next one (RFC 4226 section 7.4), so that a guess must be right in all of its digits.
fn completes(kind: Kind, first: Option<Resync>, second: Resync) -> bool {
    first.is_some_and(|first| match kind {
        Kind::Totp(_) => {
            second.step > first.step
                && first.distance.steps().abs_diff(second.distance.steps()) <= 1
        }
        Kind::Hotp => first.step.0.checked_add(1) == Some(second.step.0),
    })
}

/// Forgets the first half of a resynchronisation after any attempt but the one that set it: the two codes must come in
/// a row.
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

/// What 8 digits are to this account, apart from being a code of an authenticator.
enum Imported {
    Unused { id: Id, bit: u32 },
    UsedBefore,
    Unknown,
}

/// Looks up a reply of 8 digits in the imported set, if there is one. It does so even if all of its codes are used, so
/// the time tells only that codes were imported. Other replies, and accounts without such a set, cost nothing here.
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
        // Without memory nothing matches. Callers that can report this refuse the attempt before they get here.
        Ok(None) | Err(imported::NoMemory) => Imported::Unknown,
    }
}

/// What a recovery code is to this account.
enum CodeUse {
    Unused,
    UsedBefore,
    Unknown,
}

/// Marks a recovery code as used, if it is one of the account's.
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

/// Opens the account and forgets the failures, after a success.
fn succeed(next: &mut State) {
    *next = next.unlocked();
}

/// Counts a failure. The failure that reaches the limit locks. The failure in a row that policy names, at most the
/// hundredth, disables (NIST SP 800-63B-4 section 3.2.2).
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
