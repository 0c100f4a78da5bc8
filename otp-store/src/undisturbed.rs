//! A lock that no user can prolong: signals wait, other users' processes cannot reach this one, and the kernel undoes
//! whatever still stops it.
//!
//! su and sudo run as root on behalf of a user, who may send them signals. A SIGSTOP or a Ctrl-Z at the right moment
//! would hold another person's lock for ever, and a SIGKILL would cut an attempt off at a moment of the user's choice.
//! While a record is locked:
//! - signals that can be blocked are blocked;
//! - a process that is root on a user's behalf also has root's real user id, so that the user may not signal it;
//! - a process that a user can still reach (otp-helper has no other user id to take) is continued by a timer 20 times a
//!   second. Another timer kills it when a lock has lasted longer than any disk takes. A stopped process runs no code,
//!   so only the kernel can do either.

use nix::sys::signal::{SigEvent, SigSet, SigevNotify, SigmaskHow, Signal};
use nix::sys::timer::{Expiration, Timer, TimerSetTimeFlags};
use nix::time::ClockId;
use nix::unistd::{ResUid, Uid, getegid, geteuid, getgid, getresuid, getuid, setresuid};
use rustix::thread::{CapabilitySet, capabilities};
use std::io;
use std::time::Duration;

/// The longest time that a lock may be held. A busy disk may delay one write for many seconds, and a login that is
/// killed then has used its code up. Only a frozen process comes near this limit.
const LONGEST: Duration = Duration::from_secs(30);

/// How long a stopped process stays stopped.
const STOPPED: Duration = Duration::from_millis(50);

/// While this lives, this process is not interrupted. A keeper whose holders exclude each other makes one. So does code
/// that must do more than that undisturbed, such as logging a change. They can be nested.
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
    /// The kernel gives no timer. A user can cause this with a limit, so the caller refuses.
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

    /// Ends the time limits, since the lock is released. Signals still wait.
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
            // This process may set its ids (`out_of_reach` has checked), so this fails only if the kernel has no
            // memory. The program may take the ids that it finds for the caller's: better no program than one that is
            // root without knowing it.
            std::process::abort();
        }
        // This cannot fail: the set came from the kernel.
        self.signals_before.thread_set_mask().ok();
    }
}

/// Whether a user with fewer rights than this process may send it signals.
///
/// Elsewhere (sshd, a display manager, an authentication daemon) only root can. There it would be worse to kill a
/// process that serves many users because of a slow disk.
pub(crate) fn can_be_reached_by_a_user() -> bool {
    getuid() != geteuid() || getgid() != getegid()
}

/// Takes root's real and saved user ids if this process is root on a user's behalf, so that the user may no longer
/// signal it. Returns the ids from before; `None`: the process is not root, or may not change its ids, and only the
/// timers protect it.
fn out_of_reach() -> Option<ResUid> {
    let root = Uid::from_raw(0);
    let before = getresuid().ok().filter(|ids| ids.effective == root)?;
    // Without that capability the ids could be set, since one of them is root's, but not set back.
    let may = capabilities(None).ok()?.effective;
    if !may.contains(CapabilitySet::SETUID) {
        return None;
    }
    setresuid(root, root, root).ok().map(|()| before)
}

/// Returns all signals except those that the kernel sends for a fault of this thread: these kill even if they are
/// blocked, but without a message.
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
