//! Results on standard output.

use crate::failure::Failure;
use crate::failure::system;
use otp_core::messages::trouble::Trouble;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::fd::AsFd;

/// Writes a result. If the reader is gone (`otp-admin list | head -1`), it has seen enough, and nothing is wrong.
pub fn print(text: &str) -> Result<(), Failure> {
    write_whole(text.as_bytes()).map_err(|error| not_written(&error))
}

fn not_written(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::ReaderLeft,
        _ => Failure::Trouble(Trouble::OutputNotWritten {
            reason: system(error),
        }),
    }
}

/// A result that is written while it is found.
pub struct Stream(BufWriter<File>);

impl Stream {
    /// Starts a result.
    pub fn begin() -> Result<Self, Failure> {
        let output = io::stdout().as_fd().try_clone_to_owned();
        let output = output.map_err(|error| not_written(&error))?;
        Ok(Self(BufWriter::with_capacity(1 << 16, output.into())))
    }

    /// Writes more of the result.
    pub fn write(&mut self, text: &str) -> Result<(), Failure> {
        self.0
            .write_all(text.as_bytes())
            .map_err(|error| not_written(&error))
    }

    /// Writes the rest to the reader.
    pub fn end(mut self) -> Result<(), Failure> {
        self.0.flush().map_err(|error| not_written(&error))
    }
}

/// Writes all bytes or returns an error. It bypasses the buffer of the standard library, which is never wiped.
pub fn write_whole(bytes: &[u8]) -> io::Result<()> {
    File::from(io::stdout().as_fd().try_clone_to_owned()?).write_all(bytes)
}
