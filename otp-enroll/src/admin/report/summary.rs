//! The counts of a report.

use super::row::{Must, Row};
use otp_core::enforce::Demand;
use otp_site::people::Memberships;
use serde::Serialize;
use std::collections::BTreeMap;

/// Counts of all users of a report. The keys of its JSON form never change.
#[derive(Serialize)]
pub struct Summary {
    pub users: u64,
    pub enrolled: u64,
    /// Users who must have an authenticator now and have none.
    pub missing: u64,
    /// Those of them whose shell lets no one in.
    pub missing_without_shell: u64,
    /// Users who must have an authenticator later and have none.
    pub missing_later: u64,
    pub locked: u64,
    pub disabled: u64,
    /// Users with a problem, records without an account, and names that are no account's.
    pub problems: u64,
    #[serde(serialize_with = "by_rule")]
    pub by_rule: BTreeMap<(&'static str, Option<String>), Count>,
    #[serde(serialize_with = "by_group")]
    pub by_group: Vec<(String, Count)>,
}

/// Counts of the users under one rule or in one group.
#[derive(Clone, Copy, Default, Serialize)]
pub struct Count {
    pub users: u64,
    pub enrolled: u64,
    /// Users who must have an authenticator, now or later, and have none.
    pub missing: u64,
}

impl Count {
    fn add(&mut self, row: &Row) {
        self.users += 1;
        self.enrolled += u64::from(row.is_enrolled() == Some(true));
        self.missing += u64::from(row.is_missing().is_some());
    }

    /// Returns the number of users who are not known to have an authenticator.
    pub const fn without(&self) -> u64 {
        self.users - self.enrolled
    }
}

impl Summary {
    /// Starts without any user.
    pub fn of(memberships: &Memberships) -> Self {
        let group = |name: &str| (name.to_owned(), Count::default());
        Self {
            users: 0,
            enrolled: 0,
            missing: 0,
            missing_without_shell: 0,
            missing_later: 0,
            locked: 0,
            disabled: 0,
            problems: 0,
            by_rule: BTreeMap::new(),
            by_group: memberships.names().map(group).collect(),
        }
    }

    /// Counts one more row.
    pub fn add(&mut self, row: &Row) {
        self.problems += u64::from(row.problem.is_some());
        let Some(demand) = &row.demand else { return };
        self.users += 1;
        self.enrolled += u64::from(row.is_enrolled() == Some(true));
        match row.is_missing() {
            Some(Must::Now) => {
                self.missing += 1;
                self.missing_without_shell += u64::from(row.may_have_shell == Some(false));
            }
            Some(Must::Later) => self.missing_later += 1,
            Some(Must::No) | None => {}
        }
        if let Some(status) = &row.status {
            self.locked += u64::from(status.locked);
            self.disabled += u64::from(status.disabled);
        }
        self.rule(demand).add(row);
        for &at in &row.groups {
            self.by_group[at].1.add(row);
        }
    }

    fn rule(&mut self, demand: &Demand) -> &mut Count {
        let (word, group) = demand.rule();
        let key = (word, group.map(str::to_owned));
        self.by_rule.entry(key).or_default()
    }
}

#[derive(Serialize)]
struct OfRule<'a> {
    rule: &'static str,
    group: Option<&'a str>,
    #[serde(flatten)]
    count: Count,
}

#[derive(Serialize)]
struct OfGroup<'a> {
    group: &'a str,
    #[serde(flatten)]
    count: Count,
}

fn by_rule<S: serde::Serializer>(
    counts: &BTreeMap<(&'static str, Option<String>), Count>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(counts.iter().map(|((rule, group), count)| OfRule {
        rule,
        group: group.as_deref(),
        count: *count,
    }))
}

fn by_group<S: serde::Serializer>(
    counts: &[(String, Count)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(counts.iter().map(|(group, count)| OfGroup {
        group,
        count: *count,
    }))
}
