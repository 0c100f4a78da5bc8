use super::*;
use crate::Error;
use crate::error::{At, Location};
use crate::fixture::{KEY, assert_tells_no_secret_of};
use crate::keeper::Part;
use otp_core::every;
use otp_core::record::Identities;

mod round_trip;
mod second_version;
mod third_version;

const PATH: &str = "/store/alice/credential.toml";

/// The format, written by hand. Keys may stand in any order inside their table.
const EXAMPLE: &str = r#"# The comment is of no importance; the last line is.
version = 1
user = "alice"
uid = 1001

[[authenticator]]
id = "0f1e2d3c4b5a6978"
name = "회사 전화"
type = "totp"
period = 30
algorithm = "SHA1"
digits = 6
secret = "VNQXTRKWMZLHGJ4YCPDUSB5E6OIA2F73"
created = 1763640000

[[authenticator]]
id = "8796a5b4c3d2e1f0"
name = "token"
type = "hotp"
algorithm = "SHA256"
digits = 8
secret = "2F73VNQXTRKWMZLHGJ4YCPDUSB5E6OIA"
created = 1763640001

[recovery]
id = "1032547698badcfe"
salt = "c0ffee00d15ea5e5feedface8badf00d"
created = 1763640002
codes = ["df3efbc38ce4360547899faa863e973a1a593e9fa854b4a8bd25605693bc6a9e"]
# end
"#;

fn parse(path: &str, bytes: &[u8]) -> Result<Credential, Error> {
    super::parse(bytes, &Seal::none()).at(|| Location::of_part(Part::Credential, path))
}

/// Returns what is wrong with a text, whatever is sealed in it.
fn unparsed(bytes: &[u8]) -> Option<Unparsed> {
    match super::parse(bytes, &Seal::none()) {
        Err(Unread::Unparsed(why)) => Some(why),
        Err(Unread::Sealed(_)) | Ok(_) => None,
    }
}

fn reveal(credential: &Credential) -> Zeroizing<String> {
    super::reveal(credential, &Pen::Plain).unwrap()
}

fn parse_text(text: &str) -> Result<Credential, Error> {
    parse(PATH, text.as_bytes())
}

/// Checks that `text` is refused without being quoted, and returns the reason.
fn refusal(text: &[u8]) -> String {
    let Err(error) = parse(PATH, text) else {
        panic!("taken:\n{}", String::from_utf8_lossy(text));
    };
    assert_tells_no_secret_of(text, &error);
    assert_eq!(super::outline(text).err(), unparsed(text));
    let told = error.to_string();
    let reason = told.strip_prefix(PATH).expect("the file is named first");
    reason.trim_start_matches([',', ':', ' ']).to_owned()
}

/// The example with one change, which must be possible.
fn changed(from: &str, to: &str) -> String {
    assert!(EXAMPLE.contains(from), "{from}");
    EXAMPLE.replacen(from, to, 1)
}

#[test]
fn an_outline_says_what_the_credential_says_except_its_secrets() {
    let (outline, credential) = (
        outline(EXAMPLE.as_bytes()).unwrap(),
        parse_text(EXAMPLE).unwrap(),
    );
    assert_eq!(
        (outline.user(), outline.uid()),
        (credential.user(), credential.uid())
    );
    assert!(outline.ids().eq(credential.ids()));
    assert_eq!(outline.issued(), credential.issued());
    let authenticators = outline.authenticators().iter();
    for (known, whole) in authenticators.zip(credential.authenticators()) {
        assert_eq!((&known.name, known.created), (&whole.name, whole.created));
    }
    let told = format!("{outline:?}").to_ascii_lowercase();
    for secret in [KEY, "c0ffee00d15ea5e5", "df3efbc38ce43605"] {
        assert!(!told.contains(&secret.to_ascii_lowercase()));
    }
}

/// A kind that is written but not read would lock its users out from the next login on.
#[test]
fn every_kind_of_authenticator_reads_back() {
    let kinds = every!(Kind {
        Totp => [15, 30, 120].map(|seconds| Kind::Totp(Period::new(seconds).unwrap())),
        Hotp => [Kind::Hotp],
    });
    for kind in kinds {
        let (mut authenticators, recovery) = parse_text(EXAMPLE).unwrap().into_parts();
        authenticators[0].kind = kind;
        let written = Credential::new("alice".to_owned(), 1001, authenticators, recovery).unwrap();
        let read = parse_text(&reveal(&written)).unwrap();
        assert_eq!(read.authenticators()[0].kind, kind);
    }
}

