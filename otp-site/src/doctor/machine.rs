//! The whole machine: its services, and what surrounds them.

use super::chain::{Chain, Phase};
use super::files::Files;
use super::people::{People, Person};
use super::service::{Circumstances, Diagnosis, Lines, examine};
use super::sshd::{self, Effective, NoConnection, Stack};
use super::{arguments, records};
use crate::Error;
use otp_core::UnixTime;
use otp_core::enforce::{Belongs, Unenrolled, demand};
use otp_core::messages::doctor::Finding;
use otp_core::messages::reason::Wording;
use otp_core::record::Language;
use otp_core::record::{AtLogin, Groups, Policies};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

const SSHD: &str = "sshd";
const CONFIGURATION: &str = "/etc/ssh/sshd_config";
/// The depth of includes that sshd follows, which counts from 0.
const DEEPEST_INCLUDE: u8 = 16;
/// Programs that distributions confine, and the ends of their profiles' names.
const CONFINED: [(&str, &str); 5] = [
    ("cups", "cupsd"),
    ("dovecot", "auth"),
    ("samba", "smbd"),
    ("sshd", "sshd"),
    ("vsftpd", "vsftpd"),
];

/// What cannot be read from a file.
pub trait Outside {
    /// Returns the output of `sshd -T`, for a connection (`-C`) or in general; `None`: there is no sshd.
    ///
    /// # Errors
    /// It prints nothing; the error says why.
    fn sshd(&self, connection: Option<&str>) -> Result<Option<String>, Wording>;

    /// Whether something synchronises the clock; `None`: this cannot be found out.
    fn keeps_clock(&self) -> Option<bool>;
}

/// A machine, and the time of its examination.
pub struct Machine<'a> {
    /// Its files.
    pub files: &'a Files,
    /// The policy, or what is wrong with it.
    pub policies: Result<Policies, Error>,
    /// The directory of the records.
    pub records: &'a Path,
    /// Everything that is not a file.
    pub outside: &'a dyn Outside,
    /// The time of the examination.
    pub now: UnixTime,
}

/// The result of an examination.
#[derive(Debug, Default)]
pub struct Report {
    /// The services that were examined.
    pub examined: Vec<String>,
    /// Services with a file but without our lines, if no services were named.
    pub unprotected: Vec<String>,
    /// All findings, those of the machine first.
    pub found: Vec<Diagnosis>,
    /// What could not be examined, and why.
    pub unexamined: Vec<(String, Wording)>,
}

