//! The one door to the records: in this process, where that is root's, and else by the helper; those of a fleet's users by a
//! program that asks a verifier.
//!
//! The module and the command lines know nothing else. What only root may ask is not asked for anybody else: it then comes
//! to what the records of such programs are without it (no place is trusted, no grace begins), and no helper is started
//! to say so.

mod change;
mod installation;
mod trial;

pub use change::{Attendant, Broken, Changing};
pub use installation::Installation;
pub use trial::try_login;

use crate::client::{Connection, NoAnswer};
use crate::confirming::{Asker, confirm};
use crate::mail::Outgoing;
use crate::permission::{May, Relation, allowed};
use crate::protocol::{Answer, Claim, Request, Verb};
use nix::unistd::getuid;
use otp_core::mail::Address;
use otp_core::mailed::LoginKey;
use otp_core::record::Standing;
use otp_core::{Account, Before1970, Input, Policy, UnixTime, Verdict};
use otp_store::account::grace::{begin_grace, first_login, rehearse_grace};
use otp_store::account::mailing::{Asked, ask_for_code, keep_confirmed};
use otp_store::account::overview::standing;
use otp_store::account::trust::trusted_since;
use otp_store::account::{attempt, is_enrolled};
use otp_store::{
    Committed, Error, Judged, Location, Overview, Remembered, Seal, Store, Trusted, Undisturbed,
    attempt_at,
};
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::Duration;
use zeroize::Zeroizing;

/// The records, wherever they are kept.
pub struct Records(Way);

enum Way {
    Here(Place),
    Helper(Helper),
}

/// The directory of all records.
enum Place {
    There(Store),
    /// The first enrolment makes it.
    NotYet(PathBuf, Seal),
}

impl Place {
    const fn store(&self) -> Option<&Store> {
        match self {
            Self::There(store) => Some(store),
            Self::NotYet(..) => None,
        }
    }

    /// The records, which have to be there.
    fn there(&self) -> Result<&Store, Error> {
        match self {
            Self::There(store) => Ok(store),
            Self::NotYet(directory, _) => Err(Error::NoRecords {
                place: Location::of(directory.display().to_string()),
            }),
        }
    }
}

/// A helper that is started when it is first asked something, and serves until these records are dropped.
struct Helper {
    program: PathBuf,
    paths: Vec<PathBuf>,
    door: Door,
    connection: RefCell<Option<Connection>>,
}

/// Which program a helper is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Door {
    /// `otp-helper`, for programs that are not root. It keeps the table of who may ask what, and writes the records of the log.
    Helper,
    /// `otp-fleet`, for root's programs, which asks a verifier. The verifier sees the machine, whichever process asks.
    Fleet,
}

/// Whether an account has an authenticator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enrolled {
    /// It has.
    Yes,
    /// It has none.
    No {
        /// When it was first let in all the same; `None`: not yet.
        first_login: Option<UnixTime>,
    },
}

/// An attempt, for [`Records::attempt`].
pub struct Attempt<'a> {
    /// By which rules.
    pub policy: &'a Policy,
    /// What was typed.
    pub typed: &'a [u8],
    /// The password that was asked for before, where that was a question of its own. It does not leave this program.
    pub password: Option<&'a [u8]>,
    /// Whether policy lets an account in that has no authenticator.
    pub excused: bool,
    /// The key of this login, where it has asked for a code by mail: such a code counts as well.
    pub mailed: Option<&'a LoginKey>,
    /// Where it is made, if a good code is to be remembered there. It counts only where this process may ask for it.
    pub remembered: Option<&'a Remembered>,
    /// What is asking, for the record that a helper writes.
    pub claim: &'a Claim,
}

/// A verdict, by where it was committed.
pub enum Attempted {
    /// In this process: signals wait until the verdict is taken out, so that the record can be written first.
    Here(Committed<Judged>),
    /// By the helper, which has written the record.
    ByHelper(Judged),
    /// By a verifier of the fleet, which has written its own record. Signals wait until the verdict is taken out, so that this
    /// machine's can be written first.
    ByVerifier(Judged, Undisturbed),
}

