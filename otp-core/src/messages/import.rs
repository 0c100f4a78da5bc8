//! What an import from another program reports about one user: why a key cannot be imported, and what to know about an
//! imported one.

use crate::UnixTime;
use crate::every;
use crate::messages::reason::Wording;
use crate::record::Language;
use crate::zone::{Local, Zone};

/// A fault in the form of an entry. Names the thing and never shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Not UTF-8, or a NUL in it.
    NotText,
    /// Fewer fields than a line needs.
    Fields,
    /// A quotation mark is not closed, or is followed by something else.
    Quotes,
    /// The first line names no known column.
    Columns,
    /// There is no key.
    NoKey,
    /// The key is not in the encoding that is expected there.
    Key,
    /// No user is named, and `--user` names none either.
    NoUser,
    /// A number is missing, is not a number, or is outside what the format allows.
    Number(Field),
    /// Not an otpauth URI.
    Uri,
    /// A page of a phone app's export, which contains several keys.
    Migration,
    /// Not well-formed XML, or XML with a document type.
    Xml,
    /// Not JSON.
    Json,
    /// Not a key container of RFC 6030, or one of another version.
    NotPskc,
    /// The entry is empty.
    Empty,
}

/// A number in such a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// How many digits a code has.
    Digits,
    /// The length of a step in seconds.
    Step,
    /// The counter of an event-based key.
    Counter,
    /// How many steps or counters are tried.
    Window,
    /// How far the clock is off.
    Drift,
    /// Steps whose codes were used.
    Used,
    /// When a code was last used.
    Time,
}

impl Field {
    /// All variants.
    pub const ALL: [Self; 7] = every!(Field: Digits, Step, Counter, Window, Drift, Used, Time);

    const fn english(self) -> &'static str {
        match self {
            Self::Digits => "the number of digits",
            Self::Step => "the length of a step",
            Self::Counter => "the counter",
            Self::Window => "the window",
            Self::Drift => "the clock's distance",
            Self::Used => "a used step",
            Self::Time => "the time of the last code",
        }
    }

    const fn korean(self) -> &'static str {
        match self {
            Self::Digits => "인증 코드 자릿수",
            Self::Step => "인증 코드 주기",
            Self::Counter => "카운터",
            Self::Window => "허용 범위",
            Self::Drift => "시계 차이",
            Self::Used => "사용한 주기",
            Self::Time => "마지막 인증 코드의 시각",
        }
    }
}

impl Flaw {
    /// Returns the text in this language.
    #[must_use]
    pub fn text(self, language: Language) -> String {
        match language {
            Language::English => self.english(),
            Language::Korean => self.korean(),
        }
    }

    fn english(self) -> String {
        let text = match self {
            Self::NotText => "is not UTF-8 text, or has a NUL in it",
            Self::Fields => "has fewer fields than it needs",
            Self::Quotes => "has a quotation mark that does not end its field",
            Self::Columns => "names no column with keys",
            Self::NoKey => "has no key",
            Self::Key => "has a key that cannot be decoded",
            Self::NoUser => "names no user",
            Self::Number(field) => {
                return format!(
                    "cannot be read: {} is missing or out of range",
                    field.english()
                );
            }
            Self::Uri => "is not an otpauth URI",
            Self::Migration => {
                "is a page that a phone app exports (otpauth-migration), with several keys in one"
            }
            Self::Xml => "is not well-formed XML, or has a document type",
            Self::Json => "is not JSON",
            Self::NotPskc => "is not a key container of RFC 6030, version 1",
            Self::Empty => "has no key in it",
        };
        text.to_owned()
    }

    fn korean(self) -> String {
        let text = match self {
            Self::NotText => "UTF-8 텍스트가 아니거나 NUL 문자가 있습니다.",
            Self::Fields => "필요한 항목이 모자랍니다.",
            Self::Quotes => "항목 끝이 아닌 곳에 따옴표가 있습니다.",
            Self::Columns => "키가 있는 열을 찾을 수 없습니다.",
            Self::NoKey => "키가 없습니다.",
            Self::Key => "키를 해독할 수 없습니다.",
            Self::NoUser => "사용자 이름이 없습니다.",
            Self::Number(field) => {
                return format!(
                    "읽을 수 없습니다: {} 값이 없거나 범위를 벗어났습니다.",
                    field.korean()
                );
            }
            Self::Uri => "otpauth URI가 아닙니다.",
            Self::Migration => {
                "휴대폰 앱이 여러 키를 한꺼번에 내보낸 형식(otpauth-migration)입니다."
            }
            Self::Xml => "올바른 XML이 아니거나 문서 형식 선언(DTD)이 있습니다.",
            Self::Json => "JSON이 아닙니다.",
            Self::NotPskc => "RFC 6030 버전 1의 키 파일이 아닙니다.",
            Self::Empty => "키가 하나도 없습니다.",
        };
        text.to_owned()
    }
}

