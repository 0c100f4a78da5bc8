//! An unfinished restore, and other commands that run meanwhile.

use crate::backups::{backup, fleet_with_users, status};
use crate::place::{Place, content};
use data_encoding::HEXLOWER;
use otp_core::UnixTime;
use otp_core::record::Language;
use otp_fleet::etcd::{
    DeleteRangeRequest, Event, PutRequest, RangeRequest, WatchCreateRequest, after_prefix,
    event::EventType,
};
use otp_fleet::operate::database::Database;
use otp_site::zone;
use otp_store::account::floor::Floor;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};

const RESTORE: [&str; 6] = ["fleet", "restore", "b", "--key-file", "key", "--replace"];

fn database(place: &Place) -> Database {
    place.database("verifier")
}

/// Leaves the database as a restore does that was killed after its first step. Returns the revision of its mark.
fn begun(place: &Place, database: &Database) -> i64 {
    let head = HEXLOWER.encode(&content(&place.path("b"))[..56]);
    let put = PutRequest {
        key: b"/pam_otp/restoring".to_vec(),
        value: format!("pam_otp-restore 1\nfile {head}\nepoch 5\nrun 7\n").into_bytes(),
        ..Default::default()
    };
    let revision = database.ask(&put).unwrap().header.unwrap().revision;
    lose_the_fleet(database);
    revision
}

fn lose_the_fleet(database: &Database) {
    let delete = DeleteRangeRequest {
        key: b"/pam_otp/fleet".to_vec(),
        ..Default::default()
    };
    database.ask(&delete).unwrap();
}

/// Returns everything that has happened to the fleet's keys from a revision on.
fn history(database: &Database, from: i64) -> Vec<Event> {
    let now = RangeRequest {
        key: b"/pam_otp/fleet".to_vec(),
        ..Default::default()
    };
    let end = database.ask(&now).unwrap().kvs[0].mod_revision;
    let mut events: Vec<Event> = Vec::new();
    let mut next = from;
    while next <= end {
        let watch = WatchCreateRequest {
            key: b"/pam_otp/".to_vec(),
            range_end: after_prefix(b"/pam_otp/"),
            start_revision: next,
            ..Default::default()
        };
        let found = database.ask(&watch).unwrap().events;
        next = found.last().unwrap().kv.as_ref().unwrap().mod_revision + 1;
        events.extend(found);
    }
    events
}

/// A process that continues a restore stops one that is still running, and a late removal removes no restored record.
#[test]
fn a_restore_renews_its_mark_before_it_removes_or_adds_anything() {
    let Some((place, _)) = fleet_with_users() else {
        return;
    };
    backup(&place, "b");
    let database = database(&place);
    let mark = begun(&place, &database);
    place.ok(&RESTORE);
    let events = history(&database, mark + 1);
    let at = |is: &dyn Fn(&[u8], bool) -> bool| -> Vec<usize> {
        let one = |event: &Event| {
            let is_put = event.r#type == i32::from(EventType::Put);
            is(&event.kv.as_ref().unwrap().key, is_put)
        };
        (0..events.len()).filter(|&at| one(&events[at])).collect()
    };
    let marks = at(&|key, is_put| is_put && key == b"/pam_otp/restoring");
    let gone = at(&|key, is_put| !is_put && key.starts_with(b"/pam_otp/a/"));
    let come = at(&|key, is_put| is_put && key.starts_with(b"/pam_otp/a/"));
    assert!(!gone.is_empty() && !come.is_empty());
    assert!(marks.iter().any(|mark| *mark < gone[0]), "{marks:?}");
    let last = gone.last().unwrap();
    assert!(
        marks.iter().any(|mark| last < mark && *mark < come[0]),
        "{marks:?}"
    );
}

#[test]
fn one_of_two_simultaneous_restores_succeeds_and_nothing_is_lost() {
    let Some((place, _)) = fleet_with_users() else {
        return;
    };
    backup(&place, "b");
    for _ in 0..3 {
        let both = [(); 2].map(|()| place.command(&RESTORE).spawn().unwrap());
        let done = both.map(|mut one| one.wait().unwrap().success());
        assert!(done.contains(&true), "{done:?}");
        let listed = place.json(&["list", "--json"]);
        assert_eq!(listed.as_array().unwrap().len(), 3, "{listed}");
    }
}

/// A fleet that began over half of a backup would have no floor: used recovery codes would count again.
#[test]
fn no_fleet_begins_over_existing_accounts() {
    let Some((place, _)) = fleet_with_users() else {
        return;
    };
    backup(&place, "b");
    let database = database(&place);
    let init = [
        "fleet",
        "init",
        "--verifier",
        "verifier",
        "--certificate",
        "root.pem",
        "--key",
        "root.key",
    ];
    begun(&place, &database);
    let refused = place.fails(1, &init);
    assert!(refused.contains("has not ended"), "{refused}");
    place.fails(2, &["list"]);
    place.ok(&RESTORE);
    assert_eq!(status(&place)["epoch"], 5);
    // The same if nothing shows that a restore was begun.
    lose_the_fleet(&database);
    let refused = place.fails(1, &init);
    assert!(refused.contains("restore a backup"), "{refused}");
    place.fails(2, &["list"]);
}

