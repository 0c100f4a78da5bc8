//! The errors of reading and writing. An error names the place and the fault, never what is stored there.

use crate::keeper::Part;
use crate::sealed::{self, NoRandom};
use crate::text::credential;
use otp_core::messages::reason::{Deed, Reason, Unfit, Wording};
use otp_core::record::Language;
use otp_core::{Before1970, UnusableName};
use otp_file::{Fault, Unparsed, Unread, told};
use std::io;

/// A place where something is stored: all records, an account, or a part of one, under its keeper's name for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    part: Option<Part>,
    name: String,
}

impl Location {
    /// The location of all records, or of everything that is stored about an account.
    pub fn of(name: impl Into<String>) -> Self {
        Self {
            part: None,
            name: name.into(),
        }
    }

    /// The location of a part of an account.
    pub fn of_part(part: Part, name: impl Into<String>) -> Self {
        Self {
            part: Some(part),
            name: name.into(),
        }
    }

    /// Whether only a new enrolment can replace what is there.
    const fn is_record(&self) -> bool {
        matches!(self.part, Some(Part::Credential | Part::State))
    }
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

/// Why something could not be read, written or found, and whose fault that is.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The stored data cannot be trusted as it is.
    #[error("{place}: {fault}")]
    Unsafe {
        /// The place.
        place: Location,
        /// The fault in it.
        fault: Fault,
    },
    /// The stored data can be trusted, but does not say what it must.
    #[error("{}", reason.at(place, *line, Language::English))]
    Content {
        /// The place.
        place: Location,
        /// The number of the line, from 1, if it is known.
        line: Option<usize>,
        /// The fault there, without a quotation.
        reason: Reason,
    },
    /// A newer release wrote the data in a format that this release does not know.
    #[error("{place}: written by a newer version of pam_otp, which this one cannot read")]
    Newer {
        /// The place.
        place: Location,
    },
    /// Something is missing that must be there.
    #[error("{place}: {what}")]
    Missing {
        /// The place.
        place: Location,
        /// Why it must be there.
        what: Unfit,
    },
    /// There is no directory of records at all.
    #[error(
        "{place}: the directory of all records is missing; is its file system mounted, is pam_otp installed?"
    )]
    NoRecords {
        /// Where it would be.
        place: Location,
    },
    /// The directory of all records is empty, although users have enrolled on this machine.
    #[error(
        "{place}: nobody's record is there, although people have enrolled on this machine: is its file system mounted? \
         If the records are really gone, remove {mark}"
    )]
    Lost {
        /// The place.
        place: Location,
        /// The file that shows it.
        mark: String,
    },
    /// Another login of the same user held the lock for the whole time.
    #[error("{place}: still locked by another login after {seconds} s")]
    Busy {
        /// The place.
        place: Location,
        /// How long this process waited, in seconds.
        seconds: u64,
    },
    /// Others changed the account again and again, for the whole time.
    #[error("{place}: other logins keep changing it")]
    Overtaken {
        /// The place.
        place: Location,
    },
    /// The operating system refused.
    #[error("{place}: cannot {action}: {source}{}", where_it_is_read_only(source))]
    Io {
        /// The place.
        place: Location,
        /// What was tried.
        action: Deed,
        /// What the operating system said.
        source: io::Error,
    },
    /// The write is in force, but may not survive a power cut.
    #[error("{place}: written, but it may not outlast a power cut: {source}")]
    NotDurable {
        /// The place.
        place: Location,
        /// What the operating system said.
        source: io::Error,
    },
    /// The database of a fleet did not do what it was asked to do; nothing was changed.
    #[error("{place}: cannot {action}: {}", reason.text(Language::English))]
    Database {
        /// The place.
        place: Location,
        /// What was tried.
        action: Deed,
        /// What went wrong.
        reason: Wording,
    },
    /// The database of a fleet did not say in time whether something was written: it may count, now or later.
    #[error("{place}: no answer tells whether it was written: {}", reason.text(Language::English))]
    InDoubt {
        /// The place.
        place: Location,
        /// The result of the last request.
        reason: Wording,
    },
    /// The record names another user than the one it should belong to.
    #[error("{place}: is the record of another user, {recorded}")]
    AnotherUsers {
        /// The place.
        place: Location,
        /// The user that it names.
        recorded: String,
    },
    /// The record was made for another owner of the same name.
    #[error("{place}: made for user id {recorded}, but {user} has user id {actual} now")]
    NotTheirs {
        /// The place.
        place: Location,
        /// The account's name.
        user: String,
        /// The user id in the record.
        recorded: u32,
        /// The user id now.
        actual: u32,
    },
    /// A key in the record is sealed and cannot be opened, or should be sealed and cannot be.
    #[error("{place}: {fault}")]
    Sealed {
        /// The place.
        place: Location,
        /// The reason.
        fault: sealed::Fault,
    },
    /// The name cannot be a user's.
    #[error(transparent)]
    UserName(#[from] UnusableName),
    /// The system clock shows a time before 1970.
    #[error(transparent)]
    Clock(#[from] Before1970),
    /// The system gave no random bytes.
    #[error("no random numbers from the system")]
    Random,
    /// The system gave no memory for the hash of an imported recovery code.
    #[error("no memory to check a recovery code of 8 digits (7 MiB)")]
    Memory,
}

/// Says what to do if only this service is prevented from writing: the disk itself works, and no other line would say
/// so.
fn where_it_is_read_only(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::ReadOnlyFilesystem => {
            " (in a unit of systemd with ProtectSystem=strict: ReadWritePaths=/var/lib/pam_otp)"
        }
        _ => "",
    }
}

