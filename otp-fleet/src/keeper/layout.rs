//! The keys in etcd.
//!
//! ```text
//! /pam_otp/fleet               the fleet's id, and its epoch
//! /pam_otp/a/NAME/             the guard of an account
//! /pam_otp/a/NAME/PART         a part of it
//! /pam_otp/a/NAME/PART.rehearsed
//! ```
//! The guard's key ends with a slash, so that one range has an account and nothing else: otherwise, `alice-b` would
//! lie between `alice` and her parts.

use crate::etcd::after_prefix;
use otp_core::UserName;
use otp_store::keeper::Part;

/// The prefix of all our keys.
pub const ROOT: &str = "/pam_otp/";
/// The key of the fleet's id and epoch.
pub const FLEET: &str = "/pam_otp/fleet";
/// The prefix of the accounts.
pub const ACCOUNTS: &str = "/pam_otp/a/";

/// The key that shows that a restore has begun.
pub const RESTORING: &str = "/pam_otp/restoring";

/// The suffix of a rehearsed part.
const REHEARSED: &str = ".rehearsed";

/// A part, or its rehearsed form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slot {
    at: usize,
    is_rehearsed: bool,
}

/// All parts, with their names in keys.
const PARTS: [(Part, &str); 5] = [
    (Part::Credential, "credential"),
    (Part::State, "state"),
    (Part::Trust, "trust"),
    (Part::FirstLogin, "first-login"),
    (Part::Mail, "mail"),
];

impl Slot {
    pub(super) const fn of(part: Part) -> Self {
        let at = match part {
            Part::Credential => 0,
            Part::State => 1,
            Part::Trust => 2,
            Part::FirstLogin => 3,
            Part::Mail => 4,
        };
        Self {
            at,
            is_rehearsed: false,
        }
    }

    pub(super) const fn rehearsed(part: Part) -> Self {
        Self {
            is_rehearsed: true,
            ..Self::of(part)
        }
    }

    /// Returns the part; `None`: the slot is only rehearsed.
    pub(super) fn counts(self) -> Option<Part> {
        (!self.is_rehearsed).then(|| PARTS[self.at].0)
    }

    /// Finds the slot of a name.
    fn named(name: &str) -> Option<Self> {
        let (name, is_rehearsed) = match name.strip_suffix(REHEARSED) {
            Some(name) => (name, true),
            None => (name, false),
        };
        let at = PARTS.iter().position(|(_, known)| *known == name)?;
        Some(Self { at, is_rehearsed })
    }

    fn name(self) -> String {
        let suffix = if self.is_rehearsed { REHEARSED } else { "" };
        format!("{}{suffix}", PARTS[self.at].1)
    }
}

/// Returns the key of an account's guard; all keys of the account begin with it.
pub(super) fn guard(name: &UserName) -> Vec<u8> {
    format!("{ACCOUNTS}{}/", name.as_str()).into_bytes()
}

/// Returns the first key after an account.
pub(super) fn after(name: &UserName) -> Vec<u8> {
    after_prefix(&guard(name))
}

/// Returns the key of a part.
pub(super) fn key(name: &UserName, slot: Slot) -> Vec<u8> {
    format!("{ACCOUNTS}{}/{}", name.as_str(), slot.name()).into_bytes()
}

/// The meaning of an account's key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Guard,
    Part(Slot),
    /// The key is of a newer release, or not ours.
    Unknown,
}

/// Returns the meaning of a key in the account of that name; `None`: the key is not of that account.
pub(super) fn kind(name: &UserName, key: &[u8]) -> Option<Kind> {
    let rest = key.strip_prefix(guard(name).as_slice())?;
    if rest.is_empty() {
        return Some(Kind::Guard);
    }
    let slot = std::str::from_utf8(rest).ok().and_then(Slot::named);
    Some(slot.map_or(Kind::Unknown, Kind::Part))
}

/// Returns the account of a key; `None`: it is not the key of an account.
#[must_use]
pub fn owner(key: &[u8]) -> Option<&str> {
    let rest = key.strip_prefix(ACCOUNTS.as_bytes())?;
    let (name, _) = std::str::from_utf8(rest).ok()?.split_once('/')?;
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> UserName {
        UserName::new(text).unwrap()
    }

    #[test]
    fn every_part_has_its_own_key_and_is_recognised_by_it() {
        let alice = name("alice");
        let mut keys = vec![guard(&alice)];
        for (part, _) in PARTS {
            for slot in [Slot::of(part), Slot::rehearsed(part)] {
                let key = key(&alice, slot);
                assert_eq!(kind(&alice, &key), Some(Kind::Part(slot)));
                assert_eq!(owner(&key), Some("alice"));
                keys.push(key);
            }
            assert_eq!(Slot::of(part).counts(), Some(part));
            assert_eq!(Slot::rehearsed(part).counts(), None);
        }
        assert_eq!(kind(&alice, &guard(&alice)), Some(Kind::Guard));
        assert_eq!(kind(&alice, b"/pam_otp/a/alice/new"), Some(Kind::Unknown));
        let count = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), count);
    }

    #[test]
    fn the_range_of_an_account_holds_all_its_keys_and_no_other_accounts() {
        let alice = name("alice");
        let (first, end) = (guard(&alice), after(&alice));
        let is_in = |key: &[u8]| first.as_slice() <= key && key < end.as_slice();
        for (part, _) in PARTS {
            assert!(is_in(&key(&alice, Slot::of(part))));
            assert!(is_in(&key(&alice, Slot::rehearsed(part))));
        }
        assert!(is_in(&guard(&alice)));
        for other in [
            "alic",
            "alice ",
            "alice-b",
            "alice.b",
            "alice0",
            "alicf",
            "김철수",
        ] {
            let other = name(other);
            assert!(!is_in(&guard(&other)), "{other:?}");
            assert!(!is_in(&key(&other, Slot::of(Part::State))), "{other:?}");
            assert_eq!(kind(&alice, &guard(&other)), None);
        }
    }

    #[test]
    fn a_key_outside_the_accounts_has_no_owner() {
        for key in [
            &b"/pam_otp/fleet"[..],
            b"/pam_otp/a/alice",
            b"/pam_otp/m/x/",
            b"/pam_otp/a/\xff/",
        ] {
            assert_eq!(owner(key), None, "{key:?}");
        }
        assert_eq!(owner("/pam_otp/a/김철수/".as_bytes()), Some("김철수"));
    }
}
