//! Connections: which ones are taken, how long each may last, and how they end.

use super::Portal;
use super::caller::{Connection, Peer};
use super::handover::{Inherited, Manager};
use super::log::{self, Often};
use super::places::{Places, neighbourhood};
use super::tls::{Renewed, Unusable};
use crate::config::{Conf, Listen, Proxy};
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::fs::{self, Permissions};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::time::{Sleep, sleep, timeout};
use tokio_rustls::TlsAcceptor;

/// How long a proxy may take to send the head of a request. This includes the wait for the request, because proxies
/// keep connections open.
const HEAD_OF_A_PROXY: Duration = Duration::from_secs(75);

/// How long the other side may accept nothing of an answer.
const WRITE: Duration = Duration::from_secs(20);

/// The longest head of a request, in bytes, and its most lines.
const HEAD_SIZE: usize = 16 * 1024;
const HEAD_LINES: usize = 64;

/// How long requests in progress may take when the portal ends.
const DRAIN: Duration = Duration::from_secs(10);

/// How long a connection that has asked for nothing yet stays open when the portal ends.
const FIRST_REQUEST: Duration = Duration::from_secs(1);

/// Why the portal cannot serve.
#[derive(Debug)]
pub enum Failed {
    /// The portal cannot listen at this address.
    Listen(String, io::Error),
    /// The certificate or the key cannot be used.
    Tls(Unusable),
    /// A proxy in the configuration is a user that does not exist.
    NoSuchUser(String),
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Listen(at, error) => write!(f, "cannot listen on {at}: {error}"),
            Self::Tls(error) => error.fmt(f),
            Self::NoSuchUser(name) => write!(f, "there is no user {name}, who stands in 'proxies'"),
        }
    }
}

impl std::error::Error for Failed {}

enum Listener {
    Socket(UnixListener),
    Plain(TcpListener),
    Tls(TcpListener),
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Socket(unix) => unix.as_fd(),
            Self::Plain(tcp) | Self::Tls(tcp) => tcp.as_fd(),
        }
    }
}

/// Where the portal listens, before it serves.
pub struct Listening {
    listeners: Vec<Listener>,
    sockets: Vec<PathBuf>,
    tls: Option<Renewed>,
    users: Vec<u32>,
    /// The service manager that keeps the sockets.
    manager: Option<Manager>,
}

impl Listening {
    /// Listens where the configuration says, on sockets of an earlier process if there are any. Called in a runtime.
    ///
    /// # Errors
    /// See [`Failed`].
    pub async fn begin(conf: &Conf, mut inherited: Inherited) -> Result<Self, Failed> {
        let users = Proxy::users(&conf.proxies).map_err(Failed::NoSuchUser)?;
        let tls = conf
            .tls
            .clone()
            .map(Renewed::new)
            .transpose()
            .map_err(Failed::Tls)?;
        inherited.end_all_but(conf);
        let mut listeners = Vec::new();
        let mut sockets = Vec::new();
        for listen in &conf.listen {
            match listen {
                Listen::Socket(path) => {
                    let failed = |error| Failed::Listen(path.display().to_string(), error);
                    let listener = match inherited.at_path(path) {
                        Some(listener) => taken(listener).map_err(failed)?,
                        None => bind(path).map_err(failed)?,
                    };
                    listeners.push(Listener::Socket(listener));
                    sockets.push(path.clone());
                }
                Listen::Loopback(address) => {
                    let listener = bind_tcp(*address, &mut inherited).await?;
                    listeners.push(Listener::Plain(listener));
                }
            }
        }
        for address in conf.tls.iter().flat_map(|tls| &tls.listen) {
            let listener = bind_tcp(*address, &mut inherited).await?;
            listeners.push(Listener::Tls(listener));
        }
        Ok(Self {
            listeners,
            sockets,
            tls,
            users,
            manager: None,
        })
    }

    /// Tells the service manager that the portal is ready, and has it keep the sockets.
    ///
    /// # Errors
    /// The service manager cannot be told.
    pub fn report_to(&mut self, manager: Manager) -> io::Result<()> {
        let sockets: Vec<_> = self.listeners.iter().map(AsFd::as_fd).collect();
        manager.ready(&sockets)?;
        self.manager = Some(manager);
        Ok(())
    }

