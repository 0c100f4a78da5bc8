//! The stored facts about changes, in a directory of root's: a copy of each file as it was, and a change that is not
//! confirmed yet.
//!
//! They are not in `/etc/pam.d`, where libpam would take any file for a service, and not among the records, where
//! each name is a user's. The change in progress is one file, `pending.json`. The process that renames it decides: as
//! `kept.json` the change stays, as `undoing.json` it goes. So two processes can never decide differently, whenever
//! either is killed.

use super::place;
use crate::failure::{Failure, system};
use otp_core::messages::protect::Refusal;
use otp_core::messages::reason::{Unfit, Wording};
use otp_core::messages::trouble::Trouble;
use otp_core::record::Language;
use otp_site::protect::{DROP_IN, Edit};
use serde::{Deserialize, Serialize};
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The directory. otp-admin(8) and the packages name it.
pub const DIRECTORY: &str = "/var/lib/pam_otp-protect";

const LOCK: &str = "lock";
/// The lock of the process that undoes.
const GUARDS_LOCK: &str = "guard";
const PENDING: &str = "pending.json";
const KEPT: &str = "kept.json";
const UNDOING: &str = "undoing.json";

/// A change that is, or may be, in place.
#[derive(Serialize, Deserialize)]
pub struct Change {
    /// The protected program, by the name of its first service.
    pub service: String,
    /// The administrator who made the change.
    pub user: String,
    files: Vec<FileChange>,
}

#[derive(Serialize, Deserialize)]
struct FileChange {
    path: String,
    before: Option<String>,
    after: Option<String>,
}

impl Change {
    /// The change that these edits make.
    pub fn of(service: &str, user: &str, edits: &[Edit]) -> Self {
        let file = |edit: &Edit| FileChange {
            path: edit.path.clone(),
            before: edit.before.clone(),
            after: edit.after.clone(),
        };
        Self {
            service: service.to_owned(),
            user: user.to_owned(),
            files: edits.iter().map(file).collect(),
        }
    }

    /// Restores every file, the last changed file first. A file that has been changed by other hands since stays, and
    /// so do the files that it depends on.
    pub fn undo(&self) -> Undone {
        let mut undone = Undone::default();
        for file in self.files.iter().rev() {
            // With a line that asks for a code and without this file, sshd would use a password as the code too.
            if file.path == DROP_IN && !undone.is_complete() {
                undone
                    .theirs
                    .push(of_file(DROP_IN, &Unfit::StaysWithIt.into()));
                continue;
            }
            let path = Path::new(&file.path);
            match place::text(path) {
                Ok(now) if now == file.before => {}
                Ok(now) if now == file.after => {
                    undone.has_changed = true;
                    if let Err(trouble) = place::put(path, file.before.as_deref()) {
                        let why = Wording::of(|language| trouble.text(language));
                        undone.failed.push(why);
                    }
                }
                Ok(_) => {
                    let why = of_file(&file.path, &Unfit::ChangedSince.into());
                    undone.theirs.push(why);
                }
                Err(error) => undone.failed.push(of_file(&file.path, &system(&error))),
            }
            place::tidy(path);
        }
        undone
    }
}

/// Puts the path of a file before what is said of it.
fn of_file(path: &str, said: &Wording) -> Wording {
    Wording::of(|language| format!("{path}: {}", said.text(language)))
}

/// The result of undoing a change.
#[derive(Debug, Default)]
pub struct Undone {
    /// Whether a file differed from its earlier state.
    pub has_changed: bool,
    /// Files that other hands have changed since.
    theirs: Vec<Wording>,
    /// Files that could not be put back; a later attempt may succeed.
    failed: Vec<Wording>,
}

impl Undone {
    /// Whether everything is as it was.
    pub const fn is_complete(&self) -> bool {
        self.theirs.is_empty() && self.failed.is_empty()
    }

    /// Whether a later attempt could do no more.
    pub const fn is_final(&self) -> bool {
        self.failed.is_empty()
    }

    /// Returns the files that are not as they were, and why.
    pub fn why(&self) -> Wording {
        Wording::of(|language| {
            let all = self.failed.iter().chain(&self.theirs);
            let all: Vec<_> = all.map(|one| one.text(language)).collect();
            all.join("; ")
        })
    }
}

/// The directory, held by this process with a file lock.
pub struct Kept {
    directory: PathBuf,
    _lock: File,
}

impl Kept {
    /// Opens the directory, or creates it.
    pub fn hold() -> Result<Self, Failure> {
        Self::hold_at(Path::new(DIRECTORY))
    }

