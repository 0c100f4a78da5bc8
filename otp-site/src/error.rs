//! The errors of examining this machine. An error names the file and the reason, never a file's content.

use otp_core::messages::reason::{Deed, Reason, Unfit};
use otp_core::record::Language;
use otp_core::{Before1970, UnusableName};
use otp_file::{Fault, Unparsed, Unread, told};
use std::io;

/// Why something could not be found out, and whose fault that is.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be trusted as it is.
    #[error("{path}: {fault}")]
    Unsafe {
        /// Which file.
        path: String,
        /// The fault in it.
        fault: Fault,
    },
    /// The file can be trusted, but does not say what it must.
    #[error("{}", reason.at(path, *line, Language::English))]
    Content {
        /// Which file.
        path: String,
        /// The number of the line, from 1, if it is known.
        line: Option<usize>,
        /// The fault there, without a quotation.
        reason: Reason,
    },
    /// The named policy file does not exist.
    #[error("{path}: the policy file is missing")]
    NoPolicy {
        /// Which file.
        path: String,
    },
    /// The operating system refused.
    #[error("{path}: cannot {action}: {source}")]
    Io {
        /// Which file or directory.
        path: String,
        /// What was tried.
        action: Deed,
        /// What the operating system said.
        source: io::Error,
    },
    /// The name cannot be a user's.
    #[error(transparent)]
    UserName(#[from] UnusableName),
    /// The name service could not answer; that is not the same as "no such user".
    #[error("the name service did not answer: {0}")]
    NameService(io::Error),
    /// The name service contradicts itself about a user, so it is not certain whose records are meant.
    #[error("the name service knows {user} with user id {uid}, but {}", what.english())]
    Disagrees {
        /// The name that it gave.
        user: String,
        /// The user id that it gave with it.
        uid: u32,
        /// What it says for the user id, or for that id's name.
        what: Instead,
    },
    /// The system clock shows a time before 1970.
    #[error(transparent)]
    Clock(#[from] Before1970),
}

impl Error {
    pub(crate) fn io(path: &str, action: Deed, source: impl Into<io::Error>) -> Self {
        Self::Io {
            path: path.to_owned(),
            action,
            source: source.into(),
        }
    }

    pub(crate) fn unread(path: &str, why: Unread) -> Self {
        match why {
            Unread::Unsafe(fault) => Self::Unsafe {
                path: path.to_owned(),
                fault,
            },
            Unread::Io { action, source } => Self::io(path, action, source),
        }
    }

    pub(crate) fn unparsed(path: &str, why: Unparsed) -> Self {
        let (line, reason) = match why {
            Unparsed::Content { line, reason } => (line, reason),
            // Files of a machine carry no version.
            Unparsed::Newer => (None, Unfit::Newer.into()),
        };
        Self::Content {
            path: path.to_owned(),
            line,
            reason,
        }
    }

    /// Says what is wrong in a language, without a full stop.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        match language {
            Language::English => self.to_string(),
            Language::Korean => self.korean(),
        }
    }

    fn korean(&self) -> String {
        let korean = Language::Korean;
        match self {
            Self::Unsafe { path, fault } => format!("{path}: {}", fault.text(korean)),
            Self::Content { path, line, reason } => reason.at(path, *line, korean),
            Self::NoPolicy { path } => format!("{path}: 정책 파일이 없습니다"),
            Self::Io {
                path,
                action,
                source,
            } => format!(
                "{path}: {}: {}",
                action.failed(korean),
                told(source, korean)
            ),
            Self::UserName(name) => name.text(korean),
            Self::NameService(error) => {
                format!("이름 서비스가 응답하지 않았습니다: {}", told(error, korean))
            }
            Self::Disagrees { user, uid, what } => format!(
                "이름 서비스에서 {user} 사용자의 ID는 {uid}번이지만, {}",
                what.korean()
            ),
            Self::Clock(clock) => clock.text(korean).to_owned(),
        }
    }

    /// What an administrator can do about it, in English without a full stop.
    #[must_use]
    pub fn hint(&self, language: Language) -> &'static str {
        match language {
            Language::English => self.english_hint(),
            Language::Korean => self.korean_hint(),
        }
    }

    fn korean_hint(&self) -> &'static str {
        match self {
            Self::Unsafe {
                fault: Fault::Owner { .. },
                ..
            } => {
                "누가 바꾸었는지 확인하고 소유자를 root로 되돌리세요. 사용자 ID가 바뀐 사용자의 등록 정보는 'otp-admin reset USER' 명령으로 삭제하세요."
            }
            Self::Unsafe { .. } => {
                "누가 바꾸었는지 확인한 뒤, 소유자와 모드를 pam_otp.conf(5) 매뉴얼에 적힌 대로 되돌리세요."
            }
            Self::Content { .. } => {
                "그 줄을 바로잡으세요. 함께 설치된 파일에 모든 키와 기본값이 있습니다."
            }
            Self::NoPolicy { .. } => {
                "경로를 확인하세요. 경로가 맞으면 그 파일 시스템을 마운트하거나 파일을 복구하세요."
            }
            Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "소유자와 모드가 pam_otp.conf(5) 매뉴얼에 적힌 대로인지 확인하세요. root가 아닌 프로그램은 otp-helper를 통해서만 등록 정보에 접근합니다."
            }
            Self::Io { .. } => {
                "파일 시스템이 마운트되어 있고 쓰기 가능하며 이상이 없는지 확인하세요."
            }
            Self::UserName(_) => "이름의 철자를 확인하세요.",
            Self::NameService(_) => {
                "'getent passwd' 명령과 /etc/nsswitch.conf 파일의 서비스를 확인하세요."
            }
            Self::Disagrees { .. } => {
                "'getent passwd' 명령으로 그 이름과 그 번호를 비교한 뒤 /etc/passwd, 디렉터리 서비스, /etc/nsswitch.conf를 바로잡으세요."
            }
            Self::Clock(_) => "시스템 시계를 맞추세요.",
        }
    }

    fn english_hint(&self) -> &'static str {
        match self {
            Self::Unsafe {
                fault: Fault::Owner { .. },
                ..
            } => {
                "find out who changed it, and give it back to root; a record whose user has a new user id is removed by 'otp-admin reset USER'"
            }
            Self::Unsafe { .. } => {
                "find out who changed it; then give it back to root, with the owner and mode that pam_otp.conf(5) names"
            }
            Self::Content { .. } => {
                "correct that line; the file that was shipped has every key with its default"
            }
            Self::NoPolicy { .. } => {
                "check the path; if it is right, mount its file system or restore it"
            }
            Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "check owner and mode, which pam_otp.conf(5) names; programs that are not root reach records only through otp-helper"
            }
            Self::Io { .. } => "check the file system: is it mounted, writable, healthy?",
            Self::UserName(_) => "check the spelling",
            Self::NameService(_) => "check 'getent passwd' and the services in /etc/nsswitch.conf",
            Self::Disagrees { .. } => {
                "compare what 'getent passwd' says of that name and of that number; then correct /etc/passwd, the directory or /etc/nsswitch.conf"
            }
            Self::Clock(_) => "set the clock",
        }
    }
}

