//! How an attempt is made: in this process, where that is root's, or by the helper.

use crate::options::Options;
use otp_core::record::Standing;
use otp_core::{Account, Before1970, Input, Policy, UnixTime, Verdict};
use otp_helper::client::{NoAnswer, ask};
use otp_helper::protocol::{Answer, Request};
use otp_store::account::grace::first_login;
use otp_store::account::is_enrolled;
use otp_store::account::overview::standing;
use otp_store::attempt::{attempt, nobody};
use otp_store::{Committed, Error, Store};
use std::path::PathBuf;
use zeroize::Zeroizing;

/// The way to the records.
pub(crate) enum Route {
    /// This process may read and write them.
    Direct(Store),
    /// It may not; this program may.
    Helper {
        /// Which program.
        program: PathBuf,
        /// Policy file and records, where they are not at their usual places. A privileged helper refuses them.
        paths: Option<[PathBuf; 2]>,
    },
}

/// What is known of an account before anybody is asked.
pub(crate) enum Entry {
    /// It has a credential.
    Enrolled,
    /// It has none.
    NotEnrolled {
        /// When it was first let in all the same; `None`: not yet.
        first_login: Option<UnixTime>,
    },
}

/// A verdict, and whoever committed it.
pub(crate) enum Attempted {
    /// This process: signals wait until the verdict is taken out, so that the log line can be written first.
    Here(Committed<Verdict>),
    /// The helper, which has logged that there was an attempt.
    ByHelper(Verdict),
}

impl Attempted {
    /// The verdict.
    pub(crate) const fn verdict(&self) -> &Verdict {
        match self {
            Self::Here(committed) => committed.what(),
            Self::ByHelper(verdict) => verdict,
        }
    }

    /// The verdict; signals come through again.
    pub(crate) fn into_verdict(self) -> Verdict {
        match self {
            Self::Here(committed) => committed.into_inner(),
            Self::ByHelper(verdict) => verdict,
        }
    }
}

/// Why there is no verdict.
pub(crate) enum Lost {
    /// The records could not be read or written.
    Store(Error),
    /// This machine could not say what has to be known.
    Site(otp_site::Error),
    /// The helper did not answer.
    Helper(NoAnswer),
    /// The helper answered that this process may not ask.
    Denied,
    /// The helper could not do it, for this reason.
    Unavailable(String),
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
            Self::Site(error) => error.fmt(f),
            Self::Helper(reason) => reason.fmt(f),
            Self::Denied => f.write_str("this program may not check this user's codes"),
            Self::Unavailable(reason) => f.write_str(reason),
        }
    }
}

impl Route {
    /// The route for this process.
    pub(crate) fn open(is_root: bool, options: &Options) -> Result<Self, Lost> {
        if is_root {
            return Ok(Self::Direct(Store::open(&options.state_dir)?));
        }
        let usual = Options::default();
        let moved = options.conf != usual.conf || options.state_dir != usual.state_dir;
        Ok(Self::Helper {
            program: options.helper.clone(),
            paths: moved.then(|| [options.conf.clone(), options.state_dir.clone()]),
        })
    }

    /// Whether the account has a credential now, and since when it gets in without.
    pub(crate) fn entry(&self, account: &Account) -> Result<Entry, Lost> {
        match self {
            Self::Direct(store) => Ok(if is_enrolled(store, account)? {
                Entry::Enrolled
            } else {
                let first_login = first_login(store, account)?;
                Entry::NotEnrolled { first_login }
            }),
            Self::Helper { .. } => {
                let user = account.name.as_str().to_owned();
                match self.ask_helper(&Request::IsEnrolled { user })? {
                    Answer::Enrolled => Ok(Entry::Enrolled),
                    Answer::NotEnrolled { first_login } => Ok(Entry::NotEnrolled { first_login }),
                    _ => Err(Lost::Helper(NoAnswer::Unintelligible)),
                }
            }
        }
    }

    /// Whether the account may try a code; `None`: it has no credential.
    pub(crate) fn standing(
        &self,
        account: &Account,
        clock: impl FnMut() -> Result<UnixTime, Before1970>,
    ) -> Result<Option<Standing>, Lost> {
        match self {
            Self::Direct(store) => Ok(standing(store, account, clock)?),
            Self::Helper { .. } => {
                let user = account.name.as_str().to_owned();
                match self.ask_helper(&Request::Standing { user })? {
                    Answer::Standing(standing) => Ok(standing),
                    _ => Err(Lost::Helper(NoAnswer::Unintelligible)),
                }
            }
        }
    }

    /// Makes one attempt with what was typed after `password`. A verdict comes back only when its consequences are on
    /// disk.
    pub(crate) fn attempt(
        &self,
        account: Option<&Account>,
        policy: &Policy,
        typed: &[u8],
        password: Option<&[u8]>,
        excused: bool,
        clock: impl FnMut() -> Result<UnixTime, Before1970>,
    ) -> Result<Attempted, Lost> {
        let input = Input::parse_after_password(typed, password);
        match (self, account) {
            (_, None) => Ok(Attempted::Here(nobody(excused, &input))),
            (Self::Direct(store), Some(account)) => {
                let committed = attempt(store, account, policy, &input, excused, clock)?;
                Ok(Attempted::Here(committed))
            }
            (Self::Helper { .. }, Some(account)) => {
                // The password is this program's business alone.
                let no_guess = match input {
                    Input::NoGuess(why) => Some(why),
                    _ => None,
                };
                let request = Request::Check {
                    user: account.name.as_str().to_owned(),
                    excused,
                    reply: Zeroizing::new(typed.to_vec()),
                    no_guess,
                };
                match self.ask_helper(&request)? {
                    Answer::Verdict(verdict) => Ok(Attempted::ByHelper(verdict)),
                    _ => Err(Lost::Helper(NoAnswer::Unintelligible)),
                }
            }
        }
    }

    fn ask_helper(&self, request: &Request) -> Result<Answer, Lost> {
        let Self::Helper { program, paths } = self else {
            return Err(Lost::Helper(NoAnswer::Ask));
        };
        let paths: &[PathBuf] = paths.as_ref().map_or(&[], |paths| paths);
        match ask(program, paths, request)? {
            Answer::Denied => Err(Lost::Denied),
            Answer::Unavailable(reason) => Err(Lost::Unavailable(reason)),
            answer => Ok(answer),
        }
    }
}
