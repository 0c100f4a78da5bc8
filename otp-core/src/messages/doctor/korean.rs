//! The findings in Korean.

use super::Finding;
use crate::record::Language;

/// `"Match ..." 조건에서 `, or nothing.
fn scope(within: &str) -> String {
    if within.is_empty() {
        String::new()
    } else {
        format!("\"{within}\" 조건에서 ")
    }
}

impl Finding {
    #[expect(clippy::too_many_lines, reason = "one sentence after the other")]
    pub(super) fn korean(&self) -> String {
        match self {
            Self::WayIn { line, module, answer } => format!(
                "{line}: {module} 모듈의 답이 \"{answer}\"이면 인증 코드를 요구하지 않고 로그인을 허용합니다. pam_otp.so 줄을 그 위로 옮기거나 그 줄을 \"required\"로 바꾸세요."
            ),
            Self::RefusalUndone { line } => format!(
                "{line}: pam_otp.so의 거부가 반영되지 않아 거부되어도 로그인할 수 있습니다. \"auth required pam_otp.so\"로 바꾸세요."
            ),
            Self::NeverChecked { line } => format!(
                "{line}: \"split\"으로 떼어 낸 인증 코드를 확인하는 pam_otp.so 줄이 없습니다. 비밀번호를 확인하는 줄 아래에 \"auth required pam_otp.so\" 줄을 추가하세요."
            ),
            Self::CodeAlone { line } => format!(
                "{line}: 인증 코드만으로 로그인할 수 있고 비밀번호 같은 다른 요소는 확인하지 않습니다. 사용자를 확인하는 줄(@include common-auth)을 위에 두거나, sshd라면 \
                 AuthenticationMethods로 키를 요구하세요."
            ),
            Self::NothingAsked { line } => format!(
                "{line}: 정책이 인증 코드를 요구하지 않는 사용자는 아무 확인 없이 로그인합니다. pam_permit.so 같은 모듈 대신 사용자를 확인하는 모듈을 두세요."
            ),
            Self::RefusesEverybody => {
                "무엇을 입력해도 아무도 로그인할 수 없습니다. 줄의 순서와 함께 표시된 다른 항목을 확인하세요.".to_owned()
            }
            Self::ModuleMissing { line, module } => format!(
                "{line}: {module} 모듈이 이 컴퓨터에 없어 모두 거부됩니다. 그 패키지를 설치하거나 줄을 빼세요."
            ),
            Self::FileMissing { line, file } => {
                format!("{line}: \"{file}\" 파일이 없어 PAM이 거부합니다. 이름을 바로잡거나 줄을 빼세요.")
            }
            Self::BadArgument { line, argument } => format!(
                "{line}: \"{argument}\" 인자는 사용할 수 없어 pam_otp.so가 모두 거부합니다. pam_otp(8) 매뉴얼에 있는 인자로 바꾸세요."
            ),
            Self::ArgumentNamesNothing { line, path } => format!(
                "{line}: {path} 파일이 없어 pam_otp.so가 모두 거부합니다. 경로를 바로잡거나 인자를 빼세요."
            ),
            Self::LocksAbove { line, below } => format!(
                "{line}: 인증 코드를 먼저 요구하여, 이름만 아는 사람도 틀린 인증 코드로 계정을 잠글 수 있습니다. 이 줄을 {below} 줄 아래로 옮기세요."
            ),
            Self::CodeFirst { line } => format!(
                "{line}: 인증 코드를 먼저 요구하여, 이름만 아는 사람도 틀린 인증 코드로 계정을 잠글 수 있습니다. 이 파일들에는 더 나은 위치가 없습니다. 비밀번호를 먼저 요구하게 하려면 authselect 프로필을 사용하세요."
            ),
            Self::LocksAfterSubstack { line, substack } => format!(
                "{line}: {substack} 줄의 substack이 거부한 뒤에도 인증 코드를 요구하여, 이름만 아는 사람도 틀린 인증 코드로 계정을 잠글 수 있습니다. substack을 \
                 \"include\"(@include)로 바꾸세요."
            ),
            Self::LocksAfterRefusal { line, above, module } => format!(
                "{line}: {module} 모듈이 거부한 뒤에도 인증 코드를 요구하여, 이름만 아는 사람도 틀린 인증 코드로 계정을 잠글 수 있습니다. {above} 줄을 \"requisite\"로 \
                 바꾸세요."
            ),
            Self::CountedTwice { line } => format!(
                "{line}: 비밀번호가 맞아도 틀린 인증 코드를 pam_faillock.so가 실패로 셉니다. pam_otp.so 줄을 \"requisite\"로 바꾸거나 그 아래로 옮기세요."
            ),
            Self::TwoCodes { line, second } => format!(
                "{line}, {second}: 인증 코드를 두 번 요구하지만 인증 코드는 한 번만 사용할 수 있습니다. 두 줄 중 하나를 빼세요."
            ),
            Self::ProfileAndLine { line, profile } => format!(
                "{line}: pam-auth-update 프로필({profile})이 이미 인증 코드를 요구하므로 두 번 요구하게 됩니다. 이 줄을 빼거나 'pam-auth-update --disable \
                 pam-otp' 명령을 실행하세요."
            ),
            Self::NeedsSplit { line, program } => format!(
                "{line}: {program} 프로그램은 한 번만 입력을 요구하고 그 답을 모든 질문에 사용하므로 아무도 로그인할 수 없습니다. pam_otp-setup(7) 매뉴얼의 PROGRAMS THAT ASK ONLY \
                 ONCE 절에 있는 세 줄(split)을 사용하세요."
            ),
            Self::AskedAgain { line, module } => format!(
                "{line}: \"split\"이 이미 받은 답이 있는데 {module} 모듈이 다시 입력을 요구합니다. 그 줄에 \"try_first_pass\"를 추가하세요."
            ),
            Self::NullokOverrules { line } => format!(
                "{line}: \"nullok\" 때문에 [enforce] 섹션과 상관없이 인증 수단이 없는 사용자가 모두 로그인합니다. 이 줄과 account 줄에서 빼세요."
            ),
            Self::NullokLeft { line } => format!(
                "{line}: 로그인할 수 있는 사용자는 모두 인증 수단이 있지만 \"nullok\"이 남아 있습니다. 이 줄과 account 줄에서 빼세요."
            ),
            Self::Nullok { line } => format!(
                "{line}: \"nullok\" 때문에 인증 수단이 없는 사용자는 인증 코드 없이 로그인합니다. 모두 등록하면 빼세요."
            ),
            Self::NotProtected => {
                "인증 코드를 요구하지 않습니다. pam_otp.so의 auth 줄이 없습니다. 요구해야 한다면 pam_otp-setup(7) 매뉴얼대로 추가하세요.".to_owned()
            }
            Self::NoSuchService => {
                "/etc/pam.d에 그런 서비스가 없어 \"other\" 서비스의 줄이 적용됩니다. 이름을 확인하세요.".to_owned()
            }
            Self::Shadowed { file, by } => format!(
                "{file}: pam_otp.so 줄이 있지만 PAM은 {by} 파일을 대신 읽습니다. 줄을 그 파일에 추가하세요."
            ),
            Self::InVendorFile { line } => format!(
                "{line}: 그 패키지를 업그레이드하면 이 파일이 교체되어 줄이 사라집니다. 파일을 /etc/pam.d에 복사하고 그 사본에서 바꾸세요."
            ),
            Self::InPamConf { line } => format!(
                "{line}: /etc/pam.d 디렉터리가 있으면 PAM은 이 파일을 읽지 않습니다. 줄을 그 디렉터리의 서비스 파일에 추가하세요."
            ),
            Self::SiblingOpen { sibling } => format!(
                "같은 권한을 주는 {sibling} 서비스는 인증 코드를 요구하지 않습니다. /etc/pam.d/{sibling} 파일에도 줄을 추가하세요."
            ),
            Self::PolkitOpen => {
                "pkexec 등(polkit-1)은 같은 사용자에게 인증 코드 없이 root 권한을 줍니다. /usr/lib/pam.d/polkit-1 파일이 /etc/pam.d에 없으면 복사하고 줄을 추가하세요."
                    .to_owned()
            }
            Self::AccountWithoutAuth => {
                "pam_otp.so의 account 줄은 있고 auth 줄은 없어 인증 코드를 요구하지 않습니다. \"auth required pam_otp.so\" 줄을 추가하세요.".to_owned()
            }
            Self::AccountLedAround { line } => format!(
                "{line}: 로그인할 때 이 줄을 건너뛸 수 있습니다. \"account required pam_otp.so\"로 바꾸어 다른 account 줄 위에 두세요."
            ),
            Self::AccountForgetsNullok { line } => format!(
                "{line}: auth 줄의 \"nullok\" 때문에 허용된, 인증 수단이 없는 사용자를 거부합니다. 두 줄에 모두 넣거나 모두 빼세요."
            ),
            Self::AccountOfJobs { line } => format!(
                "{line}: 인증 코드를 입력할 사람이 없는 작업에도 적용되어, 이 줄이 거부하는 사용자의 작업은 실행되지 않습니다. 사용자가 로그인하는 서비스로 옮기세요."
            ),
            Self::LineForChanges { line } => format!(
                "{line}: pam_otp.so는 passwd(1)로 비밀번호를 바꿀 때 아무것도 바꾸지 않고 로그에 otp.policy만 남깁니다. 이 줄을 빼세요. pam_otp.so에는 \"auth\"와 \"account\" 줄만 있습니다."
            ),
            Self::SessionLine { line } => format!("{line}: pam_otp.so는 세션에서 아무 일도 하지 않습니다. 이 줄을 빼세요."),
            Self::EnrolNoAccountLine => {
                "at_login은 로그인할 때 인증 수단을 등록하게 하지만, 그 일을 할 pam_otp.so의 account 줄이 없습니다. 다른 account 줄 위에 \"account required \
                 pam_otp.so\" 줄을 추가하세요."
                    .to_owned()
            }
            Self::EnrolUnproven => {
                "at_login은 로그인할 때 인증 수단을 등록하게 하지만, pam_otp.so 외에 사용자를 확인하는 모듈이 없어 등록할 수 없습니다. pam_unix.so 같은 줄을 위에 \
                 두세요."
                    .to_owned()
            }
            Self::EnrolNotHere => {
                "at_login은 로그인할 때 인증 수단을 등록하게 하지만, 이 프로그램은 표시한 내용을 남길 수 있어 이 서비스에서는 등록하지 않습니다. ssh나 otp-enroll로 등록하게 \
                 하세요."
                    .to_owned()
            }
            Self::LoginTimeout { seconds } => format!(
                "/etc/login.defs: 콘솔 로그인이 LOGIN_TIMEOUT에 따라 {seconds}초 뒤에 끝나 인증 수단을 등록할 시간이 모자랍니다. LOGIN_TIMEOUT 값을 600으로 하세요."
            ),
            Self::LoginGraceTime { seconds, within } => format!(
                "{}sshd 로그인이 {seconds}초 뒤에 끝나 인증 수단을 등록할 시간이 모자랍니다. LoginGraceTime 값을 600으로 하세요.",
                scope(within)
            ),
            Self::UntrustedCaller { account } => format!(
                "이 프로그램은 {account} 계정으로 실행되는데, 이 계정은 다른 사용자의 인증 코드를 확인할 수 없어 모두 거부됩니다. /etc/security/pam_otp.conf의 [helper] \
                 trusted_callers 목록에 \"{account}\" 계정을 추가하세요."
            ),
            Self::HelperUnusable { path } => format!(
                "{path}: 파일이 없거나 등록 정보의 그룹과 set-group-id 비트가 없습니다. root가 아닌 이 프로그램은 이 파일 없이는 등록 정보를 볼 수 없습니다. 패키지를 다시 \
                 설치하세요."
            ),
            Self::SshdNoPam { within } => format!(
                "{}sshd가 PAM을 사용하지 않아 인증 코드를 요구하지 않습니다. UsePAM yes로 하세요.",
                scope(within)
            ),
            Self::SshdPassword { within } => format!(
                "{}sshd가 클라이언트에서 받은 입력을 모든 질문의 답으로 사용하여 인증 코드가 거부됩니다. PasswordAuthentication no로 하세요.",
                scope(within)
            ),
            Self::SshdNoDialogue { within } => format!(
                "{}sshd가 인증 코드를 요구할 수 없습니다. KbdInteractiveAuthentication yes로 하세요.",
                scope(within)
            ),
            Self::SshdMethods { within, methods } => format!(
                "{}AuthenticationMethods의 \"{methods}\" 값으로는 인증 코드 없이 로그인합니다. 목록마다 keyboard-interactive를 추가하세요.",
                scope(within)
            ),
            Self::SshdKeyAlone { within, has_account_line: true } => format!(
                "{}키, 호스트, 티켓으로는 인증 코드 없이 로그인합니다. 인증 코드도 요구하려면 AuthenticationMethods publickey,keyboard-interactive로 하세요.",
                scope(within)
            ),
            Self::SshdKeyAlone { within, has_account_line: false } => format!(
                "{}키, 호스트, 티켓으로는 인증 코드 없이 로그인하며, 잠금도 정책도 막지 못합니다. AuthenticationMethods publickey,keyboard-interactive로 하거나 \
                 pam_otp.so의 account 줄을 추가하세요.",
                scope(within)
            ),
            Self::PolicyUnusable { reason } => format!(
                "정책을 사용할 수 없습니다: {}. 바로잡을 때까지 아무도 로그인할 수 없습니다. 'otp-admin policy check' 명령으로 그 줄을 확인하세요.",
                reason.text(Language::Korean)
            ),
            Self::GroupUnknown { group } => format!(
                "[enforce] groups: {group} 그룹을 찾을 수 없어 모든 사용자가 그 그룹에 속한 것으로 간주합니다. 이름을 바로잡으세요."
            ),
            Self::ExemptGroupUnknown { group } => format!(
                "[enforce] exempt_groups: {group} 그룹을 찾을 수 없어 아무도 면제되지 않습니다. 이름을 바로잡으세요."
            ),
            Self::GroupsEmpty { groups } => format!(
                "[enforce] groups: {groups} 그룹에 아무도 없어 인증 수단이 있어야 하는 사용자가 없습니다. 사용자를 추가하거나 groups = [\"*\"]로 하세요."
            ),
            Self::ExemptUserUnknown { user } => {
                format!("[enforce] exempt_users: \"{user}\" 사용자가 없습니다. 이름을 바로잡거나 빼세요.")
            }
            Self::CallerUnknown { user } => {
                format!("[helper] trusted_callers: \"{user}\" 사용자가 없습니다. 이름을 바로잡거나 빼세요.")
            }
            Self::TrustsLoopback { network } => format!(
                "[trust] networks: {network} 네트워크에는 이 컴퓨터 자신과, 그 위의 프록시, 터널, 포털로 접속하는 모든 사용자가 포함됩니다. 빼세요."
            ),
            Self::TrustsEverybody { network } => format!(
                "[trust] networks: {network} 네트워크에는 같은 종류의 주소가 모두 포함되어 인증 코드를 요구하지 않습니다. 직접 관리하는 네트워크만 적으세요."
            ),
            Self::ClockAdrift => {
                "이 컴퓨터의 시간을 맞추는 프로그램이 없습니다. 시간이 틀리면 인증 코드가 거부됩니다. 'timedatectl set-ntp true' 명령을 실행하세요.".to_owned()
            }
            Self::RecordsMissing { path } => format!(
                "{path}: 디렉터리가 없어 아직 아무에게도 인증 수단이 없습니다. 서비스에서 인증 코드를 요구하기 전에 otp-enroll로 등록하세요."
            ),
            Self::RecordsGone { path } => format!(
                "{path}: 이 컴퓨터에서 등록한 사용자가 있지만 디렉터리가 없거나 비어 있어 모두 거부됩니다. 파일 시스템을 마운트하거나 복구하세요. 정말 잃어버렸다면 \
                 /etc/security/pam_otp.enrolled 파일을 삭제하세요."
            ),
            Self::RecordOwner { path } => format!(
                "{path}: 소유자가 잘못되었습니다. 누가 바꾸었는지 확인한 뒤 되돌리세요: chown root:pam_otp"
            ),
            Self::RecordMode { path, mode, allowed } => format!(
                "{path}: 모드({mode:04o}) 때문에 다른 사용자가 읽거나 바꿀 수 있습니다. 누가 바꾸었는지 확인한 뒤 'chmod {allowed:04o}' 명령을 실행하세요."
            ),
            Self::StateMissing { user } => format!(
                "{user} 계정의 등록 정보에 state 파일이 없어 {user} 사용자가 거부됩니다. 복구하거나 'otp-admin reset {user}' 명령을 실행하세요."
            ),
            Self::RecordLabel { path, label } => format!(
                "{path}: 레이블({label}) 때문에 SELinux가 로그인을 막습니다. packaging/selinux의 규칙을 설치한 뒤 'restorecon -R {path}' 명령을 실행하세요."
            ),
            Self::AppArmorRules { profile } => format!(
                "AppArmor가 이 프로그램을 제한하는데({profile}) pam_otp.so를 위한 규칙이 없어 모두 거부됩니다. packaging/apparmor의 규칙을 설치하세요."
            ),
            Self::NobodyBecomesRoot => {
                "root가 될 수 있는 사용자가 없습니다. 인증 수단이 없는 사용자에게도 모든 서비스가 인증 코드를 요구합니다. 'otp-enroll --user NAME' 명령으로 root나 관리자를 등록하세요.".to_owned()
            }
        }
    }
}
