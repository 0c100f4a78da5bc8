//! The controlling terminal, at which questions are asked and secrets are shown.
//!
//! Signals that would end the process are held back and read like input. So in whatever way the person leaves, every
//! file that is not to be kept is removed, and the terminal gets its modes back. The process always waits for the
//! terminal and a signal at once, and opens the terminal anew without blocking: neither a stopped screen nor a cut
//! line can hold the process.

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::stat::Mode;
use nix::sys::termios::{
    LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr,
};
use nix::unistd::{read, write};
use otp_core::messages::trouble::Trouble;
use std::cell::OnceCell;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use zeroize::Zeroizing;

/// The dialogue was left: the person pressed Ctrl-C or Ctrl-D, or the terminal, the process or the other side is
/// ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// The person or the terminal has left.
    Person,
    /// The other side of a dialogue has left while the person was asked.
    OtherSide,
}

impl From<Left> for Trouble {
    fn from(left: Left) -> Self {
        match left {
            Left::Person => Self::Left,
            Left::OtherSide => Self::TimeIsOver,
        }
    }
}

impl From<Left> for crate::failure::Failure {
    fn from(left: Left) -> Self {
        Self::Trouble(left.into())
    }
}

/// The controlling terminal.
pub struct Terminal {
    tty: File,
    signals: SignalFd,
    other_side: OnceCell<OwnedFd>,
}

/// Whether the typed text is visible.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Echo {
    /// It is visible.
    On,
    /// It is hidden.
    Off,
}

/// The longest line that a terminal passes on (`N_TTY_BUF_SIZE`).
const LINE: usize = 4096;
const NEVER: PollTimeout = PollTimeout::NONE;

/// The value of a special character that no key produces (`_POSIX_VDISABLE`).
const NO_KEY: u8 = 0;

impl Terminal {
    /// Opens the terminal, and holds back from now on the signals that mean "leave"; `None`: there is no terminal.
    #[must_use]
    pub fn open() -> Option<Self> {
        let flags = OFlag::O_RDWR | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let tty = open("/dev/tty", flags, Mode::empty()).ok()?;
        let mut leave = SigSet::empty();
        for signal in [
            Signal::SIGINT,
            Signal::SIGTERM,
            Signal::SIGHUP,
            Signal::SIGQUIT,
            Signal::SIGALRM,
            Signal::SIGVTALRM,
            Signal::SIGPROF,
            Signal::SIGUSR1,
            Signal::SIGUSR2,
            Signal::SIGXCPU,
        ] {
            leave.add(signal);
        }
        leave.thread_block().ok()?;
        let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
        let signals = SignalFd::with_flags(&leave, flags).ok()?;
        Some(Self {
            tty: tty.into(),
            signals,
            other_side: OnceCell::new(),
        })
    }

    /// Ties questions to another side, which sends nothing while it waits: from now on, no question outlasts it.
    pub fn ask_on_behalf_of(&self, other_side: OwnedFd) {
        self.other_side.set(other_side).ok();
    }

