//! Decides whether a token is still valid, from everything that can be seen of the account now.

use super::kept::{Kept, random};
use super::token::{Claims, Failures, Signer, Tag};
use super::{Site, Trouble, log, now, shadow};
use crate::wire::{Ended, FIRST_WITHIN, Standing, Token, Wanted};
use otp_core::enforce::{Demand, Login, demand_on_login};
use otp_core::record::{Refusal, Standing as AccountStanding};
use otp_core::{Account, Policy, UnixTime};
use otp_helper::records::{Enrolled, Records};
use otp_site::{Named, clock, groups, policy, users};
use otp_store::Overview;
use std::time::Duration;

/// A user id that no one has. The one above it means "no user" to `chown` and others; this one is `nobody` of a remote
/// system.
const NOBODY: u32 = u32::MAX - 1;

/// How far in the future a login may seem to be, because a clock was set in the meantime.
const CLOCKS_DIFFER_BY: Duration = Duration::from_secs(120);

/// Makes and judges tokens.
pub(super) struct Judge<'a> {
    site: &'a Site,
    kept: Kept,
    signer: Signer,
}

/// The facts about an account that are visible before the user has proved their identity.
pub(super) struct Before {
    login: String,
    password: Tag,
    left: Tag,
}

/// A user whose token is valid.
pub(super) struct Bearer {
    /// The claims of the token.
    pub claims: Claims,
    /// The account, as the name service has it now.
    pub account: Account,
}

impl<'a> Judge<'a> {
    pub(super) fn new(site: &'a Site) -> Result<Self, Trouble> {
        let kept = Kept::open(&site.state)?;
        let signer = kept.signer()?;
        Ok(Self { site, kept, signer })
    }

    /// Returns the user of a token, if it is still valid.
    pub(super) fn bearer(&self, token: &Token) -> Result<Result<Bearer, Ended>, Trouble> {
        match self.signer.open(token) {
            Some(claims) => self.bearer_of(claims, now()?),
            None => Ok(Err(Ended::NotOurs)),
        }
    }

    /// Returns whether a token is valid. The caller logs what cannot be found out.
    pub(super) fn standing(&self, token: &Token) -> Result<Standing, Trouble> {
        Ok(match self.bearer(token)? {
            Ok(_) => Standing::Stands,
            Err(why) => Standing::Ended(why),
        })
    }

    /// Returns the user of a token that this machine has signed, or why the token has ended.
    fn bearer_of(&self, claims: Claims, now: UnixTime) -> Result<Result<Bearer, Ended>, Trouble> {
        if is_over(&claims, self.site.lasts, now) {
            return Ok(Err(Ended::TimeIsUp));
        }
        let named = named(&claims.login)?.filter(|named| named.account.uid == claims.uid);
        let Some(Named { account, .. }) = named else {
            return Ok(Err(Ended::AccountGone));
        };
        let entry = shadow::entry(&claims.login)?;
        if entry.as_ref().is_some_and(|entry| entry.has_expired(now)) {
            return Ok(Err(Ended::AccountGone));
        }
        let password = entry.as_ref().map(|entry| entry.password.as_slice());
        if self.signer.of_password(claims.uid, password) != claims.password {
            return Ok(Err(Ended::PasswordChanged));
        }
        if self.kept.left(claims.uid)? != claims.left {
            return Ok(Err(Ended::LeftEverywhere));
        }
        let overview = self.overview(&account)?;
        let ended = by_records(&claims, overview.as_ref(), |device| {
            self.signer.of_device(claims.uid, device)
        });
        Ok(match ended {
            Some(why) => Err(why),
            None => Ok(Bearer { claims, account }),
        })
    }

    /// Returns the policy for an account, and its records, wherever they are.
    fn records(&self, account: &Account) -> Result<(Policy, Records), Trouble> {
        let policy = policy::load(&self.site.at.conf)
            .map_err(|error| Trouble::new("the policy", &error))?
            .for_account();
        let records = Records::of_account(Some(account), &policy, true, &self.site.at)
            .map_err(|error| Trouble::new("the records", &error))?;
        Ok((policy, records))
    }

    /// Returns how the account stands in the records.
    fn overview(&self, account: &Account) -> Result<Option<Overview>, Trouble> {
        let (policy, records) = self.records(account)?;
        records
            .overview(account, &policy, clock::now)
            .map_err(|error| Trouble::new("the records", &error))
    }

