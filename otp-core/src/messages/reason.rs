//! Why a value, a file or a record is not as it must be, and what could not be done with a file.
//!
//! Reasons stand inside other sentences, after a colon: in every language they end without a full stop.

use crate::every;
use crate::record::Language;
use std::fmt::{self, Display};

/// A fault of a value, of a file, or of a record, that needs no further word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// `not UTF-8`
    NotUtf8,
    /// `begins with a byte order mark`
    ByteOrderMark,
    /// `not valid TOML, or a key given twice`
    NotToml,
    /// `version 0 does not exist`
    VersionZero,
    /// `must be an array of tables`
    NotTables,
    /// `must be a table`
    NotATable,
    /// `must be a string`
    NotText,
    /// `must be a whole number, zero or more`
    NotANumber,
    /// `must be true or false`
    NotTruth,
    /// `must be a list of strings`
    NotTexts,
    /// `written for a newer version of pam_otp`
    Newer,
    /// `must be networks in numbers, such as "192.0.2.0/24" or "2001:db8::/32"`
    NoNetwork,
    /// `must have a prefix of at most 32 bits for IPv4, and of 128 for IPv6`
    PrefixTooLong,
    /// `must have a prefix of at least 96 bits where IPv4 is mapped to IPv6`
    PrefixTooShort,
    /// `must have no host bits set: 10.0.0.0/8 and not 10.1.2.3/8`
    HostBits,
    /// `more codes than are sent in a day`
    TooManySent,
    /// `must be an address of plain letters, "name@example.org"`
    NoAddress,
    /// `must be a pattern, "{user}@example.org", or the absolute path of a command`
    NoPattern,
    /// `must be "smtp://HOST:PORT" or "smtps://HOST:PORT"`
    NoMailServer,
    /// `must be the name of a service in /etc/pam.d: small letters, digits and "._-+@"`
    NoService,
    /// `drift is at most 40 steps`
    DriftTooLarge,
    /// `must be names of verifiers: "v1.example.org", "v1.example.org:6238"`
    NoVerifier,
    /// `a secret has 80 to 1024 bits`
    SecretLength,
    /// `digits must be 6, 7 or 8`
    DigitsOfCode,
    /// `period must be 15 to 120 seconds`
    PeriodOfCode,
    /// `a window has 0 to 10 steps on either side`
    WindowOfSteps,
    /// `a look-ahead has 1 to 100 counters`
    WindowOfCounters,
    /// `a name has 1 to 32 characters, and no quote, backslash or control character`
    NoName,
    /// `a window does not fit its authenticator`
    WindowOfAnother,
    /// `an account has 1 to 4 authenticators`
    AuthenticatorCount,
    /// `two authenticators have one id or one name`
    SameTwice,
    /// `a set has at most 32 recovery codes`
    RecoveryCodeCount,
    /// `failures must be 1 to 100`
    FailuresToLock,
    /// `unlock_after_max must be at most ten years`
    LongestLock,
    /// `unlock_after must be more than zero and at most unlock_after_max`
    LockLength,
    /// `disable_after must be at least failures and at most 100, or 0 for never`
    FailuresToDisable,
    /// `it is empty`
    EmptyName,
    /// `it is longer than 255 bytes`
    LongName,
    /// `it begins with a dot`
    DottedName,
    /// `it contains a slash`
    SlashedName,
    /// `it contains a control character`
    ControlledName,
    /// `there are too many`
    TooManyNames,
    /// `must be "SHA1", "SHA256" or "SHA512"`
    NoAlgorithm,
    /// `must be 0 to 10 steps`
    WindowOfPolicy,
    /// `is too large`
    TooLarge,
    /// `must be 0 to 32`
    RecoveryCodesOfPolicy,
    /// `must be 1 to 4`
    MostAuthenticators,
    /// `must be names or numbers of groups, or "*" for everybody`
    NoGroupsOrAll,
    /// `must be names or numbers of groups`
    NoGroups,
    /// `must be names of users`
    NoUsers,
    /// `must be "en" or "ko"`
    NoLanguage,
    /// `must be "off", "offer" or "require"`
    NoAtLogin,
    /// `must be "unicode", "ascii" or "none"`
    NoQrStyle,
    /// `must not have a colon: many authenticator apps refuse it, or show another account name`
    ColonInIssuer,
    /// `must have at most 64 characters, on one line`
    LongIssuer,
    /// `must be a number and a unit: "90s", "15m", "24h", "30d"`
    NoDuration,
    /// `is too long`
    TooLong,
    /// `must be a date or a date-time: "2027-02-01", "2027-02-01T09:00:00Z", "2027-02-01T09:00:00+09:00"`
    NoMoment,
    /// `must be the path of a program, from /, without arguments`
    NoProgram,
    /// `must be names of events without "otp.", such as "lock" or "recovery": pam_otp(8)`
    NoEvents,
    /// `must be an absolute path`
    NoPath,
    /// `must name a verifier; without a fleet leave this key out`
    NoVerifiers,
    /// `must name at most 8 verifiers`
    ManyVerifiers,
    /// `'ca', 'certificate' and 'key' need 'verifiers' as well`
    FilesWithoutVerifiers,
    /// `verifiers need the files 'ca', 'certificate' and 'key' as well`
    VerifiersWithoutFiles,
    /// `is not base32`
    NotBase32,
    /// `is empty`
    Empty,
    /// `is not a user id`
    NotAUserId,
    /// `must be a user id`
    NoUserId,
    /// `must be "totp" or "hotp"`
    NoKind,
    /// `'before' and 'after' stand together`
    HalfAWindow,
    /// `must be a key's id, a nonce and what is sealed, in lower-case hexadecimal digits`
    NotSealed,
    /// `must be "argon2id"`
    NoHash,
    /// `seals no salt`
    NoSalt,
    /// `must be 16 lower-case hexadecimal digits`
    NoId,
    /// `must be lower-case hexadecimal digits`
    NotHex,
    /// `has the wrong number of hexadecimal digits`
    HexLength,
    /// `must be times in seconds`
    NotTimes,
    /// `must be 64 hexadecimal digits`
    NoMailHash,
    /// `both records are damaged`
    BothDamaged,
    /// `is not a service and a numeric address`
    NoPlace,
    /// `is sealed by several keys`
    SeveralKeys,
    /// `does not fit a record`
    DoesNotFit,
    /// `the next state does not fit a record`
    NextDoesNotFit,
    /// `does not belong to the credential beside it`
    OfAnotherCredential,
    /// `is not open for writing`
    NotOpenForWriting,
    /// `holds an entry whose name is not UTF-8`
    EntryNotUtf8,
    /// `the state is missing beside a credential`
    StateMissing,
    /// `must be a date in UTC (2027-01-15, '2027-01-15 08:00') or a number and a unit (90s, 15m, 24h, 7d)`
    NoSince,
    /// `must end in .svg or .png`
    NoPicture,
    /// `has too many ways to look at`
    TooManyWays,
    /// `includes too many lines`
    IncludesTooManyLines,
    /// `includes too many files`
    IncludesTooManyFiles,
    /// `includes nest too deeply`
    IncludesTooDeep,
    /// `no machine can have that name`
    NoMachineName,
    /// `no fleet was begun in this database`
    NoFleet,
    /// `does not belong to what is imported with it`
    OfAnotherImport,
    /// `must be a key: 64 lower-case hexadecimal digits`
    NoKeyLine,
    /// `is no random key: all of its bytes are alike`
    NoRandomKey,
    /// `is a key that stands there already`
    KeyTwice,
    /// `is one key too many: at most 8`
    OneKeyTooMany,
    /// `holds no key`
    NoKey,
    /// `it was not sent along`
    NotSent,
    /// `others than root may write in its directory`
    OpenDirectory,
    /// `this process cannot take the user's rights`
    NoRightsOfUser,
    /// `holds no key of 128, 192 or 256 bits, neither as bytes nor as hexadecimal digits`
    NoTransportKey,
    /// `reading has failed`
    ReadingEnded,
    /// `getent passwd has failed`
    NotListed,
    /// `getent did not end well`
    ListingEnded,
    /// `no output`
    NoOutput,
    /// `is a fifo`
    Fifo,
    /// `it cannot be unpacked`
    Packed,
    /// `is not a directory of root's alone`
    NotRootsAlone,
    /// `the thread has ended`
    TrialEnded,
    /// `does not decrypt to what was encrypted`
    NotDecrypted,
    /// `stays with it`
    StaysWithIt,
    /// `somebody has changed it since, and it stays`
    ChangedSince,
    /// `must be addresses with ports: "192.0.2.1:6238", "[2001:db8::1]:6238"`
    NoListen,
    /// `must be 16 to 65536`
    NoConnections,
    /// `the section [etcd] is missing: where the records are`
    NoSectionOfRecords,
    /// `[etcd] and [store] are two places for the records: give one`
    TwoSectionsOfRecords,
    /// `must be addresses of members: "https://e1.example.org:2379"`
    NoMembers,
    /// `must be the name of a zone: letters, digits, '-' and '_'`
    NoZone,
    /// `must be users and groups: "alice", "@staff"`
    NoMembersOfZone,
    /// `nobody has said who writes`
    NobodyWrites,
    /// `etcd's answer is no answer`
    NoAnswerOfEtcd,
    /// `does not say which fleet it is`
    NoIdOfFleet,
    /// `is no verifier's witness`
    NoWitness,
    /// `an account has too many keys`
    TooManyKeys,
    /// `a key is no account's`
    NoKeyOfAnAccount,
    /// `is no part of an account`
    NoPart,
    /// `is cut short`
    CutShort,
    /// `is shorter than what was to be written over`
    Shorter,
    /// `its guard is damaged`
    GuardDamaged,
    /// `it has no guard`
    NoGuard,
    /// `it was written in a later epoch than that of the fleet`
    OfALaterEpoch,
    /// `it does not fit after its floor`
    NoFitAfterFloor,
}

