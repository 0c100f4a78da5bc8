//! The tests and files that CONTRIBUTING.md names exist, and the crates import each other as it says.

mod tree;

use std::collections::BTreeMap;
use std::fs;
use tree::{files, root, sources};

const PAGE: &str = include_str!("../../CONTRIBUTING.md");

/// Returns the texts between back quotes.
fn quoted() -> Vec<&'static str> {
    PAGE.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_test_that_the_page_names_exists() {
    let sources: String = sources().into_iter().map(|(_, text)| text).collect();
    let is_name = |c: char| c == '_' || c.is_ascii_lowercase() || c.is_ascii_digit();
    let names = quoted().into_iter().filter(|text| {
        text.chars().filter(|&c| c == '_').count() >= 3 && text.chars().all(is_name)
    });
    let names: Vec<&str> = names.collect();
    assert!(names.len() > 20, "names are found at all: {names:?}");
    for name in names {
        let is_there = ["fn ", "def "]
            .iter()
            .any(|word| sources.contains(&format!("{word}{name}(")));
        assert!(is_there, "{name}");
    }
}

#[test]
fn every_file_that_the_page_names_exists() {
    let there = files();
    let ends = [".rs", ".py", ".conf", ".1", ".5", ".8"];
    let names = quoted().into_iter().filter(|text| {
        let is_path = text
            .chars()
            .all(|c| c.is_alphanumeric() || "/._-".contains(c));
        is_path && ends.iter().any(|end| text.ends_with(end))
    });
    let names: Vec<&str> = names.collect();
    assert!(names.len() > 30, "files are found at all: {names:?}");
    for name in names {
        let tail = format!("/{name}");
        let is_there = there
            .iter()
            .any(|(one, _)| one == name || one.ends_with(&tail));
        assert!(is_there, "{name}");
    }
}

#[test]
fn the_crates_import_each_other_one_way() {
    let below = [
        "otp-core",
        "otp-file",
        "otp-log",
        "otp-site",
        "otp-store",
        "otp-helper",
    ];
    // No code that the module loads reads other programs' files.
    let of_the_command_lines = [&below[..], &["otp-import"]].concat();
    // An administrator's command runs at the verifier as it runs on a machine.
    let of_the_fleet = [&below[..], &["otp-enroll"]].concat();
    let allowed: BTreeMap<&str, &[&str]> = [
        ("otp-core", &[][..]),
        ("otp-file", &["otp-core"]),
        ("otp-log", &["otp-core", "otp-queue"]),
        ("otp-queue", &["otp-core", "otp-file"]),
        ("otp-import", &["otp-core"]),
        ("otp-site", &["otp-core", "otp-file"]),
        ("otp-store", &["otp-core", "otp-file"]),
        ("otp-helper", &below[..5]),
        ("pam_otp", &below),
        ("otp-enroll", &of_the_command_lines),
        (
            "otp-hooks",
            &["otp-core", "otp-file", "otp-log", "otp-queue", "otp-site"],
        ),
        ("otp-mail", &below),
        ("otp-fleet", &of_the_fleet),
        ("otp-portal", &of_the_fleet),
    ]
    .into();
    let workspace = fs::read_to_string(root().join("Cargo.toml")).expect("a text");
    let members = workspace
        .lines()
        .find(|line| line.starts_with("members = "));
    let members: Vec<&str> = members
        .expect("members")
        .split('"')
        .skip(1)
        .step_by(2)
        .collect();
    assert_eq!(members.len(), allowed.len(), "{members:?}");
    for member in &members {
        let path = root().join(member).join("Cargo.toml");
        let manifest = fs::read_to_string(path).expect("a text");
        for line in manifest.lines() {
            let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
            if name != *member && members.contains(&name) {
                let may = allowed.get(member).is_some_and(|list| list.contains(&name));
                assert!(may, "{member} may not import {name}");
            }
        }
    }
}
