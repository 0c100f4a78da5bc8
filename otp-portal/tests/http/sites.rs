use crate::browser::{Browser, SESSION};
use crate::portal::{GIT, HOST, Portal, WIKI};
use otp_portal::wire::Ended;

/// Opens a URL as a browser does.
fn go(browser: &mut Browser, url: &str) {
    let (host, path) = url
        .strip_prefix("https://")
        .unwrap()
        .split_once('/')
        .unwrap();
    browser.at(host).get(&format!("/{path}"));
}

fn verify(browser: &mut Browser, host: &str) -> u16 {
    browser.at(host).get("/verify").status
}

/// Returns a browser in which this user has logged in and has opened this site.
fn at_site(portal: &Portal, user: &str, host: &str) -> Browser {
    let mut browser = portal.logged_in(user);
    browser.at(host).get("/.otp-portal/begin?to=/");
    let url = browser.page.location().to_owned();
    go(&mut browser, &url);
    let url = browser.page.location().to_owned();
    go(&mut browser, &url);
    assert_eq!(browser.page.status, 303);
    browser
}

#[test]
fn a_site_opens_after_the_login_and_tells_the_users_name_and_groups() {
    let portal = Portal::start();
    let mut browser = portal.browser();
    browser.headers = vec![];
    assert_eq!(verify(&mut browser, WIKI), 401);
    let login = browser.page.header("x-otp-login").unwrap().to_owned();
    assert_eq!(login, "https://wiki.example.org/.otp-portal/begin?to=/");
    go(
        &mut browser,
        "https://wiki.example.org/.otp-portal/begin?to=/a%3Fb%3Dc",
    );
    let url = browser.page.location().to_owned();
    assert!(
        url.starts_with(
            "https://login.example.org/login?site=wiki.example.org&to=/a%3Fb%3Dc&state="
        ),
        "{url}"
    );
    go(&mut browser, &url);
    let policy = browser.page.header("content-security-policy").unwrap();
    assert!(
        policy.contains("form-action 'self' https://wiki.example.org"),
        "{policy}"
    );
    browser.post("/login", &[("user", "root")]);
    let url = browser.page.location().to_owned();
    assert_eq!(
        url,
        "https://wiki.example.org/.otp-portal/begin?to=/a%3Fb%3Dc"
    );
    go(&mut browser, &url);
    let url = browser.page.location().to_owned();
    go(&mut browser, &url);
    let url = browser.page.location().to_owned();
    assert!(
        url.starts_with("https://wiki.example.org/.otp-portal/arrive?ticket="),
        "{url}"
    );
    go(&mut browser, &url);
    assert_eq!(
        (browser.page.status, browser.page.location()),
        (303, "/a?b=c")
    );
    assert_eq!(verify(&mut browser, WIKI), 204);
    assert_eq!(browser.page.header("remote-user"), Some("root"));
    assert!(
        browser
            .page
            .header("remote-groups")
            .unwrap()
            .split(',')
            .any(|it| it == "root")
    );
    assert!(browser.page.body.is_empty());
}

#[test]
fn a_site_for_some_groups_is_closed_to_others_and_an_unknown_one_to_all() {
    let portal = Portal::start();
    let mut browser = at_site(&portal, "root", GIT);
    assert_eq!(verify(&mut browser, GIT), 403);
    assert_eq!(verify(&mut browser, "evil.example.org"), 403);
    assert_eq!(browser.at("evil.example.org").get("/login").status, 421);
    assert_eq!(verify(&mut browser, HOST), 403);
}

#[test]
fn the_cookie_of_one_host_is_worthless_at_another() {
    let portal = Portal::start();
    let mut browser = at_site(&portal, "root", WIKI);
    let of_wiki = browser.at(WIKI).cookie(SESSION).unwrap().to_owned();
    let of_home = browser.at(HOST).cookie(SESSION).unwrap().to_owned();
    for (host, cookie) in [(GIT, &of_wiki), (GIT, &of_home), (WIKI, &of_home)] {
        let mut thief = portal.browser();
        thief.at(host).set(SESSION, cookie);
        assert_eq!(verify(&mut thief, host), 401, "{host}");
    }
    let mut thief = portal.browser();
    thief.set(SESSION, &of_wiki);
    assert_eq!(thief.get("/").location(), "/login");
}

#[test]
fn a_logout_at_home_ends_the_session_at_every_site() {
    let portal = Portal::start();
    let mut browser = at_site(&portal, "root", WIKI);
    assert_eq!(verify(&mut browser, WIKI), 204);
    browser.at(HOST).get("/");
    browser.post("/logout", &[]);
    assert_eq!(verify(&mut browser, WIKI), 401);
}

#[test]
fn a_ticket_begun_in_another_browser_logs_no_one_in() {
    let portal = Portal::start();
    // The attacker is logged in as root, and has a ticket for the wiki.
    let mut attacker = portal.logged_in("root");
    go(
        &mut attacker,
        "https://wiki.example.org/.otp-portal/begin?to=/",
    );
    let url = attacker.page.location().to_owned();
    go(&mut attacker, &url);
    let arrive = attacker.page.location().to_owned();
    // The victim follows the attacker's link, first without having begun a login at the site, then after having begun
    // one.
    let mut victim = portal.browser();
    go(&mut victim, &arrive);
    assert!(victim.page.status == 403 && victim.cookie(SESSION).is_none());
    go(&mut attacker, &arrive);
    assert_eq!(attacker.page.status, 403, "shown once, it is used up");
    go(
        &mut attacker,
        "https://wiki.example.org/.otp-portal/begin?to=/",
    );
    let url = attacker.page.location().to_owned();
    go(&mut attacker, &url);
    let arrive = attacker.page.location().to_owned();
    let mut victim = portal.browser();
    go(
        &mut victim,
        "https://wiki.example.org/.otp-portal/begin?to=/",
    );
    go(&mut victim, &arrive);
    assert!(victim.page.status == 403 && victim.cookie(SESSION).is_none());
    // Once shown, the ticket is used up.
    go(&mut attacker, &arrive);
    assert_eq!(attacker.page.status, 403);
}

