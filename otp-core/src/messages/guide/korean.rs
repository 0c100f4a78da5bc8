//! The guide in Korean.

use super::{Begin, FOR_A_COMPUTER, FOR_A_PHONE, Lasts, Must, Sentence, address, typed};
use crate::messages::enrol::{KEPT, LATER};
use crate::messages::length;
use crate::record::Language;
use crate::time::UnixTime;
use crate::zone::Zone;
use std::time::Duration;

#[expect(clippy::too_many_lines, reason = "a sentence each")]
pub(super) fn text(sentence: Sentence<'_>) -> String {
    match sentence {
        Sentence::Title(site) => format!("{site} 2단계 인증 이용 안내"),
        Sentence::AboutHeading => "2단계 인증이란".to_owned(),
        Sentence::About {
            site,
            digits,
            seconds,
        } => format!(
            "{site}에 로그인하려면 비밀번호를 입력한 다음 {digits}자리 인증 코드를 입력해야 합니다. 인증 코드는 휴대폰이나 컴퓨터의 인증 앱에 \
             {seconds}초마다 새로 표시되며, 인터넷에 연결되어 있지 않아도 볼 수 있습니다. 비밀번호가 유출되어도 인증 코드가 없으면 다른 사람이 \
             로그인할 수 없습니다."
        ),
        Sentence::Needed { must, zone } => needed(must, zone),
        Sentence::SomeAreExempt => {
            "등록하지 않아도 되는 계정도 있으니 관리자에게 문의해 주세요.".to_owned()
        }
        Sentence::SomeProgramsExcuse => {
            "일부 프로그램에서는 등록하기 전까지 인증 코드 없이 로그인할 수 있습니다.".to_owned()
        }
        Sentence::OnceForAll(site) => {
            format!("한 번만 등록하면 {site}의 모든 컴퓨터에서 사용할 수 있습니다.")
        }
        Sentence::AppHeading => "인증 앱 준비하기".to_owned(),
        Sentence::AnyApp => format!(
            "어떤 인증 앱이든 사용할 수 있습니다. 휴대폰에는 {}, {} 등을 설치해 주세요.",
            FOR_A_PHONE[0], FOR_A_PHONE[1]
        ),
        Sentence::OnAComputer => format!(
            "휴대폰이 없으면 컴퓨터용 비밀번호 관리 프로그램({0}, {1} 등)을 사용할 수 있습니다. {1}은 브라우저 확장 프로그램으로도 제공됩니다.",
            FOR_A_COMPUTER[0], FOR_A_COMPUTER[1]
        ),
        Sentence::NotEveryApp { settings, known } => format!(
            "필요한 설정({settings})을 지원하지 않는 인증 앱도 있습니다. 컴퓨터에서는 {known} 등을 사용할 수 있습니다. \
             휴대폰에서 사용할 앱은 관리자에게 문의해 주세요."
        ),
        Sentence::UnfitAppIsNoticed => {
            "등록할 때 인증 코드를 확인하므로, 지원하지 않는 앱은 등록되지 않습니다.".to_owned()
        }
        Sentence::SetUpHeading => "등록하기(2분)".to_owned(),
        Sentence::Begin { begin, command } => begin_with(begin, command),
        Sentence::TypeMailedCode => "이메일로 받은 코드를 입력해 주세요.".to_owned(),
        Sentence::Scan { issuer } => format!(
            "인증 앱에서 항목을 추가하고 QR 코드를 스캔해 주세요. \"{issuer}\" 항목이 추가됩니다."
        ),
        Sentence::TypeKey {
            settings,
            is_drawn: true,
        } => format!(
            "스캔할 수 없으면 키를 공백 없이 입력해 주세요. 설정을 선택하는 앱에서는 다음과 같이 선택해 주세요: {settings}."
        ),
        Sentence::TypeKey {
            settings,
            is_drawn: false,
        } => format!(
            "인증 앱에서 항목을 추가하고 키를 공백 없이 입력해 주세요. 설정을 선택하는 앱에서는 다음과 같이 선택해 주세요: {settings}."
        ),
        Sentence::TypeCode(digits) => {
            format!("지금 인증 앱에 표시된 {digits}자리 인증 코드를 입력해 주세요.")
        }
        Sentence::KeepCodes { codes, is_typed } => {
            let codes = match codes {
                1 => "복구 코드는".to_owned(),
                codes => format!("복구 코드 {codes}개는"),
            };
            let then = if is_typed {
                format!(
                    "인쇄하거나 적어서 보관한 다음 {} 또는 {}을 입력해 주세요.",
                    typed(KEPT[0]),
                    typed(KEPT[1])
                )
            } else {
                "인쇄하거나 적어서 보관한 다음 보관했음을 확인해 주세요.".to_owned()
            };
            format!("{codes} 지금 한 번만 표시됩니다. {then}")
        }
        Sentence::NothingSaved => {
            "마지막 단계를 마치기 전에는 아무것도 저장되지 않으므로, 언제든 중단하고 처음부터 다시 할 수 있습니다.".to_owned()
        }
        Sentence::EnrolmentCaption => {
            "등록 화면. 키와 QR 코드는 예시이므로 스캔하지 마세요.".to_owned()
        }
        Sentence::RecoveryCodesCaption => "등록 마지막 화면. 복구 코드는 예시입니다.".to_owned(),
        Sentence::LoginHeading => "로그인하기".to_owned(),
        Sentence::LogIn { prompt } => format!(
            "비밀번호를 입력해 주세요. \"{prompt}\" 질문이 표시되면 인증 앱에 표시된 인증 코드를 입력해 주세요."
        ),
        Sentence::WorksOnce => {
            "인증 코드는 한 번만 사용할 수 있습니다. 바로 다시 로그인하려면 다음 인증 코드를 기다려 주세요.".to_owned()
        }
        Sentence::Remembered { length, everywhere } => {
            let length = self::length(Language::Korean, length);
            if everywhere {
                format!(
                    "인증 코드를 입력한 뒤 {length} 동안은 같은 주소에서 같은 프로그램으로 로그인하면 인증 코드를 다시 요구하지 않습니다."
                )
            } else {
                format!(
                    "일부 프로그램에서는 인증 코드를 입력한 뒤 최대 {length} 동안 같은 주소에서 로그인하면 인증 코드를 다시 요구하지 않습니다."
                )
            }
        }
        Sentence::SomeNetworks => {
            "일부 네트워크에서 접속하면 인증 코드를 요구하지 않습니다.".to_owned()
        }
        Sentence::LoginCaption => "로그인 화면. 입력하는 내용이 표시되지 않을 수 있습니다.".to_owned(),
        Sentence::RecoveryHeading => "복구 코드".to_owned(),
        Sentence::RecoveryUse(1) => {
            "복구 코드는 인증 코드 대신 한 번만 입력할 수 있습니다. 기기와 다른 곳에 보관해 주세요.".to_owned()
        }
        Sentence::RecoveryUse(codes) => format!(
            "복구 코드 {codes}개는 인증 코드 대신 각각 한 번만 입력할 수 있습니다. 기기와 다른 곳에 보관해 주세요."
        ),
        Sentence::RecoveryNew { portal, codes } => {
            let few = if codes == 1 {
                "이미 사용했거나"
            } else {
                "얼마 남지 않았거나"
            };
            let command = typed("otp-enroll recovery-codes");
            let how = match portal {
                Some(url) => format!("{} 페이지나 {command} 명령으로", address(url)),
                None => format!("{command} 명령으로"),
            };
            format!(
                "{few} 다른 사람이 보았다면 {how} 재발급해 주세요. 재발급하면 기존 복구 코드는 더 이상 사용할 수 없습니다."
            )
        }
        Sentence::NewHeading => "휴대폰을 바꿀 때".to_owned(),
        Sentence::NewReplaces {
            portal,
            command,
            codes,
        } => {
            let begin = match portal {
                Some(url) => format!(
                    "{} 페이지에 로그인하여 새 기기를 추가하거나 {} 명령을 실행해 주세요",
                    address(url),
                    typed(command)
                ),
                None => format!("로그인하여 {} 명령을 실행해 주세요", typed(command)),
            };
            let (or, and) = if codes > 0 {
                ("(또는 복구 코드)", "와 기존 복구 코드")
            } else {
                ("", "")
            };
            format!(
                "기존 휴대폰을 사용할 수 있을 때 {begin}. 비밀번호와 인증 코드{or}를 입력하고 새 QR 코드를 스캔하면 됩니다. 등록을 완료하면 기존 \
                 기기{and}는 더 이상 사용할 수 없습니다."
            )
        }
        Sentence::NewIsAdded { portal, most, old } => {
            let begin = match portal {
                Some(url) => format!("{} 페이지에 로그인하여 새 기기를 추가해 주세요.", address(url)),
                None => format!(
                    "로그인하여 {} 명령을 실행해 주세요. 이름은 자유롭게 정할 수 있습니다.",
                    typed("otp-enroll add tablet")
                ),
            };
            format!(
                "기존 휴대폰을 사용할 수 있을 때 {begin} 기기는 {most}대까지 등록할 수 있습니다. 그런 다음 {} 명령으로 기존 기기를 삭제해 주세요.",
                typed(&format!("otp-enroll remove {old}"))
            )
        }
        Sentence::KeepOldEntry => {
            "새 기기의 인증 코드로 로그인해 보기 전에는 기존 앱의 항목을 삭제하지 마세요.".to_owned()
        }
        Sentence::LostHeading => "휴대폰을 잃어버렸을 때".to_owned(),
        Sentence::LostUseRecovery { replaces, old } => {
            let then = if replaces {
                "등록을 완료하면 잃어버린 기기는 더 이상 사용할 수 없습니다.".to_owned()
            } else {
                format!(
                    "그런 다음 {} 명령으로 잃어버린 기기를 삭제해 주세요.",
                    typed(&format!("otp-enroll remove {old}"))
                )
            };
            format!(
                "인증 코드 대신 복구 코드를 입력하여 로그인한 다음, 바로 새 기기를 등록해 주세요. 이때 다른 복구 코드가 하나 더 필요합니다. {then}"
            )
        }
        Sentence::LostUseMail { is_first: _ } => format!(
            "인증 코드 대신 {}을 입력하면 8자리 코드를 이메일로 보내 드립니다. 이 코드는 10분 동안 해당 로그인에만 사용할 수 있습니다.",
            typed("email")
        ),
        Sentence::LostAsk { is_only_way: true } => {
            "관리자에게 잃어버린 기기를 삭제해 달라고 요청한 다음 새 기기를 등록해 주세요.".to_owned()
        }
        Sentence::LostAsk { is_only_way: false } => {
            "더 이상 로그인할 수 없으면 관리자에게 잃어버린 기기를 삭제해 달라고 요청한 다음 새 기기를 등록해 주세요.".to_owned()
        }
        Sentence::LockedHeading => "계정이 잠겼을 때".to_owned(),
        Sentence::Locks(1) => "인증 코드를 1번 잘못 입력하면 계정이 잠깁니다.".to_owned(),
        Sentence::Locks(failures) => {
            format!("인증 코드를 연속 {failures}번 잘못 입력하면 계정이 잠깁니다.")
        }
        Sentence::LockLasts(lasts) => locked(lasts),
        Sentence::OpensLock => {
            "복구 코드를 입력하면 바로 풀립니다. 복구 코드가 없으면 관리자에게 잠금 해제를 요청해 주세요.".to_owned()
        }
        Sentence::AskToUnlock => "관리자에게 잠금 해제를 요청할 수 있습니다.".to_owned(),
        Sentence::Disables(1) => {
            "1번 잘못 입력하면 계정 사용이 중지되며, 관리자만 해제할 수 있습니다.".to_owned()
        }
        Sentence::Disables(failures) => format!(
            "연속 {failures}번 잘못 입력하면 계정 사용이 중지되며, 관리자만 해제할 수 있습니다."
        ),
        Sentence::RefusedHeading => "인증 코드가 맞지 않을 때".to_owned(),
        Sentence::SetClock => {
            "인증 코드는 시간에 따라 정해집니다. 인증 앱이 있는 기기의 날짜와 시간을 자동으로 설정해 주세요.".to_owned()
        }
        Sentence::RightEntry(issuer) => {
            format!("그런 다음 \"{issuer}\" 항목의 다음 인증 코드를 입력해 주세요.")
        }
        Sentence::NeverHeading => "꼭 지켜 주세요".to_owned(),
        Sentence::NeverGive { codes } => {
            let recovery = if codes > 0 { ", 복구 코드" } else { "" };
            format!(
                "인증 코드{recovery}, 키, QR 코드를 아무에게도 알려 주지 마세요. 관리자도 묻지 않습니다."
            )
        }
        Sentence::Made {
            date,
            machine,
            version,
        } => format!(
            "{date}에 {machine}의 정책에 따라 만든 안내입니다(pam_otp {version}, {}).",
            typed("otp-admin guide")
        ),
        Sentence::Example => "예시".to_owned(),
        Sentence::QrCode => "[QR 코드]".to_owned(),
    }
}

