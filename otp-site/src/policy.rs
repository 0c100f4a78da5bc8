//! `/etc/security/pam_otp.conf`: what the administrator decided.

mod fleet;
mod told;

use crate::Error;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use otp_core::messages::reason::Deed;
use otp_core::messages::reason::Unfit;
use otp_core::network::Network;
use otp_core::qr::Style;
use otp_core::record::{
    Algorithm, AtLogin, CodePolicy, Digits, EnforcePolicy, EnrollPolicy, Groups, HelperPolicy,
    Language, LockoutPolicy, MAX_AUTHENTICATORS, Period, Policies, RecoveryPolicy, ServiceName,
    ServicePolicy, TrustPolicy, Unlock,
};
use otp_core::{Policy, UnixTime, UserName};
use otp_file::{
    Access, Fault, Rules, Section, Source, Unparsed, number, open_file, read_whole, text, texts,
    truth,
};
use std::collections::BTreeMap;
use std::fs::File;
use std::mem;
use std::path::Path;
use std::time::Duration;
use toml::de::DeValue;
use toml_datetime::{Datetime, Offset};

/// The policy file, unless the command line or a module argument names another.
pub const DEFAULT_FILE: &str = "/etc/security/pam_otp.conf";

const LIMIT: u64 = 64 * 1024;

/// Reads the policy. If [`DEFAULT_FILE`] does not exist, all defaults hold; any other named file must exist.
///
/// # Errors
/// The file cannot be read, users other than root can write it, or it is not a valid policy.
pub fn load(path: &Path) -> Result<Policies, Error> {
    load_for(Use::Logins, path)
}

/// Reads the policy as [`load`] does, for a command that shows a new key or checks a policy before it is put in force.
///
/// # Errors
/// As for [`load`], and also if apps would refuse the issuer, although logins work under the policy.
pub fn load_to_enrol(path: &Path) -> Result<Policies, Error> {
    load_for(Use::Enrolling, path)
}

/// What a policy is read for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    /// A login, or a command of an enrolled user: everything that earlier versions accepted is accepted.
    Logins,
    /// A new key, or a check.
    Enrolling,
}

fn load_for(purpose: Use, path: &Path) -> Result<Policies, Error> {
    let shown = path.display().to_string();
    let Some(bytes) = bytes(path, &shown)? else {
        if path == Path::new(DEFAULT_FILE) {
            return Ok(Policies::default());
        }
        return Err(Error::NoPolicy { path: shown });
    };
    parse_for(purpose, &shown, &bytes)
}

pub(crate) fn bytes(path: &Path, shown: &str) -> Result<Option<Vec<u8>>, Error> {
    let (Some(parent), Some(name)) = (
        path.parent(),
        path.file_name().and_then(|name| name.to_str()),
    ) else {
        return Err(Error::Unsafe {
            path: shown.to_owned(),
            fault: Fault::NotAFile,
        });
    };
    // A name alone has an empty parent: the current directory.
    let parent = if parent.as_os_str().is_empty() {
        Path::new(".")
    } else {
        parent
    };
    let directory = match open(
        parent,
        OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC,
        Mode::empty(),
    ) {
        Ok(descriptor) => File::from(descriptor),
        Err(Errno::ENOENT) => return Ok(None),
        Err(errno) => return Err(Error::io(shown, Deed::Open, errno)),
    };
    // Only root may write the file. Everything else unusual about it is harmless: a check that refuses every login must
    // not be one that a user can make fail, for example with a hard link.
    let rules = Rules {
        allowed: 0o7755,
        account: None,
        group: None,
        one_name: false,
    };
    let read = || match open_file(&directory, name, Access::Read, rules, LIMIT)? {
        // It is not secret, so it need not be wiped.
        Some(file) => read_whole(&file, LIMIT).map(|mut bytes| Some(mem::take(&mut *bytes))),
        None => Ok(None),
    };
    read().map_err(|why| Error::unread(shown, why))
}

/// Reads the text of a policy file; `path` is only for errors.
///
/// # Errors
/// It is not TOML, or has an unknown key, or a value that the manual does not allow.
pub fn parse(path: &str, bytes: &[u8]) -> Result<Policies, Error> {
    parse_for(Use::Logins, path, bytes)
}

fn parse_for(purpose: Use, path: &str, bytes: &[u8]) -> Result<Policies, Error> {
    read(purpose, bytes).map_err(|why| Error::unparsed(path, why))
}

