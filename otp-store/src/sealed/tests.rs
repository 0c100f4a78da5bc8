//! The key file and its seals: vectors from others, and refused files.

use super::*;
use crate::fixture::set_mode;
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::PathBuf;
use tempfile::TempDir;

/// A directory with a file of one fresh key.
pub(crate) struct KeyPlace(TempDir);

impl KeyPlace {
    pub(crate) fn new() -> Self {
        let place = Self(TempDir::new().unwrap());
        place.put(&Keys::fresh().unwrap());
        place
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("seal")
    }

    /// Opens the file anew, as each process does.
    pub(crate) fn seal(&self) -> Seal {
        let group = fs::metadata(self.0.path()).unwrap().gid();
        Seal::by_key_in(self.path().to_str().unwrap()).for_group(group)
    }

    pub(crate) fn put(&self, keys: &Keys) {
        self.seal().file().unwrap().write(keys).unwrap();
    }

    pub(crate) fn keys(&self) -> Keys {
        self.seal().file().unwrap().read().unwrap()
    }

    /// Puts a new key before the existing ones.
    pub(crate) fn begin_anew(&self) {
        self.put(&self.keys().behind(Keys::fresh().unwrap()));
    }

    pub(crate) fn remove(&self) {
        fs::remove_file(self.path()).unwrap();
    }
}

fn told(place: &KeyPlace) -> String {
    match place.seal().keys() {
        Ok(_) => panic!("it was read"),
        Err(error) => error.to_string(),
    }
}

/// draft-irtf-cfrg-xchacha-03, appendix A.3.1.
#[test]
fn the_cipher_is_xchacha20_poly1305_as_specified() {
    let hex = |text: &str| HEXLOWER.decode(text.as_bytes()).unwrap();
    let cipher = XChaCha20Poly1305::new_from_slice(&hex(
        "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
    ))
    .unwrap();
    let nonce: [u8; 24] = hex("404142434445464748494a4b4c4d4e4f5051525354555657")
        .try_into()
        .unwrap();
    let mut text =
        *b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for \
                      the future, sunscreen would be it.";
    let tag = cipher
        .encrypt_inout_detached(
            &XNonce::from(nonce),
            &hex("50515253c0c1c2c3c4c5c6c7"),
            text.as_mut_slice().into(),
        )
        .unwrap();
    assert!(text.starts_with(&hex(
        "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb"
    )));
    assert_eq!(tag.as_slice(), hex("c0875924c1c7987947deafd8780acf49"));
}

#[test]
fn a_written_key_file_reads_back_and_is_closed_to_others() {
    let place = KeyPlace::new();
    let ids: Vec<_> = place.keys().ids().collect();
    let found = fs::metadata(place.path()).unwrap();
    assert_eq!(found.mode() & 0o7777, 0o640);
    place.begin_anew();
    let two: Vec<_> = place.keys().ids().collect();
    assert_eq!((two.len(), two[1]), (2, ids[0]));
    assert!(two[0] != ids[0]);
    place.put(&place.keys().first_alone());
    assert_eq!(place.keys().ids().collect::<Vec<_>>(), two[..1]);
}

#[test]
fn key_files_that_others_may_read_or_write_are_refused() {
    let place = KeyPlace::new();
    for mode in [0o644, 0o660, 0o604, 0o642, 0o4640] {
        set_mode(&place.path(), mode);
        assert!(told(&place).contains("mode"), "{mode:o}: {}", told(&place));
    }
    for mode in [0o600, 0o400, 0o640, 0o440] {
        set_mode(&place.path(), mode);
        place.seal().keys().unwrap();
    }
    let moved = place.0.path().join("moved");
    fs::rename(place.path(), &moved).unwrap();
    assert!(told(&place).ends_with("is missing"), "{}", told(&place));
    symlink(&moved, place.path()).unwrap();
    assert!(told(&place).contains("link"), "{}", told(&place));
    place.remove();
    fs::hard_link(&moved, place.path()).unwrap();
    told(&place);
    place.remove();
    fs::create_dir(place.path()).unwrap();
    told(&place);
}

