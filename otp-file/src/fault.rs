//! The faults of a file that show before its content is read.

use nix::errno::Errno;
use otp_core::messages::reason::{Deed, Unfit, Wording};
use otp_core::record::Language;
use std::io;

/// Why a file or directory is not read.
#[derive(Debug)]
pub enum Unread {
    /// The file or directory cannot be trusted as it stands.
    Unsafe(Fault),
    /// The operating system refused.
    Io {
        /// The action that failed.
        action: Deed,
        /// The error of the operating system.
        source: io::Error,
    },
}

impl Unread {
    pub(crate) fn io(action: Deed, source: impl Into<io::Error>) -> Self {
        Self::Io {
            action,
            source: source.into(),
        }
    }
}

impl From<Fault> for Unread {
    fn from(fault: Fault) -> Self {
        Self::Unsafe(fault)
    }
}

/// Why a file or directory is not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is a symbolic link.
    SymbolicLink,
    /// It is a fifo, socket, device or directory, but must be a file.
    NotAFile,
    /// It is not a directory, but must be one.
    NotADirectory,
    /// The file has more than one hard link.
    HardLink,
    /// A user who may not own it owns it.
    Owner {
        /// The user id of the owner.
        uid: u32,
    },
    /// It belongs to a group other than the store's, and the mode gives that group rights.
    Group {
        /// The id of that group.
        gid: u32,
    },
    /// The mode gives more rights than are allowed.
    Mode {
        /// The permission bits that it has.
        mode: u32,
        /// The permission bits that are allowed.
        allowed: u32,
    },
    /// An access control list gives a user rights that the mode does not show.
    ListedUser {
        /// The user id in the list.
        uid: u32,
    },
    /// An access control list gives a group rights that the mode does not show.
    ListedGroup {
        /// The group id in the list.
        gid: u32,
    },
    /// The access control list cannot be read.
    StrangeList,
    /// The file is larger than its limit.
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
}

impl Unread {
    /// Returns the fault in words of that language, without a full stop.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        match self {
            Self::Unsafe(fault) => fault.text(language),
            Self::Io { action, source } => {
                format!("{}: {}", action.failed(language), told(source, language))
            }
        }
    }
}

impl Fault {
    /// Returns the fault in words of that language, without a full stop.
    #[must_use]
    pub fn text(self, language: Language) -> String {
        match language {
            Language::English => self.english(),
            Language::Korean => self.korean(),
        }
    }

    fn english(self) -> String {
        match self {
            Self::SymbolicLink => "is a symbolic link".to_owned(),
            Self::NotAFile => "is not a regular file".to_owned(),
            Self::NotADirectory => "is not a directory".to_owned(),
            Self::HardLink => "has more than one hard link".to_owned(),
            Self::Owner { uid } => format!("is owned by user id {uid}, not by root"),
            Self::Group { gid } => {
                format!("belongs to group id {gid}, not to the group of the store")
            }
            Self::Mode { mode, allowed } => {
                format!("has mode {mode:04o}, at most {allowed:04o} is allowed")
            }
            Self::ListedUser { uid } => {
                format!("has an access control list that gives rights to user id {uid}")
            }
            Self::ListedGroup { gid } => {
                format!("has an access control list that gives rights to group id {gid}")
            }
            Self::StrangeList => "has an access control list of an unknown form".to_owned(),
            Self::TooLarge { limit } => format!("is larger than {limit} bytes"),
        }
    }

    fn korean(self) -> String {
        match self {
            Self::SymbolicLink => "심볼릭 링크입니다".to_owned(),
            Self::NotAFile => "일반 파일이 아닙니다".to_owned(),
            Self::NotADirectory => "디렉터리가 아닙니다".to_owned(),
            Self::HardLink => "하드 링크가 여러 개입니다".to_owned(),
            Self::Owner { uid } => format!("소유자가 root가 아닙니다(사용자 ID {uid})"),
            Self::Group { gid } => {
                format!("저장소의 그룹이 아닌 그룹의 파일입니다(그룹 ID {gid})")
            }
            Self::Mode { mode, allowed } => {
                format!("모드가 {mode:04o}입니다. {allowed:04o}까지만 허용됩니다")
            }
            Self::ListedUser { uid } => {
                format!("접근 제어 목록이 다른 사용자에게 권한을 줍니다(사용자 ID {uid})")
            }
            Self::ListedGroup { gid } => {
                format!("접근 제어 목록이 다른 그룹에 권한을 줍니다(그룹 ID {gid})")
            }
            Self::StrangeList => "접근 제어 목록의 형식을 알 수 없습니다".to_owned(),
            Self::TooLarge { limit } => format!("{limit}바이트보다 큽니다"),
        }
    }
}

