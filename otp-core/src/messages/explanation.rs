//! What `otp-admin policy show` says beside its verdict: what policy demands, and by which rule.

use super::length;
use super::prospect::{
    english_days_left, english_exemption, english_login, english_rule, korean_exemption,
    korean_login, korean_rule,
};
use crate::UnixTime;
use crate::enforce::{Demand, days_left};
use crate::login::Prospect;
use crate::record::Language;
use crate::zone::{Local, Zone};
use std::time::Duration;

/// One label or value beside the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Explanation<'a> {
    /// Label: the name that was asked about.
    Name,
    /// The name is a second name of a user.
    NameOf {
        /// The second name.
        alias: &'a str,
        /// The canonical name.
        user: &'a str,
    },
    /// Label: what happens in a login.
    Login,
    /// Label: what policy demands.
    Demand,
    /// Label: the grace.
    Grace,
    /// Label: where the record is.
    Records,
    /// The record is with the verifiers of a fleet.
    WithVerifiers {
        /// The verifiers, as the policy names them.
        verifiers: &'a str,
    },
    /// Label: trusted networks.
    Networks,
    /// Label: how long a code is remembered.
    Remember,
    /// Label: what differs for one service.
    At {
        /// The service.
        service: &'a str,
    },
    /// There is no authenticator.
    NoAuthenticator,
    /// No network is trusted.
    NoNetworks,
    /// No code is remembered after its login.
    NeverRemembered,
    /// What happens in a login, as the user sees it.
    LoginDoes(&'a Prospect),
    /// What policy demands, by which rule, and from when on.
    Demands {
        /// The demand.
        demand: &'a Demand,
        /// The present, from which the remaining time is counted.
        now: UnixTime,
        /// The zone of the machine.
        zone: &'a Zone,
    },
    /// How long the grace lasts, and whether it has begun.
    GraceLasts {
        /// How long.
        grace: Duration,
        /// When the user was first let in without a code.
        begun: Option<Local>,
    },
    /// The trusted networks.
    NetworksAre {
        /// All networks.
        networks: &'a str,
    },
    /// How long a code is remembered.
    Remembered {
        /// The time.
        remember: Duration,
    },
}

