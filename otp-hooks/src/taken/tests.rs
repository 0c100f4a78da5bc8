use super::*;
use otp_core::event::{Severity, Value};
use otp_queue::{INCOMING, MAKING, MOST_ALIKE, QUEUE, TAKEN, put};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use tempfile::TempDir;

struct Bench {
    records: TempDir,
}

impl Bench {
    fn new() -> Self {
        let records = tempfile::tempdir().unwrap();
        Self { records }
    }

    fn put(&self, event: Event, user: &str) {
        let entry = Entry::new(event, event.severities()[0]);
        let entry = entry.with(Value::User(Text::escaped(user)));
        put(self.records.path(), &entry, now().unwrap()).unwrap();
    }

    fn queue(&self) -> Queue {
        Queue::open(self.records.path()).unwrap()
    }

    fn taken(&self) -> (Taken, u64) {
        let queue = self.queue();
        let mut taken = Taken::open(&queue).unwrap();
        let strange = taken.take(&queue).unwrap();
        (taken, strange)
    }

    fn place(&self, name: &str) -> PathBuf {
        self.records.path().join(QUEUE).join(name)
    }

    fn count(&self, name: &str) -> usize {
        fs::read_dir(self.place(name)).unwrap().count()
    }
}

fn events(taken: &Taken, user: &str) -> Vec<Event> {
    let account = Name::of_account(user);
    let of_user = taken
        .items
        .iter()
        .filter(|item| item.name.account == account);
    of_user.map(|item| item.name.event).collect()
}

#[test]
fn waiting_events_are_taken_in_the_order_of_their_account() {
    let bench = Bench::new();
    let order = [Event::Reject, Event::Lock, Event::Recovery, Event::Change];
    for event in order {
        bench.put(event, "alice");
        bench.put(event, "bobby");
    }
    let (taken, strange) = bench.taken();
    assert_eq!((strange, taken.len()), (0, 8));
    assert_eq!(events(&taken, "alice"), order);
    assert_eq!(events(&taken, "bobby"), order);
    assert_eq!(bench.count(INCOMING), 0);
}

/// Numbers start again after the queue was emptied; events taken before still come first.
#[test]
fn events_taken_earlier_come_before_later_ones() {
    let bench = Bench::new();
    bench.put(Event::Lock, "alice");
    drop(bench.taken());
    bench.put(Event::Unlock, "alice");
    let (taken, _) = bench.taken();
    assert_eq!(events(&taken, "alice"), [Event::Lock, Event::Unlock]);
    // A program that opens the directory next sees the same order.
    let again = Taken::open(&bench.queue()).unwrap();
    assert_eq!(again.items, taken.items);
}

#[test]
fn foreign_files_are_removed_and_do_no_harm() {
    let bench = Bench::new();
    bench.put(Event::Lock, "alice");
    let incoming = bench.place(INCOMING);
    let name = fs::read_dir(&incoming)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .file_name();
    let name = name.to_str().unwrap().replace("-lock-", "-recovery-");
    fs::write(incoming.join("strange"), "x").unwrap();
    fs::create_dir(incoming.join("directory")).unwrap();
    symlink("/etc/passwd", incoming.join(&name)).unwrap();
    nix::unistd::mkfifo(
        &incoming.join(name.replace("-recovery-", "-change-")),
        Mode::from_bits_truncate(0o600),
    )
    .unwrap();
    let (taken, strange) = bench.taken();
    assert_eq!((strange, taken.len()), (4, 1));
    assert_eq!(bench.count(INCOMING), 0);
}

#[test]
fn a_file_that_is_too_large_or_has_a_second_link_is_not_read() {
    let bench = Bench::new();
    bench.put(Event::Lock, "alice");
    let (taken, _) = bench.taken();
    let item = taken.items[0];
    assert!(taken.read(&item).is_ok());
    let path = bench.place(TAKEN).join(item.to_string());
    fs::hard_link(&path, bench.records.path().join("other")).unwrap();
    assert!(taken.read(&item).is_err());
    fs::remove_file(bench.records.path().join("other")).unwrap();
    fs::write(&path, b" ".repeat(4097)).unwrap();
    assert!(taken.read(&item).is_err());
    fs::remove_file(&path).unwrap();
    assert!(taken.read(&item).is_err());
    symlink("/etc/passwd", &path).unwrap();
    assert!(taken.read(&item).is_err());
}

