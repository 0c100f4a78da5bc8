//! Reads one otpauth URI, as servers show it to phones.

use crate::numbers::decimal;
use crate::{Device, Owner, Past, key};
use otp_core::base32;
use otp_core::messages::import::{Field, Flaw, Obstacle, Remark};
use otp_core::record::{Algorithm, Digits, Kind};
use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

const SCHEME: &str = "otpauth://";
const MIGRATION: &str = "otpauth-migration:";

/// Whether the text is meant to be such a URI.
pub(crate) fn is_uri(text: &str) -> bool {
    begins(text, "otpauth:") || begins(text, MIGRATION)
}

fn begins(text: &str, with: &str) -> bool {
    text.get(..with.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(with))
}

/// The result of reading a URI: the user that the label names, and the key or the reason why it cannot be imported.
pub(crate) struct Read {
    pub owner: Option<Owner>,
    pub device: Result<Device, Obstacle>,
}

pub(crate) fn read(text: &str) -> Read {
    match parts(text) {
        Ok((kind, label, query)) => Read {
            owner: owner(label),
            device: device(kind, query),
        },
        Err(flaw) => Read {
            owner: None,
            device: Err(Obstacle::Unreadable(flaw)),
        },
    }
}

fn parts(text: &str) -> Result<(&str, &str, &str), Flaw> {
    if begins(text, MIGRATION) {
        return Err(Flaw::Migration);
    }
    let rest = text
        .get(SCHEME.len()..)
        .filter(|_| begins(text, SCHEME))
        .ok_or(Flaw::Uri)?;
    let (kind, rest) = rest.split_once('/').ok_or(Flaw::Uri)?;
    let (label, query) = rest.split_once('?').ok_or(Flaw::Uri)?;
    Ok((kind, label, query.split('#').next().unwrap_or(query)))
}

/// Finds the account in a label: `issuer:account`, where the colon may be escaped, or the account alone.
///
/// `FreeIPA` writes them in the other order: the issuer is the user's principal, `alice@EXAMPLE.COM`, and the name of
/// the key follows.
fn owner(label: &str) -> Option<Owner> {
    let label = percent_decode_str(label).decode_utf8().ok()?;
    let account = match label.split_once(':') {
        Some((issuer, key)) if issuer.contains('@') && !key.contains('@') => issuer,
        Some((_, account)) => account,
        None => &*label,
    };
    let account = account.trim();
    (!account.is_empty()).then(|| Owner::perhaps_of_realm(account.to_owned()))
}

/// Returns the value of a parameter; if it appears twice, the first. Only the value of `secret` is a secret.
fn parameter(query: &str, name: &str) -> Result<Option<Zeroizing<String>>, Flaw> {
    let pairs = query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let Some((_, value)) = pairs
        .into_iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
    else {
        return Ok(None);
    };
    let value = percent_decode_str(value)
        .decode_utf8()
        .map_err(|_| Flaw::Uri)?;
    Ok(Some(Zeroizing::new(value.into_owned())))
}

