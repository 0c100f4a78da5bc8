//! What the command lines say when they did not do what was asked: what is wrong, and what to do about it.

use super::enrol::KEPT;
use crate::messages::korean::{Particle, with};
use crate::messages::reason::Wording;
use crate::record::Language;

/// The reader, which decides what they can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// An administrator.
    Root,
    /// A user who manages their own account.
    Owner,
}

/// Why a command was refused or could not be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Only root may do this.
    NotRoot {
        /// The name of the program.
        program: &'static str,
    },
    /// The command was run through sudo without a name: it could mean the caller or root.
    ForWhom {
        /// The caller, if the name can be shown.
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
    /// There is a record under a second name of a user, which no login looks for.
    UnderAnotherName {
        /// The second name.
        user: String,
        /// The canonical name.
        name: String,
    },
    /// The name is not the one that records are stored under.
    AnotherName {
        /// The name that was given.
        user: String,
        /// The canonical name.
        name: String,
    },
    /// A record was to be taken from a user who exists and is another person.
    StillSomebody {
        /// The user's name.
        user: String,
    },
    /// There is no record to move.
    NothingToMove {
        /// The name that was given.
        user: String,
    },
    /// A record was to be moved to a user who has one.
    RecordThere {
        /// The user's name.
        user: String,
    },
    /// A record was made for another user id than the new owner's.
    AnotherUid {
        /// The name that it is stored under.
        user: String,
        /// The user id in it.
        recorded: u32,
        /// The new owner.
        new: String,
        /// The new owner's user id.
        uid: u32,
    },
    /// There is no terminal to ask on.
    NoTerminal {
        /// The user's name.
        user: String,
    },
    /// The user has no authenticator.
    NotEnrolled {
        /// The user's name.
        user: String,
    },
    /// The user has an authenticator, and the command did not say to replace it.
    AlreadyEnrolled {
        /// The user's name.
        user: String,
    },
    /// The account belongs to another user.
    NotYours {
        /// The user's name.
        user: String,
    },
    /// The policy file or the directory of records is not the usual one.
    NotYourPlace,
    /// The PAM service `otp-enroll` did not let the user in.
    NotAuthenticated,
    /// An authenticator of that name exists already.
    NameTaken {
        /// Its name.
        name: String,
    },
    /// The user has as many authenticators as policy allows.
    Full {
        /// The user's name.
        user: String,
        /// How many are allowed.
        most: u8,
    },
    /// No authenticator has that name.
    NoSuchName {
        /// The user's name.
        user: String,
        /// The name that was given.
        name: String,
    },
    /// The user has several authenticators, and none was named.
    WhichOne {
        /// Their names.
        names: String,
    },
    /// It would have been the last authenticator, and policy demands one.
    Demanded {
        /// The user's name.
        user: String,
    },
    /// A policy demands a second factor of the administrator who checks it, and who has none.
    WouldRefuseYou {
        /// The path of the policy.
        path: String,
        /// The administrator's name.
        user: String,
    },
    /// Policy issues no recovery codes.
    NoCodes,
    /// A fleet keeps the record, and this machine cannot tell the fleet that it has recognised the user.
    OfTheFleet {
        /// The user's name.
        user: String,
    },
    /// The helper does not answer.
    NoHelper {
        /// The known part of the cause.
        reason: Wording,
    },
    /// The helper could not carry out the request.
    Unavailable {
        /// What it says.
        reason: Wording,
    },
    /// It is unknown whether the change was made.
    Unknown {
        /// What is known.
        reason: Wording,
    },
    /// The account is locked, so nothing may be changed.
    Locked {
        /// The user's name.
        user: String,
        /// Whether a recovery code opens the lock.
        opens: bool,
    },
    /// The account is disabled, so nothing may be changed.
    Disabled {
        /// The user's name.
        user: String,
    },
    /// No code of the new authenticator was right.
    NotProven,
    /// The address was not confirmed.
    NotConfirmed {
        /// The reason.
        reason: Wording,
    },
    /// The word that says that the recovery codes are kept was not typed.
    NotKept,
    /// The user left the terminal, or the terminal was closed.
    Left,
    /// The helper ended the dialogue before the user did.
    TimeIsOver,
    /// The record was changed meanwhile.
    ChangedMeanwhile {
        /// The user's name.
        user: String,
    },
    /// A file that was to be made already exists.
    FileExists {
        /// Its path.
        path: String,
    },
    /// A file could not be written.
    FileNotWritten {
        /// Its path.
        path: String,
        /// What the system said.
        reason: Wording,
    },
    /// A file of another program cannot be read completely.
    NotReadable {
        /// Its path.
        path: String,
        /// The number of the line, if one is wrong.
        line: Option<usize>,
        /// What is wrong.
        reason: Wording,
    },
    /// Part of the import is not possible, so nothing was imported.
    PartlyBad {
        /// How many entries.
        entries: usize,
    },
    /// An import ended before everything was stored.
    Unfinished {
        /// How many users are not done.
        users: usize,
    },
    /// The directory of all records is missing.
    NoRecords {
        /// Its path.
        path: String,
    },
    /// The output could not be written to standard output.
    OutputNotWritten {
        /// What the system said.
        reason: Wording,
    },
    /// There is no journal, and no file of syslog.
    NoLog,
    /// A log could not be read.
    LogNotRead {
        /// The file, or the program that reads it.
        path: String,
        /// What the system said.
        reason: Wording,
    },
    /// The record was made, but its secrets could not be written to standard output.
    SecretsNotShown {
        /// The user's name.
        user: String,
        /// What the system said.
        reason: Wording,
    },
    /// The key does not fit a QR code.
    TooLongForQr,
}

