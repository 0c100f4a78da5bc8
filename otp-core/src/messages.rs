//! Every sentence that people read, in every language, in one place.
//!
//! A message about something that went wrong has two halves: what happened, and what to do next. Each message of a
//! login has an identity, the same in every language, which the log line has too. So a help desk can tell what a user
//! saw.

use crate::enforce::days_left;
use crate::record::{Language, Standing};
use crate::time::UnixTime;
use crate::zone::Local;
use crate::{Policy, Verdict};
use std::time::Duration;

pub use id::MessageId;

pub mod admin;
mod browser;
pub mod doctor;
pub mod enrol;
pub mod events;
pub mod explanation;
pub mod fleet;
pub mod guide;
pub mod hindrance;
mod id;
pub mod import;
#[cfg(test)]
mod in_all;
pub mod korean;
pub mod mail;
pub mod policy;
pub mod portal;
pub mod prospect;
pub mod protect;
pub mod reason;
pub mod report;
pub mod seal;
pub mod trouble;

/// One message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// Asks for a code only.
    CodePrompt,
    /// Asks for password and code in one reply.
    PasswordAndCodePrompt,
    /// The reply matched nothing.
    WrongCode,
    /// The code was right, but used before.
    AlreadyUsed,
    /// Nothing was typed.
    NothingTyped,
    /// Locked for a time.
    LockedUntil {
        /// When the lock ends.
        ends: Local,
        /// The present, from which the remaining time is counted.
        now: UnixTime,
        /// Whether a recovery code opens the lock.
        opens: bool,
    },
    /// Locked until an administrator acts.
    Held {
        /// Whether a recovery code opens the lock.
        opens: bool,
    },
    /// Disabled until an administrator acts.
    Disabled,
    /// A recovery code was used.
    RecoveryUsed {
        /// How many are left.
        left: u32,
    },
    /// Asks for the code from the mail.
    MailedCodePrompt,
    /// A code is on its way, if an address can be found and the daily limit is not reached. Everybody is told so.
    CodeMailed,
    /// No mail could be handed over.
    NotMailed,
    /// A mailed code was used.
    MailedUsed,
    /// The check could not be made.
    Unavailable,
    /// The user is let in without a second factor, until a deadline.
    EnrolUntil {
        /// From when on a second factor is needed.
        deadline: Local,
        /// The present, from which the remaining time is counted.
        now: UnixTime,
    },
    /// A login needs an authenticator, and the account has none.
    NotEnrolled,
    /// An authenticator should have been set up in the login, and was not.
    NotSetUp,
    /// Another login or `otp-enroll` has set up an authenticator meanwhile.
    SetUpMeanwhile,
}

impl Message {
    /// Returns the message for the person at the prompt about a verdict; `None` if nothing needs to be said.
    ///
    /// A user who is not enrolled sees the message of a wrong code: the person at the prompt may not be the account's
    /// owner. `local` tells a moment by the machine's clocks, and is asked only about the end of a lock.
    #[must_use]
    pub fn about(
        verdict: &Verdict,
        policy: &Policy,
        now: UnixTime,
        local: impl FnOnce(UnixTime) -> Local,
    ) -> Option<Self> {
        match verdict {
            Verdict::Accepted { .. } | Verdict::Excused => None,
            Verdict::Recovered { left } => Some(Self::RecoveryUsed { left: *left }),
            Verdict::Mailed => Some(Self::MailedUsed),
            Verdict::Rejected { .. } | Verdict::NoGuess { .. } | Verdict::NotEnrolled => {
                Some(Self::WrongCode)
            }
            Verdict::Replayed => Some(Self::AlreadyUsed),
            Verdict::Empty => Some(Self::NothingTyped),
            Verdict::RejectedAndLocked { standing } | Verdict::Locked { standing } => {
                let opens = policy.recovery.opens_lock;
                Some(match standing {
                    Standing::Locked { .. } => Self::LockedUntil {
                        ends: local(standing.ends().unwrap_or(now)),
                        now,
                        opens,
                    },
                    Standing::Held => Self::Held { opens },
                    Standing::Disabled => Self::Disabled,
                    Standing::Open => Self::WrongCode,
                })
            }
        }
    }

