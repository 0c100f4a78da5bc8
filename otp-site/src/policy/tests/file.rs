//! The policy file as a file: its owner, its mode, and whether it exists.

use super::*;
use crate::fixture::{is_root, promptly, set_mode};
use nix::unistd::mkfifo;
use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::path::PathBuf;
use tempfile::TempDir;

/// A directory with a policy file that asks for seven digits.
fn place() -> (TempDir, PathBuf) {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("pam_otp.conf");
    fs::write(&file, "[code]\ndigits = 7\n").unwrap();
    set_mode(&file, 0o644);
    (directory, file)
}

fn refusal_of(file: &Path) -> String {
    let path = file.to_owned();
    let error = promptly(move || load(&path)).expect_err("a refusal");
    let told = error.to_string();
    let rest = told.strip_prefix(&file.display().to_string());
    rest.expect("the file is named first").to_owned()
}

#[test]
fn a_file_is_read() {
    let (_directory, file) = place();
    for mode in [0o644, 0o640, 0o600, 0o444, 0o755, 0o744] {
        set_mode(&file, mode);
        assert_eq!(
            load(&file)
                .unwrap()
                .where_nothing_is_said()
                .code
                .digits
                .count(),
            7
        );
    }
}

#[test]
fn a_file_named_without_a_directory_is_looked_for_in_the_working_directory() {
    // A test runs in the directory of its package.
    let error = load(Path::new("Cargo.toml")).unwrap_err();
    assert!(!matches!(error, Error::NoPolicy { .. }), "{error}");
}

#[test]
fn a_file_that_others_can_write_is_refused() {
    let (_directory, file) = place();
    for mode in [0o646, 0o664, 0o666, 0o662] {
        set_mode(&file, mode);
        let reason = format!(": has mode {mode:04o}, at most 7755 is allowed");
        assert_eq!(refusal_of(&file), reason);
    }
}

#[test]
fn a_file_owned_by_another_user_is_refused() {
    if !is_root() {
        return;
    }
    let (_directory, file) = place();
    chown(&file, Some(54_321), None).unwrap();
    assert_eq!(
        refusal_of(&file),
        ": is owned by user id 54321, not by root"
    );
}

#[test]
fn a_policy_that_is_no_plain_file_is_refused() {
    /// An object put there instead of the file, and the reason why it is refused.
    type Case = (fn(&Path), &'static str);
    let cases: [Case; 4] = [
        (
            |file| {
                let elsewhere = file.with_extension("elsewhere");
                fs::rename(file, &elsewhere).unwrap();
                symlink(elsewhere, file).unwrap();
            },
            ": is a symbolic link",
        ),
        (
            |file| {
                fs::remove_file(file).unwrap();
                fs::create_dir(file).unwrap();
            },
            ": is not a regular file",
        ),
        (
            |file| {
                fs::remove_file(file).unwrap();
                mkfifo(file, Mode::S_IRWXU).unwrap();
            },
            ": is not a regular file",
        ),
        (
            |file| fs::write(file, "#".repeat(64 * 1024 + 1)).unwrap(),
            ": is larger than 65536 bytes",
        ),
    ];
    for (make, reason) in cases {
        let (_directory, file) = place();
        make(&file);
        assert_eq!(refusal_of(&file), reason);
    }
    let (_directory, file) = place();
    fs::write(&file, "#".repeat(64 * 1024)).unwrap();
    assert_eq!(load(&file).unwrap(), Policies::default());
}

#[test]
fn a_hard_link_made_by_a_user_locks_nobody_out() {
    let (directory, file) = place();
    fs::hard_link(&file, directory.path().join("another")).unwrap();
    assert_eq!(
        load(&file)
            .unwrap()
            .where_nothing_is_said()
            .code
            .digits
            .count(),
        7
    );
}

#[test]
fn a_file_that_was_named_must_exist() {
    let (directory, file) = place();
    fs::remove_file(&file).unwrap();
    assert_eq!(refusal_of(&file), ": the policy file is missing");
    let elsewhere = directory.path().join("nowhere/pam_otp.conf");
    assert_eq!(refusal_of(&elsewhere), ": the policy file is missing");
    for nothing in ["/", ""] {
        assert!(load(Path::new(nothing)).is_err());
    }
}
