//! `otp-admin seal`: seals the records, seals them with another key, and unseals them, while users log in.
//!
//! A new key is stored where it outlasts the machine's memory before it seals anything. An old key is removed only
//! after a whole round has found nothing that it seals. So whatever interrupts the command, the file has every key
//! that is needed, and the same command completes the work.

mod credential;
mod host;

pub use credential::USUAL_CREDENTIAL;
pub use host::HostKey;

use crate::admin::progress::Progress;
use crate::admin::sent;
use crate::cli::SealInstead;
use crate::engine::Engine;
use crate::failure::Failure;
use crate::log;
use crate::output;
use crate::site::Site;
use credential::Kept;
use nix::unistd::getegid;
use otp_core::UserName;
use otp_core::messages::fleet::Unable;
use otp_core::messages::reason::Wording;
use otp_core::messages::seal::{Told, Unsealed};
use otp_core::record::Language;
use otp_site::groups;
use otp_store::account::sealing::{Resealed, SealedBy, Wanted, reseal, sealed_by};
use otp_store::sealed::{KeyFile, Keys, NoKeyFile};
use otp_store::{Error, Keeper, Seal};
use std::path::Path;
use std::sync::Arc;

/// The number of rounds over all records before the command gives up. Each round but the first finds only records
/// written in the meantime.
const MOST_ROUNDS: u32 = 10;

/// Runs the command on the seals of all records.
pub fn seal<E: Engine>(
    site: &Site<E>,
    instead: &SealInstead,
    key: Option<&Path>,
    credential: &Path,
) -> Result<(), Failure> {
    if key.is_some() && sent::is_in_force() {
        // The file would be read on the verifier's host.
        return Err(Unable::OfOneMachine.into());
    }
    if instead.rotate && !E::HAS_ITS_OWN_KEY {
        // The other verifiers could open nothing from the first record on, and the old key would be gone here.
        return Err(Unsealed::KeyOfSeveral.into());
    }
    let seal = match key {
        Some(path) => Seal::by_key_in(path.to_str().ok_or(Unsealed::NoFile)?),
        None => site.seal(),
    };
    // On the host of a verifier, the verifier owns the directory, and the key is as the unit installs it.
    let group = if E::HAS_ITS_OWN_KEY {
        site.records_group()
    } else {
        groups::of_records()
    };
    let seal = seal.for_group(group.unwrap_or(getegid().as_raw()));
    if instead.status {
        return status(site, &seal);
    }
    let file = seal.file().ok_or(Unsealed::NoFile)?.clone();
    let work = Work {
        site,
        kept: Kept::of(&file, credential),
        file: &file,
    };
    if instead.new_key || instead.rotate {
        if sent::is_in_force() {
            // Each verifier has a file of its own.
            return Err(Unable::OfOneMachine.into());
        }
        file.make_directory().map_err(|error| no_file(&error))?;
    }
    let _alone = file
        .lock()
        .map_err(|error| no_file(&error))?
        .ok_or_else(|| busy(&file))?;
    if instead.new_key {
        work.make_key()
    } else if instead.rotate {
        work.rotate()
    } else if instead.undo {
        work.unseal()
    } else {
        work.seal()
    }
}

struct Work<'a, E> {
    site: &'a Site<E>,
    file: &'a KeyFile,
    kept: Kept<'a>,
}

