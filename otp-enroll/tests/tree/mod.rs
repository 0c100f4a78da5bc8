//! The files of this project, for tests that compare a page with them.

use std::fs;
use std::path::{Path, PathBuf};

/// The folders of the sources, the tests and the installed files.
const ROOMS: [&str; 17] = [
    "conf",
    "otp-core",
    "otp-enroll",
    "otp-file",
    "otp-fleet",
    "otp-helper",
    "otp-hooks",
    "otp-import",
    "otp-log",
    "otp-mail",
    "otp-portal",
    "otp-queue",
    "otp-site",
    "otp-store",
    "packaging",
    "pam_otp",
    "tests",
];

/// Returns the top directory of the project.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Returns every file in these folders by its path from the top, without build output.
pub fn files() -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    for room in ROOMS {
        files_below(&root().join(room), &mut found);
    }
    found
}

/// Returns the text of every Rust and Python source among them.
pub fn sources() -> Vec<(String, String)> {
    let is_source = |path: &Path| {
        path.extension()
            .is_some_and(|end| end == "rs" || end == "py")
    };
    files()
        .into_iter()
        .filter(|(_, path)| is_source(path))
        .map(|(name, path)| (name, fs::read_to_string(path).expect("a text")))
        .collect()
}

fn files_below(folder: &Path, found: &mut Vec<(String, PathBuf)>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if !path.is_dir() {
            let name = path.strip_prefix(root()).expect("below the top");
            found.push((name.display().to_string(), path));
        } else if !path.ends_with("target") {
            files_below(&path, found);
        }
    }
}
