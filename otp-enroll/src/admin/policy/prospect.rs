//! From what is known of an account to what a login would come to. Pure.

use otp_core::UnixTime;
use otp_core::enforce::Demand;
use otp_core::messages::prospect::Prospect;
use otp_core::record::{AtLogin, Standing};
use otp_store::stack::AccountLine;

/// What is known of an account.
pub struct Known<'a> {
    /// How it stands; `None`: it has no authenticator.
    pub standing: Option<Standing>,
    /// Whether a recovery code would open a lock.
    pub opens: bool,
    /// What policy wants of it as long as it has no authenticator.
    pub demand: &'a Demand,
    /// What policy has a login do about that.
    pub at_login: AtLogin,
    /// What becomes of our account line in each service that asks for a code.
    pub lines: &'a [AccountLine],
}

impl Known<'_> {
    /// What a login would come to; of several services, at the best of them.
    ///
    /// Before the deadline the account line decides alone, and so wherever it is met. After it the line for the code
    /// leaves the user to the account line, and only to one that is surely met.
    pub fn prospect(&self, now: UnixTime) -> Prospect {
        match (self.standing, self.demand) {
            (Some(Standing::Open), _) => Prospect::Asked,
            (Some(standing), _) => {
                let opens = self.opens && standing != Standing::Disabled;
                Prospect::Locked { standing, opens }
            }
            (None, Demand::Nothing(why)) => Prospect::LetIn { why: why.clone() },
            (None, &Demand::From(deadline, _)) => {
                let met = self.has(|line| line != AccountLine::Missing);
                match self.at_login {
                    AtLogin::Offer if met => Prospect::Offered { deadline, now },
                    AtLogin::Require if met => Prospect::SetsUp { lenient: true },
                    AtLogin::Off | AtLogin::Offer | AtLogin::Require => {
                        Prospect::LetInUntil { deadline, now }
                    }
                }
            }
            (None, Demand::Now(rule)) => {
                let (rule, at_login) = (rule.clone(), self.at_login);
                match at_login {
                    AtLogin::Offer | AtLogin::Require
                        if self.has(|line| line == AccountLine::Sure) =>
                    {
                        Prospect::SetsUp { lenient: false }
                    }
                    AtLogin::Off | AtLogin::Offer | AtLogin::Require => {
                        Prospect::Refused { rule, at_login }
                    }
                }
            }
        }
    }

    /// Whether a service has such an account line. Where no service asks for a code, there is none to go by.
    fn has(&self, such: impl Fn(AccountLine) -> bool) -> bool {
        self.lines.is_empty() || self.lines.iter().any(|&line| such(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use AccountLine::{LedAround, Missing, Sure};
    use otp_core::enforce::{Exemption, Rule};
    use std::time::Duration;

    const NOW: UnixTime = UnixTime::from_seconds(1_800_000_000);
    const DEADLINE: UnixTime = UnixTime::from_seconds(1_801_440_000);
    const EVERY: [AtLogin; 3] = [AtLogin::Off, AtLogin::Offer, AtLogin::Require];

    fn prospect(
        standing: Option<Standing>,
        demand: &Demand,
        at_login: AtLogin,
        lines: &[AccountLine],
    ) -> Prospect {
        let opens = true;
        Known {
            standing,
            opens,
            demand,
            at_login,
            lines,
        }
        .prospect(NOW)
    }

    #[test]
    fn who_has_an_authenticator_is_asked_or_locked_whatever_is_demanded() {
        let exempt = Demand::Nothing(Exemption::User);
        let held = |standing, opens| Prospect::Locked { standing, opens };
        let timed = Standing::Locked {
            since: NOW,
            lasts: Duration::from_secs(900),
        };
        for demand in [exempt, Demand::Now(Rule::Everybody)] {
            for at_login in EVERY {
                let of = |standing| prospect(Some(standing), &demand, at_login, &[Missing]);
                assert_eq!(of(Standing::Open), Prospect::Asked);
                assert_eq!(of(timed), held(timed, true));
                assert_eq!(of(Standing::Held), held(Standing::Held, true));
                assert_eq!(of(Standing::Disabled), held(Standing::Disabled, false));
            }
        }
    }

    #[test]
    fn who_has_none_and_need_not_is_let_in() {
        for at_login in EVERY {
            let why = Exemption::NotDemanded;
            let demand = Demand::Nothing(why.clone());
            let found = prospect(None, &demand, at_login, &[Sure]);
            assert_eq!(found, Prospect::LetIn { why });
        }
    }

    #[test]
    fn before_the_deadline_a_login_sets_up_what_its_account_line_is_met_for() {
        let demand = Demand::From(DEADLINE, Rule::Everybody);
        let let_in = Prospect::LetInUntil {
            deadline: DEADLINE,
            now: NOW,
        };
        let offered = Prospect::Offered {
            deadline: DEADLINE,
            now: NOW,
        };
        let sets_up = Prospect::SetsUp { lenient: true };
        for (at_login, lines, expected) in [
            (AtLogin::Off, &[Sure][..], &let_in),
            (AtLogin::Offer, &[Missing], &let_in),
            (AtLogin::Require, &[Missing], &let_in),
            (AtLogin::Offer, &[LedAround], &offered),
            (AtLogin::Offer, &[Missing, Sure], &offered),
            (AtLogin::Offer, &[], &offered),
            (AtLogin::Require, &[LedAround], &sets_up),
            (AtLogin::Require, &[Sure], &sets_up),
        ] {
            let found = prospect(None, &demand, at_login, lines);
            assert_eq!(&found, expected, "{at_login:?} {lines:?}");
        }
    }

    #[test]
    fn after_the_deadline_only_a_sure_account_line_gets_anybody_in() {
        let rule = Rule::Group("staff".to_owned());
        let demand = Demand::Now(rule.clone());
        for at_login in EVERY {
            for (lines, sets_up) in [
                (&[Missing, LedAround][..], false),
                (&[LedAround], false),
                (&[Missing, Sure], true),
                (&[], true),
            ] {
                let rule = rule.clone();
                let expected = if sets_up && at_login != AtLogin::Off {
                    Prospect::SetsUp { lenient: false }
                } else {
                    Prospect::Refused { rule, at_login }
                };
                let found = prospect(None, &demand, at_login, lines);
                assert_eq!(found, expected, "{at_login:?} {lines:?}");
            }
        }
    }
}
