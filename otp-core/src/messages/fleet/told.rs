//! What `otp-admin fleet` prints: what was done, how the fleet is doing, and what is wrong with it.

use crate::messages::reason::Wording;
use crate::record::Language;

/// One line to print, without a full stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told<'a> {
    /// A fleet was created.
    Begun {
        /// Its id.
        fleet: &'a str,
    },
    /// The fleet existed already.
    WasBegun {
        /// Its id.
        fleet: &'a str,
    },
    /// A user of etcd was made for a verifier.
    UserMade {
        /// Its name.
        name: &'a str,
    },
    /// etcd asks for certificates.
    AuthIsOn,
    /// The sealing key of the fleet was made.
    KeyMade {
        /// The id of the key.
        key: &'a str,
        /// Its file.
        file: &'a str,
    },
    /// The other verifiers need the sealing key.
    CarryKey,
    /// This host has no sealing key, but another verifier has one.
    KeyElsewhere {
        /// The file where the key should be.
        file: &'a str,
    },
    /// Nothing is sealed.
    NotSealed,
    /// The sealing key is in a file for another verifier.
    KeyCarried {
        /// The file.
        path: &'a str,
        /// The id of the key.
        key: &'a str,
    },
    /// The sealing key is installed.
    KeyTaken {
        /// The id of the key.
        key: &'a str,
        /// Its file.
        file: &'a str,
    },
    /// How etcd must be started.
    Compaction,
    /// What to do next.
    Next,
    /// A machine was registered.
    MachineAdded {
        /// Its name.
        name: &'a str,
    },
    /// An administrator was registered.
    AdministratorAdded {
        /// The name.
        name: &'a str,
    },
    /// A machine or an administrator was revoked.
    Revoked {
        /// The name.
        name: &'a str,
    },
    /// The machine or administrator was already revoked.
    WasRevoked {
        /// The name.
        name: &'a str,
    },
    /// A backup was written.
    BackedUp {
        /// The path of the file.
        path: &'a str,
        /// How many accounts are in it.
        accounts: u64,
    },
    /// An earlier restore goes on.
    Continues,
    /// A backup was restored.
    Restored {
        /// How many accounts it had.
        accounts: u64,
    },
    /// From when on codes count.
    NotBefore {
        /// The time, with its zone.
        when: &'a str,
    },
    /// Machines that were revoked after the backup was made must be revoked again.
    RevokeAgain {
        /// When it was made, with the zone.
        when: &'a str,
    },
    /// On other verifiers, whose marks are further on, the database must be confirmed too.
    ConfirmOthers,
    /// A database was confirmed.
    Confirmed {
        /// How many accounts were rewritten.
        accounts: u64,
    },
    /// Label: which fleet it is.
    Fleet,
    /// Label: how many accounts there are.
    Accounts,
    /// Label: how large the database is.
    Database,
    /// Label: how many revisions are kept.
    Revisions,
    /// Label: the members of etcd.
    Members,
    /// Label: the verifiers.
    Verifiers,
    /// Label: the machines.
    Machines,
    /// Of a member: it leads.
    Leads,
    /// Of a member: it does not answer.
    NoAnswer,
    /// Of a verifier: it serves.
    Serves,
    /// Of a verifier: how far its clock is off.
    Clock {
        /// Seconds ahead; below zero: behind.
        seconds: i64,
    },
    /// Of a verifier: it has no other clock to compare with.
    ClockUnknown,
    /// Nothing is wrong.
    Nothing,
    /// No machine is registered.
    NobodyRegistered,
    /// Of a name: when it was registered.
    Since {
        /// The time, with its zone.
        when: &'a str,
    },
    /// Of a name: when it was revoked.
    RevokedSince {
        /// The time, with its zone.
        when: &'a str,
    },
    /// Of a machine: it may ask about every user.
    Everybody,
}