    fn hold_at(directory: &Path) -> Result<Self, Failure> {
        let failed = |error: io::Error| Trouble::FileNotWritten {
            path: directory.display().to_string(),
            reason: system(&error),
        };
        match DirBuilder::new().mode(0o700).create(directory) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(failed(error).into());
            }
            Ok(()) | Err(_) => {}
        }
        let found = fs::symlink_metadata(directory).map_err(failed)?;
        let is_ours = found.is_dir()
            && found.uid() == nix::unistd::geteuid().as_raw()
            && found.mode().trailing_zeros() >= 6;
        if !is_ours {
            let error = io::Error::other(Unfit::NotRootsAlone);
            return Err(failed(error).into());
        }
        match lock(&directory.join(LOCK)) {
            Ok(Some(lock)) => Ok(Self {
                directory: directory.to_owned(),
                _lock: lock,
            }),
            Ok(None) => Err(Refusal::Busy.into()),
            Err(error) => Err(failed(error).into()),
        }
    }

    /// Returns the change of an earlier run that was not confirmed and that no process is undoing now.
    pub fn left_over(&self) -> Result<Option<Change>, Failure> {
        let failed = |error: io::Error| Trouble::FileNotWritten {
            path: self.directory.display().to_string(),
            reason: system(&error),
        };
        if !self.directory.join(PENDING).exists() && !self.directory.join(UNDOING).exists() {
            return Ok(None);
        }
        // The guard is undoing it, or waits for a process that holds the terminal of a killed run.
        if lock(&self.directory.join(GUARDS_LOCK))
            .map_err(failed)?
            .is_none()
        {
            return Err(Refusal::Busy.into());
        }
        match claim_to_undo(&self.directory) {
            Ok(change) => Ok(change),
            Err(error) => Err(failed(error).into()),
        }
    }

    /// Forgets a change that has been undone.
    pub fn undone(&self) {
        forget_undone(&self.directory);
    }

    /// Stores copies of the files to be changed, and the change itself, durably.
    pub fn begin(&self, change: &Change) -> Result<(), Failure> {
        let copies = self.copies(&change.service);
        for file in &change.files {
            let copy = copies.join(file.path.trim_start_matches('/'));
            if let Some(before) = &file.before {
                let parent = copy.parent().unwrap_or(&copies);
                let made = DirBuilder::new().recursive(true).mode(0o700).create(parent);
                made.map_err(|error| Trouble::FileNotWritten {
                    path: copy.display().to_string(),
                    reason: system(&error),
                })?;
                place::put(&copy, Some(before))?;
            }
        }
        let text = serde_json::to_string(change).expect("texts are always JSON");
        place::put(&self.directory.join(PENDING), Some(&text))?;
        Ok(())
    }

    /// Decides that the change stays; returns whether this could still be decided.
    pub fn keep(&self) -> bool {
        let kept = self.directory.join(KEPT);
        let decided = fs::rename(self.directory.join(PENDING), &kept).is_ok();
        if decided {
            fs::remove_file(kept).ok();
            File::open(&self.directory)
                .and_then(|open| open.sync_all())
                .ok();
        }
        decided
    }

    /// Returns the copy of a file as it was before a service was protected.
    pub fn copy(&self, service: &str, path: &str) -> Option<String> {
        let copy = self.copies(service).join(path.trim_start_matches('/'));
        fs::read_to_string(copy).ok()
    }

    /// Removes the copies that a change made, once it is undone.
    pub fn forget_copies(&self, change: &Change) {
        let copies = self.copies(&change.service);
        for file in change.files.iter().filter(|file| file.before.is_some()) {
            fs::remove_file(copies.join(file.path.trim_start_matches('/'))).ok();
        }
    }

    /// Removes all copies, once a service is as it was before.
    pub fn forget(&self, service: &str) {
        fs::remove_dir_all(self.copies(service)).ok();
    }

    fn copies(&self, service: &str) -> PathBuf {
        self.directory.join("before").join(service)
    }
}

/// Decides that the pending change goes, or finds one that was to go and is not undone; `None`: the change stays, or
/// there is none.
pub fn claim_to_undo(directory: &Path) -> io::Result<Option<Change>> {
    let undoing = directory.join(UNDOING);
    match fs::rename(directory.join(PENDING), &undoing) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    match place::text(&undoing)? {
        Some(text) => serde_json::from_str(&text).map(Some).map_err(|error| {
            let reason = damaged(&error);
            io::Error::new(ErrorKind::InvalidData, reason)
        }),
        None => Ok(None),
    }
}

/// Says that the stored change cannot be read; in English in the words of the parser.
fn damaged(error: &serde_json::Error) -> Wording {
    Wording::of(|language| match language {
        Language::English => error.to_string(),
        Language::Korean => format!("{}번째 줄을 이해할 수 없습니다(JSON)", error.line()),
    })
}

/// Takes the lock of the process that undoes; `None`: another process has it.
pub fn guards_lock(directory: &Path) -> io::Result<Option<File>> {
    lock(&directory.join(GUARDS_LOCK))
}

/// Removes a change that was undone.
pub fn forget_undone(directory: &Path) {
    fs::remove_file(directory.join(UNDOING)).ok();
}

