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

/// The longest conversation with a person.
pub(super) const LONGEST_CONVERSATION: Duration = Duration::from_secs(600);

/// The longest matter without a person.
pub(super) const LONGEST_QUESTION: Duration = Duration::from_secs(60);

/// The lifetime of this process. It ends a stopped process too.
pub(super) struct Life(Timer);

impl Life {
    /// Starts the time.
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

    /// Starts the time again, with another limit.
    pub(super) fn lasts(&mut self, longest: Duration) -> nix::Result<()> {
        let once = Expiration::OneShot(longest.into());
        self.0.set(once, TimerSetTimeFlags::empty())
    }
}

/// Hardens this process: it leaves no core dump, shows no text of a panic, makes no file that others can read, has no
/// environment, and keeps no directory busy.
pub(super) fn harden() -> io::Result<()> {
    prctl::set_dumpable(false)?;
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    panic::set_hook(Box::new(|_| {}));
    umask(Mode::from_bits_truncate(0o077));
    std::env::set_current_dir("/")?;
    system::clear_environment()
}

/// Takes the connection from standard input. PAM modules and their programs find an empty input instead. Lets the
/// kernel end this process when its parent ends.
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
