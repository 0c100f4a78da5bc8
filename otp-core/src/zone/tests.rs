use super::*;
use crate::record::Language;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

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

/// A zone nine hours east of UTC, without summer time.
pub(crate) fn seoul() -> Zone {
    zone("KST-9")
}

fn english(zone: &Zone, moment: UnixTime) -> String {
    zone.at(moment).minute(Language::English)
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
        assert_eq!(english(&zone(rule), moment(utc)), told);
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
        assert_eq!(zone.kind_at(moment(utc)).1.as_str(), name, "{rule} {utc:?}");
    }
}

#[test]
fn a_zone_is_ahead_of_utc_or_behind() {
    for (rule, ahead) in [("UTC0", 0), ("KST-9", 32_400), ("<-0330>3:30", -12_600)] {
        let local = zone(rule).at(moment((2026, 11, 29, 2, 35)));
        assert_eq!(local.ahead(), ahead, "{rule}");
    }
}

#[test]
fn utc_is_told_once() {
    let told = english(&Zone::UTC, moment((2026, 11, 29, 2, 35)));
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
        "KST-26",
        "KST+25",
        "<K/T>-9",
        "<ABCDEFGHIJKLMNOP>-9",
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
        let (found, called) = zone.kind_at(UnixTime::from_seconds(seconds));
        assert_eq!((found, called.as_str()), (offset, name));
    }
}

/// Tells moments in zones, each line a path and seconds; as `datetime` has it.
const PYTHON: &str = r#"
import datetime, sys, zoneinfo
zones = {}
for line in sys.stdin:
    path, seconds = line.rstrip("\n").split("\t")
    if path not in zones:
        with open(path, "rb") as file:
            zones[path] = zoneinfo.ZoneInfo.from_file(file)
    local = datetime.datetime.fromtimestamp(int(seconds), zones[path])
    print(local.strftime("%Y-%m-%d %H:%M:%S"), local.tzname())
"#;

fn zones_below(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            zones_below(&path, found);
        } else if std::fs::read(&path).is_ok_and(|bytes| bytes.starts_with(b"TZif")) {
            found.push(path);
        }
    }
}

/// Where the machine has the database and Python, each zone is as Python tells it, at moments of three hundred years.
#[test]
fn each_zone_of_the_system_is_as_another_reader_tells_it() {
    let mut paths = Vec::new();
    zones_below(Path::new("/usr/share/zoneinfo"), &mut paths);
    let (mut asked, mut expected) = (String::new(), Vec::new());
    let mut random = 7_u64;
    for path in paths {
        let bytes = std::fs::read(&path).unwrap();
        let zone = Zone::parse(&bytes).unwrap_or_else(|| panic!("{}", path.display()));
        for _ in 0..20 {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            // Not within the first day, in which it is 1969 somewhere.
            let seconds = 86_400 + (random >> 16) % 9_467_000_000;
            let local = zone.at(UnixTime::from_seconds(seconds));
            writeln!(asked, "{}\t{seconds}", path.display()).unwrap();
            let (wall, name) = (
                local.second(Language::English),
                zone.kind_at(local.moment()).1,
            );
            expected.push(format!("{} {}", &wall[..19], name.as_str()));
        }
    }
    let python = Command::new("/usr/bin/python3")
        .args(["-I", "-c", PYTHON])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut python) = python else {
        return;
    };
    let mut input = python.stdin.take().unwrap();
    let writer = std::thread::spawn({
        let asked = asked.clone();
        move || input.write_all(asked.as_bytes())
    });
    let told = python.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    assert_eq!(told.lines().count(), expected.len());
    for ((told, expected), asked) in told.lines().zip(&expected).zip(asked.lines()) {
        assert_eq!(expected, told, "{asked}");
    }
}

