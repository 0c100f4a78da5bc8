//! Helpers that the tests of this crate share.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Far longer than anything here takes.
const SOON: Duration = Duration::from_secs(20);

pub(crate) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Whether this is root: only root can give a file to another user. The whole suite runs as root (`tests/run`).
pub(crate) fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// Fails instead of hanging if `work` waits for something that never comes.
pub(crate) fn promptly<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(work()));
    receiver
        .recv_timeout(SOON)
        .expect("an answer, and neither a panic nor an endless wait")
}
