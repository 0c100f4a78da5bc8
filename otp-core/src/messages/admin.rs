//! What `otp-admin` and `otp-enroll status` report about an account.

use super::length;
use crate::UnixTime;
use crate::record::{Language, Refusal, Standing};
use crate::zone::{Local, Zone};

/// One line or value of a report, without a full stop: a value beside a label, or a line of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report<'a> {
    /// Label: the user.
    User,
    /// Label: authenticator.
    Authenticator,
    /// Label: recovery codes.
    RecoveryCodes,
    /// Label: whether the account may try.
    Standing,
    /// Label: failures.
    Failures,
    /// Label: the last refusal.
    LastRefusal,
    /// Label: when an authenticator was enrolled.
    Enrolled,
    /// Label: when an authenticator was last used.
    LastUsed,
    /// Label: the key of an authenticator, in groups.
    Key,
    /// Label: the key without spaces.
    PlainKey,
    /// Label: the otpauth URI.
    Uri,
    /// Label: what an app must be set to.
    Settings,
    /// Label: the counter of the first code.
    Counter,
    /// Label: what is wrong with a record.
    Problem,
    /// An authenticator: when it was enrolled and last used.
    Device {
        /// Its name.
        name: &'a str,
        /// When it was enrolled.
        created: Local,
        /// When one of its codes was last accepted.
        last_used: Option<Local>,
        /// The counter of its next code, if it is event-based.
        next_counter: Option<u64>,
    },
    /// How many recovery codes are left.
    CodesLeft {
        /// Unused ones.
        left: u32,
        /// How many were issued.
        issued: u32,
    },
    /// How many recovery codes of another program are left.
    ImportedCodesLeft {
        /// Unused ones.
        left: u32,
        /// How many there were.
        issued: u32,
    },
    /// No recovery codes were issued.
    NoCodes,
    /// The standing of the account.
    StandingIs {
        /// The standing.
        standing: Standing,
        /// The present, from which the remaining time is counted.
        now: UnixTime,
        /// The zone of the machine.
        zone: &'a Zone,
        /// Whether a recovery code opens the lock.
        opens: bool,
    },
    /// The standing of the account, for a column.
    StandingInShort {
        /// The standing.
        standing: Standing,
        /// The zone in which the end of a lock is told.
        zone: &'a Zone,
    },
    /// Failures in a row, and how many more lock the account.
    FailuresInARow {
        /// Counted over all locks.
        count: u32,
        /// How many more lock; `None`: the account is locked now.
        left: Option<u32>,
    },
    /// The last refused attempt.
    Refused {
        /// The time.
        when: Local,
        /// Why.
        why: Refusal,
    },
    /// It has never happened.
    Never,
    /// The account has no authenticator.
    NotEnrolled {
        /// The user's name.
        user: &'a str,
    },
    /// No user is enrolled.
    Nobody,
    /// A lock was lifted.
    Unlocked {
        /// The user's name.
        user: &'a str,
        /// The standing before.
        standing: Standing,
        /// The zone of the machine.
        zone: &'a Zone,
        /// Failures that were forgotten with it.
        failures: u32,
    },
    /// There was no lock; failures may have been forgotten.
    WasNotLocked {
        /// The user's name.
        user: &'a str,
        /// Failures that were forgotten.
        failures: u32,
    },
    /// A record was erased.
    Erased {
        /// The user's name.
        user: &'a str,
    },
    /// A record under a name that no user has was left, since its user id belongs to another name.
    LeftForMove {
        /// The name that the record is stored under.
        old: &'a str,
        /// The name that the user id has now.
        new: &'a str,
    },
    /// A record was moved to another name, or bound to another user id.
    Moved {
        /// The name that it was stored under.
        old: &'a str,
        /// The name that it is stored under now.
        new: &'a str,
    },
    /// The record already belongs to the user.
    AlreadyTheirs {
        /// The user's name.
        user: &'a str,
    },
    /// There was no record to erase.
    NothingToErase {
        /// The user's name.
        user: &'a str,
    },
}

