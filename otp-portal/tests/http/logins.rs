use crate::browser::{Answer, BEFORE, SESSION};
use crate::part::Instead;
use crate::portal::Portal;
use otp_core::messages::portal::Notice;
use otp_core::record::Language;
use otp_portal::wire::Ended;

#[test]
fn a_user_logs_in_a_page_a_question_and_is_at_home() {
    let portal = Portal::start();
    let mut browser = portal.browser();
    assert_eq!(
        (browser.get("/").status, browser.page.location()),
        (303, "/login")
    );
    let page = browser.follow();
    assert_eq!(page.status, 200);
    assert!(browser.cookie(BEFORE).is_some() && browser.cookie(SESSION).is_none());
    let answer = browser.post("/login", &[("user", "alice")]);
    assert_eq!((answer.status, answer.location()), (303, "/login/question"));
    let page = browser.follow();
    assert!(page.body.contains("type=\"password\""), "{}", page.body);
    let answer = browser.answer("secret");
    assert_eq!((answer.status, answer.location()), (303, "/login/question"));
    browser.follow();
    let answer = browser.answer("123456");
    assert_eq!((answer.status, answer.location()), (303, "/"));
    assert!(browser.cookie(BEFORE).is_none() && browser.cookie(SESSION).is_some());
    let page = browser.follow();
    assert!(
        page.status == 200 && page.body.contains("alice"),
        "{}",
        page.body
    );
    assert_eq!(portal.server.talks.count(), 0);
    assert_eq!(browser.get("/login").location(), "/");
}

#[test]
fn a_wrong_password_and_an_unknown_name_look_the_same() {
    let portal = Portal::start();
    let mut pages = Vec::new();
    for (user, password) in [("alice", "wrong"), ("nobody-here", "secret")] {
        let mut browser = portal.browser();
        let mut shown = Vec::new();
        browser.begin(user);
        shown.push(browser.page.clone());
        browser.answer(password);
        browser.follow();
        shown.push(browser.page.clone());
        browser.answer("123456");
        assert!(browser.cookie(SESSION).is_none());
        shown.push(browser.page.clone());
        let random = [
            browser.page.field("csrf"),
            shown[0].field("csrf"),
            shown[0].field("conversation"),
            shown[1].field("conversation"),
        ];
        let plain = |text: &str| {
            let text = random
                .iter()
                .flatten()
                .fold(text.to_owned(), |text, random| {
                    text.replace(random.as_str(), "*")
                });
            text.replace(user, "USER")
        };
        let seen: Vec<_> = shown
            .iter()
            .map(|page| (page.status, page.headers.len(), plain(&page.body)))
            .collect();
        pages.push(seen);
    }
    assert_eq!(pages[0], pages[1]);
    assert_eq!(pages[0][2].0, 403);
    assert!(pages[0][2].2.contains("Login incorrect"));
}

#[test]
fn texts_of_pam_at_the_end_are_shown_before_the_next_page() {
    let portal = Portal::start();
    let mut browser = portal.browser();
    let page = browser.log_in("told");
    assert_eq!(page.status, 200);
    assert!(
        page.body.contains("You have mail.") && page.body.contains("href=\"/\""),
        "{}",
        page.body
    );
    assert!(browser.get("/").body.contains("told"));
}

#[test]
fn a_user_without_an_authenticator_is_asked_to_set_one_up_and_may_wait() {
    let portal = Portal::start();
    let mut browser = portal.browser();
    assert_eq!(browser.log_in("fresh").location(), "/set-up");
    let page = browser.follow();
    assert!(page.body.contains("/set-up/later"), "{}", page.body);
    assert_eq!(browser.post("/set-up/later", &[]).location(), "/");
    assert_eq!(browser.follow().status, 200);
}

