//! What `otp-admin` says when a command about a fleet cannot be carried out, and why.

mod told;
mod why;

pub use told::{Told, Wrong};
pub use why::Why;

use super::reason::Wording;
use crate::record::Language;

/// Why a command about a fleet was refused or could not be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unable {
    /// The command concerns one machine, and was given to the fleet.
    OfOneMachine,
    /// Files in users' homes cannot be sent with an administrator's command.
    OfUsersFiles,
    /// This machine is not the host of a verifier and belongs to no fleet.
    NoFleet,
    /// One of our programs cannot be run.
    NoProgram {
        /// The program.
        program: &'static str,
        /// What the system said.
        reason: Wording,
    },
    /// The verifier's configuration cannot be used.
    NoConfiguration {
        /// Its file.
        path: String,
        /// The reason.
        reason: Wording,
    },
    /// The policy of the verifiers cannot be used.
    UnusablePolicy {
        /// Its file.
        path: String,
        /// The reason.
        reason: Wording,
    },
    /// The database could not be asked, or refused.
    NoDatabase {
        /// What it said.
        reason: Wording,
    },
    /// There is no fleet in the database.
    NotBegun,
    /// etcd has no authentication: every holder of a certificate could read and change what is restored.
    OpenToAll,
    /// A restore was begun and has not ended.
    BeingRestored,
    /// A restore from another backup was begun and has not ended.
    BeingRestoredFromAnother,
    /// The database contains keys of others, or does not ask for certificates although it should.
    NotAlone {
        /// What was found.
        reason: Wording,
    },
    /// A member of etcd does not use the common name of a certificate as the user.
    NoCommonName {
        /// The member.
        member: String,
    },
    /// The policy of the verifiers names no sealing key.
    NoSeal,
    /// The sealing key of this host cannot be read or written.
    NoSealingKey {
        /// The reason.
        reason: Wording,
    },
    /// This host has a sealing key, and it is another one.
    AnotherSealingKey {
        /// Its file.
        file: String,
    },
    /// A file does not hold one of our sealing keys.
    NotASealingKey {
        /// Its path.
        path: String,
    },
    /// etcd's authentication should have been turned off, and this failed.
    LeftOn {
        /// What it said.
        reason: Wording,
    },
    /// The command must be run on the host of a verifier.
    OnVerifierOnly,
    /// The name cannot stand in a certificate.
    UnusableName {
        /// What was given.
        name: String,
    },
    /// The name is registered in the other role.
    AnotherRole {
        /// The name.
        name: String,
    },
    /// The name is not registered.
    NoSuchName {
        /// The name.
        name: String,
    },
    /// An administrator wants to revoke their own certificate.
    LastAdministrator {
        /// The name.
        name: String,
    },
    /// The fleet already has accounts.
    NotEmpty {
        /// How many accounts it has.
        accounts: u64,
    },
    /// A file is not one of our backups.
    NotABackup {
        /// Its path.
        path: String,
    },
    /// A newer version has written the backup.
    Newer {
        /// Its path.
        path: String,
    },
    /// A backup cannot be opened: the key is another, or its beginning was changed.
    WrongKey {
        /// Its path.
        path: String,
    },
    /// A backup was changed or is incomplete.
    Damaged {
        /// Its path.
        path: String,
    },
    /// A file cannot be read.
    NotRead {
        /// Its path.
        path: String,
        /// The reason.
        reason: Wording,
    },
    /// A file cannot be written.
    NotWritten {
        /// Its path.
        path: String,
        /// The reason.
        reason: Wording,
    },
    /// Standard output cannot be written.
    NotPrinted {
        /// What the system said.
        reason: Wording,
    },
    /// A file with a key cannot be used.
    UnusableKey {
        /// Its path.
        path: String,
        /// The reason.
        reason: Wording,
    },
    /// There is no terminal to ask for a passphrase on, or it was closed.
    NoPassphrase,
    /// The two passphrases differ.
    PassphrasesDiffer,
    /// The passphrase is too short.
    ShortPassphrase {
        /// How many characters it must have.
        least: u32,
    },
    /// The clock of this host is behind a time that the fleet has recorded.
    ClockBehind {
        /// By how many seconds.
        seconds: u64,
        /// Where the latest time is recorded.
        recorded: Recorded,
    },
    /// The database has not gone back to an earlier state.
    NothingToConfirm,
    /// No verifier could be reached with the administrator's certificate.
    NoVerifier {
        /// What each verifier said.
        reason: Wording,
    },
    /// The connection to a verifier ended before the command did.
    SessionBroken {
        /// How it ended.
        reason: Wording,
    },
    /// Another command has changed the same thing.
    ChangedMeanwhile,
}

