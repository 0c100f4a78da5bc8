//! A lock that nobody can make last: signals wait, and a time limit holds even for a process that is stopped.
//!
//! su and sudo run as root on behalf of a user, who may send them signals: a SIGSTOP or a Ctrl-Z at the right moment
//! would hold another person's lock for ever and keep them from logging in. Signals that can be blocked are. SIGSTOP
//! cannot, and a stopped process runs no code, so only the kernel can end it: a timer whose signal is SIGKILL.

use nix::sys::signal::{SigEvent, SigSet, SigevNotify, SigmaskHow, Signal};
use nix::sys::timer::{Expiration, Timer, TimerSetTimeFlags};
use nix::time::ClockId;
use nix::unistd::{getegid, geteuid, getgid, getuid};
use std::io;
use std::time::Duration;

/// Thousands of times what an attempt takes, and less than what another login waits for the lock.
const LONGEST: Duration = Duration::from_secs(3);

/// While it lives, this process is not interrupted, and it does not outlive the time limit.
pub(crate) struct Undisturbed {
    signals_before: SigSet,
    _time_limit: Option<Timer>,
}

impl Undisturbed {
    /// Begins, before the lock is taken.
    ///
    /// # Errors
    /// The kernel gives no timer: a user can bring that about with a limit, so the caller refuses.
    pub(crate) fn begin() -> io::Result<Self> {
        let time_limit = can_be_stopped_by_a_user()
            .then(|| time_limit(LONGEST))
            .transpose()?;
        let signals_before = blockable().thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        Ok(Self {
            signals_before,
            _time_limit: time_limit,
        })
    }
}

impl Drop for Undisturbed {
    fn drop(&mut self) {
        // It cannot fail: the set came from the kernel.
        self.signals_before.thread_set_mask().ok();
    }
}

/// Whether somebody less privileged than this process may send it signals.
///
/// Elsewhere (sshd, a display manager, an authentication daemon) nobody but root can, and to kill a process that
/// serves many because of a slow disk would be worse.
fn can_be_stopped_by_a_user() -> bool {
    getuid() != geteuid() || getgid() != getegid()
}

/// Everything but what the kernel sends for a fault of this thread: blocked, that would kill anyway, without a word.
fn blockable() -> SigSet {
    let mut signals = SigSet::all();
    for fault in [
        Signal::SIGSEGV,
        Signal::SIGBUS,
        Signal::SIGILL,
        Signal::SIGFPE,
        Signal::SIGTRAP,
        Signal::SIGSYS,
    ] {
        signals.remove(fault);
    }
    signals
}

fn time_limit(longest: Duration) -> io::Result<Timer> {
    let kill = SigevNotify::SigevSignal {
        signal: Signal::SIGKILL,
        si_value: 0,
    };
    let mut timer = Timer::new(ClockId::CLOCK_MONOTONIC, SigEvent::new(kill))?;
    timer.set(
        Expiration::OneShot(longest.into()),
        TimerSetTimeFlags::empty(),
    )?;
    Ok(timer)
}
