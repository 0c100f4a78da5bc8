use super::user_directory::CREDENTIAL;
use super::*;
use crate::account::record::HeldRecord;
use crate::account::{erase, is_enrolled};
use crate::attempt;
use crate::fixture::{
    KEY, NOW, Place, SOON, alice, another_credential, assert_tells_no_secret_of, code, credential,
    enrol, is_root, place_of_parent, promptly, run_again_after, set_mode, state_of,
};
use nix::unistd::mkfifo;
use otp_core::{Policy, State, Verdict};
use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::os::unix::net::UnixListener;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

mod erasing;
mod locking;
mod refusing;
mod writing;

const STATE: &str = "state";

/// A user and group id that belongs to nobody in these tests.
const STRANGER: u32 = 54_321;

/// Tries a wrong code or a right one for alice, at [`NOW`].
fn try_code(store: &Store, steps_from_now: i64, excused: bool) -> Result<Verdict, Error> {
    let input = code(&credential(), steps_from_now);
    let now = || Ok(NOW);
    attempt(store, &alice(), &Policy::default(), &input, excused, now)
        .map(attempt::Committed::into_inner)
}

fn accepted(verdict: Result<Verdict, Error>) -> bool {
    matches!(verdict.unwrap(), Verdict::Accepted { .. })
}

/// Checks that nobody is let in, not even users who need not be enrolled, and that the reason names this file.
fn assert_refused(fault: &str, place: &Place, file: &Path, secrets: &[u8], reason: &str) {
    let path = place.path().to_owned();
    let (verdict, enrolled) = promptly(move || {
        let store = Store::open(&path).unwrap();
        (try_code(&store, 0, true), is_enrolled(&store, &alice()))
    });
    let error = verdict.expect_err(fault);
    assert_eq!(
        error.to_string(),
        format!("{}: {reason}", file.display()),
        "{fault}"
    );
    assert_tells_no_secret_of(secrets, &error);
    // Faults of the state are found only under the lock.
    let state_is_at_fault = file.ends_with(STATE);
    match enrolled {
        Ok(enrolled) => assert!(enrolled, "{fault} is not the same as not enrolled"),
        Err(error) => assert!(!state_is_at_fault, "{fault}: {error}"),
    }
}

/// An object put there instead of a file, and the reason why it is refused.
type Fault = (&'static str, fn(&Path), &'static str);

const FAULTS_OF_ANY_FILE: [Fault; 8] = [
    (
        "a link to another file",
        |file| {
            let elsewhere = file.with_extension("elsewhere");
            fs::rename(file, &elsewhere).unwrap();
            symlink(elsewhere, file).unwrap();
        },
        "is a symbolic link",
    ),
    (
        "a link to nothing",
        |file| replace_with(file, |file| symlink("/nowhere", file).unwrap()),
        "is a symbolic link",
    ),
    (
        "a fifo",
        |file| replace_with(file, |file| mkfifo(file, Mode::S_IRWXU).unwrap()),
        "is not a regular file",
    ),
    (
        "a socket",
        |file| {
            replace_with(file, |file| drop(UnixListener::bind(file).unwrap()));
        },
        "is not a regular file",
    ),
    (
        "a directory",
        |file| replace_with(file, |file| fs::create_dir(file).unwrap()),
        "is not a regular file",
    ),
    (
        "a file with another name",
        |file| fs::hard_link(file, file.with_extension("other")).unwrap(),
        "has more than one hard link",
    ),
    (
        "somebody else's file",
        |file| chown(file, Some(STRANGER), None).unwrap(),
        "is owned by user id 54321, not by root",
    ),
    (
        "a file of another group",
        |file| chown(file, None, Some(STRANGER)).unwrap(),
        "belongs to group id 54321, not to the group of the store",
    ),
];

fn replace_with(file: &Path, put: impl FnOnce(&Path)) {
    fs::remove_file(file).unwrap();
    put(file);
}

/// Faults that only root can cause.
fn needs_root(fault: &str) -> bool {
    fault.starts_with("somebody else's") || fault.contains("another group")
}
