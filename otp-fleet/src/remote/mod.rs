//! An administrator's session: a command line of `otp-admin` that runs beside a verifier, over the records of the fleet.
//!
//! ```text
//! administrator                                     verifier                          otp-fleet-admin
//!   "admin1" arguments                        -->
//!   "file" path piece, as often as it takes   -->     "for" administrator       -->
//!   "go"                                      -->     "argument"..., "file"..., "go" -->
//!                                             <--     "out" piece, "err" piece  <--   standard output and error
//!                                             <--     "exit" status
//! ```
//! Files that the command names are read where the administrator is and sent along; nothing else is sent after "go", so that
//! anything that the verifier can read by then is the end of the session: the program is told to end, and is ended. Nothing of
//! a session is in an argument or in the environment of a process, and what the program prints goes to the administrator alone.

pub mod child;
pub mod client;
pub mod command;
mod screen;
pub mod server;

use otp_helper::frame::Fields;
use std::io::{self, Write};

/// Who the administrator is, by the certificate. Only a verifier says so, and only to its program.
const FOR: &[u8] = b"for";
/// One argument, in order.
const ARGUMENT: &[u8] = b"argument";
/// A piece of a file; the first makes it, so an empty file is an empty piece.
const FILE: &[u8] = b"file";
/// All was sent.
const GO: &[u8] = b"go";
/// A piece of standard output.
const OUT: &[u8] = b"out";
/// A piece of standard error.
const ERR: &[u8] = b"err";
/// How the program ended.
const EXIT: &[u8] = b"exit";

/// The largest piece of a file or of output in one frame.
const PIECE: usize = 4096;

/// The longest path that is sent, in bytes.
const LONGEST_PATH: usize = 512;

/// What all files of one session hold together at most.
const ALL_FILES: usize = 64 * 1024 * 1024;

/// The exit status where the session itself has failed.
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