impl Machine<'_> {
    /// Examines the named services, or all that have one of our lines, and what surrounds them.
    ///
    /// # Errors
    /// The services cannot be listed.
    pub fn examine(&self, services: &[String]) -> Result<Report, Error> {
        let mut report = Report::default();
        let usual = Policies::default();
        let policies = self.policies.as_ref().unwrap_or(&usual);
        let people = People::read(self.files);
        let enrolled = records::enrolled(self.files, self.records);
        let mut protected = Vec::new();
        for name in self.files.services()? {
            match Lines::of(self.files, &name) {
                Ok(lines) if lines.any() => {
                    report.examined.push(name.clone());
                    protected.push((name, lines));
                }
                Ok(_) => report.unprotected.push(name),
                Err(error) => report.unexamined.push((name, worded(&error))),
            }
        }
        if !services.is_empty() {
            report.examined = services.to_vec();
            report
                .unexamined
                .retain(|(name, _)| services.contains(name));
            report.unprotected.clear();
        }
        let asks = |service: &str| {
            protected
                .iter()
                .any(|(name, lines)| name == service && lines.auth)
        };
        let sshd = self.sshd(&mut report, &people);
        let machine = |finding| Diagnosis {
            service: None,
            finding,
            when: Vec::new(),
        };
        if let Err(error) = &self.policies {
            let reason = worded(error);
            report
                .found
                .push(machine(Finding::PolicyUnusable { reason }));
        }
        // If no service has our line yet, nothing around it can do harm.
        let any = protected.iter().any(|(_, lines)| lines.auth);
        if any {
            let mut found = self.of_policies(policies, &people);
            found.extend(records::findings(self.files, self.records, &people));
            if self.outside.keeps_clock() == Some(false) {
                found.push(Finding::ClockAdrift);
            }
            let root = Root {
                machine: self,
                policies,
                people: &people,
                enrolled: &enrolled,
                sshd: sshd.first(),
            };
            if root.is_out_of_reach(&asks) {
                found.push(Finding::NobodyBecomesRoot);
            }
            report.found.extend(found.into_iter().map(machine));
        }
        let of = Circumstances {
            files: self.files,
            policies,
            demands_key: !sshd.is_empty() && sshd.iter().all(Effective::demands_key),
            everybody_enrolled: everybody_enrolled(&people, &enrolled),
        };
        for name in report.examined.clone() {
            match examine(&of, &name) {
                Ok(found) => report.found.extend(found),
                Err(error) => {
                    report.unexamined.push((name, worded(&error)));
                    continue;
                }
            }
            let mut around: Vec<Finding> = self.confinement(&name).into_iter().collect();
            if name == SSHD && asks(SSHD) {
                around.extend(of_sshd(&sshd, &of));
            }
            report
                .found
                .extend(around.into_iter().map(|finding| Diagnosis {
                    service: Some(name.clone()),
                    finding,
                    when: Vec::new(),
                }));
        }
        Ok(report)
    }

    /// Returns sshd's effective configuration: in general, and for the connections of each `Match` line.
    fn sshd(&self, report: &mut Report, people: &People) -> Vec<Effective> {
        if !report.examined.iter().any(|one| one == SSHD) {
            return Vec::new();
        }
        let mut found = Vec::new();
        let mut unexamined = Vec::new();
        let mut ask = |within: &str, connection: Option<&str>| match self.outside.sshd(connection) {
            Ok(Some(printed)) => found.push(Effective::parse(within, &printed)),
            Ok(None) => {}
            Err(reason) => report.unexamined.push(("sshd -T".to_owned(), reason)),
        };
        ask("", None);
        for criteria in self.match_lines() {
            let member = |group: &str| match people.members(group).first() {
                Some(one) => Ok((*one).to_owned()),
                None if people.knows_more || group.contains(['*', '?']) => {
                    Err(NoConnection::Unknown)
                }
                None => Err(NoConnection::Nobodys),
            };
            let within = format!("Match {criteria}");
            match sshd::connection(&criteria, member) {
                Ok(connection) => ask(&within, Some(&connection)),
                Err(NoConnection::Nobodys) => {}
                Err(NoConnection::Unknown) => unexamined.push(within),
            }
        }
        // The answers above tell whether there is an sshd here.
        if !found.is_empty() {
            let reason = Wording::of(|language| match language {
                Language::English => "no connection is known for which it holds".to_owned(),
                Language::Korean => "해당하는 접속을 알 수 없습니다".to_owned(),
            });
            let reasons = unexamined.into_iter().map(|one| (one, reason.clone()));
            report.unexamined.extend(reasons);
        }
        found
    }

    fn match_lines(&self) -> Vec<String> {
        let mut found = Vec::new();
        self.matches_of(Path::new(CONFIGURATION), 0, &mut found);
        found.dedup();
        found
    }

    /// Collects the criteria of a file and of the files that it includes.
    fn matches_of(&self, path: &Path, depth: u8, found: &mut Vec<String>) {
        let Some(text) = self.files.text(&path.to_string_lossy()) else {
            return;
        };
        found.extend(sshd::matches(&text));
        if depth == DEEPEST_INCLUDE {
            return;
        }
        for pattern in sshd::includes(&text) {
            let path = Path::new("/etc/ssh").join(pattern);
            let (Some(directory), Some(pattern)) = (path.parent(), path.file_name()) else {
                continue;
            };
            let entries = std::fs::read_dir(self.files.place(directory));
            let names = entries.into_iter().flatten().flatten();
            let mut names: Vec<_> = names.map(|entry| entry.file_name()).collect();
            names.sort();
            for name in names {
                if sshd::stands_for(&pattern.to_string_lossy(), &name.to_string_lossy()) {
                    self.matches_of(&directory.join(name), depth + 1, found);
                }
            }
        }
    }

    fn of_policies(&self, policies: &Policies, people: &People) -> Vec<Finding> {
        let policy = policies.where_nothing_is_said();
        let mut found = Vec::new();
        let enforce = &policy.enforce;
        let is_known = |group: &str| people.has_group(group) || self.knows_group(people, group);
        if let Groups::Named(names) = &enforce.groups {
            for group in names.iter().filter(|one| !is_known(one)) {
                let group = group.clone();
                found.push(Finding::GroupUnknown { group });
            }
            let are_empty = names.iter().all(|one| people.members(one).is_empty());
            if found.is_empty() && !names.is_empty() && are_empty && !people.knows_more {
                let groups = names.join(", ");
                found.push(Finding::GroupsEmpty { groups });
            }
        }
        let sections = || policies.services().map(|(_, section)| section);
        let exempt = sections().flat_map(|one| one.exempt_groups.iter().flatten());
        let exempt = enforce.exempt_groups.iter().chain(exempt);
        for group in exempt.filter(|one| !is_known(one)) {
            let group = group.clone();
            found.push(Finding::ExemptGroupUnknown { group });
        }
        let is_user = |user: &str| people.named(user).is_some() || people.knows_more;
        for user in enforce.exempt_users.iter().filter(|one| !is_user(one)) {
            let user = user.clone();
            found.push(Finding::ExemptUserUnknown { user });
        }
        let callers = policy.helper.trusted_callers.iter();
        for user in callers.filter(|one| !is_user(one)) {
            let user = user.clone();
            found.push(Finding::CallerUnknown { user });
        }
        let here: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        let networks = sections().flat_map(|one| one.networks.iter().flatten());
        for trusted in policy.trust.networks.iter().chain(networks) {
            let network = trusted.to_string();
            if trusted.is_everywhere() {
                found.push(Finding::TrustsEverybody { network });
            } else if here.iter().any(|one| trusted.contains(*one)) {
                found.push(Finding::TrustsLoopback { network });
            }
        }
        found
    }

    /// Whether the name service of this machine may know a group that its files do not have.
    fn knows_group(&self, people: &People, group: &str) -> bool {
        if !people.knows_more {
            return false;
        }
        let root = otp_core::UserName::new("root").ok();
        let asked = root.map(|root| crate::groups::belongs(&root, group));
        !self.files.are_here() || asked != Some(Belongs::Unknown)
    }

    /// Finds out whether `AppArmor` confines the program of a service without the rules for our module.
    fn confinement(&self, service: &str) -> Option<Finding> {
        let (_, program) = CONFINED.iter().find(|(name, _)| *name == service)?;
        let loaded = self.files.text("/sys/kernel/security/apparmor/profiles")?;
        let profile = loaded.lines().find_map(|line| {
            let profile = line.strip_suffix(" (enforce)")?;
            let is_its = profile.rsplit('/').next() == Some(program);
            is_its.then(|| profile.to_owned())
        })?;
        let rules = [
            "/etc/apparmor.d/abstractions/authentication.d/pam_otp",
            "/etc/apparmor.d/abstractions/pam_otp",
        ];
        let has_rules = rules
            .iter()
            .any(|one| self.files.place(Path::new(one)).exists());
        let asks = Lines::of(self.files, service).is_ok_and(|lines| lines.auth);
        (asks && !has_rules).then_some(Finding::AppArmorRules { profile })
    }
}

