//! Giving up what came along from the program that has started this one, before anything is read.
//!
//! It is no set-user-ID or set-group-ID program: whoever starts it by hand has no more than before. What it has beyond its user
//! it has from its parent, which is root, or `otp-helper` with its group.

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

/// How long an answer may take, stopped or not: a little more than its own limit.
const LONGEST_WORK: Duration = Duration::from_secs(11);
/// How long while a person answers.
const LONGEST_DIALOGUE: Duration = Duration::from_secs(600);
/// So many descriptors are looked through where the system does not list them.
const MOST_DESCRIPTORS: u64 = 65_536;

/// This process, once it is harmless.
pub(super) struct Begun {
    /// The policy file.
    pub conf: PathBuf,
    /// Its time.
    pub life: Life,
}

/// The time that this process has. Holds for a stopped process too.
pub(super) struct Life(Timer);

/// Makes this process safe to hold the machine's key in.
///
/// # Errors
/// Any of it fails, or it was started in a way that it was not made for.
pub(super) fn become_harmless() -> Result<Begun, String> {
    let failed =
        |what: &'static str| move |error: nix::errno::Errno| format!("cannot {what}: {error}");
    prctl::set_dumpable(false).map_err(failed("become undumpable"))?;
    // A set-user-ID program of root's has its caller's real user id, who could send signals here.
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
    // A panic refuses by ending the process; its text is nobody's business.
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
        // Root's own lines in /etc/pam.d may name another; what a helper with its group says is its caller's.
        (Some(_), None) if !geteuid().is_root() && getegid() != getgid() => {
            return Err("takes no path from a parent whose group gives it anything".into());
        }
        (Some(conf), None) => PathBuf::from(conf),
        (Some(_), Some(_)) => return Err("takes the policy file and nothing else".into()),
    };
    Ok(Begun { conf, life })
}

/// Closes what the parent has left open. Nothing of this process is open yet but the first three.
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
        // The one that they were listed by is closed already.
        close(descriptor).ok();
    }
}

impl Life {
    /// Sets the limit, and lets every signal through that would end the process sooner.
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

    /// Begins anew, with the time that an answer may take.
    ///
    /// # Errors
    /// The kernel refuses; then the limit of before still holds.
    pub(super) fn shorten_for_an_answer(&mut self) -> nix::Result<()> {
        self.set(LONGEST_WORK)
    }

    /// Begins anew, with the time that a person needs.
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
