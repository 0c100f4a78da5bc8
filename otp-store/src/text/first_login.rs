//! `first-login`: when an account was first let in without a second factor. Format version 1.
//!
//! ```toml
//! version = 1
//! uid = 1001
//! first_login = 1800000000
//! ```

use otp_core::{Account, UnixTime};
use otp_file::{Source, Unparsed, number};

const VERSION: u64 = 1;
/// More than the text takes.
pub(crate) const LIMIT: u64 = 256;

/// Reads the user id of the account, and the time.
pub(crate) fn parse(bytes: &[u8]) -> Result<(u64, UnixTime), Unparsed> {
    let mut root = Source::of_record(bytes)?.root()?;
    root.version(VERSION)?;
    let uid = root.require("uid", number)?;
    let seconds = root.require("first_login", number)?;
    root.end()?;
    Ok((uid, UnixTime::from_seconds(seconds)))
}

/// Writes the user id and the time.
pub(crate) fn to_text(account: &Account, when: UnixTime) -> String {
    let (uid, seconds) = (account.uid, when.seconds());
    format!("version = {VERSION}\nuid = {uid}\nfirst_login = {seconds}\n")
}
