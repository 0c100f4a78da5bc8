//! What a policy changes for single PAM services. Nothing can act on a policy without naming the service.

use super::{AtLogin, Language, OutOfRange, Policy};
use crate::messages::reason::Unfit;
use crate::network::Network;
use crate::qr::Style;
use std::collections::BTreeMap;
use std::time::Duration;

/// The name of a PAM service, as a program gives it to PAM and as its file in `/etc/pam.d` is called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServiceName(String);

impl ServiceName {
    /// Takes a name that a service can have. PAM turns capital letters into small ones, so a name with capitals would
    /// never match.
    ///
    /// # Errors
    /// No service can have the name.
    pub fn new(name: &str) -> Result<Self, OutOfRange> {
        let may_begin = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let may_follow = |byte: u8| may_begin(byte) || b"._-+@".contains(&byte);
        match name.as_bytes() {
            [first, rest @ ..]
                if may_begin(*first)
                    && rest.len() < 64
                    && rest.iter().all(|byte| may_follow(*byte)) =>
            {
                Ok(Self(name.to_owned()))
            }
            _ => Err(OutOfRange(Unfit::NoService)),
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for ServiceName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// What replaces keys of the policy in the logins of one service; `None`: the key stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServicePolicy {
    /// Replaces [`Policy::language`].
    pub language: Option<Language>,
    /// Replaces `enroll.at_login`, also in a program that is not known to keep nothing of what it shows.
    pub at_login: Option<AtLogin>,
    /// Replaces `enroll.qr`.
    pub qr: Option<Style>,
    /// Replaces `enforce.exempt_groups`.
    pub exempt_groups: Option<Vec<String>>,
    /// Replaces `trust.networks`.
    pub networks: Option<Vec<Network>>,
    /// Replaces `trust.remember`.
    pub remember: Option<Duration>,
}

impl ServicePolicy {
    /// Puts these values into a policy.
    fn replace_in(self, policy: &mut Policy) {
        let Self {
            language,
            at_login,
            qr,
            exempt_groups,
            networks,
            remember,
        } = self;
        put(&mut policy.language, language);
        policy.enroll.is_for_service |= at_login.is_some();
        put(&mut policy.enroll.at_login, at_login);
        put(&mut policy.enroll.qr, qr);
        put(&mut policy.enforce.exempt_groups, exempt_groups);
        put(&mut policy.trust.networks, networks);
        put(&mut policy.trust.remember, remember);
    }
}

fn put<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

/// What a policy file says: rules for every service, and what differs for some.
///
/// Callers must say what they want rules for: [`for_service`](Self::for_service), [`for_account`](Self::for_account) or
/// [`where_nothing_is_said`](Self::where_nothing_is_said).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policies {
    general: Policy,
    services: BTreeMap<ServiceName, ServicePolicy>,
}

impl Policies {
    /// Rules for every service, and what replaces them for some.
    #[must_use]
    pub const fn new(general: Policy, services: BTreeMap<ServiceName, ServicePolicy>) -> Self {
        Self { general, services }
    }

    /// Returns the rules for a login to a service. `name` must be the name that PAM knows, and never one that somebody
    /// else has chosen.
    #[must_use]
    pub fn for_service(mut self, name: &str) -> Policy {
        if let Some(service) = self.services.remove(name) {
            service.replace_in(&mut self.general);
        }
        self.general
    }

    /// Returns the rules for everything that concerns an account as a whole, whichever service it logs in to: a change
    /// of its authenticators, its lock, its status.
    ///
    /// A group is exempt only if every section that names exempt groups names it. So no user gives up an authenticator
    /// that one of the services demands.
    #[must_use]
    pub fn for_account(&self) -> Policy {
        let mut policy = self.general.clone();
        for named in self.services.values().flat_map(|one| &one.exempt_groups) {
            policy
                .enforce
                .exempt_groups
                .retain(|group| named.contains(group));
        }
        policy
    }

    /// Returns the rules for a service without a section.
    #[must_use]
    pub const fn where_nothing_is_said(&self) -> &Policy {
        &self.general
    }

