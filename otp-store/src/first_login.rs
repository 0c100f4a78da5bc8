//! When an account was first let in without a second factor: the beginning of its grace.
//!
//! ```toml
//! version = 1
//! uid = 1001
//! first_login = 1800000000
//! ```
//! In the user's directory, root's, and gone with it. Another owner of the same name has a grace of their own.

use crate::document::{Source, number};
use crate::files::LOCK_DEADLINE;
use crate::safe_open::{Access, open_file, read_whole};
use crate::{Account, Error, Locked, Store};
use otp_core::UnixTime;

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

    /// Keeps `now` as the first login, unless an earlier one is kept. One in the future is none: the clock has run back.
    ///
    /// Nothing is kept of who has an authenticator by now. Says whether it was kept.
    ///
    /// # Errors
    /// It cannot be read or written.
    pub fn begin_grace(&self, account: &Account, now: UnixTime) -> Result<bool, Error> {
        if self.first_login(account)?.is_some_and(|first| first <= now) {
            return Ok(false);
        }
        let locked = self.lock_or_create(account, LOCK_DEADLINE)?;
        // Under the lock, who came first counts.
        if locked
            .first_login(account)?
            .is_some_and(|first| first <= now)
            || locked.has_credential()?
        {
            return Ok(false);
        }
        locked.put_first_login(account, now)?;
        Ok(true)
    }
}

impl Locked {
    /// Keeps it, whatever was kept.
    pub(crate) fn put_first_login(&self, account: &Account, when: UnixTime) -> Result<(), Error> {
        let (uid, seconds) = (account.uid, when.seconds());
        let text = format!("version = {VERSION}\nuid = {uid}\nfirst_login = {seconds}\n");
        self.put(NAME, MODE, text.as_bytes())
    }

    pub(crate) fn first_login(&self, account: &Account) -> Result<Option<UnixTime>, Error> {
        let path = self.path_of(NAME);
        let (directory, rules) = (self.directory(), self.rules_for_roots_own(MODE));
        let Some(file) = open_file(directory, NAME, &path, Access::Read, rules, LIMIT)? else {
            return Ok(None);
        };
        let (uid, when) = parse(&path, &read_whole(&file, &path, LIMIT)?)?;
        Ok((uid == u64::from(account.uid)).then_some(when))
    }
}

/// Whose it is, and when it was.
fn parse(path: &str, bytes: &[u8]) -> Result<(u64, UnixTime), Error> {
    let mut root = Source::new(path, bytes)?.root()?;
    root.version(VERSION)?;
    let uid = root.require("uid", number)?;
    let seconds = root.require("first_login", number)?;
    root.end()?;
    Ok((uid, UnixTime::from_seconds(seconds)))
}

#[cfg(test)]
mod tests;
