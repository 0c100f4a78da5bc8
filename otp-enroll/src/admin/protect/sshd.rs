//! Uses sshd itself: to check its configuration, to read its effective settings, and to reload it.

use crate::failure::{Failure, system};
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

/// Refuses if there is no sshd.
pub fn is_there() -> Result<(), Refusal> {
    if Path::new(SSHD).exists() {
        Ok(())
    } else {
        Err(Refusal::NoSshd)
    }
}

/// Refuses if sshd does not accept its configuration.
pub fn check() -> Result<(), Refusal> {
    run(&["-t"]).map(drop)
}

/// Returns sshd's effective settings for a login of this user from this machine.
fn in_force(you: &Account) -> Result<String, Refusal> {
    let whom = format!("user={},host=localhost,addr=127.0.0.1", you.name.as_str());
    run(&["-T", "-C", &whom])
}

/// Whether all required settings are in effect.
pub fn is_set(you: &Account) -> Result<bool, Refusal> {
    let text = in_force(you)?;
    Ok(WANTED.iter().all(|one| one.is_in(&text)))
}

/// Refuses if another setting is in effect.
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
    output_of(SSHD, arguments)
}

fn output_of(sshd: &str, arguments: &[&str]) -> Result<String, Refusal> {
    let once = || {
        let mut command = Command::new(sshd);
        let done = command.args(arguments).stdin(Stdio::null()).output();
        done.map_err(|error| Refusal::SshdFails {
            reason: system(&error),
        })
    };
    let mut done = once()?;
    // If systemd starts one sshd for each connection, sshd's directory exists only during connections.
    if !done.status.success() && make_missing_directory(&String::from_utf8_lossy(&done.stderr)) {
        done = once()?;
    }
    if done.status.success() {
        Ok(String::from_utf8_lossy(&done.stdout).into_owned())
    } else {
        let said = one_line(&String::from_utf8_lossy(&done.stderr));
        Err(Refusal::SshdFails {
            reason: said.into(),
        })
    }
}

/// Makes the directory below `/run` that sshd reports as missing; returns whether it made one.
fn make_missing_directory(said: &str) -> bool {
    let path = said
        .split("Missing privilege separation directory: ")
        .nth(1);
    let path = path.and_then(|rest| rest.split_whitespace().next());
    let path = path.filter(|path| path.starts_with("/run/") && !path.contains(".."));
    path.is_some_and(|path| DirBuilder::new().mode(0o755).create(path).is_ok())
}

/// Makes one line of a program's output, without characters that a terminal would act on.
fn one_line(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let joined = lines.collect::<Vec<_>>().join("; ");
    joined
        .chars()
        .filter(|c| !c.is_control())
        .take(400)
        .collect()
}

/// Makes the running sshd read its configuration again; returns whether one was found.
///
/// # Errors
/// sshd does not accept its configuration: a reload would end it.
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
    // If systemd starts one sshd for each connection, each reads the configuration anew.
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
    use crate::failure::tests::assert_is_told;
    use otp_core::record::Language;

    #[test]
    fn an_sshd_that_does_not_run_is_told_in_every_language_and_what_sshd_says_as_it_is() {
        let Err(Refusal::SshdFails { reason }) = output_of("/nonexistent/sshd", &["-t"]) else {
            panic!("there is such a program");
        };
        assert_is_told(&reason, "No such file or directory (os error 2)");
        let script = ["-c", "echo no hostkeys available >&2; exit 1"];
        let Err(Refusal::SshdFails { reason }) = output_of("/bin/sh", &script) else {
            panic!("it has not failed");
        };
        assert_eq!(reason.text(Language::Korean), "no hostkeys available");
    }

    #[test]
    fn the_output_of_sshd_becomes_one_line() {
        assert_eq!(
            one_line("/etc/x line 3: bad\r\n\x1b[1mend\n\n"),
            "/etc/x line 3: bad; [1mend"
        );
    }
}
