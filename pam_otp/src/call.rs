//! What every call of the module begins with, in any phase, and how it ends without a verdict.

use crate::event;
use crate::host::{Disposition, Host, HostFault, OneFactor, Origin, Tone};
use crate::options::Options;
use otp_core::enforce::{Demand, Login, demand_on_login};
use otp_core::event::{Entry, Event, Phase, Severity, Text, Value};
use otp_core::layout::wrap;
use otp_core::messages::Message;
use otp_core::network::{self, Network};
use otp_core::record::Language;
use otp_core::{Account, Before1970, Policy, UnixTime, UserName};
use otp_helper::mail;
use otp_helper::protocol::Claim;
use otp_helper::records::{Installation, Lost, Records};
use otp_log::Hooks;
use otp_site::policy;
use otp_site::stack::{self, joins_messages};
use otp_store::Error;
use std::path::PathBuf;

/// The assumed width of a terminal: no program says how wide it is.
pub(crate) const COLUMNS: usize = 80;

/// Why a login ended without a verdict.
pub(crate) enum Stop {
    Host(HostFault),
    Lost(Lost),
    /// This machine could not provide something that must be known.
    Site(otp_site::Error),
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

impl From<otp_site::Error> for Stop {
    fn from(error: otp_site::Error) -> Self {
        Self::Site(error)
    }
}

impl From<Before1970> for Stop {
    fn from(error: Before1970) -> Self {
        Self::Site(error.into())
    }
}

/// One call of the module.
pub(crate) struct Call<'h, H> {
    pub host: &'h mut H,
    pub origin: Origin,
    /// Nobody may be told anything.
    pub silent: bool,
    pub language: Language,
    /// The user name from the program; for the log, even if nobody has that name.
    pub user: String,
    /// The canonical name of the user, for the log, if it is another name.
    canonical: Option<UserName>,
    phase: Phase,
    /// The hook of the policy, if this process itself queues events for it. `None`: the policy is not read yet or names
    /// no hook, or the helper or a verifier queues the events.
    hooks: Option<Hooks>,
    /// The id that all lines about an attempt share, if a helper was asked to make it.
    id: Option<u128>,
}

/// The caller and its rules, which stay the same during one call.
pub(crate) struct Case {
    /// `None`: the name service does not know the name.
    pub account: Option<Account>,
    /// The name of this login, if it is a second name of the account.
    pub alias: Option<UserName>,
    /// The rules for the service of this login, with what the line changes.
    pub policy: Policy,
    pub records: Records,
    pub nullok: bool,
    /// The file that the policy was read from.
    pub conf: PathBuf,
    /// The program that sends mail.
    pub mailer: PathBuf,
}

impl<'h, H: Host> Call<'h, H> {
    pub(crate) fn new(host: &'h mut H, phase: Phase, silent: bool) -> Self {
        let origin = host.origin();
        Self {
            host,
            origin,
            silent,
            language: Language::default(),
            user: String::new(),
            canonical: None,
            phase,
            hooks: None,
            id: None,
        }
    }

    /// Reads the arguments of the line; an unknown argument ends the call.
    pub(crate) fn options(&mut self, arguments: &[&[u8]]) -> Result<Options, Disposition> {
        match Options::parse(arguments) {
            Ok(options) => {
                self.language = self.language_of(&options).unwrap_or_default();
                Ok(options)
            }
            Err(bad) => {
                self.user = self.host.user().unwrap_or_default();
                let reason = format!(
                    "module argument {} ({}): {}",
                    bad.position, bad.name, bad.reason
                );
                let entry = self
                    .entry(Event::Unavailable, Severity::Error)
                    .with(Value::Reason(Text::escaped(&reason)));
                self.log(entry);
                self.tell(Message::Unavailable, Tone::Refusal);
                Err(Disposition::Unavailable)
            }
        }
    }

