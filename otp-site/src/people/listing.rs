//! What `getent` lists of one service of the name service, a line each.

use std::io::{self, BufRead, BufReader};
use std::process::{Child, Command, Stdio};

const GETENT: &str = "/usr/bin/getent";

/// A running `getent`. Ends with this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already, or is not wanted any more.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Gives each line that a service lists of a database to `each`, without its end, until that says `false`.
///
/// What is not UTF-8 is replaced, and so is nobody's: it cannot be asked for again.
///
/// # Errors
/// It could not be run, or did not end well.
pub(super) fn every_line(
    service: &str,
    database: &str,
    mut each: impl FnMut(&str) -> bool,
) -> io::Result<()> {
    let mut command = Command::new(GETENT);
    command
        .args(["-s", service, database])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut running = Running(command.spawn()?);
    let Some(output) = running.0.stdout.take() else {
        return Err(io::Error::other("no output"));
    };
    let mut lines = BufReader::new(output);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        let text = String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(&line));
        if !each(&text) {
            return Ok(());
        }
        line.clear();
    }
    let status = running.0.wait()?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other("getent did not end well"))
    }
}