impl Report<'_> {
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
        match *self {
            Self::User => "user".to_owned(),
            Self::Authenticator => "authenticator".to_owned(),
            Self::RecoveryCodes => "recovery codes".to_owned(),
            Self::Standing => "standing".to_owned(),
            Self::Failures => "failures".to_owned(),
            Self::LastRefusal => "last refusal".to_owned(),
            Self::Enrolled => "enrolled".to_owned(),
            Self::LastUsed => "last used".to_owned(),
            Self::Key => "key in groups".to_owned(),
            Self::PlainKey => "key to copy".to_owned(),
            Self::Uri => "URI".to_owned(),
            Self::Settings => "settings".to_owned(),
            Self::Counter => "counter".to_owned(),
            Self::Problem => "problem".to_owned(),
            Self::Device {
                name,
                created,
                last_used,
                next_counter,
            } => {
                let used = last_used.map_or_else(
                    || "never used".to_owned(),
                    |when| format!("last used {}", when.minute(Language::English)),
                );
                let counts = next_counter.map_or_else(String::new, |next| {
                    format!(", counter-based, next counter {next}")
                });
                format!(
                    "{name}, enrolled {}, {used}{counts}",
                    created.minute(Language::English)
                )
            }
            Self::CodesLeft { left, issued } => format!("{left} of {issued} left"),
            Self::ImportedCodesLeft { left, issued } => format!(
                "{left} of {issued} left, of 8 digits and from another program: replace them with 'otp-enroll recovery-codes'"
            ),
            Self::NoCodes => "none issued".to_owned(),
            Self::StandingIs {
                standing,
                now,
                zone,
                opens,
            } => english_standing(standing, now, zone, opens),
            Self::StandingInShort { standing, zone } => match standing {
                Standing::Open => "open".to_owned(),
                Standing::Locked { .. } => standing.ends().map_or_else(
                    || "locked".to_owned(),
                    |ends| format!("locked until {}", zone.at(ends).to_next_minute().cell()),
                ),
                Standing::Held => "locked".to_owned(),
                Standing::Disabled => "disabled".to_owned(),
            },
            Self::FailuresInARow { count: 0, .. } => "none".to_owned(),
            Self::FailuresInARow { count, left } => match left {
                Some(left) => format!("{count} in a row; {left} more would lock"),
                None => format!("{count} in a row"),
            },
            Self::Refused { when, why } => {
                let id = why.word();
                let why = match why {
                    Refusal::WrongCode => "the code was wrong",
                    Refusal::Replayed => "the code had been used before",
                    Refusal::Locked => "the account was locked, so the code was not checked",
                    Refusal::ClockOff => {
                        "the code was right for a clock that is minutes off, or a counter that is far ahead: check the device; two such codes in a row set it right"
                    }
                };
                format!("{}: {why} ({id})", when.minute(Language::English))
            }
            Self::Never => "never".to_owned(),
            Self::NotEnrolled { user } => format!("{user} has no authenticator"),
            Self::Nobody => "nobody is enrolled".to_owned(),
            Self::Unlocked {
                user,
                standing,
                zone,
                failures,
            } => {
                let what = match standing {
                    Standing::Disabled => "is no longer disabled".to_owned(),
                    _ => standing.ends().map_or_else(
                        || "is no longer locked".to_owned(),
                        |ends| english_unlocked(zone.at(ends).to_next_minute()),
                    ),
                };
                format!("{user} {what}; failures in a row forgotten: {failures}")
            }
            Self::WasNotLocked { user, failures: 0 } => format!("{user} was not locked"),
            Self::WasNotLocked { user, failures } => {
                format!("{user} was not locked; failures in a row forgotten: {failures}")
            }
            Self::Erased { user } => {
                format!("{user}: everything that was kept is removed; the user can enrol again")
            }
            Self::LeftForMove { old, new } => format!(
                "{old}: the record stays, because its user id is that of {new}; if that is the same person, run 'otp-admin \
                 move {old} {new}', otherwise 'otp-admin reset {old}'"
            ),
            Self::Moved { old, new } if old == new => {
                format!(
                    "{new}: the record is now bound to the present user id; devices and recovery codes stay"
                )
            }
            Self::Moved { old, new } => {
                format!("{new} has the record of {old} now; devices and recovery codes stay")
            }
            Self::AlreadyTheirs { user } => {
                format!("{user}: the record already matches the user, so nothing was changed")
            }
            Self::NothingToErase { user } => {
                format!("{user}: nothing was kept, so nothing was removed")
            }
        }
    }

    #[expect(clippy::too_many_lines, reason = "a sentence each")]
    fn korean(&self) -> String {
        match *self {
            Self::User => "사용자".to_owned(),
            Self::Authenticator => "인증 수단".to_owned(),
            Self::RecoveryCodes => "복구 코드".to_owned(),
            Self::Standing => "상태".to_owned(),
            Self::Failures => "실패".to_owned(),
            Self::LastRefusal => "마지막 거부".to_owned(),
            Self::Enrolled => "등록".to_owned(),
            Self::LastUsed => "마지막 사용".to_owned(),
            Self::Key => "키(띄어 씀)".to_owned(),
            Self::PlainKey => "키(복사용)".to_owned(),
            Self::Uri => "등록 URI".to_owned(),
            Self::Settings => "설정".to_owned(),
            Self::Counter => "카운터".to_owned(),
            Self::Problem => "문제".to_owned(),
            Self::Device {
                name,
                created,
                last_used,
                next_counter,
            } => {
                let used = last_used.map_or_else(
                    || "사용한 적 없음".to_owned(),
                    |when| format!("마지막 사용 {}", when.minute(Language::Korean)),
                );
                let counts = next_counter.map_or_else(String::new, |next| {
                    format!(", 카운터 기준, 다음 카운터 {next}")
                });
                format!(
                    "{name}, 등록 {}, {used}{counts}",
                    created.minute(Language::Korean)
                )
            }
            Self::CodesLeft { left, issued } => format!("{left}개 남음(전체 {issued}개)"),
            Self::ImportedCodesLeft { left, issued } => format!(
                "{left}개 남음(전체 {issued}개), 다른 프로그램의 8자리 복구 코드: 'otp-enroll recovery-codes' 명령으로 재발급 필요"
            ),
            Self::NoCodes => "발급하지 않음".to_owned(),
            Self::StandingIs {
                standing,
                now,
                zone,
                opens,
            } => korean_standing(standing, now, zone, opens),
            Self::StandingInShort { standing, zone } => match standing {
                Standing::Open => "정상".to_owned(),
                Standing::Locked { .. } => standing.ends().map_or_else(
                    || "잠김".to_owned(),
                    |ends| format!("잠김({}까지)", zone.at(ends).to_next_minute().cell()),
                ),
                Standing::Held => "잠김".to_owned(),
                Standing::Disabled => "사용 중지".to_owned(),
            },
            Self::FailuresInARow { count: 0, .. } | Self::Never => "없음".to_owned(),
            Self::FailuresInARow { count, left } => match left {
                Some(left) => format!("연속 {count}회({left}회 더 틀리면 잠김)"),
                None => format!("연속 {count}회"),
            },
            Self::Refused { when, why } => {
                let id = why.word();
                let why = match why {
                    Refusal::WrongCode => "인증 코드가 맞지 않음",
                    Refusal::Replayed => "이미 사용한 인증 코드",
                    Refusal::Locked => "계정이 잠겨 있어 인증 코드를 확인하지 않음",
                    Refusal::ClockOff => {
                        "인증 코드는 맞지만 기기의 시간이 몇 분 어긋나 있거나 카운터가 많이 앞서 있음. 기기 확인 필요(그런 인증 코드를 연이어 두 번 입력하면 맞춰짐)"
                    }
                };
                format!("{}: {why}({id})", when.minute(Language::Korean))
            }
            Self::NotEnrolled { user } => format!("{user} 계정에 등록된 인증 수단이 없습니다."),
            Self::Nobody => "등록된 사용자가 없습니다.".to_owned(),
            Self::Unlocked {
                user,
                standing,
                zone,
                failures,
            } => {
                let what = match standing {
                    Standing::Disabled => "사용 중지를 해제했습니다".to_owned(),
                    _ => standing.ends().map_or_else(
                        || "잠금을 해제했습니다".to_owned(),
                        |ends| korean_unlocked(zone.at(ends).to_next_minute()),
                    ),
                };
                format!("{user} 계정의 {what}. 연속 실패 횟수({failures}회)를 초기화했습니다.")
            }
            Self::WasNotLocked { user, failures: 0 } => {
                format!("{user} 계정은 잠겨 있지 않았습니다.")
            }
            Self::WasNotLocked { user, failures } => {
                format!(
                    "{user} 계정은 잠겨 있지 않았습니다. 연속 실패 횟수({failures}회)를 초기화했습니다."
                )
            }
            Self::Erased { user } => {
                format!(
                    "{user} 계정의 등록 정보를 모두 삭제했습니다. 이 사용자는 다시 등록할 수 있습니다."
                )
            }
            Self::LeftForMove { old, new } => format!(
                "{old} 이름의 등록 정보를 그대로 두었습니다. 그 사용자 ID는 현재 {new} 계정의 것입니다. 같은 사람이면 'otp-admin move {old} {new}', 다른 사람이면 'otp-admin reset {old}' 명령을 실행하세요."
            ),
            Self::Moved { old, new } if old == new => {
                format!(
                    "{new} 계정의 등록 정보를 현재 사용자 ID에 맞췄습니다. 기기와 복구 코드는 그대로입니다."
                )
            }
            Self::Moved { old, new } => {
                format!(
                    "{old} 이름의 등록 정보를 {new} 계정으로 옮겼습니다. 기기와 복구 코드는 그대로입니다."
                )
            }
            Self::AlreadyTheirs { user } => {
                format!("{user} 계정의 등록 정보가 이미 이 사용자의 것이어서 변경하지 않았습니다.")
            }
            Self::NothingToErase { user } => {
                format!("{user} 계정에 저장된 등록 정보가 없어 삭제하지 않았습니다.")
            }
        }
    }
}

