//! What the command lines say when they did not do what was asked: what is wrong, and what to do about it.

use crate::record::Language;

/// Why a command was refused or could not be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Only root may do this.
    NotRoot {
        /// The command line.
        program: &'static str,
    },
    /// Run through sudo without a name: the caller, or root?
    ForWhom {
        /// The caller, where the name can be shown.
        caller: Option<String>,
    },
    /// The name service knows no such user.
    NoSuchUser {
        /// The name as it was given.
        user: String,
    },
    /// There is a record, but the name service no longer knows the user.
    GoneUser {
        /// The user's name.
        user: String,
    },
    /// There is no terminal to ask at.
    NoTerminal {
        /// The user's name.
        user: String,
    },
    /// The user has no authenticator.
    NotEnrolled {
        /// The user's name.
        user: String,
    },
    /// The user has an authenticator, and nobody said to replace it.
    AlreadyEnrolled {
        /// The user's name.
        user: String,
    },
    /// The account is locked, so nothing may be enrolled.
    Locked {
        /// The user's name.
        user: String,
    },
    /// No code of the new authenticator was right.
    NotProven,
    /// The person at the terminal left, or the terminal did.
    Left,
    /// What was to be changed was changed by somebody else in the meantime.
    ChangedMeanwhile {
        /// The user's name.
        user: String,
    },
    /// A file that was to be made is there already.
    FileExists {
        /// Which.
        path: String,
    },
    /// A file could not be written.
    FileNotWritten {
        /// Which.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// The directory of all records is missing.
    NoRecords {
        /// Which.
        path: String,
    },
    /// What was to be shown could not be written to standard output.
    OutputNotWritten {
        /// What the system said.
        reason: String,
    },
    /// The record was made, but its secrets could not be written to standard output.
    SecretsNotShown {
        /// The user's name.
        user: String,
        /// What the system said.
        reason: String,
    },
    /// The key does not fit a QR code.
    TooLongForQr,
}

