//! The guide for the people who log in: one page that says what is true under this policy, and nothing else.
//!
//! What the guide says, and in which order, is decided here, once for all languages. `guide/english.rs` and
//! `guide/korean.rs` have the words. The pictures are what the product prints; the caller plays them.

mod english;
mod korean;
#[cfg(test)]
mod tests;

use super::Message;
use super::enrol::settings;
use crate::mail::AddressSource;
use crate::qr::Style;
use crate::record::{
    Algorithm, Authenticator, DEFAULT_NAME, Groups, Kind, Language, Period, Policies, Policy,
    Unlock,
};
use crate::time::UnixTime;
use crate::zone::Zone;
use std::time::Duration;

/// The facts that a guide follows from.
pub struct Facts<'a> {
    /// The name of the organisation or of the machine, as its users know it.
    pub site: &'a str,
    /// The issuer, under which apps show the account.
    pub issuer: &'a str,
    /// The name of this machine.
    pub machine: &'a str,
    /// The version of the programs.
    pub version: &'a str,
    /// The present: whether a deadline has passed.
    pub now: UnixTime,
    /// The time zone of this machine, in which times are told.
    pub zone: &'a Zone,
    /// The policy.
    pub policies: &'a Policies,
    /// A new authenticator under this policy.
    pub device: &'a Authenticator,
    /// The logins that set up an authenticator; `None`: no login does.
    pub enrols_in: Option<&'a Enrolling>,
    /// Where users without an authenticator need none, whatever the policy says.
    pub excuses: Excuses,
    /// The portal, if there is one.
    pub portal: Option<Portal<'a>>,
}

/// The logins that set up an authenticator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolling {
    /// Their services, as users know them; none: the services are not known.
    pub services: Vec<String>,
    /// Whether all of them accept "later" before a deadline.
    pub offer: bool,
    /// How the first of them that draws the QR code draws it.
    pub qr: Style,
}

/// The services whose lines let users in who have no authenticator, by `nullok`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Excuses {
    /// None.
    #[default]
    Nowhere,
    /// Some of those that ask for a code.
    Somewhere,
    /// All of those that ask for a code.
    Everywhere,
}

/// The portal of this machine.
#[derive(Clone, Copy)]
pub struct Portal<'a> {
    /// Its address.
    pub url: &'a str,
    /// Whether a login there sets up an authenticator.
    pub enrols: bool,
}

/// A guide in one language.
pub struct Guide {
    /// The title.
    pub title: String,
    /// The sections, in their order.
    pub sections: Vec<Section>,
    /// What the guide was made from, and when.
    pub footer: String,
    /// The word that marks the QR code as an example.
    pub example: String,
    /// What stands for the QR code in a guide without pictures.
    pub qr_code: String,
}

/// One section of a guide.
pub struct Section {
    /// The heading.
    pub heading: String,
    /// What stands below it.
    pub parts: Vec<Part>,
}

/// A part of a section. Its sentences have [`runs`].
pub enum Part {
    /// Sentences.
    Paragraph(String),
    /// Steps, one after the other.
    Steps(Vec<String>),
    /// A picture with its caption.
    Picture(Picture, String),
}

/// What a picture shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Picture {
    /// An enrolment up to the code that is typed back.
    Enrolment,
    /// The recovery codes, and the rest of the enrolment.
    RecoveryCodes,
    /// A login with a code.
    Login,
}

/// A piece of a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run<'t> {
    /// Words.
    Words(&'t str),
    /// A command, or something else that is typed as it stands.
    Typed(&'t str),
    /// The address of a page.
    Address(&'t str),
}

/// These characters enclose what is typed and an address in a sentence. No value has a control character.
const TYPED: [char; 2] = ['\u{1}', '\u{2}'];
const ADDRESS: [char; 2] = ['\u{3}', '\u{4}'];

fn typed(text: &str) -> String {
    format!("{}{text}{}", TYPED[0], TYPED[1])
}

fn address(url: &str) -> String {
    format!("{}{url}{}", ADDRESS[0], ADDRESS[1])
}

/// Takes a sentence apart.
#[must_use]
pub fn runs(sentence: &str) -> Vec<Run<'_>> {
    let mut found = Vec::new();
    let mut rest = sentence;
    while let Some(at) = rest.find([TYPED[0], ADDRESS[0]]) {
        let (words, marked) = rest.split_at(at);
        found.push(Run::Words(words));
        let (begins, ends) = if marked.starts_with(TYPED[0]) {
            (TYPED[0], TYPED[1])
        } else {
            (ADDRESS[0], ADDRESS[1])
        };
        let inside = &marked[begins.len_utf8()..];
        let (inside, after) = inside.split_once(ends).unwrap_or((inside, ""));
        found.push(if begins == TYPED[0] {
            Run::Typed(inside)
        } else {
            Run::Address(inside)
        });
        rest = after;
    }
    found.push(Run::Words(rest));
    found.retain(|run| *run != Run::Words(""));
    found
}

/// When users must have an authenticator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Must {
    /// Nobody must.
    Never,
    /// From now on.
    Now,
    /// From this moment on.
    From(UnixTime),
    /// After this time, from the first login on.
    After(Duration),
    /// From this moment on, or after this time, whichever is later.
    Later(UnixTime, Duration),
}

