use super::*;
use std::fs;
use std::future::Future;
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;

const NOON: UnixTime = UnixTime::from_seconds(1_763_640_000);

fn after(seconds: u64) -> UnixTime {
    UnixTime::from_seconds(NOON.seconds() + seconds)
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}

fn open(directory: &TempDir) -> (Sessions, Loaded) {
    open_at(directory, NOON)
}

fn open_at(directory: &TempDir, now: UnixTime) -> (Sessions, Loaded) {
    Sessions::open(directory.path(), Lasting::default(), 100, now).unwrap()
}

fn begin(sessions: &Sessions, user: &str, uid: u32, now: UnixTime) -> (Id, String) {
    let logged_in = LoggedIn {
        user,
        uid,
        token: Token::from_bytes(format!("token of {user}").as_bytes()).unwrap(),
        enrolled: true,
        ends: after(1_000_000),
        address: "192.0.2.1",
    };
    let (id, cookie) = wait(sessions.begin(logged_in, now)).unwrap();
    (id, cookie.reveal().to_string())
}

fn host(name: &str) -> Host {
    Host::parse(name).unwrap()
}

fn user_of(
    sessions: &Sessions,
    cookie: &str,
    site: Option<&Host>,
    now: UnixTime,
) -> Option<String> {
    match sessions.find(cookie, site, now) {
        Found::Session(session) => Some(session.user.to_string()),
        Found::Idle | Found::TooOld | Found::Nothing => None,
    }
}

#[test]
fn a_restart_loses_no_session() {
    let directory = tempfile::tempdir().unwrap();
    let (sessions, loaded) = open(&directory);
    assert_eq!(loaded, Loaded::Sessions(0));
    let (alice, first) = begin(&sessions, "alice", 1001, NOON);
    let (_, bob) = begin(&sessions, "bob", 1002, NOON);
    let (carol, carols) = begin(&sessions, "carol", 1003, NOON);
    let renewed = wait(sessions.renew(alice)).unwrap().reveal();
    let token = Token::from_bytes(b"another").unwrap();
    wait(sessions.replace_token(alice, token, false)).unwrap();
    let wiki = host("wiki.example.org");
    let old = wait(sessions.open_site(alice, &wiki)).unwrap().reveal();
    let at_wiki = wait(sessions.open_site(alice, &wiki)).unwrap().reveal();
    wait(sessions.end(carol)).unwrap();
    drop(sessions);
    for _ in 0..2 {
        let (sessions, loaded) = open_at(&directory, after(60));
        assert_eq!(loaded, Loaded::Sessions(2));
        assert_eq!(user_of(&sessions, &first, None, after(60)), None);
        assert_eq!(user_of(&sessions, &carols, None, after(60)), None);
        assert_eq!(
            user_of(&sessions, &bob, None, after(60)).as_deref(),
            Some("bob")
        );
        let Found::Session(found) = sessions.find(&renewed, None, after(60)) else {
            panic!("it is lost")
        };
        assert_eq!(
            (&*found.user, found.uid, found.enrolled),
            ("alice", 1001, false)
        );
        assert_eq!(found.token.as_bytes(), b"another");
        assert_eq!(
            user_of(&sessions, &at_wiki, Some(&wiki), after(60)).as_deref(),
            Some("alice")
        );
        assert_eq!(user_of(&sessions, &old, Some(&wiki), after(60)), None);
    }
}

#[test]
fn a_cookie_works_only_at_its_own_host() {
    let directory = tempfile::tempdir().unwrap();
    let (sessions, _) = open(&directory);
    let (alice, cookie) = begin(&sessions, "alice", 1001, NOON);
    let wiki = host("wiki.example.org");
    let at_wiki = wait(sessions.open_site(alice, &wiki)).unwrap().reveal();
    let other = host("git.example.org");
    for (cookie, site, is_good) in [
        (cookie.as_str(), None, true),
        (&cookie, Some(&wiki), false),
        (&at_wiki, None, false),
        (&at_wiki, Some(&wiki), true),
        (&at_wiki, Some(&other), false),
    ] {
        assert_eq!(user_of(&sessions, cookie, site, NOON).is_some(), is_good);
    }
    // One logout ends all cookies.
    wait(sessions.end(alice)).unwrap();
    assert_eq!(user_of(&sessions, &at_wiki, Some(&wiki), NOON), None);
    assert_eq!(user_of(&sessions, &cookie, None, NOON), None);
}