impl Unfit {
    /// Every one, for tests and for lists.
    pub const ALL: [Self; 137] = every!(Unfit: NotUtf8, ByteOrderMark, NotToml, VersionZero, NotTables, NotATable, NotText, NotANumber, NotTruth, NotTexts, Newer, NoNetwork, PrefixTooLong, PrefixTooShort, HostBits, TooManySent, NoAddress, NoPattern, NoMailServer, NoService, DriftTooLarge, NoVerifier, SecretLength, DigitsOfCode, PeriodOfCode, WindowOfSteps, WindowOfCounters, NoName, WindowOfAnother, AuthenticatorCount, SameTwice, RecoveryCodeCount, FailuresToLock, LongestLock, LockLength, FailuresToDisable, EmptyName, LongName, DottedName, SlashedName, ControlledName,
        TooManyNames, NoAlgorithm, WindowOfPolicy, TooLarge, RecoveryCodesOfPolicy, MostAuthenticators, NoGroupsOrAll, NoGroups, NoUsers, NoLanguage, NoAtLogin, NoQrStyle, ColonInIssuer, LongIssuer, NoDuration, TooLong, NoMoment, NoProgram, NoEvents, NoPath, NoVerifiers, ManyVerifiers, FilesWithoutVerifiers, VerifiersWithoutFiles, NotBase32, Empty, NotAUserId, NoUserId, NoKind, HalfAWindow, NotSealed, NoHash, NoSalt, NoId, NotHex, HexLength, NotTimes, NoMailHash, BothDamaged, NoPlace, SeveralKeys, DoesNotFit, NextDoesNotFit, OfAnotherCredential, NotOpenForWriting, EntryNotUtf8, StateMissing,
        NoSince,
        NoPicture,
        TooManyWays,
        IncludesTooManyLines,
        IncludesTooManyFiles,
        IncludesTooDeep,
        NoMachineName,
        NoFleet,
        OfAnotherImport, NoKeyLine, NoRandomKey, KeyTwice, OneKeyTooMany, NoKey, NotSent, OpenDirectory, NoRightsOfUser, NoTransportKey, ReadingEnded, NotListed, ListingEnded, NoOutput, Fifo, Packed, NotRootsAlone, TrialEnded, NotDecrypted, StaysWithIt, ChangedSince, NoListen, NoConnections, NoSectionOfRecords, TwoSectionsOfRecords, NoMembers, NoZone, NoMembersOfZone, NobodyWrites, NoAnswerOfEtcd, NoIdOfFleet, NoWitness, TooManyKeys, NoKeyOfAnAccount, NoPart, CutShort, Shorter, GuardDamaged, NoGuard, OfALaterEpoch, NoFitAfterFloor);

