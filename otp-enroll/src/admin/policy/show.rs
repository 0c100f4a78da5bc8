//! `otp-admin policy show`: the outcome of one user's login now, and the rule that decides it.

use super::ruling::{Case, Ruling};
use super::{Services, has_no_line, name_of, unknown_group};
use crate::failure::Failure;
use crate::layout::labelled;
use crate::lost::lost;
use crate::output;
use crate::site::Site;
use crate::status::Status;
use otp_core::enforce::Demand;
use otp_core::login::Door;
use otp_core::messages::admin::Report;
use otp_core::messages::explanation::Explanation;
use otp_core::messages::policy::Finding;
use otp_core::network::Network;
use otp_core::record::{AtLogin, ServiceName, ServicePolicy};
use otp_core::{Account, Policy, UnixTime, UserName, Zone};
use otp_helper::records::Enrolled;
use otp_site::{Named, clock, groups, zone};

/// Prints the verdict in one sentence, and then the reasons, one on each line. `service`: for a login of that
/// service; otherwise for services that the policy does not name, with a line for each one that it names.
pub fn show(site: &Site, user: &str, service: Option<&ServiceName>) -> Result<(), Failure> {
    let named = site.named(user)?;
    let now = clock::now()?;
    let case = Subject::of(site, named)?;
    output::print(&case.text(site, service, now))
}

/// The inputs of a verdict, except the service.
struct Subject {
    account: Account,
    /// The name that was asked about, if it is a second name of the account.
    alias: Option<UserName>,
    status: Status,
    /// The time when the user was first let in without a second factor.
    first_login: Option<UnixTime>,
    services: Services,
    /// The zone of this machine.
    zone: Zone,
}

/// The outcome of a login by the rules for one service.
struct Ruled {
    policy: Policy,
    ruling: Ruling,
}

impl Subject {
    fn of(site: &Site, named: Named) -> Result<Self, Failure> {
        let Named { account, alias } = named;
        let status = site.status(&account)?;
        let first_login = if status.enrolled {
            None
        } else {
            let found = site.records_of(&account)?.enrolled(&account);
            match found.map_err(|reason| lost(reason, &account))? {
                Enrolled::No { first_login } => first_login,
                // The user has enrolled in the meantime.
                Enrolled::Yes => None,
            }
        };
        Ok(Self {
            account,
            alias,
            status,
            first_login,
            services: Services::of_machine(),
            zone: zone::of_this_machine(),
        })
    }

