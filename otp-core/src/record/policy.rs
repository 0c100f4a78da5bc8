//! What the administrator decided. The manual names the default of every field.

use super::{Algorithm, Digits, FleetPolicy, OutOfRange, Period};
use crate::event::Event;
use crate::every;
use crate::mail::{Address, AddressSource, Route};
use crate::messages::reason::Unfit;
use crate::network::Network;
use crate::qr::Style;
use crate::time::UnixTime;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The language of what people are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Korean.
    Korean,
}

impl Language {
    /// All variants.
    pub const ALL: [Self; 2] = every!(Language: English, Korean);

    /// The two-letter tag in the policy, in arguments and on command lines.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Korean => "ko",
        }
    }

    /// Returns the language of a two-letter tag, `en` or `ko`.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.tag() == tag)
    }
}

/// When a lock ends without an administrator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unlock {
    /// After this long; doubled for each lock in a row.
    After(Duration),
    /// Not before an administrator unlocks the account or a recovery code is used.
    Never,
}

/// The codes of new authenticators, and how far from now a code may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodePolicy {
    /// Hash of new authenticators.
    pub algorithm: Algorithm,
    /// Code length of new authenticators.
    pub digits: Digits,
    /// Step length of new authenticators.
    pub period: Period,
    /// Steps accepted on either side of now (RFC 6238 section 5.2 recommends at most one).
    pub window: u8,
}

/// When guessing is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockoutPolicy {
    failures: u32,
    unlock: Unlock,
    unlock_after_max: Duration,
    disable_after: Option<u32>,
}

impl LockoutPolicy {
    /// Checks the four values against each other.
    ///
    /// # Errors
    /// `failures` is outside 1 to 100; a wait is zero, over ten years, or over its maximum; `disable_after` is over 100
    /// (NIST SP 800-63B-4 section 3.2.2) or under `failures`.
    pub fn new(
        failures: u32,
        unlock: Unlock,
        unlock_after_max: Duration,
        disable_after: Option<u32>,
    ) -> Result<Self, OutOfRange> {
        const TEN_YEARS: Duration = Duration::from_secs(10 * 366 * 86_400);
        if !(1..=100).contains(&failures) {
            return Err(OutOfRange(Unfit::FailuresToLock));
        }
        if unlock_after_max > TEN_YEARS {
            return Err(OutOfRange(Unfit::LongestLock));
        }
        if let Unlock::After(wait) = unlock
            && (wait.is_zero() || wait > unlock_after_max)
        {
            return Err(OutOfRange(Unfit::LockLength));
        }
        if disable_after.is_some_and(|limit| limit > 100 || limit < failures) {
            return Err(OutOfRange(Unfit::FailuresToDisable));
        }
        Ok(Self {
            failures,
            unlock,
            unlock_after_max,
            disable_after,
        })
    }

    /// Failures in a row that lock the account.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// Failures in a row, over all locks, that disable the account; `None`: never.
    #[must_use]
    pub const fn disable_after(&self) -> Option<u32> {
        self.disable_after
    }

    /// How long the first lock lasts.
    #[must_use]
    pub const fn unlock(&self) -> Unlock {
        self.unlock
    }

    /// The longest time that a lock may last.
    #[must_use]
    pub const fn unlock_after_max(&self) -> Duration {
        self.unlock_after_max
    }

    /// How long the `nth` lock in a row lasts, counted from 1: each lasts twice as long, up to the maximum.
    #[must_use]
    pub fn lock_length(&self, nth: u32) -> Unlock {
        match self.unlock {
            Unlock::Never => Unlock::Never,
            Unlock::After(first) => {
                let factor = 1_u32.checked_shl(nth.saturating_sub(1)).unwrap_or(u32::MAX);
                Unlock::After(first.saturating_mul(factor).min(self.unlock_after_max))
            }
        }
    }
}

/// What recovery codes do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecoveryPolicy {
    /// How many are issued together, 0 to 32.
    pub codes: u8,
    /// Whether a recovery code opens a lock.
    pub opens_lock: bool,
    /// Whether users can ask for a code by mail in a login.
    pub email: bool,
}

/// Whether a login sets up an authenticator for a user who must have one and has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum AtLogin {
    /// It does not.
    #[default]
    Off,
    /// It does, and until the deadline users may answer "later".
    Offer,
    /// It does, and users may not answer "later".
    Require,
}

impl AtLogin {
    /// All variants.
    pub const ALL: [Self; 3] = every!(AtLogin: Off, Offer, Require);

    /// The word in the policy.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Offer => "offer",
            Self::Require => "require",
        }
    }

    /// Returns the value with that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }
}

