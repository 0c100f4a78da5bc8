//! Enrolment inside a login: plays the common script, and does what only a login needs.
//!
//! This happens only in the account phase, after the other modules have let the user in. A connection that is cut
//! before the end leaves nothing.

use crate::call::{COLUMNS, Call, Case, Stop};
use crate::host::{Host, HostFault, Tone};
use otp_core::event::{Event, Severity, Text, Value};
use otp_core::layout::wrap;
use otp_core::mail::Address;
use otp_core::messages::enrol::Dialogue;
use otp_core::qr::{Colours, Style};
use otp_core::record::{Authenticator, DEFAULT_NAME, Name};
use otp_core::recovery::RecoveryCode;
use otp_core::{Account, UnixTime, Zone};
use otp_helper::confirming::Asker;
use otp_helper::enrolment::{Block, DIVIDER, End, Script, Stage, Surface, Typed, Underway};
use otp_helper::mail::{NotTaken, Outgoing, Purpose};
use otp_helper::records::{self, Attendant, Changing, undisturbed};
use otp_site::policy;
use otp_site::stack::joins_messages;
use otp_store::change::{Change, Kept, Proof, Refused};
use std::convert::Infallible;
use std::mem;
use std::os::fd::{BorrowedFd, OwnedFd};
use zeroize::Zeroizing;

/// The lines of a terminal of unknown size, which is [`COLUMNS`] wide.
const LINES: usize = 24;

/// The result of an enrolment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// There is an authenticator now.
    Enrolled,
    /// The user could not be asked.
    NotAsked,
    /// The user wants to do it later.
    Later,
    /// No code of the device was right, or the user did not say that the recovery codes are kept.
    NotProven,
    /// Another login, or `otp-enroll`, has set up an authenticator first.
    SetUpMeanwhile,
}

/// Plays the script. `can_wait`: "later" is an answer.
pub(crate) fn set_up<H: Host>(
    call: &mut Call<'_, H>,
    case: &Case,
    account: &Account,
    can_wait: bool,
) -> Result<Outcome, Stop> {
    if case.policy.issuer.contains(':') {
        // Commands refuse it. Earlier versions accepted it, and a login that refused it now would lock users out.
        call.warn(
            "issuer: must not have a colon; apps are shown it without. Correct it: otp-enroll and otp-admin provision refuse",
        );
    }
    let machine = call.host.machine();
    let script = Script {
        user: account.name.as_str(),
        issuer: &case.policy.issuer_at(&machine),
        machine: &machine,
        language: call.language,
    };
    let mut has_begun = false;
    let joins_lines = joins_messages(&call.origin.service);
    let mut conversation = Conversation {
        call,
        case,
        joins_lines,
        untold: Zeroizing::default(),
    };
    let ended = script.log_in(&mut conversation, can_wait, |stage| {
        has_begun = true;
        Begun::begin(stage, account)
    });
    match ended {
        Ok(End::Done) => Ok(Outcome::Enrolled),
        Ok(End::Later) => Ok(Outcome::Later),
        Ok(End::NotProven | End::NotKept) => Ok(Outcome::NotProven),
        Err(Broken(why)) => match *why {
            Why::Refused(Refused::NotProven) => Ok(Outcome::NotProven),
            // Every other refusal means that there is a record by now.
            Why::Refused(_) => Ok(Outcome::SetUpMeanwhile),
            // A user who cannot answer the first question cannot answer any; no key was shown.
            Why::Stop(Stop::Host(HostFault::Conversation)) if !has_begun => Ok(Outcome::NotAsked),
            Why::Stop(stop) => Err(stop),
        },
    }
}

/// The script ended early. Boxed, because errors are large, and the script returns them at every step.
struct Broken(Box<Why>);

enum Why {
    Stop(Stop),
    Refused(Refused),
}

impl<T: Into<Stop>> From<T> for Broken {
    fn from(stop: T) -> Self {
        Self(Box::new(Why::Stop(stop.into())))
    }
}

impl From<records::Broken<Infallible>> for Broken {
    fn from(broken: records::Broken<Infallible>) -> Self {
        match broken {
            records::Broken::Left(never) => match never {},
            records::Broken::Refused(refused) => Self::refused(refused),
            records::Broken::NotAuthenticated => Self::refused(Refused::NotProven),
            records::Broken::Lost(lost) | records::Broken::Unknown(lost) => lost.into(),
        }
    }
}

impl Broken {
    fn refused(why: Refused) -> Self {
        Self(Box::new(Why::Refused(why)))
    }
}

/// The conversation of the program that the user logs in to.
struct Conversation<'a, 'h, H> {
    call: &'a mut Call<'h, H>,
    case: &'a Case,
    /// Whether the program puts all that it shows on one line, and shows only questions unchanged. Then everything that
    /// must be read stands in a question.
    joins_lines: bool,
    /// Text that must be read with the next question.
    untold: Zeroizing<String>,
}

