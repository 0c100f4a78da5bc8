//! Sessions of logged-in users, found by their cookies. They are kept in memory and in a file, so a restart loses none.
//!
//! A cookie is 256 random bits, and only its SHA-256 is kept. A session has one cookie for the portal and one for each
//! other site that it has opened. Each works only at its own host.

mod cookie;
mod journal;
mod record;
mod ticket;

pub use cookie::{Cookie, Hash};
pub use ticket::{Ticket, Tickets};

use crate::config::{Host, Lasting};
use crate::server::places::neighbourhood;
use crate::wire::Token;
use journal::Journal;
use otp_core::UnixTime;
use record::{Begun, Record};
use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often the time of the last use is written at most. After a restart, an idle session seems older by this time.
const WRITTEN_EVERY: Duration = Duration::from_secs(60);

/// A session that begins further in the future than this ends: the clock was put back after the login.
const CLOCKS_DIFFER_BY: u64 = 120;

/// A session ends after this many failed proofs of identity in a row. So a stolen cookie does not help to guess the
/// password.
pub const MOST_UNPROVEN: u32 = 5;

/// The identity of a session inside the portal. It is not secret, and gives access to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(u64);

/// All sessions.
pub struct Sessions {
    table: Mutex<Table>,
    lasting: Lasting,
    most: usize,
}

struct Table {
    by_cookie: HashMap<Hash, Id>,
    by_id: HashMap<Id, Entry>,
    journal: Journal,
}

struct Entry {
    user: Arc<str>,
    uid: u32,
    address: Box<str>,
    token: Arc<Token>,
    enrolled: bool,
    began: UnixTime,
    ends: UnixTime,
    used: UnixTime,
    used_written: UnixTime,
    cookie: Hash,
    /// The cookies for other sites.
    sites: Vec<(Host, Hash)>,
    standing: Arc<Standing>,
}

/// The last answer about a session's standing.
#[derive(Default)]
pub struct Standing {
    /// Held while a request asks the login part.
    pub asking: tokio::sync::Mutex<()>,
    /// Each step of a change holds it for reading until the session has its new token. Locking it for writing waits for
    /// all steps.
    pub changing: tokio::sync::RwLock<()>,
    /// The number of failed proofs of identity in a row.
    unproven: AtomicU32,
    heard: Mutex<Heard>,
}

#[derive(Clone, Default)]
struct Heard {
    stood: Option<Instant>,
    unknown: Option<Instant>,
    groups: Option<(Instant, Arc<[String]>)>,
}

/// A session, as a request finds it.
#[derive(Clone)]
pub struct Session {
    /// The identity.
    pub id: Id,
    /// The user, as the name service has it.
    pub user: Arc<str>,
    /// The user id.
    pub uid: u32,
    /// The token for requests of the user.
    pub token: Arc<Token>,
    /// Whether the account had an authenticator at the last answer.
    pub enrolled: bool,
    /// The last answer about the standing.
    pub standing: Arc<Standing>,
}

/// A session, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// The identity.
    pub id: Id,
    /// When it began.
    pub began: UnixTime,
    /// When it was last used.
    pub used: UnixTime,
    /// When it ends at the latest.
    pub ends: UnixTime,
    /// The address at the login.
    pub address: String,
}

/// The result of looking up a cookie.
pub enum Found {
    /// A session.
    Session(Session),
    /// The session has just ended, because it was not used for too long.
    Idle,
    /// The session has just ended, because it reached its longest time.
    TooOld,
    /// No session.
    Nothing,
}

/// A user who has just logged in.
pub struct LoggedIn<'a> {
    /// The name.
    pub user: &'a str,
    /// The user id.
    pub uid: u32,
    /// The token for requests of the user.
    pub token: Token,
    /// Whether the account has an authenticator.
    pub enrolled: bool,
    /// When the token ends.
    pub ends: UnixTime,
    /// The address of the browser.
    pub address: &'a str,
}

/// Why a session cannot begin or change.
#[derive(Debug)]
pub enum NotKept {
    /// The limit is reached.
    Full,
    /// The session has ended.
    Gone,
    /// The session cannot be written to the file.
    File(io::Error),
    /// The system gives no random bytes.
    NoRandom,
    /// The login part has saved a change, but could make no token after it.
    NoToken,
}

