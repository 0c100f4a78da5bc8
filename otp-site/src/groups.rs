//! Which groups contain a user, according to the name service.

use nix::unistd::{Gid, Group, User, getgrouplist};
use otp_core::UserName;
use otp_core::enforce::Belongs;
use std::ffi::CString;

/// Whether a group contains a user of that name, as the primary group or a supplementary one. A text of digits is the
/// number of a group.
///
/// The group itself is looked up even if the list of the user's groups would be enough: while a group service is down,
/// that list is short and nothing shows it.
#[must_use]
pub fn belongs(user: &UserName, group: &str) -> Belongs {
    find_out(user, group).unwrap_or(Belongs::Unknown)
}

/// Finds out whether a group contains a user; `None`: this is not possible.
fn find_out(user: &UserName, group: &str) -> Option<Belongs> {
    let held_by = groups_of(user, None)?;
    // A number in the user's own list needs no further lookup.
    if Named::of(group).is(|number| held_by.contains(&number)) {
        return Some(Belongs::Yes);
    }
    let (looked, members) = Looked::up(group);
    let is_member = || members.iter().any(|member| member == user.as_str());
    find_out_by(&looked, |gid| held_by.contains(&gid), is_member)
}

/// Returns the groups that contain a user; `None`: this cannot be found out. `primary`: the primary group, if it is
/// known.
pub(crate) fn groups_of(user: &UserName, primary: Option<Gid>) -> Option<Vec<Gid>> {
    let name = user.as_str();
    let primary = match primary {
        Some(primary) => primary,
        None => User::from_name(name).ok()??.gid,
    };
    getgrouplist(&CString::new(name).ok()?, primary).ok()
}

/// How a policy names a group.
#[derive(Clone, Copy)]
enum Named {
    ByName,
    Number(Gid),
    /// With a number that no group can have.
    TooHigh,
}

impl Named {
    fn of(group: &str) -> Self {
        if group.bytes().all(|byte| byte.is_ascii_digit()) {
            let number = group.parse().map(Gid::from_raw);
            number.map_or(Self::TooHigh, Self::Number)
        } else {
            Self::ByName
        }
    }

    fn is(self, gid: impl Fn(Gid) -> bool) -> bool {
        matches!(self, Self::Number(number) if gid(number))
    }
}

/// A group of a policy, looked up.
pub(crate) struct Looked {
    name: String,
    named: Named,
    /// Its number; `None`: it could not be looked up.
    found: Option<Gid>,
}

impl Looked {
    /// Looks a group up by name or number, and returns the members that it names.
    pub(crate) fn up(name: &str) -> (Self, Vec<String>) {
        let named = Named::of(name);
        let found = match named {
            Named::Number(number) => Group::from_gid(number),
            Named::ByName => Group::from_name(name),
            Named::TooHigh => Ok(None),
        };
        let found = found.ok().flatten();
        let gid = found.as_ref().map(|found| found.gid);
        let looked = Self {
            name: name.to_owned(),
            named,
            found: gid,
        };
        (looked, found.map_or_else(Vec::new, |found| found.mem))
    }

    /// The group, as the policy names it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it could be looked up.
    pub(crate) const fn is_there(&self) -> bool {
        self.found.is_some()
    }

    /// Whether that is its number.
    pub(crate) fn is_number(&self, gid: u32) -> bool {
        let gid = Gid::from_raw(gid);
        self.found == Some(gid) || self.named.is(|number| number == gid)
    }
}

/// Finds out whether a group contains a user, from the user's groups and from whether the group itself names the user;
/// `None`: this is not possible.
pub(crate) fn find_out_by(
    group: &Looked,
    held_by: impl Fn(Gid) -> bool,
    is_member: impl FnOnce() -> bool,
) -> Option<Belongs> {
    if group.named.is(&held_by) {
        return Some(Belongs::Yes);
    }
    let holds = held_by(group.found?) || is_member();
    Some(if holds { Belongs::Yes } else { Belongs::No })
}

/// Returns the group of the records, which the package makes; `None`: it does not exist.
#[must_use]
pub fn of_records() -> Option<u32> {
    let group = Group::from_name("pam_otp").ok().flatten()?;
    Some(group.gid.as_raw())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::users;

    #[test]
    fn a_group_is_found_by_name_and_by_number() {
        let root = users::account("root").unwrap().unwrap().name;
        for (group, expected) in [
            ("root", Belongs::Yes),
            ("0", Belongs::Yes),
            ("00", Belongs::Yes),
            ("daemon", Belongs::No),
            ("1", Belongs::No),
            ("no-such-group-here", Belongs::Unknown),
            ("4294967290", Belongs::Unknown),
            ("99999999999999999999", Belongs::Unknown),
            ("ro\0ot", Belongs::Unknown),
        ] {
            assert_eq!(belongs(&root, group), expected, "{group:?}");
        }
    }

    #[test]
    fn the_groups_of_a_missing_user_are_unknown() {
        let gone = UserName::new("no-such-user-here").unwrap();
        assert_eq!(belongs(&gone, "root"), Belongs::Unknown);
    }
}
