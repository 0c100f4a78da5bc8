//! Guesses from its words what a question of PAM asks for, so that browsers offer the right keyboard and saved values.

use otp_core::messages::Message;
use otp_core::messages::enrol::Dialogue;
use otp_core::record::Language;

/// What a question asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A code of an authenticator, or another code for a login. A question of ours, known by its exact words.
    Code,
    /// Whether to begin an enrolment at login: the answer is empty. A question of ours.
    Begin,
    /// The same, or a word that puts the enrolment off.
    BeginOrLater,
    /// The word that confirms that recovery codes are kept. A question of ours.
    Kept,
    /// A code of digits only. A question of ours, known by its exact words.
    Digits,
    /// The present password.
    Password,
    /// A new password.
    NewPassword,
    /// Anything else.
    Other,
}

impl Kind {
    /// Returns what a question asks for. `echo`: the answer may be visible.
    pub fn of(prompt: &str, echo: bool) -> Self {
        let prompt = prompt.trim();
        let is = |text: String| prompt == text.trim();
        let in_any = |message: Message| Language::ALL.into_iter().any(|one| is(message.text(one)));
        if in_any(Message::CodePrompt) {
            return Self::Code;
        }
        let asks = |question: Dialogue<'_>| {
            let mut languages = Language::ALL.into_iter();
            languages.any(|language| is(question.text(language)))
        };
        for (question, kind) in [
            (Dialogue::BeginQuestion, Self::Begin),
            (Dialogue::BeginOrLaterQuestion, Self::BeginOrLater),
            (Dialogue::KeptQuestion, Self::Kept),
        ] {
            if asks(question) {
                return kind;
            }
        }
        let asks_for_digits = Language::ALL.into_iter().any(|language| {
            (6..=8).any(|digits| is(Dialogue::CodeQuestion { digits }.text(language)))
        });
        if asks_for_digits || in_any(Message::MailedCodePrompt) {
            return Self::Digits;
        }
        let lower = prompt.to_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
        if echo || !has(&["password", "passphrase", "비밀번호", "암호"]) {
            return Self::Other;
        }
        if has(&["new ", "retype", "again", "새 ", "다시"]) {
            Self::NewPassword
        } else {
            Self::Password
        }
    }

    /// Whether password managers fill in the answer.
    pub const fn is_password(self) -> bool {
        matches!(self, Self::Password | Self::NewPassword)
    }

    /// Whether the answer is hidden. Codes are visible here, although terminals hide them: each works once, and users
    /// who see what they type make fewer mistakes.
    pub const fn is_hidden(self, echo: bool) -> bool {
        match self {
            Self::Code | Self::Digits | Self::Begin | Self::BeginOrLater | Self::Kept => false,
            Self::Password | Self::NewPassword | Self::Other => !echo,
        }
    }

    /// Returns the value of `autocomplete`.
    pub const fn autocomplete(self) -> &'static str {
        match self {
            Self::Code | Self::Digits => "one-time-code",
            Self::Password => "current-password",
            Self::NewPassword => "new-password",
            Self::Other | Self::Begin | Self::BeginOrLater | Self::Kept => "off",
        }
    }

    /// Whether the answer has only digits.
    pub const fn is_numeric(self) -> bool {
        matches!(self, Self::Code | Self::Digits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_recognised_by_their_words_in_either_language() {
        for (prompt, echo, kind) in [
            ("Password: ", false, Kind::Password),
            ("비밀번호: ", false, Kind::Password),
            ("(current) UNIX password: ", false, Kind::Password),
            ("New password: ", false, Kind::NewPassword),
            ("Retype new password: ", false, Kind::NewPassword),
            ("Password: ", true, Kind::Other),
            ("Verification code: ", false, Kind::Code),
            ("인증 코드: ", true, Kind::Code),
            (
                "6-digit code that the device shows now: ",
                true,
                Kind::Digits,
            ),
            (
                "8-digit code that the device shows now: ",
                false,
                Kind::Digits,
            ),
            ("Code from the email: ", false, Kind::Digits),
            ("Verification code for wiki: ", false, Kind::Other),
            ("Press Enter to set it up: ", true, Kind::Begin),
            (
                "등록을 시작하려면 Enter를 눌러 주세요: ",
                false,
                Kind::Begin,
            ),
            (
                "Press Enter to set it up, or type \"later\": ",
                true,
                Kind::BeginOrLater,
            ),
            (
                "Type \"kept\" when the recovery codes are kept: ",
                true,
                Kind::Kept,
            ),
            ("Press Enter to format the disk: ", true, Kind::Other),
            ("Name of your first pet", true, Kind::Other),
            ("PIN", false, Kind::Other),
            ("", false, Kind::Other),
        ] {
            assert_eq!(Kind::of(prompt, echo), kind, "{prompt}");
        }
        let both = Message::PasswordAndCodePrompt.text(Language::English);
        let kind = Kind::of(&both, false);
        assert!(kind.is_password() && kind.is_hidden(false));
    }
}