#[test]
fn events_beyond_the_limit_are_dropped_and_counted() {
    let bench = Bench::new();
    for _ in 0..2 {
        for _ in 0..MOST_ALIKE {
            bench.put(Event::Reject, "alice");
        }
        drop(bench.taken());
    }
    let (taken, _) = bench.taken();
    assert_eq!(taken.len(), MOST_ALIKE as u64);
    assert_eq!(bench.queue().dropped().unwrap(), MOST_ALIKE as u64);
}

#[test]
fn a_failed_event_waits_longer_each_time_and_holds_up_its_account() {
    let bench = Bench::new();
    bench.put(Event::Lock, "alice");
    bench.put(Event::Unlock, "alice");
    bench.put(Event::Lock, "bobby");
    let (mut taken, _) = bench.taken();
    assert_eq!(taken.due().unwrap().len(), 2);
    let alice = Name::of_account("alice");
    let first = *taken
        .items
        .iter()
        .find(|item| item.name.account == alice)
        .unwrap();
    let later = taken.postpone(&first).unwrap();
    taken.settle(&BTreeSet::new(), &[later]);
    let due = taken.due().unwrap();
    assert_eq!(due.len(), 1);
    assert_eq!(due[0][0].name.account, Name::of_account("bobby"));
    // A program that opens the directory next sees the same.
    let again = Taken::open(&bench.queue()).unwrap();
    assert_eq!(again.items, taken.items);
    let pauses = (0..8).scan(first, |item, _| {
        let next = item.tried(1000);
        let pause = next.next - 1000;
        *item = next;
        Some(pause)
    });
    assert_eq!(
        pauses.collect::<Vec<_>>(),
        [60, 120, 240, 480, 960, 1920, 3600, 3600]
    );
}

#[test]
fn a_clock_that_runs_back_keeps_no_event_waiting() {
    let item = Item {
        name: Name {
            number: 0,
            account: 0,
            event: Event::Lock,
            writer: 0,
            id: 0,
        },
        tries: 0,
        next: 0,
    };
    let tried = item.tried(1_800_000_000);
    assert!(!tried.is_due(1_800_000_059));
    assert!(tried.is_due(1_800_000_060));
    assert!(tried.is_due(1_700_000_000));
    let mut last = item;
    for _ in 0..MOST_TRIES {
        last = last.tried(u64::MAX - 10);
    }
    assert!(last.is_due(u64::MAX));
}

#[test]
fn only_old_leftovers_of_writers_are_cleared_away() {
    let bench = Bench::new();
    bench.put(Event::Lock, "alice");
    let making = bench.place(MAKING);
    for (name, age) in [("young", 0), ("old", 3700)] {
        let file = File::create(making.join(name)).unwrap();
        let then = std::time::SystemTime::now() - Duration::from_secs(age);
        file.set_modified(then).unwrap();
    }
    Taken::clear_making(&bench.queue()).unwrap();
    assert!(making.join("young").exists() && !making.join("old").exists());
}

#[test]
fn an_event_of_our_own_is_queued_once() {
    let bench = Bench::new();
    let entry = Entry::new(Event::PolicyChanged, Severity::Notice);
    let (mut taken, _) = bench.taken();
    for _ in 0..2 {
        taken.put(&entry, 7).unwrap();
    }
    let mut again = Taken::open(&bench.queue()).unwrap();
    again.put(&entry, 7).unwrap();
    assert_eq!((taken.len(), again.len()), (1, 1));
    assert_eq!(bench.count(TAKEN), 1);
    assert_eq!(
        again.forget(|event| event == Event::PolicyChanged).unwrap(),
        1
    );
    assert_eq!(bench.count(TAKEN), 0);
}
