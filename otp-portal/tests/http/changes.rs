use crate::browser::{Browser, SESSION, encoded};
use crate::part::Instead;
use crate::portal::Portal;
use otp_core::record::Standing;
use otp_helper::protocol::Answer;
use otp_portal::wire::{Ended, Wanted};
use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

fn changed(portal: &Portal) -> Vec<String> {
    portal.part.with(|state| state.changed.clone())
}

#[test]
fn a_user_enrols_and_gets_another_cookie() {
    let portal = Portal::start();
    let mut browser = portal.logged_in("fresh");
    browser.get("/set-up");
    let before = browser.cookie(SESSION).unwrap().to_owned();
    assert_eq!(
        browser.post("/set-up", &[("name", "phone")]).location(),
        "/change"
    );
    let page = browser.follow();
    assert!(page.body.contains("GEZD"), "the key to type: {}", page.body);
    // After a wrong code, the page says so and shows the same key.
    assert_eq!(
        browser
            .post("/change/code", &[("code", "000000")])
            .location(),
        "/change"
    );
    assert!(browser.follow().body.contains("GEZD"));
    assert_eq!(
        browser
            .post("/change/code", &[("code", "111111")])
            .location(),
        "/change"
    );
    let page = browser.follow();
    let code =
        otp_core::recovery::RecoveryCode::from_random([7; otp_core::recovery::RecoveryCode::BYTES]);
    assert!(page.body.contains(&*code.reveal()), "{}", page.body);
    // The box must be ticked.
    assert_eq!(browser.post("/change/keep", &[]).status, 200);
    assert!(changed(&portal).is_empty());
    assert_eq!(
        browser.post("/change/keep", &[("kept", "yes")]).location(),
        "/"
    );
    assert_eq!(changed(&portal).len(), 1);
    let after = browser.cookie(SESSION).unwrap().to_owned();
    assert_ne!(before, after);
    assert_eq!(browser.follow().status, 200);
    let mut old = browser.clone();
    old.set(SESSION, &before);
    assert_eq!(old.get("/").location(), "/login");
}

#[test]
fn leaving_at_any_step_changes_nothing() {
    let portal = Portal::start();
    // The steps: the question, the key, a wrong code, the recovery codes.
    for steps in 0..4 {
        for leave in ["cancel", "home", "closed"] {
            let mut browser = portal.logged_in("alice");
            browser.get("/devices/add");
            assert_eq!(
                browser
                    .post("/devices/add", &[("name", "tablet")])
                    .location(),
                "/change"
            );
            browser.follow();
            let all = [("answer", "secret"), ("code", "000000"), ("code", "111111")];
            for (field, value) in all.into_iter().take(steps) {
                assert_eq!(
                    browser
                        .post(&format!("/change/{field}"), &[(field, value)])
                        .location(),
                    "/change"
                );
                browser.follow();
            }
            match leave {
                "cancel" => {
                    assert_eq!(browser.post("/change/cancel", &[]).location(), "/");
                }
                "home" => {
                    assert_eq!(browser.get("/").status, 200);
                }
                // The browser was closed, and the time is over.
                _ => portal
                    .server
                    .talks
                    .sweep(std::time::Instant::now() + Duration::from_secs(121)),
            }
            assert_eq!(portal.server.talks.count(), 0);
            assert!(changed(&portal).is_empty(), "{steps} {leave}");
            if leave != "home" {
                let late = browser.post("/change/keep", &[("kept", "yes"), ("conversation", "x")]);
                assert_ne!(late.status, 303, "{steps} {leave}");
            }
        }
    }
    assert!(changed(&portal).is_empty());
}

#[test]
fn a_page_of_an_earlier_change_cancels_no_later_one() {
    let portal = Portal::start();
    let mut browser = portal.logged_in("alice");
    let mut begin = || {
        browser.get("/devices/add");
        browser.post("/devices/add", &[("name", "tablet")]);
        browser.follow();
        browser.clone()
    };
    let (mut earlier, mut later) = (begin(), begin());
    earlier.post("/change/cancel", &[]);
    assert_eq!(earlier.page.location(), "/change");
    assert_eq!(portal.server.talks.count(), 1);
    later.post("/change/cancel", &[]);
    assert_eq!(later.page.location(), "/");
    assert_eq!(portal.server.talks.count(), 0);
}