#[test]
fn a_session_ends_when_it_is_idle_and_when_it_is_old() {
    let directory = tempfile::tempdir().unwrap();
    let (sessions, _) = open(&directory);
    let (_, cookie) = begin(&sessions, "alice", 1001, NOON);
    let is_in = |now| user_of(&sessions, &cookie, None, now).is_some();
    assert!(is_in(after(1799)));
    assert!(is_in(after(1799 + 1799)));
    assert!(matches!(
        sessions.find(&cookie, None, after(3598 + 1800)),
        Found::Idle
    ));
    assert!(matches!(
        sessions.find(&cookie, None, after(3598)),
        Found::Nothing
    ));
    let (_, cookie) = begin(&sessions, "alice", 1001, NOON);
    for minute in 0..(12 * 60 - 1) {
        assert!(user_of(&sessions, &cookie, None, after(minute * 60)).is_some());
    }
    assert!(matches!(
        sessions.find(&cookie, None, after(12 * 3600)),
        Found::TooOld
    ));
    assert_eq!(sessions.count(), 0);
    drop(sessions);
    assert_eq!(open(&directory).1, Loaded::Sessions(0));
}

#[test]
fn the_end_of_the_token_is_the_end_of_the_session() {
    let directory = tempfile::tempdir().unwrap();
    let (sessions, _) = open(&directory);
    let user = LoggedIn {
        user: "alice",
        uid: 1001,
        token: Token::from_bytes(b"t").unwrap(),
        enrolled: true,
        ends: after(10),
        address: "::1",
    };
    let (_, cookie) = wait(sessions.begin(user, NOON)).unwrap();
    let cookie = cookie.reveal();
    assert!(user_of(&sessions, &cookie, None, after(9)).is_some());
    assert!(matches!(
        sessions.find(&cookie, None, after(10)),
        Found::TooOld
    ));
}

#[test]
fn a_clock_that_is_put_back_ends_sessions_and_never_prolongs_them() {
    let directory = tempfile::tempdir().unwrap();
    let (sessions, _) = open(&directory);
    let (_, cookie) = begin(&sessions, "alice", 1001, after(10_000));
    assert!(matches!(sessions.find(&cookie, None, NOON), Found::TooOld));
}

#[test]
fn the_last_use_is_known_after_a_restart_to_a_minute() {
    let directory = tempfile::tempdir().unwrap();
    let (sessions, _) = open(&directory);
    let (_, cookie) = begin(&sessions, "alice", 1001, NOON);
    for seconds in [30, 61, 1000, 1059] {
        assert!(user_of(&sessions, &cookie, None, after(seconds)).is_some());
    }
    // A record that is waited for follows those that are not.
    begin(&sessions, "bob", 1002, NOON);
    drop(sessions);
    let (sessions, _) = open_at(&directory, after(1060));
    let [alice] = sessions.of_user(1001, after(1060)).try_into().unwrap();
    assert_eq!((alice.began, alice.used), (NOON, after(1000)));
    assert_eq!(alice.address, "192.0.2.1");
}

#[test]
fn all_sessions_of_a_user_end_and_those_of_others_stay() {
    let directory = tempfile::tempdir().unwrap();
    let (sessions, _) = open(&directory);
    let cookies = [1001, 1002, 1001].map(|uid| begin(&sessions, "x", uid, NOON).1);
    assert_eq!(sessions.of_user(1001, NOON).len(), 2);
    wait(sessions.end_all(1001)).unwrap();
    let is_in = cookies.map(|cookie| user_of(&sessions, &cookie, None, NOON).is_some());
    assert_eq!(is_in, [false, true, false]);
    drop(sessions);
    assert_eq!(open(&directory).1, Loaded::Sessions(1));
}

#[test]
fn the_number_of_sessions_is_limited_and_ended_ones_make_room() {
    let directory = tempfile::tempdir().unwrap();
    let (sessions, _) = open(&directory);
    for uid in 2000..2100 {
        begin(&sessions, "alice", uid, NOON);
    }
    let user = || LoggedIn {
        user: "bob",
        uid: 1002,
        token: Token::from_bytes(b"t").unwrap(),
        enrolled: true,
        ends: after(1_000_000),
        address: "::1",
    };
    assert!(matches!(
        wait(sessions.begin(user(), NOON)),
        Err(NotKept::Full)
    ));
    assert!(wait(sessions.begin(user(), after(1800))).is_ok());
}

