//! What `otp-admin report` and `list` print in addition to what `show` prints.

use crate::enforce::{Demand, Exemption, Rule};
use crate::login::Prospect;
use crate::messages::reason::Wording;
use crate::record::Language;
use crate::zone::Zone;

/// One line or label, without a full stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Roll<'a> {
    /// Label: whether an account must have an authenticator.
    Must,
    /// Label: the rule that applies.
    Rule,
    /// Label: authenticators.
    Authenticators,
    /// Label: what happens in a login.
    Login,
    /// Label: a group.
    Group,
    /// Label: how many users.
    Users,
    /// Label: how many of them have an authenticator.
    With,
    /// Label: how many of them have none.
    Without,
    /// Label: how many of them must have one and have none.
    Missing,
    /// No user is left to report on.
    NobodyMeant,
    /// The record was held by another process, so it was read as it was a moment before.
    Held,
    /// A process holds the record, and what was read does not fit together.
    HeldUnread,
    /// A line of a file that cannot be a user's name.
    NoName {
        /// The reason.
        why: &'a str,
    },
    /// How many users were reported.
    Totals {
        /// All users.
        users: u64,
        /// Those with an authenticator.
        enrolled: u64,
    },
    /// How many must have one now and have none.
    MissingNow {
        /// How many there are.
        count: u64,
        /// Those whose shell lets nobody in.
        without_shell: u64,
    },
    /// How many must have one later and have none.
    MissingLater {
        /// How many there are.
        count: u64,
    },
    /// How many are locked, and how many disabled.
    LockedAre {
        /// Locked.
        locked: u64,
        /// Disabled.
        disabled: u64,
    },
    /// How many records have something wrong with them.
    ProblemsAre {
        /// How many there are.
        count: u64,
    },
    /// How far the work has come.
    Progress {
        /// Users that were examined.
        done: u64,
        /// All users.
        all: u64,
    },
    /// A service of the name service lists no users.
    ListsNobody {
        /// Its name.
        service: &'a str,
    },
    /// A service of the name service may not list all of its users.
    MayListSome {
        /// Its name.
        service: &'a str,
    },
    /// A group of the policy cannot be looked up.
    UnknownGroup {
        /// The group, as the policy names it.
        group: &'a str,
    },
}

impl Roll<'_> {
    /// Returns the text in this language.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        match language {
            Language::English => self.english(),
            Language::Korean => self.korean(),
        }
    }

    fn english(&self) -> String {
        match *self {
            Self::Must => "must have one".to_owned(),
            Self::Rule => "rule".to_owned(),
            Self::Authenticators => "authenticators".to_owned(),
            Self::Login => "login".to_owned(),
            Self::Group => "group".to_owned(),
            Self::Users => "users".to_owned(),
            Self::With => "with".to_owned(),
            Self::Without => "without".to_owned(),
            Self::Missing => "missing".to_owned(),
            Self::NobodyMeant => "there is nobody to report".to_owned(),
            Self::Held => {
                "another program holds the record; this is how it stood just now, and an attempt may still be in progress"
                    .to_owned()
            }
            Self::HeldUnread => {
                "another program holds the record, and what can be read of it is not consistent; try again"
                    .to_owned()
            }
            Self::NoName { why } => format!("this cannot be a user's name: {why}"),
            Self::Totals { users, enrolled } => {
                format!("{users} users, {enrolled} of them with an authenticator")
            }
            Self::MissingNow {
                count,
                without_shell,
            } => format!(
                "{count} must have one now and have none, {without_shell} of them without a login shell"
            ),
            Self::MissingLater { count } => {
                format!("{count} must have one later and have none yet")
            }
            Self::LockedAre { locked, disabled } => {
                format!("{locked} locked, {disabled} disabled")
            }
            Self::ProblemsAre { count } => {
                format!("{count} with a problem, which their lines show")
            }
            Self::Progress { done, all } => format!("{done} of {all}"),
            Self::ListsNobody { service } => format!(
                "some users may be missing here: the name service '{service}' lists no users, so its users without a record \
                 who are in no group of the policy are not shown; name users with --users, or have it list them"
            ),
            Self::MayListSome { service } => format!(
                "some users may be missing here: the name service '{service}' may not list all of its users; name users with \
                 --users to be sure"
            ),
            Self::UnknownGroup { group } => format!(
                "the group '{group}' cannot be looked up, so everybody counts as a member where it demands a code, and \
                 nobody where it exempts"
            ),
        }
    }

    fn korean(&self) -> String {
        match *self {
            Self::Must => "인증 수단 의무".to_owned(),
            Self::Rule => "규칙".to_owned(),
            Self::Authenticators => "인증 수단".to_owned(),
            Self::Login => "로그인".to_owned(),
            Self::Group => "그룹".to_owned(),
            Self::Users => "사용자".to_owned(),
            Self::With => "있음".to_owned(),
            Self::Without => "없음".to_owned(),
            Self::Missing => "미등록".to_owned(),
            Self::NobodyMeant => "보고할 사용자가 없습니다.".to_owned(),
            Self::Held => {
                "다른 프로그램이 등록 정보를 사용하고 있습니다. 방금 전의 상태이며 로그인 시도가 진행 중일 수 있습니다."
                    .to_owned()
            }
            Self::HeldUnread => {
                "다른 프로그램이 등록 정보를 사용하고 있어 지금 읽은 내용이 서로 맞지 않습니다. 다시 시도하세요.".to_owned()
            }
            Self::NoName { why } => format!("사용자 이름이 될 수 없습니다: {why}"),
            Self::Totals { users, enrolled } => {
                format!("사용자 {users}명, 그중 인증 수단이 있는 사용자 {enrolled}명")
            }
            Self::MissingNow {
                count,
                without_shell,
            } => format!(
                "지금 인증 수단이 있어야 하지만 없는 사용자 {count}명, 그중 로그인 셸이 없는 사용자 {without_shell}명"
            ),
            Self::MissingLater { count } => {
                format!("나중에 인증 수단이 있어야 하지만 아직 없는 사용자 {count}명")
            }
            Self::LockedAre { locked, disabled } => {
                format!("잠김 {locked}명, 사용 중지 {disabled}명")
            }
            Self::ProblemsAre { count } => {
                format!("문제가 있는 사용자 {count}명(문제는 각 줄에 있음)")
            }
            Self::Progress { done, all } => format!("{all}명 중 {done}명"),
            Self::ListsNobody { service } => format!(
                "모든 사용자가 아닐 수 있습니다. '{service}' 이름 서비스에서는 사용자 목록을 얻을 수 없어, 등록 정보가 없고 정책의 \
                 그룹에도 없는 사용자가 빠집니다. --users 옵션으로 사용자를 지정하거나 목록을 허용하도록 설정하세요."
            ),
            Self::MayListSome { service } => format!(
                "모든 사용자가 아닐 수 있습니다. '{service}' 이름 서비스는 사용자를 모두 나열하지 않을 수 있습니다. 확실히 하려면 \
                 --users 옵션으로 사용자를 지정하세요."
            ),
            Self::UnknownGroup { group } => format!(
                "'{group}' 그룹을 찾을 수 없습니다. 의무 그룹이면 모두가 속한 것으로, 예외 그룹이면 아무도 속하지 않은 것으로 간주합니다."
            ),
        }
    }
}

