//! What an event says: values from a closed list of types, and the only way for text to become one of them.

use super::Key;
use crate::enforce::{Demand, Exemption, Rule};
use crate::messages::MessageId;
use crate::network::Network;
use crate::record::{Drift, Name, Standing};
use crate::{NoGuess, UnixTime};

/// The longest text that is written, in characters; attackers choose some of these texts.
const LONGEST: usize = 256;

/// Escaped text from a program or the system: printable ASCII, with a backslash before each quotation mark. So no text
/// can look like another value or another line.
///
/// Never used for what was typed at our prompts. That is held as bytes, which cannot become a `Text`:
///
/// ```compile_fail,E0308
/// let typed: Vec<u8> = b"123456".to_vec();
/// otp_core::event::Text::escaped(&typed);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(String);

impl Text {
    /// Escapes a text, and cuts it after 256 characters.
    #[must_use]
    pub fn escaped(text: &str) -> Self {
        let mut escaped = String::with_capacity(text.len().min(LONGEST));
        for (at, c) in text.chars().enumerate() {
            if at == LONGEST {
                escaped.push_str("...");
                break;
            }
            match c {
                '"' | '\\' => {
                    escaped.push('\\');
                    escaped.push(c);
                }
                ' '..='~' => escaped.push(c),
                other => escaped.extend(other.escape_unicode()),
            }
        }
        Self(escaped)
    }

    /// The text as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text as it was given, but cut: for formats that separate values themselves.
    #[must_use]
    pub fn plain(&self) -> String {
        unescaped(&self.0).unwrap_or_else(|| self.0.clone())
    }
}

/// Returns the text that [`Text::escaped`] was made of; `None` if it is not such a text.
#[must_use]
pub fn unescaped(escaped: &str) -> Option<String> {
    let (mut text, mut rest) = (String::with_capacity(escaped.len()), escaped);
    while let Some((before, after)) = rest.split_once('\\') {
        text.push_str(before);
        rest = if let Some(after) = after.strip_prefix("u{") {
            let (number, after) = after.split_once('}')?;
            text.push(char::from_u32(u32::from_str_radix(number, 16).ok()?)?);
            after
        } else {
            let escaped = after.chars().next().filter(|c| matches!(c, '"' | '\\'))?;
            text.push(escaped);
            &after[escaped.len_utf8()..]
        };
    }
    text.push_str(rest);
    Some(text)
}

/// The part of PAM that a call of the module belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// `auth`; the log leaves its name out.
    Authentication,
    /// `account`.
    Account,
    /// `auth` again, after the login was let in.
    Credentials,
    /// `password`.
    Password,
}

/// How an account without an authenticator is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// The account is refused.
    Refused,
    /// The account is let in without a code.
    Excused,
    /// The account line decides.
    Deferred,
}

