//! `otp-admin` and `otp-admin fleet` over a real etcd.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod backups;
mod entrance;
mod gate;
mod half;
mod languages;
mod place;
mod sealing;
mod terminal;

use place::{Place, text};

#[test]
fn a_fleet_begins_once_and_the_same_command_completes_it() {
    let Some(place) = Place::new() else { return };
    let refused = place.fails(2, &["list"]);
    assert!(refused.contains("fleet"), "{refused}");
    // A certificate that could not undo the change would lock everybody out.
    for (certificate, key) in [("verifier.pem", "verifier.key"), ("ca.pem", "root.key")] {
        let arguments = [
            "fleet",
            "init",
            "--verifier",
            "verifier",
            "--certificate",
            certificate,
            "--key",
            key,
        ];
        place.fails(1, &arguments);
    }
    let begun = place.begin_fleet();
    assert!(begun.contains("has begun"), "{begun}");
    let again = place.begin_fleet();
    assert!(again.contains("was there already"), "{again}");
    assert_eq!(place.ok(&["list", "--json"]), "[]\n");
    let machines = place.json(&["fleet", "machines", "--json"]);
    assert_eq!(machines[0]["name"], "anna.example.org");
    assert_eq!(machines[0]["role"], "administrator");
    // A verifier can reach nothing in etcd but the keys of the fleet.
    let arguments = [
        "fleet",
        "init",
        "--verifier",
        "other",
        "--certificate",
        "verifier.pem",
        "--key",
        "verifier.key",
    ];
    place.fails(1, &arguments);
}

#[test]
fn only_etcd_users_of_the_fleet_reach_its_keys() {
    let Some(place) = Place::new() else { return };
    place.begin_fleet();
    let conf = String::from_utf8(place::content(&place.path("verifier.conf"))).unwrap();
    place.write(
        "verifier.conf",
        conf.replace("verifier.pem", "other.pem")
            .replace("verifier.key", "other.key"),
    );
    for arguments in [
        &["list"][..],
        &["fleet", "machines"],
        &["provision", "daemon"],
    ] {
        let refused = place.fails(2, arguments);
        assert!(refused.contains("etcd"), "{refused}");
    }
}

#[test]
fn an_etcd_that_somebody_else_uses_is_left_alone() {
    let Some(place) = Place::new() else { return };
    place.begin_fleet();
    let config = otp_fleet::etcd::Config {
        endpoints: vec![place.endpoint()],
        ca: place.path("ca.pem"),
        certificate: place.path("root.pem"),
        key: place.path("root.key"),
    };
    let database = otp_fleet::operate::database::Database::of(&config).unwrap();
    let put = otp_fleet::etcd::PutRequest {
        key: b"/registry/pods".to_vec(),
        ..Default::default()
    };
    database.ask(&put).unwrap();
    let arguments = [
        "fleet",
        "init",
        "--verifier",
        "verifier",
        "--certificate",
        "root.pem",
        "--key",
        "root.key",
    ];
    let refused = place.fails(1, &arguments);
    assert!(refused.contains("not the fleet's alone"), "{refused}");
}

#[test]
fn machines_and_administrators_can_be_added_and_revoked() {
    let Some(place) = Place::new() else { return };
    place.fails(1, &["fleet", "add-machine", "web1.example.org"]);
    place.begin_fleet();
    place.ok(&[
        "fleet",
        "add-machine",
        "WEB1.example.org",
        "--zone",
        "web",
        "--zone",
        "db",
    ]);
    place.fails(1, &["fleet", "add-machine", "not a name"]);
    place.fails(1, &["fleet", "add-machine", "web2", "--zone", "@staff"]);
    place.fails(1, &["fleet", "add-machine", "anna.example.org"]);
    place.fails(1, &["fleet", "add-administrator", "web1.example.org"]);
    place.fails(1, &["fleet", "revoke", "web9.example.org"]);
    place.ok(&["fleet", "revoke", "web1.example.org"]);
    let machines = place.json(&["fleet", "machines", "--json"]);
    assert_eq!(machines[1]["name"], "web1.example.org");
    assert_eq!(machines[1]["zones"], serde_json::json!(["web", "db"]));
    assert!(machines[1]["revoked"].is_u64());
    place.ok(&["fleet", "add-machine", "web1.example.org"]);
    let machines = place.json(&["fleet", "machines", "--json"]);
    assert!(machines[1]["revoked"].is_null());
    assert_eq!(machines[1]["zones"], serde_json::json!([]));
    assert!(place.ok(&["fleet", "machines"]).contains("everybody"));
}

