//! What policy demands of an account without an authenticator: nothing, an authenticator by some day, or one now.

use crate::UserName;
use crate::record::{EnforcePolicy, Groups};
use crate::time::UnixTime;

/// Whether a group contains a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Belongs {
    /// The user is in the group.
    Yes,
    /// The user is not in the group.
    No,
    /// There is no such group, or the name service does not answer.
    Unknown,
}

/// The rule by which an account must have a second factor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Everybody must.
    Everybody,
    /// The members of this group must.
    Group(String),
    /// The members of this group must, and its members cannot be found out.
    UnknownGroup(String),
}

/// The rule by which an account need not have one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exemption {
    /// The line in `/etc/pam.d` says `nullok`.
    Nullok,
    /// The user is exempt by name.
    User,
    /// The members of this group are exempt.
    Group(String),
    /// No rule demands a second factor of this user.
    NotDemanded,
}

/// What policy demands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Demand {
    /// Nothing.
    Nothing(Exemption),
    /// A second factor from this moment on, and none before it.
    From(UnixTime, Rule),
    /// A second factor now.
    Now(Rule),
}

/// The facts about an account without an authenticator.
#[derive(Clone, Copy, Debug)]
pub struct Unenrolled<'a> {
    /// The name that the name service gives the account.
    pub user: &'a str,
    /// Whether its line in `/etc/pam.d` says `nullok`.
    pub nullok: bool,
    /// When the account was first let in without a second factor; `None`: not yet.
    pub first_login: Option<UnixTime>,
}

/// Decides what policy demands of an account without an authenticator.
///
/// Pure: `belongs` says whether a group, given by its name or number in the policy, contains the user. If that cannot
/// be found out, the safe side counts: a group that demands a second factor contains the user, a group that exempts
/// does not.
///
/// The deadline is the later of `from` and the end of the grace. A grace that has not begun begins now. So does one
/// that begins in the future: the clock has run back.
pub fn demand(
    policy: &EnforcePolicy,
    who: &Unenrolled<'_>,
    mut belongs: impl FnMut(&str) -> Belongs,
    now: UnixTime,
) -> Demand {
    if who.nullok {
        return Demand::Nothing(Exemption::Nullok);
    }
    if policy.exempt_users.iter().any(|name| name == who.user) {
        return Demand::Nothing(Exemption::User);
    }
    let mut exempt = policy.exempt_groups.iter();
    if let Some(group) = exempt.find(|group| belongs(group) == Belongs::Yes) {
        return Demand::Nothing(Exemption::Group(group.clone()));
    }
    let Some(rule) = rule(&policy.groups, belongs) else {
        return Demand::Nothing(Exemption::NotDemanded);
    };
    let begun = who.first_login.map_or(now, |first| first.min(now));
    let grace_ends = begun.after(policy.grace);
    let deadline = policy.from.map_or(grace_ends, |from| from.max(grace_ends));
    if now < deadline {
        Demand::From(deadline, rule)
    } else {
        Demand::Now(rule)
    }
}

/// The facts about a login of an account without an authenticator.
#[derive(Clone, Copy, Debug)]
pub struct Login<'a> {
    /// The name that the name service gives the account.
    pub name: &'a UserName,
    /// The name of this login, if it is a second name of the account.
    pub alias: Option<&'a UserName>,
    /// Whether its line in `/etc/pam.d` says `nullok`.
    pub nullok: bool,
    /// When the account was first let in without a second factor; `None`: not yet.
    pub first_login: Option<UnixTime>,
}

/// Decides what policy demands of a login, which may use a second name of its account. Also returns the groups that
/// could not be looked up.
///
/// Under a second name, the stricter demand of both names counts. Groups and exemptions may list only one of the names,
/// and a session has the groups of the name under which it was opened. `belongs` is asked about a user and a group.
pub fn demand_on_login(
    policy: &EnforcePolicy,
    who: &Login<'_>,
    mut belongs: impl FnMut(&UserName, &str) -> Belongs,
    now: UnixTime,
) -> (Demand, Vec<String>) {
    let mut unknown: Vec<String> = Vec::new();
    let mut demand_on = |user: &UserName| {
        let who = Unenrolled {
            user: user.as_str(),
            nullok: who.nullok,
            first_login: who.first_login,
        };
        let belongs = |group: &str| {
            let found = belongs(user, group);
            if found == Belongs::Unknown && !unknown.iter().any(|known| known == group) {
                unknown.push(group.to_owned());
            }
            found
        };
        demand(policy, &who, belongs, now)
    };
    let wanted = demand_on(who.name);
    let wanted = match who.alias {
        Some(alias) => wanted.or_stricter(demand_on(alias)),
        None => wanted,
    };
    (wanted, unknown)
}

/// Finds the rule that demands a second factor. A group that surely contains the user comes before one that may.
fn rule(groups: &Groups, mut belongs: impl FnMut(&str) -> Belongs) -> Option<Rule> {
    let names = match groups {
        Groups::Everybody => return Some(Rule::Everybody),
        Groups::Named(names) => names,
    };
    let mut unknown = None;
    for name in names {
        match belongs(name) {
            Belongs::Yes => return Some(Rule::Group(name.clone())),
            Belongs::Unknown => unknown = unknown.or(Some(name)),
            Belongs::No => {}
        }
    }
    unknown.map(|name| Rule::UnknownGroup(name.clone()))
}

impl Demand {
    /// Returns the stricter of two demands on the same login.
    #[must_use]
    pub fn or_stricter(self, other: Self) -> Self {
        let is_stricter = match (&self, &other) {
            (Self::Now(_), _) | (_, Self::Nothing(_)) => true,
            (Self::From(one, _), Self::From(another, _)) => one <= another,
            (Self::Nothing(_) | Self::From(..), _) => false,
        };
        if is_stricter { self } else { other }
    }

    /// Whether a login without a second factor is let in.
    #[must_use]
    pub const fn lets_in(&self) -> bool {
        match self {
            Self::Nothing(_) | Self::From(..) => true,
            Self::Now(_) => false,
        }
    }
}

/// Returns the days until a deadline; a begun day counts as a whole one.
#[must_use]
pub fn days_left(now: UnixTime, deadline: UnixTime) -> u64 {
    now.until(deadline).as_secs().div_ceil(86_400)
}

#[cfg(test)]
mod tests;