#[test]
fn no_redirect_leads_to_an_unlisted_host() {
    let portal = Portal::start();
    let mut browser = portal.logged_in("root");
    for site in [
        "evil.example.org",
        "wiki.example.org.evil.example.org",
        "wiki.example.org@evil.example.org",
        "//evil",
    ] {
        let answer = browser.get(&format!("/login?site={site}&to=/"));
        assert_eq!((answer.status, answer.location()), (400, ""), "{site}");
    }
    for to in [
        "//evil.example.org/",
        "/%5Cevil.example.org/",
        "https:%2F%2Fevil.example.org/",
        "%09//evil.example.org",
        "/%0d%0aX-Evil:%201",
    ] {
        browser.at(WIKI).get(&format!("/.otp-portal/begin?to={to}"));
        let location = browser.page.location().to_owned();
        assert!(
            location
                .starts_with("https://login.example.org/login?site=wiki.example.org&to=/&state="),
            "{location}"
        );
        browser
            .at(HOST)
            .get(&format!("/login?site=wiki.example.org&to={to}"));
        assert_eq!(
            browser.page.location(),
            "https://wiki.example.org/.otp-portal/begin?to=/"
        );
        browser.at(HOST).get(&format!("/language?to=ko&back={to}"));
        assert_eq!(browser.page.location(), "/", "{to}");
    }
}

#[test]
fn verify_refuses_an_unknown_standing() {
    let portal = Portal::start();
    let mut browser = at_site(&portal, "root", WIKI);
    assert_eq!(verify(&mut browser, WIKI), 204);
    portal.part.with(|state| state.is_unable = true);
    portal.server.sessions.forget_what_was_heard();
    assert_eq!(verify(&mut browser, WIKI), 503);
    portal.part.with(|state| {
        state.is_unable = false;
        state.ended.insert("root".to_owned(), Ended::Locked);
    });
    portal.server.sessions.forget_what_was_heard();
    assert_eq!(verify(&mut browser, WIKI), 401);
    assert_eq!(portal.server.sessions.count(), 0);
}

#[test]
fn a_user_id_that_no_longer_belongs_to_the_name_is_refused() {
    let portal = Portal::start();
    // The name service does not know the user quick, or knows another user id.
    let mut browser = at_site(&portal, "quick", WIKI);
    assert_eq!(verify(&mut browser, WIKI), 401);
}

#[test]
fn a_proxy_asks_in_the_name_of_a_site_and_a_browser_cannot() {
    let portal = Portal::with("proxies = [\"127.0.0.1\"]\n", crate::portal::SITES);
    let mut browser = at_site(&portal, "root", WIKI);
    let ask = |browser: &mut Browser, headers: &[(&str, &str)]| {
        browser.headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        browser.at(WIKI).get("/verify").clone()
    };
    let from_login = [
        ("Host", HOST),
        ("X-Forwarded-Host", WIKI),
        ("X-Forwarded-Uri", "/a?b"),
    ];
    assert_eq!(ask(&mut browser, &from_login).status, 204);
    assert_eq!(
        ask(
            &mut browser,
            &[
                ("Host", HOST),
                ("X-Original-URL", "https://wiki.example.org/a")
            ]
        )
        .status,
        204
    );
    let of_git = [("Host", GIT), ("X-Forwarded-Host", WIKI)];
    assert_eq!(ask(&mut browser, &of_git).status, 400);
    let mut stranger = portal.browser();
    let answer = ask(&mut stranger, &from_login);
    assert_eq!(
        answer.header("x-otp-login"),
        Some("https://wiki.example.org/.otp-portal/begin?to=/a%3Fb")
    );
    stranger.headers.pop();
    stranger
        .headers
        .push(("X-Forwarded-Uri".to_owned(), "/a".to_owned()));
    let answer = stranger.at(WIKI).get("/verify?redirect");
    assert_eq!(
        (answer.status, answer.location()),
        (302, "https://wiki.example.org/.otp-portal/begin?to=/a")
    );
}

/// Traefik, for example, calls the portal by its address and names the host of the visitor's request in a header. The
/// portal ignores what the visitor says about hosts.
#[test]
fn a_proxy_may_ask_under_the_address_of_the_portal() {
    let portal = Portal::with("proxies = [\"127.0.0.1\"]\n", crate::portal::SITES);
    let mut proxy = portal.browser();
    let told = [
        ("Host", "127.0.0.1:9480"),
        ("X-Forwarded-For", "192.0.2.1"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", WIKI),
        ("X-Forwarded-Uri", "/a?b=c"),
        ("X-Forwarded-Method", "POST"),
    ];
    let headers = told.map(|(name, value)| (name.to_owned(), value.to_owned()));
    proxy.headers = headers.to_vec();
    let answer = proxy.get("/verify?redirect");
    assert_eq!(answer.status, 302);
    assert_eq!(
        answer.location(),
        "https://wiki.example.org/.otp-portal/begin?to=/a%3Fb%3Dc"
    );
    let original = ("X-Original-URL".to_owned(), format!("https://{GIT}/"));
    proxy.headers.push(original);
    assert_eq!(proxy.get("/verify?redirect").status, 400);
}
