//! The installed program otp-verifier, with records in a directory and a machine on loopback.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "../src/fixture.rs"]
mod fixture;

/// Modules that the fixture needs; it is shared with the unit tests.
mod tls {
    pub use otp_fleet::tls::*;
}

use fixture::Authority;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, geteuid};
use otp_core::Policy;
use otp_core::record::Language;
use otp_fleet::name::PeerName;
use otp_fleet::registry::{Entry, Role};
use otp_helper::fleet::{PolicyDigest, wrap};
use otp_helper::frame::Fields;
use otp_helper::protocol::{Answer, Claim, Request};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use zeroize::Zeroizing;

const SOON: Duration = Duration::from_secs(120);

/// A user that exists on every system and is not root.
const NOBODY: &str = "nobody";

struct Fleet {
    directory: TempDir,
    authority: Authority,
    port: u16,
}

type Line = StreamOwned<ClientConnection, TcpStream>;

impl Fleet {
    fn new(policy: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let authority = Authority::new(directory.path(), "fleet");
        let port = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = port.local_addr().unwrap().port();
        let fleet = Self {
            directory,
            authority,
            port,
        };
        for name in ["records", "machines", "state"] {
            fs::create_dir(fleet.path(name)).unwrap();
            fs::set_permissions(fleet.path(name), fs::Permissions::from_mode(0o2770)).unwrap();
        }
        let name = PeerName::new("web1").unwrap();
        let entry = Entry {
            name,
            role: Role::Machine,
            zones: Vec::new(),
            revoked: None,
            added: otp_core::UnixTime::from_seconds(0),
        };
        fs::write(fleet.path("machines/web1"), entry.to_text()).unwrap();
        let files = fleet.authority.sign(&["v1"]);
        let conf = format!(
            "listen = [\"127.0.0.1:{port}\"]\nca = \"{}\"\ncertificate = \"{}\"\nkey = \"{}\"\npolicy = \"{}\"\nstate = \"{}\"\n\
             [store]\ndirectory = \"{}\"\nmachines = \"{}\"\n",
            files.ca.display(),
            files.certificate.display(),
            files.key.display(),
            fleet.path("pam_otp.conf").display(),
            fleet.path("state").display(),
            fleet.path("records").display(),
            fleet.path("machines").display(),
        );
        fs::write(fleet.path("conf"), conf).unwrap();
        fs::write(fleet.path("pam_otp.conf"), policy).unwrap();
        for name in ["conf", "pam_otp.conf", "machines/web1"] {
            fs::set_permissions(fleet.path(name), fs::Permissions::from_mode(0o644)).unwrap();
        }
        fleet.give();
        fleet
    }

    /// Gives all files to the user of the verifier if the tests run as root.
    fn give(&self) {
        let Some(user) = User::from_name(NOBODY)
            .unwrap()
            .filter(|_| geteuid().is_root())
        else {
            return;
        };
        let (uid, gid) = (Some(user.uid.as_raw()), Some(user.gid.as_raw()));
        for name in ["records", "state", "v1.key"] {
            chown(self.path(name), uid, gid).unwrap();
        }
        // The change of owner clears the set-group-id bit.
        for (name, mode) in [
            (".", 0o755),
            ("machines", 0o755),
            ("records", 0o2770),
            ("state", 0o2770),
        ] {
            fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_otp-verifier"));
        command
            .env_clear()
            .args(["--user", NOBODY, "--conf"])
            .arg(self.path("conf"))
            .args(words)
            .stdin(Stdio::null());
        command
    }

    fn check(&self) -> Output {
        self.command(&["--check"]).output().unwrap()
    }

    fn start(&self) -> Running {
        let running = Running(self.command(&[]).spawn().unwrap());
        let since = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(since.elapsed() < SOON, "the verifier does not listen");
            std::thread::sleep(Duration::from_millis(5));
        }
        running
    }

    fn line(&self) -> Line {
        let config = otp_fleet::tls::client(&self.authority.sign(&["web1"])).unwrap();
        let tcp = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        tcp.set_read_timeout(Some(SOON)).unwrap();
        let name = ServerName::try_from("v1").unwrap();
        StreamOwned::new(
            ClientConnection::new(Arc::clone(&config), name).unwrap(),
            tcp,
        )
    }

    /// Returns the events that wait for the hook.
    fn queued(&self) -> Vec<String> {
        let Ok(waiting) = fs::read_dir(self.path("state/.queue/incoming")) else {
            return Vec::new();
        };
        let waiting = waiting.map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap());
        waiting.collect()
    }
}

/// A running verifier, which ends when this value is dropped.
struct Running(Child);

