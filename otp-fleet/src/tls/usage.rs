//! Checks the use that a certificate states (extended key usage, RFC 5280, 4.2.1.12). A certificate must state it.
//!
//! rustls makes all its usual checks. But rustls accepts a certificate that states no use for any use. Then a
//! machine's certificate would also do for a verifier of the same name, and the reverse. So here a certificate that
//! states no use is refused. Certificates between it and the authority need not state any.

use super::provider;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    SignatureScheme,
};
use std::cell::Cell;
use std::sync::Arc;
use webpki::{EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeIdIter, KeyUsage};

/// id-kp-serverAuth, as encoded in a certificate.
const SERVER: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 1];
/// id-kp-clientAuth.
const CLIENT: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 2];

/// Checks verifiers' certificates, for machines.
#[derive(Debug)]
pub(super) struct Servers {
    by_rustls: Arc<WebPkiServerVerifier>,
    anchors: Vec<TrustAnchor<'static>>,
}

/// Checks the certificates of machines and administrators, for verifiers.
#[derive(Debug)]
pub(super) struct Clients {
    by_rustls: Arc<dyn ClientCertVerifier>,
    anchors: Vec<TrustAnchor<'static>>,
}

impl Servers {
    /// Accepts certificates that these authorities have signed.
    pub(super) fn signed_by(roots: RootCertStore) -> Result<Self, VerifierBuilderError> {
        let anchors = roots.roots.clone();
        let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider());
        Ok(Self {
            by_rustls: builder.build()?,
            anchors,
        })
    }
}

impl Clients {
    /// Accepts certificates that these authorities have signed.
    pub(super) fn signed_by(roots: RootCertStore) -> Result<Self, VerifierBuilderError> {
        let anchors = roots.roots.clone();
        let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
        Ok(Self {
            by_rustls: builder.build()?,
            anchors,
        })
    }
}

/// Checks the use of only the first certificate of a chain, which is checked first, and not that of authorities.
struct OfTheFirst {
    usage: KeyUsage,
    is_looked_at: Cell<bool>,
}

impl ExtendedKeyUsageValidator for OfTheFirst {
    fn validate(&self, purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        if self.is_looked_at.replace(true) {
            return Ok(());
        }
        self.usage.validate(purposes)
    }
}

/// Checks that a certificate states that use.
fn must_say(
    usage: &'static [u8],
    certificate: &CertificateDer<'_>,
    between: &[CertificateDer<'_>],
    anchors: &[TrustAnchor<'_>],
    now: UnixTime,
) -> Result<(), Error> {
    let not_for_this = |_| Error::InvalidCertificate(CertificateError::InvalidPurpose);
    says(usage, certificate, between, anchors, now).map_err(not_for_this)
}

/// Whether no machine would accept the first of these as a verifier's, because of the uses that it states. Other
/// faults are not checked.
pub(super) fn is_useless_for_a_server(certificates: &[CertificateDer<'_>]) -> bool {
    let Some((certificate, between)) = certificates.split_first() else {
        return true;
    };
    // The use is checked before the signer is searched.
    let said = says(SERVER, certificate, between, &[], UnixTime::now());
    matches!(said, Err(webpki::Error::RequiredEkuNotFoundContext(_)))
}

fn says(
    usage: &'static [u8],
    certificate: &CertificateDer<'_>,
    between: &[CertificateDer<'_>],
    anchors: &[TrustAnchor<'_>],
    now: UnixTime,
) -> Result<(), webpki::Error> {
    let usage = OfTheFirst {
        usage: KeyUsage::required(usage),
        is_looked_at: Cell::new(false),
    };
    let algorithms = provider().signature_verification_algorithms.all;
    EndEntityCert::try_from(certificate).and_then(|certificate| {
        let verified =
            certificate.verify_for_usage(algorithms, anchors, between, now, usage, None, None);
        verified.map(drop)
    })
}

impl ServerCertVerifier for Servers {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self
            .by_rustls
            .verify_server_cert(certificate, between, name, ocsp, now)?;
        must_say(SERVER, certificate, between, &self.anchors, now)?;
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.by_rustls
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.by_rustls
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.by_rustls.supported_verify_schemes()
    }
}

impl ClientCertVerifier for Clients {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.by_rustls.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self
            .by_rustls
            .verify_client_cert(certificate, between, now)?;
        must_say(CLIENT, certificate, between, &self.anchors, now)?;
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.by_rustls
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.by_rustls
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.by_rustls.supported_verify_schemes()
    }
}