#[test]
fn the_format_reads_as_written_by_hand() {
    let credential = parse_text(EXAMPLE).unwrap();
    assert_eq!((credential.user(), credential.uid()), ("alice", 1001));
    let [phone, token] = credential.authenticators() else {
        panic!("two authenticators");
    };
    assert_eq!(phone.id.text(), "0f1e2d3c4b5a6978");
    assert_eq!(phone.name.as_str(), "회사 전화");
    assert_eq!(phone.kind, Kind::Totp(Period::THIRTY));
    assert_eq!(phone.algorithm, Algorithm::Sha1);
    assert_eq!(phone.digits, Digits::SIX);
    assert_eq!(*base32::reveal(phone.secret.reveal_bytes()), KEY);
    assert_eq!(phone.created, UnixTime::from_seconds(1_763_640_000));
    assert_eq!(token.kind, Kind::Hotp);
    assert_eq!(token.algorithm, Algorithm::Sha256);
    assert_eq!(token.digits.count(), 8);
    let set = credential.recovery().unwrap();
    assert_eq!(set.id.text(), "1032547698badcfe");
    assert_eq!(set.salt.0[..4], [0xC0, 0xFF, 0xEE, 0x00]);
    assert_eq!(set.created, UnixTime::from_seconds(1_763_640_002));
    assert_eq!(set.hashes.len(), 1);
    assert_eq!(set.hashes[0].0[..2], [0xDF, 0x3E]);
}

#[test]
fn recovery_codes_are_optional() {
    let (authenticators, _) = EXAMPLE.split_once("[recovery]").unwrap();
    let credential = parse_text(&format!("{authenticators}# end\n")).unwrap();
    assert!(credential.recovery().is_none());
}

#[test]
fn a_file_cut_off_anywhere_is_refused() {
    for length in 0..EXAMPLE.trim_end().len() {
        refusal(&EXAMPLE.as_bytes()[..length]);
    }
    let written = reveal(&parse_text(EXAMPLE).unwrap());
    for length in 0..written.trim_end().len() {
        refusal(&written.as_bytes()[..length]);
    }
}

#[test]
fn a_text_of_another_kind_is_refused() {
    assert_eq!(refusal(b""), "is empty");
    let mut bytes = EXAMPLE.as_bytes().to_vec();
    let at = EXAMPLE.find(KEY).unwrap();
    bytes[at + 3] = 0xFF;
    assert_eq!(refusal(&bytes), "line 13: not UTF-8");
    let invalid = "not valid TOML, or a key given twice";
    for (damaged, line) in [
        (EXAMPLE.replace("uid = ", "uid "), 4),
        (EXAMPLE.replace(KEY, &format!("{KEY}\"{KEY}")), 13),
        (EXAMPLE.replace(&format!("\"{KEY}\""), KEY), 13),
        (EXAMPLE.replace(KEY, &format!("{KEY}\\")), 13),
        (EXAMPLE.replace(KEY, &format!("{KEY}\n{KEY}")), 14),
        (EXAMPLE.replace("alice", "al\0ice"), 3),
        (
            EXAMPLE.replacen(EXAMPLE, &"\0".repeat(900), 1) + "\n# end\n",
            1,
        ),
        (EXAMPLE.replace("[recovery]", "[recovery"), 25),
    ] {
        assert_eq!(
            refusal(damaged.as_bytes()),
            format!("line {line}: {invalid}"),
            "{damaged}"
        );
    }
}

#[test]
fn a_byte_order_mark_is_refused() {
    let marked = format!("\u{feff}{EXAMPLE}");
    assert_eq!(
        refusal(marked.as_bytes()),
        "line 1: begins with a byte order mark"
    );
}

