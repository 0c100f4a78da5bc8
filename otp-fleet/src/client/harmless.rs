//! Gives up everything that came from the program that has started this one, before anything is read.
//!
//! This is not a set-user-ID or set-group-ID program: a user who starts it by hand has no more rights than before.
//! Any further rights come from its parent, which is root, or `otp-helper` with its group.

use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigEvent, SigSet, SigevNotify, SigmaskHow, Signal};
use nix::sys::stat::{Mode, umask};
use nix::sys::timer::{Expiration, Timer, TimerSetTimeFlags};
use nix::time::ClockId;
use nix::unistd::{Gid, Uid, close, getegid, geteuid, getgid, getuid, setresgid, setresuid};
use otp_site::policy::DEFAULT_FILE;
use std::env;
use std::fs;
use std::io::{self, IsTerminal};
use std::os::fd::RawFd;
use std::panic;
use std::path::PathBuf;
use std::time::Duration;

/// The life of this process while it gets an answer, also if it is stopped: a little more than its own limit.
const LONGEST_WORK: Duration = Duration::from_secs(11);
/// Its life while a person answers.
const LONGEST_DIALOGUE: Duration = Duration::from_secs(600);
/// The number of descriptors that are tried if the system does not list them.
const MOST_DESCRIPTORS: u64 = 65_536;

/// The state of this process once it is harmless.
pub(super) struct Begun {
    /// The policy file.
    pub conf: PathBuf,
    /// The timer that limits its life.
    pub life: Life,
}

/// The timer that limits the life of this process, also while it is stopped.
pub(super) struct Life(Timer);

/// Makes this process safe for holding the machine's key.
///
/// # Errors
/// A step fails, or this process was started in a way that it is not made for.
pub(super) fn become_harmless() -> Result<Begun, String> {
    let failed =
        |what: &'static str| move |error: nix::errno::Errno| format!("cannot {what}: {error}");
    prctl::set_dumpable(false).map_err(failed("become undumpable"))?;
    // A set-user-ID program of root's has the real user id of its caller, who could send signals here.
    if geteuid().is_root() {
        let (user, group) = (Uid::from_raw(0), Gid::from_raw(0));
        setresgid(group, group, group).map_err(failed("take root's group"))?;
        setresuid(user, user, user).map_err(failed("become root as a whole"))?;
        prctl::set_dumpable(false).map_err(failed("become undumpable"))?;
    } else if geteuid() != getuid() {
        return Err(
            "installed setuid; it is made to be started by pam_otp.so and otp-helper".into(),
        );
    }
    prctl::set_pdeathsig(Signal::SIGKILL).map_err(failed("end with its parent"))?;
    setrlimit(Resource::RLIMIT_CORE, 0, 0).map_err(failed("forbid core files"))?;
    let life = Life::begin().map_err(|error| format!("cannot limit its life: {error}"))?;
    // A panic refuses by ending the process; its text must not be printed.
    panic::set_hook(Box::new(|_| {}));
    umask(Mode::from_bits_truncate(0o077));
    close_what_came_along();
    env::set_current_dir("/").map_err(|error| format!("cannot leave the directory: {error}"))?;
    let is_given_anything = geteuid().is_root() || getegid() != getgid();
    if is_given_anything && env::vars_os().next().is_some() {
        return Err("started with an environment; its parents start it without".into());
    }
    if io::stdin().is_terminal() || io::stdout().is_terminal() {
        return Err("started at a terminal; pam_otp.so and otp-helper start it".into());
    }
    let mut arguments = env::args_os().skip(1);
    let conf = match (arguments.next(), arguments.next()) {
        (None, _) => DEFAULT_FILE.into(),
        // Root's own lines in /etc/pam.d may name another file; a helper with its group would pass on its caller's
        // path.
        (Some(_), None) if !geteuid().is_root() && getegid() != getgid() => {
            return Err("takes no path from a parent whose group gives it anything".into());
        }
        (Some(conf), None) => PathBuf::from(conf),
        (Some(_), Some(_)) => return Err("takes the policy file and nothing else".into()),
    };
    Ok(Begun { conf, life })
}

/// Closes the files that the parent has left open. This process has not opened any itself yet; the first three stay.
fn close_what_came_along() {
    let listed = fs::read_dir("/proc/self/fd").map(|all| {
        let name = |one: io::Result<fs::DirEntry>| one.ok()?.file_name().to_str()?.parse().ok();
        all.filter_map(name).collect::<Vec<RawFd>>()
    });
    let descriptors = listed.unwrap_or_else(|_| {
        let limit = getrlimit(Resource::RLIMIT_NOFILE).map_or(MOST_DESCRIPTORS, |(soft, _)| soft);
        (3..RawFd::try_from(limit.min(MOST_DESCRIPTORS)).unwrap_or(RawFd::MAX)).collect()
    });
    for descriptor in descriptors.into_iter().filter(|one| *one > 2) {
        // The descriptor that listed them is already closed.
        close(descriptor).ok();
    }
}

impl Life {
    /// Sets the limit, and unblocks every signal that would end the process sooner.
    fn begin() -> nix::Result<Self> {
        let kill = SigevNotify::SigevSignal {
            signal: Signal::SIGKILL,
            si_value: 0,
        };
        let mut life = Self(Timer::new(ClockId::CLOCK_MONOTONIC, SigEvent::new(kill))?);
        life.set(LONGEST_WORK)?;
        SigSet::empty().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
        Ok(life)
    }

    /// Restarts the timer with the time that an answer may take.
    ///
    /// # Errors
    /// The kernel refuses; then the earlier limit still holds.
    pub(super) fn shorten_for_an_answer(&mut self) -> nix::Result<()> {
        self.set(LONGEST_WORK)
    }

    /// Restarts the timer with the time that a person needs.
    ///
    /// # Errors
    /// The kernel refuses; then the shorter limit still holds.
    pub(super) fn extend_for_a_person(&mut self) -> nix::Result<()> {
        self.set(LONGEST_DIALOGUE)
    }

    fn set(&mut self, longest: Duration) -> nix::Result<()> {
        self.0.set(
            Expiration::OneShot(longest.into()),
            TimerSetTimeFlags::empty(),
        )
    }
}
