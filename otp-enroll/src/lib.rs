//! The command lines of `pam_otp`: `otp-enroll` for users, `otp-admin` for root.
//!
//! [`cli`] defines the commands and their rules; [`enroll`] and [`admin`] carry them out. This crate is about people
//! and their terminals; `otp-core` judges codes, and `otp-store` stores the records.
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
