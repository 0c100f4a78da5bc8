//! A login by the PAM service `otp-portal`, as a real conversation.

use super::line::{Line, Silent};
use super::standing::{Judge, named};
use super::{SERVICE, Site, Trouble, log};
use crate::wire::{Admitted, NotIn, Said};
use otp_core::record::Language;
use otp_helper::session::Turn;
use otp_helper::system::{Conversation, InOrder, Login};
use otp_site::Named;
use std::net::IpAddr;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// Where Linux-PAM looks for a service. Without a file there, it would use the service `other`.
const FILES: [&str; 2] = ["/etc/pam.d/otp-portal", "/usr/lib/pam.d/otp-portal"];

/// What PAM gets as the first answer if no answer may let this user in. sshd does the same: this is no one's password.
const NEVER_RIGHT: &[u8] = b"\x08\n\r\x7fINCORRECT";

/// Runs the conversation, and returns its result.
pub(super) fn log_in(
    site: &Site,
    judge: &Judge<'_>,
    line: &mut Line,
    name: &str,
    address: IpAddr,
    language: Language,
) -> Result<Said, Silent> {
    match attempt(site, judge, line, name, address, language) {
        Ok(admitted) => Ok(Said::In(admitted)),
        Err(Why::Not(why, since, wanted)) => {
            let taken = since.elapsed();
            thread::sleep(to_the_next_step(taken, wanted));
            Ok(Said::No(why))
        }
        Err(Why::Silent(Silent::TooLong)) => Ok(Said::No(NotIn::TimeIsUp)),
        Err(Why::Silent(silent)) => Err(silent),
        Err(Why::Trouble(trouble)) => Ok(Said::No(log::not_in(name, &trouble))),
    }
}

/// A refusal comes at a multiple of this time after the last answer. Only for existing users does a module check a
/// password, which takes `pam_unix` some 30 ms. Without the steps, that time would tell strangers which users exist.
const STEP: Duration = Duration::from_millis(500);

/// Returns the wait until the next step, after the time taken so far and the wait that modules ask for. It is never
/// zero, so that an answer that takes no time looks like one that takes some.
///
/// The two times are not added. PAM derives its wait from the second in which a login begins. Of two logins, the slower
/// one would sometimes come one step later, and the faster one never.
fn to_the_next_step(taken: Duration, wanted: Duration) -> Duration {
    let at_least = taken.max(wanted);
    let over = at_least.as_nanos() % STEP.as_nanos();
    let over = Duration::from_nanos(u64::try_from(over).unwrap_or_default());
    (at_least + STEP).saturating_sub(over + taken)
}

enum Why {
    /// When the last answer came, and how long a wait the modules ask for.
    Not(NotIn, Instant, Duration),
    Silent(Silent),
    Trouble(Trouble),
}

