//! One user of the report: what the policy demands, and what the user has.

use super::Only;
use crate::admin::cells::{LastRefusal, no_formula, refusal, row, seconds, standing_word};
use crate::admin::policy::ruling::Case;
use crate::admin::roster::Whom;
use crate::admin::sight::Found;
use crate::status::{Device, Status};
use otp_core::enforce::{Belongs, Demand};
use otp_core::login::{Door, Prospect};
use otp_core::messages::admin::Report;
use otp_core::record::{Kind, Language};
use otp_core::{Policy, UnixTime, UserName, Zone};
use otp_site::groups;
use otp_site::people::{Memberships, People};
use serde::Serialize;

/// The facts by which users are judged.
pub struct Judge<'a> {
    pub policy: &'a Policy,
    pub doors: &'a [Door],
    pub people: &'a People,
    pub memberships: &'a Memberships,
    /// Only members of one of these groups; none: all users.
    pub asked_groups: &'a [String],
    pub now: UnixTime,
}

/// One user.
pub struct Row {
    pub user: String,
    /// The name that was asked about, if it is a different one.
    pub asked: Option<String>,
    pub uid: Option<u32>,
    /// Whether the shell lets the user in; `None`: this is unknown.
    pub may_have_shell: Option<bool>,
    /// What the policy demands; `None`: there is no such account.
    pub demand: Option<Demand>,
    /// The outcome of a login; `None`: there is no such account, or the record cannot be read.
    pub prospect: Option<Prospect>,
    /// The groups in question that the user is a member of, by their positions.
    pub groups: Vec<usize>,
    /// The state of the account; `None`: the record cannot be read, or has no account.
    pub status: Option<Status>,
    /// The kinds of the authenticators, in their order.
    pub kinds: Vec<Kind>,
    /// When the grace began, if there is no authenticator.
    pub first_login: Option<UnixTime>,
    pub problem: Option<String>,
}

impl Judge<'_> {
    /// Makes the row of one user; `None`: the report does not ask about this user.
    pub fn row(&self, found: Found, whom: &Whom<'_>) -> Option<Row> {
        let Found {
            user,
            account,
            alias,
            glance,
            problem,
        } = found;
        let Some(account) = account else {
            // The groups of a record without an account are unknown.
            let is_meant = self.asked_groups.is_empty();
            return is_meant.then(|| Row::wrong(user, problem.unwrap_or_default()));
        };
        let of_account = self.memberships.of_user(self.people, &account.name);
        let belongs = |name: &UserName, group: &str| {
            if *name == account.name {
                of_account.belongs(group)
            } else {
                groups::belongs(name, group)
            }
        };
        let holds = |group: &str| belongs(&account.name, group) == Belongs::Yes;
        let is_meant =
            self.asked_groups.is_empty() || self.asked_groups.iter().any(|group| holds(group));
        if !is_meant {
            return None;
        }
        let names = self.memberships.names().enumerate();
        let groups = names.filter(|(_, group)| holds(group));
        let groups = groups.map(|(at, _)| at).collect();
        let first_login = match &glance {
            Some(glance) => glance.first_login,
            // If the record cannot be read, the first login is unknown: the row shows what the policy demands in the
            // end.
            None => Some(UnixTime::from_seconds(0)),
        };
        let kinds = glance
            .as_ref()
            .map_or_else(Vec::new, |glance| glance.kinds.clone());
        let is_read = glance.is_some();
        let status = glance.map(|glance| Status::of(&user, glance.overview));
        let case = Case {
            account: &account,
            alias: alias.as_ref(),
            status: status.as_ref(),
            first_login,
        };
        let ruling = case.under(self.policy, self.doors, belongs, self.now);
        let asked = whom.is_asked.then(|| whom.name.to_owned());
        Some(Row {
            asked: asked.filter(|asked| *asked != user),
            uid: Some(account.uid),
            may_have_shell: whom.position.map(|at| self.people.may_have_shell(at)),
            demand: Some(ruling.demand),
            prospect: is_read.then_some(ruling.prospect),
            groups,
            first_login: first_login.filter(|_| is_read),
            kinds,
            status,
            problem,
            user,
        })
    }
}

/// Whether a user must have an authenticator.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Must {
    Now,
    Later,
    No,
}

impl Must {
    pub const fn of(demand: &Demand) -> Self {
        match demand {
            Demand::Now(_) => Self::Now,
            Demand::From(..) => Self::Later,
            Demand::Nothing(_) => Self::No,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::Later => "later",
            Self::No => "no",
        }
    }
}

