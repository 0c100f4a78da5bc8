//! The text of a mail as it is sent.

use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, SinglePart};
use otp_core::mail::Address;
use otp_core::messages::mail::{Letter, WhatFor};
use otp_helper::mail::{Outgoing, Purpose};
use std::error::Error;

/// The header that marks a mail as automatic, so that vacation replies do not answer it (RFC 3834 section 5).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// Composes the whole mail.
///
/// # Errors
/// lettre does not accept a part of it; the text says why.
pub(crate) fn compose(
    outgoing: &Outgoing,
    from: &Address,
    to: &Address,
) -> Result<Message, String> {
    let letter = Letter {
        language: outgoing.language,
        user: &outgoing.user,
        machine: &outgoing.machine,
        what_for: match outgoing.purpose {
            Purpose::Login => WhatFor::Login {
                service: &outgoing.service,
                rhost: &outgoing.rhost,
            },
            Purpose::Address => WhatFor::Address,
        },
    };
    let body = letter.body(&outgoing.code);
    Message::builder()
        .from(mailbox(from)?)
        .to(mailbox(to)?)
        .subject(letter.subject())
        .date_now()
        .message_id(Some(message_id(from)))
        .header(AutoSubmitted)
        .singlepart(
            SinglePart::builder()
                .header(ContentType::TEXT_PLAIN)
                .body(body.as_str().to_owned()),
        )
        .map_err(|error| error.to_string())
}

fn mailbox(address: &Address) -> Result<Mailbox, String> {
    let told = |error: lettre::address::AddressError| error.to_string();
    let address = lettre::Address::new(address.local(), address.domain()).map_err(told)?;
    Ok(Mailbox::new(None, address))
}

/// Makes an id that no other mail has (RFC 5322 section 3.6.4).
fn message_id(from: &Address) -> String {
    let random = random_text();
    format!("<{random}@{}>", from.domain())
}

/// Returns 128 random bits as text; clock and process id if the system provides no random bytes.
fn random_text() -> String {
    use std::fmt::Write;
    let mut bytes = [0; 16];
    let random = std::fs::File::open("/dev/urandom")
        .and_then(|mut source| std::io::Read::read_exact(&mut source, &mut bytes));
    let mut text = String::with_capacity(32);
    if random.is_err() {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        write!(text, "{}.", now.unwrap_or_default().as_nanos()).ok();
        write!(text, "{}", std::process::id()).ok();
        return text;
    }
    for byte in bytes {
        write!(text, "{byte:02x}").ok();
    }
    text
}

#[cfg(test)]
mod tests;
