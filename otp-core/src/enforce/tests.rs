//! Groups, dates, grace, arguments: the demands of the policy, and their reasons.

use super::*;
use std::time::Duration;

const NOW: UnixTime = UnixTime::from_seconds(1_800_000_000);
const DAY: u64 = 86_400;

const fn days_ago(days: u64) -> UnixTime {
    UnixTime::from_seconds(NOW.seconds() - days * DAY)
}

const fn in_days(days: u64) -> UnixTime {
    UnixTime::from_seconds(NOW.seconds() + days * DAY)
}

/// alice is in "staff" and in "on-leave"; "gone" cannot be looked up.
fn belongs(group: &str) -> Belongs {
    match group {
        "staff" | "on-leave" | "100" => Belongs::Yes,
        "gone" => Belongs::Unknown,
        _ => Belongs::No,
    }
}

struct Row {
    why: &'static str,
    groups: &'static [&'static str],
    exempt_groups: &'static [&'static str],
    exempt_users: &'static [&'static str],
    from: Option<UnixTime>,
    grace_days: u64,
    first_login: Option<UnixTime>,
    nullok: bool,
    wanted: Demand,
}

impl Default for Row {
    fn default() -> Self {
        Self {
            why: "",
            groups: &["*"],
            exempt_groups: &[],
            exempt_users: &[],
            from: None,
            grace_days: 0,
            first_login: None,
            nullok: false,
            wanted: Demand::Now(Rule::Everybody),
        }
    }
}

impl Row {
    fn demand(&self) -> Demand {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let policy = EnforcePolicy {
            groups: if self.groups == ["*"] {
                Groups::Everybody
            } else {
                Groups::Named(owned(self.groups))
            },
            exempt_groups: owned(self.exempt_groups),
            exempt_users: owned(self.exempt_users),
            from: self.from,
            grace: Duration::from_secs(self.grace_days * DAY),
        };
        let who = Unenrolled {
            user: "alice",
            nullok: self.nullok,
            first_login: self.first_login,
        };
        demand(&policy, &who, belongs, NOW)
    }
}

fn group(name: &str) -> Rule {
    Rule::Group(name.to_owned())
}

fn nothing(why: Exemption) -> Demand {
    Demand::Nothing(why)
}

#[test]
fn every_combination_has_its_verdict_and_its_reason() {
    let everybody = || Rule::Everybody;
    #[rustfmt::skip]
    let rows = [
        // Users who must have a second factor.
        Row { why: "by default everybody must, now", ..Row::default() },
        Row { why: "nobody must where no group is named", groups: &[], wanted: nothing(Exemption::NotDemanded), ..Row::default() },
        Row { why: "a member must", groups: &["staff"], wanted: Demand::Now(group("staff")), ..Row::default() },
        Row { why: "a member by number must", groups: &["100"], wanted: Demand::Now(group("100")), ..Row::default() },
        Row { why: "a user who is no member need not", groups: &["admins"], wanted: nothing(Exemption::NotDemanded), ..Row::default() },
        Row { why: "one group of several is enough", groups: &["admins", "staff"], wanted: Demand::Now(group("staff")), ..Row::default() },
        Row { why: "a group that cannot be looked up holds the user", groups: &["gone"], wanted: Demand::Now(Rule::UnknownGroup("gone".to_owned())), ..Row::default() },
        Row { why: "a sure group is named before an unsure one", groups: &["gone", "staff"], wanted: Demand::Now(group("staff")), ..Row::default() },
        // Exempt users.
        Row { why: "an exempt user need not", exempt_users: &["alice"], wanted: nothing(Exemption::User), ..Row::default() },
        Row { why: "names are compared whole and exactly", exempt_users: &["alic", "alice2", "Alice"], ..Row::default() },
        Row { why: "a member of an exempt group need not", exempt_groups: &["on-leave"], wanted: nothing(Exemption::Group("on-leave".to_owned())), ..Row::default() },
        Row { why: "exempt wins over demanded", groups: &["staff"], exempt_groups: &["on-leave"], wanted: nothing(Exemption::Group("on-leave".to_owned())), ..Row::default() },
        Row { why: "an exempt group that cannot be looked up does not hold the user", exempt_groups: &["gone"], ..Row::default() },
        Row { why: "nullok on the line wins over everything", nullok: true, wanted: nothing(Exemption::Nullok), ..Row::default() },
        // From when on.
        Row { why: "before the day", from: Some(in_days(3)), wanted: Demand::From(in_days(3), everybody()), ..Row::default() },
        Row { why: "in the very second of the deadline", from: Some(NOW), ..Row::default() },
        Row { why: "after the day", from: Some(days_ago(1)), ..Row::default() },
        Row { why: "a day to come changes nothing for exempt users", from: Some(in_days(3)), exempt_users: &["alice"], wanted: nothing(Exemption::User), ..Row::default() },
        // Grace.
        Row { why: "a grace that has not begun begins now", grace_days: 7, wanted: Demand::From(in_days(7), everybody()), ..Row::default() },
        Row { why: "two of seven days are gone", grace_days: 7, first_login: Some(days_ago(2)), wanted: Demand::From(in_days(5), everybody()), ..Row::default() },
        Row { why: "in the very second of its end", grace_days: 7, first_login: Some(days_ago(7)), ..Row::default() },
        Row { why: "long after its end", grace_days: 7, first_login: Some(days_ago(99)), ..Row::default() },
        Row { why: "a first login in the future is now: the clock ran back", grace_days: 7, first_login: Some(in_days(99)), wanted: Demand::From(in_days(7), everybody()), ..Row::default() },
        Row { why: "a first login is nothing where there is no grace", first_login: Some(days_ago(1)), ..Row::default() },
        Row { why: "a grace that policy has shortened ends sooner", grace_days: 1, first_login: Some(days_ago(2)), ..Row::default() },
        Row { why: "a user whose groups cannot be looked up has the grace too", groups: &["gone"], grace_days: 7, wanted: Demand::From(in_days(7), Rule::UnknownGroup("gone".to_owned())), ..Row::default() },
        // A date and a grace together.
        Row { why: "the later of the two: the day", from: Some(in_days(9)), grace_days: 7, wanted: Demand::From(in_days(9), everybody()), ..Row::default() },
        Row { why: "the later of the two: the grace", from: Some(days_ago(9)), grace_days: 7, first_login: Some(days_ago(1)), wanted: Demand::From(in_days(6), everybody()), ..Row::default() },
        Row { why: "both are over", from: Some(days_ago(9)), grace_days: 7, first_login: Some(days_ago(8)), ..Row::default() },
        Row { why: "a grace without end does not wrap", grace_days: u64::MAX / DAY, wanted: Demand::From(UnixTime::from_seconds(NOW.seconds().saturating_add(u64::MAX / DAY * DAY)), everybody()), ..Row::default() },
    ];
    for row in &rows {
        assert_eq!(row.demand(), row.wanted, "{}", row.why);
    }
}

