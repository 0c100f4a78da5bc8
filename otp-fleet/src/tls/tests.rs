use super::*;
use crate::fixture::{Authority, BOTH, Good, assert_korean};
use rcgen::ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, ServerConnection};
use std::os::unix::fs::{PermissionsExt, symlink};
use tempfile::TempDir;

/// Runs both sides in one process; returns whether either refuses, and the peer that the verifier sees.
fn shake(
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
    name: &'static str,
) -> Result<Option<PeerName>, rustls::Error> {
    let mut server = ServerConnection::new(server).unwrap();
    let mut client = ClientConnection::new(client, ServerName::try_from(name).unwrap()).unwrap();
    while client.is_handshaking() || server.is_handshaking() || client.wants_write() {
        let mut bytes = Vec::new();
        client.write_tls(&mut bytes).unwrap();
        server.read_tls(&mut bytes.as_slice()).unwrap();
        server.process_new_packets()?;
        let mut bytes = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut bytes).unwrap();
        }
        client.read_tls(&mut bytes.as_slice()).unwrap();
        client.process_new_packets()?;
    }
    Ok(name_shown(server.peer_certificates()))
}

struct Fleet {
    directory: TempDir,
    authority: Authority,
}

impl Fleet {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let authority = Authority::new(directory.path(), "fleet");
        Self {
            directory,
            authority,
        }
    }
}

#[test]
fn both_sides_know_each_other_by_the_first_name_of_the_certificate() {
    let fleet = Fleet::new();
    let verifier = server(&fleet.authority.sign(&["v1.example.org", "v.example.org"])).unwrap();
    let machine = client(&fleet.authority.sign(&["Web1.example.org", "other"])).unwrap();
    for name in ["v1.example.org", "v.example.org"] {
        let seen = shake(verifier.clone(), machine.clone(), name).unwrap();
        assert_eq!(seen.unwrap().as_str(), "web1.example.org");
    }
    assert!(shake(verifier, machine, "v2.example.org").is_err());
}

#[test]
fn a_certificate_of_another_authority_time_or_use_is_refused() {
    let fleet = Fleet::new();
    let other = Authority::new(fleet.directory.path(), "other");
    let verifier = server(&fleet.authority.sign(&["v1"])).unwrap();
    let good = client(&fleet.authority.sign(&["web1"])).unwrap();
    assert!(shake(verifier.clone(), good.clone(), "v1").is_ok());
    let strange = Files {
        ca: fleet.directory.path().join("fleet.ca"),
        ..other.sign(&["web2"])
    };
    let mut refused = vec![client(&strange).unwrap()];
    for (name, good, purposes) in [
        ("web3", Good::Once, &BOTH[..]),
        ("web4", Good::Later, &BOTH),
        ("web5", Good::Now, &[ServerAuth]),
    ] {
        let files = fleet.authority.sign_for(&[name], good, purposes);
        refused.push(client(&files).unwrap());
    }
    for client in refused {
        assert!(shake(verifier.clone(), client, "v1").is_err());
    }
    // The same holds for the verifier's certificate.
    let strange = Files {
        ca: fleet.directory.path().join("fleet.ca"),
        ..other.sign(&["v2"])
    };
    assert!(shake(server(&strange).unwrap(), good.clone(), "v2").is_err());
    for (name, when, purposes) in [
        ("v3", Good::Once, &BOTH[..]),
        ("v4", Good::Later, &BOTH),
        ("v5", Good::Now, &[ClientAuth]),
    ] {
        let files = fleet.authority.sign_for(&[name], when, purposes);
        assert!(shake(server(&files).unwrap(), good.clone(), name).is_err());
    }
}

fn is_of_use(refused: &rustls::Error) -> bool {
    use rustls::CertificateError::{InvalidPurpose, InvalidPurposeContext};
    matches!(
        refused,
        rustls::Error::InvalidCertificate(InvalidPurpose | InvalidPurposeContext { .. })
    )
}

