//! `otp-notify`: gives each event that waits in the queue to the hook of the policy, and ends.
//!
//! It is started by a unit of systemd when something waits, and by a timer for what has failed; or by cron. Nobody waits
//! for it: a login has put its event into the queue and has gone on. An event stays until the hook has taken it, so it is
//! handed on at least once, in the order of its account. What is in the queue is believed by nobody here: writers have the
//! user ids of those they write for.
#![forbid(unsafe_code)]

mod changed;
mod counted;
mod deliver;
mod handed;
mod hook;
mod log;
mod options;
mod taken;

use crate::deliver::Deliveries;
use crate::hook::Hook;
use crate::options::{Options, Wanted};
use crate::taken::Taken;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag, openat};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{getpgrp, getpid, setsid};
use otp_core::event::Event;
use otp_core::record::HooksPolicy;
use otp_queue::Queue;
use otp_site::{hook as checked, policy};
use std::fmt::Display;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Command, ExitCode};

/// The file whose lock says that somebody is at it. No login takes it.
const LOCK: &str = "lock";

fn main() -> ExitCode {
    close_what_was_inherited();
    umask(Mode::from_bits_truncate(0o077));
    let options = match options::parse(std::env::args_os().skip(1)) {
        Ok(Wanted::Run(options)) => options,
        Ok(Wanted::Text(text)) => {
            let printed = std::io::stdout().write_all(text.as_bytes());
            return if printed.is_ok() {
                ExitCode::SUCCESS
            } else {
                ExitCode::from(2)
            };
        }
        Err(wrong) => return complain(wrong),
    };
    match leave_terminal() {
        Ok(None) => {}
        Ok(Some(done_by_another)) => return done_by_another,
        Err(why) => return complain(format!("cannot leave its terminal: {why}")),
    }
    match run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            log::failed(None, None, &why);
            complain(why)
        }
    }
}

fn complain(what: impl Display) -> ExitCode {
    writeln!(std::io::stderr(), "otp-notify: {what}").ok();
    ExitCode::from(2)
}

/// Leaves the terminal at which somebody has started this, for good: a hook is another user's, and whatever runs at a
/// terminal can type there (TIOCSTI), in root's shell.
///
/// The first of a process group cannot. Another process of this program then does all of it; `Some` is what it came to.
fn leave_terminal() -> io::Result<Option<ExitCode>> {
    let Err(not_left) = setsid() else {
        return Ok(None);
    };
    let terminal = File::options()
        .read(true)
        .custom_flags(OFlag::O_NOCTTY.bits())
        .open("/dev/tty");
    match terminal {
        // As systemd starts it: a session of its own, without a terminal.
        Err(none) if none.raw_os_error() == Some(Errno::ENXIO as i32) => return Ok(None),
        Err(none) if none.kind() == io::ErrorKind::NotFound => return Ok(None),
        Ok(_) | Err(_) => {}
    }
    // The other one is not the first of its group. Should it fail all the same, there is no third.
    if getpid() != getpgrp() {
        return Err(not_left.into());
    }
    let status = Command::new("/proc/self/exe")
        .args(std::env::args_os().skip(1))
        .status()?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(Some(ExitCode::from(code.unwrap_or(2))))
}

/// Whatever a parent has left open is not for a hook.
fn close_what_was_inherited() {
    let Ok(listing) = std::fs::read_dir("/proc/self/fd") else {
        return;
    };
    let numbers: Vec<i32> = listing
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|number| *number > 2)
        .collect();
    for number in numbers {
        // The one of the listing itself is closed already.
        nix::unistd::close(number).ok();
    }
}

/// Hands on what waits, until nothing more has come meanwhile. False: there is no hook that could be given it, which is in
/// the log.
fn run(options: &Options) -> Result<bool, String> {
    let queue = Queue::open(&options.state_dir).map_err(|broken| broken.to_string())?;
    let Some(_alone) = alone(&queue)? else {
        return Ok(true);
    };
    let mut taken = Taken::open(&queue)?;
    let mut deliveries = Deliveries::default();
    loop {
        changed::look(&queue, &mut taken, &options.conf)?;
        Taken::clear_making(&queue)?;
        let strange = taken.take(&queue)?;
        counted::tell(&queue, &mut taken)?;
        if strange > 0 {
            log::failed(
                Some(strange),
                None,
                "what is no event was removed from the queue",
            );
        }
        // A policy that cannot be read says nothing of hooks: everything waits.
        let Ok(policies) = policy::load(&options.conf) else {
            return Ok(true);
        };
        let hooks = policies.where_nothing_is_said().hooks.clone();
        if !hand_on(&mut taken, &mut deliveries, options, &hooks)? {
            return Ok(false);
        }
        if !Taken::more_has_come(&queue)? {
            break;
        }
    }
    deliveries.tell();
    Ok(true)
}

/// Hands on what is due; forgets what nobody wants.
fn hand_on(
    taken: &mut Taken,
    deliveries: &mut Deliveries,
    options: &Options,
    hooks: &HooksPolicy,
) -> Result<bool, String> {
    if hooks.run.is_empty() {
        let forgotten = taken.forget(|_| true)?;
        if forgotten > 0 {
            let why = "the policy names no hook any more, so what waited for one is forgotten";
            log::failed(Some(forgotten), None, why);
        }
        return Ok(true);
    }
    // What this program tells of itself was put in whether the policy wants it or not.
    let own = [Event::PolicyChanged, Event::Hook];
    taken.forget(|event| own.contains(&event) && !hooks.wants(event))?;
    let user = match options.user() {
        Ok(user) => user,
        Err(why) => return Ok(keep(taken, &hooks.run, &why)),
    };
    if let Err(why) = checked::examine(hooks.run.as_ref()) {
        return Ok(keep(taken, &hooks.run, &why.to_string()));
    }
    let hook = Hook {
        program: hooks.run.clone().into(),
        user,
        time_limit: options.time_limit,
    };
    deliveries.hand_on(taken, &hook)?;
    Ok(true)
}

/// Leaves everything where it is. False: there is something, and it has been said why.
fn keep(taken: &Taken, run: &str, why: &str) -> bool {
    let waiting = taken.len();
    if waiting > 0 {
        log::failed(Some(waiting), Some(run), why);
        complain(format!("{run}: {why}"));
    }
    waiting == 0
}

/// The lock of the one that is at it; `None`: somebody else is, and takes what has come as well.
fn alone(queue: &Queue) -> Result<Option<Flock<File>>, String> {
    let flags = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let mode = Mode::from_bits_truncate(0o600);
    let file = openat(queue.directory(), LOCK, flags, mode)
        .map_err(|errno| format!("the queue for hooks ({LOCK}): {errno}"))?;
    match Flock::lock(File::from(file), FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Ok(Some(lock)),
        Err((_, nix::errno::Errno::EWOULDBLOCK)) => Ok(None),
        Err((_, errno)) => Err(format!("the queue for hooks ({LOCK}): {errno}")),
    }
}
