//! The process that puts everything back unless a person confirms in time.
//!
//! It has a session of its own, so that the end of a terminal does not reach it, and it starts before anything is
//! changed. It undoes the change in three cases: the other end of its line closes, for whatever reason; it is told to
//! end; or its time is over. `keep` in [`super::kept`] decides against that, and only once.

use super::kept::{self, Change, DIRECTORY, Undone};
use super::sshd;
use crate::failure::system;
use crate::log;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::setsid;
use otp_core::event::Severity;
use otp_core::messages::protect::Refusal;
use otp_core::messages::reason::Wording;
use otp_core::record::Language;
use otp_site::protect::Program;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// The name of the process; a program started by this name acts as the guard.
pub const NAME: &str = "otp-admin-undo";

/// The time for putting the files in place, before the person's time begins.
const TO_BE_PUT_IN_PLACE: Duration = Duration::from_secs(60);

const READY: u8 = b'r';
const BEGIN: u8 = b'b';
const KEPT: u8 = b'k';
const UNDONE: u8 = b'u';
const FAILED: u8 = b'f';

/// The guard as seen by the process that changes files. If it is dropped, the guard undoes the change.
pub struct Guard {
    line: UnixStream,
    process: Child,
}

/// The result for a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything is as it was.
    Undone,
    /// A file could not be put back.
    Failed,
}

impl Guard {
    /// Starts the guard, and waits until it is ready. `seconds`: the person's time.
    pub fn start(seconds: u64) -> Result<Self, Refusal> {
        let failed = |error: io::Error| Refusal::NoGuard {
            reason: system(&error),
        };
        let (line, theirs) = UnixStream::pair().map_err(failed)?;
        let input = OwnedFd::from(theirs);
        let output = input.try_clone().map_err(failed)?;
        let process = Command::new("/proc/self/exe")
            .arg0(NAME)
            .arg(seconds.to_string())
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .current_dir("/")
            .stdin(Stdio::from(input))
            .stdout(Stdio::from(output))
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed)?;
        let mut guard = Self { line, process };
        if guard.hear() == Some(READY) {
            Ok(guard)
        } else {
            let reason = Wording::of(|language| match language {
                Language::English => "it is not there".to_owned(),
                Language::Korean => "응답하지 않습니다".to_owned(),
            });
            Err(Refusal::NoGuard { reason })
        }
    }

    /// Starts the person's time.
    pub fn begin(&mut self) {
        // If the guard does not get this, it is gone; the next message shows that.
        self.line.write_all(&[BEGIN]).ok();
    }

    /// Returns the guard's line, which becomes readable once the guard has begun to undo.
    pub fn line(&self) -> io::Result<OwnedFd> {
        self.line.as_fd().try_clone_to_owned()
    }

    /// Ends the guard, once the change stays.
    pub fn dismiss(mut self) {
        self.line.write_all(&[KEPT]).ok();
        self.process.wait().ok();
    }

    /// Whether the guard has begun to undo, or is gone: then nothing more may be put in place.
    pub fn is_over(&self) -> bool {
        let mut line = [PollFd::new(self.line.as_fd(), PollFlags::POLLIN)];
        poll(&mut line, PollTimeout::ZERO) != Ok(0)
    }

    /// Waits until everything is undone. It also undoes what the guard has left: because it was killed, or because
    /// this process put a file in place too late.
    pub fn undo(mut self, change: &Change) -> Outcome {
        self.line.shutdown(std::net::Shutdown::Write).ok();
        let said = self.hear();
        self.process.wait().ok();
        let is_undone = match said {
            Some(_) => undo_again(change).is_complete(),
            None => undo_pending(change),
        };
        if is_undone {
            Outcome::Undone
        } else {
            Outcome::Failed
        }
    }

    fn hear(&mut self) -> Option<u8> {
        let mut said = [0];
        self.line.read_exact(&mut said).ok()?;
        Some(said[0])
    }
}

/// Whether this process was started to undo a change.
#[must_use]
pub fn is_asked_to_undo() -> bool {
    std::env::args_os().next().is_some_and(|name| name == NAME)
}

/// Runs the guard process from start to end.
#[must_use]
pub fn undo_unless_confirmed() -> ExitCode {
    let seconds = std::env::args().nth(1).and_then(|text| text.parse().ok());
    match seconds.map(Duration::from_secs).and_then(Watch::begin) {
        Some(watch) => watch.run(),
        None => ExitCode::FAILURE,
    }
}

struct Watch {
    signals: SignalFd,
    limit: Duration,
    _lock: std::fs::File,
}