/// The file, as a kill leaves it after any byte: everything that was answered is there; the rest may be.
#[test]
fn a_kill_at_any_write_loses_nothing_that_was_answered() {
    let directory = tempfile::tempdir().unwrap();
    let (sessions, _) = open(&directory);
    let file = directory.path().join("sessions");
    let length = || usize::try_from(fs::metadata(&file).unwrap().len()).unwrap();
    let (alice, alices) = begin(&sessions, "alice", 1001, NOON);
    let with_alice = length();
    let (_, bobs) = begin(&sessions, "bob", 1002, NOON);
    let with_bob = length();
    wait(sessions.end(alice)).unwrap();
    let whole = fs::read(&file).unwrap();
    drop(sessions);
    for cut in 0..=whole.len() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("sessions"), &whole[..cut]).unwrap();
        let (sessions, loaded) = open(&directory);
        let is_in = |cookie| user_of(&sessions, cookie, None, NOON).is_some();
        let expected = (cut >= with_alice && cut < whole.len(), cut >= with_bob);
        assert_eq!((is_in(&alices), is_in(&bobs)), expected, "{cut}");
        // An incomplete first line belongs to a file that answered for nothing.
        assert_eq!(loaded == Loaded::Damaged, cut < 26, "{cut}");
    }
}

#[test]
fn a_changed_byte_ends_all_sessions_and_never_restores_one() {
    let directory = tempfile::tempdir().unwrap();
    let (sessions, _) = open(&directory);
    let (alice, _) = begin(&sessions, "alice", 1001, NOON);
    begin(&sessions, "bob", 1002, NOON);
    wait(sessions.end(alice)).unwrap();
    begin(&sessions, "carol", 1003, NOON);
    drop(sessions);
    let whole = fs::read(directory.path().join("sessions")).unwrap();
    for at in (0..whole.len() - 1).step_by(7) {
        let directory = tempfile::tempdir().unwrap();
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        fs::write(directory.path().join("sessions"), &bytes).unwrap();
        let (sessions, loaded) = open(&directory);
        assert_eq!((loaded, sessions.count()), (Loaded::Damaged, 0), "{at}");
        assert_eq!(
            fs::read(directory.path().join("sessions.damaged")).unwrap(),
            bytes
        );
    }
}

#[test]
fn a_session_that_cannot_be_written_does_not_begin_until_it_can() {
    let directory = tempfile::tempdir().unwrap();
    let (sessions, _) = open(&directory);
    let (_, alice) = begin(&sessions, "alice", 1001, NOON);
    // A directory where the new file would be makes each rewrite fail.
    sessions.table().journal.rewrite_fails_from_now_on();
    let user = LoggedIn {
        user: "bob",
        uid: 1002,
        token: Token::from_bytes(b"t").unwrap(),
        enrolled: true,
        ends: after(1_000_000),
        address: "::1",
    };
    assert!(matches!(
        wait(sessions.begin(user, NOON)),
        Err(NotKept::File(_))
    ));
    assert_eq!(sessions.count(), 1);
    fs::remove_dir_all(directory.path().join("sessions.new")).unwrap();
    let (_, carol) = begin(&sessions, "carol", 1003, NOON);
    drop(sessions);
    let (sessions, loaded) = open(&directory);
    assert_eq!(loaded, Loaded::Sessions(2));
    for cookie in [alice, carol] {
        assert!(user_of(&sessions, &cookie, None, NOON).is_some());
    }
}

