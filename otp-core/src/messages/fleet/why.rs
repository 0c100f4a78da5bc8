//! Why a file, a database or a verifier of a fleet cannot be used, as far as our own programs say it.
//!
//! These reasons stand inside other sentences, after a colon: in every language they end without a full stop. Text of
//! other programs and libraries stays as it is; in Korean it follows the name of its author.

use crate::messages::reason::{Deed, Wording};
use crate::record::Language;
use std::fmt::{self, Display};

/// A reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// The path of the configuration does not end in a name.
    NoPathOfAFile,
    /// The directory of the configuration cannot be opened.
    DirectoryNotOpened {
        /// What the system said.
        reason: Wording,
    },
    /// The configuration does not exist.
    NotThere,
    /// The records of this verifier are not in etcd.
    InAFolder,
    /// A file cannot be opened.
    NotOpened {
        /// What the system said.
        reason: Wording,
    },
    /// The owner and the mode of a file cannot be read.
    NotExamined {
        /// What the system said.
        reason: Wording,
    },
    /// A file cannot be read.
    NotRead {
        /// What the system said.
        reason: Wording,
    },
    /// A file has no certificate.
    NoCertificate,
    /// A file is not PEM.
    NotPem,
    /// A certificate is not that of an authority.
    NotOfAnAuthority {
        /// What the TLS library said.
        said: String,
    },
    /// A group can read a key.
    ReadableByGroup {
        /// The number of the group.
        gid: u32,
    },
    /// A file has no key.
    NoPrivateKey,
    /// A key is not that of the certificate.
    AnotherKey,
    /// A certificate has no name that a machine can have.
    NoDnsName,
    /// A certificate is not for servers.
    NotForServers,
    /// The TLS library refused.
    Tls {
        /// What it said.
        said: String,
    },
    /// The certificate of the other side has ended.
    Ended {
        /// What the TLS library said.
        said: String,
    },
    /// The certificate of the other side is not valid yet.
    NotBegun {
        /// What the TLS library said.
        said: String,
    },
    /// The authority that is named has not signed the certificate of the other side.
    OfAnotherAuthority {
        /// What the TLS library said.
        said: String,
    },
    /// A signature of the other side is wrong: that of its certificate, or that of the connection.
    BadSignature {
        /// What the TLS library said.
        said: String,
    },
    /// The certificate of the other side has another name.
    OfAnotherName {
        /// What the TLS library said.
        said: String,
    },
    /// The other side has refused the connection, as a rule because of the certificate.
    RefusedInTls {
        /// What the TLS library said.
        said: String,
    },
    /// The address of a member of etcd is not one.
    NoHostAndPort,
    /// A library could not connect.
    NotConnected {
        /// What it said.
        said: String,
    },
    /// A member of etcd did not take a connection in time.
    NoConnection {
        /// The time in milliseconds.
        limit: u128,
    },
    /// The TLS library does not take the certificate or the key for etcd.
    BadPair {
        /// What it said.
        said: String,
    },
    /// There was no time to send a request.
    NoTimeLeft,
    /// A member of etcd did not answer in time.
    NoAnswer {
        /// The time in milliseconds.
        limit: u128,
    },
    /// The connection ended before the answer.
    StreamEnded,
    /// etcd's token cannot be sent back.
    NoToken,
    /// etcd no longer has the history of an account.
    Compacted,
    /// The configuration has no address of etcd.
    NoAddressOfEtcd,
    /// A member of etcd has no address for clients.
    NoAddressForClients,
    /// The key of etcd's root cannot be read.
    KeyNotRead {
        /// Its file.
        path: String,
    },
    /// The system gave no thread.
    NoThread {
        /// What it said.
        reason: Wording,
    },
    /// The entry of the fleet cannot be understood.
    UnknownFleet {
        /// Its key in the database.
        key: &'static str,
    },
    /// A certificate is not that of etcd's root.
    NotOfRoot {
        /// Its file.
        path: String,
    },
    /// The database has keys of other programs.
    OtherKeys {
        /// The beginning of our own.
        prefix: &'static str,
    },
    /// The database has accounts and no fleet.
    AccountsWithoutFleet,
    /// The role of verifiers has more rights than it needs.
    OtherRights {
        /// The role.
        role: &'static str,
    },
    /// A user of etcd has another role.
    AnotherRole {
        /// The user.
        name: String,
        /// The role that it should have.
        role: String,
    },
    /// A file is not a key: it is not a file, or has another length.
    NotOfKeyLength,
    /// Users other than its owner have rights on a key file.
    OpenToOthers,
    /// The file of a sealing key does not exist.
    FileMissing {
        /// The file.
        file: String,
    },
    /// No key can be made from a passphrase.
    NoKeyOfPassphrase,
    /// The data does not fit into one file.
    TooLargeForAFile,
    /// A value does not fit into a backup.
    TooLongForABackup,
    /// The system gave no random bytes.
    NoRandomBytes,
    /// A file does not say which state of the database was seen.
    NotAMark,
    /// A file is not text.
    NotText {
        /// What the system said.
        said: String,
    },
    /// An argument is too long for the protocol.
    LongArgument,
    /// The other side closed the connection.
    Closed,
    /// The verifier speaks another version of the protocol.
    AnotherVersion,
    /// The name of a verifier has no address.
    NoAddress,
    /// The address of a verifier could not be looked up.
    AddressNotFound {
        /// What the system said.
        said: String,
    },
    /// The other side was silent for too long.
    Silent {
        /// What the system said.
        said: String,
    },
    /// The other side ended the connection in the middle.
    CutOff {
        /// What the TLS library said.
        said: String,
    },
}