impl std::fmt::Display for NotKept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Full => f.write_str("there are as many sessions as there may be"),
            Self::Gone => f.write_str("the session is not there any longer"),
            Self::File(error) => write!(f, "the file of sessions cannot be written: {error}"),
            Self::NoRandom => f.write_str("the system gives no random bytes"),
            Self::NoToken => f.write_str("the login part has made no token after it"),
        }
    }
}

/// The content of the file.
#[derive(Debug, PartialEq, Eq)]
pub enum Loaded {
    /// This number of sessions.
    Sessions(usize),
    /// A damaged file: all users must log in again.
    Damaged,
}

impl Sessions {
    /// Reads the sessions from a directory that belongs to the portal alone.
    ///
    /// # Errors
    /// The directory cannot be used, or another portal uses it.
    pub fn open(
        directory: &Path,
        lasting: Lasting,
        most: usize,
        now: UnixTime,
    ) -> io::Result<(Self, Loaded)> {
        let (journal, read) = Journal::open(directory)?;
        let mut table = Table {
            by_cookie: HashMap::new(),
            by_id: HashMap::new(),
            journal,
        };
        let loaded = match read {
            Some(records) => {
                for record in records {
                    table.replay(record);
                }
                let over: Vec<Id> = table
                    .by_id
                    .iter()
                    .filter(|(_, entry)| entry.is_over(lasting, now).is_some())
                    .map(|(id, _)| *id)
                    .collect();
                for id in over {
                    table.forget(id);
                }
                Loaded::Sessions(table.by_id.len())
            }
            None => Loaded::Damaged,
        };
        let snapshot = table.snapshot();
        table.journal.rewrite_now(&snapshot)?;
        let sessions = Self {
            table: Mutex::new(table),
            lasting,
            most,
        };
        Ok((sessions, loaded))
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns how many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.table().by_id.len()
    }

    /// Looks up the cookie of a request, at a site or at the portal itself (`None`). Counts as a use.
    pub fn find(&self, cookie: &str, site: Option<&Host>, now: UnixTime) -> Found {
        let Some(hash) = Hash::of_text(cookie) else {
            return Found::Nothing;
        };
        let mut table = self.table();
        let Some(&id) = table.by_cookie.get(&hash) else {
            return Found::Nothing;
        };
        let Some(entry) = table.by_id.get_mut(&id) else {
            return Found::Nothing;
        };
        let is_here = match site {
            None => entry.cookie == hash,
            Some(host) => entry
                .sites
                .iter()
                .any(|(of, its)| of == host && *its == hash),
        };
        if !is_here {
            return Found::Nothing;
        }
        if let Some(why) = entry.is_over(self.lasting, now) {
            table.end(id);
            return why;
        }
        entry.used = entry.used.max(now);
        let session = entry.session(id);
        if entry.used_written.until(entry.used) >= WRITTEN_EVERY {
            entry.used_written = entry.used;
            let record = Record::Used {
                id,
                used: entry.used,
            };
            // If this record is lost, the session ends a little earlier.
            table.note(&record);
        }
        Found::Session(session)
    }

    /// Returns a session by its identity. Does not count as a use.
    #[must_use]
    pub fn of(&self, id: Id) -> Option<Session> {
        let table = self.table();
        table.by_id.get(&id).map(|entry| entry.session(id))
    }

    /// Begins a session. After the return, no restart loses it.
    ///
    /// # Errors
    /// See [`NotKept`].
    pub async fn begin(&self, user: LoggedIn<'_>, now: UnixTime) -> Result<(Id, Cookie), NotKept> {
        let cookie = Cookie::new().ok_or(NotKept::NoRandom)?;
        let id = Id::new().ok_or(NotKept::NoRandom)?;
        let ends = now.after(self.lasting.absolute).min(user.ends);
        let written = {
            let mut table = self.table();
            if table.by_id.len() >= self.most {
                table.forget_those_that_are_over(self.lasting, now);
            }
            if table.by_id.len() >= self.most && !table.makes_room() {
                return Err(NotKept::Full);
            }
            let begun = Begun {
                id,
                user: user.user.into(),
                uid: user.uid,
                began: now,
                ends,
                used: now,
                enrolled: user.enrolled,
                address: user.address.into(),
                token: Arc::new(user.token),
                cookie: cookie.hash(),
            };
            let record = Record::Begun(begun);
            let written = table.write(&record);
            table.replay(record);
            written
        };
        match written.wait().await {
            Ok(()) => Ok((id, cookie)),
            Err(error) => {
                self.table().forget(id);
                Err(NotKept::File(error))
            }
        }
    }

