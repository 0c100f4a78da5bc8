//! Key containers of RFC 6030 (PSKC), which come with hardware tokens and from other servers.
//!
//! Names are compared without namespaces and without case: privacyIDEA writes all names in lower case.

mod sealed;
#[cfg(test)]
mod tests;

pub use sealed::TransportKey;

use crate::numbers::signed;
use crate::{Device, Entry, Owner, Past, Unreadable, key};
use otp_core::messages::import::{Field, Flaw, Obstacle, Remark};
use otp_core::record::{Algorithm, Digits, Drift, Kind};
use otp_core::{Step, UnixTime};
use roxmltree::{Document, Node};
use sealed::Seals;
use std::collections::BTreeSet;

/// The facts that a container does not state.
pub struct PskcOptions<'a> {
    /// The key that decrypts encrypted values.
    pub transport_key: Option<&'a TransportKey>,
    /// Whether to import encrypted keys that no MAC protects.
    pub without_mac: bool,
    /// The current time, for keys with a period of validity.
    pub now: UnixTime,
}

/// Reads the keys of a container.
///
/// # Errors
/// The bytes are not such a container.
pub fn key_container(bytes: &[u8], options: &PskcOptions<'_>) -> Result<Vec<Entry>, Unreadable> {
    let at_start = |flaw| Unreadable { line: 1, flaw };
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|_| at_start(Flaw::NotText))?;
    if let Some(line) = overfull(text) {
        let flaw = Flaw::Xml;
        return Err(Unreadable { line, flaw });
    }
    let document = Document::parse(text).map_err(|error| Unreadable {
        line: usize::try_from(error.pos().row).unwrap_or(1),
        flaw: Flaw::Xml,
    })?;
    let root = document.root_element();
    let version = attribute(root, "version").unwrap_or_default();
    if !is_called(root, "KeyContainer") || !version.starts_with("1.") {
        return Err(at_start(Flaw::NotPskc));
    }
    let seals = Seals::of(root, options);
    let mut lines = Lines::of(text);
    let mut entries = Vec::new();
    for package in children(root, "KeyPackage") {
        let line = lines.of_offset(package.range().start);
        let key = child(package, "Key");
        entries.push(Entry {
            line,
            owner: key.and_then(|key| owner(package, key)),
            label: label(package),
            device: key
                .ok_or(Obstacle::Unreadable(Flaw::NoKey))
                .and_then(|key| device(key, &seals, options.now)),
        });
    }
    if entries.is_empty() {
        return Err(at_start(Flaw::Empty));
    }
    Ok(entries)
}

/// Finds a line with more attributes in one tag, or more namespace prefixes in all, than any real container has.
///
/// The parser compares each of them with all others of its tag or scope: a file full of them would take hours.
fn overfull(text: &str) -> Option<usize> {
    const MOST_QUOTES: usize = 2 * 64;
    const MOST_PREFIXES: usize = 32;
    const DECLARATION: &str = "xmlns";
    let quotes = |part: &str| {
        part.bytes()
            .filter(|byte| matches!(byte, b'"' | b'\''))
            .count()
    };
    let mut prefixes = BTreeSet::new();
    let mut line = 1;
    for part in text.split('<') {
        for (at, _) in part.match_indices(DECLARATION) {
            let behind = &part[at + DECLARATION.len()..];
            let end = behind.find(|c: char| c == '=' || c.is_ascii_whitespace());
            prefixes.insert(&behind[..end.unwrap_or(behind.len())]);
        }
        if quotes(part) > MOST_QUOTES || prefixes.len() > MOST_PREFIXES {
            return Some(line);
        }
        line += part.matches('\n').count();
    }
    None
}

/// Counts the lines of offsets, which must not decrease.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl<'a> Lines<'a> {
    const fn of(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            line: 1,
        }
    }

    fn of_offset(&mut self, offset: usize) -> usize {
        self.line += self.text[self.at..offset].matches('\n').count();
        self.at = offset;
        self.line
    }
}

fn is_called(node: Node<'_, '_>, name: &str) -> bool {
    node.is_element() && node.tag_name().name().eq_ignore_ascii_case(name)
}