impl Told<'_> {
    /// Returns the line in this language.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        match language {
            Language::English => self.english(),
            Language::Korean => self.korean(),
        }
    }

    fn english(&self) -> String {
        match self {
            Self::Begun { fleet } => format!("the fleet {fleet} has begun"),
            Self::WasBegun { fleet } => format!("the fleet {fleet} was there already"),
            Self::UserMade { name } => format!("etcd's user {name} may read and write below /pam_otp/, and nothing else"),
            Self::AuthIsOn => "etcd now answers only certificates of its users".to_owned(),
            Self::KeyMade { key, file } => format!("the sealing key {key} is made, in {file}: without it nobody gets in, so keep a copy apart from every backup"),
            Self::CarryKey => "each other verifier needs it: otp-admin fleet carry-key FILE here, and otp-admin fleet take-key FILE there".to_owned(),
            Self::KeyElsewhere { file } => format!("{file} is missing: bring the sealing key from a verifier that has it, with otp-admin fleet carry-key and take-key"),
            Self::NotSealed => "the policy names no [seal] key, so the secrets of users are not sealed in the database; pam_otp-fleet(7) says how they are".to_owned(),
            Self::KeyCarried { path, key } => format!("{path}: holds the sealing key {key}, encrypted; remove it once it is taken"),
            Self::KeyTaken { key, file } => format!("the sealing key {key} is in {file}"),
            Self::Compaction => "each member of etcd must run with these options, so restart those that do not: --client-cert-auth --auto-compaction-mode=periodic --auto-compaction-retention=1h --quota-backend-bytes=8589934592".to_owned(),
            Self::Next => "next: start otp-verifier on each host, then add machines with otp-admin fleet add-machine NAME, and look with otp-admin fleet status".to_owned(),
            Self::MachineAdded { name } => format!("{name}: may ask the verifiers from now on"),
            Self::AdministratorAdded { name } => format!("{name}: may administer the fleet from now on"),
            Self::Revoked { name } => format!("{name}: is refused from its next request on"),
            Self::WasRevoked { name } => format!("{name}: was revoked before"),
            Self::BackedUp { path, accounts } => format!("{path}: has {accounts} accounts; keep its key apart from it"),
            Self::Continues => "an earlier restore of this backup goes on".to_owned(),
            Self::Restored { accounts } => format!("{accounts} accounts are back; recovery codes are void"),
            Self::NotBefore { when } => format!("no code counts before {when}: until then nobody can tell which were used"),
            Self::RevokeAgain { when } => format!("revoke again every name that you have revoked since {when}"),
            Self::ConfirmOthers => "if a verifier still says that the database went back, run otp-admin fleet confirm on its host".to_owned(),
            Self::Confirmed { accounts } => format!("the database is the fleet's; {accounts} accounts are rewritten, recovery codes are void"),
            Self::Fleet => "Fleet".to_owned(),
            Self::Accounts => "Accounts".to_owned(),
            Self::Database => "Database".to_owned(),
            Self::Revisions => "Revisions kept".to_owned(),
            Self::Members => "Members".to_owned(),
            Self::Verifiers => "Verifiers".to_owned(),
            Self::Machines => "Machines".to_owned(),
            Self::Leads => "leads".to_owned(),
            Self::NoAnswer => "no answer".to_owned(),
            Self::Serves => "serves".to_owned(),
            Self::Clock { seconds } => format!("clock {seconds} s ahead"),
            Self::ClockUnknown => "clock not compared".to_owned(),
            Self::Nothing => "nothing is wrong".to_owned(),
            Self::NobodyRegistered => "no machine and no administrator is registered".to_owned(),
            Self::Since { when } => format!("since {when}"),
            Self::RevokedSince { when } => format!("revoked {when}"),
            Self::Everybody => "everybody".to_owned(),
        }
    }

    fn korean(&self) -> String {
        match self {
            Self::Begun { fleet } => format!("{fleet} 플릿을 시작했습니다."),
            Self::WasBegun { fleet } => format!("{fleet} 플릿이 이미 있습니다."),
            Self::UserMade { name } => format!("etcd의 {name} 사용자는 /pam_otp/ 아래에만 읽기와 쓰기 권한이 있습니다."),
            Self::AuthIsOn => "etcd는 등록된 사용자의 인증서가 없으면 응답하지 않습니다.".to_owned(),
            Self::KeyMade { key, file } => format!("{file} 파일에 봉인 키({key})를 만들었습니다. 이 키가 없으면 아무도 로그인할 수 없으니 백업과 별도로 사본을 보관하세요."),
            Self::CarryKey => "다른 검증 서버에도 이 키가 필요합니다. 이 호스트에서 'otp-admin fleet carry-key FILE' 명령을, 다른 검증 서버 호스트에서 'otp-admin fleet take-key FILE' 명령을 실행하세요.".to_owned(),
            Self::KeyElsewhere { file } => format!("{file} 파일이 없습니다. 키가 있는 검증 서버에서 'otp-admin fleet carry-key'와 'take-key' 명령으로 봉인 키를 가져오세요."),
            Self::NotSealed => "정책에 [seal] key 값이 없어 인증 수단의 키가 데이터베이스에 봉인되지 않습니다. 봉인하는 방법은 pam_otp-fleet(7) 매뉴얼에 있습니다.".to_owned(),
            Self::KeyCarried { path, key } => format!("{path}: 봉인 키({key})를 암호화하여 저장했습니다. 가져간 뒤에는 삭제하세요."),
            Self::KeyTaken { key, file } => format!("{file} 파일에 봉인 키({key})가 있습니다."),
            Self::Compaction => "etcd의 각 멤버는 다음 옵션으로 실행되어야 합니다. 그렇지 않은 멤버는 다시 시작하세요: --client-cert-auth --auto-compaction-mode=periodic --auto-compaction-retention=1h --quota-backend-bytes=8589934592".to_owned(),
            Self::Next => "다음: 각 호스트에서 otp-verifier를 시작하고, 'otp-admin fleet add-machine NAME' 명령으로 컴퓨터를 추가한 뒤 'otp-admin fleet status' 명령으로 확인하세요.".to_owned(),
            Self::MachineAdded { name } => format!("{name}: 이제 검증 서버에 요청할 수 있습니다."),
            Self::AdministratorAdded { name } => format!("{name}: 이제 플릿을 관리할 수 있습니다."),
            Self::Revoked { name } => format!("{name}: 다음 요청부터 거부됩니다."),
            Self::WasRevoked { name } => format!("{name}: 이미 취소되어 있습니다."),
            Self::BackedUp { path, accounts } => format!("{path}: 계정 {accounts}개를 저장했습니다. 키는 따로 보관하세요."),
            Self::Continues => "이 백업의 이전 복원을 이어서 진행합니다.".to_owned(),
            Self::Restored { accounts } => format!("계정 {accounts}개를 복원했습니다. 복구 코드는 더 이상 사용할 수 없습니다."),
            Self::NotBefore { when } => format!("{when} 전에는 어떤 인증 코드로도 로그인할 수 없습니다. 그때까지는 이미 사용한 인증 코드를 알 수 없습니다."),
            Self::RevokeAgain { when } => format!("{when} 이후에 취소한 대상은 다시 취소하세요."),
            Self::ConfirmOthers => "검증 서버가 여전히 데이터베이스가 과거로 돌아갔다고 하면 그 호스트에서 'otp-admin fleet confirm' 명령을 실행하세요.".to_owned(),
            Self::Confirmed { accounts } => format!("이 데이터베이스를 플릿의 것으로 확인했습니다. 계정 {accounts}개를 다시 저장했으며 복구 코드는 더 이상 사용할 수 없습니다."),
            Self::Fleet => "플릿".to_owned(),
            Self::Accounts => "계정".to_owned(),
            Self::Database => "데이터베이스".to_owned(),
            Self::Revisions => "보관 중인 리비전".to_owned(),
            Self::Members => "멤버".to_owned(),
            Self::Verifiers => "검증 서버".to_owned(),
            Self::Machines => "컴퓨터".to_owned(),
            Self::Leads => "리더".to_owned(),
            Self::NoAnswer => "응답 없음".to_owned(),
            Self::Serves => "정상".to_owned(),
            Self::Clock { seconds } => format!("시계 {seconds}초 빠름"),
            Self::ClockUnknown => "시계를 비교하지 못함".to_owned(),
            Self::Nothing => "이상 없음".to_owned(),
            Self::NobodyRegistered => "등록된 컴퓨터나 관리자가 없습니다.".to_owned(),
            Self::Since { when } => format!("{when}부터"),
            Self::RevokedSince { when } => format!("{when}에 취소됨"),
            Self::Everybody => "모든 사용자".to_owned(),
        }
    }
}

