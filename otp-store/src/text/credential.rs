//! `credential.toml` in three format versions. Version 1 says everything except what was imported from other programs,
//! version 2 says that too, and in version 3 the keys are sealed.

use crate::sealed::{self, KeyId, Keys, NoRandom, Pen, Seal, Sealed};
use data_encoding::HEXLOWER;
use otp_core::messages::reason::{Reason, Unfit};
use otp_core::record::{
    Algorithm, Digits, Id, Issued, Kind, Known, Name, Origin, OutOfRange, Outline, Period,
    RecoverySet, Secret, Window,
};
use otp_core::recovery::{CodeHash, Salt};
use otp_core::{Authenticator, Credential, UnixTime, base32};
use otp_file::{Section, Source, Unparsed, number, text};
use std::fmt::Write;
use toml::de::DeValue;
use zeroize::Zeroizing;

/// Far more than four authenticators and 32 recovery codes need.
pub(crate) const LIMIT: u64 = 16 * 1024;
/// Written whenever it can say everything, so that older releases can read it.
const FIRST: u64 = 1;
/// Also has windows of authenticators, and codes of other programs.
const SECOND: u64 = 2;
/// As version 2, with each key sealed. The salt of other programs' codes is sealed too: without it, no copy lets their
/// codes be guessed.
const NEWEST: u64 = 3;
/// How imported codes are hashed: the only way besides our own, which has no name.
const ARGON2ID: &str = "argon2id";
/// The last line. Without it, a file that was cut off between two tables would read as a file with fewer of them.
const END: &str = "# end";

/// Why a credential is not read.
#[derive(Debug)]
pub(crate) enum Unread {
    /// It does not say what it must.
    Unparsed(Unparsed),
    /// A part of it does not open.
    Sealed(sealed::Fault),
}

impl From<Unparsed> for Unread {
    fn from(why: Unparsed) -> Self {
        Self::Unparsed(why)
    }
}

/// The form of a key or a salt in the text.
enum Kept<'a> {
    /// The key or salt itself.
    Plain(&'a str),
    /// The sealed key or salt.
    Sealed(Sealed),
}

/// The place in which sealed data opens: its user, the part it belongs to, and the format.
struct Bound<'a> {
    user: &'a str,
    uid: u32,
}

impl Bound<'_> {
    /// Only the name, which stands last, can contain a `/`.
    fn place(&self, what: &str, id: Id) -> String {
        format!(
            "pam_otp/{NEWEST}/{what}/{}/{}/{}",
            id.text(),
            self.uid,
            self.user
        )
    }

    fn key(&self, id: Id) -> String {
        self.place("key", id)
    }

    fn salt(&self, id: Id) -> String {
        self.place("salt", id)
    }
}

/// Reads a credential with its keys: for judging a code, and for writing another credential.
pub(crate) fn parse(bytes: &[u8], seal: &Seal) -> Result<Credential, Unread> {
    // Errors in the text are reported before anything is opened.
    let parsed = parse_with(bytes, |kept| match kept {
        Kept::Plain(text) => key_in(text).map(Key::Plain),
        Kept::Sealed(sealed) => sealed_key(&sealed).map(|()| Key::Sealed(sealed)),
    })?;
    check(outline_of(&parsed))?;
    let Parsed {
        user,
        uid,
        authenticators,
        recovery,
    } = parsed;
    let bound = Bound { user: &user, uid };
    let open = |key, id| match key {
        Key::Plain(key) => Ok::<_, Unread>(key),
        Key::Sealed(sealed) => {
            let key = seal.open(&sealed, &bound.key(id)).map_err(Unread::Sealed)?;
            Secret::new(key).map_err(|reason| Unparsed::whole(reason.0).into())
        }
    };
    let authenticators = authenticators.into_iter().map(|one| {
        Ok(Authenticator {
            secret: open(one.secret, one.id)?,
            id: one.id,
            name: one.name,
            kind: one.kind,
            algorithm: one.algorithm,
            digits: one.digits,
            window: one.window,
            created: one.created,
        })
    });
    let authenticators = authenticators.collect::<Result<_, Unread>>()?;
    let recovery = recovery.map(|set| {
        Ok::<_, Unread>(RecoverySet {
            salt: match set.salt {
                Salted::Plain(salt) => salt,
                Salted::Sealed(sealed) => {
                    let salt = seal
                        .open(&sealed, &bound.salt(set.id))
                        .map_err(Unread::Sealed)?;
                    let salt = <[u8; 16]>::try_from(salt.as_slice());
                    Salt(salt.map_err(|_| Unread::Sealed(sealed::Fault::Changed))?)
                }
            },
            id: set.id,
            origin: set.origin,
            hashes: set.hashes,
            created: set.created,
        })
    });
    let recovery = recovery.transpose()?;
    Credential::new(user, uid, authenticators, recovery)
        .map_err(|reason| Unparsed::whole(reason.0).into())
}