impl Attempted {
    /// The verdict, and what became of the place.
    #[must_use]
    pub const fn judged(&self) -> &Judged {
        match self {
            Self::Here(committed) => committed.what(),
            Self::ByHelper(judged) | Self::ByVerifier(judged, _) => judged,
        }
    }

    /// Whether the caller writes the record of it: the helper writes its own.
    #[must_use]
    pub const fn is_to_be_recorded(&self) -> bool {
        match self {
            Self::Here(_) | Self::ByVerifier(..) => true,
            Self::ByHelper(_) => false,
        }
    }

    /// The verdict; signals come through again.
    #[must_use]
    pub fn into_verdict(self) -> Verdict {
        match self {
            Self::Here(committed) => committed.into_inner().verdict,
            Self::ByHelper(judged) | Self::ByVerifier(judged, _) => judged.verdict,
        }
    }
}

/// Why the records could not be asked.
#[derive(Debug)]
pub enum Lost {
    /// They could not be read or written.
    Store(Error),
    /// The helper did not answer.
    Helper(NoAnswer),
    /// What asks the verifiers of the fleet did not answer.
    Fleet(NoAnswer),
    /// The helper answered that this process may not ask.
    Denied,
    /// The helper could not do it, for this reason.
    Unavailable(String),
    /// The helper could not make an attempt, for this reason, of which it has written the record.
    Recorded(String),
}

