//! `otp-admin fleet restore`: puts the content of a backup into the database, in a new epoch.
//!
//! 1. The whole file is read and authenticated. Nothing has changed yet.
//! 2. One transaction removes the fleet's key and writes a mark. From then on no verifier serves, and no write that
//!    began before can be done: each compares the fleet's key.
//! 3. The existing accounts are removed, and those of the backup are written, a few at a time, each time only if the
//!    mark is unchanged.
//! 4. One transaction removes the mark and writes the fleet's key, with a higher epoch and a floor.
//!
//! A killed command leaves the mark, and the same command continues with step 3. It writes the mark anew before that,
//! and again between removing and writing. Requests sent earlier, by this run or another one that is still running,
//! compare a mark that never comes again, however late they are done.

use super::database::{Database, Pages, no};
use super::machines::{put_of, unchanged};
use super::moment::{self, Clock, Time};
use super::records::{self, Head};
use super::sealed_file::{self, Closed, Opening, Secret};
use super::told::{minute, tell, why_of};
use super::{Asker, entrance, init, passphrase};
use crate::etcd::{Compare, DeleteRangeRequest, RequestOp, TxnRequest, request_op};
use crate::keeper::{ACCOUNTS, FLEET, Fleet, Mark, Nonce, RESTORING, told_by_guard};
use crate::registry;
use otp_core::UnixTime;
use otp_core::event::Severity;
use otp_core::messages::fleet::{Recorded, Told, Unable};
use otp_core::messages::reason::Wording;
use otp_store::account::floor::Floor;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::mem;
use std::path::Path;
use zeroize::Zeroizing;

/// The limits of one transaction: etcd takes 128 keys, and one and a half MiB.
const MOST_KEYS: usize = 100;
const MOST_BYTES: usize = 512 * 1024;

/// The usual step of a device, in seconds; the message about the waiting time assumes it.
const USUAL_PERIOD: u64 = 30;

const MARK: &str = "pam_otp-restore 1\n";

/// A backup file, which is read several times.
struct Backup<'a> {
    path: &'a Path,
    secret: Secret,
}

/// Why a restore cannot continue.
enum Stopped {
    Closed(Closed),
    Unable(Unable),
}

impl From<Closed> for Stopped {
    fn from(closed: Closed) -> Self {
        Self::Closed(closed)
    }
}

impl From<Unable> for Stopped {
    fn from(unable: Unable) -> Self {
        Self::Unable(unable)
    }
}

impl Backup<'_> {
    fn read(
        &self,
        begin: impl FnMut(&Head) -> Result<(), Stopped>,
        each: impl FnMut(&[u8], Zeroizing<Vec<u8>>) -> Result<(), Stopped>,
    ) -> Result<u64, Unable> {
        let read = || {
            let file = File::open(self.path).map_err(Closed::Io)?;
            let opening = Opening::begin(BufReader::new(file), &self.secret)?;
            records::read(opening, begin, each)
        };
        read().map_err(|stopped| match stopped {
            Stopped::Unable(unable) => unable,
            Stopped::Closed(closed) => refused(self.path, closed),
        })
    }
}

/// Converts the reason why a file cannot be opened.
pub fn refused(path: &Path, closed: Closed) -> Unable {
    let path = path.display().to_string();
    match closed {
        Closed::Io(error) => Unable::NotRead {
            path,
            reason: why_of(&error),
        },
        Closed::NotOurs => Unable::NotABackup { path },
        Closed::Newer => Unable::Newer { path },
        Closed::WrongKey => Unable::WrongKey { path },
        Closed::Damaged => Unable::Damaged { path },
    }
}

/// The content of the mark in the database: the backup, and the fleet to be.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Begun {
    /// The head of the file, which no other file has.
    file: String,
    /// The lowest epoch of the new fleet.
    epoch: u64,
    /// No code from before this moment counts. It comes from the data that was there, which is gone when a restore
    /// continues.
    moment: UnixTime,
    /// Identifies the run and its stage: new each time the mark is written.
    run: String,
}

impl Begun {
    fn time(&self) -> Time {
        Time {
            when: self.moment,
            recorded: Recorded::Begun,
        }
    }

    fn text(&self) -> String {
        let Self {
            file,
            epoch,
            moment,
            run,
        } = self;
        let moment = moment.seconds();
        format!("{MARK}file {file}\nepoch {epoch}\nmoment {moment}\nrun {run}\n")
    }

    fn read(value: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(value).ok()?.strip_prefix(MARK)?;
        let (file, rest) = text.strip_prefix("file ")?.split_once('\n')?;
        let (epoch, rest) = rest.strip_prefix("epoch ")?.split_once('\n')?;
        // The mark of an earlier release has no moment.
        let (moment, run) = match rest.strip_prefix("moment ") {
            Some(rest) => rest.split_once('\n')?,
            None => ("0", rest),
        };
        Some(Self {
            file: file.to_owned(),
            epoch: epoch.parse().ok()?,
            moment: UnixTime::from_seconds(moment.parse().ok()?),
            run: run.strip_prefix("run ")?.strip_suffix('\n')?.to_owned(),
        })
    }
}