/// Where a time is recorded that the clock of a host is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// By the verifiers: the middle one of their clocks.
    Verifiers,
    /// In an account: when a code was accepted last. Its user's name.
    Account(String),
    /// In the backup: when it was written.
    Backup,
    /// By the restore that goes on: its beginning.
    Begun,
}

impl Unable {
    /// Says what is wrong, without a full stop.
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

    /// Returns the exit status: 1 for a refusal, 2 for what could not be done.
    #[must_use]
    pub const fn status(&self) -> u8 {
        match self {
            Self::NoProgram { .. }
            | Self::NoConfiguration { .. }
            | Self::UnusablePolicy { .. }
            | Self::NoDatabase { .. }
            | Self::NotRead { .. }
            | Self::NotWritten { .. }
            | Self::NotPrinted { .. }
            | Self::LeftOn { .. }
            | Self::NoSealingKey { .. }
            | Self::NoVerifier { .. }
            | Self::SessionBroken { .. } => 2,
            Self::OfOneMachine
            | Self::OfUsersFiles
            | Self::NoFleet
            | Self::NotBegun
            | Self::OpenToAll
            | Self::BeingRestored
            | Self::BeingRestoredFromAnother
            | Self::NotAlone { .. }
            | Self::NoCommonName { .. }
            | Self::NoSeal
            | Self::AnotherSealingKey { .. }
            | Self::NotASealingKey { .. }
            | Self::OnVerifierOnly
            | Self::UnusableName { .. }
            | Self::AnotherRole { .. }
            | Self::NoSuchName { .. }
            | Self::LastAdministrator { .. }
            | Self::NotEmpty { .. }
            | Self::NotABackup { .. }
            | Self::Newer { .. }
            | Self::WrongKey { .. }
            | Self::Damaged { .. }
            | Self::UnusableKey { .. }
            | Self::NoPassphrase
            | Self::PassphrasesDiffer
            | Self::ShortPassphrase { .. }
            | Self::ClockBehind { .. }
            | Self::NothingToConfirm
            | Self::ChangedMeanwhile => 1,
        }
    }

