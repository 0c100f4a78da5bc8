//! What this machine says: its policy file, its users and groups, its clock, name and time zone, and PAM's service files.
//!
//! Everything that cannot be found out with certainty is an [`Error`], or says that it is unknown. "No such user" and
//! "the name service did not answer" are different, so that no caller can confuse them.
#![forbid(unsafe_code)]

pub mod clock;
pub mod doctor;
mod error;
#[cfg(test)]
mod fixture;
pub mod groups;
pub mod hook;
pub mod host;
pub mod people;
pub mod policy;
pub mod portal;
pub mod protect;
pub mod stack;
pub mod users;
pub mod zone;

pub use error::{Error, Instead};
pub use users::Named;
