//! Whom the policy informs: users by mail, and a hook of events; and what seals the records.

use otp_core::event::Event;
use otp_core::mail::{Address, AddressSource, Pattern, Route, Server};
use otp_core::messages::reason::Unfit;
use otp_core::record::{HooksPolicy, MailPolicy, SealPolicy};
use otp_file::{Section, Unparsed, text, texts};
use std::path::PathBuf;
use toml::de::DeValue;

/// Reads the section `[mail]`.
///
/// # Errors
/// As for the policy.
pub(super) fn mail(section: &mut Section<'_>, default: MailPolicy) -> Result<MailPolicy, Unparsed> {
    let sendmail = section.take("sendmail", |value| match path(value)? {
        Some(path) => Ok(Route::Sendmail(path)),
        None => Err(NO_PATH),
    })?;
    let smtp = section.take("smtp", |value| match text(value)? {
        "" => Ok(None),
        url => Server::parse(url)
            .map(|server| Some(Route::Smtp(server)))
            .map_err(|reason| reason.0),
    })?;
    let ca = section.take("ca", path)?;
    let credentials = section.take("credentials", path)?;
    let from = section.take("from", |value| match text(value)? {
        "" => Ok(None),
        from => Address::parse(from).map(Some).map_err(|reason| reason.0),
    })?;
    let address = section.take("address", |value| match text(value)? {
        "" => Ok(AddressSource::Nowhere),
        command if command.starts_with('/') => {
            path(value).map(|path| path.map_or(AddressSource::Nowhere, AddressSource::Command))
        }
        pattern => Pattern::parse(pattern)
            .map(AddressSource::Pattern)
            .map_err(|reason| reason.0),
    })?;
    Ok(MailPolicy {
        route: smtp.flatten().or(sendmail).unwrap_or(default.route),
        ca: ca.unwrap_or(default.ca),
        credentials: credentials.unwrap_or(default.credentials),
        from: from.unwrap_or(default.from),
        address: address.unwrap_or(default.address),
    })
}

/// Reads the section `[hooks]`.
///
/// # Errors
/// As for the policy.
pub(super) fn hooks(
    section: &mut Section<'_>,
    default: HooksPolicy,
) -> Result<HooksPolicy, Unparsed> {
    let run = section.take("run", |value| {
        let path = text(value)?;
        let is_path = path.starts_with('/') && path.len() < 4096 && !path.contains('\0');
        if path.is_empty() || is_path {
            Ok(path.to_owned())
        } else {
            Err(Unfit::NoProgram)
        }
    })?;
    let events = section.take("events", |value| {
        let words = texts(value)?;
        let events = words.iter().map(|word| Event::for_hooks(word));
        events.collect::<Option<Vec<_>>>().ok_or(Unfit::NoEvents)
    })?;
    Ok(HooksPolicy {
        run: run.unwrap_or(default.run),
        events: events.unwrap_or(default.events),
    })
}

/// Reads the section `[seal]`.
///
/// # Errors
/// As for the policy.
pub(super) fn seal(section: &mut Section<'_>, default: SealPolicy) -> Result<SealPolicy, Unparsed> {
    let key = section.take("key", |value| {
        // Below a directory, since a write replaces the name there.
        let named = |path: &str| path.starts_with('/') && !path.ends_with('/') && path.len() < 4096;
        match text(value)? {
            "" => Ok(String::new()),
            path if named(path) && !path.contains(char::is_control) => Ok(path.to_owned()),
            _ => Err(NO_PATH),
        }
    })?;
    Ok(SealPolicy {
        key: key.unwrap_or(default.key),
    })
}

const NO_PATH: Unfit = Unfit::NoPath;

/// Reads the path of a file; nothing if it is empty.
pub(super) fn path(value: &DeValue<'_>) -> Result<Option<PathBuf>, Unfit> {
    match text(value)? {
        "" => Ok(None),
        path if path.starts_with('/') && !path.contains(char::is_control) => Ok(Some(path.into())),
        _ => Err(NO_PATH),
    }
}
