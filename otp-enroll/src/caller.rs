//! The user who runs a command.

use crate::failure::Failure;
use nix::unistd::getuid;
use otp_core::Account;
use otp_core::messages::trouble::Trouble;
use otp_site::users;

/// Returns the account that this process runs as.
pub fn own_account() -> Result<Account, Failure> {
    let uid = getuid().as_raw();
    users::account_of(uid)?.ok_or_else(|| {
        let user = uid.to_string();
        Trouble::NoSuchUser { user }.into()
    })
}

/// Returns the person behind root: the user that sudo names, else the user who logged in, else root.
pub fn administrator() -> Result<Account, Failure> {
    if let Ok(name) = std::env::var("SUDO_USER")
        && let Some(account) = users::account(&name)?
    {
        return Ok(account);
    }
    let login = std::fs::read_to_string("/proc/self/loginuid").unwrap_or_default();
    if let Some(uid) = login_uid(&login)
        && let Some(account) = users::account_of(uid)?
    {
        return Ok(account);
    }
    own_account()
}

/// Returns the user id of the login, as the kernel remembers it; `None`: the process does not come from a login.
fn login_uid(text: &str) -> Option<u32> {
    let uid = text.trim().parse().ok()?;
    (uid != u32::MAX).then_some(uid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_id_that_means_no_login_names_nobody() {
        for (text, uid) in [
            ("1000", Some(1000)),
            ("0\n", Some(0)),
            ("4294967295", None),
            ("4294967296", None),
            ("-1", None),
            ("", None),
        ] {
            assert_eq!(login_uid(text), uid, "{text:?}");
        }
    }
}
