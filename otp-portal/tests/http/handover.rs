//! The program itself, restarted by a stand-in for systemd, which keeps the portal's listening sockets and hands them
//! to the next process.

use crate::part::Part;
use crate::portal::{HOST, policy};
use nix::cmsg_space;
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
use nix::unistd::{Pid, User, close, geteuid};
use std::collections::BTreeSet;
use std::fs;
use std::io::{IoSliceMut, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

const LONG: Duration = Duration::from_secs(60);

/// The stand-in: `NOTIFY_SOCKET`, the descriptor store and `LISTEN_FDS`.
struct Systemd {
    directory: TempDir,
    part: Part,
    notify: UnixDatagram,
    kept: Vec<RawFd>,
    child: Option<Child>,
}

impl Systemd {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let notify = UnixDatagram::bind(directory.path().join("notify")).unwrap();
        notify.set_read_timeout(Some(LONG)).unwrap();
        Self {
            directory,
            part: Part::start(),
            notify,
            kept: Vec::new(),
            child: None,
        }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Starts the portal with these addresses, and waits until it is ready.
    fn start(&mut self, listen: &[&str]) {
        let conf = self.at("conf");
        let user = User::from_uid(geteuid()).unwrap().unwrap().name;
        let text = format!(
            "url = \"https://{HOST}\"\nlisten = {listen:?}\nproxies = [\"user:{user}\"]\nlogin = \"{}\"\nstate = \"{}\"\n",
            self.part.socket().display(),
            self.at("state").display(),
        );
        fs::write(&conf, text).unwrap();
        fs::set_permissions(&conf, fs::Permissions::from_mode(0o644)).unwrap();
        // Numbers from 3 on, as in sd_listen_fds(3). The store's own numbers are closed in the program.
        let count = self.kept.len();
        let handed: Vec<_> = (3..)
            .zip(&self.kept)
            .map(|(to, from)| format!("{to}<&{from}"))
            .collect();
        let last = 2 + RawFd::try_from(count).unwrap();
        let closed: Vec<_> = self
            .kept
            .iter()
            .filter(|from| **from > last)
            .map(|from| format!("{from}<&-"))
            .collect();
        let script = format!(
            "exec {} {}; LISTEN_PID=$$ LISTEN_FDS={count} exec \"$@\"",
            handed.join(" "),
            closed.join(" ")
        );
        let child = Command::new("bash")
            .args(["-c", &script, "bash", env!("CARGO_BIN_EXE_otp-portal")])
            .arg("--conf")
            .arg(&conf)
            .arg("--policy")
            .arg(policy(self.directory.path()))
            .env("NOTIFY_SOCKET", self.at("notify"))
            .stdin(Stdio::null())
            .spawn();
        self.child = Some(child.unwrap());
        while !self.hears("READY=1") {}
    }

    /// Takes one message and does what it says. Returns whether it is the awaited one.
    fn hears(&mut self, awaited: &str) -> bool {
        let mut words = [0; 256];
        let mut words = [IoSliceMut::new(&mut words)];
        let mut room = cmsg_space!([RawFd; 64]);
        let heard = recvmsg::<()>(
            self.notify.as_raw_fd(),
            &mut words,
            Some(&mut room),
            MsgFlags::empty(),
        );
        let heard = heard.expect("the portal says something");
        let handed: Vec<_> = heard
            .cmsgs()
            .unwrap()
            .flat_map(|one| match one {
                ControlMessageOwned::ScmRights(handed) => handed,
                _ => Vec::new(),
            })
            .collect();
        let count = heard.bytes;
        let words = String::from_utf8(words[0][..count].to_vec()).unwrap();
        let mut lines = words.lines();
        match lines.next() {
            Some("FDSTOREREMOVE=1") => self.forget(),
            Some("FDSTORE=1") => self.kept.extend(handed),
            _ => assert!(handed.is_empty(), "{words}"),
        }
        words == awaited
    }

    /// Returns the kernel's names of the kept sockets: `socket:[NUMBER]`.
    fn names(&self) -> BTreeSet<PathBuf> {
        let name = |number: &RawFd| fs::read_link(format!("/proc/self/fd/{number}")).unwrap();
        self.kept.iter().map(name).collect()
    }

    /// Returns the kernel's names of what the portal has open.
    fn open(&self) -> BTreeSet<PathBuf> {
        let place = format!("/proc/{}/fd", self.child.as_ref().unwrap().id());
        let all = fs::read_dir(place).unwrap();
        all.filter_map(|one| fs::read_link(one.ok()?.path()).ok())
            .collect()
    }

    fn forget(&mut self) {
        for one in self.kept.drain(..) {
            close(one).unwrap();
        }
    }

    fn stop(&mut self) {
        let mut child = self.child.take().unwrap();
        kill(
            Pid::from_raw(child.id().try_into().unwrap()),
            Signal::SIGTERM,
        )
        .unwrap();
        assert!(child.wait().unwrap().success());
        while !self.hears("STOPPING=1") {}
    }
}

impl Drop for Systemd {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().ok();
            child.wait().ok();
        }
        self.forget();
    }
}

