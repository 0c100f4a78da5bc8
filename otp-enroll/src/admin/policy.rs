//! `otp-admin policy`: the effects of a policy, for the site and for one user.

mod check;
pub(super) mod ruling;
mod show;

pub use check::check;
pub use show::show;

use otp_core::login::{AccountLine, Door};
use otp_core::messages::guide::{Enrolling, Excuses};
use otp_core::messages::policy::Finding;
use otp_core::messages::reason::Wording;
use otp_core::qr::Style;
use otp_core::record::{AtLogin, EnforcePolicy, EnrollPolicy, Groups, Policies, ServiceName};
use otp_site::Error;
use otp_site::stack::{ENROLLING, PORTAL, Service, Stacks, may_enrol_in};

/// Returns the findings about a group of the policy that cannot be looked up, one for each list that has it.
/// `service`: the service whose section has the exempt groups.
fn unknown_group(
    enforce: &EnforcePolicy,
    service: Option<&ServiceName>,
    group: &str,
) -> Vec<Finding> {
    let of = |names: &[String]| names.iter().any(|name| name == group);
    let mut findings = Vec::new();
    if matches!(&enforce.groups, Groups::Named(names) if of(names)) {
        let group = group.to_owned();
        findings.push(Finding::EnforcedGroupUnknown { group });
    }
    if of(&enforce.exempt_groups) {
        let (group, service) = (group.to_owned(), service.map(name_of));
        findings.push(Finding::ExemptGroupUnknown { group, service });
    }
    findings
}

fn name_of(service: &ServiceName) -> String {
    service.as_str().to_owned()
}

/// The services that log users in and have a line of ours.
pub(super) struct Services(Result<Vec<Service>, Error>);

/// The service in which users prove who they are before a change; no one logs in there.
const RE_AUTHENTICATION: &str = "otp-enroll";

impl Services {
    /// Finds the services of this machine.
    pub(super) fn of_machine() -> Self {
        Self(Stacks::default().services().map(|mut services| {
            services.retain(|one| one.name != RE_AUTHENTICATION);
            services
        }))
    }

    /// Returns the services that ask for a code; none if they could not be read.
    fn asking(&self) -> impl Iterator<Item = &Service> {
        self.0.iter().flatten().filter(|one| one.asks)
    }

    /// Returns the services that ask for a code and have no section in the policy; if all have one, all.
    pub(super) fn doors(&self, policies: &Policies) -> Vec<Door> {
        let door = |one: &Service| door(one, policies.where_nothing_is_said().enroll);
        let has_section = |one: &&Service| {
            policies
                .services()
                .any(|(name, _)| name.as_str() == one.name)
        };
        let without: Vec<Door> = self
            .asking()
            .filter(|one| !has_section(one))
            .map(door)
            .collect();
        if without.is_empty() {
            return self.asking().map(door).collect();
        }
        without
    }

    /// Returns the service of that name, as its files describe it. A service that asks for no code gets a door
    /// without obstacles.
    pub(super) fn door(&self, name: &ServiceName, enroll: EnrollPolicy) -> Door {
        let found = self.asking().find(|one| one.name == name.as_str());
        found.map_or_else(
            || Door::open(may_enrol_in(name.as_str(), enroll)),
            |one| door(one, enroll),
        )
    }

    /// Returns the logins that set up an authenticator; `None`: none does. If no service asks for a code yet, the policy
    /// alone decides, and no service is named. The portal is not among them.
    pub(super) fn that_enrol(&self, policies: &Policies) -> Option<Enrolling> {
        let enrolling = |services: Vec<String>, policies: &[EnrollPolicy]| {
            let draws = |style: &Style| *style != Style::None;
            Enrolling {
                services,
                offer: policies.iter().all(|one| one.at_login == AtLogin::Offer),
                qr: policies
                    .iter()
                    .map(|one| one.qr)
                    .find(draws)
                    .unwrap_or(Style::None),
            }
        };
        if self.asking().next().is_none() {
            let enroll = policies.where_nothing_is_said().enroll;
            return (enroll.at_login != AtLogin::Off).then(|| enrolling(Vec::new(), &[enroll]));
        }
        let enrols = |one: &&Service| {
            let enroll = policies.clone().for_service(&one.name).enroll;
            one.name != PORTAL
                && enroll.at_login != AtLogin::Off
                && may_enrol_in(&one.name, enroll)
                && one.account_line == AccountLine::Sure
                && one.proves_identity
                && !one.account_excuses
        };
        let found: Vec<&Service> = self.asking().filter(enrols).collect();
        let of = |one: &&Service| policies.clone().for_service(&one.name).enroll;
        let these: Vec<EnrollPolicy> = found.iter().map(of).collect();
        let mut names: Vec<String> = found
            .iter()
            .map(|one| match one.name.as_str() {
                "sshd" => "ssh".to_owned(),
                "su-l" => "su".to_owned(),
                name => name.to_owned(),
            })
            .collect();
        names.dedup();
        (!names.is_empty()).then(|| enrolling(names, &these))
    }

