//! Reports why a command failed, always in the same form: the fault, a hint, and the exit status.

use crate::log;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::geteuid;
use otp_core::messages::fleet::Unable;
use otp_core::messages::protect::Refusal;
use otp_core::messages::reason::Wording;
use otp_core::messages::report::Unasked;
use otp_core::messages::seal::Unsealed;
use otp_core::messages::trouble::{self, Asker, Trouble};
use otp_core::record::Language;
use otp_core::{Before1970, UnusableName};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitCode, ExitStatus};

/// Why a command ends early.
#[derive(Debug)]
pub enum Failure {
    /// A trouble that the catalogue has words for.
    Trouble(Trouble),
    /// The store failed; the hint names the user, if there is one.
    Store {
        /// The store's error.
        error: otp_store::Error,
        /// The user of the record.
        user: Option<String>,
    },
    /// A fact about this machine could not be read.
    Site(otp_site::Error),
    /// A service was not protected, or not unprotected.
    Protect(Refusal),
    /// The report cannot be made as asked.
    Report(Unasked),
    /// Records were not sealed, or not all.
    Seal(Unsealed),
    /// The command cannot be done in a fleet, or not by this fleet.
    Fleet(Unable),
    /// The answer is no, and the result has already said so.
    Refused,
    /// The reader of the output has seen enough. Nothing is wrong.
    ReaderLeft,
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Protect(refusal)
    }
}

impl From<Unasked> for Failure {
    fn from(unasked: Unasked) -> Self {
        Self::Report(unasked)
    }
}

impl From<Unable> for Failure {
    fn from(unable: Unable) -> Self {
        Self::Fleet(unable)
    }
}

impl From<Unsealed> for Failure {
    fn from(unsealed: Unsealed) -> Self {
        Self::Seal(unsealed)
    }
}

impl From<otp_store::Error> for Failure {
    fn from(error: otp_store::Error) -> Self {
        Self::Store { error, user: None }
    }
}

impl From<otp_site::Error> for Failure {
    fn from(error: otp_site::Error) -> Self {
        Self::Site(error)
    }
}

impl From<Before1970> for Failure {
    fn from(error: Before1970) -> Self {
        Self::Site(error.into())
    }
}

impl From<UnusableName> for Failure {
    fn from(error: UnusableName) -> Self {
        Self::Site(error.into())
    }
}

impl Failure {
    /// Whether the change may have been stored despite the failure.
    pub const fn may_have_happened(&self) -> bool {
        matches!(
            self,
            Self::Trouble(Trouble::Unknown { .. })
                | Self::Store {
                    error: otp_store::Error::NotDurable { .. } | otp_store::Error::InDoubt { .. },
                    ..
                }
        )
    }

    /// Makes a failure of the store about one user.
    pub fn about(user: &str) -> impl FnOnce(otp_store::Error) -> Self {
        move |error| Self::Store {
            error,
            user: Some(user.to_owned()),
        }
    }

    /// Reports the failure on standard error, and returns the exit status.
    pub fn report(&self, program: &str, language: Language) -> ExitCode {
        let (text, hint) = match self {
            Self::Trouble(trouble) => (trouble.text(language), trouble.hint(language, asker())),
            Self::Protect(refusal) => (refusal.text(language), refusal.hint(language)),
            Self::Report(unasked) => (unasked.text(language), unasked.hint(language).to_owned()),
            Self::Fleet(unable) => (unable.text(language), unable.hint(language)),
            Self::Seal(unsealed) => (unsealed.text(language), unsealed.hint(language)),
            Self::Site(error) => (error.text(language), error.hint(language).to_owned()),
            Self::Store { error, user } => {
                let hint = hint(error, user.as_deref(), language);
                (error.text(language), hint)
            }
            Self::Refused | Self::ReaderLeft => return ExitCode::from(self.status()),
        };
        // If standard error cannot be written, only the exit status is left. A screen that Ctrl-S has stopped must
        // not block a process that was told to end.
        if !matches!(self, Self::Trouble(Trouble::Left)) || is_writable(&io::stderr()) {
            let (text, label) = (in_full(language, text), trouble::hint_label(language));
            write!(io::stderr(), "{program}: {text}\n{label}: {hint}\n").ok();
        }
        ExitCode::from(self.status())
    }

    /// Returns the exit status: 1 if refused, 2 if the command could not be done.
    fn status(&self) -> u8 {
        match self {
            Self::Trouble(trouble) => match trouble {
                Trouble::NotRoot { .. }
                | Trouble::NotYours { .. }
                | Trouble::NotYourPlace
                | Trouble::NotAuthenticated
                | Trouble::NameTaken { .. }
                | Trouble::Full { .. }
                | Trouble::NoSuchName { .. }
                | Trouble::WhichOne { .. }
                | Trouble::Demanded { .. }
                | Trouble::WouldRefuseYou { .. }
                | Trouble::NoCodes
                | Trouble::OfTheFleet { .. }
                | Trouble::ForWhom { .. }
                | Trouble::NoSuchUser { .. }
                | Trouble::GoneUser { .. }
                | Trouble::UnderAnotherName { .. }
                | Trouble::AnotherName { .. }
                | Trouble::StillSomebody { .. }
                | Trouble::NothingToMove { .. }
                | Trouble::RecordThere { .. }
                | Trouble::AnotherUid { .. }
                | Trouble::NoTerminal { .. }
                | Trouble::NotEnrolled { .. }
                | Trouble::AlreadyEnrolled { .. }
                | Trouble::Locked { .. }
                | Trouble::Disabled { .. }
                | Trouble::NotProven
                | Trouble::NotConfirmed { .. }
                | Trouble::NotKept
                | Trouble::Left
                | Trouble::TimeIsOver
                | Trouble::ChangedMeanwhile { .. }
                | Trouble::PartlyBad { .. }
                | Trouble::FileExists { .. } => 1,
                Trouble::FileNotWritten { .. }
                | Trouble::NotReadable { .. }
                | Trouble::Unfinished { .. }
                | Trouble::NoRecords { .. }
                | Trouble::OutputNotWritten { .. }
                | Trouble::SecretsNotShown { .. }
                | Trouble::NoHelper { .. }
                | Trouble::Unavailable { .. }
                | Trouble::Unknown { .. }
                | Trouble::NoLog
                | Trouble::LogNotRead { .. }
                | Trouble::TooLongForQr => 2,
            },
            Self::Fleet(unable) => unable.status(),
            Self::Seal(unsealed) => unsealed.status(),
            Self::Store { .. }
            | Self::Site(_)
            | Self::Report(Unasked::NoNames { .. } | Unasked::NotRead { .. })
            | Self::Protect(
                Refusal::NotUndone { .. } | Refusal::NoGuard { .. } | Refusal::NoTrial { .. },
            ) => 2,
            Self::Protect(_) | Self::Report(Unasked::NoSuchGroup { .. }) | Self::Refused => 1,
            Self::ReaderLeft => 0,
        }
    }
}

