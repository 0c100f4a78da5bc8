//! What a login needs from the program that it happens in.

use otp_core::enforce::Belongs;
use otp_core::event::Entry;
use otp_core::login::AccountLine;
use otp_core::mail::Address;
use otp_core::{Before1970, UnixTime, UserName};
use otp_helper::mail::{NotTaken, Outgoing};
use otp_log::Hooks;
use otp_site::{Error, Named};
use std::path::Path;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// What a person typed, or what another module left as the password. Wiped on drop.
pub(crate) type Typed = Zeroizing<Vec<u8>>;

/// What a module answers to PAM. Every one but the first two refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disposition {
    /// `PAM_SUCCESS`.
    Success,
    /// `PAM_IGNORE`: policy says that this module has no part in this login. Never the result of an error.
    Ignore,
    /// `PAM_AUTH_ERR`.
    Refused,
    /// `PAM_MAXTRIES`: do not even ask again.
    Locked,
    /// `PAM_AUTHINFO_UNAVAIL`: the check could not be made.
    Unavailable,
}

/// The program did not do its part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostFault {
    /// It could not say who is logging in.
    User,
    /// It could not ask or did not get to an answer: the connection is gone, or nobody is there.
    Conversation,
    /// It could not take or give a password or a kept code.
    Item,
}

impl HostFault {
    /// The word in the log.
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

/// A code that was typed together with the password, waiting for the password to be checked.
pub(crate) struct SplitCode {
    /// For whom it was typed.
    pub user: String,
    /// What was typed.
    pub code: Typed,
}

/// What an authentication line notes for the account phase on the same handle.
///
/// It is noted before anybody knows how the authentication ends, and stays on the handle when it fails. sshd checks
/// passwords of the method "password" on the very handle on which it goes on to the account phase after a public key, so
/// a note may be of a pass that came to nothing. Nobody gets in by [`Passed::Left`]: it only refuses (no code was asked),
/// or begins a dialogue, which sshd's conversation for passwords cannot lead. [`Passed::Proven`] is noted
/// where a helper or a verifier has judged, and stands for no more than that the account was open a moment ago. `SSH_AUTH_INFO_0` does not
/// help: sshd writes the method that has succeeded into it only after the account phase (measured:
/// `tests/behaviour/account_lines/test_ssh_proof.py`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Passed {
    /// It was left to others: who has no authenticator gets in, or sets one up in the account phase. Only there can it be
    /// known that some other module has let the user in.
    Left {
        /// Whose login.
        user: String,
        /// Whether that line said `nullok`; for the log.
        nullok: bool,
        /// Whether the account phase may set up an authenticator: another module finds out who the user is.
        may_enrol: bool,
    },
    /// A helper or a verifier has accepted a code: the account phase need not ask another to hear that the account is open.
    Proven {
        /// Whose code.
        user: String,
        /// When.
        when: UnixTime,
    },
}

/// What is told when a code was right and the rest of the login is refused.
///
/// PAM tells no module how the others have answered. What it tells is the status with which the program ends: to a cleanup
/// function of what a module has kept. A program that goes on to the account phase, or to credentials, was let in.
#[derive(Clone, Debug)]
pub(crate) struct OneFactor {
    /// The entry, but for the status.
    pub entry: Entry,
    /// What policy wants handed on.
    pub hooks: Option<Hooks>,
}

/// The program that a login happens in: PAM in earnest, a script in tests.
pub(crate) trait Host {
    /// The name of who is logging in, as the program has it now.
    fn user(&mut self) -> Result<String, HostFault>;
    /// Where the login comes from.
    fn origin(&self) -> Origin;
    /// Asks; `None`: there was no reply at all.
    fn ask(&mut self, prompt: &str, echo: bool) -> Result<Option<Typed>, HostFault>;
    /// Tells; whether it was seen cannot be known.
    fn tell(&mut self, text: &str, tone: Tone);
    /// The password that a module before this one asked for.
    fn password(&mut self) -> Result<Option<Typed>, HostFault>;
    /// Leaves a password for the modules after this one.
    fn hand_on_password(&mut self, password: &[u8]) -> Result<(), HostFault>;
    /// Keeps a code for a later line of the same stack.
    fn keep(&mut self, kept: SplitCode) -> Result<(), HostFault>;
    /// Takes the kept code; a second time there is none.
    fn take_kept(&mut self) -> Result<Option<SplitCode>, HostFault>;
    /// Notes what an authentication line has come to; `None`: nothing that the account phase has to know.
    fn pass(&mut self, passed: Option<Passed>) -> Result<(), HostFault>;
    /// What was noted in this login, in the same process.
    fn passed(&mut self) -> Result<Option<Passed>, HostFault>;
    /// A code was right: from now on the end of the program is watched for the rest of the login being refused.
    fn watch_the_end(&mut self, told: OneFactor);
    /// The program has gone on: other modules have let the user in as well.
    fn goes_on(&mut self);
    /// Has the program wait before it tells of a failure, the same whatever the reason was.
    fn delay_failure(&mut self);
    /// Writes an entry to the system log.
    fn log(&mut self, entry: &Entry);
    /// Has an entry wait for the hook of the policy, and logs it where that is not possible.
    fn hand_on(&mut self, entry: &Entry, hooks: &Hooks) {
        if let Some(dropped) = hooks.hand_on(entry) {
            self.log(&dropped);
        }
    }
    /// Looks up in the name service whom a name leads to.
    fn account(&mut self, name: &str) -> Result<Option<Named>, Error>;
    /// Whether a group holds a user.
    fn belongs(&mut self, user: &UserName, group: &str) -> Belongs;
    /// Whether every login through a service comes to the account line of this module.
    fn account_line(&mut self, service: &str) -> Result<AccountLine, Error>;
    /// Whether a service has another module that finds out who its users are.
    fn proves_identity(&mut self, service: &str) -> Result<bool, Error>;
    /// Hands a mail over to the program that sends it.
    fn hand_over(&mut self, program: &Path, outgoing: &Outgoing) -> Result<(), NotTaken>;
    /// Hands a mail over, and hears where to it goes.
    fn hand_over_and_hear(
        &mut self,
        program: &Path,
        outgoing: &Outgoing,
    ) -> Result<Address, NotTaken>;
    /// Waits until `whole` has gone by since `begun`, so that what was done meanwhile, and what not, cannot be told by how long
    /// it took.
    fn rest(&mut self, begun: Instant, whole: Duration) {
        std::thread::sleep(whole.saturating_sub(begun.elapsed()));
    }
    /// The name of this machine.
    fn machine(&self) -> String;
    /// Whether this process may read the records itself.
    fn is_root(&self) -> bool;
    /// The time now.
    fn now(&mut self) -> Result<UnixTime, Before1970>;
}
