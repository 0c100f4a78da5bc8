//! One login, from the question to the answer, over whatever program it happens in.

use crate::event::{self, Line};
use crate::host::{Answer, Host, HostFault, Kept, Origin, Priority, Reply, Tone};
use crate::options::{FirstPass, Options};
use crate::route::{Lost, Route};
use otp_core::messages::Message;
use otp_core::record::Language;
use otp_core::{Policy, Verdict, absent, input};
use otp_store::{Account, Error, policy};

/// Runs one `pam_sm_authenticate`.
///
/// Whatever goes wrong on the way refuses: the only ways to [`Answer::Success`] and [`Answer::Ignore`] are a verdict
/// that says so, and the first half of a `split`.
pub(crate) fn authenticate(host: &mut impl Host, arguments: &[&[u8]], silent: bool) -> Answer {
    // Before anything else, so that every refusal takes as long, whatever the reason.
    host.delay_failure();
    let origin = host.origin();
    let options = match Options::parse(arguments) {
        Ok(options) => options,
        Err(bad) => {
            let user = host.user().unwrap_or_default();
            let line = Line::new(Priority::Error, "otp.unavailable", &user, &origin).with(
                "reason",
                &format!(
                    "module argument {} ({}): {}",
                    bad.position, bad.name, bad.reason
                ),
            );
            host.log(line.priority, line.text());
            if !silent {
                host.tell(
                    &Message::Unavailable.text(Language::default()),
                    Tone::Refusal,
                );
            }
            return Answer::Unavailable;
        }
    };
    let mut login = Login {
        host,
        origin,
        silent,
        language: options.language.unwrap_or_default(),
        user: String::new(),
    };
    match login.run(&options) {
        Ok(answer) => answer,
        Err(stop) => login.stop(&stop),
    }
}

/// Why a login ended without a verdict.
enum Stop {
    Host(HostFault),
    Lost(Lost),
    /// The program changed the user's name while the user was typing.
    UserChanged,
}

impl From<HostFault> for Stop {
    fn from(fault: HostFault) -> Self {
        Self::Host(fault)
    }
}

impl From<Lost> for Stop {
    fn from(lost: Lost) -> Self {
        Self::Lost(lost)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Lost(Lost::Store(error))
    }
}

struct Login<'h, H> {
    host: &'h mut H,
    origin: Origin,
    silent: bool,
    language: Language,
    /// As the program gave it; for the log, also when nobody has that name.
    user: String,
}

/// Who is asking, and by which rules: what stays the same through one login.
struct Case {
    /// `None`: the name service knows nobody of that name.
    account: Option<Account>,
    policy: Policy,
    route: Route,
    excused: bool,
}