    /// Returns the text in this language.
    #[must_use]
    pub const fn text(self, language: Language) -> &'static str {
        match language {
            Language::English => self.english(),
            Language::Korean => self.korean(),
        }
    }

    #[expect(clippy::too_many_lines, reason = "a text each")]
    const fn english(self) -> &'static str {
        match self {
            Self::NotUtf8 => "not UTF-8",
            Self::ByteOrderMark => "begins with a byte order mark",
            Self::NotToml => "not valid TOML, or a key given twice",
            Self::VersionZero => "version 0 does not exist",
            Self::NotTables => "must be an array of tables",
            Self::NotATable => "must be a table",
            Self::NotText => "must be a string",
            Self::NotANumber => "must be a whole number, zero or more",
            Self::NotTruth => "must be true or false",
            Self::NotTexts => "must be a list of strings",
            Self::Newer => "written for a newer version of pam_otp",
            Self::NoNetwork => {
                "must be networks in numbers, such as \"192.0.2.0/24\" or \"2001:db8::/32\""
            }
            Self::PrefixTooLong => {
                "must have a prefix of at most 32 bits for IPv4, and of 128 for IPv6"
            }
            Self::PrefixTooShort => {
                "must have a prefix of at least 96 bits where IPv4 is mapped to IPv6"
            }
            Self::HostBits => "must have no host bits set: 10.0.0.0/8 and not 10.1.2.3/8",
            Self::TooManySent => "more codes than are sent in a day",
            Self::NoAddress => "must be an address of plain letters, \"name@example.org\"",
            Self::NoPattern => {
                "must be a pattern, \"{user}@example.org\", or the absolute path of a command"
            }
            Self::NoMailServer => "must be \"smtp://HOST:PORT\" or \"smtps://HOST:PORT\"",
            Self::NoService => {
                "must be the name of a service in /etc/pam.d: small letters, digits and \"._-+@\""
            }
            Self::DriftTooLarge => "drift is at most 40 steps",
            Self::NoVerifier => {
                "must be names of verifiers: \"v1.example.org\", \"v1.example.org:6238\""
            }
            Self::SecretLength => "a secret has 80 to 1024 bits",
            Self::DigitsOfCode => "digits must be 6, 7 or 8",
            Self::PeriodOfCode => "period must be 15 to 120 seconds",
            Self::WindowOfSteps => "a window has 0 to 10 steps on either side",
            Self::WindowOfCounters => "a look-ahead has 1 to 100 counters",
            Self::NoName => {
                "a name has 1 to 32 characters, and no quote, backslash or control character"
            }
            Self::WindowOfAnother => "a window does not fit its authenticator",
            Self::AuthenticatorCount => "an account has 1 to 4 authenticators",
            Self::SameTwice => "two authenticators have one id or one name",
            Self::RecoveryCodeCount => "a set has at most 32 recovery codes",
            Self::FailuresToLock => "failures must be 1 to 100",
            Self::LongestLock => "unlock_after_max must be at most ten years",
            Self::LockLength => "unlock_after must be more than zero and at most unlock_after_max",
            Self::FailuresToDisable => {
                "disable_after must be at least failures and at most 100, or 0 for never"
            }
            Self::EmptyName => "it is empty",
            Self::LongName => "it is longer than 255 bytes",
            Self::DottedName => "it begins with a dot",
            Self::SlashedName => "it contains a slash",
            Self::ControlledName => "it contains a control character",
            Self::TooManyNames => "there are too many",
            Self::NoAlgorithm => "must be \"SHA1\", \"SHA256\" or \"SHA512\"",
            Self::WindowOfPolicy => "must be 0 to 10 steps",
            Self::TooLarge => "is too large",
            Self::RecoveryCodesOfPolicy => "must be 0 to 32",
            Self::MostAuthenticators => "must be 1 to 4",
            Self::NoGroupsOrAll => "must be names or numbers of groups, or \"*\" for everybody",
            Self::NoGroups => "must be names or numbers of groups",
            Self::NoUsers => "must be names of users",
            Self::NoLanguage => "must be \"en\" or \"ko\"",
            Self::NoAtLogin => "must be \"off\", \"offer\" or \"require\"",
            Self::NoQrStyle => "must be \"unicode\", \"ascii\" or \"none\"",
            Self::ColonInIssuer => {
                "must not have a colon: many authenticator apps refuse it, or show another account name"
            }
            Self::LongIssuer => "must have at most 64 characters, on one line",
            Self::NoDuration => "must be a number and a unit: \"90s\", \"15m\", \"24h\", \"30d\"",
            Self::TooLong => "is too long",
            Self::NoMoment => {
                "must be a date or a date-time: \"2027-02-01\", \"2027-02-01T09:00:00Z\", \"2027-02-01T09:00:00+09:00\""
            }
            Self::NoProgram => "must be the path of a program, from /, without arguments",
            Self::NoEvents => {
                "must be names of events without \"otp.\", such as \"lock\" or \"recovery\": pam_otp(8)"
            }
            Self::NoPath => "must be an absolute path",
            Self::NoVerifiers => "must name a verifier; without a fleet leave this key out",
            Self::ManyVerifiers => "must name at most 8 verifiers",
            Self::FilesWithoutVerifiers => "'ca', 'certificate' and 'key' need 'verifiers' as well",
            Self::VerifiersWithoutFiles => {
                "verifiers need the files 'ca', 'certificate' and 'key' as well"
            }
            Self::NotBase32 => "is not base32",
            Self::Empty => "is empty",
            Self::NotAUserId => "is not a user id",
            Self::NoUserId => "must be a user id",
            Self::NoKind => "must be \"totp\" or \"hotp\"",
            Self::HalfAWindow => "'before' and 'after' stand together",
            Self::NotSealed => {
                "must be a key's id, a nonce and what is sealed, in lower-case hexadecimal digits"
            }
            Self::NoHash => "must be \"argon2id\"",
            Self::NoSalt => "seals no salt",
            Self::NoId => "must be 16 lower-case hexadecimal digits",
            Self::NotHex => "must be lower-case hexadecimal digits",
            Self::HexLength => "has the wrong number of hexadecimal digits",
            Self::NotTimes => "must be times in seconds",
            Self::NoMailHash => "must be 64 hexadecimal digits",
            Self::BothDamaged => "both records are damaged",
            Self::NoPlace => "is not a service and a numeric address",
            Self::SeveralKeys => "is sealed by several keys",
            Self::DoesNotFit => "does not fit a record",
            Self::NextDoesNotFit => "the next state does not fit a record",
            Self::OfAnotherCredential => "does not belong to the credential beside it",
            Self::NotOpenForWriting => "is not open for writing",
            Self::EntryNotUtf8 => "holds an entry whose name is not UTF-8",
            Self::StateMissing => "the state is missing beside a credential",
            Self::NoSince => {
                "must be a date in UTC (2027-01-15, '2027-01-15 08:00') or a number and a unit (90s, 15m, 24h, 7d)"
            }
            Self::NoPicture => "must end in .svg or .png",
            Self::TooManyWays => "has too many ways to look at",
            Self::IncludesTooManyLines => "includes too many lines",
            Self::IncludesTooManyFiles => "includes too many files",
            Self::IncludesTooDeep => "includes nest too deeply",
            Self::NoMachineName => "no machine can have that name",
            Self::NoFleet => "no fleet was begun in this database",
            Self::OfAnotherImport => "does not belong to what is imported with it",
            Self::NoKeyLine => "must be a key: 64 lower-case hexadecimal digits",
            Self::NoRandomKey => "is no random key: all of its bytes are alike",
            Self::KeyTwice => "is a key that stands there already",
            Self::OneKeyTooMany => "is one key too many: at most 8",
            Self::NoKey => "holds no key",
            Self::NotSent => "it was not sent along",
            Self::OpenDirectory => "others than root may write in its directory",
            Self::NoRightsOfUser => "this process cannot take the user's rights",
            Self::NoTransportKey => {
                "holds no key of 128, 192 or 256 bits, neither as bytes nor as hexadecimal digits"
            }
            Self::ReadingEnded => "reading has failed",
            Self::NotListed => "getent passwd has failed",
            Self::ListingEnded => "getent did not end well",
            Self::NoOutput => "no output",
            Self::Fifo => "is a fifo",
            Self::Packed => "it cannot be unpacked",
            Self::NotRootsAlone => "is not a directory of root's alone",
            Self::TrialEnded => "the thread has ended",
            Self::NotDecrypted => "does not decrypt to what was encrypted",
            Self::StaysWithIt => "stays with it",
            Self::ChangedSince => "somebody has changed it since, and it stays",
            Self::NoListen => {
                "must be addresses with ports: \"192.0.2.1:6238\", \"[2001:db8::1]:6238\""
            }
            Self::NoConnections => "must be 16 to 65536",
            Self::NoSectionOfRecords => "the section [etcd] is missing: where the records are",
            Self::TwoSectionsOfRecords => {
                "[etcd] and [store] are two places for the records: give one"
            }
            Self::NoMembers => "must be addresses of members: \"https://e1.example.org:2379\"",
            Self::NoZone => "must be the name of a zone: letters, digits, '-' and '_'",
            Self::NoMembersOfZone => "must be users and groups: \"alice\", \"@staff\"",
            Self::NobodyWrites => "nobody has said who writes",
            Self::NoAnswerOfEtcd => "etcd's answer is no answer",
            Self::NoIdOfFleet => "does not say which fleet it is",
            Self::NoWitness => "is no verifier's witness",
            Self::TooManyKeys => "an account has too many keys",
            Self::NoKeyOfAnAccount => "a key is no account's",
            Self::NoPart => "is no part of an account",
            Self::CutShort => "is cut short",
            Self::Shorter => "is shorter than what was to be written over",
            Self::GuardDamaged => "its guard is damaged",
            Self::NoGuard => "it has no guard",
            Self::OfALaterEpoch => "it was written in a later epoch than that of the fleet",
            Self::NoFitAfterFloor => "it does not fit after its floor",
        }
    }

    #[expect(clippy::too_many_lines, reason = "a text each")]
    const fn korean(self) -> &'static str {
        match self {
            Self::NotUtf8 => "UTF-8이 아닙니다",
            Self::ByteOrderMark => "바이트 순서 표식(BOM)으로 시작합니다",
            Self::NotToml => "올바른 TOML이 아니거나 같은 키가 두 번 있습니다",
            Self::VersionZero => "버전 0은 없습니다",
            Self::NotTables => "테이블의 배열이어야 합니다",
            Self::NotATable => "테이블이어야 합니다",
            Self::NotText => "문자열이어야 합니다",
            Self::NotANumber => "음이 아닌 정수여야 합니다",
            Self::NotTruth => "true 또는 false여야 합니다",
            Self::NotTexts => "문자열 목록이어야 합니다",
            Self::Newer => "더 새로운 버전의 pam_otp에서 저장했습니다",
            Self::NoNetwork => {
                "\"192.0.2.0/24\"나 \"2001:db8::/32\"처럼 숫자로 적은 네트워크여야 합니다"
            }
            Self::PrefixTooLong => "프리픽스는 IPv4에서 32비트, IPv6에서 128비트 이하여야 합니다",
            Self::PrefixTooShort => {
                "IPv4를 IPv6로 표현한 주소의 프리픽스는 96비트 이상이어야 합니다"
            }
            Self::HostBits => "호스트 비트가 없어야 합니다(10.1.2.3/8이 아니라 10.0.0.0/8)",
            Self::TooManySent => "하루에 보내는 수보다 인증 코드가 많습니다",
            Self::NoAddress => "\"name@example.org\"처럼 영문자로 된 이메일 주소여야 합니다",
            Self::NoPattern => "\"{user}@example.org\" 같은 형식이거나 명령의 절대 경로여야 합니다",
            Self::NoMailServer => {
                "\"smtp://HOST:PORT\" 또는 \"smtps://HOST:PORT\" 형식이어야 합니다"
            }
            Self::NoService => {
                "/etc/pam.d에 있는 서비스의 이름이어야 합니다(소문자, 숫자, \"._-+@\")"
            }
            Self::DriftTooLarge => "시계 차이는 40주기 이하여야 합니다",
            Self::NoVerifier => {
                "\"v1.example.org\"나 \"v1.example.org:6238\"처럼 검증 서버의 이름이어야 합니다"
            }
            Self::SecretLength => "키는 80비트에서 1024비트까지입니다",
            Self::DigitsOfCode => "digits 값은 6, 7, 8 중 하나여야 합니다",
            Self::PeriodOfCode => "period 값은 15초에서 120초까지여야 합니다",
            Self::WindowOfSteps => "허용 범위는 앞뒤로 0주기에서 10주기까지입니다",
            Self::WindowOfCounters => "카운터의 허용 범위는 1에서 100까지입니다",
            Self::NoName => {
                "이름은 1자에서 32자까지이며 따옴표, 역슬래시, 제어 문자는 사용할 수 없습니다"
            }
            Self::WindowOfAnother => "허용 범위가 인증 수단의 종류와 맞지 않습니다",
            Self::AuthenticatorCount => "계정 하나의 인증 수단은 1개에서 4개까지입니다",
            Self::SameTwice => "인증 수단 두 개의 ID나 이름이 같습니다",
            Self::RecoveryCodeCount => "복구 코드는 32개까지입니다",
            Self::FailuresToLock => "failures 값은 1에서 100까지여야 합니다",
            Self::LongestLock => "unlock_after_max 값은 십 년 이하여야 합니다",
            Self::LockLength => "unlock_after 값은 양수이고 unlock_after_max 이하여야 합니다",
            Self::FailuresToDisable => {
                "disable_after 값은 failures 이상 100 이하이거나, 사용 중지하지 않으려면 0이어야 합니다"
            }
            Self::EmptyName => "이름이 비어 있습니다",
            Self::LongName => "255바이트보다 깁니다",
            Self::DottedName => "점으로 시작합니다",
            Self::SlashedName => "슬래시가 있습니다",
            Self::ControlledName => "제어 문자가 있습니다",
            Self::TooManyNames => "너무 많습니다",
            Self::NoAlgorithm => "\"SHA1\", \"SHA256\", \"SHA512\" 중 하나여야 합니다",
            Self::WindowOfPolicy => "0에서 10까지여야 합니다",
            Self::TooLarge => "너무 큽니다",
            Self::RecoveryCodesOfPolicy => "0에서 32까지여야 합니다",
            Self::MostAuthenticators => "1에서 4까지여야 합니다",
            Self::NoGroupsOrAll => {
                "그룹의 이름이나 번호, 또는 모든 사용자를 뜻하는 \"*\"여야 합니다"
            }
            Self::NoGroups => "그룹의 이름이나 번호여야 합니다",
            Self::NoUsers => "사용자 이름이어야 합니다",
            Self::NoLanguage => "\"en\" 또는 \"ko\"여야 합니다",
            Self::NoAtLogin => "\"off\", \"offer\", \"require\" 중 하나여야 합니다",
            Self::NoQrStyle => "\"unicode\", \"ascii\", \"none\" 중 하나여야 합니다",
            Self::ColonInIssuer => {
                "콜론은 사용할 수 없습니다. 콜론이 있으면 거부하거나 계정 이름을 다르게 표시하는 인증 앱이 많습니다"
            }
            Self::LongIssuer => "64자 이하이고 한 줄이어야 합니다",
            Self::NoDuration => "\"90s\", \"15m\", \"24h\", \"30d\"처럼 숫자와 단위여야 합니다",
            Self::TooLong => "너무 깁니다",
            Self::NoMoment => {
                "날짜나 날짜와 시각이어야 합니다: \"2027-02-01\", \"2027-02-01T09:00:00Z\", \"2027-02-01T09:00:00+09:00\""
            }
            Self::NoProgram => "인자 없이 /로 시작하는 프로그램의 경로여야 합니다",
            Self::NoEvents => {
                "\"lock\"이나 \"recovery\"처럼 \"otp.\" 없는 이벤트 이름이어야 합니다: pam_otp(8)"
            }
            Self::NoPath => "절대 경로여야 합니다",
            Self::NoVerifiers => {
                "검증 서버를 하나 이상 적어야 합니다. 플릿이 없으면 이 키를 빼세요"
            }
            Self::ManyVerifiers => "검증 서버는 8개까지 적을 수 있습니다",
            Self::FilesWithoutVerifiers => {
                "'ca', 'certificate', 'key' 값에는 'verifiers' 값도 필요합니다"
            }
            Self::VerifiersWithoutFiles => {
                "verifiers 값에는 'ca', 'certificate', 'key' 파일도 필요합니다"
            }
            Self::NotBase32 => "base32가 아닙니다",
            Self::Empty => "비어 있습니다",
            Self::NotAUserId => "사용자 ID가 아닙니다",
            Self::NoUserId => "사용자 ID여야 합니다",
            Self::NoKind => "\"totp\" 또는 \"hotp\"여야 합니다",
            Self::HalfAWindow => "'before'와 'after'는 함께 있어야 합니다",
            Self::NotSealed => "소문자 십육진수로 적은 키 ID, 논스, 봉인된 내용이어야 합니다",
            Self::NoHash => "\"argon2id\"여야 합니다",
            Self::NoSalt => "봉인된 솔트가 아닙니다",
            Self::NoId => "소문자 십육진수 16자리여야 합니다",
            Self::NotHex => "소문자 십육진수여야 합니다",
            Self::HexLength => "십육진수의 자릿수가 맞지 않습니다",
            Self::NotTimes => "초 단위의 시각이어야 합니다",
            Self::NoMailHash => "십육진수 64자리여야 합니다",
            Self::BothDamaged => "두 사본이 모두 손상되었습니다",
            Self::NoPlace => "서비스와 숫자로 된 주소가 아닙니다",
            Self::SeveralKeys => "여러 키로 봉인되어 있습니다",
            Self::DoesNotFit => "정해진 크기에 들어가지 않습니다",
            Self::NextDoesNotFit => "다음 상태가 정해진 크기에 들어가지 않습니다",
            Self::OfAnotherCredential => "함께 있는 credential 파일의 상태가 아닙니다",
            Self::NotOpenForWriting => "쓰기용으로 열려 있지 않습니다",
            Self::EntryNotUtf8 => "이름이 UTF-8이 아닌 항목이 있습니다",
            Self::StateMissing => "credential 파일이 있지만 state 파일이 없습니다",
            Self::NoSince => {
                "UTC 날짜(2027-01-15, '2027-01-15 08:00')나 숫자와 단위(90s, 15m, 24h, 7d)여야 합니다"
            }
            Self::NoPicture => ".svg 또는 .png로 끝나야 합니다",
            Self::TooManyWays => "확인할 경로가 너무 많습니다",
            Self::IncludesTooManyLines => "include하는 줄이 너무 많습니다",
            Self::IncludesTooManyFiles => "include하는 파일이 너무 많습니다",
            Self::IncludesTooDeep => "include가 너무 깊게 중첩되어 있습니다",
            Self::NoMachineName => "컴퓨터의 이름이 될 수 없습니다",
            Self::NoFleet => "이 데이터베이스에 플릿이 없습니다",
            Self::OfAnotherImport => "함께 가져오는 등록 정보와 맞지 않습니다",
            Self::NoKeyLine => "소문자 십육진수 64자리인 키여야 합니다",
            Self::NoRandomKey => "모든 바이트가 같아 무작위 키가 아닙니다",
            Self::KeyTwice => "이미 있는 키입니다",
            Self::OneKeyTooMany => "키가 너무 많습니다. 8개까지 가능합니다",
            Self::NoKey => "키가 없습니다",
            Self::NotSent => "함께 보내지 않은 파일입니다",
            Self::OpenDirectory => "root가 아닌 사용자에게도 디렉터리의 쓰기 권한이 있습니다",
            Self::NoRightsOfUser => "이 프로세스의 권한을 사용자의 권한으로 바꿀 수 없습니다",
            Self::NoTransportKey => "바이트나 십육진수로 된 128, 192, 256비트 키가 없습니다",
            Self::ReadingEnded => "파일을 읽던 스레드가 비정상 종료되었습니다",
            Self::NotListed => "'getent passwd' 명령이 실패했습니다",
            Self::ListingEnded => "getent 프로그램이 정상적으로 종료되지 않았습니다",
            Self::NoOutput => "출력이 없습니다",
            Self::Fifo => "FIFO(이름 있는 파이프)입니다",
            Self::Packed => "압축을 풀 수 없습니다",
            Self::NotRootsAlone => "root만 접근할 수 있는 디렉터리가 아닙니다",
            Self::TrialEnded => "스레드가 비정상 종료되었습니다",
            Self::NotDecrypted => "복호화한 내용이 암호화한 내용과 다릅니다",
            Self::StaysWithIt => "다른 파일과 함께 그대로 둡니다",
            Self::ChangedSince => "그 뒤에 다른 변경이 있어 그대로 둡니다",
            Self::NoListen => {
                "포트가 있는 주소여야 합니다: \"192.0.2.1:6238\", \"[2001:db8::1]:6238\""
            }
            Self::NoConnections => "16에서 65536까지여야 합니다",
            Self::NoSectionOfRecords => "등록 정보가 있는 곳을 지정하는 [etcd] 섹션이 없습니다",
            Self::TwoSectionsOfRecords => {
                "등록 정보가 있는 곳을 [etcd]와 [store] 섹션 중 하나로만 지정해야 합니다"
            }
            Self::NoMembers => "\"https://e1.example.org:2379\"처럼 etcd 멤버의 주소여야 합니다",
            Self::NoZone => "존의 이름이어야 합니다(영문자, 숫자, '-', '_')",
            Self::NoMembersOfZone => "\"alice\"나 \"@staff\"처럼 사용자와 그룹이어야 합니다",
            Self::NobodyWrites => "저장하는 검증 서버의 이름이 정해지지 않았습니다",
            Self::NoAnswerOfEtcd => "etcd의 응답이 올바르지 않습니다",
            Self::NoIdOfFleet => "어느 플릿인지 나타나 있지 않습니다",
            Self::NoWitness => "검증 서버의 확인용 항목이 아닙니다",
            Self::TooManyKeys => "항목이 너무 많은 계정이 있습니다",
            Self::NoKeyOfAnAccount => "어느 계정에도 속하지 않는 항목이 있습니다",
            Self::NoPart => "계정의 일부가 아닙니다",
            Self::CutShort => "일부가 잘렸습니다",
            Self::Shorter => "덮어쓸 부분보다 짧습니다",
            Self::GuardDamaged => "계정의 변경을 확인하는 항목이 손상되었습니다",
            Self::NoGuard => "계정의 변경을 확인하는 항목이 없습니다",
            Self::OfALaterEpoch => "플릿의 현재 에폭보다 뒤의 에폭에서 저장되었습니다",
            Self::NoFitAfterFloor => "복원 시점에 맞게 바꾸면 정해진 크기에 들어가지 않습니다",
        }
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.english())
    }
}

