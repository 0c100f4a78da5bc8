//! One word for one thing, in Korean: what is enrolled is called by one word on every page, screen and mail.

#[allow(dead_code, reason = "another test reads the sources")]
mod tree;

use std::fs;
use tree::{files, root};

/// A word that was used beside the one that stands in the messages, as two halves: this file must not hold it either.
const NOT: [&str; 2] = ["인증", "기"];

/// The word for what is enrolled.
const BUT: &str = "인증 수단";

#[test]
fn what_is_enrolled_has_one_name_in_korean() {
    let not = NOT.concat();
    let pages = [
        "README.md",
        "SECURITY.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
    ];
    let pages = pages.map(|page| (page.to_owned(), root().join(page)));
    let mut seen = 0;
    for (name, path) in files().into_iter().chain(pages) {
        // Pictures and corpora are no texts.
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        assert!(!text.contains(&not), "{name}");
        seen += usize::from(text.contains(BUT));
    }
    assert!(seen > 10, "the texts are read at all: {seen}");
}