/// Why a key is not imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// Its entry cannot be read.
    Unreadable(Flaw),
    /// A PIN is checked together with the code. It is stored in plain text, or only in the old program.
    Pin,
    /// The key is too short.
    ShortKey {
        /// How many bits it has.
        bits: usize,
    },
    /// The key is too long.
    LongKey,
    /// Steps have a length that we do not support.
    StepSize {
        /// The length in seconds.
        seconds: u64,
    },
    /// Codes have a length that we do not support.
    Digits,
    /// The hash or the kind of code is not supported.
    Algorithm,
    /// The device's clock is further off than we follow.
    Clock,
    /// The phone makes half of the key, and the file does not have that half.
    TwoStep,
    /// The key is encrypted, and no key to decrypt it is given.
    Sealed,
    /// The key is encrypted by a method that we do not support, or for another kind of key.
    Method,
    /// The given key cannot decrypt the data.
    WrongKey,
    /// Nothing proves that the encrypted key is unchanged.
    NoMac,
    /// The encrypted key was changed, or the given key is wrong.
    WrongMac,
    /// The file allows the key only for other uses, or its time is over or has not begun.
    KeyPolicy,
    /// The name service knows no such user.
    UnknownUser,
    /// The name service did not answer, or the name cannot be a user's.
    Lookup {
        /// What is wrong.
        reason: Wording,
    },
    /// The file has users of several realms, and without its realm this name means no user.
    Realms,
    /// The same key occurs again.
    Duplicate,
    /// The user has more keys than an account may have.
    TooMany {
        /// How many are in the old files.
        found: usize,
        /// How many the policy allows.
        allowed: usize,
    },
    /// The user already has one of our authenticators, with another key.
    Enrolled,
    /// The user's file was not read.
    File {
        /// The reason.
        reason: Wording,
    },
    /// The record could not be stored.
    NotKept {
        /// The reason.
        reason: Wording,
    },
}

