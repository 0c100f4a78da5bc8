//! The sealing key on the host of a verifier.

use crate::place::{Place, content, text};
use data_encoding::{BASE32_NOPAD, BASE64, HEXLOWER, HEXUPPER};
use otp_fleet::etcd::{AuthUserListRequest, Config};
use otp_fleet::operate::database::Database;
use std::os::unix::fs::{PermissionsExt, chown};
use std::process::Command;

const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";

pub fn sealed() -> Option<Place> {
    let place = Place::new()?;
    place.begin_fleet();
    place.write("seal", KEY);
    let policy = format!("[seal]\nkey = \"{}\"\n", place.path("seal").display());
    place.write("policy.conf", policy);
    Some(place)
}

/// Otherwise all records would be sealed with a key that no other verifier has, and the old key would be dropped.
#[test]
fn a_sealing_key_of_several_verifiers_is_not_changed_on_one_alone() {
    let Some(place) = sealed() else { return };
    place.ok(&["provision", "daemon"]);
    let refused = place.fails(1, &["seal", "--rotate"]);
    assert!(refused.contains("every verifier"), "{refused}");
    assert_eq!(content(&place.path("seal")), KEY.as_bytes());
    place.ok(&["seal", "--status"]);
}

const INIT: [&str; 8] = [
    "fleet",
    "init",
    "--verifier",
    "verifier",
    "--certificate",
    "root.pem",
    "--key",
    "root.key",
];

/// Whether the bytes contain the digits of the key in any form that a file could have.
fn shows(bytes: &[u8], key: &[u8]) -> bool {
    let text = text(key);
    let digits = text.lines().find(|line| line.len() == 64).unwrap();
    let raw = HEXLOWER.decode(digits.as_bytes()).unwrap();
    let forms = [
        digits.as_bytes().to_vec(),
        HEXUPPER.encode(&raw).into_bytes(),
        BASE64.encode(&raw).into_bytes(),
        BASE32_NOPAD.encode(&raw).into_bytes(),
        raw,
    ];
    let is_in = |form: &Vec<u8>| bytes.windows(form.len()).any(|one| one == form);
    forms.iter().any(is_in)
}

/// Prepares the host of a second verifier, with its own policy and its own path for the key.
fn host_of_another(place: &Place) {
    let conf = text(&content(&place.path("verifier.conf")));
    let policy = |name: &str| format!("policy = \"{}\"", place.path(name).display());
    place.write(
        "second.conf",
        conf.replace(&policy("policy.conf"), &policy("second.policy")),
    );
    let key = place.path("second.seal");
    place.write(
        "second.policy",
        format!("[seal]\nkey = \"{}\"\n", key.display()),
    );
}