/// Shows the English text: the names would be a list that the PAM module carries for nothing.
impl fmt::Debug for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.english())
    }
}

impl std::error::Error for Unfit {}

/// A fault of a document or a record, with what it concerns. Never quotes the content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A fault that needs no further word.
    Unfit(Unfit),
    /// A key that must be there is missing.
    KeyMissing {
        /// The key.
        key: &'static str,
    },
    /// A key is unknown.
    UnknownKey {
        /// The keys that are known there.
        known: Vec<&'static str>,
    },
    /// The last line is missing.
    CutOff {
        /// The last line.
        end: &'static str,
    },
    /// The length is wrong.
    Length {
        /// The bytes that are there.
        found: usize,
        /// The bytes that must be there.
        needed: usize,
    },
    /// What another part of the program said, in every language.
    Told(Wording),
    /// What another part or program said, as it said it.
    Said(String),
}

impl Reason {
    /// Returns the text with the place of the fault before it: a file or a record, and the line if it is known.
    #[must_use]
    pub fn at(&self, place: impl Display, line: Option<usize>, language: Language) -> String {
        let reason = self.text(language);
        match (line, language) {
            (Some(line), Language::English) => format!("{place}, line {line}: {reason}"),
            (Some(line), Language::Korean) => format!("{place}, {line}번째 줄: {reason}"),
            (None, _) => format!("{place}: {reason}"),
        }
    }