    /// Returns the stable identity of the message.
    #[must_use]
    pub const fn id(self) -> MessageId {
        match self {
            Self::CodePrompt => MessageId::CodePrompt,
            Self::PasswordAndCodePrompt => MessageId::PasswordAndCodePrompt,
            Self::WrongCode => MessageId::WrongCode,
            Self::AlreadyUsed => MessageId::AlreadyUsed,
            Self::NothingTyped => MessageId::NothingTyped,
            Self::LockedUntil { .. } => MessageId::LockedUntil,
            Self::Held { .. } => MessageId::Held,
            Self::Disabled => MessageId::Disabled,
            Self::RecoveryUsed { .. } => MessageId::RecoveryUsed,
            Self::MailedCodePrompt => MessageId::MailedCodePrompt,
            Self::CodeMailed => MessageId::CodeMailed,
            Self::NotMailed => MessageId::NotMailed,
            Self::MailedUsed => MessageId::MailedUsed,
            Self::Unavailable => MessageId::Unavailable,
            Self::EnrolUntil { .. } => MessageId::EnrolUntil,
            Self::NotEnrolled => MessageId::NotEnrolled,
            Self::NotSetUp => MessageId::NotSetUp,
            Self::SetUpMeanwhile => MessageId::SetUpMeanwhile,
        }
    }

