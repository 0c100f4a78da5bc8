//! What keeps a helper, a verifier, or the program that asks verifiers, from doing what it was asked to do.
//!
//! These texts are reasons in other sentences: in every language they end without a full stop. Most of them also go
//! to the log, in English.

use super::reason::Wording;
use crate::record::Language;
use std::fmt;

/// What keeps a program of ours from fulfilling a request, apart from its records and its policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hindrance {
    /// The PAM service does not exist.
    NoService,
    /// The PAM service in which users prove who they are does not exist, or users cannot read it.
    NoServiceOfOurs,
    /// A limit of the calling program stops the timer.
    NoTimer,
    /// The timer could not be set.
    TimerFailed {
        /// What the operating system said.
        error: Wording,
    },
    /// No process could be started in which PAM runs.
    NoProcess,
    /// The helper's group is not that of the records.
    HelperOfAnotherGroup {
        /// The helper's path.
        helper: &'static str,
        /// The helper's group.
        own: u32,
        /// The group of the records.
        records: u32,
    },
    /// The helper's file has no set-group-id bit.
    HelperWithoutBit {
        /// The helper's path.
        helper: &'static str,
    },
    /// The program that asks has `no_new_privs`.
    HelperUnderNoNewPrivs {
        /// The helper's path.
        helper: &'static str,
    },
    /// The file system of the helper is mounted with `nosuid`.
    HelperOnNosuid {
        /// The helper's path.
        helper: &'static str,
    },
    /// The kernel did not give the helper its group, for a reason that cannot be seen.
    HelperWithoutGroup {
        /// The helper's path.
        helper: &'static str,
    },
    /// Mail would be sent by a program that runs as the user.
    MailAsTheUser,
    /// The address would come from a command that runs as the user.
    AddressAsTheUser,
    /// The group of a zone cannot be looked up.
    ZoneGroup {
        /// The group.
        group: String,
    },
    /// The machine has used names that the verifier's name service does not have, more than allowed.
    TooManyNewNames,
    /// The machine has begun graces and enrolments, more than allowed.
    TooManyChanges,
    /// The machine has had codes refused, more than allowed.
    TooManyRefusals,
    /// The policy of the verifiers asks for addresses to be confirmed.
    NoAddressesInAFleet,
    /// A verifier does not take a change from this machine.
    ChangeNotTaken {
        /// The verifier.
        verifier: String,
    },
    /// A verifier does not let this machine ask about the user.
    UserNotServed {
        /// The verifier.
        verifier: String,
    },
    /// A verifier broke off.
    BrokenOff {
        /// The verifier.
        verifier: String,
        /// How.
        how: VerifierFault,
    },
    /// No verifier could be reached.
    NoVerifier {
        /// The verifiers, each with the reason.
        each: Vec<(String, VerifierFault)>,
    },
    /// The policy names no verifiers.
    NoFleet {
        /// The policy file.
        path: String,
    },
    /// A key of `[fleet]` is not set.
    NotSet {
        /// The key.
        key: &'static str,
    },
    /// The records of the user stay on this machine.
    LocalUser,
    /// The name service no longer knows the user.
    GoneUser,
}

/// How a verifier failed to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerifierFault {
    /// It gave no answer in time.
    Late,
    /// It has closed the connection.
    Closed,
    /// It answered in part.
    Incomplete,
    /// It answered something that is no answer.
    Senseless,
    /// It sent something that no one had asked for.
    Unasked,
    /// It does not know the protocol.
    OtherProtocol,
    /// The request is too long, and was not sent.
    TooLong,
    /// Its name cannot be the name in a certificate.
    NoServerName,
    /// No connection could be prepared.
    NoConnection {
        /// What the library said.
        error: Wording,
    },
    /// The name could not be looked up.
    NotLookedUp {
        /// What the system said.
        error: Wording,
    },
    /// The name has no address.
    NoAddress,
    /// No thread could be started.
    NoThread {
        /// What the system said.
        error: Wording,
    },
    /// It has not looked at the request, because it serves nobody.
    ServesNobody {
        /// What it said.
        reason: String,
    },
    /// The operating system, or the library for TLS, refused.
    Refused {
        /// What it said.
        error: Wording,
    },
}