/// Restores the content of a backup.
pub fn restore(
    asker: &Asker,
    path: &Path,
    key_file: Option<&Path>,
    replace: bool,
    clock: Clock,
) -> Result<(), Unable> {
    let asks = File::open(path)
        .map_err(Closed::Io)
        .and_then(|mut file| sealed_file::asks(&mut file));
    let asks = asks.map_err(|closed| refused(path, closed))?;
    let backup = Backup {
        path,
        secret: passphrase::for_old(asks, path, key_file, asker.language)?,
    };
    let mut head = None;
    let mut accounts: u64 = 0;
    let (mut oldest, mut latest) = (u64::MAX, None::<Time>);
    backup.read(
        |read| {
            head = Some(read.clone());
            Ok(())
        },
        |key, value| {
            if !is_restored(key) {
                return Err(Closed::Damaged.into());
            }
            if is_guard(key) {
                accounts += 1;
                oldest = oldest.min(told_by_guard(&value).map_or(0, |(epoch, _)| epoch));
                if let Some(time) = Time::of_guard(key, &value) {
                    latest = Some(match latest.take() {
                        Some(before) => before.or_later(time),
                        None => time,
                    });
                }
            }
            Ok(())
        },
    )?;
    let head = head.expect("a backup that was read to its end has begun with its head");
    let written = Time {
        when: head.when,
        recorded: Recorded::Backup,
    };
    let known = Known {
        latest: match latest {
            Some(time) => written.or_later(time),
            None => written,
        },
        epoch: oldest.min(head.fleet.epoch),
    };
    let database = asker.database()?;
    // An open etcd is refused, except if init would refuse it: then this restore must be completed first.
    if !entrance::asks_for_users(&database)? {
        match init::is_whole(&database) {
            Err(Unable::BeingRestored | Unable::NotAlone { .. }) => {}
            Err(unable) => return Err(unable),
            Ok(()) => return Err(Unable::OpenToAll),
        }
    }
    let file = &identity(path)?;
    let begun = begin(asker, &database, &head, &known, file, replace, clock)?;
    empty(&database, &begun)?;
    // The removal may have been sent twice: done late, it would remove what was written after it.
    let begun = anew(&database, begun)?;
    fill(&database, &begun, &backup)?;
    let floor = finish(&database, &begun, &head, &known, asker, clock)?;
    asker.record("restore", Severity::Warning, &path.display().to_string());
    tell(asker, Told::Restored { accounts })?;
    let from = floor.when.after(Floor::lasts(USUAL_PERIOD));
    let when = &minute(from.to_next_minute(), asker.language);
    tell(asker, Told::NotBefore { when })?;
    let when = &minute(head.when, asker.language);
    tell(asker, Told::RevokeAgain { when })?;
    tell(asker, Told::ConfirmOthers)
}

/// The facts from all accounts of the backup.
struct Known {
    /// The latest time at which the backup was written or one of its codes was accepted.
    latest: Time,
    /// The oldest epoch of its accounts.
    epoch: u64,
}

/// Whether a key of the backup is restored.
fn is_restored(key: &[u8]) -> bool {
    key.starts_with(ACCOUNTS.as_bytes()) || key.starts_with(registry::PREFIX.as_bytes())
}

fn is_guard(key: &[u8]) -> bool {
    key.starts_with(ACCOUNTS.as_bytes()) && key.ends_with(b"/")
}

/// Returns the beginning of the file, with random bytes that no other file has.
fn identity(path: &Path) -> Result<String, Unable> {
    let mut bytes = [0; 56];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut bytes));
    read.map_err(|error: io::Error| refused(path, Closed::from(error)))?;
    let mut text = String::new();
    for byte in bytes {
        write!(text, "{byte:02x}").expect("a String takes every write");
    }
    Ok(text)
}

/// A restore that has begun: the content of its mark, and the revision.
struct Marked {
    begun: Begun,
    revision: i64,
}

