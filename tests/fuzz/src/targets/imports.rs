//! The files of other programs: the first octet says which. Every value read is within our limits, no error reveals content, and
//! lines without meaning change only the numbers of lines.

use super::assert_tells_nothing_of;
use otp_core::UnixTime;
use otp_core::record::Language;
use otp_import::{
    Entry, OathOptions, Past, PskcOptions, TransportKey, Unreadable, google_authenticator,
    key_container, uris, users_oath,
};

const LIMIT: usize = 64 * 1024;
const NOW: UnixTime = UnixTime::from_seconds(1_800_000_010);

pub(super) fn run(bytes: &[u8]) {
    let Some((&format, bytes)) = bytes.split_first() else {
        return;
    };
    let bytes = &bytes[..bytes.len().min(LIMIT)];
    match format % 5 {
        0 => google(bytes),
        1 => oath(bytes),
        2 => list(bytes),
        3 => container(bytes, false),
        _ => container(bytes, true),
    }
}

fn assert_sound(bytes: &[u8], entry: &Entry) {
    let lines = bytes.split(|&byte| byte == b'\n').count();
    assert!(
        (1..=lines).contains(&entry.line),
        "line {} of {lines}",
        entry.line
    );
    match &entry.device {
        Ok(device) => {
            let key = device.secret.reveal_bytes();
            assert!((10..=128).contains(&key.len()) && key.len() <= bytes.len());
            assert!(device.scratch_codes.len() <= bytes.len() / 8);
            let used = |seconds| {
                let now = UnixTime::from_seconds(seconds);
                device
                    .past
                    .newest_used(device.kind, device.drift, device.ahead, now)
            };
            // A used code stays used, so a later moment never allows more.
            assert!(used(NOW.seconds()) <= used(NOW.seconds() + 1000));
            assert_eq!(
                used(0).is_none(),
                device.past == Past::Never || unknown_counter(device)
            );
        }
        Err(obstacle) => {
            for language in Language::ALL {
                assert_tells_nothing_of(bytes, &obstacle.text(language));
            }
        }
    }
}

/// Returns whether no counter is known: the past of an event-based key is a time, which says nothing about its counter.
fn unknown_counter(device: &otp_import::Device) -> bool {
    device.kind == otp_core::record::Kind::Hotp
        && matches!(device.past, Past::NotAfter(_) | Past::Unknown)
}

fn assert_same(one: &Entry, other: &Entry) {
    assert_eq!(one.owner, other.owner);
    assert_eq!(one.label, other.label);
    match (&one.device, &other.device) {
        (Ok(one), Ok(other)) => {
            assert!(one.secret.reveal_bytes() == other.secret.reveal_bytes());
            assert_eq!(
                (one.kind, one.algorithm, one.digits),
                (other.kind, other.algorithm, other.digits)
            );
            assert_eq!(
                (one.past, one.reach, one.drift),
                (other.past, other.reach, other.drift)
            );
        }
        (one, other) => assert_eq!(one.as_ref().err(), other.as_ref().err()),
    }
}

fn google(bytes: &[u8]) {
    let entry = google_authenticator(bytes);
    assert_sound(bytes, &entry);
    assert!(entry.owner.is_none());
    // An unknown option, at the end of the options' first line, has no meaning.
    if let Some(at) = bytes.iter().position(|&byte| byte == b'\n')
        && bytes.len() + 20 < LIMIT
    {
        let (first, rest) = bytes.split_at(at);
        let longer = [first, b"\n\" UNKNOWN 12345", rest].concat();
        assert_same(&entry, &google_authenticator(&longer));
    }
}

fn oath(bytes: &[u8]) {
    let options = OathOptions::default();
    let entries: Vec<_> = users_oath(bytes, options).collect();
    for entry in &entries {
        assert_sound(bytes, entry);
    }
    let longer = [b"# HOTP nobody - 00\n\n", bytes].concat();
    let again: Vec<_> = users_oath(&longer, options).collect();
    assert_eq!(again.len(), entries.len());
    for (one, other) in entries.iter().zip(&again) {
        assert_eq!(one.line + 2, other.line);
        assert_same(one, other);
    }
}

fn assert_whole(bytes: &[u8], read: Result<Vec<Entry>, Unreadable>) {
    match read {
        Ok(entries) => {
            assert!(!entries.is_empty());
            for entry in &entries {
                assert_sound(bytes, entry);
            }
        }
        Err(fault) => {
            let lines = bytes.split(|&byte| byte == b'\n').count();
            assert!(
                (1..=lines).contains(&fault.line),
                "line {} of {lines}",
                fault.line
            );
            for language in Language::ALL {
                assert_tells_nothing_of(bytes, &fault.flaw.text(language));
            }
        }
    }
}

fn list(bytes: &[u8]) {
    assert_whole(bytes, uris(bytes));
}

fn container(bytes: &[u8], without_mac: bool) {
    let key = TransportKey::from_file(b"12345678901234567890123456789012").expect("128 bits");
    let options = PskcOptions {
        transport_key: Some(&key),
        without_mac,
        now: NOW,
    };
    assert_whole(bytes, key_container(bytes, &options));
}
