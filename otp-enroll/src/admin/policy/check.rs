//! `otp-admin policy check`: whether a policy can be used, what to look at in it, and whether it would lock out the
//! administrator who is about to use it.

use super::{Services, has_no_line, name_of, unknown_group};
use crate::caller::administrator;
use crate::failure::Failure;
use crate::output;
use crate::site::Site;
use otp_core::enforce::{Belongs, Demand, Unenrolled, demand};
use otp_core::mail::{AddressSource, Route};
use otp_core::messages::policy::Finding;
use otp_core::messages::reason::Wording;
use otp_core::messages::trouble::Trouble;
use otp_core::network::Network;
use otp_core::record::{
    Algorithm, AtLogin, EnforcePolicy, Groups, HooksPolicy, Period, ServiceName, ServicePolicy,
};
use otp_core::{Account, Policy};
use otp_site::policy::DEFAULT_FILE;
use otp_site::stack::{ENROLLING, PORTAL};
use otp_site::{clock, groups, hook, users};
use otp_store::account::overview::standing;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Reports what to look at in the site's policy, which has already been read. Unless forced, it refuses a policy that
/// would refuse the administrator who runs it.
pub fn check(site: &Site, force: bool) -> Result<(), Failure> {
    let you = administrator()?;
    site.allows_enrolling()?;
    let path = site.conf.display().to_string();
    let mut findings = findings(site, &you)?;
    if demands(site, &you)? && !has_authenticator(site, &you, force)? {
        let (path, user) = (path.clone(), you.name.as_str().to_owned());
        if !force {
            // The refusal holds even if no one reads this output.
            output::print(&text(site, &findings)).ok();
            return Err(Trouble::WouldRefuseYou { path, user }.into());
        }
        findings.push(Finding::RefusesYou { user });
    }
    findings.push(Finding::Usable {
        path,
        findings: findings.len(),
    });
    output::print(&text(site, &findings))
}

/// Writes one line for each finding.
fn text(site: &Site, findings: &[Finding]) -> String {
    let line = |finding: &Finding| finding.text(site.language) + "\n";
    findings.iter().map(line).collect()
}

/// Whether the policy demands a second factor of a user, now or from some day on.
fn demands(site: &Site, you: &Account) -> Result<bool, Failure> {
    let who = Unenrolled {
        user: you.name.as_str(),
        nullok: false,
        first_login: None,
    };
    let belongs = |group: &str| groups::belongs(&you.name, group);
    Ok(
        match demand(&site.policy.enforce, &who, belongs, clock::now()?) {
            Demand::Nothing(_) => false,
            Demand::From(..) | Demand::Now(_) => true,
        },
    )
}

/// Whether a user has an authenticator that can be used. With `force`, records that cannot be read count as empty:
/// `--force` is for going on anyway.
fn has_authenticator(site: &Site, you: &Account, force: bool) -> Result<bool, Failure> {
    let find_out = || {
        let Some(store) = site.store_if_there()? else {
            return Ok(false);
        };
        let standing = standing(&store, you, clock::now);
        let standing = standing.map_err(Failure::about(you.name.as_str()))?;
        Ok(standing.is_some())
    };
    find_out().or_else(|failure| if force { Ok(false) } else { Err(failure) })
}

/// Returns the settings that apps are known to get wrong. Each app is listed in conf/apps.toml, and a test compares
/// this list with it.
fn of_apps(policy: &Policy) -> Vec<Finding> {
    let mut findings = Vec::new();
    let characters: String = ['&', '+', '#', '?']
        .into_iter()
        .filter(|&one| policy.issuer.contains(one))
        .collect();
    if !characters.is_empty() {
        findings.push(Finding::IssuerRefused { characters });
    }
    let code = &policy.code;
    if code.algorithm != Algorithm::Sha1 {
        let algorithm = code.algorithm.name();
        findings.push(Finding::AlgorithmIgnored { algorithm });
    }
    let digits = code.digits.count();
    if digits == 7 {
        findings.push(Finding::DigitsRefused { digits });
    }
    let seconds = code.period.seconds();
    if code.period != Period::THIRTY {
        let is_cut = seconds > Period::SIXTY.seconds();
        findings.push(Finding::PeriodIgnored { seconds, is_cut });
    }
    findings
}

