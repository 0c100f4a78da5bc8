use super::*;
use otp_core::mailed::MailedHash;

const WHOLE: &str = "version = 1\n\
    uid = 1001\n\
    sent = [1800000000, 1800000060]\n\
    \n[outstanding]\n\
    hash = \"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\"\n\
    since = 1800000060\n\
    \n[confirmed]\n\
    address = \"alice@example.org\"\n\
    when = 1700000000\n";

fn whole() -> Mailbox {
    let when = UnixTime::from_seconds;
    let outstanding = Outstanding {
        hash: MailedHash(std::array::from_fn(|at| u8::try_from(at).unwrap())),
        since: when(1_800_000_060),
    };
    let confirmed = Confirmed {
        address: Address::parse("alice@example.org").unwrap(),
        when: when(1_700_000_000),
    };
    let sent = vec![when(1_800_000_000), when(1_800_000_060)];
    Mailbox::new(sent, Some(outstanding), Some(confirmed)).unwrap()
}

fn read(text: &str) -> Result<(u32, Mailbox), Unparsed> {
    parse(text.as_bytes())
}

#[test]
fn a_written_mailbox_reads_back() {
    assert_eq!(to_text(1001, &whole()), WHOLE);
    assert_eq!(read(WHOLE).unwrap(), (1001, whole()));
    let empty = to_text(0, &Mailbox::default());
    assert_eq!(empty, "version = 1\nuid = 0\nsent = []\n");
    assert_eq!(read(&empty).unwrap(), (0, Mailbox::default()));
}

#[test]
fn the_longest_mailbox_fits_the_limit() {
    let local = "a".repeat(64);
    let domain = ["b".repeat(63), "c".repeat(63), "d".repeat(61)].join(".");
    let address = Address::parse(&format!("{local}@{domain}")).unwrap();
    assert_eq!(address.as_str().len(), 254);
    let last = UnixTime::from_seconds(i64::MAX as u64);
    let outstanding = Outstanding {
        hash: MailedHash([0xff; 32]),
        since: last,
    };
    let mailbox = Mailbox::new(vec![last; 5], Some(outstanding), None).unwrap();
    let text = to_text(u32::MAX, &mailbox.confirming(address, last));
    assert!(text.len() as u64 <= LIMIT, "{}", text.len());
    assert!(read(&text).is_ok());
}

#[test]
fn a_text_of_another_form_is_refused() {
    for (from, to) in [
        ("version = 1\n", ""),
        ("version = 1", "version = 2"),
        ("uid = 1001\n", ""),
        ("uid = 1001", "uid = -1"),
        ("uid = 1001", "uid = 4294967296"),
        ("sent = [1800000000, 1800000060]\n", ""),
        ("[1800000000, 1800000060]", "1800000000"),
        ("[1800000000, 1800000060]", "[\"1800000000\"]"),
        ("[1800000000, 1800000060]", "[1, 2, 3, 4, 5, 6]"),
        ("1e1f\"", "1e\""),
        ("1e1f\"", "1E1F\""),
        ("since = 1800000060\n", ""),
        ("alice@example.org", "alice"),
        ("when = 1700000000\n", ""),
        ("when", "more = 1\nwhen"),
        ("uid", "more = 1\nuid"),
    ] {
        let damaged = WHOLE.replacen(from, to, 1);
        assert_ne!(damaged, WHOLE, "{from:?}");
        assert!(read(&damaged).is_err(), "{from:?} {to:?}");
    }
    for bytes in [&b""[..], b"\xff", &vec![b'#'; 1024]] {
        assert!(parse(bytes).is_err());
    }
}