    /// Returns the share of the services that ask for a code but let users in who have no authenticator.
    pub(super) fn excuses(&self) -> Excuses {
        let all = self.asking().count();
        match self.asking().filter(|one| one.excuses).count() {
            0 => Excuses::Nowhere,
            some if some < all => Excuses::Somewhere,
            _ => Excuses::Everywhere,
        }
    }

    /// Finds what keeps services from asking for codes, and their logins from enrolling users if the policy wants
    /// that. `only`: the only service to examine.
    fn findings(&self, policies: &Policies, only: Option<&ServiceName>) -> Vec<Finding> {
        let at = |name: &str| policies.clone().for_service(name).enroll;
        let services = match &self.0 {
            Ok(services) => services.iter(),
            Err(error) => {
                let general = policies.where_nothing_is_said().enroll.at_login;
                let mut sections = policies
                    .services()
                    .map(|(name, _)| at(name.as_str()).at_login);
                if general == AtLogin::Off && sections.all(|one| one == AtLogin::Off) {
                    return Vec::new();
                }
                let reason = Wording::of(|language| error.text(language));
                return vec![Finding::ServicesNotRead { reason }];
            }
        };
        let is_meant = |one: &&Service| only.is_none_or(|only| only.as_str() == one.name);
        let services: Vec<&Service> = services.filter(is_meant).collect();
        let enrols = |one: &Service| at(&one.name).at_login != AtLogin::Off;
        let may_enrol = |one: &Service| may_enrol_in(&one.name, at(&one.name));
        let finding = |one: &Service| {
            let service = one.name.clone();
            match one.account_line {
                AccountLine::Missing if !one.asks => None,
                _ if !one.asks => Some(Finding::CodeLineMissing { service }),
                _ if !enrols(one) || !may_enrol(one) => None,
                AccountLine::Sure if !one.proves_identity => {
                    Some(Finding::NobodyProvesIdentity { service })
                }
                // A missing line is reported once for all services.
                AccountLine::Sure | AccountLine::Missing => None,
                AccountLine::LedAround => Some(Finding::AccountLineLedAround { service }),
            }
        };
        let mut findings: Vec<Finding> = services.iter().copied().filter_map(finding).collect();
        let forgetful = services.iter().filter(|one| one.forgets_nullok);
        findings.extend(forgetful.map(|one| Finding::AccountLineForgetsNullok {
            service: one.name.clone(),
        }));
        let named = |of: &dyn Fn(&Service) -> bool| -> Vec<String> {
            let services = services.iter().filter(|one| of(one));
            services.map(|one| one.name.clone()).collect()
        };
        let services_with_password_lines = named(&|one| one.has_password_line);
        if !services_with_password_lines.is_empty() {
            findings.push(Finding::PasswordLine {
                services: services_with_password_lines,
            });
        }
        let services_with_session_lines = named(&|one| one.has_session_line);
        if !services_with_session_lines.is_empty() {
            findings.push(Finding::SessionLine {
                services: services_with_session_lines,
            });
        }
        let elsewhere = named(&|one| one.asks && enrols(one) && !may_enrol(one));
        let missing = named(&|one| {
            let is_missing = one.account_line == AccountLine::Missing;
            one.asks && enrols(one) && is_missing && may_enrol(one)
        });
        if !missing.is_empty() {
            findings.push(Finding::AccountLineMissing { services: missing });
        }
        if !elsewhere.is_empty() {
            findings.push(Finding::NobodyEnrolsThere {
                services: elsewhere,
                only: ENROLLING.join(", "),
            });
        }
        findings
    }
}

/// Whether a service of that name has no line of ours, as far as this can be found out.
fn has_no_line(service: &ServiceName) -> bool {
    let found = Stacks::default().has_line(service.as_str());
    found.is_ok_and(|has_line| !has_line)
}

