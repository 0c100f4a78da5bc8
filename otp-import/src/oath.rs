//! `users.oath`: one key a line, as liboath reads them for `pam_oath`.

use crate::numbers::decimal;
use crate::{Device, Entry, Owner, Past, Reach, key};
use otp_core::code::TypedCode;
use otp_core::messages::import::{Field, Flaw, Obstacle};
use otp_core::record::{Algorithm, Digits, Drift, Kind, Period};
use otp_core::{Step, UnixTime};

/// The options of the `pam_oath` line in `/etc/pam.d`, which the file does not repeat.
#[derive(Clone, Copy, Debug, Default)]
pub struct OathOptions {
    /// `window=`.
    pub window: Option<u64>,
    /// `digits=`: it overrides the length in the file.
    pub digits: Option<Digits>,
}

/// The window of `pam_oath` if its line sets none.
const WINDOW: u64 = 5;

/// No time zone is further west of UTC, in seconds: a local time is at most this much earlier than the same moment in
/// UTC.
const FURTHEST_WEST_SECONDS: u64 = 12 * 3600;

/// Reads the keys of a file, line by line. Lines of other types and comments are skipped, as liboath skips them.
pub fn users_oath(bytes: &[u8], options: OathOptions) -> impl Iterator<Item = Entry> {
    let lines = bytes.split(|&byte| byte == b'\n').zip(1..);
    lines.filter_map(move |(line, number)| entry(line, number, options))
}

fn entry(bytes: &[u8], line: usize, options: OathOptions) -> Option<Entry> {
    let mut words = bytes
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty());
    let (kind, digits) = token_type(words.next()?)?;
    let owner = words.next();
    let read = owner.map(std::str::from_utf8);
    let device = match read {
        None => Err(Obstacle::Unreadable(Flaw::Fields)),
        Some(Err(_)) => Err(Obstacle::Unreadable(Flaw::NotText)),
        Some(Ok(_)) => device(words, kind, digits, options),
    };
    Some(Entry {
        line,
        owner: read
            .and_then(Result::ok)
            .map(|name| Owner::exactly(name.to_owned())),
        label: None,
        device,
    })
}

/// Reads `HOTP`, `HOTP/E`, `HOTP/T30` or `HOTP/T60`; `/6`, `/7` or `/8` may follow all but the first.
fn token_type(word: &[u8]) -> Option<(Kind, Option<Digits>)> {
    let rest = word.strip_prefix(b"HOTP")?;
    let (kind, rest) = if let Some(rest) = rest.strip_prefix(b"/T30") {
        (Kind::Totp(Period::THIRTY), rest)
    } else if let Some(rest) = rest.strip_prefix(b"/T60") {
        (Kind::Totp(Period::SIXTY), rest)
    } else if let Some(rest) = rest.strip_prefix(b"/E") {
        (Kind::Hotp, rest)
    } else {
        return rest.is_empty().then_some((Kind::Hotp, None));
    };
    let digits = match rest {
        b"" => None,
        [b'/', digit @ b'6'..=b'8'] => Some(Digits::new(u64::from(digit - b'0')).ok()?),
        _ => return None,
    };
    Some((kind, digits))
}

fn device<'a>(
    mut words: impl Iterator<Item = &'a [u8]>,
    kind: Kind,
    digits: Option<Digits>,
    options: OathOptions,
) -> Result<Device, Obstacle> {
    let flaw = |field| Obstacle::Unreadable(Flaw::Number(field));
    let text =
        |word: &'a [u8]| std::str::from_utf8(word).map_err(|_| Obstacle::Unreadable(Flaw::NotText));
    let fields = Obstacle::Unreadable(Flaw::Fields);
    let pin = words.next().ok_or(fields.clone())?;
    let secret = words.next().ok_or(fields)?;
    let secret = key::secret(key::hex(text(secret)?).ok_or(Obstacle::Unreadable(Flaw::Key))?)?;
    if !matches!(pin, b"-" | b"+") {
        return Err(Obstacle::Pin);
    }
    let moving_factor = match words.next() {
        Some(word) => decimal(text(word)?).ok_or_else(|| flaw(Field::Counter))?,
        None => 0,
    };
    let last_code = words.next();
    let was_used = last_code.is_some();
    let last_code = last_code
        .filter(|_| kind != Kind::Hotp)
        .and_then(TypedCode::parse);
    let past = match (kind, was_used) {
        // The line holds the counter of the last code if a code was used, and else the next counter.
        (Kind::Hotp, true) => Past::UpTo(Step(moving_factor)),
        (Kind::Hotp, false) => Past::before(moving_factor),
        (Kind::Totp(_), false) => Past::Never,
        (Kind::Totp(_), true) => match words.next() {
            Some(word) => Past::NotAfter(not_after(text(word)?).ok_or_else(|| flaw(Field::Time))?),
            None => Past::Unknown,
        },
    };
    let reach = options.window.map(|window| match kind {
        Kind::Totp(_) => Reach {
            before: window,
            after: window,
        },
        // The next counter, and `window` more.
        Kind::Hotp => Reach {
            before: 0,
            after: window.saturating_add(1),
        },
    });
    Ok(Device {
        kind,
        algorithm: Algorithm::Sha1,
        digits: options.digits.or(digits).unwrap_or(Digits::SIX),
        secret,
        reach,
        ahead: options.window.unwrap_or(WINDOW),
        drift: Drift::default(),
        past,
        last_code,
        scratch_codes: Vec::new(),
        remarks: Vec::new(),
    })
}

