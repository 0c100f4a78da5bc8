//! Foretells the module's answer, by the model and by the words of the manuals.

use super::damage::Damage;
use super::program::Program;
use super::{END_OF_TIME, World};
use crate::host::Disposition;
use crate::model::{Excused, Outcome, standing};
use otp_core::record::{Digits, Standing};
use otp_store::Place;

impl World<'_> {
    /// Returns what the policy says about the login of a user without an authenticator. `account`: `None` if nobody has that name,
    /// so that it is in no group.
    fn excused(
        &self,
        program: &Program,
        user: &str,
        account: Option<&'static str>,
        line: &str,
    ) -> Excused {
        let (rules, now) = (self.model.rules, program.now);
        let Some(account) = account else {
            let mut rules = rules.clone();
            rules.groups.retain(|group| *group != "gone");
            return rules.excuses(user, &[], line.contains("nullok"), None, now);
        };
        let first = self.first_login.get(account).copied();
        let excused =
            |name| rules.excuses(name, &program.groups, line.contains("nullok"), first, now);
        // By a second name: the stricter of the two verdicts.
        let (one, other) = (excused(account), excused(user));
        if other < one { other } else { one }
    }

    fn is_trusted_network(program: &Program) -> bool {
        program.rhost.starts_with("10.")
    }

    fn remember(&self, line: &str) -> u64 {
        match line {
            line if line.contains("grace_period=60") => 60,
            line if line.contains("grace_period=0") => 0,
            _ => self.model.rules.remember,
        }
    }

    fn is_trusted_place(&self, program: &Program, line: &str) -> bool {
        let now = program.now;
        let open = standing(self.model.state.standing, now) == Standing::Open
            && self.model.state.locks_in_a_row == 0;
        let is_sound = self.damage.is_none();
        let place = (program.service.to_owned(), program.rhost.to_owned());
        let found = self
            .places
            .iter()
            .find(|(known, _)| *known == place)
            .map(|(_, since)| *since);
        open && is_sound
            && found.is_some_and(|since| {
                since <= now && now < since.saturating_add(self.remember(line))
            })
    }

    pub(super) fn foretell(&mut self, program: &Program, line: &str) -> Disposition {
        use Disposition::{Ignore, Locked, Refused, Success, Unavailable};
        if program.has_no_user || program.name_service_is_down {
            return Unavailable;
        }
        if matches!(self.damage, Some(Damage::Policy | Damage::Records)) {
            return Unavailable;
        }
        let account = account_of(program.user);
        let trusted = Self::is_trusted_network(program) && program.proves_identity;
        // The first line of `split` asks everybody, even if no code is required.
        let cut_off = line.contains("split") && program.reply.is_err();
        // In a trusted place, `forward_pass` asks only users who can have a code.
        let forwards = line.contains("forward_pass")
            && !(line.contains("use_first_pass")
                || line.contains("try_first_pass") && program.password.is_some());
        let renamed = program.reply.is_ok()
            && program
                .user_after_question
                .is_some_and(|user| user != program.user);
        let in_trust = |has_authenticator| match forwards && has_authenticator {
            _ if cut_off => Refused,
            true if program.reply.is_err() => Refused,
            true if renamed => Unavailable,
            _ => Ignore,
        };
        if let (Some(account), true) = (account, trusted) {
            return in_trust(self.is_enrolled(account));
        }
        if program.is_before_1970 {
            return Unavailable;
        }
        let has_authenticator = account.is_some_and(|account| self.is_enrolled(account));
        if account.is_none()
            && (trusted || self.excused(program, program.user, None, line) != Excused::No)
        {
            return Refused;
        }
        if account == Some("alice")
            && program.proves_identity
            && self.is_trusted_place(program, line)
        {
            return in_trust(true);
        }
        let open_to_some = line.contains("nullok") || !self.keeps_everybody_out(program.now);
        if account == Some("alice") && self.damage == Some(Damage::Modes) && open_to_some {
            return Unavailable;
        }
        if account.is_some()
            && !has_authenticator
            && self.excused(program, program.user, account, line) != Excused::No
        {
            return if cut_off { Refused } else { Ignore };
        }
        let attempts = attempts(program, line);
        let mut answer = Refused;
        for attempt in attempts {
            let (code, again, now) = match attempt {
                Attempt::Typed(code, again, now) => (code, again, now),
                Attempt::Fails(how) => return how,
            };
            answer = match account {
                Some("alice") if has_authenticator => {
                    if self.damage.is_some() {
                        return Unavailable;
                    }
                    let had_locks = self.model.state.locks_in_a_row > 0;
                    let before = self.model.state.clone();
                    let outcome = self.model.attempt(&code, again, now);
                    self.before = Some(before);
                    let locked_now =
                        self.model.state.locks_in_a_row > 0 && outcome == Outcome::Refused;
                    let disabled_now = self.model.state.standing == Standing::Disabled
                        && outcome == Outcome::Refused;
                    if had_locks || (locked_now || disabled_now) {
                        self.places.clear();
                    }
                    if outcome == Outcome::Accepted && self.remember(line) > 0 {
                        self.trust(program, now);
                    }
                    match outcome {
                        Outcome::Accepted | Outcome::Recovered => Success,
                        Outcome::Refused => Refused,
                        Outcome::Locked => Locked,
                    }
                }
                _ => Refused,
            };
            if answer != Refused {
                break;
            }
        }
        answer
    }

    fn keeps_everybody_out(&self, now: u64) -> bool {
        let rules = self.model.rules;
        rules.groups.contains(&"*")
            && rules.exempt_groups.is_empty()
            && rules.exempt_users.is_empty()
            && rules.from.is_none_or(|from| from <= now)
            && rules.grace == 0
    }

    fn trust(&mut self, program: &Program, now: u64) {
        if Place::of(program.service, program.rhost).is_none() {
            return;
        }
        let place = (program.service.to_owned(), program.rhost.to_owned());
        self.places
            .retain(|(known, since)| *known != place && *since <= now);
        self.places.push((place, now));
    }

    pub(super) fn foretell_account_line(&mut self, program: &Program, line: &str) -> Disposition {
        use Disposition::{Locked, Refused, Success, Unavailable};
        if program.has_no_user || program.name_service_is_down {
            return Unavailable;
        }
        if matches!(self.damage, Some(Damage::Policy | Damage::Records)) {
            return Unavailable;
        }
        let user = program
            .user_after_question
            .filter(|_| program.was_asked)
            .unwrap_or(program.user);
        let Some(account) = account_of(user) else {
            return Refused;
        };
        if Self::is_trusted_network(program) {
            return Success;
        }
        if account == "alice"
            && self
                .damage
                .is_some_and(|damage| damage != Damage::NoCredential)
        {
            return Unavailable;
        }
        let now = program.now;
        if self.is_enrolled(account) {
            if program.is_before_1970 {
                return Unavailable;
            }
            // A lock from the future begins now; even a login that only looks stores that.
            let standing = standing(self.model.state.standing, now);
            if standing != Standing::Open && standing != self.model.state.standing {
                self.before = Some(self.model.state.clone());
                self.model.state.standing = standing;
            }
            return if standing == Standing::Open {
                Success
            } else {
                Locked
            };
        }
        if program.is_before_1970 {
            return Unavailable;
        }
        match self.excused(program, user, Some(account), line) {
            Excused::Always => Success,
            Excused::No => Refused,
            Excused::Until(_) => {
                let begun = self
                    .first_login
                    .get(account)
                    .copied()
                    .filter(|first| *first <= now);
                if self.model.rules.grace > 0 && begun.is_none() {
                    self.first_login.insert(account, now);
                }
                Success
            }
        }
    }
}

