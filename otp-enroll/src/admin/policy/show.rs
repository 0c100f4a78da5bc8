//! `otp-admin policy show`: what a login of one user would come to now, and by which rule.

use super::{Services, unknown_group};
use crate::failure::Failure;
use crate::layout::labelled;
use crate::output;
use crate::site::Site;
use crate::status::Status;
use otp_core::enforce::{Demand, Login, demand_on_login};
use otp_core::login::{Known, foretell};
use otp_core::messages::admin::Report;
use otp_core::messages::explanation::Explanation;
use otp_core::messages::policy::Finding;
use otp_core::record::AtLogin;
use otp_core::{Account, UnixTime, UserName};
use otp_site::{Named, clock, groups};
use otp_store::account::grace::first_login;

/// Tells the verdict in one sentence, and then what led to it, a line each.
pub fn show(site: &Site, user: &str) -> Result<(), Failure> {
    let named = site.named(user)?;
    let now = clock::now()?;
    let case = Subject::of(site, named, now)?;
    output::print(&case.text(site, now))
}

/// All that a verdict depends on.
struct Subject {
    account: Account,
    /// The name that was asked about, where it is a second name of the account.
    alias: Option<UserName>,
    status: Status,
    /// When the user was first let in without a second factor.
    first_login: Option<UnixTime>,
    demand: Demand,
    /// Groups that had to be looked up and could not be.
    unknown: Vec<String>,
    services: Services,
}

impl Subject {
    fn of(site: &Site, named: Named, now: UnixTime) -> Result<Self, Failure> {
        let Named { account, alias } = named;
        let user = account.name.as_str();
        let status = site.status(&account)?;
        let first_login = if status.enrolled {
            // No grace begins anew by giving an authenticator up.
            Some(UnixTime::from_seconds(0))
        } else {
            let first = first_login(&site.store()?, &account);
            first.map_err(Failure::about(user))?
        };
        let login = Login {
            name: &account.name,
            alias: alias.as_ref(),
            nullok: false,
            first_login,
        };
        let enforce = &site.policy.enforce;
        let (demand, unknown) = demand_on_login(enforce, &login, groups::belongs, now);
        Ok(Self {
            account,
            alias,
            status,
            first_login,
            demand,
            unknown,
            services: Services::of_machine(),
        })
    }

    fn text(&self, site: &Site, now: UnixTime) -> String {
        let (language, policy) = (site.language, &site.policy);
        let opens = policy.recovery.opens_lock && self.status.recovery_codes_left > 0;
        let known = Known {
            standing: self.status.enrolled.then_some(self.status.standing),
            has_opener: opens,
            wanted: &self.demand,
            at_login: policy.enroll.at_login,
        };
        let prospect = foretell(&known, &self.services.doors(), now);
        let mut rows = Rows::of(site);
        if let Some(alias) = &self.alias {
            let (alias, user) = (alias.as_str(), self.account.name.as_str());
            rows.explain(Explanation::Name, Explanation::NameOf { alias, user });
        }
        rows.explain(Explanation::Login, Explanation::LoginDoes(&prospect));
        self.device_rows(&mut rows, opens, now);
        let demands = Explanation::Demands {
            demand: &self.demand,
            now,
        };
        rows.explain(Explanation::Demand, demands);
        self.grace_row(&mut rows, now);
        let trust = &policy.trust;
        if !trust.networks.is_empty() {
            let networks: Vec<_> = trust.networks.iter().map(ToString::to_string).collect();
            let networks = &networks.join(", ");
            rows.explain(Explanation::Networks, Explanation::NetworksAre { networks });
        }
        if !trust.remember.is_zero() {
            let remember = trust.remember;
            rows.explain(Explanation::Remember, Explanation::Remembered { remember });
        }
        for problem in self.problems(site) {
            rows.report(&Report::Problem, problem.text(language));
        }
        let verdict = prospect.sentence(self.account.name.as_str(), language);
        verdict + "\n\n" + &rows.text()
    }

    fn device_rows(&self, rows: &mut Rows<'_>, opens: bool, now: UnixTime) {
        let language = rows.site.language;
        for device in &self.status.authenticators {
            let device = Report::Device {
                name: &device.name,
                created: UnixTime::from_seconds(device.created),
                last_used: device.last_used.map(UnixTime::from_seconds),
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
            opens,
        };
        rows.report(&Report::Standing, standing.text(language));
    }

    /// Only where there is a grace that anything depends on.
    fn grace_row(&self, rows: &mut Rows<'_>, now: UnixTime) {
        let grace = rows.site.policy.enforce.grace;
        let demanded = !matches!(self.demand, Demand::Nothing(_));
        if demanded && !self.status.enrolled && !grace.is_zero() {
            // One that begins in the future begins anew with the next login: the clock has run back.
            let begun = self.first_login.filter(|first| *first <= now);
            rows.explain(Explanation::Grace, Explanation::GraceLasts { grace, begun });
        }
    }

    /// What an administrator has to put right before the rules mean what they say.
    fn problems(&self, site: &Site) -> Vec<Finding> {
        let policy = &site.policy;
        let groups = self.unknown.iter();
        let mut problems: Vec<_> = groups
            .flat_map(|group| unknown_group(&policy.enforce, group))
            .collect();
        let demanded = !matches!(self.demand, Demand::Nothing(_));
        if demanded && !self.status.enrolled && policy.enroll.at_login != AtLogin::Off {
            problems.extend(self.services.findings(policy.enroll.at_login));
        }
        problems
    }
}

/// Values behind their labels.
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
