//! An administrator's session: a command line of `otp-admin` that runs on a verifier's host, over the records of the
//! fleet.
//!
//! ```text
//! administrator                                     verifier                          otp-fleet-admin
//!   "admin1" arguments                        -->
//!   "file" path piece, as often as it takes   -->     "for" administrator       -->
//!   "go"                                      -->     "argument"..., "file"..., "go" -->
//!                                             <--     "out" piece, "err" piece  <--   standard output and error
//!                                             <--     "exit" status
//! ```
//! The files that the command names are read on the administrator's machine and sent along. Nothing else is sent
//! after "go". So anything that the verifier can read after it is the end of the session: the program is told to end,
//! and is then killed. No data of a session is in an argument or the environment of a process, and the program's
//! output goes only to the administrator.

pub mod child;
pub mod client;
pub mod command;
mod screen;
pub mod server;

use otp_helper::frame::Fields;
use std::io::{self, Write};

/// The administrator's name, from the certificate. Only a verifier sends it, and only to its program.
const FOR: &[u8] = b"for";
/// One argument, in order.
const ARGUMENT: &[u8] = b"argument";
/// A piece of a file; the first piece creates the file, so an empty file is one empty piece.
const FILE: &[u8] = b"file";
/// Everything was sent.
const GO: &[u8] = b"go";
/// A piece of standard output.
const OUT: &[u8] = b"out";
/// A piece of standard error.
const ERR: &[u8] = b"err";
/// The exit status of the program.
const EXIT: &[u8] = b"exit";

/// The largest piece of a file or of output in one frame.
const PIECE: usize = 4096;

/// The longest path that is sent, in bytes.
const LONGEST_PATH: usize = 512;

/// The largest total size of a session's files, in bytes.
const ALL_FILES: usize = 64 * 1024 * 1024;

/// The exit status if the session itself failed.
pub const COULD_NOT: u8 = 2;

fn send(line: &mut impl Write, fields: &Fields) -> io::Result<()> {
    let bytes = fields
        .to_bytes()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "larger than a frame"))?;
    line.write_all(&bytes)?;
    line.flush()
}

fn frame(kind: &[u8]) -> Fields {
    Fields::default().with(kind)
}

#[cfg(test)]
mod tests;
