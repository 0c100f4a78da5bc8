//! Messages to `otp-mail`, and the side that hands them over.
//!
//! A login waits for no mail server: `otp-mail` takes the message, confirms that, and sends the mail in a process of
//! its own.

use crate::child::{command, end, send_all};
use crate::frame::Fields;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use otp_core::mail::Address;
use otp_core::record::Language;
use otp_file::told;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// The name of the program, which is installed beside the helper.
pub const PROGRAM: &str = "otp-mail";

/// The time that `otp-mail` may take until it has the message. It only has to start for that.
const LONGEST: Duration = Duration::from_secs(5);

/// The time if it must find the address first: a little more than it allows the command that prints the address.
const LONGEST_WITH_ADDRESS: Duration = Duration::from_secs(15);

/// Its answer once it has the message.
pub const TAKEN: u8 = b'+';

/// The purpose of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Its code lets a user log in.
    Login,
    /// Its code proves that an address belongs to its user.
    Address,
}

impl Purpose {
    /// All purposes.
    pub const ALL: [Self; 2] = otp_core::every!(Purpose: Login, Address);

    const fn word(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Address => "address",
        }
    }
}

/// A code to be mailed. It has no `Debug`: it holds the code.
#[derive(Clone)]
pub struct Outgoing {
    /// The purpose of the mail.
    pub purpose: Purpose,
    /// The path of the policy.
    pub conf: PathBuf,
    /// The language of the mail.
    pub language: Language,
    /// The account.
    pub user: String,
    /// The code.
    pub code: Zeroizing<String>,
    /// The only address that the mail may go to, if that is known.
    pub only_to: Option<Address>,
    /// The service that the code is for, as the program states it.
    pub service: String,
    /// The host from which the login comes, as the program states it.
    pub rhost: String,
    /// The name of this machine.
    pub machine: String,
    /// Whether to send nothing: if no mail is due, the program only takes as long as for a mail.
    pub idle: bool,
}

impl Outgoing {
    /// Encodes the message for the wire.
    #[must_use]
    pub fn to_fields(&self) -> Fields {
        use std::os::unix::ffi::OsStrExt;
        let short = |text: &str| text.chars().take(256).collect::<String>();
        Fields::default()
            .with(b"mail1")
            .with(self.purpose.word().as_bytes())
            .with(self.conf.as_os_str().as_bytes())
            .with(self.language.tag().as_bytes())
            .with(self.user.as_bytes())
            .with(self.code.as_bytes())
            .with(self.only_to.as_ref().map_or("", Address::as_str).as_bytes())
            .with(short(&self.service).as_bytes())
            .with(short(&self.rhost).as_bytes())
            .with(short(&self.machine).as_bytes())
            .with(if self.idle { b"idle" } else { b"send" })
    }

    /// Decodes a message; `None`: the fields are not a message.
    #[must_use]
    pub fn from_fields(fields: &Fields) -> Option<Self> {
        use std::os::unix::ffi::OsStrExt;
        let text = |field: &[u8]| std::str::from_utf8(field).ok().map(str::to_owned);
        let slices = fields.as_slices();
        let [
            b"mail1",
            purpose,
            conf,
            language,
            user,
            code,
            only_to,
            service,
            rhost,
            machine,
            idle @ (b"idle" | b"send"),
        ] = slices.as_slice()
        else {
            return None;
        };
        let is_code = code.len() == otp_core::mailed::DIGITS && code.iter().all(u8::is_ascii_digit);
        if !is_code {
            return None;
        }
        let purpose = text(purpose)?;
        Some(Self {
            purpose: Purpose::ALL.into_iter().find(|one| one.word() == purpose)?,
            conf: PathBuf::from(std::ffi::OsStr::from_bytes(conf)),
            language: Language::from_tag(std::str::from_utf8(language).ok()?)?,
            user: text(user)?,
            code: Zeroizing::new(text(code)?),
            only_to: match *only_to {
                b"" => None,
                address => Some(Address::parse(std::str::from_utf8(address).ok()?).ok()?),
            },
            service: text(service)?,
            rhost: text(rhost)?,
            machine: text(machine)?,
            idle: *idle == b"idle",
        })
    }
}

/// Why a mail could not be handed over.
#[derive(Debug)]
pub enum NotTaken {
    /// The program could not be started.
    Start(io::Error),
    /// The program did not take the message.
    Silence,
}

impl NotTaken {
    /// Returns the fault in words of that language, without a full stop.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        match (self, language) {
            (Self::Start(error), Language::English) => {
                format!("otp-mail could not be started: {error}")
            }
            (Self::Start(error), Language::Korean) => {
                let error = told(error, language);
                format!("otp-mail 프로그램을 시작하지 못했습니다: {error}")
            }
            (Self::Silence, Language::English) => "otp-mail did not take the message".to_owned(),
            (Self::Silence, Language::Korean) => {
                "otp-mail 프로그램이 메시지를 받지 않았습니다".to_owned()
            }
        }
    }
}

impl std::fmt::Display for NotTaken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text(Language::English))
    }
}

impl std::error::Error for NotTaken {}

/// Hands a mail over to `otp-mail`. The log has the result.
///
/// It leaves nothing behind in the program around it: no descriptor, no child, no signal.
///
/// # Errors
/// See [`NotTaken`].
pub fn hand_over(program: &Path, outgoing: &Outgoing) -> Result<(), NotTaken> {
    converse(program, outgoing, LONGEST, |mut line| {
        let mut answer = [0];
        line.read_exact(&mut answer).ok()?;
        (answer == [TAKEN]).then_some(())
    })
}

