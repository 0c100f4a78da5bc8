//! What keeps the records: a few bytes about each account, in parts, held while they are changed.
//!
//! This is the bottom. The transactions of [`account`](crate::account) are written over it and over nothing else, so that
//! every engine is right in the same way: one that lets a single process in at a time, and one that lets everybody try and
//! takes the first.

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

/// How long a command of root waits: longer than the longest that a lock can be held by somebody who tries to.
pub const ROOTS_LOCK_DEADLINE: Duration = Duration::from_secs(60);

/// What is kept about an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// Who can prove what. Without it nobody is enrolled.
    Credential,
    /// What happened so far. Beside every credential.
    State,
    /// Where no code is asked for.
    Trust,
    /// When the grace began.
    FirstLogin,
    /// Which codes were sent by mail.
    Mail,
}

/// A part as it is kept. May hold a secret, and is wiped.
pub type Bytes = Zeroizing<Vec<u8>>;

/// What became of a write.
#[must_use = "what was overtaken has not been written"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It is written.
    Done,
    /// Somebody else has changed the account since it was held. Nothing was written; hold it again and look anew.
    Overtaken,
}

impl Put {
    /// Ends a transaction that was overtaken: it begins anew.
    pub(crate) fn or_begin_anew(self, place: impl FnOnce() -> Location) -> Result<(), Error> {
        match self {
            Self::Done => Ok(()),
            Self::Overtaken => Err(Error::Overtaken { place: place() }),
        }
    }
}

/// How long what is written is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasts {
    /// It counts for everybody from now on, also when this process ends; a power cut may undo it.
    UntilThePowerFails,
    /// Nothing undoes it.
    ForGood,
}

/// What of an account is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goes {
    /// Who can prove what, and what came of it. When the grace began stays: none begins anew. So does what was mailed: no
    /// more is mailed in a day.
    Record,
    /// All of it, whatever state it is in.
    Everything,
}

/// The user whom the bytes of a credential name, whoever that is: for [`Held::recorded_owner`].
///
/// # Errors
/// They are no credential, or name nobody.
pub fn owner_in(bytes: &[u8], place: impl FnOnce() -> Location) -> Result<Account, Error> {
    let outline = credential::outline(bytes).at(place)?;
    Ok(Account {
        name: UserName::new(outline.user())?,
        uid: outline.uid(),
    })
}

/// An account at which somebody looks.
pub trait Look {
    /// Where a part is, for errors.
    fn place(&self, part: Part) -> Location;

    /// What seals the keys in the credential. An engine has it from whoever opened it, and does nothing with it: what it is
    /// given to keep is sealed already.
    fn seal(&self) -> &Seal;

    /// Whether a part is there, without reading it.
    ///
    /// # Errors
    /// It cannot be trusted or found out.
    fn has(&self, part: Part) -> Result<bool, Error>;

    /// Reads a part; `None`: it is not there.
    ///
    /// # Errors
    /// It cannot be trusted or read.
    fn get(&mut self, part: Part) -> Result<Option<Bytes>, Error>;

    /// Reads what was rehearsed of a part ([`Held::rehearse`]); `None`: nothing was.
    ///
    /// # Errors
    /// It cannot be trusted or read.
    fn rehearsed(&mut self, part: Part) -> Result<Option<Bytes>, Error>;

    /// Makes what was rehearsed of a part count, durably, without holding the account and with as little as it can take.
    ///
    /// # Errors
    /// It cannot be made to.
    fn fulfil(&mut self, part: Part) -> Result<(), Error>;
}

/// An account that is held for a change.
pub trait Held: Look + Sized {
    /// Whether nobody else can write while this is held, or even hold it.
    ///
    /// Only then is an attempt written down as failed before it is judged: where others read on meanwhile, they would
    /// count it against themselves. What can be held together is not in a process that a user can kill.
    const ALONE: bool;

    /// Makes `bytes` the part, whole and for good.
    ///
    /// # Errors
    /// It could not be written, and what was there still counts; or it is in doubt, as [`Error::NotDurable`] and
    /// [`Error::InDoubt`] say.
    fn put(&mut self, part: Part, bytes: &[u8]) -> Result<Put, Error>;

    /// Writes over a piece of a part that was read since it is held.
    ///
    /// # Errors
    /// It could not be written. A piece that was written in part is for the reader of the part to tell.
    fn overwrite(
        &mut self,
        part: Part,
        offset: u64,
        bytes: &[u8],
        lasts: Lasts,
    ) -> Result<Put, Error>;

