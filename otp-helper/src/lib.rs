//! The way to the records for programs that are not root: what is asked, what is answered, and the asking half.
//!
//! The answering half is the program `otp-helper`. It runs with the group that may read the records and nothing else
//! of anybody's privileges.

pub mod client;
pub mod frame;
pub mod protocol;
pub mod session;
