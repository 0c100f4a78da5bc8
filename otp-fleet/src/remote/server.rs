//! The verifier's half of an administrator's session.

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

/// How a verifier runs it: who asks for what comes on standard input.
pub const SESSION: &str = "--session";

/// The verifier's configuration, where it is another than the usual; before everything else.
pub const CONFIGURATION: &str = "--configuration";

/// The program of a session, for a verifier with that configuration. Nothing of the verifier's environment is in its own.
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

/// What is told to somebody who is no administrator.
pub const NO_ADMINISTRATOR: &str = "this certificate is not that of an administrator of the fleet";

/// How long a program that was told to end may take to finish the change that it is in.
const TO_FINISH: Duration = Duration::from_secs(5);

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The program ended, with this status; the administrator was told.
    Done(u8),
    /// The administrator left, or could not be told; the program was ended.
    Left,
    /// The administrator sent what is no session.
    Unintelligible,
    /// The administrator was revoked before all was sent; nothing was done.
    Denied,
}

/// What an administrator reads on, and is answered on. Reading waits no longer than the caller has set.
pub trait Line: Read + Write {
    /// What becomes readable when the administrator leaves.
    fn as_fd(&self) -> BorrowedFd<'_>;
}

impl Line for std::os::unix::net::UnixStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        AsFd::as_fd(self)
    }
}

/// Serves a session to its end: `arguments` are what came after "admin1", and `administrator` is the name in the certificate.
///
/// `is_allowed` is asked once more when all was sent: that may take as long as the administrator likes. `spawn` starts the
/// program with pipes for its standard input, output and error. It does not outlive this call.
///
/// # Errors
/// The program could not be started or talked to; the administrator was told so, where possible.
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

/// Gives the program who asks for what, and the files as they come. Nothing is kept here.
fn hand_over(
    line: &mut impl Line,
    administrator: &str,
    arguments: &[&[u8]],
    is_allowed: impl FnOnce() -> bool,
    program: &mut Program,
) -> io::Result<Handed> {
    let mut input = program.0.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let mut give = |fields: &Fields| match send(&mut input, fields) {
        // It has ended, and says why.
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
            // Without this the program does nothing.
            [GO] if !is_allowed() => return Ok(Handed::Denied),
            [GO] => {
                give(&fields)?;
                return Ok(Handed::All);
            }
            _ => return Ok(Handed::Unintelligible),
        }
    }
}

/// Sends what the program prints until it prints no more; `false`: the administrator has left.
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
        // Standard error first, so that a warning stands before the result that it is about.
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

/// Tells an administrator, or somebody who is none, why there is no session.
pub fn refuse(line: &mut impl Line, reason: &str) {
    let text = format!("otp-admin: {reason}\n");
    // The administrator may have left.
    if send(line, &frame(ERR).with(text.as_bytes())).is_ok() {
        send(line, &frame(EXIT).with_number(&COULD_NOT)).ok();
    }
}

/// As a shell has it: a program that a signal has ended has failed.
fn code(status: ExitStatus) -> u8 {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.unwrap_or(COULD_NOT)
}

/// A program that does not outlive its session.
struct Program(Child);

impl Program {
    /// Tells it to end, and ends it where it does not: it holds signals back while it is in a change.
    fn end(&mut self) {
        if let Ok(number) = i32::try_from(self.0.id()) {
            // It may have ended by itself; its number is its own until it is waited for.
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
