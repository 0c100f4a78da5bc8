//! A verifier over a folder, and machines on loopback.

use super::base::Folder;
use super::*;
use crate::fixture::{Authority, Good};
use crate::name::PeerName;
use crate::registry::{Entry, Role, Zone};
use crate::tls;
use otp_core::record::Name;
use otp_core::{Policy, Verdict};
use otp_helper::fleet::{PolicyDigest, is_elsewhere};
use otp_helper::frame::Fields;
use otp_helper::protocol::{Answer, Request};
use otp_helper::session::{Reply, Turn};
use otp_store::change::Change;
use otp_store::{Place, Remembered};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use tempfile::TempDir;
use zeroize::Zeroizing;

mod abuse;
mod changes;
mod etcd;
mod who;

const ALICE: u32 = 1001;

/// A fleet of one verifier.
pub(super) struct Fleet {
    directory: TempDir,
    authority: Authority,
    serving: Option<Serving>,
    address: SocketAddr,
}

impl Fleet {
    fn new() -> Self {
        Self::with("", "", otp_site::clock::now)
    }

    /// `conf` comes before the sections of the configuration, `zones` after them.
    fn with(conf: &str, zones: &str, clock: fn() -> Result<UnixTime, Before1970>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let authority = Authority::new(directory.path(), "fleet");
        let path = |name: &str| directory.path().join(name).display().to_string();
        for (name, mode) in [("records", 0o2770), ("machines", 0o755), ("state", 0o2770)] {
            fs::create_dir(path(name)).unwrap();
            fs::set_permissions(path(name), fs::Permissions::from_mode(mode)).unwrap();
        }
        fs::write(path("pam_otp.conf"), "").unwrap();
        let files = authority.sign(&["v1"]);
        let text = format!(
            "listen = [\"127.0.0.1:0\"]\nca = \"{}\"\ncertificate = \"{}\"\nkey = \"{}\"\npolicy = \"{}\"\nstate = \"{}\"\n{conf}\n\
             [store]\ndirectory = \"{}\"\nmachines = \"{}\"\n{zones}",
            files.ca.display(),
            files.certificate.display(),
            files.key.display(),
            path("pam_otp.conf"),
            path("state"),
            path("records"),
            path("machines"),
        );
        let conf = Conf::parse(Path::new("conf"), text.as_bytes()).unwrap();
        let base = Folder::new(path("records").into(), path("machines").into());
        let verifier = Verifier::with_clock(conf, base, clock).unwrap();
        let address = verifier.addresses()[0];
        let fleet = Self {
            directory,
            authority,
            serving: Some(verifier.serve().unwrap()),
            address,
        };
        fleet.register("web1", Role::Machine, &[], false);
        fleet.register("web2", Role::Machine, &[], false);
        fleet
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn register(&self, name: &str, role: Role, zones: &[&str], is_revoked: bool) {
        let entry = Entry {
            name: PeerName::new(name).unwrap(),
            role,
            zones: zones.iter().map(|zone| Zone::new(zone).unwrap()).collect(),
            revoked: is_revoked.then_some(UnixTime::from_seconds(1)),
            added: UnixTime::from_seconds(0),
        };
        fs::write(self.path("machines").join(name), entry.to_text()).unwrap();
    }

    fn tls(&self, name: &str) -> Arc<ClientConfig> {
        tls::client(&self.authority.sign(&[name])).unwrap()
    }

    /// Connects as that machine; an error of the handshake shows at the first question.
    fn machine(&self, name: &str) -> Machine {
        self.by(self.tls(name))
    }

    fn by(&self, config: Arc<ClientConfig>) -> Machine {
        connect(self.address, config)
    }

    /// Enrols a user on a machine, and returns the device.
    fn enrolled(&self, user: &str, uid: u32) -> otp_core::Authenticator {
        let mut web1 = self.machine("web1");
        web1.ask(Some(uid), &enrol(user)).unwrap();
        web1.keep_what_is_offered().unwrap()
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.end_within(Duration::ZERO, Duration::from_secs(60));
        }
    }
}

