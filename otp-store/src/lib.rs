//! The keeping of `pam_otp`: what is remembered about each account.
//!
//! Whatever cannot be read with certainty is an [`Error`], never an empty value: "none enrolled" and "could not
//! load" are different types, so that no caller can take the one for the other.
//!
//! [`keeper`] is the bottom: what an engine has to be able to do. [`account`] is what happens to an account, written over
//! that trait alone. The engine of this crate is a folder of files, [`Store`].
#![forbid(unsafe_code)]

pub mod account;
mod error;
pub mod files;
#[cfg(test)]
mod fixture;
pub mod keeper;
#[cfg(test)]
mod memory;
pub mod mint;
mod text;
mod undisturbed;

pub use account::attempt::{Committed, Judged, Remembered, Trusted, attempt, attempt_at};
pub use account::change::{Change, Draft};
pub use account::overview::{Device, Glance, Overview};
pub use account::trust::Place;
pub use account::{attempt, change, moving};
pub use error::{Error, Location};
pub use files::Store;
pub use keeper::Keeper;
pub use otp_file::Fault;
pub use undisturbed::Undisturbed;
