//! Backups: what they hold, what they do not reveal, and restores that are cut short at any point.

use crate::gate::Gate;
use crate::place::{Place, content};
use data_encoding::{BASE32_NOPAD, BASE64, HEXLOWER, HEXUPPER};
use std::process::Stdio;
use std::thread;

const USERS: [&str; 3] = ["daemon", "bin", "sys"];

fn provision(place: &Place, user: &str) -> serde_json::Value {
    serde_json::from_str(&place.ok(&["provision", user, "--json"])).unwrap()
}

pub fn fleet_with_users() -> Option<(Place, Vec<serde_json::Value>)> {
    let place = Place::new()?;
    place.begin_fleet();
    place.ok(&["fleet", "add-machine", "web1.example.org"]);
    let users = USERS.map(|user| provision(&place, user));
    place.write("key", [7; 32]);
    place.write("other.bin", [8; 32]);
    Some((place, users.into()))
}

pub fn backup(place: &Place, name: &str) {
    let said = place.ok(&["fleet", "backup", name, "--key-file", "key"]);
    assert!(said.contains("3 accounts"), "{said}");
}

pub fn status(place: &Place) -> serde_json::Value {
    place.json(&["fleet", "status", "--json"])
}

#[test]
fn a_backup_reveals_nothing_of_its_content() {
    let Some((place, users)) = fleet_with_users() else {
        return;
    };
    backup(&place, "b");
    let bytes = content(&place.path("b"));
    let is_in = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    for user in &users {
        let secret = user["secret"].as_str().unwrap();
        let key = BASE32_NOPAD
            .decode(secret.trim_end_matches('=').as_bytes())
            .unwrap();
        for needle in [
            key.clone(),
            secret.as_bytes().to_vec(),
            secret.to_lowercase().into_bytes(),
            HEXLOWER.encode(&key).into_bytes(),
            HEXUPPER.encode(&key).into_bytes(),
            BASE64.encode(&key).trim_end_matches('=').as_bytes()[..20].to_vec(),
            key.iter().rev().copied().collect(),
            user["user"].as_str().unwrap().as_bytes().to_vec(),
        ] {
            // Three letters may occur anywhere by chance.
            assert!(needle.len() < 6 || !is_in(&needle));
        }
        for code in user["recovery_codes"].as_array().unwrap() {
            assert!(!is_in(code.as_str().unwrap().as_bytes()));
        }
    }
    assert!(!is_in(b"/pam_otp/") && !is_in(b"web1.example.org") && !is_in(&[7; 32]));
    // A backup never overwrites an existing file.
    place.fails(2, &["fleet", "backup", "b", "--key-file", "key"]);
    assert_eq!(content(&place.path("b")), bytes);
}

#[test]
fn lost_records_come_back_in_a_new_epoch() {
    let Some((mut place, _)) = fleet_with_users() else {
        return;
    };
    backup(&place, "b");
    let before = status(&place);
    place.lose_everything();
    place.fails(1, &["fleet", "backup", "c", "--key-file", "key"]);
    // etcd has lost its users too, and answers everybody.
    let refused = place.fails(1, &["fleet", "restore", "b", "--key-file", "key"]);
    assert!(refused.contains("fleet init"), "{refused}");
    place.fails(1, &["fleet", "backup", "c", "--key-file", "key"]);
    let init = ["fleet", "init", "--verifier", "verifier"];
    let by_root = ["--certificate", "root.pem", "--key", "root.key"];
    let begun = place.ok(&[&init[..], &by_root].concat());
    assert!(begun.contains("has begun"), "{begun}");
    place.ok(&["fleet", "restore", "b", "--key-file", "key"]);
    let after = status(&place);
    assert_eq!(after["fleet"], before["fleet"]);
    assert_eq!(after["epoch"], 2);
    assert_eq!(after["machines"], before["machines"]);
    let listed = place.json(&["list", "--json"]);
    assert_eq!(listed.as_array().unwrap().len(), 3);
    for user in listed.as_array().unwrap() {
        assert_eq!(user["recovery_codes_left"], 0, "{user}");
    }
    let init = place.begin_fleet();
    assert!(init.contains("was there already"), "{init}");
    assert_eq!(status(&place)["epoch"], 2);
}

#[test]
fn an_existing_fleet_is_left_alone_unless_it_is_to_be_replaced() {
    let Some((place, _)) = fleet_with_users() else {
        return;
    };
    backup(&place, "b");
    place.ok(&["reset", "sys"]);
    place.ok(&["provision", "games"]);
    place.ok(&["fleet", "revoke", "web1.example.org"]);
    let before = place.ok(&["list", "--json"]);
    let refused = place.fails(1, &["fleet", "restore", "b", "--key-file", "key"]);
    assert!(refused.contains("3 accounts"), "{refused}");
    assert_eq!(place.ok(&["list", "--json"]), before);
    assert_eq!(status(&place)["epoch"], 1);
    place.ok(&["fleet", "restore", "b", "--key-file", "key", "--replace"]);
    let listed = place.json(&["list", "--json"]);
    let names: Vec<&str> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["user"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["bin", "daemon", "sys"]);
    // A restore does not bring back a machine that was revoked because it was stolen.
    let machines = place.json(&["fleet", "machines", "--json"]);
    assert!(machines[1]["revoked"].is_u64(), "{machines}");
}