    /// Replaces the cookie of a session at the portal. The old one is invalid from now on.
    ///
    /// # Errors
    /// See [`NotKept`].
    pub async fn renew(&self, id: Id) -> Result<Cookie, NotKept> {
        let cookie = Cookie::new().ok_or(NotKept::NoRandom)?;
        self.change(id, |_| Record::Cookie {
            id,
            cookie: cookie.hash(),
        })
        .await?;
        Ok(cookie)
    }

    /// Replaces the token of a session after a change of authenticators.
    ///
    /// # Errors
    /// See [`NotKept`].
    pub async fn replace_token(&self, id: Id, token: Token, enrolled: bool) -> Result<(), NotKept> {
        let token = Arc::new(token);
        self.change(id, |_| Record::Token {
            id,
            enrolled,
            token,
        })
        .await
    }

    /// Gives a session a cookie for another site.
    ///
    /// # Errors
    /// See [`NotKept`].
    pub async fn open_site(&self, id: Id, host: &Host) -> Result<Cookie, NotKept> {
        let cookie = Cookie::new().ok_or(NotKept::NoRandom)?;
        self.change(id, |_| Record::Site {
            id,
            host: host.clone(),
            cookie: cookie.hash(),
        })
        .await?;
        Ok(cookie)
    }

    async fn change(&self, id: Id, record: impl FnOnce(&Entry) -> Record) -> Result<(), NotKept> {
        let written = {
            let mut table = self.table();
            let entry = table.by_id.get(&id).ok_or(NotKept::Gone)?;
            let record = record(entry);
            let written = table.write(&record);
            table.replay(record);
            written
        };
        written.wait().await.map_err(NotKept::File)
    }

    /// Ends a session: no cookie finds it any longer. After the return, none finds it after a restart either.
    ///
    /// # Errors
    /// The end cannot be written to the file.
    pub async fn end(&self, id: Id) -> io::Result<()> {
        let written = self.table().end(id);
        match written {
            Some(written) => written.wait().await,
            None => Ok(()),
        }
    }

    /// Ends all sessions of a user.
    ///
    /// # Errors
    /// The ends cannot be written to the file.
    pub async fn end_all(&self, uid: u32) -> io::Result<()> {
        let written: Vec<_> = {
            let mut table = self.table();
            let ids: Vec<Id> = table
                .by_id
                .iter()
                .filter(|(_, entry)| entry.uid == uid)
                .map(|(id, _)| *id)
                .collect();
            ids.into_iter().filter_map(|id| table.end(id)).collect()
        };
        for written in written {
            written.wait().await?;
        }
        Ok(())
    }

    /// Returns the sessions of a user, the newest first.
    #[must_use]
    pub fn of_user(&self, uid: u32, now: UnixTime) -> Vec<Overview> {
        let table = self.table();
        let theirs = table
            .by_id
            .iter()
            .filter(|(_, entry)| entry.uid == uid && entry.is_over(self.lasting, now).is_none());
        let mut all: Vec<Overview> = theirs
            .map(|(id, entry)| Overview {
                id: *id,
                began: entry.began,
                used: entry.used,
                ends: entry.ends,
                address: entry.address.to_string(),
            })
            .collect();
        all.sort_by_key(|one| (std::cmp::Reverse(one.began), one.id));
        all
    }

    /// Whether a user is logged in who came from this address or its neighbourhood.
    #[must_use]
    pub fn is_known(&self, address: IpAddr, now: UnixTime) -> bool {
        let of = neighbourhood(address);
        let is_from_there = |entry: &Entry| {
            entry
                .address
                .parse()
                .is_ok_and(|one: IpAddr| neighbourhood(one) == of)
        };
        !address.is_unspecified()
            && self
                .table()
                .by_id
                .values()
                .any(|entry| is_from_there(entry) && entry.is_over(self.lasting, now).is_none())
    }

