//! What policy comes to for one account: the one place where `policy show` and `report` find it out, by what a login asks.

use crate::status::Status;
use otp_core::enforce::{Belongs, Demand, Login, demand_on_login};
use otp_core::login::{Door, Known, Prospect, foretell};
use otp_core::{Account, Policy, UnixTime, UserName};

/// All that it depends on, but for the rules and the doors.
pub struct Case<'a> {
    pub account: &'a Account,
    /// The name that was asked about, where it is a second name of the account.
    pub alias: Option<&'a UserName>,
    /// How it stands; `None`: that cannot be told, and it is taken for one without an authenticator.
    pub status: Option<&'a Status>,
    /// When the user was first let in without a second factor; of no account with one.
    pub first_login: Option<UnixTime>,
}

/// What a login comes to by the rules for one service.
pub struct Ruling {
    pub demand: Demand,
    /// Groups that had to be looked up and could not be.
    pub unknown: Vec<String>,
    pub prospect: Prospect,
}

impl Case<'_> {
    /// What a login comes to by these rules at these doors.
    pub fn under(
        &self,
        policy: &Policy,
        doors: &[Door],
        belongs: impl FnMut(&UserName, &str) -> Belongs,
        now: UnixTime,
    ) -> Ruling {
        let status = self.status.filter(|status| status.enrolled);
        let login = Login {
            name: &self.account.name,
            alias: self.alias,
            nullok: false,
            first_login: match status {
                // No grace begins anew by giving an authenticator up.
                Some(_) => Some(UnixTime::from_seconds(0)),
                None => self.first_login,
            },
        };
        let (demand, unknown) = demand_on_login(&policy.enforce, &login, belongs, now);
        let known = Known {
            standing: status.map(|status| status.standing),
            has_opener: status.is_some_and(|status| status.has_opener(policy)),
            wanted: &demand,
            at_login: policy.enroll.at_login,
        };
        let prospect = foretell(&known, doors, now);
        Ruling {
            demand,
            unknown,
            prospect,
        }
    }
}
