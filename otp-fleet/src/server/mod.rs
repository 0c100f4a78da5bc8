//! `otp-verifier`: answers the machines of a fleet, from records that no machine has.
//!
//! There is a thread for each connection, up to a limit, and no connection affects another. A connection is for one
//! login: a few questions while a person types, and one attempt, or one change. [`otp_helper::serving`] answers each
//! request as the helper would. Before that, for every request, the name in the certificate is looked up in the
//! registry, and the user in the zones of the machine.

mod administrator;
pub mod base;
mod change;
pub mod clocks;
pub mod conf;
mod line;
mod log;
mod machine;
mod measure;
mod places;
mod present;
pub mod program;
mod sealing;
mod slots;
mod zones;

pub use conf::Conf;

use crate::tls::{Renewed, Unusable, name_shown};
use base::Base;
use line::TlsLine;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use otp_core::{Before1970, UnixTime};
use otp_helper::fleet::ALPN;
use present::Present;
use rustls::ServerConnection;
use slots::{Slots, Stranger};
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// The time that a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(3);

/// How long a machine may send nothing: a person may be typing a code.
const PATIENCE: Duration = Duration::from_secs(600);

/// How long an ending verifier still answers connected machines, before it closes connections that wait.
const DRAIN: Duration = Duration::from_secs(5);

/// The time that work in progress may take to finish.
const TO_FINISH: Duration = Duration::from_secs(12);

/// The time between two checks that connected peers are still registered.
const ROUND: Duration = Duration::from_secs(2);

/// The number of names in one request; etcd takes 128 steps in a transaction.
const NAMES: usize = 64;

/// The stack size of a thread, in bytes; the dialogue of a change needs most.
const STACK: usize = 512 * 1024;

/// The state that the threads of a verifier share.
struct Shared<B> {
    conf: Conf,
    base: B,
    tls: Renewed,
    slots: Slots,
    present: Present,
    measure: measure::Measure,
    log: log::Log,
    /// Whether the verifier is about to end.
    ends: Arc<AtomicBool>,
    /// The clock by which proofs are judged.
    clock: fn() -> Result<UnixTime, Before1970>,
}

/// A verifier that listens.
pub struct Verifier<B: Base> {
    shared: Arc<Shared<B>>,
    listeners: Vec<TcpListener>,
}

/// A verifier that serves, until it is ended.
pub struct Serving {
    /// When this is dropped, no more connections are accepted.
    accepting: Option<UnixStream>,
    /// When this is dropped, all waiting ends.
    waiting: Option<UnixStream>,
    acceptors: Vec<JoinHandle<()>>,
    ends: Arc<AtomicBool>,
    slots: Slots,
    /// Called at the very end.
    last: Box<dyn Fn() + Send + Sync>,
}

/// Why a verifier cannot serve.
#[derive(Debug)]
pub enum Failed {
    /// Its files for TLS cannot be used.
    Tls(Unusable),
    /// It cannot listen on that address.
    Listen(SocketAddr, io::Error),
    /// The system has no more threads or descriptors.
    System(io::Error),
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tls(error) => error.fmt(f),
            Self::Listen(address, error) => write!(f, "cannot listen on {address}: {error}"),
            Self::System(error) => write!(f, "the system gives no more of what is needed: {error}"),
        }
    }
}

impl std::error::Error for Failed {}

impl<B: Base> Verifier<B> {
    /// Reads the certificates, and starts to listen.
    ///
    /// # Errors
    /// See [`Failed`].
    pub fn new(conf: Conf, base: B) -> Result<Self, Failed> {
        Self::with_clock(conf, base, otp_site::clock::now)
    }

    /// Reads the certificates and starts to listen, with another clock for proofs; codes are judged by the system's.
    fn with_clock(
        conf: Conf,
        base: B,
        clock: fn() -> Result<UnixTime, Before1970>,
    ) -> Result<Self, Failed> {
        let tls = Renewed::new(conf.files.clone()).map_err(Failed::Tls)?;
        let listeners = listen(&conf)?;
        let slots = Slots::new(conf.connections);
        let shared = Arc::new(Shared {
            conf,
            base,
            tls,
            slots,
            present: Present::default(),
            measure: measure::Measure::default(),
            log: log::Log::default(),
            ends: Arc::default(),
            clock,
        });
        Ok(Self { shared, listeners })
    }