/// The directory of the mark belongs to the verifier, which may be compromised. A command of root must not make the
/// verifier root.
#[test]
fn a_link_that_a_verifier_has_put_beside_its_mark_is_not_followed() {
    if !crate::place::is_root() {
        return;
    }
    let Some((place, _)) = fleet_with_users() else {
        return;
    };
    backup(&place, "b");
    let nobody = 65534;
    let open = std::fs::Permissions::from_mode(0o711);
    std::fs::set_permissions(place.path("."), open).unwrap();
    chown(place.path("state"), Some(nobody), Some(nobody)).unwrap();
    place.write("victim", "root's own");
    let link = place.path("state/seen.new");
    symlink(place.path("victim"), &link).unwrap();
    place.run(&RESTORE);
    assert_eq!(content(&place.path("victim")), b"root's own");
    let victim = std::fs::metadata(place.path("victim")).unwrap();
    assert_eq!(victim.uid(), 0);
    std::fs::remove_file(&link).unwrap();
    place.ok(&RESTORE);
    let mark = std::fs::metadata(place.path("state/seen")).unwrap();
    assert_eq!((mark.uid(), mark.gid()), (nobody, nobody));
}

fn put(database: &Database, key: &str, value: String) {
    let (key, value) = (key.into(), value.into_bytes());
    let put = PutRequest {
        key,
        value,
        ..Default::default()
    };
    database.ask(&put).unwrap();
}

fn kept(database: &Database, key: &str) -> String {
    let request = RangeRequest {
        key: key.into(),
        ..Default::default()
    };
    let found = database.ask(&request).unwrap().kvs.pop().unwrap();
    String::from_utf8(found.value).unwrap()
}

fn seconds() -> u64 {
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

/// Returns the time and the counters of the floor.
fn floor(database: &Database) -> [u64; 2] {
    let fleet = kept(database, "/pam_otp/fleet");
    let (_, floor) = fleet.split_once("floor ").unwrap();
    let (when, counters) = floor.trim_end().split_once(' ').unwrap();
    [when, counters].map(|number| number.parse().unwrap())
}

/// Leaves an account as a verifier does whose clock is ahead of this host's: with a code of a later step.
fn accepted(database: &Database, when: u64) {
    accepted_of(database, "daemon", when);
}

fn accepted_of(database: &Database, user: &str, when: u64) {
    let key = format!("/pam_otp/a/{user}/");
    let guard = kept(database, &key);
    let (head, _) = guard.split_once("accepted ").unwrap();
    let guard = format!("{head}accepted web1.example.org {when}\n");
    put(database, &key, guard);
}

#[test]
fn a_host_whose_clock_is_behind_restores_nothing_unless_its_clock_is_trusted() {
    let Some((place, _)) = fleet_with_users() else {
        return;
    };
    let database = database(&place);
    backup(&place, "b");
    accepted(&database, seconds() + 3600);
    let before = kept(&database, "/pam_otp/fleet");
    let refused = place.fails(1, &RESTORE);
    assert!(refused.contains("behind"), "{refused}");
    assert_eq!(kept(&database, "/pam_otp/fleet"), before);
    // The same if only the backup shows it.
    backup(&place, "later");
    accepted(&database, seconds());
    let refused = place.fails(
        1,
        &[
            "fleet",
            "restore",
            "later",
            "--key-file",
            "key",
            "--replace",
        ],
    );
    assert!(refused.contains("behind"), "{refused}");
    // Codes by a clock far ahead do not keep everybody out: an administrator decides.
    assert!(
        refused.contains("accepted of daemon") && refused.contains("--trust-clock"),
        "{refused}"
    );
    place.ok(&[
        "fleet",
        "restore",
        "later",
        "--key-file",
        "key",
        "--replace",
        "--trust-clock",
    ]);
    let now = seconds();
    assert!(
        (now - 60..=now).contains(&floor(&database)[0]),
        "{:?} {now}",
        floor(&database)
    );
    // Within the permitted difference of clocks, the later one counts.
    let ahead = seconds() + 25;
    accepted(&database, ahead);
    place.ok(&RESTORE);
    assert!(
        floor(&database)[0] >= ahead,
        "{:?} {ahead}",
        floor(&database)
    );
}

/// Verifiers' clocks may differ a little from that of the host. A code that such a clock accepted must not count again.
#[test]
fn a_trusted_clock_still_yields_to_the_permitted_difference_of_clocks() {
    let Some((place, _)) = fleet_with_users() else {
        return;
    };
    let database = database(&place);
    backup(&place, "b");
    let ahead = seconds() + 25;
    accepted_of(&database, "bin", ahead);
    accepted_of(&database, "daemon", ahead + 3600);
    let trusting = [&RESTORE[..], &["--trust-clock"]].concat();
    let said = place.ok(&trusting);
    let [when, _] = floor(&database);
    assert!((ahead..ahead + 600).contains(&when), "{when} {ahead}");
    // The message must not name a minute that is too early.
    let until = UnixTime::from_seconds(when).after(Floor::lasts(30));
    let until = zone::of_this_machine().at(until.to_next_minute());
    let until = format!("before {}:", until.minute(Language::English));
    assert!(said.contains(&until), "{said} {until}");
}

/// A second restore of a backup knows no more of the codes used since than the first one did.
#[test]
fn each_restore_of_a_backup_skips_as_many_counters_again() {
    let Some((place, _)) = fleet_with_users() else {
        return;
    };
    let database = database(&place);
    backup(&place, "b");
    for times in 1..=3 {
        place.ok(&RESTORE);
        assert_eq!(floor(&database)[1], times * 1000);
    }
    // A backup made after all of them has to skip only the codes used after it.
    for user in ["daemon", "bin", "sys"] {
        place.ok(&["provision", user, "--force"]);
    }
    std::fs::remove_file(place.path("b")).unwrap();
    backup(&place, "b");
    place.ok(&RESTORE);
    assert_eq!(floor(&database)[1], 1000);
}
