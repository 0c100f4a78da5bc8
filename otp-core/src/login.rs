//! What happens in a login of an account without an authenticator: decided at each line of PAM, and foretold by the
//! same two functions.

use crate::enforce::{Demand, Exemption, Rule};
use crate::record::{AtLogin, Standing};
use crate::time::UnixTime;

/// The variable of the PAM environment in which a program gives the language of the person: `en` or `ko`.
pub const LANGUAGE: &str = "PAM_OTP_LANG";

/// How surely logins of a service reach the account line of this module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountLine {
    /// Every login reaches it, and its refusal counts.
    Sure,
    /// The service has no such line.
    Missing,
    /// Another line can bypass it, or its own control lets its refusal pass. Also used where this cannot be told,
    /// because lines continue after a backslash.
    LedAround,
}

/// What surrounds the line that asks for codes. It is looked up only if something depends on it.
pub trait Around {
    /// Whether another module of the service finds out who the user is.
    fn proves_identity(&mut self) -> bool;
    /// How surely logins reach our account line; `None` if that cannot be found out.
    fn account_line(&mut self) -> Option<AccountLine>;
}

/// What the line that asks for codes does about an account without an authenticator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeLine {
    /// It asks for a code as it asks everybody, and every reply is wrong.
    Asks {
        /// Why nobody can be set up, if policy wants that.
        because: Option<NobodyEnrols>,
    },
    /// It asks nothing, since the account is let in without a code.
    Excuses {
        /// Whether the account line may set up an authenticator.
        may_enrol: bool,
    },
    /// It asks nothing, since the account line sets up an authenticator or refuses.
    Defers,
}

/// Why the account line of a service cannot be relied on to set up an authenticator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NobodyEnrols {
    /// No module but ours finds out who the user is.
    NobodyProvesIdentity,
    /// The account line is not one that every login reaches.
    Line(AccountLine),
}

/// What the account line does about an account without an authenticator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtAccountLine {
    /// It lets the user in and says nothing.
    LetsIn,
    /// It lets the user in, and says until when it will.
    LetsInUntil(UnixTime),
    /// It sets up an authenticator, or refuses.
    SetsUp {
        /// Whether the answer "later" also lets the user in.
        can_wait: bool,
    },
    /// It refuses the login.
    Refuses,
}

/// Decides at the line that asks for codes. `enrols`: policy wants authenticators to be set up in logins, and the
/// program of this login can lead the dialogue.
///
/// At this line nobody knows yet what the account line will do. So after the deadline a login is left to it only if
/// every login reaches it, and only if another module keeps out everybody but the user.
pub fn at_code_line(wanted: &Demand, enrols: bool, around: &mut impl Around) -> CodeLine {
    if wanted.lets_in() {
        let may_enrol = enrols && around.proves_identity();
        return CodeLine::Excuses { may_enrol };
    }
    let because = match enrols.then(|| around.account_line()).flatten() {
        Some(AccountLine::Sure) if around.proves_identity() => return CodeLine::Defers,
        Some(AccountLine::Sure) => Some(NobodyEnrols::NobodyProvesIdentity),
        Some(line @ (AccountLine::Missing | AccountLine::LedAround)) => {
            Some(NobodyEnrols::Line(line))
        }
        None => None,
    };
    CodeLine::Asks { because }
}

/// Decides at the account line. `may_enrol`: the line that asks for codes left the login to this line, and the user can
/// be asked.
#[must_use]
pub const fn at_account_line(wanted: &Demand, at_login: AtLogin, may_enrol: bool) -> AtAccountLine {
    match (wanted, at_login) {
        (Demand::Nothing(_), _) => AtAccountLine::LetsIn,
        (_, AtLogin::Offer | AtLogin::Require) if may_enrol => AtAccountLine::SetsUp {
            can_wait: wanted.lets_in() && matches!(at_login, AtLogin::Offer),
        },
        (Demand::From(deadline, _), _) => AtAccountLine::LetsInUntil(*deadline),
        (Demand::Now(_), _) => AtAccountLine::Refuses,
    }
}

/// A service as its files describe it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Door {
    /// Whether its program can set up an authenticator in a login.
    pub can_enrol: bool,
    /// Whether another module finds out who the user is.
    pub proves_identity: bool,
    /// How surely logins reach our account line.
    pub account_line: AccountLine,
}