#[test]
fn every_notation_of_an_integer_is_read_but_none_beyond_64_bits_with_a_sign() {
    let created = "created = 1763640000";
    assert!(EXAMPLE.contains(created));
    for number in [
        "0",
        "-0",
        "+5",
        "0x10",
        "0o17",
        "0b1",
        "1_000",
        "9223372036854775807",
    ] {
        let text = EXAMPLE.replacen(created, &format!("created = {number}"), 1);
        assert!(parse_text(&text).is_ok(), "{number}");
    }
    for number in [
        "-1",
        "9223372036854775808",
        "0xffffffffffffffff",
        "1.0",
        "1e3",
        "\"1\"",
    ] {
        let text = EXAMPLE.replacen(created, &format!("created = {number}"), 1);
        let reason = refusal(text.as_bytes());
        assert!(
            reason.ends_with("must be a whole number, zero or more"),
            "{reason}"
        );
    }
}

#[test]
fn another_version_is_distinguished_from_damage() {
    for version in ["4", "0x4", "4294967296", "9223372036854775807"] {
        // The rest is not examined: a newer version may mean anything by it.
        let newer = format!("version = {version}\nsecrets = [\"{KEY}\"]\n# end\n");
        let Err(error) = parse_text(&newer) else {
            panic!("version {version} was taken");
        };
        assert!(matches!(error, Error::Newer { .. }), "{error}");
        assert_tells_no_secret_of(newer.as_bytes(), &error);
    }
    for (version, reason) in [
        ("0", "line 2: version 0 does not exist"),
        ("-1", "line 2: must be a whole number, zero or more"),
        ("1.0", "line 2: must be a whole number, zero or more"),
        ("\"1\"", "line 2: must be a whole number, zero or more"),
        ("true", "line 2: must be a whole number, zero or more"),
        (
            "18446744073709551616",
            "line 2: must be a whole number, zero or more",
        ),
    ] {
        let text = changed("version = 1", &format!("version = {version}"));
        assert_eq!(refusal(text.as_bytes()), reason, "{version}");
    }
}

/// Each line of the example that sets a key: its number, the key and the value.
fn key_lines() -> impl Iterator<Item = (usize, &'static str, &'static str)> {
    (1..).zip(EXAMPLE.lines()).filter_map(|(number, line)| {
        let (key, value) = line.split_once(" = ")?;
        Some((number, key, value))
    })
}

/// The example with one line replaced by another text of one or more lines.
fn with_line(number: usize, text: &str) -> String {
    let mut lines: Vec<_> = EXAMPLE.lines().collect();
    lines[number - 1] = text;
    lines.join("\n")
}

#[test]
fn no_key_may_be_missing() {
    let mut seen = 0;
    for (number, key, _) in key_lines() {
        let told = refusal(with_line(number, "").as_bytes());
        assert!(
            told.ends_with(&format!(": the key '{key}' is missing")),
            "{told}"
        );
        seen += 1;
    }
    assert_eq!(seen, 22, "all lines of the example that give a key");
}

#[test]
fn no_key_may_be_given_twice() {
    for (number, key, value) in key_lines() {
        let line = format!("{key} = {value}");
        for other in [&line, &format!("{key} = \"{KEY}\"")] {
            let told = refusal(with_line(number, &format!("{line}\n{other}")).as_bytes());
            let second = number + 1;
            assert_eq!(
                told,
                format!("line {second}: not valid TOML, or a key given twice")
            );
        }
    }
    for table in ["[recovery]", "[recovery.recovery]\n[recovery]"] {
        let twice = EXAMPLE.replace("# end", &format!("{table}\nid = \"{KEY}\"\n# end"));
        refusal(twice.as_bytes());
    }
}