/// What the name service says instead, for a user id or for that id's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Instead {
    /// There is no user with that id.
    NoUser,
    /// The entry has another id than the one that was asked for.
    AnotherId {
        /// That id.
        uid: u32,
    },
    /// The id has a name that leads to another id.
    AnotherUser {
        /// That name.
        name: String,
        /// That id.
        uid: u32,
    },
    /// The id has a name that no user has.
    Nobody {
        /// That name.
        name: String,
    },
}

impl Instead {
    fn english(&self) -> String {
        match self {
            Self::NoUser => "no user for that number".to_owned(),
            Self::AnotherId { uid } => format!("user id {uid} when asked for that number"),
            Self::AnotherUser { name, uid } => {
                format!("{name} for that number, whose user id is {uid}")
            }
            Self::Nobody { name } => format!("{name} for that number, which is no user"),
        }
    }

    fn korean(&self) -> String {
        match self {
            Self::NoUser => "그 번호로는 사용자를 찾지 못합니다".to_owned(),
            Self::AnotherId { uid } => format!("그 번호로 찾으면 ID가 {uid}번입니다"),
            Self::AnotherUser { name, uid } => {
                format!("그 번호로 찾은 {name} 사용자의 ID는 {uid}번입니다")
            }
            Self::Nobody { name } => format!("그 번호로 찾은 {name} 사용자는 없습니다"),
        }
    }
}