fn lock(path: &Path) -> io::Result<Option<File>> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::tests::{assert_has_no_english_reason, assert_is_told};

    fn held() -> (tempfile::TempDir, Kept) {
        let directory = tempfile::tempdir().unwrap();
        let kept = Kept::hold_at(&directory.path().join("kept")).ok().unwrap();
        (directory, kept)
    }

    fn edit(directory: &Path, name: &str, before: Option<&str>, after: Option<&str>) -> Edit {
        let path = directory.join(name);
        if let Some(after) = after {
            fs::write(&path, after).unwrap();
        }
        Edit {
            path: path.display().to_string(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        }
    }

    #[test]
    fn only_one_process_holds_the_directory_at_a_time() {
        let (directory, kept) = held();
        let place = directory.path().join("kept");
        assert!(matches!(
            Kept::hold_at(&place),
            Err(Failure::Protect(Refusal::Busy))
        ));
        drop(kept);
        assert!(Kept::hold_at(&place).is_ok());
    }

    #[test]
    fn a_directory_that_others_may_enter_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("kept");
        DirBuilder::new().mode(0o755).create(&place).unwrap();
        let Err(Failure::Trouble(trouble)) = Kept::hold_at(&place) else {
            panic!("it is held");
        };
        let english = trouble.text(Language::English);
        assert!(
            english.ends_with(": is not a directory of root's alone"),
            "{english}"
        );
        assert_has_no_english_reason(&trouble.text(Language::Korean));
    }

    #[test]
    fn a_damaged_change_is_told_in_every_language() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(PENDING), "{}\nJBSWY3DPEHPK3PXP").unwrap();
        let Err(error) = claim_to_undo(directory.path()) else {
            panic!("it is read");
        };
        assert_is_told(
            &system(&error),
            "missing field `service` at line 1 column 2",
        );
    }

    #[test]
    fn a_change_is_either_kept_or_undone() {
        let (directory, kept) = held();
        let edits = [
            edit(directory.path(), "one", Some("old"), Some("new")),
            edit(directory.path(), "two", None, Some("made")),
        ];
        let change = Change::of("sshd", "alice", &edits);
        kept.begin(&change).ok().unwrap();
        assert_eq!(kept.copy("sshd", &edits[0].path).as_deref(), Some("old"));
        assert!(kept.keep() && !kept.keep());
        assert!(claim_to_undo(&kept.directory).unwrap().is_none());
        kept.begin(&change).ok().unwrap();
        let claimed = claim_to_undo(&kept.directory).unwrap().unwrap();
        assert!(!kept.keep());
        assert!(claimed.undo().is_complete());
        assert_eq!(
            fs::read_to_string(directory.path().join("one")).unwrap(),
            "old"
        );
        assert!(!directory.path().join("two").exists());
        // A process was killed while undoing: the next one continues.
        assert!(kept.left_over().ok().unwrap().is_some());
        assert!(claimed.undo().is_complete());
        kept.undone();
        assert!(kept.left_over().ok().unwrap().is_none());
    }

    #[test]
    fn a_file_that_somebody_else_has_changed_since_stays_and_is_named() {
        let (directory, _kept) = held();
        let edits = [
            edit(directory.path(), "one", Some("old"), Some("new")),
            edit(directory.path(), "two", Some("old"), Some("new")),
        ];
        fs::write(directory.path().join("two"), "theirs").unwrap();
        let undone = Change::of("sudo", "alice", &edits).undo();
        assert!(!undone.is_complete() && undone.is_final(), "{undone:?}");
        let why = undone.why();
        let english = why.text(Language::English);
        assert!(
            english.ends_with("/two: somebody has changed it since, and it stays"),
            "{english}"
        );
        assert_is_told(&why, english);
        assert_eq!(
            fs::read_to_string(directory.path().join("one")).unwrap(),
            "old"
        );
        assert_eq!(
            fs::read_to_string(directory.path().join("two")).unwrap(),
            "theirs"
        );
    }

    #[test]
    fn each_reason_why_a_file_is_not_put_back_is_told_in_every_language() {
        let (directory, _kept) = held();
        let gone = directory.path().join("gone/one");
        let is_a_directory = directory.path().join("kept");
        let edit = |path: &Path, after: Option<&str>| Edit {
            path: path.display().to_string(),
            before: Some("old".to_owned()),
            after: after.map(str::to_owned),
        };
        let undone = Change::of("sudo", "alice", &[edit(&gone, None)]).undo();
        let english = format!(
            "{}: cannot write: No such file or directory (os error 2)",
            gone.display()
        );
        assert_is_told(&undone.why(), &english);
        let drop_in = edit(Path::new(DROP_IN), Some("new"));
        let edits = [drop_in, edit(&is_a_directory, Some("new"))];
        let undone = Change::of("sshd", "alice", &edits).undo();
        let english = format!(
            "{}: Is a directory (os error 21); {DROP_IN}: stays with it",
            is_a_directory.display()
        );
        assert_is_told(&undone.why(), &english);
    }
}
