//! The verifier's side of an administrator's session.

use super::{ALL_FILES, ARGUMENT, COULD_NOT, ERR, EXIT, FILE, FOR, GO, LONGEST_PATH, OUT, PIECE};
use super::{frame, send};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use otp_helper::frame::Fields;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// The program of an administrator's session.
pub const PROGRAM: &str = "/usr/libexec/pam_otp/otp-fleet-admin";

/// The argument with which a verifier runs the program: the administrator's name comes on standard input.
pub const SESSION: &str = "--session";

/// The option for the verifier's configuration, if it is not the usual one; it comes first.
pub const CONFIGURATION: &str = "--configuration";

/// Prepares the program of a session, for a verifier with that configuration. It gets nothing of the verifier's
/// environment.
#[must_use]
pub fn program(program: &Path, configuration: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .arg(CONFIGURATION)
        .arg(configuration)
        .arg(SESSION)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// The message for a peer who is not an administrator.
pub const NO_ADMINISTRATOR: &str = "this certificate is not that of an administrator of the fleet";

/// The time that a program may take to finish its current change after it was told to end.
const TO_FINISH: Duration = Duration::from_secs(5);

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The program ended with this status; the administrator was told.
    Done(u8),
    /// The administrator left, or could not be told; the program was ended.
    Left,
    /// The administrator's messages are not a session.
    Unintelligible,
    /// The administrator was revoked before everything was sent; nothing was done.
    Denied,
}

/// The line to an administrator. Reading waits no longer than the caller has set.
pub trait Line: Read + Write {
    /// Returns a descriptor that becomes readable when the administrator leaves.
    fn as_fd(&self) -> BorrowedFd<'_>;
}

impl Line for std::os::unix::net::UnixStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        AsFd::as_fd(self)
    }
}