    fn english(&self) -> String {
        let said = |reason: &Wording| reason.text(Language::English).to_owned();
        match self {
            Self::OfOneMachine => "this command is about one machine, not about a fleet".to_owned(),
            Self::OfUsersFiles => {
                "files of users are read with the rights of those users, which no verifier has"
                    .to_owned()
            }
            Self::NoFleet => "this machine belongs to no fleet".to_owned(),
            Self::NoProgram { program, reason } => {
                format!("{program} cannot be run: {}", said(reason))
            }
            Self::NoConfiguration { path, reason } | Self::UnusablePolicy { path, reason } => {
                format!("{path}: cannot be used: {}", said(reason))
            }
            Self::NoDatabase { reason } => format!("the database of the fleet: {}", said(reason)),
            Self::NotBegun => "there is no fleet in the database".to_owned(),
            Self::OpenToAll => "etcd answers everybody, not only its users".to_owned(),
            Self::BeingRestored => {
                "a restore was begun and has not ended: the fleet serves nobody until it has"
                    .to_owned()
            }
            Self::BeingRestoredFromAnother => {
                "a restore from another backup was begun and has not ended".to_owned()
            }
            Self::NotAlone { reason } => {
                format!("this database is not the fleet's alone: {}", said(reason))
            }
            Self::NoCommonName { member } => {
                format!("{member}: this member of etcd does not know users by their certificates")
            }
            Self::NoSeal => "the policy of this verifier names no sealing key".to_owned(),
            Self::NoSealingKey { reason } => {
                format!("the sealing key of the fleet: {}", said(reason))
            }
            Self::AnotherSealingKey { file } => format!("{file}: holds another sealing key"),
            Self::NotASealingKey { path } => format!("{path}: holds no sealing key of a fleet"),
            Self::LeftOn { reason } => {
                format!(
                    "etcd now asks for users and lets nobody in, and this could not be undone: {}",
                    said(reason)
                )
            }
            Self::OnVerifierOnly => {
                "only root can run this command, on the host of a verifier".to_owned()
            }
            Self::UnusableName { name } => format!("{name}: is not a DNS name"),
            Self::AnotherRole { name } => format!("{name}: is registered in the other role"),
            Self::NoSuchName { name } => {
                format!("{name}: no machine and no administrator of the fleet has this name")
            }
            Self::LastAdministrator { name } => {
                format!("{name}: is the certificate that this command came with")
            }
            Self::NotEmpty { accounts } => {
                format!("the database keeps a fleet with {accounts} accounts")
            }
            Self::NotABackup { path } => format!("{path}: is not a backup of a fleet"),
            Self::Newer { path } => format!("{path}: written by a newer version of pam_otp"),
            Self::WrongKey { path } => {
                format!("{path}: another key or passphrase, or the file was changed")
            }
            Self::Damaged { path } => format!("{path}: was changed, or is not whole"),
            Self::NotRead { path, reason } => format!("{path}: cannot be read: {}", said(reason)),
            Self::NotWritten { path, reason } => {
                format!("{path}: cannot be written: {}", said(reason))
            }
            Self::NotPrinted { reason } => {
                format!("standard output: cannot be written: {}", said(reason))
            }
            Self::UnusableKey { path, reason } => format!("{path}: is not a key: {}", said(reason)),
            Self::NoPassphrase => "no passphrase was given".to_owned(),
            Self::PassphrasesDiffer => "the two passphrases differ".to_owned(),
            Self::ShortPassphrase { least } => {
                format!("the passphrase has fewer than {least} characters")
            }
            Self::ClockBehind { seconds, recorded } => {
                let what = match recorded {
                    Recorded::Verifiers => "the clocks of the verifiers".to_owned(),
                    Recorded::Account(name) => format!("the last code that was accepted of {name}"),
                    Recorded::Backup => "the time of the backup".to_owned(),
                    Recorded::Begun => "the clock of the host that began this restore".to_owned(),
                };
                format!("the clock of this host is {seconds} s behind {what}")
            }
            Self::NothingToConfirm => {
                "the database has not gone back in time, as far as this host knows".to_owned()
            }
            Self::NoVerifier { reason } => format!("no verifier answers: {}", said(reason)),
            Self::SessionBroken { reason } => {
                format!(
                    "the connection to the verifier ended before the command did: {}",
                    said(reason)
                )
            }
            Self::ChangedMeanwhile => {
                "somebody else has changed the fleet at the same time".to_owned()
            }
        }
    }

