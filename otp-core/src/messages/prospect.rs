//! What would happen in a login of one user, in the words of `otp-admin policy show`.

use super::admin::english_aside;
use crate::UnixTime;
use crate::enforce::{Exemption, Rule, days_left};
use crate::login::Prospect;
use crate::record::{AtLogin, Language, Standing};
use crate::zone::Zone;

impl Prospect {
    /// Returns the verdict in one sentence, without a full stop. `zone`: that of the machine.
    #[must_use]
    pub fn sentence(&self, user: &str, zone: &Zone, language: Language) -> String {
        match language {
            Language::English => format!("{user} would {}", self.english(zone)),
            Language::Korean => format!("{user} 계정은 {}", self.korean(zone)),
        }
    }

    fn english(&self, zone: &Zone) -> String {
        match self {
            Self::Asked => "be asked for a code".to_owned(),
            Self::Locked { standing, .. } => match (standing, standing.ends()) {
                (_, Some(ends)) => {
                    format!(
                        "be refused: locked until {}",
                        zone.at(ends).to_next_minute().minute(Language::English)
                    )
                }
                (Standing::Disabled, None) => "be refused: disabled".to_owned(),
                (_, None) => "be refused: locked".to_owned(),
            },
            Self::LetIn { why } => {
                format!("be let in without a code ({})", english_exemption(why))
            }
            Self::LetInUntil { deadline, now } => format!(
                "be let in without a code until {}",
                english_aside(zone.at(*deadline), &english_days_left(*now, *deadline), "")
            ),
            Self::Offered { deadline, now } => format!(
                "be offered to set up an authenticator in the login, and could put it off until {}",
                english_aside(zone.at(*deadline), &english_days_left(*now, *deadline), "")
            ),
            Self::SetsUp { .. } => "set up an authenticator in the login".to_owned(),
            Self::Refused { rule, .. } => format!(
                "be refused: no authenticator, and one is demanded ({})",
                english_rule(rule)
            ),
        }
    }

    fn korean(&self, zone: &Zone) -> String {
        match self {
            Self::Asked => "로그인할 때 인증 코드를 입력해야 합니다.".to_owned(),
            Self::Locked { standing, .. } => match (standing, standing.ends()) {
                (_, Some(ends)) => format!(
                    "로그인할 수 없습니다: {}까지 잠겨 있습니다.",
                    zone.at(ends).to_next_minute().minute(Language::Korean)
                ),
                (Standing::Disabled, None) => {
                    "로그인할 수 없습니다: 사용이 중지되었습니다.".to_owned()
                }
                (_, None) => "로그인할 수 없습니다: 잠겨 있습니다.".to_owned(),
            },
            Self::LetIn { why } => {
                format!("인증 코드 없이 로그인합니다({}).", korean_exemption(why))
            }
            Self::LetInUntil { deadline, now } => format!(
                "{}까지({}일 남음) 인증 코드 없이 로그인합니다.",
                zone.at(*deadline).minute(Language::Korean),
                days_left(*now, *deadline)
            ),
            Self::Offered { deadline, now } => format!(
                "로그인할 때 인증 수단을 등록하거나 {}까지({}일 남음) 미룰 수 있습니다.",
                zone.at(*deadline).minute(Language::Korean),
                days_left(*now, *deadline)
            ),
            Self::SetsUp { .. } => "로그인할 때 인증 수단을 등록해야 합니다.".to_owned(),
            Self::Refused { rule, .. } => format!(
                "로그인할 수 없습니다: 인증 수단이 있어야 하지만 없습니다({}).",
                korean_rule(rule)
            ),
        }
    }
}

