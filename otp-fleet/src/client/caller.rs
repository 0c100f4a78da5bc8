//! The line to the program that has started this one: standard input and output.

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use otp_helper::frame::{BadFrame, Fields};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;

/// The parent. Its line bypasses the buffers of the standard library, which are never wiped.
pub(super) struct Caller {
    ends: Unbuffered,
}

impl Caller {
    pub(super) const fn of_this_process() -> Self {
        Self { ends: Unbuffered }
    }

    /// Reads one message.
    pub(super) fn read(&mut self) -> Result<Fields, BadFrame> {
        Fields::read_from(&mut self.ends)
    }

    /// Sends a message; `None`: the parent is gone.
    pub(super) fn say(&mut self, message: &Fields) -> Option<()> {
        let bytes = message.to_bytes()?;
        self.ends.write_all(&bytes).ok()
    }

    /// Whether data is ready to be read.
    pub(super) fn has_said_something(&self) -> bool {
        self.ends.has_something()
    }
}

struct Unbuffered;

impl Unbuffered {
    #[allow(clippy::unused_self, reason = "standard input is there once")]
    fn has_something(&self) -> bool {
        let input = io::stdin();
        let mut line = [PollFd::new(input.as_fd(), PollFlags::POLLIN)];
        matches!(poll(&mut line, PollTimeout::ZERO), Ok(1..))
    }
}

impl Read for Unbuffered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(nix::unistd::read(io::stdin(), buffer)?)
    }
}

impl Write for Unbuffered {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(nix::unistd::write(io::stdout(), bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
