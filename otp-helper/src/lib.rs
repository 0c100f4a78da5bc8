//! The way to the records: [`records::Records`] for whoever needs them, and for programs that are not root what is asked,
//! what is answered, and the asking half.
//!
//! The answering half is the program `otp-helper`. It runs with the group that may read the records and nothing else
//! of anybody's privileges. What it has in common with the verifiers of a fleet is in [`serving`].
//!
//! Beside it, for everybody who asks: the script by which people enrol.

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