impl<E: Engine> Work<'_, E> {
    fn make_key(&self) -> Result<(), Failure> {
        match self.file.read() {
            Err(NoKeyFile::Missing { .. }) => {}
            Ok(_) => {
                let file = self.file.path().to_owned();
                return Err(Unsealed::KeyThere { file }.into());
            }
            Err(error) => return Err(no_file(&error)),
        }
        if self.kept.is_there()? {
            let file = self.kept.credential.display().to_string();
            return Err(Unsealed::KeyThere { file }.into());
        }
        let keys = Keys::fresh().map_err(Error::from)?;
        self.keep(&keys)?;
        log::sealed("new-key", self.file.path(), 0, None);
        let (key, file) = (keys.seals().to_string(), self.file.path());
        self.say(&Told::KeyMade { key: &key, file })?;
        self.say_where_it_is()
    }

    fn rotate(&self) -> Result<(), Failure> {
        let old = self.file.read().map_err(|error| no_file(&error))?;
        let keys = if old.ids().count() > 1 {
            self.say(&Told::GoesOn)?;
            old
        } else {
            let keys = old.behind(Keys::fresh().map_err(Error::from)?);
            self.keep(&keys)?;
            keys
        };
        let keys = Arc::new(keys);
        let done = self.everywhere("rotate", &Wanted::Sealed(Arc::clone(&keys)))?;
        let key = keys.seals();
        // No record needs the old key any more.
        let keys = self
            .file
            .read()
            .map_err(|error| no_file(&error))?
            .first_alone();
        self.keep(&keys)?;
        log::sealed("rotate", self.file.path(), done.written, None);
        self.say(&done.sealed_by(&key.to_string()))?;
        self.say(&Told::OldKeyGone)?;
        self.say_where_it_is()
    }

    fn seal(&self) -> Result<(), Failure> {
        let keys = Arc::new(self.file.read().map_err(|error| unread::<E>(&error))?);
        let done = self.everywhere("seal", &Wanted::Sealed(Arc::clone(&keys)))?;
        log::sealed("seal", self.file.path(), done.written, None);
        self.say(&done.sealed_by(&keys.seals().to_string()))
    }

    fn unseal(&self) -> Result<(), Failure> {
        let done = self.everywhere("undo", &Wanted::Plain)?;
        log::sealed("undo", self.file.path(), done.written, None);
        let (all, written) = (done.all, count(done.written));
        self.say(&Told::AllUnsealed { all, written })?;
        if self.site.policy.seal.key.is_empty() {
            return Ok(());
        }
        self.say(&Told::SealedAgain)
    }

    /// Changes all records as wanted, in rounds, until a round finds nothing to do.
    fn everywhere(&self, verb: &'static str, wanted: &Wanted) -> Result<Done, Failure> {
        let keeper = self.site.keeper()?;
        let mut written = 0;
        for _ in 0..MOST_ROUNDS {
            let names = keeper.users()?;
            let mut progress = Progress::of(names.len(), self.site.language);
            let (mut failed, mut first, mut in_this_round, mut all) = (0, None, 0, 0);
            for name in names.iter() {
                match reseal(&keeper, &UserName::new(name)?, wanted) {
                    Ok(Resealed::Done) => (in_this_round, all) = (in_this_round + 1, all + 1),
                    Ok(Resealed::AsItWas) => all += 1,
                    Ok(Resealed::NoRecord) => {}
                    Err(error) => {
                        failed += 1;
                        first.get_or_insert_with(|| Wording::of(|language| error.text(language)));
                    }
                }
                progress.step();
            }
            written += in_this_round;
            if let Some(first) = first {
                let logged = first.text(Language::English);
                log::sealed(verb, self.file.path(), written, Some(logged));
                let count = failed;
                return Err(Unsealed::NotAll { count, first }.into());
            }
            if in_this_round == 0 {
                return Ok(Done { all, written });
            }
        }
        let unsealed = Unsealed::NotDone;
        log::sealed(verb, self.file.path(), written, Some("not done"));
        Err(unsealed.into())
    }

    /// Stores the keys where they outlast the next boot, and then where they are read.
    fn keep(&self, keys: &Keys) -> Result<(), Failure> {
        self.kept.keep(keys)?;
        self.file.write(keys).map_err(|error| no_file(&error))
    }

    fn say_where_it_is(&self) -> Result<(), Failure> {
        if !self.file.is_in_memory().map_err(|error| no_file(&error))? {
            return Ok(());
        }
        let file = self.kept.credential.display().to_string();
        self.say(&Told::Credential { file: &file })
    }

    fn say(&self, told: &Told<'_>) -> Result<(), Failure> {
        output::print(&format!("{}\n", told.text(self.site.language)))
    }
}

