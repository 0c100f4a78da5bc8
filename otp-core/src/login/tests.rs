//! The effect of each line, and the prediction about it.

use super::*;
use AccountLine::{LedAround, Missing, Sure};
use std::time::Duration;

const NOW: UnixTime = UnixTime::from_seconds(1_800_000_000);
const DEADLINE: UnixTime = UnixTime::from_seconds(1_801_440_000);

fn foretold(
    standing: Option<Standing>,
    wanted: &Demand,
    at_login: AtLogin,
    doors: &[Door],
) -> Prospect {
    let known = Known {
        standing,
        has_opener: true,
        wanted,
        at_login,
    };
    foretell(&known, doors, NOW)
}

const fn door(account_line: AccountLine) -> Door {
    Door {
        can_enrol: true,
        proves_identity: true,
        account_line,
    }
}

/// A service whose program stores its output, or cannot ask questions.
const MUTE: Door = Door {
    can_enrol: false,
    ..door(Sure)
};

/// A service in which our line is the only one that decides who is let in.
const UNPROVEN: Door = Door {
    proves_identity: false,
    ..door(Sure)
};

#[test]
fn an_enrolled_account_is_prompted_or_locked_whatever_policy_demands() {
    let exempt = Demand::Nothing(Exemption::User);
    let held = |standing, opens| Prospect::Locked { standing, opens };
    let timed = Standing::Locked {
        since: NOW,
        lasts: Duration::from_secs(900),
    };
    for demand in [exempt, Demand::Now(Rule::Everybody)] {
        for at_login in AtLogin::ALL {
            let of = |standing| foretold(Some(standing), &demand, at_login, &[door(Missing)]);
            assert_eq!(of(Standing::Open), Prospect::Asked);
            assert_eq!(of(timed), held(timed, true));
            assert_eq!(of(Standing::Held), held(Standing::Held, true));
            assert_eq!(of(Standing::Disabled), held(Standing::Disabled, false));
        }
    }
}

#[test]
fn an_account_without_any_demand_is_let_in() {
    for at_login in AtLogin::ALL {
        for door in [door(Sure), door(Missing), MUTE, UNPROVEN] {
            let why = Exemption::NotDemanded;
            let demand = Demand::Nothing(why.clone());
            let found = foretold(None, &demand, at_login, &[door]);
            assert_eq!(found, Prospect::LetIn { why });
        }
    }
}

#[test]
fn a_login_before_the_deadline_enrols_only_if_its_account_line_is_sure() {
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
    let unproven_and_led_around = Door {
        account_line: LedAround,
        ..UNPROVEN
    };
    for (at_login, doors, expected) in [
        (AtLogin::Off, &[door(Sure)][..], &let_in),
        (AtLogin::Offer, &[door(Missing)], &let_in),
        (AtLogin::Offer, &[MUTE], &let_in),
        (AtLogin::Offer, &[UNPROVEN], &let_in),
        (AtLogin::Require, &[unproven_and_led_around], &let_in),
        (AtLogin::Require, &[door(Missing)], &let_in),
        (AtLogin::Offer, &[door(LedAround)], &let_in),
        (AtLogin::Offer, &[MUTE, door(Missing), door(Sure)], &offered),
        (AtLogin::Offer, &[door(Sure), MUTE], &offered),
        (AtLogin::Offer, &[], &offered),
        (AtLogin::Require, &[door(LedAround)], &let_in),
        (AtLogin::Require, &[door(Sure)], &sets_up),
    ] {
        let found = foretold(None, &demand, at_login, doors);
        assert_eq!(&found, expected, "{at_login:?} {doors:?}");
    }
}

#[test]
fn a_login_after_the_deadline_enrols_through_a_sure_account_line_or_is_refused() {
    let rule = Rule::Group("staff".to_owned());
    let demand = Demand::Now(rule.clone());
    for at_login in AtLogin::ALL {
        for (doors, sets_up) in [
            (&[door(Missing), door(LedAround)][..], false),
            (&[door(LedAround)], false),
            (&[MUTE, UNPROVEN], false),
            (&[door(Missing), door(Sure)], true),
            (&[], true),
        ] {
            let rule = rule.clone();
            let expected = if sets_up && at_login != AtLogin::Off {
                Prospect::SetsUp { lenient: false }
            } else {
                Prospect::Refused { rule, at_login }
            };
            let found = foretold(None, &demand, at_login, doors);
            assert_eq!(found, expected, "{at_login:?} {doors:?}");
        }
    }
}

#[test]
fn a_line_that_asks_for_codes_says_why_nobody_can_enrol() {
    let demand = Demand::Now(Rule::Everybody);
    let asks = |because| CodeLine::Asks { because };
    for (mut door, expected) in [
        (door(Sure), CodeLine::Defers),
        (door(Missing), asks(Some(NobodyEnrols::Line(Missing)))),
        (door(LedAround), asks(Some(NobodyEnrols::Line(LedAround)))),
        (UNPROVEN, asks(Some(NobodyEnrols::NobodyProvesIdentity))),
    ] {
        assert_eq!(at_code_line(&demand, true, &mut door), expected);
        assert_eq!(at_code_line(&demand, false, &mut door), asks(None));
    }
}

/// A service whose files must not be looked at, or cannot be.
struct Shut {
    looked_at: u32,
}

impl Around for Shut {
    fn proves_identity(&mut self) -> bool {
        self.looked_at += 1;
        false
    }

    fn account_line(&mut self) -> Option<AccountLine> {
        self.looked_at += 1;
        None
    }
}

#[test]
fn an_unreadable_service_file_enrols_nobody_and_is_read_only_if_it_matters() {
    let exempt = Demand::Nothing(Exemption::Nullok);
    let excuses = CodeLine::Excuses { may_enrol: false };
    let asks = CodeLine::Asks { because: None };
    for (demand, enrols, expected, looked_at) in [
        (&exempt, false, excuses, 0),
        (&exempt, true, excuses, 1),
        (&Demand::Now(Rule::Everybody), false, asks, 0),
        (&Demand::Now(Rule::Everybody), true, asks, 1),
    ] {
        let mut around = Shut { looked_at: 0 };
        assert_eq!(at_code_line(demand, enrols, &mut around), expected);
        assert_eq!(around.looked_at, looked_at);
    }
}

#[test]
fn the_account_line_enrols_only_permitted_users_and_admits_only_before_the_deadline() {
    let rule = Rule::Everybody;
    let (exempt, later, now) = (
        Demand::Nothing(Exemption::User),
        Demand::From(DEADLINE, rule.clone()),
        Demand::Now(rule),
    );
    let until = AtAccountLine::LetsInUntil(DEADLINE);
    let sets_up = |can_wait| AtAccountLine::SetsUp { can_wait };
    for (wanted, at_login, may_enrol, expected) in [
        (&exempt, AtLogin::Require, true, AtAccountLine::LetsIn),
        (&later, AtLogin::Off, true, until),
        (&later, AtLogin::Offer, false, until),
        (&later, AtLogin::Offer, true, sets_up(true)),
        (&later, AtLogin::Require, true, sets_up(false)),
        (&now, AtLogin::Off, true, AtAccountLine::Refuses),
        (&now, AtLogin::Require, false, AtAccountLine::Refuses),
        (&now, AtLogin::Offer, true, sets_up(false)),
        (&now, AtLogin::Require, true, sets_up(false)),
    ] {
        assert_eq!(at_account_line(wanted, at_login, may_enrol), expected);
    }
}
