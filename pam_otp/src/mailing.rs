//! A code by mail, if the reply to the question for a code was the word for it.
//!
//! Everybody sees the same messages and waits as long, whether there is anybody to write to or not. Only the log
//! differs.

use crate::call::{COLUMNS, Case, Stop};
use crate::host::{Disposition, Host, Tone, Typed};
use crate::login::Login;
use crate::options::Options;
use otp_core::event::{Event, Severity, Text, Value};
use otp_core::input::{asks_for_mail, may_ask_for_mail};
use otp_core::layout::wrap;
use otp_core::mail::{Address, AddressSource};
use otp_core::mailed::LoginKey;
use otp_core::messages::Message;
use otp_helper::mail::{Outgoing, Purpose};
use otp_store::account::mailing::Sending;
use std::time::{Duration, Instant};

/// How long everybody waits for the question after the word. To store that a mail is sent takes a part of this time,
/// and only for users who are sent one.
pub(crate) const WAIT: Duration = Duration::from_millis(500);

/// Whether a reply must be answered as one that asks for a code by mail, if mail is possible.
pub(crate) fn may_want_mail(case: &Case, reply: &[u8]) -> bool {
    case.policy.mails_codes() && case.records.may_mail() && may_ask_for_mail(reply)
}

impl<H: Host> Login<'_, H> {
    /// Mails a code, if the reply asks for one, and judges what is typed next. `password` is what another module asked
    /// for: a program that sends it again asks for nothing, whatever it is.
    pub(crate) fn by_mail(
        &mut self,
        options: &Options,
        case: &Case,
        word: &[u8],
        password: Option<&[u8]>,
    ) -> Result<Disposition, Stop> {
        self.call.still_the_same_user()?;
        let begun = Instant::now();
        let is_wanted = asks_for_mail(word) && password != Some(word);
        let account = case.account.as_ref().filter(|_| is_wanted);
        let clock = || self.call.host.now();
        let asked = match case.records.ask_for_code(account, &case.policy, clock) {
            Ok(asked) => asked,
            // Only the mail is lost. The reply that is typed instead shows whether more is wrong.
            Err(error) => {
                self.call.host.rest(begun, WAIT);
                self.not_mailed(&error.to_string());
                return self.judge_what_follows(options, case, password, None);
            }
        };
        if asked.sending == Sending::Locked {
            return self.judge(options, case, word, password, None);
        }
        if is_wanted {
            self.log_sending(case, &asked.sending);
        }
        // It is logged now, even if somebody ends this login.
        drop(asked.undisturbed);
        let outgoing = self.outgoing(case, &asked.code.reveal(), &asked.sending);
        let handed_over = self.call.host.hand_over(&case.mailer, &outgoing);
        self.call.host.rest(begun, WAIT);
        match handed_over {
            Ok(()) => self.tell_that_it_is_mailed(case),
            Err(error) => self.not_mailed(&error.to_string()),
        }
        self.judge_what_follows(options, case, password, Some(&asked.key))
    }

    fn judge_what_follows(
        &mut self,
        options: &Options,
        case: &Case,
        password: Option<&[u8]>,
        key: Option<&LoginKey>,
    ) -> Result<Disposition, Stop> {
        let prompt = Message::MailedCodePrompt.text(self.call.language);
        let echo = options.echo && !self.call.silent;
        let reply: Typed = self.call.host.ask(&prompt, echo)?.unwrap_or_default();
        self.judge(options, case, &reply, password, key)
    }

    fn outgoing(&self, case: &Case, code: &str, sending: &Sending) -> Outgoing {
        let user = case
            .account
            .as_ref()
            .map_or("nobody", |it| it.name.as_str());
        let only_to = match sending {
            Sending::Due { only_to, .. } => only_to.clone(),
            _ => None,
        };
        Outgoing {
            purpose: Purpose::Login,
            conf: case.conf.clone(),
            language: self.call.language,
            user: user.to_owned(),
            code: code.to_owned().into(),
            only_to,
            service: self.call.origin.service.clone(),
            rhost: self.call.origin.host.clone(),
            machine: self.call.host.machine(),
            idle: !matches!(sending, Sending::Due { .. }),
        }
    }

    fn log_sending(&mut self, case: &Case, sending: &Sending) {
        let reason = |text: &str| Value::Reason(Text::escaped(text));
        let (severity, values) = match sending {
            Sending::Due { count, .. } => (Severity::Notice, vec![Value::Count(*count as u64)]),
            Sending::NotEnrolled => (Severity::Notice, vec![reason("not sent: not enrolled")]),
            // Judged and logged like any other reply.
            Sending::Locked => return,
            Sending::TooMany { until } => (
                Severity::Warning,
                vec![
                    reason("not sent: the limit for one day is reached"),
                    Value::Deadline(*until),
                ],
            ),
            Sending::NotConfirmed => (
                Severity::Warning,
                vec![reason(
                    "not sent: verify_email is set, and the user has confirmed no address",
                )],
            ),
        };
        let mut entry = self.call.entry(Event::Mail, severity);
        for value in values {
            entry.add(value);
        }
        if case.account.is_none() {
            entry.add(Value::Account(Text::escaped("unknown")));
        }
        self.call.log(entry);
    }

    fn not_mailed(&mut self, why: &str) {
        let entry = self.call.entry(Event::Mail, Severity::Warning);
        self.call
            .log(entry.with(Value::Reason(Text::escaped(&format!("not sent: {why}")))));
        self.call.tell(Message::NotMailed, Tone::Information);
    }

    /// Says to which address the code goes, if the address follows from the typed name. The answer of a command is not
    /// shown to the person at the prompt.
    fn tell_that_it_is_mailed(&mut self, case: &Case) {
        if self.call.silent {
            return;
        }
        let address = match &case.policy.mail.address {
            AddressSource::Pattern(pattern) => pattern.of(&self.call.user),
            AddressSource::Command(_) | AddressSource::Nowhere => None,
        };
        let masked = address.as_ref().map(Address::masked);
        let language = self.call.language_of_what_is_told(Tone::Information);
        let text = Message::code_mailed_to(language, masked.as_deref());
        self.call
            .host
            .tell(&wrap(&text, COLUMNS), Tone::Information);
    }
}
