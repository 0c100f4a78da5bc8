//! A program of ours that is started inside other people's programs, and talked to over a socket: nothing is left behind
//! there, no descriptor, no child, no signal. What is said never stands in an argument or in the environment.

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, send};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The program at `program`, whose input and output are one end of the line.
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

/// Without the signal that a closed line sends, which would end the program that we are in.
///
/// # Errors
/// Nobody listens.
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

/// Reaps the child. A program that ignores its children's ends has them reaped by the kernel, or reaps whatever ends by
/// itself, and the wait then finds none: that is as good. Its number may be somebody else's by then, so nothing is killed
/// that is not found to be a child of this program's that goes on.
pub(crate) fn end(child: &mut Child, has_answered: bool) {
    if !has_answered && matches!(child.try_wait(), Ok(None)) {
        child.kill().ok();
    }
    child.wait().ok();
}
