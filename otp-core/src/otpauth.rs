//! The otpauth URI, which the QR code gives to the phone.

use crate::base32;
use crate::record::{Algorithm, Authenticator, Digits, Kind, Period};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt::Write;
use zeroize::Zeroizing;

/// The unreserved characters of RFC 3986 section 2.3 stay as they are. So does `@`, which every app accepts.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'@');

/// Returns the URI of a new `authenticator` for `account` at `issuer`. It is a secret.
///
/// An event-based authenticator begins with counter 0; see [`reveal_uri_from`].
#[must_use]
pub fn reveal_uri(authenticator: &Authenticator, issuer: &str, account: &str) -> Zeroizing<String> {
    reveal_uri_from(authenticator, 0, issuer, account)
}

/// Returns the URI of `authenticator`; if it is event-based, its next code is that of `counter`. It is a secret.
///
/// Period, digits and algorithm are left out if every app assumes these values, so that the QR code stays small. Other
/// values are always written, or the phone would show wrong codes.
#[must_use]
pub fn reveal_uri_from(
    authenticator: &Authenticator,
    counter: u64,
    issuer: &str,
    account: &str,
) -> Zeroizing<String> {
    let secret = base32::reveal(authenticator.secret.reveal_bytes());
    // Sized beforehand: a string that grows leaves copies of the key behind.
    let mut uri = Zeroizing::new(String::with_capacity(
        128 + secret.len() + 6 * issuer.len() + 3 * account.len(),
    ));
    let issuer = utf8_percent_encode(issuer, ESCAPED);
    let account = utf8_percent_encode(account, ESCAPED);
    let kind = match authenticator.kind {
        Kind::Totp(_) => "totp",
        Kind::Hotp => "hotp",
    };
    let mut write =
        |part: std::fmt::Arguments<'_>| uri.write_fmt(part).expect("a String takes every write");
    write(format_args!(
        "otpauth://{kind}/{issuer}:{account}?secret={}&issuer={issuer}",
        *secret
    ));
    if authenticator.algorithm != Algorithm::Sha1 {
        write(format_args!(
            "&algorithm={}",
            authenticator.algorithm.name()
        ));
    }
    if authenticator.digits != Digits::SIX {
        write(format_args!("&digits={}", authenticator.digits.count()));
    }
    match authenticator.kind {
        Kind::Totp(Period::THIRTY) => {}
        Kind::Totp(period) => write(format_args!("&period={}", period.seconds())),
        Kind::Hotp => write(format_args!("&counter={counter}")),
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Id, Name, Secret};
    use crate::time::UnixTime;

    fn uri(kind: Kind, algorithm: Algorithm, digits: u64, issuer: &str, account: &str) -> String {
        reveal_uri(&device(kind, algorithm, digits), issuer, account).to_string()
    }

    fn device(kind: Kind, algorithm: Algorithm, digits: u64) -> Authenticator {
        Authenticator {
            id: Id::from_random([0; 8]),
            name: Name::new("phone").unwrap(),
            kind,
            algorithm,
            digits: Digits::new(digits).unwrap(),
            secret: Secret::new(Zeroizing::new(b"12345678901234567890".to_vec())).unwrap(),
            window: None,
            created: UnixTime::from_seconds(0),
        }
    }

    #[test]
    fn defaults_are_left_out() {
        assert_eq!(
            uri(
                Kind::Totp(Period::THIRTY),
                Algorithm::Sha1,
                6,
                "web1",
                "alice"
            ),
            "otpauth://totp/web1:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=web1"
        );
    }

    #[test]
    fn values_other_than_the_defaults_are_written() {
        assert_eq!(
            uri(
                Kind::Totp(Period::new(60).unwrap()),
                Algorithm::Sha256,
                8,
                "web1",
                "alice"
            ),
            "otpauth://totp/web1:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=web1&algorithm=SHA256&digits=8&period=60"
        );
        assert!(
            uri(Kind::Hotp, Algorithm::Sha1, 6, "web1", "alice")
                .ends_with("&issuer=web1&counter=0")
        );
    }

    #[test]
    fn the_counter_of_an_event_based_authenticator_is_written() {
        let token = device(Kind::Hotp, Algorithm::Sha1, 6);
        for counter in [0, 17, u64::MAX] {
            let uri = reveal_uri_from(&token, counter, "web1", "alice");
            assert!(uri.ends_with(&format!("&counter={counter}")));
        }
        let phone = device(Kind::Totp(Period::THIRTY), Algorithm::Sha1, 6);
        assert!(!reveal_uri_from(&phone, 17, "web1", "alice").contains("counter"));
    }

    #[test]
    fn names_are_escaped() {
        let uri = uri(
            Kind::Totp(Period::THIRTY),
            Algorithm::Sha1,
            6,
            "A & B: 회사",
            "kim@corp/x?y",
        );
        assert!(
            uri.starts_with(
                "otpauth://totp/A%20%26%20B%3A%20%ED%9A%8C%EC%82%AC:kim@corp%2Fx%3Fy?secret="
            ),
            "{uri}"
        );
        assert!(
            uri.ends_with("&issuer=A%20%26%20B%3A%20%ED%9A%8C%EC%82%AC"),
            "{uri}"
        );
    }
}
