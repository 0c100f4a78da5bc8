//! The store of `pam_otp`: what is remembered about each account.
//!
//! Data that cannot be read with certainty is an [`Error`], never an empty value. "Not enrolled" and "could not be
//! read" are different types, so that no caller can confuse them.
//!
//! [`keeper`] is the lowest layer: what an engine must be able to do. [`account`] has the transactions on an account,
//! written over that trait alone. The engine of this crate stores files in a directory, [`Store`]. [`sealed`] protects
//! the keys of authenticators from everybody who has only a copy of what an engine stores.
#![forbid(unsafe_code)]
// The tests that this feature exports are still tests, which clippy does not see, and only some of what they share is
// exported. Installed programs are built without it and without tests, and all lints apply to them.
#![cfg_attr(any(test, feature = "trial"), allow(clippy::unwrap_used))]
#![cfg_attr(
    all(feature = "trial", not(test)),
    allow(dead_code, unused_imports, clippy::pedantic)
)]

pub mod account;
mod error;
pub mod files;
#[cfg(any(test, feature = "trial"))]
mod fixture;
pub mod keeper;
#[cfg(any(test, feature = "trial"))]
mod memory;
pub mod mint;
pub mod sealed;
mod text;
#[cfg(feature = "trial")]
pub mod trial;
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
pub use sealed::Seal;
pub use undisturbed::Undisturbed;