    /// Makes every session ask for its standing at its next request.
    pub fn forget_what_was_heard(&self) {
        for entry in self.table().by_id.values() {
            entry.standing.forget();
        }
    }

    /// Removes sessions that are over, and rewrites a file that could not be written. Called from time to time.
    pub fn sweep(&self, now: UnixTime) {
        let mut table = self.table();
        table.forget_those_that_are_over(self.lasting, now);
        if table.journal.is_broken() {
            let snapshot = table.snapshot();
            table.journal.rewrite(snapshot);
        }
    }
}

impl Id {
    fn new() -> Option<Self> {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).ok()?;
        Some(Self(u64::from_ne_bytes(bytes)))
    }
}

impl Entry {
    fn session(&self, id: Id) -> Session {
        Session {
            id,
            user: Arc::clone(&self.user),
            uid: self.uid,
            token: Arc::clone(&self.token),
            enrolled: self.enrolled,
            standing: Arc::clone(&self.standing),
        }
    }

    /// Returns why the session is over; `None`: it is not.
    fn is_over(&self, lasting: Lasting, now: UnixTime) -> Option<Found> {
        let is_put_back = self.began.seconds() > now.seconds().saturating_add(CLOCKS_DIFFER_BY);
        if now >= self.ends || now >= self.began.after(lasting.absolute) || is_put_back {
            Some(Found::TooOld)
        } else if now >= self.used.after(lasting.idle) {
            Some(Found::Idle)
        } else {
            None
        }
    }
}

impl Table {
    /// Hands a record to the writer. The lock of the table puts the calls in order.
    fn write(&mut self, record: &Record) -> journal::Written {
        if self.journal.wants_a_snapshot() {
            // The new file contains this snapshot; the record follows it.
            let snapshot = self.snapshot();
            self.journal.rewrite(snapshot);
        }
        self.journal.append(record)
    }

    /// Hands a record that no request waits for to the writer. If the file cannot be written, the record is dropped:
    /// the next new file contains it.
    fn note(&mut self, record: &Record) {
        if !self.journal.is_broken() {
            drop(self.write(record));
        }
    }

    /// Applies a record to the table.
    fn replay(&mut self, record: Record) {
        match record {
            Record::Begun(begun) => {
                self.by_cookie.insert(begun.cookie, begun.id);
                let entry = Entry {
                    user: begun.user,
                    uid: begun.uid,
                    address: begun.address,
                    token: begun.token,
                    enrolled: begun.enrolled,
                    began: begun.began,
                    ends: begun.ends,
                    used: begun.used,
                    used_written: begun.used,
                    cookie: begun.cookie,
                    sites: Vec::new(),
                    standing: Arc::default(),
                };
                self.by_id.insert(begun.id, entry);
            }
            Record::Used { id, used } => {
                if let Some(entry) = self.by_id.get_mut(&id) {
                    (entry.used, entry.used_written) = (used, used);
                }
            }
            Record::Cookie { id, cookie } => {
                if let Some(entry) = self.by_id.get_mut(&id) {
                    self.by_cookie
                        .remove(&std::mem::replace(&mut entry.cookie, cookie));
                    self.by_cookie.insert(cookie, id);
                }
            }
            Record::Token {
                id,
                enrolled,
                token,
            } => {
                if let Some(entry) = self.by_id.get_mut(&id) {
                    (entry.enrolled, entry.token) = (enrolled, token);
                    // The last answer was about the old token.
                    entry.standing = Arc::default();
                }
            }
            Record::Site { id, host, cookie } => {
                if let Some(entry) = self.by_id.get_mut(&id) {
                    if let Some(at) = entry.sites.iter().position(|(of, _)| *of == host) {
                        let (_, old) = entry.sites.swap_remove(at);
                        self.by_cookie.remove(&old);
                    }
                    entry.sites.push((host, cookie));
                    self.by_cookie.insert(cookie, id);
                }
            }
            Record::Ended { id } => self.forget(id),
        }
    }

    fn forget(&mut self, id: Id) {
        if let Some(entry) = self.by_id.remove(&id) {
            self.by_cookie.remove(&entry.cookie);
            for (_, cookie) in &entry.sites {
                self.by_cookie.remove(cookie);
            }
        }
    }