impl Error {
    pub(crate) fn io(place: Location, action: Deed, source: impl Into<io::Error>) -> Self {
        Self::Io {
            place,
            action,
            source: source.into(),
        }
    }

    pub(crate) fn content(place: Location, reason: impl Into<Reason>) -> Self {
        Self::Content {
            place,
            line: None,
            reason: reason.into(),
        }
    }

    /// Whether the data that could not be read may still be whole: at another time, or for a newer version. Then it
    /// must not be thrown away.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Io { .. }
                | Self::Newer { .. }
                | Self::Busy { .. }
                | Self::Overtaken { .. }
                | Self::Database { .. }
                | Self::InDoubt { .. }
        )
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
            Self::Unsafe { place, fault } => format!("{place}: {}", fault.text(korean)),
            Self::Content {
                place,
                line,
                reason,
            } => reason.at(place, *line, korean),
            Self::Newer { place } => {
                format!(
                    "{place}: 더 새로운 버전의 pam_otp에서 저장하여 이 버전으로 읽을 수 없습니다"
                )
            }
            Self::Missing { place, what } => format!("{place}: {}", what.text(korean)),
            Self::NoRecords { place } => format!(
                "{place}: 등록 정보 디렉터리가 없습니다. 파일 시스템이 마운트되어 있고 pam_otp가 설치되어 있는지 확인해야 합니다"
            ),
            Self::Lost { place, mark } => format!(
                "{place}: 이 컴퓨터에서 등록한 사용자가 있지만 등록 정보가 하나도 없습니다. 파일 시스템이 마운트되어 있는지 확인해야 합니다. \
                 등록 정보를 정말 잃어버렸다면 {mark} 파일을 삭제하면 됩니다"
            ),
            Self::Busy { place, seconds } => {
                format!("{place}: {seconds}초를 기다렸지만 다른 로그인이 아직 사용하고 있습니다")
            }
            Self::Overtaken { place } => format!("{place}: 다른 로그인이 계속 변경하고 있습니다"),
            Self::Io {
                place,
                action,
                source,
            } => {
                let read_only = match where_it_is_read_only(source) {
                    "" => "",
                    _ => {
                        "(ProtectSystem=strict를 사용하는 systemd 유닛에서는 ReadWritePaths=/var/lib/pam_otp 필요)"
                    }
                };
                format!(
                    "{place}: {}: {}{read_only}",
                    action.failed(korean),
                    told(source, korean)
                )
            }
            Self::NotDurable { place, source } => format!(
                "{place}: 저장했지만 정전이 되면 사라질 수 있습니다: {}",
                told(source, korean)
            ),
            Self::Database {
                place,
                action,
                reason,
            } => format!(
                "{place}: {}: {}",
                action.failed(korean),
                reason.text(korean)
            ),
            Self::InDoubt { place, reason } => format!(
                "{place}: 저장되었는지 알 수 있는 응답을 받지 못했습니다: {}",
                reason.text(korean)
            ),
            Self::AnotherUsers { place, recorded } => {
                format!("{place}: 다른 사용자({recorded})의 등록 정보입니다")
            }
            Self::NotTheirs {
                place,
                user,
                recorded,
                actual,
            } => format!(
                "{place}: 사용자 ID {recorded}번의 등록 정보이지만 {user} 사용자의 ID는 현재 {actual}번입니다"
            ),
            Self::Sealed { place, fault } => format!("{place}: {}", fault.text(korean)),
            Self::UserName(name) => name.text(korean),
            Self::Clock(clock) => clock.text(korean).to_owned(),
            Self::Random => "시스템에서 난수를 얻을 수 없습니다".to_owned(),
            Self::Memory => "8자리 복구 코드를 확인할 메모리(7 MiB)가 부족합니다".to_owned(),
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
            Self::Unsafe {
                fault: Fault::ListedUser { .. } | Fault::ListedGroup { .. } | Fault::StrangeList,
                ..
            } => {
                "누가 추가했는지 확인하세요('getfacl' 명령으로 볼 수 있음). 그런 다음 'setfacl --remove-all' 명령으로 제거하고, 다른 사람이 등록 정보를 읽었을 수 있으면 모두 다시 등록하게 하세요."
            }
            Self::Unsafe { place, .. } if place.is_record() => {
                "누가 바꾸었는지 확인한 뒤 소유자와 모드를 바로잡거나, 'otp-admin reset USER' 명령을 실행하고 다시 등록하세요."
            }
            Self::Unsafe { .. } => {
                "누가 바꾸었는지 확인한 뒤, 소유자와 모드를 pam_otp-format(5) 매뉴얼에 적힌 대로 되돌리세요."
            }
            Self::Content { place, .. } | Self::Missing { place, .. } if place.is_record() => {
                "백업에서 복구하거나, 'otp-admin reset USER' 명령을 실행하고 다시 등록하세요."
            }
            Self::Content { .. } => {
                "그 줄을 바로잡으세요. 함께 설치된 파일에 모든 키와 기본값이 있습니다."
            }
            Self::Missing { .. } | Self::NoRecords { .. } => {
                "경로를 확인하세요. 경로가 맞으면 그 파일 시스템을 마운트하거나 파일을 복구하세요."
            }
            Self::Lost { .. } => {
                "파일 시스템을 마운트하세요. 등록 정보가 없으면 모든 사용자가 다시 등록해야 합니다."
            }
            Self::Newer { .. } => "pam_otp를 업그레이드하세요.",
            Self::Busy { .. } | Self::Overtaken { .. } => "다시 시도하세요.",
            Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "소유자와 모드가 pam_otp-format(5) 매뉴얼에 적힌 대로인지 확인하세요. root가 아닌 프로그램은 otp-helper를 통해서만 등록 정보에 접근합니다."
            }
            Self::Io { .. } => {
                "파일 시스템이 마운트되어 있고 쓰기 가능하며 이상이 없는지 확인하세요."
            }
            Self::NotDurable { .. } => {
                "현재 상태를 'otp-enroll status' 명령으로 확인하고 파일 시스템을 점검하세요."
            }
            Self::Database { .. } => "'otp-admin fleet status' 명령으로 데이터베이스를 확인하세요.",
            Self::InDoubt { .. } => {
                "현재 상태를 'otp-enroll status' 명령으로, 데이터베이스를 'otp-admin fleet status' 명령으로 확인하세요."
            }
            Self::AnotherUsers { .. } => {
                "같은 사람이면 그 이름과 USER 이름으로 'otp-admin move' 명령을 실행하세요. 다른 사람이면 'otp-admin reset USER' 명령을 실행하고 다시 등록하세요."
            }
            Self::NotTheirs { .. } => {
                "'otp-admin reset USER' 명령을 실행하면 이 이름의 새 사용자가 등록할 수 있습니다. 같은 사람이면 'otp-admin move USER USER --force' 명령을 실행하세요."
            }
            Self::Sealed { fault, .. } => fault.hint(Language::Korean),
            Self::UserName(_) => "이름의 철자를 확인하세요.",
            Self::Clock(_) => "시스템 시계를 맞추세요.",
            Self::Random => "/dev/urandom과 getrandom이 작동하는지 확인하세요.",
            Self::Memory => {
                "프로그램이 사용할 수 있는 메모리를 늘리거나(ulimit -v, 유닛의 LimitAS=), 사용자에게 복구 코드를 재발급받게 하세요."
            }
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
            Self::Unsafe {
                fault: Fault::ListedUser { .. } | Fault::ListedGroup { .. } | Fault::StrangeList,
                ..
            } => {
                "find out who added it ('getfacl' shows it); then remove it with 'setfacl --remove-all', and have people enrol again if somebody may have read the records"
            }
            Self::Unsafe { place, .. } if place.is_record() => {
                "find out who changed it; then correct owner and mode, or run 'otp-admin reset USER' and enrol again"
            }
            Self::Unsafe { .. } => {
                "find out who changed it; then give it back to root, with the owner and mode that pam_otp-format(5) names"
            }
            Self::Content { place, .. } | Self::Missing { place, .. } if place.is_record() => {
                "restore it from a backup, or run 'otp-admin reset USER' and enrol again"
            }
            Self::Content { .. } => {
                "correct that line; the file that was shipped has every key with its default"
            }
            Self::Missing { .. } | Self::NoRecords { .. } => {
                "check the path; if it is right, mount its file system or restore it"
            }
            Self::Lost { .. } => {
                "mount its file system; without the records everybody has to enrol again"
            }
            Self::Newer { .. } => "upgrade pam_otp",
            Self::Busy { .. } | Self::Overtaken { .. } => "try again",
            Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "check owner and mode, which pam_otp-format(5) names; programs that are not root reach records only through otp-helper"
            }
            Self::Io { .. } => "check the file system: is it mounted, writable, healthy?",
            Self::NotDurable { .. } => {
                "check the account with 'otp-enroll status', and the file system"
            }
            Self::Database { .. } => "look at the database with 'otp-admin fleet status'",
            Self::InDoubt { .. } => {
                "check the account with 'otp-enroll status', and the database with 'otp-admin fleet status'"
            }
            Self::AnotherUsers { .. } => {
                "run 'otp-admin move' with that name and USER if it is the same person; otherwise run 'otp-admin reset USER' and enrol again"
            }
            Self::NotTheirs { .. } => {
                "run 'otp-admin reset USER', and the new owner of the name then enrols; or, if it is the same person, 'otp-admin move USER USER --force'"
            }
            Self::Sealed { fault, .. } => fault.hint(Language::English),
            Self::UserName(_) => "check the spelling",
            Self::Clock(_) => "set the clock",
            Self::Random => "check that /dev/urandom and getrandom work",
            Self::Memory => {
                "give the program more memory (ulimit -v, LimitAS= of its unit), or have the user get new recovery codes"
            }
        }
    }
}