/// Returns everything to look at.
fn findings(site: &Site, you: &Account) -> Result<Vec<Finding>, Failure> {
    let policies = &site.policies;
    let policy = policies.where_nothing_is_said();
    let enforce = &policy.enforce;
    let mut findings = Vec::new();
    if site.conf == Path::new(DEFAULT_FILE) && !site.conf.exists() {
        let path = DEFAULT_FILE.to_owned();
        findings.push(Finding::NoFile { path });
    }
    let nobody_must = matches!(&enforce.groups, Groups::Named(names) if names.is_empty());
    if nobody_must && policy.enroll.at_login != AtLogin::Off {
        findings.push(Finding::NobodyMust);
    }
    findings.extend(of_mail(policy));
    findings.extend(of_fleet(policy, site.records_group())?);
    findings.extend(of_apps(policy));
    let mut groups: Vec<&String> = match &enforce.groups {
        Groups::Everybody => Vec::new(),
        Groups::Named(names) => names.iter().collect(),
    };
    groups.extend(&enforce.exempt_groups);
    findings.extend(unknown_groups(enforce, None, &groups, you));
    for user in &enforce.exempt_users {
        let (known, user) = (users::named(user)?, user.clone());
        match known.map(|named| named.account.name.as_str().to_owned()) {
            Some(name) if name == user => {}
            // The exemption is by the name that the name service returns, which can differ from the name that was
            // looked up.
            Some(name) if enforce.exempt_users.contains(&name) => {}
            Some(name) => findings.push(Finding::ExemptUserIsAnother { user, name }),
            None => findings.push(Finding::ExemptUserUnknown { user }),
        }
    }
    findings.extend(everywhere(&policy.trust.networks, None));
    for user in &policy.helper.trusted_callers {
        if users::account(user)?.is_none() {
            let user = user.clone();
            findings.push(Finding::TrustedCallerUnknown { user });
        }
    }
    findings.extend(of_hooks(&policy.hooks)?);
    findings.extend(Services::of_machine().findings(policies, None));
    for (name, section) in policies.services() {
        findings.extend(of_service(name, section, you));
    }
    Ok(findings)
}

/// Finds what keeps events from being handed on.
fn of_hooks(hooks: &HooksPolicy) -> Result<Vec<Finding>, Failure> {
    let mut findings = Vec::new();
    if hooks.run.is_empty() {
        if !hooks.events.is_empty() {
            findings.push(Finding::EventsWithoutHook);
        }
        return Ok(findings);
    }
    if hooks.events.is_empty() {
        findings.push(Finding::HookWithoutEvents);
    }
    if let Err(unfit) = hook::examine(Path::new(&hooks.run)) {
        findings.push(Finding::HookUnfit {
            path: hooks.run.clone(),
            reason: Wording::of(|language| unfit.text(language)),
        });
    }
    if users::account(hook::USER)?.is_none() {
        let user = hook::USER.to_owned();
        findings.push(Finding::HookUserUnknown { user });
    }
    Ok(findings)
}

/// Finds what keeps mail from being sent, if the policy wants mail.
fn of_mail(policy: &Policy) -> Vec<Finding> {
    let keys = [
        (policy.recovery.email, "[recovery] email"),
        (policy.enroll.verify_email, "[enroll] verify_email"),
    ];
    let wanted = keys
        .into_iter()
        .filter_map(|(is_set, key)| is_set.then_some(key));
    let mail = &policy.mail;
    if mail.address == AddressSource::Nowhere {
        return wanted
            .map(|key| Finding::MailNeedsAddress { key })
            .collect();
    }
    if wanted.count() == 0 {
        return Vec::new();
    }
    let mut files = Vec::new();
    if let Route::Sendmail(program) = &mail.route {
        files.push(("sendmail", program, 0o022));
    }
    if let AddressSource::Command(command) = &mail.address {
        files.push(("address", command, 0o022));
    }
    // The group of the package may read this file.
    files.extend(
        mail.credentials
            .iter()
            .map(|path| ("credentials", path, 0o027)),
    );
    files.extend(mail.ca.iter().map(|path| ("ca", path, 0o022)));
    let is_unusable = |path: &Path, forbidden: u32| {
        let found = fs::metadata(path);
        !found
            .is_ok_and(|found| found.is_file() && found.uid() == 0 && found.mode() & forbidden == 0)
    };
    let unusable = files
        .into_iter()
        .filter(|(_, path, forbidden)| is_unusable(path, *forbidden));
    let unusable = unusable.map(|(key, path, _)| Finding::MailFileUnusable {
        key,
        path: path.display().to_string(),
    });
    unusable.collect()
}

