//! Pages that report a refusal, or that something has ended: what happened, and what to do next.

use crate::record::Language;

/// One such page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice<'a> {
    /// A service that the portal needs does not answer.
    Unavailable,
    /// The session was not used for too long.
    Idle,
    /// The session has reached its longest time.
    Absolute,
    /// The session is too old to set up a first authenticator.
    LoginTooOld {
        /// How many minutes a session may be old for that.
        minutes: u64,
    },
    /// The account was removed, has expired, or was made anew.
    AccountChanged,
    /// The account was locked or disabled.
    LockedMeanwhile,
    /// None of the authenticators used in the login exists any more.
    AuthenticatorsGone,
    /// The user has ended all sessions.
    EndedEverywhere,
    /// The user failed to prove their identity for a change.
    EndedUnproven {
        /// How many times in a row.
        times: u32,
    },
    /// The reason is unknown.
    EndedSomehow,
    /// There were too many attempts.
    TooManyAttempts {
        /// How many minutes to wait.
        minutes: u64,
    },
    /// There is no such page.
    NotFound,
    /// A site that is not listed asked for a login.
    WrongSite {
        /// The name of the host, as it was given.
        host: &'a str,
    },
    /// The user is in none of the groups that may open a site.
    NotForYou {
        /// Its name.
        host: &'a str,
    },
    /// A form came from another site, or from a page that is too old.
    FormTooOld,
    /// The request is malformed.
    BadRequest,
    /// No change is possible while the account is locked.
    ChangeLocked {
        /// Whether a recovery code opens the lock.
        opens: bool,
    },
    /// No change is possible while the account is disabled.
    ChangeDisabled,
    /// The change needs an authenticator, and the account has none.
    NoDevice,
    /// The name is taken.
    NameTaken {
        /// The name.
        name: &'a str,
    },
    /// No more authenticators are allowed.
    Full {
        /// How many are allowed.
        most: u8,
    },
    /// No authenticator has that name.
    NoSuchName {
        /// The name.
        name: &'a str,
    },
    /// The account has several authenticators, and none was named.
    WhichOne,
    /// It is the last authenticator, and policy demands one.
    Demanded,
    /// No recovery codes are issued.
    NoCodes,
    /// No code of the new device was right.
    NotProven,
    /// The record was changed meanwhile.
    ChangedMeanwhile,
    /// The user did not prove their identity.
    NotAuthenticated,
    /// The dialogue took too long.
    TimeIsOver,
    /// It is unknown whether the change was made.
    Unknown,
    /// It is not known what became of the last step, which was no change.
    Uncertain,
    /// The user has logged out.
    LoggedOut,
    /// The user has logged out everywhere.
    LoggedOutEverywhere,
}

