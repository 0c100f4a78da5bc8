//! The keeping of `pam_otp`: one directory a user, one policy file, and the system's own list of users.
//!
//! Whatever cannot be read with certainty is an [`Error`], never an empty value: "none enrolled" and "could not
//! load" are different types, so that no caller can take the one for the other.
#![forbid(unsafe_code)]

mod access_list;
pub mod attempt;
pub mod change;
pub mod clock;
mod credential_file;
pub mod directory;
mod document;
mod error;
pub mod files;
mod first_login;
#[cfg(test)]
mod fixture;
pub mod groups;
pub mod host;
mod marks;
pub mod mint;
pub mod moving;
mod overview;
pub mod policy;
mod safe_open;
pub mod stack;
mod state_file;
mod trust_file;
mod undisturbed;

pub use attempt::{Committed, attempt};
pub use change::{Change, Draft};
pub use directory::{Account, Named, UserName};
pub use error::{Error, Fault};
pub use files::{Locked, Record, Store};
pub use overview::{Device, Overview};
pub use trust_file::Place;