    fn english_hint(&self) -> String {
        match self {
            Self::OfOneMachine => "run it on the machine that it is about".to_owned(),
            Self::OfUsersFiles => "copy them to a host of a verifier and run the command there as root".to_owned(),
            Self::NoFleet => "set [fleet] in pam_otp.conf, or run it on the host of a verifier; see pam_otp-fleet(7)".to_owned(),
            Self::NoProgram { .. } => "is its package installed?".to_owned(),
            Self::NoConfiguration { .. } => "otp-verifier(8) says what is in this file".to_owned(),
            Self::UnusablePolicy { .. } => "pam_otp.conf(5) says what is in this file".to_owned(),
            Self::NoDatabase { .. } => "check that etcd runs, and the files under [etcd] in pam_otp-verifier.conf".to_owned(),
            Self::NotBegun => "begin one with otp-admin fleet init, or bring one back with otp-admin fleet restore".to_owned(),
            Self::OpenToAll => "nothing was restored; run otp-admin fleet init first, then the same command again".to_owned(),
            Self::BeingRestored => "run the same otp-admin fleet restore again: it goes on".to_owned(),
            Self::BeingRestoredFromAnother => "go on with that backup, or add --replace to begin anew with this one".to_owned(),
            Self::NotAlone { .. } => "a fleet has an etcd of its own; see pam_otp-fleet(7)".to_owned(),
            Self::NoCommonName { .. } => "nothing was changed, since everybody would have been locked out: start each member with --client-cert-auth and --trusted-ca-file, and run the command again".to_owned(),
            Self::NoSeal => "set [seal] key in pam_otp.conf of every verifier; see pam_otp-fleet(7)".to_owned(),
            Self::NoSealingKey { .. } => "pam_otp-seal(7) says how the key file must be".to_owned(),
            Self::AnotherSealingKey { .. } => "nothing was changed; otp-admin seal --status says what the records are sealed by".to_owned(),
            Self::NotASealingKey { .. } => "give the file that otp-admin fleet carry-key has written".to_owned(),
            Self::LeftOn { .. } => "run the same command again as soon as etcd answers: it undoes it".to_owned(),
            Self::OnVerifierOnly => "log in there and run it again".to_owned(),
            Self::UnusableName { .. } => "give the first DNS name in the certificate, as openssl x509 -ext subjectAltName shows it".to_owned(),
            Self::AnotherRole { .. } => "a name is a machine's or an administrator's: give one of them another certificate".to_owned(),
            Self::NoSuchName { .. } => "otp-admin fleet machines lists them".to_owned(),
            Self::LastAdministrator { .. } => "have another administrator do it, or run it on the host of a verifier".to_owned(),
            Self::NotEmpty { .. } => "--replace puts the backup in its place: what the fleet keeps now is lost".to_owned(),
            Self::NotABackup { .. } => "give the file that otp-admin fleet backup has written".to_owned(),
            Self::Newer { .. } => "restore it with that version".to_owned(),
            Self::WrongKey { .. } => "nothing was restored; try the key that the backup was written with".to_owned(),
            Self::Damaged { .. } => "nothing was restored; use another copy of the backup".to_owned(),
            Self::NotRead { .. } => "check the path and its permissions".to_owned(),
            Self::NotPrinted { .. } => "check where the output goes".to_owned(),
            Self::NotWritten { .. } => "give a new file in a directory with room, which only root can write".to_owned(),
            Self::UnusableKey { .. } => "a key is 32 random bytes in a file of root's with mode 0600: openssl rand -out FILE 32".to_owned(),
            Self::NoPassphrase => "run it at a terminal, or give a key with --key-file".to_owned(),
            Self::PassphrasesDiffer => "nothing was written; run the command again".to_owned(),
            Self::ShortPassphrase { .. } => "use several words that do not belong together".to_owned(),
            Self::ClockBehind { .. } => "codes that were used would count again: set the clock, and run the same command again. \
                If this clock is right, add --trust-clock"
                .to_owned(),
            Self::NothingToConfirm => "nothing was changed; run it on the host of a verifier that has stopped".to_owned(),
            Self::NoVerifier { .. } => "check [fleet] in pam_otp.conf, the network, and the certificate that --certificate and --key name".to_owned(),
            Self::SessionBroken { .. } => "it is not known whether everything was done: check, and run it again if not".to_owned(),
            Self::ChangedMeanwhile => "check the fleet, and run the command again if it is still needed".to_owned(),
        }
    }