    /// Returns the addresses of all sockets that are not Unix sockets.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        let addresses = self.listeners.iter().filter_map(|listener| match listener {
            Listener::Socket(_) => None,
            Listener::Plain(tcp) | Listener::Tls(tcp) => tcp.local_addr().ok(),
        });
        addresses.collect()
    }

    /// Serves until `ends` says so. Then takes no more connections and finishes the requests in progress; returns
    /// whether all of them finished.
    pub async fn serve(self, portal: Arc<Portal>, mut ends: watch::Receiver<bool>) -> bool {
        let limits = portal.conf.limits;
        let shared = Arc::new(Shared {
            places: Places::with_reserve(
                limits.connections,
                limits.connections_of_one,
                reserve(&portal.conf),
            ),
            portal,
            tls: self.tls,
            users: self.users,
            ends: ends.clone(),
        });
        let mut tasks = Vec::new();
        for listener in self.listeners {
            tasks.push(tokio::spawn(accept(Arc::clone(&shared), listener)));
        }
        let sweeping = tokio::spawn({
            let portal = Arc::clone(&shared.portal);
            async move {
                loop {
                    sleep(Duration::from_secs(5)).await;
                    portal.sweep();
                }
            }
        });
        told(&mut ends).await;
        for task in tasks {
            task.abort();
            task.await.ok();
        }
        sweeping.abort();
        if let Some(manager) = &self.manager {
            // The sockets stay: the next process takes them over.
            manager.stopping();
        } else {
            for socket in &self.sockets {
                // A file that stays is removed at the next start.
                fs::remove_file(socket).ok();
            }
        }
        let since = Instant::now();
        while shared.places.taken() > 0 && since.elapsed() < DRAIN {
            sleep(Duration::from_millis(10)).await;
        }
        shared.places.taken() == 0
    }
}

/// Every user of this host may connect. The portal then refuses users that are not proxies, by their user ids.
fn bind(path: &Path) -> io::Result<UnixListener> {
    match fs::symlink_metadata(path) {
        // Only one portal runs: it holds a lock on the directory of sessions. So no other process listens here.
        Ok(found) if found.file_type().is_socket() => fs::remove_file(path)?,
        Ok(_) => return Err(io::Error::other("something else is there")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o666))?;
    Ok(listener)
}

fn taken(listener: net::UnixListener) -> io::Result<UnixListener> {
    listener.set_nonblocking(true)?;
    UnixListener::from_std(listener)
}

async fn bind_tcp(address: SocketAddr, inherited: &mut Inherited) -> Result<TcpListener, Failed> {
    let bound = match inherited.at_address(address) {
        Some(listener) => listener
            .set_nonblocking(true)
            .and_then(|()| TcpListener::from_std(listener)),
        None => TcpListener::bind(address).await,
    };
    bound.map_err(|error| Failed::Listen(address.to_string(), error))
}

/// Returns how many connections are reserved for proxies, so that sites stay open for logged-in users while strangers
/// take all others.
fn reserve(conf: &Conf) -> usize {
    if conf.proxies.is_empty() {
        0
    } else {
        conf.limits.connections / 4
    }
}

struct Shared {
    portal: Arc<Portal>,
    places: Places<IpAddr>,
    tls: Option<Renewed>,
    users: Vec<u32>,
    ends: watch::Receiver<bool>,
}

async fn accept(shared: Arc<Shared>, listener: Listener) {
    loop {
        let accepted = match &listener {
            Listener::Socket(socket) => socket
                .accept()
                .await
                .map(|(stream, _)| local(&shared, stream)),
            Listener::Plain(tcp) => tcp
                .accept()
                .await
                .map(|(stream, from)| remote(&shared, stream, from, false)),
            Listener::Tls(tcp) => tcp
                .accept()
                .await
                .map(|(stream, from)| remote(&shared, stream, from, true)),
        };
        if accepted.is_err() {
            // Either the connection is gone already, or all descriptors are in use and one will become free.
            sleep(Duration::from_millis(10)).await;
        }
    }
}

