//! What `otp-admin policy check` says about a policy that can be read.

use crate::messages::reason::Wording;
use crate::record::Language;

/// One thing to look at in a policy, or the result of the check; each on a line of its own, without a full stop.
///
/// A finding begins with its key or file. No finding keeps a login from using the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// There is no file at the usual path.
    NoFile {
        /// Its path.
        path: String,
    },
    /// The issuer contains characters for which some apps refuse the URI.
    IssuerRefused {
        /// These characters.
        characters: String,
    },
    /// Some apps use another hash, whatever they are told.
    AlgorithmIgnored {
        /// Its name.
        algorithm: &'static str,
    },
    /// Some apps refuse codes of that length.
    DigitsRefused {
        /// How many digits.
        digits: u8,
    },
    /// Some apps use another step length, whatever they are told.
    PeriodIgnored {
        /// The length of a step.
        seconds: u64,
        /// Whether other apps use steps of a minute, since the length is greater.
        is_cut: bool,
    },
    /// A group that must have a second factor cannot be looked up.
    EnforcedGroupUnknown {
        /// Its name or number.
        group: String,
    },
    /// An exempt group cannot be looked up.
    ExemptGroupUnknown {
        /// Its name or number.
        group: String,
        /// The service whose section exempts it.
        service: Option<String>,
    },
    /// The name service knows no such exempt user.
    ExemptUserUnknown {
        /// The name.
        user: String,
    },
    /// An exempt user has another canonical name.
    ExemptUserIsAnother {
        /// The name in the policy.
        user: String,
        /// The canonical name.
        name: String,
    },
    /// The name service knows no such trusted caller.
    TrustedCallerUnknown {
        /// The name.
        user: String,
    },
    /// The policy lists events for a hook, but names no program.
    EventsWithoutHook,
    /// The policy names a program as hook, but lists no events.
    HookWithoutEvents,
    /// The program cannot be started as it is.
    HookUnfit {
        /// Its path.
        path: String,
        /// The reason.
        reason: Wording,
    },
    /// The user that the hook runs as does not exist.
    HookUserUnknown {
        /// The name.
        user: String,
    },
    /// A trusted network contains every address of its family.
    TrustsEverybody {
        /// The network.
        network: String,
        /// The service whose section trusts it.
        service: Option<String>,
    },
    /// A key lets codes be mailed, and there are no addresses.
    MailNeedsAddress {
        /// The key.
        key: &'static str,
    },
    /// A program or file for mail is missing, or users other than root could change or read it.
    MailFileUnusable {
        /// The key that names it.
        key: &'static str,
        /// Its path.
        path: String,
    },
    /// A file with certificates or the key of this machine is missing, or users other than root could change or read
    /// it.
    FleetFileUnusable {
        /// The key that names it.
        key: &'static str,
        /// Its path.
        path: String,
    },
    /// A key lets codes be mailed, which verifiers do not do.
    MailNotInFleet {
        /// The key.
        key: &'static str,
    },
    /// The name service knows no such user, whose record should stay on the machine.
    LocalUserUnknown {
        /// The name.
        user: String,
    },
    /// Logins should set up authenticators, and no user must have one.
    NobodyMust,
    /// Services ask for codes and do not have our account line.
    AccountLineMissing {
        /// Their names.
        services: Vec<String>,
    },
    /// A service asks for codes, and a login may bypass our account line.
    AccountLineLedAround {
        /// Its name.
        service: String,
    },
    /// A service has `nullok` on its line for codes, but not on our account line.
    AccountLineForgetsNullok {
        /// Its name.
        service: String,
    },
    /// Services ask for codes, and their programs may keep what they show.
    NobodyEnrolsThere {
        /// Their names.
        services: Vec<String>,
        /// The services in which users can enrol.
        only: String,
    },
    /// In this service, no module except ours finds out who the user is.
    NobodyProvesIdentity {
        /// Its name.
        service: String,
    },
    /// A service has our account line and does not ask for codes.
    CodeLineMissing {
        /// Its name.
        service: String,
    },
    /// Services have our `password` line.
    PasswordLine {
        /// Their names.
        services: Vec<String>,
    },
    /// Services have our `session` line.
    SessionLine {
        /// Their names.
        services: Vec<String>,
    },
    /// The files of the services could not be read.
    ServicesNotRead {
        /// The reason.
        reason: Wording,
    },
    /// The policy lets logins of a service set up authenticators, and its program is not known to keep nothing of what
    /// it shows.
    MayKeepWhatItShows {
        /// Its name.
        service: String,
    },
    /// The policy has a section for a service that has none of our lines.
    SectionUnused {
        /// Its name.
        service: String,
    },
    /// The service that was asked about has none of our lines.
    AsksNobody {
        /// Its name.
        service: String,
    },
    /// The policy demands a second factor of the administrator who checks it, and who has none.
    RefusesYou {
        /// The administrator's name.
        user: String,
    },
    /// The last line: the policy can be used.
    Usable {
        /// The path of the policy.
        path: String,
        /// How many things there are to look at.
        findings: usize,
    },
}

