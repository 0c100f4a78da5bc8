//! `otp-admin fleet confirm`: accepts a database that went back in time as the fleet's own, in a new epoch.

use super::Asker;
use super::database::Database;
use super::moment::{self, Clock};
use super::told::{minute, tell, why_of};
use crate::etcd::RangeRequest;
use crate::keeper::{EtcdKeeper, FLEET, Mark, RESTORING, Seen, Witness, witness_of};
use nix::unistd::{Gid, Uid, getegid, geteuid, setegid, seteuid};
use otp_core::event::Severity;
use otp_core::messages::fleet::{Told, Unable};
use otp_core::messages::reason::Wording;
use otp_store::account::floor::Floor;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The step of most devices, in seconds.
const USUAL_PERIOD: u64 = 30;

/// Raises the epoch above the one that this host has seen.
pub fn confirm(asker: &Asker, clock: Clock) -> Result<(), Unable> {
    let database = asker.database()?;
    if database.one(RESTORING)?.is_some() {
        return Err(Unable::BeingRestored);
    }
    let here = mark(asker)?;
    let found = seen(&database, &here)?;
    let Some(before) = here.seen() else {
        return Err(Unable::NothingToConfirm);
    };
    if found.follows(&before).is_ok() {
        return Err(Unable::NothingToConfirm);
    }
    let failed = |error: otp_store::Error| Unable::NoDatabase {
        reason: Wording::of(|language| error.text(language)),
    };
    let keeper = EtcdKeeper::to(&asker.host.etcd).map_err(failed)?;
    let moment = moment::of_floor(&database, [], clock)?;
    let floor = loop {
        let fleet = keeper.raise_epoch(Floor::at(moment)).map_err(failed)?;
        if fleet.epoch > before.epoch {
            break fleet.floor.map_or(moment, |floor| floor.when);
        }
    };
    let raised = keeper.raise_all(|_| ()).map_err(failed)?;
    keep_mark(asker, &database)?;
    let fleet = found.fleet.to_string();
    asker.record("confirm", Severity::Warning, &fleet);
    let accounts = u64::try_from(raised.raised).unwrap_or(u64::MAX);
    tell(asker, Told::Confirmed { accounts })?;
    let from = floor.after(Floor::lasts(USUAL_PERIOD));
    let when = &minute(from.to_next_minute(), asker.language);
    tell(asker, Told::NotBefore { when })?;
    tell(asker, Told::ConfirmOthers)
}

fn mark(asker: &Asker) -> Result<Mark, Unable> {
    let path = asker.host.mark();
    Mark::open(&path).map_err(|error| Unable::NotRead {
        path: path.display().to_string(),
        reason: why_of(&error),
    })
}

fn seen(database: &Database, mark: &Mark) -> Result<Seen, Unable> {
    let Some((fleet, _)) = database.fleet()? else {
        return Err(Unable::NotBegun);
    };
    let request = RangeRequest {
        key: FLEET.into(),
        count_only: true,
        ..RangeRequest::default()
    };
    let header = database.ask(&request)?.header;
    let written = mark.name().map(|name| database.one(&witness_of(name)));
    let written = written.transpose()?.flatten();
    Ok(Seen {
        fleet: fleet.id,
        epoch: fleet.epoch,
        revision: header.map_or(0, |header| header.revision),
        // A value that cannot be read is not a witness.
        witness: written.and_then(|kept| Witness::read(&kept.value)),
        is_refused: false,
    })
}

/// Makes the verifier of this host continue from the present state of the database, as an administrator has decided.
pub fn keep_mark(asker: &Asker, database: &Database) -> Result<(), Unable> {
    let path = asker.host.mark();
    let not_written = |error: &io::Error| Unable::NotWritten {
        path: path.display().to_string(),
        reason: why_of(error),
    };
    let mut kept = mark(asker)?;
    let now = seen(database, &kept)?;
    if kept
        .seen()
        .is_some_and(|before| now.follows(&before).is_err())
    {
        fs::remove_file(&path).map_err(|error| not_written(&error))?;
        kept = mark(asker)?;
    }
    if !asker.host.state.is_dir() {
        // No verifier has run here yet, so none has seen a state.
        return Ok(());
    }
    // The verifier owns the directory. Root would follow a link in it to any file of the host.
    as_owner_of(&asker.host.state, || kept.keep(now)).map_err(|error| not_written(&error))
}

/// Runs `work` with the rights of a directory's owner, if this process runs as root.
fn as_owner_of<T>(directory: &Path, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let owner = fs::metadata(directory)?;
    let (user, group) = (geteuid(), getegid());
    if !user.is_root() || owner.uid() == 0 {
        return work();
    }
    setegid(Gid::from_raw(owner.gid()))?;
    let done = match seteuid(Uid::from_raw(owner.uid())) {
        Ok(()) => {
            let done = work();
            seteuid(user)?;
            done
        }
        Err(errno) => Err(errno.into()),
    };
    setegid(group)?;
    done
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::assert_korean;
    use otp_core::record::Language;

    #[test]
    fn a_damaged_mark_is_reported_in_the_language_of_the_command() {
        let directory = tempfile::tempdir().unwrap();
        let asker = Asker::in_directory(directory.path());
        fs::create_dir(&asker.host.state).unwrap();
        fs::write(asker.host.mark(), "no mark\n").unwrap();
        let unable = mark(&asker).err().unwrap();
        let path = asker.host.mark().display().to_string();
        assert_eq!(
            unable.text(Language::English),
            format!("{path}: cannot be read: is no mark of a fleet")
        );
        assert_korean(&unable.text(Language::Korean), &[&path]);
    }
}
