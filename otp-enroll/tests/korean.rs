//! One word for one thing in Korean: every page, screen and mail calls an authenticator by the same word.

#[allow(dead_code, reason = "another test reads the sources")]
mod tree;

use std::fs;
use tree::{files, root};

/// A word that was once used besides the one in the messages, in two halves: this file must not contain it either.
const NOT: [&str; 2] = ["인증", "기"];

/// The word for an authenticator.
const BUT: &str = "인증 수단";

#[test]
fn an_authenticator_has_one_name_in_korean() {
    let not = NOT.concat();
    let pages = [
        "README.md",
        "README.ko.md",
        "SECURITY.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
    ];
    let pages = pages.map(|page| (page.to_owned(), root().join(page)));
    let mut seen = 0;
    for (name, path) in files().into_iter().chain(pages) {
        // Pictures and corpora are not text.
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        assert!(!text.contains(&not), "{name}");
        seen += usize::from(text.contains(BUT));
    }
    assert!(seen > 10, "the texts are read at all: {seen}");
}
