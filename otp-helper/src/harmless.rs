//! Gives up whatever the caller may have prepared, before any of the caller's data is read.

use crate::caller::Caller;
use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{SigEvent, SigSet, SigevNotify, SigmaskHow, Signal};
use nix::sys::stat::{Mode, umask};
use nix::sys::timer::{Expiration, Timer, TimerSetTimeFlags};
use nix::time::ClockId;
use nix::unistd::{getegid, geteuid, getgid, getuid, setresgid};
use otp_core::login::LANGUAGE;
use otp_core::record::Language;
use otp_helper::system;
use otp_site::policy::DEFAULT_FILE;
use otp_store::files::DEFAULT_DIRECTORY;
use std::env;
use std::io::{self, IsTerminal};
use std::panic;
use std::path::PathBuf;
use std::time::Duration;

/// The life of the helper while it waits for its caller, also if it is stopped.
const LONGEST_LIFE: Duration = Duration::from_secs(10);
/// Its life while it has exclusive use of the records: a login may wait for other logins, and then for a slow disk.
const LONGEST_WORK: Duration = Duration::from_secs(45);
/// Its life while a person answers; it holds no lock in that time.
const LONGEST_DIALOGUE: Duration = Duration::from_secs(600);

/// The timer that limits the life of this process, also while it is stopped.
pub(crate) struct Life(Timer);

/// Makes this process safe for reading a stranger's request, and returns who the caller is.
///
/// Supplementary groups stay: only root can drop them, and they are the caller's own. For the same reason the user
/// ids stay: the helper has the caller's, and must.
///
/// # Errors
/// A step fails, or the helper was installed or started in a way that it is not made for.
pub(crate) fn become_harmless() -> Result<(Caller, Life), String> {
    let privileged = getegid() != getgid();
    if geteuid() != getuid() {
        return Err("installed setuid; it is made to be setgid".to_owned());
    }
    let failed =
        |what: &'static str| move |error: nix::errno::Errno| format!("cannot {what}: {error}");
    prctl::set_dumpable(false).map_err(failed("become undumpable"))?;
    setrlimit(Resource::RLIMIT_CORE, 0, 0).map_err(failed("forbid core files"))?;
    let life = Life::begin().map_err(|error| format!("cannot limit its life: {error}"))?;
    // A panic refuses by ending the process; its text must not be printed.
    panic::set_hook(Box::new(|_| {}));
    umask(Mode::from_bits_truncate(0o077));
    system::close_descriptors_from(3)
        .map_err(|error| format!("cannot close descriptors: {error}"))?;
    env::set_current_dir("/").map_err(|error| format!("cannot leave the directory: {error}"))?;
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let language = env::var(LANGUAGE)
        .ok()
        .and_then(|tag| Language::from_tag(&tag));
    system::clear_environment()
        .map_err(|error| format!("cannot clear the environment: {error}"))?;
    if io::stdin().is_terminal() || io::stdout().is_terminal() {
        return Err("started at a terminal; pam_otp.so and otp-enroll start it".to_owned());
    }
    let caller = Caller {
        uid: getuid().as_raw(),
        conf: DEFAULT_FILE.into(),
        state_dir: DEFAULT_DIRECTORY.into(),
        language,
    };
    match arguments.as_slice() {
        [] => Ok((caller, life)),
        _ if privileged => {
            Err("takes no paths from a caller when its group gives it anything".to_owned())
        }
        [conf, state_dir] => {
            let caller = Caller {
                conf: PathBuf::from(conf),
                state_dir: PathBuf::from(state_dir),
                ..caller
            };
            Ok((caller, life))
        }
        _ => Err("takes no arguments".to_owned()),
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
        life.set(LONGEST_LIFE)?;
        // A caller can leave signals blocked; signals that end a process must end this one.
        SigSet::empty().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
        Ok(life)
    }

    /// Restarts the timer with the time that the records need.
    ///
    /// # Errors
    /// The kernel refuses; then the short limit still holds.
    pub(crate) fn extend_for_the_records(&mut self) -> nix::Result<()> {
        self.set(LONGEST_WORK)
    }

    /// Restarts the timer with the time that a caller may take to read an answer.
    ///
    /// # Errors
    /// The kernel refuses; then the earlier limit still holds.
    pub(crate) fn shorten_for_the_caller(&mut self) -> nix::Result<()> {
        self.set(LONGEST_LIFE)
    }

    /// Restarts the timer with the time that a person needs.
    ///
    /// # Errors
    /// The kernel refuses; then the short limit still holds.
    pub(crate) fn extend_for_a_dialogue(&mut self) -> nix::Result<()> {
        self.set(LONGEST_DIALOGUE)
    }

    fn set(&mut self, longest: Duration) -> nix::Result<()> {
        self.0.set(
            Expiration::OneShot(longest.into()),
            TimerSetTimeFlags::empty(),
        )
    }
}

/// The result of work that was done without the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Yes = b'y' as isize,
    No = b'n' as isize,
    /// The caller sent something that has no place in the dialogue.
    Senseless = b's' as isize,
}

/// Runs `work` in a process without the group that may enter the records, and without a way back to it. PAM modules
/// of other projects, and all that they read and start, have the caller's rights and no more.
///
/// # Errors
/// The process cannot be made.
pub(crate) fn ask_without_the_group(work: impl FnOnce() -> Said) -> io::Result<Said> {
    ask_as(|| Ok(()), work)
}

/// Runs `work` without the group, in a process that first becomes another user, which only root's process can.
///
/// # Errors
/// The process cannot be made.
pub(crate) fn ask_as(
    become_somebody: impl FnOnce() -> nix::Result<()>,
    work: impl FnOnce() -> Said,
) -> io::Result<Said> {
    let said = system::apart(
        || match become_somebody().and_then(|()| lay_down_the_group()) {
            Ok(()) => work() as u8,
            Err(_) => Said::No as u8,
        },
    )?;
    Ok(match said {
        Some(b'y') => Said::Yes,
        Some(b's') => Said::Senseless,
        Some(_) | None => Said::No,
    })
}

fn lay_down_the_group() -> nix::Result<()> {
    let group = getgid();
    setresgid(group, group, group)?;
    // The change of ids has reset the dumpable flag. The second call makes the process end with the helper.
    prctl::set_dumpable(false)?;
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    Ok(())
}
