//! The files in which other programs keep one-time password keys, or hand them over: read from bytes into values.
//!
//! Nothing here opens a file, looks up a user or knows what is kept. A key that cannot come along is a value too, with the
//! reason; an error of a whole file names the line. Neither ever shows what stands there.
#![forbid(unsafe_code)]

mod csv;
mod google;
mod json;
mod key;
mod numbers;
mod oath;
mod past;
mod pskc;
mod table;
mod uri;
mod uris;

pub use google::google_authenticator;
pub use oath::{OathOptions, users_oath};
pub use past::{Past, Reach, first_code_at, used_by_last_code};
pub use pskc::{PskcOptions, TransportKey, key_container};
pub use uris::uris;

use otp_core::code::TypedCode;
use otp_core::imported::ImportedCode;
use otp_core::messages::import::{Flaw, Obstacle, Remark};
use otp_core::record::{Algorithm, Digits, Drift, Kind, Secret};

/// The largest file of one user, in bytes: what `pam_google_authenticator` reads at most.
pub const LIMIT_OF_USER: u64 = 64 * 1024;

/// The largest file of many users, in bytes: about half a million lines of users.oath.
pub const LIMIT: u64 = 64 * 1024 * 1024;

/// One key as another program had it, or the reason why it cannot come along.
pub struct Entry {
    /// Where it stands: the line, counted from 1.
    pub line: usize,
    /// Whose it is, as it is written there.
    pub owner: Option<Owner>,
    /// What the device is called there.
    pub label: Option<String>,
    /// The key and what is known about its use.
    pub device: Result<Device, Obstacle>,
}

/// A user as another program names one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The name as it is written.
    pub written: String,
    /// Whether what stands behind an `@` may be a realm of the other program, and no part of the name here.
    pub may_have_realm: bool,
}

impl Owner {
    /// A name that means what it says.
    #[must_use]
    pub const fn exactly(written: String) -> Self {
        Self {
            written,
            may_have_realm: false,
        }
    }

    /// A name of a program that has realms.
    #[must_use]
    pub const fn perhaps_of_realm(written: String) -> Self {
        Self {
            written,
            may_have_realm: true,
        }
    }
}

/// A key, and what is known about its use.
pub struct Device {
    /// Time-based or event-based.
    pub kind: Kind,
    /// Its hash.
    pub algorithm: Algorithm,
    /// The length of its codes.
    pub digits: Digits,
    /// The key.
    pub secret: Secret,
    /// How far off its codes could be, where the other program had that set for this key; `None`: it had its usual window.
    pub reach: Option<Reach>,
    /// How many steps ahead of the device's clock the other program took a code.
    pub ahead: u64,
    /// How far its clock is off.
    pub drift: Drift,
    /// Which codes were used.
    pub past: Past,
    /// The code that was accepted last, where the other program keeps that and not its step.
    pub last_code: Option<TypedCode>,
    /// Recovery codes of eight digits.
    pub scratch_codes: Vec<ImportedCode>,
    /// What is to be told about it.
    pub remarks: Vec<Remark>,
}

impl Device {
    /// A key that comes with little else: nothing is known of its window, its clock or its use.
    fn of(kind: Kind, algorithm: Algorithm, digits: Digits, secret: Secret) -> Self {
        Self {
            kind,
            algorithm,
            digits,
            secret,
            reach: None,
            ahead: UNKNOWN_AHEAD,
            drift: Drift::default(),
            past: Past::Unknown,
            last_code: None,
            scratch_codes: Vec::new(),
            remarks: Vec::new(),
        }
    }
}

/// How many steps ahead a program is taken to look where nothing says how many: as far as ours ever does.
const UNKNOWN_AHEAD: u64 = 10;

/// Why a whole file is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong there.
    pub flaw: Flaw,
}
