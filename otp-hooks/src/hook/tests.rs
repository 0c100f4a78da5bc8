use super::*;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;

/// A hook that is a script in a directory of its own.
struct Script {
    place: TempDir,
}

impl Script {
    fn new(lines: &str) -> Self {
        let place = tempfile::tempdir().unwrap();
        let hook = place.path().join("hook");
        fs::write(
            &hook,
            format!("#!/bin/sh\ncd {}\n{lines}\n", place.path().display()),
        )
        .unwrap();
        fs::set_permissions(&hook, Permissions::from_mode(0o755)).unwrap();
        Self { place }
    }

    fn run_for(&self, event: &[u8], time_limit: Duration) -> Result<(), String> {
        let hook = Hook {
            program: self.place.path().join("hook"),
            user: None,
            time_limit,
        };
        loop {
            match hook.run(event) {
                // Another test forked while the script was being written.
                Err(busy) if busy.contains("Text file busy") => {}
                done => return done,
            }
        }
    }

    fn run(&self, event: &[u8]) -> Result<(), String> {
        self.run_for(event, Duration::from_secs(600))
    }

    fn wrote(&self, name: &str) -> String {
        fs::read_to_string(self.place.path().join(name)).unwrap()
    }
}

#[test]
fn a_hook_that_succeeds_has_taken_the_event() {
    let hook = Script::new("cat > got");
    assert_eq!(hook.run(b"{\"event\":\"otp.lock\"}\n"), Ok(()));
    assert_eq!(hook.wrote("got"), "{\"event\":\"otp.lock\"}\n");
}

#[test]
fn a_hook_inherits_no_environment_descriptor_or_process_group() {
    let hook = Script::new(
        "env > env; ls -l /proc/self/fd > fds; pwd -P > /dev/null; cut -d' ' -f5 /proc/self/stat > group",
    );
    let open = File::open("/etc/passwd").unwrap();
    assert_eq!(hook.run(b"{}"), Ok(()));
    drop(open);
    let wrote = hook.wrote("env");
    let names: Vec<_> = wrote
        .lines()
        .filter_map(|line| line.split('=').next())
        .collect();
    let own = ["PWD", "OLDPWD", "_"];
    let given: Vec<_> = names.iter().filter(|name| !own.contains(name)).collect();
    assert_eq!(given.len(), ENVIRONMENT.len(), "{wrote}");
    // Variables of the test's own environment may appear too; test_hooks.py checks the program itself.
    let fds = hook.wrote("fds");
    assert!(!fds.contains("passwd"), "{fds}");
    assert_ne!(
        hook.wrote("group").trim(),
        nix::unistd::getpgrp().to_string()
    );
}

#[test]
fn a_hook_that_fails_has_not_taken_the_event() {
    for (lines, said) in [
        ("exit 3", "ended with status 3"),
        ("kill -9 $$", "was ended by signal 9"),
        (
            "echo first >&2; printf 'no \\033[31mway\\n' >&2; exit 22",
            r"ended with status 22: no \u{1b}[31mway",
        ),
        ("nonexistent-command 2> /dev/null", "ended with status 127"),
    ] {
        assert_eq!(
            Script::new(lines).run(b"{}"),
            Err(said.to_owned()),
            "{lines}"
        );
    }
    let hook = Hook {
        program: "/no/such/hook".into(),
        user: None,
        time_limit: Duration::from_secs(600),
    };
    assert!(hook.run(b"{}").unwrap_err().contains("No such file"));
}

#[test]
fn a_hook_that_reads_nothing_delays_nothing() {
    assert_eq!(
        Script::new("exec < /dev/null").run(&vec![b'x'; 1 << 20]),
        Ok(())
    );
}

#[test]
fn a_hook_that_hangs_is_ended_with_every_process_that_it_has_started() {
    let hook = Script::new(
        "(trap '' TERM HUP; echo $$ > started; exec sleep 100000) & echo $! > child; wait",
    );
    let said = hook
        .run_for(b"{}", Duration::from_millis(1500))
        .unwrap_err();
    assert_eq!(said, "took longer than 1 seconds");
    let child: i32 = hook.wrote("child").trim().parse().unwrap();
    assert!(is_gone(child));
}

#[test]
fn a_process_that_a_hook_leaves_running_is_ended() {
    let hook = Script::new("sleep 100000 & echo $! > child");
    assert_eq!(hook.run(b"{}"), Ok(()));
    let child: i32 = hook.wrote("child").trim().parse().unwrap();
    assert!(is_gone(child));
}

/// Whether the process has ended or is about to: the kernel has its signal.
fn is_gone(pid: i32) -> bool {
    let deadline = Instant::now() + Duration::from_secs(600);
    while Instant::now() < deadline {
        let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        if status.is_empty() || status.contains(") Z ") {
            return true;
        }
        std::thread::yield_now();
    }
    false
}

#[test]
fn a_hook_that_writes_endlessly_is_ended_in_time() {
    for lines in ["exec yes", "exec yes >&2", "yes >&2 & exit 0"] {
        let done = Script::new(lines).run_for(b"{}", Duration::from_millis(500));
        assert_eq!(done.is_ok(), lines.ends_with("exit 0"), "{lines}: {done:?}");
    }
}

#[test]
fn a_process_that_leaves_the_group_of_its_hook_delays_nothing() {
    let hook = Script::new(
        "setsid sh -c 'echo $$ > child; exec sleep 100000' & while ! [ -s child ]; do :; done",
    );
    assert_eq!(hook.run(b"{}"), Ok(()));
    let child: i32 = hook.wrote("child").trim().parse().unwrap();
    nix::sys::signal::kill(Pid::from_raw(child), Signal::SIGKILL).unwrap();
}
