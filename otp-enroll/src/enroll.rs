//! The commands of `otp-enroll`.

use crate::caller::own_account;
use crate::cli::{Enroll, EnrollCommand, refuse_meaningless};
use crate::dialogue;
use crate::failure::Failure;
use crate::output;
use crate::site::{self, For, Site};
use crate::terminal::Terminal;
use crate::trial;
use otp_core::messages::trouble::Trouble;
use otp_core::record::{DEFAULT_NAME, Name};
use otp_core::{Account, UserName};
use otp_site::{clock, users, zone};
use otp_store::change::Change;
use std::process::ExitCode;

/// Runs `otp-enroll`.
#[must_use]
pub fn run(asked: &Enroll) -> ExitCode {
    if let Some(option) = asked.meaningless() {
        refuse_meaningless::<Enroll>(option);
    }
    site::run("otp-enroll", &asked.common, For::Everybody, |site| {
        let account = whose(site, asked.user.as_deref())?;
        let change = match &asked.command {
            Some(EnrollCommand::Status { json }) => return status(site, &account, *json),
            Some(EnrollCommand::Test) => {
                return trial::attempt_once(site, &account, &terminal(&account)?);
            }
            None => {
                let name = asked.dialogue.name.clone();
                Change::Enrol(name.unwrap_or_else(default_name))
            }
            Some(EnrollCommand::Add { name }) => Change::Add(name.clone()),
            Some(EnrollCommand::Remove { name }) => Change::Remove(name.clone()),
            Some(EnrollCommand::RecoveryCodes) => Change::RecoveryCodes,
        };
        let (options, terminal) = (&asked.dialogue, terminal(&account)?);
        dialogue::lead(site, &account, options, terminal, &change)
    })
}

fn default_name() -> Name {
    Name::new(DEFAULT_NAME).expect("the default is a valid name")
}

/// Returns the account that is meant: the named one, or the caller's own. Only root may name another user's.
///
/// Under sudo the caller is not root, and enrolling root by mistake is too easy: then a name must be given.
fn whose(site: &Site, named: Option<&str>) -> Result<Account, Failure> {
    if !site.is_root {
        let own = own_account()?;
        return match named {
            Some(name) if users::account(name)?.as_ref() != Some(&own) => {
                let user = name.to_owned();
                Err(Trouble::NotYours { user }.into())
            }
            _ => Ok(own),
        };
    }
    if let Some(name) = named {
        return site.account(name);
    }
    match std::env::var("SUDO_USER") {
        Err(std::env::VarError::NotPresent) => {}
        Ok(caller) if caller == "root" => {}
        Ok(caller) => {
            // The environment must not control the screen: the value is shown only if it can be a name.
            let caller = UserName::new(&caller).is_ok().then_some(caller);
            return Err(Trouble::ForWhom { caller }.into());
        }
        Err(std::env::VarError::NotUnicode(_)) => {
            return Err(Trouble::ForWhom { caller: None }.into());
        }
    }
    own_account()
}

fn terminal(account: &Account) -> Result<Terminal, Failure> {
    if let Some(terminal) = Terminal::open() {
        return Ok(terminal);
    }
    let user = account.name.as_str().to_owned();
    Err(Trouble::NoTerminal { user }.into())
}

fn status(site: &Site, account: &Account, json: bool) -> Result<(), Failure> {
    let status = site.status(account)?;
    output::print(&if json {
        status.json()
    } else {
        status.text(
            &site.policy,
            site.language,
            clock::now()?,
            &zone::of_this_machine(),
        )
    })
}