/// A user as JSON. These keys never change; times are seconds since 1970.
#[derive(Serialize)]
struct Json<'a> {
    user: &'a str,
    asked: Option<&'a str>,
    uid: Option<u32>,
    login_shell: Option<bool>,
    must: Option<&'static str>,
    must_from: Option<u64>,
    rule: Option<&'static str>,
    rule_group: Option<&'a str>,
    groups: Vec<&'a str>,
    login: Option<&'static str>,
    grace_began: Option<u64>,
    enrolled: Option<bool>,
    authenticators: Vec<Authenticator<'a>>,
    recovery_codes_left: Option<u32>,
    failures: Option<u32>,
    locked: Option<bool>,
    locked_until: Option<u64>,
    disabled: Option<bool>,
    last_refusal: Option<LastRefusal>,
    problem: Option<&'a str>,
}

/// One authenticator, as JSON.
#[derive(Serialize)]
struct Authenticator<'a> {
    name: &'a str,
    r#type: &'static str,
    created: u64,
    last_used: Option<u64>,
}

impl<'a> Authenticator<'a> {
    fn of(device: &'a Device, kind: Kind) -> Self {
        Self {
            name: &device.name,
            r#type: kind.word(),
            created: device.created,
            last_used: device.last_used,
        }
    }
}

/// The columns of the same facts as comma-separated values.
pub const COLUMNS: &str = "user,asked,uid,login_shell,must,must_from,rule,rule_group,groups,login,grace_began,enrolled,\
                           authenticators,types,created,last_used,recovery_codes_left,failures,locked,locked_until,disabled,\
                           last_refusal,last_refusal_time,problem\n";

impl Row {
    /// Makes a row that has only a problem.
    pub const fn wrong(user: String, problem: String) -> Self {
        Self {
            user,
            asked: None,
            uid: None,
            may_have_shell: None,
            demand: None,
            prospect: None,
            groups: Vec::new(),
            status: None,
            kinds: Vec::new(),
            first_login: None,
            problem: Some(problem),
        }
    }

    /// Whether there is an authenticator; `None`: this is unknown.
    pub fn is_enrolled(&self) -> Option<bool> {
        self.status.as_ref().map(|status| status.enrolled)
    }

    /// Returns when a missing authenticator must be there; `None`: none is missing.
    pub fn is_missing(&self) -> Option<Must> {
        let must = self.demand.as_ref().map(Must::of)?;
        (self.is_enrolled() == Some(false) && must != Must::No).then_some(must)
    }

    /// Whether the row is one of these.
    pub fn is(&self, only: Only) -> bool {
        match only {
            Only::Missing => self.is_missing().is_some(),
            Only::Unenrolled => self.is_enrolled() == Some(false),
            Only::Locked => {
                let status = self.status.as_ref();
                status.is_some_and(|status| status.locked || status.disabled)
            }
            Only::Problem => self.problem.is_some(),
        }
    }

    fn must_from(&self) -> Option<u64> {
        match &self.demand {
            Some(Demand::From(deadline, _)) => Some(deadline.seconds()),
            _ => None,
        }
    }

    fn rule(&self) -> (Option<&'static str>, Option<&str>) {
        self.demand.as_ref().map_or((None, None), |demand| {
            let (word, group) = demand.rule();
            (Some(word), group)
        })
    }

