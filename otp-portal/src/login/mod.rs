//! The privileged part of the portal: root's, and small. It listens for the portal alone, has one process for each
//! conversation, runs PAM, signs what a logged-in user is known by, and has otp-helper do what that user may ask for.
//!
//! ```text
//! otp-portal-login                     root: accepts, checks the peer, starts
//!   `- otp-portal-login --conversation root: one connection, one matter
//!        `- otp-portal-login --become  the user for good, then: otp-helper
//! ```
//! Nothing of it outlives its connection: no descriptor and no process is kept for a session.

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

/// The PAM service that lets people in. There is no other: without its files nobody is let in.
pub const SERVICE: &std::ffi::CStr = c"otp-portal";

/// How the login part is set up.
#[derive(Clone, Debug)]
pub struct Site {
    /// The account of the part that faces the network.
    pub account: String,
    /// What is its own: the key, and who has logged out everywhere.
    pub state: PathBuf,
    /// How long a token lasts at the most.
    pub lasts: Duration,
    /// Whether root may log in.
    pub root_may: bool,
    /// Where records, policy and helper are.
    pub at: Installation,
    /// What reads back the events.
    pub admin: PathBuf,
    /// This program, to be started anew.
    pub program: PathBuf,
}

/// Why something could not be found out or done; for the log.
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