impl Explanation<'_> {
    /// Returns the text in this language.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        match language {
            Language::English => self.english(),
            Language::Korean => self.korean(),
        }
    }

    fn english(&self) -> String {
        match *self {
            Self::Name => "name".to_owned(),
            Self::NameOf { alias, user } => format!(
                "{alias} is another name of {user}: one account, and the stricter policy of the two names applies"
            ),
            Self::Login => "a login".to_owned(),
            Self::Demand => "policy demands".to_owned(),
            Self::Grace => "grace".to_owned(),
            Self::Records => "record".to_owned(),
            Self::WithVerifiers { verifiers } => format!(
                "with the verifiers {verifiers}: while none answers, logins that need it are refused"
            ),
            Self::Networks => "trusted networks".to_owned(),
            Self::Remember => "remembered".to_owned(),
            Self::At { service } => format!("at {service}"),
            Self::NoAuthenticator => "none".to_owned(),
            Self::NoNetworks => "no network is trusted".to_owned(),
            Self::NeverRemembered => "a code counts for one login".to_owned(),
            Self::LoginDoes(prospect) => english_login(prospect).to_owned(),
            Self::Demands { demand, now, zone } => match demand {
                Demand::Nothing(why) => format!("nothing ({})", english_exemption(why)),
                Demand::From(deadline, rule) => format!(
                    "a second factor from {} on, {} ({})",
                    zone.at(*deadline).minute(Language::English),
                    english_days_left(now, *deadline),
                    english_rule(rule)
                ),
                Demand::Now(rule) => format!("a second factor now ({})", english_rule(rule)),
            },
            Self::GraceLasts { grace, begun } => {
                let begun = begun.map_or_else(
                    || "not begun yet: the first login without a code begins it".to_owned(),
                    |begun| format!("begun {}", begun.minute(Language::English)),
                );
                format!("{}, {begun}", length(Language::English, grace))
            }
            Self::NetworksAre { networks } => {
                format!("{networks}: logins from there need no code and no authenticator")
            }
            Self::Remembered { remember } => format!(
                "for {} after a code, the same service asks for no other from the same address",
                length(Language::English, remember)
            ),
        }
    }

    fn korean(&self) -> String {
        match *self {
            Self::Name => "이름".to_owned(),
            Self::NameOf { alias, user } => format!(
                "{alias}: {user} 계정의 다른 이름이며 계정은 하나입니다. 두 이름에 대한 정책 중 더 엄격한 정책을 따릅니다."
            ),
            Self::Login => "로그인".to_owned(),
            Self::Demand => "정책 요구 사항".to_owned(),
            Self::Grace => "유예 기간".to_owned(),
            Self::Records => "등록 정보".to_owned(),
            Self::WithVerifiers { verifiers } => format!(
                "검증 서버({verifiers})에 있음. 응답하는 서버가 없는 동안에는 등록 정보가 필요한 로그인이 거부됨"
            ),
            Self::Networks => "신뢰 네트워크".to_owned(),
            Self::Remember => "인증 유지".to_owned(),
            Self::At { service } => format!("{service} 서비스"),
            Self::NoAuthenticator => "없음".to_owned(),
            Self::NoNetworks => "신뢰 네트워크가 없음".to_owned(),
            Self::NeverRemembered => "로그인할 때마다 인증 코드를 요구함".to_owned(),
            Self::LoginDoes(prospect) => korean_login(prospect).to_owned(),
            Self::Demands { demand, now, zone } => match demand {
                Demand::Nothing(why) => {
                    format!("인증 수단이 없어도 됨({})", korean_exemption(why))
                }
                Demand::From(deadline, rule) => format!(
                    "{}부터 인증 수단이 있어야 함({}일 남음, {})",
                    zone.at(*deadline).minute(Language::Korean),
                    days_left(now, *deadline),
                    korean_rule(rule)
                ),
                Demand::Now(rule) => format!("지금 인증 수단이 있어야 함({})", korean_rule(rule)),
            },
            Self::GraceLasts { grace, begun } => {
                let begun = begun.map_or_else(
                    || "아직 시작되지 않음(인증 코드 없이 처음 로그인할 때 시작)".to_owned(),
                    |begun| format!("{}에 시작됨", begun.minute(Language::Korean)),
                );
                format!("{}, {begun}", length(Language::Korean, grace))
            }
            Self::NetworksAre { networks } => {
                format!(
                    "{networks}: 이 네트워크에서 접속하면 인증 코드도 인증 수단 등록도 요구하지 않음"
                )
            }
            Self::Remembered { remember } => format!(
                "인증 코드를 입력한 뒤 {} 동안은 같은 서비스, 같은 주소에서 다시 요구하지 않음",
                length(Language::Korean, remember)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::every;
    use crate::messages::prospect::tests::{
        DAY, NOON, assert_same_in_every_language, exemptions, prospects, rules,
    };

    fn demands() -> Vec<Demand> {
        let from = |rule| Demand::From(NOON.after(DAY), rule);
        every!(Demand {
            Nothing => exemptions().into_iter().map(Demand::Nothing).collect::<Vec<_>>(),
            From => rules().into_iter().map(from).collect::<Vec<_>>(),
            Now => rules().into_iter().map(Demand::Now).collect::<Vec<_>>(),
        })
    }

    #[test]
    fn every_explanation_exists_in_every_language_with_the_same_figures() {
        let (now, zone, demands, prospects) = (NOON, &Zone::UTC, demands(), prospects());
        let demanded = demands
            .iter()
            .map(|demand| Explanation::Demands { demand, now, zone });
        let grace = |begun| Explanation::GraceLasts {
            grace: DAY * 7,
            begun,
        };
        let all = every!(Explanation {
            Name => [Explanation::Name],
            NameOf => [Explanation::NameOf { alias: "toor", user: "root" }],
            Login => [Explanation::Login],
            Demand => [Explanation::Demand],
            Grace => [Explanation::Grace],
            Records => [Explanation::Records],
            WithVerifiers => [Explanation::WithVerifiers {
                verifiers: "v1.example.org:6238",
            }],
            Networks => [Explanation::Networks],
            Remember => [Explanation::Remember],
            At => [Explanation::At { service: "sshd" }],
            NoAuthenticator => [Explanation::NoAuthenticator],
            NoNetworks => [Explanation::NoNetworks],
            NeverRemembered => [Explanation::NeverRemembered],
            LoginDoes => prospects.iter().map(Explanation::LoginDoes).collect::<Vec<_>>(),
            Demands => demanded.collect::<Vec<_>>(),
            GraceLasts => [None, Some(Local::utc(NOON))].map(grace),
            NetworksAre => [Explanation::NetworksAre {
                networks: "10.0.0.0/8, 192.0.2.7/32",
            }],
            Remembered => [Explanation::Remembered { remember: DAY / 3 }],
        });
        for explanation in all {
            assert_same_in_every_language(|language| explanation.text(language));
        }
    }
}
