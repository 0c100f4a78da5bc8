//! A Korean message about a fleet gives its reason in Korean.

use crate::backups::fleet_with_users;
use crate::place::{Place, text};
use otp_fleet::etcd::{
    AuthRoleAddRequest, AuthRoleGrantPermissionRequest, AuthUserGrantRoleRequest,
    DeleteRangeRequest, Permission, PutRequest, permission,
};
use otp_fleet::operate::database::Database;
use std::fs::OpenOptions;

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

impl Place {
    /// Runs a command that fails, in English and in Korean. The English message has that reason; the Korean one has no
    /// English but these names, each of which it has.
    fn fails_in_both(&self, arguments: &[&str], reason: &str, names: &[&str]) {
        let said = |language| {
            let command = self
                .command_in(language, "verifier.conf", arguments)
                .output();
            let output = command.unwrap();
            assert!(!output.status.success(), "{arguments:?}");
            let said = text(&output.stderr);
            // What to do about it comes in another line.
            said.lines().next().unwrap_or_default().to_owned()
        };
        let (english, korean) = (said("en"), said("ko"));
        assert!(english.contains(reason), "{english}");
        let directory = self.path("").display().to_string();
        let mut rest = korean.replace(&directory, "");
        for name in ["otp-admin: "].iter().chain(names) {
            assert!(rest.contains(name), "{name}: {korean}");
            rest = rest.replace(name, "");
        }
        let is_english = |letter: char| letter.is_ascii_alphabetic();
        assert!(!rest.contains(is_english), "{korean}");
    }
}

fn put(database: &Database, key: &str, value: &str) {
    let put = PutRequest {
        key: key.into(),
        value: value.into(),
        ..Default::default()
    };
    database.ask(&put).unwrap();
}

fn remove(database: &Database, key: &str) {
    let delete = DeleteRangeRequest {
        key: key.into(),
        ..Default::default()
    };
    database.ask(&delete).unwrap();
}

#[test]
fn a_database_that_is_not_the_fleets_alone_is_reported_in_korean_with_the_reason() {
    let Some((place, _)) = fleet_with_users() else {
        return;
    };
    let root = place.database("root");
    put(&root, "/registry/pods", "x");
    place.fails_in_both(
        &INIT,
        "keys that do not begin with /pam_otp/",
        &["/pam_otp/"],
    );
    remove(&root, "/registry/pods");
    let role = AuthRoleAddRequest {
        name: "other".to_owned(),
    };
    root.ask(&role).unwrap();
    let grant = AuthUserGrantRoleRequest {
        user: "verifier".to_owned(),
        role: "other".to_owned(),
    };
    root.ask(&grant).unwrap();
    place.fails_in_both(
        &INIT,
        "its user verifier has another role than pam_otp",
        &["verifier", "pam_otp", "etcd"],
    );
    let more = AuthRoleGrantPermissionRequest {
        name: "pam_otp".to_owned(),
        perm: Some(Permission {
            perm_type: permission::Type::Read.into(),
            key: b"/registry/".to_vec(),
            range_end: Vec::new(),
        }),
    };
    root.ask(&more).unwrap();
    place.fails_in_both(
        &INIT,
        "its role pam_otp has rights that it should not have",
        &["pam_otp", "etcd"],
    );
    remove(&root, "/pam_otp/fleet");
    place.fails_in_both(
        &INIT,
        "it keeps accounts, but not of which fleet they are",
        &[],
    );
}

#[test]
fn a_database_that_cannot_be_used_is_reported_in_korean_with_the_reason() {
    let Some((mut place, _)) = fleet_with_users() else {
        return;
    };
    let add = ["fleet", "add-machine", "web1.example.org"];
    place.write("there", "");
    place.fails_in_both(
        &["fleet", "backup", "there", "--key-file", "key"],
        "there: cannot be written: File exists (os error 17)",
        &["there"],
    );
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = place.command_in("ko", "verifier.conf", &["fleet", "machines"]);
    let output = command.stdout(full).output().unwrap();
    let said = text(&output.stderr);
    assert!(said.contains("디스크에 남은 공간이 없습니다"), "{said}");
    let verifier = place.database("verifier");
    put(&verifier, "/pam_otp/fleet", "x");
    place.fails_in_both(
        &add,
        "/pam_otp/fleet does not say which fleet it is",
        &["/pam_otp/fleet"],
    );
    place.fails_in_both(
        &["list"],
        "etcd:/pam_otp/fleet: does not say which fleet it is",
        &["etcd:/pam_otp/fleet"],
    );
    place.write("state/seen", "no mark\n");
    place.fails_in_both(
        &["fleet", "confirm"],
        "state/seen: cannot be read: is no mark of a fleet",
        &["state/seen"],
    );
    place.fails_in_both(
        &["list"],
        "state/seen: cannot trust the database: is no mark of a fleet",
        &["state/seen"],
    );
    std::fs::remove_file(place.path("state/seen")).unwrap();
    let conf = String::from_utf8(crate::place::content(&place.path("verifier.conf"))).unwrap();
    let others = conf
        .replace("verifier.pem", "other.pem")
        .replace("verifier.key", "other.key");
    place.write("verifier.conf", others);
    place.fails_in_both(
        &add,
        "etcd refuses it: etcdserver: ",
        &["etcdserver: permission denied", "etcd"],
    );
    place.write("verifier.conf", conf);
    place.stop();
    let member = &place.endpoint();
    let english = format!("no member of etcd can be reached: {member}: ");
    place.fails_in_both(&add, &english, &["etcd"]);
    place.fails_in_both(&["list"], &english, &["etcd:/pam_otp/fleet", "etcd"]);
}
