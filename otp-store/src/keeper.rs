//! What keeps the records: a few bytes about each account, in parts, held while they are changed.
//!
//! This is the lowest layer. The transactions of [`account`](crate::account) use it and nothing else. So every engine
//! is right in the same way: one that lets a single process in at a time, and one that lets all processes try and takes
//! the first.

use crate::error::At;
use crate::sealed::Seal;
use crate::text::credential;
use crate::undisturbed::Undisturbed;
use crate::{Error, Location};
use otp_core::{Account, Names, UnixTime, UserName};
use std::time::Duration;
use zeroize::Zeroizing;

/// How long a login waits for other logins of the same user.
pub const LOCK_DEADLINE: Duration = Duration::from_secs(10);

/// How long a command of root waits: longer than a user can hold a lock, even one who tries to.
pub const ROOTS_LOCK_DEADLINE: Duration = Duration::from_secs(60);

/// A stored part of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The user's credential. Without it the user is not enrolled.
    Credential,
    /// The state. Every credential has one.
    State,
    /// Where no code is asked for.
    Trust,
    /// When the grace began.
    FirstLogin,
    /// Which codes were sent by mail.
    Mail,
}

/// The stored bytes of a part. They may hold a secret, and are wiped.
pub type Bytes = Zeroizing<Vec<u8>>;

/// The result of a write.
#[must_use = "what was overtaken has not been written"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It is written.
    Done,
    /// Another process has changed the account since it was held. Nothing was written; hold it again and read it again.
    Overtaken,
}

impl Put {
    /// Ends a transaction that was overtaken, with an error that makes it begin again.
    pub(crate) fn or_begin_anew(self, place: impl FnOnce() -> Location) -> Result<(), Error> {
        match self {
            Self::Done => Ok(()),
            Self::Overtaken => Err(Error::Overtaken { place: place() }),
        }
    }
}

/// How long written data lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasts {
    /// It counts for every process from now on, even when this process ends; a power cut may undo it.
    UntilThePowerFails,
    /// Nothing undoes it.
    ForGood,
}

/// Which parts of an account are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goes {
    /// The user's credential, and its state. The beginning of the grace stays, so that no
    /// grace begins again. The mail stays too, so that the daily limit holds.
    Record,
    /// All parts, whatever their condition.
    Everything,
}

/// Returns the user whom the bytes of a credential name, even if that is another user: for [`Held::recorded_owner`].
///
/// # Errors
/// They are not a credential, or name no user.
pub fn owner_in(bytes: &[u8], place: impl FnOnce() -> Location) -> Result<Account, Error> {
    let outline = credential::outline(bytes).at(place)?;
    Ok(Account {
        name: UserName::new(outline.user())?,
        uid: outline.uid(),
    })
}

/// An account that is being looked at.
pub trait Look {
    /// The location of a part, for errors.
    fn place(&self, part: Part) -> Location;

    /// What seals the keys in the credential. An engine gets it when it is opened, and does nothing with it: the data
    /// that it must store is sealed already.
    fn seal(&self) -> &Seal;

    /// Whether a part is there, without reading it.
    ///
    /// # Errors
    /// It cannot be trusted, or this cannot be found out.
    fn has(&self, part: Part) -> Result<bool, Error>;

    /// Reads a part; `None`: it is not there.
    ///
    /// # Errors
    /// It cannot be trusted or read.
    fn get(&mut self, part: Part) -> Result<Option<Bytes>, Error>;

    /// Reads the rehearsed content of a part ([`Held::rehearse`]); `None`: there is none.
    ///
    /// # Errors
    /// It cannot be trusted or read.
    fn rehearsed(&mut self, part: Part) -> Result<Option<Bytes>, Error>;

    /// Makes the rehearsed content of a part count, durably, without holding the account and with as few operations as
    /// possible.
    ///
    /// # Errors
    /// This is not possible.
    fn fulfil(&mut self, part: Part) -> Result<(), Error>;
}

/// An account that is held for a change.
pub trait Held: Look + Sized {
    /// Whether nobody else can write while this is held, or even hold it.
    ///
    /// Only then is an attempt stored as failed before it is judged: where others can read meanwhile, they would count
    /// it against themselves. An account that several processes can hold at once is not held by a process that a user
    /// can kill.
    const ALONE: bool;

    /// Makes `bytes` the content of the part, whole and for good.
    ///
    /// # Errors
    /// It could not be written, and the old content still counts; or the result is in doubt, as [`Error::NotDurable`]
    /// and [`Error::InDoubt`] say.
    fn put(&mut self, part: Part, bytes: &[u8]) -> Result<Put, Error>;