    /// Returns what policy demands of a user without an authenticator, as `otp-admin policy show` does: the strictest
    /// demand of all services, because the account is for all of them.
    pub(super) fn wanted(&self, bearer: &Bearer) -> Result<Wanted, Trouble> {
        let account = &bearer.account;
        let (policy, records) = self.records(account)?;
        let found = records.enrolled(account);
        let first_login = match found.map_err(|error| Trouble::new("the records", &error))? {
            Enrolled::No { first_login } => first_login,
            // An authenticator was set up after the status was read.
            Enrolled::Yes => return Ok(Wanted::Nothing),
        };
        let alias = named(&bearer.claims.login)?.and_then(|named| named.alias);
        let login = Login {
            name: &account.name,
            alias: alias.as_ref(),
            nullok: false,
            first_login,
        };
        let (demand, _) = demand_on_login(&policy.enforce, &login, groups::belongs, now()?);
        Ok(match demand {
            Demand::Nothing(_) => Wanted::Nothing,
            Demand::From(deadline, _) => Wanted::From(deadline),
            Demand::Now(_) => Wanted::Now,
        })
    }

    /// Looks at an account before the user has proved anything. Every later change then ends the token.
    pub(super) fn before(&self, named: &Named) -> Result<Before, Trouble> {
        let (login, uid) = (login_name(named), named.account.uid);
        Ok(Before {
            password: self.password(&login, uid)?,
            left: self.kept.left(uid)?,
            login,
        })
    }

    /// Does the same work for an unknown name, so that the time does not tell which names exist.
    pub(super) fn before_nobody(&self, name: &str) -> Result<(), Trouble> {
        // For a user, the id is looked up as well.
        users::account_of(NOBODY).map_err(|error| Trouble::new("the account", &error))?;
        self.password(name, NOBODY)?;
        self.kept.left(NOBODY)?;
        Ok(())
    }

    fn password(&self, login: &str, uid: u32) -> Result<Tag, Trouble> {
        let entry = shadow::entry(login)?;
        let password = entry.as_ref().map(|entry| entry.password.as_slice());
        Ok(self.signer.of_password(uid, password))
    }

    /// Makes the token of a user whom PAM has let in under this name, and returns its claims. `has_changed`: the user
    /// has just chosen a new password.
    pub(super) fn token_of(
        &self,
        named: &Named,
        before: &Before,
        has_changed: bool,
    ) -> Result<(Token, Claims), Trouble> {
        let (login, uid) = (login_name(named), named.account.uid);
        let (failures, devices) = self.seen(&named.account)?;
        let began = now()?;
        let claims = Claims {
            uid,
            began,
            ends: began.after(self.site.lasts),
            // The new name of the login has a password of its own.
            password: if has_changed || login != before.login {
                self.password(&login, uid)?
            } else {
                before.password
            },
            left: before.left,
            failures,
            devices,
            login,
        };
        Ok((self.sign(&claims)?, claims))
    }

    /// Makes a new token after the user has changed authenticators. It ends when the old one would have ended.
    pub(super) fn token_after(&self, bearer: &Bearer) -> Result<Token, Trouble> {
        let (failures, devices) = self.seen(&bearer.account)?;
        self.sign(&Claims {
            failures,
            devices,
            ..bearer.claims.clone()
        })
    }

    /// Returns the parts of the record whose change ends a token.
    fn seen(&self, account: &Account) -> Result<(Failures, Vec<Tag>), Trouble> {
        let Some(overview) = self.overview(account)? else {
            return Ok((Failures::default(), Vec::new()));
        };
        let devices = overview.authenticators.iter();
        let devices = devices.map(|device| self.signer.of_device(account.uid, device));
        Ok((Failures::of(&overview), devices.collect()))
    }

    fn sign(&self, claims: &Claims) -> Result<Token, Trouble> {
        let token = self.signer.sign(claims, *random()?);
        token.ok_or_else(|| Trouble::new("a token", &"the account's name is too long"))
    }

    /// Ends all tokens of a user.
    pub(super) fn leave(&self, account: &Account) -> Result<(), Trouble> {
        self.kept.leave(account.uid)
    }

    /// Returns the directory of the login part.
    pub(super) const fn kept(&self) -> &Kept {
        &self.kept
    }
}

