//! Members of a real etcd, with TLS and users by certificate, on loopback.

use otp_fleet::etcd::{
    AuthEnableRequest, AuthRoleAddRequest, AuthRoleGrantPermissionRequest, AuthUserAddRequest,
    AuthUserGrantRoleRequest, Client, DeleteRangeRequest, Limits, Permission, RangeRequest, Rpc,
    StatusRequest, StatusResponse, UserAddOptions, after_prefix,
};
use otp_fleet::keeper::{Config, EtcdKeeper, ROOT};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair,
};
use std::fmt::Debug;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Far longer than anything takes, even on a busy machine.
pub const SOON: Duration = Duration::from_secs(600);

/// No time limit is shorter: the shortest one, for a connection, is a second.
const AT_ONCE: Duration = Duration::from_millis(900);

/// The etcd user of a verifier.
pub const VERIFIER: &str = "verifier";

/// Returns the path of etcd: in the folder that `OTP_ETCD` names, or where `otp-fleet/tests/provide-etcd` unpacks it.
pub fn program() -> Option<PathBuf> {
    let unpacked =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tests/fleet/etcd/own/usr/bin");
    let folder = std::env::var_os("OTP_ETCD").map_or(unpacked, PathBuf::from);
    Some(folder.join("etcd")).filter(|program| program.exists())
}

/// Members, which end when this value is dropped.
pub struct Cluster {
    program: PathBuf,
    place: TempDir,
    ca: CertifiedIssuer<'static, KeyPair>,
    members: Vec<Member>,
}

struct Member {
    client_port: u16,
    peer_port: u16,
    process: Option<Child>,
}

