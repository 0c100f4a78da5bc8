//! sshd itself: whether it takes its configuration, what it has in force, and telling it to read it again.

use crate::failure::Failure;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use otp_core::Account;
use otp_core::messages::protect::Refusal;
use otp_site::protect::WANTED;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::{Command, Stdio};

const SSHD: &str = "/usr/sbin/sshd";
const PID_FILE: &str = "/run/sshd.pid";

/// Refuses where there is no sshd.
pub fn is_there() -> Result<(), Refusal> {
    if Path::new(SSHD).exists() {
        Ok(())
    } else {
        Err(Refusal::NoSshd)
    }
}

/// Refuses where sshd does not take its configuration.
pub fn check() -> Result<(), Refusal> {
    run(&["-t"]).map(drop)
}

/// What sshd has in force for a login of this user from this machine.
fn in_force(you: &Account) -> Result<String, Refusal> {
    let whom = format!("user={},host=localhost,addr=127.0.0.1", you.name.as_str());
    run(&["-T", "-C", &whom])
}

/// Whether all that is wanted is in force.
pub fn is_set(you: &Account) -> Result<bool, Refusal> {
    let text = in_force(you)?;
    Ok(WANTED.iter().all(|one| one.is_in(&text)))
}

/// Refuses where something else is in force.
pub fn must_be_set(you: &Account) -> Result<(), Refusal> {
    let text = in_force(you)?;
    match WANTED.iter().find(|one| !one.is_in(&text)) {
        None => Ok(()),
        Some(one) => Err(Refusal::SshdKeeps {
            keyword: one.keyword.to_owned(),
            value: one.found_in(&text).unwrap_or("?").to_owned(),
            wanted: one.value,
        }),
    }
}

fn run(arguments: &[&str]) -> Result<String, Refusal> {
    let failed = |reason: &str| Refusal::SshdFails {
        reason: one_line(reason),
    };
    let once = || {
        let mut command = Command::new(SSHD);
        let done = command.args(arguments).stdin(Stdio::null()).output();
        done.map_err(|error| failed(&error.to_string()))
    };
    let mut done = once()?;
    // Where systemd starts one for each connection, its directory is there only meanwhile.
    if !done.status.success() && make_missing_directory(&String::from_utf8_lossy(&done.stderr)) {
        done = once()?;
    }
    if done.status.success() {
        Ok(String::from_utf8_lossy(&done.stdout).into_owned())
    } else {
        Err(failed(&String::from_utf8_lossy(&done.stderr)))
    }
}

/// Makes the directory below `/run` that sshd says it misses; whether there was one to make.
fn make_missing_directory(said: &str) -> bool {
    let path = said
        .split("Missing privilege separation directory: ")
        .nth(1);
    let path = path.and_then(|rest| rest.split_whitespace().next());
    let path = path.filter(|path| path.starts_with("/run/") && !path.contains(".."));
    path.is_some_and(|path| DirBuilder::new().mode(0o755).create(path).is_ok())
}

/// What a program says, as one line without what a terminal would take for orders.
fn one_line(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let joined = lines.collect::<Vec<_>>().join("; ");
    joined
        .chars()
        .filter(|c| !c.is_control())
        .take(400)
        .collect()
}

/// Has the sshd that runs read its configuration again; whether one was found.
///
/// # Errors
/// Its configuration is not one that it takes: told to read that, it would end.
pub fn reload() -> Result<bool, Failure> {
    check()?;
    if Path::new("/run/systemd/system").is_dir() {
        return Ok(reload_by_systemd());
    }
    Ok(reload_by_pid_file())
}

fn reload_by_systemd() -> bool {
    let systemctl = |arguments: &[&str]| {
        let mut command = Command::new("systemctl");
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    for unit in ["ssh.service", "sshd.service"] {
        if systemctl(&["is-active", "--quiet", unit]) {
            return systemctl(&["reload", unit]);
        }
    }
    // Where systemd starts one for each connection, each reads the configuration anew.
    ["ssh.socket", "sshd.socket"]
        .iter()
        .any(|unit| systemctl(&["is-active", "--quiet", unit]))
}

fn reload_by_pid_file() -> bool {
    let text = fs::read_to_string(PID_FILE).unwrap_or_default();
    let Ok(pid) = text.trim().parse::<i32>() else {
        return false;
    };
    let program = fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
    pid > 1
        && program.file_name().is_some_and(|name| name == "sshd")
        && kill(Pid::from_raw(pid), Signal::SIGHUP).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sshd_says_is_one_line() {
        assert_eq!(
            one_line("/etc/x line 3: bad\r\n\x1b[1mend\n\n"),
            "/etc/x line 3: bad; [1mend"
        );
    }
}
