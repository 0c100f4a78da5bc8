//! When an account was first let in without a second factor: the beginning of its grace.
//!
//! ```toml
//! version = 1
//! uid = 1001
//! first_login = 1800000000
//! ```
//! In the user's directory, root's, and gone with it. Another owner of the same name has a grace of their own.

use crate::error::At;
use crate::files::{LOCK_DEADLINE, temporary_name};
use crate::{Error, Locked, Store};
use otp_core::{Account, UnixTime};
use otp_file::{Access, Source, Unparsed, number, open_file, read_whole};
use std::time::Duration;

pub(crate) const NAME: &str = "first-login";

const LIMIT: u64 = 256;
const VERSION: u64 = 1;
/// The helper's group looks; only root writes.
const MODE: u32 = 0o640;

impl Store {
    /// When the account was first let in without a second factor; `None`: not yet.
    ///
    /// # Errors
    /// The file cannot be trusted, read, or does not say it.
    pub fn first_login(&self, account: &Account) -> Result<Option<UnixTime>, Error> {
        match self.look_into(account)? {
            Some(directory) => directory.first_login(account),
            None => Ok(None),
        }
    }

    /// Writes all that [`Store::begin_grace`] would, durably, but under the file's temporary name; begins nothing.
    ///
    /// For a login that may get in without a second factor: by the time that it is certain to, nobody can be refused any
    /// more, and a grace that cannot be written down would have no end. A user who runs `su` can bring that about, by
    /// limits on files, descriptors or pending signals.
    ///
    /// # Errors
    /// It cannot be read or written: the caller refuses the login.
    pub fn rehearse_grace(&self, account: &Account, now: UnixTime) -> Result<(), Error> {
        if let Some(locked) = self.lock_to_begin(account, now, LOCK_DEADLINE)? {
            locked.write_beside(NAME, MODE, text(account, now).as_bytes())?;
            locked.sync_directory()?;
        }
        Ok(())
    }

    /// Keeps `now` as the first login, unless an earlier one is kept. One in the future is none: the clock has run back.
    ///
    /// Nothing is kept of who has an authenticator by now. Where it can no longer be written, what was rehearsed counts.
    /// Says whether it was kept.
    ///
    /// # Errors
    /// It cannot be read or written.
    pub fn begin_grace(&self, account: &Account, now: UnixTime) -> Result<bool, Error> {
        self.begin_grace_within(account, now, LOCK_DEADLINE)
    }

    fn begin_grace_within(
        &self,
        account: &Account,
        now: UnixTime,
        deadline: Duration,
    ) -> Result<bool, Error> {
        let written = self
            .lock_to_begin(account, now, deadline)
            .and_then(|locked| match locked {
                Some(locked) => {
                    locked.put_first_login(account, now)?;
                    Ok(true)
                }
                None => Ok(false),
            });
        match written {
            Err(_) if matches!(self.keep_rehearsed(account, now), Ok(true)) => Ok(true),
            other => other,
        }
    }

    /// The directory of an account whose grace may begin, locked; `None`: it has begun, or there is an authenticator.
    fn lock_to_begin(
        &self,
        account: &Account,
        now: UnixTime,
        deadline: Duration,
    ) -> Result<Option<Locked>, Error> {
        if has_begun(self.first_login(account)?, now) {
            return Ok(None);
        }
        let locked = self.lock_or_create(account, deadline)?;
        // Under the lock, who came first counts.
        let begun = has_begun(locked.first_login(account)?, now) || locked.has_credential()?;
        Ok((!begun).then_some(locked))
    }

    /// Makes what was rehearsed the first login, with a rename and nothing else; says whether it is now.
    ///
    /// Not under the lock, which the user may have made unobtainable since the rehearsal. The moments of two logins that
    /// begin at once are alike, and beside a credential nobody reads it. At worst it is the file that another login of the
    /// same user has only begun to write, and that user is refused until it is written.
    fn keep_rehearsed(&self, account: &Account, now: UnixTime) -> Result<bool, Error> {
        let Some(directory) = self.look_into(account)? else {
            return Ok(false);
        };
        let rehearsed = directory.moment_in(&temporary_name(NAME), account)?;
        if has_begun(directory.first_login(account)?, now) || !has_begun(rehearsed, now) {
            return Ok(false);
        }
        directory.put_in_place(NAME)?;
        directory.sync_directory()?;
        Ok(true)
    }
}

/// Whether that moment is one from which a grace counts.
fn has_begun(first_login: Option<UnixTime>, now: UnixTime) -> bool {
    first_login.is_some_and(|first| first <= now)
}

fn text(account: &Account, now: UnixTime) -> String {
    let (uid, seconds) = (account.uid, now.seconds());
    format!("version = {VERSION}\nuid = {uid}\nfirst_login = {seconds}\n")
}

impl Locked {
    /// Keeps it, whatever was kept.
    pub(crate) fn put_first_login(&self, account: &Account, when: UnixTime) -> Result<(), Error> {
        self.put(NAME, MODE, text(account, when).as_bytes())
    }

    pub(crate) fn first_login(&self, account: &Account) -> Result<Option<UnixTime>, Error> {
        self.moment_in(NAME, account)
    }

    /// The moment in a file of this form, if it is this account's.
    fn moment_in(&self, name: &str, account: &Account) -> Result<Option<UnixTime>, Error> {
        let path = self.path_of(name);
        let (directory, rules) = (self.directory(), self.rules_for_roots_own(MODE));
        let Some(file) = open_file(directory, name, Access::Read, rules, LIMIT).at(&path)? else {
            return Ok(None);
        };
        let (uid, when) = parse(&read_whole(&file, LIMIT).at(&path)?).at(&path)?;
        Ok((uid == u64::from(account.uid)).then_some(when))
    }
}

/// Whose it is, and when it was.
fn parse(bytes: &[u8]) -> Result<(u64, UnixTime), Unparsed> {
    let mut root = Source::new(bytes)?.root()?;
    root.version(VERSION)?;
    let uid = root.require("uid", number)?;
    let seconds = root.require("first_login", number)?;
    root.end()?;
    Ok((uid, UnixTime::from_seconds(seconds)))
}

#[cfg(test)]
mod tests;
