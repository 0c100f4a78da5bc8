//! The way to the records: [`records::Records`] for every program that needs them; and for programs that do not run
//! as root the requests, the answers, and the asking side.
//!
//! The answering side is the program `otp-helper`. Its only privilege is the group that may read the records. The
//! code that it shares with the verifiers of a fleet is in [`serving`].
//!
//! For all programs that ask, there is also the script of an enrolment.

mod child;
pub mod client;
pub mod confirming;
pub mod enrolment;
pub mod fleet;
pub mod frame;
pub mod mail;
pub mod permission;
pub mod protocol;
pub mod records;
pub mod serving;
pub mod session;
#[allow(unsafe_code, reason = "calls of libc and PAM that have no safe form")]
pub mod system;
