//! What `otp-admin doctor` finds: every way through the stack of a service, and what surrounds it.
//!
//! PAM's files are read as libpam reads them ([`chain`]). They are walked as libpam walks them ([`walk`]), with every
//! answer that each module can give ([`modules`]). Nothing is changed, and nobody is logged in.

pub mod account;
pub mod answer;
pub mod arguments;
pub mod atlas;
pub mod auth;
pub mod chain;
pub mod control;
pub mod files;
pub mod machine;
pub mod modules;
pub mod people;
pub mod records;
pub mod service;
pub mod sshd;
pub mod walk;

pub use files::Files;
pub use machine::{Machine, Outside, Report};
pub use service::{Circumstances, Diagnosis, Given, Lines, examine};

#[cfg(test)]
mod tests;
