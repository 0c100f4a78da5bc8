//! The line to a machine or an administrator: TLS over a socket, with a time limit on every step.

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use otp_helper::frame::{BadFrame, Fields};
use rustls::{ServerConnection, Stream};
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The time that a message may take once its first byte has come.
pub(super) const TO_READ: Duration = Duration::from_secs(5);

/// The time that the other side may take to receive a message.
pub(super) const TO_WRITE: Duration = Duration::from_secs(5);

/// A line before or after its handshake.
pub(super) struct TlsLine {
    tls: ServerConnection,
    tcp: Arc<TcpStream>,
    /// How long to wait for the first byte of a message.
    pub patience: Duration,
    /// Becomes readable when this verifier ends: then all waiting ends.
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

    /// Returns the TLS connection, which knows the other side.
    pub(super) const fn tls(&self) -> &ServerConnection {
        &self.tls
    }

    /// Waits for data; `false`: none came, the other side has gone, or this verifier is about to end.
    pub(super) fn waits_for_more(&mut self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        loop {
            // Data that was read together with an earlier message is no longer in the socket.
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

    /// Tells the other side that nothing more follows, so that it can tell this end from a cut line.
    pub(super) fn farewell(&mut self) {
        self.tls.send_close_notify();
        let until = Instant::now() + Duration::from_secs(1);
        // If the other side is gone, it need not get this.
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
    /// Returns a descriptor that becomes readable when the other side sends data or leaves.
    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.tcp.as_fd()
    }
}

/// A socket on which all reads and writes together end at one moment, however slow the other side is.
struct Timed<'a> {
    tcp: &'a TcpStream,
    until: Instant,
}

impl Timed<'_> {
    fn left(&self) -> io::Result<Option<Duration>> {
        let left = self.until.saturating_duration_since(Instant::now());
        // A timeout of zero would mean none.
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

/// Rounds up, so that the wait does not spin.
fn timeout(left: Duration) -> PollTimeout {
    let milliseconds = left.as_millis().saturating_add(1);
    PollTimeout::from(u16::try_from(milliseconds).unwrap_or(u16::MAX))
}
