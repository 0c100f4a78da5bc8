//! Titles, headings, fields, buttons, and sentences without a value.

use crate::every;
use crate::record::Language;

/// One label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// Link: skip the links of the page.
    Skip,
    /// Name of the links to other pages.
    Pages,
    /// Name of the switch of language.
    Language,
    /// Prefix of the title of a page that shows an error.
    Error,
    /// Title and link: log in.
    LogIn,
    /// Link: log in again.
    LogInAgain,
    /// Button: end this session.
    LogOut,
    /// Field: the name to log in with.
    UserName,
    /// Button: go on.
    Continue,
    /// Button: cancel, before anything has begun that could be lost.
    Cancel,
    /// Button: cancel a change.
    CancelUnsaved,
    /// Button: begin the login again with another name.
    NotYou,
    /// Summary: use another kind of code than that of the app.
    OtherCode,
    /// Field: another kind of code.
    OtherCodeField,
    /// Heading: the login was refused.
    RefusedTitle,
    /// Title: the account is locked.
    Locked,
    /// Title: the account is disabled.
    Disabled,
    /// Title: what the login said.
    SaidTitle,
    /// Title and link: the user's own account.
    Overview,
    /// Title, and link: recent events.
    Activity,
    /// Title, and link: sessions.
    Sessions,
    /// Heading: authenticators.
    Authenticators,
    /// Heading: recovery codes.
    RecoveryCodes,
    /// Heading: sites that the user can open.
    Sites,
    /// Heading: other things that can be done.
    More,
    /// Title, and link: set up the first authenticator.
    SetUp,
    /// Button: begin to set up.
    SetUpNow,
    /// Button: do it later.
    Later,
    /// Title and link: one more authenticator.
    Add,
    /// Title and link: a new authenticator that replaces all.
    Replace,
    /// Title: remove an authenticator.
    Remove,
    /// Link and button: remove.
    RemoveShort,
    /// Title, link and button: new recovery codes.
    NewCodes,
    /// Title, and link: try a code.
    Try,
    /// Heading: another code.
    TryAgain,
    /// Heading: the result.
    Result,
    /// Field: the name of an authenticator.
    DeviceName,
    /// Hint beside that field.
    DeviceNameHint,
    /// Error: no name was typed.
    NameEmpty,
    /// Error: the name is taken.
    NameTaken,
    /// Error: an authenticator cannot have that name.
    NameWrong,
    /// Error: a user cannot have that name.
    UserWrong,
    /// Heading: the first step.
    ScanStep,
    /// Heading: typing the key instead of scanning.
    TypeStep,
    /// Heading: the last step.
    ProveStep,
    /// Hint beside the field of that step.
    ProveHint,
    /// Link: give the URI to an app on this device.
    OpenInApp,
    /// What the picture shows: the QR code.
    Picture,
    /// Summary: the other forms of the key.
    MoreForms,
    /// Button: check a code.
    CheckCode,
    /// Button: copy the key.
    CopyKey,
    /// Button: copy the URI.
    CopyUri,
    /// Button: copy the recovery codes.
    CopyCodes,
    /// Shown after something was copied.
    Copied,
    /// Shown if something could not be copied.
    NotCopied,
    /// Link: save as a file.
    Download,
    /// Button: print.
    Print,
    /// Without scripts: how to copy and print.
    ByHand,
    /// Title: recovery codes.
    KeepCodes,
    /// Box: the codes are kept.
    KeptBox,
    /// Error: the box is not ticked.
    KeptMissing,
    /// Button: save the change.
    Finish,
    /// Label: when it was set up.
    Enrolled,
    /// Label: when it was last used.
    LastUsed,
    /// The authenticator was never used.
    NeverUsed,
    /// Label: the counter of the next code.
    NextCounter,
    /// Label: when a lock ends.
    Until,
    /// Label: the last attempt that was refused.
    LastRefusal,
    /// Reason for a refusal: a wrong code.
    WrongCode,
    /// Reason for a refusal: a used code.
    ReplayedCode,
    /// Reason for a refusal: a lock.
    WasLocked,
    /// Reason for a refusal: a clock that was off.
    ClockWasOff,
    /// There is no authenticator.
    NoDevices,
    /// Why the user should set up an authenticator.
    WhySetUp,
    /// The user must have an authenticator now.
    DemandedNow,
    /// There are no recovery codes.
    NoCodesLeft,
    /// Few recovery codes are left.
    FewCodes,
    /// The recovery codes come from another program.
    ImportedCodes,
    /// Recovery codes of another program are removed, and no new ones are made.
    ImportedCodesGo,
    /// What happens to the old recovery codes.
    OldCodesGo,
    /// What adding an authenticator means.
    AddOpening,
    /// What replacing authenticators means.
    ReplaceOpening,
    /// What trying a code is for.
    TryOpening,
    /// Field: the code to try.
    TryField,
    /// What the events are.
    ActivityOpening,
    /// There are no events.
    NoEvents,
    /// Older events were left out.
    EventsCut,
    /// Label: the address of the user.
    From,
    /// Label: the authenticator.
    Authenticator,
    /// Label: the service.
    Service,
    /// The session of this request.
    ThisSession,
    /// Label: when a session began.
    Began,
    /// Label: when a session ends at the latest.
    EndsBy,
    /// What the sessions are.
    SessionsOpening,
    /// Button: end all sessions.
    LogOutEverywhere,
    /// What that button does.
    LogOutEverywhereHint,
    /// Link: to the first page.
    BackToStart,
    /// Nothing was changed.
    NothingChanged,
    /// The enrolment was put off.
    PutOff,
    /// The login was cancelled.
    Left,
    /// The login took too long.
    LoginTooLong,
    /// The login was refused, without a reason.
    RefusedPlainly,
    /// Hint beside the question for a code.
    CodeHint,
    /// What authenticators are.
    AuthenticatorsHint,
    /// What recovery codes are for.
    RecoveryCodesHint,
}