    /// The services that have a section, and what their sections say.
    pub fn services(&self) -> impl Iterator<Item = (&ServiceName, &ServicePolicy)> {
        self.services.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    /// Global exempt groups, and those of services.
    fn exempting(general: &[&str], services: &[(&str, &[&str])]) -> Policies {
        let mut policy = Policy::default();
        policy.enforce.exempt_groups = groups(general);
        let service = |&(name, names): &(&str, &[&str])| {
            let service = ServicePolicy {
                exempt_groups: Some(groups(names)),
                ..ServicePolicy::default()
            };
            (ServiceName::new(name).unwrap(), service)
        };
        Policies::new(policy, services.iter().map(service).collect())
    }

    #[test]
    fn a_service_has_a_name_that_pam_can_look_up() {
        for name in ["sshd", "su-l", "gdm-password", "polkit-1", "a.b_c+d@e", "9"] {
            assert_eq!(ServiceName::new(name).unwrap().as_str(), name);
        }
        assert!(ServiceName::new(&"a".repeat(64)).is_ok());
        let long = "a".repeat(65);
        for name in [
            "", ".", "..", ".x", "-x", "a/b", "/a", "a b", " a", "a\n", "Sshd", "sshD", "é",
            "NAME", "*", &long,
        ] {
            assert!(ServiceName::new(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn every_key_of_a_service_replaces_the_general_one_for_that_service_alone() {
        let networks = vec![Network::parse("10.0.0.0/8").unwrap()];
        let service = ServicePolicy {
            language: Some(Language::Korean),
            at_login: Some(AtLogin::Require),
            qr: Some(Style::None),
            exempt_groups: Some(groups(&["staff"])),
            networks: Some(networks.clone()),
            remember: Some(Duration::from_secs(60)),
        };
        let name = ServiceName::new("sshd").unwrap();
        let policies = Policies::new(Policy::default(), [(name, service)].into());
        let mut expected = Policy {
            language: Language::Korean,
            ..Policy::default()
        };
        expected.enroll.at_login = AtLogin::Require;
        expected.enroll.is_for_service = true;
        expected.enroll.qr = Style::None;
        expected.enforce.exempt_groups = groups(&["staff"]);
        expected.trust.networks = networks;
        expected.trust.remember = Duration::from_secs(60);
        assert_eq!(policies.clone().for_service("sshd"), expected);
        for other in ["", "ssh", "sshd2", "SSHD"] {
            assert_eq!(policies.clone().for_service(other), Policy::default());
        }
        assert_eq!(policies.where_nothing_is_said(), &Policy::default());
        assert_eq!(policies.for_account(), Policy::default());
    }

    #[test]
    fn a_key_that_a_service_does_not_set_keeps_its_general_value() {
        let mut general = Policy::default();
        general.enroll.at_login = AtLogin::Require;
        general.enforce.exempt_groups = groups(&["staff"]);
        let name = ServiceName::new("sshd").unwrap();
        let services = [(name, ServicePolicy::default())].into();
        let policies = Policies::new(general.clone(), services);
        let named: Vec<_> = policies.services().collect();
        assert!(
            matches!(&named[..], [(name, section)] if name.as_str() == "sshd" && **section == ServicePolicy::default())
        );
        assert_eq!(policies.for_account(), general);
        assert_eq!(policies.for_service("sshd"), general);
    }

    #[test]
    fn an_empty_list_of_a_service_replaces_the_general_one() {
        let policies = exempting(&["staff"], &[("sshd", &[])]);
        let exempt = |name| policies.clone().for_service(name).enforce.exempt_groups;
        assert_eq!(exempt("sshd"), groups(&[]));
        assert_eq!(exempt("su"), groups(&["staff"]));
    }

    #[test]
    fn an_account_is_exempt_only_by_a_group_that_is_exempt_everywhere() {
        let exempt = |general: &[&str], services: &[(&str, &[&str])]| {
            exempting(general, services)
                .for_account()
                .enforce
                .exempt_groups
        };
        assert_eq!(exempt(&["a", "b"], &[]), ["a", "b"]);
        assert_eq!(exempt(&["a", "b"], &[("su", &["b", "c"])]), ["b"]);
        assert_eq!(
            exempt(&["a", "b"], &[("su", &["b"]), ("sshd", &["a"])]),
            groups(&[])
        );
        assert_eq!(exempt(&[], &[("su", &["a"])]), groups(&[]));
    }
}
