//! The line to a machine or an administrator: TLS over a socket, on which nothing takes longer than it may.

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use otp_helper::frame::{BadFrame, Fields};
use rustls::{ServerConnection, Stream};
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a message may take once its first byte has come.
pub(super) const TO_READ: Duration = Duration::from_secs(5);

/// How long the other side may take to hear a message.
pub(super) const TO_WRITE: Duration = Duration::from_secs(5);

/// A line whose handshake is done, or about to be made.
pub(super) struct TlsLine {
    tls: ServerConnection,
    tcp: Arc<TcpStream>,
    /// How long is waited for the first byte of a message.
    pub patience: Duration,
    /// What becomes readable when this verifier ends: then nothing is waited for any longer.
    stop: Option<std::os::unix::net::UnixStream>,
}

impl TlsLine {
    pub(super) const fn new(
        tls: ServerConnection,
        tcp: Arc<TcpStream>,
        stop: Option<std::os::unix::net::UnixStream>,
    ) -> Self {
        Self {
            tls,
            tcp,
            patience: TO_READ,
            stop,
        }
    }

    /// Makes the handshake.
    ///
    /// # Errors
    /// It fails, or takes longer than `limit`.
    pub(super) fn shake_hands(&mut self, limit: Duration) -> io::Result<()> {
        let until = Instant::now() + limit;
        while self.tls.is_handshaking() {
            self.tls.complete_io(&mut Timed {
                tcp: &self.tcp,
                until,
            })?;
        }
        Ok(())
    }

    /// What TLS knows of the other side.
    pub(super) const fn tls(&self) -> &ServerConnection {
        &self.tls
    }

    /// Waits until something is said; `false`: nothing was, or the other side has gone, or this verifier is about to end.
    pub(super) fn waits_for_more(&mut self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        loop {
            // What was read from the socket along with an earlier message is not in it any more.
            match self.tls.process_new_packets() {
                Ok(state) if state.plaintext_bytes_to_read() > 0 => return true,
                Ok(state) if state.peer_has_closed() => return false,
                Ok(_) => {}
                Err(_) => return false,
            }
            match self.ready(until) {
                Ready::Said => {}
                Ready::Nothing => return false,
            }
            match self.tls.read_tls(&mut &*self.tcp) {
                Ok(0) => return false,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
    }

    fn ready(&self, until: Instant) -> Ready {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ready::Nothing;
            }
            let mut waiting = vec![PollFd::new(self.tcp.as_fd(), PollFlags::POLLIN)];
            if let Some(stop) = &self.stop {
                waiting.push(PollFd::new(stop.as_fd(), PollFlags::POLLIN));
            }
            match poll(&mut waiting, timeout(left)) {
                Ok(_) if waiting[0].any() == Some(true) => return Ready::Said,
                Ok(_) if waiting.get(1).is_some_and(|stop| stop.any() == Some(true)) => {
                    return Ready::Nothing;
                }
                Ok(_) | Err(Errno::EINTR) => {}
                Err(_) => return Ready::Nothing,
            }
        }
    }

    /// Says that nothing more follows, so that the other side knows this end from one that was cut off.
    pub(super) fn farewell(&mut self) {
        self.tls.send_close_notify();
        let until = Instant::now() + Duration::from_secs(1);
        // Whoever has gone need not hear it.
        self.tls
            .write_tls(&mut Timed {
                tcp: &self.tcp,
                until,
            })
            .ok();
        self.tcp.shutdown(std::net::Shutdown::Write).ok();
    }

    fn within<T>(
        &mut self,
        limit: Duration,
        work: impl FnOnce(&mut Stream<'_, ServerConnection, Timed<'_>>) -> T,
    ) -> T {
        let until = Instant::now() + limit;
        let mut timed = Timed {
            tcp: &self.tcp,
            until,
        };
        work(&mut Stream::new(&mut self.tls, &mut timed))
    }
}

enum Ready {
    Said,
    Nothing,
}

impl otp_helper::serving::Line for TlsLine {
    fn read(&mut self) -> Result<Fields, BadFrame> {
        if !self.waits_for_more(self.patience) {
            return Err(BadFrame::Silence);
        }
        self.within(TO_READ, |stream| Fields::read_from(stream))
    }

    fn say(&mut self, message: &Fields) -> Option<()> {
        let bytes = message.to_bytes()?;
        self.within(TO_WRITE, |stream| {
            stream.write_all(&bytes).and_then(|()| stream.flush())
        })
        .ok()
    }
}

impl Read for TlsLine {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.within(self.patience, |stream| stream.read(buffer))
    }
}

impl Write for TlsLine {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.within(TO_WRITE, |stream| stream.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.within(TO_WRITE, |stream| stream.flush())
    }
}

impl TlsLine {
    /// What becomes readable when the other side says something or leaves.
    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.tcp.as_fd()
    }
}

/// A socket on which all reads and writes together end at one moment, however slowly the other side goes.
struct Timed<'a> {
    tcp: &'a TcpStream,
    until: Instant,
}

impl Timed<'_> {
    fn left(&self) -> io::Result<Option<Duration>> {
        let left = self.until.saturating_duration_since(Instant::now());
        // A timeout of nothing would be none.
        if left < Duration::from_millis(1) {
            return Err(ErrorKind::TimedOut.into());
        }
        Ok(Some(left))
    }
}

impl Read for Timed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.tcp.set_read_timeout(self.left()?)?;
        self.tcp.read(buffer)
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.tcp.set_write_timeout(self.left()?)?;
        self.tcp.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Rounded up, so that nothing is waited for in a circle.
fn timeout(left: Duration) -> PollTimeout {
    let milliseconds = left.as_millis().saturating_add(1);
    PollTimeout::from(u16::try_from(milliseconds).unwrap_or(u16::MAX))
}