/// Why there is no report: what was wrong with the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unasked {
    /// No group has that name or number.
    NoSuchGroup {
        /// The group, as it was given.
        group: String,
    },
    /// Too many lines of a file of names are not names.
    NoNames {
        /// Which file.
        path: String,
    },
    /// A file of names cannot be read.
    NotRead {
        /// Its path.
        path: String,
        /// The reason.
        reason: Wording,
    },
}

impl Unasked {
    /// Says what is wrong.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        match (language, self) {
            (Language::English, Self::NoSuchGroup { group }) => {
                format!("no group is called '{group}', or it cannot be looked up")
            }
            (Language::Korean, Self::NoSuchGroup { group }) => {
                format!("'{group}' 그룹이 없거나 찾을 수 없습니다.")
            }
            (Language::English, Self::NoNames { path }) => {
                format!("{path}: too many lines cannot be a user's name")
            }
            (Language::Korean, Self::NoNames { path }) => {
                format!("{path}: 사용자 이름이 될 수 없는 줄이 너무 많습니다.")
            }
            (Language::English, Self::NotRead { path, reason }) => {
                format!("{path}: cannot read: {}", reason.text(language))
            }
            (Language::Korean, Self::NotRead { path, reason }) => {
                format!("{path}: 읽을 수 없습니다: {}", reason.text(language))
            }
        }
    }

    /// Says what to do about it.
    #[must_use]
    pub const fn hint(&self, language: Language) -> &'static str {
        match (language, self) {
            (Language::English, Self::NoSuchGroup { .. }) => {
                "check the spelling, and the output of 'getent group'"
            }
            (Language::Korean, Self::NoSuchGroup { .. }) => {
                "이름의 철자를 확인하고 'getent group' 명령으로 그룹을 확인하세요."
            }
            (Language::English, Self::NoNames { .. }) => "write one user's name on each line",
            (Language::Korean, Self::NoNames { .. }) => "한 줄에 사용자 이름을 하나씩 적으세요.",
            (Language::English, Self::NotRead { .. }) => "check the path",
            (Language::Korean, Self::NotRead { .. }) => "경로를 확인하세요.",
        }
    }
}

impl Rule {
    /// Returns a word to search for, the same in every language; a group's name stands beside it.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Everybody => "everybody",
            Self::Group(_) => "group",
            Self::UnknownGroup(_) => "unknown-group",
        }
    }

    /// Returns the group of the rule.
    #[must_use]
    pub fn group(&self) -> Option<&str> {
        match self {
            Self::Everybody => None,
            Self::Group(name) | Self::UnknownGroup(name) => Some(name),
        }
    }
}

