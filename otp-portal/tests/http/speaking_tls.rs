use crate::portal::{HOST, Portal};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

fn certify(directory: &Path) -> CertificateDer<'static> {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![HOST.to_owned()])
        .unwrap()
        .self_signed(&key)
        .unwrap();
    let write = |name: &str, text: &str, mode| {
        let new = directory.join("new");
        fs::write(&new, text).unwrap();
        fs::set_permissions(&new, fs::Permissions::from_mode(mode)).unwrap();
        fs::rename(new, directory.join(name)).unwrap();
    };
    write("key.pem", &key.serialize_pem(), 0o600);
    write("certificate.pem", &certificate.pem(), 0o644);
    certificate.der().clone()
}

fn tls(directory: &Path) -> String {
    format!(
        "[tls]\nlisten = [\"127.0.0.1:0\"]\ncertificate = \"{0}/certificate.pem\"\nkey = \"{0}/key.pem\"\n",
        directory.display()
    )
}

fn get(portal: &Portal, root: &CertificateDer<'static>) -> Option<String> {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(HOST).unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = StreamOwned::new(connection, TcpStream::connect(portal.address).unwrap());
    let request = format!(
        "GET /login HTTP/1.1\r\nHost: {HOST}\r\nX-Forwarded-Proto: http\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok();
    Some(String::from_utf8_lossy(&answer).into_owned()).filter(|answer| !answer.is_empty())
}

#[test]
fn the_portal_speaks_tls_itself_and_a_renewed_certificate_counts_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let first = certify(directory.path());
    let portal = Portal::with("", &tls(directory.path()));
    let answer = get(&portal, &first).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains("strict-transport-security: max-age=31536000"));
    let second = certify(directory.path());
    assert!(get(&portal, &second).is_some());
    assert!(get(&portal, &first).is_none());
    // A certificate that cannot be used changes nothing.
    fs::write(directory.path().join("certificate.pem"), "broken").unwrap();
    assert!(get(&portal, &second).is_some());
}

#[test]
fn requests_without_tls_are_not_answered() {
    let directory = tempfile::tempdir().unwrap();
    certify(directory.path());
    let portal = Portal::with("", &tls(directory.path()));
    let answer = crate::browser::exchange(
        portal.address,
        b"GET /login HTTP/1.1\r\nHost: login.example.org\r\n\r\n",
    );
    assert!(!String::from_utf8_lossy(&answer).contains("HTTP/1.1"));
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    certify(directory.path());
    let key = directory.path().join("key.pem");
    fs::set_permissions(key, fs::Permissions::from_mode(0o644)).unwrap();
    let files = otp_portal::config::Tls {
        listen: vec![],
        certificate: directory.path().join("certificate.pem"),
        key: directory.path().join("key.pem"),
    };
    let error = otp_portal::server::tls::Renewed::new(files).err().unwrap();
    assert!(error.to_string().contains("key.pem"), "{error}");
}
