//! Logins played by a script: the host asserts that every expected question was asked, and no other.

use crate::account;
use crate::host::{
    Disposition, Host, HostFault, OneFactor, Origin, Passed, SplitCode, Tone, Typed,
};
use crate::login::authenticate;
use otp_core::code::Generator;
use otp_core::enforce::Belongs;
use otp_core::event::Entry;
use otp_core::login::AccountLine;
use otp_core::mail::Address;
use otp_core::record::{Language, Name, Refusal};
use otp_core::recovery::RecoveryCode;
use otp_core::{Account, Before1970, Credential, Policy, Step, UnixTime, UserName, Zone};
use otp_helper::frame::Fields;
use otp_helper::mail::{NotTaken, Outgoing};
use otp_site::{Error, Named};
use otp_store::account::provision;
use otp_store::{Overview, Store, mint};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use zeroize::Zeroizing;

pub(crate) const NOON: UnixTime = UnixTime::from_seconds(1_763_640_000);
pub(crate) const CODE: &str = "Verification code: ";
pub(crate) const BOTH: &str = "Password & verification code: ";

/// A machine with a store, a policy file, and alice, who is enrolled.
pub(crate) struct Machine {
    pub directory: TempDir,
    pub credential: Credential,
    pub recovery: Vec<RecoveryCode>,
    pub now: UnixTime,
}

impl Machine {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let state = directory.path().join("state");
        fs::create_dir(&state).unwrap();
        fs::set_permissions(&state, fs::Permissions::from_mode(0o2770)).unwrap();
        fs::write(directory.path().join("conf"), "").unwrap();
        fs::set_permissions(
            directory.path().join("conf"),
            fs::Permissions::from_mode(0o644),
        )
        .unwrap();
        let alice = account_of("alice").unwrap();
        let (credential, recovery) = mint::credential(
            &alice,
            Name::new("phone").unwrap(),
            &Policy::default(),
            NOON,
        )
        .unwrap();
        let machine = Self {
            directory,
            credential,
            recovery,
            now: NOON,
        };
        provision(&machine.store(), &alice, &machine.credential, true).unwrap();
        machine
    }

    pub(crate) fn store(&self) -> Store {
        Store::open(&self.directory.path().join("state")).unwrap()
    }

    pub(crate) fn policy(&self, text: &str) {
        fs::write(self.directory.path().join("conf"), text).unwrap();
    }

    pub(crate) fn code(&self) -> String {
        self.code_after(0)
    }

    pub(crate) fn code_after(&self, steps: u64) -> String {
        let device = &self.credential.authenticators()[0];
        Generator::new(device)
            .reveal(Step(self.now.seconds() / 30 + steps))
            .to_string()
    }

    pub(crate) fn recovery_code(&self, number: usize) -> String {
        self.recovery[number].reveal().to_string()
    }

    /// Plays a login with these arguments, as on the line in `/etc/pam.d`.
    pub(crate) fn play(&self, host: &mut Player, arguments: &str) -> Disposition {
        host.now = self.now;
        self.with_line(arguments, |all| authenticate(host, all, false))
    }

    /// Plays a login in a program that asks for silence (`PAM_SILENT`).
    pub(crate) fn play_silently(&self, host: &mut Player, arguments: &str) -> Disposition {
        host.now = self.now;
        self.with_line(arguments, |all| authenticate(host, all, true))
    }

    /// Plays the account phase that follows a login.
    pub(crate) fn manage(&self, host: &mut Player, arguments: &str) -> Disposition {
        host.now = self.now;
        host.delayed = true;
        self.with_line(arguments, |all| account::manage(host, all, false))
    }

    /// Plays the last call of an application.
    pub(crate) fn set_credentials(&self, host: &mut Player, arguments: &str) {
        host.now = self.now;
        host.delayed = true;
        self.with_line(arguments, |all| account::begin_grace(host, all, true));
    }

    /// Plays the call of an application that has become another user, as sudo does.
    pub(crate) fn set_credentials_again(&self, host: &mut Player, arguments: &str) {
        host.now = self.now;
        host.delayed = true;
        self.with_line(arguments, |all| account::begin_grace(host, all, false));
    }

    pub(crate) fn with_line<T>(&self, arguments: &str, call: impl FnOnce(&[&[u8]]) -> T) -> T {
        let root = self.directory.path().display();
        let all = format!("conf={root}/conf state_dir={root}/state {arguments}");
        let all: Vec<&[u8]> = all.split_whitespace().map(str::as_bytes).collect();
        call(&all)
    }

    pub(crate) fn failures(&self) -> u32 {
        Policy::default().lockout.failures() - self.overview().failures_left
    }

    pub(crate) fn last_refusal(&self) -> Option<(UnixTime, Refusal)> {
        self.overview().last_refusal
    }

    fn overview(&self) -> Overview {
        let alice = account_of("alice").unwrap();
        let policy = Policy::default();
        let found = Overview::read(&self.store(), &alice, &policy, || Ok(self.now));
        found.unwrap().unwrap()
    }
}

