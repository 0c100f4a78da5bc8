//! The output of `getent` for one service of the name service, line by line.

use otp_core::messages::reason::Unfit;
use std::io::{self, BufRead, BufReader};
use std::process::{Child, Command, Stdio};

const GETENT: &str = "/usr/bin/getent";

/// A running `getent`. Ends when this value is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already, or is not needed any more.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Passes each line that a service lists of a database to `each`, without its line end, until `each` returns `false`.
///
/// Bytes that are not UTF-8 are replaced, so such a name belongs to nobody: it could not be looked up again.
///
/// # Errors
/// `getent` could not be run, or did not end well.
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
        return Err(io::Error::other(Unfit::NoOutput));
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
        Err(io::Error::other(Unfit::ListingEnded))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use otp_core::record::Language;

    #[test]
    fn a_listing_that_fails_is_told_in_every_language() {
        let error = every_line("files", "no-such-database", |_| true).unwrap_err();
        assert_eq!(error.to_string(), "getent did not end well");
        for language in Language::ALL {
            let said = Unfit::ListingEnded.text(language);
            assert_eq!(otp_file::told(&error, language), said);
        }
    }
}
