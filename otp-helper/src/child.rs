//! Starts a program of ours inside other people's programs, and talks to it over a socket.
//!
//! It leaves nothing behind there: no descriptor, no child, no signal. No message appears in an argument or in the
//! environment.

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, send};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Prepares the program at `program`, whose input and output are one end of the line.
pub(crate) fn command(
    program: &Path,
    arguments: &[PathBuf],
    theirs: UnixStream,
) -> io::Result<Command> {
    let input = OwnedFd::from(theirs);
    let output = input.try_clone()?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::from(input))
        .stdout(Stdio::from(output))
        .stderr(Stdio::null());
    Ok(command)
}

/// Sends bytes without the signal of a closed line, which would end the program around us.
///
/// # Errors
/// The other end does not listen.
pub(crate) fn send_all(line: &UnixStream, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match send(line.as_raw_fd(), bytes, MsgFlags::MSG_NOSIGNAL) {
            Ok(sent) => bytes = &bytes[sent..],
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// Ends and reaps the child.
///
/// If the program around us ignores the ends of its children, the kernel or that program may reap the child first.
/// The wait then finds none, which is as good. The child's process id may belong to another process by then. So only
/// a process that is found to be a running child of this program is killed.
pub(crate) fn end(child: &mut Child, has_answered: bool) {
    if !has_answered && matches!(child.try_wait(), Ok(None)) {
        child.kill().ok();
    }
    child.wait().ok();
}