    /// Finds out who is asking, and under which rules.
    pub(crate) fn case(&mut self, options: &Options) -> Result<Case, Stop> {
        let user = self.host.user()?;
        self.case_of(options, user)
    }

    /// Finds out under which rules a user who is already known is asking.
    pub(crate) fn case_of(&mut self, options: &Options, user: String) -> Result<Case, Stop> {
        self.user = user;
        let mut policy = policy::load(&options.conf)?.for_service(&self.origin.service);
        if !policy.hooks.run.is_empty() && self.host.is_root() {
            self.hooks = Some(Hooks::new(&options.state_dir, &policy.hooks));
        }
        self.language = self.language_of(options).unwrap_or(policy.language);
        policy.enroll.qr = options.qr.unwrap_or(policy.enroll.qr);
        let named = self.host.account(&self.user)?;
        let (account, alias) =
            named.map_or((None, None), |named| (Some(named.account), named.alias));
        let other = |account: &Account| account.name.as_str() != self.user;
        self.canonical = account.clone().filter(other).map(|account| account.name);
        let installation = Installation {
            conf: options.conf.clone(),
            state_dir: options.state_dir.clone(),
            helper: options.helper.clone(),
        };
        let is_root = self.host.is_root();
        let records = Records::of_account(account.as_ref(), &policy, is_root, &installation)?;
        if records.are_in_a_fleet() {
            // The verifier passes events to a hook, once for the whole fleet.
            self.hooks = None;
        }
        let known = match account {
            Some(_) => "account known: true",
            None => "account known: false",
        };
        self.debug(options, known);
        Ok(Case {
            account,
            alias,
            policy,
            records,
            nullok: options.nullok,
            conf: options.conf.clone(),
            mailer: options.helper.with_file_name(mail::PROGRAM),
        })
    }

    /// Returns the language of this login, if it is not that of the policy: what the person reads comes before what the
    /// line says.
    fn language_of(&self, options: &Options) -> Option<Language> {
        self.host.language().or(options.language)
    }

    /// Returns what policy demands of an account without an authenticator; logs groups that could not be looked up.
    pub(crate) fn demand(
        &mut self,
        case: &Case,
        account: &Account,
        first_login: Option<UnixTime>,
        now: UnixTime,
    ) -> Demand {
        let login = Login {
            name: &account.name,
            alias: case.alias.as_ref(),
            nullok: case.nullok,
            first_login,
        };
        let belongs = |user: &UserName, group: &str| self.host.belongs(user, group);
        let (wanted, unknown) = demand_on_login(&case.policy.enforce, &login, belongs, now);
        for group in unknown {
            let reason = format!("the group {group} cannot be looked up");
            self.warn(&reason);
        }
        wanted
    }

    /// Returns the trusted network that the login comes from.
    pub(crate) fn trusted_network(&self, case: &Case) -> Option<Network> {
        let address = network::address(&self.origin.host)?;
        case.policy.trust.network_of(address)
    }

    /// Returns what a helper is told about this program, for the entry that it logs.
    pub(crate) fn claim(&mut self) -> Claim {
        // If no id can be read, the helper makes one.
        self.id = otp_log::new_id();
        Claim {
            id: self.id,
            service: self.origin.service.clone(),
            host: self.origin.host.clone(),
            terminal: self.origin.terminal.clone(),
            silent: self.silent,
        }
    }

