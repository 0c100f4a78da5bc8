//! Files that grow while they are read.

use super::*;
use std::io::Write;

const RULES: Rules = Rules {
    allowed: 0o777,
    account: None,
    group: None,
    one_name: true,
};

/// Opens a file of four bytes; also returns a second handle that can make it grow.
fn opened(directory: &tempfile::TempDir) -> (Opened, File) {
    let path = directory.path().join("file");
    std::fs::write(&path, "abcd").unwrap();
    let parent = File::open(directory.path()).unwrap();
    let opened = open_file(&parent, "file", Access::Read, RULES, 8).unwrap();
    let growing = File::options().append(true).open(&path).unwrap();
    (opened.unwrap(), growing)
}

#[test]
fn memory_is_as_large_as_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let (opened, _) = opened(&directory);
    let bytes = read_whole(&opened, 8).unwrap();
    assert_eq!(bytes.as_slice(), b"abcd");
    assert_eq!(bytes.capacity(), 5);
}

#[test]
fn a_file_that_has_grown_is_read_to_its_end() {
    let directory = tempfile::tempdir().unwrap();
    let (opened, mut growing) = opened(&directory);
    growing.write_all(b"efgh").unwrap();
    assert_eq!(read_whole(&opened, 8).unwrap().as_slice(), b"abcdefgh");
}

#[test]
fn a_file_that_has_grown_beyond_its_limit_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (opened, mut growing) = opened(&directory);
    growing.write_all(b"efghi").unwrap();
    assert!(matches!(
        read_whole(&opened, 8),
        Err(Unread::Unsafe(Fault::TooLarge { limit: 8 }))
    ));
}

#[test]
fn a_file_that_has_shrunk_is_read_to_its_end() {
    let directory = tempfile::tempdir().unwrap();
    let (opened, growing) = opened(&directory);
    growing.set_len(2).unwrap();
    assert_eq!(read_whole(&opened, 8).unwrap().as_slice(), b"ab");
}
