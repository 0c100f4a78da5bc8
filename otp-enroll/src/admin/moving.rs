//! `otp-admin move`: gives a record to its user's new name or user id.

use crate::engine::Engine;
use crate::failure::Failure;
use crate::log;
use crate::output;
use crate::site::Site;
use otp_core::UserName;
use otp_core::messages::admin::Report;
use otp_core::messages::trouble::Trouble;
use otp_site::users;
use otp_store::moving::{self, Failed, Moved, NotMoved};

/// Gives the record of `old` to `new`; if it cannot be seen that both are one person, the administrator must say so.
pub fn move_record(
    site: &Site<impl Engine>,
    old: &str,
    new: &str,
    force: bool,
) -> Result<(), Failure> {
    let from = UserName::new(old)?;
    let account = site.named(new)?.account;
    let name = account.name.as_str();
    if name != new {
        let (user, name) = (new.to_owned(), name.to_owned());
        return Err(Trouble::AnotherName { user, name }.into());
    }
    if !force && let Some(other) = users::account(old)?.filter(|other| other.uid != account.uid) {
        let user = other.name.as_str().to_owned();
        return Err(Trouble::StillSomebody { user }.into());
    }
    let undisturbed = site.undisturbed()?;
    let moved =
        moving::move_record(&site.keeper()?, &from, &account, force).map_err(
            |failed| match failed {
                Failed::Store(error) => Failure::about(old)(error),
                Failed::Refused(why) => {
                    let user = old.to_owned();
                    let trouble = match why {
                        NotMoved::NoRecord => Trouble::NothingToMove { user },
                        NotMoved::Taken => Trouble::RecordThere {
                            user: new.to_owned(),
                        },
                        NotMoved::AnotherUid { recorded } => Trouble::AnotherUid {
                            user,
                            recorded,
                            new: new.to_owned(),
                            uid: account.uid,
                        },
                    };
                    trouble.into()
                }
            },
        )?;
    let done = match moved {
        Moved::AlreadyTheirs => Report::AlreadyTheirs { user: new },
        Moved::Done => {
            log::moved(old, new);
            Report::Moved { old, new }
        }
    };
    drop(undisturbed);
    output::print(&format!("{}\n", done.text(site.language)))
}
