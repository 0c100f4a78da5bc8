//! The controlling terminal: where questions are asked and secrets are shown.
//!
//! Signals that would end the process are held back and read like input, so that whoever leaves, and however, every
//! file that is not to be kept is removed and the terminal gets its modes back. All waiting is for the terminal and a
//! signal at once, and the terminal is opened anew and does not block: neither a stopped screen nor a cut line can
//! hold the process.

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
use std::fs::File;
use std::os::fd::AsFd;
use zeroize::Zeroizing;

/// The person at the terminal pressed Ctrl-C or Ctrl-D, or the terminal or the whole process is being ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left;

impl From<Left> for Trouble {
    fn from(_: Left) -> Self {
        Self::Left
    }
}

impl From<Left> for crate::failure::Failure {
    fn from(_: Left) -> Self {
        Self::Trouble(Trouble::Left)
    }
}

/// The controlling terminal.
pub struct Terminal {
    tty: File,
    signals: SignalFd,
}

/// Whether what is typed can be seen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Echo {
    /// It can.
    On,
    /// It cannot.
    Off,
}

/// The longest line that a terminal hands over (`N_TTY_BUF_SIZE`).
const LINE: usize = 4096;
const NEVER: PollTimeout = PollTimeout::NONE;

/// The value of a special character that no key has (`_POSIX_VDISABLE`).
const NO_KEY: u8 = 0;

impl Terminal {
    /// Opens it, and from now on holds back the signals that mean "leave"; `None`: there is no terminal.
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
        })
    }

    /// Shows a text.
    pub fn show(&self, text: &str) -> Result<(), Left> {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            self.wait_for(PollFlags::POLLOUT)?;
            match write(&self.tty, rest) {
                Ok(count) => rest = &rest[count..],
                Err(Errno::EAGAIN | Errno::EINTR) => {}
                Err(_) => return Err(Left),
            }
        }
        Ok(())
    }

    /// Shows a question and reads the line that is typed after it, without its end.
    pub fn ask(&self, question: &str, echo: Echo) -> Result<Zeroizing<Vec<u8>>, Left> {
        let _hidden = match echo {
            Echo::On => None,
            Echo::Off => Some(Hidden::begin(&self.tty).ok_or(Left)?),
        };
        self.show(question)?;
        let answer = self.read_line();
        if answer.is_err() {
            // What stands on the screen next, our last words or the shell's prompt, begins a line of its own.
            write(&self.tty, b"\n").ok();
        }
        answer
    }

    /// Leaves when a signal to do so has come meanwhile: the last chance before something is made to last.
    pub fn still_here(&self) -> Result<(), Left> {
        match self.signals.read_signal() {
            Ok(None) => Ok(()),
            Ok(Some(_)) | Err(_) => Err(Left),
        }
    }

    /// Columns and lines of the screen; those of an old terminal where it does not say.
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
            self.wait_for(PollFlags::POLLIN)?;
            let count = match read(&self.tty, &mut *part) {
                Ok(0) => return Err(Left),
                Ok(count) => count,
                Err(Errno::EAGAIN | Errno::EINTR) => continue,
                Err(_) => return Err(Left),
            };
            let (typed, ended) = match part[..count].split_last() {
                Some((b'\n', typed)) => (typed, true),
                _ => (&part[..count], false),
            };
            // Longer than any line: not an answer, and not worth growing for.
            if line.len() + typed.len() > LINE {
                return Err(Left);
            }
            line.extend_from_slice(typed);
            if ended {
                return Ok(line);
            }
        }
    }

    /// Waits until the terminal is ready; a signal or a hang-up comes first.
    fn wait_for(&self, ready: PollFlags) -> Result<(), Left> {
        loop {
            let mut waiting = [
                PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
                PollFd::new(self.tty.as_fd(), ready),
            ];
            match poll(&mut waiting, NEVER) {
                Ok(_) => {}
                Err(Errno::EINTR) => continue,
                Err(_) => return Err(Left),
            }
            let [signal, tty] = waiting.map(|one| one.revents().unwrap_or(PollFlags::POLLERR));
            let gone = PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL;
            if !signal.is_empty() || tty.intersects(gone) {
                return Err(Left);
            }
            if tty.intersects(ready) {
                return Ok(());
            }
        }
    }
}

/// A terminal that does not show what is typed, until dropped.
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
        // Stopped here, the shell would take the terminal over with its echo off.
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
