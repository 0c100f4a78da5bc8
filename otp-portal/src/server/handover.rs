//! Listening sockets that outlive the portal, so that no connection is refused while it restarts.
//!
//! systemd keeps a copy of each (`FileDescriptorStoreMax` in systemd.service(5)) and hands it to the next process. Connections
//! that come in between wait in the kernel's queue. The configuration alone says where to listen: a socket that it no longer
//! names is closed.

use crate::config::{Conf, Listen};
use nix::sys::socket::{
    ControlMessage, MsgFlags, Shutdown, UnixAddr, getsockopt, sendmsg, shutdown,
    sockopt::AcceptConn,
};
use otp_helper::system;
use std::env;
use std::io::{self, IoSlice};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::Path;

/// The first descriptor that systemd hands over (`sd_listen_fds(3)`).
const FIRST: u32 = 3;

/// The most descriptors that are taken over. The unit lets systemd keep as many.
const MOST: u32 = 64;

/// The name under which systemd keeps the sockets.
const NAME: &str = "listen";

/// The sockets of an earlier process.
#[derive(Default)]
pub struct Inherited(Vec<OwnedFd>);

impl Inherited {
    /// Takes over the sockets that systemd hands to this process (`LISTEN_PID`, `LISTEN_FDS`). Must be called while
    /// there is no other thread.
    ///
    /// # Errors
    /// A descriptor cannot be taken over, or systemd hands over too many.
    pub fn take() -> io::Result<Self> {
        let is_for_us =
            env::var("LISTEN_PID").is_ok_and(|pid| pid == std::process::id().to_string());
        let count = env::var("LISTEN_FDS").ok().filter(|_| is_for_us);
        let count = count.map_or(Ok(0), |count| count.parse::<u32>());
        let count = count.ok().filter(|count| *count <= MOST);
        let count = count.ok_or_else(|| io::Error::other("LISTEN_FDS is no usable number"))?;
        (FIRST..FIRST + count)
            .map(system::taken_over)
            .collect::<io::Result<_>>()
            .map(Self)
    }

    /// Stops listening at addresses that the configuration no longer names. systemd still has copies of these sockets,
    /// so closing ours would not free the address, and a new one that includes it (`0.0.0.0:443` and `192.0.2.1:443`)
    /// could not be bound.
    pub(super) fn end_all_but(&mut self, conf: &Conf) {
        let named = conf.listen.iter().filter_map(|listen| match listen {
            Listen::Socket(_) => None,
            Listen::Loopback(address) => Some(address),
        });
        let named: Vec<_> = named
            .chain(conf.tls.iter().flat_map(|tls| &tls.listen))
            .collect();
        self.0.retain(|socket| {
            // A Unix socket stands in no other's way. Nothing would tell later that it listens no longer.
            let Some(address) = address_of(socket) else {
                return true;
            };
            let is_named = named.contains(&&address);
            if !is_named {
                // A socket that is shut down already needs nothing.
                shutdown(socket.as_raw_fd(), Shutdown::Both).ok();
            }
            is_named
        });
    }

    /// Returns the socket that listens at this path. `None`: there is none, or no one could connect to it because its
    /// file is gone or was left by another socket.
    pub(super) fn at_path(&mut self, path: &Path) -> Option<UnixListener> {
        let found = self.listening(|socket| {
            let address = UnixListener::from(socket.try_clone().ok()?).local_addr();
            (address.ok()?.as_pathname() == Some(path)).then_some(())
        })?;
        leads_to_a_listener(path).then(|| UnixListener::from(found))
    }

    /// Returns the socket that listens at this address.
    pub(super) fn at_address(&mut self, wanted: SocketAddr) -> Option<TcpListener> {
        let found = self.listening(|socket| (address_of(socket)? == wanted).then_some(()));
        found.map(TcpListener::from)
    }

    fn listening(&mut self, is_wanted: impl Fn(&OwnedFd) -> Option<()>) -> Option<OwnedFd> {
        let at = self.0.iter().position(|socket| {
            getsockopt(socket, AcceptConn) == Ok(true) && is_wanted(socket).is_some()
        })?;
        Some(self.0.swap_remove(at))
    }
}

/// Returns the address of a socket; `None`: it is no socket of the network.
fn address_of(socket: &OwnedFd) -> Option<SocketAddr> {
    let socket = TcpListener::from(socket.try_clone().ok()?);
    socket.local_addr().ok()
}

/// Whether a socket of streams is open behind the file at this path.
fn leads_to_a_listener(path: &Path) -> bool {
    // The kernel looks for the socket behind the file before it compares the types, so nothing is ever connected.
    let refused = UnixDatagram::unbound().and_then(|probe| probe.connect(path));
    refused.is_err_and(|error| error.raw_os_error() == Some(libc::EPROTOTYPE))
}

/// The service manager that has started the portal and waits to hear from it (`sd_notify(3)`).
pub struct Manager {
    line: UnixDatagram,
    address: UnixAddr,
}

impl Manager {
    /// Finds the manager in the environment (`NOTIFY_SOCKET`); `None`: no manager waits.
    ///
    /// # Errors
    /// The manager cannot be addressed.
    pub fn find() -> io::Result<Option<Self>> {
        let Some(place) = env::var_os("NOTIFY_SOCKET") else {
            return Ok(None);
        };
        let address = match place.as_bytes() {
            [b'@', name @ ..] => UnixAddr::new_abstract(name)?,
            path => UnixAddr::new(path)?,
        };
        let line = UnixDatagram::unbound()?;
        Ok(Some(Self { line, address }))
    }

    /// Reports that the portal is ready, and has its sockets kept instead of those that were kept before.
    ///
    /// # Errors
    /// The manager does not take the message.
    pub fn ready(&self, sockets: &[BorrowedFd<'_>]) -> io::Result<()> {
        self.say(&format!("FDSTOREREMOVE=1\nFDNAME={NAME}"), &[])?;
        self.say(&format!("FDSTORE=1\nFDNAME={NAME}"), sockets)?;
        self.say("READY=1", &[])
    }

    /// Reports that the portal ends.
    pub fn stopping(&self) {
        // Nothing depends on this message.
        self.say("STOPPING=1", &[]).ok();
    }

    fn say(&self, words: &str, sockets: &[BorrowedFd<'_>]) -> io::Result<()> {
        let numbers: Vec<_> = sockets.iter().map(AsRawFd::as_raw_fd).collect();
        let rights = [ControlMessage::ScmRights(&numbers)];
        let rights = if numbers.is_empty() { &[] } else { &rights[..] };
        let words = [IoSlice::new(words.as_bytes())];
        sendmsg(
            self.line.as_raw_fd(),
            &words,
            rights,
            MsgFlags::MSG_NOSIGNAL,
            Some(&self.address),
        )?;
        Ok(())
    }
}
