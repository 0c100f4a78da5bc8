//! The administrator's side of a session.

use super::{ERR, EXIT, FILE, GO, LONGEST_PATH, OUT, PIECE};
use super::{frame, send};
use otp_helper::fleet::ADMINISTRATOR;
use otp_helper::frame::{BadFrame, Fields};
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The options for reaching the fleet, which are not sent to the verifier; each has a value.
const OF_THIS_MACHINE: [&str; 4] = ["--conf", "--state-dir", "--certificate", KEY];

/// The option for the key of the administrator's certificate, except after [`SEAL`].
const KEY: &str = "--key";
/// The command that has a `--key` option of its own.
const SEAL: &str = "seal";
/// The only common option that is sent to the verifier; it has a value.
const LANGUAGE: &str = "--lang";

/// Returns the arguments of `otp-admin` without those about this machine only.
///
/// The arguments were already parsed, so the word after such an option is its value. `--key` after `seal` belongs to
/// that command: without it, the verifier would do something that was not asked.
#[must_use]
pub fn for_the_fleet(arguments: &[OsString]) -> Vec<OsString> {
    let mut kept = Vec::new();
    let mut all = arguments.iter();
    let mut command = None;
    while let Some(argument) = all.next() {
        let text = argument.to_string_lossy();
        if text == LANGUAGE {
            kept.push(argument.clone());
            kept.extend(all.next().cloned());
            continue;
        }
        // Only options come before the command.
        if command.is_none() && !text.starts_with('-') {
            command = Some(text.to_string());
        }
        let is_seal = command.as_deref() == Some(SEAL);
        if is_seal && (text == KEY || text.starts_with("--key=")) {
            kept.push(argument.clone());
            continue;
        }
        if text == "--" {
            kept.push(argument.clone());
            kept.extend(all.cloned());
            break;
        }
        if OF_THIS_MACHINE.contains(&&*text) {
            all.next();
            continue;
        }
        let is_joined = |option: &&str| {
            text.strip_prefix(*option)
                .is_some_and(|rest| rest.starts_with('='))
        };
        if !OF_THIS_MACHINE.iter().any(is_joined) {
            kept.push(argument.clone());
        }
    }
    kept
}

/// Why a session did not end properly.
#[derive(Debug)]
pub enum Broken {
    /// A path or an argument is too long to send.
    TooLong,
    /// A message could not be sent: the verifier is gone, or refuses.
    NotSent(io::Error),
    /// The verifier has gone before the end. Whether everything was done is unknown.
    NoEnd,
    /// The verifier sent a message that this protocol does not have.
    Unintelligible,
    /// Standard output or error cannot be written.
    NotWritten(io::Error),
}

/// Runs a command line over a line to a verifier, and returns the exit status of the command there.
///
/// `files`: the files that the command names, by those names.
///
/// # Errors
/// See [`Broken`]. Text that was already printed stays.
pub fn run<'a>(
    line: &mut (impl Read + Write),
    arguments: &[OsString],
    files: impl Iterator<Item = (&'a Path, &'a [u8])>,
    output: &mut (impl Write + ?Sized),
    errors: &mut (impl Write + ?Sized),
) -> Result<u8, Broken> {
    let head = arguments
        .iter()
        .fold(frame(ADMINISTRATOR), |all, one| all.with(one.as_bytes()));
    if head.to_bytes().is_none() {
        return Err(Broken::TooLong);
    }
    send(line, &head).map_err(Broken::NotSent)?;
    for (path, content) in files {
        let path = path.as_os_str().as_bytes();
        if path.len() > LONGEST_PATH {
            return Err(Broken::TooLong);
        }
        let mut pieces = content.chunks(PIECE);
        let first = pieces.next().unwrap_or_default();
        for piece in std::iter::once(first).chain(pieces) {
            send(line, &frame(FILE).with(path).with(piece)).map_err(Broken::NotSent)?;
        }
    }
    send(line, &frame(GO)).map_err(Broken::NotSent)?;
    loop {
        let fields = Fields::read_from(line).map_err(|bad| match bad {
            BadFrame::Silence => Broken::NoEnd,
            _ => Broken::Unintelligible,
        })?;
        match fields.as_slices().as_slice() {
            [OUT, piece] => write(output, piece)?,
            [ERR, piece] => write(errors, piece)?,
            [EXIT, status] => {
                let status = std::str::from_utf8(status).ok();
                return status
                    .and_then(|text| text.parse().ok())
                    .ok_or(Broken::Unintelligible);
            }
            _ => return Err(Broken::Unintelligible),
        }
    }
}

fn write(stream: &mut (impl Write + ?Sized), piece: &[u8]) -> Result<(), Broken> {
    stream
        .write_all(piece)
        .and_then(|()| stream.flush())
        .map_err(Broken::NotWritten)
}
