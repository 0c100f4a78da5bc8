//! TLS between machines, administrators and verifiers: version 1.3 only, both sides present a certificate, and
//! changed files are read again.
//!
//! A certificate alone is not enough: the name in it must be in the registry too. And a certificate counts only for
//! the uses that it states: `usage.rs`.

mod usage;

use crate::name::PeerName;
use otp_core::messages::fleet::Why;
use otp_core::messages::reason::Wording;
use otp_core::record::Language;
use otp_file::{Fault, wording};
use otp_helper::fleet::ALPN;
use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::NoServerSessionStorage;
use rustls::version::TLS13;
use rustls::{CertificateError, ClientConfig, RootCertStore, ServerConfig};
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::Zeroizing;

/// The largest size of a file of certificates, in bytes.
const LIMIT: u64 = 256 * 1024;

/// The permission bits that a key may have.
const OF_A_KEY: u32 = 0o640;

/// The files of one side: its own certificate and key, and the certificates by which it checks the other side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The certificates (PEM) that sign those of the other side.
    pub ca: PathBuf,
    /// This side's own certificate (PEM), with any certificates between it and the CA.
    pub certificate: PathBuf,
    /// Its key (PEM).
    pub key: PathBuf,
    /// A group that may read the key, besides root's group and that of this process.
    pub key_group: Option<u32>,
}

/// Why TLS cannot use these files. It names the file, and never quotes its content.
#[derive(Debug)]
pub struct Unusable {
    file: PathBuf,
    reason: Wording,
}

impl Unusable {
    fn new(file: &Path, reason: impl Into<Wording>) -> Self {
        Self {
            file: file.to_owned(),
            reason: reason.into(),
        }
    }

    /// Returns the fault in words of that language, without a full stop.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        format!("{}: {}", self.file.display(), self.reason.text(language))
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(Language::English))
    }
}

impl std::error::Error for Unusable {}