impl Watch {
    /// Prepares the guard; `None`: it cannot be one, and its end shows that.
    fn begin(limit: Duration) -> Option<Self> {
        setsid().ok()?;
        let mut signals = SigSet::empty();
        for signal in [
            Signal::SIGHUP,
            Signal::SIGINT,
            Signal::SIGQUIT,
            Signal::SIGPIPE,
            Signal::SIGTERM,
        ] {
            signals.add(signal);
        }
        signals.thread_block().ok()?;
        let mut end = SigSet::empty();
        end.add(Signal::SIGTERM);
        let signals = SignalFd::with_flags(&end, SfdFlags::SFD_CLOEXEC).ok()?;
        let lock = kept::guards_lock(Path::new(DIRECTORY)).ok()??;
        say(READY)?;
        Some(Self {
            signals,
            limit,
            _lock: lock,
        })
    }

    fn run(self) -> ExitCode {
        let mut until = Instant::now() + TO_BE_PUT_IN_PLACE;
        let mut has_begun = false;
        loop {
            match self.wait(until) {
                Some(BEGIN) => {
                    until = Instant::now() + self.limit;
                    has_begun = true;
                }
                Some(KEPT) => return ExitCode::SUCCESS,
                Some(_) | None => break,
            }
        }
        let change = match claim() {
            Ok(Some(change)) => change,
            Ok(None) => return ExitCode::SUCCESS,
            Err(()) => {
                say(FAILED);
                return ExitCode::FAILURE;
            }
        };
        let mut undone = undo(&change, "nobody confirmed it");
        say(if undone.is_complete() { UNDONE } else { FAILED });
        if !has_begun {
            // If the other process was stopped all the time, the files that it is about to put in place must go too.
            wait_for_the_end();
            undone = undo_again(&change);
        }
        if undone.is_final() {
            kept::forget_undone(Path::new(DIRECTORY));
        }
        ExitCode::SUCCESS
    }

    /// Waits for a message; `None`: the line is closed, the time is over, or this process is told to end.
    fn wait(&self, until: Instant) -> Option<u8> {
        let input = io::stdin();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            let mut waiting = [
                PollFd::new(input.as_fd(), PollFlags::POLLIN),
                PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
            ];
            let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
            match poll(&mut waiting, timeout) {
                Ok(0) | Err(nix::errno::Errno::EINTR) => continue,
                Ok(_) => {}
                Err(_) => return None,
            }
            let happened = |at: usize| waiting[at].revents().is_some_and(|one| !one.is_empty());
            if happened(1) {
                return None;
            }
            let mut said = [0];
            return match nix::unistd::read(&input, &mut said) {
                Ok(1) => Some(said[0]),
                Ok(_) | Err(_) => None,
            };
        }
    }
}

/// Decides that the pending change goes; `None`: it stays, or is already undone.
fn claim() -> Result<Option<Change>, ()> {
    kept::claim_to_undo(Path::new(DIRECTORY)).map_err(|error| {
        log::protect("undo", Severity::Error, "", "", &error.to_string());
    })
}

/// Undoes a change whose guard is gone; returns whether everything is as it was.
fn undo_pending(change: &Change) -> bool {
    let undone = match claim() {
        Ok(Some(change)) => undo(&change, "the process that was to undo it is gone"),
        Ok(None) => undo_again(change),
        Err(()) => return false,
    };
    if undone.is_final() {
        kept::forget_undone(Path::new(DIRECTORY));
    }
    undone.is_complete()
}

/// Undoes a change, reloads sshd, and logs the result.
pub fn undo(change: &Change, reason: &str) -> Undone {
    let undone = change.undo();
    tell(change, &undone, reason);
    undone
}

/// Undoes a change once more, and logs only if something was left.
fn undo_again(change: &Change) -> Undone {
    let undone = change.undo();
    if undone.has_changed {
        tell(change, &undone, "it was put in place after its time");
    }
    undone
}

fn tell(change: &Change, undone: &Undone, reason: &str) {
    if change.service == Program::Sshd.name() {
        sshd::reload().ok();
    }
    let why = undone.why();
    let (severity, reason) = if undone.is_complete() {
        (Severity::Warning, reason)
    } else {
        (Severity::Error, why.text(Language::English))
    };
    log::protect("undo", severity, &change.user, &change.service, reason);
}

/// Waits until the other end of the line is closed.
fn wait_for_the_end() {
    let mut said = [0];
    while let Ok(1) | Err(nix::errno::Errno::EINTR) = nix::unistd::read(io::stdin(), &mut said) {}
}

fn say(word: u8) -> Option<()> {
    nix::unistd::write(io::stdout(), &[word]).ok().map(drop)
}
