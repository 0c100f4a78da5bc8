//! Reads `~/.google_authenticator`: one user's key, options and recovery codes, as `pam_google_authenticator` reads
//! them.

use crate::key;
use crate::numbers::{decimal, signed};
use crate::past::LEARNED_AHEAD;
use crate::{Device, Entry, LIMIT_OF_USER, Past, Reach};
use otp_core::Step;
use otp_core::imported::ImportedCode;
use otp_core::messages::import::{Field, Flaw, Obstacle};
use otp_core::record::{Algorithm, Digits, Drift, Kind};
use zeroize::Zeroizing;

/// The step that the module uses if the file names none.
const STEP_SECONDS: u64 = 30;

/// The window that the module uses if the file names none.
const WINDOW: u64 = 3;

/// Reads the file of one user. The file names no user: its owner is the user.
#[must_use]
pub fn google_authenticator(bytes: &[u8]) -> Entry {
    Entry {
        line: 1,
        owner: None,
        label: None,
        device: device(bytes),
    }
}

fn device(bytes: &[u8]) -> Result<Device, Obstacle> {
    if bytes.len() as u64 > LIMIT_OF_USER || bytes.contains(&0) {
        return Err(Obstacle::Unreadable(Flaw::NotText));
    }
    let first = bytes
        .split(|&byte| byte == b'\n')
        .next()
        .unwrap_or_default();
    let options = Options(&bytes[first.len()..]);
    let secret = key::secret(base32_of_the_module(first)?)?;
    let (kind, mut past) = kind_and_past(&options)?;
    let mut ahead_at_least = 0;
    // A login that learns a drift writes both options, even if the drift is empty. Its code was accepted, and is in
    // no list.
    if options.text("TIME_SKEW").is_some() && options.text("RESETTING_TIME_SKEW").is_some() {
        ahead_at_least = LEARNED_AHEAD;
        past = match past {
            Past::Never if kind != Kind::Hotp => Past::ButToLearn(None),
            Past::UpTo(step) if kind != Kind::Hotp => Past::ButToLearn(Some(step)),
            past => past,
        };
    }
    // Only the hardened fork writes these two keys; the original ignores them.
    let digits = match options.number("DIGITS", Field::Digits)? {
        Some(number) => key::digits(number)?,
        None => Digits::SIX,
    };
    let algorithm = match options.text("ALGORITHM") {
        Some(name) => key::algorithm(name)?,
        None => Algorithm::Sha1,
    };
    let drift = match (kind, options.text("TIME_SKEW")) {
        (Kind::Totp(_), Some(text)) => {
            let steps = signed(text).ok_or(Obstacle::Unreadable(Flaw::Number(Field::Drift)))?;
            Drift::from_steps(steps).map_err(|_| Obstacle::Clock)?
        }
        _ => Drift::default(),
    };
    let window = options.number("WINDOW_SIZE", Field::Window)?;
    if window.is_some_and(|window| !(1..=100).contains(&window)) {
        return Err(Obstacle::Unreadable(Flaw::Number(Field::Window)));
    }
    let reach = |window: u64| match kind {
        Kind::Totp(_) => Reach {
            before: (window - 1) / 2,
            after: window / 2,
        },
        Kind::Hotp => Reach {
            before: 0,
            after: window,
        },
    };
    Ok(Device {
        kind,
        algorithm,
        digits,
        secret,
        reach: window.map(reach),
        ahead: (window.unwrap_or(WINDOW) / 2).max(ahead_at_least),
        drift,
        past,
        last_code: None,
        scratch_codes: scratch_codes(options.0)
            .iter()
            .filter_map(|digits| ImportedCode::new(digits.as_slice()))
            .collect(),
        remarks: Vec::new(),
    })
}

/// Decides the kind: time-based with `TOTP_AUTH`, event-based with a counter. The module refuses files with both, or
/// with neither.
fn kind_and_past(options: &Options<'_>) -> Result<(Kind, Past), Obstacle> {
    let counter = options
        .number("HOTP_COUNTER", Field::Counter)?
        .filter(|&counter| counter > 0);
    let is_time_based = options.text("TOTP_AUTH").is_some();
    let step = options.number("STEP_SIZE", Field::Step)?;
    match (counter, is_time_based) {
        (Some(next), false) => Ok((Kind::Hotp, Past::before(next))),
        (None, true) => {
            let seconds = step.unwrap_or(STEP_SECONDS);
            if !(1..=60).contains(&seconds) {
                return Err(Obstacle::Unreadable(Flaw::Number(Field::Step)));
            }
            Ok((key::totp(seconds)?, past_of_steps(options)?))
        }
        (Some(_), true) | (None, false) => Err(Obstacle::Algorithm),
    }
}