/// Says what the operating system said.
pub fn system(error: &io::Error) -> Wording {
    otp_file::wording(error)
}

/// Says how a program ended.
pub fn ended(status: ExitStatus) -> Wording {
    Wording::of(
        |language| match (language, status.code(), status.signal()) {
            (Language::Korean, Some(code), _) => format!("종료 상태: {code}"),
            (Language::Korean, None, Some(signal)) => format!("{signal}번 시그널로 종료됨"),
            _ => status.to_string(),
        },
    )
}

/// Returns the kind of reader, which decides which hint helps.
fn asker() -> Asker {
    if geteuid().is_root() || log::acts_for_administrator() {
        Asker::Root
    } else {
        Asker::Owner
    }
}

/// Whether a write would not block.
fn is_writable(stream: &impl AsFd) -> bool {
    let mut waiting = [PollFd::new(stream.as_fd(), PollFlags::POLLOUT)];
    poll(&mut waiting, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
}

/// Returns the store's hint, with the user's name instead of USER.
pub fn hint(error: &otp_store::Error, user: Option<&str>, language: Language) -> String {
    let hint = error.hint(language);
    match user {
        Some(user) => hint.replace("USER", user),
        None => hint.to_owned(),
    }
}

/// Whether a Korean text is a sentence that lacks its full stop; brackets may follow its verb.
fn is_sentence(text: &str) -> bool {
    let has_verb_before_brackets = text.ends_with(')') && text.contains("니다(");
    text.ends_with("니다") || text.ends_with("세요") || has_verb_before_brackets
}

/// Ends a full sentence in Korean with a full stop. Errors have none, since they also stand inside other sentences.
pub fn in_full(language: Language, text: String) -> String {
    match language {
        Language::Korean if is_sentence(&text) => text + ".",
        Language::Korean | Language::English => text,
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_full_sentence_in_korean_ends_with_a_full_stop() {
        for (text, ends) in [
            ("저장하지 못했습니다", "니다."),
            (
                "연결할 수 있는 검증 서버가 없습니다(v1: 연결을 끊었습니다)",
                ").",
            ),
            (
                "다른 플릿의 데이터베이스입니다. 매뉴얼을 참고하세요",
                "세요.",
            ),
            ("이미 끝났습니다.", "니다."),
            ("복구 코드(10개)", "개)"),
        ] {
            let said = in_full(Language::Korean, text.to_owned());
            assert!(said.ends_with(ends) && !said.ends_with(".."), "{said}");
        }
        assert_eq!(in_full(Language::English, "no (x)".to_owned()), "no (x)");
    }

    /// Asserts that a text is Korean and has no two English words in a row, except in commands between quotes.
    pub fn assert_has_no_english_reason(said: &str) {
        let outside: String = said.split('\'').step_by(2).collect();
        let trimmed = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
        let words: Vec<String> = outside.split_whitespace().map(trimmed).collect();
        let is_english =
            |word: &String| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphabetic());
        let is_reason = words
            .windows(2)
            .any(|pair| is_english(&pair[0]) && is_english(&pair[1]));
        let is_korean = said.contains(|c| ('가'..='힣').contains(&c));
        assert!(is_korean && !is_reason, "{said}");
    }

    /// Asserts both texts of a reason.
    pub fn assert_is_told(reason: &Wording, english: &str) {
        assert_eq!(reason.text(Language::English), english);
        let korean = reason.text(Language::Korean);
        assert_has_no_english_reason(korean);
        assert!(!korean.ends_with('.'), "{korean}");
    }

    #[test]
    fn an_english_reason_in_a_korean_sentence_is_found() {
        let is_fine = |said: &'static str| {
            std::panic::catch_unwind(|| assert_has_no_english_reason(said)).is_ok()
        };
        assert!(is_fine("'getent passwd' 명령이 실패했습니다"));
        assert!(!is_fine("읽지 못했습니다: No such file"));
        assert!(!is_fine("읽지 못했습니다: entity not found"));
        assert!(!is_fine("is a fifo"));
    }

    #[test]
    fn the_end_of_a_program_is_told_in_every_language() {
        for (script, english, number) in [
            ("exit 3", "exit status: 3", "3"),
            ("kill -9 $$", "signal: 9 (SIGKILL)", "9"),
        ] {
            let status = Command::new("/bin/sh").args(["-c", script]).status();
            let told = ended(status.unwrap());
            assert_is_told(&told, english);
            assert!(told.text(Language::Korean).contains(number));
        }
    }
}
