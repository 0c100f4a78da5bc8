//! What the dialogue of `otp-enroll` says. Keys, URIs and codes are never part of a sentence: the code that holds them
//! writes them beside it and wipes them.

use super::length;
use crate::code::Ignored;
use crate::messages::korean::{Particle, with};
use crate::record::{Algorithm, Authenticator, Kind, Language};
use std::time::Duration;

/// The word that says that the recovery codes are kept, and the same word in Korean. Both are accepted in either
/// language.
pub const KEPT: [&str; Language::ALL.len()] = ["kept", "보관"];

/// Returns words of which either may be typed, in Korean, as the object of a sentence.
fn either([first, second]: [&str; Language::ALL.len()]) -> String {
    let or = with(&format!("\"{first}\""), Particle::Or);
    let object = with(&format!("\"{second}\""), Particle::Object);
    format!("{or} {object}")
}

/// The word that puts the enrolment off, and the same word in Korean. Both are accepted in either language.
pub const LATER: [&str; Language::ALL.len()] = ["later", "나중에"];

/// The word that swaps light and dark in a drawing without colours, and the same word in Korean. Both are accepted in
/// either language.
pub const INVERTED: [&str; Language::ALL.len()] = ["inverted", "반전"];

/// Whether a reply is one of those words, in any case and with white space around it.
#[must_use]
pub fn is_word(reply: &[u8], words: &[&str]) -> bool {
    let reply = String::from_utf8_lossy(reply).trim().to_lowercase();
    words.contains(&reply.as_str())
}

