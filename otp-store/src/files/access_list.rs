//! Access control lists (acl(5)): rights that owner, group and mode do not show.
//!
//! Only the list of the directory of all records is checked. Users who may not enter it cannot reach anything below it,
//! whatever the lists below grant. An entry that grants nothing is untidy, but harmless.

use crate::error::At;
use crate::{Error, Location};
use otp_core::messages::reason::Deed;
use otp_file::Fault;
use rustix::fs::fgetxattr;
use rustix::io::Errno;
use std::fs::File;

/// Where Linux stores the access list; a default list only affects what is made below the directory.
const NAME: &str = "system.posix_acl_access";

/// A list with more bytes than this cannot be harmless.
const LIMIT: usize = 4096;

const VERSION: u32 = 2;
const USER: u16 = 0x02;
const GROUP: u16 = 0x08;
const MASK: u16 = 0x10;

/// Refuses a directory whose list gives rights to anybody except root and the group `group`.
///
/// # Errors
/// The list gives such rights, or it cannot be read.
pub(super) fn check(
    directory: &File,
    place: impl FnOnce() -> Location,
    group: u32,
) -> Result<(), Error> {
    let mut bytes = [0; LIMIT];
    let found = match fgetxattr(directory, NAME, &mut bytes) {
        Ok(length) => fault(bytes.get(..length).unwrap_or_default(), group),
        // No list, or a file system without lists.
        Err(Errno::NODATA | Errno::OPNOTSUPP) => None,
        Err(Errno::RANGE) => Some(Fault::StrangeList),
        Err(errno) => {
            let action = Deed::ExamineList;
            return Err(Error::io(place(), action, errno));
        }
    };
    match found {
        None => Ok(()),
        Some(fault) => Err(fault).at(place),
    }
}

/// Returns what is wrong with a list in the kernel's form: its version, and entries of kind, rights and number.
fn fault(bytes: &[u8], group: u32) -> Option<Fault> {
    let Some((version, entries)) = bytes.split_first_chunk() else {
        return Some(Fault::StrangeList);
    };
    let (entries, rest) = entries.as_chunks::<8>();
    if u32::from_le_bytes(*version) != VERSION || !rest.is_empty() {
        return Some(Fault::StrangeList);
    }
    let entries = entries.iter().map(|&[a, b, c, d, e, f, g, h]| {
        let (kind, rights) = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
        (kind, rights, u32::from_le_bytes([e, f, g, h]))
    });
    let mask = entries.clone().find(|(kind, ..)| *kind == MASK);
    let mask = mask.map_or(u16::MAX, |(_, rights, _)| rights);
    entries
        .filter(|(_, rights, _)| rights & mask != 0)
        .find_map(|(kind, _, id)| match kind {
            USER if id != 0 => Some(Fault::ListedUser { uid: id }),
            GROUP if id != 0 && id != group => Some(Fault::ListedGroup { gid: id }),
            _ => None,
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Store;
    use crate::fixture::Place;
    use otp_core::record::Language;
    use rustix::fs::{XattrFlags, setxattr};

    const OWNER: u16 = 0x01;
    const OWNING_GROUP: u16 = 0x04;
    const OTHERS: u16 = 0x20;
    const NO_ONE: u32 = u32::MAX;
    const STORE: u32 = 900;

    fn list(entries: &[(u16, u16, u32)]) -> Vec<u8> {
        let mut bytes = VERSION.to_le_bytes().to_vec();
        for (kind, rights, id) in entries {
            bytes.extend(kind.to_le_bytes());
            bytes.extend(rights.to_le_bytes());
            bytes.extend(id.to_le_bytes());
        }
        bytes
    }

    /// Returns a list as setfacl makes it, with these entries in addition to those that every list has.
    fn with(named: &[(u16, u16, u32)], mask: u16) -> Vec<u8> {
        let of = |wanted: u16| {
            named
                .iter()
                .copied()
                .filter(move |(kind, ..)| *kind == wanted)
        };
        let mut entries = vec![(OWNER, 7, NO_ONE)];
        entries.extend(of(USER));
        entries.push((OWNING_GROUP, 7, NO_ONE));
        entries.extend(of(GROUP));
        entries.extend([(MASK, mask, NO_ONE), (OTHERS, 0, NO_ONE)]);
        list(&entries)
    }

    #[test]
    fn only_an_entry_that_gives_others_a_right_is_unsafe() {
        let user = Some(Fault::ListedUser { uid: 1002 });
        let group = Some(Fault::ListedGroup { gid: 1002 });
        for (why, bytes, expected) in [
            (
                "the mode and no more",
                list(&[
                    (OWNER, 7, NO_ONE),
                    (OWNING_GROUP, 7, NO_ONE),
                    (OTHERS, 0, NO_ONE),
                ]),
                None,
            ),
            ("a user may read", with(&[(USER, 4, 1002)], 7), user),
            ("a user may pass", with(&[(USER, 1, 1002)], 7), user),
            ("a group may write", with(&[(GROUP, 2, 1002)], 7), group),
            (
                "the second of two",
                with(&[(USER, 0, 1001), (USER, 5, 1002)], 7),
                user,
            ),
            (
                "named, with nothing",
                with(&[(USER, 0, 1002), (GROUP, 0, 1002)], 7),
                None,
            ),
            (
                "masked out",
                with(&[(USER, 7, 1002), (GROUP, 7, 1002)], 0),
                None,
            ),
            ("masked in part", with(&[(USER, 7, 1002)], 1), user),
            ("without a mask", list(&[(USER, 1, 1002)]), user),
            ("root", with(&[(USER, 7, 0), (GROUP, 7, 0)], 7), None),
            (
                "the group of the store",
                with(&[(GROUP, 7, STORE)], 7),
                None,
            ),
            (
                "a user of the same number",
                with(&[(USER, 7, STORE)], 7),
                Some(Fault::ListedUser { uid: STORE }),
            ),
            ("nothing", Vec::new(), Some(Fault::StrangeList)),
            (
                "another version",
                vec![3, 0, 0, 0],
                Some(Fault::StrangeList),
            ),
            (
                "cut off",
                with(&[(USER, 7, 1002)], 7)[..11].to_vec(),
                Some(Fault::StrangeList),
            ),
        ] {
            assert_eq!(fault(&bytes, STORE), expected, "{why}");
        }
    }

    #[test]
    fn records_that_an_access_list_opens_to_others_are_refused() {
        let place = Place::with_alice();
        setxattr(
            place.path(),
            NAME,
            &with(&[(USER, 5, 1002)], 7),
            XattrFlags::empty(),
        )
        .unwrap();
        let error = Store::open(place.path()).err().expect("a refusal");
        assert_eq!(
            error.to_string(),
            format!(
                "{}: has an access control list that gives rights to user id 1002",
                place.path().display()
            )
        );
        assert!(
            Language::ALL
                .iter()
                .all(|&language| error.hint(language).contains("setfacl --remove-all"))
        );
        setxattr(
            place.path(),
            NAME,
            &with(&[(USER, 0, 1002)], 7),
            XattrFlags::empty(),
        )
        .unwrap();
        Store::open(place.path()).unwrap();
    }
}
