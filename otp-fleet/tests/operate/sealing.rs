//! The sealing key on the host of a verifier.

use crate::place::{Place, content, text};
use std::os::unix::fs::{PermissionsExt, chown};
use std::process::Command;

const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";

fn sealed() -> Option<Place> {
    let place = Place::new()?;
    place.begin_fleet();
    place.write("seal", KEY);
    let policy = format!("[seal]\nkey = \"{}\"\n", place.path("seal").display());
    place.write("policy.conf", policy);
    Some(place)
}

/// It would seal all records by a key that no other verifier has, and give the old one up.
#[test]
fn the_key_of_several_verifiers_is_not_changed_on_one_of_them() {
    let Some(place) = sealed() else { return };
    place.ok(&["provision", "daemon"]);
    let refused = place.fails(1, &["seal", "--rotate"]);
    assert!(refused.contains("every verifier"), "{refused}");
    assert_eq!(content(&place.path("seal")), KEY.as_bytes());
    place.ok(&["seal", "--status"]);
}

/// As the package sets it up: a user of its own, in a group of its own, with the group of the records besides; and the
/// key as the unit puts it there.
#[test]
fn a_verifier_opens_the_key_that_the_unit_puts_there_and_so_does_root() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("not run: takes root, and an account that is not root");
        return;
    }
    let Some(place) = sealed() else { return };
    let (nobody, records) = (65534, 4711);
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(place.path("."), open).unwrap();
    for file in ["state", "verifier.key", "verifier.pem", "ca.pem"] {
        chown(place.path(file), Some(nobody), Some(nobody)).unwrap();
    }
    for file in ["verifier.conf", "policy.conf"] {
        let readable = std::fs::Permissions::from_mode(0o644);
        std::fs::set_permissions(place.path(file), readable).unwrap();
    }
    chown(place.path("seal"), Some(0), Some(records)).unwrap();
    std::fs::set_permissions(place.path("seal"), std::fs::Permissions::from_mode(0o640)).unwrap();
    let groups = content(std::path::Path::new("/etc/group"));
    let groups = text(&groups);
    let others = groups.lines().filter(|line| !line.starts_with("pam_otp:"));
    let groups = others.collect::<Vec<_>>().join("\n");
    place.write("group", format!("{groups}\npam_otp:x:{records}:\n"));
    let readable = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(place.path("group"), readable).unwrap();
    let program = env!("CARGO_BIN_EXE_otp-fleet-admin");
    std::fs::copy(program, place.path("program")).unwrap();
    let script = "mount --bind \"$1\" /etc/group && shift && exec \"$@\"";
    for (user, command) in [
        (
            "root",
            vec!["--configuration", "verifier.conf", "provision", "daemon"],
        ),
        (
            "nobody",
            vec!["--configuration", "verifier.conf", "--session"],
        ),
    ] {
        let mut shell = Command::new("unshare");
        shell
            .args(["--mount", "sh", "-ec", script, "sh"])
            .arg(place.path("group"));
        if user == "nobody" {
            shell.args(["setpriv", "--reuid=65534", "--regid=65534", "--groups=4711"]);
        }
        shell.arg(place.path("program")).args(command);
        shell.current_dir(place.path("."));
        let output = Place::run_as_session(shell, "anna.example.org", &["provision", "bin"]);
        assert!(
            output.status.success(),
            "{user}: {}{}",
            text(&output.stdout),
            text(&output.stderr)
        );
    }
}