/// Says what the user sees at the prompt.
pub(super) const fn english_login(prospect: &Prospect) -> &'static str {
    match prospect {
        Prospect::Asked => "asks for a code",
        Prospect::Locked { opens: true, .. } => {
            "asks for a code; a code of the device is not checked, a recovery code lets the user in"
        }
        Prospect::Locked { opens: false, .. } => "asks for a code, and refuses without checking it",
        Prospect::LetIn { .. } => "asks for no code and says nothing about it",
        Prospect::LetInUntil { .. } => {
            "asks for no code; with an account line of pam_otp.so, tells the user to run 'otp-enroll' before the deadline"
        }
        Prospect::Offered { .. } => {
            "shows a QR code after Enter; \"later\" lets the user in without one (at_login = \"offer\")"
        }
        Prospect::SetsUp { lenient: true } => {
            "shows a QR code, and there is no \"later\" (at_login = \"require\"); users who cannot be asked get in without one"
        }
        Prospect::SetsUp { lenient: false } => "shows a QR code, and there is no \"later\"",
        Prospect::Refused {
            at_login: AtLogin::Off,
            ..
        } => "asks for a code, and whatever is typed is wrong (at_login = \"off\")",
        Prospect::Refused {
            at_login: AtLogin::Offer | AtLogin::Require,
            ..
        } => {
            "asks for a code, and whatever is typed is wrong: no service has an account line that sets up an authenticator"
        }
    }
}

pub(super) const fn korean_login(prospect: &Prospect) -> &'static str {
    match prospect {
        Prospect::Asked => "인증 코드를 요구함",
        Prospect::Locked { opens: true, .. } => {
            "인증 코드를 요구하지만 기기의 인증 코드는 확인하지 않음. 복구 코드로 로그인할 수 있음"
        }
        Prospect::Locked { opens: false, .. } => "인증 코드를 요구하지만 확인하지 않고 거부함",
        Prospect::LetIn { .. } => "인증 코드를 요구하지 않으며 안내도 하지 않음",
        Prospect::LetInUntil { .. } => {
            "인증 코드를 요구하지 않음. pam_otp.so의 account 줄이 있으면 기한 전에 'otp-enroll'로 등록하도록 안내함"
        }
        Prospect::Offered { .. } => {
            "Enter를 누르면 QR 코드를 표시함. \"later\"나 \"나중에\"를 입력하면 등록하지 않고 로그인함(at_login = \"offer\")"
        }
        Prospect::SetsUp { lenient: true } => {
            "QR 코드를 표시하며 미룰 수 없음(at_login = \"require\"). 입력을 받을 수 없는 접속에서는 등록하지 않고 로그인함"
        }
        Prospect::SetsUp { lenient: false } => "QR 코드를 표시하며 미룰 수 없음",
        Prospect::Refused {
            at_login: AtLogin::Off,
            ..
        } => "인증 코드를 요구하고, 무엇을 입력해도 거부함(at_login = \"off\")",
        Prospect::Refused {
            at_login: AtLogin::Offer | AtLogin::Require,
            ..
        } => {
            "인증 코드를 요구하고, 무엇을 입력해도 거부함: 인증 수단을 등록하는 account 줄이 있는 서비스가 없음"
        }
    }
}

pub(super) fn english_rule(rule: &Rule) -> String {
    match rule {
        Rule::Everybody => "everybody".to_owned(),
        Rule::Group(group) => format!("group {group}"),
        Rule::UnknownGroup(group) => format!("group {group} cannot be looked up"),
    }
}

pub(super) fn korean_rule(rule: &Rule) -> String {
    match rule {
        Rule::Everybody => "모든 사용자".to_owned(),
        Rule::Group(group) => format!("{group} 그룹"),
        Rule::UnknownGroup(group) => format!("{group} 그룹을 찾을 수 없음"),
    }
}

pub(super) fn english_exemption(why: &Exemption) -> String {
    match why {
        Exemption::Nullok => "nullok".to_owned(),
        Exemption::User => "exempt user".to_owned(),
        Exemption::Group(group) => format!("exempt group {group}"),
        Exemption::NotDemanded => "in no group that must".to_owned(),
    }
}

pub(super) fn korean_exemption(why: &Exemption) -> String {
    match why {
        Exemption::Nullok => "nullok 옵션".to_owned(),
        Exemption::User => "면제된 사용자".to_owned(),
        Exemption::Group(group) => format!("면제된 {group} 그룹"),
        Exemption::NotDemanded => "의무 대상 그룹에 속하지 않음".to_owned(),
    }
}

pub(super) fn english_days_left(now: UnixTime, deadline: UnixTime) -> String {
    match days_left(now, deadline) {
        1 => "1 day left".to_owned(),
        days => format!("{days} days left"),
    }
}

#[cfg(test)]
pub(super) mod tests;
