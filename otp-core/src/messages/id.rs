//! The identities of the messages of a login, the same in every language and in the log line beside them.

use crate::every;

/// The identity of a [`super::Message`]. `pam_otp(8)` lists them all; none is ever given another meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageId {
    /// Of [`super::Message::CodePrompt`].
    CodePrompt,
    /// Of [`super::Message::PasswordAndCodePrompt`].
    PasswordAndCodePrompt,
    /// Of [`super::Message::WrongCode`].
    WrongCode,
    /// Of [`super::Message::AlreadyUsed`].
    AlreadyUsed,
    /// Of [`super::Message::NothingTyped`].
    NothingTyped,
    /// Of [`super::Message::LockedUntil`].
    LockedUntil,
    /// Of [`super::Message::Held`].
    Held,
    /// Of [`super::Message::Disabled`].
    Disabled,
    /// Of [`super::Message::RecoveryUsed`].
    RecoveryUsed,
    /// Of [`super::Message::MailedCodePrompt`].
    MailedCodePrompt,
    /// Of [`super::Message::CodeMailed`].
    CodeMailed,
    /// Of [`super::Message::NotMailed`].
    NotMailed,
    /// Of [`super::Message::MailedUsed`].
    MailedUsed,
    /// Of [`super::Message::Unavailable`].
    Unavailable,
    /// Of [`super::Message::EnrolUntil`].
    EnrolUntil,
    /// Of [`super::Message::NotEnrolled`].
    NotEnrolled,
    /// Of [`super::Message::NotSetUp`].
    NotSetUp,
    /// Of [`super::Message::SetUpMeanwhile`].
    SetUpMeanwhile,
}

impl MessageId {
    /// All variants.
    pub const ALL: [Self; 18] = every!(
        MessageId: CodePrompt,
        PasswordAndCodePrompt,
        WrongCode,
        AlreadyUsed,
        NothingTyped,
        LockedUntil,
        Held,
        Disabled,
        RecoveryUsed,
        MailedCodePrompt,
        CodeMailed,
        NotMailed,
        MailedUsed,
        Unavailable,
        EnrolUntil,
        NotEnrolled,
        NotSetUp,
        SetUpMeanwhile,
    );

    /// The word in the log.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::CodePrompt => "code-prompt",
            Self::PasswordAndCodePrompt => "password-and-code-prompt",
            Self::WrongCode => "wrong-code",
            Self::AlreadyUsed => "already-used",
            Self::NothingTyped => "nothing-typed",
            Self::LockedUntil => "locked-until",
            Self::Held => "locked",
            Self::Disabled => "disabled",
            Self::RecoveryUsed => "recovery-used",
            Self::MailedCodePrompt => "mailed-code-prompt",
            Self::CodeMailed => "code-mailed",
            Self::NotMailed => "not-mailed",
            Self::MailedUsed => "mailed-used",
            Self::Unavailable => "unavailable",
            Self::EnrolUntil => "enrol-until",
            Self::NotEnrolled => "not-enrolled",
            Self::NotSetUp => "not-set-up",
            Self::SetUpMeanwhile => "set-up-meanwhile",
        }
    }
}
