//! `otp-fleet admin`: sends a command line of `otp-admin` from a machine to the first verifier that answers.

use super::client::{Broken, for_the_fleet, run};
use super::screen::{Screen, plain};
use crate::tls::{self, Files};
use clap::Parser;
use otp_core::messages::fleet::{Unable, Why};
use otp_core::messages::reason::Wording;
use otp_core::record::{FleetPolicy, Language, Verifier};
use otp_enroll::admin;
use otp_enroll::cli::{Admin, AdminCommand, FleetCommand};
use otp_file::wording;
use otp_helper::fleet::CONNECT_LIMIT;
use otp_site::policy;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// The longest time without output. A command over a million accounts prints while it works; one that is silent for
/// this long is stuck.
const SILENCE: Duration = Duration::from_secs(3600);
/// The longest time in which a verifier takes no data.
const STALLED: Duration = Duration::from_secs(30);

type Line = StreamOwned<ClientConnection, TcpStream>;

/// Runs an `otp-admin` command; `arguments` do not include the program's name. Returns the exit status of the
/// command.
#[must_use]
pub fn command(arguments: &[OsString]) -> ExitCode {
    // Keys may be in the data that is sent and received.
    nix::sys::prctl::set_dumpable(false).ok();
    let name = OsString::from("otp-admin");
    let asked = Admin::parse_from(std::iter::once(&name).chain(arguments));
    let language = admin::language(&asked);
    match done(&asked, arguments, language) {
        Ok(status) | Err(Stop::Told(status)) => status,
        Err(Stop::Unable(unable)) => admin::report_unable(&unable, language),
    }
}

enum Stop {
    Unable(Unable),
    /// The reason was already reported.
    Told(ExitCode),
}

impl From<Unable> for Stop {
    fn from(unable: Unable) -> Self {
        Self::Unable(unable)
    }
}

fn done(asked: &Admin, arguments: &[OsString], language: Language) -> Result<ExitCode, Stop> {
    if is_for_a_verifiers_host(&asked.command) {
        return Err(Unable::OnVerifierOnly.into());
    }
    if matches!(&asked.command, AdminCommand::Seal { key: Some(_), .. }) {
        // The file would be read on the verifier's host.
        return Err(Unable::OfOneMachine.into());
    }
    let policies = policy::load(&asked.common.conf).map_err(|error| Unable::NoVerifier {
        reason: Wording::of(|language| error.text(language)),
    })?;
    let fleet = policies.for_account().fleet;
    let files = admin::gather(asked).map_err(Stop::Told)?;
    let mut arguments = for_the_fleet(arguments);
    if asked.common.lang.is_none() {
        // The verifier knows nothing about this terminal.
        let tag = OsString::from(language.tag());
        arguments.splice(0..0, [OsString::from("--lang"), tag]);
    }
    let mut line = line_to(&fleet, asked)?;
    let (output, errors) = (io::stdout().lock(), io::stderr().lock());
    let (is_shown, errors_are_shown) = (output.is_terminal(), errors.is_terminal());
    let ended = run(
        &mut line,
        &arguments,
        files.iter(),
        &mut *for_reader(output, is_shown),
        &mut *for_reader(errors, errors_are_shown),
    );
    let status = ended.map_err(|broken| match broken {
        // The reader of the output has seen enough.
        Broken::NotWritten(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            Stop::Told(ExitCode::SUCCESS)
        }
        broken => Stop::Unable(Unable::SessionBroken {
            reason: in_one_line(&why(&broken)),
        }),
    })?;
    Ok(ExitCode::from(status))
}

/// Chooses the writer: programs get the bytes as they come, a terminal gets only text.
fn for_reader<'a>(stream: impl Write + 'a, is_terminal: bool) -> Box<dyn Write + 'a> {
    if is_terminal {
        Box::new(Screen::of(stream))
    } else {
        Box::new(stream)
    }
}

fn why(broken: &Broken) -> Wording {
    match broken {
        Broken::TooLong => Why::LongArgument.into(),
        Broken::NotSent(error) => of_the_line(error),
        Broken::NotWritten(error) => wording(error),
        Broken::NoEnd => Why::Closed.into(),
        Broken::Unintelligible => Why::AnotherVersion.into(),
    }
}

/// Says why a connection cannot be made or used any longer.
fn of_the_line(error: &io::Error) -> Wording {
    let said = error.to_string();
    match error.kind() {
        // A socket with a time limit ends a wait in this way.
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Why::Silent { said }.into(),
        io::ErrorKind::UnexpectedEof => Why::CutOff { said }.into(),
        _ => tls::wording_of(error),
    }
}