fn read(purpose: Use, bytes: &[u8]) -> Result<Policies, Unparsed> {
    let whole = Source::new(bytes)?;
    read_from(purpose, Source::of_text(&whole.in_short())).or_else(|_| read_from(purpose, whole))
}

fn read_from(purpose: Use, source: Source) -> Result<Policies, Unparsed> {
    let mut root = source.root()?;
    let defaults = Policy::default();
    let policy = Policy {
        language: root
            .take("language", language)?
            .unwrap_or(defaults.language),
        issuer: root
            .take("issuer", |value| issuer(purpose, value))?
            .unwrap_or(defaults.issuer),
        code: in_section(&mut root, "code", defaults.code, code)?,
        lockout: in_section(&mut root, "lockout", defaults.lockout, lockout)?,
        recovery: in_section(&mut root, "recovery", defaults.recovery, recovery)?,
        enroll: in_section(&mut root, "enroll", defaults.enroll, enroll)?,
        enforce: in_section(&mut root, "enforce", defaults.enforce, enforce)?,
        trust: in_section(&mut root, "trust", defaults.trust, trust)?,
        mail: in_section(&mut root, "mail", defaults.mail, told::mail)?,
        helper: in_section(&mut root, "helper", defaults.helper, helper)?,
        hooks: in_section(&mut root, "hooks", defaults.hooks, told::hooks)?,
        fleet: in_section(&mut root, "fleet", defaults.fleet, fleet::fleet)?,
        seal: in_section(&mut root, "seal", defaults.seal, told::seal)?,
    };
    let services = in_section(&mut root, "service", BTreeMap::new(), |section, _| {
        services(section)
    })?;
    root.end()?;
    Ok(Policies::new(policy, services))
}

fn in_section<'a, T>(
    root: &mut Section<'a>,
    name: &'static str,
    default: T,
    read: impl FnOnce(&mut Section<'a>, T) -> Result<T, Unparsed>,
) -> Result<T, Unparsed> {
    let Some(mut section) = root.section(name)? else {
        return Ok(default);
    };
    let value = read(&mut section, default)?;
    section.end()?;
    Ok(value)
}

fn code(section: &mut Section<'_>, default: CodePolicy) -> Result<CodePolicy, Unparsed> {
    Ok(CodePolicy {
        algorithm: section
            .take("algorithm", |value| {
                Algorithm::from_name(text(value)?).ok_or(Unfit::NoAlgorithm)
            })?
            .unwrap_or(default.algorithm),
        digits: section
            .take("digits", |value| {
                Digits::new(number(value)?).map_err(|reason| reason.0)
            })?
            .unwrap_or(default.digits),
        period: section
            .take("period", |value| {
                Period::new(number(value)?).map_err(|reason| reason.0)
            })?
            .unwrap_or(default.period),
        window: section
            .take("window", up_to(10, Unfit::WindowOfPolicy))?
            .unwrap_or(default.window),
    })
}

fn lockout(section: &mut Section<'_>, default: LockoutPolicy) -> Result<LockoutPolicy, Unparsed> {
    let count = |value: &DeValue<'_>| u32::try_from(number(value)?).map_err(|_| Unfit::TooLarge);
    let failures = section
        .take("failures", count)?
        .unwrap_or(default.failures());
    let unlock = section
        .take("unlock_after", |value| match text(value)? {
            "never" => Ok(Unlock::Never),
            wait => duration(wait).map(Unlock::After),
        })?
        .unwrap_or(default.unlock());
    let most = section
        .take("unlock_after_max", |value| duration(text(value)?))?
        .unwrap_or(default.unlock_after_max());
    let disable = section
        .take("disable_after", count)?
        .map_or(default.disable_after(), |limit| {
            (limit > 0).then_some(limit)
        });
    LockoutPolicy::new(failures, unlock, most, disable).map_err(|reason| section.fault(reason.0))
}

fn recovery(
    section: &mut Section<'_>,
    default: RecoveryPolicy,
) -> Result<RecoveryPolicy, Unparsed> {
    Ok(RecoveryPolicy {
        codes: section
            .take("codes", up_to(32, Unfit::RecoveryCodesOfPolicy))?
            .unwrap_or(default.codes),
        opens_lock: section
            .take("opens_lock", truth)?
            .unwrap_or(default.opens_lock),
        email: section.take("email", truth)?.unwrap_or(default.email),
    })
}