impl Trouble {
    /// What is wrong.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        match language {
            Language::English => self.english(),
            Language::Korean => self.korean(),
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self, language: Language) -> String {
        match language {
            Language::English => self.english_hint(),
            Language::Korean => self.korean_hint(),
        }
    }

    fn english(&self) -> String {
        match self {
            Self::NotRoot { .. } => "only root may do this".to_owned(),
            Self::ForWhom { .. } => {
                "run through sudo, so it is not clear whose authenticator is meant".to_owned()
            }
            Self::NoSuchUser { user } => format!("no user is called '{user}'"),
            Self::GoneUser { user } => {
                format!("'{user}' has a record, but is no longer a user of this system")
            }
            Self::NoTerminal { .. } => "there is no terminal to ask at".to_owned(),
            Self::NotEnrolled { user } => format!("{user} has no authenticator"),
            Self::AlreadyEnrolled { user } => format!("{user} has an authenticator already"),
            Self::Locked { user } => {
                format!("{user} is locked, and nothing can be enrolled while it lasts")
            }
            Self::NotProven => {
                "no code of the new authenticator was right; nothing was changed".to_owned()
            }
            Self::Left => "stopped; nothing was changed".to_owned(),
            Self::ChangedMeanwhile { user } => {
                format!(
                    "the record of {user} was changed in the meantime; nothing was changed here"
                )
            }
            Self::FileExists { path } => {
                format!("{path}: is there already, and is never overwritten")
            }
            Self::FileNotWritten { path, reason } => format!("{path}: cannot write: {reason}"),
            Self::NoRecords { path } => format!("{path}: the directory of all records is missing"),
            Self::OutputNotWritten { reason } => {
                format!("cannot write to standard output: {reason}")
            }
            Self::SecretsNotShown { user, reason } => {
                format!(
                    "{user} is enrolled, but the key could not be written to standard output: {reason}"
                )
            }
            Self::TooLongForQr => "the otpauth URI is too long for a QR code".to_owned(),
        }
    }

    fn english_hint(&self) -> String {
        match self {
            Self::NotRoot { program: "otp-enroll" } => {
                "ask your administrator; who is one adds '--user NAME' and runs it with sudo".to_owned()
            }
            Self::NotRoot { program } => format!("run it as 'sudo {program}'"),
            Self::ForWhom { caller: Some(caller) } => {
                format!("add '--user {caller}', or '--user root' for root itself")
            }
            Self::ForWhom { caller: None } => "add '--user NAME'".to_owned(),
            Self::NoSuchUser { .. } => "check the spelling, and 'getent passwd'".to_owned(),
            Self::GoneUser { user } => format!("remove the record with 'otp-admin reset {user}'"),
            Self::NoTerminal { user } => {
                format!("run it in a terminal (ssh -t), or without questions: 'otp-admin provision {user}'")
            }
            Self::NotEnrolled { user } => format!("enrol with 'otp-enroll --user {user}'"),
            Self::AlreadyEnrolled { .. } => {
                "add '--force' to replace it; the old one and its recovery codes then stop working".to_owned()
            }
            Self::Locked { user } => format!("look at 'otp-admin show {user}', then 'otp-admin unlock {user}'"),
            Self::NotProven => {
                "check that the app shows the entry just added, and that the device sets its clock automatically"
                    .to_owned()
            }
            Self::Left => "start again when you have the device at hand".to_owned(),
            Self::ChangedMeanwhile { .. } => "start again".to_owned(),
            Self::FileExists { .. } => "name another file, or move that one away".to_owned(),
            Self::FileNotWritten { .. } => "name a file in a directory that exists and has room".to_owned(),
            Self::NoRecords { .. } => {
                "mount its file system; or, when nobody was ever enrolled, enrol the first user".to_owned()
            }
            Self::OutputNotWritten { .. } => "check where the output goes".to_owned(),
            Self::SecretsNotShown { user, .. } => {
                format!("make new ones with 'otp-admin provision {user} --force'")
            }
            Self::TooLongForQr => "use '--qr none' without '--qr-file', or a shorter issuer in the policy".to_owned(),
        }
    }

    fn korean(&self) -> String {
        match self {
            Self::NotRoot { .. } => "root만 할 수 있습니다".to_owned(),
            Self::ForWhom { .. } => "sudo로 실행되어 누구의 인증기인지 알 수 없습니다".to_owned(),
            Self::NoSuchUser { user } => format!("'{user}' 사용자가 없습니다"),
            Self::GoneUser { user } => {
                format!("'{user}'의 기록은 있지만 이 시스템의 사용자가 아닙니다")
            }
            Self::NoTerminal { .. } => "질문할 터미널이 없습니다".to_owned(),
            Self::NotEnrolled { user } => format!("{user} 계정에 등록된 인증기가 없습니다"),
            Self::AlreadyEnrolled { user } => {
                format!("{user} 계정에 이미 인증기가 등록되어 있습니다")
            }
            Self::Locked { user } => format!("{user} 계정이 잠겨 있어 등록할 수 없습니다"),
            Self::NotProven => {
                "새 인증기의 코드를 확인하지 못했습니다. 변경된 것은 없습니다".to_owned()
            }
            Self::Left => "중단했습니다. 변경된 것은 없습니다".to_owned(),
            Self::ChangedMeanwhile { user } => {
                format!("그 사이에 {user} 계정의 기록이 바뀌었습니다. 여기서 변경된 것은 없습니다")
            }
            Self::FileExists { path } => format!("{path}: 이미 있는 파일이며 덮어쓰지 않습니다"),
            Self::FileNotWritten { path, reason } => format!("{path}: 쓸 수 없습니다: {reason}"),
            Self::NoRecords { path } => format!("{path}: 기록 디렉터리가 없습니다"),
            Self::OutputNotWritten { reason } => format!("표준 출력에 쓸 수 없습니다: {reason}"),
            Self::SecretsNotShown { user, reason } => {
                format!("{user} 계정을 등록했지만 키를 표준 출력에 쓸 수 없습니다: {reason}")
            }
            Self::TooLongForQr => "otpauth URI가 QR 코드에 담기에는 너무 깁니다".to_owned(),
        }
    }

    fn korean_hint(&self) -> String {
        match self {
            Self::NotRoot {
                program: "otp-enroll",
            } => "관리자에게 문의하세요. 관리자라면 'sudo otp-enroll --user NAME'을 실행하세요"
                .to_owned(),
            Self::NotRoot { program } => format!("'sudo {program}'로 실행하세요"),
            Self::ForWhom {
                caller: Some(caller),
            } => {
                format!("'--user {caller}'를 붙이세요. root 자신이라면 '--user root'를 붙이세요")
            }
            Self::ForWhom { caller: None } => "'--user NAME'을 붙이세요".to_owned(),
            Self::NoSuchUser { .. } => "이름의 철자와 'getent passwd'를 확인하세요".to_owned(),
            Self::GoneUser { user } => format!("'otp-admin reset {user}'로 기록을 지우세요"),
            Self::NoTerminal { user } => {
                format!(
                    "터미널에서 실행하거나(ssh -t), 질문 없이 'otp-admin provision {user}'를 실행하세요"
                )
            }
            Self::NotEnrolled { user } => format!("'otp-enroll --user {user}'로 등록하세요"),
            Self::AlreadyEnrolled { .. } => {
                "바꾸려면 '--force'를 붙이세요. 이전 인증기와 복구 코드는 더 이상 쓸 수 없게 됩니다"
                    .to_owned()
            }
            Self::Locked { user } => {
                format!(
                    "'otp-admin show {user}'로 확인한 다음 'otp-admin unlock {user}'를 실행하세요"
                )
            }
            Self::NotProven => {
                "앱에서 방금 추가한 항목인지, 기기의 시간이 자동으로 설정되어 있는지 확인하세요"
                    .to_owned()
            }
            Self::Left => "기기를 준비한 다음 다시 시작하세요".to_owned(),
            Self::ChangedMeanwhile { .. } => "다시 시작하세요".to_owned(),
            Self::FileExists { .. } => "다른 파일 이름을 쓰거나 그 파일을 옮기세요".to_owned(),
            Self::FileNotWritten { .. } => "공간이 있는 디렉터리의 파일 이름을 쓰세요".to_owned(),
            Self::NoRecords { .. } => {
                "파일 시스템을 마운트하세요. 아직 아무도 등록하지 않았다면 첫 사용자를 등록하세요"
                    .to_owned()
            }
            Self::OutputNotWritten { .. } => "출력이 향하는 곳을 확인하세요".to_owned(),
            Self::SecretsNotShown { user, .. } => {
                format!("'otp-admin provision {user} --force'로 새로 만드세요")
            }
            Self::TooLongForQr => {
                "'--qr-file' 없이 '--qr none'을 쓰거나 정책의 issuer를 줄이세요".to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Trouble> {
        let (user, path, reason) = (
            "alice".to_owned(),
            "/x".to_owned(),
            "No space left".to_owned(),
        );
        vec![
            Trouble::NotRoot {
                program: "otp-enroll",
            },
            Trouble::NotRoot {
                program: "otp-admin",
            },
            Trouble::ForWhom {
                caller: Some(user.clone()),
            },
            Trouble::ForWhom { caller: None },
            Trouble::NoSuchUser { user: user.clone() },
            Trouble::GoneUser { user: user.clone() },
            Trouble::NoTerminal { user: user.clone() },
            Trouble::NotEnrolled { user: user.clone() },
            Trouble::AlreadyEnrolled { user: user.clone() },
            Trouble::Locked { user: user.clone() },
            Trouble::NotProven,
            Trouble::Left,
            Trouble::ChangedMeanwhile { user: user.clone() },
            Trouble::FileExists { path: path.clone() },
            Trouble::FileNotWritten {
                path: path.clone(),
                reason: reason.clone(),
            },
            Trouble::NoRecords { path },
            Trouble::OutputNotWritten {
                reason: reason.clone(),
            },
            Trouble::SecretsNotShown { user, reason },
            Trouble::TooLongForQr,
        ]
    }

    #[test]
    fn every_trouble_says_what_is_wrong_and_what_to_do_in_both_languages() {
        for trouble in all() {
            let english = [
                trouble.text(Language::English),
                trouble.hint(Language::English),
            ];
            let korean = [
                trouble.text(Language::Korean),
                trouble.hint(Language::Korean),
            ];
            for text in &english {
                assert!(
                    text.is_ascii() && !text.is_empty() && !text.ends_with('.'),
                    "{text}"
                );
            }
            for text in &korean {
                assert!(text.contains(|c| ('가'..='힣').contains(&c)), "{text}");
            }
            for text in english.iter().chain(&korean) {
                assert!(!text.contains('\n'), "{text}");
            }
        }
    }
}