/// A moment with something about it: in parentheses, unless UTC stands in them; then commas enclose it, the second of
/// which is `end`.
pub(super) fn english_aside(moment: Local, aside: &str, end: &str) -> String {
    let told = moment.minute(Language::English);
    if moment.is_utc() {
        format!("{told} ({aside})")
    } else {
        format!("{told}, {aside}{end}")
    }
}

fn english_unlocked(until: Local) -> String {
    let told = until.minute(Language::English);
    if until.is_utc() {
        format!("is no longer locked (it was until {told})")
    } else {
        format!("is no longer locked; it was until {told}")
    }
}

fn korean_unlocked(until: Local) -> String {
    let told = until.minute(Language::Korean);
    if until.is_utc() {
        format!("잠금을 해제했습니다(원래 {told}까지)")
    } else {
        format!("{told}까지였던 잠금을 해제했습니다")
    }
}

fn english_standing(standing: Standing, now: UnixTime, zone: &Zone, opens: bool) -> String {
    let way_out = if opens {
        "a recovery code or 'otp-admin unlock' opens it"
    } else {
        "'otp-admin unlock' opens it"
    };
    match standing {
        Standing::Open => "open".to_owned(),
        Standing::Locked { .. } => {
            let ends = standing.ends().unwrap_or(now);
            let wait = length(Language::English, now.until(ends));
            format!(
                "locked until {} after too many wrong codes; {way_out}",
                english_aside(
                    zone.at(ends).to_next_minute(),
                    &format!("{wait} from now"),
                    ","
                )
            )
        }
        Standing::Held => format!("locked after too many wrong codes; {way_out}"),
        Standing::Disabled => {
            "disabled after too many wrong codes in a row; only 'otp-admin unlock' opens it"
                .to_owned()
        }
    }
}

