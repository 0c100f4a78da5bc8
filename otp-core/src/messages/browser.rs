//! What a login in the portal says where the same message in a terminal names a command: a browser has pages.

use super::portal::Label;
use super::{Message, demanded_from};
use crate::record::{Credential, Language};

impl Message {
    /// Returns the sentence for a user who logs in to the portal. It has the id of the sentence in a terminal.
    #[must_use]
    pub fn text_in_a_browser(self, language: Language) -> String {
        let page = Label::Overview.text(language);
        let replace = Label::Replace.text(language);
        let set_up = Label::SetUp.text(language);
        match (self, language) {
            (Self::RecoveryUsed { left }, Language::English) => format!(
                "Recovery code used, {left} left. If your device is lost, set up a new one: \"{replace}\" on the page \"{page}\"."
            ),
            (Self::RecoveryUsed { left }, Language::Korean) => format!(
                "복구 코드를 사용했습니다. {left}개 남았습니다. 기기를 잃어버렸다면 \"{page}\" 페이지의 \"{replace}\" 버튼을 눌러 새 기기를 등록해 주세요."
            ),
            (Self::MailedUsed, Language::English) => format!(
                "You were let in by a code from an email. If your device is lost, set up a new one: \"{replace}\" on the page \"{page}\"."
            ),
            (Self::MailedUsed, Language::Korean) => format!(
                "이메일로 받은 코드로 로그인했습니다. 기기를 잃어버렸다면 \"{page}\" 페이지의 \"{replace}\" 버튼을 눌러 새 기기를 등록해 주세요."
            ),
            (Self::EnrolUntil { deadline, now }, Language::English) => format!(
                "{} Set up your authenticator before then: \"{set_up}\" on the page \"{page}\".",
                demanded_from(deadline, now, language)
            ),
            (Self::EnrolUntil { deadline, now }, Language::Korean) => format!(
                "{} 그 전에 \"{page}\" 페이지의 \"{set_up}\" 버튼을 눌러 등록해 주세요.",
                demanded_from(deadline, now, language)
            ),
            (Self::NotEnrolled, Language::English) => {
                "Logging in takes a code, and this account has no authenticator yet. Ask your administrator."
                    .to_owned()
            }
            (Self::NotEnrolled, Language::Korean) => {
                "로그인하려면 인증 코드가 필요하지만 이 계정에는 등록된 인증 수단이 없습니다. 관리자에게 문의해 주세요."
                    .to_owned()
            }
            (
                Self::CodePrompt
                | Self::PasswordAndCodePrompt
                | Self::WrongCode
                | Self::AlreadyUsed
                | Self::NothingTyped
                | Self::LockedUntil { .. }
                | Self::Held { .. }
                | Self::Disabled
                | Self::MailedCodePrompt
                | Self::CodeMailed
                | Self::NotMailed
                | Self::Unavailable
                | Self::NotSetUp
                | Self::SetUpMeanwhile,
                _,
            ) => self.text(language),
        }
    }

    /// Whether a text of a login in the portal, in any language, is one of those after which a user may want to replace a lost
    /// device.
    #[must_use]
    pub fn speaks_of_a_lost_device(text: &str) -> bool {
        let most = u32::try_from(Credential::MAX_RECOVERY_CODES).unwrap_or(u32::MAX);
        let mut messages = (0..=most)
            .map(|left| Self::RecoveryUsed { left })
            .chain([Self::MailedUsed]);
        messages.any(|message| {
            let mut languages = Language::ALL.into_iter();
            languages.any(|language| message.text_in_a_browser(language) == text)
        })
    }
}