/// What enrolment allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnrollPolicy {
    /// Whether a login sets up an authenticator.
    pub at_login: AtLogin,
    /// Whether the section of the service sets `at_login`. It then holds in every program.
    pub is_for_service: bool,
    /// How a login draws the QR code: it cannot know what the terminal can show.
    pub qr: Style,
    /// How many authenticators an account may have, 1 to 4.
    pub max_authenticators: u8,
    /// Whether the user must confirm the address before the key is shown.
    pub verify_email: bool,
}

/// Whom enforcement is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Groups {
    /// Everybody.
    Everybody,
    /// The members of these groups, by name or by number.
    Named(Vec<String>),
}

/// Who must have a second factor, and from when on. [`crate::enforce::demand`] says what this means for one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnforcePolicy {
    /// The groups whose members must.
    pub groups: Groups,
    /// Groups whose members need not, by name or by number.
    pub exempt_groups: Vec<String>,
    /// Users who need not, by name.
    pub exempt_users: Vec<String>,
    /// The moment from which they must; `None`: from now on.
    pub from: Option<UnixTime>,
    /// How long users may log in without a second factor, from the first such login on.
    pub grace: Duration,
}

impl EnforcePolicy {
    /// Whether no user at all is let in at `now` without a second factor.
    #[must_use]
    pub fn keeps_everybody_out(&self, now: UnixTime) -> bool {
        self.groups == Groups::Everybody
            && self.exempt_groups.is_empty()
            && self.exempt_users.is_empty()
            && self.from.is_none_or(|from| from <= now)
            && self.grace.is_zero()
    }
}

/// Where enrolled users are not asked for a code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustPolicy {
    /// Networks that are trusted.
    pub networks: Vec<Network>,
    /// How long a good code is remembered for the same user, service and address; zero: only for its login.
    pub remember: Duration,
}

impl TrustPolicy {
    /// Returns the network that contains this address, if there is one.
    #[must_use]
    pub fn network_of(&self, address: IpAddr) -> Option<Network> {
        let mut networks = self.networks.iter().copied();
        networks.find(|network| network.contains(address))
    }
}

/// How mail is sent, and to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailPolicy {
    /// How it is sent.
    pub route: Route,
    /// The file with the certificates that a mail server is checked against; `None`: those that this machine trusts.
    pub ca: Option<PathBuf>,
    /// The file with name and password for a mail server; `None`: it takes mail without them.
    pub credentials: Option<PathBuf>,
    /// The sender; `None`: root at this machine.
    pub from: Option<Address>,
    /// Where the addresses of users come from.
    pub address: AddressSource,
}

impl Default for MailPolicy {
    fn default() -> Self {
        Self {
            route: Route::Sendmail(PathBuf::from("/usr/sbin/sendmail")),
            ca: None,
            credentials: None,
            from: None,
            address: AddressSource::Nowhere,
        }
    }
}

/// Whom the helper answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HelperPolicy {
    /// Service accounts that may check any user's code, by name.
    pub trusted_callers: Vec<String>,
}

/// Which events the hook is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HooksPolicy {
    /// The path of the hook; empty: there is none.
    pub run: String,
    /// The events.
    pub events: Vec<Event>,
}

impl HooksPolicy {
    /// Whether the hook is given this event.
    #[must_use]
    pub fn wants(&self, event: Event) -> bool {
        !self.run.is_empty() && self.events.contains(&event)
    }
}

/// What seals the keys of authenticators where they are stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SealPolicy {
    /// The path of the file that holds the sealing key; empty: keys are not sealed.
    pub key: String,
}

/// The whole policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The language of the dialogue.
    pub language: Language,
    /// The issuer that the app shows; empty: the host name.
    pub issuer: String,
    /// The codes.
    pub code: CodePolicy,
    /// The lockout.
    pub lockout: LockoutPolicy,
    /// Recovery codes.
    pub recovery: RecoveryPolicy,
    /// Enrolment.
    pub enroll: EnrollPolicy,
    /// Enforcement.
    pub enforce: EnforcePolicy,
    /// Trusted places.
    pub trust: TrustPolicy,
    /// Mail.
    pub mail: MailPolicy,
    /// The helper for programs that are not root.
    pub helper: HelperPolicy,
    /// Events for the hook.
    pub hooks: HooksPolicy,
    /// The verifiers that keep the records of this machine's users.
    pub fleet: FleetPolicy,
    /// What seals the records.
    pub seal: SealPolicy,
}

impl Policy {
    /// Whether a login mails a code on request: policy allows it, and there are addresses.
    #[must_use]
    pub fn mails_codes(&self) -> bool {
        self.recovery.email && self.mail.address != AddressSource::Nowhere
    }