impl<H: Host> Conversation<'_, '_, H> {
    fn log(&mut self, event: Event, name: &Name) {
        let entry = self
            .call
            .entry(event, Severity::Notice)
            .with(Value::Verb("enrol"))
            .with(Value::Authenticator(name.clone()));
        self.call.log(entry);
    }

    /// Shows a sentence in lines that fit the terminal: PAM's applications break no lines. Whether it was seen cannot
    /// be known.
    fn send(&mut self, sentence: Dialogue<'_>) {
        if self.joins_lines {
            return self.put_off(&sentence.text(self.call.language));
        }
        let language = self.call.language_of_what_is_told(Tone::Information);
        let text = wrap(&sentence.text(language), COLUMNS - 1);
        self.call.host.tell(&text, Tone::Information);
    }

    fn ask_as_it_is(&mut self, question: &str) -> Result<Typed, Broken> {
        let told = mem::take(&mut self.untold);
        let reply = if told.is_empty() {
            self.call.host.ask(question, true)?
        } else {
            let text = in_one([&told, DIVIDER, question]);
            self.call.host.ask(&text, true)?
        };
        Ok(reply.ok_or(HostFault::Conversation)?)
    }

    /// Leaves a text for the next question, in memory of the right size: memory that holds a secret must not grow.
    fn put_off(&mut self, text: &str) {
        let parts = if self.untold.is_empty() {
            ["", "", text]
        } else {
            [self.untold.as_str(), DIVIDER, text]
        };
        self.untold = in_one(parts);
    }

    /// Shows a block in its own message, which begins on a new line: an ssh client puts its own words before the first.
    fn send_block(&mut self, block: &Block<'_>) {
        if self.joins_lines {
            return self.put_off(&block.reveal_in_one_line(self.call.language));
        }
        let text = block.reveal(self.call.language, COLUMNS - 1);
        let text = match block {
            // An empty line separates the codes from the text about them.
            Block::Sheet(_) => text.as_str(),
            Block::Opening(_) | Block::Key(_) | Block::Drawing(_) => text.trim_end_matches('\n'),
        };
        self.call.host.tell(text, Tone::Information);
    }
}

impl<H: Host> Conversation<'_, '_, H> {
    /// Makes the user confirm an address, if policy demands that, and returns it.
    fn confirm_address(&mut self, account: &Account) -> Result<Option<Address>, Broken> {
        // Verifiers send no mail.
        if !self.case.policy.enroll.verify_email || self.case.records.are_in_a_fleet() {
            return Ok(None);
        }
        let outgoing = Outgoing {
            purpose: Purpose::Address,
            conf: self.case.conf.clone(),
            language: self.call.language,
            user: account.name.as_str().to_owned(),
            code: Zeroizing::default(),
            only_to: None,
            service: self.call.origin.service.clone(),
            rhost: self.call.origin.host.clone(),
            machine: self.call.host.machine(),
            idle: false,
        };
        let records = &self.case.records;
        match records.confirm_address(account, outgoing, self)? {
            Some(Ok(address)) => Ok(Some(address)),
            Some(Err(reason)) => {
                self.call.warn(&format!("nobody was enrolled: {reason}"));
                Err(Broken::refused(Refused::NotProven))
            }
            // Only programs of root set up authenticators.
            None => Err(Broken::refused(Refused::NotProven)),
        }
    }

    fn log_mail(&mut self, severity: Severity, reason: &str) {
        let entry = self.call.entry(Event::Mail, severity);
        let reason = Value::Reason(Text::escaped(reason));
        self.call.log(entry.with(reason));
    }
}

impl<H: Host> Asker for Conversation<'_, '_, H> {
    type Stop = Broken;

    fn tell(&mut self, text: &str) -> Result<(), Broken> {
        if self.joins_lines {
            self.put_off(text);
        } else {
            let text = wrap(text, COLUMNS - 1);
            self.call.host.tell(&text, Tone::Information);
        }
        Ok(())
    }

    fn ask(&mut self, question: &str) -> Result<Typed, Broken> {
        self.ask_as_it_is(question)
    }

    fn now(&mut self) -> Result<UnixTime, Broken> {
        Ok(self.call.host.now()?)
    }

    fn hand_over(&mut self, outgoing: &Outgoing) -> Result<Address, NotTaken> {
        let handed = self
            .call
            .host
            .hand_over_and_hear(&self.case.mailer, outgoing);
        match &handed {
            Ok(_) => self.log_mail(Severity::Notice, "to confirm an address"),
            Err(error) => self.log_mail(Severity::Warning, &format!("not sent: {error}")),
        }
        handed
    }
}

