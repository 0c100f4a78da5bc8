use crate::browser::{Answer, exchange};
use crate::portal::{Portal, SITES};
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;
use tokio::net::TcpSocket;
use tokio::runtime::Runtime;

const QUICKLY: &str = "[limits]\narrive = \"1s\"\n";

/// Reads until the portal hangs up.
fn until_the_end(stream: &mut (impl Read + ?Sized)) -> String {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).ok();
    String::from_utf8_lossy(&all).into_owned()
}

fn connect(portal: &Portal) -> TcpStream {
    let stream = TcpStream::connect(portal.address).unwrap();
    // Far longer than the portal waits. Only a portal that waits for ever fails.
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    stream
}

#[test]
fn the_portal_does_not_wait_for_an_endless_head() {
    let portal = Portal::with("", QUICKLY);
    for sent in [
        "",
        "GET / HT",
        "GET /login HTTP/1.1\r\nHost: login.example.org\r\nX: ",
    ] {
        let mut stream = connect(&portal);
        stream.write_all(sent.as_bytes()).unwrap();
        let answer = until_the_end(&mut stream);
        assert!(!answer.contains("200 OK"), "{answer}");
    }
    // An occasional byte does not prolong the time.
    let mut stream = connect(&portal);
    let mut dripping = stream.try_clone().unwrap();
    std::thread::spawn(move || {
        let mut count = 0;
        while dripping.write_all(b"G").is_ok() && count < 600 {
            std::thread::sleep(Duration::from_millis(100));
            count += 1;
        }
    });
    until_the_end(&mut stream);
}

