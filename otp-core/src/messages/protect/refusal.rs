//! Why `otp-admin protect` or `unprotect` refused, and what to do by hand.

use crate::messages::korean::{Particle, with};
use crate::messages::reason::Wording;
use crate::record::Language;

/// Why it refused. Unless the text says otherwise, nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// `protect` has no lines for this service.
    UnknownService {
        /// The name that was given.
        service: String,
        /// The services that `protect` has lines for.
        known: String,
    },
    /// The service has no file, so its program is not installed.
    NoFile {
        /// The path at which it was expected.
        path: String,
    },
    /// A line from an included file already asks for a code.
    CoveredBy {
        /// The service.
        service: String,
        /// The file that has the line.
        path: String,
    },
    /// The service takes its lines from another service.
    TakenFrom {
        /// The service.
        service: String,
        /// The other service.
        other: String,
    },
    /// There is not exactly one line beside which ours belongs.
    NoPlace {
        /// The file.
        path: String,
        /// What to add by hand.
        lines: &'static str,
    },
    /// It is not certain how libpam reads a line.
    Unreadable {
        /// The file.
        path: String,
        /// Which line, from 1.
        line: usize,
        /// What to add by hand.
        lines: &'static str,
    },
    /// One of our lines is there, and `protect` did not write it.
    OursOtherwise {
        /// The file.
        path: String,
        /// Which line, from 1.
        line: usize,
    },
    /// A line before ours lets users in on its own.
    LedAround {
        /// The file.
        path: String,
        /// Which line, from 1.
        line: usize,
    },
    /// The examination of the whole service with the new lines finds a fault.
    Unsound {
        /// The service.
        service: String,
        /// The finding.
        reason: String,
    },
    /// The lines for one reply would skip another module by which users prove their identity.
    OtherModules {
        /// The file that has the module.
        path: String,
        /// The module.
        module: String,
    },
    /// The machine has neither `common-auth` nor `system-auth`.
    UnknownDistribution,
    /// The module is not in PAM's directory of modules.
    NoModule,
    /// The file is a link.
    Link {
        /// The file.
        path: String,
    },
    /// Policy would refuse the administrator who runs this.
    YouHaveNone {
        /// Their name.
        user: String,
    },
    /// The account of the administrator who runs this is locked.
    YouAreLocked {
        /// Their name.
        user: String,
    },
    /// There is no terminal to ask on.
    NoTerminal,
    /// The program's account is not named in the policy.
    NotTrusted {
        /// That account.
        account: String,
    },
    /// The program's account is not in the group that reads password hashes.
    NotInShadow {
        /// That account.
        account: String,
    },
    /// The account that the program runs as does not exist.
    NoAccount {
        /// The accounts that it could be.
        accounts: String,
    },
    /// sshd does not accept the configuration.
    SshdFails {
        /// What it says.
        reason: Wording,
    },
    /// sshd would still use another value.
    SshdKeeps {
        /// The keyword.
        keyword: String,
        /// The value in force.
        value: String,
        /// The value that is wanted.
        wanted: &'static str,
    },
    /// The drop-in file exists with another content.
    DropInThere {
        /// Its path.
        path: String,
    },
    /// sshd is not installed.
    NoSshd,
    /// No namespace could be made to try the new files in.
    NoTrial {
        /// What the system said.
        reason: Wording,
    },
    /// The trial was refused.
    NotLetIn,
    /// The trial succeeded, but no code was checked.
    NoCodeChecked,
    /// Another run is active.
    Busy,
    /// A file has changed since the difference was shown.
    ChangedMeanwhile {
        /// Its path.
        path: String,
    },
    /// The word was not typed, so everything was undone.
    Undone,
    /// The time ran out, so everything was undone.
    UndoneInTime,
    /// Something could not be undone.
    NotUndone {
        /// The file, or what is wrong with it.
        reason: Wording,
    },
    /// The process that would undo everything could not be started.
    NoGuard {
        /// The reason.
        reason: Wording,
    },
    /// Without our lines, no module would find out who logs in.
    NobodyChecks {
        /// The service.
        service: String,
    },
    /// It is unknown what stood where our lines are.
    NothingToPutBack {
        /// The file.
        path: String,
        /// Which line, from 1.
        line: usize,
    },
}

