//! The answering side, over any keeper and any line: the code that the helper and the verifiers of a fleet share.
//!
//! The permission of the caller is checked before this code is called: in [`crate::permission`], from what the
//! answering side knows about its caller.

mod dialogue;
mod record;

pub use dialogue::{Dialogue, End, Ground};
pub use record::{Attempt, Change, Scribe};

use crate::frame::{BadFrame, Fields};
use crate::protocol::{Answer, Request};
use crate::session::Reply;
use otp_core::messages::reason::Wording;
use otp_core::{Account, Before1970, Input, Policy};
use otp_site::clock;
use otp_store::account::grace::{begin_grace, rehearse_grace};
use otp_store::account::overview::standing;
use otp_store::account::trust::trusted_since;
use otp_store::account::{EnrolledOrSince, enrolled_or_since};
use otp_store::{Error, Judged, Keeper, Overview, Trusted, attempt, attempt_at};

/// The line to the caller.
pub trait Line {
    /// Reads one message.
    ///
    /// # Errors
    /// There is no message, or the bytes are not a message.
    fn read(&mut self) -> Result<Fields, BadFrame>;

    /// Sends a message; `None`: the caller is gone.
    fn say(&mut self, message: &Fields) -> Option<()>;

    /// Sends a message and waits for the reply.
    ///
    /// # Errors
    /// The caller is gone, or the message is not a reply.
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
    /// The request could not be fulfilled.
    Unavailable(Cause),
    /// The caller is no longer there.
    Gone,
    /// The caller sent something that has no place in the dialogue.
    Senseless,
}

/// The part that failed.
pub enum Cause {
    /// Reading or writing the records.
    Store(Error),
    /// Reading a fact about this machine.
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

impl Cause {
    /// Returns the reason, in every language.
    #[must_use]
    pub fn wording(&self) -> Wording {
        Wording::of(|language| match self {
            Self::Store(error) => error.text(language),
            Self::Site(error) => error.text(language),
        })
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

/// Answers a request that needs no dialogue.
///
/// `account`: the account that the name service has for the user. `attempt`: the log entry of the attempt, if the
/// request is one. The permission of the caller is not checked here.
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
                // Signals are still blocked.
                match trusted {
                    Trusted::Since(since) => attempt.is_trusted_since(*since),
                    _ => attempt.came_to(verdict, policy, clock::now().ok(), account.is_some()),
                }
            }
            let Judged { verdict, trusted } = committed.into_inner();
            Ok(match trusted {
                Trusted::AsTheVerdictSays => Answer::Verdict(verdict),
                // Only a code that was already used gives this result.
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
        // The caller has just found an account of that name. If the account is missing here, the caller must not let
        // a user in because they "have no authenticator". Changes and tried logins are handled by `answer`.
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