impl Must {
    fn of(policy: &Policy, now: UnixTime) -> Self {
        let enforce = &policy.enforce;
        if matches!(&enforce.groups, Groups::Named(names) if names.is_empty()) {
            return Self::Never;
        }
        let from = enforce.from.filter(|from| *from > now);
        match (from, enforce.grace.is_zero()) {
            (None, true) => Self::Now,
            (Some(from), true) => Self::From(from),
            (None, false) => Self::After(enforce.grace),
            (Some(from), false) => Self::Later(from, enforce.grace),
        }
    }
}

/// How long a lock lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lasts {
    /// Until it is opened.
    Open,
    /// Always as long.
    Always(Duration),
    /// Each in a row twice as long, up to the longest.
    Doubling(Duration, Duration),
}

/// The first step of setting up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begin<'a> {
    /// At the portal, or by the command.
    Portal(&'a str),
    /// In a login. `can_wait`: "later" is accepted.
    Login {
        services: &'a [String],
        can_wait: bool,
    },
    /// By the command. `is_shut`: users who have no authenticator cannot log in.
    Command { is_shut: bool },
}

/// One thing that the guide says: a heading, a caption, or one or two sentences of a paragraph.
#[derive(Clone, Copy)]
enum Sentence<'a> {
    Title(&'a str),
    AboutHeading,
    About {
        site: &'a str,
        digits: u8,
        seconds: u64,
    },
    Needed {
        must: Must,
        zone: &'a Zone,
    },
    SomeAreExempt,
    SomeProgramsExcuse,
    OnceForAll(&'a str),
    AppHeading,
    AnyApp,
    OnAComputer,
    NotEveryApp {
        settings: &'a str,
        known: &'a str,
    },
    UnfitAppIsNoticed,
    SetUpHeading,
    Begin {
        begin: Begin<'a>,
        command: &'a str,
    },
    TypeMailedCode,
    Scan {
        issuer: &'a str,
    },
    TypeKey {
        settings: &'a str,
        is_drawn: bool,
    },
    TypeCode(u8),
    KeepCodes {
        codes: u8,
        is_typed: bool,
    },
    NothingSaved,
    EnrolmentCaption,
    RecoveryCodesCaption,
    LoginHeading,
    LogIn {
        prompt: &'a str,
    },
    WorksOnce,
    Remembered {
        length: Duration,
        everywhere: bool,
    },
    SomeNetworks,
    LoginCaption,
    RecoveryHeading,
    RecoveryUse(u8),
    RecoveryNew {
        portal: Option<&'a str>,
        codes: u8,
    },
    NewHeading,
    NewReplaces {
        portal: Option<&'a str>,
        command: &'a str,
        codes: u8,
    },
    NewIsAdded {
        portal: Option<&'a str>,
        most: u8,
        old: &'a str,
    },
    KeepOldEntry,
    LostHeading,
    LostUseRecovery {
        replaces: bool,
        old: &'a str,
    },
    LostUseMail {
        is_first: bool,
    },
    LostAsk {
        is_only_way: bool,
    },
    LockedHeading,
    Locks(u32),
    LockLasts(Lasts),
    OpensLock,
    AskToUnlock,
    Disables(u32),
    RefusedHeading,
    SetClock,
    RightEntry(&'a str),
    NeverHeading,
    NeverGive {
        codes: u8,
    },
    Made {
        date: &'a str,
        machine: &'a str,
        version: &'a str,
    },
    Example,
    QrCode,
}

impl Sentence<'_> {
    fn text(self, language: Language) -> String {
        match language {
            Language::English => english::text(self),
            Language::Korean => korean::text(self),
        }
    }
}

/// The apps that are known to show right codes under every policy, with the first version that does where an earlier
/// one is known that does not. `conf/apps.toml` has them; a test compares. Phones are not among them: the apps there
/// were not tried, so they are named only for the settings that every app has by default.
const ALWAYS_RIGHT: [(&str, &str); 1] = [("KeePassXC", "2.7.10")];

/// The apps that are named where the settings are those that every app has by default.
const FOR_A_PHONE: [&str; 2] = ["Google Authenticator", "Microsoft Authenticator"];
const FOR_A_COMPUTER: [&str; 2] = ["KeePassXC", "Bitwarden"];

/// Whether the settings are those that every app has by default.
fn are_usual(device: &Authenticator) -> bool {
    device.algorithm == Algorithm::Sha1
        && device.digits.count() == 6
        && device.kind == Kind::Totp(Period::THIRTY)
}

impl Facts<'_> {
    fn policy(&self) -> &Policy {
        self.policies.where_nothing_is_said()
    }

    /// Whether the address is confirmed before the key is shown. Verifiers of a fleet send no mail.
    #[must_use]
    pub fn confirms_address(&self) -> bool {
        let policy = self.policy();
        policy.enroll.verify_email
            && policy.mail.address != AddressSource::Nowhere
            && !policy.fleet.is_used()
    }

    fn mails_codes(&self) -> bool {
        self.policy().mails_codes() && !self.policy().fleet.is_used()
    }

    /// Returns when users must have an authenticator.
    fn must(&self) -> Must {
        match self.excuses {
            Excuses::Everywhere => Must::Never,
            Excuses::Nowhere | Excuses::Somewhere => Must::of(self.policy(), self.now),
        }
    }

    /// Whether an enrolment draws the QR code.
    fn draws(&self) -> bool {
        !self.shows_login() || self.qr() != Style::None
    }

    /// How the pictures draw the QR code of a login.
    #[must_use]
    pub fn qr(&self) -> Style {
        self.enrols_in()
            .map_or(self.policy().enroll.qr, |logins| logins.qr)
    }

    /// Returns the logins that set up an authenticator; `None`: nobody must have one, or no login does.
    fn enrols_in(&self) -> Option<&Enrolling> {
        let nobody_must = self.must() == Must::Never;
        self.enrols_in.filter(|_| !nobody_must)
    }

    /// Returns the portal's address if a login there sets up an authenticator.
    fn enrols_at(&self) -> Option<&str> {
        let nobody_must = self.must() == Must::Never;
        let portal = self.portal.filter(|one| one.enrols && !nobody_must);
        portal.map(|one| one.url)
    }

    /// Whether the pictures show an enrolment in a login, and not that of `otp-enroll`.
    #[must_use]
    pub fn shows_login(&self) -> bool {
        self.enrols_in().is_some() && self.enrols_at().is_none()
    }

    /// Whether the dialogue in a login accepts "later" at present.
    #[must_use]
    pub fn can_wait(&self) -> bool {
        let is_due = self.must() == Must::Now;
        self.enrols_in().is_some_and(|logins| logins.offer) && !is_due
    }

    /// Returns the command with which users enrol, so that it speaks the language of the guide.
    #[must_use]
    pub fn command(&self, language: Language) -> String {
        if language == self.policy().language {
            "otp-enroll".to_owned()
        } else {
            format!("otp-enroll --lang {}", language.tag())
        }
    }

    /// How long a code is remembered, and whether that holds in every service.
    fn remembered(&self) -> Option<(Duration, bool)> {
        let general = self.policy().trust.remember;
        let others = self.policies.services().filter_map(|(_, one)| one.remember);
        let lengths: Vec<Duration> = std::iter::once(general).chain(others).collect();
        let longest = lengths.iter().copied().max().filter(|one| !one.is_zero())?;
        Some((longest, lengths.iter().all(|one| *one == longest)))
    }

    fn trusts_networks(&self) -> bool {
        let mut others = self
            .policies
            .services()
            .filter_map(|(_, one)| one.networks.as_ref());
        !self.policy().trust.networks.is_empty() || others.any(|networks| !networks.is_empty())
    }

    fn some_are_exempt(&self) -> bool {
        let enforce = &self.policy().enforce;
        let mut others = self
            .policies
            .services()
            .filter_map(|(_, one)| one.exempt_groups.as_ref());
        enforce.groups != Groups::Everybody
            || !enforce.exempt_groups.is_empty()
            || !enforce.exempt_users.is_empty()
            || others.any(|groups| !groups.is_empty())
    }

    /// Returns the guide in this language.
    #[must_use]
    pub fn guide(&self, language: Language) -> Guide {
        let say = |sentence: Sentence<'_>| sentence.text(language);
        let mut sections = vec![
            self.about(language),
            self.app(language),
            self.set_up(language),
            self.log_in(language),
        ];
        sections.extend(self.recovery(language));
        sections.extend([
            self.new_device(language),
            self.lost(language),
            self.locked(language),
            self.refused(language),
            self.never(language),
        ]);
        let date = self.zone.at(self.now).date();
        Guide {
            title: say(Sentence::Title(self.site)),
            sections,
            footer: say(Sentence::Made {
                date: &date,
                machine: self.machine,
                version: self.version,
            }),
            example: say(Sentence::Example),
            qr_code: say(Sentence::QrCode),
        }
    }

    fn about(&self, language: Language) -> Section {
        let must = self.must();
        let kind = self.device.kind;
        let seconds = match kind {
            Kind::Totp(period) => period.seconds(),
            Kind::Hotp => 0,
        };
        let mut needed = vec![Sentence::Needed {
            must,
            zone: self.zone,
        }];
        if must != Must::Never && self.some_are_exempt() {
            needed.push(Sentence::SomeAreExempt);
        }
        if must != Must::Never && self.excuses == Excuses::Somewhere {
            needed.push(Sentence::SomeProgramsExcuse);
        }
        if self.policy().fleet.is_used() {
            needed.push(Sentence::OnceForAll(self.site));
        }
        let about = Sentence::About {
            site: self.site,
            digits: self.device.digits.count(),
            seconds,
        };
        Section {
            heading: Sentence::AboutHeading.text(language),
            parts: vec![paragraph(language, &[about]), paragraph(language, &needed)],
        }
    }

    fn app(&self, language: Language) -> Section {
        let known = ALWAYS_RIGHT.map(|(name, _)| name).join(", ");
        let since = ALWAYS_RIGHT.map(|(name, first)| format!("{name} {first}"));
        let is_long = matches!(self.device.kind, Kind::Totp(period) if period.seconds() > 60);
        let known = if is_long { since.join(", ") } else { known };
        let settings = settings(language, self.device);
        let said = if are_usual(self.device) {
            [Sentence::AnyApp, Sentence::OnAComputer]
        } else {
            let (settings, known) = (settings.as_str(), known.as_str());
            [
                Sentence::NotEveryApp { settings, known },
                Sentence::UnfitAppIsNoticed,
            ]
        };
        Section {
            heading: Sentence::AppHeading.text(language),
            parts: vec![paragraph(language, &said)],
        }
    }

    fn set_up(&self, language: Language) -> Section {
        let (policy, command) = (self.policy(), self.command(language));
        let (settings, is_drawn) = (settings(language, self.device), self.draws());
        let (codes, command) = (policy.recovery.codes, command.as_str());
        let settings = settings.as_str();
        let begin = match (self.enrols_at(), self.enrols_in()) {
            (Some(url), _) => Begin::Portal(url),
            (_, Some(logins)) => Begin::Login {
                services: &logins.services,
                can_wait: self.can_wait(),
            },
            (_, None) => Begin::Command {
                is_shut: self.must() == Must::Now,
            },
        };
        let mut steps = vec![Sentence::Begin { begin, command }];
        if self.confirms_address() {
            steps.push(Sentence::TypeMailedCode);
        }
        let issuer = self.issuer;
        if is_drawn {
            steps.push(Sentence::Scan { issuer });
        }
        steps.push(Sentence::TypeKey { settings, is_drawn });
        steps.push(Sentence::TypeCode(self.device.digits.count()));
        if codes > 0 {
            let is_typed = !matches!(begin, Begin::Portal(_));
            steps.push(Sentence::KeepCodes { codes, is_typed });
        }
        let steps = steps.into_iter().map(|one| one.text(language));
        let mut parts = vec![
            Part::Steps(steps.collect()),
            paragraph(language, &[Sentence::NothingSaved]),
            picture(language, Picture::Enrolment, Sentence::EnrolmentCaption),
        ];
        if codes > 0 {
            let caption = Sentence::RecoveryCodesCaption;
            parts.push(picture(language, Picture::RecoveryCodes, caption));
        }
        Section {
            heading: Sentence::SetUpHeading.text(language),
            parts,
        }
    }

    fn log_in(&self, language: Language) -> Section {
        let prompt = Message::CodePrompt.text(self.policy().language);
        let prompt = prompt.trim();
        let mut said = vec![Sentence::LogIn { prompt }, Sentence::WorksOnce];
        if let Some((length, everywhere)) = self.remembered() {
            said.push(Sentence::Remembered { length, everywhere });
        }
        if self.trusts_networks() {
            said.push(Sentence::SomeNetworks);
        }
        Section {
            heading: Sentence::LoginHeading.text(language),
            parts: vec![
                paragraph(language, &said),
                picture(language, Picture::Login, Sentence::LoginCaption),
            ],
        }
    }

    fn recovery(&self, language: Language) -> Option<Section> {
        let codes = self.policy().recovery.codes;
        let portal = self.portal.map(|portal| portal.url);
        (codes > 0).then(|| Section {
            heading: Sentence::RecoveryHeading.text(language),
            parts: vec![paragraph(
                language,
                &[
                    Sentence::RecoveryUse(codes),
                    Sentence::RecoveryNew { portal, codes },
                ],
            )],
        })
    }

    fn new_device(&self, language: Language) -> Section {
        let (policy, command) = (self.policy(), self.command(language));
        let (portal, codes) = (self.portal.map(|portal| portal.url), policy.recovery.codes);
        let most = policy.enroll.max_authenticators;
        let new = if most == 1 {
            Sentence::NewReplaces {
                portal,
                command: &command,
                codes,
            }
        } else {
            let old = DEFAULT_NAME;
            Sentence::NewIsAdded { portal, most, old }
        };
        Section {
            heading: Sentence::NewHeading.text(language),
            parts: vec![paragraph(language, &[new, Sentence::KeepOldEntry])],
        }
    }

    fn lost(&self, language: Language) -> Section {
        let policy = self.policy();
        let mut said = Vec::new();
        if policy.recovery.codes > 0 {
            said.push(Sentence::LostUseRecovery {
                replaces: policy.enroll.max_authenticators == 1,
                old: DEFAULT_NAME,
            });
        }
        if self.mails_codes() {
            let is_first = said.is_empty();
            said.push(Sentence::LostUseMail { is_first });
        }
        // A mailed code lets the user log in. It does not prove the user to `otp-enroll`, which is not root.
        let is_only_way = policy.recovery.codes == 0;
        said.push(Sentence::LostAsk { is_only_way });
        Section {
            heading: Sentence::LostHeading.text(language),
            parts: vec![paragraph(language, &said)],
        }
    }

    fn locked(&self, language: Language) -> Section {
        let (lockout, recovery) = (&self.policy().lockout, &self.policy().recovery);
        let longest = lockout.unlock_after_max();
        let mut said = Vec::new();
        let disables = lockout.disable_after();
        // An account that is disabled at once is never locked.
        if disables.is_none_or(|most| most > lockout.failures()) {
            said.push(Sentence::Locks(lockout.failures()));
            said.push(Sentence::LockLasts(match lockout.unlock() {
                Unlock::Never => Lasts::Open,
                Unlock::After(first) if first == longest => Lasts::Always(first),
                Unlock::After(first) => Lasts::Doubling(first, longest),
            }));
            said.push(if recovery.opens_lock && recovery.codes > 0 {
                Sentence::OpensLock
            } else {
                Sentence::AskToUnlock
            });
        }
        said.extend(disables.map(Sentence::Disables));
        Section {
            heading: Sentence::LockedHeading.text(language),
            parts: vec![paragraph(language, &said)],
        }
    }

    fn refused(&self, language: Language) -> Section {
        let said = [Sentence::SetClock, Sentence::RightEntry(self.issuer)];
        Section {
            heading: Sentence::RefusedHeading.text(language),
            parts: vec![paragraph(language, &said)],
        }
    }

    fn never(&self, language: Language) -> Section {
        let codes = self.policy().recovery.codes;
        Section {
            heading: Sentence::NeverHeading.text(language),
            parts: vec![paragraph(language, &[Sentence::NeverGive { codes }])],
        }
    }
}

fn paragraph(language: Language, said: &[Sentence<'_>]) -> Part {
    let said: Vec<String> = said.iter().map(|one| one.text(language)).collect();
    Part::Paragraph(said.join(" "))
}

fn picture(language: Language, picture: Picture, caption: Sentence<'_>) -> Part {
    Part::Picture(picture, caption.text(language))
}
