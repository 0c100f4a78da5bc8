//! One enrolment for thousands of machines, and each code once for all of them.
//!
//! A machine of a fleet holds no secret and does not talk to the database: its client asks a verifier over mutual
//! TLS, and the verifier runs the transactions of `otp_store` over etcd.
#![forbid(unsafe_code)]

pub mod beats;
pub mod client;
pub mod etcd;
#[cfg(test)]
mod fixture;
pub mod keeper;
pub mod name;
pub mod operate;
pub mod registry;
pub mod remote;
pub mod server;
pub mod tls;