impl Running {
    fn id(&self) -> i32 {
        i32::try_from(self.0.id()).unwrap()
    }

    fn end(mut self, signal: Signal) -> ExitStatus {
        kill(Pid::from_raw(self.id()), signal).unwrap();
        self.0.wait().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.0.try_wait() {
            self.0.kill().ok();
            self.0.wait().ok();
        }
    }
}

fn ask(line: &mut Line, request: &Request) -> Answer {
    let policy = PolicyDigest::of(&Policy::default());
    let fields = wrap(Some(1001), policy, &request.to_fields());
    line.write_all(&fields.to_bytes().unwrap()).unwrap();
    let answer = Fields::read_from(line).expect("an answer");
    Answer::from_fields(&answer).expect("an answer")
}

fn check(code: &str) -> Request {
    Request::Check {
        user: "alice".to_owned(),
        excused: false,
        reply: Zeroizing::new(code.as_bytes().to_vec()),
        no_guess: None,
        remembered: None,
        claim: Some(Claim {
            service: "sshd".to_owned(),
            host: "192.0.2.1".to_owned(),
            ..Claim::default()
        }),
    }
}

fn is_enrolled() -> Request {
    Request::IsEnrolled {
        user: "alice".to_owned(),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_check_names_the_unusable_file_and_the_line() {
    let fleet = Fleet::new("");
    let good = fleet.check();
    assert_eq!(
        (good.status.code(), text(&good.stdout)),
        (
            Some(0),
            "v1: configuration, certificates and policy can be used\n".to_owned()
        )
    );
    let said = |path: &str, content: &str| {
        let before = fs::read_to_string(fleet.path(path)).unwrap();
        fs::write(fleet.path(path), format!("{content}{before}")).unwrap();
        let output = fleet.check();
        fs::write(fleet.path(path), before).unwrap();
        assert_eq!(output.status.code(), Some(2), "{path}");
        assert!(output.stdout.is_empty());
        text(&output.stderr)
    };
    assert!(said("conf", "colour = 1\n").contains("conf, line 1: unknown key"));
    assert!(said("pam_otp.conf", "colour = 1\n").contains("pam_otp.conf, line 1: unknown key"));
    let key = fs::read_to_string(fleet.path("v1.key")).unwrap();
    let mode = |mode| fs::set_permissions(fleet.path("v1.key"), fs::Permissions::from_mode(mode));
    mode(0o644).unwrap();
    let output = fleet.check();
    assert!(text(&output.stderr).contains("v1.key: has mode 0644"));
    mode(0o600).unwrap();
    assert!(!text(&output.stderr).contains(key.lines().nth(1).unwrap()));
    assert_eq!(fleet.check().status.code(), Some(0));
}

const SEALING_KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";

/// Without the key, the verifier could serve no user whose record is sealed.
#[test]
fn the_check_says_that_the_sealing_key_is_missing_or_unreadable() {
    let fleet = Fleet::new("");
    let key = fleet.path("seal");
    let policy = format!("[seal]\nkey = \"{}\"\n", key.display());
    fs::write(fleet.path("pam_otp.conf"), policy).unwrap();
    let refused = |why: &str| {
        let output = fleet.check();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(output.stdout.is_empty());
        assert!(said.contains(&key.display().to_string()), "{said}");
        assert!(said.contains(why), "{said}");
    };
    refused("otp-admin fleet take-key FILE");
    fs::write(&key, "no key\n").unwrap();
    let mode = |mode| fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
    let group = fs::metadata(fleet.path("records")).unwrap().gid();
    chown(&key, None, Some(group)).unwrap();
    mode(0o640);
    refused("line 1");
    fs::write(&key, SEALING_KEY).unwrap();
    let good = fleet.check();
    assert_eq!(good.status.code(), Some(0), "{}", text(&good.stderr));
    if geteuid().is_root() {
        mode(0o600);
        refused("denied");
    }
}

#[test]
fn the_verifier_does_not_run_as_root_and_cannot_be_inspected() {
    let fleet = Fleet::new("");
    let running = fleet.start();
    let about = |name: &str| fs::read_to_string(format!("/proc/{}/{name}", running.id())).unwrap();
    let status = about("status");
    let ids = |key: &str| {
        let line = status.lines().find(|line| line.starts_with(key)).unwrap();
        line.split_whitespace()
            .skip(1)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let user = User::from_name(NOBODY).unwrap().unwrap();
    let own = if geteuid().is_root() {
        user.uid.to_string()
    } else {
        geteuid().to_string()
    };
    assert!(ids("Uid:").iter().all(|id| *id == own), "{status}");
    for nothing in ["CapEff:", "CapPrm:"] {
        if geteuid().is_root() {
            assert_eq!(ids(nothing), ["0000000000000000"]);
        }
    }
    let limits = about("limits");
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let core: Vec<&str> = core.unwrap().split_whitespace().skip(4).collect();
    assert_eq!(core[..2], ["0", "0"]);
    // The files in /proc of a process that is not dumpable belong to root.
    let owner = fs::metadata(format!("/proc/{}/environ", running.id()))
        .unwrap()
        .uid();
    assert_eq!(owner, 0);
    drop(running);
}

#[test]
fn the_verifier_runs_only_as_an_existing_user_other_than_root() {
    if !geteuid().is_root() {
        return;
    }
    let fleet = Fleet::new("");
    for user in ["root", "no-such-user-here"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_otp-verifier"));
        let output = command
            .args(["--user", user, "--conf"])
            .arg(fleet.path("conf"))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains("does not run as root"));
    }
}

#[test]
fn the_verifier_answers_open_requests_before_it_stops() {
    let fleet = Fleet::new("");
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut running = fleet.start();
        let mut line = fleet.line();
        ask(&mut line, &is_enrolled());
        // The verifier rereads its files without a signal.
        kill(Pid::from_raw(running.id()), Signal::SIGHUP).unwrap();
        ask(&mut line, &is_enrolled());
        assert!(running.0.try_wait().unwrap().is_none());
        let ended = std::thread::spawn(move || running.end(signal));
        let since = Instant::now();
        while TcpStream::connect(("127.0.0.1", fleet.port)).is_ok() {
            assert!(since.elapsed() < SOON);
        }
        ask(&mut line, &is_enrolled());
        drop(line);
        assert_eq!(ended.join().unwrap().code(), Some(0));
    }
}

/// Verifiers hand events on, and machines do not: each event once, with the machine's name, by the current policy.
#[test]
fn a_refused_login_is_queued_once_for_the_hook_and_without_its_code() {
    let hooks = "[hooks]\nrun = \"/bin/true\"\nevents = [\"reject\", \"notenrolled\"]\n";
    let fleet = Fleet::new(hooks);
    let running = fleet.start();
    let answer = ask(&mut fleet.line(), &check("918273"));
    assert!(matches!(answer, Answer::Verdict(_)));
    let queued = fleet.queued();
    assert_eq!(queued.len(), 1, "{queued:?}");
    for said in [
        "\"event\":\"otp.notenrolled\"",
        "\"machine\":\"web1\"",
        "\"user\":\"alice\"",
        "\"claimed_service\":\"sshd\"",
        "\"claimed_rhost\":\"192.0.2.1\"",
    ] {
        assert!(queued[0].contains(said), "{said} in {queued:?}");
    }
    assert!(!queued[0].contains("918273"));
    // The changed policy counts at once.
    fs::write(fleet.path("pam_otp.conf"), "").unwrap();
    ask(&mut fleet.line(), &check("918273"));
    assert_eq!(fleet.queued().len(), 1);
    fs::write(fleet.path("pam_otp.conf"), hooks).unwrap();
    ask(&mut fleet.line(), &check("918273"));
    assert_eq!(fleet.queued().len(), 2);
    drop(running);
}

/// A policy that cannot be read refuses logins and says so; no other policy is used instead.
#[test]
fn a_policy_that_becomes_invalid_refuses_logins() {
    let fleet = Fleet::new("");
    let running = fleet.start();
    fs::write(fleet.path("pam_otp.conf"), "colour = 1\n").unwrap();
    let answer = ask(&mut fleet.line(), &check("918273"));
    let Answer::Unavailable(reason) = answer else {
        panic!("{answer:?}")
    };
    let (english, korean) = (
        reason.text(Language::English),
        reason.text(Language::Korean),
    );
    assert!(english.contains("unknown key"), "{english}");
    assert!(korean.contains("알 수 없는 키"), "{korean}");
    drop(running);
}

/// Certificates are renewed without a restart, and existing connections go on.
#[test]
fn a_renewed_certificate_needs_no_restart() {
    let fleet = Fleet::new("");
    let running = fleet.start();
    let mut before = fleet.line();
    ask(&mut before, &is_enrolled());
    let shown = |line: &mut Line| {
        ask(line, &is_enrolled());
        line.conn.peer_certificates().unwrap()[0].to_vec()
    };
    let first = shown(&mut fleet.line());
    fleet.authority.sign(&["v1"]);
    fleet.give();
    let second = shown(&mut fleet.line());
    assert_ne!(first, second);
    ask(&mut before, &is_enrolled());
    drop(running);
    let mut rest = Vec::new();
    before.read_to_end(&mut rest).ok();
}