/// The number of records, and how many of them were written.
struct Done {
    all: u64,
    written: usize,
}

impl Done {
    fn sealed_by<'a>(&self, key: &'a str) -> Told<'a> {
        let (all, written) = (self.all, count(self.written));
        Told::AllSealed { all, written, key }
    }
}

/// Reports how many records each key seals; the exit status is 1 if a record is not as it should be.
fn status<E: Engine>(site: &Site<E>, seal: &Seal) -> Result<(), Failure> {
    let (keys, trouble) = match seal.keys() {
        Ok(keys) => (keys, None),
        // The records still show what seals them.
        Err(error) => (None, Some(unread::<E>(&error))),
    };
    let keeper = site.keeper()?;
    let (mut sealed, mut older, mut unknown, mut open, mut unreadable) =
        (0u64, 0u64, 0u64, 0u64, 0u64);
    let names = keeper.users()?;
    let mut progress = Progress::of(names.len(), site.language);
    for name in names.iter() {
        let is = |key| keys.as_ref().is_some_and(|keys| keys.seals() == key);
        let knows = |key| {
            keys.as_ref()
                .is_some_and(|keys| keys.ids().any(|known| known == key))
        };
        match sealed_by(&keeper, &UserName::new(name)?) {
            Ok(None) => {}
            Ok(Some(SealedBy::Nothing)) => open += 1,
            Ok(Some(SealedBy::Key(key))) if is(key) => sealed += 1,
            Ok(Some(SealedBy::Key(key))) if knows(key) => older += 1,
            Ok(Some(SealedBy::Key(_))) => unknown += 1,
            Err(_) => unreadable += 1,
        }
        progress.step();
    }
    drop(progress);
    let none = Told::NoKey.text(site.language);
    let file = seal.file().map_or(none.as_str(), KeyFile::path).to_owned();
    let key = keys.as_ref().map_or(none, |keys| keys.seals().to_string());
    let rows = [
        (Told::File, file),
        (Told::Key, key),
        (Told::Sealed, sealed.to_string()),
        (Told::Older, older.to_string()),
        (Told::Unknown, unknown.to_string()),
        (Told::Open, open.to_string()),
        (Told::Unreadable, unreadable.to_string()),
    ];
    for (label, value) in rows {
        output::print(&format!("{}: {value}\n", label.text(site.language)))?;
    }
    if let Some(trouble) = trouble {
        return Err(trouble);
    }
    let is_wanted = seal.is_set();
    let all_as_wanted = if is_wanted {
        older + unknown + open + unreadable == 0
    } else {
        unknown + unreadable == 0
    };
    if all_as_wanted {
        Ok(())
    } else {
        Err(Failure::Refused)
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn no_file(error: &NoKeyFile) -> Failure {
    let reason = Wording::of(|language| error.text(language));
    Unsealed::File { reason }.into()
}

/// Makes the failure for a missing or unreadable file. If verifiers share a key, a new one would open nothing.
fn unread<E: Engine>(error: &NoKeyFile) -> Failure {
    match error {
        NoKeyFile::Missing { .. } if !E::HAS_ITS_OWN_KEY => {
            let reason = Wording::of(|language| error.text(language));
            Unsealed::NotHere { reason }.into()
        }
        _ => no_file(error),
    }
}

fn busy(file: &KeyFile) -> Failure {
    busy_with(file).into()
}

fn busy_with(file: &KeyFile) -> Unsealed {
    let directory = Path::new(file.path()).parent().unwrap_or(Path::new("/"));
    let directory = directory.display().to_string();
    Unsealed::Busy { directory }
}
