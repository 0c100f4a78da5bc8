//! The only way to the records: in this process if it runs as root, and else by the helper; for a fleet's users by a
//! program that asks a verifier.
//!
//! The module and the commands use nothing else. A request that only root may make is not sent for other users: for
//! such programs no place is trusted and no grace begins, and no helper is started to say so.

mod change;
mod installation;
mod trial;

pub use change::{Attendant, Broken, Changing};
pub use installation::Installation;
pub use trial::try_login;

use crate::client::{Connection, NoAnswer};
use crate::confirming::{Asker, Unconfirmed, confirm};
use crate::mail::Outgoing;
use crate::permission::{May, Relation, allowed};
use crate::protocol::{Answer, Claim, Request, Verb};
use nix::unistd::getuid;
use otp_core::mail::Address;
use otp_core::mailed::LoginKey;
use otp_core::messages::reason::Wording;
use otp_core::record::Language;
use otp_core::record::Standing;
use otp_core::{Account, Before1970, Input, Policy, UnixTime, Verdict};
use otp_file::told;
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
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use zeroize::Zeroizing;

/// The records, wherever they are stored.
pub struct Records(Way);

enum Way {
    Here(Place),
    Helper(Helper),
}

/// The directory of all records.
enum Place {
    There(Store),
    /// The first enrolment creates it.
    NotYet(PathBuf, Seal),
}

impl Place {
    const fn store(&self) -> Option<&Store> {
        match self {
            Self::There(store) => Some(store),
            Self::NotYet(..) => None,
        }
    }

    /// Returns the store, which must exist.
    fn there(&self) -> Result<&Store, Error> {
        match self {
            Self::There(store) => Ok(store),
            Self::NotYet(directory, _) => Err(Error::NoRecords {
                place: Location::of(directory.display().to_string()),
            }),
        }
    }
}

/// A helper that is started for its first question, and serves until these records are dropped.
struct Helper {
    program: PathBuf,
    paths: Vec<PathBuf>,
    door: Door,
    connection: RefCell<Option<Connection>>,
}

/// The program that acts as the helper.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Door {
    /// `otp-helper`, for programs that do not run as root. It holds the table of permissions, and writes the log
    /// entries.
    Helper,
    /// `otp-fleet`, for root's programs; it asks a verifier. The verifier sees only the machine, whichever process
    /// asks.
    Fleet,
}

/// Whether an account has an authenticator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enrolled {
    /// The account has an authenticator.
    Yes,
    /// The account has none.
    No {
        /// The time when it was first let in without one; `None`: not yet.
        first_login: Option<UnixTime>,
    },
}

/// An attempt, for [`Records::attempt`].
pub struct Attempt<'a> {
    /// The policy of the attempt.
    pub policy: &'a Policy,
    /// The typed reply.
    pub typed: &'a [u8],
    /// The password, if it was asked for in a question of its own. It does not leave this program.
    pub password: Option<&'a [u8]>,
    /// Whether the policy lets an account without an authenticator in.
    pub excused: bool,
    /// The key of this login, if the login asked for a code by mail: such a code then counts too.
    pub mailed: Option<&'a LoginKey>,
    /// The place to remember, if a good code is to be remembered there. It has an effect only if this process may
    /// request that.
    pub remembered: Option<&'a Remembered>,
    /// The claims of the asking program, for the log entry that a helper writes.
    pub claim: &'a Claim,
}

/// A verdict, and where it was committed.
pub enum Attempted {
    /// In this process: signals wait until the verdict is taken out, so that the log entry is written first.
    Here(Committed<Judged>),
    /// By the helper, which has written the log entry.
    ByHelper(Judged),
    /// By a verifier of the fleet, which has written its own log entry. Signals wait until the verdict is taken out,
    /// so that this machine's entry is written first.
    ByVerifier(Judged, Undisturbed),
}

impl Attempted {
    /// Returns the verdict, and whether the place is trusted now.
    #[must_use]
    pub const fn judged(&self) -> &Judged {
        match self {
            Self::Here(committed) => committed.what(),
            Self::ByHelper(judged) | Self::ByVerifier(judged, _) => judged,
        }
    }

    /// Whether the caller must write the log entry: the helper writes its own.
    #[must_use]
    pub const fn is_to_be_recorded(&self) -> bool {
        match self {
            Self::Here(_) | Self::ByVerifier(..) => true,
            Self::ByHelper(_) => false,
        }
    }

