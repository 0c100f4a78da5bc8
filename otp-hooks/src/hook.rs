//! One run of the hook, with nothing of this process and within a time limit.

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Gid, Pid, Uid};
use otp_core::event::Text;
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::{PidfdFlags, pidfd_open};
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// The environment of a hook: nothing from the event, and nothing from this process.
const ENVIRONMENT: [(&str, &str); 4] = [
    (
        "PATH",
        "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ),
    ("LANG", "C.UTF-8"),
    ("HOME", "/"),
    ("SHELL", "/bin/sh"),
];

/// The number of bytes kept of a hook's error output; the rest is read and discarded.
const LONGEST_COMPLAINT: usize = 1024;

/// The program that gets the events.
pub(crate) struct Hook {
    pub program: PathBuf,
    /// The ids that the hook gets; `None`: the ids of this process.
    pub user: Option<(Uid, Gid)>,
    /// The time that the hook may take.
    pub time_limit: Duration,
}

impl Hook {
    /// Gives one event to the hook. The event is taken only if the hook exits in time with status 0.
    ///
    /// # Errors
    /// The hook did not take the event; the text is the reason.
    pub(crate) fn run(&self, event: &[u8]) -> Result<(), String> {
        let mut child = self.start(event).map_err(|error| error.to_string())?;
        let complaint = child.stderr.take();
        let ended = watch(&child, complaint, self.time_limit);
        // Kill before reaping, while no other process can have the group's number. Any process that the hook has left
        // goes too.
        kill_group(&child);
        let status = child.wait().map_err(|error| error.to_string())?;
        match ended {
            Ok(said) if status.success() => {
                drop(said);
                Ok(())
            }
            Ok(said) => Err(outcome(status) + &said),
            Err(reason) => Err(reason),
        }
    }

    fn start(&self, event: &[u8]) -> io::Result<Child> {
        // The event is a file of its own: with a pipe, a hook that does not read would block this program.
        let mut input = File::from(memfd_create("event", MemfdFlags::CLOEXEC)?);
        input.write_all(event)?;
        input.rewind()?;
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .envs(ENVIRONMENT)
            .current_dir("/")
            .process_group(0)
            .stdin(input)
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        if let Some((user, group)) = self.user {
            // Given a user id, std drops the supplementary groups too.
            command.uid(user.as_raw()).gid(group.as_raw());
        }
        command.spawn()
    }
}

/// Waits for a hook to end, and reads its error output.
fn watch(
    child: &Child,
    mut complaint: Option<std::process::ChildStderr>,
    limit: Duration,
) -> Result<String, String> {
    let text = |error: io::Error| error.to_string();
    let pid = rustix::process::Pid::from_child(child);
    let end = pidfd_open(pid, PidfdFlags::empty()).map_err(|errno| text(errno.into()))?;
    let deadline = Instant::now() + limit;
    let mut said = Vec::new();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(format!("took longer than {} seconds", limit.as_secs()));
        }
        let timeout =
            PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX);
        let mut waiting = vec![PollFd::new(end.as_fd(), PollFlags::POLLIN)];
        if let Some(complaint) = &complaint {
            waiting.push(PollFd::new(complaint.as_fd(), PollFlags::POLLIN));
        }
        match poll(&mut waiting, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(text(errno.into())),
        }
        let happened = |at: usize| waiting.get(at).and_then(PollFd::any).unwrap_or(false);
        let (has_ended, has_complained) = (happened(0), happened(1));
        if has_complained && let Some(from) = &mut complaint {
            let mut bytes = [0; 4096];
            match from.read(&mut bytes) {
                Ok(0) | Err(_) => complaint = None,
                Ok(count) => {
                    let room = LONGEST_COMPLAINT.saturating_sub(said.len());
                    said.extend_from_slice(&bytes[..count.min(room)]);
                }
            }
        } else if has_ended {
            return Ok(last_line(&said));
        }
        // A hook that writes without end is not read beyond its own end.
        if has_ended && said.len() >= LONGEST_COMPLAINT {
            return Ok(last_line(&said));
        }
    }
}

/// Returns the last line of the error output, for the log.
fn last_line(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let last = text.lines().map(str::trim).rfind(|line| !line.is_empty());
    last.map_or_else(String::new, |line| {
        let line: String = line.chars().take(160).collect();
        format!(": {}", Text::escaped(&line).as_str())
    })
}

fn outcome(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with status {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "did not end well".to_owned(),
    }
}

fn kill_group(child: &Child) {
    if let Ok(number) = i32::try_from(child.id()) {
        killpg(Pid::from_raw(number), Signal::SIGKILL).ok();
    }
}

#[cfg(test)]
mod tests;
