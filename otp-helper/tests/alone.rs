//! Tests that need a process with one thread. The usual harness has several, so this file does without it.

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use otp_helper::system::{apart, clear_environment, close_descriptors_from, taken_over};
use std::env;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, IntoRawFd};

fn main() {
    descriptors_of_this_program_are_neither_closed_nor_taken_over();
    inherited_descriptors_are_taken_over_or_closed();
    the_environment_is_emptied();
    assert_eq!(apart(|| 7).expect("a process"), Some(7));
    let said = "test result: ok. 4 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out";
    writeln!(io::stdout(), "{said}").expect("the output is read");
}

fn number(file: &File) -> u32 {
    file.as_raw_fd().try_into().expect("a number")
}

fn descriptors_of_this_program_are_neither_closed_nor_taken_over() {
    let file = File::open("/dev/null").expect("a file");
    assert!(close_descriptors_from(3).is_err());
    assert!(taken_over(number(&file)).is_err());
    assert!(taken_over(1).is_err(), "standard output is not handed over");
    assert!(file.metadata().is_ok());
    assert!(taken_over(9).is_err(), "there is none");
}

/// Opens a file like one that a program inherits: it stays open when another program is executed, and no value owns it.
fn handed_over() -> u32 {
    let file = File::open("/proc/self/status").expect("a file");
    fcntl(&file, FcntlArg::F_SETFD(FdFlag::empty())).expect("a flag");
    file.into_raw_fd().try_into().expect("a number")
}

fn inherited_descriptors_are_taken_over_or_closed() {
    let taken = taken_over(handed_over()).expect("a descriptor");
    let text = io::read_to_string(File::from(taken)).expect("a text");
    assert!(text.contains("Threads:\t1\n"));
    let left = handed_over();
    close_descriptors_from(3).expect("this program has no descriptor of its own open");
    assert!(taken_over(left).is_err(), "it is closed");
}

fn the_environment_is_emptied() {
    assert!(env::vars_os().next().is_some());
    clear_environment().expect("there is one thread");
    assert_eq!(env::vars_os().count(), 0);
}
