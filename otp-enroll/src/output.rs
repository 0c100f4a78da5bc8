//! Results on standard output.

use crate::failure::Failure;
use otp_core::messages::trouble::Trouble;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;

/// Writes a result. A reader that has gone away (`otp-admin list | head -1`) has seen enough, and nothing is wrong.
pub fn print(text: &str) -> Result<(), Failure> {
    write_whole(text.as_bytes()).map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::ReaderLeft,
        _ => Failure::Trouble(Trouble::OutputNotWritten {
            reason: error.to_string(),
        }),
    })
}

/// Writes all of it or says why not. Past the buffer of the standard library, which nobody would wipe.
pub fn write_whole(bytes: &[u8]) -> io::Result<()> {
    File::from(io::stdout().as_fd().try_clone_to_owned()?).write_all(bytes)
}
