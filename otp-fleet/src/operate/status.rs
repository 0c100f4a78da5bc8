//! `otp-admin fleet status`: shows the state of the database, the verifiers and the machines, and the problems.

use super::database::{Database, Pages};
use super::machines::{Listed, listed};
use super::told::{plain, size};
use super::{Asker, Certificate, now, print};
use crate::beats::{self, Beat};
use crate::etcd::{
    AlarmRequest, AlarmType, Member, MemberListRequest, RangeRequest, StatusRequest,
    StatusResponse, WatchCreateRequest,
};
use crate::keeper::{ACCOUNTS, FLEET};
use crate::name::PeerName;
use otp_core::Zone;
use otp_core::messages::fleet::{Told, Unable, Why, Wrong};
use otp_core::messages::reason::Wording;
use otp_core::record::Language;
use otp_site::zone;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// etcd's own quota, in bytes, if it was started without one.
const USUAL_QUOTA: u64 = 2 * 1024 * 1024 * 1024;
/// The share of the quota, in percent, from which it is reported.
const NEAR: u64 = 80;
/// More revisions than a busy fleet makes in an hour.
const MANY_REVISIONS: u64 = 2_000_000;
/// The number of revisions from which a missing compaction is reported.
const UNCOMPACTED: u64 = 10_000;
/// More entries than can be in progress.
const LAG: u64 = 5000;
/// The seconds from which a clock is off, as for verifiers.
const CLOCK: i64 = 30;
/// How long before its end a certificate is reported.
const SOON: Duration = Duration::from_secs(14 * 86_400);

/// A member of etcd.
struct Of {
    id: u64,
    name: String,
    status: Result<StatusResponse, Wording>,
}

/// All facts that are found.
struct Found {
    fleet: Option<(String, u64)>,
    is_being_restored: bool,
    accounts: u64,
    kept_revisions: u64,
    was_compacted: bool,
    members: Vec<Of>,
    alarms: Vec<(u64, &'static str)>,
    verifiers: Vec<Result<Beat, String>>,
    machines: Vec<Listed>,
    certificates: Vec<(PathBuf, Option<Certificate>)>,
}

/// Shows the state of the fleet; returns the exit status.
pub fn status(asker: &Asker, json: bool) -> Result<u8, Unable> {
    let database = asker.database()?;
    let found = Found::read(asker, &database)?;
    // Programs are told UTC.
    let zone = if json {
        Zone::UTC
    } else {
        zone::of_this_machine()
    };
    let texts = Texts::of(&found, &zone, asker.language);
    let wrong = found.wrong(&texts, now()?.after(SOON).seconds());
    if json {
        print(&format!("{}\n", found.in_json(&wrong, asker.language)))?;
    } else {
        print(&found.in_words(&wrong, asker.language))?;
    }
    Ok(u8::from(!wrong.is_empty()))
}

impl Found {
    fn read(asker: &Asker, database: &Database) -> Result<Self, Unable> {
        let members = database.ask(&MemberListRequest {})?.members;
        let members = members
            .iter()
            .map(|member| Of::ask(database, member))
            .collect();
        let alarms = database.ask(&AlarmRequest::default())?.alarms;
        let alarms = alarms.iter().map(|one| {
            let word = match AlarmType::try_from(one.alarm) {
                Ok(AlarmType::Nospace) => "NOSPACE",
                Ok(AlarmType::Corrupt) => "CORRUPT",
                _ => "?",
            };
            (one.member_id, word)
        });
        let alarms = alarms.collect();
        let (kept_revisions, was_compacted) = revisions(database)?;
        let mut verifiers = Vec::new();
        let pages = Pages {
            revision: 0,
            keys_only: false,
        };
        database.every(beats::PREFIX, pages, |found| {
            let name = String::from_utf8_lossy(&found.key).into_owned();
            let peer = name.strip_prefix(beats::PREFIX).and_then(PeerName::new);
            let beat = peer.and_then(|peer| Beat::from_text(&peer, &found.value).ok());
            verifiers.push(beat.ok_or(name));
            Ok(())
        })?;
        let host = &asker.host;
        let certificates = [host.etcd.certificate.clone(), host.certificate.clone()].into_iter();
        let certificates = certificates.map(|path| (path.clone(), Certificate::in_file(&path)));
        let fleet = database.fleet()?;
        Ok(Self {
            fleet: fleet.map(|(fleet, _)| (fleet.id.to_string(), fleet.epoch)),
            is_being_restored: database.one(crate::keeper::RESTORING)?.is_some(),
            accounts: accounts(database)?,
            kept_revisions,
            was_compacted,
            members,
            alarms,
            verifiers,
            machines: listed(database)?,
            certificates: certificates.collect(),
        })
    }