    /// Writes over a piece of a part that was read since the account is held.
    ///
    /// # Errors
    /// It could not be written. If only some of the piece was written, the reader of the part must notice.
    fn overwrite(
        &mut self,
        part: Part,
        offset: u64,
        bytes: &[u8],
        lasts: Lasts,
    ) -> Result<Put, Error>;

    /// Makes the present content of a part last for good, whichever process wrote it.
    ///
    /// # Errors
    /// This is not possible.
    fn settle(&mut self, part: Part) -> Result<(), Error>;

    /// Does everything that [`Held::put`] does, but nothing counts before [`Look::fulfil`].
    ///
    /// # Errors
    /// It could not be written.
    fn rehearse(&mut self, part: Part, bytes: &[u8]) -> Result<Put, Error>;

    /// Removes a part for good, if it is there.
    ///
    /// # Errors
    /// It cannot be removed, or a power cut could bring it back.
    fn remove(&mut self, part: Part) -> Result<Put, Error>;

    /// Returns the user whom the credential names, even if that is another user; `None`: there is no credential.
    ///
    /// # Errors
    /// It cannot be read, or cannot be trusted even as that user's.
    fn recorded_owner(&mut self) -> Result<Option<Account>, Error>;

    /// Treats an account that is held only by its name ([`Keeper::hold_name`]) as that user's.
    ///
    /// # Errors
    /// It cannot belong to that user.
    fn claim(&mut self, uid: u32) -> Result<(), Error>;

    /// Is told, before the state of an attempt is put, that the attempt was accepted at that time. An engine may store
    /// this with the state, in the same write, but need not.
    fn accepted(&mut self, _when: UnixTime) {}

    /// Is told, before the state of an attempt is put, that the code was wrong: what was accepted before then no longer
    /// proves anything. As with [`Held::accepted`], an engine need not store this.
    fn refused(&mut self) {}

    /// Releases the account, and keeps signals waiting for as long as the caller wants.
    fn let_go(self) -> Option<Undisturbed>;
}

/// All accounts about which something is stored.
///
/// Every engine also runs the tests of the transactions, by its line in `over_every_keeper!` of `fixture.rs`.
pub trait Keeper {
    /// An account that is being looked at.
    type Look: Look;
    /// An account that is held for a change.
    type Held: Held;

    /// Looks at an account without holding it; `None`: nothing is stored about it.
    ///
    /// For decisions before the user is asked; every transaction looks again while it holds the account.
    ///
    /// # Errors
    /// The stored data cannot be trusted or opened.
    fn look(&self, account: &Account) -> Result<Option<Self::Look>, Error>;

    /// Holds an account; `None`: nothing is stored about it.
    ///
    /// # Errors
    /// The stored data cannot be trusted or opened, or another process held it for all of `deadline`.
    fn hold(&self, account: &Account, deadline: Duration) -> Result<Option<Self::Held>, Error>;

    /// Is told that an attempt has found no record to judge by, before anybody is told. An engine whose writes take a
    /// noticeable time takes that time here too, so that names with an authenticator cannot be told from others.
    ///
    /// # Errors
    /// As when the state of an attempt is put; the caller refuses the login.
    fn judges_nobody(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Holds an account, and first makes a place for it if nothing is stored about it.
    ///
    /// # Errors
    /// As for [`Keeper::hold`], or the place cannot be made.
    fn hold_or_create(&self, account: &Account, deadline: Duration) -> Result<Self::Held, Error>;

    /// Holds everything stored under a name, even if another user owns it. Suitable for removing it; must not be believed before
    /// [`Held::claim`].
    ///
    /// # Errors
    /// It cannot be opened, or another process held it for all of `deadline`.
    fn hold_name(&self, name: &UserName, deadline: Duration) -> Result<Option<Self::Held>, Error>;

    /// Returns the names under which something is stored.
    ///
    /// # Errors
    /// They cannot be read, or no user can have one of them.
    fn users(&self) -> Result<Names, Error>;

    /// Remembers that a user has enrolled, before the first record is written: from then on, no record at all does not
    /// mean "nobody is enrolled".
    ///
    /// # Errors
    /// It cannot be written.
    fn mark_enrolled(&self) -> Result<(), Error>;

    /// Removes parts stored under a name, and the name too if nothing is left under it.
    ///
    /// # Errors
    /// Something is there that is not ours, or it cannot be removed.
    fn erase(&self, held: &mut Self::Held, name: &UserName, goes: Goes) -> Result<Put, Error>;

    /// Gives everything stored under one name another name, where it replaces what `over` holds.
    ///
    /// # Errors
    /// It cannot be written.
    fn rename(
        &self,
        held: &mut Self::Held,
        over: Option<&mut Self::Held>,
        names: [&UserName; 2],
    ) -> Result<Put, Error>;
}
