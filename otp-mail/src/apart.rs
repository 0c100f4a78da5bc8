//! Keeping apart from the program that this was started in, and from whoever may look on.

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

/// The user without rights, where the name service knows none of that name.
const NOBODY: u32 = 65_534;

/// How long this process may take, stopped or not.
pub(crate) const LONGEST_LIFE: Duration = Duration::from_secs(120);

/// What an external program finds in its environment.
pub(crate) const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// Gives up what came along with the start, and lets nobody look on.
///
/// # Errors
/// Any of it fails.
pub(crate) fn become_harmless() -> io::Result<()> {
    // sudo and su are root's and their caller's at once: what they start would be their caller's to end.
    if geteuid().is_root() {
        setgroups(&[])?;
        setresgid(0.into(), 0.into(), 0.into())?;
        setresuid(0.into(), 0.into(), 0.into())?;
    }
    prctl::set_dumpable(false)?;
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    // A panic ends the process; its text is nobody's business.
    panic::set_hook(Box::new(|_| {}));
    umask(Mode::from_bits_truncate(0o077));
    close_what_came_along()?;
    env::set_current_dir("/")?;
    // A caller can leave signals blocked; those that end a process shall end this one.
    SigSet::empty().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
    Ok(())
}

/// Closes every descriptor but the first three: a server's connection that stayed open here would not end before this does.
fn close_what_came_along() -> io::Result<()> {
    let listed: Vec<RawFd> = match fs::read_dir("/proc/self/fd") {
        Ok(entries) => entries
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .collect(),
        // Without /proc: as many as most systems let a program have.
        Err(_) => (3..4096).collect(),
    };
    for descriptor in listed.into_iter().filter(|&descriptor| descriptor > 2) {
        match nix::unistd::close(descriptor) {
            // The one that the list was read by is gone already.
            Ok(()) | Err(nix::errno::Errno::EBADF) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Starts this program once more, with `word` as its argument, and gives it the message.
///
/// It takes every signal as programs do by default: one that ignores the ends of its children, as the program of the login
/// may, cannot tell what became of those that it starts.
///
/// # Errors
/// It could not be started, or did not take it.
pub(crate) fn start_again(word: &str, outgoing: &Outgoing) -> io::Result<()> {
    let null = File::options().read(true).write(true).open("/dev/null")?;
    start(word, outgoing, null.as_raw_fd(), &null)
}

/// The same, and what it says.
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
    // What is open here is not open there, but for these. None of them is one of the first three, which Rust has open.
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
    // A pipe holds more than a message is long. The program that has started this one waits for its end, and for no other.
    input.write_all(&message)
}

/// Leaves the terminal and the session of the login, and sets a limit to what is to come.
///
/// # Errors
/// The kernel refuses. The timer lasts as long as what is given back.
pub(crate) fn leave_the_session() -> nix::Result<Timer> {
    setsid()?;
    limit_its_life()
}

/// Sets the limit alone, for a process that is in a session of ours already.
///
/// # Errors
/// The kernel refuses. The timer lasts as long as what is given back.
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

/// Whom a program or a conversation with a mail server is left to, where this process is root's.
pub(crate) fn nobody() -> (Uid, Gid) {
    let found = User::from_name("nobody").ok().flatten();
    found.filter(|user| !user.uid.is_root()).map_or_else(
        || (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY)),
        |user| (user.uid, user.gid),
    )
}

/// Becomes nobody for good, where this process is root's: what a mail server says is not read by root.
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
    // The change of ids has made the kernel forget it.
    prctl::set_dumpable(false)
}
