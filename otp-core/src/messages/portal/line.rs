//! Sentences with a value in them. Dates and times come as texts: the portal knows their time zone.

use crate::record::Language;

/// One sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// Where the user goes after the login.
    Onwards {
        /// The name of the site.
        host: &'a str,
    },
    /// Who is logging in.
    LoggingInAs {
        /// The name that was typed.
        user: &'a str,
    },
    /// Who is logged in.
    LoggedInAs {
        /// The user.
        user: &'a str,
    },
    /// Link: remove this authenticator.
    RemoveThis {
        /// Its name.
        name: &'a str,
    },
    /// How many recovery codes are left.
    CodesLeft {
        /// Unused ones.
        left: u32,
        /// How many were issued.
        issued: u32,
    },
    /// How many recovery codes are left, if the number issued is unknown.
    CodesLeftOnly {
        /// Unused ones.
        left: u32,
    },
    /// From when on users without an authenticator are refused.
    Deadline {
        /// Date and time.
        when: &'a str,
        /// Whole days until then.
        days: u64,
    },
    /// An authenticator was set up.
    Enrolled {
        /// Its name.
        name: &'a str,
        /// How many recovery codes were made with it.
        codes: usize,
    },
    /// An authenticator was removed.
    Removed {
        /// Its name.
        name: &'a str,
        /// Whether it was the last one.
        last: bool,
    },
    /// Recovery codes were made.
    CodesMade {
        /// How many.
        codes: usize,
    },
    /// An authenticator will be removed.
    Removes {
        /// Its name.
        name: &'a str,
        /// Whether it is the last one.
        last: bool,
    },
    /// What a new authenticator is for.
    Opening {
        /// The user's name.
        user: &'a str,
        /// The issuer that the app will show.
        issuer: &'a str,
    },
}

impl Line<'_> {
    /// Returns the text in this language.
    #[must_use]
    pub fn text(self, language: Language) -> String {
        match language {
            Language::English => self.text_in_english(),
            Language::Korean => self.text_in_korean(),
        }
    }

    fn text_in_english(self) -> String {
        match self {
            Self::Onwards { host } => format!("You then go on to {host}."),
            Self::LoggingInAs { user } => format!("Logging in as {user}"),
            Self::LoggedInAs { user } => format!("Logged in as {user}"),
            Self::RemoveThis { name } => format!("Remove {name}"),
            Self::CodesLeft { left, issued } => format!("{left} of {issued} left"),
            Self::CodesLeftOnly { left } => format!("{left} left"),
            Self::Deadline { when, days: 1 } => format!(
                "From {when} on (1 day left) logging in also takes a code. Set up an authenticator before then."
            ),
            Self::Deadline { when, days } => format!(
                "From {when} on ({days} days left) logging in also takes a code. Set up an authenticator before then."
            ),
            Self::Enrolled { name, codes: 0 } => format!("The authenticator \"{name}\" is set up."),
            Self::Enrolled { name, codes } => {
                format!("The authenticator \"{name}\" is set up, with {codes} recovery codes.")
            }
            Self::Removed { name, last: true } => {
                format!("The authenticator \"{name}\" is removed, and the recovery codes with it.")
            }
            Self::Removed { name, last: false } => {
                format!("The authenticator \"{name}\" is removed.")
            }
            Self::CodesMade { codes } => {
                format!("There are {codes} new recovery codes. The old ones no longer work.")
            }
            Self::Removes { name, last: true } => format!(
                "The authenticator \"{name}\" stops working, and so do the recovery codes, since it is the last one."
            ),
            Self::Removes { name, last: false } => {
                format!("The authenticator \"{name}\" stops working. The others stay.")
            }
            Self::Opening { user, issuer } => format!(
                "A new authenticator for {user} at {issuer}. Nothing is saved before the end."
            ),
        }
    }

    fn text_in_korean(self) -> String {
        match self {
            Self::Onwards { host } => format!("로그인하면 {host} 사이트로 이동합니다."),
            Self::LoggingInAs { user } => format!("{user} 계정으로 로그인하는 중"),
            Self::LoggedInAs { user } => format!("{user} 계정으로 로그인됨"),
            Self::RemoveThis { name } => format!("{name} 인증 수단 삭제"),
            Self::CodesLeft { left, issued } => format!("전체 {issued}개 중 {left}개 남음"),
            Self::CodesLeftOnly { left } => format!("{left}개 남음"),
            Self::Deadline { when, days } => format!(
                "{when}부터 로그인할 때 인증 코드도 입력해야 합니다({days}일 남음). 그 전에 인증 수단을 등록해 주세요."
            ),
            Self::Enrolled { name, codes: 0 } => format!("\"{name}\" 인증 수단을 등록했습니다."),
            Self::Enrolled { name, codes } => {
                format!("\"{name}\" 인증 수단을 등록하고 복구 코드 {codes}개를 발급했습니다.")
            }
            Self::Removed { name, last: true } => {
                format!("\"{name}\" 인증 수단과 복구 코드를 삭제했습니다.")
            }
            Self::Removed { name, last: false } => format!("\"{name}\" 인증 수단을 삭제했습니다."),
            Self::CodesMade { codes } => format!(
                "복구 코드 {codes}개를 재발급했습니다. 기존 복구 코드는 더 이상 사용할 수 없습니다."
            ),
            Self::Removes { name, last: true } => format!(
                "\"{name}\" 인증 수단을 더 이상 사용할 수 없게 됩니다. 마지막 인증 수단이므로 복구 코드도 함께 삭제됩니다."
            ),
            Self::Removes { name, last: false } => format!(
                "\"{name}\" 인증 수단을 더 이상 사용할 수 없게 됩니다. 나머지는 그대로 유지됩니다."
            ),
            Self::Opening { user, issuer } => format!(
                "{issuer}의 {user} 계정에 새 인증 수단을 등록합니다. 완료하기 전에는 아무것도 저장되지 않습니다."
            ),
        }
    }
}
