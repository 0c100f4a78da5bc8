//! Programs of the administrator: which may run, and for how long.

use crate::apart::PATH;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use otp_site::hook;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Prepares a program that gets nothing of this process but its input.
///
/// # Errors
/// The program is missing, or a user other than root could have changed it.
pub(crate) fn of_root(path: &Path) -> Result<Command, String> {
    let shown = path.display();
    hook::examine(path).map_err(|unfit| format!("{shown}: {unfit}"))?;
    let mut command = Command::new(path);
    command
        .env_clear()
        .env("PATH", PATH)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    Ok(command)
}

/// Gives `input` to the program and returns its output, at most `most` bytes, once it has ended with success.
///
/// # Errors
/// The program could not be run, took longer than `deadline`, wrote more, did not take its input, or failed.
pub(crate) fn run(
    mut command: Command,
    input: &[u8],
    most: usize,
    deadline: Duration,
) -> Result<Vec<u8>, String> {
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let said = converse(&mut child, input, most, deadline);
    if said.is_err() {
        child.kill().ok();
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    let said = said?;
    if status.success() {
        Ok(said)
    } else {
        Err(format!("ended with {status}"))
    }
}

fn converse(
    child: &mut Child,
    mut input: &[u8],
    most: usize,
    deadline: Duration,
) -> Result<Vec<u8>, String> {
    let begun = Instant::now();
    let mut stdin = child.stdin.take();
    let mut stdout = child.stdout.take().expect("standard output is a pipe");
    let mut said = Vec::new();
    loop {
        if input.is_empty() {
            stdin = None;
        }
        let left = deadline.saturating_sub(begun.elapsed());
        if left.is_zero() {
            return Err(format!("took longer than {} s", deadline.as_secs()));
        }
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        let mut both = vec![PollFd::new(stdout.as_fd(), PollFlags::POLLIN)];
        if let Some(stdin) = &stdin {
            both.push(PollFd::new(stdin.as_fd(), PollFlags::POLLOUT));
        }
        match poll(&mut both, timeout) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(error.to_string()),
        }
        let is_ready = |at: usize| {
            let happened = both.get(at).and_then(PollFd::any);
            happened.unwrap_or(false)
        };
        let (may_read, may_write) = (is_ready(0), is_ready(1));
        if may_write && let Some(pipe) = &mut stdin {
            // A pipe that is ready takes this much without blocking (PIPE_BUF).
            match pipe.write(&input[..input.len().min(4096)]) {
                Ok(written) => input = &input[written..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(format!("did not take its input: {error}")),
            }
        }
        if may_read {
            let mut piece = [0; 1024];
            match stdout.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => said.extend_from_slice(&piece[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.to_string()),
            }
            if said.len() > most {
                return Err("says too much".to_owned());
            }
        }
    }
    // The program has closed its output; it must also end within the same time.
    while begun.elapsed() < deadline {
        match child.try_wait() {
            Ok(None) => std::thread::sleep(Duration::from_millis(20)),
            Ok(Some(_)) if input.is_empty() => return Ok(said),
            Ok(Some(_)) => return Err("did not take its input".to_owned()),
            Err(error) => return Err(error.to_string()),
        }
    }
    Err(format!("took longer than {} s", deadline.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    const LONG: Duration = Duration::from_secs(60);

    fn shell(script: &str) -> Command {
        let mut command = of_root(Path::new("/bin/sh")).unwrap();
        command.arg("-c").arg(script);
        command
    }

    #[test]
    fn a_program_gets_its_whole_input_and_its_output_is_read() {
        let input = vec![b'x'; 300_000];
        let said = run(shell("wc -c; echo $PATH; env | wc -l"), &input, 1000, LONG).unwrap();
        let said = String::from_utf8(said).unwrap();
        let mut words = said.split_whitespace();
        assert_eq!(words.next(), Some("300000"));
        assert_eq!(words.next(), Some(PATH));
    }

    #[test]
    fn a_program_that_fails_says_too_much_or_hangs_is_ended_and_reported() {
        assert!(
            run(shell("exit 75"), b"", 10, LONG)
                .unwrap_err()
                .contains("75")
        );
        assert_eq!(
            run(shell("yes"), b"", 100, LONG).unwrap_err(),
            "says too much"
        );
        let short = Duration::from_millis(200);
        assert!(
            run(shell("exec sleep 600"), b"", 10, short)
                .unwrap_err()
                .contains("longer")
        );
        assert!(
            run(shell("exec sleep 600 >&-"), b"", 10, short)
                .unwrap_err()
                .contains("longer")
        );
    }

    #[test]
    fn a_program_that_others_could_have_changed_is_not_run() {
        assert!(of_root(Path::new("/nowhere/sendmail")).is_err());
        assert!(of_root(Path::new("/bin")).is_err());
        let own = std::env::temp_dir().join(format!("otp-mail-program-{}", std::process::id()));
        fs::write(&own, "").unwrap();
        // Nor is a program run that any user could replace: everybody may write to this directory.
        let refused = [0o777, 0o755].map(|mode| {
            fs::set_permissions(&own, fs::Permissions::from_mode(mode)).unwrap();
            of_root(&own).is_err()
        });
        fs::remove_file(&own).unwrap();
        assert_eq!(refused, [true, true]);
    }
}
