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
use otp_site::{Named, clock, users, zone};
use otp_store::account::{self, Unlocked};
use otp_store::keeper::ROOTS_LOCK_DEADLINE;
use otp_store::{Keeper, moving};

/// Ends a lock or a disablement, forgets the failures, and reports both. Used codes stay used.
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
            zone: &zone::of_this_machine(),
            failures,
        },
    };
    output::print(&format!("{}\n", done.text(site.language)))
}

/// Keeps a record whose user id still has an account, and reports that; returns whether it did.
///
/// The account may be the same person with a new name, or another person with a number that was free: only an
/// administrator can tell.
fn left_for_an_administrator(
    site: &Site<impl Engine>,
    store: &impl Keeper,
    user: &str,
) -> Result<bool, Failure> {
    let owner = match moving::owner_of(store, &UserName::new(user)?) {
        Ok(Some(owner)) => owner,
        // A record that cannot be read now, or not by this version, may still be someone's.
        Err(error) if error.may_pass() => return Err(error.into()),
        // A damaged record shows no owner, and is removed with the name.
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

/// Removes everything that is stored about a user, in whatever state, even if the user is gone.
///
/// `gone`: only if the user is gone, and silently if there is nothing to remove. Hooks run this whenever a user is
/// removed or made.
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
        // A record that an older version has stored under a second name is removed alone; the person's own record
        // stays.
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

/// Returns the command of shadow-utils that runs the hook, which runs this program.
fn by() -> Option<String> {
    std::env::var("ACTION").ok()
}