/// Hands a mail over as [`hand_over`] does, and returns the address that the mail goes to. This takes as long as the
/// command that prints the address.
///
/// # Errors
/// See [`NotTaken`].
pub fn hand_over_and_hear(program: &Path, outgoing: &Outgoing) -> Result<Address, NotTaken> {
    converse(program, outgoing, LONGEST_WITH_ADDRESS, |line| {
        let mut answer = Vec::new();
        line.take(512).read_to_end(&mut answer).ok()?;
        let address = answer.strip_prefix(&[TAKEN])?;
        Address::parse(std::str::from_utf8(address).ok()?).ok()
    })
}

fn converse<T>(
    program: &Path,
    outgoing: &Outgoing,
    longest: Duration,
    hear: impl FnOnce(&UnixStream) -> Option<T>,
) -> Result<T, NotTaken> {
    let message = outgoing.to_fields().to_bytes().ok_or(NotTaken::Silence)?;
    let (line, theirs) = UnixStream::pair().map_err(NotTaken::Start)?;
    // The rest of the answer follows its first byte at once.
    line.set_read_timeout(Some(LONGEST))
        .map_err(NotTaken::Start)?;
    let mut program = command(program, &[], theirs)
        // Ctrl-C at the terminal of the login must not end the program.
        .and_then(|mut command| command.process_group(0).spawn())
        .map_err(NotTaken::Start)?;
    let heard = if is_answered(&line, &message, longest) {
        hear(&line)
    } else {
        None
    };
    // The program ends once it has answered. If it has not answered by now, it is ended.
    end(&mut program, heard.is_some());
    heard.ok_or(NotTaken::Silence)
}

/// Whether an answer to the message came in time.
fn is_answered(line: &UnixStream, message: &[u8], longest: Duration) -> bool {
    // A message is smaller than the buffer of a socket, so this never blocks.
    if send_all(line, message).is_err() {
        return false;
    }
    let begun = Instant::now();
    loop {
        let left = longest.saturating_sub(begun.elapsed());
        let wait = PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO);
        let mut said = [PollFd::new(line.as_fd(), PollFlags::POLLIN)];
        match poll(&mut said, wait) {
            Ok(0) => return false,
            Ok(_) => return true,
            Err(nix::errno::Errno::EINTR) => {}
            Err(_) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outgoing(purpose: Purpose, only_to: Option<&str>, idle: bool) -> Outgoing {
        Outgoing {
            purpose,
            conf: "/etc/security/pam_otp.conf".into(),
            language: Language::Korean,
            user: "alice".to_owned(),
            code: Zeroizing::new("01234567".to_owned()),
            only_to: only_to.map(|address| Address::parse(address).unwrap()),
            service: "sshd".to_owned(),
            rhost: "192.0.2.1".to_owned(),
            machine: "web1".to_owned(),
            idle,
        }
    }

    #[test]
    fn every_message_reads_back() {
        for purpose in Purpose::ALL {
            for (only_to, idle) in [(None, true), (Some("a@example.org"), false)] {
                let fields = outgoing(purpose, only_to, idle).to_fields();
                let bytes = fields.to_bytes().unwrap();
                let again = Fields::read_from(&mut bytes.as_slice()).ok().unwrap();
                let back = Outgoing::from_fields(&again).expect("a message");
                assert!(back.to_fields().as_slices() == fields.as_slices());
            }
        }
    }

    #[test]
    fn a_malformed_message_is_refused() {
        let good = outgoing(Purpose::Login, None, false).to_fields();
        let good = good.as_slices();
        for (at, field) in [
            (0, b"mail2".as_slice()),
            (1, b"other"),
            (3, b"fr"),
            (4, b"\xff"),
            (5, b"1234567"),
            (5, b"1234567x"),
            (5, b"123456789"),
            (6, b"not an address"),
            (10, b"maybe"),
        ] {
            let fields = good
                .iter()
                .enumerate()
                .fold(Fields::default(), |all, (here, one)| {
                    all.with(if here == at { field } else { one })
                });
            assert!(Outgoing::from_fields(&fields).is_none(), "{at}");
        }
        assert!(Outgoing::from_fields(&Fields::default()).is_none());
    }

    #[test]
    fn the_longest_message_fits_a_frame() {
        let mut long = outgoing(Purpose::Login, None, false);
        long.user = "u".repeat(255);
        let text = "가".repeat(5000);
        (long.service, long.rhost, long.machine) = (text.clone(), text.clone(), text);
        assert!(long.to_fields().to_bytes().is_some());
    }

    #[test]
    fn a_missing_or_silent_program_has_not_taken_the_mail() {
        let mail = outgoing(Purpose::Login, None, true);
        let missing = hand_over(Path::new("/nowhere/otp-mail"), &mail);
        assert!(matches!(missing, Err(NotTaken::Start(_))));
        // This program ends without a word, whatever it is sent.
        let silent = hand_over(Path::new("/bin/true"), &mail);
        assert!(matches!(silent, Err(NotTaken::Silence)));
        // This program answers with something else: the message itself.
        let other = hand_over(Path::new("/bin/cat"), &mail);
        assert!(matches!(other, Err(NotTaken::Silence)));
    }
}
