//! The portal: users enrol, look after their authenticators and log in with a browser.
//!
//! `otp-portal` faces the network, with an account of its own and no secrets. `otp-portal-login` runs as root: it runs
//! PAM, and asks otp-helper on behalf of users who have logged in.

pub mod config;
pub mod login;
pub mod pages;
pub mod program;
pub mod server;
pub mod session;
pub mod verify;
pub mod wire;
