//! The vocabulary of events: what is logged, under which names and keys, and how grave it is.
//!
//! Log lines are made of this vocabulary alone; other ways to show events use it too. `pam_otp(8)` lists all of it, and
//! a test in `otp-enroll/tests/manuals.rs` compares the page with this file.
//!
//! No event can contain what a person typed as a code or a password. A [`Value`] has a type that cannot hold it, or is
//! [`Text`] from a program or the system, which is escaped when it is made.

mod entry;
mod read;
mod value;
mod verdict;
mod word;

use crate::every;

pub use entry::{Actor, Entry};
pub use read::Read;
pub use value::{Phase, Text, Treatment, Value, unescaped};
pub use verdict::about;

/// How grave an event is, as one of the severities of syslog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// An administrator must act.
    Error,
    /// A lock, a recovery code, a denied caller.
    Warning,
    /// A refusal, a change.
    Notice,
    /// Everything is as it should be.
    Info,
    /// Logged only with the argument `debug`.
    Debug,
}

impl Severity {
    /// All severities, the gravest first.
    pub const ALL: [Self; 5] = every!(Severity: Error, Warning, Notice, Info, Debug);

    /// The number in syslog (RFC 5424 section 6.2.1).
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Error => 3,
            Self::Warning => 4,
            Self::Notice => 5,
            Self::Info => 6,
            Self::Debug => 7,
        }
    }

    /// The word in the manual, as `logger` and `journalctl` use it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Error => "err",
            Self::Warning => "warning",
            Self::Notice => "notice",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A code let a login in.
    Accept,
    /// A recovery code let a login in.
    Recovery,
    /// A login was not asked for a code, because its place is trusted or remembered.
    Trusted,
    /// A login was refused: a wrong code, no code, or a reply that is no guess.
    Reject,
    /// A login was refused: the code was used before.
    Replay,
    /// A login was refused by the wrong code that locked or disabled the account.
    Lock,
    /// A login was refused: the account is locked or disabled.
    Locked,
    /// The helper is about to make an attempt.
    Attempt,
    /// A login of an account without an authenticator was refused, or let in without a code.
    NotEnrolled,
    /// A login was refused: the check could not be made.
    Unavailable,
    /// A user is about to change an authenticator or the recovery codes.
    Changing,
    /// A user has changed an authenticator or the recovery codes.
    Change,
    /// The helper denied its caller's request.
    Denied,
    /// A record under a name that no user has was removed, or could not be removed. otp-admin writes this event or,
    /// where it cannot, the hook of userdel and useradd that ran it.
    Reset,
    /// An administrator should put something right.
    Policy,
    /// An administrator has made a service ask for codes, or stop asking; or that change was undone.
    Protect,
    /// An administrator has lifted a lock and forgotten the wrong codes before it.
    Unlock,
    /// Authenticators of another program were imported, or could not be.
    Import,
    /// A code was mailed to a user, or could not be.
    Mail,
    /// A mailed code let a login in.
    Mailed,
    /// The code was right, and the rest of the login was refused.
    OneFactor,
    /// The policy has changed.
    PolicyChanged,
    /// A hook has failed, or its queue has dropped an event.
    Hook,
    /// An administrator has sealed, resealed or unsealed records, or made a sealing key.
    Seal,
    /// An administrator changed the fleet, or a verifier refuses to serve.
    Fleet,
    /// A step of a login, logged with the argument `debug`.
    Debug,
}

impl Event {
    /// All variants.
    pub const ALL: [Self; 26] = every!(
        Event: Accept, Recovery, Trusted, Reject, Replay, Lock, Locked, Attempt, NotEnrolled, Unavailable, Changing, Change, Denied, Reset, Policy, Protect, Unlock, Import, Mail, Mailed, OneFactor, PolicyChanged, Hook, Seal, Fleet, Debug,
    );