#[test]
fn no_key_may_be_unknown() {
    let at_the_top = "unknown key; known here are version, user, uid, authenticator, recovery";
    let of_a_phone =
        "unknown key; known here are type, id, name, period, algorithm, digits, secret, created";
    let of_a_token =
        "unknown key; known here are type, id, name, algorithm, digits, secret, created";
    let of_codes = "unknown key; known here are id, salt, created, codes";
    for (number, known) in [
        (4, at_the_top),
        (14, of_a_phone),
        (23, of_a_token),
        (28, of_codes),
    ] {
        let line = EXAMPLE.lines().nth(number - 1).unwrap();
        for unknown in [
            format!("{KEY} = 1"),
            format!("{KEY} = \"{KEY}\""),
            format!("\"{KEY}\" = [\"{KEY}\"]"),
            format!("{KEY}.{KEY} = 1"),
            format!("Secret = \"{KEY}\""),
        ] {
            let told = refusal(with_line(number, &format!("{line}\n{unknown}")).as_bytes());
            let next = number + 1;
            assert_eq!(told, format!("line {next}: {known}"), "{unknown}");
        }
    }
    for (table, known) in [
        (format!("[{KEY}]"), at_the_top),
        (format!("[[{KEY}]]"), at_the_top),
    ] {
        let told = refusal(
            EXAMPLE
                .replace("# end", &format!("{table}\n# end"))
                .as_bytes(),
        );
        assert_eq!(told, format!("line 30: {known}"));
    }
    let period_of_a_token = changed("type = \"hotp\"", "type = \"hotp\"\nperiod = 30");
    assert_eq!(
        refusal(period_of_a_token.as_bytes()),
        format!("line 20: {of_a_token}")
    );
}

#[test]
fn every_key_has_one_type() {
    for (number, key, value) in key_lines() {
        let text = value.starts_with('"');
        let list = value.starts_with('[');
        for other in [
            format!("\"{KEY}\""),
            "17".to_owned(),
            "-17".to_owned(),
            "17.5".to_owned(),
            "true".to_owned(),
            "2026-11-20".to_owned(),
            format!("[\"{KEY}\"]"),
            format!("[[\"{KEY}\"]]"),
            "[17]".to_owned(),
            format!("{{ {KEY} = \"{KEY}\" }}"),
        ] {
            // One text replaced by another is a question of the value, which is tested below.
            if text && other.starts_with('"') || !text && !list && other == "17" {
                continue;
            }
            let told = refusal(with_line(number, &format!("{key} = {other}")).as_bytes());
            assert!(
                told.starts_with(&format!("line {number}: ")),
                "{key} = {other}: {told}"
            );
        }
    }
    for (whole, other) in [
        ("[recovery]", "[[recovery]]"),
        ("[[authenticator]]", "[authenticator]"),
    ] {
        refusal(EXAMPLE.replace(whole, other).as_bytes());
    }
    let (top, _) = EXAMPLE.split_once("[[").unwrap();
    for (other, reason) in [
        ("authenticator = 5", "line 6: must be an array of tables"),
        ("authenticator = [5]", "line 6: must be a table"),
        (
            "authenticator = []\nrecovery = 5",
            "line 7: must be a table",
        ),
    ] {
        assert_eq!(refusal(format!("{top}{other}\n# end\n").as_bytes()), reason);
    }
}

