//! Measures `/verify`: requests per second, the time of each, and requests per second of processor time.
//!
//! ```text
//! cargo build --release -p otp-portal && cargo run --release -p otp-portal --example verify -- target/release/otp-portal [SESSIONS [SECONDS]]
//! ```
//! Runs the real program, on one core if `taskset` exists, with the given number of sessions, all in use. A stand-in
//! for the login part says that all of them stand.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "it measures, for somebody at a terminal"
)]

use otp_core::UnixTime;
use otp_helper::frame::Fields;
use otp_portal::config::{Host, Lasting};
use otp_portal::session::{LoggedIn, Sessions};
use otp_portal::wire::{Matter, Said, Standing, Token};
use otp_site::clock;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

const CONNECTIONS: usize = 16;

fn main() {
    let mut arguments = env::args().skip(1);
    let program = arguments.next().expect("the path of otp-portal");
    let mut number = |usual| {
        arguments
            .next()
            .map_or(usual, |it| it.parse().expect("a number"))
    };
    let (sessions, seconds) = (number(1000), number(10));
    let directory = tempfile::tempdir().unwrap();
    let login = directory.path().join("login.sock");
    let listener = UnixListener::bind(&login).unwrap();
    thread::spawn(move || {
        for line in listener.incoming() {
            thread::spawn(move || all_stand(line.unwrap()));
        }
    });
    let cookies = Arc::new(begin(directory.path(), sessions));
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let conf = directory.path().join("conf");
    let text = format!(
        "url = \"https://login.example.org\"\nlisten = [\"{address}\"]\nlogin = \"{}\"\nstate = \"{}\"\n[[site]]\nhost = \"wiki.example.org\"\n",
        login.display(),
        directory.path().join("state").display()
    );
    fs::write(&conf, text).unwrap();
    fs::set_permissions(&conf, fs::Permissions::from_mode(0o644)).unwrap();
    let mut portal = Command::new("taskset")
        .args(["-c", "0"])
        .arg(&program)
        .arg("--conf")
        .arg(&conf)
        .spawn()
        .unwrap();
    while TcpStream::connect(address).is_err() {
        thread::sleep(Duration::from_millis(10));
    }
    // Ask about each session once before measuring.
    ask(address, &cookies, 0, Duration::from_secs(1));
    let before = processor_time(portal.id());
    let since = Instant::now();
    let clients: Vec<_> = (0..CONNECTIONS)
        .map(|at| {
            let cookies = Arc::clone(&cookies);
            thread::spawn(move || ask(address, &cookies, at * 7919, Duration::from_secs(seconds)))
        })
        .collect();
    let mut took: Vec<Duration> = clients
        .into_iter()
        .flat_map(|client| client.join().unwrap())
        .collect();
    let elapsed = since.elapsed().as_secs_f64();
    let spent = processor_time(portal.id()) - before;
    took.sort_unstable();
    let count = f64::from(u32::try_from(took.len()).unwrap());
    let at = |share: usize| took[(took.len() - 1) * share / 1000].as_secs_f64() * 1000.0;
    println!("{sessions} sessions, {CONNECTIONS} connections, {elapsed:.1} s");
    println!(
        "{:.0} a second; {:.0} a second of processor time",
        count / elapsed,
        count / spent
    );
    println!(
        "p50 {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms",
        at(500),
        at(990),
        at(999)
    );
    let status = fs::read_to_string(format!("/proc/{}/status", portal.id())).unwrap();
    println!(
        "{}",
        status
            .lines()
            .find(|line| line.starts_with("VmHWM"))
            .unwrap()
    );
    portal.kill().unwrap();
    portal.wait().unwrap();
}

fn all_stand(mut line: UnixStream) {
    while let Ok(fields) = Fields::read_from(&mut line) {
        let Some(Matter::Standing { tokens }) = Matter::from_fields(&fields) else {
            return;
        };
        let said = Said::Standings(vec![Standing::Stands; tokens.len()]);
        if line
            .write_all(&said.to_fields().to_bytes().unwrap())
            .is_err()
        {
            return;
        }
    }
}

fn begin(directory: &Path, count: u64) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    let now = clock::now().unwrap();
    let opened = Sessions::open(&directory.join("state"), Lasting::default(), 1_000_000, now);
    let sessions = Arc::new(opened.unwrap().0);
    let wiki = Host::parse("wiki.example.org").unwrap();
    let tasks: Vec<_> = (0..count)
        .map(|number| {
            let (sessions, wiki) = (Arc::clone(&sessions), wiki.clone());
            runtime.spawn(async move {
                let user = LoggedIn {
                    user: "root",
                    uid: 0,
                    token: Token::from_bytes(format!("{number:0200}").as_bytes()).unwrap(),
                    enrolled: true,
                    ends: UnixTime::from_seconds(40_000_000_000),
                    address: "2001:db8::1",
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

/// Asks about one session after the other over one connection. Returns the time of each request.
fn ask(address: SocketAddr, cookies: &[String], first: usize, lasts: Duration) -> Vec<Duration> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    let begun = Instant::now();
    let mut took = Vec::new();
    let mut answer = [0; 4096];
    let mut request = String::new();
    while begun.elapsed() < lasts {
        let cookie = &cookies[(first + took.len()) % cookies.len()];
        request.clear();
        write!(request, "GET /verify HTTP/1.1\r\nHost: wiki.example.org\r\nCookie: __Host-otp-portal={cookie}\r\n\r\n").unwrap();
        let since = Instant::now();
        stream.write_all(request.as_bytes()).unwrap();
        let mut length = 0;
        while !answer[..length].ends_with(b"\r\n\r\n") {
            length += stream.read(&mut answer[length..]).unwrap();
        }
        took.push(since.elapsed());
        assert!(
            answer.starts_with(b"HTTP/1.1 204 "),
            "{}",
            String::from_utf8_lossy(&answer[..length])
        );
    }
    took
}

/// Returns processor time in seconds.
fn processor_time(process: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let fields: Vec<&str> = fields.split(' ').collect();
    let ticks = |at: usize| fields[at].parse::<u32>().unwrap();
    // Linux counts in hundredths of a second.
    f64::from(ticks(11) + ticks(12)) / 100.0
}