    /// The first word of the line. No name is ever given another meaning.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accept => "otp.accept",
            Self::Recovery => "otp.recovery",
            Self::Trusted => "otp.trusted",
            Self::Reject => "otp.reject",
            Self::Replay => "otp.replay",
            Self::Lock => "otp.lock",
            Self::Locked => "otp.locked",
            Self::Attempt => "otp.attempt",
            Self::NotEnrolled => "otp.notenrolled",
            Self::Unavailable => "otp.unavailable",
            Self::Changing => "otp.changing",
            Self::Change => "otp.change",
            Self::Denied => "otp.denied",
            Self::Reset => "otp.reset",
            Self::Policy => "otp.policy",
            Self::Protect => "otp.protect",
            Self::Unlock => "otp.unlock",
            Self::Import => "otp.import",
            Self::Mail => "otp.mail",
            Self::Mailed => "otp.mailed",
            Self::OneFactor => "otp.onefactor",
            Self::PolicyChanged => "otp.policychanged",
            Self::Hook => "otp.hook",
            Self::Seal => "otp.seal",
            Self::Fleet => "otp.fleet",
            Self::Debug => "otp.debug",
        }
    }

    /// The identity for programs that sort by it: 128 bits in the form of the journal's `MESSAGE_ID`. Never changes.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Accept => "665bd9b7aadd4762980a798e4d18f3d0",
            Self::Recovery => "c8fdec3d5dc849abb94f1cd2daea2792",
            Self::Trusted => "6ed537c427a5473899a66dfdac271858",
            Self::Reject => "b4b18545712243cabc5d026cffd0979c",
            Self::Replay => "ef3dc4b7e3494c268fe8e3ef13b43486",
            Self::Lock => "36a4fd2e109247cd8e3ccda7d429b36d",
            Self::Locked => "edca72e6026744ae976811a0d6f79c35",
            Self::Attempt => "eaa2b15540bd490db257474a60104d4c",
            Self::NotEnrolled => "4dee12be1a9749158514728ab11e9fd0",
            Self::Unavailable => "8558f526f3b54d0793cdc5b40c3fec50",
            Self::Changing => "8debcf4294474717895ca18c19fa4ba0",
            Self::Change => "861952f67ec341f5bff1da6931f8807f",
            Self::Denied => "a84bf4ee70d84526959892f8fea3d9fc",
            Self::Reset => "890c01825fc74499a766fd40bf7f3939",
            Self::Policy => "f8e6211b4a19429e83b742833938effb",
            Self::Protect => "3d0c9b6e5f7a4c1f9a62d84be17050c3",
            Self::Unlock => "5e157598d2e44f61b3b5618f2dee9520",
            Self::Import => "0f419997823f4837ad4617a65ac266d1",
            Self::Mail => "713f9a93e411481e898296a45b4ff2d2",
            Self::Mailed => "8d110e60134b440cbbb84da234433a55",
            Self::OneFactor => "4d2d3f1ca2fb40fb956143948142b892",
            Self::PolicyChanged => "aabc3046715e4e0aa9271a37241f3ab8",
            Self::Hook => "08785949cd4d440c9020f8461d8bb2e8",
            Self::Seal => "06af2182be8e468e98cfba971042d68e",
            Self::Fleet => "b0d4b47bd77c4df4a59c6ad2b9e6a1f5",
            Self::Debug => "fa3b86fd3b1d47eeb5bbd2d52cf64b94",
        }
    }

    /// The severities that the event can have.
    #[must_use]
    #[allow(
        clippy::match_same_arms,
        reason = "a table: each event has a row of its own"
    )]
    pub const fn severities(self) -> &'static [Severity] {
        use Severity::{Debug, Error, Info, Notice, Warning};
        match self {
            Self::Accept => &[Info, Warning],
            Self::Recovery => &[Warning],
            Self::Trusted => &[Info],
            Self::Reject => &[Notice],
            Self::Replay => &[Notice],
            Self::Lock => &[Warning],
            Self::Locked => &[Notice],
            Self::Attempt => &[Info],
            Self::NotEnrolled => &[Info, Notice],
            Self::Unavailable => &[Error],
            Self::Changing => &[Notice],
            Self::Change => &[Notice],
            Self::Denied => &[Warning],
            Self::Reset => &[Notice],
            Self::Policy => &[Warning],
            Self::Protect => &[Notice, Warning, Error],
            Self::Unlock => &[Notice],
            Self::Import => &[Notice, Warning],
            Self::Mail => &[Notice, Warning],
            Self::Mailed => &[Warning],
            Self::OneFactor => &[Warning],
            Self::PolicyChanged => &[Notice, Warning],
            Self::Hook => &[Warning, Error],
            Self::Seal => &[Notice, Warning],
            Self::Fleet => &[Notice, Warning, Error],
            Self::Debug => &[Debug],
        }
    }

    /// The keys that the line of the event can have, besides [`Key::OF_EVERY_LINE`].
    #[must_use]
    #[allow(
        clippy::match_same_arms,
        reason = "a table: each event has a row of its own"
    )]
    pub const fn keys(self) -> &'static [Key] {
        match self {
            Self::Accept => &[Key::Authenticator, Key::DriftSteps],
            Self::Recovery => &[Key::Message, Key::RecoveryCodesLeft],
            Self::Trusted => &[Key::Network, Key::Since],
            Self::Reject => &[
                Key::Message,
                Key::Counted,
                Key::TriesLeft,
                Key::Reason,
                Key::Hint,
            ],
            Self::Replay => &[Key::Message],
            Self::Lock => &[Key::Message, Key::Until],
            Self::Locked => &[Key::Message, Key::Until],
            Self::Attempt => &[],
            Self::NotEnrolled => &[
                Key::Message,
                Key::Result,
                Key::Rule,
                Key::Until,
                Key::DaysLeft,
            ],
            Self::Unavailable => &[Key::Reason, Key::Counted],
            Self::Changing => &[Key::Verb, Key::Authenticator],
            Self::Change => &[Key::Verb, Key::Authenticator, Key::Source],
            Self::Denied => &[Key::Verb, Key::Reason],
            Self::Reset => &[Key::By, Key::Said],
            Self::Policy => &[Key::Reason],
            Self::Protect => &[Key::Verb, Key::Reason],
            Self::Unlock => &[Key::Until],
            Self::Import => &[Key::Source, Key::Count, Key::Authenticator, Key::Reason],
            Self::Mail => &[Key::Count, Key::Until, Key::Reason],
            Self::Mailed => &[Key::Message],
            Self::OneFactor => &[Key::Authenticator, Key::Reason],
            Self::PolicyChanged => &[Key::Source, Key::Reason],
            Self::Hook => &[Key::Count, Key::Source, Key::Reason],
            Self::Seal => &[Key::Verb, Key::Source, Key::Count, Key::Reason],
            Self::Fleet => &[Key::Verb, Key::Source, Key::Count, Key::Reason],
            Self::Debug => &[Key::Step],
        }
    }
}