pub(super) fn account_of(name: &str) -> Option<&'static str> {
    match name {
        "alice" | "ally" => Some("alice"),
        "bob" => Some("bob"),
        _ => None,
    }
}

enum Attempt {
    /// The code, whether it is the password once more, and the time.
    Typed(Vec<u8>, bool, u64),
    Fails(Disposition),
}

/// Returns the attempts that a line judges, one after the other, until one is not refused.
fn attempts(program: &Program, line: &str) -> Vec<Attempt> {
    let cut = |reply: &[u8]| {
        let (_, code) = otp_core::input::cut(reply, Digits::SIX);
        code.to_vec()
    };
    let mut attempts = Vec::new();
    if line.contains("first_pass") {
        let code = program.password.as_deref().map(cut).unwrap_or_default();
        let only = line.contains("use_first_pass");
        if only || !code.is_empty() {
            attempts.push(Attempt::Typed(code, false, program.now));
        }
        if only {
            return attempts;
        }
    }
    let now = program
        .now
        .saturating_add(program.question_takes)
        .min(END_OF_TIME);
    attempts.push(match &program.reply {
        Err(()) => Attempt::Fails(Disposition::Refused),
        Ok(_)
            if program
                .user_after_question
                .is_some_and(|user| user != program.user) =>
        {
            Attempt::Fails(Disposition::Unavailable)
        }
        Ok(reply) => {
            let reply = reply.clone().unwrap_or_default();
            if line.contains("forward_pass") || line.contains("split") {
                Attempt::Typed(cut(&reply), false, now)
            } else {
                let again = program.password.as_deref() == Some(&reply);
                Attempt::Typed(reply, again, now)
            }
        }
    });
    attempts
}