    fn size(&self) -> (u64, u64) {
        let answers = self
            .members
            .iter()
            .filter_map(|one| one.status.as_ref().ok());
        let sizes = answers.map(|status| (status.db_size, status.db_size_in_use));
        let largest = sizes.max().unwrap_or((0, 0));
        (
            u64::try_from(largest.0).unwrap_or(0),
            u64::try_from(largest.1).unwrap_or(0),
        )
    }

    fn leader(&self) -> u64 {
        let answers = self
            .members
            .iter()
            .filter_map(|one| one.status.as_ref().ok());
        answers.map(|status| status.leader).max().unwrap_or(0)
    }

    fn member(&self, id: u64) -> &str {
        let found = self.members.iter().find(|one| one.id == id);
        found.map_or("?", |one| &one.name)
    }

    /// Returns the digest of the policy that most verifiers have.
    fn usual_policy(&self) -> Option<String> {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for beat in self.verifiers.iter().flatten() {
            *counts.entry(beat.policy.to_string()).or_default() += 1;
        }
        let most = counts.into_iter().max_by_key(|(_, count)| *count);
        most.map(|(policy, _)| policy)
    }

    fn wrong<'a>(&'a self, texts: &'a Texts, soon: u64) -> Vec<Wrong<'a>> {
        let mut wrong = Vec::new();
        if self.is_being_restored {
            wrong.push(Wrong::BeingRestored);
        } else if self.fleet.is_none() {
            wrong.push(Wrong::NoFleet);
        }
        self.wrong_in_etcd(texts, &mut wrong);
        if self.verifiers.is_empty() {
            wrong.push(Wrong::NoVerifier);
        }
        for beat in &self.verifiers {
            match beat {
                Ok(beat) => of_beat(beat, &mut wrong),
                Err(key) => wrong.push(Wrong::Unreadable { key }),
            }
        }
        if let Some(usual) = &texts.policy {
            for beat in self.verifiers.iter().flatten() {
                if beat.policy.to_string() != *usual {
                    let name = beat.name.as_str();
                    wrong.push(Wrong::PolicyDiffers { name });
                }
            }
            for machine in &self.machines {
                let is_in = machine
                    .entry
                    .as_ref()
                    .is_some_and(|one| one.revoked.is_none());
                if is_in
                    && machine
                        .policy
                        .as_ref()
                        .is_some_and(|policy| policy != usual)
                {
                    let name = &machine.name;
                    wrong.push(Wrong::PolicyDiffers { name });
                }
            }
        }
        if texts.releases.contains(',') {
            let releases = &texts.releases;
            wrong.push(Wrong::ReleasesDiffer { releases });
        }
        for machine in self.machines.iter().filter(|one| one.entry.is_none()) {
            let key = &machine.name;
            wrong.push(Wrong::Unreadable { key });
        }
        for ((path, when), (_, certificate)) in texts.certificates.iter().zip(&self.certificates) {
            if certificate
                .as_ref()
                .is_some_and(|one| one.ends.seconds() < soon)
            {
                wrong.push(Wrong::CertificateEnds { path, when });
            }
        }
        wrong
    }

    fn wrong_in_etcd<'a>(&'a self, texts: &'a Texts, wrong: &mut Vec<Wrong<'a>>) {
        if self.leader() == 0 {
            wrong.push(Wrong::NoLeader);
        }
        let answers = self
            .members
            .iter()
            .filter_map(|one| one.status.as_ref().ok());
        let newest = answers.map(|status| status.raft_index).max().unwrap_or(0);
        for one in &self.members {
            let member = &one.name;
            match &one.status {
                Err(reason) => wrong.push(Wrong::MemberDown { member, reason }),
                Ok(status) => {
                    let entries = newest.saturating_sub(status.raft_applied_index);
                    if entries > LAG {
                        wrong.push(Wrong::Lags { member, entries });
                    }
                }
            }
        }
        let count = u64::try_from(self.members.len()).unwrap_or(u64::MAX);
        if count < 3 {
            wrong.push(Wrong::MemberAlone { count });
        }
        for (id, alarm) in &self.alarms {
            let member = self.member(*id);
            wrong.push(Wrong::Alarm { member, alarm });
        }
        let percent = self.size().0 * 100 / USUAL_QUOTA;
        if percent >= NEAR {
            let quota = &texts.quota;
            wrong.push(Wrong::NearQuota { percent, quota });
        }
        let revisions = self.kept_revisions;
        let limit = if self.was_compacted {
            MANY_REVISIONS
        } else {
            UNCOMPACTED
        };
        if revisions > limit {
            wrong.push(Wrong::NoCompaction { revisions });
        }
    }

