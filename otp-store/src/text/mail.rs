//! `mail`: the codes that were sent by mail, and the address that was confirmed. Format version 1.
//!
//! ```toml
//! version = 1
//! uid = 1001
//! sent = [1800000000, 1800000060]
//! [outstanding]
//! hash = "(64 hexadecimal digits)"
//! since = 1800000060
//! [confirmed]
//! address = "alice@example.org"
//! when = 1700000000
//! ```

use data_encoding::HEXLOWER;
use otp_core::UnixTime;
use otp_core::mail::Address;
use otp_core::mailed::{Confirmed, Mailbox, MailedHash, Outstanding};
use otp_core::messages::reason::Unfit;
use otp_file::{Section, Source, Unparsed, number, text};
use std::fmt::Write;
use toml::de::DeValue;

const VERSION: u64 = 1;
/// More than the text takes.
pub(crate) const LIMIT: u64 = 1024;

/// Reads the user id of the account, and what is stored about its mail.
pub(crate) fn parse(bytes: &[u8]) -> Result<(u32, Mailbox), Unparsed> {
    let mut root = Source::of_record(bytes)?.root()?;
    root.version(VERSION)?;
    let uid = root.require("uid", |value| {
        u32::try_from(number(value)?).map_err(|_| Unfit::NoUserId)
    })?;
    let sent = root.require("sent", |value| {
        let DeValue::Array(times) = value else {
            return Err(Unfit::NotTimes);
        };
        let times = times.iter().map(|time| number(time.get_ref()));
        times
            .map(|time| time.map(UnixTime::from_seconds))
            .collect::<Result<Vec<_>, _>>()
    })?;
    let outstanding = root.section("outstanding")?.map(outstanding).transpose()?;
    let confirmed = root.section("confirmed")?.map(confirmed).transpose()?;
    let mailbox = Mailbox::new(sent, outstanding, confirmed);
    let mailbox = mailbox.map_err(|reason| root.fault(reason.0))?;
    root.end()?;
    Ok((uid, mailbox))
}

fn outstanding(mut section: Section<'_>) -> Result<Outstanding, Unparsed> {
    let hash = section.require("hash", |value| {
        let bytes = HEXLOWER.decode(text(value)?.as_bytes()).ok();
        let bytes = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        bytes.map(MailedHash).ok_or(Unfit::NoMailHash)
    })?;
    let since = UnixTime::from_seconds(section.require("since", number)?);
    section.end()?;
    Ok(Outstanding { hash, since })
}

fn confirmed(mut section: Section<'_>) -> Result<Confirmed, Unparsed> {
    let address = section.require("address", |value| {
        Address::parse(text(value)?).map_err(|reason| reason.0)
    })?;
    let when = UnixTime::from_seconds(section.require("when", number)?);
    section.end()?;
    Ok(Confirmed { address, when })
}

/// Writes the user id, and what is stored about the mail.
pub(crate) fn to_text(uid: u32, mailbox: &Mailbox) -> String {
    let sent: Vec<String> = mailbox
        .sent()
        .iter()
        .map(|when| when.seconds().to_string())
        .collect();
    let sent = sent.join(", ");
    let mut text = format!("version = {VERSION}\nuid = {uid}\nsent = [{sent}]\n");
    if let Some(Outstanding { hash, since }) = mailbox.outstanding() {
        let (hash, since) = (HEXLOWER.encode(&hash.0), since.seconds());
        write!(
            text,
            "\n[outstanding]\nhash = \"{hash}\"\nsince = {since}\n"
        )
        .expect("writing to a String never fails");
    }
    if let Some(Confirmed { address, when }) = mailbox.confirmed() {
        let (address, when) = (address.as_str(), when.seconds());
        write!(
            text,
            "\n[confirmed]\naddress = \"{address}\"\nwhen = {when}\n"
        )
        .expect("writing to a String never fails");
    }
    text
}

#[cfg(test)]
mod tests;