fn needed(must: Must, zone: &Zone) -> String {
    let minute = |moment: UnixTime| zone.at(moment).minute(Language::Korean);
    let until = |until: String| {
        format!("{until} 인증 수단 없이 로그인할 수 있습니다. 그 전에 등록해 주세요.")
    };
    let length = |wait: Duration| length(Language::Korean, wait);
    match must {
        Must::Never => {
            "등록 여부는 선택할 수 있습니다. 등록하면 로그인할 때 인증 코드를 입력해야 합니다."
                .to_owned()
        }
        Must::Now => "인증 수단을 등록하지 않으면 로그인할 수 없습니다.".to_owned(),
        Must::From(moment) => until(format!("{}까지는", minute(moment))),
        Must::After(grace) => until(format!("처음 로그인한 때부터 {} 동안은", length(grace))),
        Must::Later(moment, grace) => until(format!(
            "{}까지(처음 로그인한 때부터 {}이 그보다 늦게 끝나면 그때까지)는",
            minute(moment),
            length(grace)
        )),
    }
}

fn begin_with(begin: Begin<'_>, command: &str) -> String {
    let command = typed(command);
    match begin {
        Begin::Portal(url) => format!(
            "{} 페이지에서 비밀번호로 로그인해 주세요. 터미널에서 {command} 명령을 실행해도 됩니다.",
            address(url)
        ),
        Begin::Login { services, can_wait } => {
            let services = if services.is_empty() {
                String::new()
            } else {
                format!("({})", services.join(", "))
            };
            let later = if can_wait {
                format!(
                    " 미루려면 {}나 {}를 입력해 주세요.",
                    typed(LATER[0]),
                    typed(LATER[1])
                )
            } else {
                String::new()
            };
            format!(
                "비밀번호로 로그인하고{services}, 등록을 시작하려면 Enter를 눌러 주세요.{later}"
            )
        }
        Begin::Command { is_shut: false } => {
            format!("평소처럼 로그인하여 터미널에서 {command} 명령을 실행해 주세요.")
        }
        Begin::Command { is_shut: true } => format!(
            "이미 로그인되어 있는 터미널에서 {command} 명령을 실행해 주세요. 로그인할 수 없으면 관리자에게 문의해 주세요."
        ),
    }
}

fn locked(lasts: Lasts) -> String {
    let length = |wait: Duration| length(Language::Korean, wait);
    match lasts {
        Lasts::Open => "잠금은 자동으로 풀리지 않습니다.".to_owned(),
        Lasts::Always(wait) => format!("잠금은 {} 뒤에 자동으로 풀립니다.", length(wait)),
        Lasts::Doubling(first, longest) => format!(
            "잠금은 {} 뒤에 자동으로 풀립니다. 연이어 다시 잠기면 두 배씩 길어져 최대 {} 동안 잠깁니다.",
            length(first),
            length(longest)
        ),
    }
}
