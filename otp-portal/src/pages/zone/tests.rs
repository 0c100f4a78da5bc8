use super::*;

/// A file of a zone with one rule and no recorded change.
fn file(rule: &str) -> Vec<u8> {
    let header = |version| {
        let mut header = b"TZif".to_vec();
        header.push(version);
        header.extend([0; 15]);
        for count in [0_u32, 0, 0, 0, 1, 4] {
            header.extend(count.to_be_bytes());
        }
        // One kind: UTC.
        header.extend([0, 0, 0, 0, 0, 0]);
        header.extend(b"UTC\0");
        header
    };
    let mut bytes = header(b'2');
    bytes.extend(header(b'2'));
    bytes.extend(format!("\n{rule}\n").bytes());
    bytes
}

fn zone(rule: &str) -> Zone {
    Zone::parse(&file(rule)).unwrap_or_else(|| panic!("{rule}"))
}

fn moment(text: (u16, u8, u8, u8, u8)) -> UnixTime {
    let (year, month, day, hour, minute) = text;
    UnixTime::from_civil_utc(year, month, day, hour, minute, 0).unwrap()
}

#[test]
fn a_moment_is_told_in_the_zone_with_its_name_and_in_utc() {
    for (rule, utc, told) in [
        ("UTC0", (2026, 11, 29, 2, 35), "2026-11-29 02:35 UTC"),
        (
            "KST-9",
            (2026, 11, 29, 2, 35),
            "2026-11-29 11:35 KST (02:35 UTC)",
        ),
        (
            "KST-9",
            (2026, 11, 29, 23, 35),
            "2026-11-30 08:35 KST (2026-11-29 23:35 UTC)",
        ),
        (
            "<-03>3",
            (2026, 11, 29, 2, 35),
            "2026-11-28 23:35 UTC-03 (2026-11-29 02:35 UTC)",
        ),
        (
            "IST-5:30",
            (2026, 1, 1, 0, 0),
            "2026-01-01 05:30 IST (00:00 UTC)",
        ),
        (
            "GMT0BST,M3.5.0/1,M10.5.0",
            (2026, 12, 1, 0, 0),
            "2026-12-01 00:00 GMT (00:00 UTC)",
        ),
    ] {
        assert_eq!(zone(rule).text(moment(utc)), told);
    }
}

#[test]
fn summer_begins_and_ends_at_its_minute_in_both_halves_of_the_earth() {
    let berlin = "CET-1CEST,M3.5.0,M10.5.0/3";
    let sydney = "AEST-10AEDT,M10.1.0,M4.1.0/3";
    let dublin = "IST-1GMT0,M10.5.0,M3.5.0/1";
    let by_days = "AAA0BBB,J60/0,300/0";
    for (rule, utc, name) in [
        (berlin, (2026, 3, 29, 0, 59), "CET"),
        (berlin, (2026, 3, 29, 1, 0), "CEST"),
        (berlin, (2026, 10, 25, 0, 59), "CEST"),
        (berlin, (2026, 10, 25, 1, 0), "CET"),
        (sydney, (2026, 1, 1, 0, 0), "AEDT"),
        (sydney, (2026, 4, 4, 15, 59), "AEDT"),
        (sydney, (2026, 4, 4, 16, 0), "AEST"),
        (sydney, (2026, 10, 3, 16, 0), "AEDT"),
        (sydney, (2026, 12, 31, 20, 0), "AEDT"),
        (dublin, (2026, 1, 1, 0, 0), "GMT"),
        (dublin, (2026, 7, 1, 0, 0), "IST"),
        // The 60th day without the 29th of February is the first of March in every year.
        (by_days, (2028, 2, 29, 23, 59), "AAA"),
        (by_days, (2028, 3, 1, 0, 0), "BBB"),
        (by_days, (2027, 2, 28, 23, 59), "AAA"),
        (by_days, (2027, 3, 1, 0, 0), "BBB"),
    ] {
        let zone = zone(rule);
        assert_eq!(zone.at(moment(utc)).1, name, "{rule} {utc:?}");
    }
}

#[test]
fn utc_is_told_once() {
    let told = Zone::UTC.text(moment((2026, 11, 29, 2, 35)));
    assert_eq!(told, "2026-11-29 02:35 UTC");
}

#[test]
fn what_is_no_zone_is_none_and_never_a_panic() {
    let whole = file("CET-1CEST,M3.5.0,M10.5.0/3");
    for end in 0..whole.len() {
        assert_eq!(Zone::parse(&whole[..end]), None, "{end}");
    }
    for rule in [
        "X",
        "KST",
        "KST-",
        "KST-200",
        "CET-1CEST",
        "CET-1CEST,M3.5.0",
        "CET-1CEST,M13.5.0,M1.1.1",
        "CET-1CEST,M3.6.0,M1.1.1",
        "CET-1CEST,J0,J1",
        "<KST-9",
        "KST-9:60",
        "KST-9:0:0:0",
        "CET-1CEST,M3.5.0/200,M1.1.1",
    ] {
        assert_eq!(Zone::parse(&file(rule)), None, "{rule}");
    }
    let mut large = whole.clone();
    large[20..44].fill(0xff);
    assert_eq!(Zone::parse(&large), None);
}

#[test]
fn recorded_changes_come_before_the_rule() {
    let mut bytes = b"TZif2".to_vec();
    bytes.extend([0; 15]);
    for count in [0_u32; 6] {
        bytes.extend(count.to_be_bytes());
    }
    bytes.extend(b"TZif2");
    bytes.extend([0; 15]);
    for count in [0_u32, 0, 0, 2, 2, 8] {
        bytes.extend(count.to_be_bytes());
    }
    bytes.extend(1_000_i64.to_be_bytes());
    bytes.extend(2_000_i64.to_be_bytes());
    bytes.extend([1, 0]);
    bytes.extend(3600_i32.to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend(7200_i32.to_be_bytes());
    bytes.extend([1, 4]);
    bytes.extend(b"ONE\0TWO\0\nSIX-6\n");
    let zone = Zone::parse(&bytes).unwrap();
    for (seconds, offset, name) in [
        (0, 3600, "ONE"),
        (999, 3600, "ONE"),
        (1000, 7200, "TWO"),
        (1999, 7200, "TWO"),
        (2000, 21_600, "SIX"),
    ] {
        assert_eq!(zone.at(UnixTime::from_seconds(seconds)), (offset, name));
    }
}

/// Where the machine has the database, its zones are as `date` tells them.
#[test]
fn zones_of_the_system_are_as_date_tells_them() {
    for name in [
        "Asia/Seoul",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Kolkata",
    ] {
        let path = format!("/usr/share/zoneinfo/{name}");
        let Ok(bytes) = std::fs::read(&path) else {
            continue;
        };
        let zone = Zone::parse(&bytes).unwrap_or_else(|| panic!("{path}"));
        for seconds in [
            100_000_u64,
            800_000_000,
            1_700_000_000,
            1_795_919_700,
            3_000_000_000,
            4_200_000_000,
        ] {
            let told = std::process::Command::new("date")
                .env("TZ", name)
                .arg(format!("--date=@{seconds}"))
                .arg("+%F %H:%M")
                .output()
                .unwrap();
            let told = String::from_utf8(told.stdout).unwrap();
            let text = zone.text(UnixTime::from_seconds(seconds));
            assert!(
                text.starts_with(told.trim_end()),
                "{name} {seconds}: {text} {told}"
            );
        }
    }
}
