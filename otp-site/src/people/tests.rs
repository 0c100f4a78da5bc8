use super::*;
use crate::groups;
use otp_core::UserName;
use otp_core::enforce::Belongs;

/// The people of these lines, and nobody else.
fn of(lines: &[&str]) -> People {
    of_known(&[], lines)
}

/// The same, if these names are known already.
fn of_known(known: &[&str], lines: &[&str]) -> People {
    let mut names = Gathering::default();
    for name in known {
        names.add(name).unwrap();
    }
    let mut listing = Listing::of(names.sorted());
    for line in lines {
        assert!(listing.take(line));
    }
    listing.people(Names::default(), Vec::new())
}

#[test]
fn names_known_beforehand_lead_to_the_same_people() {
    let lines = [
        "carol:x:1003:1::/:/bin/false",
        "alice:x:1001:1::/:/bin/sh",
        "bobby:x:1002:1::/:/bin/sh",
        "alice:x:1009:1::/:/bin/sh",
    ];
    for known in [
        &[][..],
        &["alice", "zelda", "anna"],
        &["carol", "bobby", "alice"],
    ] {
        let people = of_known(known, &lines);
        let names: Vec<_> = (0..people.len()).map(|at| people.name(at)).collect();
        assert_eq!(names, ["alice", "bobby", "carol"], "{known:?}");
        for at in 0..people.len() {
            assert_eq!(people.is_known(at), known.contains(&people.name(at)));
            assert_eq!(people.may_have_shell(at), people.name(at) != "carol");
        }
        let unlisted: Vec<_> = people.unlisted_names().iter().collect();
        let is_unlisted = |name: &&str| ["anna", "zelda"].contains(name);
        let expected = ["anna", "zelda"]
            .into_iter()
            .filter(|name| known.contains(name));
        assert!(unlisted.iter().all(is_unlisted) && unlisted.iter().copied().eq(expected));
        assert_eq!(people.named("alice").unwrap().unwrap().account.uid, 1001);
        assert_eq!(people.named("zelda").unwrap(), None);
    }
}

fn all_of_machine() -> Vec<String> {
    let mut names = Vec::new();
    every_line("files", "passwd", |line| {
        names.extend(Line::of(line).map(|line| line.name.to_owned()));
        true
    })
    .unwrap();
    assert!(names.iter().any(|name| name == "root"));
    names
}

#[test]
fn people_are_found_by_name_and_in_order() {
    let people = of(&[
        "root:x:0:0:root:/root:/bin/bash",
        "bobby:x:1002:1002::/home/bobby:/bin/sh",
        "alice:x:1001:1001:A, B:/home/alice:/usr/sbin/nologin",
        "short:x:1003:1003",
        "김철수:x:1004:1004:::/bin/false",
        "",
        "no-number:x:x:1:::",
        "+::::::",
        "half",
    ]);
    let names: Vec<_> = (0..people.len()).map(|at| people.name(at)).collect();
    assert_eq!(names, ["alice", "bobby", "root", "short", "김철수"]);
    let shells: Vec<_> = (0..people.len())
        .map(|at| people.may_have_shell(at))
        .collect();
    assert_eq!(shells, [false, true, true, true, false]);
    assert_eq!([0, 1].map(|at| people.uid(at)), [1001, 1002]);
    assert_eq!(people.position("bobby"), Some(1));
    assert!(people.are_all() && people.unlisted().is_empty());
    let account = people.named("alice").unwrap().unwrap().account;
    assert_eq!((account.name.as_str(), account.uid), ("alice", 1001));
    assert_eq!(people.named("carol").unwrap(), None);
    assert_eq!(people.named("half").unwrap(), None);
}

#[test]
fn the_first_of_several_entries_with_one_name_or_user_id_counts() {
    let people = of(&[
        "alice:x:1001:1::/:",
        "ally:x:1001:1::/:",
        "alice:x:1009:1::/:",
        "a/b:x:1010:1::/:",
    ]);
    assert_eq!(people.len(), 3);
    let named = people.named("ally").unwrap().unwrap();
    assert_eq!(named.account.name.as_str(), "alice");
    assert_eq!(named.alias.unwrap().as_str(), "ally");
    assert_eq!(people.named("alice").unwrap().unwrap().account.uid, 1001);
    assert!(people.named("a/b").is_err());
}

#[test]
fn the_name_service_is_asked_about_users_missing_from_the_list() {
    let people = People {
        are_all: false,
        ..of(&["root:x:77:77::/:"])
    };
    assert!(!people.are_all());
    // Only the real name service knows this user.
    assert_eq!(people.named("daemon").unwrap().unwrap().account.uid, 1);
    assert_eq!(people.named("root").unwrap().unwrap().account.uid, 77);
    assert_eq!(people.named("no-such-user-here").unwrap(), None);
}

/// A report must say about every user what a login would find.
#[test]
fn people_and_groups_of_this_machine_are_those_that_a_login_finds() {
    let people = People::of_machine(Names::default());
    let mut groups = vec!["4294967290".to_owned(), "no-such-group-here".to_owned()];
    every_line("files", "group", |line| {
        let fields: Vec<_> = line.split(':').collect();
        groups.extend([fields[0].to_owned(), fields[2].to_owned()]);
        true
    })
    .unwrap();
    let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
    assert!(groups.len() > 64, "more than one word of bits");
    let memberships = Memberships::of(&people, &groups);
    let mut held = 0;
    for name in all_of_machine() {
        let named = people.named(&name).unwrap();
        assert_eq!(named, users::named(&name).unwrap(), "{name}");
        let user = UserName::new(&name).unwrap();
        let of_user = memberships.of_user(&people, &user);
        for group in &groups {
            let expected = groups::belongs(&user, group);
            assert_eq!(of_user.belongs(group), expected, "{name} {group}");
            held += usize::from(expected == Belongs::Yes);
        }
        assert_eq!(of_user.belongs("not-looked-up"), Belongs::Unknown);
    }
    assert!(held > 0);
}

#[test]
fn an_unlisted_user_has_the_groups_that_the_name_service_gives() {
    let people = People::unread();
    let memberships = Memberships::of(&people, &["root", "0", "daemon"]);
    let root = UserName::new("root").unwrap();
    let of_root = memberships.of_user(&people, &root);
    let belongs = ["root", "0", "daemon"].map(|group| of_root.belongs(group));
    assert_eq!(belongs, [Belongs::Yes, Belongs::Yes, Belongs::No]);
    let nobody = UserName::new("no-such-user-here").unwrap();
    let of_nobody = memberships.of_user(&people, &nobody);
    assert_eq!(of_nobody.belongs("root"), Belongs::Unknown);
}

#[test]
fn accounts_of_people_begin_at_uid_min() {
    assert_eq!(first_number_in("UID_MAX 60000\n#UID_MIN 1\n"), None);
    assert_eq!(
        first_number_in("UID_MIN\t\t 500\nUID_MIN 2000\n"),
        Some(2000)
    );
    let of_system = [1, 999, 61_184, 65_519, 65_534, 65_535];
    let of_people = [0, 1000, 60_001, 65_520, 1_000_000];
    assert!(of_system.iter().all(|uid| is_of_system(*uid, 1000)));
    assert!(!of_people.iter().any(|uid| is_of_system(*uid, 1000)));
}
