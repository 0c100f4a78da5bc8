//! `/etc/security/pam_otp.conf`: what the administrator decided.

use crate::document::{Section, Source, number, text, texts, truth};
use crate::safe_open::{Access, Rules, open_file, read_whole};
use crate::{Error, Fault, UserName};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use otp_core::Policy;
use otp_core::record::{
    Algorithm, CodePolicy, Digits, EnforcePolicy, EnrollPolicy, HelperPolicy, Language,
    LockoutPolicy, MAX_AUTHENTICATORS, Period, RecoveryPolicy, Unlock,
};
use std::fs::File;
use std::path::Path;
use std::time::Duration;
use toml::de::DeValue;

/// Where the policy is unless the command line or a module argument says otherwise.
pub const DEFAULT_FILE: &str = "/etc/security/pam_otp.conf";

const LIMIT: u64 = 64 * 1024;

/// Reads the policy. No file at [`DEFAULT_FILE`] means the defaults; a file named explicitly must be there.
///
/// # Errors
/// The file cannot be read, can be written by somebody else than root, or does not say what a policy says.
pub fn load(path: &Path) -> Result<Policy, Error> {
    let shown = path.display().to_string();
    let Some(bytes) = bytes(path, &shown)? else {
        if path == Path::new(DEFAULT_FILE) {
            return Ok(Policy::default());
        }
        return Err(Error::Missing {
            path: shown,
            what: "the policy file is missing",
        });
    };
    parse(&shown, &bytes)
}

fn bytes(path: &Path, shown: &str) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>, Error> {
    let (Some(parent), Some(name)) = (
        path.parent(),
        path.file_name().and_then(|name| name.to_str()),
    ) else {
        return Err(Error::Unsafe {
            path: shown.to_owned(),
            fault: Fault::NotAFile,
        });
    };
    // A name alone has an empty parent: the directory that we are in.
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
        Err(errno) => return Err(Error::io(shown, "open", errno)),
    };
    // Nobody but root may write it. Whatever else is unusual is harmless, and a check that refuses every login must not
    // be one that a user can bring about, by a hard link for instance.
    let rules = Rules {
        allowed: 0o7755,
        account: None,
        group: None,
        one_name: false,
    };
    let Some(file) = open_file(&directory, name, shown, Access::Read, rules, LIMIT)? else {
        return Ok(None);
    };
    read_whole(&file, shown, LIMIT).map(Some)
}

/// Reads the text of a policy file; `path` is for errors only.
///
/// # Errors
/// Not TOML, an unknown key, or a value outside what the manual allows.
pub fn parse(path: &str, bytes: &[u8]) -> Result<Policy, Error> {
    let mut root = Source::new(path, bytes)?.root()?;
    let defaults = Policy::default();
    let policy = Policy {
        language: root
            .take("language", |value| {
                Language::from_tag(text(value)?).ok_or("must be \"en\" or \"ko\"")
            })?
            .unwrap_or(defaults.language),
        issuer: root.take("issuer", issuer)?.unwrap_or(defaults.issuer),
        code: in_section(&mut root, "code", defaults.code, code)?,
        lockout: in_section(&mut root, "lockout", defaults.lockout, lockout)?,
        recovery: in_section(&mut root, "recovery", defaults.recovery, recovery)?,
        enroll: in_section(&mut root, "enroll", defaults.enroll, enroll)?,
        enforce: in_section(&mut root, "enforce", defaults.enforce, enforce)?,
        helper: in_section(&mut root, "helper", defaults.helper, helper)?,
    };
    later(&mut root)?;
    root.end()?;
    Ok(policy)
}

fn in_section<'a, T>(
    root: &mut Section<'a>,
    name: &'static str,
    default: T,
    read: impl FnOnce(&mut Section<'a>, T) -> Result<T, Error>,
) -> Result<T, Error> {
    let Some(mut section) = root.section(name)? else {
        return Ok(default);
    };
    let value = read(&mut section, default)?;
    section.end()?;
    Ok(value)
}