fn local(shared: &Arc<Shared>, stream: UnixStream) {
    let user = stream.peer_cred().map(|found| found.uid());
    let refuse = |reason: &str| shared.portal.log.refused(Often::Connection, None, reason);
    match user {
        Ok(user) if shared.users.contains(&user) => {}
        Ok(user) => {
            return refuse(&format!(
                "user id {user} at the socket is none of the proxies"
            ));
        }
        Err(_) => return refuse("nobody knows who is at the socket"),
    }
    let Some(place) = shared.places.take(None) else {
        return refuse("too many connections");
    };
    let connection = Connection {
        peer: Peer::Local,
        is_tls: false,
    };
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        serve(&shared, Patient::new(stream), connection).await;
        drop(place);
    });
}

fn remote(shared: &Arc<Shared>, stream: TcpStream, from: SocketAddr, is_tls: bool) {
    let peer = Peer::Address(from.ip().to_canonical());
    let is_proxy = peer.is_proxy(&shared.portal.conf.proxies);
    let counted = (!is_proxy).then(|| neighbourhood(from.ip()));
    let Some(place) = shared.places.take(counted) else {
        shared
            .portal
            .log
            .refused(Often::Connection, Some(from.ip()), "too many connections");
        return;
    };
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        // Each answer is one small message.
        stream.set_nodelay(true).ok();
        let connection = Connection { peer, is_tls };
        match &shared.tls {
            Some(tls) if is_tls => {
                let config = tls.config(|error| {
                    log::tell(&format!("{error}: the certificate of before still counts"));
                });
                let shaken = timeout(
                    shared.portal.conf.limits.arrive,
                    TlsAcceptor::from(config).accept(Patient::new(stream)),
                )
                .await;
                if let Ok(Ok(stream)) = shaken {
                    serve(&shared, stream, connection).await;
                }
            }
            _ => serve(&shared, Patient::new(stream), connection).await,
        }
        drop(place);
    });
}

async fn serve<S>(shared: &Arc<Shared>, stream: S, connection: Connection)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let portal = Arc::clone(&shared.portal);
    let is_proxy = connection.peer.is_proxy(&portal.conf.proxies);
    let arrive = portal.conf.limits.arrive;
    let (begins, mut begun) = watch::channel(false);
    let service = service_fn(move |request: Request<Incoming>| {
        begins.send_replace(true);
        let portal = Arc::clone(&portal);
        async move { Ok::<_, Infallible>(portal.handle(connection, request.map(Body::new)).await) }
    });
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(if is_proxy { HEAD_OF_A_PROXY } else { arrive })
        .max_headers(HEAD_LINES)
        .max_buf_size(HEAD_SIZE)
        .half_close(false);
    let serving = builder.serve_connection(TokioIo::new(stream), service);
    let mut serving = std::pin::pin!(serving);
    let mut ends = shared.ends.clone();
    tokio::select! {
        // Errors that a browser causes are not logged: it could cause any number of them.
        _ = serving.as_mut() => {}
        () = told(&mut ends) => {
            // hyper closes a connection from which it has read nothing: the request of one that has just been taken would be lost.
            tokio::select! {
                _ = serving.as_mut() => return,
                _ = timeout(FIRST_REQUEST, begun.wait_for(|begun| *begun)) => {}
            }
            serving.as_mut().graceful_shutdown();
            serving.await.ok();
        }
    }
}

/// Waits until the portal is told to end, or no one can tell it any longer.
async fn told(ends: &mut watch::Receiver<bool>) {
    ends.wait_for(|ends| *ends).await.map(drop).ok();
}

/// A stream that gives up if the other side accepts nothing for too long.
struct Patient<S> {
    stream: S,
    waits: Option<Pin<Box<Sleep>>>,
}

impl<S> Patient<S> {
    const fn new(stream: S) -> Self {
        Self {
            stream,
            waits: None,
        }
    }

    fn or_too_late<T>(
        &mut self,
        context: &mut Context<'_>,
        polled: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.waits = None;
            return polled;
        }
        let waits = self.waits.get_or_insert_with(|| Box::pin(sleep(WRITE)));
        match waits.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.or_too_late(context, polled)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_flush(context);
        self.or_too_late(context, polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_shutdown(context);
        self.or_too_late(context, polled)
    }
}