    /// Returns the text of [`Message::CodeMailed`] with the part of the address that everybody may see, if the address
    /// follows from the user's name.
    #[must_use]
    pub fn code_mailed_to(language: Language, masked: Option<&str>) -> String {
        let sent = match (language, masked) {
            (Language::English, Some(masked)) => {
                format!(
                    "If you have typed 'email' and this account may have one, a code was sent to {masked}."
                )
            }
            (Language::English, None) => {
                "If you have typed 'email' and this account may have one, a code was sent to its address."
                    .to_owned()
            }
            (Language::Korean, Some(masked)) => {
                format!("'email'을 입력했고 이 계정에서 이메일을 사용할 수 있으면 {masked} 주소로 인증 코드를 보냈습니다.")
            }
            (Language::Korean, None) => {
                "'email'을 입력했고 이 계정에서 이메일을 사용할 수 있으면 등록된 주소로 인증 코드를 보냈습니다.".to_owned()
            }
        };
        let how = match language {
            Language::English => {
                "It is valid for 10 minutes and only in this login; at most 5 are sent in a day. A code of your device or \
                 a recovery code works here too."
            }
            Language::Korean => {
                "인증 코드는 10분 동안 이 로그인에서만 사용할 수 있으며, 하루에 5번까지 보냅니다. \
                 인증 앱의 인증 코드나 복구 코드를 입력해도 됩니다."
            }
        };
        format!("{sent} {how}")
    }

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
            Self::CodePrompt => "Verification code: ".to_owned(),
            Self::PasswordAndCodePrompt => "Password & verification code: ".to_owned(),
            Self::WrongCode => "The code is wrong. Wait for the next one and try again; \
                if it is refused too, check that your device sets its clock automatically."
                .to_owned(),
            Self::AlreadyUsed => "This code was already used. Each works once: wait for the next one, \
                or take another recovery code."
                .to_owned(),
            Self::NothingTyped => "No code was entered. Type the code that your authenticator shows.".to_owned(),
            Self::LockedUntil { ends, now, opens } => {
                let way_out = if opens { "a recovery code of 16 letters opens it, or ask" } else { "ask" };
                format!(
                    "Too many wrong codes: locked until {}. Wait; {way_out} your administrator.",
                    english_end(now, ends)
                )
            }
            Self::Held { opens: true } => {
                "Too many wrong codes: locked. A recovery code of 16 letters opens it, or ask your administrator.".to_owned()
            }
            Self::Held { opens: false } => "Too many wrong codes: locked. Ask your administrator.".to_owned(),
            Self::Disabled => "Too many wrong codes: disabled. Ask your administrator.".to_owned(),
            Self::RecoveryUsed { left } => format!(
                "Recovery code used, {left} left. If your device is lost, run 'otp-enroll' to set up a new one."
            ),
            Self::MailedCodePrompt => "Code from the email: ".to_owned(),
            Self::CodeMailed => Self::code_mailed_to(Language::English, None),
            Self::NotMailed => "No email could be sent. Type a code of your device or a recovery code, \
                or ask your administrator."
                .to_owned(),
            Self::MailedUsed => "You were let in by a code from an email. If your device is lost, run 'otp-enroll' to set up \
                a new one."
                .to_owned(),
            Self::Unavailable => {
                "The code could not be checked. Try again later; if this continues, ask your administrator.".to_owned()
            }
            Self::EnrolUntil { deadline, now } => format!(
                "{} Set up your authenticator before then: run 'otp-enroll'.",
                demanded_from(deadline, now, Language::English)
            ),
            Self::NotEnrolled => "Logging in takes a code, and this account has no authenticator yet. \
                Ask your administrator, or run 'otp-enroll' where you are logged in already."
                .to_owned(),
            Self::NotSetUp => "No authenticator was set up, and you cannot log in without one. Log in again to start over."
                .to_owned(),
            Self::SetUpMeanwhile => "An authenticator was set up for this account in the meantime. \
                Log in again with a code of it."
                .to_owned(),
        }
    }

    fn korean(self) -> String {
        match self {
            Self::CodePrompt => "인증 코드: ".to_owned(),
            Self::PasswordAndCodePrompt => "비밀번호와 인증 코드(이어서 입력): ".to_owned(),
            Self::WrongCode => "인증 코드가 맞지 않습니다. 다음 코드가 나오면 다시 입력해 주세요. \
                계속 맞지 않으면 기기의 시간이 자동으로 설정되어 있는지 확인해 주세요."
                .to_owned(),
            Self::AlreadyUsed => "이미 사용한 코드입니다. 코드는 한 번만 사용할 수 있습니다. \
                다음 코드를 기다리거나 다른 복구 코드를 입력해 주세요."
                .to_owned(),
            Self::NothingTyped => "인증 코드를 입력하지 않았습니다. 인증 앱에 표시된 인증 코드를 입력해 주세요.".to_owned(),
            Self::LockedUntil { ends, now, opens } => {
                let way_out = if opens { "다시 로그인하거나, 16자 복구 코드를 입력하면 바로 풀립니다." } else { "다시 로그인해 주세요." };
                format!(
                    "인증 코드를 여러 번 잘못 입력하여 계정이 {}. 그 뒤에 {way_out} 도움이 필요하면 관리자에게 문의해 주세요.",
                    korean_end(now, ends)
                )
            }
            Self::Held { opens: true } => "인증 코드를 여러 번 잘못 입력하여 계정이 잠겼습니다. \
                16자 복구 코드를 입력하면 바로 풀립니다. 복구 코드가 없으면 관리자에게 문의해 주세요."
                .to_owned(),
            Self::Held { opens: false } => {
                "인증 코드를 여러 번 잘못 입력하여 계정이 잠겼습니다. 관리자에게 잠금 해제를 요청해 주세요.".to_owned()
            }
            Self::Disabled => {
                "인증 코드를 너무 여러 번 잘못 입력하여 계정 사용이 중지되었습니다. 관리자에게 문의해 주세요.".to_owned()
            }
            Self::RecoveryUsed { left } => format!(
                "복구 코드를 사용했습니다. {left}개 남았습니다. 기기를 잃어버렸다면 'otp-enroll'을 실행하여 새 기기를 등록해 주세요."
            ),
            Self::MailedCodePrompt => "이메일로 받은 인증 코드: ".to_owned(),
            Self::CodeMailed => Self::code_mailed_to(Language::Korean, None),
            Self::NotMailed => "이메일을 보낼 수 없습니다. 인증 앱의 인증 코드나 복구 코드를 입력하거나 관리자에게 문의해 주세요.".to_owned(),
            Self::MailedUsed => "이메일로 받은 인증 코드로 로그인했습니다. 기기를 잃어버렸다면 'otp-enroll'을 실행하여 새 기기를 등록해 주세요."
                .to_owned(),
            Self::Unavailable => {
                "시스템 문제로 인증 코드를 확인하지 못했습니다. 잠시 후 다시 시도해 주세요. 문제가 계속되면 관리자에게 문의해 주세요.".to_owned()
            }
            Self::EnrolUntil { deadline, now } => format!(
                "{} 그 전에 'otp-enroll'을 실행하여 인증 수단을 등록해 주세요.",
                demanded_from(deadline, now, Language::Korean)
            ),
            Self::NotEnrolled => "로그인하려면 인증 코드가 필요하지만 이 계정에는 등록된 인증 수단이 없습니다. \
                관리자에게 문의하거나, 이미 로그인되어 있는 화면에서 'otp-enroll'을 실행하여 등록해 주세요."
                .to_owned(),
            Self::NotSetUp => "인증 수단을 등록하지 않아 로그인할 수 없습니다. 다시 로그인하면 처음부터 등록할 수 있습니다.".to_owned(),
            Self::SetUpMeanwhile => "그사이 이 계정에 인증 수단이 등록되었습니다. 새로 등록된 인증 수단의 인증 코드로 다시 로그인해 주세요."
                .to_owned(),
        }
    }
}

