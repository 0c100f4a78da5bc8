//! What `otp-enroll` does.

use crate::cli::{Enroll, EnrollCommand};
use crate::dialogue::Script;
use crate::failure::Failure;
use crate::output;
use crate::overview::Overview;
use crate::site::{self, Site};
use crate::terminal::Terminal;
use crate::trial;
use clap::CommandFactory;
use clap::error::ErrorKind;
use nix::unistd::getuid;
use otp_core::messages::trouble::Trouble;
use otp_store::{Account, UserName, clock, directory};
use std::process::ExitCode;

/// Runs `otp-enroll`.
#[must_use]
pub fn run(asked: &Enroll) -> ExitCode {
    if let (Some(option), Some(_)) = (asked.dialogue.given(), asked.command) {
        let reason = format!("{option} goes with enrolling, not with a subcommand\n");
        Enroll::command()
            .error(ErrorKind::ArgumentConflict, reason)
            .exit();
    }
    site::run("otp-enroll", &asked.common, |site| {
        let account = whose(site, asked.user.as_deref())?;
        match asked.command {
            None => Script {
                site,
                account: &account,
                options: &asked.dialogue,
                terminal: terminal(&account)?,
            }
            .play(),
            Some(EnrollCommand::Status { json }) => status(site, &account, json),
            Some(EnrollCommand::Test) => trial::attempt_once(site, &account, &terminal(&account)?),
        }
    })
}

/// The account that is meant: the named one, or the caller's own.
///
/// Under sudo the caller is not root, and it is too easy to enrol root by mistake: then a name has to be given.
fn whose(site: &Site, named: Option<&str>) -> Result<Account, Failure> {
    if let Some(name) = named {
        return site.account(name);
    }
    match std::env::var("SUDO_USER") {
        Err(std::env::VarError::NotPresent) => {}
        Ok(caller) if caller == "root" => {}
        Ok(caller) => {
            // The environment is not to be trusted with the screen: only what can be a name is shown.
            let caller = UserName::new(&caller).is_ok().then_some(caller);
            return Err(Trouble::ForWhom { caller }.into());
        }
        Err(std::env::VarError::NotUnicode(_)) => {
            return Err(Trouble::ForWhom { caller: None }.into());
        }
    }
    let uid = getuid().as_raw();
    directory::account_of(uid)?.ok_or_else(|| {
        let user = uid.to_string();
        Trouble::NoSuchUser { user }.into()
    })
}

fn terminal(account: &Account) -> Result<Terminal, Trouble> {
    Terminal::open().ok_or_else(|| Trouble::NoTerminal {
        user: account.name.as_str().to_owned(),
    })
}

fn status(site: &Site, account: &Account, json: bool) -> Result<(), Failure> {
    let now = clock::now()?;
    let overview = Overview::read(&site.store()?, account, &site.policy, now)?;
    output::print(&if json {
        overview.json()
    } else {
        overview.text(&site.policy, site.language, now)
    })
}