/// One thing that the dialogue says or asks.
#[derive(Clone, Copy)]
pub enum Dialogue<'a> {
    /// What the dialogue is for, and how to leave it.
    Opening {
        /// The user's name.
        user: &'a str,
        /// The issuer that the phone will show.
        issuer: &'a str,
    },
    /// What the dialogue is for, in a login.
    LoginOpening {
        /// The user's name.
        user: &'a str,
        /// The issuer that the phone will show.
        issuer: &'a str,
    },
    /// Asks a user in a login to begin.
    BeginQuestion,
    /// Asks the same, and offers to do it later.
    BeginOrLaterQuestion,
    /// The account already has an authenticator.
    Replaces {
        /// The names of the old ones.
        names: &'a str,
    },
    /// Recovery codes of another program are removed, and new ones are made.
    ImportedCodesReplaced,
    /// Recovery codes of another program are removed, and no new ones are made.
    ImportedCodesGo,
    /// An authenticator will be removed.
    Removes {
        /// The user's name.
        user: &'a str,
        /// Its name.
        name: &'a str,
    },
    /// New recovery codes will be made.
    NewCodes {
        /// The user's name.
        user: &'a str,
    },
    /// The questions of the PAM service follow.
    ProveYourself,
    /// What to do with the QR code, if one is drawn or written.
    Scan,
    /// What to do with the key, if no QR code is drawn or written.
    GiveKey,
    /// The key follows, in groups.
    Key,
    /// The key follows, without groups.
    PlainKey,
    /// The URI follows.
    Uri,
    /// What must be set by hand.
    Settings(&'a Authenticator),
    /// The QR code is also in a file.
    QrFile {
        /// Its path.
        path: &'a str,
    },
    /// The QR code does not fit the terminal.
    TooNarrow {
        /// Columns that it takes.
        needed: usize,
        /// Columns that there are.
        columns: usize,
    },
    /// The QR code is higher than the terminal.
    TooHigh {
        /// Lines that it takes, including the question below it.
        needed: usize,
        /// Lines that there are.
        lines: usize,
    },
    /// The QR code of a login cannot be drawn.
    NoRoom {
        /// Columns that there are.
        columns: usize,
    },
    /// The QR code of a login may be higher than the terminal.
    Scroll {
        /// Lines that it takes.
        lines: usize,
    },
    /// What to do if the app does not see the QR code, directly below one without colours: a single line.
    NotSeen,
    /// The same below one drawn with ASCII characters, whose gaps close at some distance: also a single line.
    NotSeenFromNear,
    /// Asks for the code of the new device.
    CodeQuestion {
        /// Length of a code.
        digits: u8,
    },
    /// The reply is not a code.
    NotACode {
        /// Length of a code.
        digits: u8,
    },
    /// The device's clock is behind.
    ClockBehind(Duration),
    /// The device's clock is ahead.
    ClockAhead(Duration),
    /// The code comes from an app that ignores these settings of the authenticator.
    Ignores(Ignored, &'a Authenticator),
    /// The code belongs to no time near now.
    NoMatch,
    /// How many tries are left.
    TriesLeft(u32),
    /// The code was right.
    Proven,
    /// Title of the recovery codes.
    CodesTitle {
        /// The user's name.
        user: &'a str,
        /// The name of the host.
        host: &'a str,
        /// When they were issued, to the minute.
        issued: &'a str,
    },
    /// What recovery codes are for.
    CodesUse,
    /// Says that they are shown only once.
    CodesOnce,
    /// They were sent to the clipboard.
    Copied,
    /// Asks for a file to save them in.
    SaveQuestion,
    /// They are saved.
    Saved {
        /// The path of the file.
        path: &'a str,
    },
    /// Asks whether they are kept.
    KeptQuestion,
    /// Another word was typed.
    NotKept,
    /// The enrolment is done.
    Done {
        /// The user's name.
        user: &'a str,
        /// Its name.
        name: &'a str,
        /// How many recovery codes were made with it.
        codes: usize,
    },
    /// An authenticator was removed.
    Removed {
        /// The user's name.
        user: &'a str,
        /// Its name.
        name: &'a str,
        /// Whether it was the last one.
        last: bool,
    },
    /// New recovery codes were made.
    CodesDone {
        /// The user's name.
        user: &'a str,
        /// How many.
        codes: usize,
    },
    /// A file that the user should delete.
    DeleteQrFile {
        /// Its path.
        path: &'a str,
    },
    /// `test`: a code was right.
    TestAccepted {
        /// The name of the authenticator.
        name: &'a str,
    },
    /// `test`: two codes in a row showed how far the clock is off.
    TestResynchronised,
    /// `test`: a login would have been refused.
    TestRefused,
    /// `test`: a login would have been let in by a recovery code.
    TestRecovered,
    /// `test`: failures until the lock.
    TestLeft(u32),
}

impl Dialogue<'_> {
    /// Returns the text in this language.
    #[must_use]
    pub fn text(self, language: Language) -> String {
        match language {
            Language::English => self.english(),
            Language::Korean => self.korean(),
        }
    }

    #[expect(clippy::too_many_lines, reason = "a sentence each")]
    fn english(self) -> String {
        match self {
            Self::Opening { user, issuer } => format!(
                "A new authenticator for {user} at {issuer}. Nothing is saved before the end; Ctrl-C leaves at any point."
            ),
            Self::LoginOpening { user, issuer } => format!(
                "Logging in to {issuer} takes a second factor: a code from an authenticator app, which may be on a phone, on a \
                 computer or in a browser. {user} has none yet; setting it up takes 2 minutes. Nothing is saved before the end."
            ),
            Self::BeginQuestion => "Press Enter to set it up: ".to_owned(),
            Self::BeginOrLaterQuestion => format!("Press Enter to set it up, or type \"{}\": ", LATER[0]),
            Self::Replaces { names } => format!(
                "There is one already ({names}). At the end it is replaced: it stops working, and so do its recovery codes."
            ),
            Self::ImportedCodesReplaced => "The recovery codes of 8 digits, from before the move to pam_otp, stop working at the \
                end as well. New ones take their place."
                .to_owned(),
            Self::ImportedCodesGo => "The recovery codes of 8 digits, from before the move to pam_otp, are removed too. \
                 For new ones run 'otp-enroll recovery-codes'."
                .to_owned(),
            Self::Removes { user, name } => format!(
                "The authenticator \"{name}\" of {user} will be removed and will stop working. With the last one, the \
                 recovery codes are removed too."
            ),
            Self::NewCodes { user } => format!(
                "New recovery codes for {user}. At the end the old ones stop working; Ctrl-C leaves everything as it was."
            ),
            Self::ProveYourself => "First, please prove who you are.".to_owned(),
            Self::Scan => "Scan the QR code with an authenticator app, or give the app the key.".to_owned(),
            Self::GiveKey => "Give the key to an authenticator app.".to_owned(),
            Self::Key => "Key to type (leave out spaces):".to_owned(),
            Self::PlainKey => "Key to copy:".to_owned(),
            Self::Uri => "URI:".to_owned(),
            Self::Settings(device) => format!("Settings: {}", settings(Language::English, device)),
            Self::QrFile { path } => format!("The QR code is also in {path}. It holds the key: delete it afterwards."),
            Self::TooNarrow { needed, columns } => format!(
                "The QR code takes {needed} columns and this terminal has {columns}: widen it and start again, use --qr-file, \
                 or type the key."
            ),
            Self::TooHigh { needed, lines } => format!(
                "The QR code takes {needed} lines and this terminal has {lines}: make it taller, use --qr-file, or type the key."
            ),
            Self::NoRoom { columns } => format!(
                "The QR code does not fit into {columns} columns: type the key into the app."
            ),
            Self::Scroll { lines } => format!(
                "The QR code below takes {lines} lines: make the terminal taller or scroll back, or type the key into the app."
            ),
            Self::NotSeen => format!(
                "If the app sees no QR code, type \"{}\" to swap light and dark.",
                INVERTED[0]
            ),
            Self::NotSeenFromNear => format!(
                "If the app sees no QR code, move the phone back, or type \"{}\".",
                INVERTED[0]
            ),
            Self::CodeQuestion { digits } => format!("{digits}-digit code that the device shows now: "),
            Self::NotACode { digits } => format!("That is not a code: {digits} digits are needed."),
            Self::ClockBehind(by) => format!(
                "This code was right {} ago: the clock of the device is slow by that much. Let it set its clock automatically.",
                length(Language::English, by)
            ),
            Self::ClockAhead(by) => format!(
                "This code will be right in {}: the clock of the device is fast by that much. Let it set its clock automatically.",
                length(Language::English, by)
            ),
            Self::Ignores(settings, device) => format!(
                "This is a code of the right key with wrong settings: the app ignores {}, and its codes are never right here. \
                 Delete the entry and use another app, or ask your administrator for settings that this app takes.",
                ignored(Language::English, settings, device)
            ),
            Self::NoMatch => "This code does not match. Is it from the entry that was just added?".to_owned(),
            Self::TriesLeft(1) => "One try is left.".to_owned(),
            Self::TriesLeft(tries) => format!("{tries} tries are left."),
            Self::Proven => "The code is right.".to_owned(),
            Self::CodesTitle { user, host, issued } => format!("Recovery codes of {user} at {host}, {issued}"),
            Self::CodesUse => "Each works once instead of a code, when the device is not at hand.".to_owned(),
            Self::CodesOnce => "They are shown only now. Print them, or write them down, and keep them apart from the device.".to_owned(),
            Self::Copied => {
                "Sent to the clipboard of this terminal. Not every terminal accepts it, and every program there can read \
                 it: paste the codes where you keep them, and check that they arrived."
                    .to_owned()
            }
            Self::SaveQuestion => {
                "File to save them in, \"copy\" for the clipboard, or Enter to go on without: ".to_owned()
            }
            Self::Saved { path } => format!("Saved in {path}."),
            Self::KeptQuestion => format!("Type \"{}\" when the recovery codes are kept: ", KEPT[0]),
            Self::NotKept => format!("Nothing is saved before you type \"{}\". Ctrl-C leaves everything as it was.", KEPT[0]),
            Self::Done { user, name, codes: 0 } => format!("{user}: authenticator \"{name}\" is enrolled"),
            Self::Done { user, name, codes } => {
                format!("{user}: authenticator \"{name}\" is enrolled, with {codes} recovery codes")
            }
            Self::Removed { user, name, last: false } => format!("{user}: authenticator \"{name}\" is removed"),
            Self::Removed { user, name, last: true } => {
                format!("{user}: authenticator \"{name}\" is removed, and the recovery codes with it")
            }
            Self::CodesDone { user, codes } => format!("{user}: {codes} new recovery codes, the old ones no longer work"),
            Self::DeleteQrFile { path } => format!("Delete {path} now: anybody who has it can make your codes."),
            Self::TestAccepted { name } => format!("A login would have succeeded: the code of \"{name}\" is right."),
            Self::TestResynchronised => "The clock or the counter of the device was off; that is now allowed for.".to_owned(),
            Self::TestRefused => "A login would have been refused.".to_owned(),
            Self::TestRecovered => "A login would have succeeded with a recovery code, which is now used.".to_owned(),
            Self::TestLeft(1) => "One more wrong code locks the account.".to_owned(),
            Self::TestLeft(left) => format!("{left} more wrong codes lock the account."),
        }
    }

    #[expect(clippy::too_many_lines, reason = "a sentence each")]
    fn korean(self) -> String {
        match self {
            Self::Opening { user, issuer } => format!(
                "{issuer}의 {user} 계정에 새 인증 수단을 등록합니다. 등록을 완료하기 전에는 아무것도 저장되지 않으며, Ctrl-C를 누르면 언제든 중단할 수 있습니다."
            ),
            Self::LoginOpening { user, issuer } => format!(
                "{issuer}에 로그인하려면 인증 앱(휴대폰, 브라우저, 비밀번호 관리 프로그램 등)에 표시되는 인증 코드가 필요합니다. \
                 {user} 계정에는 아직 등록된 인증 수단이 없어 지금 등록합니다. 2분 정도 걸리며, 등록을 완료하기 전에는 아무것도 저장되지 않습니다."
            ),
            Self::BeginQuestion => "등록을 시작하려면 Enter를 눌러 주세요: ".to_owned(),
            Self::BeginOrLaterQuestion => format!(
                "등록하려면 Enter를 누르고, 미루려면 {} 입력해 주세요: ",
                either(LATER)
            ),
            Self::Replaces { names } => format!(
                "이미 등록된 인증 수단({names})이 있습니다. 등록을 완료하면 새 인증 수단으로 교체되며, 기존 인증 수단과 복구 코드는 더 이상 사용할 수 없습니다."
            ),
            Self::ImportedCodesReplaced => "등록을 완료하면 pam_otp로 옮기기 전부터 사용하던 8자리 복구 코드도 더 이상 사용할 수 없으며, 새 복구 코드로 \
                교체됩니다."
                .to_owned(),
            Self::ImportedCodesGo => "pam_otp로 옮기기 전부터 사용하던 8자리 복구 코드도 함께 삭제됩니다. 새 복구 코드는 'otp-enroll \
                recovery-codes' 명령으로 받을 수 있습니다."
                .to_owned(),
            Self::Removes { user, name } => format!(
                "{user} 계정의 \"{name}\" 인증 수단을 삭제합니다. 삭제하면 더 이상 사용할 수 없으며, 마지막 인증 수단이면 복구 코드도 함께 삭제됩니다."
            ),
            Self::NewCodes { user } => format!(
                "{user} 계정의 복구 코드를 재발급합니다. 완료하면 기존 복구 코드는 더 이상 사용할 수 없습니다. Ctrl-C를 누르면 아무것도 바뀌지 않습니다."
            ),
            Self::ProveYourself => "먼저 본인 확인을 해 주세요.".to_owned(),
            Self::Scan => "인증 앱으로 QR 코드를 스캔하거나 앱에 키를 입력해 주세요.".to_owned(),
            Self::GiveKey => "인증 앱에 키를 입력해 주세요.".to_owned(),
            Self::Key => "직접 입력할 키(공백 제외):".to_owned(),
            Self::PlainKey => "복사할 키:".to_owned(),
            Self::Uri => "등록 URI:".to_owned(),
            Self::Settings(device) => format!("설정: {}", settings(Language::Korean, device)),
            Self::QrFile { path } => format!(
                "QR 코드를 {path} 파일에도 저장했습니다. 키가 들어 있으니 스캔한 뒤 삭제해 주세요."
            ),
            Self::TooNarrow { needed, columns } => format!(
                "QR 코드를 표시하려면 너비가 {needed}칸이어야 하지만 이 터미널은 {columns}칸입니다. 창 너비를 늘려 다시 시작하거나, --qr-file 옵션을 사용하거나, 키를 직접 입력해 주세요."
            ),
            Self::TooHigh { needed, lines } => format!(
                "QR 코드를 표시하려면 {needed}줄이 필요하지만 이 터미널은 {lines}줄입니다. 창의 세로 크기를 늘리거나, --qr-file 옵션을 사용하거나, 키를 직접 입력해 주세요."
            ),
            Self::NoRoom { columns } => format!(
                "터미널 너비({columns}칸)가 좁아 QR 코드를 표시할 수 없습니다. 인증 앱에 키를 직접 입력해 주세요."
            ),
            Self::Scroll { lines } => format!(
                "아래 QR 코드는 {lines}줄입니다. 창의 세로 크기를 늘리거나, 위로 스크롤하거나, 인증 앱에 키를 직접 입력해 주세요."
            ),
            Self::NotSeen => format!(
                "인증 앱이 QR 코드를 인식하지 못하면 {} 입력해 주세요.",
                either(INVERTED)
            ),
            Self::NotSeenFromNear => format!(
                "인식하지 못하면 휴대폰을 조금 멀리하거나 {} 입력해 주세요.",
                either(INVERTED)
            ),
            Self::CodeQuestion { digits } => format!("인증 앱에 표시된 {digits}자리 인증 코드: "),
            Self::NotACode { digits } => {
                format!("인증 코드 형식이 아닙니다. 숫자 {digits}자리를 입력해 주세요.")
            }
            Self::ClockBehind(by) => format!(
                "{} 전의 인증 코드입니다. 기기의 시계가 그만큼 늦습니다. 기기의 시간을 자동으로 설정해 주세요.",
                length(Language::Korean, by)
            ),
            Self::ClockAhead(by) => format!(
                "{} 뒤의 인증 코드입니다. 기기의 시계가 그만큼 빠릅니다. 기기의 시간을 자동으로 설정해 주세요.",
                length(Language::Korean, by)
            ),
            Self::Ignores(settings, device) => format!(
                "키는 맞지만 다른 설정으로 만든 인증 코드입니다. 이 앱은 {} 설정을 무시하므로 인증 코드가 맞을 수 없습니다. \
                 추가한 항목을 삭제하고 다른 인증 앱을 사용하거나, 이 앱에 맞는 설정을 관리자에게 요청해 주세요.",
                ignored(Language::Korean, settings, device)
            ),
            Self::NoMatch => {
                "인증 코드가 맞지 않습니다. 방금 추가한 항목의 인증 코드인지 확인해 주세요.".to_owned()
            }
            Self::TriesLeft(tries) => format!("{tries}번 더 입력할 수 있습니다."),
            Self::Proven => "인증 코드가 맞습니다.".to_owned(),
            Self::CodesTitle { user, host, issued } => {
                format!("{host}의 {user} 계정 복구 코드, {issued}")
            }
            Self::CodesUse => {
                "기기가 없을 때 인증 코드 대신 입력합니다. 각각 한 번만 사용할 수 있습니다.".to_owned()
            }
            Self::CodesOnce => {
                "지금 한 번만 보여 드립니다. 인쇄하거나 적어서 기기와 다른 곳에 보관해 주세요."
                    .to_owned()
            }
            Self::Copied => "복구 코드를 이 터미널의 클립보드로 보냈습니다. 지원하지 않는 터미널도 있으며, 그 컴퓨터의 모든 프로그램이 \
                클립보드를 읽을 수 있습니다. 보관할 곳에 붙여 넣은 뒤 제대로 저장되었는지 확인해 주세요."
                .to_owned(),
            Self::SaveQuestion => {
                "저장할 파일(클립보드로 복사: \"copy\"나 \"복사\", 저장 안 함: Enter): ".to_owned()
            }
            Self::Saved { path } => format!("{path} 파일에 저장했습니다."),
            Self::KeptQuestion => format!(
                "복구 코드를 보관했으면 \"{}\" 또는 {} 입력해 주세요: ",
                KEPT[0],
                with(&format!("\"{}\"", KEPT[1]), Particle::Object)
            ),
            Self::NotKept => format!(
                "\"{}\" 또는 {} 입력해야 저장합니다. Ctrl-C를 누르면 아무것도 저장되지 않습니다.",
                KEPT[0],
                with(&format!("\"{}\"", KEPT[1]), Particle::Object)
            ),
            Self::Done {
                user,
                name,
                codes: 0,
            } => format!("{user}: \"{name}\" 인증 수단을 등록했습니다."),
            Self::Done { user, name, codes } => {
                format!("{user}: \"{name}\" 인증 수단을 등록하고 복구 코드 {codes}개를 발급했습니다.")
            }
            Self::Removed {
                user,
                name,
                last: false,
            } => format!("{user}: \"{name}\" 인증 수단을 삭제했습니다."),
            Self::Removed {
                user,
                name,
                last: true,
            } => {
                format!("{user}: \"{name}\" 인증 수단과 복구 코드를 삭제했습니다.")
            }
            Self::CodesDone { user, codes } => format!(
                "{user}: 복구 코드 {codes}개를 재발급했습니다. 기존 복구 코드는 더 이상 사용할 수 없습니다."
            ),
            Self::DeleteQrFile { path } => {
                format!("{path} 파일을 지금 삭제해 주세요. 이 파일이 있으면 누구나 인증 코드를 만들 수 있습니다.")
            }
            Self::TestAccepted { name } => {
                format!("\"{name}\"의 인증 코드가 맞습니다. 로그인이었다면 허용되었을 것입니다.")
            }
            Self::TestResynchronised => {
                "기기의 시계나 카운터가 맞지 않습니다. 이제부터 그 차이를 반영하여 확인합니다.".to_owned()
            }
            Self::TestRefused => "로그인이었다면 거부되었을 것입니다.".to_owned(),
            Self::TestRecovered => {
                "로그인이었다면 허용되었을 것입니다. 이 복구 코드는 다시 사용할 수 없습니다.".to_owned()
            }
            Self::TestLeft(left) => format!("{left}번 더 틀리면 계정이 잠깁니다."),
        }
    }
}

