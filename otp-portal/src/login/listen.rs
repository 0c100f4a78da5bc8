//! Accepts connections from the portal and from no one else, and starts a process for each.

use super::permission::{Asker, allowed};
use super::{Site, Trouble, life, log};
use crate::wire::{Kind, Said};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use nix::unistd::{Gid, Uid, User, chown};
use otp_helper::system;
use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The most connections at a time: all conversations, and as many questions.
const MOST_CONNECTIONS: usize = 2 * super::slots::MOST;

/// How often ended children are looked for.
const LOOK_MILLISECONDS: u8 = 250;

/// The first descriptor that systemd hands over (`sd_listen_fds(3)`).
const HANDED_OVER: u32 = 3;

/// The origin of the listening socket.
pub enum From {
    /// systemd has made the socket.
    Systemd,
    /// Make a socket at this path.
    Path(PathBuf),
}

/// Serves until the process is ended.
///
/// # Errors
/// There is no socket, or the portal has no account.
pub fn serve(site: &Site, from: &From, arguments: &[std::ffi::OsString]) -> Result<(), Trouble> {
    let listener = match from {
        From::Systemd => handed_over()?,
        From::Path(path) => made(path, &portal(site)?)?,
    };
    life::harden().map_err(|error| Trouble::new("the login part cannot begin", &error))?;
    // Look the account up now: a missing one is then reported at the start, not at a login.
    portal(site)?;
    let mut children: Vec<Child> = Vec::new();
    loop {
        children.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
        let timeout = if children.is_empty() {
            PollTimeout::NONE
        } else {
            LOOK_MILLISECONDS.into()
        };
        match poll(
            &mut [PollFd::new(listener.as_fd(), PollFlags::POLLIN)],
            timeout,
        ) {
            Ok(0) | Err(Errno::EINTR) => continue,
            Err(errno) => return Err(Trouble::new("waiting for connections", &errno)),
            Ok(_) => {}
        }
        children.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
        match listener.accept() {
            Ok((connection, _)) => {
                if let Some(child) = served(site, arguments, connection, children.len()) {
                    children.push(child);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                log::unavailable(None, &Trouble::new("a connection", &error));
                // While all descriptors are in use, trying again at once would fail too.
                std::thread::sleep(Duration::from_millis(100));
            }
        }
    }
}

/// Starts a process for a connection, if it comes from the portal and there is room.
fn served(
    site: &Site,
    arguments: &[std::ffi::OsString],
    connection: UnixStream,
    others: usize,
) -> Option<Child> {
    let uid = match getsockopt(&connection, PeerCredentials) {
        Ok(peer) => peer.uid(),
        Err(errno) => {
            log::unavailable(None, &Trouble::new("who has connected", &errno));
            return None;
        }
    };
    let asker = match portal(site) {
        Ok(portal) if portal.uid.as_raw() == uid => Asker::Portal,
        Ok(_) => Asker::Stranger,
        Err(trouble) => {
            log::unavailable(None, &trouble);
            return None;
        }
    };
    if !allowed(Kind::Begin, asker) {
        log::denied(None, Some(uid), "only the portal may ask the login part");
        return None;
    }
    if others >= MOST_CONNECTIONS {
        full(&connection);
        return None;
    }
    let started = Command::new(&site.program)
        .arg("--conversation")
        .args(arguments)
        .env_clear()
        .stdin(Stdio::from(OwnedFd::from(connection)))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    started
        .inspect_err(|error| log::unavailable(None, &Trouble::new("a conversation", error)))
        .ok()
}

/// Says that there is no room, unless this would mean waiting.
fn full(mut connection: &UnixStream) {
    if let (Some(bytes), Ok(())) = (
        Said::Full.to_fields().to_bytes(),
        connection.set_nonblocking(true),
    ) {
        connection.write_all(&bytes).ok();
    }
}

fn portal(site: &Site) -> Result<User, Trouble> {
    let what = format!("the portal's account {}", site.account);
    match User::from_name(&site.account) {
        Ok(Some(user)) => Ok(user),
        Ok(None) => Err(Trouble::new(&what, &"there is none of that name")),
        Err(errno) => Err(Trouble::new(&what, &errno)),
    }
}

/// Returns the socket that systemd has made (`LISTEN_PID`, `LISTEN_FDS`).
fn handed_over() -> Result<UnixListener, Trouble> {
    let says = |name: &str, what: &str| std::env::var(name).is_ok_and(|value| value == what);
    if !says("LISTEN_PID", &std::process::id().to_string()) || !says("LISTEN_FDS", "1") {
        let why = "systemd has handed over none, and --socket names none";
        return Err(Trouble::new("a socket to listen at", &why));
    }
    let taken = system::taken_over(HANDED_OVER);
    taken
        .map(UnixListener::from)
        .map_err(|error| Trouble::new("the socket of systemd", &error))
}

/// Makes a socket that only root and the portal's group can connect to.
fn made(path: &Path, portal: &User) -> Result<UnixListener, Trouble> {
    let trouble = |error: &dyn std::fmt::Display| Trouble::new(&path.display().to_string(), &error);
    match fs::symlink_metadata(path) {
        // A killed login part may have left this socket. If a running one listens there, it must stay, so try to
        // connect first.
        Ok(found) if found.file_type().is_socket() => {
            if UnixStream::connect(path).is_ok() {
                return Err(trouble(&"somebody listens there already"));
            }
            fs::remove_file(path).map_err(|error| trouble(&error))?;
        }
        Ok(_) => return Err(trouble(&"there is something else")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(trouble(&error)),
    }
    let listener = UnixListener::bind(path).map_err(|error| trouble(&error))?;
    fs::set_permissions(path, Permissions::from_mode(0o660)).map_err(|error| trouble(&error))?;
    chown(
        path,
        Some(Uid::from_raw(0)),
        Some(Gid::from_raw(portal.gid.as_raw())),
    )
    .map_err(|errno| trouble(&errno))?;
    Ok(listener)
}
