//! `otp-admin fleet backup`: writes all data of a fleet, as of one moment, to a new file that only its key opens.

use super::database::{Database, Pages};
use super::records::{Head, Writing};
use super::sealed_file::{Sealing, Secret};
use super::told::{tell, why_of};
use super::{Asker, now, one_init, passphrase};
use crate::beats;
use crate::keeper::{ACCOUNTS, FLEET, RESTORING, ROOT, WITNESSES};
use otp_core::event::Severity;
use otp_core::messages::fleet::{Told, Unable};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The data of the moment, which a backup omits: beats, witnesses, the digests of machines' policies, and the mark of
/// an init in progress.
const FLEETING: [&str; 4] = [beats::PREFIX, beats::POLICIES, WITNESSES, one_init::KEY];

/// Writes a backup.
pub fn backup(asker: &Asker, path: &Path, key_file: Option<&Path>) -> Result<(), Unable> {
    // This comes before the question for a passphrase. The threads of this client have ended by then: otherwise one
    // of them would take a Ctrl-C, and end this process with the terminal in the modes of the question.
    {
        let database = asker.database()?;
        if database.one(RESTORING)?.is_some() {
            return Err(Unable::BeingRestored);
        }
        if database.fleet()?.is_none() {
            return Err(Unable::NotBegun);
        }
    }
    let secret = passphrase::for_new(key_file, asker.language)?;
    let database = asker.database()?;
    let not_written = |error: &io::Error| Unable::NotWritten {
        path: path.display().to_string(),
        reason: why_of(error),
    };
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    let file = file.map_err(|error| not_written(&error))?;
    let written = write(&database, file, &secret, not_written).and_then(|(accounts, file)| {
        let synced = file.sync_all().and_then(|()| sync_directory(path));
        synced.map_err(|error| not_written(&error))?;
        Ok(accounts)
    });
    let accounts = written.inspect_err(|_| {
        // An incomplete backup is useless; it could not be restored either.
        fs::remove_file(path).ok();
    })?;
    let path = path.display().to_string();
    asker.record("backup", Severity::Notice, &path);
    let path = &*path;
    tell(asker, Told::BackedUp { path, accounts })
}

fn sync_directory(path: &Path) -> io::Result<()> {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

/// Writes all keys as of one moment; returns the number of accounts, and the file.
fn write(
    database: &Database,
    file: File,
    secret: &Secret,
    not_written: impl Fn(&io::Error) -> Unable,
) -> Result<(u64, File), Unable> {
    let Some((fleet, _)) = database.fleet()? else {
        return Err(Unable::NotBegun);
    };
    // This sets the moment: later writes are not in the backup.
    let nothing = |_: &_| Ok(());
    let moment = Pages {
        revision: 0,
        keys_only: true,
    };
    let revision = database.every(FLEET, moment, nothing)?;
    let head = Head {
        fleet,
        when: now()?,
        revision,
    };
    let sealing = Sealing::begin(BufWriter::new(file), secret);
    let writing = sealing.and_then(|sealing| Writing::begin(sealing, &head));
    let mut writing = writing.map_err(|error| not_written(&error))?;
    let mut accounts = 0;
    let mut is_of_the_fleet = false;
    let pages = Pages {
        revision,
        keys_only: false,
    };
    database.every(ROOT, pages, |found| {
        let is_of = |prefix: &str| found.key.starts_with(prefix.as_bytes());
        if found.key == RESTORING.as_bytes() {
            return Err(Unable::BeingRestored);
        }
        if found.key == FLEET.as_bytes() {
            // The epoch differs from that in the head: it was raised in the meantime.
            is_of_the_fleet = found.value == fleet.text().into_bytes();
            return if is_of_the_fleet {
                Ok(())
            } else {
                Err(Unable::ChangedMeanwhile)
            };
        }
        if FLEETING.into_iter().any(is_of) {
            return Ok(());
        }
        // The guard of an account ends with a slash.
        accounts += u64::from(is_of(ACCOUNTS) && found.key.ends_with(b"/"));
        let added = writing.add(&found.key, &found.value);
        added.map_err(|error| not_written(&error))
    })?;
    if !is_of_the_fleet {
        // A restore has begun in the meantime: the data is incomplete.
        return Err(Unable::ChangedMeanwhile);
    }
    let (_, file) = writing.end().map_err(|error| not_written(&error))?;
    let file = file
        .into_inner()
        .map_err(|error| not_written(error.error()))?;
    Ok((accounts, file))
}