pub(crate) fn account_of(name: &str) -> Option<Account> {
    let (name, uid) = match name.to_ascii_lowercase().as_str() {
        "alice" | "ally" => ("alice", 1001),
        "bob" => ("bob", 1002),
        _ => return None,
    };
    Some(Account {
        name: UserName::new(name).unwrap(),
        uid,
    })
}

/// Returns the answer to a question, from everything that was told before.
pub(crate) type Answering = Box<dyn FnOnce(&str) -> Option<Typed>>;

/// Mails that were handed over, shared with the code that answers.
pub(crate) type Mailbox = Rc<RefCell<Vec<Outgoing>>>;

/// A program that logs a user in, as a script.
#[allow(
    clippy::struct_excessive_bools,
    reason = "what happened, and what is to go wrong"
)]
pub(crate) struct Player {
    pub user: String,
    pub user_after_question: Option<String>,
    pub questions: VecDeque<(&'static str, Answering)>,
    pub fails_to_ask: bool,
    pub password: Option<Typed>,
    pub kept: Option<SplitCode>,
    pub told: Vec<String>,
    /// The log entry if the rest of the login is refused.
    pub watched: Vec<String>,
    pub log: Vec<String>,
    pub delayed: bool,
    pub echoed: bool,
    pub name_service_is_down: bool,
    pub now: UnixTime,
    pub passed: Option<Passed>,
    /// The groups that contain the user. "gone" cannot be looked up.
    pub groups: Vec<&'static str>,
    pub account_line: AccountLine,
    pub proves_identity: bool,
    pub rhost: &'static str,
    pub service: &'static str,
    /// The language of the person, if the program says it.
    pub reads: Option<Language>,
    /// The zone of the machine, and how often it was read.
    pub zone: Zone,
    pub zones_read: Cell<u32>,
    /// How long the user takes to answer.
    pub question_takes: Duration,
    /// Mails that were handed over.
    pub mailbox: Mailbox,
    pub mail_is_down: bool,
    /// Each rest: how long, and how many mails were handed over and messages told by then.
    pub rested: Vec<(Duration, usize, usize)>,
}

impl Player {
    pub(crate) fn new(user: &str) -> Self {
        Self {
            user: user.to_owned(),
            user_after_question: None,
            questions: VecDeque::new(),
            fails_to_ask: false,
            password: None,
            kept: None,
            told: Vec::new(),
            watched: Vec::new(),
            log: Vec::new(),
            delayed: false,
            echoed: false,
            name_service_is_down: false,
            now: NOON,
            passed: None,
            groups: Vec::new(),
            account_line: AccountLine::Sure,
            proves_identity: true,
            rhost: "192.0.2.1",
            service: "sshd",
            reads: None,
            zone: Zone::UTC,
            zones_read: Cell::new(0),
            question_takes: Duration::ZERO,
            mailbox: Mailbox::default(),
            mail_is_down: false,
            rested: Vec::new(),
        }
    }

    pub(crate) fn asked(self, question: &'static str, reply: &str) -> Self {
        let reply = bytes(reply);
        self.asked_with(question, Box::new(move |_| Some(reply)))
    }

    /// Answers from what is on the screen; `None`: there is no reply.
    pub(crate) fn asked_with(mut self, question: &'static str, answer: Answering) -> Self {
        self.questions.push_back((question, answer));
        self
    }

