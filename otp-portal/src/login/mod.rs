//! The privileged part of the portal. It runs as root, and is small. It serves only the portal, starts a process for
//! each connection, runs PAM, signs tokens for logged-in users, and has otp-helper do what these users may ask for.
//!
//! ```text
//! otp-portal-login                     root: accepts, checks the peer, starts
//!   `- otp-portal-login --conversation root: one connection, one matter
//!        `- otp-portal-login --become  the user for good, then: otp-helper
//! ```
//! Nothing outlives its connection: a session has no descriptor and no process here.

mod conversation;
mod events;
mod kept;
mod life;
mod line;
mod listen;
mod log;
mod owner;
mod pam;
pub mod permission;
pub mod privileges;
mod shadow;
mod slots;
mod standing;
mod token;

pub use conversation::converse;
pub use listen::{From, serve};
pub use owner::become_user;
pub use standing::log_out;

use otp_core::UnixTime;
use otp_helper::records::Installation;
use std::path::PathBuf;
use std::time::Duration;

/// The PAM service for logins. There is no other: without its file, no one is let in.
pub const SERVICE: &std::ffi::CStr = c"otp-portal";

/// The setup of the login part.
#[derive(Clone, Debug)]
pub struct Site {
    /// The account of the part that faces the network.
    pub account: String,
    /// The directory with the key, and with a file for each user who has logged out everywhere.
    pub state: PathBuf,
    /// How long a token lasts at most.
    pub lasts: Duration,
    /// Whether root may log in.
    pub root_may: bool,
    /// The places of records, policy and helper.
    pub at: Installation,
    /// The program that reads events back.
    pub admin: PathBuf,
    /// The path of this program, which starts itself for each connection.
    pub program: PathBuf,
}

/// Why something could not be found out or done, for the log.
#[derive(Debug)]
pub struct Trouble(String);

impl Trouble {
    fn new(what: &str, why: &impl std::fmt::Display) -> Self {
        Self(format!("{what}: {why}"))
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Trouble {}

fn now() -> Result<UnixTime, Trouble> {
    otp_site::clock::now().map_err(|error| Trouble::new("the clock", &error))
}