    /// Returns the text in this language.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        match (self, language) {
            (Self::Unfit(unfit), _) => unfit.text(language).to_owned(),
            (Self::KeyMissing { key }, Language::English) => {
                format!("the key '{key}' is missing")
            }
            (Self::KeyMissing { key }, Language::Korean) => format!("'{key}' 키가 없습니다"),
            (Self::UnknownKey { known }, Language::English) => {
                format!("unknown key; known here are {}", known.join(", "))
            }
            (Self::UnknownKey { known }, Language::Korean) => {
                format!(
                    "알 수 없는 키입니다. 사용할 수 있는 키: {}",
                    known.join(", ")
                )
            }
            (Self::CutOff { end }, Language::English) => {
                format!("is cut off: the last line is not '{end}'")
            }
            (Self::CutOff { end }, Language::Korean) => {
                format!("마지막 줄('{end}')이 없어 일부가 잘렸습니다")
            }
            (Self::Length { found, needed }, Language::English) => {
                format!("has {found} bytes instead of {needed}")
            }
            (Self::Length { found, needed }, Language::Korean) => {
                format!("{needed}바이트가 아니라 {found}바이트입니다")
            }
            (Self::Told(wording), _) => wording.text(language).to_owned(),
            (Self::Said(said), _) => said.clone(),
        }
    }
}