impl<H: Host> Stage for Conversation<'_, '_, H> {
    type Stop = Broken;

    fn tell(&mut self, sentence: Dialogue<'_>) -> Result<(), Broken> {
        self.send(sentence);
        Ok(())
    }

    fn show(&mut self, block: &Block<'_>) -> Result<(), Broken> {
        self.send_block(block);
        Ok(())
    }

    fn ask(&mut self, question: Dialogue<'_>) -> Result<Typed, Broken> {
        self.ask_as_it_is(&question.text(self.call.language))
    }

    fn surface(&self) -> Surface {
        Surface {
            columns: COLUMNS,
            lines: LINES,
            is_measured: false,
            // No drawing survives without its lines.
            style: if self.joins_lines {
                Style::None
            } else {
                self.case.policy.enroll.qr
            },
            joins_lines: self.joins_lines,
            colours: Colours::None,
        }
    }

    fn now(&mut self) -> Result<UnixTime, Broken> {
        Ok(self.call.host.now()?)
    }

    fn zone(&self) -> Zone {
        self.call.host.zone()
    }

    fn conclude(&mut self, result: Dialogue<'_>) -> Result<(), Broken> {
        // No question follows.
        self.joins_lines = false;
        Stage::tell(self, result)
    }
}

/// Joins the parts into one text, which is sized beforehand.
fn in_one(parts: [&str; 3]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(parts.map(str::len).iter().sum()));
    for part in parts {
        text.push_str(part);
    }
    text
}

/// In a login nobody waits for a helper: only programs of root set up authenticators, here or through a verifier that
/// answers soon.
struct Nobody;

impl Attendant for Nobody {
    type Left = Infallible;

    fn attend(&self, _: OwnedFd) {}

    fn wait_for(&self, _: BorrowedFd<'_>) -> Result<(), Infallible> {
        Ok(())
    }

    fn still_here(&self) -> Result<(), Infallible> {
        Ok(())
    }

    fn ask(&self, _: &str, _: bool) -> Result<Typed, Infallible> {
        Ok(Typed::default())
    }

    fn tell(&self, _: &str) -> Result<(), Infallible> {
        Ok(())
    }
}

/// The change in progress, and the name of its device.
struct Begun {
    changing: Changing,
    name: Name,
    account: Account,
    confirmed: Option<Address>,
}

impl Begun {
    fn begin<H: Host>(
        stage: &mut Conversation<'_, '_, H>,
        account: &Account,
    ) -> Result<Self, Broken> {
        let name = Name::new(DEFAULT_NAME).expect("the default name is valid");
        let now = Stage::now(stage)?;
        let (policy, change) = (&stage.case.policy, Change::Enrol(name.clone()));
        let records = &stage.case.records;
        let mut changing = records.begin_change(account, change, policy, now, &Nobody)?;
        if changing.changes_a_record() {
            return Err(Broken::refused(Refused::ChangedMeanwhile));
        }
        // Users need not prove their identity here: a verifier only goes on to the device.
        changing.authenticate(&Nobody)?;
        let confirmed = stage.confirm_address(account)?;
        // One log entry now and one at the end: a user who hangs up in between leaves the first.
        stage.log(Event::Changing, &name);
        Ok(Self {
            changing,
            name,
            account: account.clone(),
            confirmed,
        })
    }
}

impl<'a, 'h, H: Host> Underway<Conversation<'a, 'h, H>> for Begun {
    fn goes(&self) -> &[Name] {
        self.changing.goes()
    }

    fn device(&self) -> Option<&Authenticator> {
        self.changing.device()
    }

    fn prove(
        &mut self,
        typed: Typed,
        stage: &mut Conversation<'a, 'h, H>,
    ) -> Result<(Proof, u32), Broken> {
        let now = Stage::now(stage)?;
        let policy = &stage.case.policy;
        Ok(self.changing.prove(typed, policy, now, &Nobody)?)
    }

    fn codes(&self) -> &[RecoveryCode] {
        self.changing.codes()
    }

    fn keep(self, stage: &mut Conversation<'a, 'h, H>) -> Result<Kept, Broken> {
        stage.call.still_the_same_user()?;
        let now = Stage::now(stage)?;
        // Minutes have passed: the present policy counts.
        let policy = policy::load(&stage.case.conf)?.for_account();
        if let Some(address) = &self.confirmed {
            let records = &stage.case.records;
            records.keep_confirmed(&self.account, address, now)?;
        }
        // No signal comes between the change and its log entry.
        let _undisturbed = undisturbed()?;
        let kept = self.changing.keep(&stage.case.records, &policy, now)?;
        stage.log(Event::Change, &self.name);
        Ok(kept)
    }
}

#[cfg(test)]
mod tests;
