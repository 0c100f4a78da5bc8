//! The text of mails.

use crate::network;
use crate::record::Language;

/// A mail with a code, without the headers that its way needs. [`Letter::body`] puts the code in.
pub struct Letter<'a> {
    /// The language.
    pub language: Language,
    /// The user.
    pub user: &'a str,
    /// The machine.
    pub machine: &'a str,
    /// What the code is for.
    pub what_for: WhatFor<'a>,
}

/// What a code is for.
#[derive(Clone, Copy)]
pub enum WhatFor<'a> {
    /// It lets a login in.
    Login {
        /// The service of the login.
        service: &'a str,
        /// Where the login comes from, as the service says.
        rhost: &'a str,
    },
    /// It shows that an address belongs to its user.
    Address,
}

/// The sentences that a user reads while confirming an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirming<'a> {
    /// A code is on its way.
    Sent {
        /// The address, as everybody may see it.
        masked: &'a str,
    },
    /// Asks for the code.
    Question,
    /// Something else was typed.
    Wrong {
        /// How many tries are left.
        left: u32,
    },
    /// No mail could be sent.
    NotSent,
    /// The limit for a day is reached.
    TooMany,
    /// The code was not typed.
    NotConfirmed,
}

impl Confirming<'_> {
    /// Returns the sentence in this language.
    #[must_use]
    pub fn text(self, language: Language) -> String {
        match language {
            Language::English => self.english(),
            Language::Korean => self.korean(),
        }
    }

    fn english(self) -> String {
        match self {
            Self::Sent { masked } => format!(
                "First your address: a code was sent to {masked}. It is valid for 10 minutes. Nothing is saved before the end."
            ),
            Self::Question => "Code from the email: ".to_owned(),
            Self::Wrong { left: 1 } => "That is not the code from the email. 1 more try.".to_owned(),
            Self::Wrong { left } => format!("That is not the code from the email. {left} more tries."),
            Self::NotSent => {
                "No email could be sent to confirm your address. Try again later, or ask your administrator.".to_owned()
            }
            Self::TooMany => {
                "No more than 5 codes are sent in a day. Try again tomorrow, or ask your administrator.".to_owned()
            }
            Self::NotConfirmed => "Your address is not confirmed, so nothing was set up.".to_owned(),
        }
    }

    fn korean(self) -> String {
        match self {
            Self::Sent { masked } => format!(
                "먼저 이메일 주소를 확인합니다. {masked} 주소로 인증 코드를 보냈습니다. 이 인증 코드는 10분 동안 사용할 수 있습니다. 등록을 완료하기 전에는 \
                 아무것도 저장되지 않습니다."
            ),
            Self::Question => "이메일로 받은 인증 코드: ".to_owned(),
            Self::Wrong { left } => format!("이메일로 받은 인증 코드가 아닙니다. {left}번 더 입력할 수 있습니다."),
            Self::NotSent => {
                "이메일 주소를 확인할 메일을 보낼 수 없습니다. 나중에 다시 시도하거나 관리자에게 문의해 주세요.".to_owned()
            }
            Self::TooMany => {
                "인증 코드는 하루에 5번까지만 보냅니다. 내일 다시 시도하거나 관리자에게 문의해 주세요.".to_owned()
            }
            Self::NotConfirmed => "이메일 주소를 확인하지 않아 아무것도 등록하지 않았습니다.".to_owned(),
        }
    }
}

impl Letter<'_> {
    /// Returns the subject. It does not contain the code: locked screens show it.
    #[must_use]
    pub fn subject(&self) -> String {
        let machine = plain(self.machine);
        match (self.language, self.what_for) {
            (Language::English, WhatFor::Login { .. }) => {
                format!("Your code for logging in to {machine}")
            }
            (Language::English, WhatFor::Address) => format!("Confirm your address for {machine}"),
            (Language::Korean, WhatFor::Login { .. }) => format!("{machine} 로그인 인증 코드"),
            (Language::Korean, WhatFor::Address) => format!("{machine} 이메일 주소 확인"),
        }
    }

    /// Returns the text, with the code on a line of its own.
    #[must_use]
    pub fn body(&self, code: &str) -> zeroize::Zeroizing<String> {
        let (user, machine) = (plain(self.user), plain(self.machine));
        let (why, how, otherwise) = match self.language {
            Language::English => self.english(&user, &machine),
            Language::Korean => self.korean(&user, &machine),
        };
        // Sized beforehand: a string that grows leaves copies of the code behind.
        let length = why.len() + code.len() + how.len() + otherwise.len() + 16;
        let mut text = zeroize::Zeroizing::new(String::with_capacity(length));
        for part in [
            &why, "\n\n    ", code, "\n\n", &how, "\n\n", &otherwise, "\n",
        ] {
            text.push_str(part);
        }
        text
    }

    fn english(&self, user: &str, machine: &str) -> (String, String, String) {
        match self.what_for {
            WhatFor::Login { service, rhost } => {
                let service = plain(service);
                let from = numeric(rhost).map_or_else(String::new, |from| format!(" from {from}"));
                (
                    format!(
                        "Somebody is logging in to {machine} as {user} (by {service}{from}),\n\
                         and has asked for a code by email. The code is"
                    ),
                    "Type it where that login asks for it. It works once, for 10 minutes, and in\n\
                     that login alone."
                        .to_owned(),
                    "If this was not you, somebody may know your password. Give the code to nobody,\n\
                     change your password, and tell your administrator."
                        .to_owned(),
                )
            }
            WhatFor::Address => (
                format!(
                    "Somebody is setting up an authenticator for {user} on {machine},\n\
                     and this address is to be confirmed for it. The code is"
                ),
                "Type it where it is asked for. It works once, and there alone.".to_owned(),
                "If this was not you, somebody may know your password. Give the code to nobody,\n\
                 change your password, and tell your administrator."
                    .to_owned(),
            ),
        }
    }

    fn korean(&self, user: &str, machine: &str) -> (String, String, String) {
        let otherwise =
            "본인이 아니라면 다른 사람이 비밀번호를 알고 있을 수 있습니다. 인증 코드를 누구에게도\n\
            알려 주지 말고, 비밀번호를 바꾼 다음 관리자에게 알려 주세요."
                .to_owned();
        match self.what_for {
            WhatFor::Login { service, rhost } => {
                let service = plain(service);
                let from = numeric(rhost).map_or_else(String::new, |from| format!(", {from}"));
                (
                    format!(
                        "{machine}에 {user} 계정으로 로그인하면서({service}{from}) 이메일 인증 코드를 요청했습니다.\n인증 코드는 다음과 같습니다."
                    ),
                    "로그인 화면에 입력해 주세요. 10분 동안, 그 로그인에서 한 번만 사용할 수 있습니다."
                        .to_owned(),
                    otherwise,
                )
            }
            WhatFor::Address => (
                format!(
                    "{machine}에서 {user} 계정의 인증 수단을 등록하면서 이 이메일 주소를 확인합니다.\n인증 코드는 다음과 같습니다."
                ),
                "등록 화면에 입력해 주세요. 그 등록에서 한 번만 사용할 수 있습니다.".to_owned(),
                otherwise,
            ),
        }
    }
}