    fn in_words(&self, wrong: &[Wrong<'_>], language: Language) -> String {
        let say = |told: Told<'_>| told.text(language);
        let mut text = String::new();
        let mut line = |label: Told<'_>, value: &str| {
            writeln!(text, "{}: {value}", say(label)).expect("a String takes every write");
        };
        if let Some((id, epoch)) = &self.fleet {
            line(Told::Fleet, &format!("{id}, epoch {epoch}"));
        }
        line(Told::Accounts, &self.accounts.to_string());
        let (all, used) = self.size();
        line(Told::Database, &format!("{} ({})", size(all), size(used)));
        line(Told::Revisions, &self.kept_revisions.to_string());
        let leader = self.leader();
        for one in &self.members {
            let name = plain(&one.name);
            let value = match &one.status {
                Err(_) => format!("{name}, {}", say(Told::NoAnswer)),
                Ok(status) if one.id == leader => {
                    format!("{name}, {}, {}", plain(&status.version), say(Told::Leads))
                }
                Ok(status) => format!("{name}, {}", plain(&status.version)),
            };
            line(Told::Members, &value);
        }
        for beat in self.verifiers.iter().flatten() {
            let clock = match beat.ahead {
                Some(seconds) => say(Told::Clock { seconds }),
                None => say(Told::ClockUnknown),
            };
            let serves = match &beat.refuses {
                Some(reason) => plain(reason),
                None => say(Told::Serves),
            };
            let (name, release) = (&beat.name, plain(&beat.release));
            line(
                Told::Verifiers,
                &format!("{name}, {release}, {clock}, {serves}"),
            );
        }
        line(Told::Machines, &self.machines.len().to_string());
        if wrong.is_empty() {
            text += &say(Told::Nothing);
            text.push('\n');
        }
        for one in wrong {
            let said = plain(&one.text(language));
            writeln!(text, "{}: {said}", one.id()).expect("a String takes every write");
        }
        text
    }