    fn case(&self) -> Case<'_> {
        Case {
            account: &self.account,
            alias: self.alias.as_ref(),
            status: Some(&self.status),
            first_login: self.first_login,
        }
    }

    /// Decides the outcome of a login by these rules at these doors.
    fn ruled(&self, policy: Policy, doors: &[Door], now: UnixTime) -> Ruled {
        let ruling = self.case().under(&policy, doors, groups::belongs, now);
        Ruled { policy, ruling }
    }

    fn ruled_at(&self, site: &Site, service: &ServiceName, now: UnixTime) -> Ruled {
        let policy = site.policies.clone().for_service(service.as_str());
        let door = self.services.door(service, policy.enroll);
        self.ruled(policy, &[door], now)
    }

    fn text(&self, site: &Site, service: Option<&ServiceName>, now: UnixTime) -> String {
        let language = site.language;
        let ruled = if let Some(service) = service {
            self.ruled_at(site, service, now)
        } else {
            let policy = site.policies.where_nothing_is_said().clone();
            self.ruled(policy, &self.services.doors(&site.policies), now)
        };
        let mut rows = Rows::of(site);
        if let Some(alias) = &self.alias {
            let (alias, user) = (alias.as_str(), self.account.name.as_str());
            rows.explain(Explanation::Name, Explanation::NameOf { alias, user });
        }
        let fleet = &site.policy.fleet;
        if fleet.keeps(&self.account) {
            let all: Vec<_> = fleet.verifiers.iter().map(ToString::to_string).collect();
            let verifiers = &all.join(", ");
            rows.explain(
                Explanation::Records,
                Explanation::WithVerifiers { verifiers },
            );
        }
        let does = Explanation::LoginDoes(&ruled.ruling.prospect);
        rows.explain(Explanation::Login, does);
        self.device_rows(&mut rows, self.status.has_opener(&ruled.policy), now);
        let demands = Explanation::Demands {
            demand: &ruled.ruling.demand,
            now,
            zone: &self.zone,
        };
        rows.explain(Explanation::Demand, demands);
        self.grace_row(&mut rows, &ruled.ruling.demand, now);
        let trust = &ruled.policy.trust;
        if !trust.networks.is_empty() {
            rows.networks(Explanation::Networks, &trust.networks);
        }
        if !trust.remember.is_zero() {
            let remember = trust.remember;
            rows.explain(Explanation::Remember, Explanation::Remembered { remember });
        }
        if service.is_none() {
            for (name, section) in site.policies.services() {
                self.service_rows(&mut rows, (name, section), now);
            }
        }
        for problem in self.problems(site, &ruled, service) {
            rows.report(&Report::Problem, problem.text(language));
        }
        let verdict =
            ruled
                .ruling
                .prospect
                .sentence(self.account.name.as_str(), &self.zone, language);
        verdict + "\n\n" + &rows.text()
    }

    /// Adds the differences at a service that the policy names.
    fn service_rows(
        &self,
        rows: &mut Rows<'_>,
        (name, section): (&ServiceName, &ServicePolicy),
        now: UnixTime,
    ) {
        let (language, ruled) = (rows.site.language, self.ruled_at(rows.site, name, now));
        let service = name.as_str();
        let verdict =
            ruled
                .ruling
                .prospect
                .sentence(self.account.name.as_str(), &self.zone, language);
        let label = Explanation::At { service };
        rows.rows.push((label.text(language), verdict));
        match &section.networks {
            Some(networks) if networks.is_empty() => rows.explain(label, Explanation::NoNetworks),
            Some(networks) => rows.networks(label, networks),
            None => {}
        }
        match section.remember {
            Some(remember) if remember.is_zero() => {
                rows.explain(label, Explanation::NeverRemembered);
            }
            Some(remember) => rows.explain(label, Explanation::Remembered { remember }),
            None => {}
        }
    }

    fn device_rows(&self, rows: &mut Rows<'_>, opens: bool, now: UnixTime) {
        let language = rows.site.language;
        for device in &self.status.authenticators {
            let device = Report::Device {
                name: &device.name,
                created: self.zone.at(UnixTime::from_seconds(device.created)),
                last_used: device
                    .last_used
                    .map(|used| self.zone.at(UnixTime::from_seconds(used))),
                next_counter: device.next_counter,
            };
            rows.report(&Report::Authenticator, device.text(language));
        }
        if !self.status.enrolled {
            let none = Explanation::NoAuthenticator;
            return rows.report(&Report::Authenticator, none.text(language));
        }
        let standing = Report::StandingIs {
            standing: self.status.standing,
            now,
            zone: &self.zone,
            opens,
        };
        rows.report(&Report::Standing, standing.text(language));
    }

    /// Adds the grace, only if the verdict depends on it.
    fn grace_row(&self, rows: &mut Rows<'_>, demand: &Demand, now: UnixTime) {
        let grace = rows.site.policy.enforce.grace;
        let demanded = !matches!(demand, Demand::Nothing(_));
        if demanded && !self.status.enrolled && !grace.is_zero() {
            // A grace that begins in the future begins again with the next login: the clock has run back.
            let begun = self.first_login.filter(|first| *first <= now);
            let begun = begun.map(|begun| self.zone.at(begun));
            rows.explain(Explanation::Grace, Explanation::GraceLasts { grace, begun });
        }
    }

    /// Finds what an administrator must correct before the rules have their meaning.
    fn problems(&self, site: &Site, ruled: &Ruled, service: Option<&ServiceName>) -> Vec<Finding> {
        let policies = &site.policies;
        let mut sections = policies.services();
        let of_section = service.filter(|service| {
            sections.any(|(name, section)| name == *service && section.exempt_groups.is_some())
        });
        let groups = ruled.ruling.unknown.iter();
        let mut problems: Vec<_> = groups
            .flat_map(|group| unknown_group(&ruled.policy.enforce, of_section, group))
            .collect();
        let demanded = !matches!(ruled.ruling.demand, Demand::Nothing(_));
        if demanded && !self.status.enrolled && ruled.policy.enroll.at_login != AtLogin::Off {
            problems.extend(self.services.findings(policies, service));
        }
        let missing = service.filter(|service| has_no_line(service));
        problems.extend(missing.map(|service| Finding::AsksNobody {
            service: name_of(service),
        }));
        problems
    }
}

/// Values after their labels.
struct Rows<'a> {
    site: &'a Site,
    rows: Vec<(String, String)>,
}

impl<'a> Rows<'a> {
    const fn of(site: &'a Site) -> Self {
        let rows = Vec::new();
        Self { site, rows }
    }

    fn explain(&mut self, label: Explanation<'_>, value: Explanation<'_>) {
        let language = self.site.language;
        self.rows.push((label.text(language), value.text(language)));
    }

    fn networks(&mut self, label: Explanation<'_>, networks: &[Network]) {
        let networks: Vec<_> = networks.iter().map(ToString::to_string).collect();
        let networks = &networks.join(", ");
        self.explain(label, Explanation::NetworksAre { networks });
    }

    fn report(&mut self, label: &Report<'_>, value: String) {
        self.rows.push((label.text(self.site.language), value));
    }

    fn text(&self) -> String {
        let rows: Vec<_> = self
            .rows
            .iter()
            .map(|(label, value)| (label.clone(), value.as_str()))
            .collect();
        labelled(&rows).to_string()
    }
}
