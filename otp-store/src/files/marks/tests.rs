use super::*;
use crate::account::erase;
use crate::account::grace::begin_grace;
use crate::fixture::{NOW, Place, alice, credential, enrol, set_mode};
use crate::keeper::LOCK_DEADLINE;
use tempfile::TempDir;

const THIS: &str = "0123456789abcdef0123456789abcdef";
const ANOTHER: &str = "fedcba9876543210fedcba9876543210";

/// A machine: `/etc`, and the records.
struct Machine {
    etc: TempDir,
    records: Place,
}

impl Machine {
    fn of(records: Place) -> Self {
        let machine = Self {
            etc: TempDir::new().unwrap(),
            records,
        };
        machine.is(THIS);
        machine
    }

    fn is(&self, id: &str) {
        fs::write(self.etc.path().join("machine-id"), format!("{id}\n")).unwrap();
    }

    fn outer(&self) -> PathBuf {
        self.etc.path().join("enrolled")
    }

    fn inner(&self) -> PathBuf {
        self.records.path().join(INNER)
    }

    fn settle(&self) -> Result<(), Error> {
        let outside = Outside {
            mark: self.outer(),
            machine: self.etc.path().join("machine-id"),
        };
        outside.settle(&self.records.store(), true)
    }

    /// The file system with the records goes, and an empty directory stays.
    fn unmount(&mut self) {
        self.records = Place::empty();
    }

    fn is_lost(&self) -> bool {
        match self.settle() {
            Ok(()) => false,
            Err(Error::Lost { .. }) => true,
            Err(other) => panic!("{other}"),
        }
    }

    fn marks(&self) -> [bool; 2] {
        [self.inner(), self.outer()].map(|mark| mark.exists())
    }
}

#[test]
fn records_that_have_disappeared_count_as_lost() {
    let mut machine = Machine::of(Place::with_alice());
    assert!(!machine.is_lost());
    assert_eq!(machine.marks(), [true, true]);
    machine.unmount();
    assert!(machine.is_lost() && machine.is_lost());
    let said = machine.settle().unwrap_err().to_string();
    assert!(
        said.contains("mounted") && said.contains("remove"),
        "{said}"
    );
    // Mounted again.
    machine.records = Place::with_alice();
    assert!(!machine.is_lost());
    // Or given up, as the message says.
    machine.unmount();
    fs::remove_file(machine.outer()).unwrap();
    assert!(!machine.is_lost());
}

#[test]
fn machine_on_which_nobody_has_enrolled_has_no_marks() {
    let machine = Machine::of(Place::empty());
    begin_grace(&machine.records.store(), &alice(), NOW).unwrap();
    assert!(!machine.is_lost());
    assert_eq!(machine.marks(), [false, false]);
}

#[test]
fn reset_of_the_last_user_loses_nothing() {
    let machine = Machine::of(Place::with_alice());
    machine.settle().unwrap();
    let store = machine.records.store();
    assert!(erase(&store, &alice().name, LOCK_DEADLINE).unwrap());
    assert_eq!(machine.marks(), [true, true]);
    assert!(!machine.is_lost());
    assert!(store.users().unwrap().is_empty());
}

#[test]
fn copied_machine_and_one_without_an_id_lose_nothing() {
    let mut machine = Machine::of(Place::with_alice());
    machine.settle().unwrap();
    machine.unmount();
    for id in [
        ANOTHER,
        "",
        "uninitialized",
        "00000000000000000000000000000000",
        "0123",
    ] {
        machine.is(id);
        assert!(!machine.is_lost(), "{id}");
    }
    fs::remove_file(machine.etc.path().join("machine-id")).unwrap();
    assert!(!machine.is_lost());
    // A container gets a directory like this for a file that its host does not have.
    fs::create_dir(machine.etc.path().join("machine-id")).unwrap();
    assert!(!machine.is_lost());
    fs::remove_dir(machine.etc.path().join("machine-id")).unwrap();
    // Its own mark comes with its own records.
    machine.is(ANOTHER);
    enrol(&machine.records.store(), &credential());
    machine.settle().unwrap();
    assert_eq!(
        fs::read_to_string(machine.outer()).unwrap(),
        format!("{ANOTHER}\n")
    );
    machine.unmount();
    assert!(machine.is_lost());
}

