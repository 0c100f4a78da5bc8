//! `otp-admin unlock` and `reset`: the ways back in.

use crate::engine::Engine;
use crate::failure::Failure;
use crate::log;
use crate::output;
use crate::site::Site;
use otp_core::UserName;
use otp_core::messages::admin::Report;
use otp_core::messages::trouble::Trouble;
use otp_core::record::{Language, Standing};
use otp_site::{Named, clock, users};
use otp_store::account::{self, Unlocked};
use otp_store::keeper::ROOTS_LOCK_DEADLINE;
use otp_store::{Keeper, moving};

/// Lifts a lock or a disablement, forgets the failures, and tells which. What was used stays used.
pub fn unlock(site: &Site<impl Engine>, user: &str) -> Result<(), Failure> {
    let account = site.account(user)?;
    let user = account.name.as_str();
    let not_enrolled = || Trouble::NotEnrolled {
        user: user.to_owned(),
    };
    let store = site.keeper()?;
    let undisturbed = site.undisturbed()?;
    let unlocked = account::unlock(&store, &account, clock::now).map_err(Failure::about(user))?;
    let Unlocked { standing, failures } = unlocked.ok_or_else(not_enrolled)?;
    log::unlocked(user, standing);
    drop(undisturbed);
    let done = match standing {
        Standing::Open => Report::WasNotLocked { user, failures },
        standing => Report::Unlocked {
            user,
            standing,
            failures,
        },
    };
    output::print(&format!("{}\n", done.text(site.language)))
}

/// Leaves a record alone that was made for a user id which somebody still has, and says so; whether it did.
///
/// They may be the same person with another name by now, or another one with a number that was free: only an administrator
/// can tell.
fn left_for_an_administrator(
    site: &Site<impl Engine>,
    store: &impl Keeper,
    user: &str,
) -> Result<bool, Failure> {
    let owner = match moving::owner_of(store, &UserName::new(user)?) {
        Ok(Some(owner)) => owner,
        // What cannot be read for a reason that may pass, or by this version, may be somebody's.
        Err(error) if error.may_pass() => return Err(error.into()),
        // A damaged record tells nothing, and is removed with the name.
        Ok(None) | Err(_) => return Ok(false),
    };
    let Some(person) = users::account_of(owner.uid)? else {
        return Ok(false);
    };
    let new = person.name.as_str();
    let left = Report::LeftForMove { old: user, new };
    log::gone(user, by().as_deref(), &left.text(Language::English));
    output::print(&format!("{}\n", left.text(site.language)))?;
    Ok(true)
}

/// Removes everything that is kept about a user, whatever state it is in, also when the user is gone.
///
/// `gone`: only then, and without a word where there is nothing: what is run whenever a user is removed or made.
pub fn reset(site: &Site<impl Engine>, user: &str, gone: bool) -> Result<(), Failure> {
    let known = users::named(user)?;
    if gone && known.is_some() {
        return Ok(());
    }
    let store = if gone {
        site.keeper_if_there()?
    } else {
        Some(site.keeper()?)
    };
    let Some(store) = store else {
        return Ok(());
    };
    if gone && left_for_an_administrator(site, &store, user)? {
        return Ok(());
    }
    let name = match known {
        // What an older version has kept under a second name goes alone, and the person's record stays.
        Some(Named {
            alias: Some(alias), ..
        }) if store.users()?.contains(&alias) => alias,
        Some(named) => named.account.name,
        None => UserName::new(user)?,
    };
    let undisturbed = site.undisturbed()?;
    let erased = account::erase(&store, &name, ROOTS_LOCK_DEADLINE)
        .map_err(Failure::about(name.as_str()))?;
    if gone && !erased {
        return Ok(());
    }
    let user = name.as_str();
    if erased && gone {
        log::gone(
            user,
            by().as_deref(),
            &Report::Erased { user }.text(Language::English),
        );
    } else if erased {
        log::changed("reset", user, None);
    }
    drop(undisturbed);
    let done = if erased {
        Report::Erased { user }
    } else {
        Report::NothingToErase { user }
    };
    output::print(&format!("{}\n", done.text(site.language)))
}

/// The command of shadow-utils that runs the hook, which runs this.
fn by() -> Option<String> {
    std::env::var("ACTION").ok()
}