impl From<Unfit> for Reason {
    fn from(unfit: Unfit) -> Self {
        Self::Unfit(unfit)
    }
}

/// For programs whose files and messages are in English only.
impl From<&'static str> for Reason {
    fn from(said: &'static str) -> Self {
        Self::Said(said.to_owned())
    }
}

/// For programs whose files and messages are in English only.
impl From<Unfit> for &'static str {
    fn from(unfit: Unfit) -> Self {
        unfit.text(Language::English)
    }
}

impl From<Wording> for Reason {
    fn from(wording: Wording) -> Self {
        Self::Told(wording)
    }
}

impl From<String> for Reason {
    fn from(said: String) -> Self {
        Self::Said(said)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(Language::English))
    }
}

/// A text in every language, made where the reason is known and told where the language is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wording([String; Language::ALL.len()]);

impl Wording {
    /// Takes the text from a function that says it in each language.
    pub fn of(text: impl Fn(Language) -> String) -> Self {
        Self(Language::ALL.map(text))
    }

    /// Returns the text in this language.
    #[must_use]
    pub fn text(&self, language: Language) -> &str {
        let [english, korean] = &self.0;
        match language {
            Language::English => english,
            Language::Korean => korean,
        }
    }
}

impl From<Unfit> for Wording {
    fn from(unfit: Unfit) -> Self {
        Self::of(|language| unfit.text(language).to_owned())
    }
}

