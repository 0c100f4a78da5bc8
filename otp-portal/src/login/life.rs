//! What a process of the login part gives up before it reads anything, and how long it may live.

use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{SigEvent, SigSet, SigevNotify, SigmaskHow, Signal};
use nix::sys::stat::{Mode, umask};
use nix::sys::timer::{Expiration, Timer, TimerSetTimeFlags};
use nix::time::ClockId;
use nix::unistd::{dup2_stderr, dup2_stdin, dup2_stdout};
use otp_helper::system;
use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::panic;
use std::time::Duration;

/// A conversation with a person, in all.
pub(super) const LONGEST_CONVERSATION: Duration = Duration::from_secs(600);

/// What no person takes part in.
pub(super) const LONGEST_QUESTION: Duration = Duration::from_secs(60);

/// The time that this process has. Holds for a stopped process too.
pub(super) struct Life(Timer);

impl Life {
    /// Sets the limit.
    pub(super) fn begin() -> nix::Result<Self> {
        let kill = SigevNotify::SigevSignal {
            signal: Signal::SIGKILL,
            si_value: 0,
        };
        let timer = Timer::new(ClockId::CLOCK_MONOTONIC, SigEvent::new(kill))?;
        let mut life = Self(timer);
        life.lasts(LONGEST_QUESTION)?;
        Ok(life)
    }

    /// Begins anew.
    pub(super) fn lasts(&mut self, longest: Duration) -> nix::Result<()> {
        let once = Expiration::OneShot(longest.into());
        self.0.set(once, TimerSetTimeFlags::empty())
    }
}

/// Makes this process one that leaves nothing behind: no core, no text of a panic, no file that others may read, no
/// environment, and no place that it keeps busy.
pub(super) fn harden() -> io::Result<()> {
    prctl::set_dumpable(false)?;
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    panic::set_hook(Box::new(|_| {}));
    umask(Mode::from_bits_truncate(0o077));
    std::env::set_current_dir("/")?;
    system::clear_environment()
}

/// Takes the connection from standard input, in the place of which modules and what they start find nothing; ends with the
/// process that has accepted it.
pub(super) fn take_connection() -> io::Result<OwnedFd> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    SigSet::empty().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
    let connection = io::stdin().as_fd().try_clone_to_owned()?;
    let nothing = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/null")?;
    dup2_stdin(&nothing)?;
    dup2_stdout(&nothing)?;
    dup2_stderr(&nothing)?;
    Ok(connection)
}
