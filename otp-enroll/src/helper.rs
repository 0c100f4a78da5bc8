//! The way to the records for everybody but root: otp-helper, and what it says in our words.

use crate::failure::Failure;
use otp_core::Account;
use otp_core::messages::trouble::Trouble;
use otp_core::record::Name;
use otp_helper::client::{DEFAULT_HELPER, NoAnswer, Session};
use otp_helper::protocol::{Answer, Request};
use otp_helper::records::Lost;
use otp_store::change::{Failed, Refused};
use std::path::Path;

/// Has it begin a dialogue.
pub fn begin(request: &Request) -> Result<Session, Failure> {
    Session::begin(Path::new(DEFAULT_HELPER), request).map_err(silent)
}

/// There is no answer.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
pub fn silent(reason: NoAnswer) -> Failure {
    let reason = reason.to_string();
    Trouble::NoHelper { reason }.into()
}

/// What keeps from the records.
pub fn lost(lost: Lost, account: &Account) -> Failure {
    let user = account.name.as_str();
    match lost {
        Lost::Store(error) => Failure::about(user)(error),
        Lost::Helper(reason) => silent(reason),
        Lost::Denied => failure(Answer::Denied, account),
        Lost::Unavailable(reason) => failure(Answer::Unavailable(reason), account),
    }
}

/// An answer that is not the one that was hoped for.
pub fn failure(answer: Answer, account: &Account) -> Failure {
    let user = account.name.as_str().to_owned();
    match answer {
        Answer::Refused(refused) => refusal(refused, account),
        Answer::NotAuthenticated => Trouble::NotAuthenticated.into(),
        Answer::Denied => Trouble::NotYours { user }.into(),
        Answer::Unavailable(reason) => Trouble::Unavailable { reason }.into(),
        Answer::Verdict(_)
        | Answer::Enrolled
        | Answer::NotEnrolled { .. }
        | Answer::Standing(_)
        | Answer::Status(_)
        | Answer::TrustedSince(_)
        | Answer::Done
        | Answer::Kept { .. } => silent(NoAnswer::Unintelligible),
    }
}

/// Why a change is refused.
pub fn refusal(refused: Refused, account: &Account) -> Failure {
    let user = account.name.as_str().to_owned();
    let name = |name: Name| name.as_str().to_owned();
    match refused {
        Refused::Locked { opens } => Trouble::Locked { user, opens },
        Refused::Disabled => Trouble::Disabled { user },
        Refused::NotEnrolled => Trouble::NotEnrolled { user },
        Refused::NameTaken(taken) => Trouble::NameTaken { name: name(taken) },
        Refused::Full(most) => Trouble::Full { user, most },
        Refused::NoSuchName(unknown) => Trouble::NoSuchName {
            user,
            name: name(unknown),
        },
        Refused::WhichOne(names) => Trouble::WhichOne {
            names: names.into_iter().map(name).collect::<Vec<_>>().join(", "),
        },
        Refused::Demanded => Trouble::Demanded { user },
        Refused::NoCodes => Trouble::NoCodes,
        Refused::NotProven => Trouble::NotProven,
        Refused::ChangedMeanwhile => Trouble::ChangedMeanwhile { user },
    }
    .into()
}

/// What keeps root from a change.
pub fn failed(failed: Failed, account: &Account) -> Failure {
    match failed {
        Failed::Refused(refused) => refusal(refused, account),
        Failed::Store(error) => Failure::about(account.name.as_str())(error),
    }
}
