//! Passphrases typed at a terminal.

use crate::backups::fleet_with_users;
use crate::sealing::sealed;
use nix::pty::openpty;
use nix::sys::termios::{LocalFlags, tcgetattr};
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

/// Reads until the question appears.
fn read_to(terminal: &mut File, question: &str) {
    let mut seen = String::new();
    let mut byte = [0];
    while !seen.contains(question) {
        terminal.read_exact(&mut byte).unwrap();
        seen.push(char::from(byte[0]));
    }
}

/// Otherwise the terminal would not echo what is typed afterwards.
#[test]
fn leaving_a_passphrase_prompt_restores_the_terminal() {
    let Some((place, _)) = fleet_with_users() else {
        return;
    };
    let asked = place.command(&["fleet", "backup", "b"]);
    for (typed, status) in [("\u{3}", 1), ("short\n", 1), ("\u{4}", 1)] {
        let pair = openpty(None, None).unwrap();
        let mut person = File::from(pair.master);
        let terminal = File::from(pair.slave);
        let shows = || {
            let modes = tcgetattr(&terminal).unwrap();
            modes.local_flags.contains(LocalFlags::ECHO)
        };
        assert!(shows());
        let mut command = Command::new("setsid");
        command.args(["--ctty", "--wait"]);
        command.arg(asked.get_program()).args(asked.get_args());
        command.current_dir(place.path("."));
        command.stdin(terminal.try_clone().unwrap());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        read_to(&mut person, "Passphrase for the backup: ");
        assert!(!shows(), "what is typed can be seen");
        person.write_all(typed.as_bytes()).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(status), "{typed:?}");
        assert!(shows(), "{typed:?}");
        assert!(!place.path("b").exists());
    }
}

#[test]
fn a_passphrase_typed_twice_seals_a_backup_and_opens_it_again() {
    let Some((place, _)) = fleet_with_users() else {
        return;
    };
    let typed = "correct horse battery\n";
    let questions = ["Passphrase for the backup: ", "The same again: "];
    answered(
        &place.command(&["fleet", "backup", "b"]),
        &place.path("."),
        &questions.map(|question| (question, typed)),
        0,
    );
    assert!(place.path("b").exists());
    let restore = || place.command(&["fleet", "restore", "b", "--replace"]);
    let question = "Passphrase of the backup: ";
    answered(
        &restore(),
        &place.path("."),
        &[(question, "another one, as long\n")],
        1,
    );
    answered(&restore(), &place.path("."), &[(question, typed)], 0);
}

#[test]
fn a_passphrase_typed_twice_seals_a_sealing_key_and_opens_it_again() {
    let Some(place) = sealed() else {
        return;
    };
    let typed = "correct horse battery\n";
    let questions = ["Passphrase for the file: ", "The same again: "];
    let carry = place.command(&["fleet", "carry-key", "carried"]);
    answered(
        &carry,
        &place.path("."),
        &questions.map(|question| (question, typed)),
        0,
    );
    let take = place.command(&["fleet", "take-key", "carried"]);
    answered(
        &take,
        &place.path("."),
        &[("Passphrase of the file: ", typed)],
        0,
    );
}

/// Runs a command at a terminal of its own and answers its questions; it must end with `status`.
fn answered(asked: &Command, place: &Path, answers: &[(&str, &str)], status: i32) {
    let pair = openpty(None, None).unwrap();
    let mut person = File::from(pair.master);
    let terminal = File::from(pair.slave);
    let mut command = Command::new("setsid");
    command.args(["--ctty", "--wait"]);
    command.arg(asked.get_program()).args(asked.get_args());
    command.current_dir(place);
    command.stdin(terminal.try_clone().unwrap());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    for (question, answer) in answers {
        read_to(&mut person, question);
        person.write_all(answer.as_bytes()).unwrap();
    }
    assert_eq!(child.wait().unwrap().code(), Some(status), "{answers:?}");
}