impl Cluster {
    /// Starts `members` members, makes users, and begins a fleet.
    pub fn start(program: &Path, members: usize) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, "test CA");
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let ports = free_ports(2 * members);
        let members = ports.chunks(2).map(|ports| Member {
            client_port: ports[0],
            peer_port: ports[1],
            process: None,
        });
        let mut cluster = Self {
            program: program.to_owned(),
            place: TempDir::new().unwrap(),
            members: members.collect(),
            ca,
        };
        fs::write(cluster.path("ca.pem"), cluster.ca.pem()).unwrap();
        // The certificate names no user: otherwise etcd would take its own gateway for that user.
        cluster.certify("member", None);
        for at in 0..cluster.members.len() {
            cluster.begin(at);
        }
        cluster.make_users();
        cluster.keeper_of("root").found().unwrap();
        cluster
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    /// Makes a certificate and its key; `user` is its user in etcd.
    fn certify(&self, file: &str, user: Option<&str>) {
        let key = KeyPair::generate().unwrap();
        let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        if let Some(user) = user {
            params.distinguished_name.push(DnType::CommonName, user);
        }
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        let certificate = params.signed_by(&key, &self.ca).unwrap();
        fs::write(self.path(&format!("{file}.pem")), certificate.pem()).unwrap();
        fs::write(self.path(&format!("{file}.key")), key.serialize_pem()).unwrap();
    }

    /// Starts a member, or restarts it with its data.
    pub fn begin(&mut self, at: usize) {
        let url = |port: u16| format!("https://127.0.0.1:{port}");
        let all = self.members.iter().enumerate();
        let all = all.map(|(at, one)| format!("m{at}={}", url(one.peer_port)));
        let all = all.collect::<Vec<_>>().join(",");
        let Member {
            client_port,
            peer_port,
            ..
        } = self.members[at];
        let log = File::options()
            .append(true)
            .create(true)
            .open(self.path(&format!("m{at}.log")))
            .unwrap();
        let process = Command::new(&self.program)
            .args(["--name", &format!("m{at}"), "--data-dir"])
            .arg(self.path(&format!("m{at}")))
            .args(["--listen-client-urls", &url(client_port)])
            .args(["--advertise-client-urls", &url(client_port)])
            .args(["--listen-peer-urls", &url(peer_port)])
            .args(["--initial-advertise-peer-urls", &url(peer_port)])
            .args(["--initial-cluster", &all, "--logger", "zap"])
            .args(["--client-cert-auth", "--peer-client-cert-auth"])
            .arg("--trusted-ca-file")
            .arg(self.path("ca.pem"))
            .arg("--cert-file")
            .arg(self.path("member.pem"))
            .arg("--key-file")
            .arg(self.path("member.key"))
            .arg("--peer-trusted-ca-file")
            .arg(self.path("ca.pem"))
            .arg("--peer-cert-file")
            .arg(self.path("member.pem"))
            .arg("--peer-key-file")
            .arg(self.path("member.key"))
            .env_clear()
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.members[at].process = Some(process);
    }

    fn make_users(&self) {
        let client = self.client("root");
        let until = Instant::now() + SOON;
        let role = "verifier".to_owned();
        // A member that has just started answers that it has no leader.
        let any = RangeRequest {
            key: b"x".into(),
            ..RangeRequest::default()
        };
        client.again(&any, until).unwrap();
        must(&client, AuthRoleAddRequest { name: role.clone() });
        must(
            &client,
            AuthRoleGrantPermissionRequest {
                name: role.clone(),
                perm: Some(Permission {
                    perm_type: 2,
                    key: ROOT.into(),
                    range_end: after_prefix(ROOT.as_bytes()),
                }),
            },
        );
        must(
            &client,
            AuthRoleAddRequest {
                name: "root".to_owned(),
            },
        );
        for (user, role) in [("root", "root".to_owned()), (VERIFIER, role)] {
            must(
                &client,
                AuthUserAddRequest {
                    name: user.to_owned(),
                    password: String::new(),
                    options: Some(UserAddOptions { no_password: true }),
                },
            );
            must(
                &client,
                AuthUserGrantRoleRequest {
                    user: user.to_owned(),
                    role,
                },
            );
        }
        must(&client, AuthEnableRequest {});
    }

    /// Returns the addresses of the members.
    pub fn endpoints(&self) -> Vec<String> {
        let ports = self.members.iter().map(|one| one.client_port);
        ports.map(|port| format!("127.0.0.1:{port}")).collect()
    }

    /// Returns the configuration for asking all members as that user.
    pub fn config(&self, user: &str) -> Config {
        let file = format!("user-{user}");
        if !self.path(&format!("{file}.pem")).exists() {
            self.certify(&file, Some(user));
        }
        Config {
            endpoints: self.endpoints(),
            ca: self.path("ca.pem"),
            certificate: self.path(&format!("{file}.pem")),
            key: self.path(&format!("{file}.key")),
        }
    }

    /// Returns a client of that user.
    pub fn client(&self, user: &str) -> Client {
        Client::new(&self.config(user), Limits::default()).unwrap()
    }

    fn keeper_of(&self, user: &str) -> EtcdKeeper {
        EtcdKeeper::to(&self.config(user)).unwrap()
    }

    /// Returns a verifier's keeper with its own connection.
    pub fn keeper(&self) -> EtcdKeeper {
        EtcdKeeper::connect(&self.config(VERIFIER), SOON).unwrap()
    }

    /// Removes everything, and begins another fleet.
    pub fn begin_anew(&self) {
        remove(&self.client("root"), ROOT);
        self.keeper_of("root").found().unwrap();
    }

    /// Returns what a member reports about itself.
    pub fn status(&self, at: usize) -> StatusResponse {
        let (client, member) = (self.client("root"), &self.endpoints()[at]);
        let until = Instant::now() + SOON;
        loop {
            match client.ask_member(member, StatusRequest {}) {
                Ok(status) => return status,
                Err(failure) => assert!(Instant::now() < until, "{failure}"),
            }
        }
    }

    /// Returns the leading member; waits until there is one.
    pub fn leader(&self) -> usize {
        self.leads().0
    }

    /// Returns the leading member and its term.
    fn leads(&self) -> (usize, u64) {
        let client = self.client("root");
        let until = Instant::now() + SOON;
        while Instant::now() < until {
            for (at, member) in self.endpoints().iter().enumerate() {
                let Ok(status) = client.ask_member(member, StatusRequest {}) else {
                    continue;
                };
                let is_leader = |id| id == status.leader;
                if status.header.is_some_and(|it| is_leader(it.member_id)) {
                    return (at, status.raft_term);
                }
            }
        }
        panic!("no member has become the leader");
    }

    /// Repeats a look that depends on the leader until it is right. A wrong result is a fault only if the same member
    /// led the whole time and the look was too short for any time limit to end. Otherwise the machine may have been
    /// busy, and the look is repeated.
    pub fn while_one_leads<T: Debug>(
        &self,
        mut look: impl FnMut(usize) -> T,
        is_right: impl Fn(&T, usize) -> bool,
    ) -> T {
        let until = Instant::now() + SOON;
        loop {
            let (leader, term) = self.leads();
            let began = Instant::now();
            let found = look(leader);
            let took = began.elapsed();
            if is_right(&found, leader) {
                return found;
            }
            let is_disturbed = took >= AT_ONCE || self.leads() != (leader, term);
            assert!(is_disturbed && Instant::now() < until, "{found:?}");
        }
    }

    /// Returns the process id of a member.
    pub fn pid(&self, at: usize) -> i32 {
        let process = self.members[at].process.as_ref().unwrap();
        process.id().try_into().unwrap()
    }

    /// Ends a member as a power cut would.
    pub fn kill(&mut self, at: usize) {
        if let Some(mut process) = self.members[at].process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for at in 0..self.members.len() {
            self.kill(at);
        }
    }
}

fn must<R: Rpc>(client: &Client, request: R) {
    client.once(request, Instant::now() + SOON).unwrap();
}

/// Returns ports that nobody listens on.
fn free_ports(count: usize) -> Vec<u16> {
    let taken: Vec<_> = (0..count)
        .map(|_| TcpListener::bind("127.0.0.1:0").unwrap())
        .collect();
    taken
        .iter()
        .map(|one| one.local_addr().unwrap().port())
        .collect()
}

/// Removes all keys with that prefix.
pub fn remove(client: &Client, below: &str) {
    let all = DeleteRangeRequest {
        key: below.into(),
        range_end: after_prefix(below.as_bytes()),
        prev_kv: false,
    };
    client.again(&all, Instant::now() + SOON).unwrap();
}