/// Adds the place to an error that knows only what went wrong.
pub(crate) trait At<T> {
    /// Returns the value, or the error at this place.
    fn at(self, place: impl FnOnce() -> Location) -> Result<T, Error>;
}

impl<T> At<T> for Result<T, Fault> {
    fn at(self, place: impl FnOnce() -> Location) -> Result<T, Error> {
        self.map_err(|fault| Error::Unsafe {
            place: place(),
            fault,
        })
    }
}

impl<T> At<T> for Result<T, Unread> {
    fn at(self, place: impl FnOnce() -> Location) -> Result<T, Error> {
        self.or_else(|why| match why {
            Unread::Unsafe(fault) => Err(fault).at(place),
            Unread::Io { action, source } => Err(Error::io(place(), action, source)),
        })
    }
}

impl<T> At<T> for Result<T, Unparsed> {
    fn at(self, place: impl FnOnce() -> Location) -> Result<T, Error> {
        self.map_err(|why| match why {
            Unparsed::Content { line, reason } => Error::Content {
                place: place(),
                line,
                reason,
            },
            Unparsed::Newer => Error::Newer { place: place() },
        })
    }
}

impl<T> At<T> for Result<T, sealed::Fault> {
    fn at(self, place: impl FnOnce() -> Location) -> Result<T, Error> {
        self.map_err(|fault| Error::Sealed {
            place: place(),
            fault,
        })
    }
}