fn enroll(section: &mut Section<'_>, default: EnrollPolicy) -> Result<EnrollPolicy, Unparsed> {
    let at_login = section.take("at_login", at_login)?;
    let qr = section.take("qr", qr)?;
    let verify_email = section.take("verify_email", truth)?;
    let most = section.take("max_authenticators", |value| {
        match u8::try_from(number(value)?) {
            Ok(count @ 1..=4) => Ok(count),
            _ => Err(Unfit::MostAuthenticators),
        }
    })?;
    debug_assert_eq!(MAX_AUTHENTICATORS, 4, "as the message above says");
    Ok(EnrollPolicy {
        at_login: at_login.unwrap_or(default.at_login),
        is_for_service: default.is_for_service,
        qr: qr.unwrap_or(default.qr),
        max_authenticators: most.unwrap_or(default.max_authenticators),
        verify_email: verify_email.unwrap_or(default.verify_email),
    })
}

fn enforce(section: &mut Section<'_>, default: EnforcePolicy) -> Result<EnforcePolicy, Unparsed> {
    let groups = section.take("groups", |value| {
        let names = names(value, Unfit::NoGroupsOrAll)?;
        Ok::<_, Unfit>(if names.iter().any(|name| name == "*") {
            Groups::Everybody
        } else {
            Groups::Named(names)
        })
    })?;
    let exempt_groups = section.take("exempt_groups", exempt_groups)?;
    let exempt_users = section.take("exempt_users", |value| {
        let reason = Unfit::NoUsers;
        exempt(names(value, reason)?, reason)
    })?;
    let from = section.take("from", |value| match value {
        DeValue::Datetime(date) => moment(*date).map(Some),
        value => match text(value)? {
            "" => Ok(None),
            date => moment(date.parse().map_err(|_| NO_MOMENT)?).map(Some),
        },
    })?;
    let grace = section.take("grace", |value| duration_or_zero(text(value)?))?;
    Ok(EnforcePolicy {
        groups: groups.unwrap_or(default.groups),
        exempt_groups: exempt_groups.unwrap_or(default.exempt_groups),
        exempt_users: exempt_users.unwrap_or(default.exempt_users),
        from: from.unwrap_or(default.from),
        grace: grace.unwrap_or(default.grace),
    })
}

/// Reads what differs for some services: the same keys with the same values, each replacing the general one.
fn services(section: &mut Section<'_>) -> Result<BTreeMap<ServiceName, ServicePolicy>, Unparsed> {
    let named = section.named(|name| ServiceName::new(name).map_err(|reason| reason.0))?;
    let services = named.into_iter().map(|(name, mut section)| {
        let service = ServicePolicy {
            language: section.take("language", language)?,
            at_login: section.take("at_login", at_login)?,
            qr: section.take("qr", qr)?,
            exempt_groups: section.take("exempt_groups", exempt_groups)?,
            networks: section.take("networks", networks)?,
            remember: section.take("remember", remember)?,
        };
        section.end()?;
        Ok((name, service))
    });
    services.collect()
}

fn language(value: &DeValue<'_>) -> Result<Language, Unfit> {
    Language::from_tag(text(value)?).ok_or(Unfit::NoLanguage)
}

fn at_login(value: &DeValue<'_>) -> Result<AtLogin, Unfit> {
    AtLogin::from_word(text(value)?).ok_or(Unfit::NoAtLogin)
}

fn qr(value: &DeValue<'_>) -> Result<Style, Unfit> {
    Style::from_word(text(value)?).ok_or(Unfit::NoQrStyle)
}

fn exempt_groups(value: &DeValue<'_>) -> Result<Vec<String>, Unfit> {
    let reason = Unfit::NoGroups;
    exempt(names(value, reason)?, reason)
}

fn networks(value: &DeValue<'_>) -> Result<Vec<Network>, Unfit> {
    let networks = texts(value)?;
    let networks = networks.iter().map(|one| Network::parse(one));
    networks
        .collect::<Result<_, _>>()
        .map_err(|reason| reason.0)
}

fn remember(value: &DeValue<'_>) -> Result<Duration, Unfit> {
    duration_or_zero(text(value)?)
}

