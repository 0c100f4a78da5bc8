//! A login that root tries through a service, before or after its lines are in place, for `otp-admin protect`.
//!
//! The stack runs with the ids of the service's program, in a separate process that has given up the group.

use crate::harmless::{self, Life, Said};
use crate::wire::Wire;
use nix::errno::Errno;
use nix::unistd::{Gid, Uid, User, getgid, initgroups, setresgid, setresuid};
use otp_core::Account;
use otp_core::messages::hindrance::Hindrance;
use otp_helper::protocol::{Answer, RunsAs};
use otp_helper::serving::Stop;
use otp_helper::system;
use std::ffi::CString;
use std::path::Path;

/// The places in which Linux-PAM looks for a service. If there is no file, it uses the service `other`, which is not
/// the one to try.
const DIRECTORIES: [&str; 2] = ["/etc/pam.d", "/usr/lib/pam.d"];

/// The real user id for a set-user-ID program when root's login is tried. It is not root's, which some modules let in
/// at once.
const NOBODY: u32 = 65_534;

/// Runs a service's stack for an account; the answer says whether it lets the account in.
pub(crate) fn try_login(
    account: &Account,
    service: &str,
    runs_as: &RunsAs,
    line: &mut Wire,
    time: &mut Life,
) -> Result<Answer, Stop> {
    let unavailable = |reason: Hindrance| Ok(Answer::Unavailable(reason.into()));
    let has_file = |one: &str| Path::new(one).join(service).is_file();
    let is_name =
        !service.is_empty() && !service.contains(['/', '\0']) && !service.starts_with('.');
    if !is_name || !DIRECTORIES.into_iter().any(has_file) {
        return unavailable(Hindrance::NoService);
    }
    if time.extend_for_a_dialogue().is_err() {
        return unavailable(Hindrance::NoTimer);
    }
    let (Ok(name), user) = (CString::new(service), account.name.as_str()) else {
        return unavailable(Hindrance::NoService);
    };
    let said = harmless::ask_as(
        || become_caller(runs_as, account),
        || {
            let let_in = system::authenticate(&name, user, line.language(), &mut *line);
            match (line.is_senseless(), let_in) {
                (true, _) => Said::Senseless,
                (false, true) => Said::Yes,
                (false, false) => Said::No,
            }
        },
    );
    match said {
        Ok(Said::Yes) => Ok(Answer::Done),
        Ok(Said::No) => Ok(Answer::NotAuthenticated),
        Ok(Said::Senseless) => Err(Stop::Senseless),
        Err(_) => unavailable(Hindrance::NoProcess),
    }
}

/// Gives this process the ids of the program that logs users in.
fn become_caller(runs_as: &RunsAs, account: &Account) -> nix::Result<()> {
    match runs_as {
        RunsAs::Root => Ok(()),
        RunsAs::SetUid => {
            let starter = if account.uid == 0 {
                NOBODY
            } else {
                account.uid
            };
            let root = Uid::from_raw(0);
            setresuid(Uid::from_raw(starter), root, root)
        }
        RunsAs::Account(name) => {
            let found = User::from_name(name)?.ok_or(Errno::ENOENT)?;
            let (uid, gid): (Uid, Gid) = (found.uid, found.gid);
            let name = CString::new(name.as_str()).map_err(|_| Errno::EINVAL)?;
            initgroups(&name, gid)?;
            setresgid(gid, gid, gid)?;
            setresuid(uid, uid, uid)?;
            // The rights that were given up must not come back.
            if getgid() == gid {
                Ok(())
            } else {
                Err(Errno::EPERM)
            }
        }
    }
}
