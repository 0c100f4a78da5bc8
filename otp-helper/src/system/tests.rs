use super::*;
use std::env;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::sync::mpsc::channel;
use std::thread;

/// `tests/alone.rs` tests a process with one thread.
#[test]
fn no_descriptor_is_closed_or_taken_over_while_another_thread_runs() {
    let (end, ends) = channel::<()>();
    let other = thread::spawn(move || ends.recv().ok());
    let file = File::open("/dev/null").unwrap();
    // This is like a descriptor that a program is started with: no value owns it.
    let copy = u32::try_from(file.try_clone().unwrap().as_raw_fd()).unwrap();
    assert!(close_descriptors_from(copy).is_err());
    assert!(taken_over(copy).is_err());
    assert!(file.metadata().is_ok());
    assert!(clear_environment().is_err());
    assert!(env::vars_os().next().is_some());
    assert!(apart(|| 7).is_err());
    end.send(()).unwrap();
    other.join().unwrap();
}