/// One value of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// [`Key::User`].
    User(Text),
    /// [`Key::Service`].
    Service(Text),
    /// [`Key::Rhost`].
    Rhost(Text),
    /// [`Key::Tty`].
    Tty(Text),
    /// [`Key::Phase`].
    Phase(Phase),
    /// [`Key::Account`].
    Account(Text),
    /// [`Key::CallerUid`].
    CallerUid(u32),
    /// [`Key::Message`]: what the user was told.
    Message(MessageId),
    /// [`Key::Message`]: what the user would have been told if the program had not asked for silence.
    NotShown(MessageId),
    /// [`Key::Authenticator`].
    Authenticator(Name),
    /// [`Key::DriftSteps`].
    DriftSteps(Drift),
    /// [`Key::RecoveryCodesLeft`].
    RecoveryCodesLeft(u32),
    /// [`Key::Counted`].
    Counted(bool),
    /// [`Key::TriesLeft`].
    TriesLeft(u32),
    /// [`Key::Reason`]: an error, or one of our sentences.
    Reason(Text),
    /// [`Key::Reason`]: why a reply is no guess.
    NoGuess(NoGuess),
    /// [`Key::Hint`].
    Hint(NoGuess),
    /// [`Key::Until`]: when a lock ends.
    Until(Standing),
    /// [`Key::Until`]: when a grace or a mailed code ends.
    Deadline(UnixTime),
    /// [`Key::Result`].
    Result(Treatment),
    /// [`Key::Rule`].
    Rule(Demand),
    /// [`Key::DaysLeft`].
    DaysLeft(u64),
    /// [`Key::Network`].
    Network(Network),
    /// [`Key::Since`].
    Since(UnixTime),
    /// [`Key::Verb`].
    Verb(&'static str),
    /// [`Key::Step`].
    Step(&'static str),
    /// [`Key::By`].
    By(Text),
    /// [`Key::Said`].
    Said(Text),
    /// [`Key::LoginUid`].
    LoginUid(u32),
    /// [`Key::EnvSudoUid`].
    EnvSudoUid(u32),
    /// [`Key::ClaimedService`].
    ClaimedService(Text),
    /// [`Key::ClaimedRhost`].
    ClaimedRhost(Text),
    /// [`Key::ClaimedTty`].
    ClaimedTty(Text),
    /// [`Key::Id`].
    Id(u128),
    /// [`Key::Source`].
    Source(Text),
    /// [`Key::Count`].
    Count(u64),
    /// [`Key::Machine`].
    Machine(Text),
    /// [`Key::Administrator`].
    Administrator(Text),
}

impl Value {
    /// The key of the value.
    #[must_use]
    pub const fn key(&self) -> Key {
        match self {
            Self::User(_) => Key::User,
            Self::Service(_) => Key::Service,
            Self::Rhost(_) => Key::Rhost,
            Self::Tty(_) => Key::Tty,
            Self::Phase(_) => Key::Phase,
            Self::Account(_) => Key::Account,
            Self::CallerUid(_) => Key::CallerUid,
            Self::Message(_) | Self::NotShown(_) => Key::Message,
            Self::Authenticator(_) => Key::Authenticator,
            Self::DriftSteps(_) => Key::DriftSteps,
            Self::RecoveryCodesLeft(_) => Key::RecoveryCodesLeft,
            Self::Counted(_) => Key::Counted,
            Self::TriesLeft(_) => Key::TriesLeft,
            Self::Reason(_) | Self::NoGuess(_) => Key::Reason,
            Self::Hint(_) => Key::Hint,
            Self::Until(_) | Self::Deadline(_) => Key::Until,
            Self::Result(_) => Key::Result,
            Self::Rule(_) => Key::Rule,
            Self::DaysLeft(_) => Key::DaysLeft,
            Self::Network(_) => Key::Network,
            Self::Since(_) => Key::Since,
            Self::Verb(_) => Key::Verb,
            Self::Step(_) => Key::Step,
            Self::By(_) => Key::By,
            Self::Said(_) => Key::Said,
            Self::LoginUid(_) => Key::LoginUid,
            Self::EnvSudoUid(_) => Key::EnvSudoUid,
            Self::ClaimedService(_) => Key::ClaimedService,
            Self::ClaimedRhost(_) => Key::ClaimedRhost,
            Self::ClaimedTty(_) => Key::ClaimedTty,
            Self::Id(_) => Key::Id,
            Self::Source(_) => Key::Source,
            Self::Count(_) => Key::Count,
            Self::Machine(_) => Key::Machine,
            Self::Administrator(_) => Key::Administrator,
        }
    }

    /// The value as it is written; empty if there is nothing to say.
    #[must_use]
    pub fn text(&self) -> Text {
        match self {
            Self::User(text)
            | Self::Service(text)
            | Self::Rhost(text)
            | Self::Tty(text)
            | Self::Account(text)
            | Self::Reason(text)
            | Self::By(text)
            | Self::Said(text)
            | Self::ClaimedService(text)
            | Self::ClaimedRhost(text)
            | Self::ClaimedTty(text)
            | Self::Source(text)
            | Self::Machine(text)
            | Self::Administrator(text) => text.clone(),
            Self::Phase(phase) => Text::escaped(match phase {
                Phase::Authentication => "",
                Phase::Account => "account",
                Phase::Credentials => "credentials",
                Phase::Password => "password",
            }),
            Self::CallerUid(uid) | Self::LoginUid(uid) | Self::EnvSudoUid(uid) => {
                Text::escaped(&uid.to_string())
            }
            Self::Message(id) => Text::escaped(id.word()),
            Self::NotShown(id) => Text::escaped(&format!("{} (not shown)", id.word())),
            Self::Authenticator(name) => Text::escaped(name.as_str()),
            Self::DriftSteps(drift) => Text::escaped(&drift.steps().to_string()),
            Self::RecoveryCodesLeft(count) | Self::TriesLeft(count) => {
                Text::escaped(&count.to_string())
            }
            Self::Counted(true) => Text::escaped("yes"),
            Self::Counted(false) => Text::escaped("no"),
            Self::NoGuess(why) => Text::escaped(why.word()),
            Self::Hint(why) => Text::escaped(hint(*why)),
            Self::Until(standing) => Text::escaped(&until(*standing)),
            Self::Deadline(when) | Self::Since(when) => Text::escaped(&moment(*when)),
            Self::Result(treatment) => Text::escaped(match treatment {
                Treatment::Refused => "refused",
                Treatment::Excused => "excused",
                Treatment::Deferred => "deferred",
            }),
            Self::Rule(demand) => Text::escaped(&rule(demand)),
            Self::DaysLeft(number) | Self::Count(number) => Text::escaped(&number.to_string()),
            Self::Id(id) => Text::escaped(&format!("{id:032x}")),
            Self::Network(network) => Text::escaped(&network.to_string()),
            Self::Verb(word) | Self::Step(word) => Text::escaped(word),
        }
    }
}

/// What an administrator can do about a program that sends a reply that is no guess.
const fn hint(why: NoGuess) -> &'static str {
    match why {
        NoGuess::PasswordAgain => {
            "the password was sent for the code too: a program that asks once needs split, see pam_otp(8); sshd PasswordAuthentication no"
        }
        NoGuess::SshdSubstitute => {
            "sshd refuses this account: see PermitRootLogin, AllowUsers, AllowGroups, DenyUsers, DenyGroups"
        }
    }
}

fn until(standing: Standing) -> String {
    match standing {
        Standing::Locked { .. } => standing.ends().map_or_else(String::new, moment),
        Standing::Held | Standing::Disabled => "unlocked by an administrator".to_owned(),
        Standing::Open => String::new(),
    }
}

fn moment(when: UnixTime) -> String {
    format!("{} UTC", when.date_time_utc())
}

/// The rule behind the demand.
fn rule(demand: &Demand) -> String {
    match demand {
        Demand::Nothing(Exemption::Nullok) => "nullok".to_owned(),
        Demand::Nothing(Exemption::User) => "exempt user".to_owned(),
        Demand::Nothing(Exemption::Group(group)) => format!("exempt group {group}"),
        Demand::Nothing(Exemption::NotDemanded) => "in no group that must".to_owned(),
        Demand::From(_, rule) | Demand::Now(rule) => match rule {
            Rule::Everybody => "everybody must".to_owned(),
            Rule::Group(group) => format!("group {group} must"),
            Rule::UnknownGroup(group) => format!("group {group} must, and is not known"),
        },
    }
}
