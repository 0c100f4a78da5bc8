//! The portal over real connections, with a login part that says what the real one would say.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod attacks;
mod browser;
mod changes;
mod connections;
mod handover;
mod logins;
mod part;
mod portal;
mod restarts;
mod sites;
mod speaking_tls;