/// Says what the operating system said. The common errors have a text in each language; another one stays as it is.
/// So does an error of other programs; one of ours carries an [`Unfit`] or a [`Wording`], and is told in the language.
#[must_use]
pub fn told(error: &io::Error, language: Language) -> String {
    if let Some(said) = told_by_us(error, language) {
        return said.to_owned();
    }
    let korean = match error.kind() {
        io::ErrorKind::NotFound => "파일이나 디렉터리가 없습니다",
        io::ErrorKind::PermissionDenied => "권한이 없습니다",
        io::ErrorKind::AlreadyExists => "이미 있습니다",
        io::ErrorKind::StorageFull => "디스크에 남은 공간이 없습니다",
        io::ErrorKind::QuotaExceeded => "디스크 할당량을 초과했습니다",
        io::ErrorKind::ReadOnlyFilesystem => "읽기 전용 파일 시스템입니다",
        io::ErrorKind::NotADirectory => "디렉터리가 아닙니다",
        io::ErrorKind::IsADirectory => "디렉터리입니다",
        io::ErrorKind::BrokenPipe => "받는 프로그램이 종료되었습니다",
        io::ErrorKind::ConnectionRefused => "연결이 거부되었습니다",
        io::ErrorKind::TimedOut => "시간이 초과되었습니다",
        io::ErrorKind::FileTooLarge => "파일이 너무 큽니다",
        io::ErrorKind::OutOfMemory => "메모리가 부족합니다",
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => {
            "상대방이 연결을 끊었습니다"
        }
        io::ErrorKind::HostUnreachable => "호스트까지 가는 경로가 없습니다",
        io::ErrorKind::NetworkUnreachable => "네트워크에 연결할 수 없습니다",
        // The standard library has no stable kind for it.
        _ if error.raw_os_error() == Some(Errno::ELOOP as i32) => {
            "심볼릭 링크를 따라갈 수 없습니다"
        }
        _ => return error.to_string(),
    };
    match language {
        Language::English => error.to_string(),
        Language::Korean => korean.to_owned(),
    }
}

/// Returns the text of an error of ours that an error of the standard library carries; `None`: it carries none.
fn told_by_us(error: &io::Error, language: Language) -> Option<&str> {
    let inner = error.get_ref()?;
    let unfit = || Some(inner.downcast_ref::<Unfit>()?.text(language));
    let wording = inner.downcast_ref::<Wording>();
    wording.map(|one| one.text(language)).or_else(unfit)
}

/// Returns what [`told`] says, in every language.
#[must_use]
pub fn wording(error: &io::Error) -> Wording {
    Wording::of(|language| told(error, language))
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text(Language::English))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_common_errors_of_the_system_are_told_in_korean_and_others_as_they_are() {
        let hangul = |text: &str| text.contains(|c| ('가'..='힣').contains(&c));
        // ENOENT, EACCES, EPERM, EEXIST, ENOTDIR, EISDIR, ENOSPC, EROFS, EPIPE, ELOOP, EDQUOT, EFBIG, ENOMEM; ENETUNREACH,
        // ECONNABORTED, ECONNRESET, ETIMEDOUT, ECONNREFUSED, EHOSTUNREACH.
        for number in [
            2, 13, 1, 17, 20, 21, 28, 30, 32, 40, 122, 27, 12, 101, 103, 104, 110, 111, 113,
        ] {
            let error = io::Error::from_raw_os_error(number);
            assert!(hangul(&told(&error, Language::Korean)), "{error}");
            assert_eq!(told(&error, Language::English), error.to_string());
        }
        let other = io::Error::from_raw_os_error(5);
        assert_eq!(told(&other, Language::Korean), other.to_string());
    }

    #[test]
    fn an_error_of_ours_is_told_in_every_language_and_one_of_others_as_it_is() {
        let ours = Unfit::Fifo;
        for language in Language::ALL {
            for error in [
                io::Error::other(ours),
                io::Error::other(Wording::from(ours)),
            ] {
                assert_eq!(told(&error, language), ours.text(language));
            }
            let theirs = io::Error::other("is odd");
            assert_eq!(told(&theirs, language), "is odd");
        }
        assert_eq!(io::Error::other(ours).to_string(), "is a fifo");
    }

    #[test]
    fn every_fault_is_told_in_every_language_with_its_numbers() {
        let faults = [
            (Fault::SymbolicLink, &[][..]),
            (Fault::NotAFile, &[]),
            (Fault::NotADirectory, &[]),
            (Fault::HardLink, &[]),
            (Fault::Owner { uid: 1001 }, &["1001"]),
            (Fault::Group { gid: 1002 }, &["1002"]),
            (
                Fault::Mode {
                    mode: 0o666,
                    allowed: 0o640,
                },
                &["0666", "0640"],
            ),
            (Fault::ListedUser { uid: 1003 }, &["1003"]),
            (Fault::ListedGroup { gid: 1004 }, &["1004"]),
            (Fault::StrangeList, &[]),
            (Fault::TooLarge { limit: 4096 }, &["4096"]),
        ];
        for (fault, numbers) in faults {
            let [english, korean] = Language::ALL.map(|language| fault.text(language));
            assert!(english.is_ascii() && !korean.is_ascii(), "{korean}");
            for said in [english, korean] {
                assert!(numbers.iter().all(|number| said.contains(number)), "{said}");
                assert!(!said.ends_with('.'), "{said}");
            }
        }
    }
}