/// Ends all tokens of a user for an administrator, and logs this. The portal notices when its last answers become too
/// old.
///
/// # Errors
/// There is no such user, or the end cannot be stored.
pub fn log_out(site: &Site, user: &str) -> Result<(), Trouble> {
    let named = named(user)?.ok_or_else(|| Trouble::new(user, &"there is no such user"))?;
    Kept::open(&site.state)?.leave(named.account.uid)?;
    // The logins have ended by now. A policy that cannot be read only means that the hook does not get the event.
    match policy::load(&site.at.conf) {
        Ok(policies) => {
            let hooks = policies.for_account().hooks;
            otp_log::hand_on_for_this_process(&site.at.state_dir, &hooks);
        }
        Err(error) => log::amiss(&format!("no hook is told of a log-out: {error}")),
    }
    log::logged_out(named.account.name.as_str());
    Ok(())
}

/// Returns the account of a name; `None`: no user has it.
pub(super) fn named(name: &str) -> Result<Option<Named>, Trouble> {
    users::named(name).map_err(|error| Trouble::new("the account", &error))
}

/// Returns the name of the login, as the name service has it.
fn login_name(Named { account, alias }: &Named) -> String {
    let name = alias.as_ref().unwrap_or(&account.name);
    name.as_str().to_owned()
}

/// Whether a token has reached its longest time, also by the present configuration. A token from the future was made
/// before the clock was put back, so its age is unknown.
fn is_over(claims: &Claims, lasts: Duration, now: UnixTime) -> bool {
    now >= claims.ends
        || now >= claims.began.after(lasts)
        || claims.began > now.after(CLOCKS_DIFFER_BY)
}

/// Whether a token was made just now.
fn is_young(began: UnixTime, now: UnixTime) -> bool {
    now <= began.after(FIRST_WITHIN)
}

/// Whether the user may change something now. A user without an authenticator must have logged in just now, because the
/// helper asks that user for no password.
pub(super) fn may_change(claims: &Claims) -> Result<bool, Trouble> {
    Ok(!claims.devices.is_empty() || is_young(claims.began, now()?))
}

