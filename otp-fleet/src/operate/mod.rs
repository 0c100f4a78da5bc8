//! The commands of `otp-admin fleet`.

mod backup;
mod certificate;
mod confirm;
pub mod database;
mod entrance;
pub mod host;
mod init;
mod machines;
mod moment;
mod one_init;
mod passphrase;
mod records;
mod restore;
pub mod sealed_file;
mod sealing_key;
mod status;
mod told;

pub use certificate::Certificate;
pub use told::why_of;

use crate::etcd;
use crate::name::PeerName;
use database::Database;
use host::Host;
use moment::Clock;
use otp_core::UnixTime;
use otp_core::event::Severity;
use otp_core::messages::fleet::Unable;
use otp_core::messages::reason::Wording;
use otp_core::record::Language;
use otp_enroll::admin;
use otp_enroll::cli::FleetCommand;
use otp_site::clock;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// The caller of a command, and its host.
pub struct Asker {
    /// The verifier's host on which the command runs.
    pub host: Host,
    /// The administrator, by the name in the certificate; `None`: root of that host.
    pub administrator: Option<String>,
    /// The certificate and the key of etcd's user root, for steps that only that user may do.
    pub of_root: (PathBuf, PathBuf),
    /// The language of messages.
    pub language: Language,
}

/// Runs a command, and reports on standard output.
#[must_use]
pub fn run(command: FleetCommand, asker: &Asker) -> ExitCode {
    match done(command, asker) {
        Ok(status) => ExitCode::from(status),
        Err(unable) => admin::report_unable(&unable, asker.language),
    }
}

fn done(command: FleetCommand, asker: &Asker) -> Result<u8, Unable> {
    let is_session = asker.administrator.is_some();
    match command {
        FleetCommand::AddMachine { name, zones } => machines::add_machine(asker, &name, &zones)?,
        FleetCommand::AddAdministrator { name } => machines::add_administrator(asker, &name)?,
        FleetCommand::Revoke { name } => machines::revoke(asker, &name)?,
        FleetCommand::Machines { json } => machines::list(asker, json)?,
        FleetCommand::Status { json } => return status::status(asker, json),
        // These need files and keys of the host, or the rights of etcd's root.
        _ if is_session => return Err(Unable::OnVerifierOnly),
        FleetCommand::Init {
            verifiers,
            administrator,
            without_key,
        } => init::init(asker, &verifiers, administrator.as_deref(), !without_key)?,
        FleetCommand::CarryKey { file, key_file } => {
            sealing_key::carry(asker, &file, key_file.as_deref())?;
        }
        FleetCommand::TakeKey { file, key_file } => {
            sealing_key::take(asker, &file, key_file.as_deref())?;
        }
        FleetCommand::Backup { file, key_file } => {
            backup::backup(asker, &file, key_file.as_deref())?;
        }
        FleetCommand::Restore {
            file,
            key_file,
            replace,
            trust_clock,
        } => {
            let clock = Clock::of(trust_clock);
            restore::restore(asker, &file, key_file.as_deref(), replace, clock)?;
        }
        FleetCommand::Confirm { trust_clock } => {
            confirm::confirm(asker, Clock::of(trust_clock))?;
        }
    }
    Ok(0)
}

impl Asker {
    /// Connects to the database as the verifier of this host.
    fn database(&self) -> Result<Database, Unable> {
        Database::of(&self.host.etcd)
    }

    /// Connects to the database as etcd's root.
    fn database_of_root(&self) -> Result<Database, Unable> {
        Database::patient(&self.etcd_of_root())
    }

    fn etcd_of_root(&self) -> etcd::Config {
        let (certificate, key) = self.of_root.clone();
        etcd::Config {
            certificate,
            key,
            ..self.host.etcd.clone()
        }
    }

    /// Logs that the fleet was changed.
    fn record(&self, verb: &'static str, severity: Severity, what: &str) {
        admin::record_of_fleet(self.administrator.as_deref(), verb, severity, what);
    }
}

#[cfg(test)]
impl Asker {
    /// Returns root of a host whose files are in a directory, and whose etcd nobody can reach.
    fn in_directory(directory: &std::path::Path) -> Self {
        let at = |name: &str| directory.join(name);
        Self {
            host: Host {
                etcd: etcd::Config {
                    endpoints: vec!["127.0.0.1:1".to_owned()],
                    ca: at("ca"),
                    certificate: at("certificate"),
                    key: at("key"),
                },
                state: at("state"),
                policy: at("policy"),
                certificate: at("certificate"),
            },
            administrator: None,
            of_root: (at("root.pem"), at("root.key")),
            language: Language::Korean,
        }
    }
}

fn name_of(text: &str) -> Result<PeerName, Unable> {
    PeerName::new(text).ok_or_else(|| Unable::UnusableName {
        name: text.escape_debug().to_string(),
    })
}

fn now() -> Result<UnixTime, Unable> {
    clock::now().map_err(|error| Unable::NoDatabase {
        reason: Wording::of(|language| error.text(language).to_owned()),
    })
}

/// Writes a result; a reader that is gone has seen enough.
fn print(text: &str) -> Result<(), Unable> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Unable::NotPrinted {
            reason: told::why_of(&error),
        }),
        _ => Ok(()),
    }
}