fn in_one_line(reason: &Wording) -> Wording {
    Wording::of(|language| plain(reason.text(language)))
}

/// Whether a command needs a verifier's host. It is refused here too, before anyone types a passphrase.
const fn is_for_a_verifiers_host(command: &AdminCommand) -> bool {
    matches!(
        command,
        AdminCommand::Fleet {
            command: FleetCommand::Init { .. }
                | FleetCommand::CarryKey { .. }
                | FleetCommand::TakeKey { .. }
                | FleetCommand::Backup { .. }
                | FleetCommand::Restore { .. }
                | FleetCommand::Confirm { .. }
        }
    )
}

/// Connects to the first verifier that accepts the certificate.
fn line_to(fleet: &FleetPolicy, asked: &Admin) -> Result<Line, Unable> {
    let Some(ca) = fleet.ca.clone().filter(|_| fleet.is_used()) else {
        return Err(Unable::NoFleet);
    };
    let files = Files {
        ca,
        certificate: asked.certificate.clone(),
        key: asked.key_of_certificate().to_owned(),
        key_group: None,
    };
    let config = tls::client(&files).map_err(|error| Unable::NoVerifier {
        reason: Wording::of(|language| error.text(language)),
    })?;
    let mut reasons = Vec::new();
    for verifier in &fleet.verifiers {
        match connected(verifier, &config) {
            Ok(line) => return Ok(line),
            Err(why) => reasons.push((verifier, why)),
        }
    }
    let reason = Wording::of(|language| {
        let each = reasons
            .iter()
            .map(|(verifier, why)| format!("{verifier}: {}", why.text(language)));
        plain(&each.collect::<Vec<_>>().join("; "))
    });
    Err(Unable::NoVerifier { reason })
}

fn connected(verifier: &Verifier, config: &Arc<ClientConfig>) -> Result<Line, Wording> {
    let name = ServerName::try_from(verifier.host().to_owned()).map_err(|error| {
        let said = error.to_string();
        Why::Tls { said }
    })?;
    let addresses = (verifier.host(), verifier.port()).to_socket_addrs();
    let addresses = addresses.map_err(|error| {
        let said = error.to_string();
        Why::AddressNotFound { said }
    })?;
    let mut last = Why::NoAddress.into();
    for address in addresses {
        match TcpStream::connect_timeout(&address, CONNECT_LIMIT) {
            Ok(socket) => return over(socket, config, name).map_err(|error| of_the_line(&error)),
            Err(error) => last = of_the_line(&error),
        }
    }
    Err(last)
}

