//! The portal: people enrol, look after their authenticators and log in with a browser.
//!
//! `otp-portal` faces the network, as an account of its own without secrets. `otp-portal-login` is root's part: it runs PAM, and
//! asks otp-helper for a user who has logged in.

pub mod config;
pub mod login;
pub mod pages;
pub mod program;
pub mod server;
pub mod session;
pub mod verify;
pub mod wire;
