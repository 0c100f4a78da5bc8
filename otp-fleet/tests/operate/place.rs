//! The host of a verifier with a one-member etcd, all below one temporary directory.

use otp_fleet::etcd::{Config, Failure, RangeRequest};
use otp_fleet::operate::database::Database;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Far longer than anything takes, even on a busy machine.
const SOON: Duration = Duration::from_secs(600);

/// Returns the path of etcd: in the folder that `OTP_ETCD` names, or where `otp-fleet/tests/provide-etcd` unpacks it.
pub fn etcd() -> Option<PathBuf> {
    let unpacked =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tests/fleet/etcd/own/usr/bin");
    let folder = std::env::var_os("OTP_ETCD").map_or(unpacked, PathBuf::from);
    Some(folder.join("etcd")).filter(|program| program.exists())
}

/// Whether this is root, which some tests need together with an account that is not root. Where all tests must run,
/// both exist.
pub fn is_root() -> bool {
    let is_root = nix::unistd::geteuid().is_root();
    assert!(
        is_root || std::env::var_os("OTP_ETCD_MUST_BE_THERE").is_none(),
        "needs root: run tests/run, or unset OTP_ETCD_MUST_BE_THERE"
    );
    if !is_root {
        eprintln!("not run: needs root, and an account that is not root");
    }
    is_root
}

pub struct Place {
    directory: TempDir,
    program: PathBuf,
    ca: CertifiedIssuer<'static, KeyPair>,
    etcd: Option<Child>,
    ports: [u16; 2],
    /// The options by which etcd authenticates its clients.
    entrance: &'static [&'static str],
}

/// The options that a fleet needs.
const BY_CERTIFICATE: &[&str] = &["--client-cert-auth", "--trusted-ca-file=ca.pem"];

impl Drop for Place {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Place {
    /// Makes certificates, the configuration and an empty etcd. `None`: there is no etcd on this machine.
    pub fn new() -> Option<Self> {
        let Some(program) = etcd() else {
            assert!(
                std::env::var_os("OTP_ETCD_MUST_BE_THERE").is_none(),
                "no etcd: run otp-fleet/tests/provide-etcd"
            );
            eprintln!("not run: no etcd; see otp-fleet/tests/provide-etcd");
            return None;
        };
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let free = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let ports = free.map(|one| one.local_addr().unwrap().port());
        let mut place = Self {
            directory: TempDir::new().unwrap(),
            program,
            ca,
            etcd: None,
            ports,
            entrance: BY_CERTIFICATE,
        };
        fs::write(place.path("ca.pem"), place.ca.pem()).unwrap();
        for (file, user) in [
            ("member", None),
            ("root", Some("root")),
            ("verifier", Some("verifier")),
            ("other", Some("other")),
        ] {
            place.certify(file, user);
        }
        fs::create_dir(place.path("state")).unwrap();
        place.write("policy.conf", "");
        place.configure("verifier.conf", place.ports[0]);
        place.start();
        Some(place)
    }

    /// Writes a verifier's configuration in which etcd listens on that port.
    pub fn configure(&self, name: &str, port: u16) {
        let at = |name: &str| self.path(name).display().to_string();
        let files = format!(
            "ca = \"{}\"\ncertificate = \"{}\"\nkey = \"{}\"\n",
            at("ca.pem"),
            at("verifier.pem"),
            at("verifier.key")
        );
        let conf = format!(
            "{files}state = \"{}\"\npolicy = \"{}\"\n[etcd]\nendpoints = [\"127.0.0.1:{port}\"]\n{files}",
            at("state"),
            at("policy.conf"),
        );
        self.write(name, conf);
    }

    pub fn port(&self) -> u16 {
        self.ports[0]
    }

