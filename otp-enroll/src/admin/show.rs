//! `otp-admin show`: all about one account, for the help desk.

use crate::failure::Failure;
use crate::output;
use crate::site::Site;
use otp_core::messages::trouble::Trouble;
use otp_site::clock;
use otp_store::Keeper;

/// Tells all that can be told without a secret; what is wrong with a damaged record is told as a failure.
pub fn show(site: &Site, user: &str) -> Result<(), Failure> {
    let named = site.named(user)?;
    let account = named.account;
    let now = clock::now()?;
    let status = site.status(&account)?;
    output::print(&status.text(&site.policy, site.language, now))?;
    match named.alias {
        Some(alias) if site.store()?.users()?.contains(&alias) => {
            let (user, name) = (alias.as_str().to_owned(), account.name.as_str().to_owned());
            Err(Trouble::UnderAnotherName { user, name }.into())
        }
        _ => Ok(()),
    }
}