impl Finding {
    /// Returns the text in this language.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        match language {
            Language::English => self.english(),
            Language::Korean => self.korean(),
        }
    }

    #[expect(clippy::too_many_lines, reason = "a sentence each")]
    fn english(&self) -> String {
        match self {
            Self::NoFile { path } => format!("{path}: is not there, so every key has its default"),
            Self::IssuerRefused { characters } => format!(
                "issuer: some apps, such as pyotp 2.9.0, accept no QR code or URI with \"{characters}\" in it; see \
                 pam_otp-apps(7)"
            ),
            Self::AlgorithmIgnored { algorithm } => format!(
                "[code] algorithm: some apps, such as Number Station 1.3.0, ignore {algorithm} and show wrong codes \
                 without a warning; see pam_otp-apps(7)"
            ),
            Self::DigitsRefused { digits } => format!(
                "[code] digits: some apps, such as url-otpauth 2.0.0, refuse {digits} digits; see pam_otp-apps(7)"
            ),
            Self::PeriodIgnored { seconds, is_cut } => {
                let cut = if *is_cut {
                    ", and KeePassXC 2.7.4 counts in steps of 60"
                } else {
                    ""
                };
                format!(
                    "[code] period: some apps, such as cotp 1.9.2, ignore {seconds} and show wrong codes without a \
                     warning{cut}; see pam_otp-apps(7)"
                )
            }
            Self::EnforcedGroupUnknown { group } => format!(
                "[enforce] groups: group {group} cannot be looked up, so everybody counts as a member"
            ),
            Self::ExemptGroupUnknown { group, service } => {
                let section = section("enforce", service.as_deref());
                format!(
                    "[{section}] exempt_groups: group {group} cannot be looked up, so it exempts nobody"
                )
            }
            Self::ExemptUserUnknown { user } => {
                format!("[enforce] exempt_users: no user is called '{user}'")
            }
            Self::ExemptUserIsAnother { user, name } => format!(
                "[enforce] exempt_users: '{user}' is another name of {name}, and exempts nobody unless {name} is named too"
            ),
            Self::TrustedCallerUnknown { user } => {
                format!("[helper] trusted_callers: no user is called '{user}'")
            }
            Self::EventsWithoutHook => {
                "[hooks] run: no program is named, so no event is handed on".to_owned()
            }
            Self::HookWithoutEvents => {
                "[hooks] events: none is named, so the program gets nothing".to_owned()
            }
            Self::HookUnfit { path, reason } => format!(
                "[hooks] run: {path} is not started: {reason}; it and the directories above it must belong to root and be \
                 writable by nobody else",
                reason = reason.text(Language::English)
            ),
            Self::HookUserUnknown { user } => format!(
                "[hooks] run: the program runs as the user {user}, who does not exist: useradd --system --shell \
                 /usr/sbin/nologin {user}"
            ),
            Self::TrustsEverybody { network, service } => {
                let section = section("trust", service.as_deref());
                format!(
                    "[{section}] networks: {network} includes every address of its kind, so no code is asked for"
                )
            }
            Self::MailNeedsAddress { key } => {
                format!(
                    "{key}: needs [mail] address, which is not set, so no code is mailed to anybody"
                )
            }
            Self::MailFileUnusable { key, path } => format!(
                "[mail] {key}: {path} must be there, belong to root and be writable only by root (credentials: also \
                 readable only by root), so no mail is sent"
            ),
            Self::FleetFileUnusable { key, path } => format!(
                "[fleet] {key}: {path} must be there, belong to root and be writable only by root (key: readable only by \
                 root and the group pam_otp), so users of the fleet are refused"
            ),
            Self::MailNotInFleet { key } => {
                format!(
                    "{key}: verifiers mail no codes, so it counts for local_users and root only"
                )
            }
            Self::LocalUserUnknown { user } => {
                format!("[fleet] local_users: no user is called '{user}'")
            }
            Self::NobodyMust => {
                "[enroll] at_login: nobody must have an authenticator ([enforce] groups = []), \
                so no login sets one up"
                    .to_owned()
            }
            Self::AccountLineMissing { services } => format!(
                "/etc/pam.d: no line \"account required pam_otp.so\" in {}, so nobody sets up an authenticator there; it \
                 belongs where people log in, and not into sudo and cron",
                services.join(", ")
            ),
            Self::AccountLineLedAround { service } => format!(
                "/etc/pam.d/{service}: its account line of pam_otp.so can be bypassed, so no login there sets up an \
                 authenticator; make it \"account required pam_otp.so\", above the other account lines"
            ),
            Self::AccountLineForgetsNullok { service } => format!(
                "/etc/pam.d/{service}: \"nullok\" is an argument of the auth line and not of the account line of pam_otp.so, \
                 which refuses users without an authenticator; it belongs on both or on neither"
            ),
            Self::NobodyEnrolsThere { services, only } => format!(
                "/etc/pam.d: nobody sets up an authenticator in {}, whose programs may keep what they show; only in {only}: \
                 enrol over ssh, or with otp-enroll",
                services.join(", ")
            ),
            Self::NobodyProvesIdentity { service } => format!(
                "/etc/pam.d/{service}: no module but pam_otp.so is known to find out who the user is, so no login there sets up an authenticator"
            ),
            Self::CodeLineMissing { service } => format!(
                "/etc/pam.d/{service}: has an account line of pam_otp.so and no \"auth\" line, so it asks nobody for a code"
            ),
            Self::PasswordLine { services } => format!(
                "/etc/pam.d: passwd(1) runs a line of pam_otp.so in {}, which changes nothing and only logs \
                 otp.policy; take it out: pam_otp.so is for \"auth\" and \"account\" lines alone",
                services.join(", ")
            ),
            Self::SessionLine { services } => format!(
                "/etc/pam.d: a \"session\" line of pam_otp.so in {}, which does nothing; take it out",
                services.join(", ")
            ),
            Self::ServicesNotRead { reason } => {
                format!(
                    "the services could not be examined: {reason}",
                    reason = reason.text(Language::English)
                )
            }
            Self::MayKeepWhatItShows { service } => format!(
                "[{}] at_login: its program may keep the key, the URI and the recovery codes that an enrolment shows, for \
                 example in a log; enrol once, search its log, the journal and its standard error for them, and reset that \
                 account",
                section("", Some(service))
            ),
            Self::SectionUnused { service } => format!(
                "[{}]: no service of that name has a line of pam_otp.so in /etc/pam.d, so the section changes nothing",
                section("", Some(service))
            ),
            Self::AsksNobody { service } => format!(
                "/etc/pam.d: no service called {service} has a line of pam_otp.so, so it asks nobody for a code"
            ),
            Self::RefusesYou { user } => format!(
                "[enforce]: a second factor is demanded of {user}, who runs this and has no usable authenticator"
            ),
            Self::Usable { path, findings: 0 } => format!("{path}: can be used"),
            Self::Usable { path, findings } => {
                format!("{path}: can be used, but look at the lines above: {findings}")
            }
        }
    }

    #[expect(clippy::too_many_lines, reason = "a sentence each")]
    fn korean(&self) -> String {
        match self {
            Self::NoFile { path } => {
                format!("{path}: 파일이 없어 모든 항목에 기본값을 적용합니다.")
            }
            Self::IssuerRefused { characters } => format!(
                "issuer: \"{characters}\" 문자가 있으면 QR 코드와 URI를 받지 않는 앱이 있습니다(예: pyotp 2.9.0). \
                 pam_otp-apps(7) 매뉴얼을 참고하세요."
            ),
            Self::AlgorithmIgnored { algorithm } => format!(
                "[code] algorithm: {algorithm} 설정을 알리지 않고 무시하여 틀린 인증 코드를 표시하는 앱이 있습니다(예: Number Station \
                 1.3.0). pam_otp-apps(7) 매뉴얼을 참고하세요."
            ),
            Self::DigitsRefused { digits } => format!(
                "[code] digits: {digits}자리 인증 코드를 거부하는 앱이 있습니다(예: url-otpauth 2.0.0). pam_otp-apps(7) \
                 매뉴얼을 참고하세요."
            ),
            Self::PeriodIgnored { seconds, is_cut } => {
                let cut = if *is_cut {
                    ". KeePassXC 2.7.4는 60초로 계산합니다"
                } else {
                    ""
                };
                format!(
                    "[code] period: {seconds}초 설정을 알리지 않고 무시하여 틀린 인증 코드를 표시하는 앱이 있습니다(예: cotp 1.9.2){cut}. \
                     pam_otp-apps(7) 매뉴얼을 참고하세요."
                )
            }
            Self::EnforcedGroupUnknown { group } => format!(
                "[enforce] groups: {group} 그룹을 찾을 수 없어 모든 사용자가 속한 것으로 간주합니다."
            ),
            Self::ExemptGroupUnknown { group, service } => {
                let section = section("enforce", service.as_deref());
                format!(
                    "[{section}] exempt_groups: {group} 그룹을 찾을 수 없어 아무도 면제되지 않습니다."
                )
            }
            Self::ExemptUserUnknown { user } => {
                format!("[enforce] exempt_users: '{user}' 사용자가 없습니다.")
            }
            Self::ExemptUserIsAnother { user, name } => format!(
                "[enforce] exempt_users: '{user}' 사용자는 {name} 계정의 다른 이름이어서, {name} 이름도 적지 않으면 아무도 면제되지 않습니다."
            ),
            Self::TrustedCallerUnknown { user } => {
                format!("[helper] trusted_callers: '{user}' 사용자가 없습니다.")
            }
            Self::EventsWithoutHook => {
                "[hooks] run: 프로그램이 지정되지 않아 이벤트가 아무 데도 전달되지 않습니다."
                    .to_owned()
            }
            Self::HookWithoutEvents => {
                "[hooks] events: 지정된 이벤트가 없어 프로그램에 아무것도 전달되지 않습니다."
                    .to_owned()
            }
            Self::HookUnfit { path, reason } => format!(
                "[hooks] run: {path} 파일을 실행하지 않습니다: {reason}. 파일과 그 위의 디렉터리는 모두 root의 소유여야 하고 다른 \
                 사용자에게 쓰기 권한이 없어야 합니다.",
                reason = reason.text(Language::Korean)
            ),
            Self::HookUserUnknown { user } => format!(
                "[hooks] run: 프로그램을 실행할 {user} 사용자가 없습니다. 만들려면: useradd --system --shell /usr/sbin/nologin {user}"
            ),
            Self::TrustsEverybody { network, service } => {
                let section = section("trust", service.as_deref());
                format!(
                    "[{section}] networks: {network} 네트워크에는 같은 종류의 주소가 모두 포함되어, 그 주소로 접속하는 사용자에게 인증 코드를 요구하지 않습니다."
                )
            }
            Self::MailNeedsAddress { key } => {
                format!("{key}: [mail] address가 비어 있어 아무에게도 인증 코드를 보내지 않습니다.")
            }
            Self::MailFileUnusable { key, path } => format!(
                "[mail] {key}: {path} 파일이 있어야 하고 root의 소유여야 하며 다른 사용자에게 쓰기 권한이 없어야 합니다(credentials 파일은 읽기 권한도 \
                 없어야 합니다). 지금은 메일을 보내지 않습니다."
            ),
            Self::FleetFileUnusable { key, path } => format!(
                "[fleet] {key}: {path} 파일이 있어야 하고 root의 소유여야 하며 다른 사용자에게 쓰기 권한이 없어야 합니다(key 파일은 pam_otp 그룹 외에는 \
                 읽기 권한도 없어야 합니다). 지금은 플릿 사용자가 로그인할 수 없습니다."
            ),
            Self::MailNotInFleet { key } => format!(
                "{key}: 검증 서버는 인증 코드를 메일로 보내지 않으므로 local_users의 사용자와 root에게만 적용됩니다."
            ),
            Self::LocalUserUnknown { user } => {
                format!("[fleet] local_users: '{user}' 사용자가 없습니다.")
            }
            Self::NobodyMust => {
                "[enroll] at_login: 인증 수단을 의무로 등록해야 하는 사용자가 없어([enforce] groups = []) \
                로그인할 때 등록하는 경우가 없습니다."
                    .to_owned()
            }
            Self::AccountLineMissing { services } => format!(
                "/etc/pam.d: {} 서비스에 \"account required pam_otp.so\" 줄이 없어 이 서비스에서는 인증 수단을 등록할 수 없습니다. 사용자가 \
                 로그인하는 서비스에만 추가하고, sudo와 cron에는 추가하지 마세요.",
                services.join(", ")
            ),
            Self::AccountLineLedAround { service } => format!(
                "/etc/pam.d/{service}: pam_otp.so의 account 줄을 건너뛸 수 있어 이 서비스에서는 로그인할 때 인증 수단을 등록할 수 \
                 없습니다. \"account required pam_otp.so\"로 바꾸어 다른 account 줄보다 위에 두세요."
            ),
            Self::AccountLineForgetsNullok { service } => format!(
                "/etc/pam.d/{service}: \"nullok\"이 pam_otp.so의 auth 줄에는 있고 account 줄에는 없어 인증 수단이 없는 사용자가 \
                 거부됩니다. 두 줄에 모두 넣거나 모두 빼세요."
            ),
            Self::NobodyEnrolsThere { services, only } => format!(
                "/etc/pam.d: {} 서비스의 프로그램은 화면에 표시한 내용을 남길 수 있어 이 서비스에서는 인증 수단을 등록할 수 없습니다. {only} 서비스에서만 \
                 등록할 수 있습니다. ssh로 로그인하거나 otp-enroll로 등록하세요.",
                services.join(", ")
            ),
            Self::NobodyProvesIdentity { service } => format!(
                "/etc/pam.d/{service}: pam_otp.so 외에 사용자를 확인하는 모듈이 없어 이 서비스에서는 로그인할 때 인증 수단을 등록할 수 없습니다."
            ),
            Self::CodeLineMissing { service } => format!(
                "/etc/pam.d/{service}: pam_otp.so의 account 줄은 있지만 auth 줄이 없어 인증 코드를 요구하지 않습니다."
            ),
            Self::PasswordLine { services } => format!(
                "/etc/pam.d: {} 서비스에 passwd(1) 명령이 실행하는 pam_otp.so 줄이 있지만, 아무것도 바꾸지 않고 로그에 otp.policy만 남깁니다. 그 줄을 빼세요. pam_otp.so에는 \"auth\"와 \"account\" 줄만 있습니다.",
                services.join(", ")
            ),
            Self::SessionLine { services } => format!(
                "/etc/pam.d: {} 서비스에 아무 일도 하지 않는 pam_otp.so의 \"session\" 줄이 있습니다. 그 줄을 빼세요.",
                services.join(", ")
            ),
            Self::ServicesNotRead { reason } => {
                format!("서비스 파일을 확인할 수 없습니다: {reason}", reason = reason.text(Language::Korean))
            }
            Self::MayKeepWhatItShows { service } => format!(
                "[{}] at_login: 등록할 때 표시되는 키, URI, 복구 코드를 이 프로그램이 로그 같은 곳에 남길 수 있습니다. 한 번 등록하고 \
                 프로그램의 로그, 저널, 표준 오류에 남았는지 찾아본 뒤 그 계정의 등록 정보를 삭제하세요.",
                section("", Some(service))
            ),
            Self::SectionUnused { service } => format!(
                "[{}]: /etc/pam.d에 pam_otp.so 줄이 있는 그런 서비스가 없어 이 섹션은 아무것도 바꾸지 않습니다.",
                section("", Some(service))
            ),
            Self::AsksNobody { service } => format!(
                "/etc/pam.d: {service} 서비스에 pam_otp.so 줄이 없어 이 서비스에서는 아무에게도 인증 코드를 요구하지 않습니다."
            ),
            Self::RefusesYou { user } => format!(
                "[enforce]: 이 명령을 실행한 {user} 계정에도 인증 수단이 있어야 하지만 사용할 수 있는 인증 수단이 없습니다."
            ),
            Self::Usable { path, findings: 0 } => {
                format!("{path}: 사용할 수 있는 정책입니다.")
            }
            Self::Usable { path, findings } => {
                format!("{path}: 사용할 수 있는 정책이지만 위의 {findings}개 항목을 확인하세요.")
            }
        }
    }
}