impl Exemption {
    /// Returns a word to search for, the same in every language; a group's name stands beside it.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Nullok => "nullok",
            Self::User => "exempt-user",
            Self::Group(_) => "exempt-group",
            Self::NotDemanded => "not-demanded",
        }
    }

    /// Returns the group of the exemption.
    #[must_use]
    pub fn group(&self) -> Option<&str> {
        match self {
            Self::Group(name) => Some(name),
            Self::Nullok | Self::User | Self::NotDemanded => None,
        }
    }
}

impl Demand {
    /// Returns the word of the rule, and its group.
    #[must_use]
    pub fn rule(&self) -> (&'static str, Option<&str>) {
        match self {
            Self::Nothing(why) => (why.word(), why.group()),
            Self::From(_, rule) | Self::Now(rule) => (rule.word(), rule.group()),
        }
    }

    /// Returns when an authenticator must be there, for people to read in a table; the same in every language.
    #[must_use]
    pub fn when(&self, zone: &Zone) -> String {
        match self {
            Self::Nothing(_) => "no".to_owned(),
            Self::From(deadline, _) => zone.at(*deadline).cell(),
            Self::Now(_) => "now".to_owned(),
        }
    }
}

impl Prospect {
    /// Returns what would happen in a login, in one word that is the same in every language.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Locked { .. } => "locked",
            Self::LetIn { .. } => "let-in",
            Self::LetInUntil { .. } => "let-in-until",
            Self::Offered { .. } => "offered",
            Self::SetsUp { .. } => "sets-up",
            Self::Refused { .. } => "refused",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::every;
    use crate::messages::prospect::tests::{
        NOON, assert_same_in_every_language, exemptions, prospects, rules,
    };

    fn all() -> Vec<Roll<'static>> {
        every!(Roll {
            Must => [Roll::Must],
            Rule => [Roll::Rule],
            Authenticators => [Roll::Authenticators],
            Login => [Roll::Login],
            Group => [Roll::Group],
            Users => [Roll::Users],
            With => [Roll::With],
            Without => [Roll::Without],
            Missing => [Roll::Missing],
            NobodyMeant => [Roll::NobodyMeant],
            Held => [Roll::Held],
            HeldUnread => [Roll::HeldUnread],
            NoName => [Roll::NoName { why: "abc" }],
            Totals => [Roll::Totals { users: 12, enrolled: 3 }],
            MissingNow => [Roll::MissingNow { count: 12, without_shell: 3 }],
            MissingLater => [Roll::MissingLater { count: 12 }],
            LockedAre => [Roll::LockedAre { locked: 12, disabled: 3 }],
            ProblemsAre => [Roll::ProblemsAre { count: 12 }],
            Progress => [Roll::Progress { done: 3, all: 12 }],
            ListsNobody => [Roll::ListsNobody { service: "sss" }],
            MayListSome => [Roll::MayListSome { service: "ldap" }],
            UnknownGroup => [Roll::UnknownGroup { group: "staff" }],
        })
    }

    #[test]
    fn every_line_exists_in_every_language_with_the_same_figures() {
        for line in all() {
            assert_same_in_every_language(|language| line.text(language));
        }
    }

    #[test]
    fn every_reason_for_no_report_exists_in_every_language_with_its_names() {
        let [group, path, reason] = ["staff", "/root/names", "reason"].map(str::to_owned);
        let all = every!(Unasked {
            NoSuchGroup => [Unasked::NoSuchGroup { group }],
            NoNames => [Unasked::NoNames { path: path.clone() }],
            NotRead => [Unasked::NotRead { path, reason: reason.into() }],
        });
        for one in all {
            assert_same_in_every_language(|language| one.text(language));
            assert_same_in_every_language(|language| one.hint(language).to_owned());
        }
    }

    #[test]
    fn every_rule_and_every_outcome_of_a_login_has_a_word_of_its_own() {
        let mut words: Vec<_> = rules().iter().map(Rule::word).collect();
        words.extend(exemptions().iter().map(Exemption::word));
        let all = words.len();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), all);
        let mut words: Vec<_> = prospects().iter().map(Prospect::word).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), 7);
    }

    #[test]
    fn a_rule_names_its_group() {
        let staff = || Rule::Group("staff".to_owned());
        assert_eq!(Demand::Now(staff()).rule(), ("group", Some("staff")));
        assert_eq!(Demand::Now(staff()).when(&Zone::UTC), "now");
        let later = Demand::From(NOON, staff());
        assert_eq!(later.when(&Zone::UTC), "2025-11-20 12:00 UTC");
        let exempt = Demand::Nothing(Exemption::Group("kiosk".to_owned()));
        assert_eq!(exempt.rule(), ("exempt-group", Some("kiosk")));
        assert_eq!(exempt.when(&Zone::UTC), "no");
        let user = Demand::Nothing(Exemption::User);
        assert_eq!(user.rule(), ("exempt-user", None));
    }
}