impl Label {
    /// All variants.
    pub const ALL: [Self; 105] = every!(
        Label: Skip, Pages, Language, Error, LogIn, LogInAgain, LogOut, UserName, Continue, Cancel, CancelUnsaved, NotYou, OtherCode, OtherCodeField, RefusedTitle, Locked, Disabled, SaidTitle, Overview, Activity, Sessions, Authenticators, RecoveryCodes, Sites, More, SetUp, SetUpNow, Later, Add, Replace, Remove, RemoveShort, NewCodes, Try, TryAgain, Result, DeviceName, DeviceNameHint, NameEmpty, NameTaken, NameWrong, UserWrong, ScanStep, TypeStep, ProveStep, ProveHint, OpenInApp, Picture, MoreForms, CheckCode, CopyKey, CopyUri, CopyCodes, Copied, NotCopied, Download, Print, ByHand, KeepCodes, KeptBox, KeptMissing, Finish, Enrolled, LastUsed, NeverUsed, NextCounter, Until, LastRefusal, WrongCode, ReplayedCode, WasLocked, ClockWasOff, NoDevices, WhySetUp, DemandedNow, NoCodesLeft, FewCodes, ImportedCodes, ImportedCodesGo, OldCodesGo, AddOpening, ReplaceOpening, TryOpening, TryField, ActivityOpening, NoEvents, EventsCut, From, Authenticator, Service, ThisSession, Began, EndsBy, SessionsOpening, LogOutEverywhere, LogOutEverywhereHint, BackToStart, NothingChanged, PutOff, Left, LoginTooLong, RefusedPlainly, CodeHint, AuthenticatorsHint, RecoveryCodesHint,
    );

