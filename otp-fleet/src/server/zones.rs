//! The users that a machine may ask about.

use super::conf::Member;
use crate::registry::{Entry, Zone};
use otp_core::UserName;
use otp_core::enforce::Belongs;
use std::collections::BTreeMap;

/// The result of looking up a user in the zones of a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// It may ask.
    Yes,
    /// It may not.
    No,
    /// A group cannot be looked up, so the result is unknown.
    Unknown(String),
}

/// Looks up a user in the zones of a machine. A machine without zones may ask about all users; a zone that is missing
/// from this verifier's configuration has no users.
pub(super) fn reach(
    zones: &BTreeMap<Zone, Vec<Member>>,
    entry: &Entry,
    user: &UserName,
    belongs: impl Fn(&UserName, &str) -> Belongs,
) -> Reach {
    if entry.zones.is_empty() {
        return Reach::Yes;
    }
    let members = || {
        entry
            .zones
            .iter()
            .filter_map(|zone| zones.get(zone))
            .flatten()
    };
    if members().any(|member| matches!(member, Member::User(name) if name == user)) {
        return Reach::Yes;
    }
    let mut unknown = None;
    for member in members() {
        let Member::Group(group) = member else {
            continue;
        };
        match belongs(user, group) {
            Belongs::Yes => return Reach::Yes,
            Belongs::No => {}
            Belongs::Unknown => unknown = Some(group.clone()),
        }
    }
    unknown.map_or(Reach::No, Reach::Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::PeerName;
    use crate::registry::Role;
    use otp_core::UnixTime;

    fn zone(name: &str) -> Zone {
        Zone::new(name).unwrap()
    }

    fn look(of_machine: &[&str], user: &str) -> Reach {
        let name = |text: &str| UserName::new(text).unwrap();
        let zones = BTreeMap::from([
            (
                zone("web"),
                vec![
                    Member::Group("staff".to_owned()),
                    Member::User(name("alice")),
                ],
            ),
            (zone("db"), vec![Member::Group("down".to_owned())]),
            (zone("none"), vec![]),
        ]);
        let entry = Entry {
            name: PeerName::new("web1").unwrap(),
            role: Role::Machine,
            zones: of_machine.iter().map(|name| zone(name)).collect(),
            revoked: None,
            added: UnixTime::from_seconds(0),
        };
        reach(&zones, &entry, &name(user), |user, group| {
            match (user.as_str(), group) {
                (_, "down") => Belongs::Unknown,
                ("bob", "staff") => Belongs::Yes,
                _ => Belongs::No,
            }
        })
    }

    #[test]
    fn a_machine_may_ask_about_users_of_its_zones() {
        let unknown = Reach::Unknown("down".to_owned());
        for (zones, user, may) in [
            (&[][..], "carol", Reach::Yes),
            (&["web"], "alice", Reach::Yes),
            (&["web"], "bob", Reach::Yes),
            (&["web"], "carol", Reach::No),
            // The name of a group is not the name of a user.
            (&["web"], "staff", Reach::No),
            (&["none"], "alice", Reach::No),
            // The zone was removed from the configuration, or is misspelt: this must not count as "no zones".
            (&["webb"], "alice", Reach::No),
            (&["none", "web"], "alice", Reach::Yes),
            // A group that cannot be looked up does not count as "no"; another group that contains the user counts.
            (&["db"], "carol", unknown.clone()),
            (&["db", "web"], "bob", Reach::Yes),
            (&["web", "db"], "carol", unknown),
        ] {
            assert_eq!(look(zones, user), may, "{zones:?} {user}");
        }
    }
}