impl fmt::Display for Wording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text(Language::English))
    }
}

/// So that an error of the standard library can carry it.
impl std::error::Error for Wording {}

/// A text that stays as another program, a file or the operating system has said it.
impl From<String> for Wording {
    fn from(said: String) -> Self {
        Self::of(|_| said.clone())
    }
}

/// An action on a file, a directory or a database that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// `open`
    Open,
    /// `read`
    Read,
    /// `write`
    Write,
    /// `examine`
    Examine,
    /// `examine the access control list of`
    ExamineList,
    /// `list`
    List,
    /// `create`
    Create,
    /// `remove`
    Remove,
    /// `replace`
    Replace,
    /// `rename the record to`
    Rename,
    /// `sync`
    Sync,
    /// `sync the directory`
    SyncDirectory,
    /// `lock`
    Lock,
    /// `limit the lock of`
    LimitLock,
    /// `set the group of`
    SetGroup,
    /// `look for`
    LookFor,
    /// `write beside`
    WriteBeside,
    /// `put in its place`
    PutInPlace,
    /// `make the directory of`
    MakeDirectory,
    /// `lock the directory of`
    LockDirectory,
    /// `look at`
    LookAt,
    /// `begin to ask etcd`
    BeginToAsk,
    /// `trust`
    Trust,
    /// `trust the database`
    TrustDatabase,
}