    /// Writes the form for programs; its keys never change.
    fn in_json(&self, wrong: &[Wrong<'_>], language: Language) -> serde_json::Value {
        let leader = self.leader();
        let member = |one: &Of| {
            let status = one.status.as_ref().ok();
            serde_json::json!({
                "name": one.name,
                "answers": status.is_some(),
                "leads": status.is_some() && one.id == leader,
                "version": status.map(|status| &status.version),
                "database_bytes": status.map(|status| status.db_size),
                "used_bytes": status.map(|status| status.db_size_in_use),
                "applied": status.map(|status| status.raft_applied_index),
            })
        };
        let verifier = |beat: &Beat| {
            serde_json::json!({
                "name": beat.name.as_str(),
                "release": beat.release,
                "time": beat.time.seconds(),
                "clock_ahead": beat.ahead,
                "refuses": beat.refuses,
                "policy": beat.policy.to_string(),
            })
        };
        let alarm = |(id, alarm): &(u64, &'static str)| serde_json::json!({ "member": self.member(*id), "alarm": alarm });
        let problem =
            |one: &Wrong<'_>| serde_json::json!({ "id": one.id(), "text": one.text(language) });
        serde_json::json!({
            "fleet": self.fleet.as_ref().map(|(id, _)| id),
            "epoch": self.fleet.as_ref().map(|(_, epoch)| epoch),
            "accounts": self.accounts,
            "kept_revisions": self.kept_revisions,
            "members": self.members.iter().map(member).collect::<Vec<_>>(),
            "alarms": self.alarms.iter().map(alarm).collect::<Vec<_>>(),
            "verifiers": self.verifiers.iter().flatten().map(verifier).collect::<Vec<_>>(),
            "machines": super::machines::in_json(&self.machines),
            "problems": wrong.iter().map(problem).collect::<Vec<_>>(),
        })
    }
}

/// Texts that must live as long as the problems that borrow them.
struct Texts {
    quota: String,
    releases: String,
    policy: Option<String>,
    certificates: Vec<(String, String)>,
}

impl Texts {
    fn of(found: &Found, zone: &Zone, language: Language) -> Self {
        let releases = found
            .verifiers
            .iter()
            .flatten()
            .map(|beat| beat.release.as_str());
        let releases: BTreeSet<&str> = releases.collect();
        let releases: Vec<&str> = releases.into_iter().collect();
        let certificates = found.certificates.iter().map(|(path, certificate)| {
            let when = certificate
                .as_ref()
                .map(|one| zone.at(one.ends).minute(language));
            (path.display().to_string(), when.unwrap_or_default())
        });
        Self {
            quota: size(USUAL_QUOTA),
            releases: releases.join(", "),
            policy: found.usual_policy(),
            certificates: certificates.collect(),
        }
    }
}

fn of_beat<'a>(beat: &'a Beat, wrong: &mut Vec<Wrong<'a>>) {
    let name = beat.name.as_str();
    if let Some(reason) = &beat.refuses {
        wrong.push(Wrong::Refuses { name, reason });
    }
    for machine in &beat.held_back {
        let machine = machine.as_str();
        wrong.push(Wrong::HeldBack { machine, name });
    }
    if let Some(seconds) = beat.ahead.filter(|seconds| seconds.abs() >= CLOCK) {
        wrong.push(Wrong::ClockOff { name, seconds });
    }
}

impl Of {
    fn ask(database: &Database, member: &Member) -> Self {
        let mut status = Err(Why::NoAddressForClients.into());
        for url in &member.client_ur_ls {
            let asked = database.client().ask_member(url, StatusRequest {});
            status = asked.map_err(|failure| Wording::of(|language| failure.text(language)));
            if status.is_ok() {
                break;
            }
        }
        Self {
            id: member.id,
            name: member.name.clone(),
            status,
        }
    }
}

/// Returns how many revisions are stored, and whether any were ever compacted.
///
/// The answer to a watch of the first revision says which is the first one stored.
fn revisions(database: &Database) -> Result<(u64, bool), Unable> {
    let request = RangeRequest {
        key: FLEET.into(),
        count_only: true,
        ..RangeRequest::default()
    };
    let newest = database
        .ask(&request)?
        .header
        .map_or(0, |header| header.revision);
    let watch = WatchCreateRequest {
        key: FLEET.into(),
        start_revision: 1,
        ..WatchCreateRequest::default()
    };
    // Without a fleet, its key has no history, and no answer comes.
    let first = match database
        .client()
        .once(watch, Instant::now() + Duration::from_secs(2))
    {
        Ok(answer) => answer.compact_revision,
        Err(_) => 0,
    };
    let kept = u64::try_from(newest.saturating_sub(first)).unwrap_or(0);
    Ok((kept, first > 1))
}

fn accounts(database: &Database) -> Result<u64, Unable> {
    let mut count = 0;
    let pages = Pages {
        revision: 0,
        keys_only: true,
    };
    database.every(ACCOUNTS, pages, |found| {
        count += u64::from(found.key.ends_with(b"/"));
        Ok(())
    })?;
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::assert_korean;

    #[test]
    fn the_reason_why_a_member_does_not_answer_is_told_in_the_language_of_the_command() {
        let directory = tempfile::tempdir().unwrap();
        let asker = Asker::in_directory(directory.path());
        let database = asker.database().unwrap();
        let key = asker.host.etcd.key.display().to_string();
        let at = |addresses: &[&str]| Member {
            id: 7,
            name: "e1".to_owned(),
            client_ur_ls: addresses.iter().map(|&one| one.to_owned()).collect(),
            ..Member::default()
        };
        let unread = format!(
            "no member of etcd can be reached: {key}: cannot be read: No such file or directory (os error 2)"
        );
        for (member, english, names) in [
            (at(&[]), "it has no address for clients", &["e1"][..]),
            (at(&["127.0.0.1:1"]), &*unread, &["e1", &*key, "etcd"]),
        ] {
            let of = Of::ask(&database, &member);
            let reason = &of.status.err().unwrap();
            let member = &of.name;
            let wrong = Wrong::MemberDown { member, reason };
            assert_eq!(
                wrong.text(Language::English),
                format!("e1 does not answer: {english}")
            );
            assert_korean(&wrong.text(Language::Korean), names);
        }
    }
}
