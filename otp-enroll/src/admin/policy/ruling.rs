//! What policy comes to for one account: the one place where `policy show` and `report` find it out, by what a login asks.

use otp_core::enforce::{Belongs, Demand, Login, demand_on_login};
use otp_core::login::{Door, Known, Prospect, foretell};
use otp_core::record::Standing;
use otp_core::{Account, Policy, UnixTime, UserName};

/// All that it depends on, but for the rules and the doors.
pub struct Case<'a> {
    pub account: &'a Account,
    /// The name that was asked about, where it is a second name of the account.
    pub alias: Option<&'a UserName>,
    /// How it stands; `None`: it has no authenticator.
    pub standing: Option<Standing>,
    /// Unused recovery codes of those that open a lock.
    pub codes_that_open: u32,
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
    /// Whether a recovery code opens a lock.
    pub const fn opens(&self, policy: &Policy) -> bool {
        policy.recovery.opens_lock && self.codes_that_open > 0
    }

    /// What a login comes to by these rules at these doors.
    pub fn under(
        &self,
        policy: &Policy,
        doors: &[Door],
        belongs: impl FnMut(&UserName, &str) -> Belongs,
        now: UnixTime,
    ) -> Ruling {
        let login = Login {
            name: &self.account.name,
            alias: self.alias,
            nullok: false,
            first_login: match self.standing {
                // No grace begins anew by giving an authenticator up.
                Some(_) => Some(UnixTime::from_seconds(0)),
                None => self.first_login,
            },
        };
        let (demand, unknown) = demand_on_login(&policy.enforce, &login, belongs, now);
        let known = Known {
            standing: self.standing,
            has_opener: self.opens(policy),
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