fn children<'a, 'i>(node: Node<'a, 'i>, name: &str) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |one| is_called(*one, name))
}

fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    children(node, name).next()
}

fn attribute<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    let mut attributes = node.attributes();
    attributes
        .find(|one| one.name().eq_ignore_ascii_case(name))
        .map(|one| one.value())
}

/// Returns the text of an element, without surrounding space.
fn text_of<'a>(node: Node<'a, '_>) -> &'a str {
    node.text().unwrap_or_default().trim()
}

/// Returns the text after the last `#`, `:` or `/` of a URI.
fn end_of_uri(uri: &str) -> &str {
    uri.rsplit(['#', ':', '/']).next().unwrap_or(uri)
}

/// Finds the user of the key, or of the device. In a distinguished name (RFC 4514) this is the `UID`, or else the
/// first `CN`.
fn owner(package: Node<'_, '_>, key: Node<'_, '_>) -> Option<Owner> {
    let of_device = || child(package, "DeviceInfo").and_then(|device| child(device, "UserId"));
    let written = text_of(child(key, "UserId").or_else(of_device)?);
    let parts = || written.split(',').filter_map(|part| part.split_once('='));
    let named = |wanted: &str| {
        let mut found = parts().filter(|(name, _)| name.trim().eq_ignore_ascii_case(wanted));
        found.next().map(|(_, value)| value.trim())
    };
    let name = if written.contains('=') {
        named("UID").or_else(|| named("CN"))?
    } else {
        written
    };
    (!name.is_empty()).then(|| Owner::perhaps_of_realm(name.to_owned()))
}

/// Returns the name of the device: its serial number, or the id of its key.
fn label(package: Node<'_, '_>) -> Option<String> {
    let serial = child(package, "DeviceInfo").and_then(|device| child(device, "SerialNo"));
    let serial = serial.map(text_of).filter(|text| !text.is_empty());
    let id = || child(package, "Key").and_then(|key| attribute(key, "Id"));
    serial.or_else(id).map(str::to_owned)
}

fn device(key: Node<'_, '_>, seals: &Seals<'_>, now: UnixTime) -> Result<Device, Obstacle> {
    let uri = attribute(key, "Algorithm").unwrap_or_default();
    let is_event_based = match end_of_uri(uri).to_ascii_lowercase().as_str() {
        "hotp" => true,
        "totp" => false,
        _ => return Err(Obstacle::Algorithm),
    };
    if let Some(policy) = child(key, "Policy") {
        allows(policy, now)?;
    }
    let parameters = child(key, "AlgorithmParameters");
    let (digits, algorithm) = parameters.map_or(Ok((Digits::SIX, Algorithm::Sha1)), shape)?;
    let no_key = Obstacle::Unreadable(Flaw::NoKey);
    let data = child(key, "Data").ok_or(no_key.clone())?;
    let secret = key::secret(seals.value(child(data, "Secret").ok_or(no_key)?)?)?;
    let counter = seals.number(child(data, "Counter"), Field::Counter)?;
    let is_of_privacyidea =
        child(key, "Issuer").is_some_and(|issuer| text_of(issuer) == "privacyIDEA");
    let mut remarks = Vec::new();
    let (kind, past, drift) = if is_event_based {
        let next = counter.ok_or(Obstacle::Unreadable(Flaw::Number(Field::Counter)))?;
        remarks.push(Remark::CounterOfFile);
        let past = Past::before(next);
        (Kind::Hotp, past, Drift::default())
    } else {
        let seconds = seals
            .number(child(data, "TimeInterval"), Field::Step)?
            .unwrap_or(30);
        let kind = key::totp(seconds)?;
        // The element holds steps; privacyIDEA writes seconds.
        let unit = if is_of_privacyidea { seconds } else { 1 };
        let drift = drift(child(data, "TimeDrift"), unit)?;
        // privacyIDEA writes the step after the last used one.
        let used = counter.filter(|&counter| is_of_privacyidea && counter > 0);
        (
            kind,
            used.map_or(Past::Unknown, |step| Past::UpTo(Step(step))),
            drift,
        )
    };
    Ok(Device {
        drift,
        past,
        remarks,
        ..Device::of(kind, algorithm, digits, secret)
    })
}