/// Returns the section of a key: that of a service, or the general one.
fn section(usual: &str, service: Option<&str>) -> String {
    service.map_or_else(
        || usual.to_owned(),
        |name| {
            // TOML allows only these characters without quotes.
            let is_bare = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
            if name.chars().all(is_bare) {
                format!("service.{name}")
            } else {
                format!("service.\"{name}\"")
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::every;
    use crate::messages::prospect::tests::assert_same_in_every_language;

    #[test]
    fn a_section_is_named_as_it_must_be_written() {
        assert_eq!(section("trust", None), "trust");
        for (service, name) in [
            ("sshd", "service.sshd"),
            ("su-l", "service.su-l"),
            ("a_9", "service.a_9"),
            ("polkit.1", "service.\"polkit.1\""),
        ] {
            assert_eq!(section("trust", Some(service)), name);
        }
    }

    fn all() -> Vec<Finding> {
        let text = |text: &str| text.to_owned();
        every!(Finding {
            NoFile => [Finding::NoFile { path: text("/x") }],
            IssuerRefused => [Finding::IssuerRefused {
                characters: text("&?"),
            }],
            AlgorithmIgnored => [Finding::AlgorithmIgnored {
                algorithm: "SHA512",
            }],
            DigitsRefused => [Finding::DigitsRefused { digits: 7 }],
            PeriodIgnored => [(45, false), (90, true)]
                .map(|(seconds, is_cut)| Finding::PeriodIgnored { seconds, is_cut }),
            EnforcedGroupUnknown => [Finding::EnforcedGroupUnknown {
                group: text("staff"),
            }],
            ExemptGroupUnknown => [None, Some(text("sshd"))]
                .map(|service| Finding::ExemptGroupUnknown { group: text("20"), service }),
            ExemptUserUnknown => [Finding::ExemptUserUnknown {
                user: text("backup"),
            }],
            ExemptUserIsAnother => [Finding::ExemptUserIsAnother {
                user: text("toor"),
                name: text("root"),
            }],
            TrustedCallerUnknown => [Finding::TrustedCallerUnknown {
                user: text("postgres"),
            }],
            EventsWithoutHook => [Finding::EventsWithoutHook],
            HookWithoutEvents => [Finding::HookWithoutEvents],
            HookUnfit => [Finding::HookUnfit {
                path: text("/x"),
                reason: text("is no program").into(),
            }],
            HookUserUnknown => [Finding::HookUserUnknown {
                user: text("otp-notify"),
            }],
            TrustsEverybody => [None, Some(text("sshd"))].map(|service| Finding::TrustsEverybody {
                network: text("0.0.0.0/0"),
                service,
            }),
            MailNeedsAddress => [Finding::MailNeedsAddress { key: "[recovery] email" }],
            MailFileUnusable => [Finding::MailFileUnusable {
                key: "sendmail",
                path: text("/usr/sbin/sendmail"),
            }],
            FleetFileUnusable => [Finding::FleetFileUnusable { key: "key", path: text("/x") }],
            MailNotInFleet => [Finding::MailNotInFleet { key: "[recovery] email" }],
            LocalUserUnknown => [Finding::LocalUserUnknown { user: text("console") }],
            NobodyMust => [Finding::NobodyMust],
            AccountLineMissing => [Finding::AccountLineMissing {
                services: vec![text("login"), text("sshd")],
            }],
            AccountLineLedAround => [Finding::AccountLineLedAround {
                service: text("sshd"),
            }],
            AccountLineForgetsNullok => [Finding::AccountLineForgetsNullok {
                service: text("sshd"),
            }],
            NobodyEnrolsThere => [Finding::NobodyEnrolsThere {
                services: vec![text("cockpit"), text("sudo")],
                only: text("sshd"),
            }],
            NobodyProvesIdentity => [Finding::NobodyProvesIdentity {
                service: text("kiosk"),
            }],
            CodeLineMissing => [Finding::CodeLineMissing {
                service: text("login"),
            }],
            PasswordLine => [Finding::PasswordLine {
                services: vec![text("passwd"), text("su")],
            }],
            SessionLine => [Finding::SessionLine {
                services: vec![text("su")],
            }],
            ServicesNotRead => [Finding::ServicesNotRead {
                reason: text("/etc/pam.d: cannot list").into(),
            }],
            MayKeepWhatItShows => [Finding::MayKeepWhatItShows {
                service: text("cockpit"),
            }],
            SectionUnused => [Finding::SectionUnused {
                service: text("a.b"),
            }],
            AsksNobody => [Finding::AsksNobody {
                service: text("ssh"),
            }],
            RefusesYou => [Finding::RefusesYou {
                user: text("alice"),
            }],
            Usable => [Finding::Usable {
                path: text("/x"),
                findings: 0,
            }, Finding::Usable {
                path: text("/x"),
                findings: 3,
            }],
        })
    }

    #[test]
    fn every_finding_exists_in_every_language_with_the_same_figures() {
        for finding in all() {
            assert_same_in_every_language(|language| finding.text(language));
        }
    }
}