/// Returns the used steps: `DISALLOW_REUSE` lists steps, and the largest of them and all earlier ones count as used.
/// Without it codes could be used again, and nothing tells which were used.
fn past_of_steps(options: &Options<'_>) -> Result<Past, Obstacle> {
    let Some(listed) = options.text("DISALLOW_REUSE") else {
        return Ok(Past::Unknown);
    };
    let steps = listed
        .split([' ', '\t', ','])
        .filter(|word| !word.is_empty());
    let mut newest = None;
    for step in steps {
        let step = decimal(step).ok_or(Obstacle::Unreadable(Flaw::Number(Field::Used)))?;
        newest = newest.max(Some(step));
    }
    Ok(newest.map_or(Past::Never, |step| Past::UpTo(Step(step))))
}

/// Decodes the module's own base32: any case, digits that look like letters; leftover bits at the end are dropped.
fn base32_of_the_module(line: &[u8]) -> Result<key::Bytes, Obstacle> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(line.len() * 5 / 8));
    let mut buffer = Zeroizing::new(0_u32);
    let mut bits = 0_u32;
    for &letter in line {
        let value = match letter {
            b' ' | b'\t' | b'\r' | b'-' => continue,
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a',
            b'0' => b'O' - b'A',
            b'1' => b'L' - b'A',
            b'8' => b'B' - b'A',
            b'2'..=b'7' => letter - b'2' + 26,
            _ => return Err(Obstacle::Unreadable(Flaw::Key)),
        };
        *buffer = (*buffer << 5 | u32::from(value)) & 0xfff;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(*buffer >> bits & 0xff).unwrap_or_default());
        }
    }
    Ok(bytes)
}

/// The option lines, which begin with a quotation mark: `" KEY` or `" KEY value`. The first line of a key counts.
struct Options<'a>(&'a [u8]);

impl<'a> Options<'a> {
    /// Returns the text after the key, which may be empty; `None`: there is no such line.
    fn text(&self, key: &str) -> Option<&'a str> {
        let lines = self.0.split(|byte| matches!(byte, b'\n' | b'\r'));
        lines
            .filter_map(|line| line.strip_prefix(b"\" "))
            .find_map(|line| {
                let behind = line.strip_prefix(key.as_bytes())?;
                let is_the_key = behind
                    .first()
                    .is_none_or(|byte| matches!(byte, b' ' | b'\t'));
                // A value that is not text is not a number either, and is refused as such.
                is_the_key.then(|| std::str::from_utf8(behind).unwrap_or("?").trim())
            })
    }

    fn number(&self, key: &str, field: Field) -> Result<Option<u64>, Obstacle> {
        let flaw = Obstacle::Unreadable(Flaw::Number(field));
        self.text(key)
            .map(|text| decimal(text).ok_or(flaw))
            .transpose()
    }
}

/// Reads the recovery codes: lines that are a number of eight digits. Like the module, it stops at the first line
/// that is not a code, an option or empty. A code that is listed twice is returned once.
fn scratch_codes(rest: &[u8]) -> Vec<Zeroizing<[u8; 8]>> {
    let mut codes: Vec<Zeroizing<[u8; 8]>> = Vec::new();
    for line in rest.split(|&byte| byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.first() == Some(&b'"') || line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        // C reads a number like this: leading space, a sign, zeros.
        let number = line.trim_ascii_start();
        let number = number.strip_prefix(b"+").unwrap_or(number);
        let zeros = number.iter().take_while(|&&byte| byte == b'0').count();
        let digits = &number[zeros..];
        let Ok(digits) = <[u8; 8]>::try_from(digits) else {
            break;
        };
        if !digits.iter().all(u8::is_ascii_digit) {
            break;
        }
        if codes.iter().all(|code| **code != digits) {
            codes.push(Zeroizing::new(digits));
        }
    }
    codes
}

#[cfg(test)]
mod tests {
    use super::*;
    use otp_core::record::Period;

    const KEY: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    fn read(options: &str) -> Result<Device, Obstacle> {
        device(format!("{KEY}\n{options}").as_bytes())
    }

    fn totp(options: &str) -> Device {
        let read = read(&format!("\" TOTP_AUTH\n{options}"));
        read.unwrap_or_else(|obstacle| panic!("{options:?}: {obstacle:?}"))
    }

