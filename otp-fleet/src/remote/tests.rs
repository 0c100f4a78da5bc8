//! Sessions over a pair of sockets, with programs of this machine instead of otp-fleet-admin.

use super::client::{Broken, for_the_fleet, run};
use super::server::{Ended, serve};
use super::*;
use std::ffi::OsString;
use std::io::Read;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

fn program(script: &str) -> io::Result<Child> {
    Command::new("/bin/sh")
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}

fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

/// Returns the results of both sides, and what was printed on standard output and on standard error.
fn session(
    script: &'static str,
    arguments: &[&str],
    files: &[(&str, &[u8])],
) -> (Result<u8, Broken>, io::Result<Ended>, Vec<u8>, Vec<u8>) {
    let (mut here, mut there) = UnixStream::pair().unwrap();
    let server = thread::spawn(move || {
        let head = Fields::read_from(&mut there).ok().unwrap();
        let head = head.as_slices();
        let spawn = || program(script);
        serve(&mut there, "anna.example.org", &head[1..], || true, spawn)
    });
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let files = files
        .iter()
        .map(|(path, content)| (Path::new(*path), *content));
    let status = run(
        &mut here,
        &words(arguments),
        files,
        &mut output,
        &mut errors,
    );
    drop(here);
    (status, server.join().unwrap(), output, errors)
}

#[test]
fn output_errors_and_status_come_back_unchanged() {
    let script = "cat >/dev/null; echo result; echo wrong >&2; printf '\\377\\000'; exit 3";
    let (status, ended, output, errors) = session(script, &["list"], &[]);
    assert_eq!(status.unwrap(), 3);
    assert_eq!(ended.unwrap(), Ended::Done(3));
    assert_eq!(output, b"result\n\xff\x00");
    assert_eq!(errors, b"wrong\n");
}

#[test]
fn the_program_is_given_the_administrator_the_arguments_and_the_files() {
    let large = vec![7; 3 * PIECE + 1];
    let files: [(&str, &[u8]); 3] = [("/root/a", b"one"), ("-", b""), ("b", &large)];
    let (status, _, output, _) = session("cat", &["import", "uris", "a b"], &files);
    assert_eq!(status.unwrap(), 0);
    let given = child::read(&mut output.as_slice()).expect("a session");
    assert_eq!(given.administrator, "anna.example.org");
    assert_eq!(given.arguments, words(&["import", "uris", "a b"]));
    for (path, content) in files {
        assert_eq!(
            given.files.content(Path::new(path)),
            Some(content),
            "{path}"
        );
    }
    // Input that was cut anywhere is not a session: a program without the whole input does nothing.
    for end in [0, 1, 5, 40, output.len() / 2, output.len() - 1] {
        assert!(child::read(&mut &output[..end]).is_none(), "{end}");
    }
}

#[test]
fn a_large_output_is_passed_on_and_not_stored() {
    let script = "cat >/dev/null; head -c 20000000 /dev/zero";
    let (status, _, output, _) = session(script, &["list"], &[]);
    assert_eq!(status.unwrap(), 0);
    assert_eq!(output.len(), 20_000_000);
}

/// Waits until the process is gone; if its id is given out again, that process has another parent.
fn is_gone(pid: u32) -> bool {
    let since = Instant::now();
    while since.elapsed() < Duration::from_secs(600) {
        if !Path::new(&format!("/proc/{pid}")).exists() {
            return true;
        }
        thread::sleep(Duration::from_millis(5));
    }
    false
}

#[test]
fn a_program_ends_with_the_session() {
    for script in [
        // One program is silent, one prints without end, and one ignores the signal to end.
        "cat >/dev/null; echo $$; exec sleep 1000",
        "cat >/dev/null; echo $$; while :; do echo more; done",
        "trap '' TERM; cat >/dev/null; echo $$; while :; do sleep 1; done",
    ] {
        let (mut here, mut there) = UnixStream::pair().unwrap();
        let server = thread::spawn(move || {
            let head = Fields::read_from(&mut there).ok().unwrap();
            let head = head.as_slices();
            serve(&mut there, "anna", &head[1..], || true, || program(script))
        });
        send(
            &mut here,
            &frame(otp_helper::fleet::ADMINISTRATOR).with(b"list"),
        )
        .unwrap();
        send(&mut here, &frame(GO)).unwrap();
        let first = Fields::read_from(&mut here).ok().unwrap();
        let text = String::from_utf8(first.as_slices()[1].to_vec()).unwrap();
        let pid = text.lines().next().unwrap().parse().unwrap();
        drop(here);
        assert_eq!(server.join().unwrap().unwrap(), Ended::Left, "{script}");
        assert!(is_gone(pid), "{script}");
    }
}