impl Refusal {
    /// Says what is wrong.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        match language {
            Language::English => self.english(),
            Language::Korean => self.korean(),
        }
    }

    /// Says what to do about it.
    #[must_use]
    pub fn hint(&self, language: Language) -> String {
        match language {
            Language::English => self.english_hint(),
            Language::Korean => self.korean_hint(),
        }
    }

    #[expect(clippy::too_many_lines, reason = "a sentence each")]
    fn english(&self) -> String {
        match self {
            Self::UnknownService { service, .. } => {
                format!("there are no lines for a service '{service}'")
            }
            Self::NoFile { path } => {
                format!("{path}: no such file, so the program is not installed")
            }
            Self::CoveredBy { service, path } => {
                format!("{service} asks for a code already, by a line in {path}")
            }
            Self::TakenFrom { service, other } => {
                format!("{service} takes its lines from {other}")
            }
            Self::NoPlace { path, .. } => {
                format!("{path}: not exactly one line includes the authentication of the system")
            }
            Self::Unreadable { path, line, .. } => {
                format!("{path}, line {line}: not a line that can be read with certainty")
            }
            Self::OursOtherwise { path, line } => {
                format!(
                    "{path}, line {line}: a line of pam_otp that 'otp-admin protect' did not write"
                )
            }
            Self::LedAround { path, line } => {
                format!("{path}, line {line}: lets people in before a code is asked for")
            }
            Self::Unsound { service, reason } => {
                format!("with the lines of pam_otp, {service} would not be safe: {reason}")
            }
            Self::OtherModules { path, module } => format!(
                "{path}: {module} recognises users too, and the lines for one reply would leave it out"
            ),
            Self::UnknownDistribution => {
                "/etc/pam.d has neither common-auth nor system-auth".to_owned()
            }
            Self::NoModule => "pam_otp.so is not where PAM takes its modules from".to_owned(),
            Self::Link { path } => format!("{path}: is a link"),
            Self::YouHaveNone { user } => format!(
                "{user}, who runs this, has no authenticator, and the policy would refuse that"
            ),
            Self::YouAreLocked { user } => {
                format!("{user}, who runs this, is locked or disabled after wrong codes")
            }
            Self::NoTerminal => "there is no terminal at which a login could be tried".to_owned(),
            Self::NotTrusted { account } => {
                format!("the program runs as {account}, who may not check other people's codes")
            }
            Self::NotInShadow { account } => {
                format!("the program runs as {account}, who may not read /etc/shadow")
            }
            Self::NoAccount { accounts } => {
                format!(
                    "the program runs as one of these accounts, and none of them exists: {accounts}"
                )
            }
            Self::SshdFails { reason } => {
                format!(
                    "sshd does not accept its configuration: {}",
                    reason.text(Language::English)
                )
            }
            Self::SshdKeeps {
                keyword,
                value,
                wanted,
            } => format!("sshd would still have {keyword} {value}, and not {wanted}"),
            Self::DropInThere { path } => {
                format!("{path}: exists already, with other contents")
            }
            Self::NoSshd => "there is no sshd on this machine".to_owned(),
            Self::NoTrial { reason } => {
                format!(
                    "the new lines cannot be tried before they are in place: {}",
                    reason.text(Language::English)
                )
            }
            Self::NotLetIn => {
                "the login with the new lines was refused; nothing was changed".to_owned()
            }
            Self::NoCodeChecked => {
                "the login was accepted, but no code was checked; nothing was changed".to_owned()
            }
            Self::Busy => {
                "another otp-admin is protecting or unprotecting a service now".to_owned()
            }
            Self::ChangedMeanwhile { path } => {
                format!("{path}: was changed in the meantime; nothing was changed here")
            }
            Self::Undone => "not confirmed; everything is as it was before".to_owned(),
            Self::UndoneInTime => "time is up; everything is as it was before".to_owned(),
            Self::NotUndone { reason } => format!(
                "the change could not be undone: {}",
                reason.text(Language::English)
            ),
            Self::NoGuard { reason } => format!(
                "the process that would undo the change could not be started: {}; nothing was changed",
                reason.text(Language::English)
            ),
            Self::NobodyChecks { service } => {
                format!(
                    "without the line of pam_otp nothing in {service} would find out who logs in"
                )
            }
            Self::NothingToPutBack { path, line } => {
                format!("{path}, line {line}: it is not known which line stood there before")
            }
        }
    }

    fn english_hint(&self) -> String {
        match self {
            Self::UnknownService { known, .. } => {
                format!("the known services are {known}; for others pam_otp-setup(7) has the lines to add by hand")
            }
            Self::NoFile { .. } => "install the program first, or check the spelling".to_owned(),
            Self::CoveredBy { .. } => {
                "there is nothing to add: a second line would ask for a second code; pam_otp-setup(7) has the settings for \
                 sshd".to_owned()
            }
            Self::TakenFrom { other, .. } => format!("name that one: 'otp-admin protect {other}'"),
            Self::NoPlace { lines, .. } | Self::Unreadable { lines, .. } => {
                format!("add by hand, where pam_otp-setup(7) says: {lines}")
            }
            Self::OursOtherwise { .. } => {
                "decide by hand whether that line stays; pam_otp-setup(7) has the lines that belong there".to_owned()
            }
            Self::LedAround { .. } => {
                "decide by hand: take that line out, or put 'auth required pam_otp.so' above it".to_owned()
            }
            Self::Unsound { .. } => {
                "look at the service's file, and add the line by hand as pam_otp-setup(7) says".to_owned()
            }
            Self::OtherModules { .. } => {
                "add by hand the three lines of pam_otp-setup(7), section \"PROGRAMS THAT ASK ONLY ONCE\", with that module between them".to_owned()
            }
            Self::UnknownDistribution => "add the lines of pam_otp-setup(7) by hand".to_owned(),
            Self::NoModule => "install the package, or run packaging/install".to_owned(),
            Self::Link { .. } => "name the service that it leads to, or add the line by hand".to_owned(),
            Self::YouHaveNone { user } => {
                format!("enrol first with 'otp-enroll --user {user}', or run this by sudo from an account that is enrolled")
            }
            Self::YouAreLocked { user } => format!("look at 'otp-admin show {user}', then 'otp-admin unlock {user}'"),
            Self::NoTerminal => "run it in a terminal (ssh -t); '--dry-run' needs none".to_owned(),
            Self::NotTrusted { account } => format!(
                "add trusted_callers = [\"{account}\"] to section [helper] of the policy; it may then check anybody's code"
            ),
            Self::NotInShadow { account } => format!(
                "run 'usermod --append --groups shadow {account}' and restart the program; it can then read everybody's hash"
            ),
            Self::NoAccount { .. } => "install the program first".to_owned(),
            Self::SshdFails { .. } => "correct that first; 'sshd -t' shows it".to_owned(),
            Self::SshdKeeps { keyword, .. } => format!(
                "an earlier line of sshd's configuration says so, or sshd_config.d is not read: look for {keyword} there and correct it by hand"
            ),
            Self::DropInThere { .. } => {
                "give it the lines that pam_otp-setup(7) shows for sshd".to_owned()
            }
            Self::NoSshd => "install openssh-server first".to_owned(),
            Self::NoTrial { .. } => {
                "run it outside of the container, or add the lines by hand as '--dry-run' shows them".to_owned()
            }
            Self::NotLetIn => {
                "start again with the next code; the reason is in the system log (otp.reject, otp.unavailable)".to_owned()
            }
            Self::NoCodeChecked => {
                "look at the policy with 'otp-admin policy show', and at the service's file".to_owned()
            }
            Self::Busy => "wait until that one has ended".to_owned(),
            Self::ChangedMeanwhile { .. } | Self::NoGuard { .. } => "start again".to_owned(),
            Self::Undone | Self::UndoneInTime => {
                format!("start again, try a login in another window, and type \"{}\"", super::KEEP[0])
            }
            Self::NotUndone { .. } => {
                "copies of the files are in /var/lib/pam_otp-protect: put them back by hand, now".to_owned()
            }
            Self::NobodyChecks { .. } => {
                "put '@include common-auth' (Fedora: 'auth include system-auth') there first".to_owned()
            }
            Self::NothingToPutBack { .. } => {
                "put '@include common-auth' (Fedora: 'auth include system-auth') there by hand; a copy may be in \
                 /var/lib/pam_otp-protect".to_owned()
            }
        }
    }

    #[expect(clippy::too_many_lines, reason = "a sentence each")]
    fn korean(&self) -> String {
        match self {
            Self::UnknownService { service, .. } => {
                format!("'{service}' 서비스에 추가할 줄을 알지 못합니다.")
            }
            Self::NoFile { path } => {
                format!("{path}: 파일이 없으며 프로그램이 설치되지 않았습니다.")
            }
            Self::CoveredBy { service, path } => {
                format!("{service} 서비스는 {path} 파일의 줄로 이미 인증 코드를 요구합니다.")
            }
            Self::TakenFrom { service, other } => {
                format!("{service} 서비스는 {other} 서비스의 줄을 가져와 사용합니다.")
            }
            Self::NoPlace { path, .. } => {
                format!("{path}: 시스템의 인증을 가져오는 줄이 정확히 하나가 아닙니다.")
            }
            Self::Unreadable { path, line, .. } => {
                format!("{path}, {line}번째 줄: 확실하게 읽을 수 없는 줄입니다.")
            }
            Self::OursOtherwise { path, line } => {
                format!(
                    "{path}, {line}번째 줄: 'otp-admin protect' 명령이 추가하지 않은 pam_otp 줄입니다."
                )
            }
            Self::LedAround { path, line } => {
                format!("{path}, {line}번째 줄: 인증 코드를 요구하기 전에 로그인을 허용합니다.")
            }
            Self::Unsound { service, reason } => {
                format!("pam_otp 줄이 있어도 {service} 서비스가 올바르지 않습니다: {reason}")
            }
            Self::OtherModules { path, module } => format!(
                "{path}: {module} 모듈로도 사용자를 확인하며, 한 번만 입력을 요구하는 프로그램의 줄은 이 모듈을 빼게 됩니다."
            ),
            Self::UnknownDistribution => {
                "/etc/pam.d에 common-auth 파일도 system-auth 파일도 없습니다.".to_owned()
            }
            Self::NoModule => "PAM이 모듈을 찾는 곳에 pam_otp.so 파일이 없습니다.".to_owned(),
            Self::Link { path } => format!("{path}: 링크입니다."),
            Self::YouHaveNone { user } => {
                format!(
                    "이 명령을 실행한 {user} 계정에 등록된 인증 수단이 없어 정책에 따라 거부됩니다."
                )
            }
            Self::YouAreLocked { user } => {
                format!(
                    "이 명령을 실행한 {user} 계정이 잘못된 인증 코드 때문에 잠겼거나 사용 중지되었습니다."
                )
            }
            Self::NoTerminal => "로그인을 시험할 터미널이 없습니다.".to_owned(),
            Self::NotTrusted { account } => format!(
                "프로그램이 {account} 계정으로 실행되며 이 계정은 다른 사용자의 인증 코드를 확인할 수 없습니다."
            ),
            Self::NotInShadow { account } => format!(
                "프로그램이 {account} 계정으로 실행되며 이 계정은 /etc/shadow 파일을 읽을 수 없습니다."
            ),
            Self::NoAccount { accounts } => {
                format!("프로그램이 실행되는 계정이 없습니다: {accounts}")
            }
            Self::SshdFails { reason } => format!(
                "sshd가 설정을 받아들이지 않습니다: {}",
                reason.text(Language::Korean)
            ),
            Self::SshdKeeps {
                keyword,
                value,
                wanted,
            } => {
                format!(
                    "sshd에는 여전히 '{keyword} {value}' 설정이 적용됩니다. '{keyword} {wanted}' 설정이 적용되어야 합니다."
                )
            }
            Self::DropInThere { path } => format!("{path}: 이미 있으며 내용이 다릅니다."),
            Self::NoSshd => "이 시스템에 sshd가 없습니다.".to_owned(),
            Self::NoTrial { reason } => {
                format!(
                    "새 줄을 적용하기 전에 시험할 수 없습니다: {}",
                    reason.text(Language::Korean)
                )
            }
            Self::NotLetIn => {
                "새 줄로 시도한 로그인이 거부되었습니다. 변경한 내용은 없습니다.".to_owned()
            }
            Self::NoCodeChecked => {
                "로그인은 허용되었지만 인증 코드를 확인하지 않았습니다. 변경한 내용은 없습니다."
                    .to_owned()
            }
            Self::Busy => "다른 otp-admin 명령이 지금 서비스를 변경하고 있습니다.".to_owned(),
            Self::ChangedMeanwhile { path } => {
                format!("{path}: 그사이에 바뀌었습니다. 이 명령으로 변경한 내용은 없습니다.")
            }
            Self::Undone => "확정하지 않아 모두 이전 상태로 되돌렸습니다.".to_owned(),
            Self::UndoneInTime => "시간이 지나 모두 이전 상태로 되돌렸습니다.".to_owned(),
            Self::NotUndone { reason } => format!(
                "변경을 되돌릴 수 없습니다: {}",
                reason.text(Language::Korean)
            ),
            Self::NoGuard { reason } => {
                format!(
                    "변경을 되돌릴 프로세스를 시작할 수 없습니다: {}. 변경한 내용은 없습니다.",
                    reason.text(Language::Korean)
                )
            }
            Self::NobodyChecks { service } => format!(
                "pam_otp 줄이 없으면 {service} 서비스에서 누가 로그인하는지 확인하는 줄이 없습니다."
            ),
            Self::NothingToPutBack { path, line } => {
                format!("{path}, {line}번째 줄: 이전에 어떤 줄이 있었는지 알 수 없습니다.")
            }
        }
    }

    fn korean_hint(&self) -> String {
        match self {
            Self::UnknownService { known, .. } => {
                format!("알고 있는 서비스: {known}. 다른 서비스에는 pam_otp-setup(7) 매뉴얼에 있는 줄을 직접 추가하세요.")
            }
            Self::NoFile { .. } => "먼저 프로그램을 설치하거나 이름의 철자를 확인하세요.".to_owned(),
            Self::CoveredBy { .. } => {
                "더 추가할 줄은 없습니다. 한 줄을 더 추가하면 인증 코드를 두 번 요구합니다. sshd 설정은 pam_otp-setup(7) 매뉴얼에 있습니다.".to_owned()
            }
            Self::TakenFrom { other, .. } => {
                format!("그 서비스를 지정하세요: 'otp-admin protect {other}'")
            }
            Self::NoPlace { lines, .. } | Self::Unreadable { lines, .. } => {
                format!("pam_otp-setup(7) 매뉴얼에 있는 위치에 직접 추가하세요: {lines}")
            }
            Self::OursOtherwise { .. } => {
                "그 줄을 남길지 직접 정하세요. 추가할 줄은 pam_otp-setup(7) 매뉴얼에 있습니다.".to_owned()
            }
            Self::LedAround { .. } => {
                "그 줄을 빼거나 그 위에 'auth required pam_otp.so' 줄을 직접 추가하세요.".to_owned()
            }
            Self::Unsound { .. } => {
                "서비스의 파일을 확인하고 pam_otp-setup(7) 매뉴얼에 있는 대로 직접 추가하세요.".to_owned()
            }
            Self::OtherModules { .. } => {
                "pam_otp-setup(7) 매뉴얼의 \"PROGRAMS THAT ASK ONLY ONCE\" 절에 있는 세 줄을 그 모듈과 함께 직접 추가하세요.".to_owned()
            }
            Self::UnknownDistribution => "pam_otp-setup(7) 매뉴얼에 있는 줄을 직접 추가하세요.".to_owned(),
            Self::NoModule => "패키지를 설치하거나 packaging/install 스크립트를 실행하세요.".to_owned(),
            Self::Link { .. } => "링크가 가리키는 서비스를 지정하거나 줄을 직접 추가하세요.".to_owned(),
            Self::YouHaveNone { user } => format!(
                "먼저 'otp-enroll --user {user}' 명령으로 등록하거나, 등록된 계정에서 sudo로 실행하세요."
            ),
            Self::YouAreLocked { user } => {
                format!("'otp-admin show {user}' 명령으로 확인한 다음 'otp-admin unlock {user}' 명령을 실행하세요.")
            }
            Self::NoTerminal => {
                "터미널에서 실행하세요(ssh -t). '--dry-run' 옵션에는 터미널이 필요 없습니다.".to_owned()
            }
            Self::NotTrusted { account } => format!(
                "정책의 [helper] 섹션에 trusted_callers = [\"{account}\"] 줄을 추가하세요. 그러면 모든 사용자의 인증 코드를 확인할 수 있습니다."
            ),
            Self::NotInShadow { account } => format!(
                "'usermod --append --groups shadow {account}' 명령을 실행하고 프로그램을 다시 시작하세요. 그러면 모든 해시를 읽을 수 있습니다."
            ),
            Self::NoAccount { .. } => "먼저 프로그램을 설치하세요.".to_owned(),
            Self::SshdFails { .. } => "먼저 설정을 고치세요. 'sshd -t' 명령으로 볼 수 있습니다.".to_owned(),
            Self::SshdKeeps { keyword, .. } => format!(
                "sshd 설정의 앞선 줄에 있거나 sshd_config.d를 읽지 않습니다. 설정에서 {keyword} 항목을 찾아 직접 고치세요."
            ),
            Self::DropInThere { .. } => {
                "pam_otp-setup(7) 매뉴얼에 있는 세 줄이 들어가도록 직접 고치세요.".to_owned()
            }
            Self::NoSshd => "먼저 openssh-server를 설치하세요.".to_owned(),
            Self::NoTrial { .. } => {
                "컨테이너 밖에서 실행하거나 '--dry-run' 옵션이 표시하는 줄을 직접 추가하세요.".to_owned()
            }
            Self::NotLetIn => {
                "다음 인증 코드로 다시 시작하세요. 이유는 시스템 로그에 있습니다(otp.reject, otp.unavailable).".to_owned()
            }
            Self::NoCodeChecked => {
                "'otp-admin policy show' 명령으로 정책을 확인하고 서비스의 파일을 확인하세요.".to_owned()
            }
            Self::Busy => "그 명령이 끝날 때까지 기다리세요.".to_owned(),
            Self::ChangedMeanwhile { .. } | Self::NoGuard { .. } => "다시 시작하세요.".to_owned(),
            Self::Undone | Self::UndoneInTime => format!(
                "다시 시작하여 다른 창에서 로그인해 본 다음 {} 입력하세요.",
                with(&format!("\"{}\"", super::KEEP[1]), Particle::Object)
            ),
            Self::NotUndone { .. } => {
                "파일의 사본이 /var/lib/pam_otp-protect에 있습니다. 지금 직접 되돌리세요.".to_owned()
            }
            Self::NobodyChecks { .. } => {
                "먼저 '@include common-auth' 줄(Fedora에서는 'auth include system-auth' 줄)을 추가하세요.".to_owned()
            }
            Self::NothingToPutBack { .. } => {
                "'@include common-auth' 줄(Fedora에서는 'auth include system-auth' 줄)을 직접 추가하세요. /var/lib/pam_otp-protect에 사본이 있을 수 있습니다.".to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::every;
    use crate::messages::in_all::{assert_ends_well, assert_same_in_every_language};
    use crate::messages::reason::Unfit;

    fn all() -> Vec<Refusal> {
        let text = |text: &str| text.to_owned();
        let (service, path, line) = (text("sshd"), text("/etc/pam.d/sshd"), 7);
        let (user, account, reason) = (text("alice"), text("postgres"), text("No space left"));
        let (service, path) = (|| service.clone(), || path.clone());
        let (user, account, reason) = (|| user.clone(), || account.clone(), || reason.clone());
        let lines = "auth required pam_otp.so";
        every!(Refusal {
            UnknownService => [Refusal::UnknownService { service: service(), known: text("su, sudo") }],
            NoFile => [Refusal::NoFile { path: path() }],
            CoveredBy => [Refusal::CoveredBy { service: service(), path: path() }],
            TakenFrom => [Refusal::TakenFrom { service: service(), other: text("su") }],
            NoPlace => [Refusal::NoPlace { path: path(), lines }],
            Unreadable => [Refusal::Unreadable { path: path(), line, lines }],
            OursOtherwise => [Refusal::OursOtherwise { path: path(), line }],
            LedAround => [Refusal::LedAround { path: path(), line }],
            Unsound => [Refusal::Unsound { service: service(), reason: reason() }],
            OtherModules => [Refusal::OtherModules { path: path(), module: text("pam_sss.so") }],
            UnknownDistribution => [Refusal::UnknownDistribution],
            NoModule => [Refusal::NoModule],
            Link => [Refusal::Link { path: path() }],
            YouHaveNone => [Refusal::YouHaveNone { user: user() }],
            YouAreLocked => [Refusal::YouAreLocked { user: user() }],
            NoTerminal => [Refusal::NoTerminal],
            NotTrusted => [Refusal::NotTrusted { account: account() }],
            NotInShadow => [Refusal::NotInShadow { account: account() }],
            NoAccount => [Refusal::NoAccount { accounts: account() }],
            SshdFails => [Refusal::SshdFails { reason: reason().into() }],
            SshdKeeps => [Refusal::SshdKeeps { keyword: text("usepam"), value: text("no"), wanted: "yes" }],
            DropInThere => [Refusal::DropInThere { path: path() }],
            NoSshd => [Refusal::NoSshd],
            NoTrial => [Refusal::NoTrial { reason: reason().into() }],
            NotLetIn => [Refusal::NotLetIn],
            NoCodeChecked => [Refusal::NoCodeChecked],
            Busy => [Refusal::Busy],
            ChangedMeanwhile => [Refusal::ChangedMeanwhile { path: path() }],
            Undone => [Refusal::Undone],
            UndoneInTime => [Refusal::UndoneInTime],
            NotUndone => [Refusal::NotUndone { reason: reason().into() }],
            NoGuard => [Refusal::NoGuard { reason: reason().into() }],
            NobodyChecks => [Refusal::NobodyChecks { service: service() }],
            NothingToPutBack => [Refusal::NothingToPutBack { path: path(), line }],
        })
    }

    #[test]
    fn every_refusal_says_what_is_wrong_and_what_to_do_in_every_language() {
        for refusal in all() {
            assert_same_in_every_language(|language| refusal.text(language));
            assert_same_in_every_language(|language| refusal.hint(language));
            for language in Language::ALL {
                assert_ends_well(language, &refusal.text(language));
                assert_ends_well(language, &refusal.hint(language));
            }
        }
    }

    #[test]
    fn a_reason_is_told_in_the_language_of_its_sentence() {
        let reason = || Wording::from(Unfit::ChangedSince);
        for refusal in [
            Refusal::SshdFails { reason: reason() },
            Refusal::NoTrial { reason: reason() },
            Refusal::NotUndone { reason: reason() },
            Refusal::NoGuard { reason: reason() },
        ] {
            for language in Language::ALL {
                let text = refusal.text(language);
                let said = Unfit::ChangedSince.text(language);
                assert!(text.contains(said), "{text}");
            }
        }
    }
}
