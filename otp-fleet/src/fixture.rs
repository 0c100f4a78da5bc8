//! Certificates for tests, in a directory of their own.
#![allow(dead_code, reason = "not every test uses all of it")]

use crate::tls::Files;
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Signs certificates into a directory.
pub(crate) struct Authority {
    directory: PathBuf,
    issuer: Issuer<'static, KeyPair>,
    name: &'static str,
    /// The certificates that lead to the well-known authority (PEM).
    between: String,
}

/// The time in which a certificate is valid.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Good {
    Now,
    Once,
    Later,
}

impl Authority {
    pub(crate) fn new(directory: &Path, name: &'static str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let directory = directory.to_owned();
        fs::write(directory.join(format!("{name}.ca")), certificate.pem()).unwrap();
        Self {
            directory,
            issuer: Issuer::new(params, key),
            name,
            between: String::new(),
        }
    }

    /// Makes an authority that this one has signed, for these purposes.
    pub(crate) fn between(&self, purposes: &[ExtendedKeyUsagePurpose]) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.extended_key_usages = purposes.to_vec();
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, "between");
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Self {
            directory: self.directory.clone(),
            issuer: Issuer::new(params, key),
            name: self.name,
            between: certificate.pem(),
        }
    }

    /// Signs the files of a peer with these names; the first one is its own name.
    pub(crate) fn sign(&self, names: &[&str]) -> Files {
        self.sign_for(names, Good::Now, &BOTH)
    }

    pub(crate) fn sign_for(
        &self,
        names: &[&str],
        good: Good,
        purposes: &[ExtendedKeyUsagePurpose],
    ) -> Files {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let file = names.first().map_or("nobody", String::as_str).to_owned();
        let mut params = CertificateParams::new(names).unwrap();
        params.extended_key_usages = purposes.to_vec();
        (params.not_before, params.not_after) = match good {
            Good::Now => (date_time_ymd(2020, 1, 1), date_time_ymd(4000, 1, 1)),
            Good::Once => (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1)),
            Good::Later => (date_time_ymd(3999, 1, 1), date_time_ymd(4000, 1, 1)),
        };
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let at = |kind: &str| self.directory.join(format!("{file}.{kind}"));
        fs::write(at("pem"), certificate.pem() + &self.between).unwrap();
        fs::write(at("key"), key.serialize_pem()).unwrap();
        fs::set_permissions(at("key"), fs::Permissions::from_mode(0o600)).unwrap();
        Files {
            ca: self.directory.join(format!("{}.ca", self.name)),
            certificate: at("pem"),
            key: at("key"),
            key_group: None,
        }
    }
}

pub(crate) const BOTH: [ExtendedKeyUsagePurpose; 2] = [
    ExtendedKeyUsagePurpose::ServerAuth,
    ExtendedKeyUsagePurpose::ClientAuth,
];

/// Asserts that a Korean text has nothing in English, except the given names, each of which it has.
pub(crate) fn assert_korean(said: &str, names: &[&str]) {
    let mut rest = said.to_owned();
    for name in names {
        assert!(rest.contains(name), "{name}: {said}");
        rest = rest.replace(name, "");
    }
    let is_hangul = |letter: char| ('가'..='힣').contains(&letter);
    let is_english = |letter: char| letter.is_ascii_alphabetic();
    assert!(rest.contains(is_hangul), "{said}");
    assert!(!rest.contains(is_english), "{said}");
}