/// Says from when on a login takes a code.
fn demanded_from(deadline: Local, now: UnixTime, language: Language) -> String {
    let from = deadline.minute(language);
    match (language, days_left(now, deadline.moment())) {
        (Language::English, 1) => {
            format!("From {from} on (1 day left) logging in also takes a code.")
        }
        (Language::English, days) => {
            format!("From {from} on ({days} days left) logging in also takes a code.")
        }
        (Language::Korean, days) => {
            format!("{from}부터({days}일 남음) 로그인할 때 인증 코드도 입력해야 합니다.")
        }
    }
}

/// Returns the minutes that remain, rounded up, so that nobody comes back too early.
fn minutes_to_go(now: UnixTime, ends: UnixTime) -> u64 {
    now.until(ends).as_secs().div_ceil(60)
}

/// Says until when a lock lasts: the time, the date if it is 48 hours away or more, and how long that is from now.
fn english_end(now: UnixTime, ends: Local) -> String {
    let until = ends.to_next_minute();
    let is_far = minutes_to_go(now, ends.moment()) >= 2880;
    let wait = english_wait(now, ends.moment());
    if !ends.is_utc() {
        let until = if is_far {
            until.minute(Language::English)
        } else {
            until.clock(Language::English)
        };
        return format!("{until}, {wait}");
    }
    let clock = until.clock(Language::English);
    if is_far {
        format!("{clock} (on {}, {wait})", until.date())
    } else {
        format!("{clock} ({wait})")
    }
}

fn english_wait(now: UnixTime, ends: UnixTime) -> String {
    match minutes_to_go(now, ends) {
        1 => "in 1 minute".to_owned(),
        minutes @ ..120 => format!("in {minutes} minutes"),
        minutes @ ..2880 => format!("in {} hours", minutes.div_ceil(60)),
        minutes => format!("in {} days", minutes.div_ceil(1440)),
    }
}

/// Says the same, with the date before the time.
fn korean_end(now: UnixTime, ends: Local) -> String {
    let until = ends.to_next_minute();
    let until = match minutes_to_go(now, ends.moment()) {
        ..2880 => until.clock(Language::Korean),
        _ => until.minute(Language::Korean),
    };
    let wait = korean_wait(now, ends.moment());
    if ends.is_utc() {
        format!("{wait} 동안 잠겼습니다({until}까지)")
    } else {
        format!("{until}까지 {wait} 동안 잠겼습니다")
    }
}

fn korean_wait(now: UnixTime, ends: UnixTime) -> String {
    match minutes_to_go(now, ends) {
        minutes @ ..120 => format!("{minutes}분"),
        minutes @ ..2880 => format!("{}시간", minutes.div_ceil(60)),
        minutes => format!("{}일", minutes.div_ceil(1440)),
    }
}

