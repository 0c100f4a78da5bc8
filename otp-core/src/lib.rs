//! The judgement of `pam_otp`: what a code is, which code matched, which account is locked and until when.
//!
//! Nothing here can open a file, read a clock, look at the environment or draw a random number. Everything that an
//! answer depends on is an argument, so every rule can be tested as a function of values.
#![forbid(unsafe_code)]

mod account;
pub mod base32;
pub mod code;
pub mod decide;
pub mod enforce;
pub mod event;
mod every;
mod host;
pub mod imported;
pub mod input;
pub mod layout;
pub mod login;
pub mod mail;
pub mod mailed;
pub mod messages;
pub mod names;
pub mod network;
pub mod otpauth;
pub mod qr;
pub mod record;
pub mod recovery;
pub mod recovery_sheet;
pub mod time;
mod typed;
pub mod zone;

pub use account::{Account, UnusableName, UserName};
pub use decide::{Verdict, absent, decide};
pub use input::{Input, NoGuess};
pub use names::Names;
pub use record::{Authenticator, Credential, Policy, State};
pub use time::{Before1970, Step, UnixTime};
pub use zone::{Local, Zone};