/// Returns what is wrong with sshd's configuration. A finding for a `Match` line is left out if it holds in general.
fn of_sshd(effective: &[Effective], of: &Circumstances<'_>) -> Vec<Finding> {
    let account = Chain::read(of.files, SSHD, Phase::Account);
    let has_account_line = account.is_ok_and(|chain| chain.has_ours());
    let stack = Stack {
        has_account_line,
        enrols: enrols(of.policies, SSHD) && has_account_line,
    };
    let mut found: Vec<Finding> = Vec::new();
    for one in effective {
        for finding in one.findings(stack) {
            if !found.iter().any(|known| known.id() == finding.id()) {
                found.push(finding);
            }
        }
    }
    found
}

/// Whether a login of a service sets up an authenticator.
fn enrols(policies: &Policies, service: &str) -> bool {
    policies.clone().for_service(service).enroll.at_login != AtLogin::Off
}

/// Whether all users who can log in with a password have an authenticator.
fn everybody_enrolled(people: &People, enrolled: &BTreeSet<String>) -> bool {
    let mut who = people
        .who_log_in()
        .filter(|one| one.has_password)
        .peekable();
    !people.knows_more && who.peek().is_some() && who.all(|one| enrolled.contains(&one.name))
}

/// The ways to become root.
struct Root<'a> {
    machine: &'a Machine<'a>,
    policies: &'a Policies,
    people: &'a People,
    enrolled: &'a BTreeSet<String>,
    sshd: Option<&'a Effective>,
}