    /// Ends a call that has reached no verdict.
    pub(crate) fn stop(&mut self, stop: &Stop) -> Disposition {
        if let Stop::Lost(Lost::Recorded(_)) = stop {
            self.tell(Message::Unavailable, Tone::Refusal);
            return Disposition::Unavailable;
        }
        let (answer, event, severity, reason) = match stop {
            Stop::Host(fault @ HostFault::Conversation) => (
                Disposition::Refused,
                Event::Reject,
                Severity::Notice,
                fault.word().to_owned(),
            ),
            Stop::Host(fault) => (
                Disposition::Unavailable,
                Event::Unavailable,
                Severity::Error,
                fault.word().to_owned(),
            ),
            Stop::Lost(lost) => (
                Disposition::Unavailable,
                Event::Unavailable,
                Severity::Error,
                lost.to_string(),
            ),
            Stop::Site(error) => (
                Disposition::Unavailable,
                Event::Unavailable,
                Severity::Error,
                error.to_string(),
            ),
            Stop::UserChanged => {
                let reason = "the application changed the user name during the login".to_owned();
                (
                    Disposition::Unavailable,
                    Event::Unavailable,
                    Severity::Error,
                    reason,
                )
            }
        };
        let mut entry = self.entry(event, severity);
        // If the records failed, the attempt may have been counted before.
        if !matches!(stop, Stop::Lost(_) | Stop::Site(_)) {
            entry.add(Value::Counted(false));
        }
        entry.add(Value::Reason(Text::escaped(&reason)));
        if let Some(id) = self.id {
            entry.add(Value::Id(id));
        }
        self.log(entry);
        if answer == Disposition::Unavailable {
            self.tell(Message::Unavailable, Tone::Refusal);
        }
        answer
    }

    /// Checks that the name is still the same: a program may let it change during the conversation, and what was typed
    /// was for the first name.
    pub(crate) fn still_the_same_user(&mut self) -> Result<(), Stop> {
        if self.host.user()? == self.user {
            Ok(())
        } else {
            Err(Stop::UserChanged)
        }
    }

    /// Begins a log entry about this call.
    pub(crate) fn entry(&self, event: Event, severity: Severity) -> Entry {
        event::begin(event, severity, &self.user, &self.origin).with(Value::Phase(self.phase))
    }

    /// After a right code: has it logged if the rest of the login is refused.
    pub(crate) fn watch_the_end(&mut self, mut entry: Entry) {
        if let Some(canonical) = &self.canonical {
            entry.add(Value::Account(Text::escaped(canonical.as_str())));
        }
        let hooks = self.hooks.clone();
        self.host.watch_the_end(OneFactor { entry, hooks });
    }

    pub(crate) fn log(&mut self, mut entry: Entry) {
        if let Some(canonical) = &self.canonical {
            entry.add(Value::Account(Text::escaped(canonical.as_str())));
        }
        if self.silent {
            entry = entry.not_shown();
        }
        self.host.log(&entry);
        if let Some(hooks) = &self.hooks {
            self.host.hand_on(&entry, hooks);
        }
    }

    /// Logs something that an administrator must correct.
    pub(crate) fn warn(&mut self, reason: &str) {
        let entry = self
            .entry(Event::Policy, Severity::Warning)
            .with(Value::Reason(Text::escaped(reason)));
        self.log(entry);
    }

    /// Shows a message in lines that fit a terminal: su, login and sshd's client show them as they are. Programs that
    /// show only one line (Cockpit) turn line ends into spaces. Users of the portal read of pages, others of commands.
    pub(crate) fn tell(&mut self, message: Message, tone: Tone) {
        if !self.silent {
            let language = self.language_of_what_is_told(tone);
            let text = if self.origin.service == stack::PORTAL {
                message.text_in_a_browser(language)
            } else {
                message.text(language)
            };
            self.host.tell(&wrap(&text, COLUMNS), tone);
        }
    }

    /// Returns English if the program leaves only ASCII of information.
    pub(crate) fn language_of_what_is_told(&self, tone: Tone) -> Language {
        let is_lost = tone == Tone::Information && joins_messages(&self.origin.service);
        if is_lost {
            Language::English
        } else {
            self.language
        }
    }

    pub(crate) fn debug(&mut self, options: &Options, what: &'static str) {
        if options.debug {
            let entry = self.entry(Event::Debug, Severity::Debug);
            self.log(entry.with(Value::Step(what)));
        }
    }
}