impl Hindrance {
    /// Returns the reason in words of that language, without a full stop.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        match language {
            Language::English => self.english(),
            Language::Korean => self.korean(),
        }
    }

    fn english(&self) -> String {
        let english = Language::English;
        match self {
            Self::NoService => "there is no PAM service of that name".to_owned(),
            Self::NoServiceOfOurs => {
                "there is no PAM service otp-enroll (/etc/pam.d/otp-enroll) that users may read, so nobody can prove \
                 who they are"
                    .to_owned()
            }
            Self::NoTimer => "a limit of the caller keeps the time from being counted".to_owned(),
            Self::TimerFailed { error } => format!(
                "a limit keeps the time from being counted: {}",
                error.text(english)
            ),
            Self::NoProcess => "no process could be started for the PAM service".to_owned(),
            Self::HelperOfAnotherGroup {
                helper,
                own,
                records,
            } => format!(
                "{helper} has the group {own} and the records have {records}: install the package again"
            ),
            Self::HelperWithoutBit { helper } => format!(
                "{helper} has no set-group-id bit, and so not the group of the records: install the package again"
            ),
            Self::HelperUnderNoNewPrivs { helper } => format!(
                "{helper} was started without its group: the program that asks has no_new_privs (systemd: \
                 NoNewPrivileges=yes and what implies it); take that setting out of its service"
            ),
            Self::HelperOnNosuid { helper } => format!(
                "{helper} was started without its group: its file system is mounted with nosuid; mount it without"
            ),
            Self::HelperWithoutGroup { helper } => format!(
                "{helper} was started without its group: the kernel did not give it (is it traced, or in a container \
                 that has no such group?)"
            ),
            Self::MailAsTheUser => {
                "the address cannot be confirmed here: [mail] sendmail would run as you. Set [mail] smtp, or enrol at \
                 login or by root"
                    .to_owned()
            }
            Self::AddressAsTheUser => {
                "the address cannot be confirmed here: [mail] address is a command, which would run as you. Make it a \
                 pattern, or enrol at login or by root"
                    .to_owned()
            }
            Self::ZoneGroup { group } => {
                format!("the group {group} of a zone cannot be looked up")
            }
            Self::TooManyNewNames => {
                "this machine has begun graces and enrolments under too many names that the verifier's name service \
                 does not have"
                    .to_owned()
            }
            Self::TooManyChanges => {
                "this machine has begun too many graces and enrolments".to_owned()
            }
            Self::TooManyRefusals => "this machine has had too many codes refused".to_owned(),
            Self::NoAddressesInAFleet => {
                "addresses are not confirmed in a fleet: take verify_email out of the verifiers' policy".to_owned()
            }
            Self::ChangeNotTaken { verifier } => format!(
                "{verifier} does not take this change from this machine: it takes a code of this user that was accepted \
                 on this machine in the last 5 minutes, so /etc/pam.d/otp-enroll must ask for one (pam_otp.so)"
            ),
            Self::UserNotServed { verifier } => {
                format!("{verifier} does not let this machine ask about this user")
            }
            Self::BrokenOff { verifier, how } => format!("{verifier} {}", how.text(english)),
            Self::NoVerifier { each } => {
                format!("no verifier could be reached{}", listed(each, english))
            }
            Self::NoFleet { path } => format!("{path}: [fleet] names no verifiers"),
            Self::NotSet { key } => format!("[fleet] {key} is not set"),
            Self::LocalUser => "the records of this user stay on this machine".to_owned(),
            Self::GoneUser => "the name service does not know this user any more".to_owned(),
        }
    }

    fn korean(&self) -> String {
        let korean = Language::Korean;
        match self {
            Self::NoService => "이 이름의 PAM 서비스가 없습니다".to_owned(),
            Self::NoServiceOfOurs => {
                "본인을 확인할 PAM 서비스인 otp-enroll(/etc/pam.d/otp-enroll)이 없거나 사용자가 읽을 수 없습니다"
                    .to_owned()
            }
            Self::NoTimer => "호출한 프로그램의 제한 때문에 시간을 잴 수 없습니다".to_owned(),
            Self::TimerFailed { error } => {
                format!("제한 때문에 시간을 잴 수 없습니다: {}", error.text(korean))
            }
            Self::NoProcess => "PAM 서비스를 실행할 프로세스를 시작하지 못했습니다".to_owned(),
            Self::HelperOfAnotherGroup {
                helper,
                own,
                records,
            } => format!(
                "{helper} 프로그램의 그룹은 {own}번이고 등록 정보의 그룹은 {records}번입니다. 패키지를 다시 설치해야 합니다"
            ),
            Self::HelperWithoutBit { helper } => format!(
                "{helper} 프로그램에 set-group-id 비트가 없어 등록 정보의 그룹을 얻지 못합니다. 패키지를 다시 설치해야 합니다"
            ),
            Self::HelperUnderNoNewPrivs { helper } => format!(
                "{helper} 프로그램이 그룹을 얻지 못하고 시작되었습니다. 호출한 프로그램에 no_new_privs가 설정되어 있으므로\
                 (systemd: NoNewPrivileges=yes와 이를 포함하는 설정) 그 서비스에서 이 설정을 빼야 합니다"
            ),
            Self::HelperOnNosuid { helper } => format!(
                "{helper} 프로그램이 그룹을 얻지 못하고 시작되었습니다. 파일 시스템이 nosuid로 마운트되어 있으므로 nosuid 없이 \
                 마운트해야 합니다"
            ),
            Self::HelperWithoutGroup { helper } => format!(
                "{helper} 프로그램이 그룹을 얻지 못하고 시작되었습니다. 커널이 그룹을 주지 않았으므로, 추적되고 있는지 또는 그 그룹이 없는 컨테이너인지 확인해야 합니다"
            ),
            Self::MailAsTheUser => {
                "[mail] sendmail 프로그램이 사용자의 권한으로 실행되므로 주소를 확인할 수 없습니다. [mail] smtp 값을 설정하거나, \
                 로그인할 때 또는 root가 등록해야 합니다"
                    .to_owned()
            }
            Self::AddressAsTheUser => {
                "[mail] address 값이 사용자의 권한으로 실행되는 명령이므로 주소를 확인할 수 없습니다. 명령 대신 형식을 설정하거나, \
                 로그인할 때 또는 root가 등록해야 합니다"
                    .to_owned()
            }
            Self::ZoneGroup { group } => {
                format!("존에 있는 {group} 그룹을 찾을 수 없습니다")
            }
            Self::TooManyNewNames => {
                "이 컴퓨터가 검증 서버의 이름 서비스에 없는 이름으로 유예 기간과 등록을 너무 많이 시작했습니다".to_owned()
            }
            Self::TooManyChanges => {
                "이 컴퓨터가 유예 기간과 등록을 너무 많이 시작했습니다".to_owned()
            }
            Self::TooManyRefusals => "이 컴퓨터에서 거부된 인증 코드가 너무 많습니다".to_owned(),
            Self::NoAddressesInAFleet => {
                "플릿에서는 이메일 주소를 확인하지 않습니다. 검증 서버의 정책에서 verify_email 값을 빼야 합니다".to_owned()
            }
            Self::ChangeNotTaken { verifier } => format!(
                "{verifier} 검증 서버가 이 컴퓨터의 변경 요청을 받지 않습니다. 최근 5분 안에 이 컴퓨터에서 이 사용자의 인증 코드가 \
                 허용되어야 하므로 /etc/pam.d/otp-enroll에서 인증 코드를 요구해야 합니다(pam_otp.so)"
            ),
            Self::UserNotServed { verifier } => {
                format!("{verifier} 검증 서버가 이 컴퓨터에서 이 사용자에 대해 요청하는 것을 허용하지 않습니다")
            }
            Self::BrokenOff { verifier, how } => {
                format!("{verifier} 검증 서버: {}", how.text(korean))
            }
            Self::NoVerifier { each } => {
                format!("연결할 수 있는 검증 서버가 없습니다{}", listed(each, korean))
            }
            Self::NoFleet { path } => format!("{path}: [fleet]에 검증 서버가 없습니다"),
            Self::NotSet { key } => format!("[fleet] {key} 값이 없습니다"),
            Self::LocalUser => "이 사용자의 등록 정보는 이 컴퓨터에만 있습니다".to_owned(),
            Self::GoneUser => "이름 서비스에 이 사용자가 더 이상 없습니다".to_owned(),
        }
    }
}

