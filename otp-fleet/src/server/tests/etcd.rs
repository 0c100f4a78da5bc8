//! Two verifiers over one real etcd.

use super::*;
use crate::beats::{self, Beat};
use crate::etcd::{DeleteRangeRequest, PutRequest, RangeRequest};
use crate::keeper::{Config, EtcdKeeper, FLEET, Mark, witness_of};
use crate::server::base::Etcd;
use otp_store::account::floor::Floor;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

const SOON: Duration = Duration::from_secs(600);

/// No time limit ends sooner than this.
const AT_ONCE: Duration = Duration::from_millis(900);

/// A member of etcd with TLS, in whose database a fleet has begun.
struct Database {
    directory: TempDir,
    program: PathBuf,
    authority: Authority,
    process: Option<Child>,
    port: u16,
    peers: u16,
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

impl Database {
    fn start() -> Self {
        let place = std::env::var_os("OTP_ETCD").expect("OTP_ETCD names the directory of etcd");
        let directory = tempfile::tempdir().unwrap();
        let authority = Authority::new(directory.path(), "etcd");
        authority.sign(&["localhost", "127.0.0.1"]);
        let mut database = Self {
            program: PathBuf::from(place).join("etcd"),
            directory,
            authority,
            process: None,
            port: free_port(),
            peers: free_port(),
        };
        database.begin();
        let keeper = database.keeper();
        let since = Instant::now();
        while keeper.found().is_err() {
            assert!(since.elapsed() < SOON, "etcd does not start");
        }
        database
    }

    fn begin(&mut self) {
        let path = |name: &str| self.directory.path().join(name);
        let url = format!("https://127.0.0.1:{}", self.port);
        let peers = format!("http://127.0.0.1:{}", self.peers);
        let process = Command::new(&self.program)
            .args(["--name", "m", "--data-dir"])
            .arg(path("data"))
            .args([
                "--listen-client-urls",
                &url,
                "--advertise-client-urls",
                &url,
            ])
            .args(["--listen-peer-urls", &peers])
            .args(["--initial-advertise-peer-urls", &peers])
            .args(["--initial-cluster", &format!("m={peers}")])
            .args(["--logger", "zap", "--client-cert-auth", "--trusted-ca-file"])
            .arg(path("etcd.ca"))
            .arg("--cert-file")
            .arg(path("localhost.pem"))
            .arg("--key-file")
            .arg(path("localhost.key"))
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.process = Some(process.unwrap());
    }

    fn end(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    fn config(&self) -> Config {
        let files = self.authority.sign(&["client"]);
        Config {
            endpoints: vec![format!("localhost:{}", self.port)],
            ca: files.ca,
            certificate: files.certificate,
            key: files.key,
        }
    }

    fn keeper(&self) -> EtcdKeeper {
        EtcdKeeper::to(&self.config()).unwrap()
    }

    fn put(&self, key: &str, value: &str) {
        let request = PutRequest {
            key: key.into(),
            value: value.into(),
            ..PutRequest::default()
        };
        let client = self.keeper();
        client
            .client()
            .once(request, Instant::now() + SOON)
            .unwrap();
    }

    fn get(&self, key: &str) -> Option<String> {
        let request = RangeRequest {
            key: key.into(),
            ..RangeRequest::default()
        };
        let client = self.keeper();
        let found = client.client().again(&request, Instant::now() + SOON);
        let found = found.unwrap().kvs.pop()?;
        Some(String::from_utf8(found.value).unwrap())
    }

    /// Compacts the history up to now.
    fn compact(&self) {
        let url = format!("https://localhost:{}", self.port);
        let files = self.authority.sign(&["client"]);
        let status = Command::new(self.program.with_file_name("etcdctl"))
            .args(["--endpoints", &url, "compact", &self.revision().to_string()])
            .arg("--cacert")
            .arg(files.ca)
            .arg("--cert")
            .arg(files.certificate)
            .arg("--key")
            .arg(files.key)
            .env_clear()
            .env("ETCDCTL_API", "3")
            .stdout(Stdio::null())
            .status();
        assert!(status.unwrap().success());
    }

    fn delete(&self, key: &str) {
        let request = DeleteRangeRequest {
            key: key.into(),
            ..DeleteRangeRequest::default()
        };
        let client = self.keeper();
        client
            .client()
            .once(request, Instant::now() + SOON)
            .unwrap();
    }

    fn register(&self, name: &str, is_revoked: bool) {
        let name = PeerName::new(name).unwrap();
        let entry = Entry {
            name: name.clone(),
            role: Role::Machine,
            zones: Vec::new(),
            revoked: is_revoked.then_some(UnixTime::from_seconds(1)),
            added: UnixTime::from_seconds(0),
        };
        self.put(&Entry::key(&name), &entry.to_text());
    }
}

impl Database {
    /// Copies the data as a snapshot of the disk would.
    fn copy_to(&mut self, name: &str) {
        self.end();
        copy("data", name, self.directory.path());
        self.begin();
    }