fn code(section: &mut Section<'_>, default: CodePolicy) -> Result<CodePolicy, Error> {
    Ok(CodePolicy {
        algorithm: section
            .take("algorithm", |value| {
                Algorithm::from_name(text(value)?)
                    .ok_or("must be \"SHA1\", \"SHA256\" or \"SHA512\"")
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
            .take("window", up_to(10, "must be 0 to 10 steps"))?
            .unwrap_or(default.window),
    })
}

fn lockout(section: &mut Section<'_>, default: LockoutPolicy) -> Result<LockoutPolicy, Error> {
    let count = |value: &DeValue<'_>| u32::try_from(number(value)?).map_err(|_| "is too large");
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

fn recovery(section: &mut Section<'_>, default: RecoveryPolicy) -> Result<RecoveryPolicy, Error> {
    Ok(RecoveryPolicy {
        codes: section
            .take("codes", up_to(32, "must be 0 to 32"))?
            .unwrap_or(default.codes),
        opens_lock: section
            .take("opens_lock", truth)?
            .unwrap_or(default.opens_lock),
    })
}

fn enroll(section: &mut Section<'_>, default: EnrollPolicy) -> Result<EnrollPolicy, Error> {
    section.take("at_login", only("off"))?;
    section.take("verify_email", |value| {
        if truth(value)? { Err(NOT_YET) } else { Ok(()) }
    })?;
    let most = section.take("max_authenticators", |value| {
        match u8::try_from(number(value)?) {
            Ok(count @ 1..=4) => Ok(count),
            _ => Err("must be 1 to 4"),
        }
    })?;
    debug_assert_eq!(MAX_AUTHENTICATORS, 4, "as the message above says");
    Ok(EnrollPolicy {
        max_authenticators: most.unwrap_or(default.max_authenticators),
    })
}

fn enforce(section: &mut Section<'_>, default: EnforcePolicy) -> Result<EnforcePolicy, Error> {
    let everybody = section.take("groups", |value| match texts(value)?.as_slice() {
        [] => Ok(false),
        [all] if all == "*" => Ok(true),
        _ => Err(
            "must be [\"*\"] (everybody) or [] (nobody); this version does not act on other groups yet",
        ),
    })?;
    section.take("exempt_groups", none)?;
    section.take("exempt_users", none)?;
    section.take("from", only(""))?;
    section.take("grace", only("0d"))?;
    Ok(EnforcePolicy {
        everybody: everybody.unwrap_or(default.everybody),
    })
}

fn helper(section: &mut Section<'_>, default: HelperPolicy) -> Result<HelperPolicy, Error> {
    let names = |value: &DeValue<'_>| {
        let names = texts(value)?;
        if names.iter().all(|name| UserName::new(name).is_ok()) {
            Ok(names)
        } else {
            Err("must be names of users")
        }
    };
    Ok(HelperPolicy {
        trusted_callers: section
            .take("trusted_callers", names)?
            .unwrap_or(default.trusted_callers),
    })
}

/// Keys of the format that this version does not act on. To take a value for one and then not act on it would be
/// to promise something, so only the value that changes nothing is taken.
fn later(root: &mut Section<'_>) -> Result<(), Error> {
    in_section(root, "trust", (), |section, ()| {
        section.take("networks", none)?;
        section.take("remember", only("0"))?;
        Ok(())
    })?;
    in_section(root, "mail", (), |section, ()| {
        section.take("sendmail", only("/usr/sbin/sendmail"))?;
        section.take("from", only(""))?;
        section.take("address", only(""))?;
        Ok(())
    })?;
    in_section(root, "hooks", (), |section, ()| {
        section.take("run", only("")).map(drop)
    })?;
    Ok(())
}

const NOT_YET: &str = "this version does not act on this key yet; leave it at its default";

fn only(default: &'static str) -> impl FnOnce(&DeValue<'_>) -> Result<(), &'static str> {
    move |value| {
        if text(value)? == default {
            Ok(())
        } else {
            Err(NOT_YET)
        }
    }
}

fn none(value: &DeValue<'_>) -> Result<(), &'static str> {
    if texts(value)?.is_empty() {
        Ok(())
    } else {
        Err(NOT_YET)
    }
}

fn up_to(most: u8, reason: &'static str) -> impl FnOnce(&DeValue<'_>) -> Result<u8, &'static str> {
    move |value| match u8::try_from(number(value)?) {
        Ok(count) if count <= most => Ok(count),
        _ => Err(reason),
    }
}

/// The issuer must fit a QR code and a line.
fn issuer(value: &DeValue<'_>) -> Result<String, &'static str> {
    let issuer = text(value)?;
    if issuer.chars().count() > 64 || issuer.contains(|c: char| c.is_control()) {
        return Err("must have at most 64 characters, on one line");
    }
    Ok(issuer.to_owned())
}

/// Reads `90s`, `15m`, `24h` or `30d`.
fn duration(text: &str) -> Result<Duration, &'static str> {
    let reason = "must be a number and a unit: \"90s\", \"15m\", \"24h\", \"30d\"";
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
        .ok_or("is too long")?;
    Ok(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests;
