//! Findings of `otp-admin doctor` about the sealing key that the policy names.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// Returns what `otp-admin doctor` could not examine. It runs as root, in a user namespace if this process is not root.
fn unexamined(policy: &Path) -> Vec<(String, String)> {
    let program = env!("CARGO_BIN_EXE_otp-admin");
    let mut command = if nix::unistd::geteuid().is_root() {
        Command::new(program)
    } else {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", program]);
        command
    };
    command.args(["doctor", "--json", "--lang", "en", "--conf"]);
    let output = command.arg(policy).output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let all = report["unexamined"].as_array().unwrap().iter();
    let text = |one: &serde_json::Value, key: &str| one[key].as_str().unwrap().to_owned();
    all.map(|one| (text(one, "what"), text(one, "reason")))
        .collect()
}

#[test]
fn a_sealing_key_that_is_missing_or_open_to_others_is_named() {
    let place = tempfile::tempdir().unwrap();
    let (policy, key) = (place.path().join("policy"), place.path().join("key"));
    fs::write(&policy, format!("[seal]\nkey = \"{}\"\n", key.display())).unwrap();
    let of_key = || -> Vec<String> {
        let all = unexamined(&policy).into_iter();
        all.filter(|(what, _)| what == "seal")
            .map(|(_, reason)| reason)
            .collect()
    };
    let missing = of_key();
    assert_eq!(missing.len(), 1, "{missing:?}");
    assert!(missing[0].contains(key.to_str().unwrap()), "{missing:?}");
    fs::write(&key, format!("{}\n", "0123456789abcdef".repeat(4))).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(of_key().len(), 1);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(of_key(), Vec::<String>::new());
}