#[test]
fn only_the_group_of_the_records_may_read_the_key() {
    if !crate::fixture::is_root() {
        return;
    }
    let place = KeyPlace::new();
    std::os::unix::fs::chown(place.path(), None, Some(4242)).unwrap();
    assert!(told(&place).contains("4242"), "{}", told(&place));
    let path = place.path();
    let seal = Seal::by_key_in(path.to_str().unwrap());
    seal.clone().for_group(4242).keys().unwrap();
    let other = seal.for_group(4243);
    assert!(other.keys().is_err());
    other.clone().or_for_group(4242).keys().unwrap();
    assert!(other.or_for_group(4244).keys().is_err());
    std::os::unix::fs::chown(place.path(), Some(4242), None).unwrap();
    assert!(told(&place).contains("4242"), "{}", told(&place));
}

#[test]
fn files_that_hold_anything_but_keys_are_refused_with_the_line_and_never_quoted() {
    let key = "5e1f0a9b".repeat(8);
    let other = "5e1f0a9c".repeat(8);
    let parse = |text: &str| Keys::parse(text.as_bytes()).map(|keys| keys.ids().count());
    assert_eq!(parse(&format!("# a\n\n{key}\n  {other}\t\r\n")), Ok(2));
    assert_eq!(parse(&key), Ok(1));
    for (text, line) in [
        (String::new(), 0),
        ("# nothing\n".to_owned(), 0),
        (key[1..].to_owned(), 1),
        (format!("{key}\n{key}"), 2),
        (format!("{key}0"), 1),
        (format!("#\n{}", key.to_uppercase()), 2),
        (format!("{key} # mine"), 1),
        ("00".repeat(32), 1),
        ("\0".repeat(64), 1),
    ] {
        assert_eq!(parse(&text).unwrap_err().0, line, "{text}");
    }
    let nine: Vec<_> = (1..=9).map(|at| format!("{at:064}")).collect();
    assert_eq!(parse(&nine[..8].join("\n")), Ok(8));
    assert_eq!(parse(&nine.join("\n")).unwrap_err().0, 9);
}

/// The id of a key is part of the format: with another id, every record would be sealed with a missing key.
#[test]
fn the_id_of_a_key_never_changes() {
    let keys = Keys::parse(format!("{:064}", 1).as_bytes()).unwrap();
    // printf 'pam_otp id of a sealing key\0' and the key's bytes, through sha256sum.
    assert_eq!(keys.seals().to_string(), "9a6479cba2bdca25");
}

#[test]
fn a_key_added_since_the_file_was_read_opens_and_a_removed_one_seals_no_longer() {
    let place = KeyPlace::new();
    let seal = place.seal();
    let before = Sealed::seal(b"0123456789", &place.keys(), "here").unwrap();
    seal.open(&before, "here").unwrap();
    place.begin_anew();
    let after = Sealed::seal(b"0123456789", &place.keys(), "here").unwrap();
    assert!(after.key != before.key);
    assert_eq!(seal.open(&after, "here").unwrap().as_slice(), b"0123456789");
    place.put(&place.keys().first_alone());
    let Pen::Sealing(keys) = seal.pen().unwrap() else {
        panic!("a plain pen");
    };
    assert_eq!(keys.seals(), after.key);
    // Whether the file was read before, or is read anew.
    assert!(matches!(
        place.seal().open(&before, "here"),
        Err(Fault::AnotherKey { .. })
    ));
}

#[test]
fn a_missing_key_file_seals_nothing_and_is_reported_again() {
    let place = KeyPlace::new();
    let seal = place.seal();
    seal.pen().unwrap();
    place.remove();
    // A process that has read it may go on opening records. It writes nothing with a key that may have been removed.
    assert!(matches!(seal.pen(), Err(Fault::File(_))));
}
