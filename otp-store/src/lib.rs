//! The keeping of `pam_otp`: what is remembered about each account.
//!
//! Whatever cannot be read with certainty is an [`Error`], never an empty value: "none enrolled" and "could not
//! load" are different types, so that no caller can take the one for the other.
//!
//! [`keeper`] is the bottom: what an engine has to be able to do. [`account`] is what happens to an account, written over
//! that trait alone. The engine of this crate is a folder of files, [`Store`]. [`sealed`] is what keeps the keys of authenticators
//! from whoever has a copy of what an engine keeps.
#![forbid(unsafe_code)]
// The tests that this feature lets out are tests still, which clippy does not see; and only some of what they share is let
// out. What is installed is built with neither, and is held to all of it.
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