#[test]
fn only_a_demand_that_holds_now_keeps_users_out() {
    for (demand, lets_in) in [
        (nothing(Exemption::NotDemanded), true),
        (Demand::From(in_days(1), Rule::Everybody), true),
        (Demand::Now(Rule::Everybody), false),
    ] {
        assert_eq!(demand.lets_in(), lets_in, "{demand:?}");
    }
}

#[test]
fn the_stricter_of_two_demands_counts_in_either_order() {
    let [soon, late] = [1, 9].map(|days| Demand::From(in_days(days), Rule::Everybody));
    let now = Demand::Now(Rule::Group("admins".to_owned()));
    let free = nothing(Exemption::User);
    for (one, another, stricter) in [
        (&free, &now, &now),
        (&free, &soon, &soon),
        (&soon, &now, &now),
        (&soon, &late, &soon),
        (&free, &free, &free),
        (&now, &now, &now),
    ] {
        assert_eq!(&one.clone().or_stricter(another.clone()), stricter);
        assert_eq!(&another.clone().or_stricter(one.clone()), stricter);
    }
}

#[test]
fn a_group_is_not_looked_up_if_the_answer_would_change_nothing() {
    let policy = EnforcePolicy {
        groups: Groups::Everybody,
        exempt_groups: vec!["staff".to_owned()],
        exempt_users: vec!["alice".to_owned()],
        from: None,
        grace: Duration::ZERO,
    };
    let who = Unenrolled {
        user: "alice",
        nullok: false,
        first_login: None,
    };
    let asked = |group: &str| -> Belongs { panic!("asked about {group}") };
    assert_eq!(
        demand(&policy, &who, asked, NOW),
        nothing(Exemption::User),
        "by name: a directory that is down is not waited for"
    );
}

#[test]
fn part_of_a_day_counts_as_a_whole_day() {
    for (seconds, days) in [(1, 1), (DAY, 1), (DAY + 1, 2), (0, 0)] {
        assert_eq!(
            days_left(NOW, NOW.after(Duration::from_secs(seconds))),
            days
        );
    }
    assert_eq!(days_left(NOW, days_ago(1)), 0);
}

#[test]
fn each_group_that_could_not_be_looked_up_is_named_once_and_no_other() {
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let policy = EnforcePolicy {
        groups: Groups::Named(names(&["nobody-has-it", "gone", "lost"])),
        exempt_groups: names(&["gone"]),
        exempt_users: Vec::new(),
        from: None,
        grace: Duration::ZERO,
    };
    let [name, alias] = ["alice", "al"].map(|name| UserName::new(name).unwrap());
    for alias in [None, Some(&alias)] {
        let login = Login {
            name: &name,
            alias,
            nullok: false,
            first_login: None,
        };
        let belongs = |_: &UserName, group: &str| match group {
            "lost" => Belongs::Unknown,
            group => belongs(group),
        };
        let (demand, unknown) = demand_on_login(&policy, &login, belongs, NOW);
        let rule = Rule::UnknownGroup("gone".to_owned());
        assert_eq!(demand, Demand::Now(rule));
        assert_eq!(unknown, ["gone", "lost"]);
    }
}