/// A key as it was found. Has no `Debug`.
enum Key {
    Plain(Secret),
    Sealed(Sealed),
}

fn key_in(text: &str) -> Result<Secret, Unfit> {
    let key = base32::parse(text).ok_or(NOT_BASE32)?;
    Secret::new(key).map_err(out_of_range)
}

fn sealed_key(sealed: &Sealed) -> Result<(), Unfit> {
    Secret::check_length(sealed.length()).map_err(out_of_range)
}

/// Returns the keys that seal a credential, part by part; `None`: a part that is not sealed. Opens nothing.
pub(crate) fn seals(bytes: &[u8]) -> Result<Vec<Option<KeyId>>, Unparsed> {
    let parsed = parse_with(bytes, |kept| {
        Ok(match kept {
            Kept::Plain(_) => None,
            Kept::Sealed(sealed) => Some(sealed.key),
        })
    })?;
    let salt = parsed.recovery.and_then(|set| match set.salt {
        Salted::Sealed(sealed) => Some(Some(sealed.key)),
        Salted::Plain(_) if set.origin.is_imported() => Some(None),
        // Its codes cannot be guessed with the salt.
        Salted::Plain(_) => None,
    });
    let keys = parsed.authenticators.into_iter().map(|one| one.secret);
    Ok(keys.chain(salt).collect())
}

/// Reads the owner of a credential and what belongs to it, without any key. It finds the same errors as [`parse`].
pub(crate) fn outline(bytes: &[u8]) -> Result<Outline, Unparsed> {
    let parsed = parse_with(bytes, |kept| match kept {
        Kept::Plain(text) => {
            let bytes = base32::bytes_in(text).ok_or(NOT_BASE32)?;
            Secret::check_length(bytes).map_err(out_of_range)
        }
        Kept::Sealed(sealed) => sealed_key(&sealed),
    })?;
    check(outline_of(&parsed))
}

fn outline_of<S>(parsed: &Parsed<S>) -> Result<Outline, OutOfRange> {
    let authenticators = parsed.authenticators.iter().map(|one| Known {
        id: one.id,
        name: one.name.clone(),
        kind: one.kind,
        created: one.created,
    });
    let recovery = parsed.recovery.as_ref().map(|set| Issued {
        id: set.id,
        origin: set.origin,
        count: set.hashes.len(),
    });
    Outline::new(
        parsed.user.clone(),
        parsed.uid,
        authenticators.collect(),
        recovery,
    )
}

fn check<T>(put_together: Result<T, OutOfRange>) -> Result<T, Unparsed> {
    put_together.map_err(|reason| Unparsed::whole(reason.0))
}

const NOT_BASE32: Unfit = Unfit::NotBase32;

/// What a credential says, with `S` for each key.
struct Parsed<S> {
    user: String,
    uid: u32,
    authenticators: Vec<Entry<S>>,
    recovery: Option<Set>,
}

/// A set of recovery codes, whose salt may be sealed.
struct Set {
    id: Id,
    origin: Origin,
    salt: Salted,
    hashes: Vec<CodeHash>,
    created: UnixTime,
}

enum Salted {
    Plain(Salt),
    Sealed(Sealed),
}

struct Entry<S> {
    id: Id,
    name: Name,
    kind: Kind,
    algorithm: Algorithm,
    digits: Digits,
    secret: S,
    window: Option<Window>,
    created: UnixTime,
}