/// Returns the latest moment that a local time like `2027-01-15T09:00:10L` can mean, in any time zone.
///
/// The line does not name the zone, and clocks go back in autumn. So the zone is taken to be the one furthest west.
fn not_after(text: &str) -> Option<UnixTime> {
    let bytes: &[u8; 20] = text.as_bytes().try_into().ok()?;
    let separators = [
        (4, b'-'),
        (7, b'-'),
        (10, b'T'),
        (13, b':'),
        (16, b':'),
        (19, b'L'),
    ];
    if separators.into_iter().any(|(at, byte)| bytes[at] != byte) {
        return None;
    }
    let year = u16::try_from(decimal(&text[..4])?).ok()?;
    let part = |at: usize| u8::try_from(decimal(&text[at..at + 2])?).ok();
    let local =
        UnixTime::from_civil_utc(year, part(5)?, part(8)?, part(11)?, part(14)?, part(17)?)?;
    Some(local.after(std::time::Duration::from_secs(FURTHEST_WEST_SECONDS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "3132333435363738393031323334353637383930";

    fn read(text: &str) -> Vec<Entry> {
        users_oath(text.as_bytes(), OathOptions::default()).collect()
    }

    fn one(line: &str) -> Device {
        let mut entries = read(line);
        assert_eq!(entries.len(), 1, "{line}");
        entries
            .remove(0)
            .device
            .unwrap_or_else(|obstacle| panic!("{line}: {obstacle:?}"))
    }

    fn refused(line: &str) -> Option<Obstacle> {
        read(line).remove(0).device.err()
    }

    #[test]
    fn every_type_is_read_and_any_other_line_is_no_key() {
        let minute = Kind::Totp(Period::SIXTY);
        let half = Kind::Totp(Period::THIRTY);
        for (word, kind, digits) in [
            ("HOTP", Kind::Hotp, 6),
            ("HOTP/E", Kind::Hotp, 6),
            ("HOTP/E/7", Kind::Hotp, 7),
            ("HOTP/T30", half, 6),
            ("HOTP/T30/6", half, 6),
            ("HOTP/T30/8", half, 8),
            ("HOTP/T60", minute, 6),
            ("HOTP/T60/7", minute, 7),
        ] {
            let read = one(&format!("{word}\talice - {KEY}"));
            assert_eq!(
                (read.kind, u64::from(read.digits.count())),
                (kind, digits),
                "{word}"
            );
            assert_eq!(read.past, Past::Never);
        }
        for word in [
            "#HOTP",
            "TOTP",
            "HOTP/T15",
            "HOTP/T30/",
            "HOTP/T30/9",
            "HOTP/6",
            "HOTP/E/",
            "hotp",
            "HOTP/T300",
        ] {
            assert!(read(&format!("{word} alice - {KEY}")).is_empty(), "{word}");
        }
        assert!(read("\n\r\n  \t\n").is_empty());
    }

    #[test]
    fn a_line_is_named_by_its_number_and_owner() {
        let text = format!(
            "# users\n\nHOTP/T30 alice - {KEY}\r\n  HOTP bobby + {KEY} 7\nHOTP\nHOTP carol"
        );
        let entries = read(&text);
        let named: Vec<_> = entries
            .iter()
            .map(|entry| {
                (
                    entry.line,
                    entry.owner.as_ref().map(|owner| owner.written.as_str()),
                )
            })
            .collect();
        assert_eq!(
            named,
            [
                (3, Some("alice")),
                (4, Some("bobby")),
                (5, None),
                (6, Some("carol"))
            ]
        );
        for entry in &entries[2..] {
            assert_eq!(
                entry.device.as_ref().err(),
                Some(&Obstacle::Unreadable(Flaw::Fields))
            );
        }
        let not_text = users_oath(b"HOTP al\xffce - 00", OathOptions::default())
            .next()
            .unwrap();
        assert_eq!(
            not_text.device.err(),
            Some(Obstacle::Unreadable(Flaw::NotText))
        );
    }

    #[test]
    fn a_counter_is_the_next_one_or_the_last_used_one() {
        let past = |rest: &str| one(&format!("HOTP/E alice - {KEY} {rest}")).past;
        assert_eq!(past(""), Past::Never);
        assert_eq!(past("0"), Past::Never);
        assert_eq!(past("5"), Past::UpTo(Step(4)));
        assert_eq!(past("5 123456 2027-01-15T08:00:10L"), Past::UpTo(Step(5)));
        assert_eq!(past("0 123456 2027-01-15T08:00:10L"), Past::UpTo(Step(0)));
    }

    #[test]
    fn the_time_of_the_last_code_is_read_as_the_latest_that_it_can_mean() {
        let past = |rest: &str| one(&format!("HOTP/T30 alice - {KEY} {rest}")).past;
        assert_eq!(past("0"), Past::Never);
        assert_eq!(past("0 123456"), Past::Unknown);
        let noon = UnixTime::from_civil_utc(2027, 1, 15, 20, 0, 10).unwrap();
        assert_eq!(past("0 123456 2027-01-15T08:00:10L"), Past::NotAfter(noon));
        for time in [
            "2027-01-15T08:00:10",
            "2027-01-15T08:00:10Z",
            "2027-02-30T08:00:10L",
            "2027-1-15T08:00:10LL",
            "é027-01-15T08:00:10",
        ] {
            let line = format!("HOTP/T30 alice - {KEY} 0 123456 {time}");
            assert_eq!(
                refused(&line),
                Some(Obstacle::Unreadable(Flaw::Number(Field::Time))),
                "{time}"
            );
        }
    }

    #[test]
    fn the_line_of_the_module_sets_window_and_digits() {
        let options = OathOptions {
            window: Some(7),
            digits: Some(Digits::new(8).unwrap()),
        };
        let read = |word: &str| {
            users_oath(format!("{word} alice - {KEY}").as_bytes(), options)
                .next()
                .unwrap()
        };
        let totp = read("HOTP/T30/6").device.ok().unwrap();
        assert_eq!(
            (totp.digits.count(), totp.reach),
            (
                8,
                Some(Reach {
                    before: 7,
                    after: 7
                })
            )
        );
        let hotp = read("HOTP").device.ok().unwrap();
        assert_eq!(
            (hotp.digits.count(), hotp.reach),
            (
                8,
                Some(Reach {
                    before: 0,
                    after: 8
                })
            )
        );
        // Without options, the policy sets the window, and codes count as used as far as the module looks by default.
        let usual = one(&format!(
            "HOTP/T30 alice - {KEY} 0 123456 2027-01-15T08:00:10L"
        ));
        assert_eq!((usual.reach, usual.ahead), (None, 5));
        assert_eq!(totp.ahead, 7);
    }

    #[test]
    fn a_key_that_cannot_be_imported_says_why() {
        assert_eq!(
            refused(&format!("HOTP/T30 alice 1234 {KEY}")),
            Some(Obstacle::Pin)
        );
        assert_eq!(
            refused("HOTP/T30 alice - 313233343536373839"),
            Some(Obstacle::ShortKey { bits: 72 })
        );
        for key in ["31323", "zz", "GEZDGNBVGY3TQOJQ"] {
            assert_eq!(
                refused(&format!("HOTP/T30 alice - {key}")),
                Some(Obstacle::Unreadable(Flaw::Key)),
                "{key}"
            );
        }
        let line = format!("HOTP alice - {KEY} x");
        assert_eq!(
            refused(&line),
            Some(Obstacle::Unreadable(Flaw::Number(Field::Counter)))
        );
    }
}