impl Obstacle {
    /// Returns the word in JSON, which never changes.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "unreadable",
            Self::Pin => "pin",
            Self::ShortKey { .. } => "short-key",
            Self::LongKey => "long-key",
            Self::StepSize { .. } => "step-size",
            Self::Digits => "digits",
            Self::Algorithm => "algorithm",
            Self::Clock => "clock",
            Self::TwoStep => "two-step",
            Self::Sealed => "encrypted",
            Self::Method => "method",
            Self::WrongKey => "wrong-key",
            Self::NoMac => "no-mac",
            Self::WrongMac => "wrong-mac",
            Self::KeyPolicy => "key-policy",
            Self::UnknownUser => "unknown-user",
            Self::Lookup { .. } => "lookup",
            Self::Realms => "realms",
            Self::Duplicate => "duplicate",
            Self::TooMany { .. } => "too-many",
            Self::Enrolled => "enrolled",
            Self::File { .. } => "file",
            Self::NotKept { .. } => "not-kept",
        }
    }

    /// All words, in the order of the manual.
    pub const WORDS: [&'static str; 23] = [
        "unreadable",
        "pin",
        "short-key",
        "long-key",
        "step-size",
        "digits",
        "algorithm",
        "clock",
        "two-step",
        "encrypted",
        "method",
        "wrong-key",
        "no-mac",
        "wrong-mac",
        "key-policy",
        "unknown-user",
        "lookup",
        "realms",
        "duplicate",
        "too-many",
        "enrolled",
        "file",
        "not-kept",
    ];

    /// Returns the text in this language.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        match language {
            Language::English => self.english(),
            Language::Korean => self.korean(),
        }
    }

    fn english(&self) -> String {
        let text = match self {
            Self::Unreadable(flaw) => return format!("the entry {}", flaw.english()),
            Self::Pin => "the old program also asks for a PIN, which cannot be imported",
            Self::ShortKey { bits } => {
                return format!("the key has {bits} bits; at least 80 are needed");
            }
            Self::LongKey => "the key has more than 1024 bits",
            Self::StepSize { seconds } => {
                return format!("its codes last {seconds} seconds; 15 to 120 are possible here");
            }
            Self::Digits => "its codes do not have 6, 7 or 8 digits",
            Self::Algorithm => "its kind of code or its hash is not known here",
            Self::Clock => "the device's clock is more than 40 steps off",
            Self::TwoStep => "half of its key was made by the phone and is not in the file",
            Self::Sealed => "the key is encrypted: name the file with the key to it (--key-file)",
            Self::Method => "the key is encrypted by a method that is not known here",
            Self::WrongKey => "the key cannot be decrypted with what --key-file holds",
            Self::NoMac => {
                "nothing in the file proves that the encrypted key is unchanged (--without-mac imports it anyway)"
            }
            Self::WrongMac => {
                "the encrypted key was changed, or --key-file holds the wrong key: its MAC does not match"
            }
            Self::KeyPolicy => "the file does not allow this key for one-time codes at this time",
            Self::UnknownUser => "no such user on this system",
            Self::Lookup { reason } => {
                let reason = reason.text(Language::English);
                return format!("the user cannot be looked up: {reason}");
            }
            Self::Realms => {
                "users of several realms are in the file, so the name alone may be another person's"
            }
            Self::Duplicate => {
                "the file has the same key of the same user twice; it is imported once"
            }
            Self::TooMany { found, allowed } => {
                return format!(
                    "the user has {found} keys, and the policy allows {allowed} (max_authenticators)"
                );
            }
            Self::Enrolled => "the user has an authenticator here already, with another key",
            Self::File { reason } => {
                let reason = reason.text(Language::English);
                return format!("the file is not read: {reason}");
            }
            Self::NotKept { reason } => {
                let reason = reason.text(Language::English);
                return format!("could not be kept: {reason}");
            }
        };
        text.to_owned()
    }

    fn korean(&self) -> String {
        let text = match self {
            Self::Unreadable(flaw) => return flaw.korean(),
            Self::Pin => "이전 프로그램이 PIN도 확인합니다. PIN은 가져올 수 없습니다.",
            Self::ShortKey { bits } => {
                return format!("키가 {bits}비트입니다. 안전하려면 80비트 이상이어야 합니다.");
            }
            Self::LongKey => "키가 1024비트보다 깁니다.",
            Self::StepSize { seconds } => {
                return format!(
                    "인증 코드 주기가 {seconds}초입니다. 15초에서 120초까지만 가능합니다."
                );
            }
            Self::Digits => "인증 코드가 6, 7, 8자리가 아닙니다.",
            Self::Algorithm => "알 수 없는 인증 코드 종류 또는 해시입니다.",
            Self::Clock => "기기의 시계가 40주기보다 많이 어긋나 있습니다.",
            Self::TwoStep => "키의 절반을 휴대폰에서 만들어 파일에 없습니다.",
            Self::Sealed => "키가 암호화되어 있습니다. '--key-file' 옵션으로 키 파일을 지정하세요.",
            Self::Method => "알 수 없는 방식으로 암호화된 키입니다.",
            Self::WrongKey => "'--key-file' 옵션의 키로 복호화할 수 없습니다.",
            Self::NoMac => {
                "암호화된 키가 그대로인지 확인할 값이 파일에 없습니다(그래도 가져오려면 '--without-mac' 옵션)."
            }
            Self::WrongMac => {
                "MAC이 맞지 않습니다. 암호화된 키가 바뀌었거나 '--key-file' 옵션의 키가 다릅니다."
            }
            Self::KeyPolicy => {
                "파일이 이 키를 지금 일회용 인증 코드에 사용하는 것을 허용하지 않습니다."
            }
            Self::UnknownUser => "이 시스템에 없는 사용자입니다.",
            Self::Lookup { reason } => {
                let reason = reason.text(Language::Korean);
                return format!("사용자를 찾지 못했습니다: {reason}");
            }
            Self::Realms => {
                "파일에 여러 영역의 사용자가 있어 이름만으로는 다른 사람일 수 있습니다."
            }
            Self::Duplicate => "같은 사용자의 같은 키가 두 번 있습니다. 한 번만 가져옵니다.",
            Self::TooMany { found, allowed } => {
                return format!(
                    "키가 {found}개인데 정책은 {allowed}개까지 허용합니다(max_authenticators)."
                );
            }
            Self::Enrolled => "이미 다른 키로 등록된 사용자입니다.",
            Self::File { reason } => {
                let reason = reason.text(Language::Korean);
                return format!("파일을 읽지 않았습니다: {reason}");
            }
            Self::NotKept { reason } => {
                let reason = reason.text(Language::Korean);
                return format!("저장하지 못했습니다: {reason}");
            }
        };
        text.to_owned()
    }
}

