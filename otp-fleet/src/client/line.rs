//! One connection to one verifier, with a time limit on every wait.

use crate::tls;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use otp_core::messages::hindrance::VerifierFault;
use otp_core::record::Verifier;
use otp_helper::fleet::ALPN;
use otp_helper::frame::{BadFrame, Fields};
use rustls::{ClientConnection, Stream};
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// Why no message came back.
pub(super) enum Silence {
    /// The parent has gone: no one waits for an answer.
    Gone,
    /// The verifier failed, for this reason.
    Verifier(VerifierFault),
}

/// A connection whose handshake is complete.
pub(super) struct Line {
    /// The verifier at the other end.
    pub verifier: Verifier,
    tls: ClientConnection,
    tcp: TcpStream,
}

impl Line {
    /// Makes the handshake.
    ///
    /// # Errors
    /// The handshake fails, for this reason.
    pub(super) fn begin(
        verifier: Verifier,
        mut tls: ClientConnection,
        tcp: TcpStream,
        deadline: Instant,
    ) -> Result<Self, VerifierFault> {
        let mut timed = Timed::new(&tcp, deadline, Watch::Nobody);
        while tls.is_handshaking() {
            if let Err(error) = tls.complete_io(&mut timed) {
                return Err(reason(&error));
            }
        }
        // A server that does not know the protocol continues without it.
        if tls.alpn_protocol() != Some(ALPN) {
            return Err(VerifierFault::OtherProtocol);
        }
        Ok(Self { verifier, tls, tcp })
    }

    /// Checks that the verifier still listens and has sent nothing: between two requests it must not.
    ///
    /// # Errors
    /// It does not listen or has sent something; the text is the reason.
    pub(super) fn still_there(&mut self) -> Result<(), VerifierFault> {
        loop {
            let mut ready = [PollFd::new(self.tcp.as_fd(), PollFlags::POLLIN)];
            match poll(&mut ready, PollTimeout::ZERO) {
                Ok(0) => return Ok(()),
                Ok(_) | Err(Errno::EINTR) => {}
                Err(errno) => return Err(reason(&errno.into())),
            }
            // Tickets for later connections come unasked, and are not kept.
            match self.tls.read_tls(&mut &self.tcp) {
                Ok(0) => return Err(VerifierFault::Closed),
                Ok(_) => {}
                Err(error) => return Err(reason(&error)),
            }
            match self.tls.process_new_packets() {
                Ok(state) if state.peer_has_closed() => {
                    return Err(VerifierFault::Closed);
                }
                Ok(state) if state.plaintext_bytes_to_read() > 0 => {
                    return Err(VerifierFault::Unasked);
                }
                Ok(_) => {}
                Err(error) => return Err(reason(&io::Error::new(ErrorKind::InvalidData, error))),
            }
        }
    }

    /// Sends a message.
    ///
    /// # Errors
    /// See [`Silence`]; the message may still have arrived.
    pub(super) fn say(&mut self, message: &Fields, deadline: Instant) -> Result<(), Silence> {
        let bytes = message
            .to_bytes()
            .ok_or(Silence::Verifier(VerifierFault::TooLong))?;
        let mut timed = Timed::new(&self.tcp, deadline, Watch::Parent);
        let mut stream = Stream::new(&mut self.tls, &mut timed);
        let sent = stream.write_all(&bytes).and_then(|()| stream.flush());
        sent.map_err(|error| timed.silence(&error))
    }

    /// Waits for a message.
    ///
    /// # Errors
    /// See [`Silence`].
    pub(super) fn hear(&mut self, deadline: Instant) -> Result<Fields, Silence> {
        let mut timed = Timed::new(&self.tcp, deadline, Watch::Parent);
        let mut noting = Noting {
            stream: Stream::new(&mut self.tls, &mut timed),
            error: None,
        };
        let read = Fields::read_from(&mut noting);
        let error = noting.error;
        read.map_err(|bad| match (bad, error) {
            (BadFrame::Silence, Some(error)) => timed.silence(&error),
            (BadFrame::Silence, None) => Silence::Verifier(VerifierFault::Incomplete),
            (BadFrame::Mark | BadFrame::TooLarge | BadFrame::Fields, _) => {
                Silence::Verifier(VerifierFault::Senseless)
            }
        })
    }
}

/// Describes an error of the connection, without quoting any message.
fn reason(error: &io::Error) -> VerifierFault {
    match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => VerifierFault::Late,
        ErrorKind::UnexpectedEof => VerifierFault::Closed,
        _ => VerifierFault::Refused {
            error: tls::wording_of(error),
        },
    }
}

/// A reader that keeps the error, which the reader of messages leaves out.
struct Noting<R> {
    stream: R,
    error: Option<io::Error>,
}

impl<R: Read> Read for Noting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer).map_err(|error| {
            let kind = error.kind();
            self.error = Some(error);
            kind.into()
        })
    }
}

/// The other side that is watched while this waits for a verifier.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Watch {
    /// The parent: if it has gone, no one wants the answer.
    Parent,
    /// No one: other connections are tried in parallel.
    Nobody,
}

/// A socket on which every wait ends at one deadline.
struct Timed<'a> {
    tcp: &'a TcpStream,
    deadline: Instant,
    watch: Watch,
    parent_has_gone: bool,
}

impl<'a> Timed<'a> {
    const fn new(tcp: &'a TcpStream, deadline: Instant, watch: Watch) -> Self {
        Self {
            tcp,
            deadline,
            watch,
            parent_has_gone: false,
        }
    }

    fn silence(&self, error: &io::Error) -> Silence {
        if self.parent_has_gone {
            Silence::Gone
        } else {
            Silence::Verifier(reason(error))
        }
    }

    /// Waits until the socket is ready.
    fn wait(&mut self, flags: PollFlags) -> io::Result<()> {
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            let input = io::stdin();
            // The end of the parent is reported without being asked for.
            let parent = PollFd::new(input.as_fd(), PollFlags::empty());
            let mut both = [PollFd::new(self.tcp.as_fd(), flags), parent];
            let watched = match self.watch {
                Watch::Parent => &mut both[..],
                Watch::Nobody => &mut both[..1],
            };
            match poll(watched, timeout(left)) {
                Ok(_) => {}
                Err(Errno::EINTR) => continue,
                Err(errno) => return Err(errno.into()),
            }
            let has = |at: usize| both[at].any() == Some(true);
            if self.watch == Watch::Parent && has(1) {
                self.parent_has_gone = true;
                return Err(ErrorKind::BrokenPipe.into());
            }
            if has(0) {
                return Ok(());
            }
        }
    }
}

/// Rounds up, so that the wait does not spin.
fn timeout(left: Duration) -> PollTimeout {
    let milliseconds = left.as_millis().saturating_add(1);
    PollTimeout::from(u16::try_from(milliseconds).unwrap_or(u16::MAX))
}

impl Read for Timed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.wait(PollFlags::POLLIN)?;
        (&*self.tcp).read(buffer)
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.wait(PollFlags::POLLOUT)?;
        (&*self.tcp).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
