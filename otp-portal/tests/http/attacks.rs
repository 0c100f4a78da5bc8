use crate::browser::{Answer, BEFORE, Browser, SESSION, exchange};
use crate::portal::{HOST, Portal, SITES, WIKI};
use otp_portal::session::Cookie;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

fn header(browser: &mut Browser, name: &str, value: &str) {
    browser.headers = vec![(name.to_owned(), value.to_owned())];
}

/// Returns the answer to a form that is sent as a page of another site would send it.
fn forged(portal: &Portal, forge: impl FnOnce(&mut Browser) -> Answer) -> Answer {
    let mut browser = portal.logged_in("alice");
    browser.get("/sessions");
    let answer = forge(&mut browser);
    browser.headers.clear();
    assert_eq!(
        browser.get("/sessions").status,
        200,
        "the user is still logged in"
    );
    answer
}

#[test]
fn a_form_of_another_site_does_nothing() {
    let portal = Portal::start();
    let other = portal
        .logged_in("bob")
        .get("/sessions")
        .field("csrf")
        .unwrap();
    let status = |forge: &dyn Fn(&mut Browser) -> Answer| forged(&portal, forge).status;
    assert_eq!(status(&|it| it.post_plain("/logout", &[]).clone()), 403);
    assert_eq!(
        status(&|it| it.post_plain("/logout", &[("csrf", "")]).clone()),
        403
    );
    assert_eq!(
        status(&|it| it.post_plain("/logout", &[("csrf", &other)]).clone()),
        403
    );
    let twice = |it: &mut Browser| {
        let token = it.page.field("csrf").unwrap();
        it.post_plain("/logout", &[("csrf", "x"), ("csrf", &token)])
            .clone()
    };
    assert_eq!(status(&twice), 400);
    for (name, value) in [
        ("Origin", "https://evil.example.org"),
        ("Origin", "https://wiki.example.org"),
        ("Origin", "http://login.example.org"),
        ("Origin", "https://login.example.org:444"),
        ("Origin", "null"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
    ] {
        let told = |it: &mut Browser| {
            header(it, name, value);
            it.post("/logout", &[]).clone()
        };
        assert_eq!(status(&told), 403, "{name}: {value}");
    }
    for kind in [
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/json",
    ] {
        let of_kind = |it: &mut Browser| {
            header(it, "Content-Type", kind);
            it.post("/logout", &[]).clone()
        };
        assert_eq!(status(&of_kind), 400, "{kind}");
    }
    // The portal's own page works.
    let mut browser = portal.logged_in("alice");
    browser.get("/sessions");
    browser.headers = [
        ("Origin", "https://login.example.org"),
        ("Sec-Fetch-Site", "same-origin"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    assert_eq!(browser.post("/logout", &[]).status, 200);
    assert!(browser.cookie(SESSION).is_none());
}

#[test]
fn a_login_of_another_site_is_not_begun() {
    let portal = Portal::start();
    let mut browser = portal.browser();
    assert_eq!(
        browser.post_plain("/login", &[("user", "alice")]).status,
        403
    );
    browser.get("/login");
    assert_eq!(
        browser.post_plain("/login", &[("user", "alice")]).status,
        403
    );
    let token = Cookie::new().unwrap().form_token();
    assert_eq!(
        browser
            .post_plain("/login", &[("user", "alice"), ("csrf", &token)])
            .status,
        403
    );
    assert!(portal.part.with(|state| state.addresses.is_empty()));
}

#[test]
fn a_link_changes_nothing() {
    let portal = Portal::start();
    let mut browser = portal.logged_in("alice");
    for path in [
        "/logout",
        "/sessions/end",
        "/login/cancel",
        "/set-up/later",
        "/change/keep",
        "/change/answer",
        "/change/code",
        "/change/cancel",
    ] {
        assert_eq!(browser.get(path).status, 404, "{path}");
    }
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"] {
        assert_eq!(browser.other(method, "/").status, 405, "{method}");
    }
    assert_eq!(browser.get("/").status, 200);
}

#[test]
fn a_cookie_planted_before_the_login_is_worthless_after_it() {
    let portal = Portal::start();
    let planted = Cookie::new().unwrap().reveal().to_string();
    let mut victim = portal.browser();
    victim.set(SESSION, &planted);
    victim.set(BEFORE, &planted);
    victim.log_in("alice");
    let own = victim.cookie(SESSION).unwrap();
    assert_ne!(own, planted);
    let mut attacker = portal.browser();
    attacker.set(SESSION, &planted);
    attacker.set(BEFORE, &planted);
    assert_eq!(attacker.get("/").location(), "/login");
    assert_eq!(attacker.get("/login/question").location(), "/login");
    // A login in a browser that is logged in ends the old session.
    let old = own.to_owned();
    victim.cookies.remove(&(HOST.to_owned(), BEFORE.to_owned()));
    let mut again = portal.browser();
    again.get("/login");
    again.set(SESSION, &old);
    let csrf = again.page.field("csrf").unwrap();
    again.post_plain("/login", &[("user", "quick"), ("csrf", &csrf)]);
    assert_ne!(again.cookie(SESSION), Some(old.as_str()));
    assert_eq!(victim.get("/").location(), "/login");
}

#[test]
fn every_answer_has_the_security_headers() {
    let portal = Portal::start();
    let mut browser = portal.logged_in("alice");
    let mut stranger = portal.browser();
    let mut answers = Vec::new();
    for path in [
        "/",
        "/try",
        "/events",
        "/sessions",
        "/devices/add",
        "/nothing",
        "/verify",
        "/language?to=ko",
    ] {
        answers.push((path, browser.get(path).clone()));
        answers.push((path, stranger.get(path).clone()));
    }
    answers.push(("/logout", stranger.post_plain("/logout", &[]).clone()));
    answers.push((
        "other host",
        stranger.at("evil.example.org").get("/").clone(),
    ));
    answers.push((
        "no host",
        Answer::of(&exchange(portal.address, b"GET / HTTP/1.0\r\n\r\n")),
    ));
    answers.push((
        "site",
        stranger.at(WIKI).get("/.otp-portal/nothing").clone(),
    ));
    for (what, answer) in answers {
        let says = |name: &str| answer.header(name).unwrap_or_default().to_owned();
        let policy = says("content-security-policy");
        for part in [
            "default-src 'none'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
        ] {
            assert!(policy.contains(part), "{what}: {policy}");
        }
        assert!(
            !policy.contains("unsafe") && !policy.contains('*'),
            "{what}: {policy}"
        );
        assert_eq!(says("x-content-type-options"), "nosniff", "{what}");
        assert_eq!(says("x-frame-options"), "DENY", "{what}");
        assert_eq!(says("referrer-policy"), "same-origin", "{what}");
        assert_eq!(says("cache-control"), "no-store", "{what}");
        assert_eq!(says("cross-origin-opener-policy"), "same-origin", "{what}");
        // No answer came over TLS.
        assert_eq!(says("strict-transport-security"), "", "{what}");
    }
}

#[test]
fn browsers_keep_only_the_files_of_pages() {
    let portal = Portal::start();
    let mut browser = portal.browser();
    for asset in otp_portal::pages::assets::ALL {
        let page = browser.get("/login").body.clone();
        let at = page.find(asset.path).expect("a page refers to it");
        let path = page[at..].split('"').next().unwrap();
        let answer = browser.get(path);
        assert_eq!(answer.status, 200, "{path}");
        assert!(
            answer
                .header("cache-control")
                .unwrap()
                .contains("immutable"),
            "{path}"
        );
        assert_eq!(
            browser.get(asset.path).header("cache-control"),
            Some("no-cache")
        );
    }
    assert_eq!(browser.get("/assets/../../etc/passwd").status, 404);
    assert_eq!(browser.get("/assets/nothing.css").status, 404);
}

#[test]
fn failed_logins_are_limited_by_address() {
    let portal = Portal::with("proxies = [\"127.0.0.1\"]\n", "[limits]\nfailures = 3\n");
    let attempt = |address: &str, user: &str| {
        let mut browser = portal.browser();
        header(&mut browser, "X-Forwarded-For", address);
        browser.get("/login");
        if browser.post("/login", &[("user", user)]).status == 429 {
            assert!(browser.page.header("retry-after").is_some());
            return false;
        }
        browser.follow();
        browser.answer("wrong");
        browser.follow();
        browser.answer("000000");
        true
    };
    for count in 0..3 {
        assert!(attempt("2001:db8::1", &format!("user{count}")));
    }
    assert!(!attempt("2001:db8::1", "alice"));
    assert!(!attempt("2001:db8::ffff:2", "alice"), "the same 64 bits");
    assert!(attempt("2001:db8:0:1::1", "alice"));
    assert!(attempt("192.0.2.1", "alice"));
    // The portal ignores addresses that the browser itself puts in front.
    assert!(!attempt("203.0.113.5, 2001:db8::1", "alice"));
    let seen = portal.part.with(|state| state.addresses.len());
    assert_eq!(seen, 5);
}

#[test]
fn successful_logins_are_not_limited() {
    let portal = Portal::with("", "[limits]\nfailures = 2\n");
    for _ in 0..6 {
        portal.logged_in("alice");
    }
}

#[test]
fn a_browser_cannot_choose_its_address() {
    let portal = Portal::start();
    for (name, value) in [
        ("X-Forwarded-For", "192.0.2.1"),
        ("X-Real-IP", "192.0.2.1"),
        ("Forwarded", "for=192.0.2.1"),
        ("X_Forwarded_For", "192.0.2.1"),
    ] {
        let mut browser = portal.browser();
        header(&mut browser, name, value);
        browser.log_in("quick");
    }
    let unknown: std::net::IpAddr = "0.0.0.0".parse().unwrap();
    assert_eq!(
        portal.part.with(|state| state.addresses.clone()),
        [unknown; 4]
    );
}

#[test]
fn waiting_logins_are_limited_by_address_and_in_all() {
    let portal = Portal::with(
        "proxies = [\"127.0.0.1\"]\n",
        "[limits]\nconversations = 6\nconversations_of_one = 2\n",
    );
    let begin = |address: &str| {
        let mut browser = portal.browser();
        header(&mut browser, "X-Forwarded-For", address);
        browser.get("/login");
        browser.post("/login", &[("user", "alice")]).status
    };
    let statuses = [
        "192.0.2.1",
        "192.0.2.1",
        "192.0.2.1",
        "192.0.2.2",
        "192.0.2.2",
        "192.0.2.3",
        "192.0.2.4",
    ]
    .map(begin);
    assert_eq!(statuses, [303, 303, 429, 303, 303, 303, 429]);
    portal
        .server
        .talks
        .sweep(std::time::Instant::now() + std::time::Duration::from_secs(121));
    assert_eq!(begin("192.0.2.1"), 303);
}

/// Waiting logins of strangers leave room for logged-in users, and for logins from an address with a logged-in user.
#[test]
fn logins_of_strangers_leave_room_for_known_users() {
    let portal = Portal::with(
        "proxies = [\"127.0.0.1\"]\n",
        "[limits]\nconversations = 8\nconversations_of_one = 2\n",
    );
    let browser = |address: &str| {
        let mut browser = portal.browser();
        header(&mut browser, "X-Forwarded-For", address);
        browser
    };
    let mut user = browser("192.0.2.200");
    user.log_in("alice");
    let begin = |address: &str| {
        let mut browser = browser(address);
        browser.get("/login");
        browser.post("/login", &[("user", "bob")]).status
    };
    let of_strangers: Vec<u16> = (1..=8)
        .map(|last| begin(&format!("192.0.2.{last}")))
        .collect();
    assert_eq!(of_strangers, [303, 303, 303, 303, 303, 303, 429, 429]);
    assert_eq!(begin("192.0.2.200"), 303, "a user is in from there");
    user.get("/recovery-codes");
    user.post("/recovery-codes", &[]);
    assert_eq!(user.page.location(), "/change");
}

/// Each question is a process of root. One user can have few at a time, so others are answered.
#[test]
fn one_user_cannot_keep_the_login_part_busy() {
    const ASKED: usize = 24;
    let portal = Portal::start();
    let alice = portal.logged_in("alice");
    let mut bob = portal.logged_in("bob");
    portal.part.with(|state| state.holds_events = true);
    let (told, statuses) = std::sync::mpsc::channel();
    let tabs: Vec<_> = (0..ASKED)
        .map(|_| {
            let (mut tab, told) = (alice.clone(), told.clone());
            std::thread::spawn(move || told.send(tab.get("/events").status).unwrap())
        })
        .collect();
    drop(told);
    let limit = std::time::Duration::from_secs(60);
    for _ in 0..ASKED - otp_portal::server::READINGS_OF_ONE {
        assert_eq!(statuses.recv_timeout(limit), Ok(429));
    }
    assert_eq!(bob.get("/").status, 200);
    portal.part.with(|state| state.holds_events = false);
    for _ in 0..otp_portal::server::READINGS_OF_ONE {
        assert_eq!(statuses.recv_timeout(limit), Ok(200));
    }
    for tab in tabs {
        tab.join().unwrap();
    }
}

/// Asks for a page, and hangs up when `is_asked` says that the portal asks the login part. Returns what came before
/// that.
fn hang_up(
    browser: &Browser,
    method: &str,
    path: &str,
    body: &str,
    is_asked: impl Fn() -> bool,
) -> String {
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {}\r\nCookie: {SESSION}={}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{body}",
        browser.host,
        browser.cookie(SESSION).unwrap(),
        body.len(),
    );
    let mut line = TcpStream::connect(browser.address).unwrap();
    line.write_all(request.as_bytes()).unwrap();
    line.set_nonblocking(true).unwrap();
    let mut told = [0; 64];
    loop {
        if let Ok(count) = line.read(&mut told) {
            return String::from_utf8_lossy(&told[..count]).into_owned();
        }
        if is_asked() {
            return String::new();
        }
        thread::yield_now();
    }
}

/// Root's part completes what it has begun, whether its answer is wanted or not.
#[test]
fn one_user_cannot_keep_the_login_part_busy_by_hanging_up() {
    let portal = Portal::start();
    let alice = portal.logged_in("alice");
    let mut bob = portal.logged_in("bob");
    portal.part.with(|state| state.holds_events = true);
    let readings = || portal.part.with(|state| state.readings);
    for _ in 0..12 {
        let before = readings();
        hang_up(&alice, "GET", "/events", "", || readings() > before);
        // By then the portal has noticed.
        for _ in 0..20 {
            assert_eq!(portal.browser().get("/login").status, 200);
        }
        assert!(readings() <= otp_portal::server::READINGS_OF_ONE);
    }
    assert_eq!(bob.get("/").status, 200);
    portal.part.with(|state| state.holds_events = false);
    // The places are free again.
    let mut alice = alice;
    while alice.get("/events").status != 200 {
        std::thread::yield_now();
    }
}

/// A user may close the tab right after logging out everywhere.
#[test]
fn logging_out_everywhere_completes_though_the_browser_hangs_up() {
    let portal = Portal::start();
    let mut alice = portal.logged_in("alice");
    let _second = portal.logged_in("alice");
    let mut bob = portal.logged_in("bob");
    portal.part.with(|state| state.holds_changes = true);
    alice.get("/sessions");
    let body = format!("csrf={}", alice.page.field("csrf").unwrap());
    let leaving = || portal.part.with(|state| state.leaving);
    let told = hang_up(&alice, "POST", "/sessions/end", &body, || leaving() > 0);
    assert_eq!(told, "");
    for _ in 0..20 {
        assert_eq!(portal.browser().get("/login").status, 200);
    }
    portal.part.with(|state| state.holds_changes = false);
    let done = || portal.server.sessions.count() == 1;
    for _ in 0..300 {
        if done() {
            break;
        }
        thread::sleep(Duration::from_millis(100));
    }
    assert!(done());
    assert_eq!(bob.get("/").status, 200);
}

/// An outage does not count as failures: after it, users can log in.
#[test]
fn a_login_that_could_not_be_judged_is_no_failure() {
    let portal = Portal::with("", "[limits]\nfailures = 2\n");
    portal.part.with(|state| state.is_unable = true);
    for _ in 0..4 {
        let mut browser = portal.browser();
        browser.get("/login");
        assert_eq!(browser.post("/login", &[("user", "alice")]).status, 503);
    }
    portal.part.with(|state| state.is_unable = false);
    portal.logged_in("alice");
}

#[test]
fn another_host_is_not_served() {
    let portal = Portal::start();
    for host in [
        "evil.example.org",
        "login.example.org.evil.example.org",
        "127.0.0.1",
        "login.example.org:8443",
    ] {
        let mut browser = portal.browser();
        let answer = browser.at(host).get("/login");
        assert_eq!(answer.status, 421, "{host}");
        assert!(!answer.body.contains("evil") && answer.location().is_empty());
    }
    for request in [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: login.example.org\r\nHost: evil.example.org\r\n\r\n",
        "GET https://login.example.org/ HTTP/1.1\r\nHost: evil.example.org\r\n\r\n",
        "GET https://evil.example.org/ HTTP/1.1\r\nHost: login.example.org\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: login.example.org/x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: \r\n\r\n",
    ] {
        let closing = request.replacen("\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1);
        let answer = Answer::of(&exchange(portal.address, closing.as_bytes()));
        assert_eq!(answer.status, 400, "{request}");
    }
}

/// A proxy and the portal must never disagree about where a request ends.
#[test]
fn no_request_hides_in_another() {
    let portal = Portal::start();
    let hidden = "GET /verify HTTP/1.1\r\nHost: wiki.example.org\r\nConnection: close\r\n\r\n";
    for head in [
        "Content-Length: 0\r\nContent-Length: 5\r\n",
        "Content-Length: 5, 6\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: +5\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding : chunked\r\n",
        " Transfer-Encoding: chunked\r\n",
        "X: y\r\n Content-Length: 5\r\n",
        "Content\0-Length: 5\r\n",
    ] {
        let request =
            format!("POST /login HTTP/1.1\r\nHost: login.example.org\r\n{head}\r\n{hidden}");
        let answer = exchange(portal.address, request.as_bytes());
        let answer = String::from_utf8_lossy(&answer);
        let count = answer.matches("HTTP/1.1 ").count();
        assert!(
            count <= 1 && !answer.contains("x-otp-login"),
            "{head}: {answer}"
        );
    }
    // Chunks take precedence over a length, and the connection is closed afterwards.
    let request = format!(
        "POST /login HTTP/1.1\r\nHost: login.example.org\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"
    );
    let answer = exchange(portal.address, request.as_bytes());
    let answer = String::from_utf8_lossy(&answer);
    assert!(!answer.contains("x-otp-login"), "{answer}");
}

#[test]
fn requests_without_tls_at_the_proxy_are_refused() {
    let portal = Portal::with("proxies = [\"127.0.0.1\"]\n", SITES);
    let mut browser = portal.browser();
    header(&mut browser, "X-Forwarded-Proto", "http");
    let answer = browser.get("/login?site=wiki.example.org");
    assert_eq!(
        (answer.status, answer.location()),
        (308, "https://login.example.org/login?site=wiki.example.org")
    );
    assert_eq!(
        browser.post_plain("/login", &[("user", "alice")]).status,
        400
    );
    header(&mut browser, "X-Forwarded-Proto", "https");
    let answer = browser.get("/login");
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("strict-transport-security"),
        Some("max-age=31536000")
    );
}

#[test]
fn typed_text_is_shown_as_text() {
    let portal = Portal::start();
    let mut browser = portal.browser();
    let script = "<script>alert(1)</script>\"'";
    let page = browser.begin(script);
    assert_eq!(page.status, 200);
    assert!(!page.body.contains("<script>alert"), "{}", page.body);
    let answer = browser.get("/login?site=%3Cscript%3Ealert(1)%3C/script%3E");
    assert!(
        answer.status == 400 && !answer.body.contains("<script>alert"),
        "{}",
        answer.body
    );
    assert!(
        !browser
            .get("/%3Cscript%3Ealert(1)")
            .body
            .contains("<script>alert")
    );
}