    pub(crate) fn with_password(mut self, password: &str) -> Self {
        self.password = Some(bytes(password));
        self
    }

    pub(crate) fn event(&self) -> &str {
        self.log
            .last()
            .and_then(|line| line.split(' ').next())
            .unwrap_or_default()
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(
                self.questions.is_empty(),
                "not every expected question was asked"
            );
            assert!(
                self.delayed,
                "a refusal would have been faster than another"
            );
        }
    }
}

pub(crate) fn bytes(text: &str) -> Typed {
    Zeroizing::new(text.as_bytes().to_vec())
}

impl Host for Player {
    fn user(&mut self) -> Result<String, HostFault> {
        Ok(self.user.clone())
    }

    fn origin(&self) -> Origin {
        Origin {
            service: self.service.to_owned(),
            host: self.rhost.to_owned(),
            terminal: String::new(),
        }
    }

    fn language(&self) -> Option<Language> {
        self.reads
    }

    fn ask(&mut self, prompt: &str, echo: bool) -> Result<Option<Typed>, HostFault> {
        self.echoed = echo;
        if self.fails_to_ask {
            return Err(HostFault::Conversation);
        }
        let (expected, answer) = self
            .questions
            .pop_front()
            .expect("the question is expected");
        assert_eq!(prompt, expected);
        let reply = answer(&self.told.join("\n"));
        self.now = self.now.after(self.question_takes);
        if let Some(user) = self.user_after_question.take() {
            self.user = user;
        }
        Ok(reply)
    }

    fn tell(&mut self, text: &str, _tone: Tone) {
        self.told.push(text.to_owned());
    }

    fn password(&mut self) -> Result<Option<Typed>, HostFault> {
        Ok(self.password.clone())
    }

    fn hand_on_password(&mut self, password: &[u8]) -> Result<(), HostFault> {
        self.password = Some(Zeroizing::new(password.to_vec()));
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

    fn watch_the_end(&mut self, told: OneFactor) {
        self.watched.push(told.entry.to_string());
    }

    fn goes_on(&mut self) {}

    fn belongs(&mut self, user: &UserName, group: &str) -> Belongs {
        match group {
            "gone" => Belongs::Unknown,
            group if self.groups.contains(&group) => Belongs::Yes,
            // A group that contains only the second name.
            "of-ally" if user.as_str() == "ally" => Belongs::Yes,
            _ => Belongs::No,
        }
    }

    fn account_line(&mut self, _service: &str) -> Result<AccountLine, Error> {
        Ok(self.account_line)
    }

    fn proves_identity(&mut self, _service: &str) -> Result<bool, Error> {
        Ok(self.proves_identity)
    }

    fn hand_over(&mut self, program: &Path, outgoing: &Outgoing) -> Result<(), NotTaken> {
        assert_eq!(program, Path::new("/usr/libexec/pam_otp/otp-mail"));
        if self.mail_is_down {
            return Err(NotTaken::Silence);
        }
        let bytes = outgoing.to_fields().to_bytes().unwrap();
        let fields = Fields::read_from(&mut bytes.as_slice()).ok().unwrap();
        let mail = Outgoing::from_fields(&fields).unwrap();
        self.mailbox.borrow_mut().push(mail);
        Ok(())
    }

    fn hand_over_and_hear(
        &mut self,
        program: &Path,
        outgoing: &Outgoing,
    ) -> Result<Address, NotTaken> {
        self.hand_over(program, outgoing)?;
        Ok(Address::parse(&format!("{}@example.org", outgoing.user)).unwrap())
    }

    fn rest(&mut self, _begun: Instant, whole: Duration) {
        let mails = self.mailbox.borrow().len();
        self.rested.push((whole, mails, self.told.len()));
    }

    fn machine(&self) -> String {
        "web1.example.org".to_owned()
    }

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
        Ok(account_of(name).map(|account| Named {
            account,
            alias: (name == "ally").then(|| UserName::new(name).unwrap()),
        }))
    }

    fn is_root(&self) -> bool {
        true
    }

    fn now(&mut self) -> Result<UnixTime, Before1970> {
        Ok(self.now)
    }

    fn zone(&self) -> Zone {
        self.zones_read.set(self.zones_read.get() + 1);
        self.zone.clone()
    }
}
