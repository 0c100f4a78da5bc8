//! What `otp-admin seal` says: what was sealed, what was not, and why.

use crate::messages::reason::Wording;
use crate::record::Language;

/// One line or label, without a full stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told<'a> {
    /// A key was made.
    KeyMade {
        /// The id of the key.
        key: &'a str,
        /// The file.
        file: &'a str,
    },
    /// The key is stored as a credential of systemd.
    Credential {
        /// The file.
        file: &'a str,
    },
    /// An interrupted change of the key is continued.
    GoesOn,
    /// All records are sealed with that key.
    AllSealed {
        /// How many there are.
        all: u64,
        /// How many were written.
        written: u64,
        /// The id of the key.
        key: &'a str,
    },
    /// The old key was removed.
    OldKeyGone,
    /// All records are unsealed.
    AllUnsealed {
        /// How many there are.
        all: u64,
        /// How many were written.
        written: u64,
    },
    /// New records are sealed again, unless the policy changes.
    SealedAgain,
    /// Label: the file of the key.
    File,
    /// Label: the key that seals.
    Key,
    /// Label: records that it seals.
    Sealed,
    /// Label: records sealed with an older key of the file.
    Older,
    /// Label: records sealed with a key that is not in the file.
    Unknown,
    /// Label: records that are not sealed.
    Open,
    /// Label: records that cannot be read.
    Unreadable,
    /// There is no key or file.
    NoKey,
}

/// Returns the number of all records with its verb, in English.
fn all_records(count: u64) -> String {
    match count {
        1 => "1 record is".to_owned(),
        _ => format!("all {count} records are"),
    }
}

/// Returns the number with its verb, in English.
fn were(count: u64) -> String {
    match count {
        1 => "1 was".to_owned(),
        _ => format!("{count} were"),
    }
}

impl Told<'_> {
    /// In that language.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        match language {
            Language::English => self.english(),
            Language::Korean => self.korean(),
        }
    }

    fn english(&self) -> String {
        match self {
            Self::KeyMade { key, file } => format!("key {key} is made, in {file}"),
            Self::Credential { file } => format!("it is kept in the systemd credential {file}"),
            Self::GoesOn => "a change of the key that was interrupted goes on".to_owned(),
            Self::AllSealed { all, written, key } => {
                format!(
                    "{} sealed by the key {key}; {} written now",
                    all_records(*all),
                    were(*written)
                )
            }
            Self::OldKeyGone => {
                "the old key is no longer used: keep it for backups that were made before".to_owned()
            }
            Self::AllUnsealed { all, written } => {
                format!(
                    "{} unsealed; {} written now",
                    all_records(*all),
                    were(*written)
                )
            }
            Self::SealedAgain => {
                "remove the key from pam_otp.conf now: until then, everything that is written is sealed again"
                    .to_owned()
            }
            Self::File => "key file".to_owned(),
            Self::Key => "key".to_owned(),
            Self::Sealed => "sealed by it".to_owned(),
            Self::Older => "sealed by older keys".to_owned(),
            Self::Unknown => "sealed by other keys".to_owned(),
            Self::Open => "not sealed".to_owned(),
            Self::Unreadable => "not readable".to_owned(),
            Self::NoKey => "none".to_owned(),
        }
    }

    fn korean(&self) -> String {
        match self {
            Self::KeyMade { key, file } => format!("키 {key} 생성함: {file}"),
            Self::Credential { file } => format!("systemd 자격 증명에 보관됨: {file}"),
            Self::GoesOn => "중단되었던 키 변경을 계속합니다.".to_owned(),
            Self::AllSealed { all, written, key } => {
                format!(
                    "등록 정보 {all}개가 모두 이 키로 봉인되었습니다: {key}. 이번에 {written}개를 저장했습니다."
                )
            }
            Self::OldKeyGone => {
                "기존 키는 더 이상 사용하지 않습니다. 기존 백업을 위해 따로 보관하세요.".to_owned()
            }
            Self::AllUnsealed { all, written } => {
                format!("등록 정보 {all}개의 봉인이 모두 해제되었습니다. 이번에 {written}개를 저장했습니다.")
            }
            Self::SealedAgain => {
                "지금 pam_otp.conf에서 키를 빼세요. 그때까지 새로 저장하는 등록 정보는 다시 봉인됩니다."
                    .to_owned()
            }
            Self::File => "키 파일".to_owned(),
            Self::Key => "키".to_owned(),
            Self::Sealed => "이 키로 봉인됨".to_owned(),
            Self::Older => "기존 키로 봉인됨".to_owned(),
            Self::Unknown => "다른 키로 봉인됨".to_owned(),
            Self::Open => "봉인되지 않음".to_owned(),
            Self::Unreadable => "읽을 수 없음".to_owned(),
            Self::NoKey => "없음".to_owned(),
        }
    }
}

