//! The helper shares the build script of the module, which is in another directory.

use std::fs;
use std::path::Path;

const WATCHED: &str = "cargo::rerun-if-changed=";

/// If a watched file were missing, cargo would rebuild the helper and everything that depends on it each time.
#[test]
fn the_files_that_the_build_script_watches_exist() {
    let output = Path::new(env!("OUT_DIR")).with_file_name("output");
    let output = fs::read_to_string(output).unwrap();
    let watched: Vec<&str> = output
        .lines()
        .filter_map(|line| line.strip_prefix(WATCHED))
        .collect();
    // Without such a line, cargo watches every file of the package.
    assert!(output.contains("cargo::rerun-if-"), "{output}");
    for path in watched {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        assert!(path.exists(), "{}", path.display());
    }
}
