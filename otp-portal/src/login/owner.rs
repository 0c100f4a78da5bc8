//! Requests to the helper for a logged-in user, from a process that has become that user for good.

use super::line::{LONGEST_SILENCE, Line, Silent};
use super::{Site, Trouble};
use crate::wire::{Ended, Said};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{Uid, User, getegid, geteuid, getgroups, initgroups, setresgid, setresuid};
use otp_core::login::LANGUAGE;
use otp_core::record::Language;
use otp_helper::client::{Connection, Session};
use otp_helper::protocol::{Answer, Request};
use otp_helper::session::{Reply, Turn};
use std::ffi::CString;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The argument before the user id.
const BECOME: &str = "--become";

/// The argument before the helper.
const HELPER: &str = "--helper";

/// The argument before the language.
const WORDS: &str = "--language";

/// Becomes a user for good and executes the helper. Returns only if that fails.
///
/// Standard input and output lead to the process that asks. Everything else of root is given up: groups, ids, the
/// environment except for the language, and all descriptors, which close when the helper is executed.
#[must_use]
pub fn become_user(uid: u32, helper: &Path, language: Option<Language>) -> io::Error {
    let words = language.map(|language| (LANGUAGE, language.tag()));
    match become_for_good(uid) {
        Ok(()) => Command::new(helper).env_clear().envs(words).exec(),
        Err(errno) => errno.into(),
    }
}

fn become_for_good(uid: u32) -> nix::Result<()> {
    let uid = Uid::from_raw(uid);
    let user = User::from_uid(uid)?.ok_or(Errno::ENOENT)?;
    let name = CString::new(user.name).map_err(|_| Errno::EINVAL)?;
    initgroups(&name, user.gid)?;
    setresgid(user.gid, user.gid, user.gid)?;
    setresuid(uid, uid, uid)?;
    // Check that root's privileges cannot be regained. Root itself has none to give up.
    let is_user = geteuid() == uid && getegid() == user.gid;
    let is_still_root = !uid.is_root() && setresuid(Uid::from_raw(0), uid, uid).is_ok();
    let of_root = !uid.is_root() && getgroups()?.iter().any(|group| group.as_raw() == 0);
    if is_user && !is_still_root && (!of_root || user.gid.as_raw() == 0 || of_group_zero(&name)?) {
        Ok(())
    } else {
        Err(Errno::EPERM)
    }
}

/// Whether the user is a member of group 0, as some users are.
fn of_group_zero(name: &std::ffi::CStr) -> nix::Result<bool> {
    let group = nix::unistd::Group::from_gid(nix::unistd::Gid::from_raw(0))?;
    let is_name = |member: &String| member.as_bytes() == name.to_bytes();
    Ok(group.is_some_and(|group| group.mem.iter().any(is_name)))
}

fn arguments(site: &Site, uid: u32, language: Option<Language>) -> Vec<PathBuf> {
    let uid = uid.to_string();
    let helper = site.at.helper.clone();
    let mut all = vec![BECOME.into(), uid.into(), HELPER.into(), helper];
    if let Some(language) = language {
        all.extend([WORDS.into(), language.tag().into()]);
    }
    all
}

/// Asks the helper one question.
pub(super) fn ask(site: &Site, uid: u32, request: &Request) -> Result<Answer, Trouble> {
    Connection::open(&site.program, &arguments(site, uid, None))
        .and_then(|mut connection| connection.ask(request))
        .map_err(|reason| Trouble::new("the helper", &reason))
}

/// The result of a change.
pub(super) enum Changed {
    /// The change is saved.
    Kept {
        /// Whether the account has an authenticator now.
        enrolled: bool,
    },
    /// The change was not made, with the reason.
    Not(Answer),
    /// The change was not made, because the token has ended in the meantime.
    Ended(Ended),
}

/// Makes a change. Passes messages between the helper and the portal, which know whose turn it is; the helper ends when
/// the connection does. Before the last message, `has_ended` says whether the token has ended. In that case the message
/// does not reach the helper.
pub(super) fn change(
    site: &Site,
    uid: u32,
    (request, language): (&Request, Language),
    line: &mut Line,
    has_ended: impl Fn() -> Result<Option<Ended>, Trouble>,
) -> Result<Result<Changed, Silent>, Trouble> {
    let trouble = |reason: &dyn std::fmt::Display| Trouble::new("the helper", &reason);
    let mut session = Session::begin_with(
        &site.program,
        &arguments(site, uid, Some(language)),
        request,
    )
    .map_err(|reason| trouble(&reason))?;
    loop {
        let limit = PollTimeout::try_from(LONGEST_SILENCE).map_err(|error| trouble(&error))?;
        let mut ends = [
            PollFd::new(session.as_fd(), PollFlags::POLLIN),
            PollFd::new(line.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut ends, limit) {
            Err(Errno::EINTR) => continue,
            Err(errno) => return Err(trouble(&errno)),
            Ok(0) => return Ok(Err(Silent::TooLong)),
            Ok(_) => {}
        }
        let [by_helper, by_portal] = ends.map(|end| end.any().unwrap_or(true));
        if by_helper {
            match session.receive().map_err(|reason| trouble(&reason))? {
                Turn::End(Answer::Kept { enrolled }) => return Ok(Ok(Changed::Kept { enrolled })),
                Turn::End(answer) => return Ok(Ok(Changed::Not(answer))),
                turn => {
                    if line.say(&Said::Turn(turn)).is_none() {
                        return Ok(Err(Silent::Gone));
                    }
                }
            }
        } else if by_portal {
            match line.reply() {
                Ok(Reply::Keep) if let Some(why) = has_ended()? => {
                    return Ok(Ok(Changed::Ended(why)));
                }
                Ok(reply) => session.send(&reply).map_err(|reason| trouble(&reason))?,
                Err(silent) => return Ok(Err(silent)),
            }
        }
    }
}