/// Asks for the login page, and returns the first line of the answer.
fn ask(mut line: impl Read + Write) -> String {
    let request = format!(
        "GET /login HTTP/1.1\r\nHost: {HOST}\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n\r\n"
    );
    line.write_all(request.as_bytes())
        .expect("the request is taken");
    let mut answer = String::new();
    line.read_to_string(&mut answer).expect("the answer comes");
    answer.lines().next().unwrap_or_default().to_owned()
}

fn at_socket(path: &Path) -> String {
    let line = UnixStream::connect(path).expect("the socket takes a connection");
    line.set_read_timeout(Some(LONG)).unwrap();
    ask(line)
}

fn at_address(address: SocketAddr) -> String {
    let line = TcpStream::connect(address).expect("the address takes a connection");
    line.set_read_timeout(Some(LONG)).unwrap();
    ask(line)
}

/// Returns a free address that no other test uses, nor another run of this one.
fn free(test: u8) -> SocketAddr {
    let [.., high, low] = std::process::id().to_be_bytes();
    let listener = TcpListener::bind((Ipv4Addr::new(127, 1 + test, high, low), 0)).unwrap();
    listener.local_addr().unwrap()
}

#[test]
fn no_request_fails_while_the_portal_restarts_again_and_again() {
    let mut systemd = Systemd::new();
    let (socket, address) = (systemd.at("http.sock"), free(0));
    let listen = [socket.to_str().unwrap(), &address.to_string()];
    systemd.start(&listen);
    let (is_over, answered) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let clients: Vec<_> = (0..4)
        .map(|nth| {
            let (socket, is_over, answered) =
                (socket.clone(), Arc::clone(&is_over), Arc::clone(&answered));
            thread::spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    let answer = if nth % 2 == 0 {
                        at_socket(&socket)
                    } else {
                        at_address(address)
                    };
                    assert_eq!(answer, "HTTP/1.1 200 OK");
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for _ in 0..5 {
        let goal = answered.load(Ordering::Relaxed) + 40;
        while answered.load(Ordering::Relaxed) < goal
            && !clients.iter().any(thread::JoinHandle::is_finished)
        {
            thread::yield_now();
        }
        systemd.stop();
        systemd.start(&listen);
        assert_eq!(systemd.kept.len(), 2);
    }
    is_over.store(true, Ordering::Relaxed);
    for client in clients {
        client.join().expect("every request was answered");
    }
    let mode = fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o666, "a web server may connect");
}

#[test]
fn a_socket_that_the_configuration_no_longer_names_is_closed_and_a_new_one_is_opened() {
    let mut systemd = Systemd::new();
    let (old, new, address) = (systemd.at("old.sock"), systemd.at("new.sock"), free(1));
    let (old, new, kept) = (
        old.to_str().unwrap(),
        new.to_str().unwrap(),
        address.to_string(),
    );
    systemd.start(&[old, &kept]);
    let before = systemd.names();
    systemd.stop();
    systemd.start(&[new, &kept]);
    let now = systemd.names();
    assert!(now.is_subset(&systemd.open()));
    // Programs of other tests inherit descriptors of this process, so the old socket may still be open there.
    let closed: Vec<_> = before.difference(&now).collect();
    assert_eq!((before.len(), closed.len(), now.len()), (2, 1, 2));
    assert!(!systemd.open().contains(closed[0]));
    assert_eq!(at_socket(Path::new(new)), "HTTP/1.1 200 OK");
    assert_eq!(at_address(address), "HTTP/1.1 200 OK");
    // If the file of a kept socket is gone, the portal makes a new socket: no one could connect to the old one.
    systemd.stop();
    fs::remove_file(new).unwrap();
    systemd.start(&[new, &kept]);
    assert_eq!(at_socket(Path::new(new)), "HTTP/1.1 200 OK");
}

/// systemd keeps the old socket until the portal is ready, so it must not stand in the way of the new one.
#[test]
fn an_address_that_includes_the_old_one_can_be_listened_on_after_a_restart() {
    let mut systemd = Systemd::new();
    let old = free(2);
    let SocketAddr::V4(address) = old else {
        panic!("{old}")
    };
    let mapped = SocketAddr::from((address.ip().to_ipv6_mapped(), address.port()));
    for listen in [old, mapped, old] {
        systemd.start(&[&listen.to_string()]);
        assert_eq!(systemd.kept.len(), 1);
        assert_eq!(at_address(old), "HTTP/1.1 200 OK", "{listen}");
        systemd.stop();
    }
}

/// A start that fails after it has made a new socket leaves the file of that one, and the older socket with systemd.
#[test]
fn a_kept_socket_whose_file_another_socket_has_left_is_not_taken_over() {
    let mut systemd = Systemd::new();
    let socket = systemd.at("http.sock");
    let listen = [socket.to_str().unwrap()];
    systemd.start(&listen);
    systemd.stop();
    fs::remove_file(&socket).unwrap();
    drop(UnixListener::bind(&socket).unwrap());
    systemd.start(&listen);
    assert_eq!(at_socket(&socket), "HTTP/1.1 200 OK");
}