/// What administrators should know about an imported key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remark {
    /// The last used code is unknown, so codes count only from a later time on.
    FirstCode {
        /// From when on the device shows a code that counts.
        at: UnixTime,
    },
    /// The window was made smaller.
    WindowCut {
        /// Steps or counters after the expected code, in the old program.
        from: u64,
        /// The same here.
        to: u64,
    },
    /// The file does not name the hash.
    AssumedSha1,
    /// The counter comes from the file, and may be older than the device's.
    CounterOfFile,
    /// Recovery codes of 8 digits are imported.
    ScratchCodes {
        /// How many.
        count: usize,
    },
    /// Recovery codes of 8 digits are not imported.
    ScratchCodesLeft {
        /// How many.
        count: usize,
    },
    /// The record already has this key.
    There,
}

impl Remark {
    /// Returns the word in JSON, which never changes.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::FirstCode { .. } => "first-code",
            Self::WindowCut { .. } => "window-cut",
            Self::AssumedSha1 => "assumed-sha1",
            Self::CounterOfFile => "counter-of-file",
            Self::ScratchCodes { .. } => "scratch-codes",
            Self::ScratchCodesLeft { .. } => "scratch-codes-left",
            Self::There => "there",
        }
    }

    /// All words, in the order of the manual.
    pub const WORDS: [&'static str; 7] = [
        "first-code",
        "window-cut",
        "assumed-sha1",
        "counter-of-file",
        "scratch-codes",
        "scratch-codes-left",
        "there",
    ];

    /// Returns the text in this language. `zone`: that of the machine.
    #[must_use]
    pub fn text(self, zone: &Zone, language: Language) -> String {
        match language {
            Language::English => self.english(zone),
            Language::Korean => self.korean(zone),
        }
    }

    fn english(self, zone: &Zone) -> String {
        match self {
            Self::FirstCode { at } => {
                format!(
                    "codes count from {} on, so that none counts twice",
                    zone.at(at).second(Language::English)
                )
            }
            Self::WindowCut { from, to } => {
                format!("the window was {from} and is cut to {to}")
            }
            Self::AssumedSha1 => "the file names no hash; SHA1 is taken".to_owned(),
            Self::CounterOfFile => {
                "the counter is the file's: codes used after it was written would count again"
                    .to_owned()
            }
            Self::ScratchCodes { count } => format!("8-digit recovery codes: {count}"),
            Self::ScratchCodesLeft { count } => {
                format!("8-digit recovery codes not imported: {count}")
            }
            Self::There => "was here already; nothing is set back".to_owned(),
        }
    }

    fn korean(self, zone: &Zone) -> String {
        match self {
            Self::FirstCode { at } => {
                format!(
                    "인증 코드를 두 번 사용하지 못하도록 {}부터의 인증 코드만 인정합니다.",
                    zone.at(at).second(Language::Korean)
                )
            }
            Self::WindowCut { from, to } => format!("허용 범위를 줄였습니다({from} → {to})."),
            Self::AssumedSha1 => "파일에 해시가 없어 SHA1로 간주합니다.".to_owned(),
            Self::CounterOfFile => {
                "카운터는 파일의 값입니다. 파일을 만든 뒤에 사용한 인증 코드는 다시 인정될 수 있습니다."
                    .to_owned()
            }
            Self::ScratchCodes { count } => format!("8자리 복구 코드 {count}개"),
            Self::ScratchCodesLeft { count } => format!("가져오지 않는 8자리 복구 코드 {count}개"),
            Self::There => "이미 가져온 키입니다. 이전 상태로 되돌아가는 값은 없습니다.".to_owned(),
        }
    }
}

