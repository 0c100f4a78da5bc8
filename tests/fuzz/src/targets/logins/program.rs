//! The program that logs somebody in.

use super::END_OF_TIME;
use super::foretold::account_of;
use crate::host::{Host, HostFault, OneFactor, Origin, Passed, SplitCode, Tone, Typed};
use otp_core::enforce::Belongs;
use otp_core::event::Entry;
use otp_core::login::AccountLine;
use otp_core::mail::Address;
use otp_core::record::Language;
use otp_core::{Account, Before1970, UnixTime, UserName};
use otp_helper::mail::{NotTaken, Outgoing};
use otp_site::{Error, Named};
use std::path::Path;
use zeroize::Zeroizing;

/// A program that logs somebody in.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fault or an event of its own"
)]
pub(super) struct Program {
    pub user: &'static str,
    pub has_no_user: bool,
    pub user_after_question: Option<&'static str>,
    pub was_asked: bool,
    pub service: &'static str,
    pub rhost: &'static str,
    pub password: Option<Vec<u8>>,
    pub reply: Result<Option<Vec<u8>>, ()>,
    pub question_takes: u64,
    pub groups: Vec<&'static str>,
    pub name_service_is_down: bool,
    pub proves_identity: bool,
    pub is_before_1970: bool,
    pub now: u64,
    pub delayed: bool,
    pub told: Vec<String>,
    pub log: Vec<String>,
    pub kept: Option<SplitCode>,
    pub handed_on: Option<Vec<u8>>,
    pub passed: Option<Passed>,
}

impl Host for Program {
    fn user(&mut self) -> Result<String, HostFault> {
        if self.has_no_user {
            return Err(HostFault::User);
        }
        let changed = self.user_after_question.filter(|_| self.was_asked);
        Ok(changed.unwrap_or(self.user).to_owned())
    }

    fn origin(&self) -> Origin {
        Origin {
            service: self.service.to_owned(),
            host: self.rhost.to_owned(),
            terminal: String::new(),
        }
    }

    fn language(&self) -> Option<Language> {
        None
    }

    fn ask(&mut self, _prompt: &str, _echo: bool) -> Result<Option<Typed>, HostFault> {
        assert!(!self.was_asked, "asked twice in one login");
        let reply = self.reply.clone().map_err(|()| HostFault::Conversation)?;
        self.was_asked = true;
        self.now = self
            .now
            .saturating_add(self.question_takes)
            .min(END_OF_TIME);
        Ok(reply.map(Zeroizing::new))
    }

    fn tell(&mut self, text: &str, _tone: Tone) {
        self.told.push(text.to_owned());
    }

    fn password(&mut self) -> Result<Option<Typed>, HostFault> {
        Ok(self
            .handed_on
            .clone()
            .or(self.password.clone())
            .map(Zeroizing::new))
    }

    fn hand_on_password(&mut self, password: &[u8]) -> Result<(), HostFault> {
        self.handed_on = Some(password.to_vec());
        Ok(())
    }

    fn keep(&mut self, kept: SplitCode) -> Result<(), HostFault> {
        self.kept = Some(kept);
        Ok(())
    }

    fn take_kept(&mut self) -> Result<Option<SplitCode>, HostFault> {
        Ok(self.kept.take())
    }

    fn pass(&mut self, passed: Option<Passed>) -> Result<(), HostFault> {
        self.passed = passed;
        Ok(())
    }

    fn passed(&mut self) -> Result<Option<Passed>, HostFault> {
        Ok(self.passed.clone())
    }

    fn watch_the_end(&mut self, _: OneFactor) {}

    fn goes_on(&mut self) {}

    fn delay_failure(&mut self) {
        self.delayed = true;
    }

    fn log(&mut self, entry: &Entry) {
        self.log.push(entry.to_string());
    }

    fn account(&mut self, name: &str) -> Result<Option<Named>, Error> {
        if self.name_service_is_down {
            return Err(Error::NameService(std::io::Error::other("down")));
        }
        Ok(account_of(name).map(|canonical| Named {
            account: Account {
                name: UserName::new(canonical).unwrap(),
                uid: if canonical == "alice" { 1001 } else { 1002 },
            },
            alias: (canonical != name).then(|| UserName::new(name).unwrap()),
        }))
    }

    fn belongs(&mut self, _user: &UserName, group: &str) -> Belongs {
        match group {
            "gone" => Belongs::Unknown,
            group if self.groups.contains(&group) => Belongs::Yes,
            _ => Belongs::No,
        }
    }

    fn account_line(&mut self, _service: &str) -> Result<AccountLine, Error> {
        Ok(AccountLine::Sure)
    }

    fn proves_identity(&mut self, _service: &str) -> Result<bool, Error> {
        Ok(self.proves_identity)
    }

    fn hand_over(&mut self, _: &Path, _: &Outgoing) -> Result<(), NotTaken> {
        unreachable!("no policy of these logins has codes mailed")
    }

    fn hand_over_and_hear(&mut self, _: &Path, _: &Outgoing) -> Result<Address, NotTaken> {
        unreachable!("no policy of these logins has addresses confirmed")
    }

    fn machine(&self) -> String {
        "web1.example.org".to_owned()
    }

    fn is_root(&self) -> bool {
        true
    }

    fn now(&mut self) -> Result<UnixTime, Before1970> {
        if self.is_before_1970 {
            return Err(Before1970);
        }
        Ok(UnixTime::from_seconds(self.now))
    }

    fn zone(&self) -> otp_core::Zone {
        otp_core::Zone::UTC
    }
}