/// Refuses "*" as an exemption: an administrator who wants to exempt everybody enforces nothing.
fn exempt(names: Vec<String>, reason: Unfit) -> Result<Vec<String>, Unfit> {
    if names.iter().any(|name| name == "*") {
        Err(reason)
    } else {
        Ok(names)
    }
}

/// Reads a list of names of users or groups. A name that nobody can have is a typing error.
fn names(value: &DeValue<'_>, reason: Unfit) -> Result<Vec<String>, Unfit> {
    let names = texts(value)?;
    if names
        .iter()
        .all(|name| name.trim() == name && UserName::new(name).is_ok())
    {
        Ok(names)
    } else {
        Err(reason)
    }
}

fn trust(section: &mut Section<'_>, default: TrustPolicy) -> Result<TrustPolicy, Unparsed> {
    let networks = section.take("networks", networks)?;
    let remember = section.take("remember", remember)?;
    Ok(TrustPolicy {
        networks: networks.unwrap_or(default.networks),
        remember: remember.unwrap_or(default.remember),
    })
}

fn helper(section: &mut Section<'_>, default: HelperPolicy) -> Result<HelperPolicy, Unparsed> {
    Ok(HelperPolicy {
        trusted_callers: section
            .take("trusted_callers", |value| names(value, Unfit::NoUsers))?
            .unwrap_or(default.trusted_callers),
    })
}

fn up_to(most: u8, reason: Unfit) -> impl FnOnce(&DeValue<'_>) -> Result<u8, Unfit> {
    move |value| match u8::try_from(number(value)?) {
        Ok(count) if count <= most => Ok(count),
        _ => Err(reason),
    }
}

/// Reads the issuer, which must fit a QR code and a line.
///
/// A colon separates issuer and account in a URI, and therefore many apps refuse a colon in the issuer or show a wrong account.
/// Earlier versions accepted it. A login, which would otherwise be refused, goes on and leaves the colon out of what it
/// shows.
fn issuer(purpose: Use, value: &DeValue<'_>) -> Result<String, Unfit> {
    let issuer = text(value)?;
    if purpose == Use::Enrolling && issuer.contains(':') {
        return Err(Unfit::ColonInIssuer);
    }
    if issuer.chars().count() > 64 || issuer.contains(|c: char| c.is_control()) {
        return Err(Unfit::LongIssuer);
    }
    Ok(issuer.to_owned())
}

/// Reads a duration that may be zero, which needs no unit.
fn duration_or_zero(text: &str) -> Result<Duration, Unfit> {
    match text {
        "0" => Ok(Duration::ZERO),
        wait => duration(wait),
    }
}

/// Reads `90s`, `15m`, `24h` or `30d`.
///
/// # Errors
/// The text has another form; the error says which form it must have.
pub fn duration(text: &str) -> Result<Duration, Unfit> {
    let reason = Unfit::NoDuration;
    let unit = match text.as_bytes().last() {
        Some(b's') => 1,
        Some(b'm') => 60,
        Some(b'h') => 3600,
        Some(b'd') => 86_400,
        _ => return Err(reason),
    };
    let digits = &text[..text.len() - 1];
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(reason);
    }
    let seconds = digits
        .parse::<u64>()
        .ok()
        .and_then(|count| count.checked_mul(unit))
        .ok_or(Unfit::TooLong)?;
    Ok(Duration::from_secs(seconds))
}

const NO_MOMENT: Unfit = Unfit::NoMoment;

/// Returns the moment of a date, `2027-02-01` (its first second), or of a date-time, `2027-02-01T09:00:00Z` or with
/// `+09:00` at its end. Without an offset it is in UTC.
fn moment(written: Datetime) -> Result<UnixTime, Unfit> {
    let date = written.date.ok_or(NO_MOMENT)?;
    let (hour, minute, second) = written.time.map_or((0, 0, 0), |time| {
        (time.hour, time.minute, time.second.unwrap_or(0))
    });
    let local = UnixTime::from_civil_utc(date.year, date.month, date.day, hour, minute, second)
        .ok_or(NO_MOMENT)?;
    let east_minutes = match written.offset {
        None | Some(Offset::Z) => 0,
        Some(Offset::Custom { minutes }) => i64::from(minutes),
    };
    local
        .seconds()
        .checked_add_signed(-60 * east_minutes)
        .map(UnixTime::from_seconds)
        .ok_or(NO_MOMENT)
}

#[cfg(test)]
mod tests;