    /// Makes what is read of a part last for good, whichever process wrote it.
    ///
    /// # Errors
    /// It could not be made to.
    fn settle(&mut self, part: Part) -> Result<(), Error>;

    /// Does all that [`Held::put`] would, but so that nothing counts before [`Look::fulfil`].
    ///
    /// # Errors
    /// It could not be written.
    fn rehearse(&mut self, part: Part, bytes: &[u8]) -> Result<Put, Error>;

    /// Removes a part for good, if it is there.
    ///
    /// # Errors
    /// What is there cannot be removed, or a power cut could bring it back.
    fn remove(&mut self, part: Part) -> Result<Put, Error>;

    /// The user whom the credential names, whoever that is; `None`: there is no credential.
    ///
    /// # Errors
    /// It cannot be trusted even for that user's, or read.
    fn recorded_owner(&mut self) -> Result<Option<Account>, Error>;

    /// Takes what is held by its name alone ([`Keeper::hold_name`]) for that user's.
    ///
    /// # Errors
    /// It cannot be theirs.
    fn claim(&mut self, uid: u32) -> Result<(), Error>;

    /// Is told, before the state of an attempt is put, that it was accepted at that moment. An engine may keep that beside
    /// the state, in the same write; none has to.
    fn accepted(&mut self, _when: UnixTime) {}

    /// Is told, before the state of an attempt is put, that it was a wrong code: what was accepted before it proves nothing any
    /// longer. As [`Held::accepted`], none has to keep that.
    fn refused(&mut self) {}

    /// Lets others have it, and keeps signals waiting for as long as the caller wants.
    fn let_go(self) -> Option<Undisturbed>;
}

/// All accounts about which something is kept.
///
/// Every engine takes the tests of the transactions too: by its line in `over_every_keeper!` of `fixture.rs`.
pub trait Keeper {
    /// An account at which somebody looks.
    type Look: Look;
    /// An account that is held for a change.
    type Held: Held;

    /// Looks at an account without holding it; `None`: nothing is kept about it.
    ///
    /// For what must be known before anybody is asked; every transaction looks again while it holds.
    ///
    /// # Errors
    /// What is kept cannot be trusted or opened.
    fn look(&self, account: &Account) -> Result<Option<Self::Look>, Error>;

    /// Holds an account; `None`: nothing is kept about it.
    ///
    /// # Errors
    /// What is kept cannot be trusted or opened, or another process held it for all of `deadline`.
    fn hold(&self, account: &Account, deadline: Duration) -> Result<Option<Self::Held>, Error>;

    /// Is told that an attempt has found nobody to judge it by, before that is told to anybody. An engine whose writes take a time
    /// that can be felt takes that time here as well, so that names which have an authenticator are not told apart by it.
    ///
    /// # Errors
    /// As where the state of an attempt is put; the caller refuses the login.
    fn judges_nobody(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Holds an account, and begins to keep something about it first where nothing is.
    ///
    /// # Errors
    /// As for [`Keeper::hold`], or nothing can be kept.
    fn hold_or_create(&self, account: &Account, deadline: Duration) -> Result<Self::Held, Error>;

    /// Holds what is kept under a name, whoever may have it. Good for removing it; not to be believed before
    /// [`Held::claim`].
    ///
    /// # Errors
    /// It cannot be opened, or another process held it for all of `deadline`.
    fn hold_name(&self, name: &UserName, deadline: Duration) -> Result<Option<Self::Held>, Error>;

    /// The names under which something is kept.
    ///
    /// # Errors
    /// They cannot be read, or one is a name that no user can have.
    fn users(&self) -> Result<Names, Error>;

    /// Remembers that somebody has enrolled, before the first record: then no record at all is not "nobody is enrolled".
    ///
    /// # Errors
    /// It cannot be written.
    fn mark_enrolled(&self) -> Result<(), Error>;

    /// Removes what is kept under a name, and the name where nothing is left under it.
    ///
    /// # Errors
    /// Something that is not ours is there, or it cannot be removed.
    fn erase(&self, held: &mut Self::Held, name: &UserName, goes: Goes) -> Result<Put, Error>;

    /// Gives what is kept under one name another, in the place of what `over` holds there.
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
