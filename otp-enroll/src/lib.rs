//! The command lines of `pam_otp`: `otp-enroll` for whoever has a phone to set up, `otp-admin` for root.
//!
//! [`cli`] says what can be asked for and by which rules, [`enroll`] and [`admin`] do it. Everything here is about
//! people and their terminals; what a code is worth is decided in `otp-core`, and kept by `otp-store`.
#![forbid(unsafe_code)]

pub mod admin;
pub mod certificate;
pub mod cli;
pub mod enroll;
pub mod terminal;

mod caller;
mod dialogue;
mod engine;
mod failure;
mod layout;
mod locale;
mod log;
mod lost;
mod new_file;
mod output;
mod pending;
mod picture;
mod site;
mod status;
mod trial;
