//! `otp-notify`: gives each waiting event of the queue to the hook that the policy names, and ends.
//!
//! A systemd unit starts it when an event waits, and a timer starts it for events that failed; or cron starts it.
//! Nothing waits for it: a login puts its event into the queue and goes on. An event stays in the queue until the
//! hook has taken it. So each event is handed on at least once, and the events of an account are handed on in order.
//! This program trusts nothing in the queue: writers have the user ids of those they write for.
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

/// The file whose lock shows that an `otp-notify` is at work. No login takes this lock.
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

/// Leaves the terminal for good. A hook runs as another user, and a process at a terminal can type there (TIOCSTI)
/// into root's shell.
///
/// The first process of a process group cannot leave. It starts this program once more, and that process does all the
/// work; `Some` holds its exit code.
fn leave_terminal() -> io::Result<Option<ExitCode>> {
    let Err(not_left) = setsid() else {
        return Ok(None);
    };
    let terminal = File::options()
        .read(true)
        .custom_flags(OFlag::O_NOCTTY.bits())
        .open("/dev/tty");
    match terminal {
        // A start by systemd: a session of its own, without a terminal.
        Err(none) if none.raw_os_error() == Some(Errno::ENXIO as i32) => return Ok(None),
        Err(none) if none.kind() == io::ErrorKind::NotFound => return Ok(None),
        Ok(_) | Err(_) => {}
    }
    // The second process is not the first of its group. If it still fails, no third is started.
    if getpid() != getpgrp() {
        return Err(not_left.into());
    }
    let status = Command::new("/proc/self/exe")
        .args(std::env::args_os().skip(1))
        .status()?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(Some(ExitCode::from(code.unwrap_or(2))))
}

/// Closes the files that a parent has left open; the hook must not get them.
fn close_what_was_inherited() {
    let Ok(listing) = std::fs::read_dir("/proc/self/fd") else {
        return;
    };
    let numbers: Vec<i32> = listing
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|number| *number > 2)
        .collect();
    for number in numbers {
        // The descriptor of the listing is already closed.
        nix::unistd::close(number).ok();
    }
}

/// Hands on waiting events until no more have arrived meanwhile. Returns false if no hook could be run; the log has
/// the reason.
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
        // If the policy cannot be read, no hook is known: all events wait.
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

/// Hands on the events that are due; forgets the events that the policy does not want.
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
    // Events of this program's own were added whether the policy wants them or not.
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

/// Leaves all events in place. Returns false if events wait; the reason is then logged.
fn keep(taken: &Taken, run: &str, why: &str) -> bool {
    let waiting = taken.len();
    if waiting > 0 {
        log::failed(Some(waiting), Some(run), why);
        complain(format!("{run}: {why}"));
    }
    waiting == 0
}

/// Takes the lock; `None`: another `otp-notify` has it, and hands on the new events too.
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