    /// Returns the verdict, and lets signals through again.
    #[must_use]
    pub fn into_verdict(self) -> Verdict {
        match self {
            Self::Here(committed) => committed.into_inner().verdict,
            Self::ByHelper(judged) | Self::ByVerifier(judged, _) => judged.verdict,
        }
    }
}

/// Why the records could not be used.
#[derive(Debug)]
pub enum Lost {
    /// The records could not be read or written.
    Store(Error),
    /// The helper did not answer.
    Helper(NoAnswer),
    /// The program that asks the verifiers of the fleet did not answer.
    Fleet(NoAnswer),
    /// The helper denied the request of this process.
    Denied,
    /// The helper could not fulfil the request, for this reason.
    Unavailable(Wording),
    /// The helper could not make an attempt, for this reason, and has logged that.
    Recorded(Wording),
    /// Signals could not be held back: the kernel gives no timer.
    Disturbed(io::Error),
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

impl Lost {
    /// Returns the fault in words of that language, without a full stop.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        match (self, language) {
            (Self::Store(error), _) => error.text(language),
            (Self::Helper(reason), _) => reason.text(language),
            (Self::Fleet(reason), _) => reason.of("otp-fleet", language),
            (Self::Denied, Language::English) => {
                "this program may not check this user's codes".to_owned()
            }
            (Self::Denied, Language::Korean) => {
                "이 프로그램은 이 사용자의 인증 코드를 확인할 수 없습니다".to_owned()
            }
            (Self::Unavailable(reason) | Self::Recorded(reason), _) => {
                reason.text(language).to_owned()
            }
            (Self::Disturbed(error), _) => told(error, language),
        }
    }
}

impl From<&Lost> for Wording {
    fn from(lost: &Lost) -> Self {
        Self::of(|language| lost.text(language))
    }
}

impl std::fmt::Display for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text(Language::English))
    }
}

impl std::error::Error for Lost {}

/// Holds back signals until the result is dropped: nothing comes between what is counted or changed and its log entry.
///
/// # Errors
/// The kernel gives no timer.
pub fn undisturbed() -> Result<Undisturbed, Lost> {
    Undisturbed::begin().map_err(Lost::Disturbed)
}

impl Records {
    /// Opens the records in a directory, to be read and written by this process. `seal` encrypts the keys in them.
    ///
    /// # Errors
    /// The records cannot be trusted or opened.
    pub fn here(directory: &Path, seal: Seal) -> Result<Self, Error> {
        Store::open(directory).map(|store| Self::of(store.sealed_by(seal)))
    }

    /// Takes a store that is already open, to be read and written by this process.
    #[must_use]
    pub const fn of(store: Store) -> Self {
        Self(Way::Here(Place::There(store)))
    }

    /// Opens records as [`Records::here`] does; if there are none yet, the first change creates them.
    ///
    /// # Errors
    /// The records cannot be trusted or opened.
    pub fn here_or_made(directory: &Path, seal: Seal) -> Result<Self, Error> {
        match Store::open(directory) {
            Err(Error::NoRecords { .. }) => {
                Ok(Self(Way::Here(Place::NotYet(directory.into(), seal))))
            }
            opened => opened.map(|store| Self::of(store.sealed_by(seal))),
        }
    }

    /// Uses the records through the helper at `program`. `paths` are the policy file and the records, for a helper
    /// without privileges; a helper with privileges refuses them.
    #[must_use]
    pub const fn by_helper(program: PathBuf, paths: Vec<PathBuf>) -> Self {
        Self(Way::Helper(Helper {
            program,
            paths,
            door: Door::Helper,
            connection: RefCell::new(None),
        }))
    }

    /// Uses the records of a fleet's verifiers through `otp-fleet` at `program`. `paths`: the policy file, if it is
    /// not the usual one.
    #[must_use]
    pub const fn by_fleet(program: PathBuf, paths: Vec<PathBuf>) -> Self {
        Self(Way::Helper(Helper {
            program,
            paths,
            door: Door::Fleet,
            connection: RefCell::new(None),
        }))
    }

    /// Whether this process asks a verifier of a fleet.
    #[must_use]
    pub const fn are_in_a_fleet(&self) -> bool {
        match &self.0 {
            Way::Here(_) => false,
            Way::Helper(helper) => matches!(helper.door, Door::Fleet),
        }
    }

    /// Whether a login in this process may enrol a user, once other modules have let the user in.
    #[must_use]
    pub const fn may_enrol_at_login(&self) -> bool {
        self.are_here() || self.are_in_a_fleet()
    }