/// The result of an import, at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Users whose keys were imported.
    Imported {
        /// How many users.
        users: usize,
    },
    /// Users whose keys would be imported.
    WouldImport {
        /// How many users.
        users: usize,
    },
    /// Users who had their keys here already.
    There {
        /// How many users.
        users: usize,
    },
    /// Entries that are not imported.
    Left {
        /// How many entries.
        entries: usize,
    },
    /// There is nothing to import.
    Nothing,
    /// How far the import has come.
    Progress {
        /// Users so far.
        done: usize,
        /// Users in all.
        of: usize,
    },
    /// How weak recovery codes of 8 digits are.
    ScratchCodes {
        /// How many users have such codes.
        users: usize,
    },
    /// Some users must wait before their first code counts.
    Wait {
        /// From when on all codes count.
        until: Local,
    },
}

impl Outcome {
    /// Returns one line or several in this language.
    #[must_use]
    pub fn text(self, language: Language) -> String {
        match language {
            Language::English => self.english(),
            Language::Korean => self.korean(),
        }
    }

    fn english(self) -> String {
        match self {
            Self::Imported { users } => format!("users imported: {users}"),
            Self::WouldImport { users } => format!("users that would be imported: {users}"),
            Self::There { users } => format!("users who had the same keys here already: {users}"),
            Self::Left { entries } => format!("entries not imported: {entries}"),
            Self::Nothing => "nothing was found to import".to_owned(),
            Self::Progress { done, of } => format!("{done} of {of} users"),
            Self::ScratchCodes { users } => format!(
                "users with 8-digit recovery codes: {users}. Each code works once more. A stolen copy of such a record \
                 gives them away within about an hour, and they open no lock. They end when the user sets up a new device \
                 or gets new recovery codes: ask users to run 'otp-enroll recovery-codes'"
            ),
            Self::Wait { until } => format!(
                "the last used code of some users is not known: their next code counts from {} on at the latest",
                until.to_next_minute().minute(Language::English)
            ),
        }
    }

