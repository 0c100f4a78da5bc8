//! The sealed values of version 3. Sealed data opens only in its own place.

use super::*;
use crate::sealed::Fault;
use crate::sealed::tests::KeyPlace;

/// The example, sealed, with the codes of another program.
fn sealed(place: &KeyPlace) -> String {
    let text = EXAMPLE.replacen("version = 1", "version = 2", 1).replacen(
        "[recovery]",
        "[recovery]\nhash = \"argon2id\"",
        1,
    );
    let pen = place.seal().pen().unwrap();
    let text = super::super::reveal(&parse_text(&text).unwrap(), &pen).unwrap();
    text.as_str().to_owned()
}

fn opened(text: &str, seal: &Seal) -> Result<Credential, Fault> {
    match super::super::parse(text.as_bytes(), seal) {
        Ok(credential) => Ok(credential),
        Err(Unread::Sealed(fault)) => Err(fault),
        Err(Unread::Unparsed(why)) => panic!("{why:?}"),
    }
}

fn changes(text: &str, seal: &Seal) {
    let told = opened(text, seal).err();
    assert!(matches!(told, Some(Fault::Changed)), "{told:?}");
}

/// Returns what follows `sealed = `, for each such line in order.
fn sealed_values(text: &str) -> Vec<&str> {
    let values = text
        .lines()
        .filter_map(|line| line.strip_prefix("sealed = "));
    values.collect()
}

#[test]
fn a_sealed_credential_reads_back_and_is_of_version_3() {
    let place = KeyPlace::new();
    let text = sealed(&place);
    assert!(text.contains("\nversion = 3\n") && !text.contains("secret ="));
    assert!(!text.contains("salt ="));
    assert_eq!(sealed_values(&text).len(), 3);
    let plain = parse_text(EXAMPLE).unwrap();
    let read = opened(&text, &place.seal()).unwrap();
    for (read, plain) in read.authenticators().iter().zip(plain.authenticators()) {
        assert!(read.secret.is(&plain.secret));
    }
    let (read, plain) = (read.recovery().unwrap(), plain.recovery().unwrap());
    assert!(read.salt == plain.salt && read.hashes == plain.hashes);
    // The outline needs no key, and says the same.
    let outline = outline(text.as_bytes()).unwrap();
    assert_eq!(outline.issued().unwrap().count, 1);
    assert_eq!(outline.authenticators().len(), 2);
}

#[test]
fn each_write_seals_with_a_new_nonce() {
    let place = KeyPlace::new();
    let (one, two) = (sealed(&place), sealed(&place));
    for (one, two) in sealed_values(&one).iter().zip(sealed_values(&two)) {
        let nonce = |value: &str| value.split('.').nth(1).unwrap().to_owned();
        assert!(nonce(one) != nonce(two));
    }
}

#[test]
fn salts_of_codes_that_cannot_be_guessed_are_not_sealed() {
    let place = KeyPlace::new();
    let pen = place.seal().pen().unwrap();
    let text = super::super::reveal(&parse_text(EXAMPLE).unwrap(), &pen).unwrap();
    assert!(text.contains("salt = \"c0ffee00d15ea5e5feedface8badf00d\""));
    assert_eq!(sealed_values(&text).len(), 2);
    opened(&text, &place.seal()).unwrap();
}

#[test]
fn sealed_credentials_open_only_for_their_user_user_id_and_authenticator() {
    let place = KeyPlace::new();
    let (text, seal) = (sealed(&place), place.seal());
    for (from, to) in [
        ("user = \"alice\"", "user = \"bob\""),
        ("user = \"alice\"", "user = \"alice2\""),
        ("uid = 1001", "uid = 1002"),
        ("uid = 1001", "uid = 100"),
        ("0f1e2d3c4b5a6978", "0f1e2d3c4b5a6979"),
        ("1032547698badcfe", "1032547698badcff"),
    ] {
        let other = text.replacen(from, to, 1);
        assert!(other != text);
        changes(&other, &seal);
    }
    // Swapped: both belong to this user, but each is in the wrong place.
    let values = sealed_values(&text);
    let swapped = text
        .replacen(values[0], "HERE", 1)
        .replacen(values[1], values[0], 1)
        .replacen("HERE", values[1], 1);
    assert!(swapped != text);
    changes(&swapped, &seal);
}

#[test]
fn every_flipped_bit_and_every_cut_of_a_sealed_value_is_refused() {
    let place = KeyPlace::new();
    let (text, seal) = (sealed(&place), place.seal());
    let mut refused = 0;
    for value in sealed_values(&text) {
        let start = text.find(value).unwrap() + 1;
        let digits = &value[1..value.len() - 1];
        for at in 0..digits.len() {
            for bit in 0..8 {
                let mut other = text.clone().into_bytes();
                other[start + at] ^= 1 << bit;
                let read = super::super::parse(&other, &seal);
                assert!(read.is_err(), "byte {at}, bit {bit}");
                refused += 1;
            }
            let cut = text.replacen(digits, &digits[..at], 1);
            assert!(super::super::parse(cut.as_bytes(), &seal).is_err(), "{at}");
        }
    }
    assert!(refused > 3000, "{refused}");
}

#[test]
fn a_sealed_credential_without_its_key_or_with_another_says_why_it_does_not_open() {
    let place = KeyPlace::new();
    let text = sealed(&place);
    let told = |seal: &Seal| opened(&text, seal).err().unwrap();
    assert!(matches!(told(&Seal::none()), Fault::NoKey));
    assert!(matches!(
        told(&KeyPlace::new().seal()),
        Fault::AnotherKey { .. }
    ));
    let gone = KeyPlace::new();
    gone.remove();
    assert!(matches!(told(&gone.seal()), Fault::File(_)));
}

#[test]
fn versions_do_not_mix() {
    let place = KeyPlace::new();
    let text = sealed(&place);
    for other in [
        text.replacen("version = 3", "version = 2", 1),
        text.replacen("version = 3", "version = 1", 1),
        text.replacen("version = 3", "version = 4", 1),
        text.replacen("sealed = ", "secret = ", 1),
        EXAMPLE.replacen("version = 1", "version = 3", 1),
        // An unsealed key, which everybody can read, beside a sealed one.
        text.replacen("sealed = ", "secret = \"VNQXTRKWMZLHGJ4Y\"\nsealed = ", 1),
    ] {
        assert!(super::super::parse(other.as_bytes(), &place.seal()).is_err());
        assert_eq!(outline(other.as_bytes()).err(), unparsed(other.as_bytes()));
    }
}

#[test]
fn a_credential_of_an_earlier_version_reads_even_if_the_key_file_is_missing() {
    let gone = KeyPlace::new();
    gone.remove();
    assert!(opened(EXAMPLE, &gone.seal()).is_ok());
}
