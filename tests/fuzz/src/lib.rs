//! Fuzz targets. Each takes any bytes, makes something of them, and asserts what must hold.
//!
//! `tests/smoke.rs` runs them on stable Rust over the corpus and thousands of changes to it; `tests/fuzz/run` has libFuzzer
//! run the same functions for as long as you like.
//!
//! Code that is private to its crate is compiled here once more from the same file, so that no crate has to expose more than
//! programs need.

// Empty if clippy compiles this crate for tests of its own, of which it has none: the modules of other crates would bring theirs.
#![cfg(not(test))]
#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "all of this is a test, which fails by a panic"
)]

pub mod dice;
mod model;
pub mod mutate;
pub mod records;
pub mod targets;

#[allow(dead_code, reason = "a login needs less than all of the module")]
#[rustfmt::skip] // Formatted where it belongs.
#[path = "../../../pam_otp/src/account.rs"]
mod account;
#[allow(dead_code, reason = "as above")]
#[rustfmt::skip] // Formatted where it belongs.
#[path = "../../../pam_otp/src/call.rs"]
mod call;
#[allow(dead_code, reason = "as above")]
#[rustfmt::skip] // Formatted where it belongs.
#[path = "../../../pam_otp/src/enrolment.rs"]
mod enrolment;
#[allow(dead_code, reason = "as above")]
#[rustfmt::skip] // Formatted where it belongs.
#[path = "../../../pam_otp/src/event.rs"]
mod event;
#[allow(dead_code, reason = "as above")]
#[rustfmt::skip] // Formatted where it belongs.
#[path = "../../../pam_otp/src/host.rs"]
mod host;
#[allow(dead_code, reason = "as above")]
#[rustfmt::skip] // Formatted where it belongs.
#[path = "../../../pam_otp/src/login.rs"]
mod login;
#[allow(dead_code, reason = "as above")]
#[rustfmt::skip] // Formatted where it belongs.
#[path = "../../../pam_otp/src/mailing.rs"]
mod mailing;
#[allow(dead_code, reason = "as above")]
#[rustfmt::skip] // Formatted where it belongs.
#[path = "../../../pam_otp/src/options.rs"]
mod options;
#[allow(dead_code, reason = "as below")]
#[rustfmt::skip] // Formatted where it belongs.
#[path = "../../../otp-store/src/sealed/mod.rs"]
mod sealed;
#[allow(dead_code, reason = "transactions are in otp-store; here are only the codecs")]
#[rustfmt::skip] // Formatted where it belongs.
#[path = "../../../otp-store/src/text/mod.rs"]
mod text;
