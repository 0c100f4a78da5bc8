//! The results of examining many accounts: the state of each, or its problem.

use super::roster::{Roster, Whom};
use crate::engine::Engine;
use crate::failure::{self, Failure};
use crate::site::Site;
use otp_core::messages::report::Roll;
use otp_core::messages::trouble::{Asker, Trouble};
use otp_core::record::Language;
use otp_core::{Account, UserName};
use otp_site::{Error, clock};
use otp_store::Glance;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// An account that was examined.
pub struct Found {
    /// The name of the account; without an account, the name of the record or the name that was asked about.
    pub user: String,
    /// The account; `None`: there is none.
    pub account: Option<Account>,
    /// The name that was asked about, if it is a second name of the account.
    pub alias: Option<UserName>,
    /// The state of the account; `None`: it cannot be read.
    pub glance: Option<Glance>,
    /// The problem, and what to do about it.
    pub problem: Option<String>,
}

/// The time to wait for one account that another process holds.
const EACH: Duration = Duration::from_millis(50);

/// The time to wait for all of them together: users can hold their own accounts, and there may be many.
const ALL: Duration = Duration::from_secs(2);

/// Examines many accounts, and waits for none of them long.
pub struct Sight<'a, E: Engine> {
    site: &'a Site<E>,
    store: &'a E::Keeper,
    roster: &'a Roster,
    waited_ms: AtomicU64,
}

impl<'a, E: Engine> Sight<'a, E> {
    /// Starts on the accounts of this roster.
    pub const fn of(site: &'a Site<E>, store: &'a E::Keeper, roster: &'a Roster) -> Self {
        let waited_ms = AtomicU64::new(0);
        Self {
            site,
            store,
            roster,
            waited_ms,
        }
    }

    /// Examines one account; `None`: there is no such account, and nothing to report about the name.
    ///
    /// # Errors
    /// Only if examining any other account would fail too.
    pub fn look(&self, whom: &Whom<'_>) -> Result<Option<Found>, Failure> {
        let user = || whom.name.to_owned();
        let named = match self.roster.people().named(whom.name) {
            Ok(Some(named)) => named,
            Ok(None) if whom.is_recorded => {
                return Ok(Some(
                    self.nobodys(user(), &Trouble::GoneUser { user: user() }),
                ));
            }
            Ok(None) if whom.is_asked => {
                return Ok(Some(
                    self.nobodys(user(), &Trouble::NoSuchUser { user: user() }),
                ));
            }
            Ok(None) => return Ok(None),
            // This concerns one account; the others can still be reported.
            Err(error @ (Error::Disagrees { .. } | Error::UserName(_))) => {
                return Ok(Some(Found::wrong(
                    user(),
                    joined(
                        self.site.language,
                        &error.text(self.site.language),
                        error.hint(self.site.language),
                    ),
                )));
            }
            Err(error) => return Err(error.into()),
        };
        let account = named.account;
        let is_its_name = account.name.as_str() == whom.name;
        if !is_its_name && whom.is_recorded {
            let name = account.name.as_str().to_owned();
            let trouble = Trouble::UnderAnotherName { user: user(), name };
            return Ok(Some(self.nobodys(user(), &trouble)));
        }
        if !is_its_name && !whom.is_asked {
            return Ok(None);
        }
        let is_surely_unrecorded = is_its_name && !whom.is_recorded;
        let glance = if is_surely_unrecorded {
            Ok(Glance::of_nothing())
        } else {
            self.glance(&account)
        };
        let mut found = Found {
            user: account.name.as_str().to_owned(),
            account: Some(account),
            alias: named.alias,
            glance: None,
            problem: None,
        };
        let say = |line: Roll<'_>| Some(line.text(self.site.language));
        match glance {
            Ok(glance) => {
                found.problem = glance.is_held.then(|| say(Roll::Held)).flatten();
                found.glance = Some(glance);
            }
            Err(otp_store::Error::Busy { .. } | otp_store::Error::Overtaken { .. }) => {
                found.problem = say(Roll::HeldUnread);
            }
            Err(error) => {
                let language = self.site.language;
                let hint = failure::hint(&error, Some(&found.user), language);
                found.problem = Some(joined(language, &error.text(language), &hint));
            }
        }
        Ok(Some(found))
    }

    fn glance(&self, account: &Account) -> Result<Glance, otp_store::Error> {
        let waited = Duration::from_millis(self.waited_ms.load(Ordering::Relaxed));
        let patience = EACH.min(ALL.saturating_sub(waited));
        let began = Instant::now();
        let glance = Glance::read(self.store, account, &self.site.policy, patience, clock::now);
        let is_held = match &glance {
            Ok(glance) => glance.is_held,
            Err(error) => matches!(error, otp_store::Error::Busy { .. }),
        };
        if is_held {
            let waited = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.waited_ms.fetch_add(waited, Ordering::Relaxed);
        }
        glance
    }

    fn nobodys(&self, user: String, trouble: &Trouble) -> Found {
        let (what, hint) = (
            trouble.text(self.site.language),
            trouble.hint(self.site.language, Asker::Root),
        );
        Found::wrong(user, joined(self.site.language, &what, &hint))
    }
}

/// Joins what is wrong and what to do: with a semicolon in English; in Korean both are sentences.
fn joined(language: Language, what: &str, hint: &str) -> String {
    match language {
        Language::English => format!("{what}; {hint}"),
        Language::Korean => {
            let what = failure::in_full(language, what.to_owned());
            format!("{what} {hint}")
        }
    }
}

impl Found {
    /// Makes a result that has only a problem.
    pub const fn wrong(user: String, problem: String) -> Self {
        Self {
            user,
            account: None,
            alias: None,
            glance: None,
            problem: Some(problem),
        }
    }
}
