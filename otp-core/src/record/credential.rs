//! The proofs of identity of one account: its authenticators and recovery codes. No attempt changes it.

use super::OutOfRange;
use crate::every;
use crate::messages::reason::Unfit;
use crate::recovery::{CodeHash, Salt};
use crate::time::UnixTime;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// How many authenticators one account may have.
pub const MAX_AUTHENTICATORS: usize = 4;

/// The shared key of one authenticator. Wiped on drop; has no `Debug`, `Display` or `Clone`.
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes key material of 10 to 128 bytes.
    ///
    /// # Errors
    /// It has fewer than 80 bits (the least in files of older programs) or more than 1024.
    pub fn new(bytes: Zeroizing<Vec<u8>>) -> Result<Self, OutOfRange> {
        Self::check_length(bytes.len()).map(|()| Self(bytes))
    }

    /// Checks that a key may have this many bytes.
    ///
    /// # Errors
    /// As for [`Secret::new`].
    pub const fn check_length(bytes: usize) -> Result<(), OutOfRange> {
        match bytes {
            10..=128 => Ok(()),
            _ => Err(OutOfRange(Unfit::SecretLength)),
        }
    }

    /// Whether both keys are equal, in constant time for their length.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    /// The raw key, for computing codes and for the file that stores it.
    #[must_use]
    pub fn reveal_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The hash that codes are computed with (RFC 6238 section 1.2). Many phones know only SHA-1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Algorithm {
    /// HMAC-SHA-1, the default everywhere.
    #[default]
    Sha1,
    /// HMAC-SHA-256.
    Sha256,
    /// HMAC-SHA-512.
    Sha512,
}

impl Algorithm {
    /// All variants.
    pub const ALL: [Self; 3] = every!(Algorithm: Sha1, Sha256, Sha512);

    /// The name used in files, policy and otpauth URIs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
        }
    }

    /// The length of a new key in bytes: that of the hash, as in RFC 6238 appendix B; RFC 4226 section 4 (requirement
    /// R6) recommends 20. Some apps repeat a shorter key up to that length.
    #[must_use]
    pub const fn fresh_key_bytes(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    /// Returns the algorithm with that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
    }
}

/// Length of a code: 6 to 8 digits (RFC 4226 section 5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digits(u8);

impl Digits {
    /// Six digits.
    pub const SIX: Self = Self(6);

    /// Takes a length of 6, 7 or 8.
    ///
    /// # Errors
    /// It is anything else.
    pub fn new(digits: u64) -> Result<Self, OutOfRange> {
        match u8::try_from(digits) {
            Ok(digits @ 6..=8) => Ok(Self(digits)),
            _ => Err(OutOfRange(Unfit::DigitsOfCode)),
        }
    }

    /// The number of digits.
    #[must_use]
    pub const fn count(self) -> u8 {
        self.0
    }
}

/// Length of a step: 15 to 120 seconds (RFC 6238 section 5.2 recommends 30).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period(u8);

impl Period {
    /// Thirty seconds.
    pub const THIRTY: Self = Self(30);
    /// A minute.
    pub const SIXTY: Self = Self(60);

    /// Takes a length in seconds.
    ///
    /// # Errors
    /// It is outside 15 to 120.
    pub fn new(seconds: u64) -> Result<Self, OutOfRange> {
        match u8::try_from(seconds) {
            Ok(seconds @ 15..=120) => Ok(Self(seconds)),
            _ => Err(OutOfRange(Unfit::PeriodOfCode)),
        }
    }

    /// Seconds in a step.
    #[must_use]
    pub const fn seconds(self) -> u64 {
        self.0 as u64
    }
}

/// What makes an authenticator go on to its next code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Time-based codes (RFC 6238).
    Totp(Period),
    /// Event-based codes (RFC 4226).
    Hotp,
}

impl Kind {
    /// The word in files, in otpauth URIs, and in output for programs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Totp(_) => "totp",
            Self::Hotp => "hotp",
        }
    }
}

/// How far a code of an authenticator may be from the expected one, if it differs from the policy: another program that
/// stored its key had its own window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    before: u8,
    after: u8,
}

impl Window {
    /// The most steps on either side, for a time-based authenticator.
    pub const MOST_STEPS: u8 = 10;
    /// The most counters that are tried, for an event-based authenticator.
    pub const MOST_COUNTERS: u8 = 100;

    /// So many steps before and after the step that a time-based authenticator is expected at.
    ///
    /// # Errors
    /// More than [`Window::MOST_STEPS`] on a side.
    pub const fn of_steps(before: u64, after: u64) -> Result<Self, OutOfRange> {
        match (
            Self::within(before, 0, Self::MOST_STEPS),
            Self::within(after, 0, Self::MOST_STEPS),
        ) {
            (Some(before), Some(after)) => Ok(Self { before, after }),
            _ => Err(OutOfRange(Unfit::WindowOfSteps)),
        }
    }

    /// As many steps after the expected one as before, as in a policy, whose reader checks the limit.
    #[must_use]
    pub const fn around(steps: u8) -> Self {
        Self {
            before: steps,
            after: steps,
        }
    }