    /// Shows a text.
    ///
    /// # Errors
    /// The person has left, or the other side has.
    pub fn show(&self, text: &str) -> Result<(), Left> {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            self.wait_until(self.tty.as_fd(), PollFlags::POLLOUT)?;
            match write(&self.tty, rest) {
                Ok(count) => rest = &rest[count..],
                Err(Errno::EAGAIN | Errno::EINTR) => {}
                Err(_) => return Err(Left::Person),
            }
        }
        Ok(())
    }

    /// Shows a question, and reads the typed line without its line end.
    ///
    /// # Errors
    /// The person has left, or the other side has.
    pub fn ask(&self, question: &str, echo: Echo) -> Result<Zeroizing<Vec<u8>>, Left> {
        let _hidden = match echo {
            Echo::On => None,
            Echo::Off => Some(Hidden::begin(&self.tty).ok_or(Left::Person)?),
        };
        self.show(question)?;
        let answer = self.read_line();
        if answer.is_err() {
            // The next text on the screen, our last words or the shell's prompt, must begin a new line.
            write(&self.tty, b"\n").ok();
        }
        answer
    }

    /// Waits until `other` can be read; a signal or a hang-up comes first.
    ///
    /// # Errors
    /// The person has left, or the other side has.
    pub fn wait_for(&self, other: BorrowedFd<'_>) -> Result<(), Left> {
        self.wait_until(other, PollFlags::POLLIN)
    }

    /// Leaves if a signal to leave has come: the last chance before a change is stored.
    ///
    /// # Errors
    /// The person has left, or the other side has.
    pub fn still_here(&self) -> Result<(), Left> {
        match self.signals.read_signal() {
            Ok(None) => Ok(()),
            Ok(Some(_)) | Err(_) => Err(Left::Person),
        }
    }

    /// Returns the columns and lines of the screen; those of an old terminal if it does not report them.
    pub fn size(&self) -> (usize, usize) {
        let size = terminal_size::terminal_size_of(self.tty.as_fd());
        match size.map(|(columns, lines)| (columns.0.into(), lines.0.into())) {
            Some((columns, lines)) if columns > 0 && lines > 0 => (columns, lines),
            _ => (80, 24),
        }
    }

    fn read_line(&self) -> Result<Zeroizing<Vec<u8>>, Left> {
        let mut line = Zeroizing::new(Vec::with_capacity(LINE));
        let mut part = Zeroizing::new([0; LINE]);
        loop {
            self.wait_until(self.tty.as_fd(), PollFlags::POLLIN)?;
            let count = match read(&self.tty, &mut *part) {
                Ok(0) => return Err(Left::Person),
                Ok(count) => count,
                Err(Errno::EAGAIN | Errno::EINTR) => continue,
                Err(_) => return Err(Left::Person),
            };
            let (typed, ended) = match part[..count].split_last() {
                Some((b'\n', typed)) => (typed, true),
                _ => (&part[..count], false),
            };
            // Such a line is longer than any real one: it is not an answer, and memory must not grow for it.
            if line.len() + typed.len() > LINE {
                return Err(Left::Person);
            }
            line.extend_from_slice(typed);
            if ended {
                return Ok(line);
            }
        }
    }

    /// Waits until `what` is ready; a signal or a hang-up of the terminal comes first.
    fn wait_until(&self, what: BorrowedFd<'_>, ready: PollFlags) -> Result<(), Left> {
        loop {
            let mut waiting = vec![
                PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
                PollFd::new(self.tty.as_fd(), PollFlags::empty()),
                PollFd::new(what, ready),
            ];
            let asks = what.as_raw_fd() == self.tty.as_raw_fd() && ready == PollFlags::POLLIN;
            if let (Some(other_side), true) = (self.other_side.get(), asks) {
                waiting.push(PollFd::new(other_side.as_fd(), PollFlags::POLLIN));
            }
            match poll(&mut waiting, NEVER) {
                Ok(_) => {}
                Err(Errno::EINTR) => continue,
                Err(_) => return Err(Left::Person),
            }
            let happened = |at: usize| match waiting.get(at) {
                Some(one) => one.revents().unwrap_or(PollFlags::POLLERR),
                None => PollFlags::empty(),
            };
            let (signal, tty, what, other_side) =
                (happened(0), happened(1), happened(2), happened(3));
            let gone = PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL;
            if !signal.is_empty() || tty.intersects(gone) {
                return Err(Left::Person);
            }
            if !other_side.is_empty() {
                return Err(Left::OtherSide);
            }
            // The end of `what` can be read too.
            if what.intersects(ready | gone) {
                return Ok(());
            }
        }
    }
}

/// A terminal that does not show the typed text, until this is dropped.
struct Hidden<'a> {
    tty: &'a File,
    before: Termios,
}

impl<'a> Hidden<'a> {
    fn begin(tty: &'a File) -> Option<Self> {
        let before = tcgetattr(tty).ok()?;
        let mut hidden = before.clone();
        hidden.local_flags.remove(LocalFlags::ECHO);
        hidden.local_flags.insert(LocalFlags::ECHONL);
        // If the process were stopped here, the shell would get the terminal with echo off.
        hidden.control_chars[SpecialCharacterIndices::VSUSP as usize] = NO_KEY;
        tcsetattr(tty, SetArg::TCSANOW, &hidden).ok()?;
        Some(Self { tty, before })
    }
}

impl Drop for Hidden<'_> {
    fn drop(&mut self) {
        tcsetattr(self.tty, SetArg::TCSANOW, &self.before).ok();
    }
}