impl<H: Host> Login<'_, H> {
    fn run(&mut self, options: &Options) -> Result<Answer, Stop> {
        self.user = self.host.user()?;
        let policy = policy::load(&options.conf)?;
        self.language = options.language.unwrap_or(policy.language);
        let account = self.host.account(&self.user)?;
        let route = Route::open(self.host.is_root(), options)?;
        let lenient = options.nullok || !policy.enforce.everybody;
        let excused = lenient && account.is_some();
        let case = Case {
            account,
            policy,
            route,
            excused,
        };
        self.debug(
            options,
            &format!("account known: {}", case.account.is_some()),
        );

        if lenient && !is_enrolled(&case)? {
            return if case.excused {
                self.answer(&case, &absent(true, &otp_core::Input::Empty))
            } else {
                Ok(self.refuse_stranger())
            };
        }
        if options.split {
            return self.split(options, &case);
        }
        if let Some(kept) = self.host.take_kept()? {
            self.debug(options, "code from: split");
            if kept.user != self.user {
                return Err(Stop::UserChanged);
            }
            return self.judge(&case, &kept.code);
        }
        if options.first_pass != FirstPass::Ignore {
            let reply = self.host.password()?.unwrap_or_default();
            let (password, code) = input::cut(&reply, case.policy.code.digits);
            if options.first_pass == FirstPass::Use || !code.is_empty() {
                self.debug(options, "code from: first pass");
                let answer = self.judge(&case, code)?;
                if answer == Answer::Success && options.forward_pass {
                    self.host.hand_on_password(password)?;
                }
                if options.first_pass == FirstPass::Use || answer != Answer::Refused {
                    return Ok(answer);
                }
            }
        }
        self.debug(options, "code from: prompt");
        if options.forward_pass {
            let reply = self.ask(options, Message::PasswordAndCodePrompt)?;
            let (password, code) = input::cut(&reply, case.policy.code.digits);
            let answer = self.judge(&case, code)?;
            if answer == Answer::Success {
                self.host.hand_on_password(password)?;
            }
            return Ok(answer);
        }
        let reply = self.ask(options, Message::CodePrompt)?;
        self.judge(&case, &reply)
    }

    /// Where who is not enrolled is excused, refuses a name that the name service does not know.
    ///
    /// It is not excused: a user list that cannot be read looks the same (glibc goes on to the next service and
    /// reports "not found"), and would open the door to everybody. But like somebody who is excused, it is asked
    /// nothing and told nothing.
    fn refuse_stranger(&mut self) -> Answer {
        let mut line = event::about(&Verdict::NotEnrolled, None, &self.user, &self.origin);
        line.add("account", "unknown");
        self.host.log(line.priority, line.text());
        answer_to(&Verdict::NotEnrolled)
    }

    /// The first half of a login with one prompt: nothing is checked, so nothing is said about the code.
    ///
    /// The answer is to be ignored: the modules after this one decide, and the second line of this module last.
    fn split(&mut self, options: &Options, case: &Case) -> Result<Answer, Stop> {
        let reply = self.ask(options, Message::PasswordAndCodePrompt)?;
        let (password, code) = input::cut(&reply, case.policy.code.digits);
        self.host.keep(Kept {
            user: self.user.clone(),
            code: Reply::new(code.to_vec()),
        })?;
        self.host.hand_on_password(password)?;
        self.debug(options, "password and code taken apart");
        Ok(Answer::Ignore)
    }

    fn ask(&mut self, options: &Options, message: Message) -> Result<Reply, Stop> {
        let prompt = options
            .prompt
            .clone()
            .unwrap_or_else(|| message.text(self.language));
        // What holds a password is never shown, whatever the line says.
        let echo = options.echo && message == Message::CodePrompt;
        Ok(self.host.ask(&prompt, echo)?.unwrap_or_default())
    }

    /// Makes the attempt and says what became of it.
    fn judge(&mut self, case: &Case, code: &[u8]) -> Result<Answer, Stop> {
        // A program may let a name be changed during the conversation; the code was typed for the first one.
        if self.host.user()? != self.user {
            return Err(Stop::UserChanged);
        }
        let clock = || self.host.now();
        let account = case.account.as_ref();
        let verdict = case
            .route
            .attempt(account, &case.policy, code, case.excused, clock)?;
        self.answer(case, &verdict)
    }

    /// Turns a verdict into the answer for PAM, a log line, and a message: in this order, and never before the
    /// verdict's consequences are on disk.
    fn answer(&mut self, case: &Case, verdict: &Verdict) -> Result<Answer, Stop> {
        let now = self.host.now()?;
        let message = Message::about(verdict, &case.policy, now);
        let mut line = event::about(verdict, message, &self.user, &self.origin);
        if case.account.is_none() {
            line.add("account", "unknown");
        }
        self.host.log(line.priority, line.text());
        let answer = answer_to(verdict);
        if let Some(message) = message {
            let tone = if answer == Answer::Success {
                Tone::Information
            } else {
                Tone::Refusal
            };
            self.tell(message, tone);
        }
        Ok(answer)
    }

    /// Ends a login that came to no verdict.
    fn stop(&mut self, stop: &Stop) -> Answer {
        let (answer, event, priority, reason) = match stop {
            Stop::Host(fault @ HostFault::Conversation) => (
                Answer::Refused,
                "otp.reject",
                Priority::Notice,
                fault.word().to_owned(),
            ),
            Stop::Host(fault) => (
                Answer::Unavailable,
                "otp.unavailable",
                Priority::Error,
                fault.word().to_owned(),
            ),
            Stop::Lost(lost) => (
                Answer::Unavailable,
                "otp.unavailable",
                Priority::Error,
                lost.to_string(),
            ),
            Stop::UserChanged => {
                let reason = "the application changed the user name during the login".to_owned();
                (
                    Answer::Unavailable,
                    "otp.unavailable",
                    Priority::Error,
                    reason,
                )
            }
        };
        let line = Line::new(priority, event, &self.user, &self.origin)
            .with("counted", "no")
            .with("reason", &reason);
        self.host.log(line.priority, line.text());
        if answer == Answer::Unavailable {
            self.tell(Message::Unavailable, Tone::Refusal);
        }
        answer
    }

    fn tell(&mut self, message: Message, tone: Tone) {
        if !self.silent {
            self.host.tell(&message.text(self.language), tone);
        }
    }

    fn debug(&mut self, options: &Options, what: &str) {
        if options.debug {
            let line = Line::new(Priority::Debug, "otp.debug", &self.user, &self.origin)
                .with("step", what);
            self.host.log(line.priority, line.text());
        }
    }
}

fn is_enrolled(case: &Case) -> Result<bool, Lost> {
    case.account
        .as_ref()
        .map_or(Ok(false), |account| case.route.is_enrolled(account))
}

/// The answer to each verdict.
const fn answer_to(verdict: &Verdict) -> Answer {
    match verdict {
        Verdict::Accepted { .. } | Verdict::Recovered { .. } => Answer::Success,
        Verdict::Rejected { .. }
        | Verdict::RejectedAndLocked { .. }
        | Verdict::Replayed
        | Verdict::Empty
        | Verdict::NotEnrolled => Answer::Refused,
        Verdict::Locked { .. } => Answer::Locked,
        Verdict::Excused => Answer::Ignore,
    }
}

#[cfg(test)]
mod tests;