/// Each rewrite takes time and memory for all sessions. If uses and ends of sessions each tried one, a full disk would
/// stop the portal.
#[test]
fn an_unwritable_file_is_tried_again_only_from_time_to_time() {
    let directory = tempfile::tempdir().unwrap();
    let (sessions, _) = open(&directory);
    let all: Vec<_> = (0..50)
        .map(|uid| begin(&sessions, "alice", uid, NOON).1)
        .collect();
    sessions.table().journal.rewrite_fails_from_now_on();
    let one = sessions.of_user(0, NOON)[0].id;
    assert!(wait(sessions.renew(one)).is_err());
    let rewrites = || sessions.table().journal.rewrites;
    let before = rewrites();
    for cookie in &all[1..] {
        assert!(user_of(&sessions, cookie, None, after(120)).is_some());
    }
    assert_eq!(rewrites(), before);
    sessions.sweep(after(120));
    assert_eq!(rewrites(), before + 1);
    let later = 120 + 29 * 60;
    assert!(user_of(&sessions, &all[1], None, after(later)).is_some());
    sessions.sweep(after(later + 120));
    assert_eq!((rewrites(), sessions.count()), (before + 2, 1));
    // Once there is room again, the file contains what was left out.
    fs::remove_dir_all(directory.path().join("sessions.new")).unwrap();
    sessions.sweep(after(later + 120));
    drop(sessions);
    let (sessions, _) = open_at(&directory, after(later + 20 * 60));
    assert_eq!(sessions.count(), 1);
    assert!(user_of(&sessions, &all[1], None, after(later + 20 * 60)).is_some());
}

#[test]
fn the_file_does_not_grow_without_end() {
    let directory = tempfile::tempdir().unwrap();
    let (sessions, _) = open(&directory);
    let (id, _) = begin(&sessions, "alice", 1001, NOON);
    let wiki = host("wiki.example.org");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    // Without rewrites this would be 2 MiB.
    let last = runtime.block_on(async {
        for _ in 0..20_000 {
            let mut table = sessions.table();
            let cookie = Cookie::new().unwrap().hash();
            let record = Record::Site {
                id,
                host: wiki.clone(),
                cookie,
            };
            drop(table.write(&record));
            table.replay(record);
        }
        sessions.open_site(id, &wiki).await.unwrap()
    });
    let length = fs::metadata(directory.path().join("sessions"))
        .unwrap()
        .len();
    assert!(length < 1_500_000, "{length}");
    drop(sessions);
    let (sessions, _) = open(&directory);
    let cookie = last.reveal();
    assert!(user_of(&sessions, &cookie, Some(&wiki), NOON).is_some());
}

#[test]
fn two_portals_cannot_share_a_directory_and_no_one_else_can_read_it() {
    let directory = tempfile::tempdir().unwrap();
    let (sessions, _) = open(&directory);
    begin(&sessions, "alice", 1001, NOON);
    let again = Sessions::open(directory.path(), Lasting::default(), 1, NOON);
    assert!(again.err().unwrap().to_string().contains("another portal"));
    for name in ["sessions", "lock"] {
        let found = fs::metadata(directory.path().join(name)).unwrap();
        assert_eq!(found.permissions().mode() & 0o777, 0o600, "{name}");
    }
}

#[test]
fn no_cookie_is_in_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let (sessions, _) = open(&directory);
    let (_, cookie) = begin(&sessions, "alice", 1001, NOON);
    let bytes = fs::read(directory.path().join("sessions")).unwrap();
    let holds = |text: &[u8]| bytes.windows(text.len()).any(|found| found == text);
    assert!(!holds(cookie.as_bytes()));
    assert!(holds(Hash::of_text(&cookie).unwrap().text().as_bytes()));
}

/// A user who can log in can do so any number of times. Other users keep their places.
#[test]
fn one_user_cannot_take_every_place() {
    let directory = tempfile::tempdir().unwrap();
    let (sessions, _) = open(&directory);
    let (_, carol) = begin(&sessions, "carol", 1003, NOON);
    let (_, first) = begin(&sessions, "alice", 1001, NOON);
    let (_, used) = begin(&sessions, "alice", 1001, NOON);
    for count in 3..100 {
        begin(&sessions, "alice", 1001, after(count));
    }
    assert!(user_of(&sessions, &used, None, after(100)).is_some());
    let (_, bob) = begin(&sessions, "bob", 1002, after(101));
    let (_, newest) = begin(&sessions, "alice", 1001, after(102));
    assert_eq!(sessions.count(), 100);
    let is_there = |cookie: &str| user_of(&sessions, cookie, None, after(103)).is_some();
    assert!(!is_there(&first), "what was not used for longest has ended");
    assert!(is_there(&used) && is_there(&newest) && is_there(&bob) && is_there(&carol));
    drop(sessions);
    let (sessions, loaded) = open_at(&directory, after(103));
    assert_eq!(loaded, Loaded::Sessions(100));
    assert!(user_of(&sessions, &first, None, after(103)).is_none());
}