/// Removes what could begin another line, and cuts the text so that it cannot hold a sentence of an attacker.
fn plain(text: &str) -> String {
    let shown = |c: char| {
        if c.is_control() || c == '\u{2028}' || c == '\u{2029}' {
            '?'
        } else {
            c
        }
    };
    text.chars().map(shown).take(64).collect()
}

/// Returns an address as a number. Names are chosen by their owners, who could put their own words into our mail.
fn numeric(rhost: &str) -> Option<String> {
    network::address(rhost).map(|address| address.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::every;
    use crate::messages::in_all::{assert_keeps_the_glossary, assert_same_in_every_language};

    fn letter(language: Language, what_for: WhatFor<'static>) -> Letter<'static> {
        Letter {
            language,
            user: "alice",
            machine: "web1",
            what_for,
        }
    }

    const LOGIN: WhatFor<'_> = WhatFor::Login {
        service: "sshd",
        rhost: "192.0.2.1",
    };

    #[test]
    fn every_letter_exists_in_every_language_with_the_same_figures() {
        for what_for in [LOGIN, WhatFor::Address] {
            let of = |language| {
                let letter = letter(language, what_for);
                format!("{}\n{}", letter.subject(), *letter.body("01234567"))
            };
            let figures = |text: &str| {
                let words = text.split(|c: char| !c.is_ascii_digit());
                let mut figures: Vec<_> = words
                    .filter(|word| !word.is_empty())
                    .map(str::to_owned)
                    .collect();
                figures.sort();
                figures
            };
            let [english, korean] = [of(Language::English), of(Language::Korean)];
            assert_eq!(figures(&english), figures(&korean));
            assert!(english.is_ascii() && korean.contains("인증 코드"));
            assert_keeps_the_glossary(&korean);
        }
    }

    #[test]
    fn every_sentence_exists_in_every_language_with_the_same_figures() {
        let all = every!(Confirming {
            Sent => [Confirming::Sent { masked: "a***@example.org" }],
            Question => [Confirming::Question],
            Wrong => [1, 2].map(|left| Confirming::Wrong { left }),
            NotSent => [Confirming::NotSent],
            TooMany => [Confirming::TooMany],
            NotConfirmed => [Confirming::NotConfirmed],
        });
        for sentence in all {
            assert_same_in_every_language(|language| sentence.text(language));
        }
    }

    #[test]
    fn a_letter_has_the_code_on_its_own_line_and_says_what_to_do_if_somebody_else_asked() {
        for language in Language::ALL {
            for what_for in [LOGIN, WhatFor::Address] {
                let letter = letter(language, what_for);
                let body = letter.body("01234567");
                assert!(body.lines().any(|line| line == "    01234567"));
                assert!(!letter.subject().contains("01234567"));
                assert!(body.lines().all(|line| line.len() < 200), "{}", *body);
                let warns =
                    body.contains("If this was not you") || body.contains("본인이 아니라면");
                assert!(warns);
            }
        }
    }

    #[test]
    fn names_given_by_a_program_cannot_pass_for_text_of_the_letter() {
        let what_for = WhatFor::Login {
            service: "sshd\n\nYour account was hacked",
            rhost: "call-me-at.example.org",
        };
        let letter = Letter {
            machine: "web1\r\nBcc: eve@example.org",
            ..letter(Language::English, what_for)
        };
        let body = letter.body("01234567");
        assert!(!body.contains("call-me"));
        assert!(!body.contains("\n\nYour"));
        assert!(!letter.subject().contains('\n') && !letter.subject().contains('\r'));
    }
}
