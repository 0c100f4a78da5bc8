//! The answering half, over any keeper and any line: what the helper and the verifiers of a fleet have in common.
//!
//! Whether a caller may ask is looked up before anything here is called: in [`crate::permission`], by what the side that
//! answers knows of its caller.

mod dialogue;
mod record;

pub use dialogue::{Dialogue, End, Ground};
pub use record::{Attempt, Change, Scribe};

use crate::frame::{BadFrame, Fields};
use crate::protocol::{Answer, Request};
use crate::session::Reply;
use otp_core::{Account, Before1970, Input, Policy};
use otp_site::clock;
use otp_store::account::grace::{begin_grace, rehearse_grace};
use otp_store::account::overview::standing;
use otp_store::account::trust::trusted_since;
use otp_store::account::{EnrolledOrSince, enrolled_or_since};
use otp_store::{Error, Judged, Keeper, Overview, Trusted, attempt, attempt_at};

/// The line to whoever asks.
pub trait Line {
    /// Reads one message.
    ///
    /// # Errors
    /// There is none, or it is not one.
    fn read(&mut self) -> Result<Fields, BadFrame>;

    /// Says something; `None`: nobody is there to hear it.
    fn say(&mut self, message: &Fields) -> Option<()>;

    /// Says something and waits for what is said to it.
    ///
    /// # Errors
    /// Nobody is there, or it is no reply.
    fn exchange(&mut self, message: &Fields) -> Result<Reply, Stop> {
        self.say(message).ok_or(Stop::Gone)?;
        match self.read() {
            Ok(fields) => Reply::from_fields(&fields).ok_or(Stop::Senseless),
            Err(BadFrame::Silence) => Err(Stop::Gone),
            Err(_) => Err(Stop::Senseless),
        }
    }
}

/// Why there is no answer.
pub enum Stop {
    /// It could not be done.
    Unavailable(Cause),
    /// The caller is no longer there.
    Gone,
    /// The caller said something that has no place in the dialogue.
    Senseless,
}

/// What it is that could not be done.
pub enum Cause {
    /// To read or write the records.
    Store(Error),
    /// To learn something of this machine.
    Site(otp_site::Error),
}

impl From<Error> for Cause {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl From<otp_site::Error> for Cause {
    fn from(error: otp_site::Error) -> Self {
        Self::Site(error)
    }
}

impl From<Before1970> for Cause {
    fn from(error: Before1970) -> Self {
        Self::Site(error.into())
    }
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Site(error) => error.fmt(f),
        }
    }
}

impl<E: Into<Cause>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Unavailable(error.into())
    }
}

/// Answers a request that takes no dialogue.
///
/// `account`: whom the name service has for the user. `attempt`: the record of the attempt, where the request is for one.
/// Nothing of whether the caller may ask is looked at here.
///
/// # Errors
/// The records could not be read or written.
pub fn look_up<K: Keeper>(
    keeper: &K,
    policy: &Policy,
    request: Request,
    attempt: Option<&Attempt<'_>>,
    scribe: &Scribe,
    account: Option<Account>,
) -> Result<Answer, Error> {
    match (request, account) {
        (
            Request::Check {
                user,
                excused,
                reply,
                no_guess,
                remembered,
                claim: _,
            },
            account,
        ) => {
            let input = no_guess.map_or_else(|| Input::parse(&reply), Input::NoGuess);
            let committed = if let Some(account) = &account {
                if let Some(attempt) = attempt {
                    attempt.begins();
                }
                let at = remembered.as_ref();
                attempt_at(keeper, account, policy, &input, excused, at, clock::now)?
            } else {
                keeper.judges_nobody()?;
                attempt::nobody(false, &input)
            };
            if let Some(attempt) = attempt {
                let Judged { verdict, trusted } = committed.what();
                // Before signals come through again.
                match trusted {
                    Trusted::Since(since) => attempt.is_trusted_since(*since),
                    _ => attempt.came_to(verdict, policy, clock::now().ok(), account.is_some()),
                }
            }
            let Judged { verdict, trusted } = committed.into_inner();
            Ok(match trusted {
                Trusted::AsTheVerdictSays => Answer::Verdict(verdict),
                // Only a code that was used comes to that.
                Trusted::Since(since) => Answer::TrustedSince(Some(since)),
                Trusted::NotKept(error) => {
                    scribe.not_kept(&user, &error.to_string());
                    Answer::Verdict(verdict)
                }
            })
        }
        (Request::IsEnrolled { .. }, Some(account)) => {
            Ok(match enrolled_or_since(keeper, &account)? {
                EnrolledOrSince::Enrolled => Answer::Enrolled,
                EnrolledOrSince::Since(first_login) => Answer::NotEnrolled { first_login },
            })
        }
        (Request::Standing { .. }, Some(account)) => {
            let standing = standing(keeper, &account, clock::now)?;
            Ok(Answer::Standing(standing))
        }
        (
            Request::TrustedSince {
                place, remember, ..
            },
            Some(account),
        ) => {
            let since = trusted_since(keeper, &account, &place, remember, clock::now()?)?;
            Ok(Answer::TrustedSince(since))
        }
        (Request::RehearseGrace { .. }, Some(account)) => {
            rehearse_grace(keeper, &account, clock::now()?)?;
            Ok(Answer::Done)
        }
        (Request::BeginGrace { .. }, Some(account)) => {
            begin_grace(keeper, &account, clock::now()?)?;
            Ok(Answer::Done)
        }
        // Whoever asks has just found an account of that name. That it is gone here must not have them let somebody in who
        // "has no authenticator".
        // A change of somebody's, and a login that is tried, are led by `answer`.
        (
            Request::IsEnrolled { .. }
            | Request::Standing { .. }
            | Request::Status { .. }
            | Request::TrustedSince { .. }
            | Request::RehearseGrace { .. }
            | Request::BeginGrace { .. },
            None,
        )
        | (Request::Change { .. } | Request::Try { .. }, _) => Ok(Answer::Denied),
        (Request::Status { .. }, Some(account)) => {
            let overview = Overview::read(keeper, &account, policy, clock::now)?;
            Ok(Answer::Status(overview))
        }
    }
}