impl From<Error> for Lost {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl From<NoAnswer> for Lost {
    fn from(reason: NoAnswer) -> Self {
        Self::Helper(reason)
    }
}

impl std::fmt::Display for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Helper(reason) => reason.fmt(f),
            Self::Fleet(NoAnswer::Start(error)) => {
                write!(f, "otp-fleet could not be started: {error}")
            }
            Self::Fleet(NoAnswer::Ask) => f.write_str("otp-fleet did not take the request"),
            Self::Fleet(NoAnswer::Silence) => f.write_str("otp-fleet gave no answer"),
            Self::Fleet(NoAnswer::Unintelligible) => {
                f.write_str("otp-fleet gave an answer that is none")
            }
            Self::Denied => f.write_str("this program may not check this user's codes"),
            Self::Unavailable(reason) | Self::Recorded(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for Lost {}

impl Records {
    /// The records in that directory, read and written by this process, with the keys in them sealed by that.
    ///
    /// # Errors
    /// They cannot be trusted or opened.
    pub fn here(directory: &Path, seal: Seal) -> Result<Self, Error> {
        Store::open(directory).map(|store| Self::of(store.sealed_by(seal)))
    }

    /// The same where they are open already.
    #[must_use]
    pub const fn of(store: Store) -> Self {
        Self(Way::Here(Place::There(store)))
    }

    /// As [`Records::here`], but where there are none yet, the first change makes them.
    ///
    /// # Errors
    /// They cannot be trusted or opened.
    pub fn here_or_made(directory: &Path, seal: Seal) -> Result<Self, Error> {
        match Store::open(directory) {
            Err(Error::NoRecords { .. }) => {
                Ok(Self(Way::Here(Place::NotYet(directory.into(), seal))))
            }
            opened => opened.map(|store| Self::of(store.sealed_by(seal))),
        }
    }

    /// The records as the helper at `program` reads and writes them. `paths` are policy file and records for a helper
    /// without privileges; one that has any refuses them.
    #[must_use]
    pub const fn by_helper(program: PathBuf, paths: Vec<PathBuf>) -> Self {
        Self(Way::Helper(Helper {
            program,
            paths,
            door: Door::Helper,
            connection: RefCell::new(None),
        }))
    }

    /// The records as the verifiers of a fleet keep them, asked for by `otp-fleet` at `program`. `paths`: the policy file, where
    /// it is not the usual one.
    #[must_use]
    pub const fn by_fleet(program: PathBuf, paths: Vec<PathBuf>) -> Self {
        Self(Way::Helper(Helper {
            program,
            paths,
            door: Door::Fleet,
            connection: RefCell::new(None),
        }))
    }

    /// Whether this process asks a verifier of a fleet for them.
    #[must_use]
    pub const fn are_in_a_fleet(&self) -> bool {
        match &self.0 {
            Way::Here(_) => false,
            Way::Helper(helper) => matches!(helper.door, Door::Fleet),
        }
    }

    /// Whether a login in this process may set up an authenticator, once other modules have let the user in.
    #[must_use]
    pub const fn may_enrol_at_login(&self) -> bool {
        self.are_here() || self.are_in_a_fleet()
    }

    /// Has what asks for the records begin, where that is far away: it connects while a person types. Should it fail, the
    /// question says so.
    pub fn prepare(&self) {
        if let Way::Helper(helper) = &self.0
            && helper.door == Door::Fleet
        {
            let mut kept = helper.connection.borrow_mut();
            if kept.is_none() {
                *kept = helper.open().ok();
            }
        }
    }

    /// Whether this process reads and writes them itself.
    #[must_use]
    pub const fn are_here(&self) -> bool {
        match &self.0 {
            Way::Here(_) => true,
            Way::Helper(_) => false,
        }
    }

    /// Has a request answered that somebody else has made, by the program that these records are asked by.
    ///
    /// # Errors
    /// See [`Lost`]; nobody is asked where this process reads the records itself.
    pub fn pass_on(&self, request: &Request) -> Result<Answer, Lost> {
        match &self.0 {
            Way::Here(_) => Err(NoAnswer::Ask.into()),
            Way::Helper(helper) => helper.ask(request),
        }
    }

    /// Whether the account has an authenticator now, and since when it gets in without.
    ///
    /// # Errors
    /// See [`Lost`].
    pub fn enrolled(&self, account: &Account) -> Result<Enrolled, Lost> {
        let helper = match &self.0 {
            Way::Here(place) => {
                let store = place.there()?;
                if is_enrolled(store, account)? {
                    return Ok(Enrolled::Yes);
                }
                let first_login = first_login(store, account)?;
                return Ok(Enrolled::No { first_login });
            }
            Way::Helper(helper) => helper,
        };
        match helper.ask(&Request::IsEnrolled {
            user: user(account),
        })? {
            Answer::Enrolled => Ok(Enrolled::Yes),
            Answer::NotEnrolled { first_login } => Ok(Enrolled::No { first_login }),
            _ => Err(helper.lost(NoAnswer::Unintelligible)),
        }
    }

    /// Asks a verifier about nobody what [`Records::enrolled`] asks about somebody. It takes as long, and fails where that fails.
    ///
    /// # Errors
    /// See [`Lost`].
    pub fn nobody_is_enrolled(&self) -> Result<(), Lost> {
        let Some(helper) = self.in_a_fleet() else {
            return Ok(());
        };
        match helper.ask(&Request::IsEnrolled {
            user: String::new(),
        })? {
            Answer::Enrolled => Ok(()),
            _ => Err(helper.lost(NoAnswer::Unintelligible)),
        }
    }

    /// The same for [`Records::trusted_since`].
    ///
    /// # Errors
    /// See [`Lost`].
    pub fn nobody_is_trusted(
        &self,
        place: &otp_store::Place,
        remember: Duration,
    ) -> Result<(), Lost> {
        let Some(helper) = self.in_a_fleet() else {
            return Ok(());
        };
        match helper.ask(&Request::TrustedSince {
            user: String::new(),
            place: place.clone(),
            remember,
        })? {
            Answer::TrustedSince(None) => Ok(()),
            _ => Err(helper.lost(NoAnswer::Unintelligible)),
        }
    }

    fn in_a_fleet(&self) -> Option<&Helper> {
        match &self.0 {
            Way::Helper(helper) if helper.door == Door::Fleet => Some(helper),
            Way::Here(_) | Way::Helper(_) => None,
        }
    }

    /// Whether the account may try a code; `None`: it has no authenticator.
    ///
    /// # Errors
    /// See [`Lost`].
    pub fn standing(
        &self,
        account: &Account,
        clock: impl FnMut() -> Result<UnixTime, Before1970>,
    ) -> Result<Option<Standing>, Lost> {
        let helper = match &self.0 {
            Way::Here(place) => return Ok(standing(place.there()?, account, clock)?),
            Way::Helper(helper) => helper,
        };
        match helper.ask(&Request::Standing {
            user: user(account),
        })? {
            Answer::Standing(standing) => Ok(standing),
            _ => Err(helper.lost(NoAnswer::Unintelligible)),
        }
    }

    /// Makes one attempt. A verdict comes back only when its consequences are on disk. `account`: `None` where nobody has
    /// the name that was given.
    ///
    /// # Errors
    /// See [`Lost`]; the caller refuses the login.
    pub fn attempt(
        &self,
        account: Option<&Account>,
        attempt: &Attempt<'_>,
        clock: impl FnMut() -> Result<UnixTime, Before1970>,
    ) -> Result<Attempted, Lost> {
        let &Attempt {
            policy,
            typed,
            password,
            excused,
            mailed,
            remembered,
            claim,
        } = attempt;
        let input = Input::parse_after_password(typed, password);
        let input = match mailed {
            Some(key) => input.or_mailed(key),
            None => input,
        };
        let (helper, user) = match (&self.0, account) {
            // A verifier takes as long for nobody as for somebody, and is as far away.
            (Way::Helper(helper), None) if helper.door == Door::Fleet => (helper, String::new()),
            (_, None) => return Ok(Attempted::Here(attempt::nobody(excused, &input))),
            (Way::Here(place), Some(account)) => {
                let store = place.there()?;
                let committed =
                    attempt_at(store, account, policy, &input, excused, remembered, clock)?;
                return Ok(Attempted::Here(committed));
            }
            (Way::Helper(helper), Some(account)) => (helper, user(account)),
        };
        let no_guess = match input {
            Input::NoGuess(why) => Some(why),
            _ => None,
        };
        let request = Request::Check {
            user,
            excused,
            reply: Zeroizing::new(typed.to_vec()),
            no_guess,
            remembered: remembered
                .filter(|_| helper.may_ask(Verb::CheckAt))
                .cloned(),
            claim: Some(claim.clone()),
        };
        let undisturbed = match helper.door {
            Door::Helper => None,
            Door::Fleet => {
                let begun = Undisturbed::begin();
                Some(begun.map_err(|error| Lost::Unavailable(error.to_string()))?)
            }
        };
        let answer = helper
            .ask(&request)
            .map_err(|lost| match (helper.door, lost) {
                (Door::Helper, Lost::Unavailable(reason)) => Lost::Recorded(reason),
                (_, other) => other,
            })?;
        let attempted = |judged| match undisturbed {
            None => Attempted::ByHelper(judged),
            Some(undisturbed) => Attempted::ByVerifier(judged, undisturbed),
        };
        match (answer, &request) {
            (Answer::Verdict(verdict), _) => Ok(attempted(verdict.into())),
            (
                Answer::TrustedSince(Some(since)),
                Request::Check {
                    remembered: Some(_),
                    ..
                },
            ) => Ok(attempted(Judged {
                verdict: Verdict::Replayed,
                trusted: Trusted::Since(since),
            })),
            _ => Err(helper.lost(NoAnswer::Unintelligible)),
        }
    }

    /// Whether codes can be asked for by mail from here: not where the records are asked for by a helper, in whose caller the
    /// user could read the key.
    #[must_use]
    pub const fn may_mail(&self) -> bool {
        self.are_here()
    }

    /// Writes down that a code is mailed to the account, where one may be. Without an account, or where no code may be asked
    /// for from here, none is.
    ///
    /// # Errors
    /// See [`Lost`]; the caller refuses the login.
    pub fn ask_for_code(
        &self,
        account: Option<&Account>,
        policy: &Policy,
        clock: impl FnMut() -> Result<UnixTime, Before1970>,
    ) -> Result<Asked, Lost> {
        match (&self.0, account) {
            (Way::Here(place), Some(account)) => {
                Ok(ask_for_code(place.there()?, account, policy, clock)?)
            }
            (Way::Here(_), None) | (Way::Helper(_), _) => Ok(Asked::nobody()?),
        }
    }

    /// Has the address of an account confirmed, where this process reads and writes the records; `None`: it does not, and whoever
    /// does has seen to it. `Err` inside: it is not confirmed, for that reason.
    ///
    /// # Errors
    /// Whatever stops the asker.
    pub fn confirm_address<A: Asker>(
        &self,
        account: &Account,
        outgoing: Outgoing,
        asker: &mut A,
    ) -> Result<Option<Result<Address, String>>, A::Stop> {
        let Way::Here(place) = &self.0 else {
            return Ok(None);
        };
        let made;
        let store = match place {
            Place::There(store) => store,
            Place::NotYet(directory, seal) => match Store::open_or_create(directory) {
                Ok(store) => {
                    made = store.sealed_by(seal.clone());
                    &made
                }
                Err(error) => return Ok(Some(Err(error.to_string()))),
            },
        };
        confirm(asker, store, account, outgoing).map(Some)
    }

    /// Keeps an address that was confirmed here.
    ///
    /// # Errors
    /// See [`Lost`].
    pub fn keep_confirmed(
        &self,
        account: &Account,
        address: &Address,
        now: UnixTime,
    ) -> Result<(), Lost> {
        let made;
        let store = match &self.0 {
            Way::Here(Place::There(store)) => store,
            Way::Here(Place::NotYet(directory, seal)) => {
                made = Store::open_or_create(directory)?.sealed_by(seal.clone());
                &made
            }
            Way::Helper(_) => return Err(NoAnswer::Ask.into()),
        };
        Ok(keep_confirmed(store, account, address, now)?)
    }

    /// How an enrolled account stands; `None`: it has no authenticator.
    ///
    /// # Errors
    /// See [`Lost`].
    pub fn overview(
        &self,
        account: &Account,
        policy: &Policy,
        clock: impl FnMut() -> Result<UnixTime, Before1970>,
    ) -> Result<Option<Overview>, Lost> {
        let helper = match &self.0 {
            Way::Here(place) => {
                return Ok(Overview::read(place.there()?, account, policy, clock)?);
            }
            Way::Helper(helper) => helper,
        };
        match helper.ask(&Request::Status {
            user: user(account),
        })? {
            Answer::Status(found) => Ok(found),
            _ => Err(helper.lost(NoAnswer::Unintelligible)),
        }
    }

    /// Since when the account is trusted at that place; `None`: it is not.
    ///
    /// # Errors
    /// See [`Lost`]; a code is asked for instead.
    pub fn trusted_since(
        &self,
        account: &Account,
        place: &otp_store::Place,
        remember: Duration,
        now: UnixTime,
    ) -> Result<Option<UnixTime>, Lost> {
        let helper = match &self.0 {
            Way::Here(here) => {
                return Ok(trusted_since(here.there()?, account, place, remember, now)?);
            }
            Way::Helper(helper) => helper,
        };
        let request = Request::TrustedSince {
            user: user(account),
            place: place.clone(),
            remember,
        };
        match helper.ask_for_root(&request)? {
            Some(Answer::TrustedSince(since)) => Ok(since),
            None => Ok(None),
            Some(_) => Err(helper.lost(NoAnswer::Unintelligible)),
        }
    }

    /// Writes all that [`Records::begin_grace`] would, durably, but begins nothing.
    ///
    /// # Errors
    /// See [`Lost`]; the caller refuses the login.
    pub fn rehearse_grace(&self, account: &Account, now: UnixTime) -> Result<(), Lost> {
        let helper = match &self.0 {
            Way::Here(place) => return Ok(rehearse_grace(place.there()?, account, now)?),
            Way::Helper(helper) => helper,
        };
        helper.order_for_root(&Request::RehearseGrace {
            user: user(account),
        })
    }

    /// Keeps `now` as the first login, unless an earlier one is kept.
    ///
    /// # Errors
    /// See [`Lost`].
    pub fn begin_grace(&self, account: &Account, now: UnixTime) -> Result<(), Lost> {
        let helper = match &self.0 {
            Way::Here(place) => {
                begin_grace(place.there()?, account, now)?;
                return Ok(());
            }
            Way::Helper(helper) => helper,
        };
        helper.order_for_root(&Request::BeginGrace {
            user: user(account),
        })
    }

    /// Whether a grace of an account can be begun from here: elsewhere nobody is let in by one that did not begin before.
    #[must_use]
    pub fn may_begin_grace(&self) -> bool {
        match &self.0 {
            Way::Here(_) => true,
            Way::Helper(helper) => helper.may_ask(Verb::BeginGrace),
        }
    }
}

fn user(account: &Account) -> String {
    account.name.as_str().to_owned()
}

impl Helper {
    fn open(&self) -> Result<Connection, NoAnswer> {
        match self.door {
            Door::Helper => Connection::open(&self.program, &self.paths),
            Door::Fleet => Connection::open_to_a_fleet(&self.program, &self.paths),
        }
    }

    /// What a program that leads a dialogue is started with: the helper, with nothing.
    fn paths(&self) -> &[PathBuf] {
        match self.door {
            Door::Helper => &[],
            Door::Fleet => &self.paths,
        }
    }

    fn lost(&self, reason: NoAnswer) -> Lost {
        match self.door {
            Door::Helper => Lost::Helper(reason),
            Door::Fleet => Lost::Fleet(reason),
        }
    }

    /// Whether this process may ask for that, whoever the account belongs to; the helper decides by the same table, and for a
    /// verifier it is the machine that asks.
    fn may_ask(&self, verb: Verb) -> bool {
        match self.door {
            Door::Fleet => true,
            Door::Helper => getuid().is_root() || allowed(verb, Relation::Owner) != May::No,
        }
    }

    /// A helper is asked again only where it has answered and takes another request. One that gave no answer may still give
    /// it, which would then pass for that to the next question; one that has made an attempt makes no second.
    fn ask(&self, request: &Request) -> Result<Answer, Lost> {
        let mut kept = self.connection.borrow_mut();
        // It may have come to its end while a person was typing.
        let mut connection = match kept.take().filter(Connection::is_there) {
            Some(there) => there,
            None => self.open().map_err(|reason| self.lost(reason))?,
        };
        match connection
            .ask(request)
            .map_err(|reason| self.lost(reason))?
        {
            Answer::Denied => Err(Lost::Denied),
            answer => {
                if request.verb().may_be_followed() {
                    *kept = Some(connection);
                }
                match answer {
                    Answer::Unavailable(reason) => Err(Lost::Unavailable(reason)),
                    answer => Ok(answer),
                }
            }
        }
    }

    /// The same where the request is one that perhaps only root may make; `None`: it is, and this process is not root's.
    fn ask_for_root(&self, request: &Request) -> Result<Option<Answer>, Lost> {
        if self.may_ask(request.verb()) {
            self.ask(request).map(Some)
        } else {
            Ok(None)
        }
    }

    /// The same for a request that is answered by its being done.
    fn order_for_root(&self, request: &Request) -> Result<(), Lost> {
        match self.ask_for_root(request)? {
            Some(Answer::Done) | None => Ok(()),
            Some(_) => Err(self.lost(NoAnswer::Unintelligible)),
        }
    }
}

#[cfg(test)]
mod tests;