impl Root<'_> {
    /// Whether nobody can become root, as far as this can be found out. A doubtful way counts as a way.
    fn is_out_of_reach(&self, asks: &impl Fn(&str) -> bool) -> bool {
        let files = self.machine.files;
        let there = |service: &str| files.of(service).is_ok_and(|one| one.is_some());
        let has_code = |who: &Person, service: &str| {
            !asks(service) || self.enrolled.contains(&who.name) || self.is_excused(who, service)
        };
        let Some(root) = self.people.all.iter().find(|one| one.uid == 0) else {
            return false;
        };
        // It is not examined whom polkit and doas let become root: without our line, they count as a way.
        let by_others = (there("polkit-1") && !asks("polkit-1"))
            || files.place(Path::new("/etc/doas.conf")).exists();
        if by_others {
            return false;
        }
        let Some(sudoers) = self.people.sudoers(files) else {
            // Without sudo, only root remains. If the rules of sudo are not understood, they may let somebody become
            // root.
            let has_sudo = files.place(Path::new("/etc/sudoers")).exists();
            return !has_sudo && !self.root_gets_in(root, &there, &has_code);
        };
        let by_sudo = sudoers.iter().any(|name| {
            let who = self.people.named(name);
            who.is_none_or(|who| who.uid != 0 && who.has_password && has_code(who, "sudo"))
        });
        let is_possible = by_sudo || self.root_gets_in(root, &there, &has_code);
        !is_possible && !self.people.knows_more
    }

    fn root_gets_in(
        &self,
        root: &Person,
        there: &impl Fn(&str) -> bool,
        has_code: &impl Fn(&Person, &str) -> bool,
    ) -> bool {
        let by_password = root.has_password
            && (["login", "su"]
                .iter()
                .any(|service| there(service) && has_code(root, service))
                || (self.sshd.is_some_and(Effective::takes_roots_password)
                    && has_code(root, SSHD)));
        let files = self.machine.files;
        let keys = files.text("/root/.ssh/authorized_keys").unwrap_or_default();
        let has_key = keys
            .lines()
            .any(|line| !line.trim().is_empty() && !line.trim().starts_with('#'));
        let account = Chain::read(files, SSHD, Phase::Account);
        let is_checked = account.is_ok_and(|chain| chain.has_ours());
        let by_key = has_key
            && self.sshd.is_none_or(Effective::lets_root_in)
            && (!is_checked || has_code(root, SSHD));
        by_password || by_key
    }

    /// Whether a service lets a user without an authenticator in.
    fn is_excused(&self, who: &Person, service: &str) -> bool {
        let chain = Chain::read(self.machine.files, service, Phase::Auth);
        let nullok = chain.is_ok_and(|chain| {
            let ours: Vec<_> = chain.steps.iter().filter(|one| one.is_ours()).collect();
            ours.iter()
                .all(|one| one.says("nullok") && arguments::wrong(one.arguments()).is_none())
        });
        let who = Unenrolled {
            user: &who.name,
            nullok,
            first_login: None,
        };
        let belongs = |group: &str| {
            if !self.people.has_group(group) {
                return Belongs::Unknown;
            }
            if self.people.members(group).contains(who.user) {
                Belongs::Yes
            } else {
                Belongs::No
            }
        };
        let policy = self.policies.clone().for_service(service);
        let wanted = demand(&policy.enforce, &who, belongs, self.machine.now);
        wanted.lets_in() || (policy.enroll.at_login != AtLogin::Off && service != "sudo")
    }
}

/// Says an error in every language.
fn worded(error: &Error) -> Wording {
    Wording::of(|language| error.text(language))
}
