//! Reads the files in which other programs keep or export one-time password keys: from bytes to values.
//!
//! This crate opens no file, looks up no user and does not know what is stored. A key that cannot be imported is a
//! value too, with the reason. An error about a whole file names the line. Neither quotes the content.
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

/// The largest file of one user, in bytes: `pam_google_authenticator` reads no more.
pub const LIMIT_OF_USER: u64 = 64 * 1024;

/// The largest file of many users, in bytes: about half a million lines of users.oath.
pub const LIMIT: u64 = 64 * 1024 * 1024;

/// One key as another program stored it, or the reason why it cannot be imported.
pub struct Entry {
    /// The line of the key, counted from 1.
    pub line: usize,
    /// The user that the file names.
    pub owner: Option<Owner>,
    /// The name that the file gives the device.
    pub label: Option<String>,
    /// The key and what is known about its use.
    pub device: Result<Device, Obstacle>,
}

/// A user as another program names one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The name as it is written.
    pub written: String,
    /// Whether the text after an `@` may be a realm of the other program, and not part of the user's name here.
    pub may_have_realm: bool,
}

impl Owner {
    /// Makes an owner whose name is meant exactly as written.
    #[must_use]
    pub const fn exactly(written: String) -> Self {
        Self {
            written,
            may_have_realm: false,
        }
    }

    /// Makes an owner from a program that has realms.
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
    /// The kind: time-based or event-based.
    pub kind: Kind,
    /// The hash of the key.
    pub algorithm: Algorithm,
    /// The length of the codes.
    pub digits: Digits,
    /// The key.
    pub secret: Secret,
    /// How far off a code could be, if the other program has a setting for this key; `None`: it used its default
    /// window.
    pub reach: Option<Reach>,
    /// The number of steps ahead of the device's clock at which the other program accepted a code.
    pub ahead: u64,
    /// How far the device's clock is off.
    pub drift: Drift,
    /// The codes that were used.
    pub past: Past,
    /// The last accepted code, if the other program stores the code and not its step.
    pub last_code: Option<TypedCode>,
    /// Recovery codes of eight digits.
    pub scratch_codes: Vec<ImportedCode>,
    /// Remarks about the key for the administrator.
    pub remarks: Vec<Remark>,
}

impl Device {
    /// Makes a key of which no window, drift or use is known.
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

/// The number of steps ahead that a program is assumed to look if nothing states it: the most that ours ever does.
const UNKNOWN_AHEAD: u64 = 10;

/// Why a whole file cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The line, counted from 1.
    pub line: usize,
    /// The fault on that line.
    pub flaw: Flaw,
}