    fn refused(options: &str) -> Option<Obstacle> {
        read(options).err()
    }

    fn numbers(rest: &str) -> Vec<String> {
        let codes = scratch_codes(rest.as_bytes());
        let text = |code: &Zeroizing<[u8; 8]>| String::from_utf8(code.to_vec()).unwrap();
        codes.iter().map(text).collect()
    }

    #[test]
    fn a_file_as_the_tool_writes_it_is_read() {
        let text = format!(
            "{KEY}\n\" RATE_LIMIT 3 30 1763640000\n\" WINDOW_SIZE 17\n\" DISALLOW_REUSE 58788000 58788002 58788001\n\
             \" TOTP_AUTH\n\" TIME_SKEW -3\n\" RESETTING_TIME_SKEW 1+2 3+4\n\" LAST0 5\n83102964\n83102965\n"
        );
        let one = device(text.as_bytes()).ok().unwrap();
        assert!(one.secret.reveal_bytes() == b"12345678901234567890");
        assert_eq!(one.kind, Kind::Totp(Period::THIRTY));
        assert_eq!((one.algorithm, one.digits.count()), (Algorithm::Sha1, 6));
        assert_eq!(
            one.reach,
            Some(Reach {
                before: 8,
                after: 8
            })
        );
        assert_eq!(one.drift.steps(), -3);
        assert_eq!(one.past, Past::ButToLearn(Some(Step(58_788_002))));
        assert_eq!(one.scratch_codes.len(), 2);
    }

    #[test]
    fn a_code_that_taught_a_drift_is_in_no_list_of_used_codes() {
        let learned = |rest: &str| {
            let one = totp(&format!("\" TIME_SKEW -3\n\" RESETTING_TIME_SKEW \n{rest}"));
            (one.past, one.ahead)
        };
        assert_eq!(learned(""), (Past::Unknown, 1));
        assert_eq!(learned("\" WINDOW_SIZE 1\n"), (Past::Unknown, 1));
        assert_eq!(learned("\" DISALLOW_REUSE\n"), (Past::ButToLearn(None), 1));
        let listed = learned("\" DISALLOW_REUSE 7\n");
        assert_eq!(listed, (Past::ButToLearn(Some(Step(7))), 1));
        // If a person wrote the drift into the file, no code was used to learn it.
        let written = totp("\" TIME_SKEW -3\n\" DISALLOW_REUSE 7\n");
        assert_eq!(written.past, Past::UpTo(Step(7)));
    }

    #[test]
    fn options_are_found_as_the_module_finds_them() {
        // The first line counts; CRLF; a value after several spaces; a key that only begins alike is a different key.
        let one =
            totp("\" STEP_SIZE_ 45\r\n\"STEP_SIZE 50\r\n\" STEP_SIZE  60\r\n\" STEP_SIZE 20\r\n");
        assert_eq!(one.kind, Kind::Totp(Period::SIXTY));
        assert_eq!(one.past, Past::Unknown);
        assert_eq!((one.reach, one.ahead), (None, 1));
        assert_eq!(totp("\" DISALLOW_REUSE\n").past, Past::Never);
        assert_eq!(totp("\" DISALLOW_REUSE 7,9\t8\n").past, Past::UpTo(Step(9)));
    }

    #[test]
    fn windows_are_split_as_the_module_splits_them() {
        for (window, before, after) in [
            (1, 0, 0),
            (2, 0, 1),
            (3, 1, 1),
            (4, 1, 2),
            (17, 8, 8),
            (100, 49, 50),
        ] {
            let one = totp(&format!("\" WINDOW_SIZE {window}\n"));
            assert_eq!(one.reach, Some(Reach { before, after }), "{window}");
        }
        for window in ["0", "101", "x", "-3"] {
            let refused = refused(&format!("\" TOTP_AUTH\n\" WINDOW_SIZE {window}\n"));
            assert_eq!(
                refused,
                Some(Obstacle::Unreadable(Flaw::Number(Field::Window)))
            );
        }
    }

