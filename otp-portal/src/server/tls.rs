//! The certificate that browsers see. It is read again when its files have changed.

use crate::config::Tls;
use otp_file::Rules;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::TLS13;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::Zeroizing;

/// The largest file of certificates, in bytes.
const LIMIT: u64 = 256 * 1024;

/// Why these files cannot be used for TLS. Names the file, never its content.
#[derive(Debug)]
pub struct Unusable {
    file: PathBuf,
    reason: String,
}

impl Unusable {
    fn new(file: &Path, reason: impl fmt::Display) -> Self {
        Self {
            file: file.to_owned(),
            reason: reason.to_string(),
        }
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file.display(), self.reason)
    }
}

impl std::error::Error for Unusable {}

fn config(files: &Tls) -> Result<Arc<ServerConfig>, Unusable> {
    let bytes = read(&files.certificate, 0o7755)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let certificates = match found {
        Ok(found) if found.is_empty() => Err(Unusable::new(
            &files.certificate,
            "has no certificate (PEM)",
        )),
        Ok(found) => Ok(found),
        Err(_) => Err(Unusable::new(&files.certificate, "is not PEM")),
    }?;
    // The group may read it: the portal's account has no other way to the key, which it must not own.
    let bytes = read(&files.key, 0o640)?;
    // The parser's own words could quote the key.
    let key = PrivateKeyDer::from_pem_slice(&bytes)
        .map_err(|_| Unusable::new(&files.key, "has no key (PEM) without a passphrase"))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13])
        .map_err(|error| Unusable::new(&files.certificate, error))?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                let reason =
                    "is not the key of the certificate; where both are being renewed, it will be";
                Unusable::new(&files.key, reason)
            }
            error => Unusable::new(&files.key, error),
        })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn read(file: &Path, allowed: u32) -> Result<Zeroizing<Vec<u8>>, Unusable> {
    let opened = open(file, allowed)?;
    // Reserve the maximum at once. A vector that grows would leave copies of a key behind.
    let length = opened
        .metadata()
        .map_or(LIMIT, |found| found.len().min(LIMIT));
    let mut bytes = Zeroizing::new(Vec::with_capacity(
        usize::try_from(length).unwrap_or_default() + 1,
    ));
    match opened.take(LIMIT + 1).read_to_end(&mut bytes) {
        Ok(count) if count as u64 > LIMIT => {
            Err(Unusable::new(file, format!("is larger than {LIMIT} bytes")))
        }
        Ok(_) => Ok(bytes),
        Err(error) => Err(Unusable::new(file, format!("cannot be read: {error}"))),
    }
}

/// Opens a file and checks what was opened. Follows links, because programs that renew certificates make them.
fn open(file: &Path, allowed: u32) -> Result<File, Unusable> {
    let flags = nix::libc::O_NONBLOCK | nix::libc::O_NOCTTY;
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(file);
    let opened =
        opened.map_err(|error| Unusable::new(file, format!("cannot be opened: {error}")))?;
    let found = opened
        .metadata()
        .map_err(|error| Unusable::new(file, format!("cannot be examined: {error}")))?;
    if !found.is_file() {
        return Err(Unusable::new(file, "is not a regular file"));
    }
    let rules = Rules {
        allowed,
        account: None,
        group: None,
        one_name: false,
    };
    rules
        .check(&found)
        .map_err(|fault| Unusable::new(file, fault))?;
    Ok(opened)
}

/// A stamp that changes when a file is replaced or rewritten.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp([u64; 4], [i64; 4]);

fn stamps(files: &Tls) -> io::Result<[Stamp; 2]> {
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
    Ok([stamp(&files.certificate)?, stamp(&files.key)?])
}

/// The present configuration for TLS, renewed when the files change.
pub struct Renewed {
    files: Tls,
    current: Mutex<(Option<[Stamp; 2]>, Arc<ServerConfig>)>,
}

impl Renewed {
    /// Reads the files for the first time.
    ///
    /// # Errors
    /// One of them cannot be used.
    pub fn new(files: Tls) -> Result<Self, Unusable> {
        // Take the stamps before reading: a change in between is then noticed.
        let stamps = stamps(&files).ok();
        let current = Mutex::new((stamps, config(&files)?));
        Ok(Self { files, current })
    }

    /// Returns the configuration for a new connection. If the files have changed and cannot be used, the last one stays
    /// in use; `tell` gets the error, once for each change.
    pub fn config(&self, tell: impl FnOnce(&Unusable)) -> Arc<ServerConfig> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let now = stamps(&self.files).ok();
        if now != current.0 {
            current.0 = now;
            match config(&self.files) {
                Ok(config) => current.1 = config,
                Err(error) => tell(&error),
            }
        }
        Arc::clone(&current.1)
    }
}