    /// So many counters of an event-based authenticator, from the next one on: its look-ahead.
    ///
    /// # Errors
    /// Zero, or more than [`Window::MOST_COUNTERS`].
    pub const fn of_counters(look_ahead: u64) -> Result<Self, OutOfRange> {
        match Self::within(look_ahead, 1, Self::MOST_COUNTERS) {
            Some(after) => Ok(Self { before: 0, after }),
            None => Err(OutOfRange(Unfit::WindowOfCounters)),
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "compared with a byte before"
    )]
    const fn within(number: u64, least: u8, most: u8) -> Option<u8> {
        if number >= least as u64 && number <= most as u64 {
            Some(number as u8)
        } else {
            None
        }
    }

    /// Steps before the expected one; zero for an event-based authenticator.
    #[must_use]
    pub const fn before(self) -> u8 {
        self.before
    }

    /// Steps after the expected one; for an event-based authenticator, how many counters are tried.
    #[must_use]
    pub const fn after(self) -> u8 {
        self.after
    }

    /// Whether an authenticator of that kind can have this window.
    #[must_use]
    pub const fn fits(self, kind: Kind) -> bool {
        match kind {
            Kind::Totp(_) => self.before <= Self::MOST_STEPS && self.after <= Self::MOST_STEPS,
            Kind::Hotp => self.before == 0 && self.after >= 1,
        }
    }
}

/// A random identity of 64 bits. A state entry belongs only to the part of a credential with the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Id([u8; 8]);

impl Id {
    /// The id made of these random bytes.
    #[must_use]
    pub const fn from_random(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    /// Sixteen hexadecimal digits.
    #[must_use]
    pub fn text(self) -> String {
        data_encoding::HEXLOWER.encode(&self.0)
    }

    /// Reads sixteen lower-case hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        data_encoding::HEXLOWER
            .decode(text.as_bytes())
            .ok()?
            .try_into()
            .ok()
            .map(Self)
    }
}

/// The name of an authenticator if its user gives none.
pub const DEFAULT_NAME: &str = "phone";