#[test]
fn a_change_takes_the_proof_that_the_helper_asks_for() {
    let portal = Portal::start();
    let mut browser = portal.logged_in("alice");
    browser.get("/devices/remove?name=phone");
    assert_eq!(
        browser
            .post("/devices/remove", &[("name", "phone")])
            .location(),
        "/change"
    );
    browser.follow();
    let page = browser.post("/change/answer", &[("answer", "wrong")]);
    assert!(
        page.status == 403 && page.body.contains("Sorry, try again."),
        "{}",
        page.body
    );
    assert!(changed(&portal).is_empty());
    browser.get("/devices/remove?name=phone");
    browser.post("/devices/remove", &[("name", "phone")]);
    browser.follow();
    assert_eq!(
        browser
            .post("/change/answer", &[("answer", "secret")])
            .location(),
        "/"
    );
    assert_eq!(changed(&portal).len(), 1);
}

/// A stolen cookie allows few guesses of the password.
#[test]
fn failed_proofs_of_identity_end_the_session() {
    let portal = Portal::start();
    let begun = |browser: &mut Browser, password| {
        browser.get("/recovery-codes");
        browser.post("/recovery-codes", &[]);
        browser.follow();
        browser
            .post("/change/answer", &[("answer", password)])
            .clone()
    };
    let mut browser = portal.logged_in("alice");
    for _ in 0..4 {
        assert_eq!(begun(&mut browser, "wrong").status, 403);
    }
    // A successful proof in between resets the count.
    assert_eq!(begun(&mut browser, "secret").location(), "/change");
    browser.follow();
    assert_eq!(
        browser.post("/change/keep", &[("kept", "yes")]).location(),
        "/"
    );
    for _ in 0..4 {
        assert_eq!(begun(&mut browser, "wrong").status, 403);
    }
    let stolen = browser.clone();
    assert_eq!(begun(&mut browser, "wrong").status, 401);
    assert!(
        browser.page.body.contains("5 times in a row"),
        "{}",
        browser.page.body
    );
    for mut browser in [browser, stolen] {
        assert_eq!(browser.get("/").location(), "/login");
    }
}

#[test]
fn nothing_is_answered_out_of_order() {
    let portal = Portal::start();
    let mut browser = portal.logged_in("alice");
    browser.get("/devices/add");
    browser.post("/devices/add", &[("name", "tablet")]);
    browser.follow();
    // A code, or the confirmation that codes are kept, does not answer the question for the password.
    for (path, field, value) in [
        ("/change/code", "code", "111111"),
        ("/change/keep", "kept", "yes"),
    ] {
        assert_eq!(browser.post(path, &[(field, value)]).location(), "/change");
        assert!(browser.follow().body.contains("type=\"password\""));
    }
    assert!(changed(&portal).is_empty());
}

#[test]
fn names_are_checked_before_a_change_begins() {
    let portal = Portal::start();
    let mut browser = portal.logged_in("alice");
    for name in ["", "phone", "a\"b", &"x".repeat(100)] {
        browser.get("/devices/add");
        assert_eq!(
            browser.post("/devices/add", &[("name", name)]).status,
            200,
            "{name}"
        );
    }
    assert_eq!(browser.get("/devices/remove?name=nothing").status, 404);
    browser.get("/devices/remove?name=phone");
    assert_eq!(
        browser.post("/devices/remove", &[("name", "other")]).status,
        404
    );
    assert_eq!(portal.server.talks.count(), 0);
}

#[test]
fn only_their_own_page_offers_new_recovery_codes_as_a_file() {
    let portal = Portal::start();
    let mut browser = portal.logged_in("alice");
    browser.get("/recovery-codes");
    browser.post("/recovery-codes", &[]);
    browser.follow();
    browser.post("/change/answer", &[("answer", "secret")]);
    let page = browser.follow().clone();
    let conversation = page.field("conversation").unwrap();
    assert_eq!(browser.get("/change/recovery-codes.txt").status, 404);
    let file = browser.get(&format!(
        "/change/recovery-codes.txt?conversation={conversation}"
    ));
    assert_eq!(file.status, 200);
    assert!(
        file.header("content-disposition")
            .unwrap()
            .starts_with("attachment")
    );
    browser.page = page;
    assert_eq!(
        browser.post("/change/keep", &[("kept", "yes")]).location(),
        "/"
    );
    let late = browser.get(&format!(
        "/change/recovery-codes.txt?conversation={conversation}"
    ));
    assert_eq!(late.status, 404);
}

#[test]
fn a_locked_account_begins_no_change_and_its_user_reads_why() {
    let portal = Portal::start();
    let mut browser = portal.logged_in("alice");
    portal
        .part
        .with(|state| state.lock = Some(Standing::Disabled));
    for path in [
        "/devices/add",
        "/devices/replace",
        "/devices/remove?name=phone",
        "/recovery-codes",
    ] {
        assert_eq!(browser.get(path).status, 403, "{path}");
    }
}