    /// Returns the addresses on which it listens.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        let addresses = self.listeners.iter().map(TcpListener::local_addr);
        addresses.filter_map(Result::ok).collect()
    }

    /// Serves, in threads of its own.
    ///
    /// # Errors
    /// The system provides no threads or descriptors.
    pub fn serve(self) -> Result<Serving, Failed> {
        let pair = || UnixStream::pair().map_err(Failed::System);
        let ((accepting, stop), (waiting, waits)) = (pair()?, pair()?);
        let mut acceptors = Vec::new();
        for listener in self.listeners {
            let shared = Arc::clone(&self.shared);
            let stop = stop.try_clone().map_err(Failed::System)?;
            let waits = waits.try_clone().map_err(Failed::System)?;
            let accept = move || accept(&shared, &listener, &stop, &waits);
            let acceptor = thread::Builder::new()
                .name("accept".to_owned())
                .spawn(accept);
            acceptors.push(acceptor.map_err(Failed::System)?);
        }
        let shared = Arc::clone(&self.shared);
        let looks = thread::Builder::new()
            .name("registry".to_owned())
            .spawn(move || close_strangers(&shared, &stop));
        acceptors.push(looks.map_err(Failed::System)?);
        Ok(Serving {
            accepting: Some(accepting),
            waiting: Some(waiting),
            acceptors,
            ends: Arc::clone(&self.shared.ends),
            slots: self.shared.slots.clone(),
            last: Box::new(move || self.shared.base.ends()),
        })
    }
}

impl Serving {
    /// Ends the verifier: it accepts no more connections, answers connected machines for a few seconds, and finishes
    /// work in progress. Returns whether all work was finished.
    #[must_use]
    pub fn end(self) -> bool {
        self.end_within(DRAIN, TO_FINISH)
    }

    fn end_within(mut self, drain: Duration, to_finish: Duration) -> bool {
        let is_finished = self.finish_within(drain, to_finish);
        (self.last)();
        is_finished
    }

    fn finish_within(&mut self, drain: Duration, to_finish: Duration) -> bool {
        drop(self.accepting.take());
        for acceptor in self.acceptors.drain(..) {
            // A thread that has panicked accepts no connections either.
            acceptor.join().ok();
        }
        if self.is_empty_within(drain) {
            return true;
        }
        self.ends.store(true, Ordering::Relaxed);
        drop(self.waiting.take());
        self.is_empty_within(to_finish)
    }

    fn is_empty_within(&self, limit: Duration) -> bool {
        let since = Instant::now();
        while self.slots.count() > 0 {
            if since.elapsed() >= limit {
                return false;
            }
            thread::sleep(Duration::from_millis(5));
        }
        true
    }
}

fn listen(conf: &Conf) -> Result<Vec<TcpListener>, Failed> {
    let mut listeners: Vec<TcpListener> = Vec::new();
    let mut failed = None;
    for address in conf.addresses() {
        match TcpListener::bind(address) {
            Ok(listener) => listeners.push(listener),
            // Either of the two default addresses is enough: one may take the port for both, or the host has only one
            // kind.
            Err(error) if conf.listen.is_empty() => failed = Some((address, error)),
            Err(error) => return Err(Failed::Listen(address, error)),
        }
    }
    match failed {
        Some((address, error)) if listeners.is_empty() => Err(Failed::Listen(address, error)),
        _ => {
            for listener in &listeners {
                listener.set_nonblocking(true).map_err(Failed::System)?;
            }
            Ok(listeners)
        }
    }
}

