//! One connection to one member, over TLS with a client certificate.

use super::failure::words;
use crate::tls;
use otp_core::messages::fleet::Why;
use otp_core::messages::reason::Wording;
use otp_core::record::Language;
use otp_file::{told, wording};
use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read};
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
    pub(super) async fn connect(&self, member: &str, limit: Duration) -> Result<Channel, Wording> {
        let endpoint = self.endpoint(member)?;
        match timeout(limit, endpoint.connect()).await {
            Ok(Ok(channel)) => Ok(channel),
            Ok(Err(error)) => Err(of(member, &not_connected(&error))),
            Err(_) => {
                let limit = limit.as_millis();
                Err(of(member, &Why::NoConnection { limit }.into()))
            }
        }
    }

    fn endpoint(&self, member: &str) -> Result<Endpoint, Wording> {
        let address = member.strip_prefix("https://").unwrap_or(member);
        let endpoint = Endpoint::from_shared(format!("https://{address}"))
            .map_err(|_| of(words(member), &Why::NoHostAndPort.into()))?;
        let key = read(&self.key)?;
        let tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(read(&self.ca)?.as_slice()))
            .identity(Identity::from_pem(
                read(&self.certificate)?.as_slice(),
                key.as_slice(),
            ));
        endpoint.tls_config(tls).map_err(|error| {
            let said = words(&causes(&error));
            Why::BadPair { said }.into()
        })
    }
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Wording> {
    let mut bytes = Zeroizing::new(Vec::new());
    let read = File::open(path).and_then(|file| file.take(LARGEST_FILE).read_to_end(&mut bytes));
    match read {
        Ok(_) => Ok(bytes),
        Err(error) => {
            let reason = wording(&error);
            Err(of(path.display(), &Why::NotRead { reason }.into()))
        }
    }
}

/// Adds the member or the file to a reason.
fn of(whose: impl Display, why: &Wording) -> Wording {
    Wording::of(|language| format!("{whose}: {}", why.text(language)))
}

/// Says why there is no connection: if the system has refused it, in its usual words.
fn not_connected(error: &(dyn std::error::Error + 'static)) -> Wording {
    let said = words(&causes(error));
    let known = std::iter::successors(Some(error), |error| error.source())
        .filter_map(|error| error.downcast_ref::<io::Error>())
        .find_map(in_korean);
    Wording::of(|language| match (&known, language) {
        (Some(told), Language::Korean) => told.clone(),
        (_, Language::English) => said.clone(),
        (None, Language::Korean) => {
            let said = said.clone();
            Why::NotConnected { said }.text(language)
        }
    })
}

/// Tells an error of the system or of TLS in Korean; `None`: only the library has words for it.
fn in_korean(error: &io::Error) -> Option<String> {
    match tls::carried(error).map(tls::why_of) {
        Some(Why::Tls { .. }) => None,
        Some(why) => Some(why.text(Language::Korean)),
        None => Some(told(error, Language::Korean)).filter(|told| told.contains(is_hangul)),
    }
}

fn is_hangul(letter: char) -> bool {
    ('가'..='힣').contains(&letter)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Authority, assert_korean};
    use std::fs;
    use std::net::TcpListener;
    use std::thread;
    use tokio::runtime::Builder;

    /// Longer than any connection takes, even on a busy machine.
    const LONG: Duration = Duration::from_secs(600);

    fn fails(config: &Config, member: &str, limit: Duration) -> [String; 2] {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let why = runtime.block_on(config.connect(member, limit)).unwrap_err();
        [Language::English, Language::Korean].map(|language| why.text(language).to_owned())
    }

    fn config(directory: &Path) -> Config {
        let files = Authority::new(directory, "etcd").sign(&["localhost"]);
        Config {
            endpoints: Vec::new(),
            ca: files.ca,
            certificate: files.certificate,
            key: files.key,
        }
    }

    #[test]
    fn the_reason_for_no_connection_is_told_in_each_language() {
        let directory = tempfile::tempdir().unwrap();
        let config = config(directory.path());
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let member = silent.local_addr().unwrap().to_string();
        let [english, korean] = fails(&config, &member, Duration::from_millis(50));
        assert_eq!(english, format!("{member}: no connection in 50 ms"));
        assert_korean(&korean, &[]);
        // Nobody listens any more.
        drop(silent);
        let [english, korean] = fails(&config, &member, LONG);
        assert!(english.starts_with(&format!("{member}: ")), "{english}");
        assert!(english.contains("(os error 111)"), "{english}");
        assert_korean(&korean, &[]);
        let [english, korean] = fails(&config, "a b", LONG);
        assert_eq!(english, "a b: is no host:port");
        assert_korean(&korean, &["a b"]);
    }

    #[test]
    fn a_member_with_the_certificate_of_another_authority_is_told_in_each_language() {
        let directory = tempfile::tempdir().unwrap();
        let config = config(directory.path());
        let other = Authority::new(directory.path(), "other").sign(&["127.0.0.1"]);
        let mut of_member = rustls::ServerConfig::clone(&tls::server(&other).unwrap());
        of_member.alpn_protocols.clear();
        let listens = TcpListener::bind("127.0.0.1:0").unwrap();
        let member = listens.local_addr().unwrap().to_string();
        let answers = thread::spawn(move || {
            let (mut socket, _) = listens.accept().unwrap();
            let mut connection = rustls::ServerConnection::new(of_member.into()).unwrap();
            connection.complete_io(&mut socket).ok();
        });
        let [english, korean] = fails(&config, &member, LONG);
        answers.join().unwrap();
        let bad = "invalid peer certificate: BadSignature";
        assert!(english.ends_with(bad), "{english}");
        assert_korean(&korean, &["TLS", "CA"]);
    }

    #[test]
    fn the_text_of_a_library_is_told_after_its_author() {
        let directory = tempfile::tempdir().unwrap();
        let config = config(directory.path());
        let strange = TcpListener::bind("127.0.0.1:0").unwrap();
        let member = strange.local_addr().unwrap().to_string();
        let answers = thread::spawn(move || {
            let (mut socket, _) = strange.accept().unwrap();
            io::Write::write_all(&mut socket, b"this is no answer in TLS\n").unwrap();
            // The other side ends it.
            socket.read_to_end(&mut Vec::new()).ok();
        });
        let [english, korean] = fails(&config, &member, LONG);
        answers.join().unwrap();
        let said = english.strip_prefix(&format!("{member}: ")).unwrap();
        assert_eq!(
            korean,
            format!("{member}: 연결할 수 없습니다. 라이브러리의 메시지: {said}")
        );
        fs::write(&config.key, "no key").unwrap();
        let [english, korean] = fails(&config, &member, LONG);
        let said = english.strip_prefix("certificate or key: ").unwrap();
        let author = "인증서나 키를 사용할 수 없습니다. TLS 라이브러리의 메시지";
        assert_eq!(korean, format!("{author}: {said}"));
        fs::remove_file(&config.key).unwrap();
        let [english, korean] = fails(&config, &member, LONG);
        let key = config.key.display().to_string();
        let reason = "cannot be read: No such file or directory (os error 2)";
        assert_eq!(english, format!("{key}: {reason}"));
        assert_korean(&korean, &[&key]);
    }
}
