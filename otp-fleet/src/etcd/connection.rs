//! One connection to one member, over TLS with a client certificate.

use super::failure::words;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::timeout;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use zeroize::Zeroizing;

/// A size larger than any certificate or key, in bytes.
const LARGEST_FILE: u64 = 256 * 1024;

/// The addresses of etcd, and the certificate that this process presents.
///
/// The files are read again for each connection, so that a renewed certificate needs no restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The members' addresses, `host:port` each. They are tried in turn.
    pub endpoints: Vec<String>,
    /// The certificates that sign those of the members (PEM).
    pub ca: PathBuf,
    /// This process's certificate (PEM). Its common name is its user in etcd.
    pub certificate: PathBuf,
    /// The key of that certificate (PEM).
    pub key: PathBuf,
}

impl Config {
    /// Connects to one member. `limit` covers everything: name, TCP and TLS. tonic's own limit would end with TCP.
    pub(super) async fn connect(&self, member: &str, limit: Duration) -> Result<Channel, String> {
        let endpoint = self.endpoint(member)?;
        match timeout(limit, endpoint.connect()).await {
            Ok(Ok(channel)) => Ok(channel),
            Ok(Err(error)) => Err(format!("{member}: {}", words(&causes(&error)))),
            Err(_) => Err(format!(
                "{member}: no connection in {} ms",
                limit.as_millis()
            )),
        }
    }

    fn endpoint(&self, member: &str) -> Result<Endpoint, String> {
        let address = member.strip_prefix("https://").unwrap_or(member);
        let endpoint = Endpoint::from_shared(format!("https://{address}"))
            .map_err(|_| format!("{}: is no host:port", words(member)))?;
        let key = read(&self.key)?;
        let tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(read(&self.ca)?.as_slice()))
            .identity(Identity::from_pem(
                read(&self.certificate)?.as_slice(),
                key.as_slice(),
            ));
        endpoint
            .tls_config(tls)
            .map_err(|error| format!("certificate or key: {}", words(&causes(&error))))
    }
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    let mut bytes = Zeroizing::new(Vec::new());
    let read = File::open(path).and_then(|file| file.take(LARGEST_FILE).read_to_end(&mut bytes));
    match read {
        Ok(_) => Ok(bytes),
        Err(error) => Err(format!("{}: cannot be read: {error}", path.display())),
    }
}

/// Returns an error with all its causes: tonic's own text is only "transport error".
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
