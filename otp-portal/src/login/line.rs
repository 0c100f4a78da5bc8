//! The connection to the portal, from the login part's end.

use crate::wire::Said;
use otp_helper::frame::{BadFrame, Fields};
use otp_helper::session::Reply;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;
use zeroize::Zeroizing;

/// How long a person may be silent.
pub(super) const LONGEST_SILENCE: Duration = Duration::from_secs(120);

/// How long the portal may be silent if no person takes part, and how long it may take to read a message.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Why no more messages come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Silent {
    /// The portal has hung up.
    Gone,
    /// The time is up.
    TooLong,
    /// The portal sends something that does not belong here.
    Senseless,
}

/// The connection.
pub(super) struct Line {
    stream: UnixStream,
    /// Whether the last read has timed out.
    too_long: bool,
}

impl Line {
    pub(super) fn of(connection: OwnedFd) -> io::Result<Self> {
        let stream = UnixStream::from(connection);
        stream.set_nonblocking(false)?;
        stream.set_write_timeout(Some(LONGEST_PAUSE))?;
        stream.set_read_timeout(Some(LONGEST_PAUSE))?;
        Ok(Self {
            stream,
            too_long: false,
        })
    }

    /// From now on, a person answers.
    pub(super) fn wait_for_a_person(&self) -> io::Result<()> {
        self.stream.set_read_timeout(Some(LONGEST_SILENCE))
    }

    /// Waits for a frame.
    pub(super) fn hear(&mut self) -> Result<Fields, Silent> {
        self.too_long = false;
        Fields::read_from(&mut *self).map_err(|bad| match bad {
            BadFrame::Silence if self.too_long => Silent::TooLong,
            BadFrame::Silence => Silent::Gone,
            BadFrame::Mark | BadFrame::TooLarge | BadFrame::Fields => Silent::Senseless,
        })
    }

    /// Waits for the answer of a person.
    pub(super) fn reply(&mut self) -> Result<Reply, Silent> {
        Reply::from_fields(&self.hear()?).ok_or(Silent::Senseless)
    }

    /// Waits for the answer to a question of PAM.
    pub(super) fn text(&mut self) -> Result<Zeroizing<Vec<u8>>, Silent> {
        match self.reply()? {
            Reply::Text(text) => Ok(text),
            Reply::Code(_) | Reply::Keep => Err(Silent::Senseless),
        }
    }

    /// Sends a message; `None`: the portal has gone away, or does not read it.
    pub(super) fn say(&mut self, said: &Said) -> Option<()> {
        let bytes = said.to_fields().to_bytes()?;
        self.stream.write_all(&bytes).ok()
    }
}

impl Read for Line {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.stream.read(buffer);
        if let Err(error) = &read {
            self.too_long = matches!(
                error.kind(),
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
            );
        }
        read
    }
}

impl AsFd for Line {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