#[test]
fn every_value_is_held_to_its_range() {
    let hash = "df3efbc38ce4360547899faa863e973a1a593e9fa854b4a8bd25605693bc6a9e";
    let name =
        "line 8: a name has 1 to 32 characters, and no quote, backslash or control character";
    let id = "line 7: must be 16 lower-case hexadecimal digits";
    for (from, to, reason) in [
        ("1001", "4294967296", "line 4: is not a user id"),
        ("0f1e2d3c4b5a6978", "0F1E2D3C4B5A6978", id),
        ("0f1e2d3c4b5a6978", "0f1e2d3c4b5a697", id),
        ("0f1e2d3c4b5a6978", "0f1e2d3c4b5a69780f", id),
        ("0f1e2d3c4b5a6978", "", id),
        ("회사 전화", "", name),
        ("회사 전화", " phone", name),
        ("회사 전화", "a\\\"b", name),
        ("회사 전화", "a\\nb", name),
        ("회사 전화", "123456789012345678901234567890123", name),
        ("totp", "TOTP", "line 9: must be \"totp\" or \"hotp\""),
        (
            "period = 30",
            "period = 14",
            "line 10: period must be 15 to 120 seconds",
        ),
        (
            "period = 30",
            "period = 121",
            "line 10: period must be 15 to 120 seconds",
        ),
        (
            "SHA1",
            "MD5",
            "line 11: must be \"SHA1\", \"SHA256\" or \"SHA512\"",
        ),
        (
            "digits = 6",
            "digits = 5",
            "line 12: digits must be 6, 7 or 8",
        ),
        (
            "digits = 6",
            "digits = 9",
            "line 12: digits must be 6, 7 or 8",
        ),
        (KEY, "VNQXTRKWMZLHGJ4Y1", "line 13: is not base32"),
        (KEY, "VNQXTRKWMZLHGJ4YC", "line 13: is not base32"),
        (
            KEY,
            "VNQXTRKWMZLHGJI",
            "line 13: a secret has 80 to 1024 bits",
        ),
        (KEY, "", "line 13: a secret has 80 to 1024 bits"),
        (
            KEY,
            ("VNQXTRKW".repeat(25) + "VNQXTRI").as_str(),
            "line 13: a secret has 80 to 1024 bits",
        ),
        (
            "c0ffee00d15ea5e5feedface8badf00d",
            "C0FFEE00D15EA5E5FEEDFACE8BADF00D",
            "line 27: must be lower-case hexadecimal digits",
        ),
        (
            "c0ffee00d15ea5e5feedface8badf00d",
            "c0ffee00d15ea5e5feedface8badf0",
            "line 27: has the wrong number of hexadecimal digits",
        ),
        (
            hash,
            &hash[..62],
            "line 29: has the wrong number of hexadecimal digits",
        ),
        (
            hash,
            &hash[..63],
            "line 29: must be lower-case hexadecimal digits",
        ),
        (
            "8796a5b4c3d2e1f0",
            "0f1e2d3c4b5a6978",
            "two authenticators have one id or one name",
        ),
        (
            "token",
            "회사 전화",
            "two authenticators have one id or one name",
        ),
        (
            &format!("[\"{hash}\"]"),
            &format!("[{}]", format!("\"{hash}\",").repeat(33)),
            "a set has at most 32 recovery codes",
        ),
    ] {
        let text = changed(from, to);
        assert_eq!(refusal(text.as_bytes()), reason, "{from} -> {to}");
    }
}

#[test]
fn an_account_has_one_to_four_authenticators() {
    let reason = "an account has 1 to 4 authenticators";
    let (top, rest) = EXAMPLE.split_once("[[").unwrap();
    let (_, codes) = rest.split_once("[recovery]").unwrap();
    let with = |count: usize| {
        let mut text = top.to_owned();
        for at in 0..count {
            writeln!(
                text,
                "[[authenticator]]\nid = \"000000000000000{at}\"\nname = \"{at}\"\ntype = \"hotp\"\n\
                 algorithm = \"SHA1\"\ndigits = 6\nsecret = \"{KEY}\"\ncreated = 0"
            )
            .unwrap();
        }
        text + "[recovery]" + codes
    };
    assert_eq!(refusal(with(0).as_bytes()), reason);
    assert_eq!(refusal(with(5).as_bytes()), reason);
    for count in 1..=4 {
        assert_eq!(
            parse_text(&with(count)).unwrap().authenticators().len(),
            count
        );
    }
}

/// The largest possible file still fits the limits of reading, and the memory set aside for writing it.
#[test]
fn the_largest_credential_fits_the_file() {
    let phone = |at: u8| Authenticator {
        id: Id::from_random([at; 8]),
        name: Name::new(&format!("{at}{}", "가".repeat(31))).unwrap(),
        kind: Kind::Totp(Period::new(120).unwrap()),
        algorithm: Algorithm::Sha256,
        digits: Digits::SIX,
        secret: Secret::new(Zeroizing::new(vec![0xFF; 128])).unwrap(),
        window: None,
        created: UnixTime::from_seconds(i64::MAX as u64),
    };
    let set = RecoverySet {
        id: Id::from_random([0xFF; 8]),
        origin: Origin::Issued,
        salt: Salt([0xFF; 16]),
        hashes: vec![CodeHash([0xFF; 32]); 32],
        created: UnixTime::from_seconds(i64::MAX as u64),
    };
    let user = "\u{80}".repeat(127);
    let largest = Credential::new(user, u32::MAX, (0..4).map(phone).collect(), Some(set)).unwrap();
    let text = reveal(&largest);
    assert!(text.len() as u64 <= LIMIT / 2, "{}", text.len());
    assert_eq!(parse_text(&text).unwrap().user(), largest.user());
}
