//! The entry of an account in `/etc/shadow`. It is read so that a token ends with the password, and never told.
//!
//! This reads the file instead of asking the name service: no program can see a password that a directory keeps.

use super::Trouble;
use otp_core::UnixTime;
use std::fs;
use std::io;
use zeroize::Zeroizing;

const FILE: &str = "/etc/shadow";

/// The entry of an account.
pub(super) struct Entry {
    /// The hash of the password, and the day of its last change. Has no `Debug`.
    pub password: Zeroizing<Vec<u8>>,
    /// The day on which the account expires.
    expires: Option<u64>,
}

const SECONDS_A_DAY: u64 = 24 * 60 * 60;

impl Entry {
    /// Whether the account has expired.
    pub(super) fn has_expired(&self, now: UnixTime) -> bool {
        self.expires
            .is_some_and(|day| now.seconds() / SECONDS_A_DAY >= day)
    }
}

/// Returns the entry of a user; `None`: there is none, so the password is kept elsewhere.
pub(super) fn entry(user: &str) -> Result<Option<Entry>, Trouble> {
    match fs::read(FILE) {
        Ok(bytes) => Ok(entry_in(&Zeroizing::new(bytes), user)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Trouble::new(FILE, &error)),
    }
}

fn entry_in(file: &[u8], user: &str) -> Option<Entry> {
    let line = file.split(|byte| *byte == b'\n').find(|line| {
        let rest = line.strip_prefix(user.as_bytes());
        rest.is_some_and(|rest| rest.first() == Some(&b':'))
    })?;
    let fields: Vec<&[u8]> = line.split(|byte| *byte == b':').collect();
    let field = |at: usize| fields.get(at).copied().unwrap_or_default();
    let mut password = Zeroizing::new(Vec::with_capacity(line.len()));
    password.extend_from_slice(field(1));
    password.push(b':');
    password.extend_from_slice(field(2));
    Some(Entry {
        password,
        expires: std::str::from_utf8(field(7))
            .ok()
            .and_then(|day| day.parse().ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] =
        b"root:*:19000:0:99999:7:::\nalicia:$y$b:2:0:::::\nalice:$y$a:20000:0:99999:7::20400:\nbob:!\n";

    #[test]
    fn each_name_gets_only_its_own_line() {
        let password = |user| entry_in(TEXT, user).map(|entry| entry.password.to_vec());
        assert_eq!(password("alice"), Some(b"$y$a:20000".to_vec()));
        assert_eq!(password("alicia"), Some(b"$y$b:2".to_vec()));
        assert_eq!(password("bob"), Some(b"!:".to_vec()));
        assert_eq!(password("ali"), None);
        assert_eq!(password(""), None);
    }

    #[test]
    fn an_account_ends_at_the_beginning_of_its_day() {
        let alice = entry_in(TEXT, "alice").unwrap();
        let day = 20400 * SECONDS_A_DAY;
        assert!(!alice.has_expired(UnixTime::from_seconds(day - 1)));
        assert!(alice.has_expired(UnixTime::from_seconds(day)));
        let root = entry_in(TEXT, "root").unwrap();
        assert!(!root.has_expired(UnixTime::from_seconds(u64::MAX)));
    }
}
