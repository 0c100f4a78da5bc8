//! `otp-admin fleet add-machine`, `add-administrator`, `revoke`, `machines`: the members of the fleet.

use super::database::{Database, Pages, no};
use super::told::{minute, tell};
use super::{Asker, name_of, now};
use crate::beats;
use crate::etcd::compare::{CompareResult, CompareTarget, TargetUnion};
use crate::etcd::{Compare, PutRequest, RequestOp, TxnRequest, request_op};
use crate::name::PeerName;
use crate::registry::{Entry, PREFIX, Role, Zone};
use otp_core::UnixTime;
use otp_core::event::Severity;
use otp_core::messages::fleet::{Told, Unable};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Lets a machine ask; an existing entry gets these zones, and is valid again if it was revoked.
pub fn add_machine(asker: &Asker, name: &str, zones: &[String]) -> Result<(), Unable> {
    let name = name_of(name)?;
    let zones: Result<Vec<Zone>, Unable> = zones
        .iter()
        .map(|zone| {
            Zone::new(zone).ok_or_else(|| Unable::UnusableName {
                name: zone.escape_debug().to_string(),
            })
        })
        .collect();
    let database = asker.database()?;
    put(&database, &name, Role::Machine, zones?)?;
    asker.record("add-machine", Severity::Notice, name.as_str());
    let name = name.as_str();
    tell(asker, Told::MachineAdded { name })
}

/// Lets an administrator give orders.
pub fn add_administrator(asker: &Asker, name: &str) -> Result<(), Unable> {
    let name = name_of(name)?;
    let database = asker.database()?;
    let_administer(asker, &database, &name)
}

/// Lets an administrator give orders, in a database that is open.
pub fn let_administer(asker: &Asker, database: &Database, name: &PeerName) -> Result<(), Unable> {
    put(database, name, Role::Administrator, Vec::new())?;
    asker.record("add-administrator", Severity::Warning, name.as_str());
    let name = name.as_str();
    tell(asker, Told::AdministratorAdded { name })
}

fn put(database: &Database, name: &PeerName, role: Role, zones: Vec<Zone>) -> Result<(), Unable> {
    if database.fleet()?.is_none() {
        return Err(Unable::NotBegun);
    }
    let (found, revision) = entry(database, name)?;
    if found.as_ref().is_some_and(|found| found.role != role) {
        let name = name.as_str().to_owned();
        return Err(Unable::AnotherRole { name });
    }
    let entry = Entry {
        name: name.clone(),
        role,
        zones,
        revoked: None,
        added: match found {
            Some(found) if found.revoked.is_none() => found.added,
            _ => now()?,
        },
    };
    write(database, &entry, revision)
}

/// Refuses a machine or an administrator from now on.
pub fn revoke(asker: &Asker, name: &str) -> Result<(), Unable> {
    let name = name_of(name)?;
    if asker.administrator.as_deref() == Some(name.as_str()) {
        let name = name.as_str().to_owned();
        return Err(Unable::LastAdministrator { name });
    }
    let database = asker.database()?;
    let (found, revision) = entry(&database, &name)?;
    let Some(found) = found else {
        let name = name.as_str().to_owned();
        return Err(Unable::NoSuchName { name });
    };
    let name = name.as_str();
    if found.revoked.is_some() {
        return tell(asker, Told::WasRevoked { name });
    }
    let entry = Entry {
        revoked: Some(now()?),
        ..found
    };
    write(&database, &entry, revision)?;
    asker.record("revoke", Severity::Warning, name);
    tell(asker, Told::Revoked { name })
}

/// Reads the entry of a name, and its revision; 0: there is none. An entry that cannot be read is valid for no one:
/// it may be overwritten.
fn entry(database: &Database, name: &PeerName) -> Result<(Option<Entry>, i64), Unable> {
    let found = database.one(&Entry::key(name))?;
    Ok(found.map_or((None, 0), |found| {
        let entry = Entry::from_text(name, &found.value).ok();
        (entry, found.mod_revision)
    }))
}

fn write(database: &Database, entry: &Entry, revision: i64) -> Result<(), Unable> {
    let key = Entry::key(&entry.name);
    let request = TxnRequest {
        compare: vec![unchanged(&key, revision)],
        success: vec![put_of(key.into_bytes(), entry.to_text().into_bytes())],
        failure: Vec::new(),
    };
    let answer = database.once(request).map_err(|failure| no(&failure))?;
    if answer.succeeded {
        Ok(())
    } else {
        Err(Unable::ChangedMeanwhile)
    }
}