/// What a value in a line means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// The account, by the name that the program gave.
    User,
    /// The PAM service.
    Service,
    /// Where the login comes from, as the program says.
    Rhost,
    /// The terminal, as the program says.
    Tty,
    /// The part of PAM, unless it is authentication.
    Phase,
    /// The canonical name of the account, if it is another name; "unknown" if there is no account.
    Account,
    /// The real user id of the process that started the helper.
    CallerUid,
    /// What the user was told.
    Message,
    /// The name of an authenticator.
    Authenticator,
    /// How far off the authenticator's clock is, in steps; it is allowed for from now on.
    DriftSteps,
    /// How many recovery codes are left.
    RecoveryCodesLeft,
    /// Whether the attempt brought a lock nearer.
    Counted,
    /// How many more wrong codes lock the account.
    TriesLeft,
    /// Why it happened.
    Reason,
    /// What an administrator can do about it.
    Hint,
    /// When a lock, a grace or a mailed code ends.
    Until,
    /// How an account without an authenticator was treated.
    Result,
    /// The rule of the policy that was applied.
    Rule,
    /// Days of the grace that are left.
    DaysLeft,
    /// The trusted network.
    Network,
    /// When the code was entered that is still remembered.
    Since,
    /// The request to the helper, or the change.
    Verb,
    /// What the module does.
    Step,
    /// The command that ran the hook.
    By,
    /// What the hook was told by otp-admin.
    Said,
    /// The user id that the person logged in with, which the kernel keeps through sudo and su.
    LoginUid,
    /// The user id that called sudo, according to the environment of the process.
    EnvSudoUid,
    /// The PAM service, as claimed by a caller that is not root.
    ClaimedService,
    /// Where the login comes from, as claimed by such a caller.
    ClaimedRhost,
    /// The terminal, as claimed by such a caller.
    ClaimedTty,
    /// An id that all log entries of one action share.
    Id,
    /// The subject of the event: an imported kind of file, an earlier name, a path.
    Source,
    /// A number of things.
    Count,
    /// The machine of a fleet on which the login happens, by the name in its certificate.
    Machine,
    /// The administrator of a fleet who acted, by the name in the certificate.
    Administrator,
}

impl Key {
    /// All variants.
    pub const ALL: [Self; 35] = every!(
        Key: User, Service, Rhost, Tty, Phase, Account, CallerUid, Message, Authenticator, DriftSteps, RecoveryCodesLeft, Counted, TriesLeft, Reason, Hint, Until, Result, Rule, DaysLeft, Network, Since, Verb, Step, By, Said, LoginUid, EnvSudoUid, ClaimedService, ClaimedRhost, ClaimedTty, Id, Source, Count, Machine, Administrator,
    );

    /// The keys that say whose login it is, from where, and who acted.
    pub const OF_EVERY_LINE: [Self; 15] = [
        Self::User,
        Self::Service,
        Self::Rhost,
        Self::Tty,
        Self::Phase,
        Self::Account,
        Self::CallerUid,
        Self::LoginUid,
        Self::EnvSudoUid,
        Self::ClaimedService,
        Self::ClaimedRhost,
        Self::ClaimedTty,
        Self::Id,
        Self::Machine,
        Self::Administrator,
    ];

    /// The word before the equals sign.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Service => "service",
            Self::Rhost => "rhost",
            Self::Tty => "tty",
            Self::Phase => "phase",
            Self::Account => "account",
            Self::CallerUid => "caller_uid",
            Self::Message => "message",
            Self::Authenticator => "authenticator",
            Self::DriftSteps => "drift_steps",
            Self::RecoveryCodesLeft => "recovery_codes_left",
            Self::Counted => "counted",
            Self::TriesLeft => "tries_left",
            Self::Reason => "reason",
            Self::Hint => "hint",
            Self::Until => "until",
            Self::Result => "result",
            Self::Rule => "rule",
            Self::DaysLeft => "days_left",
            Self::Network => "network",
            Self::Since => "since",
            Self::Verb => "verb",
            Self::Step => "step",
            Self::By => "by",
            Self::Said => "said",
            Self::LoginUid => "login_uid",
            Self::EnvSudoUid => "env_sudo_uid",
            Self::ClaimedService => "claimed_service",
            Self::ClaimedRhost => "claimed_rhost",
            Self::ClaimedTty => "claimed_tty",
            Self::Id => "id",
            Self::Source => "source",
            Self::Count => "count",
            Self::Machine => "machine",
            Self::Administrator => "administrator",
        }
    }
}

#[cfg(test)]
mod tests;