/// Accepts connections until the other end of `stop` is closed.
fn accept<B: Base>(
    shared: &Arc<Shared<B>>,
    listener: &TcpListener,
    stop: &UnixStream,
    waits: &UnixStream,
) {
    loop {
        let mut ready = [
            PollFd::new(stop.as_fd(), PollFlags::POLLIN),
            PollFd::new(listener.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut ready, PollTimeout::NONE) {
            Err(nix::errno::Errno::EINTR) => continue,
            Err(_) => return,
            Ok(_) if ready[0].any() == Some(true) => return,
            Ok(_) => {}
        }
        match listener.accept() {
            Ok((tcp, address)) => begin(shared, tcp, address, waits),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            // The connection is already gone; or no descriptor is left now, and one will be.
            Err(_) => thread::sleep(Duration::from_millis(10)),
        }
    }
}

/// Closes the connections of peers that are revoked or no longer in the registry, until the other end of `stop` is
/// closed. If the registry cannot be read, no connection is closed: no one gets answers then either.
fn close_strangers<B: Base>(shared: &Shared<B>, stop: &UnixStream) {
    loop {
        let mut ended = [PollFd::new(stop.as_fd(), PollFlags::POLLIN)];
        match poll(
            &mut ended,
            PollTimeout::try_from(ROUND).unwrap_or(PollTimeout::MAX),
        ) {
            Ok(0) => {}
            Err(nix::errno::Errno::EINTR) => continue,
            Ok(_) | Err(_) => return,
        }
        for names in shared.present.names().chunks(NAMES) {
            let Ok(entries) = shared.base.entries(names) else {
                // The next chunk would take as long, and the end of this verifier waits for all of them.
                break;
            };
            for (name, entry) in names.iter().zip(entries) {
                let Ok(entry) = entry else {
                    continue;
                };
                if let Some(reason) = machine::is_no_longer_one(entry.as_ref()) {
                    shared.log.denied(&log::scribe(name), name, "", "", reason);
                    shared.present.close(name);
                }
            }
        }
    }
}

/// Starts a connection in a thread of its own. If there is no room, the connection is closed, and its machine asks
/// another verifier.
fn begin<B: Base>(
    shared: &Arc<Shared<B>>,
    tcp: TcpStream,
    address: SocketAddr,
    waits: &UnixStream,
) {
    let Some(slot) = shared.slots.take(address.ip()) else {
        shared.log.stranger(address.ip(), "too many connections");
        return;
    };
    let waits = waits.try_clone().ok();
    let thread = {
        let shared = Arc::clone(shared);
        move || connection(&shared, tcp, address, slot, waits)
    };
    let builder = thread::Builder::new().name("connection".to_owned());
    if builder.stack_size(STACK).spawn(thread).is_err() {
        shared
            .log
            .stranger(address.ip(), "no thread could be started");
    }
}

/// Serves one connection, from handshake to farewell.
fn connection<B: Base>(
    shared: &Shared<B>,
    tcp: TcpStream,
    address: SocketAddr,
    slot: Stranger,
    waits: Option<UnixStream>,
) {
    // A request and its answer are one small message each.
    if tcp
        .set_nonblocking(false)
        .and_then(|()| tcp.set_nodelay(true))
        .is_err()
    {
        return;
    }
    let config = shared.tls.config(|error| shared.log.certificates(error));
    let Ok(tls) = ServerConnection::new(config) else {
        return;
    };
    let tcp = Arc::new(tcp);
    let mut line = TlsLine::new(tls, Arc::clone(&tcp), waits);
    if let Err(error) = line.shake_hands(HANDSHAKE) {
        shared.log.stranger(address.ip(), &words(&error));
        line.farewell();
        return;
    }
    let name = name_shown(line.tls().peer_certificates());
    let (Some(name), Some(ALPN)) = (name, line.tls().alpn_protocol()) else {
        let reason = "a certificate without a name, or another protocol";
        shared.log.stranger(address.ip(), reason);
        line.farewell();
        return;
    };
    let Some(_slot) = slot.become_known(&name) else {
        shared
            .log
            .stranger(address.ip(), "too many connections of one name");
        line.farewell();
        return;
    };
    line.patience = PATIENCE;
    let _there = shared.present.enter(&name, &tcp);
    machine::serve(shared, &mut line, &name);
    line.farewell();
}

/// Describes the failure of a handshake, without quoting anything that was sent.
fn words(error: &io::Error) -> String {
    let of_tls = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match (of_tls, error.kind()) {
        (Some(rustls::Error::NoCertificatesPresented), _) => "no certificate".to_owned(),
        (Some(rustls::Error::InvalidCertificate(why)), _) => format!("its certificate: {why:?}"),
        (Some(rustls::Error::PeerIncompatible(_)), _) => "not TLS 1.3 as spoken here".to_owned(),
        (Some(rustls::Error::AlertReceived(alert)), _) => format!("it has refused: {alert:?}"),
        (Some(_), _) => "not TLS".to_owned(),
        (None, ErrorKind::TimedOut | ErrorKind::WouldBlock) => "no handshake in time".to_owned(),
        (None, _) => "it has gone during the handshake".to_owned(),
    }
}

#[cfg(test)]
mod tests;