/// Returns the verifiers with their faults, in brackets.
fn listed(each: &[(String, VerifierFault)], language: Language) -> String {
    let one = |(verifier, fault): &(String, VerifierFault)| {
        format!("{verifier}: {}", fault.text(language))
    };
    let all: Vec<_> = each.iter().map(one).collect();
    match (all.is_empty(), language) {
        (true, _) => String::new(),
        (false, Language::English) => format!(" ({})", all.join("; ")),
        (false, Language::Korean) => format!("({})", all.join("; ")),
    }
}

impl VerifierFault {
    /// Returns the fault in words of that language, without the verifier and without a full stop.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        match language {
            Language::English => self.english(),
            Language::Korean => self.korean(),
        }
    }

    fn english(&self) -> String {
        let english = Language::English;
        match self {
            Self::Late => "gave no answer in time".to_owned(),
            Self::Closed => "has closed the connection".to_owned(),
            Self::Incomplete => "gave no complete answer".to_owned(),
            Self::Senseless => "answered something that is no answer".to_owned(),
            Self::Unasked => "has said something unasked".to_owned(),
            Self::OtherProtocol => "does not speak the protocol of pam_otp".to_owned(),
            Self::TooLong => "was not asked: the request is too long".to_owned(),
            Self::NoServerName => "cannot be the name in a certificate".to_owned(),
            Self::NoConnection { error } => format!("no connection: {}", error.text(english)),
            Self::NotLookedUp { error } => format!("cannot be looked up: {}", error.text(english)),
            Self::NoAddress => "has no address".to_owned(),
            Self::NoThread { error } => {
                format!("no thread could be started: {}", error.text(english))
            }
            Self::ServesNobody { reason } => format!("serves nobody: {reason}"),
            Self::Refused { error } => error.text(english).to_owned(),
        }
    }

    fn korean(&self) -> String {
        let korean = Language::Korean;
        match self {
            Self::Late => "제시간에 응답하지 않았습니다".to_owned(),
            Self::Closed => "연결을 끊었습니다".to_owned(),
            Self::Incomplete => "응답이 끝까지 오지 않았습니다".to_owned(),
            Self::Senseless => "응답을 이해할 수 없습니다".to_owned(),
            Self::Unasked => "요청하지 않은 내용을 보냈습니다".to_owned(),
            Self::OtherProtocol => "pam_otp의 프로토콜을 사용하지 않습니다".to_owned(),
            Self::TooLong => "요청이 너무 길어 보내지 않았습니다".to_owned(),
            Self::NoServerName => "인증서에 있을 수 없는 이름입니다".to_owned(),
            Self::NoConnection { error } => format!("연결할 수 없습니다: {}", error.text(korean)),
            Self::NotLookedUp { error } => {
                format!("주소를 찾을 수 없습니다: {}", error.text(korean))
            }
            Self::NoAddress => "주소가 없습니다".to_owned(),
            Self::NoThread { error } => {
                format!("스레드를 시작하지 못했습니다: {}", error.text(korean))
            }
            Self::ServesNobody { reason } => format!("요청을 처리하지 않습니다: {reason}"),
            Self::Refused { error } => error.text(korean).to_owned(),
        }
    }
}