fn korean_standing(standing: Standing, now: UnixTime, zone: &Zone, opens: bool) -> String {
    let way_out = if opens {
        "복구 코드 또는 'otp-admin unlock'으로 해제 가능"
    } else {
        "'otp-admin unlock'으로 해제 가능"
    };
    match standing {
        Standing::Open => "정상".to_owned(),
        Standing::Locked { .. } => {
            let ends = standing.ends().unwrap_or(now);
            let wait = length(Language::Korean, now.until(ends));
            format!(
                "인증 코드를 여러 번 잘못 입력하여 {}까지 잠김({wait} 남음). {way_out}",
                zone.at(ends).to_next_minute().minute(Language::Korean)
            )
        }
        Standing::Held => format!("인증 코드를 여러 번 잘못 입력하여 잠김. {way_out}"),
        Standing::Disabled => {
            "인증 코드를 연속으로 너무 여러 번 잘못 입력하여 사용 중지됨. 'otp-admin unlock'으로만 해제 가능".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::every;
    use crate::messages::prospect::tests::{assert_same_in_every_language, standings};
    use std::time::Duration;

    mod told;

    static UTC: Zone = Zone::UTC;
    const NOON: UnixTime = UnixTime::from_seconds(1_763_640_000);

    fn all() -> Vec<Report<'static>> {
        let (user, old, new) = ("alice", "alice", "bobby");
        let standing_is = |standing, opens| Report::StandingIs {
            standing,
            now: NOON,
            zone: &UTC,
            opens,
        };
        let standings_are = standings()
            .into_iter()
            .flat_map(|standing| [true, false].map(|opens| standing_is(standing, opens)));
        let unlocked = |standing| Report::Unlocked {
            user,
            standing,
            zone: &UTC,
            failures: 5,
        };
        every!(Report {
            User => [Report::User],
            Authenticator => [Report::Authenticator],
            RecoveryCodes => [Report::RecoveryCodes],
            Standing => [Report::Standing],
            Failures => [Report::Failures],
            LastRefusal => [Report::LastRefusal],
            Enrolled => [Report::Enrolled],
            LastUsed => [Report::LastUsed],
            Key => [Report::Key],
            PlainKey => [Report::PlainKey],
            Uri => [Report::Uri],
            Settings => [Report::Settings],
            Counter => [Report::Counter],
            Problem => [Report::Problem],
            Device => [(None, None), (Some(Local::utc(NOON)), None), (None, Some(17))].map(
                |(last_used, next_counter)| Report::Device {
                    name: "phone",
                    created: Local::utc(NOON),
                    last_used,
                    next_counter,
                }
            ),
            ImportedCodesLeft => [Report::ImportedCodesLeft { left: 3, issued: 5 }],
            CodesLeft => [Report::CodesLeft { left: 9, issued: 10 }],
            NoCodes => [Report::NoCodes],
            StandingIs => standings_are.collect::<Vec<_>>(),
            StandingInShort => standings().into_iter().map(|standing| Report::StandingInShort { standing, zone: &UTC }).collect::<Vec<_>>(),
            FailuresInARow => [(0, Some(5)), (3, Some(2)), (5, None)]
                .map(|(count, left)| Report::FailuresInARow { count, left }),
            Refused => Refusal::ALL.map(|why| Report::Refused { when: Local::utc(NOON), why }),
            Never => [Report::Never],
            NotEnrolled => [Report::NotEnrolled { user }],
            Nobody => [Report::Nobody],
            Unlocked => standings().into_iter().map(unlocked).collect::<Vec<_>>(),
            WasNotLocked => [0, 4].map(|failures| Report::WasNotLocked { user, failures }),
            Erased => [Report::Erased { user }],
            LeftForMove => [Report::LeftForMove { old, new }],
            Moved => [Report::Moved { old, new }, Report::Moved { old, new: old }],
            AlreadyTheirs => [Report::AlreadyTheirs { user }],
            NothingToErase => [Report::NothingToErase { user }],
        })
    }

    #[test]
    fn every_report_exists_in_every_language_with_the_same_figures() {
        for report in all() {
            assert_same_in_every_language(|language| report.text(language));
        }
    }

    #[test]
    fn the_report_about_a_lock_says_until_when_and_what_opens_it() {
        let standing = Standing::Locked {
            since: NOON,
            lasts: Duration::from_secs(900),
        };
        let said = |opens| {
            Report::StandingIs {
                standing,
                now: NOON,
                zone: &UTC,
                opens,
            }
            .text(Language::English)
        };
        assert_eq!(
            said(true),
            "locked until 2025-11-20 12:15 UTC (15 minutes from now) after too many wrong codes; \
             a recovery code or 'otp-admin unlock' opens it"
        );
        assert!(!said(false).contains("recovery"));
    }

    #[test]
    fn every_refusal_has_its_own_words() {
        for language in Language::ALL {
            let mut said: Vec<_> = Refusal::ALL
                .map(|why| {
                    Report::Refused {
                        when: Local::utc(NOON),
                        why,
                    }
                    .text(language)
                })
                .into();
            assert!(
                said.iter()
                    .all(|text| text.starts_with("2025-11-20 12:00 UTC: "))
            );
            for (text, why) in said.iter().zip(Refusal::ALL) {
                assert!(text.ends_with(&format!("({})", why.word())), "{text}");
            }
            said.sort();
            said.dedup();
            assert_eq!(said.len(), Refusal::ALL.len());
        }
    }
}