    /// Puts the copy back.
    fn put_back(&mut self, name: &str) {
        self.end();
        fs::remove_dir_all(self.directory.path().join("data")).unwrap();
        copy(name, "data", self.directory.path());
        self.begin();
    }

    fn revision(&self) -> i64 {
        let request = RangeRequest {
            key: "x".into(),
            ..RangeRequest::default()
        };
        let keeper = self.keeper();
        let found = keeper.client().again(&request, Instant::now() + SOON);
        found.unwrap().header.unwrap().revision
    }

    /// Writes until revisions that were seen are given out again.
    fn climb(&self, beyond: i64) {
        while self.revision() <= beyond {
            self.put("/tests/climb", "one more");
        }
    }

    fn confirm(&self) {
        let floor = Floor {
            when: otp_site::clock::now().unwrap(),
            counters: 0,
        };
        self.keeper().raise_epoch(floor).unwrap();
    }

    /// Returns the keys that a verifier does not write while the database is not trusted.
    fn is_written(&self, name: &str) -> [Option<String>; 2] {
        let name = PeerName::new(name).unwrap();
        [self.get(&Beat::key(&name)), self.get(&witness_of(&name))]
    }
}

fn copy(from: &str, to: &str, within: &Path) {
    let status = Command::new("cp")
        .args(["-a", from, to])
        .current_dir(within)
        .status();
    assert!(status.unwrap().success());
}

impl Drop for Database {
    fn drop(&mut self) {
        self.end();
    }
}

/// One verifier over the database.
struct One {
    directory: TempDir,
    serving: Option<Serving>,
    address: SocketAddr,
}

impl One {
    fn begin(database: &Database, authority: &Authority, name: &str) -> Self {
        Self::begin_in(tempfile::tempdir().unwrap(), database, authority, name)
    }

    fn begin_in(
        directory: TempDir,
        database: &Database,
        authority: &Authority,
        name: &str,
    ) -> Self {
        Self::over(directory, database, authority, name, |_| {})
    }

    /// Starts a verifier after `before` has worked on its database.
    fn over(
        directory: TempDir,
        database: &Database,
        authority: &Authority,
        name: &str,
        before: impl FnOnce(&Etcd),
    ) -> Self {
        let path = |name: &str| directory.path().join(name);
        fs::write(path("pam_otp.conf"), "").unwrap();
        // Machines know it by the same name as every other, and the verifiers know it by its own.
        let conf = Conf {
            path: PathBuf::new(),
            listen: vec!["127.0.0.1:0".parse().unwrap()],
            files: authority.sign(&[name, "v1"]),
            policy: path("pam_otp.conf"),
            state: directory.path().to_owned(),
            connections: 64,
            records: conf::Records::Etcd(database.config()),
            zones: std::collections::BTreeMap::new(),
        };
        let known = PeerName::new(name).unwrap();
        let base = Etcd::begin(&database.config(), &conf.state, &conf.policy, known).unwrap();
        before(&base);
        let verifier = Verifier::new(conf, base).unwrap();
        let address = verifier.addresses()[0];
        Self {
            directory,
            serving: Some(verifier.serve().unwrap()),
            address,
        }
    }

    /// Ends as a stopped service does; returns its directory.
    fn end(mut self) -> TempDir {
        let ended = self.serving.take().unwrap();
        let _ended = ended.end_within(Duration::ZERO, SOON);
        std::mem::replace(&mut self.directory, tempfile::tempdir().unwrap())
    }