#[test]
fn an_answer_goes_to_the_question_that_it_was_typed_for() {
    let portal = Portal::start();
    let mut browser = portal.browser();
    browser.begin("alice");
    let first = browser.page.clone();
    browser.answer("secret");
    // The same form is sent again, as by a double click. It does not answer the next question.
    browser.page = first;
    assert_eq!(browser.answer("secret").location(), "/login/question");
    browser.follow();
    assert_eq!(browser.answer("123456").location(), "/");
}

#[test]
fn only_the_page_that_shows_recovery_codes_offers_them_as_a_file() {
    const FILE: &str = "/login/recovery-codes.txt";
    let portal = Portal::start();
    let mut browser = portal.browser();
    browser.begin("sheet");
    let shown = browser.page.field("conversation").unwrap();
    for query in ["", "?conversation=", "?conversation=another.0"] {
        assert_eq!(browser.get(&format!("{FILE}{query}")).status, 404);
    }
    let own = format!("{FILE}?conversation={shown}");
    let file = browser.get(&own);
    assert_eq!(file.status, 200);
    assert!(file.body.contains("Recovery codes of sheet at web1"));
    // Another login of the same browser shows other codes. A page of the earlier login gets none of them.
    browser.begin("sheet");
    assert_ne!(browser.page.field("conversation").unwrap(), shown);
    assert_eq!(browser.get(&own).status, 404);
}

#[test]
fn a_cancelled_or_abandoned_login_ends_and_lets_no_one_in() {
    let portal = Portal::start();
    let mut browser = portal.browser();
    browser.begin("alice");
    let page = browser.page.clone();
    assert_eq!(portal.server.talks.count(), 1);
    browser.post("/login/cancel", &[]);
    assert_eq!((browser.page.status, portal.server.talks.count()), (200, 0));
    browser.page = page;
    browser.answer("secret");
    assert_eq!(browser.page.status, 200);
    assert!(browser.cookie(SESSION).is_none());
    // Another login in the same browser replaces the first.
    browser.begin("alice");
    browser.begin("bob");
    assert_eq!(portal.server.talks.count(), 1);
}

#[test]
fn a_page_of_an_earlier_login_cancels_no_later_one() {
    let portal = Portal::start();
    let mut browser = portal.browser();
    browser.begin("alice");
    let earlier = browser.page.clone();
    browser.begin("bob");
    let later = browser.page.clone();
    for form in [Some(&earlier), None] {
        match form {
            Some(page) => browser.page = page.clone(),
            None => browser.page.body = later.body.replace("conversation", "nothing"),
        }
        browser.post("/login/cancel", &[]);
        assert_eq!(browser.page.location(), "/login/question");
        assert_eq!(portal.server.talks.count(), 1);
    }
    // Another browser cannot cancel this login.
    let mut stranger = portal.browser();
    stranger.begin("carol");
    stranger.page.body = stranger.page.body.replace(
        &stranger.page.field("conversation").unwrap(),
        &later.field("conversation").unwrap(),
    );
    stranger.post("/login/cancel", &[]);
    assert_eq!(portal.server.talks.count(), 2);
    // An earlier page of the same login cancels it.
    browser.page = later.clone();
    browser.answer("secret");
    browser.page = later;
    browser.post("/login/cancel", &[]);
    assert_eq!((browser.page.status, portal.server.talks.count()), (200, 1));
}

#[test]
fn an_impossible_name_is_asked_for_again_and_takes_no_conversation() {
    let portal = Portal::start();
    let mut browser = portal.browser();
    for name in ["", "  ", "a\nb", "a\0b", &"x".repeat(257)] {
        browser.get("/login");
        assert_eq!(
            browser.post("/login", &[("user", name)]).status,
            200,
            "{name:?}"
        );
    }
    assert!(portal.part.with(|state| state.addresses.is_empty()));
}

#[test]
fn a_login_part_that_has_gone_away_lets_no_one_in() {
    let portal = Portal::start();
    let mut browser = portal.browser();
    browser.get("/login");
    assert_eq!(browser.post("/login", &[("user", "gone")]).status, 503);
    portal.part.with(|state| state.is_unable = true);
    browser.get("/login");
    assert_eq!(browser.post("/login", &[("user", "alice")]).status, 503);
    assert!(browser.cookie(SESSION).is_none());
}

