use super::super::moment::MONTHS;
use super::*;
use crate::failure::tests::assert_has_no_english_reason;
use otp_core::Zone;
use otp_core::record::Language;
use std::io::Write;
use std::time::Duration;
use tempfile::TempDir;

const NOW: UnixTime = UnixTime::from_seconds(1_800_000_000);
static UTC: Clocks = Clocks {
    zone: Zone::UTC,
    now: NOW,
};

#[test]
fn a_line_of_either_form_is_a_log_entry() {
    for line in [
        "Jan 15 07:59:50 web1 sshd[7]: pam_otp(sshd:auth): otp.accept user=\"alice\"",
        "2027-01-15T07:59:50.123456+00:00 web1 sshd[7]: pam_otp(sshd:auth): otp.accept user=\"alice\"",
        "2027-01-15T16:59:50+09:00 web1 sshd[7]: pam_otp(sshd:auth): otp.accept user=\"alice\"",
    ] {
        let record = record(line, &UTC).expect(line);
        assert_eq!(record.when.seconds(), 1_799_999_990, "{line}");
        assert_eq!((record.program.as_str(), record.pid), ("sshd", Some(7)));
        assert_eq!(
            (record.machine.as_str(), record.writer),
            ("web1", Writer::Unknown)
        );
    }
    let script =
        "Jan  5 08:00:10 web1 otp-admin: otp.reset user=\"alice\" by=\"userdel\" said=\"not done\"";
    assert_eq!(record(script, &UTC).unwrap().pid, None);
}

#[test]
fn a_line_that_is_not_ours_is_no_log_entry() {
    for line in [
        "",
        "Jan 15 07:59:50",
        "Jan 15 07:59:50 web1 sshd[7]: Accepted password for alice",
        "Jan 15 07:59:50 web1 sshd[seven]: pam_otp(sshd:auth): otp.accept user=\"alice\"",
        "Foo 15 07:59:50 web1 sshd[7]: pam_otp(sshd:auth): otp.accept user=\"alice\"",
        "Feb 30 07:59:50 web1 sshd[7]: pam_otp(sshd:auth): otp.accept user=\"alice\"",
        "2027-01-15T07:59:50 web1 sshd[7]: pam_otp(sshd:auth): otp.accept user=\"alice\"",
        "Jän 15 07:59:50 web1 sshd[7]: pam_otp(sshd:auth): otp.accept user=\"alice\"",
    ] {
        assert_eq!(record(line, &UTC), None, "{line}");
    }
}

/// The reading goes on wherever a line has a character of several bytes: some log writers keep a line end that
/// an attacker has put there.
#[test]
fn no_line_stops_the_reading() {
    for line in [
        "Jan 15 07:59:50 web1 sshd[7]: pam_otp(sshd:auth): otp.accept user=\"alice\"",
        "2027-01-15T07:59:50.123456+09:00 web1 sshd[7]: pam_otp(sshd:auth): otp.accept user=\"alice\"",
        "2027-01-15T07:59:50+0900 web1 sshd[7]: pam_otp(sshd:auth): otp.accept user=\"alice\"",
    ] {
        for at in 0..line.len() {
            for strange in ["\u{e9}", "\u{20ac}", "\u{1f511}"] {
                for replaced in 0..=4.min(line.len() - at) {
                    let text = [&line[..at], strange, &line[at + replaced..]].concat();
                    record(&text, &UTC);
                }
            }
        }
    }
}

#[test]
fn a_date_without_a_year_is_its_latest_occurrence() {
    let seconds = |stamp: &str, clocks| take(&format!("{stamp} rest"), clocks).unwrap().0.seconds();
    // Tomorrow may be today elsewhere; the day after tomorrow means last year.
    assert_eq!(seconds("Jan 16 07:00:00", &UTC), 1_800_082_800);
    assert_eq!(
        seconds("Jan 17 08:00:00", &UTC),
        1_800_172_800 - 365 * 86_400
    );
    assert_eq!(seconds("Feb 29 08:00:00", &UTC), 1_709_193_600);
    let seoul = clocks("KST-9");
    assert_eq!(seconds("Jan 15 17:00:00", &seoul), 1_800_000_000);
}