    /// Starts the program that asks a fleet's verifiers, so that it connects while a person types. If this fails, the
    /// next question reports it.
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

    /// Whether this process reads and writes the records itself.
    #[must_use]
    pub const fn are_here(&self) -> bool {
        match &self.0 {
            Way::Here(_) => true,
            Way::Helper(_) => false,
        }
    }

    /// Passes on a request that another program has made.
    ///
    /// # Errors
    /// See [`Lost`]; always an error if this process reads the records itself.
    pub fn pass_on(&self, request: &Request) -> Result<Answer, Lost> {
        match &self.0 {
            Way::Here(_) => Err(NoAnswer::Ask.into()),
            Way::Helper(helper) => helper.ask(request),
        }
    }

    /// Returns whether the account has an authenticator now, and since when it is let in without one.
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

    /// Asks a verifier the question of [`Records::enrolled`] for a name without an account. It takes as long, and
    /// fails if that fails.
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

    /// Asks a verifier the question of [`Records::trusted_since`] for a name without an account. It takes as long, and
    /// fails if that fails.
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

    /// Returns whether the account may try a code; `None`: it has no authenticator.
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

    /// Makes one attempt. A verdict comes back only when its consequences are on disk. `account`: `None` if the given
    /// name is no account's.
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
            // A verifier is as far away, and takes as long, for a name without an account.
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
            Door::Fleet => Some(undisturbed()?),
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

    /// Whether this process may ask for codes by mail. It may not through a helper: the user could read the key in
    /// the process that asks.
    #[must_use]
    pub const fn may_mail(&self) -> bool {
        self.are_here()
    }

    /// Records that a code is mailed to the account, if one may be. Without an account, or if this process may not
    /// ask for codes, no code is mailed.
    ///
    /// # Errors
    /// See [`Lost`]; the caller refuses the login.
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

    /// Asks the user to confirm the address of an account, if this process reads and writes the records. `None`: it
    /// does not, and the process that does has seen to it. An inner `Err`: the address is not confirmed; the text is
    /// the reason.
    ///
    /// # Errors
    /// Whatever stops the asker.
    pub fn confirm_address<A: Asker>(
        &self,
        account: &Account,
        outgoing: Outgoing,
        asker: &mut A,
    ) -> Result<Option<Result<Address, Unconfirmed>>, A::Stop> {
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
                Err(error) => return Ok(Some(Err(error.into()))),
            },
        };
        confirm(asker, store, account, outgoing).map(Some)
    }

    /// Stores an address that was confirmed in this process.
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

    /// Returns the state of an enrolled account; `None`: it has no authenticator.
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

    /// Returns since when the account is trusted at that place; `None`: it is not.
    ///
    /// # Errors
    /// See [`Lost`]; the user is then asked for a code.
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

    /// Writes all that [`Records::begin_grace`] would write, durably, but begins nothing.
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

    /// Stores `now` as the first login, unless an earlier one is stored.
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

    /// Whether this process may begin a grace. If not, only users whose grace has already begun are let in by it.
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

    /// Returns the arguments of a program that leads a dialogue; the helper takes none.
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

    /// Whether this process may make such a request about some account. The helper decides by the same table; a
    /// verifier sees the machine as the caller.
    fn may_ask(&self, verb: Verb) -> bool {
        match self.door {
            Door::Fleet => true,
            Door::Helper => getuid().is_root() || allowed(verb, Relation::Owner) != May::No,
        }
    }

    /// Asks one question. A helper is asked again only if it has answered and takes another request. A helper that
    /// gave no answer may still send it, and it would be taken for the answer to the next question. A helper that has
    /// made an attempt makes no second one.
    fn ask(&self, request: &Request) -> Result<Answer, Lost> {
        let mut kept = self.connection.borrow_mut();
        // The helper may have ended while a person was typing.
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

    /// Asks a question that perhaps only root may ask; `None`: only root may, and this process does not run as root.
    fn ask_for_root(&self, request: &Request) -> Result<Option<Answer>, Lost> {
        if self.may_ask(request.verb()) {
            self.ask(request).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Asks for something that perhaps only root may ask, and that has no other answer than that it is done.
    fn order_for_root(&self, request: &Request) -> Result<(), Lost> {
        match self.ask_for_root(request)? {
            Some(Answer::Done) | None => Ok(()),
            Some(_) => Err(self.lost(NoAnswer::Unintelligible)),
        }
    }
}

#[cfg(test)]
mod tests;