#[test]
fn the_status_names_every_problem_and_nothing_else() {
    let Some(place) = Place::new() else { return };
    let status = place.json(&["fleet", "status", "--json"]);
    let ids = |status: &serde_json::Value| -> Vec<String> {
        let problems = status["problems"].as_array().unwrap().iter();
        problems
            .map(|one| one["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(ids(&status), ["no-fleet", "few-members", "no-verifier"]);
    place.begin_fleet();
    let status = place.json(&["fleet", "status", "--json"]);
    assert_eq!(ids(&status), ["few-members", "no-verifier"]);
    assert_eq!(status["members"][0]["leads"], true);
    assert_eq!(status["epoch"], 1);
    let mut place = place;
    place.stop();
    place.fails(2, &["fleet", "status"]);
    place.start();
    place.run(&["fleet", "status"]);
}

#[test]
fn every_command_about_records_works_as_on_one_machine() {
    let Some(place) = Place::new() else { return };
    place.begin_fleet();
    let provisioned: serde_json::Value =
        serde_json::from_str(&place.ok(&["provision", "daemon", "--json"])).unwrap();
    assert_eq!(provisioned["recovery_codes"].as_array().unwrap().len(), 10);
    place.fails(1, &["provision", "daemon"]);
    place.ok(&["provision", "daemon", "--force"]);
    let listed = place.json(&["list", "--json"]);
    assert_eq!(listed[0]["user"], "daemon");
    assert!(place.ok(&["show", "daemon"]).contains("10 of 10 left"));
    place.fails(1, &["show", "nobody-has-this-name"]);
    assert!(place.ok(&["unlock", "daemon"]).contains("daemon"));
    place.write(
        "keys",
        "bin,otpauth://totp/x:bin?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n",
    );
    place.ok(&["import", "uris", "keys", "--user", "bin"]);
    place.write("names", "daemon\nbin\nsys\n");
    let report = place.json(&["report", "--users", "names", "--json"]);
    let users = report["users"].as_array().unwrap();
    let enrolled: Vec<bool> = users
        .iter()
        .map(|one| one["enrolled"].as_bool().unwrap())
        .collect();
    assert_eq!(enrolled, [true, true, false], "{report}");
    place.ok(&["move", "bin", "sys", "--force"]);
    assert!(place.ok(&["show", "bin"]).contains("no authenticator"));
    place.ok(&["reset", "sys"]);
    place.ok(&["reset", "daemon"]);
    assert_eq!(place.ok(&["list", "--json"]), "[]\n");
}

#[test]
fn an_administrator_manages_records_and_machines_but_reaches_no_file_of_the_host() {
    let Some(place) = Place::new() else { return };
    place.begin_fleet();
    let ok = |arguments: &[&str]| {
        let output = place.session("anna.example.org", arguments);
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            text(&output.stderr)
        );
        text(&output.stdout)
    };
    assert!(ok(&["provision", "daemon", "--json"]).contains("\"secret\""));
    assert!(ok(&["list"]).contains("daemon"));
    ok(&["fleet", "add-machine", "web1.example.org"]);
    ok(&["fleet", "revoke", "web1.example.org"]);
    ok(&["fleet", "machines"]);
    ok(&["--help"]);
    place.write("backup.key", [7; 32]);
    let at = |name: &str| place.path(name).display().to_string();
    for (status, arguments) in [
        (1, &["fleet", "confirm"][..]),
        (
            1,
            &[
                "fleet",
                "backup",
                &at("stolen"),
                "--key-file",
                &at("backup.key"),
            ],
        ),
        (1, &["fleet", "restore", &at("verifier.conf"), "--replace"]),
        (1, &["fleet", "init", "--verifier", "x"]),
        (1, &["fleet", "revoke", "anna.example.org"]),
        (1, &["doctor"]),
        (1, &["policy", "check", &at("verifier.key")]),
        (1, &["protect", "sshd"]),
        // No file of the verifier's host is read, even if anybody may read it.
        (2, &["import", "uris", &at("verifier.key")]),
        (2, &["report", "--users", &at("verifier.conf")]),
        (1, &["import", "google-authenticator"]),
        (1, &["events", "--file", &at("verifier.conf")]),
        (1, &["seal", "--status", "--key", &at("verifier.key")]),
        (2, &["no-such-command"]),
        (2, &["list", "--configuration", "/x"]),
    ] {
        let output = place.session("anna.example.org", arguments);
        assert_eq!(
            output.status.code(),
            Some(status),
            "{arguments:?}: {}{}",
            text(&output.stdout),
            text(&output.stderr)
        );
        assert!(!place.path("stolen").exists());
    }
    // An administrator can choose neither another policy nor another store.
    place.write("strict.conf", "nonsense");
    ok(&[
        "list",
        "--conf",
        &at("strict.conf"),
        "--state-dir",
        "/nowhere",
    ]);
}