/// Says what an app must be set to if it cannot read that from the URI.
#[must_use]
pub fn settings(language: Language, device: &Authenticator) -> String {
    let (digits, hash) = (device.digits.count(), hash(device.algorithm));
    match (language, device.kind) {
        (Language::English, Kind::Totp(period)) => {
            format!(
                "time-based, {digits} digits, {} s, {hash}",
                period.seconds()
            )
        }
        (Language::English, Kind::Hotp) => format!("counter-based, {digits} digits, {hash}"),
        (Language::Korean, Kind::Totp(period)) => {
            format!("시간 기준, {digits}자리, {}초, {hash}", period.seconds())
        }
        (Language::Korean, Kind::Hotp) => format!("카운터 기준, {digits}자리, {hash}"),
    }
}

/// Names the settings of an authenticator that an app ignores, in the words of [`settings`].
fn ignored(language: Language, settings: Ignored, device: &Authenticator) -> String {
    let seconds = match device.kind {
        Kind::Totp(period) => period.seconds(),
        Kind::Hotp => 0,
    };
    let (hash, digits) = (hash(device.algorithm), device.digits.count());
    let (of_hash, of_digits, of_period) = match language {
        Language::English => (
            format!("the hash {hash}"),
            format!("the {digits} digits"),
            format!("the period of {seconds} s"),
        ),
        Language::Korean => (
            format!("해시 {hash}"),
            format!("자릿수 {digits}자리"),
            format!("주기 {seconds}초"),
        ),
    };
    let all = [
        (settings.algorithm(), of_hash),
        (settings.digits(), of_digits),
        (settings.period(), of_period),
    ];
    let named: Vec<String> = all
        .into_iter()
        .filter_map(|(is_ignored, name)| is_ignored.then_some(name))
        .collect();
    match (language, named.as_slice()) {
        (Language::English, [rest @ .., last]) if !rest.is_empty() => {
            format!("{} and {last}", rest.join(", "))
        }
        (Language::English | Language::Korean, _) => named.join(", "),
    }
}

/// The name under which apps list a hash.
const fn hash(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Sha1 => "SHA-1",
        Algorithm::Sha256 => "SHA-256",
        Algorithm::Sha512 => "SHA-512",
    }
}

#[cfg(test)]
mod tests;