/// Otherwise a certificate that states no use would do for a machine and for a verifier: that of a stolen machine for
/// both.
#[test]
fn a_certificate_is_good_only_for_the_uses_that_it_states() {
    let fleet = Fleet::new();
    let by = |authority: &Authority, name: &str, purposes: &[_]| {
        authority.sign_for(&[name], Good::Now, purposes)
    };
    let verifier = server(&by(&fleet.authority, "v1", &[ServerAuth])).unwrap();
    let machine = client(&by(&fleet.authority, "web1", &[ClientAuth])).unwrap();
    assert!(shake(verifier.clone(), machine.clone(), "v1").is_ok());
    for purposes in [
        &[][..],
        &[ServerAuth],
        &[rcgen::ExtendedKeyUsagePurpose::Any],
    ] {
        let strange = client(&by(&fleet.authority, "web2", purposes)).unwrap();
        let refused = shake(verifier.clone(), strange, "v1").unwrap_err();
        assert!(is_of_use(&refused), "{refused}");
    }
    for purposes in [
        &[][..],
        &[ClientAuth],
        &[rcgen::ExtendedKeyUsagePurpose::Any],
    ] {
        let strange = server(&by(&fleet.authority, "v2", purposes)).unwrap();
        let refused = shake(strange, machine.clone(), "v2").unwrap_err();
        assert!(is_of_use(&refused), "{refused}");
    }
    // The certificate between it and the authority states no use, as with step-ca; or states uses that the
    // certificate itself does not.
    let silent = fleet.authority.between(&[]);
    let loud = fleet.authority.between(&BOTH);
    for (authority, purposes, is_good) in [
        (&silent, &BOTH[..], true),
        (&loud, &BOTH, true),
        (&silent, &[], false),
        (&loud, &[], false),
    ] {
        let web = client(&by(authority, "web3", purposes)).unwrap();
        assert_eq!(shake(verifier.clone(), web, "v1").is_ok(), is_good);
        let other = server(&by(authority, "v3", purposes)).unwrap();
        assert_eq!(shake(other, machine.clone(), "v3").is_ok(), is_good);
    }
}

#[test]
fn a_machine_without_a_certificate_is_refused() {
    let fleet = Fleet::new();
    let verifier = server(&fleet.authority.sign(&["v1"])).unwrap();
    let files = fleet.authority.sign(&["web1"]);
    let nobody = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_root_certificates(roots(&files.ca).unwrap())
        .with_no_client_auth();
    assert!(shake(verifier, Arc::new(nobody), "v1").is_err());
}

#[test]
fn a_certificate_without_a_name_names_nobody() {
    let fleet = Fleet::new();
    let files = fleet.authority.sign(&["*.example.org", "web1"]);
    assert!(name_in(&files.certificate).is_err());
    let files = fleet.authority.sign(&["192.0.2.1"]);
    assert!(name_in(&files.certificate).is_err());
    let verifier = server(&fleet.authority.sign(&["v1"])).unwrap();
    let seen = shake(verifier, client(&files).unwrap(), "v1").unwrap();
    assert_eq!(seen, None);
}