/// Serves a session to its end: `arguments` are those after "admin1", and `administrator` is the name in the
/// certificate.
///
/// `is_allowed` is asked once more when everything was sent: sending may take as long as the administrator likes.
/// `spawn` starts the program with pipes for its standard input, output and error. The program does not outlive this
/// call.
///
/// # Errors
/// The program could not be started or used; the administrator was told, if that was possible.
pub fn serve(
    line: &mut impl Line,
    administrator: &str,
    arguments: &[&[u8]],
    is_allowed: impl FnOnce() -> bool,
    spawn: impl FnOnce() -> io::Result<Child>,
) -> io::Result<Ended> {
    let mut program = match spawn() {
        Ok(child) => Program(child),
        Err(error) => {
            refuse(line, "the verifier cannot start otp-fleet-admin");
            return Err(error);
        }
    };
    let handed = hand_over(line, administrator, arguments, is_allowed, &mut program)?;
    if handed != Handed::All {
        program.end();
        return Ok(match handed {
            Handed::Left => Ended::Left,
            Handed::Denied => {
                refuse(line, NO_ADMINISTRATOR);
                Ended::Denied
            }
            _ => Ended::Unintelligible,
        });
    }
    // Otherwise the administrator is gone, or does not read.
    if !matches!(relay(line, &mut program), Ok(true)) {
        program.end();
        return Ok(Ended::Left);
    }
    let status = code(program.0.wait()?);
    let told = send(line, &frame(EXIT).with_number(&status));
    Ok(if told.is_ok() {
        Ended::Done(status)
    } else {
        Ended::Left
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Handed {
    All,
    Left,
    Unintelligible,
    Denied,
}

/// Gives the program the administrator's name, the arguments, and the files as they come. Nothing is stored here.
fn hand_over(
    line: &mut impl Line,
    administrator: &str,
    arguments: &[&[u8]],
    is_allowed: impl FnOnce() -> bool,
    program: &mut Program,
) -> io::Result<Handed> {
    let mut input = program.0.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let mut give = |fields: &Fields| match send(&mut input, fields) {
        // The program has ended, and reports why.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done,
    };
    give(&frame(FOR).with(administrator.as_bytes()))?;
    for argument in arguments {
        give(&frame(ARGUMENT).with(argument))?;
    }
    let mut taken = 0;
    loop {
        let Ok(fields) = Fields::read_from(line) else {
            return Ok(Handed::Left);
        };
        match fields.as_slices().as_slice() {
            [FILE, path, piece] if path.len() <= LONGEST_PATH => {
                taken += piece.len() + path.len();
                if taken > ALL_FILES {
                    return Ok(Handed::Unintelligible);
                }
                give(&fields)?;
            }
            // Without this message the program does nothing.
            [GO] if !is_allowed() => return Ok(Handed::Denied),
            [GO] => {
                give(&fields)?;
                return Ok(Handed::All);
            }
            _ => return Ok(Handed::Unintelligible),
        }
    }
}

/// Sends the program's output until it ends; `false`: the administrator has left.
fn relay(line: &mut impl Line, program: &mut Program) -> io::Result<bool> {
    let mut output = program.0.stdout.take();
    let mut errors = program.0.stderr.take();
    let mut piece = zeroize::Zeroizing::new([0; PIECE]);
    while output.is_some() || errors.is_some() {
        let [out, err, left] = {
            let mut waiting = Vec::with_capacity(3);
            waiting.push(PollFd::new(Line::as_fd(line), PollFlags::POLLIN));
            let out_at = output.as_ref().map(|one| {
                waiting.push(PollFd::new(one.as_fd(), PollFlags::POLLIN));
                waiting.len() - 1
            });
            let err_at = errors.as_ref().map(|one| {
                waiting.push(PollFd::new(one.as_fd(), PollFlags::POLLIN));
                waiting.len() - 1
            });
            match poll(&mut waiting, PollTimeout::NONE) {
                Err(nix::errno::Errno::EINTR) => continue,
                other => other?,
            };
            let is_ready = |at: usize| waiting[at].any().unwrap_or(true);
            [
                out_at.is_some_and(is_ready),
                err_at.is_some_and(is_ready),
                is_ready(0),
            ]
        };
        // Standard error comes first, so that a warning precedes the result that it is about.
        if err && !pass_on(line, ERR, &mut errors, &mut *piece)? {
            errors = None;
        }
        if out && !pass_on(line, OUT, &mut output, &mut *piece)? {
            output = None;
        }
        if left && !out && !err {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Sends one piece; `false`: there is no more.
fn pass_on(
    line: &mut impl Line,
    kind: &[u8],
    source: &mut Option<impl Read>,
    piece: &mut [u8],
) -> io::Result<bool> {
    let Some(source) = source else {
        return Ok(false);
    };
    match source.read(piece) {
        Ok(0) => Ok(false),
        Ok(count) => {
            send(line, &frame(kind).with(&piece[..count]))?;
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(true),
        Err(error) => Err(error),
    }
}

/// Tells the other side why there is no session.
pub fn refuse(line: &mut impl Line, reason: &str) {
    let text = format!("otp-admin: {reason}\n");
    // The other side may have left.
    if send(line, &frame(ERR).with(text.as_bytes())).is_ok() {
        send(line, &frame(EXIT).with_number(&COULD_NOT)).ok();
    }
}

/// Converts an exit status as a shell does: a program that a signal has ended has failed.
fn code(status: ExitStatus) -> u8 {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.unwrap_or(COULD_NOT)
}

/// A program that does not outlive its session.
struct Program(Child);

impl Program {
    /// Tells the program to end, and kills it if it does not: it blocks signals during a change.
    fn end(&mut self) {
        if let Ok(number) = i32::try_from(self.0.id()) {
            // The program may have ended; its process id is its own until it is waited for.
            kill(Pid::from_raw(number), Signal::SIGTERM).ok();
        }
        let since = Instant::now();
        while since.elapsed() < TO_FINISH {
            match self.0.try_wait() {
                Ok(None) => std::thread::sleep(Duration::from_millis(10)),
                _ => return,
            }
        }
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            self.end();
        }
    }
}