    pub fn endpoint(&self) -> String {
        format!("127.0.0.1:{}", self.port())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn certify(&self, file: &str, user: Option<&str>) {
        let key = KeyPair::generate().unwrap();
        let names = vec!["127.0.0.1".to_owned(), "v1.example.org".to_owned()];
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name = DistinguishedName::new();
        if let Some(user) = user {
            params.distinguished_name.push(DnType::CommonName, user);
        }
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        let certificate = params.signed_by(&key, &self.ca).unwrap();
        self.write(&format!("{file}.pem"), certificate.pem());
        self.write(&format!("{file}.key"), key.serialize_pem());
    }

    /// Starts etcd with its existing data.
    pub fn start(&mut self) {
        let [clients, peers] = self.ports.map(|port| format!("https://127.0.0.1:{port}"));
        let log = File::options()
            .append(true)
            .create(true)
            .open(self.path("etcd.log"))
            .unwrap();
        let mut command = Command::new(&self.program);
        command
            .args([
                "--name",
                "m0",
                "--logger",
                "zap",
                "--peer-client-cert-auth",
                "--peer-trusted-ca-file=ca.pem",
            ])
            .args(self.entrance)
            .current_dir(self.directory.path())
            .args([
                "--listen-client-urls",
                &clients,
                "--advertise-client-urls",
                &clients,
            ])
            .args([
                "--listen-peer-urls",
                &peers,
                "--initial-advertise-peer-urls",
                &peers,
            ])
            .args(["--initial-cluster", &format!("m0={peers}"), "--data-dir"])
            .arg(self.path("data"));
        for (option, file) in [("cert-file", "member.pem"), ("key-file", "member.key")] {
            command.arg(format!("--{option}")).arg(self.path(file));
            command.arg(format!("--peer-{option}")).arg(self.path(file));
        }
        let child = command
            .env_clear()
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        self.etcd = Some(child.unwrap());
        self.wait_for_etcd();
    }

    /// Waits until etcd answers: it listens earlier, and a command waits only a few seconds.
    fn wait_for_etcd(&self) {
        let any = RangeRequest {
            key: b"x".to_vec(),
            ..RangeRequest::default()
        };
        let database = self.database("other");
        let since = Instant::now();
        while let Err(failure) = database.try_asking(&any) {
            // A refusal is an answer, too.
            if matches!(failure, Failure::Refused(..)) {
                return;
            }
            assert!(since.elapsed() < SOON, "etcd does not answer: {failure}");
        }
    }

    /// Returns the database as that user sees it.
    pub fn database(&self, user: &str) -> Database {
        Database::of(&Config {
            endpoints: vec![self.endpoint()],
            ca: self.path("ca.pem"),
            certificate: self.path(&format!("{user}.pem")),
            key: self.path(&format!("{user}.key")),
        })
        .unwrap()
    }

    pub fn stop(&mut self) {
        if let Some(mut etcd) = self.etcd.take() {
            etcd.kill().unwrap();
            etcd.wait().unwrap();
        }
    }

    /// Restarts etcd with its data and other options for its clients; `None`: those that a fleet needs.
    pub fn look_at_clients(&mut self, entrance: Option<&'static [&'static str]>) {
        self.stop();
        self.entrance = entrance.unwrap_or(BY_CERTIFICATE);
        self.start();
    }

    /// Replaces this etcd by an empty one.
    pub fn lose_everything(&mut self) {
        self.stop();
        fs::remove_dir_all(self.path("data")).unwrap();
        self.start();
    }

    /// Copies the data as a snapshot of the disk would.
    pub fn copy_of_data(&mut self, to: &str) {
        self.stop();
        copy(&self.path("data"), &self.path(to));
        self.start();
    }

    /// Puts such a snapshot back.
    pub fn put_back(&mut self, from: &str) {
        self.stop();
        fs::remove_dir_all(self.path("data")).unwrap();
        copy(&self.path(from), &self.path("data"));
        self.start();
    }

    /// Returns `otp-admin` as root of the verifier's host, in a user namespace if this process is not root.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_by("verifier.conf", arguments)
    }

    /// Returns the same with another configuration.
    pub fn command_by(&self, configuration: &str, arguments: &[&str]) -> Command {
        self.command_in("en", configuration, arguments)
    }

    /// Returns the same with another language.
    pub fn command_in(&self, language: &str, configuration: &str, arguments: &[&str]) -> Command {
        let program = env!("CARGO_BIN_EXE_otp-fleet-admin");
        let mut command = if nix::unistd::geteuid().is_root() {
            Command::new(program)
        } else {
            let mut command = Command::new("unshare");
            command.args(["--user", "--map-root-user", program]);
            command
        };
        command.arg("--configuration").arg(self.path(configuration));
        command.args(arguments).args(["--lang", language]);
        command.current_dir(self.directory.path());
        command.stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command that must succeed, and returns its output.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{arguments:?}: {out}{err}");
        out
    }

    /// Runs a command that must end with that status, and returns its messages.
    pub fn fails(&self, status: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(
            output.status.code(),
            Some(status),
            "{arguments:?}: {out}{err}"
        );
        err
    }

    pub fn begin_fleet(&self) -> String {
        self.ok(&[
            "fleet",
            "init",
            "--verifier",
            "verifier",
            "--administrator",
            "anna.example.org",
            "--certificate",
            "root.pem",
            "--key",
            "root.key",
        ])
    }

    pub fn json(&self, arguments: &[&str]) -> serde_json::Value {
        serde_json::from_slice(&self.run(arguments).stdout).unwrap()
    }

    /// Runs a command for an administrator as a verifier does.
    pub fn session(&self, administrator: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_otp-fleet-admin"));
        command
            .arg("--configuration")
            .arg(self.path("verifier.conf"))
            .arg("--session")
            .current_dir("/");
        Self::run_as_session(command, administrator, arguments)
    }

    /// Runs another command as [`Self::session`] does; it may ignore its input.
    pub fn run_as_session(mut command: Command, administrator: &str, arguments: &[&str]) -> Output {
        let child = command
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.unwrap();
        let mut input = child.stdin.take().unwrap();
        let frame = |fields: &[&[u8]]| {
            let fields = fields
                .iter()
                .fold(otp_helper::frame::Fields::default(), |all, one| {
                    all.with(one)
                });
            fields.to_bytes().unwrap().to_vec()
        };
        let mut bytes = frame(&[b"for", administrator.as_bytes()]);
        for argument in arguments.iter().chain(&["--lang", "en"]) {
            bytes.extend(frame(&[b"argument", argument.as_bytes()]));
        }
        bytes.extend(frame(&[b"go"]));
        // A command that reads no session may have ended by now.
        input.write_all(&bytes).ok();
        drop(input);
        child.wait_with_output().unwrap()
    }
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

pub fn content(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    File::open(path).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    fs::set_permissions(to, fs::Permissions::from_mode(0o700)).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}
