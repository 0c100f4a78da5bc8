//! The asking side: starts the helper and asks it the questions of one login, one after the other ([`Connection`]),
//! or lets it lead a dialogue ([`Session`]).
//!
//! A [`Connection`] is made inside other people's programs, so it leaves nothing behind there: no descriptor, no
//! child, no signal. The questions go over a socket, never in an argument or the environment.

use crate::child::{self, command, end};
use crate::frame::Fields;
use crate::protocol::{Answer, Request};
use crate::session::{Reply, Turn};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use otp_core::messages::reason::Wording;
use otp_core::record::Language;
use otp_file::told;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

/// The path at which packages install the helper.
pub const DEFAULT_HELPER: &str = "/usr/libexec/pam_otp/otp-helper";

/// The time that an answer may take: a little more than the helper allows itself.
const LONGEST: Duration = Duration::from_secs(48);

/// The program that asks the verifiers of a fleet; it is installed beside the helper.
pub const FLEET_PROGRAM: &str = "otp-fleet";

/// The time that its answer may take: a little more than it allows itself ([`crate::fleet::ANSWER_LIMIT`]). No login
/// waits longer for verifiers that do not answer.
const LONGEST_OF_A_FLEET: Duration = Duration::from_secs(12);

/// Why there is no answer.
#[derive(Debug)]
pub enum NoAnswer {
    /// The helper could not be started.
    Start(io::Error),
    /// The helper could not be asked: the question is too long, or the helper does not listen.
    Ask,
    /// The helper ended, or the time was up, before a complete answer.
    Silence,
    /// The helper sent bytes that are not an answer.
    Unintelligible,
}

impl NoAnswer {
    /// Returns the fault in words of that language, without a full stop.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        match language {
            Language::English => self.of("the helper", language),
            Language::Korean => self.of("otp-helper", language),
        }
    }

    /// Returns the fault of another program than the helper, in every language.
    #[must_use]
    pub fn wording_of(&self, program: &str) -> Wording {
        Wording::of(|language| self.of(program, language))
    }

    /// Returns the fault in words that name the program that was asked.
    pub(crate) fn of(&self, program: &str, language: Language) -> String {
        match (self, language) {
            (Self::Start(error), Language::English) => {
                format!("{program} could not be started: {error}")
            }
            (Self::Start(error), Language::Korean) => {
                let error = told(error, language);
                format!("{program} 프로그램을 시작하지 못했습니다({error})")
            }
            (Self::Ask, Language::English) => format!("{program} did not take the request"),
            (Self::Ask, Language::Korean) => {
                format!("{program} 프로그램이 요청을 받지 않았습니다")
            }
            (Self::Silence, Language::English) => format!("{program} gave no answer"),
            (Self::Silence, Language::Korean) => {
                format!("{program} 프로그램이 응답하지 않았습니다")
            }
            (Self::Unintelligible, Language::English) => {
                format!("{program} gave an answer that is none")
            }
            (Self::Unintelligible, Language::Korean) => {
                format!("{program} 프로그램의 응답을 이해할 수 없습니다")
            }
        }
    }
}

impl std::fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text(Language::English))
    }
}

impl std::error::Error for NoAnswer {}

/// A helper that answers one question after the other, until this is dropped.
pub struct Connection {
    line: UnixStream,
    helper: Child,
}

impl Connection {
    /// Starts the helper at `program`. `paths` are the policy file and the records for a helper without privileges,
    /// as in tests.
    ///
    /// # Errors
    /// See [`NoAnswer`].
    pub fn open(program: &Path, paths: &[PathBuf]) -> Result<Self, NoAnswer> {
        Self::open_for(LONGEST, program, paths)
    }

    /// Starts the program that asks the verifiers of a fleet. `paths`: the policy file, if it is not the usual one.
    ///
    /// # Errors
    /// See [`NoAnswer`].
    pub fn open_to_a_fleet(program: &Path, paths: &[PathBuf]) -> Result<Self, NoAnswer> {
        Self::open_for(LONGEST_OF_A_FLEET, program, paths)
    }

