//! The system clock.

use otp_core::{Before1970, UnixTime};
use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the present time.
///
/// # Errors
/// The clock is set before 1970.
pub fn now() -> Result<UnixTime, Before1970> {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => Ok(UnixTime::from_seconds(since.as_secs())),
        Err(_) => Err(Before1970),
    }
}