#[test]
fn a_fleet_begins_with_a_sealing_key_and_seals_from_the_first_record_on() {
    let Some(place) = Place::new() else { return };
    let policy = format!("[seal]\nkey = \"{}\"\n", place.path("seal").display());
    place.write("policy.conf", &policy);
    let begun = place.ok(&INIT);
    assert!(begun.contains("carry-key"), "{begun}");
    let key = content(&place.path("seal"));
    let mode = std::fs::metadata(place.path("seal")).unwrap().permissions();
    assert_eq!(mode.mode() & 0o7737, 0o400 | 0o200, "{:o}", mode.mode());
    // The same command again makes no other key.
    // It names the key, even if the command before was killed before it could.
    let again = place.ok(&INIT);
    assert!(again.contains("carry-key"), "{again}");
    assert_eq!(content(&place.path("seal")), key);
    place.ok(&["provision", "daemon"]);
    assert!(place.ok(&["seal", "--status"]).contains("sealed by it: 1"));

    host_of_another(&place);
    let on_the_second = |arguments: &[&str]| {
        let output = place.command_by("second.conf", arguments).output().unwrap();
        (
            output.status.code(),
            text(&output.stdout),
            text(&output.stderr),
        )
    };
    // Without the key, the second verifier makes none of its own, which would open nothing.
    let (status, said, _) = on_the_second(&INIT);
    assert_eq!(status, Some(0));
    assert!(said.contains("take-key"), "{said}");
    assert!(!place.path("second.seal").exists());
    // Nor does it advise making one.
    let (status, _, wrong) = on_the_second(&["seal", "--status"]);
    assert_eq!(status, Some(2));
    assert!(
        wrong.contains("take-key") && !wrong.contains("--new-key"),
        "{wrong}"
    );
    place.write("by", [7; 32]);
    place.write("other.bin", [8; 32]);
    place.ok(&["fleet", "carry-key", "carried", "--key-file", "by"]);
    let carried = content(&place.path("carried"));
    assert!(!shows(&carried, &key), "the key can be read in the file");
    for wrong in ["other.bin", "seal"] {
        let (status, ..) = on_the_second(&["fleet", "take-key", "carried", "--key-file", wrong]);
        assert_eq!(status, Some(1), "{wrong}");
    }
    let mut changed = carried.clone();
    *changed.last_mut().unwrap() ^= 1;
    place.write("changed", changed);
    place.ok(&["fleet", "backup", "b", "--key-file", "by"]);
    for wrong in ["changed", "by", "b"] {
        let (status, ..) = on_the_second(&["fleet", "take-key", wrong, "--key-file", "by"]);
        assert_eq!(status, Some(1), "{wrong}");
        assert!(!place.path("second.seal").exists());
    }
    for _ in 0..2 {
        let (status, said, wrong) =
            on_the_second(&["fleet", "take-key", "carried", "--key-file", "by"]);
        assert_eq!(status, Some(0), "{said}{wrong}");
        assert_eq!(content(&place.path("second.seal")), key);
    }
    let (status, said, _) = on_the_second(&["seal", "--status"]);
    assert_eq!(status, Some(0), "{said}");
    // An existing key stays.
    place.write("second.seal", KEY);
    let (status, _, wrong) = on_the_second(&["fleet", "take-key", "carried", "--key-file", "by"]);
    assert_eq!(status, Some(1));
    assert!(wrong.contains("another sealing key"), "{wrong}");
    assert_eq!(content(&place.path("second.seal")), KEY.as_bytes());
    // Only the two key files contain the key; etcd's files do not.
    let data = std::process::Command::new("tar")
        .args(["-cf", "-", "data", "state"])
        .current_dir(place.path("."))
        .output()
        .unwrap();
    assert!(!shows(&data.stdout, &key));
}

/// If etcd's users were made and the fleet not begun, the fleet would be half made.
#[test]
fn an_unusable_policy_or_key_is_reported_before_anything_is_changed() {
    let Some(place) = Place::new() else { return };
    let policy = format!("[seal]\nkey = \"{}\"\n", place.path("seal").display());
    place.write("policy.conf", format!("colour = 1\n{policy}"));
    let said = place.fails(2, &INIT);
    assert!(said.contains("unknown key"), "{said}");
    assert!(said.contains("pam_otp.conf(5)"), "{said}");
    assert!(is_untouched(&place));
    place.write("policy.conf", policy);
    place.write("seal", "no key\n");
    place.fails(2, &INIT);
    assert!(is_untouched(&place));
}

/// Whether etcd still authenticates nobody and has no users.
fn is_untouched(place: &Place) -> bool {
    let database = Database::of(&Config {
        endpoints: vec![place.endpoint()],
        ca: place.path("ca.pem"),
        certificate: place.path("other.pem"),
        key: place.path("other.key"),
    });
    let users = database.unwrap().try_asking(&AuthUserListRequest {});
    users.is_ok_and(|answer| answer.users.is_empty())
}

#[test]
fn an_administrator_can_do_without_a_sealing_key_and_is_told_if_there_is_none() {
    let Some(place) = Place::new() else { return };
    let said = place.ok(&INIT);
    assert!(said.contains("not sealed"), "{said}");
    place.fails(
        1,
        &["fleet", "carry-key", "carried", "--key-file", "root.key"],
    );
    let Some(place) = Place::new() else { return };
    let policy = format!("[seal]\nkey = \"{}\"\n", place.path("seal").display());
    place.write("policy.conf", &policy);
    let without = [&INIT[..], &["--without-key"]].concat();
    place.ok(&without);
    assert!(!place.path("seal").exists());
}

/// The setup of the package: the verifier has its own user and group, and also the group of the records; the key is as
/// the unit installs it.
#[test]
fn a_verifier_and_root_can_both_open_the_key_that_the_unit_provides() {
    if !crate::place::is_root() {
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
