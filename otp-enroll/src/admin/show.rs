//! `otp-admin show`: all about one account, for the help desk.

use crate::failure::Failure;
use crate::output;
use crate::site::Site;
use otp_store::clock;

/// Tells all that can be told without a secret; what is wrong with a damaged record is told as a failure.
pub fn show(site: &Site, user: &str) -> Result<(), Failure> {
    let account = site.account(user)?;
    let now = clock::now()?;
    let overview = site.overview(&account)?;
    output::print(&overview.text(&site.policy, site.language, now))
}
