//! What a login needs from the program that it happens in.

use otp_core::enforce::Belongs;
use otp_core::event::Entry;
use otp_core::login::AccountLine;
use otp_core::mail::Address;
use otp_core::record::Language;
use otp_core::{Before1970, UnixTime, UserName, Zone};
use otp_helper::mail::{NotTaken, Outgoing};
use otp_log::Hooks;
use otp_site::{Error, Named};
use std::path::Path;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// What a person typed, or what another module left as the password. Wiped on drop.
pub(crate) type Typed = Zeroizing<Vec<u8>>;

/// What a module answers to PAM. All but the first two refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disposition {
    /// `PAM_SUCCESS`.
    Success,
    /// `PAM_IGNORE`: policy says that this module has no part in this login. Never the result of an error.
    Ignore,
    /// `PAM_AUTH_ERR`.
    Refused,
    /// `PAM_MAXTRIES`: the program should not even ask again.
    Locked,
    /// `PAM_AUTHINFO_UNAVAIL`: the check could not be made.
    Unavailable,
}

/// How the program failed to do its part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostFault {
    /// It could not say who is logging in.
    User,
    /// It could not ask or got no answer: the connection is gone, or nobody is there.
    Conversation,
    /// It could not take or give a password or a kept code.
    Item,
}

impl HostFault {
    /// Returns the words in the log.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::User => "no usable user name from the application",
            Self::Conversation => "no answer from the conversation",
            Self::Item => "a PAM item could not be read or set",
        }
    }
}

/// How a text is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// `PAM_TEXT_INFO`.
    Information,
    /// `PAM_ERROR_MSG`.
    Refusal,
}

/// Where a login comes from, for the log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    pub service: String,
    pub host: String,
    pub terminal: String,
}

/// A code that was typed together with the password, and waits until the password is checked.
pub(crate) struct SplitCode {
    /// The user for whom it was typed.
    pub user: String,
    /// What was typed.
    pub code: Typed,
}

/// What an auth line notes for the account phase on the same handle.
///
/// The note is made before anybody knows how the authentication ends, and stays on the handle if it fails. sshd checks
/// passwords of the method "password" on the same handle on which it goes on to the account phase after a public key.
/// So a note may come from an authentication that failed. [`Passed::Left`] lets nobody in: it only refuses (no code was
/// asked for), or begins a dialogue, which sshd's conversation for passwords cannot lead. [`Passed::Proven`] is noted
/// where a helper or a verifier has judged, and means only that the account was open a moment ago. `SSH_AUTH_INFO_0`
/// does not help: sshd writes the successful method into it only after the account phase (measured:
/// `tests/behaviour/account_lines/test_ssh_proof.py`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Passed {
    /// The login was left to others: in the account phase, a user without an authenticator is let in, or sets one up.
    /// Only there is it certain that some other module has let the user in.
    Left {
        /// The user of the login.
        user: String,
        /// Whether that line has `nullok`; for the log.
        nullok: bool,
        /// Whether the account phase may set up an authenticator: another module finds out who the user is.
        may_enrol: bool,
    },
    /// A helper or a verifier has accepted a code: the account phase need not ask another one whether the account is
    /// open.
    Proven {
        /// The user of the code.
        user: String,
        /// The time of the verdict.
        when: UnixTime,
    },
}

/// The log entry if a code was right and the rest of the login is refused.
///
/// PAM tells no module how the others have answered. It tells only the status with which the program ends, to the
/// cleanup function of a module's data. A program that goes on to the account phase or to credentials got a success
/// from the other modules.
#[derive(Clone, Debug)]
pub(crate) struct OneFactor {
    /// The entry, without the status.
    pub entry: Entry,
    /// The hook of the policy.
    pub hooks: Option<Hooks>,
}

/// The program that a login happens in: the real PAM, or a script in tests.
pub(crate) trait Host {
    /// Returns the name of the user who logs in, as the program has it now.
    fn user(&mut self) -> Result<String, HostFault>;
    /// Returns where the login comes from.
    fn origin(&self) -> Origin;
    /// Returns the language that the person reads, if the program says so in its PAM environment.
    fn language(&self) -> Option<Language>;
    /// Asks a question; `None`: there was no reply at all.
    fn ask(&mut self, prompt: &str, echo: bool) -> Result<Option<Typed>, HostFault>;
    /// Shows a text; whether it was seen cannot be known.
    fn tell(&mut self, text: &str, tone: Tone);
    /// Returns the password that an earlier module asked for.
    fn password(&mut self) -> Result<Option<Typed>, HostFault>;
    /// Leaves a password for later modules.
    fn hand_on_password(&mut self, password: &[u8]) -> Result<(), HostFault>;
    /// Keeps a code for a later line of the same stack.
    fn keep(&mut self, kept: SplitCode) -> Result<(), HostFault>;
    /// Takes the kept code; the second time there is none.
    fn take_kept(&mut self) -> Result<Option<SplitCode>, HostFault>;
    /// Notes the result of an auth line; `None`: nothing that the account phase must know.
    fn pass(&mut self, passed: Option<Passed>) -> Result<(), HostFault>;
    /// Returns what was noted in this login, in the same process.
    fn passed(&mut self) -> Result<Option<Passed>, HostFault>;
    /// After a right code: from now on, watches for the end of the program, and whether it refuses the rest of the
    /// login.
    fn watch_the_end(&mut self, told: OneFactor);
    /// Notes that the program has gone on: other modules have let the user in too.
    fn goes_on(&mut self);
    /// Makes the program wait before it reports a failure, equally long for every reason.
    fn delay_failure(&mut self);
    /// Writes an entry to the system log.
    fn log(&mut self, entry: &Entry);
    /// Queues an entry for the hook of the policy; logs it if that is not possible.
    fn hand_on(&mut self, entry: &Entry, hooks: &Hooks) {
        if let Some(dropped) = hooks.hand_on(entry) {
            self.log(&dropped);
        }
    }
    /// Looks up in the name service to whom a name belongs.
    fn account(&mut self, name: &str) -> Result<Option<Named>, Error>;
    /// Whether a group contains a user.
    fn belongs(&mut self, user: &UserName, group: &str) -> Belongs;
    /// Says whether every login to a service reaches the account line of this module.
    fn account_line(&mut self, service: &str) -> Result<AccountLine, Error>;
    /// Whether a service has another module that finds out who its users are.
    fn proves_identity(&mut self, service: &str) -> Result<bool, Error>;
    /// Hands a mail over to the program that sends it.
    fn hand_over(&mut self, program: &Path, outgoing: &Outgoing) -> Result<(), NotTaken>;
    /// Hands a mail over, and returns the address that it goes to.
    fn hand_over_and_hear(
        &mut self,
        program: &Path,
        outgoing: &Outgoing,
    ) -> Result<Address, NotTaken>;
    /// Waits until `whole` has passed since `begun`, so that the time does not tell what was done meanwhile.
    fn rest(&mut self, begun: Instant, whole: Duration) {
        std::thread::sleep(whole.saturating_sub(begun.elapsed()));
    }
    /// Returns the name of this machine.
    fn machine(&self) -> String;
    /// Whether this process may read the records itself.
    fn is_root(&self) -> bool;
    /// Returns the present time.
    fn now(&mut self) -> Result<UnixTime, Before1970>;
    /// Returns the time zone of this machine. This reads a file: only a login that is told a time asks for it.
    fn zone(&self) -> Zone;
}
