//! Which groups hold a user, through the name service.

use nix::unistd::{Gid, Group, User, getgrouplist};
use otp_core::UserName;
use otp_core::enforce::Belongs;
use std::ffi::CString;

/// Whether a group holds a user by that name: as the primary group or a supplementary one. A text of digits is the group's number.
///
/// A group is looked up itself even where the list of the user's groups would do: while a group service is down, that
/// list is short and nothing says so.
#[must_use]
pub fn belongs(user: &UserName, group: &str) -> Belongs {
    find_out(user, group).unwrap_or(Belongs::Unknown)
}

/// `None`: it cannot be found out.
fn find_out(user: &UserName, group: &str) -> Option<Belongs> {
    let name = user.as_str();
    let user = User::from_name(name).ok()??;
    let held_by = getgrouplist(&CString::new(name).ok()?, user.gid).ok()?;
    let number = if group.bytes().all(|byte| byte.is_ascii_digit()) {
        Some(Gid::from_raw(group.parse().ok()?))
    } else {
        None
    };
    if number.is_some_and(|number| held_by.contains(&number)) {
        return Some(Belongs::Yes);
    }
    let found = match number {
        Some(number) => Group::from_gid(number),
        None => Group::from_name(group),
    };
    let found = found.ok()??;
    let holds = held_by.contains(&found.gid) || found.mem.iter().any(|member| member == name);
    Some(if holds { Belongs::Yes } else { Belongs::No })
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
    fn nothing_is_known_of_a_user_who_is_gone() {
        let gone = UserName::new("no-such-user-here").unwrap();
        assert_eq!(belongs(&gone, "root"), Belongs::Unknown);
    }
}
