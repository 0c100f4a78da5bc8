//! The conversation with a mail server.

use lettre::message::Message;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{SmtpTransport, Transport};
use nix::unistd::{Group, getegid};
use otp_core::mail::{Address, Protection, Server};
use otp_core::record::MailPolicy;
use otp_file::{Access, Rules, Source, open_file, read_whole, text};
use std::fs::File;
use std::path::Path;
use std::time::Duration;

/// The time that the server may take for each answer.
const LONGEST: Duration = Duration::from_secs(20);

/// The largest size of a file of credentials or certificates, in bytes.
const LIMIT: u64 = 1024 * 1024;

/// Prepares a connection, with all data that only root may read.
///
/// # Errors
/// A file cannot be read or is not trusted; the text says why.
pub(crate) fn prepare(
    server: &Server,
    policy: &MailPolicy,
    machine: &str,
) -> Result<SmtpTransport, String> {
    let tls = || -> Result<TlsParameters, String> {
        let mut builder = TlsParameters::builder(server.host.clone());
        if let Some(path) = &policy.ca {
            let bytes = read(path, 0o7755)?;
            let told = |_| format!("{}: no certificates in PEM", path.display());
            let roots = Certificate::from_pem(&bytes).map_err(told)?;
            builder = builder
                .certificate_store(CertificateStore::None)
                .add_root_certificate(roots);
        }
        builder.build_rustls().map_err(|error| error.to_string())
    };
    let tls = match server.protection {
        Protection::Tls => Tls::Wrapper(tls()?),
        Protection::StartTls => Tls::Required(tls()?),
        Protection::ThisMachine => Tls::None,
    };
    let mut builder = SmtpTransport::builder_dangerous(server.host.clone())
        .port(server.port)
        .tls(tls)
        .timeout(Some(LONGEST))
        .hello_name(client(machine));
    if let Some(path) = &policy.credentials {
        builder = builder.credentials(credentials(path)?);
    }
    Ok(builder.build())
}

/// Returns the name that this machine greets with: its own, if that is a valid domain.
fn client(machine: &str) -> ClientId {
    match Address::parse(&format!("root@{machine}")) {
        Ok(address) => ClientId::Domain(address.domain().to_owned()),
        Err(_) => ClientId::default(),
    }
}

/// Gives the mail to the server.
///
/// # Errors
/// The server does not answer, is not the named server, or does not take the mail; the text says why.
pub(crate) fn send(transport: &SmtpTransport, mail: &Message) -> Result<(), String> {
    match transport.send(mail) {
        Ok(_) => Ok(()),
        Err(error) => Err(with_causes(&error)),
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let next_told = next.to_string();
        if !told.contains(&next_told) {
            told = format!("{told}: {next_told}");
        }
        cause = next.source();
    }
    told
}

fn credentials(path: &Path) -> Result<Credentials, String> {
    let bytes = read(path, 0o640)?;
    let parsed = || -> Result<_, otp_file::Unparsed> {
        let mut root = Source::new(&bytes)?.root()?;
        let name = root.require("name", |value| text(value).map(str::to_owned))?;
        let password = root.require("password", |value| text(value).map(str::to_owned))?;
        root.end()?;
        Ok(Credentials::new(name, password))
    };
    // The unparsed text is a secret; no error may quote it.
    parsed().map_err(|_| {
        format!(
            "{}: must have name = \"...\" and password = \"...\"",
            path.display()
        )
    })
}

/// Reads a file that belongs to root and whose mode gives no more rights than `allowed`.
fn read(path: &Path, allowed: u32) -> Result<zeroize::Zeroizing<Vec<u8>>, String> {
    let told = |reason: String| format!("{}: {reason}", path.display());
    let (Some(parent), Some(name)) = (
        path.parent(),
        path.file_name().and_then(|name| name.to_str()),
    ) else {
        return Err(told("is no file".to_owned()));
    };
    let directory = File::open(parent).map_err(|error| told(error.to_string()))?;
    let rules = Rules {
        allowed,
        account: None,
        // Mail that a user's own otp-enroll causes is sent with the group of the package.
        group: Some(group_of_the_package()),
        one_name: false,
    };
    let opened = open_file(&directory, name, Access::Read, rules, LIMIT)
        .map_err(|why| told(unread(&why)))?
        .ok_or_else(|| told("is missing".to_owned()))?;
    read_whole(&opened, LIMIT).map_err(|why| told(unread(&why)))
}

fn group_of_the_package() -> u32 {
    let found = Group::from_name("pam_otp").ok().flatten();
    found.map_or_else(|| getegid().as_raw(), |group| group.gid.as_raw())
}

fn unread(why: &otp_file::Unread) -> String {
    match why {
        otp_file::Unread::Unsafe(fault) => fault.to_string(),
        otp_file::Unread::Io { source, .. } => source.to_string(),
    }
}