#[test]
fn outer_mark_without_a_machine_id_does_not_count() {
    let machine = Machine::of(Place::empty());
    for text in ["", "\n", "0123456789", "yes\n"] {
        fs::write(machine.outer(), text).unwrap();
        assert!(!machine.is_lost(), "{text:?}");
    }
}

#[test]
fn records_without_the_inner_mark_are_records() {
    let machine = Machine::of(Place::with_alice());
    machine.settle().unwrap();
    // Restored from a backup without the files that begin with a dot.
    fs::remove_file(machine.inner()).unwrap();
    assert!(!machine.is_lost());
    assert_eq!(machine.marks(), [true, true]);
}

#[test]
fn outer_mark_is_never_made_alone_and_one_that_cannot_be_made_refuses_nobody() {
    let machine = Machine::of(Place::with_alice());
    let outside = Outside {
        mark: machine.etc.path().join("nowhere/enrolled"),
        machine: machine.etc.path().join("machine-id"),
    };
    outside.settle(&machine.records.store(), true).unwrap();
    assert!(!machine.etc.path().join("nowhere").exists());
    // A leftover of a crash does no harm.
    fs::write(machine.etc.path().join(".enrolled.new"), "x").unwrap();
    machine.settle().unwrap();
    assert!(machine.outer().exists() && !machine.etc.path().join(".enrolled.new").exists());
}

#[test]
fn outer_mark_is_readable_by_everybody_and_the_inner_one_by_the_group() {
    let machine = Machine::of(Place::with_alice());
    machine.settle().unwrap();
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(
        [mode(machine.outer()), mode(machine.inner())],
        [0o644, 0o640]
    );
}

#[test]
fn inner_mark_counts_even_if_damaged() {
    type Change = fn(&Path);
    let rows: [(&str, Change); 4] = [
        ("restored for all to read", |mark| set_mode(mark, 0o644)),
        ("cut short while it was made", |mark| set_mode(mark, 0o000)),
        ("a directory", |mark| {
            fs::remove_file(mark).unwrap();
            fs::create_dir(mark).unwrap();
        }),
        ("a link to nothing", |mark| {
            fs::remove_file(mark).unwrap();
            std::os::unix::fs::symlink("/nowhere", mark).unwrap();
        }),
    ];
    for (what, change) in rows {
        let machine = Machine::of(Place::with_alice());
        machine.settle().unwrap();
        change(&machine.inner());
        assert!(!machine.is_lost(), "{what}");
        let store = machine.records.store();
        erase(&store, &alice().name, LOCK_DEADLINE).unwrap();
        assert!(!machine.is_lost(), "{what}, and the last record is gone");
    }
}

#[test]
fn process_that_is_not_root_makes_no_mark_but_heeds_it() {
    let mut machine = Machine::of(Place::with_alice());
    let helper = |machine: &Machine| {
        let outside = Outside {
            mark: machine.outer(),
            machine: machine.etc.path().join("machine-id"),
        };
        outside.settle(&machine.records.store(), false)
    };
    helper(&machine).unwrap();
    assert_eq!(machine.marks(), [false, false]);
    machine.settle().unwrap();
    machine.unmount();
    assert!(matches!(helper(&machine), Err(Error::Lost { .. })));
}

#[test]
fn only_the_usual_records_have_an_outer_mark() {
    assert!(Outside::of(Path::new(DEFAULT_DIRECTORY)).is_some());
    assert!(Outside::of(Path::new("/srv/pam_otp")).is_none());
}