    fn korean(&self) -> String {
        let said = |reason: &Wording| reason.text(Language::Korean).to_owned();
        match self {
            Self::OfOneMachine => {
                "이 명령은 플릿이 아니라 컴퓨터 한 대에 대한 명령입니다.".to_owned()
            }
            Self::OfUsersFiles => {
                "사용자의 파일은 해당 사용자의 권한으로 읽습니다. 검증 서버에는 그 권한이 없습니다."
                    .to_owned()
            }
            Self::NoFleet => "이 컴퓨터는 플릿에 속하지 않습니다.".to_owned(),
            Self::NoProgram { program, reason } => {
                format!("{program} 프로그램을 실행할 수 없습니다: {}", said(reason))
            }
            Self::NoConfiguration { path, reason } | Self::UnusablePolicy { path, reason } => {
                format!("{path}: 사용할 수 없습니다: {}", said(reason))
            }
            Self::NoDatabase { reason } => format!("플릿의 데이터베이스: {}", said(reason)),
            Self::NotBegun => "데이터베이스에 플릿이 없습니다.".to_owned(),
            Self::OpenToAll => "etcd가 사용자만이 아니라 모두에게 응답합니다.".to_owned(),
            Self::BeingRestored => {
                "시작된 복원이 끝나지 않았습니다. 끝날 때까지 플릿은 아무에게도 응답하지 않습니다."
                    .to_owned()
            }
            Self::BeingRestoredFromAnother => {
                "다른 백업에서 시작된 복원이 끝나지 않았습니다.".to_owned()
            }
            Self::NotAlone { reason } => {
                format!("이 데이터베이스는 플릿 전용이 아닙니다: {}", said(reason))
            }
            Self::NoCommonName { member } => {
                format!("{member}: 이 etcd 멤버는 인증서로 사용자를 구별하지 않습니다.")
            }
            Self::NoSeal => "이 검증 서버의 정책에 봉인 키가 없습니다.".to_owned(),
            Self::NoSealingKey { reason } => format!("플릿의 봉인 키: {}", said(reason)),
            Self::AnotherSealingKey { file } => format!("{file}: 다른 봉인 키가 있습니다."),
            Self::NotASealingKey { path } => {
                format!("{path}: 플릿의 봉인 키가 들어 있지 않습니다.")
            }
            Self::LeftOn { reason } => {
                format!(
                    "etcd가 이제 사용자 인증을 요구하지만 아무도 허용하지 않으며, 되돌리지 못했습니다: {}",
                    said(reason)
                )
            }
            Self::OnVerifierOnly => {
                "이 명령은 검증 서버 호스트에서 root만 실행할 수 있습니다.".to_owned()
            }
            Self::UnusableName { name } => format!("{name}: DNS 이름이 아닙니다."),
            Self::AnotherRole { name } => format!("{name}: 다른 역할로 등록되어 있습니다."),
            Self::NoSuchName { name } => format!("{name}: 이 이름의 컴퓨터나 관리자가 없습니다."),
            Self::LastAdministrator { name } => format!("{name}: 이 명령을 보낸 인증서입니다."),
            Self::NotEmpty { accounts } => {
                format!("데이터베이스에 계정 {accounts}개가 있는 플릿이 있습니다.")
            }
            Self::NotABackup { path } => format!("{path}: 플릿 백업이 아닙니다."),
            Self::Newer { path } => format!("{path}: 더 새로운 버전의 pam_otp가 만들었습니다."),
            Self::WrongKey { path } => {
                format!("{path}: 키나 암호가 다르거나 파일이 변경되었습니다.")
            }
            Self::Damaged { path } => format!("{path}: 변경되었거나 일부가 없습니다."),
            Self::NotRead { path, reason } => format!("{path}: 읽을 수 없습니다: {}", said(reason)),
            Self::NotWritten { path, reason } => {
                format!("{path}: 파일을 저장할 수 없습니다: {}", said(reason))
            }
            Self::NotPrinted { reason } => {
                format!("표준 출력으로 내보내지 못했습니다: {}", said(reason))
            }
            Self::UnusableKey { path, reason } => {
                format!("{path}: 키가 아닙니다: {}", said(reason))
            }
            Self::NoPassphrase => "암호를 입력하지 않았습니다.".to_owned(),
            Self::PassphrasesDiffer => "두 암호가 서로 다릅니다.".to_owned(),
            Self::ShortPassphrase { least } => format!("암호가 {least}자보다 짧습니다."),
            Self::ClockBehind { seconds, recorded } => {
                let what = match recorded {
                    Recorded::Verifiers => "검증 서버들의 시계".to_owned(),
                    Recorded::Account(name) => {
                        format!("{name} 계정에서 마지막으로 인정된 인증 코드의 시각")
                    }
                    Recorded::Backup => "백업의 시각".to_owned(),
                    Recorded::Begun => "이 복원을 시작한 호스트의 시계".to_owned(),
                };
                format!("이 호스트의 시계가 {what}보다 {seconds}초 늦습니다.")
            }
            Self::NothingToConfirm => {
                "이 호스트가 아는 한 데이터베이스는 과거로 돌아가지 않았습니다.".to_owned()
            }
            Self::NoVerifier { reason } => {
                format!("응답하는 검증 서버가 없습니다: {}", said(reason))
            }
            Self::SessionBroken { reason } => {
                format!(
                    "명령이 끝나기 전에 검증 서버와의 연결이 끊어졌습니다: {}",
                    said(reason)
                )
            }
            Self::ChangedMeanwhile => "다른 사람이 동시에 플릿을 변경했습니다.".to_owned(),
        }
    }

