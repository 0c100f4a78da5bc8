//! Decides what the policy means for one account. `policy show` and `report` both use this, with the inputs of a
//! login.

use crate::status::Status;
use otp_core::enforce::{Belongs, Demand, Login, demand_on_login};
use otp_core::login::{Door, Known, Prospect, foretell};
use otp_core::{Account, Policy, UnixTime, UserName};

/// The inputs of the decision, except the rules and the doors.
pub struct Case<'a> {
    pub account: &'a Account,
    /// The name that was asked about, if it is a second name of the account.
    pub alias: Option<&'a UserName>,
    /// The state of the account; `None`: it cannot be read, and the account is treated as one without an
    /// authenticator.
    pub status: Option<&'a Status>,
    /// The time when the user was first let in without a second factor; only for accounts without one.
    pub first_login: Option<UnixTime>,
}

/// The outcome of a login by the rules for one service.
pub struct Ruling {
    pub demand: Demand,
    /// Groups that had to be looked up, but could not be.
    pub unknown: Vec<String>,
    pub prospect: Prospect,
}

impl Case<'_> {
    /// Decides the outcome of a login by these rules at these doors.
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
                // Giving up an authenticator does not start a new grace.
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