    #[test]
    fn a_counter_makes_a_key_event_based() {
        let one = read("\" HOTP_COUNTER 5\n\" WINDOW_SIZE 20\n\" TIME_SKEW 2\n")
            .ok()
            .unwrap();
        assert_eq!((one.kind, one.past), (Kind::Hotp, Past::UpTo(Step(4))));
        assert_eq!(
            one.reach,
            Some(Reach {
                before: 0,
                after: 20
            })
        );
        assert_eq!(one.drift.steps(), 0);
        assert_eq!(refused(""), Some(Obstacle::Algorithm));
        assert_eq!(refused("\" HOTP_COUNTER 0\n"), Some(Obstacle::Algorithm));
        assert_eq!(
            refused("\" HOTP_COUNTER 5\n\" TOTP_AUTH\n"),
            Some(Obstacle::Algorithm)
        );
    }

    #[test]
    fn unsupported_settings_are_refused_with_the_reason() {
        assert_eq!(
            refused("\" TOTP_AUTH\n\" STEP_SIZE 10\n"),
            Some(Obstacle::StepSize { seconds: 10 })
        );
        assert_eq!(
            refused("\" TOTP_AUTH\n\" TIME_SKEW 41\n"),
            Some(Obstacle::Clock)
        );
        for (option, field) in [
            ("STEP_SIZE 61", Field::Step),
            ("STEP_SIZE", Field::Step),
            ("TIME_SKEW x", Field::Drift),
            ("DISALLOW_REUSE 5 x", Field::Used),
            ("HOTP_COUNTER -1", Field::Counter),
            ("DIGITS six", Field::Digits),
        ] {
            let refused = refused(&format!("\" TOTP_AUTH\n\" {option}\n"));
            assert_eq!(
                refused,
                Some(Obstacle::Unreadable(Flaw::Number(field))),
                "{option}"
            );
        }
        assert_eq!(
            refused("\" TOTP_AUTH\n\" DIGITS 5\n"),
            Some(Obstacle::Digits)
        );
        assert_eq!(
            refused("\" TOTP_AUTH\n\" ALGORITHM md5\n"),
            Some(Obstacle::Algorithm)
        );
    }

    #[test]
    fn options_of_the_hardened_fork_are_read() {
        let one = totp("\" DIGITS 8\n\" ALGORITHM sha512\n");
        assert_eq!((one.algorithm, one.digits.count()), (Algorithm::Sha512, 8));
    }

    #[test]
    fn keys_are_decoded_as_the_module_decodes_them() {
        let key = |line: &str| {
            let one = device(format!("{line}\n\" TOTP_AUTH\n").as_bytes())?;
            Ok(one.secret.reveal_bytes().to_vec())
        };
        let whole = key(KEY).unwrap();
        assert!(key("gezd gnbv-gy3t\tqojqGEZDGNBVGY3TQOJQ\r").unwrap() == whole);
        // Leftover bits of a letter are dropped.
        assert!(key(&format!("{KEY}A")).unwrap() == whole);
        assert!(key("OLBOLBOLBOLBOLBO").unwrap() == key("018018018018018O").unwrap());
        assert_eq!(key("GEZDGNBVGY3TQOJ"), Err(Obstacle::ShortKey { bits: 72 }));
        for line in [
            "GEZDGNBVGY3TQOJQ=",
            "GEZDGNBVGY3TQOJQ9",
            "GEZDGNBVGY3TQOJQ#",
        ] {
            assert_eq!(key(line), Err(Obstacle::Unreadable(Flaw::Key)), "{line}");
        }
        assert_eq!(key(""), Err(Obstacle::Unreadable(Flaw::NoKey)));
    }

    #[test]
    fn recovery_codes_end_where_the_module_stops_reading() {
        let text = "\n\r\n10000000\r\n  +20000000\n0030000000\n99999999\n\" KEY\n10000000\n1234567\n40000000\n";
        assert_eq!(
            numbers(text),
            ["10000000", "20000000", "30000000", "99999999"]
        );
        for dead in [
            "12345678 \n",
            "123456789\n",
            "1234567x\n",
            "x\n12345678\n",
            "-12345678\n",
        ] {
            assert!(numbers(dead).is_empty(), "{dead:?}");
        }
    }

    #[test]
    fn a_file_of_another_kind_is_refused() {
        assert_eq!(device(b"").err(), Some(Obstacle::Unreadable(Flaw::NoKey)));
        let nul = format!("{KEY}\n\" TOTP_AUTH\n\0");
        assert_eq!(
            device(nul.as_bytes()).err(),
            Some(Obstacle::Unreadable(Flaw::NotText))
        );
        let large = format!("{KEY}\n\" TOTP_AUTH\n{}", "\n".repeat(65_536));
        assert_eq!(
            device(large.as_bytes()).err(),
            Some(Obstacle::Unreadable(Flaw::NotText))
        );
    }
}
