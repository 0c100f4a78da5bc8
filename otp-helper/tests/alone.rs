//! What takes a process with one thread: the harness of other tests has several, so this one has none.

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use otp_helper::system::{apart, clear_environment, close_descriptors_from, taken_over};
use std::env;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, IntoRawFd};

fn main() {
    what_this_program_has_opened_is_neither_closed_nor_taken_over();
    what_it_was_begun_with_is_taken_over_or_closed();
    the_environment_is_emptied();
    assert_eq!(apart(|| 7).expect("a process"), Some(7));
    let said = "test result: ok. 4 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out";
    writeln!(io::stdout(), "{said}").expect("somebody reads it");
}

fn number(file: &File) -> u32 {
    file.as_raw_fd().try_into().expect("a number")
}

fn what_this_program_has_opened_is_neither_closed_nor_taken_over() {
    let file = File::open("/dev/null").expect("a file");
    assert!(close_descriptors_from(3).is_err());
    assert!(taken_over(number(&file)).is_err());
    assert!(taken_over(1).is_err(), "standard output is not handed over");
    assert!(file.metadata().is_ok());
    assert!(taken_over(9).is_err(), "there is none");
}

/// A file as a program is begun with: it outlives the beginning of another program, and no value owns it.
fn handed_over() -> u32 {
    let file = File::open("/proc/self/status").expect("a file");
    fcntl(&file, FcntlArg::F_SETFD(FdFlag::empty())).expect("a flag");
    file.into_raw_fd().try_into().expect("a number")
}

fn what_it_was_begun_with_is_taken_over_or_closed() {
    let taken = taken_over(handed_over()).expect("a descriptor");
    let text = io::read_to_string(File::from(taken)).expect("a text");
    assert!(text.contains("Threads:\t1\n"));
    let left = handed_over();
    close_descriptors_from(3).expect("nothing of this program's own is open");
    assert!(taken_over(left).is_err(), "it is closed");
}

fn the_environment_is_emptied() {
    assert!(env::vars_os().next().is_some());
    clear_environment().expect("there is one thread");
    assert_eq!(env::vars_os().count(), 0);
}
