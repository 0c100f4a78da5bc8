//! A lock that no user can make last: signals wait, other users' processes cannot reach this one, and what stops it all
//! the same is undone by the kernel.
//!
//! su and sudo run as root on behalf of a user, who may send them signals: a SIGSTOP or a Ctrl-Z at the right moment
//! would hold another person's lock for ever, and a SIGKILL would cut an attempt at a moment of the user's choice. While
//! a record is locked
//! - signals that can be blocked are;
//! - a process that is root on a user's behalf has root's real user id as well, so that the user may not signal it;
//! - a process that a user can reach all the same (otp-helper has no other user id to take) is continued by a timer 20
//!   times a second, and killed by another when a lock has lasted longer than any disk takes: a stopped process runs no
//!   code, so only the kernel can do either.

use nix::sys::signal::{SigEvent, SigSet, SigevNotify, SigmaskHow, Signal};
use nix::sys::timer::{Expiration, Timer, TimerSetTimeFlags};
use nix::time::ClockId;
use nix::unistd::{ResUid, Uid, getegid, geteuid, getgid, getresuid, getuid, setresuid};
use rustix::thread::{CapabilitySet, capabilities};
use std::io;
use std::time::Duration;

/// How long a lock may be held at most: a disk that has work to do may keep one write waiting for many seconds, and a
/// login that is killed there has used its code up. Only a process that is frozen comes near it.
const LONGEST: Duration = Duration::from_secs(30);

/// How long a process stays stopped that somebody stops.
const STOPPED: Duration = Duration::from_millis(50);

/// While it lives, this process is not interrupted. A keeper whose holders keep each other out makes one; so does whoever
/// has more to do than that, as to write the record of a change: one within another is as good as one.
#[derive(Debug)]
pub struct Undisturbed {
    signals_before: SigSet,
    ids_before: Option<ResUid>,
    limits: Vec<Timer>,
}

impl Undisturbed {
    /// Begins, before the lock is taken.
    ///
    /// # Errors
    /// The kernel gives no timer: a user can bring that about with a limit, so the caller refuses.
    pub fn begin() -> io::Result<Self> {
        let reachable = can_be_reached_by_a_user();
        let limits = if reachable {
            vec![
                timer(Signal::SIGCONT, Expiration::Interval(STOPPED.into()))?,
                timer(Signal::SIGKILL, Expiration::OneShot(LONGEST.into()))?,
            ]
        } else {
            Vec::new()
        };
        let signals_before = blockable().thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        Ok(Self {
            signals_before,
            ids_before: reachable.then(out_of_reach).flatten(),
            limits,
        })
    }

    /// Ends the limits: the lock is let go. Signals still wait.
    pub(crate) fn unlimited(mut self) -> Self {
        self.limits.clear();
        self
    }
}

impl Drop for Undisturbed {
    fn drop(&mut self) {
        self.limits.clear();
        if let Some(before) = self.ids_before
            && setresuid(before.real, before.effective, before.saved).is_err()
        {
            // This process may set its ids (`out_of_reach` has asked), so only a kernel without memory refuses. Its
            // program may take what it finds for the caller's: better none than one that is root without knowing.
            std::process::abort();
        }
        // It cannot fail: the set came from the kernel.
        self.signals_before.thread_set_mask().ok();
    }
}

/// Whether somebody less privileged than this process may send it signals.
///
/// Elsewhere (sshd, a display manager, an authentication daemon) nobody but root can, and to kill a process that
/// serves many because of a slow disk would be worse.
pub(crate) fn can_be_reached_by_a_user() -> bool {
    getuid() != geteuid() || getgid() != getegid()
}

/// Takes root's real and saved user id where this process is root on a user's behalf, so that the user may no longer
/// signal it. Gives the ids of before; `None`: it is not root's, or may not, and the timers are all there is.
fn out_of_reach() -> Option<ResUid> {
    let root = Uid::from_raw(0);
    let before = getresuid().ok().filter(|ids| ids.effective == root)?;
    // Without that capability there would be a way there, since one of the ids is root's, and none back.
    let may = capabilities(None).ok()?.effective;
    if !may.contains(CapabilitySet::SETUID) {
        return None;
    }
    setresuid(root, root, root).ok().map(|()| before)
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

fn timer(signal: Signal, when: Expiration) -> io::Result<Timer> {
    let signal = SigevNotify::SigevSignal {
        signal,
        si_value: 0,
    };
    let mut timer = Timer::new(ClockId::CLOCK_MONOTONIC, SigEvent::new(signal))?;
    timer.set(when, TimerSetTimeFlags::empty())?;
    Ok(timer)
}