/// A length of time in days, hours, minutes and seconds, without those that are zero.
fn length(language: Language, time: Duration) -> String {
    let seconds = time.as_secs();
    let parts = [
        (seconds / 86_400, "day", "일"),
        (seconds / 3600 % 24, "hour", "시간"),
        (seconds / 60 % 60, "minute", "분"),
        (seconds % 60, "second", "초"),
    ];
    let words: Vec<String> = parts
        .into_iter()
        .filter(|&(count, unit, _)| count > 0 || (seconds == 0 && unit == "second"))
        .map(|(count, english, korean)| match (language, count) {
            (Language::English, 1) => format!("1 {english}"),
            (Language::English, _) => format!("{count} {english}s"),
            (Language::Korean, _) => format!("{count}{korean}"),
        })
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::in_all::assert_same_in_every_language;
    use super::*;
    use crate::every;
    use std::mem::discriminant;

    mod figures;
    mod zone;

    const NOON: UnixTime = UnixTime::from_seconds(1_763_640_000);

    fn all() -> Vec<Message> {
        let locked_until = |opens| Message::LockedUntil {
            ends: Local::utc(NOON.after(Duration::from_secs(900))),
            now: NOON,
            opens,
        };
        let enrol_within = |seconds| Message::EnrolUntil {
            deadline: Local::utc(NOON.after(Duration::from_secs(seconds))),
            now: NOON,
        };
        every!(Message {
            CodePrompt => [Message::CodePrompt],
            PasswordAndCodePrompt => [Message::PasswordAndCodePrompt],
            WrongCode => [Message::WrongCode],
            AlreadyUsed => [Message::AlreadyUsed],
            NothingTyped => [Message::NothingTyped],
            LockedUntil => [true, false].map(locked_until),
            Held => [true, false].map(|opens| Message::Held { opens }),
            Disabled => [Message::Disabled],
            RecoveryUsed => [Message::RecoveryUsed { left: 7 }],
            MailedCodePrompt => [Message::MailedCodePrompt],
            CodeMailed => [Message::CodeMailed],
            NotMailed => [Message::NotMailed],
            MailedUsed => [Message::MailedUsed],
            Unavailable => [Message::Unavailable],
            EnrolUntil => [86_400, 86_401].map(enrol_within),
            NotEnrolled => [Message::NotEnrolled],
            NotSetUp => [Message::NotSetUp],
            SetUpMeanwhile => [Message::SetUpMeanwhile],
        })
    }

    #[test]
    fn every_message_exists_in_every_language_with_the_same_figures() {
        for message in all() {
            assert_same_in_every_language(|language| message.text(language));
        }
        assert_same_in_every_language(|language| {
            Message::code_mailed_to(language, Some("a***@example.org"))
        });
    }

    /// A browser has no shell in which `otp-enroll` could be run. The commands for a terminal stay in the text for a terminal.
    #[test]
    fn no_message_of_a_login_in_the_portal_names_a_command() {
        let mut told = 0;
        for message in all() {
            assert_same_in_every_language(|language| message.text_in_a_browser(language));
            for language in Language::ALL {
                let (in_a_terminal, in_a_browser) =
                    (message.text(language), message.text_in_a_browser(language));
                assert!(!in_a_browser.contains("otp-"), "{in_a_browser}");
                assert_eq!(
                    in_a_terminal.contains("otp-enroll"),
                    in_a_terminal != in_a_browser,
                    "{in_a_terminal}"
                );
                let lost = matches!(message, Message::RecoveryUsed { .. } | Message::MailedUsed);
                assert_eq!(Message::speaks_of_a_lost_device(&in_a_browser), lost);
                assert!(!Message::speaks_of_a_lost_device(&in_a_terminal));
                told += usize::from(lost);
            }
        }
        assert_eq!(told, 4);
    }

    #[test]
    fn each_message_has_an_id_of_its_own() {
        for id in MessageId::ALL {
            let mut of_it = all();
            of_it.retain(|message| message.id() == id);
            let kind = of_it.first().map(discriminant);
            assert!(kind.is_some(), "{id:?} is the id of no message");
            let same = |message| Some(discriminant(message)) == kind;
            assert!(of_it.iter().all(same), "{id:?}: {of_it:?}");
        }
        let mut words = MessageId::ALL.map(MessageId::word).to_vec();
        let plain = |c: char| c.is_ascii_lowercase() || c == '-';
        assert!(
            words
                .iter()
                .all(|word| !word.is_empty() && word.chars().all(plain))
        );
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), MessageId::ALL.len(), "{words:?}");
    }

    /// The time is rounded up to the minute, so the day may be the next one.
    #[test]
    fn the_date_of_a_lock_is_that_of_the_time_beside_it() {
        let message = Message::LockedUntil {
            ends: Local::utc(NOON.after(Duration::from_secs(3 * 86_400 + 12 * 3600 - 30))),
            now: NOON,
            opens: false,
        };
        for (language, said) in [
            (Language::English, "00:00 UTC (on 2025-11-24, in 4 days)"),
            (Language::Korean, "2025-11-24 00:00 UTC"),
        ] {
            let text = message.text(language);
            assert!(text.contains(said), "{text}");
        }
    }

    #[test]
    fn the_message_about_a_lock_says_until_when_and_what_opens_it() {
        let locked = |seconds, opens| {
            Message::LockedUntil {
                ends: Local::utc(NOON.after(Duration::from_secs(seconds))),
                now: NOON,
                opens,
            }
            .text(Language::English)
        };
        assert_eq!(
            locked(900, true),
            "Too many wrong codes: locked until 12:15 UTC (in 15 minutes). Wait; a recovery code of 16 letters opens \
             it, or ask your administrator."
        );
        for (seconds, wait) in [
            (1, "in 1 minute"),
            (61, "in 2 minutes"),
            (7200, "in 2 hours"),
            (259_200, "on 2025-11-23, in 3 days"),
        ] {
            assert!(
                locked(seconds, false).contains(wait),
                "{seconds}: {}",
                locked(seconds, false)
            );
        }
    }

    #[test]
    fn unenrolled_users_and_replies_that_are_no_guess_get_the_message_of_a_wrong_code() {
        let policy = Policy::default();
        assert_eq!(
            Message::about(&Verdict::NotEnrolled, &policy, NOON, Local::utc),
            Message::about(&Verdict::Rejected { left: 3 }, &policy, NOON, Local::utc)
        );
        for why in crate::NoGuess::ALL {
            assert_eq!(
                Message::about(&Verdict::NoGuess { why }, &policy, NOON, Local::utc),
                Some(Message::WrongCode)
            );
        }
    }
}