fn parse_with<S>(
    bytes: &[u8],
    secret: fn(Kept<'_>) -> Result<S, Unfit>,
) -> Result<Parsed<S>, Unparsed> {
    if bytes.is_empty() {
        return Err(Unparsed::whole(Unfit::Empty));
    }
    let mut root = Source::of_record(bytes)?.root()?;
    let version = root.version(NEWEST)?;
    if !bytes.trim_ascii_end().ends_with(END.as_bytes()) {
        let reason = Reason::CutOff { end: END };
        return Err(Unparsed::whole(reason));
    }
    let user = root.require("user", |value| text(value).map(str::to_owned))?;
    let uid = root.require("uid", |value| {
        u32::try_from(number(value)?).map_err(|_| Unfit::NotAUserId)
    })?;
    let authenticators = root
        .sections("authenticator")?
        .into_iter()
        .map(|section| entry(section, version, secret))
        .collect::<Result<Vec<_>, _>>()?;
    let recovery = root.section("recovery")?;
    let recovery = recovery
        .map(|section| recovery_set(section, version))
        .transpose()?;
    root.end()?;
    Ok(Parsed {
        user,
        uid,
        authenticators,
        recovery,
    })
}

fn entry<S>(
    mut section: Section<'_>,
    version: u64,
    secret: fn(Kept<'_>) -> Result<S, Unfit>,
) -> Result<Entry<S>, Unparsed> {
    let kind = section.require("type", |value| match text(value)? {
        kind @ ("totp" | "hotp") => Ok(kind == "totp"),
        _ => Err(Unfit::NoKind),
    })?;
    let window = match (version, kind) {
        (FIRST, _) => None,
        (_, true) => steps(&mut section)?,
        (_, false) => section.take("look_ahead", |value| {
            Window::of_counters(number(value)?).map_err(out_of_range)
        })?,
    };
    let entry = Entry {
        id: section.require("id", id)?,
        name: section.require("name", |value| {
            Name::new(text(value)?).map_err(out_of_range)
        })?,
        kind: if kind {
            Kind::Totp(section.require("period", |value| {
                Period::new(number(value)?).map_err(out_of_range)
            })?)
        } else {
            Kind::Hotp
        },
        algorithm: section.require("algorithm", |value| {
            Algorithm::from_name(text(value)?).ok_or(Unfit::NoAlgorithm)
        })?,
        digits: section.require("digits", |value| {
            Digits::new(number(value)?).map_err(out_of_range)
        })?,
        secret: match version {
            // An unsealed key may not stand among sealed ones: nobody would notice that it can be read.
            NEWEST => section.require(SEALED, |value| secret(Kept::Sealed(sealed(value)?)))?,
            _ => section.require("secret", |value| secret(Kept::Plain(text(value)?)))?,
        },
        window,
        created: section.require("created", |value| number(value).map(UnixTime::from_seconds))?,
    };
    section.end()?;
    Ok(entry)
}

/// Reads the window of a time-based authenticator: both sides, or neither.
fn steps(section: &mut Section<'_>) -> Result<Option<Window>, Unparsed> {
    let before = section.take("before", number)?;
    let after = section.take("after", number)?;
    match (before, after) {
        (None, None) => Ok(None),
        (Some(before), Some(after)) => Window::of_steps(before, after)
            .map(Some)
            .map_err(|reason| section.fault(reason.0)),
        _ => Err(section.fault(Unfit::HalfAWindow)),
    }
}

/// The name of a sealed key, where a key would stand; and of a sealed salt.
const SEALED: &str = "sealed";

fn sealed(value: &DeValue<'_>) -> Result<Sealed, Unfit> {
    Sealed::parse(text(value)?).ok_or(Unfit::NotSealed)
}

fn recovery_set(mut section: Section<'_>, version: u64) -> Result<Set, Unparsed> {
    let origin = match version {
        FIRST => None,
        _ => section.take("hash", |value| match text(value)? {
            ARGON2ID => Ok(Origin::Imported),
            _ => Err(Unfit::NoHash),
        })?,
    };
    let origin = origin.unwrap_or_default();
    let set = Set {
        id: section.require("id", id)?,
        origin,
        salt: if version == NEWEST && origin.is_imported() {
            Salted::Sealed(section.require(SEALED, |value| {
                let sealed = sealed(value)?;
                let is_salt = sealed.length() == size_of::<Salt>();
                is_salt.then_some(sealed).ok_or(Unfit::NoSalt)
            })?)
        } else {
            Salted::Plain(section.require("salt", |value| hex(text(value)?).map(Salt))?)
        },
        created: section.require("created", |value| number(value).map(UnixTime::from_seconds))?,
        hashes: section.require("codes", |value| {
            let codes = value.as_array().ok_or(Unfit::NotTexts)?;
            codes
                .iter()
                .map(|code| hex(text(code.get_ref())?).map(CodeHash))
                .collect::<Result<Vec<_>, _>>()
        })?,
    };
    section.end()?;
    Ok(set)
}

const fn out_of_range(reason: OutOfRange) -> Unfit {
    reason.0
}

fn id(value: &DeValue<'_>) -> Result<Id, Unfit> {
    Id::parse(text(value)?).ok_or(Unfit::NoId)
}

fn hex<const N: usize>(text: &str) -> Result<[u8; N], Unfit> {
    let bytes = HEXLOWER
        .decode(text.as_bytes())
        .map_err(|_| Unfit::NotHex)?;
    bytes.try_into().map_err(|_| Unfit::HexLength)
}

/// Returns the lowest version that says everything about a credential, since most readers know it.
fn version_of(credential: &Credential, pen: &Pen) -> u64 {
    let has_window = |one: &Authenticator| one.window.is_some();
    let has_imported = |set: &RecoverySet| set.origin.is_imported();
    if matches!(pen, Pen::Sealing(_)) {
        NEWEST
    } else if credential.authenticators().iter().any(has_window)
        || credential.recovery().is_some_and(has_imported)
    {
        SECOND
    } else {
        FIRST
    }
}

/// Writes a credential out. The text holds the secrets, unless the pen seals.
///
/// # Errors
/// The system gave no random bytes to seal with.
pub(crate) fn reveal(credential: &Credential, pen: &Pen) -> Result<Zeroizing<String>, NoRandom> {
    let bound = Bound {
        user: credential.user(),
        uid: credential.uid(),
    };
    let seal = |bytes: &[u8], keys: &Keys, place: &str| {
        Sealed::seal(bytes, keys, place).map(|sealed| sealed.text())
    };
    // Sized beforehand: a string that grows leaves copies of the secrets behind.
    let mut out = Zeroizing::new(String::with_capacity(usize::try_from(LIMIT).unwrap_or(0)));
    let mut line = |arguments: std::fmt::Arguments<'_>| {
        out.write_fmt(arguments)
            .and_then(|()| out.write_char('\n'))
            .expect("writing to a String never fails");
    };
    line(format_args!(
        "# pam_otp credential. Holds secrets. Changed by otp-enroll and otp-admin only."
    ));
    line(format_args!("version = {}", version_of(credential, pen)));
    line(format_args!("user = {}", Quoted(credential.user())));
    line(format_args!("uid = {}", credential.uid()));
    for one in credential.authenticators() {
        line(format_args!("\n[[authenticator]]"));
        line(format_args!("id = \"{}\"", one.id.text()));
        line(format_args!("name = {}", Quoted(one.name.as_str())));
        match one.kind {
            Kind::Totp(period) => {
                line(format_args!("type = \"totp\""));
                line(format_args!("period = {}", period.seconds()));
                if let Some(window) = one.window {
                    line(format_args!("before = {}", window.before()));
                    line(format_args!("after = {}", window.after()));
                }
            }
            Kind::Hotp => {
                line(format_args!("type = \"hotp\""));
                if let Some(window) = one.window {
                    line(format_args!("look_ahead = {}", window.after()));
                }
            }
        }
        line(format_args!("algorithm = \"{}\"", one.algorithm.name()));
        line(format_args!("digits = {}", one.digits.count()));
        let key = one.secret.reveal_bytes();
        match pen {
            Pen::Plain => line(format_args!("secret = \"{}\"", *base32::reveal(key))),
            Pen::Sealing(keys) => {
                let sealed = seal(key, keys, &bound.key(one.id))?;
                line(format_args!("{SEALED} = \"{sealed}\""));
            }
        }
        line(format_args!("created = {}", one.created.seconds()));
    }
    if let Some(set) = credential.recovery() {
        line(format_args!("\n[recovery]"));
        line(format_args!("id = \"{}\"", set.id.text()));
        match set.origin {
            Origin::Issued => {}
            Origin::Imported => line(format_args!("hash = \"{ARGON2ID}\"")),
        }
        match pen {
            Pen::Sealing(keys) if set.origin.is_imported() => {
                let sealed = seal(&set.salt.0, keys, &bound.salt(set.id))?;
                line(format_args!("{SEALED} = \"{sealed}\""));
            }
            _ => line(format_args!("salt = \"{}\"", HEXLOWER.encode(&set.salt.0))),
        }
        line(format_args!("created = {}", set.created.seconds()));
        line(format_args!("codes = ["));
        for hash in &set.hashes {
            line(format_args!("    \"{}\",", HEXLOWER.encode(&hash.0)));
        }
        line(format_args!("]"));
    }
    line(format_args!("{END}"));
    Ok(out)
}

/// A TOML basic string.
struct Quoted<'a>(&'a str);

impl std::fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                c if c.is_control() => write!(f, "\\u{:04X}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}

#[cfg(test)]
mod tests;
