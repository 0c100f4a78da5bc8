//! The files of syslog. They do not show the writer of a line.

use super::moment::{Clocks, take};
use super::{Record, Writer, lines};
use crate::failure::Failure;
use crate::failure::system;
use otp_core::UnixTime;
use otp_core::event::Read;
use otp_core::messages::reason::Unfit;
use otp_core::messages::trouble::Trouble;
use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

/// The place where syslog keeps the messages of logins: Debian's name, and that of Fedora, SUSE and their kin.
const DIRECTORY: &str = "/var/log";
const NAMES: [&str; 2] = ["auth.log", "secure"];

/// The programs that unpack a file, by the end of its name.
const PACKED: [(&str, &str); 4] = [
    ("gz", "/usr/bin/gzip"),
    ("xz", "/usr/bin/xz"),
    ("zst", "/usr/bin/zstd"),
    ("bz2", "/usr/bin/bzip2"),
];

/// Returns the files that exist, the oldest first.
pub fn usual() -> Vec<PathBuf> {
    files_in(Path::new(DIRECTORY))
}

fn files_in(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let is_one = NAMES.iter().any(|log| {
                let rest = name.strip_prefix(log);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']))
            });
            let metadata = entry.metadata().ok().filter(|_| is_one)?;
            let modified = metadata.modified().ok().filter(|_| metadata.is_file())?;
            Some((modified, entry.path()))
        })
        .collect();
    found.sort();
    found.into_iter().map(|(_, path)| path).collect()
}

/// Passes each entry of a file to `each`.
pub fn read(
    path: &Path,
    now: UnixTime,
    mut each: impl FnMut(Record) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let unreadable = |error: &io::Error| Trouble::LogNotRead {
        path: path.display().to_string(),
        reason: system(error),
    };
    let clocks = Clocks::of_this_machine(now);
    let file = File::open(path).map_err(|error| unreadable(&error))?;
    let each = |line: &str| {
        record(line, &clocks).map_or(Ok(()), &mut each)?;
        Ok(false)
    };
    let end = path.extension().and_then(|end| end.to_str()).unwrap_or("");
    let read = match PACKED.iter().find(|(packed, _)| *packed == end) {
        None => lines(BufReader::new(file), each)?,
        Some((_, program)) => {
            let mut unpacked =
                Unpacked::begin(program, file).map_err(|error| unreadable(&error))?;
            let read = match unpacked.text() {
                Some(text) => lines(BufReader::new(text), each)?,
                None => Ok(()),
            };
            read.and_then(|()| unpacked.end())
        }
    };
    Ok(read.map_err(|error| unreadable(&error))?)
}

/// Reads `Jan 15 08:00:10 web1 sshd[7]: pam_otp(sshd:auth): otp.accept user="alice"`.
fn record(line: &str, clocks: &Clocks) -> Option<Record> {
    let (when, rest) = take(line, clocks)?;
    let (machine, rest) = rest.split_once(' ')?;
    let (tag, message) = rest.split_once(": ")?;
    let (program, pid) = match tag.strip_suffix(']').and_then(|tag| tag.rsplit_once('[')) {
        Some((program, pid)) => (program, Some(pid.parse().ok()?)),
        None => (tag, None),
    };
    Some(Record {
        when,
        program: program.to_owned(),
        pid,
        machine: machine.to_owned(),
        writer: Writer::Unknown,
        read: Read::from_line(program, message)?,
    })
}

/// A program that unpacks a file. It ends when this is dropped.
struct Unpacked(Child);

impl Unpacked {
    fn begin(program: &str, file: File) -> io::Result<Self> {
        let program = Command::new(program)
            .args(["--decompress", "--stdout"])
            .env_clear()
            .stdin(file)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self(program))
    }

    fn text(&mut self) -> Option<ChildStdout> {
        self.0.stdout.take()
    }

    fn end(&mut self) -> io::Result<()> {
        if self.0.wait()?.success() {
            Ok(())
        } else {
            Err(io::Error::other(Unfit::Packed))
        }
    }
}

impl Drop for Unpacked {
    fn drop(&mut self) {
        // The program may have ended already.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[cfg(test)]
mod tests;