/// Makes the TLS configuration of a verifier: every peer must present a certificate that the CA has signed.
///
/// # Errors
/// A file cannot be used.
pub fn server(files: &Files) -> Result<Arc<ServerConfig>, Unusable> {
    let clients = usage::Clients::signed_by(roots(&files.ca)?)
        .map_err(|error| Unusable::new(&files.ca, of_tls(&error)))?;
    let (certificates, key) = identity(files)?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .map_err(|error| Unusable::new(&files.certificate, of_tls(&error)))?
        .with_client_cert_verifier(Arc::new(clients))
        .with_single_cert(certificates, key)
        .map_err(|error| Unusable::new(&files.key, of_a_pair(&error)))?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    // A resumed session would outlive the certificate that began it.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

/// Makes the TLS configuration of a machine or an administrator.
///
/// # Errors
/// A file cannot be used.
pub fn client(files: &Files) -> Result<Arc<ClientConfig>, Unusable> {
    let servers = usage::Servers::signed_by(roots(&files.ca)?)
        .map_err(|error| Unusable::new(&files.ca, of_tls(&error)))?;
    let (certificates, key) = identity(files)?;
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .map_err(|error| Unusable::new(&files.certificate, of_tls(&error)))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(servers))
        .with_client_auth_cert(certificates, key)
        .map_err(|error| Unusable::new(&files.key, of_a_pair(&error)))?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// Returns the name in the certificate that the other side has presented; `None`: the certificate has none.
#[must_use]
pub fn name_shown(certificates: Option<&[CertificateDer<'_>]>) -> Option<PeerName> {
    let certificate = certificates?.first()?;
    let certificate = webpki::EndEntityCert::try_from(certificate).ok()?;
    PeerName::new(certificate.valid_dns_names().next()?)
}

/// Returns the name in the certificate of a file.
///
/// # Errors
/// The file cannot be used, or its certificate has no name.
pub fn name_in(file: &Path) -> Result<PeerName, Unusable> {
    let certificates = certificates(file)?;
    name_shown(Some(&certificates)).ok_or_else(|| Unusable::new(file, Why::NoDnsName))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn roots(file: &Path) -> Result<RootCertStore, Unusable> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        let added = roots.add(certificate);
        added.map_err(|error| {
            let said = error.to_string();
            Unusable::new(file, Why::NotOfAnAuthority { said })
        })?;
    }
    Ok(roots)
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, Unusable> {
    // The file is not secret, but its content decides who is let in.
    let bytes = read(file, 0o7755)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match found {
        Ok(found) if found.is_empty() => Err(Unusable::new(file, Why::NoCertificate)),
        Ok(found) => Ok(found),
        Err(_) => Err(Unusable::new(file, Why::NotPem)),
    }
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn identity(files: &Files) -> Result<Identity, Unusable> {
    let certificates = certificates(&files.certificate)?;
    let opened = open(&files.key, OF_A_KEY)?;
    let found = opened
        .metadata()
        .map_err(|error| Unusable::new(&files.key, wording(&error)))?;
    let is_known = |gid: u32| {
        gid == 0 || gid == nix::unistd::getegid().as_raw() || Some(gid) == files.key_group
    };
    if found.mode() & 0o070 != 0 && !is_known(found.gid()) {
        let gid = found.gid();
        return Err(Unusable::new(&files.key, Why::ReadableByGroup { gid }));
    }
    let bytes = read_whole(&files.key, opened)?;
    // The parser's message could quote the content.
    let key = PrivateKeyDer::from_pem_slice(&bytes)
        .map_err(|_| Unusable::new(&files.key, Why::NoPrivateKey))?;
    Ok((certificates, key))
}

fn of_a_pair(error: &rustls::Error) -> Why {
    match error {
        rustls::Error::InconsistentKeys(_) => Why::AnotherKey,
        error => of_tls(error),
    }
}

/// Returns the reason of an error of the TLS library: the usual faults of a certificate have words of ours.
#[must_use]
pub fn why_of(error: &rustls::Error) -> Why {
    let said = error.to_string();
    match error {
        rustls::Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => Why::Ended { said },
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        ) => Why::NotBegun { said },
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            Why::OfAnotherAuthority { said }
        }
        // Of the certificate, if another authority has the same name; or of the handshake, without the certificate's key.
        rustls::Error::InvalidCertificate(CertificateError::BadSignature) => {
            Why::BadSignature { said }
        }
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => Why::OfAnotherName { said },
        rustls::Error::AlertReceived(_) => Why::RefusedInTls { said },
        _ => Why::Tls { said },
    }
}

/// Returns the reason of an error of a connection that may carry one of the TLS library.
#[must_use]
pub fn wording_of(error: &io::Error) -> Wording {
    match carried(error) {
        Some(error) => why_of(error).into(),
        None => wording(error),
    }
}

/// Returns the error of the TLS library that an error carries; `None`: it carries none.
#[must_use]
pub fn carried(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

fn of_tls(error: &impl fmt::Display) -> Why {
    let said = error.to_string();
    Why::Tls { said }
}

fn read(file: &Path, allowed: u32) -> Result<Zeroizing<Vec<u8>>, Unusable> {
    read_whole(file, open(file, allowed)?)
}

fn read_whole(file: &Path, opened: File) -> Result<Zeroizing<Vec<u8>>, Unusable> {
    // The vector has the full size at once, so that growing leaves no copy of a key behind.
    let length = opened
        .metadata()
        .map_or(LIMIT, |found| found.len().min(LIMIT));
    let mut bytes = Zeroizing::new(Vec::with_capacity(
        usize::try_from(length).unwrap_or_default() + 1,
    ));
    let count = opened.take(LIMIT + 1).read_to_end(&mut bytes);
    match count {
        Ok(count) if count as u64 > LIMIT => Err(Unusable::new(
            file,
            of_fault(Fault::TooLarge { limit: LIMIT }),
        )),
        Ok(_) => Ok(bytes),
        Err(error) => {
            let reason = wording(&error);
            Err(Unusable::new(file, Why::NotRead { reason }))
        }
    }
}

/// Opens a file, also through links such as those that renewal programs make, and checks the opened file.
fn open(file: &Path, allowed: u32) -> Result<File, Unusable> {
    let flags = nix::libc::O_NONBLOCK | nix::libc::O_NOCTTY;
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(file);
    let opened = opened.map_err(|error| {
        let reason = wording(&error);
        Unusable::new(file, Why::NotOpened { reason })
    })?;
    let found = opened.metadata().map_err(|error| {
        let reason = wording(&error);
        Unusable::new(file, Why::NotExamined { reason })
    })?;
    if !found.is_file() {
        return Err(Unusable::new(file, of_fault(Fault::NotAFile)));
    }
    let rules = otp_file::Rules {
        allowed,
        account: None,
        group: None,
        one_name: false,
    };
    rules
        .check(&found)
        .map_err(|fault| Unusable::new(file, of_fault(fault)))?;
    Ok(opened)
}

fn of_fault(fault: Fault) -> Wording {
    Wording::of(|language| fault.text(language))
}

/// Identifies a state of a file: it changes if the file is renewed in place or replaced.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp([u64; 4], [i64; 4]);

fn stamps(files: &Files) -> io::Result<[Stamp; 3]> {
    let stamp = |file: &Path| {
        let found = fs::metadata(file)?;
        Ok::<_, io::Error>(Stamp(
            [found.dev(), found.ino(), found.size(), found.mode().into()],
            [
                found.mtime(),
                found.mtime_nsec(),
                found.ctime(),
                found.ctime_nsec(),
            ],
        ))
    };
    Ok([
        stamp(&files.ca)?,
        stamp(&files.certificate)?,
        stamp(&files.key)?,
    ])
}

/// Makes the configuration of [`server`], if machines will accept the files as a verifier's.
fn of_a_verifier(files: &Files) -> Result<Arc<ServerConfig>, Unusable> {
    let config = server(files)?;
    if usage::is_useless_for_a_server(&certificates(&files.certificate)?) {
        return Err(Unusable::new(&files.certificate, Why::NotForServers));
    }
    Ok(config)
}

/// A verifier's TLS configuration, from the files as they are now.
pub struct Renewed {
    files: Files,
    current: Mutex<Current>,
}

struct Current {
    stamps: Option<[Stamp; 3]>,
    config: Arc<ServerConfig>,
}

impl Renewed {
    /// Reads the files for the first time.
    ///
    /// # Errors
    /// One of them cannot be used.
    pub fn new(files: Files) -> Result<Self, Unusable> {
        // This comes before the files are read: a change in the meantime causes a new read.
        let stamps = stamps(&files).ok();
        let config = of_a_verifier(&files)?;
        Ok(Self {
            files,
            current: Mutex::new(Current { stamps, config }),
        })
    }

    /// Returns the configuration for a new connection. If the files have changed and cannot be used, the earlier ones
    /// still count, and `tell` gets the reason, once for each change.
    pub fn config(&self, tell: impl FnOnce(&Unusable)) -> Arc<ServerConfig> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let now = stamps(&self.files).ok();
        if now != current.stamps {
            current.stamps = now;
            match of_a_verifier(&self.files) {
                Ok(config) => current.config = config,
                Err(error) => tell(&error),
            }
        }
        Arc::clone(&current.config)
    }
}

#[cfg(test)]
mod tests;