#[test]
fn a_backup_that_is_cut_altered_or_opened_with_another_key_changes_nothing() {
    let Some((place, _)) = fleet_with_users() else {
        return;
    };
    backup(&place, "b");
    let bytes = content(&place.path("b"));
    let before = status(&place);
    let refuses = |bytes: &[u8], what: &str| {
        place.write("bad", bytes);
        place.fails(
            1,
            &["fleet", "restore", "bad", "--key-file", "key", "--replace"],
        );
        assert_eq!(status(&place)["epoch"], before["epoch"], "{what}");
    };
    for end in [
        0,
        17,
        18,
        37,
        38,
        39,
        bytes.len() / 2,
        bytes.len() - 16,
        bytes.len() - 1,
    ] {
        refuses(&bytes[..end], &format!("cut at {end}"));
    }
    for at in [0, 17, 20, 40, bytes.len() / 2, bytes.len() - 1] {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        refuses(&changed, &format!("changed at {at}"));
    }
    refuses(&[bytes.as_slice(), b"x"].concat(), "longer");
    let wrong = place.fails(
        1,
        &[
            "fleet",
            "restore",
            "b",
            "--key-file",
            "other.bin",
            "--replace",
        ],
    );
    assert!(wrong.contains("another key"), "{wrong}");
    place.write("short", [7; 31]);
    place.fails(
        1,
        &["fleet", "restore", "b", "--key-file", "short", "--replace"],
    );
    let after = status(&place);
    for key in ["fleet", "epoch", "accounts", "machines", "kept_revisions"] {
        assert_eq!(after[key], before[key], "{key}");
    }
}

/// Each run is stopped one piece later on its way to the database, and killed there; the next run continues from what
/// it left.
#[test]
fn a_restore_killed_at_any_point_is_completed_by_the_same_command() {
    let Some((place, _)) = fleet_with_users() else {
        return;
    };
    backup(&place, "b");
    let restore = ["fleet", "restore", "b", "--key-file", "key", "--replace"];
    let mut was_half = 0;
    for pieces in 1.. {
        let gate = Gate::before(place.port(), pieces);
        place.configure("gate.conf", gate.port());
        let mut command = place.command_by("gate.conf", &restore);
        let mut child = command.stdout(Stdio::null()).spawn().unwrap();
        let ended = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break Some(status);
            }
            if gate.is_shut() {
                child.kill().unwrap();
                child.wait().unwrap();
                break None;
            }
            thread::yield_now();
        };
        if let Some(status) = ended {
            assert!(status.success(), "{pieces}");
            break;
        }
        // The fleet serves as before, or as after, or nobody at all: never half of the records.
        let output = place.run(&["list", "--json"]);
        if output.status.success() {
            let listed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(listed.as_array().unwrap().len(), 3, "{pieces}: {listed}");
        } else {
            was_half += 1;
            let wrong = status(&place);
            assert_eq!(wrong["problems"][0]["id"], "being-restored", "{wrong}");
            place.fails(1, &["fleet", "backup", "half", "--key-file", "key"]);
        }
    }
    assert!(was_half >= 3, "{was_half}");
    let listed = place.json(&["list", "--json"]);
    assert_eq!(listed.as_array().unwrap().len(), 3);
    for user in listed.as_array().unwrap() {
        assert_eq!(user["recovery_codes_left"], 0, "{user}");
    }
}

#[test]
fn an_unfinished_restore_is_not_mixed_with_another_backup() {
    let Some((place, _)) = fleet_with_users() else {
        return;
    };
    backup(&place, "one");
    backup(&place, "two");
    let config = otp_fleet::etcd::Config {
        endpoints: vec![place.endpoint()],
        ca: place.path("ca.pem"),
        certificate: place.path("verifier.pem"),
        key: place.path("verifier.key"),
    };
    // The database as a restore of the first backup leaves it when killed after its first step.
    let head = HEXLOWER.encode(&content(&place.path("one"))[..56]);
    let database = otp_fleet::operate::database::Database::of(&config).unwrap();
    let put = otp_fleet::etcd::PutRequest {
        key: b"/pam_otp/restoring".to_vec(),
        value: format!("pam_otp-restore 1\nfile {head}\nepoch 5\nrun 7\n").into_bytes(),
        ..Default::default()
    };
    database.ask(&put).unwrap();
    let delete = otp_fleet::etcd::DeleteRangeRequest {
        key: b"/pam_otp/fleet".to_vec(),
        ..Default::default()
    };
    database.ask(&delete).unwrap();
    place.fails(2, &["list"]);
    place.fails(1, &["fleet", "confirm"]);
    let refused = place.fails(1, &["fleet", "restore", "two", "--key-file", "key"]);
    assert!(refused.contains("another backup"), "{refused}");
    place.ok(&["fleet", "restore", "one", "--key-file", "key"]);
    assert_eq!(status(&place)["epoch"], 5);
}

