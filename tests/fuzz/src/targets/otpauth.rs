//! The URI of a QR code: a reader of its own finds the authenticator's properties in it.

use crate::dice::Dice;
use otp_core::otpauth::reveal_uri;
use otp_core::record::{Algorithm, Authenticator, Digits, Id, Kind, Name, Period, Secret};
use otp_core::{UnixTime, base32};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

pub(super) fn run(bytes: &[u8]) {
    let mut dice = Dice::new(bytes);
    let algorithm = *dice.pick(&Algorithm::ALL);
    let digits = 6 + dice.below(3);
    let kind = if dice.one_in(4) {
        Kind::Hotp
    } else {
        Kind::Totp(
            Period::new([30, 60, 15, 120, 31][usize::try_from(dice.below(5)).unwrap()]).unwrap(),
        )
    };
    let key = dice.run(128);
    let mut key = key.to_vec();
    key.resize(key.len().max(10), 7);
    let issuer = String::from_utf8_lossy(dice.run(200)).into_owned();
    let account = String::from_utf8_lossy(dice.rest()).into_owned();
    let device = Authenticator {
        id: Id::from_random([0; 8]),
        name: Name::new("phone").unwrap(),
        kind,
        algorithm,
        digits: Digits::new(digits).unwrap(),
        secret: Secret::new(Zeroizing::new(key.clone())).unwrap(),
        window: None,
        created: UnixTime::from_seconds(0),
    };
    let uri = reveal_uri(&device, &issuer, &account);
    assert!(
        uri.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b":/?&=%-._~@".contains(&byte))
    );

    let rest = uri.strip_prefix("otpauth://").expect("the scheme");
    let (host, rest) = rest.split_once('/').expect("a path");
    let (label, query) = rest.split_once('?').expect("a query");
    let (before, after) = label.split_once(':').expect("issuer and account");
    assert_eq!((decoded(before), decoded(after)), (issuer.clone(), account));
    let mut said = BTreeMap::new();
    for pair in query.split('&') {
        let (key, value) = pair.split_once('=').expect("a key and a value");
        assert!(said.insert(key, decoded(value)).is_none(), "each key once");
    }
    let mut take = |key| said.remove(key);
    assert_eq!(take("issuer").as_ref(), Some(&issuer));
    assert_eq!(
        base32::parse(&take("secret").unwrap()).unwrap().as_slice(),
        key
    );
    assert_eq!(
        take("algorithm").unwrap_or("SHA1".to_owned()),
        algorithm.name()
    );
    assert_eq!(take("digits").unwrap_or("6".to_owned()), digits.to_string());
    match kind {
        Kind::Totp(period) => {
            assert_eq!(host, "totp");
            assert_eq!(
                take("period").unwrap_or("30".to_owned()),
                period.seconds().to_string()
            );
        }
        Kind::Hotp => {
            assert_eq!((host, take("counter").as_deref()), ("hotp", Some("0")));
        }
    }
    assert!(said.is_empty(), "nothing else is in it");
}

/// RFC 3986 section 2.1.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        if first == b'%' {
            let digits = std::str::from_utf8(&after[..2]).unwrap();
            bytes.push(u8::from_str_radix(digits, 16).unwrap());
            rest = &after[2..];
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    String::from_utf8(bytes).unwrap()
}
