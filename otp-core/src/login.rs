//! What a login of an account without an authenticator comes to: decided line by line as PAM gets to them, and foretold
//! by the same two functions.

use crate::enforce::{Demand, Exemption, Rule};
use crate::record::{AtLogin, Standing};
use crate::time::UnixTime;

/// What becomes of the account line of this module in a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountLine {
    /// No login gets past it.
    Sure,
    /// There is none.
    Missing,
    /// A line can lead around it, or its own control lets its refusal pass; or that cannot be told, where lines go on
    /// behind a backslash.
    LedAround,
}

/// What stands around the line that asks for codes. It is looked at only where something depends on it.
pub trait Around {
    /// Whether another module of the service finds out who the user is.
    fn proves_identity(&mut self) -> bool;
    /// What becomes of our account line; `None`: that cannot be found out.
    fn account_line(&mut self) -> Option<AccountLine>;
}

/// What the line that asks for codes does about an account without an authenticator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeLine {
    /// It asks for a code as it asks everybody, and whatever is typed is wrong.
    Asks {
        /// Why nobody can be set up, where policy would have that.
        because: Option<NobodyEnrols>,
    },
    /// It asks nothing, since the account gets in without.
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
    /// The account line is not one that every login gets to.
    Line(AccountLine),
}

/// What the account line does about an account without an authenticator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtAccountLine {
    /// It lets in and says nothing.
    LetsIn,
    /// It lets in, and tells until when it will.
    LetsInUntil(UnixTime),
    /// It sets up an authenticator, or refuses.
    SetsUp {
        /// Whether "later" lets in as well.
        can_wait: bool,
    },
    /// It refuses.
    Refuses,
}

/// Decides at the line that asks for codes. `enrols`: policy wants authenticators to be set up in logins, and the program
/// that the login happens in can lead the dialogue.
///
/// A login is left to the account line before anybody knows what that will do; so after the deadline only to one that is
/// surely met, and only where another module keeps out who is not the user.
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

/// Decides at the account line. `may_enrol`: the line that asks for codes left it to this one, and the user can be asked.
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

/// A service as its files say it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Door {
    /// Whether its program can set up an authenticator in a login.
    pub can_enrol: bool,
    /// Whether another module finds out who the user is.
    pub proves_identity: bool,
    /// What becomes of our account line.
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
    /// One at which nothing stands in the way, but perhaps its program.
    #[must_use]
    pub const fn open(can_enrol: bool) -> Self {
        Self {
            can_enrol,
            proves_identity: true,
            account_line: AccountLine::Sure,
        }
    }

    /// What a login of an account without an authenticator comes to here.
    fn prospect(mut self, wanted: &Demand, at_login: AtLogin, now: UnixTime) -> Prospect {
        let enrols = at_login != AtLogin::Off && self.can_enrol;
        let left = match at_code_line(wanted, enrols, &mut self) {
            CodeLine::Asks { .. } => None,
            CodeLine::Defers => Some(true),
            // A line that a login may be led around is none to count on: it neither sets up nor refuses.
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

/// What a login would come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prospect {
    /// A code is asked for.
    Asked,
    /// Refused, as long as the account stands like this.
    Locked {
        /// How it stands.
        standing: Standing,
        /// Whether a recovery code opens it.
        opens: bool,
    },
    /// No code is asked for and none is demanded.
    LetIn {
        /// Why.
        why: Exemption,
    },
    /// Let in without a code, which is going to end.
    LetInUntil {
        /// When it ends.
        deadline: UnixTime,
        /// From when that is told.
        now: UnixTime,
    },
    /// An authenticator is offered, and "later" is an answer.
    Offered {
        /// Until when.
        deadline: UnixTime,
        /// From when that is told.
        now: UnixTime,
    },
    /// An authenticator is set up, or there is no getting in.
    SetsUp {
        /// Whether a user who cannot be asked gets in: before the deadline.
        lenient: bool,
    },
    /// A second factor is demanded, and there is none.
    Refused {
        /// By which rule.
        rule: Rule,
        /// What policy would have a login do about it.
        at_login: AtLogin,
    },
}

/// What is known of an account, for foretelling.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// How it stands; `None`: it has no authenticator.
    pub standing: Option<Standing>,
    /// Whether it has a recovery code that policy lets open a lock.
    pub has_opener: bool,
    /// What policy wants of it as long as it has no authenticator.
    pub wanted: &'a Demand,
    /// What policy has a login do about that.
    pub at_login: AtLogin,
}

/// Foretells what a login would come to; of several doors, at the best of them. Where no service asks for a code, there is
/// none to go by, and nothing stands in the way.
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