impl Why {
    /// Returns the text in this language.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        match language {
            Language::English => self.english(),
            Language::Korean => self.korean(),
        }
    }

    fn english(&self) -> String {
        let said = |reason: &Wording| reason.text(Language::English).to_owned();
        match self {
            Self::NoPathOfAFile => "is no path of a file".to_owned(),
            Self::DirectoryNotOpened { reason } => {
                format!("its directory cannot be opened: {}", said(reason))
            }
            Self::NotThere => "is not there".to_owned(),
            Self::InAFolder => "its records are in a folder of this host".to_owned(),
            Self::NotOpened { reason } => format!("cannot be opened: {}", said(reason)),
            Self::NotExamined { reason } => format!("cannot be examined: {}", said(reason)),
            Self::NotRead { reason } => format!("cannot be read: {}", said(reason)),
            Self::NoCertificate => "has no certificate (PEM)".to_owned(),
            Self::NotPem => "is not PEM".to_owned(),
            Self::NotOfAnAuthority { said } => format!("has a certificate of no CA: {said}"),
            Self::ReadableByGroup { gid } => {
                format!("can be read by the group with number {gid}")
            }
            Self::NoPrivateKey => "has no key (PEM) without a passphrase".to_owned(),
            Self::AnotherKey => {
                "is not the key of the certificate; where both are being renewed, it will be"
                    .to_owned()
            }
            Self::NoDnsName => {
                "has no DNS name (subjectAltName) that a machine can have".to_owned()
            }
            Self::NotForServers => {
                "does not say that it is for serverAuth (extendedKeyUsage)".to_owned()
            }
            Self::Tls { said }
            | Self::Ended { said }
            | Self::NotBegun { said }
            | Self::OfAnotherAuthority { said }
            | Self::BadSignature { said }
            | Self::OfAnotherName { said }
            | Self::RefusedInTls { said }
            | Self::NotConnected { said }
            | Self::NotText { said }
            | Self::AddressNotFound { said }
            | Self::Silent { said }
            | Self::CutOff { said } => said.clone(),
            Self::NoHostAndPort => "is no host:port".to_owned(),
            Self::NoConnection { limit } => format!("no connection in {limit} ms"),
            Self::BadPair { said } => format!("certificate or key: {said}"),
            Self::NoTimeLeft => "no time is left".to_owned(),
            Self::NoAnswer { limit } => format!("no answer in {limit} ms"),
            Self::StreamEnded => "the stream has ended".to_owned(),
            Self::NoToken => "etcd's token is no text".to_owned(),
            Self::Compacted => "the history of the account is compacted already".to_owned(),
            Self::NoAddressOfEtcd => "no address of etcd is given".to_owned(),
            Self::NoAddressForClients => "it has no address for clients".to_owned(),
            Self::KeyNotRead { path } => format!("{path}: cannot be read"),
            Self::NoThread { reason } => format!("no thread could be started: {}", said(reason)),
            Self::UnknownFleet { key } => {
                format!("{key} does not say which fleet it is, or is of a newer release")
            }
            Self::NotOfRoot { path } => format!(
                "{path} is not the certificate of etcd's user \"root\": its common name must be \"root\""
            ),
            Self::OtherKeys { prefix } => format!("it has keys that do not begin with {prefix}"),
            Self::AccountsWithoutFleet => {
                "it keeps accounts, but not of which fleet they are: restore a backup".to_owned()
            }
            Self::OtherRights { role } => {
                format!("its role {role} has rights that it should not have")
            }
            Self::AnotherRole { name, role } => {
                format!("its user {name} has another role than {role}")
            }
            Self::NotOfKeyLength => "is no file of 32 bytes".to_owned(),
            Self::OpenToOthers => "others than its owner can read or write it".to_owned(),
            Self::FileMissing { file } => format!("{file} is missing"),
            Self::NoKeyOfPassphrase => "no key can be made of this passphrase".to_owned(),
            Self::TooLargeForAFile => "too large for one file".to_owned(),
            Self::TooLongForABackup => "a value is too long for a backup".to_owned(),
            Self::NoRandomBytes => "the system gives no random bytes".to_owned(),
            Self::NotAMark => "is no mark of a fleet".to_owned(),
            Self::LongArgument => "an argument is too long".to_owned(),
            Self::Closed => "it was closed".to_owned(),
            Self::AnotherVersion => "the verifier said what this version does not know".to_owned(),
            Self::NoAddress => "entity not found".to_owned(),
        }
    }

    #[expect(clippy::too_many_lines, reason = "a text each")]
    fn korean(&self) -> String {
        let korean = Language::Korean;
        let failed = |deed: Deed, reason: &Wording| {
            format!("{}: {}", deed.failed(korean), reason.text(korean))
        };
        match self {
            Self::NoPathOfAFile => "파일의 경로가 아닙니다".to_owned(),
            Self::DirectoryNotOpened { reason } => {
                format!("디렉터리를 열 수 없습니다: {}", reason.text(korean))
            }
            Self::NotThere => "파일이 없습니다".to_owned(),
            Self::InAFolder => "등록 정보가 etcd가 아니라 이 호스트의 디렉터리에 있습니다".to_owned(),
            Self::NotOpened { reason } => failed(Deed::Open, reason),
            Self::NotExamined { reason } => failed(Deed::Examine, reason),
            Self::NotRead { reason } => failed(Deed::Read, reason),
            Self::NoCertificate => "인증서(PEM)가 없습니다".to_owned(),
            Self::NotPem => "PEM 형식이 아닙니다".to_owned(),
            Self::NotOfAnAuthority { said } => {
                format!("CA의 인증서가 아닌 것이 있습니다. TLS 라이브러리의 메시지: {said}")
            }
            Self::ReadableByGroup { gid } => {
                format!("다른 그룹에 읽기 권한이 있습니다(그룹 ID {gid})")
            }
            Self::NoPrivateKey => "암호 없이 읽을 수 있는 키(PEM)가 없습니다".to_owned(),
            Self::AnotherKey => {
                "인증서의 키가 아닙니다. 인증서와 키를 갱신하는 중이라면 곧 맞게 됩니다".to_owned()
            }
            Self::NoDnsName => {
                "컴퓨터의 이름이 될 수 있는 DNS 이름(subjectAltName)이 없습니다".to_owned()
            }
            Self::NotForServers => {
                "서버용(serverAuth)이라는 표시(extendedKeyUsage)가 없습니다".to_owned()
            }
            Self::Tls { said } => format!("TLS 라이브러리의 메시지: {said}"),
            Self::Ended { .. } => "상대방 인증서의 유효 기간이 지났습니다".to_owned(),
            Self::NotBegun { .. } => {
                "상대방 인증서의 유효 기간이 아직 시작되지 않았습니다".to_owned()
            }
            Self::OfAnotherAuthority { .. } => {
                "상대방의 인증서를 지정된 CA가 발급하지 않았습니다".to_owned()
            }
            Self::BadSignature { .. } => {
                "상대방의 인증서나 TLS 연결의 서명이 올바르지 않습니다. 지정된 CA가 발급한 인증서인지 확인해야 합니다".to_owned()
            }
            Self::OfAnotherName { .. } => {
                "접속한 주소의 이름이 상대방의 인증서에 없습니다".to_owned()
            }
            Self::RefusedInTls { said } => {
                format!("상대방이 TLS 연결을 거부했습니다. TLS 라이브러리의 메시지: {said}")
            }
            Self::NoHostAndPort => "호스트:포트 형식이 아닙니다".to_owned(),
            Self::NotConnected { said } => {
                format!("연결할 수 없습니다. 라이브러리의 메시지: {said}")
            }
            Self::NoConnection { limit } => {
                format!("{limit}밀리초 안에 연결되지 않았습니다")
            }
            Self::BadPair { said } => {
                format!("인증서나 키를 사용할 수 없습니다. TLS 라이브러리의 메시지: {said}")
            }
            Self::NoTimeLeft => "요청을 보낼 시간이 남지 않았습니다".to_owned(),
            Self::NoAnswer { limit } => format!("{limit}밀리초 안에 응답이 없었습니다"),
            Self::StreamEnded => "응답하기 전에 연결이 끝났습니다".to_owned(),
            Self::NoToken => "etcd의 토큰이 텍스트가 아닙니다".to_owned(),
            Self::Compacted => "계정의 변경 이력이 etcd에서 이미 정리되었습니다".to_owned(),
            Self::NoAddressOfEtcd => "etcd의 주소가 지정되지 않았습니다".to_owned(),
            Self::NoAddressForClients => "클라이언트용 주소가 없습니다".to_owned(),
            Self::KeyNotRead { path } => format!("{path}: 읽을 수 없습니다"),
            Self::NoThread { reason } => {
                format!("스레드를 시작하지 못했습니다: {}", reason.text(korean))
            }
            Self::UnknownFleet { key } => format!(
                "{key} 항목에 어느 플릿인지 나타나 있지 않거나 더 새로운 버전에서 저장했습니다"
            ),
            Self::NotOfRoot { path } => format!(
                "{path} 파일은 etcd의 \"root\" 사용자 인증서가 아닙니다. 일반 이름(CN)이 \"root\"여야 합니다"
            ),
            Self::OtherKeys { prefix } => {
                format!("{prefix} 아래에 있지 않은 항목이 있습니다")
            }
            Self::AccountsWithoutFleet => {
                "계정은 있지만 어느 플릿의 계정인지 알 수 없습니다. 백업을 복원해야 합니다"
                    .to_owned()
            }
            Self::OtherRights { role } => {
                format!("etcd의 {role} 역할에 필요 없는 권한이 있습니다")
            }
            Self::AnotherRole { name, role } => {
                format!("etcd의 {name} 사용자에게 {role} 역할이 아닌 다른 역할이 있습니다")
            }
            Self::NotOfKeyLength => "32바이트 파일이 아닙니다".to_owned(),
            Self::OpenToOthers => "소유자가 아닌 사용자에게 읽기나 쓰기 권한이 있습니다".to_owned(),
            Self::FileMissing { file } => format!("{file} 파일이 없습니다"),
            Self::NoKeyOfPassphrase => "이 암호로 키를 만들 수 없습니다".to_owned(),
            Self::TooLargeForAFile => "파일 하나에 저장하기에는 너무 큽니다".to_owned(),
            Self::TooLongForABackup => "백업에 저장하기에는 너무 긴 값이 있습니다".to_owned(),
            Self::NoRandomBytes => "시스템에서 난수를 얻을 수 없습니다".to_owned(),
            Self::NotAMark => {
                "데이터베이스의 진행 상태를 저장하는 파일의 형식이 아닙니다".to_owned()
            }
            Self::NotText { .. } => "UTF-8이 아닙니다".to_owned(),
            Self::LongArgument => "인자가 너무 깁니다".to_owned(),
            Self::Closed => "상대방이 연결을 닫았습니다".to_owned(),
            Self::AnotherVersion => {
                "검증 서버가 이 버전에서 알 수 없는 메시지를 보냈습니다".to_owned()
            }
            Self::NoAddress => "이 이름의 주소가 없습니다".to_owned(),
            Self::AddressNotFound { said } => {
                format!("주소를 찾을 수 없습니다. 시스템의 메시지: {said}")
            }
            Self::Silent { .. } => "제한 시간 안에 응답이 없었습니다".to_owned(),
            Self::CutOff { .. } => "상대방이 연결을 도중에 끊었습니다".to_owned(),
        }
    }
}

/// In English, for logs.
impl Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.english())
    }
}

/// So that an error of reading or writing can carry it.
impl std::error::Error for Why {}

impl From<Why> for Wording {
    fn from(why: Why) -> Self {
        Self::of(|language| why.text(language))
    }
}

#[cfg(test)]
mod tests;
