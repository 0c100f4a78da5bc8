//! Everything that is written reads back.

use super::*;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// The parts of an authenticator: the real type cannot be printed, as proptest must.
#[derive(Debug)]
struct Device {
    id: [u8; 8],
    name: Name,
    period: Option<Period>,
    algorithm: Algorithm,
    digits: Digits,
    key: Vec<u8>,
    /// Both sides, before they are limited to what the kind can have.
    window: Option<(u64, u64)>,
    created: u64,
}

/// The parts of a set of recovery codes.
#[derive(Debug)]
struct Codes {
    origin: Origin,
    id: [u8; 8],
    salt: [u8; 16],
    hashes: Vec<[u8; 32]>,
    created: u64,
}

/// The greatest integer of TOML.
const MOST: u64 = i64::MAX as u64;

prop_compose! {
    fn any_device()(
        id: [u8; 8],
        name in "\\PC{1,32}".prop_filter_map("not a name", |name| Name::new(&name).ok()),
        period in option::of((15..=120_u64).prop_map(|seconds| Period::new(seconds).unwrap())),
        algorithm in prop::sample::select(vec![Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512]),
        digits in (6..=8_u64).prop_map(|count| Digits::new(count).unwrap()),
        key in vec(any::<u8>(), 10..=128),
        window in option::of((0..=10_u64, 0..=10_u64)),
        created in 0..=MOST,
    ) -> Device {
        Device { id, name, period, algorithm, digits, key, window, created }
    }
}

prop_compose! {
    fn any_codes()(
        id: [u8; 8],
        salt: [u8; 16],
        hashes in vec(any::<[u8; 32]>(), 0..=32),
        origin in prop::sample::select(Origin::ALL.to_vec()),
        created in 0..=MOST,
    ) -> Codes {
        Codes { origin, id, salt, hashes, created }
    }
}

fn made_of(
    user: String,
    uid: u32,
    devices: Vec<Device>,
    codes: Option<Codes>,
) -> Option<Credential> {
    let authenticators = devices.into_iter().map(|device| Authenticator {
        id: Id::from_random(device.id),
        name: device.name,
        kind: device.period.map_or(Kind::Hotp, Kind::Totp),
        algorithm: device.algorithm,
        digits: device.digits,
        secret: Secret::new(Zeroizing::new(device.key)).unwrap(),
        window: device.window.map(|(before, after)| match device.period {
            Some(_) => Window::of_steps(before, after).unwrap(),
            None => Window::of_counters(1 + 9 * after).unwrap(),
        }),
        created: UnixTime::from_seconds(device.created),
    });
    let recovery = codes.map(|codes| RecoverySet {
        id: Id::from_random(codes.id),
        origin: codes.origin,
        salt: Salt(codes.salt),
        hashes: codes.hashes.into_iter().map(CodeHash).collect(),
        created: UnixTime::from_seconds(codes.created),
    });
    Credential::new(user, uid, authenticators.collect(), recovery).ok()
}

proptest! {
    #[test]
    fn whatever_is_written_reads_back(
        user in any::<String>(),
        uid: u32,
        devices in vec(any_device(), 1..=4),
        codes in option::of(any_codes()),
    ) {
        // Two devices of the same name are not a credential.
        let written = made_of(user, uid, devices, codes);
        prop_assume!(written.is_some());
        let written = written.unwrap();
        let text = reveal(&written);
        prop_assert!(text.len() as u64 <= LIMIT);
        let read = parse_text(&text).unwrap();
        prop_assert_eq!((read.user(), read.uid()), (written.user(), written.uid()));
        prop_assert_eq!(read.authenticators().len(), written.authenticators().len());
        for (read, written) in read.authenticators().iter().zip(written.authenticators()) {
            prop_assert_eq!(read.id, written.id);
            prop_assert_eq!(&read.name, &written.name);
            prop_assert_eq!(read.kind, written.kind);
            prop_assert_eq!(read.algorithm, written.algorithm);
            prop_assert_eq!(read.digits, written.digits);
            prop_assert_eq!(read.window, written.window);
            prop_assert!(read.secret.reveal_bytes() == written.secret.reveal_bytes());
            prop_assert_eq!(read.created, written.created);
        }
        prop_assert_eq!(read.recovery().is_some(), written.recovery().is_some());
        if let (Some(read), Some(written)) = (read.recovery(), written.recovery()) {
            prop_assert_eq!((read.id, read.origin), (written.id, written.origin));
            prop_assert!(read.salt == written.salt && read.hashes == written.hashes);
            prop_assert_eq!(read.created, written.created);
        }
    }

    #[test]
    fn one_wrong_byte_never_causes_a_panic_or_reveals_a_secret(at in 0..EXAMPLE.len(), byte: u8) {
        let mut bytes = EXAMPLE.as_bytes().to_vec();
        bytes[at] = byte;
        prop_assert_eq!(outline(&bytes).err(), unparsed(&bytes));
        if let Err(error) = parse(PATH, &bytes) {
            assert_tells_no_secret_of(EXAMPLE.as_bytes(), &error);
        }
    }
}

#[test]
fn a_user_of_any_name_reads_back() {
    for user in [
        "CORP\\alice",
        "a\"b",
        "a\tb\nc\0d\u{7f}\u{80}\u{2028}",
        "김 철수",
        "'''\"\"\"",
        "",
    ] {
        let phone = Device {
            id: [1; 8],
            name: Name::new("phone").unwrap(),
            period: None,
            algorithm: Algorithm::Sha1,
            digits: Digits::SIX,
            key: vec![7; 20],
            window: None,
            created: 0,
        };
        let written = made_of(user.to_owned(), 1001, vec![phone], None).unwrap();
        assert_eq!(parse_text(&reveal(&written)).unwrap().user(), user);
    }
}