#[test]
fn logging_out_ends_the_session_and_everywhere_ends_all_of_the_user() {
    let portal = Portal::start();
    let mut first = portal.logged_in("alice");
    let mut second = portal.logged_in("alice");
    let mut bob = portal.logged_in("bob");
    first.get("/");
    let copy = first.clone();
    assert_eq!(first.post("/logout", &[]).status, 200);
    assert!(first.cookie(SESSION).is_none());
    // The cookie itself is worthless now.
    let mut stolen = copy;
    assert_eq!(stolen.get("/").location(), "/login");
    second.get("/sessions");
    assert_eq!(second.page.status, 200);
    assert_eq!(portal.server.sessions.count(), 2);
    let mut third = portal.logged_in("alice");
    assert_eq!(second.post("/sessions/end", &[]).status, 200);
    assert_eq!(third.get("/").location(), "/login");
    assert_eq!(bob.get("/").status, 200);
    assert_eq!(portal.server.sessions.count(), 1);
}

/// A page says "Nothing was changed" only if that is true. A code may be used up, a device set up in the login, or a
/// session ended.
#[test]
fn if_the_login_part_goes_away_the_page_does_not_say_that_nothing_was_done() {
    let portal = Portal::start();
    let nothing = Notice::Unavailable.text(Language::English);
    let uncertain = Notice::Uncertain.text(Language::English);
    let says = |page: &Answer| {
        let is_503 = page.status == 503;
        let said = (page.body.contains(&nothing), page.body.contains(&uncertain));
        assert!(is_503 && said.0 != said.1, "{}", page.body);
        said.1
    };
    let mut browser = portal.browser();
    browser.get("/login");
    assert!(!says(browser.post("/login", &[("user", "gone")])));
    browser.begin("half");
    assert!(says(browser.answer("secret")));
    assert_eq!(portal.server.talks.count(), 0);

    let mut alice = portal.logged_in("alice");
    let mut other = portal.logged_in("alice");
    alice.get("/try");
    portal
        .part
        .with(|state| state.instead = Some(Instead::HangsUp));
    assert!(says(alice.post("/try", &[("code", "123456")])));
    alice.get("/sessions");
    portal.part.with(|state| state.is_unable = true);
    assert!(says(alice.post("/sessions/end", &[])));
    assert!(alice.cookie(SESSION).is_none());
    assert_eq!(other.get("/").location(), "/login");
}

#[test]
fn a_login_ends_the_browsers_earlier_session_even_if_its_standing_is_unknown() {
    let portal = Portal::start();
    let mut browser = portal.logged_in("alice");
    let old = browser.clone();
    portal.server.sessions.forget_what_was_heard();
    portal.part.with(|state| {
        state.unanswered.insert("alice".to_owned());
    });
    // Another tab still has the earlier page.
    let mut tab = portal.browser();
    tab.get("/login");
    tab.set(SESSION, old.cookie(SESSION).unwrap());
    tab.post("/login", &[("user", "quick")]);
    assert_eq!(tab.page.location(), "/");
    assert_eq!(portal.server.sessions.count(), 1);
    portal.part.with(|state| state.unanswered.clear());
    assert_eq!(browser.get("/sessions").location(), "/login");
}

#[test]
fn a_session_whose_token_has_ended_ends() {
    let portal = Portal::start();
    for (user, why) in [("alice", Ended::Locked), ("bob", Ended::PasswordChanged)] {
        let mut browser = portal.logged_in(user);
        assert_eq!(browser.get("/").status, 200);
        portal
            .part
            .with(|state| state.ended.insert(user.to_owned(), why));
        // The last answer about the standing is still valid. The status itself is asked with the token.
        let session = portal.server.sessions.count();
        portal.server.sessions.forget_what_was_heard();
        assert_eq!(browser.get("/events").status, 401);
        assert_eq!(portal.server.sessions.count(), session - 1);
        assert_eq!(browser.get("/").location(), "/login");
    }
}