/// Returns the condition that a key has not been written since that revision; 0: that it does not exist.
pub fn unchanged(key: &str, revision: i64) -> Compare {
    Compare {
        result: CompareResult::Equal.into(),
        target: CompareTarget::Mod.into(),
        key: key.into(),
        target_union: Some(TargetUnion::ModRevision(revision)),
        ..Compare::default()
    }
}

/// Returns the step that writes a key.
pub fn put_of(key: Vec<u8>, value: Vec<u8>) -> RequestOp {
    let put = PutRequest {
        key,
        value,
        ..PutRequest::default()
    };
    RequestOp {
        request: Some(request_op::Request::RequestPut(put)),
    }
}

/// One entry of the registry, for a list.
pub struct Listed {
    /// The entry; `None`: the entry of that name cannot be read.
    pub entry: Option<Entry>,
    /// The name.
    pub name: String,
    /// The digest of the machine's policy, if it has asked anything.
    pub policy: Option<String>,
}

/// Reads the whole registry, in order.
pub fn listed(database: &Database) -> Result<Vec<Listed>, Unable> {
    let whole = Pages {
        revision: 0,
        keys_only: false,
    };
    let mut policies = BTreeMap::new();
    database.every(beats::POLICIES, whole, |found| {
        let name = found.key.strip_prefix(beats::POLICIES.as_bytes());
        let policy = String::from_utf8_lossy(&found.value).trim().to_owned();
        policies.insert(
            String::from_utf8_lossy(name.unwrap_or_default()).into_owned(),
            policy,
        );
        Ok(())
    })?;
    let mut all = Vec::new();
    database.every(PREFIX, whole, |found| {
        let name = found
            .key
            .strip_prefix(PREFIX.as_bytes())
            .unwrap_or_default();
        let name = String::from_utf8_lossy(name).into_owned();
        let entry =
            PeerName::new(&name).and_then(|peer| Entry::from_text(&peer, &found.value).ok());
        let policy = policies.get(&name).cloned();
        all.push(Listed {
            entry,
            name,
            policy,
        });
        Ok(())
    })?;
    Ok(all)
}

/// Lists machines and administrators.
pub fn list(asker: &Asker, json: bool) -> Result<(), Unable> {
    let all = listed(&asker.database()?)?;
    if json {
        return super::print(&format!("{}\n", in_json(&all)));
    }
    if all.is_empty() {
        return tell(asker, Told::NobodyRegistered);
    }
    let say = |told: Told<'_>| told.text(asker.language);
    let mut text = String::new();
    for one in &all {
        let name = super::told::plain(&one.name);
        let Some(entry) = &one.entry else {
            writeln!(text, "{name}  ?").ok();
            continue;
        };
        let zones: Vec<&str> = entry.zones.iter().map(Zone::as_str).collect();
        let zones = match (entry.role, zones.is_empty()) {
            (Role::Administrator, _) => String::new(),
            (Role::Machine, true) => format!("  {}", say(Told::Everybody)),
            (Role::Machine, false) => format!("  {}", zones.join(",")),
        };
        let since = match entry.revoked {
            Some(when) => say(Told::RevokedSince {
                when: &minute(when, asker.language),
            }),
            None => say(Told::Since {
                when: &minute(entry.added, asker.language),
            }),
        };
        writeln!(text, "{name}  {}{zones}  {since}", entry.role.word()).ok();
    }
    super::print(&text)
}

/// Writes the form for programs; its keys never change.
pub fn in_json(all: &[Listed]) -> serde_json::Value {
    let one = |listed: &Listed| {
        let entry = listed.entry.as_ref();
        let seconds = |when: UnixTime| when.seconds();
        serde_json::json!({
            "name": listed.name,
            "role": entry.map(|entry| entry.role.word()),
            "zones": entry.map(|entry| entry.zones.iter().map(Zone::as_str).collect::<Vec<_>>()),
            "added": entry.map(|entry| entry.added.seconds()),
            "revoked": entry.and_then(|entry| entry.revoked).map(seconds),
            "policy": listed.policy,
        })
    };
    all.iter().map(one).collect()
}
