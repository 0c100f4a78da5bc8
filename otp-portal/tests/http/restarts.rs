//! The program itself, ended and killed.

use crate::browser::{Browser, SESSION, exchange};
use crate::part::Part;
use crate::portal::{HOST, policy};
use otp_core::UnixTime;
use otp_portal::config::{Host, Lasting};
use otp_portal::session::{LoggedIn, Sessions};
use otp_portal::wire::Token;
use otp_site::clock;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::{fs, thread};
use tempfile::TempDir;

struct Program {
    child: Child,
    address: SocketAddr,
}

impl Program {
    fn start(directory: &Path, part: &Part) -> Self {
        loop {
            // If another program takes the port in between, another port is tried.
            let free = TcpListener::bind("127.0.0.1:0")
                .unwrap()
                .local_addr()
                .unwrap();
            let conf = directory.join("conf");
            let text = format!(
                "url = \"https://{HOST}\"\nlisten = [\"{free}\"]\nlogin = \"{}\"\nstate = \"{}\"\n[limits]\nfailures = 10000\n\
                 [[site]]\nhost = \"wiki.example.org\"\n",
                part.socket().display(),
                directory.join("state").display()
            );
            fs::write(&conf, text).unwrap();
            fs::set_permissions(&conf, fs::Permissions::from_mode(0o644)).unwrap();
            let child = Command::new(env!("CARGO_BIN_EXE_otp-portal"))
                .arg("--conf")
                .arg(&conf)
                .arg("--policy")
                .arg(policy(directory))
                .spawn();
            let mut program = Self {
                child: child.unwrap(),
                address: free,
            };
            loop {
                if TcpStream::connect(free).is_ok() {
                    return program;
                }
                if program.child.try_wait().unwrap().is_some() {
                    break;
                }
                thread::yield_now();
            }
        }
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn terminate(mut self) -> bool {
        let pid = nix::unistd::Pid::from_raw(self.child.id().try_into().unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
        self.child.wait().unwrap().success()
    }
}

#[test]
fn sessions_outlive_an_end_and_a_kill() {
    let part = Part::start();
    let directory = tempfile::tempdir().unwrap();
    let program = Program::start(directory.path(), &part);
    let mut alice = Browser::new(program.address);
    alice.log_in("alice");
    let mut bob = Browser::new(program.address);
    bob.log_in("bob");
    bob.get("/");
    let cookie = bob.cookie(SESSION).unwrap().to_owned();
    bob.post("/logout", &[]);
    assert!(program.terminate());
    for _ in 0..2 {
        let program = Program::start(directory.path(), &part);
        (alice.address, bob.address) = (program.address, program.address);
        bob.set(SESSION, &cookie);
        assert_eq!(alice.get("/").status, 200);
        assert_eq!(bob.get("/").location(), "/login");
        program.kill();
    }
}

/// Logins and logouts go on during a kill. Everything that was answered still holds.
#[test]
fn a_kill_at_any_moment_loses_no_session_and_brings_none_back() {
    let part = Part::start();
    let directory = tempfile::tempdir().unwrap();
    let logged_in = Arc::<Mutex<Vec<String>>>::default();
    let logged_out = Arc::<Mutex<Vec<String>>>::default();
    for round in 0..5 {
        let program = Program::start(directory.path(), &part);
        let address = program.address;
        let goal = logged_in.lock().unwrap().len() + 4 * (round + 1);
        let workers: Vec<_> = (0..4)
            .map(|worker| {
                let (inside, outside) = (Arc::clone(&logged_in), Arc::clone(&logged_out));
                thread::spawn(move || {
                    loop {
                        let mut browser = Browser::new(address);
                        browser.get("/login");
                        // The portal answers until it is gone; afterwards nothing is sent.
                        if TcpStream::connect(address).is_err()
                            || browser.post("/login", &[("user", "quick")]).status == 0
                        {
                            return;
                        }
                        let Some(cookie) = browser.cookie(SESSION).map(str::to_owned) else {
                            return;
                        };
                        if worker == 0 {
                            browser.get("/sessions");
                            let answer = browser.post("/logout", &[]);
                            if answer.status == 200 {
                                outside.lock().unwrap().push(cookie);
                            }
                        } else {
                            inside.lock().unwrap().push(cookie);
                        }
                    }
                })
            })
            .collect();
        while logged_in.lock().unwrap().len() < goal {
            thread::yield_now();
        }
        program.kill();
        for worker in workers {
            // A refused connection ends the worker.
            worker.join().ok();
        }
        let program = Program::start(directory.path(), &part);
        let status = |cookie: &str| {
            let request = format!(
                "GET /sessions HTTP/1.1\r\nHost: {HOST}\r\nCookie: {SESSION}={cookie}\r\nConnection: close\r\n\r\n"
            );
            String::from_utf8_lossy(&exchange(program.address, request.as_bytes()))[9..12]
                .to_owned()
        };
        for cookie in logged_in.lock().unwrap().iter() {
            assert_eq!(status(cookie), "200");
        }
        for cookie in logged_out.lock().unwrap().iter() {
            assert_eq!(status(cookie), "303");
        }
        program.kill();
    }
    assert!(!logged_out.lock().unwrap().is_empty());
}

/// Makes 10,000 sessions, each with a cookie for a site, all in use.
fn ten_thousand(directory: &TempDir) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    let now = clock::now().unwrap();
    let opened = Sessions::open(
        &directory.path().join("state"),
        Lasting::default(),
        20_000,
        now,
    );
    let sessions = Arc::new(opened.unwrap().0);
    let wiki = Host::parse("wiki.example.org").unwrap();
    let tasks: Vec<_> = (0..10_000)
        .map(|number| {
            let (sessions, wiki) = (Arc::clone(&sessions), wiki.clone());
            runtime.spawn(async move {
                let user = LoggedIn {
                    user: "root",
                    uid: 0,
                    // As long as a real token can be.
                    token: Token::from_bytes(format!("root {number:0200}").as_bytes()).unwrap(),
                    enrolled: true,
                    ends: UnixTime::from_seconds(40_000_000_000),
                    address: "2001:db8:1234:5678:9abc:def0:1234:5678",
                };
                let (id, _) = sessions.begin(user, now).await.unwrap();
                sessions
                    .open_site(id, &wiki)
                    .await
                    .unwrap()
                    .reveal()
                    .to_string()
            })
        })
        .collect();
    runtime.block_on(async {
        let mut cookies = Vec::new();
        for task in tasks {
            cookies.push(task.await.unwrap());
        }
        cookies
    })
}

#[test]
fn ten_thousand_sessions_take_less_than_50_mib() {
    let part = Part::start();
    let directory = tempfile::tempdir().unwrap();
    let cookies = ten_thousand(&directory);
    let program = Program::start(directory.path(), &part);
    let mut stream = TcpStream::connect(program.address).unwrap();
    for cookies in cookies.chunks(50) {
        let mut all = String::new();
        for cookie in cookies {
            all += "GET /verify HTTP/1.1\r\nHost: wiki.example.org\r\n";
            all += &["Cookie: ", SESSION, "=", cookie, "\r\n\r\n"].concat();
        }
        stream.write_all(all.as_bytes()).unwrap();
        let mut answers = String::new();
        while answers.matches("\r\n\r\n").count() < cookies.len() {
            let mut some = [0; 16 * 1024];
            let count = stream.read(&mut some).unwrap();
            assert!(count > 0, "{answers}");
            answers.push_str(std::str::from_utf8(&some[..count]).unwrap());
        }
        assert_eq!(
            answers.matches("HTTP/1.1 204 ").count(),
            cookies.len(),
            "{answers}"
        );
    }
    let status = fs::read_to_string(format!("/proc/{}/status", program.child.id())).unwrap();
    let most = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let most: u64 = most.trim().trim_end_matches(" kB").parse().unwrap();
    eprintln!("10,000 sessions in use: {most} KiB at most");
    assert!(most < 50 * 1024, "{most} KiB");
    program.kill();
}