/// Judges a token by the records.
fn by_records(
    claims: &Claims,
    overview: Option<&Overview>,
    tag: impl Fn(&otp_store::Device) -> Tag,
) -> Option<Ended> {
    match overview.map(|overview| overview.standing) {
        Some(AccountStanding::Locked { .. } | AccountStanding::Held) => return Some(Ended::Locked),
        Some(AccountStanding::Disabled) => return Some(Ended::Disabled),
        Some(AccountStanding::Open) | None => {}
    }
    let devices = overview.iter().flat_map(|found| &found.authenticators);
    let devices: Vec<Tag> = devices.map(tag).collect();
    // It is unknown which authenticator was used for the login, so the removal of any of them ends the token.
    let stands = if claims.devices.is_empty() {
        devices.is_empty()
    } else {
        claims.devices.iter().all(|device| devices.contains(device))
    };
    if !stands {
        return Some(Ended::Replaced);
    }
    let has_locked = |overview: &Overview| {
        let was_refused = overview
            .last_refusal
            .is_some_and(|(when, why)| why == Refusal::Locked && when > claims.began);
        was_refused || Failures::of(overview).show_a_lock_since(claims.failures)
    };
    overview.is_some_and(has_locked).then_some(Ended::Locked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use otp_core::record::Name;
    use otp_store::Device;
    fn overview(names: &[&str], standing: AccountStanding) -> Overview {
        let device = |name: &&str| Device {
            name: Name::new(name).unwrap(),
            created: UnixTime::from_seconds(1),
            last_used: None,
            next_counter: None,
        };
        Overview {
            authenticators: names.iter().map(device).collect(),
            recovery_codes_left: 0,
            recovery_codes_issued: None,
            recovery_codes_imported: false,
            failures: 0,
            failures_left: 5,
            standing,
            last_refusal: None,
        }
    }

    fn tag(device: &Device) -> Tag {
        let mut tag = Tag::default();
        tag[0] = device.name.as_str().as_bytes()[0];
        tag
    }

    fn claims(names: &[&str]) -> Claims {
        let all = overview(names, AccountStanding::Open);
        Claims {
            login: "alice".to_owned(),
            uid: 1001,
            began: UnixTime::from_seconds(1_763_640_000),
            ends: UnixTime::from_seconds(1_763_640_000 + 3600),
            password: Tag::default(),
            left: Tag::default(),
            failures: Failures::of(&all),
            devices: all.authenticators.iter().map(tag).collect(),
        }
    }

    #[test]
    fn a_token_stands_while_all_its_authenticators_are_there() {
        for (began, now, ended) in [
            (&["a"][..], Some(&["a"][..]), None),
            (&["a"], Some(&["a", "b"]), None),
            (&["a", "b"], Some(&["a", "b", "c"]), None),
            // The removed authenticator may be the stolen one.
            (&["a", "b"], Some(&["b"]), Some(Ended::Replaced)),
            (&["a", "b"], Some(&["b", "c"]), Some(Ended::Replaced)),
            (&["a"], Some(&["b"]), Some(Ended::Replaced)),
            (&["a"], None, Some(Ended::Replaced)),
            (&[], None, None),
            (&[], Some(&["a"]), Some(Ended::Replaced)),
        ] {
            let now = now.map(|names| overview(names, AccountStanding::Open));
            assert_eq!(by_records(&claims(began), now.as_ref(), tag), ended);
        }
    }

    #[test]
    fn a_token_is_young_for_a_while_after_the_login() {
        let login = UnixTime::from_seconds(1_763_640_000);
        let is_young = |after| is_young(login, login.after(Duration::from_secs(after)));
        assert!(is_young(0) && is_young(900));
        assert!(!is_young(901) && !is_young(3599));
    }

    #[test]
    fn a_token_ends_at_its_own_time_and_at_the_configured_one() {
        let claims = claims(&["a"]);
        let is_over = |lasts, seconds: i64| {
            let now = claims.began.seconds().checked_add_signed(seconds).unwrap();
            is_over(
                &claims,
                Duration::from_secs(lasts),
                UnixTime::from_seconds(now),
            )
        };
        for (lasts, after, over) in [
            (3600, 0, false),
            (3600, 3599, false),
            (3600, 3600, true),
            (7200, 3600, true),
            (600, 599, false),
            (600, 600, true),
            (3600, -120, false),
            (3600, -121, true),
        ] {
            assert_eq!(is_over(lasts, after), over, "{lasts} {after}");
        }
    }

    #[test]
    fn a_token_ends_with_a_lock() {
        let timed = AccountStanding::Locked {
            since: UnixTime::from_seconds(1),
            lasts: Duration::from_secs(60),
        };
        for (standing, ended) in [
            (AccountStanding::Open, None),
            (timed, Some(Ended::Locked)),
            (AccountStanding::Held, Some(Ended::Locked)),
            (AccountStanding::Disabled, Some(Ended::Disabled)),
        ] {
            let now = overview(&["a"], standing);
            assert_eq!(by_records(&claims(&["a"]), Some(&now), tag), ended);
        }
    }
    #[test]
    fn a_token_ends_with_a_lock_that_has_come_and_gone() {
        let mut now = overview(&["a"], AccountStanding::Open);
        (now.failures, now.failures_left) = (4, 1);
        assert_eq!(by_records(&claims(&["a"]), Some(&now), tag), None);
        (now.failures, now.failures_left) = (5, 5);
        assert_eq!(
            by_records(&claims(&["a"]), Some(&now), tag),
            Some(Ended::Locked)
        );
        // A login at a service that asks for no code does not forget failures.
        let later = Claims {
            failures: Failures::of(&now),
            ..claims(&["a"])
        };
        (now.failures, now.failures_left) = (9, 1);
        assert_eq!(by_records(&later, Some(&now), tag), None);
    }

    /// Lifting a lock forgets the failures, but not the last refusal.
    #[test]
    fn a_token_ends_with_a_lifted_lock_that_refused_a_code() {
        let mut now = overview(&["a"], AccountStanding::Open);
        let began = claims(&["a"]).began;
        let later = began.after(Duration::from_secs(1));
        for (when, why, ended) in [
            (later, Refusal::Locked, Some(Ended::Locked)),
            (began, Refusal::Locked, None),
            (later, Refusal::WrongCode, None),
            (later, Refusal::Replayed, None),
        ] {
            now.last_refusal = Some((when, why));
            assert_eq!(by_records(&claims(&["a"]), Some(&now), tag), ended);
        }
    }
}
