use super::*;
use crate::{DROPPED, INCOMING, MAKING, QUEUE, TAKEN};
use otp_core::event::{Severity, Value};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use tempfile::TempDir;

fn records() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o2770)).unwrap();
    directory
}

fn entry(event: Event, user: &str) -> Entry {
    Entry::new(event, event.severities()[0]).with(Value::User(Text::escaped(user)))
}

fn now(seconds: u64) -> UnixTime {
    UnixTime::from_seconds(seconds)
}

fn waiting(records: &TempDir) -> Vec<Name> {
    let listing = fs::read_dir(records.path().join(QUEUE).join(INCOMING)).unwrap();
    let mut names: Vec<Name> = listing
        .map(|entry| {
            let name = entry.unwrap().file_name();
            Name::parse(name.to_str().unwrap()).unwrap()
        })
        .collect();
    names.sort_by_key(|name| name.number);
    names
}

fn put_in(records: &TempDir, event: Event, user: &str) -> Result<(), Dropped> {
    put(records.path(), &entry(event, user), now(1_800_000_000))
}

#[test]
fn an_event_waits_in_a_file_named_after_its_account() {
    let records = records();
    put_in(&records, Event::Lock, "alice").unwrap();
    let [name] = waiting(&records)[..] else {
        panic!("one event")
    };
    assert_eq!(
        (name.event, name.account, name.number),
        (Event::Lock, Name::of_account("alice"), 0)
    );
    let path = records
        .path()
        .join(QUEUE)
        .join(INCOMING)
        .join(name.to_string());
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(&format!("{:032x}", name.id)) && text.contains("\"alice\""));
    assert_eq!(path.metadata().unwrap().mode() & 0o7777, 0o640);
    let making = records.path().join(QUEUE).join(MAKING);
    assert_eq!(fs::read_dir(making).unwrap().count(), 0);
}

/// The clock plays no part in the order, even if it runs back.
#[test]
fn events_of_an_account_are_numbered_in_order_of_arrival() {
    let records = records();
    let events = [Event::Reject, Event::Lock, Event::Recovery, Event::Change];
    for (at, event) in events.into_iter().enumerate() {
        let earlier = now(1_800_000_000 - 1000 * at as u64);
        put(records.path(), &entry(event, "alice"), earlier).unwrap();
        put(records.path(), &entry(event, "bobby"), earlier).unwrap();
    }
    let alice = Name::of_account("alice");
    let found = waiting(&records)
        .into_iter()
        .filter(|name| name.account == alice);
    assert_eq!(found.map(|name| name.event).collect::<Vec<_>>(), events);
}

#[test]
fn simultaneous_events_are_all_queued() {
    let records = records();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..2 {
                    put_in(&records, Event::Lock, "alice").unwrap();
                }
            });
        }
    });
    let ids: BTreeSet<u128> = waiting(&records).iter().map(|name| name.id).collect();
    assert_eq!(ids.len(), 16);
}

#[test]
fn an_event_beyond_the_limit_is_dropped_and_counted() {
    let records = records();
    for _ in 0..MOST_ALIKE {
        put_in(&records, Event::Reject, "alice").unwrap();
    }
    for times in 1..=3 {
        let dropped = put_in(&records, Event::Reject, "alice").unwrap_err();
        assert!(dropped.to_string().contains("full"), "{dropped}");
        let queue = Queue::open(records.path()).unwrap();
        assert_eq!(queue.dropped().unwrap(), times);
    }
    // A flood of one kind hides neither another kind nor another account.
    put_in(&records, Event::Lock, "alice").unwrap();
    put_in(&records, Event::Reject, "bobby").unwrap();
    assert_eq!(waiting(&records).len(), MOST_ALIKE + 2);
}

fn many(count: usize, event: Event, writer: u32) -> Vec<Name> {
    let name = |at: usize| Name {
        number: 0,
        account: at as u64,
        event,
        writer,
        id: at as u128,
    };
    (0..count).map(name).collect()
}

#[test]
fn events_that_can_be_caused_at_will_leave_room_for_the_others() {
    let of = |event| many(1, event, 0)[0];
    let full = many(MOST_AT_WILL, Event::Reject, 0);
    assert!(fits(&of(Event::Denied), &full).is_err());
    assert!(fits(&of(Event::Recovery), &full).is_ok());
    assert!(fits(&of(Event::Recovery), &many(MOST, Event::Change, 0)).is_err());
    // Every event is in one of the two groups, and the graver ones cannot be caused at will.
    let grave = |event: &Event| {
        event.severities() == [Severity::Warning] && !matches!(event, Event::Denied | Event::Policy)
    };
    for event in Event::ALL.into_iter().filter(grave) {
        assert!(!is_at_will(event), "{event:?}");
    }
}