fn connect(address: SocketAddr, config: Arc<ClientConfig>) -> Machine {
    let tcp = TcpStream::connect(address).unwrap();
    // Only a failing test waits this long.
    tcp.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let tls = ClientConnection::new(config, ServerName::try_from("v1").unwrap()).unwrap();
    Machine(StreamOwned::new(tls, tcp))
}

/// A connection of a machine.
pub(super) struct Machine(StreamOwned<ClientConnection, TcpStream>);

impl Machine {
    fn send(&mut self, fields: &Fields) -> io::Result<()> {
        self.0.write_all(&fields.to_bytes().unwrap())?;
        self.0.flush()
    }

    /// Reads a message; `None`: the verifier has closed the connection.
    fn hear(&mut self) -> Option<Fields> {
        Fields::read_from(&mut self.0).ok()
    }

    fn ask(&mut self, uid: Option<u32>, request: &Request) -> Option<()> {
        let policy = PolicyDigest::of(&Policy::default());
        let request = request.to_fields();
        let envelope = otp_helper::fleet::wrap(uid, policy, &request);
        self.send(&envelope).ok()
    }

    /// Asks about Alice, and reads the answer.
    fn answer(&mut self, request: &Request) -> Option<Answer> {
        self.ask(Some(ALICE), request)?;
        Answer::from_fields(&self.hear()?)
    }

    fn turn(&mut self) -> Option<Turn> {
        Turn::from_fields(&self.hear()?)
    }

    /// Completes a dialogue: types the code of the new device, and keeps the recovery codes.
    fn keep_what_is_offered(&mut self) -> Result<otp_core::Authenticator, Answer> {
        let mut device = None;
        loop {
            let reply = match self.turn().expect("the dialogue goes on") {
                Turn::Begun { authenticates, .. } => {
                    assert!(!authenticates, "nobody could be asked");
                    continue;
                }
                Turn::Checked { .. } | Turn::Tell { .. } => continue,
                Turn::Offer(offered) => {
                    let code = code(&offered, 0);
                    device = Some(offered);
                    Reply::Code(Zeroizing::new(code.into_bytes()))
                }
                Turn::Codes(_) => Reply::Keep,
                Turn::End(Answer::Kept { .. }) => return Ok(device.expect("an offer came")),
                Turn::End(answer) => return Err(answer),
                Turn::Ask { .. } => panic!("a question"),
            };
            self.send(&reply.to_fields()).unwrap();
        }
    }
}

/// Computes the code of a device `steps` from now, by another implementation.
fn code(device: &otp_core::Authenticator, steps: i64) -> String {
    let now = otp_site::clock::now().unwrap().seconds();
    let counter = (now / 30).checked_add_signed(steps).unwrap();
    let secret = device.secret.reveal_bytes();
    let totp = totp_rs::Builder::new()
        .with_secret(secret.to_vec())
        .with_skew(0)
        .build()
        .unwrap();
    totp.generate(counter * 30).to_string()
}

fn enrol(user: &str) -> Request {
    Request::Change {
        user: user.to_owned(),
        change: Change::Enrol(Name::new("phone").unwrap()),
    }
}

fn check(user: &str, code: &str) -> Request {
    Request::Check {
        user: user.to_owned(),
        excused: false,
        reply: Zeroizing::new(code.as_bytes().to_vec()),
        no_guess: None,
        remembered: None,
        claim: None,
    }
}

fn is_enrolled(user: &str) -> Request {
    Request::IsEnrolled {
        user: user.to_owned(),
    }
}

fn is_accepted(answer: Option<&Answer>) -> bool {
    matches!(answer, Some(Answer::Verdict(Verdict::Accepted { .. })))
}