#[test]
fn an_invalid_session_starts_no_lasting_program() {
    for frames in [
        vec![frame(OUT).with(b"x")],
        vec![frame(FILE).with(b"x")],
        vec![frame(FILE).with(&[b'a'; LONGEST_PATH + 1]).with(b"")],
        vec![frame(FOR).with(b"root")],
        vec![frame(ARGUMENT).with(b"--session")],
    ] {
        let (mut here, mut there) = UnixStream::pair().unwrap();
        for fields in &frames {
            send(&mut here, fields).unwrap();
        }
        let ended = serve(&mut there, "anna", &[b"list"], || true, || program("cat"));
        assert_eq!(ended.unwrap(), Ended::Unintelligible);
    }
}

/// A session can be opened, and all of it but the last word sent, long before.
#[test]
fn a_command_is_not_run_if_its_administrator_is_revoked_before_the_last_word() {
    let (mut here, mut there) = UnixStream::pair().unwrap();
    let directory = tempfile::TempDir::new().unwrap();
    let given = directory.path().join("given");
    let script = format!("cat > {}", given.display());
    let server = thread::spawn(move || {
        let spawn = || program(&script);
        serve(&mut there, "anna", &[b"list"], || false, spawn)
    });
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let none = std::iter::empty();
    // The server of a verifier has read the head.
    let status = run(
        &mut Headless(&mut here, true),
        &[],
        none,
        &mut output,
        &mut errors,
    );
    assert_eq!(status.unwrap(), COULD_NOT);
    assert!(
        String::from_utf8(errors)
            .unwrap()
            .contains("not that of an administrator")
    );
    assert_eq!(server.join().unwrap().unwrap(), Ended::Denied);
    let given = std::fs::read(given).unwrap_or_default();
    assert!(child::read(&mut given.as_slice()).is_none());
}

/// A line that does not carry its first message.
struct Headless<'a>(&'a mut UnixStream, bool);

impl Read for Headless<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Headless<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if std::mem::take(&mut self.1) {
            return Ok(bytes.len());
        }
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[test]
fn a_program_that_cannot_be_started_is_reported() {
    let (mut here, mut there) = UnixStream::pair().unwrap();
    let none = || Err(io::ErrorKind::NotFound.into());
    assert!(serve(&mut there, "anna", &[b"list"], || true, none).is_err());
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let status = run(
        &mut here,
        &words(&["list"]),
        std::iter::empty(),
        &mut output,
        &mut errors,
    );
    assert_eq!(status.unwrap(), COULD_NOT);
    assert!(output.is_empty() && !errors.is_empty());
}

#[test]
fn a_session_that_breaks_off_is_no_success() {
    let (mut here, there) = UnixStream::pair().unwrap();
    send(&mut &there, &frame(OUT).with(b"half")).unwrap();
    let gone = thread::spawn(move || {
        let mut there = there;
        while let Ok(fields) = Fields::read_from(&mut there) {
            if fields.as_slices() == [GO] {
                break;
            }
        }
    });
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let ended = run(
        &mut here,
        &words(&["list"]),
        std::iter::empty(),
        &mut output,
        &mut errors,
    );
    assert!(matches!(ended, Err(Broken::NoEnd)));
    gone.join().unwrap();
}

#[test]
fn options_about_this_machine_are_not_sent_to_the_fleet() {
    let given = [
        "--conf",
        "/x",
        "--key=/k",
        "report",
        "--users",
        "-",
        "--certificate",
        "/c",
        "--json",
        "--state-dir=/y",
        "--",
        "--conf",
    ];
    let kept = for_the_fleet(&words(&given));
    assert_eq!(
        kept,
        words(&["report", "--users", "-", "--json", "--", "--conf"])
    );
}

/// Without the option, a verifier would use its own key to unseal what another key was to unseal.
#[test]
fn the_key_option_of_seal_is_not_taken_for_that_of_the_certificate() {
    let given = ["--key", "own.key", "seal", "--undo", "--key", "/k"];
    let kept = for_the_fleet(&words(&given));
    assert_eq!(kept, words(&["seal", "--undo", "--key", "/k"]));
    let given = [
        "--key=seal",
        "--certificate",
        "seal",
        "list",
        "--key",
        "own.key",
    ];
    assert_eq!(for_the_fleet(&words(&given)), words(&["list"]));
    let kept = for_the_fleet(&words(&["seal", "--key=/k", "--status"]));
    assert_eq!(kept, words(&["seal", "--key=/k", "--status"]));
}