/// Returns the word before a hint.
#[must_use]
pub const fn hint_label(language: Language) -> &'static str {
    match language {
        Language::English => "hint",
        Language::Korean => "해결 방법",
    }
}

impl Trouble {
    /// Says what is wrong.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        match language {
            Language::English => self.english(),
            Language::Korean => self.korean(),
        }
    }

    /// Says what to do about it.
    #[must_use]
    pub fn hint(&self, language: Language, asker: Asker) -> String {
        match language {
            Language::English => self.english_hint(asker),
            Language::Korean => self.korean_hint(asker),
        }
    }

    #[expect(clippy::too_many_lines, reason = "a sentence each")]
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
            Self::UnderAnotherName { user, name } => format!(
                "'{user}' has a record, but is another name of {name}, and logins use the record of {name}"
            ),
            Self::AnotherName { user, name } => {
                format!("'{user}' is another name of {name}, and records are kept under that")
            }
            Self::StillSomebody { user } => {
                format!(
                    "{user} is still a user of this system, and the user id is that of another person"
                )
            }
            Self::NothingToMove { user } => format!("no record is kept under the name '{user}'"),
            Self::RecordThere { user } => {
                format!("{user} has a record already, and it is never overwritten")
            }
            Self::AnotherUid {
                user,
                recorded,
                new,
                uid,
            } => format!(
                "the record of '{user}' was made for user id {recorded}, but {new} has user id {uid}"
            ),
            Self::NoTerminal { .. } => "there is no terminal to ask at".to_owned(),
            Self::NotEnrolled { user } => format!("{user} has no authenticator"),
            Self::AlreadyEnrolled { user } => format!("{user} has an authenticator already"),
            Self::Disabled { user } => {
                format!(
                    "{user} is disabled, and nothing can be enrolled or changed until an administrator unlocks it"
                )
            }
            Self::Locked { user, .. } => {
                format!(
                    "{user} is locked, and nothing can be enrolled or changed until the lock ends"
                )
            }
            Self::NotYours { user } => format!("only root may do this for {user}"),
            Self::NotYourPlace => {
                "only root may choose another policy file or directory of records".to_owned()
            }
            Self::NotAuthenticated => {
                "you were not recognised as the owner of the account; nothing was changed"
                    .to_owned()
            }
            Self::NameTaken { name } => {
                format!("an authenticator is called \"{name}\" already")
            }
            Self::Full { user, most } => {
                format!("{user} has {most} authenticators, and more are not allowed")
            }
            Self::NoSuchName { user, name } => {
                format!("no authenticator of {user} is called \"{name}\"")
            }
            Self::WhichOne { names } => format!("there are several authenticators: {names}"),
            Self::Demanded { user } => {
                format!("it is the last authenticator of {user}, and the policy demands one")
            }
            Self::WouldRefuseYou { path, user } => {
                format!(
                    "{path}: demands a second factor of {user}, who runs this and has no authenticator"
                )
            }
            Self::NoCodes => "recovery codes are not issued here".to_owned(),
            Self::OfTheFleet { user } => format!(
                "the verifiers of the fleet keep the record of {user}; root of one machine cannot change it"
            ),
            Self::NoHelper { reason } => {
                format!(
                    "the records cannot be reached: {reason}; nothing was changed",
                    reason = reason.text(Language::English)
                )
            }
            Self::Unavailable { reason } => reason.text(Language::English).to_owned(),
            Self::Unknown { reason } => {
                format!(
                    "it is not known whether the change was made: {reason}",
                    reason = reason.text(Language::English)
                )
            }
            Self::NotProven => {
                "no code of the new authenticator was right; nothing was changed".to_owned()
            }
            Self::NotConfirmed { reason } => {
                format!(
                    "the email address was not confirmed ({reason}); nothing was changed",
                    reason = reason.text(Language::English)
                )
            }
            Self::NotKept => format!("\"{}\" was not typed; nothing was changed", KEPT[0]),
            Self::Left => "stopped; nothing was changed".to_owned(),
            Self::TimeIsOver => "it took too long; nothing was changed".to_owned(),
            Self::ChangedMeanwhile { user } => {
                format!(
                    "the record of {user} was changed in the meantime; nothing was changed here"
                )
            }
            Self::FileExists { path } => {
                format!("{path}: exists already, and is never overwritten")
            }
            Self::FileNotWritten { path, reason } => format!(
                "{path}: cannot write: {reason}",
                reason = reason.text(Language::English)
            ),
            Self::NotReadable {
                path,
                line: Some(line),
                reason,
            } => format!(
                "{path}:{line}: {reason}",
                reason = reason.text(Language::English)
            ),
            Self::NotReadable {
                path,
                line: None,
                reason,
            } => format!("{path}: {reason}", reason = reason.text(Language::English)),
            Self::PartlyBad { entries } => {
                format!("nothing was imported: entries that cannot be imported: {entries}")
            }
            Self::Unfinished { users } => {
                format!("not everything could be stored; these users are not done: {users}")
            }
            Self::NoRecords { path } => format!("{path}: the directory of all records is missing"),
            Self::OutputNotWritten { reason } => {
                format!(
                    "cannot write to standard output: {reason}",
                    reason = reason.text(Language::English)
                )
            }
            Self::NoLog => "there is neither a journal nor a syslog file here".to_owned(),
            Self::LogNotRead { path, reason } => format!(
                "cannot read the log from {path}: {reason}",
                reason = reason.text(Language::English)
            ),
            Self::SecretsNotShown { user, reason } => {
                format!(
                    "{user} is enrolled, but the key could not be written to standard output: {reason}",
                    reason = reason.text(Language::English)
                )
            }
            Self::TooLongForQr => "the otpauth URI is too long for a QR code".to_owned(),
        }
    }

    #[expect(clippy::too_many_lines, reason = "a sentence each")]
    fn english_hint(&self, asker: Asker) -> String {
        match self {
            Self::Locked { user, .. } | Self::Disabled { user } if asker == Asker::Root => {
                format!("look at 'otp-admin show {user}', then 'otp-admin unlock {user}'")
            }
            Self::NotRoot { program: "otp-enroll" } => {
                "ask your administrator; administrators add '--user NAME' and run it with sudo".to_owned()
            }
            Self::NotRoot { program } => format!("run it as 'sudo {program}'"),
            Self::ForWhom { caller: Some(caller) } => {
                format!("add '--user {caller}', or '--user root' for root itself")
            }
            Self::ForWhom { caller: None } => "add '--user NAME'".to_owned(),
            Self::NoSuchUser { .. } => "check the spelling, and the output of 'getent passwd'".to_owned(),
            Self::GoneUser { user } => format!(
                "if the user was renamed, run 'otp-admin move {user} NEW' with the new name; otherwise remove the record with 'otp-admin reset {user}'"
            ),
            Self::UnderAnotherName { user, name } => {
                format!("run 'otp-admin move {user} {name}', or remove it with 'otp-admin reset {user}'")
            }
            Self::AnotherName { name, .. } => format!("name '{name}' instead"),
            Self::StillSomebody { user } => {
                format!("check both with 'getent passwd'; add '--force' only if another person really is to have the record \
                     of {user}")
            }
            Self::NothingToMove { .. } => {
                "'otp-admin list' names the records that belong to no user".to_owned()
            }
            Self::RecordThere { user } => {
                format!("keep it; or remove it first with 'otp-admin reset {user}'")
            }
            Self::AnotherUid { user, .. } => format!(
                "add '--force' if it is the same person with a new number; otherwise remove it with 'otp-admin reset {user}'"
            ),
            Self::NoTerminal { user } => match asker {
                Asker::Root => {
                    format!("run it in a terminal (ssh -t), or without questions: 'otp-admin provision {user}'")
                }
                Asker::Owner => "run it in a terminal (ssh -t)".to_owned(),
            },
            Self::NotEnrolled { user } => match asker {
                Asker::Root => format!("enrol with 'otp-enroll --user {user}'"),
                Asker::Owner => "enrol with 'otp-enroll'".to_owned(),
            },
            Self::NotYours { .. } => "leave out '--user' for your own account, or ask your administrator".to_owned(),
            Self::NotYourPlace => "leave out '--conf' and '--state-dir'".to_owned(),
            Self::NotAuthenticated => {
                "start again; a recovery code is taken in place of a code, and each code works once".to_owned()
            }
            Self::NameTaken { .. } => "choose another name, or remove that one first".to_owned(),
            Self::Full { .. } => "remove one first ('otp-enroll remove NAME')".to_owned(),
            Self::NoSuchName { .. } => "'otp-enroll status' names them".to_owned(),
            Self::WhichOne { .. } => "say which: 'otp-enroll remove NAME'".to_owned(),
            Self::Demanded { user } => match asker {
                Asker::Root => format!("'otp-admin reset {user}' removes it anyway"),
                Asker::Owner => "'otp-enroll' replaces it with a new one".to_owned(),
            },
            Self::WouldRefuseYou { user, .. } => {
                format!("enrol first with 'otp-enroll --user {user}', or add '--force'")
            }
            Self::NoCodes => "'codes' in section [recovery] of the policy says how many are issued".to_owned(),
            Self::OfTheFleet { user } => format!(
                "an administrator of the fleet runs 'otp-admin provision {user}', or {user} runs 'otp-enroll'"
            ),
            Self::NoHelper { .. } => {
                "start again; if this continues, have an administrator check that otp-helper is installed with its \
                 group".to_owned()
            }
            Self::Unavailable { .. } | Self::Disabled { .. } => "ask your administrator".to_owned(),
            Self::Unknown { .. } => {
                "keep the old device and the new one, and all recovery codes, until 'otp-enroll test' has shown which of \
                 them work"
                    .to_owned()
            }
            Self::AlreadyEnrolled { .. } => {
                "add '--force' to replace it; the old one and its recovery codes then stop working".to_owned()
            }
            Self::Locked { opens: true, .. } => {
                "'otp-enroll status' says until when; log in with a recovery code, or ask your administrator".to_owned()
            }
            Self::Locked { opens: false, .. } => {
                "'otp-enroll status' says until when; wait, or ask your administrator".to_owned()
            }
            Self::NotProven => {
                "check that the app shows the entry just added, and that the device sets its clock automatically"
                    .to_owned()
            }
            Self::NotConfirmed { .. } => {
                "the system log (otp.mail) says what became of the mail; start again, and type the code from it".to_owned()
            }
            Self::NotKept => {
                "start again, and type it once the recovery codes are printed or written down; those shown here do not count"
                    .to_owned()
            }
            Self::Left => "start again when you have the device at hand".to_owned(),
            Self::TimeIsOver => {
                "start again, and take no more than ten minutes; what was shown here does not count".to_owned()
            }
            Self::ChangedMeanwhile { .. } => "start again".to_owned(),
            Self::FileExists { .. } => "name another file, or move that one away".to_owned(),
            Self::FileNotWritten { .. } => "name a file in a directory that exists and has room".to_owned(),
            Self::NotReadable { .. } => "give the file to root, writable by nobody else, in the form that otp-admin(8) describes".to_owned(),
            Self::PartlyBad { .. } => {
                "look at the entries above; correct them, or import only the others with --partial".to_owned()
            }
            Self::Unfinished { .. } => {
                "correct what the report names, and run the same command again: it goes on where it stopped".to_owned()
            }
            Self::NoRecords { .. } => {
                "mount its file system; or, when nobody was ever enrolled, enrol the first user".to_owned()
            }
            Self::OutputNotWritten { .. } => "check where the output goes".to_owned(),
            Self::NoLog => "name the file with '--file PATH'".to_owned(),
            Self::LogNotRead { .. } => "name another file with '--file PATH'".to_owned(),
            Self::SecretsNotShown { user, .. } => {
                format!("make new ones with 'otp-admin provision {user} --force'")
            }
            Self::TooLongForQr => "use '--qr none' without '--qr-file', or a shorter issuer in the policy".to_owned(),
        }
    }

    #[expect(clippy::too_many_lines, reason = "a sentence each")]
    fn korean(&self) -> String {
        match self {
            Self::NotRoot { .. } => "이 작업은 root만 할 수 있습니다.".to_owned(),
            Self::ForWhom { .. } => {
                "sudo로 실행하여 어느 계정의 인증 수단인지 알 수 없습니다.".to_owned()
            }
            Self::NoSuchUser { user } => format!("'{user}' 사용자가 없습니다."),
            Self::GoneUser { user } => {
                format!(
                    "'{user}' 계정의 등록 정보가 남아 있지만, 이 시스템에 더 이상 없는 사용자입니다."
                )
            }
            Self::UnderAnotherName { user, name } => format!(
                "'{user}' 이름의 등록 정보가 있지만 {name} 계정의 다른 이름이며, 로그인할 때는 {name} 이름의 등록 정보를 사용합니다."
            ),
            Self::AnotherName { user, name } => {
                format!(
                    "'{user}' 사용자는 {name} 계정의 다른 이름이며, 등록 정보는 {name} 이름으로 보관합니다."
                )
            }
            Self::StillSomebody { user } => {
                format!("{user} 계정이 아직 있으며, 사용자 ID가 다르므로 다른 사람입니다.")
            }
            Self::NothingToMove { user } => {
                format!("'{user}' 이름으로 보관된 등록 정보가 없습니다.")
            }
            Self::RecordThere { user } => {
                format!("{user} 계정에 이미 등록 정보가 있으며 덮어쓰지 않습니다.")
            }
            Self::AnotherUid {
                user,
                recorded,
                new,
                uid,
            } => format!(
                "'{user}' 이름의 등록 정보는 사용자 ID {recorded}번의 것이지만 {new} 계정의 사용자 ID는 {uid}번입니다."
            ),
            Self::NoTerminal { .. } => "입력을 받을 터미널이 없습니다.".to_owned(),
            Self::NotEnrolled { user } => format!("{user} 계정에 등록된 인증 수단이 없습니다."),
            Self::AlreadyEnrolled { user } => {
                format!("{user} 계정에 이미 인증 수단이 등록되어 있습니다.")
            }
            Self::Disabled { user } => {
                format!("{user} 계정의 사용이 중지되어 등록하거나 변경할 수 없습니다.")
            }
            Self::Locked { user, .. } => {
                format!("{user} 계정이 잠겨 있어 등록하거나 변경할 수 없습니다.")
            }
            Self::NotYours { user } => {
                format!("{user} 계정에 대한 이 작업은 root만 할 수 있습니다.")
            }
            Self::NotYourPlace => {
                "다른 정책 파일이나 등록 정보 디렉터리는 root만 지정할 수 있습니다.".to_owned()
            }
            Self::NotAuthenticated => {
                "계정 소유자인지 확인하지 못했습니다. 변경된 내용은 없습니다.".to_owned()
            }
            Self::NameTaken { name } => format!("이름이 \"{name}\"인 인증 수단이 이미 있습니다."),
            Self::Full { user, most } => {
                format!("{user} 계정에 인증 수단이 {most}개 있어 더 등록할 수 없습니다.")
            }
            Self::NoSuchName { user, name } => {
                format!("{user} 계정에 이름이 \"{name}\"인 인증 수단이 없습니다.")
            }
            Self::WhichOne { names } => format!("인증 수단이 여러 개 있습니다: {names}"),
            Self::Demanded { user } => {
                format!(
                    "{user} 계정의 마지막 인증 수단이며, 이 시스템에서는 인증 수단이 반드시 있어야 합니다."
                )
            }
            Self::WouldRefuseYou { path, user } => {
                format!(
                    "{path}: 이 명령을 실행한 {user} 계정에도 인증 수단이 있어야 하지만 등록된 인증 수단이 없습니다."
                )
            }
            Self::NoCodes => "이 시스템에서는 복구 코드를 발급하지 않습니다.".to_owned(),
            Self::OfTheFleet { user } => format!(
                "{user} 계정의 등록 정보는 플릿의 검증 서버에 있어, 한 시스템의 root가 변경할 수 없습니다."
            ),
            Self::NoHelper { reason } => {
                format!(
                    "등록 정보에 접근할 수 없습니다: {reason}. 변경된 내용은 없습니다.",
                    reason = reason.text(Language::Korean)
                )
            }
            Self::Unavailable { reason } => format!(
                "요청을 처리할 수 없습니다: {reason}",
                reason = reason.text(Language::Korean)
            ),
            Self::Unknown { reason } => {
                format!(
                    "변경되었는지 알 수 없습니다: {reason}",
                    reason = reason.text(Language::Korean)
                )
            }
            Self::NotProven => {
                "새 인증 수단의 인증 코드를 확인하지 못했습니다. 변경된 내용은 없습니다.".to_owned()
            }
            Self::NotConfirmed { reason } => {
                format!(
                    "이메일 주소를 확인하지 못했습니다({reason}). 변경된 내용은 없습니다.",
                    reason = reason.text(Language::Korean)
                )
            }
            Self::NotKept => format!(
                "{} 입력하지 않았습니다. 변경된 내용은 없습니다.",
                with(&format!("\"{}\"", KEPT[1]), Particle::Object)
            ),
            Self::Left => "중단했습니다. 변경된 내용은 없습니다.".to_owned(),
            Self::TimeIsOver => "제한 시간이 지나 중단했습니다. 변경된 내용은 없습니다.".to_owned(),
            Self::ChangedMeanwhile { user } => {
                format!(
                    "그사이에 {user} 계정의 등록 정보가 바뀌었습니다. 이 명령으로 변경된 내용은 없습니다."
                )
            }
            Self::FileExists { path } => format!("{path}: 이미 있는 파일이며 덮어쓰지 않습니다."),
            Self::FileNotWritten { path, reason } => {
                format!(
                    "{path}: 파일을 저장하지 못했습니다: {reason}",
                    reason = reason.text(Language::Korean)
                )
            }
            Self::NotReadable {
                path,
                line: Some(line),
                reason,
            } => format!(
                "{path}:{line}: 읽지 못했습니다: {reason}",
                reason = reason.text(Language::Korean)
            ),
            Self::NotReadable {
                path,
                line: None,
                reason,
            } => format!(
                "{path}: 읽지 못했습니다: {reason}",
                reason = reason.text(Language::Korean)
            ),
            Self::PartlyBad { entries } => {
                format!("가져온 내용은 없습니다. 가져올 수 없는 항목: {entries}개")
            }
            Self::Unfinished { users } => {
                format!("모두 저장하지는 못했습니다. 남은 사용자: {users}명")
            }
            Self::NoRecords { path } => format!("{path}: 등록 정보 디렉터리가 없습니다."),
            Self::OutputNotWritten { reason } => {
                format!(
                    "표준 출력으로 내보내지 못했습니다: {reason}",
                    reason = reason.text(Language::Korean)
                )
            }
            Self::NoLog => "저널도 syslog 파일도 없습니다.".to_owned(),
            Self::LogNotRead { path, reason } => {
                format!(
                    "{path}: 로그를 읽을 수 없습니다: {reason}",
                    reason = reason.text(Language::Korean)
                )
            }
            Self::SecretsNotShown { user, reason } => {
                format!(
                    "{user} 계정을 등록했지만 키를 표준 출력으로 내보내지 못했습니다: {reason}",
                    reason = reason.text(Language::Korean)
                )
            }
            Self::TooLongForQr => "otpauth URI가 QR 코드에 담기에는 너무 깁니다.".to_owned(),
        }
    }

    #[allow(
        clippy::too_many_lines,
        reason = "a table: each trouble has a row of its own"
    )]
    fn korean_hint(&self, asker: Asker) -> String {
        match self {
            Self::Locked { user, .. } | Self::Disabled { user } if asker == Asker::Root => {
                format!(
                    "'otp-admin show {user}' 명령으로 확인한 다음 'otp-admin unlock {user}' 명령을 실행하세요."
                )
            }
            Self::NotRoot {
                program: "otp-enroll",
            } => "관리자에게 문의하세요. 관리자라면 'sudo otp-enroll --user NAME' 명령을 실행하세요."
                .to_owned(),
            Self::NotRoot { program } => format!("'sudo {program}' 명령으로 실행하세요."),
            Self::ForWhom {
                caller: Some(caller),
            } => {
                format!("'--user {caller}' 옵션을 추가하세요. root 계정을 뜻한다면 '--user root' 옵션을 추가하세요.")
            }
            Self::ForWhom { caller: None } => "'--user NAME' 옵션을 추가하세요.".to_owned(),
            Self::NoSuchUser { .. } => "이름의 철자를 확인하고 'getent passwd' 명령으로 사용자를 확인하세요.".to_owned(),
            Self::GoneUser { user } => format!(
                "이름이 바뀌었다면 새 이름으로 'otp-admin move {user} NEW' 명령을 실행하고, 아니면 'otp-admin reset {user}' 명령으로 등록 정보를 삭제하세요."
            ),
            Self::UnderAnotherName { user, name } => format!(
                "'otp-admin move {user} {name}' 명령을 실행하거나 'otp-admin reset {user}' 명령으로 삭제하세요."
            ),
            Self::AnotherName { name, .. } => format!("'{name}' 이름을 사용하세요."),
            Self::StillSomebody { user } => format!(
                "'getent passwd' 명령으로 두 계정을 확인하세요. {user} 계정의 등록 정보를 정말 다른 사람에게 넘길 때만 '--force' 옵션을 추가하세요."
            ),
            Self::NothingToMove { .. } => {
                "사용자가 없는 등록 정보는 'otp-admin list'에서 확인할 수 있습니다.".to_owned()
            }
            Self::RecordThere { user } => {
                format!("그대로 두거나 먼저 'otp-admin reset {user}' 명령으로 삭제하세요.")
            }
            Self::AnotherUid { user, .. } => format!(
                "같은 사람의 사용자 ID가 바뀐 것이면 '--force' 옵션을 추가하고, 아니면 'otp-admin reset {user}' 명령으로 삭제하세요."
            ),
            Self::NoTerminal { user } => match asker {
                Asker::Root => format!(
                    "터미널에서 실행하거나(ssh -t), 대화 없이 등록하는 'otp-admin provision {user}' 명령을 실행하세요."
                ),
                Asker::Owner => "터미널에서 실행하세요(ssh -t).".to_owned(),
            },
            Self::NotEnrolled { user } => match asker {
                Asker::Root => format!("'otp-enroll --user {user}' 명령으로 등록하세요."),
                Asker::Owner => "'otp-enroll' 명령으로 등록하세요.".to_owned(),
            },
            Self::NotYours { .. } => {
                "자신의 계정이면 '--user' 옵션을 빼고, 다른 사람의 계정이면 관리자에게 문의하세요.".to_owned()
            }
            Self::NotYourPlace => "'--conf'와 '--state-dir' 옵션을 빼세요.".to_owned(),
            Self::NotAuthenticated => {
                "다시 시작하세요. 인증 코드 대신 복구 코드를 입력해도 되며, 코드는 한 번만 사용할 수 있습니다."
                    .to_owned()
            }
            Self::NameTaken { .. } => "다른 이름을 사용하거나 그 인증 수단을 먼저 삭제하세요.".to_owned(),
            Self::Full { .. } => {
                "먼저 하나를 삭제하세요('otp-enroll remove NAME').".to_owned()
            }
            Self::NoSuchName { .. } => "'otp-enroll status'에서 이름을 확인하세요.".to_owned(),
            Self::WhichOne { .. } => {
                "어느 것인지 지정하세요: 'otp-enroll remove NAME'".to_owned()
            }
            Self::Demanded { user } => match asker {
                Asker::Root => format!("그래도 삭제하려면 'otp-admin reset {user}' 명령을 실행하세요."),
                Asker::Owner => "'otp-enroll' 명령으로 새 인증 수단으로 교체할 수 있습니다.".to_owned(),
            },
            Self::WouldRefuseYou { user, .. } => {
                format!("먼저 'otp-enroll --user {user}' 명령으로 등록하거나 '--force' 옵션을 추가하세요.")
            }
            Self::NoCodes => "정책 파일의 [recovery] 섹션에서 codes 값을 설정하면 발급됩니다.".to_owned(),
            Self::OfTheFleet { user } => format!(
                "플릿 관리자가 'otp-admin provision {user}' 명령을 실행하거나, {user} 사용자가 직접 'otp-enroll' 명령을 실행하면 됩니다."
            ),
            Self::NoHelper { .. } => {
                "다시 시작하세요. 문제가 계속되면 관리자에게 otp-helper와 그 그룹이 설치되어 있는지 확인해 달라고 요청하세요."
                    .to_owned()
            }
            Self::Unavailable { .. } | Self::Disabled { .. } => "관리자에게 문의하세요.".to_owned(),
            Self::Unknown { .. } => {
                "어느 것이 유효한지 'otp-enroll test'로 확인할 때까지 기존 기기와 새 기기, 모든 복구 코드를 보관하세요."
                    .to_owned()
            }
            Self::AlreadyEnrolled { .. } => {
                "교체하려면 '--force' 옵션을 추가하세요. 기존 인증 수단과 복구 코드는 더 이상 사용할 수 없게 됩니다."
                    .to_owned()
            }
            Self::Locked { opens: true, .. } => {
                "'otp-enroll status'에서 언제까지인지 확인하세요. 복구 코드로 로그인하거나 관리자에게 문의하세요."
                    .to_owned()
            }
            Self::Locked { opens: false, .. } => {
                "'otp-enroll status'에서 언제까지인지 확인하세요. 그때까지 기다리거나 관리자에게 문의하세요.".to_owned()
            }
            Self::NotProven => {
                "인증 앱에 방금 추가한 항목인지, 기기의 시간이 자동으로 설정되어 있는지 확인하세요."
                    .to_owned()
            }
            Self::NotConfirmed { .. } => {
                "메일의 처리 결과는 시스템 로그(otp.mail)에 있습니다. 다시 시작하여 메일로 받은 인증 코드를 입력하세요.".to_owned()
            }
            Self::NotKept => {
                "다시 시작하여 복구 코드를 인쇄하거나 적어 둔 다음 입력하세요. 이번에 표시된 키와 복구 코드는 사용할 수 없습니다."
                    .to_owned()
            }
            Self::Left => "기기를 준비한 다음 다시 시작하세요.".to_owned(),
            Self::TimeIsOver => {
                "다시 시작하여 10분 안에 마치세요. 이번에 표시된 키와 복구 코드는 사용할 수 없습니다.".to_owned()
            }
            Self::ChangedMeanwhile { .. } => "다시 시작하세요.".to_owned(),
            Self::FileExists { .. } => "다른 파일 이름을 지정하거나 기존 파일을 옮기세요.".to_owned(),
            Self::FileNotWritten { .. } => "여유 공간이 있는 기존 디렉터리 안의 파일을 지정하세요.".to_owned(),
            Self::NotReadable { .. } => {
                "root에게만 쓰기 권한이 있는지, otp-admin(8) 매뉴얼에 적힌 형식인지 확인하세요.".to_owned()
            }
            Self::PartlyBad { .. } => {
                "위 항목을 고치거나, 나머지만 가져오려면 '--partial' 옵션을 추가하세요.".to_owned()
            }
            Self::Unfinished { .. } => {
                "보고된 문제를 해결하고 같은 명령을 다시 실행하세요. 멈춘 곳부터 이어집니다.".to_owned()
            }
            Self::NoRecords { .. } => {
                "파일 시스템을 마운트하세요. 아직 아무도 등록하지 않았다면 첫 사용자를 등록하세요."
                    .to_owned()
            }
            Self::OutputNotWritten { .. } => "출력이 어디로 연결되어 있는지 확인하세요.".to_owned(),
            Self::NoLog => "'--file PATH' 옵션으로 파일을 지정하세요.".to_owned(),
            Self::LogNotRead { .. } => "'--file PATH' 옵션으로 다른 파일을 지정하세요.".to_owned(),
            Self::SecretsNotShown { user, .. } => {
                format!("'otp-admin provision {user} --force' 명령으로 다시 등록하세요.")
            }
            Self::TooLongForQr => {
                "'--qr-file' 옵션 없이 '--qr none' 옵션을 사용하거나 정책의 issuer 값을 짧게 바꾸세요.".to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::every;
    use crate::messages::in_all::{assert_ends_well, assert_is_a_line_of};

    mod told;

    #[expect(clippy::too_many_lines, reason = "one of each")]
    fn all() -> Vec<Trouble> {
        let (user, path, reason) = (
            "alice".to_owned(),
            "/x".to_owned(),
            Wording::from("No space left".to_owned()),
        );
        every!(Trouble {
            NotRoot => [Trouble::NotRoot {
                program: "otp-enroll",
            }, Trouble::NotRoot {
                program: "otp-admin",
            }],
            ForWhom => [Trouble::ForWhom {
                caller: Some(user.clone()),
            }, Trouble::ForWhom { caller: None }],
            NoSuchUser => [Trouble::NoSuchUser { user: user.clone() }],
            GoneUser => [Trouble::GoneUser { user: user.clone() }],
            UnderAnotherName => [Trouble::UnderAnotherName {
                user: user.clone(),
                name: "ally".to_owned(),
            }],
            AnotherName => [Trouble::AnotherName {
                user: user.clone(),
                name: "ally".to_owned(),
            }],
            StillSomebody => [Trouble::StillSomebody { user: user.clone() }],
            NothingToMove => [Trouble::NothingToMove { user: user.clone() }],
            RecordThere => [Trouble::RecordThere { user: user.clone() }],
            AnotherUid => [Trouble::AnotherUid {
                user: user.clone(),
                recorded: 1001,
                new: "carol".to_owned(),
                uid: 1002,
            }],
            NoTerminal => [Trouble::NoTerminal { user: user.clone() }],
            NotEnrolled => [Trouble::NotEnrolled { user: user.clone() }],
            AlreadyEnrolled => [Trouble::AlreadyEnrolled { user: user.clone() }],
            Locked => [Trouble::Locked {
                user: user.clone(),
                opens: true,
            }, Trouble::Locked {
                user: user.clone(),
                opens: false,
            }],
            Disabled => [Trouble::Disabled { user: user.clone() }],
            NotYours => [Trouble::NotYours { user: user.clone() }],
            NotYourPlace => [Trouble::NotYourPlace],
            NotAuthenticated => [Trouble::NotAuthenticated],
            NameTaken => [Trouble::NameTaken { name: user.clone() }],
            Full => [Trouble::Full {
                user: user.clone(),
                most: 4,
            }],
            NoSuchName => [Trouble::NoSuchName {
                user: user.clone(),
                name: "tablet".to_owned(),
            }],
            WhichOne => [Trouble::WhichOne {
                names: "phone, tablet".to_owned(),
            }],
            Demanded => [Trouble::Demanded { user: user.clone() }],
            WouldRefuseYou => [Trouble::WouldRefuseYou {
                path: path.clone(),
                user: user.clone(),
            }],
            NoCodes => [Trouble::NoCodes],
            OfTheFleet => [Trouble::OfTheFleet { user: user.clone() }],
            NoHelper => [Trouble::NoHelper {
                reason: reason.clone(),
            }],
            Unavailable => [Trouble::Unavailable {
                reason: reason.clone(),
            }],
            Unknown => [Trouble::Unknown {
                reason: reason.clone(),
            }],
            NotProven => [Trouble::NotProven],
            NotConfirmed => [Trouble::NotConfirmed {
                reason: reason.clone(),
            }],
            NotKept => [Trouble::NotKept],
            Left => [Trouble::Left],
            TimeIsOver => [Trouble::TimeIsOver],
            ChangedMeanwhile => [Trouble::ChangedMeanwhile { user: user.clone() }],
            FileExists => [Trouble::FileExists { path: path.clone() }],
            FileNotWritten => [Trouble::FileNotWritten {
                path: path.clone(),
                reason: reason.clone(),
            }],
            NotReadable => [None, Some(7)].map(|line| Trouble::NotReadable {
                path: path.clone(),
                line,
                reason: reason.clone(),
            }),
            PartlyBad => [Trouble::PartlyBad { entries: 3 }],
            Unfinished => [Trouble::Unfinished { users: 3 }],
            NoRecords => [Trouble::NoRecords { path }],
            OutputNotWritten => [Trouble::OutputNotWritten {
                reason: reason.clone(),
            }],
            NoLog => [Trouble::NoLog],
            LogNotRead => [Trouble::LogNotRead {
                path: "/var/log/auth.log".to_owned(),
                reason: reason.clone(),
            }],
            SecretsNotShown => [Trouble::SecretsNotShown { user, reason }],
            TooLongForQr => [Trouble::TooLongForQr],
        })
    }

    #[test]
    fn every_trouble_says_what_is_wrong_and_what_to_do_in_every_language() {
        const ASKERS: [Asker; 2] = every!(Asker: Root, Owner);
        for (trouble, language) in all()
            .iter()
            .flat_map(|one| Language::ALL.map(|language| (one, language)))
        {
            assert_is_a_line_of(language, &trouble.text(language));
            assert_ends_well(language, &trouble.text(language));
            for asker in ASKERS {
                let hint = trouble.hint(language, asker);
                assert_is_a_line_of(language, &hint);
                assert_ends_well(language, &hint);
            }
        }
    }
}