impl From<Trouble> for Why {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

fn attempt(
    site: &Site,
    judge: &Judge<'_>,
    line: &mut Line,
    name: &str,
    address: IpAddr,
    language: Language,
) -> Result<Admitted, Why> {
    if !FILES.into_iter().any(|file| Path::new(file).is_file()) {
        let why = "there is no PAM service otp-portal (/etc/pam.d/otp-portal)";
        return Err(Trouble::new("nobody can log in", &why).into());
    }
    let known = named(name)?;
    let before = if let Some(named) = &known {
        Some(judge.before(named)?)
    } else {
        judge.before_nobody(name)?;
        None
    };
    let may = |named: &Named| named.account.uid != 0 || site.root_may;
    let never = known.as_ref().is_some_and(|named| !may(named));
    let mut talk = Talk {
        line,
        silent: None,
        never,
        answered: 0,
        since: Instant::now(),
        wanted: Duration::ZERO,
    };
    // A module may change the name. If the new name is another user's, no one is let in.
    let known_uid = known.filter(|_| !never).map(|named| named.account.uid);
    let let_in = |user: &str| -> Result<Option<Named>, Trouble> {
        let named = named(user)?;
        Ok(named.filter(|named| Some(named.account.uid) == known_uid && may(named)))
    };
    let passed = passes(&mut talk, (name, address, language), let_in)?;
    if let Some(silent) = talk.silent {
        return Err(Why::Silent(silent));
    }
    let (Some(passed), Some(before)) = (passed, before) else {
        return Err(Why::Not(NotIn::Refused, talk.since, talk.wanted));
    };
    let Passed {
        named,
        has_another_password,
    } = passed;
    let (token, claims) = judge.token_of(&named, &before, has_another_password)?;
    Ok(Admitted {
        user: named.account.name.as_str().to_owned(),
        uid: claims.uid,
        token,
        enrolled: !claims.devices.is_empty(),
        ends: claims.ends,
    })
}

/// A user whom all phases have let pass.
struct Passed {
    named: Named,
    has_another_password: bool,
}

/// Takes a user through all phases; `None`: a phase or `let_in` refuses. `let_in` is called with the final name, before
/// anything is set up for the user.
fn passes(
    answers: &mut dyn Conversation,
    (name, address, language): (&str, IpAddr, Language),
    let_in: impl FnOnce(&str) -> Result<Option<Named>, Trouble>,
) -> Result<Option<Passed>, Trouble> {
    let cannot = |what: &str| Trouble::new("PAM", &format!("cannot be told {what}"));
    let Some(mut login) = Login::begin(SERVICE, name, answers) else {
        return Err(Trouble::new("PAM", &"cannot be started"));
    };
    if !login.comes_from(&address.to_string()) {
        return Err(cannot("the address"));
    }
    if !login.is_in_language(language) {
        return Err(cannot("the language"));
    }
    if !login.leaves_waiting() {
        return Err(cannot("that waiting is ours"));
    }
    if !login.authenticates() {
        return Ok(None);
    }
    let has_another_password = match login.in_order() {
        InOrder::Yes => false,
        // This service changes the password, and then checks the account again.
        InOrder::WithANewPassword => {
            if !login.changes_the_old_password() || !login.account_is_in_order() {
                login.comes_to_nothing();
                return Ok(None);
            }
            true
        }
        InOrder::No => return Ok(None),
    };
    let user = login.user();
    let named = match user.as_deref().map(let_in).transpose() {
        Ok(named) => named.flatten(),
        Err(trouble) => {
            login.comes_to_nothing();
            return Err(trouble);
        }
    };
    let Some(named) = named.filter(|_| login.is_in() && login.user() == user) else {
        login.comes_to_nothing();
        return Ok(None);
    };
    Ok(Some(Passed {
        named,
        has_another_password,
    }))
}

/// The person at the other end of the line.
struct Talk<'a> {
    line: &'a mut Line,
    silent: Option<Silent>,
    /// No answer may let this user in.
    never: bool,
    answered: usize,
    /// When the last answer came.
    since: Instant,
    /// How long a wait the modules ask for after a failure.
    wanted: Duration,
}

impl Conversation for Talk<'_> {
    fn ask(&mut self, prompt: &str, echo: bool) -> Option<Zeroizing<Vec<u8>>> {
        let prompt = prompt.to_owned();
        self.tells(Turn::Ask { prompt, echo })?;
        match self.line.text() {
            Ok(text) => {
                self.answered += 1;
                self.since = Instant::now();
                Some(match (self.never, self.answered) {
                    (false, _) => text,
                    (true, 1) => Zeroizing::new(NEVER_RIGHT.to_vec()),
                    // An empty answer never counts as a wrong code, so strangers cannot lock such a user.
                    (true, _) => Zeroizing::default(),
                })
            }
            Err(silent) => {
                self.silent = Some(silent);
                None
            }
        }
    }

    fn tell(&mut self, text: &str) -> Option<()> {
        let text = text.to_owned().into();
        self.tells(Turn::Tell { text })
    }

    fn waits(&mut self, for_so_long: Duration) {
        self.wanted = self.wanted.max(for_so_long);
    }
}

impl Talk<'_> {
    fn tells(&mut self, turn: Turn) -> Option<()> {
        if self.silent.is_some() {
            return None;
        }
        let said = self.line.say(&Said::Turn(turn));
        if said.is_none() {
            self.silent = Some(Silent::Gone);
        }
        said
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_come_at_whole_steps() {
        for taken in [0, 1, 34, 250, 499, 500, 501, 2034, 1 << 40] {
            let taken = Duration::from_millis(taken);
            let rest = to_the_next_step(taken, Duration::ZERO);
            assert!(!rest.is_zero() && rest <= STEP, "{taken:?}");
            assert_eq!((taken + rest).as_nanos() % STEP.as_nanos(), 0);
        }
    }

    /// PAM's wait is the same for two logins that begin in one second.
    #[test]
    fn time_within_the_wait_moves_no_refusal_to_another_step() {
        for wanted in (1000..3000).step_by(7) {
            let wanted = Duration::from_millis(wanted);
            let comes = |taken| {
                let taken = Duration::from_millis(taken);
                taken + to_the_next_step(taken, wanted)
            };
            assert!(comes(0) > wanted && comes(0) <= wanted + STEP);
            for taken in [1, 34, 120, 999] {
                assert_eq!(comes(taken), comes(0), "{wanted:?} {taken}");
            }
        }
    }
}