#[test]
fn the_portal_does_not_wait_for_an_endless_body() {
    let portal = Portal::with("", QUICKLY);
    let mut browser = portal.browser();
    browser.get("/login");
    let mut stream = connect(&portal);
    let head = "POST /login HTTP/1.1\r\nHost: login.example.org\r\nContent-Length: 100\r\n\
                Content-Type: application/x-www-form-urlencoded\r\n\r\nuser=";
    stream.write_all(head.as_bytes()).unwrap();
    let answer = until_the_end(&mut stream);
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[test]
fn an_idle_connection_is_closed() {
    let portal = Portal::with("", QUICKLY);
    let mut stream = connect(&portal);
    stream
        .write_all(b"GET /login HTTP/1.1\r\nHost: login.example.org\r\n\r\n")
        .unwrap();
    let answer = until_the_end(&mut stream);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[test]
fn requests_that_are_too_large_are_refused() {
    let portal = Portal::start();
    let status = |request: String| Answer::of(&exchange(portal.address, request.as_bytes())).status;
    let with = |headers: &str| {
        format!(
            "GET /login HTTP/1.1\r\nHost: login.example.org\r\nConnection: close\r\n{headers}\r\n"
        )
    };
    assert_eq!(status(with("X: y\r\n")), 200);
    assert_eq!(status(with(&format!("X: {}\r\n", "y".repeat(20_000)))), 431);
    assert_eq!(status(with(&"X: y\r\n".repeat(65))), 431);
    let path = format!(
        "GET /{} HTTP/1.1\r\nHost: login.example.org\r\n\r\n",
        "x".repeat(70_000)
    );
    assert!([414, 431].contains(&status(path)));
    let mut browser = portal.browser();
    browser.get("/login");
    let body = format!("user={}", "x".repeat(17_000));
    assert_eq!(browser.post_bytes("/login", &body).status, 413);
}

#[test]
fn connections_of_one_address_are_limited_and_can_be_returned() {
    let portal = Portal::with("", "[limits]\nconnections_of_one = 4\n");
    let mut held: Vec<_> = (0..4).map(|_| connect(&portal)).collect();
    let request = b"GET /login HTTP/1.1\r\nHost: login.example.org\r\n\r\n";
    // By the time the next request is answered, each connection was taken.
    for stream in &mut held {
        stream.write_all(request).unwrap();
        stream.read_exact(&mut [0; 12]).unwrap();
    }
    assert_eq!(until_the_end(&mut connect(&portal)), "");
    drop(held);
    loop {
        let mut stream = connect(&portal);
        let closing =
            b"GET /login HTTP/1.1\r\nHost: login.example.org\r\nConnection: close\r\n\r\n";
        stream.write_all(closing).ok();
        if until_the_end(&mut stream).starts_with("HTTP/1.1 200 ") {
            break;
        }
    }
}

#[test]
fn at_the_socket_only_users_that_are_proxies_are_served() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("http.sock");
    let me = nix::unistd::User::from_uid(nix::unistd::getuid())
        .unwrap()
        .unwrap()
        .name;
    for (proxies, is_heard) in [
        (format!("\"user:{me}\""), true),
        ("\"127.0.0.1\"".to_owned(), false),
    ] {
        let top = format!(
            "listen = [\"{}\"]\nproxies = [{proxies}]\n",
            socket.display()
        );
        let mut portal = Portal::with(&top, SITES);
        let mut stream = UnixStream::connect(&socket).unwrap();
        let request = "GET /login HTTP/1.1\r\nHost: login.example.org\r\nX-Forwarded-For: 192.0.2.1\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).ok();
        let answer = until_the_end(&mut stream);
        assert_eq!(answer.starts_with("HTTP/1.1 200 "), is_heard, "{answer}");
        portal.end();
        assert!(!socket.exists());
    }
}

#[test]
fn the_end_finishes_requests_in_progress_and_takes_no_new_ones() {
    let mut portal = Portal::start();
    // An idle connection delays nothing.
    let mut kept = connect(&portal);
    kept.write_all(b"GET /login HTTP/1.1\r\nHost: login.example.org\r\n\r\n")
        .unwrap();
    kept.read_exact(&mut [0; 12]).unwrap();
    assert!(portal.end());
    assert!(TcpStream::connect(portal.address).is_err());
}

/// Connects from an address of the loopback network.
fn connect_from(runtime: &Runtime, last: u8, portal: &Portal) -> TcpStream {
    let stream = runtime.block_on(async {
        let socket = TcpSocket::new_v4().unwrap();
        let from = IpAddr::from(Ipv4Addr::new(127, 0, 0, last));
        socket.bind(SocketAddr::new(from, 0)).unwrap();
        socket.connect(portal.address).await.unwrap()
    });
    let stream = stream.into_std().unwrap();
    stream.set_nonblocking(false).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    stream
}

/// Otherwise logged-in users could open no site while strangers hold all connections from many addresses.
#[test]
fn strangers_with_many_addresses_leave_connections_for_proxies() {
    let portal = Portal::with(
        "proxies = [\"127.0.0.1\"]\n",
        &format!("[limits]\nconnections = 16\nconnections_of_one = 4\n{SITES}"),
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let request = b"GET /login HTTP/1.1\r\nHost: login.example.org\r\n\r\n";
    let mut held = Vec::new();
    // As many as would take all connections. An answer shows which of them have one.
    for at in 0..16 {
        let mut stream = connect_from(&runtime, 10 + at, &portal);
        stream.write_all(request).ok();
        if stream.read_exact(&mut [0; 12]).is_ok() {
            held.push(stream);
        }
    }
    assert_eq!(held.len(), 12);
    let mut proxy = portal.browser();
    proxy.headers = vec![("X-Forwarded-For".to_owned(), "192.0.2.1".to_owned())];
    for _ in 0..8 {
        assert_eq!(proxy.at("wiki.example.org").get("/verify").status, 401);
    }
    // The reverse holds too: connections of proxies are not taken from the strangers' share.
    drop(held);
    loop {
        let mut stream = connect_from(&runtime, 99, &portal);
        stream.write_all(request).ok();
        if stream.read_exact(&mut [0; 12]).is_ok() {
            break;
        }
    }
}