#[test]
fn whether_a_session_stands_is_asked_at_most_every_10_seconds() {
    let portal = Portal::start();
    let mut browser = portal.logged_in("alice");
    for _ in 0..20 {
        browser.get("/sessions");
        assert_eq!(browser.page.status, 200);
    }
    // The login itself counts as an answer.
    assert_eq!(portal.part.with(|state| state.standings), 0);
    portal.server.sessions.forget_what_was_heard();
    for _ in 0..20 {
        browser.get("/sessions");
    }
    assert_eq!(portal.part.with(|state| state.standings), 1);
}

#[test]
fn an_unknown_standing_lets_no_one_in() {
    let portal = Portal::start();
    let mut browser = portal.logged_in("alice");
    portal.server.sessions.forget_what_was_heard();
    portal.part.with(|state| state.is_unable = true);
    assert_eq!(browser.get("/sessions").status, 503);
    portal.part.with(|state| state.is_unable = false);
    portal.server.sessions.forget_what_was_heard();
    assert_eq!(browser.get("/sessions").status, 200);
}

#[test]
fn pages_speak_the_language_of_the_browser_or_the_one_that_was_chosen() {
    let portal = Portal::start();
    let mut browser = portal.browser();
    let says =
        |page: &crate::browser::Answer, tag: &str| page.body.contains(&format!("lang=\"{tag}\""));
    assert!(says(browser.get("/login"), "en"));
    browser.headers.push((
        "Accept-Language".to_owned(),
        "ko-KR,ko;q=0.9,en;q=0.8".to_owned(),
    ));
    assert!(says(browser.get("/login"), "ko"));
    let answer = browser.get("/language?to=en&back=%2Flogin");
    assert_eq!((answer.status, answer.location()), (303, "/login"));
    assert!(says(browser.get("/login"), "en"));
    browser.get("/language?to=xx&back=/");
    assert!(says(browser.get("/login"), "en"));
}

#[test]
fn a_code_can_be_tried_and_events_are_seen() {
    let portal = Portal::start();
    let mut browser = portal.logged_in("alice");
    browser.get("/try");
    let right = browser.post("/try", &[("code", "123456")]).clone();
    browser.get("/try");
    let wrong = browser.post("/try", &[("code", "000000")]);
    assert_eq!((right.status, wrong.status), (200, 200));
    assert_ne!(right.body, wrong.body);
    let events = browser.get("/events");
    assert!(
        events.status == 200 && events.body.contains("192.0.2.77"),
        "{}",
        events.body
    );
}

/// Questions about sessions hold several tokens. A directory that does not answer about its users must not affect the
/// others, neither at first nor after it is known to be slow.
#[test]
fn a_silent_directory_ends_no_session_of_other_users() {
    let portal = Portal::start();
    let mut alice = portal.logged_in("alice");
    let mut others: Vec<_> = (0..12)
        .map(|at| portal.logged_in(["bob", "fresh", "quick"][at % 3]))
        .collect();
    portal.part.with(|state| {
        state.unanswered.insert("alice".to_owned());
    });
    for _ in 0..2 {
        portal.server.sessions.forget_what_was_heard();
        let asking: Vec<_> = others
            .iter()
            .map(|other| {
                let mut other = other.clone();
                std::thread::spawn(move || other.get("/sessions").status)
            })
            .collect();
        assert_eq!(alice.get("/sessions").status, 503);
        for one in asking {
            assert_eq!(one.join().unwrap(), 200);
        }
    }
    // Once the directory answers again, its user can continue.
    portal.part.with(|state| state.unanswered.clear());
    portal.server.sessions.forget_what_was_heard();
    assert_eq!(alice.get("/sessions").status, 200);
    assert_eq!(others[0].get("/sessions").status, 200);
}
