use super::*;
use crate::recovery::RecoveryCode;

const NOW: UnixTime = UnixTime::from_seconds(1_763_640_000);

fn known(id: u8, name: &str) -> Known {
    Known {
        id: Id::from_random([id; 8]),
        name: Name::new(name).unwrap(),
        kind: Kind::Totp(Period::THIRTY),
        created: NOW,
    }
}

fn authenticator(id: u8, name: &str) -> Authenticator {
    Authenticator {
        id: Id::from_random([id; 8]),
        name: Name::new(name).unwrap(),
        kind: Kind::Totp(Period::THIRTY),
        algorithm: Algorithm::Sha1,
        digits: Digits::SIX,
        secret: Secret::new(Zeroizing::new(vec![id; 20])).unwrap(),
        window: None,
        created: NOW,
    }
}

fn codes(count: usize) -> RecoverySet {
    let salt = Salt([7; 16]);
    let code = |at: usize| RecoveryCode::from_random([u8::try_from(at).unwrap(); 10]);
    RecoverySet {
        id: Id::from_random([9; 8]),
        origin: Origin::Issued,
        salt,
        hashes: (0..count).map(|at| code(at).hash(&salt)).collect(),
        created: NOW,
    }
}

#[test]
fn numbers_beyond_their_limits_are_refused() {
    for (bytes, fits) in [(9, false), (10, true), (128, true), (129, false)] {
        let secret = Secret::new(Zeroizing::new(vec![1; bytes]));
        assert_eq!(secret.is_ok(), fits, "{bytes} bytes");
        assert!(secret.is_err() || secret.unwrap().reveal_bytes() == vec![1; bytes]);
    }
    for (digits, fits) in [
        (5, false),
        (6, true),
        (8, true),
        (9, false),
        (256 + 6, false),
    ] {
        let count = Digits::new(digits).map(|digits| u64::from(digits.count()));
        assert_eq!(count.ok(), fits.then_some(digits));
    }
    for (seconds, fits) in [
        (14, false),
        (15, true),
        (120, true),
        (121, false),
        (256 + 30, false),
    ] {
        let period = Period::new(seconds).map(Period::seconds);
        assert_eq!(period.ok(), fits.then_some(seconds));
    }
}

/// RFC 6238 appendix B.
#[test]
fn a_new_key_is_as_long_as_the_hash() {
    let lengths = Algorithm::ALL.map(|one| (one.name(), one.fresh_key_bytes()));
    assert_eq!(lengths, [("SHA1", 20), ("SHA256", 32), ("SHA512", 64)]);
}

#[test]
fn an_id_reads_back_and_has_only_one_spelling() {
    let id = Id::from_random([0x0f, 1, 2, 3, 4, 5, 6, 0xab]);
    assert_eq!(id.text(), "0f010203040506ab");
    assert_eq!(Id::parse("0f010203040506ab"), Some(id));
    for text in [
        "",
        "0f010203040506a",
        "0f010203040506ab00",
        "0F010203040506AB",
        "0f010203040506ag",
    ] {
        assert_eq!(Id::parse(text), None, "{text}");
    }
}

#[test]
fn a_name_prints_unchanged_on_one_line() {
    let (longest, too_long) = ("휴".repeat(32), "휴".repeat(33));
    for name in ["x", "phone", "회사 전화", longest.as_str()] {
        assert_eq!(Name::new(name).unwrap().as_str(), name);
    }
    for name in [
        "",
        " phone",
        "phone ",
        "a\"b",
        "a\\b",
        "a\nb",
        "a\u{7f}b",
        "a\u{200b}b",
        "a\u{202e}b",
        "a\u{ad}b",
        "a\u{61c}b",
        "a\u{180e}b",
        "a\u{2028}b",
        "a\u{206f}b",
        "a\u{feff}b",
        "a\u{fffb}b",
        "a\u{e0001}b",
        too_long.as_str(),
    ] {
        assert!(Name::new(name).is_err(), "{name:?}");
    }
}

/// An outline has everything that its credential has, except the keys, and is refused for the same reasons.
#[test]
fn an_account_has_one_to_four_distinct_authenticators_and_at_most_32_recovery_codes() {
    let four = [(1, "a"), (2, "b"), (3, "c"), (4, "d")];
    let five = [(1, "a"), (2, "b"), (3, "c"), (4, "d"), (5, "e")];
    for (devices, count, fits) in [
        (&four[..0], 0, false),
        (&four[..1], 0, true),
        (&four, 32, true),
        (&four, 33, false),
        (&five, 0, false),
        (&[(1, "a"), (1, "b")], 0, false),
        (&[(1, "a"), (2, "b"), (3, "b")], 0, false),
    ] {
        let authenticators = devices.iter().map(|&(id, name)| authenticator(id, name));
        let set = (count > 0).then(|| codes(count));
        let issued = set.as_ref().map(|set| Issued {
            id: set.id,
            origin: set.origin,
            count,
        });
        let credential = Credential::new("alice".to_owned(), 1001, authenticators.collect(), set);
        let known: Vec<_> = devices.iter().map(|&(id, name)| known(id, name)).collect();
        let outline = Outline::new("alice".to_owned(), 1001, known.clone(), issued);
        assert_eq!(
            (credential.is_ok(), outline.is_ok()),
            (fits, fits),
            "{devices:?}"
        );
        let (Ok(credential), Ok(outline)) = (credential, outline) else {
            continue;
        };
        assert_eq!((credential.user(), credential.uid()), ("alice", 1001));
        assert_eq!((outline.user(), outline.uid()), ("alice", 1001));
        assert_eq!(outline.authenticators(), known);
        let ids: Vec<_> = known.iter().map(|one| one.id).collect();
        assert!(credential.ids().eq(ids.iter().copied()) && outline.ids().eq(ids));
        assert_eq!((credential.issued(), outline.issued()), (issued, issued));
        assert_eq!(
            credential.recovery().map(|set| set.id),
            issued.map(|set| set.id)
        );
        let (authenticators, recovery) = credential.into_parts();
        assert_eq!(authenticators.len(), devices.len());
        assert_eq!(
            recovery.map(|set| set.hashes.len()),
            issued.map(|set| set.count)
        );
    }
}