#[test]
fn a_key_that_others_can_read_or_that_belongs_to_another_certificate_is_refused() {
    let fleet = Fleet::new();
    let files = fleet.authority.sign(&["web1"]);
    for (mode, may) in [
        (0o600, true),
        (0o400, true),
        (0o640, true),
        (0o644, false),
        (0o660, false),
        (0o602, false),
    ] {
        fs::set_permissions(&files.key, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(client(&files).is_ok(), may, "{mode:o}");
        assert_eq!(server(&files).is_ok(), may, "{mode:o}");
    }
    fs::set_permissions(&files.key, fs::Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(&files.ca, fs::Permissions::from_mode(0o666)).unwrap();
    let error = server(&files).unwrap_err().to_string();
    assert!(error.contains("0666"), "{error}");
    fs::set_permissions(&files.ca, fs::Permissions::from_mode(0o644)).unwrap();
    let other = fleet.authority.sign(&["web2"]);
    let mixed = Files {
        key: other.key,
        ..files
    };
    let error = server(&mixed).unwrap_err().to_string();
    assert!(
        error.contains("is not the key of the certificate"),
        "{error}"
    );
    assert!(client(&mixed).is_err());
}

#[test]
fn only_the_given_group_may_read_a_key() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let fleet = Fleet::new();
    let mut files = fleet.authority.sign(&["web1"]);
    std::os::unix::fs::chown(&files.key, None, Some(12_345)).unwrap();
    fs::set_permissions(&files.key, fs::Permissions::from_mode(0o640)).unwrap();
    let error = client(&files).unwrap_err().to_string();
    assert!(error.contains("group with number 12345"), "{error}");
    files.key_group = Some(12_345);
    assert!(client(&files).is_ok());
    std::os::unix::fs::chown(&files.key, Some(12_345), None).unwrap();
    assert!(client(&files).unwrap_err().to_string().contains("12345"));
}

#[test]
fn a_file_with_other_content_is_named_and_never_quoted() {
    let fleet = Fleet::new();
    let files = fleet.authority.sign(&["web1"]);
    let key = fs::read_to_string(&files.key).unwrap();
    let secret: String = key.lines().nth(1).unwrap().to_owned();
    let odd = fleet.directory.path().join("odd");
    let write = |text: &str| {
        fs::write(&odd, text).unwrap();
        fs::set_permissions(&odd, fs::Permissions::from_mode(0o600)).unwrap();
    };
    for text in [
        String::new(),
        format!("-----BEGIN PRIVATE KEY-----\n{secret}\n"),
        format!("-----BEGIN PRIVATE KEY-----\n{secret}!\n-----END PRIVATE KEY-----\n"),
        format!("-----BEGIN PRIVATE KEY-----\n{secret}\n-----END PRIVATE KEY-----\n"),
        "x".repeat(300_000),
    ] {
        write(&text);
        for files in [
            Files {
                key: odd.clone(),
                ..files.clone()
            },
            Files {
                certificate: odd.clone(),
                ..files.clone()
            },
            Files {
                ca: odd.clone(),
                ..files.clone()
            },
        ] {
            let error = server(&files).unwrap_err().to_string();
            assert!(error.contains("odd: "), "{error}");
            assert!(!error.contains(&secret), "{error}");
        }
    }
    fs::remove_file(&odd).unwrap();
    nix::unistd::mkfifo(&odd, nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
    let fifo = Files { key: odd, ..files };
    let error = server(&fifo).unwrap_err().to_string();
    assert!(error.contains("is not a regular file"), "{error}");
}

#[test]
fn a_renewed_certificate_counts_for_the_next_connection_and_a_broken_one_does_not() {
    let fleet = Fleet::new();
    let files = fleet.authority.sign(&["v1"]);
    let machine = client(&fleet.authority.sign(&["web1"])).unwrap();
    // Renewal programs use links, which change.
    let directory = fleet.directory.path();
    let linked = Files {
        ca: files.ca.clone(),
        certificate: directory.join("live.pem"),
        key: directory.join("live.key"),
        key_group: None,
    };
    let point_at = |to: &Files| {
        for (link, to) in [
            (&linked.certificate, &to.certificate),
            (&linked.key, &to.key),
        ] {
            let fresh = link.with_extension("fresh");
            symlink(to, &fresh).unwrap();
            fs::rename(fresh, link).unwrap();
        }
    };
    point_at(&files);
    let renewed = Renewed::new(linked.clone()).unwrap();
    let mut told = Vec::new();
    let mut works_as = |name: &'static str| {
        let config = renewed.config(|error| told.push(error.to_string()));
        shake(config, machine.clone(), name).is_ok()
    };
    assert!(works_as("v1") && !works_as("v2"));
    let second = fleet.authority.sign(&["v2"]);
    // The certificate changes first: until its key is there too, the earlier pair counts.
    let fresh = directory.join("fresh");
    symlink(&second.certificate, &fresh).unwrap();
    fs::rename(fresh, &linked.certificate).unwrap();
    assert!(works_as("v1") && !works_as("v2"));
    point_at(&second);
    assert!(works_as("v2") && !works_as("v1"));
    fs::write(&second.certificate, "").unwrap();
    assert!(works_as("v2") && works_as("v2"));
    // Machines would not accept this certificate: the earlier one still serves.
    for purposes in [&[][..], &[ClientAuth]] {
        let useless = fleet.authority.sign_for(&["v2"], Good::Now, purposes);
        assert!(Renewed::new(useless.clone()).is_err());
        point_at(&useless);
        assert!(works_as("v2"));
    }
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(told[0].contains("live.key: is not the key of the certificate"));
    assert!(told[1].contains("live.pem: has no certificate"));
    assert!(told[2].contains("live.pem: does not say that it is for serverAuth"));
    assert!(told[3].contains("live.pem: does not say that it is for serverAuth"));
}

#[test]
fn the_reason_why_a_file_cannot_be_used_is_told_in_each_language() {
    let fleet = Fleet::new();
    let good = fleet.authority.sign(&["web1"]);
    let at = |name: &str| fleet.directory.path().join(name);
    fs::write(at("empty"), "").unwrap();
    fs::write(at("odd"), "-----BEGIN CERTIFICATE-----\n!\n").unwrap();
    fs::write(at("large"), vec![b' '; 300_000]).unwrap();
    fs::write(at("open"), "").unwrap();
    fs::set_permissions(at("open"), fs::Permissions::from_mode(0o666)).unwrap();
    for name in ["empty", "odd", "large"] {
        fs::set_permissions(at(name), fs::Permissions::from_mode(0o600)).unwrap();
    }
    let with = |ca: Option<&str>, certificate: Option<&str>, key: Option<&str>| {
        let or = |name: Option<&str>, usual: &PathBuf| name.map_or_else(|| usual.clone(), at);
        let files = Files {
            ca: or(ca, &good.ca),
            certificate: or(certificate, &good.certificate),
            key: or(key, &good.key),
            key_group: None,
        };
        client(&files).unwrap_err()
    };
    for (error, name, english, names) in [
        (
            with(Some("none"), None, None),
            "none",
            "cannot be opened: No such file or directory (os error 2)",
            &[][..],
        ),
        (
            with(None, Some("empty"), None),
            "empty",
            "has no certificate (PEM)",
            &["PEM"],
        ),
        (with(None, Some("odd"), None), "odd", "is not PEM", &["PEM"]),
        (
            with(None, Some("open"), None),
            "open",
            "has mode 0666, at most 7755 is allowed",
            &[],
        ),
        (
            with(None, Some("large"), None),
            "large",
            "is larger than 262144 bytes",
            &[],
        ),
        (
            with(None, None, Some("empty")),
            "empty",
            "has no key (PEM) without a passphrase",
            &["PEM"],
        ),
        (
            with(None, None, Some("../")),
            "../",
            "is not a regular file",
            &[],
        ),
    ] {
        let path = at(name).display().to_string();
        assert_eq!(error.to_string(), format!("{path}: {english}"));
        let names = [&[&*path], names].concat();
        assert_korean(&error.text(Language::Korean), &names);
    }
    let other = fleet.authority.sign(&["web2"]);
    let files = Files {
        key: other.key,
        ..good.clone()
    };
    let error = client(&files).unwrap_err();
    let path = files.key.display().to_string();
    assert_eq!(
        error.to_string(),
        format!(
            "{path}: is not the key of the certificate; where both are being renewed, it will be"
        )
    );
    assert_korean(&error.text(Language::Korean), &[&path]);
    let of_tls = Unusable::new(Path::new("/x"), of_tls(&"general error"));
    assert_eq!(of_tls.to_string(), "/x: general error");
    let korean = of_tls.text(Language::Korean);
    assert_eq!(korean, "/x: TLS 라이브러리의 메시지: general error");
}

#[test]
fn the_usual_faults_of_a_certificate_are_told_in_each_language() {
    use rustls::CertificateError::{
        BadSignature, Expired, NotValidForName, NotValidYet, UnknownIssuer,
    };
    for (fault, names) in [
        (Expired, &[][..]),
        (NotValidYet, &[]),
        (UnknownIssuer, &["CA"]),
        (BadSignature, &["TLS", "CA"]),
        (NotValidForName, &[]),
    ] {
        let error = rustls::Error::InvalidCertificate(fault);
        let why = why_of(&error);
        assert_eq!(why.text(Language::English), error.to_string());
        assert_korean(&why.text(Language::Korean), names);
    }
}