#[test]
fn each_form_has_the_zone_beside_utc_and_is_as_ever_where_the_zone_is_utc() {
    let same_day = moment((2026, 11, 29, 12, 15));
    let another_day = moment((2026, 11, 29, 23, 15));
    let (utc, seoul) = (Zone::UTC, zone("KST-9"));
    let forms = |local: Local, language| {
        [
            local.minute(language),
            local.second(language),
            local.second_in_column(language),
            local.clock(language),
            local.date(),
            local.cell(),
        ]
    };
    for language in Language::ALL {
        assert_eq!(
            forms(utc.at(same_day), language),
            [
                "2026-11-29 12:15 UTC",
                "2026-11-29 12:15:00 UTC",
                "2026-11-29 12:15:00 UTC",
                "12:15 UTC",
                "2026-11-29",
                "2026-11-29 12:15 UTC",
            ]
        );
    }
    assert_eq!(
        forms(seoul.at(same_day), Language::English),
        [
            "2026-11-29 21:15 KST (12:15 UTC)",
            "2026-11-29 21:15:00 KST (12:15:00 UTC)",
            "2026-11-29 21:15:00 KST (12:15:00 UTC)",
            "21:15 KST (12:15 UTC)",
            "2026-11-29",
            "2026-11-29 21:15 KST",
        ]
    );
    assert_eq!(
        forms(seoul.at(another_day), Language::Korean),
        [
            "2026-11-30 08:15 KST(2026-11-29 23:15 UTC)",
            "2026-11-30 08:15:00 KST(2026-11-29 23:15:00 UTC)",
            "2026-11-30 08:15:00 KST(23:15:00 UTC)",
            "08:15 KST(23:15 UTC)",
            "2026-11-30",
            "2026-11-30 08:15 KST",
        ]
    );
}

#[test]
fn the_next_minute_of_a_local_time_is_that_of_the_moment() {
    let at = |seconds| zone("IST-5:30").at(UnixTime::from_seconds(seconds));
    assert_eq!(at(1_800_000_001).to_next_minute(), at(1_800_000_060));
    assert_eq!(at(1_800_000_060).to_next_minute(), at(1_800_000_060));
}

#[test]
fn a_local_time_before_1970_and_one_at_the_end_of_time_are_told() {
    let told = english(&zone("EST5"), UnixTime::from_seconds(60));
    assert_eq!(told, "1970-01-01 00:01 UTC");
    assert!(english(&zone("KST-9"), UnixTime::from_seconds(u64::MAX)).ends_with(" UTC"));
    let zone = zone("AAA-1BBB,M11.5.0,M12.5.0");
    for last in [i64::MAX.cast_unsigned(), 2_005_949_138_000] {
        let told = english(&zone, UnixTime::from_seconds(last));
        assert!(told.contains("AAA"), "{told}");
    }
}

#[test]
fn a_moment_is_found_at_the_beginning_of_a_text_in_every_zone_and_language() {
    for rule in ["UTC0", "KST-9", "<-03>3", "GMT0", "<+0545>-5:45"] {
        for utc in [(2026, 11, 29, 12, 15), (2026, 11, 29, 23, 15)] {
            for language in Language::ALL {
                let told = zone(rule).at(moment(utc)).minute(language);
                for after in [
                    "",
                    ": (1) 0000",
                    " (1) 0000",
                    " 1 0000",
                    "\n\n 1 0",
                    ". A",
                    "부터",
                ] {
                    let text = format!("{told}{after}");
                    assert_eq!(length_of_minute(&text), Some(told.len()), "{text}");
                }
            }
        }
    }
    for none in [
        "",
        "2026-11-29",
        "2026-11-29 12:15",
        "2026-11-29 12:15 KST",
        "2026-11-29 12:15 (12:15 UTC)x",
        "2026-11-29 21:15 KST (12:15)",
        "2026-11-29 21:15 KST (12:15 UTC",
        "2026-11-29T12:15 UTC",
        "2026-11-29 1가:15 UTC",
    ] {
        assert_eq!(length_of_minute(none), None, "{none}");
    }
}