/// Makes a door; `enroll` is the policy for this service.
fn door(service: &Service, enroll: EnrollPolicy) -> Door {
    Door {
        can_enrol: may_enrol_in(&service.name, enroll),
        proves_identity: service.proves_identity,
        account_line: service.account_line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use otp_core::Policy;
    use otp_core::record::ServicePolicy;
    use std::collections::BTreeMap;

    #[test]
    fn a_group_in_both_lists_is_wrong_in_both() {
        let enforce = EnforcePolicy {
            groups: Groups::Named(vec!["staff".to_owned()]),
            exempt_groups: vec!["staff".to_owned(), "kiosk".to_owned()],
            ..Policy::default().enforce
        };
        let found = |group| unknown_group(&enforce, None, group).len();
        assert_eq!([found("staff"), found("kiosk"), found("other")], [2, 1, 0]);
    }

    #[test]
    fn a_login_enrols_where_everything_for_it_is_there_and_by_the_policy_alone_before_that() {
        let service = |name: &str, account_line, proves_identity| Service {
            name: name.to_owned(),
            asks: true,
            account_line,
            proves_identity,
            excuses: false,
            account_excuses: false,
            forgets_nullok: false,
            has_password_line: false,
            has_session_line: false,
        };
        let sure = AccountLine::Sure;
        let there = |services: &[Service], at_login| {
            let mut policy = Policy::default();
            policy.enroll.at_login = at_login;
            let policies = Policies::new(policy, BTreeMap::new());
            let found = Services(Ok(services.to_vec())).that_enrol(&policies);
            found.map(|logins| logins.services)
        };
        let all = [
            service("cockpit", sure, true),
            service("greetd", sure, false),
            service("login", AccountLine::LedAround, true),
            service(PORTAL, sure, true),
            service("sshd", sure, true),
            service("su", sure, true),
            service("su-l", sure, true),
        ];
        let names = ["ssh", "su"].map(str::to_owned).to_vec();
        assert_eq!(there(&all, AtLogin::Offer), Some(names));
        assert_eq!(there(&all, AtLogin::Off), None);
        assert_eq!(there(&all[..4], AtLogin::Require), None);
        assert_eq!(there(&[], AtLogin::Require), Some(Vec::new()));
        assert_eq!(there(&[], AtLogin::Off), None);
    }

    fn asking(name: &str, excuses: bool) -> Service {
        Service {
            name: name.to_owned(),
            asks: true,
            account_line: AccountLine::Sure,
            proves_identity: true,
            excuses,
            account_excuses: excuses,
            forgets_nullok: false,
            has_password_line: false,
            has_session_line: false,
        }
    }

    #[test]
    fn logins_whose_lines_have_nullok_enrol_nobody_and_excuse_everybody() {
        let mut policy = Policy::default();
        policy.enroll.at_login = AtLogin::Require;
        let policies = Policies::new(policy, BTreeMap::new());
        let found = |sshd, login| {
            let services = Services(Ok(vec![asking("login", login), asking("sshd", sshd)]));
            let names = services.that_enrol(&policies).map(|logins| logins.services);
            (names, services.excuses())
        };
        let named = |names: &[&str]| Some(names.iter().map(|&one| one.to_owned()).collect());
        let both = named(&["login", "ssh"]);
        assert_eq!(found(false, false), (both, Excuses::Nowhere));
        assert_eq!(found(true, false), (named(&["login"]), Excuses::Somewhere));
        assert_eq!(found(true, true), (None, Excuses::Everywhere));
        assert_eq!(Services(Ok(Vec::new())).excuses(), Excuses::Nowhere);
    }

    #[test]
    fn a_login_is_said_to_wait_and_to_draw_by_the_section_of_its_service() {
        let found = |sshd: ServicePolicy| {
            let mut policy = Policy::default();
            policy.enroll.at_login = AtLogin::Offer;
            let name = ServiceName::new("sshd").unwrap();
            let policies = Policies::new(policy, BTreeMap::from([(name, sshd)]));
            let services = Services(Ok(vec![asking("sshd", false)]));
            let logins = services.that_enrol(&policies).unwrap();
            (logins.offer, logins.qr)
        };
        let usual = ServicePolicy::default();
        assert_eq!(found(usual.clone()), (true, Style::Unicode));
        let requires = ServicePolicy {
            at_login: Some(AtLogin::Require),
            qr: Some(Style::None),
            ..usual
        };
        assert_eq!(found(requires), (false, Style::None));
    }

    #[test]
    fn account_lines_matter_only_where_logins_enrol_users() {
        let service = |name: &str, asks, account_line| Service {
            name: name.to_owned(),
            asks,
            account_line,
            proves_identity: name != "greetd",
            excuses: false,
            account_excuses: false,
            forgets_nullok: false,
            has_password_line: false,
            has_session_line: false,
        };
        let services = Services(Ok(vec![
            service("common-account", false, AccountLine::Sure),
            service("greetd", true, AccountLine::Sure),
            service("login", true, AccountLine::Missing),
            service("sshd", true, AccountLine::Sure),
            service("su", true, AccountLine::LedAround),
            service("sudo", true, AccountLine::Missing),
        ]));
        let policies = |at_login| {
            let mut policy = Policy::default();
            policy.enroll.at_login = at_login;
            Policies::new(policy, BTreeMap::new())
        };
        let found = |at_login| services.findings(&policies(at_login), None);
        let common = || Finding::CodeLineMissing {
            service: "common-account".to_owned(),
        };
        assert_eq!(found(AtLogin::Off), [common()]);
        for at_login in [AtLogin::Offer, AtLogin::Require] {
            let [greetd, login, su, sudo] = ["greetd", "login", "su", "sudo"].map(str::to_owned);
            assert_eq!(
                found(at_login),
                [
                    common(),
                    Finding::NobodyProvesIdentity { service: greetd },
                    Finding::AccountLineLedAround { service: su },
                    Finding::AccountLineMissing {
                        services: vec![login]
                    },
                    Finding::NobodyEnrolsThere {
                        services: vec![sudo],
                        only: "doas, greetd, login, sshd, su, su-l".to_owned(),
                    },
                ]
            );
        }
    }
}
