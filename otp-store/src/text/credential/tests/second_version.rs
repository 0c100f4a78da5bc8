//! The additions of version 2. Version 1 is written whenever it can say everything.

use super::*;

/// The example with a window for each authenticator, and codes of another program.
fn second() -> String {
    let hash = format!("[recovery]\nhash = \"{ARGON2ID}\"");
    EXAMPLE
        .replacen("version = 1", "version = 2", 1)
        .replacen("period = 30", "period = 30\nbefore = 8\nafter = 0", 1)
        .replacen("type = \"hotp\"", "type = \"hotp\"\nlook_ahead = 100", 1)
        .replacen("[recovery]", &hash, 1)
}

#[test]
fn the_second_version_reads_as_written_by_hand_and_writes_back() {
    let credential = parse_text(&second()).unwrap();
    let check = |credential: &Credential| {
        let [phone, token] = credential.authenticators() else {
            panic!("two authenticators");
        };
        assert_eq!(phone.window, Some(Window::of_steps(8, 0).unwrap()));
        assert_eq!(token.window, Some(Window::of_counters(100).unwrap()));
        let set = credential.recovery().unwrap();
        assert_eq!((set.origin, set.hashes.len()), (Origin::Imported, 1));
        assert_eq!(set.hashes[0].0[..2], [0xDF, 0x3E]);
    };
    check(&credential);
    let written = reveal(&credential);
    assert!(written.contains("\nversion = 2\n"), "{}", written.len());
    check(&parse_text(&written).unwrap());
    let outline = outline(second().as_bytes()).unwrap();
    assert_eq!(outline.issued().unwrap().origin, Origin::Imported);
}

#[test]
fn the_second_version_is_written_exactly_for_what_the_first_cannot_say() {
    let first = |text: &str| {
        let written = reveal(&parse_text(text).unwrap());
        let version = written
            .lines()
            .find_map(|line| line.strip_prefix("version = "));
        version.unwrap() == "1"
    };
    assert!(first(EXAMPLE));
    // A file of version 2 that needs nothing new: the next change locks no reader of version 1 out.
    let none = changed("version = 1", "version = 2");
    assert!(first(&none));
    for (from, to) in [
        ("period = 30", "period = 30\nbefore = 1\nafter = 1"),
        ("type = \"hotp\"", "type = \"hotp\"\nlook_ahead = 10"),
        ("[recovery]", "[recovery]\nhash = \"argon2id\""),
    ] {
        let text = none.replacen(from, to, 1);
        assert!(text != none && !first(&text), "{to}");
        // In version 1 the same is damage: a reader that knows only that version would refuse it.
        let told = refusal(text.replacen("version = 2", "version = 1", 1).as_bytes());
        assert!(told.contains("unknown key"), "{told}");
    }
}

#[test]
fn new_values_of_the_second_version_are_held_to_their_range() {
    for (from, to, reason) in [
        (
            "before = 8",
            "before = 11",
            "a window has 0 to 10 steps on either side",
        ),
        (
            "after = 0",
            "after = 11",
            "a window has 0 to 10 steps on either side",
        ),
        (
            "after = 0",
            "after = 256",
            "a window has 0 to 10 steps on either side",
        ),
        (
            "after = 0",
            "after = -1",
            "must be a whole number, zero or more",
        ),
        ("before = 8\n", "", "'before' and 'after' stand together"),
        ("\nafter = 0", "", "'before' and 'after' stand together"),
        (
            "look_ahead = 100",
            "look_ahead = 101",
            "a look-ahead has 1 to 100 counters",
        ),
        (
            "look_ahead = 100",
            "look_ahead = 0",
            "a look-ahead has 1 to 100 counters",
        ),
        ("look_ahead = 100", "before = 1", "unknown key"),
        ("before = 8", "look_ahead = 8\nbefore = 8", "unknown key"),
        ("argon2id", "argon2i", "must be \"argon2id\""),
        ("argon2id", "", "must be \"argon2id\""),
        ("\"argon2id\"", "5", "must be a string"),
    ] {
        let text = second();
        assert!(text.contains(from), "{from}");
        let told = refusal(text.replacen(from, to, 1).as_bytes());
        assert!(told.contains(reason), "{from} {to}: {told}");
    }
}
