//! The administrator's half of a session.

use super::{ERR, EXIT, FILE, GO, LONGEST_PATH, OUT, PIECE};
use super::{frame, send};
use otp_helper::fleet::ADMINISTRATOR;
use otp_helper::frame::{BadFrame, Fields};
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Options that say how to come to the fleet, and are none of the verifier's business; each has a value.
const OF_THIS_MACHINE: [&str; 4] = ["--conf", "--state-dir", "--certificate", KEY];

/// The key of the administrator's certificate, but behind [`SEAL`].
const KEY: &str = "--key";
/// The command that has a `--key` of its own.
const SEAL: &str = "seal";
/// The one option of all commands that is the verifier's business; it has a value.
const LANGUAGE: &str = "--lang";

/// The arguments of `otp-admin` without those that are about this machine alone.
///
/// They were read already, so what follows such an option is its value. `--key` behind `seal` is that command's own: without
/// it, the verifier would do something else than what was asked.
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
        // Only options come before it.
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

/// Why a session came to no end.
#[derive(Debug)]
pub enum Broken {
    /// A path or an argument is longer than what can be sent.
    TooLong,
    /// What was to be sent could not be: the verifier has gone, or refuses.
    NotSent(io::Error),
    /// The verifier has gone before the end. Whether all was done is not known.
    NoEnd,
    /// The verifier says something else than this protocol has.
    Unintelligible,
    /// Standard output or error could not be written to.
    NotWritten(io::Error),
}

/// Runs a command line over a line to a verifier, and gives the exit status of the command there.
///
/// `files`: those that the command names, as they are named.
///
/// # Errors
/// See [`Broken`]. What was printed by then was printed.
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