    fn korean_hint(&self) -> String {
        match self {
            Self::OfOneMachine => "해당 컴퓨터에서 실행하세요.".to_owned(),
            Self::OfUsersFiles => "파일을 검증 서버 호스트로 복사하고 그 호스트에서 root로 실행하세요.".to_owned(),
            Self::NoFleet => "pam_otp.conf의 [fleet] 섹션을 설정하거나 검증 서버 호스트에서 실행하세요. pam_otp-fleet(7) 매뉴얼을 참고하세요.".to_owned(),
            Self::NoProgram { .. } => "패키지가 설치되어 있는지 확인하세요.".to_owned(),
            Self::NoConfiguration { .. } => "이 파일의 내용은 otp-verifier(8) 매뉴얼에 있습니다.".to_owned(),
            Self::UnusablePolicy { .. } => "이 파일의 내용은 pam_otp.conf(5) 매뉴얼에 있습니다.".to_owned(),
            Self::NoDatabase { .. } => "etcd가 실행 중인지, pam_otp-verifier.conf의 [etcd] 섹션에 있는 파일이 맞는지 확인하세요.".to_owned(),
            Self::NotBegun => "'otp-admin fleet init' 명령으로 만들거나 'otp-admin fleet restore' 명령으로 복원하세요.".to_owned(),
            Self::OpenToAll => "복원된 내용은 없습니다. 먼저 'otp-admin fleet init' 명령을 실행한 뒤 같은 명령을 다시 실행하세요.".to_owned(),
            Self::BeingRestored => "같은 'otp-admin fleet restore' 명령을 다시 실행하면 이어서 진행합니다.".to_owned(),
            Self::BeingRestoredFromAnother => "그 백업으로 계속하거나, 이 백업으로 새로 시작하려면 '--replace' 옵션을 추가하세요.".to_owned(),
            Self::NotAlone { .. } => "플릿은 전용 etcd를 사용합니다. pam_otp-fleet(7) 매뉴얼을 참고하세요.".to_owned(),
            Self::NoCommonName { .. } => "모든 접근이 막힐 수 있어 아무것도 변경하지 않았습니다. 모든 멤버를 '--client-cert-auth'와 '--trusted-ca-file' 옵션으로 시작하고 다시 실행하세요.".to_owned(),
            Self::NoSeal => "모든 검증 서버의 pam_otp.conf에 [seal] key 값을 설정하세요. pam_otp-fleet(7) 매뉴얼을 참고하세요.".to_owned(),
            Self::NoSealingKey { .. } => "키 파일의 조건은 pam_otp-seal(7) 매뉴얼에 있습니다.".to_owned(),
            Self::AnotherSealingKey { .. } => "변경된 내용은 없습니다. 'otp-admin seal --status' 명령으로 등록 정보를 봉인한 키를 확인하세요.".to_owned(),
            Self::NotASealingKey { .. } => "'otp-admin fleet carry-key' 명령으로 만든 파일을 지정하세요.".to_owned(),
            Self::LeftOn { .. } => "etcd가 응답하면 같은 명령을 다시 실행하세요. 그러면 되돌립니다.".to_owned(),
            Self::OnVerifierOnly => "검증 서버 호스트에 로그인하여 다시 실행하세요.".to_owned(),
            Self::UnusableName { .. } => "인증서의 첫 번째 DNS 이름을 입력하세요. 'openssl x509 -ext subjectAltName' 명령으로 볼 수 있습니다.".to_owned(),
            Self::AnotherRole { .. } => "이름 하나는 컴퓨터나 관리자 중 하나에만 사용할 수 있습니다. 둘 중 하나에 다른 인증서를 발급하세요.".to_owned(),
            Self::NoSuchName { .. } => "'otp-admin fleet machines' 명령으로 목록을 볼 수 있습니다.".to_owned(),
            Self::LastAdministrator { .. } => "다른 관리자가 실행하거나 검증 서버 호스트에서 실행하세요.".to_owned(),
            Self::NotEmpty { .. } => "'--replace' 옵션은 현재 내용을 백업으로 교체합니다. 지금 있는 내용은 사라집니다.".to_owned(),
            Self::NotABackup { .. } => "'otp-admin fleet backup' 명령으로 만든 파일을 지정하세요.".to_owned(),
            Self::Newer { .. } => "그 버전으로 복원하세요.".to_owned(),
            Self::WrongKey { .. } => "복원된 내용은 없습니다. 백업할 때 사용한 키로 다시 시도하세요.".to_owned(),
            Self::Damaged { .. } => "복원된 내용은 없습니다. 백업의 다른 사본을 사용하세요.".to_owned(),
            Self::NotRead { .. } => "경로와 권한을 확인하세요.".to_owned(),
            Self::NotWritten { .. } => "여유 공간이 있고 root에게만 쓰기 권한이 있는 디렉터리 안의 새 파일을 지정하세요.".to_owned(),
            Self::NotPrinted { .. } => "출력이 어디로 연결되어 있는지 확인하세요.".to_owned(),
            Self::UnusableKey { .. } => "키는 무작위 32바이트이며 root 소유, 모드 0600인 파일입니다: openssl rand -out FILE 32".to_owned(),
            Self::NoPassphrase => "터미널에서 실행하거나 '--key-file' 옵션으로 키를 지정하세요.".to_owned(),
            Self::PassphrasesDiffer => "저장된 내용은 없습니다. 명령을 다시 실행하세요.".to_owned(),
            Self::ShortPassphrase { .. } => "남이 알 수 없는 여러 단어를 사용하세요.".to_owned(),
            Self::ClockBehind { .. } => "사용된 인증 코드가 다시 인정될 수 있습니다. 시계를 맞추고 같은 명령을 다시 실행하세요. \
                이 시계가 맞으면 '--trust-clock' 옵션을 추가하세요."
                .to_owned(),
            Self::NothingToConfirm => "변경된 내용은 없습니다. 멈춘 검증 서버의 호스트에서 실행하세요.".to_owned(),
            Self::NoVerifier { .. } => "pam_otp.conf의 [fleet] 섹션, 네트워크, '--certificate'와 '--key' 옵션으로 지정한 인증서를 확인하세요.".to_owned(),
            Self::SessionBroken { .. } => "모두 처리되었는지 알 수 없습니다. 확인하고 필요하면 다시 실행하세요.".to_owned(),
            Self::ChangedMeanwhile => "확인하고 필요하면 명령을 다시 실행하세요.".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