/// Why records were not sealed or unsealed, or no key was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unsealed {
    /// The policy names no file for the key.
    NoFile,
    /// Several hosts have this key, and it was to be changed on one of them only.
    KeyOfSeveral,
    /// The file of the key cannot be read or written.
    File {
        /// The reason.
        reason: Wording,
    },
    /// The file of the key is missing on this host, and other hosts have it.
    NotHere {
        /// The reason.
        reason: Wording,
    },
    /// The key exists already.
    KeyThere {
        /// The file.
        file: String,
    },
    /// The file will be gone after a restart, and no credential could be made of it.
    NoCredential {
        /// The reason.
        reason: Wording,
    },
    /// Another command is at work.
    Busy {
        /// The directory of the file.
        directory: String,
    },
    /// Some records were not changed.
    NotAll {
        /// How many there are.
        count: u64,
        /// The report about the first of them.
        first: Wording,
    },
    /// Records were written as fast as they were sealed.
    NotDone,
}

impl Unsealed {
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
            Language::English => self.english_hint().to_owned(),
            Language::Korean => self.korean_hint().to_owned(),
        }
    }

    /// Returns the exit status: 1 for a refusal, 2 for what could not be done.
    #[must_use]
    pub const fn status(&self) -> u8 {
        match self {
            Self::NoFile | Self::KeyOfSeveral | Self::KeyThere { .. } => 1,
            Self::File { .. }
            | Self::NotHere { .. }
            | Self::NoCredential { .. }
            | Self::Busy { .. }
            | Self::NotAll { .. }
            | Self::NotDone => 2,
        }
    }

    fn english(&self) -> String {
        match self {
            Self::NoFile => "the policy names no key file ([seal] key)".to_owned(),
            Self::KeyOfSeveral => {
                "every verifier of the fleet needs the new key before anything is sealed by it"
                    .to_owned()
            }
            Self::File { reason } | Self::NotHere { reason } => {
                format!("the key file: {}", reason.text(Language::English))
            }
            Self::KeyThere { file } => format!("{file} holds a key already"),
            Self::NoCredential { reason } => {
                format!(
                    "the key could not be kept as a systemd credential: {}",
                    reason.text(Language::English)
                )
            }
            Self::Busy { directory } => {
                format!("another otp-admin is changing the key in {directory}")
            }
            Self::NotAll { count: 1, first } => {
                format!("1 record is unchanged: {}", first.text(Language::English))
            }
            Self::NotAll { count, first } => {
                format!(
                    "{count} records are unchanged; the first: {}",
                    first.text(Language::English)
                )
            }
            Self::NotDone => "records sealed by other keys kept being written".to_owned(),
        }
    }

    const fn english_hint(&self) -> &'static str {
        match self {
            Self::NoFile => {
                "name one in pam_otp.conf, or with --key FILE; pam_otp-seal(7) has the set-up"
            }
            Self::KeyOfSeveral => {
                "put it into the file of each verifier by hand; pam_otp-seal(7) says in which order"
            }
            Self::File { .. } => {
                "'otp-admin seal --new-key' makes one if there is none; otherwise start pam_otp-seal.service, or put the \
                 file back"
            }
            Self::NotHere { .. } => {
                "bring it from a verifier that has it, with otp-admin fleet carry-key and take-key FILE; or start pam_otp-seal.service"
            }
            Self::KeyThere { .. } => "'otp-admin seal --rotate' replaces it",
            Self::NoCredential { .. } => {
                "nothing was sealed by it; see systemd-creds(1), or name a file on disk in pam_otp.conf"
            }
            Self::Busy { .. } => {
                "wait for it, or end it: the same command then completes the change"
            }
            Self::NotAll { .. } => {
                "correct these, or run 'otp-admin reset USER'; then run the same command again. No key was removed"
            }
            Self::NotDone => "run the same command again. No key was removed",
        }
    }

    fn korean(&self) -> String {
        match self {
            Self::NoFile => "정책에 키 파일이 없습니다([seal] key).".to_owned(),
            Self::KeyOfSeveral => {
                "새 키로 봉인하기 전에 플릿의 모든 검증 서버에 새 키가 있어야 합니다.".to_owned()
            }
            Self::File { reason } | Self::NotHere { reason } => {
                format!("키 파일: {}", reason.text(Language::Korean))
            }
            Self::KeyThere { file } => format!("{file} 파일에 이미 키가 있습니다."),
            Self::NoCredential { reason } => {
                format!(
                    "키를 systemd 자격 증명으로 보관할 수 없습니다: {}",
                    reason.text(Language::Korean)
                )
            }
            Self::Busy { directory } => {
                format!("다른 otp-admin 명령이 {directory} 디렉터리의 키를 변경하고 있습니다.")
            }
            Self::NotAll { count, first } => {
                format!(
                    "등록 정보 {count}개는 그대로입니다. 첫 번째: {}",
                    first.text(Language::Korean)
                )
            }
            Self::NotDone => "다른 키로 봉인된 등록 정보가 계속 새로 저장되고 있습니다.".to_owned(),
        }
    }

    const fn korean_hint(&self) -> &'static str {
        match self {
            Self::NoFile => {
                "pam_otp.conf에 적거나 '--key FILE' 옵션으로 지정하세요. 설정 방법은 pam_otp-seal(7) 매뉴얼에 있습니다."
            }
            Self::KeyOfSeveral => {
                "각 검증 서버의 키 파일에 직접 추가하세요. 순서는 pam_otp-seal(7) 매뉴얼에 있습니다."
            }
            Self::File { .. } => {
                "키가 없으면 'otp-admin seal --new-key' 명령으로 만드세요. 아니면 pam_otp-seal.service를 시작하거나 파일을 되돌려 놓으세요."
            }
            Self::NotHere { .. } => {
                "키가 있는 검증 서버에서 'otp-admin fleet carry-key'와 'take-key FILE' 명령으로 가져오거나 pam_otp-seal.service를 시작하세요."
            }
            Self::KeyThere { .. } => {
                "'otp-admin seal --rotate' 명령으로 새 키로 교체할 수 있습니다."
            }
            Self::NoCredential { .. } => {
                "이 키로 봉인된 등록 정보는 없습니다. systemd-creds(1) 매뉴얼을 참고하거나 pam_otp.conf에 지워지지 않는 파일을 적으세요."
            }
            Self::Busy { .. } => {
                "그 명령이 끝나기를 기다리거나 종료하세요. 같은 명령으로 이어서 진행할 수 있습니다."
            }
            Self::NotAll { .. } => {
                "등록 정보를 바로잡거나 'otp-admin reset USER' 명령을 실행한 뒤 같은 명령을 다시 실행하세요. 버린 키는 없습니다."
            }
            Self::NotDone => "같은 명령을 다시 실행하세요. 버린 키는 없습니다.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::every;
    use crate::messages::in_all::assert_same_in_every_language;

    #[test]
    fn every_language_says_the_same() {
        let (key, file) = ("0011223344556677", "/run/pam_otp/seal");
        let (all, written) = (12_345, 678);
        for told in every!(Told {
            KeyMade => [Told::KeyMade { key, file }],
            Credential => [Told::Credential { file }],
            GoesOn => [Told::GoesOn],
            AllSealed => [Told::AllSealed { all, written, key }],
            OldKeyGone => [Told::OldKeyGone],
            AllUnsealed => [Told::AllUnsealed { all, written }],
            SealedAgain => [Told::SealedAgain],
            File => [Told::File],
            Key => [Told::Key],
            Sealed => [Told::Sealed],
            Older => [Told::Older],
            Unknown => [Told::Unknown],
            Open => [Told::Open],
            Unreadable => [Told::Unreadable],
            NoKey => [Told::NoKey],
        }) {
            assert_same_in_every_language(|language| told.text(language));
        }
        let reason = || "/etc/seal: is away".to_owned();
        for unsealed in every!(Unsealed {
            NoFile => [Unsealed::NoFile],
            KeyOfSeveral => [Unsealed::KeyOfSeveral],
            File => [Unsealed::File { reason: reason().into() }],
            NotHere => [Unsealed::NotHere { reason: reason().into() }],
            KeyThere => [Unsealed::KeyThere { file: file.to_owned() }],
            NoCredential => [Unsealed::NoCredential { reason: reason().into() }],
            Busy => [Unsealed::Busy { directory: "/run/pam_otp".to_owned() }],
            NotAll => [Unsealed::NotAll { count: 17, first: reason().into() }],
            NotDone => [Unsealed::NotDone],
        }) {
            assert_same_in_every_language(|language| unsealed.text(language));
            assert_same_in_every_language(|language| unsealed.hint(language));
        }
    }
}