fn device(kind: &str, query: &str) -> Result<Device, Obstacle> {
    let text = |name| parameter(query, name).map_err(Obstacle::Unreadable);
    let number = |name, field| {
        let flaw = Obstacle::Unreadable(Flaw::Number(field));
        let read = |text: Zeroizing<String>| decimal(text.trim()).ok_or(flaw);
        text(name)?.map(read).transpose()
    };
    // privacyIDEA's two-step keys: the phone adds its half, and no server shows the whole key.
    let is_half = query
        .split('&')
        .any(|pair| pair.to_ascii_lowercase().starts_with("2step_"));
    if is_half {
        return Err(Obstacle::TwoStep);
    }
    if text("encoder")?.is_some_and(|encoder| !encoder.is_empty()) {
        // Steam's codes are letters.
        return Err(Obstacle::Algorithm);
    }
    let secret = text("secret")?.ok_or(Obstacle::Unreadable(Flaw::NoKey))?;
    let secret = key::secret(base32::parse(&secret).ok_or(Obstacle::Unreadable(Flaw::Key))?)?;
    let algorithm = text("algorithm")?.map_or(Ok(Algorithm::Sha1), |name| key::algorithm(&name))?;
    let digits = number("digits", Field::Digits)?.map_or(Ok(Digits::SIX), key::digits)?;
    let (kind, past, remarks) = if kind.eq_ignore_ascii_case("totp") {
        let seconds = number("period", Field::Step)?.unwrap_or(30);
        (key::totp(seconds)?, Past::Unknown, Vec::new())
    } else if kind.eq_ignore_ascii_case("hotp") {
        let next = number("counter", Field::Counter)?
            .ok_or(Obstacle::Unreadable(Flaw::Number(Field::Counter)))?;
        let past = Past::before(next);
        (Kind::Hotp, past, vec![Remark::CounterOfFile])
    } else {
        return Err(Obstacle::Algorithm);
    };
    Ok(Device {
        past,
        remarks,
        ..Device::of(kind, algorithm, digits, secret)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use otp_core::otpauth::reveal_uri;
    use otp_core::record::{Authenticator, Id, Name, Period, Secret};
    use otp_core::{Step, UnixTime};
    use proptest::prelude::*;

    const KEY: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    fn owner_of(label: &str) -> Option<String> {
        read(&format!("otpauth://totp/{label}?secret={KEY}"))
            .owner
            .map(|owner| owner.written)
    }

    fn refused(text: &str) -> Option<Obstacle> {
        read(text).device.err()
    }

    #[test]
    fn labels_of_different_servers_name_their_account() {
        for (label, account) in [
            ("alice", "alice"),
            ("web1:alice", "alice"),
            ("Example%20Corp%3Aalice", "alice"),
            ("Corp: alice", "alice"),
            ("Corp:%20alice%40corp.example", "alice@corp.example"),
            ("alice@web1", "alice@web1"),
            ("a:b:c", "b:c"),
            ("%EA%B9%80", "김"),
        ] {
            assert_eq!(owner_of(label).as_deref(), Some(account), "{label}");
        }
        assert_eq!(
            (owner_of(""), owner_of("web1:"), owner_of("%ff")),
            (None, None, None)
        );
    }

    #[test]
    fn given_values_are_read_and_missing_ones_take_the_default() {
        let one = read(&format!("otpauth://totp/alice?secret={KEY}"))
            .device
            .ok()
            .unwrap();
        assert_eq!(
            (one.kind, one.algorithm, one.digits),
            (Kind::Totp(Period::THIRTY), Algorithm::Sha1, Digits::SIX)
        );
        assert_eq!(one.past, Past::Unknown);
        let text = format!(
            "OTPAUTH://TOTP/a?issuer=x&Period=60&DIGITS=8&algorithm=HmacSHA256&secret={}",
            KEY.to_lowercase()
        );
        let one = read(&text).device.ok().unwrap();
        assert_eq!(
            (one.kind, one.algorithm, one.digits.count()),
            (Kind::Totp(Period::SIXTY), Algorithm::Sha256, 8)
        );
        assert!(one.secret.reveal_bytes() == b"12345678901234567890");
        for (counter, past) in [(0, Past::Never), (7, Past::UpTo(Step(6)))] {
            let one = read(&format!("otpauth://hotp/a?secret={KEY}&counter={counter}"))
                .device
                .ok()
                .unwrap();
            assert_eq!((one.kind, one.past), (Kind::Hotp, past));
            assert_eq!(one.remarks, [Remark::CounterOfFile]);
        }
    }

    #[test]
    fn a_key_that_cannot_be_imported_says_why() {
        let unreadable = |flaw| Some(Obstacle::Unreadable(flaw));
        for text in [
            "otpauth://totp/alice",
            "otpauth://totp",
            "otpauth:totp",
            "https://x/?secret=x",
            "",
        ] {
            assert_eq!(refused(text), unreadable(Flaw::Uri), "{text}");
        }
        assert_eq!(
            refused("otpauth-migration://offline?data=CjUK"),
            unreadable(Flaw::Migration)
        );
        let with = |rest: &str| refused(&format!("otpauth://totp/a?secret={KEY}{rest}"));
        assert_eq!(
            with("&2step_salt=8&2step_output=20&2step_difficulty=1"),
            Some(Obstacle::TwoStep)
        );
        assert_eq!(with("&encoder=steam"), Some(Obstacle::Algorithm));
        assert_eq!(with("&digits=5"), Some(Obstacle::Digits));
        assert_eq!(with("&digits=x"), unreadable(Flaw::Number(Field::Digits)));
        assert_eq!(
            with("&period=300"),
            Some(Obstacle::StepSize { seconds: 300 })
        );
        assert_eq!(with("&period=0"), unreadable(Flaw::Number(Field::Step)));
        assert_eq!(with("&algorithm=MD5"), Some(Obstacle::Algorithm));
        assert_eq!(refused("otpauth://totp/a?x=1"), unreadable(Flaw::NoKey));
        assert_eq!(refused("otpauth://totp/a?secret="), unreadable(Flaw::NoKey));
        assert_eq!(
            refused("otpauth://totp/a?secret=GEZDGNBV1"),
            unreadable(Flaw::Key)
        );
        assert_eq!(
            refused("otpauth://totp/a?secret=GEZDGNBVGY3TQOI"),
            Some(Obstacle::ShortKey { bits: 72 })
        );
        assert_eq!(
            refused(&format!("otpauth://hotp/a?secret={KEY}")),
            unreadable(Flaw::Number(Field::Counter))
        );
        assert_eq!(
            refused(&format!("otpauth://motp/a?secret={KEY}")),
            Some(Obstacle::Algorithm)
        );
    }

    proptest! {
        #[test]
        fn uris_that_we_write_are_read(key in prop::collection::vec(any::<u8>(), 10..=128), algorithm in 0..3_usize, digits in 6..=8_u64,
            period in 15..=120_u64, hotp: bool, account in "[a-z가-힣 @./]{0,12}[a-z]")
        {
            let kind = if hotp { Kind::Hotp } else { Kind::Totp(Period::new(period).unwrap()) };
            let one = Authenticator {
                id: Id::from_random([0; 8]),
                name: Name::new("phone").unwrap(),
                kind,
                algorithm: Algorithm::ALL[algorithm],
                digits: Digits::new(digits).unwrap(),
                secret: Secret::new(Zeroizing::new(key)).unwrap(),
                window: None,
                created: UnixTime::from_seconds(0),
            };
            let read = read(&reveal_uri(&one, "web1", &account));
            prop_assert_eq!(read.owner.unwrap().written, account.trim());
            let device = read.device.ok().unwrap();
            prop_assert!(device.secret.reveal_bytes() == one.secret.reveal_bytes());
            prop_assert_eq!((device.kind, device.algorithm, device.digits), (one.kind, one.algorithm, one.digits));
        }
    }
}
