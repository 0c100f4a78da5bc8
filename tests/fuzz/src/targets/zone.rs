//! A time zone, as `/etc/localtime` may have it: whatever the file is, texts have times that a terminal can show.

use otp_core::record::Language;
use otp_core::{UnixTime, Zone};

pub(super) fn run(bytes: &[u8]) {
    let (seconds, file) = bytes.split_at(bytes.len().min(8));
    let mut eight = [0; 8];
    eight[..seconds.len()].copy_from_slice(seconds);
    let seconds = u64::from_be_bytes(eight);
    let rule = std::str::from_utf8(file).ok().and_then(Zone::of_rule);
    for zone in [Zone::parse(file), rule].into_iter().flatten() {
        for seconds in [seconds, seconds >> 30, 0, 1_800_000_000, u64::MAX] {
            look_at(&zone, UnixTime::from_seconds(seconds));
        }
    }
}

fn look_at(zone: &Zone, moment: UnixTime) {
    let local = zone.at(moment);
    assert!(local.ahead().abs() < 26 * 3600);
    assert_eq!(local.moment(), moment);
    for language in Language::ALL {
        for text in [
            local.minute(language),
            local.second_in_column(language),
            local.to_next_minute().clock(language),
            local.cell(),
        ] {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || " +-:()".contains(c);
            assert!(text.chars().all(is_plain), "{text:?}");
            assert!(text.len() < 90, "{text:?}");
        }
        // What an administrator finds in the log.
        let utc = format!("{} UTC", moment.clock_utc());
        assert!(local.minute(language).contains(&utc));
    }
}
