//! Accepts connections of the portal, and of nobody else, and has each served by a process of its own.

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

/// Connections at once: every slot, and as many questions.
const MOST_CONNECTIONS: usize = 2 * super::slots::MOST;

/// How often children are looked for that have ended.
const LOOK_MILLISECONDS: u8 = 250;

/// The first descriptor that systemd hands over (`sd_listen_fds(3)`).
const HANDED_OVER: u32 = 3;

/// Where the listening socket is from.
pub enum From {
    /// systemd has made it.
    Systemd,
    /// Made here, at this place.
    Path(PathBuf),
}

/// Serves until it is ended.
///
/// # Errors
/// There is nothing to listen to, or nobody to listen for.
pub fn serve(site: &Site, from: &From, arguments: &[std::ffi::OsString]) -> Result<(), Trouble> {
    let listener = match from {
        From::Systemd => handed_over()?,
        From::Path(path) => made(path, &portal(site)?)?,
    };
    life::harden().map_err(|error| Trouble::new("the login part cannot begin", &error))?;
    // Looked for now, so that a missing account is told at the start and not at a login.
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
                // As long as there is no descriptor to be had, there is none to be had at once either.
                std::thread::sleep(Duration::from_millis(100));
            }
        }
    }
}

/// Has one connection served, where it is the portal's and there is room.
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

/// Says that there is no room, where that can be said without waiting.
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

/// The socket that systemd has made (`LISTEN_PID`, `LISTEN_FDS`).
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

/// Makes a socket that the portal's group alone may enter.
fn made(path: &Path, portal: &User) -> Result<UnixListener, Trouble> {
    let trouble = |error: &dyn std::fmt::Display| Trouble::new(&path.display().to_string(), &error);
    match fs::symlink_metadata(path) {
        // What a login part has left that was killed. Of one that is alive it would be taken away, so it is asked first.
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