impl Deed {
    /// Every one, for tests.
    pub const ALL: [Self; 24] = every!(Deed: Open, Read, Write, Examine, ExamineList, List, Create, Remove, Replace, Rename, Sync, SyncDirectory, Lock, LimitLock, SetGroup, LookFor, WriteBeside,
        PutInPlace, MakeDirectory, LockDirectory, LookAt, BeginToAsk, Trust, TrustDatabase);

    /// Says that it cannot be done.
    #[must_use]
    pub fn failed(self, language: Language) -> String {
        match language {
            Language::English => format!("cannot {self}"),
            Language::Korean => format!("{} 수 없습니다", self.korean()),
        }
    }

    const fn korean(self) -> &'static str {
        match self {
            Self::Open => "열",
            Self::Read => "읽을",
            Self::Write => "저장할",
            Self::Examine => "확인할",
            Self::ExamineList => "접근 제어 목록을 확인할",
            Self::List => "목록을 읽을",
            Self::Create => "만들",
            Self::Remove => "삭제할",
            Self::Replace => "교체할",
            Self::Rename => "이름을 바꿀",
            Self::Sync => "디스크에 반영할",
            Self::SyncDirectory => "디렉터리를 디스크에 반영할",
            Self::Lock => "잠글",
            Self::LimitLock => "잠금 시간을 제한할",
            Self::SetGroup => "그룹을 바꿀",
            Self::LookFor => "찾을",
            Self::WriteBeside => "임시 파일을 저장할",
            Self::PutInPlace => "제자리에 둘",
            Self::MakeDirectory => "디렉터리를 만들",
            Self::LockDirectory => "디렉터리를 잠글",
            Self::LookAt => "살펴볼",
            Self::BeginToAsk => "etcd에 요청할",
            Self::Trust => "신뢰할",
            Self::TrustDatabase => "데이터베이스를 신뢰할",
        }
    }
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Read => "read",
            Self::Write => "write",
            Self::Examine => "examine",
            Self::ExamineList => "examine the access control list of",
            Self::List => "list",
            Self::Create => "create",
            Self::Remove => "remove",
            Self::Replace => "replace",
            Self::Rename => "rename the record to",
            Self::Sync => "sync",
            Self::SyncDirectory => "sync the directory",
            Self::Lock => "lock",
            Self::LimitLock => "limit the lock of",
            Self::SetGroup => "set the group of",
            Self::LookFor => "look for",
            Self::WriteBeside => "write beside",
            Self::PutInPlace => "put in its place",
            Self::MakeDirectory => "make the directory of",
            Self::LockDirectory => "lock the directory of",
            Self::LookAt => "look at",
            Self::BeginToAsk => "begin to ask etcd",
            Self::Trust => "trust",
            Self::TrustDatabase => "trust the database",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::in_all::assert_same_in_every_language;

    #[test]
    fn every_reason_is_there_in_every_language_with_the_same_figures() {
        let plain = Unfit::ALL.map(Reason::Unfit);
        let others = every!(Reason {
            Unfit => [Reason::Unfit(Unfit::Empty)],
            KeyMissing => [Reason::KeyMissing { key: "uid" }],
            UnknownKey => [Reason::UnknownKey { known: vec!["codes", "opens_lock"] }],
            CutOff => [Reason::CutOff { end: "# end" }],
            Length => [Reason::Length { found: 17, needed: 1024 }],
            Told => [Reason::Told(Wording::of(|language| Unfit::Empty.text(language).to_owned()))],
            Said => [Reason::Said("가나다 abc".to_owned())],
        });
        for reason in plain.into_iter().chain(others) {
            if !matches!(reason, Reason::Said(_)) {
                assert_same_in_every_language(|language| reason.text(language));
            }
            for language in Language::ALL {
                assert!(!reason.text(language).ends_with('.'), "{reason:?}");
            }
        }
    }

    #[test]
    fn each_unfit_value_has_words_of_its_own() {
        for language in Language::ALL {
            let mut texts = Unfit::ALL.map(|unfit| unfit.text(language)).to_vec();
            texts.sort_unstable();
            let count = texts.len();
            texts.dedup();
            assert_eq!(texts.len(), count, "{texts:?}");
        }
    }

    #[test]
    fn a_wording_is_told_in_the_language_that_is_asked_for() {
        let wording = Wording::of(|language| language.tag().to_owned());
        assert_eq!(wording.to_string(), Language::English.tag());
        for language in Language::ALL {
            assert_eq!(wording.text(language), language.tag());
            assert_eq!(Wording::from("x".to_owned()).text(language), "x");
            assert_eq!(
                Wording::from(Unfit::Empty).text(language),
                Unfit::Empty.text(language)
            );
        }
    }

    #[test]
    fn every_deed_is_there_in_every_language() {
        for deed in Deed::ALL {
            assert_same_in_every_language(|language| deed.failed(language));
        }
    }
}