    /// The issuer that the app shows for an account, or, if there is none, the short name of the host.
    ///
    /// A colon, which ends the issuer in a URI, is left out: a policy of an earlier version may have one, and must not
    /// keep users from enrolling in a login.
    #[must_use]
    pub fn issuer_at(&self, host: &str) -> String {
        let issuer = self.issuer.replace(':', "");
        if issuer.is_empty() {
            host.split('.').next().unwrap_or(host).replace(':', "")
        } else {
            issuer
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            language: Language::English,
            issuer: String::new(),
            code: CodePolicy {
                algorithm: Algorithm::Sha1,
                digits: Digits::SIX,
                period: Period::THIRTY,
                window: 1,
            },
            lockout: LockoutPolicy {
                failures: 5,
                unlock: Unlock::After(Duration::from_secs(15 * 60)),
                unlock_after_max: Duration::from_secs(24 * 3600),
                disable_after: Some(100),
            },
            recovery: RecoveryPolicy {
                codes: 10,
                opens_lock: true,
                email: false,
            },
            enroll: EnrollPolicy {
                at_login: AtLogin::Off,
                is_for_service: false,
                qr: Style::Unicode,
                max_authenticators: 1,
                verify_email: false,
            },
            enforce: EnforcePolicy {
                groups: Groups::Everybody,
                exempt_groups: Vec::new(),
                exempt_users: Vec::new(),
                from: None,
                grace: Duration::ZERO,
            },
            trust: TrustPolicy::default(),
            mail: MailPolicy::default(),
            helper: HelperPolicy::default(),
            hooks: HooksPolicy::default(),
            fleet: FleetPolicy::default(),
            seal: SealPolicy::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    mod everybody;

    #[test]
    fn an_issuer_never_has_a_colon_whatever_its_source() {
        let issuer = |text: &str, host: &str| {
            let policy = Policy {
                issuer: text.to_owned(),
                ..Policy::default()
            };
            policy.issuer_at(host)
        };
        assert_eq!(issuer("Dept: Ops", "web1.example.org"), "Dept Ops");
        assert_eq!(issuer("예시 회사", "web1"), "예시 회사");
        assert_eq!(issuer("", "web1.example.org"), "web1");
        assert_eq!(issuer("", "we:b1.example.org"), "web1");
        assert_eq!(issuer(":", "web1.example.org"), "web1");
    }

    #[test]
    fn no_event_is_handed_on_without_a_program_and_a_list_of_events() {
        let hooks = |run: &str, events: &[Event]| HooksPolicy {
            run: run.to_owned(),
            events: events.to_vec(),
        };
        let wants = |hooks: HooksPolicy| Event::ALL.map(|event| hooks.wants(event));
        let nothing = [false; Event::ALL.len()];
        assert_eq!(wants(HooksPolicy::default()), nothing);
        assert_eq!(wants(hooks("", &[Event::Lock])), nothing);
        assert_eq!(wants(hooks("/bin/true", &[])), nothing);
        let lock = wants(hooks("/bin/true", &[Event::Lock]));
        assert_eq!(lock, Event::ALL.map(|event| event == Event::Lock));
    }

    #[test]
    fn each_lock_in_a_row_lasts_twice_as_long_up_to_the_maximum() {
        let lockout = Policy::default().lockout;
        let minutes = |nth| match lockout.lock_length(nth) {
            Unlock::After(wait) => wait.as_secs() / 60,
            Unlock::Never => 0,
        };
        assert_eq!(
            [1, 2, 3, 4, 5, 6, 7, 8, 9].map(minutes),
            [15, 30, 60, 120, 240, 480, 960, 1440, 1440]
        );
        assert_eq!([32, 33, 64, u32::MAX].map(minutes), [1440; 4]);
    }

    #[test]
    fn lockout_values_that_contradict_each_other_are_refused() {
        let hour = Duration::from_secs(3600);
        let cases = [
            (0, Unlock::Never, hour, None),
            (101, Unlock::Never, hour, None),
            (5, Unlock::After(Duration::ZERO), hour, None),
            (5, Unlock::After(hour * 2), hour, None),
            (5, Unlock::After(hour), hour, Some(4)),
            (5, Unlock::After(hour), hour, Some(101)),
            (5, Unlock::Never, Duration::from_secs(u64::MAX), None),
        ];
        for (failures, unlock, max, disable) in cases {
            assert!(
                LockoutPolicy::new(failures, unlock, max, disable).is_err(),
                "{failures} {unlock:?} {max:?} {disable:?}"
            );
        }
        let defaults = Policy::default().lockout;
        assert_eq!(
            LockoutPolicy::new(5, defaults.unlock, defaults.unlock_after_max, Some(100)),
            Ok(defaults),
            "the built-in defaults pass their own check"
        );
    }
}