impl fmt::Display for Hindrance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.english())
    }
}

impl From<Hindrance> for Wording {
    fn from(hindrance: Hindrance) -> Self {
        Self::of(|language| hindrance.text(language))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::every;
    use crate::messages::in_all::{assert_keeps_the_glossary, assert_same_in_every_language};

    fn error() -> Wording {
        Wording::of(|language| match language {
            Language::English => "too many processes".to_owned(),
            Language::Korean => "프로세스가 너무 많습니다".to_owned(),
        })
    }

    fn faults() -> Vec<VerifierFault> {
        let error = error();
        every!(VerifierFault {
            Late => [VerifierFault::Late],
            Closed => [VerifierFault::Closed],
            Incomplete => [VerifierFault::Incomplete],
            Senseless => [VerifierFault::Senseless],
            Unasked => [VerifierFault::Unasked],
            OtherProtocol => [VerifierFault::OtherProtocol],
            TooLong => [VerifierFault::TooLong],
            NoServerName => [VerifierFault::NoServerName],
            NoConnection => [VerifierFault::NoConnection { error: error.clone() }],
            NotLookedUp => [VerifierFault::NotLookedUp { error: error.clone() }],
            NoAddress => [VerifierFault::NoAddress],
            NoThread => [VerifierFault::NoThread { error: error.clone() }],
            ServesNobody => [VerifierFault::ServesNobody { reason: "about to end".to_owned() }],
            Refused => [VerifierFault::Refused { error }],
        })
    }

    fn hindrances() -> Vec<Hindrance> {
        let helper = "/usr/libexec/pam_otp/otp-helper";
        let verifier = "v1.example.org:6238".to_owned();
        let how = faults().into_iter();
        every!(Hindrance {
            NoService => [Hindrance::NoService],
            NoServiceOfOurs => [Hindrance::NoServiceOfOurs],
            NoTimer => [Hindrance::NoTimer],
            TimerFailed => [Hindrance::TimerFailed { error: error() }],
            NoProcess => [Hindrance::NoProcess],
            HelperOfAnotherGroup => [Hindrance::HelperOfAnotherGroup { helper, own: 991, records: 990 }],
            HelperWithoutBit => [Hindrance::HelperWithoutBit { helper }],
            HelperUnderNoNewPrivs => [Hindrance::HelperUnderNoNewPrivs { helper }],
            HelperOnNosuid => [Hindrance::HelperOnNosuid { helper }],
            HelperWithoutGroup => [Hindrance::HelperWithoutGroup { helper }],
            MailAsTheUser => [Hindrance::MailAsTheUser],
            AddressAsTheUser => [Hindrance::AddressAsTheUser],
            ZoneGroup => [Hindrance::ZoneGroup { group: "staff".to_owned() }],
            TooManyNewNames => [Hindrance::TooManyNewNames],
            TooManyChanges => [Hindrance::TooManyChanges],
            TooManyRefusals => [Hindrance::TooManyRefusals],
            NoAddressesInAFleet => [Hindrance::NoAddressesInAFleet],
            ChangeNotTaken => [Hindrance::ChangeNotTaken { verifier: verifier.clone() }],
            UserNotServed => [Hindrance::UserNotServed { verifier: verifier.clone() }],
            BrokenOff => how.clone().map(|how| Hindrance::BrokenOff { verifier: verifier.clone(), how }).collect::<Vec<_>>(),
            NoVerifier => [
                Hindrance::NoVerifier { each: Vec::new() },
                Hindrance::NoVerifier { each: how.clone().map(|how| (verifier.clone(), how)).collect() },
            ],
            NoFleet => [Hindrance::NoFleet { path: "/etc/security/pam_otp.conf".to_owned() }],
            NotSet => [Hindrance::NotSet { key: "ca" }],
            LocalUser => [Hindrance::LocalUser],
            GoneUser => [Hindrance::GoneUser],
        })
    }

    #[test]
    fn every_hindrance_is_there_in_every_language_without_a_full_stop() {
        for hindrance in hindrances() {
            assert_same_in_every_language(|language| hindrance.text(language));
            assert_keeps_the_glossary(&hindrance.text(Language::Korean));
            for language in Language::ALL {
                assert!(!hindrance.text(language).ends_with('.'), "{hindrance:?}");
            }
        }
    }

    #[test]
    fn verifiers_are_listed_with_their_faults() {
        let each = vec![
            ("v1:6238".to_owned(), VerifierFault::Late),
            ("v2:6238".to_owned(), VerifierFault::Closed),
        ];
        let told = Wording::from(Hindrance::NoVerifier { each });
        assert_eq!(
            told.text(Language::English),
            "no verifier could be reached (v1:6238: gave no answer in time; v2:6238: has closed the connection)"
        );
        assert_eq!(
            told.text(Language::Korean),
            "연결할 수 있는 검증 서버가 없습니다(v1:6238: 제시간에 응답하지 않았습니다; v2:6238: 연결을 끊었습니다)"
        );
    }
}
