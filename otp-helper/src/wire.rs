//! The line to the caller: messages are read from standard input, and written to standard output.

use otp_core::record::Language;
use otp_helper::frame::{BadFrame, Fields};
use otp_helper::serving::{Line, Stop};
use otp_helper::session::{Reply, Turn};
use otp_helper::system::Conversation;
use std::io::{self, Read, Write};
use zeroize::Zeroizing;

/// Standard input and output without a buffer.
struct Unbuffered;

impl Read for Unbuffered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(nix::unistd::read(io::stdin(), buffer)?)
    }
}

impl Write for Unbuffered {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(nix::unistd::write(io::stdout(), bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The line to the caller. It bypasses the buffers of the standard library: nothing wipes them, and one process would
/// hold in them what another has read.
pub(crate) struct Wire {
    ends: Unbuffered,
    is_senseless: bool,
    language: Option<Language>,
}

impl Wire {
    pub(crate) const fn to_the_caller(language: Option<Language>) -> Self {
        Self {
            ends: Unbuffered,
            is_senseless: false,
            language,
        }
    }

    /// Returns the language of the person at the other end, if the caller has stated it.
    pub(crate) const fn language(&self) -> Option<Language> {
        self.language
    }

    /// Whether the caller has answered a question of the PAM stack with something that is not an answer.
    pub(crate) const fn is_senseless(&self) -> bool {
        self.is_senseless
    }

    /// Waits until the caller has left or has sent more; returns whether it sent more.
    pub(crate) fn has_more(&mut self) -> bool {
        self.ends.read(&mut [0; 1]).is_ok_and(|count| count > 0)
    }
}

impl Line for Wire {
    fn read(&mut self) -> Result<Fields, BadFrame> {
        Fields::read_from(&mut self.ends)
    }

    fn say(&mut self, message: &Fields) -> Option<()> {
        let bytes = message.to_bytes()?;
        self.ends.write_all(&bytes).ok()
    }
}

impl Conversation for Wire {
    fn ask(&mut self, prompt: &str, echo: bool) -> Option<Zeroizing<Vec<u8>>> {
        if self.is_senseless {
            return None;
        }
        let prompt = prompt.to_owned();
        match self.exchange(&Turn::Ask { prompt, echo }.to_fields()) {
            Ok(Reply::Text(text)) => Some(text),
            Ok(Reply::Code(_) | Reply::Keep) | Err(Stop::Senseless) => {
                self.is_senseless = true;
                None
            }
            Err(Stop::Gone | Stop::Unavailable(_)) => None,
        }
    }

    fn tell(&mut self, text: &str) -> Option<()> {
        let text = text.to_owned().into();
        self.say(&Turn::Tell { text }.to_fields())
    }
}
