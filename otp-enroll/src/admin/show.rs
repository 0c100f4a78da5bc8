//! `otp-admin show`: everything about one account, for the help desk.

use crate::engine::Engine;
use crate::failure::Failure;
use crate::output;
use crate::site::Site;
use crate::status::Status;
use otp_core::messages::trouble::Trouble;
use otp_site::{clock, zone};
use otp_store::{Keeper, Overview};

/// Prints everything except secrets; a fault in a damaged record is reported as a failure.
pub fn show(site: &Site<impl Engine>, user: &str) -> Result<(), Failure> {
    let named = site.named(user)?;
    let account = named.account;
    let now = clock::now()?;
    let keeper = site.keeper()?;
    let found = Overview::read(&keeper, &account, &site.policy, clock::now)
        .map_err(Failure::about(account.name.as_str()))?;
    let status = Status::of(account.name.as_str(), found);
    output::print(&status.text(&site.policy, site.language, now, &zone::of_this_machine()))?;
    match named.alias {
        Some(alias) if keeper.users()?.contains(&alias) => {
            let (user, name) = (alias.as_str().to_owned(), account.name.as_str().to_owned());
            Err(Trouble::UnderAnotherName { user, name }.into())
        }
        _ => Ok(()),
    }
}
