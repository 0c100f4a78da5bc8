//! Separates this process from the program that started it, and from users who may look on.

use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn};
use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{SigEvent, SigSet, SigevNotify, SigmaskHow, Signal};
use nix::sys::stat::{Mode, umask};
use nix::sys::timer::{Expiration, Timer, TimerSetTimeFlags};
use nix::time::ClockId;
use nix::unistd::{Gid, Uid, User, geteuid, setgroups, setresgid, setresuid, setsid};
use otp_helper::mail::Outgoing;
use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::{self, PipeReader, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::ffi::OsStringExt;
use std::time::Duration;
use std::{env, fs, panic};

/// The user id without rights, if the name service knows no user `nobody`.
const NOBODY: u32 = 65_534;

/// The longest life of this process, also if it is stopped.
pub(crate) const LONGEST_LIFE: Duration = Duration::from_secs(120);

/// The search path in the environment of an external program.
pub(crate) const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// Gives up what this process inherited, and lets no other process look into it.
///
/// # Errors
/// One of the steps fails.
pub(crate) fn become_harmless() -> io::Result<()> {
    // sudo and su run with the ids of both root and their caller; the caller could kill a process that kept the
    // caller's id.
    if geteuid().is_root() {
        setgroups(&[])?;
        setresgid(0.into(), 0.into(), 0.into())?;
        setresuid(0.into(), 0.into(), 0.into())?;
    }
    prctl::set_dumpable(false)?;
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    // A panic ends the process; its text must not be printed.
    panic::set_hook(Box::new(|_| {}));
    umask(Mode::from_bits_truncate(0o077));
    close_what_came_along()?;
    env::set_current_dir("/")?;
    // A caller can leave signals blocked; signals that end a process must end this one.
    SigSet::empty().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
    Ok(())
}

/// Closes every descriptor but the first three. A server's connection that stayed open here would not end before this
/// process does.
fn close_what_came_along() -> io::Result<()> {
    let listed: Vec<RawFd> = match fs::read_dir("/proc/self/fd") {
        Ok(entries) => entries
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .collect(),
        // Without /proc: as many descriptors as most systems allow a program.
        Err(_) => (3..4096).collect(),
    };
    for descriptor in listed.into_iter().filter(|&descriptor| descriptor > 2) {
        match nix::unistd::close(descriptor) {
            // The descriptor that read the list is already closed.
            Ok(()) | Err(nix::errno::Errno::EBADF) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Starts this program once more, with `word` as its argument, and gives it the message.
///
/// The new process has the default action for every signal. If it ignored the ends of its children, as the program of
/// the login may, it could not learn how they ended.
///
/// # Errors
/// The process could not be started, or did not take the message.
pub(crate) fn start_again(word: &str, outgoing: &Outgoing) -> io::Result<()> {
    let null = File::options().read(true).write(true).open("/dev/null")?;
    start(word, outgoing, null.as_raw_fd(), &null)
}

/// Starts this program as [`start_again`] does, and returns a pipe with the output of the new process.
///
/// # Errors
/// As for [`start_again`].
pub(crate) fn start_and_listen(word: &str, outgoing: &Outgoing) -> io::Result<PipeReader> {
    let null = File::options().read(true).write(true).open("/dev/null")?;
    let (hear, said) = io::pipe()?;
    start(word, outgoing, said.as_raw_fd(), &null)?;
    Ok(hear)
}

fn start(word: &str, outgoing: &Outgoing, output: RawFd, null: &File) -> io::Result<()> {
    let message = outgoing.to_fields().to_bytes();
    let message = message.ok_or_else(|| io::Error::other("too long"))?;
    let (reading, mut input) = io::pipe()?;
    let mut files = PosixSpawnFileActions::init()?;
    // Only these descriptors are open in the new process. None of the sources is one of the first three, which Rust
    // keeps open.
    files.add_dup2(reading.as_raw_fd(), 0)?;
    files.add_dup2(output, 1)?;
    files.add_dup2(null.as_raw_fd(), 2)?;
    let mut attributes = PosixSpawnAttr::init()?;
    attributes.set_sigdefault(&SigSet::all())?;
    attributes.set_flags(PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF)?;
    let program = CString::new(env::current_exe()?.into_os_string().into_vec())?;
    let arguments = [program.clone(), CString::new(word)?];
    let environment: [&CStr; 0] = [];
    posix_spawn(
        program.as_c_str(),
        &files,
        &attributes,
        &arguments,
        &environment,
    )?;
    // A pipe holds more than the length of a message. The program that started this process waits for its end, and
    // for no other's.
    input.write_all(&message)
}

/// Leaves the terminal and the session of the login, and limits the life of this process.
///
/// # Errors
/// The kernel refuses. The limit holds as long as the returned timer exists.
pub(crate) fn leave_the_session() -> nix::Result<Timer> {
    setsid()?;
    limit_its_life()
}

/// Limits the life of this process, which is already in a session of ours.
///
/// # Errors
/// The kernel refuses. The limit holds as long as the returned timer exists.
pub(crate) fn limit_its_life() -> nix::Result<Timer> {
    let kill = SigevNotify::SigevSignal {
        signal: Signal::SIGKILL,
        si_value: 0,
    };
    let mut timer = Timer::new(ClockId::CLOCK_MONOTONIC, SigEvent::new(kill))?;
    timer.set(
        Expiration::OneShot(LONGEST_LIFE.into()),
        TimerSetTimeFlags::empty(),
    )?;
    Ok(timer)
}

/// Returns the ids under which root's process runs an external program or talks to a mail server.
pub(crate) fn nobody() -> (Uid, Gid) {
    let found = User::from_name("nobody").ok().flatten();
    found.filter(|user| !user.uid.is_root()).map_or_else(
        || (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY)),
        |user| (user.uid, user.gid),
    )
}

/// Becomes nobody for good if this process runs as root, so that root does not read a mail server's answers.
///
/// # Errors
/// The kernel refuses.
pub(crate) fn become_nobody() -> nix::Result<()> {
    if !geteuid().is_root() {
        return Ok(());
    }
    let (uid, gid) = nobody();
    setgroups(&[])?;
    setresgid(gid, gid, gid)?;
    setresuid(uid, uid, uid)?;
    // The change of ids has reset the dumpable flag.
    prctl::set_dumpable(false)
}
