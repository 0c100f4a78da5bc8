//! `otp-admin policy check`: whether a policy can be used, what to look at in it, and whether it would lock out whoever
//! is about to put it in force.

use super::{Services, unknown_group};
use crate::caller::administrator;
use crate::failure::Failure;
use crate::output;
use crate::site::Site;
use otp_core::enforce::{Belongs, Demand, Unenrolled, demand};
use otp_core::messages::policy::Finding;
use otp_core::messages::trouble::Trouble;
use otp_core::record::{Algorithm, AtLogin, Groups, Period};
use otp_core::{Account, Policy};
use otp_site::policy::DEFAULT_FILE;
use otp_site::{clock, groups, users};
use otp_store::account::overview::standing;
use std::path::Path;

/// Tells what to look at in the policy of the site, which has been read by now; refuses one that would refuse whoever
/// runs this, unless forced.
pub fn check(site: &Site, force: bool) -> Result<(), Failure> {
    let you = administrator()?;
    site.allows_enrolling()?;
    let path = site.conf.display().to_string();
    let mut findings = findings(site, &you)?;
    if demands(site, &you)? && !has_authenticator(site, &you, force)? {
        let (path, user) = (path.clone(), you.name.as_str().to_owned());
        if !force {
            // The refusal stands also where nobody reads this.
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

/// A line each.
fn text(site: &Site, findings: &[Finding]) -> String {
    let line = |finding: &Finding| finding.text(site.language) + "\n";
    findings.iter().map(line).collect()
}

/// Whether the policy demands a second factor of somebody, now or from some day on.
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

/// Whether somebody has an authenticator that can be used. Forced, records that cannot be read hold none: `--force` is
/// for getting on all the same.
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

/// What apps are known to get wrong. Each app stands in conf/apps.toml, to which a test holds this.
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

/// What to look at.
fn findings(site: &Site, you: &Account) -> Result<Vec<Finding>, Failure> {
    let (policy, enforce) = (&site.policy, &site.policy.enforce);
    let mut findings = Vec::new();
    if site.conf == Path::new(DEFAULT_FILE) && !site.conf.exists() {
        let path = DEFAULT_FILE.to_owned();
        findings.push(Finding::NoFile { path });
    }
    let nobody_must = matches!(&enforce.groups, Groups::Named(names) if names.is_empty());
    if nobody_must && policy.enroll.at_login != AtLogin::Off {
        findings.push(Finding::NobodyMust);
    }
    findings.extend(of_apps(policy));
    let mut groups: Vec<&String> = match &enforce.groups {
        Groups::Everybody => Vec::new(),
        Groups::Named(names) => names.iter().collect(),
    };
    groups.extend(&enforce.exempt_groups);
    let mut seen = Vec::new();
    for group in groups {
        if seen.contains(&group) {
            continue;
        }
        seen.push(group);
        // Whether it holds you does not matter here, only whether that can be said.
        if groups::belongs(&you.name, group) == Belongs::Unknown {
            findings.extend(unknown_group(enforce, group));
        }
    }
    for user in &enforce.exempt_users {
        let (known, user) = (users::named(user)?, user.clone());
        match known.map(|named| named.account.name.as_str().to_owned()) {
            Some(name) if name == user => {}
            // The exemption is by the name that the name service gives, which need not be the one that it was asked for.
            Some(name) if enforce.exempt_users.contains(&name) => {}
            Some(name) => findings.push(Finding::ExemptUserIsAnother { user, name }),
            None => findings.push(Finding::ExemptUserUnknown { user }),
        }
    }
    for network in &policy.trust.networks {
        if network.is_everywhere() {
            let network = network.to_string();
            findings.push(Finding::TrustsEverybody { network });
        }
    }
    for user in &policy.helper.trusted_callers {
        if users::account(user)?.is_none() {
            let user = user.clone();
            findings.push(Finding::TrustedCallerUnknown { user });
        }
    }
    findings.extend(Services::of_machine().findings(policy.enroll.at_login));
    Ok(findings)
}