/// Ends the handshake over a connected socket.
fn over(
    socket: TcpStream,
    config: &Arc<ClientConfig>,
    name: ServerName<'static>,
) -> io::Result<Line> {
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(CONNECT_LIMIT))?;
    socket.set_write_timeout(Some(STALLED))?;
    let connection = ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
    let mut line = StreamOwned::new(connection, socket);
    while line.conn.is_handshaking() {
        line.conn.complete_io(&mut line.sock)?;
    }
    line.sock.set_read_timeout(Some(SILENCE))?;
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Authority, BOTH, Good, assert_korean};
    use std::fs::{self, Permissions};
    use std::net::TcpListener;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;
    use std::thread;

    fn asked(directory: &Path, files: Option<&Files>) -> Admin {
        let at = |name: &str| directory.join(name);
        let certificate = files.map_or_else(|| at("none.pem"), |files| files.certificate.clone());
        let key = files.map_or_else(|| at("none.key"), |files| files.key.clone());
        let words = [
            OsString::from("otp-admin"),
            "--conf".into(),
            at("policy").into(),
            "--certificate".into(),
            certificate.into(),
            "--key".into(),
            key.into(),
            "list".into(),
        ];
        Admin::parse_from(words)
    }

    fn in_both(unable: &Unable, english: &str, names: &[&str]) {
        assert_eq!(unable.text(Language::English), english);
        assert_korean(&unable.text(Language::Korean), names);
    }

    #[test]
    fn a_fleet_without_a_verifier_that_answers_is_reported_in_the_language_of_the_command() {
        let directory = tempfile::tempdir().unwrap();
        let authority = Authority::new(directory.path(), "fleet");
        let files = authority.sign(&["anna"]);
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let verifier = free.local_addr().unwrap().to_string();
        drop(free);
        let fleet = FleetPolicy {
            verifiers: vec![Verifier::parse(&verifier).unwrap()],
            ca: Some(files.ca.clone()),
            ..FleetPolicy::default()
        };
        let line = line_to(&fleet, &asked(directory.path(), Some(&files)));
        in_both(
            &line.err().unwrap(),
            &format!("no verifier answers: {verifier}: Connection refused (os error 111)"),
            &[],
        );
        let line = line_to(&fleet, &asked(directory.path(), None));
        let path = directory.path().join("none.pem").display().to_string();
        in_both(
            &line.err().unwrap(),
            &format!(
                "no verifier answers: {path}: cannot be opened: No such file or directory (os error 2)"
            ),
            &[&path],
        );
    }

    #[test]
    fn a_verifier_with_an_unusable_certificate_is_reported_in_the_language_of_the_command() {
        let directory = tempfile::tempdir().unwrap();
        let authority = Authority::new(directory.path(), "fleet");
        let other = Authority::new(directory.path(), "other");
        let files = authority.sign(&["anna"]);
        let asked = asked(directory.path(), Some(&files));
        for (signs, name, good, english, names) in [
            (
                &other,
                "localhost",
                Good::Now,
                "BadSignature",
                &["TLS", "CA"][..],
            ),
            (
                &authority,
                "localhost",
                Good::Once,
                "certificate expired",
                &[],
            ),
            (
                &authority,
                "localhost",
                Good::Later,
                "certificate not valid yet",
                &[],
            ),
            (
                &authority,
                "v1",
                Good::Now,
                "certificate not valid for name",
                &[],
            ),
        ] {
            let of_verifier = signs.sign_for(&[name], good, &BOTH);
            let listens = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = listens.local_addr().unwrap().port();
            let config = tls::server(&of_verifier).unwrap();
            let verifier = thread::spawn(move || {
                let (mut socket, _) = listens.accept().unwrap();
                let mut connection = rustls::ServerConnection::new(config).unwrap();
                connection.complete_io(&mut socket).ok();
            });
            let fleet = FleetPolicy {
                verifiers: vec![Verifier::parse(&format!("localhost:{port}")).unwrap()],
                ca: Some(files.ca.clone()),
                ..FleetPolicy::default()
            };
            let unable = line_to(&fleet, &asked).err().unwrap();
            verifier.join().unwrap();
            let said = unable.text(Language::English);
            let begins =
                format!("no verifier answers: localhost:{port}: invalid peer certificate: ");
            assert!(said.starts_with(&begins), "{said}");
            assert!(said.contains(english), "{said}");
            let names = [&["localhost"], names].concat();
            assert_korean(&unable.text(Language::Korean), &names);
        }
    }

    #[test]
    fn an_unusable_policy_is_reported_in_the_language_of_the_command() {
        let directory = tempfile::tempdir().unwrap();
        let policy = directory.path().join("policy");
        fs::write(&policy, "[fleet]\nverifiers = 1\n").unwrap();
        fs::set_permissions(&policy, Permissions::from_mode(0o644)).unwrap();
        let asked = asked(directory.path(), None);
        let Err(Stop::Unable(unable)) = done(&asked, &[], Language::Korean) else {
            panic!("a policy that cannot be used was used");
        };
        let policy = policy.display().to_string();
        in_both(
            &unable,
            &format!("no verifier answers: {policy}, line 2: must be a list of strings"),
            &[&policy],
        );
    }

    #[test]
    fn the_end_of_a_session_is_reported_in_the_language_of_the_command() {
        let of = io::Error::from;
        for (broken, english, names) in [
            (Broken::TooLong, "an argument is too long", &[][..]),
            (Broken::NoEnd, "it was closed", &[]),
            (
                Broken::Unintelligible,
                "the verifier said what this version does not know",
                &[],
            ),
            (
                Broken::NotSent(io::Error::from_raw_os_error(104)),
                "Connection reset by peer (os error 104)",
                &[],
            ),
            (
                Broken::NotSent(io::Error::from_raw_os_error(11)),
                "Resource temporarily unavailable (os error 11)",
                &[],
            ),
            (
                Broken::NotSent(of(io::ErrorKind::UnexpectedEof)),
                "unexpected end of file",
                &[],
            ),
            (
                Broken::NotWritten(io::Error::from_raw_os_error(28)),
                "No space left on device (os error 28)",
                &[],
            ),
            (
                Broken::NotSent(io::Error::new(
                    io::ErrorKind::InvalidData,
                    rustls::Error::AlertReceived(rustls::AlertDescription::AccessDenied),
                )),
                "received fatal alert: AccessDenied",
                &["received fatal alert: AccessDenied", "TLS"],
            ),
        ] {
            let why = why(&broken);
            assert_eq!(why.text(Language::English), english);
            assert_korean(why.text(Language::Korean), names);
        }
    }
}