impl Notice<'_> {
    /// Returns what happened in a few words: a title without a full stop.
    #[must_use]
    pub fn title(self, language: Language) -> String {
        match language {
            Language::English => self.title_in_english(),
            Language::Korean => self.title_in_korean(),
        }
    }

    /// Returns the sentences in this language.
    #[must_use]
    pub fn text(self, language: Language) -> String {
        match language {
            Language::English => self.text_in_english(),
            Language::Korean => self.text_in_korean(),
        }
    }

    #[expect(clippy::match_same_arms, reason = "a title each")]
    fn title_in_english(self) -> String {
        match self {
            Self::Unavailable => "Not available at the moment".to_owned(),
            Self::Idle => "Your login has ended".to_owned(),
            Self::Absolute => "Your login has ended".to_owned(),
            Self::LoginTooOld { .. } => "Please log in once more".to_owned(),
            Self::AccountChanged => "Your login has ended".to_owned(),
            Self::LockedMeanwhile => "Your login has ended".to_owned(),
            Self::AuthenticatorsGone => "Your login has ended".to_owned(),
            Self::EndedEverywhere => "Your login has ended".to_owned(),
            Self::EndedUnproven { .. } => "Your login has ended".to_owned(),
            Self::EndedSomehow => "Your login has ended".to_owned(),
            Self::TooManyAttempts { .. } => "Too many attempts".to_owned(),
            Self::NotFound => "There is no such page".to_owned(),
            Self::WrongSite { .. } => "This site cannot be used with this login".to_owned(),
            Self::NotForYou { .. } => "You may not open this site".to_owned(),
            Self::FormTooOld => "This page is too old".to_owned(),
            Self::BadRequest => "This request was not understood".to_owned(),
            Self::ChangeLocked { .. } => "This cannot be done".to_owned(),
            Self::ChangeDisabled => "This cannot be done".to_owned(),
            Self::NoDevice => "This cannot be done".to_owned(),
            Self::NameTaken { .. } => "This cannot be done".to_owned(),
            Self::Full { .. } => "This cannot be done".to_owned(),
            Self::NoSuchName { .. } => "This cannot be done".to_owned(),
            Self::WhichOne => "This cannot be done".to_owned(),
            Self::Demanded => "This cannot be done".to_owned(),
            Self::NoCodes => "This cannot be done".to_owned(),
            Self::NotProven => "The authenticator was not set up".to_owned(),
            Self::ChangedMeanwhile => "This cannot be done".to_owned(),
            Self::NotAuthenticated => "You were not recognised".to_owned(),
            Self::TimeIsOver => "Time is up".to_owned(),
            Self::Unknown => "It is not known whether this was saved".to_owned(),
            Self::Uncertain => "The system has stopped answering".to_owned(),
            Self::LoggedOut => "You are logged out".to_owned(),
            Self::LoggedOutEverywhere => "You are logged out everywhere".to_owned(),
        }
    }

    #[expect(clippy::match_same_arms, reason = "a title each")]
    fn title_in_korean(self) -> String {
        match self {
            Self::Unavailable => "지금은 사용할 수 없습니다".to_owned(),
            Self::Idle => "로그인이 종료되었습니다".to_owned(),
            Self::Absolute => "로그인이 종료되었습니다".to_owned(),
            Self::LoginTooOld { .. } => "다시 로그인해 주세요".to_owned(),
            Self::AccountChanged => "로그인이 종료되었습니다".to_owned(),
            Self::LockedMeanwhile => "로그인이 종료되었습니다".to_owned(),
            Self::AuthenticatorsGone => "로그인이 종료되었습니다".to_owned(),
            Self::EndedEverywhere => "로그인이 종료되었습니다".to_owned(),
            Self::EndedUnproven { .. } => "로그인이 종료되었습니다".to_owned(),
            Self::EndedSomehow => "로그인이 종료되었습니다".to_owned(),
            Self::TooManyAttempts { .. } => "시도 횟수가 너무 많습니다".to_owned(),
            Self::NotFound => "페이지를 찾을 수 없습니다".to_owned(),
            Self::WrongSite { .. } => "이 로그인으로 이용할 수 없는 사이트입니다".to_owned(),
            Self::NotForYou { .. } => "이 사이트를 이용할 권한이 없습니다".to_owned(),
            Self::FormTooOld => "페이지가 만료되었습니다".to_owned(),
            Self::BadRequest => "잘못된 요청입니다".to_owned(),
            Self::ChangeLocked { .. } => "요청을 처리할 수 없습니다".to_owned(),
            Self::ChangeDisabled => "요청을 처리할 수 없습니다".to_owned(),
            Self::NoDevice => "요청을 처리할 수 없습니다".to_owned(),
            Self::NameTaken { .. } => "요청을 처리할 수 없습니다".to_owned(),
            Self::Full { .. } => "요청을 처리할 수 없습니다".to_owned(),
            Self::NoSuchName { .. } => "요청을 처리할 수 없습니다".to_owned(),
            Self::WhichOne => "요청을 처리할 수 없습니다".to_owned(),
            Self::Demanded => "요청을 처리할 수 없습니다".to_owned(),
            Self::NoCodes => "요청을 처리할 수 없습니다".to_owned(),
            Self::NotProven => "인증 수단을 등록하지 못했습니다".to_owned(),
            Self::ChangedMeanwhile => "요청을 처리할 수 없습니다".to_owned(),
            Self::NotAuthenticated => "본인 확인에 실패했습니다".to_owned(),
            Self::TimeIsOver => "제한 시간이 지났습니다".to_owned(),
            Self::Unknown => "저장되었는지 확인하지 못했습니다".to_owned(),
            Self::Uncertain => "시스템이 응답하지 않습니다".to_owned(),
            Self::LoggedOut => "로그아웃했습니다".to_owned(),
            Self::LoggedOutEverywhere => "모든 곳에서 로그아웃했습니다".to_owned(),
        }
    }

    fn text_in_english(self) -> String {
        match self {
            Self::Unavailable => "The system that checks logins does not answer. Nothing was changed. Try again later; if this continues, tell your administrator.".to_owned(),
            Self::Idle => "It was not used for some time.".to_owned(),
            Self::Absolute => "For safety a login ends after some time, and yours has lasted that long.".to_owned(),
            Self::LoginTooOld { minutes } => format!("The first authenticator of an account has to be set up within {minutes} minutes of logging in. Nothing was changed. Log in again, and set it up right away."),
            Self::AccountChanged => "The account has changed since you logged in.".to_owned(),
            Self::LockedMeanwhile => "The account was locked in the meantime.".to_owned(),
            Self::AuthenticatorsGone => "The authenticators that you had when you logged in have been replaced or removed.".to_owned(),
            Self::EndedEverywhere => "You have logged out everywhere.".to_owned(),
            Self::EndedUnproven { times } => format!("A change first asks you to prove who you are, and the answer was wrong {times} times in a row. Nothing was changed. Log in again to go on."),
            Self::EndedSomehow => "Log in again to go on.".to_owned(),
            Self::TooManyAttempts { minutes: 1 } => "Wait 1 minute, and try again.".to_owned(),
            Self::TooManyAttempts { minutes } => format!("Wait {minutes} minutes, and try again."),
            Self::NotFound => "Check the address, or go to the start.".to_owned(),
            Self::WrongSite { host } => format!("The site \"{host}\" is not one of those that this portal serves. Check the link that brought you here, or ask your administrator."),
            Self::NotForYou { host } => format!("You are logged in, but your account is in none of the groups that \"{host}\" is for. Ask your administrator."),
            Self::FormTooOld => "This page was open for too long, or was sent before. Nothing was changed. Go to the start and try again.".to_owned(),
            Self::BadRequest => "Nothing was changed. Go to the start and try again.".to_owned(),
            Self::ChangeLocked { opens: true } => "The account is locked, and nothing can be changed until the lock ends. Log in with a recovery code, or ask your administrator.".to_owned(),
            Self::ChangeLocked { opens: false } => "The account is locked, and nothing can be changed until the lock ends. Wait, or ask your administrator.".to_owned(),
            Self::ChangeDisabled => "The account is disabled, and nothing can be changed. Ask your administrator.".to_owned(),
            Self::NoDevice => "The account has no authenticator. Set one up first.".to_owned(),
            Self::NameTaken { name } => format!("Another authenticator is called \"{name}\". Nothing was changed. Choose a different name."),
            Self::Full { most } => format!("There are {most} authenticators, and more are not allowed. Remove one first."),
            Self::NoSuchName { name } => format!("No authenticator is called \"{name}\" any longer. Nothing was changed."),
            Self::WhichOne => "There are several authenticators. Choose one of them.".to_owned(),
            Self::Demanded => "It is the last authenticator, and this system demands one. Replace it with a new one instead.".to_owned(),
            Self::NoCodes => "This system issues no recovery codes.".to_owned(),
            Self::NotProven => "No code of the new authenticator was right. Nothing was changed. Delete the entry from the app, check that the clock of the device is set automatically, and start again.".to_owned(),
            Self::ChangedMeanwhile => "The authenticators were changed elsewhere in the meantime. Nothing was changed here. Start again.".to_owned(),
            Self::NotAuthenticated => "Nothing was changed. Start again. Each code works once: wait for the next one, or type a recovery code.".to_owned(),
            Self::TimeIsOver => "Nothing was changed. Start again, and take no more than 10 minutes. A key or recovery codes that were shown to you do not work: delete what you have added to the app.".to_owned(),
            Self::Unknown => "Keep the old device and the new one, and all recovery codes. The overview shows which authenticators work.".to_owned(),
            Self::Uncertain => "It is not known whether your last step was carried out. Log in again, or go to the start, and look. Until then keep the key and the recovery codes if some were shown to you. If this happens again, tell your administrator.".to_owned(),
            Self::LoggedOut => "This login has ended, for the sites that you opened from it as well.".to_owned(),
            Self::LoggedOutEverywhere => "All your logins to this portal have ended.".to_owned(),
        }
    }

    fn text_in_korean(self) -> String {
        match self {
            Self::Unavailable => "로그인을 확인하는 시스템이 응답하지 않습니다. 변경된 내용은 없습니다. 잠시 후 다시 시도해 주세요. 문제가 계속되면 관리자에게 문의해 주세요.".to_owned(),
            Self::Idle => "일정 시간 동안 사용하지 않아 로그아웃되었습니다.".to_owned(),
            Self::Absolute => "로그인을 유지할 수 있는 시간이 지나 로그아웃되었습니다.".to_owned(),
            Self::LoginTooOld { minutes } => format!("계정의 첫 인증 수단은 로그인한 뒤 {minutes}분 안에 등록해야 합니다. 변경된 내용은 없습니다. 다시 로그인한 다음 바로 등록해 주세요."),
            Self::AccountChanged => "로그인한 뒤 계정 정보가 변경되어 로그아웃되었습니다.".to_owned(),
            Self::LockedMeanwhile => "그사이 계정이 잠겨 로그아웃되었습니다.".to_owned(),
            Self::AuthenticatorsGone => "로그인할 때 사용하던 인증 수단이 교체되거나 삭제되어 로그아웃되었습니다.".to_owned(),
            Self::EndedEverywhere => "모든 곳에서 로그아웃했습니다.".to_owned(),
            Self::EndedUnproven { times } => format!("변경하기 전의 본인 확인에 {times}번 연속으로 실패해 로그아웃되었습니다. 변경된 내용은 없습니다. 계속하려면 다시 로그인해 주세요."),
            Self::EndedSomehow => "계속하려면 다시 로그인해 주세요.".to_owned(),
            Self::TooManyAttempts { minutes } => format!("{minutes}분 뒤에 다시 시도해 주세요."),
            Self::NotFound => "주소를 확인하거나 처음 화면으로 이동해 주세요.".to_owned(),
            Self::WrongSite { host } => format!("\"{host}\" 사이트는 이 포털에 등록되어 있지 않습니다. 사용한 링크를 확인하거나 관리자에게 문의해 주세요."),
            Self::NotForYou { host } => format!("로그인되어 있지만 이 계정은 \"{host}\" 사이트를 이용할 수 있는 그룹에 속하지 않습니다. 관리자에게 문의해 주세요."),
            Self::FormTooOld => "더 이상 유효하지 않은 페이지에서 보낸 요청입니다. 변경된 내용은 없습니다. 처음 화면에서 다시 시도해 주세요.".to_owned(),
            Self::BadRequest => "변경된 내용은 없습니다. 처음 화면에서 다시 시도해 주세요.".to_owned(),
            Self::ChangeLocked { opens: true } => "계정이 잠겨 있는 동안에는 변경할 수 없습니다. 복구 코드로 로그인하거나 관리자에게 문의해 주세요.".to_owned(),
            Self::ChangeLocked { opens: false } => "계정이 잠겨 있는 동안에는 변경할 수 없습니다. 잠금이 해제된 뒤 다시 시도하거나 관리자에게 문의해 주세요.".to_owned(),
            Self::ChangeDisabled => "계정 사용이 중지되어 변경할 수 없습니다. 관리자에게 문의해 주세요.".to_owned(),
            Self::NoDevice => "등록된 인증 수단이 없습니다. 먼저 등록해 주세요.".to_owned(),
            Self::NameTaken { name } => format!("이름이 \"{name}\"인 인증 수단이 이미 있습니다. 변경된 내용은 없습니다. 다른 이름을 입력해 주세요."),
            Self::Full { most } => format!("인증 수단이 {most}개 있어 더 등록할 수 없습니다. 먼저 하나를 삭제해 주세요."),
            Self::NoSuchName { name } => format!("이름이 \"{name}\"인 인증 수단이 없습니다. 변경된 내용은 없습니다."),
            Self::WhichOne => "인증 수단이 여러 개 있습니다. 그중 하나를 선택해 주세요.".to_owned(),
            Self::Demanded => "마지막 인증 수단이며, 이 시스템에서는 인증 수단이 반드시 있어야 합니다. 삭제하는 대신 새 인증 수단으로 교체해 주세요.".to_owned(),
            Self::NoCodes => "이 시스템에서는 복구 코드를 발급하지 않습니다.".to_owned(),
            Self::NotProven => "새 인증 수단의 인증 코드를 확인하지 못했습니다. 변경된 내용은 없습니다. 인증 앱에 추가한 항목을 삭제하고 기기의 시간이 자동으로 설정되어 있는지 확인한 뒤 다시 시작해 주세요.".to_owned(),
            Self::ChangedMeanwhile => "그사이 다른 곳에서 인증 수단이 변경되었습니다. 이번 요청으로 변경된 내용은 없습니다. 다시 시작해 주세요.".to_owned(),
            Self::NotAuthenticated => "변경된 내용은 없습니다. 다시 시작해 주세요. 인증 코드 대신 복구 코드를 사용할 수 있으며, 코드는 한 번만 사용할 수 있습니다.".to_owned(),
            Self::TimeIsOver => "변경된 내용은 없습니다. 다시 시작하여 10분 안에 완료해 주세요. 표시되었던 키와 복구 코드는 사용할 수 없습니다.".to_owned(),
            Self::Unknown => "기존 기기와 새 기기, 모든 복구 코드를 보관해 주세요. 내 계정 화면에서 사용할 수 있는 인증 수단을 확인할 수 있습니다.".to_owned(),
            Self::Uncertain => "마지막 단계가 처리되었는지 확인하지 못했습니다. 다시 로그인하거나 처음 화면에서 확인해 주세요. 확인할 때까지 표시되었던 키와 복구 코드를 보관해 주세요. 같은 문제가 다시 생기면 관리자에게 문의해 주세요.".to_owned(),
            Self::LoggedOut => "로그인이 종료되었습니다. 포털에서 이동한 사이트에서도 로그아웃됩니다.".to_owned(),
            Self::LoggedOutEverywhere => "이 포털의 모든 로그인을 종료했습니다.".to_owned(),
        }
    }
}