/// Reads the length of the codes, and their hash.
fn shape(parameters: Node<'_, '_>) -> Result<(Digits, Algorithm), Obstacle> {
    let format = child(parameters, "ResponseFormat");
    let digits = match format {
        Some(format) => {
            let is_plain = attribute(format, "Encoding")
                .is_none_or(|encoding| encoding.eq_ignore_ascii_case("DECIMAL"))
                && attribute(format, "CheckDigits")
                    .is_none_or(|check| matches!(check, "false" | "0"));
            let length = attribute(format, "Length").and_then(|length| length.trim().parse().ok());
            let length = length.filter(|_| is_plain).ok_or(Obstacle::Digits)?;
            key::digits(length)?
        }
        None => Digits::SIX,
    };
    let suite = child(parameters, "Suite");
    // privacyIDEA writes the hash as an attribute.
    let name = suite.map(|suite| attribute(suite, "hashalgo").unwrap_or_else(|| text_of(suite)));
    let algorithm = match name.filter(|name| !name.is_empty()) {
        Some(name) => key::algorithm(name)?,
        None => Algorithm::Sha1,
    };
    Ok((digits, algorithm))
}

/// Checks that a policy allows the key for one-time codes now, for a server that asks for nothing more (section 5).
/// Unknown elements forbid it.
fn allows(policy: Node<'_, '_>, now: UnixTime) -> Result<(), Obstacle> {
    let mut usages = children(policy, "KeyUsage").map(text_of).peekable();
    if usages.peek().is_some() && !usages.any(|usage| usage.eq_ignore_ascii_case("OTP")) {
        return Err(Obstacle::KeyPolicy);
    }
    for element in policy.children().filter(Node::is_element) {
        match element.tag_name().name().to_ascii_lowercase().as_str() {
            "keyusage" => {}
            "startdate" => {
                if moment(text_of(element)).is_none_or(|start| now < start) {
                    return Err(Obstacle::KeyPolicy);
                }
            }
            "expirydate" => {
                if moment(text_of(element)).is_none_or(|end| now >= end) {
                    return Err(Obstacle::KeyPolicy);
                }
            }
            // The device itself checks a PIN that unlocks it.
            "pinpolicy" => match attribute(element, "PINUsageMode") {
                None | Some("Local") => {}
                Some(_) => return Err(Obstacle::Pin),
            },
            _ => return Err(Obstacle::KeyPolicy),
        }
    }
    Ok(())
}

/// Reads a moment like `2026-05-01T00:00:00Z`; time zones other than UTC are not read.
fn moment(text: &str) -> Option<UnixTime> {
    let text = text.strip_suffix('Z')?;
    let text = text.split_once('.').map_or(text, |(whole, _)| whole);
    let (date, time) = text.split_once('T')?;
    let mut parts = date.split('-').chain(time.split(':'));
    let year = parts.next()?.parse().ok()?;
    let mut part = || parts.next()?.parse().ok();
    let (month, day, hour, minute, second) = (part()?, part()?, part()?, part()?, part()?);
    UnixTime::from_civil_utc(year, month, day, hour, minute, second)
}

/// Reads how far the device's clock is off, in steps.
fn drift(element: Option<Node<'_, '_>>, unit: u64) -> Result<Drift, Obstacle> {
    let Some(value) = element.and_then(|element| child(element, "PlainValue")) else {
        return Ok(Drift::default());
    };
    let text = text_of(value);
    // privacyIDEA writes these if there is no drift.
    if matches!(text, "" | "None") {
        return Ok(Drift::default());
    }
    // Sometimes privacyIDEA writes a fraction.
    let whole = text.split_once('.').map_or(text, |(whole, _)| whole);
    let distance = signed(whole).ok_or(Obstacle::Unreadable(Flaw::Number(Field::Drift)))?;
    let unit = i64::try_from(unit).unwrap_or(1).max(1);
    let half = if distance < 0 { -(unit / 2) } else { unit / 2 };
    Drift::from_steps(distance.saturating_add(half) / unit).map_err(|_| Obstacle::Clock)
}
