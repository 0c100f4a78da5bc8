//! The build script is that of the module, in another directory.

use std::fs;
use std::path::Path;

const WATCHED: &str = "cargo::rerun-if-changed=";

/// What is watched and is not there has cargo build the helper anew each time, and all that depends on it.
#[test]
fn what_the_build_script_watches_is_there() {
    let output = Path::new(env!("OUT_DIR")).with_file_name("output");
    let output = fs::read_to_string(output).unwrap();
    let watched: Vec<&str> = output
        .lines()
        .filter_map(|line| line.strip_prefix(WATCHED))
        .collect();
    // Where nothing is, it is every file of the package.
    assert!(output.contains("cargo::rerun-if-"), "{output}");
    for path in watched {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        assert!(path.exists(), "{}", path.display());
    }
}