/// A fault of a fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong<'a> {
    /// There is no fleet.
    NoFleet,
    /// A restore has not ended.
    BeingRestored,
    /// The members have no leader.
    NoLeader,
    /// A member does not answer.
    MemberDown {
        /// The member.
        member: &'a str,
        /// What was found.
        reason: &'a Wording,
    },
    /// The fleet has only one or two members.
    MemberAlone {
        /// How many there are.
        count: u64,
    },
    /// etcd has raised an alarm.
    Alarm {
        /// The member that raised it.
        member: &'a str,
        /// The alarm.
        alarm: &'a str,
    },
    /// The quota is nearly used.
    NearQuota {
        /// How much of it is used, in percent.
        percent: u64,
        /// The quota.
        quota: &'a str,
    },
    /// The database was never compacted.
    NoCompaction {
        /// How many revisions are kept.
        revisions: u64,
    },
    /// A member is behind the others.
    Lags {
        /// The member.
        member: &'a str,
        /// By how many entries.
        entries: u64,
    },
    /// No verifier reports that it is alive.
    NoVerifier,
    /// A verifier serves nobody.
    Refuses {
        /// Its name.
        name: &'a str,
        /// The reason.
        reason: &'a str,
    },
    /// A machine asks a verifier for more than one machine may.
    HeldBack {
        /// The machine.
        machine: &'a str,
        /// The verifier that holds it back.
        name: &'a str,
    },
    /// The clock of a verifier is off.
    ClockOff {
        /// Its name.
        name: &'a str,
        /// By how many seconds.
        seconds: i64,
    },
    /// A machine or a verifier has another policy.
    PolicyDiffers {
        /// The machine or the verifier.
        name: &'a str,
    },
    /// Verifiers run different releases.
    ReleasesDiffer {
        /// The releases.
        releases: &'a str,
    },
    /// A certificate ends soon.
    CertificateEnds {
        /// Its path.
        path: &'a str,
        /// The time.
        when: &'a str,
    },
    /// Something in the database cannot be read.
    Unreadable {
        /// Its key in the database.
        key: &'a str,
    },
}