/// Begins an enrolment, up to the recovery codes of a first device.
fn at_the_codes(portal: &Portal) -> Browser {
    let mut browser = portal.logged_in("fresh");
    browser.get("/set-up");
    browser.post("/set-up", &[("name", "phone")]);
    browser.follow();
    browser.post("/change/code", &[("code", "111111")]);
    browser.follow();
    browser
}

/// The helper changes the authenticators when it saves the change. The portal learns of that, and of the new token,
/// later.
#[test]
fn another_tab_does_not_end_the_session_while_a_change_is_saved() {
    let portal = Portal::start();
    let mut browser = at_the_codes(&portal);
    portal.part.with(|state| state.holds_changes = true);
    let mut keeping = browser.clone();
    let kept = thread::spawn(move || {
        keeping.post("/change/keep", &[("kept", "yes")]);
        keeping
    });
    while changed(&portal).is_empty() {
        thread::yield_now();
    }
    // One request asks about the standing, because the last answer is too old. The other asks for the account itself.
    portal.server.sessions.forget_what_was_heard();
    let asked = portal.part.with(|state| state.standings);
    let mut tab = browser.clone();
    let looked = thread::spawn(move || tab.get("/sessions").status);
    while portal.part.with(|state| state.standings) == asked {
        thread::yield_now();
    }
    portal.part.with(|state| state.holds_changes = false);
    assert_eq!(looked.join().unwrap(), 200);
    let mut keeping = kept.join().unwrap();
    assert_eq!(keeping.page.location(), "/");
    assert_eq!(keeping.follow().status, 200);
    browser.cookies = keeping.cookies.clone();
    portal.server.sessions.forget_what_was_heard();
    assert_eq!(browser.get("/").status, 200);
}

#[test]
fn a_browser_that_hangs_up_while_a_change_is_saved_stays_logged_in() {
    let portal = Portal::start();
    let mut browser = at_the_codes(&portal);
    portal.part.with(|state| state.holds_changes = true);
    let hidden = |name| browser.page.field(name).unwrap();
    let body = format!(
        "csrf={}&conversation={}&kept=yes",
        encoded(&hidden("csrf")),
        encoded(&hidden("conversation"))
    );
    let request = format!(
        "POST /change/keep HTTP/1.1\r\nHost: {}\r\nCookie: {SESSION}={}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{body}",
        browser.host,
        browser.cookie(SESSION).unwrap(),
        body.len()
    );
    let mut line = TcpStream::connect(portal.address).unwrap();
    line.write_all(request.as_bytes()).unwrap();
    while changed(&portal).is_empty() {
        thread::yield_now();
    }
    drop(line);
    // By then the portal has noticed.
    for _ in 0..20 {
        assert_eq!(portal.browser().get("/login").status, 200);
    }
    portal.part.with(|state| state.holds_changes = false);
    portal.server.sessions.forget_what_was_heard();
    assert_eq!(browser.get("/").status, 200);
}

#[test]
fn questions_with_the_token_before_a_change_end_nothing() {
    let portal = Portal::start();
    let mut browser = at_the_codes(&portal);
    portal.part.with(|state| state.holds_changes = true);
    let mut keeping = browser.clone();
    let kept = thread::spawn(move || {
        keeping.post("/change/keep", &[("kept", "yes")]);
        keeping
    });
    while changed(&portal).is_empty() {
        thread::yield_now();
    }
    // The last answer about the standing is new. The status is asked with the old token.
    let asked = portal.part.with(|state| state.statuses);
    let mut tab = browser.clone();
    let looked = thread::spawn(move || (tab.get("/devices/add").status, tab));
    while portal.part.with(|state| state.statuses) == asked {
        thread::yield_now();
    }
    portal.part.with(|state| state.holds_changes = false);
    let (status, tab) = looked.join().unwrap();
    assert_eq!(status, 303, "{}", tab.page.body);
    browser.cookies = kept.join().unwrap().cookies;
    assert_eq!(browser.get("/").status, 200);
}

#[test]
fn a_user_too_late_for_a_first_device_reads_what_to_do() {
    let portal = Portal::start();
    portal
        .part
        .with(|state| state.ends_first = Some(Ended::LoginTooOld));
    for (language, words) in [
        ("en", "within 15 minutes of logging in"),
        ("ko", "15분 안에"),
    ] {
        let mut browser = portal.logged_in("fresh");
        browser.set("__Host-otp-portal-language", language);
        browser.get("/set-up");
        let page = browser.post("/set-up", &[("name", "phone")]);
        assert_eq!(page.status, 401);
        assert!(page.body.contains(words), "{}", page.body);
        assert!(page.body.contains("href=\"/login\""));
        assert!(browser.cookie(SESSION).is_none());
    }
    portal.part.with(|state| state.ends_first = None);
    let mut browser = portal.logged_in("fresh");
    browser.get("/set-up");
    assert_eq!(
        browser.post("/set-up", &[("name", "phone")]).location(),
        "/change"
    );
}