    fn end(&mut self, id: Id) -> Option<journal::Written> {
        if !self.by_id.contains_key(&id) {
            return None;
        }
        self.forget(id);
        Some(self.write(&Record::Ended { id }))
    }

    fn forget_those_that_are_over(&mut self, lasting: Lasting, now: UnixTime) {
        let over = self
            .by_id
            .iter()
            .filter(|(_, entry)| entry.is_over(lasting, now).is_some());
        let over: Vec<Id> = over.map(|(id, _)| *id).collect();
        for id in over {
            // The session is over, whatever the file says.
            self.forget(id);
            self.note(&Record::Ended { id });
        }
    }

    /// Ends the longest unused session of the user who has most, so that one user cannot take all places. Returns false
    /// if no user has more than one.
    fn makes_room(&mut self) -> bool {
        let mut counts = HashMap::<u32, usize>::new();
        for entry in self.by_id.values() {
            *counts.entry(entry.uid).or_default() += 1;
        }
        let most = counts.into_iter().max_by_key(|&(uid, count)| (count, uid));
        let Some((uid, 2..)) = most else {
            return false;
        };
        let theirs = self.by_id.iter().filter(|(_, entry)| entry.uid == uid);
        let oldest = theirs.min_by_key(|(id, entry)| (entry.used, entry.began, **id));
        let Some(id) = oldest.map(|(id, _)| *id) else {
            return false;
        };
        // Need not wait: the record of the new session follows this one in the file.
        drop(self.end(id));
        true
    }

    /// Returns the records that recreate the table.
    fn snapshot(&self) -> Vec<u8> {
        let mut text = Vec::new();
        for (&id, entry) in &self.by_id {
            let begun = Record::Begun(Begun {
                id,
                user: Arc::clone(&entry.user),
                uid: entry.uid,
                began: entry.began,
                ends: entry.ends,
                used: entry.used,
                enrolled: entry.enrolled,
                address: entry.address.clone(),
                token: Arc::clone(&entry.token),
                cookie: entry.cookie,
            });
            begun.write_to(&mut text);
            for (host, cookie) in &entry.sites {
                let site = Record::Site {
                    id,
                    host: host.clone(),
                    cookie: *cookie,
                };
                site.write_to(&mut text);
            }
        }
        text
    }
}

impl Standing {
    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the next request ask again.
    pub fn forget(&self) {
        *self.heard() = Heard::default();
    }

    /// Whether the session stood less than `within` ago.
    #[must_use]
    pub fn stood(&self, within: Duration, now: Instant) -> bool {
        let stood = self.heard().stood;
        stood.is_some_and(|at| now.saturating_duration_since(at) < within)
    }

    /// Whether the standing could not be found out, less than `within` ago.
    #[must_use]
    pub fn was_unknown(&self, within: Duration, now: Instant) -> bool {
        let unknown = self.heard().unknown;
        unknown.is_some_and(|at| now.saturating_duration_since(at) < within)
    }

    /// Counts a failed proof of identity. Returns whether it was one too many.
    #[must_use]
    pub fn is_unproven_too_often(&self) -> bool {
        let before = self.unproven.fetch_add(1, Ordering::Relaxed);
        before >= MOST_UNPROVEN - 1
    }

    /// Records that the user has proved their identity.
    pub fn is_proven(&self) {
        self.unproven.store(0, Ordering::Relaxed);
    }

    /// Records that the session stands.
    pub fn stands(&self, now: Instant) {
        let mut heard = self.heard();
        (heard.stood, heard.unknown) = (Some(now), None);
    }

    /// Records that the standing cannot be found out.
    pub fn is_unknown(&self, now: Instant) {
        let mut heard = self.heard();
        (heard.stood, heard.unknown) = (None, Some(now));
    }

    /// Returns the groups of the user if they were looked up less than `within` ago.
    #[must_use]
    pub fn groups(&self, within: Duration, now: Instant) -> Option<Arc<[String]>> {
        let heard = self.heard();
        let (at, groups) = heard.groups.as_ref()?;
        (now.saturating_duration_since(*at) < within).then(|| Arc::clone(groups))
    }

    /// Records the groups of the user.
    pub fn keep_groups(&self, groups: Arc<[String]>, now: Instant) {
        self.heard().groups = Some((now, groups));
    }
}

#[cfg(test)]
mod tests;