/// Finds what keeps users of the fleet from logging in, and settings without effect for them. `group`: the group of
/// the records, which may read the key.
fn of_fleet(policy: &Policy, group: Option<u32>) -> Result<Vec<Finding>, Failure> {
    let fleet = &policy.fleet;
    let files = [
        ("ca", &fleet.ca, 0o022),
        ("certificate", &fleet.certificate, 0o022),
        ("key", &fleet.key, 0o137),
    ];
    if !fleet.is_used() {
        return Ok(Vec::new());
    }
    let mut findings = Vec::new();
    for (key, path, forbidden) in files {
        let Some(path) = path else { continue };
        let is_usable = fs::metadata(path).is_ok_and(|found| {
            let of_the_group = [Some(0), group].contains(&Some(found.gid()));
            let may_be_read = key != "key" || found.mode() & 0o070 == 0 || of_the_group;
            found.is_file() && found.uid() == 0 && found.mode() & forbidden == 0 && may_be_read
        });
        if !is_usable {
            let path = path.display().to_string();
            findings.push(Finding::FleetFileUnusable { key, path });
        }
    }
    let mailed = [
        (policy.recovery.email, "[recovery] email"),
        (policy.enroll.verify_email, "[enroll] verify_email"),
    ];
    let mailed = mailed.into_iter().filter(|(is_set, _)| *is_set);
    findings.extend(mailed.map(|(_, key)| Finding::MailNotInFleet { key }));
    for user in &fleet.local_users {
        if users::account(user)?.is_none() {
            let user = user.clone();
            findings.push(Finding::LocalUserUnknown { user });
        }
    }
    Ok(findings)
}

/// Finds what to look at in the section of a service.
fn of_service(name: &ServiceName, section: &ServicePolicy, you: &Account) -> Vec<Finding> {
    let mut findings = Vec::new();
    if has_no_line(name) {
        let service = name_of(name);
        findings.push(Finding::SectionUnused { service });
    }
    if let Some(exempt) = &section.exempt_groups {
        let enforce = EnforcePolicy {
            groups: Groups::Everybody,
            exempt_groups: exempt.clone(),
            ..Policy::default().enforce
        };
        let groups: Vec<_> = exempt.iter().collect();
        findings.extend(unknown_groups(&enforce, Some(name), &groups, you));
    }
    let enrols = matches!(section.at_login, Some(AtLogin::Offer | AtLogin::Require));
    if enrols && name.as_str() != PORTAL && !ENROLLING.contains(&name.as_str()) {
        let service = name_of(name);
        findings.push(Finding::MayKeepWhatItShows { service });
    }
    let networks = section.networks.iter().flatten();
    findings.extend(everywhere(networks, Some(name)));
    findings
}

/// Finds the groups that cannot be looked up, in each list that has them.
fn unknown_groups(
    enforce: &EnforcePolicy,
    service: Option<&ServiceName>,
    groups: &[&String],
    you: &Account,
) -> Vec<Finding> {
    let mut seen = Vec::new();
    let mut findings = Vec::new();
    for group in groups {
        if seen.contains(group) {
            continue;
        }
        seen.push(*group);
        // Your membership does not matter here, only whether it can be determined.
        if groups::belongs(&you.name, group) == Belongs::Unknown {
            findings.extend(unknown_group(enforce, service, group));
        }
    }
    findings
}

/// Finds the networks that contain every address of their kind.
fn everywhere<'a>(
    networks: impl IntoIterator<Item = &'a Network>,
    service: Option<&ServiceName>,
) -> Vec<Finding> {
    let networks = networks.into_iter().filter(|one| one.is_everywhere());
    let found = networks.map(|network| Finding::TrustsEverybody {
        network: network.to_string(),
        service: service.map(name_of),
    });
    found.collect()
}