/// Writes the end of the grace as `otp_portal::pages` does.
const DEADLINE: u64 = 40_000_000_000;

#[test]
fn users_read_what_policy_demands_and_may_put_it_off_while_it_can_wait() {
    let deadline = Wanted::From(otp_core::UnixTime::from_seconds(DEADLINE));
    for (wanted, told, can_wait) in [
        (Wanted::Nothing, None, true),
        (deadline, Some("logging in also takes a code"), true),
        (
            Wanted::Now,
            Some("This system demands an authenticator"),
            false,
        ),
    ] {
        let portal = Portal::start();
        portal.part.with(|state| state.wanted = Some(wanted));
        let mut browser = portal.logged_in("fresh");
        assert_eq!(browser.page.location(), "/set-up");
        for path in ["/set-up", "/"] {
            let page = browser.get(path);
            assert_eq!(page.status, 200);
            assert_eq!(page.body.contains("class=\"note warn\""), told.is_some());
            assert!(
                told.is_none_or(|told| page.body.contains(told)),
                "{}",
                page.body
            );
            let offers = page.body.contains("action=\"/set-up/later\"");
            assert_eq!(offers, can_wait && path == "/set-up", "{wanted:?} {path}");
        }
        browser.get("/set-up");
        let onwards = browser.post("/set-up/later", &[]).location().to_owned();
        assert_eq!(onwards, if can_wait { "/" } else { "/set-up" });
        assert!(changed(&portal).is_empty());
    }
}

#[test]
fn the_title_of_each_page_of_a_change_says_what_it_does() {
    let portal = Portal::start();
    for (user, begins, path, title) in [
        ("fresh", "/set-up", "/set-up", "Set up an authenticator"),
        (
            "alice",
            "/devices/add",
            "/devices/add",
            "Add an authenticator",
        ),
        (
            "bob",
            "/devices/replace",
            "/devices/replace",
            "Replace with a new one",
        ),
    ] {
        let mut browser = portal.logged_in(user);
        browser.get(begins);
        browser.post(path, &[("name", "tablet")]);
        let called = |page: &crate::browser::Answer| {
            let (_, heading) = page.body.split_once("<h1>").unwrap();
            heading.split('<').next().unwrap().to_owned()
        };
        assert_eq!(called(browser.follow()), title, "{user}");
        if user != "fresh" {
            browser.post("/change/answer", &[("answer", "secret")]);
            assert_eq!(called(browser.follow()), title, "{user}");
        }
        assert!(browser.page.body.contains("GEZD"));
    }
}

/// Begins a removal, up to the answer after which it is made. There is nothing to keep, so this is the last answer.
fn removed(portal: &Portal) -> Browser {
    let mut browser = portal.logged_in("alice");
    browser.get("/devices/remove?name=phone");
    browser.post("/devices/remove", &[("name", "phone")]);
    browser.follow();
    browser.post("/change/answer", &[("answer", "secret")]);
    browser
}

/// Otherwise a user who reads that nothing has changed throws away the only valid codes.
#[test]
fn a_change_that_was_made_is_never_reported_as_not_made() {
    const NOT_KNOWN: &str = "It is not known whether this was saved";
    for hangs_up in [true, false] {
        for has_codes in [true, false] {
            let portal = Portal::start();
            // The helper or the login part was killed between the change and its answer.
            let instead = if hangs_up {
                Instead::HangsUp
            } else {
                Instead::Says(Answer::Unavailable("killed".to_owned().into()))
            };
            portal.part.with(|state| state.instead = Some(instead));
            let browser = if has_codes {
                let mut browser = at_the_codes(&portal);
                browser.post("/change/keep", &[("kept", "yes")]);
                browser
            } else {
                removed(&portal)
            };
            assert_eq!(changed(&portal).len(), 1);
            let page = &browser.page;
            assert!(page.body.contains(NOT_KNOWN), "{hangs_up} {}", page.body);
        }
    }
}

#[test]
fn a_saved_change_without_a_new_token_ends_the_session_and_says_so() {
    let portal = Portal::start();
    portal
        .part
        .with(|state| state.instead = Some(Instead::Says(Answer::Kept { enrolled: false })));
    let mut browser = removed(&portal);
    let body = &browser.page.body;
    assert!(
        body.contains("authenticators") && !body.contains("Nothing was changed"),
        "{body}"
    );
    assert_eq!(browser.get("/").location(), "/login");
}
