//! Runs every target over its corpus, and over changes to it that are the same in every run.
#![allow(clippy::unwrap_used, reason = "all of this is a test")]

use otp_fuzz::dice::Random;
use otp_fuzz::mutate::changed;
use otp_fuzz::targets::ALL;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

/// The number of changes for each target. Logins write files, and are slow without optimisation, so they are tried less often.
const CHANGES: usize = 4000;
const LOGINS: usize = 200;

fn corpus(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(name);
    let entries = fs::read_dir(folder).expect("a corpus for each target");
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = paths
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

/// Yields changes, mostly of a file of the corpus; for targets that read choices, noise as well.
fn changes(name: &str, files: &[(PathBuf, Vec<u8>)]) -> impl Iterator<Item = Vec<u8>> {
    let mut random = Random::new(name.bytes().map(u64::from).sum());
    let count = if name == "logins" { LOGINS } else { CHANGES };
    (0..count).map(move |at| {
        // For bytes that are choices, as many again are pure noise.
        if at % 4 == 3 || (name == "logins" && at % 2 == 1) {
            let length = random.below(900);
            return random.bytes(length);
        }
        let (_, file) = &files[random.below(files.len())];
        changed(file, &mut random)
    })
}

fn smoke(name: &str) {
    let (_, target) = ALL.iter().find(|(one, _)| *one == name).unwrap();
    let files = corpus(name);
    assert!(!files.is_empty(), "the corpus of {name} is empty");
    for (path, bytes) in &files {
        let told = catch_unwind(|| target(bytes));
        assert!(told.is_ok(), "{}", path.display());
    }
    for bytes in changes(name, &files) {
        let told = catch_unwind(AssertUnwindSafe(|| target(&bytes)));
        if told.is_err() {
            let path =
                PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{name}-failed"));
            fs::write(&path, bytes).unwrap();
            panic!("{name}: its input is in {}", path.display());
        }
    }
}

/// The fuzzed code is the shipped code: crates that both workspaces have are of the same releases.
#[test]
fn the_lock_files_agree() {
    fn releases(lock: &str) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut found: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for package in lock.split("[[package]]").skip(1) {
            let value = |key: &str| package.lines().find_map(|line| line.strip_prefix(key));
            let name = value("name = ").expect("a name");
            found
                .entry(name)
                .or_default()
                .insert(value("version = ").expect("a version"));
        }
        found
    }
    let (main, ours) = (
        include_str!("../../../Cargo.lock"),
        include_str!("../Cargo.lock"),
    );
    let main = releases(main);
    let shared = releases(ours)
        .into_iter()
        .filter(|(name, _)| main.contains_key(name));
    let mut count = 0;
    for (name, versions) in shared {
        assert!(
            versions.is_subset(&main[name]),
            "{name}: {versions:?} and {:?}",
            main[name]
        );
        count += 1;
    }
    assert!(count > 20, "{count}");
}

macro_rules! smoke {
    ($($name:ident),+ $(,)?) => {
        $(#[test] fn $name() { smoke(stringify!($name)); })+

        #[test]
        fn no_target_is_left_out() {
            let names: Vec<_> = ALL.iter().map(|(name, _)| *name).collect();
            assert_eq!(names, [$(stringify!($name)),+]);
        }
    };
}

smoke!(
    arguments,
    base32,
    credential,
    first_login,
    imports,
    logins,
    mail,
    otpauth,
    policy,
    replies,
    requests,
    stack,
    state,
    trust,
    zone,
);