/// Step 2: removes the fleet's key and writes the mark.
fn begin(
    asker: &Asker,
    database: &Database,
    head: &Head,
    known: &Known,
    file: &str,
    replace: bool,
    clock: Clock,
) -> Result<Marked, Unable> {
    let mark = Mark::open(&asker.host.mark()).map_err(|error| Unable::NotRead {
        path: asker.host.mark().display().to_string(),
        reason: why_of(&error),
    })?;
    let seen = mark.seen().map_or(0, |seen| seen.epoch);
    // Another program may change it between a look and the transaction; then this looks again.
    for _ in 0..10 {
        let found = database.one(RESTORING)?;
        let begun = found.as_ref().and_then(|found| Begun::read(&found.value));
        let revision = found.as_ref().map_or(0, |found| found.mod_revision);
        match begun {
            Some(begun) if begun.file == file => {
                tell(asker, Told::Continues)?;
                return anew(database, Marked { begun, revision });
            }
            _ if found.is_some() && !replace => return Err(Unable::BeingRestoredFromAnother),
            _ => {}
        }
        let fleet = database.fleet()?;
        let accounts = database.count(ACCOUNTS)?;
        if accounts > 0 && !replace {
            let accounts = guards(database)?;
            return Err(Unable::NotEmpty { accounts });
        }
        let times = begun.iter().map(Begun::time).chain([known.latest.clone()]);
        let moment = moment::of_floor(database, times, clock)?;
        let earlier = begun.map_or(0, |begun| begun.epoch.saturating_sub(1));
        let now = fleet.map_or(0, |(fleet, _)| fleet.epoch);
        let epoch = head
            .fleet
            .epoch
            .max(now)
            .max(seen)
            .max(earlier)
            .saturating_add(1);
        let begun = Begun {
            file: file.to_owned(),
            epoch,
            moment,
            run: run()?,
        };
        let request = TxnRequest {
            compare: vec![
                unchanged(FLEET, fleet.map_or(0, |(_, revision)| revision)),
                unchanged(RESTORING, revision),
            ],
            success: vec![
                delete(FLEET.into(), Vec::new()),
                put_of(RESTORING.into(), begun.text().into_bytes()),
            ],
            failure: Vec::new(),
        };
        match database.once(request) {
            Ok(answer) if answer.succeeded => {
                asker.record("restore-begun", Severity::Warning, file_name(file));
                let revision = answer.header.map_or(0, |header| header.revision);
                return Ok(Marked { begun, revision });
            }
            Ok(_) => {}
            Err(failure) if failure.may_pass() => {}
            Err(failure) => return Err(no(&failure)),
        }
    }
    Err(Unable::ChangedMeanwhile)
}

fn run() -> Result<String, Unable> {
    let nonce = Nonce::fresh().map_err(|error| Unable::NoDatabase {
        reason: Wording::of(|language| error.text(language)),
    })?;
    Ok(nonce.to_string())
}

/// Writes the mark anew: from then on no other run continues with the old mark, and no earlier request is done.
fn anew(database: &Database, marked: Marked) -> Result<Marked, Unable> {
    let begun = Begun {
        run: run()?,
        ..marked.begun
    };
    let text = begun.text().into_bytes();
    let answer = database.ask(&TxnRequest {
        compare: vec![unchanged(RESTORING, marked.revision)],
        success: vec![put_of(RESTORING.into(), text.clone())],
        failure: Vec::new(),
    })?;
    if answer.succeeded {
        let revision = answer.header.map_or(0, |header| header.revision);
        return Ok(Marked { begun, revision });
    }
    // If the first answer is lost, the repeated request finds the mark written.
    match database.one(RESTORING)? {
        Some(found) if found.value == text => Ok(Marked {
            begun,
            revision: found.mod_revision,
        }),
        _ => Err(Unable::ChangedMeanwhile),
    }
}

/// Returns a short form of an identity, for people.
fn file_name(identity: &str) -> &str {
    let end = identity.len().saturating_sub(16);
    &identity[end..]
}

fn guards(database: &Database) -> Result<u64, Unable> {
    let mut count = 0;
    let pages = Pages {
        revision: 0,
        keys_only: true,
    };
    database.every(ACCOUNTS, pages, |found| {
        count += u64::from(is_guard(&found.key));
        Ok(())
    })?;
    Ok(count)
}

fn delete(key: Vec<u8>, range_end: Vec<u8>) -> RequestOp {
    let delete = DeleteRangeRequest {
        key,
        range_end,
        ..DeleteRangeRequest::default()
    };
    RequestOp {
        request: Some(request_op::Request::RequestDeleteRange(delete)),
    }
}

/// Does steps that may be done twice, if the mark is unchanged.
fn step(database: &Database, marked: &Marked, steps: Vec<RequestOp>) -> Result<(), Unable> {
    let answer = database.ask(&TxnRequest {
        compare: vec![unchanged(RESTORING, marked.revision)],
        success: steps,
        failure: Vec::new(),
    })?;
    if answer.succeeded {
        Ok(())
    } else {
        Err(Unable::ChangedMeanwhile)
    }
}