    /// Returns the text in this language.
    #[must_use]
    pub const fn text(self, language: Language) -> &'static str {
        match language {
            Language::English => self.english(),
            Language::Korean => self.korean(),
        }
    }

    #[expect(clippy::too_many_lines, reason = "a line each")]
    const fn english(self) -> &'static str {
        match self {
            Self::Skip => "Skip to the content",
            Self::Pages => "Pages",
            Self::Language => "Language",
            Self::Error => "Error",
            Self::LogIn => "Log in",
            Self::LogInAgain => "Log in again",
            Self::LogOut => "Log out",
            Self::UserName => "User name",
            Self::Continue => "Continue",
            Self::Cancel => "Cancel",
            Self::CancelUnsaved => "Cancel without saving",
            Self::NotYou => "Log in with another user name",
            Self::OtherCode => "Use a recovery code, or ask for a code by email",
            Self::OtherCodeField => {
                "Recovery code; or, for a code by email where that is offered, the word \"email\""
            }
            Self::RefusedTitle => "You were not logged in",
            Self::Locked => "The account is locked",
            Self::Disabled => "The account is disabled",
            Self::SaidTitle => "Before you go on",
            Self::Overview => "Overview",
            Self::Activity => "Recent activity",
            Self::Sessions => "Your logins",
            Self::Authenticators => "Authenticators",
            Self::RecoveryCodes => "Recovery codes",
            Self::Sites => "Sites you can open",
            Self::More => "More",
            Self::SetUp => "Set up an authenticator",
            Self::SetUpNow => "Set up now",
            Self::Later => "Later",
            Self::Add => "Add an authenticator",
            Self::Replace => "Replace with a new one",
            Self::Remove => "Remove an authenticator",
            Self::RemoveShort => "Remove",
            Self::NewCodes => "New recovery codes",
            Self::Try => "Try a code",
            Self::TryAgain => "Try another",
            Self::Result => "Result",
            Self::DeviceName => "Name of the authenticator",
            Self::DeviceNameHint => {
                "Up to 32 characters, for example phone, laptop or browser. It tells several apart."
            }
            Self::NameEmpty => "Type a name for the authenticator.",
            Self::NameTaken => "Another authenticator has this name. Choose a different one.",
            Self::NameWrong => {
                "A name has up to 32 characters, and none of them is a quotation mark or a backslash."
            }
            Self::UserWrong => "Type the user name that you have on this system.",
            Self::ScanStep => "Scan",
            Self::TypeStep => "Or type the key",
            Self::ProveStep => "Type the code",
            Self::ProveHint => {
                "The app now shows a code, and another one after a while. Type the one that it shows now."
            }
            Self::OpenInApp => "Open in an app on this device",
            Self::Picture => "QR code with the key",
            Self::MoreForms => "Other ways to add the key",
            Self::CheckCode => "Check the code",
            Self::CopyKey => "Copy the key",
            Self::CopyUri => "Copy the URI",
            Self::CopyCodes => "Copy the codes",
            Self::Copied => "Copied.",
            Self::NotCopied => "The browser did not copy. Select the text and copy it yourself.",
            Self::Download => "Download as a file",
            Self::Print => "Print",
            Self::ByHand => "To print, use the menu of your browser. To copy, select the codes.",
            Self::KeepCodes => "Keep your recovery codes",
            Self::KeptBox => "I have put the recovery codes in a safe place",
            Self::KeptMissing => {
                "Tick the box once the recovery codes are printed, saved or written down. Nothing is saved before that."
            }
            Self::Finish => "Finish",
            Self::Enrolled => "Set up",
            Self::LastUsed => "Last used",
            Self::NeverUsed => "never",
            Self::NextCounter => "Next counter",
            Self::Until => "Until",
            Self::LastRefusal => "Last refused attempt",
            Self::WrongCode => "the code was wrong",
            Self::ReplayedCode => "the code had been used before",
            Self::WasLocked => "the account was locked",
            Self::ClockWasOff => {
                "the code was right for a clock that is minutes off: check the clock of the device"
            }
            Self::NoDevices => "No authenticator is set up.",
            Self::WhySetUp => {
                "An authenticator is an app, often on a phone, that keeps showing new codes. You type a code too when you log in, so somebody who learns the rest of your login still cannot log in as you."
            }
            Self::DemandedNow => {
                "This system demands an authenticator, and you have none: the next login may be refused. Set one up now."
            }
            Self::NoCodesLeft => "There are no recovery codes.",
            Self::FewCodes => "Few are left: make new ones before the last is used.",
            Self::ImportedCodes => {
                "These are from before this system was changed. Replace them with new ones."
            }
            Self::ImportedCodesGo => "Your old recovery codes of 8 digits stop working as well.",
            Self::OldCodesGo => {
                "When you finish, the old ones stop working. Until then nothing changes."
            }
            Self::AddOpening => {
                "For a second device, or for a second person who uses this account. Nothing is saved until you finish."
            }
            Self::ReplaceOpening => {
                "For when you have a new device. The old one works until you have finished."
            }
            Self::TryOpening => {
                "Check whether a code is right, as a login would. This uses up a right code, and too many wrong ones lock the account."
            }
            Self::TryField => "Code, or recovery code",
            Self::ActivityOpening => {
                "What happened with codes on this account, the newest first. If something was not you, change your authenticators and tell your administrator."
            }
            Self::NoEvents => "Nothing has happened lately.",
            Self::EventsCut => "Older events are not shown.",
            Self::From => "From",
            Self::Authenticator => "Authenticator",
            Self::Service => "Service",
            Self::ThisSession => "This login",
            Self::Began => "Began",
            Self::EndsBy => "Ends at the latest",
            Self::SessionsOpening => {
                "Every place where you have logged in to this portal. The sites that you opened from there belong to the same login."
            }
            Self::LogOutEverywhere => "Log out everywhere",
            Self::LogOutEverywhereHint => {
                "Ends all of these, and this one too. Do this if a device is lost, or if you do not know one of them."
            }
            Self::BackToStart => "Go to the start",
            Self::NothingChanged => "Nothing was changed.",
            Self::PutOff => "You can set it up here at any time.",
            Self::Left => "The login was cancelled.",
            Self::LoginTooLong => "The login took too long. Start over.",
            Self::RefusedPlainly => "The login was refused. Check what you type, and try again.",
            Self::CodeHint => "Open your authenticator app, and type the code that it shows now.",
            Self::AuthenticatorsHint => "The apps and devices that show the codes you log in with.",
            Self::RecoveryCodesHint => {
                "When you do not have your device, each of them lets you log in once."
            }
        }
    }

    #[expect(
        clippy::match_same_arms,
        clippy::too_many_lines,
        reason = "a line each"
    )]
    const fn korean(self) -> &'static str {
        match self {
            Self::Skip => "본문으로 건너뛰기",
            Self::Pages => "페이지",
            Self::Language => "언어",
            Self::Error => "오류",
            Self::LogIn => "로그인",
            Self::LogInAgain => "다시 로그인",
            Self::LogOut => "로그아웃",
            Self::UserName => "사용자 이름",
            Self::Continue => "계속",
            Self::Cancel => "취소",
            Self::CancelUnsaved => "저장하지 않고 취소",
            Self::NotYou => "다른 계정으로 로그인",
            Self::OtherCode => "복구 코드 사용 또는 이메일로 인증 코드 받기",
            Self::OtherCodeField => {
                "복구 코드. 이메일로 인증 코드를 받을 수 있으면 \"email\"을 입력해 주세요"
            }
            Self::RefusedTitle => "로그인하지 못했습니다",
            Self::Locked => "계정이 잠겨 있습니다",
            Self::Disabled => "계정 사용이 중지되었습니다",
            Self::SaidTitle => "계속하기 전에 확인해 주세요",
            Self::Overview => "내 계정",
            Self::Activity => "최근 활동",
            Self::Sessions => "로그인 관리",
            Self::Authenticators => "인증 수단",
            Self::RecoveryCodes => "복구 코드",
            Self::Sites => "이용할 수 있는 사이트",
            Self::More => "기타",
            Self::SetUp => "인증 수단 등록",
            Self::SetUpNow => "지금 등록",
            Self::Later => "나중에",
            Self::Add => "인증 수단 추가",
            Self::Replace => "새 인증 수단으로 교체",
            Self::Remove => "인증 수단 삭제",
            Self::RemoveShort => "삭제",
            Self::NewCodes => "복구 코드 재발급",
            Self::Try => "인증 코드 테스트",
            Self::TryAgain => "다른 코드 테스트",
            Self::Result => "결과",
            Self::DeviceName => "인증 수단 이름",
            Self::DeviceNameHint => {
                "여러 개를 구별할 수 있는 이름을 정해 주세요. 최대 32자(예: 휴대폰, 노트북, 브라우저)."
            }
            Self::NameEmpty => "인증 수단의 이름을 입력해 주세요.",
            Self::NameTaken => "같은 이름의 인증 수단이 있습니다. 다른 이름을 입력해 주세요.",
            Self::NameWrong => "이름은 최대 32자이며, 따옴표와 역슬래시는 사용할 수 없습니다.",
            Self::UserWrong => "이 시스템의 사용자 이름을 입력해 주세요.",
            Self::ScanStep => "스캔",
            Self::TypeStep => "또는 키 입력",
            Self::ProveStep => "인증 코드 입력",
            Self::ProveHint => {
                "인증 코드는 일정한 시간마다 바뀝니다. 지금 표시된 인증 코드를 입력해 주세요."
            }
            Self::OpenInApp => "이 기기의 인증 앱에서 열기",
            Self::Picture => "키가 담긴 QR 코드",
            Self::MoreForms => "다른 방법으로 키 추가",
            Self::CheckCode => "인증 코드 확인",
            Self::CopyKey => "키 복사",
            Self::CopyUri => "URI 복사",
            Self::CopyCodes => "복구 코드 복사",
            Self::Copied => "복사했습니다.",
            Self::NotCopied => "브라우저에서 복사하지 못했습니다. 직접 선택하여 복사해 주세요.",
            Self::Download => "파일로 저장",
            Self::Print => "인쇄",
            Self::ByHand => {
                "인쇄하려면 브라우저의 인쇄 메뉴를 사용해 주세요. 복사하려면 복구 코드를 직접 선택해 주세요."
            }
            Self::KeepCodes => "복구 코드 보관",
            Self::KeptBox => "복구 코드를 안전한 곳에 보관했습니다",
            Self::KeptMissing => {
                "복구 코드를 인쇄하거나 파일로 저장하거나 적어 둔 뒤 확인란을 선택해 주세요. 그 전에는 아무것도 저장되지 않습니다."
            }
            Self::Finish => "완료",
            Self::Enrolled => "등록",
            Self::LastUsed => "마지막 사용",
            Self::NeverUsed => "사용한 적 없음",
            Self::NextCounter => "다음 카운터",
            Self::Until => "종료 시각",
            Self::LastRefusal => "마지막으로 거부된 시도",
            Self::WrongCode => "인증 코드가 맞지 않음",
            Self::ReplayedCode => "이미 사용한 인증 코드",
            Self::WasLocked => "계정이 잠겨 있음",
            Self::ClockWasOff => {
                "인증 코드는 맞지만 기기의 시간이 몇 분 어긋나 있음: 기기의 시간 설정 확인 필요"
            }
            Self::NoDevices => "등록된 인증 수단이 없습니다.",
            Self::WhySetUp => {
                "인증 앱은 계속 바뀌는 인증 코드를 보여 주는 앱입니다. 로그인할 때 그 인증 코드도 입력하므로 비밀번호가 유출되어도 다른 사람이 로그인할 수 없습니다."
            }
            Self::DemandedNow => {
                "이 시스템에서는 인증 수단이 필요하지만 등록된 인증 수단이 없습니다. 다음 로그인이 거부될 수 있으므로 지금 등록해 주세요."
            }
            Self::NoCodesLeft => "복구 코드가 없습니다.",
            Self::FewCodes => "얼마 남지 않았습니다. 모두 사용하기 전에 재발급해 주세요.",
            Self::ImportedCodes => {
                "시스템이 바뀌기 전부터 사용하던 복구 코드입니다. 복구 코드를 재발급해 주세요."
            }
            Self::ImportedCodesGo => {
                "기존에 사용하던 8자리 복구 코드도 더 이상 사용할 수 없습니다."
            }
            Self::OldCodesGo => {
                "완료하면 기존 복구 코드는 더 이상 사용할 수 없습니다. 그 전에는 아무것도 바뀌지 않습니다."
            }
            Self::AddOpening => {
                "기기를 하나 더 사용하거나 다른 사람과 계정을 함께 사용할 때 추가합니다. 완료하기 전에는 아무것도 저장되지 않습니다."
            }
            Self::ReplaceOpening => {
                "새 기기로 바꿀 때 사용합니다. 완료하기 전까지 기존 인증 수단을 그대로 사용할 수 있습니다."
            }
            Self::TryOpening => {
                "로그인할 때와 똑같이 확인합니다. 코드가 맞으면 다시 사용할 수 없고, 맞지 않으면 연속 실패 횟수에 포함되어 계정이 잠길 수 있습니다."
            }
            Self::TryField => "인증 코드 또는 복구 코드",
            Self::ActivityOpening => {
                "이 계정의 인증 코드와 관련된 최근 활동입니다. 본인이 하지 않은 활동이 있으면 인증 수단을 교체하고 관리자에게 알려 주세요."
            }
            Self::NoEvents => "최근 활동이 없습니다.",
            Self::EventsCut => "더 오래된 활동은 표시하지 않습니다.",
            Self::From => "접속 주소",
            Self::Authenticator => "인증 수단",
            Self::Service => "서비스",
            Self::ThisSession => "현재 로그인",
            Self::Began => "로그인 시각",
            Self::EndsBy => "늦어도 종료되는 시각",
            Self::SessionsOpening => {
                "이 포털에 로그인되어 있는 목록입니다. 포털에서 이동한 사이트도 같은 로그인에 포함됩니다."
            }
            Self::LogOutEverywhere => "모든 곳에서 로그아웃",
            Self::LogOutEverywhereHint => {
                "지금 사용하는 로그인을 포함하여 모두 종료합니다. 기기를 잃어버렸거나 모르는 로그인이 있을 때 사용해 주세요."
            }
            Self::BackToStart => "처음 화면으로",
            Self::NothingChanged => "변경된 내용은 없습니다.",
            Self::PutOff => "언제든지 이 화면에서 등록할 수 있습니다.",
            Self::Left => "로그인을 취소했습니다.",
            Self::LoginTooLong => "로그인 시간이 초과되었습니다. 처음부터 다시 로그인해 주세요.",
            Self::RefusedPlainly => {
                "로그인이 거부되었습니다. 입력한 내용을 확인하고 다시 시도해 주세요."
            }
            Self::CodeHint => "인증 앱을 열어 지금 표시된 인증 코드를 입력해 주세요.",
            Self::AuthenticatorsHint => {
                "로그인할 때 입력하는 인증 코드를 보여 주는 앱과 기기입니다."
            }
            Self::RecoveryCodesHint => {
                "기기가 없을 때 인증 코드 대신 입력합니다. 복구 코드마다 한 번씩만 로그인할 수 있습니다."
            }
        }
    }
}
