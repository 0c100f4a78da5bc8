//! An event as the hook gets it: its writer's words, checked for form, and the facts that only this program knows.

use crate::taken::{Item, Read};
use otp_core::event::{Event, Key};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The members that a file of the queue may have; any other member is refused.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Said {
    version: u8,
    id: String,
    event: String,
    event_id: String,
    severity: String,
    time: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    service: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    remote_address: Option<String>,
    actor: BTreeMap<String, u32>,
    keys: BTreeMap<String, String>,
}

/// The members that the hook gets.
#[derive(Serialize)]
struct Handed<'a> {
    #[serde(flatten)]
    said: &'a Said,
    /// The user id of the process that wrote the event.
    written_by_uid: u32,
    /// The name of this machine.
    host: &'a str,
    /// The number of this try, from 1.
    attempt: u32,
}

const ACTORS: [&str; 3] = ["caller_uid", "login_uid", "env_sudo_uid"];

/// Makes the text for the hook: one line.
///
/// # Errors
/// The file is not an event, or not the event that its name says.
pub(crate) fn for_hook(item: &Item, read: &Read, host: &str) -> Result<Vec<u8>, String> {
    let said: Said = serde_json::from_slice(&read.bytes).map_err(|_| "is no event".to_owned())?;
    check(item, &said).map_err(str::to_owned)?;
    let handed = Handed {
        said: &said,
        written_by_uid: read.owner,
        host,
        attempt: item.tries.saturating_add(1),
    };
    let mut text = serde_json::to_vec(&handed).map_err(|_| "cannot be written".to_owned())?;
    text.push(b'\n');
    Ok(text)
}

fn check(item: &Item, said: &Said) -> Result<(), &'static str> {
    let event = Event::ALL.into_iter().find(|one| one.name() == said.event);
    let is_its_name = event == Some(item.name.event) && said.id == format!("{:032x}", item.name.id);
    if said.version != 1 || !is_its_name {
        return Err("says that it is another event");
    }
    let event = item.name.event;
    if said.event_id != event.id() || !is_moment(&said.time) {
        return Err("is no event of this version");
    }
    let mut severities = event.severities().iter();
    if !severities.any(|one| one.word() == said.severity) {
        return Err("has a severity that its event never has");
    }
    let is_key = |word: &String| Key::ALL.iter().any(|key| key.word() == word);
    if !said.keys.keys().all(is_key) || !said.actor.keys().all(|key| ACTORS.contains(&&**key)) {
        return Err("has a key that no event has");
    }
    Ok(())
}

/// Whether the text is a time such as `2027-01-15T08:00:10Z`.
fn is_moment(text: &str) -> bool {
    let form = "dddd-dd-ddTdd:dd:ddZ";
    text.len() >= form.len()
        && text
            .bytes()
            .rev()
            .zip(form.bytes().rev())
            .all(|(byte, wanted)| match wanted {
                b'd' => byte.is_ascii_digit(),
                wanted => byte == wanted,
            })
        && text
            .bytes()
            .take(text.len() - form.len())
            .all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests;