#[test]
fn a_user_enrols_on_one_machine_and_logs_in_on_another_once_per_code() {
    let fleet = Fleet::new();
    let not = fleet.machine("web1").answer(&is_enrolled("alice"));
    assert_eq!(not, Some(Answer::NotEnrolled { first_login: None }));
    let phone = fleet.enrolled("alice", ALICE);
    let mut web2 = fleet.machine("web2");
    // A login asks a few questions before a code is typed.
    assert_eq!(web2.answer(&is_enrolled("alice")), Some(Answer::Enrolled));
    let right = code(&phone, 1);
    assert!(is_accepted(web2.answer(&check("alice", &right)).as_ref()));
    for machine in ["web1", "web2"] {
        let again = fleet.machine(machine).answer(&check("alice", &right));
        assert_eq!(again, Some(Answer::Verdict(Verdict::Replayed)));
    }
}

#[test]
fn one_of_many_simultaneous_logins_with_one_code_is_let_in() {
    let fleet = Fleet::new();
    let phone = fleet.enrolled("alice", ALICE);
    let right = code(&phone, 1);
    let tls = fleet.tls("web1");
    let answers: Vec<_> = thread::scope(|scope| {
        let each =
            (0..32).map(|_| scope.spawn(|| fleet.by(tls.clone()).answer(&check("alice", &right))));
        let each: Vec<_> = each.collect();
        each.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let accepted = answers.iter().filter(|one| is_accepted(one.as_ref()));
    assert_eq!(accepted.count(), 1);
    let replayed = |one: &&Option<Answer>| **one == Some(Answer::Verdict(Verdict::Replayed));
    assert_eq!(answers.iter().filter(replayed).count(), 31);
}

#[test]
fn five_wrong_codes_across_all_machines_lock() {
    let fleet = Fleet::new();
    let phone = fleet.enrolled("alice", ALICE);
    for (at, machine) in ["web1", "web2", "web1", "web2", "web1"].iter().enumerate() {
        let answer = fleet.machine(machine).answer(&check("alice", "00000000"));
        let Some(Answer::Verdict(verdict)) = answer else {
            panic!("no verdict")
        };
        match verdict {
            Verdict::Rejected { left } => assert_eq!(left as usize, 4 - at),
            Verdict::RejectedAndLocked { .. } => assert_eq!(at, 4),
            other => panic!("{other:?}"),
        }
    }
    let right = fleet
        .machine("web2")
        .answer(&check("alice", &code(&phone, 1)));
    assert!(matches!(
        right,
        Some(Answer::Verdict(Verdict::Locked { .. }))
    ));
}

/// Work in progress is finished, connected machines still get answers, and no new connection is served.
#[test]
fn a_verifier_that_stops_finishes_the_requests_that_it_has_begun() {
    let mut fleet = Fleet::new();
    let phone = fleet.enrolled("alice", ALICE);
    let mut begun = fleet.machine("web1");
    assert_eq!(begun.answer(&is_enrolled("alice")), Some(Answer::Enrolled));
    let serving = fleet.serving.take().unwrap();
    let ended = thread::spawn(move || serving.end_within(DRAIN, TO_FINISH));
    while TcpStream::connect(fleet.address).is_ok() {
        thread::yield_now();
    }
    let answer = begun.answer(&check("alice", &code(&phone, 1)));
    assert!(is_accepted(answer.as_ref()));
    assert!(begun.hear().is_none());
    drop(begun);
    assert!(ended.join().unwrap());
}

/// After the drain, a waiting machine sees the end before it asks, so it asks another verifier.
#[test]
fn a_verifier_that_has_stopped_closes_waiting_connections() {
    let mut fleet = Fleet::new();
    let mut waits = fleet.machine("web1");
    assert!(waits.answer(&is_enrolled("alice")).is_some());
    let serving = fleet.serving.take().unwrap();
    assert!(serving.end_within(Duration::ZERO, TO_FINISH));
    // There is a farewell, and not just the end of the connection.
    assert_eq!(waits.0.read(&mut [0; 1]).unwrap(), 0);
}