    fn open_for(longest: Duration, program: &Path, paths: &[PathBuf]) -> Result<Self, NoAnswer> {
        let (line, theirs) = UnixStream::pair().map_err(NoAnswer::Start)?;
        line.set_read_timeout(Some(longest))
            .map_err(NoAnswer::Start)?;
        let helper = command(program, paths, theirs)
            .and_then(|mut command| command.spawn())
            .map_err(NoAnswer::Start)?;
        Ok(Self { line, helper })
    }

    /// Asks a question. A question is never sent again: an attempt without an answer may have been counted.
    ///
    /// # Errors
    /// See [`NoAnswer`]; the caller refuses the login.
    pub fn ask(&mut self, request: &Request) -> Result<Answer, NoAnswer> {
        let question = request.to_fields().to_bytes().ok_or(NoAnswer::Ask)?;
        send_all(&self.line, &question)?;
        let fields = Fields::read_from(&mut &self.line).map_err(|_| NoAnswer::Silence)?;
        Answer::from_fields(&fields).ok_or(NoAnswer::Unintelligible)
    }

    /// Whether the helper still waits for a question: between two questions it sends nothing, and only its end shows.
    #[must_use]
    pub fn is_there(&self) -> bool {
        let mut line = [PollFd::new(self.line.as_fd(), PollFlags::POLLIN)];
        matches!(poll(&mut line, PollTimeout::ZERO), Ok(0))
    }
}

#[cfg(test)]
impl Connection {
    /// Waits for the helper to end.
    pub(crate) fn wait(&mut self) {
        self.helper.wait().expect("the helper is our child");
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.line.shutdown(std::net::Shutdown::Both).ok();
        // The helper has answered every question or never will. Do not wait for it: somebody may have stopped it.
        end(&mut self.helper, false);
    }
}

/// A dialogue with the helper. If it is dropped before [`Reply::Keep`] is sent, nothing has changed.
pub struct Session {
    connection: UnixStream,
    helper: Child,
    ended: bool,
}

impl Session {
    /// Starts the helper and asks it to begin.
    ///
    /// # Errors
    /// See [`NoAnswer`].
    pub fn begin(program: &Path, request: &Request) -> Result<Self, NoAnswer> {
        Self::begin_with(program, &[], request)
    }

    /// Starts the helper and asks it to begin, with another policy file and other records than the usual ones.
    ///
    /// # Errors
    /// See [`NoAnswer`].
    pub fn begin_with(
        program: &Path,
        paths: &[PathBuf],
        request: &Request,
    ) -> Result<Self, NoAnswer> {
        let (connection, theirs) = UnixStream::pair().map_err(NoAnswer::Start)?;
        let helper = command(program, paths, theirs)
            // Ctrl-C is for this program, which then tells the person the result.
            .and_then(|mut command| command.process_group(0).spawn())
            .map_err(NoAnswer::Start)?;
        let session = Self {
            connection,
            helper,
            ended: false,
        };
        session.send_fields(&request.to_fields())?;
        Ok(session)
    }

    /// Waits for the helper's next turn.
    ///
    /// # Errors
    /// See [`NoAnswer`].
    pub fn receive(&mut self) -> Result<Turn, NoAnswer> {
        let fields = Fields::read_from(&mut &self.connection).map_err(|_| NoAnswer::Silence)?;
        let turn = Turn::from_fields(&fields).ok_or(NoAnswer::Unintelligible)?;
        self.ended = matches!(turn, Turn::End(_));
        Ok(turn)
    }

    /// Sends a reply to the helper.
    ///
    /// # Errors
    /// The helper no longer listens.
    pub fn send(&mut self, reply: &Reply) -> Result<(), NoAnswer> {
        self.send_fields(&reply.to_fields())
    }

    fn send_fields(&self, fields: &Fields) -> Result<(), NoAnswer> {
        send_all(&self.connection, &fields.to_bytes().ok_or(NoAnswer::Ask)?)
    }
}

impl AsFd for Session {
    /// Readable when the helper has sent something.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.connection.as_fd()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.connection.shutdown(std::net::Shutdown::Both).ok();
        end(&mut self.helper, self.ended);
    }
}

fn send_all(line: &UnixStream, bytes: &[u8]) -> Result<(), NoAnswer> {
    child::send_all(line, bytes).map_err(|_| NoAnswer::Ask)
}