/// A person's name for an authenticator: "phone", "browser", "회사 전화".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// Takes a name of 1 to 32 characters that prints on one line and needs no escaping in TOML.
    ///
    /// # Errors
    /// It is empty, longer, begins or ends with space, or has a control character, an invisible one, `"` or `\`.
    pub fn new(text: &str) -> Result<Self, OutOfRange> {
        let plain = |c: char| !c.is_control() && !is_invisible(c) && !matches!(c, '"' | '\\');
        if (1..=32).contains(&text.chars().count())
            && text.trim() == text
            && text.chars().all(plain)
        {
            Ok(Self(text.to_owned()))
        } else {
            Err(OutOfRange(Unfit::NoName))
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a character is invisible or changes how other characters look: these names appear on other people's
/// terminals.
const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// One device or program that shows codes.
pub struct Authenticator {
    /// The id of its state entry.
    pub id: Id,
    /// The name that its owner gave it.
    pub name: Name,
    /// Time-based or event-based.
    pub kind: Kind,
    /// The hash for computing codes.
    pub algorithm: Algorithm,
    /// Length of its codes.
    pub digits: Digits,
    /// The shared key.
    pub secret: Secret,
    /// How far off its codes may be; `None`: as the policy says.
    pub window: Option<Window>,
    /// When it was enrolled.
    pub created: UnixTime,
}

impl Authenticator {
    /// Whether it shows the same codes as `other`: it has the same key and uses it in the same way.
    #[must_use]
    pub fn shows_the_codes_of(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.algorithm == other.algorithm
            && self.digits == other.digits
            && self.secret.is(&other.secret)
    }
}

/// Where the codes of a set come from, which decides their form and how they are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Origin {
    /// Issued here: 80 random bits each, stored as HMAC-SHA-256.
    #[default]
    Issued,
    /// Imported from another program: 8 digits each, stored as argon2id. They can be guessed from a stolen copy of the
    /// record within an hour. So they open no lock, and are removed together with the key that they came with.
    Imported,
}

impl Origin {
    /// All variants.
    pub const ALL: [Self; 2] = every!(Origin: Issued, Imported);

    /// Whether the codes come from another program.
    #[must_use]
    pub const fn is_imported(self) -> bool {
        match self {
            Self::Issued => false,
            Self::Imported => true,
        }
    }
}

/// Recovery codes that were issued together. Only salted hashes are stored.
pub struct RecoverySet {
    /// The id of its state entry.
    pub id: Id,
    /// Where its codes come from.
    pub origin: Origin,
    /// The salt of the hashes, random for each set.
    pub salt: Salt,
    /// One hash a code; the state remembers used codes by their position in this list.
    pub hashes: Vec<CodeHash>,
    /// When the codes were issued.
    pub created: UnixTime,
}

/// Everything that can open one account, and the account.
pub struct Credential {
    user: String,
    uid: u32,
    authenticators: Vec<Authenticator>,
    recovery: Option<RecoverySet>,
}

impl Credential {
    /// How many recovery codes one set may hold; the state keeps one bit for each.
    pub const MAX_RECOVERY_CODES: usize = 32;

    /// Puts a credential together.
    ///
    /// # Errors
    /// There is no authenticator, or there are more than [`MAX_AUTHENTICATORS`]; two have the same id or name; a window
    /// does not fit its kind; there are too many recovery codes.
    pub fn new(
        user: String,
        uid: u32,
        authenticators: Vec<Authenticator>,
        recovery: Option<RecoverySet>,
    ) -> Result<Self, OutOfRange> {
        check_together(
            authenticators.len(),
            |at| (authenticators[at].id, &authenticators[at].name),
            recovery.as_ref().map_or(0, |set| set.hashes.len()),
        )?;
        let fits = |one: &Authenticator| one.window.is_none_or(|window| window.fits(one.kind));
        if !authenticators.iter().all(fits) {
            return Err(OutOfRange(Unfit::WindowOfAnother));
        }
        Ok(Self {
            user,
            uid,
            authenticators,
            recovery,
        })
    }

    /// Returns the authenticators and the recovery codes, to put another credential together.
    #[must_use]
    pub fn into_parts(self) -> (Vec<Authenticator>, Option<RecoverySet>) {
        (self.authenticators, self.recovery)
    }

    /// The user's name as the name service gave it at enrolment.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The numeric user id at enrolment; a re-created account has another id and inherits nothing.
    #[must_use]
    pub const fn uid(&self) -> u32 {
        self.uid
    }

    /// The authenticators, oldest first.
    #[must_use]
    pub fn authenticators(&self) -> &[Authenticator] {
        &self.authenticators
    }

    /// The newest set of recovery codes; older sets are gone.
    #[must_use]
    pub const fn recovery(&self) -> Option<&RecoverySet> {
        self.recovery.as_ref()
    }
}

/// Checks what must hold for all authenticators and recovery codes of one account together.
fn check_together<'a>(
    authenticators: usize,
    of: impl Fn(usize) -> (Id, &'a Name),
    recovery_codes: usize,
) -> Result<(), OutOfRange> {
    if authenticators == 0 || authenticators > MAX_AUTHENTICATORS {
        return Err(OutOfRange(Unfit::AuthenticatorCount));
    }
    for at in 0..authenticators {
        let (id, name) = of(at);
        if (0..at)
            .map(&of)
            .any(|(other_id, other_name)| other_id == id || other_name == name)
        {
            return Err(OutOfRange(Unfit::SameTwice));
        }
    }
    if recovery_codes > Credential::MAX_RECOVERY_CODES {
        return Err(OutOfRange(Unfit::RecoveryCodeCount));
    }
    Ok(())
}

/// Which authenticators and recovery codes exist: a state is compared with these.
pub trait Identities {
    /// The authenticators, oldest first.
    fn ids(&self) -> impl Iterator<Item = Id>;

    /// The set of recovery codes, and how many codes were issued in it.
    fn issued(&self) -> Option<Issued>;
}

impl Identities for Credential {
    fn ids(&self) -> impl Iterator<Item = Id> {
        self.authenticators.iter().map(|one| one.id)
    }

    fn issued(&self) -> Option<Issued> {
        self.recovery.as_ref().map(|set| Issued {
            id: set.id,
            origin: set.origin,
            count: set.hashes.len(),
        })
    }
}

impl Identities for Outline {
    fn ids(&self) -> impl Iterator<Item = Id> {
        self.authenticators.iter().map(|one| one.id)
    }

    fn issued(&self) -> Option<Issued> {
        self.recovery
    }
}

/// A [`Credential`] without anything that opens the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    user: String,
    uid: u32,
    authenticators: Vec<Known>,
    recovery: Option<Issued>,
}

/// What others may know of an authenticator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The id of its state entry.
    pub id: Id,
    /// The name that its owner gave it.
    pub name: Name,
    /// Time-based or event-based.
    pub kind: Kind,
    /// When it was enrolled.
    pub created: UnixTime,
}

/// What others may know of a set of recovery codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Issued {
    /// The id of its state entry.
    pub id: Id,
    /// Where its codes come from.
    pub origin: Origin,
    /// How many codes were issued together.
    pub count: usize,
}

impl Outline {
    /// Puts an outline together.
    ///
    /// # Errors
    /// As for [`Credential::new`].
    pub fn new(
        user: String,
        uid: u32,
        authenticators: Vec<Known>,
        recovery: Option<Issued>,
    ) -> Result<Self, OutOfRange> {
        check_together(
            authenticators.len(),
            |at| (authenticators[at].id, &authenticators[at].name),
            recovery.map_or(0, |set| set.count),
        )?;
        Ok(Self {
            user,
            uid,
            authenticators,
            recovery,
        })
    }

    /// The user's name as the name service gave it at enrolment.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The numeric user id at enrolment.
    #[must_use]
    pub const fn uid(&self) -> u32 {
        self.uid
    }

    /// The authenticators, oldest first.
    #[must_use]
    pub fn authenticators(&self) -> &[Known] {
        &self.authenticators
    }
}

#[cfg(test)]
mod tests;