    fn refuses_as_older(&self, authority: &Authority) {
        self.says_soon(authority, |said| {
            said.as_ref()
                .is_err_and(|reason| reason.contains("older than it was"))
        });
    }

    fn machine(&self, authority: &Authority, name: &str) -> Machine {
        connect(self.address, tls::client(&authority.sign(&[name])).unwrap())
    }

    /// Returns the verifier's reply about Alice: an answer, or the reason for not looking.
    fn says(&self, authority: &Authority) -> Result<Answer, String> {
        let mut web1 = self.machine(authority, "web1");
        web1.ask(Some(ALICE), &is_enrolled("alice")).unwrap();
        let fields = web1.hear().expect("the verifier answers");
        match is_elsewhere(&fields) {
            Some(reason) => Err(reason),
            None => Ok(Answer::from_fields(&fields).unwrap()),
        }
    }

    fn says_soon(&self, authority: &Authority, is_it: impl Fn(&Result<Answer, String>) -> bool) {
        let since = Instant::now();
        loop {
            let said = self.says(authority);
            if is_it(&said) {
                return;
            }
            assert!(since.elapsed() < SOON, "{said:?}");
        }
    }
}

impl Drop for One {
    fn drop(&mut self) {
        if let Some(serving) = self.serving.take() {
            let _ended = serving.end_within(Duration::ZERO, SOON);
        }
    }
}

#[test]
#[ignore = "needs etcd: OTP_ETCD names its directory"]
fn each_verifier_knows_what_the_other_has_done() {
    let database = Database::start();
    let place = tempfile::tempdir().unwrap();
    let authority = Authority::new(place.path(), "fleet");
    let (first, second) = (
        One::begin(&database, &authority, "va"),
        One::begin(&database, &authority, "vb"),
    );
    // No machine is registered yet.
    first.says_soon(&authority, |said| *said == Ok(Answer::Denied));
    for machine in ["web1", "web2"] {
        database.register(machine, false);
    }
    let mut web1 = first.machine(&authority, "web1");
    web1.ask(Some(ALICE), &enrol("alice")).unwrap();
    let phone = web1.keep_what_is_offered().unwrap();
    second.says_soon(&authority, |said| *said == Ok(Answer::Enrolled));
    let right = check("alice", &code(&phone, 1));
    let mut web2 = second.machine(&authority, "web2");
    assert!(is_accepted(web2.answer(&right).as_ref()));
    let again = first.machine(&authority, "web1").answer(&right);
    assert_eq!(again, Some(Answer::Verdict(Verdict::Replayed)));
    // A code that one verifier has accepted proves to the other who is asking, but only on that machine.
    let request = Request::Change {
        user: "alice".to_owned(),
        change: Change::RecoveryCodes,
    };
    let begun = |machine: &str| {
        let mut machine = first.machine(&authority, machine);
        machine.ask(Some(ALICE), &request).unwrap();
        machine.turn()
    };
    assert!(matches!(
        begun("web1"),
        Some(Turn::End(Answer::NotAuthenticated))
    ));
    // The replay was on web1, and was not a wrong code.
    assert!(matches!(begun("web2"), Some(Turn::Begun { .. })));
    let mut revoked = second.machine(&authority, "web2");
    assert!(revoked.answer(&is_enrolled("alice")).is_some());
    database.register("web2", true);
    assert_eq!(revoked.answer(&is_enrolled("alice")), Some(Answer::Denied));
    // The policies of machines, and the beats, are written for an administrator.
    let since = Instant::now();
    let digest = PolicyDigest::of(&Policy::default()).to_string();
    while database.get(&format!("{}web1", beats::POLICIES)) != Some(digest.clone()) {
        assert!(since.elapsed() < SOON);
    }
    for name in ["va", "vb"] {
        let name = PeerName::new(name).unwrap();
        let beat = database.get(&Beat::key(&name)).expect("a beat");
        let beat = Beat::from_text(&name, beat.as_bytes()).unwrap();
        assert_eq!(beat.refuses, None);
    }
}

/// Registry, fleet, witness and account are read in one request; a verdict is one more. The same holds for users
/// without an authenticator and names without an account: otherwise the time would tell them apart.
#[test]
#[ignore = "needs etcd: OTP_ETCD names its directory"]
fn a_check_takes_two_requests_to_etcd_and_each_earlier_question_one_for_any_user() {
    let since = Instant::now();
    while !are_counted_at_once() {
        assert!(since.elapsed() < SOON);
    }
}

/// Counts the requests; `false`: an answer took so long on this machine that a time limit may have ended, and the
/// request was repeated.
fn are_counted_at_once() -> bool {
    let database = Database::start();
    let place = tempfile::tempdir().unwrap();
    let authority = Authority::new(place.path(), "fleet");
    database.register("web1", false);
    let directory = tempfile::tempdir().unwrap();
    let mut keeper = None;
    let one = One::over(directory, &database, &authority, "va", |base| {
        keeper = Some(base.without_rounds());
    });
    let keeper = keeper.unwrap();
    let mut web1 = one.machine(&authority, "web1");
    web1.ask(Some(ALICE), &enrol("alice")).unwrap();
    let phone = web1.keep_what_is_offered().unwrap();
    let place = Place::of("sshd", "192.0.2.1").unwrap();
    let trusted = |user: &str| Request::TrustedSince {
        user: user.to_owned(),
        place: place.clone(),
        remember: Duration::from_hours(1),
    };
    let revision = database.revision();
    for (user, uid, reply, expected) in [
        ("alice", Some(ALICE), code(&phone, 1), "Accepted"),
        ("alice", Some(ALICE), "00000000".to_owned(), "Rejected"),
        ("bob", Some(ALICE + 1), "123456".to_owned(), "NotEnrolled"),
        ("", None, "123456".to_owned(), "NotEnrolled"),
    ] {
        let mut web1 = one.machine(&authority, "web1");
        for (request, questions) in [
            (trusted(user), 1),
            (is_enrolled(user), 1),
            (check(user, &reply), 2),
        ] {
            let (before, began) = (keeper.client().calls(), Instant::now());
            web1.ask(uid, &request).unwrap();
            let answer = web1.hear();
            let asked = keeper.client().calls() - before;
            if began.elapsed() >= AT_ONCE {
                return false;
            }
            let answer = Answer::from_fields(&answer.unwrap()).unwrap();
            assert_eq!(asked, questions, "{user:?}: {answer:?}");
            if let Answer::Verdict(verdict) = answer {
                assert!(format!("{verdict:?}").starts_with(expected), "{verdict:?}");
            }
        }
    }
    // Nothing was written for names without data: only Alice's two attempts were.
    assert_eq!(database.revision(), revision + 2);
    assert_eq!(database.get("/pam_otp/nothing"), None);
    true
}

/// A restore empties the registry and fills it again; this must not revoke anyone.
#[test]
#[ignore = "needs etcd: OTP_ETCD names its directory"]
fn a_registry_that_is_being_restored_denies_no_machine() {
    let database = Database::start();
    database.register("web1", false);
    let directory = tempfile::tempdir().unwrap();
    let policy = directory.path().join("pam_otp.conf");
    fs::write(&policy, "").unwrap();
    let [va, web1] = ["va", "web1"].map(|name| PeerName::new(name).unwrap());
    let base = Etcd::begin(&database.config(), directory.path(), &policy, va).unwrap();
    let found = || base.entries(std::slice::from_ref(&web1));
    // A question without an answer in its time is repeated.
    let told = || {
        let since = Instant::now();
        loop {
            match found() {
                Ok(told) => return told,
                Err(why) => assert!(since.elapsed() < SOON, "{why}"),
            }
        }
    };
    assert!(matches!(told()[..], [Ok(Some(_))]));
    let key = Entry::key(&web1);
    database.delete(&key);
    assert!(matches!(told()[..], [Ok(None)]));
    database.delete(FLEET);
    assert!(found().is_err());
}

/// This holds even before a round has noticed: a machine or administrator that was revoked since must not be served.
#[test]
#[ignore = "needs etcd: OTP_ETCD names its directory"]
fn a_registry_older_than_the_last_one_seen_is_not_believed() {
    let mut database = Database::start();
    database.register("web1", false);
    database.copy_to("old");
    let directory = tempfile::tempdir().unwrap();
    let policy = directory.path().join("pam_otp.conf");
    fs::write(&policy, "").unwrap();
    let [va, web1] = ["va", "web1"].map(|name| PeerName::new(name).unwrap());
    let base = Etcd::begin(&database.config(), directory.path(), &policy, va).unwrap();
    base.without_rounds();
    database.register("web1", true);
    let is_revoked = base.entry(&web1).unwrap().unwrap().revoked.is_some();
    assert!(is_revoked);
    assert!(base.entries(std::slice::from_ref(&web1)).is_ok());
    database.put_back("old");
    assert!(base.entry(&web1).is_err());
    assert!(base.entries(std::slice::from_ref(&web1)).is_err());
    let begun = base.begin(&web1, None, Duration::from_secs(9));
    assert!(begun.is_err());
}

#[test]
#[ignore = "needs etcd: OTP_ETCD names its directory"]
fn a_database_that_has_gone_back_is_not_served_until_its_epoch_is_raised() {
    let database = Database::start();
    let place = tempfile::tempdir().unwrap();
    let authority = Authority::new(place.path(), "fleet");
    database.register("web1", false);
    let one = One::begin(&database, &authority, "va");
    one.says_soon(&authority, Result::is_ok);
    // The state that was seen is on disk before the first answer. Here it is set further than the database is now.
    let directory = one.end();
    let seen = directory.path().join("seen");
    let text = fs::read_to_string(&seen).unwrap();
    let (before, _) = text.split_once("\nrevision ").unwrap();
    let later = format!("{before}\nrevision 1000000\n");
    fs::write(seen, later).unwrap();
    let again = One::begin_in(directory, &database, &authority, "va");
    again.refuses_as_older(&authority);
    let floor = Floor {
        when: otp_site::clock::now().unwrap(),
        counters: 0,
    };
    database.keeper().raise_epoch(floor).unwrap();
    again.says_soon(&authority, Result::is_ok);
}

#[test]
#[ignore = "needs etcd: OTP_ETCD names its directory"]
fn a_verifier_that_has_seen_more_never_believes_a_restored_database_however_far_it_advances() {
    let mut database = Database::start();
    let place = tempfile::tempdir().unwrap();
    let authority = Authority::new(place.path(), "fleet");
    database.register("web1", false);
    // One goes on, one is stopped in the meantime, and one is killed: all three know the same.
    let [on, stopped, killed] =
        ["va", "vb", "vc"].map(|name| One::begin(&database, &authority, name));
    for one in [&on, &stopped, &killed] {
        one.says_soon(&authority, Result::is_ok);
    }
    database.copy_to("old");
    let names = ["va", "vb", "vc"];
    let before = names.map(|name| database.is_written(name)[1].clone());
    let since = Instant::now();
    let all_have_written = |before: &[Option<String>; 3]| {
        let now = names.map(|name| database.is_written(name)[1].clone());
        (0..3).all(|at| now[at].is_some() && now[at] != before[at])
    };
    while !all_have_written(&before) {
        assert!(since.elapsed() < SOON);
    }
    // The mark is on disk within a beat, whatever happens to the process.
    let kept = killed.directory.path().join("seen");
    let number = |text: &str| {
        text.lines()
            .find_map(|line| line.split("number ").nth(1)?.parse::<u64>().ok())
    };
    let written = number(&before[2].clone().unwrap()).unwrap();
    let is_kept = || {
        fs::read_to_string(&kept).unwrap().lines().any(|line| {
            let number = line
                .strip_prefix("witness vc ")
                .and_then(|words| words.split(' ').next());
            number.is_some_and(|number| number.parse::<u64>().unwrap() > written)
        })
    };
    while !is_kept() {
        assert!(since.elapsed() < SOON);
    }
    let left = tempfile::tempdir().unwrap();
    fs::copy(&kept, left.path().join("seen")).unwrap();
    killed.end();
    let stopped = stopped.end();
    let beyond = database.revision();
    database.put_back("old");
    on.refuses_as_older(&authority);
    database.climb(beyond + 100);
    on.refuses_as_older(&authority);
    let stopped = One::begin_in(stopped, &database, &authority, "vb");
    stopped.refuses_as_older(&authority);
    let killed = One::begin_in(left, &database, &authority, "vc");
    killed.refuses_as_older(&authority);
    // None of them writes anything, for longer than some rounds. Earlier beats would end with their leases.
    for name in names {
        database.delete(&Beat::key(&PeerName::new(name).unwrap()));
    }
    let is_there = names.map(|name| database.is_written(name));
    let revision = database.revision();
    let since = Instant::now();
    while since.elapsed() < 8 * Duration::from_secs(1) {
        on.refuses_as_older(&authority);
    }
    assert_eq!(names.map(|name| database.is_written(name)), is_there);
    assert_eq!(database.revision(), revision);
    // The next process knows the finding, even if the witness is there again.
    let kept = on.end();
    assert!(
        fs::read_to_string(kept.path().join("seen"))
            .unwrap()
            .ends_with("\nrefused\n")
    );
    let mark = Mark::open(&kept.path().join("seen")).unwrap();
    let seen = mark.seen().unwrap();
    database.put(
        &witness_of(&PeerName::new("va").unwrap()),
        &seen.witness.unwrap().text(),
    );
    let on = One::begin_in(kept, &database, &authority, "va");
    on.refuses_as_older(&authority);
    // One confirmation is enough for all of them.
    database.confirm();
    for one in [&on, &stopped, &killed] {
        one.says_soon(&authority, Result::is_ok);
    }
    database.climb(database.revision() + 5);
    for one in [on, stopped, killed] {
        let kept = one.end();
        assert!(
            !fs::read_to_string(kept.path().join("seen"))
                .unwrap()
                .contains("refused")
        );
    }
}

#[test]
#[ignore = "needs etcd: OTP_ETCD names its directory"]
fn a_verifier_that_was_away_is_new_or_shares_a_name_suspects_no_restore() {
    let mut database = Database::start();
    let place = tempfile::tempdir().unwrap();
    let authority = Authority::new(place.path(), "fleet");
    database.register("web1", false);
    let [first, away] = ["va", "vb"].map(|name| One::begin(&database, &authority, name));
    for one in [&first, &away] {
        one.says_soon(&authority, Result::is_ok);
    }
    // Everything used for an answer is stored when the verifier has ended, and it writes no more.
    database.put("/tests/last", "one more");
    let last = database.revision();
    away.says_soon(&authority, Result::is_ok);
    let before = database.is_written("vb")[1].clone();
    let away = away.end();
    let mark = Mark::open(&away.path().join("seen")).unwrap();
    let seen = mark.seen().unwrap();
    let after = database.is_written("vb")[1].clone();
    assert!(seen.revision > last && after != before);
    assert_eq!(after, seen.witness.map(|witness| witness.text()));
    // Its beat ends with its lease, others write, and etcd compacts its history, as over weeks.
    let old = tempfile::tempdir().unwrap();
    fs::copy(away.path().join("seen"), old.path().join("seen")).unwrap();
    database.delete(&Beat::key(&PeerName::new("vb").unwrap()));
    database.climb(database.revision() + 200);
    database.compact();
    let back = One::begin_in(away, &database, &authority, "vb");
    back.says_soon(&authority, Result::is_ok);
    // Two other hosts use its name: one that has seen nothing, and one with a restored directory. Both run at once,
    // and the first one goes on.
    let new = One::begin(&database, &authority, "vb");
    let put_back = One::begin_in(old, &database, &authority, "vb");
    let name = PeerName::new("vb").unwrap();
    let mut seen = std::collections::BTreeSet::new();
    let since = Instant::now();
    while seen.len() < 5 {
        seen.insert(database.get(&witness_of(&name)));
        assert!(since.elapsed() < SOON);
        for one in [&first, &back, &new, &put_back] {
            let said = one.says(&authority);
            assert!(
                !said.as_ref().is_err_and(|reason| reason.contains("older")),
                "{said:?}"
            );
        }
    }
    // A renewed certificate may have another name.
    let kept = back.end();
    let renamed = One::begin_in(kept, &database, &authority, "vz");
    renamed.says_soon(&authority, Result::is_ok);
    // etcd restarts with the data that it had.
    database.copy_to("whole");
    database.put_back("whole");
    for one in [&first, &new, &put_back, &renamed] {
        one.says_soon(&authority, Result::is_ok);
    }
}

#[test]
#[ignore = "needs etcd: OTP_ETCD names its directory"]
fn a_verifier_whose_clock_is_off_serves_nobody_until_it_agrees() {
    let database = Database::start();
    let place = tempfile::tempdir().unwrap();
    let authority = Authority::new(place.path(), "fleet");
    database.register("web1", false);
    // An older verifier, whose clock is a minute behind.
    let other = PeerName::new("vold").unwrap();
    let beat = Beat {
        name: other.clone(),
        release: "0.1.0".to_owned(),
        time: UnixTime::from_seconds(otp_site::clock::now().unwrap().seconds() - 60),
        number: 1,
        ahead: None,
        refuses: None,
        policy: PolicyDigest::of(&Policy::default()),
        held_back: Vec::new(),
    };
    database.put(&Beat::key(&other), &beat.to_text());
    let one = One::begin(&database, &authority, "va");
    one.says_soon(&authority, |said| {
        said.as_ref()
            .is_err_and(|reason| reason.contains("clock of this verifier is"))
    });
    // With two more clocks that agree with this one, the other one is off.
    for (at, name) in ["vx", "vy"].iter().enumerate() {
        let name = PeerName::new(name).unwrap();
        let beat = Beat {
            name: name.clone(),
            time: otp_site::clock::now().unwrap(),
            number: 10 + at as u64,
            ..beat.clone()
        };
        database.put(&Beat::key(&name), &beat.to_text());
    }
    one.says_soon(&authority, Result::is_ok);
    for name in ["vx", "vy"] {
        database.delete(&Beat::key(&PeerName::new(name).unwrap()));
    }
    one.says_soon(&authority, Result::is_err);
    database.delete(&Beat::key(&other));
    one.says_soon(&authority, Result::is_ok);
}

/// Without its key, a verifier can open and write no record, but another verifier can.
#[test]
#[ignore = "needs etcd: OTP_ETCD names its directory"]
fn a_verifier_without_its_sealing_key_sends_machines_elsewhere_and_says_so() {
    let database = Database::start();
    let place = tempfile::tempdir().unwrap();
    let authority = Authority::new(place.path(), "fleet");
    database.register("web1", false);
    let one = One::begin(&database, &authority, "va");
    one.says_soon(&authority, Result::is_ok);
    let key = one.directory.path().join("seal");
    let policy = format!("[seal]\nkey = \"{}\"\n", key.display());
    fs::write(one.directory.path().join("pam_otp.conf"), policy).unwrap();
    one.says_soon(&authority, |said| {
        said.as_ref()
            .is_err_and(|reason| reason.contains("take-key"))
    });
    let name = PeerName::new("va").unwrap();
    let since = Instant::now();
    loop {
        let beat = database.get(&Beat::key(&name)).unwrap_or_default();
        let beat = Beat::from_text(&name, beat.as_bytes()).ok();
        if let Some(reason) = beat.and_then(|beat| beat.refuses) {
            assert!(reason.contains(&key.display().to_string()), "{reason}");
            break;
        }
        assert!(since.elapsed() < SOON, "no beat says so");
    }
    let digits = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";
    fs::write(&key, digits).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    one.says_soon(&authority, Result::is_ok);
}

#[test]
#[ignore = "needs etcd: OTP_ETCD names its directory"]
fn a_verifier_without_its_database_sends_machines_elsewhere() {
    let mut database = Database::start();
    let place = tempfile::tempdir().unwrap();
    let authority = Authority::new(place.path(), "fleet");
    database.register("web1", false);
    let one = One::begin(&database, &authority, "va");
    one.says_soon(&authority, Result::is_ok);
    database.end();
    let before = Instant::now();
    assert!(one.says(&authority).is_err());
    // A machine has time to ask another verifier.
    assert!(before.elapsed() < Duration::from_secs(60));
    // A verifier that starts in the meantime refuses too, and serves later.
    let second = One::begin(&database, &authority, "vb");
    assert!(second.says(&authority).is_err());
    database.begin();
    for one in [&one, &second] {
        one.says_soon(&authority, Result::is_ok);
    }
}