impl Wrong<'_> {
    /// The id for programs.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        match self {
            Self::NoFleet => "no-fleet",
            Self::BeingRestored => "being-restored",
            Self::NoLeader => "no-leader",
            Self::MemberDown { .. } => "member-down",
            Self::MemberAlone { .. } => "few-members",
            Self::Alarm { .. } => "alarm",
            Self::NearQuota { .. } => "near-quota",
            Self::NoCompaction { .. } => "no-compaction",
            Self::Lags { .. } => "lags",
            Self::NoVerifier => "no-verifier",
            Self::Refuses { .. } => "refuses",
            Self::HeldBack { .. } => "held-back",
            Self::ClockOff { .. } => "clock-off",
            Self::PolicyDiffers { .. } => "policy-differs",
            Self::ReleasesDiffer { .. } => "releases-differ",
            Self::CertificateEnds { .. } => "certificate-ends",
            Self::Unreadable { .. } => "unreadable",
        }
    }

    /// All ids.
    pub const IDS: [&'static str; 17] = [
        "no-fleet",
        "being-restored",
        "no-leader",
        "member-down",
        "few-members",
        "alarm",
        "near-quota",
        "no-compaction",
        "lags",
        "no-verifier",
        "refuses",
        "held-back",
        "clock-off",
        "policy-differs",
        "releases-differ",
        "certificate-ends",
        "unreadable",
    ];

    /// Says what is wrong, without a full stop.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        match language {
            Language::English => self.english(),
            Language::Korean => self.korean(),
        }
    }

    fn english(&self) -> String {
        match self {
            Self::NoFleet => {
                "there is no fleet in the database: run otp-admin fleet init".to_owned()
            }
            Self::BeingRestored => {
                "a restore has not ended: run the same otp-admin fleet restore again".to_owned()
            }
            Self::NoLeader => {
                "etcd has no leader: more than half of its members must run and reach each other"
                    .to_owned()
            }
            Self::MemberDown { member, reason } => {
                let reason = reason.text(Language::English);
                format!("{member} does not answer: {reason}")
            }
            Self::MemberAlone { count } => {
                format!("etcd has {count} members: with fewer than 3 none may fail")
            }
            Self::Alarm { member, alarm } => format!(
                "{member} has raised the alarm {alarm}: logins are refused until it is cleared, see pam_otp-fleet(7)"
            ),
            Self::NearQuota { percent, quota } => format!(
                "the database uses {percent}% of {quota}, etcd's quota unless it was started with another: at 100% every login is refused"
            ),
            Self::NoCompaction { revisions } => format!(
                "etcd keeps {revisions} revisions: start it with --auto-compaction-mode=periodic --auto-compaction-retention=1h"
            ),
            Self::Lags { member, entries } => format!("{member} is {entries} entries behind"),
            Self::NoVerifier => "no verifier runs".to_owned(),
            Self::Refuses { name, reason } => format!("{name} serves nobody: {reason}"),
            Self::HeldBack { machine, name } => {
                format!("{name} holds back {machine}, which asks for more than a machine does")
            }
            Self::ClockOff { name, seconds } => {
                format!("the clock of {name} is {seconds} s ahead of the others'")
            }
            Self::PolicyDiffers { name } => format!(
                "the policy of {name} differs from that of most verifiers where all must agree"
            ),
            Self::ReleasesDiffer { releases } => {
                format!("verifiers are of several releases: {releases}")
            }
            Self::CertificateEnds { path, when } => format!("{path} ends {when}"),
            Self::Unreadable { key } => {
                format!("{key} cannot be read: it is damaged, or of a newer release")
            }
        }
    }

    fn korean(&self) -> String {
        match self {
            Self::NoFleet => {
                "데이터베이스에 플릿이 없습니다. 'otp-admin fleet init' 명령을 실행하세요."
                    .to_owned()
            }
            Self::BeingRestored => {
                "복원이 끝나지 않았습니다. 같은 'otp-admin fleet restore' 명령을 다시 실행하세요."
                    .to_owned()
            }
            Self::NoLeader => {
                "etcd에 리더가 없습니다. 과반수의 멤버가 실행 중이고 서로 연결되어야 합니다."
                    .to_owned()
            }
            Self::MemberDown { member, reason } => {
                let reason = reason.text(Language::Korean);
                format!("{member} 멤버가 응답하지 않습니다({reason}).")
            }
            Self::MemberAlone { count } => {
                format!("etcd 멤버가 {count}개입니다. 3개보다 적으면 하나라도 멈출 수 없습니다.")
            }
            Self::Alarm { member, alarm } => format!(
                "{member} 멤버에 {alarm} 경보가 발생했습니다. 해제할 때까지 로그인이 거부됩니다. pam_otp-fleet(7) 매뉴얼을 참고하세요."
            ),
            Self::NearQuota { percent, quota } => format!(
                "데이터베이스가 한도({quota})의 {percent}%를 사용합니다. 다른 값을 지정하지 않았다면 이것이 etcd의 한도이며, 100%가 되면 모든 로그인이 거부됩니다."
            ),
            Self::NoCompaction { revisions } => format!(
                "etcd가 리비전 {revisions}개를 보관합니다. '--auto-compaction-mode=periodic --auto-compaction-retention=1h' 옵션으로 시작하세요."
            ),
            Self::Lags { member, entries } => {
                format!("{member} 멤버가 항목 {entries}개만큼 뒤처져 있습니다.")
            }
            Self::NoVerifier => "실행 중인 검증 서버가 없습니다.".to_owned(),
            Self::Refuses { name, reason } => {
                format!("{name} 검증 서버가 응답을 거부합니다: {reason}")
            }
            Self::HeldBack { machine, name } => {
                format!(
                    "{machine} 컴퓨터의 요청이 지나치게 많아 {name} 검증 서버가 제한하고 있습니다."
                )
            }
            Self::ClockOff { name, seconds } => {
                format!("{name} 검증 서버의 시계가 다른 서버보다 {seconds}초 빠릅니다.")
            }
            Self::PolicyDiffers { name } => format!(
                "{name} 검증 서버의 정책이 대부분의 검증 서버와 다릅니다. 같아야 하는 항목이 있습니다."
            ),
            Self::ReleasesDiffer { releases } => {
                format!("검증 서버의 버전이 서로 다릅니다: {releases}")
            }
            Self::CertificateEnds { path, when } => {
                format!("{path} 인증서의 유효 기간이 {when}에 끝납니다.")
            }
            Self::Unreadable { key } => {
                format!(
                    "{key} 항목을 읽을 수 없습니다. 손상되었거나 더 새로운 버전에서 저장했습니다."
                )
            }
        }
    }
}

#[cfg(test)]
mod tests;