    fn groups<'a>(&self, names: &[&'a str]) -> Vec<&'a str> {
        self.groups.iter().map(|&at| names[at]).collect()
    }

    fn authenticators(&self) -> Vec<Authenticator<'_>> {
        let devices = self.status.iter().flat_map(|status| &status.authenticators);
        let devices = devices.zip(&self.kinds);
        devices
            .map(|(device, &kind)| Authenticator::of(device, kind))
            .collect()
    }

    /// Writes the row as one JSON object. `names`: the names of the groups.
    pub fn json(&self, names: &[&str]) -> String {
        let (rule, rule_group) = self.rule();
        // Facts that were not read must not appear as "none".
        let enrolled = self.status.as_ref();
        let has = enrolled.filter(|status| status.enrolled);
        crate::admin::cells::json(&Json {
            user: &self.user,
            asked: self.asked.as_deref(),
            uid: self.uid,
            login_shell: self.may_have_shell,
            must: self.demand.as_ref().map(|demand| Must::of(demand).word()),
            must_from: self.must_from(),
            rule,
            rule_group,
            groups: self.groups(names),
            login: self.prospect.as_ref().map(Prospect::word),
            grace_began: self.first_login.map(UnixTime::seconds),
            enrolled: self.is_enrolled(),
            authenticators: self.authenticators(),
            recovery_codes_left: has.map(|status| status.recovery_codes_left),
            failures: has.map(|status| status.failures),
            locked: has.map(|status| status.locked),
            locked_until: has.and_then(|status| status.locked_until),
            disabled: has.map(|status| status.disabled),
            last_refusal: has.and_then(|status| status.last_refusal.map(LastRefusal::of)),
            problem: self.problem.as_deref(),
        })
    }

    /// Writes the row as comma-separated values.
    pub fn csv(&self, names: &[&str]) -> String {
        let text = |value: Option<&str>| no_formula(value.unwrap_or_default().to_owned());
        let shown = |value: Option<String>| value.unwrap_or_default();
        let (rule, rule_group) = self.rule();
        let has = self.status.as_ref().filter(|status| status.enrolled);
        let devices = self.authenticators();
        let names_of: Vec<&str> = devices.iter().map(|device| device.name).collect();
        let types: Vec<&str> = devices.iter().map(|device| device.r#type).collect();
        let last_refusal = has.and_then(|status| status.last_refusal);
        row(&[
            no_formula(self.user.clone()),
            text(self.asked.as_deref()),
            shown(self.uid.map(|uid| uid.to_string())),
            shown(self.may_have_shell.map(|may| may.to_string())),
            text(self.demand.as_ref().map(|demand| Must::of(demand).word())),
            seconds(self.must_from()),
            text(rule),
            text(rule_group),
            no_formula(self.groups(names).join("; ")),
            text(self.prospect.as_ref().map(Prospect::word)),
            seconds(self.first_login.map(UnixTime::seconds)),
            shown(self.is_enrolled().map(|is| is.to_string())),
            no_formula(names_of.join("; ")),
            types.join("; "),
            seconds(devices.iter().map(|device| device.created).min()),
            seconds(devices.iter().filter_map(|device| device.last_used).max()),
            shown(has.map(|status| status.recovery_codes_left.to_string())),
            shown(has.map(|status| status.failures.to_string())),
            shown(has.map(|status| status.locked.to_string())),
            seconds(has.and_then(|status| status.locked_until)),
            shown(has.map(|status| status.disabled.to_string())),
            text(last_refusal.map(|(_, why)| why.word())),
            seconds(last_refusal.map(|(when, _)| when.seconds())),
            self.problem.clone().unwrap_or_default(),
        ])
    }

    /// Writes the row as cells for people; `None`: it has only a problem.
    pub fn cells(&self, zone: &Zone, language: Language) -> Option<Vec<String>> {
        let demand = self.demand.as_ref()?;
        let (rule, group) = demand.rule();
        let has = self.status.as_ref().filter(|status| status.enrolled);
        let devices = self.authenticators();
        let name = |device: &Authenticator<'_>| match device.r#type {
            "totp" => device.name.to_owned(),
            other => format!("{} ({other})", device.name),
        };
        let named: Vec<String> = devices.iter().map(name).collect();
        let minute = |seconds: u64| zone.at(UnixTime::from_seconds(seconds)).cell();
        let created = devices.iter().map(|device| device.created).min();
        let used = devices.iter().filter_map(|device| device.last_used).max();
        let never = || {
            let never = has.map(|_| Report::Never.text(language));
            never.unwrap_or_default()
        };
        let login = match (has, &self.prospect) {
            (Some(status), Some(Prospect::Locked { .. })) => standing_word(status, language, zone),
            (_, Some(prospect)) => prospect.word().to_owned(),
            (_, None) => "?".to_owned(),
        };
        Some(vec![
            self.user.clone(),
            demand.when(zone),
            group.map_or_else(|| rule.to_owned(), |group| format!("{rule} {group}")),
            match self.is_enrolled() {
                Some(true) => named.join("; "),
                Some(false) => "-".to_owned(),
                None => "?".to_owned(),
            },
            created.map(minute).unwrap_or_default(),
            used.map_or_else(never, minute),
            has.map_or_else(String::new, |status| status.recovery_codes_left.to_string()),
            login,
            refusal(has.and_then(|status| status.last_refusal), zone),
        ])
    }
}
