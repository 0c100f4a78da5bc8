//! `otp-fleet admin`: sends a command line of `otp-admin` from a machine to the first verifier that answers.

use super::client::{Broken, for_the_fleet, run};
use super::screen::{Screen, plain};
use crate::tls::{self, Files};
use clap::Parser;
use otp_core::messages::fleet::Unable;
use otp_core::record::{FleetPolicy, Language, Verifier};
use otp_enroll::admin;
use otp_enroll::cli::{Admin, AdminCommand, FleetCommand};
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
        reason: error.to_string(),
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
            reason: plain(&words(&broken)),
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

fn words(broken: &Broken) -> String {
    match broken {
        Broken::TooLong => "an argument is too long".to_owned(),
        Broken::NotSent(error) | Broken::NotWritten(error) => error.to_string(),
        Broken::NoEnd => "it was closed".to_owned(),
        Broken::Unintelligible => "the verifier said what this version does not know".to_owned(),
    }
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
    let no_verifier = |reason: String| Unable::NoVerifier { reason };
    let Some(ca) = fleet.ca.clone().filter(|_| fleet.is_used()) else {
        return Err(Unable::NoFleet);
    };
    let files = Files {
        ca,
        certificate: asked.certificate.clone(),
        key: asked.key_of_certificate().to_owned(),
        key_group: None,
    };
    let config = tls::client(&files).map_err(|error| no_verifier(error.to_string()))?;
    let mut reasons = Vec::new();
    for verifier in &fleet.verifiers {
        match connected(verifier, &config) {
            Ok(line) => return Ok(line),
            Err(error) => reasons.push(format!("{verifier}: {error}")),
        }
    }
    Err(no_verifier(plain(&reasons.join("; "))))
}

fn connected(verifier: &Verifier, config: &Arc<ClientConfig>) -> io::Result<Line> {
    let name = ServerName::try_from(verifier.host().to_owned()).map_err(io::Error::other)?;
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in (verifier.host(), verifier.port()).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT_LIMIT) {
            Ok(socket) => {
                socket.set_nodelay(true)?;
                socket.set_read_timeout(Some(CONNECT_LIMIT))?;
                socket.set_write_timeout(Some(STALLED))?;
                let connection =
                    ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
                let mut line = StreamOwned::new(connection, socket);
                while line.conn.is_handshaking() {
                    line.conn.complete_io(&mut line.sock)?;
                }
                line.sock.set_read_timeout(Some(SILENCE))?;
                return Ok(line);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}