impl Around for Door {
    fn proves_identity(&mut self) -> bool {
        self.proves_identity
    }

    fn account_line(&mut self) -> Option<AccountLine> {
        Some(self.account_line)
    }
}

impl Door {
    /// A service in which only its program can prevent an enrolment.
    #[must_use]
    pub const fn open(can_enrol: bool) -> Self {
        Self {
            can_enrol,
            proves_identity: true,
            account_line: AccountLine::Sure,
        }
    }

    /// Foretells a login of an account without an authenticator to this service.
    fn prospect(mut self, wanted: &Demand, at_login: AtLogin, now: UnixTime) -> Prospect {
        let enrols = at_login != AtLogin::Off && self.can_enrol;
        let left = match at_code_line(wanted, enrols, &mut self) {
            CodeLine::Asks { .. } => None,
            CodeLine::Defers => Some(true),
            // An account line that can be bypassed cannot be counted on: it neither sets up nor refuses.
            CodeLine::Excuses { may_enrol } => {
                Some(may_enrol && self.account_line == AccountLine::Sure)
            }
        };
        let course = left.map(|may_enrol| at_account_line(wanted, at_login, may_enrol));
        match (wanted, course) {
            (Demand::Nothing(why), _) => Prospect::LetIn { why: why.clone() },
            (&Demand::From(deadline, _), Some(AtAccountLine::SetsUp { can_wait: true })) => {
                Prospect::Offered { deadline, now }
            }
            (_, Some(AtAccountLine::SetsUp { .. })) => Prospect::SetsUp {
                lenient: wanted.lets_in(),
            },
            (&Demand::From(deadline, _), _) => Prospect::LetInUntil { deadline, now },
            (Demand::Now(rule), _) => {
                let rule = rule.clone();
                Prospect::Refused { rule, at_login }
            }
        }
    }
}

/// What would happen in a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prospect {
    /// A code is asked for.
    Asked,
    /// The login is refused as long as the account has this standing.
    Locked {
        /// The standing.
        standing: Standing,
        /// Whether a recovery code opens the account.
        opens: bool,
    },
    /// No code is asked for, and none is demanded.
    LetIn {
        /// Why none is demanded.
        why: Exemption,
    },
    /// The user is let in without a code, until a deadline.
    LetInUntil {
        /// When that ends.
        deadline: UnixTime,
        /// The moment from which the remaining time is counted.
        now: UnixTime,
    },
    /// An authenticator is offered, and "later" is an answer.
    Offered {
        /// Until when "later" is an answer.
        deadline: UnixTime,
        /// The moment from which the remaining time is counted.
        now: UnixTime,
    },
    /// An authenticator is set up, or the login is refused.
    SetsUp {
        /// Whether a user who cannot be asked is let in: this holds before the deadline.
        lenient: bool,
    },
    /// A second factor is demanded, and the account has none.
    Refused {
        /// The rule that demands it.
        rule: Rule,
        /// What policy lets a login do about it.
        at_login: AtLogin,
    },
}

/// The facts about an account whose login is foretold.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The standing of the account; `None`: it has no authenticator.
    pub standing: Option<Standing>,
    /// Whether it has a recovery code that policy lets open a lock.
    pub has_opener: bool,
    /// What policy demands of it as long as it has no authenticator.
    pub wanted: &'a Demand,
    /// What policy lets a login do about that.
    pub at_login: AtLogin,
}

/// Foretells what would happen in a login; with several services, in the best of them. If no service asks for a code,
/// it assumes one in which nothing prevents an enrolment.
#[must_use]
pub fn foretell(known: &Known<'_>, doors: &[Door], now: UnixTime) -> Prospect {
    match known.standing {
        Some(Standing::Open) => Prospect::Asked,
        Some(standing) => Prospect::Locked {
            standing,
            opens: known.has_opener && standing != Standing::Disabled,
        },
        None => {
            let at = |door: &Door| door.prospect(known.wanted, known.at_login, now);
            let sets_up =
                |one: &Prospect| matches!(one, Prospect::Offered { .. } | Prospect::SetsUp { .. });
            let found = doors.iter().map(at).max_by_key(sets_up);
            found.unwrap_or_else(|| at(&Door::open(true)))
        }
    }
}

#[cfg(test)]
mod tests;