    fn korean(self) -> String {
        match self {
            Self::Imported { users } => format!("가져온 사용자: {users}명"),
            Self::WouldImport { users } => format!("가져올 사용자: {users}명"),
            Self::There { users } => format!("같은 키가 이미 있던 사용자: {users}명"),
            Self::Left { entries } => format!("가져오지 않는 항목: {entries}개"),
            Self::Nothing => "가져올 항목이 없습니다.".to_owned(),
            Self::Progress { done, of } => format!("사용자 {done}/{of}명"),
            Self::ScratchCodes { users } => format!(
                "8자리 복구 코드가 있는 사용자: {users}명. 복구 코드마다 한 번씩 더 사용할 수 있습니다. 이런 등록 정보의 사본을 훔치면 \
                 한 시간 정도면 복구 코드를 알아낼 수 있으므로 잠금은 해제하지 못합니다. 새 기기를 등록하거나 복구 코드를 재발급하면 \
                 없어집니다. 사용자에게 'otp-enroll recovery-codes' 명령을 실행하도록 안내하세요."
            ),
            Self::Wait { until } => format!(
                "마지막으로 사용한 인증 코드를 알 수 없는 사용자가 있습니다. 늦어도 {}부터는 새 인증 코드로 로그인할 수 있습니다.",
                until.to_next_minute().minute(Language::Korean)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::prospect::tests::assert_same_in_every_language;
    use crate::messages::reason::Unfit;

    const NOON: UnixTime = UnixTime::from_seconds(1_763_640_000);

    fn flaws() -> Vec<Flaw> {
        every!(Flaw {
            NotText => [Flaw::NotText],
            Fields => [Flaw::Fields],
            Quotes => [Flaw::Quotes],
            Columns => [Flaw::Columns],
            NoKey => [Flaw::NoKey],
            Key => [Flaw::Key],
            NoUser => [Flaw::NoUser],
            Number => Field::ALL.map(Flaw::Number),
            Uri => [Flaw::Uri],
            Migration => [Flaw::Migration],
            Xml => [Flaw::Xml],
            Json => [Flaw::Json],
            NotPskc => [Flaw::NotPskc],
            Empty => [Flaw::Empty],
        })
    }

    fn obstacles() -> Vec<Obstacle> {
        let reason = Wording::from("no space left".to_owned());
        every!(Obstacle {
            Unreadable => flaws().into_iter().map(Obstacle::Unreadable).collect::<Vec<_>>(),
            Pin => [Obstacle::Pin],
            ShortKey => [Obstacle::ShortKey { bits: 72 }],
            LongKey => [Obstacle::LongKey],
            StepSize => [Obstacle::StepSize { seconds: 5 }],
            Digits => [Obstacle::Digits],
            Algorithm => [Obstacle::Algorithm],
            Clock => [Obstacle::Clock],
            TwoStep => [Obstacle::TwoStep],
            Sealed => [Obstacle::Sealed],
            Method => [Obstacle::Method],
            WrongKey => [Obstacle::WrongKey],
            NoMac => [Obstacle::NoMac],
            WrongMac => [Obstacle::WrongMac],
            KeyPolicy => [Obstacle::KeyPolicy],
            UnknownUser => [Obstacle::UnknownUser],
            Lookup => [Obstacle::Lookup { reason: reason.clone() }],
            Realms => [Obstacle::Realms],
            Duplicate => [Obstacle::Duplicate],
            TooMany => [Obstacle::TooMany { found: 3, allowed: 2 }],
            Enrolled => [Obstacle::Enrolled],
            File => [Obstacle::File { reason: reason.clone() }],
            NotKept => [Obstacle::NotKept { reason }],
        })
    }

    fn remarks() -> Vec<Remark> {
        every!(Remark {
            FirstCode => [Remark::FirstCode { at: NOON }],
            WindowCut => [Remark::WindowCut { from: 49, to: 10 }],
            AssumedSha1 => [Remark::AssumedSha1],
            CounterOfFile => [Remark::CounterOfFile],
            ScratchCodes => [Remark::ScratchCodes { count: 5 }],
            ScratchCodesLeft => [Remark::ScratchCodesLeft { count: 5 }],
            There => [Remark::There],
        })
    }

    #[test]
    fn every_text_of_an_import_exists_in_every_language_with_the_same_figures() {
        for obstacle in obstacles() {
            assert_same_in_every_language(|language| obstacle.text(language));
        }
        for remark in remarks() {
            assert_same_in_every_language(|language| remark.text(&Zone::UTC, language));
        }
        let users = 42;
        let outcomes = every!(Outcome {
            Imported => [Outcome::Imported { users }],
            WouldImport => [Outcome::WouldImport { users }],
            There => [Outcome::There { users }],
            Left => [Outcome::Left { entries: 42 }],
            Nothing => [Outcome::Nothing],
            Progress => [Outcome::Progress { done: 3, of: 42 }],
            ScratchCodes => [Outcome::ScratchCodes { users }],
            Wait => [Outcome::Wait { until: Local::utc(NOON) }],
        });
        for outcome in outcomes {
            assert_same_in_every_language(|language| outcome.text(language));
        }
    }

    #[test]
    fn a_reason_is_told_in_the_language_of_its_sentence() {
        let reason = || Unfit::ByteOrderMark.into();
        for obstacle in [
            Obstacle::Lookup { reason: reason() },
            Obstacle::File { reason: reason() },
            Obstacle::NotKept { reason: reason() },
        ] {
            for language in Language::ALL {
                let text = obstacle.text(language);
                let reason = Unfit::ByteOrderMark.text(language);
                assert!(text.ends_with(&format!(": {reason}")), "{text}");
            }
        }
    }

    #[test]
    fn each_variant_has_a_word_of_its_own() {
        let mut words: Vec<_> = obstacles().iter().map(Obstacle::word).collect();
        words.dedup();
        assert_eq!(words, Obstacle::WORDS);
        let words: Vec<_> = remarks().into_iter().map(Remark::word).collect();
        assert_eq!(words, Remark::WORDS);
    }

    #[test]
    fn the_report_says_what_short_recovery_codes_are_worth() {
        let text = Outcome::ScratchCodes { users: 3 }.text(Language::English);
        assert!(
            text.contains("within about an hour") && text.contains("otp-enroll recovery-codes")
        );
        assert!(
            Outcome::ScratchCodes { users: 3 }
                .text(Language::Korean)
                .contains("한 시간 정도")
        );
    }
}