/// Step 3: removes the existing accounts. It works page by page: a million accounts in one transaction would stop the
/// database.
fn empty(database: &Database, marked: &Marked) -> Result<(), Unable> {
    let mut waiting: Vec<Vec<u8>> = Vec::new();
    let remove = |waiting: &mut Vec<Vec<u8>>| {
        let (Some(first), Some(last)) = (waiting.first(), waiting.last()) else {
            return Ok(());
        };
        let end = [last.as_slice(), &[0]].concat();
        step(database, marked, vec![delete(first.clone(), end)])?;
        waiting.clear();
        Ok(())
    };
    let pages = Pages {
        revision: 0,
        keys_only: true,
    };
    database.every(ACCOUNTS, pages, |found| {
        waiting.push(found.key.clone());
        if waiting.len() == 1000 {
            remove(&mut waiting)?;
        }
        Ok(())
    })?;
    remove(&mut waiting)
}

/// Step 3: writes the content of the backup. Existing entries of the registry stay: a machine that was revoked after
/// the backup stays revoked.
fn fill(database: &Database, marked: &Marked, backup: &Backup<'_>) -> Result<(), Unable> {
    let mut steps = Vec::new();
    let mut bytes = 0;
    backup.read(
        |_| Ok(()),
        |key, value| {
            if key.starts_with(registry::PREFIX.as_bytes()) {
                let put = put_of(key.to_vec(), value.to_vec());
                return Ok(where_it_is_not(database, marked, key, put)?);
            }
            bytes += key.len() + value.len();
            steps.push(put_of(key.to_vec(), value.to_vec()));
            if steps.len() >= MOST_KEYS || bytes >= MOST_BYTES {
                bytes = 0;
                step(database, marked, mem::take(&mut steps))?;
            }
            Ok(())
        },
    )?;
    if steps.is_empty() {
        return Ok(());
    }
    step(database, marked, steps)
}

/// Writes an entry of the registry if its name has none, and if the mark is unchanged.
fn where_it_is_not(
    database: &Database,
    marked: &Marked,
    key: &[u8],
    put: RequestOp,
) -> Result<(), Unable> {
    let is_not_there = Compare {
        key: key.to_vec(),
        ..unchanged("", 0)
    };
    let answer = database.ask(&TxnRequest {
        compare: vec![unchanged(RESTORING, marked.revision), is_not_there],
        success: vec![put],
        failure: Vec::new(),
    })?;
    // Otherwise the entry exists, or the mark has changed.
    if answer.succeeded {
        Ok(())
    } else {
        step(database, marked, Vec::new())
    }
}

/// Step 4: removes the mark and writes the fleet's key. Returns the floor in it.
fn finish(
    database: &Database,
    marked: &Marked,
    head: &Head,
    known: &Known,
    asker: &Asker,
    clock: Clock,
) -> Result<Floor, Unable> {
    let times = [known.latest.clone(), marked.begun.time()];
    let when = moment::of_floor(database, times, clock)?;
    // A clock may have run back.
    let before = head.fleet.floor.map_or(when, |floor| floor.when);
    let floor = Floor::at(when.max(before));
    // A second restore of the same backup must also skip the counters used after the first one: each epoch has its
    // own reach.
    let epochs = marked.begun.epoch.saturating_sub(known.epoch).max(1);
    let floor = Floor {
        counters: floor.counters.saturating_mul(epochs),
        ..floor
    };
    let fleet = Fleet {
        epoch: marked.begun.epoch,
        floor: Some(floor),
        ..head.fleet
    };
    let request = TxnRequest {
        compare: vec![unchanged(RESTORING, marked.revision), unchanged(FLEET, 0)],
        success: vec![
            put_of(FLEET.into(), fleet.text().into_bytes()),
            delete(RESTORING.into(), Vec::new()),
        ],
        failure: Vec::new(),
    };
    // If the first answer is lost, the repeated request finds it done.
    let is_done =
        database.ask(&request)?.succeeded || database.fleet()?.is_some_and(|(now, _)| now == fleet);
    if !is_done {
        return Err(Unable::ChangedMeanwhile);
    }
    // The verifier of this host may have seen another fleet: this is its fleet from now on.
    super::confirm::keep_mark(asker, database)?;
    Ok(floor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::assert_korean;
    use otp_core::record::Language;

    #[test]
    fn a_file_that_cannot_be_read_is_reported_in_the_language_of_the_command() {
        let directory = tempfile::tempdir().unwrap();
        let asker = Asker::in_directory(directory.path());
        for (name, english) in [
            ("none", "No such file or directory (os error 2)"),
            ("", "Is a directory (os error 21)"),
        ] {
            let path = directory.path().join(name);
            let done = restore(&asker, &path, None, false, Clock::Compared);
            let unable = done.unwrap_err();
            let path = path.display();
            assert_eq!(
                unable.text(Language::English),
                format!("{path}: cannot be read: {english}")
            );
            assert_korean(&unable.text(Language::Korean), &[&path.to_string()]);
        }
    }
}