fn clocks(rule: &str) -> Clocks {
    let zone = Zone::of_rule(rule).unwrap();
    Clocks { zone, now: NOW }
}

#[test]
fn a_time_without_a_zone_is_of_the_zone_as_it_was_then() {
    for rule in ["CET-1CEST,M3.5.0,M10.5.0/3", "EST5EDT,M3.2.0,M11.1.0"] {
        let clocks = clocks(rule);
        // Every half hour of nearly a year, with both changes of the clocks.
        for back in 0..363 * 48 {
            let when = UnixTime::from_seconds(NOW.seconds() - back * 1800);
            let shown = clocks.zone.at(when);
            let wall = shown.second(Language::English);
            let (month, day) = (&wall[5..7], &wall[8..10]);
            let month = MONTHS[month.parse::<usize>().unwrap() - 1];
            let line = format!("{month} {day} {} rest", &wall[11..19]);
            let (read, _) = take(&line, &clocks).unwrap();
            // Of an hour that the clocks show twice, it is the second one.
            let again = clocks.zone.at(read).second(Language::English);
            assert_eq!(again[..19], wall[..19], "{line}");
            assert!(
                read == when || read == when.after(Duration::from_secs(3600)),
                "{line}"
            );
        }
    }
    let berlin = clocks("CET-1CEST,M3.5.0,M10.5.0/3");
    // The clocks leave this hour out, so they were not changed yet.
    let (read, _) = take("Mar 29 02:30:00 rest", &berlin).unwrap();
    assert_eq!(read.date_time_utc(), "2026-03-29 01:30:00");
}

#[test]
fn log_files_are_read_oldest_first_and_no_other_file_is_read() {
    let place = TempDir::new().unwrap();
    for (name, seconds) in [
        ("auth.log", 300),
        ("auth.log.2.gz", 100),
        ("auth.log.1", 200),
        ("syslog", 150),
        ("auth.logs", 160),
    ] {
        let file = File::create(place.path().join(name)).unwrap();
        file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds))
            .unwrap();
    }
    let names: Vec<_> = files_in(place.path())
        .into_iter()
        .map(|path| path.file_name().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["auth.log.2.gz", "auth.log.1", "auth.log"]);
}

#[test]
fn a_compressed_file_is_unpacked_and_a_broken_one_is_reported() {
    let place = TempDir::new().unwrap();
    let (plain, packed) = (
        place.path().join("auth.log"),
        place.path().join("auth.log.gz"),
    );
    let line = "2027-01-15T07:59:50Z web1 su: pam_otp(su:auth): otp.lock user=\"alice\"\n";
    // A line that is too long comes first, and one that is not text.
    let text = [&vec![b'x'; 200_000][..], b"\n\xff\n", line.as_bytes()].concat();
    File::create(&plain).unwrap().write_all(&text).unwrap();
    let gzip = Command::new("gzip").arg("--keep").arg(&plain).status();
    assert!(gzip.unwrap().success());
    for path in [&plain, &packed] {
        let mut found = Vec::new();
        let read = read(path, NOW, |record| {
            found.push(record);
            Ok(())
        });
        assert!(read.is_ok());
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].read.value("user"), Some("alice"));
    }
    fs::write(&packed, "no such thing").unwrap();
    assert!(read(&packed, NOW, |_| Ok(())).is_err());
    assert!(read(&place.path().join("none"), NOW, |_| Ok(())).is_err());
}

#[test]
fn a_file_that_cannot_be_unpacked_is_told_in_every_language() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("auth.log.2.gz");
    fs::write(&path, "is not packed").unwrap();
    let Err(Failure::Trouble(trouble)) = read(&path, NOW, |_| Ok(())) else {
        panic!("it is read");
    };
    let english = trouble.text(Language::English);
    assert!(english.ends_with(": it cannot be unpacked"), "{english}");
    assert_has_no_english_reason(&trouble.text(Language::Korean));
}