impl<T> At<T> for Result<T, credential::Unread> {
    fn at(self, place: impl FnOnce() -> Location) -> Result<T, Error> {
        self.or_else(|why| match why {
            credential::Unread::Unparsed(why) => Err(why).at(place),
            credential::Unread::Sealed(fault) => Err(fault).at(place),
        })
    }
}

impl From<NoRandom> for Error {
    fn from(NoRandom: NoRandom) -> Self {
        Self::Random
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_database_said_is_told_in_the_language_of_its_sentence() {
        let reason = Wording::of(|language| match language {
            Language::English => "no answer".to_owned(),
            Language::Korean => "응답이 없습니다".to_owned(),
        });
        let place = Location::of("/x");
        let failed = Error::Database {
            place: place.clone(),
            action: Deed::Write,
            reason: reason.clone(),
        };
        let in_doubt = Error::InDoubt { place, reason };
        assert_eq!(failed.to_string(), "/x: cannot write: no answer");
        assert_eq!(
            in_doubt.to_string(),
            "/x: no answer tells whether it was written: no answer"
        );
        for error in [failed, in_doubt] {
            assert_eq!(error.text(Language::English), error.to_string());
            let korean = error.text(Language::Korean);
            assert!(korean.ends_with(": 응답이 없습니다"), "{korean}");
        }
    }
}