#[test]
fn a_database_that_went_back_is_used_only_after_it_is_confirmed() {
    let Some((mut place, _)) = fleet_with_users() else {
        return;
    };
    place.copy_of_data("old");
    place.ok(&["provision", "games"]);
    // The verifier has seen all of that: its mark is as far as the database is.
    let seen = status(&place);
    let mark = format!(
        "pam_otp-seen 1\nfleet {}\nepoch 1\nrevision 100000\n",
        seen["fleet"].as_str().unwrap()
    );
    place.fails(1, &["fleet", "confirm"]);
    place.write("state/seen", &mark);
    place.put_back("old");
    for arguments in [&["list"][..], &["provision", "games"], &["reset", "daemon"]] {
        let refused = place.fails(2, arguments);
        assert!(refused.contains("older"), "{refused}");
    }
    place.ok(&["fleet", "confirm"]);
    assert_eq!(status(&place)["epoch"], 2);
    for user in place.json(&["list", "--json"]).as_array().unwrap() {
        assert_eq!(user["recovery_codes_left"], 0, "{user}");
    }
    place.fails(1, &["fleet", "confirm"]);
    // Another fleet's database instead of this one.
    let another = format!(
        "pam_otp-seen 1\nfleet {}\nepoch 7\nrevision 5\n",
        "0".repeat(32)
    );
    place.write("state/seen", another);
    assert!(place.fails(2, &["list"]).contains("another fleet"));
    place.ok(&["fleet", "confirm"]);
    place.ok(&["list"]);
    assert_eq!(status(&place)["epoch"], 8);
}

#[test]
fn a_database_without_its_verifiers_last_write_is_used_only_after_it_is_confirmed() {
    let Some((place, _)) = fleet_with_users() else {
        return;
    };
    let fleet = status(&place)["fleet"].as_str().unwrap().to_owned();
    let nonce = "7".repeat(32);
    let config = otp_fleet::etcd::Config {
        endpoints: vec![place.endpoint()],
        ca: place.path("ca.pem"),
        certificate: place.path("verifier.pem"),
        key: place.path("verifier.key"),
    };
    let put = otp_fleet::etcd::PutRequest {
        key: b"/pam_otp/w/v1.example.org".to_vec(),
        value: format!("pam_otp-witness 1\nnumber 4\nnonce {nonce}\n").into_bytes(),
        ..Default::default()
    };
    otp_fleet::operate::database::Database::of(&config)
        .unwrap()
        .ask(&put)
        .unwrap();
    let mark = |rest: &str| {
        let epoch = &status(&place)["epoch"];
        let mark = format!("pam_otp-seen 1\nfleet {fleet}\nepoch {epoch}\nrevision 5\n{rest}");
        place.write("state/seen", mark);
    };
    // Each time, the database has advanced beyond what was seen.
    let good = [
        format!("witness v1.example.org 4 {nonce}\n"),
        format!("witness v1.example.org 3 {}\n", "8".repeat(32)),
        String::new(),
    ];
    for rest in good {
        mark(&rest);
        place.ok(&["list"]);
        place.fails(1, &["fleet", "confirm"]);
    }
    for rest in [
        format!("witness v1.example.org 5 {nonce}\n"),
        format!("witness v1.example.org 4 {}\n", "8".repeat(32)),
        format!("witness v2.example.org 1 {nonce}\n"),
        format!("witness v1.example.org 4 {nonce}\nrefused\n"),
        "refused\n".to_owned(),
    ] {
        mark(&rest);
        for arguments in [&["list"][..], &["provision", "games"], &["reset", "daemon"]] {
            let refused = place.fails(2, arguments);
            assert!(refused.contains("older than it was"), "{rest}: {refused}");
        }
        place.ok(&["fleet", "confirm"]);
        place.ok(&["list"]);
        let kept = String::from_utf8(content(&place.path("state/seen"))).unwrap();
        assert!(!kept.contains("refused"), "{kept}");
        place.fails(1, &["fleet", "confirm"]);
    }
    // No backup contains it: a restored database has an epoch of its own.
    backup(&place, "one");
    mark("refused\n");
    let arguments = ["fleet", "restore", "one", "--replace", "--key-file", "key"];
    place.ok(&arguments);
    place.ok(&["list"]);
    place.fails(1, &["fleet", "confirm"]);
}