#[test]
fn one_user_cannot_fill_the_queue() {
    let own = many(MOST_OF_A_USER, Event::Denied, 1000);
    let new = |writer| Name {
        writer,
        ..many(1, Event::Denied, 0)[0]
    };
    assert!(fits(&new(1000), &own).is_err());
    assert!(fits(&new(1001), &own).is_ok());
    assert!(fits(&new(0), &own).is_ok());
}

/// A user's own denied requests must not keep the hook from an event about a change to the account.
#[test]
fn events_that_a_user_causes_at_will_leave_room_for_events_about_the_account() {
    let new = |event| Name {
        writer: 1000,
        ..many(1, event, 0)[0]
    };
    let (mut waiting, mut at) = (Vec::new(), 0);
    while at < MOST {
        for event in Event::ALL.into_iter().filter(|event| is_at_will(*event)) {
            let one = Name {
                account: at as u64,
                ..new(event)
            };
            if fits(&one, &waiting).is_ok() {
                waiting.push(one);
            }
            at += 1;
        }
    }
    assert_eq!(waiting.len(), MOST_OF_A_USER_AT_WILL);
    for event in [Event::Change, Event::Recovery, Event::Lock] {
        assert!(fits(&new(event), &waiting).is_ok(), "{event:?}");
    }
}

/// Files in the queue that are not events are not followed and block nothing.
#[test]
fn foreign_files_are_neither_followed_nor_in_the_way() {
    let records = records();
    put_in(&records, Event::Lock, "alice").unwrap();
    let queue = records.path().join(QUEUE);
    fs::write(queue.join(INCOMING).join("strange"), "x").unwrap();
    symlink("/etc/passwd", queue.join(INCOMING).join("link")).unwrap();
    put_in(&records, Event::Lock, "alice").unwrap();
    fs::remove_file(queue.join(DROPPED)).ok();
    let elsewhere = records.path().join("elsewhere");
    fs::write(&elsewhere, "").unwrap();
    symlink(&elsewhere, queue.join(DROPPED)).unwrap();
    let opened = Queue::open(records.path()).unwrap();
    assert!(opened.count_dropped().is_err());
    assert_eq!(fs::read(&elsewhere).unwrap(), b"");
}

#[test]
fn a_queue_that_is_not_our_own_directory_drops_events() {
    for strange in [QUEUE, ".queue/incoming", ".queue/making"] {
        let records = records();
        fs::create_dir(records.path().join(QUEUE)).unwrap();
        let place = records.path().join(strange);
        fs::remove_dir(&place).ok();
        symlink(records.path(), &place).unwrap();
        assert!(put_in(&records, Event::Lock, "alice").is_err(), "{strange}");
    }
    for (strange, mode) in [
        (QUEUE, 0o2770),
        (QUEUE, 0o2755),
        (".queue/incoming", 0o2777),
    ] {
        let records = records();
        put_in(&records, Event::Lock, "alice").unwrap();
        let place = records.path().join(strange);
        fs::set_permissions(&place, fs::Permissions::from_mode(mode)).unwrap();
        let dropped = put_in(&records, Event::Lock, "alice").unwrap_err();
        assert!(dropped.to_string().contains("mode"), "{dropped}");
    }
}

#[test]
fn an_event_is_dropped_if_the_records_are_missing() {
    let records = records();
    let gone = records.path().join("gone");
    assert!(put(&gone, &entry(Event::Lock, "alice"), now(1)).is_err());
}

#[test]
fn a_queue_left_half_made_by_a_crash_is_completed() {
    let records = records();
    let queue = records.path().join(QUEUE);
    fs::create_dir(&queue).unwrap();
    fs::create_dir(queue.join(INCOMING)).unwrap();
    for place in [queue.clone(), queue.join(INCOMING)] {
        fs::set_permissions(place, fs::Permissions::from_mode(0o700)).unwrap();
    }
    put_in(&records, Event::Lock, "alice").unwrap();
    let mode = |path: &std::path::Path| path.metadata().unwrap().mode() & 0o7777;
    assert_eq!(
        (mode(&queue), mode(&queue.join(INCOMING))),
        (0o2750, 0o2770)
    );
}

#[test]
fn the_parts_of_the_queue_have_modes_that_keep_others_out() {
    let records = records();
    put_in(&records, Event::Lock, "alice").unwrap();
    let queue = Queue::open(records.path()).unwrap();
    queue.count_dropped().unwrap();
    queue.part(Place::Taken).unwrap();
    let mode = |name: &str| {
        let path = records.path().join(QUEUE).join(name);
        path.metadata().unwrap().mode() & 0o7777
    };
    let modes = ["", INCOMING, MAKING, TAKEN, DROPPED].map(mode);
    assert_eq!(modes, [0o2750, 0o2770, 0o2770, 0o2700, 0o660]);
}
