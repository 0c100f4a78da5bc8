//! Converts failures to reach or change the records into the messages of the command lines.

use crate::failure::Failure;
use crate::terminal::Left;
use otp_core::Account;
use otp_core::messages::reason::Wording;
use otp_core::messages::trouble::Trouble;
use otp_core::record::Name;
use otp_helper::records::{Broken, Lost};
use otp_store::change::Refused;

/// Converts the reason why the records could not be used.
pub fn lost(lost: Lost, account: &Account) -> Failure {
    let user = account.name.as_str();
    match lost {
        Lost::Store(error) => Failure::about(user)(error),
        Lost::Helper(reason) => {
            let reason = Wording::of(|language| reason.text(language));
            Trouble::NoHelper { reason }.into()
        }
        Lost::Fleet(_) | Lost::Disturbed(_) => {
            let reason = Wording::from(&lost);
            Trouble::Unavailable { reason }.into()
        }
        Lost::Denied => {
            let user = user.to_owned();
            Trouble::NotYours { user }.into()
        }
        Lost::Unavailable(reason) | Lost::Recorded(reason) => {
            Trouble::Unavailable { reason }.into()
        }
    }
}

/// Converts the reason why a change was not made.
pub fn broken(why: Broken<Left>, account: &Account) -> Failure {
    match why {
        Broken::Left(left) => left.into(),
        Broken::Refused(refused) => refusal(refused, account),
        Broken::NotAuthenticated => Trouble::NotAuthenticated.into(),
        Broken::Lost(reason) => lost(reason, account),
        Broken::Unknown(lost) => {
            let reason = Wording::from(&lost);
            Trouble::Unknown { reason }.into()
        }
    }
}

/// Converts the reason why a change is refused.
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
