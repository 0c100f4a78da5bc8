//! The system clock.

use crate::Error;
use otp_core::UnixTime;
use std::time::{SystemTime, UNIX_EPOCH};

/// The time now.
///
/// # Errors
/// A clock before 1970.
pub fn now() -> Result<UnixTime, Error> {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => Ok(UnixTime::from_seconds(since.as_secs())),
        Err(_) => Err(Error::Clock),
    }
}
