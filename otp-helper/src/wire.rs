//! The line to the caller: what is read comes from standard input, what is said goes to standard output.

use crate::system::Conversation;
use otp_helper::frame::{BadFrame, Fields};
use otp_helper::serving::{Line, Stop};
use otp_helper::session::{Reply, Turn};
use std::io::{self, Read, Write};
use zeroize::Zeroizing;

/// Standard input and output as they are.
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

/// The line to the caller. Past the buffers of the standard library, which nobody would wipe, and which would hold in
/// one process what another has read.
pub(crate) struct Wire {
    ends: Unbuffered,
    is_senseless: bool,
}

impl Wire {
    pub(crate) const fn to_the_caller() -> Self {
        Self {
            ends: Unbuffered,
            is_senseless: false,
        }
    }

    /// Whether the caller has answered a question of the PAM stack by something that is no answer.
    pub(crate) const fn is_senseless(&self) -> bool {
        self.is_senseless
    }

    /// Waits until the caller has gone, or has said something more.
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
        let text = text.to_owned();
        self.say(&Turn::Tell { text }.to_fields())
    }
}
