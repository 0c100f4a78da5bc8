//! The keeping of `pam_otp`: what is remembered about each user, one directory a user.
//!
//! Whatever cannot be read with certainty is an [`Error`], never an empty value: "none enrolled" and "could not
//! load" are different types, so that no caller can take the one for the other.
#![forbid(unsafe_code)]

mod access_list;
pub mod attempt;
pub mod change;
mod credential_file;
mod error;
pub mod files;
mod first_login;
#[cfg(test)]
mod fixture;
mod marks;
pub mod mint;
pub mod moving;
mod overview;
mod state_file;
mod trust_file;
mod undisturbed;

pub use attempt::{Committed, attempt};
pub use change::{Change, Draft};
pub use error::Error;
pub use files::{Locked, Record, Store};
pub use otp_file::Fault;
pub use overview::{Device, Overview};
pub use trust_file::Place;
